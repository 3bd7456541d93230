//! `str.replace`.

use super::search::str_argument;
use super::{exact_bytes, wtf8};
use crate::args::{CallArgs, Signature};
use crate::error::PyResult;
use crate::vm::Vm;
use memchr::memmem;

pub(super) fn replace(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<3> =
        Signature { parameters: ["old", "new", "count"], skip: 1, positional_only: 2, max_positional: 3, required: 2 };
    let [old, new, count] = args.bind(vm, "replace", &PARAMETERS)?;
    let old = str_argument(vm, "replace", 1, old)?;
    let new = str_argument(vm, "replace", 2, new)?;
    let most = if count.is_null() { -1 } else { vm.index(count)? };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let text = vm.exact_str(args.values[0]);
    let bytes = exact_bytes(text);
    let starts = if old.is_empty() { Starts::CodePoints } else { Starts::Found };
    match replaced(bytes, old, new, most, starts) {
        Some(out) => Ok(vm.new_str_bytes(&out)),
        None => Ok(text),
    }
}

/// Where an empty part is found: before and after each code point, or each byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Starts {
    Found,
    CodePoints,
    Bytes,
}

/// `None` if nothing is replaced.
pub(crate) fn replaced(bytes: &[u8], old: &[u8], new: &[u8], most: usize, starts: Starts) -> Option<Vec<u8>> {
    if most == 0 || old.len() > bytes.len() {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len());
    if starts != Starts::Found {
        let mut left = most;
        for &byte in bytes {
            if left > 0 && (starts == Starts::Bytes || wtf8::starts(byte)) {
                out.extend_from_slice(new);
                left -= 1;
            }
            out.push(byte);
        }
        if left > 0 {
            out.extend_from_slice(new);
        }
        return Some(out);
    }
    let mut from = 0;
    for at in memmem::find_iter(bytes, old).take(most) {
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(new);
        from = at + old.len();
    }
    if from == 0 {
        return None;
    }
    out.extend_from_slice(&bytes[from..]);
    Some(out)
}
