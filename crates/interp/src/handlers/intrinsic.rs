//! Native functions that traces see through: the handler does what the function does for the common operands.

use crate::machine::*;
use metatrace::Operand;
use objects::args::MethodDef;
use objects::array_layout::Array;
use objects::builtin_layouts::{Dict, List, Str, Tuple};
use objects::shape::Kind;

/// The result, if `def` is such a function and the arguments are common ones.
#[inline(always)]
pub fn call<M: PyMachine>(m: &mut M, def: &'static MethodDef, arguments: &[M::Ref]) -> Option<M::Ref> {
    let intrinsic = def.intrinsic?;
    match (intrinsic, arguments) {
        (objects::args::Intrinsic::Len, &[object]) => len(m, object),
        (objects::args::Intrinsic::Abs, &[x]) => abs(m, x),
        (objects::args::Intrinsic::Sqrt, &[x]) => sqrt(m, x),
        (objects::args::Intrinsic::Float(callee), &[x]) => {
            let x = float_operand(m, x)?;
            let r = m.call_flt(callee, &[Operand::Flt(x)]);
            // A result that is not finite is the native function's matter: it tells errors from infinities.
            let limit = m.flt(f64::MAX);
            let size = m.flt_abs(r);
            let finite = m.flt_le(size, limit);
            if m.decide(finite) { Some(m.flt_box(r)) } else { None }
        }
        (objects::args::Intrinsic::ListAppend, &[list, value]) => append(m, list, value),
        _ => None,
    }
}

#[inline(always)]
fn len<M: PyMachine>(m: &mut M, object: M::Ref) -> Option<M::Ref> {
    let count = match object_kind(m, object)? {
        Kind::List => m.get_int(object, List::LEN),
        Kind::Tuple => m.get_int(object, Tuple::LEN),
        Kind::Dict => m.get_int(object, Dict::USED),
        Kind::Array => m.get_int(object, Array::LEN),
        Kind::Str => {
            let info = m.get_int(object, Str::INFO);
            let mask = m.int(objects::str::LENGTH_MASK);
            m.int_and(info, mask)
        }
        _ => return None,
    };
    Some(m.int_box(count))
}

#[inline(always)]
fn abs<M: PyMachine>(m: &mut M, x: M::Ref) -> Option<M::Ref> {
    match tag(m, x) {
        Tag::Int => {
            let i = m.int_unbox(x);
            let zero = m.int(0);
            let is_negative = m.int_lt(i, zero);
            if !m.decide(is_negative) {
                return Some(x);
            }
            let r = m.int_neg(i);
            let fits = m.int_fits(r);
            if m.decide(fits) { Some(m.int_box(r)) } else { None }
        }
        Tag::Float => {
            let x = m.flt_unbox(x);
            let r = m.flt_abs(x);
            Some(m.flt_box(r))
        }
        Tag::Object(_) => None,
    }
}

#[inline(always)]
fn sqrt<M: PyMachine>(m: &mut M, x: M::Ref) -> Option<M::Ref> {
    let x = float_operand(m, x)?;
    let zero = m.flt(0.0);
    let in_domain = m.flt_ge(x, zero);
    if !m.decide(in_domain) {
        return None;
    }
    let r = m.flt_sqrt(x);
    Some(m.flt_box(r))
}

/// A float, or an int converted.
#[inline(always)]
fn float_operand<M: PyMachine>(m: &mut M, x: M::Ref) -> Option<M::Flt> {
    match tag(m, x) {
        Tag::Float => Some(m.flt_unbox(x)),
        Tag::Int => {
            let x = m.int_unbox(x);
            Some(m.int_to_flt(x))
        }
        Tag::Object(_) => None,
    }
}

/// `list.append` while the storage has room.
#[inline(always)]
pub fn append<M: PyMachine>(m: &mut M, list: M::Ref, value: M::Ref) -> Option<M::Ref> {
    if object_kind(m, list)? != Kind::List {
        return None;
    }
    let items = m.get_ref(list, List::ITEMS);
    let empty = m.is_null(items);
    if m.decide(empty) {
        return None;
    }
    let len = m.get_int(list, List::LEN);
    let capacity = m.get_int(items, objects::builtin_layouts::ItemArray::CAPACITY);
    let has_room = m.int_lt(len, capacity);
    if !m.decide(has_room) {
        return None;
    }
    m.set_item_ref(items, len, objects::list::ARRAY_ITEMS, value);
    let one = m.int(1);
    let grown = m.int_add(len, one);
    m.set_int(list, List::LEN, grown);
    Some(none(m))
}
