//! UTF-7 (RFC 2152): ASCII, with runs of UTF-16 in base 64 between "+" and "-".

use super::errors::{self, Undecodable};
use crate::error::PyResult;
use crate::str::wtf8;
use crate::vm::Vm;
use heap::MakeRoom;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn digit_value(byte: u8) -> Option<u32> {
    DIGITS.iter().position(|digit| *digit == byte).map(|value| value as u32)
}

/// Whether a character stands for itself outside runs.
fn is_direct(code: u32) -> bool {
    match u8::try_from(code) {
        Ok(byte) => (byte.is_ascii_graphic() || b" \t\n\r".contains(&byte)) && !b"+\\~".contains(&byte),
        Err(_) => false,
    }
}

/// A run of base 64 on its way in or out.
#[derive(Default)]
struct Run {
    /// Fewer than 32 bits wait.
    bits: u32,
    count: u32,
    /// The first half of a surrogate pair, or 0.
    surrogate: u32,
}

impl Run {
    fn push(&mut self, value: u32, count: u32) {
        self.bits = self.bits << count | value;
        self.count += count;
    }

    fn take(&mut self, count: u32) -> u32 {
        self.count -= count;
        let value = self.bits >> self.count;
        self.bits &= (1 << self.count) - 1;
        value
    }

    /// Why the run may not end here.
    fn complaint(&self) -> Option<&'static str> {
        match self.count {
            6.. => Some("partial character in shift sequence"),
            _ if self.bits != 0 => Some("non-zero padding bits in shift sequence"),
            _ => None,
        }
    }

    /// A unit of UTF-16 is complete.
    fn unit(&mut self, unit: u32, out: &mut Vec<u8>) {
        if self.surrogate != 0 {
            let first = std::mem::take(&mut self.surrogate);
            if (0xdc00..0xe000).contains(&unit) {
                wtf8::push(out, 0x10000 + ((first & 0x3ff) << 10 | unit & 0x3ff));
                return;
            }
            wtf8::push(out, first);
        }
        if (0xd800..0xdc00).contains(&unit) {
            self.surrogate = unit;
        } else {
            wtf8::push(out, unit);
        }
    }

    fn put_digits(&mut self, out: &mut Vec<u8>) {
        while self.count >= 6 {
            out.put(DIGITS[self.take(6) as usize]);
        }
    }

    /// The last digit is filled with zeros.
    fn put_rest(&mut self, out: &mut Vec<u8>) {
        if self.count > 0 {
            self.push(0, 6 - self.count);
            self.put_digits(out);
        }
    }
}

/// Gives the number of bytes used: unless they are the `last`, an open run is left over as a whole.
pub(super) fn decode(vm: &mut Vm, bytes: &[u8], errors: &str, last: bool, out: &mut Vec<u8>) -> PyResult<usize> {
    // The run, where it starts in the input, and what had been put out.
    let mut open: Option<(Run, usize, usize)> = None;
    let mut at = 0;
    loop {
        let mut wrong = |out: &mut Vec<u8>, start, end, reason| {
            errors::decoding(vm, &Undecodable { codec: "utf7", bytes, start, end, reason }, errors, out)
        };
        let Some(&byte) = bytes.get(at) else {
            let Some((run, start, length)) = open.take() else { return Ok(at) };
            if !last {
                out.truncate(length);
                return Ok(start);
            }
            if run.surrogate != 0 || run.complaint().is_some() {
                at = wrong(out, start, bytes.len(), "unterminated shift sequence")?;
            }
            continue;
        };
        if let Some((run, start, _)) = &mut open {
            if let Some(value) = digit_value(byte) {
                at += 1;
                run.push(value, 6);
                if run.count >= 16 {
                    let unit = run.take(16);
                    run.unit(unit, out);
                }
                continue;
            }
            let (complaint, surrogate, start) = (run.complaint(), run.surrogate, *start);
            open = None;
            if let Some(complaint) = complaint {
                at = wrong(out, start, at + 1, complaint)?;
                continue;
            }
            if surrogate != 0 && byte.is_ascii() {
                wtf8::push(out, surrogate);
            }
            at += usize::from(byte == b'-');
            continue;
        }
        match (byte, bytes.get(at + 1)) {
            (b'+', Some(b'-')) => {
                out.put(b'+');
                at += 2;
            }
            (b'+', Some(next)) if digit_value(*next).is_none() => {
                at = wrong(out, at, at + 2, "ill-formed sequence")?;
            }
            (b'+', _) => {
                open = Some((Run::default(), at, out.len()));
                at += 1;
            }
            (0x80.., _) => at = wrong(out, at, at + 1, "unexpected special character")?,
            _ => {
                out.put(byte);
                at += 1;
            }
        }
    }
}

pub(super) fn encode(text: &[u8]) -> Vec<u8> {
    let mut out = heap::vec_with_capacity(text.len());
    let mut run: Option<Run> = None;
    for code in wtf8::code_points(text) {
        if is_direct(code) {
            if let Some(mut run) = run.take() {
                run.put_rest(&mut out);
                // Other characters end the run by themselves.
                if digit_value(code as u8).is_some() || code == u32::from(b'-') {
                    out.put(b'-');
                }
            }
            out.put(code as u8);
            continue;
        }
        if run.is_none() && code == u32::from(b'+') {
            out.put_all(b"+-");
            continue;
        }
        let run = run.get_or_insert_with(|| {
            out.put(b'+');
            Run::default()
        });
        let unit = if code < 0x10000 {
            code
        } else {
            run.push(0xd7c0 + (code >> 10), 16);
            run.put_digits(&mut out);
            0xdc00 | code & 0x3ff
        };
        run.push(unit, 16);
        run.put_digits(&mut out);
    }
    if let Some(mut run) = run {
        run.put_rest(&mut out);
        out.put(b'-');
    }
    out
}
