//! What event loops set in `sys`: hooks of async generators, and how much of a coroutine's origin is kept.

use crate::struct_sequence;
use crate::support::{is_absent, signature};
use heap::Value;
use interp::state::state;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::PyResult;
use objects::ty::TypeRef;
use objects::vm::Vm;

#[derive(Default)]
struct State {
    hooks_class: Option<TypeRef>,
}

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("get_asyncgen_hooks", 0, 0, get_hooks)
        .with_doc("get_asyncgen_hooks($module, /)\n--\n\nReturn the installed asynchronous generators hooks.\n\nThis returns a namedtuple of the form (firstiter, finalizer)."),
    MethodDef::function("set_asyncgen_hooks", 0, 2, set_hooks)
        .with_keywords()
        .with_doc("set_asyncgen_hooks([firstiter] [, finalizer])\n\nSet a finalizer for async generators objects."),
    MethodDef::function("get_coroutine_origin_tracking_depth", 0, 0, |vm, _| {
        Ok(Value::from_int(state(vm).coroutine_origin_depth))
    })
    .with_doc("get_coroutine_origin_tracking_depth($module, /)\n--\n\nCheck status of origin tracking for coroutine objects in this thread."),
    MethodDef::function("set_coroutine_origin_tracking_depth", 1, 1, |vm, args| {
        const PARAMETERS: Signature<1> = signature(["depth"], 1);
        let [depth] = args.bind(vm, "set_coroutine_origin_tracking_depth", &PARAMETERS)?;
        let depth = vm.index(depth)?;
        if depth < 0 {
            return Err(vm.value_error("depth must be >= 0"));
        }
        state(vm).coroutine_origin_depth = depth;
        Ok(vm.none)
    })
    .with_keywords()
    .with_doc("set_coroutine_origin_tracking_depth($module, /, depth)\n--\n\nEnable or disable origin tracking for coroutine objects in this thread.\n\nCoroutine objects will track 'depth' frames of traceback information\nabout where they came from, available in their cr_origin attribute.\n\nSet a depth of 0 to disable."),
];

/// The two hooks as `sys.asyncgen_hooks(firstiter, finalizer)`.
fn get_hooks(vm: &mut Vm, _args: &CallArgs) -> PyResult {
    let hooks = state(vm).async_generator_hooks;
    let [first, last] = hooks.map(|hook| hook.map_or(vm.none, |hook| vm.handle(hook)));
    let class = match vm.extension::<State>().hooks_class {
        Some(class) => class,
        None => {
            let class = struct_sequence::new_class(vm, "sys", "asyncgen_hooks", &["firstiter", "finalizer"])?;
            vm.extension::<State>().hooks_class = Some(class);
            class
        }
    };
    struct_sequence::new(vm, class, &[first, last])
}

/// What is left out stays as it is.
fn set_hooks(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> = signature(["firstiter", "finalizer"], 0);
    let given = args.bind(vm, "set_asyncgen_hooks", &PARAMETERS)?;
    for (hook, name) in given.iter().zip(["firstiter", "finalizer"]) {
        if !is_absent(vm, *hook) && !vm.is_callable(*hook) {
            let kind = vm.type_of(*hook).name();
            return Err(vm.type_error(format!("callable {name} expected, got {kind}")));
        }
    }
    for (i, hook) in given.into_iter().enumerate() {
        if hook.is_null() {
            continue;
        }
        match state(vm).async_generator_hooks[i] {
            Some(handle) => vm.thread.set_handle(handle, hook),
            None => {
                let handle = vm.keep(hook);
                state(vm).async_generator_hooks[i] = Some(handle);
            }
        }
    }
    Ok(vm.none)
}
