//! Coroutines' `__await__`, and async generators.

use crate::generator::{GeneratorObject, state};
use crate::generator_object::{self, thrown_exception, warn_of_parts};
use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::{PyResult, Raised};
use objects::layout;
use objects::layout::{cast, value_of};
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec};
use objects::vm::Vm;

layout! {
    /// `coroutine.__await__()`: an iterator over the coroutine.
    CoroutineWrapper {
        coroutine COROUTINE: Value, immutable;
    }

    /// What an async generator yields, so that it is told from what it awaits.
    Yielded {
        value VALUE: Value, immutable;
    }

    /// `asend`, `athrow` and `aclose`: the awaitable of one step of an async generator.
    AsyncStep {
        generator GENERATOR: Value, immutable;
        /// What is sent or thrown; NULL once that has happened.
        argument ARGUMENT: Value;
        /// One of [`step`].
        how HOW: i64, immutable;
        /// 0: not begun, 1: running, 2: done.
        progress PROGRESS: i64;
    }
}

/// What a step of an async generator does.
mod step {
    pub const SEND: i64 = 0;
    pub const THROW: i64 = 1;
    pub const CLOSE: i64 = 2;
}

/// The types of this file, in the VM.
#[derive(Default)]
struct CoroutineTypes {
    types: Option<[TypeRef; 3]>,
}

fn types(vm: &mut Vm) -> [TypeRef; 3] {
    if let Some(types) = vm.extension::<CoroutineTypes>().types {
        return types;
    }
    let object = vm.types.object;
    let flags = objects::ty::flags::NO_NEW;
    let wrapper = vm.new_builtin_type(
        TypeSpec {
            flags,
            slots: Slots { iter: Some(|_, o| Ok(o)), next: Some(wrapper_next), ..Slots::default() },
            methods: &WRAPPER_METHODS,
            ..TypeSpec::of::<CoroutineWrapper>("coroutine_wrapper", Kind::Other)
        },
        object,
    );
    let yielded = vm.new_builtin_type(
        TypeSpec { flags, ..TypeSpec::of::<Yielded>("async_generator_wrapped_value", Kind::Other) },
        object,
    );
    let step = vm.new_builtin_type(
        TypeSpec {
            flags,
            slots: Slots {
                iter: Some(|_, o| Ok(o)),
                await_: Some(|_, o| Ok(o)),
                next: Some(step_next),
                ..Slots::default()
            },
            methods: &STEP_METHODS,
            ..TypeSpec::of::<AsyncStep>("async_generator_asend", Kind::Other)
        },
        object,
    );
    let made = [wrapper, yielded, step];
    vm.extension::<CoroutineTypes>().types = Some(made);
    made
}

fn shape_of(ty: TypeRef) -> &'static objects::shape::Shape {
    ty.data().shape.get().expect("the type has instances")
}

/// `coroutine.__await__()`.
pub fn wrapper(vm: &mut Vm, coroutine: Value) -> PyResult {
    let shape = shape_of(types(vm)[0]);
    let object = vm.alloc::<CoroutineWrapper>(shape);
    object.coroutine.set(coroutine);
    Ok(value_of(object))
}

fn wrapper_next(vm: &mut Vm, wrapper: Value) -> PyResult<Option<Value>> {
    let coroutine = cast::<CoroutineWrapper>(wrapper).coroutine.get();
    generator_object::send(vm, coroutine, vm.none).map(Some)
}

static WRAPPER_METHODS: [MethodDef; 3] = [
    MethodDef::method("send", 2, 2, |vm, args| {
        generator_object::send(vm, cast::<CoroutineWrapper>(args.values[0]).coroutine.get(), args.values[1])
    }),
    MethodDef::method("throw", 2, 4, |vm, args| {
        let coroutine = cast::<CoroutineWrapper>(args.values[0]).coroutine.get();
        warn_of_parts(vm, "throw", &args.values[1..])?;
        generator_object::throw_given(vm, coroutine, &args.values[1..])
    }),
    MethodDef::method("close", 1, 1, |vm, args| {
        generator_object::close(vm, cast::<CoroutineWrapper>(args.values[0]).coroutine.get())?;
        Ok(vm.none)
    }),
];

/// A value that an async generator yields.
pub fn wrap_yielded(vm: &mut Vm, value: Value) -> Value {
    let shape = shape_of(types(vm)[1]);
    let object = vm.alloc::<Yielded>(shape);
    object.value.set(value);
    value_of(object)
}

/// Tells the hook of `sys.set_asyncgen_hooks` of a generator that nobody has asked for a value yet.
fn first_iteration(vm: &mut Vm, generator: Value) -> PyResult<()> {
    if cast::<GeneratorObject>(generator).state.get() == state::CREATED
        && let Some(hook) = crate::state::state(vm).async_generator_hooks[0]
    {
        let hook = vm.handle(hook);
        if hook != vm.none {
            vm.call(hook, &[generator])?;
        }
    }
    Ok(())
}

fn new_step(vm: &mut Vm, generator: Value, argument: Value, how: i64) -> PyResult {
    first_iteration(vm, generator)?;
    let shape = shape_of(types(vm)[2]);
    let object = vm.alloc::<AsyncStep>(shape);
    object.generator.set(generator);
    object.argument.set(argument);
    object.how.set(how);
    Ok(value_of(object))
}

/// `__anext__`.
pub fn async_next(vm: &mut Vm, generator: Value) -> PyResult {
    let none = vm.none;
    new_step(vm, generator, none, step::SEND)
}

pub static ASYNC_METHODS: [MethodDef; 4] = [
    MethodDef::method("asend", 2, 2, |vm, args| new_step(vm, args.values[0], args.values[1], step::SEND))
    .with_doc("asend($self, object, /)\n--\n\nasend(v) -> send 'v' in generator."),
    MethodDef::method("athrow", 2, 4, |vm, args| {
        warn_of_parts(vm, "athrow", &args.values[1..])?;
        let exception = thrown_exception(vm, &args.values[1..])?;
        new_step(vm, args.values[0], exception, step::THROW)
    })
    .with_doc("athrow(value)\nathrow(type[,value[,tb]])\n\nraise exception in generator.\nthe (type, val, tb) signature is deprecated, \nand may be removed in a future version of Python."),
    MethodDef::method("aclose", 1, 1, |vm, args| {
        let exception = vm.raise_args(vm.exc.generator_exit, &[]).0;
        new_step(vm, args.values[0], exception, step::CLOSE)
    })
    .with_doc("aclose($self, /)\n--\n\naclose() -> raise GeneratorExit inside generator."),
    objects::generic_alias::CLASS_GETITEM,
];

static STEP_METHODS: [MethodDef; 3] = [
    MethodDef::method("send", 2, 2, |vm, args| step_send(vm, args.values[0], args.values[1])),
    MethodDef::method("throw", 2, 4, step_throw),
    MethodDef::method("close", 1, 1, |vm, args| {
        cast::<AsyncStep>(args.values[0]).progress.set(2);
        Ok(vm.none)
    }),
];

fn step_next(vm: &mut Vm, object: Value) -> PyResult<Option<Value>> {
    let none = vm.none;
    step_send(vm, object, none).map(Some)
}

/// Goes on with one step: `Ok` is what the generator awaits, StopIteration brings what it yielded.
fn step_send(vm: &mut Vm, object: Value, value: Value) -> PyResult {
    let this = cast::<AsyncStep>(object);
    let generator = this.generator.get();
    let result = match this.progress.get() {
        2 => return Err(vm.runtime_error("cannot reuse already awaited __anext__()/asend()")),
        0 => {
            this.progress.set(1);
            let argument = this.argument.get();
            let finished = cast::<GeneratorObject>(generator).state.get() == state::FINISHED;
            match this.how.get() {
                step::SEND => generator_object::send(vm, generator, argument),
                step::CLOSE if finished => {
                    this.progress.set(2);
                    return Err(vm.stop_iteration(vm.none));
                }
                _ => generator_object::throw(vm, generator, argument),
            }
        }
        _ => generator_object::send(vm, generator, value),
    };
    finish_step(vm, object, result)
}

fn step_throw(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let this = cast::<AsyncStep>(args.values[0]);
    if this.progress.get() == 2 {
        return Err(vm.runtime_error("cannot reuse already awaited __anext__()/asend()"));
    }
    this.progress.set(1);
    warn_of_parts(vm, "throw", &args.values[1..])?;
    let exception = thrown_exception(vm, &args.values[1..])?;
    let result = generator_object::throw(vm, this.generator.get(), exception);
    finish_step(vm, args.values[0], result)
}

fn finish_step(vm: &mut Vm, object: Value, result: PyResult) -> PyResult {
    let this = cast::<AsyncStep>(object);
    let closing = this.how.get() == step::CLOSE;
    match result {
        Ok(value) if vm.type_of(value) == types(vm)[1] => {
            this.progress.set(2);
            if closing {
                return Err(vm.runtime_error("async generator ignored GeneratorExit"));
            }
            // What brings a value gets no context: see `generator_object::is_plain_end`.
            let value = cast::<Yielded>(value).value.get();
            Err(Raised(objects::exceptions::instantiate(vm, vm.exc.stop_iteration, &[value])?))
        }
        Ok(value) => Ok(value),
        Err(raised) => {
            this.progress.set(2);
            let ends = vm.exception_matches(raised.0, vm.exc.stop_async_iteration)
                || vm.exception_matches(raised.0, vm.exc.generator_exit);
            if closing && ends { Err(vm.stop_iteration(vm.none)) } else { Err(raised) }
        }
    }
}
