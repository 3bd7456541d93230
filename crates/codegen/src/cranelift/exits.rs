//! Guards, and the code of exits.
//!
//! An exit stores its live values to the buffer, loads what its cell holds and jumps there with its number. Exits with
//! equal live values share that code: a guard of theirs only brings its number. Exit code is most of a trace's code and most
//! of its compile time.

use super::lower::Lower;
use crate::backend::{Activation, ExitCells, TraceCell};
use cranelift_codegen::ir::{
    Block, BlockArg, InstBuilder, InstructionData, MemFlagsData, Value,
    condcodes::{CondCode, IntCC},
    types,
};
use ir::{Arg, ExitId, Op, Ty, ValueId};
use std::collections::HashMap;

impl Lower<'_> {
    pub(super) fn guard(&mut self, op: &Op, holds: bool) {
        if let Some(is_flt) = self.left_to_guard(op.args[0]) {
            return match holds {
                true => self.guard_is_flt(is_flt.args[0], exit_of(op)),
                false => self.guard_is_no_flt(is_flt.args[0], exit_of(op)),
            };
        }
        let condition = self.arg(op.args[0]);
        self.leave_unless(condition, holds, exit_of(op));
    }

    pub(super) fn guard_value(&mut self, op: &Op) {
        let (value, expected) = (op.args[0], op.args[1]);
        let header = value.value().and_then(|id| self.headers.get(&id).copied());
        let equal = match (header, expected) {
            // The comparison of a shape is one of header words: the shift is saved.
            (Some(header), Arg::Int(shape)) if (0..1 << 30).contains(&shape) => {
                self.fb.ins().icmp_imm_s(IntCC::Equal, header, (shape << 1) | 1)
            }
            _ => {
                // Floats compare by their bits: a known value is known to the sign of zero.
                let (a, b) = (self.arg(value), self.arg(expected));
                let (a, b) = match self.ty(value) {
                    Ty::Flt => (self.word_of(a), self.word_of(b)),
                    _ => (a, b),
                };
                self.fb.ins().icmp(IntCC::Equal, a, b)
            }
        };
        self.leave_unless(equal, true, exit_of(op));
    }

    /// Leaves if the trace's flag is set, or the activation's, where the trace has calls that can set it.
    pub(super) fn still_valid(&mut self, op: &Op) {
        let mut flag = self.fallen(self.at);
        if let Some(slot) = self.activation {
            let offset = std::mem::offset_of!(Activation, inspected) as i32;
            let inspected = self.fb.ins().stack_load(types::I64, types::I64, slot, offset);
            let inspected = self.fb.ins().ireduce(types::I8, inspected);
            flag = self.fb.ins().bor(flag, inspected);
        }
        self.leave_unless(flag, false, exit_of(op));
    }

    pub(super) fn leave(&mut self, op: &Op) {
        let exit = self.exit_block(exit_of(op));
        self.fb.ins().jump(exit, &[]);
    }

    /// Goes on in a new block if `condition` is `holds`.
    pub(super) fn leave_unless(&mut self, condition: Value, holds: bool, exit: ExitId) {
        let way = self.exit_block(exit);
        let next = self.fb.create_block();
        self.branch_away(condition, !holds, way, next);
        self.fb.switch_to_block(next);
        self.leave_if_armed(exit);
    }

    /// To `away` if `condition` is `when`, otherwise to `next`, which comes before all that is reached through `away`.
    ///
    /// Cranelift orders blocks by a depth-first walk, the first target of a branch last. The register allocator takes how deep a block lies
    /// in loops, and with that what its operands are worth, from that order: exits and bridges amid a loop would count as much as the loop,
    /// and what stands behind a jump back as less.
    pub(super) fn branch_away(&mut self, condition: Value, when: bool, away: Block, next: Block) {
        let leaves = if when { condition } else { self.negated(condition) };
        self.fb.ins().brif(leaves, away, &[], next, &[]);
    }

    /// The opposite of a truth value: of a comparison, another comparison.
    fn negated(&mut self, condition: Value) -> Value {
        let dfg = &self.fb.func.dfg;
        let made_by = dfg.value_def(condition).inst().map(|inst| dfg.insts[inst]);
        match made_by {
            Some(InstructionData::IntCompare { cond, args: [a, b], .. }) => self.fb.ins().icmp(cond.complement(), a, b),
            Some(InstructionData::FloatCompare { cond, args: [a, b], .. }) => {
                self.fb.ins().fcmp(cond.complement(), a, b)
            }
            _ => self.fb.ins().icmp_imm_u(IntCC::Equal, condition, 0),
        }
    }

    /// Behind a guard that holds: leaves once if its exit is armed.
    pub(super) fn leave_if_armed(&mut self, exit: ExitId) {
        let Some(arm) = self.input.exits.arm_address(exit) else { return };
        let way = self.exit_block(exit);
        let (fires, next) = (self.cold_block(), self.fb.create_block());
        let address = self.word(arm as u64);
        // Atomic, so that it is not merged with an earlier one.
        let arm = self.fb.ins().atomic_load(types::I64, MemFlagsData::trusted(), address);
        let is_armed = self.fb.ins().icmp_imm_s(IntCC::Equal, arm, i64::from(ExitCells::ARMED));
        self.fb.ins().brif(is_armed, fires, &[], next, &[]);
        self.fb.switch_to_block(fires);
        let fired = self.word(ExitCells::FIRED as u64);
        self.fb.ins().atomic_store(MemFlagsData::trusted(), fired, address);
        self.fb.ins().jump(way, &[]);
        self.fb.switch_to_block(next);
    }

    /// The block that leaves through `exit`; its code is emitted by [`Lower::emit_exits`].
    pub(super) fn exit_block(&mut self, exit: ExitId) -> Block {
        if let Some(&block) = self.block_of_exit.get(&exit) {
            return block;
        }
        let block = match self.child_at(exit) {
            Some(_) => self.fb.create_block(),
            None => self.cold_block(),
        };
        self.exit_blocks.push((exit, block));
        self.block_of_exit.insert(exit, block);
        block
    }

    /// Hands the exits on which bridges of this unit hang over to those, unless they have fallen by then.
    pub(super) fn connect_bridges(&mut self) {
        let mut leaving = Vec::with_capacity(self.exit_blocks.len());
        for (exit, block) in std::mem::take(&mut self.exit_blocks) {
            let Some(child) = self.child_at(exit) else {
                leaving.push((exit, block));
                continue;
            };
            let live = &self.input.trace.exits[exit.0 as usize].live;
            let values: Vec<Value> = live.iter().map(|&(id, _)| self.value(id)).collect();
            let mut entry = block;
            if self.can_fall {
                self.fb.switch_to_block(block);
                let fallen = self.fallen(child);
                let out = self.cold_block();
                entry = self.fb.create_block();
                self.fb.ins().brif(fallen, out, &[], entry, &[]);
                leaving.push((exit, out));
            }
            self.entry_of_bridge[child] = Some((entry, values));
        }
        self.exit_blocks = leaving;
    }

    /// The flag of a member's cell.
    pub(super) fn fallen(&mut self, member: usize) -> Value {
        let cell = &raw const *self.pieces[member].input.cell as usize;
        let fallen = self.word((cell + std::mem::offset_of!(TraceCell, fallen)) as u64);
        // An atomic load, because a plain one could be merged with an earlier one.
        self.fb.ins().atomic_load(types::I8, MemFlagsData::trusted(), fallen)
    }

    pub(super) fn emit_exits(&mut self) {
        let trace = &self.input.trace;
        let mut groups: Vec<(&Live, Vec<(ExitId, Block)>)> = Vec::new();
        let mut group_of: HashMap<&Live, usize> = HashMap::new();
        for &(exit, block) in &self.exit_blocks {
            let live = &trace.exits[exit.0 as usize].live[..];
            let group = *group_of.entry(live).or_insert_with(|| {
                groups.push((live, Vec::new()));
                groups.len() - 1
            });
            groups[group].1.push((exit, block));
        }
        if groups.is_empty() {
            return;
        }
        let tail = self.block_with_exit();
        for (live, exits) in groups {
            let target = match exits.len() {
                1 => tail,
                _ => self.block_with_exit(),
            };
            for &(exit, block) in &exits {
                self.fb.switch_to_block(block);
                if target == tail {
                    self.store_live(live);
                }
                let exit = self.word(u64::from(exit.0));
                self.fb.ins().jump(target, &[BlockArg::from(exit)]);
            }
            if target != tail {
                self.fb.switch_to_block(target);
                self.store_live(live);
                let exit = self.fb.block_params(target)[0];
                self.fb.ins().jump(tail, &[BlockArg::from(exit)]);
            }
        }
        self.fb.switch_to_block(tail);
        self.leave_through_cell();
    }

    /// A block whose parameter is the exit's index.
    fn block_with_exit(&mut self) -> Block {
        let block = self.cold_block();
        self.fb.append_block_param(block, types::I64);
        block
    }

    fn store_live(&mut self, live: &Live) {
        let values: Vec<Value> = live.iter().map(|&(id, _)| self.value(id)).collect();
        self.store_buffer(&values);
    }

    /// Ends the function in the current block, whose parameter is the exit's index.
    fn leave_through_cell(&mut self) {
        let block = self.fb.current_block().expect("in the block that leaves");
        let exit = self.fb.block_params(block)[0];
        let number = self.fb.ins().iadd_imm_s(exit, i64::from(self.input.first_exit));
        let cells = self.word(self.input.exits.address() as u64);
        let offset = self.fb.ins().ishl_imm_u(exit, 3);
        let cell = self.fb.ins().iadd(cells, offset);
        let target = self.fb.ins().load(types::I64, self.memory.state, cell, 0);
        self.fb.ins().return_call_indirect(self.trace_signature, target, &[self.ctx, self.buf, number]);
    }
}

/// An exit's live values.
type Live = [(ValueId, Ty)];

/// The exit of a guard.
fn exit_of(op: &Op) -> ExitId {
    op.exit.unwrap_or_else(|| panic!("{} without an exit: the trace is not optimised", op.code.row().text))
}
