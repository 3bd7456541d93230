//! CALL_INTRINSIC_1 and _2.

use heap::Value;
use objects::builtin_layouts::{Exception, Module};
use objects::error::PyResult;
use objects::layout::cast;
use objects::shape::Kind;
use objects::vm::Vm;

/// CALL_INTRINSIC_1, by CPython's numbers. `locals` is the frame's namespace.
pub fn unary(vm: &mut Vm, which: u32, value: Value, locals: Value) -> PyResult {
    match which {
        1 => display(vm, value),
        2 => import_star(vm, value, locals),
        3 => Ok(stop_iteration_error(vm, value)),
        // An async generator's frame hands its values over as they are; `coroutine` tells them from results.
        4 => Ok(crate::coroutine::wrap_yielded(vm, value)),
        5 => vm.positive(value),
        6 => Ok(vm.new_tuple(objects::list::items(value))),
        7 => crate::typing_objects::type_variable(vm, value, Value::NULL, Value::NULL),
        8 => crate::typing_objects::param_spec(vm, value),
        9 => crate::typing_objects::type_variable_tuple(vm, value),
        10 => crate::typing_objects::subscript_generic(vm, value),
        11 => crate::typing_objects::type_alias(vm, value),
        _ => unreachable!("no intrinsic has number {which}"),
    }
}

/// CALL_INTRINSIC_2.
pub fn binary(vm: &mut Vm, which: u32, a: Value, b: Value) -> PyResult {
    match which {
        // The exception to raise after the handlers of `try … except*`, or None.
        1 => objects::exceptions::prepare_reraise_star(vm, a, b),
        2 => crate::typing_objects::type_variable(vm, a, b, Value::NULL),
        3 => crate::typing_objects::type_variable(vm, a, Value::NULL, b),
        4 => {
            let key = vm.intern("__type_params__");
            vm.setattr(a, key, b)?;
            Ok(a)
        }
        5 => crate::typing_objects::set_default(vm, a, b),
        _ => unreachable!("no intrinsic has number {which}"),
    }
}

/// The value of an expression statement at the prompt.
fn display(vm: &mut Vm, value: Value) -> PyResult {
    let sys = crate::import::import_module(vm, "sys")?;
    match vm.getattr_str_opt(sys, "displayhook")? {
        Some(hook) => vm.call(hook, &[value]),
        None => Err(vm.runtime_error("lost sys.displayhook")),
    }
}

/// `from module import *`.
fn import_star(vm: &mut Vm, module: Value, locals: Value) -> PyResult {
    let all = vm.getattr_str_opt(module, "__all__")?;
    let skip_private = all.is_none();
    let names = match all {
        Some(all) => all,
        None => {
            if vm.kind(module) == Kind::Module {
                vm.dict_keys_list(cast::<Module>(module).dict.get())
            } else {
                let dict = vm.getattr_str(module, "__dict__")?;
                let keys = vm.call_method(dict, "keys", &[])?;
                vm.collect_list(keys)?
            }
        }
    };
    let iterator = vm.iter(names)?;
    while let Some(name) = vm.next(iterator)? {
        if !vm.is_str(name) {
            let kind = vm.type_of(name).name();
            return Err(vm.type_error(format!("Item in from list must be str, not {kind}")));
        }
        if skip_private && vm.str_bytes(name).starts_with(b"_") {
            continue;
        }
        let value = vm.getattr(module, name)?;
        vm.setitem(locals, name, value)?;
    }
    Ok(vm.none)
}

/// PEP 479: a StopIteration that leaves the body of a generator or coroutine becomes a RuntimeError.
fn stop_iteration_error(vm: &mut Vm, exception: Value) -> Value {
    // SAFETY: the record of a live frame, which runs this instruction.
    let Some(code) = vm.thread.records().next().map(|record| unsafe { (*record).code }) else { return exception };
    let flags = code.flags();
    let what = if flags.has(syntax::CodeFlags::ASYNC_GENERATOR) {
        "async generator"
    } else if flags.has(syntax::CodeFlags::COROUTINE) {
        "coroutine"
    } else {
        "generator"
    };
    let message = if vm.exception_matches(exception, vm.exc.stop_iteration) {
        format!("{what} raised StopIteration")
    } else if what == "async generator" && vm.exception_matches(exception, vm.exc.stop_async_iteration) {
        format!("{what} raised StopAsyncIteration")
    } else {
        return exception;
    };
    let error = vm.runtime_error(message).0;
    let object = cast::<Exception>(error);
    vm.write(error, &object.cause, exception);
    vm.write(error, &object.context, exception);
    object.suppress_context.set(1);
    error
}
