//! `memoryview`: a window on the memory of an object with the buffer protocol.
//!
//! A view keeps the exporter and asks it for its memory at each access, so an exporter may move or resize its memory:
//! an access that no longer fits is an error.
//!
//! A view is rows one after the other. In one dimension a row is an element; with more, which only `cast` makes, a row is
//! what the first index chooses, and its elements lie close together in C order.

mod cast_view;
mod dimensions;
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
        /// Rows.
        len LEN: i64;
        /// Bytes from one row to the next; may be negative.
        stride STRIDE: i64;
        /// Bytes of an element.
        item_bytes ITEM_BYTES: i64;
        /// Bytes of a row.
        row_bytes ROW_BYTES: i64;
        dimensions DIMENSIONS: i64;
        /// A tuple: how many elements there are along the second and later dimensions.
        inner INNER: Value;
        /// A str.
        format FORMAT: Value;
        /// 0 or 1.
        read_only READ_ONLY: i64;
        /// The hash, if `hashed` is 1; it outlives `release`.
        hash HASH: i64;
        hashed HASHED: i64;
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
                if cast::<MemoryView>(view).dimensions.get() == 0 {
                    return Err(vm.type_error("0-dim memory has no length"));
                }
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
        view.row_bytes.set(memory.item_bytes as i64);
        view.dimensions.set(1);
        view.inner.set(self.empty_tuple);
        view.format.set(format);
        view.read_only.set(memory.read_only as i64);
        Ok(value)
    }
}

/// A view of other rows of the same exporter.
fn derive(vm: &mut Vm, of: Value, offset: i64, len: i64, stride: i64) -> Value {
    let value = vm.new_instance(vm.types.memoryview);
    let (view, old) = (cast::<MemoryView>(value), cast::<MemoryView>(of));
    view.exporter.set(old.exporter.get());
    view.offset.set(offset);
    view.len.set(len);
    view.stride.set(stride);
    view.item_bytes.set(old.item_bytes.get());
    view.row_bytes.set(old.row_bytes.get());
    view.dimensions.set(old.dimensions.get());
    view.inner.set(old.inner.get());
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

/// The address of the first row; all of the view's rows lie within the exporter's memory.
fn memory(vm: &mut Vm, value: Value) -> PyResult<*mut u8> {
    live(vm, value)?;
    let view = cast::<MemoryView>(value);
    let exporter = view.exporter.get();
    let buffer = vm.type_of(exporter).slots().buffer.expect("the exporter has the buffer protocol");
    let whole = buffer(vm, exporter)?;
    let (offset, len, stride) = (view.offset.get(), view.len.get(), view.stride.get());
    if len > 0 {
        let last = offset + (len - 1) * stride;
        let (low, high) = (offset.min(last), offset.max(last) + view.row_bytes.get());
        if low < 0 || high > whole.bytes as i64 {
            return Err(vm.buffer_error("memoryview: the underlying buffer was resized"));
        }
    }
    Ok(whole.address.wrapping_offset(offset as isize))
}

/// The bytes of row `index`, which is in range.
fn row(view: &MemoryView, base: *mut u8, index: i64) -> &'static mut [u8] {
    let address = base.wrapping_offset((index * view.stride.get()) as isize);
    // SAFETY: `memory` checked that all rows lie within the exporter's memory.
    unsafe { std::slice::from_raw_parts_mut(address, view.row_bytes.get() as usize) }
}

/// All elements one after the other.
pub fn gathered(vm: &mut Vm, value: Value) -> PyResult<Vec<u8>> {
    let base = memory(vm, value)?;
    let view = cast::<MemoryView>(value);
    let mut bytes = heap::vec_with_capacity((view.len.get() * view.row_bytes.get()) as usize);
    for i in 0..view.len.get() {
        bytes.put_all(row(view, base, i));
    }
    Ok(bytes)
}

fn is_contiguous(view: &MemoryView) -> bool {
    view.len.get() <= 1 || view.stride.get() == view.row_bytes.get()
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
        bytes: (view.len.get() * view.row_bytes.get()) as usize,
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
    let view = cast::<MemoryView>(value);
    if view.hashed.get() != 0 {
        return Ok(view.hash.get());
    }
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
    view.hash.set(crate::str::hash_bytes(&bytes));
    view.hashed.set(1);
    Ok(view.hash.get())
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
    if right.exporter.get().is_null() || !dimensions::alike(left, right) {
        return Ok(false);
    }
    let (left_base, right_base) = (memory(vm, a)?, memory(vm, b)?);
    let plain = |vm: &Vm, view: &MemoryView| matches!(vm.str_bytes(view.format.get()), b"B" | b"c");
    if plain(vm, left) && plain(vm, right) {
        return Ok((0..left.len.get()).all(|i| row(left, left_base, i) == row(right, right_base, i)));
    }
    for i in 0..left.len.get() {
        let (x, y) = (row(left, left_base, i), row(right, right_base, i));
        let elements = x.chunks_exact(left.item_bytes.get() as usize);
        for (x, y) in elements.zip(y.chunks_exact(right.item_bytes.get() as usize)) {
            let (Some(x), Some(y)) = (item::unpack_opt(vm, left, x), item::unpack_opt(vm, right, y)) else {
                return Ok(false);
            };
            if !vm.eq(x, y)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn iter(vm: &mut Vm, value: Value) -> PyResult {
    live(vm, value)?;
    match cast::<MemoryView>(value).dimensions.get() {
        0 => return Err(vm.type_error("invalid indexing of 0-dim memory")),
        1 => {}
        _ => return Err(vm.not_implemented_error("multi-dimensional sub-views are not implemented")),
    }
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
    item::unpack(vm, cast::<MemoryView>(view), row(cast::<MemoryView>(view), base, index)).map(Some)
}

fn sliced(vm: &mut Vm, value: Value, key: Value) -> PyResult {
    let bounds = slice::bounds(vm, key)?;
    let view = cast::<MemoryView>(value);
    let range = bounds.of_len(view.len.get() as usize);
    let (offset, stride) = (view.offset.get() + range.start * view.stride.get(), view.stride.get() * range.step);
    let offset = if range.len == 0 { view.offset.get() } else { offset };
    Ok(derive(vm, value, offset, range.len as i64, stride))
}

/// What a key chooses.
enum Chosen {
    /// The element that begins at a byte of a row.
    Element { row: i64, at: usize },
    /// The whole of a view without dimensions.
    Whole,
    /// A slice of rows.
    Slice,
    /// Slices of several dimensions.
    Slices,
}

/// The place of the element with these indices, as many as dimensions.
fn place(vm: &mut Vm, value: Value, indices: &[Value]) -> PyResult<Chosen> {
    let (mut row, mut number) = (0, 0);
    for (dimension, &key) in indices.iter().enumerate() {
        let index = slice::as_index(vm, key)?.expect("it has been asked");
        let view = cast::<MemoryView>(value);
        let len = dimensions::extent(view, dimension);
        let index = if index < 0 { index + len } else { index };
        if index < 0 || index >= len {
            return Err(vm.index_error(format!("index out of bounds on dimension {}", dimension + 1)));
        }
        match dimension {
            0 => row = index,
            _ => number = number * len + index,
        }
    }
    Ok(Chosen::Element { row, at: (number * cast::<MemoryView>(value).item_bytes.get()) as usize })
}

fn choose(vm: &mut Vm, value: Value, key: Value, refusal: &str) -> PyResult<Chosen> {
    let dimensions = cast::<MemoryView>(value).dimensions.get() as usize;
    let is_tuple = crate::tuple::is_tuple(vm, key);
    if dimensions == 0 {
        return match is_tuple && crate::tuple::items(key).is_empty() {
            true => Ok(Chosen::Element { row: 0, at: 0 }),
            false if key == vm.ellipsis => Ok(Chosen::Whole),
            false => Err(vm.type_error("invalid indexing of 0-dim memory")),
        };
    }
    if vm.type_of(key).slots().index.is_some() {
        if dimensions > 1 {
            return Err(vm.not_implemented_error(refusal));
        }
        return place(vm, value, &[key]);
    }
    if slice::is_slice(key) {
        return Ok(Chosen::Slice);
    }
    let keys = if is_tuple { crate::tuple::items(key) } else { &[] };
    if is_tuple && keys.iter().all(|key| vm.type_of(*key).slots().index.is_some()) {
        let given = keys.len();
        if given < dimensions {
            return Err(vm.not_implemented_error("sub-views are not implemented"));
        }
        if given > dimensions {
            return Err(vm.type_error(format!("cannot index {dimensions}-dimension view with {given}-element tuple")));
        }
        return place(vm, value, keys);
    }
    if is_tuple && keys.iter().all(|key| slice::is_slice(*key)) {
        return Ok(Chosen::Slices);
    }
    Err(vm.type_error("memoryview: invalid slice key"))
}

fn getitem(vm: &mut Vm, value: Value, key: Value) -> PyResult {
    live(vm, value)?;
    match choose(vm, value, key, "multi-dimensional sub-views are not implemented")? {
        Chosen::Element { row: number, at } => {
            let base = memory(vm, value)?;
            let view = cast::<MemoryView>(value);
            item::unpack(vm, view, &row(view, base, number)[at..][..view.item_bytes.get() as usize])
        }
        Chosen::Whole => Ok(value),
        Chosen::Slice => sliced(vm, value, key),
        Chosen::Slices => Err(vm.not_implemented_error("multi-dimensional slicing is not implemented")),
    }
}

fn setitem(vm: &mut Vm, value: Value, key: Value, item: Value) -> PyResult<()> {
    live(vm, value)?;
    if cast::<MemoryView>(value).read_only.get() != 0 {
        return Err(vm.type_error("cannot modify read-only memory"));
    }
    if item.is_null() {
        return Err(vm.type_error("cannot delete memory"));
    }
    let one_dimension = cast::<MemoryView>(value).dimensions.get() == 1;
    match choose(vm, value, key, "sub-views are not implemented")? {
        Chosen::Element { row, at } => set_element(vm, value, row, at, item),
        Chosen::Whole => set_element(vm, value, 0, 0, item),
        Chosen::Slice if one_dimension => set_slice(vm, value, key, item),
        Chosen::Slice | Chosen::Slices => {
            Err(vm.not_implemented_error("memoryview slice assignments are currently restricted to ndim = 1"))
        }
    }
}

fn set_element(vm: &mut Vm, value: Value, number: i64, at: usize, item: Value) -> PyResult<()> {
    let packed = item::pack(vm, cast::<MemoryView>(value), item)?;
    let base = memory(vm, value)?;
    row(cast::<MemoryView>(value), base, number)[at..][..packed.len()].copy_from_slice(&packed);
    Ok(())
}

fn set_slice(vm: &mut Vm, value: Value, key: Value, item: Value) -> PyResult<()> {
    let source = if vm.type_of(item) == vm.types.memoryview { item } else { vm.new_memoryview(item)? };
    let target = sliced(vm, value, key)?;
    let (to, from) = (cast::<MemoryView>(target), cast::<MemoryView>(source));
    let same_format = vm.str_bytes(to.format.get()) == vm.str_bytes(from.format.get());
    if !dimensions::alike(to, from) || !same_format {
        return Err(vm.value_error("memoryview assignment: lvalue and rvalue have different structures"));
    }
    // Source and target may overlap.
    let bytes = gathered(vm, source)?;
    let base = memory(vm, target)?;
    let item_bytes = to.item_bytes.get() as usize;
    for (i, chunk) in bytes.chunks_exact(item_bytes).enumerate() {
        row(to, base, i as i64).copy_from_slice(chunk);
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
