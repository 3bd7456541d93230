//! The dispatch loop: one instruction after the other, on any machine.

use crate::callees::exceptions::*;
use crate::generator;
use crate::handlers::exception;
use crate::machine::*;
use crate::slots;
use crate::steps::{Raise, steps};
use heap::Value;
use metatrace::{Direct, Entered, Finished, Frame, Leave, Operand, Traced, Tracer};
use objects::vm::Python;
use syntax::{CodeFlags, Instruction, Op};

/// The dispatch loop on the direct machine.
pub fn run_direct(machine: &mut Direct<Python>, frame: Frame<Python, Value>) -> Leave<Value> {
    run(machine, frame)
}

/// What the loop does when a callee of `frame` is done.
pub fn resume_direct(
    machine: &mut Direct<Python>,
    frame: &mut Frame<Python, Value>,
    result: Result<Value, Value>,
) -> Option<Leave<Value>> {
    arrive(machine, frame, result)
}

/// The dispatch loop on the tracer.
pub fn run_traced(machine: &mut Tracer<Python>, frame: Frame<Python, Traced<Value>>) -> Leave<Traced<Value>> {
    run(machine, frame)
}

/// Runs the frame and what it calls until the machine's base frame is left.
#[inline(always)]
fn run<M: PyMachine>(m: &mut M, frame: PyFrame<M>) -> Leave<M::Ref> {
    // The argument is memory of the caller's; this one is registers: see `Frame::lend`.
    let Frame { code, pc, sp, slots } = frame;
    let mut frame = Frame { code, pc, sp, slots };
    loop {
        if let Some(leave) = m.boundary(&mut frame) {
            return leave;
        }
        let instruction = fetch::<M>(&frame);
        let step = steps::<M, false>(m, &mut frame, instruction);
        if let Some(leave) = follow(m, &mut frame, step) {
            return leave;
        }
    }
}

/// Goes where a handler said.
#[inline(always)]
fn follow<M: PyMachine>(
    m: &mut M,
    frame: &mut PyFrame<M>,
    step: Result<Flow<M>, Raise<M::Ref>>,
) -> Option<Leave<M::Ref>> {
    match step {
        Ok(Flow::Next) => None,
        Ok(Flow::Leave(leave)) => Some(leave),
        Ok(Flow::Enter { code, window, pc, sp }) => match m.enter(frame, code, window, pc, sp) {
            Entered::Frame => None,
            Entered::Done(result) => frame.lend(|frame| arrive(m, frame, result)),
        },
        Ok(Flow::Arrive(result)) => frame.lend(|frame| arrive(m, frame, result)),
        Ok(Flow::Return(value)) => leave(m, frame, Ok(value)),
        Ok(Flow::Observe) => frame.lend(|frame| observed(m, frame)),
        Err(Raise::Here(exception)) => frame.lend(|frame| raise_here(m, frame, exception)),
        Err(Raise::Again(exception)) => frame.lend(|frame| unwind(m, frame, exception)),
        Err(Raise::Out(exception)) => leave(m, frame, Err(exception)),
    }
}

fn raise_here<M: PyMachine>(m: &mut M, frame: &mut PyFrame<M>, exception: M::Ref) -> Option<Leave<M::Ref>> {
    let exception = exception::add_traceback(m, frame, exception);
    unwind(m, frame, exception)
}

/// The instruction in progress. A machine that does not just run has the code as it was compiled.
#[inline(always)]
pub(crate) fn fetch<M: PyMachine>(f: &PyFrame<M>) -> Instruction {
    let (code, pc) = (f.code, f.pc as usize);
    debug_assert!(pc < code.instructions.len());
    // SAFETY: jumps stay inside the code, and it does not fall off its end; `source` has as many instructions.
    unsafe {
        if M::DIRECT { code.instructions.get_unchecked(pc).get() } else { *code.source.instructions.get_unchecked(pc) }
    }
}

/// INSTRUMENTED_LINE: tells whoever watches the frame, and runs the instruction that stood there. On a second copy of the
/// handlers: the dispatch loop above must not have two ways into its own.
#[cold]
#[inline(never)]
fn observed<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>) -> Option<Leave<M::Ref>> {
    if !M::DIRECT {
        unreachable!("instrumented code on a machine that does not just run");
    }
    let vm = m.context();
    // SAFETY: the current frame has a record.
    unsafe { (*vm.thread.record).sp = f.sp };
    if let Err(raised) = crate::observe::instruction(vm) {
        f.pc += 1;
        let exception = m.constant(raised.0);
        return raise_here(m, f, exception);
    }
    // A tracer may have sent the frame elsewhere.
    // SAFETY: as above.
    let record = unsafe { *m.context().thread.record };
    (f.pc, f.sp) = (record.pc, record.sp);
    let instruction = f.code.source.instructions[f.pc as usize];
    let step = steps::<M, true>(m, f, instruction);
    follow(m, f, step)
}

/// Takes the exception to its handler in this frame or the ones below.
#[inline(never)]
fn unwind<M: PyMachine>(m: &mut M, frame: &mut PyFrame<M>, exception: M::Ref) -> Option<Leave<M::Ref>> {
    if exception::find_handler(m, frame, exception) {
        return if M::DIRECT && exception::is_memory_error(m, exception) { Some(start_over(m, frame)) } else { None };
    }
    if frame.code.flags().has_any(CodeFlags::GENERATOR_LIKE) {
        let generator = frame.slot(slots::GENERATOR);
        let none = m.is_null(generator);
        if !m.decide(none) {
            generator::finish(m, generator);
        }
    }
    let exception = exception::tell(m, &FRAME_UNWINDS, exception);
    leave(m, frame, Err(exception))
}

/// Has the loop go on in a fresh native frame: dead words in this one may refer to what the program has just let go of.
#[cold]
fn start_over<M: PyMachine>(m: &mut M, frame: &PyFrame<M>) -> Leave<M::Ref> {
    // SAFETY: the current frame has a record.
    unsafe { ((*m.context().thread.record).pc, (*m.context().thread.record).sp) = (frame.pc, frame.sp) };
    Leave::Continue
}

/// Leaves the current frame; its result arrives in the caller's.
#[inline(always)]
fn leave<M: PyMachine>(m: &mut M, frame: &mut PyFrame<M>, result: Result<M::Ref, M::Ref>) -> Option<Leave<M::Ref>> {
    exception::leave_frame(m, frame);
    match m.finish(frame, result) {
        Finished::Base(leave) => Some(leave),
        Finished::Caller(Ok(value)) => {
            frame.push(value);
            None
        }
        Finished::Caller(Err(exception)) => frame.lend(|frame| arrive(m, frame, Err(exception))),
    }
}

/// The result of a call arrives in the frame that made it.
#[inline(never)]
fn arrive<M: PyMachine>(m: &mut M, frame: &mut PyFrame<M>, result: Result<M::Ref, M::Ref>) -> Option<Leave<M::Ref>> {
    let exception = match result {
        Ok(value) => {
            frame.push(value);
            return None;
        }
        Err(exception) => exception,
    };
    // A StopIteration that comes out of a generator's frame is its end.
    let caller = frame.code.source.instructions[frame.pc as usize - 1];
    if matches!(caller.op, Op::ForIter | Op::Send) && exception::is_stop_iteration(m, exception) {
        let told = exception::tell(m, &ITERATION_ENDS, exception);
        if M::DIRECT && m.promote_ref(told) != m.promote_ref(exception) {
            return raise_here(m, frame, told);
        }
        if caller.op == Op::ForIter {
            // Over END_FOR.
            frame.pc = caller.arg + 1;
        } else {
            let value = m.call_ref(&crate::callees::iteration::STOP_VALUE, &[Operand::Ref(exception)]);
            frame.push(value);
            frame.pc = caller.arg;
        }
        return None;
    }
    raise_here(m, frame, exception)
}
