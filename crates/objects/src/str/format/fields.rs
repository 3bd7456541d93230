//! Takes format strings apart: literal text, fields, and what a field names.

use crate::str::wtf8;

type Parsed<T> = Result<T, &'static str>;

/// Literal text and the field behind it, if any.
#[derive(Debug)]
pub struct Piece<'a> {
    pub literal: &'a [u8],
    pub field: Option<Field<'a>>,
}

#[derive(Debug)]
pub struct Field<'a> {
    pub name: &'a [u8],
    pub conversion: Option<u32>,
    pub spec: &'a [u8],
    /// The specification has fields of its own.
    pub nested: bool,
}

/// Iterates over the pieces of a format string.
pub struct Pieces<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Pieces<'a> {
    pub fn new(text: &'a [u8]) -> Pieces<'a> {
        Pieces { text, at: 0 }
    }

    fn piece(&mut self) -> Parsed<Piece<'a>> {
        let start = self.at;
        let brace = self.text[start..].iter().position(|byte| matches!(byte, b'{' | b'}'));
        let Some(brace) = brace.map(|at| at + start) else {
            self.at = self.text.len();
            return Ok(Piece { literal: &self.text[start..], field: None });
        };
        let next = self.text.get(brace + 1);
        if next == Some(&self.text[brace]) {
            self.at = brace + 2;
            return Ok(Piece { literal: &self.text[start..=brace], field: None });
        }
        if self.text[brace] == b'}' {
            return Err("Single '}' encountered in format string");
        }
        if next.is_none() {
            return Err("Single '{' encountered in format string");
        }
        self.at = brace + 1;
        let field = self.field()?;
        Ok(Piece { literal: &self.text[start..brace], field: Some(field) })
    }

    /// Behind the opening brace.
    fn field(&mut self) -> Parsed<Field<'a>> {
        let text = self.text;
        let start = self.at;
        let mut end = 0;
        while self.at < text.len() {
            let byte = text[self.at];
            self.at += 1;
            match byte {
                b'{' => return Err("unexpected '{' in field name"),
                b'[' => {
                    self.at += text[self.at..].iter().position(|byte| *byte == b']').unwrap_or(text.len() - self.at)
                }
                b'}' | b':' | b'!' => {
                    end = self.at;
                    break;
                }
                _ => {}
            }
        }
        if end == 0 {
            return Err("expected '}' before end of string");
        }
        let name = &text[start..end - 1];
        let mut conversion = None;
        match text[end - 1] {
            b'}' => return Ok(Field { name, conversion, spec: b"", nested: false }),
            b'!' => {
                if self.at >= text.len() {
                    return Err("end of string while looking for conversion specifier");
                }
                let (code, next) = wtf8::decode(text, self.at);
                conversion = Some(code);
                self.at = next;
                if let Some(&byte) = text.get(self.at) {
                    self.at += 1;
                    match byte {
                        b'}' => return Ok(Field { name, conversion, spec: b"", nested: false }),
                        b':' => {}
                        _ => return Err("expected ':' after conversion specifier"),
                    }
                }
            }
            _ => {}
        }
        let spec_start = self.at;
        let (mut open, mut nested) = (1, false);
        while self.at < text.len() {
            let byte = text[self.at];
            self.at += 1;
            match byte {
                b'{' => {
                    nested = true;
                    open += 1;
                }
                b'}' => {
                    open -= 1;
                    if open == 0 {
                        return Ok(Field { name, conversion, spec: &text[spec_start..self.at - 1], nested });
                    }
                }
                _ => {}
            }
        }
        Err("unmatched '{' in format spec")
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Parsed<Piece<'a>>;

    fn next(&mut self) -> Option<Parsed<Piece<'a>>> {
        if self.at >= self.text.len() {
            return None;
        }
        let piece = self.piece();
        if piece.is_err() {
            self.at = self.text.len();
        }
        Some(piece)
    }
}

/// What a field starts with, and the accessors behind it.
pub struct FieldName<'a> {
    pub first: &'a [u8],
    /// `first` as a number.
    pub index: Option<usize>,
    pub rest: &'a [u8],
}

pub fn parse_field_name(name: &[u8]) -> Parsed<FieldName<'_>> {
    let end = name.iter().position(|byte| matches!(byte, b'.' | b'[')).unwrap_or(name.len());
    let (first, rest) = name.split_at(end);
    Ok(FieldName { first, index: number(first)?, rest })
}

pub enum Accessor<'a> {
    Attribute(&'a [u8]),
    Index(usize),
    Key(&'a [u8]),
}

/// Takes `.name` or `[key]` off the start.
pub fn next_accessor<'a>(rest: &mut &'a [u8]) -> Option<Parsed<Accessor<'a>>> {
    let text = *rest;
    let (&first, text) = text.split_first()?;
    Some(match first {
        b'.' => {
            let end = text.iter().position(|byte| matches!(byte, b'.' | b'[')).unwrap_or(text.len());
            *rest = &text[end..];
            if end == 0 { Err("Empty attribute in format string") } else { Ok(Accessor::Attribute(&text[..end])) }
        }
        b'[' => match text.iter().position(|byte| *byte == b']') {
            None => Err("Missing ']' in format string"),
            Some(0) => Err("Empty attribute in format string"),
            Some(end) => {
                *rest = &text[end + 1..];
                let key = &text[..end];
                number(key).map(|index| index.map_or(Accessor::Key(key), Accessor::Index))
            }
        },
        _ => Err("Only '.' or '[' may follow ']' in format field specifier"),
    })
}

fn number(text: &[u8]) -> Parsed<Option<usize>> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Ok(None);
    }
    let mut value = 0usize;
    for digit in text {
        value = value * 10 + (digit - b'0') as usize;
        if value > (1 << 61) {
            return Err("Too many decimal digits in format string");
        }
    }
    Ok(Some(value))
}
