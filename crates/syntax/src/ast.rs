//! Abstract syntax trees as the `ast` module shows them: nodes of CPython 3.14's classes, as plain data.
//!
//! `schema.asdl` lists the classes; a node's fields stand in the order given there.

mod build;
mod build_expressions;
mod build_statements;
mod display;
mod expressions;
mod patterns;
mod read;
mod schema;
mod statements;
mod strings;

pub use build::{TreeError, compile_ast};
pub use read::parse_ast;
pub use schema::{AstClass, AstField, FieldType, Quantity, ast_classes};

use crate::code::Const;

/// A node: an instance of one of the classes of `ast_classes()`.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub class: &'static str,
    /// In the order of the class's fields.
    pub fields: Vec<Field>,
    /// Of statements, expressions, patterns and other nodes that have a place.
    pub span: Option<Span>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    None,
    Node(Box<Node>),
    List(Vec<Field>),
    /// An identifier or a string.
    Text(Box<str>),
    Int(i64),
    Constant(Const),
}

/// Lines count from 1, columns from 0 in UTF-8 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
}

impl Node {
    pub(crate) fn new(class: &'static str, span: Option<Span>, fields: Vec<Field>) -> Node {
        Node { class, fields, span }
    }

    /// The value of a field by name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        let class = schema::class_named(self.class)?;
        let index = class.fields.iter().position(|field| field.name == name)?;
        self.fields.get(index)
    }
}

impl From<Node> for Field {
    fn from(node: Node) -> Field {
        Field::Node(Box::new(node))
    }
}

impl From<Option<Node>> for Field {
    fn from(node: Option<Node>) -> Field {
        node.map_or(Field::None, Field::from)
    }
}

impl From<Vec<Node>> for Field {
    fn from(nodes: Vec<Node>) -> Field {
        Field::List(nodes.into_iter().map(Field::from).collect())
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Field {
        Field::Text(text.into())
    }
}
