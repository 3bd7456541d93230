//! From a recording to an installed trace.

use super::callees::ensure_backend;
use crate::cache::{CachedExit, CachedTrace, ExitKind, exit_kind};
use crate::counters::Abort;
use crate::jit::{Assumption, HotCell, Jit};
use crate::language::Language;
use crate::tracer::{End, Tracer};
use codegen::{CompileInput, Dump, TraceCell};
use heap::Value;
use ir::{Arg, Attr, ConstRef, ExitId, Trace, TraceId, TraceKind};
use opt::{Failure, Optimized, Origin, Request};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// A recording that ended, without the tracer.
struct Recording {
    trace: Trace,
    end: End,
    constants: Vec<Value>,
    assumptions: Vec<(Assumption, u32)>,
    polls: Vec<(u64, u32, u32)>,
    inlined: u32,
    start: (u64, u32),
    root_kind: TraceKind,
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
    Ok(Recording {
        trace: std::mem::replace(&mut tracer.trace, Trace::new(kind, String::new())),
        end,
        constants: std::mem::take(&mut tracer.constants),
        assumptions,
        polls: std::mem::take(&mut tracer.polls),
        inlined: tracer.deepest as u32 - 1,
        start: tracer.start.map_or((0, 0), |(code, pc)| (code.addr() as u64, pc)),
        root_kind: tracer.root_kind,
    })
}

/// Installs the trace of a loop or a function.
pub(crate) fn finish_root<L: Language>(mut tracer: Box<Tracer<L>>, cell: &'static HotCell) {
    let context = tracer.context;
    let kind = tracer.trace.kind;
    let name = tracer.trace.name.clone();
    let recorded = recording(&mut tracer);
    drop(tracer);
    ensure_backend::<L>(context);
    // SAFETY: the context outlives the call, and the thread is its first field.
    let jit = unsafe { &mut (*crate::language::thread_of::<L>(context)).jit };
    let retries = jit.options.retries;
    let installed = recorded.and_then(|recording| {
        let early = kind == TraceKind::Loop && recording.end == End::Finish && cell.aborts.get() < retries / 2;
        if early { Err(Failed::Abort(Abort::LeftAtOnce)) } else { install(jit, recording, None, Some(cell)) }
    });
    match installed {
        Ok(id) => {
            cell.entry.set(id.0 as usize + 1);
            match kind {
                TraceKind::Function => jit.counters.functions += 1,
                _ => jit.counters.loops += 1,
            }
        }
        Err(failed) => {
            // What was learnt is used soon; what may go wrong again waits longer each time.
            let threshold = if kind == TraceKind::Function { jit.entry_threshold } else { jit.threshold };
            let soon = matches!(failed, Failed::Abort(Abort::LoopInCallee | Abort::LeftAtOnce) | Failed::Contradiction);
            count_failure(jit, &name, &failed);
            if soon {
                cell.count.set(threshold.saturating_sub(2));
            }
            if !matches!(failed, Failed::Abort(Abort::LoopInCallee)) {
                cell.aborts.set(cell.aborts.get() + 1);
            }
            if cell.aborts.get() >= retries {
                cell.dead.set(true);
            }
        }
    }
}

/// Installs a bridge from an exit.
pub(crate) fn finish_bridge<L: Language>(
    mut tracer: Box<Tracer<L>>,
    parent: TraceId,
    at: ExitId,
    invariants: Vec<Arg>,
) {
    let context = tracer.context;
    let name = tracer.trace.name.clone();
    let recorded = recording(&mut tracer);
    drop(tracer);
    // SAFETY: the context outlives the call, and the thread is its first field.
    let jit = unsafe { &mut (*crate::language::thread_of::<L>(context)).jit };
    jit.cache.trace_mut(parent).exits[at.0 as usize].busy = false;
    // Guest code that the recording ran may have taken the parent out of use.
    let installed = recorded.and_then(|recording| match jit.cache.trace(parent).fallen {
        true => Err(Failed::Abort(Abort::AssumptionFell)),
        false => install(jit, recording, Some((parent, at, invariants)), None),
    });
    match installed {
        Ok(id) => {
            let entry = jit.cache.trace(id).code.entry;
            let trace = jit.cache.trace_mut(parent);
            trace.code.attach(at, entry);
            trace.children.push(id);
            trace.exits[at.0 as usize].bridged = true;
            jit.counters.bridges += 1;
            let inlined = jit.cache.trace(id).inlined;
            let mut above = Some((parent, at));
            while let Some((id, _)) = above {
                let trace = jit.cache.trace_mut(id);
                trace.inlined = trace.inlined.max(inlined);
                above = trace.parent;
            }
        }
        Err(failed) => {
            count_failure(jit, &name, &failed);
            let exit = &mut jit.cache.trace_mut(parent).exits[at.0 as usize];
            exit.count = 0;
            exit.tries += 1;
        }
    }
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

fn install(
    jit: &mut Jit,
    recording: Recording,
    bridge: Option<(TraceId, ExitId, Vec<Arg>)>,
    home: Option<&'static HotCell>,
) -> Result<TraceId, Failed> {
    let Recording { trace, end, constants, assumptions, polls, inlined, start, root_kind } = recording;
    let name = trace.name.clone();
    verify(jit, &trace, "recorded");
    jit.counters.recorded_ops += trace.ops.len() as u64;
    if jit.options.log.trace {
        jit.logger.section("trace", &name, &ir::text::print(&trace));
    }
    let parent = bridge.as_ref().map(|&(parent, at, _)| (parent, at));
    let inputs = trace.input_count() as u32;
    let request = request(jit, end, bridge, &constants);
    let started = Instant::now();
    let optimized = opt::optimize(trace, &request);
    jit.counters.optimize_ns += started.elapsed().as_nanos() as u64;
    let Optimized { trace, label, written, facts, .. } = match optimized {
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
    let exits = cached_exits(&trace, &polls);
    jit.counters.guards += exits.len() as u64;
    let backend = jit.cache.backend.as_mut().expect("made before the first trace is compiled");
    let cell = TraceCell::new(backend.stub());
    let id = TraceId(jit.cache.traces.len() as u32);
    let constants = constants.into_boxed_slice();
    let mut inlined = inlined;
    let mut targets = Vec::new();
    for op in &trace.ops {
        if let Attr::Target(target) = op.attr {
            let trace = &jit.cache.traces[target.0 as usize];
            inlined = inlined.max(trace.inlined);
            targets.push((target, trace.cell.clone()));
        }
    }
    let first_exit = jit.cache.exit_owner.len() as u32;
    let input = CompileInput {
        trace,
        id,
        cell: cell.clone(),
        targets,
        first_exit,
        constants: constants.as_ptr().addr(),
        dump: Dump { clif: jit.options.log.clif, asm: jit.options.log.asm },
    };
    let started = Instant::now();
    let code = backend.compile(&input);
    jit.counters.compile_ns += started.elapsed().as_nanos() as u64;
    let code = match code {
        Ok(code) => code,
        Err(error) => {
            if jit.options.log.abort {
                jit.logger.section("refused", &name, &format!("{error:?}"));
            }
            return Err(Failed::Refused);
        }
    };
    jit.counters.code_bytes += code.code_bytes as u64;
    if !code.text.is_empty() {
        jit.logger.section("asm", &name, &code.text);
    }
    cell.entry.store(code.entry, Ordering::Release);
    jit.cache.exit_owner.extend(exits.iter().map(|_| id));
    jit.cache.traces.push(CachedTrace {
        name,
        cell,
        code,
        first_exit,
        exits,
        constants,
        inlined,
        home,
        start,
        inputs,
        parent,
        children: Vec::new(),
        root_kind,
        label,
        origin,
        written,
        facts,
        fallen: false,
    });
    for (assumption, _) in assumptions {
        jit.depend(id, assumption);
    }
    Ok(id)
}

/// What the optimiser must know beside the trace.
fn request(jit: &Jit, end: End, bridge: Option<(TraceId, ExitId, Vec<Arg>)>, constants: &[Value]) -> Request {
    let target = match end {
        End::OtherLoop(target) => jit.cache.trace(target).label.clone().map(|label| (target, label)),
        _ => None,
    };
    let facts = bridge.as_ref().and_then(|&(parent, at, _)| jit.cache.trace(parent).facts.get(at.0 as usize).cloned());
    let origin = bridge.and_then(|(parent, at, invariants)| {
        let trace = jit.cache.trace(parent);
        if !trace.exits[at.0 as usize].exit.in_body {
            return None;
        }
        let root = if trace.label.is_some() { parent } else { trace.origin? };
        Some(Origin { trace: root, invariants, written: trace.written.clone() })
    });
    let own = |&object: &Value| constants.iter().position(|&known| known == object).map(|at| ConstRef(at as u32));
    let origin_constants =
        origin.iter().flat_map(|origin| jit.cache.trace(origin.trace).constants.iter()).map(own).collect();
    let facts = facts.unwrap_or_default();
    let [false_ref, true_ref] = jit.cache.bools.map(|object| own(&object));
    Request { target, origin, facts, origin_constants, true_ref, false_ref, distinct_refs: true, ..Request::default() }
}

fn cached_exits(trace: &Trace, polls: &[(u64, u32, u32)]) -> Vec<CachedExit> {
    let mut kinds = vec![ExitKind::Guard; trace.exits.len()];
    for op in &trace.ops {
        if let Some(exit) = op.exit {
            kinds[exit.0 as usize] = exit_kind(op.code);
        }
    }
    let exits = trace.exits.iter().zip(kinds).map(|(exit, kind)| {
        let is_poll = kind == ExitKind::Guard
            && exit.frames.last().is_some_and(|frame| polls.contains(&(frame.code, frame.pc, frame.events)));
        CachedExit {
            exit: Arc::new(exit.clone()),
            kind: if is_poll { ExitKind::Poll } else { kind },
            count: 0,
            tries: 0,
            busy: false,
            bridged: false,
        }
    });
    exits.collect()
}
