//! `make_scanner`: values from text. Positions are bytes inside, characters for Python.

use super::decode_error;
use heap::{MakeRoom, Value};
use objects::args::CallArgs;
use objects::error::{PyResult, Raised};
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec};
use objects::vm::Vm;

layout! {
    Scanner {
        strict STRICT: i64;
        object_hook OBJECT_HOOK: Value;
        pairs_hook PAIRS_HOOK: Value;
        parse_float PARSE_FLOAT: Value;
        parse_int PARSE_INT: Value;
        parse_constant PARSE_CONSTANT: Value;
    }
}

pub fn spec() -> TypeSpec {
    TypeSpec {
        module: "_json",
        slots: Slots { new: Some(new), call: Some(call), ..Slots::default() },
        doc: "JSON scanner object",
        ..TypeSpec::of::<Scanner>("Scanner", Kind::Other)
    }
}

/// `make_scanner(context)`.
fn new(vm: &mut Vm, class: TypeRef, args: &CallArgs) -> PyResult {
    let [context] = args.bind(vm, "make_scanner", &crate::support::signature(["context"], 1))?;
    let object = vm.new_instance(class);
    let strict = vm.getattr_str(context, "strict")?;
    let strict = vm.truth(strict)?;
    let scanner = cast::<Scanner>(object);
    scanner.strict.set(strict as i64);
    for (name, field) in [
        ("object_hook", &scanner.object_hook),
        ("object_pairs_hook", &scanner.pairs_hook),
        ("parse_float", &scanner.parse_float),
        ("parse_int", &scanner.parse_int),
        ("parse_constant", &scanner.parse_constant),
    ] {
        let value = vm.getattr_str(context, name)?;
        vm.write(object, field, value);
    }
    Ok(object)
}

/// `scan_once(string, idx) -> (value, end)`.
fn call(vm: &mut Vm, object: Value, args: &CallArgs) -> PyResult {
    let [text, index] = args.bind(vm, "scan_once", &crate::support::signature(["string", "idx"], 2))?;
    if !vm.is_str(text) {
        let kind = vm.type_of(text).name();
        return Err(vm.type_error(format!("first argument must be a string, not {kind}")));
    }
    let index = vm.index(index)?;
    if index < 0 {
        return Err(vm.value_error("idx cannot be negative"));
    }
    let mut scan = Scan::new(vm, text, Some(object));
    let Some(at) = scan.byte_of(index as usize) else {
        let index = vm.int(index);
        return Err(vm.raise_args(vm.exc.stop_iteration, &[index]));
    };
    scan.at = at;
    let value = scan.value(vm)?;
    let end = vm.int(scan.character(scan.at) as i64);
    Ok(vm.new_tuple(&[value, end]))
}

/// `scanstring(string, end, strict=True)`.
pub fn scan_string_function(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let text = args.values[0];
    if !vm.is_str(text) {
        let kind = vm.type_of(text).name();
        return Err(vm.type_error(format!("first argument must be a string, not {kind}")));
    }
    let end = vm.index(args.values[1])?;
    let strict = match args.get(2) {
        Some(strict) => vm.truth(strict)?,
        None => true,
    };
    let mut scan = Scan::new(vm, text, None);
    scan.strict = strict;
    let Some(at) = usize::try_from(end).ok().and_then(|end| scan.byte_of(end)) else {
        return Err(vm.value_error("end is out of bounds"));
    };
    scan.at = at;
    let string = scan.string(vm)?;
    let end = vm.int(scan.character(scan.at) as i64);
    Ok(vm.new_tuple(&[string, end]))
}

/// A scan in progress. It lies on the native stack, so the text stays where it is.
struct Scan {
    text: Value,
    bytes: &'static [u8],
    is_ascii: bool,
    at: usize,
    strict: bool,
    /// NULL or a [`Scanner`].
    scanner: Value,
    /// Keys seen: equal ones share one str.
    keys: Value,
}

impl Scan {
    fn new(vm: &mut Vm, text: Value, scanner: Option<Value>) -> Scan {
        let keys = vm.new_dict();
        let bytes = vm.str_bytes(text);
        let strict = scanner.is_none_or(|scanner| cast::<Scanner>(scanner).strict.get() != 0);
        Scan { text, bytes, is_ascii: bytes.is_ascii(), at: 0, strict, scanner: scanner.unwrap_or(Value::NULL), keys }
    }

    /// The byte that a character begins at; the end is a place too.
    fn byte_of(&self, character: usize) -> Option<usize> {
        if self.is_ascii {
            return (character <= self.bytes.len()).then_some(character);
        }
        let starts = self.bytes.iter().enumerate().filter(|(_, byte)| *byte & 0xc0 != 0x80).map(|(at, _)| at);
        starts.chain([self.bytes.len()]).nth(character)
    }

    fn character(&self, byte: usize) -> usize {
        if self.is_ascii {
            return byte;
        }
        self.bytes[..byte].iter().filter(|byte| **byte & 0xc0 != 0x80).count()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn error(&self, vm: &mut Vm, message: &str, byte: usize) -> Raised {
        decode_error(vm, message, self.text, self.character(byte))
    }

    /// There is no value here.
    fn nothing(&self, vm: &mut Vm) -> Raised {
        let at = vm.int(self.character(self.at) as i64);
        vm.raise_args(vm.exc.stop_iteration, &[at])
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, vm: &mut Vm) -> PyResult {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string(vm)
            }
            Some(b'{') => vm.guarded(" while decoding a JSON object from a unicode string", |vm| self.object(vm)),
            Some(b'[') => vm.guarded(" while decoding a JSON array from a unicode string", |vm| self.array(vm)),
            Some(b'n') if self.word("null") => Ok(vm.none),
            Some(b't') if self.word("true") => Ok(vm.true_),
            Some(b'f') if self.word("false") => Ok(vm.false_),
            Some(b'N') if self.word("NaN") => self.constant(vm, "NaN"),
            Some(b'I') if self.word("Infinity") => self.constant(vm, "Infinity"),
            Some(b'-') if self.word("-Infinity") => self.constant(vm, "-Infinity"),
            _ => self.number(vm),
        }
    }

    /// Goes on behind the word if it stands here.
    fn word(&mut self, word: &str) -> bool {
        let is = self.bytes[self.at..].starts_with(word.as_bytes());
        if is {
            self.at += word.len();
        }
        is
    }

    fn constant(&mut self, vm: &mut Vm, name: &str) -> PyResult {
        let name = vm.intern(name);
        let parse = cast::<Scanner>(self.scanner).parse_constant.get();
        vm.call(parse, &[name])
    }

    fn digits(&self, mut at: usize) -> usize {
        while self.bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    }

    fn number(&mut self, vm: &mut Vm) -> PyResult {
        let start = self.at;
        let first = start + usize::from(self.peek() == Some(b'-'));
        let mut end = match self.bytes.get(first) {
            Some(b'0') => first + 1,
            Some(b'1'..=b'9') => self.digits(first),
            _ => return Err(self.nothing(vm)),
        };
        let mut is_float = false;
        if self.bytes.get(end) == Some(&b'.') && self.digits(end + 1) > end + 1 {
            (is_float, end) = (true, self.digits(end + 1));
        }
        if matches!(self.bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = end + 1 + sign;
            if self.digits(exponent) > exponent {
                (is_float, end) = (true, self.digits(exponent));
            }
        }
        self.at = end;
        // Digits and signs are ASCII.
        let literal = std::str::from_utf8(&self.bytes[start..end]).expect("ASCII");
        let scanner = cast::<Scanner>(self.scanner);
        let (parse, own) = if is_float {
            (scanner.parse_float.get(), vm.types.float)
        } else {
            (scanner.parse_int.get(), vm.types.int)
        };
        if parse == own.value() {
            if is_float && let Ok(x) = literal.parse() {
                return Ok(vm.float(x));
            }
            if let Ok(number) = literal.parse::<i64>() {
                return Ok(vm.int(number));
            }
        }
        let literal = vm.new_str(literal);
        vm.call(parse, &[literal])
    }

    /// Behind the opening quote.
    fn string(&mut self, vm: &mut Vm) -> PyResult {
        let begin = self.at.saturating_sub(1);
        let mut decoded: Vec<u8> = Vec::new();
        loop {
            let start = self.at;
            let stop = |byte: &u8| matches!(byte, b'"' | b'\\') || (self.strict && *byte < 0x20);
            let Some(count) = self.bytes[start..].iter().position(stop) else {
                return Err(self.error(vm, "Unterminated string starting at", begin));
            };
            let piece = &self.bytes[start..start + count];
            self.at += count;
            match self.bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    if decoded.is_empty() {
                        return Ok(vm.new_str_bytes(piece));
                    }
                    decoded.put_all(piece);
                    return Ok(vm.new_str_bytes(&decoded));
                }
                b'\\' => {
                    decoded.put_all(piece);
                    self.escape(vm, begin, &mut decoded)?;
                }
                _ => return Err(self.error(vm, "Invalid control character at", self.at)),
            }
        }
    }

    /// At a backslash.
    fn escape(&mut self, vm: &mut Vm, begin: usize, decoded: &mut Vec<u8>) -> PyResult<()> {
        let backslash = self.at;
        let Some(&letter) = self.bytes.get(backslash + 1) else {
            return Err(self.error(vm, "Unterminated string starting at", begin));
        };
        self.at += 2;
        let byte = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let Some(mut code) = self.hex4(self.at) else {
                    return Err(self.error(vm, "Invalid \\uXXXX escape", backslash + 1));
                };
                self.at += 4;
                if (0xd800..0xdc00).contains(&code)
                    && self.bytes[self.at..].starts_with(b"\\u")
                    && let Some(low @ 0xdc00..0xe000) = self.hex4(self.at + 2)
                {
                    code = 0x10000 + ((code & 0x3ff) << 10 | low & 0x3ff);
                    self.at += 6;
                }
                push_code_point(decoded, code);
                return Ok(());
            }
            _ => return Err(self.error(vm, "Invalid \\escape", backslash)),
        };
        decoded.put(byte);
        Ok(())
    }

    /// Four hexadecimal digits.
    fn hex4(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 4)?;
        digits.iter().try_fold(0, |code, digit| Some(code << 4 | (*digit as char).to_digit(16)?))
    }

    fn array(&mut self, vm: &mut Vm) -> PyResult {
        self.at += 1;
        let list = vm.new_list(&[]);
        self.skip_blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(list);
        }
        loop {
            let value = self.value(vm)?;
            vm.list_append(list, value);
            if self.ends(vm, b']', "Illegal trailing comma before end of array")? {
                return Ok(list);
            }
        }
    }

    fn object(&mut self, vm: &mut Vm) -> PyResult {
        self.at += 1;
        let scanner = cast::<Scanner>(self.scanner);
        let (hook, pairs_hook) = (scanner.object_hook.get(), scanner.pairs_hook.get());
        let has_pairs = pairs_hook != vm.none;
        let object = if has_pairs { vm.new_list(&[]) } else { vm.new_dict() };
        self.skip_blanks();
        let mut ended = self.peek() == Some(b'}');
        if ended {
            self.at += 1;
        }
        while !ended {
            if self.peek() != Some(b'"') {
                return Err(self.error(vm, "Expecting property name enclosed in double quotes", self.at));
            }
            self.at += 1;
            let key = self.string(vm)?;
            let key = match vm.dict_get(self.keys, key)? {
                Some(known) => known,
                None => {
                    vm.dict_set(self.keys, key, key)?;
                    key
                }
            };
            self.skip_blanks();
            if self.peek() != Some(b':') {
                return Err(self.error(vm, "Expecting ':' delimiter", self.at));
            }
            self.at += 1;
            self.skip_blanks();
            let value = self.value(vm)?;
            if has_pairs {
                let pair = vm.new_tuple(&[key, value]);
                vm.list_append(object, pair);
            } else {
                vm.dict_set(object, key, value)?;
            }
            ended = self.ends(vm, b'}', "Illegal trailing comma before end of object")?;
        }
        if has_pairs {
            return vm.call(pairs_hook, &[object]);
        }
        if hook != vm.none { vm.call(hook, &[object]) } else { Ok(object) }
    }

    /// Behind a value: at the closing bracket true, behind a comma false.
    fn ends(&mut self, vm: &mut Vm, bracket: u8, trailing_comma: &str) -> PyResult<bool> {
        self.skip_blanks();
        match self.peek() {
            Some(byte) if byte == bracket => {
                self.at += 1;
                return Ok(true);
            }
            Some(b',') => {}
            _ => return Err(self.error(vm, "Expecting ',' delimiter", self.at)),
        }
        let comma = self.at;
        self.at += 1;
        self.skip_blanks();
        if self.peek() == Some(bracket) {
            return Err(self.error(vm, trailing_comma, comma));
        }
        Ok(false)
    }
}

/// A code point as the bytes of a str, lone surrogates included.
fn push_code_point(text: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(character) => text.put_all(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => text.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3f) as u8, 0x80 | (code & 0x3f) as u8]),
    }
}
