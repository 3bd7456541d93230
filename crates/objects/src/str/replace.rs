//! `str.replace`.

use super::search::str_argument;
use super::{exact_bytes, wtf8};
use crate::args::{CallArgs, Signature};
use crate::error::PyResult;
use crate::vm::Vm;
use heap::MakeRoom;
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
    let count = match starts {
        Starts::Found if new.len() <= old.len() => 0,
        Starts::Found => memmem::find_iter(bytes, old).take(most).count(),
        Starts::CodePoints => most.min(wtf8::count(bytes) + 1),
        Starts::Bytes => most.min(bytes.len() + 1),
    };
    let mut out = heap::vec_with_capacity(count.saturating_mul(new.len()).saturating_add(bytes.len()));
    if starts != Starts::Found {
        let mut left = most;
        for &byte in bytes {
            if left > 0 && (starts == Starts::Bytes || wtf8::starts(byte)) {
                out.put_all(new);
                left -= 1;
            }
            out.put(byte);
        }
        if left > 0 {
            out.put_all(new);
        }
        return Some(out);
    }
    let mut from = 0;
    for at in memmem::find_iter(bytes, old).take(most) {
        out.put_all(&bytes[from..at]);
        out.put_all(new);
        from = at + old.len();
    }
    if from == 0 {
        return None;
    }
    out.put_all(&bytes[from..]);
    Some(out)
}
