//! The methods of `int`.

use crate::args::{CallArgs, GetSetDef, MethodDef, Signature};
use crate::error::PyResult;
use crate::vm::Vm;
use heap::{MakeRoom, Value};
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{Signed, Zero};

pub(super) static METHODS: &[MethodDef] = &[
    MethodDef::method("conjugate", 1, 1, itself).leaf().with_doc("conjugate($self, /)\n--\n\nReturns self, the complex conjugate of any int."),
    MethodDef::method("bit_length", 1, 1, |vm, args| Ok(Value::from_int(super::words::bits(exact(vm, args)) as i64)))
        .leaf()
        .with_doc("bit_length($self, /)\n--\n\nNumber of bits necessary to represent self in binary.\n\n>>> bin(37)\n'0b100101'\n>>> (37).bit_length()\n6"),
    MethodDef::method("bit_count", 1, 1, |vm, args| {
        let ones: u32 = big(vm, args).magnitude().iter_u64_digits().map(u64::count_ones).sum();
        Ok(Value::from_int(ones as i64))
    })
    .leaf()
    .with_doc("bit_count($self, /)\n--\n\nNumber of ones in the binary representation of the absolute value of self.\n\nAlso known as the population count.\n\n>>> bin(13)\n'0b1101'\n>>> (13).bit_count()\n3"),
    MethodDef::method("to_bytes", 1, 3, to_bytes)
        .with_keywords()
        .with_doc("to_bytes($self, /, length=1, byteorder='big', *, signed=False)\n--\n\nReturn an array of bytes representing an integer.\n\n  length\n    Length of bytes object to use.  An OverflowError is raised if\n    the integer is not representable with the given number of bytes.\n    Default is length 1.\n  byteorder\n    The byte order used to represent the integer.  If byteorder is\n    'big', the most significant byte is at the beginning of the byte\n    array.  If byteorder is 'little', the most significant byte is at\n    the end of the byte array.  To request the native byte order of\n    the host system, use sys.byteorder as the byte order value.\n    Default is to use 'big'.\n  signed\n    Determines whether two's complement is used to represent the\n    integer.  If signed is False and a negative integer is given,\n    an OverflowError is raised."),
    MethodDef::class_method("from_bytes", 1, 3, from_bytes)
        .with_keywords()
        .with_doc("from_bytes($type, /, bytes, byteorder='big', *, signed=False)\n--\n\nReturn the integer represented by the given array of bytes.\n\n  bytes\n    Holds the array of bytes to convert.  The argument must either\n    support the buffer protocol or be an iterable object producing\n    bytes.  Bytes and bytearray are examples of built-in objects that\n    support the buffer protocol.\n  byteorder\n    The byte order used to represent the integer.  If byteorder is\n    'big', the most significant byte is at the beginning of the byte\n    array.  If byteorder is 'little', the most significant byte is at\n    the end of the byte array.  To request the native byte order of\n    the host system, use sys.byteorder as the byte order value.\n    Default is to use 'big'.\n  signed\n    Indicates whether two's complement is used to represent the\n    integer."),
    MethodDef::method("as_integer_ratio", 1, 1, |vm, args| {
        let value = exact(vm, args);
        Ok(vm.new_tuple(&[value, Value::from_int(1)]))
    })
    .leaf()
    .with_doc("as_integer_ratio($self, /)\n--\n\nReturn a pair of integers, whose ratio is equal to the original int.\n\nThe ratio is in lowest terms and has a positive denominator.\n\n>>> (10).as_integer_ratio()\n(10, 1)\n>>> (-10).as_integer_ratio()\n(-10, 1)\n>>> (0).as_integer_ratio()\n(0, 1)"),
    MethodDef::method("is_integer", 1, 1, |vm, _| Ok(vm.true_))
        .leaf()
        .with_doc("is_integer($self, /)\n--\n\nReturns True. Exists for duck type compatibility with float.is_integer."),
    MethodDef::method("__trunc__", 1, 1, itself).leaf().with_doc("__trunc__($self, /)\n--\n\nTruncating an Integral returns itself."),
    MethodDef::method("__floor__", 1, 1, itself).leaf().with_doc("__floor__($self, /)\n--\n\nFlooring an Integral returns itself."),
    MethodDef::method("__ceil__", 1, 1, itself).leaf().with_doc("__ceil__($self, /)\n--\n\nCeiling of an Integral returns itself."),
    MethodDef::method("__round__", 1, 2, round).with_doc("__round__($self, ndigits=None, /)\n--\n\nRounding an Integral returns itself.\n\nRounding with an ndigits argument also returns an integer."),
    MethodDef::method("__format__", 2, 2, |vm, args| {
        let value = exact(vm, args);
        // A subclass may have a `__str__` of its own, which an empty format asks for.
        crate::format_spec::format_method(vm, args, |vm, spec| crate::format_spec::format_int(vm, value, spec))
    })
    .with_doc("__format__($self, format_spec, /)\n--\n\nConvert to a string according to format_spec."),
    MethodDef::method("__getnewargs__", 1, 1, |vm, args| {
        let value = exact(vm, args);
        Ok(vm.new_tuple(&[value]))
    })
    .leaf()
    .with_doc("__getnewargs__($self, /)\n--\n\n"),
    MethodDef::method("__sizeof__", 1, 1, crate::object::sizeof)
    .leaf()
    .with_doc("__sizeof__($self, /)\n--\n\nReturns size in memory, in bytes."),
];

pub(super) static GETTERS: &[GetSetDef] = &[
    GetSetDef { name: "real", get: number, set: None, doc: "the real part of a complex number" },
    GetSetDef {
        name: "imag",
        get: |_, _| Ok(Value::from_int(0)),
        set: None,
        doc: "the imaginary part of a complex number",
    },
    GetSetDef { name: "numerator", get: number, set: None, doc: "the numerator of a rational number in lowest terms" },
    GetSetDef {
        name: "denominator",
        get: |_, _| Ok(Value::from_int(1)),
        set: None,
        doc: "the denominator of a rational number in lowest terms",
    },
];

fn number(vm: &mut Vm, value: Value) -> PyResult {
    Ok(vm.int_of(value).expect("an int's attribute"))
}

fn exact(vm: &mut Vm, args: &CallArgs) -> Value {
    vm.int_of(args.values[0]).expect("an int's method")
}

fn big(vm: &mut Vm, args: &CallArgs) -> BigInt {
    vm.as_bigint(args.values[0]).expect("an int's method")
}

fn itself(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(exact(vm, args))
}

/// `round(i, n)`: to a multiple of `10**-n`, ties to even.
fn round(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let value = exact(vm, args);
    let digits = match args.values.get(1) {
        Some(&digits) if digits != vm.none => digits,
        _ => return Ok(value),
    };
    let digits = vm.index_big(digits)?;
    let digits = vm.as_bigint(digits).expect("an index");
    if !digits.is_negative() {
        return Ok(value);
    }
    let x = big(vm, args);
    let decimals = x.bits() / 3 + 1;
    let Ok(count) = u64::try_from(-digits) else { return Ok(Value::from_int(0)) };
    if count > decimals + 1 {
        return Ok(Value::from_int(0));
    }
    let unit = BigInt::from(10).pow(count as u32);
    let (mut quotient, rest) = x.div_mod_floor(&unit);
    let twice = rest * 2;
    if twice > unit || twice == unit && quotient.is_odd() {
        quotient += 1;
    }
    Ok(vm.int_from_big(&(quotient * unit)))
}

/// Whether the byte order is little-endian.
fn is_little(vm: &mut Vm, order: Value, function: &str) -> PyResult<bool> {
    if order.is_null() {
        return Ok(false);
    }
    if !vm.is_str(order) {
        let given = vm.type_name(order);
        return Err(vm.type_error(format!("{function}() argument 'byteorder' must be str, not {given}")));
    }
    match vm.str_bytes(order) {
        b"little" => Ok(true),
        b"big" => Ok(false),
        _ => Err(vm.value_error("byteorder must be either 'little' or 'big'")),
    }
}

fn flag(vm: &mut Vm, value: Value) -> PyResult<bool> {
    if value.is_null() { Ok(false) } else { vm.truth(value) }
}

fn to_bytes(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<3> = Signature {
        parameters: ["length", "byteorder", "signed"],
        skip: 1,
        positional_only: 0,
        max_positional: 2,
        required: 0,
    };
    let [length, order, signed] = args.bind(vm, "to_bytes", &PARAMETERS)?;
    let x = big(vm, args);
    let length = if length.is_null() { 1 } else { vm.index(length)? };
    let little = is_little(vm, order, "to_bytes")?;
    let signed = flag(vm, signed)?;
    if length < 0 {
        return Err(vm.value_error("length argument must be non-negative"));
    }
    if x.is_negative() && !signed {
        return Err(vm.overflow_error("can't convert negative int to unsigned"));
    }
    let length = length as usize;
    let mut bytes = if signed { x.to_signed_bytes_le() } else { x.magnitude().to_bytes_le() };
    if x.is_zero() {
        bytes.clear();
    }
    if bytes.len() > length {
        return Err(vm.overflow_error("int too big to convert"));
    }
    bytes.make_room(length - bytes.len());
    bytes.resize(length, if x.is_negative() { 0xff } else { 0 });
    if !little {
        bytes.reverse();
    }
    Ok(vm.new_bytes(&bytes))
}

fn from_bytes(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<3> = Signature {
        parameters: ["bytes", "byteorder", "signed"],
        skip: 1,
        positional_only: 0,
        max_positional: 2,
        required: 1,
    };
    let [bytes, order, signed] = args.bind(vm, "from_bytes", &PARAMETERS)?;
    let little = is_little(vm, order, "from_bytes")?;
    let signed = flag(vm, signed)?;
    let bytes = crate::bytes::from_object(vm, bytes)?;
    let value = from_slice(vm, &bytes, little, signed);
    let class = args.values[0];
    if class == vm.types.int.value() { Ok(value) } else { vm.call(class, &[value]) }
}

fn from_slice(vm: &mut Vm, bytes: &[u8], little: bool, signed: bool) -> Value {
    let big = match (little, signed) {
        (true, true) => BigInt::from_signed_bytes_le(bytes),
        (true, false) => BigInt::from_bytes_le(Sign::Plus, bytes),
        (false, true) => BigInt::from_signed_bytes_be(bytes),
        (false, false) => BigInt::from_bytes_be(Sign::Plus, bytes),
    };
    vm.int_from_big(&big)
}
