//! Module `_templatelib`: the objects that t-strings make. Written in Python.

use heap::Value;
use interp::{execute, load};
use objects::error::PyResult;
use objects::module::{ModuleDef, dict_of};
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef { name: "_templatelib", doc: "", functions: &[], init };

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let alias = vm.types.generic_alias.value();
    vm.module_set(module, "_GenericAlias", alias);
    let code = load::compile(vm, include_str!("templatelib.py"), "<frozen _templatelib>", syntax::Mode::Exec)?;
    execute::run_module_code(vm, code, dict_of(module))?;
    Ok(())
}
