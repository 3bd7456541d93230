//! Module `cmath`: functions of complex numbers. The mathematics is that of the crate `pymath`, which gives CPython's
//! results to the last bit, signed zeros and infinities included.

use crate::support::signature;
use heap::Value;
use num_complex::Complex64;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::{PyResult, Raised};
use objects::module::ModuleDef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "cmath",
    doc: "This module provides access to mathematical functions for complex\nnumbers.",
    functions: FUNCTIONS,
    init,
};

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let constants = [
        ("pi", std::f64::consts::PI),
        ("e", std::f64::consts::E),
        ("tau", std::f64::consts::TAU),
        ("inf", f64::INFINITY),
        ("nan", f64::NAN),
    ];
    for (name, x) in constants {
        let x = vm.float(x);
        vm.module_set(module, name, x);
    }
    for (name, im) in [("infj", f64::INFINITY), ("nanj", f64::NAN)] {
        let z = vm.complex(0.0, im);
        vm.module_set(module, name, z);
    }
    Ok(())
}

macro_rules! of_one {
    ($name:literal, $function:path, $doc:literal) => {
        MethodDef::function($name, 1, 1, |vm, args| {
            let z = argument(vm, args.values[0])?;
            complex(vm, $function(z))
        })
        .with_doc(concat!($name, "($module, z, /)\n--\n\n", $doc))
    };
}

static FUNCTIONS: &[MethodDef] = &[
    of_one!("acos", pymath::cmath::acos, "Return the arc cosine of z."),
    of_one!("acosh", pymath::cmath::acosh, "Return the inverse hyperbolic cosine of z."),
    of_one!("asin", pymath::cmath::asin, "Return the arc sine of z."),
    of_one!("asinh", pymath::cmath::asinh, "Return the inverse hyperbolic sine of z."),
    of_one!("atan", pymath::cmath::atan, "Return the arc tangent of z."),
    of_one!("atanh", pymath::cmath::atanh, "Return the inverse hyperbolic tangent of z."),
    of_one!("cos", pymath::cmath::cos, "Return the cosine of z."),
    of_one!("cosh", pymath::cmath::cosh, "Return the hyperbolic cosine of z."),
    of_one!("exp", pymath::cmath::exp, "Return the exponential value e**z."),
    of_one!("log10", pymath::cmath::log10, "Return the base-10 logarithm of z."),
    of_one!("sin", pymath::cmath::sin, "Return the sine of z."),
    of_one!("sinh", pymath::cmath::sinh, "Return the hyperbolic sine of z."),
    of_one!("sqrt", pymath::cmath::sqrt, "Return the square root of z."),
    of_one!("tan", pymath::cmath::tan, "Return the tangent of z."),
    of_one!("tanh", pymath::cmath::tanh, "Return the hyperbolic tangent of z."),
    MethodDef::function("log", 1, 2, |vm, args| {
        let z = argument(vm, args.values[0])?;
        let base = args.get(1).map(|base| argument(vm, base)).transpose()?;
        complex(vm, pymath::cmath::log(z, base))
    })
    .with_doc("log($module, z, base=<unrepresentable>, /)\n--\n\nlog(z[, base]) -> the logarithm of z to the given base.\n\nIf the base is not specified, returns the natural logarithm (base e)\nof z."),
    MethodDef::function("phase", 1, 1, |vm, args| {
        let z = argument(vm, args.values[0])?;
        let phase = pymath::cmath::phase(z).map_err(|error| failure(vm, error))?;
        Ok(vm.float(phase))
    })
    .with_doc("phase($module, z, /)\n--\n\nReturn argument, also known as the phase angle, of a complex."),
    MethodDef::function("polar", 1, 1, |vm, args| {
        let z = argument(vm, args.values[0])?;
        let (r, phi) = pymath::cmath::polar(z).map_err(|error| failure(vm, error))?;
        let (r, phi) = (vm.float(r), vm.float(phi));
        Ok(vm.new_tuple(&[r, phi]))
    })
    .with_doc("polar($module, z, /)\n--\n\nConvert a complex from rectangular coordinates to polar coordinates.\n\nr is the distance from 0 and phi the phase angle."),
    MethodDef::function("rect", 2, 2, |vm, args| {
        let (r, phi) = (vm.to_f64(args.values[0])?, vm.to_f64(args.values[1])?);
        complex(vm, pymath::cmath::rect(r, phi))
    })
    .with_doc("rect($module, r, phi, /)\n--\n\nConvert from polar coordinates to rectangular coordinates."),
    MethodDef::function("isfinite", 1, 1, |vm, args| test(vm, args, pymath::cmath::isfinite))
        .with_doc("isfinite($module, z, /)\n--\n\nReturn True if both the real and imaginary parts of z are finite, else False."),
    MethodDef::function("isinf", 1, 1, |vm, args| test(vm, args, pymath::cmath::isinf))
        .with_doc("isinf($module, z, /)\n--\n\nChecks if the real or imaginary part of z is infinite."),
    MethodDef::function("isnan", 1, 1, |vm, args| test(vm, args, pymath::cmath::isnan))
        .with_doc("isnan($module, z, /)\n--\n\nChecks if the real or imaginary part of z not a number (NaN)."),
    MethodDef::function("isclose", 2, 2, is_close)
        .with_keywords()
        .with_doc("isclose($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)\n--\n\nDetermine whether two complex numbers are close in value.\n\n  rel_tol\n    maximum difference for being considered \"close\", relative to the\n    magnitude of the input values\n  abs_tol\n    maximum difference for being considered \"close\", regardless of the\n    magnitude of the input values\n\nReturn True if a is close in value to b, and False otherwise.\n\nFor the values to be considered close, the difference between them must\nbe smaller than at least one of the tolerances.\n\n-inf, inf and NaN behave similarly to the IEEE 754 Standard.  That is,\nNaN is not close to anything, even itself. inf and -inf are only close\nto themselves."),
];

fn argument(vm: &mut Vm, value: Value) -> PyResult<Complex64> {
    let (re, im) = vm.to_complex(value)?;
    Ok(Complex64::new(re, im))
}

fn failure(vm: &mut Vm, error: pymath::Error) -> Raised {
    match error {
        pymath::Error::EDOM => vm.value_error("math domain error"),
        pymath::Error::ERANGE => vm.overflow_error("math range error"),
    }
}

fn complex(vm: &mut Vm, result: pymath::Result<Complex64>) -> PyResult {
    let z = result.map_err(|error| failure(vm, error))?;
    Ok(vm.complex(z.re, z.im))
}

fn test(vm: &mut Vm, args: &CallArgs, predicate: fn(Complex64) -> bool) -> PyResult {
    let z = argument(vm, args.values[0])?;
    Ok(vm.bool(predicate(z)))
}

fn is_close(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<4> = Signature { max_positional: 2, ..signature(["a", "b", "rel_tol", "abs_tol"], 2) };
    let [a, b, relative, absolute] = args.bind(vm, "isclose", &PARAMETERS)?;
    let (a, b) = (argument(vm, a)?, argument(vm, b)?);
    let tolerance = |vm: &mut Vm, value: Value| {
        if value.is_null() { Ok(None) } else { vm.to_f64(value).map(Some) }
    };
    let (relative, absolute) = (tolerance(vm, relative)?, tolerance(vm, absolute)?);
    match pymath::cmath::isclose(a, b, relative, absolute) {
        Ok(close) => Ok(vm.bool(close)),
        Err(_) => Err(vm.value_error("tolerances must be non-negative")),
    }
}
