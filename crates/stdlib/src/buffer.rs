//! Module `buffer`: float64 numbers in one or two dimensions, off the heap.
//!
//! The interpreter reads and writes elements through the layout, without asking here.

use crate::support::{self, signature};
use heap::Value;
use objects::args::{CallArgs, GetSetDef, MethodDef};
use objects::array_layout::Buffer;
use objects::error::PyResult;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::slots::{BufferView, Slots};
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

pub static MODULE: ModuleDef =
    ModuleDef { name: "buffer", doc: "Numbers of float64 in one or two dimensions.", functions: &[], init };

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    support::add_type(
        vm,
        module,
        TypeSpec {
            module: "buffer",
            flags: flags::HAS_WEAKREF,
            finalize: heap::Finalize::OffHeap,
            slots: Slots {
                new: Some(new),
                len: Some(|_, buffer| Ok(cast::<Buffer>(buffer).rows.get())),
                getitem: Some(|vm, buffer, key| {
                    let at = element(vm, buffer, key)?;
                    let number = content(buffer)[at];
                    Ok(vm.float(number))
                }),
                setitem: Some(|vm, buffer, key, value| {
                    if value.is_null() {
                        return Err(vm.type_error("'Float64Buffer' object doesn't support item deletion"));
                    }
                    let number = vm.to_f64(value)?;
                    let at = element(vm, buffer, key)?;
                    content(buffer)[at] = number;
                    Ok(())
                }),
                buffer: Some(|_, buffer| {
                    let numbers = content(buffer);
                    Ok(BufferView {
                        address: numbers.as_mut_ptr().cast(),
                        bytes: numbers.len() * 8,
                        item_bytes: 8,
                        format: "d",
                        read_only: false,
                    })
                }),
                ..Slots::default()
            },
            methods: METHODS,
            getset: const { &[GetSetDef::read_only("shape", |vm, buffer| Ok(shape(vm, buffer)))] },
            doc: "Float64Buffer(shape)\n--\n\nNumbers of float64, all zero at first; the shape is a length, or rows and columns.",
            ..TypeSpec::of::<Buffer>("Float64Buffer", Kind::Buffer)
        },
    );
    Ok(())
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("fill", 2, 2, |vm, args| {
        let number = vm.to_f64(args.values[1])?;
        content(args.values[0]).fill(number);
        Ok(vm.none)
    })
    .with_doc("fill($self, value, /)\n--\n\nSets every element."),
    MethodDef::method("tolist", 1, 1, |vm, args| {
        let columns = cast::<Buffer>(args.values[0]).columns.get();
        let numbers = content(args.values[0]);
        if columns < 0 {
            return Ok(list_of(vm, numbers));
        }
        let rows = vm.new_list(&[]);
        for row in 0..cast::<Buffer>(args.values[0]).rows.get() {
            let start = (row * columns) as usize;
            let row = list_of(vm, &numbers[start..start + columns as usize]);
            vm.list_append(rows, row);
        }
        Ok(rows)
    })
    .leaf()
    .with_doc("tolist($self, /)\n--\n\nThe elements as a list, or a list of rows."),
];

fn list_of(vm: &mut Vm, numbers: &[f64]) -> Value {
    let list = vm.new_list(&[]);
    for &number in numbers {
        let number = vm.float(number);
        vm.list_append(list, number);
    }
    list
}

fn shape(vm: &mut Vm, buffer: Value) -> Value {
    let object = cast::<Buffer>(buffer);
    let (rows, columns) = (Value::from_int(object.rows.get()), object.columns.get());
    if columns < 0 { vm.new_tuple(&[rows]) } else { vm.new_tuple(&[rows, Value::from_int(columns)]) }
}

/// All elements, row after row. The caller holds one such slice at a time.
fn content(buffer: Value) -> &'static mut [f64] {
    let object = cast::<Buffer>(buffer);
    let count = object.rows.get() * object.columns.get().abs();
    // SAFETY: `new` allocated that many numbers, aligned; they live as long as the object.
    unsafe { std::slice::from_raw_parts_mut(object.address.get() as *mut f64, count as usize) }
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let [given] = args.bind(vm, "Float64Buffer", &signature(["shape"], 1))?;
    let mut lengths = [-1; 2];
    if objects::tuple::is_tuple(vm, given) {
        let items = objects::tuple::items(given);
        if !(1..=2).contains(&items.len()) {
            return Err(vm.value_error("a Float64Buffer has one or two dimensions"));
        }
        for (length, &item) in lengths.iter_mut().zip(items) {
            *length = length_of(vm, item)?;
        }
    } else {
        lengths[0] = length_of(vm, given)?;
    }
    let [rows, columns] = lengths;
    let Some(bytes) = rows.checked_mul(columns.abs()).and_then(|count| count.checked_mul(8)) else {
        return Err(vm.memory_error(""));
    };
    let memory = vm.heap().try_alloc_buffer(bytes as usize);
    if memory.is_null() {
        return Err(vm.memory_error(""));
    }
    let buffer = vm.new_instance(ty);
    let object = cast::<Buffer>(buffer);
    object.rows.set(rows);
    object.columns.set(columns);
    object.address.set(memory as i64);
    object.bytes.set(bytes);
    vm.thread.heap.add_buffer(buffer, bytes as isize);
    Ok(buffer)
}

fn length_of(vm: &mut Vm, value: Value) -> PyResult<i64> {
    match vm.index(value)? {
        length @ 0.. => Ok(length),
        _ => Err(vm.value_error("negative dimensions are not allowed")),
    }
}

/// Where the element lies that a subscript names.
fn element(vm: &mut Vm, buffer: Value, key: Value) -> PyResult<usize> {
    let object = cast::<Buffer>(buffer);
    let (rows, columns) = (object.rows.get(), object.columns.get());
    if columns < 0 {
        return Ok(within(vm, key, rows)? as usize);
    }
    if !objects::tuple::is_tuple(vm, key) || objects::tuple::items(key).len() != 2 {
        return Err(vm.type_error("a Float64Buffer of two dimensions is indexed by two integers"));
    }
    let items = objects::tuple::items(key);
    let row = within(vm, items[0], rows)?;
    let column = within(vm, items[1], columns)?;
    Ok((row * columns + column) as usize)
}

fn within(vm: &mut Vm, key: Value, length: i64) -> PyResult<i64> {
    let index = vm.subscript_index(key)?;
    let index = if index < 0 { index + length } else { index };
    if index < 0 || index >= length {
        return Err(vm.index_error("Float64Buffer index out of range"));
    }
    Ok(index)
}
