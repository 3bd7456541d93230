//! Texts that grow by appending. `s += piece` in a loop would copy all of `s` each time, a program's square.
//!
//! Where a long text is appended to that came out of two additions ([`SUM_OF_SUM`]), the sum is an [`AppendedStr`]: the first bytes of
//! a buffer with room behind them. Appending to the text that ends where the buffer's bytes end fills some of that room, and the new
//! sum is more of the same buffer; what the older one is, its first bytes, stays as it was. Who reads such a text gets a
//! [`Str`](crate::builtin_layouts::Str) by [`Vm::exact_str`], which is made then and kept. Its class is `str`, and nothing that programs
//! see tells it from another.
//!
//! The buffer is a [`BYTE_ARRAY`](shape::BYTE_ARRAY): how many of its bytes are used, then the bytes.

use super::{ASCII, LENGTH_MASK, SUM, SUM_OF_SUM, SURROGATES, concatenate, exact_bytes};
use crate::builtin_layouts::{AppendedStr, Str, WrappedInstance};
use crate::layout::{Object, cast};
use crate::shape::{self, Kind, Shape};
use crate::vm::Vm;
use heap::Value;

/// Shorter texts are copied: that costs less than it saves.
const LONG: usize = 1024;
/// A buffer of more bytes is given up when its text is read: the memory is worth more than the copy if it grows on.
const HUGE: usize = 1 << 20;
/// Header and count, which all byte arrays have.
const USED: usize = 16;
const TEXT: usize = USED + 8;

const _: () = assert!(AppendedStr::VALUE.offset == WrappedInstance::VALUE.offset);

pub(super) fn init(vm: &mut Vm) {
    let id = shape::exact_id(Kind::AppendedStr);
    vm.enter_shape(Shape::new(id, Kind::AppendedStr, vm.types.str_, AppendedStr::WORDS));
}

#[inline(always)]
fn is_appended(value: Value) -> bool {
    shape::is_exact(value, Kind::AppendedStr)
}

/// The info word of a str or an instance of a subclass, without making the text of one that grows.
pub(super) fn info(vm: &Vm, value: Value) -> i64 {
    if is_appended(value) {
        return cast::<AppendedStr>(value).info.get();
    }
    cast::<Str>(vm.exact_str(value)).info.get()
}

/// `a + b` of strs or instances of subclasses.
pub(super) fn sum(vm: &mut Vm, a: Value, b: Value) -> Value {
    // One that grows is a str itself.
    let itself = |vm: &Vm, text: Value| if is_appended(text) { text } else { vm.exact_str(text) };
    if info(vm, a) & LENGTH_MASK == 0 {
        return itself(vm, b);
    }
    if info(vm, b) & LENGTH_MASK == 0 {
        return itself(vm, a);
    }
    let added = vm.exact_str(b);
    if is_appended(a) {
        if let Some(sum) = extend(vm, a, added) {
            return sum;
        }
    } else if sums(a) & SUM_OF_SUM != 0 && exact_bytes(a).len() >= LONG {
        // Whoever goes on from here a second time makes another text, which may not grow.
        let info = &cast::<Str>(a).info;
        info.set(info.get() & !(SUM | SUM_OF_SUM));
        return begin(vm, a, added);
    }
    let bits = if sums(a) & SUM == 0 { SUM } else { SUM | SUM_OF_SUM };
    let sum = concatenate(vm, &[a, added]);
    let info = &cast::<Str>(sum).info;
    info.set(info.get() | bits);
    sum
}

/// Whether a text is known to have come out of one addition, or of two.
fn sums(text: Value) -> i64 {
    if shape::is_exact(text, Kind::Str) { cast::<Str>(text).info.get() & (SUM | SUM_OF_SUM) } else { 0 }
}

/// The sum of a text and more, in a buffer of its own.
fn begin(vm: &mut Vm, text: Value, added: Value) -> Value {
    let buffer = new_buffer(vm, exact_bytes(text), exact_bytes(added));
    of_buffer(vm, buffer, cast::<Str>(text).info.get(), added)
}

/// The sum in the buffer of `text`, or one that is larger; `None` if that buffer has gone on otherwise, or is no more.
fn extend(vm: &mut Vm, text: Value, added: Value) -> Option<Value> {
    let (old, info) = (cast::<AppendedStr>(text), cast::<AppendedStr>(text).info.get());
    let (mut buffer, bytes) = (old.buffer.get(), old.bytes.get() as usize);
    if buffer.is_null() || used(buffer) != bytes {
        return None;
    }
    let more = exact_bytes(added);
    if bytes + more.len() <= room(buffer) {
        fill(buffer, more);
    } else {
        buffer = new_buffer(vm, prefix(buffer, bytes), more);
    }
    Some(of_buffer(vm, buffer, info, added))
}

/// All that is in `buffer`: a text with this info word, and `added` behind it.
fn of_buffer(vm: &mut Vm, buffer: Value, info: i64, added: Value) -> Value {
    let more = cast::<Str>(added).info.get();
    let sum = vm.thread.heap.alloc_zeroed(shape::exact_id(Kind::AppendedStr), AppendedStr::BYTES);
    let object = cast::<AppendedStr>(sum);
    vm.write(sum, &object.buffer, buffer);
    object.bytes.set(used(buffer) as i64);
    let count = (info & LENGTH_MASK) + (more & LENGTH_MASK);
    object.info.set(count | (info & more & ASCII) | ((info | more) & SURROGATES));
    sum
}

/// A buffer with both texts and half as much room again.
fn new_buffer(vm: &mut Vm, text: &[u8], more: &[u8]) -> Value {
    let bytes = text.len() + more.len();
    let buffer = vm.alloc_tail_unfilled(shape::BYTE_ARRAY, USED, 1, TEXT - USED + bytes + bytes / 2);
    set_used(buffer, 0);
    fill(buffer, text);
    fill(buffer, more);
    buffer
}

/// Writes behind what is used, where there is room.
fn fill(buffer: Value, text: &[u8]) {
    let at = used(buffer);
    debug_assert!(at + text.len() <= room(buffer));
    // SAFETY: the buffer has room for so many bytes behind those used, which no text refers to yet.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), (buffer.0 as usize + TEXT + at) as *mut u8, text.len()) };
    set_used(buffer, at + text.len());
}

/// How many bytes of text a buffer can hold.
fn room(buffer: Value) -> usize {
    // SAFETY: a byte array has its count of bytes behind the header.
    let count = unsafe { *((buffer.0 as usize + USED - 8) as *const u64) };
    count as usize - (TEXT - USED)
}

fn used(buffer: Value) -> usize {
    // SAFETY: the first word of a buffer's tail.
    unsafe { *((buffer.0 as usize + USED) as *const u64) as usize }
}

fn set_used(buffer: Value, bytes: usize) {
    // SAFETY: as above.
    unsafe { *((buffer.0 as usize + USED) as *mut u64) = bytes as u64 };
}

/// The first bytes of a buffer.
fn prefix(buffer: Value, bytes: usize) -> &'static [u8] {
    debug_assert!(bytes <= used(buffer));
    // SAFETY: bytes that are used never change; while the slice is on the native stack, the buffer is alive and stays where it is.
    unsafe { std::slice::from_raw_parts((buffer.0 as usize + TEXT) as *const u8, bytes) }
}

/// The text as a [`Str`], which it keeps.
#[cold]
#[inline(never)]
pub(super) fn settle(vm: &Vm, text: Value) -> Value {
    // SAFETY: the VM lives in its box. Whoever reads a text holds no reference into the heap or the thread, nor has it on an object that
    // it has half written: it might have called an allocating function.
    let vm = unsafe { &mut *vm.this };
    let object = cast::<AppendedStr>(text);
    let bytes = object.bytes.get() as usize;
    let exact = vm.new_str_measured(prefix(object.buffer.get(), bytes), object.info.get());
    vm.write(text, &object.value, exact);
    if bytes > HUGE {
        object.buffer.set(Value::NULL);
    }
    exact
}
