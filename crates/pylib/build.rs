//! Compiles the standard library's Python modules and packs them, compressed, into one file, with an index.
//!
//! Modules come from the `rustpython-pylib` crate; a file of the same path under `lib/` here takes its place. Each
//! module gives two LZ4 blocks, stored code and source, back to back in `modules.bin`; `index.rs` is a table sorted
//! by module name.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use syntax::{Mode, Options};

/// Left out: what only an IDE, an installer, a demonstration or a window system needs.
const LEFT_OUT: [&str; 8] = ["ensurepip", "idlelib", "lib2to3", "tkinter", "turtle", "turtledemo", "test", "tests"];

/// Expressions in the library nest deeply; the parser recurses.
const STACK_BYTES: usize = 64 << 20;

struct Module {
    name: String,
    /// Relative to the library's root, with `/`.
    path: String,
    is_package: bool,
    file: PathBuf,
}

struct Packed {
    code: Vec<u8>,
    source: Vec<u8>,
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=lib");
    let own = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("lib");
    let mut modules = BTreeMap::new();
    for root in [Path::new(rustpython_pylib::LIB_PATH), &own] {
        collect(root, "", &mut modules);
    }
    let modules: Vec<Module> = modules.into_values().collect();
    let packed = pack_all(&modules);
    write_output(&modules, &packed);
}

fn collect(directory: &Path, prefix: &str, modules: &mut BTreeMap<String, Module>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let file = entry.unwrap().path();
        let file_name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let stem = file_name.strip_suffix(".py").unwrap_or(&file_name);
        if LEFT_OUT.contains(&stem) {
            continue;
        }
        if file.is_dir() {
            collect(&file, &format!("{prefix}{file_name}/"), modules);
        } else if file_name.ends_with(".py") {
            let is_package = stem == "__init__";
            let path = format!("{prefix}{file_name}");
            let dotted = prefix.replace('/', ".");
            let name = if is_package { dotted.trim_end_matches('.').to_owned() } else { format!("{dotted}{stem}") };
            let module = Module { name: name.clone(), path, is_package, file };
            modules.insert(name, module);
        }
    }
}

fn pack_all(modules: &[Module]) -> Vec<Packed> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(module) = modules.get(index) else {
                return;
            };
            let packed = pack(module);
            results.lock().unwrap().push((index, packed));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).unwrap();
        }
    });
    let mut results = results.into_inner().unwrap();
    assert_eq!(results.len(), modules.len(), "a module could not be compiled");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, packed)| packed).collect()
}

fn pack(module: &Module) -> Packed {
    let bytes = std::fs::read(&module.file).unwrap();
    let source = syntax::decode_source(&bytes).unwrap_or_else(|error| panic!("{}: {error:?}", module.path));
    let options = Options::default();
    let code = syntax::compile(&source, &module.path, Mode::Exec, &options).unwrap_or_else(|error| panic!("{error}"));
    Packed {
        code: lz4_flex::compress_prepend_size(&syntax::write_code(&code)),
        source: lz4_flex::compress_prepend_size(source.as_bytes()),
    }
}

fn write_output(modules: &[Module], packed: &[Packed]) {
    let out = PathBuf::from(std::env::var("OUT_DIR").unwrap());
    let mut blob = Vec::new();
    let mut index = String::from("&[\n");
    for (module, packed) in modules.iter().zip(packed) {
        let start = blob.len();
        blob.extend_from_slice(&packed.code);
        let middle = blob.len();
        blob.extend_from_slice(&packed.source);
        let (name, path, is_package) = (&module.name, &module.path, module.is_package);
        let end = blob.len();
        writeln!(index, "row({name:?}, {path:?}, {is_package}, {start}, {middle}, {end}),").unwrap();
    }
    index.push(']');
    std::fs::write(out.join("modules.bin"), blob).unwrap();
    std::fs::write(out.join("index.rs"), index).unwrap();
}
