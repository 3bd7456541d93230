//! Source text that is in no file, for tracebacks: of `-c` and of the prompt. `linecache` gets it when it is imported,
//! which most programs never do.

use heap::Value;
use objects::code::Code;
use objects::error::PyResult;
use objects::vm::Vm;

/// A program text and its code.
struct Source {
    code: &'static Code,
    text: String,
}

#[derive(Default)]
struct Sources {
    waiting: Vec<Source>,
}

/// Keeps the text that a code was compiled from.
pub fn remember(vm: &mut Vm, code: &'static Code, text: &str) -> PyResult<()> {
    let modules = vm.handle(vm.modules);
    let source = Source { code, text: text.to_owned() };
    match vm.dict_get_str(modules, "linecache") {
        Some(linecache) if linecache != vm.none => register(vm, linecache, &source),
        _ => {
            vm.extension::<Sources>().waiting.push(source);
            Ok(())
        }
    }
}

/// Gives `linecache`, just imported, what waits for it.
pub fn hand_over(vm: &mut Vm) -> PyResult<()> {
    let linecache = crate::import::import_module(vm, "linecache")?;
    for source in std::mem::take(&mut vm.extension::<Sources>().waiting) {
        register(vm, linecache, &source)?;
    }
    Ok(())
}

fn register(vm: &mut Vm, linecache: Value, source: &Source) -> PyResult<()> {
    let (text, filename) = (vm.new_str(&source.text), source.code.filename);
    vm.call_method(linecache, "_register_code", &[source.code.object.get(), text, filename])?;
    Ok(())
}

/// The system's text of an error, without Rust's addition.
pub fn error_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
