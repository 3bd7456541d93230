//! Which functions the slots of a class hold: native ones inherited from a built-in type, or those that call Python.

use crate::builtin_layouts::{Builtin, SlotWrapper};
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::NewFn;
use crate::slots::Slots;
use crate::ty::{TypeRef, flags};
use crate::type_::guest_slots;
use crate::type_::resolve;
use crate::type_::slot_table::{GROUPS, SlotGroup};
use crate::vm::Vm;
use heap::Value;

/// Fills the slots of a new class. With one base, only special methods that the class itself defines make a difference.
pub fn fill_slots(vm: &mut Vm, ty: TypeRef) {
    let mro = ty.data().mro.borrow().clone();
    let base = ty.data().base.get().expect("a class has a base");
    *ty.data().slots.borrow_mut() = *base.slots();
    let single = mro.split_first().is_some_and(|(first, rest)| *first == ty && *rest == **base.data().mro.borrow());
    for group in GROUPS {
        if !single || group.defs.iter().any(|def| defines(vm, ty, def.name)) {
            update_group(vm, ty, group);
        }
    }
    update_new(vm, ty);
    update_finalizer(vm, ty);
}

/// After the attribute `name` of `ty` changed: the slot it belongs to, here and in subclasses.
pub fn update(vm: &mut Vm, ty: TypeRef, name: &str) {
    if !(name.starts_with("__") && name.ends_with("__")) {
        return;
    }
    for class in resolve::with_subclasses(ty) {
        let before = resolve::descriptor_halves(class);
        update_one(vm, class, name);
        if resolve::descriptor_halves(class) != before {
            resolve::descriptors_changed(vm, |vm, value| vm.type_of(value) == class);
        }
    }
}

fn update_one(vm: &mut Vm, ty: TypeRef, name: &str) {
    for group in GROUPS {
        if group.defs.iter().any(|def| def.name == name) {
            update_group(vm, ty, group);
        }
    }
    match name {
        "__new__" => update_new(vm, ty),
        "__del__" => update_finalizer(vm, ty),
        _ => {}
    }
}

fn defines(vm: &mut Vm, ty: TypeRef, name: &str) -> bool {
    vm.dict_get_str(ty.0.dict.get(), name).is_some()
}

/// What looking up one special method says about its slot.
enum Source {
    /// The slot of this built-in type.
    Native(TypeRef),
    /// Python code.
    Guest,
    /// Of another slot: says nothing.
    Other,
}

fn update_group(vm: &mut Vm, ty: TypeRef, group: &'static SlotGroup) {
    let mut native: Option<TypeRef> = None;
    let mut found = false;
    for def in group.defs {
        let name = vm.intern(def.name);
        let Some((value, _)) = vm.find_in_mro(ty, name) else { continue };
        match source(vm, ty, value, def.name, group) {
            Source::Other => {}
            Source::Guest => {
                found = true;
                native = None;
                break;
            }
            Source::Native(owner) => {
                if found && native.is_none_or(|first| !(group.same)(&first.slots(), &owner.slots())) {
                    native = None;
                    break;
                }
                found = true;
                native = Some(owner);
            }
        }
    }
    let mut slots: Slots = *ty.slots();
    match (found, native) {
        (false, _) => (group.clear)(&mut slots),
        (true, Some(owner)) => (group.copy)(&mut slots, &owner.slots()),
        (true, None) => match group.guest {
            Some(install) => install(&mut slots),
            // A class that overrides `__add__` of a sequence has it in the number's slot; the sequence's stays behind it.
            None => {
                let base = ty.data().base.get().expect("a class has a base");
                (group.copy)(&mut slots, &base.slots());
            }
        },
    }
    *ty.data().slots.borrow_mut() = slots;
}

fn source(vm: &mut Vm, ty: TypeRef, value: Value, name: &str, group: &'static SlotGroup) -> Source {
    if !value.is_object() {
        return Source::Guest;
    }
    let shape = vm.shape_of(value);
    if shape.ty == vm.types.wrapper_descriptor {
        let wrapper = cast::<SlotWrapper>(value);
        let def = crate::slot_wrapper::def_of(value);
        let owner = TypeRef::from_value(wrapper.owner.get());
        if def.name != name || !ty.is_subtype(owner) {
            return Source::Guest;
        }
        return if def.group == group.id { Source::Native(owner) } else { Source::Other };
    }
    // A built-in type may give a special method as an ordinary method too.
    if shape.kind == Kind::Builtin && shape.ty == vm.types.method_descriptor {
        let owner = cast::<Builtin>(value).owner.get();
        if !owner.is_null() {
            let owner = TypeRef::from_value(owner);
            if ty.is_subtype(owner) && crate::builtin::def_of(value).name == name {
                return if (group.present)(&owner.slots()) { Source::Native(owner) } else { Source::Other };
            }
        }
    }
    Source::Guest
}

fn update_new(vm: &mut Vm, ty: TypeRef) {
    let name = vm.names.__new__;
    let new = match vm.find_in_mro(ty, name) {
        None => ty.data().base.get().and_then(|base| base.slots().new),
        Some((value, _)) => match crate::builtin::tp_new_owner(vm, value) {
            Some(owner) if ty.is_subtype(owner) => owner.slots().new,
            _ => Some(guest_slots::new as NewFn),
        },
    };
    ty.data().slots.borrow_mut().new = new;
}

/// A class whose instances have a finalizer tells the collector so with their shapes.
fn update_finalizer(vm: &mut Vm, ty: TypeRef) {
    let name = vm.names.__del__;
    let data = ty.data();
    if data.flags.get() & flags::HEAP == 0 || data.flags.get() & flags::HAS_FINALIZER != 0 {
        return;
    }
    if vm.find_in_mro(ty, name).is_some() {
        data.flags.set(data.flags.get() | flags::HAS_FINALIZER);
        data.layout.borrow_mut().finalize = heap::Finalize::Guest;
        if data.shape.get().is_some() {
            crate::instance::new_root(vm, ty);
        }
    }
}
