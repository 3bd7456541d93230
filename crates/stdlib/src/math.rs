//! Module `math`.

use crate::vm_ext::VmExt;
use heap::Value;
use metatrace::{CallEffect, Callee, Function, Ty};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};
use objects::args::{CallArgs, Intrinsic, MANY, MethodDef, Signature};
use objects::builtin_layouts::Module;
use objects::error::PyResult;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::value_vec::ValueVec;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "math",
    doc: "This module provides access to the mathematical functions\ndefined by the C standard.",
    functions: FUNCTIONS,
    init,
};

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    vm.add_functions(module, FLOAT_FUNCTIONS);
    let constants = [
        ("pi", std::f64::consts::PI),
        ("e", std::f64::consts::E),
        ("tau", std::f64::consts::TAU),
        ("inf", f64::INFINITY),
        ("nan", f64::NAN),
    ];
    for (name, x) in constants {
        let x = vm.float(x);
        vm.dict_set_str(cast::<Module>(module).dict.get(), name, x);
    }
    Ok(())
}

/// The C library's functions: most of Rust's `f64` methods call the same ones, but some are its own, and some not there.
mod c {
    unsafe extern "C" {
        pub safe fn acosh(x: f64) -> f64;
        pub safe fn asinh(x: f64) -> f64;
        pub safe fn atanh(x: f64) -> f64;
        pub safe fn erf(x: f64) -> f64;
        pub safe fn erfc(x: f64) -> f64;
        pub safe fn remainder(x: f64, y: f64) -> f64;
        pub safe fn nextafter(x: f64, y: f64) -> f64;
        pub safe fn exp2(x: f64) -> f64;
        pub safe fn fma(x: f64, y: f64, z: f64) -> f64;
    }
}

/// What a function does where the mathematics has no finite value.
#[derive(Clone, Copy, PartialEq)]
enum Edge {
    /// A finite argument with an infinite result: OverflowError.
    Overflow,
    /// The same: ValueError (a pole).
    Pole,
    /// A pole below zero, else OverflowError.
    NegativePole,
}

/// The result of a function of one float, with C99's special values turned into Python's errors.
fn checked(vm: &mut Vm, x: f64, result: f64, edge: Edge, domain: &str) -> PyResult {
    if result.is_nan() && !x.is_nan() {
        return Err(domain_error(vm, x, domain));
    }
    if result.is_infinite() && x.is_finite() {
        return Err(match edge {
            Edge::NegativePole if x <= 0.0 => domain_error(vm, x, domain),
            Edge::Overflow | Edge::NegativePole => vm.overflow_error("math range error"),
            Edge::Pole => domain_error(vm, x, domain),
        });
    }
    Ok(vm.float(result))
}

/// CPython 3.14 says what was expected; `{x}` in the text is the argument.
fn domain_error(vm: &mut Vm, x: f64, text: &str) -> objects::error::Raised {
    if text.is_empty() {
        return vm.value_error("math domain error");
    }
    let x = vm.float(x);
    let shown = match vm.repr(x) {
        Ok(shown) => vm.text_of(shown),
        Err(raised) => return raised,
    };
    vm.value_error(text.replace("{x}", &shown))
}

macro_rules! float_functions {
    ($($name:ident $text:literal: |$x:ident| $body:expr, $edge:ident, $domain:literal, $doc:literal;)*) => {
        /// Pure functions that traces call directly.
        mod pure {
            $(pub extern "C" fn $name(_context: *mut u8, x: u64) -> u64 {
                let $x = f64::from_bits(x);
                let result: f64 = $body;
                result.to_bits()
            })*
        }

        mod callees {
            use super::*;
            $(
                #[allow(non_upper_case_globals)]
                pub static $name: Callee = Callee {
                    name: concat!("math.", $text),
                    function: Function::F1(pure::$name),
                    operands: &[Ty::Flt],
                    result: Ty::Flt,
                    effect: CallEffect::Pure,
                };
            )*
        }

        mod python {
            use super::*;
            $(pub fn $name(vm: &mut Vm, args: &CallArgs) -> PyResult {
                let x = vm.to_f64(args.values[0])?;
                let result = f64::from_bits(pure::$name(std::ptr::null_mut(), x.to_bits()));
                checked(vm, x, result, Edge::$edge, $domain)
            })*
        }

        static FLOAT_FUNCTIONS: &[MethodDef] = &[
            $(MethodDef::function($text, 1, 1, python::$name)
                .with_intrinsic(Intrinsic::Float(&callees::$name))
                .with_doc(concat!($text, "($module, x, /)\n--\n\n", $doc)),)*
        ];
    };
}

float_functions! {
    acos "acos": |x| x.acos(), Pole, "expected a number in range from -1 up to 1, got {x}",
        "Return the arc cosine (measured in radians) of x.\n\nThe result is between 0 and pi.";
    acosh "acosh": |x| super::c::acosh(x), Pole, "expected argument value not less than 1, got {x}",
        "Return the inverse hyperbolic cosine of x.";
    asin "asin": |x| x.asin(), Pole, "expected a number in range from -1 up to 1, got {x}",
        "Return the arc sine (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2.";
    asinh "asinh": |x| super::c::asinh(x), Pole, "",
        "Return the inverse hyperbolic sine of x.";
    atan "atan": |x| x.atan(), Pole, "",
        "Return the arc tangent (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2.";
    atanh "atanh": |x| super::c::atanh(x), Pole, "expected a number between -1 and 1, got {x}",
        "Return the inverse hyperbolic tangent of x.";
    cbrt "cbrt": |x| x.cbrt(), Pole, "",
        "Return the cube root of x.";
    cos "cos": |x| x.cos(), Pole, "expected a finite input, got {x}",
        "Return the cosine of x (measured in radians).";
    cosh "cosh": |x| x.cosh(), Overflow, "",
        "Return the hyperbolic cosine of x.";
    erf "erf": |x| super::c::erf(x), Pole, "",
        "Error function at x.";
    erfc "erfc": |x| super::c::erfc(x), Pole, "",
        "Complementary error function at x.";
    exp "exp": |x| x.exp(), Overflow, "",
        "Return e raised to the power of x.";
    exp2 "exp2": |x| super::c::exp2(x), Overflow, "",
        "Return 2 raised to the power of x.";
    expm1 "expm1": |x| x.exp_m1(), Overflow, "",
        "Return exp(x)-1.\n\nThis function avoids the loss of precision involved in the direct evaluation of exp(x)-1 for small x.";
    fabs "fabs": |x| x.abs(), Pole, "",
        "Return the absolute value of the float x.";
    lgamma "lgamma": |x| pymath::math::lgamma(x).unwrap_or(f64::INFINITY), NegativePole, "expected a noninteger or positive integer, got {x}",
        "Natural logarithm of absolute value of Gamma function at x.";
    log1p "log1p": |x| x.ln_1p(), Pole, "expected argument value > -1, got {x}",
        "Return the natural logarithm of 1+x (base e).\n\nThe result is computed in a way which is accurate for x near zero.";
    sin "sin": |x| x.sin(), Pole, "expected a finite input, got {x}",
        "Return the sine of x (measured in radians).";
    sinh "sinh": |x| x.sinh(), Overflow, "",
        "Return the hyperbolic sine of x.";
    tan "tan": |x| x.tan(), Pole, "expected a finite input, got {x}",
        "Return the tangent of x (measured in radians).";
    tanh "tanh": |x| x.tanh(), Pole, "",
        "Return the hyperbolic tangent of x.";
    degrees "degrees": |x| x * (180.0 / std::f64::consts::PI), Overflow, "",
        "Convert angle x from radians to degrees.";
    radians "radians": |x| x * (std::f64::consts::PI / 180.0), Overflow, "",
        "Convert angle x from degrees to radians.";
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("sqrt", 1, 1, sqrt).with_intrinsic(Intrinsic::Sqrt)
    .plain().with_doc("sqrt($module, x, /)\n--\n\nReturn the square root of x."),
    MethodDef::function("atan2", 2, 2, |vm, args| two(vm, args, f64::atan2)).leaf()
    .plain().with_doc("atan2($module, y, x, /)\n--\n\nReturn the arc tangent (measured in radians) of y/x.\n\nUnlike atan(y/x), the signs of both x and y are considered."),
    MethodDef::function("copysign", 2, 2, |vm, args| two(vm, args, f64::copysign))
    .plain().with_doc("copysign($module, x, y, /)\n--\n\nReturn a float with the magnitude (absolute value) of x but the sign of y.\n\nOn platforms that support signed zeros, copysign(1.0, -0.0)\nreturns -1.0.\n"),
    MethodDef::function("fmod", 2, 2, fmod)
    .plain().with_doc("fmod($module, x, y, /)\n--\n\nReturn fmod(x, y), according to platform C.\n\nx % y may differ."),
    MethodDef::function("remainder", 2, 2, remainder)
    .plain().with_doc("remainder($module, x, y, /)\n--\n\nDifference between x and the closest integer multiple of y.\n\nReturn x - n*y where n*y is the closest integer multiple of y.\nIn the case where x is exactly halfway between two multiples of\ny, the nearest even value of n is used. The result is always exact."),
    MethodDef::function("nextafter", 2, 2, nextafter).with_keywords()
    .plain().with_doc("nextafter($module, x, y, /, *, steps=None)\n--\n\nReturn the floating-point value the given number of steps after x towards y.\n\nIf steps is not specified or is None, it defaults to 1.\n\nRaises a TypeError, if x or y is not a double, or if steps is not\nan integer.  Raises ValueError if steps is negative."),
    MethodDef::function("ulp", 1, 1, ulp)
    .plain().with_doc("ulp($module, x, /)\n--\n\nReturn the value of the least significant bit of the float x."),
    MethodDef::function("fma", 3, 3, fma)
    .plain().with_doc("fma($module, x, y, z, /)\n--\n\nFused multiply-add operation.\n\nCompute (x * y) + z with a single round."),
    MethodDef::function("pow", 2, 2, pow)
    .plain().with_doc("pow($module, x, y, /)\n--\n\nReturn x**y (x to the power of y)."),
    MethodDef::function("log", 1, 2, log)
    .plain().with_doc("log(x, [base=math.e])\nReturn the logarithm of x to the given base.\n\nIf the base is not specified, returns the natural logarithm (base e) of x."),
    MethodDef::function("log2", 1, 1, |vm, args| logarithm(vm, args.values[0], f64::log2, 1.0))
    .plain().with_doc("log2($module, x, /)\n--\n\nReturn the base 2 logarithm of x."),
    MethodDef::function("log10", 1, 1, |vm, args| logarithm(vm, args.values[0], f64::log10, std::f64::consts::LOG10_2))
    .plain().with_doc("log10($module, x, /)\n--\n\nReturn the base 10 logarithm of x."),
    MethodDef::function("gamma", 1, 1, gamma)
    .plain().with_doc("gamma($module, x, /)\n--\n\nGamma function at x."),
    MethodDef::function("hypot", 0, MANY, hypot)
    .plain().with_doc("hypot($module, /, *coordinates)\n--\n\nMultidimensional Euclidean distance from the origin to a point.\n\nRoughly equivalent to:\n    sqrt(sum(x**2 for x in coordinates))\n\nFor a two dimensional point (x, y), gives the hypotenuse\nusing the Pythagorean theorem:  sqrt(x*x + y*y).\n\nFor example, the hypotenuse of a 3/4/5 right triangle is:\n\n    >>> hypot(3.0, 4.0)\n    5.0"),
    MethodDef::function("dist", 2, 2, dist)
    .plain().with_doc("dist($module, p, q, /)\n--\n\nReturn the Euclidean distance between two points p and q.\n\nThe points should be specified as sequences (or iterables) of\ncoordinates.  Both inputs must have the same dimension.\n\nRoughly equivalent to:\n    sqrt(sum((px - qx) ** 2.0 for px, qx in zip(p, q)))"),
    MethodDef::function("ceil", 1, 1, |vm, args| rounded(vm, args.values[0], "__ceil__", f64::ceil))
    .with_intrinsic(Intrinsic::Ceil).plain().with_doc("ceil($module, x, /)\n--\n\nReturn the ceiling of x as an Integral.\n\nThis is the smallest integer >= x."),
    MethodDef::function("floor", 1, 1, |vm, args| rounded(vm, args.values[0], "__floor__", f64::floor))
    .with_intrinsic(Intrinsic::Floor).plain().with_doc("floor($module, x, /)\n--\n\nReturn the floor of x as an Integral.\n\nThis is the largest integer <= x."),
    MethodDef::function("trunc", 1, 1, trunc)
    .with_intrinsic(Intrinsic::Trunc).plain().with_doc("trunc($module, x, /)\n--\n\nTruncates the Real x to the nearest Integral toward 0.\n\nUses the __trunc__ magic method."),
    MethodDef::function("frexp", 1, 1, frexp)
    .plain().with_doc("frexp($module, x, /)\n--\n\nReturn the mantissa and exponent of x, as pair (m, e).\n\nIf x is a finite nonzero number, then m is a float with\n0.5 <= abs(m) < 1.0 and an integer e is such that\nx == m * 2**e exactly.  Else, return (x, 0)."),
    MethodDef::function("ldexp", 2, 2, ldexp)
    .plain().with_doc("ldexp($module, x, i, /)\n--\n\nReturn x * (2**i).\n\nThis is essentially the inverse of frexp()."),
    MethodDef::function("modf", 1, 1, modf)
    .plain().with_doc("modf($module, x, /)\n--\n\nReturn the fractional and integer parts of x.\n\nBoth results carry the sign of x and are floats."),
    MethodDef::function("fsum", 1, 1, fsum)
    .plain().with_doc("fsum($module, seq, /)\n--\n\nReturn an accurate floating-point sum of values in the iterable seq.\n\nAssumes IEEE-754 floating-point arithmetic."),
    MethodDef::function("sumprod", 2, 2, sumprod)
    .plain().with_doc("sumprod($module, p, q, /)\n--\n\nReturn the sum of products of values from two iterables p and q.\n\nRoughly equivalent to:\n\n    sum(map(operator.mul, p, q, strict=True))\n\nFor float and mixed int/float inputs, the intermediate products\nand sums are computed with extended precision."),
    MethodDef::function("prod", 1, 1, prod).with_keywords()
    .plain().with_doc("prod($module, iterable, /, *, start=1)\n--\n\nCalculate the product of all the elements in the input iterable.\n\nThe default start value for the product is 1.\n\nWhen the iterable is empty, return the start value.  This function is\nintended specifically for use with numeric values and may reject\nnon-numeric types."),
    MethodDef::function("isfinite", 1, 1, |vm, args| test(vm, args, f64::is_finite))
    .plain().with_doc("isfinite($module, x, /)\n--\n\nReturn True if x is neither an infinity nor a NaN, and False otherwise."),
    MethodDef::function("isinf", 1, 1, |vm, args| test(vm, args, f64::is_infinite))
    .plain().with_doc("isinf($module, x, /)\n--\n\nReturn True if x is a positive or negative infinity, and False otherwise."),
    MethodDef::function("isnan", 1, 1, |vm, args| test(vm, args, f64::is_nan))
    .plain().with_doc("isnan($module, x, /)\n--\n\nReturn True if x is a NaN (not a number), and False otherwise."),
    MethodDef::function("isclose", 2, 2, isclose).with_keywords()
    .plain().with_doc("isclose($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)\n--\n\nDetermine whether two floating-point numbers are close in value.\n\n  rel_tol\n    maximum difference for being considered \"close\", relative to the\n    magnitude of the input values\n  abs_tol\n    maximum difference for being considered \"close\", regardless of the\n    magnitude of the input values\n\nReturn True if a is close in value to b, and False otherwise.\n\nFor the values to be considered close, the difference between them\nmust be smaller than at least one of the tolerances.\n\n-inf, inf and NaN behave similarly to the IEEE 754 Standard.  That\nis, NaN is not close to anything, even itself.  inf and -inf are\nonly close to themselves."),
    MethodDef::function("gcd", 0, MANY, gcd)
    .plain().with_doc("gcd($module, /, *integers)\n--\n\nGreatest Common Divisor."),
    MethodDef::function("lcm", 0, MANY, |vm, args| fold_ints(vm, args, BigInt::from(1), |a, b| a.lcm(&b)))
    .plain().with_doc("lcm($module, /, *integers)\n--\n\nLeast Common Multiple."),
    MethodDef::function("factorial", 1, 1, factorial)
    .plain().with_doc("factorial($module, n, /)\n--\n\nFind n!."),
    MethodDef::function("isqrt", 1, 1, isqrt)
    .plain().with_doc("isqrt($module, n, /)\n--\n\nReturn the integer part of the square root of the input."),
    MethodDef::function("comb", 2, 2, comb)
    .plain().with_doc("comb($module, n, k, /)\n--\n\nNumber of ways to choose k items from n items without repetition and without order.\n\nEvaluates to n! / (k! * (n - k)!) when k <= n and evaluates\nto zero when k > n.\n\nAlso called the binomial coefficient because it is equivalent\nto the coefficient of k-th term in polynomial expansion of the\nexpression (1 + x)**n.\n\nRaises TypeError if either of the arguments are not integers.\nRaises ValueError if either of the arguments are negative."),
    MethodDef::function("perm", 1, 2, perm)
    .plain().with_doc("perm($module, n, k=None, /)\n--\n\nNumber of ways to choose k items from n items without repetition and with order.\n\nEvaluates to n! / (n - k)! when k <= n and evaluates\nto zero when k > n.\n\nIf k is not specified or is None, then k defaults to n\nand the function returns n!.\n\nRaises TypeError if either of the arguments are not integers.\nRaises ValueError if either of the arguments are negative."),
];

fn two(vm: &mut Vm, args: &CallArgs, f: fn(f64, f64) -> f64) -> PyResult {
    let (x, y) = (vm.to_f64(args.values[0])?, vm.to_f64(args.values[1])?);
    Ok(vm.float(f(x, y)))
}

fn test(vm: &mut Vm, args: &CallArgs, f: fn(f64) -> bool) -> PyResult {
    let x = vm.to_f64(args.values[0])?;
    Ok(vm.bool(f(x)))
}

fn sqrt(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let x = vm.to_f64(args.values[0])?;
    if x < 0.0 {
        return Err(domain_error(vm, x, "expected a nonnegative input, got {x}"));
    }
    Ok(vm.float(x.sqrt()))
}

fn fmod(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (x, y) = (vm.to_f64(args.values[0])?, vm.to_f64(args.values[1])?);
    if y.is_infinite() && x.is_finite() {
        return Ok(vm.float(x));
    }
    let result = x % y;
    if result.is_nan() && !x.is_nan() && !y.is_nan() {
        return Err(vm.value_error("math domain error"));
    }
    Ok(vm.float(result))
}

fn remainder(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (x, y) = (vm.to_f64(args.values[0])?, vm.to_f64(args.values[1])?);
    let result = c::remainder(x, y);
    if result.is_nan() && !x.is_nan() && !y.is_nan() {
        return Err(vm.value_error("math domain error"));
    }
    Ok(vm.float(result))
}

/// `nextafter(x, y, *, steps=None)`.
fn nextafter(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [x, y, steps] = args.bind(
        vm,
        "nextafter",
        &Signature { parameters: ["x", "y", "steps"], skip: 0, positional_only: 2, max_positional: 2, required: 2 },
    )?;
    let (mut x, y) = (vm.to_f64(x)?, vm.to_f64(y)?);
    if steps.is_null() || steps == vm.none {
        return Ok(vm.float(c::nextafter(x, y)));
    }
    let steps = vm.index(steps)?;
    if steps < 0 {
        return Err(vm.value_error("steps must be a non-negative integer"));
    }
    if x.is_nan() || y.is_nan() {
        return Ok(vm.float(f64::NAN));
    }
    // Floats in order as integers: that many places towards `y`.
    let ordered = |x: f64| {
        let bits = x.to_bits() as i64;
        if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
    };
    let (from, to) = (ordered(x) as i128, ordered(y) as i128);
    let at = if from <= to { (from + steps as i128).min(to) } else { (from - steps as i128).max(to) } as i64;
    x = if at == to as i64 { y } else { f64::from_bits((if at < 0 { i64::MIN.wrapping_sub(at) } else { at }) as u64) };
    Ok(vm.float(x))
}

fn ulp(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let x = vm.to_f64(args.values[0])?.abs();
    if !x.is_finite() {
        return Ok(vm.float(x));
    }
    let next = c::nextafter(x, f64::INFINITY);
    let result = if next.is_infinite() { x - c::nextafter(x, f64::NEG_INFINITY) } else { next - x };
    Ok(vm.float(result))
}

fn fma(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (x, y, z) = (vm.to_f64(args.values[0])?, vm.to_f64(args.values[1])?, vm.to_f64(args.values[2])?);
    let result = c::fma(x, y, z);
    if result.is_nan() && ![x, y, z].iter().any(|x| x.is_nan()) {
        return Err(vm.value_error("invalid operation in fma"));
    }
    if result.is_infinite() && [x, y, z].iter().all(|x| x.is_finite()) {
        return Err(vm.overflow_error("overflow in fma"));
    }
    Ok(vm.float(result))
}

fn pow(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (x, y) = (vm.to_f64(args.values[0])?, vm.to_f64(args.values[1])?);
    let result = x.powf(y);
    if x.is_finite() && y.is_finite() {
        if result.is_nan() || (result.is_infinite() && x == 0.0) {
            return Err(vm.value_error("math domain error"));
        }
        if result.is_infinite() {
            return Err(vm.overflow_error("math range error"));
        }
    }
    Ok(vm.float(result))
}

/// A logarithm of a float, or of an int of any size: `log2_unit` is the logarithm of 2.
fn logarithm(vm: &mut Vm, x: Value, f: fn(f64) -> f64, log2_unit: f64) -> PyResult {
    if let Some(big) = vm.as_bigint(x) {
        if !big.is_positive() {
            return Err(vm.value_error("expected a positive input"));
        }
        let bits = big.bits();
        if bits > 1000 {
            let shift = bits - 64;
            let head = (big >> shift).to_f64().unwrap_or(f64::NAN);
            return Ok(vm.float(f(head) + shift as f64 * log2_unit));
        }
        let x = big.to_f64().unwrap_or(f64::NAN);
        return Ok(vm.float(f(x)));
    }
    let x = vm.to_f64(x)?;
    if x <= 0.0 {
        return Err(domain_error(vm, x, "expected a positive input, got {x}"));
    }
    Ok(vm.float(f(x)))
}

fn log(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let x = logarithm(vm, args.values[0], f64::ln, std::f64::consts::LN_2)?;
    let Some(base) = args.get(1) else { return Ok(x) };
    let base = logarithm(vm, base, f64::ln, std::f64::consts::LN_2)?;
    let (x, base) = (vm.to_f64(x)?, vm.to_f64(base)?);
    if base == 0.0 {
        return Err(vm.zero_division("division by zero"));
    }
    Ok(vm.float(x / base))
}

fn gamma(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let x = vm.to_f64(args.values[0])?;
    match pymath::math::gamma(x) {
        Ok(result) => Ok(vm.float(result)),
        Err(pymath::Error::EDOM) => Err(domain_error(vm, x, "expected a noninteger or positive integer, got {x}")),
        Err(pymath::Error::ERANGE) => Err(vm.overflow_error("math range error")),
    }
}

/// The Euclidean norm, with the rounding errors of the squares and their sum taken back.
fn norm(values: &[f64]) -> f64 {
    pymath::math::hypot(values)
}

fn hypot(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let values = args.values.iter().map(|x| vm.to_f64(*x)).collect::<PyResult<Vec<f64>>>()?;
    Ok(vm.float(norm(&values)))
}

fn dist(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (p, q) = (vm.collect_list(args.values[0])?, vm.collect_list(args.values[1])?);
    let (p, q) = (objects::list::items(p), objects::list::items(q));
    if p.len() != q.len() {
        return Err(vm.value_error("both points must have the same number of dimensions"));
    }
    let mut differences = heap::vec_with_capacity(p.len());
    for (x, y) in p.iter().zip(q) {
        differences.push(vm.to_f64(*x)? - vm.to_f64(*y)?);
    }
    Ok(vm.float(norm(&differences)))
}

/// `ceil` and `floor`: by the special method, else of the float.
fn rounded(vm: &mut Vm, x: Value, method: &str, f: fn(f64) -> f64) -> PyResult {
    if vm.kind(x) != objects::shape::Kind::Float {
        let name = vm.intern(method);
        if let Some(method) = vm.special_method(x, name)? {
            return vm.call(method, &[]);
        }
    }
    let x = vm.to_f64(x)?;
    objects::float::truncated(vm, f(x))
}

fn trunc(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let name = vm.intern("__trunc__");
    match vm.special_method(args.values[0], name)? {
        Some(method) => vm.call(method, &[]),
        None => {
            let kind = vm.type_of(args.values[0]).name();
            Err(vm.type_error(format!("type {kind} doesn't define __trunc__ method")))
        }
    }
}

/// Mantissa in [0.5, 1) and exponent.
fn frexp_parts(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    if exponent == 0 {
        // Subnormal: scale it up first.
        let (mantissa, exponent) = frexp_parts(x * 2f64.powi(64));
        return (mantissa, exponent - 64);
    }
    (f64::from_bits((bits & !(0x7ff << 52)) | (1022 << 52)), exponent - 1022)
}

fn frexp(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let x = vm.to_f64(args.values[0])?;
    let (mantissa, exponent) = frexp_parts(x);
    let (mantissa, exponent) = (vm.float(mantissa), vm.int(exponent as i64));
    Ok(vm.new_tuple(&[mantissa, exponent]))
}

fn ldexp(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let x = vm.to_f64(args.values[0])?;
    let Some(exponent) = vm.as_bigint(args.values[1]) else {
        return Err(vm.type_error("Expected an int as second argument to ldexp."));
    };
    if x == 0.0 || !x.is_finite() {
        return Ok(vm.float(x));
    }
    let exponent = exponent.to_i32().unwrap_or(if exponent.is_negative() { -100_000 } else { 100_000 });
    let result = libc_ldexp(x, exponent.clamp(-100_000, 100_000));
    if result.is_infinite() {
        return Err(vm.overflow_error("math range error"));
    }
    Ok(vm.float(result))
}

fn libc_ldexp(x: f64, exponent: i32) -> f64 {
    unsafe extern "C" {
        safe fn ldexp(x: f64, exponent: i32) -> f64;
    }
    ldexp(x, exponent)
}

fn modf(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let x = vm.to_f64(args.values[0])?;
    let (fraction, whole) =
        if x.is_infinite() { (0.0f64.copysign(x), x) } else { ((x - x.trunc()).copysign(x), x.trunc()) };
    let (fraction, whole) = (vm.float(fraction), vm.float(whole));
    Ok(vm.new_tuple(&[fraction, whole]))
}

/// The exactly rounded sum: Shewchuk's partial sums, which do not overlap.
fn fsum(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let iterator = vm.iter(args.values[0])?;
    let mut partials: Vec<f64> = Vec::new();
    let (mut special, mut infinities) = (0.0, 0.0);
    while let Some(value) = vm.next(iterator)? {
        let original = vm.to_f64(value)?;
        let mut x = original;
        let mut kept = 0;
        for i in 0..partials.len() {
            let mut y = partials[i];
            if x.abs() < y.abs() {
                (x, y) = (y, x);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                partials[kept] = low;
                kept += 1;
            }
            x = high;
        }
        partials.truncate(kept);
        if x != 0.0 {
            if !x.is_finite() {
                if original.is_finite() {
                    return Err(vm.overflow_error("intermediate overflow in fsum"));
                }
                if original.is_infinite() {
                    infinities += original;
                }
                special += original;
                partials.clear();
            } else {
                partials.push(x);
            }
        }
    }
    if special != 0.0 {
        if infinities.is_nan() {
            return Err(vm.value_error("-inf + inf in fsum"));
        }
        return Ok(vm.float(special));
    }
    Ok(vm.float(round_partials(&partials)))
}

/// The sum of non-overlapping partials, rounded half to even.
fn round_partials(partials: &[f64]) -> f64 {
    let Some((last, rest)) = partials.split_last() else { return 0.0 };
    let mut high = *last;
    for i in (0..rest.len()).rev() {
        let (x, y) = (high, rest[i]);
        high = x + y;
        let low = y - (high - x);
        if low != 0.0 {
            // Half-way between two floats, and the next partial says on which side.
            if i > 0 && ((low < 0.0 && rest[i - 1] < 0.0) || (low > 0.0 && rest[i - 1] > 0.0)) {
                let twice = low * 2.0;
                let x = high + twice;
                if twice == x - high {
                    high = x;
                }
            }
            break;
        }
    }
    high
}

/// The sum of products: exact for ints, compensated for floats.
fn sumprod(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (p, q) = (vm.iter(args.values[0])?, vm.iter(args.values[1])?);
    let mut total = Value::from_int(0);
    let mut products = ValueVec::new();
    let mut all_floats = true;
    loop {
        let (x, y) = (vm.next(p)?, vm.next(q)?);
        let (x, y) = match (x, y) {
            (Some(x), Some(y)) => (x, y),
            (None, None) => break,
            _ => return Err(vm.value_error("Inputs are not the same length")),
        };
        let number = |vm: &Vm, x: Value| vm.type_of(x) == vm.types.float || x.is_int();
        all_floats &= number(vm, x) && number(vm, y);
        all_floats &= !(x.is_int() && y.is_int());
        products.push(vm, x);
        products.push(vm, y);
    }
    let pairs = products.as_slice();
    if all_floats && !pairs.is_empty() {
        let (mut sum, mut low) = (0.0f64, 0.0f64);
        for pair in pairs.chunks_exact(2) {
            let (x, y) = (vm.to_f64(pair[0])?, vm.to_f64(pair[1])?);
            let product = x * y;
            let error = x.mul_add(y, -product);
            let t = sum + product;
            low += (if sum.abs() >= product.abs() { (sum - t) + product } else { (product - t) + sum }) + error;
            sum = t;
        }
        let result = if low.is_finite() { sum + low } else { sum };
        return Ok(vm.float(result));
    }
    for pair in pairs.chunks_exact(2) {
        let product = vm.binary(5, pair[0], pair[1])?;
        total = vm.binary(0, total, product)?;
    }
    Ok(total)
}

fn prod(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [iterable, start] = args.bind(
        vm,
        "prod",
        &Signature { parameters: ["iterable", "start"], skip: 0, positional_only: 1, max_positional: 1, required: 1 },
    )?;
    let mut total = if start.is_null() { Value::from_int(1) } else { start };
    let iterator = vm.iter(iterable)?;
    while let Some(value) = vm.next(iterator)? {
        total = vm.binary(5, total, value)?;
    }
    Ok(total)
}

fn isclose(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [a, b, relative, absolute] = args.bind(
        vm,
        "isclose",
        &Signature {
            parameters: ["a", "b", "rel_tol", "abs_tol"],
            skip: 0,
            positional_only: 0,
            max_positional: 2,
            required: 2,
        },
    )?;
    let (a, b) = (vm.to_f64(a)?, vm.to_f64(b)?);
    let relative = if relative.is_null() { 1e-9 } else { vm.to_f64(relative)? };
    let absolute = if absolute.is_null() { 0.0 } else { vm.to_f64(absolute)? };
    if relative < 0.0 || absolute < 0.0 {
        return Err(vm.value_error("tolerances must be non-negative"));
    }
    let close = if a == b {
        true
    } else if a.is_infinite() || b.is_infinite() {
        false
    } else {
        let difference = (b - a).abs();
        difference <= (relative * b).abs() || difference <= (relative * a).abs() || difference <= absolute
    };
    Ok(vm.bool(close))
}

fn int_argument(vm: &mut Vm, value: Value) -> PyResult<BigInt> {
    let value = vm.index_big(value)?;
    Ok(vm.as_bigint(value).unwrap_or_default())
}

fn gcd(vm: &mut Vm, args: &CallArgs) -> PyResult {
    if args.values.iter().all(|value| value.is_int()) {
        let gcd = args.values.iter().fold(0, |gcd: u64, value| gcd.gcd(&value.as_int().unsigned_abs()));
        return Ok(vm.int(gcd as i64));
    }
    fold_ints(vm, args, BigInt::zero(), |a, b| a.gcd(&b))
}

fn fold_ints(vm: &mut Vm, args: &CallArgs, start: BigInt, f: fn(BigInt, BigInt) -> BigInt) -> PyResult {
    let mut total = start;
    for value in args.values {
        let x = int_argument(vm, *value)?;
        total = f(total, x).abs();
    }
    Ok(vm.int_from_big(&total))
}

/// The product of `from..=to`, by halves, so that the factors stay balanced.
fn product(from: u64, to: u64) -> BigInt {
    if from > to {
        return BigInt::from(1);
    }
    if to - from < 8 {
        return (from..=to).map(BigInt::from).product();
    }
    let middle = from + (to - from) / 2;
    product(from, middle) * product(middle + 1, to)
}

fn factorial(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let n = int_argument(vm, args.values[0])?;
    if n.is_negative() {
        return Err(vm.value_error("factorial() not defined for negative values"));
    }
    match n.to_u64().filter(|n| *n <= i64::MAX as u64) {
        Some(n) => {
            let result = product(2, n);
            Ok(vm.int_from_big(&result))
        }
        None => Err(vm.overflow_error(format!("factorial() argument should not exceed {}", i64::MAX))),
    }
}

fn isqrt(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let n = int_argument(vm, args.values[0])?;
    if n.is_negative() {
        return Err(vm.value_error("isqrt() argument must be nonnegative"));
    }
    let root = n.sqrt();
    Ok(vm.int_from_big(&root))
}

/// `n` and `k` of combinations; `Err` for bad ones, `None` if the result is 0.
fn choices(vm: &mut Vm, n: &BigInt, k: &BigInt) -> PyResult<Option<(BigInt, u64)>> {
    if n.is_negative() {
        return Err(vm.value_error("n must be a non-negative integer"));
    }
    if k.is_negative() {
        return Err(vm.value_error("k must be a non-negative integer"));
    }
    if k > n {
        return Ok(None);
    }
    match k.to_u64() {
        Some(k) => Ok(Some((n.clone(), k))),
        None => Err(vm.overflow_error(format!("k must not exceed {}", u64::MAX))),
    }
}

fn falling_factorial(n: &BigInt, k: u64) -> BigInt {
    match n.to_u64() {
        Some(n) => product(n - k + 1, n),
        None => (0..k).map(|i| n - i).product(),
    }
}

fn comb(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (n, mut k) = (int_argument(vm, args.values[0])?, int_argument(vm, args.values[1])?);
    let other = &n - &k;
    if !other.is_negative() && other < k {
        k = other;
    }
    let Some((n, k)) = choices(vm, &n, &k)? else { return Ok(Value::from_int(0)) };
    let result = falling_factorial(&n, k) / product(2, k);
    Ok(vm.int_from_big(&result))
}

fn perm(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let n = int_argument(vm, args.values[0])?;
    let k = match args.get(1) {
        Some(k) if k != vm.none => int_argument(vm, k)?,
        _ => n.clone(),
    };
    let Some((n, k)) = choices(vm, &n, &k)? else { return Ok(Value::from_int(0)) };
    let result = falling_factorial(&n, k);
    Ok(vm.int_from_big(&result))
}
