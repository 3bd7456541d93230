//! Interned strings: immortal, one object for each text, so that equality is identity.

use crate::builtin_layouts::Str;
use crate::layout::{Object, cast};
use crate::shape::{self, Kind};
use crate::str::INTERNED;
use crate::vm::Vm;
use heap::Value;

/// Whether a value is an interned str.
#[inline(always)]
pub fn is_interned(value: Value) -> bool {
    shape::is_exact(value, Kind::Str) && cast::<Str>(value).info.get() & INTERNED != 0
}

impl Vm {
    /// The interned str with this text.
    pub fn intern(&mut self, text: &str) -> Value {
        self.intern_bytes(text.as_bytes())
    }

    /// The interned str equal to `text`, a str of any class.
    pub fn intern_value(&mut self, text: Value) -> Value {
        if is_interned(text) {
            return text;
        }
        let bytes = self.str_bytes(text);
        self.intern_bytes(bytes)
    }

    /// By the bytes of WTF-8.
    pub fn intern_bytes(&mut self, bytes: &[u8]) -> Value {
        if let Some(&text) = self.interned.get(bytes) {
            return text;
        }
        let shape = shape::exact_id(Kind::Str);
        let size = Str::BYTES + bytes.len().next_multiple_of(8);
        let value = self.thread.heap.alloc_immortal(shape, size);
        let text = cast::<Str>(value);
        text.bytes.set(bytes.len() as i64);
        let tail = (value.0 as usize + Str::BYTES) as *mut u8;
        // SAFETY: the object was allocated with room for the bytes behind its fixed part.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), tail, bytes.len()) };
        text.hash.set(crate::str::hash_bytes(bytes));
        text.info.set(crate::str::info_of(bytes) | INTERNED);
        // SAFETY: immortal objects never move, so the bytes stay where they are.
        let key: &'static [u8] = unsafe { std::slice::from_raw_parts(tail, bytes.len()) };
        self.interned.insert(key, value);
        value
    }

    /// An immortal copy of an object: same words. What it refers to lives because it does.
    pub fn make_immortal(&mut self, value: Value) -> Value {
        if !value.is_object() {
            return value;
        }
        if shape::is_exact(value, Kind::Str) || shape::is_exact(value, Kind::AppendedStr) {
            return self.intern_value(self.exact_str(value));
        }
        let bytes = self.object_bytes(value);
        // SAFETY: `value` is a heap object.
        let copy = self.thread.heap.alloc_immortal(unsafe { heap::shape_of(value) }, bytes);
        // SAFETY: both objects have `bytes` bytes; the header, which says where an object lives, is not copied.
        unsafe {
            std::ptr::copy_nonoverlapping((value.0 as *const u64).add(1), (copy.0 as *mut u64).add(1), bytes / 8 - 1);
        }
        self.thread.heap.write_barrier(copy);
        copy
    }

    /// The bytes of an object by its layout, the tail included.
    fn object_bytes(&self, value: Value) -> usize {
        // SAFETY: `value` is a heap object.
        let layout = self.thread.heap.layout(unsafe { heap::shape_of(value) });
        let fixed = layout.fixed_words as usize * 8;
        // SAFETY: with a tail, word 1 is its count.
        let count = || unsafe { *(value.0 as *const i64).add(1) } as usize;
        match layout.tail {
            heap::Tail::None => fixed,
            heap::Tail::Bytes => fixed + count().next_multiple_of(8),
            heap::Tail::Values | heap::Tail::Words => fixed + count() * 8,
        }
    }

    /// A tuple of immortal values, immortal itself.
    pub fn new_immortal_tuple(&mut self, items: &[Value]) -> Value {
        let tuple = self.new_tuple(items);
        self.make_immortal(tuple)
    }
}
