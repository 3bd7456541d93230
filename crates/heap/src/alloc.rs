//! Allocation.

use crate::header::{LARGE_YOUNG, fresh_header, shape_in, store};
use crate::{Finalize, Heap, LARGE_BYTES, ShapeId, Tail, Value};

/// Filling in so many bytes takes less time in a loop than the call of `memset` that the compiler would make of one without a fence.
const FEW_BYTES: usize = 128;

impl Heap {
    /// A new object of `bytes` bytes (a multiple of 8), with its header written.
    ///
    /// All its words must be initialised before the next safepoint, that is the next allocation or collection. An
    /// `OffHeap` object is registered by the caller ([`Heap::register_finalizer`]) or comes from [`Heap::alloc_zeroed`].
    #[inline(always)]
    pub fn alloc(&mut self, shape: ShapeId, bytes: usize) -> Value {
        debug_assert!(bytes.is_multiple_of(8) && bytes >= self.layout(shape).fixed_words as usize * 8);
        let object = self.free;
        let end = object + bytes;
        if end > self.limit {
            return self.alloc_slow(bytes, fresh_header(shape));
        }
        self.free = end;
        // SAFETY: free..limit is unused nursery memory (invariant 1).
        unsafe { store(object, fresh_header(shape)) };
        Value(object as u64)
    }

    /// The same with all words but the header zero (NULL Values). An `OffHeap` object is registered.
    pub fn alloc_zeroed(&mut self, shape: ShapeId, bytes: usize) -> Value {
        let object = self.alloc(shape, bytes);
        // SAFETY: a fresh object of `bytes` bytes; a large one is zero already.
        unsafe {
            if bytes <= FEW_BYTES {
                for word in 1..bytes / 8 {
                    *(object.0 as *mut u64).add(word) = 0;
                    std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
                }
            } else if !self.large.contains(object.0 as usize) {
                std::ptr::write_bytes((object.0 as *mut u64).add(1), 0, bytes / 8 - 1);
            }
        }
        if self.layout(shape).finalize == Finalize::OffHeap {
            self.register_finalizer(object);
        }
        object
    }

    /// A new object with a tail of `count` elements: word 1 is `count`, all other words are zero.
    pub fn alloc_tail(&mut self, shape: ShapeId, fixed_bytes: usize, count: usize) -> Value {
        debug_assert!(fixed_bytes == self.layout(shape).fixed_words as usize * 8);
        let bytes = self.bytes_with_tail(shape, fixed_bytes, count);
        let object =
            self.alloc_zeroed(shape, bytes.unwrap_or_else(|| panic!("a tail of {count} elements fits no heap")));
        // SAFETY: word 1 of a shape with a tail is its count.
        unsafe { *(object.0 as *mut u64).add(1) = count as u64 };
        object
    }

    /// The same where the caller fills in the tail of `tail_bytes` bytes (a multiple of 8) at once: only its last word is zero. Not
    /// for shapes of `OffHeap` objects.
    #[inline(always)]
    pub fn alloc_tail_unfilled(
        &mut self,
        shape: ShapeId,
        fixed_bytes: usize,
        tail_bytes: usize,
        count: usize,
    ) -> Value {
        debug_assert!(self.layout(shape).finalize != Finalize::OffHeap);
        debug_assert!(self.bytes_with_tail(shape, fixed_bytes, count) == Some(fixed_bytes + tail_bytes));
        let object = self.alloc(shape, fixed_bytes + tail_bytes);
        // SAFETY: a fresh object of so many bytes.
        unsafe { Heap::begin_tail(object, fixed_bytes, tail_bytes, count) };
        object
    }

    /// [`Heap::alloc_tail_unfilled`] of any size, or `None` if it is large and there is no room for it, even after a full collection.
    pub fn try_alloc_tail_unfilled(&mut self, shape: ShapeId, fixed_bytes: usize, count: usize) -> Option<Value> {
        let bytes = self.bytes_with_tail(shape, fixed_bytes, count)?;
        let object = if bytes > LARGE_BYTES {
            debug_assert!(self.layout(shape).finalize != Finalize::OffHeap);
            if !self.has_room(bytes) {
                return None;
            }
            self.refuse_last_reserve();
            let object = self.alloc_large(bytes, fresh_header(shape), false);
            if self.is_watched() {
                self.show(object, bytes);
            }
            object
        } else {
            self.alloc(shape, bytes)
        };
        // SAFETY: a fresh object of so many bytes.
        unsafe { Heap::begin_tail(object, fixed_bytes, bytes - fixed_bytes, count) };
        Some(object)
    }

    /// Writes all but the header and the tail, of which only the last word is written.
    ///
    /// # Safety
    /// A fresh object of a shape with a tail.
    #[inline(always)]
    unsafe fn begin_tail(object: Value, fixed_bytes: usize, tail_bytes: usize, count: usize) {
        let words = object.0 as *mut u64;
        // SAFETY: it is larger than a header; word 1 of a shape with a tail is its count.
        unsafe {
            for word in 1..fixed_bytes / 8 {
                *words.add(word) = 0;
            }
            *words.byte_add(fixed_bytes + tail_bytes - 8) = 0;
            *words.add(1) = count as u64;
        }
    }

    /// The size of an object with a tail of `count` elements, if any heap could hold it.
    pub(crate) fn bytes_with_tail(&self, shape: ShapeId, fixed_bytes: usize, count: usize) -> Option<usize> {
        if count >= 1 << 40 {
            return None;
        }
        let tail_bytes = match self.layout(shape).tail {
            Tail::None => panic!("{:?} has no tail", self.layout(shape)),
            Tail::Bytes => count.next_multiple_of(8),
            Tail::Values | Tail::Words => count * 8,
        };
        Some(fixed_bytes + tail_bytes)
    }

    /// A new object that neither moves nor dies, with all words but the header zero.
    pub fn alloc_immortal(&mut self, shape: ShapeId, bytes: usize) -> Value {
        debug_assert!(bytes.is_multiple_of(8) && bytes >= self.layout(shape).fixed_words as usize * 8);
        let object = self.immortal.alloc(bytes);
        // SAFETY: fresh memory. The stores that initialise the object need no barrier, as it is remembered.
        unsafe {
            store(object, fresh_header(shape));
            self.remember(object);
        }
        Value(object as u64)
    }

    /// [`Heap::alloc`] where the current gap has no room.
    #[cold]
    #[inline(never)]
    pub fn alloc_slow(&mut self, bytes: usize, header: u64) -> Value {
        let object = self.alloc_unwatched(bytes, header);
        if self.is_watched() {
            self.show(object, bytes);
        }
        object
    }

    #[inline]
    fn alloc_unwatched(&mut self, bytes: usize, header: u64) -> Value {
        debug_assert!(shape_in(header).0 != 0 && bytes >= 8 && bytes.is_multiple_of(8));
        self.refuse_last_reserve();
        if bytes > LARGE_BYTES {
            return self.alloc_large(bytes, header, true);
        }
        self.collect_if_requested();
        let object = self.alloc_in_gaps(bytes).unwrap_or_else(|| self.alloc_without_gap(bytes));
        // SAFETY: the object's memory is unused. One born in old space is remembered with its TRACK bit clear.
        unsafe { store(object, header) };
        Value(object as u64)
    }

    fn collect_if_requested(&mut self) {
        if self.config.stress != 0 {
            let full = (self.stats.minor_collections + 1).is_multiple_of(self.config.stress as usize);
            self.collect(full);
        } else if self.collection_requested {
            self.collection_requested = false;
            self.collect(false);
        }
    }

    /// Room in the current gap, or in a later one.
    fn alloc_in_gaps(&mut self, bytes: usize) -> Option<usize> {
        loop {
            let gap = self.nursery.gap()?;
            if self.free + bytes <= gap.end {
                let object = self.free;
                self.free += bytes;
                self.limit = if self.config.stress != 0 || self.watch.each { self.free } else { gap.end };
                return Some(object);
            }
            let next = self.nursery.next_gap(self.free);
            self.open_gap(next);
        }
    }

    /// The gaps are used up: collect. If no gap has room even then, because pinned objects lie everywhere, such objects
    /// go to old space until a nursery's worth of them has.
    #[inline(never)]
    fn alloc_without_gap(&mut self, bytes: usize) -> usize {
        if self.overflow_budget < bytes {
            self.collect(false);
            if let Some(object) = self.alloc_in_gaps(bytes) {
                return object;
            }
            self.overflow_budget = self.config.nursery_bytes;
        }
        self.overflow_budget -= bytes;
        let object = self.old.alloc(bytes);
        self.remembered.push(object);
        if self.is_marking() {
            // The next minor collection makes it gray.
            self.old.mark(object);
        }
        object
    }

    fn alloc_large(&mut self, bytes: usize, header: u64, zeroed: bool) -> Value {
        self.collect_if_requested();
        if self.young_pressure + bytes > self.pressure_limit() {
            self.collect(false);
        }
        self.young_pressure += bytes;
        self.make_room(bytes);
        let object = self.alloc_large_pages(bytes, zeroed);
        self.large.young.push(object);
        // SAFETY: the object's memory is unused.
        unsafe { store(object, header | LARGE_YOUNG) };
        Value(object as u64)
    }

    /// Pages for a large object, out of the reserve if need be.
    pub(crate) fn alloc_large_pages(&mut self, bytes: usize, zeroed: bool) -> usize {
        match self.large.alloc(bytes, zeroed, &mut self.old) {
            Some(object) => object,
            None => crate::memory::give_up(self.heap_bytes()),
        }
    }
}

/// [`Heap::alloc_slow`] for compiled code.
///
/// # Safety
/// `heap` is the calling thread's.
pub unsafe extern "C" fn heap_alloc_slow(heap: *mut Heap, bytes: u64, header: u64) -> u64 {
    // SAFETY: this function's contract.
    unsafe { (*heap).alloc_slow(bytes as usize, header).0 }
}

/// Allocates a buffer off the heap, aligned to 64 bytes and zero-filled; `free` frees it, or an `OffHeap` object does.
/// Null if there is no memory. The caller reports it with [`Heap::add_pressure`].
pub fn alloc_buffer(bytes: usize) -> *mut u8 {
    let mut buffer = std::ptr::null_mut();
    // SAFETY: the alignment is a power of two and a multiple of the word size.
    unsafe {
        if libc::posix_memalign(&mut buffer, 64, bytes.max(1)) != 0 {
            return std::ptr::null_mut();
        }
        std::ptr::write_bytes(buffer as *mut u8, 0, bytes);
    }
    buffer as *mut u8
}
