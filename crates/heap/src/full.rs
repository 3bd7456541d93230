//! The full collection: mark what is reachable, free the rest. Nothing moves.
//!
//! It runs in steps, one directly after each minor collection, so that the nursery holds only pinned objects then. Marking
//! ends in the step in which, after the roots have been marked once more, nothing gray is left; what is not marked then is
//! dead (Dijkstra, Lamport, Martin, Scholten and Steffens, On-the-fly garbage collection, CACM 1978, has the invariant; that
//! the mutator makes the changed object gray again and not the new referent is Steele's variant).
//!
//! A step does more the more the heap has grown since the last, so that marking ends before the heap has grown by half of
//! what was live.

use crate::Heap;
use crate::old::BLOCK_BYTES;
use crate::pauses::Phase;
use crate::roots::Pass;

/// Where a full collection stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    Idle,
    Marking,
    Sweeping,
}

/// Pacing. Units are those of marking.
pub(crate) struct Cycle {
    pub stage: Stage,
    /// Units that marking took the last time, for each byte of the heap.
    units_a_byte: f64,
    /// Units used in this marking.
    units: usize,
    /// Units due and not yet done.
    debt: usize,
    /// Units that minor collections have done since the last step, for survivors that were born black.
    advance: usize,
    /// Bytes the heap may grow by while it is marked.
    headroom: usize,
    /// Heap size at the last step.
    last_bytes: usize,
    /// Heap size beyond which marking ends in one step.
    hard_limit: usize,
    /// How often marking could have ended but the roots led to too much.
    attempts: u32,
}

/// Units for a byte of small objects.
const UNITS_A_SURVIVOR_BYTE: f64 = 3.0;
/// Units of a step at least: marking ends some time even if nothing survives.
const STEP_MIN: usize = 1 << 20;
/// And at most: some 6 ms.
const STEP_MAX: usize = 16 << 20;
/// After so many attempts marking ends in one step.
const MAX_ATTEMPTS: u32 = 8;
/// What is swept in a step: blocks, large objects, buffers, bytes given back to the system.
const SWEEP_BLOCKS: usize = 8192;
const SWEEP_LARGE: usize = 4096;
const SWEEP_BUFFERS: usize = 8192;
const RELEASE_BYTES: usize = 32 << 20;

impl Default for Cycle {
    fn default() -> Cycle {
        Cycle {
            stage: Stage::Idle,
            units_a_byte: UNITS_A_SURVIVOR_BYTE,
            units: 0,
            debt: 0,
            advance: 0,
            headroom: 0,
            last_bytes: 0,
            hard_limit: 0,
            attempts: 0,
        }
    }
}

impl Cycle {
    /// So many units have been done.
    pub fn spend(&mut self, units: usize) {
        self.units = self.units.saturating_add(units);
        self.debt = self.debt.saturating_sub(units);
    }
}

impl Heap {
    #[inline(always)]
    pub(crate) fn is_cycle_under_way(&self) -> bool {
        self.cycle.stage != Stage::Idle
    }

    #[inline(always)]
    pub(crate) fn is_marking(&self) -> bool {
        self.cycle.stage == Stage::Marking
    }

    /// Directly after a minor collection: goes on with the full collection under way, or begins one that is due.
    pub(crate) unsafe fn full_step(&mut self) {
        // SAFETY: the nursery holds only pinned objects and all words of all objects are initialised (invariant 2).
        unsafe {
            match self.cycle.stage {
                Stage::Idle => {
                    if self.wants_full_collection() || self.is_due_under_stress() {
                        self.begin_marking();
                    }
                }
                Stage::Marking => {
                    let mut budget = self.step_budget();
                    self.mark_step(&mut budget);
                }
                Stage::Sweeping => _ = self.sweep_step(1),
            }
        }
    }

    /// Under stress some full collection is always under way if its steps are given; otherwise one is begun after every second
    /// whole one.
    fn is_due_under_stress(&self) -> bool {
        let stress = self.config.stress as usize;
        stress != 0 && (self.config.mark_step != 0 || self.stats.minor_collections % (2 * stress) == 1)
    }

    /// Directly after a minor collection: a whole full collection. What is unreachable now is freed.
    pub(crate) unsafe fn full_collection(&mut self) {
        // SAFETY: as for `full_step`.
        unsafe {
            match self.cycle.stage {
                Stage::Idle => {}
                // What this marking has found may be dead by now.
                Stage::Marking => self.give_up_marking(),
                Stage::Sweeping => _ = self.sweep_step(usize::MAX),
            }
            self.begin_marking();
            self.mark_step(&mut usize::MAX.clone());
            self.old.forget_recent();
            self.due.forget_size();
            self.sweep_step(usize::MAX);
            self.stats.full_collections_in_steps -= 1;
        }
    }

    unsafe fn begin_marking(&mut self) {
        let bytes = self.heap_bytes();
        let least = self.config.first_full_bytes / 4;
        let headroom = (bytes / 4).saturating_sub(2 * least).max(least);
        self.cycle = Cycle {
            stage: Stage::Marking,
            units_a_byte: self.cycle.units_a_byte,
            units: 0,
            debt: 0,
            advance: 0,
            headroom,
            last_bytes: bytes,
            hard_limit: bytes + 2 * headroom,
            attempts: 0,
        };
        self.due.note_size(self.old.used());
        self.old.begin_marking();
        self.finalizers.objects.restart();
        self.buffers.objects.restart();
        // SAFETY: as for `full_step`.
        self.timed(Phase::Mark, |heap| unsafe { heap.mark_roots() });
    }

    fn give_up_marking(&mut self) {
        self.large.forget_marks();
        self.marking.clear();
        self.weak.marked.take();
        self.cycle.stage = Stage::Idle;
    }

    /// Units for this step: as many as the growth since the last demands.
    fn step_budget(&mut self) -> usize {
        if self.config.mark_step != 0 {
            return self.config.mark_step;
        }
        if self.config.stress != 0 {
            return STEP_MIN / 2;
        }
        let bytes = self.heap_bytes();
        if bytes > self.cycle.hard_limit {
            return usize::MAX;
        }
        let grown = bytes.saturating_sub(self.cycle.last_bytes);
        self.cycle.last_bytes = bytes;
        let due = grown as f64 * self.due_units_a_byte();
        let due = (due as usize).saturating_sub(std::mem::take(&mut self.cycle.advance));
        self.cycle.debt = (self.cycle.debt + due).max(STEP_MIN);
        self.cycle.debt.min(STEP_MAX)
    }

    /// So many bytes of survivors were born black: what is due for them is done, and the next marking will have them to do.
    pub(crate) fn note_born_marked(&mut self, bytes: usize) {
        let units = (bytes as f64 * UNITS_A_SURVIVOR_BYTE) as usize;
        self.cycle.units = self.cycle.units.saturating_add(units);
        self.cycle.advance += units;
    }

    /// Bytes of young large objects and buffers that cause a minor collection: while a full one is under way fewer, so that its
    /// steps come often enough.
    pub(crate) fn pressure_limit(&self) -> usize {
        let limit = self.young_pressure_limit;
        if self.is_cycle_under_way() { limit.min((self.cycle.headroom / 8).max(1 << 20)) } else { limit }
    }

    /// Units to be done for each byte by which the heap has grown: all of the heap while it grows by the headroom, and what has
    /// been promoted.
    fn due_units_a_byte(&self) -> f64 {
        self.cycle.units_a_byte * self.heap_bytes() as f64 / self.cycle.headroom as f64 + UNITS_A_SURVIVOR_BYTE
    }

    /// The nursery that makes a step of marking as long as it should be, if the same part survives as in the last: where much
    /// survives, more frequent steps are shorter ones.
    pub(crate) fn nursery_for_marking(&self, survived: f64) -> Option<usize> {
        if !self.is_marking() || self.config.mark_step != 0 || self.config.stress != 0 {
            return None;
        }
        let (full, step) = (self.config.nursery_bytes, (STEP_MAX / 4 * 3) as f64);
        let bytes = (step / (self.due_units_a_byte() * survived.max(0.01))) as usize / BLOCK_BYTES * BLOCK_BYTES;
        Some(bytes.clamp((full / 16).next_multiple_of(BLOCK_BYTES), full))
    }

    /// Marks, and ends marking if nothing is left to mark.
    unsafe fn mark_step(&mut self, budget: &mut usize) {
        let given = *budget;
        // SAFETY: as for `full_step`.
        let done = self.timed(Phase::Mark, |heap| unsafe { heap.drain_marks(budget) && heap.examine_lists(budget) });
        if done {
            // Half a step more, if the roots lead to something new.
            *budget = (*budget).max(given / 2).max(1);
            // SAFETY: as for `full_step`.
            self.timed(Phase::End, |heap| unsafe { heap.try_end(budget) });
        }
    }

    /// Ends marking, unless roots or finalizers lead to more than the budget allows.
    unsafe fn try_end(&mut self, budget: &mut usize) {
        self.cycle.attempts += 1;
        if self.cycle.attempts > MAX_ATTEMPTS {
            *budget = usize::MAX;
        }
        // SAFETY: as for `full_step`.
        unsafe {
            self.mark_roots();
            if !self.drain_marks(budget) {
                return;
            }
            // From here on the queue keeps them, so that marking may as well go on in the next step.
            if self.queue_dead_old() && !self.drain_marks(budget) {
                return;
            }
            self.clear_marked_weak();
            self.take_census();
            self.list_dead_buffers();
            self.settle_followed_old();
            self.forget_dead();
        }
        self.marking.clear();
        self.old.begin_sweep(self.buffers.dying.is_empty());
        self.large.begin_sweep();
        self.cycle.stage = Stage::Sweeping;
        self.stats.full_collections += 1;
        self.minors_since_full = 0;
        self.stats.full_collections_in_steps += 1;
    }

    unsafe fn mark_roots(&mut self) {
        self.run_callbacks(Pass::Mark);
        // SAFETY: the lists hold objects, the ambiguous words are resolved to such.
        unsafe {
            for i in 0..self.roots.ambiguous.len() {
                if let Some(object) = self.resolve_old(self.roots.ambiguous[i]) {
                    self.mark_value(object);
                }
            }
            for i in 0..self.finalizers.queue.len() {
                self.mark_value(self.finalizers.queue[i].0 as usize);
            }
            for i in 0..self.weak.cleared.len() {
                self.mark_value(self.weak.cleared[i].0 as usize);
            }
            for i in 0..self.saved.len() {
                self.mark_value(self.saved[i].0 as usize);
            }
            for i in 0..self.nursery.pinned.len() {
                self.mark_slots(self.nursery.pinned[i].start);
            }
            // Slots that id() reserved for pinned objects.
            let slots: Vec<usize> = self.identities.shadows.values().copied().collect();
            for slot in slots {
                self.mark_value(slot);
            }
        }
    }

    /// Clears the weak slots of marked and of pinned objects whose referent is dead. Pinned ones are looked at only when marking
    /// ends: until then they may move.
    pub(crate) unsafe fn clear_marked_weak(&mut self) {
        // SAFETY: the lists hold objects.
        unsafe {
            let mut weak = self.weak.marked.take();
            weak.retain(|&object| object != 0);
            for pinned in &self.nursery.pinned {
                if self.shapes.descriptor(crate::header::load(pinned.start)).weak != 0 {
                    weak.push(pinned.start);
                }
            }
            self.clear_dead_weak(weak, Heap::marked_fate);
        }
    }

    /// Drops dead objects from the remembered set.
    unsafe fn forget_dead(&mut self) {
        let mut remembered = std::mem::take(&mut self.remembered);
        // SAFETY: both lists hold old objects.
        remembered.retain(|&object| unsafe { self.marked_fate(object) }.is_some());
        self.remembered = remembered;
        let mut dirty = std::mem::take(&mut self.dirty_large);
        // SAFETY: as above.
        dirty.retain(|&object| unsafe { self.marked_fate(object) }.is_some());
        self.dirty_large = dirty;
        // SAFETY: nothing has been swept.
        unsafe { self.forget_dead_referrers() };
    }

    /// `steps` steps of sweeping; whether that was the end of the full collection.
    unsafe fn sweep_step(&mut self, steps: usize) -> bool {
        // Where marking goes in given steps, so does sweeping.
        let given = self.config.mark_step;
        let times = |count: usize| steps.saturating_mul(if given == 0 { count } else { 1 + given / 1024 });
        self.timed(Phase::Sweep, |heap| {
            // SAFETY: marking has ended, and dead owners have not been swept.
            let done = unsafe { heap.free_dead_buffers(times(SWEEP_BUFFERS)) }
                && heap.old.open_sweep()
                && heap.large.sweep_some(times(SWEEP_LARGE))
                && heap.old.sweep_some(times(SWEEP_BLOCKS))
                && heap.large.release_some(times(RELEASE_BYTES).max(RELEASE_BYTES), &mut heap.old)
                && heap.old.release_some(times(RELEASE_BYTES / BLOCK_BYTES).max(64));
            if done {
                heap.end_cycle();
            }
            done
        })
    }

    fn end_cycle(&mut self) {
        let live = self.heap_bytes();
        self.cycle.stage = Stage::Idle;
        self.cycle.units_a_byte = (self.cycle.units as f64 / live.max(1 << 20) as f64).clamp(0.25, 6.0);
        self.due.restart(live, self.old.used(), self.config.first_full_bytes);
    }
}
