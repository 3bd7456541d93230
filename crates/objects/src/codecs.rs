//! Text encodings: the built-in codecs, error handlers, and the registry behind module `_codecs`.

mod errors;
pub mod escapes;
pub mod registry;
mod utf;
mod utf7;

pub use escapes::{escape_decode, escape_encode};
pub use registry::{lookup, lookup_error, register, register_error, unregister};
pub use utf::unfinished_utf8;

use crate::error::PyResult;
use crate::shape::{Kind, is_exact};
use crate::str::{self, wtf8};
use crate::vm::Vm;
use heap::{MakeRoom, Value};

/// The order of bytes in UTF-16 and UTF-32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The machine's, with a byte order mark, which decides on decoding.
    Marked,
    Little,
    Big,
}

/// A built-in codec.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    Utf7,
    Utf8,
    Ascii,
    Latin1,
    Utf16(Order),
    Utf32(Order),
    UnicodeEscape,
    RawUnicodeEscape,
}

impl Codec {
    /// By its name or a common alias; case and the kind of separator do not matter.
    pub fn named(name: &str) -> Option<Codec> {
        let name: String =
            name.chars().map(|c| if matches!(c, '_' | ' ') { '-' } else { c.to_ascii_lowercase() }).collect();
        Some(match &*name {
            "utf-8" | "utf8" | "u8" | "cp65001" => Codec::Utf8,
            "ascii" | "us-ascii" | "646" => Codec::Ascii,
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "8859" | "l1" | "latin" => Codec::Latin1,
            "utf-16" | "utf16" | "u16" => Codec::Utf16(Order::Marked),
            "utf-16-le" | "utf-16le" => Codec::Utf16(Order::Little),
            "utf-16-be" | "utf-16be" => Codec::Utf16(Order::Big),
            "utf-32" | "utf32" | "u32" => Codec::Utf32(Order::Marked),
            "utf-32-le" | "utf-32le" => Codec::Utf32(Order::Little),
            "utf-32-be" | "utf-32be" => Codec::Utf32(Order::Big),
            "unicode-escape" | "unicodeescape" => Codec::UnicodeEscape,
            "raw-unicode-escape" | "rawunicodeescape" => Codec::RawUnicodeEscape,
            _ => return None,
        })
    }

    /// As errors name it.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Utf7 => "utf7",
            Codec::Utf8 => "utf-8",
            Codec::Ascii => "ascii",
            Codec::Latin1 => "latin-1",
            Codec::Utf16(Order::Marked) => "utf-16",
            Codec::Utf16(Order::Little) => "utf-16-le",
            Codec::Utf16(Order::Big) => "utf-16-be",
            Codec::Utf32(Order::Marked) => "utf-32",
            Codec::Utf32(Order::Little) => "utf-32-le",
            Codec::Utf32(Order::Big) => "utf-32-be",
            Codec::UnicodeEscape => "unicodeescape",
            Codec::RawUnicodeEscape => "rawunicodeescape",
        }
    }

    /// Decodes `bytes`. Unless they are the `last`, an unfinished sequence at the end is left over. Gives text and the
    /// number of bytes used.
    pub fn decode(self, vm: &mut Vm, bytes: &[u8], errors: &str, last: bool) -> PyResult<(Value, usize)> {
        if matches!(self, Codec::Utf8 | Codec::Ascii) && bytes.is_ascii() {
            return Ok((vm.new_str_bytes(bytes), bytes.len()));
        }
        let mut out = heap::vec_with_capacity(bytes.len());
        let used = match self {
            Codec::Utf7 => utf7::decode(vm, bytes, errors, last, &mut out)?,
            Codec::Utf8 => utf::decode_utf8(vm, bytes, errors, last, &mut out)?,
            Codec::Ascii => {
                decode_ascii(vm, bytes, errors, &mut out)?;
                bytes.len()
            }
            Codec::Latin1 => {
                bytes.iter().for_each(|byte| wtf8::push(&mut out, *byte as u32));
                bytes.len()
            }
            Codec::Utf16(order) => utf::decode_utf16(vm, bytes, errors, last, order, &mut out)?,
            Codec::Utf32(order) => utf::decode_utf32(vm, bytes, errors, last, order, &mut out)?,
            Codec::UnicodeEscape => escapes::decode_unicode(vm, bytes, errors, last, false, &mut out)?,
            Codec::RawUnicodeEscape => escapes::decode_unicode(vm, bytes, errors, last, true, &mut out)?,
        };
        Ok((vm.new_str_bytes(&out), used))
    }

    /// Encodes a str.
    pub fn encode(self, vm: &mut Vm, text: Value, errors: &str) -> PyResult<Vec<u8>> {
        let text = vm.exact_str(text);
        let bytes = str::exact_bytes(text);
        match self {
            Codec::Utf7 => Ok(utf7::encode(bytes)),
            Codec::Utf8 if !str::has_surrogates(text) => Ok(heap::copied(bytes)),
            Codec::Ascii | Codec::Latin1 if str::is_ascii(text) => Ok(heap::copied(bytes)),
            Codec::Utf8 => utf::encode_utf8(vm, text, errors),
            Codec::Ascii => encode_narrow(vm, text, errors, self, 0x80),
            Codec::Latin1 => encode_narrow(vm, text, errors, self, 0x100),
            Codec::Utf16(order) => utf::encode_utf16(vm, text, errors, order),
            Codec::Utf32(order) => utf::encode_utf32(vm, text, errors, order),
            Codec::UnicodeEscape => Ok(escapes::encode_unicode(bytes)),
            Codec::RawUnicodeEscape => Ok(escapes::encode_raw_unicode(bytes)),
        }
    }
}

/// Decodes bytes by an encoding of any name.
pub fn decode(vm: &mut Vm, bytes: &[u8], encoding: &str, errors: &str) -> PyResult {
    match Codec::named(encoding) {
        Some(codec) => Ok(codec.decode(vm, bytes, errors, true)?.0),
        None => {
            let object = vm.new_bytes(bytes);
            registry::decode_text(vm, object, encoding, errors)
        }
    }
}

/// Encodes a str by an encoding of any name.
pub fn encode(vm: &mut Vm, text: Value, encoding: &str, errors: &str) -> PyResult<Vec<u8>> {
    match Codec::named(encoding) {
        Some(codec) => codec.encode(vm, text, errors),
        None => registry::encode_text(vm, text, encoding, errors),
    }
}

/// `object.decode(encoding, errors)`; the latter are strs, or NULL for the defaults.
pub fn decode_object(vm: &mut Vm, object: Value, encoding: Value, errors: Value) -> PyResult {
    let (encoding, errors) = (name_or(vm, encoding, "utf-8")?, name_or(vm, errors, "strict")?);
    if is_exact(object, Kind::Bytes) && is_plain_utf8(encoding) {
        let bytes = vm.bytes(object);
        if std::str::from_utf8(bytes).is_ok() {
            return Ok(vm.new_str_bytes(bytes));
        }
    }
    let bytes = heap::copied(vm.bytes_like(object)?);
    decode(vm, &bytes, encoding, errors)
}

/// `text.encode(encoding, errors)`: bytes.
pub fn encode_object(vm: &mut Vm, text: Value, encoding: Value, errors: Value) -> PyResult {
    let (encoding, errors) = (name_or(vm, encoding, "utf-8")?, name_or(vm, errors, "strict")?);
    let exact = vm.exact_str(text);
    if is_plain_utf8(encoding) && !str::has_surrogates(exact) {
        return Ok(vm.new_bytes(str::exact_bytes(exact)));
    }
    let bytes = encode(vm, text, encoding, errors)?;
    Ok(vm.new_bytes(&bytes))
}

/// Text without lone surrogates lies in memory as this encoding has it; how errors are handled does not matter then.
fn is_plain_utf8(encoding: &str) -> bool {
    matches!(encoding, "utf-8" | "utf8" | "UTF-8")
}

fn name_or(vm: &mut Vm, name: Value, default: &'static str) -> PyResult<&'static str> {
    if name.is_null() { Ok(default) } else { vm.str(name) }
}

/// LookupError if there is no such encoding for text.
pub fn check_encoding(vm: &mut Vm, encoding: &str) -> PyResult<()> {
    if Codec::named(encoding).is_none() {
        registry::lookup_text(vm, encoding, "codecs.open()")?;
    }
    Ok(())
}

/// Whether text of the encoding can be decoded piece by piece without state.
pub fn is_incremental(encoding: &str) -> bool {
    !matches!(
        Codec::named(encoding),
        None | Some(
            Codec::Utf16(Order::Marked) | Codec::Utf32(Order::Marked) | Codec::UnicodeEscape | Codec::RawUnicodeEscape
        )
    )
}

/// How many bytes at the end begin a character whose rest is to come.
pub fn unfinished_tail(encoding: &str, bytes: &[u8]) -> usize {
    match Codec::named(encoding) {
        Some(Codec::Utf8) => unfinished_utf8(bytes),
        Some(Codec::Utf16(order)) => {
            let odd = bytes.len() % 2;
            let whole = &bytes[..bytes.len() - odd];
            let high = match (order, whole) {
                (Order::Big, [.., high, _]) => *high,
                (_, [.., high]) => *high,
                _ => 0,
            };
            odd + if (0xd8..0xdc).contains(&high) { 2 } else { 0 }
        }
        Some(Codec::Utf32(_)) => bytes.len() % 4,
        _ => 0,
    }
}

fn decode_ascii(vm: &mut Vm, bytes: &[u8], errors: &str, out: &mut Vec<u8>) -> PyResult<()> {
    let mut at = 0;
    while at < bytes.len() {
        let plain = bytes[at..].iter().position(|byte| *byte >= 0x80).unwrap_or(bytes.len() - at);
        out.put_all(&bytes[at..at + plain]);
        at += plain;
        if at < bytes.len() {
            let problem = errors::Undecodable {
                codec: "ascii",
                bytes,
                start: at,
                end: at + 1,
                reason: "ordinal not in range(128)",
            };
            at = errors::decoding(vm, &problem, errors, out)?;
        }
    }
    Ok(())
}

/// Code points below `limit`, a byte each.
fn encode_narrow(vm: &mut Vm, text: Value, errors: &str, codec: Codec, limit: u32) -> PyResult<Vec<u8>> {
    let codes: Vec<u32> = heap::collected(wtf8::code_points(str::exact_bytes(text)));
    let reason = if limit == 0x80 { "ordinal not in range(128)" } else { "ordinal not in range(256)" };
    let mut out = heap::vec_with_capacity(codes.len());
    let mut at = 0;
    while at < codes.len() {
        if codes[at] < limit {
            out.put(codes[at] as u8);
            at += 1;
            continue;
        }
        let end = at + codes[at..].iter().take_while(|code| **code >= limit).count();
        let problem = errors::Unencodable { codec, text, codes: &codes, start: at, end, reason };
        let (replacement, next) = errors::encoding(vm, &problem, errors)?;
        match replacement {
            errors::Replacement::Bytes(bytes) => out.put_all(&bytes),
            errors::Replacement::Codes(replacement) => {
                if replacement.iter().any(|code| *code >= limit) {
                    return Err(problem.raise(vm));
                }
                out.extend(replacement.iter().map(|code| *code as u8));
            }
        }
        at = next;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error, with_vms};

    #[test]
    fn text_comes_back() {
        with_vms(|vm| {
            let text = vm.new_str("aé€😀\u{10ffff}");
            for encoding in ["utf-8", "utf-16", "UTF_16_BE", "utf-16-le", "utf-32", "utf-32-be", "unicode_escape"] {
                let bytes = encode(vm, text, encoding, "strict").unwrap();
                let back = decode(vm, &bytes, encoding, "strict").unwrap();
                assert_eq!(vm.str_bytes(back), vm.str_bytes(text), "{encoding}");
            }
        });
    }

    #[test]
    fn any_bytes_come_back_by_surrogates() {
        with_vms(|vm| {
            let bytes: Vec<u8> = (0..=255).chain(b"\xe2\x82\xac\xe2\x82".iter().copied()).collect();
            for encoding in ["utf-8", "ascii"] {
                let text = decode(vm, &bytes, encoding, "surrogateescape").unwrap();
                assert_eq!(encode(vm, text, encoding, "surrogateescape").unwrap(), bytes);
            }
        });
    }

    #[test]
    fn unfinished_characters_wait() {
        with_vms(|vm| {
            let bytes = "a€😀".as_bytes();
            for end in 0..=bytes.len() {
                let (text, used) = Codec::Utf8.decode(vm, &bytes[..end], "strict", false).unwrap();
                assert_eq!(vm.str_bytes(text), &bytes[..used]);
                assert_eq!(end - used, unfinished_tail("utf-8", &bytes[..end]));
            }
            let raised = decode(vm, b"a\xe2\x82z", "utf-8", "strict").unwrap_err();
            let message =
                "UnicodeDecodeError: 'utf-8' codec can't decode bytes in position 1-2: invalid continuation byte";
            assert_eq!(error(vm, raised), message);
        });
    }
}
