//! The language as the framework sees it.

use crate::code::Code;
use crate::errors::GuestError;
use crate::interp;
use crate::vm::Vm;
use heap::{ShapeId, Value};
use metatrace::{Direct, Frame, HotCell, Language, Leave, Traced, Tracer};

pub enum Toy {}

impl Language for Toy {
    type Code = Code;
    type Context = Vm;

    fn slot_count(code: &'static Code) -> usize {
        code.slots as usize
    }

    fn loop_cell(code: &'static Code, pc: u32) -> &'static HotCell {
        &code.loops[pc as usize]
    }

    fn entry_cell(code: &'static Code) -> &'static HotCell {
        &code.entry
    }

    fn describe(code: &'static Code, pc: u32) -> String {
        format!("{}:{pc} {:?}", code.name, code.ops[pc as usize])
    }

    fn bools(vm: &mut Vm) -> [Value; 2] {
        vm.bools
    }

    fn float_shape(vm: &mut Vm) -> ShapeId {
        vm.float
    }

    fn is_traceable(_code: &'static Code) -> bool {
        true
    }

    fn run_traced(tracer: &mut Tracer<Self>, frame: Frame<Self, Traced<Value>>) -> Leave<Traced<Value>> {
        interp::run(tracer, frame)
    }

    fn run_direct(direct: &mut Direct<Self>, frame: Frame<Self, Value>) -> Leave<Value> {
        interp::run(direct, frame)
    }

    fn resume_direct(
        direct: &mut Direct<Self>,
        frame: &mut Frame<Self, Value>,
        result: Result<Value, Value>,
    ) -> Option<Leave<Value>> {
        interp::resume(direct, frame, result)
    }

    fn recursion_error(vm: &mut Vm) -> Value {
        vm.thread.handle(vm.errors[GuestError::Recursion as usize])
    }

    fn take_exception(vm: &mut Vm) -> Value {
        let exception = vm.thread.handle(vm.pending);
        vm.thread.set_handle(vm.pending, Value::NULL);
        exception
    }

    fn set_exception(vm: &mut Vm, exception: Value) {
        vm.thread.set_handle(vm.pending, exception);
    }
}
