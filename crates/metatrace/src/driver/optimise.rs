//! From a recording to an optimised trace: at once, or on another thread while the interpreter goes on.

use super::Signature;
use super::compile::Failed;
use crate::cache::NO_LOOP;
use crate::counters::Abort;
use crate::economy::thread_ns;
use crate::jit::{Assumption, HotCell, Jit};
use crate::language::Language;
use crate::profile::Activity;
use crate::tracer::{End, Tracer};
use heap::Value;
use ir::{Arg, Attr, ConstRef, ExitId, OpCode, Strength, Trace, TraceId, TraceKind};
use opt::{Failure, Optimized, Origin, Passes, Request};

/// What optimising a recording takes, roughly, in operations: beside these it lowers the slots of frames, of which there are many where
/// much is inlined. On another thread it takes longer, for what it reads and writes is not in that processor's cache: only where it would
/// be felt on this one is it done there.
fn size(trace: &Trace) -> usize {
    let slots: usize = trace
        .snapshots
        .iter()
        .map(|snapshot| snapshot.frames.iter().map(|frame| frame.slots.len()).sum::<usize>())
        .sum();
    trace.ops.len() + slots / 8
}

/// So many recordings may be away at once: neither their memory nor the time that optimising them takes counts before they are back.
const MOST_DRAFTS: usize = 16;

/// Where a trace will hang.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Root(&'static HotCell),
    Bridge(TraceId, ExitId),
}

impl Place {
    pub(super) fn home(self) -> Option<&'static HotCell> {
        match self {
            Place::Root(cell) => Some(cell),
            Place::Bridge(..) => None,
        }
    }

    pub(super) fn parent(self) -> Option<(TraceId, ExitId)> {
        match self {
            Place::Root(_) => None,
            Place::Bridge(parent, at) => Some((parent, at)),
        }
    }
}

/// What is known of a trace beside its operations while these are optimised.
pub(crate) struct Draft {
    pub(super) name: String,
    pub(super) kind: TraceKind,
    pub(super) place: Place,
    /// The guest objects that it names, by [`ConstRef`]; the collector knows them.
    pub(crate) constants: Vec<Value>,
    pub(super) assumptions: Vec<(Assumption, u32)>,
    pub(super) polls: Vec<(u64, u32, u32)>,
    pub(super) inlined: u32,
    pub(super) start: (u64, u32),
    pub(super) root_kind: TraceKind,
    pub(super) goes_outward: bool,
    pub(super) signature: Signature,
}

/// A recording that ended, without the tracer.
pub(super) struct Recording {
    trace: Trace,
    pub(super) end: End,
    /// Of constants that never have another one: their shapes.
    shapes: Vec<Option<u32>>,
    draft: Draft,
}

pub(super) fn recording<L: Language>(tracer: &mut Tracer<L>, place: Place) -> Result<Recording, Failed> {
    let Some(end) = tracer.end else {
        return Err(Failed::Abort(tracer.aborted.unwrap_or(Abort::LeftAtOnce)));
    };
    let assumptions = std::mem::take(&mut tracer.assumptions);
    if !hold(&tracer.thread().jit, &assumptions) {
        return Err(Failed::Abort(Abort::AssumptionFell));
    }
    let kind = tracer.trace.kind;
    // SAFETY: the context outlives the tracer.
    let context = unsafe { &mut *tracer.context };
    let shapes = tracer.constants.iter().map(|&object| L::fixed_shape(context, object).map(|shape| shape.0)).collect();
    let trace = std::mem::replace(&mut tracer.trace, Trace::new(kind, String::new()));
    let draft = Draft {
        name: trace.name.clone(),
        kind,
        place,
        constants: std::mem::take(&mut tracer.constants),
        assumptions,
        polls: std::mem::take(&mut tracer.polls),
        inlined: tracer.deepest as u32 - 1,
        start: match (tracer.start, tracer.function) {
            (Some((code, pc)), _) => (code.addr() as u64, pc),
            (None, function) => (function.map_or(0, |code| code.addr() as u64), NO_LOOP),
        },
        root_kind: tracer.root_kind,
        goes_outward: tracer.goes_outward,
        signature: std::mem::take(&mut tracer.signature),
    };
    Ok(Recording { trace, end, shapes, draft })
}

impl Recording {
    pub(super) fn kind(&self) -> TraceKind {
        self.trace.kind
    }
}

fn hold(jit: &Jit, assumptions: &[(Assumption, u32)]) -> bool {
    assumptions.iter().all(|&(assumption, version)| jit.version(assumption) == version)
}

/// Optimises a recording. `None`: another thread does, and [`arrived`] says what came of it. `invariants`: those of the exit that a
/// bridge hangs on, as its operands.
pub(super) fn begin(
    jit: &mut Jit,
    recording: Recording,
    invariants: Vec<Arg>,
) -> Option<(Draft, Result<Optimized, Failure>)> {
    let Recording { trace, end, shapes, mut draft } = recording;
    verify(jit, &trace, "recorded");
    jit.counters.recorded_ops += trace.ops.len() as u64;
    if jit.options.log.trace {
        jit.logger.section("trace", &draft.name, &ir::text::print(&trace));
    }
    let mut request = request(jit, end, draft.place, invariants, &mut draft.constants);
    request.constant_shapes = shapes;
    if jit.options.log.passes {
        log_passes(jit, &trace, &request);
    }
    draft.signature.keep_touched(&trace);
    // Whoever explains wants to know at once what became of a recording.
    let has_room = jit.options.background && jit.notes.is_none() && jit.cache.drafts.len() < MOST_DRAFTS;
    let apart = has_room && size(&trace) >= jit.options.apart as usize;
    let mut recording = Box::new((trace, request));
    if apart {
        let compiler = jit.cache.compiler.as_mut().expect("there is one before a trace is recorded");
        match compiler.optimize_behind(recording) {
            Ok(()) => {
                wait(jit, draft);
                return None;
            }
            Err(back) => recording = back,
        }
    }
    let (trace, request) = *recording;
    let started = thread_ns();
    let before = jit.activity.begin(Activity::Optimising);
    let optimized = opt::optimize(trace, &request);
    jit.activity.back_to(before);
    let nanoseconds = thread_ns() - started;
    jit.counters.optimize_ns += nanoseconds;
    jit.counters.longest_optimize_ns = jit.counters.longest_optimize_ns.max(nanoseconds);
    Some((draft, optimized))
}

/// The recording is on its way: its place is busy until [`arrived`]. An exit is so since its bridge began to be recorded.
fn wait(jit: &mut Jit, draft: Draft) {
    if let Place::Root(cell) = draft.place {
        cell.busy.set(true);
    }
    jit.cache.in_flight += 1;
    jit.cache.drafts.push_back(draft);
}

/// A recording has come back from the other thread. What it relies on may have fallen meanwhile.
pub(super) fn arrived(
    jit: &mut Jit,
    optimized: Result<Optimized, Failure>,
    nanoseconds: u64,
) -> (Draft, Result<Optimized, Failed>) {
    let draft = jit.cache.drafts.pop_front().expect("results come in order");
    jit.cache.in_flight -= 1;
    jit.counters.optimize_ns += nanoseconds;
    jit.counters.optimized_behind += 1;
    let fallen = |id: TraceId| jit.cache.trace(id).fallen;
    let enters_fallen = |trace: &Trace| match trace.ops.last().map(|op| (op.code, op.attr)) {
        Some((OpCode::JumpBody, Attr::Target(target))) => fallen(target),
        _ => false,
    };
    let stands = hold(jit, &draft.assumptions) && !draft.place.parent().is_some_and(|(parent, _)| fallen(parent));
    let result = match optimized {
        Err(failure) => Err(failure.into()),
        Ok(optimized) if stands && !enters_fallen(&optimized.trace) => Ok(optimized),
        Ok(_) => Err(Failed::Abort(Abort::AssumptionFell)),
    };
    (draft, result)
}

pub(super) fn verify(jit: &Jit, trace: &Trace, when: &str) {
    if jit.options.verify
        && let Err(error) = ir::verify(trace)
    {
        panic!("{when}, {}: {error}\n{}", trace.name, ir::text::print(trace));
    }
}

/// What the optimiser must know beside the trace. A bridge gets the constants of the loop it hangs on, so that it can say what
/// it leaves as it is.
fn request(jit: &Jit, end: End, place: Place, invariants: Vec<Arg>, constants: &mut Vec<Value>) -> Request {
    let target = match end {
        End::OtherLoop(target) if !jit.cache.trace(target).fallen => {
            jit.cache.trace(target).label.clone().map(|label| (target, label))
        }
        _ => None,
    };
    let bridge = place.parent();
    let facts = bridge.and_then(|(parent, at)| jit.cache.trace(parent).facts.of(at));
    let is_careful = bridge.is_some_and(|(parent, at)| is_careful(jit, parent, at));
    let origin = bridge.and_then(|(parent, at)| {
        let trace = jit.cache.trace(parent);
        if !trace.exits[at.0 as usize].exit.in_body {
            return None;
        }
        let root = if trace.label.is_some() { parent } else { trace.origin? };
        Some(Origin { trace: root, invariants, written: trace.written.clone() })
    });
    let mut origin_constants = Vec::new();
    for &object in origin.iter().flat_map(|origin| jit.cache.trace(origin.trace).constants.iter()) {
        origin_constants.push(Some(interned(constants, object)));
    }
    let mut target_constants = Vec::new();
    for &object in target.iter().flat_map(|&(target, _)| jit.cache.trace(target).constants.iter()) {
        target_constants.push(Some(interned(constants, object)));
    }
    let own = |&object: &Value| constants.iter().position(|&known| known == object).map(|at| ConstRef(at as u32));
    let facts = facts.unwrap_or_default();

    let [false_ref, true_ref] = jit.cache.bools.map(|object| own(&object));
    Request {
        target,
        origin,
        facts,
        origin_constants,
        target_constants,
        true_ref,
        false_ref,
        constant_shapes: Vec::new(),
        distinct_refs: true,
        exits_at_will: jit.options.leave_once,
        without: if is_careful { Passes::STRENGTHEN } else { Passes::NONE },
    }
}

/// Whether a bridge from that exit goes on where a guard was stronger than need be. Its own guards are left as they are.
fn is_careful(jit: &Jit, parent: TraceId, at: ExitId) -> bool {
    let mut above = Some((parent, at));
    while let Some((id, at)) = above {
        let trace = jit.cache.trace(id);
        if trace.exits[at.0 as usize].exit.strength == Strength::Smaller {
            return true;
        }
        above = trace.parent;
    }
    false
}

/// The object's place in a table of constants.
fn interned(constants: &mut Vec<Value>, object: Value) -> ConstRef {
    let at = constants.iter().position(|&known| known == object).unwrap_or_else(|| {
        constants.push(object);
        constants.len() - 1
    });
    ConstRef(at as u32)
}

/// The trace after the first pass, after the first two, and so on.
fn log_passes(jit: &mut Jit, trace: &Trace, request: &Request) {
    let mut so_far = Passes::NONE;
    for pass in &opt::TABLE {
        so_far = so_far.with(pass.flag);
        let request = Request { without: so_far.complement(), ..request.clone() };
        let text = match opt::optimize(trace.clone(), &request) {
            Ok(optimized) => ir::text::print(&optimized.trace),
            Err(Failure::Contradiction) => String::new(),
        };
        jit.logger.section(pass.name, &trace.name, &text);
    }
}
