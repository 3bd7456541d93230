//! Faulty snippets and what CPython says of them (errors.txt): class, place and message must be equal.
//!
//! `known_differences.txt` holds the snippets where ours differs, in the same form with our answer; it only shrinks.

use std::collections::BTreeMap;
use syntax::{ErrorKind, Mode, Options};

#[test]
fn errors_equal_cpythons() {
    let thread = std::thread::Builder::new().stack_size(64 << 20);
    thread.spawn(compare).unwrap().join().unwrap();
}

fn compare() {
    let expected = read(include_str!("errors.txt"));
    let known = read(include_str!("known_differences.txt"));
    let mut differences = BTreeMap::new();
    for ((mode, source), wanted) in &expected {
        let ours = outcome(mode, source);
        if &ours != wanted {
            differences.insert((*mode, *source), ours);
        }
    }
    if std::env::var_os("BLESS").is_some() {
        let text: String =
            differences.iter().map(|((mode, source), ours)| format!("=== {mode}\n{source}\n--> {ours}\n")).collect();
        std::fs::write("tests/known_differences.txt", text).unwrap();
        return;
    }
    for (key, ours) in &differences {
        if known.get(key).copied() != Some(ours.as_str()) {
            panic!("{}\nours:    {ours}\nCPython: {}", key.1, expected[key]);
        }
    }
    assert_eq!(known.len(), differences.len(), "a known difference is gone: BLESS=1");
}

/// From mode and source to the outcome.
fn read(text: &str) -> BTreeMap<(&str, &str), &str> {
    let mut snippets = BTreeMap::new();
    let starts: Vec<usize> = (0..text.len())
        .filter(|&at| text.as_bytes()[at..].starts_with(b"=== "))
        .filter(|&at| at == 0 || text.as_bytes()[at - 1] == b'\n')
        .chain([text.len()])
        .collect();
    for pair in starts.windows(2) {
        let block = text[pair[0] + 4..pair[1]].trim_end_matches('\n');
        let (mode, rest) = block.split_once('\n').unwrap();
        let (source, outcome) = rest.rsplit_once("\n--> ").unwrap();
        snippets.insert((mode, source), outcome);
    }
    snippets
}

fn outcome(mode: &str, source: &str) -> String {
    let mode = match mode {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        _ => Mode::Single,
    };
    match syntax::compile(&format!("{source}\n"), "<test>", mode, Options::default()) {
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            let class = match error.kind {
                ErrorKind::Indentation => "IndentationError",
                ErrorKind::Tab => "TabError",
                ErrorKind::Syntax => "SyntaxError",
                other => panic!("{other:?}: {error}"),
            };
            format!(
                "{class} {}:{}-{}:{} {}",
                error.line,
                error.column,
                error.end_line,
                error.end_column,
                unicode_escape(&error.message)
            )
        }
    }
}

/// As CPython's codec of this name.
fn unicode_escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(c),
            _ if (c as u32) < 0x100 => out.push_str(&format!("\\x{:02x}", c as u32)),
            _ if (c as u32) < 0x10000 => out.push_str(&format!("\\u{:04x}", c as u32)),
            _ => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out
}
