//! A guest value in one word.
//!
//! | low bits | what | payload |
//! |---|---|---|
//! | `…1` | a 63-bit integer | the word shifted right by one |
//! | `..10` | a float whose exponent is in the common range | its bits rotated left by three (Ruby's flonum) |
//! | `.000` | a pointer to a heap object, or [`Value::NULL`] | the address |
//!
//! Floats outside the range 2^-255 … 2^256 (and not +0.0) are boxed on the heap by the object model.

/// One guest value: a small integer, an immediate float, or a heap pointer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Value(pub u64);

/// +0.0, whose exponent lies outside the common range, has an encoding of its own.
const FLONUM_ZERO: u64 = 0x8000_0000_0000_0002;
/// The one pattern of the common range whose encoding +0.0 took: 2^-255 exactly.
const FLONUM_TAKEN: u64 = 0x3000_0000_0000_0000;

impl Value {
    /// No value: an unset slot, or "an exception is pending" as the result of a residual call.
    pub const NULL: Value = Value(0);
    /// The smallest and the largest integer that fit in the word.
    pub const INT_MIN: i64 = -(1 << 62);
    pub const INT_MAX: i64 = (1 << 62) - 1;

    #[inline(always)]
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    #[inline(always)]
    pub const fn is_int(self) -> bool {
        self.0 & 1 == 1
    }

    /// Whether `i` fits in 63 bits.
    #[inline(always)]
    pub const fn int_fits(i: i64) -> bool {
        (i ^ (i << 1)) >= 0
    }

    /// The caller has checked [`Value::int_fits`].
    #[inline(always)]
    pub const fn from_int(i: i64) -> Value {
        debug_assert!(Value::int_fits(i));
        Value(((i as u64) << 1) | 1)
    }

    /// The caller has checked [`Value::is_int`].
    #[inline(always)]
    pub const fn as_int(self) -> i64 {
        (self.0 as i64) >> 1
    }

    /// Whether this is an immediate float; a float boxed on the heap is a pointer.
    #[inline(always)]
    pub const fn is_flonum(self) -> bool {
        self.0 & 3 == 2
    }

    /// The immediate float for `x`, or `None` if `x` must be boxed.
    #[inline(always)]
    pub const fn from_flonum(x: f64) -> Option<Value> {
        let bits = x.to_bits();
        let top = (bits >> 60) & 7;
        if (top == 3 || top == 4) && bits != FLONUM_TAKEN {
            return Some(Value((bits.rotate_left(3) & !3) | 2));
        }
        if bits == 0 { Some(Value(FLONUM_ZERO)) } else { None }
    }

    /// The caller has checked [`Value::is_flonum`].
    #[inline(always)]
    pub const fn as_flonum(self) -> f64 {
        if self.0 == FLONUM_ZERO {
            return 0.0;
        }
        // Bits 62 and 61..60 of the float are 011 or 100: bit 60 tells which.
        let high = 2 - ((self.0 >> 63) & 1);
        f64::from_bits(((self.0 & !3) | high).rotate_right(3))
    }

    /// [`Value::as_flonum`] without a branch, for loops that the compiler is to do several steps of at a time.
    #[inline(always)]
    pub const fn as_flonum_evenly(self) -> f64 {
        let not_zero = ((self.0 == FLONUM_ZERO) as u64).wrapping_sub(1);
        let high = 2 - ((self.0 >> 63) & 1);
        f64::from_bits(((self.0 & !3) | high).rotate_right(3) & not_zero)
    }

    /// Whether this is a non-null heap pointer.
    #[inline(always)]
    pub const fn is_object(self) -> bool {
        self.0 & 7 == 0 && self.0 != 0
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_int() {
            write!(f, "{}", self.as_int())
        } else if self.is_flonum() {
            write!(f, "{:?}", self.as_flonum())
        } else {
            write!(f, "object@{:x}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Value;

    #[test]
    fn floats_come_back_bit_by_bit() {
        let mut state = 1u64;
        let special = [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NAN, f64::MIN_POSITIVE, 1e300, 1e-300];
        for i in 0..1_000_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let x = special.get(i).copied().unwrap_or(f64::from_bits(state));
            if let Some(v) = Value::from_flonum(x) {
                assert!(v.is_flonum() && !v.is_int() && !v.is_object());
                assert_eq!(v.as_flonum().to_bits(), x.to_bits());
                assert_eq!(v.as_flonum_evenly().to_bits(), x.to_bits());
            }
        }
        assert!(Value::from_flonum(0.0).is_some());
        assert!(Value::from_flonum(3.25).is_some());
        assert!(Value::from_flonum(1e300).is_none());
        assert!(Value::from_flonum(f64::from_bits(0x3000_0000_0000_0000)).is_none());
    }

    #[test]
    fn integers_of_63_bits() {
        for i in [0, 1, -1, Value::INT_MAX, Value::INT_MIN] {
            assert!(Value::int_fits(i));
            assert_eq!(Value::from_int(i).as_int(), i);
        }
        assert!(!Value::int_fits(Value::INT_MAX + 1));
        assert!(!Value::int_fits(Value::INT_MIN - 1));
    }
}
