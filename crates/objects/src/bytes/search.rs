//! Finding bytes in bytes: `bytes` and `bytearray`.

use crate::args::CallArgs;
use crate::error::PyResult;
use crate::str::search::{occurrences, window};
use crate::vm::Vm;
use heap::Value;
use memchr::memmem;

fn content(vm: &Vm, value: Value) -> &'static [u8] {
    vm.bytes_of(value).expect("a method of bytes or bytearray")
}

/// `part in bytes`: bytes or one byte.
pub(crate) fn contains(vm: &mut Vm, value: Value, part: Value) -> PyResult<bool> {
    if let Some(part) = vm.bytes_like_opt(part)? {
        return Ok(memmem::find(content(vm, value), part).is_some());
    }
    if vm.type_of(part).slots().index.is_some() {
        let byte = super::byte_of(vm, part, "byte")?;
        return Ok(memchr::memchr(byte, content(vm, value)).is_some());
    }
    let given = vm.type_name(part);
    Err(vm.type_error(format!("a bytes-like object is required, not '{given}'")))
}

/// What is searched for: something like bytes, or one byte.
fn part_argument(vm: &mut Vm, part: Value) -> PyResult<Vec<u8>> {
    if let Some(bytes) = vm.bytes_like_opt(part)? {
        return Ok(heap::copied(bytes));
    }
    if vm.type_of(part).slots().index.is_some() {
        return Ok(vec![super::byte_of(vm, part, "byte")?]);
    }
    let given = vm.type_name(part);
    Err(vm.type_error(format!("argument should be integer or bytes-like object, not '{given}'")))
}

/// The bytes to search in, and where they start.
fn haystack(vm: &mut Vm, args: &CallArgs) -> PyResult<Option<(&'static [u8], usize)>> {
    let len = content(vm, args.values[0]).len();
    let Some((start, end)) = window(vm, args, 2, len)? else { return Ok(None) };
    let bytes = content(vm, args.values[0]);
    Ok(bytes.get(start..end).map(|haystack| (haystack, start)))
}

fn locate(vm: &mut Vm, args: &CallArgs, last: bool) -> PyResult<Option<i64>> {
    let part = part_argument(vm, args.values[1])?;
    let Some((haystack, start)) = haystack(vm, args)? else { return Ok(None) };
    let found = if last { memmem::rfind(haystack, &part) } else { memmem::find(haystack, &part) };
    Ok(found.map(|at| (start + at) as i64))
}

pub(super) fn find(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(Value::from_int(locate(vm, args, false)?.unwrap_or(-1)))
}

pub(super) fn rfind(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(Value::from_int(locate(vm, args, true)?.unwrap_or(-1)))
}

pub(super) fn index(vm: &mut Vm, args: &CallArgs) -> PyResult {
    match locate(vm, args, false)? {
        Some(at) => Ok(Value::from_int(at)),
        None => Err(vm.value_error("subsection not found")),
    }
}

pub(super) fn rindex(vm: &mut Vm, args: &CallArgs) -> PyResult {
    match locate(vm, args, true)? {
        Some(at) => Ok(Value::from_int(at)),
        None => Err(vm.value_error("subsection not found")),
    }
}

pub(super) fn count(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let part = part_argument(vm, args.values[1])?;
    let count = match haystack(vm, args)? {
        None => 0,
        Some((haystack, _)) if part.is_empty() => haystack.len() + 1,
        Some((haystack, _)) => occurrences(haystack, &part),
    };
    Ok(Value::from_int(count as i64))
}

pub(super) fn startswith(vm: &mut Vm, args: &CallArgs) -> PyResult {
    edge(vm, args, "startswith", |bytes, part| bytes.starts_with(part))
}

pub(super) fn endswith(vm: &mut Vm, args: &CallArgs) -> PyResult {
    edge(vm, args, "endswith", |bytes, part| bytes.ends_with(part))
}

fn edge(vm: &mut Vm, args: &CallArgs, function: &str, test: fn(&[u8], &[u8]) -> bool) -> PyResult {
    let haystack = haystack(vm, args)?.map(|(haystack, _)| haystack);
    let part = args.values[1];
    if crate::tuple::is_tuple(vm, part) {
        for &part in crate::tuple::items(part) {
            let part = vm.bytes_like(part)?;
            if haystack.is_some_and(|bytes| test(bytes, part)) {
                return Ok(vm.true_);
            }
        }
        return Ok(vm.false_);
    }
    match vm.bytes_like_opt(part)? {
        Some(part) => Ok(vm.bool(haystack.is_some_and(|bytes| test(bytes, part)))),
        None => {
            let given = vm.type_name(part);
            Err(vm.type_error(format!("{function} first arg must be bytes or a tuple of bytes, not {given}")))
        }
    }
}
