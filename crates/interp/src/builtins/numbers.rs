//! Functions about numbers and characters.

use objects::args::{CallArgs, Intrinsic, MethodDef, Signature};
use objects::error::PyResult;
use objects::vm::Vm;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("abs", 1, 1, |vm, args| vm.absolute(args.values[0])).with_intrinsic(Intrinsic::Abs)
    .with_doc("abs($module, x, /)\n--\n\nReturn the absolute value of the argument."),
    MethodDef::function("bin", 1, 1, |vm, args| in_base(vm, args, "#b"))
    .plain().with_doc("bin($module, number, /)\n--\n\nReturn the binary representation of an integer.\n\n   >>> bin(2796202)\n   '0b1010101010101010101010'"),
    MethodDef::function("chr", 1, 1, chr).leaf()
    .plain().with_doc("chr($module, i, /)\n--\n\nReturn a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff."),
    MethodDef::function("divmod", 2, 2, |vm, args| vm.divmod(args.values[0], args.values[1]))
    .plain().with_doc("divmod($module, x, y, /)\n--\n\nReturn the tuple (x//y, x%y).  Invariant: div*y + mod == x."),
    MethodDef::function("hex", 1, 1, |vm, args| in_base(vm, args, "#x"))
    .plain().with_doc("hex($module, number, /)\n--\n\nReturn the hexadecimal representation of an integer.\n\n   >>> hex(12648430)\n   '0xc0ffee'"),
    MethodDef::function("oct", 1, 1, |vm, args| in_base(vm, args, "#o"))
    .plain().with_doc("oct($module, number, /)\n--\n\nReturn the octal representation of an integer.\n\n   >>> oct(342391)\n   '0o1234567'"),
    MethodDef::function("ord", 1, 1, ord)
    .with_intrinsic(Intrinsic::Ord).plain().with_doc("ord($module, character, /)\n--\n\nReturn the ordinal value of a character.\n\nIf the argument is a one-character string, return the Unicode code\npoint of that character.\n\nIf the argument is a bytes or bytearray object of length 1, return its\nsingle byte value."),
    MethodDef::function("pow", 2, 3, pow).with_keywords()
    .plain().with_doc("pow($module, /, base, exp, mod=None)\n--\n\nEquivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments\n\nSome types, such as ints, are able to use a more efficient algorithm\nwhen invoked using the three argument form."),
    MethodDef::function("round", 1, 2, round).with_keywords()
    .plain().with_doc("round($module, /, number, ndigits=None)\n--\n\nRound a number to a given precision in decimal digits.\n\nThe return value is an integer if ndigits is omitted or None.\nOtherwise the return value has the same type as the number.  ndigits\nmay be negative."),
];

fn in_base(vm: &mut Vm, args: &CallArgs, spec: &str) -> PyResult {
    let number = vm.index_big(args.values[0])?;
    if number.is_int() {
        let (sign, x) = (if number.as_int() < 0 { "-" } else { "" }, number.as_int().unsigned_abs());
        let text = match spec {
            "#b" => format!("{sign}{x:#b}"),
            "#o" => format!("{sign}{x:#o}"),
            _ => format!("{sign}{x:#x}"),
        };
        return Ok(vm.new_str(&text));
    }
    let spec = vm.intern(spec);
    vm.format(number, spec)
}

fn chr(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let code = vm.index(args.values[0])?;
    match u32::try_from(code) {
        Ok(code) if code <= 0x10ffff => Ok(vm.new_str_code_point(code)),
        _ => Err(vm.value_error("chr() arg not in range(0x110000)")),
    }
}

fn ord(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let value = args.values[0];
    let count = if vm.is_str(value) {
        if let Some(code) = objects::str::single_code_point(vm, value) {
            return Ok(vm.int(code as i64));
        }
        vm.len(value)?
    } else if let Some(bytes) = vm.bytes_of(value) {
        if let [byte] = bytes {
            return Ok(vm.int(*byte as i64));
        }
        bytes.len() as i64
    } else {
        let kind = vm.type_of(value).name();
        return Err(vm.type_error(format!("ord() expected string of length 1, but {kind} found")));
    };
    Err(vm.type_error(format!("ord() expected a character, but string of length {count} found")))
}

fn pow(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature =
        Signature { parameters: ["base", "exp", "mod"], skip: 0, positional_only: 0, max_positional: 3, required: 2 };
    let [base, exponent, modulus] = args.bind(vm, "pow", &signature)?;
    let modulus = if modulus.is_null() { vm.none } else { modulus };
    vm.power(base, exponent, modulus)
}

fn round(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature =
        Signature { parameters: ["number", "ndigits"], skip: 0, positional_only: 0, max_positional: 2, required: 1 };
    let [number, digits] = args.bind(vm, "round", &signature)?;
    let name = vm.intern("__round__");
    let Some(method) = vm.special_method(number, name)? else {
        let kind = vm.type_of(number).name();
        return Err(vm.type_error(format!("type {kind} doesn't define __round__ method")));
    };
    if digits.is_null() || digits == vm.none { vm.call(method, &[]) } else { vm.call(method, &[digits]) }
}
