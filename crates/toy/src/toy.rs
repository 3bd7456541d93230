//! The language as the framework sees it.

use crate::code::Code;
use crate::errors::GuestError;
use crate::interp;
use crate::vm::Vm;
use heap::{ShapeId, Value};
use metatrace::{HotCell, Language};

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

    metatrace::dispatch!(interp::run, interp::resume);

    fn recursion_error(vm: &mut Vm) -> Value {
        vm.thread.handle(vm.errors[GuestError::Recursion as usize])
    }
}
