//! Integer arithmetic with the guest's rounding: floor, as in Python.

/// Floor division. Division by zero gives 0, and `i64::MIN / -1` wraps: handlers have excluded both.
#[inline(always)]
pub fn int_floordiv(a: i64, b: i64) -> i64 {
    if b == 0 {
        return 0;
    }
    let q = a.wrapping_div(b);
    if (a.wrapping_rem(b) != 0) && ((a < 0) != (b < 0)) { q - 1 } else { q }
}

/// The remainder of floor division: it has the sign of the divisor.
#[inline(always)]
pub fn int_mod(a: i64, b: i64) -> i64 {
    if b == 0 {
        return 0;
    }
    let r = a.wrapping_rem(b);
    if r != 0 && ((r < 0) != (b < 0)) { r + b } else { r }
}
