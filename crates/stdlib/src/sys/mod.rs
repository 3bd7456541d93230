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
    MethodDef::function("exit", 0, 1, exit)
    .with_doc("exit($module, status=None, /)\n--\n\nExit the interpreter by raising SystemExit(status).\n\nIf the status is omitted or None, it defaults to zero (i.e., success).\nIf the status is an integer, it will be used as the system exit status.\nIf it is another kind of object, it will be printed and the system\nexit status will be one (i.e., failure)."),
    MethodDef::function("intern", 1, 1, intern)
    .with_doc("intern($module, string, /)\n--\n\n``Intern'' the given string.\n\nThis enters the string in the (global) table of interned strings whose\npurpose is to speed up dictionary lookups. Return the string itself or\nthe previously interned string object with the same value."),
    MethodDef::function("getsizeof", 0, objects::args::MANY, getsizeof)
        .with_keywords()
        .with_doc("getsizeof(object [, default]) -> int\n\nReturn the size of object in bytes."),
    MethodDef::function("_heap_report", 0, 1, heap_report)
        .with_doc("_heap_report($module, file=None, /)\n--\n\nWrite what lives to a file, or return it as text."),
    MethodDef::function("getrefcount", 1, 1, |vm, _| Ok(vm.int(2))).leaf()
    .with_doc("getrefcount($module, object, /)\n--\n\nReturn the reference count of object.\n\nThe count returned is generally one higher than you might expect,\nbecause it includes the (temporary) reference as an argument to\ngetrefcount()."),
    MethodDef::function("getrecursionlimit", 0, 0, |vm, _| {
        let limit = vm.thread.depth_limit;
        Ok(vm.int(limit as i64))
    })
    .leaf()
    .with_doc("getrecursionlimit($module, /)\n--\n\nReturn the current value of the recursion limit.\n\nThe recursion limit is the maximum depth of the Python interpreter\nstack.  This limit prevents infinite recursion from causing an overflow\nof the C stack and crashing Python."),
    MethodDef::function("setrecursionlimit", 1, 1, set_recursion_limit)
    .with_doc("setrecursionlimit($module, limit, /)\n--\n\nSet the maximum depth of the Python interpreter stack to n.\n\nThis limit prevents infinite recursion from causing an overflow of the C\nstack and crashing Python.  The highest possible limit is platform-\ndependent."),
    MethodDef::function("getdefaultencoding", 0, 0, |vm, _| Ok(vm.intern("utf-8"))).leaf()
    .with_doc("getdefaultencoding($module, /)\n--\n\nReturn the current default encoding used by the Unicode implementation."),
    MethodDef::function("getfilesystemencoding", 0, 0, |vm, _| Ok(vm.intern("utf-8"))).leaf()
    .with_doc("getfilesystemencoding($module, /)\n--\n\nReturn the encoding used to convert Unicode filenames to OS filenames."),
    MethodDef::function("getfilesystemencodeerrors", 0, 0, |vm, _| Ok(vm.intern("surrogateescape"))).leaf()
    .with_doc("getfilesystemencodeerrors($module, /)\n--\n\nReturn the error mode used Unicode to OS filename conversion."),
    MethodDef::function("getswitchinterval", 0, 0, |vm, _| Ok(vm.float(0.005))).leaf()
    .with_doc("getswitchinterval($module, /)\n--\n\nReturn the current thread switch interval; see sys.setswitchinterval()."),
    MethodDef::function("setswitchinterval", 1, 1, |vm, _| Ok(vm.none))
    .with_doc("setswitchinterval($module, interval, /)\n--\n\nSet the ideal thread switching delay inside the Python interpreter.\n\nThe actual frequency of switching threads can be lower if the\ninterpreter executes long sequences of uninterruptible code\n(this is implementation-specific and workload-dependent).\n\nThe parameter must represent the desired switching delay in seconds\nA typical value is 0.005 (5 milliseconds)."),
    MethodDef::function("is_finalizing", 0, 0, |vm, _| Ok(vm.false_)).leaf()
    .with_doc("is_finalizing($module, /)\n--\n\nReturn True if Python is exiting."),
    MethodDef::function("get_int_max_str_digits", 0, 0, |vm, _| {
        let digits = objects::int::max_str_digits(vm);
        Ok(vm.int(digits as i64))
    })
    .leaf()
    .with_doc("get_int_max_str_digits($module, /)\n--\n\nReturn the maximum string digits limit for non-binary int<->str conversions."),
    MethodDef::function("set_int_max_str_digits", 1, 1, set_max_digits)
    .with_doc("set_int_max_str_digits($module, /, maxdigits)\n--\n\nSet the maximum string digits limit for non-binary int<->str conversions."),
    MethodDef::function("audit", 1, objects::args::MANY, |vm, _| Ok(vm.none))
    .with_doc("audit($module, event, /, *args)\n--\n\nPasses the event to any audit hooks that are attached."),
    MethodDef::function("addaudithook", 1, 1, |vm, _| Ok(vm.none))
    .with_doc("addaudithook($module, /, hook)\n--\n\nAdds a new audit hook callback."),
    MethodDef::function("getallocatedblocks", 0, 0, |vm, _| Ok(vm.int(0))).leaf()
    .with_doc("getallocatedblocks($module, /)\n--\n\nReturn the number of memory blocks currently allocated."),
    MethodDef::function("_get_cpu_count_config", 0, 0, |vm, _| Ok(vm.int(-1))).leaf()
    .with_doc("_get_cpu_count_config($module, /)\n--\n\nPrivate function for getting PyConfig.cpu_count"),
    MethodDef::function("_is_gil_enabled", 0, 0, |vm, _| Ok(vm.true_)).leaf()
    .with_doc("_is_gil_enabled($module, /)\n--\n\nReturn True if the GIL is currently enabled and False otherwise."),
    MethodDef::function("_is_interned", 1, 1, |vm, args| {
        let interned = vm.intern_value(args.values[0]) == args.values[0];
        Ok(vm.bool(interned))
    })
    .with_doc("_is_interned($module, string, /)\n--\n\nReturn True if the given string is \"interned\"."),
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
    MethodDef::function("_clear_internal_caches", 0, 0, |vm, _| Ok(vm.none)).leaf()
    .with_doc("_clear_internal_caches($module, /)\n--\n\nClear all internal performance-related caches."),
    MethodDef::function("_clear_type_cache", 0, 0, |vm, _| Ok(vm.none)).leaf()
    .with_doc("_clear_type_cache($module, /)\n--\n\nClear the internal type lookup cache."),
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
    })
    .with_doc("_clear_type_descriptors($module, type, /)\n--\n\nPrivate function for clearing certain descriptors from a type's dictionary.\n\nSee gh-135228 for context."),
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
    if vm.type_of(args.values[0]) != vm.types.str_ {
        let kind = vm.type_of(args.values[0]).name();
        return Err(vm.type_error(format!("intern() argument must be str, not {kind}")));
    }
    let text = vm.exact_str(args.values[0]);
    Ok(vm.intern_value(text))
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
