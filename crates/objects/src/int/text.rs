//! Ints as text and back, within the limit on decimal digits.

use crate::error::PyResult;
use crate::number_text;
use crate::vm::Vm;
use heap::{MakeRoom, Value};
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::Signed;

/// The most decimal digits that are converted, as set by `sys.set_int_max_str_digits`; 0: no limit.
struct MaxDigits(usize);

impl Default for MaxDigits {
    fn default() -> MaxDigits {
        MaxDigits(4300)
    }
}

pub fn max_str_digits(vm: &mut Vm) -> usize {
    vm.extension::<MaxDigits>().0
}

pub fn set_max_str_digits(vm: &mut Vm, digits: usize) {
    vm.extension::<MaxDigits>().0 = digits;
}

/// The decimal digits of an exact int.
pub fn to_text(vm: &mut Vm, value: Value) -> PyResult<String> {
    if value.is_int() {
        return Ok(value.as_int().to_string());
    }
    let big = super::to_big(value);
    let limit = max_str_digits(vm);
    // More bits than the largest number of `limit` digits has.
    if limit != 0 && big.bits() > limit as u64 * 3 {
        let text = if big.bits() as f64 * std::f64::consts::LOG10_2 > limit as f64 + 1.0 {
            None
        } else {
            Some(big.to_string())
        };
        return match text {
            Some(text) if text.len() - big.is_negative() as usize <= limit => Ok(text),
            _ => Err(vm.value_error(format!(
                "Exceeds the limit ({limit} digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit"
            ))),
        };
    }
    Ok(big.to_string())
}

/// The int that `literal` writes in `base` (0: by its prefix); `original` is shown when it writes none.
pub fn parse(vm: &mut Vm, literal: &[u8], base: u32, original: Value) -> PyResult {
    match parse_digits(literal, base) {
        Some(Literal { negative, base, digits }) => {
            if digits.len() <= 18 && base <= 10 {
                let magnitude = digits.iter().fold(0, |sum, digit| sum * base as i64 + (digit - b'0') as i64);
                return Ok(Value::from_int(if negative { -magnitude } else { magnitude }));
            }
            let limit = max_str_digits(vm);
            if limit != 0 && digits.len() > limit && !base.is_power_of_two() {
                return Err(vm.value_error(format!(
                    "Exceeds the limit ({limit} digits) for integer string conversion: value has {} digits; use sys.set_int_max_str_digits() to increase the limit",
                    digits.len()
                )));
            }
            let magnitude = BigUint::parse_bytes(&digits, base).expect("only digits of the base");
            let sign = if negative { Sign::Minus } else { Sign::Plus };
            Ok(vm.int_from_big(&BigInt::from_biguint(sign, magnitude)))
        }
        None => {
            let repr = vm.repr_text(original)?;
            let shown: String = repr.chars().take(200).collect();
            Err(vm.value_error(format!("invalid literal for int() with base {base}: {shown}")))
        }
    }
}

struct Literal {
    negative: bool,
    base: u32,
    /// Without underscores and prefix.
    digits: Vec<u8>,
}

fn parse_digits(literal: &[u8], base: u32) -> Option<Literal> {
    let text = number_text::trim(literal);
    let (negative, text) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let prefix = match text {
        [b'0', b'x' | b'X', ..] => Some(16),
        [b'0', b'o' | b'O', ..] => Some(8),
        [b'0', b'b' | b'B', ..] => Some(2),
        _ => None,
    };
    let (base_found, mut digits) = match (base, prefix) {
        (0, Some(base)) => (base, &text[2..]),
        (0, None) => (10, text),
        (_, Some(found)) if found == base => (base, &text[2..]),
        _ => (base, text),
    };
    // One underscore may follow the prefix.
    if prefix == Some(base_found) && digits.len() + 2 == text.len() && digits.first() == Some(&b'_') {
        digits = &digits[1..];
    }
    let mut plain = heap::vec_with_capacity(digits.len());
    let mut underscore = true;
    for &byte in digits {
        if byte == b'_' {
            if underscore {
                return None;
            }
            underscore = true;
            continue;
        }
        underscore = false;
        if !(byte as char).is_digit(base_found) {
            return None;
        }
        plain.put(byte);
    }
    if underscore {
        return None;
    }
    // Without a prefix, a literal of another number than zero starts with another digit.
    if base == 0 && prefix.is_none() && plain.len() > 1 && plain[0] == b'0' && plain.iter().any(|digit| *digit != b'0')
    {
        return None;
    }
    Some(Literal { negative, base: base_found, digits: plain })
}

#[cfg(test)]
mod tests {
    use super::parse_digits;

    fn value(text: &str, base: u32) -> Option<i64> {
        let literal = parse_digits(text.as_bytes(), base)?;
        let digits = String::from_utf8(literal.digits).unwrap();
        let magnitude = i64::from_str_radix(&digits, literal.base).unwrap();
        Some(if literal.negative { -magnitude } else { magnitude })
    }

    #[test]
    fn literals_are_as_in_source() {
        assert_eq!(value(" 1_000\n", 10), Some(1000));
        assert_eq!(value("-0x_ff", 16), Some(-255));
        assert_eq!(value("0b11", 0), Some(3));
        assert_eq!(value("0b11", 16), Some(0xb11));
        assert_eq!(value("00", 0), Some(0));
        assert_eq!(value("zz", 36), Some(1295));
        for wrong in ["", "_1", "1_", "1__0", "+-1", "0x", "- 1", "9a"] {
            assert_eq!(value(wrong, 10), None, "{wrong}");
        }
        assert_eq!(value("010", 0), None);
    }
}
