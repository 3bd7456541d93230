//! Listing directories, and the current one.

use super::paths::{Path, name_value, path, path_or_fd};
use super::{c_int, last_error, none_if_ok};
use crate::support::{is_absent, signature};
use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::vm::Vm;

pub(super) static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("listdir", 0, 1, listdir).with_keywords().with_doc("listdir($module, /, path=None)\n--\n\nReturn a list containing the names of the files in the directory.\n\npath can be specified as either str, bytes, or a path-like object.  If\npath is bytes, the filenames returned will also be bytes; in all other\ncircumstances the filenames returned will be str.\nIf path is None, uses the path='.'.\nOn some platforms, path may also be specified as an open file\ndescriptor; the file descriptor must refer to a directory.  If this\nfunctionality is unavailable, using it raises NotImplementedError.\n\nThe list is in arbitrary order.  It does not include the special\nentries '.' and '..' even if they are present in the directory."),
    MethodDef::function("scandir", 0, 1, super::scandir::scandir).with_keywords()
    .with_doc("scandir($module, /, path=None)\n--\n\nReturn an iterator of DirEntry objects for given path.\n\npath can be specified as either str, bytes, or a path-like object.  If\npath is bytes, the names of yielded DirEntry objects will also be bytes;\nin all other circumstances they will be str.\n\nIf path is None, uses the path='.'."),
    MethodDef::function("getcwd", 0, 0, |vm, _| current(vm, false))
    .with_doc("getcwd($module, /)\n--\n\nReturn a unicode string representing the current working directory."),
    MethodDef::function("getcwdb", 0, 0, |vm, _| current(vm, true))
    .with_doc("getcwdb($module, /)\n--\n\nReturn a bytes string representing the current working directory."),
    MethodDef::function("chdir", 0, 1, |vm, args| {
        let [name] = args.bind(vm, "chdir", &signature(["path"], 1))?;
        let name = path_or_fd(vm, "chdir", name)?;
        // SAFETY: the path is NUL-terminated.
        let result = unsafe {
            match name.fd {
                Some(fd) => libc::fchdir(fd),
                None => libc::chdir(name.ptr()),
            }
        };
        none_if_ok(vm, result, name.value)
    })
    .with_keywords()
    .with_doc("chdir($module, /, path)\n--\n\nChange the current working directory to the specified path.\n\npath may always be specified as a string.  On some platforms, path may\nalso be specified as an open file descriptor.  If this functionality is\nunavailable, using it raises an exception."),
    MethodDef::function("fchdir", 0, 1, |vm, args| {
        let [fd] = args.bind(vm, "fchdir", &signature(["fd"], 1))?;
        let fd = c_int(vm, fd)?;
        // SAFETY: plain system call.
        let result = unsafe { libc::fchdir(fd) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_keywords()
    .with_doc("fchdir($module, /, fd)\n--\n\nChange to the directory of the given file descriptor.\n\nfd must be opened on a directory, not a file.\nEquivalent to os.chdir(fd)."),
    MethodDef::function("chroot", 0, 1, |vm, args| {
        let [name] = args.bind(vm, "chroot", &signature(["path"], 1))?;
        let name = path(vm, "chroot", "path", name)?;
        // SAFETY: the path is NUL-terminated.
        let result = unsafe { libc::chroot(name.ptr()) };
        none_if_ok(vm, result, name.value)
    })
    .with_keywords()
    .with_doc("chroot($module, /, path)\n--\n\nChange root directory to path."),
];

/// One entry of a directory.
pub(super) struct Entry {
    pub name: Vec<u8>,
    pub kind: u8,
    pub inode: u64,
}

/// A directory argument; None is the current one.
pub(super) fn directory(vm: &mut Vm, function: &str, args: &CallArgs) -> PyResult<Path> {
    let [name] = args.bind(vm, function, &signature(["path"], 0))?;
    if is_absent(vm, name) {
        let dot = vm.intern(".");
        return path_or_fd(vm, function, dot);
    }
    let is_known = vm.is_str(name) || vm.is_int(name) || vm.bytes_of(name).is_some();
    let fspath = vm.intern("__fspath__");
    if !is_known && vm.special_method(name, fspath)?.is_none() {
        let given = vm.type_name(name);
        return Err(vm.type_error(format!(
            "{function}: path should be string, bytes, os.PathLike, integer or None, not {given}"
        )));
    }
    path_or_fd(vm, function, name)
}

/// All entries but `.` and `..`.
pub(super) fn entries(vm: &mut Vm, name: &Path) -> PyResult<Vec<Entry>> {
    // SAFETY: the path is NUL-terminated; a descriptor is duplicated, since the stream closes its own.
    let stream = unsafe {
        match name.fd {
            Some(fd) => {
                let own = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0);
                if own < 0 { std::ptr::null_mut() } else { libc::fdopendir(own) }
            }
            None => libc::opendir(name.ptr()),
        }
    };
    if stream.is_null() {
        let filename = if name.fd.is_some() { Value::NULL } else { name.value };
        return Err(last_error(vm, filename));
    }
    let mut found = Vec::new();
    // SAFETY: the stream is open until it is closed here; an entry is valid until the next is read.
    unsafe {
        if name.fd.is_some() {
            libc::rewinddir(stream);
        }
        loop {
            let entry = libc::readdir(stream);
            if entry.is_null() {
                break;
            }
            let text = std::ffi::CStr::from_ptr((*entry).d_name.as_ptr()).to_bytes();
            if text != b"." && text != b".." {
                found.push(Entry { name: text.to_vec(), kind: (*entry).d_type, inode: (*entry).d_ino });
            }
        }
        libc::closedir(stream);
    }
    Ok(found)
}

fn listdir(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let name = directory(vm, "listdir", args)?;
    let list = vm.new_list(&[]);
    for entry in entries(vm, &name)? {
        let name = name_value(vm, &entry.name, name.is_bytes)?;
        vm.list_append(list, name);
    }
    Ok(list)
}

fn current(vm: &mut Vm, as_bytes: bool) -> PyResult {
    use std::os::unix::ffi::OsStrExt;
    match std::env::current_dir() {
        Ok(path) => name_value(vm, path.as_os_str().as_bytes(), as_bytes),
        Err(error) => Err(vm.io_error(&error, Value::NULL)),
    }
}
