//! Snippets and what CPython warns of in them (warnings.txt).

use syntax::{Mode, Options, compile_with_warnings};

#[test]
fn warnings_equal_cpythons() {
    let text = format!("\n{}", include_str!("warnings.txt"));
    let mut failures = String::new();
    for block in text.split("\n===\n").skip(1) {
        let (source, expected) = block.split_once("\n-->").unwrap_or((block, ""));
        let expected: Vec<&str> = expected.split("\n-->").map(str::trim).filter(|s| !s.is_empty()).collect();
        let mut warnings = Vec::new();
        let source = format!("{}\n", source.trim_end_matches('\n'));
        let result = compile_with_warnings(&source, "<test>", Mode::Exec, Options::default(), &mut warnings);
        result.unwrap_or_else(|error| panic!("{source}{error}"));
        let ours: Vec<String> = warnings.iter().map(|w| format!("{} {}", w.line, w.message)).collect();
        if ours != expected {
            failures.push_str(&format!("{source}ours:    {ours:?}\nCPython: {expected:?}\n"));
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}
