//! The log: sections in the trace language, so that one pasted into a file is a test.

use crate::options::Log;
use crate::symbols::Symbols;
use std::fs::File;
use std::io::Write;

pub(crate) struct Logger {
    file: Option<File>,
    symbols: Symbols,
}

impl Logger {
    pub(crate) fn new(log: &Log) -> Logger {
        Logger { file: log.file.as_ref().and_then(|name| File::create(name).ok()), symbols: Symbols::default() }
    }

    /// One section: a headline, then the text.
    pub(crate) fn section(&mut self, kind: &str, name: &str, text: &str) {
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        let message = self.symbols.replace(&format!("# {kind} {name}\n{text}{end}"));
        // A log that cannot be written is no reason to stop the program.
        let _ = match &mut self.file {
            Some(file) => file.write_all(message.as_bytes()),
            None => std::io::stderr().write_all(message.as_bytes()),
        };
    }
}
