//! Evacuation's inner loop, for objects of a few words.
//!
//! Most survivors have no tail, no weak slot and a header without flags. Of such an object two words have to be known, its
//! size and its mask, and those of the shape met last are kept in registers: where one follows the other, in a list or a tree,
//! the processor guesses that the shape is the same and need not wait for header and descriptor before it goes on to the
//! next object. For the same reason slots are read in the original, not in the copy that has just been written, and the
//! hole being filled is in the hands of the loop. This halves the time of evacuation.
//!
//! While a full collection marks, the copies are born black: what they refer to is at hand, and is marked here.

use crate::Heap;
use crate::header::*;
use crate::minor::copy_words;
use crate::old::Fill;
use crate::shapes::Simple;

/// What of a survivor is still to be done: its slots.
struct Unscanned {
    object: usize,
    /// Where its words are read: the original, or itself.
    source: usize,
    mask: u64,
}

/// The shape met last.
struct Known {
    /// Its header as the mutator wrote it; 0 before the first.
    header: u64,
    simple: Simple,
}

impl Heap {
    /// Scans what has been reached until nothing is left.
    pub(crate) unsafe fn drain_minor(&mut self) {
        // SAFETY: this function's contract.
        unsafe {
            if self.is_marking() {
                let before = self.promoted_bytes;
                self.drain_simple::<true>();
                self.note_born_marked(self.promoted_bytes - before);
            } else {
                self.drain_simple::<false>();
            }
        }
    }

    unsafe fn drain_simple<const MARKING: bool>(&mut self) {
        let mut fill = self.old.lend();
        let mut known = Known { header: 0, simple: Simple { bytes: 0, mask: 0 } };
        while let Some(object) = self.gray.pop() {
            // SAFETY: what is queued is a live object that does not move any more; `scan` gets the hole.
            unsafe {
                if let Some(Simple { mask, .. }) = self.shapes.descriptor(load(object)).simple() {
                    let unscanned = Unscanned { object, source: object, mask };
                    self.follow::<MARKING>(unscanned, &mut fill, &mut known);
                } else {
                    self.promoted_bytes += self.old.give_back(fill);
                    self.scan(object);
                    fill = self.old.lend();
                }
            }
        }
        self.promoted_bytes += self.old.give_back(fill);
    }

    /// Scans a simple object and then, one after the other, the last of the objects that it has evacuated.
    #[inline(always)]
    unsafe fn follow<const MARKING: bool>(&mut self, first: Unscanned, fill: &mut Fill, known: &mut Known) {
        let (young, young_bytes) = (self.nursery.start, self.nursery.bytes);
        let Unscanned { mut object, mut source, mut mask } = first;
        // SAFETY: `object` is an object that does not move any more, `source` has the words it had when it was reached, and
        // the slots of the mask hold Values (invariant 2). Originals keep all words but the first until the collection ends.
        unsafe {
            loop {
                let mut next: Option<Unscanned> = None;
                let mut refers_to_young = false;
                while mask != 0 {
                    let offset = mask.trailing_zeros() as usize * 8;
                    mask &= mask - 1;
                    let child = load(source + offset) as usize;
                    if child & 7 != 0 {
                        continue;
                    }
                    if child.wrapping_sub(young) >= young_bytes {
                        if self.large.contains(child) {
                            self.reach_large(child);
                        }
                        if MARKING {
                            self.mark_value(child);
                        }
                        continue;
                    }
                    let header = load(child);
                    if header != known.header {
                        if header & HEADER_BIT == 0 {
                            store(object + offset, header);
                            continue;
                        }
                        if header & PINNED != 0 {
                            refers_to_young = true;
                            continue;
                        }
                        match self.shapes.descriptor(header).simple() {
                            Some(simple) if header >> 32 == 0 => *known = Known { header, simple },
                            _ => {
                                self.promoted_bytes += self.old.give_back(*fill);
                                let moved = self.evacuate(child, header);
                                store(object + offset, moved as u64);
                                *fill = self.old.lend();
                                continue;
                            }
                        }
                    }
                    let Simple { bytes, mask: child_mask } = known.simple;
                    if !fill.has_room(bytes) {
                        let (filled, hole) = self.old.exchange(*fill);
                        self.promoted_bytes += filled;
                        *fill = hole;
                    }
                    let moved = fill.take(bytes);
                    prefetch_for_write(moved + 512);
                    copy_words(child + 8, moved + 8, bytes - 8);
                    store(moved, header | TRACK);
                    store(child, moved as u64);
                    store(object + offset, moved as u64);
                    if MARKING {
                        // Black before it is scanned: no step of marking comes between.
                        self.old.mark(moved);
                        self.old.mark_two_lines(moved, bytes);
                    }
                    if child_mask != 0
                        && let Some(before) = next.replace(Unscanned { object: moved, source: child, mask: child_mask })
                    {
                        self.gray.push(before.object);
                    }
                }
                if refers_to_young && !self.nursery.contains(object) {
                    self.keep_in_sight(object);
                }
                match next {
                    Some(unscanned) => Unscanned { object, source, mask } = unscanned,
                    None => return,
                }
            }
        }
    }
}

#[inline(always)]
fn prefetch_for_write(address: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch(address as *const i8, _MM_HINT_ET0)
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
