//! Tests of the object model without an interpreter: classes are made as `type(name, bases, namespace)` does.

mod attributes;
mod classes;
mod exceptions;
mod operators;

use crate::args::{CallArgs, MethodDef};
use crate::error::{PyResult, Raised};
use crate::ty::TypeRef;
use crate::vm::Vm;
use heap::Value;

use crate::testing::with_vms;

/// `class name(*bases)` with these attributes.
fn class(vm: &mut Vm, name: &str, bases: &[TypeRef], attributes: &[(&str, Value)]) -> TypeRef {
    try_class(vm, name, bases, attributes).unwrap_or_else(|raised| panic!("{}", message(vm, raised)))
}

fn try_class(vm: &mut Vm, name: &str, bases: &[TypeRef], attributes: &[(&str, Value)]) -> PyResult<TypeRef> {
    let name = vm.new_str(name);
    let bases: Vec<Value> = bases.iter().map(|base| base.value()).collect();
    let bases = vm.new_tuple(&bases);
    let namespace = vm.new_dict();
    for (name, value) in attributes {
        let name = vm.intern(name);
        vm.dict_set_name(namespace, name, *value);
    }
    let metatype = vm.types.type_.value();
    vm.call(metatype, &[name, bases, namespace]).map(TypeRef::from_value)
}

/// An attribute that behaves like a function written in Python: binds.
fn function(vm: &mut Vm, def: &'static MethodDef) -> Value {
    crate::builtin::new_method_descriptor(vm, def, vm.types.object)
}

fn strs(vm: &mut Vm, texts: &[&str]) -> Value {
    let values: Vec<Value> = texts.iter().map(|text| vm.intern(text)).collect();
    vm.new_tuple(&values)
}

fn get(vm: &mut Vm, object: Value, name: &str) -> Value {
    let result = vm.getattr_str(object, name);
    result.unwrap_or_else(|raised| panic!("{}", message(vm, raised)))
}

fn set(vm: &mut Vm, object: Value, name: &str, value: i64) {
    vm.setattr_str(object, name, Value::from_int(value)).unwrap_or_else(|raised| panic!("{}", message(vm, raised)));
}

/// `type: text` of an exception.
fn message(vm: &mut Vm, raised: Raised) -> String {
    let ty = vm.type_name(raised.0);
    let text = vm.str_text(raised.0).unwrap_or_else(|_| "(no text)".to_string());
    format!("{ty}: {text}")
}

fn error<T: std::fmt::Debug>(vm: &mut Vm, result: PyResult<T>) -> String {
    message(vm, result.expect_err("an exception"))
}

fn repr(vm: &mut Vm, value: Value) -> String {
    vm.repr_text(value).unwrap_or_else(|raised| message(vm, raised))
}

fn instantiate(vm: &mut Vm, ty: TypeRef) -> Value {
    vm.call(ty.value(), &[]).unwrap_or_else(|raised| panic!("{}", message(vm, raised)))
}

fn call(vm: &mut Vm, callable: Value, args: &[Value]) -> Value {
    vm.call_kw(callable, &CallArgs::positional(args)).unwrap_or_else(|raised| panic!("{}", message(vm, raised)))
}
