//! Shortcuts of the plain interpreter: instructions in the place of others that do the same sooner.
//!
//! Some stand for one form of an instruction (`BINARY_ADD`), so that nobody asks which form it is. The others stand at the beginning of a
//! sequence, and do all of it if its operands are what they most often are; if not they do what stood there, and the rest follows as ever,
//! so nothing in them raises or calls. A jump into the sequence finds what was there. Whoever does not just run (the tracer, debuggers,
//! `dis`) reads the code as it was compiled.

use crate::handlers::arith::op;
use syntax::{Instruction, Op};

/// What the plain interpreter runs at `at`.
pub(crate) fn at(instructions: &[Instruction], at: usize) -> Instruction {
    let here = instructions[at];
    let op_at = |at: usize| instructions.get(at).map_or(Op::Nop, |instruction| one_form(*instruction));
    let op = match (one_form(here), op_at(at + 1)) {
        (Op::LoadFastLoadFast | Op::LoadFastBorrowLoadFastBorrow, second) => match second {
            Op::BinaryAdd => Op::LocalsAdd,
            Op::BinarySubtract => Op::LocalsSubtract,
            Op::BinaryMultiply => Op::LocalsMultiply,
            Op::BinarySubscript => Op::LocalsSubscript,
            Op::CompareOp => Op::LocalsCompare,
            _ => here.op,
        },
        (Op::LoadFast | Op::LoadFastBorrow, Op::LoadSmallInt) => match op_at(at + 2) {
            Op::BinaryAdd => Op::LocalAddSmall,
            Op::BinarySubtract => Op::LocalSubtractSmall,
            Op::CompareOp => Op::LocalCompareSmall,
            _ => here.op,
        },
        (Op::LoadFast | Op::LoadFastBorrow, Op::StoreSubscr) => Op::LocalStoreSubscript,
        (Op::LoadFast | Op::LoadFastBorrow, Op::LoadAttr) => Op::LocalLoadAttr,
        (op, _) => op,
    };
    Instruction { op, arg: here.arg }
}

/// The instruction for the one form that this has.
fn one_form(instruction: Instruction) -> Op {
    if instruction.op != Op::BinaryOp {
        return instruction.op;
    }
    match instruction.arg {
        op::SUBSCRIPT => Op::BinarySubscript,
        arg => match op::plain(arg) {
            op::ADD => Op::BinaryAdd,
            op::SUB => Op::BinarySubtract,
            op::MUL => Op::BinaryMultiply,
            _ => Op::BinaryOp,
        },
    }
}
