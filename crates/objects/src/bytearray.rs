//! `bytearray`: bytes that change, in memory off the heap.
//!
//! Views do not pin the memory: they ask for it anew at each access.

pub(crate) mod mutation;

use crate::args::{CallArgs, Signature};
use crate::bytes;
use crate::error::PyResult;
use crate::layout;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::{BufferView, Slots};
use crate::ty::{TypeSpec, flags};
use crate::vm::Vm;
use heap::{MakeRoom, Value};

layout! {
    /// See the module.
    ByteArray {
        len LEN: i64;
        /// Of the first allocated byte; 0 while nothing is allocated. The collector frees it (`heap::Finalize::OffHeap`).
        address ADDRESS: i64;
        allocated ALLOCATED: i64;
    }
}

pub(crate) fn init(vm: &mut Vm) {
    vm.types.bytearray = vm.new_builtin_type(spec(), vm.types.object);
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::MATCH_SELF,
        finalize: heap::Finalize::OffHeap,
        slots: Slots {
            new: Some(|vm, ty, _| Ok(vm.new_instance(ty))),
            init: Some(init_method),
            repr: Some(repr),
            hash: Some(crate::object::hash_not_implemented),
            compare: Some(bytes::compare),
            iter: Some(crate::iterators::bytearray_iter),
            len: Some(|_, value| Ok(content(value).len() as i64)),
            getitem: Some(|vm, value, key| bytes::getitem(vm, value, key, "bytearray")),
            setitem: Some(mutation::setitem),
            contains: Some(bytes::search::contains),
            concat: Some(bytes::concat),
            repeat: Some(bytes::repeat),
            inplace_concat: Some(mutation::inplace_concat),
            inplace_repeat: Some(mutation::inplace_repeat),
            modulo: Some(crate::percent_format::bytes_modulo),
            buffer: Some(buffer),
            ..Slots::default()
        },
        methods: bytes::methods::BYTEARRAY_METHODS,
        doc: "bytearray(iterable_of_ints) -> bytearray\nbytearray(string, encoding[, errors]) -> bytearray\n\
              bytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer\n\
              bytearray(int) -> bytes array of size given by the parameter initialized with null bytes\n\
              bytearray() -> empty bytes array\n\nConstruct a mutable bytearray object from:\n\
              \x20 - an iterable yielding integers in range(256)\n\
              \x20 - a text string encoded using the specified encoding\n\
              \x20 - a bytes or a buffer object\n  - any object implementing the buffer API.\n  - an integer",
        ..TypeSpec::of::<ByteArray>("bytearray", Kind::ByteArray)
    }
}

impl Vm {
    /// A bytearray.
    pub fn new_bytearray(&mut self, bytes: &[u8]) -> Value {
        let value = self.new_instance(self.types.bytearray);
        set_content(self, value, bytes);
        value
    }

    /// Whether the value is a bytearray or an instance of a subclass.
    #[inline]
    pub fn is_bytearray(&self, value: Value) -> bool {
        match self.kind(value) {
            Kind::ByteArray => true,
            Kind::Instance => self.type_of(value).is_subtype(self.types.bytearray),
            _ => false,
        }
    }
}

/// The bytes of a bytearray: valid until it changes.
#[inline(always)]
pub fn content(value: Value) -> &'static [u8] {
    let array = cast::<ByteArray>(value);
    match array.len.get() as usize {
        0 => &[],
        // SAFETY: `len` bytes are allocated at `address` and initialised.
        len => unsafe { std::slice::from_raw_parts(array.address.get() as *const u8, len) },
    }
}

/// The same to write to. The caller holds no other slice of it.
#[inline(always)]
pub fn content_mut(value: Value) -> &'static mut [u8] {
    let array = cast::<ByteArray>(value);
    match array.len.get() as usize {
        0 => &mut [],
        // SAFETY: as in `content`.
        len => unsafe { std::slice::from_raw_parts_mut(array.address.get() as *mut u8, len) },
    }
}

/// Another size for a buffer from `malloc`, or a new one for 0; `None` if there is no room, even after a collection.
///
/// # Safety
/// Nobody uses the old address afterwards.
pub unsafe fn reallocated(vm: &mut Vm, address: i64, allocated: usize, wanted: usize) -> Option<i64> {
    // SAFETY: this function's contract.
    let fresh = unsafe { vm.thread.heap.try_realloc_buffer(address as *mut u8, allocated, wanted) };
    (!fresh.is_null()).then_some(fresh as i64)
}

/// Makes it `len` bytes long; new ones are zero. Refused if there is no memory.
pub fn resize(vm: &mut Vm, value: Value, len: usize) {
    let array = cast::<ByteArray>(value);
    let (old, allocated) = (array.len.get() as usize, array.allocated.get() as usize);
    if len > allocated || len < allocated / 4 {
        let wanted = if len > allocated { len.max(old + old / 8 + 8) } else { len.max(1) };
        // SAFETY: the address is null or what `malloc` gave for this object; nobody else keeps it.
        let Some(fresh) = (unsafe { reallocated(vm, array.address.get(), allocated, wanted) }) else { heap::refuse() };
        array.address.set(fresh);
        array.allocated.set(wanted as i64);
        vm.thread.heap.add_buffer(value, wanted as isize - allocated as isize);
    }
    if len > old {
        // SAFETY: the buffer has room for `len` bytes.
        unsafe { std::ptr::write_bytes((array.address.get() as *mut u8).add(old), 0, len - old) };
    }
    array.len.set(len as i64);
}

/// Appends bytes, which do not lie in the bytearray itself.
pub fn extend(vm: &mut Vm, value: Value, bytes: &[u8]) {
    let len = content(value).len();
    resize(vm, value, len + bytes.len());
    content_mut(value)[len..].copy_from_slice(bytes);
}

/// Replaces everything.
pub fn set_content(vm: &mut Vm, value: Value, bytes: &[u8]) {
    resize(vm, value, bytes.len());
    content_mut(value).copy_from_slice(bytes);
}

fn buffer(_vm: &mut Vm, value: Value) -> PyResult<BufferView> {
    let bytes = content_mut(value);
    Ok(BufferView { address: bytes.as_mut_ptr(), bytes: bytes.len(), item_bytes: 1, format: "B", read_only: false })
}

fn repr(vm: &mut Vm, value: Value) -> PyResult {
    let mut text = vm.type_name(value).into_bytes();
    text.put(b'(');
    text.put_all(&bytes::text::repr(content(value)));
    text.put(b')');
    Ok(vm.new_str_bytes(&text))
}

fn init_method(vm: &mut Vm, value: Value, args: &CallArgs) -> PyResult<()> {
    const PARAMETERS: Signature<3> = Signature {
        parameters: ["source", "encoding", "errors"],
        skip: 0,
        positional_only: 0,
        max_positional: 3,
        required: 0,
    };
    let [source, encoding, errors] = args.bind(vm, "bytearray", &PARAMETERS)?;
    if source.is_int() && source.as_int() >= 0 && encoding.is_null() && errors.is_null() {
        // Zeros, without a copy of them.
        resize(vm, value, 0);
        resize(vm, value, source.as_int() as usize);
        return Ok(());
    }
    let fresh = bytes::content_of_arguments(vm, "bytearray", source, encoding, errors)?;
    set_content(vm, value, &fresh);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_vms;

    #[test]
    fn what_grows_keeps_its_bytes() {
        with_vms(|vm| {
            let value = vm.new_bytearray(b"");
            let mut expected = Vec::new();
            for i in 0..3000 {
                extend(vm, value, &[i as u8]);
                expected.push(i as u8);
            }
            assert_eq!(content(value), expected);
            resize(vm, value, 10);
            assert_eq!(content(value), &expected[..10]);
            resize(vm, value, 12);
            assert_eq!(content(value)[10..], [0, 0]);
        });
    }
}
