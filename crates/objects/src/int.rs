//! `int`: tagged words of 63 bits, and [`BigInt`](crate::builtin_layouts::BigInt) objects beyond.
//!
//! Invariant: an int that fits in 63 bits is never a big one, so equal ints of the two forms do not exist.

pub(crate) mod convert;
mod limbs;
mod methods;
mod text;
mod words;

pub use convert::from_object;
pub use text::{max_str_digits, parse, set_max_str_digits, to_text};

use crate::builtin_layouts::{self, WrappedInstance};
use crate::error::PyResult;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;
use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

pub(crate) fn init(vm: &mut Vm) {
    vm.types.int = vm.new_builtin_type(spec(), vm.types.object);
}

/// The modulus of numeric hashes: 2**61 - 1.
pub const HASH_MODULUS: u64 = (1 << 61) - 1;

impl Vm {
    /// An int of 64 bits.
    #[inline(always)]
    pub fn int(&mut self, i: i64) -> Value {
        if Value::int_fits(i) { Value::from_int(i) } else { self.int_from_i128(i128::from(i)) }
    }

    /// An unsigned int of 64 bits.
    pub fn int_from_u64(&mut self, i: u64) -> Value {
        self.int_from_i128(i128::from(i))
    }

    /// An int of any size.
    pub fn int_from_big(&mut self, i: &BigInt) -> Value {
        match i.to_i64() {
            Some(small) if Value::int_fits(small) => Value::from_int(small),
            _ => self.big_int(i),
        }
    }

    fn big_int(&mut self, i: &BigInt) -> Value {
        self.big_from_digits(&i.magnitude().to_u64_digits(), i.is_negative())
    }

    /// The int behind an int, a bool, or an instance of a subclass; else `None`.
    pub fn int_of(&self, value: Value) -> Option<Value> {
        if value.is_int() {
            return Some(value);
        }
        if !value.is_object() {
            return None;
        }
        match self.shape_of(value).kind {
            Kind::BigInt => Some(value),
            Kind::Bool => Some(Value::from_int((value == self.true_) as i64)),
            Kind::Instance if self.type_of(value).has(flags::INT) => Some(cast::<WrappedInstance>(value).value.get()),
            _ => None,
        }
    }

    /// The value of an int, bool or instance of a subclass, if it fits in 64 bits.
    pub fn as_i64(&self, value: Value) -> Option<i64> {
        let value = self.int_of(value)?;
        if value.is_int() { Some(value.as_int()) } else { to_big(value).to_i64() }
    }

    /// The value of an int, bool or instance of a subclass.
    pub fn as_bigint(&self, value: Value) -> Option<BigInt> {
        let value = self.int_of(value)?;
        Some(if value.is_int() { BigInt::from(value.as_int()) } else { to_big(value) })
    }

    /// Whether the value is an int, a bool, or an instance of a subclass.
    pub fn is_int(&self, value: Value) -> bool {
        self.int_of(value).is_some()
    }
}

/// The value of a big int object.
pub fn to_big(value: Value) -> BigInt {
    let digits = words::digits(&value);
    // The vectors behind big ints are made by code that cannot do without: here for what is in proportion to them.
    heap::ensure_room(digits.len().saturating_mul(4 * size_of::<u64>()));
    let halves = digits.iter().flat_map(|digit| [*digit as u32, (*digit >> 32) as u32]).collect();
    let sign = if cast::<builtin_layouts::BigInt>(value).sign.get() < 0 { Sign::Minus } else { Sign::Plus };
    BigInt::from_biguint(sign, BigUint::new(halves))
}

/// Both operands as big ints, or `None` if one is no int: the operator is not for us.
///
/// Refused where there is no room for what products and quotients of such ints take on the way: the library cannot fail.
fn operands(vm: &Vm, a: Value, b: Value) -> Option<(BigInt, BigInt)> {
    let (x, y) = exact(vm, a, b)?;
    let words = |value: Value| if value.is_int() { 1 } else { words::digits(&value).len() };
    let bytes = (words(x) + words(y)).saturating_mul(size_of::<u64>());
    heap::ensure_room(bytes.saturating_mul(8));
    Some((vm.as_bigint(x)?, vm.as_bigint(y)?))
}

/// Both operands if they are ints of 63 bits.
#[inline(always)]
fn small(vm: &Vm, a: Value, b: Value) -> Option<(i64, i64)> {
    let (a, b) = (vm.int_of(a)?, vm.int_of(b)?);
    if a.is_int() && b.is_int() { Some((a.as_int(), b.as_int())) } else { None }
}

/// Both operands as exact ints.
fn exact(vm: &Vm, a: Value, b: Value) -> Option<(Value, Value)> {
    Some((vm.int_of(a)?, vm.int_of(b)?))
}

/// Both operands if they are ints of 127 bits and a sign.
fn narrow(vm: &Vm, a: Value, b: Value) -> Option<(i128, i128)> {
    Some((words::narrow(vm.int_of(a)?)?, words::narrow(vm.int_of(b)?)?))
}

macro_rules! arithmetic {
    ($($(#[$meta:meta])* $name:ident: |$x:ident, $y:ident| $small:expr, $digits:expr, $big:expr;)*) => {
        $(
            $(#[$meta])*
            pub fn $name(vm: &mut Vm, a: Value, b: Value) -> PyResult {
                if let Some(($x, $y)) = small(vm, a, b) {
                    let result: Option<i64> = $small;
                    if let Some(result) = result {
                        return Ok(vm.int(result));
                    }
                }
                if let Some(($x, $y)) = narrow(vm, a, b) {
                    let result: Option<i128> = $small;
                    if let Some(result) = result {
                        return Ok(vm.int_from_i128(result));
                    }
                }
                let Some((x, y)) = exact(vm, a, b) else { return Ok(vm.not_implemented) };
                let by_digits: fn(&mut Vm, Value, Value) -> Option<Value> = $digits;
                if let Some(result) = by_digits(vm, x, y) {
                    return Ok(result);
                }
                let Some(($x, $y)) = operands(vm, a, b) else { return Ok(vm.not_implemented) };
                let result: BigInt = $big;
                Ok(vm.int_from_big(&result))
            }
        )*
    };
}

arithmetic! {
    add: |x, y| x.checked_add(y), |vm, x, y| limbs::add(vm, x, y, false), x + y;
    sub: |x, y| x.checked_sub(y), |vm, x, y| limbs::add(vm, x, y, true), x - y;
    mul: |x, y| x.checked_mul(y), limbs::multiply, x * y;
    bit_and: |x, y| Some(x & y), |vm, x, y| limbs::bitwise(vm, x, y, |x, y| x & y), x & y;
    bit_or: |x, y| Some(x | y), |vm, x, y| limbs::bitwise(vm, x, y, |x, y| x | y), x | y;
    bit_xor: |x, y| Some(x ^ y), |vm, x, y| limbs::bitwise(vm, x, y, |x, y| x ^ y), x ^ y;
}

fn division_by_zero(vm: &mut Vm, message: &str) -> PyResult {
    Err(vm.zero_division(message))
}

pub fn floordiv(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    if let Some((x, y)) = small(vm, a, b)
        && y != 0
    {
        return Ok(vm.int(Integer::div_floor(&x, &y)));
    }
    if let Some((x, y)) = narrow(vm, a, b)
        && y != 0
    {
        return Ok(vm.int_from_i128(Integer::div_floor(&x, &y)));
    }
    if let Some(quotient) = divided(vm, a, b, limbs::Wanted::Quotient) {
        return Ok(quotient);
    }
    let Some((x, y)) = operands(vm, a, b) else { return Ok(vm.not_implemented) };
    if y.is_zero() {
        return division_by_zero(vm, "division by zero");
    }
    let quotient = x.div_floor(&y);
    Ok(vm.int_from_big(&quotient))
}

pub fn modulo(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    if let Some((x, y)) = small(vm, a, b)
        && y != 0
    {
        return Ok(vm.int(Integer::mod_floor(&x, &y)));
    }
    if let Some((x, y)) = narrow(vm, a, b)
        && y != 0
    {
        return Ok(vm.int_from_i128(Integer::mod_floor(&x, &y)));
    }
    if let Some(remainder) = divided(vm, a, b, limbs::Wanted::Remainder) {
        return Ok(remainder);
    }
    let Some((x, y)) = operands(vm, a, b) else { return Ok(vm.not_implemented) };
    if y.is_zero() {
        return division_by_zero(vm, "division by zero");
    }
    let remainder = x.mod_floor(&y);
    Ok(vm.int_from_big(&remainder))
}

/// Of ints of not too many digits; `None` for a divisor of zero, too.
fn divided(vm: &mut Vm, a: Value, b: Value, wanted: limbs::Wanted) -> Option<Value> {
    let (a, b) = exact(vm, a, b)?;
    if b == Value::from_int(0) { None } else { limbs::divide(vm, a, b, wanted) }
}

pub fn divmod(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    if let Some((x, y)) = narrow(vm, a, b)
        && y != 0
    {
        let (quotient, remainder) = Integer::div_mod_floor(&x, &y);
        let quotient = vm.int_from_i128(quotient);
        let remainder = vm.int_from_i128(remainder);
        return Ok(vm.new_tuple(&[quotient, remainder]));
    }
    if let Some(quotient) = divided(vm, a, b, limbs::Wanted::Quotient)
        && let Some(remainder) = divided(vm, a, b, limbs::Wanted::Remainder)
    {
        return Ok(vm.new_tuple(&[quotient, remainder]));
    }
    let Some((x, y)) = operands(vm, a, b) else { return Ok(vm.not_implemented) };
    if y.is_zero() {
        return division_by_zero(vm, "division by zero");
    }
    let (quotient, remainder) = x.div_mod_floor(&y);
    let (quotient, remainder) = (vm.int_from_big(&quotient), vm.int_from_big(&remainder));
    Ok(vm.new_tuple(&[quotient, remainder]))
}

pub fn truediv(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    // Both are floats without rounding.
    if let Some((x, y)) = small(vm, a, b)
        && y != 0
        && x.unsigned_abs() <= 1 << 53
        && y.unsigned_abs() <= 1 << 53
    {
        return Ok(vm.float(x as f64 / y as f64));
    }
    let Some((x, y)) = operands(vm, a, b) else { return Ok(vm.not_implemented) };
    if y.is_zero() {
        return division_by_zero(vm, "division by zero");
    }
    match convert::quotient(&x, &y) {
        Some(quotient) => Ok(vm.float(quotient)),
        None => Err(vm.overflow_error("integer division result too large for a float")),
    }
}

/// Shifts that would not fit in memory are errors; a result of 0 or -1 is cheap at any count.
fn shift(vm: &mut Vm, a: Value, b: Value, left: bool) -> PyResult {
    if let Some((x, count)) = small(vm, a, b)
        && count >= 0
    {
        if !left {
            return Ok(vm.int(x >> count.min(63)));
        }
        if count < x.unsigned_abs().leading_zeros() as i64 - 1 {
            return Ok(vm.int(x << count));
        }
    }
    if let Some((x, count)) = narrow(vm, a, b)
        && count >= 0
    {
        if !left {
            return Ok(vm.int_from_i128(x >> count.min(127)));
        }
        if count < i128::from(x.unsigned_abs().leading_zeros()) - 1 {
            return Ok(vm.int_from_i128(x << count));
        }
    }
    let Some((x, count)) = exact(vm, a, b) else { return Ok(vm.not_implemented) };
    let by_digits = if left { limbs::shift_left } else { limbs::shift_right };
    if let Some(result) = by_digits(vm, x, count) {
        return Ok(result);
    }
    let Some((x, count)) = operands(vm, a, b) else { return Ok(vm.not_implemented) };
    if count.is_negative() {
        return Err(vm.value_error("negative shift count"));
    }
    if x.is_zero() {
        return Ok(Value::from_int(0));
    }
    let result = if left {
        match count.to_i64().and_then(|count| count.checked_add(x.bits() as i64)) {
            Some(bits) => {
                heap::ensure_room(bits as usize / 8 * 3);
                let shift = bits as u64 - x.bits();
                x << shift
            }
            None => return Err(vm.overflow_error("too many digits in integer")),
        }
    } else {
        match count.to_u64() {
            Some(count) if count <= x.bits() => x >> count,
            _ => BigInt::from(if x.is_negative() { -1 } else { 0 }),
        }
    };
    Ok(vm.int_from_big(&result))
}

pub fn lshift(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    shift(vm, a, b, true)
}

pub fn rshift(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    shift(vm, a, b, false)
}

/// `pow(a, b)` or `pow(a, b, modulus)`; no modulus is None.
pub fn pow(vm: &mut Vm, a: Value, b: Value, modulus: Value) -> PyResult {
    if let Some((x, exponent)) = small(vm, a, b)
        && let Ok(exponent) = u64::try_from(exponent)
    {
        if modulus == vm.none {
            let power = u32::try_from(exponent).ok().and_then(|exponent| x.checked_pow(exponent));
            if let Some(power) = power {
                return Ok(vm.int(power));
            }
        } else if let (Ok(base), Some((_, modulus))) = (u64::try_from(x), small(vm, a, modulus))
            && modulus > 0
        {
            return Ok(vm.int(limbs::power_modulo(base, exponent, modulus as u64) as i64));
        }
    }
    let Some((base, exponent)) = operands(vm, a, b) else { return Ok(vm.not_implemented) };
    if modulus == vm.none {
        if exponent.is_negative() {
            if base.is_zero() {
                return division_by_zero(vm, "zero to a negative power");
            }
            let (x, y) = (vm.int_from_big(&base), vm.int_from_big(&exponent));
            let (x, y) = (vm.to_f64(x)?, vm.to_f64(y)?);
            return crate::float::power(vm, x, y);
        }
        let result = match exponent.to_u32() {
            Some(exponent) => {
                if base.bits() > 1 {
                    heap::ensure_room((base.bits() as usize).saturating_mul(exponent as usize) / 8 * 5);
                }
                num_traits::pow(base, exponent as usize)
            }
            None if base.is_zero() || base == BigInt::from(1) => base,
            None if base == BigInt::from(-1) => BigInt::from(if exponent.is_even() { 1 } else { -1 }),
            None => return Err(vm.memory_error("")),
        };
        return Ok(vm.int_from_big(&result));
    }
    let Some(modulus) = vm.as_bigint(modulus) else { return Ok(vm.not_implemented) };
    if modulus.is_zero() {
        return Err(vm.value_error("pow() 3rd argument cannot be 0"));
    }
    let (base, exponent) = if exponent.is_negative() {
        match base.modinv(&modulus) {
            Some(inverse) => (inverse, -exponent),
            None => return Err(vm.value_error("base is not invertible for the given modulus")),
        }
    } else {
        (base, exponent)
    };
    let result = base.modpow(&exponent, &modulus);
    Ok(vm.int_from_big(&result))
}

fn neg(vm: &mut Vm, a: Value) -> PyResult {
    if a.is_int() {
        return Ok(vm.int(-a.as_int()));
    }
    let x = vm.as_bigint(a).expect("an int's slot");
    Ok(vm.int_from_big(&-x))
}

fn pos(vm: &mut Vm, a: Value) -> PyResult {
    Ok(vm.int_of(a).expect("an int's slot"))
}

fn abs(vm: &mut Vm, a: Value) -> PyResult {
    if a.is_int() {
        return Ok(vm.int(a.as_int().abs()));
    }
    let x = vm.as_bigint(a).expect("an int's slot");
    Ok(vm.int_from_big(&x.abs()))
}

fn invert(vm: &mut Vm, a: Value) -> PyResult {
    if a.is_int() {
        return Ok(vm.int(!a.as_int()));
    }
    let x = vm.as_bigint(a).expect("an int's slot");
    Ok(vm.int_from_big(&!x))
}

/// An exact int has no attributes to lose: it stands for itself, a subclass's instance for its value.
fn as_exact(vm: &mut Vm, a: Value) -> PyResult {
    pos(vm, a)
}

fn to_float(vm: &mut Vm, a: Value) -> PyResult {
    let x = int_to_f64(vm, a)?;
    Ok(vm.float(x))
}

/// The nearest float; OverflowError beyond the range.
pub fn int_to_f64(vm: &mut Vm, a: Value) -> PyResult<f64> {
    let exact = vm.int_of(a).expect("an int");
    if exact.is_int() {
        return Ok(exact.as_int() as f64);
    }
    match convert::to_float(&to_big(exact)) {
        Some(x) => Ok(x),
        None => Err(vm.overflow_error("int too large to convert to float")),
    }
}

fn truth(vm: &mut Vm, a: Value) -> PyResult<bool> {
    Ok(vm.int_of(a).expect("an int's slot") != Value::from_int(0))
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if let Some((x, y)) = small(vm, a, b) {
        return Ok(vm.bool(op.holds(x.cmp(&y))));
    }
    if let Some((x, y)) = narrow(vm, a, b) {
        return Ok(vm.bool(op.holds(x.cmp(&y))));
    }
    let Some((x, y)) = exact(vm, a, b) else { return Ok(vm.not_implemented) };
    Ok(vm.bool(op.holds(limbs::compare(x, y))))
}

/// The value modulo 2**61 - 1, with its sign; -1 becomes -2.
fn hash(vm: &mut Vm, a: Value) -> PyResult<i64> {
    let exact = vm.int_of(a).expect("an int's slot");
    Ok(hash_exact(exact))
}

/// The hash of an exact int.
pub fn hash_exact(value: Value) -> i64 {
    let (magnitude, negative) = if value.is_int() {
        (value.as_int().unsigned_abs() % HASH_MODULUS, value.as_int() < 0)
    } else if let Some(i) = words::narrow(value) {
        ((i.unsigned_abs() % u128::from(HASH_MODULUS)) as u64, i < 0)
    } else {
        let modulus = u128::from(HASH_MODULUS);
        let digits = words::digits(&value).iter().rev();
        let rest = digits.fold(0, |rest: u128, digit| (rest << 64 | u128::from(*digit)) % modulus);
        (rest as u64, cast::<builtin_layouts::BigInt>(value).sign.get() < 0)
    };
    let hash = if negative { -(magnitude as i64) } else { magnitude as i64 };
    if hash == -1 { -2 } else { hash }
}

fn repr(vm: &mut Vm, a: Value) -> PyResult {
    let exact = vm.int_of(a).expect("an int's slot");
    let text = to_text(vm, exact)?;
    Ok(vm.new_str(&text))
}

/// The type `int`.
fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::INT | flags::WRAPPED | flags::MATCH_SELF,
        tail: heap::Tail::Words,
        slots: Slots {
            new: Some(convert::new),
            repr: Some(repr),
            hash: Some(hash),
            compare: Some(compare),
            bool: Some(truth),
            int: Some(as_exact),
            index: Some(as_exact),
            float: Some(to_float),
            neg: Some(neg),
            pos: Some(pos),
            abs: Some(abs),
            invert: Some(invert),
            add: Some(add),
            sub: Some(sub),
            mul: Some(mul),
            truediv: Some(truediv),
            floordiv: Some(floordiv),
            modulo: Some(modulo),
            divmod: Some(divmod),
            pow: Some(pow),
            lshift: Some(lshift),
            rshift: Some(rshift),
            and: Some(bit_and),
            or: Some(bit_or),
            xor: Some(bit_xor),
            ..Slots::default()
        },
        methods: methods::METHODS,
        getset: methods::GETTERS,
        doc: "int([x]) -> integer\nint(x, base=10) -> integer",
        ..TypeSpec::of::<builtin_layouts::BigInt>("int", Kind::BigInt)
    }
}

#[cfg(test)]
mod tests {
    use crate::error::PyResult;
    use crate::slots::CompareOp;
    use crate::testing::{error, repr, with_vms};
    use crate::vm::Vm;
    use heap::Value;
    use num_bigint::BigInt;
    use num_integer::Integer;
    use num_traits::{ToPrimitive, Zero};

    fn parse(vm: &mut Vm, text: &str) -> Value {
        vm.int_from_big(&text.parse().unwrap())
    }

    #[test]
    fn the_two_forms_do_not_overlap() {
        with_vms(|vm| {
            for text in ["4611686018427387903", "-4611686018427387904", "4611686018427387904", "-4611686018427387905"] {
                let value = parse(vm, text);
                assert_eq!(repr(vm, value), text);
                let fits = Value::int_fits(text.parse().unwrap());
                assert_eq!(value.is_int(), fits);
                let zero = super::sub(vm, value, value).unwrap();
                assert_eq!(zero, Value::from_int(0));
            }
            let edge = Value::from_int(Value::INT_MIN);
            let negated = super::neg(vm, edge).unwrap();
            assert_eq!(repr(vm, negated), "4611686018427387904");
            let back = super::neg(vm, negated).unwrap();
            assert!(back == edge);
        });
    }

    /// Around 63, 64, 127 and 128 bits the ways to do arithmetic change.
    #[test]
    fn all_widths_agree_with_arithmetic_of_any_size() {
        with_vms(agree_with_arithmetic_of_any_size);
    }

    fn agree_with_arithmetic_of_any_size(vm: &mut Vm) {
        let mut numbers = vec![BigInt::from(0), BigInt::from(7)];
        for bits in [31, 62, 63, 64, 126, 127, 128, 190, 2048, 2112] {
            numbers.extend([-1, 0, 1].map(|offset| (BigInt::from(1) << bits) + offset));
        }
        // Digits for which a division guesses wrong are rare among others.
        let digits = [0, u64::MAX, 1 << 63, 0x9e37_79b9_7f4a_7c15];
        for (first, second) in digits.iter().flat_map(|first| digits.iter().map(move |second| (first, second))) {
            let two: BigInt = (BigInt::from(*second) << 64u32) + *first;
            numbers.push((BigInt::from(*first) << 192) + (two.clone() << 64) + second);
            numbers.push(two);
        }
        numbers.extend(numbers.clone().iter().map(|number| -number));
        for x in &numbers {
            let a = vm.int_from_big(x);
            for y in &numbers {
                let b = vm.int_from_big(y);
                let mut check = |operation: fn(&mut Vm, Value, Value) -> PyResult, b: Value, expected: BigInt| {
                    let result = operation(vm, a, b).expect("a number");
                    assert_eq!(vm.as_bigint(result).as_ref(), Some(&expected), "of {x} and {y}");
                    let is_immediate = expected.to_i64().is_some_and(Value::int_fits);
                    assert_eq!(result.is_int(), is_immediate, "{expected} has one form");
                };
                check(super::add, b, x + y);
                check(super::sub, b, x - y);
                check(super::mul, b, x * y);
                check(super::bit_and, b, x & y);
                check(super::bit_or, b, x | y);
                check(super::bit_xor, b, x ^ y);
                if !y.is_zero() {
                    check(super::floordiv, b, x.div_floor(y));
                    check(super::modulo, b, x.mod_floor(y));
                }
                for count in [0, 1, 62, 63, 64, 127, 128] {
                    check(super::rshift, Value::from_int(count), x >> count);
                    check(super::lshift, Value::from_int(count), x << count);
                }
                if !y.is_zero() {
                    let both = super::divmod(vm, a, b).expect("a pair");
                    let quotient = crate::tuple::items(both)[0];
                    assert_eq!(vm.as_bigint(quotient), Some(x.div_floor(y)), "of {x} and {y}");
                }
                for (op, holds) in [(CompareOp::Lt, x < y), (CompareOp::Eq, x == y), (CompareOp::Ge, x >= y)] {
                    assert!(super::compare(vm, a, b, op).expect("a bool") == vm.bool(holds), "{x} and {y}");
                }
            }
        }
    }

    #[test]
    fn division_floors() {
        with_vms(|vm| {
            let big = parse(vm, "-100000000000000000000");
            let seven = Value::from_int(7);
            let quotient = super::floordiv(vm, big, seven).unwrap();
            assert_eq!(repr(vm, quotient), "-14285714285714285715");
            let rest = super::modulo(vm, big, seven).unwrap();
            assert_eq!(rest.as_int(), 5);
            let raised = super::modulo(vm, seven, Value::from_int(0)).unwrap_err();
            assert_eq!(error(vm, raised), "ZeroDivisionError: division by zero");
        });
    }

    #[test]
    fn equal_numbers_have_equal_hashes() {
        with_vms(|vm| {
            for exponent in 0..1000 {
                let big = num_bigint::BigInt::from(1) << exponent;
                let int = vm.int_from_big(&big);
                let float = vm.float(2f64.powi(exponent));
                assert_eq!(vm.hash(int).unwrap(), vm.hash(float).unwrap());
            }
        });
    }
}
