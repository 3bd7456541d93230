//! Padding to a width.

use super::{exact_bytes, length, wtf8};
use crate::args::{CallArgs, Signature};
use crate::error::PyResult;
use crate::vm::Vm;
use heap::{MakeRoom, Value};

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
    let before = before(missing, width);
    let mut out = heap::vec_with_capacity(exact_bytes(text).len().saturating_add(missing));
    wtf8::push_many(&mut out, fill, before);
    out.put_all(exact_bytes(text));
    wtf8::push_many(&mut out, fill, missing - before);
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
    let out = zero_filled(exact_bytes(text), missing);
    Ok(vm.new_str_bytes(&out))
}

/// With zeros behind the sign.
pub(crate) fn zero_filled(text: &[u8], missing: usize) -> Vec<u8> {
    let sign = matches!(text.first(), Some(b'+' | b'-')) as usize;
    let mut out = heap::vec_with_capacity(text.len().saturating_add(missing));
    out.put_all(&text[..sign]);
    out.resize(sign + missing, b'0');
    out.put_all(&text[sign..]);
    out
}

/// `tabsize`.
pub(crate) fn tab_size(vm: &mut Vm, args: &CallArgs) -> PyResult<i64> {
    const PARAMETERS: Signature<1> =
        Signature { parameters: ["tabsize"], skip: 1, positional_only: 0, max_positional: 1, required: 0 };
    let [size] = args.bind(vm, "expandtabs", &PARAMETERS)?;
    if size.is_null() {
        return Ok(8);
    }
    match vm.index(size)? {
        size if i32::try_from(size).is_ok() => Ok(size),
        _ => Err(vm.overflow_error("Python int too large to convert to C int")),
    }
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
    let mut out = heap::vec_with_capacity(text.len());
    let mut column = 0;
    for &byte in text {
        match byte {
            b'\t' => {
                if size > 0 {
                    let spaces = size - column % size;
                    wtf8::push_many(&mut out, b' ' as u32, spaces as usize);
                    column += spaces;
                }
                continue;
            }
            b'\n' | b'\r' => column = 0,
            _ if wtf8::starts(byte) => column += 1,
            _ => {}
        }
        out.put(byte);
    }
    out
}
