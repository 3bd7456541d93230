//! Floats to text with a given number of digits: what `e`, `f`, `g` and `r` mean.

use super::shortest_digits;

/// What the text is to look like.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// `e`, `f`, `g`, or `r` for the shortest digits.
    pub kind: u8,
    pub precision: usize,
    /// `#`: the point and trailing zeros stay.
    pub alternate: bool,
    /// A whole number without an exponent ends in `.0`.
    pub point_zero: bool,
    pub upper: bool,
}

/// Beyond, all digits of a float are zero.
const MAX_DIGITS: usize = 1100;

/// The magnitude of `x` as text, without a sign.
pub fn format_magnitude(x: f64, style: Style) -> String {
    let x = x.abs();
    // Several copies of that many digits are made.
    heap::ensure_room(style.precision.saturating_mul(4));
    let text = if x.is_nan() {
        "nan".into()
    } else if x.is_infinite() {
        "inf".into()
    } else {
        match style.kind {
            b'e' => {
                let (digits, exponent) = rounded_digits(x, style.precision);
                with_exponent(&digits, exponent, style.alternate)
            }
            b'f' => fixed(x, style),
            _ => general(x, style),
        }
    };
    if style.upper { text.to_uppercase() } else { text }
}

fn fixed(x: f64, style: Style) -> String {
    let shown = style.precision.min(MAX_DIGITS);
    let mut text = format!("{x:.shown$}");
    text.extend(std::iter::repeat_n('0', style.precision - shown));
    if style.alternate && style.precision == 0 {
        text.push('.');
    }
    text
}

/// `1 + count` significant digits, and the exponent of the first.
fn rounded_digits(x: f64, count: usize) -> (String, i32) {
    let shown = count.min(MAX_DIGITS);
    let text = format!("{x:.shown$e}");
    let (mantissa, exponent) = text.split_once('e').expect("the format has an exponent");
    let mut digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    digits.extend(std::iter::repeat_n('0', count - shown));
    (digits, exponent.parse().expect("a number"))
}

fn with_exponent(digits: &str, exponent: i32, alternate: bool) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() && !alternate { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{:02}", exponent.abs())
}

/// `g` and `r`: with an exponent if it is small or large.
fn general(x: f64, style: Style) -> String {
    let (mut digits, exponent, limit) = if style.kind == b'r' {
        if x == 0.0 {
            ("0".to_string(), 0, 16)
        } else {
            let (digits, point) = shortest_digits(x);
            (digits, point - 1, 16)
        }
    } else {
        let precision = style.precision.max(1);
        let (digits, exponent) = rounded_digits(x, precision - 1);
        (digits, exponent, (precision.min(i32::MAX as usize) as i32) - style.point_zero as i32)
    };
    if !style.alternate {
        let kept = digits.trim_end_matches('0').len().max(1);
        digits.truncate(kept);
    }
    if exponent < -4 || exponent >= limit {
        return with_exponent(&digits, exponent, style.alternate);
    }
    let point = exponent + 1;
    let mut text = String::new();
    if point <= 0 {
        text.push_str("0.");
        text.extend(std::iter::repeat_n('0', -point as usize));
        text.push_str(&digits);
        return text;
    }
    let point = point as usize;
    if digits.len() <= point {
        text.push_str(&digits);
        text.extend(std::iter::repeat_n('0', point - digits.len()));
        text.push_str(if style.point_zero {
            ".0"
        } else if style.alternate {
            "."
        } else {
            ""
        });
        return text;
    }
    let (whole, fraction) = digits.split_at(point);
    format!("{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(x: f64, kind: u8, precision: usize) -> String {
        format_magnitude(x, Style { kind, precision, alternate: false, point_zero: false, upper: false })
    }

    #[test]
    fn as_printf() {
        assert_eq!(text(1234.5, b'e', 2), "1.23e+03");
        assert_eq!(text(0.5, b'f', 0), "0");
        assert_eq!(text(1.5, b'f', 0), "2");
        assert_eq!(text(1e6, b'g', 6), "1e+06");
        assert_eq!(text(100000.0, b'g', 6), "100000");
        assert_eq!(text(1e-5, b'g', 6), "1e-05");
        assert_eq!(text(0.0001, b'g', 6), "0.0001");
        assert_eq!(text(0.0, b'g', 6), "0");
        assert_eq!(text(0.1, b'f', 2000).len(), 2002);
    }
}
