//! `float.hex` and `float.fromhex`.

use crate::number_text;

/// `0x1.8p+1`.
pub fn to_hex(x: f64) -> String {
    if !x.is_finite() {
        return super::repr_text(x);
    }
    let sign = if x.is_sign_negative() { "-" } else { "" };
    if x == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let bits = x.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let (lead, exponent) = if exponent == 0 { (0, -1022) } else { (1, exponent - 1023) };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    format!("{sign}0x{lead}.{fraction:013x}p{exponent_sign}{}", exponent.abs())
}

/// Why text is no hexadecimal float.
pub enum HexError {
    Invalid,
    TooLarge,
}

/// The float that hexadecimal text writes, correctly rounded.
pub fn from_hex(text: &[u8]) -> Result<f64, HexError> {
    let text = number_text::trim(text).to_ascii_lowercase();
    let (negative, rest) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, &text[..]),
    };
    let magnitude = match rest {
        b"inf" | b"infinity" => f64::INFINITY,
        b"nan" => f64::NAN,
        _ => magnitude(rest)?,
    };
    Ok(if negative { -magnitude } else { magnitude })
}

fn magnitude(text: &[u8]) -> Result<f64, HexError> {
    let text = text.strip_prefix(b"0x").unwrap_or(text);
    let (digits, exponent) = match text.iter().position(|byte| *byte == b'p') {
        Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &b""[..]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(HexError::Invalid);
    }
    // Bits beyond 64 only say whether something is left over.
    let (mut bits, mut sticky, mut dropped) = (0u64, false, 0i64);
    for &digit in whole.iter().chain(fraction) {
        let value = (digit as char).to_digit(16).ok_or(HexError::Invalid)? as u64;
        if bits >> 60 == 0 {
            bits = bits << 4 | value;
        } else {
            sticky |= value != 0;
            dropped += 4;
        }
    }
    if bits == 0 {
        return Ok(0.0);
    }
    let scale = exponent.saturating_add(dropped).saturating_sub(4 * fraction.len() as i64);
    scaled(bits, sticky, scale).ok_or(HexError::TooLarge)
}

fn parse_exponent(text: &[u8]) -> Result<i64, HexError> {
    let digits = match text {
        [b'+' | b'-', rest @ ..] => rest,
        _ => text,
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(HexError::Invalid);
    }
    let value = digits.iter().fold(0i64, |sum, digit| (sum * 10 + (digit - b'0') as i64).min(1 << 40));
    Ok(if text[0] == b'-' { -value } else { value })
}

/// `bits * 2**scale`, a little more if `sticky`, rounded to even; `None` if too large.
fn scaled(bits: u64, sticky: bool, scale: i64) -> Option<f64> {
    let length = 64 - bits.leading_zeros() as i64;
    let exponent = length.saturating_add(scale);
    if exponent > 1024 {
        return None;
    }
    let precision = exponent.saturating_add(1074).min(53);
    if precision < 0 {
        return Some(0.0);
    }
    let wide = (bits as u128) << 60;
    let drop = (length + 60 - precision) as u32;
    let (mut mantissa, rest) = (wide >> drop, wide & ((1 << drop) - 1));
    let half = 1u128 << (drop - 1);
    if rest > half || rest == half && (sticky || mantissa & 1 == 1) {
        mantissa += 1;
    }
    let power = scale - 60 + drop as i64;
    let unit = if power >= -1022 {
        f64::from_bits(((power + 1023) as u64) << 52)
    } else {
        f64::from_bits(1 << (power + 1074))
    };
    let value = mantissa as f64 * unit;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float_comes_back() {
        let mut state = 1u64;
        for _ in 0..100_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let x = f64::from_bits(state);
            if x.is_finite() {
                assert_eq!(from_hex(to_hex(x).as_bytes()).ok(), Some(x));
            }
        }
        assert_eq!(to_hex(-0.1), "-0x1.999999999999ap-4");
        assert_eq!(from_hex(b"0x.8p0").ok(), Some(0.5));
        assert_eq!(from_hex(b"1.00000000000008p0").ok(), Some(1.0));
        assert_eq!(from_hex(b"0x1p-1074").ok(), Some(5e-324));
        assert!(from_hex(b"0x1p1024").is_err() && from_hex(b"0x").is_err());
    }
}
