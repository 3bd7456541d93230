//! Values to bytes and back, by a compiled format.

use super::error;
use super::format::{Content, Field, Program};
use heap::Value;
use num_bigint::{BigInt, Sign};
use objects::error::PyResult;
use objects::memoryview::{f64_to_half, half_to_f64};
use objects::value_vec::ValueVec;
use objects::vm::Vm;

/// There are as many values as the program says; the bytes are zero.
pub fn pack(vm: &mut Vm, program: &Program, values: &[Value], bytes: &mut [u8]) -> PyResult<()> {
    let mut values = values.iter().copied();
    for field in &program.fields {
        for i in 0..field.count {
            let value = values.next().expect("counted by the caller");
            let target = &mut bytes[field.offset + i * field.size..][..field.size];
            pack_one(vm, field, value, target, program.big_endian)?;
        }
    }
    Ok(())
}

/// The bytes are as many as the program says.
pub fn unpack(vm: &mut Vm, program: &Program, bytes: &[u8]) -> PyResult {
    let mut values = ValueVec::with_capacity(vm, program.values);
    for field in &program.fields {
        for i in 0..field.count {
            let source = &bytes[field.offset + i * field.size..][..field.size];
            let value = unpack_one(vm, field, source, program.big_endian);
            values.push(vm, value);
        }
    }
    Ok(vm.new_tuple(values.as_slice()))
}

fn pack_one(vm: &mut Vm, field: &Field, value: Value, target: &mut [u8], big_endian: bool) -> PyResult<()> {
    match field.content {
        Content::Int { signed } => {
            let bytes = int_bytes(vm, field, signed, value)?;
            store(target, &bytes[..field.size], big_endian);
        }
        Content::Pointer => {
            let Some(number) = int_argument(vm, value)? else {
                return Err(error(vm, "required argument is not an integer"));
            };
            let big = vm.as_bigint(number).expect("an int");
            let bits = match (i64::try_from(&big), u64::try_from(&big)) {
                (Ok(number), _) => number as u64,
                (_, Ok(number)) => number,
                _ => return Err(error(vm, "int too large to convert")),
            };
            store(target, &bits.to_le_bytes(), big_endian);
        }
        Content::Bool => target[0] = vm.truth(value)? as u8,
        Content::Char => match bytes_object(vm, value, false) {
            Some([byte]) => target[0] = *byte,
            _ => return Err(error(vm, "char format requires a bytes object of length 1")),
        },
        Content::Float => {
            let x = match vm.to_f64(value) {
                Ok(x) => x,
                // Halves convert ints on their own.
                Err(_) if field.code == b'e' && vm.is_int(value) => return Err(error(vm, "int too large to convert")),
                Err(_) => return Err(error(vm, "required argument is not a float")),
            };
            let stored = store_float(vm, field.code, x, target, big_endian);
            if stored.is_err() && vm.is_int(value) {
                return Err(error(vm, "int too large to convert"));
            }
            stored?;
        }
        Content::Complex => {
            let Ok(parts) = vm.to_complex(value) else {
                return Err(error(vm, "required argument is not a complex"));
            };
            let code = if field.code == b'F' { b'f' } else { b'd' };
            let (re, im) = target.split_at_mut(field.size / 2);
            store_float(vm, code, parts.0, re, big_endian)?;
            store_float(vm, code, parts.1, im, big_endian)?;
        }
        Content::Bytes => {
            let Some(bytes) = bytes_object(vm, value, true) else {
                return Err(error(vm, "argument for 's' must be a bytes object"));
            };
            let count = bytes.len().min(target.len());
            target[..count].copy_from_slice(&bytes[..count]);
        }
        Content::Pascal => {
            let Some(bytes) = bytes_object(vm, value, true) else {
                return Err(error(vm, "argument for 'p' must be a bytes object"));
            };
            if let [first, rest @ ..] = target {
                let count = bytes.len().min(rest.len());
                rest[..count].copy_from_slice(&bytes[..count]);
                *first = count.min(255) as u8;
            }
        }
    }
    Ok(())
}

/// An int, by `__index__`; `None` for other objects.
fn int_argument(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    if vm.is_int(value) || vm.type_of(value).slots().index.is_some() {
        return vm.index_big(value).map(Some);
    }
    Ok(None)
}

fn int_bytes(vm: &mut Vm, field: &Field, signed: bool, value: Value) -> PyResult<[u8; 8]> {
    let Some(number) = int_argument(vm, value)? else {
        return Err(error(vm, "required argument is not an integer"));
    };
    let bits = 8 * field.size as u32;
    let (low, high) = if signed { (-1i128 << (bits - 1), 1i128 << (bits - 1)) } else { (0, 1i128 << bits) };
    let wide = match vm.as_i64(number) {
        Some(number) => number as i128,
        None => {
            let big: BigInt = vm.as_bigint(number).expect("an int");
            let out_of_range = if big.sign() == Sign::Minus { i128::MIN } else { i128::MAX };
            i128::try_from(&big).unwrap_or(out_of_range)
        }
    };
    if wide < low || wide >= high {
        let code = field.code as char;
        return Err(error(vm, format!("'{code}' format requires {low} <= number <= {}", high - 1)));
    }
    Ok((wide as u64).to_le_bytes())
}

/// Bytes, and perhaps bytearrays.
fn bytes_object(vm: &mut Vm, value: Value, or_bytearray: bool) -> Option<&'static [u8]> {
    if or_bytearray || vm.is_bytes(value) { vm.bytes_of(value) } else { None }
}

fn store(target: &mut [u8], little: &[u8], big_endian: bool) {
    target.copy_from_slice(little);
    if big_endian {
        target.reverse();
    }
}

fn store_float(vm: &mut Vm, code: u8, x: f64, target: &mut [u8], big_endian: bool) -> PyResult<()> {
    let overflow = match code {
        b'e' => {
            let half = f64_to_half(x);
            store(target, &half.to_le_bytes(), big_endian);
            half & 0x7fff == 0x7c00
        }
        b'f' => {
            let single = x as f32;
            store(target, &single.to_le_bytes(), big_endian);
            single.is_infinite()
        }
        _ => {
            store(target, &x.to_le_bytes(), big_endian);
            false
        }
    };
    if overflow && x.is_finite() {
        return Err(vm.overflow_error(format!("float too large to pack with {} format", code as char)));
    }
    Ok(())
}

fn unpack_one(vm: &mut Vm, field: &Field, source: &[u8], big_endian: bool) -> Value {
    match field.content {
        Content::Int { signed } => {
            let bits = load(source, big_endian);
            let unused = 64 - 8 * field.size as u32;
            if signed { vm.int((bits as i64) << unused >> unused) } else { vm.int_from_u64(bits) }
        }
        Content::Pointer => vm.int_from_u64(load(source, big_endian)),
        Content::Bool => vm.bool(source[0] != 0),
        Content::Char | Content::Bytes => vm.new_bytes(source),
        Content::Float => {
            let x = load_float(source, big_endian);
            vm.float(x)
        }
        Content::Complex => {
            let (re, im) = source.split_at(field.size / 2);
            vm.complex(load_float(re, big_endian), load_float(im, big_endian))
        }
        Content::Pascal => match source {
            [] => vm.empty_bytes,
            [count, rest @ ..] => vm.new_bytes(&rest[..(*count as usize).min(rest.len())]),
        },
    }
}

fn load(source: &[u8], big_endian: bool) -> u64 {
    let mut bytes = [0; 8];
    let bytes_used = &mut bytes[..source.len()];
    bytes_used.copy_from_slice(source);
    if big_endian {
        bytes_used.reverse();
    }
    u64::from_le_bytes(bytes)
}

/// By its size.
fn load_float(source: &[u8], big_endian: bool) -> f64 {
    let bits = load(source, big_endian);
    match source.len() {
        2 => half_to_f64(bits as u16),
        4 => f32::from_bits(bits as u32) as f64,
        _ => f64::from_bits(bits),
    }
}
