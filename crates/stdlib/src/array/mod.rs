//! Module `array`: numbers of one type, close together, off the heap.
//!
//! The layout is [`objects::array_layout`]'s: the interpreter reads and writes elements through it without asking here.

mod elements;
mod initial;
mod methods;
mod pickling;
mod subscripts;

use crate::support;
use elements::{Element, kind_of};
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, MethodDef};
use objects::array_layout::Array;
use objects::builtin_layouts::SequenceIterator;
use objects::error::PyResult;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::slots::{BufferView, CompareOp, Slots};
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "array",
    doc: "This module defines an object type which can efficiently represent\nan array of basic values: characters, integers, floating-point\nnumbers.  Arrays are sequence types and behave very much like lists,\nexcept that the type of objects stored in them is constrained.\n",
    functions: &[MethodDef::function("_array_reconstructor", 4, 4, pickling::reconstruct)
        .with_doc("_array_reconstructor($module, arraytype, typecode, mformat_code, items,\n                     /)\n--\n\nInternal. Used for pickling support.")],
    init,
};

#[derive(Default)]
struct State {
    array: Option<TypeRef>,
    iterator: Option<TypeRef>,
}

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let array = support::add_type(vm, module, spec());
    vm.module_set(module, "ArrayType", array.value());
    let iterator = support::add_type(
        vm,
        module,
        TypeSpec {
            module: "array",
            flags: flags::NO_NEW,
            slots: Slots { iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
            methods: methods::ITERATOR_METHODS,
            ..TypeSpec::of::<SequenceIterator>("arrayiterator", Kind::Other)
        },
    );
    vm.dict_del_str(objects::module::dict_of(module), "arrayiterator");
    *vm.extension::<State>() = State { array: Some(array), iterator: Some(iterator) };
    let typecodes = vm.new_str("bBuwhHiIlLqQfd");
    vm.module_set(module, "typecodes", typecodes);
    let abc = objects::module::import(vm, "collections.abc")?;
    let class = vm.getattr_str(abc, "MutableSequence")?;
    vm.call_method(class, "register", &[array.value()])?;
    Ok(())
}

fn spec() -> TypeSpec {
    TypeSpec {
        module: "array",
        flags: flags::BASETYPE | flags::SEQUENCE | flags::HAS_WEAKREF,
        finalize: heap::Finalize::OffHeap,
        slots: Slots {
            new: Some(initial::new),
            repr: Some(repr),
            hash: Some(objects::object::hash_not_implemented),
            compare: Some(compare),
            iter: Some(iter),
            len: Some(|_, array| Ok(cast::<Array>(array).len.get())),
            getitem: Some(subscripts::getitem),
            setitem: Some(subscripts::setitem),
            contains: Some(|vm, array, value| Ok(find(vm, array, value, 0, usize::MAX)?.is_some())),
            concat: Some(concat),
            repeat: Some(|vm, array, count| {
                let copy = copy(vm, array);
                subscripts::repeat_in_place(vm, copy, count)
            }),
            inplace_concat: Some(inplace_concat),
            inplace_repeat: Some(subscripts::repeat_in_place),
            buffer: Some(buffer),
            ..Slots::default()
        },
        methods: methods::METHODS,
        getset: methods::GETSET,
        doc: DOC,
        ..TypeSpec::of::<Array>("array", Kind::Array)
    }
}

/// `array.array` or a class derived from it.
fn is_array(vm: &mut Vm, value: Value) -> bool {
    if vm.kind(value) == Kind::Array {
        return true;
    }
    match vm.extension::<State>().array {
        Some(array) => vm.type_of(value).is_subtype(array),
        None => false,
    }
}

/// An exact, empty array.
fn new_array(vm: &mut Vm, kind: i64) -> Value {
    let ty = vm.extension::<State>().array.expect("made with the module");
    new_array_of(vm, ty, kind)
}

fn new_array_of(vm: &mut Vm, ty: TypeRef, kind: i64) -> Value {
    let array = vm.new_instance(ty);
    cast::<Array>(array).kind.set(kind);
    array
}

/// All bytes of the elements: valid until the array changes.
fn content(array: Value) -> &'static mut [u8] {
    let object = cast::<Array>(array);
    match object.len.get() as usize {
        0 => &mut [],
        // SAFETY: `len` elements are allocated at `address` and initialised; callers hold one such slice at a time.
        len => unsafe { std::slice::from_raw_parts_mut(object.address.get() as *mut u8, len * kind_of(object).size()) },
    }
}

/// Makes the array `len` elements long; new ones are zero.
fn resize(vm: &mut Vm, array: Value, len: usize) -> PyResult<()> {
    reserve(vm, array, len)?;
    let object = cast::<Array>(array);
    let size = kind_of(object).size();
    let (old, bytes) = (object.len.get() as usize * size, len * size);
    if bytes > old {
        // SAFETY: the buffer has room for `bytes`.
        unsafe { std::ptr::write_bytes((object.address.get() as *mut u8).add(old), 0, bytes - old) };
    }
    object.len.set(len as i64);
    Ok(())
}

/// Gives the array a buffer that suits `len` elements; its length stays as it is, and what is behind is not initialised.
fn reserve(vm: &mut Vm, array: Value, len: usize) -> PyResult<()> {
    let object = cast::<Array>(array);
    let size = kind_of(object).size();
    let allocated = object.bytes.get() as usize;
    let Some(bytes) = len.checked_mul(size).filter(|bytes| *bytes <= isize::MAX as usize) else {
        return Err(vm.memory_error(""));
    };
    if bytes > allocated || bytes < allocated / 4 {
        // A first size is taken as it is; growth leaves room for more.
        let wanted = if bytes > allocated && allocated > 0 { bytes + bytes / 8 + 16 * size } else { bytes.max(1) };
        // SAFETY: the address is 0 or what the allocator gave for this object; nobody else keeps it.
        let fresh = unsafe { objects::bytearray::reallocated(vm, object.address.get(), allocated, wanted) };
        let Some(fresh) = fresh else { return Err(vm.memory_error("")) };
        object.address.set(fresh);
        object.bytes.set(wanted as i64);
        vm.thread.heap.add_buffer(array, wanted as isize - allocated as isize);
    }
    Ok(())
}

/// Element `index`, which exists.
fn get(vm: &mut Vm, array: Value, index: usize) -> PyResult {
    let kind = kind_of(cast::<Array>(array));
    let size = kind.size();
    kind.load(vm, &content(array)[index * size..][..size])
}

/// Writes element `index`, which exists.
fn put(array: Value, index: usize, element: Element) {
    let size = kind_of(cast::<Array>(array)).size();
    content(array)[index * size..][..size].copy_from_slice(&element[..size]);
}

fn push(vm: &mut Vm, array: Value, value: Value) -> PyResult<()> {
    let element = kind_of(cast::<Array>(array)).pack(vm, value)?;
    let len = cast::<Array>(array).len.get() as usize;
    resize(vm, array, len + 1)?;
    put(array, len, element);
    Ok(())
}

/// An exact array with the same elements.
fn copy(vm: &mut Vm, array: Value) -> Value {
    let fresh = new_array(vm, cast::<Array>(array).kind.get());
    let len = cast::<Array>(array).len.get() as usize;
    if resize(vm, fresh, len).is_err() {
        heap::refuse();
    }
    content(fresh).copy_from_slice(content(array));
    fresh
}

fn find(vm: &mut Vm, array: Value, value: Value, start: usize, stop: usize) -> PyResult<Option<usize>> {
    let mut i = start;
    while i < stop && i < cast::<Array>(array).len.get() as usize {
        let element = get(vm, array, i)?;
        if vm.eq(element, value)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

fn repr(vm: &mut Vm, array: Value) -> PyResult {
    let kind = kind_of(cast::<Array>(array));
    let mut text = format!("{}('{}'", vm.type_name(array), kind.typecode()).into_bytes();
    if cast::<Array>(array).len.get() > 0 {
        text.put_all(b", ");
        let elements = if kind.is_text() { methods::text_of(vm, array)? } else { methods::list_of(vm, array)? };
        let elements = vm.repr(elements)?;
        text.put_all(vm.str_bytes(elements));
    }
    text.put(b')');
    Ok(vm.new_str_bytes(&text))
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !is_array(vm, a) || !is_array(vm, b) {
        return Ok(vm.not_implemented);
    }
    let len = |array: Value| cast::<Array>(array).len.get() as usize;
    if len(a) != len(b) && matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(vm.bool(op == CompareOp::Ne));
    }
    let mut i = 0;
    while i < len(a) && i < len(b) {
        let (x, y) = (get(vm, a, i)?, get(vm, b, i)?);
        // Not by identity: a NaN differs from itself.
        if !vm.compare_bool(x, y, CompareOp::Eq)? {
            return match op {
                CompareOp::Eq => Ok(vm.false_),
                CompareOp::Ne => Ok(vm.true_),
                _ => vm.compare(x, y, op),
            };
        }
        i += 1;
    }
    Ok(vm.bool(op.holds(len(a).cmp(&len(b)))))
}

fn concat(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    if !is_array(vm, b) {
        let given = vm.type_name(b);
        return Err(vm.type_error(format!("can only append array (not \"{given}\") to array")));
    }
    if cast::<Array>(a).kind.get() != cast::<Array>(b).kind.get() {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    let sum = copy(vm, a);
    initial::extend_with_array(vm, sum, b)?;
    Ok(sum)
}

fn inplace_concat(vm: &mut Vm, array: Value, other: Value) -> PyResult {
    if !is_array(vm, other) {
        let given = vm.type_name(other);
        return Err(vm.type_error(format!("can only extend with array (not \"{given}\")")));
    }
    initial::extend_with_array(vm, array, other)?;
    Ok(array)
}

fn buffer(_vm: &mut Vm, array: Value) -> PyResult<BufferView> {
    let kind = kind_of(cast::<Array>(array));
    let bytes = content(array);
    Ok(BufferView {
        address: bytes.as_mut_ptr(),
        bytes: bytes.len(),
        item_bytes: kind.size(),
        format: kind.format(),
        read_only: false,
    })
}

fn iter(vm: &mut Vm, array: Value) -> PyResult {
    let ty = vm.extension::<State>().iterator.expect("made with the module");
    let iterator = vm.new_instance(ty);
    cast::<SequenceIterator>(iterator).sequence.set(array);
    Ok(iterator)
}

fn next(vm: &mut Vm, iterator: Value) -> PyResult<Option<Value>> {
    let object = cast::<SequenceIterator>(iterator);
    let array = object.sequence.get();
    if array.is_null() {
        return Ok(None);
    }
    let index = object.index.get();
    if index < cast::<Array>(array).len.get() {
        object.index.set(index + 1);
        return get(vm, array, index as usize).map(Some);
    }
    object.sequence.set(Value::NULL);
    Ok(None)
}

/// The receiver's number of elements.
fn len_of(args: &CallArgs) -> usize {
    cast::<Array>(args.values[0]).len.get() as usize
}

const DOC: &str = "array(typecode [, initializer]) -> array

Return a new array whose items are restricted by typecode, and
initialized from the optional initializer value, which must be a list,
string or iterable over elements of the appropriate type.

Arrays represent basic values and behave very much like lists, except
the type of objects stored in them is constrained. The type is specified
at object creation time by using a type code, which is a single character.";
