//! Calls: Python functions get a frame, classes an instance and a frame for `__init__`, native functions their arguments.

use crate::callees::calls::*;
use crate::callees::structures::NEW_DICT;
use crate::handlers::attribute::Loaded;
use crate::handlers::construct::{self, Native};
use crate::handlers::{build, intrinsic, plain};
use crate::machine::*;
use crate::slots;
use heap::Value;
use metatrace::{Operand, Site};
use objects::args::{Consumer, Intrinsic, MethodDef};
use objects::builtin_layouts::{Builtin, Dict, Function, Method, Tuple};
use objects::code::Code;
use objects::shape::{Kind, Shape, is_exact};
use objects::ty::TypeObject;
use syntax::CodeFlags;

/// CALL: callable, receiver or NULL, `count` arguments.
#[inline(always)]
pub fn call<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, pc: usize, count: usize) -> Step<M> {
    let callable = f.peek(count + 1);
    let site = f.code.site(pc);
    if !M::DIRECT && m.is_varied(site) {
        return f.lend(|f| call_any(m, f, count));
    }
    let Some(kind) = callable_kind(m, callable) else {
        return f.lend(|f| call_any(m, f, count));
    };
    match kind {
        Kind::Function => {
            let given = count + has_receiver(m, f, count) as usize;
            call_function(m, f, callable, given, count + 2, None, None)
        }
        Kind::Method => {
            if has_receiver(m, f, count) {
                return f.lend(|f| call_any(m, f, count));
            }
            let function = m.get_ref(callable, Method::FUNCTION);
            let receiver = m.get_ref(callable, Method::RECEIVER);
            if object_kind(m, function) != Some(Kind::Function) {
                return f.lend(|f| call_any(m, f, count));
            }
            f.poke(count, receiver);
            call_function(m, f, function, count + 1, count + 2, None, None)
        }
        Kind::Builtin => {
            let given = count + has_receiver(m, f, count) as usize;
            call_builtin(m, f, pc, callable, given, count + 2)
        }
        // Where classes come and go a plan for each would never be used again.
        Kind::Type if M::DIRECT && m.is_varied(site) => f.lend(|f| call_any(m, f, count)),
        Kind::Type => call_class(m, f, pc, callable, count),
        _ => f.lend(|f| call_any(m, f, count)),
    }
}

/// What is called. The direct interpreter asks for the most frequent kinds by their shapes, which it knows.
#[inline(always)]
fn callable_kind<M: PyMachine>(m: &mut M, callable: M::Ref) -> Option<Kind> {
    if M::DIRECT {
        let value = m.promote_ref(callable);
        if let Some(kind) = [Kind::Function, Kind::Builtin].into_iter().find(|&kind| is_exact(value, kind)) {
            return Some(kind);
        }
    }
    object_kind(m, callable)
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
    let (code, window) = open_window(m, function)?;
    if let Some(instead) = instead {
        set(window, slots::INSTEAD, instead);
    }
    let filled = match names {
        None => fill_plain(m, code, f.top(given), function, window),
        Some(names) => fill_named(m, code, f.top(given), names, function, window),
    };
    if !filled {
        let bound = match names {
            Some(names) => {
                f.push(names);
                let bound = m.call_slice(&BIND_KEYWORDS, function, f.top(given + 1));
                f.pop();
                bound
            }
            None => m.call_slice(&BIND, function, f.top(given)),
        };
        fill_bound(m, code, bound, window)?;
    }
    f.sp -= drop as u32;
    Ok(enter_fresh(m, f, code, window))
}

/// The frame of a Python function that is called with these arguments, which lie where the collector sees them.
pub fn frame_for<M: PyMachine>(
    m: &mut M,
    function: M::Ref,
    arguments: &[M::Ref],
) -> Result<(&'static Code, *mut M::Ref), M::Ref> {
    let (code, window) = open_window(m, function)?;
    if !fill_plain(m, code, arguments, function, window) {
        let bound = m.call_slice(&BIND, function, arguments);
        fill_bound(m, code, bound, window)?;
    }
    Ok((code, window))
}

/// The same call in mid-handler.
pub fn call_within<M: PyMachine>(m: &mut M, function: M::Ref, arguments: &[M::Ref]) -> Outcome<M> {
    let (code, window) = frame_for(m, function, arguments)?;
    m.call_code(code, window, 0, code.first_local + code.local_count)
}

/// A window with all but the arguments.
#[inline(always)]
fn open_window<M: PyMachine>(m: &mut M, function: M::Ref) -> Result<(&'static Code, *mut M::Ref), M::Ref> {
    let code = m.get_int(function, Function::CODE);
    let code = Code::from_token(m.promote_int(code));
    let Some(window) = m.window(code) else {
        return Err(raise(m, &RECURSION_ERROR, &[]));
    };
    set(window, slots::FUNCTION, function);
    // The globals are the locals too of a function that was made of a module's code.
    let globals = m.get_ref(function, Function::GLOBALS);
    set(window, slots::GLOBALS, globals);
    if !code.flags.has(CodeFlags::OPTIMIZED) {
        set(window, slots::LOCALS, globals);
    }
    Ok((code, window))
}

/// Fills a fixed slot or a parameter.
#[inline(always)]
fn set<R>(window: *mut R, index: usize, value: R) {
    // SAFETY: the window has its code's slots, the fixed ones first, then the parameters.
    unsafe { *window.add(index) = value }
}

/// Positional arguments and, behind them, defaults. False if the call is not that simple.
#[inline(always)]
fn fill_plain<M: PyMachine>(
    m: &mut M,
    code: &'static Code,
    arguments: &[M::Ref],
    function: M::Ref,
    window: *mut M::Ref,
) -> bool {
    let Some(wanted) = code.plain_parameters else { return fill_variadic(m, code, arguments, function, window) };
    let wanted = wanted as usize;
    if arguments.len() > wanted {
        return false;
    }
    for (i, value) in arguments.iter().enumerate() {
        set(window, slots::FIRST_LOCAL + i, *value);
    }
    arguments.len() == wanted || fill_defaults(m, function, arguments.len()..wanted, wanted, window, |_| false)
}

/// More positional arguments than that are gathered by a Rust function.
const MOST_GATHERED: usize = 8;

/// The same of code with `*args`, and perhaps `**kwargs`.
fn fill_variadic<M: PyMachine>(
    m: &mut M,
    code: &'static Code,
    arguments: &[M::Ref],
    function: M::Ref,
    window: *mut M::Ref,
) -> bool {
    let source = &code.source;
    let wanted = source.arg_count as usize;
    let (named, rest) = arguments.split_at(wanted.min(arguments.len()));
    if source.kwonly_count != 0 || !code.flags.has(CodeFlags::VARARGS) || rest.len() > MOST_GATHERED {
        return false;
    }
    for (i, value) in named.iter().enumerate() {
        set(window, slots::FIRST_LOCAL + i, *value);
    }
    if named.len() < wanted && !fill_defaults(m, function, named.len()..wanted, wanted, window, |_| false) {
        return false;
    }
    let rest = if rest.is_empty() {
        let empty = m.context().empty_tuple;
        m.constant(empty)
    } else {
        build::tuple_of(m, rest)
    };
    set(window, slots::FIRST_LOCAL + wanted, rest);
    if code.flags.has(CodeFlags::VARKEYWORDS) {
        let keywords = m.call_ref(&NEW_DICT, &[]);
        let Some(keywords) = tried(m, keywords) else { return false };
        set(window, slots::FIRST_LOCAL + wanted + 1, keywords);
    }
    true
}

/// Defaults for those of the `missing` parameters that are not `given`; the last of `wanted` has the last default. False if
/// one has none.
#[inline(always)]
fn fill_defaults<M: PyMachine>(
    m: &mut M,
    function: M::Ref,
    missing: std::ops::Range<usize>,
    wanted: usize,
    window: *mut M::Ref,
    given: impl Fn(usize) -> bool,
) -> bool {
    let defaults = m.get_ref(function, Function::DEFAULTS);
    let none = m.is_null(defaults);
    if m.decide(none) {
        return false;
    }
    let count = m.get_int(defaults, Tuple::LEN);
    let count = m.promote_int(count) as usize;
    for i in missing {
        if given(i) {
            continue;
        }
        if i + count < wanted {
            return false;
        }
        let index = m.int((i + count - wanted) as i64);
        let value = m.item_ref(defaults, index, objects::tuple::TUPLE_ITEMS);
        set(window, slots::FIRST_LOCAL + i, value);
    }
    true
}

/// Parameters are remembered as bits.
const MOST_NAMED: usize = 64;

/// Positional and keyword arguments, the latter's names a constant of the calling code. False if the call is not that simple, or
/// an error.
fn fill_named<M: PyMachine>(
    m: &mut M,
    code: &'static Code,
    arguments: &[M::Ref],
    names: M::Ref,
    function: M::Ref,
    window: *mut M::Ref,
) -> bool {
    let names = m.promote_ref(names);
    let names = objects::tuple::items(names);
    let source = &code.source;
    let (wanted, all) = (source.arg_count as usize, source.parameter_count());
    let positional = arguments.len() - names.len();
    if source.flags.has_any(CodeFlags::VARIADIC) || positional > wanted || all > MOST_NAMED {
        return false;
    }
    let mut filled: u64 = 0;
    for (i, value) in arguments[..positional].iter().enumerate() {
        filled |= 1 << i;
        set(window, slots::FIRST_LOCAL + i, *value);
    }
    for (name, value) in names.iter().zip(&arguments[positional..]) {
        let nameable = source.posonly_count as usize..all;
        // Names of parameters and of arguments are interned.
        let found = nameable.into_iter().find(|&i| code.local_names[i] == *name && filled >> i & 1 == 0);
        let Some(i) = found else { return false };
        filled |= 1 << i;
        set(window, slots::FIRST_LOCAL + i, *value);
    }
    if (wanted..all).any(|i| filled >> i & 1 == 0) {
        return false;
    }
    let is_given = |i: usize| filled >> i & 1 == 1;
    (positional..wanted).all(is_given) || fill_defaults(m, function, positional..wanted, wanted, window, is_given)
}

/// The general way: a Rust function has sorted the arguments into a tuple of the parameters' values.
#[inline(always)]
fn fill_bound<M: PyMachine>(m: &mut M, code: &'static Code, bound: M::Ref, window: *mut M::Ref) -> Result<(), M::Ref> {
    let bound = match check(m, bound) {
        Ok(bound) => bound,
        Err(exception) => {
            m.drop_window(window);
            return Err(exception);
        }
    };
    for i in 0..code.source.parameter_count() {
        let index = m.int(i as i64);
        let value = m.item_ref(bound, index, objects::tuple::TUPLE_ITEMS);
        set(window, slots::FIRST_LOCAL + i, value);
    }
    Ok(())
}

#[inline(always)]
pub fn enter_fresh<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, code: &'static Code, window: *mut M::Ref) -> Flow<M> {
    enter(m, f, code, window, 0, code.first_local + code.local_count)
}

/// A native function with the `given` topmost values as arguments.
#[inline(always)]
fn call_builtin<M: PyMachine>(
    m: &mut M,
    f: &mut PyFrame<M>,
    pc: usize,
    callable: M::Ref,
    given: usize,
    drop: usize,
) -> Step<M> {
    let def = m.get_int(callable, Builtin::DEF);
    let def = m.promote_int(def);
    // SAFETY: the field holds a `&'static MethodDef`.
    let def: &'static MethodDef = unsafe { &*(def as usize as *const MethodDef) };
    if let Some(intrinsic) = def.intrinsic {
        let site = f.code.site(pc);
        match call_intrinsic(m, site, intrinsic, callable, f.top(given))? {
            Some(Loaded::Value(result)) => {
                f.sp -= drop as u32;
                f.push(result);
                return Ok(Flow::Next);
            }
            Some(Loaded::Call { function, arguments, count }) => {
                let (code, window) = frame_for(m, function, &arguments[..count])?;
                f.sp -= drop as u32;
                return Ok(enter_fresh(m, f, code, window));
            }
            Some(Loaded::Method { .. }) | None => {}
        }
    }
    if M::DIRECT {
        // What the function does to what is known matters to traces alone.
        let result = m.call_slice(&CALL_BUILTIN, callable, f.top(given));
        let result = check(m, result)?;
        f.sp -= drop as u32;
        f.push(result);
        return Ok(Flow::Next);
    }
    let is_plain = plain::is_plain_call(m, def, callable, f.top(given));
    if is_plain {
        let result = m.call_slice(&CALL_BUILTIN_PLAIN, callable, f.top(given));
        if let Some(result) = tried(m, result) {
            f.sp -= drop as u32;
            f.push(result);
            return Ok(Flow::Next);
        }
    }
    let result = if def.runs_guest || is_plain {
        let result = m.call_slice(&CALL_BUILTIN, callable, f.top(given));
        check(m, result)?
    } else {
        let result = m.call_slice(&CALL_BUILTIN_LEAF, callable, f.top(given));
        check(m, result).map_err(|exception| raise_anew(m, exception))?
    };
    f.sp -= drop as u32;
    f.push(result);
    Ok(Flow::Next)
}

/// With the receiver of a bound function in front.
fn call_intrinsic<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    intrinsic: Intrinsic,
    callable: M::Ref,
    arguments: &[M::Ref],
) -> Result<Option<Loaded<M::Ref>>, M::Ref> {
    let receiver = m.get_ref(callable, Builtin::RECEIVER);
    let free = m.is_null(receiver);
    if m.decide(free) {
        return intrinsic::call(m, site, intrinsic, arguments);
    }
    let mut all = [receiver; 8];
    match all.get_mut(1..1 + arguments.len()) {
        Some(behind) => behind.copy_from_slice(arguments),
        None => return Ok(None),
    }
    intrinsic::call(m, site, intrinsic, &all[..1 + arguments.len()])
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
    /// A built-in class.
    Native(Native),
    /// A built-in collection.
    Collection(Consumer),
    Generic,
}

/// A call of a class.
#[inline(always)]
fn call_class<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, pc: usize, class: M::Ref, count: usize) -> Step<M> {
    let data = m.get_int(class, TypeObject::DATA);
    let data = m.promote_int(data);
    let site = f.code.site(pc);
    if has_receiver(m, f, count) {
        return f.lend(|f| call_any(m, f, count));
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
        ClassPlan::Native(native) => {
            let Some(made) = construct::call(m, *native, f.top(count))? else {
                return f.lend(|f| call_any(m, f, count));
            };
            f.sp -= count as u32 + 2;
            f.push(made);
            Ok(Flow::Next)
        }
        ClassPlan::Collection(consumer) if count == 1 => {
            let (function, arguments) = match intrinsic::consume(m, site, *consumer, f.peek(0), None) {
                Some(Loaded::Call { function, arguments, .. }) => (function, arguments),
                _ => return f.lend(|f| call_any(m, f, count)),
            };
            let (code, window) = frame_for(m, function, &arguments[..2])?;
            f.sp -= count as u32 + 2;
            Ok(enter_fresh(m, f, code, window))
        }
        _ => f.lend(|f| call_any(m, f, count)),
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
pub fn call_keywords<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, pc: usize, count: usize) -> Step<M> {
    let names = f.pop();
    let callable = f.peek(count + 1);
    let has_receiver = has_receiver(m, f, count);
    let given = count + has_receiver as usize;
    match object_kind(m, callable) {
        Some(Kind::Function) => return call_function(m, f, callable, given, count + 2, Some(names), None),
        Some(Kind::Method) if !has_receiver => {
            let function = m.get_ref(callable, Method::FUNCTION);
            let receiver = m.get_ref(callable, Method::RECEIVER);
            if object_kind(m, function) == Some(Kind::Function) {
                f.poke(count, receiver);
                return call_function(m, f, function, count + 1, count + 2, Some(names), None);
            }
        }
        Some(Kind::Type) if !has_receiver => {
            let data = m.get_int(callable, TypeObject::DATA);
            let data = m.promote_int(data);
            let plan = m.lookup(f.code.site(pc), data, |vm| crate::classes::class_plan(vm, data));
            if let ClassPlan::Init { shape, init } = plan {
                let instance = new_instance(m, shape);
                let init = m.handle(*init);
                f.poke(count + 1, init);
                f.poke(count, instance);
                return call_function(m, f, init, count + 1, count + 2, Some(names), Some(instance));
            }
        }
        _ => {}
    }
    f.push(names);
    let result = m.call_slice(&CALL_KEYWORDS, callable, f.top(given + 1));
    f.pop();
    let result = check(m, result)?;
    f.sp -= count as u32 + 2;
    f.push(result);
    Ok(Flow::Next)
}

/// Starred arguments of more values are sorted by a Rust function.
const MOST_UNPACKED: usize = 8;

/// CALL_FUNCTION_EX: callable, NULL, positional arguments, keyword arguments (a dict or NULL).
pub fn call_unpacked<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>) -> Step<M> {
    let keywords = f.peek(0);
    let positional = f.peek(1);
    let callable = f.peek(3);
    if object_kind(m, callable) == Some(Kind::Function) {
        let (code, window) = open_window(m, callable)?;
        if !fill_unpacked(m, code, callable, positional, keywords, window) {
            let operands = [callable, positional, keywords].map(Operand::Ref);
            let bound = m.call_ref(&BIND_UNPACKED, &operands);
            fill_bound(m, code, bound, window)?;
        }
        f.sp -= 4;
        return Ok(enter_fresh(m, f, code, window));
    }
    let result =
        m.call_ref(&CALL_UNPACKED, &[Operand::Ref(callable), Operand::Ref(positional), Operand::Ref(keywords)]);
    let result = check(m, result)?;
    f.sp -= 4;
    f.push(result);
    Ok(Flow::Next)
}

/// Whether there are none: most often those that a function was itself called with.
fn has_no_keywords<M: PyMachine>(m: &mut M, keywords: M::Ref) -> bool {
    let absent = m.is_null(keywords);
    if m.decide(absent) {
        return true;
    }
    if object_kind(m, keywords) != Some(Kind::Dict) {
        return false;
    }
    let (used, zero) = (m.get_int(keywords, Dict::USED), m.int(0));
    let is_empty = m.int_eq(used, zero);
    m.decide(is_empty)
}

/// The values of a short tuple as positional arguments.
fn fill_unpacked<M: PyMachine>(
    m: &mut M,
    code: &'static Code,
    function: M::Ref,
    positional: M::Ref,
    keywords: M::Ref,
    window: *mut M::Ref,
) -> bool {
    if !has_no_keywords(m, keywords) || object_kind(m, positional) != Some(Kind::Tuple) {
        return false;
    }
    let count = m.get_int(positional, Tuple::LEN);
    let limit = m.int(MOST_UNPACKED as i64 + 1);
    let is_short = m.int_lt(count, limit);
    if !m.decide(is_short) {
        return false;
    }
    let count = m.promote_int(count) as usize;
    let null = null(m);
    let mut arguments = [null; MOST_UNPACKED];
    for (i, argument) in arguments[..count].iter_mut().enumerate() {
        let index = m.int(i as i64);
        *argument = m.item_ref(positional, index, objects::tuple::TUPLE_ITEMS);
    }
    fill_plain(m, code, &arguments[..count], function, window)
}
