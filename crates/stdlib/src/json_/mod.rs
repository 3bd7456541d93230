//! Module `_json`: the scanner and the encoder behind `json`.

mod encoder;
mod scanner;
mod strings;

use heap::Value;
use objects::args::MethodDef;
use objects::error::{PyResult, Raised};
use objects::module::ModuleDef;
use objects::ty::TypeRef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef { name: "_json", doc: "json speedups\n", functions: FUNCTIONS, init };

#[derive(Default)]
struct State {
    /// Names of the encoding functions: an encoder that uses them needs no calls.
    ascii: Option<metatrace::Handle>,
    plain: Option<metatrace::Handle>,
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("scanstring", 2, 3, scanner::scan_string_function).with_doc("scanstring(string, end, strict=True) -> (string, end)\n\nScan the string s for a JSON string. End is the index of the\ncharacter in s after the quote that started the JSON string.\nUnescapes all valid JSON string escape sequences and raises ValueError\non attempt to decode an invalid string. If strict is False then literal\ncontrol characters are allowed in the string.\n\nReturns a tuple of the decoded string and the index of the character in s\nafter the end quote."),
    MethodDef::function("encode_basestring_ascii", 1, 1, |vm, args| {
        strings::encode_function(vm, "encode_basestring_ascii", args.values[0], true)
    })
    .with_doc("encode_basestring_ascii($self, object, /)\n--\n\nencode_basestring_ascii(string) -> string\n\nReturn an ASCII-only JSON representation of a Python string"),
    MethodDef::function("encode_basestring", 1, 1, |vm, args| {
        strings::encode_function(vm, "encode_basestring", args.values[0], false)
    })
    .with_doc("encode_basestring($self, object, /)\n--\n\nencode_basestring(string) -> string\n\nReturn a JSON representation of a Python string"),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let object = vm.types.object;
    for (name, spec) in [("make_scanner", scanner::spec()), ("make_encoder", encoder::spec())] {
        let class: TypeRef = vm.new_builtin_type(spec, object);
        vm.module_set(module, name, class.value());
    }
    let ascii = vm.getattr_str(module, "encode_basestring_ascii")?;
    let plain = vm.getattr_str(module, "encode_basestring")?;
    let (ascii, plain) = (vm.keep(ascii), vm.keep(plain));
    *vm.extension::<State>() = State { ascii: Some(ascii), plain: Some(plain) };
    Ok(())
}

/// A JSONDecodeError about a character of the text.
fn decode_error(vm: &mut Vm, message: &str, text: Value, character: usize) -> Raised {
    let raise = |vm: &mut Vm| -> PyResult {
        let decoder = interp::import::import_module(vm, "json.decoder")?;
        let class = vm.getattr_str(decoder, "JSONDecodeError")?;
        let message = vm.new_str(message);
        let position = vm.int(character as i64);
        vm.call(class, &[message, text, position])
    };
    match raise(vm) {
        Ok(exception) => vm.raise_instance(exception),
        Err(raised) => raised,
    }
}
