//! The functions `aiter` and `anext`; with a default, the awaitable that gives it at the end.

use crate::{coroutine, generator_object};
use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::{PyResult, Raised};
use objects::layout;
use objects::layout::{cast, value_of};
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

layout! {
    /// `anext(iterator, default)`.
    NextOrDefault {
        /// What `__anext__` returned.
        awaitable AWAITABLE: Value, immutable;
        default DEFAULT: Value, immutable;
    }
}

/// The type of this file, in the VM.
#[derive(Default)]
struct State {
    ty: Option<TypeRef>,
}

static METHODS: [MethodDef; 3] = [
    MethodDef::method("send", 2, 2, |vm, args| forward(vm, args, "send")),
    MethodDef::method("throw", 2, 4, |vm, args| forward(vm, args, "throw")),
    MethodDef::method("close", 1, 1, |vm, args| forward(vm, args, "close")),
];

/// `aiter(iterable)`.
pub fn aiter(vm: &mut Vm, iterable: Value) -> PyResult {
    let Some(method) = vm.type_of(iterable).slots().aiter else {
        let kind = vm.type_name(iterable);
        return Err(vm.type_error(format!("'{kind}' object is not an async iterable")));
    };
    let iterator = method(vm, iterable)?;
    if vm.type_of(iterator).slots().anext.is_none() {
        let kind = vm.type_name(iterator);
        return Err(vm.type_error(format!("aiter() returned not an async iterator of type '{kind}'")));
    }
    Ok(iterator)
}

/// `anext(iterator)` and `anext(iterator, default)`.
pub fn anext(vm: &mut Vm, iterator: Value, default: Option<Value>) -> PyResult {
    let Some(method) = vm.type_of(iterator).slots().anext else {
        let kind = vm.type_name(iterator);
        return Err(vm.type_error(format!("'{kind}' object is not an async iterator")));
    };
    let awaitable = method(vm, iterator)?;
    let Some(default) = default else { return Ok(awaitable) };
    let shape = ty(vm).data().shape.get().expect("the type has instances");
    let object = vm.alloc::<NextOrDefault>(shape);
    object.awaitable.set(awaitable);
    object.default.set(default);
    Ok(value_of(object))
}

fn ty(vm: &mut Vm) -> TypeRef {
    if let Some(ty) = vm.extension::<State>().ty {
        return ty;
    }
    let object = vm.types.object;
    let ty = vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW,
            slots: Slots {
                iter: Some(|_, awaitable| Ok(awaitable)),
                await_: Some(|_, awaitable| Ok(awaitable)),
                next: Some(next),
                ..Slots::default()
            },
            methods: &METHODS,
            ..TypeSpec::of::<NextOrDefault>("anext_awaitable", Kind::Other)
        },
        object,
    );
    vm.extension::<State>().ty = Some(ty);
    ty
}

/// The iterator over the awaitable. A coroutine may be suspended: that it is awaited already is no error.
fn iterator(vm: &mut Vm, object: Value) -> PyResult {
    let awaitable = cast::<NextOrDefault>(object).awaitable.get();
    if vm.type_of(awaitable) == crate::state::shapes(vm).coroutine.ty {
        return coroutine::wrapper(vm, awaitable);
    }
    generator_object::awaitable(vm, awaitable, 0)
}

fn next(vm: &mut Vm, object: Value) -> PyResult<Option<Value>> {
    let iterator = iterator(vm, object)?;
    match vm.next_or_stop(iterator) {
        Ok(value) => Ok(value),
        Err(raised) => Err(at_end(vm, object, raised)),
    }
}

fn forward(vm: &mut Vm, args: &CallArgs, method: &str) -> PyResult {
    let iterator = iterator(vm, args.values[0])?;
    match vm.call_method(iterator, method, &args.values[1..]) {
        Ok(value) => Ok(value),
        Err(raised) => Err(at_end(vm, args.values[0], raised)),
    }
}

/// The end of the iteration is the default as the result.
fn at_end(vm: &mut Vm, object: Value, raised: Raised) -> Raised {
    if vm.exception_matches(raised.0, vm.exc.stop_async_iteration) {
        let default = cast::<NextOrDefault>(object).default.get();
        return vm.stop_iteration(default);
    }
    raised
}
