//! The backend for x86-64: one walk up the trace for what is read when, one walk down that allocates registers and writes code.
//!
//! It compiles traces one at a time, in a fraction of a microsecond an operation, so that the guest's thread can wait for it.
//! Units of traces are left to Cranelift. Both backends make code of one convention, Cranelift's `tail` on this processor: context,
//! buffer and selector come in rdi, rsi and rdx, the word that says how code was left goes out in rax, no register is kept, and
//! jumps between pieces of code leave no frame behind. So code of both can jump into each other.
//!
//! Processors without SSE4.1 (rounding) are refused.

mod alloc;
mod analysis;
mod arith;
mod calls;
mod cold;
mod direct;
mod dump;
mod encode;
#[cfg(test)]
mod encode_tests;
mod exits;
mod guards;
mod guest;
mod looping;
mod lower;
mod objects;
mod regs;
mod stubs;

use crate::backend::{Backend, CompileError, CompileInput, CompiledTrace, EnterFn, Member, OpPlace};
use crate::config::Config;
use crate::memory::{CodeMemory, Published};
use analysis::Facts;
use encode::Asm;
use lower::Lower;
use std::sync::Arc;
use stubs::Stubs;

/// A [`Backend`] that writes x86-64 code itself.
pub struct X64Backend {
    config: Config,
    memory: CodeMemory,
    stubs: Stubs,
    asm: Asm,
    /// See [`Backend::take_places`].
    places: Vec<OpPlace>,
}

impl X64Backend {
    /// Reserves code memory and writes the stubs for entries, exits and slow paths.
    pub fn new(config: Config) -> Result<X64Backend, CompileError> {
        let memory = CodeMemory::reserve(config.code_bytes)?;
        X64Backend::in_memory(config, memory)
    }

    /// The same, with code in that memory.
    pub fn in_memory(config: Config, mut memory: CodeMemory) -> Result<X64Backend, CompileError> {
        if !std::arch::is_x86_feature_detected!("sse4.1") {
            return Err(CompileError::Rejected("the processor lacks SSE4.1".to_string()));
        }
        let stubs = Stubs::make(&config, &mut memory)?;
        Ok(X64Backend { config, memory, stubs, asm: Asm::default(), places: Vec::new() })
    }
}

impl Backend for X64Backend {
    fn compile(&mut self, input: &CompileInput) -> Result<CompiledTrace, CompileError> {
        if cfg!(debug_assertions)
            && let Err(error) = ir::verify(&input.trace)
        {
            panic!("trace {} is not fit to compile: {error}\n{}", input.id.0, ir::text::print(&input.trace));
        }
        let facts = Facts::of(&input.trace, &self.config);
        if facts.buffer_words > self.config.buffer_words {
            let buffer_words = self.config.buffer_words;
            return Err(CompileError::TooManyValues { values: facts.buffer_words, buffer_words });
        }
        let mut lower = Lower::new(&mut self.asm, &self.config, self.stubs, input, facts);
        lower.marks = (input.dump.asm || input.dump.places).then(Vec::new);
        lower.run();
        let marks = lower.marks.take().unwrap_or_default();
        let Published { entry, region } = self.memory.publish(&lower.asm.code)?;
        let ways = Arc::new(lower.ways(entry));
        let direct_entry = lower.arrivals.direct.map_or(0, |label| entry + lower.asm.offset(label) as usize);
        let mut text = String::new();
        if input.dump.asm {
            text = dump::text(&self.asm, &input.trace, &marks);
        }
        self.places = dump::places(entry, input, &marks);
        let cells = input.targets.iter().map(|target| target.cell.clone()).chain([input.cell.clone()]);
        let cells = cells.chain(input.counted.clone()).collect();
        let code_bytes = self.asm.code.len();
        let exits = Some(input.exits);
        Ok(CompiledTrace { entry, direct_entry, ways: Some(ways), code_bytes, text, exits, region, _cells: cells })
    }

    /// One register allocation over many traces is not this backend's: units are refused.
    fn compile_unit(&mut self, _: &[Member]) -> Result<CompiledTrace, CompileError> {
        Err(CompileError::Rejected("a unit".to_string()))
    }

    fn take_places(&mut self) -> Vec<OpPlace> {
        std::mem::take(&mut self.places)
    }

    fn enter(&self) -> EnterFn {
        // SAFETY: the code at `enter` was written with exactly this signature and calling convention.
        unsafe { std::mem::transmute::<usize, EnterFn>(self.stubs.enter) }
    }

    fn stub(&self) -> usize {
        self.stubs.leave
    }

    unsafe fn free(&mut self, trace: CompiledTrace) {
        // SAFETY: the caller guarantees that nothing can run or reach the trace any more.
        unsafe {
            self.memory.release(trace.region);
            if let Some(exits) = trace.exits {
                exits.free();
            }
        }
    }

    fn code_bytes(&self) -> usize {
        self.memory.used_bytes()
    }
}
