//! Small blocks of Rust's memory that were freed, kept for the next requests of their size.
//!
//! The C library keeps seven of a size at hand; whoever frees more than that in a row, and takes them again, pays for its
//! lists and locks each time. That is what regular expressions do with their marks, and many a native function with its
//! vectors. Every block is one that the system's allocator gave, of the greatest size of its class, so whoever frees it may give
//! it back: another thread does. What is kept stays: a mebibyte at most.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;

/// Sizes that cost the C library the same: a word of its own before each block, multiples of sixteen in all, and two of those at
/// least.
const STEP: usize = 16;
const OWN: usize = 8;
const LEAST: usize = 2;
/// Larger blocks are the system's business.
const LARGEST: usize = 512 - OWN;
const CLASSES: usize = class_of(LARGEST) + 1;
/// What is kept of each class at most.
const KEPT_BYTES: usize = 32 << 10;

/// A block that is kept holds the next one.
struct Free {
    next: *mut Free,
}

struct Class {
    first: Cell<*mut Free>,
    /// How many more are kept.
    room: Cell<usize>,
}

thread_local! {
    /// Of threads that did not call [`keep_small_blocks`]: no room.
    static CLASSES_HERE: [Class; CLASSES] =
        const { [const { Class { first: Cell::new(null_mut()), room: Cell::new(0) } }; CLASSES] };
}

const fn class_of(bytes: usize) -> usize {
    let class = (bytes + OWN).div_ceil(STEP);
    if class < LEAST { LEAST } else { class }
}

/// The layout of all blocks of a class.
fn layout_of(class: usize) -> Layout {
    // SAFETY: a power of two; far from overflowing.
    unsafe { Layout::from_size_align_unchecked(STEP * class - OWN, OWN) }
}

/// Whether blocks like this are taken and freed here.
#[inline]
pub fn is_small(layout: Layout) -> bool {
    layout.size() <= LARGEST && has_class(layout)
}

/// Whether blocks of this alignment are, as long as they are small.
#[inline]
pub fn has_class(layout: Layout) -> bool {
    layout.align() <= OWN
}

/// From now on the calling thread keeps small blocks that it frees. They are not given back when it ends: it should be the one
/// that runs the program. To say so again changes nothing.
pub fn keep_small_blocks() {
    CLASSES_HERE.with(|classes| {
        for (class, kept) in classes.iter().enumerate().skip(LEAST) {
            if kept.room.get() == 0 && kept.first.get().is_null() {
                kept.room.set(KEPT_BYTES / (STEP * class));
            }
        }
    });
}

/// A block; null if there is no memory.
///
/// # Safety
/// The layout [`is_small`] and not empty.
#[inline]
pub unsafe fn alloc(layout: Layout) -> *mut u8 {
    let class = class_of(layout.size());
    CLASSES_HERE.with(|classes| {
        let kept = &classes[class];
        let first = kept.first.get();
        if first.is_null() {
            // SAFETY: not empty.
            return unsafe { System.alloc(layout_of(class)) };
        }
        // SAFETY: what is kept is nobody's but the list's.
        kept.first.set(unsafe { (*first).next });
        kept.room.set(kept.room.get() + 1);
        first.cast()
    })
}

/// Keeps a block, or gives it back.
///
/// # Safety
/// It came from [`alloc`] with that layout, on any thread.
#[inline]
pub unsafe fn dealloc(memory: *mut u8, layout: Layout) {
    let class = class_of(layout.size());
    CLASSES_HERE.with(|classes| {
        let kept = &classes[class];
        let room = kept.room.get();
        if room == 0 {
            // SAFETY: the layout of the class is what it was made with.
            return unsafe { System.dealloc(memory, layout_of(class)) };
        }
        kept.room.set(room - 1);
        let block = memory.cast::<Free>();
        // SAFETY: the caller's no longer, and large enough for a pointer.
        unsafe { block.write(Free { next: kept.first.get() }) };
        kept.first.set(block);
    });
}

/// A block of another size with the same content; null, and nothing has changed, if there is no memory.
///
/// # Safety
/// It came from the allocator with that layout, and neither size is 0; the alignment is that of small blocks.
pub unsafe fn realloc(memory: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
    let class = |bytes: usize| if bytes <= LARGEST { class_of(bytes) } else { usize::MAX };
    let (old_class, new_class) = (class(layout.size()), class(new_bytes));
    if old_class == new_class && old_class != usize::MAX {
        return memory;
    }
    // SAFETY: the sizes are those of the classes; the caller's otherwise.
    unsafe {
        if old_class != usize::MAX && new_class != usize::MAX {
            let moved = alloc(Layout::from_size_align_unchecked(new_bytes, layout.align()));
            if !moved.is_null() {
                std::ptr::copy_nonoverlapping(memory, moved, layout.size().min(new_bytes));
                dealloc(memory, layout);
            }
            return moved;
        }
        let old = if old_class == usize::MAX { layout } else { layout_of(old_class) };
        let new_bytes = if new_class == usize::MAX { new_bytes } else { layout_of(new_class).size() };
        System.realloc(memory, old, new_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_they_say() {
        for bytes in 1..=LARGEST {
            let layout = layout_of(class_of(bytes));
            assert!(
                layout.size() >= bytes.max(size_of::<Free>()) && layout.size() < bytes.max(2 * OWN) + STEP,
                "{bytes}"
            );
            assert!(class_of(bytes) < CLASSES);
        }
    }

    #[test]
    fn blocks_are_kept_up_to_a_limit_and_only_by_who_says_so() {
        let layout = Layout::from_size_align(40, 8).expect("a layout");
        let room = || CLASSES_HERE.with(|classes| classes[class_of(40)].room.get());
        let take_and_free = |count: usize| {
            // SAFETY: a small layout.
            let blocks: Vec<*mut u8> = (0..count).map(|_| unsafe { alloc(layout) }).collect();
            let mut different = blocks.clone();
            different.sort();
            different.dedup();
            assert_eq!(different.len(), count);
            for block in blocks {
                // SAFETY: taken above.
                unsafe { dealloc(block, layout) };
            }
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                take_and_free(10);
                assert_eq!(room(), 0);
            });
            other.join().expect("no panic");
        });
        keep_small_blocks();
        let limit = room();
        take_and_free(limit / 2);
        assert_eq!(room(), limit - limit / 2);
        take_and_free(2 * limit);
        assert_eq!(room(), 0);
        // SAFETY: a small layout.
        let again = unsafe { alloc(layout) };
        assert_eq!(room(), 1);
        // SAFETY: taken above.
        unsafe { dealloc(again, layout) };
    }

    #[test]
    fn content_moves_with_its_block() {
        keep_small_blocks();
        let align = |bytes: usize| Layout::from_size_align(bytes, 1).expect("a layout");
        let sizes = [1, 8, 9, 24, 25, 100, 503, 504, 505, 4096, 505, 504, 60, 2];
        // SAFETY: each block goes from one size to the next.
        unsafe {
            let mut block = alloc(align(1));
            block.write(77);
            for pair in sizes.windows(2) {
                block = realloc(block, align(pair[0]), pair[1]);
                for at in pair[0]..pair[1] {
                    block.add(at).write(at as u8);
                }
                assert_eq!(block.read(), 77);
                for at in 1..pair[1] {
                    assert_eq!(block.add(at).read(), at as u8, "{pair:?}");
                }
            }
            dealloc(block, align(2));
        }
    }
}
