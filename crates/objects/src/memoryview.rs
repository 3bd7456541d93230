//! `memoryview`: a window on the memory of an object with the buffer protocol.
//!
//! A view keeps the exporter and asks it for its memory at each access, so an exporter may move or resize its memory:
//! an access that no longer fits is an error. Views have one dimension.

mod item;
mod methods;

pub use item::{f64_to_half, half_to_f64};

use crate::args::{CallArgs, Signature};
use crate::builtin_layouts::SequenceIterator;
use crate::error::PyResult;
use crate::layout;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slice;
use crate::slots::{BufferView, CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::{MakeRoom, Value};

layout! {
    /// See the module.
    MemoryView {
        /// The exporter; NULL after `release`.
        exporter EXPORTER: Value;
        /// Where the first element starts in the exporter's memory, in bytes.
        offset OFFSET: i64;
        /// Elements.
        len LEN: i64;
        /// Bytes from one element to the next; may be negative.
        stride STRIDE: i64;
        item_bytes ITEM_BYTES: i64;
        /// A str.
        format FORMAT: Value;
        /// 0 or 1.
        read_only READ_ONLY: i64;
    }
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.memoryview = vm.new_builtin_type(spec(), object);
    vm.types.memory_iterator = vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW,
            slots: Slots { iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
            ..TypeSpec::of::<SequenceIterator>("memory_iterator", Kind::Other)
        },
        object,
    );
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::SEQUENCE | flags::HAS_WEAKREF,
        slots: Slots {
            new: Some(new),
            repr: Some(repr),
            hash: Some(hash),
            compare: Some(compare),
            iter: Some(iter),
            len: Some(|vm, view| {
                live(vm, view)?;
                Ok(cast::<MemoryView>(view).len.get())
            }),
            getitem: Some(getitem),
            setitem: Some(setitem),
            buffer: Some(buffer),
            ..Slots::default()
        },
        methods: methods::METHODS,
        getset: methods::GETTERS,
        doc: "Create a new memoryview object which references the given object.",
        ..TypeSpec::of::<MemoryView>("memoryview", Kind::Other)
    }
}

fn new(vm: &mut Vm, _ty: TypeRef, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<1> =
        Signature { parameters: ["object"], skip: 0, positional_only: 0, max_positional: 1, required: 1 };
    let [object] = args.bind(vm, "memoryview", &PARAMETERS)?;
    vm.new_memoryview(object)
}

impl Vm {
    /// A view of all of an object's memory.
    pub fn new_memoryview(&mut self, object: Value) -> PyResult {
        if self.type_of(object) == self.types.memoryview {
            live(self, object)?;
            let old = cast::<MemoryView>(object);
            return Ok(derive(self, object, old.offset.get(), old.len.get(), old.stride.get()));
        }
        let Some(buffer) = self.type_of(object).slots().buffer else {
            let name = self.type_name(object);
            return Err(self.type_error(format!("memoryview: a bytes-like object is required, not '{name}'")));
        };
        let memory = buffer(self, object)?;
        let format = self.intern(memory.format);
        let value = self.new_instance(self.types.memoryview);
        let view = cast::<MemoryView>(value);
        view.exporter.set(object);
        view.len.set((memory.bytes / memory.item_bytes) as i64);
        view.stride.set(memory.item_bytes as i64);
        view.item_bytes.set(memory.item_bytes as i64);
        view.format.set(format);
        view.read_only.set(memory.read_only as i64);
        Ok(value)
    }
}

/// A view of other elements of the same exporter.
fn derive(vm: &mut Vm, of: Value, offset: i64, len: i64, stride: i64) -> Value {
    let value = vm.new_instance(vm.types.memoryview);
    let (view, old) = (cast::<MemoryView>(value), cast::<MemoryView>(of));
    view.exporter.set(old.exporter.get());
    view.offset.set(offset);
    view.len.set(len);
    view.stride.set(stride);
    view.item_bytes.set(old.item_bytes.get());
    view.format.set(old.format.get());
    view.read_only.set(old.read_only.get());
    value
}

/// ValueError after `release`.
fn live(vm: &mut Vm, view: Value) -> PyResult<()> {
    if cast::<MemoryView>(view).exporter.get().is_null() {
        return Err(vm.value_error("operation forbidden on released memoryview object"));
    }
    Ok(())
}

/// The address of the first element; all of the view's elements lie within the exporter's memory.
fn memory(vm: &mut Vm, value: Value) -> PyResult<*mut u8> {
    live(vm, value)?;
    let view = cast::<MemoryView>(value);
    let exporter = view.exporter.get();
    let buffer = vm.type_of(exporter).slots().buffer.expect("the exporter has the buffer protocol");
    let whole = buffer(vm, exporter)?;
    let (offset, len, stride) = (view.offset.get(), view.len.get(), view.stride.get());
    if len > 0 {
        let last = offset + (len - 1) * stride;
        let (low, high) = (offset.min(last), offset.max(last) + view.item_bytes.get());
        if low < 0 || high > whole.bytes as i64 {
            return Err(vm.buffer_error("memoryview: the underlying buffer was resized"));
        }
    }
    Ok(whole.address.wrapping_offset(offset as isize))
}

/// The bytes of element `index`, which is in range.
fn element(view: &MemoryView, base: *mut u8, index: i64) -> &'static mut [u8] {
    let address = base.wrapping_offset((index * view.stride.get()) as isize);
    // SAFETY: `memory` checked that all elements lie within the exporter's memory.
    unsafe { std::slice::from_raw_parts_mut(address, view.item_bytes.get() as usize) }
}

/// All elements one after the other.
pub fn gathered(vm: &mut Vm, value: Value) -> PyResult<Vec<u8>> {
    let base = memory(vm, value)?;
    let view = cast::<MemoryView>(value);
    let mut bytes = heap::vec_with_capacity((view.len.get() * view.item_bytes.get()) as usize);
    for i in 0..view.len.get() {
        bytes.put_all(element(view, base, i));
    }
    Ok(bytes)
}

fn is_contiguous(view: &MemoryView) -> bool {
    view.len.get() <= 1 || view.stride.get() == view.item_bytes.get()
}

/// BufferError if the object is a view with gaps: who asks for plain bytes cannot use it.
pub(crate) fn check_contiguous(vm: &mut Vm, value: Value) -> PyResult<()> {
    if vm.type_of(value) == vm.types.memoryview && !is_contiguous(cast::<MemoryView>(value)) {
        return Err(vm.buffer_error("memoryview: underlying buffer is not C-contiguous"));
    }
    Ok(())
}

fn buffer(vm: &mut Vm, value: Value) -> PyResult<BufferView> {
    let address = memory(vm, value)?;
    let view = cast::<MemoryView>(value);
    let format = vm.intern_value(view.format.get());
    Ok(BufferView {
        address,
        bytes: (view.len.get() * view.item_bytes.get()) as usize,
        item_bytes: view.item_bytes.get() as usize,
        format: vm.str(format)?,
        read_only: view.read_only.get() != 0,
    })
}

fn repr(vm: &mut Vm, value: Value) -> PyResult {
    let released = if cast::<MemoryView>(value).exporter.get().is_null() { "released " } else { "" };
    let address = vm.address(value);
    Ok(vm.new_str(&format!("<{released}memory at 0x{address:x}>")))
}

fn hash(vm: &mut Vm, value: Value) -> PyResult<i64> {
    live(vm, value)?;
    if cast::<MemoryView>(value).read_only.get() == 0 {
        return Err(vm.value_error("cannot hash writable memoryview object"));
    }
    let format = cast::<MemoryView>(value).format.get();
    if !matches!(vm.str_bytes(format), b"B" | b"b" | b"c") {
        return Err(vm.value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
    }
    let exporter = cast::<MemoryView>(value).exporter.get();
    vm.hash(exporter)?;
    let bytes = gathered(vm, value)?;
    Ok(crate::str::hash_bytes(&bytes))
}

/// Element by element; formats may differ.
fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(vm.not_implemented);
    }
    let equal = if a == b { true } else { equal(vm, a, b)? };
    match equal_or_not(vm, b, equal) {
        Some(equal) => Ok(vm.bool(equal == (op == CompareOp::Eq))),
        None => Ok(vm.not_implemented),
    }
}

fn equal_or_not(vm: &Vm, other: Value, equal: bool) -> Option<bool> {
    vm.type_of(other).slots().buffer.is_some().then_some(equal)
}

fn equal(vm: &mut Vm, a: Value, b: Value) -> PyResult<bool> {
    if cast::<MemoryView>(a).exporter.get().is_null() || vm.type_of(b).slots().buffer.is_none() {
        return Ok(false);
    }
    let b = if vm.type_of(b) == vm.types.memoryview { b } else { vm.new_memoryview(b)? };
    let (left, right) = (cast::<MemoryView>(a), cast::<MemoryView>(b));
    if right.exporter.get().is_null() || left.len.get() != right.len.get() {
        return Ok(false);
    }
    let (left_base, right_base) = (memory(vm, a)?, memory(vm, b)?);
    let plain = |vm: &Vm, view: &MemoryView| matches!(vm.str_bytes(view.format.get()), b"B" | b"c");
    if plain(vm, left) && plain(vm, right) {
        return Ok((0..left.len.get()).all(|i| element(left, left_base, i) == element(right, right_base, i)));
    }
    for i in 0..left.len.get() {
        let (Some(x), Some(y)) = (item::unpack_opt(vm, left, left_base, i), item::unpack_opt(vm, right, right_base, i))
        else {
            return Ok(false);
        };
        if !vm.eq(x, y)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn iter(vm: &mut Vm, value: Value) -> PyResult {
    live(vm, value)?;
    let iterator = vm.new_instance(vm.types.memory_iterator);
    cast::<SequenceIterator>(iterator).sequence.set(value);
    Ok(iterator)
}

fn next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<SequenceIterator>(value);
    let view = iterator.sequence.get();
    if view.is_null() {
        return Ok(None);
    }
    let index = iterator.index.get();
    let base = memory(vm, view)?;
    if index >= cast::<MemoryView>(view).len.get() {
        iterator.sequence.set(Value::NULL);
        return Ok(None);
    }
    iterator.index.set(index + 1);
    item::unpack(vm, cast::<MemoryView>(view), base, index).map(Some)
}

/// The element number that a key means.
fn index_of(vm: &mut Vm, value: Value, index: i64) -> PyResult<i64> {
    let len = cast::<MemoryView>(value).len.get();
    let index = if index < 0 { index + len } else { index };
    if index < 0 || index >= len {
        return Err(vm.index_error("index out of bounds on dimension 1"));
    }
    Ok(index)
}

/// A tuple of one index is that index.
fn single_key(vm: &mut Vm, key: Value) -> PyResult {
    if !crate::tuple::is_tuple(vm, key) {
        return Ok(key);
    }
    match crate::tuple::items(key) {
        [key] if vm.type_of(*key).slots().index.is_some() => Ok(*key),
        keys if keys.iter().all(|key| vm.type_of(*key).slots().index.is_some()) => {
            Err(vm.type_error(format!("cannot index 1-dimension view with {}-element tuple", keys.len())))
        }
        _ => Err(vm.type_error("memoryview: invalid slice key")),
    }
}

fn sliced(vm: &mut Vm, value: Value, key: Value) -> PyResult {
    let bounds = slice::bounds(vm, key)?;
    let view = cast::<MemoryView>(value);
    let range = bounds.of_len(view.len.get() as usize);
    let (offset, stride) = (view.offset.get() + range.start * view.stride.get(), view.stride.get() * range.step);
    let offset = if range.len == 0 { view.offset.get() } else { offset };
    Ok(derive(vm, value, offset, range.len as i64, stride))
}

fn getitem(vm: &mut Vm, value: Value, key: Value) -> PyResult {
    live(vm, value)?;
    let key = single_key(vm, key)?;
    if let Some(index) = slice::as_index(vm, key)? {
        let index = index_of(vm, value, index)?;
        let base = memory(vm, value)?;
        return item::unpack(vm, cast::<MemoryView>(value), base, index);
    }
    if slice::is_slice(key) {
        return sliced(vm, value, key);
    }
    Err(vm.type_error("memoryview: invalid slice key"))
}

fn setitem(vm: &mut Vm, value: Value, key: Value, item: Value) -> PyResult<()> {
    live(vm, value)?;
    if cast::<MemoryView>(value).read_only.get() != 0 {
        return Err(vm.type_error("cannot modify read-only memory"));
    }
    if item.is_null() {
        return Err(vm.type_error("cannot delete memory"));
    }
    let key = single_key(vm, key)?;
    if let Some(index) = slice::as_index(vm, key)? {
        let index = index_of(vm, value, index)?;
        let packed = item::pack(vm, cast::<MemoryView>(value), item)?;
        let base = memory(vm, value)?;
        element(cast::<MemoryView>(value), base, index).copy_from_slice(&packed);
        return Ok(());
    }
    if !slice::is_slice(key) {
        return Err(vm.type_error("memoryview: invalid slice key"));
    }
    let source = if vm.type_of(item) == vm.types.memoryview { item } else { vm.new_memoryview(item)? };
    let target = sliced(vm, value, key)?;
    let (to, from) = (cast::<MemoryView>(target), cast::<MemoryView>(source));
    let same_format = vm.str_bytes(to.format.get()) == vm.str_bytes(from.format.get());
    if to.len.get() != from.len.get() || !same_format {
        return Err(vm.value_error("memoryview assignment: lvalue and rvalue have different structures"));
    }
    // Source and target may overlap.
    let bytes = gathered(vm, source)?;
    let base = memory(vm, target)?;
    let item_bytes = to.item_bytes.get() as usize;
    for (i, chunk) in bytes.chunks_exact(item_bytes).enumerate() {
        element(to, base, i as i64).copy_from_slice(chunk);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error, with_vms};

    #[test]
    fn a_view_follows_its_exporter() {
        with_vms(|vm| {
            let bytes = vm.new_bytearray(b"abcdef");
            let view = vm.new_memoryview(bytes).unwrap();
            let key = vm.new_slice(Value::from_int(5), vm.none, Value::from_int(-2));
            let backwards = getitem(vm, view, key).unwrap();
            assert_eq!(gathered(vm, backwards).unwrap(), b"fdb");
            setitem(vm, backwards, Value::from_int(0), Value::from_int(88)).unwrap();
            assert_eq!(crate::bytearray::content(bytes), b"abcdeX");
            crate::bytearray::resize(vm, bytes, 1);
            let raised = gathered(vm, backwards).unwrap_err();
            assert_eq!(error(vm, raised), "BufferError: memoryview: the underlying buffer was resized");
        });
    }
}
