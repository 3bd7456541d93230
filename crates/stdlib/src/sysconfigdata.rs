//! Module `_sysconfigdata__linux_`: what a Makefile would say of the build. There was none.

use heap::Value;
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef { name: "_sysconfigdata__linux_", doc: "", functions: &[], init };

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let variables = vm.new_dict();
    vm.module_set(module, "build_time_vars", variables);
    Ok(())
}
