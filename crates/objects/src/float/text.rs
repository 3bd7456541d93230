//! The shortest decimal text that reads back as the same float.

/// The shortest digits of a finite positive float, and the exponent of the point before the first digit: 0.d1d2… * 10**e.
pub fn shortest_digits(x: f64) -> (String, i32) {
    let text = format!("{x:e}");
    let (mantissa, exponent) = text.split_once('e').expect("the format has an exponent");
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    (digits, exponent.parse::<i32>().expect("a number") + 1)
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
        ] {
            assert_eq!(repr_text(x), text);
        }
    }
}
