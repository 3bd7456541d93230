//! The methods of `float`.

use super::{decompose, hex, round, truncated, value};
use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::error::PyResult;
use crate::vm::Vm;
use heap::Value;
use num_bigint::BigInt;

pub(super) static METHODS: &[MethodDef] = &[
    MethodDef::class_method("from_number", 2, 2, from_number)
        .with_doc("from_number($type, number, /)\n--\n\nConvert real number to a floating-point number."),
    MethodDef::method("conjugate", 1, 1, itself).leaf().with_doc("conjugate($self, /)\n--\n\nReturn self, the complex conjugate of any float."),
    MethodDef::method("__trunc__", 1, 1, |vm, args| {
        let x = receiver(vm, args);
        truncated(vm, x)
    })
    .leaf()
    .with_doc("__trunc__($self, /)\n--\n\nReturn the Integral closest to x between 0 and x."),
    MethodDef::method("__floor__", 1, 1, |vm, args| {
        let x = receiver(vm, args);
        truncated(vm, x.floor())
    })
    .leaf()
    .with_doc("__floor__($self, /)\n--\n\nReturn the floor as an Integral."),
    MethodDef::method("__ceil__", 1, 1, |vm, args| {
        let x = receiver(vm, args);
        truncated(vm, x.ceil())
    })
    .leaf()
    .with_doc("__ceil__($self, /)\n--\n\nReturn the ceiling as an Integral."),
    MethodDef::method("__round__", 1, 2, rounded).with_doc("__round__($self, ndigits=None, /)\n--\n\nReturn the Integral closest to x, rounding half toward even.\n\nWhen an argument is passed, work like built-in round(x, ndigits)."),
    MethodDef::method("as_integer_ratio", 1, 1, as_integer_ratio)
        .leaf()
        .with_doc("as_integer_ratio($self, /)\n--\n\nReturn a pair of integers, whose ratio is exactly equal to the original float.\n\nThe ratio is in lowest terms and has a positive denominator.  Raise\nOverflowError on infinities and a ValueError on NaNs.\n\n>>> (10.0).as_integer_ratio()\n(10, 1)\n>>> (0.0).as_integer_ratio()\n(0, 1)\n>>> (-.25).as_integer_ratio()\n(-1, 4)"),
    MethodDef::class_method("fromhex", 2, 2, fromhex)
        .with_doc("fromhex($type, string, /)\n--\n\nCreate a floating-point number from a hexadecimal string.\n\n>>> float.fromhex('0x1.ffffp10')\n2047.984375\n>>> float.fromhex('-0x1p-1074')\n-5e-324"),
    MethodDef::method("hex", 1, 1, |vm, args| {
        let text = hex::to_hex(receiver(vm, args));
        Ok(vm.new_str(&text))
    })
    .leaf()
    .with_doc("hex($self, /)\n--\n\nReturn a hexadecimal representation of a floating-point number.\n\n>>> (-0.1).hex()\n'-0x1.999999999999ap-4'\n>>> 3.14159.hex()\n'0x1.921f9f01b866ep+1'"),
    MethodDef::method("is_integer", 1, 1, |vm, args| {
        let x = receiver(vm, args);
        Ok(vm.bool(x.is_finite() && x == x.trunc()))
    })
    .leaf()
    .with_doc("is_integer($self, /)\n--\n\nReturn True if the float is an integer."),
    MethodDef::method("__getnewargs__", 1, 1, |vm, args| {
        let x = itself(vm, args)?;
        Ok(vm.new_tuple(&[x]))
    })
    .leaf()
    .with_doc("__getnewargs__($self, /)\n--\n\n"),
    MethodDef::class_method("__getformat__", 2, 2, getformat)
        .with_doc("__getformat__($type, typestr, /)\n--\n\nYou probably don't want to use this function.\n\n  typestr\n    Must be 'double' or 'float'.\n\nIt exists mainly to be used in Python's test suite.\n\nThis function returns whichever of 'unknown', 'IEEE, big-endian' or\n'IEEE, little-endian' best describes the format of floating-point\nnumbers used by the C type named by typestr."),
    MethodDef::method("__format__", 2, 2, |vm, args| {
        let x = receiver(vm, args);
        crate::format_spec::format_method(vm, args, |vm, spec| crate::format_spec::format_float(vm, x, spec))
    })
    .with_doc("__format__($self, format_spec, /)\n--\n\nFormats the float according to format_spec."),
];

pub(super) static GETTERS: &[GetSetDef] = &[
    GetSetDef {
        name: "real",
        get: |vm, a| Ok(vm.float(value(vm, a))),
        set: None,
        doc: "the real part of a complex number",
    },
    GetSetDef {
        name: "imag",
        get: |vm, _| Ok(vm.float(0.0)),
        set: None,
        doc: "the imaginary part of a complex number",
    },
];

fn receiver(vm: &mut Vm, args: &CallArgs) -> f64 {
    value(vm, args.values[0])
}

fn itself(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let x = receiver(vm, args);
    Ok(vm.float(x))
}

fn of_class(vm: &mut Vm, class: Value, x: f64) -> PyResult {
    let float = vm.float(x);
    if class == vm.types.float.value() { Ok(float) } else { vm.call(class, &[float]) }
}

fn from_number(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (class, number) = (args.values[0], args.values[1]);
    if class == vm.types.float.value() && vm.type_of(number) == vm.types.float {
        return Ok(number);
    }
    let x = vm.to_f64(number)?;
    of_class(vm, class, x)
}

fn rounded(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let x = receiver(vm, args);
    let digits = match args.values.get(1) {
        Some(&digits) if digits != vm.none => digits,
        _ => {
            let whole = round::round_half_even(x);
            return truncated(vm, whole);
        }
    };
    let digits = vm.index_big(digits)?;
    let digits = crate::slice::clipped(vm, digits);
    let result = round::round_to(x, digits);
    if result.is_infinite() && x.is_finite() {
        return Err(vm.overflow_error("rounded value too large to represent"));
    }
    Ok(vm.float(result))
}

fn as_integer_ratio(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let x = receiver(vm, args);
    if x.is_nan() {
        return Err(vm.value_error("cannot convert NaN to integer ratio"));
    }
    if x.is_infinite() {
        return Err(vm.overflow_error("cannot convert Infinity to integer ratio"));
    }
    let (mantissa, exponent) = decompose(x.abs());
    let (mut numerator, mut denominator) = (BigInt::from(mantissa), BigInt::from(1));
    if mantissa == 0 {
        // 0 / 1.
    } else if exponent >= 0 {
        numerator <<= exponent as u32;
    } else {
        let common = mantissa.trailing_zeros().min(-exponent as u32);
        numerator >>= common;
        denominator <<= -exponent as u32 - common;
    }
    if x < 0.0 {
        numerator = -numerator;
    }
    let parts = [vm.int_from_big(&numerator), vm.int_from_big(&denominator)];
    Ok(vm.new_tuple(&parts))
}

fn fromhex(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (class, text) = (args.values[0], args.values[1]);
    if !vm.is_str(text) {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    match hex::from_hex(vm.str_bytes(text)) {
        Ok(x) => of_class(vm, class, x),
        Err(hex::HexError::Invalid) => Err(vm.value_error("invalid hexadecimal floating-point string")),
        Err(hex::HexError::TooLarge) => Err(vm.overflow_error("hexadecimal value too large to represent as a float")),
    }
}

fn getformat(vm: &mut Vm, args: &CallArgs) -> PyResult {
    match vm.str(args.values[1])? {
        "double" | "float" => Ok(vm.new_str("IEEE, little-endian")),
        _ => Err(vm.value_error("__getformat__() argument 1 must be 'double' or 'float'")),
    }
}
