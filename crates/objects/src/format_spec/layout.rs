//! Puts signs, groups and padding around formatted text.

use super::Spec;
use crate::str::wtf8;
use heap::MakeRoom;

/// A number, formatted but for what the specification's left half asks for.
pub(super) struct Number<'a> {
    pub negative: bool,
    /// `0x` and the like.
    pub prefix: &'a str,
    /// Before the point.
    pub digits: &'a str,
    /// The point and the digits behind it.
    pub point: &'a str,
    /// An exponent, a percent sign; `inf`.
    pub rest: &'a str,
}

/// Text padded to the width; it has `count` code points.
pub(super) fn pad(spec: &Spec, text: &[u8], count: usize) -> Vec<u8> {
    let missing = spec.width.saturating_sub(count);
    let before = match spec.align {
        b'<' => 0,
        b'^' => missing / 2,
        _ => missing,
    };
    let mut out = heap::vec_with_capacity(text.len().saturating_add(missing));
    fill(&mut out, spec, before);
    out.put_all(text);
    fill(&mut out, spec, missing - before);
    out
}

fn fill(out: &mut Vec<u8>, spec: &Spec, count: usize) {
    wtf8::push_many(out, spec.fill, count);
}

/// Splits a float's text into digits, point with digits, and rest.
pub(super) fn split(text: &str) -> (&str, &str, &str) {
    let whole = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(whole);
    if !rest.starts_with('.') {
        return (digits, "", rest);
    }
    let fraction = rest[1..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |at| at + 1);
    let (point, rest) = rest.split_at(fraction);
    (digits, point, rest)
}

pub(super) fn number(spec: &Spec, number: Number) -> Vec<u8> {
    let sign = match (number.negative, spec.sign) {
        (true, _) => "-",
        (false, Some(b'+')) => "+",
        (false, Some(b' ')) => " ",
        _ => "",
    };
    let point = match spec.fraction_grouping {
        Some(separator) if number.point.len() > 1 => grouped_fraction(number.point, separator),
        _ => number.point.to_string(),
    };
    let others = sign.len() + number.prefix.len() + point.len() + number.rest.len();
    let zero_padded = spec.fill == '0' as u32 && spec.align == b'=';
    let least = if zero_padded { spec.width.saturating_sub(others) } else { 0 };
    let digits = match spec.grouping {
        _ if number.digits.is_empty() => String::new(),
        Some(separator) => {
            let size = if matches!(spec.kind, Some('b' | 'o' | 'x' | 'X')) { 4 } else { 3 };
            grouped(number.digits, separator, size, least)
        }
        None => number.digits.to_string(),
    };
    let rest = number.rest;
    let body = format!("{digits}{point}{rest}");
    if spec.align != b'=' {
        let text = format!("{sign}{}{body}", number.prefix);
        return pad(spec, text.as_bytes(), text.len());
    }
    let mut out = format!("{sign}{}", number.prefix).into_bytes();
    let missing = spec.width.saturating_sub(out.len() + body.len());
    fill(&mut out, spec, missing);
    out.put_all(body.as_bytes());
    out
}

/// Groups from the right, with zeros before up to `least` bytes; no separator comes first.
fn grouped(digits: &str, separator: u8, size: usize, least: usize) -> String {
    let digits = digits.as_bytes();
    let mut reversed = heap::vec_with_capacity(digits.len() * 4 / 3 + 1);
    let (mut left, mut missing) = (digits.len(), least as isize);
    let mut first = true;
    loop {
        if !first {
            reversed.put(separator);
        }
        let count = size.min((missing.max(left as isize)).max(1) as usize);
        for _ in 0..count {
            if left > 0 {
                left -= 1;
                reversed.put(digits[left]);
            } else {
                reversed.put(b'0');
            }
        }
        missing -= count as isize;
        if left == 0 && missing <= 0 {
            break;
        }
        missing -= 1;
        first = false;
    }
    reversed.reverse();
    String::from_utf8(reversed).expect("digits and separators")
}

fn grouped_fraction(point: &str, separator: u8) -> String {
    let mut out = String::from(".");
    for (i, digit) in point[1..].chars().enumerate() {
        if i > 0 && i % 3 == 0 {
            out.put(separator as char);
        }
        out.put(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_grouped_too() {
        assert_eq!(grouped("1234567", b',', 3, 0), "1,234,567");
        assert_eq!(grouped("1", b',', 3, 4), "0,001");
        // No separator comes first: one more zero does.
        assert_eq!(grouped("140", b',', 3, 8), "0,000,140");
        assert_eq!(grouped("1234", b',', 3, 6), "01,234");
        assert_eq!(grouped("ff", b'_', 4, 9), "0000_00ff");
        assert_eq!(split("12.50e+01"), ("12", ".50", "e+01"));
        assert_eq!(split("inf"), ("", "", "inf"));
    }
}
