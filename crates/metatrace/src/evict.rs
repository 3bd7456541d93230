//! Dropping traces when they take too much memory.
//!
//! Traces, what is known of their exits and machine code share one limit, the option `memory`. Where it is reached nothing more is
//! recorded, and at the next safe point all traces are dropped: what is hot is soon recorded anew, perhaps better, and no
//! account of what was used when has to be kept. A trace that somebody stands in, and what its code refers to, only falls;
//! it goes the next time.
//!
//! # What makes it safe
//!
//! 1. Code runs guest code only in calls whose exit its activation names ([`Activation::exit`]). At a safe point outside all
//!    tracers compiled code therefore stands on the native stack only in traces that the thread's list of activations names, or in units
//!    with such a trace among their members: these are kept.
//! 2. A dropped trace is reached through its cell, its home and its parent's exit cells alone, and by bridges that ask its cell whether they
//!    may go back to it: none of them leads to it any more.
//! 3. What is kept has fallen, and leaves by the `still_valid` behind its call. It does not get to a jump, and its exits' cells
//!    all lead to the stub.
//! 4. No job is under way and no recording is being optimised elsewhere, so no other thread refers to a trace, and no draft hangs on one.
//! 5. The numbers of traces are not used again. Rust code that calls compiled code and looks at the trace afterwards asks whether it
//!    is still there. Numbers of exits are used again, and only code knows them.
//!
//! Giving the memory back takes longer than dropping: it is done in portions, and the large parts on the compiling thread.

use crate::cache::CachedTrace;
use crate::economy::thread_ns;
use crate::jit::Jit;
use crate::language::Language;
use crate::thread::Thread;
use codegen::{Activation, CompileInput, CompiledTrace};
use ir::{ExitArg, ExitId, FrameState, LogKind, Op, Position, RecipeStep, Trace, TraceId, Ty};
use opt::ExitFacts;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// So many traces are given back at once.
const PORTION: usize = 64;

/// Traces and units that nobody can reach.
#[derive(Default)]
pub(crate) struct Garbage {
    traces: Vec<CachedTrace>,
    pub(crate) units: Vec<CompiledTrace>,
}

/// Who waits for memory.
#[derive(Default)]
pub(crate) struct Room {
    /// An exit would get a bridge if there were memory.
    pub(crate) is_wanted: bool,
    /// All traces are to be dropped at the next safe point.
    pub(crate) is_asked: bool,
    /// How many more times somebody has to ask: dropping was in vain.
    skip: u32,
    times_in_vain: u32,
}

/// The owners of the global exit numbers.
#[derive(Default)]
pub(crate) struct ExitNumbers {
    owners: Vec<(TraceId, ExitId)>,
    /// Numbers that nobody has: the first one and how many, in order.
    free: Vec<(u32, u32)>,
}

impl ExitNumbers {
    /// Gives a trace numbers for its exits; the first one.
    pub(crate) fn take(&mut self, id: TraceId, count: u32) -> u32 {
        let first = match self.free.iter().position(|&(_, size)| size >= count && count > 0) {
            Some(at) => {
                let (first, size) = self.free[at];
                self.free[at] = (first + count, size - count);
                if size == count {
                    self.free.remove(at);
                }
                first
            }
            None => {
                let first = self.owners.len();
                self.owners.resize(first + count as usize, (id, ExitId(0)));
                first as u32
            }
        };
        for at in 0..count {
            self.owners[(first + at) as usize] = (id, ExitId(at));
        }
        first
    }

    fn give_back(&mut self, numbers: impl Iterator<Item = (u32, u32)>) {
        self.free.extend(numbers.filter(|&(_, count)| count > 0));
        self.free.sort_unstable();
        self.free.dedup_by(|next, before| {
            let joins = before.0 + before.1 == next.0;
            if joins {
                before.1 += next.1;
            }
            joins
        });
    }

    /// The trace and the exit behind a number that code knows.
    #[inline]
    pub(crate) fn owner(&self, number: u32) -> (TraceId, ExitId) {
        self.owners[number as usize]
    }

    pub(crate) fn has(&self, number: u32) -> bool {
        (number as usize) < self.owners.len()
    }
}

/// Roughly the bytes that a trace takes beside its code.
pub(crate) fn footprint(trace: &Trace, facts: &ExitFacts) -> u64 {
    let exits = trace.exits.iter().map(|exit| {
        let frames: usize = exit
            .frames
            .iter()
            .map(|frame| {
                let all = size_of::<FrameState<ExitArg>>()
                    + frame.slots.len() * size_of::<ExitArg>()
                    + frame.log.len() * size_of::<(LogKind, Ty, ExitArg)>();
                all.div_ceil(Arc::strong_count(frame)) + size_of::<Arc<FrameState<ExitArg>>>()
            })
            .sum();
        let values = exit.live.len() * 8 + exit.recipe.len() * size_of::<RecipeStep>();
        let fixed = size_of::<ir::Exit>() + size_of::<crate::cache::CachedExit>() + 32;
        frames + values + exit.invariants.len() * size_of::<ExitArg>() + fixed
    });
    let fixed = size_of::<CachedTrace>() + size_of::<CompileInput>();
    let operations = trace.ops.len() * size_of::<Op>() + trace.positions.len() * size_of::<Position>();
    (exits.sum::<usize>() + fixed + operations + facts.bytes()) as u64
}

impl<L: Language> Thread<L> {
    /// There is no memory for what somebody wants to record: all traces are dropped soon, unless they are still looked at.
    pub(crate) fn ask_for_room(&mut self) {
        let is_later = self.jit.places || self.jit.cache.in_flight > 0 || !self.tracers.is_empty();
        let room = &mut self.jit.cache.room;
        if is_later || room.is_asked {
            return;
        }
        if room.skip > 0 {
            room.skip -= 1;
            return;
        }
        room.is_asked = true;
        self.poll.fetch_or(crate::compiler::CODE_READY, Ordering::Relaxed);
    }
}

/// At a safe point: drops all traces, if that can be done now.
#[cold]
pub(crate) fn make_room<L: Language>(thread: &mut Thread<L>) {
    thread.jit.cache.room.is_asked = false;
    if !thread.jit.is_full() || thread.jit.places || thread.jit.cache.in_flight > 0 || !thread.tracers.is_empty() {
        return;
    }
    let started = thread_ns();
    let standing = standing(thread);
    let evicted = drop_all(&mut thread.jit, &standing);
    let jit = &mut thread.jit;
    jit.counters.evictions += u64::from(evicted > 0);
    jit.counters.evicted += evicted;
    let room = &mut jit.cache.room;
    if evicted > 0 {
        room.times_in_vain = 0;
    } else {
        // Those who stand in what is kept have to leave first.
        room.skip = 16 << room.times_in_vain.min(8);
        room.times_in_vain += 1;
    }
    jit.counters.longest_evict_ns = jit.counters.longest_evict_ns.max(thread_ns() - started);
}

/// The traces that compiled code on the native stack stands in.
fn standing<L: Language>(thread: &Thread<L>) -> HashSet<TraceId> {
    let mut standing = HashSet::new();
    let mut activation: *mut Activation = thread.activation;
    while !activation.is_null() {
        // SAFETY: linked activations stand in calls that are in progress.
        let record = unsafe { &*activation };
        standing.insert(thread.jit.cache.exit_of(record.exit as u32).0);
        activation = record.previous;
    }
    standing
}

/// Drops all traces but those `standing` and the members of their units, which fall; how many.
fn drop_all(jit: &mut Jit, standing: &HashSet<TraceId>) -> u64 {
    let cache = &mut jit.cache;
    let stub = cache.compiler().stub();
    let mut kept = standing.clone();
    for unit in cache.units.iter_mut().filter(|unit| unit.code.is_some()) {
        unit.roots.clear();
        if unit.members.iter().any(|id| standing.contains(id)) {
            kept.extend(&unit.members);
        } else {
            let code = unit.code.take().expect("units without code were left out");
            unit.members = Vec::new();
            cache.code.remove(code.region().start);
            cache.garbage.units.push(code);
        }
    }
    let mut numbers = Vec::new();
    for slot in &mut cache.traces {
        let Some(trace) = slot else { continue };
        trace.cell.entry.store(stub, Ordering::Release);
        trace.cell.fallen.store(1, Ordering::Release);
        trace.cell.direct.store(0, Ordering::Release);
        (trace.fallen, trace.unit) = (true, None);
        if let Some(home) = trace.home {
            home.forget(trace.input.id);
        }
        if kept.contains(&trace.input.id) {
            for at in 0..trace.exits.len() {
                trace.input.exits.attach(ExitId(at as u32), stub);
            }
            continue;
        }
        numbers.push((trace.input.first_exit, trace.exits.len() as u32));
        if let Some(code) = &trace.code {
            cache.code.remove(code.region().start);
        }
        let trace = slot.take().expect("just looked at");
        cache.garbage.traces.push(*trace);
    }
    let evicted = numbers.len() as u64;
    cache.exit_numbers.give_back(numbers.into_iter());
    cache.versions.clear();
    cache.loose.clear();
    jit.forget_dependents();
    evicted
}

/// Gives back some of what was dropped.
#[inline]
pub(crate) fn release_some(jit: &mut Jit) {
    if !jit.cache.garbage.traces.is_empty() || !jit.cache.garbage.units.is_empty() {
        release(jit);
    }
}

#[cold]
fn release(jit: &mut Jit) {
    let started = thread_ns();
    let garbage = &mut jit.cache.garbage;
    let portion = garbage.traces.len().saturating_sub(PORTION);
    let traces = garbage.traces.split_off(portion);
    let units = std::mem::take(&mut garbage.units);
    let mut bytes: u64 = units.iter().map(|code| code.region().len() as u64).sum();
    let (mut codes, mut large) = (Vec::with_capacity(traces.len()), Vec::with_capacity(traces.len()));
    for trace in traces {
        let CachedTrace { code, input, exits, facts, label, written, bytes: own, .. } = trace;
        bytes += own + code.as_ref().map_or(0, |code| code.region().len() as u64);
        codes.extend(code);
        large.push((input, exits, facts, label, written));
    }
    let compiler = jit.cache.compiler.as_mut().expect("it has compiled them");
    // SAFETY: nobody stands in them, and nothing leads to them (see above).
    unsafe {
        compiler.free(codes, false);
        compiler.free(units, true);
    }
    compiler.drop_elsewhere(large);
    jit.counters.memory_bytes = jit.counters.memory_bytes.saturating_sub(bytes);
    jit.counters.longest_evict_ns = jit.counters.longest_evict_ns.max(thread_ns() - started);
}

#[cfg(test)]
mod tests {
    use super::ExitNumbers;
    use ir::{ExitId, TraceId};

    #[test]
    fn exit_numbers_are_used_again() {
        let mut numbers = ExitNumbers::default();
        assert_eq!(numbers.take(TraceId(0), 3), 0);
        assert_eq!(numbers.take(TraceId(1), 0), 3);
        assert_eq!(numbers.take(TraceId(2), 2), 3);
        assert_eq!(numbers.take(TraceId(3), 4), 5);
        numbers.give_back([(3, 2), (0, 3)].into_iter());
        assert_eq!(numbers.take(TraceId(4), 4), 0, "neighbours became one");
        assert_eq!(numbers.owner(3), (TraceId(4), ExitId(3)));
        assert_eq!(numbers.owner(6), (TraceId(3), ExitId(1)), "who was kept has its numbers");
        assert_eq!(numbers.take(TraceId(5), 2), 9);
        assert_eq!(numbers.take(TraceId(6), 1), 4);
        assert!(numbers.has(10) && !numbers.has(11));
    }
}
