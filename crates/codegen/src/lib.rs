//! Machine code from optimised traces.
//!
//! A trace goes in as data ([`CompileInput`]), a code address comes out ([`CompiledTrace`]). What the code knows of the
//! guest (where the heap pointer lies, how a float is boxed) comes in through [`Config`]; nothing here names a language.
//!
//! Optimising is not this crate's business: what can be said about a trace without knowing the machine belongs to `opt`.
//! `examples/compile_time.rs` measures what compiling costs; `CODEGEN_ASM=1` and `CODEGEN_CLIF=1` make the tests print code.

mod backend;
mod config;
pub mod cranelift;
mod memory;
pub mod tagging;
#[cfg(target_arch = "x86_64")]
pub mod x64;

pub use backend::{
    Activation, BODY, Backend, CompileError, CompileInput, CompiledTrace, Dump, EnterFn, ExitCells, Left, Member,
    OpPlace, START, THROUGH_BUFFER, Target, TraceCell, Ways, start_of,
};
pub use config::Config;
pub use memory::CodeMemory;
