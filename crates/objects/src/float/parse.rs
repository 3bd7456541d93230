//! Floats from text.

use crate::number_text;

/// The float that ASCII text writes, white space around it allowed.
pub fn parse(text: &[u8]) -> Option<f64> {
    let text = number_text::trim(text);
    if text.contains(&b'_') {
        return parse_plain(&number_text::without_underscores(text)?);
    }
    parse_plain(text)
}

/// Without underscores or white space.
pub(crate) fn parse_plain(text: &[u8]) -> Option<f64> {
    let unsigned = match text {
        [b'+' | b'-', rest @ ..] => rest,
        _ => text,
    };
    let lower = unsigned.to_ascii_lowercase();
    let special = match &*lower {
        b"inf" | b"infinity" => Some(f64::INFINITY),
        b"nan" => Some(f64::NAN),
        _ => None,
    };
    if let Some(x) = special {
        return Some(if text[0] == b'-' { -x } else { x });
    }
    // Rust's grammar of numbers is ours, but for the words above.
    if !unsigned.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn literals() {
        assert_eq!(parse(b" 1_0.5e-1_0\n"), Some(10.5e-10));
        assert_eq!(parse(b"-Infinity"), Some(f64::NEG_INFINITY));
        assert!(parse(b"+nan").unwrap().is_nan());
        assert_eq!(parse(b".5"), Some(0.5));
        assert_eq!(parse(b"5."), Some(5.0));
        for wrong in ["", ".", "1__0", "_1", "1_", "1e", "infin", "0x1", "1 2", "--1", "1_.5"] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
