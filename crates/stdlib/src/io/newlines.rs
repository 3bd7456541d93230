//! Line ends: their translation, and `IncrementalNewlineDecoder`.

use crate::vm_ext::VmExt;
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, GetSetDef, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

pub const LF: i64 = 1;
pub const CR: i64 = 2;
pub const CRLF: i64 = 4;

/// The text with "\r\n" and "\r" as "\n" if `translates`, and which line ends it had.
pub fn translate(text: &[u8], translates: bool) -> (Vec<u8>, i64) {
    let mut result = heap::vec_with_capacity(text.len());
    let mut seen = 0;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'\r' if text.get(at + 1) == Some(&b'\n') => {
                seen |= CRLF;
                result.put_all(if translates { b"\n" } else { b"\r\n" });
                at += 1;
            }
            b'\r' => {
                seen |= CR;
                result.put(if translates { b'\n' } else { b'\r' });
            }
            byte => {
                if byte == b'\n' {
                    seen |= LF;
                }
                result.put(byte);
            }
        }
        at += 1;
    }
    (result, seen)
}

/// The attribute `newlines`: None, one str, or a tuple.
pub fn seen_value(vm: &mut Vm, seen: i64) -> Value {
    let mut values = Vec::new();
    for (bit, text) in [(CR, "\r"), (LF, "\n"), (CRLF, "\r\n")] {
        if seen & bit != 0 {
            values.push(vm.intern(text));
        }
    }
    match values.as_slice() {
        [] => vm.none,
        [one] => *one,
        several => vm.new_tuple(several),
    }
}

layout! {
    NewlineDecoder {
        /// A decoder of bytes, or None for text; NULL before `__init__`.
        decoder DECODER: Value;
        translate TRANSLATE: i64;
        seen SEEN: i64;
        /// A carriage return waits for what follows.
        pending PENDING: i64;
    }
}

pub fn make_type(vm: &mut Vm) -> TypeRef {
    let object = vm.types.object;
    vm.new_builtin_type(
        TypeSpec {
            module: "_io",
            flags: flags::BASETYPE,
            slots: Slots { new: Some(|vm, class, _| vm.alloc_instance(class)), init: Some(init), ..Slots::default() },
            methods: METHODS,
            getset: GETTERS,
            ..TypeSpec::of::<NewlineDecoder>("IncrementalNewlineDecoder", Kind::Other)
        },
        object,
    )
}

fn init(vm: &mut Vm, value: Value, args: &CallArgs) -> PyResult<()> {
    let [decoder, translate, _errors] = args.bind(
        vm,
        "IncrementalNewlineDecoder",
        &Signature {
            parameters: ["decoder", "translate", "errors"],
            skip: 0,
            positional_only: 0,
            max_positional: 3,
            required: 2,
        },
    )?;
    let translates = vm.truth(translate)?;
    let object = cast::<NewlineDecoder>(value);
    vm.write(value, &object.decoder, decoder);
    object.translate.set(translates as i64);
    Ok(())
}

/// The object, if `__init__` has run.
fn initialized(vm: &mut Vm, value: Value) -> PyResult<&'static NewlineDecoder> {
    let object = cast::<NewlineDecoder>(value);
    if object.decoder.get().is_null() {
        return Err(vm.value_error("IncrementalNewlineDecoder.__init__() not called"));
    }
    Ok(object)
}

static GETTERS: &[GetSetDef] = &[GetSetDef::read_only("newlines", |vm, value| {
    let seen = initialized(vm, value)?.seen.get();
    Ok(seen_value(vm, seen))
})];

static METHODS: &[MethodDef] = &[
    MethodDef::method("decode", 2, 3, decode).with_keywords(),
    MethodDef::method("reset", 1, 1, |vm, args| {
        let object = initialized(vm, args.values[0])?;
        object.seen.set(0);
        object.pending.set(0);
        let decoder = object.decoder.get();
        if decoder != vm.none {
            vm.call_method(decoder, "reset", &[])?;
        }
        Ok(vm.none)
    }),
    MethodDef::method("getstate", 1, 1, get_state),
    MethodDef::method("setstate", 2, 2, set_state),
];

/// A state as tuples have it: what waits, and flags.
fn state_parts(vm: &mut Vm, state: Value, wrong: &str) -> PyResult<[Value; 2]> {
    match *objects::tuple::items(state) {
        [data, flags] if vm.type_of(flags).slots().index.is_some() => Ok([data, flags]),
        _ => Err(vm.type_error(wrong)),
    }
}

/// The low 64 bits of an int; who saves a state keeps no more flags than that.
fn low_bits(vm: &mut Vm, value: Value) -> PyResult<u64> {
    let index = vm.index_big(value)?;
    let number = vm.as_bigint(index).expect("an int");
    let low = number.iter_u64_digits().next().unwrap_or(0);
    Ok(if number.sign() == num_bigint::Sign::Minus { low.wrapping_neg() } else { low })
}

fn get_state(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let object = initialized(vm, args.values[0])?;
    let (mut data, mut flags) = (vm.empty_bytes, 0);
    if object.decoder.get() != vm.none {
        let state = vm.call_method(object.decoder.get(), "getstate", &[])?;
        if !objects::tuple::is_tuple(vm, state) {
            return Err(vm.type_error("illegal decoder state"));
        }
        let [waiting, number] = state_parts(vm, state, "illegal decoder state")?;
        flags = low_bits(vm, number)?;
        data = waiting;
    }
    let flags = vm.int_from_u64(flags << 1 | object.pending.get() as u64);
    Ok(vm.new_tuple(&[data, flags]))
}

fn set_state(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let object = initialized(vm, args.values[0])?;
    let state = args.values[1];
    if !objects::tuple::is_tuple(vm, state) {
        return Err(vm.type_error("state argument must be a tuple"));
    }
    let [data, flags] = state_parts(vm, state, "setstate(): illegal state argument")?;
    let flags = low_bits(vm, flags)?;
    object.pending.set((flags & 1) as i64);
    if object.decoder.get() != vm.none {
        let flags = vm.int_from_u64(flags >> 1);
        let state = vm.new_tuple(&[data, flags]);
        vm.call_method(object.decoder.get(), "setstate", &[state])?;
    }
    Ok(vm.none)
}

fn decode(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [input, last] = args.bind(
        vm,
        "decode",
        &Signature { parameters: ["input", "final"], skip: 1, positional_only: 0, max_positional: 2, required: 1 },
    )?;
    let last = !last.is_null() && vm.truth(last)?;
    let object = initialized(vm, args.values[0])?;
    let text = if object.decoder.get() == vm.none {
        input
    } else {
        let last = vm.bool(last);
        vm.call_method(object.decoder.get(), "decode", &[input, last])?
    };
    if !vm.is_str(text) {
        let given = vm.type_name(text);
        return Err(vm.type_error(format!("decoder should return a string result, not '{given}'")));
    }
    let mut bytes = Vec::new();
    if object.pending.get() != 0 && (last || !vm.str_bytes(text).is_empty()) {
        bytes.put(b'\r');
        object.pending.set(0);
    }
    bytes.put_all(vm.str_bytes(text));
    if !last && bytes.ends_with(b"\r") {
        bytes.pop();
        object.pending.set(1);
    }
    let (result, seen) = translate(&bytes, object.translate.get() != 0);
    object.seen.set(object.seen.get() | seen);
    Ok(vm.new_str_bytes(&result))
}
