//! `str`: immutable text in [WTF-8](wtf8), indexed by code point.
//!
//! The number of code points and whether all are ASCII are known from the start. Text that is not ASCII gets a table of
//! byte offsets when it is first indexed far from its ends.

pub mod appended;
pub mod case;
pub mod edges;
pub mod format;
pub mod index;
mod methods;
pub(crate) mod pad;
pub mod predicates;
pub(crate) mod replace;
pub(crate) mod repr;
pub(crate) mod search;
pub mod split;
mod translate;
mod unicode_version;
pub mod wtf8;

pub use index::{byte_offset, code_point_index};
pub use repr::{ascii_text, is_printable, repr_text};

use crate::args::{CallArgs, Signature};
use crate::builtin_layouts::{Str, WrappedInstance};
use crate::error::PyResult;
use crate::layout::{Object, cast};
use crate::shape::{self, Kind};
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use crate::{list::sequence, slice};
use heap::Value;
use metatrace::{Items, Repr};

/// The bits of [`Str::info`] that count code points.
pub const LENGTH_MASK: i64 = (1 << 58) - 1;
/// All code points are ASCII: bytes and code points are the same.
pub const ASCII: i64 = 1 << 62;
/// There is a lone surrogate.
pub const SURROGATES: i64 = 1 << 61;
/// The one str with this text in the table of interned ones.
pub const INTERNED: i64 = 1 << 60;
/// It came out of an addition. No more than a hint: see [`appended`].
const SUM: i64 = 1 << 59;
/// It came out of an addition to one that did, and no buffer was begun from it.
const SUM_OF_SUM: i64 = 1 << 58;

/// The bytes of the text, for handlers.
pub const STR_BYTES: &Items = &Items { name: "Str.text", offset: Str::BYTES as u32, repr: Repr::U8, immutable: true };

pub(crate) fn init(vm: &mut Vm) {
    vm.types.str_ = vm.new_builtin_type(spec(), vm.types.object);
    vm.empty_str = vm.new_immortal_str(b"");
    appended::init(vm);
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::STR | flags::WRAPPED | flags::MATCH_SELF,
        tail: heap::Tail::Bytes,
        slots: Slots {
            new: Some(new),
            repr: Some(repr::repr),
            str: Some(|vm, value| Ok(vm.exact_str(value))),
            hash: Some(hash),
            compare: Some(compare),
            iter: Some(crate::iterators::str_iter),
            len: Some(|vm, value| Ok(appended::info(vm, value) & LENGTH_MASK)),
            getitem: Some(getitem),
            contains: Some(search::contains),
            concat: Some(concat),
            repeat: Some(repeat),
            modulo: Some(crate::percent_format::str_modulo),
            ..Slots::default()
        },
        methods: methods::METHODS,
        doc: "str(object='') -> str\nstr(bytes_or_buffer[, encoding[, errors]]) -> str\n\n\
              Create a new string object from the given object. If encoding or\n\
              errors is specified, then the object must expose a data buffer\n\
              that will be decoded using the given encoding and error handler.\n\
              Otherwise, returns the result of object.__str__() (if defined)\n\
              or repr(object).\nencoding defaults to 'utf-8'.\nerrors defaults to 'strict'.",
        ..TypeSpec::of::<Str>("str", Kind::Str)
    }
}

/// The text of an exact str.
#[inline(always)]
pub fn exact_bytes(text: Value) -> &'static [u8] {
    let len = cast::<Str>(text).bytes.get() as usize;
    // SAFETY: the bytes of a str follow its fixed part and never change; while the slice is on the native stack, the str is
    // alive and stays where it is.
    unsafe { std::slice::from_raw_parts((text.0 as usize + Str::BYTES) as *const u8, len) }
}

/// Code points of an exact str.
#[inline(always)]
pub fn length(text: Value) -> usize {
    (cast::<Str>(text).info.get() & LENGTH_MASK) as usize
}

/// Whether an exact str is all ASCII.
#[inline(always)]
pub fn is_ascii(text: Value) -> bool {
    cast::<Str>(text).info.get() & ASCII != 0
}

#[inline(always)]
pub fn has_surrogates(text: Value) -> bool {
    cast::<Str>(text).info.get() & SURROGATES != 0
}

/// The info word of a text.
pub(crate) fn info_of(text: &[u8]) -> i64 {
    if text.is_ascii() {
        return text.len() as i64 | ASCII;
    }
    let surrogates = if wtf8::first_surrogate(text).is_some() { SURROGATES } else { 0 };
    wtf8::count(text) as i64 | surrogates
}

impl Vm {
    /// A str.
    pub fn new_str(&mut self, text: &str) -> Value {
        self.new_str_bytes(text.as_bytes())
    }

    /// A str of [WTF-8](wtf8).
    #[inline]
    pub fn new_str_bytes(&mut self, text: &[u8]) -> Value {
        self.new_str_measured(text, info_of(text))
    }

    /// The same where the info word is known.
    #[inline]
    pub(crate) fn new_str_measured(&mut self, text: &[u8], info: i64) -> Value {
        match text {
            [] if !self.empty_str.is_null() => return self.empty_str,
            [character] if !self.characters.is_null() => return self.character(*character),
            _ => {}
        }
        let value = self.alloc_str(text.len(), info);
        // SAFETY: the fresh str has room for the text.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), text_address(value), text.len()) };
        value
    }

    /// The str of one ASCII character.
    #[inline(always)]
    pub fn character(&self, code: u8) -> Value {
        crate::tuple::items(self.characters)[code as usize]
    }

    /// A str whose text the caller fills in at once.
    fn alloc_str(&mut self, bytes: usize, info: i64) -> Value {
        let value = self.alloc_tail_unfilled(shape::exact_id(Kind::Str), Str::BYTES, 1, bytes);
        let object = cast::<Str>(value);
        object.hash.set(-1);
        object.info.set(info & !INTERNED);
        value
    }

    /// A str that neither moves nor dies.
    pub fn new_immortal_str(&mut self, text: &[u8]) -> Value {
        let bytes = Str::BYTES + text.len().next_multiple_of(8);
        let value = self.thread.heap.alloc_immortal(shape::exact_id(Kind::Str), bytes);
        let object = cast::<Str>(value);
        object.bytes.set(text.len() as i64);
        object.hash.set(hash_bytes(text));
        object.info.set(info_of(text));
        // SAFETY: as in `new_str_measured`.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), text_address(value), text.len()) };
        value
    }

    /// A str of one code point.
    pub fn new_str_code_point(&mut self, code: u32) -> Value {
        if code < 0x80 {
            return self.character(code as u8);
        }
        let mut text = Vec::with_capacity(4);
        wtf8::push(&mut text, code);
        self.new_str_bytes(&text)
    }

    /// Whether the value is a str or an instance of a subclass.
    #[inline(always)]
    pub fn is_str(&self, value: Value) -> bool {
        shape::is_exact(value, Kind::Str) || value.is_object() && self.type_of(value).has(flags::STR)
    }

    /// The [`Str`] behind a str or an instance of a subclass.
    #[inline(always)]
    pub fn exact_str(&self, value: Value) -> Value {
        if shape::is_exact(value, Kind::Str) {
            return value;
        }
        let exact = cast::<WrappedInstance>(value).value.get();
        if exact.is_null() { appended::settle(self, value) } else { exact }
    }

    /// The text of a str or an instance of a subclass, in [WTF-8](wtf8).
    #[inline(always)]
    pub fn str_bytes(&self, value: Value) -> &'static [u8] {
        exact_bytes(self.exact_str(value))
    }

    /// The text of a str: TypeError for anything else, UnicodeEncodeError if there are lone surrogates.
    pub fn str(&mut self, value: Value) -> PyResult<&'static str> {
        if !self.is_str(value) {
            let name = self.type_name(value);
            return Err(self.type_error(format!("expected str, got {name}")));
        }
        let text = self.exact_str(value);
        let bytes = exact_bytes(text);
        if has_surrogates(text) {
            let at = wtf8::first_surrogate(bytes).expect("the str has a lone surrogate");
            let start = wtf8::count(&bytes[..at]);
            let run = wtf8::code_points(&bytes[at..]).take_while(|code| wtf8::is_surrogate(*code)).count();
            return Err(self.unicode_encode_error("utf-8", text, start, start + run, "surrogates not allowed"));
        }
        // SAFETY: WTF-8 without surrogates is UTF-8.
        Ok(unsafe { std::str::from_utf8_unchecked(bytes) })
    }

    /// `ascii(value)`.
    pub fn ascii(&mut self, value: Value) -> PyResult {
        let repr = self.repr(value)?;
        let repr = self.exact_str(repr);
        if is_ascii(repr) {
            return Ok(repr);
        }
        let text = ascii_text(exact_bytes(repr));
        Ok(self.new_str_bytes(&text))
    }
}

fn text_address(text: Value) -> *mut u8 {
    (text.0 as usize + Str::BYTES) as *mut u8
}

/// The strs joined without a separator. All are strs.
pub fn concatenate(vm: &mut Vm, pieces: &[Value]) -> Value {
    let (mut bytes, mut count, mut all, mut any) = (0, 0, ASCII, 0);
    for &piece in pieces {
        let info = cast::<Str>(vm.exact_str(piece)).info.get();
        bytes += exact_bytes(vm.exact_str(piece)).len();
        count += info & LENGTH_MASK;
        all &= info;
        any |= info & SURROGATES;
    }
    if bytes == 0 {
        return vm.empty_str;
    }
    let value = vm.alloc_str(bytes, count | all & ASCII | any);
    let mut to = text_address(value);
    for &piece in pieces {
        let text = vm.str_bytes(piece);
        // SAFETY: the fresh str has room for all pieces.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), to, text.len());
            to = to.add(text.len());
        }
    }
    value
}

/// The code point of a str of length one.
pub fn single_code_point(vm: &Vm, value: Value) -> Option<u32> {
    let text = vm.exact_str(value);
    (length(text) == 1).then(|| wtf8::decode(exact_bytes(text), 0).0)
}

/// Code points `start..stop`, which lie within the text.
pub fn substring(vm: &mut Vm, text: Value, start: usize, stop: usize) -> Value {
    if start == 0 && stop == length(text) {
        return text;
    }
    if start >= stop {
        return vm.empty_str;
    }
    let bytes = exact_bytes(text);
    if is_ascii(text) {
        return vm.new_str_measured(&bytes[start..stop], (stop - start) as i64 | ASCII);
    }
    let first = byte_offset(vm, text, start);
    let last = if stop - start < 64 { wtf8::skip(bytes, first, stop - start) } else { byte_offset(vm, text, stop) };
    vm.new_str_bytes(&bytes[first..last])
}

/// A good hash of any bytes; never -1. The same for str and bytes.
pub fn hash_bytes(text: &[u8]) -> i64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |a: u64, b: u64| {
        let wide = a as u128 * b as u128;
        wide as u64 ^ (wide >> 64) as u64
    };
    if text.is_empty() {
        return 0;
    }
    let mut hash = K ^ text.len() as u64;
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        hash = fold(hash ^ u64::from_le_bytes(*word), K ^ 0xa076_1d64_78bd_642f);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    hash = fold(hash ^ u64::from_le_bytes(last), 0xe703_7ed1_a0b4_28db);
    hash = fold(hash, K);
    if hash == u64::MAX { -2 } else { hash as i64 }
}

fn hash(vm: &mut Vm, value: Value) -> PyResult<i64> {
    let object = cast::<Str>(vm.exact_str(value));
    let mut hash = object.hash.get();
    if hash == -1 {
        hash = hash_bytes(vm.str_bytes(value));
        object.hash.set(hash);
    }
    Ok(hash)
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !vm.is_str(a) || !vm.is_str(b) {
        return Ok(vm.not_implemented);
    }
    let (a, b) = (vm.str_bytes(a), vm.str_bytes(b));
    let holds = match op {
        CompareOp::Eq => a == b,
        CompareOp::Ne => a != b,
        _ => op.holds(a.cmp(b)),
    };
    Ok(vm.bool(holds))
}

fn concat(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    if !vm.is_str(b) {
        let name = vm.type_name(b);
        return Err(vm.type_error(format!("can only concatenate str (not \"{name}\") to str")));
    }
    Ok(appended::sum(vm, a, b))
}

fn repeat(vm: &mut Vm, text: Value, count: Value) -> PyResult {
    let count = sequence::repeat_count(vm, count)?;
    let text = vm.exact_str(text);
    if count == 1 || exact_bytes(text).is_empty() {
        return Ok(text);
    }
    let bytes = exact_bytes(text);
    match bytes.len().checked_mul(count) {
        Some(0) => Ok(vm.empty_str),
        Some(total) => {
            let info = cast::<Str>(text).info.get();
            let value =
                vm.alloc_str(total, ((info & LENGTH_MASK).wrapping_mul(count as i64)) | (info & (ASCII | SURROGATES)));
            // SAFETY: the fresh str has room for so many copies.
            unsafe { crate::bytes::fill_repeated(text_address(value), bytes, count) };
            Ok(value)
        }
        None => Err(vm.memory_error("")),
    }
}

fn getitem(vm: &mut Vm, value: Value, key: Value) -> PyResult {
    let text = vm.exact_str(value);
    if let Some(index) = slice::as_index(vm, key)? {
        let len = length(text) as i64;
        let index = if index < 0 { index + len } else { index };
        if index < 0 || index >= len {
            return Err(vm.index_error("string index out of range"));
        }
        return Ok(substring(vm, text, index as usize, index as usize + 1));
    }
    if !slice::is_slice(key) {
        let name = vm.type_name(key);
        return Err(vm.type_error(format!("string indices must be integers, not '{name}'")));
    }
    let range = slice::resolve(vm, key, length(text))?;
    if range.len == 0 {
        return Ok(vm.empty_str);
    }
    if range.step == 1 {
        let start = range.start as usize;
        return Ok(substring(vm, text, start, start + range.len));
    }
    let bytes = exact_bytes(text);
    if is_ascii(text) {
        let picked: Vec<u8> = (0..range.len).map(|i| bytes[range.index(i)]).collect();
        return Ok(vm.new_str_measured(&picked, range.len as i64 | ASCII));
    }
    let codes: Vec<u32> = wtf8::code_points(bytes).collect();
    let mut picked = Vec::new();
    for i in 0..range.len {
        wtf8::push(&mut picked, codes[range.index(i)]);
    }
    Ok(vm.new_str_bytes(&picked))
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<3> = Signature {
        parameters: ["object", "encoding", "errors"],
        skip: 0,
        positional_only: 0,
        max_positional: 3,
        required: 0,
    };
    let [object, encoding, errors] = args.bind(vm, "str", &PARAMETERS)?;
    let text = if object.is_null() {
        vm.empty_str
    } else if encoding.is_null() && errors.is_null() {
        vm.str_of(object)?
    } else {
        decode(vm, object, encoding, errors)?
    };
    if ty == vm.types.str_ {
        return Ok(text);
    }
    let exact = vm.exact_str(text);
    Ok(vm.new_wrapped(ty, exact))
}

fn decode(vm: &mut Vm, object: Value, encoding: Value, errors: Value) -> PyResult {
    for (name, value) in [("encoding", encoding), ("errors", errors)] {
        if !value.is_null() && !vm.is_str(value) {
            let given = vm.type_name(value);
            return Err(vm.type_error(format!("str() argument '{name}' must be str, not {given}")));
        }
    }
    if vm.is_str(object) {
        return Err(vm.type_error("decoding str is not supported"));
    }
    if vm.type_of(object).slots().buffer.is_none() {
        let given = vm.type_name(object);
        return Err(vm.type_error(format!("decoding to str: need a bytes-like object, {given} found")));
    }
    crate::codecs::decode_object(vm, object, encoding, errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_vms;

    #[test]
    fn code_points_are_found_by_number() {
        with_vms(|vm| {
            let chars: Vec<char> = "aé€😀".chars().cycle().take(1000).collect();
            let text: String = chars.iter().collect();
            let value = vm.new_str(&text);
            assert_eq!(length(value), 1000);
            for (i, c) in chars.iter().enumerate() {
                let offset = byte_offset(vm, value, i);
                assert!(text[offset..].starts_with(*c));
                assert_eq!(code_point_index(value, offset), i);
            }
            let middle = substring(vm, value, 500, 503);
            assert_eq!(vm.str(middle).unwrap(), chars[500..503].iter().collect::<String>());
        });
    }

    #[test]
    fn info_adds_up() {
        with_vms(|vm| {
            let mut lone = b"x".to_vec();
            wtf8::push(&mut lone, 0xd800);
            let (ascii, wide, lone) = (vm.new_str("ab"), vm.new_str("é"), vm.new_str_bytes(&lone));
            let both = concatenate(vm, &[ascii, wide]);
            assert_eq!((length(both), is_ascii(both), has_surrogates(both)), (3, false, false));
            let all = concatenate(vm, &[ascii, ascii, lone]);
            assert_eq!((length(all), is_ascii(all), has_surrogates(all)), (6, false, true));
            assert!(vm.str(all).is_err());
            assert!(is_ascii(concatenate(vm, &[ascii, ascii])));
        });
    }

    #[test]
    fn hashes_depend_on_every_byte() {
        let text = b"the quick brown fox jumps over it".to_vec();
        let hash = hash_bytes(&text);
        for i in 0..text.len() {
            let mut other = text.clone();
            other[i] ^= 1;
            assert_ne!(hash_bytes(&other), hash);
            assert_ne!(hash_bytes(&text[..i]), hash);
        }
    }
}
