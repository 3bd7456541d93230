//! The Cranelift backend.
//!
//! Every trace, or unit of traces, becomes one function of calling convention `tail`, so that exits, bridges and jumps between traces are
//! jumps that leave no frame behind:
//!
//! ```text
//! fn(ctx, buf, selector) -> left
//! ```
//!
//! The selector's sign bit picks the entry: clear for the start (inputs in the buffer), set for the label (phis in the
//! buffer); in a unit of several roots its low half says which one. The only relocations the code may need are internal, so finished code is a byte string that is copied to
//! its place; no linker is involved.

mod analysis;
mod arith;
mod calls;
mod exits;
mod guest;
mod lower;
mod objects;
mod slow;

use crate::backend::{Backend, CompileError, CompileInput, CompiledTrace, EnterFn, Member, OpPlace, TraceCell};
use crate::config::Config;
use crate::memory::{CodeMemory, Published};
use analysis::Facts;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{AbiParam, Function, InstBuilder, Signature, Value, types};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Final, MachSrcLoc};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use ir::TraceId;
use lower::Piece;
use std::sync::Arc;

/// A [`Backend`] on Cranelift: x86-64 and aarch64.
pub struct CraneliftBackend {
    config: Config,
    isa: OwnedTargetIsa,
    memory: CodeMemory,
    context: cranelift_codegen::Context,
    builder: FunctionBuilderContext,
    enter: EnterFn,
    stub: usize,
    slow: slow::SlowPaths,
    /// See [`Backend::take_places`].
    places: Vec<OpPlace>,
}

impl CraneliftBackend {
    /// Reserves code memory and compiles the stubs for entries, exits and slow paths.
    pub fn new(config: Config) -> Result<CraneliftBackend, CompileError> {
        let memory = CodeMemory::reserve(config.code_bytes)?;
        CraneliftBackend::in_memory(config, memory)
    }

    /// The same, with code in that memory.
    pub fn in_memory(config: Config, memory: CodeMemory) -> Result<CraneliftBackend, CompileError> {
        let isa = target()?;
        let mut backend = CraneliftBackend {
            config,
            isa,
            memory,
            context: cranelift_codegen::Context::new(),
            builder: FunctionBuilderContext::new(),
            enter: not_yet,
            stub: 0,
            slow: slow::SlowPaths::default(),
            places: Vec::new(),
        };
        backend.stub = backend.small_function(trace_signature(), |fb, params| {
            fb.ins().return_(&[params[2]]);
        })?;
        let mut outer = Signature::new(CallConv::triple_default(backend.isa.triple()));
        outer.params.extend([AbiParam::new(types::I64); 4]);
        outer.returns.push(AbiParam::new(types::I64));
        let enter = backend.small_function(outer, |fb, params| {
            let signature = fb.import_signature(trace_signature());
            let call = fb.ins().call_indirect(signature, params[0], &params[1..4]);
            let left = fb.inst_results(call)[0];
            fb.ins().return_(&[left]);
        })?;
        // SAFETY: the code at `enter` was just compiled with exactly this signature and calling convention.
        backend.enter = unsafe { std::mem::transmute::<usize, EnterFn>(enter) };
        backend.slow = slow::SlowPaths::compile(&mut backend)?;
        Ok(backend)
    }

    fn small_function(
        &mut self,
        signature: Signature,
        body: impl FnOnce(&mut FunctionBuilder, &[Value]),
    ) -> Result<usize, CompileError> {
        self.context.clear();
        self.context.func.signature = signature;
        let mut fb = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
        let entry = fb.create_block();
        fb.append_block_params_for_function_params(entry);
        fb.switch_to_block(entry);
        let params = fb.block_params(entry).to_vec();
        body(&mut fb, &params);
        fb.seal_all_blocks();
        fb.finalize(self.isa.frontend_config());
        Ok(self.emit()?.0.entry)
    }

    /// Compiles the function in `self.context` and publishes its code; also the bytes of code.
    fn emit(&mut self) -> Result<(Published, usize), CompileError> {
        self.context
            .compile(&*self.isa, &mut ControlPlane::default())
            .map_err(|error| CompileError::Rejected(format!("{:?}", error.inner)))?;
        let compiled = self.context.compiled_code().expect("compiled above");
        if let Some(reloc) = compiled.buffer.relocs().first() {
            return Err(CompileError::Rejected(format!("external relocation {:?}", reloc.target)));
        }
        let code = compiled.code_buffer();
        Ok((self.memory.publish(code)?, code.len()))
    }

    /// Where the operations lie in the code just compiled, which starts at `entry`; a source location is an index into `located`.
    fn places_of(&self, entry: usize, located: &[(TraceId, u32)]) -> Vec<OpPlace> {
        let Some(code) = self.context.compiled_code() else { return Vec::new() };
        let place = |at: &MachSrcLoc<Final>| {
            let &(trace, op) = located.get(at.loc.bits() as usize)?;
            Some(OpPlace { from: entry + at.start as usize, to: entry + at.end as usize, trace, op })
        };
        code.buffer.get_srclocs_sorted().iter().filter_map(place).collect()
    }

    fn check_buffer(&self, facts: &Facts) -> Result<(), CompileError> {
        let buffer_words = self.config.buffer_words;
        match facts.buffer_words_needed {
            values if values > buffer_words => Err(CompileError::TooManyValues { values, buffer_words }),
            _ => Ok(()),
        }
    }
}

impl Backend for CraneliftBackend {
    fn compile(&mut self, input: &CompileInput) -> Result<CompiledTrace, CompileError> {
        let mut code = self.compile_unit(&[Member { input, parent: None }])?;
        code.exits = Some(input.exits);
        Ok(code)
    }

    fn compile_unit(&mut self, members: &[Member]) -> Result<CompiledTrace, CompileError> {
        let dump = members[0].input.dump;
        let mut pieces = Vec::with_capacity(members.len());
        for &Member { input, parent } in members {
            if cfg!(debug_assertions)
                && let Err(error) = ir::verify(&input.trace)
            {
                panic!("trace {} is not fit to compile: {error}\n{}", input.id.0, ir::text::print(&input.trace));
            }
            let facts = Facts::of(&input.trace, &self.config);
            self.check_buffer(&facts)?;
            pieces.push(Piece { input, parent, facts });
        }

        self.context.clear();
        self.context.set_disasm(dump.asm);
        self.context.func = Function::new();
        self.context.func.signature = trace_signature();
        let fb = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
        let call_conv = CallConv::triple_default(self.isa.triple());
        let mut lower = lower::Lower::new(fb, &self.config, self.slow, &pieces, call_conv);
        lower.run();
        let located = std::mem::take(&mut lower.located);
        lower.finish(self.isa.frontend_config());

        let mut text = String::new();
        if dump.clif {
            text = self.context.func.display().to_string();
        }
        let (Published { entry, region }, code_bytes) = self.emit()?;
        if let Some(asm) = self.context.compiled_code().and_then(|code| code.vcode.as_ref()) {
            text.push_str(asm);
        }
        self.places = self.places_of(entry, &located);
        let cells_of = |input: &CompileInput| {
            input.targets.iter().map(|target| target.cell.clone()).chain([input.cell.clone()]).collect()
        };
        let cells: Vec<Arc<TraceCell>> =
            members.iter().flat_map(|member| -> Vec<_> { cells_of(member.input) }).collect();
        let (direct_entry, ways, exits) = (0, None, None);
        Ok(CompiledTrace { entry, direct_entry, ways, code_bytes, text, exits, region, _cells: cells })
    }

    fn take_places(&mut self) -> Vec<OpPlace> {
        std::mem::take(&mut self.places)
    }

    fn enter(&self) -> EnterFn {
        self.enter
    }

    fn stub(&self) -> usize {
        self.stub
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

fn target() -> Result<OwnedTargetIsa, CompileError> {
    let rejected = |message: String| CompileError::Rejected(message);
    let mut flags = settings::builder();
    let verifier = if cfg!(debug_assertions) { "true" } else { "false" };
    for (name, value) in [
        // Traces come optimised. Cranelift's own rewriting takes two thirds of its time on them and leaves the same code.
        ("opt_level", "none"),
        ("enable_verifier", verifier),
        ("preserve_frame_pointers", "true"),
        ("is_pic", "false"),
        ("enable_probestack", "false"),
        ("unwind_info", "false"),
    ] {
        flags.set(name, value).map_err(|error| rejected(error.to_string()))?;
    }
    let builder = cranelift_native::builder().map_err(|message| rejected(message.to_string()))?;
    builder.finish(settings::Flags::new(flags)).map_err(|error| rejected(error.to_string()))
}

/// `fn(ctx, buf, selector) -> left`.
fn trace_signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([AbiParam::new(types::I64); 3]);
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

extern "C" fn not_yet(_: usize, _: *mut u8, _: *mut u64, _: u64) -> u64 {
    unreachable!("the trampoline is compiled in `CraneliftBackend::new`")
}
