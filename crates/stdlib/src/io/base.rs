//! `_IOBase` and the three classes right below it: what follows from a few methods.

use super::{call0, size_argument, unsupported};
use crate::vm_ext::VmExt;
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, GetSetDef, MANY, MethodDef};
use objects::error::PyResult;
use objects::layout;

use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

layout! {
    /// An instance of a class derived from `_IOBase` alone.
    IoBase {
        closed CLOSED: i64;
    }
}

fn base_spec(name: &'static str) -> TypeSpec {
    TypeSpec { module: "_io", flags: flags::BASETYPE, ..TypeSpec::of::<IoBase>(name, Kind::Other) }
}

/// `_IOBase`, `_RawIOBase`, `_BufferedIOBase`, `_TextIOBase`.
pub fn make_types(vm: &mut Vm) -> [TypeRef; 4] {
    let object = vm.types.object;
    let io_base = vm.new_builtin_type(
        TypeSpec {
            slots: Slots {
                new: vm.types.object.slots().new,
                iter: Some(|vm, stream| {
                    check_closed(vm, stream)?;
                    Ok(stream)
                }),
                next: Some(next_line),
                finalize: Some(super::unclosed::finalize),
                ..Slots::default()
            },
            methods: IO_METHODS,
            getset: IO_GETTERS,
            ..base_spec("_IOBase")
        },
        object,
    );
    let raw = vm.new_builtin_type(TypeSpec { methods: RAW_METHODS, ..base_spec("_RawIOBase") }, io_base);
    let buffered = vm.new_builtin_type(TypeSpec { methods: BUFFERED_METHODS, ..base_spec("_BufferedIOBase") }, io_base);
    let text = vm.new_builtin_type(
        TypeSpec { methods: TEXT_METHODS, getset: TEXT_GETTERS, ..base_spec("_TextIOBase") },
        io_base,
    );
    [io_base, raw, buffered, text]
}

static IO_GETTERS: &[GetSetDef] = &[GetSetDef::read_only("closed", |vm, stream| {
    let closed = is_marked_closed(vm, stream)?;
    Ok(vm.bool(closed))
})];

/// Streams of our own classes keep `closed` themselves; others get a mark in their dictionary.
fn is_marked_closed(vm: &mut Vm, stream: Value) -> PyResult<bool> {
    let name = vm.intern("__IOBase_closed");
    match vm.instance_attribute(stream, name) {
        Some(mark) => vm.truth(mark),
        None => Ok(false),
    }
}

pub fn is_closed(vm: &mut Vm, stream: Value) -> PyResult<bool> {
    let closed = vm.getattr_str(stream, "closed")?;
    vm.truth(closed)
}

pub fn check_closed(vm: &mut Vm, stream: Value) -> PyResult<()> {
    if is_closed(vm, stream)? { Err(super::closed_error(vm)) } else { Ok(()) }
}

static IO_METHODS: &[MethodDef] = &[
    MethodDef::method("close", 1, 1, |vm, args| {
        if is_closed(vm, args.values[0])? {
            return Ok(vm.none);
        }
        let result = call0(vm, args.values[0], "flush");
        let (name, mark) = (vm.intern("__IOBase_closed"), vm.true_);
        vm.setattr(args.values[0], name, mark)?;
        result.map(|_| vm.none)
    }),
    MethodDef::method("flush", 1, 1, |vm, args| {
        check_closed(vm, args.values[0])?;
        Ok(vm.none)
    }),
    MethodDef::method("seek", 2, 3, |vm, _| Err(unsupported(vm, "seek"))),
    MethodDef::method("tell", 1, 1, |vm, args| {
        let (zero, one) = (Value::from_int(0), Value::from_int(1));
        vm.call_method(args.values[0], "seek", &[zero, one])
    }),
    MethodDef::method("truncate", 1, 2, |vm, _| Err(unsupported(vm, "truncate"))),
    MethodDef::method("fileno", 1, 1, |vm, _| Err(unsupported(vm, "fileno"))),
    MethodDef::method("isatty", 1, 1, |vm, args| {
        check_closed(vm, args.values[0])?;
        Ok(vm.false_)
    }),
    MethodDef::method("seekable", 1, 1, |vm, _| Ok(vm.false_)),
    MethodDef::method("readable", 1, 1, |vm, _| Ok(vm.false_)),
    MethodDef::method("writable", 1, 1, |vm, _| Ok(vm.false_)),
    MethodDef::method("_checkClosed", 1, MANY, |vm, args| {
        check_closed(vm, args.values[0])?;
        Ok(vm.none)
    }),
    MethodDef::method("_checkSeekable", 1, MANY, |vm, args| {
        check_can(vm, args, "seekable", "File or stream is not seekable.")
    }),
    MethodDef::method("_checkReadable", 1, MANY, |vm, args| {
        check_can(vm, args, "readable", "File or stream is not readable.")
    }),
    MethodDef::method("_checkWritable", 1, MANY, |vm, args| {
        check_can(vm, args, "writable", "File or stream is not writable.")
    }),
    MethodDef::method("__enter__", 1, 1, |vm, args| {
        check_closed(vm, args.values[0])?;
        Ok(args.values[0])
    }),
    MethodDef::method("__exit__", 1, MANY, |vm, args| {
        call0(vm, args.values[0], "close")?;
        Ok(vm.none)
    }),
    MethodDef::method("readline", 1, 2, readline),
    MethodDef::method("readlines", 1, 2, readlines),
    MethodDef::method("writelines", 2, 2, |vm, args| {
        check_closed(vm, args.values[0])?;
        let iterator = vm.iter(args.values[1])?;
        while let Some(line) = vm.next(iterator)? {
            vm.call_method(args.values[0], "write", &[line])?;
        }
        Ok(vm.none)
    }),
];

fn check_can(vm: &mut Vm, args: &CallArgs, method: &str, message: &str) -> PyResult {
    let can = call0(vm, args.values[0], method)?;
    if can != vm.true_ {
        return Err(unsupported(vm, message));
    }
    Ok(can)
}

/// The next line by `readline`, at the end `None`.
fn next_line(vm: &mut Vm, stream: Value) -> PyResult<Option<Value>> {
    let line = call0(vm, stream, "readline")?;
    Ok(if vm.len(line)? == 0 { None } else { Some(line) })
}

/// Bytes up to and with a newline, by `peek` and `read`.
fn readline(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let stream = args.values[0];
    let limit = size_argument(vm, args.get(1))?.unwrap_or(usize::MAX);
    let peek = vm.getattr_str_opt(stream, "peek")?;
    let mut line = Vec::new();
    while line.len() < limit {
        let mut wanted = 1;
        if let Some(peek) = peek {
            let ahead = vm.call(peek, &[Value::from_int(1)])?;
            if let Some(ahead) = vm.bytes_of(ahead).filter(|ahead| !ahead.is_empty()) {
                wanted = ahead.iter().position(|byte| *byte == b'\n').map_or(ahead.len(), |at| at + 1);
            }
        }
        let wanted = vm.int(wanted.min(limit - line.len()) as i64);
        let piece = vm.call_method(stream, "read", &[wanted])?;
        let Some(piece) = vm.bytes_of(piece) else {
            let kind = vm.type_of(piece).name();
            return Err(vm.os_error_text(&format!("read() should have returned a bytes object, not '{kind}'")));
        };
        if piece.is_empty() {
            break;
        }
        line.put_all(piece);
        if piece.ends_with(b"\n") {
            break;
        }
    }
    Ok(vm.new_bytes(&line))
}

fn readlines(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let hint = size_argument(vm, args.get(1))?.filter(|hint| *hint > 0);
    let list = vm.new_list(&[]);
    let iterator = vm.iter(args.values[0])?;
    let mut total = 0;
    while let Some(line) = vm.next(iterator)? {
        vm.list_append(list, line);
        total += vm.len(line)? as usize;
        if hint.is_some_and(|hint| total >= hint) {
            break;
        }
    }
    Ok(list)
}

static RAW_METHODS: &[MethodDef] = &[
    MethodDef::method("read", 1, 2, |vm, args| {
        let Some(size) = size_argument(vm, args.get(1))? else { return call0(vm, args.values[0], "readall") };
        let buffer = vm.new_bytearray(&heap::zeros(size));
        let count = vm.call_method(args.values[0], "readinto", &[buffer])?;
        if count == vm.none {
            return Ok(count);
        }
        let count = vm.index(count)? as usize;
        let bytes = heap::copied(&vm.bytes_like(buffer)?[..count.min(size)]);
        Ok(vm.new_bytes(&bytes))
    }),
    MethodDef::method("readall", 1, 1, |vm, args| {
        let mut all = Vec::new();
        loop {
            let size = vm.int(super::DEFAULT_BUFFER_SIZE as i64);
            let piece = vm.call_method(args.values[0], "read", &[size])?;
            match vm.bytes_of(piece) {
                Some([]) => break,
                Some(piece) => all.put_all(piece),
                None if piece == vm.none && all.is_empty() => return Ok(piece),
                None => break,
            }
        }
        Ok(vm.new_bytes(&all))
    }),
    MethodDef::method("readinto", 2, 2, |vm, _| Err(vm.not_implemented_error(""))),
    MethodDef::method("write", 2, 2, |vm, _| Err(vm.not_implemented_error(""))),
];

static BUFFERED_METHODS: &[MethodDef] = &[
    MethodDef::method("detach", 1, 1, |vm, _| Err(unsupported(vm, "detach"))),
    MethodDef::method("read", 1, 2, |vm, _| Err(unsupported(vm, "read"))),
    MethodDef::method("read1", 1, 2, |vm, _| Err(unsupported(vm, "read1"))),
    MethodDef::method("write", 2, 2, |vm, _| Err(unsupported(vm, "write"))),
    MethodDef::method("readinto", 2, 2, |vm, args| read_into(vm, args, "read")),
    MethodDef::method("readinto1", 2, 2, |vm, args| read_into(vm, args, "read1")),
];

fn read_into(vm: &mut Vm, args: &CallArgs, method: &str) -> PyResult {
    let view = vm.writable_buffer(args.values[1])?;
    let size = vm.int(view.bytes as i64);
    let data = vm.call_method(args.values[0], method, &[size])?;
    let Some(data) = vm.bytes_of(data) else { return Err(vm.type_error("read() should return bytes")) };
    let view = vm.writable_buffer(args.values[1])?;
    let count = data.len().min(view.bytes);
    // SAFETY: the exporter holds `bytes` bytes at that address, and nothing ran since it said so.
    unsafe { std::ptr::copy(data.as_ptr(), view.address, count) };
    Ok(vm.int(count as i64))
}

static TEXT_GETTERS: &[GetSetDef] = &[
    GetSetDef::read_only("encoding", |vm, _| Ok(vm.none)),
    GetSetDef::read_only("newlines", |vm, _| Ok(vm.none)),
    GetSetDef::read_only("errors", |vm, _| Ok(vm.none)),
];

static TEXT_METHODS: &[MethodDef] = &[
    MethodDef::method("detach", 1, 1, |vm, _| Err(unsupported(vm, "detach"))),
    MethodDef::method("read", 1, 2, |vm, _| Err(unsupported(vm, "read"))),
    MethodDef::method("readline", 1, 2, |vm, _| Err(unsupported(vm, "readline"))),
    MethodDef::method("write", 2, 2, |vm, _| Err(unsupported(vm, "write"))),
];
