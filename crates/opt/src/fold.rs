//! Constants and equations.
//!
//! An operation on constants is its result; a rule turns an operation into an operand, a constant or a simpler operation.
//!
//! The rules terminate: each gives an operand, or moves down the chain `gt, ge, le, ne -> lt, eq -> …`, `sub -> add`,
//! `div, mod -> shift, and`, or takes one operation off a nest, or moves a constant to the right, and no rule goes back.

use crate::values::Values;
use ir::{Arg, OpCode, imm};
use smallvec::SmallVec;

/// What an operation becomes.
#[derive(Debug)]
pub(crate) enum Rewrite {
    Value(Arg),
    Op(OpCode, SmallVec<[Arg; 2]>),
    /// The negation of an operation.
    Not(OpCode, SmallVec<[Arg; 2]>),
}

impl Rewrite {
    pub fn op(code: OpCode, a: Arg, b: Arg) -> Rewrite {
        Rewrite::Op(code, SmallVec::from_buf([a, b]))
    }

    pub fn op1(code: OpCode, a: Arg) -> Rewrite {
        Rewrite::Op(code, SmallVec::from_slice(&[a]))
    }

    fn not(code: OpCode, a: Arg, b: Arg) -> Rewrite {
        Rewrite::Not(code, SmallVec::from_buf([a, b]))
    }
}

/// What the operation becomes; its operands are resolved.
pub(crate) fn rewrite(code: OpCode, args: &[Arg], values: &Values) -> Option<Rewrite> {
    if let Some(result) = computed(code, args) {
        return Some(Rewrite::Value(result));
    }
    match *args {
        [a, b] => {
            if is_commutative(code) && is_out_of_order(a, b) {
                return Some(Rewrite::op(code, b, a));
            }
            if a == b
                && let Some(result) = of_equal(code, a)
            {
                return Some(result);
            }
            binary(code, a, b, values)
        }
        [a] => unary(code, a, values),
        _ => None,
    }
}

/// The result of an operation on constants.
fn computed(code: OpCode, args: &[Arg]) -> Option<Arg> {
    let mut bits: SmallVec<[u64; 2]> = SmallVec::new();
    for &arg in args {
        bits.push(match arg {
            Arg::Int(x) => x as u64,
            Arg::Flt(x) => x,
            Arg::Bool(x) => x as u64,
            _ => return None,
        });
    }
    // The sign and payload of a NaN are the processor's matter.
    if code == OpCode::FltBits && f64::from_bits(bits[0]).is_nan() {
        return None;
    }
    let result = ir::compute(code, &bits)?;
    Some(match code.row().result {
        ir::OperandTy::Is(ir::Ty::Int) => Arg::Int(result as i64),
        ir::OperandTy::Is(ir::Ty::Flt) => Arg::Flt(result),
        _ => Arg::Bool(result != 0),
    })
}

fn is_commutative(code: OpCode) -> bool {
    use OpCode::*;
    matches!(
        code,
        IntAdd | IntMul | IntAnd | IntOr | IntXor | IntEq | IntNe | IntAddOverflows | IntMulOverflows | RefEq
    )
}

/// Constants stand right, older values left.
fn is_out_of_order(a: Arg, b: Arg) -> bool {
    match (a, b) {
        (Arg::Value(x), Arg::Value(y)) => x > y,
        (_, Arg::Value(_)) => true,
        _ => false,
    }
}

/// x ∘ x
fn of_equal(code: OpCode, x: Arg) -> Option<Rewrite> {
    use OpCode::*;
    Some(Rewrite::Value(match code {
        IntSub | IntXor => Arg::Int(0),                     // x - x, x ^ x => 0
        IntAnd | IntOr => x,                                // x & x, x | x => x
        IntEq | IntLe | IntGe | RefEq => Arg::Bool(true),   // x == x, x <= x => true
        IntNe | IntLt | IntGt | IntUlt => Arg::Bool(false), // x != x, x < x => false
        _ => return None,
    }))
}

fn binary(code: OpCode, a: Arg, b: Arg, values: &Values) -> Option<Rewrite> {
    use Arg::{Bool, Flt, Int};
    use OpCode::*;
    let x = a;
    let value = |arg: Arg| Some(Rewrite::Value(arg));
    let op = |code, a, b| Some(Rewrite::op(code, a, b));
    match (code, a, b) {
        (IntAdd | IntSub | IntOr | IntXor, _, Int(0)) => return value(x), // x + 0, x - 0, x | 0, x ^ 0 => x
        (IntShl | IntShr | IntUshr, _, Int(0)) => return value(x),        // x << 0, x >> 0 => x
        (IntMul | IntFloordiv, _, Int(1)) => return value(x),             // x * 1, x // 1 => x
        (IntMul | IntAnd, _, Int(0)) => return value(Int(0)),             // x * 0, x & 0 => 0
        (IntMod, _, Int(1 | -1)) => return value(Int(0)),                 // x % 1 => 0
        (IntAnd, _, Int(-1)) => return value(x),                          // x & -1 => x
        (IntOr, _, Int(-1)) => return value(Int(-1)),                     // x | -1 => -1
        (IntMul, _, Int(-1)) => return Some(Rewrite::op1(IntNeg, x)),     // x * -1 => -x
        (IntXor, _, Int(-1)) => return Some(Rewrite::op1(IntInvert, x)),  // x ^ -1 => ~x
        (IntSub, Int(0), _) => return Some(Rewrite::op1(IntNeg, b)),      // 0 - x => -x
        (IntSub, _, Int(c)) => return op(IntAdd, x, Int(c.wrapping_neg())), // x - c => x + -c
        (IntAddOverflows | IntSubOverflows, _, Int(0)) => return value(Bool(false)),
        (IntMulOverflows, _, Int(0 | 1)) => return value(Bool(false)),
        // x // 2^k => x >> k; x % 2^k => x & (2^k - 1): floor division is what the shift does
        (IntFloordiv, _, Int(c)) if c > 0 && c & (c - 1) == 0 => return op(IntShr, x, Int(c.trailing_zeros() as i64)),
        (IntMod, _, Int(c)) if c > 0 && c & (c - 1) == 0 => return op(IntAnd, x, Int(c - 1)),
        (IntGt, ..) => return op(IntLt, b, a),                 // a > b => b < a
        (IntLe, ..) => return Some(Rewrite::not(IntLt, b, a)), // a <= b => not b < a
        (IntGe, ..) => return Some(Rewrite::not(IntLt, a, b)), // a >= b => not a < b
        (IntNe, ..) => return Some(Rewrite::not(IntEq, a, b)), // a != b => not a == b
        (FltGt, ..) => return op(FltLt, b, a),                 // a > b => b < a, for NaN too
        (FltGe, ..) => return op(FltLe, b, a),                 // a >= b => b <= a, for NaN too
        (FltNe, ..) => return Some(Rewrite::not(FltEq, a, b)), // a != b => not a == b, for NaN too
        (IntUlt, _, Int(0)) => return value(Bool(false)),      // nothing is below 0
        _ => {}
    }
    if let Flt(bits) = b {
        let c = f64::from_bits(bits);
        match code {
            FltMul | FltDiv if c == 1.0 => return value(x), // x * 1.0, x / 1.0 => x
            FltMul | FltDiv if c == -1.0 => return Some(Rewrite::op1(FltNeg, x)), // x * -1.0 => -x
            FltSub if bits == 0 => return value(x),         // x - 0.0 => x, for -0.0 too
            FltAdd if bits == 1 << 63 => return value(x),   // x + -0.0 => x
            FltMul if c == 2.0 => return op(FltAdd, x, x),  // x * 2.0 => x + x
            // x / 2^k => x * 2^-k: both are exact
            FltDiv if is_power_of_two(c) && is_power_of_two(1.0 / c) => return op(FltMul, x, Flt((1.0 / c).to_bits())),
            _ => {}
        }
    }
    if let Some(of_ints) = compared_as_ints(code, a, b, values) {
        return Some(of_ints);
    }
    let (outer, inner) = (code, values.maker(a)?);
    match (outer, inner, b) {
        // (x + c) + d => x + (c + d)
        (IntAdd, (IntAdd, y, Int(c)), Int(d)) => op(IntAdd, y, Int(c.wrapping_add(d))),
        (IntMul, (IntMul, y, Int(c)), Int(d)) => op(IntMul, y, Int(c.wrapping_mul(d))),
        (IntAnd, (IntAnd, y, Int(c)), Int(d)) => op(IntAnd, y, Int(c & d)),
        (IntOr, (IntOr, y, Int(c)), Int(d)) => op(IntOr, y, Int(c | d)),
        (IntXor, (IntXor, y, Int(c)), Int(d)) => op(IntXor, y, Int(c ^ d)),
        // x + c == d => x == d - c
        (IntEq, (IntAdd, y, Int(c)), Int(d)) => op(IntEq, y, Int(d.wrapping_sub(c))),
        (IntEq, (IntNeg, y, _), Int(d)) => op(IntEq, y, Int(d.wrapping_neg())),
        (IntEq, (BoolToInt, y, _), Int(1)) => value(y),
        (IntEq, (BoolToInt, y, _), Int(0)) => Some(Rewrite::op1(BoolNot, y)),
        (IntSub, (IntAdd, y, z), _) if z == b => value(y), // (y + z) - z => y
        (IntSub, (IntAdd, y, z), _) if y == b => value(z), // (y + z) - y => z
        (IntAdd, (IntSub, y, z), _) if z == b => value(y), // (y - z) + z => y
        _ => None,
    }
}

/// A comparison of an integer made a float with a whole number: of the integer, if all floats near the number are whole numbers' own.
/// Rounding keeps the order, and what is beyond 2^53 stays beyond it.
fn compared_as_ints(code: OpCode, a: Arg, b: Arg, values: &Values) -> Option<Rewrite> {
    let int_code = match code {
        OpCode::FltEq => OpCode::IntEq,
        OpCode::FltLt => OpCode::IntLt,
        OpCode::FltLe => OpCode::IntLe,
        _ => return None,
    };
    let whole = |arg: Arg| match arg {
        Arg::Flt(bits) => {
            let x = f64::from_bits(bits);
            (x.trunc() == x && x.abs() < (1u64 << 53) as f64).then_some(Arg::Int(x as i64))
        }
        _ => None,
    };
    let of_int = |arg: Arg| match values.maker(arg) {
        Some((OpCode::IntToFlt, x, _)) => Some(x),
        _ => None,
    };
    match (of_int(a), of_int(b)) {
        (Some(x), None) => Some(Rewrite::op(int_code, x, whole(b)?)), // float(x) < 3.0 => x < 3
        (None, Some(y)) => Some(Rewrite::op(int_code, whole(a)?, y)), // 3.0 < float(y) => 3 < y
        _ => None,
    }
}

fn unary(code: OpCode, a: Arg, values: &Values) -> Option<Rewrite> {
    use OpCode::*;
    let (inner, x, y) = values.maker(a)?;
    let value = |arg: Arg| Some(Rewrite::Value(arg));
    match (code, inner) {
        (IntNeg, IntNeg) | (IntInvert, IntInvert) | (BoolNot, BoolNot) | (FltNeg, FltNeg) => value(x), // --x => x
        (IntNeg, IntSub) => Some(Rewrite::op(IntSub, y, x)), // -(x - y) => y - x
        (FltAbs, FltNeg | FltAbs) => Some(Rewrite::op1(FltAbs, x)), // |-x| => |x|
        (FltFloor | FltTrunc, IntToFlt | FltFloor | FltTrunc) => value(a), // already whole
        (FltFromBits, FltBits) => value(x),
        (IntSext8, IntSext8) | (IntSext16, IntSext8 | IntSext16) | (IntSext32, IntSext8 | IntSext16 | IntSext32) => {
            value(a)
        }
        _ => None,
    }
}

fn is_power_of_two(c: f64) -> bool {
    c.is_normal() && c.to_bits() & ((1 << 52) - 1) == 0
}

/// The constant that a box of a constant is, if it has an immediate form.
pub(crate) fn boxed(inner: Arg) -> Option<Arg> {
    match inner {
        Arg::Int(x) => imm::from_int(x).map(Arg::Imm),
        Arg::Flt(x) => imm::from_float(x).map(Arg::Imm),
        _ => None,
    }
}
