//! String literals, f-strings and t-strings.
//!
//! The parts of an f-string, and of literals written next to it, become one list: neighbouring literal parts are one
//! `Constant`, a replacement field is a `FormattedValue` (an `Interpolation` in a t-string).

use super::read::Reader;
use super::{Field, Node};
use crate::code::Const;
use ruff_python_ast::{
    AnyStringFlags, ConversionFlag, ExprFString, ExprStringLiteral, ExprTString, FStringPart, InterpolatedElement,
    InterpolatedStringElement,
};
use ruff_text_size::{Ranged, TextRange, TextSize};
use rustpython_codegen::{
    interpolated_string_literal_value, interpolation_debug_text, string_literal_part_value, string_literal_value,
};

/// `None`, `str()`, `repr()` or `ascii()` before formatting, as `FormattedValue.conversion` says it.
const NO_CONVERSION: i64 = -1;

/// The parts read so far.
struct Parts {
    nodes: Vec<Node>,
    /// Literal text that is not a node yet, in WTF-8, and where it stands.
    pending: Option<(Vec<u8>, TextRange)>,
    is_template: bool,
}

impl Reader {
    pub fn string(&self, literal: &ExprStringLiteral) -> Node {
        let value = wtf8(string_literal_value(&self.file, &literal.value).into_bytes());
        let kind = if literal.value.is_unicode() { "u".into() } else { Field::None };
        self.node("Constant", literal, vec![Field::Constant(value), kind])
    }

    pub fn f_string(&self, string: &ExprFString) -> Node {
        let mut parts = Parts { nodes: Vec::new(), pending: None, is_template: false };
        for part in string.value.as_slice() {
            match part {
                FStringPart::Literal(literal) => {
                    let text = string_literal_part_value(&self.file, literal).into_bytes();
                    self.add_text(&mut parts, text, literal.range);
                }
                FStringPart::FString(inner) => self.add_elements(&mut parts, &inner.elements, inner.flags.into()),
            }
        }
        self.flush(&mut parts);
        self.node("JoinedStr", string, vec![parts.nodes.into()])
    }

    pub fn t_string(&self, string: &ExprTString) -> Node {
        let mut parts = Parts { nodes: Vec::new(), pending: None, is_template: true };
        for inner in string.value.as_slice() {
            self.add_elements(&mut parts, &inner.elements, inner.flags.into());
        }
        self.flush(&mut parts);
        self.node("TemplateStr", string, vec![parts.nodes.into()])
    }

    fn add_elements<'a>(
        &self,
        parts: &mut Parts,
        elements: impl IntoIterator<Item = &'a InterpolatedStringElement>,
        flags: AnyStringFlags,
    ) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    let text = interpolated_string_literal_value(&self.file, literal, flags).into_bytes();
                    self.add_text(parts, text, literal.range);
                }
                InterpolatedStringElement::Interpolation(field) => self.add_field(parts, field, flags),
            }
        }
    }

    fn add_text(&self, parts: &mut Parts, text: Vec<u8>, range: TextRange) {
        if text.is_empty() {
            return;
        }
        match &mut parts.pending {
            Some((pending, place)) => {
                pending.extend(text);
                *place = place.cover(range);
            }
            None => parts.pending = Some((text, range)),
        }
    }

    fn flush(&self, parts: &mut Parts) {
        if let Some((text, range)) = parts.pending.take() {
            parts.nodes.push(self.constant(&range, wtf8(text)));
        }
    }

    fn add_field(&self, parts: &mut Parts, field: &InterpolatedElement, flags: AnyStringFlags) {
        if let Some(debug) = &field.debug_text {
            let (text, range) = interpolation_debug_text(&self.file, debug, field.expression.range());
            self.add_text(parts, text.into_bytes(), range);
        }
        self.flush(parts);
        let format_spec = field.format_spec.as_ref().map(|spec| {
            let mut inner = Parts { nodes: Vec::new(), pending: None, is_template: false };
            self.add_elements(&mut inner, &spec.elements, flags);
            self.flush(&mut inner);
            let start = spec.range.start() - TextSize::new(1);
            self.node("JoinedStr", &TextRange::new(start, spec.range.end()), vec![inner.nodes.into()])
        });
        let conversion = match field.conversion {
            ConversionFlag::None if field.debug_text.is_some() && format_spec.is_none() => i64::from(b'r'),
            ConversionFlag::None => NO_CONVERSION,
            ConversionFlag::Str => i64::from(b's'),
            ConversionFlag::Ascii => i64::from(b'a'),
            ConversionFlag::Repr => i64::from(b'r'),
        };
        let value = Field::from(self.expression(&field.expression));
        let node = if parts.is_template {
            let text = self.field_text(field);
            let fields =
                vec![value, Field::Constant(Const::Str(text.into())), Field::Int(conversion), format_spec.into()];
            self.node("Interpolation", field, fields)
        } else {
            self.node("FormattedValue", field, vec![value, Field::Int(conversion), format_spec.into()])
        };
        parts.nodes.push(node);
    }

    /// What stands between the brace and the conversion, format or closing brace, comments taken out.
    fn field_text(&self, field: &InterpolatedElement) -> String {
        let text = &self.source_of(field.range)[1..];
        let place = |offset: TextSize| offset.to_usize() - field.range.start().to_usize() - 1;
        let expression = field.expression.range();
        let before = &text[..place(expression.start())];
        let after = without_comments(&text[place(expression.end())..]);
        let end = after.find(['!', ':', '=', '}']).unwrap_or(after.len());
        let inner = &text[place(expression.start())..place(expression.end())];
        [&without_comments(before), inner, &after[..end]].concat()
    }
}

/// `text` is no expression: a `#` in it starts a comment, up to the line end.
fn without_comments(text: &str) -> String {
    let without = |line: &str| line.split('#').next().unwrap_or("").to_owned();
    text.split('\n').map(without).collect::<Vec<_>>().join("\n")
}

fn wtf8(bytes: Vec<u8>) -> Const {
    match String::from_utf8(bytes) {
        Ok(text) => Const::Str(text.into()),
        Err(error) => Const::Wtf8(error.into_bytes().into()),
    }
}
