//! From code points to bytes and back.

use super::{exact_bytes, is_ascii, length, wtf8};
use crate::builtin_layouts::Str;
use crate::layout::cast;
use crate::shape;
use crate::vm::Vm;
use heap::Value;

/// Code points between two entries of the table.
const STRIDE: usize = 64;
/// The fixed part of the table: header and count of bytes.
const TABLE_START: usize = 16;

/// The byte at which code point `index` of an exact str starts; `index` is at most the length.
pub fn byte_offset(vm: &mut Vm, text: Value, index: usize) -> usize {
    if is_ascii(text) {
        return index;
    }
    let bytes = exact_bytes(text);
    let length = length(text);
    if index < STRIDE {
        return wtf8::skip(bytes, 0, index);
    }
    if length - index < STRIDE {
        let mut at = bytes.len();
        for _ in index..length {
            at = wtf8::previous(bytes, at);
        }
        return at;
    }
    let table = offsets(vm, text);
    wtf8::skip(bytes, table[index / STRIDE] as usize, index % STRIDE)
}

/// The number of the code point that starts at byte `offset`.
pub fn code_point_index(text: Value, offset: usize) -> usize {
    if is_ascii(text) { offset } else { wtf8::count(&exact_bytes(text)[..offset]) }
}

/// The table: the byte offset of every 64th code point.
fn offsets(vm: &mut Vm, text: Value) -> &'static [u64] {
    let mut table = cast::<Str>(text).index.get();
    let count = length(text) / STRIDE + 1;
    if table.is_null() {
        table = vm.alloc_tail(shape::BYTE_ARRAY, TABLE_START, count * 8);
        let entries = (table.0 as usize + TABLE_START) as *mut u64;
        let (mut index, mut at) = (0, 0);
        let bytes = exact_bytes(text);
        while at < bytes.len() {
            if index % STRIDE == 0 {
                // SAFETY: the table has an entry for every 64th code point.
                unsafe { *entries.add(index / STRIDE) = at as u64 };
            }
            at += wtf8::width(bytes[at]);
            index += 1;
        }
        vm.write(text, &cast::<Str>(text).index, table);
    }
    // SAFETY: the table has that many entries; it lives while its address is on the native stack.
    unsafe { std::slice::from_raw_parts((table.0 as usize + TABLE_START) as *const u64, count) }
}
