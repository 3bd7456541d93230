//! From the parser's errors to CPython's: wording, place and class.
//!
//! The compiler crate already gives CPython's words for many mistakes. What is left is the parser's own wording; here a
//! table translates it, and where CPython marks another place, the place is found from the tokens and from the tree
//! that the parser recovers. An error without words of its own is "invalid syntax" at its token.

mod escapes;
mod expressions;
mod fstrings;
mod lexical;
mod rules;
mod site;
mod statements;

use crate::error::{ErrorKind, SyntaxError};
use ruff_python_ast::token::TokenKind;
use rustpython_compiler::ParseError;
use site::Site;

/// An error on its way: byte offsets into the source, or a place that is no offset.
struct Diagnosis {
    message: String,
    start: usize,
    end: usize,
    /// CPython's `end_offset` where it is not a place in the source: 0, or -1 after an indentation token.
    end_column: Option<i32>,
    /// The same of `offset`.
    column: Option<i32>,
}

impl Diagnosis {
    fn new(message: impl Into<String>, (start, end): (usize, usize)) -> Diagnosis {
        Diagnosis { message: message.into(), start, end, end_column: None, column: None }
    }
}

/// The error CPython reports where the compiler crate reports `error`.
pub(crate) fn diagnose(error: &ParseError, source: &str, filename: &str, is_eval: bool) -> SyntaxError {
    let site = Site::new(source, is_eval);
    let given = Diagnosis::new(
        error.error.to_string(),
        (
            site.offset_of(error.location.line.get(), error.location.character_offset.get()),
            site.offset_of(error.end_location.line.get(), error.end_location.character_offset.get()),
        ),
    );
    let raw_start = error.raw_location.start().to_usize();
    let given =
        if is_misplaced(&given, error, &site, raw_start) { site.first_parser_error().unwrap_or(given) } else { given };
    let found = rules::translate(given, &site);
    let kind = kind_of(&found.message);
    let (line, column) = site.line_and_column(found.start);
    let (end_line, end_column) = site.end_line_and_column(found.start, found.end);
    SyntaxError {
        kind,
        filename: filename.to_owned(),
        line,
        column: found.column.unwrap_or(column),
        end_line,
        end_column: found.end_column.unwrap_or(end_column),
        text: site.line_text(line, &found.message),
        incomplete: error.is_unclosed_string
            || found.message.ends_with("was never closed") && site.parser_reached_end()
            || found.message == "incomplete input"
            || found.message == "unexpected EOF while parsing"
            || found.message.starts_with("expected an indented block") && found.start >= site.last_line_end()
            || source_ended(source, raw_start),
        message: found.message,
        statement: Some(site.statement_before(found.start)),
    }
}

/// Whether the compiler crate's rescanning found something that CPython would not report here: it looks for known
/// mistakes in the whole source, also far from where the parser stopped.
fn is_misplaced(given: &Diagnosis, error: &ParseError, site: &Site, raw_start: usize) -> bool {
    let Some(own) = site.first_parser_error() else {
        return false;
    };
    if own.message == "Unexpected indentation" && (own.start <= given.start || error.is_unclosed_bracket) {
        // CPython's parser stops at the indentation and looks no further.
        return true;
    }
    if error.is_unclosed_bracket {
        // CPython prefers the error it has unless the last token it has read is on a later line than the bracket.
        let last_read = match site.token_at(own.start) {
            Some(token) if starts_operand(token.kind) => site.token_after(own.start),
            token => token,
        };
        let bracket_line = site.line_and_column(given.start).0;
        return own.start > given.start
            && !own.message.contains("EOF")
            && last_read.is_some_and(|token| {
                token.kind != TokenKind::Newline
                    && token.start < site.text_end()
                    && site.line_and_column(token.start).0 == bracket_line
            });
    }
    let message = given.message.as_str();
    if message.starts_with("named arguments must follow bare *") {
        let next = site.token_after(given.start);
        let last = match next {
            Some(token) if token.kind == TokenKind::Comma => site.token_after(token.start),
            token => token,
        };
        return !last
            .is_some_and(|token| matches!(token.kind, TokenKind::Rpar | TokenKind::DoubleStar | TokenKind::Colon));
    }
    let is_interpolated = message.starts_with("f-string: ") || message.starts_with("t-string: ");
    is_interpolated
        && (!site.on_one_logical_line(given.start, raw_start)
            || site.source[..given.start].trim_end().ends_with('=') && !message.contains("valid"))
        || own.message.starts_with("Bytes literal cannot be mixed")
        || own.message.starts_with("Got unexpected unicode")
        || message.starts_with("'name' is an illegal expression")
        || message.starts_with("cannot assign to ") && starts_line_with_equal(site, raw_start)
}

/// Whether a line starts with `=` there, so that what stands before it is no target.
fn starts_line_with_equal(site: &Site, offset: usize) -> bool {
    site.token_at(offset).is_some_and(|token| {
        token.kind == TokenKind::Equal && site.line_head(offset).is_some_and(|head| head.start == token.start)
    })
}

fn starts_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringStart
    )
}

fn kind_of(message: &str) -> ErrorKind {
    if message.starts_with("inconsistent use of tabs") {
        ErrorKind::Tab
    } else if message.starts_with("unexpected indent")
        || message.starts_with("unindent does not match")
        || message.starts_with("expected an indented block")
        || message.starts_with("unexpected unindent")
        || message.starts_with("too many levels of indentation")
    {
        ErrorKind::Indentation
    } else if message.starts_with("maximum recursion depth") {
        ErrorKind::Recursion
    } else {
        ErrorKind::Syntax
    }
}

/// Whether the parser stood behind the last line that is not blank: it wanted an indented block, or a statement after a
/// decorator. An error at the line end itself is one that no further line mends.
fn source_ended(source: &str, error_offset: usize) -> bool {
    let text_end = source.trim_end().len();
    let line_end = match source[text_end..].find('\n') {
        Some(distance) => text_end + distance + 1,
        None => source.len(),
    };
    error_offset >= line_end && (error_offset > text_end || source.ends_with('\\'))
}
