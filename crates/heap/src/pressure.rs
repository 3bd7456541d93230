//! Fallible allocation, for whatever may be big: see "Memory pressure" in `docs/heap.md`.

use crate::{Heap, LARGE_BYTES, ShapeId, Tail, Value};

impl Heap {
    /// [`Heap::alloc_tail`]; `None` if there is no room for a large object.
    pub fn try_alloc_tail(&mut self, shape: ShapeId, fixed_bytes: usize, count: usize) -> Option<Value> {
        let tail_bytes = match self.layout(shape).tail {
            Tail::Bytes => count.checked_next_multiple_of(8)?,
            _ => count.checked_mul(8)?,
        };
        let bytes = tail_bytes.checked_add(fixed_bytes)?;
        if bytes > LARGE_BYTES && !self.large.has_room(bytes) {
            self.collect_full();
            if !self.large.has_room(bytes) {
                return None;
            }
        }
        Some(self.alloc_tail(shape, fixed_bytes, count))
    }

    /// [`crate::alloc_buffer`], null also if there is no room for it.
    pub fn try_alloc_buffer(&mut self, bytes: usize) -> *mut u8 {
        if self.has_room(bytes) { crate::alloc_buffer(bytes) } else { std::ptr::null_mut() }
    }

    /// Whether so much more can be had, after a collection if need be. A safepoint.
    pub fn has_room(&mut self, bytes: usize) -> bool {
        bytes <= self.large.bytes
    }
}
