//! What happens when a place gets hot: entering compiled code, recording, leaving.

mod callees;
mod compile;
mod enter;
mod exit;
mod optimise;
mod recipe;
mod record;
mod stuck;
mod units;
mod versions;

pub(crate) use callees::{GuestCall, call_guest_with, callees};
pub(crate) use compile::{install_done, lose_threads};
pub(crate) use optimise::Draft;
pub(crate) use recipe::Made;
pub(crate) use versions::{Goal, Signature, choose};

use crate::direct::Direct;
use crate::frame::{Entered, Finished, Frame, Leave};
use crate::jit::HotCell;
use crate::language::Language;
use crate::machine::Machine;
use heap::Value;
use ir::TraceId;

/// How compiled code or a tracer left the frame that it was started for.
pub(crate) enum Outcome {
    /// Not at all, but others may stand above it: go on with the topmost record.
    Continue,
    /// The frame is done; its record is still there.
    Finished(Result<Value, Value>),
}

/// A back edge whose counter reached the threshold, or whose loop has compiled code.
#[inline(never)]
pub(crate) fn hot_loop<L: Language>(
    direct: &mut Direct<L>,
    frame: &mut Frame<L, Value>,
    cell: &'static HotCell,
) -> Option<Leave<Value>> {
    if direct.thread().interprets() {
        return None;
    }
    if cell.is_aside() && !cell.is_tried_again() {
        return None;
    }
    save(direct, frame);
    let context = direct.context;
    let collections = direct.thread().heap.collection_count();
    let outcome = without_loop(direct, || match cell.entry.get() {
        0 => record::record_loop::<L>(context, frame.code, frame.pc, cell),
        _ if cell.wants_version.get() > 0 && versions::is_new::<L>(context, frame, cell) => {
            record::record_loop::<L>(context, frame.code, frame.pc, cell)
        }
        entry => enter::enter::<L>(context, TraceId(entry as u32 - 1)),
    })?;
    if matches!(outcome, Outcome::Continue) && direct.thread().heap.collection_count() != collections {
        // What is old by now shall not be kept by what the loop's native frame held before: it goes on in a fresh one.
        return Some(Leave::Continue);
    }
    settle(direct, frame, outcome)
}

/// Compiled code for, or a recording of, the function whose frame has just been pushed.
fn hot_entry<L: Language>(direct: &mut Direct<L>, frame: &Frame<L, Value>, cell: &'static HotCell) -> Option<Outcome> {
    if direct.thread().interprets() {
        return None;
    }
    if cell.is_aside() && !cell.is_tried_again() {
        return None;
    }
    save(direct, frame);
    let context = direct.context;
    without_loop(direct, || match cell.entry.get() {
        0 => record::record_function::<L>(context, frame.code, cell),
        entry => enter::enter::<L>(context, TraceId(entry as u32 - 1)),
    })
}

/// Runs a tracer or compiled code, between two handlers of a dispatch loop. What earlier ones left in the loop's native frame keeps
/// nothing alive meanwhile, and that may be long.
#[inline(always)]
fn without_loop<L: Language>(direct: &mut Direct<L>, body: impl FnOnce() -> Option<Outcome>) -> Option<Outcome> {
    let here = 0usize;
    let low = (&raw const here) as usize;
    let thread = direct.thread();
    // SAFETY: from the loop's base down there are the loop's frame, those of what finishes a handler, and ours. All values of the
    // guest's frames are in their slots; what callers of the loop keep in registers lies above (see `Thread::loop_base`).
    unsafe { thread.heap.begin_dead_stack(low, thread.loop_base) };
    let outcome = body();
    direct.thread().heap.end_dead_stack();
    outcome
}

/// [`Machine::enter`] of a function that is hot or compiled.
#[inline(never)]
pub(crate) fn hot_callee<L: Language>(
    direct: &mut Direct<L>,
    frame: &mut Frame<L, Value>,
    cell: &'static HotCell,
) -> Entered<Value> {
    match hot_entry(direct, frame, cell) {
        None => Entered::Frame,
        Some(Outcome::Continue) => {
            *frame = direct.thread().current_frame();
            Entered::Frame
        }
        Some(Outcome::Finished(result)) => {
            direct.thread().pop_record();
            *frame = direct.thread().current_frame();
            Entered::Done(result)
        }
    }
}

/// Counts a call that starts a dispatch loop of its own. `Some`: the callee has run.
pub(crate) fn count_entry<L: Language>(direct: &mut Direct<L>, frame: &mut Frame<L, Value>) -> Option<Leave<Value>> {
    let cell = L::entry_cell(frame.code);
    let count = cell.count.get().wrapping_add(1);
    cell.count.set(count);
    if cell.entry.get() == 0 && count < direct.thread().jit.entry_threshold {
        return None;
    }
    let outcome = hot_entry(direct, frame, cell)?;
    settle(direct, frame, outcome)
}

/// Writes the frame to its record.
fn save<L: Language>(direct: &mut Direct<L>, frame: &Frame<L, Value>) {
    // SAFETY: the current frame has a record.
    let record = unsafe { &mut *direct.thread().record };
    // One by one, as they were written just before: a load of both would have to wait for two stores.
    // SAFETY: fields of a frame.
    unsafe {
        record.pc = std::ptr::read_volatile(&frame.pc);
        record.sp = std::ptr::read_volatile(&frame.sp);
    }
}

/// Goes on after compiled code or a tracer.
fn settle<L: Language>(direct: &mut Direct<L>, frame: &mut Frame<L, Value>, outcome: Outcome) -> Option<Leave<Value>> {
    match outcome {
        Outcome::Continue => {
            *frame = direct.thread().current_frame();
            None
        }
        Outcome::Finished(result) => match direct.finish(frame, result) {
            Finished::Base(leave) => Some(leave),
            Finished::Caller(result) => L::resume_direct(direct, frame, result),
        },
    }
}
