//! `OSError`: error numbers choose the class.

use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::builtin_layouts::Exception;
use crate::error::{PyResult, Raised};
use crate::exceptions::base;
use crate::exceptions::fields::{field, get, set};
use crate::layout::cast;
use crate::slots::{InitFn, NewFn, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

const ERRNO: usize = 0;
const STRERROR: usize = 1;
const FILENAME: usize = 2;
const FILENAME2: usize = 3;
const WRITTEN: usize = 4;

pub(super) fn extend(spec: TypeSpec) -> TypeSpec {
    TypeSpec {
        slots: Slots { new: Some(new), init: Some(init), str: Some(str), ..spec.slots },
        methods: const { &[MethodDef::method("__reduce__", 1, 1, reduce)] },
        getset: const {
            &[
                field!("errno", 0),
                field!("strerror", 1),
                field!("filename", 2),
                field!("filename2", 3),
                GetSetDef::new(
                    "characters_written",
                    |vm, exception| match get(exception, WRITTEN) {
                        unset if unset.is_null() => Err(vm.attribute_error_text("characters_written")),
                        written => Ok(written),
                    },
                    |vm, exception, value| {
                        if value.is_null() {
                            if get(exception, WRITTEN).is_null() {
                                return Err(vm.attribute_error_text("characters_written"));
                            }
                            set(vm, exception, WRITTEN, Value::NULL);
                            return Ok(());
                        }
                        let written = vm.index(value)?;
                        set(vm, exception, WRITTEN, Value::from_int(written));
                        Ok(())
                    },
                ),
            ]
        },
        ..spec
    }
}

/// The class for an error number.
pub fn class_of(vm: &Vm, errno: i64) -> TypeRef {
    let exc = &vm.exc;
    match errno as i32 {
        libc_errno::EAGAIN | libc_errno::EALREADY | libc_errno::EINPROGRESS => exc.blocking_io_error,
        libc_errno::EPIPE | libc_errno::ESHUTDOWN => exc.broken_pipe_error,
        libc_errno::ECHILD => exc.child_process_error,
        libc_errno::ECONNABORTED => exc.connection_aborted_error,
        libc_errno::ECONNREFUSED => exc.connection_refused_error,
        libc_errno::ECONNRESET => exc.connection_reset_error,
        libc_errno::EEXIST => exc.file_exists_error,
        libc_errno::ENOENT => exc.file_not_found_error,
        libc_errno::EISDIR => exc.is_a_directory_error,
        libc_errno::ENOTDIR => exc.not_a_directory_error,
        libc_errno::EINTR => exc.interrupted_error,
        libc_errno::EACCES | libc_errno::EPERM => exc.permission_error,
        libc_errno::ESRCH => exc.process_lookup_error,
        libc_errno::ETIMEDOUT => exc.timeout_error,
        _ => exc.os_error,
    }
}

/// Linux's numbers of the errors that have a class.
mod libc_errno {
    pub const EPERM: i32 = 1;
    pub const ENOENT: i32 = 2;
    pub const ESRCH: i32 = 3;
    pub const EINTR: i32 = 4;
    pub const ECHILD: i32 = 10;
    pub const EAGAIN: i32 = 11;
    pub const EACCES: i32 = 13;
    pub const EEXIST: i32 = 17;
    pub const ENOTDIR: i32 = 20;
    pub const EISDIR: i32 = 21;
    pub const EPIPE: i32 = 32;
    pub const ECONNABORTED: i32 = 103;
    pub const ECONNRESET: i32 = 104;
    pub const ESHUTDOWN: i32 = 108;
    pub const ETIMEDOUT: i32 = 110;
    pub const ECONNREFUSED: i32 = 111;
    pub const EALREADY: i32 = 114;
    pub const EINPROGRESS: i32 = 115;
}

/// Raises the error with this number and the system's text for it.
pub fn raise(vm: &mut Vm, errno: i32, filename: Value) -> Raised {
    let text = text_of(errno);
    let text = vm.new_str(&text);
    let number = Value::from_int(errno as i64);
    if filename.is_null() {
        vm.raise_args(vm.exc.os_error, &[number, text])
    } else {
        vm.raise_args(vm.exc.os_error, &[number, text, filename])
    }
}

/// `os.strerror(errno)`.
pub fn text_of(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    match text.rfind(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

/// Whether a class has an `__init__` of its own and no `__new__`: then the arguments are parsed there.
fn uses_init(ty: TypeRef) -> bool {
    let slots = ty.slots();
    let own_init = !slots.init.is_some_and(|f| std::ptr::fn_addr_eq(f, init as InitFn));
    let own_new = !slots.new.is_some_and(|f| std::ptr::fn_addr_eq(f, new as NewFn));
    own_init && !own_new
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    if uses_init(ty) {
        return base::new(vm, ty, &CallArgs::positional(&[]));
    }
    if !args.keyword_names().is_empty() {
        let name = ty.name();
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    let mut ty = ty;
    let positional = args.args();
    if ty == vm.exc.os_error
        && (2..=5).contains(&positional.len())
        && let Some(errno) = vm.as_i64(positional[0])
    {
        ty = class_of(vm, errno);
    }
    let exception = base::new(vm, ty, args)?;
    fill(vm, exception, positional)?;
    Ok(exception)
}

fn init(vm: &mut Vm, exception: Value, args: &CallArgs) -> PyResult<()> {
    if !uses_init(vm.type_of(exception)) {
        // `__new__` has done it.
        return Ok(());
    }
    base::init(vm, exception, args)?;
    fill(vm, exception, args.args())
}

/// Error number, text, filename, (Windows' error number,) second filename.
fn fill(vm: &mut Vm, exception: Value, args: &[Value]) -> PyResult<()> {
    if !(2..=5).contains(&args.len()) {
        return Ok(());
    }
    set(vm, exception, ERRNO, args[0]);
    set(vm, exception, STRERROR, args[1]);
    let given = |vm: &Vm, i: usize| args.get(i).copied().filter(|&value| value != vm.none);
    if let Some(filename) = given(vm, 2) {
        if vm.type_of(exception) == vm.exc.blocking_io_error && vm.type_of(filename).has(flags::INT) {
            let written = vm.index(filename)?;
            set(vm, exception, WRITTEN, Value::from_int(written));
        } else {
            set(vm, exception, FILENAME, filename);
            if let Some(filename2) = given(vm, 4) {
                set(vm, exception, FILENAME2, filename2);
            }
            // The filename is no argument.
            let tuple = vm.new_tuple(&args[..2]);
            vm.write(exception, &cast::<Exception>(exception).args, tuple);
        }
    }
    Ok(())
}

fn str(vm: &mut Vm, exception: Value) -> PyResult {
    let [errno, strerror, filename, filename2] = [ERRNO, STRERROR, FILENAME, FILENAME2].map(|i| get(exception, i));
    let shown = |vm: &mut Vm, value: Value| if value.is_null() { Ok("None".to_string()) } else { vm.str_text(value) };
    if !filename.is_null() && filename != vm.none {
        let (errno, strerror) = (shown(vm, errno)?, shown(vm, strerror)?);
        let filename = vm.repr_text(filename)?;
        let text = if !filename2.is_null() && filename2 != vm.none {
            let filename2 = vm.repr_text(filename2)?;
            format!("[Errno {errno}] {strerror}: {filename} -> {filename2}")
        } else {
            format!("[Errno {errno}] {strerror}: {filename}")
        };
        return Ok(vm.new_str(&text));
    }
    if !errno.is_null() && !strerror.is_null() {
        let (errno, strerror) = (shown(vm, errno)?, shown(vm, strerror)?);
        return Ok(vm.new_str(&format!("[Errno {errno}] {strerror}")));
    }
    base::str(vm, exception)
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let exception = args.values[0];
    let mut arguments = base::args_of(vm, exception);
    let (filename, filename2) = (get(exception, FILENAME), get(exception, FILENAME2));
    if let [errno, strerror] = *crate::tuple::items(arguments)
        && !filename.is_null()
    {
        arguments = if filename2.is_null() {
            vm.new_tuple(&[errno, strerror, filename])
        } else {
            vm.new_tuple(&[errno, strerror, filename, vm.none, filename2])
        };
    }
    base::reduce_with(vm, exception, arguments)
}
