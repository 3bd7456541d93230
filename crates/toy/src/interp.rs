//! The interpreter: one dispatch loop and its handlers, generic over the machine.

use crate::builtins;
use crate::code::{Code, Op, Symbol};
use crate::errors::GuestError;
use crate::object::*;
use crate::operators::{binary, truth};
use crate::toy::Toy;
use heap::{ShapeId, Value};
use metatrace::{Entered, Finished, Frame, Leave, Lookup, Machine, Operand, Site};

/// A handler's result: a value or an exception.
pub(crate) type Res<M> = Result<<M as Machine>::Ref, <M as Machine>::Ref>;

/// The dispatch loop.
#[inline(always)]
pub(crate) fn run<M: Machine<L = Toy>>(m: &mut M, mut frame: Frame<Toy, M::Ref>) -> Leave<M::Ref> {
    loop {
        if let Some(leave) = m.boundary(&mut frame) {
            return leave;
        }
        let op = frame.code.ops[frame.pc as usize];
        frame.pc += 1;
        if let Some(leave) = step(m, &mut frame, op) {
            return leave;
        }
    }
}

/// One instruction.
#[inline(always)]
fn step<M: Machine<L = Toy>>(m: &mut M, frame: &mut Frame<Toy, M::Ref>, op: Op) -> Option<Leave<M::Ref>> {
    let code = frame.code;
    let result: Res<M> = match op {
        Op::Const(at) => {
            let value = m.constant(code.consts[at as usize]);
            Ok(value)
        }
        Op::Object(at) => Ok(m.handle(code.objects[at as usize])),
        Op::Local(at) => Ok(frame.slot(at as usize)),
        Op::SetLocal(at) => {
            let value = frame.pop();
            frame.set_slot(at as usize, value);
            return None;
        }
        Op::Pop => {
            frame.pop();
            return None;
        }
        Op::Binary(op) => {
            let (b, a) = (frame.pop(), frame.pop());
            binary(m, site(code, frame.pc), op, a, b)
        }
        Op::Not => {
            let value = frame.pop();
            let truth = truth(m, value);
            let truth = m.bool(!truth);
            Ok(m.bool_box(truth))
        }
        Op::Neg => {
            let value = frame.pop();
            crate::operators::negate(m, value)
        }
        Op::Jump(target) => {
            frame.pc = target;
            return None;
        }
        Op::JumpBack(target) => {
            if m.poll() {
                builtins::attend(m.context());
            }
            frame.pc = target;
            return m.back_edge(frame);
        }
        Op::JumpIfFalse(target) => {
            let value = frame.pop();
            if !truth(m, value) {
                frame.pc = target;
            }
            return None;
        }
        Op::Call(count) => return call(m, frame, count as usize),
        Op::CallMethod(name, count) => return call_method(m, frame, name, count as usize),
        Op::Attr(name) => {
            let object = frame.pop();
            get_attr(m, object, name)
        }
        Op::SetAttr(name) => {
            let (value, object) = (frame.pop(), frame.pop());
            match set_attr(m, object, name, value) {
                Ok(()) => return None,
                Err(exception) => Err(exception),
            }
        }
        Op::AddAttr(name) => {
            let (value, object) = (frame.pop(), frame.pop());
            match add_attr(m, site(code, frame.pc), object, name, value) {
                Ok(()) => return None,
                Err(exception) => Err(exception),
            }
        }
        Op::Index => {
            let (index, list) = (frame.pop(), frame.pop());
            list_place(m, list, index).map(|(array, at)| m.item_ref(array, at, &ARRAY_ITEMS))
        }
        Op::SetIndex => {
            let (value, index, list) = (frame.pop(), frame.pop(), frame.pop());
            match list_place(m, list, index) {
                Ok((array, at)) => {
                    m.set_item_ref(array, at, &ARRAY_ITEMS, value);
                    return None;
                }
                Err(exception) => Err(exception),
            }
        }
        Op::List(count) => {
            let list = new_list(m, frame.top(count as usize));
            frame.sp -= count;
            Ok(list)
        }
        Op::Push => {
            let (value, list) = (frame.pop(), frame.pop());
            push(m, list, value)
        }
        Op::Swap => {
            let (second, first, list) = (frame.pop(), frame.pop(), frame.pop());
            swap(m, list, first, second)
        }
        Op::Len => {
            let value = frame.pop();
            length(m, value)
        }
        Op::Print => {
            let value = frame.pop();
            Ok(m.call_ref(&builtins::PRINT, &[Operand::Ref(value)]))
        }
        Op::SetMethod(name) => {
            let (function, class) = (frame.pop(), frame.pop());
            let name = m.int(name.0 as i64);
            let done =
                m.call_ref(&builtins::SET_METHOD, &[Operand::Ref(class), Operand::Int(name), Operand::Ref(function)]);
            check(m, done)
        }
        Op::Map => {
            let (function, list) = (frame.pop(), frame.pop());
            map_pair(m, function, list)
        }
        Op::Depth => {
            let depth = m.call_int(&builtins::DEPTH, &[]);
            Ok(m.int_box(depth))
        }
        Op::Return => {
            let value = frame.pop();
            return finish(m, frame, Ok(value));
        }
        Op::Raise => Err(frame.pop()),
    };
    match result {
        Ok(value) => {
            frame.push(value);
            None
        }
        Err(exception) => unwind(m, frame, exception),
    }
}

/// A callee's result arrives in `frame`.
pub(crate) fn resume<M: Machine<L = Toy>>(
    m: &mut M,
    frame: &mut Frame<Toy, M::Ref>,
    result: Res<M>,
) -> Option<Leave<M::Ref>> {
    match result {
        Ok(value) => {
            frame.push(value);
            None
        }
        Err(exception) => unwind(m, frame, exception),
    }
}

fn finish<M: Machine<L = Toy>>(m: &mut M, frame: &mut Frame<Toy, M::Ref>, result: Res<M>) -> Option<Leave<M::Ref>> {
    match m.finish(frame, result) {
        Finished::Caller(result) => resume(m, frame, result),
        Finished::Base(leave) => Some(leave),
    }
}

/// Goes on at the handler of the exception, in this frame or a caller's. The instruction is the one before `pc`.
fn unwind<M: Machine<L = Toy>>(m: &mut M, frame: &mut Frame<Toy, M::Ref>, exception: M::Ref) -> Option<Leave<M::Ref>> {
    match frame.code.handler(frame.pc - 1) {
        Some(handler) => {
            frame.pc = handler.target;
            frame.sp = handler.sp;
            frame.push(exception);
            None
        }
        None => finish(m, frame, Err(exception)),
    }
}

/// The inline cache of the instruction before `pc`.
fn site(code: &'static Code, pc: u32) -> &'static Site {
    &code.sites[pc as usize - 1]
}

pub(crate) fn raise<M: Machine<L = Toy>, T>(m: &mut M, error: GuestError) -> Result<T, M::Ref> {
    let handle = m.context().errors[error as usize];
    Err(m.handle(handle))
}

/// The result of a callee that leaves NULL behind when it raised.
fn check<M: Machine<L = Toy>>(m: &mut M, result: M::Ref) -> Res<M> {
    let null = m.is_null(result);
    if m.decide(null) { Err(m.take_exception()) } else { Ok(result) }
}

/// The shape of a heap object; `None` for integers and immediate or boxed floats.
#[inline(always)]
pub(crate) fn shape_of<M: Machine<L = Toy>>(m: &mut M, value: M::Ref) -> Option<&'static Shape> {
    let int = m.is_int(value);
    if m.decide(int) {
        return None;
    }
    let float = m.is_flt(value);
    if m.decide(float) {
        return None;
    }
    let shape = m.shape(value);
    let id = ShapeId(m.promote_int(shape) as u32);
    Some(m.context().shape(id))
}

fn kind<M: Machine<L = Toy>>(m: &mut M, value: M::Ref) -> Option<Kind> {
    shape_of(m, value).map(|shape| shape.kind)
}

/// The class's method, or `None`.
pub(crate) fn method<M: Machine<L = Toy>>(
    m: &mut M,
    site: &'static Site,
    class: &'static Class,
    name: Symbol,
) -> Option<&'static Code> {
    let key = std::ptr::from_ref(class).addr() as i64 ^ ((name.0 as i64) << 48);
    m.lookup(site, key, |_| Lookup::lasting(class.assumption, class.method(name))).code
}

/// A window for `code` with its arguments.
fn window<M: Machine<L = Toy>>(m: &mut M, code: &'static Code, args: &[&[M::Ref]]) -> Result<*mut M::Ref, M::Ref> {
    let Some(window) = m.window(code) else { return raise(m, GuestError::Recursion) };
    let nil = m.context().nil;
    let nil = m.constant(nil);
    for at in 0..code.locals as usize {
        let mut index = at;
        let mut value = nil;
        for part in args {
            if index < part.len() {
                value = part[index];
                break;
            }
            index -= part.len();
        }
        // SAFETY: the window has a slot for each local.
        unsafe { *window.add(at) = value };
    }
    Ok(window)
}

/// A call in mid-handler.
pub(crate) fn call_now<M: Machine<L = Toy>>(m: &mut M, code: &'static Code, args: &[&[M::Ref]]) -> Res<M> {
    if args.iter().map(|part| part.len()).sum::<usize>() != code.params as usize {
        return raise(m, GuestError::Arity);
    }
    let window = window(m, code, args)?;
    m.call_code(code, window, 0, code.locals)
}

/// Ends the handler with a call: the callee's frame is the next to run.
fn call_next<M: Machine<L = Toy>>(
    m: &mut M,
    frame: &mut Frame<Toy, M::Ref>,
    code: &'static Code,
    args: usize,
    drop: usize,
) -> Option<Leave<M::Ref>> {
    if args != code.params as usize {
        let error = raise(m, GuestError::Arity);
        return unwind_with(m, frame, error);
    }
    let window = match window(m, code, &[frame.top(args)]) {
        Ok(window) => window,
        Err(exception) => return unwind(m, frame, exception),
    };
    frame.sp -= drop as u32;
    match m.enter(frame, code, window, 0, code.locals) {
        Entered::Frame => None,
        Entered::Done(result) => resume(m, frame, result),
    }
}

fn unwind_with<M: Machine<L = Toy>>(
    m: &mut M,
    frame: &mut Frame<Toy, M::Ref>,
    result: Result<(), M::Ref>,
) -> Option<Leave<M::Ref>> {
    match result {
        Ok(()) => None,
        Err(exception) => unwind(m, frame, exception),
    }
}

fn call<M: Machine<L = Toy>>(m: &mut M, frame: &mut Frame<Toy, M::Ref>, count: usize) -> Option<Leave<M::Ref>> {
    let callee = frame.peek(count);
    match kind(m, callee) {
        Some(Kind::Func) => {
            let code = code_of(m, callee);
            call_next(m, frame, code, count, count + 1)
        }
        Some(Kind::Class) => {
            let result = instantiate(m, site(frame.code, frame.pc), callee, frame.top(count));
            match result {
                Ok(object) => {
                    frame.sp -= count as u32 + 1;
                    frame.push(object);
                    None
                }
                Err(exception) => unwind(m, frame, exception),
            }
        }
        _ => {
            let error = raise(m, GuestError::NotCallable);
            unwind_with(m, frame, error)
        }
    }
}

fn call_method<M: Machine<L = Toy>>(
    m: &mut M,
    frame: &mut Frame<Toy, M::Ref>,
    name: Symbol,
    count: usize,
) -> Option<Leave<M::Ref>> {
    let object = frame.peek(count);
    let class = shape_of(m, object).and_then(|shape| shape.class);
    let code = class.and_then(|class| method(m, site(frame.code, frame.pc), class, name));
    match code {
        Some(code) => call_next(m, frame, code, count + 1, count + 1),
        None => {
            let error = raise(m, GuestError::NoMethod);
            unwind_with(m, frame, error)
        }
    }
}

fn code_of<M: Machine<L = Toy>>(m: &mut M, function: M::Ref) -> &'static Code {
    let word = m.get_int(function, &FUNC_CODE);
    let word = m.promote_int(word);
    // SAFETY: the word of a function is its code, which lives as long as the process.
    unsafe { &*(word as *const Code) }
}

/// Makes an instance; `init` runs in mid-handler.
fn instantiate<M: Machine<L = Toy>>(m: &mut M, site: &'static Site, class: M::Ref, args: &[M::Ref]) -> Res<M> {
    let word = m.get_int(class, &CLASS_DATA);
    let word = m.promote_int(word);
    // SAFETY: the word of a class object is its class, which lives as long as the process.
    let class: &'static Class = unsafe { &*(word as *const Class) };
    let init = m.context().names.init.expect("set when the machine was made");
    let init = method(m, site, class, init);
    if init.is_none() && args.len() > class.fields.len() {
        return raise(m, GuestError::Arity);
    }
    let shape = class.first_shape.borrow().expect("set when the class was made");
    let nil = m.context().nil;
    let nil = m.constant(nil);
    let object = m.new(shape.id, INSTANCE_BYTES);
    for (at, slot) in SLOTS.iter().enumerate() {
        let value = if init.is_none() { args.get(at).copied().unwrap_or(nil) } else { nil };
        m.init_ref(object, slot, value);
    }
    if let Some(init) = init {
        call_now(m, init, &[&[object], args])?;
    }
    Ok(object)
}

fn get_attr<M: Machine<L = Toy>>(m: &mut M, object: M::Ref, name: Symbol) -> Res<M> {
    let slot = shape_of(m, object).and_then(|shape| shape.slot(name));
    match slot {
        Some(at) => Ok(m.get_ref(object, &SLOTS[at])),
        None => raise(m, GuestError::NoAttribute),
    }
}

fn set_attr<M: Machine<L = Toy>>(m: &mut M, object: M::Ref, name: Symbol, value: M::Ref) -> Result<(), M::Ref> {
    let Some(shape) = shape_of(m, object).filter(|shape| shape.kind == Kind::Instance) else {
        return raise(m, GuestError::NoAttribute);
    };
    if let Some(at) = shape.slot(name) {
        m.set_ref(object, &SLOTS[at], value);
        return Ok(());
    }
    if shape.names.len() == ATTRIBUTES {
        return raise(m, GuestError::TooManyAttributes);
    }
    // Which shape follows is a function of shape and name: making it is not seen by the guest.
    let next = m.context().transition(shape, name);
    m.set_ref(object, &SLOTS[shape.names.len()], value);
    m.set_shape(object, next.id);
    Ok(())
}

/// Load, operator and store in one handler: the operator may run guest code in the middle.
fn add_attr<M: Machine<L = Toy>>(
    m: &mut M,
    site: &'static Site,
    object: M::Ref,
    name: Symbol,
    value: M::Ref,
) -> Result<(), M::Ref> {
    let old = get_attr(m, object, name)?;
    let sum = binary(m, site, crate::code::Binary::Add, old, value)?;
    set_attr(m, object, name, sum)
}

/// The array behind a list and a checked index into it.
fn list_place<M: Machine<L = Toy>>(m: &mut M, list: M::Ref, index: M::Ref) -> Result<(M::Ref, M::Int), M::Ref> {
    if kind(m, list) != Some(Kind::List) {
        return raise(m, GuestError::NotAList);
    }
    let int = m.is_int(index);
    if !m.decide(int) {
        return raise(m, GuestError::IndexType);
    }
    let at = m.int_unbox(index);
    let len = m.get_int(list, &LIST_LEN);
    let inside = m.int_ult(at, len);
    if !m.decide(inside) {
        return raise(m, GuestError::IndexRange);
    }
    Ok((m.get_ref(list, &LIST_ITEMS), at))
}

fn new_list<M: Machine<L = Toy>>(m: &mut M, items: &[M::Ref]) -> M::Ref {
    let (list_shape, array_shape) = (m.context().list.id, m.context().array.id);
    let capacity = m.int(items.len().max(4) as i64);
    let array = m.new_items(array_shape, ARRAY_FIXED_BYTES, 8, capacity);
    for (at, &item) in items.iter().enumerate() {
        let at = m.int(at as i64);
        m.init_item_ref(array, at, &ARRAY_ITEMS, item);
    }
    let list = m.new(list_shape, LIST_BYTES);
    let len = m.int(items.len() as i64);
    m.init_int(list, &LIST_LEN, len);
    m.init_ref(list, &LIST_ITEMS, array);
    list
}

fn push<M: Machine<L = Toy>>(m: &mut M, list: M::Ref, value: M::Ref) -> Res<M> {
    if kind(m, list) != Some(Kind::List) {
        return raise(m, GuestError::NotAList);
    }
    let len = m.get_int(list, &LIST_LEN);
    let array = m.get_ref(list, &LIST_ITEMS);
    let capacity = m.get_int(array, &ARRAY_LEN);
    let room = m.int_lt(len, capacity);
    let array = if m.decide(room) { array } else { m.call_ref(&builtins::GROW, &[Operand::Ref(list)]) };
    m.set_item_ref(array, len, &ARRAY_ITEMS, value);
    let one = m.int(1);
    let len = m.int_add(len, one);
    m.set_int(list, &LIST_LEN, len);
    nil(m)
}

/// Stores before its second check: leaving there must not store again.
fn swap<M: Machine<L = Toy>>(m: &mut M, list: M::Ref, first: M::Ref, second: M::Ref) -> Res<M> {
    let (array, i) = list_place(m, list, first)?;
    let a = m.item_ref(array, i, &ARRAY_ITEMS);
    let mark = m.constant(Value::from_int(-99));
    m.set_item_ref(array, i, &ARRAY_ITEMS, mark);
    let (array, j) = list_place(m, list, second)?;
    let b = m.item_ref(array, j, &ARRAY_ITEMS);
    // A decision behind the first store after which both ways go on: a handler that ran again here would read the mark.
    let is_int = m.is_int(b);
    let b = if m.decide(is_int) {
        let inner = m.int_unbox(b);
        m.int_box(inner)
    } else {
        b
    };
    m.set_item_ref(array, j, &ARRAY_ITEMS, a);
    m.set_item_ref(array, i, &ARRAY_ITEMS, b);
    nil(m)
}

fn length<M: Machine<L = Toy>>(m: &mut M, value: M::Ref) -> Res<M> {
    let len = match kind(m, value) {
        Some(Kind::List) => m.get_int(value, &LIST_LEN),
        Some(Kind::Str) => m.get_int(value, &STR_LEN),
        _ => return raise(m, GuestError::NotAList),
    };
    Ok(m.int_box(len))
}

/// The function on the first two items of the list: two mid-handler calls with work between and after them.
fn map_pair<M: Machine<L = Toy>>(m: &mut M, function: M::Ref, list: M::Ref) -> Res<M> {
    if kind(m, function) != Some(Kind::Func) {
        return raise(m, GuestError::NotAFunction);
    }
    let code = code_of(m, function);
    let mut results = [function; 2];
    for (at, result) in results.iter_mut().enumerate() {
        let index = m.constant(Value::from_int(at as i64));
        let (array, place) = list_place(m, list, index)?;
        let item = m.item_ref(array, place, &ARRAY_ITEMS);
        *result = call_now(m, code, &[&[item]])?;
    }
    Ok(new_list(m, &results))
}

pub(crate) fn nil<M: Machine<L = Toy>>(m: &mut M) -> Res<M> {
    let nil = m.context().nil;
    Ok(m.constant(nil))
}
