//! Text as bytes: UTF-8 in which a lone surrogate takes three bytes like any code point of its size.
//!
//! Two surrogates that would make a pair stay two code points. So bytes concatenate, and their order is the order of the
//! code points.

use super::unicode_version;
use heap::MakeRoom;

/// Whether a byte starts a code point.
#[inline(always)]
pub fn starts(byte: u8) -> bool {
    byte as i8 >= -0x40
}

/// Bytes of the code point that starts with this byte.
#[inline(always)]
pub fn width(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    }
}

/// Code points.
#[inline]
pub fn count(text: &[u8]) -> usize {
    text.iter().filter(|byte| starts(**byte)).count()
}

/// The code point at byte `at`, and where the next one starts.
#[inline(always)]
pub fn decode(text: &[u8], at: usize) -> (u32, usize) {
    let first = text[at] as u32;
    let low = |i: usize| text[at + i] as u32 & 0x3f;
    match first {
        0..0x80 => (first, at + 1),
        0x80..0xe0 => ((first & 0x1f) << 6 | low(1), at + 2),
        0xe0..0xf0 => ((first & 0x0f) << 12 | low(1) << 6 | low(2), at + 3),
        _ => ((first & 0x07) << 18 | low(1) << 12 | low(2) << 6 | low(3), at + 4),
    }
}

/// The same for any bytes: what is no text counts byte by byte.
pub fn decode_lossy(bytes: &[u8], at: usize) -> (u32, usize) {
    if bytes[at] >= 0xc2
        && at + width(bytes[at]) <= bytes.len()
        && !bytes[at + 1..at + width(bytes[at])].iter().any(|byte| starts(*byte))
    {
        decode(bytes, at)
    } else {
        (bytes[at] as u32, at + 1)
    }
}

/// Where the code point before byte `at` starts.
#[inline]
pub fn previous(text: &[u8], at: usize) -> usize {
    let mut at = at - 1;
    while !starts(text[at]) {
        at -= 1;
    }
    at
}

/// The byte at which code point `count`, counted from byte `at`, starts.
#[inline]
pub fn skip(text: &[u8], mut at: usize, count: usize) -> usize {
    for _ in 0..count {
        at += width(text[at]);
    }
    at
}

/// Iterates over code points, with the byte at which each starts.
#[derive(Clone)]
pub struct CodePoints<'a> {
    text: &'a [u8],
    at: usize,
}

impl Iterator for CodePoints<'_> {
    type Item = (usize, u32);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, u32)> {
        if self.at >= self.text.len() {
            return None;
        }
        let start = self.at;
        let (code, next) = decode(self.text, start);
        self.at = next;
        Some((start, code))
    }
}

#[inline(always)]
pub fn indexed(text: &[u8]) -> CodePoints<'_> {
    CodePoints { text, at: 0 }
}

#[inline(always)]
pub fn code_points(text: &[u8]) -> impl Iterator<Item = u32> + Clone + '_ {
    indexed(text).map(|(_, code)| code)
}

#[inline(always)]
pub fn is_surrogate(code: u32) -> bool {
    code & !0x7ff == 0xd800
}

/// Appends a code point, which may be a surrogate.
#[inline]
pub fn push(out: &mut Vec<u8>, code: u32) {
    debug_assert!(code <= 0x10ffff);
    let low = |shift: u32| (code >> shift & 0x3f) as u8 | 0x80;
    match code {
        0..0x80 => out.put(code as u8),
        0x80..0x800 => out.put_all(&[(code >> 6) as u8 | 0xc0, low(0)]),
        0x800..0x10000 => out.put_all(&[(code >> 12) as u8 | 0xe0, low(6), low(0)]),
        _ => out.put_all(&[(code >> 18) as u8 | 0xf0, low(12), low(6), low(0)]),
    }
}

/// Appends a code point `count` times.
pub fn push_many(out: &mut Vec<u8>, code: u32, count: usize) {
    if code < 0x80 {
        out.make_room(count);
        out.resize(out.len() + count, code as u8);
    } else {
        out.make_room(count.saturating_mul(4));
        (0..count).for_each(|_| push(out, code));
    }
}

/// The code point as a `char` whose properties are asked for. Surrogates, and what Python's version of Unicode does not
/// assign, become one that has none.
#[inline]
pub fn as_char(code: u32) -> char {
    const NO_PROPERTIES: char = '\u{ffff}';
    match char::from_u32(code) {
        Some(c) if !unicode_version::is_assigned_later(code) => c,
        _ => NO_PROPERTIES,
    }
}

/// Where the text stops being UTF-8: its first lone surrogate, as a byte offset.
pub fn first_surrogate(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text).err().map(|error| error.valid_up_to())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_point_comes_back() {
        for code in 0..=0x10ffff {
            let mut text = vec![b'x'];
            push(&mut text, code);
            assert_eq!(decode(&text, 1), (code, text.len()));
            assert_eq!(width(text[1]), text.len() - 1);
            assert_eq!(previous(&text, text.len()), 1);
            assert_eq!(count(&text), 2);
        }
    }

    #[test]
    fn surrogates_are_found() {
        let mut text = "aé".as_bytes().to_vec();
        assert_eq!(first_surrogate(&text), None);
        push(&mut text, 0xdc80);
        assert_eq!(first_surrogate(&text), Some(3));
    }
}
