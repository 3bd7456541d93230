//! Calls, and the sorting of arguments into parameters.

use crate::arguments;
use crate::callees;
use crate::callees::slice_callees;
use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::builtin_layouts::Builtin;
use objects::error::PyResult;
use objects::layout::cast;
use objects::vm::Vm;

slice_callees! {
    CALL: fn call(vm, callable, args) -> Ref, RunsGuest {
        vm.call(callable, args)
    }

    /// The last value is the tuple of names.
    CALL_KEYWORDS: fn call_keywords(vm, callable, args) -> Ref, RunsGuest {
        vm.call_kw(callable, &with_names(args))
    }

    CALL_BUILTIN: fn call_builtin(vm, callable, args) -> Ref, RunsGuest {
        builtin(vm, callable, args)
    }

    /// A native function that runs no Python code.
    CALL_BUILTIN_LEAF: fn call_builtin_leaf(vm, callable, args) -> Bare, Writes {
        builtin(vm, callable, args)
    }

    /// A native function that runs no Python code with these arguments, and writes nothing. NULL without an exception: an error,
    /// which the general way raises.
    CALL_BUILTIN_PLAIN: fn call_builtin_plain(vm, callable, args) -> Ref, Allocates {
        Ok(builtin(vm, callable, args).unwrap_or(Value::NULL))
    }

    /// The values of the parameters, as a tuple.
    BIND: fn bind(vm, function, args) -> Ref, RunsGuest {
        arguments::bind(vm, function, &CallArgs::positional(args))
    }

    /// The same; the last value is the tuple of names.
    BIND_KEYWORDS: fn bind_keywords(vm, function, args) -> Ref, RunsGuest {
        arguments::bind(vm, function, &with_names(args))
    }
}

callees! {
    RECURSION_ERROR: fn recursion_error(vm) -> Ref, RunsGuest {
        Err(vm.raise(vm.exc.recursion_error, "maximum recursion depth exceeded"))
    }

    CALL_UNPACKED: fn call_unpacked(vm, callable: Ref, positional: Ref, keywords: Ref) -> Ref, RunsGuest {
        arguments::with_unpacked(vm, callable, positional, keywords, |vm, args| vm.call_kw(callable, args))
    }

    BIND_UNPACKED: fn bind_unpacked(vm, function: Ref, positional: Ref, keywords: Ref) -> Ref, RunsGuest {
        arguments::with_unpacked(vm, function, positional, keywords, |vm, args| arguments::bind(vm, function, args))
    }
}

fn with_names(args: &[Value]) -> CallArgs<'_> {
    let (names, values) = args.split_last().expect("the names are there");
    CallArgs { values, names: *names }
}

fn builtin(vm: &mut Vm, callable: Value, args: &[Value]) -> PyResult {
    let object = cast::<Builtin>(callable);
    // SAFETY: the field holds a `&'static MethodDef`.
    let def: &'static MethodDef = unsafe { &*(object.def.get() as usize as *const MethodDef) };
    objects::builtin::call_def(vm, def, object.receiver.get(), object.owner.get(), &CallArgs::positional(args))
}
