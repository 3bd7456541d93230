//! Splitting and joining.

use super::edges::is_space;
use super::{concatenate, exact_bytes, wtf8};
use crate::args::{CallArgs, Signature};
use crate::error::PyResult;
use crate::shape::{self, Kind};
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::{MakeRoom, Value};
use memchr::memmem;
use std::ops::Range;

pub(super) fn split(vm: &mut Vm, args: &CallArgs) -> PyResult {
    split_with(vm, args, "split", false)
}

pub(super) fn rsplit(vm: &mut Vm, args: &CallArgs) -> PyResult {
    split_with(vm, args, "rsplit", true)
}

/// `sep` and `maxsplit`, the latter as a count.
pub(crate) fn split_arguments(vm: &mut Vm, args: &CallArgs, function: &str) -> PyResult<(Value, usize)> {
    const PARAMETERS: Signature<2> =
        Signature { parameters: ["sep", "maxsplit"], skip: 1, positional_only: 0, max_positional: 2, required: 0 };
    let [separator, most] = args.bind(vm, function, &PARAMETERS)?;
    let most = if most.is_null() { -1 } else { vm.index(most)? };
    let separator = if separator.is_null() { vm.none } else { separator };
    Ok((separator, usize::try_from(most).unwrap_or(usize::MAX)))
}

fn split_with(vm: &mut Vm, args: &CallArgs, function: &str, from_right: bool) -> PyResult {
    let text = vm.exact_str(args.values[0]);
    let (separator, most) = split_arguments(vm, args, function)?;
    let bytes = exact_bytes(text);
    let parts = if separator == vm.none {
        if from_right { words_from_right(bytes, most) } else { words(bytes, most) }
    } else if !vm.is_str(separator) {
        let given = vm.type_name(separator);
        return Err(vm.type_error(format!("must be str or None, not {given}")));
    } else {
        let separator = vm.str_bytes(separator);
        if separator.is_empty() {
            return Err(vm.value_error("empty separator"));
        }
        if from_right { fields_from_right(bytes, separator, most) } else { fields(bytes, separator, most) }
    };
    Ok(list_of(vm, text, &parts))
}

fn list_of(vm: &mut Vm, text: Value, parts: &[Range<usize>]) -> Value {
    let mut items = ValueVec::with_capacity(vm, parts.len());
    let bytes = exact_bytes(text);
    for part in parts {
        let whole = part.len() == bytes.len();
        let item = if whole { text } else { vm.new_str_bytes(&bytes[part.clone()]) };
        items.push(vm, item);
    }
    vm.list_from(items)
}

/// Between runs of white space.
fn words(bytes: &[u8], most: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut at = 0;
    loop {
        while at < bytes.len() && is_space(wtf8::decode(bytes, at).0) {
            at = wtf8::decode(bytes, at).1;
        }
        if at == bytes.len() {
            return parts;
        }
        if parts.len() == most {
            parts.put(at..bytes.len());
            return parts;
        }
        let start = at;
        while at < bytes.len() && !is_space(wtf8::decode(bytes, at).0) {
            at = wtf8::decode(bytes, at).1;
        }
        parts.put(start..at);
    }
}

fn words_from_right(bytes: &[u8], most: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut at = bytes.len();
    let space_before = |at: usize| is_space(wtf8::decode(bytes, wtf8::previous(bytes, at)).0);
    loop {
        while at > 0 && space_before(at) {
            at = wtf8::previous(bytes, at);
        }
        if at == 0 {
            break;
        }
        if parts.len() == most {
            parts.put(0..at);
            break;
        }
        let end = at;
        while at > 0 && !space_before(at) {
            at = wtf8::previous(bytes, at);
        }
        parts.put(at..end);
    }
    parts.reverse();
    parts
}

/// Between separators.
pub(crate) fn fields(bytes: &[u8], separator: &[u8], most: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for at in memmem::find_iter(bytes, separator).take(most) {
        parts.put(start..at);
        start = at + separator.len();
    }
    parts.put(start..bytes.len());
    parts
}

pub(crate) fn fields_from_right(bytes: &[u8], separator: &[u8], most: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut end = bytes.len();
    for at in memmem::rfind_iter(bytes, separator).take(most) {
        parts.put(at + separator.len()..end);
        end = at;
    }
    parts.put(0..end);
    parts.reverse();
    parts
}

/// `keepends`.
pub(crate) fn keep_ends(vm: &mut Vm, args: &CallArgs) -> PyResult<bool> {
    const PARAMETERS: Signature<1> =
        Signature { parameters: ["keepends"], skip: 1, positional_only: 0, max_positional: 1, required: 0 };
    let [keep] = args.bind(vm, "splitlines", &PARAMETERS)?;
    if keep.is_null() { Ok(false) } else { vm.truth(keep) }
}

pub(super) fn splitlines(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let keep = keep_ends(vm, args)?;
    let text = vm.exact_str(args.values[0]);
    let bytes = exact_bytes(text);
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        let (code, mut next) = wtf8::decode(bytes, at);
        if matches!(code, 0x0a..=0x0d | 0x1c..=0x1e | 0x85 | 0x2028 | 0x2029) {
            if code == 0x0d && bytes.get(next) == Some(&b'\n') {
                next += 1;
            }
            parts.put(start..if keep { next } else { at });
            start = next;
        }
        at = next;
    }
    if start < bytes.len() {
        parts.put(start..bytes.len());
    }
    Ok(list_of(vm, text, &parts))
}

fn separator_argument(vm: &mut Vm, value: Value) -> PyResult<&'static [u8]> {
    if !vm.is_str(value) {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("must be str, not {given}")));
    }
    match vm.str_bytes(value) {
        b"" => Err(vm.value_error("empty separator")),
        separator => Ok(separator),
    }
}

pub(super) fn partition(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let separator = separator_argument(vm, args.values[1])?;
    let text = vm.exact_str(args.values[0]);
    let found = memmem::find(exact_bytes(text), separator);
    let (empty, whole) = (vm.empty_str, text);
    parts_around(vm, text, args.values[1], separator, found, [whole, empty, empty])
}

pub(super) fn rpartition(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let separator = separator_argument(vm, args.values[1])?;
    let text = vm.exact_str(args.values[0]);
    let found = memmem::rfind(exact_bytes(text), separator);
    let (empty, whole) = (vm.empty_str, text);
    parts_around(vm, text, args.values[1], separator, found, [empty, empty, whole])
}

fn parts_around(
    vm: &mut Vm,
    text: Value,
    separator: Value,
    separator_bytes: &[u8],
    found: Option<usize>,
    otherwise: [Value; 3],
) -> PyResult {
    let Some(at) = found else { return Ok(vm.new_tuple(&otherwise)) };
    let bytes = exact_bytes(text);
    let before = vm.new_str_bytes(&bytes[..at]);
    let after = vm.new_str_bytes(&bytes[at + separator_bytes.len()..]);
    let separator = vm.exact_str(separator);
    Ok(vm.new_tuple(&[before, separator, after]))
}

/// `can only join an iterable`, unless it is one.
pub(crate) fn joinable(vm: &mut Vm, iterable: Value) -> PyResult<()> {
    let slots = *vm.type_of(iterable).slots();
    if slots.iter.is_none() && slots.getitem.is_none() {
        return Err(vm.type_error("can only join an iterable"));
    }
    Ok(())
}

pub(super) fn join(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (separator, iterable) = (args.values[0], args.values[1]);
    joinable(vm, iterable)?;
    let collected = vm.collect(iterable)?;
    join_items(vm, separator, collected.as_slice())
}

/// The strs with the separator between.
pub fn join_items(vm: &mut Vm, separator: Value, items: &[Value]) -> PyResult {
    for (i, &item) in items.iter().enumerate() {
        if !vm.is_str(item) {
            let given = vm.type_name(item);
            return Err(vm.type_error(format!("sequence item {i}: expected str instance, {given} found")));
        }
    }
    match items {
        [] => return Ok(vm.empty_str),
        [item] if shape::is_exact(*item, Kind::Str) => return Ok(*item),
        _ => {}
    }
    let separator = vm.str_bytes(separator);
    if separator.is_empty() {
        return Ok(concatenate(vm, items));
    }
    let total: usize = items.iter().map(|item| vm.str_bytes(*item).len() + separator.len()).sum();
    let mut out = heap::vec_with_capacity(total);
    for (i, &item) in items.iter().enumerate() {
        if i > 0 {
            out.put_all(separator);
        }
        out.put_all(vm.str_bytes(item));
    }
    Ok(vm.new_str_bytes(&out))
}
