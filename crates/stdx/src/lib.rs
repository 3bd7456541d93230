//! What std lacks: vectors with typed indices and bit sets.

#![forbid(unsafe_code)]

mod bit_set;
mod index_vec;

pub use bit_set::BitSet;
pub use index_vec::{Index, IndexVec};
