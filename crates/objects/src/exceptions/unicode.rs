//! `UnicodeDecodeError`, `UnicodeEncodeError`, `UnicodeTranslateError`.

use crate::args::CallArgs;
use crate::args::GetSetDef;
use crate::error::PyResult;
use crate::exceptions::base;
use crate::exceptions::fields::{field, get, set};
use crate::slots::Slots;
use crate::ty::TypeSpec;
use crate::vm::Vm;
use heap::Value;

const ENCODING: usize = 0;
const OBJECT: usize = 1;
const START: usize = 2;
const END: usize = 3;
const REASON: usize = 4;

static GETSET: &[GetSetDef] =
    &[field!("encoding", 0), field!("object", 1), field!("start", 2), field!("end", 3), field!("reason", 4)];

pub(super) fn extend_decode(spec: TypeSpec) -> TypeSpec {
    TypeSpec { slots: Slots { init: Some(init_decode), str: Some(str_decode), ..spec.slots }, getset: GETSET, ..spec }
}

pub(super) fn extend_encode(spec: TypeSpec) -> TypeSpec {
    TypeSpec { slots: Slots { init: Some(init_encode), str: Some(str_encode), ..spec.slots }, getset: GETSET, ..spec }
}

pub(super) fn extend_translate(spec: TypeSpec) -> TypeSpec {
    TypeSpec {
        slots: Slots { init: Some(init_translate), str: Some(str_translate), ..spec.slots },
        getset: GETSET,
        ..spec
    }
}

fn exactly(vm: &mut Vm, args: &CallArgs, count: usize) -> PyResult<()> {
    let given = args.args().len();
    if given == count {
        return Ok(());
    }
    Err(vm.type_error(format!("function takes exactly {count} arguments ({given} given)")))
}

fn check_str(vm: &mut Vm, value: Value, position: usize) -> PyResult<()> {
    if vm.is_str(value) {
        return Ok(());
    }
    let given = vm.type_name(value);
    Err(vm.type_error(format!("argument {position} must be str, not {given}")))
}

fn init_decode(vm: &mut Vm, exception: Value, args: &CallArgs) -> PyResult<()> {
    base::init(vm, exception, args)?;
    exactly(vm, args, 5)?;
    let [encoding, object, start, end, reason] = *args.values else { unreachable!("counted") };
    check_str(vm, encoding, 1)?;
    check_str(vm, reason, 5)?;
    let object = match vm.is_bytes(object) {
        true => object,
        // It may change.
        false => {
            let bytes = vm.types.bytes.value();
            if vm.type_of(object).slots().buffer.is_none() {
                let given = vm.type_name(object);
                return Err(vm.type_error(format!("a bytes-like object is required, not '{given}'")));
            }
            vm.call(bytes, &[object])?
        }
    };
    fill(vm, exception, encoding, object, start, end, reason)
}

fn init_encode(vm: &mut Vm, exception: Value, args: &CallArgs) -> PyResult<()> {
    base::init(vm, exception, args)?;
    exactly(vm, args, 5)?;
    let [encoding, object, start, end, reason] = *args.values else { unreachable!("counted") };
    check_str(vm, encoding, 1)?;
    check_str(vm, object, 2)?;
    check_str(vm, reason, 5)?;
    fill(vm, exception, encoding, object, start, end, reason)
}

fn init_translate(vm: &mut Vm, exception: Value, args: &CallArgs) -> PyResult<()> {
    base::init(vm, exception, args)?;
    exactly(vm, args, 4)?;
    let [object, start, end, reason] = *args.values else { unreachable!("counted") };
    check_str(vm, object, 1)?;
    check_str(vm, reason, 4)?;
    fill(vm, exception, Value::NULL, object, start, end, reason)
}

fn fill(
    vm: &mut Vm,
    exception: Value,
    encoding: Value,
    object: Value,
    start: Value,
    end: Value,
    reason: Value,
) -> PyResult<()> {
    let (start, end) = (vm.index(start)?, vm.index(end)?);
    set(vm, exception, ENCODING, encoding);
    set(vm, exception, OBJECT, object);
    set(vm, exception, START, Value::from_int(start));
    set(vm, exception, END, Value::from_int(end));
    set(vm, exception, REASON, reason);
    Ok(())
}

/// The range, cut to the object's length.
fn range(vm: &mut Vm, exception: Value, len: i64) -> (i64, i64) {
    let at = |vm: &Vm, index| {
        let value = get(exception, index);
        if value.is_null() { 0 } else { vm.as_i64(value).unwrap_or(0) }
    };
    let start = at(vm, START).min(len - 1).max(0);
    let end = at(vm, END).max(1).min(len.max(1));
    (start, end.max(start))
}

fn texts(vm: &mut Vm, exception: Value) -> PyResult<(String, String)> {
    let mut parts = [String::new(), String::new()];
    for (part, index) in parts.iter_mut().zip([ENCODING, REASON]) {
        let value = get(exception, index);
        if !value.is_null() {
            *part = vm.str_text(value)?;
        }
    }
    let [encoding, reason] = parts;
    Ok((encoding, reason))
}

fn str_decode(vm: &mut Vm, exception: Value) -> PyResult {
    let object = get(exception, OBJECT);
    if object.is_null() {
        return Ok(vm.empty_str);
    }
    let (encoding, reason) = texts(vm, exception)?;
    let bytes = vm.bytes_of(object).unwrap_or(&[]);
    let (start, end) = range(vm, exception, bytes.len() as i64);
    let text = match bytes.get(start as usize) {
        Some(byte) if end == start + 1 => {
            format!("'{encoding}' codec can't decode byte 0x{byte:02x} in position {start}: {reason}")
        }
        _ => format!("'{encoding}' codec can't decode bytes in position {start}-{}: {reason}", end - 1),
    };
    Ok(vm.new_str(&text))
}

/// The code point at a position, as `\xe9` and the like.
fn escaped(vm: &mut Vm, text: Value, position: i64) -> Option<String> {
    let character = vm.getitem(text, Value::from_int(position)).ok()?;
    let code = code_point(vm.str_bytes(character))?;
    Some(match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    })
}

/// The first code point of WTF-8.
fn code_point(bytes: &[u8]) -> Option<u32> {
    let &first = bytes.first()?;
    let (len, bits) = match first {
        0..=0x7f => return Some(first as u32),
        0xc0..=0xdf => (2, first & 0x1f),
        0xe0..=0xef => (3, first & 0x0f),
        _ => (4, first & 0x07),
    };
    Some(bytes.get(1..len)?.iter().fold(bits as u32, |code, &byte| code << 6 | (byte & 0x3f) as u32))
}

fn str_encode(vm: &mut Vm, exception: Value) -> PyResult {
    let object = get(exception, OBJECT);
    if object.is_null() {
        return Ok(vm.empty_str);
    }
    let (encoding, reason) = texts(vm, exception)?;
    let len = vm.len(object)?;
    let (start, end) = range(vm, exception, len);
    let text = match escaped(vm, object, start) {
        Some(character) if end == start + 1 => {
            format!("'{encoding}' codec can't encode character '{character}' in position {start}: {reason}")
        }
        _ => format!("'{encoding}' codec can't encode characters in position {start}-{}: {reason}", end - 1),
    };
    Ok(vm.new_str(&text))
}

fn str_translate(vm: &mut Vm, exception: Value) -> PyResult {
    let object = get(exception, OBJECT);
    if object.is_null() {
        return Ok(vm.empty_str);
    }
    let (_, reason) = texts(vm, exception)?;
    let len = vm.len(object)?;
    let (start, end) = range(vm, exception, len);
    let text = match escaped(vm, object, start) {
        Some(character) if end == start + 1 => {
            format!("can't translate character '{character}' in position {start}: {reason}")
        }
        _ => format!("can't translate characters in position {start}-{}: {reason}", end - 1),
    };
    Ok(vm.new_str(&text))
}
