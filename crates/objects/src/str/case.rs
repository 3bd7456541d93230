//! Upper and lower case.

use super::{exact_bytes, is_ascii};
use crate::args::CallArgs;
use crate::error::PyResult;
use crate::vm::Vm;
use heap::Value;
use rustpython_unicode::case;
use rustpython_wtf8::{Wtf8, Wtf8Buf};

/// Maps text by a function for ASCII and one for all.
fn mapped(vm: &mut Vm, args: &CallArgs, ascii: impl Fn(&[u8]) -> Vec<u8>, any: impl Fn(&Wtf8) -> Wtf8Buf) -> PyResult {
    let text: Value = vm.exact_str(args.values[0]);
    let bytes = exact_bytes(text);
    if is_ascii(text) {
        heap::ensure_room(bytes.len());
        let out = ascii(bytes);
        return Ok(vm.new_str_bytes(&out));
    }
    // SAFETY: a str holds WTF-8; a pair of surrogates in a row is passed through like any others.
    let wtf8 = unsafe { Wtf8::from_bytes_unchecked(bytes) };
    // A vector that grows to three times that size.
    heap::ensure_room(bytes.len().saturating_mul(6));
    let out = any(wtf8);
    Ok(vm.new_str_bytes(out.as_bytes()))
}

pub(super) fn upper(vm: &mut Vm, args: &CallArgs) -> PyResult {
    mapped(vm, args, <[u8]>::to_ascii_uppercase, Wtf8::to_uppercase)
}

pub(super) fn lower(vm: &mut Vm, args: &CallArgs) -> PyResult {
    mapped(vm, args, <[u8]>::to_ascii_lowercase, Wtf8::to_lowercase)
}

pub(super) fn casefold(vm: &mut Vm, args: &CallArgs) -> PyResult {
    mapped(vm, args, <[u8]>::to_ascii_lowercase, case::casefold_wtf8)
}

pub(super) fn swapcase(vm: &mut Vm, args: &CallArgs) -> PyResult {
    mapped(vm, args, ascii_swapcase, case::swapcase_wtf8)
}

pub(super) fn capitalize(vm: &mut Vm, args: &CallArgs) -> PyResult {
    mapped(vm, args, ascii_capitalize, case::capitalize_wtf8)
}

pub(super) fn title(vm: &mut Vm, args: &CallArgs) -> PyResult {
    mapped(vm, args, ascii_title, case::title_wtf8)
}

pub(crate) fn ascii_swapcase(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if byte.is_ascii_alphabetic() { byte ^ 0x20 } else { *byte }).collect()
}

pub(crate) fn ascii_capitalize(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_ascii_lowercase();
    if let Some(first) = out.first_mut() {
        first.make_ascii_uppercase();
    }
    out
}

/// Letters behind letters are lower case, others upper case.
pub(crate) fn ascii_title(bytes: &[u8]) -> Vec<u8> {
    let mut behind_letter = false;
    bytes
        .iter()
        .map(|byte| {
            let out = if behind_letter { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() };
            behind_letter = byte.is_ascii_alphabetic();
            out
        })
        .collect()
}
