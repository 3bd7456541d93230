//! Taking bytes apart and putting them together: `bytes` and `bytearray`.

use super::methods::{content, like};
use crate::args::{CallArgs, Signature};
use crate::error::PyResult;
use crate::shape::{self, Kind};
use crate::str::replace::{Starts, replaced};
use crate::str::split::{fields, fields_from_right, keep_ends, split_arguments};
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::{MakeRoom, Value};
use memchr::memmem;
use std::ops::Range;

/// White space in ASCII.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d)
}

/// The value itself if it is immutable, else a copy.
pub(super) fn unchanged(vm: &mut Vm, value: Value) -> Value {
    if shape::is_exact(value, Kind::Bytes) { value } else { like(vm, value, content(vm, value)) }
}

fn list_of(vm: &mut Vm, value: Value, bytes: &[u8], parts: &[Range<usize>]) -> Value {
    let mut items = ValueVec::with_capacity(vm, parts.len());
    for part in parts {
        let item = if part.len() == bytes.len() { unchanged(vm, value) } else { like(vm, value, &bytes[part.clone()]) };
        items.push(vm, item);
    }
    vm.list_from(items)
}

pub(super) fn split(vm: &mut Vm, args: &CallArgs) -> PyResult {
    split_with(vm, args, "split", false)
}

pub(super) fn rsplit(vm: &mut Vm, args: &CallArgs) -> PyResult {
    split_with(vm, args, "rsplit", true)
}

fn split_with(vm: &mut Vm, args: &CallArgs, function: &str, from_right: bool) -> PyResult {
    let value = args.values[0];
    let (separator, most) = split_arguments(vm, args, function)?;
    let bytes = content(vm, value);
    let parts = if separator == vm.none {
        if from_right { words_from_right(bytes, most) } else { words(bytes, most) }
    } else {
        let separator = vm.bytes_like(separator)?;
        if separator.is_empty() {
            return Err(vm.value_error("empty separator"));
        }
        if from_right { fields_from_right(bytes, separator, most) } else { fields(bytes, separator, most) }
    };
    Ok(list_of(vm, value, bytes, &parts))
}

fn words(bytes: &[u8], most: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut at = 0;
    loop {
        at += bytes[at..].iter().take_while(|byte| is_space(**byte)).count();
        if at == bytes.len() {
            return parts;
        }
        if parts.len() == most {
            parts.put(at..bytes.len());
            return parts;
        }
        let end = at + bytes[at..].iter().take_while(|byte| !is_space(**byte)).count();
        parts.put(at..end);
        at = end;
    }
}

fn words_from_right(bytes: &[u8], most: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut at = bytes.len();
    loop {
        at -= bytes[..at].iter().rev().take_while(|byte| is_space(**byte)).count();
        if at == 0 {
            break;
        }
        if parts.len() == most {
            parts.put(0..at);
            break;
        }
        let start = at - bytes[..at].iter().rev().take_while(|byte| !is_space(**byte)).count();
        parts.put(start..at);
        at = start;
    }
    parts.reverse();
    parts
}

pub(super) fn splitlines(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let keep = keep_ends(vm, args)?;
    let value = args.values[0];
    let bytes = content(vm, value);
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        let end = at;
        at += 1;
        if !matches!(bytes[end], b'\n' | b'\r') {
            continue;
        }
        if bytes[end] == b'\r' && bytes.get(at) == Some(&b'\n') {
            at += 1;
        }
        parts.put(start..if keep { at } else { end });
        start = at;
    }
    if start < bytes.len() {
        parts.put(start..bytes.len());
    }
    Ok(list_of(vm, value, bytes, &parts))
}

pub(super) fn partition(vm: &mut Vm, args: &CallArgs) -> PyResult {
    around(vm, args, false)
}

pub(super) fn rpartition(vm: &mut Vm, args: &CallArgs) -> PyResult {
    around(vm, args, true)
}

fn around(vm: &mut Vm, args: &CallArgs, last: bool) -> PyResult {
    let (value, separator_value) = (args.values[0], args.values[1]);
    let separator = vm.bytes_like(separator_value)?;
    if separator.is_empty() {
        return Err(vm.value_error("empty separator"));
    }
    let bytes = content(vm, value);
    let found = if last { memmem::rfind(bytes, separator) } else { memmem::find(bytes, separator) };
    let parts = match found {
        Some(at) => {
            let before = like(vm, value, &bytes[..at]);
            let middle = if vm.is_bytes(value) && vm.is_bytes(separator_value) {
                separator_value
            } else {
                like(vm, value, separator)
            };
            [before, middle, like(vm, value, &bytes[at + separator.len()..])]
        }
        None => {
            let (whole, first) = (unchanged(vm, value), like(vm, value, b""));
            let second = like(vm, value, b"");
            if last { [first, second, whole] } else { [whole, first, second] }
        }
    };
    Ok(vm.new_tuple(&parts))
}

pub(super) fn strip(vm: &mut Vm, args: &CallArgs) -> PyResult {
    stripped(vm, args, true, true)
}

pub(super) fn lstrip(vm: &mut Vm, args: &CallArgs) -> PyResult {
    stripped(vm, args, true, false)
}

pub(super) fn rstrip(vm: &mut Vm, args: &CallArgs) -> PyResult {
    stripped(vm, args, false, true)
}

fn stripped(vm: &mut Vm, args: &CallArgs, left: bool, right: bool) -> PyResult {
    let value = args.values[0];
    let set = match args.values.get(1) {
        Some(&set) if set != vm.none => Some(vm.bytes_like(set)?),
        _ => None,
    };
    let drop = |byte: u8| set.map_or(is_space(byte), |set| set.contains(&byte));
    let bytes = content(vm, value);
    let mut part = bytes;
    while let [first, rest @ ..] = part
        && left
        && drop(*first)
    {
        part = rest;
    }
    while let [rest @ .., last] = part
        && right
        && drop(*last)
    {
        part = rest;
    }
    Ok(if part.len() == bytes.len() { unchanged(vm, value) } else { like(vm, value, part) })
}

pub(super) fn removeprefix(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let prefix = vm.bytes_like(args.values[1])?;
    match content(vm, args.values[0]).strip_prefix(prefix) {
        Some(rest) if !prefix.is_empty() => Ok(like(vm, args.values[0], rest)),
        _ => Ok(unchanged(vm, args.values[0])),
    }
}

pub(super) fn removesuffix(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let suffix = vm.bytes_like(args.values[1])?;
    match content(vm, args.values[0]).strip_suffix(suffix) {
        Some(rest) if !suffix.is_empty() => Ok(like(vm, args.values[0], rest)),
        _ => Ok(unchanged(vm, args.values[0])),
    }
}

pub(super) fn replace(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let old = vm.bytes_like(args.values[1])?;
    let new = vm.bytes_like(args.values[2])?;
    let most = match args.values.get(3) {
        Some(&count) => usize::try_from(vm.index(count)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let bytes = content(vm, args.values[0]);
    let starts = if old.is_empty() { Starts::Bytes } else { Starts::Found };
    match replaced(bytes, old, new, most, starts) {
        Some(out) => Ok(like(vm, args.values[0], &out)),
        None => Ok(unchanged(vm, args.values[0])),
    }
}

pub(super) fn translate(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> =
        Signature { parameters: ["table", "delete"], skip: 1, positional_only: 1, max_positional: 2, required: 1 };
    let [table, delete] = args.bind(vm, "translate", &PARAMETERS)?;
    let table = if table == vm.none { None } else { Some(vm.bytes_like(table)?) };
    if table.is_some_and(|table| table.len() != 256) {
        return Err(vm.value_error("translation table must be 256 characters long"));
    }
    let delete = if delete.is_null() { &[] } else { vm.bytes_like(delete)? };
    let kept = content(vm, args.values[0]).iter().filter(|byte| !delete.contains(byte));
    let out: Vec<u8> = heap::collected(kept.map(|byte| table.map_or(*byte, |table| table[*byte as usize])));
    Ok(like(vm, args.values[0], &out))
}

pub(super) fn maketrans(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (from, to) = (vm.bytes_like(args.values[0])?, vm.bytes_like(args.values[1])?);
    if from.len() != to.len() {
        return Err(vm.value_error("maketrans arguments must have same length"));
    }
    let mut table: Vec<u8> = (0..=255).collect();
    for (from, to) in from.iter().zip(to) {
        table[*from as usize] = *to;
    }
    Ok(vm.new_bytes(&table))
}
