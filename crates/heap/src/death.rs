//! What happens when objects die: weak references are cleared, finalizers queued, buffers off the heap freed.
//!
//! In this order: a weak reference to an object that only a finalizer keeps alive is cleared first; what the queued
//! objects refer to then lives on, so only buffers of objects that are dead after that are freed.

use std::collections::VecDeque;

use crate::header::load;
use crate::header::{shape_of, store};
use crate::{Finalize, Heap, Value};

#[derive(Default)]
pub(crate) struct WeakReferences {
    /// Objects with a weak slot that this collection has reached.
    pub pending: Vec<usize>,
    /// Objects whose weak slot was cleared, if `queue_cleared` is set.
    pub cleared: VecDeque<Value>,
    queue_cleared: bool,
}

#[derive(Default)]
pub(crate) struct Finalizers {
    young: Vec<usize>,
    old: Vec<usize>,
    pub queue: VecDeque<Value>,
}

/// Owners of buffers off the heap: word 2 is a pointer from `malloc` (or null), word 3 a length in bytes.
#[derive(Default)]
pub(crate) struct Buffers {
    young: Vec<usize>,
    old: Vec<usize>,
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
            Finalize::OffHeap => self.buffers.young.push(object.0 as usize),
            Finalize::Guest => self.finalizers.young.push(object.0 as usize),
        }
    }

    /// The next object whose finalizer is to run; it is an ordinary object again.
    pub fn take_finalizable(&mut self) -> Option<Value> {
        self.finalizers.queue.pop_front()
    }

    /// How many objects are registered whose finalizer has not become due.
    pub fn registered_finalizers(&self) -> usize {
        self.finalizers.old.len() + self.finalizers.young.len()
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
        self.finalizers.old.iter().chain(&self.finalizers.young).map(|object| Value(*object as u64))
    }

    /// Queues all of them, dead or alive, older ones first: the program ends.
    pub fn queue_all_finalizers(&mut self) {
        let lists = [std::mem::take(&mut self.finalizers.old), std::mem::take(&mut self.finalizers.young)];
        self.finalizers.queue.extend(lists.into_iter().flatten().map(|object| Value(object as u64)));
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
            if self.young_pressure > self.config.pressure_bytes {
                self.request_collection();
            }
        }
    }

    /// Updates the weak slots of the objects found since the last call; those whose object is dead are cleared.
    pub(crate) unsafe fn clear_dead_weak(&mut self, fate: Fate) {
        for object in std::mem::take(&mut self.weak.pending) {
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
        for object in std::mem::take(&mut self.finalizers.young) {
            // SAFETY: the list holds objects that were young at the start of this collection, or old.
            unsafe {
                match self.fate(object) {
                    Some(object) if self.nursery.contains(object) => self.finalizers.young.push(object),
                    Some(object) => self.finalizers.old.push(object),
                    None => {
                        let mut value = Value(object as u64);
                        self.visit_slot(&raw mut value as usize);
                        self.finalizers.queue.push_back(value);
                    }
                }
            }
        }
    }

    /// Queues the unmarked among the old objects with a finalizer, and marks them.
    pub(crate) unsafe fn queue_dead_old(&mut self) {
        for object in std::mem::take(&mut self.finalizers.old) {
            // SAFETY: the list holds old objects.
            unsafe {
                if self.marked_fate(object).is_some() {
                    self.finalizers.old.push(object);
                } else {
                    self.finalizers.queue.push_back(Value(object as u64));
                    self.mark_value(object);
                }
            }
        }
    }

    pub(crate) unsafe fn free_young_buffers(&mut self) {
        for object in std::mem::take(&mut self.buffers.young) {
            // SAFETY: the list holds objects that were young at the start of this collection, or old.
            unsafe {
                match self.fate(object) {
                    Some(object) if self.nursery.contains(object) => self.buffers.young.push(object),
                    Some(object) => self.buffers.old.push(object),
                    None => self.free_buffer(object),
                }
            }
        }
    }

    pub(crate) unsafe fn free_old_buffers(&mut self) {
        for object in std::mem::take(&mut self.buffers.old) {
            // SAFETY: the list holds old objects.
            unsafe {
                match self.marked_fate(object) {
                    Some(object) => self.buffers.old.push(object),
                    None => self.free_buffer(object),
                }
            }
        }
    }

    /// Frees every buffer, when the heap itself goes away.
    pub(crate) unsafe fn free_all_buffers(&mut self) {
        let young = std::mem::take(&mut self.buffers.young);
        for object in young.into_iter().chain(std::mem::take(&mut self.buffers.old)) {
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
