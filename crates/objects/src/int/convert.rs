//! `int(...)`, and ints as floats.

use super::text;
use crate::args::{CallArgs, Signature};
use crate::error::PyResult;
use crate::ty::{TypeRef, flags};
use crate::vm::Vm;
use heap::Value;
use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

pub(super) fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> =
        Signature { parameters: ["", "base"], skip: 0, positional_only: 1, max_positional: 2, required: 0 };
    if args.values.len() > 2 && args.keyword_names().is_empty() {
        let given = args.values.len();
        return Err(vm.type_error(format!("int expected at most 2 arguments, got {given}")));
    }
    let [x, base] = args.bind(vm, "int", &PARAMETERS)?;
    let value = from_arguments(vm, x, base)?;
    if ty == vm.types.int { Ok(value) } else { Ok(vm.new_wrapped(ty, value)) }
}

fn from_arguments(vm: &mut Vm, x: Value, base: Value) -> PyResult {
    if x.is_null() {
        if !base.is_null() {
            return Err(vm.type_error("int() missing string argument"));
        }
        return Ok(Value::from_int(0));
    }
    if base.is_null() {
        return from_object(vm, x);
    }
    let base = vm.index_big(base)?;
    let base = vm.as_i64(base).unwrap_or(-1);
    if base != 0 && !(2..=36).contains(&base) {
        return Err(vm.value_error("int() base must be >= 2 and <= 36, or 0"));
    }
    match literal_of(vm, x)? {
        Some(literal) => text::parse(vm, &literal, base as u32, x),
        None => Err(vm.type_error("int() can't convert non-string with explicit base")),
    }
}

/// The ASCII text of a str, bytes or bytearray.
fn literal_of(vm: &mut Vm, x: Value) -> PyResult<Option<Vec<u8>>> {
    if vm.is_str(x) {
        return Ok(Some(crate::number_text::ascii_digits(vm.str_bytes(x))));
    }
    Ok(vm.bytes_of(x).map(<[u8]>::to_vec))
}

/// `int(x)`.
pub fn from_object(vm: &mut Vm, x: Value) -> PyResult {
    let ty = vm.type_of(x);
    if ty == vm.types.int {
        return Ok(x);
    }
    let (int, index, buffer) = {
        let slots = ty.slots();
        (slots.int, slots.index, slots.buffer)
    };
    if let Some(int) = int {
        let result = int(vm, x)?;
        return exact_result(vm, result, "__int__");
    }
    if index.is_some() {
        return vm.index_big(x);
    }
    if let Some(literal) = literal_of(vm, x)? {
        return text::parse(vm, &literal, 10, x);
    }
    if buffer.is_some() {
        let literal = vm.bytes_like(x)?.to_vec();
        return text::parse(vm, &literal, 10, x);
    }
    let name = ty.name();
    Err(vm.type_error(format!("int() argument must be a string, a bytes-like object or a real number, not '{name}'")))
}

/// What a conversion method returned, as an exact int.
fn exact_result(vm: &mut Vm, result: Value, method: &str) -> PyResult {
    let ty = vm.type_of(result);
    if ty == vm.types.int {
        return Ok(result);
    }
    let name = ty.name();
    if !ty.has(flags::INT) {
        return Err(vm.type_error(format!("{method} returned non-int (type {name})")));
    }
    let message = format!(
        "{method} returned non-int (type {name}).  The ability to return an instance of a strict subclass of int is deprecated, and may not be supported in a future version of Python."
    );
    (vm.hooks.warn)(vm, vm.exc.deprecation_warning, &message, 1)?;
    Ok(vm.int_of(result).expect("the type says int"))
}

/// The nearest float, ties to even; `None` beyond the range.
pub(super) fn to_float(x: &BigInt) -> Option<f64> {
    let magnitude = nearest(x.magnitude(), &BigUint::from(1u32))?;
    Some(if x.is_negative() { -magnitude } else { magnitude })
}

/// `x / y` as the nearest float, ties to even; `None` beyond the range. `y` is not zero.
pub(super) fn quotient(x: &BigInt, y: &BigInt) -> Option<f64> {
    let magnitude = nearest(x.magnitude(), y.magnitude())?;
    let negative = (x.sign() == Sign::Minus) != (y.sign() == Sign::Minus);
    Some(if negative { -magnitude } else { magnitude })
}

/// The float nearest to a fraction.
pub(crate) fn nearest(x: &BigUint, y: &BigUint) -> Option<f64> {
    if x.is_zero() {
        return Some(0.0);
    }
    // A quotient of 66 or 67 bits, scaled by 2**shift; what is left over only breaks ties.
    let shift = x.bits() as i64 - y.bits() as i64 - 66;
    let (quotient, rest) = if shift >= 0 { x.div_rem(&(y << shift as u64)) } else { (x << (-shift) as u64).div_rem(y) };
    let quotient = quotient.to_u128().expect("67 bits");
    let bits = 128 - quotient.leading_zeros() as i64;
    let exponent = bits + shift;
    if exponent > 1024 {
        return None;
    }
    let precision = exponent.saturating_add(1074).min(53);
    if precision < 0 {
        return Some(0.0);
    }
    let drop = (bits - precision) as u32;
    let (mut mantissa, rest_bits) = (quotient >> drop, quotient & ((1 << drop) - 1));
    let half = 1u128 << (drop - 1);
    if rest_bits > half || rest_bits == half && (!rest.is_zero() || mantissa & 1 == 1) {
        mantissa += 1;
    }
    let value = mantissa as f64 * power_of_two(shift + drop as i64);
    value.is_finite().then_some(value)
}

/// 2.0 ** k, for k from -1074 to 1023.
fn power_of_two(k: i64) -> f64 {
    if k >= -1022 { f64::from_bits(((k + 1023) as u64) << 52) } else { f64::from_bits(1 << (k + 1074)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float_of(text: &str) -> Option<f64> {
        to_float(&text.parse().unwrap())
    }

    #[test]
    fn ties_go_to_even() {
        assert_eq!(float_of("9007199254740993"), Some(9007199254740992.0));
        assert_eq!(float_of("9007199254740995"), Some(9007199254740996.0));
        assert_eq!(float_of("-9007199254740993"), Some(-9007199254740992.0));
        let huge = BigInt::from(1) << 1024;
        assert_eq!(to_float(&huge), None);
        assert_eq!(to_float(&(&huge - (BigInt::from(1) << 970))), None);
        assert_eq!(to_float(&(&huge - (BigInt::from(1) << 970) - 1)), Some(f64::MAX));
    }

    #[test]
    fn quotients_may_be_subnormal() {
        let one = BigInt::from(1);
        assert_eq!(quotient(&one, &(&one << 1074)), Some(f64::from_bits(1)));
        assert_eq!(quotient(&one, &(&one << 1075)), Some(0.0));
        assert_eq!(quotient(&BigInt::from(3), &(&one << 1075)), Some(f64::from_bits(2)));
        assert_eq!(quotient(&one, &BigInt::from(3)), Some(1.0 / 3.0));
        assert_eq!(quotient(&BigInt::from(-10), &BigInt::from(4)), Some(-2.5));
    }
}
