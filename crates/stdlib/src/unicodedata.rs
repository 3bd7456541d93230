//! Module `unicodedata`: the Unicode character database.

use heap::Value;
use objects::args::{GetSetDef, MethodDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::str::wtf8;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;
use rustpython_unicode::{LookupResult, NormalizeForm, Ucd};
use rustpython_wtf8::{CodePoint, Wtf8Buf};
use std::str::FromStr;

pub static MODULE: ModuleDef = ModuleDef {
    name: "unicodedata",
    doc: "This module provides access to the Unicode Character Database which\ndefines character properties for all Unicode characters. The data in\nthis database is based on the UnicodeData.txt file version\nwhich is publicly available from the Unicode consortium.",
    functions: &[],
    init,
};

layout! {
    /// An object with the functions for one version of the database.
    Database {
        unused UNUSED: i64;
    }
}

macro_rules! functions {
    ($table:ident, $modern:literal, $kind:ident, $skip:literal) => {
        static $table: &[MethodDef] = &[
            MethodDef::$kind("name", $skip + 1, $skip + 2, |vm, args| {
                name(vm, &args.values[$skip..], Ucd::new($modern))
            })
            .with_doc("name($self, chr, default=<unrepresentable>, /)\n--\n\nReturns the name assigned to the character chr as a string.\n\nIf no name is defined, default is returned, or, if not given,\nValueError is raised."),
            MethodDef::$kind("lookup", $skip + 1, $skip + 1, |vm, args| {
                lookup(vm, args.values[$skip], Ucd::new($modern))
            })
            .with_doc("lookup($self, name, /)\n--\n\nLook up character by name.\n\nIf a character with the given name is found, return the\ncorresponding character.  If not found, KeyError is raised."),
            MethodDef::$kind("category", $skip + 1, $skip + 1, |vm, args| {
                let c = character(vm, "category", args.values[$skip])?;
                Ok(vm.intern(Ucd::new($modern).category(c)))
            })
            .with_doc("category($self, chr, /)\n--\n\nReturns the general category assigned to the character chr as string."),
            MethodDef::$kind("bidirectional", $skip + 1, $skip + 1, |vm, args| {
                let c = character(vm, "bidirectional", args.values[$skip])?;
                Ok(vm.intern(Ucd::new($modern).bidirectional(c)))
            })
            .with_doc("bidirectional($self, chr, /)\n--\n\nReturns the bidirectional class assigned to the character chr as string.\n\nIf no such value is defined, an empty string is returned."),
            MethodDef::$kind("east_asian_width", $skip + 1, $skip + 1, |vm, args| {
                let c = character(vm, "east_asian_width", args.values[$skip])?;
                Ok(vm.intern(Ucd::new($modern).east_asian_width(c)))
            })
            .with_doc("east_asian_width($self, chr, /)\n--\n\nReturns the east asian width assigned to the character chr as string."),
            MethodDef::$kind("combining", $skip + 1, $skip + 1, |vm, args| {
                let c = character(vm, "combining", args.values[$skip])?;
                Ok(Value::from_int(i64::from(Ucd::new($modern).combining(c))))
            })
            .with_doc("combining($self, chr, /)\n--\n\nReturns the canonical combining class assigned to the character chr as integer.\n\nReturns 0 if no combining class is defined."),
            MethodDef::$kind("mirrored", $skip + 1, $skip + 1, |vm, args| {
                let c = character(vm, "mirrored", args.values[$skip])?;
                Ok(Value::from_int(i64::from(Ucd::new($modern).mirrored(c))))
            })
            .with_doc("mirrored($self, chr, /)\n--\n\nReturns the mirrored property assigned to the character chr as integer.\n\nReturns 1 if the character has been identified as a \"mirrored\"\ncharacter in bidirectional text, 0 otherwise."),
            MethodDef::$kind("decomposition", $skip + 1, $skip + 1, |vm, args| {
                let c = character(vm, "decomposition", args.values[$skip])?;
                Ok(vm.new_str(&Ucd::new($modern).decomposition(c)))
            })
            .with_doc("decomposition($self, chr, /)\n--\n\nReturns the character decomposition mapping assigned to the character chr as string.\n\nAn empty string is returned in case no such mapping is defined."),
            MethodDef::$kind("decimal", $skip + 1, $skip + 2, |vm, args| {
                let c = character(vm, "decimal", args.values[$skip])?;
                let number = Ucd::new($modern).decimal(c).map(|number| Value::from_int(number as i64));
                or_default(vm, number, args.values.get($skip + 1), "not a decimal")
            })
            .with_doc("decimal($self, chr, default=<unrepresentable>, /)\n--\n\nConverts a Unicode character into its equivalent decimal value.\n\nReturns the decimal value assigned to the character chr as integer.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised."),
            MethodDef::$kind("digit", $skip + 1, $skip + 2, |vm, args| {
                let c = character(vm, "digit", args.values[$skip])?;
                let number = Ucd::new($modern).digit(c).map(|number| Value::from_int(number as i64));
                or_default(vm, number, args.values.get($skip + 1), "not a digit")
            })
            .with_doc("digit($self, chr, default=<unrepresentable>, /)\n--\n\nConverts a Unicode character into its equivalent digit value.\n\nReturns the digit value assigned to the character chr as integer.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised."),
            MethodDef::$kind("numeric", $skip + 1, $skip + 2, |vm, args| {
                let c = character(vm, "numeric", args.values[$skip])?;
                let number = Ucd::new($modern).numeric(c).map(|number| vm.float(number));
                or_default(vm, number, args.values.get($skip + 1), "not a numeric character")
            })
            .with_doc("numeric($self, chr, default=<unrepresentable>, /)\n--\n\nConverts a Unicode character into its equivalent numeric value.\n\nReturns the numeric value assigned to the character chr as float.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised."),
            MethodDef::$kind("normalize", $skip + 2, $skip + 2, |vm, args| {
                let (form, text) = form_and_text(vm, "normalize", &args.values[$skip..])?;
                let normalized = rustpython_unicode::normalize(form, &text);
                Ok(vm.new_str_bytes(normalized.as_bytes()))
            })
            .with_doc("normalize($self, form, unistr, /)\n--\n\nReturn the normal form 'form' for the Unicode string unistr.\n\nValid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'."),
            MethodDef::$kind("is_normalized", $skip + 2, $skip + 2, |vm, args| {
                let (form, text) = form_and_text(vm, "is_normalized", &args.values[$skip..])?;
                let normalized = rustpython_unicode::is_normalized(form, &text);
                Ok(vm.bool(normalized))
            })
            .with_doc("is_normalized($self, form, unistr, /)\n--\n\nReturn whether the Unicode string unistr is in the normal form 'form'.\n\nValid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'."),
        ];
    };
}

functions!(MODERN, true, function, 0);
functions!(OLD, false, method, 1);

static OLD_GETSET: &[GetSetDef] = &[GetSetDef::read_only("unidata_version", |vm, _| Ok(vm.intern("3.2.0")))];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    crate::vm_ext::VmExt::add_functions(vm, module, MODERN);
    let version = vm.new_str(&Ucd::new(true).unidata_version());
    vm.module_set(module, "unidata_version", version);
    let spec = TypeSpec {
        module: "unicodedata",
        flags: flags::NO_NEW,
        methods: OLD,
        getset: OLD_GETSET,
        ..TypeSpec::of::<Database>("UCD", Kind::Other)
    };
    let ty: TypeRef = crate::support::add_type(vm, module, spec);
    let old = vm.new_instance(ty);
    cast::<Database>(old).unused.set(0);
    vm.module_set(module, "ucd_3_2_0", old);
    Ok(())
}

fn character(vm: &mut Vm, function: &str, value: Value) -> PyResult<CodePoint> {
    // Functions that also take a default number their arguments.
    let argument = if matches!(function, "name" | "decimal" | "digit" | "numeric") { "argument 1" } else { "argument" };
    if !vm.is_str(value) {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("{function}() {argument} must be a unicode character, not {given}")));
    }
    match objects::str::single_code_point(vm, value) {
        Some(code) => Ok(CodePoint::from_u32(code).expect("a code point of a str")),
        None => {
            let length = wtf8::count(vm.str_bytes(value));
            Err(vm.type_error(format!(
                "{function}(): {argument} must be a unicode character, not a string of length {length}"
            )))
        }
    }
}

fn or_default(vm: &mut Vm, found: Option<Value>, default: Option<&Value>, message: &str) -> PyResult {
    match found.or(default.copied()) {
        Some(value) => Ok(value),
        None => Err(vm.value_error(message)),
    }
}

fn name(vm: &mut Vm, args: &[Value], database: Ucd) -> PyResult {
    let c = character(vm, "name", args[0])?;
    let name = c.to_char().filter(|&c| database.membership(c)).and_then(rustpython_unicode::character_name);
    let name = name.map(|name| vm.new_str(&name));
    or_default(vm, name, args.get(1), "no such name")
}

fn lookup(vm: &mut Vm, name: Value, database: Ucd) -> PyResult {
    if !vm.is_str(name) {
        let given = vm.type_name(name);
        return Err(vm.type_error(format!("lookup() argument must be str, not {given}")));
    }
    let text = vm.text_of(name);
    match database.lookup(&text) {
        Some(LookupResult::Character(c)) => Ok(vm.new_str(c.encode_utf8(&mut [0; 4]))),
        Some(LookupResult::Sequence(sequence)) => Ok(vm.new_str(sequence)),
        None => {
            let message = vm.new_str(&format!("undefined character name '{text}'"));
            Err(vm.key_error(message))
        }
    }
}

fn form_and_text(vm: &mut Vm, function: &str, args: &[Value]) -> PyResult<(NormalizeForm, Wtf8Buf)> {
    for (i, &value) in args.iter().enumerate() {
        if !vm.is_str(value) {
            let given = vm.type_name(value);
            return Err(vm.type_error(format!("{function}() argument {} must be str, not {given}", i + 1)));
        }
    }
    let form = vm.text_of(args[0]);
    let Ok(form) = NormalizeForm::from_str(&form) else { return Err(vm.value_error("invalid normalization form")) };
    // The longest decompositions are some eighteen times as long; the vector doubles.
    heap::ensure_room(vm.str_bytes(args[1]).len().saturating_mul(8));
    let mut text = Wtf8Buf::new();
    for code in wtf8::code_points(vm.str_bytes(args[1])) {
        text.push(CodePoint::from_u32(code).expect("a code point of a str"));
    }
    Ok((form, text))
}
