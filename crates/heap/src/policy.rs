//! When the heap collects by itself, and how old objects are: what a guest's `gc` module asks and sets.

use crate::header::{LARGE_YOUNG, is_filler, load};
use crate::old::{BLOCK_BYTES, RECENT_BLOCKS};
use crate::{Heap, Value};

/// When collections come by themselves. [`crate::Config`] has what a program cannot change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Bytes of allocation between two minor collections.
    pub nursery_bytes: usize,
    /// Whether full collections come by themselves.
    pub full: bool,
    /// So many minor collections lie at least between two full ones.
    pub minors_between_full: usize,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { nursery_bytes: 0, full: true, minors_between_full: 0 }
    }
}

/// Old space may refill to so many bytes before it is collected, if it has been that large lately.
const REFILL_MAX: usize = RECENT_BLOCKS * BLOCK_BYTES;

/// When a full collection is due.
///
/// The heap may grow by half, less what a small heap may grow by. But where much has died, the pages stay with the process
/// for some collections, so a program that builds its data anew may fill them first: a collection before that would mark
/// what is alive in order to save pages that nobody else gets.
pub(crate) struct Due {
    /// Bytes in the heap beyond which it is due, unless old space refills.
    heap_bytes: usize,
    /// Up to so many bytes in old space, not before large objects and buffers pass `others`.
    refill_bytes: usize,
    others: usize,
}

impl Due {
    /// Before the first collection.
    pub fn first(bytes: usize) -> Due {
        Due { heap_bytes: bytes, refill_bytes: 0, others: 0 }
    }

    /// A full collection begins, old space having `old_bytes`: it may become as large again next time. It will, whether the
    /// program needs it or not, so the size falls by an eighth until a collection shows that much is alive.
    pub fn note_size(&mut self, old_bytes: usize) {
        let eighth = self.refill_bytes / 8;
        let has_grown = old_bytes > self.refill_bytes + eighth / 2;
        self.refill_bytes = if has_grown { old_bytes.min(REFILL_MAX) } else { self.refill_bytes - eighth };
    }

    /// The program wants back what memory there is.
    pub fn forget_size(&mut self) {
        self.refill_bytes = 0;
    }

    /// A full collection has ended and left so much. `least`: what the first collection waits for; three quarters of it a small
    /// heap may grow by.
    pub fn restart(&mut self, heap_bytes: usize, old_bytes: usize, least: usize) {
        let growth = (heap_bytes / 2).saturating_sub(least).max(least / 4 * 3);
        self.heap_bytes = heap_bytes + growth;
        self.others = heap_bytes - old_bytes + growth;
    }

    fn is_due(&self, heap_bytes: usize, old_bytes: usize) -> bool {
        heap_bytes > self.heap_bytes && (old_bytes > self.refill_bytes || heap_bytes - old_bytes > self.others)
    }
}

/// How old an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Generation {
    /// In the nursery, or a large object that has seen no collection.
    Young,
    /// It has survived a minor collection, but no full one.
    Recent,
    /// It has survived a full collection.
    Old,
}

impl Heap {
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Sets when the heap collects. A nursery is at least 64 KiB and at most the address space reserved for it, in blocks of 32 KiB;
    /// where its size changes, this is a minor collection.
    pub fn set_policy(&mut self, policy: Policy) {
        let bytes = policy.nursery_bytes.clamp(2 * BLOCK_BYTES, self.nursery.bytes).next_multiple_of(BLOCK_BYTES);
        let changes = bytes != self.policy.nursery_bytes;
        self.policy = Policy { nursery_bytes: bytes, ..policy };
        if changes {
            self.config.nursery_bytes = bytes;
            self.nursery.target = bytes;
            self.first_nurseries = 0;
            self.collect_young();
        }
    }

    /// Minor collections since the last full one.
    pub fn minors_since_full(&self) -> usize {
        self.minors_since_full
    }

    /// Bytes allocated in the nursery since the last minor collection.
    pub fn young_bytes(&self) -> usize {
        self.nursery.used(self.free)
    }

    pub(crate) fn wants_full_collection(&self) -> bool {
        self.policy.full
            && self.minors_since_full > self.policy.minors_between_full
            && self.due.is_due(self.heap_bytes(), self.old.used())
    }

    /// Calls `f` with the objects of one generation, those included that died since a collection last looked: what they refer
    /// to is still there, so that `f` may hand them on. `f` must not allocate.
    pub fn for_each_of_generation(&mut self, generation: Generation, mut f: impl FnMut(Value)) {
        self.nursery.retire(self.free);
        let large = |object: &usize| {
            // SAFETY: a large object, or a slot reserved for one: both have a header.
            let header = unsafe { load(*object) };
            if header & LARGE_YOUNG != 0 { Generation::Young } else { Generation::Old }
        };
        let mut visit = |object: usize| {
            // SAFETY: an object or a reserved slot starts there (invariant 6).
            if !is_filler(unsafe { load(object) }) {
                f(Value(object as u64))
            }
        };
        match generation {
            // SAFETY: the gaps are parsable (invariant 5).
            Generation::Young => unsafe { self.nursery.for_each_object(&self.shapes, self.free, &mut visit) },
            _ => self.old.for_each_start(|object| {
                if self.old.is_marked(object) == (generation == Generation::Old) {
                    visit(object)
                }
            }),
        }
        if generation == Generation::Old {
            self.immortal.objects.iter().copied().for_each(&mut visit);
        }
        let exists = |object: &usize| !self.is_unswept_dead(*object);
        self.large.objects().filter(exists).filter(|object| large(object) == generation).for_each(&mut visit);
    }
}
