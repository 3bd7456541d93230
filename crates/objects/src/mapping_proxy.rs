//! `types.MappingProxyType`: a mapping that cannot be changed through it; the `__dict__` of classes.

use crate::args::{CallArgs, MethodDef, Signature};
use crate::error::PyResult;
use crate::layout;
use crate::layout::cast;
use crate::list::sequence;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

layout! {
    MappingProxy {
        mapping MAPPING: Value, immutable;
    }
}

pub(crate) fn init(vm: &mut Vm) {
    let spec = TypeSpec {
        flags: flags::MAPPING,
        slots: Slots {
            new: Some(new_from_arguments),
            repr: Some(repr),
            str: Some(|vm, proxy| vm.str_of(mapping_of(proxy))),
            hash: Some(|vm, proxy| vm.hash(mapping_of(proxy))),
            compare: Some(|vm, proxy, other, op| vm.compare(mapping_of(proxy), other, op)),
            iter: Some(|vm, proxy| vm.iter(mapping_of(proxy))),
            len: Some(|vm, proxy| vm.len(mapping_of(proxy))),
            getitem: Some(|vm, proxy, key| vm.getitem(mapping_of(proxy), key)),
            contains: Some(|vm, proxy, key| vm.contains(mapping_of(proxy), key)),
            or: Some(or),
            inplace_or: Some(|vm, proxy, other| {
                let _ = other;
                let name = vm.type_name(proxy);
                Err(vm.type_error(format!("'|=' is not supported by {name}; use '|' instead")))
            }),
            ..Slots::default()
        },
        methods: METHODS,
        doc: "Read-only proxy of a mapping.",
        ..TypeSpec::of::<MappingProxy>("mappingproxy", Kind::Other)
    };
    vm.types.mapping_proxy = vm.new_builtin_type(spec, vm.types.object);
}

/// A proxy of a mapping.
pub fn new(vm: &mut Vm, mapping: Value) -> Value {
    let value = vm.new_instance(vm.types.mapping_proxy);
    cast::<MappingProxy>(value).mapping.set(mapping);
    value
}

/// What a proxy stands for.
#[inline(always)]
pub fn mapping_of(proxy: Value) -> Value {
    cast::<MappingProxy>(proxy).mapping.get()
}

/// The mapping itself, if the operand is a proxy.
fn unwrapped(vm: &Vm, value: Value) -> Value {
    if vm.type_of(value) == vm.types.mapping_proxy { mapping_of(value) } else { value }
}

fn new_from_arguments(vm: &mut Vm, _ty: TypeRef, args: &CallArgs) -> PyResult {
    static SIGNATURE: Signature<1> =
        Signature { parameters: ["mapping"], skip: 0, positional_only: 0, max_positional: 1, required: 1 };
    let [mapping] = args.bind(vm, "mappingproxy", &SIGNATURE)?;
    let is_mapping = {
        let ty = vm.type_of(mapping);
        let subscripts = ty.slots().getitem.is_some();
        subscripts && !ty.has(flags::LIST) && !ty.has(flags::TUPLE)
    };
    if !is_mapping {
        let name = vm.type_name(mapping);
        return Err(vm.type_error(format!("mappingproxy() argument must be a mapping, not {name}")));
    }
    Ok(new(vm, mapping))
}

fn repr(vm: &mut Vm, proxy: Value) -> PyResult {
    let mut text = b"mappingproxy(".to_vec();
    sequence::push_repr(vm, &mut text, mapping_of(proxy))?;
    text.push(b')');
    Ok(vm.new_str_bytes(&text))
}

fn or(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let (a, b) = (unwrapped(vm, a), unwrapped(vm, b));
    vm.binary_op(crate::protocol::number::BinaryOp::Or, a, b)
}

/// Calls the mapping's own method of that name.
fn forward(vm: &mut Vm, args: &CallArgs, name: &str) -> PyResult {
    vm.call_method(mapping_of(args.values[0]), name, &args.values[1..])
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("get", 2, 3, |vm, args| {
        let default = args.get(2).unwrap_or(vm.none);
        vm.call_method(mapping_of(args.values[0]), "get", &[args.values[1], default])
    })
    .with_doc("get($self, key, default=None, /)\n--\n\nReturn the value for key if key is in the mapping, else default."),
    MethodDef::method("keys", 1, 1, |vm, args| forward(vm, args, "keys"))
        .with_doc("keys($self, /)\n--\n\nD.keys() -> a set-like object providing a view on D's keys"),
    MethodDef::method("values", 1, 1, |vm, args| forward(vm, args, "values"))
        .with_doc("values($self, /)\n--\n\nD.values() -> an object providing a view on D's values"),
    MethodDef::method("items", 1, 1, |vm, args| forward(vm, args, "items"))
        .with_doc("items($self, /)\n--\n\nD.items() -> a set-like object providing a view on D's items"),
    MethodDef::method("copy", 1, 1, |vm, args| forward(vm, args, "copy")).with_doc("copy($self, /)\n--\n\nD.copy() -> a shallow copy of D"),
    MethodDef::method("__reversed__", 1, 1, |vm, args| forward(vm, args, "__reversed__"))
        .with_doc("__reversed__($self, /)\n--\n\nD.__reversed__() -> reverse iterator"),
    MethodDef::class_method("__class_getitem__", 2, 2, crate::list::class_getitem).with_doc("__class_getitem__($type, object, /)\n--\n\nmappingproxy objects are generic over two types, signifying (respectively) the types of their keys and values"),
];
