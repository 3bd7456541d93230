//! The types generator, coroutine and async generator: their methods, from Rust.

use crate::generator::{GeneratorObject, state};
use heap::Value;
use metatrace::Direct;
use objects::args::{CallArgs, GetSetDef, MethodDef};
use objects::builtin_layouts::Exception;
use objects::code::Code;
use objects::error::{PyResult, Raised};
use objects::layout::{Object, cast};
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec};
use objects::vm::Vm;
use syntax::CodeFlags;

/// The generator for a call of a function with this code. Its slots are empty: the frame saves itself into it. Until then it is
/// finished, so that one which no frame was saved into, because a trace was left before, has nothing to do at its end.
pub fn new(vm: &mut Vm, code: &'static Code, name: Value, qualname: Value) -> Value {
    let types = crate::state::shapes(vm);
    let shape = if code.flags().has(CodeFlags::ASYNC_GENERATOR) {
        types.async_generator
    } else if code.flags().has(CodeFlags::COROUTINE) {
        types.coroutine
    } else {
        types.generator
    };
    let value = vm.thread.heap.alloc_tail(shape.id, GeneratorObject::BYTES, code.slot_count as usize);
    let object = cast::<GeneratorObject>(value);
    object.code.set(code.token());
    object.state.set(state::FINISHED);
    object.name.set(name);
    object.qualname.set(qualname);
    if has_something_to_do_at_its_end(code) {
        vm.thread.heap.register_finalizer(value);
    }
    value
}

/// Whether a generator that is dropped may have to run: it may stand in a `try` or `with`, or never have been awaited.
fn has_something_to_do_at_its_end(code: &Code) -> bool {
    // Around every body stands a handler that turns StopIteration into RuntimeError.
    let is_own = |target: u32| {
        let handler = code.source.instructions[target as usize];
        handler.op == syntax::Op::CallIntrinsic1 && handler.arg == STOP_ITERATION_ERROR
    };
    code.flags().has(CodeFlags::COROUTINE) || code.source.exceptions.iter().any(|entry| !is_own(entry.target))
}

/// The number of that intrinsic.
const STOP_ITERATION_ERROR: u32 = 3;

/// A dropped generator is closed; a dropped coroutine that nobody awaited is worth a warning.
fn finalize(vm: &mut Vm, generator: Value) -> PyResult<()> {
    let code = code_of(generator);
    match state_of(generator) {
        state::CREATED if code.flags().has(CodeFlags::COROUTINE) => {
            let warnings = crate::import::import_module(vm, "warnings")?;
            vm.call_method(warnings, "_warn_unawaited_coroutine", &[generator])?;
        }
        state::SUSPENDED => {
            if let Err(raised) = close(vm, generator) {
                let (what, repr) = (what(generator), vm.repr(generator)?);
                let text = format!("Exception ignored while closing {what} {}", vm.text_of(repr));
                crate::warnings::unraisable(vm, raised.0, &text, Value::NULL);
            }
        }
        _ => {}
    }
    Ok(())
}

/// What a generator raises at its end.
fn end(vm: &mut Vm, generator: Value, value: Value) -> Raised {
    match end_unseen(vm, generator, value) {
        Ok(exception) => vm.raise_instance(exception),
        Err(raised) => raised,
    }
}

/// The exception at a generator's end, without a context.
pub fn end_unseen(vm: &mut Vm, generator: Value, value: Value) -> PyResult {
    let class = end_class(vm, generator);
    let has_value = value != vm.none && class == vm.exc.stop_iteration;
    objects::exceptions::instantiate(vm, class, if has_value { std::slice::from_ref(&value) } else { &[] })
}

/// The class of what ends a generator. None such comes out of its body: that becomes a RuntimeError there (PEP 479).
fn end_class(vm: &Vm, generator: Value) -> TypeRef {
    let is_async = code_of(generator).flags().has(CodeFlags::ASYNC_GENERATOR);
    if is_async { vm.exc.stop_async_iteration } else { vm.exc.stop_iteration }
}

pub fn code_of(generator: Value) -> &'static Code {
    Code::from_token(cast::<GeneratorObject>(generator).code.get())
}

fn state_of(generator: Value) -> i64 {
    cast::<GeneratorObject>(generator).state.get()
}

/// What kind of object, for error messages.
fn what(generator: Value) -> &'static str {
    let flags = code_of(generator).flags();
    if flags.has(CodeFlags::ASYNC_GENERATOR) {
        "async generator"
    } else if flags.has(CodeFlags::COROUTINE) {
        "coroutine"
    } else {
        "generator"
    }
}

/// Whether this is a generator, coroutine or async generator.
pub fn is_generator_like(vm: &mut Vm, value: Value) -> bool {
    let types = crate::state::shapes(vm);
    let ty = vm.type_of(value);
    ty == types.generator.ty || ty == types.coroutine.ty || ty == types.async_generator.ty
}

/// Runs the frame until it yields (`Ok`) or ends (`Err`: StopIteration with its value, or what it raised). `sent` NULL: the
/// exception left by [`throw`] is raised at the `yield`.
fn run(vm: &mut Vm, generator: Value, sent: Value) -> PyResult {
    let result = run_unseen(vm, generator, sent);
    if let Err(raised) = &result
        && is_plain_end(vm, generator, raised.0)
    {
        vm.chain(raised.0);
    }
    result
}

/// Whether a generator ended without a value. What brings a value gets no context, whatever is being handled, as in CPython.
fn is_plain_end(vm: &mut Vm, generator: Value, exception: Value) -> bool {
    vm.exception_matches(exception, end_class(vm, generator))
        && objects::exceptions::stop_iteration_value(vm, exception) == vm.none
}

/// As [`run`]; what comes at the end has no context yet, which takes a look at all frames.
fn run_unseen(vm: &mut Vm, generator: Value, sent: Value) -> PyResult {
    let object = cast::<GeneratorObject>(generator);
    let code = code_of(generator);
    let (pc, sp) = (object.pc.get() as u32, object.sp.get() as usize);
    let Some(window) = vm.thread.window(code.slot_count as usize) else {
        return Err(vm.recursion_error("maximum recursion depth exceeded"));
    };
    let base = generator.0 as usize + GeneratorObject::BYTES;
    for i in 0..sp {
        // SAFETY: the generator has a slot for each of the frame's, and the window too.
        unsafe { *window.add(i) = *((base + i * 8) as *const Value) };
    }
    // SAFETY: as above; the stack has room for the value sent.
    unsafe { *window.add(sp) = sent };
    object.state.set(state::RUNNING);
    Direct::<objects::vm::Python>::call(vm, code, window, pc, sp as u32 + 1).map_err(Raised)
}

/// `send(value)`; `next()` sends None.
pub fn send(vm: &mut Vm, generator: Value, value: Value) -> PyResult {
    match state_of(generator) {
        state::RUNNING => {
            let what = what(generator);
            Err(vm.value_error(format!("{what} already executing")))
        }
        state::FINISHED => {
            if code_of(generator).flags().has(CodeFlags::COROUTINE) {
                return Err(vm.runtime_error("cannot reuse already awaited coroutine"));
            }
            Err(end(vm, generator, vm.none))
        }
        state::CREATED if value != vm.none => {
            let what = what(generator);
            Err(vm.type_error(format!("can't send non-None value to a just-started {what}")))
        }
        _ => run(vm, generator, value),
    }
}

/// `throw(exception)`.
pub fn throw(vm: &mut Vm, generator: Value, exception: Value) -> PyResult {
    throw_given(vm, generator, &[exception])
}

/// `throw` with the arguments as they were given: a generator passes them on to what it delegates to.
pub fn throw_given(vm: &mut Vm, generator: Value, given: &[Value]) -> PyResult {
    if let Some(inner) = awaited(generator) {
        return throw_into(vm, generator, inner, given);
    }
    let exception = thrown_exception(vm, given)?;
    match state_of(generator) {
        state::RUNNING => {
            let what = what(generator);
            Err(vm.value_error(format!("{what} already executing")))
        }
        state::FINISHED => Err(Raised(exception)),
        state::CREATED => {
            // It is raised where the body begins.
            let object = cast::<GeneratorObject>(generator);
            object.state.set(state::FINISHED);
            object.sp.set(0);
            // SAFETY: the generator has all slots of its code.
            let function = unsafe {
                *((generator.0 as usize + GeneratorObject::BYTES + crate::slots::FUNCTION * 8) as *const Value)
            };
            let pc = object.pc.get();
            crate::frame_object::add_traceback(vm, exception, Value::NULL, function, pc);
            Err(Raised(exception))
        }
        _ => throw_here(vm, generator, exception),
    }
}

fn throw_here(vm: &mut Vm, generator: Value, exception: Value) -> PyResult {
    // It arises where the generator stands: in what the generator itself handles, not in what its caller does.
    // SAFETY: the generator has all slots of its code.
    let handled =
        unsafe { *((generator.0 as usize + GeneratorObject::BYTES + crate::slots::HANDLED * 8) as *const Value) };
    objects::exceptions::set_context(vm, exception, handled);
    let handle = crate::state::thrown(vm);
    vm.thread.set_handle(handle, exception);
    run(vm, generator, Value::NULL)
}

/// Takes the exception that [`throw`] left.
pub fn take_thrown(vm: &mut Vm) -> Value {
    let handle = crate::state::thrown(vm);
    let exception = vm.thread.handle(handle);
    vm.thread.set_handle(handle, Value::NULL);
    exception
}

/// What a suspended generator delegates to with `yield from` or `await`; else `None`.
pub fn awaited(generator: Value) -> Option<Value> {
    let object = cast::<GeneratorObject>(generator);
    if object.state.get() != state::SUSPENDED {
        return None;
    }
    let resume = code_of(generator).source.instructions[object.pc.get() as usize];
    // RESUME says how the frame was suspended: 2 in `yield from`, 3 in `await`. The receiver is on top of the stack.
    if resume.op != syntax::Op::Resume || resume.arg & 3 < 2 {
        return None;
    }
    let top = object.sp.get() as usize - 1;
    // SAFETY: the slot is below the stack height.
    Some(unsafe { *((generator.0 as usize + GeneratorObject::BYTES + top * 8) as *const Value) })
}

/// Throws into the inner iterator; what comes of it decides how the outer generator goes on.
fn throw_into(vm: &mut Vm, generator: Value, inner: Value, given: &[Value]) -> PyResult {
    let object = cast::<GeneratorObject>(generator);
    object.state.set(state::RUNNING);
    let result = if is_generator_exit(vm, given[0]) {
        close_any(vm, inner).map(|()| None)
    } else if is_generator_like(vm, inner) {
        throw_given(vm, inner, given).map(Some)
    } else {
        match vm.getattr_str_opt(inner, "throw") {
            Ok(Some(method)) => vm.call(method, given).map(Some),
            Ok(None) => Ok(None),
            Err(raised) => Err(raised),
        }
    };
    object.state.set(state::SUSPENDED);
    match result {
        Ok(Some(value)) => Ok(value),
        Ok(None) => {
            let exception = thrown_exception(vm, given)?;
            throw_here(vm, generator, exception)
        }
        Err(raised) => throw_here(vm, generator, raised.0),
    }
}

/// Whether a class or an instance stands for GeneratorExit.
fn is_generator_exit(vm: &mut Vm, thrown: Value) -> bool {
    let exit = vm.exc.generator_exit;
    if crate::raising::is_exception_class(vm, thrown) {
        return TypeRef::from_value(thrown).is_subtype(exit);
    }
    crate::raising::is_exception(vm, thrown) && vm.exception_matches(thrown, exit)
}

/// `close()` of whatever is being delegated to.
fn close_any(vm: &mut Vm, iterator: Value) -> PyResult<()> {
    if is_generator_like(vm, iterator) {
        return close(vm, iterator);
    }
    match vm.getattr_str_opt(iterator, "close") {
        Ok(Some(method)) => vm.call(method, &[]).map(|_| ()),
        Ok(None) => Ok(()),
        // It is closed all the same.
        Err(raised) => {
            let text = format!("Exception ignored while closing generator {}", vm.repr_text(iterator)?);
            crate::warnings::unraisable(vm, raised.0, &text, Value::NULL);
            Ok(())
        }
    }
}

/// `close()`.
pub fn close(vm: &mut Vm, generator: Value) -> PyResult<()> {
    close_with_value(vm, generator).map(|_| ())
}

/// `close()` gives what the generator returns on GeneratorExit, else None.
fn close_with_value(vm: &mut Vm, generator: Value) -> PyResult {
    match state_of(generator) {
        state::FINISHED => return Ok(vm.none),
        state::CREATED => {
            let object = cast::<GeneratorObject>(generator);
            object.state.set(state::FINISHED);
            object.sp.set(0);
            return Ok(vm.none);
        }
        _ => {}
    }
    let exit = vm.raise_args(vm.exc.generator_exit, &[]).0;
    match throw(vm, generator, exit) {
        Ok(_) => {
            let what = what(generator);
            Err(vm.runtime_error(format!("{what} ignored GeneratorExit")))
        }
        Err(raised) if vm.exception_matches(raised.0, vm.exc.stop_iteration) => {
            Ok(objects::exceptions::stop_iteration_value(vm, raised.0))
        }
        Err(raised)
            if vm.exception_matches(raised.0, vm.exc.generator_exit)
                || vm.exception_matches(raised.0, vm.exc.stop_async_iteration) =>
        {
            Ok(vm.none)
        }
        Err(raised) => Err(raised),
    }
}

/// The arguments of `throw`: an exception, or the old form of class, value, traceback.
pub fn thrown_exception(vm: &mut Vm, args: &[Value]) -> PyResult {
    let (class, value) = (args[0], args.get(1).copied().unwrap_or(vm.none));
    let exception = if crate::raising::is_exception(vm, class) {
        if value != vm.none {
            return Err(vm.type_error("instance exception may not have a separate value"));
        }
        class
    } else if crate::raising::is_exception_class(vm, class) {
        if value == vm.none {
            vm.call(class, &[])?
        } else if vm.isinstance(value, class)? {
            value
        } else {
            vm.call(class, &[value])?
        }
    } else {
        let kind = vm.type_of(class).name();
        return Err(
            vm.type_error(format!("exceptions must be classes or instances deriving from BaseException, not {kind}"))
        );
    };
    if !crate::raising::is_exception(vm, exception) {
        let (shown, kind) = (vm.repr_text(class)?, vm.type_of(exception).name());
        return Err(
            vm.type_error(format!("calling {shown} should have returned an instance of BaseException, not {kind}"))
        );
    }
    if let Some(traceback) = args.get(2).filter(|traceback| **traceback != vm.none) {
        let object = cast::<Exception>(exception);
        vm.write(exception, &object.traceback, *traceback);
    }
    Ok(exception)
}

/// `throw` with a class, a value and a traceback is deprecated.
pub fn warn_of_parts(vm: &mut Vm, method: &str, given: &[Value]) -> PyResult<()> {
    if given.len() < 2 {
        return Ok(());
    }
    let text =
        format!("the (type, exc, tb) signature of {method}() is deprecated, use the single-arg signature instead.");
    crate::warnings::warn(vm, vm.exc.deprecation_warning, &text, 1)
}

/// SEND's receiver that is no running generator: send, or next for None.
pub fn send_any(vm: &mut Vm, receiver: Value, value: Value) -> PyResult {
    if is_generator_like(vm, receiver) && !code_of(receiver).flags().has(CodeFlags::ASYNC_GENERATOR) {
        return send(vm, receiver, value);
    }
    if value == vm.none {
        return match vm.next_or_stop(receiver)? {
            Some(value) => Ok(value),
            None => Err(vm.stop_iteration(vm.none)),
        };
    }
    vm.call_method(receiver, "send", &[value])
}

/// GET_YIELD_FROM_ITER.
pub fn yield_from_iter(vm: &mut Vm, iterable: Value, in_coroutine: bool) -> PyResult {
    let types = crate::state::shapes(vm);
    let ty = vm.type_of(iterable);
    if ty == types.coroutine.ty {
        if !in_coroutine {
            return Err(vm.type_error("cannot 'yield from' a coroutine object in a non-coroutine generator"));
        }
        return Ok(iterable);
    }
    if ty == types.generator.ty { Ok(iterable) } else { vm.iter(iterable) }
}

/// GET_AWAITABLE: `how` is 1 and 2 for `__aenter__` and `__aexit__` of `async with`.
pub fn awaitable(vm: &mut Vm, object: Value, how: u32) -> PyResult {
    let types = crate::state::shapes(vm);
    let ty = vm.type_of(object);
    if ty == types.coroutine.ty {
        if awaited(object).is_some() {
            return Err(vm.runtime_error("coroutine is being awaited already"));
        }
        return Ok(object);
    }
    if ty == types.generator.ty && code_of(object).flags().has(CodeFlags::ITERABLE_COROUTINE) {
        return Ok(object);
    }
    let Some(method) = ty.slots().await_ else {
        let kind = ty.name();
        let message = match how {
            1 => format!("'async with' received an object from __aenter__ that does not implement __await__: {kind}"),
            2 => format!("'async with' received an object from __aexit__ that does not implement __await__: {kind}"),
            _ => format!("'{kind}' object can't be awaited"),
        };
        return Err(vm.type_error(message));
    };
    let iterator = method(vm, object)?;
    if vm.type_of(iterator) == types.coroutine.ty {
        return Err(vm.type_error("__await__() returned a coroutine"));
    }
    if vm.type_of(iterator).slots().next.is_none() {
        let kind = vm.type_of(iterator).name();
        return Err(vm.type_error(format!("__await__() returned non-iterator of type '{kind}'")));
    }
    Ok(iterator)
}

/// GET_AITER.
pub fn aiter(vm: &mut Vm, object: Value) -> PyResult {
    let kind = vm.type_of(object).name();
    let Some(method) = vm.type_of(object).slots().aiter else {
        return Err(vm.type_error(format!("'async for' requires an object with __aiter__ method, got {kind}")));
    };
    let iterator = method(vm, object)?;
    if vm.type_of(iterator).slots().anext.is_none() {
        let kind = vm.type_of(iterator).name();
        return Err(vm.type_error(format!(
            "'async for' received an object from __aiter__ that does not implement __anext__: {kind}"
        )));
    }
    Ok(iterator)
}

/// GET_ANEXT: the awaitable's iterator.
pub fn anext(vm: &mut Vm, object: Value) -> PyResult {
    let kind = vm.type_of(object).name();
    let Some(method) = vm.type_of(object).slots().anext else {
        return Err(vm.type_error(format!("'async for' requires an iterator with __anext__ method, got {kind}")));
    };
    let next = method(vm, object)?;
    awaitable(vm, next, 0).map_err(|raised| {
        let message = format!("'async for' received an invalid object from __anext__: {}", vm.type_of(next).name());
        let error = vm.type_error(message);
        let object = cast::<Exception>(error.0);
        vm.write(error.0, &object.cause, raised.0);
        error
    })
}

fn iter_self(_vm: &mut Vm, generator: Value) -> PyResult {
    Ok(generator)
}

fn next(vm: &mut Vm, generator: Value) -> PyResult<Option<Value>> {
    let result = match state_of(generator) {
        state::CREATED | state::SUSPENDED => run_unseen(vm, generator, vm.none),
        _ => send(vm, generator, vm.none),
    };
    let Err(raised) = result else { return result.map(Some) };
    // Without a value there is nothing to keep of it.
    let is_over = vm.exception_matches(raised.0, vm.exc.stop_iteration)
        && objects::exceptions::stop_iteration_value(vm, raised.0) == vm.none;
    if is_over { Ok(None) } else { Err(raised) }
}

fn repr(vm: &mut Vm, generator: Value) -> PyResult {
    let object = cast::<GeneratorObject>(generator);
    let (name, kind) = (vm.text_of(object.qualname.get()), vm.type_of(generator).name());
    let id = vm.thread.heap.id(generator);
    Ok(vm.new_str(&format!("<{kind} object {name} at {id:#x}>")))
}

fn method_send(vm: &mut Vm, args: &CallArgs) -> PyResult {
    send(vm, args.values[0], args.values[1])
}

fn method_throw(vm: &mut Vm, args: &CallArgs) -> PyResult {
    warn_of_parts(vm, "throw", &args.values[1..])?;
    throw_given(vm, args.values[0], &args.values[1..])
}

fn method_close(vm: &mut Vm, args: &CallArgs) -> PyResult {
    close_with_value(vm, args.values[0])
}

static METHODS: [MethodDef; 4] = [
    MethodDef::method("send", 2, 2, method_send)
    .with_doc("send($self, object, /)\n--\n\nsend(value) -> send 'value' into generator,\nreturn next yielded value or raise StopIteration."),
    MethodDef::method("throw", 2, 4, method_throw)
    .with_doc("throw(value)\nthrow(type[,value[,tb]])\n\nRaise exception in generator, return next yielded value or raise\nStopIteration.\nthe (type, val, tb) signature is deprecated, \nand may be removed in a future version of Python."),
    MethodDef::method("close", 1, 1, method_close)
    .with_doc("close($self, /)\n--\n\nclose() -> raise GeneratorExit inside generator."),
    objects::generic_alias::CLASS_GETITEM,
];

macro_rules! getters {
    ($prefix:literal) => {
        &[
            GetSetDef::new(
                "__name__",
                |_, g| Ok(cast::<GeneratorObject>(g).name.get()),
                |vm, g, v| set_name(vm, g, v, "__name__", |object| &object.name),
            ),
            GetSetDef::new(
                "__qualname__",
                |_, g| Ok(cast::<GeneratorObject>(g).qualname.get()),
                |vm, g, v| set_name(vm, g, v, "__qualname__", |object| &object.qualname),
            ),
            GetSetDef::read_only(concat!($prefix, "_running"), |vm, g| Ok(vm.bool(state_of(g) == state::RUNNING))),
            GetSetDef::read_only(concat!($prefix, "_suspended"), |vm, g| Ok(vm.bool(state_of(g) == state::SUSPENDED))),
            GetSetDef::read_only(concat!($prefix, "_code"), |_, g| Ok(code_of(g).object.get())),
            GetSetDef::read_only(concat!($prefix, "_frame"), frame),
        ]
    };
}

static GENERATOR_GETTERS: &[GetSetDef] = getters!("gi");
static COROUTINE_GETTERS: &[GetSetDef] = getters!("cr");
static ASYNC_GETTERS: &[GetSetDef] = getters!("ag");

type NameField = fn(&GeneratorObject) -> &std::cell::Cell<Value>;

fn set_name(vm: &mut Vm, generator: Value, value: Value, name: &str, field: NameField) -> PyResult<()> {
    if value.is_null() || !vm.is_str(value) {
        return Err(vm.type_error(format!("{name} must be set to a string object")));
    }
    vm.write(generator, field(cast::<GeneratorObject>(generator)), value);
    Ok(())
}

/// `gi_frame`: None when finished.
fn frame(vm: &mut Vm, generator: Value) -> PyResult {
    if state_of(generator) == state::FINISHED {
        return Ok(vm.none);
    }
    Ok(crate::frame_type::of_generator(vm, generator))
}

/// `gi_yieldfrom` and its kin.
fn delegate(vm: &mut Vm, generator: Value) -> PyResult {
    Ok(awaited(generator).unwrap_or(vm.none))
}

static YIELD_FROM: &[GetSetDef] = &[GetSetDef::read_only("gi_yieldfrom", delegate)];
static CR_AWAIT: &[GetSetDef] = &[
    GetSetDef::read_only("cr_await", delegate),
    GetSetDef::read_only("cr_origin", |vm, coroutine| {
        let origin = cast::<GeneratorObject>(coroutine).origin.get();
        Ok(if origin.is_null() { vm.none } else { origin })
    }),
];
static AG_AWAIT: &[GetSetDef] = &[GetSetDef::read_only("ag_await", delegate)];

/// Makes the three types.
pub fn make_types(vm: &mut Vm) -> [TypeRef; 3] {
    let base = |name: &'static str, kind: Kind| TypeSpec {
        tail: heap::Tail::Values,
        finalize: heap::Finalize::Guest,
        flags: objects::ty::flags::NO_NEW | objects::ty::flags::HAS_WEAKREF,
        ..TypeSpec::of::<GeneratorObject>(name, kind)
    };
    let object = vm.types.object;
    let slots = Slots { repr: Some(repr), finalize: Some(finalize), ..Slots::default() };
    let generator = vm.new_builtin_type(
        TypeSpec {
            slots: Slots { iter: Some(iter_self), next: Some(next), ..slots },
            methods: &METHODS,
            getset: GENERATOR_GETTERS,
            ..base("generator", Kind::Generator)
        },
        object,
    );
    let coroutine = vm.new_builtin_type(
        TypeSpec {
            slots: Slots { await_: Some(crate::coroutine::wrapper), ..slots },
            methods: &METHODS,
            getset: COROUTINE_GETTERS,
            ..base("coroutine", Kind::Other)
        },
        object,
    );
    let async_generator = vm.new_builtin_type(
        TypeSpec {
            slots: Slots { aiter: Some(iter_self), anext: Some(crate::coroutine::async_next), ..slots },
            methods: &crate::coroutine::ASYNC_METHODS,
            getset: ASYNC_GETTERS,
            ..base("async_generator", Kind::Other)
        },
        object,
    );
    for (ty, getters) in [(generator, YIELD_FROM), (coroutine, CR_AWAIT), (async_generator, AG_AWAIT)] {
        vm.add_getset(ty, getters);
    }
    [generator, coroutine, async_generator]
}
