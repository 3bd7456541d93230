//! `round(x, n)`: correctly rounded, exact ties to even.

use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::Zero;

/// `x` rounded to `digits` decimals after the point, which may be negative. Infinite if the result is too large.
pub fn round_to(x: f64, digits: i64) -> f64 {
    if !x.is_finite() || x == 0.0 || digits > 323 {
        return x;
    }
    if digits < -308 {
        return 0f64.copysign(x);
    }
    if digits >= 0 {
        // The formatter rounds the exact value, ties to even.
        return format!("{x:.*}", digits as usize).parse().expect("a number");
    }
    let unit = BigUint::from(10u32).pow(-digits as u32);
    let whole = x.abs().trunc();
    let (mut quotient, rest) = big(whole).div_rem(&unit);
    let twice = rest * 2u32;
    let more = x.abs() > whole;
    if twice > unit || twice == unit && (more || quotient.is_odd()) {
        quotient += 1u32;
    }
    if quotient.is_zero() {
        return 0f64.copysign(x);
    }
    let magnitude = crate::int::convert::nearest(&(quotient * unit), &BigUint::from(1u32)).unwrap_or(f64::INFINITY);
    magnitude.copysign(x)
}

/// The nearest whole number, ties to even.
pub fn round_half_even(x: f64) -> f64 {
    x.round_ties_even()
}

fn big(whole: f64) -> BigUint {
    let (mantissa, exponent) = super::decompose(whole);
    if exponent >= 0 {
        BigUint::from(mantissa) << exponent as u64
    } else {
        BigUint::from(mantissa >> (-exponent).min(63))
    }
}

#[cfg(test)]
mod tests {
    use super::round_to;

    #[test]
    fn ties_are_those_of_the_exact_value() {
        assert_eq!(round_to(2.675, 2), 2.67);
        assert_eq!(round_to(0.5, 0), 0.0);
        assert_eq!(round_to(2.5, 0), 2.0);
        assert_eq!(round_to(25.0, -1), 20.0);
        assert_eq!(round_to(25.1, -1), 30.0);
        assert_eq!(round_to(-35.0, -1), -40.0);
        assert_eq!(round_to(1.5e300, -300), 2e300);
        assert_eq!(round_to(4.0, -1), 0.0);
        assert!(round_to(1.7976931348623157e308, -308).is_infinite());
    }
}
