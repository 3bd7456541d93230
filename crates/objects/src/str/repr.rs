//! `repr` of text: quotes, escapes.

use super::wtf8;
use crate::error::PyResult;
use crate::vm::Vm;
use heap::{MakeRoom, Value};

pub(super) fn repr(vm: &mut Vm, value: Value) -> PyResult {
    let text = repr_text(vm.str_bytes(value));
    Ok(vm.new_str_bytes(&text))
}

/// The text in quotes, with escapes for what cannot be printed.
pub fn repr_text(text: &[u8]) -> Vec<u8> {
    let quote = quote_for(text);
    let mut out = heap::vec_with_capacity(text.len() + 2);
    out.put(quote);
    for code in wtf8::code_points(text) {
        match code {
            0x5c => out.put_all(b"\\\\"),
            _ if code == quote as u32 => out.put_all(&[b'\\', quote]),
            0x0a => out.put_all(b"\\n"),
            0x0d => out.put_all(b"\\r"),
            0x09 => out.put_all(b"\\t"),
            0x20..0x7f => out.put(code as u8),
            _ if is_printable(code) => wtf8::push(&mut out, code),
            _ => escape(&mut out, code),
        }
    }
    out.put(quote);
    out
}

/// Single quotes, unless there are some and no double ones.
pub(crate) fn quote_for(text: &[u8]) -> u8 {
    if text.contains(&b'\'') && !text.contains(&b'"') { b'"' } else { b'\'' }
}

/// `\xhh`, `\uhhhh` or `\Uhhhhhhhh`.
pub(crate) fn escape(out: &mut Vec<u8>, code: u32) {
    let text = match code {
        0..0x100 => format!("\\x{code:02x}"),
        0x100..0x10000 => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    };
    out.put_all(text.as_bytes());
}

/// A repr with escapes for what is not ASCII.
pub fn ascii_text(repr: &[u8]) -> Vec<u8> {
    let mut out = heap::vec_with_capacity(repr.len());
    for code in wtf8::code_points(repr) {
        if code < 0x80 { out.put(code as u8) } else { escape(&mut out, code) }
    }
    out
}

/// `str.isprintable` of one code point.
pub fn is_printable(code: u32) -> bool {
    match code {
        0x20..0x7f => true,
        0..0xa1 => false,
        _ => !wtf8::is_surrogate(code) && rustpython_unicode::classify::is_printable(wtf8::as_char(code)),
    }
}
