//! Guest values that are no pointers, as bits.
//!
//! The same encoding as the heap's `Value`: `…1` is a 63-bit integer, `..10` a float whose exponent is in the common range.

/// +0.0, whose exponent lies outside the common range, has an encoding of its own.
const FLOAT_ZERO: u64 = 0x8000_0000_0000_0002;
/// 2^-255, whose encoding +0.0 took.
const FLOAT_TAKEN: u64 = 0x3000_0000_0000_0000;

/// Whether `x` fits in the 63 bits of a tagged integer.
pub fn int_fits(x: i64) -> bool {
    (x ^ (x << 1)) >= 0
}

/// The tagged integer for `x`, if it fits.
pub fn from_int(x: i64) -> Option<u64> {
    int_fits(x).then_some(((x as u64) << 1) | 1)
}

/// The integer behind the bits, if they are a tagged integer.
pub fn to_int(imm: u64) -> Option<i64> {
    (imm & 1 == 1).then_some((imm as i64) >> 1)
}

/// The immediate float for the bits of a float; `None` if it lives boxed on the heap.
pub fn from_float(bits: u64) -> Option<u64> {
    let exponent = (bits >> 60) & 7;
    if (exponent == 3 || exponent == 4) && bits != FLOAT_TAKEN {
        return Some((bits.rotate_left(3) & !3) | 2);
    }
    (bits == 0).then_some(FLOAT_ZERO)
}

/// The bits of the float behind an immediate float.
pub fn to_float(imm: u64) -> Option<u64> {
    if imm & 3 != 2 {
        return None;
    }
    if imm == FLOAT_ZERO {
        return Some(0);
    }
    let high = 2 - (imm >> 63);
    Some(((imm & !3) | high).rotate_right(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immediates_come_back() {
        for x in [0, 1, -1, (1 << 62) - 1, -(1 << 62)] {
            assert_eq!(to_int(from_int(x).unwrap()), Some(x));
        }
        assert_eq!(from_int(1 << 62), None);
        for x in [0.0, -1.5, 3.25, 1e10, -1e-10f64] {
            assert_eq!(to_float(from_float(x.to_bits()).unwrap()), Some(x.to_bits()));
        }
        assert_eq!(from_float((-0.0f64).to_bits()), None);
        assert_eq!(from_float(1e300f64.to_bits()), None);
    }
}
