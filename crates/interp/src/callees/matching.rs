//! Pattern matching.

use crate::callees;

callees! {
    GET_LEN: fn get_len(vm, subject: Ref) -> Ref, RunsGuest {
        let len = vm.len(subject)?;
        Ok(vm.int(len))
    }

    /// A tuple of the values for the keys, or None.
    MATCH_KEYS: fn match_keys(vm, subject: Ref, keys: Ref) -> Ref, RunsGuest {
        crate::matching::keys(vm, subject, keys)
    }

    /// A tuple of the attributes for the sub-patterns, or None.
    MATCH_CLASS: fn match_class(vm, subject: Ref, class: Ref, count: Int, names: Ref) -> Ref, RunsGuest {
        crate::matching::class(vm, subject, class, count as usize, names)
    }
}
