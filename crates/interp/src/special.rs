//! Constants and special methods that instructions name by number.

use heap::Value;
use objects::error::PyResult;
use objects::vm::Vm;

/// LOAD_COMMON_CONSTANT.
pub fn common_constant(vm: &mut Vm, which: u32) -> Value {
    match which {
        0 => vm.exc.assertion_error.value(),
        1 => vm.exc.not_implemented_error.value(),
        2 => vm.types.tuple.value(),
        3 => crate::state::builtin(vm, "all"),
        4 => crate::state::builtin(vm, "any"),
        5 => vm.types.list.value(),
        _ => vm.types.set.value(),
    }
}

/// The special methods of `with`, by LOAD_SPECIAL's number: name, and what CPython says if the type lacks it.
const SPECIAL_METHODS: [(&str, &str, &str); 4] = [
    ("__enter__", "context manager", "with"),
    ("__exit__", "context manager", "with"),
    ("__aenter__", "asynchronous context manager", "async with"),
    ("__aexit__", "asynchronous context manager", "async with"),
];

/// The name of LOAD_SPECIAL's method of that number.
pub fn method_name(vm: &mut Vm, which: usize) -> Value {
    vm.intern(SPECIAL_METHODS[which].0)
}

/// The special method of `object`, looked up on its type and bound.
pub fn load(vm: &mut Vm, object: Value, which: usize) -> PyResult {
    let (name, what, _) = SPECIAL_METHODS[which];
    let interned = vm.intern(name);
    if let Some(method) = vm.special_method(object, interned)? {
        return Ok(method);
    }
    let kind = vm.type_of(object).name();
    let lacks = |vm: &mut Vm, other: &str| {
        let other = vm.intern(other);
        vm.special_method(object, other).is_ok_and(|method| method.is_some())
    };
    // A hint if the other protocol is there, as CPython gives it.
    let hint = match which {
        0 | 1 if lacks(vm, "__aenter__") && lacks(vm, "__aexit__") => {
            " but it supports the asynchronous context manager protocol. Did you mean to use 'async with'?"
        }
        2 | 3 if lacks(vm, "__enter__") && lacks(vm, "__exit__") => {
            " but it supports the context manager protocol. Did you mean to use 'with'?"
        }
        _ => "",
    };
    let message = if hint.is_empty() {
        format!("'{kind}' object does not support the {what} protocol (missed {name} method)")
    } else {
        format!("'{kind}' object does not support the {what} protocol (missed {name} method){hint}")
    };
    Err(vm.type_error(message))
}
