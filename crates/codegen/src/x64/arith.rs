//! Operations that compute: integers, floats, truth values.

use super::alloc::Operand;
use super::cold::Cold;
use super::encode::{Alu, Cc, Mem, Rm, Shift, Sse, Unary};
use super::lower::Lower;
use super::regs::{FTMP, RAX, RCX, RDX, Reg, TMP};
use ir::{Arg, Op, OpCode};

impl Lower<'_> {
    /// An operation whose result is a value and which is no test.
    pub(super) fn compute(&mut self, index: usize, op: &Op) {
        match op.code {
            OpCode::IntAdd | OpCode::IntSub | OpCode::IntMul => self.int_arith(index, op.code, false),
            OpCode::IntAnd => self.bitwise(index, Alu::And),
            OpCode::IntOr => self.bitwise(index, Alu::Or),
            OpCode::IntXor => self.bitwise(index, Alu::Xor),
            OpCode::IntFloordiv | OpCode::IntMod => self.floordiv_mod(index, op),
            OpCode::IntShl => self.shift(index, Shift::Shl),
            OpCode::IntShr => self.shift(index, Shift::Sar),
            OpCode::IntUshr => self.shift(index, Shift::Shr),
            OpCode::IntNeg => {
                let to = self.define_from(index, 0);
                self.asm.unary(Unary::Neg, to);
            }
            OpCode::IntInvert => {
                let to = self.define_from(index, 0);
                self.asm.unary(Unary::Not, to);
            }
            OpCode::IntSext8 | OpCode::IntSext16 | OpCode::IntSext32 => {
                let from = self.rm(0);
                let to = self.define_over(index, 0).0;
                match op.code {
                    OpCode::IntSext8 => self.asm.movsx8(to, from),
                    OpCode::IntSext16 => self.asm.movsx16(to, from),
                    _ => self.asm.movsx32(to, from),
                }
            }
            OpCode::IntToFlt => {
                let from = self.rm(0);
                let to = self.define(index);
                // The conversion keeps the upper half of the register, and would wait for whoever wrote that.
                self.asm.xorps(to, to);
                self.asm.int_to_double(to, from);
            }
            OpCode::FltAdd => self.float_arith(index, Sse::Add, true),
            OpCode::FltSub => self.float_arith(index, Sse::Sub, false),
            OpCode::FltMul => self.float_arith(index, Sse::Mul, true),
            OpCode::FltDiv => self.float_arith(index, Sse::Div, false),
            OpCode::FltNeg => {
                let to = self.define_from(index, 0);
                self.asm.ones(FTMP);
                self.asm.shift_left_bits(FTMP, 63);
                self.asm.xorps(to, FTMP);
            }
            OpCode::FltAbs => {
                let to = self.define_from(index, 0);
                self.asm.ones(FTMP);
                self.asm.shift_right_bits(FTMP, 1);
                self.asm.andps(to, FTMP);
            }
            OpCode::FltSqrt => {
                let from = self.rm(0);
                let to = self.define_over(index, 0).0;
                self.asm.sse(Sse::Sqrt, to, from);
            }
            OpCode::FltFloor | OpCode::FltTrunc => {
                let from = self.rm(0);
                let to = self.define_over(index, 0).0;
                let mode = if op.code == OpCode::FltFloor { 1 } else { 3 };
                self.asm.round(to, from, mode);
            }
            OpCode::FltToInt => self.flt_to_int(index),
            // The same bits in a register of the other class.
            OpCode::FltBits | OpCode::FltFromBits => {
                let to = self.define(index);
                self.copy_arg(op.args[0], to);
            }
            OpCode::BoolNot => {
                let to = self.define_from(index, 0);
                self.asm.alu32_imm(Alu::Xor, to, 1);
            }
            OpCode::BoolToInt => {
                self.define_from(index, 0);
            }
            OpCode::IntBox => {
                let from = self.gpr(0);
                let to = self.define_over(index, 0).0;
                self.asm.lea(to, Mem::Index { base: from, index: from, shift: 0, disp: 1 });
            }
            OpCode::IntUnbox => {
                let to = self.define_from(index, 0);
                self.asm.shift_imm(Shift::Sar, to, 1);
            }
            OpCode::BoolBox => self.bool_box(index),
            OpCode::IntAddOverflows
            | OpCode::IntSubOverflows
            | OpCode::IntMulOverflows
            | OpCode::IntFits
            | OpCode::IntFits62
            | OpCode::IntFits31
            | OpCode::IntLt
            | OpCode::IntLe
            | OpCode::IntEq
            | OpCode::IntNe
            | OpCode::IntGt
            | OpCode::IntGe
            | OpCode::IntUlt
            | OpCode::FltLt
            | OpCode::FltLe
            | OpCode::FltEq
            | OpCode::FltNe
            | OpCode::FltGt
            | OpCode::FltGe
            | OpCode::RefEq
            | OpCode::IsInt
            | OpCode::IsNull => {
                let test = self.test(op).expect("a test");
                self.test_to_value(index, test);
            }
            // All others by name, so that a new row of the table is missed here when this is compiled, not when it runs.
            OpCode::Input
            | OpCode::Phi
            | OpCode::Label
            | OpCode::IsFlt
            | OpCode::FltBox
            | OpCode::FltUnbox
            | OpCode::Shape
            | OpCode::SetShape
            | OpCode::GetField
            | OpCode::SetField
            | OpCode::InitField
            | OpCode::GetItem
            | OpCode::SetItem
            | OpCode::InitItem
            | OpCode::LoadBytes
            | OpCode::RawLoad
            | OpCode::RawStore
            | OpCode::New
            | OpCode::NewItems
            | OpCode::Call
            | OpCode::CallSlice
            | OpCode::GuardTrue
            | OpCode::GuardFalse
            | OpCode::GuardValue
            | OpCode::StillValid
            | OpCode::AssumeTrue
            | OpCode::AssumeFalse
            | OpCode::AssumeValue
            | OpCode::ExpectSmall
            | OpCode::JumpLabel
            | OpCode::JumpLoop
            | OpCode::JumpBody
            | OpCode::Leave
            | OpCode::FinishReturn
            | OpCode::FinishRaise => unreachable!("{:?} does not compute", op.code),
        }
    }

    /// The positions of the operands of an operation that commutes: first the one to be overwritten.
    fn commuted(&self) -> (usize, usize) {
        let (a, b) = (self.arg(0), self.arg(1));
        let in_dying_register = |arg: Arg| {
            self.facts
                .entity(arg)
                .is_some_and(|id| id < self.facts.values && self.regs.place(id).reg.is_some() && self.dies(id))
        };
        let swap = a.is_const() && !b.is_const() || !in_dying_register(a) && in_dying_register(b);
        if swap { (1, 0) } else { (0, 1) }
    }

    /// A sum, difference or product; `flags`: the overflow flag is wanted.
    pub(super) fn int_arith(&mut self, index: usize, code: OpCode, flags: bool) {
        let (first, second) = if code == OpCode::IntSub { (0, 1) } else { self.commuted() };
        let other = self.operand(second);
        if code == OpCode::IntMul
            && let Operand::Imm(factor) = other
            && !self.arg(first).is_const()
        {
            let from = self.rm(first);
            let to = self.define_over(index, first).0;
            return self.asm.imul_imm(to, from, factor);
        }
        if !flags
            && code != OpCode::IntMul
            && let Some(base) = self.lasting_register(first)
        {
            let address = match (other, code) {
                (Operand::Imm(disp), OpCode::IntAdd) => Some(Mem::Base { base, disp }),
                (Operand::Imm(imm), _) => imm.checked_neg().map(|disp| Mem::Base { base, disp }),
                (Operand::Rm(Rm::Reg(other)), OpCode::IntAdd) => {
                    Some(Mem::Index { base, index: other, shift: 0, disp: 0 })
                }
                _ => None,
            };
            if let Some(address) = address {
                self.regs.locked = self.regs.locked.or(base.bit());
                let to = self.define(index);
                return self.asm.lea(to, address);
            }
        }
        let to = self.define_from(index, first);
        match (code, other) {
            (OpCode::IntMul, Operand::Rm(other)) => self.asm.imul(to, other),
            (OpCode::IntMul, Operand::Imm(factor)) => self.asm.imul_imm(to, to, factor),
            (_, other) => {
                let op = if code == OpCode::IntAdd { Alu::Add } else { Alu::Sub };
                self.alu(op, to, other);
            }
        }
    }

    /// The register of an operand that somebody reads later.
    fn lasting_register(&self, position: usize) -> Option<Reg> {
        let id = self.facts.entity(self.arg(position))?;
        self.regs.place(id).reg.filter(|_| !self.dies(id))
    }

    fn alu(&mut self, op: Alu, to: Reg, other: Operand) {
        match other {
            Operand::Rm(other) => self.asm.alu(op, to, other),
            Operand::Imm(word) => self.asm.alu_imm(op, to, word),
        }
    }

    fn bitwise(&mut self, index: usize, op: Alu) {
        let (first, second) = self.commuted();
        let other = self.operand(second);
        let to = self.define_from(index, first);
        self.alu(op, to, other);
    }

    fn shift(&mut self, index: usize, op: Shift) {
        if let Arg::Int(bits) = self.arg(1) {
            let to = self.define_from(index, 0);
            if bits & 63 != 0 {
                self.asm.shift_imm(op, to, bits as u8 & 63);
            }
            return;
        }
        let count = self.facts.entity(self.arg(1)).and_then(|id| self.regs.place(id).reg);
        if count == Some(RCX) {
            self.regs.locked = self.regs.locked.or(RCX.bit());
        } else {
            self.claim(RCX);
            self.copy_arg(self.arg(1), RCX);
        }
        let to = self.define_from(index, 0);
        self.asm.shift(op, to);
    }

    fn float_arith(&mut self, index: usize, op: Sse, commutes: bool) {
        let (first, second) = if commutes { self.commuted() } else { (0, 1) };
        let other = self.rm(second);
        let to = self.define_from(index, first);
        self.asm.sse(op, to, other);
    }

    /// Towards zero; the instruction gives `i64::MIN` for all that does not fit.
    fn flt_to_int(&mut self, index: usize) {
        let from = self.xmm(0);
        let to = self.define(index);
        self.asm.double_to_int(to, from);
        self.asm.alu_imm(Alu::Cmp, to, 1);
        let (slow, back) = (self.asm.label(), self.asm.label());
        self.asm.jump_if(Cc::Overflow, slow);
        self.asm.bind(back);
        self.later(Cold::Saturate { slow, back, to, from });
    }

    fn bool_box(&mut self, index: usize) {
        if let Arg::Bool(known) = self.arg(0) {
            let to = self.define(index);
            let word = if known { self.config.true_word } else { self.config.false_word };
            return self.asm.mov_imm(to, word);
        }
        let condition = self.gpr(0);
        let to = self.define(index);
        self.asm.mov_imm(TMP, self.config.true_word);
        self.asm.mov_imm(to, self.config.false_word);
        self.asm.test32(condition, condition);
        self.asm.cmov(Cc::NotEqual, to, TMP);
    }

    /// Quotient or remainder with floor rounding.
    fn floordiv_mod(&mut self, index: usize, op: &Op) {
        let is_quotient = op.code == OpCode::IntFloordiv;
        match op.args[1] {
            Arg::Int(0) => {
                let to = self.define(index);
                self.asm.mov_imm(to, 0);
            }
            Arg::Int(b) if b > 0 && b & (b - 1) == 0 => {
                let to = self.define_from(index, 0);
                if !is_quotient {
                    match i32::try_from(b - 1) {
                        Ok(mask) => self.asm.alu_imm(Alu::And, to, mask),
                        Err(_) => {
                            let mask = self.asm.literal(b as u64 - 1);
                            self.asm.alu(Alu::And, to, mask);
                        }
                    }
                } else if b > 1 {
                    self.asm.shift_imm(Shift::Sar, to, b.trailing_zeros() as u8);
                }
            }
            Arg::Int(b) if b > 0 => self.floordiv_mod_by(index, b as u64, is_quotient),
            _ => self.floordiv_mod_any(index, is_quotient),
        }
    }

    /// By a positive constant that is no power of two: a multiplication.
    ///
    /// For a >= 0 this is Granlund and Montgomery's division by invariant integers (PLDI 1994, theorem 4.2) for 63 bits:
    /// with l = ceil(log2 b) and m = floor(2^(63+l) / b) + 1, floor(a / b) is floor(a * m / 2^(63+l)). For a < 0,
    /// floor(a / b) is !floor(!a / b), and !a >= 0.
    fn floordiv_mod_by(&mut self, index: usize, b: u64, is_quotient: bool) {
        let ceil_log = 64 - (b - 1).leading_zeros();
        let multiplier = ((1u128 << (63 + ceil_log)) / u128::from(b) + 1) as u64;
        self.claim(RAX);
        self.claim(RDX);
        let a = self.gpr(0);
        self.asm.mov(TMP, a);
        self.asm.shift_imm(Shift::Sar, TMP, 63);
        self.asm.mov(RAX, a);
        self.asm.alu(Alu::Xor, RAX, TMP);
        let multiplier = self.asm.literal(multiplier);
        self.asm.unary(Unary::Mul, multiplier);
        self.asm.shift_imm(Shift::Shr, RDX, ceil_log as u8 - 1);
        self.asm.alu(Alu::Xor, RDX, TMP);
        if !is_quotient {
            match i32::try_from(b) {
                Ok(b) => self.asm.imul_imm(RAX, RDX, b),
                Err(_) => {
                    self.asm.mov(RAX, RDX);
                    let b = self.asm.literal(b);
                    self.asm.imul(RAX, b);
                }
            }
            self.asm.mov(RDX, a);
            self.asm.alu(Alu::Sub, RDX, RAX);
        }
        self.regs.give(RDX, index as u32);
    }

    /// The instruction rounds towards zero, and traps for the divisors 0 and -1.
    fn floordiv_mod_any(&mut self, index: usize, is_quotient: bool) {
        self.claim(RAX);
        self.claim(RDX);
        let b = self.gpr(1);
        self.copy_arg(self.arg(0), RAX);
        self.asm.lea(TMP, Mem::Base { base: b, disp: 1 });
        self.asm.alu_imm(Alu::Cmp, TMP, 1);
        let (slow, back) = (self.asm.label(), self.asm.label());
        self.asm.jump_if(Cc::BelowEqual, slow);
        self.asm.cqo();
        self.asm.unary(Unary::Idiv, b);
        // One step down if the remainder is not zero and its sign is not the divisor's.
        self.asm.test(RDX, RDX);
        let exact = self.asm.skip_if(Cc::Equal);
        if is_quotient {
            self.asm.alu(Alu::Xor, RDX, b);
        } else {
            self.asm.mov(TMP, RDX);
            self.asm.alu(Alu::Xor, TMP, b);
        }
        let same_sign = self.asm.skip_if(Cc::NoSign);
        match is_quotient {
            true => self.asm.alu_imm(Alu::Sub, RAX, 1),
            false => self.asm.alu(Alu::Add, RDX, b),
        }
        self.asm.land(exact);
        self.asm.land(same_sign);
        self.asm.bind(back);
        self.later(Cold::Divide { slow, back, by: b, is_quotient });
        self.regs.give(if is_quotient { RAX } else { RDX }, index as u32);
    }
}
