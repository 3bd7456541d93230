//! Making arrays, and extending them.

use super::elements::{ElementType, kind_of, plain_float};
use super::{content, is_array, new_array_of, push, reserve, resize};
use crate::support;
use heap::{MakeRoom, Value};
use objects::args::CallArgs;
use objects::array_layout::Array;
use objects::error::PyResult;
use objects::layout::cast;
use objects::shape::{Kind, is_exact};
use objects::ty::TypeRef;
use objects::vm::Vm;
use std::mem::MaybeUninit;

/// `array(typecode, initializer)`.
pub(super) fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    support::no_keywords(vm, ty, "array.array", args)?;
    let given = args.args();
    if given.is_empty() || given.len() > 2 {
        let (bound, plural) = if given.is_empty() { ("at least 1 argument", "") } else { ("at most 2 argument", "s") };
        return Err(vm.type_error(format!("array() takes {bound}{plural} ({} given)", given.len())));
    }
    let typecode = typecode(vm, "array", 1, given[0])?;
    let initial = given.get(1).copied();
    if let Some(initial) = initial
        && !matches!(typecode, 'u' | 'w')
    {
        if vm.is_str(initial) {
            return Err(vm.type_error(format!("cannot use a str to initialize an array with typecode '{typecode}'")));
        }
        if is_array(vm, initial) && kind_of(cast::<Array>(initial)).is_text() {
            return Err(
                vm.type_error(format!("cannot use a unicode array to initialize an array with typecode '{typecode}'"))
            );
        }
    }
    if typecode == 'u' {
        let message = "The 'u' type code is deprecated and will be removed in Python 3.16";
        (vm.hooks.warn)(vm, vm.exc.deprecation_warning, message, 1)?;
    }
    let Some(number) = ElementType::number(typecode) else {
        return Err(vm.value_error("bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)"));
    };
    let array = new_array_of(vm, ty, number);
    match initial {
        None => {}
        Some(initial) if vm.is_str(initial) => extend_with_text(vm, array, initial)?,
        Some(initial) if vm.bytes_of(initial).is_some() => extend_with_bytes(vm, array, initial)?,
        Some(initial) if is_array(vm, initial) && cast::<Array>(initial).kind.get() == number => {
            extend_with_array(vm, array, initial)?
        }
        Some(initial) => extend_with_iterable(vm, array, initial)?,
    }
    Ok(array)
}

/// A str of one character.
pub(super) fn typecode(vm: &mut Vm, function: &str, position: usize, value: Value) -> PyResult<char> {
    if !vm.is_str(value) {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("{function}() argument {position} must be a unicode character, not {given}")));
    }
    match objects::str::single_code_point(vm, value) {
        Some(code) => Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)),
        None => {
            let len = objects::str::length(vm.exact_str(value));
            Err(vm.type_error(format!(
                "{function}() argument {position} must be a unicode character, not a string of length {len}"
            )))
        }
    }
}

/// `array.extend`.
pub(super) fn extend(vm: &mut Vm, array: Value, other: Value) -> PyResult<()> {
    if is_array(vm, other) { extend_with_array(vm, array, other) } else { extend_with_iterable(vm, array, other) }
}

fn extend_with_iterable(vm: &mut Vm, array: Value, iterable: Value) -> PyResult<()> {
    if is_exact(iterable, Kind::List) || is_exact(iterable, Kind::Tuple) {
        let mut index = extend_with_numbers(vm, array, iterable)?;
        // Python code that converts a value may change the list.
        while let Some(&value) = items_of(iterable).get(index) {
            push(vm, array, value)?;
            index += 1;
        }
        return Ok(());
    }
    vm.for_each(iterable, |vm, value| push(vm, array, value))
}

/// Of a list or tuple.
fn items_of(sequence: Value) -> &'static [Value] {
    if is_exact(sequence, Kind::List) { objects::list::items(sequence) } else { objects::tuple::items(sequence) }
}

/// Appends the numbers in front of a list or tuple for which no code needs to run; gives their number.
fn extend_with_numbers(vm: &mut Vm, array: Value, sequence: Value) -> PyResult<usize> {
    let object = cast::<Array>(array);
    let (kind, start) = (kind_of(object), object.len.get() as usize);
    if kind.is_text() {
        return Ok(0);
    }
    reserve(vm, array, start + items_of(sequence).len())?;
    let values = items_of(sequence);
    // SAFETY: there is room for as many elements as there are values behind the first `start`; the address has the
    // allocator's alignment, and each element below is written before the length says that it is there.
    let target = unsafe { (object.address.get() as *mut u8).add(start * kind.size()) };
    let mut count = 0;
    if kind.typecode() == 'd' {
        // SAFETY: as above.
        count = unsafe { copy_flonums(values, target.cast()) };
        while let Some(&value) = values.get(count) {
            let Some(x) = plain_float(vm, value) else { break };
            // SAFETY: as above.
            unsafe { *target.cast::<f64>().add(count) = x };
            count += 1;
        }
    } else {
        while let Some(&value) = values.get(count) {
            let Some(bytes) = kind.pack_plain(vm, value) else { break };
            // SAFETY: as above.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), target.add(count * kind.size()), kind.size()) };
            count += 1;
        }
    }
    object.len.set((start + count) as i64);
    Ok(count)
}

/// Writes the values if all are immediate floats, which is where whole lists of numbers come to an array; gives how many were written.
///
/// # Safety
/// There is room for all values.
unsafe fn copy_flonums(values: &[Value], target: *mut f64) -> usize {
    if values.is_empty() {
        // There may be no memory at all.
        return 0;
    }
    // SAFETY: the caller's.
    let target = unsafe { std::slice::from_raw_parts_mut(target.cast(), values.len()) };
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has it.
        return unsafe { copy_flonums_by_four(values, target) };
    }
    copy_flonums_evenly(values, target)
}

/// [`copy_flonums_evenly`] for processors with wider vectors, which takes a quarter of the time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn copy_flonums_by_four(values: &[Value], target: &mut [MaybeUninit<f64>]) -> usize {
    copy_flonums_evenly(values, target)
}

#[inline(always)]
fn copy_flonums_evenly(values: &[Value], target: &mut [MaybeUninit<f64>]) -> usize {
    // Loops without branches, so that the compiler does several steps at a time.
    if values.iter().map(|value| !value.is_flonum() as u64).sum::<u64>() != 0 {
        return 0;
    }
    for (to, value) in target.iter_mut().zip(values) {
        to.write(value.as_flonum_evenly());
    }
    values.len()
}

/// An array of the same kind; it may be the same array.
pub(super) fn extend_with_array(vm: &mut Vm, array: Value, other: Value) -> PyResult<()> {
    if cast::<Array>(array).kind.get() != cast::<Array>(other).kind.get() {
        return Err(vm.type_error("can only extend with array of same kind"));
    }
    let added = heap::copied(content(other));
    append_bytes(vm, array, &added)
}

/// The code points of a str, for an array of characters.
pub(super) fn extend_with_text(vm: &mut Vm, array: Value, text: Value) -> PyResult<()> {
    let bytes = vm.str_bytes(text);
    let mut codes = heap::vec_with_capacity(bytes.len() * 4);
    for code in code_points(bytes) {
        codes.put_all(&code.to_le_bytes());
    }
    append_bytes(vm, array, &codes)
}

/// The memory of a bytes-like object as elements.
pub(super) fn extend_with_bytes(vm: &mut Vm, array: Value, source: Value) -> PyResult<()> {
    // Copied: it may be the array's own memory.
    let bytes = heap::copied(vm.bytes_like(source)?);
    if bytes.len() % kind_of(cast::<Array>(array)).size() != 0 {
        return Err(vm.value_error("bytes length not a multiple of item size"));
    }
    append_bytes(vm, array, &bytes)
}

/// Whole elements, which do not lie in the array.
pub(super) fn append_bytes(vm: &mut Vm, array: Value, bytes: &[u8]) -> PyResult<()> {
    let size = kind_of(cast::<Array>(array)).size();
    let old = content(array).len();
    resize(vm, array, (old + bytes.len()) / size)?;
    content(array)[old..].copy_from_slice(bytes);
    Ok(())
}

/// Of WTF-8.
fn code_points(text: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = *text.get(at)? as u32;
        let (count, bits) = match first {
            0..0x80 => (1, first),
            0x80..0xe0 => (2, first & 0x1f),
            0xe0..0xf0 => (3, first & 0xf),
            _ => (4, first & 7),
        };
        let code = text[at + 1..at + count].iter().fold(bits, |code, byte| code << 6 | (*byte as u32 & 0x3f));
        at += count;
        Some(code)
    })
}
