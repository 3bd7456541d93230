//! What exits, recordings that were given up, and calls mean for who wrote the program, and what to do about them.

use super::copies::Copied;
use super::gather::{LineKey, add_finding, key_of};
use super::loops::Turns;
use super::names;
use super::{Finding, Part, Report};
use crate::profile::{function_of, line_of};
use crate::source::{Sources, grouped};
use metatrace::{ExitStory, Explanation, FailureStory, Place, Profile, Source, TraceId, TraceKind, TraceStory, Why};
use objects::vm::Python;
use std::collections::{BTreeMap, HashMap};
use syntax::{CodeFlags, Op};

/// What is not mentioned: exits taken less often, or by a smaller part of those that pass.
const FEW_EXITS: u64 = 100;
const SMALL_RATE: f64 = 0.01;
/// An exit that leads to the interpreter more often than that is hot.
pub const HOT_EXITS: u64 = 2000;
/// What it takes to leave compiled code and to go back into it, about.
const LEAVING_NS: u64 = 500;
/// Rounds of a loop that is short, and how often it is entered at least.
const SHORT_LOOP: f64 = 6.0;
const OFTEN: u64 = 2000;
/// Of all time, and of the line's.
const NOTABLE: f64 = 0.02;
const GREAT_PART: f64 = 0.15;

/// Adds findings to the lines.
pub fn add(report: &mut Report, profile: &Profile<Python>, explanation: &Explanation<Python>, copied: &Copied) {
    let mut sources = Sources::default();
    exits(report, &mut sources, explanation);
    short_loops(report);
    aside(report, explanation);
    fallen(report, explanation);
    failures(report, &mut sources, explanation);
    calls(report);
    interpreted(report, profile, explanation, copied);
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
    source: Option<Source>,
    seen: BTreeMap<String, u64>,
}

impl Group {
    /// The same place of a copy of the function.
    fn add(&mut self, copy: Group) {
        self.asked += copy.asked;
        self.taken += copy.taken;
        self.left += copy.left;
        self.bridges += copy.bridges;
        self.given_up |= copy.given_up;
        for (kind, count) in copy.seen {
            *self.seen.entry(kind).or_default() += count;
        }
    }
}

fn exits(report: &mut Report, sources: &mut Sources, explanation: &Explanation<Python>) {
    let by_id: HashMap<TraceId, &TraceStory<Python>> =
        explanation.traces.iter().map(|trace| (trace.id, trace)).collect();
    // Functions that were made of one text are told of as one.
    let mut groups: BTreeMap<(LineKey, u32, u8), BTreeMap<usize, Group>> = BTreeMap::new();
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
            let copies = groups.entry((key_of(place), place.pc, exit.why as u8)).or_default();
            let group = copies.entry(code).or_default();
            (group.place, group.why) = (Some(place), Some(exit.why));
            let taken = exit.left + exit.bridged;
            if !hangs_on_same_place(&by_id, trace, place) && taken > group.most {
                group.most = taken;
                let (asked, taken) = sums[&(place.pc, exit.why as u8)];
                (group.asked, group.taken) = (asked.iter().sum(), taken);
                (group.wanted, group.others) = (exit.wanted.clone(), exit.seen.clone());
                group.source = exit.source;
            }
            group.left += exit.left;
            group.bridges += u64::from(exit.bridge.is_some());
            group.given_up |= exit.given_up;
            for (kind, count) in &exit.seen {
                *group.seen.entry(kind.clone()).or_default() += count;
            }
        }
    }
    let long = report.nanoseconds / 100;
    for mut copies in groups.into_values().map(BTreeMap::into_values) {
        let Some(mut group) = copies.next() else { continue };
        copies.for_each(|copy| group.add(copy));
        let group = &group;
        let rate = group.taken as f64 / group.asked.max(1) as f64;
        let is_rare = rate < SMALL_RATE && group.left < HOT_EXITS;
        if group.taken < FEW_EXITS || (is_rare && !group.given_up) {
            continue;
        }
        if let (Some(place), Some(finding)) = (group.place, exit_finding(group, rate, long, sources)) {
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

/// `long`: nanoseconds that are worth mentioning.
fn exit_finding(group: &Group, rate: f64, long: u64, sources: &mut Sources) -> Option<Finding> {
    let place = group.place?;
    let is_varied = names::is_varied(place);
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
        Why::Value
            if is_call(place) && matches!(group.source, Some(Source::Field("Function.code" | "TypeObject.data")))
                || is_call(place) && group.wanted.as_deref().is_some_and(is_callable) =>
        {
            (
                format!("another function or class than the recorded one was called in {often}"),
                "many functions called at one place cannot all be inlined; one that is given the difference as an argument can",
            )
        }
        Why::Value if group.wanted.is_some() => {
            let wanted = group.wanted.as_deref().unwrap_or_default();
            (format!("another object than the recorded one ({wanted}) in {often}"), "")
        }
        Why::Value => (format!("a value that had been the same was another one in {often}"), ""),
        Why::Identity => (format!("another object than the recorded one in {often}"), ""),
        Why::Condition => (format!("the condition went the other way than recorded in {often}"), ""),
        Why::Overflow => (
            format!("a result did not fit 63 bits in {often}; larger integers are objects"),
            "if it is meant to wrap around, cut it to the bits you want (`& 0xffffffff`) before it gets larger",
        ),
        Why::Large31 | Why::Large62 => {
            let bits = if group.why == Some(Why::Large31) { 31 } else { 62 };
            (format!("an integer had more than {bits} bits, and none had when this was recorded, in {often}"), "")
        }
        Why::Bounds => (format!("an index was out of range in {often}"), ""),
        Why::Nothing => match group.source {
            Some(Source::Call(callee)) => (
                format!(
                    "{} raised an exception, or found nothing, in another way than recorded, in {often}",
                    names::of_callee(callee)
                ),
                "where exceptions are frequent, a test before is faster (`if key in d`, `d.get(key)`)",
            ),
            _ => (
                format!(
                    "there was nothing where something had been, or the other way round (an empty list, a variable or an attribute that is not set), in {often}"
                ),
                "",
            ),
        },
        Why::NotValid => (
            format!("something the compiled code relied on had changed, or its frames were looked at, in {often}"),
            "hot code should not assign to globals that it reads, change classes, or ask for frames and `locals()`",
        ),
        Why::Attention | Why::End => return None,
    };
    let is_hot = group.left >= HOT_EXITS && group.left * LEAVING_NS >= long && !is_varied;
    let what_then = match (group.given_up, is_hot, group.bridges) {
        _ if is_varied => ". So it is compiled for all of them alike, as a call".to_owned(),
        (true, _, 0) => ". It cannot be compiled: the interpreter takes over each time".to_owned(),
        (true, _, bridges) => format!(". Left to the interpreter after {}", counted(bridges, "bridge")),
        (_, true, _) => format!(". {} times the interpreter took over", grouped(group.left)),
        (_, _, 0) => String::new(),
        (_, _, bridges) => {
            format!(". It has compiled code of its own ({}), and costs little", counted(bridges, "bridge"))
        }
    };
    // What to do about a place that is compiled for all kinds alike is said of the time that it takes.
    let advice = if (is_hot || group.given_up) && !is_varied { advice } else { "" };
    let shown = if text_of.is_empty() { String::new() } else { format!(": `{text_of}`") };
    let text = format!("{text}{shown}{what_then}.");
    let weight = group.left * 1000 + group.taken;
    Some(Finding { is_hot_exit: is_hot, is_why_interpreted: is_hot, ..Finding::new(weight, text, advice) })
}

/// What can be called, as [`metatrace::Language::kind_of`] says it.
fn is_callable(kind: &str) -> bool {
    !["nothing", "None", "an int", "a float", "a bool", "a str", "a bytes", "a tuple", "a list", "a dict"]
        .contains(&kind)
}

/// Values of other types.
fn types(group: &Group, others: &[&str], often: &str) -> (String, &'static str) {
    let line = group.place.map_or(0, |place| line_of(place.code, place.pc));
    let wanted = group.wanted.clone().unwrap_or("of one type".to_owned());
    let numbers = |kind: &str| matches!(kind, "an int" | "a float" | "a bool");
    let is_builtin =
        |kind: &str| numbers(kind) || !is_callable(kind) || kind == names::LARGE_INT || kind == "a complex";
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
            if is_builtin(&wanted) || is_builtin(first) { ONE_TYPE } else { MANY_CLASSES },
        ),
    };
    (text, advice)
}

const ONE_TYPE: &str = "keep one type at this place: convert the values before the loop";
const MANY_CLASSES: &str =
    "many classes at one place are not compiled; one class that keeps the difference in an attribute is";

fn short_loops(report: &mut Report) {
    for line in report.lines.values_mut() {
        let Some(Turns { entered, rounds }) = line.turns else { continue };
        let each = rounds as f64 / entered.max(1) as f64;
        if entered < OFTEN || each >= SHORT_LOOP {
            continue;
        }
        let each = if (each - each.round()).abs() < 0.05 { format!("{each:.0}") } else { format!("{each:.1}") };
        let s = if each == "1" { "" } else { "s" };
        let text = format!(
            "loop of {each} round{s}: entered {} times, and the way in and out costs as much as a few rounds.",
            grouped(entered)
        );
        let advice = "if the loop around it is longer, exchange the two; or write the few rounds out";
        line.findings.push(Finding::new(entered, text, advice));
    }
}

/// Traces that were set aside because they lost.
fn aside(report: &mut Report, explanation: &Explanation<Python>) {
    // By line, and then by code: there may be many copies of a function. Traces from one place have one count.
    let mut roots: BTreeMap<(LineKey, &str, u32), BTreeMap<(usize, u32), u32>> = BTreeMap::new();
    for trace in explanation.traces.iter().filter(|trace| trace.parent.is_none() && trace.times_aside > 0) {
        let what = if trace.kind == TraceKind::Loop { "loop" } else { "function" };
        let root = (std::ptr::from_ref(trace.start.code).addr(), trace.start.pc);
        let first = trace.start.code.source.first_line;
        roots.entry((key_of(trace.start), what, first)).or_default().insert(root, trace.times_aside);
    }
    let mut interpreted: HashMap<(String, u32), u64> = HashMap::new();
    for ((file, _), line) in &report.lines {
        let nanoseconds = line.parts.get(&Part::Interpreted).copied().unwrap_or(0);
        if let Some((_, first)) = line.function {
            *interpreted.entry((file.clone(), first)).or_default() += nanoseconds;
        }
    }
    let notable = (NOTABLE * report.nanoseconds as f64) as u64;
    for ((key, what, first), times) in roots {
        // Where it happened early, and what was compiled later does not lose, there is nothing to tell.
        if interpreted.get(&(key.0.clone(), first)).is_none_or(|nanoseconds| *nanoseconds < notable) {
            continue;
        }
        let times: u32 = times.into_values().sum();
        let text = format!(
            "the {what} that is compiled here was set aside {}: it was left so soon that entering and leaving took longer than it \
             saved. Each time the interpreter runs it for a while, and longer than the last time.",
            if times == 1 { "once".to_owned() } else { format!("{times} times") }
        );
        let advice = "what makes it leave stands at its lines; fewer ways through it (arithmetic instead of branches that go at random) and \
                      fewer types in it keep it in compiled code";
        let finding = Finding { is_why_interpreted: true, ..Finding::new(1_000_000, text, advice) };
        add_finding(report, key, finding);
    }
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
        add_finding(report, key, Finding::new(count * 10_000, text, advice));
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
                format!(
                    "one {} is too long for a trace; it was cut off {at}",
                    if failure.start.pc == 0 { "call" } else { "round" }
                ),
                "split the work: a shorter loop body, or a function with a loop of its own, can be compiled",
            ),
            "an inlined function has a loop" | "a function that is inlined above has a loop" => (format!("it calls a function with a loop of its own, {at}"), ""),
            "a frame of the recording was inspected" => (
                format!("its frames were looked at, as by `locals()`, a tracer, or where an exception leaves a generator, {at}"),
                "take `sys._getframe`, `locals()`, tracers and generators that are closed or thrown into out of the loop",
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
        let finding = Finding { is_why_interpreted: failure.is_final, ..Finding::new(weight, text, advice) };
        add_finding(report, key_of(failure.start), finding);
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
            found.push(Finding::new(weight, text, names::advice(what)));
        }
        line.findings.append(&mut found);
    }
}

/// Lines that the interpreter runs and nothing else is known of.
fn interpreted(report: &mut Report, profile: &Profile<Python>, explanation: &Explanation<Python>, copied: &Copied) {
    let total = report.nanoseconds.max(1) as f64;
    let mut codes = HashMap::new();
    for place in profile.stacks.iter().filter_map(|stack| stack.frames.last()) {
        codes.entry(super::gather::key(place.code, place.pc)).or_insert(place.code);
    }
    for (key, line) in &mut report.lines {
        let nanoseconds = line.parts.get(&Part::Interpreted).copied().unwrap_or(0) as f64;
        let is_most = nanoseconds > 0.4 * line.nanoseconds as f64 && nanoseconds > NOTABLE * total;
        let Some(code) = codes.get(key).filter(|_| is_most) else { continue };
        if line.findings.iter().any(|finding| finding.is_why_interpreted) {
            continue;
        }
        let name = function_of(code).name;
        let given_up =
            explanation.failures.iter().find(|failure| failure.is_final && std::ptr::eq(failure.start.code, *code));
        let of_code = |place: Place<Python>| std::ptr::eq(place.code, *code);
        let traces = || explanation.traces.iter().filter(|trace| trace.parent.is_none() && of_code(trace.start));
        let set_aside = traces().filter(|trace| trace.times_aside > 0).max_by_key(|trace| trace.times_aside);
        let fallen = traces().filter(|trace| trace.fallen).count() as u64;
        let postponed = explanation.postponed.iter().filter(|(start, _)| of_code(*start)).map(|(_, times)| times).sum();
        let line_of_start = |place: Place<Python>| line_of(place.code, place.pc);
        let said_at = copied.get(&(key.0.clone(), code.source.first_line));
        let mut see = None;
        let text = match given_up {
            _ if said_at == Some(&key.1) => continue,
            _ if said_at.is_some() => {
                let at = see.insert(*said_at.unwrap_or(&0));
                format!("interpreted: there are many functions of this text; see line {at}.")
            }
            _ if !code.traceable.get() => format!("interpreted: the code of `{name}` is not traced."),
            Some(failure) => {
                let at = see.insert(line_of(failure.start.code, failure.start.pc));
                format!("interpreted: recordings of `{name}` were given up; see line {at}.")
            }
            None if set_aside.is_some() => {
                let at = see.insert(set_aside.map_or(0, |trace| line_of_start(trace.start)));
                format!("interpreted: what was compiled of `{name}` was set aside; see line {at}.")
            }
            None if fallen >= 3 => {
                let fallen_at = traces().find(|trace| trace.fallen).map(|trace| line_of_start(trace.start));
                let at = see.insert(fallen_at.unwrap_or(0));
                format!("interpreted: what was compiled of `{name}` was thrown away {fallen} times; see line {at}.")
            }
            None if postponed >= 3 => format!(
                "interpreted: `{name}` was to be compiled, and that was put off {}, because the JIT had taken its share of the time.",
                counted(postponed, "time")
            ),
            None if code.source.flags.has_any(CodeFlags::GENERATOR_LIKE) => format!(
                "interpreted: where `{name}` is resumed the interpreter goes on with it, until a loop in it goes round."
            ),
            None if !line.starts.is_empty() || line.passing > 0 => {
                "interpreted for the most part: before it was compiled, where compiled code had been left, or on the way of a call."
                    .to_owned()
            }
            None => format!(
                "interpreted: no compiled code passes here. It is made of loops and functions of `{name}` when they have gone \
                 round or been called often enough, and if they can be recorded to their end."
            ),
        };
        let weight = (1e6 * nanoseconds / total) as u64;
        line.findings.push(Finding { see, ..Finding::new(weight, text, "") });
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
