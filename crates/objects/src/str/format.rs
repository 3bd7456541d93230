//! `str.format` and `str.format_map`: replacement fields.

mod fields;

pub use fields::{Accessor, FieldName, Piece, Pieces, parse_field_name};

use crate::args::CallArgs;
use crate::error::PyResult;
use crate::vm::Vm;
use heap::{MakeRoom, Value};

/// Where the values of fields come from.
#[derive(Clone, Copy)]
struct Source<'a> {
    args: &'a CallArgs<'a>,
    /// Of `format_map`; else NULL.
    mapping: Value,
}

/// Whether fields are numbered by hand or in order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbering {
    Unknown,
    Manual,
    Automatic(usize),
}

pub(super) fn format(vm: &mut Vm, args: &CallArgs) -> PyResult {
    expand_all(vm, args.values[0], Source { args, mapping: Value::NULL })
}

pub(super) fn format_map(vm: &mut Vm, args: &CallArgs) -> PyResult {
    expand_all(vm, args.values[0], Source { args, mapping: args.values[1] })
}

fn expand_all(vm: &mut Vm, template: Value, source: Source) -> PyResult {
    let mut numbering = Numbering::Unknown;
    let text = expand(vm, vm.str_bytes(template), source, &mut numbering, 2)?;
    Ok(vm.new_str_bytes(&text))
}

/// The template with its fields replaced. `depth` levels of nesting are allowed.
fn expand(vm: &mut Vm, template: &[u8], source: Source, numbering: &mut Numbering, depth: u32) -> PyResult<Vec<u8>> {
    if depth == 0 {
        return Err(vm.value_error("Max string recursion exceeded"));
    }
    let mut out = heap::vec_with_capacity(template.len());
    let mut pieces = Pieces::new(template);
    loop {
        let piece = match pieces.next() {
            Some(Ok(piece)) => piece,
            Some(Err(message)) => return Err(vm.value_error(message)),
            None => return Ok(out),
        };
        out.put_all(piece.literal);
        let Some(field) = piece.field else { continue };
        let value = field_value(vm, field.name, source, numbering)?;
        let value = convert(vm, value, field.conversion)?;
        if field.spec.is_empty() && vm.type_of(value) == vm.types.str_ {
            out.put_all(vm.str_bytes(value));
            continue;
        }
        let spec = if field.nested {
            let expanded = expand(vm, field.spec, source, numbering, depth - 1)?;
            vm.new_str_bytes(&expanded)
        } else {
            vm.new_str_bytes(field.spec)
        };
        let text = vm.format(value, spec)?;
        out.put_all(vm.str_bytes(text));
    }
}

/// `!r`, `!s`, `!a`.
fn convert(vm: &mut Vm, value: Value, conversion: Option<u32>) -> PyResult {
    match conversion.map(|code| (code, char::from_u32(code).unwrap_or('\u{fffd}'))) {
        None => Ok(value),
        Some((_, 'r')) => vm.repr(value),
        Some((_, 's')) => vm.str_of(value),
        Some((_, 'a')) => vm.ascii(value),
        Some((_, c @ '!'..='~')) => Err(vm.value_error(format!("Unknown conversion specifier {c}"))),
        Some((code, _)) => Err(vm.value_error(format!("Unknown conversion specifier \\x{code:x}"))),
    }
}

fn field_value(vm: &mut Vm, name: &[u8], source: Source, numbering: &mut Numbering) -> PyResult {
    let parsed = match parse_field_name(name) {
        Ok(parsed) => parsed,
        Err(message) => return Err(vm.value_error(message)),
    };
    let mut value = first_value(vm, &parsed, source, numbering)?;
    let mut rest = parsed.rest;
    loop {
        let accessor = match fields::next_accessor(&mut rest) {
            None => return Ok(value),
            Some(Ok(accessor)) => accessor,
            Some(Err(message)) => return Err(vm.value_error(message)),
        };
        value = match accessor {
            Accessor::Attribute(name) => {
                let name = vm.intern_bytes(name);
                vm.getattr(value, name)?
            }
            Accessor::Index(index) => vm.getitem(value, Value::from_int(index as i64))?,
            Accessor::Key(key) => {
                let key = vm.new_str_bytes(key);
                vm.getitem(value, key)?
            }
        };
    }
}

fn first_value(vm: &mut Vm, name: &FieldName, source: Source, numbering: &mut Numbering) -> PyResult {
    let automatic = name.first.is_empty();
    if !automatic && name.index.is_none() {
        let key = vm.new_str_bytes(name.first);
        if !source.mapping.is_null() {
            return vm.getitem(source.mapping, key);
        }
        let found = source.args.keywords().find(|(keyword, _)| vm.str_bytes(*keyword) == name.first);
        return match found {
            Some((_, value)) => Ok(value),
            None => Err(vm.key_error(key)),
        };
    }
    let index = match (*numbering, name.index) {
        (Numbering::Manual, None) => {
            return Err(vm.value_error("cannot switch from manual field specification to automatic field numbering"));
        }
        (Numbering::Automatic(_), Some(_)) => {
            return Err(vm.value_error("cannot switch from automatic field numbering to manual field specification"));
        }
        (_, Some(index)) => {
            *numbering = Numbering::Manual;
            index
        }
        (Numbering::Automatic(next), None) => {
            *numbering = Numbering::Automatic(next + 1);
            next
        }
        (Numbering::Unknown, None) => {
            *numbering = Numbering::Automatic(1);
            0
        }
    };
    if !source.mapping.is_null() {
        return Err(vm.value_error("Format string contains positional fields"));
    }
    match source.args.args().get(index + 1) {
        Some(value) => Ok(*value),
        None => Err(vm.index_error(format!("Replacement index {index} out of range for positional args tuple"))),
    }
}
