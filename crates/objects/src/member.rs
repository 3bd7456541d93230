//! `member_descriptor`: the attributes of `__slots__`, and fields of built-in objects.

use crate::args::GetSetDef;
use crate::builtin_layouts::{GetSet, Member};
use crate::error::PyResult;
use crate::getset;
use crate::getset::def_of;
use crate::instance::word;
use crate::layout::{cast, value_of};
use crate::representation::{get_slot, set_slot};
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

/// The attribute `name` of instances of `owner`, in word `index`.
pub fn new_member(vm: &mut Vm, name: Value, owner: TypeRef, index: u16) -> Value {
    let shape = vm.shape_for_kind(Kind::Member);
    let member = vm.alloc::<Member>(shape);
    member.name.set(name);
    member.owner.set(owner.value());
    member.index.set(index as i64);
    value_of(member)
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.member = vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW,
            slots: Slots { repr: Some(repr), descr_get: Some(get), descr_set: Some(set), ..Slots::default() },
            getset: const {
                &[
                    GetSetDef::read_only("__name__", |vm, object| {
                        Ok(if is_field(vm, object) {
                            vm.intern(def_of(object).name)
                        } else {
                            cast::<Member>(object).name.get()
                        })
                    }),
                    GetSetDef::read_only("__qualname__", qualname),
                    GetSetDef::read_only("__doc__", |vm, _| Ok(vm.none)),
                    GetSetDef::read_only("__objclass__", |vm, object| {
                        Ok(if is_field(vm, object) {
                            cast::<GetSet>(object).owner.get()
                        } else {
                            cast::<Member>(object).owner.get()
                        })
                    }),
                ]
            },
            ..TypeSpec::of::<Member>("member_descriptor", Kind::Member)
        },
        object,
    );
}

/// Whether this is an attribute that Rust functions get and set, see `getset.rs`.
fn is_field(vm: &Vm, descriptor: Value) -> bool {
    vm.kind(descriptor) == Kind::GetSet
}

fn check_receiver(vm: &mut Vm, member: &Member, instance: Value) -> PyResult<()> {
    let owner = TypeRef::from_value(member.owner.get());
    let ty = vm.type_of(instance);
    if ty == owner || ty.is_subtype(owner) {
        return Ok(());
    }
    let (name, owner, given) = (vm.text_of(member.name.get()), owner.name(), ty.name());
    Err(vm.type_error(format!("descriptor '{name}' for '{owner}' objects doesn't apply to a '{given}' object")))
}

fn get(vm: &mut Vm, descriptor: Value, instance: Value, class: Value) -> PyResult {
    if is_field(vm, descriptor) {
        return getset::get(vm, descriptor, instance, class);
    }
    if instance.is_null() {
        return Ok(descriptor);
    }
    let member = cast::<Member>(descriptor);
    check_receiver(vm, member, instance)?;
    let value = get_slot(vm, instance, member.index.get() as usize);
    if value.is_null() {
        return Err(vm.attribute_error(instance, member.name.get()));
    }
    Ok(value)
}

fn set(vm: &mut Vm, descriptor: Value, instance: Value, value: Value) -> PyResult<()> {
    if is_field(vm, descriptor) {
        return getset::set(vm, descriptor, instance, value);
    }
    let member = cast::<Member>(descriptor);
    check_receiver(vm, member, instance)?;
    let at = member.index.get() as usize;
    if value.is_null() && !vm.shape_of(instance).is_float(at) && word(instance, at).get().is_null() {
        let name = vm.text_of(member.name.get());
        return Err(vm.attribute_error_text(name));
    }
    set_slot(vm, instance, at, value);
    Ok(())
}

fn repr(vm: &mut Vm, descriptor: Value) -> PyResult {
    if is_field(vm, descriptor) {
        return getset::repr(vm, descriptor);
    }
    let member = cast::<Member>(descriptor);
    let owner = TypeRef::from_value(member.owner.get()).name();
    let text = format!("<member '{}' of '{owner}' objects>", vm.text_of(member.name.get()));
    Ok(vm.new_str(&text))
}

fn qualname(vm: &mut Vm, descriptor: Value) -> PyResult {
    if is_field(vm, descriptor) {
        return getset::qualname(vm, descriptor);
    }
    let member = cast::<Member>(descriptor);
    let owner = TypeRef::from_value(member.owner.get());
    let text = format!("{}.{}", vm.text_of(owner.0.qualname.get()), vm.text_of(member.name.get()));
    Ok(vm.new_str(&text))
}
