//! `StringIO`.
//!
//! The text is kept in UTF-8 in a bytearray. The position is a byte; `tell` and `seek` speak of characters, which are the
//! same while all is ASCII.

use super::{newlines, size_argument, text};
use crate::vm_ext::VmExt;
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, GetSetDef, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

layout! {
    StringIo {
        /// A bytearray; NULL when closed.
        data DATA: Value;
        /// A byte of the data.
        position POSITION: i64;
        /// The argument `newline`: None or a str.
        newline NEWLINE: Value;
        seen SEEN: i64;
    }
}

pub fn make_type(vm: &mut Vm, base: TypeRef) -> TypeRef {
    vm.new_builtin_type(
        TypeSpec {
            module: "_io",
            flags: flags::BASETYPE | flags::HAS_DICT | flags::HAS_WEAKREF,
            slots: Slots { new: Some(new), init: Some(init), next: Some(next), ..Slots::default() },
            methods: METHODS,
            getset: GETTERS,
            ..TypeSpec::of::<StringIo>("StringIO", Kind::Other)
        },
        base,
    )
}

fn new(vm: &mut Vm, class: TypeRef, _args: &CallArgs) -> PyResult {
    let value = vm.alloc_instance(class)?;
    let data = vm.new_bytearray(b"");
    let newline = vm.intern("\n");
    let object = cast::<StringIo>(value);
    object.newline.set(newline);
    vm.write(value, &object.data, data);
    Ok(value)
}

fn init(vm: &mut Vm, value: Value, args: &CallArgs) -> PyResult<()> {
    let [initial, newline] = args.bind(
        vm,
        "StringIO",
        &Signature {
            parameters: ["initial_value", "newline"],
            skip: 0,
            positional_only: 0,
            max_positional: 2,
            required: 0,
        },
    )?;
    if !newline.is_null() {
        if newline != vm.none {
            let text = vm.str(newline)?;
            if !matches!(text, "" | "\n" | "\r" | "\r\n") {
                let shown = vm.repr(newline)?;
                let shown = vm.text_of(shown);
                return Err(vm.value_error(format!("illegal newline value: {shown}")));
            }
        }
        vm.write(value, &cast::<StringIo>(value).newline, newline);
    }
    let data = vm.new_bytearray(b"");
    let object = cast::<StringIo>(value);
    vm.write(value, &object.data, data);
    object.position.set(0);
    if !initial.is_null() && initial != vm.none {
        if !vm.is_str(initial) {
            let kind = vm.type_of(initial).name();
            return Err(vm.type_error(format!("initial_value must be str or None, not {kind}")));
        }
        put(vm, value, initial)?;
        cast::<StringIo>(value).position.set(0);
    }
    Ok(())
}

fn data(vm: &mut Vm, value: Value) -> PyResult {
    let data = cast::<StringIo>(value).data.get();
    if data.is_null() { Err(vm.value_error("I/O operation on closed file")) } else { Ok(data) }
}

fn bytes(vm: &mut Vm, value: Value) -> PyResult<&'static [u8]> {
    Ok(objects::bytearray::content(data(vm, value)?))
}

fn rest(vm: &mut Vm, value: Value) -> PyResult<&'static [u8]> {
    let position = cast::<StringIo>(value).position.get() as usize;
    Ok(bytes(vm, value)?.get(position..).unwrap_or(&[]))
}

fn take(vm: &mut Vm, value: Value, count: usize) -> PyResult {
    let text = &rest(vm, value)?[..count];
    let result = vm.new_str_bytes(text);
    let object = cast::<StringIo>(value);
    object.position.set(object.position.get() + count as i64);
    Ok(result)
}

/// Characters are the bytes that begin one.
fn count_characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// The byte of character `index`, or the end.
fn byte_of(text: &[u8], index: usize) -> usize {
    text.iter().enumerate().filter(|(_, byte)| **byte & 0xc0 != 0x80).nth(index).map_or(text.len(), |(at, _)| at)
}

/// Writes text at the position, over what is there.
fn put(vm: &mut Vm, value: Value, text: Value) -> PyResult<()> {
    let target = data(vm, value)?;
    let object = cast::<StringIo>(value);
    let newline = object.newline.get();
    let given = vm.str_bytes(text);
    let written: Vec<u8> = if newline == vm.none {
        let (translated, seen) = newlines::translate(given, true);
        object.seen.set(object.seen.get() | seen);
        translated
    } else {
        match vm.str_bytes(newline) {
            end @ (b"\r" | b"\r\n") => {
                let mut out = heap::vec_with_capacity(given.len());
                for (i, line) in given.split(|byte| *byte == b'\n').enumerate() {
                    if i > 0 {
                        out.put_all(end);
                    }
                    out.put_all(line);
                }
                out
            }
            _ => heap::copied(given),
        }
    };
    let position = object.position.get() as usize;
    let old = objects::bytearray::content(target);
    if position >= old.len() {
        if position > old.len() {
            let gap = heap::zeros(position - old.len());
            super::append(vm, target, &gap);
        }
        super::append(vm, target, &written);
    } else {
        // As many characters go as come.
        let replaced = byte_of(&old[position..], count_characters(&written));
        let all = heap::joined(&[&old[..position], &written, &old[position + replaced..]]);
        objects::bytearray::set_content(vm, target, &all);
    }
    object.position.set((position + written.len()) as i64);
    Ok(())
}

fn write(vm: &mut Vm, args: &CallArgs) -> PyResult {
    data(vm, args.values[0])?;
    if !vm.is_str(args.values[1]) {
        let kind = vm.type_of(args.values[1]).name();
        return Err(vm.type_error(format!("string argument expected, got '{kind}'")));
    }
    put(vm, args.values[0], args.values[1])?;
    let count = vm.len(args.values[1])?;
    Ok(vm.int(count))
}

fn line_length(vm: &mut Vm, value: Value, limit: Option<usize>) -> PyResult<usize> {
    let newline = cast::<StringIo>(value).newline.get();
    let newline = if newline == vm.none { None } else { Some(vm.str_bytes(newline)) };
    let rest = rest(vm, value)?;
    let end = text::line_end(newline, rest).unwrap_or(rest.len());
    Ok(limit.map_or(end, |limit| end.min(byte_of(rest, limit))))
}

fn next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let count = line_length(vm, value, None)?;
    if count == 0 { Ok(None) } else { take(vm, value, count).map(Some) }
}

fn seek(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let all = bytes(vm, args.values[0])?;
    let offset = vm.index(args.values[1])?;
    let whence = args.get(2).map_or(Ok(0), |whence| vm.index(whence))?;
    let object = cast::<StringIo>(args.values[0]);
    match whence {
        0 if offset < 0 => return Err(vm.value_error(format!("Negative seek position {offset}"))),
        0 => {
            let count = count_characters(all);
            let beyond = (offset as usize).saturating_sub(count);
            object.position.set((byte_of(all, offset as usize) + beyond) as i64);
        }
        1 | 2 if offset != 0 => return Err(vm.os_error_text("Can't do nonzero cur-relative seeks")),
        1 => {}
        2 => object.position.set(all.len() as i64),
        _ => return Err(vm.value_error(format!("Invalid whence ({whence}, should be 0, 1 or 2)"))),
    }
    tell(vm, args)
}

fn tell(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let all = bytes(vm, args.values[0])?;
    let position = cast::<StringIo>(args.values[0]).position.get() as usize;
    let count = count_characters(&all[..position.min(all.len())]) + position.saturating_sub(all.len());
    Ok(vm.int(count as i64))
}

static GETTERS: &[GetSetDef] = &[
    GetSetDef::read_only("closed", |vm, value| Ok(vm.bool(cast::<StringIo>(value).data.get().is_null()))),
    GetSetDef::read_only("line_buffering", |vm, _| Ok(vm.false_)),
    GetSetDef::read_only("newlines", |vm, value| Ok(newlines::seen_value(vm, cast::<StringIo>(value).seen.get()))),
];

static METHODS: &[MethodDef] = &[
    MethodDef::method("read", 1, 2, |vm, args| {
        let size = size_argument(vm, args.get(1))?;
        let rest = rest(vm, args.values[0])?;
        let count = size.map_or(rest.len(), |size| byte_of(rest, size));
        take(vm, args.values[0], count)
    }),
    MethodDef::method("readline", 1, 2, |vm, args| {
        let limit = size_argument(vm, args.get(1))?;
        let count = line_length(vm, args.values[0], limit)?;
        take(vm, args.values[0], count)
    }),
    MethodDef::method("write", 2, 2, write),
    MethodDef::method("getvalue", 1, 1, |vm, args| {
        let all = bytes(vm, args.values[0])?;
        Ok(vm.new_str_bytes(all))
    }),
    MethodDef::method("tell", 1, 1, tell),
    MethodDef::method("seek", 2, 3, seek),
    MethodDef::method("truncate", 1, 2, |vm, args| {
        let target = data(vm, args.values[0])?;
        let all = objects::bytearray::content(target);
        let end = match size_argument(vm, args.get(1))? {
            Some(size) => byte_of(all, size),
            None => (cast::<StringIo>(args.values[0]).position.get() as usize).min(all.len()),
        };
        let kept = heap::copied(&all[..end]);
        objects::bytearray::set_content(vm, target, &kept);
        Ok(vm.int(count_characters(&kept) as i64))
    }),
    MethodDef::method("close", 1, 1, |vm, args| {
        cast::<StringIo>(args.values[0]).data.set(Value::NULL);
        Ok(vm.none)
    }),
    MethodDef::method("readable", 1, 1, can),
    MethodDef::method("writable", 1, 1, can),
    MethodDef::method("seekable", 1, 1, can),
];

fn can(vm: &mut Vm, args: &CallArgs) -> PyResult {
    data(vm, args.values[0])?;
    Ok(vm.true_)
}
