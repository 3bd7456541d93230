//! Calls of built-in classes with common arguments.

use crate::handlers::{flow, plain};
use crate::machine::*;
use heap::Value;
use objects::builtin_layouts::{Complex, Range};
use objects::layout::Object;
use objects::shape::Kind;

/// A built-in class whose calls handlers see through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Native {
    Int,
    Float,
    Bool,
    Complex,
    Range,
    Type,
    Str,
}

/// The result; `None`: in the general way. Nothing has been done then.
pub fn call<M: PyMachine>(m: &mut M, native: Native, arguments: &[M::Ref]) -> Result<Option<M::Ref>, M::Ref> {
    Ok(match (native, arguments) {
        (Native::Int, &[x]) => int(m, x),
        (Native::Float, &[x]) => float_of(m, x).map(|x| m.flt_box(x)),
        (Native::Bool, &[x]) => {
            let truth = flow::truth(m, x)?;
            Some(flow::bool_value(m, truth))
        }
        (Native::Complex, &[re]) => {
            let (Some(re), im) = (float_of(m, re), m.flt(0.0)) else { return Ok(None) };
            Some(complex(m, re, im))
        }
        (Native::Complex, &[re, im]) => {
            let Some(re) = float_of(m, re) else { return Ok(None) };
            let Some(im) = float_of(m, im) else { return Ok(None) };
            Some(complex(m, re, im))
        }
        (Native::Range, &[stop]) => {
            let (start, step) = (m.constant(Value::from_int(0)), m.constant(Value::from_int(1)));
            range(m, start, stop, step)
        }
        (Native::Range, &[start, stop]) => {
            let step = m.constant(Value::from_int(1));
            range(m, start, stop, step)
        }
        (Native::Range, &[start, stop, step]) => range(m, start, stop, step),
        (Native::Type, &[x]) => type_of(m, x),
        (Native::Str, &[x]) => {
            if object_kind(m, x) == Some(Kind::Str) {
                return Ok(Some(x));
            }
            plain::format(m, x)
        }
        _ => None,
    })
}

fn int<M: PyMachine>(m: &mut M, x: M::Ref) -> Option<M::Ref> {
    match tag(m, x) {
        Tag::Int => Some(x),
        Tag::Float => {
            let x = m.flt_unbox(x);
            truncated(m, x)
        }
        Tag::Object(_) => None,
    }
}

/// The float without its fraction, as an int of 63 bits.
pub fn truncated<M: PyMachine>(m: &mut M, x: M::Flt) -> Option<M::Ref> {
    let (limit, size) = (m.flt((1i64 << 62) as f64), m.flt_abs(x));
    // False of NaN.
    let fits = m.flt_lt(size, limit);
    if !m.decide(fits) {
        return None;
    }
    let i = m.flt_to_int(x);
    Some(m.int_box(i))
}

/// A float, or an int converted.
pub fn float_of<M: PyMachine>(m: &mut M, x: M::Ref) -> Option<M::Flt> {
    match tag(m, x) {
        Tag::Float => Some(m.flt_unbox(x)),
        Tag::Int => {
            let x = m.int_unbox(x);
            Some(m.int_to_flt(x))
        }
        Tag::Object(_) => None,
    }
}

pub fn complex<M: PyMachine>(m: &mut M, re: M::Flt, im: M::Flt) -> M::Ref {
    let shape = m.context().shape_for_kind(Kind::Complex);
    let result = m.new(shape.id, shape.bytes() as u32);
    m.init_flt(result, Complex::RE, re);
    m.init_flt(result, Complex::IM, im);
    result
}

fn range<M: PyMachine>(m: &mut M, start: M::Ref, stop: M::Ref, step: M::Ref) -> Option<M::Ref> {
    for x in [start, stop, step] {
        let is_int = m.is_int(x);
        if !m.decide(is_int) {
            return None;
        }
    }
    let (from, to) = (m.int_unbox(start), m.int_unbox(stop));
    let by = m.int_unbox(step);
    // Most often constant; then the division below is none.
    let by = m.promote_int(by);
    if by == 0 {
        return None;
    }
    // Of numbers of 63 bits: fits in 64.
    let span = if by > 0 { m.int_sub(to, from) } else { m.int_sub(from, to) };
    let zero = m.int(0);
    let is_empty = m.int_le(span, zero);
    let len = if m.decide(is_empty) {
        zero
    } else if by.abs() == 1 {
        span
    } else {
        let (one, by) = (m.int(1), m.int(by.abs()));
        let less = m.int_sub(span, one);
        let steps = m.int_floordiv(less, by);
        m.int_add(steps, one)
    };
    let fits = m.int_fits(len);
    if !m.decide(fits) {
        return None;
    }
    let len = m.int_box(len);
    let shape = m.context().shape_for_kind(Kind::Range);
    let range = m.new(shape.id, Range::BYTES as u32);
    m.init_ref(range, Range::START, start);
    m.init_ref(range, Range::STOP, stop);
    m.init_ref(range, Range::STEP, step);
    m.init_ref(range, Range::LEN, len);
    Some(range)
}

fn type_of<M: PyMachine>(m: &mut M, x: M::Ref) -> Option<M::Ref> {
    let ty = match tag(m, x) {
        Tag::Int => m.context().types.int,
        Tag::Float => m.context().types.float,
        Tag::Object(shape) => shape.ty,
    };
    Some(m.constant(ty.value()))
}
