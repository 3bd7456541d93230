//! The embedded library as a corpus: every code object is sane, and what is embedded is what its source compiles to.

use syntax::{Mode, Options};

/// Expressions in the library nest deeply; the parser recurses.
const STACK_BYTES: usize = 64 << 20;

fn with_deep_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(test).unwrap().join().unwrap();
}

#[test]
fn every_code_object_is_sane() {
    let mut count = 0;
    for module in pylib::modules() {
        let code = module.code(module.path);
        if let Err(what) = syntax::verify(&code) {
            panic!("{what}");
        }
        code.walk(&mut |_| count += 1);
    }
    assert!(count > 10_000, "only {count} code objects");
}

#[test]
fn embedded_code_equals_its_source_compiled() {
    with_deep_stack(|| {
        for module in pylib::modules().iter().step_by(7) {
            let options = Options::default();
            let compiled = syntax::compile(&module.source(), module.path, Mode::Exec, &options).unwrap();
            assert_eq!(compiled, module.code(module.path), "{}", module.name);
        }
    });
}

#[test]
fn optimized_code_is_sane_too() {
    with_deep_stack(|| {
        for module in pylib::modules().iter().step_by(11) {
            let options = Options { optimize: 2, ..Options::default() };
            let code = syntax::compile(&module.source(), module.path, Mode::Exec, &options).unwrap();
            syntax::verify(&code).unwrap();
        }
    });
}

#[test]
fn trees_compile_to_what_sources_compile_to() {
    with_deep_stack(|| {
        for module in pylib::modules().iter().step_by(3) {
            let (source, options) = (module.source(), Options::default());
            let compiled = module.code(module.path);
            let tree = syntax::parse_ast(&source, module.path, Mode::Exec, &options).unwrap();
            let code = syntax::compile_ast(&tree, module.path, &options).unwrap();
            assert!(code == compiled, "{}", module.name);
        }
    });
}

#[test]
fn the_table_is_searchable() {
    let names: Vec<_> = pylib::modules().iter().map(|module| module.name).collect();
    assert!(names.is_sorted());
    assert!(pylib::embedded("json.decoder").is_some_and(|module| !module.is_package));
    let json = pylib::embedded("json").unwrap();
    assert!(json.is_package && json.path == "json/__init__.py");
    assert!(pylib::embedded("no_such_module").is_none());
    let children: Vec<_> = pylib::children("json").map(|module| module.name).collect();
    assert_eq!(children, ["json.__main__", "json.decoder", "json.encoder", "json.scanner", "json.tool"]);
}
