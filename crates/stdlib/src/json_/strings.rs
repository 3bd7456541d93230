//! Strings as JSON writes them.

use heap::{MakeRoom, Value};
use objects::error::PyResult;
use objects::vm::Vm;

/// The bytes of a str, which may hold lone surrogates, as code points.
pub struct CodePoints<'a>(pub &'a [u8]);

impl Iterator for CodePoints<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (&first, rest) = self.0.split_first()?;
        let (tail, bits) = match first {
            0xf0.. => (3, first as u32 & 0x07),
            0xe0.. => (2, first as u32 & 0x0f),
            0xc0.. => (1, first as u32 & 0x1f),
            _ => (0, first as u32),
        };
        // Invariant: the bytes of a str are complete characters.
        self.0 = &rest[tail..];
        Some(rest[..tail].iter().fold(bits, |code, byte| code << 6 | (*byte as u32 & 0x3f)))
    }
}

/// Appends text in quotes; `ascii`: characters beyond ASCII as `\uXXXX`.
pub fn encode(output: &mut Vec<u8>, text: &[u8], ascii: bool) {
    output.put(b'"');
    let plain = |byte: &u8| match byte {
        b'"' | b'\\' | 0..=0x1f => false,
        0x7f.. => !ascii,
        _ => true,
    };
    let mut rest = text;
    while !rest.is_empty() {
        let count = rest.iter().take_while(|byte| plain(byte)).count();
        output.put_all(&rest[..count]);
        rest = &rest[count..];
        let mut points = CodePoints(rest);
        let Some(code) = points.next() else { break };
        rest = points.0;
        escape(output, code);
    }
    output.put(b'"');
}

fn escape(output: &mut Vec<u8>, code: u32) {
    let short = match code {
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        0x22 => b'"',
        0x5c => b'\\',
        _ => 0,
    };
    if short != 0 {
        output.extend([b'\\', short]);
    } else if code >= 0x10000 {
        let above = code - 0x10000;
        for half in [0xd800 | above >> 10, 0xdc00 | above & 0x3ff] {
            output.put_all(format!("\\u{half:04x}").as_bytes());
        }
    } else {
        output.put_all(format!("\\u{code:04x}").as_bytes());
    }
}

pub fn encode_function(vm: &mut Vm, _name: &str, text: Value, ascii: bool) -> PyResult {
    if !vm.is_str(text) {
        let kind = vm.type_of(text).name();
        return Err(vm.type_error(format!("first argument must be a string, not {kind}")));
    }
    let bytes = vm.str_bytes(text);
    let mut output = heap::vec_with_capacity(bytes.len() + 2);
    encode(&mut output, bytes, ascii);
    Ok(vm.new_str_bytes(&output))
}
