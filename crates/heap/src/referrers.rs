//! Who refers to objects that stay pinned.
//!
//! An old object that refers to a young one must be looked at in each minor collection until that has moved. A pinned
//! object does not move. One that a compiled loop keeps in a register stays pinned as long as the loop runs, and the loop
//! may make millions of objects that refer to it: if each were remembered, every collection would scan all of them. So
//! when an object is pinned the second time in a row, those that refer to it are listed here, once, and looked at when it
//! is not pinned any more (invariant 3).

use crate::header::{TRACK, load};
use crate::nursery::Span;
use crate::{Heap, Value};

/// The referrers of one object: an old or immortal object, or the slot of a large one.
struct Group {
    pinned: usize,
    entries: Vec<usize>,
    /// How many there may be before those listed twice are looked for.
    tidy_at: usize,
}

impl Group {
    fn add(&mut self, entry: usize) {
        // Most come one slot after the other.
        if self.entries.last() == Some(&entry) {
            return;
        }
        if self.entries.len() == self.tidy_at {
            self.entries.sort_unstable();
            self.entries.dedup();
            self.tidy_at = (2 * self.entries.len()).max(FIRST_TIDY);
        }
        self.entries.push(entry);
    }
}

const FIRST_TIDY: usize = 64;

/// The referrers of all objects that stay pinned.
#[derive(Default)]
pub(crate) struct Referrers {
    /// By ascending address of the pinned object.
    groups: Vec<Group>,
}

impl Referrers {
    /// At the start of a minor collection: `was` was pinned in the last, `is` is in this one. The referrers of what is not
    /// pinned any more.
    pub fn turn(&mut self, was: &[Span], is: &[Span]) -> Vec<usize> {
        let is_in = |spans: &[Span], object: usize| spans.binary_search_by_key(&object, |span| span.start).is_ok();
        let mut released = Vec::new();
        let mut groups = Vec::new();
        for group in std::mem::take(&mut self.groups) {
            if is_in(is, group.pinned) {
                groups.push(group);
            } else {
                released.extend(group.entries);
            }
        }
        let known = groups.len();
        for span in is {
            let is_known = groups[..known].binary_search_by_key(&span.start, |group| group.pinned).is_ok();
            if !is_known && is_in(was, span.start) {
                groups.push(Group { pinned: span.start, entries: Vec::new(), tidy_at: FIRST_TIDY });
            }
        }
        groups.sort_unstable_by_key(|group| group.pinned);
        self.groups = groups;
        released
    }

    /// Lists a referrer of the young object `pinned`; false if that has not been pinned long enough.
    fn add(&mut self, pinned: usize, entry: usize) -> bool {
        match self.groups.binary_search_by_key(&pinned, |group| group.pinned) {
            Ok(i) => {
                self.groups[i].add(entry);
                true
            }
            Err(_) => false,
        }
    }

    /// All pinned objects with their referrers.
    pub fn all(&self) -> impl Iterator<Item = (usize, usize)> {
        self.groups.iter().flat_map(|group| group.entries.iter().map(|&entry| (group.pinned, entry)))
    }

    /// Drops the referrers for which `lives` is false.
    pub fn retain(&mut self, mut lives: impl FnMut(usize) -> bool) {
        for group in &mut self.groups {
            group.entries.retain(|&entry| lives(entry));
        }
    }
}

impl Heap {
    /// Visits the referrers of objects that are not pinned any more.
    pub(crate) unsafe fn visit_released(&mut self, released: Vec<usize>) {
        for entry in released {
            // SAFETY: the entries are old objects and slots of such; the dead have been dropped before they were swept.
            unsafe {
                if !self.large.contains(entry) {
                    self.scan(entry);
                } else if let Some(object) = self.large.resolve(entry) {
                    let descriptor = self.shapes.descriptor(load(object));
                    descriptor.slots_between(object, entry, entry + 8, |slot| self.visit_slot_of_large(object, slot));
                }
            }
        }
    }

    /// Visits a slot of a large object that is old.
    pub(crate) unsafe fn visit_slot_of_large(&mut self, object: usize, slot: usize) {
        // SAFETY: the caller names a slot of an object.
        unsafe {
            if self.visit_slot(slot) && !self.referrers.add(load(slot) as usize, slot) {
                self.remember_card(object, slot);
            }
        }
    }

    /// An object that is not young has been scanned and refers to pinned ones: lists it or remembers it.
    #[cold]
    pub(crate) unsafe fn keep_in_sight(&mut self, object: usize) {
        // SAFETY: the caller names an object.
        unsafe {
            let header = load(object);
            let is_large = self.large.contains(object);
            let mut is_to_remember = false;
            self.shapes.descriptor(header).slots(object, |slot| {
                let value = Value(load(slot));
                if !value.is_object() || !self.nursery.contains(value.0 as usize) {
                    return;
                }
                let is_listed = self.referrers.add(value.0 as usize, if is_large { slot } else { object });
                match (is_listed, is_large) {
                    (true, _) => {}
                    (false, true) => self.remember_card(object, slot),
                    (false, false) => is_to_remember = true,
                }
            });
            if is_to_remember && header & TRACK != 0 {
                self.remember(object);
            }
        }
    }

    /// When marking has ended: drops dead referrers.
    pub(crate) unsafe fn forget_dead_referrers(&mut self) {
        let mut referrers = std::mem::take(&mut self.referrers);
        referrers.retain(|entry| {
            let object = if self.large.contains(entry) { self.large.resolve(entry) } else { Some(entry) };
            // SAFETY: the entries are objects, and slots of such, that have not been swept.
            object.is_some_and(|object| unsafe { self.marked_fate(object) }.is_some())
        });
        self.referrers = referrers;
    }
}
