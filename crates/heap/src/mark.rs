//! Marking: the tricolor walk over old space and large objects, in as many steps as one likes.
//!
//! *White*: not marked. *Gray*: marked and on the mark stack. *Black*: marked and scanned. A marked object that the mutator
//! stores into is in the remembered set (invariant 3) and gray again when the next minor collection has scanned it, and
//! survivors are born gray, or black if what they refer to is marked in the same collection. So directly after a minor collection a black object refers to no white one (invariant 9).
//!
//! An array of many Values is scanned in pieces: its entry on the stack is then two words, the object and the next slot
//! with bit 0 set.

use crate::Heap;
use crate::header::*;
use crate::shapes::{ShapeTable, Simple, SlotVisitor};

/// Bytes of a large object that are scanned at a time.
const PIECE_BYTES: usize = 8 << 10;
/// What an object costs beside its bytes, in units of marking. A unit is about the time for a byte of slots.
const OBJECT_COST: usize = 64;
/// What a list's object leads to was mostly promoted right after it: so far ahead its memory is asked for.
const LIST_AHEAD_BYTES: usize = 320;

#[derive(Default)]
pub(crate) struct MarkStack {
    entries: Vec<usize>,
    /// Entries were dropped for want of memory: some marked objects are neither scanned nor on the stack.
    overflowed: bool,
    /// No more than so many entries; 0: any number.
    limit: usize,
    /// Immortal objects before this one are black, the others gray.
    pub immortal_at: usize,
}

impl MarkStack {
    /// A stack of at most `limit` entries; 0: of any number.
    pub fn new(limit: usize) -> MarkStack {
        MarkStack { limit, ..MarkStack::default() }
    }

    #[inline(always)]
    pub fn push(&mut self, object: usize) {
        if self.entries.len() == self.entries.capacity() && !self.grow() {
            return;
        }
        self.entries.push(object);
    }

    /// Makes room, or notes that there is none.
    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> bool {
        let length = self.entries.len();
        let wanted =
            if self.limit == 0 { length.max(1024) } else { length.max(4).min(self.limit.saturating_sub(length)) };
        let grown = wanted != 0 && self.entries.try_reserve_exact(wanted).is_ok();
        self.overflowed |= !grown;
        grown
    }

    fn push_piece(&mut self, object: usize, slot: usize) {
        if self.entries.capacity() - self.entries.len() < 2 && !self.grow() {
            return;
        }
        if self.entries.capacity() - self.entries.len() < 2 {
            self.overflowed = true;
            return;
        }
        self.entries.push(object);
        self.entries.push(slot | 1);
    }

    pub fn clear(&mut self) {
        self.entries.clear();
        self.overflowed = false;
        self.immortal_at = 0;
    }

    /// Words on the stack.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// What is gray, for the heap check: objects, those among them that are scanned in part included.
    pub fn objects(&self) -> impl Iterator<Item = usize> + '_ {
        self.entries.iter().copied().filter(|entry| entry & 1 == 0)
    }

    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }
}

impl Heap {
    /// Marks an old object that has not been marked; a young one is a root itself, an immortal one gray from the start.
    #[inline(always)]
    pub(crate) unsafe fn mark_value(&mut self, object: usize) {
        if object & 7 != 0 {
            return;
        }
        // SAFETY: a Value that is a heap pointer is the address of an object (invariant 2).
        unsafe {
            if self.old.contains(object) {
                if self.old.mark(object) {
                    self.marking.push(object);
                }
            } else if self.large.contains(object) {
                let header = load(object);
                if header & LIVE == 0 {
                    store(object, header | LIVE);
                    self.marking.push(object);
                }
            }
        }
    }

    /// Makes a black object gray that was stored into, once the minor collection has scanned it.
    pub(crate) unsafe fn mark_again(&mut self, object: usize) {
        // SAFETY: the remembered set holds objects outside the nursery.
        if unsafe { self.marked_fate(object) }.is_some() {
            self.marking.push(object);
        }
    }

    /// An object that has just got its place outside the nursery, header and all: while marking is under way it is gray, and
    /// where the sweep has not been it is marked.
    #[inline(always)]
    pub(crate) unsafe fn born(&mut self, object: usize) {
        if self.is_cycle_under_way() {
            // SAFETY: the caller names an object, or a reserved slot with a filler's header.
            unsafe { self.born_in_cycle(object) }
        }
    }

    #[inline(never)]
    unsafe fn born_in_cycle(&mut self, object: usize) {
        // SAFETY: as for `born`.
        unsafe {
            if self.old.contains(object) {
                if self.is_marking() {
                    self.old.mark(object);
                    let header = load(object);
                    let descriptor = self.shapes.descriptor(header);
                    if descriptor.needs_scan() {
                        self.marking.push(object);
                    } else {
                        self.old.mark_lines(object, descriptor.size(object, header));
                    }
                }
            } else if self.large.contains(object) {
                if self.is_marking() {
                    store(object, load(object) | LIVE);
                    self.marking.push(object);
                } else if self.large.is_unswept(object) {
                    store(object, load(object) | LIVE);
                }
            }
        }
    }

    /// Scans gray objects until none is left (then true) or `budget` units are used up. What is left of the budget stays
    /// in it.
    pub(crate) unsafe fn drain_marks(&mut self, budget: &mut usize) -> bool {
        let given = *budget;
        // SAFETY: what is gray is a marked object.
        let done = unsafe { self.drain_within(budget) };
        self.cycle.spend(given - *budget);
        done
    }

    /// Between the stack and the scan lies a short queue, so that an object's cache line is asked for some objects before
    /// it is needed (Cher, Hosking and Vijaykumar, Software prefetching for mark-sweep garbage collection, ASPLOS 2004).
    unsafe fn drain_within(&mut self, budget: &mut usize) -> bool {
        const QUEUE: usize = 8;
        let mut queue = [0usize; QUEUE];
        let (mut first, mut length) = (0, 0);
        let mut known = Known { shape: 0, simple: Simple { bytes: 0, mask: 0 } };
        // SAFETY: what is queued is a marked object.
        unsafe {
            while *budget != 0 {
                if length == 0 && self.marking.entries.len() <= 1 {
                    // A list: its objects come one by one, and a detour would only cost.
                    match self.marking.entries.pop() {
                        Some(object) => self.mark_list(object, budget, &mut known),
                        None if self.scan_immortal(budget) => {}
                        None if self.marking.overflowed => self.scan_all_marked(),
                        None => return true,
                    }
                    continue;
                }
                while length < QUEUE
                    && let Some(object) = self.marking.entries.pop()
                {
                    if object & 1 != 0 {
                        let array = self.marking.entries.pop().expect("a piece has two words");
                        let cost = self.mark_piece(array, object & !1);
                        *budget = budget.saturating_sub(cost);
                        continue;
                    }
                    prefetch(object);
                    queue[(first + length) % QUEUE] = object;
                    length += 1;
                }
                if length == 0 {
                    continue;
                }
                let object = queue[first % QUEUE];
                first += 1;
                length -= 1;
                let cost = if known.is_of(object, &self.shapes) && self.old.contains(object) {
                    let (next, cost) = self.mark_simple(object, known.simple);
                    if next != 0 {
                        self.marking.push(next);
                    }
                    cost
                } else {
                    self.mark_scan(object)
                };
                *budget = budget.saturating_sub(cost);
            }
        }
        for i in 0..length {
            self.marking.push(queue[(first + i) % QUEUE]);
        }
        false
    }

    /// Scans a gray object and then, while nothing else is gray, the one that it leads to.
    #[inline(always)]
    unsafe fn mark_list(&mut self, mut object: usize, budget: &mut usize, known: &mut Known) {
        let mut spent = 0;
        // SAFETY: the caller names a marked object, and what is gone on with has just been marked.
        unsafe {
            loop {
                prefetch(object + LIST_AHEAD_BYTES);
                if !known.is_of(object, &self.shapes) || !self.old.contains(object) {
                    spent += self.mark_scan(object);
                    break;
                }
                let (next, cost) = self.mark_simple(object, known.simple);
                spent += cost;
                if next == 0 {
                    break;
                }
                if spent >= *budget || !self.marking.entries.is_empty() {
                    self.marking.push(next);
                    break;
                }
                object = next;
            }
        }
        *budget = budget.saturating_sub(spent);
    }

    /// Scans a gray simple object of old space and marks its lines. The last object in old space that was white, which is
    /// marked and not on the stack, or 0; and the cost.
    #[inline(always)]
    unsafe fn mark_simple(&mut self, object: usize, simple: Simple) -> (usize, usize) {
        // SAFETY: the caller names a marked object, whose slots hold Values (invariant 2).
        unsafe {
            let bytes = simple.bytes + ((load(object) & HASH_MOVED) >> 40) as usize;
            self.old.mark_two_lines(object, bytes);
            let mut next = 0;
            let mut mask = simple.mask;
            while mask != 0 {
                let child = load(object + mask.trailing_zeros() as usize * 8) as usize;
                mask &= mask - 1;
                if child & 7 != 0 {
                    continue;
                }
                if self.old.contains(child) {
                    if self.old.mark(child) {
                        let before = std::mem::replace(&mut next, child);
                        if before != 0 {
                            self.marking.push(before);
                        }
                    }
                } else {
                    self.mark_value(child);
                }
            }
            (next, OBJECT_COST + if simple.mask != 0 { bytes } else { 0 })
        }
    }

    /// Scans the next gray immortal object; whether there was one.
    unsafe fn scan_immortal(&mut self, budget: &mut usize) -> bool {
        let Some(&object) = self.immortal.objects.get(self.marking.immortal_at) else { return false };
        self.marking.immortal_at += 1;
        // SAFETY: the list holds objects.
        *budget = budget.saturating_sub(unsafe { self.mark_scan(object) });
        true
    }

    /// Scans a gray object and marks its lines. What that cost.
    #[inline(always)]
    unsafe fn mark_scan(&mut self, object: usize) -> usize {
        // SAFETY: the caller names a marked object.
        unsafe {
            let header = load(object);
            let descriptor = self.shapes.descriptor(header);
            let bytes = descriptor.size(object, header);
            if self.old.contains(object) {
                self.old.mark_lines(object, bytes);
            } else if bytes > PIECE_BYTES {
                if descriptor.weak != 0 {
                    self.weak.marked.push(object);
                }
                return if descriptor.needs_scan() { self.mark_piece(object, object) } else { OBJECT_COST };
            }
            descriptor.slots(object, Marking { heap: self });
            if descriptor.weak != 0 {
                self.weak.marked.push(object);
            }
            OBJECT_COST + if descriptor.needs_scan() { bytes } else { 0 }
        }
    }

    /// Scans the slots of a large object from `at` on, and leaves what does not belong to the first piece on the stack.
    unsafe fn mark_piece(&mut self, object: usize, at: usize) -> usize {
        // SAFETY: the caller names a marked object, and an address in it.
        unsafe {
            let header = load(object);
            let descriptor = self.shapes.descriptor(header);
            let end = object + descriptor.size(object, header);
            if end - at > PIECE_BYTES {
                // Below what the piece leads to, so that the stack stays short.
                self.marking.push_piece(object, at + PIECE_BYTES);
            }
            let piece_end = end.min(at + PIECE_BYTES);
            descriptor.slots_between(object, at, piece_end, Marking { heap: self });
            OBJECT_COST + piece_end - at
        }
    }

    /// Marks what an object outside the spaces that are marked refers to: a pinned one in the nursery.
    pub(crate) unsafe fn mark_slots(&mut self, object: usize) {
        // SAFETY: the caller names an object.
        unsafe {
            let descriptor = self.shapes.descriptor(load(object));
            descriptor.slots(object, |slot| self.mark_value(load(slot) as usize));
        }
    }

    /// Where the stack has overflowed, any marked object may be gray. Not in steps.
    #[cold]
    unsafe fn scan_all_marked(&mut self) {
        self.marking.overflowed = false;
        self.marking.immortal_at = 0;
        let mut budget = usize::MAX;
        let (mut at, mut end) = (self.old.start, self.old.top());
        // SAFETY: marked objects are objects.
        unsafe {
            while let Some(object) = self.old.next_marked(at, end) {
                at = object + 8;
                self.mark_scan(object);
                self.drain_stack(&mut budget);
                end = self.old.top();
            }
            let mut at = 0;
            while let Some(object) = self.large.next_object(at) {
                at = object + 1;
                if load(object) & LIVE != 0 {
                    self.mark_scan(object);
                    self.drain_stack(&mut budget);
                }
            }
        }
    }

    /// Scans what is on the stack, for [`Heap::scan_all_marked`].
    unsafe fn drain_stack(&mut self, budget: &mut usize) {
        while let Some(entry) = self.marking.entries.pop() {
            // SAFETY: what is on the stack is a marked object, or a piece of one.
            unsafe {
                let cost = if entry & 1 != 0 {
                    let array = self.marking.entries.pop().expect("a piece has two words");
                    self.mark_piece(array, entry & !1)
                } else {
                    self.mark_scan(entry)
                };
                *budget = budget.saturating_sub(cost);
            }
        }
    }

    /// A large object that marking has not reached and sweeping not freed yet.
    pub(crate) fn is_unswept_dead(&self, object: usize) -> bool {
        let is_unswept = self.large.contains(object) && self.large.is_unswept(object);
        // SAFETY: the callers name objects and reserved slots.
        is_unswept && unsafe { load(object) } & (LIVE | LARGE_YOUNG) == 0
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
}

/// The shape met last, so that the processor may guess that the next object is of the same and need not wait for its header.
struct Known {
    /// The lower half of its header; 0 before the first.
    shape: u32,
    simple: Simple,
}

impl Known {
    /// Whether the object is simple; its shape is known then.
    #[inline(always)]
    unsafe fn is_of(&mut self, object: usize, shapes: &ShapeTable) -> bool {
        // SAFETY: the caller names an object.
        let header = unsafe { load(object) };
        if header as u32 != self.shape {
            match shapes.descriptor(header).simple() {
                Some(simple) => *self = Known { shape: header as u32, simple },
                None => return false,
            }
        }
        true
    }
}

/// Visits the slots of a gray object.
struct Marking<'a> {
    heap: &'a mut Heap,
}

impl SlotVisitor for Marking<'_> {
    #[inline(always)]
    fn visit(&mut self, slot: usize) {
        // SAFETY: a slot of a live object.
        unsafe { self.heap.mark_value(load(slot) as usize) }
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
