//! Leaving compiled code through an exit.
//!
//! The exit's recipe is executed first: what compiled code kept in registers or never made becomes guest values. If no
//! handler has to go on in its middle, the frames then simply become the direct interpreter's. Otherwise, and if a bridge is
//! to be recorded, a tracer replays the handlers in progress.

use super::recipe::Made;
use super::{Outcome, compile, record};
use crate::cache::ExitKind;
use crate::coverage::Path;
use crate::evict;
use crate::explain;
use crate::inspect;
use crate::jit::Jit;
use crate::language::{Language, thread_of};
use crate::profile::Activity;
use crate::tracer::{CONSTANT, Level, LogEntry, Mode, Traced, Tracer};
use heap::Value;
use ir::{Arg, Attr, Exit, ExitArg, ExitId, OpCode, Resume, Strength, TraceId, TraceKind, Ty};
use smallvec::SmallVec;
use std::sync::Arc;

/// Continues where the exit of this global number leaves to; its live values are in the buffer.
pub(crate) fn leave<L: Language>(context: *mut L::Context, number: u32) -> Outcome {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let (jit, observed) = unsafe { (&mut (*thread_of::<L>(context)).jit, (*thread_of::<L>(context)).interprets()) };
    let (id, at) = jit.cache.exit_of(number);
    let (limit, tries) = (jit.options.bridge, jit.options.retries);
    let trace = jit.cache.trace_mut(id);
    let fallen = trace.fallen;
    let cached = &mut trace.exits[at.0 as usize];
    cached.count = cached.count.saturating_add(1);
    let may = cached.kind == ExitKind::Guard && !cached.bridged && !cached.busy && !fallen && !observed;
    let hot = may && cached.count >= limit && cached.tries < tries;
    let hot = hot && is_worth_it::<L>(jit, id, at);
    if may && !hot {
        count_lost(jit, id, at);
        if std::mem::take(&mut jit.cache.room.is_wanted) {
            // SAFETY: as above.
            unsafe { (*thread_of::<L>(context)).ask_for_room() };
        }
    }
    // SAFETY: as above.
    let jit = unsafe { &mut (*thread_of::<L>(context)).jit };
    let cached = &mut jit.cache.trace_mut(id).exits[at.0 as usize];
    cached.busy |= hot;
    let (shared, kind) = (hot.then(|| cached.exit.clone()), cached.kind);
    // SAFETY: exits are dropped with their traces, which stay as long as there is compiled code or a tracer on the native stack;
    // what a recorded bridge goes on with, it shares.
    let exit = unsafe { &*Arc::as_ptr(&cached.exit) };
    let at_will = jit.cache.trace(id).input.exits.take_fired(at);
    jit.counters.exits_at_will += u64::from(at_will);
    if jit.options.log.exit {
        let at_will = if at_will { " at will" } else { "" };
        let text = format!("{} exit {} of {} ({:?}){at_will}", number, at.0, jit.cache.trace(id).name(), kind);
        jit.logger.section("exit", &text, "");
    }
    jit.counters.exits += 1;
    if jit.coverage.on {
        cover::<L>(context, id, at);
    }
    // SAFETY: as above.
    let forced = unsafe { inspect::find_forced(&*thread_of::<L>(context)) };
    // SAFETY: as above; the buffer stays where it is, and nothing enters compiled code while values are made.
    let live = unsafe { (*thread_of::<L>(context)).jit.cache.live_values(exit.live.len()) };
    // SAFETY: as above.
    if unsafe { (*thread_of::<L>(context)).jit.notes.is_some() } {
        explain::note_exit::<L>(context, id, at, live);
    }
    // SAFETY: what was forced stays in its table while the recipe is executed, and in `taken` from then on.
    let values = Made::<L>::make(context, id, exit, live, forced.map(|forced| unsafe { &*forced }));
    // SAFETY: as above.
    let _taken = forced.map(|forced| unsafe { inspect::take_forced(&mut *thread_of::<L>(context), forced) });
    let replays = exit.frames.iter().any(|frame| frame.resume == Resume::Replay);
    // SAFETY: as above.
    let coverage = unsafe { &mut (*thread_of::<L>(context)).jit.coverage };
    if coverage.on && replays {
        coverage.replays(exit);
    }
    if hot {
        coverage.reach(if replays { Path::BridgeReplayed } else { Path::BridgePlain });
        if exit.recipe.iter().any(|step| step.code == OpCode::New) {
            coverage.reach(Path::BridgeVirtual);
        }
    }
    if let Some(exit) = shared {
        bridge::<L>(context, id, at, &exit, &values)
    } else if replays {
        // SAFETY: as above.
        unsafe { (*thread_of::<L>(context)).jit.counters.exits_replayed += 1 };
        replay::<L>(context, id, exit, &values)
    } else {
        // SAFETY: as above.
        unsafe { (*thread_of::<L>(context)).jit.counters.exits_plain += 1 };
        restore::<L>(context, id, exit, &values);
        Outcome::Continue
    }
}

/// Counts what kind of exit it is.
#[cold]
fn cover<L: Language>(context: *mut L::Context, id: TraceId, at: ExitId) {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let thread = unsafe { &mut *thread_of::<L>(context) };
    let forced = inspect::find_forced(thread).is_some();
    let trace = thread.jit.cache.trace(id);
    let (fallen, bridge, peeled) = (trace.fallen, trace.parent.is_some(), trace.label.is_some());
    let cached = &trace.exits[at.0 as usize];
    let exit = cached.exit.clone();
    let coverage = &mut thread.jit.coverage;
    coverage.reach(match cached.kind {
        ExitKind::Poll => Path::ExitPoll,
        ExitKind::StillValid if forced || !fallen => Path::ExitInspected,
        ExitKind::StillValid => Path::ExitFallen,
        _ => cached.reason,
    });
    coverage.reach(if exit.frames.len() > 1 { Path::ExitInlined } else { Path::ExitOutermost });
    if peeled {
        coverage.reach(if exit.in_body { Path::ExitBody } else { Path::ExitFirstRound });
    }
    if bridge {
        coverage.reach(Path::ExitOfBridge);
    }
    if !thread.entries.is_empty() {
        coverage.reach(Path::ExitAboveCompiled);
    }
    if let Some(state) = exit.frames.last() {
        // SAFETY: codes come from this language and live as long as the process.
        let code = unsafe { &*(state.code as *const L::Code) };
        let instructions_end = state.resume == Resume::AfterCall;
        coverage.left(L::instruction(code, state.pc - instructions_end as u32));
    }
}

/// Whether an exit that has been taken often gets a bridge now. If not, it is asked again later.
fn is_worth_it<L: Language>(jit: &mut Jit, id: TraceId, at: ExitId) -> bool {
    let limit = jit.options.bridge;
    let trace = jit.cache.trace(id);
    let count = trace.exits[at.0 as usize].count;
    // Who has been told to wait asks again after half as many exits as it took to get here.
    let asks = (count - limit).is_multiple_of(limit.div_ceil(2).max(1));
    if !asks || u64::from(count) < u64::from(limit) << doublings(jit, trace.root) || is_too_varied::<L>(jit, id, at) {
        return false;
    }
    evict::release_some(jit);
    let is_full = jit.is_full();
    jit.cache.room.is_wanted |= is_full;
    let is_affordable = !is_full && jit.economy.affords(&jit.counters);
    jit.counters.postponed += u64::from(!is_affordable);
    is_affordable
}

/// An exit whose recordings failed too often, and that is then taken so many times as often as one that gets a bridge, gets one more
/// chance.
const HEALS: u32 = 4000;

/// An exit taken so many times as often as one that gets a bridge has waited for one too long.
const PATIENCE: u32 = 4;

/// Counts an exit that will not get a bridge for long.
fn count_lost(jit: &mut Jit, id: TraceId, at: ExitId) {
    let (limit, retries) = (jit.options.bridge, jit.options.retries);
    let trace = jit.cache.trace_mut(id);
    let root = trace.root;
    let exit = &mut trace.exits[at.0 as usize];
    let given_up = exit.tries >= retries;
    if given_up && exit.count >= limit.saturating_mul(HEALS) {
        (exit.tries, exit.count) = (retries.saturating_sub(1), 0);
    }
    let waits_long = exit.count >= limit.saturating_mul(PATIENCE);
    if given_up || waits_long || doublings(jit, root) > 1 {
        let stay = &mut jit.cache.trace_mut(root).stay;
        stay.lost = stay.lost.saturating_add(1);
    }
}

/// How many times as often as usual an exit is to be taken before it gets a bridge, as a power of two: a loop whose ways through are
/// too many to be compiled all is compiled for those that are taken most.
fn doublings(jit: &Jit, root: TraceId) -> u32 {
    jit.cache.trace(root).bridge_ops.checked_div(jit.options.tree).unwrap_or(0).min(20)
}

/// Whether so many bridges hang on one place of the program that another one is not worth it. Counting that as many
/// failed attempts leaves the place to the interpreter. If the instruction can do without promises, it does from here on.
fn is_too_varied<L: Language>(jit: &mut Jit, id: TraceId, at: ExitId) -> bool {
    let is_varied = jit.cache.variants(id, at) >= jit.options.variants;
    if is_varied {
        jit.cache.trace_mut(id).exits[at.0 as usize].tries = jit.options.retries;
        jit.counters.places_too_varied += 1;
        let exit = jit.cache.trace(id).exits[at.0 as usize].exit.clone();
        if let Some(state) = exit.frames.last().filter(|state| state.resume != Resume::AfterCall) {
            // SAFETY: codes come from this language and live as long as the process.
            let code = unsafe { &*(state.code as *const L::Code) };
            if let Some(site) = L::site(code, state.pc).filter(|site| !site.is_varied()) {
                site.vary(jit);
            }
        }
    }
    is_varied
}

/// The frames become the direct interpreter's.
fn restore<L: Language>(context: *mut L::Context, id: TraceId, exit: &Exit, values: &Made<L>) {
    for (at, state) in exit.frames.iter().enumerate() {
        // SAFETY: the context outlives the call, and the thread is its first field; codes come from this language.
        let (thread, code) = unsafe { (&mut *thread_of::<L>(context), &*(state.code as *const L::Code)) };
        if at > 0 {
            let window = thread.window_unlimited(L::slot_count(code));
            thread.push_record(code, 0, 0, window);
        }
        // SAFETY: the current frame has a record.
        let record = unsafe { &mut *thread.record };
        record.pc = inspect::record_pc(state);
        record.sp = state.slots.len() as u32;
        let slots = record.slots;
        for (index, &arg) in state.slots.iter().enumerate() {
            // SAFETY: the window has room for all slots of the code.
            unsafe { *slots.add(index) = Value(values.slot(context, id, at, index, arg)) };
        }
    }
    // SAFETY: as above.
    unsafe { (*thread_of::<L>(context)).jit.cache.forget_values() };
}

/// A tracer whose levels are the exit's frames; `resolve` gives an argument's id.
fn tracer_for<L: Language>(
    mut tracer: Box<Tracer<L>>,
    context: *mut L::Context,
    id: TraceId,
    exit: &Exit,
    values: &Made<L>,
    resolve: impl Fn(ExitArg) -> u32,
) -> Box<Tracer<L>> {
    for (at, state) in exit.frames.iter().enumerate().rev() {
        // SAFETY: codes come from this language and live as long as the process.
        let mut level = Level::new(unsafe { &*(state.code as *const L::Code) });
        level.pc = state.pc;
        level.waiting = state.resume == Resume::AfterCall;
        level.side = state.resume == Resume::Replay;
        level.until = state.events;
        level.slots.extend(
            state.slots.iter().enumerate().map(|(index, &arg)| Traced {
                value: Value(values.slot(context, id, at, index, arg)),
                id: resolve(arg),
            }),
        );
        level.log.extend(state.log.iter().map(|&(kind, ty, arg)| LogEntry {
            kind,
            ty,
            id: resolve(arg),
            bits: values.word(context, id, arg),
        }));
        tracer.pending.push(level);
    }
    tracer.mode = Mode::Replaying;
    tracer.thread().jit.cache.forget_values();
    tracer
}

/// Replays the handlers in progress and goes on unrecorded.
fn replay<L: Language>(context: *mut L::Context, id: TraceId, exit: &Exit, values: &Made<L>) -> Outcome {
    let tracer = Tracer::new(context, TraceKind::Bridge, String::new());
    let mut tracer = tracer_for(tracer, context, id, exit, values, |_| CONSTANT);
    let frame = tracer.restore_group();
    record::outcome_of(tracer.run(frame))
}

/// Replays the handlers in progress and records what follows.
fn bridge<L: Language>(
    context: *mut L::Context,
    id: TraceId,
    at: ExitId,
    exit: &Arc<Exit>,
    values: &Made<L>,
) -> Outcome {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let jit = unsafe { &mut (*thread_of::<L>(context)).jit };
    jit.counters.bridges_begun += 1;
    let timed = jit.economy.begin();
    // SAFETY: the context outlives the call, and the thread is its first field.
    let parent = unsafe { (*thread_of::<L>(context)).jit.cache.trace(id) };
    let (name, root_kind) = (format!("{} exit {}", parent.name(), at.0), parent.root_kind);
    // SAFETY: as above.
    let root = unsafe { (*thread_of::<L>(context)).jit.cache.root_of(id) };
    let mut tracer = Tracer::new(context, TraceKind::Bridge, name);
    tracer.recording = true;
    tracer.root_kind = root_kind;
    tracer.root = Some((root, !exit.in_body));
    tracer.resumed = exit.frames.len();
    // The guard may have held: it is recorded.
    tracer.exits_at_will |= exit.strength != Strength::Recorded;
    let live: Vec<u32> = exit.live.iter().map(|&(_, ty)| tracer.push(OpCode::Input, ty, &[], Attr::None)).collect();
    // The recipe is emitted again, so that virtual objects stay virtual.
    let mut made: Vec<u32> = Vec::with_capacity(exit.recipe.len());
    for step in &exit.recipe {
        let args: SmallVec<[Arg; 3]> = step
            .args
            .iter()
            .map(|&arg| {
                let ty = exit_ty(exit, arg);
                let id_of = resolve(&live, &made, arg);
                tracer.arg_of(ty, id_of, values.word(context, id, arg))
            })
            .collect();
        let ty = step.ty;
        made.push(tracer.push(step.code, ty, &args, step.attr));
    }
    let invariants: Vec<Arg> = exit
        .invariants
        .iter()
        .map(|&arg| {
            let ty = exit_ty(exit, arg);
            tracer.arg_of(ty, resolve(&live, &made, arg), values.word(context, id, arg))
        })
        .collect();
    let mut tracer = tracer_for(tracer, context, id, exit, values, |arg| resolve(&live, &made, arg));
    let frame = tracer.restore_group();
    let outermost = &tracer.levels[0];
    let (code, pc) = (outermost.code, outermost.pc);
    tracer.goes_outward = tracer.home_pc(code).is_some_and(|header| pc < header);
    let before = tracer.thread().jit.activity.begin(Activity::Recording);
    let outcome = record::outcome_of(tracer.run(frame));
    tracer.thread().jit.activity.back_to(before);
    let jit = &mut tracer.thread().jit;
    let nanoseconds = jit.economy.end(timed);
    jit.counters.recorded(nanoseconds);
    compile::finish_bridge(tracer, id, at, invariants);
    outcome
}

/// The bridge's operation that stands for an exit's argument.
fn resolve(live: &[u32], made: &[u32], arg: ExitArg) -> u32 {
    match arg {
        ExitArg::Live(at) => live[at as usize],
        ExitArg::Made(at) => made[at as usize],
        _ => CONSTANT,
    }
}

fn exit_ty(exit: &Exit, arg: ExitArg) -> Ty {
    match arg {
        ExitArg::Live(at) => exit.live[at as usize].1,
        ExitArg::Made(at) => exit.recipe[at as usize].ty,
        ExitArg::Int(_) => Ty::Int,
        ExitArg::Flt(_) => Ty::Flt,
        ExitArg::Bool(_) => Ty::Bool,
        ExitArg::Imm(_) | ExitArg::Ref(_) => Ty::Ref,
    }
}
