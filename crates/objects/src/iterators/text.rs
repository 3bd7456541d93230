//! Iterators over str, bytes and bytearray. Of a str, the position is a byte offset.

use crate::args::MethodDef;
use crate::builtin_layouts::{SequenceIterator, WrappedInstance};
use crate::error::PyResult;
use crate::iterators::{reduced, state_position};
use crate::layout::cast;
use crate::shape::{self, Kind};
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

type NextFn = fn(&mut Vm, Value) -> PyResult<Option<Value>>;

pub(super) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    let spec = |name, next: NextFn, methods| TypeSpec {
        flags: flags::NO_NEW | flags::LEAF_ITERATOR,
        slots: Slots { iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
        methods,
        ..TypeSpec::of::<SequenceIterator>(name, Kind::Other)
    };
    vm.types.str_iterator = vm.new_builtin_type(spec("str_iterator", str_next, STR_METHODS), object);
    vm.types.str_ascii_iterator = vm.new_builtin_type(spec("str_ascii_iterator", str_next, STR_METHODS), object);
    vm.types.bytes_iterator = vm.new_builtin_type(spec("bytes_iterator", bytes_next, BYTES_METHODS), object);
    vm.types.bytearray_iterator = vm.new_builtin_type(spec("bytearray_iterator", bytes_next, BYTES_METHODS), object);
}

pub fn str_iter(vm: &mut Vm, text: Value) -> PyResult {
    let exact = vm.exact_str(text);
    let ty = if vm.str_bytes(exact).is_ascii() { vm.types.str_ascii_iterator } else { vm.types.str_iterator };
    Ok(new(vm, ty, exact))
}

pub fn bytes_iter(vm: &mut Vm, bytes: Value) -> PyResult {
    let exact = if shape::is_exact(bytes, Kind::Bytes) { bytes } else { cast::<WrappedInstance>(bytes).value.get() };
    Ok(new(vm, vm.types.bytes_iterator, exact))
}

/// The bytearray may change under way.
pub fn bytearray_iter(vm: &mut Vm, bytes: Value) -> PyResult {
    Ok(new(vm, vm.types.bytearray_iterator, bytes))
}

fn new(vm: &mut Vm, ty: TypeRef, sequence: Value) -> Value {
    let value = vm.new_instance(ty);
    cast::<SequenceIterator>(value).sequence.set(sequence);
    value
}

fn str_next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<SequenceIterator>(value);
    if iterator.sequence.get().is_null() {
        return Ok(None);
    }
    let rest = &vm.str_bytes(iterator.sequence.get())[iterator.index.get() as usize..];
    let Some(&first) = rest.first() else {
        iterator.sequence.set(Value::NULL);
        return Ok(None);
    };
    let width = width(first);
    iterator.index.set(iterator.index.get() + width as i64);
    Ok(Some(vm.new_str_bytes(&rest[..width])))
}

/// Bytes of the code point whose first byte is `first`.
fn width(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    }
}

fn bytes_next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<SequenceIterator>(value);
    let sequence = iterator.sequence.get();
    if sequence.is_null() {
        return Ok(None);
    }
    let index = iterator.index.get();
    match vm.bytes_of(sequence).and_then(|bytes| bytes.get(index as usize)) {
        Some(&byte) => {
            iterator.index.set(index + 1);
            Ok(Some(Value::from_int(byte as i64)))
        }
        None => {
            iterator.sequence.set(Value::NULL);
            Ok(None)
        }
    }
}

static STR_METHODS: &[MethodDef] = &[
    MethodDef::method("__length_hint__", 1, 1, |vm, args| {
        let iterator = cast::<SequenceIterator>(args.values[0]);
        if iterator.sequence.get().is_null() {
            return Ok(Value::from_int(0));
        }
        let rest = &vm.str_bytes(iterator.sequence.get())[iterator.index.get() as usize..];
        Ok(Value::from_int(code_points(rest)))
    })
    .leaf()
    .with_doc("Private method returning an estimate of len(list(it))."),
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let iterator = cast::<SequenceIterator>(args.values[0]);
        let text = iterator.sequence.get();
        if text.is_null() {
            return reduced(vm, "iter", vm.empty_str, None);
        }
        let before = code_points(&vm.str_bytes(text)[..iterator.index.get() as usize]);
        reduced(vm, "iter", text, Some(before))
    })
    .leaf(),
    MethodDef::method("__setstate__", 2, 2, |vm, args| {
        let position = state_position(vm, args.values[1])?.max(0);
        let iterator = cast::<SequenceIterator>(args.values[0]);
        if !iterator.sequence.get().is_null() {
            let bytes = vm.str_bytes(iterator.sequence.get());
            let mut offset = 0;
            for _ in 0..position {
                let Some(&first) = bytes.get(offset) else { break };
                offset += width(first);
            }
            iterator.index.set(offset as i64);
        }
        Ok(vm.none)
    })
    .leaf(),
];

/// How many code points start in these bytes of WTF-8.
fn code_points(bytes: &[u8]) -> i64 {
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as i64
}

static BYTES_METHODS: &[MethodDef] = &[
    MethodDef::method("__length_hint__", 1, 1, |vm, args| {
        let iterator = cast::<SequenceIterator>(args.values[0]);
        let sequence = iterator.sequence.get();
        let len = if sequence.is_null() { 0 } else { vm.bytes_of(sequence).map_or(0, |bytes| bytes.len() as i64) };
        Ok(Value::from_int((len - iterator.index.get()).max(0)))
    })
    .leaf()
    .with_doc("Private method returning an estimate of len(list(it))."),
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let iterator = cast::<SequenceIterator>(args.values[0]);
        let sequence = iterator.sequence.get();
        if sequence.is_null() {
            return reduced(vm, "iter", vm.empty_tuple, None);
        }
        reduced(vm, "iter", sequence, Some(iterator.index.get()))
    })
    .leaf(),
    MethodDef::method("__setstate__", 2, 2, |vm, args| {
        let position = state_position(vm, args.values[1])?;
        cast::<SequenceIterator>(args.values[0]).index.set(position.max(0));
        Ok(vm.none)
    })
    .leaf(),
];
