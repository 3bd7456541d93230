//! What the interpreter says about itself: version, platform, limits of numbers.

use super::{set, strings};
use crate::struct_sequence;
use heap::Value;
use interp::state::Config;
use objects::error::PyResult;
use objects::value_vec::ValueVec;
use objects::vm::Vm;

/// The Python that this is.
pub const VERSION: [i64; 3] = [3, 14, 2];
const HEX_VERSION: i64 = (VERSION[0] << 24) | (VERSION[1] << 16) | (VERSION[2] << 8) | 0xf0;

/// `sys.version`: Python's version, then the implementation's.
pub fn version_text() -> String {
    let [major, minor, micro] = VERSION;
    format!("{major}.{minor}.{micro} (adder {}) [Rust]", env!("CARGO_PKG_VERSION"))
}

/// A struct sequence under `name` in module `sys`.
fn sequence(vm: &mut Vm, module: Value, name: &str, fields: &[(&str, Value)]) -> PyResult {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let class = struct_sequence::new_class(vm, "sys", name, &names)?;
    let mut values = ValueVec::with_capacity(vm, fields.len());
    fields.iter().for_each(|(_, value)| values.push(vm, *value));
    let value = struct_sequence::new(vm, class, values.as_slice())?;
    set(vm, module, name, value)?;
    Ok(value)
}

pub fn init(vm: &mut Vm, module: Value, config: &Config) -> PyResult<()> {
    let int = Value::from_int;
    let [major, minor, micro] = VERSION;
    let final_ = vm.intern("final");
    let version = [
        ("major", int(major)),
        ("minor", int(minor)),
        ("micro", int(micro)),
        ("releaselevel", final_),
        ("serial", int(0)),
    ];
    let version_info = sequence(vm, module, "version_info", &version)?;
    let texts = [
        ("version", version_text()),
        (
            "copyright",
            "Copyright (c) the Adder developers. Python is a trademark of the Python Software Foundation.".to_owned(),
        ),
        ("platform", "linux".to_owned()),
        ("platlibdir", "lib".to_owned()),
        ("byteorder", if cfg!(target_endian = "little") { "little" } else { "big" }.to_owned()),
        ("float_repr_style", "short".to_owned()),
        ("abiflags", String::new()),
        ("_framework", String::new()),
    ];
    for (name, text) in texts {
        let text = vm.new_str(&text);
        set(vm, module, name, text)?;
    }
    let numbers = [("maxsize", i64::MAX), ("maxunicode", 0x10ffff), ("hexversion", HEX_VERSION), ("api_version", 1013)];
    for (name, number) in numbers {
        let number = vm.int(number);
        set(vm, module, name, number)?;
    }
    let (max, epsilon, min) = (vm.float(f64::MAX), vm.float(f64::EPSILON), vm.float(f64::MIN_POSITIVE));
    sequence(
        vm,
        module,
        "float_info",
        &[
            ("max", max),
            ("max_exp", int(1024)),
            ("max_10_exp", int(308)),
            ("min", min),
            ("min_exp", int(-1021)),
            ("min_10_exp", int(-307)),
            ("dig", int(15)),
            ("mant_dig", int(53)),
            ("epsilon", epsilon),
            ("radix", int(2)),
            ("rounds", int(1)),
        ],
    )?;
    sequence(
        vm,
        module,
        "int_info",
        &[
            ("bits_per_digit", int(30)),
            ("sizeof_digit", int(4)),
            ("default_max_str_digits", int(4300)),
            ("str_digits_check_threshold", int(640)),
        ],
    )?;
    let algorithm = vm.intern("siphash13");
    sequence(
        vm,
        module,
        "hash_info",
        &[
            ("width", int(64)),
            ("modulus", int((1 << 61) - 1)),
            ("inf", int(314159)),
            ("nan", int(0)),
            ("imag", int(1000003)),
            ("algorithm", algorithm),
            ("hash_bits", int(64)),
            ("seed_bits", int(128)),
            ("cutoff", int(0)),
        ],
    )?;
    let (thread, lock, none) = (vm.intern("pthread"), vm.intern("semaphore"), vm.none);
    sequence(vm, module, "thread_info", &[("name", thread), ("lock", lock), ("version", none)])?;
    flags(vm, module, config)?;
    implementation(vm, module, version_info)?;
    let git = {
        let (name, empty) = (vm.intern("adder"), vm.empty_str);
        vm.new_tuple(&[name, empty, empty])
    };
    set(vm, module, "_git", git)?;
    set(vm, module, "pycache_prefix", none)?;
    let names: Vec<&str> = crate::MODULES.iter().map(|module| module.name).collect();
    let names = strings(vm, names);
    let names = vm.new_tuple(objects::list::items(names));
    set(vm, module, "builtin_module_names", names)?;
    let library = vm.new_set();
    for name in pylib::modules()
        .iter()
        .map(|module| module.name)
        .filter(|name| !name.contains('.'))
        .chain(crate::MODULES.iter().map(|m| m.name))
    {
        let name = vm.new_str(name);
        vm.set_add(library, name)?;
    }
    let library = vm.call(vm.types.frozenset.value(), &[library])?;
    set(vm, module, "stdlib_module_names", library)
}

fn flags(vm: &mut Vm, module: Value, config: &Config) -> PyResult<()> {
    let int = |truth: bool| Value::from_int(truth as i64);
    let (dev, safe_path) = (vm.bool(config.dev_mode), vm.bool(config.safe_path || config.isolated));
    let flags = [
        ("debug", int(config.debug)),
        ("inspect", int(config.inspect)),
        ("interactive", int(config.interactive)),
        ("optimize", Value::from_int(config.optimize as i64)),
        ("dont_write_bytecode", int(config.dont_write_bytecode)),
        ("no_user_site", int(config.no_user_site || config.isolated)),
        ("no_site", int(config.no_site)),
        ("ignore_environment", int(config.ignore_environment || config.isolated)),
        ("verbose", Value::from_int(config.verbose as i64)),
        ("bytes_warning", Value::from_int(config.bytes_warning as i64)),
        ("quiet", int(config.quiet)),
        ("hash_randomization", int(true)),
        ("isolated", int(config.isolated)),
        ("dev_mode", dev),
        ("utf8_mode", int(true)),
        ("warn_default_encoding", int(false)),
        ("safe_path", safe_path),
        ("int_max_str_digits", Value::from_int(config.int_max_str_digits.unwrap_or(4300))),
        ("gil", int(true)),
        ("thread_inherit_context", int(false)),
        ("context_aware_warnings", int(false)),
    ];
    sequence(vm, module, "flags", &flags)?;
    Ok(())
}

fn implementation(vm: &mut Vm, module: Value, version: Value) -> PyResult<()> {
    let implementation = vm.new_namespace_object();
    let (name, tag) = (vm.intern("adder"), vm.intern(interp::code_cache::TAG));
    let multiarch = vm.intern(&format!("{}-linux-gnu", std::env::consts::ARCH));
    let hex = vm.int(HEX_VERSION);
    let supports = vm.false_;
    for (key, value) in [
        ("name", name),
        ("cache_tag", tag),
        ("version", version),
        ("hexversion", hex),
        ("_multiarch", multiarch),
        ("supports_isolated_interpreters", supports),
    ] {
        let key = vm.intern(key);
        vm.setattr(implementation, key, value)?;
    }
    set(vm, module, "implementation", implementation)
}
