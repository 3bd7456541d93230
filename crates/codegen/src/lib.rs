//! Machine code from optimised traces.
//!
//! A trace goes in as data ([`CompileInput`]), a code address comes out ([`CompiledTrace`]). What the code knows of the
//! guest (where the heap pointer lies, how a float is boxed) comes in through [`Config`]; nothing here names a language.

mod backend;
mod config;
pub mod cranelift;
mod memory;
pub mod tagging;

pub use backend::{
    Activation, BODY, Backend, CompileError, CompileInput, CompiledTrace, Dump, EnterFn, Left, START, TraceCell,
};
pub use config::Config;
