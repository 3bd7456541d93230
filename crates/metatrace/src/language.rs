//! What an interpreter tells the framework about its language.

use crate::frame::{Frame, Leave};
use crate::jit::HotCell;
use crate::thread::Thread;
use heap::Value;

/// An interpreter written on metatrace.
///
/// The interpreter's semantics are functions generic over [`crate::Machine`], its dispatch loop among them. The
/// framework runs that with `Direct` to interpret and with `Tracer` to record a trace and to leave one.
pub trait Language: Sized + 'static {
    /// A unit of code. Codes live as long as the process; the framework holds them as `&'static`.
    type Code: 'static;

    /// The guest's whole mutable state. `#[repr(C)]`, and its first field is the [`Thread`]: compiled code reaches both
    /// through one pointer.
    type Context: 'static;

    /// How many slots a frame of `code` has: locals, whatever else the language keeps in slots, and the evaluation stack.
    fn slot_count(code: &'static Self::Code) -> usize;

    /// The counter of the loop whose header is the instruction at `pc`; called for targets of back edges alone.
    fn loop_cell(code: &'static Self::Code, pc: u32) -> &'static HotCell;

    /// The counter of the function's entry.
    fn entry_cell(code: &'static Self::Code) -> &'static HotCell;

    /// The inline cache of the instruction.
    fn site(_code: &'static Self::Code, _pc: u32) -> Option<&'static crate::jit::Site> {
        None
    }

    /// What logs call the instruction: function name, line.
    fn describe(code: &'static Self::Code, pc: u32) -> String;

    /// The name of the kind of the instruction, for `log=coverage`.
    fn instruction(_code: &'static Self::Code, _pc: u32) -> &'static str {
        "instruction"
    }

    /// The guest's `false` and `true`, in this order; immortal objects.
    fn bools(context: &mut Self::Context) -> [Value; 2];

    /// The shape of a float boxed on the heap; its bits are the word at offset 8.
    fn float_shape(context: &mut Self::Context) -> heap::ShapeId;

    /// Whether code should never be inlined into a caller's trace nor traced itself (generated monsters, `settrace`).
    fn is_traceable(_code: &'static Self::Code) -> bool {
        true
    }

    /// What distinguishes an object from others of its shape as far as loops over it are concerned (the type of an array's
    /// elements): loops get versions by the shapes of their values and by this.
    fn variety(_context: &mut Self::Context, _object: Value) -> u16 {
        0
    }

    /// The shape of an object that keeps it as long as it lives, so that traces that know the object need not ask.
    fn fixed_shape(_context: &mut Self::Context, _object: Value) -> Option<heap::ShapeId> {
        None
    }

    /// What an explanation calls a value's type: "an int", "a list".
    fn kind_of(_context: &mut Self::Context, _value: Value) -> String {
        "a value".to_owned()
    }

    /// The same of objects of this shape.
    fn kind_of_shape(_context: &mut Self::Context, _shape: heap::ShapeId) -> String {
        "a value".to_owned()
    }

    /// The same of tagged integers, and of floats.
    fn kind_of_number(is_int: bool) -> &'static str {
        if is_int { "an int" } else { "a float" }
    }

    /// Whether a loop starts at the instruction.
    fn is_loop_header(_code: &'static Self::Code, _pc: u32) -> bool {
        false
    }

    /// The dispatch loop, which the interpreter writes once, generic over [`crate::Machine`], instantiated for the tracer:
    /// runs `frame` and what it calls until the frame at the machine's base depth is left.
    fn run_traced(
        tracer: &mut crate::Tracer<Self>,
        frame: Frame<Self, crate::Traced<Value>>,
    ) -> Leave<crate::Traced<Value>>;
    /// The same instantiated for the direct machine.
    fn run_direct(direct: &mut crate::Direct<Self>, frame: Frame<Self, Value>) -> Leave<Value>;

    /// What the dispatch loop does when a callee of `frame` is done: pushes the result, or unwinds to a handler (leaving
    /// frames with [`Machine::finish`], so that `frame` may be another one afterwards). `Some`: the base frame was left. The
    /// driver calls it for a callee that compiled code or a tracer finished.
    fn resume_direct(
        direct: &mut crate::Direct<Self>,
        frame: &mut Frame<Self, Value>,
        result: Result<Value, Value>,
    ) -> Option<Leave<Value>>;

    /// The exception for a call beyond the recursion limit, which compiled code found.
    fn recursion_error(context: &mut Self::Context) -> Value;

    /// The exception that a callee left behind when it returned NULL; clears it. Kept in the thread, unless the language
    /// has a place of its own.
    fn take_exception(context: &mut Self::Context) -> Value {
        // SAFETY: the thread is the context's first field.
        unsafe { std::mem::replace(&mut (*thread_of::<Self>(context)).pending, Value::NULL) }
    }
    /// Leaves an exception behind.
    fn set_exception(context: &mut Self::Context, exception: Value) {
        // SAFETY: as in `take_exception`.
        unsafe { (*thread_of::<Self>(context)).pending = exception };
    }
}

/// Inside an implementation of [`Language`]: `run_traced`, `run_direct` and `resume_direct` for a dispatch loop and a function
/// that takes a callee's result, both generic over [`crate::Machine`].
#[macro_export]
macro_rules! dispatch {
    ($run:path, $resume:path) => {
        fn run_traced(
            tracer: &mut $crate::Tracer<Self>,
            frame: $crate::Frame<Self, <$crate::Tracer<Self> as $crate::Machine>::Ref>,
        ) -> $crate::Leave<<$crate::Tracer<Self> as $crate::Machine>::Ref> {
            $run(tracer, frame)
        }

        fn run_direct(
            direct: &mut $crate::Direct<Self>,
            frame: $crate::Frame<Self, <$crate::Direct<Self> as $crate::Machine>::Ref>,
        ) -> $crate::Leave<<$crate::Direct<Self> as $crate::Machine>::Ref> {
            $run(direct, frame)
        }

        fn resume_direct(
            direct: &mut $crate::Direct<Self>,
            frame: &mut $crate::Frame<Self, <$crate::Direct<Self> as $crate::Machine>::Ref>,
            result: Result<
                <$crate::Direct<Self> as $crate::Machine>::Ref,
                <$crate::Direct<Self> as $crate::Machine>::Ref,
            >,
        ) -> Option<$crate::Leave<<$crate::Direct<Self> as $crate::Machine>::Ref>> {
            $resume(direct, frame, result)
        }
    };
}

/// Shorthand for the thread inside a context.
///
/// Sound because [`Language::Context`] is `#[repr(C)]` with the thread first.
#[inline(always)]
pub fn thread_of<L: Language>(context: *mut L::Context) -> *mut Thread<L> {
    context.cast()
}
