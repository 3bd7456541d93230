//! Module `builtins`.

mod classes;
mod evaluate;
mod iteration;
mod numbers;
mod objects_;
mod output;

use heap::Value;
use objects::args::MethodDef;
use objects::builtin_layouts::Module;
use objects::error::PyResult;
use objects::layout::cast;
use objects::ty::TypeRef;
use objects::vm::Vm;

static TABLES: [&[MethodDef]; 6] = [
    classes::FUNCTIONS,
    evaluate::FUNCTIONS,
    iteration::FUNCTIONS,
    numbers::FUNCTIONS,
    objects_::FUNCTIONS,
    output::FUNCTIONS,
];

/// The native function of that name, another object than the one that programs see.
pub fn function(vm: &mut Vm, name: &str) -> Value {
    let def = TABLES.iter().copied().flatten().find(|def| def.name == name).expect("a function of the tables");
    vm.new_builtin(def, Value::NULL)
}

/// Fills the dictionary of module `builtins`.
pub fn fill(vm: &mut Vm) -> PyResult<()> {
    let dict = vm.handle(vm.builtins);
    for table in TABLES {
        add_functions(vm, dict, table)?;
    }
    for ty in vm.builtin_types() {
        let name = ty.name();
        vm.dict_set_str(dict, &name, ty.value());
    }
    let aliases: [(&str, TypeRef); 2] = [("EnvironmentError", vm.exc.os_error), ("IOError", vm.exc.os_error)];
    for (name, ty) in aliases {
        vm.dict_set_str(dict, name, ty.value());
    }
    let debug = crate::state::state(vm).config.optimize == 0;
    let debug = vm.bool(debug);
    let constants: [(&str, Value); 6] = [
        ("None", vm.none),
        ("True", vm.true_),
        ("False", vm.false_),
        ("NotImplemented", vm.not_implemented),
        ("Ellipsis", vm.ellipsis),
        ("__debug__", debug),
    ];
    for (name, value) in constants {
        vm.dict_set_str(dict, name, value);
    }
    let module = vm.new_module("builtins");
    vm.write(module, &cast::<Module>(module).dict, dict);
    let modules = vm.handle(vm.modules);
    vm.dict_set_str(modules, "builtins", module);
    let name = vm.intern("builtins");
    vm.dict_set_str(dict, "__name__", name);
    let import = vm.dict_get_str(dict, "__import__").expect("the table has it");
    let handle = vm.keep(import);
    crate::state::state(vm).import_function = Some(handle);
    Ok(())
}

fn add_functions(vm: &mut Vm, dict: Value, table: &'static [MethodDef]) -> PyResult<()> {
    let module = vm.intern("builtins");
    for def in table {
        let function = vm.new_builtin_of_module(def, module);
        vm.dict_set_str(dict, def.name, function);
    }
    Ok(())
}
