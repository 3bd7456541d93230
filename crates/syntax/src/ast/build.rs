//! Compiling a tree: it becomes the parser's tree again, over a made-up source that has its lines and columns.
//!
//! Requirement: fields have the types of the schema, as whoever reads them from Python objects checks. What the schema
//! does not say (an empty body, a name that is a keyword) is checked here.

use super::{Field, Node, Span};
use crate::code::Code;
use crate::compile::{Mode, Options, compile_tree};
use crate::error::SyntaxError;
use ruff_python_ast::{AtomicNodeIndex, Expr, Identifier, Mod, ModExpression, ModModule, Stmt};
use ruff_source_file::{SourceFile, SourceFileBuilder};
use ruff_text_size::{TextRange, TextSize};
use std::borrow::Borrow;

/// Why a tree could not be compiled.
#[derive(Clone, Debug, PartialEq)]
pub enum TreeError {
    /// A `TypeError` with this message.
    Type(String),
    /// A `ValueError` with this message.
    Value(String),
    Syntax(SyntaxError),
}

pub(super) type Built<T> = Result<T, TreeError>;

/// Compiles a tree whose root is a `Module`, `Expression` or `Interactive`.
pub fn compile_ast(tree: &Node, filename: &str, options: impl Borrow<Options>) -> Result<Code, TreeError> {
    let builder = Builder::new(tree);
    let (module, mode) = builder.module(tree)?;
    let file = builder.into_file(filename);
    compile_tree(module, &file, mode, options.borrow()).map_err(TreeError::Syntax)
}

/// Lines longer and sources larger than this are not imitated: places behind it are cut off.
const MAX_COLUMN: u32 = 1 << 12;
const MAX_LINE: u32 = 1 << 16;

pub(super) struct Builder {
    /// Blanks and line ends, enough for every place in the tree.
    source: String,
    line_starts: Vec<u32>,
}

/// Nodes are not numbered.
#[allow(clippy::declare_interior_mutable_const)]
pub(super) const NO_INDEX: AtomicNodeIndex = AtomicNodeIndex::NONE;

impl Builder {
    fn new(tree: &Node) -> Builder {
        let mut widths = Vec::new();
        measure(tree, &mut widths);
        let mut source = String::new();
        let mut line_starts = Vec::new();
        for width in widths {
            line_starts.push(source.len() as u32);
            source.extend(std::iter::repeat_n(' ', width as usize));
            source.push('\n');
        }
        Builder { source, line_starts }
    }

    fn into_file(self, filename: &str) -> SourceFile {
        SourceFileBuilder::new(filename, self.source).finish()
    }

    fn module(&self, tree: &Node) -> Built<(Mod, Mode)> {
        let range = TextRange::new(TextSize::new(0), TextSize::new(self.source.len() as u32));
        let body = |mode| {
            let body = self.statements(&tree.fields[0])?.into_iter().collect();
            let module = ModModule { node_index: NO_INDEX, range, body, runtime_body: None };
            Ok((Mod::Module(module), mode))
        };
        match tree.class {
            "Module" => body(Mode::Exec),
            "Interactive" => body(Mode::Single),
            "Expression" => {
                let body = self.boxed(&tree.fields[0])?;
                Ok((Mod::Expression(ModExpression { node_index: NO_INDEX, range, body }), Mode::Eval))
            }
            other => Err(TreeError::Type(format!("expected some sort of mod, but got {other}"))),
        }
    }

    pub fn range(&self, node: &Node) -> TextRange {
        let span = node.span.unwrap_or_default();
        let start = self.offset(span.line, span.column);
        TextRange::new(start, self.offset(span.end_line, span.end_column).max(start))
    }

    fn offset(&self, line: u32, column: u32) -> TextSize {
        let line = (line.clamp(1, MAX_LINE) as usize - 1).min(self.line_starts.len() - 1);
        let next = self.line_starts.get(line + 1).copied().unwrap_or(self.source.len() as u32);
        TextSize::new((self.line_starts[line] + column).min(next - 1))
    }

    pub fn boxed(&self, field: &Field) -> Built<Box<Expr>> {
        self.expression(node(field)?).map(Box::new)
    }

    pub fn optional(&self, field: &Field) -> Built<Option<Box<Expr>>> {
        match field {
            Field::None => Ok(None),
            field => self.boxed(field).map(Some),
        }
    }

    pub fn expressions(&self, field: &Field) -> Built<Vec<Expr>> {
        list(field)?.iter().map(|element| self.expression(node(element)?)).collect()
    }

    pub fn statements(&self, field: &Field) -> Built<Vec<Stmt>> {
        list(field)?.iter().map(|element| self.statement(node(element)?)).collect()
    }

    /// As `statements`, of a block that must not be empty.
    pub fn block(&self, owner: &Node, name: &str, field: &Field) -> Built<Vec<Stmt>> {
        let block = self.statements(field)?;
        if block.is_empty() {
            return Err(TreeError::Value(format!("empty {name} on {}", owner.class)));
        }
        Ok(block)
    }

    pub fn identifier(&self, field: &Field, range: TextRange) -> Built<Identifier> {
        let name = text(field)?;
        if matches!(name, "None" | "True" | "False") {
            return Err(TreeError::Value(format!("identifier field can't represent '{name}' constant")));
        }
        Ok(Identifier::new(name, range))
    }

    pub fn optional_identifier(&self, field: &Field, range: TextRange) -> Built<Option<Identifier>> {
        match field {
            Field::None => Ok(None),
            field => self.identifier(field, range).map(Some),
        }
    }

    pub fn identifiers(&self, field: &Field, range: TextRange) -> Built<Vec<Identifier>> {
        list(field)?.iter().map(|name| self.identifier(name, range)).collect()
    }
}

/// How wide each line must be.
fn measure(node: &Node, widths: &mut Vec<u32>) {
    if let Some(Span { line, column, end_line, end_column }) = node.span {
        for (line, column) in [(line, column), (end_line, end_column)] {
            let line = line.clamp(1, MAX_LINE) as usize;
            if widths.len() < line {
                widths.resize(line, 0);
            }
            widths[line - 1] = widths[line - 1].max(column.min(MAX_COLUMN));
        }
    }
    if widths.is_empty() {
        widths.push(0);
    }
    node.fields.iter().for_each(|field| measure_field(field, widths));
}

fn measure_field(field: &Field, widths: &mut Vec<u32>) {
    match field {
        Field::Node(node) => measure(node, widths),
        Field::List(elements) => elements.iter().for_each(|element| measure_field(element, widths)),
        _ => {}
    }
}

pub(super) fn node(field: &Field) -> Built<&Node> {
    match field {
        Field::Node(node) => Ok(node),
        Field::None => Err(TreeError::Value("None disallowed in expression list".to_owned())),
        _ => Err(TreeError::Type("expected some sort of node".to_owned())),
    }
}

pub(super) fn list(field: &Field) -> Built<&[Field]> {
    match field {
        Field::List(elements) => Ok(elements),
        _ => Err(TreeError::Type("expected a list".to_owned())),
    }
}

pub(super) fn text(field: &Field) -> Built<&str> {
    match field {
        Field::Text(text) => Ok(text),
        _ => Err(TreeError::Type("AST identifier must be of type str".to_owned())),
    }
}

pub(super) fn int(field: &Field) -> Built<i64> {
    match field {
        Field::Int(value) => Ok(*value),
        Field::None => Ok(0),
        _ => Err(TreeError::Type("expected an int".to_owned())),
    }
}
