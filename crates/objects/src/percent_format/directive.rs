//! Reads a directive: `%[(key)][flags][width][.precision][length]code`.

use crate::str::wtf8;

/// A width or precision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Size {
    Absent,
    Given(usize),
    /// `*`: the next value.
    Value,
}

impl Size {
    pub fn or(self, default: usize) -> usize {
        match self {
            Size::Given(size) => size,
            _ => default,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Directive<'a> {
    pub key: Option<&'a [u8]>,
    /// `-`.
    pub left: bool,
    /// `+` or a space; `+` wins.
    pub sign: Option<u8>,
    /// `#`.
    pub alternate: bool,
    /// `0`.
    pub zero: bool,
    pub width: Size,
    pub precision: Size,
    pub code: u32,
}

/// Behind the percent sign.
pub(super) fn parse<'a>(template: &'a [u8], at: &mut usize) -> Result<Directive<'a>, &'static str> {
    let mut directive = Directive {
        key: None,
        left: false,
        sign: None,
        alternate: false,
        zero: false,
        width: Size::Absent,
        precision: Size::Absent,
        code: 0,
    };
    if template.get(*at) == Some(&b'(') {
        *at += 1;
        directive.key = Some(key(template, at)?);
    }
    while let Some(flag @ (b'-' | b'+' | b' ' | b'#' | b'0')) = template.get(*at) {
        match flag {
            b'-' => directive.left = true,
            b'+' => directive.sign = Some(b'+'),
            b' ' => directive.sign = directive.sign.or(Some(b' ')),
            b'#' => directive.alternate = true,
            _ => directive.zero = true,
        }
        *at += 1;
    }
    directive.width = size(template, at, isize::MAX as usize, "width too big")?;
    if template.get(*at) == Some(&b'.') {
        *at += 1;
        directive.precision = match size(template, at, i32::MAX as usize, "precision too big")? {
            Size::Absent => Size::Given(0),
            size => size,
        };
    }
    if matches!(template.get(*at), Some(b'h' | b'l' | b'L')) {
        *at += 1;
    }
    if *at >= template.len() {
        return Err("incomplete format");
    }
    (directive.code, *at) = wtf8::decode_lossy(template, *at);
    Ok(directive)
}

/// Up to the parenthesis that closes; others may nest.
fn key<'a>(template: &'a [u8], at: &mut usize) -> Result<&'a [u8], &'static str> {
    let start = *at;
    let mut open = 1;
    while *at < template.len() {
        match template[*at] {
            b'(' => open += 1,
            b')' => open -= 1,
            _ => {}
        }
        *at += 1;
        if open == 0 {
            return Ok(&template[start..*at - 1]);
        }
    }
    Err("incomplete format key")
}

fn size(template: &[u8], at: &mut usize, most: usize, too_big: &'static str) -> Result<Size, &'static str> {
    if template.get(*at) == Some(&b'*') {
        *at += 1;
        return Ok(Size::Value);
    }
    let mut size = None;
    while let Some(digit @ b'0'..=b'9') = template.get(*at) {
        let value = size.unwrap_or(0usize).checked_mul(10).and_then(|size| size.checked_add((digit - b'0') as usize));
        size = Some(value.filter(|size| *size <= most).ok_or(too_big)?);
        *at += 1;
    }
    Ok(size.map_or(Size::Absent, Size::Given))
}
