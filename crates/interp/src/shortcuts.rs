//! Shortcuts of the plain interpreter: instructions in the place of others that do the same sooner.
//!
//! Some stand for one form of an instruction (`BINARY_ADD`), so that nobody asks which form it is. The others stand at the beginning of a
//! sequence, and do all of it if its operands are what they most often are; if not they do what stood there, and the rest follows as ever,
//! so nothing in them raises or calls. A jump into the sequence finds what was there. Whoever does not just run (the tracer, debuggers,
//! `dis`) reads the code as it was compiled.

use crate::dispatch::fetch;
use crate::handlers::arith::op;
use crate::handlers::attribute::Loaded;
use crate::handlers::{arith, attribute, subscript};
use crate::machine::*;
use crate::slots::FIRST_LOCAL;
use heap::Value;
use objects::shape::Kind;
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

/// Pushes a bool. The plain interpreter does the jump that most often follows at once; where somebody watches each instruction
/// none does.
#[inline(always)]
pub(crate) fn push_truth<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, truth: M::Bool) {
    if M::DIRECT {
        let next = fetch::<M>(f);
        if matches!(next.op, Op::PopJumpIfTrue | Op::PopJumpIfFalse) {
            f.pc += 1;
            if m.decide(truth) == (next.op == Op::PopJumpIfTrue) {
                f.pc = next.arg;
            } else {
                pass_not_taken::<M>(f);
            }
            return;
        }
    }
    let value = m.bool_box(truth);
    f.push(value);
}

/// Pushes a result. The plain interpreter stores it at once where that is what comes next.
#[inline(always)]
pub(crate) fn give<M: PyMachine>(_: &mut M, f: &mut PyFrame<M>, value: M::Ref) {
    if M::DIRECT {
        let next = fetch::<M>(f);
        if next.op == Op::StoreFast {
            f.pc += 1;
            f.set_slot(FIRST_LOCAL + next.arg as usize, value);
            return;
        }
    }
    f.push(value);
}

/// BINARY_OP of one operation, `plain` or in place.
#[inline(always)]
pub(crate) fn binary_of<M: PyMachine>(
    m: &mut M,
    f: &mut PyFrame<M>,
    pc: usize,
    arg: u32,
    plain: u32,
) -> Result<(), M::Ref> {
    let (b, a) = (f.pop(), f.pop());
    let value = arith::binary_of(m, f.code.site(pc), arg, plain, a, b)?;
    give(m, f, value);
    Ok(())
}

/// The two locals that the argument names.
#[inline(always)]
pub(crate) fn pair<M: PyMachine>(f: &PyFrame<M>, arg: u32) -> (M::Ref, M::Ref) {
    (f.slot(FIRST_LOCAL + (arg >> 4) as usize), f.slot(FIRST_LOCAL + (arg & 15) as usize))
}

/// The number that LOAD_SMALL_INT, the next instruction, has.
#[inline(always)]
pub(crate) fn small_int<M: PyMachine>(m: &mut M, f: &PyFrame<M>) -> M::Ref {
    let arg = fetch::<M>(f).arg;
    m.constant(Value::from_int(arg as i64))
}

/// What an operation gives that stands behind `loads` instructions for its operands, this one included. Of other than
/// numbers it loads the operands.
#[inline(always)]
pub(crate) fn add_up<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, operation: u32, loads: u32, a: M::Ref, b: M::Ref) {
    if let Some(value) = arith::of_numbers(m, operation, a, b) {
        f.pc += loads;
        give(m, f, value);
    } else {
        f.pc += loads - 1;
        f.push(a);
        f.push(b);
    }
}

/// As [`add_up`], of COMPARE_OP.
#[inline(always)]
pub(crate) fn compare_shortly<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, loads: u32, a: M::Ref, b: M::Ref) {
    f.pc += loads - 1;
    let operation = fetch::<M>(f).arg >> 5;
    if let Some(truth) = arith::compare_numbers(m, operation, a, b) {
        f.pc += 1;
        push_truth(m, f, truth);
    } else {
        f.push(a);
        f.push(b);
    }
}

/// The instruction in front did not jump: over NOT_TAKEN, which does nothing.
#[inline(always)]
pub(crate) fn pass_not_taken<M: PyMachine>(f: &mut PyFrame<M>) {
    if M::DIRECT {
        f.pc += (fetch::<M>(f).op == Op::NotTaken) as u32;
    }
}

/// `a[i]` of two locals.
#[inline(always)]
pub(crate) fn locals_subscript<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, arg: u32) {
    let (container, key) = pair::<M>(f, arg);
    if is_plainly(m, container, Kind::List)
        && let Some(item) = subscript::list_item(m, container, key)
    {
        f.pc += 1;
        give(m, f, item);
    } else {
        f.push(container);
        f.push(key);
    }
}

/// `container[i] = value` where `i` is a local.
#[inline(always)]
pub(crate) fn local_store_subscript<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, local: usize) {
    let (key, container) = (f.slot(local), f.peek(0));
    if is_plainly(m, container, Kind::List) && subscript::set_list_item(m, container, key, f.peek(1)) {
        f.pc += 1;
        f.pop();
        f.pop();
    } else {
        f.push(key);
    }
}

/// `local.name` with LOAD_ATTR behind this instruction, which stands at `pc`.
#[inline(always)]
pub(crate) fn local_load_attr<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, local: usize, pc: usize) {
    let object = f.slot(local);
    let method = fetch::<M>(f).arg & 1 != 0;
    match attribute::load_cached(m, f.code.site(pc + 1), object, method) {
        Some(Loaded::Value(value)) if !method => {
            f.pc += 1;
            f.push(value);
        }
        Some(Loaded::Method { function, receiver }) => {
            f.pc += 1;
            f.push(function);
            f.push(receiver);
        }
        _ => f.push(object),
    }
}
