//! The machine as the handlers of Python see it, and what they all use.

use heap::Value;
use metatrace::{Callee, Entered, Leave, Machine, Operand};
use objects::shape::{Kind, Shape};
use objects::vm::{Python, Vm};

/// A machine that runs Python.
pub trait PyMachine: Machine<L = Python> {}
impl<M: Machine<L = Python>> PyMachine for M {}

/// One frame of Python on machine `M`.
pub type PyFrame<M> = metatrace::Frame<Python, <M as Machine>::Ref>;

/// A value, or a raised exception.
pub type Outcome<M> = Result<<M as Machine>::Ref, <M as Machine>::Ref>;

/// Where control goes after a handler.
pub enum Flow<M: Machine> {
    /// To `frame.pc`.
    Next,
    /// Into the callee whose window is filled; its frame starts at `pc` with stack height `sp`.
    Enter { code: &'static objects::code::Code, window: *mut M::Ref, pc: u32, sp: u32 },
    /// On with what a callee gave.
    Arrive(Result<M::Ref, M::Ref>),
    /// Out of the frame.
    Return(M::Ref),
    /// Out of the dispatch loop.
    Leave(Leave<M::Ref>),
    /// Nowhere yet: somebody wants to be told of the instruction at `frame.pc` before it runs.
    Observe,
}

/// What a handler gives back: where to go, or the exception it raised.
pub type Step<M> = Result<Flow<M>, <M as Machine>::Ref>;

/// Goes into the callee whose window is filled; its frame starts at `pc` with stack height `sp`. The last thing that a handler
/// does.
#[inline(always)]
pub fn enter<M: PyMachine>(
    m: &mut M,
    f: &mut PyFrame<M>,
    code: &'static objects::code::Code,
    window: *mut M::Ref,
    pc: u32,
    sp: u32,
) -> Flow<M> {
    if !M::DIRECT {
        return Flow::Enter { code, window, pc, sp };
    }
    // At once: carried to the dispatch loop the four would go through memory, in other widths than they are read.
    match m.enter(f, code, window, pc, sp) {
        Entered::Frame => Flow::Next,
        Entered::Done(result) => Flow::Arrive(result),
    }
}

/// The type-dependent kind of a value, as handlers dispatch on it.
#[derive(Clone, Copy)]
pub enum Tag {
    Int,
    Float,
    Object(&'static Shape),
}

/// Decides what `value` is; costs the guards that say so. `value` is not NULL.
#[inline(always)]
pub fn tag<M: PyMachine>(m: &mut M, value: M::Ref) -> Tag {
    let is_int = m.is_int(value);
    if m.decide(is_int) {
        return Tag::Int;
    }
    let is_flt = m.is_flt(value);
    if m.decide(is_flt) {
        return Tag::Float;
    }
    Tag::Object(shape_of(m, value))
}

/// The shape of a value known to be a heap object.
#[inline(always)]
pub fn shape_of<M: PyMachine>(m: &mut M, object: M::Ref) -> &'static Shape {
    let shape = m.shape(object);
    let id = m.promote_int(shape) as usize;
    let shapes = &m.context().shapes;
    debug_assert!(id < shapes.len());
    // SAFETY: headers hold numbers of shapes that exist.
    unsafe { shapes.get_unchecked(id) }
}

/// The shape, if `value` is neither a tagged integer nor a float.
#[inline(always)]
pub fn object_shape<M: PyMachine>(m: &mut M, value: M::Ref) -> Option<&'static Shape> {
    match tag(m, value) {
        Tag::Object(shape) => Some(shape),
        _ => None,
    }
}

/// Whether `value` is an exact instance of the built-in type of that kind, where the plain interpreter asks: for the kind that is by far the
/// most frequent, in front of a choice among all that costs it a jump through a table. Other machines are told no: they choose once.
#[inline(always)]
pub fn is_plainly<M: PyMachine>(m: &mut M, value: M::Ref, kind: Kind) -> bool {
    if !M::DIRECT {
        return false;
    }
    let (int, flt) = (m.is_int(value), m.is_flt(value));
    if m.decide(int) || m.decide(flt) {
        return false;
    }
    let shape = m.shape(value);
    m.promote_int(shape) == objects::shape::exact_id(kind).0 as i64
}

#[inline(always)]
pub fn object_kind<M: PyMachine>(m: &mut M, value: M::Ref) -> Option<Kind> {
    object_shape(m, value).map(|shape| shape.kind)
}

/// The result of a callee that may raise: NULL means that an exception is pending.
#[inline(always)]
pub fn check<M: PyMachine>(m: &mut M, result: M::Ref) -> Outcome<M> {
    let failed = m.is_null(result);
    if m.decide(failed) { Err(m.take_exception()) } else { Ok(result) }
}

/// The result of a callee that gives NULL where the general way is to raise.
#[inline(always)]
pub fn tried<M: PyMachine>(m: &mut M, result: M::Ref) -> Option<M::Ref> {
    let failed = m.is_null(result);
    if m.decide(failed) { None } else { Some(result) }
}

/// The same for truths: -1 is a failure.
#[inline(always)]
pub fn tried_truth<M: PyMachine>(m: &mut M, result: M::Int) -> Option<bool> {
    let zero = m.int(0);
    let failed = m.int_lt(result, zero);
    if m.decide(failed) {
        return None;
    }
    let truth = m.int_ne(result, zero);
    Some(m.decide(truth))
}

/// The truth from a callee that gives 0, 1, or -1 with an exception pending.
#[inline(always)]
pub fn check_truth<M: PyMachine>(m: &mut M, result: M::Int) -> Result<bool, M::Ref> {
    let zero = m.int(0);
    let failed = m.int_lt(result, zero);
    if m.decide(failed) {
        return Err(m.take_exception());
    }
    let truth = m.int_ne(result, zero);
    Ok(m.decide(truth))
}

#[inline(always)]
pub fn call1<M: PyMachine>(m: &mut M, callee: &'static Callee, a: M::Ref) -> Outcome<M> {
    let result = m.call_ref(callee, &[Operand::Ref(a)]);
    check(m, result)
}

#[inline(always)]
pub fn call2<M: PyMachine>(m: &mut M, callee: &'static Callee, a: M::Ref, b: M::Ref) -> Outcome<M> {
    let result = m.call_ref(callee, &[Operand::Ref(a), Operand::Ref(b)]);
    check(m, result)
}

#[inline(always)]
pub fn call3<M: PyMachine>(m: &mut M, callee: &'static Callee, a: M::Ref, b: M::Ref, c: M::Ref) -> Outcome<M> {
    let result = m.call_ref(callee, &[Operand::Ref(a), Operand::Ref(b), Operand::Ref(c)]);
    check(m, result)
}

/// A constant operand: an argument of the instruction, a name.
#[inline(always)]
pub fn int_operand<M: PyMachine>(m: &mut M, x: i64) -> Operand<M> {
    Operand::Int(m.int(x))
}

#[inline(always)]
pub fn none<M: PyMachine>(m: &mut M) -> M::Ref {
    let none = m.context().none;
    m.constant(none)
}

#[inline(always)]
pub fn null<M: PyMachine>(m: &mut M) -> M::Ref {
    m.constant(Value::NULL)
}

/// Raises what a Rust function builds: errors that handlers detect themselves.
pub fn raise<M: PyMachine>(m: &mut M, callee: &'static Callee, operands: &[Operand<M>]) -> M::Ref {
    let result = m.call_ref(callee, operands);
    check(m, result).unwrap_or_else(|exception| exception)
}

/// What a callee raised that does not see the frames, as the guest is to see it.
pub fn raise_anew<M: PyMachine>(m: &mut M, exception: M::Ref) -> M::Ref {
    raise(m, &crate::callees::exceptions::RAISE_ANEW, &[Operand::Ref(exception)])
}

/// The context behind the pointer that compiled code and machines pass to callees.
#[inline(always)]
pub fn vm_of(context: *mut u8) -> &'static mut Vm {
    // SAFETY: every callee is called with the context of the running thread.
    unsafe { &mut *context.cast::<Vm>() }
}
