//! `FileIO`: a file descriptor.

use super::{size_argument, unsupported};
use crate::vm_ext::VmExt;
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, GetSetDef, MethodDef, Signature};
use objects::error::{PyResult, Raised};
use objects::layout;
use objects::layout::{cast, value_of};
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;
use std::ffi::CString;
use std::io::Error;

layout! {
    FileIo {
        /// -1: closed.
        fd FD: i64;
        readable READABLE: i64;
        writable WRITABLE: i64;
        appending APPENDING: i64;
        created CREATED: i64;
        /// Whether closing the object closes the descriptor.
        close_fd CLOSE_FD: i64;
        /// -1: not known yet.
        seekable SEEKABLE: i64;
        name NAME: Value;
    }
}

pub fn make_type(vm: &mut Vm, base: TypeRef) -> TypeRef {
    vm.new_builtin_type(
        TypeSpec {
            module: "_io",
            flags: flags::BASETYPE | flags::HAS_WEAKREF,
            finalize: heap::Finalize::Guest,
            slots: Slots { new: Some(new), init: Some(init), repr: Some(repr), ..Slots::default() },
            methods: METHODS,
            getset: GETTERS,
            ..TypeSpec::of::<FileIo>("FileIO", Kind::Other)
        },
        base,
    )
}

fn new(vm: &mut Vm, class: TypeRef, _args: &CallArgs) -> PyResult {
    let value = vm.alloc_instance(class)?;
    let file = cast::<FileIo>(value);
    file.fd.set(-1);
    file.seekable.set(-1);
    file.name.set(vm.none);
    Ok(value)
}

/// The file object of a standard descriptor, if that is open.
pub fn standard(vm: &mut Vm, fd: i32, name: &str) -> Option<Value> {
    // SAFETY: asks about a descriptor, nothing else.
    if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return None;
    }
    let class = super::types(vm).file;
    let value = vm.alloc_instance(class).ok()?;
    let file = cast::<FileIo>(value);
    file.fd.set(fd as i64);
    file.readable.set((fd == 0) as i64);
    file.writable.set((fd != 0) as i64);
    file.seekable.set(-1);
    let name = vm.new_str(&format!("<{name}>"));
    let file = cast::<FileIo>(value);
    vm.write(value, &file.name, name);
    Some(value_of(file))
}

/// What a mode string says.
struct Mode {
    readable: bool,
    writable: bool,
    appending: bool,
    created: bool,
    flags: i32,
}

fn parse_mode(vm: &mut Vm, mode: &str) -> PyResult<Mode> {
    let (mut kinds, mut plus) = (0, false);
    let mut parsed =
        Mode { readable: false, writable: false, appending: false, created: false, flags: libc::O_CLOEXEC };
    for letter in mode.chars() {
        match letter {
            'r' => {
                kinds += 1;
                parsed.readable = true;
            }
            'w' => {
                kinds += 1;
                parsed.writable = true;
                parsed.flags |= libc::O_CREAT | libc::O_TRUNC;
            }
            'a' => {
                kinds += 1;
                parsed.writable = true;
                parsed.appending = true;
                parsed.flags |= libc::O_CREAT | libc::O_APPEND;
            }
            'x' => {
                kinds += 1;
                parsed.writable = true;
                parsed.created = true;
                parsed.flags |= libc::O_CREAT | libc::O_EXCL;
            }
            '+' if !plus => plus = true,
            'b' => {}
            _ => return Err(vm.value_error(format!("invalid mode: {mode}"))),
        }
    }
    if kinds != 1 {
        return Err(vm.value_error("Must have exactly one of create/read/write/append mode and at most one plus"));
    }
    if plus {
        (parsed.readable, parsed.writable) = (true, true);
    }
    parsed.flags |= match (parsed.readable, parsed.writable) {
        (true, true) => libc::O_RDWR,
        (false, true) => libc::O_WRONLY,
        _ => libc::O_RDONLY,
    };
    Ok(parsed)
}

/// `FileIO(file, mode='r', closefd=True, opener=None)`.
fn init(vm: &mut Vm, value: Value, args: &CallArgs) -> PyResult<()> {
    let [name, mode, close_fd, opener] = args.bind(
        vm,
        "FileIO",
        &Signature {
            parameters: ["file", "mode", "closefd", "opener"],
            skip: 0,
            positional_only: 0,
            max_positional: 4,
            required: 1,
        },
    )?;
    let mode = if mode.is_null() { "r".to_owned() } else { vm.str(mode)?.to_owned() };
    let mode = parse_mode(vm, &mode)?;
    let close_fd = close_fd.is_null() || vm.truth(close_fd)?;
    let fd = if vm.is_int(name) {
        let fd = vm.index(name)?;
        if fd < 0 {
            return Err(vm.value_error("negative file descriptor"));
        }
        fd as i32
    } else {
        if !close_fd {
            return Err(vm.value_error("Cannot use closefd=False with file name"));
        }
        let path = vm.fs_path(name)?;
        if opener.is_null() || opener == vm.none {
            open_path(vm, name, &path, mode.flags)?
        } else {
            let flags = vm.int(mode.flags as i64);
            let fd = vm.call(opener, &[name, flags])?;
            let fd = vm.index(fd)?;
            if fd < 0 {
                return Err(vm.value_error(format!("opener returned {fd}")));
            }
            fd as i32
        }
    };
    let file = cast::<FileIo>(value);
    file.fd.set(fd as i64);
    file.readable.set(mode.readable as i64);
    file.writable.set(mode.writable as i64);
    file.appending.set(mode.appending as i64);
    file.created.set(mode.created as i64);
    file.close_fd.set(close_fd as i64);
    file.seekable.set(-1);
    vm.write(value, &file.name, name);
    // SAFETY: `stat` is filled by the call.
    let is_directory = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        libc::fstat(fd, &mut stat) == 0 && stat.st_mode & libc::S_IFMT == libc::S_IFDIR
    };
    if is_directory {
        if close_fd {
            close_descriptor(fd);
        }
        cast::<FileIo>(value).fd.set(-1);
        return Err(vm.os_error(libc::EISDIR, name));
    }
    if mode.appending {
        // SAFETY: a descriptor of ours.
        unsafe { libc::lseek(fd, 0, libc::SEEK_END) };
    }
    super::unclosed::register(vm, value);
    Ok(())
}

fn open_path(vm: &mut Vm, name: Value, path: &[u8], flags: i32) -> PyResult<i32> {
    let Ok(path) = CString::new(path) else { return Err(vm.value_error("embedded null byte")) };
    super::write_out_all(vm);
    let mut collected = false;
    loop {
        // SAFETY: a NUL-terminated path.
        let fd = unsafe { libc::open(path.as_ptr(), flags, 0o666) };
        if fd >= 0 {
            return Ok(fd);
        }
        let errno = Error::last_os_error().raw_os_error().unwrap_or(0);
        if errno == libc::EINTR {
            interp::boot::settle(vm)?;
            continue;
        }
        if errno == libc::EMFILE && !collected {
            // Files that nobody refers to any more hold descriptors until a collection.
            collected = true;
            vm.thread.heap.collect_full();
            interp::boot::settle(vm)?;
            continue;
        }
        return Err(vm.os_error(errno, name));
    }
}

fn close_descriptor(fd: i32) -> i32 {
    // SAFETY: the descriptor is the caller's to close.
    unsafe { libc::close(fd) }
}

/// The descriptor of an open file.
pub fn descriptor(vm: &mut Vm, value: Value) -> PyResult<i32> {
    let fd = cast::<FileIo>(value).fd.get();
    if fd < 0 { Err(vm.value_error("I/O operation on closed file")) } else { Ok(fd as i32) }
}

fn last_error(vm: &mut Vm) -> Raised {
    let errno = Error::last_os_error().raw_os_error().unwrap_or(0);
    vm.os_error(errno, Value::NULL)
}

/// Reads once into `buffer`; `None` if a read would block.
pub fn read_into(vm: &mut Vm, value: Value, buffer: &mut [u8]) -> PyResult<Option<usize>> {
    let fd = descriptor(vm, value)?;
    if cast::<FileIo>(value).readable.get() == 0 {
        return Err(unsupported(vm, "File not open for reading"));
    }
    loop {
        // SAFETY: the buffer has that many bytes.
        let count = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
        if count >= 0 {
            return Ok(Some(count as usize));
        }
        match Error::last_os_error().raw_os_error() {
            Some(libc::EINTR) => interp::boot::settle(vm)?,
            Some(libc::EAGAIN) => return Ok(None),
            _ => return Err(last_error(vm)),
        }
    }
}

/// Writes once; `None` if a write would block.
pub fn write_bytes(vm: &mut Vm, value: Value, bytes: &[u8]) -> PyResult<Option<usize>> {
    let fd = descriptor(vm, value)?;
    if cast::<FileIo>(value).writable.get() == 0 {
        return Err(unsupported(vm, "File not open for writing"));
    }
    loop {
        // SAFETY: the slice has that many bytes.
        let count = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        if count >= 0 {
            return Ok(Some(count as usize));
        }
        match Error::last_os_error().raw_os_error() {
            Some(libc::EINTR) => interp::boot::settle(vm)?,
            Some(libc::EAGAIN) => return Ok(None),
            _ => return Err(last_error(vm)),
        }
    }
}

/// Everything up to the end.
pub fn read_all(vm: &mut Vm, value: Value) -> PyResult<Option<Vec<u8>>> {
    let fd = descriptor(vm, value)?;
    // SAFETY: `stat` is filled by the call; a descriptor of ours.
    let expected = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        let at = libc::lseek(fd, 0, libc::SEEK_CUR);
        if libc::fstat(fd, &mut stat) == 0 && at >= 0 { (stat.st_size - at).max(0) as usize } else { 0 }
    };
    let mut all = heap::vec_with_capacity(expected + 1);
    let mut buffer = heap::zeros(expected.clamp(1 << 16, 1 << 24) + 1);
    loop {
        match read_into(vm, value, &mut buffer)? {
            Some(0) => return Ok(Some(all)),
            Some(count) => all.put_all(&buffer[..count]),
            None if all.is_empty() => return Ok(None),
            None => return Ok(Some(all)),
        }
    }
}

pub fn seek(vm: &mut Vm, value: Value, offset: i64, whence: i32) -> PyResult<i64> {
    let fd = descriptor(vm, value)?;
    // SAFETY: a descriptor of ours.
    let at = unsafe { libc::lseek(fd, offset, whence) };
    if at < 0 { Err(last_error(vm)) } else { Ok(at) }
}

pub fn is_seekable(vm: &mut Vm, value: Value) -> PyResult<bool> {
    let fd = descriptor(vm, value)?;
    let file = cast::<FileIo>(value);
    if file.seekable.get() < 0 {
        // SAFETY: a descriptor of ours.
        let at = unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) };
        file.seekable.set((at >= 0) as i64);
    }
    Ok(file.seekable.get() == 1)
}

pub fn close(vm: &mut Vm, value: Value) -> PyResult<()> {
    let file = cast::<FileIo>(value);
    let fd = file.fd.replace(-1);
    if fd >= 0 && file.close_fd.get() != 0 && close_descriptor(fd as i32) < 0 {
        return Err(last_error(vm));
    }
    Ok(())
}

/// The mode as Python shows it.
pub fn mode_text(value: Value) -> &'static str {
    let file = cast::<FileIo>(value);
    match (file.created.get() != 0, file.appending.get() != 0, file.readable.get() != 0, file.writable.get() != 0) {
        (true, _, true, _) => "xb+",
        (true, ..) => "xb",
        (_, true, true, _) => "ab+",
        (_, true, ..) => "ab",
        (_, _, true, true) => "rb+",
        (_, _, true, false) => "rb",
        _ => "wb",
    }
}

fn repr(vm: &mut Vm, value: Value) -> PyResult {
    let file = cast::<FileIo>(value);
    if file.fd.get() < 0 {
        return Ok(vm.new_str("<_io.FileIO [closed]>"));
    }
    let name = vm.repr(file.name.get())?;
    let (name, close_fd) = (vm.text_of(name), if file.close_fd.get() != 0 { "True" } else { "False" });
    Ok(vm.new_str(&format!("<_io.FileIO name={name} mode='{}' closefd={close_fd}>", mode_text(value))))
}

static GETTERS: &[GetSetDef] = &[
    GetSetDef::read_only("closed", |vm, value| Ok(vm.bool(cast::<FileIo>(value).fd.get() < 0))),
    GetSetDef::read_only("closefd", |vm, value| Ok(vm.bool(cast::<FileIo>(value).close_fd.get() != 0))),
    GetSetDef::read_only("mode", |vm, value| Ok(vm.new_str(mode_text(value)))),
    GetSetDef::new(
        "name",
        |_, value| Ok(cast::<FileIo>(value).name.get()),
        |vm, value, name| {
            let file = cast::<FileIo>(value);
            let name = if name.is_null() { vm.none } else { name };
            vm.write(value, &file.name, name);
            Ok(())
        },
    ),
];

static METHODS: &[MethodDef] = &[
    MethodDef::method("close", 1, 1, |vm, args| {
        close(vm, args.values[0])?;
        Ok(vm.none)
    }),
    MethodDef::method("fileno", 1, 1, |vm, args| {
        let fd = descriptor(vm, args.values[0])?;
        Ok(vm.int(fd as i64))
    }),
    MethodDef::method("isatty", 1, 1, |vm, args| {
        let fd = descriptor(vm, args.values[0])?;
        // SAFETY: a descriptor of ours.
        let is = unsafe { libc::isatty(fd) } == 1;
        Ok(vm.bool(is))
    }),
    MethodDef::method("readable", 1, 1, |vm, args| {
        descriptor(vm, args.values[0])?;
        Ok(vm.bool(cast::<FileIo>(args.values[0]).readable.get() != 0))
    }),
    MethodDef::method("writable", 1, 1, |vm, args| {
        descriptor(vm, args.values[0])?;
        Ok(vm.bool(cast::<FileIo>(args.values[0]).writable.get() != 0))
    }),
    MethodDef::method("seekable", 1, 1, |vm, args| {
        let is = is_seekable(vm, args.values[0])?;
        Ok(vm.bool(is))
    }),
    MethodDef::method("seek", 2, 3, |vm, args| {
        let offset = vm.index(args.values[1])?;
        let whence = args.get(2).map_or(Ok(0), |whence| vm.index(whence))?;
        let at = seek(vm, args.values[0], offset, whence as i32)?;
        Ok(vm.int(at))
    }),
    MethodDef::method("tell", 1, 1, |vm, args| {
        let at = seek(vm, args.values[0], 0, libc::SEEK_CUR)?;
        Ok(vm.int(at))
    }),
    MethodDef::method("read", 1, 2, |vm, args| {
        let data = match size_argument(vm, args.get(1))? {
            None => read_all(vm, args.values[0])?,
            Some(size) => {
                let mut buffer = heap::zeros(size);
                read_into(vm, args.values[0], &mut buffer)?.map(|count| {
                    buffer.truncate(count);
                    buffer
                })
            }
        };
        Ok(data.map_or(vm.none, |data| vm.new_bytes(&data)))
    }),
    MethodDef::method("readall", 1, 1, |vm, args| {
        let data = read_all(vm, args.values[0])?;
        Ok(data.map_or(vm.none, |data| vm.new_bytes(&data)))
    }),
    MethodDef::method("readinto", 2, 2, |vm, args| {
        let view = vm.writable_buffer(args.values[1])?;
        // SAFETY: the exporter holds that memory while the argument is alive, and reading runs no Python code.
        let buffer = unsafe { std::slice::from_raw_parts_mut(view.address, view.bytes) };
        let count = read_into(vm, args.values[0], buffer)?;
        Ok(count.map_or(vm.none, |count| vm.int(count as i64)))
    }),
    MethodDef::method("write", 2, 2, |vm, args| {
        let bytes = vm.bytes_like(args.values[1])?;
        let count = write_bytes(vm, args.values[0], bytes)?;
        Ok(count.map_or(vm.none, |count| vm.int(count as i64)))
    }),
    MethodDef::method("truncate", 1, 2, |vm, args| {
        let fd = descriptor(vm, args.values[0])?;
        let size = match args.get(1) {
            Some(size) if size != vm.none => vm.index(size)?,
            _ => seek(vm, args.values[0], 0, libc::SEEK_CUR)?,
        };
        // SAFETY: a descriptor of ours.
        if unsafe { libc::ftruncate(fd, size) } < 0 {
            return Err(last_error(vm));
        }
        Ok(vm.int(size))
    }),
];
