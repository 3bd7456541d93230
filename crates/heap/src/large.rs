//! Large-object space: objects of more than 8 KiB, each on pages of its own. They never move.

use std::collections::{BTreeMap, BTreeSet};

use crate::memory::{Table, discard};

pub(crate) const CARD_BYTES: usize = 512;
const PAGE_BYTES: usize = 4096;

pub(crate) struct LargeSpace {
    pub start: usize,
    pub bytes: usize,
    /// Address to bytes, whole pages.
    objects: BTreeMap<usize, usize>,
    free: FreeRuns,
    /// Everything from here on has never been used.
    fresh: usize,
    /// For each card: whether a slot in it was written since the last minor collection.
    cards: Table<bool>,
    /// Objects that have not survived a minor collection.
    pub young: Vec<usize>,
    /// Bytes in use, free pages not counted.
    pub used: usize,
}

impl LargeSpace {
    pub fn new(start: usize, bytes: usize) -> LargeSpace {
        LargeSpace {
            start,
            bytes,
            objects: BTreeMap::new(),
            free: FreeRuns::default(),
            fresh: start,
            cards: Table::new(bytes / CARD_BYTES),
            young: Vec::new(),
            used: 0,
        }
    }

    #[inline(always)]
    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start) < self.bytes
    }

    /// Whether there is room for an object of `bytes` bytes.
    pub fn has_room(&self, bytes: usize) -> bool {
        if bytes > self.bytes {
            return false;
        }
        let bytes = pages(bytes);
        self.fresh + bytes <= self.start + self.bytes || self.free.by_size.range((bytes, 0)..).next().is_some()
    }

    /// Room for `bytes` bytes, zero-filled.
    pub fn alloc(&mut self, bytes: usize) -> usize {
        let bytes = pages(bytes);
        let object = match self.free.take(bytes) {
            Some(run) => {
                if run.dirty {
                    // SAFETY: the run is unused memory of this space (invariant 1).
                    unsafe { std::ptr::write_bytes(run.start as *mut u8, 0, bytes) };
                }
                run.start
            }
            None => {
                let object = self.fresh;
                assert!(
                    object + bytes <= self.start + self.bytes,
                    "the heap is full: {} bytes of large objects",
                    self.used
                );
                self.fresh += bytes;
                object
            }
        };
        self.objects.insert(object, bytes);
        self.used += bytes;
        object
    }

    pub fn free(&mut self, object: usize) {
        let bytes = self.objects.remove(&object).expect("a large object is freed once");
        self.used -= bytes;
        self.cards_of(object, bytes).fill(false);
        self.free.add(Run { start: object, bytes, dirty: true });
    }

    /// Gives the pages of free runs back to the system.
    pub fn release(&mut self) {
        self.free.clean();
    }

    /// The object that `address` points into.
    pub fn resolve(&self, address: usize) -> Option<usize> {
        let (&object, &bytes) = self.objects.range(..=address).next_back()?;
        (address < object + bytes).then_some(object)
    }

    pub fn is_object(&self, address: usize) -> bool {
        self.objects.contains_key(&address)
    }

    pub fn objects(&self) -> impl Iterator<Item = usize> + '_ {
        self.objects.keys().copied()
    }

    /// Marks the card of `slot`.
    pub fn mark_card(&mut self, slot: usize) {
        *self.cards.at((slot - self.start) / CARD_BYTES) = true;
    }

    pub fn is_card_marked(&self, slot: usize) -> bool {
        self.cards.get((slot - self.start) / CARD_BYTES)
    }

    /// Clears the marked cards of the object and lists the address ranges they stand for, neighbours joined.
    pub fn take_cards(&mut self, object: usize) -> Vec<(usize, usize)> {
        let bytes = self.objects[&object];
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for (i, card) in self.cards_of(object, bytes).iter_mut().enumerate() {
            if !*card {
                continue;
            }
            *card = false;
            let start = object + i * CARD_BYTES;
            match ranges.last_mut() {
                Some(last) if last.1 == start => last.1 += CARD_BYTES,
                _ => ranges.push((start, start + CARD_BYTES)),
            }
        }
        ranges
    }

    fn cards_of(&mut self, object: usize, bytes: usize) -> &mut [bool] {
        self.cards.slice_mut((object - self.start) / CARD_BYTES, bytes / CARD_BYTES)
    }
}

/// The bytes of whole pages that hold `bytes`.
pub(crate) fn pages(bytes: usize) -> usize {
    bytes.next_multiple_of(PAGE_BYTES)
}

/// Free pages, neighbours joined, found by size (best fit) and by address.
#[derive(Default)]
struct FreeRuns {
    by_address: BTreeMap<usize, Run>,
    /// (bytes, start)
    by_size: BTreeSet<(usize, usize)>,
}

#[derive(Clone, Copy)]
struct Run {
    start: usize,
    bytes: usize,
    /// Holds old contents; otherwise it reads as zero.
    dirty: bool,
}

impl FreeRuns {
    fn take(&mut self, bytes: usize) -> Option<Run> {
        let &(_, start) = self.by_size.range((bytes, 0)..).next()?;
        let run = self.remove(start);
        if run.bytes > bytes {
            self.insert(Run { start: start + bytes, bytes: run.bytes - bytes, ..run });
        }
        Some(Run { bytes, ..run })
    }

    fn add(&mut self, mut run: Run) {
        if let Some((_, &before)) = self.by_address.range(..run.start).next_back()
            && before.start + before.bytes == run.start
        {
            self.remove(before.start);
            run = Run { start: before.start, bytes: before.bytes + run.bytes, dirty: true };
        }
        if let Some(&after) = self.by_address.get(&(run.start + run.bytes)) {
            self.remove(after.start);
            run.bytes += after.bytes;
        }
        self.insert(run);
    }

    fn clean(&mut self) {
        for run in self.by_address.values_mut().filter(|run| run.dirty) {
            discard(run.start, run.bytes);
            run.dirty = false;
        }
    }

    fn insert(&mut self, run: Run) {
        self.by_address.insert(run.start, run);
        self.by_size.insert((run.bytes, run.start));
    }

    fn remove(&mut self, start: usize) -> Run {
        let run = self.by_address.remove(&start).expect("both indices hold the run");
        self.by_size.remove(&(run.bytes, start));
        run
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Reservation;

    #[test]
    fn freed_pages_join_and_come_back_zeroed() {
        let memory = Reservation::new(1 << 20);
        let mut space = LargeSpace::new(memory.start, memory.bytes);
        let objects: Vec<usize> = (0..3).map(|_| space.alloc(9000)).collect();
        // SAFETY: the object has 9000 bytes.
        unsafe { std::ptr::write_bytes(objects[1] as *mut u8, 7, 9000) };
        assert_eq!(space.resolve(objects[1] + 8999), Some(objects[1]));
        space.free(objects[0]);
        space.free(objects[1]);
        assert_eq!(space.resolve(objects[1]), None);
        let both = space.alloc(24000);
        assert_eq!(both, objects[0]);
        // SAFETY: the object has 24000 bytes.
        assert!(unsafe { std::slice::from_raw_parts(both as *const u8, 24000) }.iter().all(|&byte| byte == 0));
        space.mark_card(both + 600);
        space.mark_card(both + 1024);
        assert_eq!(space.take_cards(both), [(both + 512, both + 1536)]);
        assert_eq!(space.take_cards(both), []);
    }
}
