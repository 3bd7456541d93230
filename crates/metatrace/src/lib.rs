//! metatrace: a tracing JIT for any interpreter written in Rust.
//!
//! Write the handlers of the interpreter as functions generic over [`Machine`]; run them with [`Direct`] and they are
//! the interpreter, run them with [`Tracer`] and they record traces of themselves, which are optimised and compiled.

mod ask;
mod cache;
mod compiler;
mod counters;
mod coverage;
mod direct;
mod driver;
mod economy;
mod evict;
mod explain;
mod frame;
mod inspect;
mod jit;
mod language;
mod log;
mod machine;
mod options;
mod profile;
mod symbols;
mod thread;
mod tracer;

pub use ask::Ask;
pub use counters::{Abort, Counters};
pub use coverage::{Coverage, Path};
pub use direct::Direct;
pub use explain::{CallStory, ExitStory, Explanation, FailureStory, OpStory, Place, Source, Step, TraceStory, Why};
pub use frame::{Entered, Finished, Frame, Leave};
pub use inspect::FrameView;
pub use ir::{CallEffect, Callee, Field, Function, Items, Repr, TraceId, TraceKind, Ty};
pub use jit::{Assumption, HotCell, Jit, Lookup, Site};
pub use language::{Language, thread_of};
pub use machine::{Machine, Operand};
pub use options::{Log, Options};
pub use profile::{Activity, Doing, FramePlace, Profile, Profiler, Stack};
pub use thread::{Handle, Record, Thread};
pub use tracer::{Traced, Tracer};
