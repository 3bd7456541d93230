//! Trees as text, for tests: `Class(field=value, …, @line:column-line:column)`. Strings are hexadecimal, floats are bits.

use super::{Field, Node, schema};
use crate::code::Const;
use std::fmt::{Display, Formatter, Result, Write};

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let fields = schema::class_named(self.class).map_or(&[][..], |class| &class.fields);
        write!(f, "{}(", self.class)?;
        for (index, (field, value)) in fields.iter().zip(&self.fields).enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(f, "{separator}{}={value}", field.name)?;
        }
        if let Some(span) = self.span {
            let separator = if fields.is_empty() { "" } else { ", " };
            write!(f, "{separator}@{}:{}-{}:{}", span.line, span.column, span.end_line, span.end_column)?;
        }
        f.write_char(')')
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Field::None => f.write_str("None"),
            Field::Node(node) => node.fmt(f),
            Field::List(elements) => {
                f.write_char('[')?;
                for (index, element) in elements.iter().enumerate() {
                    let separator = if index > 0 { ", " } else { "" };
                    write!(f, "{separator}{element}")?;
                }
                f.write_char(']')
            }
            Field::Text(text) => write!(f, "'{text}'"),
            Field::Int(value) => value.fmt(f),
            Field::Constant(constant) => write_constant(f, constant),
        }
    }
}

fn write_constant(f: &mut Formatter<'_>, constant: &Const) -> Result {
    match constant {
        Const::None => f.write_str("None"),
        Const::True => f.write_str("True"),
        Const::False => f.write_str("False"),
        Const::Ellipsis => f.write_str("Ellipsis"),
        Const::Int(value) => write!(f, "i{value}"),
        Const::BigInt(value) => write!(f, "i{value}"),
        Const::Float(value) => write!(f, "f{:016x}", value.to_bits()),
        Const::Complex(re, im) => write!(f, "c{:016x}{:016x}", re.to_bits(), im.to_bits()),
        Const::Str(text) => write_hex(f, 's', text.as_bytes()),
        Const::Wtf8(bytes) => write_hex(f, 's', bytes),
        Const::Bytes(bytes) => write_hex(f, 'b', bytes),
        Const::Tuple(_) | Const::FrozenSet(_) | Const::Slice(_) | Const::Code(_) => f.write_char('?'),
    }
}

fn write_hex(f: &mut Formatter<'_>, kind: char, bytes: &[u8]) -> Result {
    f.write_char(kind)?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
