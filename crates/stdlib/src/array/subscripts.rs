//! `array[key]`, and what the sequence operators change.

use super::elements::kind_of;
use super::{content, get, is_array, new_array, put, resize};
use heap::Value;
use objects::array_layout::Array;
use objects::error::PyResult;
use objects::layout::cast;
use objects::slice::{self, Picked};
use objects::vm::Vm;

fn len(array: Value) -> usize {
    cast::<Array>(array).len.get() as usize
}

/// The key as an index into the array.
fn index(vm: &mut Vm, array: Value, key: Value, message: &str) -> PyResult<usize> {
    let Some(index) = slice::as_index(vm, key)? else {
        return Err(vm.type_error("array indices must be integers"));
    };
    let index = if index < 0 { index + len(array) as i64 } else { index };
    if index < 0 || index >= len(array) as i64 {
        return Err(vm.index_error(message));
    }
    Ok(index as usize)
}

pub(super) fn getitem(vm: &mut Vm, array: Value, key: Value) -> PyResult {
    if !slice::is_slice(key) {
        let index = index(vm, array, key, "array index out of range")?;
        return get(vm, array, index);
    }
    let picked = slice::bounds(vm, key)?.of_len(len(array));
    let fresh = new_array(vm, cast::<Array>(array).kind.get());
    resize(vm, fresh, picked.len)?;
    let size = kind_of(cast::<Array>(array)).size();
    let (from, to) = (content(array), content(fresh));
    if picked.step == 1 {
        let start = picked.start as usize * size;
        to.copy_from_slice(&from[start..start + picked.len * size]);
    } else {
        for (i, element) in to.chunks_exact_mut(size).enumerate() {
            element.copy_from_slice(&from[picked.index(i) * size..][..size]);
        }
    }
    Ok(fresh)
}

/// NULL deletes.
pub(super) fn setitem(vm: &mut Vm, array: Value, key: Value, value: Value) -> PyResult<()> {
    if slice::is_slice(key) {
        return set_slice(vm, array, key, value);
    }
    let at = index(vm, array, key, "array assignment index out of range")?;
    if value.is_null() {
        return replace(vm, array, at, at + 1, &[]);
    }
    let element = kind_of(cast::<Array>(array)).pack(vm, value)?;
    // The conversion may have run Python code.
    if at >= len(array) {
        return Err(vm.index_error("array assignment index out of range"));
    }
    put(array, at, element);
    Ok(())
}

fn set_slice(vm: &mut Vm, array: Value, key: Value, value: Value) -> PyResult<()> {
    let fresh = if value.is_null() {
        Vec::new()
    } else if !is_array(vm, value) {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("can only assign array (not \"{given}\") to array slice")));
    } else if cast::<Array>(value).kind.get() != cast::<Array>(array).kind.get() {
        return Err(vm.type_error("bad argument type for built-in operation"));
    } else {
        heap::copied(content(value))
    };
    let picked = slice::bounds(vm, key)?.of_len(len(array));
    let size = kind_of(cast::<Array>(array)).size();
    if picked.step == 1 {
        let stop = picked.stop.max(picked.start);
        return replace(vm, array, picked.start as usize, stop as usize, &fresh);
    }
    if value.is_null() {
        return delete_picked(vm, array, picked.ascending(), size);
    }
    let given = fresh.len() / size;
    if given != picked.len {
        let wanted = picked.len;
        return Err(
            vm.value_error(format!("attempt to assign array of size {given} to extended slice of size {wanted}"))
        );
    }
    let elements = content(array);
    for (i, element) in fresh.chunks_exact(size).enumerate() {
        elements[picked.index(i) * size..][..size].copy_from_slice(element);
    }
    Ok(())
}

fn delete_picked(vm: &mut Vm, array: Value, picked: Picked, size: usize) -> PyResult<()> {
    let elements = content(array);
    let (mut to, mut dropped) = (0, 0);
    for from in 0..elements.len() / size {
        if dropped < picked.len && picked.index(dropped) == from {
            dropped += 1;
            continue;
        }
        elements.copy_within(from * size..(from + 1) * size, to * size);
        to += 1;
    }
    resize(vm, array, to)
}

/// Puts the elements in `bytes` in the place of those from `start` to `stop`.
pub(super) fn replace(vm: &mut Vm, array: Value, start: usize, stop: usize, bytes: &[u8]) -> PyResult<()> {
    let size = kind_of(cast::<Array>(array)).size();
    let old = content(array).len();
    let fresh = old - (stop - start) * size + bytes.len();
    let (from, to) = (stop * size, start * size + bytes.len());
    if fresh > old {
        resize(vm, array, fresh / size)?;
    }
    let elements = content(array);
    elements.copy_within(from..old, to);
    elements[start * size..to].copy_from_slice(bytes);
    if fresh < old {
        resize(vm, array, fresh / size)?;
    }
    Ok(())
}

/// `array *= count`.
pub(super) fn repeat_in_place(vm: &mut Vm, array: Value, count: Value) -> PyResult {
    let Some(count) = slice::index_object(vm, count)? else {
        let given = vm.type_name(count);
        return Err(vm.type_error(format!("can't multiply sequence by non-int of type '{given}'")));
    };
    let count = vm.index(count)?.max(0) as usize;
    let old = content(array).len();
    let Some(fresh) = len(array).checked_mul(count) else { return Err(vm.memory_error("")) };
    resize(vm, array, fresh)?;
    let elements = content(array);
    // Doubles what is there.
    let mut done = old.min(elements.len());
    while done > 0 && done < elements.len() {
        let more = done.min(elements.len() - done);
        elements.copy_within(..more, done);
        done += more;
    }
    Ok(array)
}
