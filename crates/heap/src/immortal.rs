//! Immortal space: objects that neither move nor die. They count as old, and for a full collection as marked.

use crate::LARGE_BYTES;
use crate::memory::Reservation;

pub(crate) struct ImmortalSpace {
    memory: Reservation,
    free: usize,
    /// Ascending.
    pub objects: Vec<usize>,
}

impl ImmortalSpace {
    pub fn new(bytes: usize) -> Option<ImmortalSpace> {
        let memory = Reservation::try_new(bytes)?;
        Some(ImmortalSpace { free: memory.start, memory, objects: Vec::new() })
    }

    /// Room for `bytes` bytes, zero-filled, aligned to a page if the object is large; refused where the space ends.
    pub fn alloc(&mut self, bytes: usize) -> usize {
        let align = if bytes > LARGE_BYTES { 4096 } else { 8 };
        let object = self.free.next_multiple_of(align);
        if object + bytes > self.memory.start + self.memory.bytes {
            crate::refuse();
        }
        self.free = object + bytes;
        self.objects.push(object);
        object
    }

    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.memory.start) < self.memory.bytes
    }

    pub fn used(&self) -> usize {
        self.free - self.memory.start
    }
}
