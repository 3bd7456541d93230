//! `%` on str and bytes: printf-style formatting.

mod directive;
mod number;

use crate::error::{PyResult, Raised};
use crate::str::{ascii_text, wtf8};
use crate::vm::Vm;
use directive::{Directive, Size};
use heap::{MakeRoom, Value};

/// What is formatted: text or bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Str,
    Bytes,
}

pub(crate) fn str_modulo(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    if !vm.is_str(a) {
        return Ok(vm.not_implemented);
    }
    let text = format(vm, Mode::Str, vm.str_bytes(a), b)?;
    Ok(vm.new_str_bytes(&text))
}

pub(crate) fn bytes_modulo(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let Some(template) = vm.bytes_of(a) else { return Ok(vm.not_implemented) };
    let text = format(vm, Mode::Bytes, template, b)?;
    Ok(crate::bytes::methods::like(vm, a, &text))
}

/// The values still to be formatted.
struct Values {
    /// Of the tuple; or one value.
    items: &'static [Value],
    single: Value,
    next: usize,
    count: usize,
    /// What `%(key)` looks into, or NULL.
    mapping: Value,
}

impl Values {
    fn of(vm: &Vm, values: Value) -> Values {
        if crate::tuple::is_tuple(vm, values) {
            let items = crate::tuple::items(values);
            return Values { items, single: Value::NULL, next: 0, count: items.len(), mapping: Value::NULL };
        }
        let is_mapping = vm.type_of(values).slots().getitem.is_some() && !vm.is_str(values);
        let mapping = if is_mapping { values } else { Value::NULL };
        Values { items: &[], single: values, next: 0, count: 1, mapping }
    }

    fn take(&mut self, vm: &mut Vm) -> PyResult {
        if self.next >= self.count {
            return Err(vm.type_error("not enough arguments for format string"));
        }
        self.next += 1;
        Ok(if self.single.is_null() { self.items[self.next - 1] } else { self.single })
    }

    /// The next value is the mapping's.
    fn look_up(&mut self, vm: &mut Vm, mode: Mode, key: &[u8]) -> PyResult<()> {
        if self.mapping.is_null() {
            return Err(vm.type_error("format requires a mapping"));
        }
        let key = if mode == Mode::Str { vm.new_str_bytes(key) } else { vm.new_bytes(key) };
        self.single = vm.getitem(self.mapping, key)?;
        (self.next, self.count) = (0, 1);
        Ok(())
    }
}

fn format(vm: &mut Vm, mode: Mode, template: &[u8], values: Value) -> PyResult<Vec<u8>> {
    let is_bytes = mode == Mode::Bytes && vm.bytes_of(values).is_some();
    let mut values = Values::of(vm, values);
    if is_bytes {
        values.mapping = Value::NULL;
    }
    let mut out = heap::vec_with_capacity(template.len() + 16);
    let mut at = 0;
    while at < template.len() {
        let literal = memchr::memchr(b'%', &template[at..]).unwrap_or(template.len() - at);
        out.put_all(&template[at..at + literal]);
        at += literal;
        if at == template.len() {
            break;
        }
        at += 1;
        if template.get(at) == Some(&b'%') {
            out.put(b'%');
            at += 1;
            continue;
        }
        let directive = match directive::parse(template, &mut at) {
            Ok(directive) => directive,
            Err(message) => return Err(vm.value_error(message)),
        };
        if let Some(key) = directive.key {
            values.look_up(vm, mode, key)?;
        }
        let directive = sized(vm, directive, &mut values)?;
        let known = matches!(
            char::from_u32(directive.code),
            Some('s' | 'r' | 'a' | 'b' | 'c' | 'd' | 'i' | 'u' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G')
        );
        let value = values.take(vm)?;
        if !known || directive.code == 'b' as u32 && mode == Mode::Str {
            return Err(unsupported(vm, mode, template, at, directive.code));
        }
        convert(vm, mode, &directive, value, &mut out)?;
    }
    if values.next < values.count && values.mapping.is_null() {
        let what = if mode == Mode::Str { "string" } else { "bytes" };
        return Err(vm.type_error(format!("not all arguments converted during {what} formatting")));
    }
    Ok(out)
}

/// Takes the values that `*` stands for.
fn sized<'a>(vm: &mut Vm, mut directive: Directive<'a>, values: &mut Values) -> PyResult<Directive<'a>> {
    if directive.width == Size::Value {
        let width = star(vm, values, i64::MAX as u64, "ssize_t")?;
        directive.left |= width < 0;
        directive.width = Size::Given(width.unsigned_abs() as usize);
    }
    if directive.precision == Size::Value {
        directive.precision = Size::Given(star(vm, values, i32::MAX as u64, "int")?.max(0) as usize);
    }
    Ok(directive)
}

fn star(vm: &mut Vm, values: &mut Values, most: u64, c_type: &str) -> PyResult<i64> {
    let value = values.take(vm)?;
    if !vm.is_int(value) {
        return Err(vm.type_error("* wants int"));
    }
    match vm.as_i64(value) {
        Some(size) if size.unsigned_abs() <= most => Ok(size),
        _ => Err(vm.overflow_error(format!("Python int too large to convert to C {c_type}"))),
    }
}

#[cold]
fn unsupported(vm: &mut Vm, mode: Mode, template: &[u8], at: usize, code: u32) -> Raised {
    let shown = if (0x20..0x7f).contains(&code) { code as u8 as char } else { '?' };
    let index = match mode {
        Mode::Str => wtf8::count(&template[..at]) - 1,
        Mode::Bytes => at - 1,
    };
    vm.value_error(format!("unsupported format character '{shown}' (0x{code:x}) at index {index}"))
}

fn convert(vm: &mut Vm, mode: Mode, directive: &Directive, value: Value, out: &mut Vec<u8>) -> PyResult<()> {
    let code = char::from_u32(directive.code).expect("a known code");
    let text: Vec<u8> = match code {
        's' | 'b' if mode == Mode::Bytes => object_bytes(vm, value)?,
        'r' | 'a' if mode == Mode::Bytes => {
            let text = vm.ascii(value)?;
            heap::copied(vm.str_bytes(text))
        }
        's' => {
            let text = vm.str_of(value)?;
            heap::copied(vm.str_bytes(text))
        }
        'r' => {
            let text = vm.repr(value)?;
            heap::copied(vm.str_bytes(text))
        }
        'a' => {
            let text = vm.repr(value)?;
            ascii_text(vm.str_bytes(text))
        }
        'c' => return character(vm, mode, directive, value, out),
        _ => {
            let text = number::text(vm, mode, directive, code, value)?;
            number::push(out, directive, &text);
            return Ok(());
        }
    };
    let text = match directive.precision {
        Size::Given(precision) => truncated(mode, &text, precision),
        _ => &text,
    };
    push_padded(mode, out, directive, text);
    Ok(())
}

fn truncated(mode: Mode, text: &[u8], count: usize) -> &[u8] {
    match mode {
        Mode::Bytes => &text[..count.min(text.len())],
        Mode::Str => match wtf8::indexed(text).nth(count) {
            Some((at, _)) => &text[..at],
            None => text,
        },
    }
}

fn push_padded(mode: Mode, out: &mut Vec<u8>, directive: &Directive, text: &[u8]) {
    let count = if mode == Mode::Str { wtf8::count(text) } else { text.len() };
    let missing = directive.width.or(0).saturating_sub(count);
    if !directive.left {
        wtf8::push_many(out, b' ' as u32, missing);
    }
    out.put_all(text);
    if directive.left {
        wtf8::push_many(out, b' ' as u32, missing);
    }
}

fn object_bytes(vm: &mut Vm, value: Value) -> PyResult<Vec<u8>> {
    if let Some(bytes) = vm.bytes_of(value) {
        return Ok(heap::copied(bytes));
    }
    let name = vm.names.__bytes__;
    if let Some(result) = vm.call_special_opt(value, name, &[]) {
        let result = result?;
        if !vm.is_bytes(result) {
            let given = vm.type_name(result);
            return Err(vm.type_error(format!("__bytes__ returned non-bytes (type {given})")));
        }
        return Ok(heap::copied(vm.bytes(result)));
    }
    if let Some(bytes) = vm.bytes_like_opt(value)? {
        return Ok(heap::copied(bytes));
    }
    let given = vm.type_name(value);
    Err(vm
        .type_error(format!("%b requires a bytes-like object, or an object that implements __bytes__, not '{given}'")))
}

/// `%c`.
fn character(vm: &mut Vm, mode: Mode, directive: &Directive, value: Value, out: &mut Vec<u8>) -> PyResult<()> {
    let mut text = Vec::new();
    if mode == Mode::Bytes {
        let what = "%c requires an integer in range(256) or a single byte";
        match vm.bytes_of(value) {
            Some([byte]) => text.put(*byte),
            Some(bytes) => {
                let (given, count) = (vm.type_name(value), bytes.len());
                return Err(vm.type_error(format!("{what}, not a {given} object of length {count}")));
            }
            None if vm.type_of(value).slots().index.is_some() => {
                let index = vm.index_big(value)?;
                match vm.as_i64(index).and_then(|byte| u8::try_from(byte).ok()) {
                    Some(byte) => text.put(byte),
                    None => return Err(vm.overflow_error("%c arg not in range(256)")),
                }
            }
            None => {
                let given = vm.type_name(value);
                return Err(vm.type_error(format!("{what}, not {given}")));
            }
        }
    } else if vm.is_str(value) {
        let exact = vm.exact_str(value);
        let count = crate::str::length(exact);
        if count != 1 {
            return Err(
                vm.type_error(format!("%c requires an int or a unicode character, not a string of length {count}"))
            );
        }
        text.put_all(vm.str_bytes(value));
    } else if vm.type_of(value).slots().index.is_some() {
        let index = vm.index_big(value)?;
        match vm.as_i64(index).and_then(|code| u32::try_from(code).ok()).filter(|code| *code <= 0x10ffff) {
            Some(code) => wtf8::push(&mut text, code),
            None => return Err(vm.overflow_error("%c arg not in range(0x110000)")),
        }
    } else {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("%c requires an int or a unicode character, not {given}")));
    }
    push_padded(mode, out, directive, &text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error, with_vms};

    fn formatted(vm: &mut Vm, template: &str, values: &[Value]) -> String {
        let (template, values) = (vm.new_str(template), vm.new_tuple(values));
        match str_modulo(vm, template, values) {
            Ok(text) => vm.text_of(text),
            Err(raised) => error(vm, raised),
        }
    }

    #[test]
    fn directives() {
        with_vms(|vm| {
            let (text, half) = (vm.new_str("é"), vm.float(0.5));
            assert_eq!(formatted(vm, "%5s|%-3s|%r", &[text, text, text]), "    é|é  |'é'");
            assert_eq!(
                formatted(vm, "%05d %+.3d %#x", &[Value::from_int(-3), Value::from_int(7), Value::from_int(255)]),
                "-0003 +007 0xff"
            );
            assert_eq!(formatted(vm, "%*.*f%%", &[Value::from_int(6), Value::from_int(2), half]), "  0.50%");
            assert_eq!(formatted(vm, "%d", &[]), "TypeError: not enough arguments for format string");
            assert_eq!(formatted(vm, "a", &[half]), "TypeError: not all arguments converted during string formatting");
            assert_eq!(formatted(vm, "é%z", &[half]), "ValueError: unsupported format character 'z' (0x7a) at index 2");
        });
    }
}
