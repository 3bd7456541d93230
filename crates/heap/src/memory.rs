//! Address space from the operating system.
//!
//! Spaces are reserved once, at their largest, and cost memory only where they are touched: an address tells its space
//! by a subtraction and a compare, and side tables are indexed by address.

use crate::immortal::ImmortalSpace;
use crate::large::LargeSpace;
use crate::old::{BLOCK_BYTES, OldSpace};

/// A range of zero-filled, writable address space, given back when dropped.
pub(crate) struct Reservation {
    pub start: usize,
    pub bytes: usize,
    /// Parts that were given back before, each as start and end.
    lent: Vec<(usize, usize)>,
}

impl Reservation {
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
        (start != libc::MAP_FAILED).then_some(Reservation { start: start as usize, bytes, lent: Vec::new() })
    }

    /// Gives a part back to the system, which may map something else there. Nothing in it is used any more.
    pub fn lend(&mut self, start: usize, bytes: usize) {
        // SAFETY: the part lies in this mapping, and the caller has given it up.
        unsafe { libc::munmap(start as *mut _, bytes) };
        self.lent.push((start, start + bytes));
    }

    /// Takes back what was lent and where nothing else is mapped by now: start and bytes of each part, which read as zero.
    pub fn take_back(&mut self) -> Vec<(usize, usize)> {
        let (free, lent) =
            std::mem::take(&mut self.lent).into_iter().partition(|&(start, end)| map_at(start, end - start));
        self.lent = lent;
        free.into_iter().map(|(start, end): (usize, usize)| (start, end - start)).collect()
    }

    /// Whether parts of it are lent.
    pub fn has_lent(&self) -> bool {
        !self.lent.is_empty()
    }

    /// Whether the address lies in what is still reserved.
    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start) < self.bytes
            && !self.lent.iter().any(|&(start, end)| (start..end).contains(&address))
    }
}

/// Reserves addresses if all of them are free; whether they were.
#[cfg(target_os = "linux")]
fn map_at(start: usize, bytes: usize) -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: with this flag a mapping replaces nothing.
    let mapped = unsafe { libc::mmap(start as *mut _, bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if mapped != libc::MAP_FAILED && mapped as usize != start {
        // A kernel that does not know the flag takes the address for a wish.
        // SAFETY: the mapping made above.
        unsafe { libc::munmap(mapped, bytes) };
        return false;
    }
    mapped != libc::MAP_FAILED
}

#[cfg(not(target_os = "linux"))]
fn map_at(_: usize, _: usize) -> bool {
    false
}

/// The address ranges of a heap.
pub(crate) struct Spaces {
    /// The nursery, then the range that old space and large objects share.
    pub memory: Reservation,
    /// Bytes of that range.
    pub range: usize,
    pub old: OldSpace,
    pub large: LargeSpace,
    pub immortal: ImmortalSpace,
}

/// The range where nothing limits it.
const RANGE_BYTES: usize = 128 << 30;
const IMMORTAL_BYTES: usize = 4 << 30;
/// The smallest range a heap can live in.
const RANGE_MIN: usize = 4 << 20;

impl Spaces {
    /// Reserves addresses for a nursery of `nursery_bytes` and a range of at most `range_bytes` (0: as much as there is).
    ///
    /// Under a limit of the address space (`ulimit -v`) the range takes half of what is left of it; where the system
    /// refuses, half of that, and so on.
    pub fn reserve(nursery_bytes: usize, range_bytes: usize, poison: bool) -> Spaces {
        let left = address_space_left();
        let mut range = RANGE_BYTES.min(left / 2);
        if range_bytes != 0 {
            range = range.min(range_bytes);
        }
        let mut immortal_bytes = IMMORTAL_BYTES.min(left / 16);
        loop {
            range = range / BLOCK_BYTES * BLOCK_BYTES;
            if let Some(spaces) = Spaces::try_reserve(nursery_bytes, range, immortal_bytes, poison) {
                return spaces;
            }
            assert!(range / 2 >= RANGE_MIN, "cannot reserve address space for the heap");
            (range, immortal_bytes) = (range / 2, (immortal_bytes / 2).max(RANGE_MIN));
        }
    }

    fn try_reserve(nursery_bytes: usize, range: usize, immortal_bytes: usize, poison: bool) -> Option<Spaces> {
        let memory = Reservation::try_new(BLOCK_BYTES + nursery_bytes + range)?;
        let start = memory.start.next_multiple_of(BLOCK_BYTES) + nursery_bytes;
        let old = OldSpace::new(start, range, poison)?;
        let large = LargeSpace::new(start, range)?;
        let immortal = ImmortalSpace::new(immortal_bytes)?;
        Some(Spaces { memory, range, old, large, immortal })
    }
}

/// Bytes that may still be mapped: the limit less what is mapped.
fn address_space_left() -> usize {
    let Some(limit) = crate::address_space() else { return usize::MAX };
    // The first number is the pages mapped; where there is no such file, nothing counts as mapped, and halving finds the
    // size.
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = statm.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    limit.saturating_sub(pages * 4096)
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.lent.sort_unstable();
        let mut start = self.start;
        for (end, next) in self.lent.drain(..).chain([(self.start + self.bytes, 0)]) {
            if start < end {
                // SAFETY: the mapping is this reservation's alone but for what was lent, and its owner is going away.
                unsafe { libc::munmap(start as *mut _, end - start) };
            }
            start = next;
        }
    }
}

/// A side table, zero-filled: one element for each unit of a space.
pub(crate) struct Table<T> {
    memory: Reservation,
    element: std::marker::PhantomData<T>,
}

impl<T: Copy> Table<T> {
    pub fn try_new(length: usize) -> Option<Table<T>> {
        let memory = Reservation::try_new(length * size_of::<T>())?;
        Some(Table { memory, element: std::marker::PhantomData })
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

/// The range has ended, the reserve with it, and the allocation cannot fail.
#[cold]
pub(crate) fn give_up(bytes: usize) -> ! {
    eprintln!("MemoryError: the heap is full, its reserve too, at {bytes} bytes");
    // SAFETY: nothing runs any more. Unwinding from the middle of a collection would go through a heap in pieces.
    unsafe { libc::_exit(1) }
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

/// The pages that the system may use in place of 512 small ones, where it has been told so.
pub(crate) const HUGE_BYTES: usize = 2 << 20;

/// Lets the system use huge pages for the whole ones in a range that will be filled soon. Failure is harmless.
pub(crate) fn advise_huge(start: usize, bytes: usize) {
    let (first, end) = (start.next_multiple_of(HUGE_BYTES), (start + bytes) / HUGE_BYTES * HUGE_BYTES);
    if first < end {
        #[cfg(target_os = "linux")]
        // SAFETY: the advice changes nothing of a mapping's contents.
        unsafe {
            libc::madvise(first as *mut _, end - first, libc::MADV_HUGEPAGE)
        };
    }
}

/// What freed memory is filled with: no canonical address, so that using it as a pointer faults; its bit 0 is clear, so
/// that it is no header either.
pub(crate) const POISON: u64 = 0x5858_5858_5858_5858;

pub(crate) fn poison(start: usize, end: usize) {
    debug_assert!(start <= end);
    // SAFETY: the callers name unused memory of the heap (invariant 1 of docs/heap.md).
    unsafe { std::ptr::write_bytes(start as *mut u8, POISON as u8, end - start) }
}
