//! The representation of guest values that the lowering emits, as plain functions.
//!
//! `…1` a 63-bit integer; `..10` an immediate float; `.000` a heap pointer or null. The framework, which knows the
//! heap's own definition too, tests that both agree.

/// The word of an integer that fits in 63 bits.
pub fn box_int(i: i64) -> u64 {
    ((i as u64) << 1) | 1
}

/// The low two bits of an immediate float, and the mask to compare them under.
pub const FLONUM_TAG: u64 = 2;
pub const FLONUM_MASK: u64 = 3;
/// The word of +0.0, whose exponent lies outside the range of immediate floats.
pub const FLONUM_ZERO: u64 = 0x8000_0000_0000_0002;

/// The word of an immediate float, or `None` for a float that lies on the heap.
pub fn box_flonum(bits: u64) -> Option<u64> {
    if in_inline_range(bits) {
        Some((bits.rotate_left(3) & !FLONUM_MASK) | FLONUM_TAG)
    } else if bits == 0 {
        Some(FLONUM_ZERO)
    } else {
        None
    }
}

/// The bits of an immediate float.
pub fn unbox_flonum(word: u64) -> u64 {
    if word == FLONUM_ZERO {
        return 0;
    }
    // The three top bits of the exponent are 011 or 100: the lowest of them, kept in bit 63, tells which.
    ((word & !FLONUM_MASK) | (2 - (word >> 63))).rotate_right(3)
}

/// Without the sign, the bits of 2^-255, whose word +0.0 took, and the number of patterns above that are immediate.
pub(crate) const RANGE_START: u64 = 3 << 61;
pub(crate) const RANGE_LENGTH: u64 = (2 << 61) - 1;

/// Whether compiled code boxes the float without a call. -2^-255 is left out, too: it takes the slow path, and has the
/// same word either way.
pub(crate) fn in_inline_range(bits: u64) -> bool {
    (bits << 1).wrapping_sub(RANGE_START + 1) < RANGE_LENGTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immediate_floats_come_back() {
        for x in [0.0, 1.0, -1.0, 3.5, 1e70, -1e-70, std::f64::consts::PI] {
            let word = box_flonum(f64::to_bits(x)).unwrap();
            assert_eq!(word & FLONUM_MASK, FLONUM_TAG);
            assert_eq!(f64::from_bits(unbox_flonum(word)), x);
        }
        for x in [-0.0, 1e300, f64::INFINITY, f64::NAN, 2f64.powi(-255), 5e-324] {
            assert_eq!(box_flonum(f64::to_bits(x)), None);
        }
        assert!(box_flonum(2f64.powi(-255).to_bits() + 1).is_some());
        assert!(box_flonum(2f64.powi(257).to_bits() - 1).is_some());
        assert!(box_flonum(2f64.powi(257).to_bits()).is_none());
    }
}
