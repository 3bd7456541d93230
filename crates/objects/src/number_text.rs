//! What the number types share about text: trimming, digits of other scripts, underscores.

use crate::str::wtf8;

/// Without white space around it.
pub fn trim(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | 0x09..=0x0d);
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let stop = text.iter().rposition(|byte| !is_space(byte)).map_or(start, |at| at + 1);
    &text[start..stop]
}

/// The text with decimal digits and spaces of all scripts replaced by ASCII's; other code points stay.
pub fn ascii_digits(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() {
        return text.iter().map(|byte| if (0x1c..=0x1f).contains(byte) { b' ' } else { *byte }).collect();
    }
    let mut out = heap::vec_with_capacity(text.len());
    for code in wtf8::code_points(text) {
        let c = wtf8::as_char(code);
        match decimal_value(c) {
            Some(digit) => out.push(b'0' + digit),
            None if rustpython_unicode::classify::is_space(c) => out.push(b' '),
            None => wtf8::push(&mut out, code),
        }
    }
    out
}

/// The value of a decimal digit.
pub fn decimal_value(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.to_digit(10).map(|digit| digit as u8);
    }
    if !rustpython_unicode::classify::is_decimal(c) {
        return None;
    }
    rustpython_unicode::Ucd::new(true).decimal(c.into()).map(|digit| digit as u8)
}

/// Without its underscores, which must stand between digits; `None` if one does not.
pub fn without_underscores(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = heap::vec_with_capacity(text.len());
    for (i, &byte) in text.iter().enumerate() {
        if byte != b'_' {
            out.push(byte);
            continue;
        }
        let between = i > 0 && text[i - 1].is_ascii_digit() && text.get(i + 1).is_some_and(u8::is_ascii_digit);
        if !between {
            return None;
        }
    }
    Some(out)
}
