//! Complex numbers from text.

use super::Parts;
use crate::{float, number_text};

/// The number that ASCII text writes, in parentheses or not, white space around it allowed.
pub fn parse(text: &[u8]) -> Option<Parts> {
    let text = if text.contains(&b'_') { number_text::without_underscores(text)? } else { text.to_vec() };
    let mut text = number_text::trim(&text);
    if text.first() == Some(&b'(') {
        text = number_text::trim(text.strip_prefix(b"(")?.strip_suffix(b")")?);
    }
    let first = float_length(text);
    let (head, rest) = text.split_at(first);
    match rest {
        [] if first > 0 => Some((float::parse(head)?, 0.0)),
        [b'j' | b'J'] => Some((0.0, imaginary(head)?)),
        // A sign alone is no float.
        [sign @ (b'+' | b'-'), b'j' | b'J'] if first == 0 => Some((0.0, imaginary(&[*sign])?)),
        [b'+' | b'-', ..] if first > 0 => {
            let [middle @ .., b'j' | b'J'] = rest else { return None };
            Some((float::parse(head)?, imaginary(middle)?))
        }
        _ => None,
    }
}

/// A sign alone means one.
fn imaginary(text: &[u8]) -> Option<f64> {
    match text {
        b"" | b"+" => Some(1.0),
        b"-" => Some(-1.0),
        _ if float_length(text) == text.len() => float::parse(text),
        _ => None,
    }
}

/// Bytes of the longest float at the start.
fn float_length(text: &[u8]) -> usize {
    let sign = matches!(text.first(), Some(b'+' | b'-')) as usize;
    let lower = text[sign..].to_ascii_lowercase();
    for word in [&b"infinity"[..], b"inf", b"nan"] {
        if lower.starts_with(word) {
            return sign + word.len();
        }
    }
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(sign);
    let mut at = sign + whole;
    let mut fraction = 0;
    if text.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        at += 1 + fraction;
    }
    if whole + fraction == 0 {
        return 0;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let exponent_sign = matches!(text.get(at + 1), Some(b'+' | b'-')) as usize;
        let exponent = digits((at + 1 + exponent_sign).min(text.len()));
        if exponent > 0 {
            at += 1 + exponent_sign + exponent;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn literals() {
        for (text, value) in [
            ("1+2j", (1.0, 2.0)),
            (" ( -1.5e3-j ) ", (-1500.0, -1.0)),
            ("j", (0.0, 1.0)),
            ("-J", (0.0, -1.0)),
            ("(+j)", (0.0, 1.0)),
            ("3", (3.0, 0.0)),
            ("inf-infj", (f64::INFINITY, f64::NEG_INFINITY)),
            ("1_0j", (0.0, 10.0)),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(value), "{text}");
        }
        for wrong in ["", "(", "1+2", "1 + 2j", "1j+2", "()", "1e", "+", "+-1j", "-jj"] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
