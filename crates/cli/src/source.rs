//! Source lines, for reports.

use std::collections::HashMap;

/// Files that were read.
#[derive(Default)]
pub struct Sources(HashMap<String, Vec<String>>);

impl Sources {
    /// A line of a file, without its end; empty if there is none.
    pub fn line(&mut self, file: &str, line: u32) -> &str {
        let lines = self.lines(file);
        (line as usize).checked_sub(1).and_then(|at| lines.get(at)).map_or("", String::as_str)
    }

    /// All lines of a file; none if it cannot be read.
    pub fn lines(&mut self, file: &str) -> &[String] {
        if !self.0.contains_key(file) {
            let bytes = std::fs::read(file).unwrap_or_default();
            let text = syntax::decode_source(&bytes).map(|text| text.to_string()).unwrap_or_default();
            self.0.insert(file.to_owned(), text.lines().map(str::to_owned).collect());
        }
        &self.0[file]
    }
}

/// A file as the reader would name it: relative to the current directory if it lies in it.
pub fn short(file: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let path = std::path::Path::new(file);
    path.strip_prefix(&here).unwrap_or(path).to_string_lossy().into_owned()
}

/// With commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Text in HTML or SVG.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
