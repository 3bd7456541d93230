//! Iterators over keys, values and items, forwards and backwards.

use super::{table, value_at};
use crate::args::{CallArgs, MethodDef};
use crate::builtin_layouts::Dict;
use crate::error::PyResult;
use crate::layout;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::Value;

layout! {
    /// The type says what it gives.
    DictIterator {
        /// NULL when exhausted.
        dict DICT: Value;
        /// Forwards: the next entry to look at. Backwards: the one after it.
        position POSITION: i64;
        /// The dictionary's size at the start; -1 after a change was reported.
        used USED: i64;
        /// Elements still to come.
        remaining REMAINING: i64;
        /// The dictionary's entries at the start: others in their place have other numbers.
        entries ENTRIES: Value;
    }
}

/// What an iterator or view gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Key,
    Value,
    Item,
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.dict_key_iterator = vm.new_builtin_type(spec("dict_keyiterator", forward::<0>), object);
    vm.types.dict_value_iterator = vm.new_builtin_type(spec("dict_valueiterator", forward::<1>), object);
    vm.types.dict_item_iterator = vm.new_builtin_type(spec("dict_itemiterator", forward::<2>), object);
    vm.types.dict_reverse_key_iterator = vm.new_builtin_type(spec("dict_reversekeyiterator", backward::<0>), object);
    vm.types.dict_reverse_value_iterator =
        vm.new_builtin_type(spec("dict_reversevalueiterator", backward::<1>), object);
    vm.types.dict_reverse_item_iterator = vm.new_builtin_type(spec("dict_reverseitemiterator", backward::<2>), object);
}

fn spec(name: &'static str, next: fn(&mut Vm, Value) -> PyResult<Option<Value>>) -> TypeSpec {
    TypeSpec {
        flags: flags::NO_NEW | flags::LEAF_ITERATOR,
        slots: Slots { iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
        methods: METHODS,
        ..TypeSpec::of::<DictIterator>(name, Kind::Other)
    }
}

/// An iterator of that type over a dict.
pub(crate) fn new(vm: &mut Vm, dict: Value, ty: TypeRef) -> Value {
    let backwards = ty == vm.types.dict_reverse_key_iterator
        || ty == vm.types.dict_reverse_value_iterator
        || ty == vm.types.dict_reverse_item_iterator;
    let value = vm.new_instance(ty);
    let (iterator, object) = (cast::<DictIterator>(value), cast::<Dict>(dict));
    iterator.dict.set(dict);
    iterator.position.set(if backwards { object.fill.get() } else { 0 });
    iterator.used.set(object.used.get());
    iterator.remaining.set(object.used.get());
    iterator.entries.set(object.entries.get());
    value
}

fn element<const PART: u8>(vm: &mut Vm, dict: &Dict, index: usize) -> Value {
    match PART {
        0 => table::key_at(dict, index),
        1 => value_at(dict, index),
        _ => vm.new_tuple(&[table::key_at(dict, index), value_at(dict, index)]),
    }
}

/// The iterator's dict, unless it is exhausted or the dict's size changed.
#[inline(always)]
fn unchanged(vm: &mut Vm, iterator: &DictIterator) -> PyResult<Option<&'static Dict>> {
    let dict = iterator.dict.get();
    if dict.is_null() {
        return Ok(None);
    }
    let dict = cast::<Dict>(dict);
    if dict.used.get() != iterator.used.get() {
        iterator.used.set(-1);
        return Err(vm.runtime_error("dictionary changed size during iteration"));
    }
    Ok(Some(dict))
}

fn finish(iterator: &DictIterator) {
    iterator.dict.set(Value::NULL);
    iterator.entries.set(Value::NULL);
}

#[cold]
fn keys_changed(vm: &mut Vm) -> PyResult<Option<Value>> {
    Err(vm.runtime_error("dictionary keys changed during iteration"))
}

fn forward<const PART: u8>(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<DictIterator>(value);
    let Some(dict) = unchanged(vm, iterator)? else { return Ok(None) };
    let Some(index) = table::next_live(dict, iterator.position.get() as usize) else {
        let moved = iterator.entries.get() != dict.entries.get();
        finish(iterator);
        return if moved { keys_changed(vm) } else { Ok(None) };
    };
    if iterator.remaining.get() == 0 {
        finish(iterator);
        return keys_changed(vm);
    }
    iterator.position.set(index as i64 + 1);
    iterator.remaining.set(iterator.remaining.get() - 1);
    Ok(Some(element::<PART>(vm, dict, index)))
}

fn backward<const PART: u8>(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<DictIterator>(value);
    let Some(dict) = unchanged(vm, iterator)? else { return Ok(None) };
    let found = if iterator.position.get() > dict.fill.get() {
        // The dictionary was emptied under way.
        None
    } else {
        table::previous_live(dict, iterator.position.get() as usize)
    };
    let Some(index) = found else {
        finish(iterator);
        return Ok(None);
    };
    if iterator.remaining.get() == 0 {
        finish(iterator);
        return keys_changed(vm);
    }
    iterator.position.set(index as i64);
    iterator.remaining.set(iterator.remaining.get() - 1);
    Ok(Some(element::<PART>(vm, dict, index)))
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("__length_hint__", 1, 1, |_, args| {
        let iterator = cast::<DictIterator>(args.values[0]);
        let unchanged =
            !iterator.dict.get().is_null() && cast::<Dict>(iterator.dict.get()).used.get() == iterator.used.get();
        Ok(Value::from_int(if unchanged { iterator.remaining.get() } else { 0 }))
    })
    .leaf()
    .with_doc("Private method returning an estimate of len(list(it))."),
    MethodDef::method("__reduce__", 1, 1, reduce).with_doc("Return state information for pickling."),
];

/// As an iterator over a list of what is left; this one stays where it is.
fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let iterator = args.values[0];
    let copy = vm.new_instance(vm.type_of(iterator));
    let (from, to) = (cast::<DictIterator>(iterator), cast::<DictIterator>(copy));
    to.dict.set(from.dict.get());
    to.position.set(from.position.get());
    to.used.set(from.used.get());
    to.remaining.set(from.remaining.get());
    to.entries.set(from.entries.get());
    let mut rest = ValueVec::new();
    while let Some(element) = vm.next(copy)? {
        rest.push(vm, element);
    }
    let list = vm.list_from(rest);
    let arguments = vm.new_tuple(&[list]);
    let iter = crate::iterators::builtin_function(vm, "iter");
    Ok(vm.new_tuple(&[iter, arguments]))
}
