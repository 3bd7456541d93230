//! Module `_string`: the format strings of `str.format`, taken apart for `string.Formatter`.

use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::vm::Vm;

pub static MODULE: ModuleDef =
    ModuleDef { name: "_string", doc: "string helper module", functions: FUNCTIONS, init: |_, _| Ok(()) };

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("formatter_parser", 1, 1, parse)
        .with_doc("formatter_parser($self, object, /)\n--\n\nparse the argument as a format string"),
    MethodDef::function("formatter_field_name_split", 1, 1, split_field_name)
        .with_doc("formatter_field_name_split($self, object, /)\n--\n\nsplit the argument as a field name"),
];

fn text_argument(vm: &mut Vm, args: &CallArgs) -> PyResult<&'static [u8]> {
    if !vm.is_str(args.values[0]) {
        let given = vm.type_name(args.values[0]);
        return Err(vm.type_error(format!("expected str, got {given}")));
    }
    Ok(vm.str_bytes(args.values[0]))
}

/// An iterator over tuples of literal text, field name, format spec and conversion.
fn parse(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let text = text_argument(vm, args)?;
    let rows = vm.new_list(&[]);
    let mut at = 0;
    while at < text.len() {
        let mut literal = Vec::new();
        let mut field = None;
        while at < text.len() {
            let byte = text[at];
            at += 1;
            match byte {
                b'{' | b'}' if text.get(at) == Some(&byte) => {
                    literal.push(byte);
                    at += 1;
                    // CPython ends the piece after a doubled brace.
                    break;
                }
                b'}' => return Err(vm.value_error("Single '}' encountered in format string")),
                b'{' if at == text.len() => return Err(vm.value_error("Single '{' encountered in format string")),
                b'{' => {
                    field = Some(parse_field(vm, text, &mut at)?);
                    break;
                }
                _ => literal.push(byte),
            }
        }
        let literal = vm.new_str_bytes(&literal);
        let none = vm.none;
        let row = match field {
            None => [literal, none, none, none],
            Some((name, spec, conversion)) => {
                let name = vm.new_str_bytes(name);
                let spec = vm.new_str_bytes(spec);
                let conversion = if conversion.is_empty() { none } else { vm.new_str_bytes(conversion) };
                [literal, name, spec, conversion]
            }
        };
        let row = vm.new_tuple(&row);
        vm.list_append(rows, row);
    }
    vm.iter(rows)
}

type Field = (&'static [u8], &'static [u8], &'static [u8]);

/// What stands between braces; `at` is behind the opening one, and then behind the closing one.
fn parse_field(vm: &mut Vm, text: &'static [u8], at: &mut usize) -> PyResult<Field> {
    let start = *at;
    let mut bracketed = false;
    let mut end = start;
    while end < text.len() {
        match text[end] {
            b'[' => bracketed = true,
            b']' => bracketed = false,
            b'{' => return Err(vm.value_error("unexpected '{' in field name")),
            b'}' | b':' | b'!' if !bracketed => break,
            _ => {}
        }
        end += 1;
    }
    let name = &text[start..end];
    let mut conversion: &[u8] = &[];
    if text.get(end) == Some(&b'!') {
        end += 1;
        let Some(&first) = text.get(end) else {
            return Err(vm.value_error("end of string while looking for conversion specifier"));
        };
        let width = objects::str::wtf8::width(first);
        conversion = &text[end..end + width];
        end += width;
        match text.get(end) {
            Some(b':' | b'}') => {}
            Some(_) => return Err(vm.value_error("expected ':' after conversion specifier")),
            None => return Err(vm.value_error("unmatched '{' in format spec")),
        }
    }
    match text.get(end) {
        None => Err(vm.value_error("expected '}' before end of string")),
        Some(b'}') => {
            *at = end + 1;
            Ok((name, &[], conversion))
        }
        Some(_) => {
            let start = end + 1;
            let mut depth = 1;
            let mut end = start;
            while end < text.len() {
                match text[end] {
                    b'{' => depth += 1,
                    b'}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    *at = end + 1;
                    return Ok((name, &text[start..end], conversion));
                }
                end += 1;
            }
            Err(vm.value_error("unmatched '{' in format spec"))
        }
    }
}

/// A number if the text is one, else the text.
fn index_or_text(vm: &mut Vm, text: &[u8]) -> PyResult {
    if !text.is_empty() && text.iter().all(u8::is_ascii_digit) {
        let digits = std::str::from_utf8(text).expect("digits are ASCII");
        return match digits.parse() {
            Ok(index) => Ok(vm.int(index)),
            Err(_) => Err(vm.value_error("Too many decimal digits in format string")),
        };
    }
    Ok(vm.new_str_bytes(text))
}

/// The first part of a field name, and an iterator over pairs: whether an attribute is meant, and which.
fn split_field_name(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let text = text_argument(vm, args)?;
    let end = text.iter().position(|byte| matches!(byte, b'.' | b'[')).unwrap_or(text.len());
    let first = index_or_text(vm, &text[..end])?;
    let rest = vm.new_list(&[]);
    let mut at = end;
    while at < text.len() {
        let is_attribute = text[at] == b'.';
        let start = at + 1;
        let (part, next) = match text[at] {
            b'.' => {
                let end =
                    text[start..].iter().position(|byte| matches!(byte, b'.' | b'[')).map_or(text.len(), |i| start + i);
                (&text[start..end], end)
            }
            b'[' => {
                let Some(length) = text[start..].iter().position(|&byte| byte == b']') else {
                    return Err(vm.value_error("Missing ']' in format string"));
                };
                (&text[start..start + length], start + length + 1)
            }
            _ => return Err(vm.value_error("Only '.' or '[' may follow ']' in format field specifier")),
        };
        if part.is_empty() {
            return Err(vm.value_error("Empty attribute in format string"));
        }
        let part = if is_attribute { vm.new_str_bytes(part) } else { index_or_text(vm, part)? };
        let flag = vm.bool(is_attribute);
        let pair = vm.new_tuple(&[flag, part]);
        vm.list_append(rest, pair);
        at = next;
    }
    let rest = vm.iter(rest)?;
    Ok(vm.new_tuple(&[first, rest]))
}
