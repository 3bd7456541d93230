//! How arrays are pickled: by protocol 3 and later as bytes with a code for their format, before as a list.

use super::elements::{ElementType, kind_of};
use super::{State, content, initial, methods, new_array_of, push};
use heap::{MakeRoom, Value};
use num_bigint::{BigInt, Sign};
use objects::args::CallArgs;
use objects::array_layout::Array;
use objects::error::PyResult;
use objects::layout::cast;
use objects::ty::TypeRef;
use objects::vm::Vm;

/// How elements lie in pickled bytes.
#[derive(Clone, Copy)]
struct Format {
    size: usize,
    signed: bool,
    float: bool,
    text: bool,
    big_endian: bool,
}

/// CPython's numbers: each kind with its little-endian form before its big-endian one.
fn format_of(code: i64) -> Option<Format> {
    let number = |size, signed| Format { size, signed, float: false, text: false, big_endian: false };
    let little = match code {
        0 | 1 => return Some(number(1, code == 1)),
        2..=13 => number([2, 4, 8][(code as usize - 2) / 4], (code - 2) % 4 >= 2),
        14..=17 => Format { float: true, ..number(if code < 16 { 4 } else { 8 }, true) },
        18..=21 => Format { text: true, ..number(if code < 20 { 2 } else { 4 }, false) },
        _ => return None,
    };
    Some(Format { big_endian: code % 2 == 1, ..little })
}

fn code_of(kind: ElementType) -> i64 {
    match (kind.size(), kind.is_float(), kind.is_text()) {
        (4, true, _) => 14,
        (_, true, _) => 16,
        (_, _, true) => 20,
        (1, ..) => kind.is_signed() as i64,
        (size, ..) => 2 + 4 * (size.ilog2() as i64 - 1) + 2 * kind.is_signed() as i64,
    }
}

pub(super) fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [array, protocol] = *args.values else { unreachable!("two arguments") };
    if !vm.is_int(protocol) {
        return Err(vm.type_error("__reduce_ex__ argument should be an integer"));
    }
    let protocol = vm.index(protocol)?;
    let state = vm.getattr_str_opt(array, "__dict__")?.unwrap_or(vm.none);
    let class = vm.type_of(array).value();
    let kind = kind_of(cast::<Array>(array));
    let typecode = vm.new_str_code_point(kind.typecode() as u32);
    if protocol < 3 {
        let list = methods::list_of(vm, array)?;
        let arguments = vm.new_tuple(&[typecode, list]);
        return Ok(vm.new_tuple(&[class, arguments, state]));
    }
    let module = objects::module::import(vm, "array")?;
    let function = vm.getattr_str(module, "_array_reconstructor")?;
    let bytes = vm.new_bytes(content(array));
    let arguments = vm.new_tuple(&[class, typecode, Value::from_int(code_of(kind)), bytes]);
    Ok(vm.new_tuple(&[function, arguments, state]))
}

/// `_array_reconstructor(class, typecode, code, bytes)`: the bytes may come from another machine.
pub(super) fn reconstruct(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [class, typecode, code, bytes] = *args.values else { unreachable!("four arguments") };
    let array_type = vm.extension::<State>().array.expect("made with the module");
    if !objects::type_::is_type(vm, class) {
        return Err(vm.type_error("first argument must be a type object, not str"));
    }
    let class = TypeRef::from_value(class);
    if !class.is_subtype(array_type) {
        return Err(vm.type_error(format!("{} is not a subtype of array.array", class.name())));
    }
    let typecode = initial::typecode(vm, "_array_reconstructor", 2, typecode)?;
    let Some(number) = ElementType::number(typecode) else {
        return Err(vm.value_error("second argument must be a valid type code"));
    };
    let Some(format) = format_of(vm.index(code)?) else {
        return Err(vm.value_error("third argument must be a valid machine format code."));
    };
    if !vm.is_bytes(bytes) {
        let given = vm.type_name(bytes);
        return Err(vm.type_error(format!("fourth argument should be bytes, not {given}")));
    }
    let raw = vm.bytes(bytes);
    if !raw.len().is_multiple_of(format.size) {
        return Err(vm.value_error("bytes length not a multiple of item size"));
    }
    let array = new_array_of(vm, class, number);
    let mut units = Vec::new();
    for chunk in raw.chunks_exact(format.size) {
        let mut little = heap::copied(chunk);
        if format.big_endian {
            little.reverse();
        }
        if format.text {
            let mut wide = [0; 4];
            wide[..format.size].copy_from_slice(&little);
            units.put(u32::from_le_bytes(wide));
            continue;
        }
        let value = value_of_element(vm, format, &little);
        push(vm, array, value)?;
    }
    for code in joined_surrogates(&units, format.size == 2) {
        let character = vm.new_str_code_point(code);
        push(vm, array, character)?;
    }
    Ok(array)
}

fn value_of_element(vm: &mut Vm, format: Format, little: &[u8]) -> Value {
    match (format.float, little.len()) {
        (true, 4) => vm.float(f32::from_le_bytes([little[0], little[1], little[2], little[3]]) as f64),
        (true, _) => vm.float(f64::from_le_bytes(little.try_into().expect("eight bytes"))),
        _ if format.signed => vm.int_from_big(&BigInt::from_signed_bytes_le(little)),
        _ => vm.int_from_big(&BigInt::from_bytes_le(Sign::Plus, little)),
    }
}

/// The code points of UTF-16 or UTF-32.
fn joined_surrogates(units: &[u32], utf16: bool) -> Vec<u32> {
    let mut codes = heap::vec_with_capacity(units.len());
    for &unit in units {
        if utf16
            && (0xdc00..0xe000).contains(&unit)
            && let Some(high @ 0xd800..0xdc00) = codes.last().copied()
        {
            *codes.last_mut().expect("just read") = 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00);
        } else {
            codes.put(unit);
        }
    }
    codes
}
