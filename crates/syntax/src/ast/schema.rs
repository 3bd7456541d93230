//! The classes of nodes, read from `schema.asdl`.

use std::sync::OnceLock;

/// A class of the `ast` module.
#[derive(Debug)]
pub struct AstClass {
    pub name: &'static str,
    /// `AST`, or the sum type this is an alternative of.
    pub base: &'static str,
    pub fields: Vec<AstField>,
    /// Whether instances have `lineno`, `col_offset`, `end_lineno` and `end_col_offset`.
    pub has_span: bool,
    /// A sum type with alternatives: abstract.
    pub is_sum: bool,
    /// The class's docstring.
    pub doc: &'static str,
}

/// A field of a class.
#[derive(Clone, Copy, Debug)]
pub struct AstField {
    pub name: &'static str,
    pub field_type: FieldType,
    pub quantity: Quantity,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Identifier,
    String,
    Int,
    Constant,
    /// A node of this class or an alternative of it.
    Node(&'static str),
}

/// How many a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    One,
    /// One or None; a field left out is None.
    Optional,
    /// A list; a field left out is an empty one.
    Many,
    /// A list whose elements may be None.
    ManyOptional,
}

/// All classes, bases before what is derived from them.
pub fn ast_classes() -> &'static [AstClass] {
    static CLASSES: OnceLock<Vec<AstClass>> = OnceLock::new();
    CLASSES.get_or_init(|| read_schema(include_str!("schema.asdl")))
}

pub(super) fn class_named(name: &str) -> Option<&'static AstClass> {
    ast_classes().iter().find(|class| class.name == name)
}

/// The sum types and products whose nodes have a place.
const WITH_SPAN: [&str; 8] = ["stmt", "expr", "excepthandler", "arg", "keyword", "alias", "pattern", "type_param"];

fn read_schema(text: &'static str) -> Vec<AstClass> {
    let mut classes = Vec::new();
    for rule in rules(text) {
        let head_end = rule.find([' ', '(']).unwrap_or(rule.len());
        let head = &rule[..head_end];
        let has_span = WITH_SPAN.contains(&head);
        let Some(alternatives) = rule[head_end..].strip_prefix(" = ") else {
            classes.push(class(rule, "AST", has_span));
            continue;
        };
        let sum = AstClass { name: head, base: "AST", fields: Vec::new(), has_span, is_sum: true, doc: rule };
        classes.push(sum);
        for alternative in alternatives.split('|') {
            classes.push(class(alternative.trim(), head, has_span));
        }
    }
    classes
}

/// A rule is a line, and the lines after it that start with a blank.
fn rules(text: &'static str) -> Vec<&'static str> {
    let starts = text
        .char_indices()
        .filter(|&(at, c)| (at == 0 || text.as_bytes()[at - 1] == b'\n') && !c.is_whitespace())
        .map(|(at, _)| at);
    let starts: Vec<usize> = starts.chain([text.len()]).collect();
    starts.windows(2).map(|pair| text[pair[0]..pair[1]].trim_end()).collect()
}

/// `Name(type name, type? name, type* name)`, or a name alone.
fn class(text: &'static str, base: &'static str, has_span: bool) -> AstClass {
    let (name, fields) = text.split_once('(').unwrap_or((text, ""));
    let fields = fields.trim_end_matches(')').split(", ").filter(|field| !field.is_empty()).map(field).collect();
    AstClass { name, base, fields, has_span, is_sum: false, doc: text }
}

fn field(text: &'static str) -> AstField {
    let (type_text, name) = text.split_once(' ').unwrap_or((text, ""));
    let (base, quantity) = match type_text {
        _ if type_text.ends_with("?*") => (&type_text[..type_text.len() - 2], Quantity::ManyOptional),
        _ if type_text.ends_with('*') => (&type_text[..type_text.len() - 1], Quantity::Many),
        _ if type_text.ends_with('?') => (&type_text[..type_text.len() - 1], Quantity::Optional),
        _ => (type_text, Quantity::One),
    };
    let field_type = match base {
        "identifier" => FieldType::Identifier,
        "string" => FieldType::String,
        "int" => FieldType::Int,
        "constant" => FieldType::Constant,
        _ => FieldType::Node(base),
    };
    AstField { name, field_type, quantity }
}
