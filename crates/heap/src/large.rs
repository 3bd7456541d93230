//! Large-object space: objects of more than 8 KiB, each on pages of its own. They never move.
//!
//! It shares a range of addresses with old space and grows down towards it.

use std::collections::{BTreeMap, BTreeSet};

use crate::header::{LIVE, load, store};
use crate::memory::{HUGE_BYTES, Table, advise_huge, discard};
use crate::old::OldSpace;

pub(crate) const CARD_BYTES: usize = 512;
const PAGE_BYTES: usize = 4096;
/// Of the pages that were freed, so many are kept, and a quarter of those in use: getting them from the system again would cost
/// more than filling them with zeros.
const KEPT_BYTES: usize = 32 << 20;

pub(crate) struct LargeSpace {
    /// The range that is shared with old space.
    range_start: usize,
    range_end: usize,
    /// Everything below has never been used, or belongs to old space.
    low: usize,
    /// Address to bytes, whole pages.
    objects: BTreeMap<usize, usize>,
    free: FreeRuns,
    /// For each card: whether a slot in it was written since the last minor collection.
    cards: Table<bool>,
    /// Objects that have not survived a minor collection.
    pub young: Vec<usize>,
    /// Bytes in use, free pages not counted.
    pub used: usize,
    /// After marking, objects from here on have not been swept.
    sweep_at: Option<usize>,
}

impl LargeSpace {
    /// Large-object space that grows down from `start + bytes`.
    pub fn new(start: usize, bytes: usize) -> Option<LargeSpace> {
        Some(LargeSpace {
            range_start: start,
            range_end: start + bytes,
            low: start + bytes,
            objects: BTreeMap::new(),
            free: FreeRuns::default(),
            cards: Table::try_new(bytes / CARD_BYTES)?,
            young: Vec::new(),
            used: 0,
            sweep_at: None,
        })
    }

    #[inline(always)]
    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.low) < self.range_end - self.low
    }

    /// Room for `bytes` bytes, `zeroed` or with anything in them; `None` if there is none above `old`.
    pub fn alloc(&mut self, bytes: usize, zeroed: bool, old: &mut OldSpace) -> Option<usize> {
        let bytes = pages(bytes);
        let object = match self.free.take(bytes) {
            Some(run) => {
                if run.dirty && zeroed {
                    // SAFETY: the run is unused memory of this space (invariant 1).
                    unsafe { std::ptr::write_bytes(run.start as *mut u8, 0, bytes) };
                }
                run.start
            }
            None => {
                if self.low - old.top() < bytes {
                    old.trim();
                }
                if self.low - old.top() < bytes {
                    return None;
                }
                self.low -= bytes;
                old.limit = self.low;
                if bytes >= 2 * HUGE_BYTES {
                    advise_huge(self.low, bytes);
                }
                self.low
            }
        };
        self.objects.insert(object, bytes);
        self.used += bytes;
        Some(object)
    }

    /// Whether an object of `bytes` bytes has room, with `reserve` bytes left for old space if it takes from what both share.
    pub fn has_room(&self, bytes: usize, reserve: usize, old: &mut OldSpace) -> bool {
        let bytes = pages(bytes);
        self.free.has(bytes) || self.has_addresses(bytes, reserve, old)
    }

    fn has_addresses(&self, bytes: usize, reserve: usize, old: &mut OldSpace) -> bool {
        if self.low - old.top() < bytes {
            old.trim();
        }
        self.low - old.top() >= bytes && old.free_bytes() >= bytes.saturating_add(reserve)
    }

    /// Takes `bytes` bytes, whole pages, out of what both spaces share, `reserve` being left for old space. Their address, or `None` if
    /// there is not so much.
    pub fn give_up_addresses(&mut self, bytes: usize, reserve: usize, old: &mut OldSpace) -> Option<usize> {
        let bytes = pages(bytes);
        self.has_addresses(bytes, reserve, old).then(|| {
            self.low -= bytes;
            old.limit = self.low;
            self.low
        })
    }

    /// Gets back what was given up, which reads as zero.
    pub fn take_back_addresses(&mut self, start: usize, bytes: usize, old: &mut OldSpace) {
        self.free.add(Run { start, bytes, dirty: false });
        self.leave_lowest(old);
    }

    /// Leaves the lowest addresses to old space if they are a run that reads as zero.
    fn leave_lowest(&mut self, old: &mut OldSpace) {
        while let Some(run) = self.free.clean_run_at(self.low) {
            self.low += run.bytes;
            old.limit = self.low;
        }
    }

    pub fn free(&mut self, object: usize) {
        let bytes = self.objects.remove(&object).expect("a large object is freed once");
        self.used -= bytes;
        self.cards_of(object, bytes).fill(false);
        self.free.add(Run { start: object, bytes, dirty: true });
    }

    /// After marking: what is not marked is freed by [`LargeSpace::sweep_some`].
    pub fn begin_sweep(&mut self) {
        self.sweep_at = Some(self.low);
    }

    /// Whether an object or slot that is allocated here will be swept, so that it must be born marked.
    pub fn is_unswept(&self, object: usize) -> bool {
        self.sweep_at.is_some_and(|at| object >= at)
    }

    /// Sweeps up to `count` objects; whether all are swept.
    pub fn sweep_some(&mut self, count: usize) -> bool {
        let Some(at) = self.sweep_at else { return true };
        let objects: Vec<usize> = self.objects.range(at..).map(|(&object, _)| object).take(count).collect();
        for &object in &objects {
            // SAFETY: a large object or a reserved slot: both have a header.
            unsafe {
                let header = load(object);
                if header & LIVE != 0 {
                    store(object, header & !LIVE);
                } else {
                    self.free(object);
                }
            }
        }
        self.sweep_at = (objects.len() == count).then(|| objects[count - 1] + 1);
        self.sweep_at.is_none()
    }

    /// Marking is given up: no object is marked.
    pub fn forget_marks(&mut self) {
        for &object in self.objects.keys() {
            // SAFETY: as in `sweep_some`.
            unsafe { store(object, load(object) & !LIVE) }
        }
    }

    /// Gives pages of free runs back to the system, but for some that will be wanted soon, about `bytes` at a time, and addresses
    /// to old space; whether all have been.
    pub fn release_some(&mut self, bytes: usize, old: &mut OldSpace) -> bool {
        let kept = (KEPT_BYTES + self.used / 4).min(old.free_bytes() / 4);
        let done = self.free.clean(kept, bytes);
        if done {
            self.leave_lowest(old);
        }
        done
    }

    /// The object that `address` points into.
    pub fn resolve(&self, address: usize) -> Option<usize> {
        let (&object, &bytes) = self.objects.range(..=address).next_back()?;
        (address < object + bytes).then_some(object)
    }

    pub fn is_object(&self, address: usize) -> bool {
        self.objects.contains_key(&address)
    }

    /// The first object at `address` or behind it.
    pub fn next_object(&self, address: usize) -> Option<usize> {
        self.objects.range(address..).next().map(|(&object, _)| object)
    }

    pub fn objects(&self) -> impl Iterator<Item = usize> + '_ {
        self.objects.keys().copied()
    }

    /// Marks the card of `slot`.
    pub fn mark_card(&mut self, slot: usize) {
        *self.cards.at((slot - self.range_start) / CARD_BYTES) = true;
    }

    pub fn is_card_marked(&self, slot: usize) -> bool {
        self.cards.get((slot - self.range_start) / CARD_BYTES)
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
        self.cards.slice_mut((object - self.range_start) / CARD_BYTES, bytes / CARD_BYTES)
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
            let dirty = run.dirty || before.dirty;
            run = Run { start: before.start, bytes: before.bytes + run.bytes, dirty };
        }
        if let Some(&after) = self.by_address.get(&(run.start + run.bytes)) {
            self.remove(after.start);
            run.bytes += after.bytes;
            run.dirty |= after.dirty;
        }
        self.insert(run);
    }

    /// Whether a run of so many bytes is free.
    fn has(&self, bytes: usize) -> bool {
        self.by_size.range((bytes, 0)..).next().is_some()
    }

    /// Discards dirty runs, lower ones first, until `kept` bytes of them are left or about `bytes` have been discarded; whether
    /// it was the former.
    fn clean(&mut self, kept: usize, bytes: usize) -> bool {
        let dirty = self.by_address.values().filter(|run| run.dirty);
        let mut excess = dirty.map(|run| run.bytes).sum::<usize>().saturating_sub(kept);
        let mut cleaned = 0;
        while excess != 0 {
            if cleaned >= bytes {
                return false;
            }
            let Some(&run) = self.by_address.values().find(|run| run.dirty) else { break };
            self.remove(run.start);
            let part = pages(excess).min(run.bytes);
            discard(run.start, part);
            if part != run.bytes {
                self.insert(Run { start: run.start + part, bytes: run.bytes - part, dirty: true });
            }
            self.insert(Run { start: run.start, bytes: part, dirty: false });
            excess = excess.saturating_sub(part);
            cleaned += part;
        }
        true
    }

    /// Takes the run that starts at `address`, if one does that reads as zero.
    fn clean_run_at(&mut self, address: usize) -> Option<Run> {
        self.by_address.get(&address).is_some_and(|run| !run.dirty).then(|| self.remove(address))
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
        let memory = Reservation::try_new(1 << 20).unwrap();
        let mut old = OldSpace::new(memory.start, memory.bytes, false).unwrap();
        let mut space = LargeSpace::new(memory.start, memory.bytes).unwrap();
        let mut alloc = |space: &mut LargeSpace, bytes| space.alloc(bytes, true, &mut old);
        let objects: Vec<usize> = (0..3).map(|_| alloc(&mut space, 9000).unwrap()).collect();
        // SAFETY: the object has 9000 bytes.
        unsafe { std::ptr::write_bytes(objects[1] as *mut u8, 7, 9000) };
        assert_eq!(space.resolve(objects[1] + 8999), Some(objects[1]));
        space.free(objects[0]);
        space.free(objects[1]);
        assert_eq!(space.resolve(objects[1]), None);
        let both = alloc(&mut space, 24000).unwrap();
        assert_eq!(both, objects[1]);
        assert_eq!(alloc(&mut space, 1 << 20), None);
        // SAFETY: the object has 24000 bytes.
        assert!(unsafe { std::slice::from_raw_parts(both as *const u8, 24000) }.iter().all(|&byte| byte == 0));
        space.mark_card(both + 600);
        space.mark_card(both + 1024);
        assert_eq!(space.take_cards(both), [(both + 512, both + 1536)]);
        assert_eq!(space.take_cards(both), []);
    }
}
