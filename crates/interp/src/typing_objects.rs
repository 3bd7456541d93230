//! Type parameters of `def f[T]`, `class C[T]` and `type A = …`: made by the native module `_typing`.

use heap::Value;
use objects::error::PyResult;
use objects::vm::Vm;

fn call(vm: &mut Vm, function: &str, args: &[Value]) -> PyResult {
    let typing = crate::import::import_module(vm, "_typing")?;
    let function = vm.getattr_str(typing, function)?;
    vm.call(function, args)
}

/// `T`, with functions that evaluate its bound or its constraints (NULL: none).
pub fn type_variable(vm: &mut Vm, name: Value, bound: Value, constraints: Value) -> PyResult {
    let or_none = |value: Value, none: Value| if value.is_null() { none } else { value };
    let (bound, constraints) = (or_none(bound, vm.none), or_none(constraints, vm.none));
    call(vm, "_type_variable", &[name, bound, constraints])
}

/// `**P`.
pub fn param_spec(vm: &mut Vm, name: Value) -> PyResult {
    call(vm, "_param_spec", &[name])
}

/// `*Ts`.
pub fn type_variable_tuple(vm: &mut Vm, name: Value) -> PyResult {
    call(vm, "_type_variable_tuple", &[name])
}

/// `Generic[params]`: the base that a class with type parameters gets.
pub fn subscript_generic(vm: &mut Vm, params: Value) -> PyResult {
    call(vm, "_subscript_generic", &[params])
}

/// `type name[params] = value`: from a tuple of name, type parameters and the function that evaluates the value.
pub fn type_alias(vm: &mut Vm, parts: Value) -> PyResult {
    let parts = objects::tuple::items(parts);
    call(vm, "_type_alias", parts)
}

/// The function that evaluates a type parameter's default.
pub fn set_default(vm: &mut Vm, parameter: Value, default: Value) -> PyResult {
    call(vm, "_set_default", &[parameter, default])
}
