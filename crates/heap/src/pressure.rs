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
        if bytes > LARGE_BYTES {
            if bytes > physical_bytes() {
                return None;
            }
            if !self.large.has_room(bytes) {
                self.collect_full();
                if !self.large.has_room(bytes) {
                    return None;
                }
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
        bytes <= self.large.bytes && bytes <= physical_bytes()
    }
}

/// The machine's memory. Linux would let an object that is larger be made, and end the process when it is filled.
fn physical_bytes() -> usize {
    // SAFETY: sysconf only reads.
    let (pages, page_bytes) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    match (usize::try_from(pages), usize::try_from(page_bytes)) {
        (Ok(pages), Ok(page_bytes)) if pages > 0 => pages.saturating_mul(page_bytes),
        _ => usize::MAX,
    }
}
