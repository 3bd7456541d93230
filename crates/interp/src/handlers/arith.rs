//! Arithmetic and comparison on ints and floats; everything else goes through the operator protocol.

use crate::callees::operators::{BINARY, COMPARE, FLOAT_FLOORDIV, FLOAT_MOD, FLOAT_POW, UNARY};
use crate::machine::*;
use metatrace::{Machine, Operand};

/// CPython's numbers for BINARY_OP; the in-place forms are these plus [`INPLACE`].
pub mod op {
    pub const ADD: u32 = 0;
    pub const AND: u32 = 1;
    pub const FLOORDIV: u32 = 2;
    pub const LSHIFT: u32 = 3;
    pub const MATMUL: u32 = 4;
    pub const MUL: u32 = 5;
    pub const MOD: u32 = 6;
    pub const OR: u32 = 7;
    pub const POW: u32 = 8;
    pub const RSHIFT: u32 = 9;
    pub const SUB: u32 = 10;
    pub const TRUEDIV: u32 = 11;
    pub const XOR: u32 = 12;
    pub const INPLACE: u32 = 13;
    pub const SUBSCRIPT: u32 = 26;

    /// The operation without regard to whether it is in place.
    #[inline(always)]
    pub fn plain(operation: u32) -> u32 {
        if operation >= INPLACE { operation - INPLACE } else { operation }
    }
}

/// CPython's comparison numbers: COMPARE_OP's argument shifted right by 5.
pub(super) mod compare {
    pub const LT: u32 = 0;
    pub const LE: u32 = 1;
    pub const EQ: u32 = 2;
    pub const NE: u32 = 3;
    pub const GT: u32 = 4;
}

/// `a op b` for all of BINARY_OP but the subscript.
#[inline(always)]
pub fn binary<M: PyMachine>(
    m: &mut M,
    site: &'static metatrace::Site,
    operation: u32,
    a: M::Ref,
    b: M::Ref,
) -> Outcome<M> {
    binary_of(m, site, operation, op::plain(operation), a, b)
}

/// As [`binary`], of an operation that is `plain` or its in-place form.
#[inline(always)]
pub fn binary_of<M: PyMachine>(
    m: &mut M,
    site: &'static metatrace::Site,
    operation: u32,
    plain: u32,
    a: M::Ref,
    b: M::Ref,
) -> Outcome<M> {
    match of_numbers(m, plain, a, b) {
        Some(result) => Ok(result),
        None => slow_binary(m, site, operation, a, b),
    }
}

/// The result for two small ints or floats, if it is a small int or a float.
#[inline(always)]
pub fn of_numbers<M: PyMachine>(m: &mut M, operation: u32, a: M::Ref, b: M::Ref) -> Option<M::Ref> {
    let int_a = m.is_int(a);
    let (x, y) = if m.decide(int_a) {
        let int_b = m.is_int(b);
        if m.decide(int_b) {
            let x = m.int_unbox(a);
            let y = m.int_unbox(b);
            return int_int(m, operation, x, y);
        }
        let flt_b = m.is_flt(b);
        if !m.decide(flt_b) {
            return None;
        }
        let x = m.int_unbox(a);
        (m.int_to_flt(x), m.flt_unbox(b))
    } else {
        let flt_a = m.is_flt(a);
        if !m.decide(flt_a) {
            return None;
        }
        let x = m.flt_unbox(a);
        (x, as_float(m, b)?)
    };
    flt_flt(m, operation, x, y)
}

/// The value of a float or a small int.
#[inline(always)]
fn as_float<M: PyMachine>(m: &mut M, value: M::Ref) -> Option<M::Flt> {
    let flt = m.is_flt(value);
    if m.decide(flt) {
        return Some(m.flt_unbox(value));
    }
    let int = m.is_int(value);
    m.decide(int).then(|| {
        let x = m.int_unbox(value);
        m.int_to_flt(x)
    })
}

#[inline(always)]
fn slow_binary<M: PyMachine>(
    m: &mut M,
    site: &'static metatrace::Site,
    operation: u32,
    a: M::Ref,
    b: M::Ref,
) -> Outcome<M> {
    if !m.is_varied(site) {
        // What the general way does as well as any, but a trace knows too little about.
        if !M::DIRECT
            && let Some(result) = crate::handlers::complex::binary(m, operation, a, b)
        {
            return Ok(result);
        }
        if let Some(result) = crate::handlers::operator_method::binary(m, site, operation, a, b)? {
            return Ok(result);
        }
        if !M::DIRECT
            && let Some(result) = crate::handlers::plain::binary(m, operation, a, b)
        {
            return Ok(result);
        }
    }
    let operation = int_operand(m, operation as i64);
    let result = m.call_ref(&BINARY, &[operation, Operand::Ref(a), Operand::Ref(b)]);
    check(m, result)
}

/// The result if it is an int of 63 bits or a float; otherwise the operator protocol finds it (or the error).
#[inline(always)]
fn int_int<M: PyMachine>(m: &mut M, operation: u32, x: M::Int, y: M::Int) -> Option<M::Ref> {
    match operation {
        op::ADD => {
            let r = m.int_add(x, y);
            boxed(m, r)
        }
        op::SUB => {
            let r = m.int_sub(x, y);
            boxed(m, r)
        }
        op::MUL => {
            m.expect_small(x);
            m.expect_small(y);
            let overflows = m.int_mul_overflows(x, y);
            if m.decide(overflows) {
                return None;
            }
            let r = m.int_mul(x, y);
            boxed(m, r)
        }
        op::FLOORDIV => {
            if is_zero(m, y) {
                return None;
            }
            let r = m.int_floordiv(x, y);
            boxed(m, r)
        }
        op::MOD => {
            if is_zero(m, y) {
                return None;
            }
            let r = m.int_mod(x, y);
            Some(m.int_box(r))
        }
        op::TRUEDIV => {
            if is_zero(m, y) || !exact(m, x) || !exact(m, y) {
                return None;
            }
            let (x, y) = (m.int_to_flt(x), m.int_to_flt(y));
            let r = m.flt_div(x, y);
            Some(m.flt_box(r))
        }
        op::AND => {
            let r = m.int_and(x, y);
            Some(m.int_box(r))
        }
        op::OR => {
            let r = m.int_or(x, y);
            Some(m.int_box(r))
        }
        op::XOR => {
            let r = m.int_xor(x, y);
            Some(m.int_box(r))
        }
        op::RSHIFT => {
            // A count of 64 or more, or a negative one, is the protocol's matter.
            let bits = m.int(63);
            let small = m.int_ult(y, bits);
            if !m.decide(small) {
                return None;
            }
            let r = m.int_shr(x, y);
            Some(m.int_box(r))
        }
        op::LSHIFT => {
            let bits = m.int(62);
            let small = m.int_ult(y, bits);
            if !m.decide(small) {
                return None;
            }
            let r = m.int_shl(x, y);
            let back = m.int_shr(r, y);
            let lossless = m.int_eq(back, x);
            if !m.decide(lossless) {
                return None;
            }
            boxed(m, r)
        }
        _ => None,
    }
}

/// The int as a value, if it fits in 63 bits.
#[inline(always)]
fn boxed<M: PyMachine>(m: &mut M, x: M::Int) -> Option<M::Ref> {
    let fits = m.int_fits(x);
    if m.decide(fits) { Some(m.int_box(x)) } else { None }
}

#[inline(always)]
fn is_zero<M: PyMachine>(m: &mut M, x: M::Int) -> bool {
    let zero = m.int(0);
    let is_zero = m.int_eq(x, zero);
    m.decide(is_zero)
}

/// Whether a float holds the int exactly: then int / int is one rounding, as Python asks.
#[inline(always)]
fn exact<M: PyMachine>(m: &mut M, x: M::Int) -> bool {
    let offset = m.int(1 << 53);
    let shifted = m.int_add(x, offset);
    let limit = m.int((1 << 54) + 1);
    let exact = m.int_ult(shifted, limit);
    m.decide(exact)
}

#[inline(always)]
fn flt_flt<M: PyMachine>(m: &mut M, operation: u32, x: M::Flt, y: M::Flt) -> Option<M::Ref> {
    let r = match operation {
        op::ADD => m.flt_add(x, y),
        op::SUB => m.flt_sub(x, y),
        op::MUL => m.flt_mul(x, y),
        op::TRUEDIV => {
            if is_zero_flt(m, y) {
                return None;
            }
            m.flt_div(x, y)
        }
        op::FLOORDIV => {
            if is_zero_flt(m, y) {
                return None;
            }
            m.call_flt(&FLOAT_FLOORDIV, &[Operand::Flt(x), Operand::Flt(y)])
        }
        op::MOD => {
            if is_zero_flt(m, y) {
                return None;
            }
            m.call_flt(&FLOAT_MOD, &[Operand::Flt(x), Operand::Flt(y)])
        }
        op::POW => {
            // A positive finite base to any power neither raises ZeroDivisionError nor leaves the reals; overflow
            // is an infinite result, which the protocol turns into OverflowError.
            let zero = m.flt(0.0);
            let positive = m.flt_gt(x, zero);
            if !m.decide(positive) {
                return None;
            }
            let r = m.call_flt(&FLOAT_POW, &[Operand::Flt(x), Operand::Flt(y)]);
            let limit = m.flt(f64::MAX);
            let finite = m.flt_le(r, limit);
            if !m.decide(finite) {
                return None;
            }
            r
        }
        _ => return None,
    };
    Some(m.flt_box(r))
}

#[inline(always)]
fn is_zero_flt<M: PyMachine>(m: &mut M, x: M::Flt) -> bool {
    let zero = m.flt(0.0);
    let is_zero = m.flt_eq(x, zero);
    m.decide(is_zero)
}

/// `a op b` of COMPARE_OP, as a truth where both are numbers that a comparison decides, else by the protocol.
pub enum Compared<M: Machine> {
    Truth(M::Bool),
    Value(M::Ref),
}

#[inline(always)]
pub fn compare<M: PyMachine>(m: &mut M, operation: u32, a: M::Ref, b: M::Ref) -> Result<Compared<M>, M::Ref> {
    if let Some(truth) = compare_numbers(m, operation, a, b) {
        return Ok(Compared::Truth(truth));
    }
    if let Some(truth) = crate::handlers::plain::compared(m, operation, a, b) {
        return Ok(Compared::Truth(truth));
    }
    let operation = int_operand(m, operation as i64);
    let result = m.call_ref(&COMPARE, &[operation, Operand::Ref(a), Operand::Ref(b)]);
    check(m, result).map(Compared::Value)
}

/// The truth for two small ints or floats. Beyond 2**53 Python compares an int with a float exactly, and the conversion is not.
#[inline(always)]
pub fn compare_numbers<M: PyMachine>(m: &mut M, operation: u32, a: M::Ref, b: M::Ref) -> Option<M::Bool> {
    let int_a = m.is_int(a);
    let (x, y) = if m.decide(int_a) {
        let int_b = m.is_int(b);
        if m.decide(int_b) {
            let x = m.int_unbox(a);
            let y = m.int_unbox(b);
            return Some(compare_ints(m, operation, x, y));
        }
        let flt_b = m.is_flt(b);
        if !m.decide(flt_b) {
            return None;
        }
        let x = m.int_unbox(a);
        if !exact(m, x) {
            return None;
        }
        (m.int_to_flt(x), m.flt_unbox(b))
    } else {
        let flt_a = m.is_flt(a);
        if !m.decide(flt_a) {
            return None;
        }
        let x = m.flt_unbox(a);
        let flt_b = m.is_flt(b);
        if m.decide(flt_b) {
            (x, m.flt_unbox(b))
        } else {
            let int_b = m.is_int(b);
            if !m.decide(int_b) {
                return None;
            }
            let y = m.int_unbox(b);
            if !exact(m, y) {
                return None;
            }
            (x, m.int_to_flt(y))
        }
    };
    Some(compare_floats(m, operation, x, y))
}

#[inline(always)]
fn compare_ints<M: PyMachine>(m: &mut M, operation: u32, x: M::Int, y: M::Int) -> M::Bool {
    match operation {
        compare::LT => m.int_lt(x, y),
        compare::LE => m.int_le(x, y),
        compare::EQ => m.int_eq(x, y),
        compare::NE => m.int_ne(x, y),
        compare::GT => m.int_gt(x, y),
        _ => m.int_ge(x, y),
    }
}

/// COMPARE_OP: what it pushes.
#[inline(always)]
pub fn compare_op<M: PyMachine>(m: &mut M, arg: u32, a: M::Ref, b: M::Ref) -> Result<Compared<M>, M::Ref> {
    match compare::<M>(m, arg >> 5, a, b)? {
        Compared::Value(value) if arg & 16 != 0 => {
            let truth = crate::handlers::flow::truth(m, value)?;
            Ok(Compared::Truth(m.bool(truth)))
        }
        compared => Ok(compared),
    }
}

#[inline(always)]
fn compare_floats<M: PyMachine>(m: &mut M, operation: u32, x: M::Flt, y: M::Flt) -> M::Bool {
    match operation {
        compare::LT => m.flt_lt(x, y),
        compare::LE => m.flt_le(x, y),
        compare::EQ => m.flt_eq(x, y),
        compare::NE => m.flt_ne(x, y),
        compare::GT => m.flt_gt(x, y),
        _ => m.flt_ge(x, y),
    }
}

/// Which unary operator, for [`UNARY`].
pub mod unary_op {
    pub const NEGATIVE: i64 = 0;
    pub const INVERT: i64 = 1;
}

#[inline(always)]
pub fn negative<M: PyMachine>(m: &mut M, a: M::Ref) -> Outcome<M> {
    match tag(m, a) {
        Tag::Int => {
            let x = m.int_unbox(a);
            let r = m.int_neg(x);
            if let Some(result) = boxed(m, r) {
                return Ok(result);
            }
        }
        Tag::Float => {
            let x = m.flt_unbox(a);
            let r = m.flt_neg(x);
            return Ok(m.flt_box(r));
        }
        Tag::Object(_) => {}
    }
    unary(m, unary_op::NEGATIVE, a)
}

#[inline(always)]
pub fn invert<M: PyMachine>(m: &mut M, a: M::Ref) -> Outcome<M> {
    let is_int = m.is_int(a);
    if m.decide(is_int) {
        let x = m.int_unbox(a);
        let r = m.int_invert(x);
        return Ok(m.int_box(r));
    }
    unary(m, unary_op::INVERT, a)
}

pub fn unary<M: PyMachine>(m: &mut M, operation: i64, a: M::Ref) -> Outcome<M> {
    let operation = int_operand(m, operation);
    let result = m.call_ref(&UNARY, &[operation, Operand::Ref(a)]);
    check(m, result)
}
