//! `stat` and its kin.

use super::paths::{Path, dir_fd, path, path_or_fd};
use super::{c_int, last_error, types};
use crate::struct_sequence;
use crate::support::signature;
use heap::Value;
use num_bigint::BigInt;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::PyResult;
use objects::ty::TypeRef;
use objects::vm::Vm;

pub(super) static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("stat", 0, 3, stat).with_keywords().with_doc("stat($module, /, path, *, dir_fd=None, follow_symlinks=True)\n--\n\nPerform a stat system call on the given path.\n\n  path\n    Path to be examined; can be string, bytes, a path-like object or\n    open-file-descriptor int.\n  dir_fd\n    If not None, it should be a file descriptor open to a directory,\n    and path should be a relative string; path will then be relative to\n    that directory.\n  follow_symlinks\n    If False, and the last element of the path is a symbolic link,\n    stat will examine the symbolic link itself instead of the file\n    the link points to.\n\ndir_fd and follow_symlinks may not be implemented\n  on your platform.  If they are unavailable, using them will raise a\n  NotImplementedError.\n\nIt's an error to use dir_fd or follow_symlinks when specifying path as\n  an open file descriptor."),
    MethodDef::function("lstat", 0, 2, |vm, args| {
        let signature = Signature { max_positional: 1, ..signature(["path", "dir_fd"], 1) };
        let [name, fd] = args.bind(vm, "lstat", &signature)?;
        let name = path(vm, "lstat", "path", name)?;
        let fd = dir_fd(vm, fd)?;
        stat_path(vm, &name, fd, false)
    })
    .with_keywords()
    .with_doc("lstat($module, /, path, *, dir_fd=None)\n--\n\nPerform a stat system call on the given path, without following symbolic links.\n\nLike stat(), but do not follow symbolic links.\nEquivalent to stat(path, follow_symlinks=False)."),
    MethodDef::function("fstat", 0, 1, |vm, args| {
        let [fd] = args.bind(vm, "fstat", &signature(["fd"], 1))?;
        let fd = c_int(vm, fd)?;
        let name = Path { value: Value::NULL, fd: Some(fd), text: Default::default(), is_bytes: false };
        stat_path(vm, &name, libc::AT_FDCWD, true)
    })
    .with_keywords()
    .with_doc("fstat($module, /, fd)\n--\n\nPerform a stat system call on the given file descriptor.\n\nLike stat(), but for an open file descriptor.\nEquivalent to os.stat(fd)."),
    MethodDef::function("statvfs", 0, 1, |vm, args| {
        let [name] = args.bind(vm, "statvfs", &signature(["path"], 1))?;
        let name = path_or_fd(vm, "statvfs", name)?;
        statvfs(vm, &name)
    })
    .with_keywords()
    .with_doc("statvfs($module, /, path)\n--\n\nPerform a statvfs system call on the given path.\n\npath may always be specified as a string.\nOn some platforms, path may also be specified as an open file\ndescriptor.  If this functionality is unavailable, using it raises\nan exception."),
    MethodDef::function("fstatvfs", 1, 1, |vm, args| {
        let fd = c_int(vm, args.values[0])?;
        let name = Path { value: Value::NULL, fd: Some(fd), text: Default::default(), is_bytes: false };
        statvfs(vm, &name)
    })
    .with_doc("fstatvfs($module, fd, /)\n--\n\nPerform an fstatvfs system call on the given fd.\n\nEquivalent to statvfs(fd)."),
];

const FIELDS: &[&str] =
    &["st_mode", "st_ino", "st_dev", "st_nlink", "st_uid", "st_gid", "st_size", "_st_atime", "_st_mtime", "_st_ctime"];
const HIDDEN: &[&str] = &[
    "st_atime",
    "st_mtime",
    "st_ctime",
    "st_atime_ns",
    "st_mtime_ns",
    "st_ctime_ns",
    "st_blksize",
    "st_blocks",
    "st_rdev",
];

pub(super) fn make_type(vm: &mut Vm) -> PyResult<TypeRef> {
    let doc = "stat_result: Result from stat, fstat, or lstat.\n\nThis object may be accessed either as a tuple of\n  (mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime)\nor via the attributes st_mode, st_ino, st_dev, st_nlink, st_uid, and so on.\n\nPosix/windows: If your platform supports st_blksize, st_blocks, st_rdev,\nor st_flags, they are available as attributes only.\n\nSee os.stat for more information.";
    struct_sequence::new_class_with_hidden(vm, "os", "stat_result", FIELDS, HIDDEN, doc)
}

pub(super) fn make_vfs_type(vm: &mut Vm) -> PyResult<TypeRef> {
    let fields = [
        "f_bsize",
        "f_frsize",
        "f_blocks",
        "f_bfree",
        "f_bavail",
        "f_files",
        "f_ffree",
        "f_favail",
        "f_flag",
        "f_namemax",
    ];
    struct_sequence::new_class_with_hidden(vm, "os", "statvfs_result", &fields, &["f_fsid"], "")
}

fn stat(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature = Signature { max_positional: 1, ..signature(["path", "dir_fd", "follow_symlinks"], 1) };
    let [name, fd, follow] = args.bind(vm, "stat", &signature)?;
    let name = path_or_fd(vm, "stat", name)?;
    let fd = dir_fd(vm, fd)?;
    let follow = follow.is_null() || vm.truth(follow)?;
    if name.fd.is_some() && fd != libc::AT_FDCWD {
        return Err(vm.value_error("stat: can't specify dir_fd without matching path"));
    }
    if name.fd.is_some() && !follow {
        return Err(vm.value_error("stat: cannot use fd and follow_symlinks together"));
    }
    stat_path(vm, &name, fd, follow)
}

/// What the system knows of a file; `None` with `errno` set.
pub(super) fn read(name: &Path, dir: i32, follow: bool) -> Option<libc::stat> {
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: all-zero is a valid `stat`; the path is NUL-terminated and the result writable.
    unsafe {
        let mut result: libc::stat = std::mem::zeroed();
        let status = match name.fd {
            Some(fd) => libc::fstat(fd, &mut result),
            None => libc::fstatat(dir, name.ptr(), &mut result, flags),
        };
        (status == 0).then_some(result)
    }
}

pub(super) fn stat_path(vm: &mut Vm, name: &Path, dir: i32, follow: bool) -> PyResult {
    crate::io::write_out_all(vm);
    match read(name, dir, follow) {
        Some(result) => to_struct(vm, &result),
        None => {
            let filename = if name.fd.is_some() { Value::NULL } else { name.value };
            Err(last_error(vm, filename))
        }
    }
}

fn to_struct(vm: &mut Vm, stat: &libc::stat) -> PyResult {
    let times =
        [(stat.st_atime, stat.st_atime_nsec), (stat.st_mtime, stat.st_mtime_nsec), (stat.st_ctime, stat.st_ctime_nsec)];
    let mut values = [Value::NULL; 19];
    values[0] = Value::from_int(i64::from(stat.st_mode));
    values[1] = vm.int_from_u64(stat.st_ino);
    values[2] = vm.int_from_u64(stat.st_dev);
    values[3] = vm.int_from_u64(stat.st_nlink);
    values[4] = Value::from_int(i64::from(stat.st_uid));
    values[5] = Value::from_int(i64::from(stat.st_gid));
    values[6] = vm.int(stat.st_size);
    for (i, (seconds, nanoseconds)) in times.into_iter().enumerate() {
        values[7 + i] = vm.int(seconds);
        values[10 + i] = vm.float(seconds as f64 + 1e-9 * nanoseconds as f64);
        let whole = BigInt::from(seconds) * 1_000_000_000 + nanoseconds;
        values[13 + i] = vm.int_from_big(&whole);
    }
    values[16] = vm.int(stat.st_blksize);
    values[17] = vm.int(stat.st_blocks);
    values[18] = vm.int_from_u64(stat.st_rdev);
    let class = types(vm).stat;
    struct_sequence::new(vm, class, &values)
}

fn statvfs(vm: &mut Vm, name: &Path) -> PyResult {
    // SAFETY: all-zero is a valid `statvfs`; the path is NUL-terminated and the result writable.
    let (status, result) = unsafe {
        let mut result: libc::statvfs = std::mem::zeroed();
        let status = match name.fd {
            Some(fd) => libc::fstatvfs(fd, &mut result),
            None => libc::statvfs(name.ptr(), &mut result),
        };
        (status, result)
    };
    if status != 0 {
        return Err(last_error(vm, name.value));
    }
    let numbers = [
        result.f_bsize,
        result.f_frsize,
        result.f_blocks,
        result.f_bfree,
        result.f_bavail,
        result.f_files,
        result.f_ffree,
        result.f_favail,
        result.f_flag,
        result.f_namemax,
        result.f_fsid,
    ];
    let mut values = [Value::NULL; 11];
    for (value, number) in values.iter_mut().zip(numbers) {
        *value = vm.int_from_u64(number);
    }
    let class = types(vm).statvfs;
    struct_sequence::new(vm, class, &values)
}
