//! Around a fault of the compiler crate: it folds some divisions of constants to a wrong value.
//!
//! `1e10 // 2`, a floor division of floats without a remainder, becomes 0.0; `1 / 10**30`, a true division of integers that are no
//! doubles, is rounded twice. These divisions are done here, in the tree, before the compiler sees them: a division becomes the
//! number that it gives, in the division's place, which is what folding makes of it.

use crate::transform::transform;
use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive, Zero};
use ruff_python_ast::visitor::transformer::{Transformer, walk_expr};
use ruff_python_ast::{AtomicNodeIndex, Expr, ExprNumberLiteral, Mod, Number, Operator, UnaryOp};
use ruff_text_size::Ranged;
use std::cell::Cell;

/// Whether a source may contain such a division: a cheap test that errs on the side of yes.
pub(crate) fn may_be_in(source: &str) -> bool {
    let bytes = source.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let float = || {
        let pointed = |at: usize| bytes[at] == b'.' && (is_digit(at + 1) || at > 0 && is_digit(at - 1));
        let scaled = |at: usize| matches!(bytes[at], b'e' | b'E') && at > 0 && is_digit(at - 1);
        (0..bytes.len()).any(|at| pointed(at) || scaled(at))
    };
    let large = || {
        source.contains("**") || source.contains("<<") || bytes.windows(16).any(|w| w.iter().all(u8::is_ascii_digit))
    };
    source.contains('/') && (source.contains("//") && float() || large())
}

/// Does the divisions; whether there were any.
pub(crate) fn work_around(module: &mut Mod) -> bool {
    let divider = Divider { found: Cell::new(false) };
    transform(module, &divider);
    divider.found.get()
}

struct Divider {
    found: Cell<bool>,
}

impl Transformer for Divider {
    fn visit_expr(&self, expression: &mut Expr) {
        walk_expr(self, expression);
        let Expr::BinOp(operation) = &*expression else { return };
        let (Some(a), Some(b)) = (constant(&operation.left), constant(&operation.right)) else { return };
        let value = match (operation.op, a, b) {
            (Operator::Div, Constant::Int(a), Constant::Int(b)) if !is_double(&a) || !is_double(&b) => divide(&a, &b),
            (Operator::FloorDiv, Constant::Int(_), Constant::Int(_)) => None,
            (Operator::FloorDiv, a, b) => a.float().zip(b.float()).and_then(|(a, b)| floor_divide(a, b)),
            _ => None,
        };
        if let Some(value) = value {
            self.found.set(true);
            let (node_index, range) = (AtomicNodeIndex::NONE, expression.range());
            *expression = Expr::NumberLiteral(ExprNumberLiteral { node_index, range, value: Number::Float(value) });
        }
    }
}

enum Constant {
    Int(BigInt),
    Float(f64),
}

impl Constant {
    fn float(&self) -> Option<f64> {
        match self {
            Constant::Int(x) => x.to_f64().filter(|x| x.is_finite()),
            Constant::Float(x) => Some(*x),
        }
    }
}

/// The value of an expression of numbers. Operations whose result would be large are the compiler's business.
fn constant(expression: &Expr) -> Option<Constant> {
    match expression {
        Expr::NumberLiteral(literal) => match &literal.value {
            Number::Int(value) => {
                let text = value.to_string();
                let (radix, digits) = match text.get(..2) {
                    Some("0x" | "0X") => (16, &text[2..]),
                    Some("0o" | "0O") => (8, &text[2..]),
                    Some("0b" | "0B") => (2, &text[2..]),
                    _ => (10, &text[..]),
                };
                BigInt::parse_bytes(digits.replace('_', "").as_bytes(), radix).map(Constant::Int)
            }
            Number::Float(value) => Some(Constant::Float(*value)),
            Number::Complex { .. } => None,
        },
        Expr::BooleanLiteral(literal) => Some(Constant::Int(BigInt::from(u8::from(literal.value)))),
        Expr::UnaryOp(operation) => match (operation.op, constant(&operation.operand)?) {
            (UnaryOp::USub, Constant::Int(x)) => Some(Constant::Int(-x)),
            (UnaryOp::USub, Constant::Float(x)) => Some(Constant::Float(-x)),
            (UnaryOp::UAdd, x) => Some(x),
            (UnaryOp::Invert, Constant::Int(x)) => Some(Constant::Int(!x)),
            _ => None,
        },
        Expr::BinOp(operation) => {
            let (a, b) = (constant(&operation.left)?, constant(&operation.right)?);
            if let (Constant::Int(a), Constant::Int(b)) = (&a, &b) {
                return match operation.op {
                    Operator::Add => Some(Constant::Int(a + b)),
                    Operator::Sub => Some(Constant::Int(a - b)),
                    Operator::Mult => Some(Constant::Int(a * b)),
                    Operator::Pow => {
                        let exponent =
                            b.to_u32().filter(|&exponent| a.bits().saturating_mul(exponent.into()) <= 128)?;
                        Some(Constant::Int(a.pow(exponent)))
                    }
                    Operator::Mod => floor_remainder(a, b).map(Constant::Int),
                    Operator::FloorDiv => Some(Constant::Int((a - floor_remainder(a, b)?) / b)),
                    Operator::BitAnd => Some(Constant::Int(a & b)),
                    Operator::BitOr => Some(Constant::Int(a | b)),
                    Operator::BitXor => Some(Constant::Int(a ^ b)),
                    Operator::RShift => Some(Constant::Int(a >> b.to_u32()?)),
                    Operator::LShift => Some(Constant::Int(a << b.to_u8().filter(|&count| count <= 128)?)),
                    Operator::Div if is_double(a) && is_double(b) && !b.is_zero() => {
                        Some(Constant::Float(a.to_f64()? / b.to_f64()?))
                    }
                    _ => None,
                };
            }
            let (a, b) = (a.float()?, b.float()?);
            Some(Constant::Float(match operation.op {
                Operator::Add => a + b,
                Operator::Sub => a - b,
                Operator::Mult => a * b,
                Operator::Div if b != 0.0 => a / b,
                Operator::FloorDiv => floor_divide(a, b)?,
                Operator::Mod => float_remainder(a, b)?,
                Operator::Pow => Some(a.powf(b)).filter(|x| x.is_finite())?,
                _ => return None,
            }))
        }
        _ => None,
    }
}

/// Whether an integer is a double exactly.
fn is_double(x: &BigInt) -> bool {
    x.bits() <= 53
}

/// Python's `a % b` of integers: of the divisor's sign.
fn floor_remainder(a: &BigInt, b: &BigInt) -> Option<BigInt> {
    if b.is_zero() {
        return None;
    }
    let remainder = a % b;
    let is_across = !remainder.is_zero() && remainder.is_negative() != b.is_negative();
    Some(if is_across { remainder + b } else { remainder })
}

/// Python's `a % b` of floats.
fn float_remainder(a: f64, b: f64) -> Option<f64> {
    if b == 0.0 {
        return None;
    }
    let remainder = a % b;
    if remainder == 0.0 {
        return Some(0f64.copysign(b));
    }
    Some(if (b < 0.0) != (remainder < 0.0) { remainder + b } else { remainder })
}

/// Python's `a // b` of floats.
fn floor_divide(a: f64, b: f64) -> Option<f64> {
    if b == 0.0 {
        return None;
    }
    let remainder = a % b;
    let mut quotient = (a - remainder) / b;
    if remainder != 0.0 && (b < 0.0) != (remainder < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return Some(0f64.copysign(a / b));
    }
    let floor = quotient.floor();
    Some(if quotient - floor > 0.5 { floor + 1.0 } else { floor })
}

/// `a / b` of integers, rounded once, to even. `None`: there is none, or it is no ordinary double.
fn divide(a: &BigInt, b: &BigInt) -> Option<f64> {
    if b.is_zero() {
        return None;
    }
    if a.is_zero() {
        return Some(if b.is_negative() { -0.0 } else { 0.0 });
    }
    // A quotient of at least 64 bits, the lowest one set if there is a remainder: rounding it is rounding the exact value.
    let shift = (64 + b.bits() as i64 - a.bits() as i64).max(0);
    let (dividend, divisor) = (a.magnitude() << shift as u64, b.magnitude());
    let mut quotient = &dividend / divisor;
    if !(&dividend % divisor).is_zero() {
        quotient |= &num_bigint::BigUint::from(1u8);
    }
    let magnitude = quotient.to_f64()? * 0.5f64.powi(i32::try_from(shift).ok()?);
    let is_ordinary = magnitude.is_finite() && magnitude >= f64::MIN_POSITIVE;
    is_ordinary.then_some(if (a.sign() == Sign::Minus) != (b.sign() == Sign::Minus) { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::{divide, float_remainder, floor_divide, floor_remainder, may_be_in};
    use num_bigint::BigInt;

    #[test]
    fn floor_divisions() {
        for (a, b, result) in
            [(1e10, 2.0, 5e9), (7.5, 2.0, 3.0), (-7.5, 2.0, -4.0), (1.0, 0.1, 9.0), (-1e10, 2.0, -5e9)]
        {
            assert_eq!(floor_divide(a, b), Some(result), "{a} // {b}");
        }
        assert_eq!(floor_divide(0.0, -1.0).map(f64::to_bits), Some((-0.0f64).to_bits()));
        assert_eq!(floor_divide(1.0, 0.0), None);
    }

    #[test]
    fn remainders() {
        for (a, b, result) in [(7.5, 2.0, 1.5), (-7.5, 2.0, 0.5), (7.5, -2.0, -0.5), (2.0, 3.0, 2.0)] {
            assert_eq!(float_remainder(a, b), Some(result), "{a} % {b}");
        }
        assert_eq!(float_remainder(4.0, -2.0).map(f64::to_bits), Some((-0.0f64).to_bits()));
        for (a, b, result) in [(7, 3, 1), (-7, 3, 2), (7, -3, -2), (-7, -3, -1), (6, -3, 0)] {
            assert_eq!(floor_remainder(&BigInt::from(a), &BigInt::from(b)), Some(BigInt::from(result)), "{a} % {b}");
        }
    }

    #[test]
    fn true_divisions_are_rounded_once() {
        let big = |text: &str| text.parse::<BigInt>().unwrap();
        let tera = "1000000000000000000000000000000";
        assert_eq!(divide(&big("1"), &big(tera)), Some(1e-30));
        assert_eq!(divide(&big("-2"), &big(tera)), Some(-2e-30));
        assert_eq!(divide(&big("4611686018427387903"), &big("7")), Some(4611686018427387903i64 as f64 / 7.0));
        assert_eq!(divide(&big("9007199254740993"), &big("1")), Some(9007199254740992.0));
        assert_eq!(divide(&big("1"), &big("0")), None);
    }

    #[test]
    fn where_to_look() {
        assert!(may_be_in("x = 1e10 // 2") && may_be_in("1 / 10**30") && may_be_in("3. // y"));
        assert!(!may_be_in("x = a // 2") && !may_be_in("x = 1.5 / 2") && !may_be_in("x = 1.5"));
    }
}
