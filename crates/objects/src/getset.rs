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

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.getset = vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW,
            slots: Slots { repr: Some(repr), descr_get: Some(get), descr_set: Some(set), ..Slots::default() },
            getset: const { &[
                GetSetDef::read_only("__name__", |vm, object| Ok(vm.intern(def_of(object).name))),
                GetSetDef::read_only("__qualname__", qualname),
                GetSetDef::read_only("__doc__", |vm, object| Ok(crate::builtin::doc_value(vm, def_of(object).doc))),
                GetSetDef::read_only("__objclass__", |_, object| Ok(cast::<GetSet>(object).owner.get())),
            ] },
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

fn get(vm: &mut Vm, descriptor: Value, instance: Value, _: Value) -> PyResult {
    if instance.is_null() {
        return Ok(descriptor);
    }
    check_receiver(vm, descriptor, instance)?;
    (def_of(descriptor).get)(vm, instance)
}

fn set(vm: &mut Vm, descriptor: Value, instance: Value, value: Value) -> PyResult<()> {
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

fn repr(vm: &mut Vm, descriptor: Value) -> PyResult {
    let owner = TypeRef::from_value(cast::<GetSet>(descriptor).owner.get()).name();
    let text = format!("<attribute '{}' of '{owner}' objects>", def_of(descriptor).name);
    Ok(vm.new_str(&text))
}

fn qualname(vm: &mut Vm, descriptor: Value) -> PyResult {
    let owner = TypeRef::from_value(cast::<GetSet>(descriptor).owner.get());
    let text = format!("{}.{}", vm.text_of(owner.0.qualname.get()), def_of(descriptor).name);
    Ok(vm.new_str(&text))
}
