//! `module`, and the tables that native modules are made of.

use crate::args::{CallArgs, GetSetDef, MethodDef, Signature};
use crate::builtin_layouts::Module;
use crate::error::{PyResult, Raised};
use crate::layout::{cast, value_of};
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

/// A module written in Rust.
pub struct ModuleDef {
    /// As imported; dotted for a submodule.
    pub name: &'static str,
    pub doc: &'static str,
    pub functions: &'static [MethodDef],
    /// Adds types and constants; runs once, when the module is first imported.
    pub init: fn(&mut Vm, Value) -> PyResult<()>,
}

impl Vm {
    /// A module with `__name__`, `__doc__`, `__package__`, `__loader__` and `__spec__`.
    pub fn new_module(&mut self, name: &str) -> Value {
        let name = self.intern(name);
        let shape = self.shape_for_kind(Kind::Module);
        let dict = self.new_namespace();
        let module = self.alloc::<Module>(shape);
        module.dict.set(dict);
        fill(self, dict, name, self.none);
        value_of(module)
    }

    /// Makes a native module known to the import system.
    pub fn register_native(&mut self, def: &'static ModuleDef) {
        self.natives.push(def);
    }

    /// The names of the native modules.
    pub fn native_names(&self) -> Vec<&'static str> {
        self.natives.iter().map(|def| def.name).collect()
    }

    /// Imports a native module: from `sys.modules`, else made and entered there. `None` if there is no such module.
    pub fn load_native(&mut self, name: &str) -> PyResult<Option<Value>> {
        let Some(def) = self.natives.iter().copied().find(|def| def.name == name) else { return Ok(None) };
        let modules = self.handle(self.modules);
        if let Some(module) = self.dict_get_str(modules, name) {
            return Ok(Some(module));
        }
        let key = self.intern(name);
        // A module that was taken out of `sys.modules` comes back as it was: its classes are known to Rust code.
        if let Some(&(_, module)) = self.loaded_natives.iter().find(|(loaded, _)| *loaded == def.name) {
            let module = self.handle(module);
            self.dict_set_name(modules, key, module);
            return Ok(Some(module));
        }
        let module = self.new_module(name);
        self.dict_set_name(modules, key, module);
        match self.fill_native(def, module) {
            Ok(()) => {
                let handle = self.keep(module);
                self.loaded_natives.push((def.name, handle));
                Ok(Some(module))
            }
            Err(raised) => {
                self.dict_del_str(modules, name);
                Err(raised)
            }
        }
    }

    /// Fills a module from its table.
    pub fn fill_native(&mut self, def: &'static ModuleDef, module: Value) -> PyResult<()> {
        let dict = dict_of(module);
        let names = self.names;
        if !def.doc.is_empty() {
            let doc = self.new_str(def.doc);
            self.dict_set_name(dict, names.__doc__, doc);
        }
        let name = self.intern(def.name);
        for function in def.functions {
            let builtin = self.new_builtin_of_module(function, name);
            let name = self.intern(function.name);
            self.dict_set_name(dict, name, builtin);
        }
        (def.init)(self, module)
    }

    /// Sets an attribute of a module; for `init` functions.
    pub fn module_set(&mut self, module: Value, name: &str, value: Value) {
        let name = self.intern(name);
        self.dict_set_name(dict_of(module), name, value);
    }
}

/// A module's dictionary.
#[inline(always)]
pub fn dict_of(module: Value) -> Value {
    cast::<Module>(module).dict.get()
}

fn fill(vm: &mut Vm, dict: Value, name: Value, doc: Value) {
    let names = vm.names;
    vm.dict_set_name(dict, names.__name__, name);
    vm.dict_set_name(dict, names.__doc__, doc);
    for name in [names.__package__, names.__loader__, names.__spec__] {
        vm.dict_set_name(dict, name, vm.none);
    }
}

/// Imports a module from Rust, through the interpreter's hook.
pub fn import(vm: &mut Vm, name: &str) -> PyResult {
    let modules = vm.handle(vm.modules);
    if let Some(module) = vm.dict_get_str(modules, name) {
        return Ok(module);
    }
    let import = vm.hooks.import;
    let name_value = vm.intern(name);
    let globals = vm.none;
    // A non-empty list of names gives the innermost module.
    let star = vm.intern("*");
    let from = vm.new_tuple(&[star]);
    import(vm, name_value, globals, globals, from, 0)
}

/// The import hook while there is no interpreter: loaded and native modules alone.
pub fn import_loaded(vm: &mut Vm, name: Value) -> PyResult {
    let text = vm.text_of(name);
    match vm.load_native(&text)? {
        Some(module) => Ok(module),
        None => {
            let ty = vm.exc.module_not_found_error;
            Err(vm.import_error(ty, format!("No module named '{text}'"), name, Value::NULL))
        }
    }
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.module = vm.new_builtin_type(
        TypeSpec {
            flags: flags::BASETYPE | flags::HAS_WEAKREF,
            overflow_word: (Module::DICT.offset / 8) as u16,
            slots: Slots {
                new: Some(|vm, ty, _| {
                    let module = vm.new_instance(ty);
                    crate::instance::materialise(vm, module);
                    Ok(module)
                }),
                init: Some(init_module),
                repr: Some(repr),
                getattr: Some(getattr),
                ..Slots::default()
            },
            methods: const { &[MethodDef::method("__dir__", 1, 1, dir).with_doc("__dir__($self, /)\n--\n\n__dir__() -> list\nspecialized dir() implementation")] },
            getset: GETSET,
            doc: "module(name, doc=None)\n--\n\nCreate a module object.\n\nThe name must be a string; the optional docstring argument can have any type.",
            ..TypeSpec::of::<Module>("module", Kind::Module)
        },
        object,
    );
}

static GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("__dict__", |_, module| Ok(dict_of(module))),
    GetSetDef::new("__annotations__", get_annotations, set_annotations),
    GetSetDef::new("__annotate__", get_annotate, set_annotate),
];

fn init_module(vm: &mut Vm, module: Value, args: &CallArgs) -> PyResult<()> {
    let [name, doc] = args.bind(
        vm,
        "module",
        &Signature { parameters: ["name", "doc"], skip: 0, positional_only: 0, max_positional: 2, required: 1 },
    )?;
    if !vm.is_str(name) {
        let given = vm.type_name(name);
        return Err(vm.type_error(format!("module() argument 'name' must be str, not {given}")));
    }
    let dict = crate::instance::materialise(vm, module);
    let doc = if doc.is_null() { vm.none } else { doc };
    fill(vm, dict, name, doc);
    Ok(())
}

/// Attributes as of any object, then the module's `__getattr__`.
fn getattr(vm: &mut Vm, module: Value, name: Value) -> PyResult {
    // What most modules are asked for is in their dictionary, and no descriptor of the type hides it.
    let ty = vm.type_of(module);
    if !vm.resolve(ty, name).kind.is_data()
        && let Some(value) = vm.dict_get_name(dict_of(module), name)
    {
        return Ok(value);
    }
    if let Some(value) = crate::object::generic_getattr_opt(vm, module, name)? {
        return Ok(value);
    }
    let fallback = vm.names.__getattr__;
    if let Some(getattr) = vm.dict_get_name(dict_of(module), fallback) {
        return vm.call(getattr, &[name]);
    }
    Err(missing_attribute(vm, module, name))
}

/// `module 'm' has no attribute 'x'`.
#[cold]
pub fn missing_attribute(vm: &mut Vm, module: Value, name: Value) -> Raised {
    let text = vm.text_of(name);
    let names = vm.names;
    let message = match vm.dict_get_name(dict_of(module), names.__name__) {
        Some(module_name) if vm.is_str(module_name) => {
            let module_name = vm.text_of(module_name);
            if is_initializing(vm, module) {
                format!(
                    "partially initialized module '{module_name}' has no attribute '{text}' (most likely due to a circular import)"
                )
            } else {
                format!("module '{module_name}' has no attribute '{text}'")
            }
        }
        _ => format!("module has no attribute '{text}'"),
    };
    vm.attribute_error_with(module, name, message)
}

/// Whether the module's body is still running.
fn is_initializing(vm: &mut Vm, module: Value) -> bool {
    let name = vm.names.__spec__;
    let Some(spec) = vm.dict_get_name(dict_of(module), name) else { return false };
    match vm.getattr_str_opt(spec, "_initializing") {
        Ok(Some(flag)) => vm.truth(flag).unwrap_or(false),
        _ => false,
    }
}

fn repr(vm: &mut Vm, module: Value) -> PyResult {
    let names = vm.names;
    let dict = dict_of(module);
    let name = match vm.dict_get_name(dict, names.__name__) {
        Some(name) => vm.repr_text(name)?,
        None => "'?'".to_string(),
    };
    let file = vm.dict_get_name(dict, names.__file__);
    let text = match file {
        Some(file) if file != vm.none => {
            let file = vm.repr_text(file)?;
            format!("<module {name} from {file}>")
        }
        _ => {
            let natives = self::is_native(vm, dict);
            match loader(vm, dict)? {
                _ if natives => format!("<module {name} (built-in)>"),
                Some(loader) => format!("<module {name} ({loader})>"),
                None => format!("<module {name}>"),
            }
        }
    };
    Ok(vm.new_str(&text))
}

/// How the loader of a module's spec is shown, if there is one.
fn loader(vm: &mut Vm, dict: Value) -> PyResult<Option<String>> {
    let Some(spec) = vm.dict_get_str(dict, "__spec__").filter(|spec| *spec != vm.none) else { return Ok(None) };
    match vm.getattr_str_opt(spec, "loader")? {
        Some(loader) if loader != vm.none => vm.repr_text(loader).map(Some),
        _ => Ok(None),
    }
}

fn is_native(vm: &mut Vm, dict: Value) -> bool {
    let name = vm.names.__name__;
    match vm.dict_get_name(dict, name) {
        Some(name) if vm.is_str(name) => {
            let name = vm.text_of(name);
            name == "builtins" || name == "sys" || vm.natives.iter().any(|def| def.name == name)
        }
        _ => false,
    }
}

fn dir(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let dict = dict_of(args.values[0]);
    let name = vm.names.__dir__;
    if let Some(dir) = vm.dict_get_name(dict, name) {
        return vm.call(dir, &[]);
    }
    vm.collect_list(dict)
}

fn get_annotations(vm: &mut Vm, module: Value) -> PyResult {
    let names = vm.names;
    let dict = dict_of(module);
    if let Some(annotations) = vm.dict_get_name(dict, names.__annotations__) {
        return Ok(annotations);
    }
    let annotations = match vm.dict_get_name(dict, names.__annotate__) {
        Some(annotate) if annotate != vm.none => {
            let annotations = vm.call(annotate, &[Value::from_int(1)])?;
            if !vm.type_of(annotations).has(flags::DICT) {
                let given = vm.type_name(annotations);
                return Err(vm.type_error(format!("__annotate__() must return a dict, not {given}")));
            }
            annotations
        }
        _ => vm.new_dict(),
    };
    if !is_initializing(vm, module) {
        vm.dict_set_name(dict, names.__annotations__, annotations);
    }
    Ok(annotations)
}

fn set_annotations(vm: &mut Vm, module: Value, value: Value) -> PyResult<()> {
    let names = vm.names;
    let dict = dict_of(module);
    if value.is_null() {
        if !vm.dict_del(dict, names.__annotations__)? {
            return Err(vm.attribute_error(module, names.__annotations__));
        }
    } else {
        vm.dict_set_name(dict, names.__annotations__, value);
    }
    vm.dict_del(dict, names.__annotate__)?;
    Ok(())
}

fn get_annotate(vm: &mut Vm, module: Value) -> PyResult {
    let name = vm.names.__annotate__;
    let dict = dict_of(module);
    match vm.dict_get_name(dict, name) {
        Some(annotate) => Ok(annotate),
        None => {
            vm.dict_set_name(dict, name, vm.none);
            Ok(vm.none)
        }
    }
}

fn set_annotate(vm: &mut Vm, module: Value, value: Value) -> PyResult<()> {
    if value.is_null() {
        return Err(vm.type_error("cannot delete __annotate__ attribute"));
    }
    if value != vm.none && !vm.is_callable(value) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    let names = vm.names;
    let dict = dict_of(module);
    vm.dict_set_name(dict, names.__annotate__, value);
    if value != vm.none {
        vm.dict_del(dict, names.__annotations__)?;
    }
    Ok(())
}
