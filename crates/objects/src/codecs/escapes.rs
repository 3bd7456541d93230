//! `unicode_escape`, `raw_unicode_escape`, and `codecs.escape_decode`.

use super::errors::{self, Undecodable, backslashed};
use crate::error::PyResult;
use crate::str::wtf8;
use crate::vm::Vm;
use heap::MakeRoom;

/// Text as in a str literal. In the raw form only `\u` and `\U` are escapes.
pub(super) fn decode_unicode(
    vm: &mut Vm,
    bytes: &[u8],
    errors: &str,
    last: bool,
    raw: bool,
    out: &mut Vec<u8>,
) -> PyResult<usize> {
    let codec = if raw { "rawunicodeescape" } else { "unicodeescape" };
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            wtf8::push(out, bytes[at] as u32);
            at += 1;
            continue;
        }
        let start = at;
        match escape(&bytes[at..], raw) {
            Escape::Code(code, used) => {
                wtf8::push(out, code);
                at += used;
            }
            Escape::Nothing(used) => at += used,
            Escape::Plain => {
                out.put(b'\\');
                at += 1;
            }
            Escape::Wrong { used, reason, at_end } => {
                if at_end && !last {
                    return Ok(start);
                }
                let problem = Undecodable { codec, bytes, start, end: start + used, reason };
                at = errors::decoding(vm, &problem, errors, out)?;
            }
        }
    }
    Ok(bytes.len())
}

enum Escape {
    /// A code point, and the bytes that write it.
    Code(u32, usize),
    /// A continued line.
    Nothing(usize),
    /// No escape: the backslash stands for itself.
    Plain,
    Wrong {
        used: usize,
        reason: &'static str,
        at_end: bool,
    },
}

/// The escape at the start of `text`, which is a backslash.
fn escape(text: &[u8], raw: bool) -> Escape {
    let Some(&letter) = text.get(1) else {
        return if raw {
            Escape::Plain
        } else {
            Escape::Wrong { used: 1, reason: "\\ at end of string", at_end: true }
        };
    };
    if raw && !matches!(letter, b'u' | b'U') {
        return Escape::Plain;
    }
    let code = match letter {
        b'\n' => return Escape::Nothing(2),
        b'\\' | b'\'' | b'"' => letter as u32,
        b'a' => 7,
        b'b' => 8,
        b't' => 9,
        b'n' => 10,
        b'v' => 11,
        b'f' => 12,
        b'r' => 13,
        b'0'..=b'7' => {
            let digits = text[1..].iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7'));
            let (code, count) =
                digits.fold((0, 0), |(code, count), digit| (code * 8 + (digit - b'0') as u32, count + 1));
            return Escape::Code(code, 1 + count);
        }
        b'x' => return hexadecimal(text, 2, "truncated \\xXX escape"),
        b'u' => return hexadecimal(text, 4, "truncated \\uXXXX escape"),
        b'U' => return hexadecimal(text, 8, "truncated \\UXXXXXXXX escape"),
        b'N' => return named(text),
        _ => return Escape::Plain,
    };
    Escape::Code(code, 2)
}

fn hexadecimal(text: &[u8], count: usize, reason: &'static str) -> Escape {
    let digits = text[2..].iter().take(count).take_while(|byte| byte.is_ascii_hexdigit());
    let (code, found) = digits.fold((0u32, 0), |(code, found), digit| {
        (code << 4 | (*digit as char).to_digit(16).expect("checked"), found + 1)
    });
    if found < count {
        return Escape::Wrong { used: 2 + found, reason, at_end: 2 + found == text.len() };
    }
    if code > 0x10ffff {
        return Escape::Wrong { used: 2 + count, reason: "illegal Unicode character", at_end: false };
    }
    Escape::Code(code, 2 + count)
}

fn named(text: &[u8]) -> Escape {
    let malformed = |used, at_end| Escape::Wrong { used, reason: "malformed \\N character escape", at_end };
    if text.get(2) != Some(&b'{') {
        return malformed(2, text.len() == 2);
    }
    let Some(end) = text.iter().position(|byte| *byte == b'}') else { return malformed(text.len(), true) };
    let name = String::from_utf8_lossy(&text[3..end]);
    match rustpython_unicode::lookup_character(&name) {
        Some(c) => Escape::Code(c as u32, end + 1),
        None if end == 3 => malformed(end + 1, false),
        None => Escape::Wrong { used: end + 1, reason: "unknown Unicode character name", at_end: false },
    }
}

pub(super) fn encode_unicode(text: &[u8]) -> Vec<u8> {
    let mut out = heap::vec_with_capacity(text.len());
    for code in wtf8::code_points(text) {
        match code {
            0x5c => out.put_all(b"\\\\"),
            0x09 => out.put_all(b"\\t"),
            0x0a => out.put_all(b"\\n"),
            0x0d => out.put_all(b"\\r"),
            0x20..0x7f => out.put(code as u8),
            _ => out.put_all(backslashed(code).as_bytes()),
        }
    }
    out
}

pub(super) fn encode_raw_unicode(text: &[u8]) -> Vec<u8> {
    let mut out = heap::vec_with_capacity(text.len());
    for code in wtf8::code_points(text) {
        if code < 0x100 { out.put(code as u8) } else { out.put_all(backslashed(code).as_bytes()) }
    }
    out
}

/// Bytes as in a bytes literal.
pub fn escape_decode(vm: &mut Vm, bytes: &[u8], errors: &str) -> PyResult<Vec<u8>> {
    let mut out = heap::vec_with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            out.put(bytes[at]);
            at += 1;
            continue;
        }
        if at + 1 == bytes.len() {
            return Err(vm.value_error("Trailing \\ in string"));
        }
        let is_unicode = matches!(bytes[at + 1], b'u' | b'U' | b'N');
        match escape(&bytes[at..], false) {
            Escape::Code(code, used) if !is_unicode => {
                out.put(code as u8);
                at += used;
            }
            Escape::Nothing(used) => at += used,
            Escape::Wrong { used, .. } if !is_unicode => {
                match errors {
                    "strict" => return Err(vm.value_error(format!("invalid \\x escape at position {at}"))),
                    "replace" => out.put(b'?'),
                    "ignore" => {}
                    _ => return Err(vm.value_error(format!("decoding error; unknown error handling code: {errors}"))),
                }
                at += used;
            }
            _ => {
                out.put(b'\\');
                at += 1;
            }
        }
    }
    Ok(out)
}

/// As `repr` writes bytes, without quotes.
pub fn escape_encode(bytes: &[u8]) -> Vec<u8> {
    let mut out = heap::vec_with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\\' => out.put_all(b"\\\\"),
            b'\'' => out.put_all(b"\\'"),
            b'\t' => out.put_all(b"\\t"),
            b'\n' => out.put_all(b"\\n"),
            b'\r' => out.put_all(b"\\r"),
            0x20..0x7f => out.put(byte),
            _ => out.put_all(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out
}
