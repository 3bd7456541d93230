//! Frame objects: what `sys._getframe` and tracebacks show of a frame.
//!
//! A frame object is made when somebody asks for one, and the frame keeps it in a slot. While the frame is on the stack,
//! the object finds it by that slot; when the frame is left, the object takes over its slots.

use crate::slots::{self, FIRST_LOCAL};
use heap::Value;
use metatrace::Record;
use objects::builtin_layouts::Function;
use objects::code::Code;
use objects::layout;
use objects::layout::{cast, value_of};
use objects::value_vec::ValueVec;
use objects::vm::{Python, Vm};

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
        let pc = instruction_of(vm, record);
        let frame = new(vm, function, pc);
        *(*record).slots.add(slots::FRAME_OBJECT) = frame;
        frame
    }
}

/// The instruction that a frame on the stack is executing.
///
/// # Safety
/// As for [`of_record`].
unsafe fn instruction_of(vm: &mut Vm, record: *mut Record<Python>) -> i64 {
    // SAFETY: the contract.
    let pc = unsafe { (*record).pc } as i64;
    if std::ptr::eq(record, vm.thread.record) { pc } else { pc - 1 }
}

/// The instruction of a frame object's frame.
pub fn instruction(vm: &mut Vm, frame: Value) -> i64 {
    match record_of(vm, frame) {
        // SAFETY: `record_of` has just found it among the live frames.
        Some(record) => unsafe { instruction_of(vm, record) },
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

/// The slot that holds local `i`.
pub fn local_slot(i: usize) -> usize {
    FIRST_LOCAL + i
}
