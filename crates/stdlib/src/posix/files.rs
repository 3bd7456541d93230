//! Functions that change what is in the file system.

use super::paths::{dir_fd, name_value, path, path_or_fd};
use super::{c_int, last_error, none_if_ok};
use crate::support::{is_absent, signature};
use heap::Value;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::{PyResult, Raised};
use objects::vm::Vm;

pub(super) static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("unlink", 0, 2, |vm, args| unlink(vm, "unlink", args, 0)).with_keywords(),
    MethodDef::function("remove", 0, 2, |vm, args| unlink(vm, "remove", args, 0)).with_keywords(),
    MethodDef::function("rmdir", 0, 2, |vm, args| unlink(vm, "rmdir", args, libc::AT_REMOVEDIR)).with_keywords(),
    MethodDef::function("rename", 0, 4, |vm, args| rename(vm, "rename", args)).with_keywords(),
    MethodDef::function("replace", 0, 4, |vm, args| rename(vm, "replace", args)).with_keywords(),
    MethodDef::function("link", 0, 5, link).with_keywords(),
    MethodDef::function("symlink", 0, 4, symlink).with_keywords(),
    MethodDef::function("readlink", 0, 2, readlink).with_keywords(),
    MethodDef::function("mkdir", 0, 3, mkdir).with_keywords(),
    MethodDef::function("mkfifo", 0, 3, mkfifo).with_keywords(),
    MethodDef::function("chmod", 0, 4, chmod).with_keywords(),
    MethodDef::function("fchmod", 0, 2, |vm, args| {
        let [fd, mode] = args.bind(vm, "fchmod", &signature(["fd", "mode"], 2))?;
        let (fd, mode) = (c_int(vm, fd)?, c_int(vm, mode)?);
        // SAFETY: plain system call.
        let result = unsafe { libc::fchmod(fd, mode as libc::mode_t) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_keywords(),
    MethodDef::function("chown", 0, 5, chown).with_keywords(),
    MethodDef::function("lchown", 0, 3, |vm, args| {
        let [name, user, group] = args.bind(vm, "lchown", &signature(["path", "uid", "gid"], 3))?;
        let name = path(vm, "lchown", "path", name)?;
        let (user, group) = (owner(vm, user)?, owner(vm, group)?);
        // SAFETY: the path is NUL-terminated.
        let result = unsafe { libc::lchown(name.ptr(), user, group) };
        none_if_ok(vm, result, name.value)
    })
    .with_keywords(),
    MethodDef::function("fchown", 0, 3, |vm, args| {
        let [fd, user, group] = args.bind(vm, "fchown", &signature(["fd", "uid", "gid"], 3))?;
        let (fd, user, group) = (c_int(vm, fd)?, owner(vm, user)?, owner(vm, group)?);
        // SAFETY: plain system call.
        let result = unsafe { libc::fchown(fd, user, group) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_keywords(),
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
    .with_keywords(),
    MethodDef::function("utime", 0, 5, utime).with_keywords(),
    MethodDef::function("access", 0, 5, access).with_keywords(),
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
