//! `sys._jit`: whether there is a JIT, and whether it is on.

use crate::vm_ext::VmExt;
use heap::Value;
use objects::args::MethodDef;
use objects::error::PyResult;
use objects::vm::Vm;

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("is_available", 0, 0, |vm, _| Ok(vm.true_))
        .with_doc("is_available($module, /)\n--\n\nReturn True if the current Python executable supports JIT compilation, and False otherwise."),
    MethodDef::function("is_enabled", 0, 0, |vm, _| {
        let enabled = !vm.thread.jit.options.off;
        Ok(vm.bool(enabled))
    })
    .with_doc("is_enabled($module, /)\n--\n\nReturn True if JIT compilation is enabled for the current Python process (implies sys._jit.is_available()), and False otherwise."),
    // A frame that is looked at leaves compiled code first.
    MethodDef::function("is_active", 0, 0, |vm, _| Ok(vm.false_))
        .with_doc("is_active($module, /)\n--\n\nReturn True if the topmost Python frame is currently executing JIT code (implies sys._jit.is_enabled()), and False otherwise."),
];

pub fn init(vm: &mut Vm, sys: Value) -> PyResult<()> {
    let module = vm.new_module("sys._jit");
    vm.add_functions(module, FUNCTIONS);
    super::set(vm, sys, "_jit", module)
}
