//! Module `_warnings`: the filters, and what becomes of a warning.

use crate::support::{is_absent, signature};
use heap::Value;
use metatrace::Handle;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::ty::{TypeRef, flags};
use objects::type_::is_type;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_warnings",
    doc: "_warnings provides basic warning filtering support.\nIt is a helper module to speed up interpreter start-up.",
    functions: FUNCTIONS,
    init,
};

#[derive(Default)]
struct State {
    filters: Option<Handle>,
    once: Option<Handle>,
    default_action: Option<Handle>,
    context: Option<Handle>,
    /// Grows when the filters change: registries are void.
    version: i64,
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("warn", 0, 4, warn)
        .with_keywords()
        .with_doc("warn($module, /, message, category=None, stacklevel=1, source=None, *,\n     skip_file_prefixes=())\n--\n\nIssue a warning, or maybe ignore it or raise an exception.\n\n  message\n    Text of the warning message.\n  category\n    The Warning category subclass. Defaults to UserWarning.\n  stacklevel\n    How far up the call stack to make this warning appear. A value of 2 for\n    example attributes the warning to the caller of the code calling warn().\n  source\n    If supplied, the destroyed object which emitted a ResourceWarning\n  skip_file_prefixes\n    An optional tuple of module filename prefixes indicating frames to skip\n    during stacklevel computations for stack frame attribution."),
    MethodDef::function("warn_explicit", 0, 8, warn_explicit)
        .with_keywords()
        .with_doc("warn_explicit($module, /, message, category, filename, lineno,\n              module=<unrepresentable>, registry=None,\n              module_globals=None, source=None)\n--\n\nIssue a warning, or maybe ignore it or raise an exception."),
    MethodDef::function("_filters_mutated_lock_held", 0, 0, |vm, _| {
        vm.extension::<State>().version += 1;
        Ok(vm.none)
    })
    .with_doc("_filters_mutated_lock_held($module, /)\n--\n\n"),
    MethodDef::function("_acquire_lock", 0, 0, |vm, _| Ok(vm.none))
    .with_doc("_acquire_lock($module, /)\n--\n\n"),
    MethodDef::function("_release_lock", 0, 0, |vm, _| Ok(vm.none))
    .with_doc("_release_lock($module, /)\n--\n\n"),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let none = vm.none;
    let exc = &vm.exc;
    let rows = [
        ("default", exc.deprecation_warning, true),
        ("ignore", exc.deprecation_warning, false),
        ("ignore", exc.pending_deprecation_warning, false),
        ("ignore", exc.import_warning, false),
        ("ignore", exc.resource_warning, false),
    ];
    let filters = vm.new_list(&[]);
    for (action, category, in_main) in rows {
        let action = vm.intern(action);
        let module_name = if in_main { vm.intern("__main__") } else { none };
        let row = vm.new_tuple(&[action, none, category.value(), module_name, Value::from_int(0)]);
        vm.list_append(filters, row);
    }
    let once = vm.new_dict();
    let action = vm.intern("default");
    let context = crate::contextvars_::variable(vm, "warnings_context")?;
    for (name, value) in
        [("filters", filters), ("_onceregistry", once), ("_defaultaction", action), ("_warnings_context", context)]
    {
        vm.module_set(module, name, value);
    }
    let [filters, once, default_action, context] = [filters, once, action, context].map(|value| Some(vm.keep(value)));
    *vm.extension::<State>() = State { filters, once, default_action, context, version: 1 };
    Ok(())
}

/// Where the warning is said to come from.
struct Site {
    filename: Value,
    line: i64,
    module: Value,
    registry: Value,
    source: Value,
}

fn warn(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature = Signature {
        max_positional: 4,
        ..signature(["message", "category", "stacklevel", "source", "skip_file_prefixes"], 1)
    };
    let [message, category, level, source, prefixes] = args.bind(vm, "warn", &signature)?;
    let mut level = if level.is_null() { 1 } else { vm.index(level)? };
    if !prefixes.is_null() {
        let is_prefix_tuple = objects::tuple::is_tuple(vm, prefixes)
            && objects::tuple::items(prefixes).iter().all(|&prefix| vm.is_str(prefix));
        if !is_prefix_tuple {
            return Err(vm.type_error("skip_file_prefixes must be a tuple of strs."));
        }
        if !objects::tuple::items(prefixes).is_empty() {
            level = level.max(2);
        }
    }
    let category = category_of(vm, message, category)?;
    let site = site_of_caller(vm, level, prefixes, source)?;
    issue(vm, category, message, &site)?;
    Ok(vm.none)
}

fn category_of(vm: &mut Vm, message: Value, category: Value) -> PyResult<TypeRef> {
    let ty = vm.type_of(message);
    if ty.is_subtype(vm.exc.warning) {
        return Ok(ty);
    }
    if is_absent(vm, category) {
        return Ok(vm.exc.user_warning);
    }
    if !is_type(vm, category) || !TypeRef::from_value(category).is_subtype(vm.exc.warning) {
        let given = vm.type_name(category);
        return Err(vm.type_error(format!("category must be a Warning subclass, not '{given}'")));
    }
    Ok(TypeRef::from_value(category))
}

fn is_internal(name: &[u8]) -> bool {
    let contains = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    contains(b"importlib") && contains(b"_bootstrap")
}

/// The frame `level` calls up; frames of the import machinery and of skipped files do not count.
fn site_of_caller(vm: &mut Vm, level: i64, prefixes: Value, source: Value) -> PyResult<Site> {
    let prefixes = if prefixes.is_null() { &[] } else { objects::tuple::items(prefixes) };
    let file_of = |vm: &mut Vm, frame: Value| {
        let code = vm.getattr_str(frame, "f_code")?;
        vm.getattr_str(code, "co_filename")
    };
    let mut depth = 0;
    let mut frame = interp::frame_type::frame_at(vm, depth);
    let first_is_internal = match frame {
        Some(frame) => {
            let file = file_of(vm, frame)?;
            is_internal(vm.str_bytes(file))
        }
        None => false,
    };
    let counts_all = level <= 0 || first_is_internal;
    for _ in 1..level.max(1) {
        loop {
            depth += 1;
            frame = interp::frame_type::frame_at(vm, depth);
            let Some(current) = frame else { break };
            if counts_all {
                break;
            }
            let file = file_of(vm, current)?;
            let file = vm.str_bytes(file);
            if !is_internal(file) && !prefixes.iter().any(|&prefix| file.starts_with(vm.str_bytes(prefix))) {
                break;
            }
        }
    }
    let (globals, filename, line) = match frame {
        Some(frame) => {
            let globals = vm.getattr_str(frame, "f_globals")?;
            let line = vm.getattr_str(frame, "f_lineno")?;
            let line = if line == vm.none { 0 } else { vm.index(line)? };
            (globals, file_of(vm, frame)?, line)
        }
        None => {
            let sys = objects::module::import(vm, "sys")?;
            (objects::module::dict_of(sys), vm.intern("<sys>"), 0)
        }
    };
    let name = vm.intern("__warningregistry__");
    let registry = match vm.dict_get(globals, name)? {
        Some(registry) => registry,
        None => {
            let registry = vm.new_dict();
            vm.dict_set(globals, name, registry)?;
            registry
        }
    };
    let name = vm.names.__name__;
    let module = match vm.dict_get(globals, name)? {
        Some(module) if vm.is_str(module) => module,
        _ => vm.intern("<string>"),
    };
    Ok(Site { filename, line, module, registry, source })
}

fn warn_explicit(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature =
        signature(["message", "category", "filename", "lineno", "module", "registry", "module_globals", "source"], 4);
    let [message, category, filename, line, module, registry, globals, source] =
        args.bind(vm, "warn_explicit", &signature)?;
    let line = vm.index(line)?;
    if !is_absent(vm, registry) && !vm.type_of(registry).has(flags::DICT) {
        let given = vm.type_name(registry);
        return Err(vm.type_error(format!("'registry' must be a dict or None, not {given}")));
    }
    if !is_absent(vm, globals) && !vm.type_of(globals).has(flags::DICT) {
        let given = vm.type_name(globals);
        return Err(vm.type_error(format!("module_globals must be a dict, not '{given}'")));
    }
    let module = if is_absent(vm, module) {
        let name = vm.text_of(filename);
        let name = name.strip_suffix(".py").unwrap_or(&name);
        vm.new_str(if name.is_empty() { "<unknown>" } else { name })
    } else {
        module
    };
    let registry = if is_absent(vm, registry) { Value::NULL } else { registry };
    let ty = vm.type_of(message);
    let category = if ty.is_subtype(vm.exc.warning) { ty } else { TypeRef::from_value(category) };
    let site = Site { filename, line, module, registry, source };
    issue(vm, category, message, &site)?;
    Ok(vm.none)
}

/// A global of module `warnings` if that is loaded, else of this one.
fn setting(vm: &mut Vm, name: &str, own: impl Fn(&State) -> Option<Handle>) -> PyResult {
    let modules = vm.handle(vm.modules);
    if let Some(warnings) = vm.dict_get_str(modules, "warnings")
        && warnings != vm.none
        && let Some(value) = vm.getattr_str_opt(warnings, name)?
    {
        return Ok(value);
    }
    let handle = own(vm.extension::<State>()).expect("made with the module");
    Ok(vm.handle(handle))
}

fn issue(vm: &mut Vm, category: TypeRef, message: Value, site: &Site) -> PyResult<()> {
    let (message, text) = if vm.type_of(message).is_subtype(vm.exc.warning) {
        let text = vm.str_of(message)?;
        (message, text)
    } else {
        (vm.call(category.value(), &[message])?, message)
    };
    let line = vm.int(site.line);
    let key = vm.new_tuple(&[text, category.value(), line]);
    if !site.registry.is_null() && already_warned(vm, site.registry, key, false)? {
        return Ok(());
    }
    let action = matching_action(vm, category, text, site)?;
    let mut show = true;
    match &*vm.text_of(action) {
        "error" => return Err(vm.raise_instance(message)),
        "ignore" => return Ok(()),
        "always" | "all" => {}
        "once" => {
            remember(vm, site.registry, key)?;
            let once = setting(vm, "onceregistry", |state| state.once)?;
            let key = vm.new_tuple(&[text, category.value()]);
            show = !already_warned(vm, once, key, true)?;
        }
        "module" => {
            remember(vm, site.registry, key)?;
            let key = vm.new_tuple(&[text, category.value(), Value::from_int(0)]);
            if !site.registry.is_null() {
                show = !already_warned(vm, site.registry, key, true)?;
            }
        }
        "default" => remember(vm, site.registry, key)?,
        _ => {
            let action = vm.repr_text(action)?;
            return Err(vm.runtime_error(format!("Unrecognized action ({action}) in warnings.filters")));
        }
    }
    if show { show_warning(vm, category, message, site, line) } else { Ok(()) }
}

fn remember(vm: &mut Vm, registry: Value, key: Value) -> PyResult<()> {
    if registry.is_null() {
        return Ok(());
    }
    let truth = vm.true_;
    vm.dict_set(registry, key, truth)
}

/// Whether the registry has the key. One from before the filters changed is emptied.
fn already_warned(vm: &mut Vm, registry: Value, key: Value, set: bool) -> PyResult<bool> {
    let version = vm.extension::<State>().version;
    let version = vm.int(version);
    let name = vm.intern("version");
    let is_current = match vm.dict_get(registry, name)? {
        Some(known) => vm.eq(known, version)?,
        None => false,
    };
    if !is_current {
        vm.dict_clear(registry);
        vm.dict_set(registry, name, version)?;
    } else if let Some(warned) = vm.dict_get(registry, key)?
        && vm.truth(warned)?
    {
        return Ok(true);
    }
    if set {
        remember(vm, registry, key)?;
    }
    Ok(false)
}

fn matching_action(vm: &mut Vm, category: TypeRef, text: Value, site: &Site) -> PyResult {
    let context = vm.extension::<State>().context.expect("made with the module");
    let context = vm.handle(context);
    let context = crate::contextvars_::value_of(vm, context)?;
    if !context.is_null() {
        let filters = vm.getattr_str(context, "_filters")?;
        if let Some(action) = search(vm, filters, category, text, site)? {
            return Ok(action);
        }
    }
    let filters = setting(vm, "filters", |state| state.filters)?;
    match search(vm, filters, category, text, site)? {
        Some(action) => Ok(action),
        None => setting(vm, "defaultaction", |state| state.default_action),
    }
}

fn search(vm: &mut Vm, filters: Value, category: TypeRef, text: Value, site: &Site) -> PyResult<Option<Value>> {
    if !vm.type_of(filters).has(flags::LIST) {
        return Err(vm.value_error("_warnings.filters must be a list"));
    }
    let mut i = 0;
    while let Some(&row) = objects::list::items(filters).get(i) {
        i += 1;
        let row = if objects::tuple::is_tuple(vm, row) { objects::tuple::items(row) } else { &[] };
        let &[action, message, wanted, module, line] = row else {
            return Err(vm.value_error(format!("warnings.filters item {} isn't a 5-tuple", i - 1)));
        };
        let line = vm.index(line)?;
        if vm.issubclass(category.value(), wanted)?
            && (line == 0 || line == site.line)
            && matches(vm, message, text)?
            && matches(vm, module, site.module)?
        {
            return Ok(Some(action));
        }
    }
    Ok(None)
}

/// None matches everything, a str itself, anything else what its `match` says.
fn matches(vm: &mut Vm, pattern: Value, text: Value) -> PyResult<bool> {
    if pattern == vm.none {
        return Ok(true);
    }
    if vm.type_of(pattern) == vm.types.str_ {
        return vm.eq(pattern, text);
    }
    let found = vm.call_method(pattern, "match", &[text])?;
    vm.truth(found)
}

fn show_warning(vm: &mut Vm, category: TypeRef, message: Value, site: &Site, line: Value) -> PyResult<()> {
    let warnings = objects::module::import(vm, "warnings")?;
    let class = vm.getattr_str(warnings, "WarningMessage")?;
    let none = vm.none;
    let source = if site.source.is_null() { none } else { site.source };
    let details = vm.call(class, &[message, category.value(), site.filename, line, none, none, source])?;
    vm.call_method(warnings, "_showwarnmsg", &[details])?;
    Ok(())
}
