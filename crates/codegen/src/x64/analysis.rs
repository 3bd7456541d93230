//! What the lowering must know of a trace before its first operation: one walk backwards.
//!
//! An *entity* is what can be in a register: a value of the trace, by its number, or behind them an entry of the constant table.

use crate::config::Config;
use ir::{Arg, Attr, CallEffect, Exit, Op, OpCode, Trace, ValueId};

/// No such operation.
pub(super) const NEVER: u32 = u32::MAX;

/// The largest tail that is zeroed in line.
pub(super) const SMALL_TAIL_BYTES: u32 = 128;

/// An entity by its number.
pub(super) type Id = u32;

/// Facts of a whole trace.
#[derive(Default)]
pub(super) struct Facts {
    /// How many entities are values.
    pub(super) values: u32,
    pub(super) entities: usize,
    /// For each entity: the first operation that reads it; of a constant's uses in a loop, see [`Facts::next`].
    pub(super) first: Vec<u32>,
    /// The last operation that reads it, itself or for its exit; 0 if none does.
    pub(super) last: Vec<u32>,
    /// How many operands and exits name it.
    pub(super) uses: Vec<u32>,
    /// How many operands of the loop's body do.
    pub(super) weight: Vec<u32>,
    /// Where each operation's operands begin in `next`.
    pub(super) operands: Vec<u32>,
    /// For each operand: the next operation that reads the same entity.
    pub(super) next: Vec<u32>,
    /// For each operation: how many before it take the registers that calls take.
    pub(super) calls: Vec<u32>,
    /// Where the loop's body begins: behind the phis or inputs that go round.
    pub(super) body: Option<u32>,
    pub(super) phis: Vec<Phi>,
    /// The trace can start a collection while it runs.
    pub(super) may_collect: bool,
    /// Values whose off-heap buffer is used.
    pub(super) owners: Vec<u32>,
    /// The most operands of a `call_slice`, less the first.
    pub(super) slice_words: u32,
    /// The most live values of a call that publishes its activation.
    pub(super) activation_words: Option<u32>,
    /// Words of the buffer that the trace uses at its entries and exits.
    pub(super) buffer_words: usize,
}

/// A value that the loop carries round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phi {
    pub(super) id: Id,
    /// The value on entry; itself for a loop that goes round on its inputs.
    pub(super) initial: Arg,
    pub(super) next: Arg,
    /// The loop does not change it.
    pub(super) invariant: bool,
}

impl Facts {
    pub(super) fn of(trace: &Trace, config: &Config) -> Facts {
        let count = trace.ops.len();
        let mut facts = Facts { values: count as u32, buffer_words: trace.input_count(), ..Facts::default() };
        facts.operands.reserve(count + 1);
        facts.calls.reserve(count + 1);
        let (mut operands, mut calls, mut constants, mut label) = (0, 0, 0, None);
        for (index, op) in trace.ops.iter().enumerate() {
            facts.operands.push(operands);
            facts.calls.push(calls);
            operands += op.args.len() as u32;
            calls += u32::from(is_call(op, config));
            for arg in &op.args {
                if let Arg::Ref(constant) = *arg {
                    constants = constants.max(constant.0 + 1);
                }
            }
            match op.code {
                OpCode::Label => label = Some(index),
                OpCode::CallSlice if op.is_buffered() => facts.need_buffer(op.args.len() - 2),
                OpCode::CallSlice => facts.slice_words = facts.slice_words.max(op.args.len() as u32 - 1),
                OpCode::RawLoad | OpCode::RawStore => facts.owners.extend(op.args[0].value().map(|id| id.0)),
                OpCode::JumpLoop | OpCode::JumpBody => facts.need_buffer(op.args.len()),
                _ => {}
            }
            facts.may_collect |= may_collect(op) && flag_offset(op, config).is_none();
            if let Some(exit) = publishes(op, trace) {
                facts.activation_words = facts.activation_words.max(Some(exit.live.len() as u32));
            }
        }
        facts.calls.push(calls);
        if !facts.may_collect {
            facts.owners.clear();
        }
        facts.find_phis(trace, label);
        facts.need_buffer(facts.phis.len());
        for exit in &trace.exits {
            facts.need_buffer(exit.live.len());
        }
        facts.entities = count + constants as usize;
        facts.walk_back(trace, operands as usize);
        facts
    }

    fn need_buffer(&mut self, words: usize) {
        self.buffer_words = self.buffer_words.max(words);
    }

    fn find_phis(&mut self, trace: &Trace, label: Option<usize>) {
        let Some(jump) = trace.ops.last().filter(|op| op.code == OpCode::JumpLabel) else { return };
        let (first, code) = match label {
            Some(label) => (label + 1, OpCode::Phi),
            None => (0, OpCode::Input),
        };
        let carried = trace.ops[first..].iter().take_while(|op| op.code == code);
        self.phis.extend(carried.zip(&jump.args).enumerate().map(|(index, (op, &next))| {
            let id = (first + index) as Id;
            let own = Arg::Value(ValueId(id));
            Phi { id, initial: op.args.first().copied().unwrap_or(own), next, invariant: next == own }
        }));
        self.body = Some((first + self.phis.len()) as u32);
    }

    fn walk_back(&mut self, trace: &Trace, operands: usize) {
        self.first = vec![NEVER; self.entities];
        self.last = vec![0; self.entities];
        self.uses = vec![0; self.entities];
        self.weight = vec![0; self.entities];
        self.next = vec![NEVER; operands];
        let body = self.body.unwrap_or(NEVER);
        for (index, op) in trace.ops.iter().enumerate().rev() {
            let at = index as u32;
            if let Some(exit) = op.exit {
                for &(value, _) in &trace.exits[exit.0 as usize].live {
                    let id = value.0 as usize;
                    self.uses[id] += 1;
                    self.last[id] = self.last[id].max(at);
                }
            }
            for (position, &arg) in op.args.iter().enumerate().rev() {
                let Some(id) = self.entity(arg) else { continue };
                // What does not change is there at the next round, whether it is read or not.
                if op.code == OpCode::JumpLabel && self.phis[position].id == id {
                    continue;
                }
                let entity = id as usize;
                self.uses[entity] += 1;
                self.weight[entity] += u32::from(at >= body);
                self.last[entity] = self.last[entity].max(at);
                self.next[self.operands[index] as usize + position] = self.first[entity];
                self.first[entity] = at;
            }
        }
    }

    pub(super) fn entity(&self, arg: Arg) -> Option<Id> {
        match arg {
            Arg::Value(id) => Some(id.0),
            Arg::Ref(constant) => Some(self.values + constant.0),
            _ => None,
        }
    }

    /// Whether a call lies between an entity's definition and its last use.
    pub(super) fn crosses_call(&self, id: Id) -> bool {
        let (last, from) = (self.last[id as usize], id.min(self.values - 1) as usize);
        self.calls[last as usize] != self.calls[(from + 1).min(self.calls.len() - 1)]
    }
}

/// The exit of a call whose activation must be visible from below.
pub(super) fn publishes<'t>(op: &Op, trace: &'t Trace) -> Option<&'t Exit> {
    match op.attr {
        Attr::Callee(callee) if callee.effect == CallEffect::RunsGuest => {
            op.exit.map(|exit| &*trace.exits[exit.0 as usize])
        }
        _ => None,
    }
}

/// Whether the operation can start a collection.
pub(super) fn may_collect(op: &Op) -> bool {
    matches!(op.code, OpCode::Call | OpCode::CallSlice | OpCode::New | OpCode::NewItems | OpCode::FltBox)
}

/// Whether the operation takes the registers that calls take.
fn is_call(op: &Op, config: &Config) -> bool {
    match op.code {
        OpCode::Call | OpCode::CallSlice => flag_offset(op, config).is_none(),
        OpCode::NewItems => small_tail(op).is_none(),
        _ => false,
    }
}

/// The count and the bytes in all of a `new_items` that is made in line.
pub(super) fn small_tail(op: &Op) -> Option<(u32, u32)> {
    let (Attr::New { bytes, item_bytes, .. }, Arg::Int(count)) = (op.attr, op.args[0]) else { return None };
    let count = u32::try_from(count).ok().filter(|&count| count <= SMALL_TAIL_BYTES)?;
    (count * item_bytes <= SMALL_TAIL_BYTES).then(|| (count, (bytes + count * item_bytes).next_multiple_of(8)))
}

/// Where in the context the flag lies that the call only reads; `None` for all other operations.
pub(super) fn flag_offset(op: &Op, config: &Config) -> Option<i32> {
    let Attr::Callee(callee) = op.attr else { return None };
    config.flags.iter().find(|(flag, _)| *flag == callee).map(|&(_, offset)| offset)
}
