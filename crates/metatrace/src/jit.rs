//! Counters, assumptions and inline caches: what the direct interpreter and the tracer share with the trace cache.

use crate::cache::Cache;
use crate::counters::{Abort, Counters};
use crate::coverage::{Coverage, Path};
use crate::economy::Economy;
use crate::explain::Notes;
use crate::log::Logger;
use crate::options::Options;
use crate::profile::ActivityCell;
use std::cell::Cell;

/// The heat of one place where a trace may start, and the trace that starts there.
#[derive(Default)]
pub struct HotCell {
    /// Executions since the last attempt to trace.
    pub count: Cell<u32>,
    /// The number of the compiled trace that starts here, plus one; 0 while there is none.
    pub entry: Cell<usize>,
    /// Attempts to trace that were given up.
    pub aborts: Cell<u32>,
    /// Of a loop: recordings that left it before it had gone round. Where loops are short that happens often, and says nothing
    /// about the next one; but one that is compiled goes on in a bridge if it goes round.
    pub(crate) left_early: Cell<u32>,
    /// Of a loop: its traces that fell because they went round an outer one.
    pub(crate) turns: Cell<u32>,
    /// Traces from here that fell with an assumption.
    pub falls: Cell<u32>,
    /// A recording from here is under way (guest code that it runs must not start another one), being optimised or compiled.
    pub(crate) busy: Cell<bool>,
    /// Left to the interpreter, for a time that is longer each time.
    pub dead: Cell<bool>,
    pub(crate) times_dead: Cell<u32>,
    /// Of a function's entry: the function has a loop, so it is called, not inlined.
    pub no_inline: Cell<bool>,
    /// The number of a trace, plus one, that stands but is left to the interpreter for a while, because it was left too soon.
    pub(crate) aside: Cell<usize>,
    pub(crate) times_aside: Cell<u32>,
    /// How many more times the threshold is to be reached until the place is tried again.
    pub(crate) waits: Cell<u32>,
    /// Of a loop with compiled code: how many more arrivals are looked at for one that no version was recorded for.
    pub(crate) wants_version: Cell<u32>,
}

/// How many times the threshold is reached again, at first, until a trace that was set aside is entered, until a place that was given
/// up is recorded; and how often that doubles.
const ASIDE: u32 = 16;
const DEAD: u32 = 1000;
const LONGEST: u32 = 8;

/// So many recordings may leave their loop early until one is taken for what the loop does.
const LEFT_EARLY: u32 = 10;

/// So many traces of a loop that go round an outer one fall when the loop itself turns out to go round.
const TURNS: u32 = 2;

impl HotCell {
    /// Whether a recording that left its loop early is to be forgotten.
    pub(crate) fn may_leave_early(&self) -> bool {
        self.left_early.get() < LEFT_EARLY
    }

    /// Whether a trace from here that goes round an outer loop may still fall.
    pub(crate) fn may_turn(&self) -> bool {
        self.turns.get() < TURNS
    }

    /// The interpreter does not enter the trace for some time, which is longer each time.
    pub(crate) fn set_aside(&self) {
        self.aside.set(self.entry.replace(0));
        self.wait(ASIDE, &self.times_aside);
    }

    /// The trace of that number, which started here, was dropped.
    pub(crate) fn forget(&self, id: ir::TraceId) {
        let number = id.0 as usize + 1;
        for trace in [&self.entry, &self.aside] {
            if trace.get() == number {
                trace.set(0);
                self.count.set(0);
            }
        }
        self.wants_version.set(0);
    }

    /// As `entry`, for callers that need not pass through the interpreter: what was set aside is still there.
    pub(crate) fn compiled(&self) -> usize {
        match self.entry.get() {
            0 => self.aside.get(),
            entry => entry,
        }
    }

    pub(crate) fn is_aside(&self) -> bool {
        self.aside.get() != 0 && self.entry.get() == 0
    }

    /// The place is hot, and a trace was set aside: whether it is entered again from now on.
    pub(crate) fn is_tried_again(&self) -> bool {
        let again = !self.has_to_wait();
        if again {
            self.entry.set(self.aside.replace(0));
        }
        again
    }

    /// Recordings from here have failed, or their traces have fallen, too often. When the place is tried again one more failure
    /// is enough: what it relied on may have settled, but it is not likely.
    pub(crate) fn give_up(&self) {
        self.dead.set(true);
        self.wait(DEAD, &self.times_dead);
        self.aborts.set(self.aborts.get().saturating_sub(1));
        self.falls.set(self.falls.get().saturating_sub(1));
    }

    /// A trace from here fell, or a recording did with what it relied on, for the `times`th time.
    pub(crate) fn cool(&self, times: u32) {
        self.waits.set((1 << times.min(LONGEST)) - 1);
    }

    fn wait(&self, rounds: u32, times: &Cell<u32>) {
        self.count.set(0);
        self.waits.set(rounds << times.get().min(LONGEST));
        times.set(times.get() + 1);
    }

    /// The threshold has been reached: whether that has to happen again before the place is tried.
    pub(crate) fn has_to_wait(&self) -> bool {
        self.count.set(0);
        let Some(waits) = self.waits.get().checked_sub(1) else { return false };
        self.waits.set(waits);
        if waits == 0 {
            self.dead.set(false);
        }
        waits > 0
    }
}

/// Something that is true until somebody invalidates it: "class P has not changed", "no global of module m was added".
/// Traces depend on assumptions and fall with them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Assumption(pub u32);

/// The answer of a read of Rust-side state.
pub struct Lookup<T: 'static> {
    pub assumption: Assumption,
    pub result: &'static T,
    /// The answer is expected to change soon: traces rely on it, inline caches do not keep it. Such an assumption ends with
    /// [`Jit::invalidate_brief`].
    pub is_brief: bool,
}

impl<T> Lookup<T> {
    /// An answer that lasts as long as the assumption holds.
    pub fn lasting(assumption: Assumption, result: &'static T) -> Lookup<T> {
        Lookup { assumption, result, is_brief: false }
    }

    pub fn brief(assumption: Assumption, result: &'static T) -> Lookup<T> {
        Lookup { assumption, result, is_brief: true }
    }
}

/// The inline cache of one instruction: the direct interpreter's alone.
pub struct Site {
    key: Cell<i64>,
    /// The thread's epoch when the result was cached; any fallen assumption ends the epoch.
    epoch: Cell<u32>,
    result: Cell<*const ()>,
    /// What happens here varies too much for traces (see [`crate::Machine::is_varied`]).
    varied: Cell<bool>,
    /// "What happens here does not vary too much", for traces that have a path of its own for what they saw.
    settled: Cell<Option<Assumption>>,
}

impl Default for Site {
    fn default() -> Site {
        Site {
            key: Cell::new(0),
            epoch: Cell::new(0),
            result: Cell::new(std::ptr::null()),
            varied: Cell::new(false),
            settled: Cell::new(None),
        }
    }
}

impl Site {
    /// The cached result, if it was stored for `key` in this `epoch` by a caller with the same `T`: a site belongs to one
    /// instruction, whose lookups all have one result type.
    #[inline(always)]
    pub(crate) fn get<T>(&self, key: i64, epoch: u32) -> Option<&'static T> {
        debug_assert_ne!(epoch, 0);
        if self.key.get() == key && self.epoch.get() == epoch {
            // SAFETY: the epoch of a site is 0, which no thread's is, until `set` stores a `&'static T`.
            return Some(unsafe { &*self.result.get().cast::<T>() });
        }
        None
    }

    #[inline(always)]
    pub fn is_varied(&self) -> bool {
        self.varied.get()
    }

    /// The assumption that this instruction does not become one that varies.
    pub(crate) fn settled(&self, jit: &mut Jit) -> Assumption {
        let assumption = self.settled.get().unwrap_or_else(|| jit.new_assumption());
        self.settled.set(Some(assumption));
        assumption
    }

    /// From here on the instruction varies too much; traces that think otherwise fall.
    pub(crate) fn vary(&self, jit: &mut Jit) {
        self.varied.set(true);
        if let Some(settled) = self.settled.get() {
            jit.invalidate(settled);
        }
    }

    pub(crate) fn set<T>(&self, key: i64, epoch: u32, result: &'static T) {
        self.key.set(key);
        self.epoch.set(epoch);
        self.result.set(std::ptr::from_ref(result).cast());
    }
}

/// What instructions have looked up lately, behind the one answer that each [`Site`] keeps: the caches of those that find now this,
/// now that.
pub(crate) struct Lookups(Box<[Found]>);

#[derive(Clone)]
struct Found {
    site: *const Site,
    key: i64,
    epoch: u32,
    result: *const (),
}

const LOOKUPS: usize = 1024;

impl Default for Lookups {
    fn default() -> Lookups {
        let empty = Found { site: std::ptr::null(), key: 0, epoch: 0, result: std::ptr::null() };
        Lookups(vec![empty; LOOKUPS].into())
    }
}

impl Lookups {
    #[inline(always)]
    fn place(site: &Site, key: i64) -> usize {
        // Sites of neighbouring instructions differ little, and so do the keys, which are numbers of shapes.
        let mixed = (std::ptr::from_ref(site).addr() as u64 ^ (key as u64) << 24).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (64 - LOOKUPS.ilog2())) as usize
    }

    /// As [`Site::get`].
    #[inline(always)]
    pub(crate) fn get<T>(&self, site: &'static Site, key: i64, epoch: u32) -> Option<&'static T> {
        let found = &self.0[Lookups::place(site, key)];
        let is_it = std::ptr::eq(found.site, site) && found.key == key && found.epoch == epoch;
        // SAFETY: sites are static, and the lookups of one have one result type.
        is_it.then(|| unsafe { &*found.result.cast::<T>() })
    }

    pub(crate) fn set<T>(&mut self, site: &'static Site, key: i64, epoch: u32, result: &'static T) {
        self.0[Lookups::place(site, key)] = Found { site, key, epoch, result: std::ptr::from_ref(result).cast() };
    }
}

/// The trace cache of one thread. The tracer's half of the framework fills it.
pub struct Jit {
    /// Back edges of a loop before it is traced; `u32::MAX`: never.
    pub threshold: u32,
    /// Calls of a function before its entry is traced; `u32::MAX`: never.
    pub entry_threshold: u32,
    /// Ends with every fallen assumption; inline caches hold for one epoch.
    pub epoch: u32,
    pub options: Options,
    pub counters: Counters,
    /// How often recordings were given up for each reason.
    pub abort_counts: Vec<u64>,
    /// What was reached; counted for `log=coverage`.
    pub coverage: Coverage,
    assumptions: Vec<AssumptionState>,
    pub(crate) lookups: Lookups,
    pub(crate) cache: Cache,
    pub(crate) economy: Economy,
    pub(crate) logger: Logger,
    pub(crate) activity: ActivityCell,
    /// With the option `explain`.
    pub(crate) notes: Option<Box<Notes>>,
    /// Somebody wants to know where operations lie in code.
    pub(crate) places: bool,
}

#[derive(Default)]
struct AssumptionState {
    /// How often it fell.
    version: u32,
    /// Traces that fall with it.
    dependents: Vec<ir::TraceId>,
}

impl Jit {
    /// The defaults, with another threshold; `u32::MAX`: no tracing.
    pub fn new(threshold: u32) -> Jit {
        Jit::with_options(Options { threshold, off: threshold == u32::MAX, ..Options::default() })
    }

    pub fn with_options(options: Options) -> Jit {
        Jit {
            threshold: if options.off { u32::MAX } else { options.threshold.max(1) },
            entry_threshold: if options.off { u32::MAX } else { options.entry.max(1) },
            epoch: 1,
            counters: Counters::default(),
            abort_counts: vec![0; Abort::ALL.len()],
            coverage: Coverage::new(options.log.coverage),
            assumptions: Vec::new(),
            lookups: Lookups::default(),
            cache: Cache::default(),
            economy: Economy::new(&options),
            logger: Logger::new(&options.log),
            activity: ActivityCell::default(),
            places: options.explain,
            notes: options.explain.then(Box::default),
            options,
        }
    }

    pub fn new_assumption(&mut self) -> Assumption {
        self.assumptions.push(AssumptionState::default());
        Assumption(self.assumptions.len() as u32 - 1)
    }

    /// What `assumption` said no longer holds. Traces that depend on it are never entered again, and those running leave at
    /// their next `still_valid`. The assumption can be relied on anew from here on.
    pub fn invalidate(&mut self, assumption: Assumption) {
        self.epoch = self.epoch.wrapping_add(1).max(1);
        self.invalidate_brief(assumption);
    }

    /// The same for an assumption on which only brief answers rely: inline caches know none of them.
    pub fn invalidate_brief(&mut self, assumption: Assumption) {
        let state = &mut self.assumptions[assumption.0 as usize];
        state.version += 1;
        for trace in std::mem::take(&mut state.dependents) {
            let fell = self.cache.fell(trace);
            self.counters.fallen += fell;
            if fell > 0 {
                let bridge = self.cache.trace(trace).parent.is_some() || fell > 1;
                self.coverage.reach(if bridge { Path::BridgeFell } else { Path::TraceFell });
            }
        }
    }

    pub(crate) fn version(&self, assumption: Assumption) -> u32 {
        self.assumptions[assumption.0 as usize].version
    }

    pub(crate) fn depend(&mut self, trace: ir::TraceId, assumption: Assumption) {
        self.assumptions[assumption.0 as usize].dependents.push(trace);
    }

    /// Whether traces and their code take all the memory that they may.
    pub(crate) fn is_full(&self) -> bool {
        self.counters.memory_bytes >= u64::from(self.options.memory) << 10
    }

    /// Traces or code take so many bytes more.
    pub(crate) fn takes(&mut self, bytes: u64) {
        self.counters.memory_bytes += bytes;
        self.counters.memory_peak_bytes = self.counters.memory_peak_bytes.max(self.counters.memory_bytes);
    }

    /// No trace falls with any assumption.
    pub(crate) fn forget_dependents(&mut self) {
        self.assumptions.iter_mut().for_each(|state| state.dependents = Vec::new());
    }

    /// Counters and abort reasons, for `log=stats` and tests.
    pub fn stats_text(&self) -> String {
        let mut text = self.counters.text();
        let earned = self.economy.earned_ns();
        text.push_str(&format!("{earned:>12}  nanoseconds that compiled code is taken to have gained\n"));
        for (&abort, &count) in Abort::ALL.iter().zip(&self.abort_counts) {
            if count > 0 {
                text.push_str(&format!("{count:>12}  times {}\n", abort.sentence()));
            }
        }
        text
    }
}

impl Jit {
    /// Writes what the log says at the end of the program; once. Dropping the thread does it, too.
    pub fn finish_logs(&mut self) {
        if std::mem::take(&mut self.options.log.stats) {
            let text = self.stats_text();
            self.logger.section("stats", "", &text);
        }
        if std::mem::take(&mut self.options.log.coverage) {
            let text = self.coverage.text(&self.abort_counts);
            self.logger.section("coverage", "", &text);
        }
    }
}

impl Drop for Jit {
    fn drop(&mut self) {
        self.finish_logs();
    }
}

#[cfg(test)]
mod tests {
    use super::{ASIDE, DEAD, HotCell, Lookups, Site};

    #[test]
    fn what_is_set_aside_is_tried_again() {
        let cell = HotCell::default();
        for round in 0..3 {
            cell.entry.set(7);
            cell.set_aside();
            assert!(cell.is_aside() && cell.compiled() == 7);
            let waited = (1..).find(|_| cell.is_tried_again()).unwrap();
            assert_eq!(waited, ASIDE << round);
            assert!(!cell.is_aside() && cell.entry.get() == 7);
        }
    }

    #[test]
    fn lookups_are_of_a_site_a_key_and_an_epoch() {
        let sites: &'static [Site] = Box::leak(Box::new([Site::default(), Site::default(), Site::default()]));
        let mut lookups = Lookups::default();
        lookups.set(&sites[0], 5, 1, &10);
        lookups.set(&sites[1], 5, 1, &11);
        lookups.set(&sites[0], 6, 1, &12);
        let get = |lookups: &Lookups, site: usize, key, epoch| lookups.get::<i32>(&sites[site], key, epoch).copied();
        assert_eq!(
            [get(&lookups, 0, 5, 1), get(&lookups, 1, 5, 1), get(&lookups, 0, 6, 1)],
            [Some(10), Some(11), Some(12)]
        );
        // Another site, another key, an epoch that is over.
        assert_eq!([get(&lookups, 2, 5, 1), get(&lookups, 0, 7, 1), get(&lookups, 0, 5, 2)], [None; 3]);
        // Whoever comes to the same place takes it.
        for key in 0..100_000 {
            lookups.set(&sites[2], key, 2, &13);
        }
        assert_eq!(
            [get(&lookups, 0, 5, 1), get(&lookups, 1, 5, 1), get(&lookups, 2, 99_999, 2)],
            [None, None, Some(13)]
        );
    }

    #[test]
    fn what_was_given_up_heals() {
        let cell = HotCell::default();
        assert!(!cell.has_to_wait());
        for round in 0..3 {
            cell.aborts.set(6);
            cell.give_up();
            assert!(cell.dead.get());
            let waited = (1..).find(|_| !cell.has_to_wait()).unwrap();
            assert_eq!((waited, cell.dead.get(), cell.aborts.get()), (DEAD << round, false, 5));
        }
    }
}
