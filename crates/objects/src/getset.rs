//! `getset_descriptor`: attributes of built-in types that Rust functions get and set.

use crate::args::GetSetDef;
use crate::builtin_layouts::GetSet;
use crate::error::PyResult;
use crate::layout::{cast, value_of};
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

/// The Rust functions of a descriptor.
pub fn def_of(descriptor: Value) -> &'static GetSetDef {
    // SAFETY: every `GetSet` is made from a `&'static GetSetDef`.
    unsafe { &*(cast::<GetSet>(descriptor).def.get() as usize as *const GetSetDef) }
}

/// The attribute `def` of the type `owner`.
pub fn new_getset(vm: &mut Vm, def: &'static GetSetDef, owner: TypeRef) -> Value {
    let shape = vm.shape_for_kind(Kind::GetSet);
    let descriptor = vm.alloc::<GetSet>(shape);
    descriptor.def.set(std::ptr::from_ref(def).addr() as i64);
    descriptor.owner.set(owner.value());
    value_of(descriptor)
}

/// Attributes that CPython keeps in fields: their descriptors say that they are members.
static FIELDS: &[(&str, &[&str])] = &[
    ("function", &["__closure__", "__doc__", "__globals__", "__module__", "__builtins__"]),
    ("property", &["fget", "fset", "fdel"]),
    ("method", &["__func__", "__self__"]),
    ("slice", &["start", "stop", "step"]),
    ("range", &["start", "stop", "step"]),
    ("complex", &["real", "imag"]),
    ("super", &["__thisclass__", "__self__", "__self_class__"]),
    ("staticmethod", &["__func__", "__wrapped__"]),
    ("classmethod", &["__func__", "__wrapped__"]),
    ("type", &["__basicsize__", "__itemsize__", "__flags__", "__weakrefoffset__", "__base__", "__dictoffset__"]),
    ("BaseException", &["__suppress_context__"]),
];

/// Once type `member` exists: gives such descriptors of the types so far its class.
pub(crate) fn mark_fields(vm: &mut Vm) {
    let id = vm.thread.heap.register_shape(crate::shape::fixed::<GetSet>());
    let shape = crate::shape::Shape::new(id, Kind::GetSet, vm.types.member, <GetSet as crate::layout::Object>::WORDS);
    let shape = vm.enter_shape(shape);
    for ty in vm.all_types.clone() {
        let name = ty.name();
        let Some((_, fields)) = FIELDS.iter().find(|(owner, _)| *owner == name) else { continue };
        for field in *fields {
            if let Some(descriptor) = vm.dict_get_str(ty.0.dict.get(), field)
                && vm.type_of(descriptor) == vm.types.getset
            {
                // SAFETY: both shapes have the layout of `GetSet`.
                unsafe { heap::set_shape(descriptor, shape.id) };
            }
        }
    }
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.getset = vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW,
            slots: Slots { repr: Some(repr), descr_get: Some(get), descr_set: Some(set), ..Slots::default() },
            getset: const {
                &[
                    GetSetDef::read_only("__name__", |vm, object| Ok(vm.intern(def_of(object).name))),
                    GetSetDef::read_only("__qualname__", qualname),
                    GetSetDef::read_only("__doc__", |vm, object| Ok(crate::builtin::doc_value(vm, def_of(object).doc))),
                    GetSetDef::read_only("__objclass__", |_, object| Ok(cast::<GetSet>(object).owner.get())),
                ]
            },
            ..TypeSpec::of::<GetSet>("getset_descriptor", Kind::GetSet)
        },
        object,
    );
}

fn check_receiver(vm: &mut Vm, descriptor: Value, instance: Value) -> PyResult<()> {
    let owner = TypeRef::from_value(cast::<GetSet>(descriptor).owner.get());
    let ty = vm.type_of(instance);
    if ty == owner || ty.is_subtype(owner) {
        return Ok(());
    }
    let (name, owner, given) = (def_of(descriptor).name, owner.name(), ty.name());
    Err(vm.type_error(format!("descriptor '{name}' for '{owner}' objects doesn't apply to a '{given}' object")))
}

pub(crate) fn get(vm: &mut Vm, descriptor: Value, instance: Value, _: Value) -> PyResult {
    if instance.is_null() {
        return Ok(descriptor);
    }
    check_receiver(vm, descriptor, instance)?;
    (def_of(descriptor).get)(vm, instance)
}

pub(crate) fn set(vm: &mut Vm, descriptor: Value, instance: Value, value: Value) -> PyResult<()> {
    check_receiver(vm, descriptor, instance)?;
    let def = def_of(descriptor);
    match def.set {
        Some(set) => set(vm, instance, value),
        None => {
            let (name, ty) = (def.name, vm.type_name(instance));
            Err(vm.attribute_error_text(format!("attribute '{name}' of '{ty}' objects is not writable")))
        }
    }
}

pub(crate) fn repr(vm: &mut Vm, descriptor: Value) -> PyResult {
    let owner = TypeRef::from_value(cast::<GetSet>(descriptor).owner.get()).name();
    let what = if vm.type_of(descriptor) == vm.types.member { "member" } else { "attribute" };
    let text = format!("<{what} '{}' of '{owner}' objects>", def_of(descriptor).name);
    Ok(vm.new_str(&text))
}

pub(crate) fn qualname(vm: &mut Vm, descriptor: Value) -> PyResult {
    let owner = TypeRef::from_value(cast::<GetSet>(descriptor).owner.get());
    let text = format!("{}.{}", vm.text_of(owner.0.qualname.get()), def_of(descriptor).name);
    Ok(vm.new_str(&text))
}
