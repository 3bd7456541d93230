//! Arithmetic on the digits of big ints as they lie in their objects. A `num_bigint` number would have to be converted to,
//! allocated and freed; only with many digits, where its algorithms are better, is it worth that.
//!
//! The functions take exact ints and give `None` where they leave the operation to `num_bigint`.

use super::words;
use crate::builtin_layouts;
use crate::layout::cast;
use crate::vm::Vm;
use heap::Value;
use std::cmp::Ordering;

/// Digits of an operand, at most, where more of them make for more than so much more work.
const MOST: usize = 32;
/// A factor of so few digits makes a product a few passes over the other one.
const FEW: usize = 4;

/// A number's magnitude, the lowest digit first and the highest not zero, and its sign.
#[derive(Clone, Copy)]
struct Number<'a> {
    digits: &'a [u64],
    negative: bool,
}

/// An int of any size; `room` is for the digit of a small one.
#[inline]
fn any_number<'a>(value: &'a Value, room: &'a mut u64) -> Number<'a> {
    if value.is_int() {
        let i = value.as_int();
        *room = i.unsigned_abs();
        let digits = if i == 0 { &[] } else { std::slice::from_ref(room) };
        return Number { digits, negative: i < 0 };
    }
    Number { digits: words::digits(value), negative: cast::<builtin_layouts::BigInt>(*value).sign.get() < 0 }
}

/// One of not too many digits.
#[inline]
fn number<'a>(value: &'a Value, room: &'a mut u64) -> Option<Number<'a>> {
    let number = any_number(value, room);
    (number.digits.len() <= MOST).then_some(number)
}

/// The int of these digits, of which the highest may be zero.
fn int(vm: &mut Vm, digits: &[u64], negative: bool) -> Value {
    match trimmed(digits) {
        [] => Value::from_int(0),
        &[digit] => vm.int_from_i128(if negative { -i128::from(digit) } else { i128::from(digit) }),
        digits => vm.big_from_digits(digits, negative),
    }
}

fn trimmed(digits: &[u64]) -> &[u64] {
    let zeros = digits.iter().rev().take_while(|digit| **digit == 0).count();
    &digits[..digits.len() - zeros]
}

fn compare_magnitudes(a: &[u64], b: &[u64]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// Of any size.
pub(super) fn compare(a: Value, b: Value) -> Ordering {
    let (mut room_a, mut room_b) = (0, 0);
    let (a, b) = (any_number(&a, &mut room_a), any_number(&b, &mut room_b));
    match (a.negative, b.negative) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => compare_magnitudes(a.digits, b.digits),
        (true, true) => compare_magnitudes(b.digits, a.digits),
    }
}

/// `a + b`, or `a - b`.
pub(super) fn add(vm: &mut Vm, a: Value, b: Value, subtract: bool) -> Option<Value> {
    let (mut room_a, mut room_b) = (0, 0);
    let (a, b) = (any_number(&a, &mut room_a), any_number(&b, &mut room_b));
    let b_negative = b.negative != subtract;
    let (longer, shorter) = if compare_magnitudes(a.digits, b.digits).is_lt() { (b, a) } else { (a, b) };
    with_zeros(longer.digits.len() + 1, |result| {
        if a.negative == b_negative {
            add_magnitudes(result, longer.digits, shorter.digits);
            return Some(int(vm, result, a.negative));
        }
        subtract_magnitudes(result, longer.digits, shorter.digits);
        // The sign of the larger one.
        let negative = if std::ptr::eq(longer.digits, a.digits) { a.negative } else { b_negative };
        Some(int(vm, result, negative))
    })
}

/// Calls `body` with so many zeros.
#[inline]
fn with_zeros<R>(count: usize, body: impl FnOnce(&mut [u64]) -> R) -> R {
    if count <= 2 * MOST {
        return body(&mut [0; 2 * MOST][..count]);
    }
    let mut zeros = heap::vec_with_capacity(count);
    zeros.resize(count, 0);
    body(&mut zeros)
}

/// `result` has one digit more than `longer`, and starts as zeros.
fn add_magnitudes(result: &mut [u64], longer: &[u64], shorter: &[u64]) {
    let mut carry = false;
    for (i, (result, &x)) in result.iter_mut().zip(longer).enumerate() {
        let y = shorter.get(i).copied().unwrap_or(0);
        (*result, carry) = add_with_carry(x, y, carry);
    }
    result[longer.len()] = carry.into();
}

/// `larger` is not less than `smaller`.
fn subtract_magnitudes(result: &mut [u64], larger: &[u64], smaller: &[u64]) {
    let mut borrow = false;
    for (i, (result, &x)) in result.iter_mut().zip(larger).enumerate() {
        let y = smaller.get(i).copied().unwrap_or(0);
        (*result, borrow) = subtract_with_borrow(x, y, borrow);
    }
}

#[inline(always)]
fn add_with_carry(x: u64, y: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = x.overflowing_add(y);
    let (sum, second) = sum.overflowing_add(carry.into());
    (sum, first || second)
}

#[inline(always)]
fn subtract_with_borrow(x: u64, y: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = x.overflowing_sub(y);
    let (difference, second) = difference.overflowing_sub(borrow.into());
    (difference, first || second)
}

pub(super) fn multiply(vm: &mut Vm, a: Value, b: Value) -> Option<Value> {
    let (mut room_a, mut room_b) = (0, 0);
    let (a, b) = (any_number(&a, &mut room_a), any_number(&b, &mut room_b));
    let (shorter, longer) = if a.digits.len() < b.digits.len() { (a.digits, b.digits) } else { (b.digits, a.digits) };
    if longer.len() > MOST && shorter.len() > FEW {
        return None;
    }
    with_zeros(longer.len() + shorter.len(), |result| {
        for (i, &x) in shorter.iter().enumerate() {
            let mut carry = 0;
            for (result, &y) in result[i..].iter_mut().zip(longer) {
                // Not more than (2**64 - 1)**2 + 2 * (2**64 - 1), which is 2**128 - 1.
                let sum = u128::from(x) * u128::from(y) + u128::from(*result) + u128::from(carry);
                (*result, carry) = (sum as u64, (sum >> 64) as u64);
            }
            result[i + longer.len()] = carry;
        }
        Some(int(vm, result, a.negative != b.negative))
    })
}

/// `a << count`.
pub(super) fn shift_left(vm: &mut Vm, a: Value, count: Value) -> Option<Value> {
    let mut room = 0;
    let a = number(&a, &mut room)?;
    let count = count_of(count)?;
    let (whole, bits) = (count / 64, count % 64);
    let mut result = [0; 2 * MOST];
    let result = result.get_mut(..a.digits.len() + whole + 1)?;
    shift_up(&mut result[whole..], a.digits, bits);
    Some(int(vm, result, a.negative))
}

/// `a >> count`, rounded down.
pub(super) fn shift_right(vm: &mut Vm, a: Value, count: Value) -> Option<Value> {
    let mut room = 0;
    let a = number(&a, &mut room)?;
    let count = count_of(count)?;
    let (whole, bits) = (count / 64, count % 64);
    let Some((gone, rest)) = a.digits.split_at_checked(whole) else {
        return Some(Value::from_int(if a.negative { -1 } else { 0 }));
    };
    let mut result = [0; MOST + 1];
    let result = &mut result[..rest.len() + 1];
    let lost = shift_down(result, rest, bits) != 0 || gone.iter().any(|digit| *digit != 0);
    if a.negative && lost {
        for digit in result.iter_mut() {
            let carry;
            (*digit, carry) = digit.overflowing_add(1);
            if !carry {
                break;
            }
        }
    }
    Some(int(vm, result, a.negative))
}

fn count_of(count: Value) -> Option<usize> {
    if count.is_int() { usize::try_from(count.as_int()).ok() } else { None }
}

/// `result` has one digit more; `bits` is below 64.
fn shift_up(result: &mut [u64], digits: &[u64], bits: usize) {
    let mut carry = 0;
    for (result, &digit) in result.iter_mut().zip(digits) {
        let wide = u128::from(digit) << bits;
        *result = wide as u64 | carry;
        carry = (wide >> 64) as u64;
    }
    result[digits.len()] = carry;
}

/// The bits that are lost, at the top of a digit; `bits` is below 64.
fn shift_down(result: &mut [u64], digits: &[u64], bits: usize) -> u64 {
    let mut carry = 0;
    for (result, &digit) in result[..digits.len()].iter_mut().zip(digits).rev() {
        let wide = u128::from(digit) << 64 >> bits;
        *result = (wide >> 64) as u64 | carry;
        carry = wide as u64;
    }
    carry
}

/// Which of the bits of two numbers that are not negative.
pub(super) fn bitwise(vm: &mut Vm, a: Value, b: Value, operation: fn(u64, u64) -> u64) -> Option<Value> {
    let (mut room_a, mut room_b) = (0, 0);
    let (a, b) = (number(&a, &mut room_a)?, number(&b, &mut room_b)?);
    if a.negative || b.negative {
        return None;
    }
    let mut result = [0; MOST];
    let result = &mut result[..a.digits.len().max(b.digits.len())];
    let at = |digits: &[u64], i: usize| digits.get(i).copied().unwrap_or(0);
    for (i, result) in result.iter_mut().enumerate() {
        *result = operation(at(a.digits, i), at(b.digits, i));
    }
    Some(int(vm, result, false))
}

/// Which result of a division is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Quotient,
    Remainder,
}

/// The quotient rounded down, or the remainder with the divisor's sign. The divisor is not zero.
pub(super) fn divide(vm: &mut Vm, a: Value, b: Value, wanted: Wanted) -> Option<Value> {
    let (mut room_a, mut room_b) = (0, 0);
    let (a, b) = (number(&a, &mut room_a)?, number(&b, &mut room_b)?);
    // One digit more for rounding.
    let (mut quotient, mut remainder) = ([0; MOST + 1], [0; MOST]);
    divide_magnitudes(&mut quotient, &mut remainder, a.digits, b.digits);
    let (quotient, remainder) = (&mut quotient[..a.digits.len() + 1], &mut remainder[..b.digits.len()]);
    // Truncated so far.
    let adjust = a.negative != b.negative && remainder.iter().any(|digit| *digit != 0);
    if wanted == Wanted::Quotient {
        if adjust {
            increment(quotient);
        }
        return Some(int(vm, quotient, a.negative != b.negative));
    }
    if adjust {
        let mut rest = [0; MOST];
        subtract_magnitudes(&mut rest, b.digits, remainder);
        return Some(int(vm, &rest[..b.digits.len()], b.negative));
    }
    Some(int(vm, remainder, b.negative))
}

fn increment(digits: &mut [u64]) {
    for digit in digits {
        let carry;
        (*digit, carry) = digit.overflowing_add(1);
        if !carry {
            return;
        }
    }
}

/// Quotient and remainder of magnitudes; both results start as zeros. Knuth, The Art of Computer Programming 4.3.1, algorithm D.
fn divide_magnitudes(quotient: &mut [u64; MOST + 1], remainder: &mut [u64; MOST], a: &[u64], b: &[u64]) {
    if compare_magnitudes(a, b).is_lt() {
        remainder[..a.len()].copy_from_slice(a);
        return;
    }
    if let &[divisor] = b {
        let mut rest = 0;
        for (quotient, &digit) in quotient.iter_mut().zip(a).rev() {
            let wide = u128::from(rest) << 64 | u128::from(digit);
            *quotient = (wide / u128::from(divisor)) as u64;
            rest = (wide % u128::from(divisor)) as u64;
        }
        remainder[0] = rest;
        return;
    }
    // Shifted so that the divisor's highest bit is set: then a quotient's digit is guessed from two digits by two at most.
    let count = b.len();
    let shift = b[count - 1].leading_zeros() as usize;
    let (mut divisor, mut rest) = ([0; MOST + 1], [0; MOST + 1]);
    shift_up(&mut divisor[..count + 1], b, shift);
    shift_up(&mut rest[..a.len() + 1], a, shift);
    let divisor = &divisor[..count];
    let (high, second) = (u128::from(divisor[count - 1]), u128::from(divisor[count - 2]));
    for at in (0..=a.len() - count).rev() {
        let rest = &mut rest[at..=at + count];
        let first = u128::from(rest[count]);
        let two = first << 64 | u128::from(rest[count - 1]);
        let (mut guess, mut over) = if first == high {
            (u128::from(u64::MAX), u128::from(rest[count - 1]) + high)
        } else {
            (two / high, two % high)
        };
        while over >> 64 == 0 && guess * second > (over << 64 | u128::from(rest[count - 2])) {
            guess -= 1;
            over += high;
        }
        let (mut carry, mut borrow) = (0, false);
        for (rest, &digit) in rest.iter_mut().zip(divisor) {
            let product = guess * u128::from(digit) + u128::from(carry);
            (*rest, borrow) = subtract_with_borrow(*rest, product as u64, borrow);
            carry = (product >> 64) as u64;
        }
        (rest[count], borrow) = subtract_with_borrow(rest[count], carry, borrow);
        if borrow {
            // One too many.
            guess -= 1;
            let mut carry = false;
            for (rest, &digit) in rest.iter_mut().zip(divisor) {
                (*rest, carry) = add_with_carry(*rest, digit, carry);
            }
            rest[count] = rest[count].wrapping_add(carry.into());
        }
        quotient[at] = guess as u64;
    }
    shift_down(&mut remainder[..count], &rest[..count], shift);
}

/// `base ** exponent % modulus` of numbers of one word.
pub(super) fn power_modulo(base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let modulus = u128::from(modulus);
    let (mut result, mut square) = (1 % modulus, u128::from(base) % modulus);
    while exponent != 0 {
        if exponent & 1 != 0 {
            result = result * square % modulus;
        }
        square = square * square % modulus;
        exponent >>= 1;
    }
    result as u64
}
