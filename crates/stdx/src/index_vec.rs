//! A vector whose index has a type of its own, so that an index of one vector is no index of another.
//!
//! ```
//! stdx::index! {
//!     /// A value of a trace.
//!     pub struct ValueId;
//! }
//! let mut names = stdx::IndexVec::<ValueId, &str>::new();
//! let x = names.push("x");
//! assert_eq!(names[x], "x");
//! assert_eq!(x, ValueId(0));
//! ```

use std::fmt;
use std::marker::PhantomData;
use std::ops;

/// A `u32` with a name.
pub trait Index: Copy + Eq {
    /// Panics where `index` needs more than 32 bits.
    fn from_usize(index: usize) -> Self;
    fn index(self) -> usize;
}

/// Declares index types: tuple structs around a public `u32`.
#[macro_export]
macro_rules! index {
    ($($(#[$attribute:meta])* $visibility:vis struct $name:ident;)*) => {$(
        $(#[$attribute])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        $visibility struct $name(pub u32);

        impl $crate::Index for $name {
            #[inline]
            fn from_usize(index: usize) -> Self {
                $name(u32::try_from(index).expect("index fits in 32 bits"))
            }
            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

/// A `Vec<T>` indexed by `I`.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexVec<I, T> {
    raw: Vec<T>,
    index: PhantomData<fn(I) -> I>,
}

impl<I: Index, T> IndexVec<I, T> {
    pub const fn new() -> Self {
        Self::from_raw(Vec::new())
    }

    pub fn with_capacity(capacity: usize) -> Self {
        Self::from_raw(Vec::with_capacity(capacity))
    }

    pub const fn from_raw(raw: Vec<T>) -> Self {
        IndexVec { raw, index: PhantomData }
    }

    /// `length` copies of `value`.
    pub fn filled(value: T, length: usize) -> Self
    where
        T: Clone,
    {
        Self::from_raw(vec![value; length])
    }

    /// Appends, and returns the index of what was appended.
    pub fn push(&mut self, value: T) -> I {
        let index = self.next_index();
        self.raw.push(value);
        index
    }

    pub fn pop(&mut self) -> Option<T> {
        self.raw.pop()
    }

    /// The index that the next `push` returns.
    pub fn next_index(&self) -> I {
        I::from_usize(self.raw.len())
    }

    pub fn len(&self) -> usize {
        self.raw.len()
    }

    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    pub fn get(&self, index: I) -> Option<&T> {
        self.raw.get(index.index())
    }

    pub fn get_mut(&mut self, index: I) -> Option<&mut T> {
        self.raw.get_mut(index.index())
    }

    pub fn contains(&self, index: I) -> bool {
        index.index() < self.raw.len()
    }

    pub fn truncate(&mut self, length: usize) {
        self.raw.truncate(length)
    }

    pub fn resize(&mut self, length: usize, value: T)
    where
        T: Clone,
    {
        self.raw.resize(length, value)
    }

    pub fn clear(&mut self) {
        self.raw.clear()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.raw.iter()
    }

    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.raw.iter_mut()
    }

    pub fn indices(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.raw.len()).map(I::from_usize)
    }

    pub fn enumerated(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.raw.iter().enumerate().map(|(i, value)| (I::from_usize(i), value))
    }

    pub fn as_slice(&self) -> &[T] {
        &self.raw
    }
}

impl<I: Index, T> ops::Index<I> for IndexVec<I, T> {
    type Output = T;
    #[inline]
    fn index(&self, index: I) -> &T {
        &self.raw[index.index()]
    }
}

impl<I: Index, T> ops::IndexMut<I> for IndexVec<I, T> {
    #[inline]
    fn index_mut(&mut self, index: I) -> &mut T {
        &mut self.raw[index.index()]
    }
}

impl<I: Index, T> Default for IndexVec<I, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: Index, T> FromIterator<T> for IndexVec<I, T> {
    fn from_iter<It: IntoIterator<Item = T>>(values: It) -> Self {
        Self::from_raw(values.into_iter().collect())
    }
}

impl<I: Index, T> Extend<T> for IndexVec<I, T> {
    fn extend<It: IntoIterator<Item = T>>(&mut self, values: It) {
        self.raw.extend(values)
    }
}

impl<I: Index, T> IntoIterator for IndexVec<I, T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.raw.into_iter()
    }
}

impl<'a, I: Index, T> IntoIterator for &'a IndexVec<I, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.raw.iter()
    }
}

impl<I: Index + fmt::Debug, T: fmt::Debug> fmt::Debug for IndexVec<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.enumerated()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::index! {
        /// Just for this test.
        struct Letter;
    }

    #[test]
    fn indices_come_back() {
        let mut letters: IndexVec<Letter, char> = "abc".chars().collect();
        let d = letters.push('d');
        assert_eq!(letters[d], 'd');
        assert_eq!(letters.indices().map(|i| letters[i]).collect::<String>(), "abcd");
        assert_eq!(format!("{letters:?}").split(',').next(), Some("{Letter(0): 'a'"));
        assert!(!letters.contains(letters.next_index()));
    }
}
