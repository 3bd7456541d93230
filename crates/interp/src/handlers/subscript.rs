//! `container[key]`: lists, tuples, arrays and dicts traced through, the rest by the protocol.

use crate::callees::subscripts::*;
use crate::machine::*;
use metatrace::{Operand, Repr, Ty};
use objects::array_layout::{Array, Buffer, ELEMENT_KINDS};
use objects::builtin_layouts::{Bytes, Dict, List, Tuple};
use objects::bytearray::ByteArray;
use objects::callees::{DICT_FIND, DICT_STORE};
use objects::dict::{ENTRY_VALUE, ENTRY_WORDS};
use objects::shape::Kind;
use objects::struct_plan::bytes_as;

/// BINARY_OP's subscript.
#[inline(always)]
pub fn load<M: PyMachine>(m: &mut M, container: M::Ref, key: M::Ref) -> Outcome<M> {
    if is_plainly(m, container, Kind::List)
        && let Some(item) = list_item(m, container, key)
    {
        return Ok(item);
    }
    if let Some(shape) = object_shape(m, container) {
        match shape.kind {
            Kind::List => {
                if let Some(item) = list_item(m, container, key) {
                    return Ok(item);
                }
            }
            Kind::Tuple => {
                if let Some(index) = in_range(m, key, |m| m.get_int(container, Tuple::LEN)) {
                    return Ok(m.item_ref(container, index, objects::tuple::TUPLE_ITEMS));
                }
            }
            Kind::Dict => {
                let entry = find_entry(m, container, key);
                let zero = m.int(0);
                let found = m.int_le(zero, entry);
                if m.decide(found) {
                    return Ok(value_at(m, container, entry));
                }
                return call2(m, &DICT_ITEM, container, key);
            }
            Kind::Array => {
                let kind = m.get_int(container, Array::KIND);
                let kind = ELEMENT_KINDS[m.promote_int(kind) as usize];
                if kind.traced
                    && let Some(index) = in_range(m, key, |m| m.get_int(container, Array::LEN))
                {
                    let address = m.get_int(container, Array::ADDRESS);
                    return load_element(m, container, address, index, kind.repr);
                }
            }
            Kind::Bytes => {
                if let Some(index) = in_range(m, key, |m| m.get_int(container, Bytes::LEN)) {
                    let byte = m.bytes_int(container, index, bytes_as(Repr::U8));
                    return Ok(m.int_box(byte));
                }
            }
            Kind::ByteArray => {
                if let Some(index) = in_range(m, key, |m| m.get_int(container, ByteArray::LEN)) {
                    let address = m.get_int(container, ByteArray::ADDRESS);
                    return load_element(m, container, address, index, Repr::U8);
                }
            }
            Kind::Str => {
                if let Some(item) = crate::handlers::plain::item(m, container, key) {
                    return Ok(item);
                }
            }
            Kind::AppendedStr => {
                let text = crate::handlers::plain::settled(m, container);
                if let Some(item) = crate::handlers::plain::item(m, text, key) {
                    return Ok(item);
                }
            }
            Kind::Buffer => {
                if let Some(index) = buffer_index(m, container, key) {
                    let address = m.get_int(container, Buffer::ADDRESS);
                    return load_element(m, container, address, index, Repr::F64);
                }
            }
            _ => {}
        }
    }
    call2(m, &GET_ITEM, container, key)
}

#[inline(always)]
pub fn list_item<M: PyMachine>(m: &mut M, list: M::Ref, key: M::Ref) -> Option<M::Ref> {
    let index = in_range(m, key, |m| m.get_int(list, List::LEN))?;
    let items = m.get_ref(list, List::ITEMS);
    Some(m.item_ref(items, index, objects::list::ARRAY_ITEMS))
}

#[inline(always)]
pub fn set_list_item<M: PyMachine>(m: &mut M, list: M::Ref, key: M::Ref, value: M::Ref) -> bool {
    let Some(index) = in_range(m, key, |m| m.get_int(list, List::LEN)) else { return false };
    let items = m.get_ref(list, List::ITEMS);
    m.set_item_ref(items, index, objects::list::ARRAY_ITEMS, value);
    true
}

/// STORE_SUBSCR.
#[inline(always)]
pub fn store<M: PyMachine>(m: &mut M, container: M::Ref, key: M::Ref, value: M::Ref) -> Result<(), M::Ref> {
    if is_plainly(m, container, Kind::List) && set_list_item(m, container, key, value) {
        return Ok(());
    }
    if let Some(shape) = object_shape(m, container) {
        match shape.kind {
            Kind::List if set_list_item(m, container, key, value) => return Ok(()),
            Kind::Dict => {
                let entry = find_entry(m, container, key);
                let (zero, namespace) = (m.int(0), m.get_int(container, Dict::NAMESPACE));
                let is_there = m.int_le(zero, entry);
                let is_plain = m.int_eq(namespace, zero);
                // Changes of the dictionaries of modules and classes have consequences.
                if m.decide(is_plain) && m.decide(is_there) {
                    let (entries, index) = place_of(m, container, entry);
                    m.set_item_ref(entries, index, objects::dict::ENTRY_ITEMS, value);
                    return Ok(());
                }
                let stored =
                    m.call_int(&DICT_STORE, &[Operand::Ref(container), Operand::Ref(key), Operand::Ref(value)]);
                let yes = m.int(1);
                let stored = m.int_eq(stored, yes);
                if m.decide(stored) {
                    return Ok(());
                }
                let result =
                    m.call_ref(&SET_DICT_ITEM, &[Operand::Ref(container), Operand::Ref(key), Operand::Ref(value)]);
                return check(m, result).map(|_| ());
            }
            Kind::Array => {
                let kind = m.get_int(container, Array::KIND);
                let kind = ELEMENT_KINDS[m.promote_int(kind) as usize];
                if kind.traced
                    && let Some(index) = in_range(m, key, |m| m.get_int(container, Array::LEN))
                {
                    let address = m.get_int(container, Array::ADDRESS);
                    if store_element(m, container, address, index, kind.repr, value) {
                        return Ok(());
                    }
                }
            }
            Kind::ByteArray => {
                if let Some(index) = in_range(m, key, |m| m.get_int(container, ByteArray::LEN)) {
                    let address = m.get_int(container, ByteArray::ADDRESS);
                    if store_element(m, container, address, index, Repr::U8, value) {
                        return Ok(());
                    }
                }
            }
            Kind::Buffer => {
                if let Some(index) = buffer_index(m, container, key) {
                    let address = m.get_int(container, Buffer::ADDRESS);
                    if store_element(m, container, address, index, Repr::F64, value) {
                        return Ok(());
                    }
                }
            }
            _ => {}
        }
    }
    let result = m.call_ref(&SET_ITEM, &[Operand::Ref(container), Operand::Ref(key), Operand::Ref(value)]);
    check(m, result).map(|_| ())
}

/// The number of a key's entry in a dict, or what `DICT_FIND` gives for others.
#[inline(always)]
pub fn find_entry<M: PyMachine>(m: &mut M, dict: M::Ref, key: M::Ref) -> M::Int {
    let changes = m.get_int(dict, Dict::CHANGES);
    m.call_int(&DICT_FIND, &[Operand::Ref(dict), Operand::Ref(key), Operand::Int(changes)])
}

/// The value of an entry that is there.
#[inline(always)]
pub fn value_at<M: PyMachine>(m: &mut M, dict: M::Ref, entry: M::Int) -> M::Ref {
    let (entries, index) = place_of(m, dict, entry);
    m.item_ref(entries, index, objects::dict::ENTRY_ITEMS)
}

#[inline(always)]
fn place_of<M: PyMachine>(m: &mut M, dict: M::Ref, entry: M::Int) -> (M::Ref, M::Int) {
    let entries = m.get_ref(dict, Dict::ENTRIES);
    let [words, value] = [ENTRY_WORDS, ENTRY_VALUE].map(|n| m.int(n));
    let first = m.int_mul(entry, words);
    (entries, m.int_add(first, value))
}

/// The key as an index into `len` elements, negative ones counted from the end; `None` if it is no int of 63 bits or out of
/// range.
#[inline(always)]
pub(super) fn in_range<M: PyMachine>(m: &mut M, key: M::Ref, len: impl FnOnce(&mut M) -> M::Int) -> Option<M::Int> {
    let is_int = m.is_int(key);
    if !m.decide(is_int) {
        return None;
    }
    let index = m.int_unbox(key);
    let len = len(m);
    wrap_index(m, index, len)
}

#[inline(always)]
fn wrap_index<M: PyMachine>(m: &mut M, index: M::Int, len: M::Int) -> Option<M::Int> {
    let zero = m.int(0);
    let is_negative = m.int_lt(index, zero);
    let index = if m.decide(is_negative) { m.int_add(index, len) } else { index };
    let inside = m.int_ult(index, len);
    if m.decide(inside) { Some(index) } else { None }
}

#[inline(always)]
fn load_element<M: PyMachine>(m: &mut M, owner: M::Ref, address: M::Int, index: M::Int, repr: Repr) -> Outcome<M> {
    if repr.ty() == Ty::Flt {
        let x = m.raw_load_flt(owner, address, index, repr);
        return Ok(m.flt_box(x));
    }
    let x = m.raw_load_int(owner, address, index, repr);
    if repr == Repr::I64 {
        let fits = m.int_fits(x);
        if !m.decide(fits) {
            return call1_int(m, &BOX_INT, x);
        }
    }
    Ok(m.int_box(x))
}

#[inline(always)]
fn call1_int<M: PyMachine>(m: &mut M, callee: &'static metatrace::Callee, x: M::Int) -> Outcome<M> {
    let result = m.call_ref(callee, &[Operand::Int(x)]);
    check(m, result)
}

/// Whether the value is of the element's type and in its range, and is stored.
#[inline(always)]
fn store_element<M: PyMachine>(
    m: &mut M,
    owner: M::Ref,
    address: M::Int,
    index: M::Int,
    repr: Repr,
    value: M::Ref,
) -> bool {
    if repr.ty() == Ty::Flt {
        let is_flt = m.is_flt(value);
        let x = if m.decide(is_flt) {
            m.flt_unbox(value)
        } else {
            let is_int = m.is_int(value);
            if !m.decide(is_int) {
                return false;
            }
            let x = m.int_unbox(value);
            m.int_to_flt(x)
        };
        m.raw_store_flt(owner, address, index, repr, x);
        return true;
    }
    let is_int = m.is_int(value);
    if !m.decide(is_int) {
        return false;
    }
    let x = m.int_unbox(value);
    let (offset, count) = match repr {
        Repr::I8 => (1 << 7, 1 << 8),
        Repr::U8 => (0, 1 << 8),
        Repr::I16 => (1 << 15, 1 << 16),
        Repr::U16 => (0, 1 << 16),
        Repr::I32 => (1i64 << 31, 1i64 << 32),
        Repr::U32 => (0, 1i64 << 32),
        _ => (0, 0),
    };
    if count != 0 {
        let offset = m.int(offset);
        let shifted = m.int_add(x, offset);
        let count = m.int(count);
        let fits = m.int_ult(shifted, count);
        if !m.decide(fits) {
            return false;
        }
    }
    m.raw_store_int(owner, address, index, repr, x);
    true
}

/// The element that `key` (an int, or a tuple of two) names in a float64 buffer, if it is in range.
#[inline(always)]
fn buffer_index<M: PyMachine>(m: &mut M, buffer: M::Ref, key: M::Ref) -> Option<M::Int> {
    let columns = m.get_int(buffer, Buffer::COLUMNS);
    let zero = m.int(0);
    let is_one_dimensional = m.int_lt(columns, zero);
    if m.decide(is_one_dimensional) {
        return in_range(m, key, |m| m.get_int(buffer, Buffer::ROWS));
    }
    if object_kind(m, key) != Some(Kind::Tuple) {
        return None;
    }
    let count = m.get_int(key, Tuple::LEN);
    let two = m.int(2);
    let is_pair = m.int_eq(count, two);
    if !m.decide(is_pair) {
        return None;
    }
    let first = m.int(0);
    let row = m.item_ref(key, first, objects::tuple::TUPLE_ITEMS);
    let second = m.int(1);
    let column = m.item_ref(key, second, objects::tuple::TUPLE_ITEMS);
    let row = in_range(m, row, |m| m.get_int(buffer, Buffer::ROWS))?;
    let column = in_range(m, column, |_| columns)?;
    let start = m.int_mul(row, columns);
    Some(m.int_add(start, column))
}
