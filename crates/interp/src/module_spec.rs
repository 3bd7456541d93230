//! `__spec__`: what imports leave on a module, in the shape of `importlib.machinery.ModuleSpec`.

use heap::Value;
use objects::builtin_layouts::Module;
use objects::error::PyResult;
use objects::layout::cast;
use objects::vm::Vm;

/// A spec with the attributes of a ModuleSpec, for modules imported before importlib is set up, which replaces it.
pub fn new(vm: &mut Vm, name: &str, origin: &str, locations: Value, loader: Value) -> PyResult {
    let spec = vm.new_namespace_object();
    let none = vm.none;
    let parent = if locations != none { name } else { name.rfind('.').map_or("", |dot| &name[..dot]) };
    let origin_value = if origin.is_empty() { none } else { vm.new_str(origin) };
    let name_value = vm.new_str(name);
    let parent = vm.new_str(parent);
    let has_location = vm.bool(!origin.is_empty());
    for (key, value) in [
        ("name", name_value),
        ("loader", loader),
        ("origin", origin_value),
        ("submodule_search_locations", locations),
        ("loader_state", none),
        ("cached", none),
        ("parent", parent),
        ("has_location", has_location),
    ] {
        let key = vm.intern(key);
        vm.setattr(spec, key, value)?;
    }
    Ok(spec)
}

/// Marks a module as being imported, or done.
pub fn set_initializing(vm: &mut Vm, module: Value, initializing: bool) -> PyResult<()> {
    if let Some(spec) = vm.dict_get_str(cast::<Module>(module).dict.get(), "__spec__")
        && spec != vm.none
    {
        let (key, value) = (vm.intern("_initializing"), vm.bool(initializing));
        vm.setattr(spec, key, value)?;
    }
    Ok(())
}

pub fn is_initializing(vm: &mut Vm, module: Value) -> bool {
    let Some(spec) = vm.dict_get_str(cast::<Module>(module).dict.get(), "__spec__") else { return false };
    match vm.getattr_str_opt(spec, "_initializing") {
        Ok(Some(value)) => value == vm.true_,
        _ => false,
    }
}
