//! Module `sys`.

mod coroutines;
mod frames;
mod hooks;
mod info;
mod jit;
mod monitoring;

pub use info::VERSION;

use crate::vm_ext::VmExt;
use heap::Value;
use interp::import::LIBRARY;
use interp::state;
use objects::args::{CallArgs, MethodDef};
use objects::builtin_layouts::Module;
use objects::error::PyResult;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "sys",
    doc: "This module provides access to some objects used or maintained by the\ninterpreter and to functions that interact strongly with the interpreter.",
    functions: FUNCTIONS,
    init,
};

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("exit", 0, 1, exit),
    MethodDef::function("intern", 1, 1, intern),
    MethodDef::function("getsizeof", 0, objects::args::MANY, getsizeof)
        .with_keywords()
        .with_doc("getsizeof(object [, default]) -> int\n\nReturn the size of object in bytes."),
    MethodDef::function("_heap_report", 0, 1, heap_report)
        .with_doc("_heap_report($module, file=None, /)\n--\n\nWrite what lives to a file, or return it as text."),
    MethodDef::function("getrefcount", 1, 1, |vm, _| Ok(vm.int(2))).leaf(),
    MethodDef::function("getrecursionlimit", 0, 0, |vm, _| {
        let limit = vm.thread.depth_limit;
        Ok(vm.int(limit as i64))
    })
    .leaf(),
    MethodDef::function("setrecursionlimit", 1, 1, set_recursion_limit),
    MethodDef::function("getdefaultencoding", 0, 0, |vm, _| Ok(vm.intern("utf-8"))).leaf(),
    MethodDef::function("getfilesystemencoding", 0, 0, |vm, _| Ok(vm.intern("utf-8"))).leaf(),
    MethodDef::function("getfilesystemencodeerrors", 0, 0, |vm, _| Ok(vm.intern("surrogateescape"))).leaf(),
    MethodDef::function("getswitchinterval", 0, 0, |vm, _| Ok(vm.float(0.005))).leaf(),
    MethodDef::function("setswitchinterval", 1, 1, |vm, _| Ok(vm.none)),
    MethodDef::function("is_finalizing", 0, 0, |vm, _| Ok(vm.false_)).leaf(),
    MethodDef::function("get_int_max_str_digits", 0, 0, |vm, _| {
        let digits = objects::int::max_str_digits(vm);
        Ok(vm.int(digits as i64))
    })
    .leaf(),
    MethodDef::function("set_int_max_str_digits", 1, 1, set_max_digits),
    MethodDef::function("audit", 1, objects::args::MANY, |vm, _| Ok(vm.none)),
    MethodDef::function("addaudithook", 1, 1, |vm, _| Ok(vm.none)),
    MethodDef::function("getallocatedblocks", 0, 0, |vm, _| Ok(vm.int(0))).leaf(),
    MethodDef::function("_get_cpu_count_config", 0, 0, |vm, _| Ok(vm.int(-1))).leaf(),
    MethodDef::function("_is_gil_enabled", 0, 0, |vm, _| Ok(vm.true_)).leaf(),
    MethodDef::function("_is_interned", 1, 1, |vm, args| {
        let interned = vm.intern_value(args.values[0]) == args.values[0];
        Ok(vm.bool(interned))
    }),
    MethodDef::function("__getattr__", 1, 1, |vm, args| {
        let name = vm.text_of(args.values[0]);
        match interp::importlib_setup::sys_attribute(vm, &name)? {
            Some(value) => Ok(value),
            None => {
                let handle = state::state(vm).sys.expect("the module exists");
                let sys = vm.handle(handle);
                Err(objects::module::missing_attribute(vm, sys, args.values[0]))
            }
        }
    }),
    MethodDef::function("_clear_internal_caches", 0, 0, |vm, _| Ok(vm.none)).leaf(),
    MethodDef::function("_clear_type_cache", 0, 0, |vm, _| Ok(vm.none)).leaf(),
    MethodDef::function("_clear_type_descriptors", 1, 1, |vm, args| {
        if !objects::type_::is_type(vm, args.values[0]) {
            return Err(vm.type_error("argument must be a type"));
        }
        let ty = objects::ty::TypeRef::from_value(args.values[0]);
        for name in ["__dict__", "__weakref__"] {
            vm.dict_del_str(ty.0.dict.get(), name);
        }
        objects::type_::resolve::changed(vm, ty);
        Ok(vm.none)
    }),
];

/// Sets an attribute of a module.
fn set(vm: &mut Vm, module: Value, name: &str, value: Value) -> PyResult<()> {
    vm.dict_set_str(cast::<Module>(module).dict.get(), name, value);
    Ok(())
}

fn strings<'a>(vm: &mut Vm, items: impl IntoIterator<Item = &'a str>) -> Value {
    let list = vm.new_list(&[]);
    for item in items {
        let item = vm.new_str(item);
        vm.list_append(list, item);
    }
    list
}

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let handle = vm.keep(module);
    state::state(vm).sys = Some(handle);
    let config = state::state(vm).config.clone();
    for table in [coroutines::FUNCTIONS, frames::FUNCTIONS, hooks::FUNCTIONS] {
        vm.add_functions(module, table);
    }
    info::init(vm, module, &config)?;
    jit::init(vm, module)?;
    let modules = vm.handle(vm.modules);
    set(vm, module, "modules", modules)?;
    let argv = strings(vm, config.arguments.iter().map(String::as_str));
    set(vm, module, "argv", argv)?;
    let orig = strings(vm, config.orig_arguments.iter().map(String::as_str));
    set(vm, module, "orig_argv", orig)?;
    let path = strings(vm, config.search_path.iter().map(String::as_str).chain([LIBRARY]));
    set(vm, module, "path", path)?;
    let warn = strings(vm, config.warn_options.iter().map(String::as_str));
    set(vm, module, "warnoptions", warn)?;
    let options = vm.new_dict();
    for (name, value) in &config.x_options {
        let value = match value {
            Some(value) => vm.new_str(value),
            None => vm.true_,
        };
        vm.dict_set_str(options, name, value);
    }
    set(vm, module, "_xoptions", options)?;
    let executable = vm.new_str(&config.executable);
    set(vm, module, "executable", executable)?;
    set(vm, module, "_base_executable", executable)?;
    for name in ["prefix", "exec_prefix", "base_prefix", "base_exec_prefix"] {
        let prefix = vm.new_str("<adder>");
        set(vm, module, name, prefix)?;
    }
    let dont_write = vm.bool(config.dont_write_bytecode);
    set(vm, module, "dont_write_bytecode", dont_write)?;
    let monitoring = monitoring::make(vm)?;
    set(vm, module, "monitoring", monitoring)?;
    let modules = vm.handle(vm.modules);
    vm.dict_set_str(modules, "sys.monitoring", monitoring);
    if let Some(digits) = config.int_max_str_digits {
        objects::int::set_max_str_digits(vm, digits as usize);
    }
    hooks::init(vm, module)
}

/// `sys.exit(status=None)`.
fn exit(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let class = vm.exc.system_exit;
    Err(match args.get(0) {
        None => vm.raise_args(class, &[]),
        Some(status) => vm.raise_args(class, &[status]),
    })
}

fn intern(vm: &mut Vm, args: &CallArgs) -> PyResult {
    if vm.kind(args.values[0]) != objects::shape::Kind::Str {
        let kind = vm.type_of(args.values[0]).name();
        return Err(vm.type_error(format!("intern() argument must be str, not {kind}")));
    }
    Ok(vm.intern_value(args.values[0]))
}

/// The bytes of the object itself, by `__sizeof__`.
fn heap_report(vm: &mut Vm, args: &CallArgs) -> PyResult {
    match args.get(0) {
        Some(file) if file != vm.none => {
            let file = vm.str(file)?.to_owned();
            crate::heap_report::write(vm, &file)?;
            Ok(vm.none)
        }
        _ => {
            let text = crate::heap_report::text(vm)?;
            Ok(vm.new_str(&text))
        }
    }
}

fn getsizeof(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [object, default] = args.bind(vm, "getsizeof", &crate::support::signature(["object", "default"], 1))?;
    match size_of_object(vm, object) {
        Err(raised) if !default.is_null() && vm.type_of(raised.0).is_subtype(vm.exc.type_error) => Ok(default),
        size => size,
    }
}

fn size_of_object(vm: &mut Vm, object: Value) -> PyResult {
    let name = vm.intern("__sizeof__");
    let Some(method) = vm.special_method(object, name)? else {
        let kind = vm.type_of(object).name();
        return Err(vm.type_error(format!("Type {kind} doesn't define __sizeof__")));
    };
    let size = vm.call(method, &[])?;
    if !vm.type_of(size).is_subtype(vm.types.int) {
        return Err(vm.type_error("an integer is required"));
    }
    if vm.index(size)? < 0 {
        return Err(vm.value_error("__sizeof__() should return >= 0"));
    }
    Ok(size)
}

fn set_recursion_limit(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let limit = vm.index(args.values[0])?;
    if limit < 1 {
        return Err(vm.value_error("recursion limit must be greater or equal than 1"));
    }
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    if limit <= vm.thread.depth {
        let depth = vm.thread.depth;
        return Err(vm.recursion_error(format!(
            "cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low"
        )));
    }
    vm.thread.depth_limit = limit;
    Ok(vm.none)
}

fn set_max_digits(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let digits = vm.index(args.values[0])?;
    if digits != 0 && digits < 640 {
        return Err(vm.value_error("maxdigits must be 0 or larger than 640"));
    }
    objects::int::set_max_str_digits(vm, digits as usize);
    Ok(vm.none)
}
