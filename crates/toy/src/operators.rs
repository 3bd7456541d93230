//! Operators: numbers, strings, and methods of instances.

use crate::builtins;
use crate::code::Binary;
use crate::errors::GuestError;
use crate::interp::{Res, call_now, method, raise, shape_of};
use crate::object::Kind;
use crate::toy::Toy;
use metatrace::{Machine, Operand, Site};

/// `a op b`.
#[inline(always)]
pub(crate) fn binary<M: Machine<L = Toy>>(m: &mut M, site: &'static Site, op: Binary, a: M::Ref, b: M::Ref) -> Res<M> {
    let int = m.is_int(a);
    if m.decide(int) {
        let int = m.is_int(b);
        if m.decide(int) {
            return on_ints(m, op, a, b);
        }
    }
    on_others(m, site, op, a, b)
}

#[inline(always)]
fn on_ints<M: Machine<L = Toy>>(m: &mut M, op: Binary, a: M::Ref, b: M::Ref) -> Res<M> {
    let (x, y) = (m.int_unbox(a), m.int_unbox(b));
    let result = match op {
        Binary::Add => m.int_add(x, y),
        Binary::Sub => m.int_sub(x, y),
        Binary::Mul => {
            let overflows = m.int_mul_overflows(x, y);
            if m.decide(overflows) {
                return on_floats_of_ints(m, op, x, y);
            }
            m.int_mul(x, y)
        }
        Binary::Mod => {
            let zero = m.int(0);
            let is_zero = m.int_eq(y, zero);
            if m.decide(is_zero) {
                return raise(m, GuestError::ZeroDivision);
            }
            m.int_mod(x, y)
        }
        Binary::Div => return on_floats_of_ints(m, op, x, y),
        Binary::Lt => return truth_value(m, |m| m.int_lt(x, y)),
        Binary::Le => return truth_value(m, |m| m.int_le(x, y)),
        Binary::Gt => return truth_value(m, |m| m.int_gt(x, y)),
        Binary::Ge => return truth_value(m, |m| m.int_ge(x, y)),
        Binary::Eq => return truth_value(m, |m| m.int_eq(x, y)),
        Binary::Ne => return truth_value(m, |m| m.int_ne(x, y)),
    };
    let fits = m.int_fits(result);
    if m.decide(fits) { Ok(m.int_box(result)) } else { on_floats_of_ints(m, op, x, y) }
}

fn truth_value<M: Machine<L = Toy>>(m: &mut M, compare: impl FnOnce(&mut M) -> M::Bool) -> Res<M> {
    let truth = compare(m);
    Ok(m.bool_box(truth))
}

fn on_floats_of_ints<M: Machine<L = Toy>>(m: &mut M, op: Binary, x: M::Int, y: M::Int) -> Res<M> {
    let (x, y) = (m.int_to_flt(x), m.int_to_flt(y));
    on_floats(m, op, x, y)
}

fn on_floats<M: Machine<L = Toy>>(m: &mut M, op: Binary, x: M::Flt, y: M::Flt) -> Res<M> {
    let result = match op {
        Binary::Add => m.flt_add(x, y),
        Binary::Sub => m.flt_sub(x, y),
        Binary::Mul => m.flt_mul(x, y),
        Binary::Div => {
            let zero = m.flt(0.0);
            let is_zero = m.flt_eq(y, zero);
            if m.decide(is_zero) {
                return raise(m, GuestError::ZeroDivision);
            }
            m.flt_div(x, y)
        }
        Binary::Mod => return raise(m, GuestError::Operands),
        Binary::Lt => return truth_value(m, |m| m.flt_lt(x, y)),
        Binary::Le => return truth_value(m, |m| m.flt_le(x, y)),
        Binary::Gt => return truth_value(m, |m| m.flt_gt(x, y)),
        Binary::Ge => return truth_value(m, |m| m.flt_ge(x, y)),
        Binary::Eq => return truth_value(m, |m| m.flt_eq(x, y)),
        Binary::Ne => return truth_value(m, |m| m.flt_ne(x, y)),
    };
    Ok(m.flt_box(result))
}

/// A number as a float; `None` for everything else.
fn number<M: Machine<L = Toy>>(m: &mut M, value: M::Ref) -> Option<M::Flt> {
    let int = m.is_int(value);
    if m.decide(int) {
        let x = m.int_unbox(value);
        return Some(m.int_to_flt(x));
    }
    let float = m.is_flt(value);
    if m.decide(float) { Some(m.flt_unbox(value)) } else { None }
}

fn on_others<M: Machine<L = Toy>>(m: &mut M, site: &'static Site, op: Binary, a: M::Ref, b: M::Ref) -> Res<M> {
    if let Some(x) = number(m, a)
        && let Some(y) = number(m, b)
    {
        return on_floats(m, op, x, y);
    }
    let (left, right) = (shape_of(m, a), shape_of(m, b));
    let both_str = [left, right].iter().all(|shape| shape.is_some_and(|shape| shape.kind == Kind::Str));
    if both_str {
        return on_strings(m, op, a, b);
    }
    let names = m.context().names;
    if let Some(class) = left.and_then(|shape| shape.class) {
        let name = names.binary[op as usize].expect("set when the machine was made");
        if let Some(code) = method(m, site, class, name) {
            let result = call_now(m, code, &[&[a, b]])?;
            // A method that returns nil declines.
            let nil = m.context().nil;
            let nil = m.constant(nil);
            let declined = m.ref_eq(result, nil);
            if !m.decide(declined) {
                return Ok(result);
            }
        }
    }
    if let (Binary::Add, Some(class)) = (op, right.and_then(|shape| shape.class)) {
        let name = names.radd.expect("set when the machine was made");
        if let Some(code) = method(m, site, class, name) {
            return call_now(m, code, &[&[b, a]]);
        }
    }
    match op {
        Binary::Eq => truth_value(m, |m| m.ref_eq(a, b)),
        Binary::Ne => {
            let same = m.ref_eq(a, b);
            truth_value(m, |m| m.bool_not(same))
        }
        _ => raise(m, GuestError::Operands),
    }
}

fn on_strings<M: Machine<L = Toy>>(m: &mut M, op: Binary, a: M::Ref, b: M::Ref) -> Res<M> {
    let operands = [Operand::Ref(a), Operand::Ref(b)];
    match op {
        Binary::Add => {
            let sum = m.call_ref(&builtins::CONCAT, &operands);
            let null = m.is_null(sum);
            if m.decide(null) { raise(m, GuestError::StringTooLong) } else { Ok(sum) }
        }
        Binary::Eq => truth_value(m, |m| m.call_bool(&builtins::STR_EQ, &operands)),
        Binary::Ne => {
            let same = m.call_bool(&builtins::STR_EQ, &operands);
            truth_value(m, |m| m.bool_not(same))
        }
        Binary::Lt => {
            let order = m.call_int(&builtins::STR_CMP, &operands);
            let zero = m.int(0);
            truth_value(m, |m| m.int_lt(order, zero))
        }
        _ => raise(m, GuestError::Operands),
    }
}

pub(crate) fn negate<M: Machine<L = Toy>>(m: &mut M, value: M::Ref) -> Res<M> {
    let int = m.is_int(value);
    if m.decide(int) {
        let x = m.int_unbox(value);
        let x = m.int_neg(x);
        let fits = m.int_fits(x);
        if m.decide(fits) {
            return Ok(m.int_box(x));
        }
        let x = m.int_to_flt(x);
        return Ok(m.flt_box(x));
    }
    let float = m.is_flt(value);
    if !m.decide(float) {
        return raise(m, GuestError::Operands);
    }
    let x = m.flt_unbox(value);
    let x = m.flt_neg(x);
    Ok(m.flt_box(x))
}

/// nil, false, zero and what is empty are false.
#[inline(always)]
pub(crate) fn truth<M: Machine<L = Toy>>(m: &mut M, value: M::Ref) -> bool {
    let [no, yes] = m.context().bools.map(|value| value);
    let (no, yes) = (m.constant(no), m.constant(yes));
    let is_yes = m.ref_eq(value, yes);
    if m.decide(is_yes) {
        return true;
    }
    let is_no = m.ref_eq(value, no);
    if m.decide(is_no) {
        return false;
    }
    truth_of_others(m, value)
}

fn truth_of_others<M: Machine<L = Toy>>(m: &mut M, value: M::Ref) -> bool {
    if let Some(x) = number(m, value) {
        let zero = m.flt(0.0);
        let is_zero = m.flt_eq(x, zero);
        return !m.decide(is_zero);
    }
    match shape_of(m, value).map(|shape| shape.kind) {
        Some(Kind::Nil) => false,
        Some(Kind::List) => {
            let len = m.get_int(value, &crate::object::LIST_LEN);
            let zero = m.int(0);
            let is_empty = m.int_eq(len, zero);
            !m.decide(is_empty)
        }
        _ => true,
    }
}
