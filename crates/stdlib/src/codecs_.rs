//! Module `_codecs`: the codec registry and the built-in codecs, one by one.

use crate::support::{is_absent, signature};
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, MethodDef};
use objects::codecs::{Codec, Order, escapes, registry};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::str::wtf8;
use objects::ty::flags;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef { name: "_codecs", doc: "", functions: FUNCTIONS, init: |_, _| Ok(()) };

macro_rules! encoder {
    ($name:literal, $codec:expr) => {
        MethodDef::function($name, 1, 2, |vm, args| encode_with(vm, $name, args, $codec))
            .with_doc(concat!($name, "($module, str, errors=None, /)\n--\n\n"))
    };
    ($name:literal, $codec:expr, with_order) => {
        MethodDef::function($name, 1, 3, |vm, args| {
            let order = match args.get(2) {
                Some(order) => vm.index(order)?,
                None => 0,
            };
            let order = match order {
                ..0 => Order::Little,
                0 => Order::Marked,
                1.. => Order::Big,
            };
            encode_with(vm, $name, args, $codec(order))
        })
        .with_doc(concat!($name, "($module, str, errors=None, byteorder=0, /)\n--\n\n"))
    };
}

macro_rules! decoder {
    ($name:literal, $codec:expr) => {
        MethodDef::function($name, 1, 3, |vm, args| decode_with(vm, $name, args, $codec, false))
            .with_doc(concat!($name, "($module, data, errors=None, final=False, /)\n--\n\n"))
    };
    ($name:literal, $codec:expr, whole) => {
        MethodDef::function($name, 1, 2, |vm, args| decode_with(vm, $name, args, $codec, true))
            .with_doc(concat!($name, "($module, data, errors=None, /)\n--\n\n"))
    };
    ($name:literal, $codec:expr, escapes) => {
        MethodDef::function($name, 1, 3, |vm, args| decode_escapes(vm, $name, args, $codec))
            .with_doc(concat!($name, "($module, data, errors=None, final=True, /)\n--\n\n"))
    };
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("register", 1, 1, |vm, args| {
        registry::register(vm, args.values[0])?;
        Ok(vm.none)
    })
    .with_doc("register($module, search_function, /)\n--\n\nRegister a codec search function.\n\nSearch functions are expected to take one argument, the encoding\nname in all lower case letters, and either return None, or a tuple\nof functions (encoder, decoder, stream_reader, stream_writer) (or\na CodecInfo object)."),
    MethodDef::function("unregister", 1, 1, |vm, args| {
        registry::unregister(vm, args.values[0]);
        Ok(vm.none)
    })
    .with_doc("unregister($module, search_function, /)\n--\n\nUnregister a codec search function and clear the registry's cache.\n\nIf the search function is not registered, do nothing."),
    MethodDef::function("lookup", 1, 1, |vm, args| {
        let encoding = str_argument(vm, "lookup", args.values[0])?;
        registry::lookup(vm, encoding)
    })
    .with_doc("lookup($module, encoding, /)\n--\n\nLooks up a codec tuple in the Python codec registry and returns a CodecInfo object."),
    MethodDef::function("register_error", 2, 2, |vm, args| {
        let name = str_argument(vm, "register_error", args.values[0])?;
        registry::register_error(vm, name, args.values[1])?;
        Ok(vm.none)
    })
    .with_doc("register_error($module, errors, handler, /)\n--\n\nRegister the specified error handler under the name errors.\n\nhandler must be a callable object, that will be called with an exception\ninstance containing information about the location of the\nencoding/decoding error and must return a (replacement, new position)\ntuple."),
    MethodDef::function("lookup_error", 1, 1, |vm, args| {
        let name = str_argument(vm, "lookup_error", args.values[0])?;
        registry::lookup_error(vm, name)
    })
    .with_doc("lookup_error($module, name, /)\n--\n\nlookup_error(errors) -> handler\n\nReturn the error handler for the specified error handling name or raise\na LookupError, if no handler exists under this name."),
    MethodDef::function("encode", 0, 3, |vm, args| by_registry(vm, "encode", args, 0)).with_keywords()
    .with_doc("encode($module, /, obj, encoding='utf-8', errors='strict')\n--\n\nEncodes obj using the codec registered for encoding.\n\nThe default encoding is 'utf-8'.  errors may be given to set a\ndifferent error handling scheme.  Default is 'strict' meaning that\nencoding errors raise a ValueError.  Other possible values are 'ignore',\n'replace' and 'backslashreplace' as well as any other name registered\nwith codecs.register_error that can handle ValueErrors."),
    MethodDef::function("decode", 0, 3, |vm, args| by_registry(vm, "decode", args, 1)).with_keywords()
    .with_doc("decode($module, /, obj, encoding='utf-8', errors='strict')\n--\n\nDecodes obj using the codec registered for encoding.\n\nDefault encoding is 'utf-8'.  errors may be given to set a\ndifferent error handling scheme.  Default is 'strict' meaning that\nencoding errors raise a ValueError.  Other possible values are 'ignore',\n'replace' and 'backslashreplace' as well as any other name registered\nwith codecs.register_error that can handle ValueErrors."),
    encoder!("utf_7_encode", Codec::Utf7),
    decoder!("utf_7_decode", Codec::Utf7),
    encoder!("utf_8_encode", Codec::Utf8),
    decoder!("utf_8_decode", Codec::Utf8),
    encoder!("ascii_encode", Codec::Ascii),
    decoder!("ascii_decode", Codec::Ascii, whole),
    encoder!("latin_1_encode", Codec::Latin1),
    decoder!("latin_1_decode", Codec::Latin1, whole),
    encoder!("utf_16_encode", Codec::Utf16, with_order),
    encoder!("utf_16_le_encode", Codec::Utf16(Order::Little)),
    encoder!("utf_16_be_encode", Codec::Utf16(Order::Big)),
    decoder!("utf_16_decode", Codec::Utf16(Order::Marked)),
    decoder!("utf_16_le_decode", Codec::Utf16(Order::Little)),
    decoder!("utf_16_be_decode", Codec::Utf16(Order::Big)),
    MethodDef::function("utf_16_ex_decode", 1, 4, |vm, args| {
        decode_telling_order(vm, "utf_16_ex_decode", args, Codec::Utf16)
    })
    .with_doc("utf_16_ex_decode($module, data, errors=None, byteorder=0, final=False,\n                 /)\n--\n\n"),
    encoder!("utf_32_encode", Codec::Utf32, with_order),
    encoder!("utf_32_le_encode", Codec::Utf32(Order::Little)),
    encoder!("utf_32_be_encode", Codec::Utf32(Order::Big)),
    decoder!("utf_32_decode", Codec::Utf32(Order::Marked)),
    decoder!("utf_32_le_decode", Codec::Utf32(Order::Little)),
    decoder!("utf_32_be_decode", Codec::Utf32(Order::Big)),
    MethodDef::function("utf_32_ex_decode", 1, 4, |vm, args| {
        decode_telling_order(vm, "utf_32_ex_decode", args, Codec::Utf32)
    })
    .with_doc("utf_32_ex_decode($module, data, errors=None, byteorder=0, final=False,\n                 /)\n--\n\n"),
    encoder!("unicode_escape_encode", Codec::UnicodeEscape),
    decoder!("unicode_escape_decode", Codec::UnicodeEscape, escapes),
    encoder!("raw_unicode_escape_encode", Codec::RawUnicodeEscape),
    decoder!("raw_unicode_escape_decode", Codec::RawUnicodeEscape, escapes),
    MethodDef::function("escape_encode", 1, 2, |vm, args| {
        if !vm.is_bytes(args.values[0]) {
            let given = vm.type_name(args.values[0]);
            return Err(vm.type_error(format!("escape_encode() argument 1 must be bytes, not {given}")));
        }
        let bytes = vm.bytes(args.values[0]);
        let encoded = escapes::escape_encode(bytes);
        let encoded = vm.new_bytes(&encoded);
        Ok(vm.new_tuple(&[encoded, Value::from_int(bytes.len() as i64)]))
    })
    .with_doc("escape_encode($module, data, errors=None, /)\n--\n\n"),
    MethodDef::function("escape_decode", 1, 2, |vm, args| {
        let bytes = bytes_or_text(vm, args.values[0])?;
        let errors = errors_argument(vm, "escape_decode", args.get(1))?;
        let decoded = escapes::escape_decode(vm, bytes, errors)?;
        let decoded = vm.new_bytes(&decoded);
        Ok(vm.new_tuple(&[decoded, Value::from_int(bytes.len() as i64)]))
    })
    .with_doc("escape_decode($module, data, errors=None, /)\n--\n\n"),
    MethodDef::function("readbuffer_encode", 1, 2, |vm, args| {
        let bytes = bytes_or_text(vm, args.values[0])?;
        let copy = vm.new_bytes(bytes);
        Ok(vm.new_tuple(&[copy, Value::from_int(bytes.len() as i64)]))
    })
    .with_doc("readbuffer_encode($module, data, errors=None, /)\n--\n\n"),
    MethodDef::function("charmap_build", 1, 1, charmap_build)
    .with_doc("charmap_build($module, map, /)\n--\n\n"),
    MethodDef::function("charmap_encode", 1, 3, charmap_encode)
    .with_doc("charmap_encode($module, str, errors=None, mapping=None, /)\n--\n\n"),
    MethodDef::function("charmap_decode", 1, 3, charmap_decode)
    .with_doc("charmap_decode($module, data, errors=None, mapping=None, /)\n--\n\n"),
];

fn str_argument(vm: &mut Vm, function: &str, value: Value) -> PyResult<&'static str> {
    if !vm.is_str(value) {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("{function}() argument must be str, not {given}")));
    }
    vm.str(value)
}

fn errors_argument(vm: &mut Vm, function: &str, value: Option<Value>) -> PyResult<&'static str> {
    match value {
        None => Ok("strict"),
        Some(value) if value == vm.none => Ok("strict"),
        Some(value) if vm.is_str(value) => vm.str(value),
        Some(value) => {
            let given = vm.type_name(value);
            Err(vm.type_error(format!("{function}() argument 2 must be str or None, not {given}")))
        }
    }
}

/// The bytes of a buffer, or of a str in UTF-8.
fn bytes_or_text(vm: &mut Vm, value: Value) -> PyResult<&'static [u8]> {
    if vm.is_str(value) { Ok(vm.str(value)?.as_bytes()) } else { vm.bytes_like(value) }
}

fn encode_with(vm: &mut Vm, function: &str, args: &CallArgs, codec: Codec) -> PyResult {
    let text = args.values[0];
    if !vm.is_str(text) {
        let given = vm.type_name(text);
        return Err(vm.type_error(format!("{function}() argument 1 must be str, not {given}")));
    }
    let errors = errors_argument(vm, function, args.get(1))?;
    let encoded = codec.encode(vm, text, errors)?;
    let encoded = vm.new_bytes(&encoded);
    let length = objects::str::length(vm.exact_str(text));
    Ok(vm.new_tuple(&[encoded, Value::from_int(length as i64)]))
}

fn text_and_used(vm: &mut Vm, (text, used): (Value, usize)) -> Value {
    vm.new_tuple(&[text, Value::from_int(used as i64)])
}

fn decode_with(vm: &mut Vm, function: &str, args: &CallArgs, codec: Codec, whole: bool) -> PyResult {
    let bytes = vm.bytes_like(args.values[0])?;
    let errors = errors_argument(vm, function, args.get(1))?;
    let last = match args.get(2) {
        Some(last) => vm.truth(last)?,
        None => whole,
    };
    let decoded = codec.decode(vm, bytes, errors, last)?;
    Ok(text_and_used(vm, decoded))
}

/// Escapes come as text too, and are complete unless it is said otherwise.
fn decode_escapes(vm: &mut Vm, function: &str, args: &CallArgs, codec: Codec) -> PyResult {
    let bytes = bytes_or_text(vm, args.values[0])?;
    let errors = errors_argument(vm, function, args.get(1))?;
    let last = match args.get(2) {
        Some(last) => vm.truth(last)?,
        None => true,
    };
    let decoded = codec.decode(vm, bytes, errors, last)?;
    Ok(text_and_used(vm, decoded))
}

/// Also returns the order of bytes: -1, 0 (not known yet) or 1.
fn decode_telling_order(vm: &mut Vm, function: &str, args: &CallArgs, codec: fn(Order) -> Codec) -> PyResult {
    let bytes = vm.bytes_like(args.values[0])?;
    let errors = errors_argument(vm, function, args.get(1))?;
    let order = match args.get(2) {
        Some(order) => vm.index(order)?.signum(),
        None => 0,
    };
    let last = match args.get(3) {
        Some(last) => vm.truth(last)?,
        None => false,
    };
    let marks: [(&[u8], i64); 2] = match codec(Order::Marked) {
        Codec::Utf16(_) => [(&[0xff, 0xfe], -1), (&[0xfe, 0xff], 1)],
        _ => [(&[0xff, 0xfe, 0, 0], -1), (&[0, 0, 0xfe, 0xff], 1)],
    };
    let found = match order {
        0 => marks.iter().find(|(mark, _)| bytes.starts_with(mark)).map_or(0, |(_, order)| *order),
        order => order,
    };
    let codec = codec(match order {
        ..0 => Order::Little,
        0 => Order::Marked,
        1.. => Order::Big,
    });
    let (text, used) = codec.decode(vm, bytes, errors, last)?;
    Ok(vm.new_tuple(&[text, Value::from_int(used as i64), Value::from_int(found)]))
}

/// `codecs.encode` and `codecs.decode`: item `index` of what the registry has, and of its result the first item.
fn by_registry(vm: &mut Vm, function: &str, args: &CallArgs, index: usize) -> PyResult {
    let [object, encoding, errors] = args.bind(vm, function, &signature(["obj", "encoding", "errors"], 1))?;
    for (name, value) in [("encoding", encoding), ("errors", errors)] {
        if !value.is_null() && !vm.is_str(value) {
            let given = vm.type_name(value);
            return Err(vm.type_error(format!("{function}() argument '{name}' must be str, not {given}")));
        }
    }
    let encoding = if encoding.is_null() { "utf-8" } else { vm.str(encoding)? };
    let entry = registry::lookup(vm, encoding)?;
    let coder = objects::tuple::items(entry)[index];
    let result = if errors.is_null() { vm.call(coder, &[object]) } else { vm.call(coder, &[object, errors]) };
    let operation = if index == 0 { "encoding" } else { "decoding" };
    let result = result.map_err(|raised| registry::noted(vm, raised, operation, encoding))?;
    match if objects::tuple::is_tuple(vm, result) { objects::tuple::items(result) } else { &[] } {
        &[value, _] => Ok(value),
        _ => {
            let what = if index == 0 { "encoder" } else { "decoder" };
            Err(vm.type_error(format!("{what} must return a tuple (object, integer)")))
        }
    }
}

/// From a decoding table, a str of 256 characters, the encoding table: a dict from code points to bytes.
fn charmap_build(vm: &mut Vm, args: &CallArgs) -> PyResult {
    if !vm.is_str(args.values[0]) {
        let given = vm.type_name(args.values[0]);
        return Err(vm.type_error(format!("charmap_build() argument must be str, not {given}")));
    }
    let map = vm.new_dict();
    for (byte, code) in wtf8::code_points(vm.str_bytes(args.values[0])).take(256).enumerate() {
        vm.dict_set(map, Value::from_int(i64::from(code)), Value::from_int(byte as i64))?;
    }
    Ok(map)
}

/// `LookupError` from a mapping means that there is no such entry.
fn look_up(vm: &mut Vm, mapping: Value, code: u32) -> PyResult<Option<Value>> {
    let key = Value::from_int(i64::from(code));
    let found = if vm.type_of(mapping).has(flags::DICT) {
        vm.dict_get(mapping, key)
    } else {
        vm.getitem(mapping, key).map(Some)
    };
    match found {
        Ok(found) => Ok(found.filter(|&found| found != vm.none)),
        Err(raised) if vm.exception_matches(raised.0, vm.exc.lookup_error) => Ok(None),
        Err(raised) => Err(raised),
    }
}

fn charmap_encode(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let text = args.values[0];
    let errors = errors_argument(vm, "charmap_encode", args.get(1))?;
    let mapping = args.get(2).unwrap_or(Value::NULL);
    if is_absent(vm, mapping) {
        return encode_with(
            vm,
            "latin_1_encode",
            &CallArgs::positional(&args.values[..args.values.len().min(2)]),
            Codec::Latin1,
        );
    }
    if !vm.is_str(text) {
        let given = vm.type_name(text);
        return Err(vm.type_error(format!("charmap_encode() argument 1 must be str, not {given}")));
    }
    let codes: Vec<u32> = wtf8::code_points(vm.str_bytes(text)).collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < codes.len() {
        if encode_code(vm, mapping, codes[at], &mut out)? {
            at += 1;
            continue;
        }
        // All that follow and have no byte either go to the handler together.
        let mut end = at + 1;
        while end < codes.len() && look_up(vm, mapping, codes[end])?.is_none() {
            end += 1;
        }
        if errors == "ignore" {
            at = end;
            continue;
        }
        let raised = vm.unicode_encode_error("charmap", text, at, end, "character maps to <undefined>");
        if errors == "strict" {
            return Err(raised);
        }
        let handler = registry::lookup_error(vm, errors)?;
        let result = vm.call(handler, &[raised.0])?;
        let (replacement, position) = handled(vm, "encoding", result, codes.len())?;
        if let Some(bytes) = vm.bytes_of(replacement) {
            out.put_all(bytes);
        } else {
            for code in wtf8::code_points(vm.str_bytes(replacement)) {
                if !encode_code(vm, mapping, code, &mut out)? {
                    return Err(raised);
                }
            }
        }
        at = position;
    }
    let encoded = vm.new_bytes(&out);
    Ok(vm.new_tuple(&[encoded, Value::from_int(codes.len() as i64)]))
}

/// Appends the bytes of a code point; false if there are none.
fn encode_code(vm: &mut Vm, mapping: Value, code: u32, out: &mut Vec<u8>) -> PyResult<bool> {
    let Some(found) = look_up(vm, mapping, code)? else { return Ok(false) };
    if vm.is_int(found) {
        let Ok(byte) = u8::try_from(vm.index(found)?) else {
            return Err(vm.type_error("character mapping must be in range(256)"));
        };
        out.put(byte);
    } else if let Some(bytes) = vm.bytes_of(found) {
        out.put_all(bytes);
    } else {
        let given = vm.type_name(found);
        return Err(vm.type_error(format!("character mapping must return integer, bytes or None, not {given}")));
    }
    Ok(true)
}

/// What an error handler returned: the replacement and where to go on.
fn handled(vm: &mut Vm, what: &str, result: Value, len: usize) -> PyResult<(Value, usize)> {
    let items = if objects::tuple::is_tuple(vm, result) { objects::tuple::items(result) } else { &[] };
    let (replacement, position) = match *items {
        [replacement, position] if vm.is_str(replacement) || vm.bytes_of(replacement).is_some() => {
            (replacement, position)
        }
        _ => {
            let expected = if what == "encoding" { "(str/bytes, int)" } else { "(str, int)" };
            return Err(vm.type_error(format!("{what} error handler must return {expected} tuple")));
        }
    };
    let given = vm.index(position)?;
    let position = if given < 0 { given + len as i64 } else { given };
    match usize::try_from(position) {
        Ok(position) if position <= len => Ok((replacement, position)),
        _ => Err(vm.index_error(format!("position {given} from error handler out of bounds"))),
    }
}

fn charmap_decode(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let bytes = vm.bytes_like(args.values[0])?;
    let errors = errors_argument(vm, "charmap_decode", args.get(1))?;
    let mapping = args.get(2).unwrap_or(Value::NULL);
    if is_absent(vm, mapping) {
        let decoded = Codec::Latin1.decode(vm, bytes, errors, true)?;
        return Ok(text_and_used(vm, decoded));
    }
    let table: Option<Vec<u32>> = vm.is_str(mapping).then(|| wtf8::code_points(vm.str_bytes(mapping)).collect());
    let mut out = heap::vec_with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let known = match &table {
            // U+FFFE marks bytes without a meaning.
            Some(table) => match table.get(byte as usize) {
                Some(&code) if code != 0xfffe => {
                    wtf8::push(&mut out, code);
                    true
                }
                _ => false,
            },
            None => decode_byte(vm, mapping, byte, &mut out)?,
        };
        if known || errors == "ignore" {
            at += 1;
            continue;
        }
        let object = vm.new_bytes(bytes);
        let raised = vm.unicode_decode_error("charmap", object, at, at + 1, "character maps to <undefined>");
        if errors == "strict" {
            return Err(raised);
        }
        let handler = registry::lookup_error(vm, errors)?;
        let result = vm.call(handler, &[raised.0])?;
        let (replacement, position) = handled(vm, "decoding", result, bytes.len())?;
        out.put_all(vm.str_bytes(replacement));
        at = position;
    }
    let text = vm.new_str_bytes(&out);
    Ok(text_and_used(vm, (text, bytes.len())))
}

/// Appends the text of a byte; false if there is none.
fn decode_byte(vm: &mut Vm, mapping: Value, byte: u8, out: &mut Vec<u8>) -> PyResult<bool> {
    let Some(found) = look_up(vm, mapping, u32::from(byte))? else { return Ok(false) };
    if vm.is_int(found) {
        match vm.index(found)? {
            0xfffe => return Ok(false),
            code @ 0..=0x10ffff => wtf8::push(out, code as u32),
            _ => return Err(vm.type_error("character mapping must be in range(0x110000)")),
        }
    } else if vm.is_str(found) {
        let text = vm.str_bytes(found);
        if text == "\u{fffe}".as_bytes() {
            return Ok(false);
        }
        out.put_all(text);
    } else {
        return Err(vm.type_error("character mapping must return integer, None or str"));
    }
    Ok(true)
}
