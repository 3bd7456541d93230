//! `sys.settrace`, `sys.setprofile` and `sys.monitoring`: debuggers and profilers that watch frames.
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
pub mod monitoring;

pub use jump::set_line;
use lines::{goes_round_a_line, is_new_line};
use monitoring::event;

use crate::frame_object::{self, FrameObject};
use heap::Value;
use metatrace::Handle;
use objects::args::MethodDef;
use objects::builtin_layouts::{Builtin, Exception};
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
    /// Calls of native functions that a profiler or tool was told of.
    native_calls: Vec<NativeCall>,
    monitoring: monitoring::Monitoring,
}

struct NativeCall {
    /// The address of the caller's record.
    caller: usize,
    /// What was called, and its first argument.
    callable: Handle,
    first: Handle,
    /// What profilers are told was called, if anything: a method is then bound.
    function: Option<Handle>,
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
    settle_watching(vm);
}

/// Somebody watches now, or nobody any more.
fn settle_watching(vm: &mut Vm) {
    let state = observation(vm);
    match state.tracer.is_some() || state.profiler.is_some() || state.monitoring.is_active() {
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
    forget_native_calls(vm);
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

/// Nobody is told of their ends.
fn forget_native_calls(vm: &mut Vm) {
    for call in std::mem::take(&mut observation(vm).native_calls) {
        drop_native_call(vm, call);
    }
}

fn switch_off(vm: &mut Vm) {
    forget_native_calls(vm);
    vm.thread.set_observed(false);
    let state = observation(vm);
    state.epoch += 1;
    for code in state.codes.drain(..) {
        for (at, now) in code.instructions.iter().enumerate() {
            now.set(crate::shortcuts::at(&code.source.instructions, at));
        }
    }
}

/// Makes a code tell of each of its instructions.
fn instrument(vm: &mut Vm, code: &'static Code) {
    // The last instruction of a code is never RESUME.
    let is_done = code.instructions.last().is_none_or(|last| last.get().op == Op::InstrumentedLine);
    if is_done || code.is_hidden.get() {
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
    let outer = begin_telling(vm, event);
    let result = vm.call(function, &[frame, name, arg]);
    end_telling(vm, outer);
    result
}

/// What an observer does is not watched. Gives the event that an outer observer is being told of.
fn begin_telling(vm: &mut Vm, event: Event) -> Option<Event> {
    let state = observation(vm);
    state.inside += 1;
    state.event.replace(event)
}

fn end_telling(vm: &mut Vm, outer: Option<Event>) {
    let state = observation(vm);
    state.inside -= 1;
    state.event = outer;
}

/// Tells tools of an event at the current instruction of the current frame.
fn tell_tools(vm: &mut Vm, event: u32, argument: Value) -> PyResult<()> {
    // SAFETY: the current frame has a record.
    let (code, at) = unsafe { ((*vm.thread.record).code, (*vm.thread.record).instruction()) };
    let offset = monitoring::offset(code, at);
    let arguments = [offset, argument];
    monitoring::tell(vm, code, at, event, if argument.is_null() { &arguments[..1] } else { &arguments })
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
    tell_tools(vm, if begins { event::PY_START } else { event::PY_RESUME }, Value::NULL)?;
    tell_both(vm, frame, if begins { Event::Call } else { Event::Resume }, none)
}

/// A generator's frame goes on with an exception thrown into it.
pub fn thrown_into(vm: &mut Vm, exception: Value) -> PyResult {
    if watches(vm) {
        // SAFETY: the current frame has a record.
        let code = unsafe { (*vm.thread.record).code };
        instrument(vm, code);
        tell_tools(vm, event::PY_THROW, exception)?;
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
    let wanted = observation(vm).monitoring.wanted(code);
    // SAFETY: as above.
    let existing = unsafe { *(*record).slots.add(crate::slots::FRAME_OBJECT) };
    if wanted != 0 || !existing.is_null() {
        let frame = current(vm);
        line(vm, frame, code, pc, wanted)?;
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
            let (event, told) = match original.op {
                Op::ReturnValue => (Event::Return, event::PY_RETURN),
                _ => (Event::Yield, event::PY_YIELD),
            };
            tell_tools(vm, told, value)?;
            // SAFETY: as above.
            let value = unsafe { *top.sub(1) };
            let frame = current(vm);
            tell_both(vm, frame, event, value)
        }
        Op::PushExcInfo | Op::Reraise if wanted != 0 => {
            let told = if original.op == Op::Reraise { event::RERAISE } else { event::EXCEPTION_HANDLED };
            // SAFETY: as above.
            tell_tools(vm, told, unsafe { *top.sub(1) })
        }
        Op::Call | Op::CallKw | Op::CallFunctionEx
            if observation(vm).profiler.is_some() || wanted & event::CALL != 0 =>
        {
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
            call_begins(vm, callable, first)
        }
        _ => Ok(()),
    }
}

/// Line and opcode events, jumps and branches.
fn line(vm: &mut Vm, frame: Value, code: &'static Code, pc: u32, wanted: u32) -> PyResult<()> {
    let before = previous(vm, frame, pc);
    remember(vm, frame, pc);
    if wanted != 0 {
        if let Some(before) = before {
            tell_tools_of_jump(vm, code, before, pc)?;
        }
        let resumes_count = wanted & event::PY_START != 0 || observation(vm).tracer.is_some();
        if wanted & event::LINE != 0 && is_new_line(code, before, pc, resumes_count) {
            let line = Value::from_int(code.source.position(pc as usize).line.map_or(0, i64::from));
            monitoring::tell(vm, code, pc, event::LINE, &[line])?;
        }
        tell_tools(vm, event::INSTRUCTION, Value::NULL)?;
    }
    if jumped(vm, frame, pc) || cast::<FrameObject>(frame).trace.get().is_null() {
        return Ok(());
    }
    let none = vm.none;
    let begins = is_new_line(code, before, pc, true) || goes_round_a_line(code, before, pc);
    if cast::<FrameObject>(frame).trace_lines.get() != 0 && begins {
        tell_tracer(vm, frame, Event::Line, none)?;
        if jumped(vm, frame, pc) {
            return Ok(());
        }
    }
    if cast::<FrameObject>(frame).trace_opcodes.get() != 0 {
        tell_tracer(vm, frame, Event::Opcode, none)?;
    }
    Ok(())
}

/// Whether a tracer has sent the current frame to another instruction than `pc`; the line gone to is not told of.
fn jumped(vm: &mut Vm, frame: Value, pc: u32) -> bool {
    // SAFETY: the current frame has a record.
    let now = unsafe { (*vm.thread.record).pc };
    if now != pc {
        remember(vm, frame, now);
    }
    now != pc
}

/// How control came from the instruction at `before` to that at `pc`.
fn tell_tools_of_jump(vm: &mut Vm, code: &'static Code, before: u32, pc: u32) -> PyResult<()> {
    let instruction = code.source.instructions[before as usize];
    let (told, to) = match instruction.op {
        Op::JumpForward | Op::JumpBackward if instruction.arg == pc => (event::JUMP, pc),
        Op::ForIter if pc == before + 1 => (event::BRANCH_LEFT, pc),
        Op::PopJumpIfTrue | Op::PopJumpIfFalse | Op::PopJumpIfNone | Op::PopJumpIfNotNone if pc == before + 1 => {
            let after = pc + (code.source.instructions[pc as usize].op == Op::NotTaken) as u32;
            (event::BRANCH_LEFT, after)
        }
        Op::ForIter => (event::BRANCH_RIGHT, pc + 1),
        Op::PopJumpIfTrue | Op::PopJumpIfFalse | Op::PopJumpIfNone | Op::PopJumpIfNotNone => (event::BRANCH_RIGHT, pc),
        _ => return Ok(()),
    };
    let arguments = [monitoring::offset(code, before), monitoring::offset(code, to)];
    if told != event::JUMP {
        monitoring::tell(vm, code, before, event::BRANCH, &arguments)?;
    }
    monitoring::tell(vm, code, before, told, &arguments)
}

/// Tools are told of all calls, and of the ends of those that run no frame; a profiler of calls of functions and methods
/// written in Rust, not of those of classes.
fn call_begins(vm: &mut Vm, callable: Value, first: Value) -> PyResult<()> {
    let function = function_for_profilers(vm, callable, first);
    let runs_a_frame = callable.is_object() && matches!(vm.kind(callable), Kind::Function | Kind::Method);
    let first = if first.is_null() { monitoring::missing(vm) } else { first };
    let caller = vm.thread.record.addr();
    let call = NativeCall {
        caller,
        callable: vm.thread.new_handle(callable),
        first: vm.thread.new_handle(first),
        function: function.map(|function| vm.thread.new_handle(function)),
    };
    let function = call.function;
    let told = tell_tools_of_call(vm, &call, event::CALL);
    if runs_a_frame || told.is_err() {
        drop_native_call(vm, call);
        return told;
    }
    observation(vm).native_calls.push(call);
    if let Some(function) = function
        && observation(vm).profiler.is_some()
    {
        let frame = current(vm);
        let function = vm.thread.handle(function);
        tell_profiler(vm, frame, Event::NativeCall, function)?;
    }
    Ok(())
}

/// What profilers are told was called, if anything.
fn function_for_profilers(vm: &mut Vm, callable: Value, first: Value) -> Option<Value> {
    if !callable.is_object() || vm.kind(callable) != Kind::Builtin {
        return None;
    }
    let ty = vm.type_of(callable);
    if ty == vm.types.builtin {
        return Some(callable);
    }
    if ty == vm.types.method_descriptor && !first.is_null() {
        let def: &'static MethodDef = objects::builtin::def_of(callable);
        debug_assert!(!cast::<Builtin>(callable).owner.get().is_null());
        return Some(vm.new_builtin(def, first));
    }
    None
}

fn tell_tools_of_call(vm: &mut Vm, call: &NativeCall, told: u32) -> PyResult<()> {
    // SAFETY: the current frame has a record.
    let code = unsafe { (*vm.thread.record).code };
    // SAFETY: as above.
    let now = unsafe { (*vm.thread.record).instruction() };
    // A native function's end is noticed at the instruction behind the call.
    let at = if told == event::C_RETURN { now - 1 } else { now };
    let (callable, first) = (vm.thread.handle(call.callable), vm.thread.handle(call.first));
    let arguments = [monitoring::offset(code, at), callable, first];
    monitoring::tell(vm, code, at, told, &arguments)
}

fn drop_native_call(vm: &mut Vm, call: NativeCall) {
    for handle in [Some(call.callable), Some(call.first), call.function].into_iter().flatten() {
        vm.thread.drop_handle(handle);
    }
}

/// The native function that the current frame called, if it did, returned or raised.
fn native_call_ends(vm: &mut Vm, event: Event) -> PyResult<()> {
    let caller = vm.thread.record.addr();
    let Some(call) = observation(vm).native_calls.pop_if(|call| call.caller == caller) else { return Ok(()) };
    let told = if event == Event::NativeReturn { event::C_RETURN } else { event::C_RAISE };
    let mut result = tell_tools_of_call(vm, &call, told);
    if let (Some(function), Ok(())) = (call.function, &result)
        && observation(vm).profiler.is_some()
    {
        let function = vm.thread.handle(function);
        let frame = current(vm);
        result = tell_profiler(vm, frame, event, function);
    }
    drop_native_call(vm, call);
    result
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
        tell_tools(vm, event::RAISE, exception)?;
        tell_of_exception(vm, exception)?;
    }
    Ok(exception)
}

/// The end of a generator ended an iteration in the current frame.
pub fn iteration_ends(vm: &mut Vm, exception: Value) -> PyResult {
    if watches(vm) {
        if cast::<Exception>(exception).context.get().is_null() {
            vm.chain(exception);
        }
        tell_tools(vm, event::STOP_ITERATION, exception)?;
        tell_of_exception(vm, exception)?;
    }
    Ok(exception)
}

fn tell_of_exception(vm: &mut Vm, exception: Value) -> PyResult<()> {
    // SAFETY: the current frame has a record, and its slots are valid.
    let frame = unsafe { *(*vm.thread.record).slots.add(crate::slots::FRAME_OBJECT) };
    if frame.is_null() || cast::<FrameObject>(frame).trace.get().is_null() {
        return Ok(());
    }
    let info = exception_info(vm, exception);
    tell_tracer(vm, frame, Event::Exception, info)
}

/// The next value of an iterator, NULL at its end: a tracer is told of the StopIteration of one that Python code wrote.
pub fn next(vm: &mut Vm, iterator: Value) -> PyResult {
    match vm.next_or_stop(iterator) {
        Ok(value) => Ok(value.unwrap_or(Value::NULL)),
        Err(raised) if vm.exception_matches(raised.0, vm.exc.stop_iteration) => {
            if watches(vm) {
                tell_tools(vm, event::RAISE, raised.0)?;
                tell_of_exception(vm, raised.0)?;
            }
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
        tell_tools(vm, event::PY_UNWIND, exception)?;
        let (frame, none) = (current(vm), vm.none);
        tell_both(vm, frame, Event::Unwind, none)?;
    }
    Ok(exception)
}
