//! Syntax errors and warnings, in CPython's words and columns.

use crate::compile::Mode;
use crate::diagnose::diagnose;
use ruff_source_file::SourceLocation;
use rustpython_codegen::error::CodegenErrorType;
use rustpython_compiler::CompileError;

/// Which class of exception an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    Syntax,
    Indentation,
    Tab,
    /// With `allow_incomplete_input`: more of the source could make it right.
    Incomplete,
    /// Nested too deeply: a `RecursionError`.
    Recursion,
    /// A broken invariant of the compiler: a `SystemError`.
    Internal,
}

/// What `SyntaxError` carries. Lines and columns count from 1, columns in characters; CPython has 0 and -1 in
/// `end_column` where it knows no end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub kind: ErrorKind,
    pub message: String,
    pub filename: String,
    pub line: u32,
    pub column: i32,
    pub end_line: u32,
    pub end_column: i32,
    /// The line, as `text`. Errors found after parsing have none if the source is no file (`<string>`).
    pub text: Option<String>,
    /// The source ended too early: more of it could make it right. With `PyCF_ALLOW_INCOMPLETE_INPUT` this is an
    /// `_IncompleteInputError` with the message "incomplete input".
    pub incomplete: bool,
    /// Of an error of the parser, line and column (from 0) of the last statement before it, or zeros: where a search
    /// for a misspelt keyword starts.
    pub statement: Option<(u32, u32)>,
}

/// A `SyntaxWarning`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxWarning {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    pub message: String,
}

impl SyntaxError {
    pub(crate) fn internal(message: &str, filename: &str) -> SyntaxError {
        SyntaxError {
            kind: ErrorKind::Internal,
            message: message.to_owned(),
            filename: filename.to_owned(),
            line: 0,
            column: 0,
            end_line: 0,
            end_column: 0,
            text: None,
            incomplete: false,
            statement: None,
        }
    }
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}, line {})", self.message, self.filename, self.line)
    }
}

impl std::error::Error for SyntaxError {}

pub(crate) fn null_byte(source: &str, filename: &str, offset: usize) -> SyntaxError {
    let line = source[..offset].matches('\n').count() as u32 + 1;
    SyntaxError {
        line,
        end_line: line,
        kind: ErrorKind::Syntax,
        ..SyntaxError::internal("source code string cannot contain null bytes", filename)
    }
}

pub(crate) fn from_compiler(error: CompileError, source: &str, filename: &str, mode: Mode) -> SyntaxError {
    match error {
        CompileError::Parse(error) => diagnose(&error, source, filename, mode == Mode::Eval),
        CompileError::Codegen(error) => {
            let place = |location: Option<SourceLocation>| {
                location.map_or((0, 0), |location| {
                    let column = location.character_offset.get() as i32;
                    (location.line.get() as u32, column)
                })
            };
            let (line, column) = place(error.location);
            let (end_line, end_column) = place(error.end_location.or(error.location));
            let kind = match error.error {
                CodegenErrorType::RecursionError => ErrorKind::Recursion,
                _ => ErrorKind::Syntax,
            };
            let is_file = !filename.starts_with('<');
            let text = source.split_inclusive('\n').nth((line as usize).wrapping_sub(1)).filter(|_| is_file);
            SyntaxError {
                kind,
                text: text.map(str::to_owned),
                line,
                column,
                end_line,
                end_column,
                ..SyntaxError::internal(&error.to_string(), filename)
            }
        }
    }
}
