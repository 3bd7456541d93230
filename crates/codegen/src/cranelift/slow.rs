//! Slow paths that disturb nothing.
//!
//! The paths that are hardly ever taken (a full nursery, a barrier that has something to say, a float out of the immediate
//! range) are called through stubs of convention `preserve_all`. So the trace's values stay in their registers across them and the
//! fast path pays for no spill. The stub saves all registers in its frame, where the collector's scan of the stack
//! finds them. The convention has no results: a result comes back in the buffer's first word.

use super::CraneliftBackend;
use super::lower::Lower;
use crate::backend::CompileError;
use cranelift_codegen::ir::{AbiParam, InstBuilder, MemFlagsData, Signature, Value, types};
use cranelift_codegen::isa::CallConv;

/// The addresses of the stubs. The first two parameters of each are context and buffer, which so stay in the registers in
/// which the trace got them; here are the others.
#[derive(Clone, Copy, Default)]
pub(super) struct SlowPaths {
    /// Bytes, header.
    alloc: usize,
    /// Bits.
    box_float: usize,
    /// Object.
    barrier: usize,
    /// Object, address.
    barrier_item: usize,
}

impl SlowPaths {
    pub(super) fn compile(backend: &mut CraneliftBackend) -> Result<SlowPaths, CompileError> {
        let (alloc, box_float) = (backend.config.alloc_slow as usize, backend.config.box_float as usize);
        let (barrier, barrier_item) = (backend.config.barrier_slow as usize, backend.config.barrier_item_slow as usize);
        let heap = Some(backend.config.heap_offset);
        Ok(SlowPaths {
            alloc: stub(backend, alloc, heap, 2, true)?,
            box_float: stub(backend, box_float, None, 1, true)?,
            barrier: stub(backend, barrier, heap, 1, false)?,
            barrier_item: stub(backend, barrier_item, heap, 2, false)?,
        })
    }
}

/// A stub that calls `function` with the context, or what lies in it at `first`, and `others` more words.
fn stub(
    backend: &mut CraneliftBackend,
    function: usize,
    first: Option<i32>,
    others: usize,
    returns: bool,
) -> Result<usize, CompileError> {
    let mut inner = Signature::new(CallConv::triple_default(backend.isa.triple()));
    inner.params.extend(vec![AbiParam::new(types::I64); 1 + others]);
    if returns {
        inner.returns.push(AbiParam::new(types::I64));
    }
    backend.small_function(stub_signature(2 + others), |fb, params| {
        let inner = fb.import_signature(inner);
        let address = fb.ins().iconst(types::I64, function as i64);
        let mut arguments = vec![params[0]];
        if let Some(offset) = first {
            arguments[0] = fb.ins().load(types::I64, MemFlagsData::trusted(), params[0], offset);
        }
        arguments.extend_from_slice(&params[2..]);
        let call = fb.ins().call_indirect(inner, address, &arguments);
        if let Some(&result) = fb.inst_results(call).first() {
            fb.ins().store(MemFlagsData::trusted(), result, params[1], 0);
        }
        fb.ins().return_(&[]);
    })
}

fn stub_signature(params: usize) -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    signature.params.extend(vec![AbiParam::new(types::I64); params]);
    signature
}

impl Lower<'_> {
    /// A fresh object with its header, from the allocator's slow path.
    pub(super) fn slow_alloc(&mut self, bytes: u32, header: u64) -> Value {
        let (bytes, header) = (self.word(u64::from(bytes)), self.word(header));
        self.call_stub(self.slow.alloc, &[bytes, header]);
        self.slow_result()
    }

    pub(super) fn slow_box_float(&mut self, bits: Value) -> Value {
        self.call_stub(self.slow.box_float, &[bits]);
        self.slow_result()
    }

    pub(super) fn slow_barrier(&mut self, object: Value, item: Option<Value>) {
        match item {
            None => self.call_stub(self.slow.barrier, &[object]),
            Some(address) => self.call_stub(self.slow.barrier_item, &[object, address]),
        }
    }

    fn call_stub(&mut self, stub: usize, others: &[Value]) {
        let signature = match self.stub_signatures[others.len() - 1] {
            Some(signature) => signature,
            None => self.fb.import_signature(stub_signature(2 + others.len())),
        };
        self.stub_signatures[others.len() - 1] = Some(signature);
        let mut arguments = vec![self.ctx, self.buf];
        arguments.extend_from_slice(others);
        let address = self.word(stub as u64);
        self.fb.ins().call_indirect(signature, address, &arguments);
    }

    fn slow_result(&mut self) -> Value {
        self.fb.ins().load(types::I64, self.memory.buffer, self.buf, 0)
    }
}
