//! Filling a hole from a loop that keeps it in registers.

use super::OldSpace;

/// A hole that is being filled, in the hands of a loop that keeps it in registers.
#[derive(Clone, Copy)]
pub(crate) struct Fill {
    cursor: usize,
    end: usize,
    begin: usize,
    space: usize,
    starts: *mut u64,
}

impl Fill {
    #[inline(always)]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.cursor + bytes <= self.end
    }

    /// Room for an object, whose start bit is set. The caller has asked whether there is any.
    #[inline(always)]
    pub fn take(&mut self, bytes: usize) -> usize {
        let object = self.cursor;
        self.cursor += bytes;
        let word = (object - self.space) >> 3;
        // SAFETY: the table covers the whole space (invariant 6).
        unsafe { *self.starts.add(word >> 6) |= 1 << (word & 63) };
        object
    }
}

impl OldSpace {
    /// Takes the hole that is being filled out of old space's hands. Nothing else may be allocated until it is back.
    #[inline(always)]
    pub fn lend(&mut self) -> Fill {
        let starts = self.starts.at(0) as *mut u64;
        Fill { cursor: self.cursor, end: self.end, begin: self.cursor, space: self.start, starts }
    }

    /// Takes the hole back. How many bytes of it have been filled.
    #[inline(always)]
    pub fn give_back(&mut self, fill: Fill) -> usize {
        let bytes = fill.cursor - fill.begin;
        self.cursor = fill.cursor;
        self.allocated += bytes;
        bytes
    }

    /// The same, and lends another hole, in which every small object has room.
    #[cold]
    #[inline(never)]
    pub fn exchange(&mut self, fill: Fill) -> (usize, Fill) {
        let bytes = self.give_back(fill);
        self.open_hole();
        (bytes, self.lend())
    }
}
