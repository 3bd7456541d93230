//! `TextIOWrapper`: text over a buffered stream.
//!
//! Reading: a chunk of bytes is decoded, line ends are translated, and characters are handed out from the decoded text.
//! UTF-8, ASCII and Latin-1 are decoded here; other encodings read everything at once through the codec registry.

use super::{buffered, call0, closed_error, size_argument, unsupported};
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
    TextIo {
        /// NULL after `detach`.
        buffer BUFFER: Value;
        encoding ENCODING: Value;
        errors ERRORS: Value;
        /// The argument `newline`: None, or a str.
        newline NEWLINE: Value;
        line_buffering LINE_BUFFERING: i64;
        write_through WRITE_THROUGH: i64;
        /// Decoded text, and the byte in it where reading goes on.
        decoded DECODED: Value;
        position POSITION: i64;
        /// Bytes of an unfinished character or line end.
        undecoded UNDECODED: Value;
        /// No more bytes come.
        at_end AT_END: i64;
        /// Line ends seen: bit 0 "\n", bit 1 "\r", bit 2 "\r\n".
        seen SEEN: i64;
        /// Encoded text that is not yet in the buffer: a bytearray.
        pending PENDING: Value;
        /// Bytes taken from the buffer since the last seek: where the decoded text ends.
        taken TAKEN: i64;
        /// The mode that `open` was given, or NULL.
        mode MODE: Value;
        closed CLOSED: i64;
    }
}

const CHUNK_BYTES: i64 = 64 * 1024;
/// So many bytes of text go to the buffer at once.
const PENDING_BYTES: usize = 16 * 1024;

pub fn make_type(vm: &mut Vm, base: TypeRef) -> TypeRef {
    vm.new_builtin_type(
        TypeSpec {
            module: "_io",
            flags: flags::BASETYPE | flags::HAS_DICT | flags::HAS_WEAKREF,
            finalize: heap::Finalize::Guest,
            slots: Slots { new: Some(new), init: Some(init), repr: Some(repr), next: Some(next), ..Slots::default() },
            methods: METHODS,
            getset: GETTERS,
            ..TypeSpec::of::<TextIo>("TextIOWrapper", Kind::Other)
        },
        base,
    )
}

fn new(vm: &mut Vm, class: TypeRef, _args: &CallArgs) -> PyResult {
    let value = vm.alloc_instance(class)?;
    let pending = vm.new_bytearray(b"");
    let object = cast::<TextIo>(value);
    vm.write(value, &object.pending, pending);
    object.decoded.set(vm.empty_str);
    object.undecoded.set(vm.empty_bytes);
    object.newline.set(vm.none);
    let (encoding, errors) = (vm.intern("utf-8"), vm.intern("strict"));
    object.encoding.set(encoding);
    object.errors.set(errors);
    Ok(value)
}

fn init(vm: &mut Vm, value: Value, args: &CallArgs) -> PyResult<()> {
    let [buffer, encoding, errors, newline, line_buffering, write_through] = args.bind(
        vm,
        "TextIOWrapper",
        &Signature {
            parameters: ["buffer", "encoding", "errors", "newline", "line_buffering", "write_through"],
            skip: 0,
            positional_only: 0,
            max_positional: 6,
            required: 1,
        },
    )?;
    configure(vm, value, encoding, errors, newline)?;
    let line_buffering = !line_buffering.is_null() && vm.truth(line_buffering)?;
    let write_through = !write_through.is_null() && vm.truth(write_through)?;
    let object = cast::<TextIo>(value);
    object.line_buffering.set(line_buffering as i64);
    object.write_through.set(write_through as i64);
    vm.write(value, &object.buffer, buffer);
    super::unclosed::register(vm, value);
    Ok(())
}

/// Encoding, error handler, line ends.
fn configure(vm: &mut Vm, value: Value, encoding: Value, errors: Value, newline: Value) -> PyResult<()> {
    let given = |value: Value, vm: &Vm| !value.is_null() && value != vm.none;
    if given(encoding, vm) {
        let name = vm.str(encoding)?.to_owned();
        let name = if name == "locale" { "utf-8".to_owned() } else { name };
        super::encoding::check_encoding(vm, &name)?;
        let name = vm.new_str(&name);
        vm.write(value, &cast::<TextIo>(value).encoding, name);
    }
    if given(errors, vm) {
        vm.str(errors)?;
        vm.write(value, &cast::<TextIo>(value).errors, errors);
    }
    if given(newline, vm) {
        let text = vm.str(newline)?;
        if !matches!(text, "" | "\n" | "\r" | "\r\n") {
            let shown = vm.repr(newline)?;
            let shown = vm.text_of(shown);
            return Err(vm.value_error(format!("illegal newline value: {shown}")));
        }
        vm.write(value, &cast::<TextIo>(value).newline, newline);
    }
    Ok(())
}

/// `sys.stdin` and its kin.
pub fn standard(vm: &mut Vm, buffer: Value, fd: i32, unbuffered: bool) -> PyResult {
    let class = super::types(vm).text;
    let value = new(vm, class, &CallArgs::positional(&[]))?;
    let object = cast::<TextIo>(value);
    vm.write(value, &object.buffer, buffer);
    // SAFETY: asks about a descriptor, nothing else.
    let is_terminal = unsafe { libc::isatty(fd) } == 1;
    object.line_buffering.set((is_terminal || fd == 2) as i64);
    object.write_through.set(unbuffered as i64);
    let (encoding, errors) = interp::state::state(vm).config.io_encoding.clone();
    if let Some(encoding) = encoding {
        object.encoding.set(vm.intern(&encoding));
    }
    let errors = match errors {
        _ if fd == 2 => "backslashreplace",
        Some(ref errors) => errors,
        None if is_plain_locale() => "surrogateescape",
        None => "strict",
    };
    object.errors.set(vm.intern(errors));
    let (name, mode) = (vm.intern("mode"), vm.intern(if fd == 0 { "r" } else { "w" }));
    vm.setattr(value, name, mode)?;
    Ok(value)
}

/// Whether the locale says nothing of the user's language: what it cannot encode passes through.
fn is_plain_locale() -> bool {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = variable("LC_ALL").or_else(|| variable("LC_CTYPE")).or_else(|| variable("LANG"));
    locale.is_none_or(|locale| matches!(&*locale, "C" | "POSIX" | "C.UTF-8" | "C.utf8" | "UTF-8"))
}

fn buffer_of(vm: &mut Vm, value: Value) -> PyResult {
    let buffer = cast::<TextIo>(value).buffer.get();
    if buffer.is_null() {
        return Err(vm.value_error("underlying buffer has been detached"));
    }
    Ok(buffer)
}

fn check_open(vm: &mut Vm, value: Value) -> PyResult<()> {
    buffer_of(vm, value)?;
    if cast::<TextIo>(value).closed.get() != 0 { Err(closed_error(vm)) } else { Ok(()) }
}

fn is_own_buffer(vm: &mut Vm, buffer: Value) -> bool {
    let types = super::types(vm);
    let class = vm.type_of(buffer);
    class == types.writer || class == types.random || class == types.reader
}

// Writing.

fn write(vm: &mut Vm, value: Value, text: Value) -> PyResult {
    check_open(vm, value)?;
    if !vm.is_str(text) {
        let kind = vm.type_of(text).name();
        return Err(vm.type_error(format!("write() argument must be str, not {kind}")));
    }
    let bytes = vm.str_bytes(text);
    let object = cast::<TextIo>(value);
    let newline = object.newline.get();
    let line_end = if newline == vm.none { "" } else { vm.str(newline)? };
    let has_newline = bytes.contains(&b'\n');
    let translated = if has_newline && matches!(line_end, "\r" | "\r\n") {
        let replaced = bytes.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(line_end.as_bytes());
        vm.new_str_bytes(&replaced)
    } else {
        text
    };
    let (encoding, errors) = (vm.text_of(object.encoding.get()), vm.text_of(object.errors.get()));
    let encoded = super::encoding::encode(vm, translated, &encoding, &errors)?;
    let pending = object.pending.get();
    if objects::bytearray::content(pending).is_empty() {
        super::unclosed::note_waiting(vm);
    }
    super::append(vm, pending, &encoded);
    let flush_line = object.line_buffering.get() != 0 && (has_newline || bytes.contains(&b'\r'));
    if flush_line || object.write_through.get() != 0 || objects::bytearray::content(pending).len() > PENDING_BYTES {
        write_out(vm, value)?;
    }
    if flush_line || object.write_through.get() != 0 {
        let buffer = buffer_of(vm, value)?;
        call0(vm, buffer, "flush")?;
    }
    vm.len(text).map(|count| vm.int(count))
}

/// Hands the pending bytes to the buffer.
fn write_out(vm: &mut Vm, value: Value) -> PyResult<()> {
    let pending = cast::<TextIo>(value).pending.get();
    let bytes = heap::copied(objects::bytearray::content(pending));
    if bytes.is_empty() {
        return Ok(());
    }
    objects::bytearray::set_content(vm, pending, b"");
    let buffer = buffer_of(vm, value)?;
    if is_own_buffer(vm, buffer) {
        return buffered::write(vm, buffer, &bytes);
    }
    let bytes = vm.new_bytes(&bytes);
    vm.call_method(buffer, "write", &[bytes])?;
    Ok(())
}

/// Writes out what is pending if a buffer and a file of our own are below and open.
pub fn write_out_to_file(vm: &mut Vm, value: Value) -> PyResult<()> {
    let object = cast::<TextIo>(value);
    let buffer = object.buffer.get();
    if buffer.is_null() || object.closed.get() != 0 || !is_own_buffer(vm, buffer) {
        return Ok(());
    }
    write_out(vm, value)?;
    buffered::write_out_to_file(vm, buffer)
}

// Reading.

/// Decodes one more chunk behind the text that is left; false at the end.
fn read_chunk(vm: &mut Vm, value: Value) -> PyResult<bool> {
    write_out(vm, value)?;
    let object = cast::<TextIo>(value);
    if object.at_end.get() != 0 {
        return Ok(false);
    }
    let buffer = buffer_of(vm, value)?;
    let (encoding, errors) = (vm.text_of(object.encoding.get()), vm.text_of(object.errors.get()));
    let stateless = super::encoding::is_incremental(&encoding);
    let data = if stateless {
        // As much again as there is, so that what is read is not copied once for each chunk.
        let size = vm.int(CHUNK_BYTES.max(remaining(vm, value).len() as i64));
        let name = if vm.getattr_str_opt(buffer, "read1")?.is_some() { "read1" } else { "read" };
        vm.call_method(buffer, name, &[size])?
    } else {
        call0(vm, buffer, "read")?
    };
    let Some(data) = vm.bytes_of(data) else {
        let kind = vm.type_of(data).name();
        return Err(vm.type_error(format!("underlying read1() should have returned a bytes-like object, not '{kind}'")));
    };
    let object = cast::<TextIo>(value);
    object.taken.set(object.taken.get() + data.len() as i64);
    let last = data.is_empty() || !stateless;
    if last {
        object.at_end.set(1);
    }
    let mut bytes = heap::copied(vm.bytes_of(object.undecoded.get()).unwrap_or(&[]));
    bytes.put_all(data);
    // An unfinished character and a carriage return at the end wait for what follows.
    let keep = if last { 0 } else { super::encoding::unfinished_tail(&encoding, &bytes) };
    let translates = translation(vm, value).0;
    let mut end = bytes.len() - keep;
    if !last && translates && end > 0 && bytes[end - 1] == b'\r' {
        end -= 1;
    }
    let rest = vm.new_bytes(&bytes[end..]);
    vm.write(value, &object.undecoded, rest);
    let text = super::encoding::decode(vm, &bytes[..end], &encoding, &errors)?;
    let mut decoded = heap::copied(remaining(vm, value));
    append_translated(vm, value, &mut decoded, vm.str_bytes(text));
    let decoded = vm.new_str_bytes(&decoded);
    let object = cast::<TextIo>(value);
    vm.write(value, &object.decoded, decoded);
    object.position.set(0);
    Ok(!last || end > 0)
}

/// Whether line ends are looked at (`newline` is None or ""), and whether they become "\n".
fn translation(vm: &Vm, value: Value) -> (bool, bool) {
    let newline = cast::<TextIo>(value).newline.get();
    if newline == vm.none { (true, true) } else { (vm.str_bytes(newline).is_empty(), false) }
}

/// Appends text, its line ends noted and translated as the stream says.
fn append_translated(vm: &mut Vm, value: Value, to: &mut Vec<u8>, text: &[u8]) {
    let (looks, translates) = translation(vm, value);
    if !looks || !text.contains(&b'\r') {
        if looks && text.contains(&b'\n') {
            let object = cast::<TextIo>(value);
            object.seen.set(object.seen.get() | 1);
        }
        to.put_all(text);
        return;
    }
    let (result, seen) = super::newlines::translate(text, translates);
    let object = cast::<TextIo>(value);
    object.seen.set(object.seen.get() | seen);
    to.put_all(&result);
}

/// The decoded text that was not handed out.
fn remaining(vm: &Vm, value: Value) -> &'static [u8] {
    let object = cast::<TextIo>(value);
    &vm.str_bytes(object.decoded.get())[object.position.get() as usize..]
}

fn advance(value: Value, bytes: usize) {
    let object = cast::<TextIo>(value);
    object.position.set(object.position.get() + bytes as i64);
}

/// The byte behind the first `count` characters, or `None` if there are fewer.
fn characters(text: &[u8], count: usize) -> Option<usize> {
    if count == 0 {
        return Some(0);
    }
    let mut seen = 0;
    for (at, byte) in text.iter().enumerate() {
        if byte & 0xc0 != 0x80 {
            if seen == count {
                return Some(at);
            }
            seen += 1;
        }
    }
    if seen == count { Some(text.len()) } else { None }
}

fn read(vm: &mut Vm, value: Value, size: Option<usize>) -> PyResult {
    check_open(vm, value)?;
    // So much may come.
    heap::ensure_room(size.unwrap_or(0));
    loop {
        let text = remaining(vm, value);
        if let Some(size) = size
            && let Some(end) = characters(text, size)
        {
            let result = vm.new_str_bytes(&text[..end]);
            advance(value, end);
            return Ok(result);
        }
        if !read_chunk(vm, value)? && cast::<TextIo>(value).at_end.get() != 0 {
            let text = remaining(vm, value);
            let result = vm.new_str_bytes(text);
            advance(value, text.len());
            return Ok(result);
        }
    }
}

/// The end of the first line in `text`, behind its line end; `None` if there is none yet.
pub fn line_end(newline: Option<&[u8]>, text: &[u8]) -> Option<usize> {
    match newline {
        // Translated: only "\n" is left.
        None | Some(b"\n") => text.iter().position(|byte| *byte == b'\n').map(|at| at + 1),
        Some(b"") => {
            let at = text.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
            if text[at] == b'\r' && text.get(at + 1) == Some(&b'\n') { Some(at + 2) } else { Some(at + 1) }
        }
        Some(end) => text.windows(end.len()).position(|window| window == end).map(|at| at + end.len()),
    }
}

fn read_line(vm: &mut Vm, value: Value, limit: Option<usize>) -> PyResult {
    check_open(vm, value)?;
    loop {
        let newline = cast::<TextIo>(value).newline.get();
        let newline = if newline == vm.none { None } else { Some(vm.str_bytes(newline)) };
        let text = remaining(vm, value);
        let mut end = line_end(newline, text);
        let over = limit.and_then(|limit| characters(text, limit));
        if let Some(over) = over {
            end = Some(end.map_or(over, |end| end.min(over)));
        }
        if let Some(end) = end {
            let line = vm.new_str_bytes(&text[..end]);
            advance(value, end);
            return Ok(line);
        }
        if !read_chunk(vm, value)? && cast::<TextIo>(value).at_end.get() != 0 {
            let text = remaining(vm, value);
            if line_end(newline, text).is_some() {
                continue;
            }
            let line = vm.new_str_bytes(text);
            advance(value, text.len());
            // A terminal can go on after its end of file.
            cast::<TextIo>(value).at_end.set(0);
            return Ok(line);
        }
    }
}

fn next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let line = if vm.type_of(value) == super::types(vm).text {
        read_line(vm, value, None)?
    } else {
        call0(vm, value, "readline")?
    };
    Ok(if vm.str_bytes(line).is_empty() { None } else { Some(line) })
}

/// The position as a byte offset of the buffer: where the first character not handed out begins.
fn tell(vm: &mut Vm, value: Value) -> PyResult {
    check_open(vm, value)?;
    write_out(vm, value)?;
    let buffer = buffer_of(vm, value)?;
    call0(vm, buffer, "flush")?;
    let at = call0(vm, buffer, "tell")?;
    let at = vm.index(at)?;
    let object = cast::<TextIo>(value);
    let text = remaining(vm, value);
    let encoding = vm.text_of(object.encoding.get());
    let text = vm.new_str_bytes(text);
    let errors = vm.text_of(object.errors.get());
    let behind = super::encoding::encode(vm, text, &encoding, &errors)?.len();
    let undecoded = vm.bytes_of(object.undecoded.get()).map_or(0, <[u8]>::len);
    Ok(vm.int(at - behind as i64 - undecoded as i64))
}

fn seek(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let value = args.values[0];
    check_open(vm, value)?;
    let whence = args.get(2).map_or(Ok(0), |whence| vm.index(whence))?;
    let mut offset = vm.index(args.values[1])?;
    match whence {
        0 if offset < 0 => return Err(vm.value_error(format!("negative seek position {offset}"))),
        1 if offset != 0 => return Err(unsupported(vm, "can't do nonzero cur-relative seeks")),
        1 => {
            let at = tell(vm, value)?;
            offset = vm.index(at)?;
        }
        2 if offset != 0 => return Err(unsupported(vm, "can't do nonzero end-relative seeks")),
        0 | 2 => {}
        _ => return Err(vm.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
    }
    write_out(vm, value)?;
    let buffer = buffer_of(vm, value)?;
    call0(vm, buffer, "flush")?;
    let object = cast::<TextIo>(value);
    object.decoded.set(vm.empty_str);
    object.position.set(0);
    object.undecoded.set(vm.empty_bytes);
    object.at_end.set(0);
    let (offset, whence) = (vm.int(offset), vm.int(if whence == 2 { 2 } else { 0 }));
    vm.call_method(buffer, "seek", &[offset, whence])
}

fn repr(vm: &mut Vm, value: Value) -> PyResult {
    let mut text = "<_io.TextIOWrapper".to_owned();
    for name in ["name", "mode"] {
        if let Some(part) = vm.getattr_str_opt(value, name).unwrap_or(None) {
            let part = vm.repr(part)?;
            text += &format!(" {name}={}", vm.text_of(part));
        }
    }
    let encoding = vm.repr(cast::<TextIo>(value).encoding.get())?;
    text += &format!(" encoding={}>", vm.text_of(encoding));
    Ok(vm.new_str(&text))
}

fn newlines(vm: &mut Vm, value: Value) -> PyResult {
    Ok(super::newlines::seen_value(vm, cast::<TextIo>(value).seen.get()))
}

static GETTERS: &[GetSetDef] = &[
    GetSetDef::read_only("encoding", |_, value| Ok(cast::<TextIo>(value).encoding.get())),
    GetSetDef::read_only("errors", |_, value| Ok(cast::<TextIo>(value).errors.get())),
    GetSetDef::read_only("newlines", newlines),
    GetSetDef::read_only("buffer", |vm, value| {
        let buffer = cast::<TextIo>(value).buffer.get();
        Ok(if buffer.is_null() { vm.none } else { buffer })
    }),
    GetSetDef::read_only("line_buffering", |vm, value| Ok(vm.bool(cast::<TextIo>(value).line_buffering.get() != 0))),
    GetSetDef::read_only("write_through", |vm, value| Ok(vm.bool(cast::<TextIo>(value).write_through.get() != 0))),
    GetSetDef::read_only("closed", |vm, value| {
        let buffer = buffer_of(vm, value)?;
        vm.getattr_str(buffer, "closed")
    }),
    GetSetDef::new(
        "mode",
        |vm, value| {
            let mode = cast::<TextIo>(value).mode.get();
            if mode.is_null() {
                let name = vm.intern("mode");
                return Err(vm.attribute_error(value, name));
            }
            Ok(mode)
        },
        |vm, value, mode| {
            vm.write(value, &cast::<TextIo>(value).mode, mode);
            Ok(())
        },
    ),
    GetSetDef::read_only("name", |vm, value| {
        let buffer = buffer_of(vm, value)?;
        vm.getattr_str(buffer, "name")
    }),
];

macro_rules! to_buffer {
    ($name:literal) => {
        MethodDef::method($name, 1, 1, |vm, args| {
            let buffer = buffer_of(vm, args.values[0])?;
            call0(vm, buffer, $name)
        })
    };
}

static METHODS: &[MethodDef] = &[
    to_buffer!("fileno"),
    to_buffer!("isatty"),
    to_buffer!("seekable"),
    to_buffer!("readable"),
    to_buffer!("writable"),
    MethodDef::method("write", 2, 2, |vm, args| write(vm, args.values[0], args.values[1])),
    MethodDef::method("read", 1, 2, |vm, args| {
        let size = size_argument(vm, args.get(1))?;
        read(vm, args.values[0], size)
    }),
    MethodDef::method("readline", 1, 2, |vm, args| {
        let limit = size_argument(vm, args.get(1))?;
        read_line(vm, args.values[0], limit)
    }),
    MethodDef::method("flush", 1, 1, |vm, args| {
        check_open(vm, args.values[0])?;
        write_out(vm, args.values[0])?;
        let buffer = buffer_of(vm, args.values[0])?;
        call0(vm, buffer, "flush")
    }),
    MethodDef::method("close", 1, 1, |vm, args| {
        let value = args.values[0];
        let buffer = buffer_of(vm, value)?;
        if cast::<TextIo>(value).closed.get() != 0 || super::base::is_closed(vm, buffer)? {
            cast::<TextIo>(value).closed.set(1);
            return Ok(vm.none);
        }
        let flushed = call0(vm, value, "flush");
        cast::<TextIo>(value).closed.set(1);
        call0(vm, buffer, "close")?;
        flushed.map(|_| vm.none)
    }),
    MethodDef::method("detach", 1, 1, |vm, args| {
        call0(vm, args.values[0], "flush")?;
        let buffer = buffer_of(vm, args.values[0])?;
        cast::<TextIo>(args.values[0]).buffer.set(Value::NULL);
        Ok(buffer)
    }),
    MethodDef::method("tell", 1, 1, |vm, args| tell(vm, args.values[0])),
    MethodDef::method("seek", 2, 3, seek),
    MethodDef::method("truncate", 1, 2, |vm, args| {
        call0(vm, args.values[0], "flush")?;
        let buffer = buffer_of(vm, args.values[0])?;
        vm.call_method(buffer, "truncate", &args.values[1..])
    }),
    MethodDef::method("reconfigure", 1, 1, |vm, args| {
        let [encoding, errors, newline, line_buffering, write_through] = args.bind(
            vm,
            "reconfigure",
            &Signature {
                parameters: ["encoding", "errors", "newline", "line_buffering", "write_through"],
                skip: 1,
                positional_only: 0,
                max_positional: 0,
                required: 0,
            },
        )?;
        let value = args.values[0];
        call0(vm, value, "flush")?;
        configure(vm, value, encoding, errors, newline)?;
        for (given, field) in [
            (line_buffering, &cast::<TextIo>(value).line_buffering),
            (write_through, &cast::<TextIo>(value).write_through),
        ] {
            if !given.is_null() && given != vm.none {
                field.set(vm.truth(given)? as i64);
            }
        }
        Ok(vm.none)
    })
    .with_keywords(),
];
