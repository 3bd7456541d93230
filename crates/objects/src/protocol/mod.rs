//! The protocols of the data model: what `a + b`, `len(x)`, `x.y` and `f(x)` do.

pub mod attributes;
pub mod call;
pub mod compare;
pub mod convert;
pub mod iterate;
pub mod number;
pub mod subscript;
