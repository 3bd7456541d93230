//! Functions that change what is in the file system.

use super::paths::{dir_fd, name_value, path, path_or_fd};
use super::{c_int, last_error, none_if_ok};
use crate::support::{is_absent, signature};
use heap::Value;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::{PyResult, Raised};
use objects::vm::Vm;

pub(super) static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("unlink", 0, 2, |vm, args| unlink(vm, "unlink", args, 0)).with_keywords()
    .with_doc("unlink($module, /, path, *, dir_fd=None)\n--\n\nRemove a file (same as remove()).\n\nIf dir_fd is not None, it should be a file descriptor open to\na directory, and path should be relative; path will then be relative to\nthat directory.\ndir_fd may not be implemented on your platform.\nIf it is unavailable, using it will raise a NotImplementedError."),
    MethodDef::function("remove", 0, 2, |vm, args| unlink(vm, "remove", args, 0)).with_keywords()
    .with_doc("remove($module, /, path, *, dir_fd=None)\n--\n\nRemove a file (same as unlink()).\n\nIf dir_fd is not None, it should be a file descriptor open to\na directory, and path should be relative; path will then be relative\nto that directory.\ndir_fd may not be implemented on your platform.\nIf it is unavailable, using it will raise a NotImplementedError."),
    MethodDef::function("rmdir", 0, 2, |vm, args| unlink(vm, "rmdir", args, libc::AT_REMOVEDIR)).with_keywords()
    .with_doc("rmdir($module, /, path, *, dir_fd=None)\n--\n\nRemove a directory.\n\nIf dir_fd is not None, it should be a file descriptor open to\na directory, and path should be relative; path will then be relative\nto that directory.\ndir_fd may not be implemented on your platform.\nIf it is unavailable, using it will raise a NotImplementedError."),
    MethodDef::function("rename", 0, 4, |vm, args| rename(vm, "rename", args)).with_keywords()
    .with_doc("rename($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)\n--\n\nRename a file or directory.\n\nIf either src_dir_fd or dst_dir_fd is not None, it should be a file\ndescriptor open to a directory, and the respective path string (src or\ndst) should be relative; the path will then be relative to that\ndirectory.\nsrc_dir_fd and dst_dir_fd, may not be implemented on your platform.\nIf they are unavailable, using them will raise a NotImplementedError."),
    MethodDef::function("replace", 0, 4, |vm, args| rename(vm, "replace", args)).with_keywords()
    .with_doc("replace($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)\n--\n\nRename a file or directory, overwriting the destination.\n\nIf either src_dir_fd or dst_dir_fd is not None, it should be a file\ndescriptor open to a directory, and the respective path string (src or\ndst) should be relative; the path will then be relative to that\ndirectory.\nsrc_dir_fd and dst_dir_fd, may not be implemented on your platform.\nIf they are unavailable, using them will raise a NotImplementedError."),
    MethodDef::function("link", 0, 5, link).with_keywords()
    .with_doc("link($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None,\n     follow_symlinks=(os.name != 'nt'))\n--\n\nCreate a hard link to a file.\n\nIf either src_dir_fd or dst_dir_fd is not None, it should be a file\ndescriptor open to a directory, and the respective path string (src or\ndst) should be relative; the path will then be relative to that\ndirectory.\nIf follow_symlinks is False, and the last element of src is a symbolic\nlink, link will create a link to the symbolic link itself instead of the\nfile the link points to.\nsrc_dir_fd, dst_dir_fd, and follow_symlinks may not be implemented on\nyour platform.  If they are unavailable, using them will raise\na NotImplementedError."),
    MethodDef::function("symlink", 0, 4, symlink).with_keywords()
    .with_doc("symlink($module, /, src, dst, target_is_directory=False, *, dir_fd=None)\n--\n\nCreate a symbolic link pointing to src named dst.\n\ntarget_is_directory is required on Windows if the target is to be\ninterpreted as a directory.  (On Windows, symlink requires Windows 6.0\nor greater, and raises a NotImplementedError otherwise.)\ntarget_is_directory is ignored on non-Windows platforms.\n\nIf dir_fd is not None, it should be a file descriptor open to\na directory, and path should be relative; path will then be relative\nto that directory.\ndir_fd may not be implemented on your platform.  If it is unavailable,\nusing it will raise a NotImplementedError."),
    MethodDef::function("readlink", 0, 2, readlink).with_keywords()
    .with_doc("readlink($module, /, path, *, dir_fd=None)\n--\n\nReturn a string representing the path to which the symbolic link points.\n\nIf dir_fd is not None, it should be a file descriptor open to\na directory, and path should be relative; path will then be relative to\nthat directory.\n\ndir_fd may not be implemented on your platform.  If it is unavailable,\nusing it will raise a NotImplementedError."),
    MethodDef::function("mkdir", 0, 3, mkdir).with_keywords()
    .with_doc("mkdir($module, /, path, mode=511, *, dir_fd=None)\n--\n\nCreate a directory.\n\nIf dir_fd is not None, it should be a file descriptor open to\na directory, and path should be relative; path will then be relative to\nthat directory.\ndir_fd may not be implemented on your platform.  If it is unavailable,\nusing it will raise a NotImplementedError.\n\nThe mode argument is ignored on Windows.  Where it is used, the current\numask value is first masked out."),
    MethodDef::function("mkfifo", 0, 3, mkfifo).with_keywords()
    .with_doc("mkfifo($module, /, path, mode=438, *, dir_fd=None)\n--\n\nCreate a \"fifo\" (a POSIX named pipe).\n\nIf dir_fd is not None, it should be a file descriptor open to\na directory, and path should be relative; path will then be relative to\nthat directory.\ndir_fd may not be implemented on your platform.  If it is unavailable,\nusing it will raise a NotImplementedError."),
    MethodDef::function("chmod", 0, 4, chmod).with_keywords()
    .with_doc("chmod($module, /, path, mode, *, dir_fd=None,\n      follow_symlinks=(os.name != 'nt'))\n--\n\nChange the access permissions of a file.\n\n  path\n    Path to be modified.  May always be specified as a str, bytes, or\n    a path-like object.  On some platforms, path may also be specified\n    as an open file descriptor.  If this functionality is unavailable,\n    using it raises an exception.\n  mode\n    Operating-system mode bitfield.\n    Be careful when using number literals for *mode*. The conventional\n    UNIX notation for numeric modes uses an octal base, which needs to\n    be indicated with a ``0o`` prefix in Python.\n  dir_fd\n    If not None, it should be a file descriptor open to a directory,\n    and path should be relative; path will then be relative to that\n    directory.\n  follow_symlinks\n    If False, and the last element of the path is a symbolic link,\n    chmod will modify the symbolic link itself instead of the file\n    the link points to.\n\nIt is an error to use dir_fd or follow_symlinks when specifying path as\n  an open file descriptor.\ndir_fd and follow_symlinks may not be implemented on your platform.\n  If they are unavailable, using them will raise a NotImplementedError."),
    MethodDef::function("fchmod", 0, 2, |vm, args| {
        let [fd, mode] = args.bind(vm, "fchmod", &signature(["fd", "mode"], 2))?;
        let (fd, mode) = (c_int(vm, fd)?, c_int(vm, mode)?);
        // SAFETY: plain system call.
        let result = unsafe { libc::fchmod(fd, mode as libc::mode_t) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_keywords()
    .with_doc("fchmod($module, /, fd, mode)\n--\n\nChange the access permissions of the file given by file descriptor fd.\n\n  fd\n    The file descriptor of the file to be modified.\n  mode\n    Operating-system mode bitfield.\n    Be careful when using number literals for *mode*.  The conventional\n    UNIX notation for numeric modes uses an octal base, which needs to\n    be indicated with a ``0o`` prefix in Python.\n\nEquivalent to os.chmod(fd, mode)."),
    MethodDef::function("chown", 0, 5, chown).with_keywords()
    .with_doc("chown($module, /, path, uid, gid, *, dir_fd=None, follow_symlinks=True)\n--\n\nChange the owner and group id of path to the numeric uid and gid.\n\n  path\n    Path to be examined; can be string, bytes, a path-like object, or\n    open-file-descriptor int.\n  dir_fd\n    If not None, it should be a file descriptor open to a directory,\n    and path should be relative; path will then be relative to that\n    directory.\n  follow_symlinks\n    If False, and the last element of the path is a symbolic link,\n    stat will examine the symbolic link itself instead of the file\n    the link points to.\n\npath may always be specified as a string.  On some platforms, path may\nalso be specified as an open file descriptor.  If this functionality is\nunavailable, using it raises an exception.\nIf dir_fd is not None, it should be a file descriptor open to\na directory, and path should be relative; path will then be relative to\nthat directory.\nIf follow_symlinks is False, and the last element of the path is\na symbolic link, chown will modify the symbolic link itself instead of\nthe file the link points to.\nIt is an error to use dir_fd or follow_symlinks when specifying path as\nan open file descriptor.\ndir_fd and follow_symlinks may not be implemented on your platform.  If\nthey are unavailable, using them will raise a NotImplementedError."),
    MethodDef::function("lchown", 0, 3, |vm, args| {
        let [name, user, group] = args.bind(vm, "lchown", &signature(["path", "uid", "gid"], 3))?;
        let name = path(vm, "lchown", "path", name)?;
        let (user, group) = (owner(vm, user)?, owner(vm, group)?);
        // SAFETY: the path is NUL-terminated.
        let result = unsafe { libc::lchown(name.ptr(), user, group) };
        none_if_ok(vm, result, name.value)
    })
    .with_keywords()
    .with_doc("lchown($module, /, path, uid, gid)\n--\n\nChange the owner and group id of path to the numeric uid and gid.\n\nThis function will not follow symbolic links.\nEquivalent to os.chown(path, uid, gid, follow_symlinks=False)."),
    MethodDef::function("fchown", 0, 3, |vm, args| {
        let [fd, user, group] = args.bind(vm, "fchown", &signature(["fd", "uid", "gid"], 3))?;
        let (fd, user, group) = (c_int(vm, fd)?, owner(vm, user)?, owner(vm, group)?);
        // SAFETY: plain system call.
        let result = unsafe { libc::fchown(fd, user, group) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_keywords()
    .with_doc("fchown($module, /, fd, uid, gid)\n--\n\nChange the owner and group id of the file specified by file descriptor.\n\nEquivalent to os.chown(fd, uid, gid)."),
    MethodDef::function("truncate", 0, 2, |vm, args| {
        let [name, length] = args.bind(vm, "truncate", &signature(["path", "length"], 2))?;
        let name = path_or_fd(vm, "truncate", name)?;
        let length = vm.index(length)?;
        crate::io::write_out_all(vm);
        // SAFETY: the path is NUL-terminated.
        let result = unsafe {
            match name.fd {
                Some(fd) => libc::ftruncate(fd, length),
                None => libc::truncate(name.ptr(), length),
            }
        };
        none_if_ok(vm, result, name.value)
    })
    .with_keywords()
    .with_doc("truncate($module, /, path, length)\n--\n\nTruncate a file, specified by path, to a specific length.\n\nOn some platforms, path may also be specified as an open file\ndescriptor.  If this functionality is unavailable, using it raises\nan exception."),
    MethodDef::function("utime", 0, 5, utime).with_keywords()
    .with_doc("utime($module, /, path, times=None, *, ns=<unrepresentable>,\n      dir_fd=None, follow_symlinks=True)\n--\n\nSet the access and modified time of path.\n\npath may always be specified as a string.  On some platforms, path may\nalso be specified as an open file descriptor.  If this functionality is\nunavailable, using it raises an exception.\n\nIf times is not None, it must be a tuple (atime, mtime);\natime and mtime should be expressed as float seconds since the epoch.\nIf ns is specified, it must be a tuple (atime_ns, mtime_ns);\natime_ns and mtime_ns should be expressed as integer nanoseconds\nsince the epoch.\nIf times is None and ns is unspecified, utime uses the current time.\nSpecifying tuples for both times and ns is an error.\n\nIf dir_fd is not None, it should be a file descriptor open to\na directory, and path should be relative; path will then be relative to\nthat directory.\nIf follow_symlinks is False, and the last element of the path is\na symbolic link, utime will modify the symbolic link itself instead of\nthe file the link points to.\nIt is an error to use dir_fd or follow_symlinks when specifying path as\nan open file descriptor.\ndir_fd and follow_symlinks may not be available on your platform.\nIf they are unavailable, using them will raise a NotImplementedError."),
    MethodDef::function("access", 0, 5, access).with_keywords()
    .with_doc("access($module, /, path, mode, *, dir_fd=None, effective_ids=False,\n       follow_symlinks=True)\n--\n\nUse the real uid/gid to test for access to a path.\n\n  path\n    Path to be tested; can be string, bytes, or a path-like object.\n  mode\n    Operating-system mode bitfield.  Can be F_OK to test existence,\n    or the inclusive-OR of R_OK, W_OK, and X_OK.\n  dir_fd\n    If not None, it should be a file descriptor open to a directory,\n    and path should be relative; path will then be relative to that\n    directory.\n  effective_ids\n    If True, access will use the effective uid/gid instead of\n    the real uid/gid.\n  follow_symlinks\n    If False, and the last element of the path is a symbolic link,\n    access will examine the symbolic link itself instead of the file\n    the link points to.\n\ndir_fd, effective_ids, and follow_symlinks may not be implemented\n  on your platform.  If they are unavailable, using them will raise a\n  NotImplementedError.\n\nNote that most operations will use the effective uid/gid, therefore this\n  routine can be used in a suid/sgid environment to test if the invoking user\n  has the specified access to the path."),
];

/// The error of a call on two paths.
fn error_of_two(vm: &mut Vm, from: Value, to: Value) -> Raised {
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    let text = vm.new_str(&objects::exceptions::os_error::text_of(errno));
    let (class, none) = (vm.exc.os_error, vm.none);
    vm.raise_args(class, &[Value::from_int(i64::from(errno)), text, from, none, to])
}

fn unlink(vm: &mut Vm, function: &str, args: &CallArgs, flags: i32) -> PyResult {
    let [name, fd] = args.bind(vm, function, &Signature { max_positional: 1, ..signature(["path", "dir_fd"], 1) })?;
    let name = path(vm, function, "path", name)?;
    let fd = dir_fd(vm, fd)?;
    // SAFETY: the path is NUL-terminated.
    let result = unsafe { libc::unlinkat(fd, name.ptr(), flags) };
    none_if_ok(vm, result, name.value)
}

fn rename(vm: &mut Vm, function: &str, args: &CallArgs) -> PyResult {
    let signature = Signature { max_positional: 2, ..signature(["src", "dst", "src_dir_fd", "dst_dir_fd"], 2) };
    let [from, to, from_dir, to_dir] = args.bind(vm, function, &signature)?;
    let from = path(vm, function, "src", from)?;
    let to = path(vm, function, "dst", to)?;
    crate::io::write_out_all(vm);
    let (from_dir, to_dir) = (dir_fd(vm, from_dir)?, dir_fd(vm, to_dir)?);
    // SAFETY: both paths are NUL-terminated.
    let result = unsafe { libc::renameat(from_dir, from.ptr(), to_dir, to.ptr()) };
    if result < 0 { Err(error_of_two(vm, from.value, to.value)) } else { Ok(vm.none) }
}

fn link(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature =
        Signature { max_positional: 2, ..signature(["src", "dst", "src_dir_fd", "dst_dir_fd", "follow_symlinks"], 2) };
    let [from, to, from_dir, to_dir, follow] = args.bind(vm, "link", &signature)?;
    let from = path(vm, "link", "src", from)?;
    let to = path(vm, "link", "dst", to)?;
    crate::io::write_out_all(vm);
    let (from_dir, to_dir) = (dir_fd(vm, from_dir)?, dir_fd(vm, to_dir)?);
    let follow = !follow.is_null() && vm.truth(follow)?;
    let flags = if follow { libc::AT_SYMLINK_FOLLOW } else { 0 };
    // SAFETY: both paths are NUL-terminated.
    let result = unsafe { libc::linkat(from_dir, from.ptr(), to_dir, to.ptr(), flags) };
    if result < 0 { Err(error_of_two(vm, from.value, to.value)) } else { Ok(vm.none) }
}

fn symlink(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature = Signature { max_positional: 3, ..signature(["src", "dst", "target_is_directory", "dir_fd"], 2) };
    let [target, name, _, fd] = args.bind(vm, "symlink", &signature)?;
    let target = path(vm, "symlink", "src", target)?;
    let name = path(vm, "symlink", "dst", name)?;
    let fd = dir_fd(vm, fd)?;
    // SAFETY: both paths are NUL-terminated.
    let result = unsafe { libc::symlinkat(target.ptr(), fd, name.ptr()) };
    if result < 0 { Err(error_of_two(vm, target.value, name.value)) } else { Ok(vm.none) }
}

fn readlink(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [name, fd] = args.bind(vm, "readlink", &Signature { max_positional: 1, ..signature(["path", "dir_fd"], 1) })?;
    let name = path(vm, "readlink", "path", name)?;
    let fd = dir_fd(vm, fd)?;
    let mut buffer = vec![0u8; libc::PATH_MAX as usize + 1];
    // SAFETY: the path is NUL-terminated; the buffer is as long as said.
    let length = unsafe { libc::readlinkat(fd, name.ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    if length < 0 {
        return Err(last_error(vm, name.value));
    }
    name_value(vm, &buffer[..length as usize], name.is_bytes)
}

fn mode_or(vm: &mut Vm, mode: Value, default: libc::mode_t) -> PyResult<libc::mode_t> {
    if mode.is_null() { Ok(default) } else { Ok(c_int(vm, mode)? as libc::mode_t) }
}

fn mkdir(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature = Signature { max_positional: 2, ..signature(["path", "mode", "dir_fd"], 1) };
    let [name, mode, fd] = args.bind(vm, "mkdir", &signature)?;
    let name = path(vm, "mkdir", "path", name)?;
    let (mode, fd) = (mode_or(vm, mode, 0o777)?, dir_fd(vm, fd)?);
    // SAFETY: the path is NUL-terminated.
    let result = unsafe { libc::mkdirat(fd, name.ptr(), mode) };
    none_if_ok(vm, result, name.value)
}

fn mkfifo(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature = Signature { max_positional: 2, ..signature(["path", "mode", "dir_fd"], 1) };
    let [name, mode, fd] = args.bind(vm, "mkfifo", &signature)?;
    let name = path(vm, "mkfifo", "path", name)?;
    let (mode, fd) = (mode_or(vm, mode, 0o666)?, dir_fd(vm, fd)?);
    // SAFETY: the path is NUL-terminated.
    let result = unsafe { libc::mkfifoat(fd, name.ptr(), mode) };
    none_if_ok(vm, result, name.value)
}

fn chmod(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature = Signature { max_positional: 2, ..signature(["path", "mode", "dir_fd", "follow_symlinks"], 2) };
    let [name, mode, fd, follow] = args.bind(vm, "chmod", &signature)?;
    let name = path_or_fd(vm, "chmod", name)?;
    let (mode, fd) = (c_int(vm, mode)? as libc::mode_t, dir_fd(vm, fd)?);
    let follow = follow.is_null() || vm.truth(follow)?;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: the path is NUL-terminated.
    let result = unsafe {
        match name.fd {
            Some(file) => libc::fchmod(file, mode),
            None => libc::fchmodat(fd, name.ptr(), mode, flags),
        }
    };
    none_if_ok(vm, result, name.value)
}

/// A user or group number; -1 leaves it as it is.
fn owner(vm: &mut Vm, value: Value) -> PyResult<u32> {
    Ok(vm.index(value)? as u32)
}

fn chown(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature =
        Signature { max_positional: 3, ..signature(["path", "uid", "gid", "dir_fd", "follow_symlinks"], 3) };
    let [name, user, group, fd, follow] = args.bind(vm, "chown", &signature)?;
    let name = path_or_fd(vm, "chown", name)?;
    let (user, group, fd) = (owner(vm, user)?, owner(vm, group)?, dir_fd(vm, fd)?);
    let follow = follow.is_null() || vm.truth(follow)?;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: the path is NUL-terminated.
    let result = unsafe {
        match name.fd {
            Some(file) => libc::fchown(file, user, group),
            None => libc::fchownat(fd, name.ptr(), user, group, flags),
        }
    };
    none_if_ok(vm, result, name.value)
}

fn utime(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature =
        Signature { max_positional: 2, ..signature(["path", "times", "ns", "dir_fd", "follow_symlinks"], 1) };
    let [name, times, ns, fd, follow] = args.bind(vm, "utime", &signature)?;
    let name = path_or_fd(vm, "utime", name)?;
    let fd = dir_fd(vm, fd)?;
    let follow = follow.is_null() || vm.truth(follow)?;
    if !is_absent(vm, times) && !ns.is_null() {
        return Err(vm.value_error("utime: you may specify either 'times' or 'ns' but not both"));
    }
    let pair = |vm: &mut Vm, value: Value, what: &str| match objects::tuple::is_tuple(vm, value) {
        true if objects::tuple::items(value).len() == 2 => {
            Ok([objects::tuple::items(value)[0], objects::tuple::items(value)[1]])
        }
        _ => Err(vm.type_error(format!("utime: '{what}' must be either a tuple of two ints or None"))),
    };
    let mut spec = [libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_NOW }; 2];
    if !is_absent(vm, times) {
        for (slot, value) in spec.iter_mut().zip(pair(vm, times, "times")?) {
            let (seconds, nanoseconds) = match vm.as_f64(value) {
                Some(time) => {
                    let seconds = time.floor();
                    (seconds as i64, ((time - seconds) * 1e9) as i64)
                }
                None => (vm.index(value)?, 0),
            };
            *slot = libc::timespec { tv_sec: seconds, tv_nsec: nanoseconds };
        }
    } else if !ns.is_null() {
        for (slot, value) in spec.iter_mut().zip(pair(vm, ns, "ns")?) {
            let time = vm.index(value)?;
            *slot = libc::timespec { tv_sec: time.div_euclid(1_000_000_000), tv_nsec: time.rem_euclid(1_000_000_000) };
        }
    }
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: the path is NUL-terminated; two times are readable.
    let result = unsafe {
        match name.fd {
            Some(file) => libc::futimens(file, spec.as_ptr()),
            None => libc::utimensat(fd, name.ptr(), spec.as_ptr(), flags),
        }
    };
    none_if_ok(vm, result, name.value)
}

fn access(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature =
        Signature { max_positional: 2, ..signature(["path", "mode", "dir_fd", "effective_ids", "follow_symlinks"], 2) };
    let [name, mode, fd, effective, follow] = args.bind(vm, "access", &signature)?;
    let name = path(vm, "access", "path", name)?;
    let (mode, fd) = (c_int(vm, mode)?, dir_fd(vm, fd)?);
    let mut flags = 0;
    if !effective.is_null() && vm.truth(effective)? {
        flags |= libc::AT_EACCESS;
    }
    if !follow.is_null() && !vm.truth(follow)? {
        flags |= libc::AT_SYMLINK_NOFOLLOW;
    }
    // SAFETY: the path is NUL-terminated.
    let result = unsafe { libc::faccessat(fd, name.ptr(), mode, flags) };
    Ok(vm.bool(result == 0))
}
