//! Ints of up to two 64-bit digits as `i128`: what 64-bit arithmetic (hashes, generators of random numbers, counters of nanoseconds)
//! goes through between its masks. They never become a `num_bigint` number, which would be allocated and freed.

use crate::builtin_layouts;
use crate::layout::{Object, cast};
use crate::shape::Kind;
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// An int of 128 bits.
    pub fn int_from_i128(&mut self, i: i128) -> Value {
        match i64::try_from(i) {
            Ok(small) if Value::int_fits(small) => Value::from_int(small),
            _ => {
                let magnitude = i.unsigned_abs();
                self.big_from_digits(
                    &[magnitude as u64, (magnitude >> 64) as u64][..1 + (magnitude >> 64 != 0) as usize],
                    i < 0,
                )
            }
        }
    }

    /// A big int of its magnitude's digits, the lowest first and the highest not zero.
    #[inline(never)]
    pub(super) fn big_from_digits(&mut self, digits: &[u64], is_negative: bool) -> Value {
        let shape = self.shape_for_kind(Kind::BigInt);
        let value = self.alloc_tail_unfilled(shape.id, builtin_layouts::BigInt::BYTES, 8, digits.len());
        cast::<builtin_layouts::BigInt>(value).sign.set(if is_negative { -1 } else { 1 });
        let tail = (value.0 as usize + builtin_layouts::BigInt::BYTES) as *mut u64;
        // SAFETY: the tail has room for all digits.
        unsafe { std::ptr::copy_nonoverlapping(digits.as_ptr(), tail, digits.len()) };
        value
    }
}

/// The digits of a big int's magnitude, the lowest first. They lie in the object: no allocation while they are in use.
pub(super) fn digits(value: &Value) -> &[u64] {
    let object = cast::<builtin_layouts::BigInt>(*value);
    let tail = (value.0 as usize + builtin_layouts::BigInt::BYTES) as *const u64;
    // SAFETY: the object has that many digits.
    unsafe { std::slice::from_raw_parts(tail, object.digits.get() as usize) }
}

/// The bits of an exact int's magnitude.
pub(super) fn bits(value: Value) -> usize {
    let bits_of = |digit: u64| (u64::BITS - digit.leading_zeros()) as usize;
    if value.is_int() {
        return bits_of(value.as_int().unsigned_abs());
    }
    let digits = digits(&value);
    let (high, lower) = digits.split_last().expect("a big int is not zero");
    lower.len() * 64 + bits_of(*high)
}

/// An exact int whose magnitude is below 2**127.
#[inline]
pub(super) fn narrow(value: Value) -> Option<i128> {
    if value.is_int() {
        return Some(i128::from(value.as_int()));
    }
    let magnitude = match *digits(&value) {
        [low] => u128::from(low),
        [low, high] => u128::from(high) << 64 | u128::from(low),
        _ => return None,
    };
    let magnitude = i128::try_from(magnitude).ok()?;
    Some(if cast::<builtin_layouts::BigInt>(value).sign.get() < 0 { -magnitude } else { magnitude })
}
