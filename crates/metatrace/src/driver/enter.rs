//! Running compiled code.

use super::{Outcome, exit};
use crate::coverage::Path;
use crate::direct::Direct;
use crate::economy::{Stayed, Work};
use crate::inspect::Entry;
use crate::jit::Jit;
use crate::language::{Language, thread_of};
use crate::profile::Activity;
use crate::thread::Thread;
use codegen::Left;
use heap::Value;
use ir::{TraceId, TraceKind};
use std::sync::atomic::{Ordering, compiler_fence};

/// Runs a compiled trace on the current frame. `None`: it would not fit below the recursion limit.
pub(crate) fn enter<L: Language>(context: *mut L::Context, id: TraceId) -> Option<Outcome> {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let thread = unsafe { &mut *thread_of::<L>(context) };
    let trace = thread.jit.cache.trace(id);
    let (inlined, code) = (trace.inlined, trace.cell.entry.load(Ordering::Acquire));
    if !thread.has_room(inlined) {
        return None;
    }
    let before = thread.jit.activity.begin(Activity::Entering);
    // SAFETY: the current frame has a record.
    let record = unsafe { *thread.record };
    let buffer = thread.jit.cache.buffer.as_mut_ptr();
    for at in 0..record.sp as usize {
        // SAFETY: the trace has been compiled, so its inputs, which are these slots, fit into the buffer.
        unsafe { *buffer.add(at) = (*record.slots.add(at)).0 };
    }
    let jit = &mut thread.jit;
    let timed = jit.economy.enter(jit.counters.entries, &mut jit.cache.trace_mut(id).stay);
    let left = run::<L>(context, id, code);
    let stayed = timed.map(|timed| {
        // SAFETY: as above.
        let jit = unsafe { &mut (*thread_of::<L>(context)).jit };
        (jit.economy.leave(&timed), jit.counters.bridges_begun)
    });
    let outcome = outcome::<L>(context, left);
    if let Some((stayed, bridges)) = stayed {
        // SAFETY: as above.
        let jit = unsafe { &mut (*thread_of::<L>(context)).jit };
        // Recording a bridge is no part of leaving.
        if jit.counters.bridges_begun == bridges {
            judge(jit, id, left, &stayed);
        }
    }
    // SAFETY: as above.
    unsafe { &*thread_of::<L>(context) }.jit.activity.back_to(before);
    Some(outcome)
}

/// Calls the compiled code of a function. It begins with `sp` slots, the buffer with the first `count` of them; the others are
/// NULL. `None`: it would not fit below the recursion limit; nothing has happened.
#[inline(always)]
pub(crate) fn call<L: Language>(
    context: *mut L::Context,
    code: &'static L::Code,
    id: TraceId,
    count: usize,
    sp: u32,
) -> Option<Result<Value, Value>> {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let thread = unsafe { &mut *thread_of::<L>(context) };
    let trace = thread.jit.cache.trace(id);
    let (inlined, entry) = (trace.inlined, trace.cell.entry.load(Ordering::Acquire));
    if !thread.has_room(inlined + 1) {
        return None;
    }
    // The slots themselves are written where the code is left.
    let window = thread.window_below_limit(L::slot_count(code))?;
    thread.push_record(code, 0, sp, window);
    if count < sp as usize {
        thread.jit.cache.buffer[count..sp as usize].fill(Value::NULL.0);
    }
    let callee = thread.record;
    let left = run::<L>(context, id, entry);
    let finished = match left {
        // SAFETY: as above; the buffer has a first word.
        Left::Return => Outcome::Finished(Ok(unsafe { first_word::<L>(context) })),
        left => outcome::<L>(context, left),
    };
    Some(match finished {
        Outcome::Finished(result) => {
            // SAFETY: as above.
            unsafe { (*thread_of::<L>(context)).pop_record() };
            result
        }
        Outcome::Continue => Direct::<L>::go_on_above(context, callee),
    })
}

/// # Safety
/// The context is valid, and there is compiled code.
#[inline(always)]
unsafe fn first_word<L: Language>(context: *mut L::Context) -> Value {
    // SAFETY: the caller's.
    unsafe { Value((&(*thread_of::<L>(context)).jit.cache.buffer)[0]) }
}

/// Makes room in the table of entries. A profiler's signal handler, which reads it, must not find it half moved.
#[cold]
#[inline(never)]
fn grow_entries<L: Language>(thread: &mut Thread<L>) {
    let before = thread.jit.activity.begin(Activity::Moving);
    compiler_fence(Ordering::SeqCst);
    thread.entries.reserve(thread.entries.len().max(64));
    compiler_fence(Ordering::SeqCst);
    thread.jit.activity.back_to(before);
}

/// Runs a compiled trace, whose cell holds `code` and whose inputs are in the buffer.
#[inline(always)]
fn run<L: Language>(context: *mut L::Context, id: TraceId, code: usize) -> Left {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let thread = unsafe { &mut *thread_of::<L>(context) };
    let buffer = thread.jit.cache.buffer.as_mut_ptr();
    thread.jit.counters.entries += 1;
    let enter = thread.jit.cache.compiler().enter();
    if thread.entries.len() == thread.entries.capacity() {
        grow_entries(thread);
    }
    thread.entries.push(Entry { owner: thread.record, below: thread.activation });
    let loop_base = std::mem::take(&mut thread.loop_base);
    let activity = thread.jit.activity.begin(Activity::Running);
    // SAFETY: `code` is the entry of a trace or the stub; the buffer begins with the inputs.
    let word = unsafe { enter(code, context.cast(), buffer, codegen::start_of(id)) };
    // SAFETY: as above.
    let thread = unsafe { &mut *thread_of::<L>(context) };
    thread.entries.pop();
    thread.loop_base = loop_base;
    thread.jit.activity.back_to(activity);
    Left::decode(word)
}

/// What it means for the frame that the code ran for.
#[inline(always)]
fn outcome<L: Language>(context: *mut L::Context, left: Left) -> Outcome {
    // SAFETY: there is compiled code.
    let first = unsafe { first_word::<L>(context) };
    let reach = |path| {
        // SAFETY: as above.
        unsafe { (*thread_of::<L>(context)).jit.coverage.reach(path) }
    };
    match left {
        Left::Exit(number) => {
            // SAFETY: as above.
            let activity = unsafe { &(*thread_of::<L>(context)).jit.activity };
            let before = activity.begin(Activity::Leaving);
            let outcome = exit::leave::<L>(context, number);
            activity.back_to(before);
            outcome
        }
        Left::Return => {
            reach(Path::LeftReturn);
            Outcome::Finished(Ok(first))
        }
        Left::Raise => {
            reach(Path::LeftRaise);
            Outcome::Finished(Err(first))
        }
        Left::Loop(target) => {
            reach(Path::LeftFallen);
            // The target fell; its inputs are the slots at its header.
            // SAFETY: as above; the borrow of the cache ended.
            let thread = unsafe { &mut *thread_of::<L>(context) };
            let buffer = thread.jit.cache.buffer.as_ptr();
            let trace = thread.jit.cache.trace(target);
            // SAFETY: the current frame has a record, and its window room for all slots of the code.
            unsafe {
                let record = &mut *thread.record;
                record.pc = trace.start.1;
                let inputs = trace.input.trace.input_count();
                record.sp = inputs as u32;
                for at in 0..inputs {
                    *record.slots.add(at) = Value(*buffer.add(at));
                }
            }
            Outcome::Continue
        }
        Left::Body(target) => panic!("compiled code jumped into the body of trace {}, which fell", target.0),
    }
}

/// A trace whose stays gain less than leaving takes is set aside.
#[inline(never)]
fn judge(jit: &mut Jit, id: TraceId, left: Left, stayed: &Stayed) {
    // It may have been dropped meanwhile.
    let Some(root_kind) = jit.cache.get(id).map(|trace| trace.root_kind) else { return };
    let work = match left {
        Left::Exit(number) => {
            let (at, exit) = jit.cache.exit_of(number);
            let trace = jit.cache.trace(at);
            let rate = if trace.root != id || root_kind == TraceKind::Loop { trace.gain_rate } else { 0 };
            let instructions = trace.instructions_before + trace.exits[exit.0 as usize].instructions;
            Work { instructions, returned: false, rate }
        }
        // On which way is not known: half of the first one recorded stands for all.
        _ => {
            let trace = jit.cache.trace(id);
            Work {
                instructions: trace.input.trace.positions.len() as u32 / 2,
                returned: true,
                rate: if root_kind == TraceKind::Loop { trace.gain_rate } else { 0 },
            }
        }
    };
    let Some(trace) = &mut jit.cache.traces[id.0 as usize] else { return };
    let loses = jit.economy.is_back(stayed, work, &mut trace.stay);
    if let Some(home) = trace.home
        && loses
        && home.entry.get() == id.0 as usize + 1
    {
        home.set_aside();
        jit.counters.set_aside += 1;
    }
}
