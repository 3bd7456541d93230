//! What the computing operations mean, written a second time: in 128 bits where the table wraps, bit by bit where it
//! calls a library. Nothing here is shared with the constant folder.

use super::Value;
use crate::OpCode;
use Value::{Bool, Flt, Int};

/// The result of a computing operation; `None` for other operations and for operands of other types.
pub(super) fn compute(code: OpCode, args: &[Value]) -> Option<Value> {
    use OpCode::*;
    Some(match (code, args) {
        (IntAdd, &[Int(a), Int(b)]) => Int(wrapped(a as i128 + b as i128)),
        (IntSub, &[Int(a), Int(b)]) => Int(wrapped(a as i128 - b as i128)),
        (IntMul, &[Int(a), Int(b)]) => Int(wrapped(a as i128 * b as i128)),
        (IntAddOverflows, &[Int(a), Int(b)]) => Bool(!in_64_bits(a as i128 + b as i128)),
        (IntSubOverflows, &[Int(a), Int(b)]) => Bool(!in_64_bits(a as i128 - b as i128)),
        (IntMulOverflows, &[Int(a), Int(b)]) => Bool(!in_64_bits(a as i128 * b as i128)),
        (IntFits, &[Int(a)]) => Bool((-(1i64 << 62)..1i64 << 62).contains(&a)),
        (IntFits31, &[Int(a)]) => Bool((-(1i64 << 30)..1i64 << 30).contains(&a)),
        (IntFits62, &[Int(a)]) => Bool((-(1i64 << 61)..1i64 << 61).contains(&a)),
        (IntFloordiv, &[Int(a), Int(b)]) => Int(floor_divided(a, b).0),
        (IntMod, &[Int(a), Int(b)]) => Int(floor_divided(a, b).1),
        (IntAnd, &[Int(a), Int(b)]) => Int(bitwise(a, b, |x, y| x && y)),
        (IntOr, &[Int(a), Int(b)]) => Int(bitwise(a, b, |x, y| x || y)),
        (IntXor, &[Int(a), Int(b)]) => Int(bitwise(a, b, |x, y| x != y)),
        (IntShl, &[Int(a), Int(b)]) => Int(wrapped(((a as i128) << count(b)) & u64::MAX as i128)),
        (IntShr, &[Int(a), Int(b)]) => Int((a as i128).div_euclid(1i128 << count(b)) as i64),
        (IntUshr, &[Int(a), Int(b)]) => Int((a as u64 as u128 / (1u128 << count(b))) as u64 as i64),
        (IntNeg, &[Int(a)]) => Int(wrapped(-(a as i128))),
        (IntInvert, &[Int(a)]) => Int(wrapped(-(a as i128) - 1)),
        (IntLt, &[Int(a), Int(b)]) => Bool(a.cmp(&b).is_lt()),
        (IntLe, &[Int(a), Int(b)]) => Bool(a.cmp(&b).is_le()),
        (IntEq, &[Int(a), Int(b)]) => Bool(a.cmp(&b).is_eq()),
        (IntNe, &[Int(a), Int(b)]) => Bool(a.cmp(&b).is_ne()),
        (IntGt, &[Int(a), Int(b)]) => Bool(a.cmp(&b).is_gt()),
        (IntGe, &[Int(a), Int(b)]) => Bool(a.cmp(&b).is_ge()),
        (IntUlt, &[Int(a), Int(b)]) => Bool(unsigned(a) < unsigned(b)),
        (IntSext8, &[Int(a)]) => Int(sign_extended(a, 8)),
        (IntSext16, &[Int(a)]) => Int(sign_extended(a, 16)),
        (IntSext32, &[Int(a)]) => Int(sign_extended(a, 32)),
        (IntToFlt, &[Int(a)]) => float(a as f64),
        (FltAdd, &[Flt(a), Flt(b)]) => float(f(a) + f(b)),
        (FltSub, &[Flt(a), Flt(b)]) => float(f(a) - f(b)),
        (FltMul, &[Flt(a), Flt(b)]) => float(f(a) * f(b)),
        (FltDiv, &[Flt(a), Flt(b)]) => float(f(a) / f(b)),
        (FltNeg, &[Flt(a)]) => float(f64::from_bits(a ^ (1 << 63))),
        (FltAbs, &[Flt(a)]) => float(f64::from_bits(a & !(1 << 63))),
        (FltSqrt, &[Flt(a)]) => float(f(a).sqrt()),
        (FltFloor, &[Flt(a)]) => float(f(a).floor()),
        (FltTrunc, &[Flt(a)]) => float(f(a).trunc()),
        (FltLt, &[Flt(a), Flt(b)]) => Bool(f(a).partial_cmp(&f(b)).is_some_and(|order| order.is_lt())),
        (FltLe, &[Flt(a), Flt(b)]) => Bool(f(a).partial_cmp(&f(b)).is_some_and(|order| order.is_le())),
        (FltEq, &[Flt(a), Flt(b)]) => Bool(f(a).partial_cmp(&f(b)).is_some_and(|order| order.is_eq())),
        (FltNe, &[Flt(a), Flt(b)]) => Bool(!f(a).partial_cmp(&f(b)).is_some_and(|order| order.is_eq())),
        (FltGt, &[Flt(a), Flt(b)]) => Bool(f(a).partial_cmp(&f(b)).is_some_and(|order| order.is_gt())),
        (FltGe, &[Flt(a), Flt(b)]) => Bool(f(a).partial_cmp(&f(b)).is_some_and(|order| order.is_ge())),
        (FltToInt, &[Flt(a)]) => Int(saturated(f(a))),
        (FltBits, &[Flt(a)]) => Int(a as i64),
        (FltFromBits, &[Int(a)]) => float(f64::from_bits(a as u64)),
        (BoolNot, &[Bool(a)]) => Bool(a ^ true),
        (BoolToInt, &[Bool(a)]) => Int(if a { 1 } else { 0 }),
        _ => return None,
    })
}

/// A float value; all NaNs are one, because operations may commute.
pub(super) fn float(x: f64) -> Value {
    Flt(if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() })
}

/// `x` cut to `bits` low bits and sign-extended.
pub(super) fn sign_extended(x: i64, bits: u32) -> i64 {
    let modulus = 1i128 << bits;
    let low = (x as i128).rem_euclid(modulus);
    (if low >= modulus / 2 { low - modulus } else { low }) as i64
}

fn f(bits: u64) -> f64 {
    f64::from_bits(bits)
}

fn unsigned(a: i64) -> i128 {
    if a < 0 { a as i128 + (1i128 << 64) } else { a as i128 }
}

fn in_64_bits(x: i128) -> bool {
    (-(1i128 << 63)..1i128 << 63).contains(&x)
}

fn wrapped(x: i128) -> i64 {
    let low = x.rem_euclid(1i128 << 64);
    (if low >= 1i128 << 63 { low - (1i128 << 64) } else { low }) as i64
}

fn count(b: i64) -> i64 {
    b.rem_euclid(64)
}

fn floor_divided(a: i64, b: i64) -> (i64, i64) {
    if b == 0 {
        return (0, 0);
    }
    let (a, b) = (a as i128, b as i128);
    let magnitude = a.abs() / b.abs();
    let exact = magnitude * b.abs() == a.abs();
    let quotient = match ((a < 0) == (b < 0), exact) {
        (true, _) => magnitude,
        (false, true) => -magnitude,
        (false, false) => -magnitude - 1,
    };
    (wrapped(quotient), wrapped(a - quotient * b))
}

fn bitwise(a: i64, b: i64, bit: fn(bool, bool) -> bool) -> i64 {
    (0..64).filter(|&at| bit((a >> at) & 1 == 1, (b >> at) & 1 == 1)).fold(0u64, |sum, at| sum | 1 << at) as i64
}

const TWO_TO_63: f64 = (1u64 << 63) as f64;

fn saturated(x: f64) -> i64 {
    if x.is_nan() {
        0
    } else if x >= TWO_TO_63 {
        i64::MAX
    } else if x < -TWO_TO_63 {
        i64::MIN
    } else {
        x as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OperandTy, ROWS, Ty};

    /// The two descriptions of arithmetic agree on the corners.
    #[test]
    fn agrees_with_the_table() {
        let ints = [0, 1, -1, 2, 7, -7, 63, 64, 65, 255, -128, 1 << 31, 1 << 62, -(1 << 62), i64::MAX, i64::MIN];
        let flts = [0.0, -0.0, 1.0, -2.5, 1e300, 9.3e18, -9.3e18, 0.1, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let choices = |ty: OperandTy| -> Vec<(Value, u64)> {
            match ty {
                OperandTy::Is(Ty::Int) => ints.iter().map(|&x| (Int(x), x as u64)).collect(),
                OperandTy::Is(Ty::Flt) => flts.iter().map(|&x| (float(x), x.to_bits())).collect(),
                _ => vec![(Bool(false), 0), (Bool(true), 1)],
            }
        };
        for row in ROWS.iter().filter(|row| row.code < OpCode::Input) {
            let first = choices(row.operands[0]);
            let second = row.operands.get(1).map_or(vec![(Value::Void, 0)], |&ty| choices(ty));
            for &(a, a_bits) in &first {
                for &(b, b_bits) in &second {
                    let (args, bits) = ([a, b], [a_bits, b_bits]);
                    let count = row.operands.len();
                    let expected = crate::compute(row.code, &bits[..count]).unwrap();
                    let got = match compute(row.code, &args[..count]).unwrap() {
                        Int(x) => x as u64,
                        Flt(x) if f(x).is_nan() && f(expected).is_nan() => expected,
                        Flt(x) => x,
                        Bool(x) => x as u64,
                        other => panic!("{} gives {other:?}", row.text),
                    };
                    assert_eq!(got, expected, "{} of {a:?} and {b:?}", row.text);
                }
            }
        }
    }
}
