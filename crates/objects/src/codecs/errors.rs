//! What happens to bytes that are no text and text that has no bytes.

use super::{Codec, Order, registry};
use crate::error::{PyResult, Raised};
use crate::str::wtf8;
use crate::vm::Vm;
use heap::{MakeRoom, Value};

/// Bytes that do not decode.
pub(super) struct Undecodable<'a> {
    pub codec: &'a str,
    /// All input.
    pub bytes: &'a [u8],
    pub start: usize,
    pub end: usize,
    pub reason: &'a str,
}

impl Undecodable<'_> {
    pub fn raise(&self, vm: &mut Vm) -> Raised {
        let object = vm.new_bytes(self.bytes);
        vm.unicode_decode_error(self.codec, object, self.start, self.end, self.reason)
    }
}

/// Appends what the error handler puts in place of the bytes; gives where decoding goes on.
pub(super) fn decoding(vm: &mut Vm, problem: &Undecodable, errors: &str, out: &mut Vec<u8>) -> PyResult<usize> {
    let bad = &problem.bytes[problem.start..problem.end];
    match errors {
        "strict" => return Err(problem.raise(vm)),
        "ignore" => {}
        "replace" => wtf8::push(out, 0xfffd),
        "backslashreplace" => bad.iter().for_each(|byte| out.put_all(format!("\\x{byte:02x}").as_bytes())),
        "surrogateescape" => {
            let count = bad.iter().take(4).take_while(|byte| **byte >= 0x80).count();
            if count == 0 {
                return Err(problem.raise(vm));
            }
            bad[..count].iter().for_each(|byte| wtf8::push(out, 0xdc00 + *byte as u32));
            return Ok(problem.start + count);
        }
        "surrogatepass" => {
            let Some((code, width)) = surrogate_at(problem) else { return Err(problem.raise(vm)) };
            wtf8::push(out, code);
            return Ok(problem.start + width);
        }
        _ => return custom_decoding(vm, problem, errors, out),
    }
    Ok(problem.end)
}

/// The surrogate that the bytes would encode in a UTF.
fn surrogate_at(problem: &Undecodable) -> Option<(u32, usize)> {
    let rest = &problem.bytes[problem.start..];
    let (code, width) = match (Codec::named(problem.codec)?, rest) {
        (Codec::Utf8, [0xed, b @ 0xa0..=0xbf, c @ 0x80..=0xbf, ..]) => {
            (0xd000 | (*b as u32 & 0x3f) << 6 | *c as u32 & 0x3f, 3)
        }
        (Codec::Utf16(Order::Big), [a, b, ..]) => (u16::from_be_bytes([*a, *b]) as u32, 2),
        (Codec::Utf16(_), [a, b, ..]) => (u16::from_le_bytes([*a, *b]) as u32, 2),
        (Codec::Utf32(Order::Big), [a, b, c, d, ..]) => (u32::from_be_bytes([*a, *b, *c, *d]), 4),
        (Codec::Utf32(_), [a, b, c, d, ..]) => (u32::from_le_bytes([*a, *b, *c, *d]), 4),
        _ => return None,
    };
    wtf8::is_surrogate(code).then_some((code, width))
}

fn custom_decoding(vm: &mut Vm, problem: &Undecodable, errors: &str, out: &mut Vec<u8>) -> PyResult<usize> {
    let handler = registry::lookup_error(vm, errors)?;
    let exception = problem.raise(vm).0;
    let result = vm.call(handler, &[exception])?;
    let items = if crate::tuple::is_tuple(vm, result) { crate::tuple::items(result) } else { &[] };
    let &[text, position] = items else {
        return Err(vm.type_error("decoding error handler must return (str, int) tuple"));
    };
    if !vm.is_str(text) || !vm.is_int(position) {
        return Err(vm.type_error("decoding error handler must return (str, int) tuple"));
    }
    out.put_all(vm.str_bytes(text));
    position_within(vm, position, problem.bytes.len())
}

fn position_within(vm: &mut Vm, position: Value, len: usize) -> PyResult<usize> {
    let given = vm.index(position)?;
    let position = if given < 0 { given + len as i64 } else { given };
    if position < 0 || position > len as i64 {
        return Err(vm.index_error(format!("position {given} from error handler out of bounds")));
    }
    Ok(position as usize)
}

/// Code points that a codec cannot encode.
pub(super) struct Unencodable<'a> {
    pub codec: Codec,
    pub text: Value,
    /// Of all the text.
    pub codes: &'a [u32],
    pub start: usize,
    pub end: usize,
    pub reason: &'a str,
}

impl Unencodable<'_> {
    pub fn raise(&self, vm: &mut Vm) -> Raised {
        vm.unicode_encode_error(self.codec.name(), self.text, self.start, self.end, self.reason)
    }
}

/// What goes in place of text.
pub(super) enum Replacement {
    Bytes(Vec<u8>),
    /// To be encoded in turn.
    Codes(Vec<u32>),
}

/// What the error handler puts in place of the text, and where encoding goes on.
pub(super) fn encoding(vm: &mut Vm, problem: &Unencodable, errors: &str) -> PyResult<(Replacement, usize)> {
    let bad = &problem.codes[problem.start..problem.end];
    let texts = |of: fn(u32) -> String| {
        let bytes = bad.iter().flat_map(|code| of(*code).into_bytes());
        Replacement::Codes(heap::collected(bytes.map(u32::from)))
    };
    let replacement = match errors {
        "strict" => return Err(problem.raise(vm)),
        "ignore" => Replacement::Bytes(Vec::new()),
        "replace" => texts(|_| "?".to_string()),
        "xmlcharrefreplace" => texts(|code| format!("&#{code};")),
        "backslashreplace" => texts(backslashed),
        "namereplace" => texts(named),
        "surrogateescape" => {
            let count = bad.iter().take_while(|code| (0xdc80..0xdd00).contains(*code)).count();
            if count == 0 {
                return Err(problem.raise(vm));
            }
            let bytes = bad[..count].iter().map(|code| (code - 0xdc00) as u8).collect();
            return Ok((Replacement::Bytes(bytes), problem.start + count));
        }
        "surrogatepass" => match passed(problem.codec, bad) {
            Some(bytes) => Replacement::Bytes(bytes),
            None => return Err(problem.raise(vm)),
        },
        _ => return custom_encoding(vm, problem, errors),
    };
    Ok((replacement, problem.end))
}

/// `\xhh`, `\uhhhh` or `\Uhhhhhhhh`.
pub(super) fn backslashed(code: u32) -> String {
    match code {
        0..0x100 => format!("\\x{code:02x}"),
        0x100..0x10000 => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

fn named(code: u32) -> String {
    match char::from_u32(code).and_then(rustpython_unicode::character_name) {
        Some(name) => format!("\\N{{{name}}}"),
        None => backslashed(code),
    }
}

/// Surrogates as the UTF would write them.
fn passed(codec: Codec, bad: &[u32]) -> Option<Vec<u8>> {
    if !bad.iter().all(|code| wtf8::is_surrogate(*code)) {
        return None;
    }
    let mut out = Vec::new();
    for &code in bad {
        match codec {
            Codec::Utf8 => wtf8::push(&mut out, code),
            Codec::Utf16(Order::Big) => out.put_all(&(code as u16).to_be_bytes()),
            Codec::Utf16(_) => out.put_all(&(code as u16).to_le_bytes()),
            Codec::Utf32(Order::Big) => out.put_all(&code.to_be_bytes()),
            Codec::Utf32(_) => out.put_all(&code.to_le_bytes()),
            _ => return None,
        }
    }
    Some(out)
}

fn custom_encoding(vm: &mut Vm, problem: &Unencodable, errors: &str) -> PyResult<(Replacement, usize)> {
    let handler = registry::lookup_error(vm, errors)?;
    let exception = problem.raise(vm).0;
    let result = vm.call(handler, &[exception])?;
    let items = if crate::tuple::is_tuple(vm, result) { crate::tuple::items(result) } else { &[] };
    let wrong = "encoding error handler must return (str/bytes, int) tuple";
    let &[text, position] = items else { return Err(vm.type_error(wrong)) };
    if !vm.is_int(position) {
        return Err(vm.type_error(wrong));
    }
    let replacement = if vm.is_str(text) {
        Replacement::Codes(heap::collected(wtf8::code_points(vm.str_bytes(text))))
    } else if vm.is_bytes(text) {
        Replacement::Bytes(heap::copied(vm.bytes(text)))
    } else {
        return Err(vm.type_error(wrong));
    };
    Ok((replacement, position_within(vm, position, problem.codes.len())?))
}

/// The built-in handler of this name, for `codecs.lookup_error`: what it does to an exception.
pub(super) fn is_builtin(errors: &str) -> bool {
    matches!(
        errors,
        "strict"
            | "ignore"
            | "replace"
            | "backslashreplace"
            | "surrogateescape"
            | "surrogatepass"
            | "xmlcharrefreplace"
            | "namereplace"
    )
}
