//! Raising, catching and leaving frames.

use crate::callees::exceptions::*;
use crate::machine::*;
use crate::slots;
use metatrace::{Callee, Operand};
use syntax::Op;

/// RAISE_VARARGS: the exception to raise.
pub fn raise_varargs<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, count: u32) -> M::Ref {
    let cause = if count == 2 { f.pop() } else { null(m) };
    let handled = f.slot(slots::HANDLED);
    if count == 0 {
        let result = m.call_ref(&RERAISE_HANDLED, &[Operand::Ref(handled)]);
        return check(m, result).unwrap_or_else(|exception| exception);
    }
    let exception = f.pop();
    let result = m.call_ref(&MAKE_RAISED, &[Operand::Ref(exception), Operand::Ref(cause), Operand::Ref(handled)]);
    check(m, result).unwrap_or_else(|error| error)
}

/// Adds this frame to the exception's traceback; gives the exception to go on with, another one if a debugger raised it.
/// `f.pc` is behind the raising instruction.
pub fn add_traceback<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, exception: M::Ref) -> M::Ref {
    if f.code.is_hidden.get() {
        return exception;
    }
    let frame_object = f.slot(slots::FRAME_OBJECT);
    let function = f.slot(slots::FUNCTION);
    let pc = m.int(f.pc as i64 - 1);
    let frame_object = m.call_ref(
        &ADD_TRACEBACK,
        &[Operand::Ref(exception), Operand::Ref(frame_object), Operand::Ref(function), Operand::Int(pc)],
    );
    f.set_slot(slots::FRAME_OBJECT, frame_object);
    tell(m, &RAISED, exception)
}

/// Tells a debugger or profiler, if there is one, what happens to `exception` in this frame; gives the exception to go on
/// with.
#[inline(always)]
pub fn tell<M: PyMachine>(m: &mut M, what: &'static Callee, exception: M::Ref) -> M::Ref {
    if m.observed() { tell_observer(m, what, exception) } else { exception }
}

#[cold]
#[inline(never)]
fn tell_observer<M: PyMachine>(m: &mut M, what: &'static Callee, exception: M::Ref) -> M::Ref {
    let result = m.call_ref(what, &[Operand::Ref(exception)]);
    check(m, result).unwrap_or_else(|other| other)
}

/// Goes to the handler of the instruction before `f.pc`; false if there is none in this frame.
pub fn find_handler<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, exception: M::Ref) -> bool {
    let at = f.pc - 1;
    let code = f.code;
    let Some(entry) = code.source.exceptions.iter().find(|entry| entry.from <= at && at < entry.to) else {
        return false;
    };
    let last = code.source.instructions[at as usize];
    let first_raised_at = (last.op == Op::Reraise && last.arg > 0).then(|| f.peek(last.arg as usize - 1));
    f.sp = code.first_local + code.local_count + entry.depth;
    if entry.push_lasti {
        let at = first_raised_at.unwrap_or_else(|| {
            let at = m.int(at as i64);
            m.int_box(at)
        });
        f.push(at);
    }
    f.push(exception);
    f.pc = entry.target;
    true
}

/// The frame is about to be left: its frame object, if it has one, takes over the slots.
#[inline(always)]
pub fn leave_frame<M: PyMachine>(m: &mut M, f: &PyFrame<M>) {
    let frame_object = f.slot(slots::FRAME_OBJECT);
    let none = m.is_null(frame_object);
    if !m.decide(none) {
        // A copy, as in `Frame::lend`.
        let frame = *f;
        keep_slots(m, &frame, frame_object);
    }
}

#[inline(never)]
fn keep_slots<M: PyMachine>(m: &mut M, f: &PyFrame<M>, frame_object: M::Ref) {
    let count = (f.code.first_local + f.code.local_count) as usize;
    // SAFETY: every frame has its fixed slots and locals.
    let values = unsafe { std::slice::from_raw_parts(f.slots, count) };
    m.call_slice(&LEAVE_FRAME, frame_object, values);
    // What raises again stands where it was raised first: see `reraised_at`.
    let last = f.code.source.instructions[f.pc as usize - 1];
    if last.op != Op::Reraise || last.arg == 0 {
        let at = m.int(f.pc as i64 - 1);
        m.call_ref(&STOOD_AT, &[Operand::Ref(frame_object), Operand::Int(at)]);
    }
}

/// RERAISE of what instruction `at` raised: `f_lineno` and `f_lasti` speak of that one.
pub fn reraised_at<M: PyMachine>(m: &mut M, f: &PyFrame<M>, at: M::Ref) {
    let at = m.int_unbox(at);
    if M::DIRECT && m.observed() {
        let at = m.promote_int(at) as u32;
        // SAFETY: the current frame has a record.
        unsafe { (*m.context().thread.record).pc = at };
    }
    let frame_object = f.slot(slots::FRAME_OBJECT);
    let none = m.is_null(frame_object);
    if !m.decide(none) {
        m.call_ref(&STOOD_AT, &[Operand::Ref(frame_object), Operand::Int(at)]);
    }
}

/// Whether an exception is an instance of `StopIteration`.
pub fn is_stop_iteration<M: PyMachine>(m: &mut M, exception: M::Ref) -> bool {
    let shape = shape_of(m, exception);
    let stop = m.context().exc.stop_iteration;
    shape.ty.is_subtype(stop)
}

pub fn is_memory_error<M: PyMachine>(m: &mut M, exception: M::Ref) -> bool {
    let shape = shape_of(m, exception);
    let class = m.context().exc.memory_error;
    shape.ty.is_subtype(class)
}

/// WITH_EXCEPT_START: calls `__exit__(type, exception, traceback)`.
pub fn with_except_start<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>) -> Result<(), M::Ref> {
    let exception = f.peek(0);
    let receiver = f.peek(3);
    let exit = f.peek(4);
    let result = m.call_ref(&CALL_EXIT, &[Operand::Ref(exit), Operand::Ref(receiver), Operand::Ref(exception)]);
    let result = check(m, result)?;
    f.push(result);
    Ok(())
}
