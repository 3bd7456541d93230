//! From what was sampled and noted to lines.

use super::{Finding, Line, ListedOp, Listing, Part, Report, Start, machine};
use super::{copies, loops, names, reasons};
use crate::profile::{function_of, line_of};
use crate::source::grouped;
use metatrace::{Activity, Doing, Explanation, OpStory, Place, Profile, TraceId, TraceKind, TraceStory};
use objects::vm::{Python, Vm};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Native functions, and passing arguments: a Python function that is called has a frame of its own.
const NATIVE: &str = "calls that the interpreter made";

/// File and number.
pub type LineKey = (String, u32);

pub fn report(vm: &mut Vm, profile: &Profile<Python>, explanation: &Explanation<Python>) -> Report {
    let mut report = Report {
        nanoseconds: profile.nanoseconds(),
        samples: profile.order.len(),
        parts: BTreeMap::new(),
        lines: BTreeMap::new(),
        traces: Vec::new(),
    };
    let index_of: HashMap<TraceId, usize> = explanation.traces.iter().enumerate().map(|(at, t)| (t.id, at)).collect();
    for stack in &profile.stacks {
        let place = stack.frames.last().map(|frame| Place { code: frame.code, pc: frame.pc });
        let part = part_of(vm, stack.doing, place, |trace, op| {
            explanation.traces[*index_of.get(&trace)?].ops.get(op as usize)
        });
        let called = place.is_some_and(reasons::is_call);
        let part = if part == Part::Interpreted && called { Part::Called(NATIVE.to_owned()) } else { part };
        *report.parts.entry(part.clone()).or_default() += stack.nanoseconds;
        let Some(frame) = stack.frames.last() else { continue };
        let line = line_at(&mut report, key(frame.code, frame.pc));
        line.nanoseconds += stack.nanoseconds;
        *line.parts.entry(part).or_default() += stack.nanoseconds;
    }
    for (key, (name, first_line, _)) in functions(profile) {
        line_at(&mut report, key).function = Some((name, first_line));
    }
    for (key, turns) in loops::count(explanation) {
        line_at(&mut report, key).turns = Some(turns);
    }
    let returned = returned(explanation);
    for trace in &explanation.traces {
        add_trace(&mut report, trace, returned.get(&trace.id).copied().unwrap_or(0));
    }
    let copied = copies::add(&mut report, profile, explanation);
    reasons::add(&mut report, profile, explanation, &copied);
    for line in report.lines.values_mut() {
        line.findings.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
    }
    report
}

/// For each line the function that most of its time was spent in: name, first line, time.
fn functions(profile: &Profile<Python>) -> HashMap<LineKey, (String, u32, u64)> {
    let mut times: HashMap<(LineKey, String, u32), u64> = HashMap::new();
    for stack in &profile.stacks {
        let Some(frame) = stack.frames.last() else { continue };
        let function = function_of(frame.code);
        *times.entry((key(frame.code, frame.pc), function.name, function.line)).or_default() += stack.nanoseconds;
    }
    let mut most: HashMap<LineKey, (String, u32, u64)> = HashMap::new();
    for ((key, name, line), time) in times {
        let found = (time, line, name);
        let best = most.entry(key).or_insert((String::new(), 0, 0));
        if (found.0, found.1, &found.2) > (best.2, best.1, &best.0) {
            *best = (found.2, found.1, found.0);
        }
    }
    most
}

pub fn key(code: &objects::code::Code, pc: u32) -> LineKey {
    (code.source.filename.to_string(), line_of(code, pc))
}

pub fn key_of(place: Place<Python>) -> LineKey {
    key(place.code, place.pc)
}

pub fn line_at(report: &mut Report, key: LineKey) -> &mut Line {
    report.lines.entry(key).or_default()
}

pub fn add_finding(report: &mut Report, key: LineKey, finding: Finding) {
    line_at(report, key).findings.push(finding);
}

/// What a sample's time is spent on.
fn part_of<'e>(
    vm: &mut Vm,
    doing: Doing,
    place: Option<Place<Python>>,
    op: impl Fn(TraceId, u32) -> Option<&'e OpStory<Python>>,
) -> Part {
    match doing {
        Doing::Interpreting => Part::Interpreted,
        Doing::Watched => Part::Watched,
        Doing::Compiled { .. } => Part::Compiled,
        Doing::Calling { trace, op: at, callee } => {
            let call = op(trace, at).and_then(|op| op.call.as_ref());
            Part::Called(names::of_call(vm, callee, call, place))
        }
        Doing::Runtime { what, .. } => match what {
            "new" | "new_items" => Part::Called("allocation of objects".to_owned()),
            "flt_box" | "flt_unbox" | "is_flt" => Part::Called("floats on the heap".to_owned()),
            _ => Part::Called("stores into old objects".to_owned()),
        },
        Doing::Entering | Doing::Other(Activity::Entering | Activity::Leaving) => Part::Crossing,
        Doing::Other(Activity::Collecting) => Part::Collecting,
        Doing::Other(Activity::Running) => Part::Interpreted,
        Doing::Other(_) => Part::Jit,
    }
}

/// For each loop, how often its own bridges came back to its start: that is no new beginning.
fn returned(explanation: &Explanation<Python>) -> HashMap<TraceId, u64> {
    let by_id: HashMap<TraceId, &TraceStory<Python>> =
        explanation.traces.iter().map(|trace| (trace.id, trace)).collect();
    let root_of = |mut id: TraceId| {
        while let Some((parent, _)) = by_id.get(&id).and_then(|trace| trace.parent) {
            id = parent;
        }
        by_id.get(&id)
    };
    // To the same loop, if for other types.
    let same_loop = |a: &TraceStory<Python>, b: &TraceStory<Python>| {
        b.kind == TraceKind::Loop && std::ptr::eq(a.start.code, b.start.code) && a.start.pc == b.start.pc
    };
    let mut returned = HashMap::new();
    for bridge in explanation.traces.iter().filter(|trace| trace.parent.is_some()) {
        let target = bridge.target.filter(|_| bridge.to_start).and_then(|target| by_id.get(&target));
        let (Some(root), Some(target)) = (root_of(bridge.id), target) else { continue };
        if !same_loop(root, target) {
            continue;
        }
        let exits: u64 = bridge.exits.iter().map(|exit| exit.left + exit.bridged).sum();
        *returned.entry(target.id).or_default() += bridge.entered.saturating_sub(exits);
    }
    returned
}

/// The lines that a trace starts at and passes, and its operations.
fn add_trace(report: &mut Report, trace: &TraceStory<Python>, returned: u64) {
    let function = function_of(trace.start.code).name;
    let what = match trace.kind {
        TraceKind::Loop => "loop",
        TraceKind::Function => "function",
        TraceKind::Bridge => "bridge",
    };
    let number = report.traces.len();
    let title = format!("{what} {}: entered {}, rounds {}", trace.name, trace.entered, trace.rounds);
    let listed = |op: &OpStory<Python>| {
        let code = op.code.iter().flat_map(|(address, bytes)| machine::lines(*address, bytes)).collect();
        ListedOp { text: op.text.clone(), code, exit: None, is_hot: false }
    };
    let mut ops: Vec<ListedOp> = trace.ops.iter().map(listed).collect();
    for exit in trace.exits.iter().filter(|exit| exit.left + exit.bridged > 0) {
        let op = &mut ops[exit.op as usize];
        let share = (exit.left + exit.bridged) as f64 / exit.asked.max(1) as f64;
        let (left, bridged) = (grouped(exit.left), grouped(exit.bridged));
        op.exit = Some(format!(
            "left in {}: {left} times to the interpreter, {bridged} times to a bridge",
            reasons::percent(share)
        ));
        op.is_hot = exit.left >= reasons::HOT_EXITS;
    }
    report.traces.push(Listing { title, ops });
    let start = key_of(trace.start);
    if trace.kind != TraceKind::Bridge {
        let start = line_at(report, start.clone());
        let (entered, rounds) = (trace.entered.saturating_sub(returned).max(1), trace.rounds);
        start.starts.push(Start { what, function, entered, rounds, fallen: trace.fallen });
    }
    let mut by_line: BTreeMap<LineKey, Vec<usize>> = BTreeMap::new();
    for (at, op) in trace.ops.iter().enumerate().filter(|(_, op)| !op.text.is_empty()) {
        if let Some(&innermost) = op.stack.first() {
            by_line.entry(key_of(innermost)).or_default().push(at);
        }
    }
    let passed: HashSet<LineKey> = by_line.keys().cloned().collect();
    for (key, ops) in by_line {
        line_at(report, key).listings.push((number, ops));
    }
    for key in passed.into_iter().filter(|key| *key != start || trace.kind == TraceKind::Bridge) {
        line_at(report, key).passing += 1;
    }
}
