//! What lists and tuples share: searching, comparing, repeating, and collecting an iterable.
//!
//! Functions that run Python code get the items through a closure and ask for them anew at each step: a list may change.

use crate::args::{CallArgs, PATIENCE};
use crate::dict::table::is_exact_str;
use crate::error::PyResult;
use crate::shape::{self, Kind};
use crate::slice::{self, Picked};
use crate::slots::CompareOp;
use crate::value_vec::{self, ValueVec};
use crate::vm::Vm;
use heap::{MakeRoom, Value};
use std::cmp::Ordering;

/// `a == b` for items, the answers without a call first.
#[inline(always)]
pub fn same(vm: &mut Vm, a: Value, b: Value) -> PyResult<bool> {
    if a == b {
        return Ok(true);
    }
    if a.is_int() && b.is_int() {
        return Ok(false);
    }
    vm.eq(a, b)
}

/// All items of an iterable.
pub fn collect(vm: &mut Vm, iterable: Value) -> PyResult<ValueVec> {
    if shape::is_exact(iterable, Kind::List) {
        return Ok(ValueVec::from_slice(vm, crate::list::items(iterable)));
    }
    if shape::is_exact(iterable, Kind::Tuple) {
        return Ok(ValueVec::from_slice(vm, crate::tuple::exact_items(iterable)));
    }
    let mut position = 0;
    if crate::set::is_exact(iterable) {
        let elements = std::iter::from_fn(|| crate::set::next(iterable, &mut position));
        return Ok(ValueVec::gather(vm, crate::set::len(iterable), elements));
    }
    if shape::is_exact(iterable, Kind::Dict) {
        let keys = std::iter::from_fn(|| crate::dict::next(iterable, &mut position).map(|(key, _)| key));
        return Ok(ValueVec::gather(vm, crate::dict::len(iterable), keys));
    }
    let mut items = ValueVec::new();
    if vm.kind(iterable) == Kind::Generator && !vm.thread.observed {
        return collect_generated(vm, iterable);
    }
    if shape::is_exact(iterable, Kind::Range) {
        let count = vm.len(iterable)?;
        vm.expect_values(count);
    }
    vm.for_each(iterable, |vm, item| {
        items.push(vm, item);
        Ok(())
    })?;
    Ok(items)
}

/// Of many values a loop of the guest takes the most, and compiled code sees it and the generator as one.
fn collect_generated(vm: &mut Vm, generator: Value) -> PyResult<ValueVec> {
    let mut items = ValueVec::new();
    while let Some(item) = vm.next(generator)? {
        items.push(vm, item);
        if items.as_slice().len() == PATIENCE
            && let Some(rest) = (vm.hooks.rest_of)(vm, generator)
        {
            for &item in crate::list::items(rest?) {
                items.push(vm, item);
            }
            break;
        }
    }
    Ok(items)
}

/// How two sequences compare, as far as no Python code can be asked: both have the same at the front, then the ones that differ are two
/// ints, floats or strs. `None`: it takes more.
pub fn plain_order(a: &[Value], b: &[Value]) -> Option<Ordering> {
    for (&x, &y) in a.iter().zip(b) {
        let order = if x == y {
            Ordering::Equal
        } else if x.is_int() && y.is_int() {
            x.as_int().cmp(&y.as_int())
        } else if x.is_flonum() && y.is_flonum() {
            x.as_flonum().partial_cmp(&y.as_flonum())?
        } else if is_exact_str(x) && is_exact_str(y) {
            // WTF-8 orders like code points.
            crate::str::exact_bytes(x).cmp(crate::str::exact_bytes(y))
        } else {
            return None;
        };
        if order != Ordering::Equal {
            return Some(order);
        }
    }
    Some(a.len().cmp(&b.len()))
}

/// The repr of a container, or `recursive` where it is being made already.
pub fn guarded_repr(
    vm: &mut Vm,
    container: Value,
    recursive: &str,
    body: impl FnOnce(&mut Vm) -> PyResult<Vec<u8>>,
) -> PyResult {
    match vm.repr_guarded(container, body)? {
        Some(text) => Ok(vm.new_str_bytes(&text)),
        None => Ok(vm.new_str(recursive)),
    }
}

/// Appends the repr of a value.
pub fn push_repr(vm: &mut Vm, text: &mut Vec<u8>, value: Value) -> PyResult<()> {
    let repr = vm.repr(value)?;
    text.put_all(vm.str_bytes(repr));
    Ok(())
}

/// Appends the reprs of the items, with commas between.
pub fn join_reprs(vm: &mut Vm, text: &mut Vec<u8>, items: impl Fn() -> &'static [Value]) -> PyResult<()> {
    let mut i = 0;
    while let Some(&item) = items().get(i) {
        if i > 0 {
            text.put_all(b", ");
        }
        push_repr(vm, text, item)?;
        i += 1;
    }
    Ok(())
}

/// The first index in `start..stop` of an item that equals `value`.
pub fn position(
    vm: &mut Vm,
    items: impl Fn() -> &'static [Value],
    value: Value,
    start: usize,
    stop: usize,
) -> PyResult<Option<usize>> {
    let mut i = start;
    while i < stop {
        let Some(&item) = items().get(i) else { break };
        if same(vm, item, value)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

/// How many items equal `value`.
pub fn count(vm: &mut Vm, items: impl Fn() -> &'static [Value], value: Value) -> PyResult {
    let (mut i, mut count) = (0, 0);
    while let Some(&item) = items().get(i) {
        count += same(vm, item, value)? as i64;
        i += 1;
    }
    Ok(Value::from_int(count))
}

/// Start and stop of a search in `len` items, from the arguments `first` and `first + 1`.
pub fn search_range(vm: &mut Vm, args: &CallArgs, first: usize, len: usize) -> PyResult<(usize, usize)> {
    let mut bound = |at: usize, absent: usize| -> PyResult<usize> {
        let Some(value) = args.get(at) else { return Ok(absent) };
        let index = slice::search_bound(vm, value)?;
        Ok(if index < 0 { index.saturating_add(len as i64).max(0) } else { index } as usize)
    };
    Ok((bound(first, 0)?, bound(first + 1, usize::MAX)?))
}

/// Lexicographic comparison.
pub fn compare(
    vm: &mut Vm,
    a: impl Fn() -> &'static [Value],
    b: impl Fn() -> &'static [Value],
    op: CompareOp,
) -> PyResult {
    if matches!(op, CompareOp::Eq | CompareOp::Ne) && a().len() != b().len() {
        return Ok(vm.bool(op == CompareOp::Ne));
    }
    if let Some(order) = plain_order(a(), b()) {
        return Ok(vm.bool(op.holds(order)));
    }
    vm.guarded(" in comparison", |vm| {
        let mut i = 0;
        while let (Some(&left), Some(&right)) = (a().get(i), b().get(i)) {
            if !same(vm, left, right)? {
                if i >= a().len() || i >= b().len() {
                    // The comparison took the items away.
                    break;
                }
                return match op {
                    CompareOp::Eq => Ok(vm.false_),
                    CompareOp::Ne => Ok(vm.true_),
                    // The first items that differ decide.
                    _ => vm.compare(left, right, op),
                };
            }
            i += 1;
        }
        Ok(vm.bool(op.holds(a().len().cmp(&b().len()))))
    })
}

/// The count of `sequence * count`; negative is none.
pub fn repeat_count(vm: &mut Vm, count: Value) -> PyResult<usize> {
    let Some(index) = slice::index_object(vm, count)? else {
        let name = vm.type_name(count);
        return Err(vm.type_error(format!("can't multiply sequence by non-int of type '{name}'")));
    };
    match vm.as_i64(index) {
        Some(count) => Ok(count.max(0) as usize),
        None => {
            let name = vm.type_name(count);
            Err(vm.overflow_error(format!("cannot fit '{name}' into an index-sized integer")))
        }
    }
}

/// The items `count` times.
pub fn repeated(vm: &mut Vm, items: &[Value], count: usize) -> PyResult<ValueVec> {
    let Some(len) = items.len().checked_mul(count) else {
        return Err(vm.memory_error(""));
    };
    let array = value_vec::unfilled_array(vm, len);
    if let &[item] = items {
        vm.thread.heap.write_barrier(array_or_none(vm, array));
        for i in 0..len {
            // SAFETY: the array has `len` items.
            unsafe { *value_vec::array_base(array).add(i) = item };
        }
    } else {
        for i in 0..count {
            value_vec::copy_slice(vm, items, array, i * items.len());
        }
    }
    Ok(ValueVec { array, len })
}

/// Something to pass to a barrier in place of a NULL array.
fn array_or_none(vm: &Vm, array: Value) -> Value {
    if array.is_null() { vm.none } else { array }
}

/// The items of one, then of the other.
pub fn concatenated(vm: &mut Vm, left: &[Value], right: &[Value]) -> ValueVec {
    let array = value_vec::unfilled_array(vm, left.len() + right.len());
    value_vec::copy_slice(vm, left, array, 0);
    value_vec::copy_slice(vm, right, array, left.len());
    ValueVec { array, len: left.len() + right.len() }
}

/// The items that a slice picks.
pub fn pick(vm: &mut Vm, items: &[Value], picked: &Picked) -> ValueVec {
    let array = value_vec::new_array(vm, picked.len);
    if picked.len > 0 {
        vm.thread.heap.write_barrier(array);
    }
    for i in 0..picked.len {
        // SAFETY: the array has as many items as are picked.
        unsafe { *value_vec::array_base(array).add(i) = items[picked.index(i)] };
    }
    ValueVec { array, len: picked.len }
}
