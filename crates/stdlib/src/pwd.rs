//! Modules `pwd` and `grp`: users and groups of the system.

use crate::struct_sequence;
use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::{PyResult, Raised};
use objects::module::ModuleDef;
use objects::ty::TypeRef;
use objects::vm::Vm;
use std::ffi::{CStr, CString};

pub static MODULE: ModuleDef = ModuleDef {
    name: "pwd",
    doc: "This module provides access to the Unix password database.\nIt is available on all Unix versions.",
    functions: &[
        MethodDef::function("getpwnam", 1, 1, user_by_name)
        .with_doc("getpwnam($module, name, /)\n--\n\nReturn the password database entry for the given user name.\n\nSee `help(pwd)` for more on password database entries."),
        MethodDef::function("getpwuid", 1, 1, user_by_number)
        .with_doc("getpwuid($module, uidobj, /)\n--\n\nReturn the password database entry for the given numeric user ID.\n\nSee `help(pwd)` for more on password database entries."),
        MethodDef::function("getpwall", 0, 0, all_users)
        .with_doc("getpwall($module, /)\n--\n\nReturn a list of all available password database entries, in arbitrary order.\n\nSee help(pwd) for more on password database entries."),
    ],
    init: |vm, module| {
        let fields = ["pw_name", "pw_passwd", "pw_uid", "pw_gid", "pw_gecos", "pw_dir", "pw_shell"];
        let class = struct_sequence::new_class(vm, "pwd", "struct_passwd", &fields)?;
        vm.module_set(module, "struct_passwd", class.value());
        vm.extension::<State>().user = Some(class);
        Ok(())
    },
};

/// Module `grp`.
pub static GROUPS: ModuleDef = ModuleDef {
    name: "grp",
    doc: "Access to the Unix group database.",
    functions: &[
        MethodDef::function("getgrnam", 1, 1, group_by_name),
        MethodDef::function("getgrgid", 1, 1, group_by_number),
        MethodDef::function("getgrall", 0, 0, all_groups),
    ],
    init: |vm, module| {
        let fields = ["gr_name", "gr_passwd", "gr_gid", "gr_mem"];
        let class = struct_sequence::new_class(vm, "grp", "struct_group", &fields)?;
        vm.module_set(module, "struct_group", class.value());
        vm.extension::<State>().group = Some(class);
        Ok(())
    },
};

#[derive(Default)]
struct State {
    user: Option<TypeRef>,
    group: Option<TypeRef>,
}

fn text(vm: &mut Vm, text: *const libc::c_char) -> PyResult {
    if text.is_null() {
        return Ok(vm.none);
    }
    // SAFETY: a string of the C library's entry.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    Ok(objects::codecs::Codec::Utf8.decode(vm, bytes, "surrogateescape", true)?.0)
}

fn user(vm: &mut Vm, entry: &libc::passwd) -> PyResult {
    let values = [
        text(vm, entry.pw_name)?,
        text(vm, entry.pw_passwd)?,
        Value::from_int(i64::from(entry.pw_uid)),
        Value::from_int(i64::from(entry.pw_gid)),
        text(vm, entry.pw_gecos)?,
        text(vm, entry.pw_dir)?,
        text(vm, entry.pw_shell)?,
    ];
    let class = vm.extension::<State>().user.expect("made with the module");
    struct_sequence::new(vm, class, &values)
}

fn group(vm: &mut Vm, entry: &libc::group) -> PyResult {
    let members = vm.new_list(&[]);
    let mut at = entry.gr_mem;
    // SAFETY: an array of strings that ends with a null pointer.
    while !unsafe { *at }.is_null() {
        // SAFETY: as above.
        let member = text(vm, unsafe { *at })?;
        vm.list_append(members, member);
        at = at.wrapping_add(1);
    }
    let values =
        [text(vm, entry.gr_name)?, text(vm, entry.gr_passwd)?, Value::from_int(i64::from(entry.gr_gid)), members];
    let class = vm.extension::<State>().group.expect("made with the module");
    struct_sequence::new(vm, class, &values)
}

/// A name argument, as a C string and as an error shows it.
fn name(vm: &mut Vm, function: &str, value: Value) -> PyResult<(CString, String)> {
    if !vm.is_str(value) {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("{function}() argument must be str, not {given}")));
    }
    let shown = vm.repr_text(value)?;
    match CString::new(vm.str(value)?) {
        Ok(name) => Ok((name, shown)),
        Err(_) => Err(vm.value_error("embedded null byte")),
    }
}

fn not_found(vm: &mut Vm, text: String) -> Raised {
    let text = vm.new_str(&text);
    vm.key_error(text)
}

fn user_by_name(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (name, shown) = name(vm, "getpwnam", args.values[0])?;
    // SAFETY: the name is NUL-terminated; an entry is valid until the next call.
    match unsafe { libc::getpwnam(name.as_ptr()).as_ref() } {
        Some(entry) => user(vm, entry),
        None => Err(not_found(vm, format!("getpwnam(): name not found: {shown}"))),
    }
}

fn user_by_number(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let number = vm.index(args.values[0])?;
    // SAFETY: an entry is valid until the next call.
    match unsafe { libc::getpwuid(number as libc::uid_t).as_ref() } {
        Some(entry) => user(vm, entry),
        None => Err(not_found(vm, format!("getpwuid(): uid not found: {number}"))),
    }
}

fn all_users(vm: &mut Vm, _: &CallArgs) -> PyResult {
    let list = vm.new_list(&[]);
    // SAFETY: goes through the database from its start to its end.
    unsafe { libc::setpwent() };
    // SAFETY: an entry is valid until the next call.
    while let Some(entry) = unsafe { libc::getpwent().as_ref() } {
        let user = user(vm, entry)?;
        vm.list_append(list, user);
    }
    // SAFETY: closes the database.
    unsafe { libc::endpwent() };
    Ok(list)
}

fn group_by_name(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (name, shown) = name(vm, "getgrnam", args.values[0])?;
    // SAFETY: the name is NUL-terminated; an entry is valid until the next call.
    match unsafe { libc::getgrnam(name.as_ptr()).as_ref() } {
        Some(entry) => group(vm, entry),
        None => Err(not_found(vm, format!("getgrnam(): name not found: {shown}"))),
    }
}

fn group_by_number(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let number = vm.index(args.values[0])?;
    // SAFETY: an entry is valid until the next call.
    match unsafe { libc::getgrgid(number as libc::gid_t).as_ref() } {
        Some(entry) => group(vm, entry),
        None => Err(not_found(vm, format!("getgrgid(): gid not found: {number}"))),
    }
}

fn all_groups(vm: &mut Vm, _: &CallArgs) -> PyResult {
    let list = vm.new_list(&[]);
    // SAFETY: goes through the database from its start to its end.
    unsafe { libc::setgrent() };
    // SAFETY: an entry is valid until the next call.
    while let Some(entry) = unsafe { libc::getgrent().as_ref() } {
        let group = group(vm, entry)?;
        vm.list_append(list, group);
    }
    // SAFETY: closes the database.
    unsafe { libc::endgrent() };
    Ok(list)
}
