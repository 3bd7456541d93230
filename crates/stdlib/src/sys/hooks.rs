//! The hooks that programs replace: display, uncaught exceptions, breakpoints.

use super::set;
use heap::Value;
use interp::import::import_module;
use interp::warnings::print_exception;
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::vm::Vm;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("displayhook", 1, 1, displayhook)
    .with_doc("displayhook($module, object, /)\n--\n\nPrint an object to sys.stdout and also save it in builtins._"),
    MethodDef::function("excepthook", 3, 3, excepthook)
    .with_doc("excepthook($module, exctype, value, traceback, /)\n--\n\nHandle an exception by displaying it with a traceback on sys.stderr."),
    MethodDef::function("unraisablehook", 1, 1, unraisablehook)
    .with_doc("unraisablehook($module, unraisable, /)\n--\n\nHandle an unraisable exception.\n\nThe unraisable argument has the following attributes:\n\n* exc_type: Exception type.\n* exc_value: Exception value, can be None.\n* exc_traceback: Exception traceback, can be None.\n* err_msg: Error message, can be None.\n* object: Object causing the exception, can be None."),
    MethodDef::function("breakpointhook", 0, objects::args::MANY, breakpointhook).with_keywords()
    .with_doc("breakpointhook($module, /, *args, **kwargs)\n--\n\nThis hook function is called by built-in breakpoint().\n"),
];

/// `__displayhook__` and its kin keep the originals.
pub fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    for (name, saved) in [
        ("displayhook", "__displayhook__"),
        ("excepthook", "__excepthook__"),
        ("unraisablehook", "__unraisablehook__"),
        ("breakpointhook", "__breakpointhook__"),
    ] {
        let hook = vm.getattr_str(module, name)?;
        set(vm, module, saved, hook)?;
    }
    Ok(())
}

/// Prints the value of an expression at the prompt and keeps it as `_`.
fn displayhook(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let value = args.values[0];
    if value == vm.none {
        return Ok(vm.none);
    }
    let builtins = vm.handle(vm.builtins);
    let none = vm.none;
    vm.dict_set_str(builtins, "_", none);
    let text = vm.repr(value)?;
    let sys = import_module(vm, "sys")?;
    let out = vm.getattr_str(sys, "stdout")?;
    let newline = vm.intern("\n");
    vm.call_method(out, "write", &[text])?;
    vm.call_method(out, "write", &[newline])?;
    vm.dict_set_str(builtins, "_", value);
    Ok(none)
}

fn excepthook(vm: &mut Vm, args: &CallArgs) -> PyResult {
    print_exception(vm, args.values[1])?;
    Ok(vm.none)
}

/// `Exception ignored in: …` and the traceback.
fn unraisablehook(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let details = args.values[0];
    let sys = import_module(vm, "sys")?;
    let err = vm.getattr_str(sys, "stderr")?;
    if err == vm.none {
        return Ok(err);
    }
    let (message, object) = (vm.getattr_str(details, "err_msg")?, vm.getattr_str(details, "object")?);
    let mut text = if message == vm.none { "Exception ignored in".to_owned() } else { vm.text_of(message) };
    if object != vm.none {
        let object = vm.repr(object)?;
        text += &format!(": {}", vm.text_of(object));
    } else {
        text.push(':');
    }
    text.push('\n');
    let text = vm.new_str(&text);
    vm.call_method(err, "write", &[text])?;
    let exception = vm.getattr_str(details, "exc_value")?;
    print_exception(vm, exception)?;
    Ok(vm.none)
}

/// What `PYTHONBREAKPOINT` names, `pdb.set_trace` by default; `0` does nothing.
fn breakpointhook(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let target = std::env::var("PYTHONBREAKPOINT").unwrap_or_default();
    let target = if target.is_empty() { "pdb.set_trace".to_owned() } else { target };
    if target == "0" {
        return Ok(vm.none);
    }
    let (module, function) = target.rsplit_once('.').unwrap_or(("builtins", &target));
    let module = import_module(vm, module)?;
    let function = vm.getattr_str(module, function)?;
    vm.call_kw(function, args)
}
