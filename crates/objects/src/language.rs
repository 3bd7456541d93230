//! What metatrace asks about Python.

use crate::array_layout::Array;
use crate::builtin_layouts::RangeIterator;
use crate::code::Code;
use crate::layout::cast;
use crate::shape::{self, Kind};
use crate::ty::flags;
use crate::vm::{Python, Vm};
use heap::{ShapeId, Value};
use metatrace::{Direct, Frame, HotCell, Language, Leave, Traced, Tracer};

impl Language for Python {
    type Code = Code;
    type Context = Vm;

    #[inline(always)]
    fn slot_count(code: &'static Code) -> usize {
        code.slot_count as usize
    }

    #[inline(always)]
    fn loop_cell(code: &'static Code, pc: u32) -> &'static HotCell {
        &code.hot[code.loop_index[pc as usize] as usize]
    }

    #[inline(always)]
    fn entry_cell(code: &'static Code) -> &'static HotCell {
        &code.entry
    }

    fn site(code: &'static Code, pc: u32) -> Option<&'static metatrace::Site> {
        code.sites.get(pc as usize)
    }

    fn describe(code: &'static Code, pc: u32) -> String {
        let line = code.source.position(pc as usize).line.unwrap_or(0);
        format!("{} {}:{line}", code.source.qualname, code.source.filename)
    }

    fn instruction(code: &'static Code, pc: u32) -> &'static str {
        code.source.instructions[pc as usize].op.name()
    }

    #[inline(always)]
    fn bools(context: &mut Vm) -> [Value; 2] {
        [context.false_, context.true_]
    }

    #[inline(always)]
    fn float_shape(_: &mut Vm) -> ShapeId {
        shape::exact_id(Kind::Float)
    }

    fn variety(context: &mut Vm, object: Value) -> u16 {
        match context.kind(object) {
            Kind::Array => cast::<Array>(object).kind.get() as u16,
            // A trace knows the step of its range.
            Kind::RangeIterator => cast::<RangeIterator>(object).step.get() as u16,
            _ => 0,
        }
    }

    fn fixed_shape(context: &mut Vm, object: Value) -> Option<ShapeId> {
        if !object.is_object() {
            return None;
        }
        let shape = context.shape_of(object);
        // Neither has attributes in itself, and `__class__` of an instance of a built-in class cannot be set.
        let is_fixed = matches!(shape.kind, Kind::Builtin | Kind::Type)
            && shape.capacity == 0
            && shape.overflow_word == 0
            && !shape.ty.has(flags::HEAP);
        is_fixed.then_some(shape.id)
    }

    fn kind_of(context: &mut Vm, value: Value) -> String {
        match value {
            value if value.is_null() => "nothing".to_owned(),
            value if value == context.none => "None".to_owned(),
            value if context.kind(value) == Kind::BigInt => LARGE_INT.to_owned(),
            value => with_article(&context.type_of(value).name()),
        }
    }

    fn kind_of_shape(context: &mut Vm, shape: ShapeId) -> String {
        match context.shapes.get(shape.0 as usize) {
            Some(shape) if shape.ty == context.type_of(context.none) => "None".to_owned(),
            Some(shape) if shape.kind == Kind::BigInt => LARGE_INT.to_owned(),
            Some(shape) => with_article(&shape.ty.name()),
            None => "an object".to_owned(),
        }
    }

    fn is_loop_header(code: &'static Code, pc: u32) -> bool {
        code.loop_index[pc as usize] != 0
    }

    fn is_traceable(code: &'static Code) -> bool {
        code.traceable.get()
    }

    fn run_traced(tracer: &mut Tracer<Python>, frame: Frame<Python, Traced<Value>>) -> Leave<Traced<Value>> {
        let run = metatrace::Machine::context(tracer).hooks.run_traced;
        run(tracer, frame)
    }

    #[inline(always)]
    fn run_direct(direct: &mut Direct<Python>, frame: Frame<Python, Value>) -> Leave<Value> {
        let run = vm_of(direct.context).hooks.run_direct;
        run(direct, frame)
    }

    fn resume_direct(
        direct: &mut Direct<Python>,
        frame: &mut Frame<Python, Value>,
        result: Result<Value, Value>,
    ) -> Option<Leave<Value>> {
        let resume = vm_of(direct.context).hooks.resume_direct;
        resume(direct, frame, result)
    }

    fn recursion_error(context: &mut Vm) -> Value {
        context.recursion_error("maximum recursion depth exceeded").0
    }

    fn take_exception(context: &mut Vm) -> Value {
        // NULL where NULL stands for "no more items" and nothing is pending.
        std::mem::replace(&mut context.exception, Value::NULL)
    }

    fn set_exception(context: &mut Vm, exception: Value) {
        context.exception = exception;
    }
}

fn vm_of(context: *mut Vm) -> &'static mut Vm {
    // SAFETY: machines are made with the context of the running thread, which outlives them.
    unsafe { &mut *context }
}

/// An int that is an object.
const LARGE_INT: &str = "an int beyond 63 bits";

fn with_article(name: &str) -> String {
    let is_vowel = name.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    format!("{} {name}", if is_vowel { "an" } else { "a" })
}
