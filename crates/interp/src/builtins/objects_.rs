//! Functions about any object: attributes, identity, length, representation.

use heap::Value;
use objects::args::{CallArgs, Intrinsic, MethodDef};
use objects::builtin_layouts::Module;
use objects::error::PyResult;
use objects::layout::cast;
use objects::vm::Vm;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("ascii", 1, 1, |vm, args| vm.ascii(args.values[0]))
    .with_doc("ascii($module, obj, /)\n--\n\nReturn an ASCII-only representation of an object.\n\nAs repr(), return a string containing a printable representation of an\nobject, but escape the non-ASCII characters in the string returned by\nrepr() using \\\\x, \\\\u or \\\\U escapes. This generates a string similar\nto that returned by repr() in Python 2."),
    MethodDef::function("callable", 1, 1, |vm, args| {
        let callable = vm.type_of(args.values[0]).slots().call.is_some();
        Ok(vm.bool(callable))
    })
    .leaf()
    .with_doc("callable($module, obj, /)\n--\n\nReturn whether the object is callable (i.e., some kind of function).\n\nNote that classes are callable, as are instances of classes with a\n__call__() method."),
    MethodDef::function("delattr", 2, 2, delattr)
    .with_doc("delattr($module, obj, name, /)\n--\n\nDeletes the named attribute from the given object.\n\ndelattr(x, 'y') is equivalent to ``del x.y``"),
    MethodDef::function("dir", 0, 1, dir)
    .with_doc("dir([object]) -> list of strings\n\nIf called without an argument, return the names in the current scope.\nElse, return an alphabetized list of names comprising (some of) the\nattributes of the given object, and of attributes reachable from it.\nIf the object supplies a method named __dir__, it will be used;\notherwise the default dir() logic is used and returns:\n  for a module object: the module's attributes.\n  for a class object:  its attributes, and recursively the attributes\n    of its bases.\n  for any other object: its attributes, its class's attributes, and\n    recursively the attributes of its class's base classes."),
    MethodDef::function("format", 1, 2, format)
    .with_doc("format($module, value, format_spec='', /)\n--\n\nReturn type(value).__format__(value, format_spec)\n\nMany built-in types implement format_spec according to the\nFormat Specification Mini-language. See help('FORMATTING').\n\nIf type(value) does not supply a method named __format__\nand format_spec is empty, then str(value) is returned.\nSee also help('SPECIALMETHODS')."),
    MethodDef::function("getattr", 2, 3, getattr).with_intrinsic(Intrinsic::GetAttr)
    .with_doc("getattr(object, name[, default]) -> value\n\nGet a named attribute from an object.\n\ngetattr(x, 'y') is equivalent to x.y.\nWhen a default argument is given, it is returned when the attribute\ndoesn't exist; without it, an exception is raised in that case."),
    MethodDef::function("hasattr", 2, 2, hasattr)
    .with_doc("hasattr($module, obj, name, /)\n--\n\nReturn whether the object has an attribute with the given name.\n\nThis is done by calling getattr(obj, name) and catching AttributeError."),
    MethodDef::function("hash", 1, 1, |vm, args| {
        let hash = vm.hash(args.values[0])?;
        Ok(vm.int(hash))
    })
    .with_doc("hash($module, obj, /)\n--\n\nReturn the integer hash value for the given object.\n\nTwo objects that compare equal must also have the same hash value, but\nthe reverse is not necessarily true.  Hash values may differ between\nPython processes.  Not all objects are hashable; calling hash() on an\nunhashable object raises TypeError."),
    MethodDef::function("id", 1, 1, |vm, args| Ok(vm.id(args.values[0]))).leaf()
    .with_doc("id($module, obj, /)\n--\n\nReturn the identity of an object.\n\nThis is guaranteed to be unique among simultaneously existing objects.\n(CPython uses the object's memory address.)"),
    MethodDef::function("len", 1, 1, |vm, args| {
        let len = vm.len(args.values[0])?;
        Ok(vm.int(len))
    })
    .with_intrinsic(Intrinsic::Len)
    .with_doc("len($module, obj, /)\n--\n\nReturn the number of items in a container."),
    MethodDef::function("repr", 1, 1, |vm, args| vm.repr(args.values[0]))
    .with_doc("repr($module, obj, /)\n--\n\nReturn the canonical string representation of the object.\n\nFor many object types, including most builtins, eval(repr(obj)) == obj."),
    MethodDef::function("setattr", 3, 3, setattr)
    .with_doc("setattr($module, obj, name, value, /)\n--\n\nSets the named attribute on the given object to the specified value.\n\nsetattr(x, 'y', v) is equivalent to ``x.y = v``"),
    MethodDef::function("globals", 0, 0, |vm, _| {
        let globals = (vm.hooks.current_globals)(vm);
        Ok(if globals.is_null() { vm.none } else { globals })
    })
    .with_doc("globals($module, /)\n--\n\nReturn the dictionary containing the current scope's global variables.\n\nNOTE: Updates to this dictionary *will* affect name lookups in the\ncurrent global scope and vice-versa."),
    MethodDef::function("locals", 0, 0, |vm, _| crate::frame_type::current_locals(vm))
    .with_doc("locals($module, /)\n--\n\nReturn a dictionary containing the current scope's local variables.\n\nNOTE: Whether or not updates to this dictionary will affect name\nlookups in the local scope and vice-versa is *implementation\ndependent* and not covered by any backwards compatibility\nguarantees."),
    MethodDef::function("vars", 0, 1, vars)
    .with_doc("vars([object]) -> dictionary\n\nWithout arguments, equivalent to locals().\nWith an argument, equivalent to object.__dict__."),
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
