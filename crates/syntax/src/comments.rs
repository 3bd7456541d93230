//! Comments that the compiler crate takes for code.
//!
//! Some of its checks read the source as text, for what CPython has an error message of its own for, and know strings but no
//! comments: `f(a=1  # one for all` looks to them like a comprehension. A source that parses but does not compile is compiled
//! once more with blanks for its comments, which changes neither lines nor columns.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, ParseOptions, parse};
use ruff_text_size::Ranged;

/// The source without its comments. `None`: it has none, or does not parse.
pub(crate) fn blanked(source: &str) -> Option<String> {
    if !source.contains('#') {
        return None;
    }
    let parsed = parse(source, ParseOptions::from(Mode::Module)).ok()?;
    let mut bytes = source.as_bytes().to_vec();
    let mut any = false;
    for token in parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment) {
        any = true;
        bytes[token.start().to_usize()..token.end().to_usize()].fill(b' ');
    }
    // A comment consists of whole characters.
    any.then(|| String::from_utf8(bytes).expect("blanks are text"))
}
