//! Guest words: immediate and boxed floats, shapes.

use super::alloc::class_of;
use super::cold::Cold;
use super::encode::{Alu, Cc, Label, Mem, Shift};
use super::guards::exit_of;
use super::lower::Lower;
use super::regs::{Reg, TMP};
use crate::config::fresh_header;
use crate::tagging::{FLONUM_MASK, FLONUM_TAG, FLONUM_ZERO, RANGE_LENGTH, RANGE_START};
use ir::{Arg, ExitId, Op, OpCode, Ty};

/// The bits that are clear in every heap pointer.
pub(super) const POINTER_MASK: u8 = 7;

impl Lower<'_> {
    /// A guard on the test `index`, whether a word is a float, together with the unboxing that follows in most traces: one test
    /// serves both. How many operations that are.
    pub(super) fn guarded_is_flt(&mut self, index: usize, holds: bool, exit: ExitId) -> usize {
        let trace = self.trace;
        debug_assert_eq!(exit_of(&trace.ops[index + 1]), exit);
        let word = self.gpr(0);
        self.at = index as u32 + 1;
        if !holds {
            let way = self.exit(exit);
            self.test_flonum(word);
            self.asm.jump_if(Cc::Equal, way);
            // Most words that come here are objects.
            self.asm.test8_imm(word, POINTER_MASK);
            let tagged = self.asm.skip_if(Cc::NotEqual);
            self.asm.test(word, word);
            let null = self.asm.skip_if(Cc::Equal);
            self.test_float_header(word);
            self.asm.jump_if(Cc::Equal, way);
            self.asm.land(tagged);
            self.asm.land(null);
            self.leave_if_armed(exit, way);
            return 2;
        }
        let unbox = trace.ops.get(index + 2).is_some_and(|next| {
            next.code == OpCode::FltUnbox && next.args == trace.ops[index].args && self.facts.uses[index + 2] > 0
        });
        // Before the exit is noted: it may push others to the frame.
        let to = unbox.then(|| self.define(index + 2));
        let way = self.exit(exit);
        let (slow, back) = (self.asm.label(), self.asm.label());
        self.test_flonum(word);
        self.asm.jump_if(Cc::NotEqual, slow);
        if let Some(to) = to {
            self.decode_flonum(to, word);
        }
        self.asm.bind(back);
        self.leave_if_armed(exit, way);
        self.later(Cold::IsBoxed { slow, back, exit: way, word, to });
        if unbox { 3 } else { 2 }
    }

    /// Whether the word is a float: an immediate one, or a pointer to an object with the float header.
    pub(super) fn is_flt(&mut self, index: usize) {
        let word = self.gpr(0);
        let to = self.define(index);
        self.test_flonum(word);
        self.asm.set(Cc::Equal, to);
        self.asm.movzx8(to, to);
        let immediate = self.asm.skip_if(Cc::Equal);
        self.asm.test8_imm(word, POINTER_MASK);
        let tagged = self.asm.skip_if(Cc::NotEqual);
        self.asm.test(word, word);
        let null = self.asm.skip_if(Cc::Equal);
        self.test_float_header(word);
        self.asm.set(Cc::Equal, to);
        for skip in [immediate, tagged, null] {
            self.asm.land(skip);
        }
    }

    /// The rest of a guard that the word is a float: it is no immediate one.
    pub(super) fn boxed_or_leave(&mut self, word: Reg, exit: Label) {
        self.asm.test8_imm(word, POINTER_MASK);
        self.asm.jump_if(Cc::NotEqual, exit);
        self.asm.test(word, word);
        self.asm.jump_if(Cc::Equal, exit);
        self.test_float_header(word);
        self.asm.jump_if(Cc::NotEqual, exit);
    }

    /// `Equal` if the word is an immediate float.
    fn test_flonum(&mut self, word: Reg) {
        self.asm.mov32(TMP, word);
        self.asm.alu32_imm(Alu::And, TMP, FLONUM_MASK as i32);
        self.asm.alu32_imm(Alu::Cmp, TMP, FLONUM_TAG as i32);
    }

    fn test_float_header(&mut self, object: Reg) {
        self.asm.alu32_imm(Alu::Cmp, Mem::Base { base: object, disp: 0 }, self.config.float_header as i32);
    }

    pub(super) fn flt_unbox(&mut self, index: usize) {
        let word = self.gpr(0);
        let to = self.define(index);
        let (slow, back) = (self.asm.label(), self.asm.label());
        // Known to be a float, so one bit tells an immediate one from a pointer.
        self.asm.test8_imm(word, FLONUM_TAG as u8);
        self.asm.jump_if(Cc::Equal, slow);
        self.decode_flonum(to, word);
        self.asm.bind(back);
        self.later(Cold::Unbox { slow, back, word, to });
    }

    /// The inverse of [`Lower::flt_box`] for immediate floats.
    fn decode_flonum(&mut self, to: Reg, word: Reg) {
        self.asm.mov(TMP, word);
        self.asm.bit_test(TMP, 63);
        self.asm.alu_imm(Alu::Sbb, TMP, 0);
        self.asm.shift_imm(Shift::Ror, TMP, 3);
        let (zero_word, zero) = (self.asm.literal(FLONUM_ZERO), self.asm.literal(0));
        self.asm.alu(Alu::Cmp, word, zero_word);
        self.asm.cmov(Cc::Equal, TMP, zero);
        self.asm.movq_to(to, TMP);
    }

    /// Rotating left by three brings the sign and the two upper of the three top exponent bits to the bottom and the third of
    /// those to the top. In range the three are 011 or 100, so adding the third to the pair gives 10, the tag.
    pub(super) fn flt_box(&mut self, index: usize) {
        self.quiet_since += 1;
        let to = self.define(index);
        self.copy_arg(self.arg(0), to);
        let (slow, back) = (self.asm.label(), self.asm.label());
        self.asm.lea(TMP, Mem::Index { base: to, index: to, shift: 0, disp: 0 });
        let (start, length) = (self.asm.literal(RANGE_START + 1), self.asm.literal(RANGE_LENGTH));
        self.asm.alu(Alu::Sub, TMP, start);
        self.asm.alu(Alu::Cmp, TMP, length);
        self.asm.jump_if(Cc::AboveEqual, slow);
        self.asm.shift_imm(Shift::Rol, to, 3);
        self.asm.bit_test(to, 63);
        self.asm.alu_imm(Alu::Adc, to, 0);
        self.asm.bind(back);
        self.later(Cold::BoxFloat { slow, back, to });
    }

    /// The shape id: the low half of the header without its low bit, which is set.
    pub(super) fn shape(&mut self, index: usize) {
        let base = self.gpr(0);
        let to = self.define_over(index, 0).0;
        self.asm.mov32(to, Mem::Base { base, disp: 0 });
        self.asm.shift_imm(Shift::Shr, to, 1);
    }

    /// Writes the low half of the header; the collector's state in the other half stays.
    pub(super) fn set_shape(&mut self, op: &Op) {
        let base = self.gpr(0);
        let header = Mem::Base { base, disp: 0 };
        match op.args[1] {
            Arg::Int(shape) => self.asm.store32_imm(header, fresh_header(shape as u32) as i32),
            _ => {
                let shape = self.gpr(1);
                self.asm.lea(TMP, Mem::Index { base: shape, index: shape, shift: 0, disp: 1 });
                self.asm.store32(header, TMP);
            }
        }
    }

    /// Whether the operand is a float, in a register of that class.
    pub(super) fn is_float(&self, position: usize) -> bool {
        class_of(self.trace.ty(self.arg(position))) == class_of(Ty::Flt)
    }
}
