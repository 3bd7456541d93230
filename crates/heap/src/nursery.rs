//! The nursery: where objects are born.
//!
//! One range of addresses, so that "young" is a subtraction and a compare. Allocation bumps a pointer through *gaps*,
//! the free runs between objects that stayed in place (were pinned) in the last minor collection; a gap never crosses a
//! block border. A gap that has been filled is a sequence of objects and fillers, so a walk from its start finds the
//! object that an address points into.
//!
//! Four times the nursery's size is reserved: where pinned objects eat into it, gaps of later blocks make up for them.

use crate::header::{filler, is_filler, load, store};
use crate::memory;
use crate::old::BLOCK_BYTES;
use crate::shapes::ShapeTable;

/// Shorter runs between pinned objects are left alone.
const MIN_GAP_BYTES: usize = 64;
/// A gap of at least this size counts as free space; objects that fit only smaller ones are rare.
const USEFUL_GAP_BYTES: usize = 1024;

pub(crate) struct Nursery {
    pub start: usize,
    /// Bytes of address space, a multiple of a block.
    pub bytes: usize,
    /// Allocation between two minor collections.
    pub target: usize,
    /// Ascending. Those before `current` are filled, those after it unused.
    gaps: Vec<Span>,
    current: usize,
    /// Objects that were pinned in the last minor collection; ascending.
    pub pinned: Vec<Span>,
    /// In stress mode allocation goes round through the nursery, so that poisoned memory stays so for long.
    rotate: bool,
    poison: bool,
}

/// Addresses `start..end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    fn bytes(self) -> usize {
        self.end - self.start
    }

    pub fn contains(self, address: usize) -> bool {
        (self.start..self.end).contains(&address)
    }
}

impl Nursery {
    pub fn new(start: usize, bytes: usize, target: usize, rotate: bool, poison: bool) -> Nursery {
        Nursery { start, bytes, target, gaps: Vec::new(), current: 0, pinned: Vec::new(), rotate, poison }
    }

    #[inline(always)]
    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start) < self.bytes
    }

    /// The gap being filled.
    pub fn gap(&self) -> Option<Span> {
        self.gaps.get(self.current).copied()
    }

    /// Fills the rest of the current gap, from `free`, and goes on to the next.
    pub fn next_gap(&mut self, free: usize) -> Option<Span> {
        self.retire(free);
        self.current = (self.current + 1).min(self.gaps.len());
        self.gap()
    }

    /// Makes the rest of the current gap parsable. `free` is its first unused byte.
    pub fn retire(&mut self, free: usize) {
        if let Some(gap) = self.gap()
            && free < gap.end
        {
            // SAFETY: free..end is unused nursery memory (invariant 1).
            unsafe { store(free, filler((gap.end - free) / 8)) };
        }
    }

    /// After a minor collection: gaps between `pinned`, ascending. Returns the first.
    ///
    /// `free` is the first unused byte of the last gap in use.
    pub fn rebuild(&mut self, pinned: Vec<Span>, free: usize) -> Option<Span> {
        if self.poison {
            self.poison_dead(&pinned, free);
        }
        self.pinned = pinned;
        self.build_gaps(if self.rotate { free.max(self.start) } else { self.start });
        if self.rotate && self.usable() < self.target / 4 {
            self.build_gaps(self.start);
        }
        self.current = 0;
        self.gap()
    }

    fn build_gaps(&mut self, first: usize) {
        self.gaps.clear();
        let end = self.start + self.bytes;
        let wanted = self.target - self.target / 16;
        let mut usable = 0;
        let mut at = first;
        let mut pins = self.pinned[self.pinned.partition_point(|pin| pin.start < first)..].iter().peekable();
        while at < end && usable < wanted {
            let block_end = (at & !(BLOCK_BYTES - 1)) + BLOCK_BYTES;
            let gap_end = pins.peek().map_or(block_end, |pin| pin.start.min(block_end));
            let gap = Span { start: at, end: gap_end };
            if gap.bytes() >= MIN_GAP_BYTES {
                self.gaps.push(gap);
                usable += if gap.bytes() >= USEFUL_GAP_BYTES { gap.bytes() } else { 0 };
            }
            at = gap_end;
            if let Some(pin) = pins.next_if(|pin| pin.start == at) {
                at = pin.end;
            }
        }
    }

    fn usable(&self) -> usize {
        self.gaps.iter().map(|gap| gap.bytes()).sum()
    }

    /// Poisons what was used before this collection and is not pinned now.
    fn poison_dead(&self, pinned: &[Span], free: usize) {
        let filled = self.gaps[..self.current].iter().copied();
        let last = self.gap().map(|gap| Span { start: gap.start, end: gap.end.min(free + 8) });
        for used in filled.chain(last).chain(self.pinned.iter().copied()) {
            let mut at = used.start;
            for pin in &pinned[pinned.partition_point(|pin| pin.end <= used.start)..] {
                if pin.start >= used.end {
                    break;
                }
                memory::poison(at, pin.start);
                at = pin.end;
            }
            memory::poison(at.min(used.end), used.end);
        }
    }

    /// The objects that the `addresses` (ascending) point into, ascending, each once. `free` is the first unused byte of
    /// the current gap.
    pub unsafe fn resolve(&self, shapes: &ShapeTable, addresses: &[usize], free: usize) -> Vec<Span> {
        let mut found: Vec<Span> = Vec::new();
        let mut pins = self.pinned.iter().peekable();
        let mut gaps = self.gaps.iter().enumerate().take(self.current + 1).peekable();
        // The walk of a gap goes on where the last address left it.
        let mut at = 0;
        for &address in addresses {
            if found.last().is_some_and(|object| object.contains(address)) {
                continue;
            }
            while pins.next_if(|pin| pin.end <= address).is_some() {}
            if let Some(pin) = pins.peek()
                && pin.contains(address)
            {
                found.push(**pin);
                continue;
            }
            while gaps.next_if(|(_, gap)| gap.end <= address).is_some() {}
            let Some(&(index, gap)) = gaps.peek() else { continue };
            let end = if index == self.current { free } else { gap.end };
            if address < gap.start || address >= end {
                continue;
            }
            if !gap.contains(at) {
                at = gap.start;
            }
            // SAFETY: a gap is parsable up to `end` (invariant 5).
            let (object, header) = unsafe {
                loop {
                    let header = load(at);
                    let next = at + shapes.size(at, header);
                    if address < next {
                        break (Span { start: at, end: next }, header);
                    }
                    at = next;
                }
            };
            if !is_filler(header) {
                found.push(object);
            }
        }
        found
    }

    /// Bytes of the gaps that have been filled. `free` is the first unused byte of the current gap.
    pub fn used(&self, free: usize) -> usize {
        let filled: usize = self.gaps[..self.current.min(self.gaps.len())].iter().map(|gap| gap.bytes()).sum();
        filled + self.gap().map_or(0, |gap| free.saturating_sub(gap.start))
    }

    /// Every object in the nursery. `free` is the first unused byte of the current gap.
    pub unsafe fn for_each_object(&self, shapes: &ShapeTable, free: usize, mut visit: impl FnMut(usize)) {
        for pin in &self.pinned {
            visit(pin.start);
        }
        for (index, gap) in self.gaps.iter().enumerate().take(self.current + 1) {
            let end = if index == self.current { free } else { gap.end };
            let mut at = gap.start;
            while at < end {
                // SAFETY: a gap is parsable up to `end` (invariant 5).
                let header = unsafe { load(at) };
                if !is_filler(header) {
                    visit(at);
                }
                // SAFETY: as above.
                at += unsafe { shapes.size(at, header) };
            }
        }
    }
}
