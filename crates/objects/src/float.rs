//! `float`: immediate where the exponent is common, else a [`BoxedFloat`].

pub mod format;
mod hex;
mod methods;
mod parse;
mod round;
pub mod text;

pub use parse::parse;
pub use round::round_to;
pub(crate) use text::text;
pub use text::{repr_text, shortest_digits};

use crate::args::CallArgs;
use crate::arity;
use crate::builtin_layouts::{BoxedFloat, WrappedInstance};
use crate::error::PyResult;
use crate::int;
use crate::layout::{Object, cast};
use crate::shape::{self, Kind};
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;
use num_bigint::BigInt;
use num_traits::FromPrimitive;
use std::cmp::Ordering;

pub(crate) fn init(vm: &mut Vm) {
    vm.types.float = vm.new_builtin_type(spec(), vm.types.object);
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::FLOAT | flags::WRAPPED | flags::MATCH_SELF,
        slots: Slots {
            new: Some(new),
            repr: Some(|vm, a| {
                let text = repr_text(value(vm, a));
                Ok(vm.new_str(&text))
            }),
            hash: Some(hash),
            compare: Some(compare),
            bool: Some(|vm, a| Ok(value(vm, a) != 0.0)),
            int: Some(|vm, a| {
                let x = value(vm, a);
                truncated(vm, x)
            }),
            float: Some(exact),
            neg: Some(|vm, a| Ok(vm.float(-value(vm, a)))),
            pos: Some(exact),
            abs: Some(|vm, a| Ok(vm.float(value(vm, a).abs()))),
            add: Some(|vm, a, b| arithmetic(vm, a, b, |a, b| a + b)),
            sub: Some(|vm, a, b| arithmetic(vm, a, b, |a, b| a - b)),
            mul: Some(|vm, a, b| arithmetic(vm, a, b, |a, b| a * b)),
            truediv: Some(|vm, a, b| division(vm, a, b, "division by zero", |vm, a, b| vm.float(a / b))),
            floordiv: Some(|vm, a, b| division(vm, a, b, "division by zero", |vm, a, b| vm.float(floor_divide(a, b)))),
            modulo: Some(|vm, a, b| division(vm, a, b, "division by zero", |vm, a, b| vm.float(modulo(a, b)))),
            divmod: Some(|vm, a, b| {
                division(vm, a, b, "division by zero", |vm, a, b| {
                    let parts = [vm.float(floor_divide(a, b)), vm.float(modulo(a, b))];
                    vm.new_tuple(&parts)
                })
            }),
            pow: Some(pow),
            ..Slots::default()
        },
        methods: methods::METHODS,
        getset: methods::GETTERS,
        doc: "Convert a string or number to a floating-point number, if possible.",
        ..TypeSpec::of::<BoxedFloat>("float", Kind::Float)
    }
}

impl Vm {
    #[inline(always)]
    pub fn float(&mut self, x: f64) -> Value {
        match Value::from_flonum(x) {
            Some(value) => value,
            None => self.boxed_float(x),
        }
    }

    #[inline(never)]
    fn boxed_float(&mut self, x: f64) -> Value {
        let value = self.thread.heap.alloc(shape::exact_id(Kind::Float), BoxedFloat::BYTES);
        cast::<BoxedFloat>(value).value.set(x);
        value
    }

    /// The value of a float or an instance of a subclass.
    #[inline(always)]
    pub fn as_f64(&self, value: Value) -> Option<f64> {
        if value.is_flonum() {
            return Some(value.as_flonum());
        }
        if value.is_object() { self.boxed_value(value) } else { None }
    }

    fn boxed_value(&self, value: Value) -> Option<f64> {
        if shape::is_exact(value, Kind::Float) {
            return Some(cast::<BoxedFloat>(value).value.get());
        }
        let shape = self.shape_of(value);
        if shape.kind == Kind::Instance && shape.ty.has(flags::FLOAT) {
            return self.as_f64(cast::<WrappedInstance>(value).value.get());
        }
        None
    }

    /// What a float parameter makes of its argument: floats, then `__float__`, then `__index__`.
    pub fn to_f64(&mut self, value: Value) -> PyResult<f64> {
        match self.to_f64_opt(value)? {
            Some(x) => Ok(x),
            None => {
                let name = self.type_name(value);
                Err(self.type_error(format!("must be real number, not {name}")))
            }
        }
    }

    /// The same; `None` if the value is no number.
    pub fn to_f64_opt(&mut self, value: Value) -> PyResult<Option<f64>> {
        if let Some(x) = self.as_f64(value) {
            return Ok(Some(x));
        }
        if value.is_int() {
            return Ok(Some(value.as_int() as f64));
        }
        let ty = self.type_of(value);
        let (float, index) = {
            let slots = ty.slots();
            (slots.float, slots.index)
        };
        if let Some(float) = float {
            let result = float(self, value)?;
            let result_type = self.type_of(result);
            let Some(x) = self.as_f64(result) else {
                let (name, given) = (ty.name(), result_type.name());
                return Err(self.type_error(format!("{name}.__float__ returned non-float (type {given})")));
            };
            if result_type != self.types.float {
                let message = format!(
                    "{}.__float__ returned non-float (type {}).  The ability to return an instance of a strict subclass of float is deprecated, and may not be supported in a future version of Python.",
                    ty.name(),
                    result_type.name()
                );
                (self.hooks.warn)(self, self.exc.deprecation_warning, &message, 1)?;
            }
            return Ok(Some(x));
        }
        if index.is_some() {
            let index = self.index_big(value)?;
            return int::int_to_f64(self, index).map(Some);
        }
        Ok(None)
    }
}

/// The value behind a float's slot.
#[inline(always)]
pub(crate) fn value(vm: &Vm, a: Value) -> f64 {
    vm.as_f64(a).expect("a float's slot")
}

/// An operand of float arithmetic: a float or an int; `None` otherwise.
#[inline(always)]
pub(crate) fn operand(vm: &mut Vm, a: Value) -> PyResult<Option<f64>> {
    if let Some(x) = vm.as_f64(a) {
        return Ok(Some(x));
    }
    if vm.is_int(a) { int::int_to_f64(vm, a).map(Some) } else { Ok(None) }
}

#[inline(always)]
fn arithmetic(vm: &mut Vm, a: Value, b: Value, f: impl Fn(f64, f64) -> f64) -> PyResult {
    let (Some(x), Some(y)) = (operand(vm, a)?, operand(vm, b)?) else { return Ok(vm.not_implemented) };
    Ok(vm.float(f(x, y)))
}

fn division(vm: &mut Vm, a: Value, b: Value, zero: &str, f: impl Fn(&mut Vm, f64, f64) -> Value) -> PyResult {
    let (Some(x), Some(y)) = (operand(vm, a)?, operand(vm, b)?) else { return Ok(vm.not_implemented) };
    if y == 0.0 {
        return Err(vm.zero_division(zero));
    }
    Ok(f(vm, x, y))
}

/// `a // b`; `b` is not zero.
pub fn floor_divide(a: f64, b: f64) -> f64 {
    let rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0f64.copysign(a / b);
    }
    let floor = quotient.floor();
    // The division may have rounded down.
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

/// `a % b`, with the sign of `b`; `b` is not zero.
pub fn modulo(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest == 0.0 {
        return 0f64.copysign(b);
    }
    if (b < 0.0) != (rest < 0.0) { rest + b } else { rest }
}

fn pow(vm: &mut Vm, a: Value, b: Value, modulus: Value) -> PyResult {
    if modulus != vm.none {
        return Err(vm.type_error("pow() 3rd argument not allowed unless all arguments are integers"));
    }
    let (Some(x), Some(y)) = (operand(vm, a)?, operand(vm, b)?) else { return Ok(vm.not_implemented) };
    power(vm, x, y)
}

/// `x ** y`: complex for a negative base and a fraction as exponent.
pub fn power(vm: &mut Vm, x: f64, y: f64) -> PyResult {
    if y == 0.0 || x == 1.0 {
        return Ok(vm.float(1.0));
    }
    if x == 0.0 && y < 0.0 && y.is_finite() {
        return Err(vm.zero_division("zero to a negative power"));
    }
    if x < 0.0 && x.is_finite() && y.is_finite() && y != y.floor() {
        return crate::complex::power(vm, (x, 0.0), (y, 0.0));
    }
    let result = x.powf(y);
    if result.is_infinite() && x.is_finite() && y.is_finite() {
        let message = vm.new_str("Numerical result out of range");
        return Err(vm.raise_args(vm.exc.overflow_error, &[Value::from_int(34), message]));
    }
    Ok(vm.float(result))
}

fn exact(vm: &mut Vm, a: Value) -> PyResult {
    Ok(vm.float(value(vm, a)))
}

/// `int(x)`.
pub fn truncated(vm: &mut Vm, x: f64) -> PyResult {
    if x.is_nan() {
        return Err(vm.value_error("cannot convert float NaN to integer"));
    }
    if x.is_infinite() {
        return Err(vm.overflow_error("cannot convert float infinity to integer"));
    }
    if x.abs() < 4e18 {
        return Ok(vm.int(x as i64));
    }
    let big = BigInt::from_f64(x.trunc()).expect("finite");
    Ok(vm.int_from_big(&big))
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    let x = value(vm, a);
    let ordering = if let Some(y) = vm.as_f64(b) {
        x.partial_cmp(&y)
    } else if let Some(y) = vm.int_of(b) {
        compare_with_int(x, y)
    } else {
        return Ok(vm.not_implemented);
    };
    let holds = match ordering {
        Some(ordering) => op.holds(ordering),
        None => op == CompareOp::Ne,
    };
    Ok(vm.bool(holds))
}

/// Exactly, however large the int; `None` for NaN.
pub(crate) fn compare_with_int(x: f64, y: Value) -> Option<Ordering> {
    if x.is_nan() {
        return None;
    }
    if x.is_infinite() {
        return Some(if x > 0.0 { Ordering::Greater } else { Ordering::Less });
    }
    if y.is_int() && y.as_int().unsigned_abs() <= 1 << 53 {
        return x.partial_cmp(&(y.as_int() as f64));
    }
    let y = if y.is_int() { BigInt::from(y.as_int()) } else { int::to_big(y) };
    let whole = BigInt::from_f64(x.trunc()).expect("finite");
    let fraction = x - x.trunc();
    Some(whole.cmp(&y).then(fraction.partial_cmp(&0.0).expect("finite")))
}

fn hash(vm: &mut Vm, a: Value) -> PyResult<i64> {
    let x = value(vm, a);
    if x.is_nan() {
        return crate::object::identity_hash(vm, a);
    }
    Ok(hash_f64(x))
}

/// The hash of a float that is not NaN: equal to an equal int's.
pub fn hash_f64(x: f64) -> i64 {
    const MODULUS: u64 = int::HASH_MODULUS;
    if x.is_infinite() {
        return if x > 0.0 { 314159 } else { -314159 };
    }
    if x == x.trunc() && x.abs() < 9e15 {
        return crate::dict::hash_small_int(x as i64);
    }
    let (mantissa, exponent) = decompose(x.abs());
    let mut hash = mantissa % MODULUS;
    // Multiplying by 2**e modulo 2**61 - 1 is a rotation of 61 bits.
    let shift = exponent.rem_euclid(61) as u32;
    if shift > 0 {
        hash = (hash << shift) & MODULUS | hash >> (61 - shift);
    }
    let hash = if x < 0.0 { -(hash as i64) } else { hash as i64 };
    if hash == -1 { -2 } else { hash }
}

/// Mantissa and exponent of a finite float that is not negative: `mantissa * 2**exponent`.
pub fn decompose(x: f64) -> (u64, i32) {
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    arity::no_keywords_unless_derived(vm, vm.types.float, ty, args)?;
    arity::positional_count(vm, "float", args.args(), 0, 1)?;
    let x = match args.args() {
        [value] => from_object(vm, *value)?,
        _ => 0.0,
    };
    let float = vm.float(x);
    if ty == vm.types.float { Ok(float) } else { Ok(vm.new_wrapped(ty, float)) }
}

/// `float(value)`.
pub fn from_object(vm: &mut Vm, value: Value) -> PyResult<f64> {
    // Unlike elsewhere, a class derived from float may say otherwise.
    let ty = vm.type_of(value);
    if ty != vm.types.float && ty.has(flags::FLOAT) {
        let float = ty.slots().float;
        if let Some(float) = float {
            let result = float(vm, value)?;
            return match vm.as_f64(result) {
                Some(x) => Ok(x),
                None => {
                    let (name, given) = (ty.name(), vm.type_name(result));
                    Err(vm.type_error(format!("{name}.__float__ returned non-float (type {given})")))
                }
            };
        }
    }
    if let Some(x) = vm.to_f64_opt(value)? {
        return Ok(x);
    }
    let literal = if vm.is_str(value) {
        crate::number_text::ascii_digits(vm.str_bytes(value))
    } else if vm.type_of(value).slots().buffer.is_some() {
        vm.bytes_like(value)?.to_vec()
    } else {
        let name = vm.type_name(value);
        return Err(vm.type_error(format!("float() argument must be a string or a real number, not '{name}'")));
    };
    match parse(&literal) {
        Some(x) => Ok(x),
        None => {
            let repr = vm.repr_text(value)?;
            Err(vm.value_error(format!("could not convert string to float: {repr}")))
        }
    }
}
