//! Iterators over lists, tuples, and whatever has `__getitem__`: a position in a sequence, which is NULL when exhausted.

use crate::args::{CallArgs, MethodDef};
use crate::builtin_layouts::{SequenceIterator, WrappedInstance};
use crate::error::PyResult;
use crate::iterators::{ends_subscripts, reduced, state_position};
use crate::layout::{Object, cast};
use crate::list;
use crate::shape::{self, Kind};
use crate::slots::Slots;
use crate::tuple;
use crate::ty::{TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

type NextFn = fn(&mut Vm, Value) -> PyResult<Option<Value>>;

pub(super) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    let spec = |name, kind, next: NextFn, methods| TypeSpec {
        flags: flags::NO_NEW,
        slots: Slots { iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
        methods,
        ..TypeSpec::of::<SequenceIterator>(name, kind)
    };
    vm.types.list_iterator =
        vm.new_builtin_type(spec("list_iterator", Kind::ListIterator, list_next, LIST_METHODS), object);
    vm.types.tuple_iterator =
        vm.new_builtin_type(spec("tuple_iterator", Kind::TupleIterator, tuple_next, TUPLE_METHODS), object);
    vm.types.list_reverse_iterator =
        vm.new_builtin_type(spec("list_reverseiterator", Kind::Other, list_reverse_next, LIST_REVERSE_METHODS), object);
    vm.types.list_reverse_iterator.data().flags.update(|bits| bits | flags::LEAF_ITERATOR);
    vm.types.sequence_iterator =
        vm.new_builtin_type(spec("iterator", Kind::Other, sequence_next, SEQUENCE_METHODS), object);
}

pub fn list_iter(vm: &mut Vm, list: Value) -> PyResult {
    Ok(new_exact(vm, Kind::ListIterator, list))
}

/// Over the exact tuple that an instance of a subclass wraps.
pub fn tuple_iter(vm: &mut Vm, tuple: Value) -> PyResult {
    let exact = if shape::is_exact(tuple, Kind::Tuple) { tuple } else { cast::<WrappedInstance>(tuple).value.get() };
    Ok(new_exact(vm, Kind::TupleIterator, exact))
}

fn new_exact(vm: &mut Vm, kind: Kind, sequence: Value) -> Value {
    let value = vm.thread.heap.alloc(shape::exact_id(kind), SequenceIterator::BYTES);
    let iterator = cast::<SequenceIterator>(value);
    iterator.index.set(0);
    iterator.sequence.set(sequence);
    value
}

/// `reversed(list)`.
pub fn list_reversed(vm: &mut Vm, list: Value) -> PyResult {
    let value = vm.new_instance(vm.types.list_reverse_iterator);
    let iterator = cast::<SequenceIterator>(value);
    iterator.index.set(list::len(list) as i64 - 1);
    iterator.sequence.set(list);
    Ok(value)
}

/// An iterator by `__getitem__` with 0, 1, 2, …
pub fn new_sequence_iterator(vm: &mut Vm, sequence: Value) -> PyResult {
    let value = vm.new_instance(vm.types.sequence_iterator);
    cast::<SequenceIterator>(value).sequence.set(sequence);
    Ok(value)
}

fn list_next(_: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    Ok(next_item(value, list::items))
}

fn tuple_next(_: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    Ok(next_item(value, tuple::exact_items))
}

/// The next of the sequence's items; behind the last one the iterator lets go of the sequence.
#[inline]
fn next_item(value: Value, items: impl FnOnce(Value) -> &'static [Value]) -> Option<Value> {
    let iterator = cast::<SequenceIterator>(value);
    let sequence = iterator.sequence.get();
    if sequence.is_null() {
        return None;
    }
    let index = iterator.index.get();
    let item = items(sequence).get(index as usize).copied();
    match item {
        Some(_) => iterator.index.set(index + 1),
        None => iterator.sequence.set(Value::NULL),
    }
    item
}

fn list_reverse_next(_: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<SequenceIterator>(value);
    let list = iterator.sequence.get();
    if list.is_null() {
        return Ok(None);
    }
    let index = iterator.index.get();
    if index >= 0
        && let Some(&item) = list::items(list).get(index as usize)
    {
        iterator.index.set(index - 1);
        return Ok(Some(item));
    }
    iterator.index.set(-1);
    iterator.sequence.set(Value::NULL);
    Ok(None)
}

fn sequence_next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<SequenceIterator>(value);
    let sequence = iterator.sequence.get();
    if sequence.is_null() {
        return Ok(None);
    }
    let index = iterator.index.get();
    match vm.getitem(sequence, Value::from_int(index)) {
        Ok(item) => {
            iterator.index.set(index + 1);
            Ok(Some(item))
        }
        Err(raised) if ends_subscripts(vm, raised.0) => {
            iterator.sequence.set(Value::NULL);
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

static LIST_METHODS: &[MethodDef] = &[
    hint(|_, args| Ok(remaining(args.values[0], list::len))),
    MethodDef::method("__reduce__", 1, 1, |vm, args| reduce(vm, args, Kind::List)).leaf(),
    SETSTATE,
];

static TUPLE_METHODS: &[MethodDef] = &[
    hint(|_, args| Ok(remaining(args.values[0], |sequence| tuple::exact_items(sequence).len()))),
    MethodDef::method("__reduce__", 1, 1, |vm, args| reduce(vm, args, Kind::Tuple)).leaf(),
    SETSTATE,
];

static LIST_REVERSE_METHODS: &[MethodDef] = &[
    hint(|_, args| {
        let iterator = cast::<SequenceIterator>(args.values[0]);
        let index = iterator.index.get();
        let list = iterator.sequence.get();
        let valid = !list.is_null() && index < list::len(list) as i64;
        Ok(Value::from_int(if valid { index + 1 } else { 0 }))
    }),
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let iterator = cast::<SequenceIterator>(args.values[0]);
        let list = iterator.sequence.get();
        if list.is_null() {
            let empty = vm.new_list(&[]);
            return reduced(vm, "iter", empty, None);
        }
        reduced(vm, "reversed", list, Some(iterator.index.get()))
    })
    .leaf(),
    MethodDef::method("__setstate__", 2, 2, |vm, args| {
        let position = state_position(vm, args.values[1])?;
        let iterator = cast::<SequenceIterator>(args.values[0]);
        if !iterator.sequence.get().is_null() {
            iterator.index.set(position.clamp(-1, list::len(iterator.sequence.get()) as i64 - 1));
        }
        Ok(vm.none)
    })
    .leaf(),
];

static SEQUENCE_METHODS: &[MethodDef] = &[
    MethodDef::method("__length_hint__", 1, 1, |vm, args| {
        let iterator = cast::<SequenceIterator>(args.values[0]);
        let sequence = iterator.sequence.get();
        if sequence.is_null() {
            return Ok(Value::from_int(0));
        }
        if vm.type_of(sequence).slots().len.is_none() {
            return Ok(vm.not_implemented);
        }
        let len = vm.len(sequence)?;
        Ok(Value::from_int((len - iterator.index.get()).max(0)))
    }),
    MethodDef::method("__reduce__", 1, 1, |vm, args| reduce(vm, args, Kind::Tuple)).leaf(),
    SETSTATE,
];

const fn hint(function: crate::args::NativeFn) -> MethodDef {
    MethodDef::method("__length_hint__", 1, 1, function)
        .leaf()
        .with_doc("Private method returning an estimate of len(list(it)).")
}

const SETSTATE: MethodDef = MethodDef::method("__setstate__", 2, 2, |vm, args| {
    let position = state_position(vm, args.values[1])?;
    cast::<SequenceIterator>(args.values[0]).index.set(position.max(0));
    Ok(vm.none)
})
.leaf()
.with_doc("Set state information for unpickling.");

fn remaining(iterator: Value, len: fn(Value) -> usize) -> Value {
    let iterator = cast::<SequenceIterator>(iterator);
    let sequence = iterator.sequence.get();
    let left = if sequence.is_null() { 0 } else { len(sequence) as i64 - iterator.index.get() };
    Value::from_int(left.max(0))
}

/// An exhausted one is an iterator over an empty sequence of that kind.
fn reduce(vm: &mut Vm, args: &CallArgs, empty: Kind) -> PyResult {
    let iterator = cast::<SequenceIterator>(args.values[0]);
    let sequence = iterator.sequence.get();
    if sequence.is_null() {
        let empty = if empty == Kind::List { vm.new_list(&[]) } else { vm.empty_tuple };
        return reduced(vm, "iter", empty, None);
    }
    reduced(vm, "iter", sequence, Some(iterator.index.get()))
}
