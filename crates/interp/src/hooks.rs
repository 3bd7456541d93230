//! What the object model calls upward.

use crate::{dispatch, execute, import, raising, slots};
use heap::Value;
use objects::builtin_layouts::CellObject;
use objects::code::Code;
use objects::error::PyResult;
use objects::layout::cast;
use objects::vm::{Hooks, Vm};

/// The hooks of a VM with this interpreter.
pub fn hooks() -> Hooks {
    Hooks {
        run_direct: dispatch::run_direct,
        run_traced: dispatch::run_traced,
        resume_direct: dispatch::resume_direct,
        call_function: execute::call_function,
        import: |vm, name, globals, _locals, from_list, level| import::import_(vm, name, globals, from_list, level),
        super_arguments,
        current_globals: |vm| current_slot(vm, slots::GLOBALS),
        current_locals: crate::frame_type::current_locals,
        handled_exception: |vm| raising::handled_exception(vm, Value::NULL),
        rest_of: crate::consuming::rest_of,
        warn: crate::warnings::warn,
        unraisable: crate::warnings::unraisable,
        line_of: |code, pc| code.source.position(pc as usize).line.map_or(0, |line| line as i64),
    }
}

/// A slot of the innermost Python frame; NULL without one.
fn current_slot(vm: &mut Vm, slot: usize) -> Value {
    match vm.thread.innermost_slot(slot) {
        Some(Some(value)) => return value,
        Some(None) => {}
        None => return Value::NULL,
    }
    match vm.thread.records().next() {
        // SAFETY: the record of a live frame; its slots are valid.
        Some(record) => unsafe { *(*record).slots.add(slot) },
        None => Value::NULL,
    }
}

/// `super()` without arguments: the class of the cell `__class__` and the first parameter of the calling frame.
fn super_arguments(vm: &mut Vm) -> PyResult<(Value, Value)> {
    let Some(record) = vm.thread.records().next() else {
        return Err(vm.runtime_error("super(): no current frame"));
    };
    // SAFETY: the record of a live frame; its slots are valid.
    let (code, frame_slots): (&'static Code, *mut Value) = unsafe { ((*record).code, (*record).slots) };
    if code.source.arg_count == 0 {
        return Err(vm.runtime_error("super(): no arguments"));
    }
    let local = |i: usize| {
        // SAFETY: as above; `i` is one of the locals.
        unsafe { *frame_slots.add(slots::FIRST_LOCAL + i) }
    };
    let mut receiver = local(0);
    if code.source.local_kinds[0].is_cell() && !receiver.is_null() && vm.kind(receiver) == objects::shape::Kind::Cell {
        receiver = cast::<CellObject>(receiver).content.get();
    }
    if receiver.is_null() {
        return Err(vm.runtime_error("super(): arg[0] deleted"));
    }
    let Some(index) = code.source.local_names.iter().position(|name| &**name == "__class__") else {
        return Err(vm.runtime_error("super(): __class__ cell not found"));
    };
    let cell = local(index);
    if cell.is_null() || vm.kind(cell) != objects::shape::Kind::Cell {
        return Err(vm.runtime_error("super(): bad __class__ cell"));
    }
    let class = cast::<CellObject>(cell).content.get();
    if class.is_null() {
        return Err(vm.runtime_error("super(): empty __class__ cell"));
    }
    Ok((class, receiver))
}
