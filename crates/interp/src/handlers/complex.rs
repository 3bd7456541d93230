//! Complex arithmetic: sums, differences and products of complex numbers and of a complex and a real one, so that complex
//! numbers in loops are pairs of floats.

use super::arith::op;
use crate::machine::*;
use objects::builtin_layouts::Complex;
use objects::shape::Kind;

/// Real and imaginary part; a real number has no imaginary one, which is not the same as 0.
type Parts<M> = (<M as metatrace::Machine>::Flt, Option<<M as metatrace::Machine>::Flt>);

/// The result, if both operands are numbers, one of them at least is complex and the result is no special case.
pub fn binary<M: PyMachine>(m: &mut M, operation: u32, a: M::Ref, b: M::Ref) -> Option<M::Ref> {
    let operation = if operation >= op::INPLACE { operation - op::INPLACE } else { operation };
    if !matches!(operation, op::ADD | op::SUB | op::MUL) {
        return None;
    }
    let x = parts(m, a)?;
    let y = parts(m, b)?;
    let (re, im) = match (operation, x, y) {
        (op::ADD, (a, Some(b)), (c, Some(d))) => (m.flt_add(a, c), m.flt_add(b, d)),
        (op::ADD, (a, Some(b)), (c, None)) | (op::ADD, (c, None), (a, Some(b))) => (m.flt_add(a, c), b),
        (op::SUB, (a, Some(b)), (c, Some(d))) => (m.flt_sub(a, c), m.flt_sub(b, d)),
        (op::SUB, (a, Some(b)), (c, None)) => (m.flt_sub(a, c), b),
        (op::MUL, (a, Some(b)), (c, None)) | (op::MUL, (c, None), (a, Some(b))) => (m.flt_mul(a, c), m.flt_mul(b, c)),
        (op::MUL, (a, Some(b)), (c, Some(d))) => {
            let (ac, bd) = (m.flt_mul(a, c), m.flt_mul(b, d));
            let (ad, bc) = (m.flt_mul(a, d), m.flt_mul(b, c));
            let (re, im) = (m.flt_sub(ac, bd), m.flt_add(ad, bc));
            // An infinity times a finite number may be NaN in both parts, which the general way repairs.
            let is_number = m.flt_eq(re, re);
            if !m.decide(is_number) {
                return None;
            }
            (re, im)
        }
        _ => return None,
    };
    Some(crate::handlers::construct::complex(m, re, im))
}

fn parts<M: PyMachine>(m: &mut M, value: M::Ref) -> Option<Parts<M>> {
    match tag(m, value) {
        Tag::Int => {
            let value = m.int_unbox(value);
            Some((m.int_to_flt(value), None))
        }
        Tag::Float => Some((m.flt_unbox(value), None)),
        Tag::Object(shape) if shape.kind == Kind::Complex => {
            let re = m.get_flt(value, Complex::RE);
            Some((re, Some(m.get_flt(value, Complex::IM))))
        }
        Tag::Object(_) => None,
    }
}
