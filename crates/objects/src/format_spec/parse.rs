//! Reads a format specification.

use crate::error::PyResult;
use crate::str::wtf8;
use crate::vm::Vm;

/// A specification, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub fill: u32,
    /// `<`, `>`, `^` or `=`.
    pub align: u8,
    pub sign: Option<u8>,
    /// `z`: a result of minus zero loses its sign.
    pub no_negative_zero: bool,
    /// `#`.
    pub alternate: bool,
    /// 0 if absent.
    pub width: usize,
    /// `,` or `_`.
    pub grouping: Option<u8>,
    pub precision: Option<usize>,
    /// The same behind the point.
    pub fraction_grouping: Option<u8>,
    pub kind: Option<char>,
}

/// `ty` is for messages; `kind` and `align` hold where the specification has none.
pub(super) fn parse(vm: &mut Vm, spec: &[u8], ty: &str, kind: Option<char>, align: u8) -> PyResult<Spec> {
    let codes: Vec<u32> = wtf8::code_points(spec).collect();
    let at = |i: usize| codes.get(i).and_then(|code| char::from_u32(*code)).unwrap_or('\0');
    let is_align = |c: char| matches!(c, '<' | '>' | '=' | '^');
    let mut parsed = Spec {
        fill: ' ' as u32,
        align,
        sign: None,
        no_negative_zero: false,
        alternate: false,
        width: 0,
        grouping: None,
        precision: None,
        fraction_grouping: None,
        kind,
    };
    let mut i = 0;
    let (mut has_fill, mut has_align) = (false, false);
    if is_align(at(1)) {
        parsed.fill = codes[0];
        parsed.align = at(1) as u8;
        (has_fill, has_align) = (true, true);
        i = 2;
    } else if is_align(at(0)) {
        parsed.align = at(0) as u8;
        has_align = true;
        i = 1;
    }
    if matches!(at(i), '+' | '-' | ' ') {
        parsed.sign = Some(at(i) as u8);
        i += 1;
    }
    if at(i) == 'z' {
        parsed.no_negative_zero = true;
        i += 1;
    }
    if at(i) == '#' {
        parsed.alternate = true;
        i += 1;
    }
    if !has_fill && at(i) == '0' {
        parsed.fill = '0' as u32;
        if !has_align && align == b'>' {
            parsed.align = b'=';
        }
        i += 1;
    }
    parsed.width = digits(vm, &codes, &mut i)?.unwrap_or(0);
    if at(i) == ',' {
        parsed.grouping = Some(b',');
        i += 1;
    }
    if at(i) == '_' {
        if parsed.grouping.is_some() {
            return Err(vm.value_error("Cannot specify both ',' and '_'."));
        }
        parsed.grouping = Some(b'_');
        i += 1;
    }
    if at(i) == ',' && parsed.grouping == Some(b'_') {
        return Err(vm.value_error("Cannot specify both ',' and '_'."));
    }
    if at(i) == '.' {
        i += 1;
        parsed.precision = digits(vm, &codes, &mut i)?;
        if at(i) == ',' {
            parsed.fraction_grouping = Some(b',');
            i += 1;
        }
        if at(i) == '_' {
            if parsed.fraction_grouping.is_some() {
                return Err(vm.value_error("Cannot specify both ',' and '_'."));
            }
            parsed.fraction_grouping = Some(b'_');
            i += 1;
        }
        if at(i) == ',' && parsed.fraction_grouping == Some(b'_') {
            return Err(vm.value_error("Cannot specify both ',' and '_'."));
        }
        if parsed.precision.is_none() && parsed.fraction_grouping.is_none() {
            return Err(vm.value_error("Format specifier missing precision"));
        }
    }
    match codes.len() - i {
        0 => {}
        1 => parsed.kind = Some(at(i)),
        _ => {
            let text = String::from_utf8_lossy(spec);
            return Err(vm.value_error(format!("Invalid format specifier '{text}' for object of type '{ty}'")));
        }
    }
    let in_fraction = parsed.fraction_grouping.filter(|_| parsed.kind == Some('n'));
    if let Some(separator) = parsed.grouping.or(in_fraction) {
        let allowed = match parsed.kind {
            None | Some('d' | 'e' | 'f' | 'g' | 'E' | 'G' | '%' | 'F') => true,
            Some('b' | 'o' | 'x' | 'X') => separator == b'_',
            _ => false,
        };
        if !allowed {
            let kind = parsed.kind.unwrap_or('\0');
            let shown = if kind > ' ' && kind < '\u{80}' { kind.to_string() } else { format!("\\x{:x}", kind as u32) };
            return Err(vm.value_error(format!("Cannot specify '{}' with '{shown}'.", separator as char)));
        }
    }
    Ok(parsed)
}

/// A decimal number.
fn digits(vm: &mut Vm, codes: &[u32], i: &mut usize) -> PyResult<Option<usize>> {
    let (start, mut value) = (*i, 0usize);
    while let Some(digit) = codes.get(*i).and_then(|code| crate::number_text::decimal_value(wtf8::as_char(*code))) {
        value = value * 10 + digit as usize;
        if value > i64::MAX as usize / 10 {
            return Err(vm.value_error("Too many decimal digits in format string"));
        }
        *i += 1;
    }
    Ok((*i > start).then_some(value))
}
