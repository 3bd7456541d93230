//! `str.translate` and `str.maketrans`.

use super::search::str_argument;
use super::{length, single_code_point, wtf8};
use crate::args::CallArgs;
use crate::error::PyResult;
use crate::vm::Vm;
use heap::{MakeRoom, Value};

pub(super) fn translate(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (text, table) = (vm.exact_str(args.values[0]), args.values[1]);
    let mut out = heap::vec_with_capacity(vm.str_bytes(text).len());
    if crate::dict::is_exact(table) {
        translate_by_dict(vm, &mut out, vm.str_bytes(text), table)?;
        return Ok(vm.new_str_bytes(&out));
    }
    for code in wtf8::code_points(vm.str_bytes(text)) {
        match vm.getitem(table, Value::from_int(code as i64)) {
            Ok(replacement) => push_replacement(vm, &mut out, replacement)?,
            Err(raised) if vm.exception_matches(raised.0, vm.exc.lookup_error) => wtf8::push(&mut out, code),
            Err(raised) => return Err(raised),
        }
    }
    Ok(vm.new_str_bytes(&out))
}

/// What a dict, which does not change meanwhile, makes of an ASCII character.
#[derive(Clone, Copy)]
enum Ascii {
    Unknown,
    Byte(u8),
    /// Nothing, or a text.
    Other,
}

fn translate_by_dict(vm: &mut Vm, out: &mut Vec<u8>, text: &[u8], table: Value) -> PyResult<()> {
    let mut known = [Ascii::Unknown; 128];
    for code in wtf8::code_points(text) {
        let seen = known.get(code as usize).copied().unwrap_or(Ascii::Other);
        if let Ascii::Byte(byte) = seen {
            out.put(byte);
            continue;
        }
        let before = out.len();
        match vm.dict_get(table, Value::from_int(code as i64))? {
            Some(replacement) => push_replacement(vm, out, replacement)?,
            None => wtf8::push(out, code),
        }
        if let Ascii::Unknown = seen {
            known[code as usize] = match out[before..] {
                [byte] => Ascii::Byte(byte),
                _ => Ascii::Other,
            };
        }
    }
    Ok(())
}

fn push_replacement(vm: &mut Vm, out: &mut Vec<u8>, replacement: Value) -> PyResult<()> {
    if replacement == vm.none {
        return Ok(());
    }
    if vm.is_str(replacement) {
        out.put_all(vm.str_bytes(replacement));
        return Ok(());
    }
    if !vm.is_int(replacement) {
        return Err(vm.type_error("character mapping must return integer, None or str"));
    }
    match vm.as_i64(replacement).and_then(|code| u32::try_from(code).ok()) {
        Some(code) if code <= 0x10ffff => wtf8::push(out, code),
        _ => return Err(vm.value_error("character mapping must be in range(0x110000)")),
    }
    Ok(())
}

pub(super) fn maketrans(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let table = vm.new_dict();
    match *args.args() {
        [mapping] => from_mapping(vm, table, mapping)?,
        [from, ref rest @ ..] => from_texts(vm, table, from, rest)?,
        [] => unreachable!("the table counts arguments"),
    }
    Ok(table)
}

fn from_mapping(vm: &mut Vm, table: Value, mapping: Value) -> PyResult<()> {
    if vm.type_of(mapping) != vm.types.dict {
        return Err(vm.type_error("if you give only one argument to maketrans it must be a dict"));
    }
    let mut position = 0;
    while let Some((key, value)) = vm.dict_next(mapping, &mut position) {
        let key = if vm.is_str(key) {
            match single_code_point(vm, key) {
                Some(code) => Value::from_int(code as i64),
                None => return Err(vm.value_error("string keys in translatetable must be of length 1")),
            }
        } else if vm.is_int(key) {
            key
        } else {
            return Err(vm.type_error("keys in translate table mustbe strings or integers"));
        };
        vm.dict_set(table, key, value)?;
    }
    Ok(())
}

fn from_texts(vm: &mut Vm, table: Value, from: Value, rest: &[Value]) -> PyResult<()> {
    let to = rest[0];
    str_argument(vm, "maketrans", 2, to)?;
    let deleted = match rest.get(1) {
        Some(&deleted) => str_argument(vm, "maketrans", 3, deleted)?,
        None => b"",
    };
    if !vm.is_str(from) {
        return Err(vm.type_error("first maketrans argument must be a string if there is a second argument"));
    }
    if length(vm.exact_str(from)) != length(vm.exact_str(to)) {
        return Err(vm.value_error("the first two maketrans arguments must have equal length"));
    }
    let pairs = wtf8::code_points(vm.str_bytes(from)).zip(wtf8::code_points(vm.str_bytes(to)));
    for (from, to) in pairs {
        vm.dict_set(table, Value::from_int(from as i64), Value::from_int(to as i64))?;
    }
    for code in wtf8::code_points(deleted) {
        vm.dict_set(table, Value::from_int(code as i64), vm.none)?;
    }
    Ok(())
}
