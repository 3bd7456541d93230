//! From a recording to an installed trace.
//!
//! [`finish_root`] and [`finish_bridge`] optimise what was recorded and submit it to the compiler; [`install_done`] takes what is
//! compiled and makes it reachable. Until then the place stays busy, so nothing is recorded twice.

use super::{Signature, stuck, units};
use crate::cache::{CachedExit, CachedTrace, ExitKind, NO_LOOP, Watched, exit_kind};
use crate::compiler::{Compiler, Job, What};
use crate::counters::Abort;
use crate::coverage::{self, Path};
use crate::economy::{self, Stay, thread_ns};
use crate::evict;
use crate::explain::{Attempt, Rounds, TraceNotes};
use crate::jit::{Assumption, HotCell, Jit};
use crate::language::Language;
use crate::profile::Activity;
use crate::tracer::{End, Tracer};
use codegen::{CompileError, CompileInput, CompiledTrace, Dump, ExitCells, OpPlace, TraceCell};
use heap::Value;
use ir::{Arg, Attr, ConstRef, ExitId, Op, OpCode, Position, PositionId, Strength, Trace, TraceId, TraceKind};
use opt::{Failure, Optimized, Origin, Passes, Request};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A recording that ended, without the tracer.
struct Recording {
    trace: Trace,
    end: End,
    constants: Vec<Value>,
    /// Of constants that never have another one: their shapes.
    shapes: Vec<Option<u32>>,
    assumptions: Vec<(Assumption, u32)>,
    polls: Vec<(u64, u32, u32)>,
    inlined: u32,
    start: (u64, u32),
    root_kind: TraceKind,
    goes_outward: bool,
    signature: Signature,
}

/// Why there is no trace.
enum Failed {
    Abort(Abort),
    Contradiction,
    Refused,
}

fn recording<L: Language>(tracer: &mut Tracer<L>) -> Result<Recording, Failed> {
    let Some(end) = tracer.end else {
        return Err(Failed::Abort(tracer.aborted.unwrap_or(Abort::LeftAtOnce)));
    };
    let assumptions = std::mem::take(&mut tracer.assumptions);
    let jit = &tracer.thread().jit;
    if assumptions.iter().any(|&(assumption, version)| jit.version(assumption) != version) {
        return Err(Failed::Abort(Abort::AssumptionFell));
    }
    let kind = tracer.trace.kind;
    // SAFETY: the context outlives the tracer.
    let context = unsafe { &mut *tracer.context };
    let shapes = tracer.constants.iter().map(|&object| L::fixed_shape(context, object).map(|shape| shape.0)).collect();
    Ok(Recording {
        trace: std::mem::replace(&mut tracer.trace, Trace::new(kind, String::new())),
        end,
        constants: std::mem::take(&mut tracer.constants),
        shapes,
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
    })
}

/// Where the recording began and ended, for the option `explain`.
fn note_attempt<L: Language>(tracer: &mut Tracer<L>) {
    let (first, last) = (tracer.trace.positions.first(), tracer.trace.positions.last());
    let of = |position: Option<&Position>| position.map_or((0, 0), |position| (position.code, position.pc));
    let stopped = if tracer.aborted.is_some() { tracer.aborted_at } else { of(last) };
    let attempt = Attempt { start: of(first), stopped };
    if let Some(notes) = &mut tracer.thread().jit.notes {
        notes.attempt = attempt;
    }
}

/// Submits the trace of a loop or a function.
pub(crate) fn finish_root<L: Language>(mut tracer: Box<Tracer<L>>, cell: &'static HotCell) {
    let context = tracer.context;
    let kind = tracer.trace.kind;
    let name = tracer.trace.name.clone();
    note_attempt(&mut tracer);
    let recorded = recording(&mut tracer);
    drop(tracer);
    // SAFETY: the context outlives the call, and the thread is its first field.
    let jit = unsafe { &mut (*crate::language::thread_of::<L>(context)).jit };
    let submitted = recorded.and_then(|recording| {
        let early = kind == TraceKind::Loop && recording.end == End::Finish && cell.may_leave_early();
        if early { Err(Failed::Abort(Abort::LeftAtOnce)) } else { submit(jit, recording, None, Some(cell)) }
    });
    match submitted {
        Ok(()) => install_done(jit),
        Err(failed) => root_failed(jit, cell, kind, &name, &failed),
    }
}

fn root_failed(jit: &mut Jit, cell: &HotCell, kind: TraceKind, name: &str, failed: &Failed) {
    cell.busy.set(false);
    // What was learnt is used soon; what may go wrong again waits longer each time.
    let threshold = if kind == TraceKind::Function { jit.entry_threshold } else { jit.threshold };
    let soon = matches!(
        failed,
        Failed::Abort(Abort::LoopInCallee | Abort::LeftAtOnce | Abort::OtherLoop) | Failed::Contradiction
    );
    count_failure(jit, name, failed);
    if soon {
        cell.count.set(threshold.saturating_sub(2));
    }
    cell.wants_version.set(0);
    if matches!(failed, Failed::Abort(Abort::AssumptionFell)) {
        cell.cool(cell.aborts.get());
    }
    if matches!(failed, Failed::Abort(Abort::LeftAtOnce)) && cell.may_leave_early() {
        cell.left_early.set(cell.left_early.get() + 1);
    } else if !matches!(failed, Failed::Abort(Abort::LoopInCallee)) {
        cell.aborts.set(cell.aborts.get() + 1);
    }
    if cell.aborts.get() >= jit.options.retries {
        cell.give_up();
    }
}

/// Submits a bridge from an exit.
pub(crate) fn finish_bridge<L: Language>(
    mut tracer: Box<Tracer<L>>,
    parent: TraceId,
    at: ExitId,
    invariants: Vec<Arg>,
) {
    let context = tracer.context;
    let name = tracer.trace.name.clone();
    note_attempt(&mut tracer);
    let recorded = recording(&mut tracer);
    let depth = tracer.active;
    drop(tracer);
    // SAFETY: the context outlives the call, and the thread is its first field.
    let jit = unsafe { &mut (*crate::language::thread_of::<L>(context)).jit };
    // Guest code that the recording ran may have taken the parent out of use.
    let submitted = recorded.and_then(|recording| match jit.cache.trace(parent).fallen {
        true => Err(Failed::Abort(Abort::AssumptionFell)),
        false => submit(jit, recording, Some((parent, at, invariants)), None),
    });
    match submitted {
        Ok(()) => install_done(jit),
        Err(failed) => {
            bridge_failed(jit, parent, at, &name, &failed);
            match failed {
                Failed::Abort(Abort::LoopInInlined) => stuck::drop_if_stuck(jit, parent, depth),
                Failed::Abort(Abort::InnerRound) => stuck::turn(jit, jit.cache.root_of(parent)),
                _ => {}
            }
        }
    }
}

fn bridge_failed(jit: &mut Jit, parent: TraceId, at: ExitId, name: &str, failed: &Failed) {
    count_failure(jit, name, failed);
    let exit = &mut jit.cache.trace_mut(parent).exits[at.0 as usize];
    exit.busy = false;
    exit.count = 0;
    if !matches!(failed, Failed::Abort(Abort::OtherVersion)) {
        exit.tries += 1;
    }
}

/// Makes what the compiler has finished reachable, and gives it what has become due.
pub(crate) fn install_done(jit: &mut Jit) {
    while let Some(done) = jit.cache.compiler.as_mut().and_then(Compiler::next_done) {
        let started = thread_ns();
        if !matches!(done.what, What::Quiet { .. }) {
            jit.cache.in_flight -= 1;
        }
        jit.counters.compile_ns += done.nanoseconds;
        match done.what {
            What::Trace(id) => {
                jit.economy.compiled(jit.cache.trace(id).input.trace.ops.len());
                install(jit, id, done.code, done.places);
            }
            What::Unit(members) => {
                jit.economy.unit_compiled(members.iter().map(|&id| jit.cache.trace(id).input.trace.ops.len()).sum());
                jit.counters.compile_unit_ns += done.nanoseconds;
                units::install(jit, &members, done.code, done.places);
            }
            What::Quiet { calm } => units::submit_loose(jit, calm),
        }
        let nanoseconds = thread_ns() - started;
        jit.counters.longest_install_ns = jit.counters.longest_install_ns.max(nanoseconds);
    }
}

fn install(jit: &mut Jit, id: TraceId, code: Result<CompiledTrace, CompileError>, places: Vec<OpPlace>) {
    let trace = jit.cache.trace(id);
    let (name, home, parent) = (trace.name().to_string(), trace.home, trace.parent);
    let kind = trace.input.trace.kind;
    // What it relies on may have fallen while it was compiled.
    let fallen = trace.fallen || parent.is_some_and(|(parent, _)| jit.cache.trace(parent).fallen);
    let installable = match code {
        Err(error) => {
            if jit.options.log.abort {
                jit.logger.section("refused", &name, &format!("{error:?}"));
            }
            Err(Failed::Refused)
        }
        Ok(_) if fallen => Err(Failed::Abort(Abort::AssumptionFell)),
        Ok(code) => Ok(code),
    };
    let mut code = match installable {
        Ok(code) => code,
        Err(failed) => {
            jit.cache.trace_mut(id).fallen = true;
            let of = |position: Option<&Position>| position.map_or((0, 0), |position| (position.code, position.pc));
            let positions = &jit.cache.trace(id).input.trace.positions;
            let attempt = Attempt { start: of(positions.first()), stopped: of(positions.last()) };
            if let Some(notes) = &mut jit.notes {
                notes.attempt = attempt;
            }
            if let Some(cell) = home {
                root_failed(jit, cell, kind, &name, &failed);
            }
            if let Some((parent, at)) = parent {
                bridge_failed(jit, parent, at, &name, &failed);
            }
            return;
        }
    };
    jit.counters.code_bytes += code.code_bytes as u64;
    jit.cache.code.add(code.region(), id, places);
    if !code.text.is_empty() {
        jit.logger.section("asm", &name, &code.text);
        code.text = String::new();
    }
    jit.takes(code.region().len() as u64);
    let entry = code.entry;
    jit.coverage.installed(&jit.cache.trace(id).input.trace);
    let trace = jit.cache.trace_mut(id);
    trace.entry = entry;
    trace.cell.entry.store(entry, Ordering::Release);
    trace.code = Some(code);
    if let Some(cell) = home {
        let is_first = cell.entry.get() == 0;
        if is_first {
            cell.entry.set(id.0 as usize + 1);
        }
        cell.wants_version.set(0);
        cell.busy.set(false);
        match kind {
            TraceKind::Function => jit.counters.functions += 1,
            _ if !is_first => jit.counters.versions += 1,
            _ => jit.counters.loops += 1,
        }
    }
    if let Some((parent, at)) = parent {
        let trace = jit.cache.trace_mut(parent);
        trace.input.exits.attach(at, entry);
        trace.children.push(id);
        let exit = &mut trace.exits[at.0 as usize];
        (exit.busy, exit.bridged) = (false, true);
        jit.counters.bridges += 1;
        let root = jit.cache.root_of(parent);
        let operations = jit.cache.trace(id).input.trace.ops.len() as u32;
        let root_trace = jit.cache.trace_mut(root);
        root_trace.bridge_ops = root_trace.bridge_ops.saturating_add(operations);
        let inlined = jit.cache.trace(id).inlined;
        let mut above = Some((parent, at));
        while let Some((id, _)) = above {
            let trace = jit.cache.trace_mut(id);
            trace.inlined = trace.inlined.max(inlined);
            above = trace.parent;
        }
    }
    units::add(jit, id);
}

fn count_failure(jit: &mut Jit, name: &str, failed: &Failed) {
    let why = match failed {
        Failed::Abort(abort) => {
            jit.counters.aborts += 1;
            jit.abort_counts[*abort as usize] += 1;
            abort.sentence()
        }
        Failed::Contradiction => {
            jit.counters.contradictions += 1;
            "the trace contradicts itself"
        }
        Failed::Refused => {
            jit.counters.refused += 1;
            "the code generator refused"
        }
    };
    if let Some(notes) = &mut jit.notes {
        notes.failed(why);
    }
    if jit.options.log.abort {
        jit.logger.section("abort", &format!("{name}: {why}"), "");
    }
}

fn verify(jit: &Jit, trace: &Trace, when: &str) {
    if jit.options.verify
        && let Err(error) = ir::verify(trace)
    {
        panic!("{when}, {}: {error}\n{}", trace.name, ir::text::print(trace));
    }
}

/// Optimises a recording and submits it; it has a number then, but no code.
fn submit(
    jit: &mut Jit,
    recording: Recording,
    bridge: Option<(TraceId, ExitId, Vec<Arg>)>,
    home: Option<&'static HotCell>,
) -> Result<(), Failed> {
    notice_fork(jit);
    let Recording { trace, mut constants, shapes, assumptions, mut signature, .. } = recording;
    let name = trace.name.clone();
    verify(jit, &trace, "recorded");
    jit.counters.recorded_ops += trace.ops.len() as u64;
    if jit.options.log.trace {
        jit.logger.section("trace", &name, &ir::text::print(&trace));
    }
    let parent = bridge.as_ref().map(|&(parent, at, _)| (parent, at));
    let mut request = request(jit, recording.end, bridge, &mut constants);
    request.constant_shapes = shapes;
    if jit.options.log.passes {
        log_passes(jit, &trace, &request);
    }
    signature.keep_touched(&trace);
    let started = thread_ns();
    let before = jit.activity.begin(Activity::Optimising);
    let optimized = opt::optimize(trace, &request);
    jit.activity.back_to(before);
    let nanoseconds = thread_ns() - started;
    jit.counters.optimize_ns += nanoseconds;
    jit.counters.longest_optimize_ns = jit.counters.longest_optimize_ns.max(nanoseconds);
    let Optimized { mut trace, label, written, facts, .. } = match optimized {
        Ok(optimized) => optimized,
        Err(Failure::Contradiction) => return Err(Failed::Contradiction),
    };
    verify(jit, &trace, "optimised");
    jit.counters.optimized_ops += trace.ops.len() as u64;
    if jit.options.log.opt {
        jit.logger.section("opt", &name, &ir::text::print(&trace));
    }
    if !jit.options.compile {
        return Err(Failed::Refused);
    }
    let origin = parent.and_then(|(parent, _)| {
        let parent_trace = jit.cache.trace(parent);
        parent_trace.label.as_ref().map(|_| parent).or(parent_trace.origin)
    });
    let rounds = jit.options.explain.then(|| Rounds::count(&mut trace));
    let exits = cached_exits(&trace, &recording.polls);
    let notes = rounds.map(|rounds| Box::new(TraceNotes::new(&trace, rounds, &exits)));
    jit.counters.guards += exits.len() as u64;
    let stub = jit.cache.compiler().stub();
    let cell = TraceCell::new(stub);
    let id = TraceId(jit.cache.traces.len() as u32);
    let constants = constants.into_boxed_slice();
    let mut inlined = recording.inlined;
    let mut targets = Vec::new();
    for op in &trace.ops {
        if let Attr::Target(target) = op.attr {
            let trace = jit.cache.trace(target);
            inlined = inlined.max(trace.inlined);
            targets.push((target, trace.cell.clone()));
        }
    }
    let first_exit = jit.cache.exit_numbers.take(id, exits.len() as u32);
    let is_call = |op: &&Op| matches!(op.code, OpCode::Call | OpCode::CallSlice) && !is_poll(jit, op);
    let body = &trace.ops[trace.ops.iter().position(|op| op.code == OpCode::Label).unwrap_or(0)..];
    let calls = body.iter().filter(is_call).count();
    let gain_rate = economy::gain_rate(trace.positions.len(), body.len(), calls);
    let bytes = evict::footprint(&trace, &facts);
    jit.takes(bytes);
    jit.economy.submitted(trace.ops.len());
    let counts = jit.cache.compiler().counts_bridges();
    let counted = match parent {
        Some((parent, _)) => Some(jit.cache.trace(jit.cache.root_of(parent)).cell.clone()),
        // What runs into a loop passes its values on as a bridge does.
        None => (trace.kind == TraceKind::Function && !targets.is_empty()).then(|| cell.clone()),
    };
    let input = Arc::new(CompileInput {
        exits: exit_cells(jit, trace.exits.len(), stub),
        trace,
        id,
        cell: cell.clone(),
        targets,
        counted: counted.filter(|_| counts),
        first_exit,
        constants: constants.as_ptr().addr(),
        dump: Dump { clif: jit.options.log.clif, asm: jit.options.log.asm, places: jit.places },
    });
    let cached = CachedTrace {
        cell,
        entry: 0,
        code: None,
        bytes,
        input: input.clone(),
        unit: None,
        linked: Vec::new(),
        exits,
        notes,
        constants,
        inlined,
        home,
        start: recording.start,
        goes_outward: recording.goes_outward,
        signature,
        parent,
        root: parent.map_or(id, |(parent, _)| jit.cache.root_of(parent)),
        bridge_ops: 0,
        stuck_since: 0,
        watched: Watched::default(),
        stay: Stay::default(),
        gain_rate,
        instructions_before: parent.map_or(0, |(parent, at)| {
            let parent = jit.cache.trace(parent);
            parent.instructions_before + parent.exits[at.0 as usize].instructions
        }),
        children: Vec::new(),
        entrants: Vec::new(),
        root_kind: recording.root_kind,
        label,
        origin,
        written,
        facts,
        fallen: false,
    };
    jit.cache.traces.push(Some(Box::new(cached)));
    let last = jit.cache.trace(id).input.trace.ops.last().map(|op| (op.code, op.attr));
    if let Some((OpCode::JumpBody, Attr::Target(target))) = last
        && jit.cache.root_of(target) != jit.cache.root_of(id)
    {
        jit.cache.trace_mut(target).entrants.push(id);
    }
    if home.is_some() && jit.cache.trace(id).input.trace.kind == TraceKind::Loop {
        jit.cache.versions.entry(recording.start).or_default().push(id);
    }
    for (assumption, _) in assumptions {
        jit.depend(id, assumption);
    }
    if let Some(cell) = home {
        cell.busy.set(true);
    }
    submit_job(jit, Job::Trace(input));
    Ok(())
}

/// The poll for attention is the test of a flag.
fn is_poll(jit: &Jit, op: &Op) -> bool {
    matches!(op.attr, Attr::Callee(callee) if jit.cache.callees.is_some_and(|callees| std::ptr::eq(callee, callees.poll)))
}

fn exit_cells(jit: &Jit, count: usize, stub: usize) -> ExitCells {
    if !jit.options.leave_once {
        return ExitCells::new(count, stub);
    }
    let cells = ExitCells::with_arms(count, stub);
    cells.arm_all();
    cells
}

pub(super) fn submit_job(jit: &mut Jit, job: Job) {
    let before = jit.activity.begin(Activity::Compiling);
    jit.cache.in_flight += 1;
    jit.cache.compiler.as_mut().expect("there is one before a trace is recorded").submit(job);
    jit.activity.back_to(before);
}

/// If the process is a copy of one whose compiling thread was at work, its jobs are lost.
pub(crate) fn notice_fork(jit: &mut Jit) {
    if !jit.cache.compiler.as_mut().is_some_and(Compiler::was_forked) {
        return;
    }
    jit.cache.in_flight = 0;
    for trace in jit.cache.traces.iter_mut().flatten().filter(|trace| trace.entry == 0) {
        trace.fallen = true;
        if let Some(cell) = trace.home {
            cell.busy.set(false);
        }
    }
    for exit in jit.cache.traces.iter_mut().flatten().flat_map(|trace| &mut trace.exits) {
        exit.busy = false;
    }
}

/// What the optimiser must know beside the trace. A bridge gets the constants of the loop it hangs on, so that it can say what
/// it leaves as it is.
fn request(jit: &Jit, end: End, bridge: Option<(TraceId, ExitId, Vec<Arg>)>, constants: &mut Vec<Value>) -> Request {
    let target = match end {
        End::OtherLoop(target) if !jit.cache.trace(target).fallen => {
            jit.cache.trace(target).label.clone().map(|label| (target, label))
        }
        _ => None,
    };
    let facts = bridge.as_ref().and_then(|&(parent, at, _)| jit.cache.trace(parent).facts.of(at));
    let is_careful = bridge.as_ref().is_some_and(|&(parent, at, _)| is_careful(jit, parent, at));
    let origin = bridge.and_then(|(parent, at, invariants)| {
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

fn cached_exits(trace: &Trace, polls: &[(u64, u32, u32)]) -> Vec<CachedExit> {
    let mut kinds = vec![ExitKind::Guard; trace.exits.len()];
    let mut reasons = vec![Path::ExitCondition; trace.exits.len()];
    let mut instructions = vec![0; trace.exits.len()];
    let recorded = trace.positions.len() as u32;
    let mut is_body = false;
    for op in &trace.ops {
        is_body |= op.code == OpCode::Label;
        if let Some(exit) = op.exit {
            let way = if op.at == PositionId::NONE { 0 } else { op.at.0 + 1 };
            instructions[exit.0 as usize] = way + if is_body { recorded } else { 0 };
            kinds[exit.0 as usize] = exit_kind(op.code);
            reasons[exit.0 as usize] = coverage::reason(trace, op);
        }
    }
    let exits = trace.exits.iter().zip(kinds).zip(reasons).zip(instructions);
    let exits = exits.map(|(((exit, kind), reason), instructions)| {
        let is_poll = kind == ExitKind::Guard
            && exit.frames.last().is_some_and(|frame| polls.contains(&(frame.code, frame.pc, frame.events)));
        CachedExit {
            exit: exit.clone(),
            kind: if is_poll { ExitKind::Poll } else { kind },
            reason,
            instructions,
            count: 0,
            tries: 0,
            busy: false,
            bridged: false,
        }
    });
    exits.collect()
}
