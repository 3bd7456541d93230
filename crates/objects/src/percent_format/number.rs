//! Numbers by `%`.

use super::Mode;
use super::directive::Directive;
use crate::error::PyResult;
use crate::float::format::{Style, format_magnitude};
use crate::int;
use crate::str::wtf8;
use crate::vm::Vm;
use heap::{MakeRoom, Value};
use num_bigint::BigInt;
use num_traits::Signed;

/// A number's text: sign and prefix, then the rest.
pub(super) struct Text {
    sign: String,
    body: String,
}

pub(super) fn text(vm: &mut Vm, mode: Mode, directive: &Directive, code: char, value: Value) -> PyResult<Text> {
    match code {
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => float_text(vm, mode, directive, code, value),
        _ => int_text(vm, directive, code, value),
    }
}

pub(super) fn push(out: &mut Vec<u8>, directive: &Directive, text: &Text) {
    let missing = directive.width.or(0).saturating_sub(text.sign.len() + text.body.len());
    let zero = directive.zero && !directive.left;
    if !directive.left && !zero {
        wtf8::push_many(out, b' ' as u32, missing);
    }
    out.put_all(text.sign.as_bytes());
    if zero {
        wtf8::push_many(out, b'0' as u32, missing);
    }
    out.put_all(text.body.as_bytes());
    if directive.left {
        wtf8::push_many(out, b' ' as u32, missing);
    }
}

fn sign(negative: bool, directive: &Directive) -> String {
    match directive.sign {
        _ if negative => "-".into(),
        Some(sign) => (sign as char).into(),
        None => String::new(),
    }
}

fn float_text(vm: &mut Vm, mode: Mode, directive: &Directive, code: char, value: Value) -> PyResult<Text> {
    let x = match mode {
        Mode::Str => vm.to_f64(value)?,
        Mode::Bytes => match vm.to_f64_opt(value)? {
            Some(x) => x,
            None => {
                let given = vm.type_name(value);
                return Err(vm.type_error(format!("float argument required, not {given}")));
            }
        },
    };
    let style = Style {
        kind: code.to_ascii_lowercase() as u8,
        precision: directive.precision.or(6),
        alternate: directive.alternate,
        point_zero: false,
        upper: code.is_ascii_uppercase(),
    };
    let negative = x.is_sign_negative() && !x.is_nan();
    Ok(Text { sign: sign(negative, directive), body: format_magnitude(x, style) })
}

fn int_text(vm: &mut Vm, directive: &Directive, code: char, value: Value) -> PyResult<Text> {
    let exact = integer(vm, code, value)?;
    let (negative, mut digits) = match code {
        'o' => radix(vm, exact, 8),
        'x' => radix(vm, exact, 16),
        'X' => {
            let (negative, digits) = radix(vm, exact, 16);
            (negative, digits.to_uppercase())
        }
        _ => {
            let text = int::to_text(vm, exact)?;
            (text.starts_with('-'), text.trim_start_matches('-').to_string())
        }
    };
    let precision = directive.precision.or(0);
    if digits.len() < precision {
        let mut filled = text_of_zeros(precision - digits.len());
        filled.put_all(&digits);
        digits = filled;
    }
    let mut sign = sign(negative, directive);
    if directive.alternate && matches!(code, 'o' | 'x' | 'X') {
        sign.put('0');
        sign.put(code);
    }
    Ok(Text { sign, body: digits })
}

fn text_of_zeros(count: usize) -> String {
    String::from_utf8(heap::filled(b'0', count)).expect("zeros are text")
}

fn radix(vm: &Vm, exact: Value, radix: u32) -> (bool, String) {
    let big: BigInt = vm.as_bigint(exact).expect("an exact int");
    (big.is_negative(), big.magnitude().to_str_radix(radix))
}

/// The int that is formatted: `int(value)` in decimal, `__index__` otherwise.
fn integer(vm: &mut Vm, code: char, value: Value) -> PyResult {
    if let Some(exact) = vm.int_of(value) {
        return Ok(exact);
    }
    let hexadecimal = matches!(code, 'o' | 'x' | 'X');
    let slots = *vm.type_of(value).slots();
    let result = if hexadecimal && slots.index.is_some() {
        Some(vm.index_big(value))
    } else if !hexadecimal && (slots.int.is_some() || slots.index.is_some()) {
        Some(int::from_object(vm, value))
    } else {
        None
    };
    match result {
        Some(Ok(int)) => Ok(int),
        Some(Err(raised)) if !vm.exception_matches(raised.0, vm.exc.type_error) => Err(raised),
        _ => {
            let (given, kind) = (vm.type_name(value), if hexadecimal { "an integer" } else { "a real number" });
            Err(vm.type_error(format!("%{code} format: {kind} is required, not {given}")))
        }
    }
}
