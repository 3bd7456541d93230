//! Rust's own memory.
//!
//! Rust code that asks the allocator for memory and gets none ends the process. What a program makes big does not get
//! there (see [`crate::refuse`]); for the many small requests there is a reserve of address space, which is given to the
//! system when one of them fails, and then it is asked again. That is told to the interpreter, which raises MemoryError
//! at its next safepoint, and takes a new reserve once there is room for one.

use crate::small_blocks;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

/// The address space that is kept back.
const RESERVE_BYTES: usize = 64 << 20;
/// The part of a limited address space that this may be.
const RESERVE_PARTS: usize = 12;

/// Address of the reserve; 0 if there is none.
static RESERVE: AtomicUsize = AtomicUsize::new(0);
/// How big it is, once one was made.
static BYTES: AtomicUsize = AtomicUsize::new(0);
/// The reserve was given up since [`take_reserve_used`] last asked.
static USED: AtomicBool = AtomicBool::new(false);
/// The word that makes the interpreter come to a safepoint.
static POLL: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

/// The system's allocator with a reserve behind it, and small blocks at hand before it.
pub struct Allocator;

// SAFETY: all work is done by `System` and by small blocks that it made.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout.
        let ask = || unsafe {
            if small_blocks::is_small(layout) { small_blocks::alloc(layout) } else { System.alloc(layout) }
        };
        let memory = ask();
        if memory.is_null() { again(layout.size(), ask) } else { memory }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if small_blocks::is_small(layout) {
            // SAFETY: the caller's layout.
            let memory = unsafe { self.alloc(layout) };
            if !memory.is_null() {
                // SAFETY: so much was asked for.
                unsafe { memory.write_bytes(0, layout.size()) };
            }
            return memory;
        }
        // SAFETY: the caller's layout.
        let ask = || unsafe { System.alloc_zeroed(layout) };
        let memory = ask();
        if memory.is_null() { again(layout.size(), ask) } else { memory }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        // SAFETY: the caller's memory, which a failure leaves as it is.
        let ask = || unsafe {
            if small_blocks::has_class(layout) {
                small_blocks::realloc(memory, layout, new_bytes)
            } else {
                System.realloc(memory, layout, new_bytes)
            }
        };
        let moved = ask();
        if moved.is_null() { again(new_bytes, ask) } else { moved }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's memory.
        unsafe {
            if small_blocks::is_small(layout) {
                small_blocks::dealloc(memory, layout);
            } else {
                System.dealloc(memory, layout);
            }
        }
    }
}

/// Asks once more if there was a reserve that may be enough. What is bigger than half of it was asked for by somebody
/// who can do without: so a failing `try_reserve` does not use it up.
#[cold]
#[inline(never)]
fn again(bytes: usize, ask: impl Fn() -> *mut u8) -> *mut u8 {
    if bytes <= BYTES.load(Ordering::Relaxed) / 2 && release_reserve() { ask() } else { std::ptr::null_mut() }
}

/// Takes the reserve, if there is none and the system grants it.
pub fn ensure_reserve() {
    if RESERVE.load(Ordering::Relaxed) != 0 {
        return;
    }
    let bytes = reserve_bytes();
    // SAFETY: a fresh mapping that nobody touches.
    let start = unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0)
    };
    if start != libc::MAP_FAILED {
        BYTES.store(bytes, Ordering::Relaxed);
        if RESERVE.compare_exchange(0, start as usize, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            // SAFETY: the mapping made above, which another thread's has made superfluous.
            unsafe { libc::munmap(start, bytes) };
        }
    }
}

/// How big a reserve is.
pub fn reserve_bytes() -> usize {
    crate::share_of_address_space(RESERVE_BYTES, RESERVE_PARTS)
}

/// Whether there is a reserve; if there is none, it is asked for once more. Who can do without what he is about to make, which may
/// take much, does without when there is none.
pub fn has_reserve() -> bool {
    ensure_reserve();
    RESERVE.load(Ordering::Relaxed) != 0
}

/// Gives the reserve to the system; false if there is none. The interpreter hears of it.
pub fn release_reserve() -> bool {
    let start = RESERVE.swap(0, Ordering::AcqRel);
    if start == 0 {
        return false;
    }
    // SAFETY: the reserve's mapping, which was this call's to take.
    unsafe { libc::munmap(start as *mut libc::c_void, BYTES.load(Ordering::Relaxed)) };
    USED.store(true, Ordering::Release);
    // SAFETY: the word is there as long as it is registered.
    if let Some(poll) = unsafe { POLL.load(Ordering::Acquire).as_ref() } {
        poll.fetch_or(1, Ordering::Release);
    }
    true
}

/// Whether the reserve was given up since the last call.
pub fn take_reserve_used() -> bool {
    USED.load(Ordering::Relaxed) && USED.swap(false, Ordering::AcqRel)
}

/// Names the word that gets bit 0 when the reserve is given up; null: none.
///
/// # Safety
/// The word stays until another one is named.
pub unsafe fn on_reserve_used(poll: *const AtomicU32) {
    POLL.store(poll.cast_mut(), Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_keep_to_themselves() {
        crate::keep_small_blocks();
        let layout = |bytes: usize, align: usize| Layout::from_size_align(bytes, align).expect("a layout");
        // Kept blocks are dirty; aligned ones are the system's.
        for bytes in [1, 24, 25, 100, 503, 504, 505, 600] {
            for align in [1, 8, 16, 64] {
                let layout = layout(bytes, align);
                // SAFETY: each block is freed with its layout.
                unsafe {
                    let dirty = Allocator.alloc(layout);
                    assert!(dirty.addr().is_multiple_of(align));
                    dirty.write_bytes(0xee, bytes);
                    Allocator.dealloc(dirty, layout);
                    let clean = Allocator.alloc_zeroed(layout);
                    assert!(clean.addr().is_multiple_of(align));
                    assert!((0..bytes).all(|at| clean.add(at).read() == 0), "{layout:?}");
                    clean.write_bytes(0xdd, bytes);
                    let grown = Allocator.realloc(clean, layout, bytes + 77);
                    assert!(grown.addr().is_multiple_of(align));
                    assert!((0..bytes).all(|at| grown.add(at).read() == 0xdd), "{layout:?}");
                    Allocator.dealloc(grown, Layout::from_size_align_unchecked(bytes + 77, align));
                }
            }
        }
    }

    #[test]
    fn the_reserve_is_given_up_once_and_taken_again() {
        let poll = AtomicU32::new(0);
        // SAFETY: reset below.
        unsafe { on_reserve_used(&poll) };
        ensure_reserve();
        assert!(!take_reserve_used());
        assert!(release_reserve() && !release_reserve());
        assert_eq!(poll.load(Ordering::Relaxed), 1);
        assert!(take_reserve_used() && !take_reserve_used());
        ensure_reserve();
        assert!(release_reserve());
        // SAFETY: no word is named.
        unsafe { on_reserve_used(std::ptr::null()) };
    }
}
