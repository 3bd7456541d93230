//! The tests of `cases` on the x86-64 backend.
#![cfg(target_arch = "x86_64")]

#[path = "cases/common.rs"]
mod common;
#[path = "cases/fuzz_bridges.rs"]
mod fuzz_bridges;
#[path = "cases/fuzz_calls.rs"]
mod fuzz_calls;
#[path = "cases/fuzz_compute.rs"]
mod fuzz_compute;
#[path = "cases/fuzz_loops.rs"]
mod fuzz_loops;
#[path = "cases/fuzz_memory.rs"]
mod fuzz_memory;
#[path = "cases/memory.rs"]
mod memory;
#[path = "cases/protocol.rs"]
mod protocol;

fn backend(config: codegen::Config) -> Box<dyn codegen::Backend> {
    Box::new(codegen::x64::X64Backend::new(config).expect("a backend"))
}

/// Whether it compiles units.
const UNITS: bool = false;
