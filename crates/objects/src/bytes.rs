//! `bytes`: immutable bytes.

pub mod join;
pub mod methods;
pub mod parts;
pub mod search;
pub mod text;

use crate::args::{CallArgs, Signature};
use crate::builtin_layouts::{Bytes, WrappedInstance};
use crate::error::PyResult;
use crate::layout::{Object, cast};
use crate::list::sequence;
use crate::shape::{self, Kind};
use crate::slice;
use crate::slots::{BufferView, CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::{MakeRoom, Value};

pub(crate) fn init(vm: &mut Vm) {
    vm.types.bytes = vm.new_builtin_type(spec(), vm.types.object);
    let empty = vm.thread.heap.alloc_immortal(shape::exact_id(Kind::Bytes), Bytes::BYTES);
    cast::<Bytes>(empty).hash.set(-1);
    vm.empty_bytes = empty;
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::BYTES | flags::WRAPPED | flags::MATCH_SELF,
        tail: heap::Tail::Bytes,
        slots: Slots {
            new: Some(new),
            repr: Some(|vm, value| {
                let text = text::repr(vm.bytes(value));
                Ok(vm.new_str_bytes(&text))
            }),
            hash: Some(hash),
            compare: Some(compare),
            iter: Some(crate::iterators::bytes_iter),
            len: Some(|vm, value| Ok(vm.bytes(value).len() as i64)),
            getitem: Some(|vm, value, key| getitem(vm, value, key, "byte")),
            contains: Some(search::contains),
            concat: Some(concat),
            repeat: Some(repeat),
            modulo: Some(crate::percent_format::bytes_modulo),
            buffer: Some(buffer),
            ..Slots::default()
        },
        methods: methods::BYTES_METHODS,
        doc: "bytes(iterable_of_ints) -> bytes\nbytes(string, encoding[, errors]) -> bytes\n\
              bytes(bytes_or_buffer) -> immutable copy of bytes_or_buffer\n\
              bytes(int) -> bytes object of size given by the parameter initialized with null bytes\n\
              bytes() -> empty bytes object\n\nConstruct an immutable array of bytes from:\n\
              \x20 - an iterable yielding integers in range(256)\n\
              \x20 - a text string encoded using the specified encoding\n\
              \x20 - any object implementing the buffer API.\n  - an integer",
        ..TypeSpec::of::<Bytes>("bytes", Kind::Bytes)
    }
}

impl Vm {
    /// A bytes object.
    pub fn new_bytes(&mut self, bytes: &[u8]) -> Value {
        if bytes.is_empty() && !self.empty_bytes.is_null() {
            return self.empty_bytes;
        }
        let value = self.alloc_bytes(bytes.len());
        // SAFETY: the fresh object has room for the bytes.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), (value.0 as usize + Bytes::BYTES) as *mut u8, bytes.len())
        };
        value
    }

    /// A bytes object whose content the caller fills in at once.
    fn alloc_bytes(&mut self, count: usize) -> Value {
        let value = self.alloc_tail_unfilled(shape::exact_id(Kind::Bytes), Bytes::BYTES, 1, count);
        cast::<Bytes>(value).hash.set(-1);
        value
    }

    /// Whether the value is a bytes object or an instance of a subclass.
    #[inline(always)]
    pub fn is_bytes(&self, value: Value) -> bool {
        shape::is_exact(value, Kind::Bytes) || value.is_object() && self.type_of(value).has(flags::BYTES)
    }

    /// The exact bytes object behind one or an instance of a subclass.
    #[inline(always)]
    pub fn exact_bytes(&self, value: Value) -> Value {
        if shape::is_exact(value, Kind::Bytes) { value } else { cast::<WrappedInstance>(value).value.get() }
    }

    /// What a bytes object, or an instance of a subclass, holds.
    #[inline(always)]
    pub fn bytes(&self, value: Value) -> &'static [u8] {
        let exact = self.exact_bytes(value);
        let len = cast::<Bytes>(exact).len.get() as usize;
        // SAFETY: the bytes follow the fixed part and never change; while the slice is on the native stack, the object is
        // alive and stays where it is.
        unsafe { std::slice::from_raw_parts((exact.0 as usize + Bytes::BYTES) as *const u8, len) }
    }

    /// What a bytes or bytearray object, or an instance of a subclass, holds. A bytearray's is valid until it changes.
    pub fn bytes_of(&self, value: Value) -> Option<&'static [u8]> {
        if self.is_bytes(value) {
            return Some(self.bytes(value));
        }
        if self.is_bytearray(value) { Some(crate::bytearray::content(value)) } else { None }
    }

    /// The memory of any object with the buffer protocol; TypeError for others.
    pub fn bytes_like(&mut self, value: Value) -> PyResult<&'static [u8]> {
        if let Some(bytes) = self.bytes_of(value) {
            return Ok(bytes);
        }
        match self.bytes_like_opt(value)? {
            Some(bytes) => Ok(bytes),
            None => {
                let name = self.type_name(value);
                Err(self.type_error(format!("a bytes-like object is required, not '{name}'")))
            }
        }
    }

    /// The same; `None` without the buffer protocol.
    pub fn bytes_like_opt(&mut self, value: Value) -> PyResult<Option<&'static [u8]>> {
        if let Some(bytes) = self.bytes_of(value) {
            return Ok(Some(bytes));
        }
        let Some(buffer) = self.type_of(value).slots().buffer else { return Ok(None) };
        crate::memoryview::check_contiguous(self, value)?;
        let view = buffer(self, value)?;
        if view.bytes == 0 {
            return Ok(Some(&[]));
        }
        // SAFETY: the exporter's memory; the caller keeps `value` on its stack and does not resize it meanwhile.
        Ok(Some(unsafe { std::slice::from_raw_parts(view.address, view.bytes) }))
    }
}

fn buffer(vm: &mut Vm, value: Value) -> PyResult<BufferView> {
    let bytes = vm.bytes(value);
    Ok(BufferView {
        address: bytes.as_ptr().cast_mut(),
        bytes: bytes.len(),
        item_bytes: 1,
        format: "B",
        read_only: true,
    })
}

fn hash(vm: &mut Vm, value: Value) -> PyResult<i64> {
    let object = cast::<Bytes>(vm.exact_bytes(value));
    let mut hash = object.hash.get();
    if hash == -1 {
        hash = crate::str::hash_bytes(vm.bytes(value));
        object.hash.set(hash);
    }
    Ok(hash)
}

/// Of bytes and bytearrays with anything that has bytes.
pub(crate) fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    // Bytes know only bytes; what else has bytes compares itself with them.
    if vm.is_bytes(a) && !vm.is_bytes(b) {
        return Ok(vm.not_implemented);
    }
    let a = vm.bytes_of(a).expect("a slot of bytes or bytearray");
    let b = match vm.bytes_of(b) {
        Some(b) => b,
        None if vm.type_of(b).slots().buffer.is_some() => match vm.bytes_like_opt(b)? {
            Some(b) => b,
            None => return Ok(vm.not_implemented),
        },
        None => return Ok(vm.not_implemented),
    };
    Ok(vm.bool(op.holds(a.cmp(b))))
}

/// A byte, or a slice as a new object of the same type. `what` names the type's elements.
pub(crate) fn getitem(vm: &mut Vm, value: Value, key: Value, what: &str) -> PyResult {
    if let Some(index) = slice::as_index(vm, key)? {
        let bytes = vm.bytes_of(value).expect("a slot of bytes or bytearray");
        let len = bytes.len() as i64;
        let index = if index < 0 { index + len } else { index };
        if index < 0 || index >= len {
            let what = if what == "byte" { "index" } else { "bytearray index" };
            return Err(vm.index_error(format!("{what} out of range")));
        }
        return Ok(Value::from_int(bytes[index as usize] as i64));
    }
    if !slice::is_slice(key) {
        let name = vm.type_name(key);
        return Err(vm.type_error(format!("{what} indices must be integers or slices, not {name}")));
    }
    let bounds = slice::bounds(vm, key)?;
    let bytes = vm.bytes_of(value).expect("a slot of bytes or bytearray");
    let range = bounds.of_len(bytes.len());
    if range.step == 1 {
        if range.len == bytes.len() && shape::is_exact(value, Kind::Bytes) {
            return Ok(value);
        }
        let start = range.start as usize;
        return Ok(methods::like(vm, value, &bytes[start..start + range.len]));
    }
    let picked: Vec<u8> = (0..range.len).map(|i| bytes[range.index(i)]).collect();
    Ok(methods::like(vm, value, &picked))
}

/// Also of bytearrays: the result has the left one's type.
pub(crate) fn concat(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let right = match vm.bytes_like_opt(b)? {
        Some(right) => right,
        None => {
            let (left, right) = (vm.type_name(a), vm.type_name(b));
            return Err(vm.type_error(format!("can't concat {right} to {left}")));
        }
    };
    let left = vm.bytes_of(a).expect("a slot of bytes or bytearray");
    if left.is_empty() && shape::is_exact(a, Kind::Bytes) && shape::is_exact(b, Kind::Bytes) {
        return Ok(b);
    }
    Ok(methods::like(vm, a, &heap::joined(&[left, right])))
}

pub(crate) fn repeat(vm: &mut Vm, value: Value, count: Value) -> PyResult {
    let count = sequence::repeat_count(vm, count)?;
    let bytes = vm.bytes_of(value).expect("a slot of bytes or bytearray");
    if count == 1 && shape::is_exact(value, Kind::Bytes) {
        return Ok(value);
    }
    match bytes.len().checked_mul(count) {
        Some(0) => Ok(methods::like(vm, value, b"")),
        Some(total) if vm.is_bytes(value) => {
            let repeated = vm.alloc_bytes(total);
            // SAFETY: the fresh object has room for so many copies.
            unsafe { fill_repeated((repeated.0 as usize + Bytes::BYTES) as *mut u8, bytes, count) };
            Ok(repeated)
        }
        Some(total) => {
            let repeated = vm.new_bytearray(b"");
            crate::bytearray::resize(vm, repeated, total);
            // SAFETY: as above.
            unsafe { fill_repeated(crate::bytearray::content_mut(repeated).as_mut_ptr(), bytes, count) };
            Ok(repeated)
        }
        None => Err(vm.memory_error("")),
    }
}

/// Writes `bytes`, which are not empty, one behind the other.
///
/// # Safety
/// At `to` there is room for `count` times that much.
pub(crate) unsafe fn fill_repeated(to: *mut u8, bytes: &[u8], count: usize) {
    let total = bytes.len() * count;
    // SAFETY: the caller's room; what is written doubles, and is copied from in front.
    unsafe {
        if let [byte] = bytes {
            std::ptr::write_bytes(to, *byte, count);
            return;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len().min(total));
        let mut done = bytes.len();
        while done < total {
            let more = done.min(total - done);
            std::ptr::copy_nonoverlapping(to, to.add(done), more);
            done += more;
        }
    }
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<3> = Signature {
        parameters: ["source", "encoding", "errors"],
        skip: 0,
        positional_only: 0,
        max_positional: 3,
        required: 0,
    };
    let [source, encoding, errors] = args.bind(vm, "bytes", &PARAMETERS)?;
    let value = if source.is_null() || !encoding.is_null() || !errors.is_null() || vm.is_str(source) {
        let content = content_of_arguments(vm, "bytes", source, encoding, errors)?;
        vm.new_bytes(&content)
    } else {
        let name = vm.names.__bytes__;
        match vm.call_special_opt(source, name, &[]) {
            Some(result) => {
                let result = result?;
                if !vm.is_bytes(result) {
                    let given = vm.type_name(result);
                    return Err(vm.type_error(format!("__bytes__ returned non-bytes (type {given})")));
                }
                result
            }
            None => {
                if shape::is_exact(source, Kind::Bytes) {
                    source
                } else {
                    let content = content_of_arguments(vm, "bytes", source, encoding, errors)?;
                    vm.new_bytes(&content)
                }
            }
        }
    };
    if ty == vm.types.bytes {
        return Ok(value);
    }
    let exact = vm.exact_bytes(value);
    Ok(vm.new_wrapped(ty, exact))
}

/// What `bytes(source, encoding, errors)` and bytearray's are to hold.
pub(crate) fn content_of_arguments(
    vm: &mut Vm,
    class: &str,
    source: Value,
    encoding: Value,
    errors: Value,
) -> PyResult<Vec<u8>> {
    for (name, value) in [("encoding", encoding), ("errors", errors)] {
        if !value.is_null() && !vm.is_str(value) {
            let given = vm.type_name(value);
            return Err(vm.type_error(format!("{class}() argument '{name}' must be str, not {given}")));
        }
    }
    if source.is_null() {
        return match (encoding.is_null(), errors.is_null()) {
            (true, true) => Ok(Vec::new()),
            (false, _) => Err(vm.type_error("encoding without a string argument")),
            (true, false) => Err(vm.type_error("errors without a string argument")),
        };
    }
    if vm.is_str(source) {
        if encoding.is_null() {
            return Err(vm.type_error("string argument without an encoding"));
        }
        let bytes = crate::codecs::encode_object(vm, source, encoding, errors)?;
        return Ok(heap::copied(vm.bytes(bytes)));
    }
    if !encoding.is_null() {
        return Err(vm.type_error("encoding without a string argument"));
    }
    if !errors.is_null() {
        return Err(vm.type_error("errors without a string argument"));
    }
    if vm.type_of(source).slots().index.is_some() {
        return match vm.index(source) {
            Ok(count) if count < 0 => Err(vm.value_error("negative count")),
            Ok(count) => Ok(heap::zeros(count as usize)),
            Err(raised) if vm.exception_matches(raised.0, vm.exc.type_error) => from_iterable(vm, class, source),
            Err(raised) => Err(raised),
        };
    }
    if let Some(bytes) = copied(vm, source)? {
        return Ok(bytes);
    }
    from_iterable(vm, class, source)
}

/// A copy of what an object with the buffer protocol holds; a view's elements need not be adjacent.
fn copied(vm: &mut Vm, source: Value) -> PyResult<Option<Vec<u8>>> {
    if vm.type_of(source) == vm.types.memoryview {
        return crate::memoryview::gathered(vm, source).map(Some);
    }
    Ok(vm.bytes_like_opt(source)?.map(heap::copied))
}

/// `PyObject_Bytes`: bytes of anything that is like bytes or yields ints.
pub fn from_object(vm: &mut Vm, source: Value) -> PyResult<Vec<u8>> {
    if vm.is_bytes(source) {
        return Ok(heap::copied(vm.bytes(source)));
    }
    let name = vm.names.__bytes__;
    if let Some(result) = vm.call_special_opt(source, name, &[]) {
        let result = result?;
        if !vm.is_bytes(result) {
            let given = vm.type_name(result);
            return Err(vm.type_error(format!("__bytes__ returned non-bytes (type {given})")));
        }
        return Ok(heap::copied(vm.bytes(result)));
    }
    if let Some(bytes) = copied(vm, source)? {
        return Ok(bytes);
    }
    if vm.is_str(source) {
        return Err(vm.type_error("cannot convert 'str' object to bytes"));
    }
    from_iterable(vm, "bytes", source)
}

fn from_iterable(vm: &mut Vm, class: &str, source: Value) -> PyResult<Vec<u8>> {
    let slots = *vm.type_of(source).slots();
    if slots.iter.is_none() && slots.getitem.is_none() {
        let name = vm.type_name(source);
        return Err(vm.type_error(format!("cannot convert '{name}' object to {class}")));
    }
    let mut bytes = Vec::new();
    vm.for_each(source, |vm, item| {
        bytes.put(byte_of(vm, item, class)?);
        Ok(())
    })?;
    Ok(bytes)
}

/// An int from 0 to 255.
pub(crate) fn byte_of(vm: &mut Vm, value: Value, class: &str) -> PyResult<u8> {
    let index = vm.index_big(value)?;
    match vm.as_i64(index).and_then(|byte| u8::try_from(byte).ok()) {
        Some(byte) => Ok(byte),
        None if class == "bytes" => Err(vm.value_error("bytes must be in range(0, 256)")),
        None => Err(vm.value_error("byte must be in range(0, 256)")),
    }
}
