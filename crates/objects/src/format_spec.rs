//! Format specifications: `[[fill]align][sign][z][#][0][width][grouping][.precision[grouping]][type]`.

mod layout;
mod parse;

pub use parse::Spec;

use crate::args::CallArgs;
use crate::error::{PyResult, Raised};
use crate::float::format::{Style, format_magnitude};
use crate::int;
use crate::str::{self, wtf8};
use crate::vm::Vm;
use heap::{MakeRoom, Value};
use layout::Number;
use num_bigint::BigInt;
use num_traits::Signed;

/// A type's `__format__`: `format` unless the specification is empty, which means `str`.
pub(crate) fn format_method(vm: &mut Vm, args: &CallArgs, format: impl FnOnce(&mut Vm, &[u8]) -> PyResult) -> PyResult {
    let (value, spec) = (args.values[0], args.values[1]);
    if !vm.is_str(spec) {
        let given = vm.type_name(spec);
        return Err(vm.type_error(format!("__format__() argument must be str, not {given}")));
    }
    match vm.str_bytes(spec) {
        b"" => vm.str_of(value),
        spec => format(vm, spec),
    }
}

/// A str by a specification.
pub fn format_str(vm: &mut Vm, value: Value, spec: &[u8]) -> PyResult {
    let spec = parse::parse(vm, spec, "str", Some('s'), b'<')?;
    if spec.kind != Some('s') {
        return Err(unknown_code(vm, &spec, "str"));
    }
    let refusal = match spec.sign {
        Some(b' ') => Some("Space not allowed in string format specifier"),
        Some(_) => Some("Sign not allowed in string format specifier"),
        None if spec.no_negative_zero => Some("Negative zero coercion (z) not allowed in string format specifier"),
        None if spec.alternate => Some("Alternate form (#) not allowed in string format specifier"),
        None if spec.align == b'=' => Some("'=' alignment not allowed in string format specifier"),
        None => None,
    };
    if let Some(message) = refusal {
        return Err(vm.value_error(message));
    }
    let mut text = vm.exact_str(value);
    if let Some(precision) = spec.precision
        && precision < str::length(text)
    {
        text = str::substring(vm, text, 0, precision);
    }
    let count = str::length(text);
    if spec.width <= count {
        return Ok(text);
    }
    let padded = layout::pad(&spec, str::exact_bytes(text), count);
    Ok(vm.new_str_bytes(&padded))
}

/// An int by a specification.
pub fn format_int(vm: &mut Vm, value: Value, spec: &[u8]) -> PyResult {
    let spec = parse::parse(vm, spec, "int", Some('d'), b'>')?;
    match spec.kind {
        Some('b' | 'c' | 'd' | 'o' | 'x' | 'X' | 'n') => {}
        Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => {
            let x = int::int_to_f64(vm, value)?;
            let text = float_text(&spec, x);
            return Ok(vm.new_str_bytes(&text));
        }
        _ => return Err(unknown_code(vm, &spec, "int")),
    }
    if spec.precision.is_some() {
        return Err(vm.value_error("Precision not allowed in integer format specifier"));
    }
    if spec.no_negative_zero {
        return Err(vm.value_error("Negative zero coercion (z) not allowed in integer format specifier"));
    }
    if spec.kind == Some('c') {
        return format_code_point(vm, value, &spec);
    }
    let (prefix, digits) = match spec.kind {
        Some('b') => ("0b", vm.as_bigint(value).expect("an int").abs().to_str_radix(2)),
        Some('o') => ("0o", vm.as_bigint(value).expect("an int").abs().to_str_radix(8)),
        Some('x') => ("0x", vm.as_bigint(value).expect("an int").abs().to_str_radix(16)),
        Some('X') => ("0X", vm.as_bigint(value).expect("an int").abs().to_str_radix(16).to_uppercase()),
        _ => {
            let text = int::to_text(vm, value)?;
            ("", text.trim_start_matches('-').to_string())
        }
    };
    let negative = if value.is_int() { value.as_int() < 0 } else { int::to_big(value) < BigInt::from(0) };
    let prefix = if spec.alternate { prefix } else { "" };
    let text = layout::number(&spec, Number { negative, prefix, digits: &digits, point: "", rest: "" });
    Ok(vm.new_str_bytes(&text))
}

/// Type `c`.
fn format_code_point(vm: &mut Vm, value: Value, spec: &Spec) -> PyResult {
    if spec.sign.is_some() {
        return Err(vm.value_error("Sign not allowed with integer format specifier 'c'"));
    }
    if spec.alternate {
        return Err(vm.value_error("Alternate form (#) not allowed with integer format specifier 'c'"));
    }
    let code = vm.as_i64(value).and_then(|code| u32::try_from(code).ok()).filter(|code| *code <= 0x10ffff);
    let Some(code) = code else {
        return Err(vm.overflow_error("%c arg not in range(0x110000)"));
    };
    let mut text = Vec::new();
    wtf8::push(&mut text, code);
    let padded = layout::pad(spec, &text, 1);
    Ok(vm.new_str_bytes(&padded))
}

/// A float by a specification.
pub fn format_float(vm: &mut Vm, x: f64, spec: &[u8]) -> PyResult {
    let spec = parse::parse(vm, spec, "float", None, b'>')?;
    match spec.kind {
        None | Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%') => {
            let text = float_text(&spec, x);
            Ok(vm.new_str_bytes(&text))
        }
        _ => Err(unknown_code(vm, &spec, "float")),
    }
}

/// How the type and the precision want a float written.
fn style(spec: &Spec, point_zero: bool) -> Style {
    let (kind, default) = match spec.kind {
        None if spec.precision.is_some() => (b'g', 0),
        None => (b'r', 0),
        Some('e' | 'E') => (b'e', 6),
        Some('f' | 'F' | '%') => (b'f', 6),
        _ => (b'g', 6),
    };
    Style {
        kind,
        precision: spec.precision.unwrap_or(default),
        alternate: spec.alternate,
        point_zero: point_zero && spec.kind.is_none(),
        upper: matches!(spec.kind, Some('E' | 'F' | 'G')),
    }
}

fn float_text(spec: &Spec, x: f64) -> Vec<u8> {
    let percent = spec.kind == Some('%');
    let x = if percent { x * 100.0 } else { x };
    let mut magnitude = format_magnitude(x, style(spec, true));
    if percent {
        magnitude.put('%');
    }
    float_layout(spec, x, &magnitude)
}

fn float_layout(spec: &Spec, x: f64, magnitude: &str) -> Vec<u8> {
    let (digits, point, rest) = layout::split(magnitude);
    let zero = spec.no_negative_zero
        && magnitude.chars().take_while(|c| *c != 'e').all(|c| !matches!(c, '1'..='9' | 'i' | 'I'));
    let negative = x.is_sign_negative() && !x.is_nan() && !zero;
    layout::number(spec, Number { negative, prefix: "", digits, point, rest })
}

/// A complex number by a specification.
pub fn format_complex(vm: &mut Vm, (re, im): (f64, f64), spec: &[u8]) -> PyResult {
    let spec = parse::parse(vm, spec, "complex", None, b'>')?;
    if !matches!(spec.kind, None | Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n')) {
        return Err(unknown_code(vm, &spec, "complex"));
    }
    if spec.fill == '0' as u32 {
        return Err(vm.value_error("Zero padding is not allowed in complex format specifier"));
    }
    if spec.align == b'=' {
        return Err(vm.value_error("'=' alignment flag is not allowed in complex format specifier"));
    }
    let style = style(&spec, false);
    let only_imaginary = spec.kind.is_none() && re == 0.0 && re.is_sign_positive();
    let parentheses = spec.kind.is_none() && !only_imaginary;
    let unpadded = Spec { width: 0, ..spec };
    let mut text = Vec::new();
    if parentheses {
        text.put(b'(');
    }
    if !only_imaginary {
        text.extend(float_layout(&unpadded, re, &format_magnitude(re, style)));
    }
    let signed = Spec { sign: if only_imaginary { unpadded.sign } else { Some(b'+') }, ..unpadded };
    text.extend(float_layout(&signed, im, &format_magnitude(im, style)));
    text.put(b'j');
    if parentheses {
        text.put(b')');
    }
    let padded = layout::pad(&spec, &text, text.len());
    Ok(vm.new_str_bytes(&padded))
}

#[cold]
fn unknown_code(vm: &mut Vm, spec: &Spec, ty: &str) -> Raised {
    let code = spec.kind.unwrap_or('\0');
    let shown =
        if (' '..'\u{80}').contains(&code) && code != ' ' { code.to_string() } else { format!("\\x{:x}", code as u32) };
    vm.value_error(format!("Unknown format code '{shown}' for object of type '{ty}'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error, with_vms};

    fn shown(vm: &mut Vm, result: PyResult) -> String {
        match result {
            Ok(text) => vm.text_of(text),
            Err(raised) => error(vm, raised),
        }
    }

    #[test]
    fn ints() {
        with_vms(|vm| {
            for (value, spec, expected) in [
                (1234567, ",", "1,234,567"),
                (-255, "#010x", "-0x00000ff"),
                (255, "_b", "1111_1111"),
                (5, "*^7", "***5***"),
                (3, "+.1e", "+3.0e+00"),
                (1, "5.2", "ValueError: Precision not allowed in integer format specifier"),
                (1, "q", "ValueError: Unknown format code 'q' for object of type 'int'"),
            ] {
                let result = format_int(vm, Value::from_int(value), spec.as_bytes());
                assert_eq!(shown(vm, result), expected, "{spec}");
            }
        });
    }

    #[test]
    fn floats() {
        with_vms(|vm| {
            for (value, spec, expected) in [
                (1234567.891, ",.2f", "1,234,567.89"),
                (140.244, "015,.5f", "0,000,140.24400"),
                (0.25, ".1%", "25.0%"),
                (-0.001, "z.1f", "0.0"),
                (f64::INFINITY, "08", "00000inf"),
                (1e16, "", "1e+16"),
                (100.0, ".2", "1e+02"),
                (0.1234567, "._f", "0.123_457"),
            ] {
                let result = format_float(vm, value, spec.as_bytes());
                assert_eq!(shown(vm, result), expected, "{spec}");
            }
        });
    }
}
