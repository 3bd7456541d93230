//! Finding text in text.

use super::{byte_offset, code_point_index, exact_bytes, length};
use crate::args::CallArgs;
use crate::error::PyResult;
use crate::slice;
use crate::vm::Vm;
use heap::Value;
use memchr::memmem;

/// `part in text`.
pub(super) fn contains(vm: &mut Vm, text: Value, part: Value) -> PyResult<bool> {
    if !vm.is_str(part) {
        let given = vm.type_name(part);
        return Err(vm.type_error(format!("'in <string>' requires string as left operand, not {given}")));
    }
    Ok(memmem::find(vm.str_bytes(text), vm.str_bytes(part)).is_some())
}

/// Argument `position` of `function`, which must be a str.
pub(super) fn str_argument(vm: &mut Vm, function: &str, position: usize, value: Value) -> PyResult<&'static [u8]> {
    if vm.is_str(value) {
        return Ok(vm.str_bytes(value));
    }
    let given = vm.type_name(value);
    let position = if position == 0 { String::new() } else { format!(" {position}") };
    Err(vm.type_error(format!("{function}() argument{position} must be str, not {given}")))
}

/// Start and end of a search in a sequence of `len`, from arguments `first` and `first + 1`; `None` if end is before start.
pub(crate) fn window(vm: &mut Vm, args: &CallArgs, first: usize, len: usize) -> PyResult<Option<(usize, usize)>> {
    let mut bound = |at: usize, absent: i64| match args.values.get(at) {
        Some(&value) if value != vm.none => slice::clipped_index(vm, value),
        _ => Ok(absent),
    };
    let (start, end) = (bound(first, 0)?, bound(first + 1, i64::MAX)?);
    let len = len as i64;
    let clip = |at: i64| if at < 0 { (at + len).max(0) } else { at };
    let (start, end) = (clip(start), clip(end.min(len)));
    Ok((start <= end).then_some((start as usize, end as usize)))
}

/// The text to search in, and the byte at which it starts.
fn haystack(vm: &mut Vm, args: &CallArgs) -> PyResult<Option<(&'static [u8], usize)>> {
    let text = vm.exact_str(args.values[0]);
    let bytes = exact_bytes(text);
    if args.values.len() == 2 {
        return Ok(Some((bytes, 0)));
    }
    let Some((start, end)) = window(vm, args, 2, length(text))? else { return Ok(None) };
    let (start, end) = (byte_offset(vm, text, start), byte_offset(vm, text, end));
    Ok(Some((&bytes[start..end], start)))
}

/// Where the argument is found, as a code point.
fn locate(vm: &mut Vm, args: &CallArgs, function: &str, last: bool) -> PyResult<Option<usize>> {
    let part = str_argument(vm, function, 1, args.values[1])?;
    let Some((haystack, start)) = haystack(vm, args)? else { return Ok(None) };
    let found = if last { memmem::rfind(haystack, part) } else { memmem::find(haystack, part) };
    let text = vm.exact_str(args.values[0]);
    Ok(found.map(|at| code_point_index(text, start + at)))
}

fn found_or_minus_one(found: Option<usize>) -> PyResult {
    Ok(Value::from_int(found.map_or(-1, |at| at as i64)))
}

pub(super) fn find(vm: &mut Vm, args: &CallArgs) -> PyResult {
    found_or_minus_one(locate(vm, args, "find", false)?)
}

pub(super) fn rfind(vm: &mut Vm, args: &CallArgs) -> PyResult {
    found_or_minus_one(locate(vm, args, "rfind", true)?)
}

fn found_or_error(vm: &mut Vm, found: Option<usize>) -> PyResult {
    match found {
        Some(at) => Ok(Value::from_int(at as i64)),
        None => Err(vm.value_error("substring not found")),
    }
}

pub(super) fn index(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let found = locate(vm, args, "index", false)?;
    found_or_error(vm, found)
}

pub(super) fn rindex(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let found = locate(vm, args, "rindex", true)?;
    found_or_error(vm, found)
}

pub(super) fn count(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let part = str_argument(vm, "count", 1, args.values[1])?;
    let count = match haystack(vm, args)? {
        None => 0,
        Some((haystack, _)) if part.is_empty() => super::wtf8::count(haystack) + 1,
        Some((haystack, _)) => occurrences(haystack, part),
    };
    Ok(Value::from_int(count as i64))
}

/// How often `part`, which is not empty, stands in `haystack`, without overlaps.
pub(crate) fn occurrences(haystack: &[u8], part: &[u8]) -> usize {
    match part {
        [byte] => memchr::memchr_iter(*byte, haystack).count(),
        _ => memmem::find_iter(haystack, part).count(),
    }
}

pub(super) fn startswith(vm: &mut Vm, args: &CallArgs) -> PyResult {
    edge(vm, args, "startswith", |text, part| text.starts_with(part))
}

pub(super) fn endswith(vm: &mut Vm, args: &CallArgs) -> PyResult {
    edge(vm, args, "endswith", |text, part| text.ends_with(part))
}

/// With a str or any of a tuple of strs.
fn edge(vm: &mut Vm, args: &CallArgs, function: &str, test: fn(&[u8], &[u8]) -> bool) -> PyResult {
    let haystack = haystack(vm, args)?;
    let part = args.values[1];
    let holds = |bytes: &[u8]| haystack.is_some_and(|(text, _)| test(text, bytes));
    if vm.is_str(part) {
        return Ok(vm.bool(holds(vm.str_bytes(part))));
    }
    if !crate::tuple::is_tuple(vm, part) {
        let given = vm.type_name(part);
        return Err(vm.type_error(format!("{function} first arg must be str or a tuple of str, not {given}")));
    }
    for &part in crate::tuple::items(part) {
        if !vm.is_str(part) {
            let given = vm.type_name(part);
            return Err(vm.type_error(format!("tuple for {function} must only contain str, not {given}")));
        }
        if holds(vm.str_bytes(part)) {
            return Ok(vm.true_);
        }
    }
    Ok(vm.false_)
}
