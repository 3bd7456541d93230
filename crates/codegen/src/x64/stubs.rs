//! Code that is made once: the way in, the way out, and the slow paths' stubs.
//!
//! A stub of a slow path keeps all registers but the scratch ones. Its arguments are in the two lowest words of the caller's
//! frame, where its result goes, too. What it saves lies on the stack, where the collector finds it.

use super::encode::{Alu, Asm, Mem};
use super::regs::{CTX, R8, R9, R10, R12, R13, R14, R15, RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP, Reg};
use crate::backend::CompileError;
use crate::config::Config;
use crate::memory::CodeMemory;

/// The addresses of the stubs.
#[derive(Clone, Copy, Default)]
pub(super) struct Stubs {
    pub(super) enter: usize,
    /// Returns to `enter` with the third argument.
    pub(super) leave: usize,
    /// Bytes, header.
    pub(super) alloc: usize,
    /// Bits.
    pub(super) box_float: usize,
    /// Object.
    pub(super) barrier: usize,
    /// Object, address.
    pub(super) barrier_item: usize,
}

impl Stubs {
    pub(super) fn make(config: &Config, memory: &mut CodeMemory) -> Result<Stubs, CompileError> {
        let mut asm = Asm::default();
        let heap = Some(config.heap_offset);
        let mut starts = [0; 6];
        for (at, start) in starts.iter_mut().enumerate() {
            asm.align(16);
            *start = asm.at() as usize;
            match at {
                0 => enter(&mut asm),
                1 => {
                    asm.mov(RAX, RDX);
                    asm.ret();
                }
                2 => slow_path(&mut asm, config.alloc_slow as usize, heap, true),
                3 => slow_path(&mut asm, config.box_float as usize, None, true),
                4 => slow_path(&mut asm, config.barrier_slow as usize, heap, false),
                _ => slow_path(&mut asm, config.barrier_item_slow as usize, heap, false),
            }
        }
        asm.finish();
        let base = memory.publish(&asm.code)?.entry;
        let [enter, leave, alloc, box_float, barrier, barrier_item] = starts.map(|start| base + start);
        Ok(Stubs { enter, leave, alloc, box_float, barrier, barrier_item })
    }
}

/// From `extern "C" fn(code, ctx, buf, selector)` to the convention of traces, which keeps no register.
fn enter(asm: &mut Asm) {
    const KEPT: [Reg; 6] = [RBP, RBX, R12, R13, R14, R15];
    // A frame pointer first, for whoever walks the stack.
    asm.push(RBP);
    asm.mov(RBP, RSP);
    for reg in &KEPT[1..] {
        asm.push(*reg);
    }
    asm.alu_imm(Alu::Sub, RSP, 8);
    asm.mov(RAX, RDI);
    asm.mov(RDI, RSI);
    asm.mov(RSI, RDX);
    asm.mov(RDX, RCX);
    asm.call_through(RAX);
    asm.alu_imm(Alu::Add, RSP, 8);
    for reg in KEPT.iter().rev() {
        asm.pop(*reg);
    }
    asm.ret();
}

/// Calls `function` with the context, or what lies in it at `first`, and the two words.
fn slow_path(asm: &mut Asm, function: usize, first: Option<i32>, returns: bool) {
    const SAVED: [Reg; 8] = [RAX, RCX, RDX, RSI, RDI, R8, R9, R10];
    const VECTORS: u8 = 15;
    // The return address and eight registers leave the stack eight bytes off.
    const BYTES: i32 = 16 * VECTORS as i32 + 8;
    let words = |index: i32| Mem::Base { base: RSP, disp: BYTES + 8 * (SAVED.len() as i32 + 1 + index) };
    let vector = |number: u8| Mem::Base { base: RSP, disp: 8 * i32::from(number) };
    for reg in SAVED {
        asm.push(reg);
    }
    asm.alu_imm(Alu::Sub, RSP, BYTES);
    for number in 0..VECTORS {
        asm.movsd_store(vector(number), Reg::xmm(number));
    }
    match first {
        Some(disp) => asm.mov(RDI, Mem::Base { base: CTX, disp }),
        None => asm.mov(RDI, CTX),
    }
    asm.mov(RSI, words(0));
    asm.mov(RDX, words(1));
    asm.mov_imm(RAX, function as u64);
    asm.call_through(RAX);
    if returns {
        asm.store(words(0), RAX);
    }
    for number in 0..VECTORS {
        asm.movsd_load(Reg::xmm(number), vector(number));
    }
    asm.alu_imm(Alu::Add, RSP, BYTES);
    for reg in SAVED.iter().rev() {
        asm.pop(*reg);
    }
    asm.ret();
}
