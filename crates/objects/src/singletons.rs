//! `None`, `NotImplemented`, `Ellipsis`; the objects of the bools are made here too.

use crate::args::{CallArgs, MethodDef};
use crate::builtin_layouts::Singleton;
use crate::error::PyResult;
use crate::layout::value_of;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec};
use crate::vm::Vm;
use heap::Value;

/// The types; the objects follow when all kinds exist.
pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.none_type = vm.new_builtin_type(
        TypeSpec {
            slots: Slots {
                new: Some(|vm, _, args| no_arguments(vm, args, "NoneType", vm.none)),
                repr: Some(|vm, _| Ok(vm.intern("None"))),
                bool: Some(|_, _| Ok(false)),
                hash: Some(|_, _| Ok(0xfca86420)),
                ..Slots::default()
            },
            doc: "The type of the None singleton.",
            ..TypeSpec::of::<Singleton>("NoneType", Kind::None)
        },
        object,
    );
    vm.types.not_implemented_type = vm.new_builtin_type(
        TypeSpec {
            slots: Slots {
                new: Some(|vm, _, args| no_arguments(vm, args, "NotImplementedType", vm.not_implemented)),
                repr: Some(|vm, _| Ok(vm.intern("NotImplemented"))),
                bool: Some(|vm, _| Err(vm.type_error("NotImplemented should not be used in a boolean context"))),
                ..Slots::default()
            },
            methods: const { &[MethodDef::method("__reduce__", 1, 1, |vm, _| Ok(vm.intern("NotImplemented")))] },
            doc: "The type of the NotImplemented singleton.",
            ..TypeSpec::of::<Singleton>("NotImplementedType", Kind::NotImplemented)
        },
        object,
    );
    vm.types.ellipsis_type = vm.new_builtin_type(
        TypeSpec {
            slots: Slots {
                new: Some(|vm, _, args| no_arguments(vm, args, "EllipsisType", vm.ellipsis)),
                repr: Some(|vm, _| Ok(vm.intern("Ellipsis"))),
                ..Slots::default()
            },
            methods: const { &[MethodDef::method("__reduce__", 1, 1, |vm, _| Ok(vm.intern("Ellipsis")))] },
            doc: "The type of the Ellipsis singleton.",
            ..TypeSpec::of::<Singleton>("ellipsis", Kind::Ellipsis)
        },
        object,
    );
}

fn no_arguments(vm: &mut Vm, args: &CallArgs, name: &str, value: Value) -> PyResult {
    if args.values.is_empty() { Ok(value) } else { Err(vm.type_error(format!("{name} takes no arguments"))) }
}

/// The objects.
pub(crate) fn make(vm: &mut Vm) {
    vm.none = make_one(vm, vm.types.none_type, 0);
    vm.not_implemented = make_one(vm, vm.types.not_implemented_type, 0);
    vm.ellipsis = make_one(vm, vm.types.ellipsis_type, 0);
    vm.false_ = make_one(vm, vm.types.bool_, 0);
    vm.true_ = make_one(vm, vm.types.bool_, 1);
    vm.empty_str = vm.intern("");
    let empty = vm.new_tuple(&[]);
    vm.empty_tuple = vm.make_immortal(empty);
    let characters: [Value; 128] = std::array::from_fn(|code| vm.intern_bytes(&[code as u8])); // immortal
    vm.characters = vm.new_immortal_tuple(&characters);
    let empty = vm.new_bytes(&[]);
    vm.empty_bytes = vm.make_immortal(empty);
}

fn make_one(vm: &mut Vm, ty: TypeRef, number: i64) -> Value {
    let shape = ty.data().shape.get().expect("singletons have a shape");
    let object = vm.alloc_immortal::<Singleton>(shape);
    object.number.set(number);
    value_of(object)
}
