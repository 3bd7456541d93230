//! UTF-8, UTF-16 and UTF-32.

use super::errors::{self, Replacement, Undecodable, Unencodable};
use super::{Codec, Order};
use crate::error::PyResult;
use crate::str::{self, wtf8};
use crate::vm::Vm;
use heap::{MakeRoom, Value};

/// What is wrong with the bytes behind valid UTF-8: how many, and why. `None`: they may be the start of a character.
fn utf8_problem(rest: &[u8]) -> (usize, &'static str, bool) {
    let second = match rest[0] {
        0xc2..=0xdf | 0xe1..=0xec | 0xee..=0xef | 0xf1..=0xf3 => 0x80..=0xbf,
        0xe0 => 0xa0..=0xbf,
        0xed => 0x80..=0x9f,
        0xf0 => 0x90..=0xbf,
        0xf4 => 0x80..=0x8f,
        _ => return (1, "invalid start byte", false),
    };
    let needed = wtf8::width(rest[0]);
    let mut valid = 1;
    while valid < needed {
        match rest.get(valid) {
            None => return (valid, "unexpected end of data", true),
            Some(byte) if valid == 1 && second.contains(byte) || valid > 1 && (0x80..=0xbf).contains(byte) => {
                valid += 1
            }
            Some(_) => return (valid, "invalid continuation byte", false),
        }
    }
    unreachable!("the bytes are valid UTF-8")
}

/// How many bytes at the end begin a character of UTF-8.
pub fn unfinished_utf8(bytes: &[u8]) -> usize {
    for back in 1..=3.min(bytes.len()) {
        let at = bytes.len() - back;
        if bytes[at] & 0xc0 != 0x80 {
            let unfinished = bytes[at] >= 0xc2 && wtf8::width(bytes[at]) > back && utf8_problem(&bytes[at..]).2;
            return if unfinished { back } else { 0 };
        }
    }
    0
}

pub(super) fn decode_utf8(vm: &mut Vm, bytes: &[u8], errors: &str, last: bool, out: &mut Vec<u8>) -> PyResult<usize> {
    let mut at = 0;
    while at < bytes.len() {
        let valid = match std::str::from_utf8(&bytes[at..]) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        out.put_all(&bytes[at..at + valid]);
        at += valid;
        if at == bytes.len() {
            break;
        }
        let (count, reason, unfinished) = utf8_problem(&bytes[at..]);
        // The beginning of a surrogate, which a handler may take.
        let may_be_surrogate = matches!(bytes[at..], [0xed, 0xa0..=0xbf]);
        if (unfinished || may_be_surrogate) && !last {
            return Ok(at);
        }
        let problem = Undecodable { codec: "utf-8", bytes, start: at, end: at + count, reason };
        at = errors::decoding(vm, &problem, errors, out)?;
    }
    Ok(bytes.len())
}

/// Encodes code by code; `push` is told which it can do.
fn encode(
    vm: &mut Vm,
    text: Value,
    errors: &str,
    codec: Codec,
    out: &mut Vec<u8>,
    push: impl Fn(&mut Vec<u8>, u32),
) -> PyResult<()> {
    let codes: Vec<u32> = heap::collected(wtf8::code_points(str::exact_bytes(text)));
    let mut at = 0;
    while at < codes.len() {
        if !wtf8::is_surrogate(codes[at]) {
            push(out, codes[at]);
            at += 1;
            continue;
        }
        let end = at + codes[at..].iter().take_while(|code| wtf8::is_surrogate(**code)).count();
        let problem = Unencodable { codec, text, codes: &codes, start: at, end, reason: "surrogates not allowed" };
        let (replacement, next) = errors::encoding(vm, &problem, errors)?;
        match replacement {
            Replacement::Bytes(bytes) => out.put_all(&bytes),
            Replacement::Codes(replacement) => {
                if replacement.iter().any(|code| wtf8::is_surrogate(*code)) {
                    return Err(problem.raise(vm));
                }
                replacement.iter().for_each(|code| push(out, *code));
            }
        }
        at = next;
    }
    Ok(())
}

pub(super) fn encode_utf8(vm: &mut Vm, text: Value, errors: &str) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    encode(vm, text, errors, Codec::Utf8, &mut out, wtf8::push)?;
    Ok(out)
}

pub(super) fn encode_utf16(vm: &mut Vm, text: Value, errors: &str, order: Order) -> PyResult<Vec<u8>> {
    let unit = move |out: &mut Vec<u8>, unit: u16| {
        out.put_all(&if order == Order::Big { unit.to_be_bytes() } else { unit.to_le_bytes() });
    };
    let mut out = Vec::new();
    if order == Order::Marked {
        unit(&mut out, 0xfeff);
    }
    encode(vm, text, errors, Codec::Utf16(order), &mut out, |out, code| {
        if code < 0x10000 {
            unit(out, code as u16);
        } else {
            unit(out, (0xd7c0 + (code >> 10)) as u16);
            unit(out, (0xdc00 | code & 0x3ff) as u16);
        }
    })?;
    Ok(out)
}

pub(super) fn encode_utf32(vm: &mut Vm, text: Value, errors: &str, order: Order) -> PyResult<Vec<u8>> {
    let push = move |out: &mut Vec<u8>, code: u32| {
        out.put_all(&if order == Order::Big { code.to_be_bytes() } else { code.to_le_bytes() });
    };
    let mut out = Vec::new();
    if order == Order::Marked {
        push(&mut out, 0xfeff);
    }
    encode(vm, text, errors, Codec::Utf32(order), &mut out, push)?;
    Ok(out)
}

/// The order that a mark at the start says, and the bytes of the mark.
fn order_of<const N: usize>(bytes: &[u8], order: Order, little: [u8; N], big: [u8; N]) -> (Order, usize) {
    match order {
        Order::Marked if bytes.starts_with(&little) => (Order::Little, N),
        Order::Marked if bytes.starts_with(&big) => (Order::Big, N),
        Order::Marked => (Order::Little, 0),
        order => (order, 0),
    }
}

pub(super) fn decode_utf16(
    vm: &mut Vm,
    bytes: &[u8],
    errors: &str,
    last: bool,
    order: Order,
    out: &mut Vec<u8>,
) -> PyResult<usize> {
    let (order, mut at) = order_of(bytes, order, [0xff, 0xfe], [0xfe, 0xff]);
    let codec = Codec::Utf16(order).name();
    let unit = |at: usize| -> Option<u32> {
        let pair = [*bytes.get(at)?, *bytes.get(at + 1)?];
        Some(if order == Order::Big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) } as u32)
    };
    while at < bytes.len() {
        let (end, reason) = match unit(at) {
            None if !last => return Ok(at),
            None => (bytes.len(), "truncated data"),
            Some(high @ 0xd800..0xdc00) => match unit(at + 2) {
                Some(low @ 0xdc00..0xe000) => {
                    wtf8::push(out, 0x10000 + ((high & 0x3ff) << 10 | low & 0x3ff));
                    at += 4;
                    continue;
                }
                Some(_) => (at + 2, "illegal UTF-16 surrogate"),
                None if !last => return Ok(at),
                None => (bytes.len(), "unexpected end of data"),
            },
            Some(0xdc00..0xe000) => (at + 2, "illegal encoding"),
            Some(code) => {
                wtf8::push(out, code);
                at += 2;
                continue;
            }
        };
        let problem = Undecodable { codec, bytes, start: at, end, reason };
        at = errors::decoding(vm, &problem, errors, out)?;
    }
    Ok(bytes.len())
}

pub(super) fn decode_utf32(
    vm: &mut Vm,
    bytes: &[u8],
    errors: &str,
    last: bool,
    order: Order,
    out: &mut Vec<u8>,
) -> PyResult<usize> {
    let (order, mut at) = order_of(bytes, order, [0xff, 0xfe, 0, 0], [0, 0, 0xfe, 0xff]);
    let codec = Codec::Utf32(order).name();
    while at < bytes.len() {
        let (end, reason) = match bytes[at..].first_chunk::<4>() {
            None if !last => return Ok(at),
            None => (bytes.len(), "truncated data"),
            Some(quad) => {
                let code = if order == Order::Big { u32::from_be_bytes(*quad) } else { u32::from_le_bytes(*quad) };
                if wtf8::is_surrogate(code) {
                    (at + 4, "code point in surrogate code point range(0xd800, 0xe000)")
                } else if code > 0x10ffff {
                    (at + 4, "code point not in range(0x110000)")
                } else {
                    wtf8::push(out, code);
                    at += 4;
                    continue;
                }
            }
        };
        let problem = Undecodable { codec, bytes, start: at, end, reason };
        at = errors::decoding(vm, &problem, errors, out)?;
    }
    Ok(bytes.len())
}
