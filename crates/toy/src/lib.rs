//! toy: a small dynamically typed language on metatrace and heap.
//!
//! It is the framework's second client, its test bed and its tutorial (`docs/tutorial.md`): integers, floats, strings,
//! lists, functions, classes with operator methods, exceptions. A program is text; [`Vm::run`] calls its `main`.
//!
//! ```text
//! class Vec(x, y) { fn add(self, o) { return Vec(self.x + o.x, self.y + o.y); } }
//! fn main() {
//!     let v = Vec(0, 0); let i = 0;
//!     while i < 1000 { v = v + Vec(i, 0.5); i = i + 1; }
//!     print(v.x); return v.y;
//! }
//! ```

mod builtins;
mod code;
mod compile;
mod errors;
pub mod fuzz;
mod interp;
mod object;
mod operators;
pub mod parse;
mod toy;
mod vm;

pub use code::Binary;
pub use errors::ToyError;
pub use vm::{RunOptions, Vm};
