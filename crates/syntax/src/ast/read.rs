//! Parsing source into a tree, and what all parts of that share.

use super::{Field, Node, Span};
use crate::compile::{Mode, Options, compiler_mode, normalize_newlines, with_last_line_end};
use crate::error::{self, SyntaxError};
use ruff_python_ast::{Expr, Mod, Stmt};
use ruff_python_parser::ParseOptions;
use ruff_source_file::{SourceFile, SourceFileBuilder};
use ruff_text_size::{Ranged, TextRange, TextSize};
use rustpython_compiler::{self as compiler, CompileError};
use std::borrow::Borrow;

/// Parses a source into the tree that `ast.parse` gives. Errors are those of `compile`, but for what only compiling
/// finds.
pub fn parse_ast(source: &str, filename: &str, mode: Mode, options: impl Borrow<Options>) -> Result<Node, SyntaxError> {
    if let Some(offset) = source.find('\0') {
        return Err(error::null_byte(source, filename, offset));
    }
    let options = options.borrow();
    let source = with_last_line_end(normalize_newlines(source), mode, options);
    let file = SourceFileBuilder::new(filename, &*source).finish();
    let module = parse(&file, mode, options)
        .map_err(|error| options.judge(error::from_compiler(error, &source, filename, mode)))?;
    Ok(Reader::new(file).module(&module, mode))
}

fn parse(file: &SourceFile, mode: Mode, options: &Options) -> Result<Mod, CompileError> {
    let parser_mode = match mode {
        Mode::Eval => ruff_python_parser::Mode::Expression,
        Mode::Exec | Mode::Single => ruff_python_parser::Mode::Module,
    };
    compiler::pre_parse_source_error(file)?;
    let parsed = ruff_python_parser::parse(file.source_text(), ParseOptions::from(parser_mode))
        .map_err(|error| CompileError::from_ruff_parse_error(error, file, compiler_mode(mode)))?;
    let module = parsed.into_syntax();
    compiler::too_deeply_nested_error(&module, file, options.recursion_limit)?;
    match compiler::unsupported_grammar_error(&module, file) {
        Some(error) => Err(error),
        None => Ok(module),
    }
}

/// Classes of nodes that end with a block.
const COMPOUND: [&str; 13] = [
    "FunctionDef",
    "AsyncFunctionDef",
    "ClassDef",
    "For",
    "AsyncFor",
    "While",
    "If",
    "With",
    "AsyncWith",
    "Match",
    "Try",
    "TryStar",
    "ExceptHandler",
];

/// Turns the parser's tree into ours.
pub(super) struct Reader {
    pub file: SourceFile,
    line_starts: Vec<u32>,
}

impl Reader {
    fn new(file: SourceFile) -> Reader {
        let breaks = file.source_text().match_indices('\n').map(|(at, _)| at as u32 + 1);
        let line_starts = std::iter::once(0).chain(breaks).collect();
        Reader { file, line_starts }
    }

    fn module(&self, module: &Mod, mode: Mode) -> Node {
        match module {
            Mod::Expression(expression) => {
                Node::new("Expression", None, vec![self.expression(&expression.body).into()])
            }
            Mod::Module(module) => {
                let body = self.body(&module.body);
                match mode {
                    Mode::Single => Node::new("Interactive", None, vec![body]),
                    _ => Node::new("Module", None, vec![body, Field::List(Vec::new())]),
                }
            }
        }
    }

    pub fn body(&self, body: &[Stmt]) -> Field {
        Field::List(body.iter().map(|statement| self.statement(statement).into()).collect())
    }

    pub fn expressions<'a>(&self, expressions: impl IntoIterator<Item = &'a Expr>) -> Field {
        Field::List(expressions.into_iter().map(|expression| self.expression(expression).into()).collect())
    }

    pub fn optional(&self, expression: Option<&Expr>) -> Field {
        expression.map_or(Field::None, |expression| self.expression(expression).into())
    }

    pub fn node(&self, class: &'static str, place: &impl Ranged, fields: Vec<Field>) -> Node {
        let mut range = place.range();
        if COMPOUND.contains(&class) {
            range = TextRange::new(range.start(), self.block_end(range.end()));
        }
        Node::new(class, Some(self.span(range)), fields)
    }

    /// A semicolon after the last statement of a block belongs to what the block belongs to.
    fn block_end(&self, end: TextSize) -> TextSize {
        let rest = &self.file.source_text()[end.to_usize()..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\x0c']).len();
        match rest[blank..].starts_with(';') {
            true => end + TextSize::new(blank as u32 + 1),
            false => end,
        }
    }

    pub fn span(&self, range: TextRange) -> Span {
        let (line, column) = self.line_and_column(range.start());
        let (end_line, end_column) = self.line_and_column(range.end());
        Span { line, column, end_line, end_column }
    }

    fn line_and_column(&self, offset: TextSize) -> (u32, u32) {
        let offset = offset.to_u32();
        let line = self.line_starts.partition_point(|&start| start <= offset);
        (line as u32, offset - self.line_starts[line - 1])
    }
}
