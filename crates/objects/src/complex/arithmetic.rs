//! Complex arithmetic.

use super::Parts;
use crate::error::PyResult;
use crate::float;
use crate::vm::Vm;
use heap::Value;

/// An operand: complex, or a real number, which has no imaginary part at all.
#[derive(Clone, Copy)]
enum Operand {
    Complex(Parts),
    Real(f64),
}

impl Operand {
    fn parts(self) -> Parts {
        match self {
            Operand::Complex(z) => z,
            Operand::Real(x) => (x, 0.0),
        }
    }
}

fn operand(vm: &mut Vm, value: Value) -> PyResult<Option<Operand>> {
    if let Some(z) = vm.as_complex(value) {
        return Ok(Some(Operand::Complex(z)));
    }
    Ok(float::operand(vm, value)?.map(Operand::Real))
}

fn operands(vm: &mut Vm, a: Value, b: Value) -> PyResult<Option<(Operand, Operand)>> {
    let Some(a) = operand(vm, a)? else { return Ok(None) };
    Ok(operand(vm, b)?.map(|b| (a, b)))
}

pub(super) fn add(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let Some(both) = operands(vm, a, b)? else { return Ok(vm.not_implemented) };
    let (re, im) = match both {
        (Operand::Complex(a), Operand::Real(b)) => (a.0 + b, a.1),
        (Operand::Real(a), Operand::Complex(b)) => (a + b.0, b.1),
        (a, b) => (a.parts().0 + b.parts().0, a.parts().1 + b.parts().1),
    };
    Ok(vm.complex(re, im))
}

pub(super) fn sub(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let Some(both) = operands(vm, a, b)? else { return Ok(vm.not_implemented) };
    let (re, im) = match both {
        (Operand::Complex(a), Operand::Real(b)) => (a.0 - b, a.1),
        (Operand::Real(a), Operand::Complex(b)) => (a - b.0, -b.1),
        (a, b) => (a.parts().0 - b.parts().0, a.parts().1 - b.parts().1),
    };
    Ok(vm.complex(re, im))
}

pub(super) fn mul(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let Some(both) = operands(vm, a, b)? else { return Ok(vm.not_implemented) };
    let (re, im) = match both {
        (Operand::Complex(z), Operand::Real(x)) | (Operand::Real(x), Operand::Complex(z)) => (z.0 * x, z.1 * x),
        (a, b) => multiply(a.parts(), b.parts()),
    };
    Ok(vm.complex(re, im))
}

/// C99 Annex G: infinities that became NaN are recovered.
fn multiply((mut a, mut b): Parts, (mut c, mut d): Parts) -> Parts {
    let (re, im) = (a * c - b * d, a * d + b * c);
    if !re.is_nan() || !im.is_nan() {
        return (re, im);
    }
    let unit = |x: f64| if x.is_infinite() { 1f64.copysign(x) } else { 0f64.copysign(x) };
    let zero_if_nan = |x: f64| if x.is_nan() { 0f64.copysign(x) } else { x };
    let mut recalculate = false;
    if a.is_infinite() || b.is_infinite() {
        (a, b, c, d) = (unit(a), unit(b), zero_if_nan(c), zero_if_nan(d));
        recalculate = true;
    }
    if c.is_infinite() || d.is_infinite() {
        (c, d, a, b) = (unit(c), unit(d), zero_if_nan(a), zero_if_nan(b));
        recalculate = true;
    }
    if !recalculate && [a * c, b * d, a * d, b * c].iter().any(|x| x.is_infinite()) {
        (a, b, c, d) = (zero_if_nan(a), zero_if_nan(b), zero_if_nan(c), zero_if_nan(d));
        recalculate = true;
    }
    if recalculate { (f64::INFINITY * (a * c - b * d), f64::INFINITY * (a * d + b * c)) } else { (re, im) }
}

pub(super) fn truediv(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let Some(both) = operands(vm, a, b)? else { return Ok(vm.not_implemented) };
    if both.1.parts() == (0.0, 0.0) {
        return Err(vm.zero_division("division by zero"));
    }
    let (re, im) = match both {
        (Operand::Complex(z), Operand::Real(x)) => (z.0 / x, z.1 / x),
        (Operand::Real(x), Operand::Complex(z)) => divide_real(x, z),
        (a, b) => divide(a.parts(), b.parts()),
    };
    Ok(vm.complex(re, im))
}

/// Smith's algorithm; infinities as in C99 Annex G.
fn divide((a, b): Parts, (c, d): Parts) -> Parts {
    let (re, im) = if c.abs() >= d.abs() {
        let ratio = d / c;
        let denominator = c + d * ratio;
        ((a + b * ratio) / denominator, (b - a * ratio) / denominator)
    } else if d.abs() >= c.abs() {
        let ratio = c / d;
        let denominator = c * ratio + d;
        ((a * ratio + b) / denominator, (b * ratio - a) / denominator)
    } else {
        (f64::NAN, f64::NAN)
    };
    if re.is_nan() && im.is_nan() {
        let unit = |x: f64| if x.is_infinite() { 1f64.copysign(x) } else { 0f64.copysign(x) };
        if (a.is_infinite() || b.is_infinite()) && c.is_finite() && d.is_finite() {
            let (x, y) = (unit(a), unit(b));
            return (f64::INFINITY * (x * c + y * d), f64::INFINITY * (y * c - x * d));
        }
        if (c.is_infinite() || d.is_infinite()) && a.is_finite() && b.is_finite() {
            let (x, y) = (unit(c), unit(d));
            return (0.0 * (a * x + b * y), 0.0 * (b * x - a * y));
        }
    }
    (re, im)
}

fn divide_real(a: f64, (c, d): Parts) -> Parts {
    let (re, im) = if c.abs() >= d.abs() {
        let ratio = d / c;
        let denominator = c + d * ratio;
        (a / denominator, (-a * ratio) / denominator)
    } else if d.abs() >= c.abs() {
        let ratio = c / d;
        let denominator = c * ratio + d;
        ((a * ratio) / denominator, -a / denominator)
    } else {
        (f64::NAN, f64::NAN)
    };
    if re.is_nan() && im.is_nan() && a.is_finite() && (c.is_infinite() || d.is_infinite()) {
        let unit = |x: f64| if x.is_infinite() { 1f64.copysign(x) } else { 0f64.copysign(x) };
        return (0.0 * (a * unit(c)), 0.0 * (-a * unit(d)));
    }
    (re, im)
}

pub(super) fn pow(vm: &mut Vm, a: Value, b: Value, modulus: Value) -> PyResult {
    let Some((a, b)) = operands(vm, a, b)? else { return Ok(vm.not_implemented) };
    if modulus != vm.none {
        return Err(vm.value_error("complex modulo"));
    }
    power(vm, a.parts(), b.parts())
}

/// `a ** b`.
pub fn power(vm: &mut Vm, a: Parts, b: Parts) -> PyResult {
    // Small whole exponents by multiplication, which is more exact.
    let (re, im) = if b.1 == 0.0 && b.0 == b.0.floor() && b.0.abs() <= 100.0 {
        if b.0 < 0.0 && a == (0.0, 0.0) {
            return Err(vm.zero_division("zero to a negative or complex power"));
        }
        whole_power(a, b.0 as i64)
    } else if a == (0.0, 0.0) {
        if b.1 != 0.0 || b.0 < 0.0 {
            return Err(vm.zero_division("zero to a negative or complex power"));
        }
        (0.0, 0.0)
    } else {
        polar_power(a, b)
    };
    if re.is_infinite() || im.is_infinite() {
        return Err(vm.overflow_error("complex exponentiation"));
    }
    Ok(vm.complex(re, im))
}

fn polar_power(a: Parts, b: Parts) -> Parts {
    if b == (0.0, 0.0) {
        return (1.0, 0.0);
    }
    let modulus = a.0.hypot(a.1);
    let mut length = modulus.powf(b.0);
    let angle = a.1.atan2(a.0);
    let mut phase = angle * b.0;
    if b.1 != 0.0 {
        length *= (-angle * b.1).exp();
        phase += b.1 * modulus.ln();
    }
    (length * phase.cos(), length * phase.sin())
}

fn whole_power(a: Parts, exponent: i64) -> Parts {
    if exponent > 0 {
        return positive_power(a, exponent as u64);
    }
    divide((1.0, 0.0), positive_power(a, exponent.unsigned_abs()))
}

fn positive_power(a: Parts, exponent: u64) -> Parts {
    let (mut result, mut square) = ((1.0, 0.0), a);
    let mut mask = 1;
    while mask > 0 && exponent >= mask {
        if exponent & mask != 0 {
            result = multiply(result, square);
        }
        mask <<= 1;
        square = multiply(square, square);
    }
    result
}
