//! From a recording to an installed trace.
//!
//! [`finish_root`] and [`finish_bridge`] have what was recorded optimised and submit it to the compiler; [`install_done`] takes what
//! is optimised elsewhere or compiled, and makes it reachable. Until then the place stays busy, so nothing is recorded twice.

use super::optimise::{self, Draft, Place, Recording, verify};
use super::{stuck, units};
use crate::cache::{CachedExit, CachedTrace, ExitKind, Watched, exit_kind};
use crate::compiler::{Compiler, Done, Generated, Job};
use crate::counters::Abort;
use crate::coverage::{self, Path};
use crate::economy::{self, Stay, thread_ns};
use crate::evict;
use crate::explain::{Attempt, Rounds, TraceNotes};
use crate::jit::{HotCell, Jit};
use crate::language::Language;
use crate::profile::Activity;
use crate::tracer::{End, Tracer};
use codegen::{CompileError, CompileInput, CompiledTrace, Dump, ExitCells, OpPlace, Target, TraceCell};
use ir::{Arg, Attr, ExitId, Op, OpCode, Position, PositionId, Trace, TraceId, TraceKind};
use opt::{Failure, Optimized};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Why there is no trace.
pub(super) enum Failed {
    Abort(Abort),
    Contradiction,
    Refused,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Failed {
        match failure {
            Failure::Contradiction => Failed::Contradiction,
        }
    }
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
pub(crate) fn finish_root<L: Language>(tracer: Box<Tracer<L>>, cell: &'static HotCell) {
    finish(tracer, Place::Root(cell), Vec::new(), |_, recording| {
        let early = recording.kind() == TraceKind::Loop && recording.end == End::Finish && cell.may_leave_early();
        if early { Err(Failed::Abort(Abort::LeftAtOnce)) } else { Ok(()) }
    });
}

/// Submits a bridge from an exit.
pub(crate) fn finish_bridge<L: Language>(tracer: Box<Tracer<L>>, parent: TraceId, at: ExitId, invariants: Vec<Arg>) {
    let depth = tracer.active;
    let context = tracer.context;
    let failed = finish(tracer, Place::Bridge(parent, at), invariants, |jit, _| match jit.cache.trace(parent).fallen {
        // Guest code that the recording ran may have taken the parent out of use.
        true => Err(Failed::Abort(Abort::AssumptionFell)),
        false => Ok(()),
    });
    // SAFETY: the context outlives the call, and the thread is its first field.
    let jit = unsafe { &mut (*crate::language::thread_of::<L>(context)).jit };
    match failed {
        Some(Failed::Abort(Abort::LoopInInlined)) => stuck::drop_if_stuck(jit, parent, depth),
        Some(Failed::Abort(Abort::InnerRound)) => stuck::turn(jit, jit.cache.root_of(parent)),
        _ => {}
    }
}

/// Has a recording optimised, if it is `wanted`, and submits it. `Some`: there is no trace for this reason.
fn finish<L: Language>(
    mut tracer: Box<Tracer<L>>,
    place: Place,
    invariants: Vec<Arg>,
    wanted: impl FnOnce(&Jit, &Recording) -> Result<(), Failed>,
) -> Option<Failed> {
    let context = tracer.context;
    let (kind, name) = (tracer.trace.kind, tracer.trace.name.clone());
    note_attempt(&mut tracer);
    let recorded = optimise::recording(&mut tracer, place);
    drop(tracer);
    // SAFETY: the context outlives the call, and the thread is its first field.
    let jit = unsafe { &mut (*crate::language::thread_of::<L>(context)).jit };
    let submitted = recorded.and_then(|recording| {
        wanted(jit, &recording)?;
        match optimise::begin(jit, recording, invariants) {
            Some((draft, optimized)) => submit(jit, draft, optimized?),
            None => Ok(()),
        }
    });
    match submitted {
        Ok(()) => {
            install_done(jit);
            None
        }
        Err(failed) => {
            place_failed(jit, place, kind, &name, &failed);
            Some(failed)
        }
    }
}

/// There is no trace for the place.
fn place_failed(jit: &mut Jit, place: Place, kind: TraceKind, name: &str, failed: &Failed) {
    match place {
        Place::Root(cell) => root_failed(jit, cell, kind, name, failed),
        Place::Bridge(parent, at) => bridge_failed(jit, parent, at, name, failed),
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
        match done {
            Done::Trace(id, generated) => {
                came_back(jit, &generated);
                jit.economy.compiled(jit.cache.trace(id).input.trace.ops.len());
                install(jit, id, generated.code, generated.places);
            }
            Done::Unit(members, generated) => {
                came_back(jit, &generated);
                jit.economy.unit_compiled(members.iter().map(|&id| jit.cache.trace(id).input.trace.ops.len()).sum());
                jit.counters.compile_unit_ns += generated.nanoseconds;
                units::install(jit, &members, generated.code, generated.places);
            }
            Done::Optimized(optimized, nanoseconds) => {
                let (draft, optimized) = optimise::arrived(jit, *optimized, nanoseconds);
                let (place, kind, name) = (draft.place, draft.kind, draft.name.clone());
                if let Err(failed) = optimized.and_then(|optimized| submit(jit, draft, optimized)) {
                    place_failed(jit, place, kind, &name, &failed);
                }
                continue;
            }
            Done::Quiet { calm } => units::submit_loose(jit, calm),
        }
        let nanoseconds = thread_ns() - started;
        jit.counters.longest_install_ns = jit.counters.longest_install_ns.max(nanoseconds);
    }
}

/// Code of a job is there.
fn came_back(jit: &mut Jit, generated: &Generated) {
    jit.cache.in_flight -= 1;
    jit.counters.compile_ns += generated.nanoseconds;
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
    let ways = code.ways.as_ref().map_or(0, |ways| ways.bytes());
    jit.takes((code.region().len() + ways) as u64);
    let (entry, direct_entry) = (code.entry, code.direct_entry);
    let is_direct = code.ways.is_some();
    jit.coverage.installed(&jit.cache.trace(id).input.trace);
    let trace = jit.cache.trace_mut(id);
    trace.entry = entry;
    trace.bytes += ways as u64;
    trace.cell.entry.store(entry, Ordering::Release);
    trace.cell.direct.store(u8::from(is_direct), Ordering::Release);
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
        if direct_entry != 0 {
            trace.input.exits.attach_direct(at, direct_entry);
        }
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

/// Gives an optimised trace a number and submits it to the compiler.
fn submit(jit: &mut Jit, draft: Draft, optimized: Optimized) -> Result<(), Failed> {
    let started = thread_ns();
    let submitted = number_and_submit(jit, draft, optimized);
    jit.counters.longest_submit_ns = jit.counters.longest_submit_ns.max(thread_ns() - started);
    submitted
}

fn number_and_submit(jit: &mut Jit, draft: Draft, optimized: Optimized) -> Result<(), Failed> {
    let Optimized { mut trace, label, written, facts, .. } = optimized;
    let Draft { name, constants, .. } = draft;
    let (home, parent) = (draft.place.home(), draft.place.parent());
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
    let exits = cached_exits(&trace, &draft.polls);
    let notes = rounds.map(|rounds| Box::new(TraceNotes::new(&trace, rounds, &exits)));
    jit.counters.guards += exits.len() as u64;
    let stub = jit.cache.compiler().stub();
    let cell = TraceCell::new(stub);
    let id = TraceId(jit.cache.traces.len() as u32);
    let constants = constants.into_boxed_slice();
    let mut inlined = draft.inlined;
    let mut targets = Vec::new();
    for op in &trace.ops {
        if let Attr::Target(target) = op.attr {
            let trace = jit.cache.trace(target);
            inlined = inlined.max(trace.inlined);
            let ways = trace.code.as_ref().and_then(|code| code.ways.clone());
            targets.push(Target { id: target, cell: trace.cell.clone(), ways });
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
    let counts = jit.cache.compiler().counts_moved();
    let counted = match parent {
        Some((parent, _)) => Some(jit.cache.trace(jit.cache.root_of(parent)).cell.clone()),
        None => (!targets.is_empty()).then(|| cell.clone()),
    };
    let on = parent.and_then(|(parent, at)| {
        let code = jit.cache.trace(parent).code.as_ref()?;
        Some((code.ways.clone()?, at))
    });
    let input = Arc::new(CompileInput {
        on,
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
        start: draft.start,
        goes_outward: draft.goes_outward,
        signature: draft.signature,
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
        root_kind: draft.root_kind,
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
        jit.cache.versions.entry(draft.start).or_default().push(id);
    }
    for (assumption, _) in draft.assumptions {
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

/// The process is a fork's child: what other threads were at is lost, and may be recorded again.
pub(crate) fn lose_threads(jit: &mut Jit) {
    let Some(compiler) = &mut jit.cache.compiler else { return };
    compiler.lose_threads();
    let cache = &mut jit.cache;
    cache.in_flight = 0;
    let mut lost: Vec<Place> = cache.drafts.drain(..).map(|draft| draft.place).collect();
    for trace in cache.traces.iter_mut().flatten().filter(|trace| trace.entry == 0 && !trace.fallen) {
        trace.fallen = true;
        lost.extend(trace.home.map(Place::Root));
        lost.extend(trace.parent.map(|(parent, at)| Place::Bridge(parent, at)));
    }
    for place in lost {
        match place {
            Place::Root(cell) => cell.busy.set(false),
            Place::Bridge(parent, at) => cache.trace_mut(parent).exits[at.0 as usize].busy = false,
        }
    }
    jit.economy.forked();
    // This thread's clock began anew.
    let now = thread_ns();
    cache.units_rest_until_ns = now;
    for trace in cache.traces.iter_mut().flatten() {
        trace.stuck_since = 0;
        trace.watched.since_ns = now;
    }
    // Units are lost, too: all are asked again whether they are worth one, or a larger one.
    let roots = cache.traces.iter().flatten().filter(|trace| trace.parent.is_none() && !trace.fallen);
    cache.loose.extend(roots.map(|root| root.input.id));
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
