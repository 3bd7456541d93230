//! Address space from the operating system.
//!
//! Spaces are reserved once, at their largest, and cost memory only where they are touched: an address tells its space
//! by a subtraction and a compare, and side tables are indexed by address.

/// A range of zero-filled, writable address space, given back when dropped.
pub(crate) struct Reservation {
    pub start: usize,
    pub bytes: usize,
}

impl Reservation {
    /// Reserves `bytes` and panics where the system refuses.
    pub fn new(bytes: usize) -> Reservation {
        Reservation::try_new(bytes).unwrap_or_else(|| panic!("cannot reserve {bytes} bytes of address space"))
    }

    pub fn try_new(bytes: usize) -> Option<Reservation> {
        // SAFETY: a fresh anonymous mapping at an address of the system's choice overlaps nothing.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        (start != libc::MAP_FAILED).then_some(Reservation { start: start as usize, bytes })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: the mapping is this reservation's alone, and its owner is going away.
        unsafe { libc::munmap(self.start as *mut _, self.bytes) };
    }
}

/// A side table, zero-filled: one element for each unit of a space.
pub(crate) struct Table<T> {
    memory: Reservation,
    element: std::marker::PhantomData<T>,
}

impl<T: Copy> Table<T> {
    pub fn new(length: usize) -> Table<T> {
        let memory = Reservation::new(length * size_of::<T>());
        Table { memory, element: std::marker::PhantomData }
    }

    fn address(&self, index: usize, length: usize) -> *mut T {
        debug_assert!((index + length) * size_of::<T>() <= self.memory.bytes);
        (self.memory.start as *mut T).wrapping_add(index)
    }

    #[inline(always)]
    pub fn get(&self, index: usize) -> T {
        // SAFETY: the table covers the whole space (invariant 6), and zero and what was written are valid.
        unsafe { *self.address(index, 1) }
    }

    #[inline(always)]
    pub fn at(&mut self, index: usize) -> &mut T {
        // SAFETY: as for `get`; the borrow is that of the table.
        unsafe { &mut *self.address(index, 1) }
    }

    pub fn slice(&self, index: usize, length: usize) -> &[T] {
        // SAFETY: as for `get`.
        unsafe { std::slice::from_raw_parts(self.address(index, length), length) }
    }

    pub fn slice_mut(&mut self, index: usize, length: usize) -> &mut [T] {
        // SAFETY: as for `at`.
        unsafe { std::slice::from_raw_parts_mut(self.address(index, length), length) }
    }
}

/// Gives the pages back; they read as zero afterwards. `start` and `bytes` are multiples of the page size.
pub(crate) fn discard(start: usize, bytes: usize) {
    // SAFETY: the callers name unused memory of their own reservation (invariant 1 of docs/heap.md).
    unsafe { libc::madvise(start as *mut _, bytes, libc::MADV_DONTNEED) };
}

/// Faults pages in at once, which is cheaper than one by one. Failure is harmless.
pub(crate) fn populate(start: usize, bytes: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: populating a mapping changes none of its contents.
    unsafe {
        libc::madvise(start as *mut _, bytes, libc::MADV_POPULATE_WRITE)
    };
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes);
}

/// What freed memory is filled with: no canonical address, so that using it as a pointer faults; its bit 0 is clear, so
/// that it is no header either.
pub(crate) const POISON: u64 = 0x5858_5858_5858_5858;

pub(crate) fn poison(start: usize, end: usize) {
    debug_assert!(start <= end);
    // SAFETY: the callers name unused memory of the heap (invariant 1 of docs/heap.md).
    unsafe { std::ptr::write_bytes(start as *mut u8, POISON as u8, end - start) }
}
