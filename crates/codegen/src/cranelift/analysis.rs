//! What the lowering must know of a trace before its first operation.

use super::calls::flag_offset;
use crate::config::Config;
use ir::{Arg, Attr, CallEffect, Exit, Op, OpCode, Trace, Ty, ValueId};
use std::collections::HashSet;

/// Facts of a whole trace.
pub(super) struct Facts {
    /// How often each value is read by operations and exits.
    pub(super) uses: Vec<u32>,
    /// What the loop carries round, in order; see [`phis`].
    pub(super) phis: Vec<Phi>,
    /// Values whose off-heap buffer is used. Empty if nothing in the trace can start a collection.
    pub(super) owners: HashSet<ValueId>,
    /// Values of which a later operation wants the float.
    pub(super) unboxed_floats: HashSet<ValueId>,
    /// Sums, differences and products whose overflow is tested.
    pub(super) overflow_tested: HashSet<(OpCode, Arg, Arg)>,
    /// The most operands of a `call_slice`, less the first.
    pub(super) slice_words: u32,
    /// The most live values of a call that publishes its activation; `None` if there is no such call.
    pub(super) activation_words: Option<u32>,
    /// Words of the buffer that the trace uses at its entries and exits.
    pub(super) buffer_words_needed: usize,
}

/// A value that the loop carries round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phi {
    pub(super) id: ValueId,
    /// The value on entry.
    pub(super) initial: Arg,
    /// The loop does not change it.
    pub(super) invariant: bool,
}

impl Facts {
    pub(super) fn of(trace: &Trace, config: &Config) -> Facts {
        let mut facts = Facts {
            uses: vec![0; trace.ops.len()],
            phis: phis(trace),
            owners: HashSet::new(),
            unboxed_floats: HashSet::new(),
            overflow_tested: HashSet::new(),
            slice_words: 0,
            activation_words: None,
            buffer_words_needed: trace.input_count(),
        };
        for op in &trace.ops {
            facts.add(op, trace);
        }
        for exit in &trace.exits {
            for (id, _) in &exit.live {
                facts.uses[id.0 as usize] += 1;
            }
            facts.need_buffer(exit.live.len());
        }
        facts.need_buffer(facts.phis.len());
        if !trace.ops.iter().any(|op| may_collect(op) && flag_offset(op, config).is_none()) {
            facts.owners.clear();
        }
        facts
    }

    fn add(&mut self, op: &Op, trace: &Trace) {
        for id in op.args.iter().filter_map(|arg| arg.value()) {
            self.uses[id.0 as usize] += 1;
        }
        match op.code {
            OpCode::RawLoad | OpCode::RawStore => self.owners.extend(op.args[0].value()),
            OpCode::FltUnbox => self.unboxed_floats.extend(op.args[0].value()),
            OpCode::IntAddOverflows => self.test_overflow(OpCode::IntAdd, op),
            OpCode::IntSubOverflows => self.test_overflow(OpCode::IntSub, op),
            OpCode::IntMulOverflows => self.test_overflow(OpCode::IntMul, op),
            OpCode::CallSlice if op.is_buffered() => self.need_buffer(op.args.len() - 2),
            OpCode::CallSlice => self.slice_words = self.slice_words.max(op.args.len() as u32 - 1),
            OpCode::JumpLoop | OpCode::JumpBody => self.need_buffer(op.args.len()),
            _ => {}
        }
        if let Some(exit) = publishes(op, trace) {
            self.activation_words = self.activation_words.max(Some(exit.live.len() as u32));
        }
    }

    fn test_overflow(&mut self, code: OpCode, op: &Op) {
        self.overflow_tested.insert((code, op.args[0], op.args[1]));
    }

    fn need_buffer(&mut self, words: usize) {
        self.buffer_words_needed = self.buffer_words_needed.max(words);
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

/// What a loop carries round: the label's phis, or the inputs where a loop has no label.
fn phis(trace: &Trace) -> Vec<Phi> {
    let next: &[Arg] = match trace.ops.last() {
        Some(op) if op.code == OpCode::JumpLabel => &op.args,
        _ => &[],
    };
    let label = trace.ops.iter().position(|op| op.code == OpCode::Label);
    let (first, code) = match label {
        Some(label) => (label + 1, OpCode::Phi),
        None if next.is_empty() => return Vec::new(),
        None => (0, OpCode::Input),
    };
    let carried = trace.ops[first..].iter().take_while(|op| op.code == code);
    carried
        .enumerate()
        .map(|(index, op)| {
            let id = ValueId((first + index) as u32);
            // A trace may have a label and yet end elsewhere; then nothing goes round.
            let invariant = next.get(index).is_none_or(|&arg| arg == Arg::Value(id));
            Phi { id, initial: op.args.first().copied().unwrap_or(Arg::Value(id)), invariant }
        })
        .collect()
}

/// The type of a value in the buffer: everything travels as one word.
pub(super) fn clif_type(ty: Ty) -> cranelift_codegen::ir::Type {
    use cranelift_codegen::ir::types;
    match ty {
        Ty::Flt => types::F64,
        Ty::Bool => types::I8,
        Ty::Int | Ty::Ref => types::I64,
        Ty::Void => unreachable!("no value"),
    }
}
