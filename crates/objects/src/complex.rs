//! `complex`: two floats.
//!
//! Arithmetic is that of C99, Annex G, as in CPython 3.14: a real operand has no imaginary part at all, so that signed zeros
//! and infinities come out right.

mod arithmetic;
mod methods;
mod parse;
pub mod text;

pub use arithmetic::power;
pub use parse::parse;

use crate::args::{CallArgs, Signature};
use crate::builtin_layouts::{Complex, WrappedInstance};
use crate::error::PyResult;
use crate::float;
use crate::layout::{Object, cast};
use crate::shape::{self, Kind};
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

/// Real and imaginary part.
pub type Parts = (f64, f64);

pub(crate) fn init(vm: &mut Vm) {
    vm.types.complex = vm.new_builtin_type(spec(), vm.types.object);
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::COMPLEX | flags::WRAPPED,
        slots: Slots {
            new: Some(new),
            repr: Some(|vm, a| {
                let text = text::repr_text(parts(vm, a));
                Ok(vm.new_str(&text))
            }),
            hash: Some(hash),
            compare: Some(compare),
            bool: Some(|vm, a| Ok(parts(vm, a) != (0.0, 0.0))),
            neg: Some(|vm, a| {
                let (re, im) = parts(vm, a);
                Ok(vm.complex(-re, -im))
            }),
            pos: Some(|vm, a| {
                let (re, im) = parts(vm, a);
                Ok(vm.complex(re, im))
            }),
            abs: Some(abs),
            add: Some(arithmetic::add),
            sub: Some(arithmetic::sub),
            mul: Some(arithmetic::mul),
            truediv: Some(arithmetic::truediv),
            pow: Some(arithmetic::pow),
            ..Slots::default()
        },
        methods: methods::METHODS,
        getset: methods::GETTERS,
        doc: "Create a complex number from a string or numbers.\n\n\
              If a string is given, parse it as a complex number.\n\
              If a single number is given, convert it to a complex number.\n\
              If the 'real' or 'imag' arguments are given, create a complex number\n\
              with the specified real and imaginary components.",
        ..TypeSpec::of::<Complex>("complex", Kind::Complex)
    }
}

impl Vm {
    pub fn complex(&mut self, re: f64, im: f64) -> Value {
        let value = self.thread.heap.alloc(shape::exact_id(Kind::Complex), Complex::BYTES);
        let object = cast::<Complex>(value);
        object.re.set(re);
        object.im.set(im);
        value
    }

    /// The value of a complex number or an instance of a subclass.
    pub fn as_complex(&self, value: Value) -> Option<Parts> {
        let exact = if shape::is_exact(value, Kind::Complex) {
            value
        } else if value.is_object() && self.type_of(value).has(flags::COMPLEX) {
            cast::<WrappedInstance>(value).value.get()
        } else {
            return None;
        };
        let object = cast::<Complex>(exact);
        Some((object.re.get(), object.im.get()))
    }

    /// What a complex parameter makes of its argument: `__complex__`, then what floats do.
    pub fn to_complex(&mut self, value: Value) -> PyResult<Parts> {
        if let Some(z) = self.as_complex(value) {
            return Ok(z);
        }
        if let Some(z) = convert(self, value)? {
            return Ok(z);
        }
        Ok((self.to_f64(value)?, 0.0))
    }
}

pub(crate) fn parts(vm: &Vm, value: Value) -> Parts {
    vm.as_complex(value).expect("a complex number's slot")
}

/// A complex number, or what `__complex__` gives; a derived class may have its own.
fn convert(vm: &mut Vm, value: Value) -> PyResult<Option<Parts>> {
    if vm.type_of(value) == vm.types.complex {
        return Ok(vm.as_complex(value));
    }
    let name = vm.names.__complex__;
    let Some(result) = vm.call_special_opt(value, name, &[]) else { return Ok(None) };
    let result = result?;
    let ty = vm.type_of(result);
    let Some(z) = vm.as_complex(result) else {
        let given = ty.name();
        return Err(vm.type_error(format!("__complex__ returned non-complex (type {given})")));
    };
    if ty != vm.types.complex {
        let message = format!(
            "__complex__ returned non-complex (type {}).  The ability to return an instance of a strict subclass of complex is deprecated, and may be removed in a future version of Python.",
            ty.name()
        );
        (vm.hooks.warn)(vm, vm.exc.deprecation_warning, &message, 1)?;
    }
    Ok(Some(z))
}

fn abs(vm: &mut Vm, a: Value) -> PyResult {
    let (re, im) = parts(vm, a);
    let length = re.hypot(im);
    if length.is_infinite() && re.is_finite() && im.is_finite() {
        return Err(vm.overflow_error("absolute value too large"));
    }
    Ok(vm.float(length))
}

fn hash(vm: &mut Vm, a: Value) -> PyResult<i64> {
    let (re, im) = parts(vm, a);
    if re.is_nan() || im.is_nan() {
        return crate::object::identity_hash(vm, a);
    }
    let hash = (float::hash_f64(re) as u64).wrapping_add((float::hash_f64(im) as u64).wrapping_mul(1_000_003)) as i64;
    Ok(if hash == -1 { -2 } else { hash })
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(vm.not_implemented);
    }
    let (re, im) = parts(vm, a);
    let equal = if let Some((other_re, other_im)) = vm.as_complex(b) {
        re == other_re && im == other_im
    } else if let Some(y) = vm.as_f64(b) {
        re == y && im == 0.0
    } else if let Some(y) = vm.int_of(b) {
        im == 0.0 && float::compare_with_int(re, y).is_some_and(std::cmp::Ordering::is_eq)
    } else {
        return Ok(vm.not_implemented);
    };
    Ok(vm.bool(equal == (op == CompareOp::Eq)))
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> =
        Signature { parameters: ["real", "imag"], skip: 0, positional_only: 0, max_positional: 2, required: 0 };
    let [real, imag] = args.bind(vm, "complex", &PARAMETERS)?;
    let only = imag.is_null() && args.args().len() == 1;
    if only && ty == vm.types.complex && vm.type_of(real) == ty {
        return Ok(real);
    }
    let (re, im) = from_arguments(vm, real, imag, only)?;
    let value = vm.complex(re, im);
    if ty == vm.types.complex { Ok(value) } else { Ok(vm.new_wrapped(ty, value)) }
}

/// `only`: one positional argument, which may be text.
fn from_arguments(vm: &mut Vm, real: Value, imag: Value, only: bool) -> PyResult<Parts> {
    if only && vm.is_str(real) {
        let literal = crate::number_text::ascii_digits(vm.str_bytes(real));
        return match parse(&literal) {
            Some(z) => Ok(z),
            None => Err(vm.value_error("complex() arg is a malformed string")),
        };
    }
    if only {
        if let Some(z) = convert(vm, real)? {
            return Ok(z);
        }
        return match vm.to_f64_opt(real)? {
            Some(x) => Ok((x, 0.0)),
            None => {
                let name = vm.type_name(real);
                Err(vm.type_error(format!("complex() argument must be a string or a number, not {name}")))
            }
        };
    }
    let (re, re_im) = component(vm, real, "real")?;
    let (im, im_im) = component(vm, imag, "imag")?;
    // A complex part contributes as the sum `real + imag * 1j` has it.
    Ok((im_im.map_or(re, |im_im| re - im_im), re_im.map_or(im, |re_im| re_im + im)))
}

/// One argument: its real part, and its imaginary part if it is complex.
fn component(vm: &mut Vm, value: Value, name: &str) -> PyResult<(f64, Option<f64>)> {
    if value.is_null() {
        return Ok((0.0, None));
    }
    let z = if name == "real" { convert(vm, value)? } else { vm.as_complex(value) };
    if let Some((re, im)) = z {
        let given = vm.type_name(value);
        let message = format!("complex() argument '{name}' must be a real number, not {given}");
        (vm.hooks.warn)(vm, vm.exc.deprecation_warning, &message, 1)?;
        return Ok((re, Some(im)));
    }
    match vm.to_f64_opt(value)? {
        Some(x) => Ok((x, None)),
        None => {
            let given = vm.type_name(value);
            Err(vm.type_error(format!("complex() argument '{name}' must be a real number, not {given}")))
        }
    }
}
