//! Padding to a width.

use super::{exact_bytes, length, wtf8};
use crate::args::{CallArgs, Signature};
use crate::error::PyResult;
use crate::vm::Vm;
use heap::Value;

pub(super) fn center(vm: &mut Vm, args: &CallArgs) -> PyResult {
    // The odd one goes to the left if the width is odd.
    padded(vm, args, |missing, width| missing / 2 + (missing & width & 1))
}

pub(super) fn ljust(vm: &mut Vm, args: &CallArgs) -> PyResult {
    padded(vm, args, |_, _| 0)
}

pub(super) fn rjust(vm: &mut Vm, args: &CallArgs) -> PyResult {
    padded(vm, args, |missing, _| missing)
}

fn padded(vm: &mut Vm, args: &CallArgs, before: fn(usize, usize) -> usize) -> PyResult {
    let width = vm.index(args.values[1])?.max(0) as usize;
    let fill = match args.values.get(2) {
        Some(&fill) => fill_character(vm, fill)?,
        None => ' ' as u32,
    };
    let text = vm.exact_str(args.values[0]);
    let missing = width.saturating_sub(length(text));
    if missing == 0 {
        return Ok(text);
    }
    if missing > 1 << 40 {
        return Err(vm.memory_error(""));
    }
    let before = before(missing, width);
    let mut out = Vec::with_capacity(exact_bytes(text).len() + missing);
    (0..before).for_each(|_| wtf8::push(&mut out, fill));
    out.extend_from_slice(exact_bytes(text));
    (before..missing).for_each(|_| wtf8::push(&mut out, fill));
    Ok(vm.new_str_bytes(&out))
}

fn fill_character(vm: &mut Vm, fill: Value) -> PyResult<u32> {
    if !vm.is_str(fill) {
        let given = vm.type_name(fill);
        return Err(vm.type_error(format!("The fill character must be a unicode character, not {given}")));
    }
    match super::single_code_point(vm, fill) {
        Some(code) => Ok(code),
        None => Err(vm.type_error("The fill character must be exactly one character long")),
    }
}

pub(super) fn zfill(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let width = vm.index(args.values[1])?.max(0) as usize;
    let text = vm.exact_str(args.values[0]);
    let missing = width.saturating_sub(length(text));
    if missing == 0 {
        return Ok(text);
    }
    if missing > 1 << 40 {
        return Err(vm.memory_error(""));
    }
    let out = zero_filled(exact_bytes(text), missing);
    Ok(vm.new_str_bytes(&out))
}

/// With zeros behind the sign.
pub(crate) fn zero_filled(text: &[u8], missing: usize) -> Vec<u8> {
    let sign = matches!(text.first(), Some(b'+' | b'-')) as usize;
    [&text[..sign], &vec![b'0'; missing], &text[sign..]].concat()
}

/// `tabsize`.
pub(crate) fn tab_size(vm: &mut Vm, args: &CallArgs) -> PyResult<i64> {
    const PARAMETERS: Signature<1> =
        Signature { parameters: ["tabsize"], skip: 1, positional_only: 0, max_positional: 1, required: 0 };
    let [size] = args.bind(vm, "expandtabs", &PARAMETERS)?;
    if size.is_null() { Ok(8) } else { vm.index(size) }
}

pub(super) fn expandtabs(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let size = tab_size(vm, args)?;
    let text = vm.exact_str(args.values[0]);
    if !exact_bytes(text).contains(&b'\t') {
        return Ok(text);
    }
    let out = tabs_expanded(exact_bytes(text), size);
    Ok(vm.new_str_bytes(&out))
}

/// Columns count code points; for bytes that is the same where there are none above ASCII.
pub(crate) fn tabs_expanded(text: &[u8], size: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut column = 0;
    for &byte in text {
        match byte {
            b'\t' => {
                if size > 0 {
                    let spaces = size - column % size;
                    out.extend(std::iter::repeat_n(b' ', spaces as usize));
                    column += spaces;
                }
                continue;
            }
            b'\n' | b'\r' => column = 0,
            _ if wtf8::starts(byte) => column += 1,
            _ => {}
        }
        out.push(byte);
    }
    out
}
