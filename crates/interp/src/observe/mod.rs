//! `sys.settrace` and `sys.setprofile`: debuggers and profilers that watch frames.
//!
//! Nobody pays for this who does not use it. While somebody watches, the codes of all frames, old and new, are
//! *instrumented*: each instruction (but RESUME, where frames begin and go on) becomes INSTRUMENTED_LINE, whose handler
//! comes here and then runs what stood there. What the code means stays in `Code::source`, and only the direct interpreter
//! runs the changed copy. Nothing is recorded meanwhile and no compiled code is entered; the compiled code that stands in
//! the call which switched this on is left when that call returns, as after every inspection of frames.
//!
//! Which events there are follows CPython 3.14: `instrumentation.c` and `legacy_tracing.c`.

mod jump;
mod lines;

pub use jump::set_line;
use lines::is_new_line;

use crate::frame_object::{self, FrameObject};
use heap::Value;
use metatrace::Handle;
use objects::args::MethodDef;
use objects::builtin_layouts::Builtin;
use objects::code::Code;
use objects::error::{PyResult, Raised};
use objects::layout::cast;
use objects::shape::Kind;
use objects::vm::Vm;
use syntax::{Instruction, Op};

/// Who watches, and what is known of the frames watched; one in each VM.
#[derive(Default)]
struct Observation {
    /// What `sys.settrace` was given.
    tracer: Option<Handle>,
    /// What `sys.setprofile` was given.
    profiler: Option<Handle>,
    /// Instrumented codes.
    codes: Vec<&'static Code>,
    /// Calls of a tracer or profiler in progress: what they run is not watched.
    inside: u32,
    /// Grows whenever watching ends: what frame objects know of their previous instruction is then stale.
    epoch: i64,
    /// The event that a tracer is being told of.
    event: Option<Event>,
    /// Calls of native functions that a profiler was told of: the caller's record, and the function.
    native_calls: Vec<(usize, Handle)>,
}

/// What a tracer or profiler is told of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    Call,
    /// A generator goes on.
    Resume,
    Line,
    Opcode,
    Return,
    Yield,
    /// An exception leaves the frame.
    Unwind,
    Exception,
    NativeCall,
    NativeReturn,
    NativeException,
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Event::Call | Event::Resume => "call",
            Event::Line => "line",
            Event::Opcode => "opcode",
            Event::Return | Event::Yield | Event::Unwind => "return",
            Event::Exception => "exception",
            Event::NativeCall => "c_call",
            Event::NativeReturn => "c_return",
            Event::NativeException => "c_exception",
        }
    }
}

fn observation(vm: &mut Vm) -> &mut Observation {
    vm.extension::<Observation>()
}

fn get(vm: &mut Vm, which: fn(&mut Observation) -> &mut Option<Handle>) -> Value {
    match *which(observation(vm)) {
        Some(handle) => vm.thread.handle(handle),
        None => vm.none,
    }
}

fn set(vm: &mut Vm, which: fn(&mut Observation) -> &mut Option<Handle>, function: Value) {
    if let Some(old) = which(observation(vm)).take() {
        vm.thread.drop_handle(old);
    }
    if function != vm.none {
        let handle = vm.thread.new_handle(function);
        *which(observation(vm)) = Some(handle);
    }
    let state = observation(vm);
    match state.tracer.is_some() || state.profiler.is_some() {
        true => switch_on(vm),
        false => switch_off(vm),
    }
}

/// The function that `sys.settrace` was given, or None.
pub fn tracer(vm: &mut Vm) -> Value {
    get(vm, |state| &mut state.tracer)
}

/// The function that `sys.setprofile` was given, or None.
pub fn profiler(vm: &mut Vm) -> Value {
    get(vm, |state| &mut state.profiler)
}

/// `sys.settrace`; None: off.
pub fn set_tracer(vm: &mut Vm, function: Value) {
    set(vm, |state| &mut state.tracer, function);
}

/// `sys.setprofile`; None: off.
pub fn set_profiler(vm: &mut Vm, function: Value) {
    let calls = std::mem::take(&mut observation(vm).native_calls);
    for (_, handle) in calls {
        vm.thread.drop_handle(handle);
    }
    set(vm, |state| &mut state.profiler, function);
}

fn switch_on(vm: &mut Vm) {
    // This also leaves the compiled code in progress: see the module.
    let records: Vec<_> = vm.thread.records().collect();
    vm.thread.set_observed(true);
    for record in records {
        // SAFETY: records of live frames.
        instrument(vm, unsafe { (*record).code });
    }
}

fn switch_off(vm: &mut Vm) {
    vm.thread.set_observed(false);
    let state = observation(vm);
    state.epoch += 1;
    for code in state.codes.drain(..) {
        for (now, original) in code.instructions.iter().zip(&code.source.instructions) {
            now.set(*original);
        }
    }
}

/// Makes a code tell of each of its instructions.
fn instrument(vm: &mut Vm, code: &'static Code) {
    // The last instruction of a code is never RESUME.
    if code.instructions.last().is_none_or(|last| last.get().op == Op::InstrumentedLine) {
        return;
    }
    for (now, original) in code.instructions.iter().zip(&code.source.instructions) {
        if original.op != Op::Resume {
            now.set(Instruction { op: Op::InstrumentedLine, arg: 0 });
        }
    }
    observation(vm).codes.push(code);
}

/// `sys.call_tracing`: calls a function whose frames are watched, though the caller is a tracer.
pub fn call_watched(vm: &mut Vm, function: Value, args: &[Value]) -> PyResult {
    let inside = std::mem::take(&mut observation(vm).inside);
    let result = vm.call(function, args);
    observation(vm).inside = inside;
    result
}

/// Calls a tracer or profiler.
fn call_observer(vm: &mut Vm, function: Value, frame: Value, event: Event, arg: Value) -> PyResult {
    let name = vm.intern(event.name());
    let state = observation(vm);
    state.inside += 1;
    let outer = state.event.replace(event);
    let result = vm.call(function, &[frame, name, arg]);
    let state = observation(vm);
    state.inside -= 1;
    state.event = outer;
    result
}

/// Tells the tracer. It is switched off if it raises.
fn tell_tracer(vm: &mut Vm, frame: Value, event: Event, arg: Value) -> PyResult<()> {
    let begins = matches!(event, Event::Call | Event::Resume);
    let function = if begins { tracer(vm) } else { cast::<FrameObject>(frame).trace.get() };
    if function.is_null() || observation(vm).tracer.is_none() {
        return Ok(());
    }
    let result = call_observer(vm, function, frame, event, arg);
    let object = cast::<FrameObject>(frame);
    match result {
        Ok(local) => {
            if local != vm.none {
                vm.write(frame, &object.trace, local);
            }
            Ok(())
        }
        Err(raised) => {
            object.trace.set(Value::NULL);
            switch_off_one(vm, raised, set_tracer)
        }
    }
}

/// Tells the profiler. It is switched off if it raises.
fn tell_profiler(vm: &mut Vm, frame: Value, event: Event, arg: Value) -> PyResult<()> {
    if observation(vm).profiler.is_none() {
        return Ok(());
    }
    let function = profiler(vm);
    match call_observer(vm, function, frame, event, arg) {
        Ok(_) => Ok(()),
        Err(raised) => switch_off_one(vm, raised, set_profiler),
    }
}

fn switch_off_one(vm: &mut Vm, raised: Raised, set: fn(&mut Vm, Value)) -> PyResult<()> {
    let none = vm.none;
    set(vm, none);
    Err(raised)
}

fn tell_both(vm: &mut Vm, frame: Value, event: Event, arg: Value) -> PyResult<()> {
    tell_profiler(vm, frame, event, arg)?;
    tell_tracer(vm, frame, event, arg)
}

/// Whether what happens in the current frame is to be told.
fn watches(vm: &mut Vm) -> bool {
    vm.thread.observed && observation(vm).inside == 0
}

/// The frame object of the current frame.
fn current(vm: &mut Vm) -> Value {
    let record = vm.thread.record;
    // SAFETY: the record of the current frame.
    unsafe { frame_object::of_record(vm, record) }
}

/// A frame begins or goes on.
pub fn entered(vm: &mut Vm) -> PyResult<()> {
    if !watches(vm) {
        return Ok(());
    }
    // SAFETY: the current frame has a record.
    let (code, pc) = unsafe { ((*vm.thread.record).code, (*vm.thread.record).instruction()) };
    instrument(vm, code);
    let begins = code.source.instructions[pc as usize].arg & 3 == 0;
    let frame = current(vm);
    remember(vm, frame, pc);
    let none = vm.none;
    tell_both(vm, frame, if begins { Event::Call } else { Event::Resume }, none)
}

/// A generator's frame goes on with an exception thrown into it.
pub fn thrown_into(vm: &mut Vm, exception: Value) -> PyResult {
    if watches(vm) {
        // SAFETY: the current frame has a record.
        let code = unsafe { (*vm.thread.record).code };
        instrument(vm, code);
        let (frame, none) = (current(vm), vm.none);
        tell_both(vm, frame, Event::Resume, none)?;
    }
    Ok(exception)
}

/// Notes the instruction that the frame executes, for the next one's sake.
fn remember(vm: &mut Vm, frame: Value, pc: u32) {
    let epoch = observation(vm).epoch;
    cast::<FrameObject>(frame).previous.set(epoch << 32 | pc as i64);
}

/// The instruction that the frame executed before `pc`, as far as it is known: else the one that stands before it.
fn previous(vm: &mut Vm, frame: Value, pc: u32) -> Option<u32> {
    let known = cast::<FrameObject>(frame).previous.get();
    if known != 0 && known >> 32 == observation(vm).epoch { Some(known as u32) } else { pc.checked_sub(1) }
}

/// The current frame is about to execute the instruction of its record. A tracer may send it to another one.
pub fn instruction(vm: &mut Vm) -> PyResult<()> {
    if !watches(vm) {
        return Ok(());
    }
    let record = vm.thread.record;
    // SAFETY: the current frame has a record, and its slots up to `sp` are valid.
    let (code, pc, top) = unsafe { ((*record).code, (*record).pc, (*record).slots.add((*record).sp as usize)) };
    native_call_ends(vm, Event::NativeReturn)?;
    // SAFETY: as above.
    let existing = unsafe { *(*record).slots.add(crate::slots::FRAME_OBJECT) };
    if !existing.is_null() {
        line(vm, existing, code, pc)?;
        // SAFETY: as above.
        if unsafe { (*record).pc } != pc {
            return Ok(());
        }
    }
    let original = code.source.instructions[pc as usize];
    match original.op {
        Op::ReturnValue | Op::YieldValue => {
            // SAFETY: the instruction's operand is on the stack.
            let value = unsafe { *top.sub(1) };
            let event = if original.op == Op::ReturnValue { Event::Return } else { Event::Yield };
            let frame = current(vm);
            tell_both(vm, frame, event, value)
        }
        Op::Call | Op::CallKw | Op::CallFunctionEx if observation(vm).profiler.is_some() => {
            let depth = match original.op {
                Op::Call => original.arg as usize + 2,
                Op::CallKw => original.arg as usize + 3,
                _ => 4,
            };
            // SAFETY: as above; behind a callable stands its receiver or NULL, then the arguments.
            let (callable, receiver) = unsafe { (*top.sub(depth), *top.sub(depth - 1)) };
            let first = match original.op {
                Op::CallFunctionEx => Value::NULL,
                // SAFETY: as above.
                _ if receiver.is_null() && original.arg > 0 => unsafe { *top.sub(depth - 2) },
                _ => receiver,
            };
            native_call_begins(vm, callable, first)
        }
        _ => Ok(()),
    }
}

/// Line and opcode events.
fn line(vm: &mut Vm, frame: Value, code: &'static Code, pc: u32) -> PyResult<()> {
    let object = cast::<FrameObject>(frame);
    if object.trace.get().is_null() {
        return Ok(());
    }
    let before = previous(vm, frame, pc);
    remember(vm, frame, pc);
    let none = vm.none;
    if object.trace_lines.get() != 0 && is_new_line(code, before, pc) {
        tell_tracer(vm, frame, Event::Line, none)?;
        // SAFETY: the current frame has a record.
        let now = unsafe { (*vm.thread.record).pc };
        if now != pc {
            // A jump: the line gone to is not told of.
            remember(vm, frame, now);
            return Ok(());
        }
    }
    if cast::<FrameObject>(frame).trace_opcodes.get() != 0 {
        tell_tracer(vm, frame, Event::Opcode, none)?;
    }
    Ok(())
}

/// A profiler is told of calls of functions and methods written in Rust, not of those of classes.
fn native_call_begins(vm: &mut Vm, callable: Value, receiver: Value) -> PyResult<()> {
    if !callable.is_object() || vm.kind(callable) != Kind::Builtin {
        return Ok(());
    }
    let ty = vm.type_of(callable);
    let function = if ty == vm.types.builtin {
        callable
    } else if ty == vm.types.method_descriptor && !receiver.is_null() {
        let def: &'static MethodDef = objects::builtin::def_of(callable);
        debug_assert!(!cast::<Builtin>(callable).owner.get().is_null());
        vm.new_builtin(def, receiver)
    } else {
        return Ok(());
    };
    let handle = vm.thread.new_handle(function);
    let caller = vm.thread.record.addr();
    observation(vm).native_calls.push((caller, handle));
    let frame = current(vm);
    let function = vm.thread.handle(handle);
    tell_profiler(vm, frame, Event::NativeCall, function)
}

/// The native function that the current frame called, if it did, returned or raised.
fn native_call_ends(vm: &mut Vm, event: Event) -> PyResult<()> {
    let caller = vm.thread.record.addr();
    let Some((_, handle)) = observation(vm).native_calls.pop_if(|(record, _)| *record == caller) else { return Ok(()) };
    let function = vm.thread.handle(handle);
    vm.thread.drop_handle(handle);
    let frame = current(vm);
    tell_profiler(vm, frame, event, function)
}

/// The exception as tracers get it: class, instance, traceback.
fn exception_info(vm: &mut Vm, exception: Value) -> Value {
    let traceback = cast::<objects::builtin_layouts::Exception>(exception).traceback.get();
    let traceback = if traceback.is_null() { vm.none } else { traceback };
    let class = vm.type_of(exception).value();
    vm.new_tuple(&[class, exception, traceback])
}

/// The current frame raised `exception`, or a callee did and it arrives here. Gives the exception to go on with.
pub fn raised(vm: &mut Vm, exception: Value) -> PyResult {
    if watches(vm) {
        native_call_ends(vm, Event::NativeException)?;
        iteration_ends(vm, exception)?;
    }
    Ok(exception)
}

/// A StopIteration ended an iteration in the current frame.
pub fn iteration_ends(vm: &mut Vm, exception: Value) -> PyResult {
    if watches(vm) {
        // SAFETY: the current frame has a record, and its slots are valid.
        let frame = unsafe { *(*vm.thread.record).slots.add(crate::slots::FRAME_OBJECT) };
        if !frame.is_null() && !cast::<FrameObject>(frame).trace.get().is_null() {
            let info = exception_info(vm, exception);
            tell_tracer(vm, frame, Event::Exception, info)?;
        }
    }
    Ok(exception)
}

/// The next value of an iterator, NULL at its end: a tracer is told of the StopIteration of one that Python code wrote.
pub fn next(vm: &mut Vm, iterator: Value) -> PyResult {
    match vm.next_or_stop(iterator) {
        Ok(value) => Ok(value.unwrap_or(Value::NULL)),
        Err(raised) if vm.exception_matches(raised.0, vm.exc.stop_iteration) => {
            iteration_ends(vm, raised.0)?;
            Ok(Value::NULL)
        }
        Err(raised) => Err(raised),
    }
}

/// The same for what `yield from` and `await` delegate to. Iterators written in Rust raise nothing, they just end.
pub fn delegation_ends(vm: &mut Vm, receiver: Value, exception: Value) -> PyResult {
    let from_python = crate::generator_object::is_generator_like(vm, receiver)
        || vm.type_of(receiver).has(objects::ty::flags::HEAP)
        || vm.type_of(receiver).slots().next.is_none();
    if from_python { iteration_ends(vm, exception) } else { Ok(exception) }
}

/// `exception` is about to leave the current frame.
pub fn unwinds(vm: &mut Vm, exception: Value) -> PyResult {
    if watches(vm) {
        let (frame, none) = (current(vm), vm.none);
        tell_both(vm, frame, Event::Unwind, none)?;
    }
    Ok(exception)
}
