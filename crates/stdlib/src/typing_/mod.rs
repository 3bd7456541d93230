//! Module `_typing`: the classes of type parameters and type aliases.
//!
//! They are written in Python: nothing here is called often, and much of it calls `typing`.

use heap::Value;
use interp::{execute, load};
use objects::args::MethodDef;
use objects::error::PyResult;
use objects::module::{ModuleDef, dict_of};
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_typing",
    doc: "Primitives and accelerators for the typing module.\n",
    // No Python function: `typing` makes it a method, which must not bind.
    functions: &[MethodDef::function("_idfunc", 1, 1, |_, args| Ok(args.values[0]))],
    init,
};

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let (union, alias) = (vm.types.union_type.value(), vm.types.generic_alias.value());
    vm.module_set(module, "Union", union);
    vm.module_set(module, "_GenericAlias", alias);
    let code = load::compile(vm, include_str!("typing.py"), "<frozen _typing>", syntax::Mode::Exec)?;
    execute::run_module_code(vm, code, dict_of(module))?;
    Ok(())
}
