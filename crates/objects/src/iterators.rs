//! The built-in iterators, one file a family.

pub mod adaptors;
pub mod callable;
pub mod range;
pub mod reversed;
pub mod sequence;
pub mod set;
#[cfg(test)]
mod tests;
pub mod text;

use crate::error::PyResult;
use crate::vm::Vm;
use heap::Value;

pub use sequence::{list_iter, list_reversed, new_sequence_iterator, tuple_iter};
pub use set::set_iter;
pub use text::{bytearray_iter, bytes_iter, str_iter};

pub(crate) fn init(vm: &mut Vm) {
    sequence::init(vm);
    set::init(vm);
    range::init(vm);
    text::init(vm);
    callable::init(vm);
    adaptors::init(vm);
    reversed::init(vm);
    crate::dict::iterator::init(vm);
    crate::dict::views::init(vm);
}

/// `iter(callable, sentinel)`; the caller has checked that it is callable.
pub fn callable_iterator(vm: &mut Vm, callable: Value, sentinel: Value) -> PyResult {
    Ok(callable::new(vm, callable, sentinel))
}

/// The function of module `builtins` with that name, for `__reduce__`.
pub(crate) fn builtin_function(vm: &mut Vm, name: &str) -> Value {
    let builtins = vm.handle(vm.builtins);
    vm.dict_get_str(builtins, name).unwrap_or(vm.none)
}

/// `(iter, (sequence,))`, with the position if there is one: what `__reduce__` of many iterators gives.
pub(crate) fn reduced(vm: &mut Vm, function: &str, sequence: Value, position: Option<i64>) -> PyResult {
    let function = builtin_function(vm, function);
    let arguments = vm.new_tuple(&[sequence]);
    Ok(match position {
        None => vm.new_tuple(&[function, arguments]),
        Some(position) => vm.new_tuple(&[function, arguments, Value::from_int(position)]),
    })
}

/// The position that `__setstate__` was given.
pub(crate) fn state_position(vm: &mut Vm, state: Value) -> PyResult<i64> {
    match vm.as_i64(state) {
        Some(position) => Ok(position),
        None => Err(vm.type_error("an integer is required")),
    }
}

/// Whether an exception ends an iteration by subscripts.
pub(crate) fn ends_subscripts(vm: &Vm, exception: Value) -> bool {
    vm.exception_matches(exception, vm.exc.index_error) || vm.exception_matches(exception, vm.exc.stop_iteration)
}
