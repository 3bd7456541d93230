//! Frame objects: what `sys._getframe` and tracebacks show of a frame.
//!
//! A frame object is made when somebody asks for one, and the frame keeps it in a slot. While the frame is on the stack,
//! the object finds it by that slot; when the frame is left, the object takes over its slots.

use crate::slots;
use crate::stack_kinds::{Kind, kinds};
use heap::Value;
use metatrace::Record;
use objects::args::MethodDef;
use objects::builtin_layouts::{Exception, Function, Traceback};
use objects::code::Code;
use objects::layout;
use objects::layout::{Object, cast, value_of};
use objects::value_vec::ValueVec;
use objects::vm::{Python, Vm};
use std::collections::HashMap;
use syntax::Op;

layout! {
    FrameObject {
        code CODE: i64, immutable;
        /// The instruction last known; of a frame on the stack the record tells.
        instruction INSTRUCTION: i64;
        function FUNCTION: Value;
        /// The frame's slots after it was left: an item array; NULL before.
        kept KEPT: Value;
        /// The frame that called it, as a frame object; NULL until asked for.
        back BACK: Value;
        /// `f_trace`, or NULL.
        trace TRACE: Value;
        trace_lines TRACE_LINES: i64;
        trace_opcodes TRACE_OPCODES: i64;
        /// The instruction before the one in progress, as `observe` knows it: see there.
        previous PREVIOUS: i64;
        /// Extra names written through `f_locals`; NULL or a dict.
        extra EXTRA: Value;
    }
}

/// A frame object for a frame that runs `function`, now at instruction `pc`.
pub fn new(vm: &mut Vm, function: Value, pc: i64) -> Value {
    let shape = crate::state::shapes(vm).frame;
    let frame = vm.alloc::<FrameObject>(shape);
    frame.code.set(cast::<Function>(function).code.get());
    frame.instruction.set(pc);
    frame.function.set(function);
    frame.trace_lines.set(1);
    value_of(frame)
}

/// Puts a frame in front of an exception's traceback; gives the frame object, made if it is NULL.
pub fn add_traceback(vm: &mut Vm, exception: Value, frame: Value, function: Value, pc: i64) -> Value {
    let frame = if frame.is_null() { new(vm, function, pc) } else { frame };
    set_instruction(frame, pc);
    let line = line_of(frame, pc);
    let traceback = vm.alloc::<Traceback>(vm.types.traceback.data().shape.get().expect("tracebacks have a shape"));
    let object = cast::<Exception>(exception);
    let next = object.traceback.get();
    traceback.next.set(if next.is_null() { vm.none } else { next });
    traceback.frame.set(frame);
    traceback.instruction.set(pc);
    traceback.line.set(line);
    vm.write(exception, &object.traceback, value_of(traceback));
    frame
}

pub fn set_instruction(frame: Value, pc: i64) {
    cast::<FrameObject>(frame).instruction.set(pc);
}

pub fn code_of(frame: Value) -> &'static Code {
    Code::from_token(cast::<FrameObject>(frame).code.get())
}

/// The source line of an instruction.
pub fn line_of(frame: Value, pc: i64) -> i64 {
    code_of(frame).source.position(pc.max(0) as usize).line.map_or(0, |line| line as i64)
}

/// The frame is left: its fixed slots and locals go on in the object.
pub fn keep(vm: &mut Vm, frame: Value, values: &[Value]) {
    let kept = ValueVec::from_slice(vm, values);
    // Not to itself: that would be a cycle, and nobody asks.
    if kept.len > slots::FRAME_OBJECT {
        objects::value_vec::array_clear(kept.array(), slots::FRAME_OBJECT, slots::FRAME_OBJECT + 1);
    }
    let object = cast::<FrameObject>(frame);
    vm.write(frame, &object.kept, kept.array());
}

/// The record of the frame, if it is on the stack.
pub fn record_of(vm: &mut Vm, frame: Value) -> Option<*mut Record<Python>> {
    // SAFETY: records of live frames; their slots are valid.
    vm.thread.records().find(|record| unsafe { *(**record).slots.add(slots::FRAME_OBJECT) } == frame)
}

/// The frame object of a record, made if need be.
///
/// # Safety
/// The record is of a live frame, as those of `Thread::records` are until the frame is left.
pub unsafe fn of_record(vm: &mut Vm, record: *mut Record<Python>) -> Value {
    // SAFETY: the contract; a live frame's slots are valid, and the value stack is scanned precisely.
    unsafe {
        let existing = *(*record).slots.add(slots::FRAME_OBJECT);
        if !existing.is_null() {
            return existing;
        }
        let function = *(*record).slots.add(slots::FUNCTION);
        let pc = instruction_of(record);
        let frame = new(vm, function, pc);
        *(*record).slots.add(slots::FRAME_OBJECT) = frame;
        frame
    }
}

/// The instruction that a frame on the stack is executing.
///
/// # Safety
/// As for [`of_record`].
pub unsafe fn instruction_of(record: *mut Record<Python>) -> i64 {
    // SAFETY: the contract.
    unsafe { (*record).instruction() as i64 }
}

/// The instruction of a frame object's frame.
pub fn instruction(vm: &mut Vm, frame: Value) -> i64 {
    match record_of(vm, frame) {
        // SAFETY: `record_of` has just found it among the live frames.
        Some(record) => unsafe { instruction_of(record) },
        None => cast::<FrameObject>(frame).instruction.get(),
    }
}

/// The value of slot `index` of the frame, on the stack or kept; NULL if unset.
pub fn slot(vm: &mut Vm, frame: Value, index: usize) -> Value {
    if let Some(record) = record_of(vm, frame) {
        // SAFETY: the index is below the code's slot count.
        return unsafe { *(*record).slots.add(index) };
    }
    let kept = cast::<FrameObject>(frame).kept.get();
    if kept.is_null() { Value::NULL } else { objects::value_vec::array_get(kept, index) }
}

/// Sets a slot of the frame.
pub fn set_slot(vm: &mut Vm, frame: Value, index: usize, value: Value) {
    if let Some(record) = record_of(vm, frame) {
        // SAFETY: the index is below the code's slot count; the value stack is scanned precisely.
        unsafe { *(*record).slots.add(index) = value };
        return;
    }
    let kept = cast::<FrameObject>(frame).kept.get();
    if !kept.is_null() {
        objects::value_vec::array_set(vm, kept, index, value);
    }
}

/// A function that only asks for a collection is called, not compiled: the interpreter knows what is dead.
pub fn call_uncompiled(vm: &mut Vm) {
    if let Some(current) = vm.thread.records().next() {
        // SAFETY: the record of a live frame.
        let code = unsafe { (*current).code };
        if code.hot.len() == 1 {
            code.traceable.set(false);
        }
    }
}

/// Forgets what frames left in slots that they have no use for, so that a collection finds it dead. A frame's slots are all
/// roots, and those above its stack keep what stood there.
pub fn clear_dead_slots(vm: &mut Vm) {
    let mut depths: HashMap<*const Code, HashMap<usize, Vec<Kind>>> = HashMap::new();
    let records: Vec<_> = vm.thread.records().collect();
    for record in records {
        // SAFETY: the record of a live frame.
        let Record { code, pc, sp, slots } = unsafe { *record };
        let first = if pc & Record::<Python>::WAITS != 0 {
            sp
        } else {
            // A handler's operands are on the stack or were; its results go there.
            let kinds = depths.entry(code).or_insert_with(|| kinds(code));
            let Some(before) = kinds.get(&(pc as usize)) else { continue };
            let instruction = code.source.instructions[pc as usize];
            let grows = instruction.op.stack_effect(instruction.arg).max(0) as u32;
            code.first_local + code.local_count + before.len() as u32 + grows
        };
        for slot in first..code.slot_count {
            // SAFETY: the frame has all slots of its code.
            unsafe { *slots.add(slot as usize) = Value::NULL };
        }
        // SAFETY: as above.
        unsafe { forget_saved(code, *slots.add(slots::GENERATOR)) };
    }
}

/// A running generator has its variables in its frame: what it saved when it last stood at a `yield` is of no use.
fn forget_saved(code: &Code, generator: Value) {
    use crate::generator::{GeneratorObject, state};
    if generator.is_null() || cast::<GeneratorObject>(generator).state.get() != state::RUNNING {
        return;
    }
    let saved = (generator.0 as usize + GeneratorObject::BYTES) as *mut Value;
    for slot in code.first_local..code.slot_count {
        // SAFETY: the generator has all slots of its code; NULL needs no barrier.
        unsafe { *saved.add(slot as usize) = Value::NULL };
    }
}

/// Where the native stack ends that may hold a value somebody needs, if the current instruction is a plain call of the
/// native function `def`, which asks: its arguments are on the value stack, and the dispatch loop needs nothing else. 0
/// where that is not so.
pub fn stack_needed_from(vm: &mut Vm, def: &'static MethodDef) -> usize {
    if vm.thread.record.is_null() || vm.thread.innermost_loop_base() == 0 {
        return 0;
    }
    // SAFETY: the loop runs, so there is a current frame.
    let Record { code, pc, slots, .. } = unsafe { *vm.thread.record };
    let Some(&call) = code.source.instructions.get(pc as usize) else { return 0 };
    let Some(before) = kinds(code).remove(&(pc as usize)) else { return 0 };
    let first = (code.first_local + code.local_count) as usize;
    // The callable, its receiver or none, the arguments, perhaps the names of those given by keyword.
    let operands = match call.op {
        Op::Call => call.arg as usize + 2,
        Op::CallKw => call.arg as usize + 3,
        _ => return 0,
    };
    let Some(at) = (first + before.len()).checked_sub(operands) else { return 0 };
    // SAFETY: the frame has all slots of its code.
    let callable = unsafe { *slots.add(at) };
    let plain = callable.is_object()
        && vm.kind(callable) == objects::shape::Kind::Builtin
        && std::ptr::eq(objects::builtin::def_of(callable), def);
    if plain { vm.thread.innermost_loop_base() } else { 0 }
}
