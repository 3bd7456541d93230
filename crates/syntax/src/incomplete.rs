//! Whether what was typed at the prompt is complete: the rule of CPython's `codeop`.

use crate::compile::{Mode, Options, compile};
use crate::error::SyntaxError;

/// What the prompt does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Run it.
    Complete,
    /// Ask for another line.
    Incomplete,
    /// No further line would mend it.
    Invalid(SyntaxError),
}

/// Whether more lines are needed. `source` is the lines typed so far, joined by line ends, without one after the last.
/// A compound statement is complete when an empty line ends it.
pub fn is_incomplete(source: &str) -> bool {
    completeness(source) == Completeness::Incomplete
}

/// As `is_incomplete`, with the error if there is one.
pub fn completeness(source: &str) -> Completeness {
    let blank = |line: &str| line.trim().is_empty() || line.starts_with('#');
    if source.split('\n').all(blank) {
        return Completeness::Complete;
    }
    let options = Options { dont_imply_dedent: true, ..Options::default() };
    // The compiler crate sees no open block in a decorated definition on one line.
    let is_decorated = source.trim_start().starts_with('@') && !source.ends_with('\n');
    let error = match compile(source, "<stdin>", Mode::Single, &options) {
        Ok(_) if is_decorated => return Completeness::Incomplete,
        Ok(_) => return Completeness::Complete,
        Err(error) => error,
    };
    match compile(&format!("{source}\n"), "<stdin>", Mode::Single, &options) {
        Ok(_) => Completeness::Incomplete,
        Err(second) if second.incomplete => Completeness::Incomplete,
        Err(_) => Completeness::Invalid(error),
    }
}
