//! `_tuplegetter`: the descriptor behind the fields of named tuples and struct sequences.

use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::error::PyResult;
use crate::layout;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec};
use crate::vm::Vm;
use heap::Value;

layout! {
    TupleGetter {
        index INDEX: i64;
        /// `__doc__`; NULL is None.
        doc DOC: Value;
    }
}

#[derive(Default)]
struct State {
    ty: Option<TypeRef>,
}

/// The class, made when first asked for.
pub fn class(vm: &mut Vm) -> TypeRef {
    if let Some(ty) = vm.extension::<State>().ty {
        return ty;
    }
    let object = vm.types.object;
    let ty = vm.new_builtin_type(
        TypeSpec {
            module: "_collections",
            slots: Slots {
                new: Some(new_getter),
                repr: Some(repr),
                descr_get: Some(get),
                descr_set: Some(set),
                ..Slots::default()
            },
            methods: METHODS,
            getset: GETSET,
            ..TypeSpec::of::<TupleGetter>("_tuplegetter", Kind::Other)
        },
        object,
    );
    vm.extension::<State>().ty = Some(ty);
    ty
}

/// A getter of item `index`.
pub fn new(vm: &mut Vm, index: usize) -> Value {
    let ty = class(vm);
    let getter = vm.new_instance(ty);
    cast::<TupleGetter>(getter).index.set(index as i64);
    getter
}

static METHODS: &[MethodDef] = &[MethodDef::method("__reduce__", 1, 1, |vm, args| {
    let getter = cast::<TupleGetter>(args.values[0]);
    let doc = if getter.doc.get().is_null() { vm.none } else { getter.doc.get() };
    let class = class(vm).value();
    let arguments = vm.new_tuple(&[Value::from_int(getter.index.get()), doc]);
    Ok(vm.new_tuple(&[class, arguments]))
})];

static GETSET: &[GetSetDef] = &[GetSetDef::new(
    "__doc__",
    |vm, getter| {
        let doc = cast::<TupleGetter>(getter).doc.get();
        Ok(if doc.is_null() { vm.none } else { doc })
    },
    |vm, getter, doc| {
        vm.write(getter, &cast::<TupleGetter>(getter).doc, doc);
        Ok(())
    },
)];

fn new_getter(vm: &mut Vm, _: TypeRef, args: &CallArgs) -> PyResult {
    let values = crate::arity::positional(vm, "_tuplegetter", args, 2, 2)?;
    let index = vm.index(values[0])?;
    let Ok(index) = usize::try_from(index) else {
        return Err(vm.value_error("_tuplegetter index must not be negative"));
    };
    let getter = new(vm, index);
    vm.write(getter, &cast::<TupleGetter>(getter).doc, values[1]);
    Ok(getter)
}

fn repr(vm: &mut Vm, getter: Value) -> PyResult {
    let object = cast::<TupleGetter>(getter);
    let (name, index, doc) = (vm.type_name(getter), object.index.get(), object.doc.get());
    let doc = if doc.is_null() { vm.none } else { doc };
    let doc = vm.repr_text(doc)?;
    Ok(vm.new_str(&format!("{name}({index}, {doc})")))
}

fn get(vm: &mut Vm, getter: Value, instance: Value, _: Value) -> PyResult {
    if instance.is_null() || instance == vm.none {
        return Ok(getter);
    }
    let index = cast::<TupleGetter>(getter).index.get();
    if !crate::tuple::is_tuple(vm, instance) {
        let given = vm.type_name(instance);
        return Err(vm.type_error(format!(
            "descriptor for index '{index}' for tuple subclasses doesn't apply to '{given}' object"
        )));
    }
    match crate::tuple::items(instance).get(index as usize) {
        Some(&item) => Ok(item),
        None => Err(vm.index_error("tuple index out of range")),
    }
}

fn set(vm: &mut Vm, _: Value, _: Value, value: Value) -> PyResult<()> {
    let message = if value.is_null() { "can't delete attribute" } else { "can't set attribute" };
    Err(vm.attribute_error_text(message))
}
