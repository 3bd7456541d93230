//! The minor collection: what of the nursery is reachable moves to old space.
//!
//! Roots are the ambiguous words, the precise roots, the remembered set and the finalizer queue. Objects that ambiguous
//! words point into are pinned: they stay where they are, young, and the next gaps go around them. All others that are
//! reached are copied to old space, their first word becoming the new address.

use crate::header::*;
use crate::memory::POISON;
use crate::nursery::Span;
use crate::old::BLOCK_BYTES;
use crate::roots::Pass;
use crate::shapes::SlotVisitor;
use crate::{Heap, LARGE_BYTES, Value};

/// A small nursery is tried so many times in a row.
const SMALL_NURSERIES: u32 = 32;

/// So many nurseries are small in the beginning.
pub(crate) const FIRST_NURSERIES: u32 = 16;

/// Bytes of young large objects and buffers that are always awaited, but where [`Config`](crate::Config) says fewer.
pub(crate) const LEAST_PRESSURE: usize = 4 << 20;

/// And so many for each word among the roots: making them takes some twenty times as long as looking at the roots.
const BYTES_A_ROOT: usize = 128;

/// Bytes of the first nurseries.
pub(crate) fn first_nursery(full: usize) -> usize {
    (full / 4).max(2 * BLOCK_BYTES).next_multiple_of(BLOCK_BYTES).min(full)
}

impl Heap {
    /// `sp`: the native stack is scanned from there.
    pub(crate) unsafe fn minor_collection(&mut self, sp: usize) {
        self.nursery.retire(self.free);
        let held = self.bytes_beside();
        // SAFETY: the mutator stands at a safepoint: all objects are initialised (invariant 2) and every old object that
        // refers to a young one is remembered (invariant 3).
        unsafe {
            self.find_ambiguous(sp);
            let pinned = self.pin_ambiguous();
            let released = self.referrers.turn(&self.nursery.pinned, &pinned);
            let all_young = self.young_for_census();
            self.visit_roots();
            self.visit_remembered();
            self.visit_released(released);
            self.reach_all_young(all_young);
            self.drain_minor();
            self.queue_dead_young();
            self.drain_minor();
            let weak = std::mem::take(&mut self.weak.pending);
            self.clear_dead_weak(weak, Heap::fate);
            self.free_young_buffers();
            self.settle_followed_young();
            self.free_young_large();
            self.adapt_pressure(held.saturating_sub(self.bytes_beside()));
            self.finish_minor(pinned);
        }
    }

    /// Bytes of large objects and buffers.
    fn bytes_beside(&self) -> usize {
        self.large.used + self.buffers.bytes
    }

    /// Large objects and buffers that die young, of which so many bytes were freed now, had better die before their memory has left the
    /// processor's cache. Where they survive, collecting is in vain; and each collection looks at all roots, which are many where the
    /// stack is deep.
    fn adapt_pressure(&mut self, freed: usize) {
        let most = self.config.pressure_bytes;
        if self.young_pressure > self.young_pressure_limit / 2 {
            // The last one is still referred to, as a rule, and becomes old: so there had better be several.
            let limit = match freed.saturating_mul(8) / self.young_pressure {
                ..6 => self.young_pressure_limit * 2,
                6 => self.young_pressure_limit,
                7.. => self.young_pressure_limit / 2,
            };
            let least = LEAST_PRESSURE.max(self.roots.words.saturating_mul(BYTES_A_ROOT));
            self.young_pressure_limit = limit.max(least).min(most);
        }
    }

    /// Pins the young objects that ambiguous words point into and queues them.
    unsafe fn pin_ambiguous(&mut self) -> Vec<Span> {
        // SAFETY: the gaps are parsable (invariant 5).
        unsafe {
            let young = self.roots.ambiguous.partition_point(|&word| word < self.nursery.start)
                ..self.roots.ambiguous.partition_point(|&word| word < self.nursery.start + self.nursery.bytes);
            let pinned = self.nursery.resolve(&self.shapes, &self.roots.ambiguous[young], self.free);
            for object in &pinned {
                store(object.start, load(object.start) | PINNED | LIVE);
                self.gray.push(object.start);
            }
            if !self.large.young.is_empty() {
                for i in 0..self.roots.ambiguous.len() {
                    let word = self.roots.ambiguous[i];
                    if self.large.contains(word)
                        && let Some(object) = self.large.resolve(word)
                    {
                        self.reach_large(object);
                    }
                }
            }
            pinned
        }
    }

    unsafe fn visit_roots(&mut self) {
        self.run_callbacks(Pass::Minor);
        // The finalizer queue holds old objects only: what is queued has just been promoted.
        // SAFETY: the queue holds objects.
        unsafe {
            for i in 0..self.weak.cleared.len() {
                let slot: *mut Value = &mut self.weak.cleared[i];
                self.visit_slot(slot as usize);
            }
        }
    }

    unsafe fn visit_remembered(&mut self) {
        let marking = self.is_marking();
        // SAFETY: the remembered set holds old objects (invariant 3).
        unsafe {
            for object in std::mem::take(&mut self.remembered) {
                store(object, load(object) | TRACK);
                self.scan(object);
                if marking {
                    self.mark_again(object);
                }
            }
            for object in std::mem::take(&mut self.dirty_large) {
                self.scan_cards(object);
            }
        }
    }

    /// Visits the slots in the object's dirty cards.
    unsafe fn scan_cards(&mut self, object: usize) {
        // SAFETY: `object` is a large object.
        unsafe {
            let header = load(object) & !CARDS;
            store(object, header);
            let descriptor = self.shapes.descriptor(header);
            let is_marked = self.is_marking() && header & LIVE != 0;
            for (start, end) in self.large.take_cards(object) {
                descriptor.slots_between(object, start, end, |slot| {
                    self.visit_slot_of_large(object, slot);
                    if is_marked {
                        self.mark_value(load(slot) as usize);
                    }
                });
            }
        }
    }

    /// Visits all slots of an object; an old one that still refers to a young one is kept in sight.
    #[inline(always)]
    pub(crate) unsafe fn scan(&mut self, object: usize) {
        // SAFETY: the caller names a live object that does not move any more.
        unsafe {
            let header = load(object);
            let descriptor = self.shapes.descriptor(header);
            let mut refers_to_young = false;
            descriptor.slots(object, Evacuation { heap: self, refers_to_young: &mut refers_to_young });
            if descriptor.weak != 0 {
                self.weak.pending.push(object);
            }
            if refers_to_young && !self.nursery.contains(object) {
                self.keep_in_sight(object);
            }
        }
    }

    /// Evacuates what the slot refers to and updates the slot. Whether it still refers to a young object.
    #[inline(always)]
    pub(crate) unsafe fn visit_slot(&mut self, slot: usize) -> bool {
        // SAFETY: the slot holds a Value; a heap pointer among them is the address of an object (invariant 2).
        unsafe {
            let object = load(slot) as usize;
            debug_assert!(object as u64 != POISON, "the slot at {slot:#x} has not been initialised");
            if object & 7 != 0 {
                return false;
            }
            if self.nursery.contains(object) {
                let header = load(object);
                if header & HEADER_BIT == 0 {
                    debug_assert!(
                        self.old.contains(header as usize) || self.large.contains(header as usize),
                        "the slot at {slot:#x} holds {object:#x}, a stale pointer"
                    );
                    store(slot, header);
                    return false;
                }
                if header & PINNED != 0 {
                    return true;
                }
                let moved = self.evacuate(object, header);
                store(slot, moved as u64);
            } else if self.large.contains(object) {
                self.reach_large(object);
            }
            false
        }
    }

    /// Copies a young object to old space and leaves its new address behind.
    #[inline(always)]
    pub(crate) unsafe fn evacuate(&mut self, object: usize, header: u64) -> usize {
        // SAFETY: `object` is a live object of the nursery, the copy has room for it and its hash.
        unsafe {
            let bytes = self.shapes.size(object, header);
            let mut moved_header = (header & !(SHADOW | HASHED)) | TRACK;
            let moved = if header & (SHADOW | HASHED) == 0 {
                self.tenured_room(bytes)
            } else {
                self.identified_room(object, header, bytes, &mut moved_header)
            };
            copy_words(object + 8, moved + 8, bytes - 8);
            store(moved, moved_header);
            store(object, moved as u64);
            self.promoted_bytes += bytes;
            self.born(moved);
            if self.shapes.descriptor(header).needs_scan() {
                self.gray.push(moved);
            }
            moved
        }
    }

    /// Room for a surviving object of `bytes` bytes.
    #[inline(always)]
    pub(crate) fn tenured_room(&mut self, bytes: usize) -> usize {
        if bytes <= LARGE_BYTES { self.old.alloc(bytes) } else { self.alloc_large_pages(bytes, true) }
    }

    /// A large object is reached: if it is young, it is promoted where it lies.
    pub(crate) unsafe fn reach_large(&mut self, object: usize) {
        // SAFETY: `object` is a large object.
        unsafe {
            let header = load(object);
            if header & LARGE_YOUNG != 0 {
                store(object, (header & !LARGE_YOUNG) | TRACK);
                self.born(object);
                self.gray.push(object);
            }
        }
    }

    /// Frees the large objects that have not been reached.
    unsafe fn free_young_large(&mut self) {
        for object in std::mem::take(&mut self.large.young) {
            // SAFETY: the list holds large objects.
            if unsafe { load(object) } & LARGE_YOUNG != 0 {
                self.large.free(object);
            }
        }
    }

    unsafe fn finish_minor(&mut self, pinned: Vec<Span>) {
        // SAFETY: the pinned objects are live objects of the nursery.
        unsafe {
            self.keep_pinned_identities(&pinned);
            for object in &pinned {
                store(object.start, load(object.start) & !(PINNED | LIVE));
            }
        }
        self.stats.pinned_objects += pinned.len();
        self.stats.promoted_bytes += self.promoted_bytes;
        self.stats.minor_collections += 1;
        self.minors_since_full += 1;
        let survived = self.promoted_bytes as f64 / self.nursery.target as f64;
        self.adapt_nursery();
        if let Some(bytes) = self.nursery_for_marking(survived) {
            self.nursery.target = self.nursery.target.min(bytes);
            self.small_nurseries = self.small_nurseries.max(1);
        }
        let first = self.nursery.rebuild(pinned, self.free);
        self.open_gap(first);
        self.promoted_bytes = 0;
        self.young_pressure = 0;
        self.overflow_budget = 0;
    }

    /// Where nearly everything survives, a smaller nursery costs no more, bounds the pause and is still in the cache when
    /// it is copied. Smallness itself makes more survive, so the full size is tried again from time to time.
    ///
    /// The first few are small because short programs then touch less fresh memory, which costs more than collecting does.
    fn adapt_nursery(&mut self) {
        let full = self.config.nursery_bytes;
        if self.first_nurseries != 0 {
            self.first_nurseries -= 1;
            self.nursery.target = if self.first_nurseries == 0 { full } else { first_nursery(full) };
        } else if self.nursery.target == full {
            if self.promoted_bytes > full / 4 * 3 {
                self.nursery.target = full / 4;
                self.small_nurseries = SMALL_NURSERIES;
            }
        } else {
            self.small_nurseries -= 1;
            if self.small_nurseries == 0 || self.promoted_bytes < full / 16 {
                self.nursery.target = full;
            }
        }
    }
}

/// Visits the slots of an object that does not move any more.
struct Evacuation<'a> {
    heap: &'a mut Heap,
    refers_to_young: &'a mut bool,
}

impl SlotVisitor for Evacuation<'_> {
    #[inline(always)]
    fn visit(&mut self, slot: usize) {
        // SAFETY: a slot of a live object.
        *self.refers_to_young |= unsafe { self.heap.visit_slot(slot) };
    }
}

/// Copies whole words between ranges that do not overlap.
#[inline(always)]
pub(crate) unsafe fn copy_words(from: usize, to: usize, bytes: usize) {
    // Most objects have a few words: a loop beats the call of memcpy.
    if bytes <= 128 {
        for offset in (0..bytes).step_by(8) {
            // SAFETY: both ranges have `bytes` bytes (the caller's contract).
            unsafe { store(to + offset, load(from + offset)) }
        }
    } else {
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, bytes) }
    }
}
