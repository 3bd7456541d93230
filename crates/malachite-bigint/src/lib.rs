//! Stands in for the LGPL crate of this name, which the compiler crates ask for: the same interface, from num-bigint.
pub use num_bigint::*;
