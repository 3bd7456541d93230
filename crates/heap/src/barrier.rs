//! The write barrier and the remembered set.
//!
//! A minor collection must find every old object that refers to a young one without looking at the others. An old
//! object carries the TRACK bit; the first store of a Value into it clears the bit and puts the object into the
//! remembered set. The next minor collection scans the set and sets the bits again. A store into a large array
//! remembers only the 512-byte card of the slot, so that filling a big list does not rescan all of it.

use crate::header::{CARDS, TRACK, load, store};
use crate::{Heap, Value};

impl Heap {
    /// Before or after a Value is stored into `object`, with no safepoint between the two.
    #[inline(always)]
    pub fn write_barrier(&mut self, object: Value) {
        debug_assert!(object.is_object());
        // SAFETY: byte 4 of an object is its TRACK byte.
        if unsafe { *(object.0 as *const u8).add(4) } & 1 != 0 {
            // SAFETY: this heap and an object of it.
            unsafe { heap_barrier_slow(self, object.0) }
        }
    }

    /// The same for a store at `slot`, inside `object`: of a large object only the slot's card is remembered.
    #[inline(always)]
    pub fn write_barrier_slot(&mut self, object: Value, slot: *const Value) {
        debug_assert!(object.is_object());
        // SAFETY: byte 4 of an object is its TRACK byte.
        if unsafe { *(object.0 as *const u8).add(4) } & 1 != 0 {
            // SAFETY: this heap, an object of it and a slot in that.
            unsafe { heap_barrier_slot_slow(self, object.0, slot as u64) }
        }
    }

    /// Stores `value` into word `word` of `object`, with the barrier.
    ///
    /// # Safety
    /// The word exists and holds a Value.
    #[inline(always)]
    pub unsafe fn store(&mut self, object: Value, word: usize, value: Value) {
        let slot = (object.0 as *mut Value).wrapping_add(word);
        self.write_barrier_slot(object, slot);
        // SAFETY: the word exists (this function's contract).
        unsafe { *slot = value }
    }

    /// Puts an old object into the remembered set; its TRACK bit may be clear already.
    pub(crate) unsafe fn remember(&mut self, object: usize) {
        // SAFETY: the caller names an object.
        unsafe { store(object, load(object) & !TRACK) };
        self.remembered.push(object);
    }

    /// Remembers the card of `slot` in a large object.
    pub(crate) unsafe fn remember_card(&mut self, object: usize, slot: usize) {
        self.large.mark_card(slot);
        // SAFETY: the caller names an object.
        unsafe {
            let header = load(object);
            if header & CARDS == 0 {
                store(object, header | CARDS);
                self.dirty_large.push(object);
            }
        }
    }
}

/// Remembers `object`, whose TRACK bit is set.
///
/// # Safety
/// `heap` is the calling thread's and `object` the address of an object in it.
#[cold]
#[inline(never)]
pub unsafe extern "C" fn heap_barrier_slow(heap: *mut Heap, object: u64) {
    // SAFETY: this function's contract.
    unsafe { (*heap).remember(object as usize) }
}

/// Remembers the card of `slot` of `object`, whose TRACK bit is set.
///
/// # Safety
/// As for [`heap_barrier_slow`]; `slot` is a Value's address in the object.
#[cold]
#[inline(never)]
pub unsafe extern "C" fn heap_barrier_slot_slow(heap: *mut Heap, object: u64, slot: u64) {
    // SAFETY: this function's contract.
    unsafe {
        if (*heap).large.contains(object as usize) {
            (*heap).remember_card(object as usize, slot as usize)
        } else {
            (*heap).remember(object as usize)
        }
    }
}
