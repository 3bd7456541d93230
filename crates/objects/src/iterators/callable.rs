//! `iter(callable, sentinel)`.

use crate::args::MethodDef;
use crate::error::PyResult;
use crate::iterators::builtin_function;
use crate::layout;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

layout! {
    CallableIterator {
        /// NULL when exhausted.
        callable CALLABLE: Value;
        sentinel SENTINEL: Value;
    }
}

pub(super) fn init(vm: &mut Vm) {
    let spec = TypeSpec {
        flags: flags::NO_NEW,
        slots: Slots { iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
        methods: METHODS,
        ..TypeSpec::of::<CallableIterator>("callable_iterator", Kind::Other)
    };
    vm.types.callable_iterator = vm.new_builtin_type(spec, vm.types.object);
}

/// `iter(callable, sentinel)`; the caller has checked that it is callable.
pub fn new(vm: &mut Vm, callable: Value, sentinel: Value) -> Value {
    let value = vm.new_instance(vm.types.callable_iterator);
    let iterator = cast::<CallableIterator>(value);
    iterator.callable.set(callable);
    iterator.sentinel.set(sentinel);
    value
}

fn next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<CallableIterator>(value);
    let callable = iterator.callable.get();
    if callable.is_null() {
        return Ok(None);
    }
    let end = match vm.call(callable, &[]) {
        // The call may have exhausted this very iterator.
        Ok(_) if iterator.callable.get().is_null() => true,
        Ok(result) => {
            if !vm.eq(iterator.sentinel.get(), result)? {
                return Ok(Some(result));
            }
            true
        }
        Err(raised) if vm.exception_matches(raised.0, vm.exc.stop_iteration) => true,
        Err(raised) => return Err(raised),
    };
    debug_assert!(end);
    iterator.callable.set(Value::NULL);
    iterator.sentinel.set(Value::NULL);
    Ok(None)
}

static METHODS: &[MethodDef] = &[MethodDef::method("__reduce__", 1, 1, |vm, args| {
    let iterator = cast::<CallableIterator>(args.values[0]);
    let iter = builtin_function(vm, "iter");
    let arguments = if iterator.callable.get().is_null() {
        vm.new_tuple(&[vm.empty_tuple])
    } else {
        vm.new_tuple(&[iterator.callable.get(), iterator.sentinel.get()])
    };
    Ok(vm.new_tuple(&[iter, arguments]))
})
.leaf()];
