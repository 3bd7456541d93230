//! What happens when objects die: weak references are cleared, finalizers queued, buffers off the heap freed.
//!
//! First dead objects with a finalizer are queued, and all they refer to lives on. Then weak references to what is dead even so
//! are cleared, and buffers of such objects freed.
//!
//! A full collection looks at the lists in steps while it marks: what is marked then needs no look when marking ends.

use std::collections::VecDeque;

use crate::header::load;
use crate::header::{shape_of, store};
use crate::{Finalize, Heap, Value};

/// A list that is gone through in steps, entries being dropped on the way, while new ones are added at its end. Their order
/// stays.
#[derive(Default)]
pub(crate) struct Stepped {
    /// 0: nothing.
    entries: Vec<usize>,
    /// Entries before this one have been looked at.
    read: usize,
    /// They lie before this one; between the two is nothing.
    written: usize,
}

impl Stepped {
    pub fn push(&mut self, entry: usize) {
        self.entries.push(entry);
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.entries.iter().copied().filter(|&entry| entry != 0)
    }

    /// Looks at up to `budget` further entries; whether all have been. `keep` is told an entry and where it will lie.
    pub fn step(&mut self, budget: &mut usize, mut keep: impl FnMut(usize, usize) -> bool) -> bool {
        while self.read < self.entries.len() {
            if *budget == 0 {
                return false;
            }
            *budget -= 1;
            let entry = std::mem::take(&mut self.entries[self.read]);
            self.read += 1;
            if entry != 0 && keep(entry, self.written) {
                self.entries[self.written] = entry;
                self.written += 1;
            }
        }
        self.entries.truncate(self.written);
        self.read = self.written;
        true
    }

    /// The next step begins at the first entry.
    pub fn restart(&mut self) {
        (self.read, self.written) = (0, 0);
    }

    pub fn take(&mut self) -> Vec<usize> {
        self.restart();
        std::mem::take(&mut self.entries)
    }
}

/// Objects whose death is acted upon, in the order of their registration.
#[derive(Default)]
pub(crate) struct DeathList {
    young: Vec<usize>,
    old: Stepped,
    /// Where in `old` the objects lie that were not marked when they were looked at.
    suspects: Vec<usize>,
}

impl DeathList {
    /// Adds a young object; refused, if it may be, where its list cannot grow. The old ones' list gets room for it now: it cannot be refused in the middle of a
    /// collection.
    fn add(&mut self, object: usize, may_refuse: bool) {
        let young = self.young.len() + 1;
        let has_room = self.young.try_reserve(1).is_ok() && self.old.entries.try_reserve(young).is_ok();
        if !has_room && may_refuse {
            crate::refuse();
        }
        self.young.push(object);
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.old.iter().chain(self.young.iter().copied())
    }

    fn take(&mut self) -> impl Iterator<Item = usize> + use<> {
        self.suspects.clear();
        let old = self.old.take();
        old.into_iter().chain(std::mem::take(&mut self.young)).filter(|&object| object != 0)
    }

    /// Looks during marking which of the old objects are not marked; whether all have been looked at.
    pub fn examine(&mut self, budget: &mut usize, is_marked: impl Fn(usize) -> bool) -> bool {
        let suspects = &mut self.suspects;
        self.old.step(budget, |object, place| {
            if !is_marked(object) {
                suspects.push(place);
            }
            true
        })
    }

    /// At the end of marking: takes the objects out that are not marked.
    fn take_dead(&mut self, is_marked: impl Fn(usize) -> bool) -> Vec<usize> {
        self.examine(&mut usize::MAX.clone(), &is_marked);
        let suspects = std::mem::take(&mut self.suspects);
        let mut dead = Vec::new();
        for place in suspects {
            let object = &mut self.old.entries[place];
            if !is_marked(*object) {
                dead.push(std::mem::take(object));
            }
        }
        dead
    }

    /// A new marking begins.
    pub fn restart(&mut self) {
        self.old.restart();
        self.suspects.clear();
    }
}

#[derive(Default)]
pub(crate) struct WeakReferences {
    /// Objects with a weak slot that this minor collection has reached.
    pub pending: Vec<usize>,
    /// Old ones that the marking under way has reached.
    pub marked: Stepped,
    /// Objects whose weak slot was cleared, if `queue_cleared` is set.
    pub cleared: VecDeque<Value>,
    queue_cleared: bool,
}

#[derive(Default)]
pub(crate) struct Finalizers {
    pub objects: DeathList,
    pub queue: VecDeque<Value>,
}

/// Owners of buffers off the heap: word 2 is a pointer from `malloc` (or null), word 3 a length in bytes.
#[derive(Default)]
pub(crate) struct Buffers {
    pub objects: DeathList,
    /// Owners that are dead, whose memory is not swept before their buffers are freed.
    pub dying: Vec<usize>,
    /// Bytes that `add_pressure` counted, less what was freed.
    pub bytes: usize,
}

/// Where an object is once tracing is done; `None` if it is dead.
type Fate = unsafe fn(&Heap, usize) -> Option<usize>;

impl Heap {
    /// Registers an object whose shape has a `finalize`: its death is acted upon, once.
    ///
    /// `alloc_zeroed` and `alloc_tail` do this themselves for `OffHeap`, whose words 2 and 3 must be initialised.
    pub fn register_finalizer(&mut self, object: Value) {
        // SAFETY: the mutator passes an object.
        match self.layout(unsafe { shape_of(object) }).finalize {
            Finalize::None => panic!("{object:?} has a shape without finalizer"),
            Finalize::OffHeap => self.buffers.objects.add(object.0 as usize, self.may_refuse),
            Finalize::Guest => self.finalizers.objects.add(object.0 as usize, self.may_refuse),
        }
    }

    /// The next object whose finalizer is to run; it is an ordinary object again.
    pub fn take_finalizable(&mut self) -> Option<Value> {
        self.finalizers.queue.pop_front()
    }

    /// How many objects are registered whose finalizer has not become due.
    pub fn registered_finalizers(&self) -> usize {
        self.finalizers.objects.iter().count()
    }

    /// What [`Heap::take_finalizable`] will give, in order.
    pub fn finalizable(&self) -> &VecDeque<Value> {
        &self.finalizers.queue
    }

    /// Orders the queue by a rank for each of its objects; those of one rank stay in order.
    pub fn sort_finalizable(&mut self, ranks: &[u8]) {
        let mut order: Vec<usize> = (0..self.finalizers.queue.len()).collect();
        order.sort_by_key(|&i| ranks[i]);
        self.finalizers.queue = order.into_iter().map(|i| self.finalizers.queue[i]).collect();
    }

    /// The objects whose finalizer has not been queued: the living, and the dead that no collection has found.
    pub fn registered_objects(&self) -> impl Iterator<Item = Value> {
        self.finalizers.objects.iter().map(|object| Value(object as u64))
    }

    /// Queues all of them, dead or alive, older ones first: the program ends.
    pub fn queue_all_finalizers(&mut self) {
        self.finalizers.queue.extend(self.finalizers.objects.take().map(|object| Value(object as u64)));
    }

    /// Whether [`Heap::take_finalizable`] has something to give.
    pub fn has_finalizable(&self) -> bool {
        !self.finalizers.queue.is_empty()
    }

    /// Whether [`Heap::take_cleared_weak`] has something to give.
    pub fn has_cleared_weak(&self) -> bool {
        !self.weak.cleared.is_empty()
    }

    /// Whether objects with a cleared weak slot are queued for [`Heap::take_cleared_weak`], which keeps them alive.
    pub fn queue_cleared_weak(&mut self, on: bool) {
        self.weak.queue_cleared = on;
    }

    /// The next live object whose weak slot a collection has cleared.
    pub fn take_cleared_weak(&mut self) -> Option<Value> {
        self.weak.cleared.pop_front()
    }

    /// Reports bytes allocated (or, negative, freed) off the heap. What an `OffHeap` object frees when it dies, the
    /// length in its word 3, is subtracted by the collector.
    pub fn add_pressure(&mut self, bytes: isize) {
        self.buffers.bytes = self.buffers.bytes.saturating_add_signed(bytes);
        if bytes > 0 {
            self.young_pressure += bytes as usize;
            if self.young_pressure > self.pressure_limit() {
                self.request_collection();
            }
        }
    }

    /// Updates the weak slots of these objects; those whose referent is dead are cleared.
    pub(crate) unsafe fn clear_dead_weak(&mut self, objects: Vec<usize>, fate: Fate) {
        for object in objects {
            // SAFETY: the list holds live objects with a weak slot, at their last address.
            unsafe {
                let word = self.shapes.descriptor(load(object)).weak;
                let slot = object + word as usize * 8;
                let target = Value(load(slot));
                if !target.is_object() {
                    continue;
                }
                match fate(self, target.0 as usize) {
                    Some(moved) => {
                        store(slot, moved as u64);
                        if self.nursery.contains(moved) && !self.nursery.contains(object) {
                            self.remember(object);
                        }
                    }
                    None => {
                        store(slot, 0);
                        if self.weak.queue_cleared {
                            self.weak.cleared.push_back(Value(object as u64));
                        }
                    }
                }
            }
        }
    }

    /// Queues the dead among the young objects with a finalizer, and visits them.
    pub(crate) unsafe fn queue_dead_young(&mut self) {
        for object in std::mem::take(&mut self.finalizers.objects.young) {
            // SAFETY: the list holds objects that were young at the start of this collection, or old.
            unsafe {
                match self.fate(object) {
                    Some(object) if self.nursery.contains(object) => self.finalizers.objects.young.push(object),
                    Some(object) => self.finalizers.objects.old.push(object),
                    None => {
                        let mut value = Value(object as u64);
                        self.visit_slot(&raw mut value as usize);
                        self.finalizers.queue.push_back(value);
                    }
                }
            }
        }
    }

    /// Looks during marking at some of the objects on the lists of deaths and weak slots, so that few are left for the end of
    /// marking: an object that is marked stays so. Whether all have been looked at.
    pub(crate) unsafe fn examine_lists(&mut self, budget: &mut usize) -> bool {
        // An entry costs a look at a mark, or at a weak slot and a mark.
        const ENTRY_COST: usize = 64;
        let mut entries = *budget / ENTRY_COST;
        let mut finalizers = std::mem::take(&mut self.finalizers.objects);
        let mut buffers = std::mem::take(&mut self.buffers.objects);
        let mut weak = std::mem::take(&mut self.weak.marked);
        // SAFETY: the lists hold objects; those with a weak slot are marked.
        let is_marked = |object| unsafe { self.marked_fate(object) }.is_some();
        let done = finalizers.examine(&mut entries, is_marked)
            && buffers.examine(&mut entries, is_marked)
            // SAFETY: as above.
            && weak.step(&mut entries, |object, _| unsafe { self.may_lose_referent(object) });
        self.finalizers.objects = finalizers;
        self.buffers.objects = buffers;
        self.weak.marked = weak;
        *budget = (*budget).min(entries * ENTRY_COST);
        done
    }

    /// Whether the weak slot of a marked object may have to be cleared or updated when marking ends.
    unsafe fn may_lose_referent(&self, object: usize) -> bool {
        // SAFETY: the caller names an object with a weak slot.
        unsafe {
            let word = self.shapes.descriptor(load(object)).weak;
            let target = Value(load(object + word as usize * 8));
            target.is_object()
                && (self.nursery.contains(target.0 as usize) || self.marked_fate(target.0 as usize).is_none())
        }
    }

    /// Queues the unmarked among the old objects with a finalizer, and marks them. Whether there were any.
    pub(crate) unsafe fn queue_dead_old(&mut self) -> bool {
        let mut finalizers = std::mem::take(&mut self.finalizers.objects);
        // SAFETY: the list holds old objects.
        let dead = finalizers.take_dead(|object| unsafe { self.marked_fate(object) }.is_some());
        self.finalizers.objects = finalizers;
        for &object in &dead {
            self.finalizers.queue.push_back(Value(object as u64));
            // SAFETY: as above.
            unsafe { self.mark_value(object) };
        }
        !dead.is_empty()
    }

    pub(crate) unsafe fn free_young_buffers(&mut self) {
        for object in std::mem::take(&mut self.buffers.objects.young) {
            // SAFETY: the list holds objects that were young at the start of this collection, or old.
            unsafe {
                match self.fate(object) {
                    Some(object) if self.nursery.contains(object) => self.buffers.objects.young.push(object),
                    Some(object) => self.buffers.objects.old.push(object),
                    None => self.free_buffer(object),
                }
            }
        }
    }

    /// When marking has ended: finds the dead owners of buffers.
    pub(crate) unsafe fn list_dead_buffers(&mut self) {
        let mut buffers = std::mem::take(&mut self.buffers.objects);
        // SAFETY: the list holds old objects.
        self.buffers.dying = buffers.take_dead(|object| unsafe { self.marked_fate(object) }.is_some());
        self.buffers.objects = buffers;
    }

    /// Frees up to `count` buffers of dead owners; whether none is left.
    pub(crate) unsafe fn free_dead_buffers(&mut self, count: usize) -> bool {
        for _ in 0..count {
            let Some(object) = self.buffers.dying.pop() else { return true };
            // SAFETY: the owner's memory has not been swept.
            unsafe { self.free_buffer(object) }
        }
        self.buffers.dying.is_empty()
    }

    /// Frees every buffer, when the heap itself goes away.
    pub(crate) unsafe fn free_all_buffers(&mut self) {
        let dying = std::mem::take(&mut self.buffers.dying);
        for object in self.buffers.objects.take().chain(dying) {
            // SAFETY: the lists hold objects; a dead one is removed before its memory is used again.
            unsafe { self.free_buffer(object) }
        }
    }

    unsafe fn free_buffer(&mut self, object: usize) {
        // SAFETY: words 2 and 3 of an owner are its buffer and its length.
        unsafe {
            libc::free(load(object + 16) as *mut _);
            self.buffers.bytes = self.buffers.bytes.saturating_sub(load(object + 24) as usize);
        }
    }
}
