//! `BufferedReader`, `BufferedWriter`, `BufferedRandom`, `BufferedRWPair`.
//!
//! One layout serves them all: bytes read ahead (a bytes object and a position in it) and bytes not yet written (a
//! bytearray). A stream that does both drops what it read ahead before it writes, and writes before it reads.

use super::{DEFAULT_BUFFER_SIZE, call0, file, size_argument, types, unsupported};
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
    Buffered {
        /// NULL before `__init__` and after `detach`.
        raw RAW: Value;
        /// Bytes read ahead.
        ahead AHEAD: Value;
        position POSITION: i64;
        /// A bytearray of bytes to write.
        pending PENDING: Value;
        size SIZE: i64;
        /// Of a pair: where writes go.
        writer WRITER: Value;
    }
}

pub fn make_types(vm: &mut Vm, base: TypeRef) -> [TypeRef; 4] {
    let spec = |name: &'static str, init| TypeSpec {
        module: "_io",
        flags: flags::BASETYPE | flags::HAS_WEAKREF,
        finalize: heap::Finalize::Guest,
        slots: Slots { new: Some(new), init: Some(init), repr: Some(repr), ..Slots::default() },
        methods: METHODS,
        getset: GETTERS,
        ..TypeSpec::of::<Buffered>(name, Kind::Other)
    };
    let reader = vm.new_builtin_type(spec("BufferedReader", init), base);
    let writer = vm.new_builtin_type(spec("BufferedWriter", init), base);
    let random = vm.new_builtin_type(spec("BufferedRandom", init), base);
    let pair = vm.new_builtin_type(spec("BufferedRWPair", init_pair), base);
    [reader, writer, random, pair]
}

fn new(vm: &mut Vm, class: TypeRef, _args: &CallArgs) -> PyResult {
    let value = vm.alloc_instance(class)?;
    let ahead = vm.empty_bytes;
    let pending = vm.new_bytearray(b"");
    let object = cast::<Buffered>(value);
    vm.write(value, &object.ahead, ahead);
    vm.write(value, &object.pending, pending);
    Ok(value)
}

fn init(vm: &mut Vm, value: Value, args: &CallArgs) -> PyResult<()> {
    let [raw, size] = args.bind(
        vm,
        "BufferedReader",
        &Signature { parameters: ["raw", "buffer_size"], skip: 0, positional_only: 0, max_positional: 2, required: 1 },
    )?;
    let size = if size.is_null() { DEFAULT_BUFFER_SIZE as i64 } else { vm.index(size)? };
    if size <= 0 {
        return Err(vm.value_error("buffer size must be strictly positive"));
    }
    let classes = types(vm);
    let class = vm.type_of(value);
    for (needs, method, message) in [
        (
            class.is_subtype(classes.reader) || class.is_subtype(classes.random),
            "readable",
            "File or stream is not readable.",
        ),
        (
            class.is_subtype(classes.writer) || class.is_subtype(classes.random),
            "writable",
            "File or stream is not writable.",
        ),
    ] {
        if needs {
            let can = call0(vm, raw, method)?;
            if !vm.truth(can)? {
                return Err(unsupported(vm, message));
            }
        }
    }
    let object = cast::<Buffered>(value);
    vm.write(value, &object.raw, raw);
    object.size.set(size);
    super::unclosed::register(vm, value);
    Ok(())
}

fn init_pair(vm: &mut Vm, value: Value, args: &CallArgs) -> PyResult<()> {
    let object = cast::<Buffered>(value);
    if args.values.len() < 2 {
        return Err(vm.type_error("BufferedRWPair() takes at least 2 arguments"));
    }
    vm.write(value, &object.raw, args.values[0]);
    vm.write(value, &object.writer, args.values[1]);
    object.size.set(DEFAULT_BUFFER_SIZE as i64);
    super::unclosed::register(vm, value);
    Ok(())
}

/// The buffered stream of a standard descriptor.
pub fn standard(vm: &mut Vm, raw: Value, reading: bool) -> PyResult {
    let classes = types(vm);
    let class = if reading { classes.reader } else { classes.writer };
    let value = new(vm, class, &CallArgs::positional(&[]))?;
    let object = cast::<Buffered>(value);
    vm.write(value, &object.raw, raw);
    object.size.set(DEFAULT_BUFFER_SIZE as i64);
    Ok(value)
}

fn raw_of(vm: &mut Vm, value: Value) -> PyResult {
    let raw = cast::<Buffered>(value).raw.get();
    if raw.is_null() {
        return Err(vm.value_error("raw stream has been detached"));
    }
    Ok(raw)
}

fn writer_of(vm: &mut Vm, value: Value) -> PyResult {
    let writer = cast::<Buffered>(value).writer.get();
    if writer.is_null() { raw_of(vm, value) } else { Ok(writer) }
}

/// Streams that go one way do not go the other.
fn check_direction(vm: &mut Vm, value: Value, method: &str) -> PyResult<()> {
    let (class, types) = (vm.type_of(value), types(vm));
    let other = if method == "write" { types.reader } else { types.writer };
    if class.is_subtype(other) { Err(unsupported(vm, method)) } else { Ok(()) }
}

fn is_own_file(vm: &mut Vm, raw: Value) -> bool {
    vm.type_of(raw) == types(vm).file
}

/// `what` is the operation as the error names it: "read of".
fn check_open(vm: &mut Vm, value: Value, what: &str) -> PyResult<()> {
    let raw = raw_of(vm, value)?;
    let closed =
        if is_own_file(vm, raw) { cast::<file::FileIo>(raw).fd.get() < 0 } else { super::base::is_closed(vm, raw)? };
    if closed { Err(vm.value_error(format!("{what} closed file"))) } else { Ok(()) }
}

/// One read of the raw stream; `None` if it would block.
fn raw_read(vm: &mut Vm, value: Value, size: usize) -> PyResult<Option<Value>> {
    let raw = raw_of(vm, value)?;
    if is_own_file(vm, raw) {
        let mut buffer = heap::zeros(size);
        return Ok(file::read_into(vm, raw, &mut buffer)?.map(|count| vm.new_bytes(&buffer[..count])));
    }
    let size = vm.int(size as i64);
    let data = vm.call_method(raw, "read", &[size])?;
    if data == vm.none {
        return Ok(None);
    }
    if vm.bytes_of(data).is_none() {
        let kind = vm.type_of(data).name();
        return Err(vm.type_error(format!("read() should return bytes, not '{kind}'")));
    }
    Ok(Some(data))
}

/// The bytes read ahead and not yet consumed.
fn ahead(vm: &Vm, value: Value) -> &'static [u8] {
    let object = cast::<Buffered>(value);
    &vm.bytes_of(object.ahead.get()).unwrap_or(&[])[object.position.get() as usize..]
}

fn consume(value: Value, count: usize) {
    let object = cast::<Buffered>(value);
    object.position.set(object.position.get() + count as i64);
}

/// Reads ahead once if nothing is there; what is there then.
fn fill(vm: &mut Vm, value: Value) -> PyResult<&'static [u8]> {
    if ahead(vm, value).is_empty() {
        flush_pending(vm, value)?;
        let size = cast::<Buffered>(value).size.get() as usize;
        let data = raw_read(vm, value, size)?.unwrap_or(vm.empty_bytes);
        let object = cast::<Buffered>(value);
        vm.write(value, &object.ahead, data);
        object.position.set(0);
    }
    Ok(ahead(vm, value))
}

/// Up to `size` bytes, or all; `None` if nothing is there and a read would block.
fn read(vm: &mut Vm, value: Value, size: Option<usize>) -> PyResult<Vec<u8>> {
    check_open(vm, value, "read of")?;
    flush_pending(vm, value)?;
    let mut data = heap::copied(ahead(vm, value));
    let Some(size) = size else {
        consume(value, data.len());
        let raw = raw_of(vm, value)?;
        if is_own_file(vm, raw) {
            data.put_all(&file::read_all(vm, raw)?.unwrap_or_default());
            return Ok(data);
        }
        let size = cast::<Buffered>(value).size.get() as usize;
        while let Some(piece) = raw_read(vm, value, size)? {
            let piece = vm.bytes_of(piece).unwrap_or(&[]);
            if piece.is_empty() {
                break;
            }
            data.put_all(piece);
        }
        return Ok(data);
    };
    if data.len() >= size {
        data.truncate(size);
        consume(value, size);
        return Ok(data);
    }
    // So much may come.
    heap::ensure_room(size);
    consume(value, data.len());
    while data.len() < size {
        let there = fill(vm, value)?;
        if there.is_empty() {
            break;
        }
        let count = there.len().min(size - data.len());
        data.put_all(&there[..count]);
        consume(value, count);
    }
    Ok(data)
}

/// A line, at most `limit` bytes.
pub fn read_line(vm: &mut Vm, value: Value, limit: usize) -> PyResult<Vec<u8>> {
    check_open(vm, value, "readline of")?;
    let mut line = Vec::new();
    while line.len() < limit {
        let there = fill(vm, value)?;
        if there.is_empty() {
            break;
        }
        let there = &there[..there.len().min(limit - line.len())];
        let newline = there.iter().position(|byte| *byte == b'\n');
        let count = newline.map_or(there.len(), |at| at + 1);
        line.put_all(&there[..count]);
        consume(value, count);
        if newline.is_some() {
            break;
        }
    }
    Ok(line)
}

/// Drops what was read ahead, so that the raw position is the stream's.
fn unread(vm: &mut Vm, value: Value) -> PyResult<()> {
    let behind = ahead(vm, value).len() as i64;
    let object = cast::<Buffered>(value);
    object.ahead.set(vm.empty_bytes);
    object.position.set(0);
    if behind > 0 && object.writer.get().is_null() {
        raw_seek(vm, value, -behind, 1)?;
    }
    Ok(())
}

fn raw_seek(vm: &mut Vm, value: Value, offset: i64, whence: i64) -> PyResult<i64> {
    let raw = raw_of(vm, value)?;
    if is_own_file(vm, raw) {
        return file::seek(vm, raw, offset, whence as i32);
    }
    let (offset, whence) = (vm.int(offset), vm.int(whence));
    let at = vm.call_method(raw, "seek", &[offset, whence])?;
    vm.index(at)
}

/// Adds to the bytes to write; writes them out when they are many.
pub fn write(vm: &mut Vm, value: Value, bytes: &[u8]) -> PyResult<()> {
    check_open(vm, value, "write to")?;
    if !ahead(vm, value).is_empty() {
        unread(vm, value)?;
    }
    let pending = cast::<Buffered>(value).pending.get();
    if objects::bytearray::content(pending).is_empty() {
        super::unclosed::note_waiting(vm);
    }
    super::append(vm, pending, bytes);
    if objects::bytearray::content(pending).len() as i64 >= cast::<Buffered>(value).size.get() {
        flush_pending(vm, value)?;
    }
    Ok(())
}

/// Writes out what is pending.
pub fn flush_pending(vm: &mut Vm, value: Value) -> PyResult<()> {
    let pending = cast::<Buffered>(value).pending.get();
    if objects::bytearray::content(pending).is_empty() {
        return Ok(());
    }
    let raw = writer_of(vm, value)?;
    let data = heap::copied(objects::bytearray::content(pending));
    let mut written = 0;
    while written < data.len() {
        let count = if is_own_file(vm, raw) {
            file::write_bytes(vm, raw, &data[written..])
        } else {
            let piece = vm.new_bytes(&data[written..]);
            match vm.call_method(raw, "write", &[piece]) {
                Ok(count) if count == vm.none => Ok(None),
                Ok(count) => vm.index(count).map(|count| Some(count.max(0) as usize)),
                Err(raised) => Err(raised),
            }
        };
        match count {
            Ok(Some(count)) => written += count,
            Ok(None) => {
                objects::bytearray::set_content(vm, pending, &data[written..]);
                return Err(vm.os_error(libc::EAGAIN, Value::NULL));
            }
            Err(raised) => {
                objects::bytearray::set_content(vm, pending, &data[written..]);
                return Err(raised);
            }
        }
    }
    objects::bytearray::set_content(vm, pending, b"");
    Ok(())
}

/// Writes out what is pending if a file of our own is below and open.
pub fn write_out_to_file(vm: &mut Vm, value: Value) -> PyResult<()> {
    let object = cast::<Buffered>(value);
    let raw = if object.writer.get().is_null() { object.raw.get() } else { object.writer.get() };
    if raw.is_null() || !is_own_file(vm, raw) || cast::<file::FileIo>(raw).fd.get() < 0 {
        return Ok(());
    }
    flush_pending(vm, value)
}

fn close(vm: &mut Vm, value: Value) -> PyResult<()> {
    let raw = raw_of(vm, value)?;
    if super::base::is_closed(vm, raw)? {
        return Ok(());
    }
    let flushed = call0(vm, value, "flush");
    let writer = writer_of(vm, value)?;
    if writer != raw {
        call0(vm, writer, "close")?;
    }
    call0(vm, raw, "close")?;
    flushed.map(|_| ())
}

fn repr(vm: &mut Vm, value: Value) -> PyResult {
    let class = vm.type_of(value).name();
    let raw = cast::<Buffered>(value).raw.get();
    let name = if raw.is_null() { None } else { vm.getattr_str_opt(raw, "name").unwrap_or(None) };
    match name {
        Some(name) => {
            let name = vm.repr(name)?;
            let name = vm.text_of(name);
            Ok(vm.new_str(&format!("<_io.{class} name={name}>")))
        }
        None => Ok(vm.new_str(&format!("<_io.{class}>"))),
    }
}

macro_rules! from_raw {
    ($name:literal) => {
        GetSetDef::read_only($name, |vm, value| {
            let raw = raw_of(vm, value)?;
            vm.getattr_str(raw, $name)
        })
    };
}

static GETTERS: &[GetSetDef] = &[
    from_raw!("closed"),
    from_raw!("name"),
    from_raw!("mode"),
    GetSetDef::read_only("raw", |vm, value| {
        let raw = cast::<Buffered>(value).raw.get();
        Ok(if raw.is_null() { vm.none } else { raw })
    }),
];

macro_rules! to_raw {
    ($name:literal) => {
        MethodDef::method($name, 1, 1, |vm, args| {
            let raw = raw_of(vm, args.values[0])?;
            call0(vm, raw, $name)
        })
    };
}

static METHODS: &[MethodDef] = &[
    to_raw!("fileno"),
    to_raw!("isatty"),
    to_raw!("seekable"),
    to_raw!("readable"),
    MethodDef::method("writable", 1, 1, |vm, args| {
        let raw = writer_of(vm, args.values[0])?;
        call0(vm, raw, "writable")
    }),
    MethodDef::method("close", 1, 1, |vm, args| {
        close(vm, args.values[0])?;
        Ok(vm.none)
    }),
    MethodDef::method("flush", 1, 1, |vm, args| {
        check_open(vm, args.values[0], "flush of")?;
        flush_pending(vm, args.values[0])?;
        let raw = writer_of(vm, args.values[0])?;
        if !is_own_file(vm, raw) {
            call0(vm, raw, "flush")?;
        }
        Ok(vm.none)
    }),
    MethodDef::method("detach", 1, 1, |vm, args| {
        call0(vm, args.values[0], "flush")?;
        let raw = raw_of(vm, args.values[0])?;
        cast::<Buffered>(args.values[0]).raw.set(Value::NULL);
        Ok(raw)
    }),
    MethodDef::method("read", 1, 2, |vm, args| {
        check_direction(vm, args.values[0], "read")?;
        let size = size_argument(vm, args.get(1))?;
        let data = read(vm, args.values[0], size)?;
        Ok(vm.new_bytes(&data))
    }),
    MethodDef::method("read1", 1, 2, |vm, args| {
        check_direction(vm, args.values[0], "read1")?;
        check_open(vm, args.values[0], "read of")?;
        let size = size_argument(vm, args.get(1))?.unwrap_or(cast::<Buffered>(args.values[0]).size.get() as usize);
        let there = if size == 0 { &[] } else { fill(vm, args.values[0])? };
        let count = there.len().min(size);
        let data = vm.new_bytes(&there[..count]);
        consume(args.values[0], count);
        Ok(data)
    }),
    MethodDef::method("peek", 1, 2, |vm, args| {
        check_direction(vm, args.values[0], "peek")?;
        check_open(vm, args.values[0], "peek of")?;
        let there = fill(vm, args.values[0])?;
        Ok(vm.new_bytes(there))
    }),
    MethodDef::method("readline", 1, 2, |vm, args| {
        check_direction(vm, args.values[0], "readline")?;
        let limit = size_argument(vm, args.get(1))?.unwrap_or(usize::MAX);
        let line = read_line(vm, args.values[0], limit)?;
        Ok(vm.new_bytes(&line))
    }),
    MethodDef::method("write", 2, 2, |vm, args| {
        check_direction(vm, args.values[0], "write")?;
        if vm.is_str(args.values[1]) {
            return Err(vm.type_error("a bytes-like object is required, not 'str'"));
        }
        let bytes = vm.bytes_like(args.values[1])?;
        write(vm, args.values[0], bytes)?;
        Ok(vm.int(bytes.len() as i64))
    }),
    MethodDef::method("seek", 2, 3, |vm, args| {
        check_open(vm, args.values[0], "seek of")?;
        flush_pending(vm, args.values[0])?;
        let offset = vm.index(args.values[1])?;
        let whence = args.get(2).map_or(Ok(0), |whence| vm.index(whence))?;
        if !(0..=2).contains(&whence) {
            return Err(vm.value_error(format!("whence value {whence} unsupported")));
        }
        let offset = if whence == 1 { offset - ahead(vm, args.values[0]).len() as i64 } else { offset };
        let object = cast::<Buffered>(args.values[0]);
        object.ahead.set(vm.empty_bytes);
        object.position.set(0);
        let at = raw_seek(vm, args.values[0], offset, whence)?;
        Ok(vm.int(at))
    }),
    MethodDef::method("tell", 1, 1, |vm, args| {
        check_open(vm, args.values[0], "I/O operation on")?;
        let at = raw_seek(vm, args.values[0], 0, 1)?;
        let pending = objects::bytearray::content(cast::<Buffered>(args.values[0]).pending.get()).len() as i64;
        let behind = ahead(vm, args.values[0]).len() as i64;
        Ok(vm.int(at - behind + pending))
    }),
    MethodDef::method("truncate", 1, 2, |vm, args| {
        check_open(vm, args.values[0], "truncate of")?;
        flush_pending(vm, args.values[0])?;
        let size = match args.get(1) {
            Some(size) if size != vm.none => size,
            _ => call0(vm, args.values[0], "tell")?,
        };
        let raw = raw_of(vm, args.values[0])?;
        vm.call_method(raw, "truncate", &[size])
    }),
];
