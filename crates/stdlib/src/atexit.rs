//! Module `atexit`.

use heap::Value;
use interp::warnings::unraisable;
use objects::args::{CallArgs, MANY, MethodDef};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "atexit",
    doc: "allow programmer to define multiple exit functions to be executed\nupon normal program termination.",
    functions: FUNCTIONS,
    init: |_, _| Ok(()),
};

/// The registered calls: a list of (function, arguments, keyword names).
#[derive(Default)]
struct Registered {
    calls: Option<metatrace::Handle>,
}

fn calls(vm: &mut Vm) -> Value {
    if let Some(handle) = vm.extension::<Registered>().calls {
        return vm.handle(handle);
    }
    let list = vm.new_list(&[]);
    let handle = vm.keep(list);
    vm.extension::<Registered>().calls = Some(handle);
    list
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("register", 1, MANY, |vm, args| {
        let values = vm.new_tuple(&args.values[1..]);
        let names = if args.names.is_null() { vm.empty_tuple } else { args.names };
        let call = vm.new_tuple(&[args.values[0], values, names]);
        let list = calls(vm);
        vm.list_append(list, call);
        Ok(args.values[0])
    })
    .with_keywords()
    .with_doc("register($module, func, /, *args, **kwargs)\n--\n\nRegister a function to be executed upon normal program termination\n\n    func - function to be called at exit\n    args - optional arguments to pass to func\n    kwargs - optional keyword arguments to pass to func\n\n    func is returned to facilitate usage as a decorator."),
    MethodDef::function("unregister", 1, 1, |vm, args| {
        let list = calls(vm);
        let kept = vm.new_list(&[]);
        for i in 0..objects::list::items(list).len() {
            let call = objects::list::items(list)[i];
            if !vm.eq(objects::tuple::items(call)[0], args.values[0])? {
                vm.list_append(kept, call);
            }
        }
        replace(vm, kept);
        Ok(vm.none)
    })
    .with_doc("unregister($module, func, /)\n--\n\nUnregister an exit function which was previously registered using\natexit.register\n\n    func - function to be unregistered"),
    MethodDef::function("_clear", 0, 0, |vm, _| {
        let list = vm.new_list(&[]);
        replace(vm, list);
        Ok(vm.none)
    })
    .with_doc("_clear($module, /)\n--\n\nClear the list of previously registered exit functions."),
    MethodDef::function("_ncallbacks", 0, 0, |vm, _| {
        let count = objects::list::items(calls(vm)).len();
        Ok(vm.int(count as i64))
    })
    .with_doc("_ncallbacks($module, /)\n--\n\nReturn the number of registered exit functions."),
    MethodDef::function("_run_exitfuncs", 0, 0, |vm, _| {
        run(vm)?;
        Ok(vm.none)
    })
    .with_doc("_run_exitfuncs($module, /)\n--\n\nRun all registered exit functions.\n\nIf a callback raises an exception, it is logged with sys.unraisablehook."),
];

fn replace(vm: &mut Vm, list: Value) {
    calls(vm);
    if let Some(handle) = vm.extension::<Registered>().calls {
        vm.thread.set_handle(handle, list);
    }
}

/// Runs the registered functions, the last one first.
pub fn run(vm: &mut Vm) -> PyResult<()> {
    loop {
        let list = calls(vm);
        if objects::list::items(list).is_empty() {
            return Ok(());
        }
        let call = vm.call_method(list, "pop", &[])?;
        let [function, values, names] = *objects::tuple::items(call) else { unreachable!("made above") };
        let names = if objects::tuple::items(names).is_empty() { Value::NULL } else { names };
        let args = CallArgs { values: objects::tuple::items(values), names };
        if let Err(raised) = vm.call_kw(function, &args) {
            unraisable(vm, raised.0, "Exception ignored in atexit callback", function);
        }
    }
}
