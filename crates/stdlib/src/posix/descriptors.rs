//! Open files by their numbers.

use super::paths::{c_text, dir_fd, path};
use super::{c_int, last_error, none_if_ok, retrying};
use crate::support::signature;
use heap::Value;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::PyResult;
use objects::vm::Vm;

pub(super) static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("open", 0, 4, open).with_keywords().with_doc("open($module, /, path, flags, mode=511, *, dir_fd=None)\n--\n\nOpen a file for low level IO.  Returns a file descriptor (integer).\n\nIf dir_fd is not None, it should be a file descriptor open to\na directory, and path should be relative; path will then be relative to\nthat directory.\ndir_fd may not be implemented on your platform.  If it is unavailable,\nusing it will raise a NotImplementedError."),
    MethodDef::function("close", 0, 1, |vm, args| {
        let [fd] = args.bind(vm, "close", &signature(["fd"], 1))?;
        let fd = c_int(vm, fd)?;
        // SAFETY: plain system call.
        let result = unsafe { libc::close(fd) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_keywords()
    .with_doc("close($module, /, fd)\n--\n\nClose a file descriptor."),
    MethodDef::function("closerange", 2, 2, |vm, args| {
        let (low, high) = (c_int(vm, args.values[0])?, c_int(vm, args.values[1])?);
        for fd in low..high {
            // SAFETY: plain system call.
            unsafe { libc::close(fd) };
        }
        Ok(vm.none)
    })
    .with_doc("closerange($module, fd_low, fd_high, /)\n--\n\nCloses all file descriptors in [fd_low, fd_high), ignoring errors."),
    MethodDef::function("read", 2, 2, |vm, args| {
        let fd = c_int(vm, args.values[0])?;
        read(vm, args.values[1], |buffer| {
            // SAFETY: the buffer is as long as said.
            unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) as i64 }
        })
    })
    .with_doc("read($module, fd, length, /)\n--\n\nRead from a file descriptor.  Returns a bytes object."),
    MethodDef::function("pread", 3, 3, |vm, args| {
        let fd = c_int(vm, args.values[0])?;
        let offset = vm.index(args.values[2])?;
        read(vm, args.values[1], |buffer| {
            // SAFETY: the buffer is as long as said.
            unsafe { libc::pread(fd, buffer.as_mut_ptr().cast(), buffer.len(), offset) as i64 }
        })
    })
    .with_doc("pread($module, fd, length, offset, /)\n--\n\nRead a number of bytes from a file descriptor starting at a particular offset.\n\nRead length bytes from file descriptor fd, starting at offset bytes from\nthe beginning of the file.  The file offset remains unchanged."),
    MethodDef::function("write", 2, 2, |vm, args| {
        let fd = c_int(vm, args.values[0])?;
        let data = vm.bytes_like(args.values[1])?;
        // SAFETY: the data is as long as said.
        let written = retrying(vm, Value::NULL, || unsafe { libc::write(fd, data.as_ptr().cast(), data.len()) as i64 })?;
        Ok(vm.int(written))
    })
    .with_doc("write($module, fd, data, /)\n--\n\nWrite a bytes object to a file descriptor."),
    MethodDef::function("pwrite", 3, 3, |vm, args| {
        let fd = c_int(vm, args.values[0])?;
        let data = vm.bytes_like(args.values[1])?;
        let offset = vm.index(args.values[2])?;
        let written = retrying(vm, Value::NULL, || {
            // SAFETY: the data is as long as said.
            unsafe { libc::pwrite(fd, data.as_ptr().cast(), data.len(), offset) as i64 }
        })?;
        Ok(vm.int(written))
    })
    .with_doc("pwrite($module, fd, buffer, offset, /)\n--\n\nWrite bytes to a file descriptor starting at a particular offset.\n\nWrite buffer to fd, starting at offset bytes from the beginning of\nthe file.  Returns the number of bytes written.  Does not change the\ncurrent file offset."),
    MethodDef::function("lseek", 3, 3, |vm, args| {
        let (fd, offset, whence) = (c_int(vm, args.values[0])?, vm.index(args.values[1])?, c_int(vm, args.values[2])?);
        // SAFETY: plain system call.
        let at = unsafe { libc::lseek(fd, offset, whence) };
        if at < 0 { Err(last_error(vm, Value::NULL)) } else { Ok(vm.int(at)) }
    })
    .with_doc("lseek($module, fd, position, whence, /)\n--\n\nSet the position of a file descriptor.  Return the new position.\n\n  fd\n    An open file descriptor, as returned by os.open().\n  position\n    Position, interpreted relative to 'whence'.\n  whence\n    The relative position to seek from. Valid values are:\n    - SEEK_SET: seek from the start of the file.\n    - SEEK_CUR: seek from the current file position.\n    - SEEK_END: seek from the end of the file.\n\nThe return value is the number of bytes relative to the beginning of\nthe file."),
    MethodDef::function("ftruncate", 2, 2, |vm, args| {
        let (fd, length) = (c_int(vm, args.values[0])?, vm.index(args.values[1])?);
        // SAFETY: plain system call.
        let result = unsafe { libc::ftruncate(fd, length) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_doc("ftruncate($module, fd, length, /)\n--\n\nTruncate a file, specified by file descriptor, to a specific length."),
    MethodDef::function("fsync", 1, 1, |vm, args| {
        let fd = file_number(vm, args.values[0])?;
        // SAFETY: plain system call.
        let result = unsafe { libc::fsync(fd) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_doc("fsync($module, /, fd)\n--\n\nForce write of fd to disk."),
    MethodDef::function("fdatasync", 1, 1, |vm, args| {
        let fd = file_number(vm, args.values[0])?;
        // SAFETY: plain system call.
        let result = unsafe { libc::fdatasync(fd) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_doc("fdatasync($module, /, fd)\n--\n\nForce write of fd to disk without forcing update of metadata."),
    MethodDef::function("sync", 0, 0, |vm, _| {
        // SAFETY: plain system call.
        unsafe { libc::sync() };
        Ok(vm.none)
    })
    .with_doc("sync($module, /)\n--\n\nForce write of everything to disk."),
    MethodDef::function("pipe", 0, 0, |vm, _| pipe(vm, libc::O_CLOEXEC))
    .with_doc("pipe($module, /)\n--\n\nCreate a pipe.\n\nReturns a tuple of two file descriptors:\n  (read_fd, write_fd)"),
    MethodDef::function("pipe2", 1, 1, |vm, args| {
        let flags = c_int(vm, args.values[0])?;
        pipe(vm, flags)
    })
    .with_doc("pipe2($module, flags, /)\n--\n\nCreate a pipe with flags set atomically.\n\nReturns a tuple of two file descriptors:\n  (read_fd, write_fd)\n\nflags can be constructed by ORing together one or more of these values:\nO_NONBLOCK, O_CLOEXEC."),
    MethodDef::function("dup", 1, 1, |vm, args| {
        let fd = c_int(vm, args.values[0])?;
        // SAFETY: plain system call.
        let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
        if copy < 0 { Err(last_error(vm, Value::NULL)) } else { Ok(Value::from_int(i64::from(copy))) }
    })
    .with_doc("dup($module, fd, /)\n--\n\nReturn a duplicate of a file descriptor."),
    MethodDef::function("dup2", 0, 3, |vm, args| {
        let [fd, to, inheritable] = args.bind(vm, "dup2", &signature(["fd", "fd2", "inheritable"], 2))?;
        let (fd, to) = (c_int(vm, fd)?, c_int(vm, to)?);
        let flags = if inheritable.is_null() || vm.truth(inheritable)? { 0 } else { libc::O_CLOEXEC };
        // SAFETY: plain system call.
        let result = unsafe { if fd == to || flags == 0 { libc::dup2(fd, to) } else { libc::dup3(fd, to, flags) } };
        if result < 0 { Err(last_error(vm, Value::NULL)) } else { Ok(Value::from_int(i64::from(to))) }
    })
    .with_keywords()
    .with_doc("dup2($module, /, fd, fd2, inheritable=True)\n--\n\nDuplicate file descriptor."),
    MethodDef::function("isatty", 1, 1, |vm, args| {
        let fd = c_int(vm, args.values[0])?;
        // SAFETY: plain system call.
        let answer = unsafe { libc::isatty(fd) };
        Ok(vm.bool(answer == 1))
    })
    .with_doc("isatty($module, fd, /)\n--\n\nReturn True if the fd is connected to a terminal.\n\nReturn True if the file descriptor is an open file descriptor\nconnected to the slave end of a terminal."),
    MethodDef::function("ttyname", 1, 1, |vm, args| {
        let fd = c_int(vm, args.values[0])?;
        // SAFETY: returns a string that stays valid until the next call, or null.
        let name = unsafe { libc::ttyname(fd) };
        if name.is_null() {
            return Err(last_error(vm, Value::NULL));
        }
        Ok(vm.new_str(&c_text(name)))
    })
    .with_doc("ttyname($module, fd, /)\n--\n\nReturn the name of the terminal device connected to 'fd'.\n\n  fd\n    Integer file descriptor handle."),
    MethodDef::function("get_inheritable", 1, 1, |vm, args| {
        let fd = c_int(vm, args.values[0])?;
        // SAFETY: plain system call.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        if flags < 0 { Err(last_error(vm, Value::NULL)) } else { Ok(vm.bool(flags & libc::FD_CLOEXEC == 0)) }
    })
    .with_doc("get_inheritable($module, fd, /)\n--\n\nGet the close-on-exe flag of the specified file descriptor."),
    MethodDef::function("set_inheritable", 2, 2, |vm, args| {
        let (fd, inheritable) = (c_int(vm, args.values[0])?, vm.truth(args.values[1])?);
        set_flag(vm, fd, [libc::F_GETFD, libc::F_SETFD], libc::FD_CLOEXEC, !inheritable)
    })
    .with_doc("set_inheritable($module, fd, inheritable, /)\n--\n\nSet the inheritable flag of the specified file descriptor."),
    MethodDef::function("get_blocking", 1, 1, |vm, args| {
        let fd = c_int(vm, args.values[0])?;
        // SAFETY: plain system call.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
        if flags < 0 { Err(last_error(vm, Value::NULL)) } else { Ok(vm.bool(flags & libc::O_NONBLOCK == 0)) }
    })
    .with_doc("get_blocking($module, fd, /)\n--\n\nGet the blocking mode of the file descriptor.\n\nReturn False if the O_NONBLOCK flag is set, True if the flag is cleared."),
    MethodDef::function("set_blocking", 2, 2, |vm, args| {
        let (fd, blocking) = (c_int(vm, args.values[0])?, vm.truth(args.values[1])?);
        set_flag(vm, fd, [libc::F_GETFL, libc::F_SETFL], libc::O_NONBLOCK, !blocking)
    })
    .with_doc("set_blocking($module, fd, blocking, /)\n--\n\nSet the blocking mode of the specified file descriptor.\n\nSet the O_NONBLOCK flag if blocking is False,\nclear the O_NONBLOCK flag otherwise."),
    MethodDef::function("device_encoding", 1, 1, |vm, args| {
        let fd = c_int(vm, args.values[0])?;
        // SAFETY: plain system call.
        let is_terminal = unsafe { libc::isatty(fd) } == 1;
        Ok(if is_terminal { vm.intern("utf-8") } else { vm.none })
    })
    .with_doc("device_encoding($module, /, fd)\n--\n\nReturn a string describing the encoding of a terminal's file descriptor.\n\nThe file descriptor must be attached to a terminal.\nIf the device is not a terminal, return None."),
    MethodDef::function("sendfile", 4, 4, |vm, args| {
        let (to, from, count) = (c_int(vm, args.values[0])?, c_int(vm, args.values[1])?, vm.index(args.values[3])?);
        let mut offset = if args.values[2] == vm.none { None } else { Some(vm.index(args.values[2])?) };
        let sent = retrying(vm, Value::NULL, || {
            let offset = offset.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
            // SAFETY: the offset is null or writable.
            unsafe { libc::sendfile(to, from, offset, count as usize) as i64 }
        })?;
        Ok(vm.int(sent))
    })
    .with_doc("sendfile($module, /, out_fd, in_fd, offset, count)\n--\n\nCopy count bytes from file descriptor in_fd to file descriptor out_fd."),
    MethodDef::function("memfd_create", 1, 2, |vm, args| {
        let name = path(vm, "memfd_create", "name", args.values[0])?;
        let flags = match args.get(1) {
            Some(flags) => c_int(vm, flags)? as u32,
            None => libc::MFD_CLOEXEC,
        };
        // SAFETY: the name is NUL-terminated.
        let fd = unsafe { libc::memfd_create(name.ptr(), flags) };
        if fd < 0 { Err(last_error(vm, Value::NULL)) } else { Ok(Value::from_int(i64::from(fd))) }
    })
    .with_doc("memfd_create($module, /, name, flags=MFD_CLOEXEC)\n--\n\n"),
    MethodDef::function("openpty", 0, 0, |vm, _| {
        let (mut master, mut slave) = (0, 0);
        // SAFETY: both results are writable; the rest is optional.
        let result = unsafe { libc::openpty(&mut master, &mut slave, std::ptr::null_mut(), std::ptr::null(), std::ptr::null()) };
        if result < 0 {
            return Err(last_error(vm, Value::NULL));
        }
        Ok(vm.new_tuple(&[Value::from_int(i64::from(master)), Value::from_int(i64::from(slave))]))
    })
    .with_doc("openpty($module, /)\n--\n\nOpen a pseudo-terminal.\n\nReturn a tuple of (master_fd, slave_fd) containing open file descriptors\nfor both the master and slave ends."),
];

/// A descriptor, or an object with `fileno()`.
pub fn file_number(vm: &mut Vm, value: Value) -> PyResult<i32> {
    if vm.is_int(value) {
        return c_int(vm, value);
    }
    match vm.getattr_str_opt(value, "fileno")? {
        Some(fileno) => {
            let fd = vm.call(fileno, &[])?;
            c_int(vm, fd)
        }
        None => Err(vm.type_error("argument must be an int, or have a fileno() method.")),
    }
}

fn set_flag(vm: &mut Vm, fd: i32, [get, set]: [i32; 2], flag: i32, on: bool) -> PyResult {
    // SAFETY: plain system calls.
    let result = unsafe {
        let flags = libc::fcntl(fd, get);
        if flags < 0 { flags } else { libc::fcntl(fd, set, if on { flags | flag } else { flags & !flag }) }
    };
    none_if_ok(vm, result, Value::NULL)
}

fn open(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature = Signature { max_positional: 3, ..signature(["path", "flags", "mode", "dir_fd"], 2) };
    let [name, flags, mode, fd] = args.bind(vm, "open", &signature)?;
    let name = path(vm, "open", "path", name)?;
    let flags = c_int(vm, flags)? | libc::O_CLOEXEC;
    let mode = if mode.is_null() { 0o777 } else { c_int(vm, mode)? };
    let dir = dir_fd(vm, fd)?;
    crate::io::write_out_all(vm);
    // SAFETY: the path is NUL-terminated.
    let fd =
        retrying(vm, name.value, || i64::from(unsafe { libc::openat(dir, name.ptr(), flags, mode as libc::mode_t) }))?;
    Ok(vm.int(fd))
}

fn read(vm: &mut Vm, length: Value, mut call: impl FnMut(&mut [u8]) -> i64) -> PyResult {
    let length = vm.index(length)?;
    if length < 0 {
        return Err(vm.os_error(libc::EINVAL, Value::NULL));
    }
    let mut buffer = heap::zeros(length as usize);
    let count = retrying(vm, Value::NULL, || call(&mut buffer))?;
    Ok(vm.new_bytes(&buffer[..count as usize]))
}

fn pipe(vm: &mut Vm, flags: i32) -> PyResult {
    let mut ends = [0; 2];
    // SAFETY: two numbers are writable.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), flags) } < 0 {
        return Err(last_error(vm, Value::NULL));
    }
    Ok(vm.new_tuple(&ends.map(|fd| Value::from_int(i64::from(fd)))))
}
