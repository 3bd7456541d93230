//! Calls: Python functions get a frame, classes an instance and a frame for `__init__`, native functions their arguments.

use crate::callees::calls::*;
use crate::machine::*;
use crate::slots;
use heap::Value;
use metatrace::Operand;
use objects::args::MethodDef;
use objects::builtin_layouts::{Builtin, Function, Method, Tuple};
use objects::code::Code;
use objects::shape::{Kind, Shape};
use objects::ty::TypeObject;
use syntax::CodeFlags;

/// CALL: callable, receiver or NULL, `count` arguments.
#[inline(always)]
pub fn call<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, pc: usize, count: usize) -> Step<M> {
    let callable = f.peek(count + 1);
    let Some(shape) = object_shape(m, callable) else {
        return call_any(m, f, count);
    };
    match shape.kind {
        Kind::Function => {
            let given = count + has_receiver(m, f, count) as usize;
            call_function(m, f, callable, given, count + 2, None, None)
        }
        Kind::Method => {
            if has_receiver(m, f, count) {
                return call_any(m, f, count);
            }
            let function = m.get_ref(callable, Method::FUNCTION);
            let receiver = m.get_ref(callable, Method::RECEIVER);
            if object_kind(m, function) != Some(Kind::Function) {
                return call_any(m, f, count);
            }
            f.poke(count, receiver);
            call_function(m, f, function, count + 1, count + 2, None, None)
        }
        Kind::Builtin => {
            let given = count + has_receiver(m, f, count) as usize;
            call_builtin(m, f, callable, given, count + 2)
        }
        Kind::Type => call_class(m, f, pc, callable, count),
        _ => call_any(m, f, count),
    }
}

#[inline(always)]
fn has_receiver<M: PyMachine>(m: &mut M, f: &PyFrame<M>, count: usize) -> bool {
    let receiver = f.peek(count);
    let absent = m.is_null(receiver);
    !m.decide(absent)
}

/// Calls whatever it is, natively.
fn call_any<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, count: usize) -> Step<M> {
    let callable = f.peek(count + 1);
    let given = count + has_receiver(m, f, count) as usize;
    let result = m.call_slice(&CALL, callable, f.top(given));
    let result = check(m, result)?;
    f.sp -= count as u32 + 2;
    f.push(result);
    Ok(Flow::Next)
}

/// A Python function with the `given` topmost values of the stack as positional arguments, of which those named by `names`
/// are keyword arguments. `drop` values leave the caller's stack. `instead`: what the caller gets for the result (see
/// [`slots::INSTEAD`]).
#[inline(always)]
pub fn call_function<M: PyMachine>(
    m: &mut M,
    f: &mut PyFrame<M>,
    function: M::Ref,
    given: usize,
    drop: usize,
    names: Option<M::Ref>,
    instead: Option<M::Ref>,
) -> Step<M> {
    let code = m.get_int(function, Function::CODE);
    let code = Code::from_token(m.promote_int(code));
    let Some(window) = m.window(code) else {
        return Err(raise(m, &RECURSION_ERROR, &[]));
    };
    let set = |index: usize, value: M::Ref| {
        // SAFETY: the window has the code's slots, and all indices below are fixed slots or parameters.
        unsafe { *window.add(index) = value }
    };
    set(slots::FUNCTION, function);
    set_namespaces(m, code, window, function);
    if let Some(instead) = instead {
        set(slots::INSTEAD, instead);
    }
    let source = &code.source;
    let plain = source.kwonly_count == 0
        && !source.flags.has(CodeFlags::VARARGS)
        && !source.flags.has(CodeFlags::VARKEYWORDS)
        && given <= source.arg_count as usize;
    if plain && names.is_none() && fill_plain(m, f, function, given, source.arg_count as usize, window) {
        f.sp -= drop as u32;
        return enter(code, window);
    }
    // The general way: a Rust function sorts the arguments into a tuple of the parameters' values.
    let bound = match names {
        Some(names) => {
            f.push(names);
            let bound = m.call_slice(&BIND_KEYWORDS, function, f.top(given + 1));
            f.pop();
            bound
        }
        None => m.call_slice(&BIND, function, f.top(given)),
    };
    let bound = match check(m, bound) {
        Ok(bound) => bound,
        Err(exception) => {
            m.drop_window(window);
            return Err(exception);
        }
    };
    for i in 0..source.parameter_count() {
        let index = m.int(i as i64);
        set(slots::FIRST_LOCAL + i, m.item_ref(bound, index, objects::tuple::TUPLE_ITEMS));
    }
    f.sp -= drop as u32;
    enter(code, window)
}

/// The globals of a call. They are the locals too of a function that was made of a module's code.
#[inline(always)]
fn set_namespaces<M: PyMachine>(m: &mut M, code: &'static Code, window: *mut M::Ref, function: M::Ref) {
    let globals = m.get_ref(function, Function::GLOBALS);
    // SAFETY: the window has the code's slots.
    unsafe { *window.add(slots::GLOBALS) = globals };
    if !code.source.flags.has(CodeFlags::OPTIMIZED) {
        // SAFETY: as above.
        unsafe { *window.add(slots::LOCALS) = globals };
    }
}

/// Positional arguments and, behind them, defaults. False if defaults are missing.
#[inline(always)]
fn fill_plain<M: PyMachine>(
    m: &mut M,
    f: &PyFrame<M>,
    function: M::Ref,
    given: usize,
    wanted: usize,
    window: *mut M::Ref,
) -> bool {
    for (i, value) in f.top(given).iter().enumerate() {
        // SAFETY: parameters are the first locals, and there are at least `given`.
        unsafe { *window.add(slots::FIRST_LOCAL + i) = *value };
    }
    if given == wanted {
        return true;
    }
    let defaults = m.get_ref(function, Function::DEFAULTS);
    let none = m.is_null(defaults);
    if m.decide(none) {
        return false;
    }
    let count = m.get_int(defaults, Tuple::LEN);
    let count = m.promote_int(count) as usize;
    let missing = wanted - given;
    if count < missing {
        return false;
    }
    for i in 0..missing {
        let index = m.int((count - missing + i) as i64);
        let value = m.item_ref(defaults, index, objects::tuple::TUPLE_ITEMS);
        // SAFETY: as above.
        unsafe { *window.add(slots::FIRST_LOCAL + given + i) = value };
    }
    true
}

#[inline(always)]
fn enter<M: PyMachine>(code: &'static Code, window: *mut M::Ref) -> Step<M> {
    Ok(Flow::Enter { code, window, pc: 0, sp: code.first_local + code.local_count })
}

/// A native function with the `given` topmost values as arguments.
#[inline(always)]
fn call_builtin<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, callable: M::Ref, given: usize, drop: usize) -> Step<M> {
    let def = m.get_int(callable, Builtin::DEF);
    let def = m.promote_int(def);
    // SAFETY: the field holds a `&'static MethodDef`.
    let def: &'static MethodDef = unsafe { &*(def as usize as *const MethodDef) };
    if let Some(result) = crate::handlers::intrinsic::call(m, def, f.top(given)) {
        f.sp -= drop as u32;
        f.push(result);
        return Ok(Flow::Next);
    }
    let callee = if def.runs_guest { &CALL_BUILTIN } else { &CALL_BUILTIN_LEAF };
    let result = m.call_slice(callee, callable, f.top(given));
    let result = check(m, result)?;
    f.sp -= drop as u32;
    f.push(result);
    Ok(Flow::Next)
}

/// How instances of a class come to be.
pub enum ClassPlan {
    /// `object.__new__`, then this `__init__`.
    Init {
        shape: &'static Shape,
        init: metatrace::Handle,
    },
    /// `object.__new__` alone.
    Bare {
        shape: &'static Shape,
    },
    Generic,
}

/// A call of a class.
#[inline(always)]
fn call_class<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, pc: usize, class: M::Ref, count: usize) -> Step<M> {
    let data = m.get_int(class, TypeObject::DATA);
    let data = m.promote_int(data);
    let site = &f.code.sites[pc];
    if has_receiver(m, f, count) {
        return call_any(m, f, count);
    }
    match m.lookup(site, data, |vm| crate::classes::class_plan(vm, data)) {
        ClassPlan::Init { shape, init } => {
            let instance = new_instance(m, shape);
            let init = m.handle(*init);
            f.poke(count + 1, init);
            f.poke(count, instance);
            call_function(m, f, init, count + 1, count + 2, None, Some(instance))
        }
        ClassPlan::Bare { shape } if count == 0 => {
            let instance = new_instance(m, shape);
            f.sp -= 2;
            f.push(instance);
            Ok(Flow::Next)
        }
        _ => call_any(m, f, count),
    }
}

/// An instance with no attributes yet.
#[inline(always)]
pub fn new_instance<M: PyMachine>(m: &mut M, shape: &'static Shape) -> M::Ref {
    let instance = m.new(shape.id, shape.bytes() as u32);
    let null = m.constant(Value::NULL);
    for word in 1..shape.bytes() / 8 {
        m.init_ref(instance, crate::classes::word_field(word), null);
    }
    instance
}

/// CALL_KW: callable, receiver or NULL, `count` arguments, the names of the last ones.
pub fn call_keywords<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, count: usize) -> Step<M> {
    let names = f.pop();
    let callable = f.peek(count + 1);
    let given = count + has_receiver(m, f, count) as usize;
    if object_kind(m, callable) == Some(Kind::Function) {
        return call_function(m, f, callable, given, count + 2, Some(names), None);
    }
    f.push(names);
    let result = m.call_slice(&CALL_KEYWORDS, callable, f.top(given + 1));
    f.pop();
    let result = check(m, result)?;
    f.sp -= count as u32 + 2;
    f.push(result);
    Ok(Flow::Next)
}

/// CALL_FUNCTION_EX: callable, NULL, positional arguments, keyword arguments (a dict or NULL).
pub fn call_unpacked<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>) -> Step<M> {
    let keywords = f.peek(0);
    let positional = f.peek(1);
    let callable = f.peek(3);
    if object_kind(m, callable) == Some(Kind::Function) {
        let code = m.get_int(callable, Function::CODE);
        let code = Code::from_token(m.promote_int(code));
        let Some(window) = m.window(code) else {
            return Err(raise(m, &RECURSION_ERROR, &[]));
        };
        let bound =
            m.call_ref(&BIND_UNPACKED, &[Operand::Ref(callable), Operand::Ref(positional), Operand::Ref(keywords)]);
        let bound = match check(m, bound) {
            Ok(bound) => bound,
            Err(exception) => {
                m.drop_window(window);
                return Err(exception);
            }
        };
        // SAFETY: the window has the code's slots.
        unsafe {
            *window.add(slots::FUNCTION) = callable;
        }
        set_namespaces(m, code, window, callable);
        for i in 0..code.source.parameter_count() {
            let index = m.int(i as i64);
            let value = m.item_ref(bound, index, objects::tuple::TUPLE_ITEMS);
            // SAFETY: parameters are the first locals.
            unsafe { *window.add(slots::FIRST_LOCAL + i) = value };
        }
        f.sp -= 4;
        return enter(code, window);
    }
    let result =
        m.call_ref(&CALL_UNPACKED, &[Operand::Ref(callable), Operand::Ref(positional), Operand::Ref(keywords)]);
    let result = check(m, result)?;
    f.sp -= 4;
    f.push(result);
    Ok(Flow::Next)
}
