//! `bytes.join` and padding: `bytes` and `bytearray`.

use super::methods::{content, like};
use super::parts::unchanged;
use crate::args::CallArgs;
use crate::error::PyResult;
use crate::str::pad::{tab_size, tabs_expanded, zero_filled};
use crate::str::split::joinable;
use crate::vm::Vm;
use heap::{MakeRoom, Value};

pub(super) fn join(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (value, iterable) = (args.values[0], args.values[1]);
    joinable(vm, iterable)?;
    let items = vm.collect(iterable)?;
    let lengths = items.as_slice().iter().map(|&item| vm.bytes_of(item).map_or(0, |bytes| bytes.len()));
    let separators = items.len.saturating_sub(1).saturating_mul(content(vm, value).len());
    let mut out = heap::vec_with_capacity(lengths.fold(separators, usize::saturating_add));
    for (i, &item) in items.as_slice().iter().enumerate() {
        if i > 0 {
            out.put_all(content(vm, value));
        }
        match vm.bytes_like_opt(item)? {
            Some(bytes) => out.put_all(bytes),
            None => {
                let given = vm.type_name(item);
                return Err(vm.type_error(format!("sequence item {i}: expected a bytes-like object, {given} found")));
            }
        }
    }
    Ok(like(vm, value, &out))
}

pub(super) fn center(vm: &mut Vm, args: &CallArgs) -> PyResult {
    padded(vm, args, "center", |missing, width| missing / 2 + (missing & width & 1))
}

pub(super) fn ljust(vm: &mut Vm, args: &CallArgs) -> PyResult {
    padded(vm, args, "ljust", |_, _| 0)
}

pub(super) fn rjust(vm: &mut Vm, args: &CallArgs) -> PyResult {
    padded(vm, args, "rjust", |missing, _| missing)
}

fn padded(vm: &mut Vm, args: &CallArgs, function: &str, before: fn(usize, usize) -> usize) -> PyResult {
    let value = args.values[0];
    let width = vm.index(args.values[1])?.max(0) as usize;
    let fill = match args.values.get(2) {
        Some(&fill) => fill_byte(vm, function, fill)?,
        None => b' ',
    };
    let bytes = content(vm, value);
    let missing = width.saturating_sub(bytes.len());
    if missing == 0 {
        return Ok(unchanged(vm, value));
    }
    let before = before(missing, width);
    let mut out = heap::vec_with_capacity(width);
    out.resize(before, fill);
    out.put_all(bytes);
    out.resize(width, fill);
    Ok(like(vm, value, &out))
}

fn fill_byte(vm: &mut Vm, function: &str, fill: Value) -> PyResult<u8> {
    let given = vm.type_name(fill);
    match vm.bytes_of(fill) {
        Some([byte]) => Ok(*byte),
        Some(bytes) => {
            let count = bytes.len();
            Err(vm.type_error(format!(
                "{function}(): argument 2 must be a byte string of length 1, not a {given} object of length {count}"
            )))
        }
        None => Err(vm.type_error(format!("{function}() argument 2 must be a byte string of length 1, not {given}"))),
    }
}

pub(super) fn zfill(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let value = args.values[0];
    let width = vm.index(args.values[1])?.max(0) as usize;
    let bytes = content(vm, value);
    match width.saturating_sub(bytes.len()) {
        0 => Ok(unchanged(vm, value)),
        missing => {
            let out = zero_filled(bytes, missing);
            Ok(like(vm, value, &out))
        }
    }
}

pub(super) fn expandtabs(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let size = tab_size(vm, args)?;
    let out = tabs_expanded(content(vm, args.values[0]), size);
    Ok(like(vm, args.values[0], &out))
}
