//! The codecs and error handlers that Python code registers.

use super::errors;
use crate::args::{CallArgs, MethodDef};
use crate::error::{PyResult, Raised};
use crate::str::wtf8;
use crate::vm::Vm;
use heap::Value;
use metatrace::Handle;

/// Made at the first use.
#[derive(Default)]
struct Registry {
    /// A list of search functions.
    searches: Option<Handle>,
    /// A dict from names to what a search function found.
    found: Option<Handle>,
    /// A dict of error handlers by name.
    handlers: Option<Handle>,
    /// Package `encodings`, which registers a search function, was imported.
    started: bool,
}

fn searches(vm: &mut Vm) -> Value {
    if let Some(handle) = vm.extension::<Registry>().searches {
        return vm.handle(handle);
    }
    let list = vm.new_list(&[]);
    let handle = vm.keep(list);
    vm.extension::<Registry>().searches = Some(handle);
    list
}

fn found(vm: &mut Vm) -> Value {
    if let Some(handle) = vm.extension::<Registry>().found {
        return vm.handle(handle);
    }
    let dict = vm.new_dict();
    let handle = vm.keep(dict);
    vm.extension::<Registry>().found = Some(handle);
    dict
}

fn handlers(vm: &mut Vm) -> Value {
    if let Some(handle) = vm.extension::<Registry>().handlers {
        return vm.handle(handle);
    }
    let dict = vm.new_dict();
    let handle = vm.keep(dict);
    vm.extension::<Registry>().handlers = Some(handle);
    dict
}

/// `codecs.register`.
pub fn register(vm: &mut Vm, search: Value) -> PyResult<()> {
    if !vm.is_callable(search) {
        return Err(vm.type_error("argument must be callable"));
    }
    let list = searches(vm);
    vm.list_append(list, search);
    Ok(())
}

/// `codecs.unregister`.
pub fn unregister(vm: &mut Vm, search: Value) {
    let list = searches(vm);
    if let Some(at) = crate::list::items(list).iter().position(|other| *other == search) {
        vm.list_remove(list, at);
        let cache = found(vm);
        vm.dict_clear(cache);
    }
}

/// `codecs.lookup`: a tuple of encoder, decoder, stream reader, stream writer.
pub fn lookup(vm: &mut Vm, encoding: &str) -> PyResult {
    let name = encoding.replace(' ', "-").to_ascii_lowercase();
    let cache = found(vm);
    if let Some(info) = vm.dict_get_str(cache, &name) {
        return Ok(info);
    }
    if !vm.extension::<Registry>().started {
        vm.extension::<Registry>().started = true;
        crate::module::import(vm, "encodings")?;
    }
    let key = vm.new_str(&name);
    let list = searches(vm);
    let mut i = 0;
    while let Some(&search) = crate::list::items(list).get(i) {
        let info = vm.call(search, &[key])?;
        if info != vm.none {
            if !crate::tuple::is_tuple(vm, info) || crate::tuple::items(info).len() != 4 {
                return Err(vm.type_error("codec search functions must return 4-tuples"));
            }
            vm.dict_set(cache, key, info)?;
            return Ok(info);
        }
        i += 1;
    }
    Err(vm.lookup_error(format!("unknown encoding: {encoding}")))
}

/// The same for an encoding of text; `instead` is named otherwise.
pub(super) fn lookup_text(vm: &mut Vm, encoding: &str, instead: &str) -> PyResult {
    let info = lookup(vm, encoding)?;
    if vm.type_of(info) != vm.types.tuple
        && let Some(flag) = vm.getattr_str_opt(info, "_is_text_encoding")?
        && !vm.truth(flag)?
    {
        return Err(
            vm.lookup_error(format!("'{encoding}' is not a text encoding; use {instead} to handle arbitrary codecs"))
        );
    }
    Ok(info)
}

/// Notes on an exception with which codec it came up; `operation` is "encoding" or "decoding".
pub fn noted(vm: &mut Vm, raised: Raised, operation: &str, encoding: &str) -> Raised {
    let note = vm.new_str(&format!("{operation} with '{encoding}' codec failed"));
    match crate::exceptions::add_note(vm, raised.0, note) {
        Ok(_) => raised,
        Err(other) => other,
    }
}

/// What an encoder or decoder gives: a tuple whose first item counts.
fn run(vm: &mut Vm, function: Value, object: Value, encoding: &str, errors: &str, what: &str) -> PyResult {
    let errors = vm.new_str(errors);
    let operation = if what == "encoder" { "encoding" } else { "decoding" };
    let result = vm.call(function, &[object, errors]).map_err(|raised| noted(vm, raised, operation, encoding))?;
    if !crate::tuple::is_tuple(vm, result) || crate::tuple::items(result).len() != 2 {
        return Err(vm.type_error(format!("{what} must return a tuple (object, integer)")));
    }
    Ok(crate::tuple::items(result)[0])
}

pub(super) fn decode_text(vm: &mut Vm, object: Value, encoding: &str, errors: &str) -> PyResult {
    let info = lookup_text(vm, encoding, "codecs.decode()")?;
    let text = run(vm, crate::tuple::items(info)[1], object, encoding, errors, "decoder")?;
    if !vm.is_str(text) {
        let given = vm.type_name(text);
        return Err(vm.type_error(format!(
            "'{encoding}' decoder returned '{given}' instead of 'str'; use codecs.decode() to decode to arbitrary types"
        )));
    }
    Ok(text)
}

pub(super) fn encode_text(vm: &mut Vm, text: Value, encoding: &str, errors: &str) -> PyResult<Vec<u8>> {
    let info = lookup_text(vm, encoding, "codecs.encode()")?;
    let bytes = run(vm, crate::tuple::items(info)[0], text, encoding, errors, "encoder")?;
    match vm.bytes_of(bytes) {
        Some(bytes) => Ok(heap::copied(bytes)),
        None => {
            let given = vm.type_name(bytes);
            Err(vm.type_error(format!(
                "'{encoding}' encoder returned '{given}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types"
            )))
        }
    }
}

/// `codecs.register_error`.
pub fn register_error(vm: &mut Vm, name: &str, handler: Value) -> PyResult<()> {
    if !vm.is_callable(handler) {
        return Err(vm.type_error("handler must be callable"));
    }
    let dict = handlers(vm);
    vm.dict_set_str(dict, name, handler);
    Ok(())
}

/// `codecs.lookup_error`: a function of an exception.
pub fn lookup_error(vm: &mut Vm, name: &str) -> PyResult {
    let dict = handlers(vm);
    if let Some(handler) = vm.dict_get_str(dict, name) {
        return Ok(handler);
    }
    if errors::is_builtin(name)
        && let Some(def) = HANDLERS.iter().find(|def| def.name.strip_suffix("_errors") == Some(name))
    {
        let handler = vm.new_builtin(def, Value::NULL);
        vm.dict_set_str(dict, name, handler);
        return Ok(handler);
    }
    Err(vm.lookup_error(format!("unknown error handler name '{name}'")))
}

static HANDLERS: &[MethodDef] = &[
    MethodDef::function("strict_errors", 1, 1, |vm, args| {
        let exception = args.values[0];
        if vm.exception_matches(exception, vm.exc.base_exception) {
            return Err(vm.raise_instance(exception));
        }
        Err(vm.type_error("codec must pass exception instance"))
    }),
    MethodDef::function("ignore_errors", 1, 1, |vm, args| handle(vm, args, "ignore")),
    MethodDef::function("replace_errors", 1, 1, |vm, args| handle(vm, args, "replace")),
    MethodDef::function("backslashreplace_errors", 1, 1, |vm, args| handle(vm, args, "backslashreplace")),
    MethodDef::function("surrogateescape_errors", 1, 1, |vm, args| handle(vm, args, "surrogateescape")),
    MethodDef::function("surrogatepass_errors", 1, 1, |vm, args| handle(vm, args, "surrogatepass")),
    MethodDef::function("xmlcharrefreplace_errors", 1, 1, |vm, args| handle(vm, args, "xmlcharrefreplace")),
    MethodDef::function("namereplace_errors", 1, 1, |vm, args| handle(vm, args, "namereplace")),
];

/// A built-in handler called with an exception: the replacement and where to go on.
fn handle(vm: &mut Vm, args: &CallArgs, name: &str) -> PyResult {
    let exception = args.values[0];
    let (is_decode, is_encode) = (
        vm.exception_matches(exception, vm.exc.unicode_decode_error),
        vm.exception_matches(exception, vm.exc.unicode_encode_error),
    );
    let object = if is_decode || is_encode { vm.getattr_str(exception, "object")? } else { vm.none };
    if object == vm.none {
        let given = vm.type_name(exception);
        return Err(vm.type_error(format!("don't know how to handle {given} in error callback")));
    }
    let start = vm.getattr_str(exception, "start")?;
    let end = vm.getattr_str(exception, "end")?;
    let (start, end) = (vm.index(start)? as usize, vm.index(end)? as usize);
    let encoding = vm.getattr_str(exception, "encoding")?;
    let encoding = vm.text_of(encoding);
    let mut out = Vec::new();
    if is_decode {
        let bytes = vm.bytes_like(object)?;
        let end = end.min(bytes.len());
        let problem = errors::Undecodable { codec: &encoding, bytes, start: start.min(end), end, reason: "" };
        let next = match errors::decoding(vm, &problem, name, &mut out) {
            Ok(next) => next,
            Err(_) => return Err(vm.raise_instance(exception)),
        };
        let text = vm.new_str_bytes(&out);
        return Ok(vm.new_tuple(&[text, Value::from_int(next as i64)]));
    }
    let text = vm.exact_str(object);
    let codes: Vec<u32> = wtf8::code_points(vm.str_bytes(text)).collect();
    let codec = super::Codec::named(&encoding).unwrap_or(super::Codec::Ascii);
    let end = end.min(codes.len());
    let problem = errors::Unencodable { codec, text, codes: &codes, start: start.min(end), end, reason: "" };
    let (replacement, next) = match errors::encoding(vm, &problem, name) {
        Ok(done) => done,
        Err(_) => return Err(vm.raise_instance(exception)),
    };
    let replacement = match replacement {
        errors::Replacement::Bytes(bytes) if name == "ignore" => vm.new_str_bytes(&bytes),
        errors::Replacement::Bytes(bytes) => vm.new_bytes(&bytes),
        errors::Replacement::Codes(codes) => {
            codes.iter().for_each(|code| wtf8::push(&mut out, *code));
            vm.new_str_bytes(&out)
        }
    };
    Ok(vm.new_tuple(&[replacement, Value::from_int(next as i64)]))
}
