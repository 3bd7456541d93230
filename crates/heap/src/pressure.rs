//! Memory pressure: the heap's limit, and what happens where it is reached.
//!
//! What may be big is allocated in a *fallible* way: it fails at once where neither the limit nor the range has room, even
//! after a full collection. Everything else succeeds, out of a reserve beyond the limit, and leaves the heap *exhausted*:
//! the interpreter raises MemoryError at its next safepoint.

use crate::{Heap, LARGE_BYTES, ShapeId, Value};
use std::sync::OnceLock;

/// The address space that the C library may take for itself where it gets a buffer.
const LENT_BESIDE: usize = 1 << 20;

/// The limit of a heap, and whether it has been passed.
pub(crate) struct Pressure {
    /// Bytes of old space, large objects and buffers; 0: any number.
    max_bytes: usize,
    /// Bytes of the range that old space and large objects share which only infallible allocation may use.
    reserve: usize,
    /// Bytes beyond `max_bytes` that Rust code may allocate which nobody can stop but by unwinding.
    overdraft: usize,
    exhausted: bool,
    signal: Option<Box<dyn FnMut()>>,
}

impl Pressure {
    /// `range`: the bytes that old space and large objects share.
    pub fn new(max_bytes: usize, range: usize, nursery_bytes: usize) -> Pressure {
        let reserve = (range / 16).max(4 * nursery_bytes).min(range / 2);
        let overdraft = (max_bytes / 16).max(4 * nursery_bytes);
        Pressure { max_bytes, reserve, overdraft, exhausted: false, signal: None }
    }
}

impl Heap {
    /// [`Heap::alloc_tail`], or `None` if the object is large and there is no room for it, even after a full collection.
    pub fn try_alloc_tail(&mut self, shape: ShapeId, fixed_bytes: usize, count: usize) -> Option<Value> {
        let bytes = self.bytes_with_tail(shape, fixed_bytes, count)?;
        if bytes > LARGE_BYTES && !self.has_room(bytes) {
            return None;
        }
        Some(self.alloc_tail(shape, fixed_bytes, count))
    }

    /// [`crate::alloc_buffer`], or null if the heap has no room for so much more, even after a full collection. The caller
    /// reports the bytes with [`Heap::add_pressure`].
    pub fn try_alloc_buffer(&mut self, bytes: usize) -> *mut u8 {
        if bytes > LARGE_BYTES && !self.has_room_off_heap(bytes) {
            return std::ptr::null_mut();
        }
        self.ask_system(bytes, || crate::alloc_buffer(bytes))
    }

    /// `realloc` of a buffer of `allocated` bytes, which may be null and 0; null if there is no room for so much more, even after a
    /// full collection, and then the buffer is as it was. The caller reports the difference.
    ///
    /// # Safety
    /// The buffer is from `malloc`, and nobody uses the old address if there is a new one.
    pub unsafe fn try_realloc_buffer(&mut self, buffer: *mut u8, allocated: usize, bytes: usize) -> *mut u8 {
        let more = bytes.saturating_sub(allocated);
        if more > LARGE_BYTES && !self.has_room_off_heap(more) {
            return std::ptr::null_mut();
        }
        // SAFETY: this function's contract; a failure leaves the buffer as it is.
        self.ask_system(bytes, || unsafe { libc::realloc(buffer as *mut libc::c_void, bytes) } as *mut u8)
    }

    /// What `ask` gets from the system. If it is much and refused, it asks again after a full collection, for buffers of dead objects may make room, and
    /// then once more with addresses that the heap lends: where the address space has a limit, much of it may be reserved for a heap that
    /// remains small.
    fn ask_system(&mut self, bytes: usize, ask: impl Fn() -> *mut u8) -> *mut u8 {
        let memory = ask();
        if !memory.is_null() || bytes <= LARGE_BYTES {
            return memory;
        }
        self.collect_full();
        let memory = ask();
        if !memory.is_null() || !self.lend_addresses(bytes) {
            return memory;
        }
        ask()
    }

    /// Gives addresses of the range that small and large objects share back to the system, some more than `bytes` if there are: the
    /// next buffers shall not each have a collection.
    fn lend_addresses(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_add(self.old.free_bytes() / 16);
        self.lend_whole(more) || self.lend_whole(bytes)
    }

    fn lend_whole(&mut self, bytes: usize) -> bool {
        let bytes = bytes.saturating_add(LENT_BESIDE) / LENT_BESIDE * LENT_BESIDE;
        let start = self.large.give_up_addresses(bytes, self.pressure.reserve, &mut self.old);
        if let Some(start) = start {
            self.spaces.lend(start, bytes);
        }
        start.is_some()
    }

    /// Sees to it that Rust's allocator has a reserve behind it, out of the heap's addresses if the system grants none.
    pub fn ensure_reserve(&mut self) {
        if !crate::has_reserve() && self.lend_addresses(crate::reserve_bytes()) {
            crate::ensure_reserve();
        }
    }

    /// Takes back what was lent, as far as the buffers there are gone; whether that is anything.
    fn take_back_addresses(&mut self) -> bool {
        if !self.spaces.has_lent() {
            return false;
        }
        trim_malloc();
        let parts = self.spaces.take_back();
        for &(start, bytes) in &parts {
            self.large.take_back_addresses(start, bytes, &mut self.old);
        }
        !parts.is_empty()
    }

    /// Whether a large object of `bytes` bytes has room, after a full collection if need be.
    pub fn has_room(&mut self, bytes: usize) -> bool {
        bytes <= physical_bytes()
            && (self.has_room_now(bytes) || self.collect_for_room(|heap| heap.has_room_now(bytes)))
    }

    /// The same for a buffer off the heap, as far as the heap knows.
    fn has_room_off_heap(&mut self, bytes: usize) -> bool {
        bytes <= physical_bytes()
            && (self.is_within_limit(bytes) || self.collect_for_room(|heap| heap.is_within_limit(bytes)))
    }

    /// A full collection, if it is worth while, and whether there is room then. An exhausted heap has had one in vain.
    fn collect_for_room(&mut self, has_room: impl Fn(&mut Heap) -> bool) -> bool {
        if self.pressure.exhausted {
            return false;
        }
        self.collect_full();
        has_room(self) || self.take_back_addresses() && has_room(self)
    }

    fn has_room_now(&mut self, bytes: usize) -> bool {
        self.is_within_limit(bytes) && self.large.has_room(bytes, self.pressure.reserve, &mut self.old)
    }

    fn is_within_limit(&self, bytes: usize) -> bool {
        let limit = self.pressure.max_bytes;
        limit == 0 || self.heap_bytes().saturating_add(bytes) <= limit
    }

    /// Whether an allocation that cannot fail has passed the limit, and nobody has been told.
    pub fn memory_exhausted(&self) -> bool {
        self.pressure.exhausted
    }

    /// The same; the heap counts as not exhausted from here on.
    pub fn take_exhausted(&mut self) -> bool {
        std::mem::take(&mut self.pressure.exhausted)
    }

    /// At a safepoint: an exhausted heap is collected, and if that makes room it does not count as exhausted any more. The native
    /// stack below the address `low` is not taken for references; 0: all of it is.
    ///
    /// # Safety
    /// As for [`Heap::collect_full_above`].
    pub unsafe fn recover_above(&mut self, low: usize) {
        // SAFETY: this function's contract.
        unsafe { self.collect_full_above(low) };
        if self.can_promote() || self.take_back_addresses() && self.can_promote() {
            self.pressure.exhausted = false;
        }
    }

    /// `signal` is called when the heap becomes exhausted. It must not touch the heap.
    pub fn on_exhausted(&mut self, signal: Box<dyn FnMut()>) {
        self.pressure.signal = Some(signal);
    }

    /// Before a large object is allocated that must be: a full collection where it would pass the limit, and the reserve
    /// if that does not help.
    pub(crate) fn make_room(&mut self, bytes: usize) {
        if !self.has_room(bytes) {
            self.exhaust();
        }
    }

    /// At the end of a collection: where the next minor collection might pass the limit, a full collection, unless this was
    /// one, and the reserve if that does not help.
    pub(crate) unsafe fn relieve(&mut self, full: bool) {
        if self.can_promote() {
            return;
        }
        if !full {
            // SAFETY: it directly follows a minor collection, as its caller does.
            unsafe { self.full_collection() };
        }
        let can_promote = self.can_promote() || self.take_back_addresses() && self.can_promote();
        if !can_promote {
            self.exhaust();
        }
    }

    /// Before an allocation that cannot fail: if the heap is exhausted, half of the reserve is gone and there is a way to give up
    /// what is under way, it is given up. A loop in Rust that meets no safepoint would use up the rest and end the process.
    #[inline(always)]
    pub(crate) fn refuse_last_reserve(&mut self) {
        if self.pressure.exhausted && self.may_refuse && self.is_reserve_low() {
            crate::refuse();
        }
    }

    #[cold]
    #[inline(never)]
    fn is_reserve_low(&self) -> bool {
        let Pressure { max_bytes, overdraft, reserve, .. } = self.pressure;
        self.old.free_bytes() < reserve / 2 || max_bytes != 0 && self.heap_bytes() > max_bytes.saturating_add(overdraft)
    }

    /// Whether a nursery of survivors has room.
    fn can_promote(&self) -> bool {
        let nursery = self.nursery.target;
        self.is_within_limit(nursery) && self.old.free_bytes() >= self.pressure.reserve
    }

    fn exhaust(&mut self) {
        if !std::mem::replace(&mut self.pressure.exhausted, true)
            && let Some(signal) = &mut self.pressure.signal
        {
            signal();
        }
    }
}

/// Memory that the C library keeps although it is free goes back to the system.
fn trim_malloc() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it touches only what is free.
    unsafe {
        libc::malloc_trim(0)
    };
}

/// The machine's memory. Linux would let an object that is larger be made, and end the process when it is filled.
fn physical_bytes() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(ask_for_physical_bytes)
}

fn ask_for_physical_bytes() -> usize {
    // SAFETY: sysconf only reads.
    let (pages, page_bytes) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    match (usize::try_from(pages), usize::try_from(page_bytes)) {
        (Ok(pages), Ok(page_bytes)) if pages > 0 => pages.saturating_mul(page_bytes),
        _ => usize::MAX,
    }
}
