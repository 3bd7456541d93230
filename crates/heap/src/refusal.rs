//! Memory that is refused: how Rust code that cannot go on without it gets out.
//!
//! Whoever knows the size of what a program asks for, and gets nothing, calls [`refuse`]. That unwinds, past code that has
//! no way to report an error, to the nearest [`caught`], where it is a value again: callees have one around them, and so
//! MemoryError is raised in the guest's code. No frame of the guest lies between, as the guest's code asks for large
//! memory only by calling Rust. Objects that a program can see must be whole wherever memory may be refused: first make
//! room, then change them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// There was no memory for something large.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

/// Gives up what is under way, for want of memory.
#[cold]
#[inline(never)]
pub fn refuse() -> ! {
    // Not a panic: no message, and the box of nothing needs no memory.
    resume_unwind(Box::new(OutOfMemory))
}

/// What `f` gives, unless it is refused memory.
#[inline]
pub fn caught<R>(f: impl FnOnce() -> R) -> Result<R, OutOfMemory> {
    catch_unwind(AssertUnwindSafe(f)).map_err(of_payload)
}

/// Other panics go on.
#[cold]
fn of_payload(payload: Box<dyn std::any::Any + Send>) -> OutOfMemory {
    match payload.downcast::<OutOfMemory>() {
        Ok(refusal) => *refusal,
        Err(payload) => resume_unwind(payload),
    }
}

/// An empty vector with room for `count` elements.
pub fn vec_with_capacity<T>(count: usize) -> Vec<T> {
    let mut vec = Vec::new();
    if vec.try_reserve_exact(count).is_err() {
        refuse();
    }
    vec
}

/// `count` zeros.
pub fn zeros(count: usize) -> Vec<u8> {
    filled(0, count)
}

/// `count` times `byte`.
pub fn filled(byte: u8, count: usize) -> Vec<u8> {
    let mut vec = vec_with_capacity(count);
    vec.resize(count, byte);
    vec
}

/// Vectors and strings that grow as a program asks; [`refuse`]d if there is no memory.
pub trait MakeRoom {
    type One;
    type Many: ?Sized;

    /// Makes room for `more` elements, and for as many again as there are where that is to be had.
    fn make_room(&mut self, more: usize);
    /// Appends an element.
    fn put(&mut self, one: Self::One);
    /// Appends copies of elements.
    fn put_all(&mut self, many: &Self::Many);
}

impl<T: Clone> MakeRoom for Vec<T> {
    type One = T;
    type Many = [T];

    #[inline]
    fn make_room(&mut self, more: usize) {
        if more > self.capacity() - self.len() {
            grow(self, more);
        }
    }

    #[inline]
    fn put(&mut self, one: T) {
        self.make_room(1);
        self.push(one);
    }

    #[inline]
    fn put_all(&mut self, many: &[T]) {
        self.make_room(many.len());
        self.extend_from_slice(many);
    }
}

impl MakeRoom for String {
    type One = char;
    type Many = str;

    #[inline]
    fn make_room(&mut self, more: usize) {
        if more > self.capacity() - self.len()
            && self.try_reserve(more).is_err()
            && self.try_reserve_exact(more).is_err()
        {
            refuse();
        }
    }

    #[inline]
    fn put(&mut self, one: char) {
        self.make_room(one.len_utf8());
        self.push(one);
    }

    #[inline]
    fn put_all(&mut self, many: &str) {
        self.make_room(many.len());
        self.push_str(many);
    }
}

#[cold]
#[inline(never)]
fn grow<T>(vec: &mut Vec<T>, more: usize) {
    if vec.try_reserve(more).is_err() && vec.try_reserve_exact(more).is_err() {
        refuse();
    }
}

/// A vector with copies of the elements; [`refuse`]d if there is no memory.
pub fn copied<T: Clone>(elements: &[T]) -> Vec<T> {
    let mut vec = vec_with_capacity(elements.len());
    vec.extend_from_slice(elements);
    vec
}

/// The parts one behind the other.
pub fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut vec = vec_with_capacity(parts.iter().map(|part| part.len()).sum());
    parts.iter().for_each(|part| vec.extend_from_slice(part));
    vec
}

/// `bytes` as often as `count` says; the caller has looked whether so much can be counted.
pub fn repeated(bytes: &[u8], count: usize) -> Vec<u8> {
    let mut vec = vec_with_capacity(bytes.len() * count);
    match bytes {
        [byte] => vec.resize(count, *byte),
        _ => (0..count).for_each(|_| vec.extend_from_slice(bytes)),
    }
    vec
}

/// What an iterator gives.
pub fn collected<T: Clone>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut vec = vec_with_capacity(items.size_hint().0);
    items.for_each(|item| vec.put(item));
    vec
}

/// Asks for so much and gives it back: for those who are about to call code that ends the process if it gets none.
/// A little is there in any case, see [`crate::Allocator`].
pub fn ensure_room(bytes: usize) {
    const LITTLE: usize = 1 << 20;
    if bytes > LITTLE {
        drop(vec_with_capacity::<u8>(bytes));
    }
}

/// `bytes` of address space, or less where the process may have little (`ulimit -v`): at most one part of `parts`, in
/// whole 64 KiB.
pub fn share_of_address_space(bytes: usize, parts: usize) -> usize {
    match address_space() {
        Some(limit) => bytes.min((limit / parts).max(1 << 20) & !0xffff),
        None => bytes,
    }
}

/// How many bytes of address space the process may have, if that is limited.
pub fn address_space() -> Option<usize> {
    // SAFETY: the call fills in the struct.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_AS, &mut limit) != 0 || limit.rlim_cur == libc::RLIM_INFINITY {
            return None;
        }
        Some(limit.rlim_cur as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_caught_and_other_panics_go_on() {
        assert_eq!(caught(|| 3), Ok(3));
        assert_eq!(caught(|| vec_with_capacity::<u64>(1 << 60).len()), Err(OutOfMemory));
        let mut text = String::from("x");
        assert_eq!(caught(|| text.make_room(isize::MAX as usize)), Err(OutOfMemory));
        assert_eq!(text, "x");
        let other = std::panic::catch_unwind(|| caught(|| resume_unwind(Box::new("other"))));
        assert_eq!(*other.unwrap_err().downcast::<&str>().unwrap(), "other");
    }
}
