//! Module `_imp`: what `importlib` asks of the interpreter.

use heap::Value;
use objects::args::MethodDef;
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_imp",
    doc: "(Extremely) low-level import machinery bits as used by importlib.",
    functions: FUNCTIONS,
    init,
};

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let policy = vm.intern("default");
    vm.module_set(module, "check_hash_based_pycs", policy);
    let library = vm.intern(interp::import::LIBRARY);
    vm.module_set(module, "_library", library);
    let magic = Value::from_int(interp::code_cache::MAGIC.into());
    vm.module_set(module, "pyc_magic_number_token", magic);
    Ok(())
}

/// How deep the import lock is held; there is one thread.
#[derive(Default)]
struct State {
    depth: i64,
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("lock_held", 0, 0, |vm, _| {
        let held = vm.extension::<State>().depth > 0;
        Ok(vm.bool(held))
    })
    .with_doc("lock_held($module, /)\n--\n\nReturn True if the import lock is currently held, else False.\n\nOn platforms without threads, return False."),
    MethodDef::function("acquire_lock", 0, 0, |vm, _| {
        vm.extension::<State>().depth += 1;
        Ok(vm.none)
    })
    .with_doc("acquire_lock($module, /)\n--\n\nAcquires the interpreter's import lock for the current thread.\n\nThis lock should be used by import hooks to ensure thread-safety when\nimporting modules.  On platforms without threads, this function does\nnothing."),
    MethodDef::function("release_lock", 0, 0, |vm, _| {
        if vm.extension::<State>().depth == 0 {
            return Err(vm.runtime_error("not holding the import lock"));
        }
        vm.extension::<State>().depth -= 1;
        Ok(vm.none)
    })
    .with_doc("release_lock($module, /)\n--\n\nRelease the interpreter's import lock.\n\nOn platforms without threads, this function does nothing."),
    MethodDef::function("is_builtin", 1, 1, |vm, args| {
        let name = vm.text_of(args.values[0]);
        let known = vm.native_names().contains(&&*name);
        Ok(Value::from_int(i64::from(known)))
    })
    .with_doc("is_builtin($module, name, /)\n--\n\nReturns True if the module name corresponds to a built-in module."),
    MethodDef::function("create_builtin", 1, 1, |vm, args| {
        let name = vm.getattr_str(args.values[0], "name")?;
        let name = vm.text_of(name);
        Ok(vm.load_native(&name)?.unwrap_or(vm.none))
    })
    .with_doc("create_builtin($module, spec, /)\n--\n\nCreate an extension module."),
    MethodDef::function("exec_builtin", 1, 1, |_, _| Ok(Value::from_int(0)))
    .with_doc("exec_builtin($module, mod, /)\n--\n\nInitialize a built-in module."),
    MethodDef::function("exec_dynamic", 1, 1, |_, _| Ok(Value::from_int(0)))
    .with_doc("exec_dynamic($module, mod, /)\n--\n\nInitialize an extension module."),
    MethodDef::function("create_dynamic", 1, 2, |vm, args| {
        let name = vm.getattr_str(args.values[0], "name")?;
        let shown = vm.text_of(name);
        let class = vm.exc.import_error;
        Err(vm.import_error(class, format!("extension modules are not supported: '{shown}'"), name, Value::NULL))
    })
    .with_doc("create_dynamic($module, spec, file=<unrepresentable>, /)\n--\n\nCreate an extension module."),
    MethodDef::function("extension_suffixes", 0, 0, |vm, _| Ok(vm.new_list(&[])))
    .with_doc("extension_suffixes($module, /)\n--\n\nReturns the list of file suffixes used to identify extension modules."),
    MethodDef::function("is_frozen", 1, 1, |vm, _| Ok(vm.false_))
    .with_doc("is_frozen($module, name, /)\n--\n\nReturns True if the module name corresponds to a frozen module."),
    MethodDef::function("is_frozen_package", 1, 1, |vm, args| Err(no_frozen(vm, args.values[0])))
    .with_doc("is_frozen_package($module, name, /)\n--\n\nReturns True if the module name is of a frozen package."),
    MethodDef::function("get_frozen_object", 1, 2, |vm, args| Err(no_frozen(vm, args.values[0])))
    .with_doc("get_frozen_object($module, name, data=None, /)\n--\n\nCreate a code object for a frozen module."),
    MethodDef::function("init_frozen", 1, 1, |vm, _| Ok(vm.none))
    .with_doc("init_frozen($module, name, /)\n--\n\nInitializes a frozen module."),
    MethodDef::function("find_frozen", 1, 2, |vm, _| Ok(vm.none)).with_keywords()
    .with_doc("find_frozen($module, name, /, *, withdata=False)\n--\n\nReturn info about the corresponding frozen module (if there is one) or None.\n\nThe returned info (a 2-tuple):\n\n * data         the raw marshalled bytes\n * is_package   whether or not it is a package\n * origname     the originally frozen module's name, or None if not\n                a stdlib module (this will usually be the same as\n                the module's current name)"),
    MethodDef::function("_frozen_module_names", 0, 0, |vm, _| Ok(vm.new_list(&[])))
    .with_doc("_frozen_module_names($module, /)\n--\n\nReturns the list of available frozen modules."),
    MethodDef::function("_override_frozen_modules_for_tests", 1, 1, |vm, _| Ok(vm.none))
    .with_doc("_override_frozen_modules_for_tests($module, override, /)\n--\n\n(internal-only) Override PyConfig.use_frozen_modules.\n\n(-1: \"off\", 1: \"on\", 0: no override)\nSee frozen_modules() in Lib/test/support/import_helper.py."),
    MethodDef::function("_override_multi_interp_extensions_check", 1, 1, |_, _| Ok(Value::from_int(0)))
    .with_doc("_override_multi_interp_extensions_check($module, override, /)\n--\n\n(internal-only) Override PyInterpreterConfig.check_multi_interp_extensions.\n\n(-1: \"never\", 1: \"always\", 0: no override)"),
    MethodDef::function("_fix_co_filename", 2, 2, |vm, _| Ok(vm.none))
    .with_doc("_fix_co_filename($module, code, path, /)\n--\n\nChanges code.co_filename to specify the passed-in file path.\n\n  code\n    Code object to change.\n  path\n    File path to use."),
    MethodDef::function("_import_module", 1, 1, |vm, args| {
        let name = vm.text_of(args.values[0]);
        interp::import::import_module(vm, &name)
    }),
    MethodDef::function("_library_module", 1, 1, library_module),
    MethodDef::function("_library_children", 1, 1, |vm, args| {
        let package = vm.text_of(args.values[0]);
        let list = vm.new_list(&[]);
        for module in pylib::children(&package) {
            let last = module.name.rsplit('.').next().unwrap_or(module.name);
            let (name, is_package) = (vm.new_str(last), vm.bool(module.is_package));
            let row = vm.new_tuple(&[name, is_package]);
            vm.list_append(list, row);
        }
        Ok(list)
    }),
    MethodDef::function("_library_source", 1, 1, |vm, args| {
        let module = library_member(vm, args.values[0])?;
        Ok(vm.new_str(&module.source()))
    }),
    MethodDef::function("_library_code", 1, 1, |vm, args| {
        let module = library_member(vm, args.values[0])?;
        let code = module.code(&interp::import::library_file(&module));
        Ok(interp::load::load(vm, std::sync::Arc::new(code)).object.get())
    }),
    MethodDef::function("source_hash", 2, 2, |vm, args| {
        let key = vm.index(args.values[0])? as u64;
        let source = vm.bytes_like(args.values[1])?;
        let hash = sip_hash_13(key, 0, source);
        Ok(vm.new_bytes(&hash.to_le_bytes()))
    })
    .with_keywords()
    .with_doc("source_hash($module, /, key, source)\n--\n\n"),
];

fn library_member(vm: &mut Vm, name: Value) -> PyResult<pylib::EmbeddedModule> {
    let text = vm.text_of(name);
    pylib::embedded(&text).ok_or_else(|| {
        let class = vm.exc.import_error;
        vm.import_error(class, format!("no module of the library: '{text}'"), name, Value::NULL)
    })
}

/// The file and, of a package, the list of directories of a module of the library; None if it has none of that name.
fn library_module(vm: &mut Vm, args: &objects::args::CallArgs) -> PyResult {
    let name = vm.text_of(args.values[0]);
    let Some(module) = pylib::embedded(&name) else { return Ok(vm.none) };
    let file = interp::import::library_file(&module);
    let mut locations = vm.none;
    if module.is_package {
        let directory = vm.new_str(file.trim_end_matches("/__init__.py"));
        locations = vm.new_list(&[directory]);
    }
    let file = vm.new_str(&file);
    Ok(vm.new_tuple(&[file, locations]))
}

fn no_frozen(vm: &mut Vm, name: Value) -> objects::error::Raised {
    let shown = vm.repr_text(name).unwrap_or_default();
    let class = vm.exc.import_error;
    vm.import_error(class, format!("No such frozen object named {shown}"), name, Value::NULL)
}

/// SipHash with one round a word and three at the end.
fn sip_hash_13(k0: u64, k1: u64, data: &[u8]) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let round = |v: &mut [u64; 4]| {
        v[0] = v[0].wrapping_add(v[1]);
        v[1] = v[1].rotate_left(13) ^ v[0];
        v[0] = v[0].rotate_left(32);
        v[2] = v[2].wrapping_add(v[3]);
        v[3] = v[3].rotate_left(16) ^ v[2];
        v[0] = v[0].wrapping_add(v[3]);
        v[3] = v[3].rotate_left(21) ^ v[0];
        v[2] = v[2].wrapping_add(v[1]);
        v[1] = v[1].rotate_left(17) ^ v[2];
        v[2] = v[2].rotate_left(32);
    };
    let mut words = data.chunks_exact(8);
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
        v[3] ^= word;
        round(&mut v);
        v[0] ^= word;
    }
    let mut last = [0; 8];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    let last = u64::from_le_bytes(last) | (data.len() as u64) << 56;
    v[3] ^= last;
    round(&mut v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}
