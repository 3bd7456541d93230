//! Union, intersection and difference of sets, as operators and with any iterables.

use super::{is_set, len, table};
use crate::builtin_layouts::{Dict, Set};
use crate::dict;
use crate::error::PyResult;
use crate::layout::cast;
use crate::shape::{self, Kind};
use crate::vm::Vm;
use heap::Value;

type Combine = fn(&mut Vm, Value, Value) -> PyResult;
type Update = fn(&mut Vm, Value, Value) -> PyResult<()>;

/// A binary operator: both operands are sets.
pub fn operator(vm: &mut Vm, a: Value, b: Value, combine: Combine) -> PyResult {
    if is_set(vm, a) && is_set(vm, b) { combine(vm, a, b) } else { Ok(vm.not_implemented) }
}

/// An in-place operator: the right operand is a set.
pub fn inplace(vm: &mut Vm, a: Value, b: Value, update: Update) -> PyResult {
    if !is_set(vm, b) {
        return Ok(vm.not_implemented);
    }
    update(vm, a, b)?;
    Ok(a)
}

/// A new set of the elements of `set`: of its type among set and frozenset, never of a subclass.
pub fn copy(vm: &mut Vm, set: Value) -> PyResult {
    let copy = empty_like(vm, set);
    table::merge(vm, cast::<Set>(copy), cast::<Set>(set))?;
    Ok(copy)
}

/// Same type as [`copy`], without elements.
fn empty_like(vm: &mut Vm, set: Value) -> Value {
    if vm.type_of(set).is_subtype(vm.types.frozenset) { vm.new_frozenset() } else { vm.new_set() }
}

/// Adds all elements of an iterable.
pub fn update(vm: &mut Vm, set: Value, other: Value) -> PyResult<()> {
    let object = cast::<Set>(set);
    if is_set(vm, other) {
        return table::merge(vm, object, cast::<Set>(other));
    }
    if shape::is_exact(other, Kind::Dict) {
        let from = cast::<Dict>(other);
        table::expect(vm, object, from.used.get() as usize);
        let mut at = 0;
        while let Some(index) = dict::table::next_live(from, at) {
            at = index + 1;
            table::add(vm, object, dict::table::key_at(from, index), dict::table::hash_at(from, index))?;
        }
        return Ok(());
    }
    vm.for_each(other, |vm, element| vm.set_add(set, element))
}

/// Calls `body` with each element of an iterable and its hash.
fn for_each_hashed(
    vm: &mut Vm,
    iterable: Value,
    mut body: impl FnMut(&mut Vm, Value, i64) -> PyResult<bool>,
) -> PyResult<()> {
    if is_set(vm, iterable) {
        let from = cast::<Set>(iterable);
        let mut at = 0;
        while let Some(index) = table::next_live(from, at) {
            at = index + 1;
            if body(vm, table::key_at(from, index), table::hash_at(from, index))? {
                return Ok(());
            }
        }
        return Ok(());
    }
    if shape::is_exact(iterable, Kind::Dict) {
        let from = cast::<Dict>(iterable);
        let mut at = 0;
        while let Some(index) = dict::table::next_live(from, at) {
            at = index + 1;
            if body(vm, dict::table::key_at(from, index), dict::table::hash_at(from, index))? {
                return Ok(());
            }
        }
        return Ok(());
    }
    let iterator = vm.iter(iterable)?;
    while let Some(element) = vm.next(iterator)? {
        let hash = vm.set_hash(element)?;
        if body(vm, element, hash)? {
            return Ok(());
        }
    }
    Ok(())
}

fn has(vm: &mut Vm, set: Value, element: Value, hash: i64) -> PyResult<bool> {
    Ok(table::find(vm, cast::<Set>(set), element, hash)?.is_some())
}

pub fn union(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let result = copy(vm, a)?;
    update(vm, result, b)?;
    Ok(result)
}

pub fn intersection(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let result = empty_like(vm, a);
    if a == b {
        return copy(vm, a);
    }
    // Of two sets the shorter one is walked.
    let (walked, asked) = if is_set(vm, b) && len(b) > len(a) { (a, b) } else { (b, a) };
    for_each_hashed(vm, walked, |vm, element, hash| {
        if has(vm, asked, element, hash)? {
            table::add(vm, cast::<Set>(result), element, hash)?;
        }
        Ok(false)
    })?;
    Ok(result)
}

pub fn difference(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    if !is_set(vm, b) && !shape::is_exact(b, Kind::Dict) || len(a) >> 2 > any_len(b) {
        let result = copy(vm, a)?;
        difference_update(vm, result, b)?;
        return Ok(result);
    }
    let result = empty_like(vm, a);
    for_each_hashed(vm, a, |vm, element, hash| {
        let found = if shape::is_exact(b, Kind::Dict) {
            dict::table::find(vm, cast::<Dict>(b), element, hash)?.is_some()
        } else {
            has(vm, b, element, hash)?
        };
        if !found {
            table::add(vm, cast::<Set>(result), element, hash)?;
        }
        Ok(false)
    })?;
    Ok(result)
}

/// Of a set or dict.
fn any_len(container: Value) -> usize {
    if shape::is_exact(container, Kind::Dict) { crate::dict::len(container) } else { len(container) }
}

pub fn symmetric_difference(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let result = empty_like(vm, a);
    update(vm, result, b)?;
    symmetric_difference_update(vm, result, a)?;
    Ok(result)
}

pub fn intersection_update(vm: &mut Vm, set: Value, other: Value) -> PyResult<()> {
    let result = intersection(vm, set, other)?;
    take_over(vm, set, result);
    Ok(())
}

/// Gives `set` the table of `from`, which nobody else has.
pub fn take_over(vm: &mut Vm, set: Value, from: Value) {
    let (to, from) = (cast::<Set>(set), cast::<Set>(from));
    vm.write(set, &to.entries, from.entries.get());
    to.used.set(from.used.get());
    to.fill.set(from.fill.get());
    to.changes.set(to.changes.get() + 1);
}

pub fn difference_update(vm: &mut Vm, set: Value, other: Value) -> PyResult<()> {
    if set == other {
        table::clear(cast::<Set>(set));
        return Ok(());
    }
    let object = cast::<Set>(set);
    // Of a much longer set, only the common elements matter.
    let other = if is_set(vm, other) && len(other) >> 3 > len(set) { intersection(vm, set, other)? } else { other };
    for_each_hashed(vm, other, |vm, element, hash| {
        if let Some(index) = table::find(vm, object, element, hash)? {
            table::delete(object, index);
        }
        Ok(false)
    })?;
    table::tidy(vm, object);
    Ok(())
}

pub fn symmetric_difference_update(vm: &mut Vm, set: Value, other: Value) -> PyResult<()> {
    if set == other {
        table::clear(cast::<Set>(set));
        return Ok(());
    }
    // An iterable may give an element twice.
    let other = if is_set(vm, other) || shape::is_exact(other, Kind::Dict) {
        other
    } else {
        let elements = vm.new_set();
        update(vm, elements, other)?;
        elements
    };
    for_each_hashed(vm, other, |vm, element, hash| {
        let object = cast::<Set>(set);
        match table::find(vm, object, element, hash)? {
            Some(index) => table::delete(object, index),
            None => table::add(vm, object, element, hash)?,
        }
        Ok(false)
    })
}

/// Whether all elements of `a`, a set, are in `b`, a set.
pub fn is_subset(vm: &mut Vm, a: Value, b: Value) -> PyResult<bool> {
    if len(a) > len(b) {
        return Ok(false);
    }
    let mut all = true;
    for_each_hashed(vm, a, |vm, element, hash| {
        all = has(vm, b, element, hash)?;
        Ok(!all)
    })?;
    Ok(all)
}

/// Whether the set has no element of the iterable.
pub fn is_disjoint(vm: &mut Vm, set: Value, other: Value) -> PyResult<bool> {
    let (walked, asked) = if is_set(vm, other) && len(other) > len(set) { (set, other) } else { (other, set) };
    let mut disjoint = true;
    for_each_hashed(vm, walked, |vm, element, hash| {
        disjoint = !has(vm, asked, element, hash)?;
        Ok(!disjoint)
    })?;
    Ok(disjoint)
}
