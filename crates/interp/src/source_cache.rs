//! Source text that is in no file, for tracebacks: `-c`, the prompt, standard input.

use objects::vm::Vm;
use std::collections::HashMap;

#[derive(Default)]
pub struct Sources {
    texts: HashMap<String, String>,
}

/// Keeps the text under a name such as `<stdin>`.
pub fn remember(vm: &mut Vm, filename: &str, text: &str) {
    vm.extension::<Sources>().texts.insert(filename.to_owned(), text.to_owned());
}

/// The text kept under that name.
pub fn text(vm: &mut Vm, filename: &str) -> Option<String> {
    vm.extension::<Sources>().texts.get(filename).cloned()
}

/// The system's text of an error, without Rust's addition.
pub fn error_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
