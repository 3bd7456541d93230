//! `repr` of bytes.

use crate::args::{CallArgs, Signature};
use crate::error::PyResult;
use crate::str::wtf8;
use crate::vm::Vm;
use heap::{MakeRoom, Value};

/// `b'...'`, with escapes.
pub fn repr(bytes: &[u8]) -> Vec<u8> {
    let mut out = heap::vec_with_capacity(bytes.len() + 3);
    out.put(b'b');
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    out.put(quote);
    for &byte in bytes {
        match byte {
            b'\\' => out.put_all(b"\\\\"),
            b'\t' => out.put_all(b"\\t"),
            b'\n' => out.put_all(b"\\n"),
            b'\r' => out.put_all(b"\\r"),
            _ if byte == quote => out.put_all(&[b'\\', quote]),
            0x20..0x7f => out.put(byte),
            _ => out.put_all(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out.put(quote);
    debug_assert!(wtf8::first_surrogate(&out).is_none());
    out
}
/// `hex(sep, bytes_per_sep)`: of `bytes` and `bytearray` and `memoryview`.
pub(crate) fn hex_method(vm: &mut Vm, args: &CallArgs, bytes: &[u8]) -> PyResult {
    const PARAMETERS: Signature<2> =
        Signature { parameters: ["sep", "bytes_per_sep"], skip: 1, positional_only: 0, max_positional: 2, required: 0 };
    let [separator, group] = args.bind(vm, "hex", &PARAMETERS)?;
    let group = if group.is_null() { 1 } else { vm.index(group)? };
    let separator = if separator.is_null() { None } else { Some(separator_of(vm, separator)?) };
    let mut out = heap::vec_with_capacity(bytes.len() * 2);
    let size = group.unsigned_abs() as usize;
    for (i, byte) in bytes.iter().enumerate() {
        // Groups count from the right unless the size is negative.
        let from = if group < 0 { i } else { bytes.len() - i };
        if let Some(separator) = separator
            && i > 0
            && size > 0
            && from % size == 0
        {
            out.put(separator);
        }
        out.put_all(&[DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]);
    }
    Ok(vm.new_str_bytes(&out))
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn separator_of(vm: &mut Vm, separator: Value) -> PyResult<u8> {
    let text = if vm.is_str(separator) {
        vm.str_bytes(separator)
    } else if let Some(bytes) = vm.bytes_of(separator) {
        bytes
    } else {
        vm.len(separator)?;
        return Err(vm.type_error("sep must be str or bytes."));
    };
    match text {
        [byte] if byte.is_ascii() => Ok(*byte),
        _ if vm.is_str(separator) && crate::str::length(vm.exact_str(separator)) == 1 || text.len() == 1 => {
            Err(vm.value_error("sep must be ASCII."))
        }
        _ => Err(vm.value_error("sep must be length 1.")),
    }
}

/// The bytes that hexadecimal text writes; white space may stand between them.
pub(super) fn from_hex(vm: &mut Vm, text: Value) -> PyResult<Vec<u8>> {
    let digits = if vm.is_str(text) {
        vm.str_bytes(text)
    } else if vm.type_of(text).slots().buffer.is_some() {
        vm.bytes_like(text)?
    } else {
        let given = vm.type_name(text);
        return Err(vm.type_error(format!("fromhex() argument must be str or bytes-like, not {given}")));
    };
    let mut out = heap::vec_with_capacity(digits.len() / 2);
    let value = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let mut at = 0;
    while at < digits.len() {
        if super::parts::is_space(digits[at]) {
            at += 1;
            continue;
        }
        let wrong = match (value(digits[at]), digits.get(at + 1).map(|byte| value(*byte))) {
            (Some(high), Some(Some(low))) => {
                out.put(high << 4 | low);
                at += 2;
                continue;
            }
            (Some(_), None) => {
                return Err(vm.value_error("fromhex() arg must contain an even number of hexadecimal digits"));
            }
            (None, _) => at,
            _ => at + 1,
        };
        let position = if vm.is_str(text) { wtf8::count(&digits[..wrong]) } else { wrong };
        return Err(vm.value_error(format!("non-hexadecimal number found in fromhex() arg at position {position}")));
    }
    Ok(out)
}
