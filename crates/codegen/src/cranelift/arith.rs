//! Operations that compute: integers, floats, conditions.

use super::lower::Lower;
use cranelift_codegen::ir::{
    InstBuilder, MemFlagsData, Value,
    condcodes::{FloatCC, IntCC},
    types,
};
use ir::{Arg, Op, OpCode};

impl Lower<'_> {
    /// The value of an operation of the table's first group; `None` for all others.
    pub(super) fn arith(&mut self, op: &Op) -> Option<Value> {
        Some(match op.code {
            OpCode::IntAdd | OpCode::IntSub | OpCode::IntMul => self.int_arith(op),
            OpCode::IntAddOverflows => self.with_overflow(OpCode::IntAdd, op).1,
            OpCode::IntSubOverflows => self.with_overflow(OpCode::IntSub, op).1,
            OpCode::IntMulOverflows => self.with_overflow(OpCode::IntMul, op).1,
            OpCode::IntFits => {
                let a = self.arg(op.args[0]);
                let offset = self.fits_offset();
                let moved = self.fb.ins().iadd(a, offset);
                self.fb.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, moved, 0)
            }
            OpCode::IntFits62 => {
                let a = self.arg(op.args[0]);
                let high = self.fb.ins().ishl_imm_u(a, 2);
                let back = self.fb.ins().sshr_imm_u(high, 2);
                self.fb.ins().icmp(IntCC::Equal, back, a)
            }
            OpCode::IntFits31 => {
                let a = self.arg(op.args[0]);
                let moved = self.fb.ins().iadd_imm_s(a, 1 << 30);
                self.fb.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, moved, i64::from(i32::MAX))
            }
            OpCode::IntFloordiv => self.floordiv_mod(op).0,
            OpCode::IntMod => self.floordiv_mod(op).1,
            OpCode::IntAnd => self.binary(op, |lower, a, b| lower.fb.ins().band(a, b)),
            OpCode::IntOr => self.binary(op, |lower, a, b| lower.fb.ins().bor(a, b)),
            OpCode::IntXor => self.binary(op, |lower, a, b| lower.fb.ins().bxor(a, b)),
            OpCode::IntShl => self.binary(op, |lower, a, b| lower.fb.ins().ishl(a, b)),
            OpCode::IntShr => self.binary(op, |lower, a, b| lower.fb.ins().sshr(a, b)),
            OpCode::IntUshr => self.binary(op, |lower, a, b| lower.fb.ins().ushr(a, b)),
            OpCode::IntNeg => self.unary(op, |lower, a| lower.fb.ins().ineg(a)),
            OpCode::IntInvert => self.unary(op, |lower, a| lower.fb.ins().bnot(a)),
            OpCode::IntLt => self.int_compare(op, IntCC::SignedLessThan),
            OpCode::IntLe => self.int_compare(op, IntCC::SignedLessThanOrEqual),
            OpCode::IntEq => self.int_compare(op, IntCC::Equal),
            OpCode::IntNe => self.int_compare(op, IntCC::NotEqual),
            OpCode::IntGt => self.int_compare(op, IntCC::SignedGreaterThan),
            OpCode::IntGe => self.int_compare(op, IntCC::SignedGreaterThanOrEqual),
            OpCode::IntUlt => self.int_compare(op, IntCC::UnsignedLessThan),
            OpCode::IntSext8 => self.sign_extend(op, types::I8),
            OpCode::IntSext16 => self.sign_extend(op, types::I16),
            OpCode::IntSext32 => self.sign_extend(op, types::I32),
            OpCode::IntToFlt => self.unary(op, |lower, a| lower.fb.ins().fcvt_from_sint(types::F64, a)),
            OpCode::FltAdd => self.binary(op, |lower, a, b| lower.fb.ins().fadd(a, b)),
            OpCode::FltSub => self.binary(op, |lower, a, b| lower.fb.ins().fsub(a, b)),
            OpCode::FltMul => self.binary(op, |lower, a, b| lower.fb.ins().fmul(a, b)),
            OpCode::FltDiv => self.binary(op, |lower, a, b| lower.fb.ins().fdiv(a, b)),
            OpCode::FltNeg => self.unary(op, |lower, a| lower.fb.ins().fneg(a)),
            OpCode::FltAbs => self.unary(op, |lower, a| lower.fb.ins().fabs(a)),
            OpCode::FltSqrt => self.unary(op, |lower, a| lower.fb.ins().sqrt(a)),
            OpCode::FltFloor => self.unary(op, |lower, a| lower.fb.ins().floor(a)),
            OpCode::FltTrunc => self.unary(op, |lower, a| lower.fb.ins().trunc(a)),
            OpCode::FltLt => self.flt_compare(op, FloatCC::LessThan),
            OpCode::FltLe => self.flt_compare(op, FloatCC::LessThanOrEqual),
            OpCode::FltEq => self.flt_compare(op, FloatCC::Equal),
            OpCode::FltNe => self.flt_compare(op, FloatCC::NotEqual),
            OpCode::FltGt => self.flt_compare(op, FloatCC::GreaterThan),
            OpCode::FltGe => self.flt_compare(op, FloatCC::GreaterThanOrEqual),
            OpCode::FltToInt => self.unary(op, |lower, a| lower.fb.ins().fcvt_to_sint_sat(types::I64, a)),
            OpCode::FltBits => self.unary(op, |lower, a| lower.fb.ins().bitcast(types::I64, MemFlagsData::new(), a)),
            OpCode::FltFromBits => {
                self.unary(op, |lower, a| lower.fb.ins().bitcast(types::F64, MemFlagsData::new(), a))
            }
            OpCode::BoolNot => self.unary(op, |lower, a| lower.fb.ins().bxor_imm_u(a, 1)),
            OpCode::BoolToInt => self.unary(op, |lower, a| lower.fb.ins().uextend(types::I64, a)),
            _ => return None,
        })
    }

    fn unary(&mut self, op: &Op, make: impl FnOnce(&mut Self, Value) -> Value) -> Value {
        let a = self.arg(op.args[0]);
        make(self, a)
    }

    fn binary(&mut self, op: &Op, make: impl FnOnce(&mut Self, Value, Value) -> Value) -> Value {
        let (a, b) = (self.arg(op.args[0]), self.arg(op.args[1]));
        make(self, a, b)
    }

    fn int_compare(&mut self, op: &Op, condition: IntCC) -> Value {
        self.binary(op, |lower, a, b| lower.fb.ins().icmp(condition, a, b))
    }

    fn flt_compare(&mut self, op: &Op, condition: FloatCC) -> Value {
        self.binary(op, |lower, a, b| lower.fb.ins().fcmp(condition, a, b))
    }

    fn sign_extend(&mut self, op: &Op, from: cranelift_codegen::ir::Type) -> Value {
        self.unary(op, |lower, a| {
            let low = lower.fb.ins().ireduce(from, a);
            lower.fb.ins().sextend(types::I64, low)
        })
    }

    /// A sum, difference or product. If the trace tests it for overflow, too, both come from one instruction.
    fn int_arith(&mut self, op: &Op) -> Value {
        if self.facts.overflow_tested.contains(&(op.code, op.args[0], op.args[1])) {
            return self.with_overflow(op.code, op).0;
        }
        self.binary(op, |lower, a, b| match op.code {
            OpCode::IntAdd => lower.fb.ins().iadd(a, b),
            OpCode::IntSub => lower.fb.ins().isub(a, b),
            _ => lower.fb.ins().imul(a, b),
        })
    }

    /// The wrapped result of `code` on the operands of `op`, and whether the exact one does not fit.
    fn with_overflow(&mut self, code: OpCode, op: &Op) -> (Value, Value) {
        let key = (code, op.args[0], op.args[1]);
        if let Some(&pair) = self.overflow_pairs.get(&key) {
            return pair;
        }
        let (a, b) = (self.arg(op.args[0]), self.arg(op.args[1]));
        let pair = match code {
            OpCode::IntAdd => self.fb.ins().sadd_overflow(a, b),
            OpCode::IntSub => self.fb.ins().ssub_overflow(a, b),
            _ => self.fb.ins().smul_overflow(a, b),
        };
        self.overflow_pairs.insert(key, pair);
        pair
    }

    /// Quotient and remainder with floor rounding; what the trace does not read is dropped as dead.
    fn floordiv_mod(&mut self, op: &Op) -> (Value, Value) {
        let a = self.arg(op.args[0]);
        match op.args[1] {
            Arg::Int(0) => {
                let zero = self.word(0);
                (zero, zero)
            }
            Arg::Int(b) if b > 0 && b & (b - 1) == 0 => {
                let quotient = self.fb.ins().sshr_imm_u(a, i64::from(b.trailing_zeros()));
                let remainder = self.fb.ins().band_imm_s(a, b - 1);
                (quotient, remainder)
            }
            Arg::Int(b) if b > 0 => self.floordiv_mod_by(a, b as u64),
            _ => {
                let b = self.arg(op.args[1]);
                self.floordiv_mod_any(a, b)
            }
        }
    }

    /// By a positive constant that is no power of two: a multiplication.
    ///
    /// For a >= 0 this is Granlund and Montgomery's division by invariant integers (PLDI 1994, theorem 4.2) for 63 bits:
    /// with l = ceil(log2 b) and m = floor(2^(63+l) / b) + 1, floor(a / b) is floor(a * m / 2^(63+l)). For a < 0,
    /// floor(a / b) is !floor(!a / b), and !a >= 0.
    fn floordiv_mod_by(&mut self, a: Value, b: u64) -> (Value, Value) {
        let ceil_log = 64 - (b - 1).leading_zeros();
        let multiplier = ((1u128 << (63 + ceil_log)) / u128::from(b) + 1) as u64;
        let sign = self.fb.ins().sshr_imm_u(a, 63);
        let positive = self.fb.ins().bxor(a, sign);
        let multiplier = self.word(multiplier);
        let high = self.fb.ins().umulhi(positive, multiplier);
        let quotient = self.fb.ins().ushr_imm_u(high, i64::from(ceil_log - 1));
        let quotient = self.fb.ins().bxor(quotient, sign);
        let divisor = self.word(b);
        let product = self.fb.ins().imul(quotient, divisor);
        (quotient, self.fb.ins().isub(a, product))
    }

    /// Without branches. Divisors 0 and -1 would trap, so 1 stands in for them.
    fn floordiv_mod_any(&mut self, a: Value, b: Value) -> (Value, Value) {
        let zero = self.word(0);
        let one = self.word(1);
        let shifted = self.fb.ins().iadd_imm_s(b, 1);
        let special = self.fb.ins().icmp_imm_u(IntCC::UnsignedLessThan, shifted, 2);
        let divisor = self.fb.ins().select(special, one, b);
        let quotient = self.fb.ins().sdiv(a, divisor);
        let product = self.fb.ins().imul(quotient, divisor);
        let remainder = self.fb.ins().isub(a, product);
        // One step down if the remainder is not zero and its sign is not the divisor's.
        let signs = self.fb.ins().bxor(remainder, divisor);
        let opposite = self.fb.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
        let inexact = self.fb.ins().icmp_imm_u(IntCC::NotEqual, remainder, 0);
        let down = self.fb.ins().band(opposite, inexact);
        let step = self.fb.ins().uextend(types::I64, down);
        let quotient = self.fb.ins().isub(quotient, step);
        let up = self.fb.ins().select(down, divisor, zero);
        // Of the special divisors 0 and -1, the remainder by 1 is right: zero.
        let remainder = self.fb.ins().iadd(remainder, up);
        // a // -1 is -a, and a // 0 is 0: a times the divisor.
        let of_special = self.fb.ins().imul(a, b);
        (self.fb.ins().select(special, of_special, quotient), remainder)
    }
}
