//! Module `posix`: the system's interface, behind module `os`.

mod constants;
mod descriptors;
mod directories;
mod files;
mod paths;
mod process;
mod scandir;
mod stat;
mod system;

use crate::support::int_constants;
use crate::vm_ext::VmExt;
use heap::Value;
use metatrace::Handle;
use objects::error::{PyResult, Raised};
use objects::module::ModuleDef;
use objects::ty::TypeRef;
use objects::vm::Vm;

pub use descriptors::file_number;
pub use paths::path_split_root;
pub use process::{BEFORE, IN_CHILD, IN_PARENT, c_strings, pointers, run_at_fork};

pub static MODULE: ModuleDef = ModuleDef {
    name: "posix",
    doc: "This module provides access to operating system functionality that is\nstandardized by the C Standard and the POSIX standard (a thinly\ndisguised Unix interface).  Refer to the library manual and\ncorresponding Unix manual entries for more information on calls.",
    functions: &[],
    init,
};

#[derive(Default)]
struct State {
    types: Option<Types>,
    /// Lists of functions to call before a fork and after it in parent and child.
    at_fork: [Option<Handle>; 3],
}

#[derive(Clone, Copy)]
struct Types {
    stat: TypeRef,
    statvfs: TypeRef,
    terminal_size: TypeRef,
    times: TypeRef,
    uname: TypeRef,
    dir_entry: TypeRef,
    scandir: TypeRef,
}

fn types(vm: &mut Vm) -> Types {
    vm.extension::<State>().types.expect("made with the module")
}

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    for table in [
        paths::FUNCTIONS,
        stat::FUNCTIONS,
        files::FUNCTIONS,
        directories::FUNCTIONS,
        descriptors::FUNCTIONS,
        process::FUNCTIONS,
        system::FUNCTIONS,
    ] {
        vm.add_functions(module, table);
    }
    int_constants(vm, module, constants::CONSTANTS);
    let names = constants::HAVE.iter().map(|name| vm.new_immortal_str(name.as_bytes())).collect::<Vec<_>>();
    let names = vm.new_list(&names);
    vm.module_set(module, "_have_functions", names);
    let error = vm.exc.os_error.value();
    vm.module_set(module, "error", error);
    let environment = system::environment(vm)?;
    vm.module_set(module, "environ", environment);
    for (name, table) in [
        ("sysconf_names", constants::SYSCONF),
        ("pathconf_names", constants::PATHCONF),
        ("confstr_names", constants::CONFSTR),
    ] {
        let dict = vm.new_dict();
        for &(name, number) in table {
            let number = vm.int(i64::from(number));
            vm.dict_set_str(dict, name, number);
        }
        vm.module_set(module, name, dict);
    }
    let [dir_entry, scandir] = scandir::add_types(vm, module);
    let types = Types {
        stat: stat::make_type(vm)?,
        statvfs: stat::make_vfs_type(vm)?,
        terminal_size: system::make_terminal_size(vm)?,
        times: system::make_times(vm)?,
        uname: system::make_uname(vm)?,
        dir_entry,
        scandir,
    };
    for (name, ty) in [
        ("stat_result", types.stat),
        ("statvfs_result", types.statvfs),
        ("terminal_size", types.terminal_size),
        ("times_result", types.times),
        ("uname_result", types.uname),
    ] {
        vm.module_set(module, name, ty.value());
    }
    vm.extension::<State>().types = Some(types);
    Ok(())
}

/// The OSError for `errno`; `filename` may be NULL.
fn last_error(vm: &mut Vm, filename: Value) -> Raised {
    let error = std::io::Error::last_os_error();
    vm.io_error(&error, filename)
}

/// Calls the system until it is not interrupted any more; Python's signal handlers run in between.
fn retrying(vm: &mut Vm, filename: Value, mut call: impl FnMut() -> i64) -> PyResult<i64> {
    loop {
        let result = call();
        if result >= 0 {
            return Ok(result);
        }
        if std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return Err(last_error(vm, filename));
        }
        interp::poll::attend(vm)?;
    }
}

/// None, or the error of a call that failed.
fn none_if_ok(vm: &mut Vm, result: i32, filename: Value) -> PyResult {
    if result < 0 { Err(last_error(vm, filename)) } else { Ok(vm.none) }
}

/// An argument that is a C int.
fn c_int(vm: &mut Vm, value: Value) -> PyResult<i32> {
    let number = vm.index(value)?;
    match i32::try_from(number) {
        Ok(number) => Ok(number),
        Err(_) if number > 0 => Err(vm.overflow_error("Python int too large to convert to C int")),
        Err(_) => Err(vm.overflow_error("signed integer is less than minimum")),
    }
}
