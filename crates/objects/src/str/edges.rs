//! Taking text off the ends.

use super::search::str_argument;
use super::{exact_bytes, wtf8};
use crate::args::CallArgs;
use crate::error::PyResult;
use crate::vm::Vm;
use heap::Value;

/// Whether a code point is white space.
pub fn is_space(code: u32) -> bool {
    match code {
        0x09..=0x0d | 0x1c..=0x20 => true,
        0..0x80 => false,
        _ => !wtf8::is_surrogate(code) && rustpython_unicode::classify::is_space(wtf8::as_char(code)),
    }
}

pub(super) fn strip(vm: &mut Vm, args: &CallArgs) -> PyResult {
    stripped(vm, args, "strip", true, true)
}

pub(super) fn lstrip(vm: &mut Vm, args: &CallArgs) -> PyResult {
    stripped(vm, args, "lstrip", true, false)
}

pub(super) fn rstrip(vm: &mut Vm, args: &CallArgs) -> PyResult {
    stripped(vm, args, "rstrip", false, true)
}

fn stripped(vm: &mut Vm, args: &CallArgs, function: &str, left: bool, right: bool) -> PyResult {
    let text = vm.exact_str(args.values[0]);
    let bytes = exact_bytes(text);
    let range = match args.values.get(1) {
        Some(&set) if set != vm.none => {
            if !vm.is_str(set) {
                return Err(vm.type_error(format!("{function} arg must be None or str")));
            }
            let set: Vec<u32> = wtf8::code_points(vm.str_bytes(set)).collect();
            trimmed(bytes, left, right, |code| set.contains(&code))
        }
        _ => trimmed(bytes, left, right, is_space),
    };
    part(vm, text, range.start, range.end)
}

/// Bytes `start..end` of a str; itself if that is all.
pub(super) fn part(vm: &mut Vm, text: Value, start: usize, end: usize) -> PyResult {
    let bytes = exact_bytes(text);
    if start == 0 && end == bytes.len() {
        return Ok(text);
    }
    Ok(vm.new_str_bytes(&bytes[start..end]))
}

/// Without code points for which `drop` holds at the ends.
pub(super) fn trimmed(bytes: &[u8], left: bool, right: bool, drop: impl Fn(u32) -> bool) -> std::ops::Range<usize> {
    let (mut start, mut end) = (0, bytes.len());
    while left && start < end {
        let (code, next) = wtf8::decode(bytes, start);
        if !drop(code) {
            break;
        }
        start = next;
    }
    while right && start < end {
        let previous = wtf8::previous(bytes, end);
        if !drop(wtf8::decode(bytes, previous).0) {
            break;
        }
        end = previous;
    }
    start..end
}

pub(super) fn removeprefix(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let prefix = str_argument(vm, "removeprefix", 0, args.values[1])?;
    let text = vm.exact_str(args.values[0]);
    let bytes = exact_bytes(text);
    let start = if bytes.starts_with(prefix) { prefix.len() } else { 0 };
    part(vm, text, start, bytes.len())
}

pub(super) fn removesuffix(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let suffix = str_argument(vm, "removesuffix", 0, args.values[1])?;
    let text = vm.exact_str(args.values[0]);
    let bytes = exact_bytes(text);
    let end = if bytes.ends_with(suffix) { bytes.len() - suffix.len() } else { bytes.len() };
    part(vm, text, 0, end)
}
