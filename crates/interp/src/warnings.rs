//! Warnings and errors that nobody can catch.

use heap::Value;
use objects::builtin_layouts::{Exception, Traceback};
use objects::error::{PyResult, Raised};
use objects::layout::cast;
use objects::ty::TypeRef;
use objects::vm::Vm;

/// Issues a warning, as `warnings.warn` does.
pub fn warn(vm: &mut Vm, category: TypeRef, text: &str, stack_level: i64) -> PyResult<()> {
    let module = crate::import::import_module(vm, "_warnings")?;
    let message = vm.new_str(text);
    let level = vm.int(stack_level);
    vm.call_method(module, "warn", &[message, category.value(), level])?;
    Ok(())
}

/// Reports an exception by `sys.unraisablehook`.
pub fn unraisable(vm: &mut Vm, exception: Value, message: &str, object: Value) {
    // The hook itself may fail; then there is nobody left to tell.
    let _ = report(vm, exception, message, object);
}

fn report(vm: &mut Vm, exception: Value, message: &str, object: Value) -> PyResult<()> {
    let sys = crate::import::import_module(vm, "sys")?;
    let hook = vm.getattr_str(sys, "unraisablehook")?;
    let details = vm.new_namespace_object();
    let none = vm.none;
    let traceback = vm.getattr_str(exception, "__traceback__")?;
    let text = if message.is_empty() { none } else { vm.new_str(message) };
    let object = if object.is_null() { none } else { object };
    let class = vm.type_of(exception).value();
    for (key, value) in [
        ("exc_type", class),
        ("exc_value", exception),
        ("exc_traceback", traceback),
        ("err_msg", text),
        ("object", object),
    ] {
        let key = vm.intern(key);
        vm.setattr(details, key, value)?;
    }
    vm.call(hook, &[details])?;
    Ok(())
}

/// Prints an exception and its traceback to `sys.stderr`, by the library's `traceback` module.
pub fn print_exception(vm: &mut Vm, exception: Value) -> Result<(), Raised> {
    let by_library = crate::import::import_module(vm, "traceback")
        .and_then(|traceback| vm.call_method(traceback, "_print_exception_bltin", &[exception]));
    if by_library.is_err() {
        print_plainly(vm, exception);
    }
    Ok(())
}

/// Places and message alone, without the library: it may be what is broken.
fn print_plainly(vm: &mut Vm, exception: Value) {
    eprintln!("Traceback (most recent call last):");
    let mut at = cast::<Exception>(exception).traceback.get();
    while at.is_object() && at != vm.none {
        let entry = cast::<Traceback>(at);
        let code = crate::frame_object::code_of(entry.frame.get());
        let (file, name) = (vm.text_of(code.filename), vm.text_of(code.name));
        eprintln!("  File \"{file}\", line {}, in {name}", entry.line.get());
        at = entry.next.get();
    }
    let kind = vm.type_of(exception).name();
    match vm.str_of(exception) {
        Ok(text) => eprintln!("{kind}: {}", vm.text_of(text)),
        Err(_) => eprintln!("{kind}: <exception str() failed>"),
    }
}
