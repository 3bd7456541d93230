//! What exits, recordings that were given up, and calls mean for who wrote the program, and what to do about them.

use super::gather::{LineKey, add_finding, key_of};
use super::names;
use super::{Finding, Part, Report};
use crate::profile::{function_of, line_of};
use crate::source::{Sources, grouped};
use metatrace::{ExitStory, Explanation, FailureStory, Place, Profile, TraceId, TraceKind, TraceStory, Why};
use objects::vm::Python;
use std::collections::{BTreeMap, HashMap};
use syntax::Op;

/// What is not mentioned: exits taken less often, or by a smaller part of those that pass.
const FEW_EXITS: u64 = 100;
const SMALL_RATE: f64 = 0.01;
/// An exit that leads to the interpreter more often than that is hot.
pub const HOT_EXITS: u64 = 2000;
/// Rounds of a loop that is short, and how often it is entered at least.
const SHORT_LOOP: f64 = 6.0;
const OFTEN: u64 = 2000;
/// Of all time, and of the line's.
const NOTABLE: f64 = 0.02;
const GREAT_PART: f64 = 0.15;

/// Adds findings to the lines.
pub fn add(report: &mut Report, profile: &Profile<Python>, explanation: &Explanation<Python>) {
    let mut sources = Sources::default();
    exits(report, &mut sources, explanation);
    short_loops(report, explanation);
    fallen(report, explanation);
    failures(report, &mut sources, explanation);
    calls(report);
    interpreted(report, profile, explanation);
}

/// Exits of one place for one reason, in all traces that pass there.
#[derive(Default)]
struct Group {
    place: Option<Place<Python>>,
    why: Option<Why>,
    /// Of the first guards there the one that fails most; those in bridges behind them are asked only when they have failed.
    most: u64,
    /// How often guards are asked there, in the trace of that one, and how often they fail.
    asked: u64,
    taken: u64,
    others: Vec<(String, u64)>,
    left: u64,
    bridges: u64,
    given_up: bool,
    wanted: Option<String>,
    seen: BTreeMap<String, u64>,
}

fn exits(report: &mut Report, sources: &mut Sources, explanation: &Explanation<Python>) {
    let by_id: HashMap<TraceId, &TraceStory<Python>> =
        explanation.traces.iter().map(|trace| (trace.id, trace)).collect();
    let mut groups: BTreeMap<(usize, u32, u8), Group> = BTreeMap::new();
    for trace in &explanation.traces {
        // A guard of a peeled loop stands in it twice, and there are several for one type.
        let mut sums: HashMap<(u32, u8), ([u64; 2], u64)> = HashMap::new();
        for exit in &trace.exits {
            let Some(place) = exit.stack.first() else { continue };
            let sum = sums.entry((place.pc, exit.why as u8)).or_default();
            sum.0[usize::from(exit.in_body)] = exit.asked;
            sum.1 += exit.left + exit.bridged;
        }
        for exit in trace.exits.iter().filter(|exit| exit.left + exit.bridged > 0) {
            let Some(&place) = exit.stack.first() else { continue };
            if is_loop_end(place, exit) || matches!(exit.why, Why::Attention | Why::End) {
                continue;
            }
            let code = std::ptr::from_ref(place.code).addr();
            let group = groups.entry((code, place.pc, exit.why as u8)).or_default();
            (group.place, group.why) = (Some(place), Some(exit.why));
            let taken = exit.left + exit.bridged;
            if !hangs_on_same_place(&by_id, trace, place) && taken > group.most {
                group.most = taken;
                let (asked, taken) = sums[&(place.pc, exit.why as u8)];
                (group.asked, group.taken) = (asked.iter().sum(), taken);
                (group.wanted, group.others) = (exit.wanted.clone(), exit.seen.clone());
            }
            group.left += exit.left;
            group.bridges += u64::from(exit.bridge.is_some());
            group.given_up |= exit.given_up;
            for (kind, count) in &exit.seen {
                *group.seen.entry(kind.clone()).or_default() += count;
            }
        }
    }
    for group in groups.values() {
        let rate = group.taken as f64 / group.asked.max(1) as f64;
        let is_rare = rate < SMALL_RATE && group.left < HOT_EXITS;
        if group.taken < FEW_EXITS || (is_rare && !group.given_up) {
            continue;
        }
        if let (Some(place), Some(finding)) = (group.place, exit_finding(group, rate, sources)) {
            add_finding(report, key_of(place), finding);
        }
    }
}

/// Whether a bridge hangs, somewhere below, on an exit of this very place.
fn hangs_on_same_place(
    by_id: &HashMap<TraceId, &TraceStory<Python>>,
    trace: &TraceStory<Python>,
    place: Place<Python>,
) -> bool {
    let mut parent = trace.parent;
    while let Some((id, exit)) = parent {
        let Some(trace) = by_id.get(&id) else { return false };
        let first = trace.exits.get(exit.0 as usize).and_then(|exit| exit.stack.first());
        if first.is_some_and(|at| std::ptr::eq(at.code, place.code) && at.pc == place.pc) {
            return true;
        }
        parent = trace.parent;
    }
    false
}

fn op_at(place: Place<Python>) -> Option<Op> {
    place.code.source.instructions.get(place.pc as usize).map(|instruction| instruction.op)
}

/// Whether the instruction calls.
pub fn is_call(place: Place<Python>) -> bool {
    matches!(op_at(place), Some(Op::Call | Op::CallKw | Op::CallFunctionEx))
}

/// Whether an iteration is over: how often loops end is told of the loop.
fn is_loop_end(place: Place<Python>, exit: &ExitStory<Python>) -> bool {
    matches!(op_at(place), Some(Op::ForIter)) && matches!(exit.why, Why::Condition | Why::Nothing | Why::Bounds)
}

fn exit_finding(group: &Group, rate: f64, sources: &mut Sources) -> Option<Finding> {
    let place = group.place?;
    let text_of = code_text(place, sources);
    let often = format!("{} of {}", percent(rate), rounds(group.asked, "rounds"));
    let mut others: Vec<&str> = group.others.iter().map(|(kind, _)| kind.as_str()).collect();
    if group.bridges > 2 || group.given_up {
        // What the bridges behind saw, too.
        let more: Vec<&str> = group.seen.keys().map(String::as_str).filter(|kind| !others.contains(kind)).collect();
        others.extend(more);
        if others.len() > 1 {
            others.retain(|kind| Some(*kind) != group.wanted.as_deref());
        }
    }
    let (text, advice) = match group.why? {
        Why::Type => types(group, &others, &often),
        Why::Value if is_call(place) => (
            format!("another function or class than the recorded one was called in {often}"),
            "many functions called at one place cannot all be inlined: group the calls by function",
        ),
        Why::Value => (format!("a value that had been the same was another one in {often}"), ""),
        Why::Identity => (format!("another object than the recorded one in {often}"), ""),
        Why::Condition => (format!("the condition went the other way than recorded in {often}"), ""),
        Why::Overflow => (
            format!("a result did not fit 63 bits in {often}; larger integers are objects"),
            "if it is meant to wrap around, cut it to the bits you want (`& 0xffffffff`) before it gets larger",
        ),
        Why::Bounds => (format!("an index was out of range in {often}"), ""),
        Why::Nothing => (
            format!("an exception was raised, or there was nothing, in {often}"),
            "where exceptions are frequent, a test before is faster (`if key in d`, `d.get(key)`)",
        ),
        Why::NotValid => (
            format!("something the compiled code relied on had changed, or its frames were looked at, in {often}"),
            "hot code should not assign to globals that it reads, change classes, or ask for frames and `locals()`",
        ),
        Why::Attention | Why::End => return None,
    };
    let is_hot = group.left >= HOT_EXITS;
    let what_then = match (group.given_up, is_hot, group.bridges) {
        (true, _, 0) => ". It cannot be compiled: the interpreter takes over each time".to_owned(),
        (true, _, bridges) => format!(". Left to the interpreter after {}", counted(bridges, "bridge")),
        (_, true, _) => format!(". {} times the interpreter took over", grouped(group.left)),
        (_, _, 0) => String::new(),
        (_, _, bridges) => {
            format!(". It has compiled code of its own ({}), and costs little", counted(bridges, "bridge"))
        }
    };
    let advice = if is_hot || group.given_up { advice } else { "" };
    let text = format!("{text}: `{text_of}`{what_then}.");
    Some(Finding { weight: group.left * 1000 + group.taken, is_hot_exit: is_hot, text, advice })
}

/// Values of other types.
fn types(group: &Group, others: &[&str], often: &str) -> (String, &'static str) {
    let line = group.place.map_or(0, |place| line_of(place.code, place.pc));
    let wanted = group.wanted.clone().unwrap_or("of one type".to_owned());
    let numbers = |kind: &str| matches!(kind, "an int" | "a float" | "a bool");
    let was = format!("the value at line {line} was {wanted} when this was recorded");
    let is_same = |kind: &str| kind == wanted;
    let (text, advice) = match others {
        [] => (format!("{was}, and of another type in {often}"), ONE_TYPE),
        [same] if is_same(same) && group.given_up => {
            (format!("{was}, and of other classes of that name, or with other attributes, in {often}"), MANY_CLASSES)
        }
        [same] if is_same(same) => (
            format!("{was}, and of another class of that name, or with attributes in another order, in {often}"),
            "set all attributes in `__init__`, in one order, and always with the same types",
        ),
        [other] if numbers(other) && numbers(&wanted) => (
            format!("{was}, and {other} in {often}"),
            "start with the type that it gets later (`0.0` instead of `0`), or convert before the loop",
        ),
        [other] => (format!("{was}, and {other} in {often}"), ONE_TYPE),
        [first, second] => (format!("{was}, and {first} or {second} in {often}"), ONE_TYPE),
        [first, second, more @ ..] => (
            format!("{was}, and {first}, {second} or one of at least {} other types in {often}", more.len()),
            MANY_CLASSES,
        ),
    };
    (text, advice)
}

const ONE_TYPE: &str = "keep one type at this place: convert the values before the loop";
const MANY_CLASSES: &str =
    "many classes at one place are not compiled; one class that keeps the difference in an attribute is";

fn short_loops(report: &mut Report, explanation: &Explanation<Python>) {
    let by_id: HashMap<TraceId, &TraceStory<Python>> =
        explanation.traces.iter().map(|trace| (trace.id, trace)).collect();
    // Visits of the header, and those at which the loop was over: the others are rounds.
    let mut loops: BTreeMap<(usize, u32), (Place<Python>, u64, u64)> = BTreeMap::new();
    for trace in explanation.traces.iter().filter(|trace| trace.kind == TraceKind::Loop) {
        let key = (std::ptr::from_ref(trace.start.code).addr(), trace.start.pc);
        loops.entry(key).or_insert((trace.start, 0, 0));
    }
    for trace in &explanation.traces {
        for (place, visits, ends) in loops.values_mut() {
            let is_header = |at: &Place<Python>| std::ptr::eq(at.code, place.code) && at.pc == place.pc;
            let passes = trace.ops.iter().any(|op| op.stack.first().is_some_and(is_header));
            let starts = trace.kind == TraceKind::Loop && is_header(&trace.start);
            if passes || starts {
                *visits += trace.rounds;
            } else if begins_again(&by_id, trace, is_header) {
                // Recorded from the end of the loop to its next beginning and through the first round, of which nothing is left.
                let exits: u64 = trace.exits.iter().map(|exit| exit.left + exit.bridged).sum();
                *visits += trace.entered.saturating_sub(exits);
            }
            let over = trace
                .exits
                .iter()
                .filter(|exit| exit.stack.first().is_some_and(|at| is_header(at) && is_loop_end(*at, exit)));
            *ends += over.map(|exit| exit.left + exit.bridged).sum::<u64>();
        }
    }
    for (place, visits, ends) in loops.into_values() {
        let each = visits.saturating_sub(ends) as f64 / ends.max(1) as f64;
        if ends < OFTEN || each >= SHORT_LOOP {
            continue;
        }
        let each = if (each - each.round()).abs() < 0.05 { format!("{each:.0}") } else { format!("{each:.1}") };
        let s = if each == "1" { "" } else { "s" };
        let text = format!(
            "loop of {each} round{s}: entered {} times, and the way in and out costs as much as a few rounds.",
            grouped(ends)
        );
        let advice = "if the loop around it is longer, exchange the two; or write the few rounds out";
        add_finding(report, key_of(place), Finding { weight: ends, is_hot_exit: false, text, advice });
    }
}

/// Whether a bridge leads from the end of a loop to its start.
fn begins_again(
    by_id: &HashMap<TraceId, &TraceStory<Python>>,
    bridge: &TraceStory<Python>,
    is_header: impl Fn(&Place<Python>) -> bool,
) -> bool {
    let leads_there = bridge.target.and_then(|id| by_id.get(&id)).is_some_and(|target| is_header(&target.start));
    let mut parent = bridge.parent.filter(|_| leads_there);
    while let Some((id, exit)) = parent {
        let Some(trace) = by_id.get(&id) else { return false };
        let exit = trace.exits.get(exit.0 as usize);
        if exit.is_some_and(|exit| exit.stack.first().is_some_and(|at| is_header(at) && is_loop_end(*at, exit))) {
            return true;
        }
        parent = trace.parent;
    }
    false
}

fn fallen(report: &mut Report, explanation: &Explanation<Python>) {
    let mut fallen: BTreeMap<LineKey, u64> = BTreeMap::new();
    for trace in explanation.traces.iter().filter(|trace| trace.fallen && trace.parent.is_none()) {
        *fallen.entry(key_of(trace.start)).or_default() += 1;
    }
    for (key, count) in fallen.into_iter().filter(|(_, count)| *count >= 3) {
        let text = format!(
            "{} that started here had to be thrown away, because something they relied on changed: a class, or a global name.",
            counted(count, "trace")
        );
        let advice = "make classes, functions and global constants once, before the hot code runs";
        add_finding(report, key, Finding { weight: count * 10_000, is_hot_exit: false, text, advice });
    }
}

fn failures(report: &mut Report, sources: &mut Sources, explanation: &Explanation<Python>) {
    let mut groups: BTreeMap<(LineKey, &str), (&FailureStory<Python>, u64)> = BTreeMap::new();
    for failure in &explanation.failures {
        groups.entry((key_of(failure.start), failure.why)).or_insert((failure, 0)).1 += failure.times;
    }
    for (failure, times) in groups.into_values().filter(|(failure, times)| failure.is_final || *times >= 3) {
        let line = line_of(failure.stopped.code, failure.stopped.pc);
        let at = match code_text(failure.stopped, sources) {
            text if text.is_empty() => format!("at line {line}"),
            text => format!("at line {line}: `{text}`"),
        };
        let (what, advice) = match failure.why {
            "the trace got too long" => (
                format!("one round is too long for a trace; it was cut off {at}"),
                "split the work: a shorter loop body, or a function with a loop of its own, can be compiled",
            ),
            "an inlined function has a loop" | "a function that is inlined above has a loop" => (format!("it calls a function with a loop of its own, {at}"), ""),
            "a frame of the recording was inspected" => (
                format!("somebody looked at its frames, {at}"),
                "take `sys._getframe`, `locals()` and tracebacks out of the loop",
            ),
            "an assumption fell while recording" => (
                format!("a class, a function or a global that it relies on changed meanwhile, {at}"),
                "make classes, functions and global constants once, before the hot code runs",
            ),
            "the recursion limit was reached" => (format!("the recursion limit was reached, {at}"), ""),
            "the trace left at once" => (format!("its loop ended in the round that was recorded, {at}"), ""),
            "the trace contradicts itself" => (
                "what was recorded could not hold a second time, as where a variable changes its type from round to round".to_owned(),
                "keep one type for each variable: start with the type that it gets later",
            ),
            // What comes first is compiled then.
            "the function has a loop of its own"
            | "another loop, which is not compiled yet, goes round too often"
            | "the loop is to be traced for other types first" => continue,
            _ if !failure.is_final => continue,
            other => (other.to_owned(), ""),
        };
        let then = if failure.is_final { " The interpreter runs it." } else { "" };
        let text = format!("recording given up {}: {what}.{then}", counted(times, "time"));
        let weight = if failure.is_final { 1_000_000 } else { times };
        let advice = if failure.is_final { advice } else { "" };
        add_finding(report, key_of(failure.start), Finding { weight, is_hot_exit: false, text, advice });
    }
}

/// Time in functions that compiled code calls.
fn calls(report: &mut Report) {
    let total = report.nanoseconds.max(1) as f64;
    for line in report.lines.values_mut() {
        let mut found = Vec::new();
        for (part, &nanoseconds) in &line.parts {
            let share = nanoseconds as f64 / line.nanoseconds.max(1) as f64;
            let Part::Called(what) = part else { continue };
            if share < GREAT_PART || (nanoseconds as f64) < NOTABLE * total {
                continue;
            }
            let text = format!("{} of the line's time in {what}.", percent(share));
            let weight = (1e6 * nanoseconds as f64 / total) as u64;
            found.push(Finding { weight, is_hot_exit: false, text, advice: names::advice(what) });
        }
        line.findings.append(&mut found);
    }
}

/// Lines that the interpreter runs and nothing else is known of.
fn interpreted(report: &mut Report, profile: &Profile<Python>, explanation: &Explanation<Python>) {
    let total = report.nanoseconds.max(1) as f64;
    let mut codes = HashMap::new();
    for place in profile.stacks.iter().filter_map(|stack| stack.frames.last()) {
        codes.entry(super::gather::key(place.code, place.pc)).or_insert(place.code);
    }
    for (key, line) in &mut report.lines {
        let nanoseconds = line.parts.get(&Part::Interpreted).copied().unwrap_or(0) as f64;
        let is_most = nanoseconds > 0.5 * line.nanoseconds as f64 && nanoseconds > NOTABLE * total;
        let Some(code) = codes.get(key).filter(|_| is_most && line.findings.is_empty()) else { continue };
        let name = function_of(code).name;
        let given_up =
            explanation.failures.iter().find(|failure| failure.is_final && std::ptr::eq(failure.start.code, *code));
        let text = match given_up {
            _ if !code.traceable.get() => format!("interpreted: the code of `{name}` is not traced."),
            Some(failure) => {
                let at = line_of(failure.start.code, failure.start.pc);
                format!("interpreted: recordings of `{name}` were given up; see line {at}.")
            }
            None if !line.starts.is_empty() || line.passing > 0 => {
                "interpreted for the most part: before it was compiled, or where compiled code had been left."
                    .to_owned()
            }
            None => format!(
                "interpreted: no compiled code passes here. It is made of loops and functions of `{name}` when they have gone \
                 round or been called often enough, and if they can be recorded to their end."
            ),
        };
        let weight = (1e6 * nanoseconds / total) as u64;
        line.findings.push(Finding { weight, is_hot_exit: false, text, advice: "" });
    }
}

/// The expression of an instruction as it stands in the source, if it lies on one line.
fn code_text(place: Place<Python>, sources: &mut Sources) -> String {
    let line = line_of(place.code, place.pc);
    let text = sources.line(&place.code.source.filename, line);
    let position = place.code.source.position(place.pc as usize);
    let part = match (position.column, position.end_column) {
        (Some(from), Some(to)) if position.line == position.end_line && position.line == Some(line) => {
            text.get(from as usize..to as usize)
        }
        _ => None,
    };
    part.filter(|part| !part.trim().is_empty()).unwrap_or(text).trim().to_owned()
}

fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

fn rounds(count: u64, what: &str) -> String {
    format!("{} later {what}", grouped(count))
}

/// A part in percent, as exact as it need be.
pub fn percent(part: f64) -> String {
    match 100.0 * part {
        percent if percent >= 9.95 => format!("{percent:.0} %"),
        percent if percent >= 0.095 => format!("{percent:.1} %"),
        percent => format!("{percent:.2} %"),
    }
}
