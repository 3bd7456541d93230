//! Quoted-printable (RFC 1521), and with `header` its variant in headers of mails (RFC 1522).

use super::ascii_or_bytes;
use crate::support::signature;
use heap::{MakeRoom, Value};
use objects::args::CallArgs;
use objects::error::PyResult;
use objects::vm::Vm;

/// Lines are no longer than this, the "=" at their end included.
const LINE: usize = 76;

fn flag(vm: &mut Vm, value: Value, absent: bool) -> PyResult<bool> {
    if value.is_null() { Ok(absent) } else { vm.truth(value) }
}

/// `a2b_qp(data, header=False)`.
pub(super) fn decode_function(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [data, header] = args.bind(vm, "a2b_qp", &signature(["data", "header"], 1))?;
    let header = flag(vm, header, false)?;
    let bytes = ascii_or_bytes(vm, data)?;
    let decoded = decode(bytes, header);
    Ok(vm.new_bytes(&decoded))
}

/// `b2a_qp(data, quotetabs=False, istext=True, header=False)`.
pub(super) fn encode_function(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let parameters = signature(["data", "quotetabs", "istext", "header"], 1);
    let [data, quotes_tabs, is_text, header] = args.bind(vm, "b2a_qp", &parameters)?;
    let how = How {
        quotes_tabs: flag(vm, quotes_tabs, false)?,
        is_text: flag(vm, is_text, true)?,
        header: flag(vm, header, false)?,
    };
    let bytes = vm.bytes_like(data)?;
    let encoded = encode(bytes, how);
    Ok(vm.new_bytes(&encoded))
}

fn hex_value(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).map(|digit| digit as u8)
}

fn decode(bytes: &[u8], header: bool) -> Vec<u8> {
    let mut out = heap::vec_with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        at += 1;
        if byte != b'=' {
            out.put(if header && byte == b'_' { b' ' } else { byte });
            continue;
        }
        match (bytes.get(at), hex_value(bytes.get(at)), hex_value(bytes.get(at + 1))) {
            (None, ..) => {}
            // A soft line break.
            (Some(b'\r' | b'\n'), ..) => {
                let rest = bytes[at..].iter().position(|byte| *byte == b'\n');
                at = rest.map_or(bytes.len(), |rest| at + rest + 1);
            }
            (Some(b'='), ..) => {
                out.put(b'=');
                at += 1;
            }
            (_, Some(high), Some(low)) => {
                out.put(high << 4 | low);
                at += 2;
            }
            _ => out.put(b'='),
        }
    }
    out
}

#[derive(Clone, Copy)]
struct How {
    quotes_tabs: bool,
    /// Line ends stay line ends.
    is_text: bool,
    header: bool,
}

/// Whether the byte at `at` is written as a number; `column` is that in the line.
fn is_quoted(bytes: &[u8], at: usize, column: usize, how: How) -> bool {
    let next = bytes.get(at + 1);
    match bytes[at] {
        127.. | b'=' => true,
        b'_' => how.header,
        // A line of a single dot would end a mail.
        b'.' => column == 0 && matches!(next, None | Some(b'\n' | b'\r' | 0)),
        b'\r' | b'\n' => !how.is_text,
        b'\t' | b' ' => how.quotes_tabs || next.is_none(),
        byte => byte < 33,
    }
}

fn put_quoted(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.put_all(&[b'=', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

fn encode(bytes: &[u8], how: How) -> Vec<u8> {
    let mut out = heap::vec_with_capacity(bytes.len());
    // All lines end as the first does.
    let first_end = bytes.iter().position(|byte| *byte == b'\n');
    let line_end: &[u8] = match first_end {
        Some(end) if end > 0 && bytes[end - 1] == b'\r' => b"\r\n",
        _ => b"\n",
    };
    let soft_break = |out: &mut Vec<u8>| {
        out.put(b'=');
        out.put_all(line_end);
    };
    let (mut at, mut column) = (0, 0);
    while at < bytes.len() {
        let (byte, next) = (bytes[at], bytes.get(at + 1));
        if is_quoted(bytes, at, column, how) {
            if column + 3 >= LINE {
                soft_break(&mut out);
                column = 0;
            }
            put_quoted(&mut out, byte);
            at += 1;
            column += 3;
        } else if how.is_text && (byte == b'\n' || byte == b'\r' && next == Some(&b'\n')) {
            // White space at the end of a line would get lost.
            if let Some(&space @ (b' ' | b'\t')) = out.last() {
                out.pop();
                put_quoted(&mut out, space);
            }
            out.put_all(line_end);
            at += if byte == b'\r' { 2 } else { 1 };
            column = 0;
        } else {
            if next.is_some_and(|next| *next != b'\n') && column + 1 >= LINE {
                soft_break(&mut out);
                column = 0;
            }
            out.put(if how.header && byte == b' ' { b'_' } else { byte });
            at += 1;
            column += 1;
        }
    }
    out
}
