//! `bool`: two immortal objects, ints with operators `&`, `|`, `^` of their own.

use crate::args::CallArgs;
use crate::arity;
use crate::builtin_layouts::Singleton;
use crate::error::PyResult;
use crate::int;
use crate::layout::Object;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

pub(crate) fn init(vm: &mut Vm) {
    vm.types.bool_ = vm.new_builtin_type(spec(), vm.types.int);
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::INT | flags::MATCH_SELF,
        slots: Slots {
            new: Some(new),
            repr: Some(repr),
            invert: Some(invert),
            and: Some(|vm, a, b| bitwise(vm, a, b, |a, b| a & b, int::bit_and)),
            or: Some(|vm, a, b| bitwise(vm, a, b, |a, b| a | b, int::bit_or)),
            xor: Some(|vm, a, b| bitwise(vm, a, b, |a, b| a ^ b, int::bit_xor)),
            ..Slots::default()
        },
        doc: "Returns True when the argument is true, False otherwise.\nThe builtins True and False are the only two instances of the class bool.\nThe class bool is a subclass of the class int, and cannot be subclassed.",
        ..TypeSpec::of::<Singleton>("bool", Kind::Bool)
    }
}

fn new(vm: &mut Vm, _ty: TypeRef, args: &CallArgs) -> PyResult {
    let truth = match arity::positional(vm, "bool", args, 0, 1)? {
        [value] => vm.truth(*value)?,
        _ => false,
    };
    Ok(vm.bool(truth))
}

fn repr(vm: &mut Vm, value: Value) -> PyResult {
    let text = if value == vm.true_ { "True" } else { "False" };
    Ok(vm.intern(text))
}

fn as_bool(vm: &Vm, value: Value) -> Option<bool> {
    if value == vm.true_ {
        Some(true)
    } else if value == vm.false_ {
        Some(false)
    } else {
        None
    }
}

/// Bools give a bool, a bool and an int give an int.
fn bitwise(
    vm: &mut Vm,
    a: Value,
    b: Value,
    both: fn(bool, bool) -> bool,
    otherwise: fn(&mut Vm, Value, Value) -> PyResult,
) -> PyResult {
    match (as_bool(vm, a), as_bool(vm, b)) {
        (Some(a), Some(b)) => Ok(vm.bool(both(a, b))),
        _ => otherwise(vm, a, b),
    }
}

fn invert(vm: &mut Vm, value: Value) -> PyResult {
    let message = "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the bitwise inversion of the underlying int object and is usually not what you expect from negating a bool. Use the 'not' operator for boolean negation or ~int(x) if you really want the bitwise inversion of the underlying int.";
    (vm.hooks.warn)(vm, vm.exc.deprecation_warning, message, 1)?;
    Ok(Value::from_int(if value == vm.true_ { -2 } else { -1 }))
}

// The two objects have the words of `Singleton`, not of an int: whoever wants the number asks `Vm::int_of`.
const _: () = assert!(Singleton::WORDS == 2);
