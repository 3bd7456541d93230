//! What is hardly ever run, behind the trace: slow paths, and the entry at the label.
//!
//! Slow paths are called through stubs that keep all registers; arguments and result are in two words of the frame.

use super::alloc::Loc;
use super::encode::{Alu, Cc, Label, Mem};
use super::lower::Lower;
use super::regs::{FTMP, RAX, RDX, RSP, Reg, TMP};
use crate::tagging::FLONUM_ZERO;

pub(super) enum Cold {
    /// Into the loop, with the phis in the buffer.
    BodyEntry {
        entry: Label,
        preheader: Label,
        loads: Vec<(usize, Loc)>,
    },
    Alloc {
        slow: Label,
        back: Label,
        to: Reg,
        bytes: u32,
        header: i32,
    },
    /// `to` holds the bits.
    BoxFloat {
        slow: Label,
        back: Label,
        to: Reg,
    },
    Barrier {
        slow: Label,
        back: Label,
        object: Reg,
        item: Option<Mem>,
    },
    /// A guard on a word that is no immediate float, and its unboxing.
    IsBoxed {
        slow: Label,
        back: Label,
        exit: Label,
        word: Reg,
        to: Option<Reg>,
    },
    Unbox {
        slow: Label,
        back: Label,
        word: Reg,
        to: Reg,
    },
    /// A conversion gave `i64::MIN`.
    Saturate {
        slow: Label,
        back: Label,
        to: Reg,
        from: Reg,
    },
    /// By 0 or -1; rax holds the dividend.
    Divide {
        slow: Label,
        back: Label,
        by: Reg,
        is_quotient: bool,
    },
}

impl Lower<'_> {
    /// To be emitted behind the trace, as code of the operation at hand.
    pub(super) fn later(&mut self, cold: Cold) {
        self.cold.push((self.op as u32, cold));
    }

    pub(super) fn emit_cold(&mut self) {
        for (op, cold) in std::mem::take(&mut self.cold) {
            self.mark(op as usize);
            let back = self.emit_one(cold);
            self.asm.jump(back);
        }
    }

    /// Emits a path; where it goes on.
    fn emit_one(&mut self, cold: Cold) -> Label {
        match cold {
            Cold::BodyEntry { entry, preheader, loads } => {
                self.asm.bind(entry);
                for (index, to) in loads {
                    self.load_phi(index, to);
                }
                preheader
            }
            Cold::Alloc { slow, back, to, bytes, header } => {
                self.asm.bind(slow);
                self.slow_alloc(to, bytes, header);
                back
            }
            Cold::BoxFloat { slow, back, to } => {
                self.asm.bind(slow);
                self.asm.test(to, to);
                let other = self.asm.skip_if(Cc::NotEqual);
                self.asm.mov_imm(to, FLONUM_ZERO);
                self.asm.jump(back);
                self.asm.land(other);
                self.asm.store(self.slow_word(0), to);
                self.call_stub(self.stubs.box_float);
                self.asm.mov(to, self.slow_word(0));
                back
            }
            Cold::Barrier { slow, back, object, item } => {
                self.asm.bind(slow);
                self.asm.store(self.slow_word(0), object);
                match item {
                    None => self.call_stub(self.stubs.barrier),
                    Some(item) => {
                        self.asm.lea(TMP, item);
                        self.asm.store(self.slow_word(1), TMP);
                        self.call_stub(self.stubs.barrier_item);
                    }
                }
                back
            }
            Cold::IsBoxed { slow, back, exit, word, to } => {
                self.asm.bind(slow);
                self.boxed_or_leave(word, exit);
                if let Some(to) = to {
                    self.load_boxed(to, word);
                }
                back
            }
            Cold::Unbox { slow, back, word, to } => {
                self.asm.bind(slow);
                self.load_boxed(to, word);
                back
            }
            Cold::Saturate { slow, back, to, from } => {
                self.asm.bind(slow);
                self.asm.ucomisd(from, from);
                let number = self.asm.skip_if(Cc::NoParity);
                self.asm.mov_imm(to, 0);
                self.asm.jump(back);
                self.asm.land(number);
                self.asm.xorps(FTMP, FTMP);
                self.asm.ucomisd(from, FTMP);
                self.asm.jump_if(Cc::BelowEqual, back);
                self.asm.mov_imm(to, i64::MAX as u64);
                back
            }
            Cold::Divide { slow, back, by, is_quotient } => {
                self.asm.bind(slow);
                match is_quotient {
                    // a // -1 is -a, and a // 0 is 0: a times the divisor.
                    true => self.asm.imul(RAX, by),
                    false => self.asm.alu32(Alu::Xor, RDX, RDX),
                }
                back
            }
        }
    }

    fn slow_word(&self, index: i32) -> Mem {
        Mem::Base { base: RSP, disp: self.frame.slow + 8 * index }
    }

    /// A fresh object with its header, from the allocator's slow path.
    pub(super) fn slow_alloc(&mut self, to: Reg, bytes: u32, header: i32) {
        self.asm.store_imm(self.slow_word(0), bytes as i32);
        self.asm.store_imm(self.slow_word(1), header);
        self.call_stub(self.stubs.alloc);
        self.asm.mov(to, self.slow_word(0));
    }

    fn load_boxed(&mut self, to: Reg, word: Reg) {
        self.asm.movsd_load(to, Mem::Base { base: word, disp: self.config.float_bits_offset });
    }

    fn call_stub(&mut self, stub: usize) {
        let address = self.asm.literal(stub as u64);
        self.asm.call_through(address);
    }
}
