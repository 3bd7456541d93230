//! Truth and identity.

use crate::callees::operators::{CONTAINS, IDENTICAL, TRUTH};
use crate::machine::*;
use metatrace::{Callee, Field, Operand};
use objects::builtin_layouts::{AppendedStr, Dict, List, Set, Str, Tuple};
use objects::callees::{ABSENT, DICT_FIND, SET_FIND, UNKNOWN};
use objects::shape::Kind;

/// Python's truth of a value.
#[inline(always)]
pub fn truth<M: PyMachine>(m: &mut M, value: M::Ref) -> Result<bool, M::Ref> {
    let true_ = m.context().true_;
    let true_ = m.constant(true_);
    let is_true = m.ref_eq(value, true_);
    if m.decide(is_true) {
        return Ok(true);
    }
    slow_truth(m, value)
}

#[inline(always)]
fn slow_truth<M: PyMachine>(m: &mut M, value: M::Ref) -> Result<bool, M::Ref> {
    let length = match tag(m, value) {
        Tag::Int => m.int_unbox(value),
        Tag::Float => {
            let x = m.flt_unbox(value);
            let zero = m.flt(0.0);
            let is_nonzero = m.flt_ne(x, zero);
            return Ok(m.decide(is_nonzero));
        }
        Tag::Object(shape) => match shape.kind {
            // True was the fast case.
            Kind::Bool | Kind::None => return Ok(false),
            Kind::List => m.get_int(value, List::LEN),
            Kind::Tuple => m.get_int(value, Tuple::LEN),
            Kind::Dict => m.get_int(value, Dict::USED),
            Kind::Str => m.get_int(value, Str::BYTES_LEN),
            Kind::AppendedStr => m.get_int(value, AppendedStr::BYTES_LEN),
            Kind::Function | Kind::Method | Kind::Builtin => return Ok(true),
            _ => return instance_truth(m, value),
        },
    };
    let zero = m.int(0);
    let is_nonzero = m.int_ne(length, zero);
    Ok(m.decide(is_nonzero))
}

fn instance_truth<M: PyMachine>(m: &mut M, value: M::Ref) -> Result<bool, M::Ref> {
    let result = m.call_int(&TRUTH, &[Operand::Ref(value)]);
    check_truth(m, result)
}

/// `a is b`: by identity, but ints and floats by value, boxed ones included.
#[inline(always)]
pub fn is<M: PyMachine>(m: &mut M, a: M::Ref, b: M::Ref) -> bool {
    let same = m.ref_eq(a, b);
    if m.decide(same) {
        return true;
    }
    // The right operand is most often a constant, about which a trace knows all; and most often None.
    let none = none(m);
    let is_none = m.ref_eq(b, none);
    if m.decide(is_none) {
        return false;
    }
    let small = m.is_int(b);
    if m.decide(small) {
        return false;
    }
    let float = m.is_flt(b);
    if !m.decide(float) {
        let shape = m.shape(b);
        let big = m.context().shape_for_kind(Kind::BigInt).id.0;
        let big = m.int(big as i64);
        let big = m.int_eq(shape, big);
        if !m.decide(big) {
            return false;
        }
    }
    let same = m.call_bool(&IDENTICAL, &[Operand::Ref(a), Operand::Ref(b)]);
    m.decide(same)
}

/// `item in container`.
pub fn contains<M: PyMachine>(m: &mut M, container: M::Ref, item: M::Ref) -> Result<bool, M::Ref> {
    let found = match object_kind(m, container) {
        Some(Kind::Dict) => find(m, &DICT_FIND, container, item, Dict::CHANGES, ABSENT),
        Some(Kind::Set | Kind::FrozenSet) => find(m, &SET_FIND, container, item, Set::CHANGES, 0),
        _ => None,
    };
    if let Some(found) = found {
        return Ok(found);
    }
    if !M::DIRECT
        && let Some(found) = crate::handlers::plain::contains(m, container, item)
    {
        return Ok(found);
    }
    let result = m.call_int(&CONTAINS, &[Operand::Ref(container), Operand::Ref(item)]);
    check_truth(m, result)
}

/// Whether a hash table has the item; `None` if only Python code can tell.
fn find<M: PyMachine>(
    m: &mut M,
    find: &'static Callee,
    container: M::Ref,
    item: M::Ref,
    changes: &'static Field,
    absent: i64,
) -> Option<bool> {
    let changes = m.get_int(container, changes);
    let found = m.call_int(find, &[Operand::Ref(container), Operand::Ref(item), Operand::Int(changes)]);
    let unknown = m.int(UNKNOWN);
    let is_unknown = m.int_eq(found, unknown);
    if m.decide(is_unknown) {
        return None;
    }
    let absent = m.int(absent);
    let is_there = m.int_ne(found, absent);
    Some(m.decide(is_there))
}

/// A Rust truth as a guest value.
#[inline(always)]
pub fn bool_value<M: PyMachine>(m: &mut M, truth: bool) -> M::Ref {
    let truth = m.bool(truth);
    m.bool_box(truth)
}
