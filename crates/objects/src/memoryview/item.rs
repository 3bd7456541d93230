//! Elements of a view as values, by their native format.

use super::MemoryView;
use crate::error::PyResult;
use crate::float;
use crate::vm::Vm;
use heap::Value;
use num_bigint::{BigInt, Sign};

/// Bytes of an element of a native format of one character.
pub fn size_of_format(format: &[u8]) -> Option<usize> {
    let code = match format {
        [code] | [b'@', code] => *code,
        _ => return None,
    };
    Some(match code {
        b'c' | b'b' | b'B' | b'?' => 1,
        b'h' | b'H' | b'e' => 2,
        b'i' | b'I' | b'f' => 4,
        b'l' | b'L' | b'q' | b'Q' | b'n' | b'N' | b'd' | b'P' => 8,
        _ => return None,
    })
}

fn code(vm: &Vm, view: &MemoryView) -> Option<u8> {
    let format = vm.str_bytes(view.format.get());
    size_of_format(format).filter(|size| *size == view.item_bytes.get() as usize)?;
    format.last().copied()
}

/// The element in `bytes`; `None` if the format is not a native one.
pub(super) fn unpack_opt(vm: &mut Vm, view: &MemoryView, bytes: &[u8]) -> Option<Value> {
    let code = code(vm, view)?;
    Some(match code {
        b'c' => vm.new_bytes(bytes),
        b'?' => vm.bool(bytes[0] != 0),
        b'e' => vm.float(half_to_f64(u16::from_ne_bytes([bytes[0], bytes[1]]))),
        b'f' => vm.float(f32::from_ne_bytes(bytes.try_into().expect("four bytes")) as f64),
        b'd' => vm.float(f64::from_ne_bytes(bytes.try_into().expect("eight bytes"))),
        b'b' | b'h' | b'i' | b'l' | b'q' | b'n' => {
            let mut wide = [if bytes[bytes.len() - 1] >= 0x80 { 0xff } else { 0 }; 8];
            wide[..bytes.len()].copy_from_slice(bytes);
            vm.int(i64::from_le_bytes(wide))
        }
        _ => {
            let mut wide = [0; 8];
            wide[..bytes.len()].copy_from_slice(bytes);
            vm.int_from_u64(u64::from_le_bytes(wide))
        }
    })
}

pub(super) fn unpack(vm: &mut Vm, view: &MemoryView, bytes: &[u8]) -> PyResult {
    match unpack_opt(vm, view, bytes) {
        Some(value) => Ok(value),
        None => {
            let format = vm.text_of(view.format.get());
            Err(vm.not_implemented_error(format!("memoryview: format {format} not supported")))
        }
    }
}

/// The bytes of `value` as an element.
pub(super) fn pack(vm: &mut Vm, view: &MemoryView, value: Value) -> PyResult<Vec<u8>> {
    let format = vm.text_of(view.format.get());
    let Some(code) = code(vm, view) else {
        return Err(vm.not_implemented_error(format!("memoryview: format {format} not supported")));
    };
    let wrong_type = |vm: &mut Vm| vm.type_error(format!("memoryview: invalid type for format '{format}'"));
    let wrong_value = |vm: &mut Vm| vm.value_error(format!("memoryview: invalid value for format '{format}'"));
    Ok(match code {
        b'c' => match vm.bytes_of(value) {
            Some([byte]) => vec![*byte],
            Some(_) => return Err(wrong_value(vm)),
            None => return Err(wrong_type(vm)),
        },
        b'?' => vec![vm.truth(value)? as u8],
        b'e' | b'f' | b'd' => {
            let Some(x) = vm.to_f64_opt(value)? else { return Err(wrong_type(vm)) };
            match code {
                b'd' => x.to_ne_bytes().to_vec(),
                b'f' => (x as f32).to_ne_bytes().to_vec(),
                _ => f64_to_half(x).to_ne_bytes().to_vec(),
            }
        }
        _ => {
            if vm.type_of(value).slots().index.is_none() {
                return Err(wrong_type(vm));
            }
            let index = vm.index_big(value)?;
            let big = vm.as_bigint(index).expect("an index");
            let bits = 8 * view.item_bytes.get() as u32;
            let signed = matches!(code, b'b' | b'h' | b'i' | b'l' | b'q' | b'n');
            let (low, high) = if signed {
                (-(BigInt::from(1) << (bits - 1)), BigInt::from(1) << (bits - 1))
            } else {
                (BigInt::from(0), BigInt::from(1) << bits)
            };
            if big < low || big >= high {
                return Err(wrong_value(vm));
            }
            let mut bytes = big.to_signed_bytes_le();
            bytes.resize((bits / 8) as usize, if big.sign() == Sign::Minus { 0xff } else { 0 });
            bytes
        }
    })
}

/// IEEE binary16.
pub fn half_to_f64(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = ((bits >> 10 & 0x1f) as i32, (bits & 0x3ff) as f64);
    match exponent {
        0 => sign * fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN.copysign(sign),
        _ => sign * (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

/// The nearest binary16, ties to even; infinite beyond the range.
pub fn f64_to_half(x: f64) -> u16 {
    let sign = (x.is_sign_negative() as u16) << 15;
    let x = x.abs();
    if x.is_nan() {
        return sign | 0x7e00;
    }
    if x >= 65520.0 {
        return sign | 0x7c00;
    }
    if x == 0.0 {
        return sign;
    }
    let (mantissa, exponent) = float::decompose(x);
    let top = 63 - mantissa.leading_zeros() as i32 + exponent;
    // The unit of the last place: 2**(top - 10), but no less than the smallest subnormal.
    let unit = (top - 10).max(-24);
    let count = (x * 2f64.powi(-unit)).round_ties_even() as u16;
    if unit == -24 { sign | count } else { sign | (((unit + 24) as u16) << 10).wrapping_add(count) }
}

#[cfg(test)]
mod tests {
    use super::{f64_to_half, half_to_f64};

    #[test]
    fn halves_come_back() {
        for bits in 0..=u16::MAX {
            let x = half_to_f64(bits);
            if !x.is_nan() {
                assert_eq!(f64_to_half(x), bits);
            }
        }
        assert_eq!(f64_to_half(65519.9), 0x7bff);
        assert_eq!(f64_to_half(2f64.powi(-25)), 0);
        assert_eq!(f64_to_half(1.5 * 2f64.powi(-25)), 1);
    }
}
