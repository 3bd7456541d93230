//! Recording from hot loops and hot functions.

use super::callees::ensure_compiler;
use super::{Outcome, compile, versions};
use crate::evict;
use crate::frame::Leave;
use crate::jit::HotCell;
use crate::language::{Language, thread_of};
use crate::profile::Activity;
use crate::tracer::{Level, Mode, Traced, Tracer};
use heap::Value;
use ir::{Attr, OpCode, TraceKind, Ty};

/// Records a loop from its header, which the current frame has reached.
pub(crate) fn record_loop<L: Language>(
    context: *mut L::Context,
    code: &'static L::Code,
    pc: u32,
    cell: &'static HotCell,
) -> Option<Outcome> {
    if cell.has_to_wait() || cell.busy.get() || !L::is_traceable(code) || !has_means::<L>(context, cell, code, pc) {
        return None;
    }
    let mut tracer = Tracer::<L>::new(context, TraceKind::Loop, L::describe(code, pc));
    tracer.start = Some((code, pc));
    tracer.signature = versions::of_current_frame::<L>(context);
    cell.busy.set(true);
    let outcome = record_current(&mut tracer);
    cell.busy.set(false);
    compile::finish_root(tracer, cell);
    Some(outcome)
}

/// Records a function from its entry, where the current frame stands.
pub(crate) fn record_function<L: Language>(
    context: *mut L::Context,
    code: &'static L::Code,
    cell: &'static HotCell,
) -> Option<Outcome> {
    if cell.has_to_wait() || cell.busy.get() || !L::is_traceable(code) || !has_means::<L>(context, cell, code, 0) {
        return None;
    }
    let mut tracer = Tracer::<L>::new(context, TraceKind::Function, L::describe(code, 0));
    tracer.function = Some(code);
    cell.busy.set(true);
    let outcome = record_current(&mut tracer);
    cell.busy.set(false);
    compile::finish_root(tracer, cell);
    Some(outcome)
}

/// Whether there are time and memory to record and compile with. Without memory for code, nothing is recorded from now on.
fn has_means<L: Language>(context: *mut L::Context, cell: &HotCell, code: &'static L::Code, pc: u32) -> bool {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let jit = unsafe { &mut (*thread_of::<L>(context)).jit };
    evict::release_some(jit);
    let is_full = jit.is_full();
    if is_full || !jit.economy.affords(&jit.counters) {
        cell.count.set(jit.threshold.min(jit.entry_threshold) / 2);
        jit.counters.postponed += 1;
        if let Some(notes) = &mut jit.notes {
            *notes.postponed.entry((std::ptr::from_ref(code).addr() as u64, pc)).or_default() += 1;
        }
        if is_full {
            // SAFETY: the context outlives the call, and the thread is its first field.
            unsafe { (*thread_of::<L>(context)).ask_for_room() };
        }
        return false;
    }
    if !ensure_compiler::<L>(context) {
        // SAFETY: the context outlives the call, and the thread is its first field.
        let jit = unsafe { &mut (*thread_of::<L>(context)).jit };
        (jit.threshold, jit.entry_threshold) = (u32::MAX, u32::MAX);
        return false;
    }
    // SAFETY: as above.
    unsafe { &mut *thread_of::<L>(context) }.has_tracer_stack()
}

/// Records from the current frame, whose slots are the inputs.
fn record_current<L: Language>(tracer: &mut Tracer<L>) -> Outcome {
    let timed = tracer.thread().jit.economy.begin();
    // SAFETY: the context outlives the call, the thread is its first field, and the current frame has a record.
    let record = unsafe { *(*thread_of::<L>(tracer.context)).record };
    let mut level = Level::new(record.code);
    level.pc = record.instruction();
    level.window = tracer.push_window(record.code);
    for at in 0..record.sp as usize {
        // SAFETY: the record's slots below `sp` are valid.
        let value = unsafe { *record.slots.add(at) };
        let id = tracer.push(OpCode::Input, Ty::Ref, &[], Attr::None);
        let slot = Traced { value, id };
        level.slots.push(slot);
        // SAFETY: the window has room for all slots of the code.
        unsafe { *level.window.add(at) = slot };
    }
    let frame = level.frame();
    tracer.levels.push(level);
    tracer.active = 1;
    tracer.bases.push(0);
    tracer.mode = Mode::Recording;
    tracer.recording = true;
    let before = tracer.thread().jit.activity.begin(Activity::Recording);
    let outcome = outcome_of(tracer.run(frame));
    tracer.thread().jit.activity.back_to(before);
    let jit = &mut tracer.thread().jit;
    let nanoseconds = jit.economy.end(timed);
    jit.counters.recorded(nanoseconds);
    outcome
}

/// What a run of the tracer means for the frame at level 0.
pub(crate) fn outcome_of(leave: Leave<Traced<Value>>) -> Outcome {
    match leave {
        Leave::Continue => Outcome::Continue,
        Leave::Return(value) => Outcome::Finished(Ok(value.value)),
        Leave::Raise(exception) => Outcome::Finished(Err(exception.value)),
    }
}
