//! Attributes, the general way.

use crate::callees;

callees! {
    GET_ATTRIBUTE: fn get_attribute(vm, object: Ref, name: Ref) -> Ref, RunsGuest {
        if object.is_object() {
            objects::representation::up_to_date(vm, object);
        }
        vm.getattr(object, name)
    }

    SET_ATTRIBUTE: fn set_attribute(vm, object: Ref, name: Ref, value: Ref) -> Ref, RunsGuest {
        if object.is_object() {
            objects::representation::up_to_date(vm, object);
        }
        vm.setattr(object, name, value)?;
        Ok(vm.none)
    }

    DELETE_ATTRIBUTE: fn delete_attribute(vm, object: Ref, name: Ref) -> Ref, RunsGuest {
        vm.delattr(object, name)?;
        Ok(vm.none)
    }

    /// `super(class, receiver).name`; a method found is bound.
    GET_SUPER_ATTRIBUTE: fn get_super_attribute(vm, super_: Ref, class: Ref, receiver: Ref, name: Ref) -> Ref, RunsGuest {
        if super_ == vm.types.super_.value() {
            return objects::super_object::attribute(vm, class, receiver, name);
        }
        let object = vm.call(super_, &[class, receiver])?;
        vm.getattr(object, name)
    }

    /// The special method of a `with` statement: looked up on the type, bound. `which` is LOAD_SPECIAL's argument.
    LOAD_SPECIAL: fn load_special(vm, object: Ref, which: Int) -> Ref, RunsGuest {
        crate::special::load(vm, object, which as usize)
    }
}
