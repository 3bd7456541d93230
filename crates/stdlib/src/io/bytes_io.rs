//! `BytesIO`.

use super::{closed_error, size_argument};
use crate::vm_ext::VmExt;
use heap::Value;
use objects::args::{CallArgs, GetSetDef, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

layout! {
    BytesIo {
        /// A bytearray; NULL when closed.
        data DATA: Value;
        position POSITION: i64;
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
            ..TypeSpec::of::<BytesIo>("BytesIO", Kind::Other)
        },
        base,
    )
}

fn new(vm: &mut Vm, class: TypeRef, _args: &CallArgs) -> PyResult {
    let value = vm.alloc_instance(class)?;
    let data = vm.new_bytearray(b"");
    vm.write(value, &cast::<BytesIo>(value).data, data);
    Ok(value)
}

fn init(vm: &mut Vm, value: Value, args: &CallArgs) -> PyResult<()> {
    let [initial] = args.bind(
        vm,
        "BytesIO",
        &Signature { parameters: ["initial_bytes"], skip: 0, positional_only: 0, max_positional: 1, required: 0 },
    )?;
    let data = if initial.is_null() || initial == vm.none {
        vm.new_bytearray(b"")
    } else {
        let bytes = heap::copied(vm.bytes_like(initial)?);
        vm.new_bytearray(&bytes)
    };
    let object = cast::<BytesIo>(value);
    vm.write(value, &object.data, data);
    object.position.set(0);
    Ok(())
}

fn data(vm: &mut Vm, value: Value) -> PyResult {
    let data = cast::<BytesIo>(value).data.get();
    if data.is_null() { Err(closed_error(vm)) } else { Ok(data) }
}

/// The bytes from the position on.
fn rest(vm: &mut Vm, value: Value) -> PyResult<&'static [u8]> {
    let bytes = objects::bytearray::content(data(vm, value)?);
    let position = cast::<BytesIo>(value).position.get() as usize;
    Ok(bytes.get(position..).unwrap_or(&[]))
}

fn take(vm: &mut Vm, value: Value, count: usize) -> PyResult {
    let bytes = &rest(vm, value)?[..count];
    let result = vm.new_bytes(bytes);
    let object = cast::<BytesIo>(value);
    object.position.set(object.position.get() + count as i64);
    Ok(result)
}

fn read(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let size = size_argument(vm, args.get(1))?.unwrap_or(usize::MAX);
    let count = rest(vm, args.values[0])?.len().min(size);
    take(vm, args.values[0], count)
}

fn line_length(bytes: &[u8], limit: usize) -> usize {
    bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1).min(limit)
}

fn next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let count = line_length(rest(vm, value)?, usize::MAX);
    if count == 0 { Ok(None) } else { take(vm, value, count).map(Some) }
}

fn write(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let target = data(vm, args.values[0])?;
    if vm.is_str(args.values[1]) {
        return Err(vm.type_error("a bytes-like object is required, not 'str'"));
    }
    let bytes = vm.bytes_like(args.values[1])?;
    let object = cast::<BytesIo>(args.values[0]);
    let position = object.position.get() as usize;
    let len = objects::bytearray::content(target).len();
    if position == len {
        super::append(vm, target, bytes);
    } else if !bytes.is_empty() {
        // What is written may lie in the target itself.
        let bytes = heap::copied(bytes);
        let Some(end) = position.checked_add(bytes.len()).filter(|end| *end <= isize::MAX as usize) else {
            return Err(vm.overflow_error("new position too large"));
        };
        objects::bytearray::resize(vm, target, end.max(len));
        objects::bytearray::content_mut(target)[position..end].copy_from_slice(&bytes);
    }
    object.position.set((position + bytes.len()) as i64);
    Ok(vm.int(bytes.len() as i64))
}

fn seek(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let len = objects::bytearray::content(data(vm, args.values[0])?).len() as i64;
    let offset = vm.index(args.values[1])?;
    let whence = args.get(2).map_or(Ok(0), |whence| vm.index(whence))?;
    let object = cast::<BytesIo>(args.values[0]);
    let at = match whence {
        0 if offset < 0 => return Err(vm.value_error(format!("negative seek value {offset}"))),
        0 => offset,
        1 => (object.position.get() + offset).max(0),
        2 => (len + offset).max(0),
        _ => return Err(vm.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
    };
    object.position.set(at);
    Ok(vm.int(at))
}

static GETTERS: &[GetSetDef] =
    &[GetSetDef::read_only("closed", |vm, value| Ok(vm.bool(cast::<BytesIo>(value).data.get().is_null())))];

static METHODS: &[MethodDef] = &[
    MethodDef::method("read", 1, 2, read),
    MethodDef::method("read1", 1, 2, read),
    MethodDef::method("readline", 1, 2, |vm, args| {
        let limit = size_argument(vm, args.get(1))?.unwrap_or(usize::MAX);
        let count = line_length(rest(vm, args.values[0])?, limit);
        take(vm, args.values[0], count)
    }),
    MethodDef::method("readinto", 2, 2, |vm, args| {
        let view = vm.writable_buffer(args.values[1])?;
        let bytes = rest(vm, args.values[0])?;
        let count = bytes.len().min(view.bytes);
        // SAFETY: the exporter holds that memory while the argument is alive, and nothing ran since it said so.
        unsafe { std::ptr::copy(bytes.as_ptr(), view.address, count) };
        let object = cast::<BytesIo>(args.values[0]);
        object.position.set(object.position.get() + count as i64);
        Ok(vm.int(count as i64))
    }),
    MethodDef::method("write", 2, 2, write),
    MethodDef::method("seek", 2, 3, seek),
    MethodDef::method("tell", 1, 1, |vm, args| {
        data(vm, args.values[0])?;
        Ok(vm.int(cast::<BytesIo>(args.values[0]).position.get()))
    }),
    MethodDef::method("truncate", 1, 2, |vm, args| {
        let target = data(vm, args.values[0])?;
        let size = size_argument(vm, args.get(1))?.unwrap_or(cast::<BytesIo>(args.values[0]).position.get() as usize);
        let mut bytes = heap::copied(objects::bytearray::content(target));
        bytes.truncate(size);
        objects::bytearray::set_content(vm, target, &bytes);
        Ok(vm.int(size as i64))
    }),
    MethodDef::method("getvalue", 1, 1, |vm, args| {
        let bytes = objects::bytearray::content(data(vm, args.values[0])?);
        Ok(vm.new_bytes(bytes))
    }),
    MethodDef::method("getbuffer", 1, 1, |vm, args| {
        let data = data(vm, args.values[0])?;
        vm.call(vm.types.memoryview.value(), &[data])
    }),
    MethodDef::method("close", 1, 1, |vm, args| {
        cast::<BytesIo>(args.values[0]).data.set(Value::NULL);
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
