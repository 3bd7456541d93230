//! Functions about any object: attributes, identity, length, representation.

use heap::Value;
use objects::args::{CallArgs, Intrinsic, MethodDef};
use objects::builtin_layouts::Module;
use objects::error::PyResult;
use objects::layout::cast;
use objects::vm::Vm;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("ascii", 1, 1, |vm, args| vm.ascii(args.values[0])),
    MethodDef::function("callable", 1, 1, |vm, args| {
        let callable = vm.type_of(args.values[0]).slots().call.is_some();
        Ok(vm.bool(callable))
    })
    .leaf(),
    MethodDef::function("delattr", 2, 2, delattr),
    MethodDef::function("dir", 0, 1, dir),
    MethodDef::function("format", 1, 2, format),
    MethodDef::function("getattr", 2, 3, getattr),
    MethodDef::function("hasattr", 2, 2, hasattr),
    MethodDef::function("hash", 1, 1, |vm, args| {
        let hash = vm.hash(args.values[0])?;
        Ok(vm.int(hash))
    }),
    MethodDef::function("id", 1, 1, |vm, args| Ok(vm.id(args.values[0]))).leaf(),
    MethodDef::function("len", 1, 1, |vm, args| {
        let len = vm.len(args.values[0])?;
        Ok(vm.int(len))
    })
    .with_intrinsic(Intrinsic::Len),
    MethodDef::function("repr", 1, 1, |vm, args| vm.repr(args.values[0])),
    MethodDef::function("setattr", 3, 3, setattr),
    MethodDef::function("globals", 0, 0, |vm, _| {
        let globals = (vm.hooks.current_globals)(vm);
        Ok(if globals.is_null() { vm.none } else { globals })
    }),
    MethodDef::function("locals", 0, 0, |vm, _| crate::frame_type::current_locals(vm)),
    MethodDef::function("vars", 0, 1, vars),
];

/// An attribute name: interned, so that lookups compare words.
fn attribute_name(vm: &mut Vm, name: Value, function: &str) -> PyResult {
    if !vm.is_str(name) {
        let kind = vm.type_of(name).name();
        let message = if function.is_empty() {
            format!("attribute name must be string, not '{kind}'")
        } else {
            format!("{function}: attribute name must be string, not '{kind}'")
        };
        return Err(vm.type_error(message));
    }
    Ok(vm.intern_value(name))
}

fn getattr(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let name = attribute_name(vm, args.values[1], "")?;
    match args.get(2) {
        None => vm.getattr(args.values[0], name),
        Some(default) => Ok(vm.getattr_opt(args.values[0], name)?.unwrap_or(default)),
    }
}

fn hasattr(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let name = attribute_name(vm, args.values[1], "")?;
    let found = vm.getattr_opt(args.values[0], name)?.is_some();
    Ok(vm.bool(found))
}

fn setattr(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let name = attribute_name(vm, args.values[1], "")?;
    vm.setattr(args.values[0], name, args.values[2])?;
    Ok(vm.none)
}

fn delattr(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let name = attribute_name(vm, args.values[1], "")?;
    vm.delattr(args.values[0], name)?;
    Ok(vm.none)
}

fn format(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let spec = args.get(1).unwrap_or(vm.empty_str);
    if !vm.is_str(spec) {
        let kind = vm.type_of(spec).name();
        return Err(vm.type_error(format!("format() argument 2 must be str, not {kind}")));
    }
    vm.format(args.values[0], spec)
}

/// Sorted names.
fn dir(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let names = match args.get(0) {
        Some(object) => {
            let name = vm.intern("__dir__");
            let Some(method) = vm.special_method(object, name)? else {
                return Err(vm.type_error("object does not provide __dir__"));
            };
            vm.call(method, &[])?
        }
        None => {
            let locals = crate::frame_type::current_locals(vm)?;
            vm.call_method(locals, "keys", &[])?
        }
    };
    let list = vm.collect_list(names)?;
    vm.call_method(list, "sort", &[])?;
    Ok(list)
}

fn vars(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let Some(object) = args.get(0) else { return crate::frame_type::current_locals(vm) };
    if vm.kind(object) == objects::shape::Kind::Module {
        return Ok(cast::<Module>(object).dict.get());
    }
    let name = vm.intern("__dict__");
    match vm.getattr_opt(object, name)? {
        Some(dict) => Ok(dict),
        None => Err(vm.type_error("vars() argument must have __dict__ attribute")),
    }
}
