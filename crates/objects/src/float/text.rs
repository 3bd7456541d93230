//! The shortest decimal text that reads back as the same float.

/// The shortest digits of a finite positive float, and the exponent of the point before the first digit: 0.d1d2… * 10**e.
pub fn shortest_digits(x: f64) -> (String, i32) {
    let text = format!("{x:e}");
    let (mantissa, exponent) = text.split_once('e').expect("the format has an exponent");
    let exponent = exponent.parse::<i32>().expect("a number") + 1;
    let mut digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    // Of two decimals as near as each other CPython takes the even one, and Rust the greater one. Below a power of two floats
    // are denser, so that the smaller decimal can be another float's.
    if digits.len() >= 16 && is_tie(x, digits.len()) {
        let smaller = rounded_to_even(&digits);
        if format!("0.{smaller}e{exponent}").parse() == Ok(x) {
            digits = smaller;
        }
    }
    (digits, exponent)
}

/// Whether a float lies in the middle between two decimals of `count` digits. Most floats have far more digits than that.
fn is_tie(x: f64, count: usize) -> bool {
    // m * 2**-e with an odd m has at least e digits, so that those of few digits have a small e.
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i32 - 1075;
    let odd_exponent = exponent + (bits | 1 << 52).trailing_zeros() as i32;
    if odd_exponent < -(count as i32 + 10) {
        return false;
    }
    // Exact: no float has more than 767 digits.
    let exact = format!("{x:.766e}");
    let digits = exact.bytes().filter(u8::is_ascii_digit);
    let mut behind = digits.take(767).skip(count);
    behind.next() == Some(b'5') && behind.all(|digit| digit == b'0')
}

/// The decimal itself if its last digit is even, or else the one below.
fn rounded_to_even(digits: &str) -> String {
    let (front, last) = digits.split_at(digits.len() - 1);
    let last = last.as_bytes()[0];
    format!("{front}{}", (last - last % 2) as char)
}

/// `repr(x)`.
pub fn repr_text(x: f64) -> String {
    text(x, true)
}

/// As `repr`, with or without the `.0` of whole numbers.
pub(crate) fn text(x: f64, point: bool) -> String {
    if x.is_nan() {
        return "nan".into();
    }
    let sign = if x.is_sign_negative() { "-" } else { "" };
    if x.is_infinite() {
        return format!("{sign}inf");
    }
    if x == 0.0 {
        return format!("{sign}0{}", if point { ".0" } else { "" });
    }
    let (digits, point_at) = shortest_digits(x.abs());
    let count = digits.len() as i32;
    if !(-3..=16).contains(&point_at) {
        let exponent = point_at - 1;
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{dot}{rest}e{exponent_sign}{:02}", exponent.abs());
    }
    if point_at <= 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(-point_at as usize));
    }
    if count <= point_at {
        let zeros = "0".repeat((point_at - count) as usize);
        return format!("{sign}{digits}{zeros}{}", if point { ".0" } else { "" });
    }
    let (whole, fraction) = digits.split_at(point_at as usize);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::repr_text;

    #[test]
    fn exponents_start_where_cpythons_do() {
        for (x, text) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NEG_INFINITY, "-inf"),
            // In the middle between two decimals.
            (2f64.powi(-25), "2.9802322387695312e-08"),
            (-3.0 * 2f64.powi(-24), "-1.7881393432617188e-07"),
            (2f64.powi(-24), "5.960464477539063e-08"),
            (2f64.powi(57), "1.4411518807585587e+17"),
        ] {
            assert_eq!(repr_text(x), text);
        }
    }
}
