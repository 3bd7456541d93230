//! The full collection: mark what is reachable, free the rest. Nothing moves.
//!
//! It follows a minor collection directly, so that the nursery holds only pinned objects: they are roots. Marking is in
//! one go; an incremental collector will call [`Heap::drain_marks`] with a budget (docs/heap.md says what else it needs).

use crate::Heap;
use crate::header::*;
use crate::roots::Pass;

impl Heap {
    /// Directly after a minor collection, whose list of ambiguous words is used.
    pub(crate) unsafe fn full_collection(&mut self) {
        // SAFETY: the nursery holds only pinned objects and all words of all objects are initialised (invariant 2).
        unsafe {
            self.old.clear_marks();
            self.mark_roots();
            self.drain_marks();
            self.queue_dead_old();
            self.drain_marks();
            self.clear_dead_weak(Heap::marked_fate);
            self.take_census();
            self.free_old_buffers();
            self.settle_followed_old();
            self.forget_dead();
            self.sweep();
        }
        self.stats.full_collections += 1;
        self.minors_since_full = 0;
        let live = self.heap_bytes();
        self.full_threshold = (live + live / 5 * 4).max(self.config.first_full_bytes);
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
            for i in 0..self.immortal.objects.len() {
                self.mark_slots(self.immortal.objects[i]);
            }
            // Slots that id() reserved for pinned objects.
            let slots: Vec<usize> = self.identities.shadows.values().copied().collect();
            for slot in slots {
                self.mark_value(slot);
            }
        }
    }

    /// Marks an old object that has not been marked; a young one or an immortal one is a root itself.
    #[inline(always)]
    pub(crate) unsafe fn mark_value(&mut self, object: usize) {
        if object & 7 != 0 {
            return;
        }
        // SAFETY: a Value that is a heap pointer is the address of an object (invariant 2).
        unsafe {
            if self.old.contains(object) {
                if self.old.mark(object) {
                    self.gray.push(object);
                }
            } else if self.large.contains(object) {
                let header = load(object);
                if header & LIVE == 0 {
                    store(object, header | LIVE);
                    self.gray.push(object);
                }
            }
        }
    }

    /// Scans marked objects until none is left.
    ///
    /// Between the stack and the scan lies a short queue, so that an object's cache line is asked for some objects before
    /// it is needed (Cher, Hosking and Vijaykumar, Software prefetching for mark-sweep garbage collection, ASPLOS 2004).
    pub(crate) unsafe fn drain_marks(&mut self) {
        const QUEUE: usize = 8;
        let mut queue = [0usize; QUEUE];
        let (mut first, mut length) = (0, 0);
        loop {
            let object = if length == 0 && self.gray.len() <= 1 {
                // A list: its objects come one by one, and a detour would only cost.
                let Some(object) = self.gray.pop() else { return };
                object
            } else {
                while length < QUEUE
                    && let Some(object) = self.gray.pop()
                {
                    prefetch(object);
                    queue[(first + length) % QUEUE] = object;
                    length += 1;
                }
                first += 1;
                length -= 1;
                queue[(first - 1) % QUEUE]
            };
            // SAFETY: what is queued is a marked object.
            unsafe {
                if self.old.contains(object) {
                    let bytes = self.shapes.size(object, load(object));
                    self.old.mark_lines(object, bytes);
                }
                self.mark_slots(object);
            }
        }
    }

    #[inline(always)]
    unsafe fn mark_slots(&mut self, object: usize) {
        // SAFETY: the caller names an object.
        unsafe {
            let descriptor = self.shapes.descriptor(load(object));
            descriptor.slots(object, |slot| self.mark_value(load(slot) as usize));
            if descriptor.weak != 0 {
                self.weak.pending.push(object);
            }
        }
    }

    /// The object itself if it is alive after marking.
    pub(crate) unsafe fn marked_fate(&self, object: usize) -> Option<usize> {
        let alive = if self.old.contains(object) {
            self.old.is_marked(object)
        } else if self.large.contains(object) {
            // SAFETY: the caller names an object.
            unsafe { load(object) & LIVE != 0 }
        } else {
            true
        };
        alive.then_some(object)
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
    }

    unsafe fn sweep(&mut self) {
        self.old.sweep();
        let objects: Vec<usize> = self.large.objects().collect();
        for object in objects {
            // SAFETY: a large object or a reserved slot: both have a header.
            unsafe {
                let header = load(object);
                if header & LIVE != 0 {
                    store(object, header & !LIVE);
                } else {
                    self.large.free(object);
                }
            }
        }
        self.large.release();
    }
}

/// Asks for the cache line of an object that will be scanned soon.
#[inline(always)]
fn prefetch(address: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch(address as *const i8, _MM_HINT_T0)
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
