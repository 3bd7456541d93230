//! Immortal space: objects that neither move nor die. They count as old, and each is a root of a full collection.

use crate::LARGE_BYTES;
use crate::memory::Reservation;

const SPACE_BYTES: usize = 4 << 30;

pub(crate) struct ImmortalSpace {
    memory: Reservation,
    free: usize,
    /// Ascending.
    pub objects: Vec<usize>,
}

impl ImmortalSpace {
    pub fn new() -> ImmortalSpace {
        let memory = Reservation::new(SPACE_BYTES);
        ImmortalSpace { free: memory.start, memory, objects: Vec::new() }
    }

    /// Room for `bytes` bytes, zero-filled, aligned to a page if the object is large.
    pub fn alloc(&mut self, bytes: usize) -> usize {
        let align = if bytes > LARGE_BYTES { 4096 } else { 8 };
        let object = self.free.next_multiple_of(align);
        assert!(object + bytes <= self.memory.start + SPACE_BYTES, "immortal space is full");
        self.free = object + bytes;
        self.objects.push(object);
        object
    }

    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.memory.start) < SPACE_BYTES
    }

    pub fn used(&self) -> usize {
        self.free - self.memory.start
    }
}
