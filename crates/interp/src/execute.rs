//! Running code from Rust: functions, modules, `exec`.

use crate::slots;
use heap::Value;
use metatrace::Direct;
use objects::args::CallArgs;
use objects::builtin_layouts::Function;
use objects::code::Code;
use objects::error::{PyResult, Raised};
use objects::layout::cast;
use objects::vm::Vm;
use syntax::CodeFlags;

/// Calls a Python function.
pub fn call_function(vm: &mut Vm, function: Value, args: &CallArgs) -> PyResult {
    let object = cast::<Function>(function);
    let code = Code::from_token(object.code.get());
    let source = &code.source;
    let given = args.values.len();
    let plain = args.names.is_null()
        && given == source.arg_count as usize
        && source.kwonly_count == 0
        && !source.flags.has_any(CodeFlags::VARIADIC);
    let bound = if plain { Value::NULL } else { crate::arguments::bind(vm, function, args)? };
    let window = window(vm, code, function)?;
    let values = if plain { args.values } else { objects::tuple::items(bound) };
    for (i, value) in values.iter().enumerate() {
        // SAFETY: parameters are the first locals.
        unsafe { *window.add(slots::FIRST_LOCAL + i) = *value };
    }
    run(vm, code, window)
}

/// A window with the fixed slots of a call of `function`.
fn window(vm: &mut Vm, code: &'static Code, function: Value) -> PyResult<*mut Value> {
    let Some(window) = vm.thread.window(code.slot_count as usize) else {
        return Err(vm.recursion_error("maximum recursion depth exceeded"));
    };
    // SAFETY: the window has the code's slots.
    unsafe {
        *window.add(slots::FUNCTION) = function;
        let globals = cast::<Function>(function).globals.get();
        *window.add(slots::GLOBALS) = globals;
        if !code.flags().has(CodeFlags::OPTIMIZED) {
            *window.add(slots::LOCALS) = globals;
        }
    }
    Ok(window)
}

fn run(vm: &mut Vm, code: &'static Code, window: *mut Value) -> PyResult {
    Direct::<objects::vm::Python>::call(vm, code, window, 0, code.first_local + code.local_count).map_err(Raised)
}

/// Runs code whose names are those of `globals` and `locals`; `closure` holds the cells of its free variables or is NULL.
pub fn run_code(vm: &mut Vm, code: &'static Code, globals: Value, locals: Value, closure: Value) -> PyResult {
    let builtins = builtins_of(vm, globals)?;
    let function = vm.new_function(code, globals)?;
    let object = cast::<Function>(function);
    vm.write(function, &object.builtins, builtins);
    if !closure.is_null() {
        vm.write(function, &object.closure, closure);
    }
    // Code of a function lacks its arguments here.
    let bound = match code.source.parameter_count() {
        0 => vm.empty_tuple,
        _ => crate::arguments::bind(vm, function, &CallArgs::positional(&[]))?,
    };
    let window = window(vm, code, function)?;
    for (i, value) in objects::tuple::items(bound).iter().enumerate() {
        // SAFETY: parameters are the first locals.
        unsafe { *window.add(slots::FIRST_LOCAL + i) = *value };
    }
    if !code.flags().has(CodeFlags::OPTIMIZED) {
        // SAFETY: the window has the code's slots.
        unsafe { *window.add(slots::LOCALS) = locals };
    }
    run(vm, code, window)
}

/// The builtins that code with these globals sees: `__builtins__`, set if it is missing.
pub fn builtins_of(vm: &mut Vm, globals: Value) -> PyResult {
    let own = vm.handle(vm.builtins);
    match vm.dict_get_str(globals, "__builtins__") {
        Some(value) if vm.kind(value) == objects::shape::Kind::Module => {
            Ok(cast::<objects::builtin_layouts::Module>(value).dict.get())
        }
        Some(value) => Ok(value),
        None => {
            vm.dict_set_str(globals, "__builtins__", own);
            Ok(own)
        }
    }
}

/// Runs a module's body.
pub fn run_module_code(vm: &mut Vm, code: &'static Code, dict: Value) -> PyResult {
    objects::namespace::watch(vm, dict);
    run_code(vm, code, dict, dict, Value::NULL)
}

/// What the command line says about compiling.
pub fn compile_options(vm: &mut Vm) -> syntax::Options {
    let config = &crate::state::state(vm).config;
    let (optimize, columns) = (config.optimize, !config.no_debug_ranges);
    let int_max_str_digits = objects::int::max_str_digits(vm);
    syntax::Options { optimize, columns, int_max_str_digits, ..syntax::Options::default() }
}
