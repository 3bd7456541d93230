//! Subscripts and slices, the general way.

use crate::callees;

callees! {
    GET_ITEM: fn get_item(vm, container: Ref, key: Ref) -> Ref, RunsGuest {
        vm.getitem(container, key)
    }

    /// Of a str and an int.
    GET_ITEM_PLAIN: fn get_item_plain(vm, container: Ref, key: Ref) -> Try, Allocates {
        vm.getitem(container, key)
    }

    /// Of a built-in sequence; the bounds are ints or None.
    GET_SLICE_READS: fn get_slice_reads(vm, container: Ref, start: Ref, stop: Ref) -> Try, Reads {
        let key = vm.new_slice(start, stop, vm.none);
        vm.getitem(container, key)
    }

    SET_ITEM: fn set_item(vm, container: Ref, key: Ref, value: Ref) -> Ref, RunsGuest {
        vm.setitem(container, key, value)?;
        Ok(vm.none)
    }

    DELETE_ITEM: fn delete_item(vm, container: Ref, key: Ref) -> Ref, RunsGuest {
        vm.delitem(container, key)?;
        Ok(vm.none)
    }

    /// Of an exact dict; KeyError if absent.
    DICT_ITEM: fn dict_item(vm, dict: Ref, key: Ref) -> Ref, RunsGuest {
        match vm.dict_get(dict, key)? {
            Some(value) => Ok(value),
            None => Err(vm.key_error(key)),
        }
    }

    SET_DICT_ITEM: fn set_dict_item(vm, dict: Ref, key: Ref, value: Ref) -> Ref, RunsGuest {
        vm.dict_set(dict, key, value)?;
        Ok(vm.none)
    }

    /// `container[start:stop]`.
    GET_SLICE: fn get_slice(vm, container: Ref, start: Ref, stop: Ref) -> Ref, RunsGuest {
        let key = vm.new_slice(start, stop, vm.none);
        vm.getitem(container, key)
    }

    SET_SLICE: fn set_slice(vm, container: Ref, start: Ref, stop: Ref, value: Ref) -> Ref, RunsGuest {
        let key = vm.new_slice(start, stop, vm.none);
        vm.setitem(container, key, value)?;
        Ok(vm.none)
    }

    /// An int beyond 63 bits.
    BOX_INT: fn box_int(vm, x: Int) -> Ref, Allocates {
        Ok(vm.int(x))
    }
}
