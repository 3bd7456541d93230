//! What changes a bytearray.

use super::{content, content_mut, resize, set_content};
use crate::args::CallArgs;
use crate::bytes::byte_of;
use crate::error::PyResult;
use crate::list::sequence;
use crate::slice::{self, Picked};
use crate::vm::Vm;
use heap::{MakeRoom, Value};

/// `bytearray.append(item)`.
pub fn append(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let byte = byte_of(vm, args.values[1], "bytearray")?;
    push(vm, args.values[0], byte);
    Ok(vm.none)
}

fn push(vm: &mut Vm, value: Value, byte: u8) {
    let len = content(value).len();
    resize(vm, value, len + 1);
    content_mut(value)[len] = byte;
}

pub fn extend(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (value, source) = (args.values[0], args.values[1]);
    if let Some(bytes) = vm.bytes_like_opt(source)? {
        let bytes = heap::copied(bytes);
        append_all(vm, value, &bytes);
        return Ok(vm.none);
    }
    if vm.is_str(source) {
        let name = vm.type_name(source);
        return Err(vm.type_error(format!("expected iterable of integers; got: '{name}'")));
    }
    let slots = *vm.type_of(source).slots();
    if slots.iter.is_none() && slots.getitem.is_none() {
        let name = vm.type_name(source);
        return Err(vm.type_error(format!("can't extend bytearray with {name}")));
    }
    let mut bytes = Vec::new();
    vm.for_each(source, |vm, item| {
        bytes.put(byte_of(vm, item, "bytearray")?);
        Ok(())
    })?;
    append_all(vm, value, &bytes);
    Ok(vm.none)
}

fn append_all(vm: &mut Vm, value: Value, bytes: &[u8]) {
    let len = content(value).len();
    resize(vm, value, len + bytes.len());
    content_mut(value)[len..].copy_from_slice(bytes);
}

pub fn insert(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let index = vm.index(args.values[1])?;
    let byte = byte_of(vm, args.values[2], "bytearray")?;
    let value = args.values[0];
    let len = content(value).len();
    let index = if index < 0 { index.saturating_add(len as i64).max(0) } else { index.min(len as i64) } as usize;
    resize(vm, value, len + 1);
    let bytes = content_mut(value);
    bytes.copy_within(index..len, index + 1);
    bytes[index] = byte;
    Ok(vm.none)
}

pub fn pop(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let value = args.values[0];
    let index = match args.values.get(1) {
        Some(&index) => vm.index(index)?,
        None => -1,
    };
    let len = content(value).len() as i64;
    if len == 0 {
        return Err(vm.index_error("pop from empty bytearray"));
    }
    let index = if index < 0 { index + len } else { index };
    if index < 0 || index >= len {
        return Err(vm.index_error("pop index out of range"));
    }
    let byte = content(value)[index as usize];
    remove_range(vm, value, index as usize, 1);
    Ok(Value::from_int(byte as i64))
}

pub fn remove(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let value = args.values[0];
    let byte = byte_of(vm, args.values[1], "bytearray")?;
    match content(value).iter().position(|other| *other == byte) {
        Some(at) => {
            remove_range(vm, value, at, 1);
            Ok(vm.none)
        }
        None => Err(vm.value_error("value not found in bytearray")),
    }
}

pub fn clear(vm: &mut Vm, args: &CallArgs) -> PyResult {
    resize(vm, args.values[0], 0);
    Ok(vm.none)
}

pub fn reverse(vm: &mut Vm, args: &CallArgs) -> PyResult {
    content_mut(args.values[0]).reverse();
    Ok(vm.none)
}

pub fn copy(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(vm.new_bytearray(content(args.values[0])))
}

pub fn resize_method(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let len = vm.index(args.values[1])?;
    if len < 0 {
        return Err(vm.value_error(format!("bytearray.resize(): new size must be >= 0, got {len}")));
    }
    resize(vm, args.values[0], len as usize);
    Ok(vm.none)
}

/// The class, what it is made from, and its attributes.
pub fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let value = args.values[0];
    let class = vm.type_of(value).value();
    let bytes = vm.new_bytes(content(value));
    let arguments = vm.new_tuple(&[bytes]);
    let state = crate::instance::snapshot(vm, value);
    let state = if state.is_null() { vm.none } else { state };
    Ok(vm.new_tuple(&[class, arguments, state]))
}

pub fn alloc(_vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(Value::from_int(crate::layout::cast::<super::ByteArray>(args.values[0]).allocated.get()))
}

fn remove_range(vm: &mut Vm, value: Value, start: usize, count: usize) {
    let len = content(value).len();
    content_mut(value).copy_within(start + count..len, start);
    resize(vm, value, len - count);
}

pub(super) fn setitem(vm: &mut Vm, value: Value, key: Value, item: Value) -> PyResult<()> {
    if let Some(index) = slice::as_index(vm, key)? {
        let byte = if item.is_null() { 0 } else { byte_of(vm, item, "bytearray")? };
        let len = content(value).len() as i64;
        let index = if index < 0 { index + len } else { index };
        if index < 0 || index >= len {
            return Err(vm.index_error("bytearray index out of range"));
        }
        if item.is_null() {
            remove_range(vm, value, index as usize, 1);
        } else {
            content_mut(value)[index as usize] = byte;
        }
        return Ok(());
    }
    if !slice::is_slice(key) {
        let name = vm.type_name(key);
        return Err(vm.type_error(format!("bytearray indices must be integers or slices, not {name}")));
    }
    let fresh = if item.is_null() { Vec::new() } else { assigned(vm, item)? };
    let range = slice::bounds(vm, key)?.of_len(content(value).len());
    if range.step != 1 && !item.is_null() && fresh.len() != range.len {
        let message =
            format!("attempt to assign bytes of size {} to extended slice of size {}", fresh.len(), range.len);
        return Err(vm.value_error(message));
    }
    if item.is_null() && range.step != 1 {
        delete_extended(vm, value, range.ascending());
    } else if range.step == 1 {
        let start = range.start as usize;
        let old = content(value);
        let all = heap::joined(&[&old[..start], &fresh, &old[start + range.len..]]);
        set_content(vm, value, &all);
    } else {
        for (i, byte) in fresh.iter().enumerate() {
            content_mut(value)[range.index(i)] = *byte;
        }
    }
    Ok(())
}

/// What is assigned to a slice.
fn assigned(vm: &mut Vm, item: Value) -> PyResult<Vec<u8>> {
    if let Some(bytes) = vm.bytes_like_opt(item)? {
        return Ok(heap::copied(bytes));
    }
    if vm.is_str(item) || item.is_int() {
        return Err(vm.type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)"));
    }
    let array = vm.call(vm.types.bytearray.value(), &[item])?;
    Ok(heap::copied(content(array)))
}

fn delete_extended(vm: &mut Vm, value: Value, range: Picked) {
    let mut next = 0;
    let kept: Vec<u8> = content(value)
        .iter()
        .enumerate()
        .filter(|(i, _)| {
            let deleted = next < range.len && range.index(next) == *i;
            next += deleted as usize;
            !deleted
        })
        .map(|(_, byte)| *byte)
        .collect();
    set_content(vm, value, &kept);
}

pub(super) fn inplace_concat(vm: &mut Vm, value: Value, other: Value) -> PyResult {
    match vm.bytes_like_opt(other)? {
        Some(bytes) => {
            let bytes = heap::copied(bytes);
            append_all(vm, value, &bytes);
            Ok(value)
        }
        None => {
            let (left, right) = (vm.type_name(value), vm.type_name(other));
            Err(vm.type_error(format!("can't concat {right} to {left}")))
        }
    }
}

pub(super) fn inplace_repeat(vm: &mut Vm, value: Value, count: Value) -> PyResult {
    let count = sequence::repeat_count(vm, count)?;
    match content(value).len().checked_mul(count) {
        Some(_) => {}
        None => return Err(vm.memory_error("")),
    }
    let all = heap::repeated(content(value), count);
    set_content(vm, value, &all);
    Ok(value)
}
