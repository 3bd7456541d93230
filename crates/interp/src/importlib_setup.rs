//! importlib over the native import system. It is set up when a program first asks for it: for importlib itself, or for
//! `sys.meta_path` and its kin.

use crate::import::import_module;
use crate::{execute, load, state};
use heap::Value;
use metatrace::Handle;
use objects::builtin_layouts::Module;
use objects::error::PyResult;
use objects::layout::cast;
use objects::vm::Vm;
use std::sync::Arc;

/// The names of `sys` that exist once importlib is set up.
pub const SYS_NAMES: [&str; 3] = ["meta_path", "path_hooks", "path_importer_cache"];

/// What the native import system must know of importlib.
#[derive(Clone, Copy)]
pub struct Importlib {
    pub builtin_importer: Handle,
    pub frozen_importer: Handle,
    pub path_finder: Handle,
    /// The function that makes a spec.
    new_spec: Handle,
    /// How many path hooks there are as long as the program has added none.
    pub hook_count: usize,
}

#[derive(Default)]
struct State(Option<Importlib>);

/// What was set up, if it was.
pub fn installed(vm: &mut Vm) -> Option<Importlib> {
    vm.extension::<State>().0
}

/// Sets importlib up, once.
pub fn install(vm: &mut Vm) -> PyResult<()> {
    let modules = vm.handle(vm.modules);
    if vm.dict_get_str(modules, "_frozen_importlib").is_some() {
        return Ok(());
    }
    let bootstrap = load_as(vm, "importlib._bootstrap", "_frozen_importlib")?;
    let external = load_as(vm, "importlib._bootstrap_external", "_frozen_importlib_external")?;
    let setup = vm.new_module("_importlib_setup");
    let dict = cast::<Module>(setup).dict.get();
    let text = include_str!("importlib_setup.py");
    let code = load::compile(vm, text, "<frozen importlib_setup>", syntax::Mode::Exec)?;
    execute::run_module_code(vm, code, dict)?;
    let mut keep = |module: Value, name: &str| {
        let value = vm.getattr_str(module, name)?;
        PyResult::Ok(vm.keep(value))
    };
    let installed = Importlib {
        builtin_importer: keep(bootstrap, "BuiltinImporter")?,
        frozen_importer: keep(bootstrap, "FrozenImporter")?,
        path_finder: keep(external, "PathFinder")?,
        new_spec: keep(setup, "new_spec")?,
        hook_count: 3,
    };
    vm.extension::<State>().0 = Some(installed);
    Ok(())
}

/// Runs a module of the library under another name.
fn load_as(vm: &mut Vm, name: &str, alias: &str) -> PyResult {
    let Some(embedded) = pylib::embedded(name) else {
        return Err(vm.runtime_error(format!("the library lacks {name}")));
    };
    let code = load::load(vm, Arc::new(embedded.code(&format!("<frozen {name}>"))));
    let module = vm.new_module(alias);
    let modules = vm.handle(vm.modules);
    vm.dict_set_str(modules, alias, module);
    execute::run_module_code(vm, code, cast::<Module>(module).dict.get())?;
    Ok(module)
}

/// `sys.__getattr__`: sets importlib up for the names that need it.
pub fn sys_attribute(vm: &mut Vm, name: &str) -> PyResult<Option<Value>> {
    if !SYS_NAMES.contains(&name) || installed(vm).is_some() {
        return Ok(None);
    }
    install(vm)?;
    let sys = import_module(vm, "sys")?;
    Ok(vm.dict_get_str(cast::<Module>(sys).dict.get(), name))
}

/// The spec of a module from a file or, without `origin`, of a namespace package.
pub fn new_spec(vm: &mut Vm, name: &str, origin: &str, locations: Value) -> PyResult {
    let name_value = vm.new_str(name);
    let origin_value = if origin.is_empty() { vm.none } else { vm.new_str(origin) };
    if let Some(importlib) = installed(vm) {
        let make = vm.handle(importlib.new_spec);
        return vm.call(make, &[name_value, origin_value, locations]);
    }
    let loader = match origin.starts_with(crate::import::LIBRARY) {
        true => library_loader(vm),
        false => vm.none,
    };
    crate::module_spec::new(vm, name, origin, locations, loader)
}

/// What `linecache` needs of a loader while importlib is not set up: the source of a module of the library.
fn library_loader(vm: &mut Vm) -> Value {
    #[derive(Default)]
    struct Loader(Option<Handle>);
    if let Some(handle) = vm.extension::<Loader>().0 {
        return vm.handle(handle);
    }
    static GET_SOURCE: objects::args::MethodDef = objects::args::MethodDef::function("get_source", 1, 1, |vm, args| {
        let name = vm.text_of(args.values[0]);
        Ok(match pylib::embedded(&name) {
            Some(module) => vm.new_str(&module.source()),
            None => vm.none,
        })
    });
    let loader = vm.new_namespace_object();
    let function = vm.new_builtin(&GET_SOURCE, Value::NULL);
    let key = vm.intern("get_source");
    // A namespace object takes any attribute.
    let _ = vm.setattr(loader, key, function);
    let handle = vm.keep(loader);
    vm.extension::<Loader>().0 = Some(handle);
    loader
}

/// The state that tests for finders of the program need.
pub fn meta_path(vm: &mut Vm) -> Option<Value> {
    let sys = state::state(vm).sys?;
    let sys = vm.handle(sys);
    vm.dict_get_str(cast::<Module>(sys).dict.get(), "meta_path")
}
