//! The header word in front of every heap object.
//!
//! ```text
//! bit 0        1; a word with bit 0 clear is the address the object moved to
//! bits 1..=30  shape id
//! bit 31       0, so that a fresh header is a sign-extended 32-bit immediate
//! byte 4       TRACK: an old object that the remembered set does not hold
//! byte 5       flags of the collector and of identity hashing
//! bytes 4..=7  of a filler (shape 0): its size in words
//! ```
//!
//! The low 32 bits are the type guard of compiled code: one compare against `fresh_header(shape) as u32`.

use crate::{ShapeId, Value};

/// Set in every header; clear in a forwarding address.
pub(crate) const HEADER_BIT: u64 = 1;
/// An old object that is not in the remembered set. The write barrier tests byte 4 and nothing else.
pub const TRACK: u64 = 1 << 32;
/// Nursery: an ambiguous root points into this object, so it stays in place. Large: reached in this minor collection.
pub(crate) const PINNED: u64 = 1 << 40;
/// Nursery: this pinned object has been queued for scanning. Large: marked in this full collection.
pub(crate) const LIVE: u64 = 1 << 41;
/// The identity hash was taken while the object was young.
pub(crate) const HASHED: u64 = 1 << 42;
/// The object has moved since its hash was taken: the hash is the word behind it.
pub(crate) const HASH_MOVED: u64 = 1 << 43;
/// `id()` was asked of the young object: its slot in old space is reserved.
pub(crate) const SHADOW: u64 = 1 << 44;
/// A large object that has not survived a minor collection yet.
pub(crate) const LARGE_YOUNG: u64 = 1 << 45;
/// A large object with dirty cards.
pub(crate) const CARDS: u64 = 1 << 46;

/// The header of an object that has just been allocated in the nursery.
#[inline(always)]
pub const fn fresh_header(shape: ShapeId) -> u64 {
    ((shape.0 as u64) << 1) | HEADER_BIT
}

/// The shape of an object.
///
/// # Safety
/// `object` is a heap pointer (`Value::is_object`).
#[inline(always)]
pub unsafe fn shape_of(object: Value) -> ShapeId {
    // SAFETY: an object's first word is its header (this function's contract).
    shape_in(unsafe { load(object.0 as usize) })
}

/// Gives an object another shape, of the same size and with a compatible placing of Values. The flags stay.
///
/// # Safety
/// `object` is a heap pointer; both shapes have the same `fixed_words` and the words the new shape calls Values
/// hold Values.
#[inline(always)]
pub unsafe fn set_shape(object: Value, shape: ShapeId) {
    // SAFETY: the low half of the header holds the shape and bit 0 alone.
    unsafe { *(object.0 as *mut u32) = fresh_header(shape) as u32 }
}

#[inline(always)]
pub(crate) const fn shape_in(header: u64) -> ShapeId {
    ShapeId((header as u32) >> 1)
}

/// The header of `words` unused words: the walk over a nursery gap steps over them.
#[inline(always)]
pub(crate) const fn filler(words: usize) -> u64 {
    ((words as u64) << 32) | HEADER_BIT
}

#[inline(always)]
pub(crate) const fn is_filler(header: u64) -> bool {
    header as u32 == HEADER_BIT as u32
}

/// Reads the word at `address`.
#[inline(always)]
pub(crate) unsafe fn load(address: usize) -> u64 {
    // SAFETY: the caller names a word inside the heap's spaces (invariant 1 of docs/heap.md).
    unsafe { *(address as *const u64) }
}

/// Writes the word at `address`.
#[inline(always)]
pub(crate) unsafe fn store(address: usize, word: u64) {
    // SAFETY: the caller names a word inside the heap's spaces (invariant 1 of docs/heap.md).
    unsafe { *(address as *mut u64) = word }
}
