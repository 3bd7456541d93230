//! Imports: native modules, files on `sys.path`, and the embedded standard library.

use crate::code_cache::CodeFile;
use crate::{importlib_setup, load};
use heap::Value;
use objects::builtin_layouts::Module;
use objects::error::{PyResult, Raised};
use objects::layout::cast;
use objects::shape::Kind;
use objects::ty::flags;
use objects::vm::Vm;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The entry of `sys.path` that stands for the library inside the binary.
pub const LIBRARY: &str = "<adder>/lib/python3.14";

/// IMPORT_NAME: through `builtins.__import__` if somebody replaced it.
pub fn import_name(
    vm: &mut Vm,
    name: Value,
    globals: Value,
    function: Value,
    from_list: Value,
    level: Value,
) -> PyResult {
    let builtins = cast::<objects::builtin_layouts::Function>(function).builtins.get();
    let key = vm.intern("__import__");
    let import = match vm.namespace_get(builtins, key)? {
        Some(import) => import,
        None => return Err(vm.raise(vm.exc.import_error, "__import__ not found")),
    };
    if is_own_import(vm, import) {
        return import_(vm, name, globals, from_list, level.as_int());
    }
    let none = vm.none;
    vm.call(import, &[name, globals, none, from_list, level])
}

fn is_own_import(vm: &mut Vm, import: Value) -> bool {
    let original = crate::state::state(vm).import_function;
    original.is_some_and(|handle| vm.handle(handle) == import)
}

/// `__import__(name, globals, locals, fromlist, level)`.
pub fn import_(vm: &mut Vm, name: Value, globals: Value, from_list: Value, level: i64) -> PyResult {
    if !vm.is_str(name) {
        let kind = vm.type_of(name).name();
        return Err(vm.type_error(format!("__import__() argument 1 must be str, not {kind}")));
    }
    let text = vm.str(name)?.to_owned();
    if level < 0 {
        return Err(vm.value_error("level must be >= 0"));
    }
    let absolute = if level == 0 { text.clone() } else { resolve_relative(vm, &text, globals, level)? };
    if absolute.is_empty() {
        return Err(vm.value_error("Empty module name"));
    }
    let module = import_module(vm, &absolute)?;
    let wants_names = !from_list.is_null() && from_list != vm.none && vm.truth(from_list)?;
    if wants_names {
        import_submodules(vm, module, &absolute, from_list)?;
        return Ok(module);
    }
    if level == 0 {
        let top = text.split('.').next().unwrap_or(&text).to_owned();
        return if top == text { Ok(module) } else { import_module(vm, &top) };
    }
    // `from . import x` has names; a bare relative import gives the first component of what was asked for.
    let tail = text.find('.').map_or(0, |dot| text.len() - dot);
    let top = absolute[..absolute.len() - tail].to_owned();
    import_module(vm, &top)
}

/// The absolute name that `level` dots in front of `name` mean in a module with these globals.
fn resolve_relative(vm: &mut Vm, name: &str, globals: Value, level: i64) -> PyResult<String> {
    let package = package_of(vm, globals)?;
    if package.is_empty() {
        return Err(vm.raise(vm.exc.import_error, "attempted relative import with no known parent package"));
    }
    let mut base = package.as_str();
    for _ in 1..level {
        match base.rfind('.') {
            Some(dot) => base = &base[..dot],
            None => {
                return Err(vm.raise(vm.exc.import_error, "attempted relative import beyond top-level package"));
            }
        }
    }
    Ok(if name.is_empty() { base.to_owned() } else { format!("{base}.{name}") })
}

fn package_of(vm: &mut Vm, globals: Value) -> PyResult<String> {
    if let Some(package) = vm.dict_get_str(globals, "__package__")
        && vm.is_str(package)
    {
        return Ok(vm.str(package)?.to_owned());
    }
    let Some(name) = vm.dict_get_str(globals, "__name__").filter(|name| vm.is_str(*name)) else {
        return Err(vm.raise_value(vm.exc.key_error, vm.none));
    };
    let name = vm.str(name)?.to_owned();
    if vm.dict_get_str(globals, "__path__").is_some() {
        return Ok(name);
    }
    Ok(name.rfind('.').map_or(String::new(), |dot| name[..dot].to_owned()))
}

/// `from module import a, b`: those that are submodules are imported.
fn import_submodules(vm: &mut Vm, module: Value, absolute: &str, from_list: Value) -> PyResult<()> {
    if vm.getattr_str_opt(module, "__path__")?.is_none() {
        return Ok(());
    }
    let iterator = vm.iter(from_list)?;
    while let Some(name) = vm.next(iterator)? {
        if !vm.is_str(name) {
            let kind = vm.type_of(name).name();
            return Err(vm.type_error(format!("Item in ``from list'' must be str, not {kind}")));
        }
        let text = vm.str(name)?.to_owned();
        if text == "*" {
            if let Some(all) = vm.getattr_str_opt(module, "__all__")? {
                import_submodules(vm, module, absolute, all)?;
            }
            continue;
        }
        if vm.getattr_opt(module, name)?.is_some() {
            continue;
        }
        let full = format!("{absolute}.{text}");
        match import_module(vm, &full) {
            Ok(_) => {}
            Err(raised) if is_missing(vm, raised, &full) => {}
            Err(raised) => return Err(raised),
        }
    }
    Ok(())
}

/// Whether this is the ModuleNotFoundError for `name` itself.
fn is_missing(vm: &mut Vm, raised: Raised, name: &str) -> bool {
    if !vm.exception_matches(raised.0, vm.exc.module_not_found_error) {
        return false;
    }
    match vm.getattr_str(raised.0, "name") {
        Ok(value) => vm.is_str(value) && vm.str(value).is_ok_and(|text| text == name),
        Err(_) => false,
    }
}

/// The module of that absolute name, imported if need be.
pub fn import_module(vm: &mut Vm, name: &str) -> PyResult {
    let key = vm.intern(name);
    let modules = vm.handle(vm.modules);
    if let Some(module) = vm.dict_get(modules, key)? {
        if module == vm.none {
            return Err(not_found(vm, name, format!("import of {name} halted; None in sys.modules")));
        }
        return Ok(module);
    }
    let parent = match name.rfind('.') {
        None => None,
        Some(dot) => {
            let parent = import_module(vm, &name[..dot])?;
            // Importing the parent may have imported the child.
            if let Some(module) = vm.dict_get(modules, key)? {
                return Ok(module);
            }
            Some((parent, name[..dot].to_owned(), name[dot + 1..].to_owned()))
        }
    };
    let path = match &parent {
        None => None,
        Some((module, parent_name, _)) => match vm.getattr_str_opt(*module, "__path__")? {
            Some(path) => Some(path),
            None => {
                let message = format!("No module named '{name}'; '{parent_name}' is not a package");
                return Err(not_found(vm, name, message));
            }
        },
    };
    let module = find_and_load(vm, name, path)?;
    if let Some((parent, _, child)) = parent {
        let child = vm.intern(&child);
        vm.setattr(parent, child, module)?;
    }
    // A module may replace itself in sys.modules while it runs.
    let modules = vm.handle(vm.modules);
    Ok(vm.dict_get(modules, key)?.unwrap_or(module))
}

/// Asks the finders on `sys.meta_path`, or the native ones in their place while there is no such list.
fn find_and_load(vm: &mut Vm, name: &str, path: Option<Value>) -> PyResult {
    if matches!(name, "_frozen_importlib" | "_frozen_importlib_external") {
        importlib_setup::install(vm)?;
        let modules = vm.handle(vm.modules);
        return match vm.dict_get_str(modules, name) {
            Some(module) => Ok(module),
            None => Err(not_found(vm, name, format!("No module named '{name}'"))),
        };
    }
    let finders = importlib_setup::meta_path(vm).filter(|finders| vm.type_of(*finders).has(flags::LIST));
    let (Some(finders), Some(importlib)) = (finders, importlib_setup::installed(vm)) else {
        // Native submodules are registered by their full name.
        if let Some(module) = vm.load_native(name)? {
            return Ok(module);
        }
        return match find(vm, name, path)? {
            Some(found) => load_found(vm, name, found),
            None => Err(not_found(vm, name, format!("No module named '{name}'"))),
        };
    };
    for i in 0.. {
        let Some(finder) = objects::list::items(finders).get(i).copied() else { break };
        if finder == vm.handle(importlib.builtin_importer) {
            if let Some(module) = vm.load_native(name)? {
                return Ok(module);
            }
        } else if finder == vm.handle(importlib.path_finder) {
            if let Some(found) = find(vm, name, path)? {
                return load_found(vm, name, found);
            }
        } else if finder != vm.handle(importlib.frozen_importer)
            && let Some(find_spec) = vm.getattr_str_opt(finder, "find_spec")?
        {
            let (text, none) = (vm.new_str(name), vm.none);
            let spec = vm.call(find_spec, &[text, path.unwrap_or(none), none])?;
            if spec != none {
                return load_found(vm, name, Found::Spec(spec));
            }
        }
    }
    Err(not_found(vm, name, format!("No module named '{name}'")))
}

fn not_found(vm: &mut Vm, name: &str, message: String) -> Raised {
    let raised = vm.raise(vm.exc.module_not_found_error, message);
    let name = vm.new_str(name);
    objects::exceptions::set_extra(vm, raised.0, "name", name);
    raised
}

/// Where a module was found.
enum Found {
    Source {
        file: PathBuf,
        package: bool,
    },
    /// A directory without `__init__.py`: a namespace package.
    Namespace(Vec<PathBuf>),
    Embedded(pylib::EmbeddedModule),
    /// What a finder written in Python found.
    Spec(Value),
}

fn load_found(vm: &mut Vm, name: &str, found: Found) -> PyResult {
    match found {
        Found::Source { file, package } => load_file(vm, name, &file, package),
        Found::Namespace(directories) => load_namespace(vm, name, &directories),
        Found::Embedded(module) => load_embedded(vm, name, module),
        Found::Spec(spec) => {
            let bootstrap = import_module(vm, "_frozen_importlib")?;
            vm.call_method(bootstrap, "_load", &[spec])
        }
    }
}

/// Where a module is on `sys.path`, or on its package's path.
fn find(vm: &mut Vm, name: &str, path: Option<Value>) -> PyResult<Option<Found>> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let entries = match path {
        Some(path) => string_items(vm, path)?,
        None => search_path(vm)?,
    };
    let mut namespace = Vec::new();
    let has_own_hooks = has_own_path_hooks(vm);
    for entry in entries {
        if entry == LIBRARY || entry.starts_with(&format!("{LIBRARY}/")) {
            if let Some(module) = pylib::embedded(name) {
                return Ok(Some(Found::Embedded(module)));
            }
            continue;
        }
        if has_own_hooks || Path::new(&entry).is_file() {
            if let Some(spec) = find_with_path_hooks(vm, name, &entry)? {
                return Ok(Some(Found::Spec(spec)));
            }
            continue;
        }
        let base = if entry.is_empty() { PathBuf::from(".") } else { PathBuf::from(&entry) };
        let directory = base.join(last);
        let init = directory.join("__init__.py");
        if init.is_file() {
            return Ok(Some(Found::Source { file: init, package: true }));
        }
        let file = base.join(format!("{last}.py"));
        if file.is_file() {
            return Ok(Some(Found::Source { file, package: false }));
        }
        if directory.is_dir() {
            namespace.push(directory);
        }
    }
    Ok(if namespace.is_empty() { None } else { Some(Found::Namespace(namespace)) })
}

/// Whether the program has put something on `sys.path_hooks`.
fn has_own_path_hooks(vm: &mut Vm) -> bool {
    let (Some(importlib), Some(sys)) = (importlib_setup::installed(vm), crate::state::state(vm).sys) else {
        return false;
    };
    let sys = vm.handle(sys);
    match vm.dict_get_str(cast::<Module>(sys).dict.get(), "path_hooks") {
        Some(hooks) if vm.type_of(hooks).has(flags::LIST) => objects::list::items(hooks).len() != importlib.hook_count,
        _ => false,
    }
}

/// The spec that the finder for an entry of the path gives.
fn find_with_path_hooks(vm: &mut Vm, name: &str, entry: &str) -> PyResult<Option<Value>> {
    importlib_setup::install(vm)?;
    let Some(importlib) = importlib_setup::installed(vm) else { return Ok(None) };
    let finder = vm.handle(importlib.path_finder);
    let (text, entry) = (vm.new_str(name), vm.new_str(entry));
    let entries = vm.new_list(&[entry]);
    let spec = vm.call_method(finder, "find_spec", &[text, entries])?;
    if spec == vm.none || vm.getattr_str(spec, "loader")? == vm.none { Ok(None) } else { Ok(Some(spec)) }
}

/// `sys.path`.
fn search_path(vm: &mut Vm) -> PyResult<Vec<String>> {
    let sys = match crate::state::state(vm).sys {
        Some(handle) => vm.handle(handle),
        None => return Ok(vec![LIBRARY.to_owned()]),
    };
    match vm.dict_get_str(cast::<Module>(sys).dict.get(), "path") {
        Some(path) => string_items(vm, path),
        None => Err(vm.runtime_error("sys.path must be a list of directory names")),
    }
}

/// The items of an iterable that are strings.
fn string_items(vm: &mut Vm, iterable: Value) -> PyResult<Vec<String>> {
    let mut items = Vec::new();
    let iterator = vm.iter(iterable)?;
    while let Some(item) = vm.next(iterator)? {
        if vm.is_str(item) {
            items.push(vm.str(item)?.to_owned());
        }
    }
    Ok(items)
}

/// A module object in `sys.modules` with the attributes that imports set.
fn new_module(vm: &mut Vm, name: &str, package: bool, origin: &str, path: &[String]) -> PyResult {
    let module = vm.new_module(name);
    let dict = cast::<Module>(module).dict.get();
    let package_name = if package { name } else { name.rfind('.').map_or("", |dot| &name[..dot]) };
    let text = vm.new_str(package_name);
    vm.dict_set_str(dict, "__package__", text);
    let file = vm.new_str(origin);
    vm.dict_set_str(dict, "__file__", file);
    let mut locations = vm.none;
    if package {
        locations = vm.new_list(&[]);
        for entry in path {
            let entry = vm.new_str(entry);
            vm.list_append(locations, entry);
        }
        vm.dict_set_str(dict, "__path__", locations);
    }
    let spec = importlib_setup::new_spec(vm, name, origin, locations)?;
    vm.dict_set_str(dict, "__spec__", spec);
    let loader = vm.getattr_str(spec, "loader")?;
    vm.dict_set_str(dict, "__loader__", loader);
    let modules = vm.handle(vm.modules);
    vm.dict_set_str(modules, name, module);
    Ok(module)
}

/// Runs a module's code; a module that fails is taken out of `sys.modules` again.
fn execute(vm: &mut Vm, name: &str, module: Value, code: &'static objects::code::Code) -> PyResult {
    crate::module_spec::set_initializing(vm, module, true)?;
    let dict = cast::<Module>(module).dict.get();
    let result = crate::execute::run_module_code(vm, code, dict);
    crate::module_spec::set_initializing(vm, module, false)?;
    match result {
        Ok(_) => Ok(module),
        Err(raised) => {
            let modules = vm.handle(vm.modules);
            let key = vm.intern(name);
            vm.dict_del(modules, key)?;
            Err(raised)
        }
    }
}

fn load_file(vm: &mut Vm, name: &str, file: &Path, package: bool) -> PyResult {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let text = file.to_string_lossy().into_owned();
    let code = file_code(vm, &file, &text)?;
    let directory = file.parent().map(|parent| parent.to_string_lossy().into_owned()).unwrap_or_default();
    let module = new_module(vm, name, package, &text, &[directory])?;
    execute(vm, name, module, code)
}

/// The code of a source file: what was kept of it, or compiled.
fn file_code(vm: &mut Vm, file: &Path, text: &str) -> PyResult<&'static objects::code::Code> {
    // The time is asked for before the text is read: a change in between leaves code that is out of date by its time.
    let kept = std::fs::metadata(file).ok().and_then(|metadata| CodeFile::of(vm, file, &metadata));
    if let Some(code) = kept.as_ref().and_then(|kept| kept.read(text)) {
        return Ok(load::load(vm, Arc::new(code)));
    }
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            let name = vm.new_str(text);
            return Err(vm.io_error(&error, name));
        }
    };
    let source = match syntax::decode_source(&bytes) {
        Ok(source) => source,
        Err(error) => return Err(crate::syntax_error::raise_decode(vm, &error, text)),
    };
    let code = load::compile_file(vm, &source, text)?;
    if let Some(kept) = kept {
        kept.write(vm, &code.source);
    }
    Ok(code)
}

fn load_namespace(vm: &mut Vm, name: &str, directories: &[PathBuf]) -> PyResult {
    let path: Vec<String> = directories.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let module = new_module(vm, name, true, "", &path)?;
    let dict = cast::<Module>(module).dict.get();
    let none = vm.none;
    vm.dict_set_str(dict, "__file__", none);
    Ok(module)
}

/// The file name of a module of the library.
pub fn library_file(module: &pylib::EmbeddedModule) -> String {
    format!("{LIBRARY}/{}", module.path)
}

fn load_embedded(vm: &mut Vm, name: &str, module: pylib::EmbeddedModule) -> PyResult {
    let file = library_file(&module);
    let directory = file.trim_end_matches("/__init__.py").to_owned();
    let code = load::load(vm, Arc::new(module.code(&file)));
    let object = new_module(vm, name, module.is_package, &file, &[directory])?;
    let loaded = execute(vm, name, object, code)?;
    if name == "linecache" {
        crate::source_cache::hand_over(vm)?;
    }
    Ok(loaded)
}

/// IMPORT_FROM: an attribute of the module, or a submodule that is being imported.
pub fn import_from(vm: &mut Vm, module: Value, name: Value) -> PyResult {
    if let Some(value) = vm.getattr_opt(module, name)? {
        return Ok(value);
    }
    let text = vm.text_of(name);
    let module_name = match vm.getattr_str_opt(module, "__name__")? {
        Some(name) if vm.is_str(name) => Some(vm.str(name)?.to_owned()),
        _ => None,
    };
    if let Some(module_name) = &module_name {
        let modules = vm.handle(vm.modules);
        if let Some(found) = vm.dict_get_str(modules, &format!("{module_name}.{text}")) {
            return Ok(found);
        }
    }
    Err(cannot_import(vm, module, name, module_name))
}

fn cannot_import(vm: &mut Vm, module: Value, name: Value, module_name: Option<String>) -> Raised {
    let text = vm.text_of(name);
    let shown = module_name.clone().unwrap_or_else(|| "<unknown module name>".to_owned());
    let file = match vm.getattr_str_opt(module, "__file__") {
        Ok(Some(file)) if vm.is_str(file) => vm.text_of(file),
        _ => "unknown location".to_owned(),
    };
    let circular = vm.kind(module) == Kind::Module && crate::module_spec::is_initializing(vm, module);
    let message = if circular {
        format!(
            "cannot import name '{text}' from partially initialized module '{shown}' (most likely due to a circular import) ({file})"
        )
    } else {
        format!("cannot import name '{text}' from '{shown}' ({file})")
    };
    let raised = vm.raise(vm.exc.import_error, message);
    let module_name = vm.new_str(&shown);
    objects::exceptions::set_extra(vm, raised.0, "name", module_name);
    objects::exceptions::set_extra(vm, raised.0, "name_from", name);
    raised
}
