//! How often `for` loops were entered in compiled code, and how many rounds they went.
//!
//! Traces pass a loop's header in many ways: their own loop goes round, an inner one is unrolled, a bridge comes back. All of them
//! recorded the header's instruction as it went on, into the loop's body or behind it, and how often each instruction was done is known.

use super::gather::{LineKey, key_of};
use metatrace::{Explanation, Place, Step, TraceId, TraceKind, TraceStory};
use objects::vm::Python;
use std::collections::{BTreeMap, HashMap};
use syntax::{CodeFlags, Op};

#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub struct Turns {
    pub entered: u64,
    pub rounds: u64,
}

/// What happened at one header.
#[derive(Default)]
struct Header {
    place: Option<Place<Python>>,
    /// Visits that came from in front of the loop, and loops that were over.
    entered: u64,
    over: u64,
    rounds: u64,
}

pub fn count(explanation: &Explanation<Python>) -> HashMap<LineKey, Turns> {
    let by_id: HashMap<TraceId, &TraceStory<Python>> =
        explanation.traces.iter().map(|trace| (trace.id, trace)).collect();
    let mut headers: BTreeMap<(usize, u32), Header> = BTreeMap::new();
    for trace in &explanation.traces {
        for (at, step) in trace.way.iter().enumerate().filter(|(_, step)| is_header(step.place)) {
            let header = headers.entry(name_of(step.place)).or_default();
            header.place = Some(step.place);
            let next = same_frame(trace, at, trace.way[at + 1..].iter());
            let goes_on = next.is_some_and(|next| next.place.pc == step.place.pc + 1);
            if same_frame(trace, at, trace.way[..at].iter().rev()).is_some_and(|last| last.place.pc < step.place.pc) {
                header.entered += step.reached;
            }
            // What leaves here to the interpreter goes the other way; what leaves to a bridge comes by in the bridge.
            let (went, other) = (step.passed, left_to_interpreter(&by_id, trace, at));
            let (rounds, over) = if goes_on { (went, other) } else { (other, went) };
            header.rounds += rounds;
            header.over += over;
        }
        // A jump to a loop's trace from in front of the loop.
        let target = trace.target.filter(|_| trace.to_start).and_then(|target| by_id.get(&target));
        if let Some(target) = target.filter(|target| target.kind == TraceKind::Loop && is_header(target.start))
            && let Some(last) = trace.way.last()
            && std::ptr::eq(last.place.code, target.start.code)
            && last.place.pc < target.start.pc
        {
            headers.entry(name_of(target.start)).or_default().entered += last.passed;
        }
    }
    let mut lines: HashMap<LineKey, Turns> = HashMap::new();
    for header in headers.into_values() {
        let Some(place) = header.place else { continue };
        let turns = lines.entry(key_of(place)).or_default();
        turns.entered += header.entered.max(header.over);
        turns.rounds += header.rounds;
    }
    lines
}

fn name_of(place: Place<Python>) -> (usize, u32) {
    (std::ptr::from_ref(place.code).addr(), place.pc)
}

fn is_header(place: Place<Python>) -> bool {
    // A generator leaves its loop at each `yield`, and what is compiled of it is entered again behind.
    if place.code.source.flags.has_any(CodeFlags::GENERATOR_LIKE) {
        return false;
    }
    let instruction = place.code.source.instructions.get(place.pc as usize);
    instruction.is_some_and(|instruction| instruction.op == Op::ForIter)
}

/// The first of `steps` in the same frame as the one at `at`.
fn same_frame<'t>(
    trace: &TraceStory<Python>,
    at: usize,
    mut steps: impl Iterator<Item = &'t Step<Python>>,
) -> Option<&'t Step<Python>> {
    let step = &trace.way[at];
    steps.find(|other| other.caller == step.caller && std::ptr::eq(other.place.code, step.place.code))
}

/// How often the instruction at `at` was left to the interpreter, or to a bridge that does not begin with it.
fn left_to_interpreter(by_id: &HashMap<TraceId, &TraceStory<Python>>, trace: &TraceStory<Python>, at: usize) -> u64 {
    let place = trace.way[at].place;
    let exits = trace.exits.iter().filter(|exit| exit.step == Some(at as u32));
    exits
        .map(|exit| {
            // The calls around an inlined frame come first.
            let bridge = exit.bridge.and_then(|bridge| by_id.get(&bridge));
            let mut first = bridge.into_iter().flat_map(|bridge| &bridge.way).take(exit.stack.len().max(1));
            let repeats = first.any(|step| name_of(step.place) == name_of(place));
            exit.left + if repeats { 0 } else { exit.bridged }
        })
        .sum()
}
