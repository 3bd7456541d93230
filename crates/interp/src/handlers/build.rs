//! Literals: tuples, lists, slices traced through; the rest by Rust functions.

use crate::callees::structures::*;
use crate::machine::*;
use metatrace::{Callee, Operand};
use objects::builtin_layouts::{ItemArray, List, Slice, Tuple};
use objects::layout::Object;
use objects::shape::Kind;

/// Up to this many items, a literal is made by operations that traces see (and may never make).
const TRACED_ITEMS: usize = 8;

/// BUILD_TUPLE.
#[inline(always)]
pub fn tuple<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, count: usize) -> Outcome<M> {
    if count == 0 || count > TRACED_ITEMS {
        return f.lend(|f| from_stack(m, f, &BUILD_TUPLE, count));
    }
    let tuple = tuple_of(m, f.top(count));
    f.sp -= count as u32;
    Ok(tuple)
}

/// A tuple of a few values.
#[inline(always)]
pub fn tuple_of<M: PyMachine>(m: &mut M, values: &[M::Ref]) -> M::Ref {
    let shape = m.context().shape_for_kind(Kind::Tuple);
    let len = m.int(values.len() as i64);
    let tuple = m.new_items(shape.id, Tuple::BYTES as u32, 8, len);
    let unhashed = m.int(-1);
    m.init_int(tuple, Tuple::HASH, unhashed);
    for (i, &value) in values.iter().enumerate() {
        let index = m.int(i as i64);
        m.init_item_ref(tuple, index, objects::tuple::TUPLE_ITEMS, value);
    }
    tuple
}

/// BUILD_MAP.
pub fn map<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, count: usize) -> Outcome<M> {
    if count == 0 {
        let dict = m.call_ref(&NEW_DICT, &[]);
        if let Some(dict) = tried(m, dict) {
            return Ok(dict);
        }
    } else if !M::DIRECT && count <= TRACED_ITEMS {
        // The keys are most often constants, so that this is known.
        let are_texts = (0..count).all(|i| {
            let key = f.peek(2 * (count - i) - 1);
            object_kind(m, key) == Some(Kind::Str)
        });
        if are_texts {
            let none = none(m);
            let dict = m.call_slice(&BUILD_MAP_PLAIN, none, f.top(2 * count));
            if let Some(dict) = tried(m, dict) {
                f.sp -= 2 * count as u32;
                return Ok(dict);
            }
        }
    }
    from_stack(m, f, &BUILD_MAP, 2 * count)
}

/// BUILD_LIST.
#[inline(always)]
pub fn list<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, count: usize) -> Outcome<M> {
    if count > TRACED_ITEMS {
        return f.lend(|f| from_stack(m, f, &BUILD_LIST, count));
    }
    let items = if count == 0 {
        null(m)
    } else {
        let shape = m.context().item_array;
        let len = m.int(count as i64);
        let items = m.new_items(shape.id, ItemArray::BYTES as u32, 8, len);
        for i in 0..count {
            let value = f.peek(count - 1 - i);
            let index = m.int(i as i64);
            m.init_item_ref(items, index, objects::list::ARRAY_ITEMS, value);
        }
        items
    };
    let shape = m.context().shape_for_kind(Kind::List);
    let list = m.new(shape.id, List::BYTES as u32);
    let len = m.int(count as i64);
    m.init_int(list, List::LEN, len);
    m.init_ref(list, List::ITEMS, items);
    f.sp -= count as u32;
    Ok(list)
}

/// BUILD_SLICE with `count` of 2 or 3.
#[inline(always)]
pub fn slice<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, count: usize) -> M::Ref {
    let step = if count == 3 { f.pop() } else { none(m) };
    let stop = f.pop();
    let start = f.pop();
    let shape = m.context().shape_for_kind(Kind::Slice);
    let slice = m.new(shape.id, Slice::BYTES as u32);
    m.init_ref(slice, Slice::START, start);
    m.init_ref(slice, Slice::STOP, stop);
    m.init_ref(slice, Slice::STEP, step);
    slice
}

/// Hands the `count` topmost values to a Rust function and pops them.
pub fn from_stack<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, callee: &'static Callee, count: usize) -> Outcome<M> {
    let first = none(m);
    let result = m.call_slice(callee, first, f.top(count));
    let result = check(m, result)?;
    f.sp -= count as u32;
    Ok(result)
}

/// LIST_APPEND, of comprehensions.
#[inline(always)]
pub fn list_append<M: PyMachine>(m: &mut M, list: M::Ref, value: M::Ref) -> Result<(), M::Ref> {
    if crate::handlers::intrinsic::append(m, list, value).is_some() {
        return Ok(());
    }
    let result = m.call_ref(&LIST_APPEND, &[Operand::Ref(list), Operand::Ref(value)]);
    check(m, result).map(|_| ())
}
