//! Paths: what functions take for one, and the functions that only look at them.

use super::c_int;
use crate::support::signature;
use crate::vm_ext::VmExt;
use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::codecs::Codec;
use objects::error::PyResult;
use objects::vm::Vm;
use std::ffi::{CStr, CString};

pub(super) static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("fspath", 1, 1, |vm, args| {
        let [path] = args.bind(vm, "fspath", &signature(["path"], 1))?;
        vm.path_value(path)
    })
    .with_keywords()
    .with_doc("fspath($module, /, path)\n--\n\nReturn the file system path representation of the object.\n\nIf the object is str or bytes, then allow it to pass through as-is.  If\nthe object defines __fspath__(), then return the result of that method.\nAll other types raise a TypeError."),
    MethodDef::function("_path_normpath", 1, 1, |vm, args| map_path(vm, args, normalized)).with_keywords()
    .with_doc("_path_normpath($module, /, path)\n--\n\nNormalize path, eliminating double slashes, etc."),
    MethodDef::function("_path_splitroot_ex", 1, 1, split_root).with_keywords()
    .with_doc("_path_splitroot_ex($module, /, p)\n--\n\nSplit a pathname into drive, root and tail.\n\nThe tail contains anything after the root."),
];

/// A path argument.
pub(super) struct Path {
    /// As given; for errors. NULL for the current directory.
    pub value: Value,
    /// An open descriptor was given in place of a path.
    pub fd: Option<i32>,
    pub text: CString,
    /// Results are bytes.
    pub is_bytes: bool,
}

impl Path {
    pub fn ptr(&self) -> *const libc::c_char {
        self.text.as_ptr()
    }
}

/// A path that may not be a descriptor.
pub(super) fn path(vm: &mut Vm, function: &str, argument: &str, value: Value) -> PyResult<Path> {
    let is_path = vm.is_str(value) || vm.bytes_of(value).is_some();
    if !is_path && vm.is_int(value) {
        let given = vm.type_name(value);
        return Err(
            vm.type_error(format!("{function}: {argument} should be string, bytes or os.PathLike, not {given}"))
        );
    }
    convert(vm, function, argument, value, "string, bytes or os.PathLike")
}

/// A path or a descriptor.
pub(super) fn path_or_fd(vm: &mut Vm, function: &str, value: Value) -> PyResult<Path> {
    if vm.is_int(value) {
        let fd = c_int(vm, value)?;
        return Ok(Path { value, fd: Some(fd), text: CString::default(), is_bytes: false });
    }
    convert(vm, function, "path", value, "string, bytes, os.PathLike or integer")
}

fn convert(vm: &mut Vm, function: &str, argument: &str, value: Value, expected: &str) -> PyResult<Path> {
    let is_path = vm.is_str(value) || vm.bytes_of(value).is_some();
    let name = vm.intern("__fspath__");
    if !is_path && vm.special_method(value, name)?.is_none() {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("{function}: {argument} should be {expected}, not {given}")));
    }
    let plain = vm.path_value(value)?;
    let is_bytes = !vm.is_str(plain);
    let text = vm.fs_path(plain)?;
    match CString::new(text) {
        Ok(text) => Ok(Path { value, fd: None, text, is_bytes }),
        Err(_) => {
            let what = if is_bytes { "byte" } else { "character" };
            Err(vm.value_error(format!("{function}: embedded null {what} in {argument}")))
        }
    }
}

/// `dir_fd`: None is the current directory.
pub(super) fn dir_fd(vm: &mut Vm, value: Value) -> PyResult<i32> {
    if crate::support::is_absent(vm, value) {
        return Ok(libc::AT_FDCWD);
    }
    if !vm.is_int(value) && vm.type_of(value).slots().index.is_none() {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("argument should be integer or None, not {given}")));
    }
    c_int(vm, value)
}

/// A file name as str: bytes that are no UTF-8 become lone surrogates.
pub(super) fn decoded(vm: &mut Vm, name: &[u8]) -> PyResult {
    Ok(Codec::Utf8.decode(vm, name, "surrogateescape", true)?.0)
}

/// A file name as what it was asked by.
pub(super) fn name_value(vm: &mut Vm, name: &[u8], is_bytes: bool) -> PyResult {
    if is_bytes { Ok(vm.new_bytes(name)) } else { decoded(vm, name) }
}

/// The text at a pointer from the C library.
pub(super) fn c_text(text: *const libc::c_char) -> String {
    // SAFETY: the caller's pointer is not null and NUL-terminated.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// The bytes of a str or bytes argument, and which of the two it is.
fn text_of(vm: &mut Vm, function: &str, args: &CallArgs) -> PyResult<(&'static [u8], bool)> {
    let [path] = args.bind(vm, function, &signature(["path"], 1))?;
    let path = vm.path_value(path)?;
    match vm.bytes_of(path) {
        Some(bytes) => Ok((bytes, true)),
        None => Ok((vm.str_bytes(path), false)),
    }
}

fn make(vm: &mut Vm, text: &[u8], is_bytes: bool) -> Value {
    if is_bytes { vm.new_bytes(text) } else { vm.new_str_bytes(text) }
}

fn map_path(vm: &mut Vm, args: &CallArgs, map: fn(&[u8]) -> Vec<u8>) -> PyResult {
    let (text, is_bytes) = text_of(vm, "_path_normpath", args)?;
    let mapped = map(text);
    Ok(make(vm, &mapped, is_bytes))
}

/// Without empty and `.` parts, and `..` applied where that needs no look at the file system.
fn normalized(path: &[u8]) -> Vec<u8> {
    let (root, rest) = path_split_root(path);
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in rest.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if !root.is_empty() => {}
            part => parts.push(part),
        }
    }
    let mut text = root.to_vec();
    text.extend_from_slice(&parts.join(&b'/'));
    if text.is_empty() { b".".to_vec() } else { text }
}

/// The leading slashes (exactly two have a meaning of their own) and the rest.
pub fn path_split_root(path: &[u8]) -> (&[u8], &[u8]) {
    let slashes = path.iter().take_while(|&&byte| byte == b'/').count();
    match slashes {
        0 => (&[], path),
        2 => path.split_at(2),
        _ => path.split_at(1),
    }
}

fn split_root(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (text, is_bytes) = text_of(vm, "_path_splitroot_ex", args)?;
    let (root, rest) = path_split_root(text);
    let (drive, root, rest) = (make(vm, b"", is_bytes), make(vm, root, is_bytes), make(vm, rest, is_bytes));
    Ok(vm.new_tuple(&[drive, root, rest]))
}
