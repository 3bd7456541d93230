//! `tee`: several iterators over the elements of one.
//!
//! The elements lie in a chain of cells; each iterator stands before a cell, and the last cell is empty. Who comes to the
//! empty one fills it from the source. Cells that no iterator can reach any more are the collector's.

use crate::support::add_type;
use heap::{Layout, RefMask, Value};
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::{Object, cast};
use objects::shape::{Kind, Shape};
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

layout! {
    Tee {
        cell CELL: Value;
    }

    TeeCell {
        /// The source.
        iterator ITERATOR: Value;
        /// NULL in the last cell.
        element ELEMENT: Value;
        next NEXT: Value;
        /// The source is being read for this cell.
        running RUNNING: i64;
    }
}

#[derive(Default)]
struct State {
    ty: Option<TypeRef>,
    cell: Option<&'static Shape>,
}

pub(super) fn add_types(vm: &mut Vm, module: Value) {
    let spec = TypeSpec {
        module: "itertools",
        flags: flags::HAS_WEAKREF,
        slots: Slots { new: Some(new), iter: Some(|_, tee| Ok(tee)), next: Some(next), ..Slots::default() },
        methods: METHODS,
        doc: "Iterator wrapped to make it copyable.",
        ..TypeSpec::of::<Tee>("_tee", Kind::Other)
    };
    let ty = add_type(vm, module, spec);
    let object = vm.types.object;
    let cell = vm.new_shape(Layout::new(TeeCell::WORDS, RefMask::Bits(TeeCell::REFS)), Kind::Storage, object);
    *vm.extension::<State>() = State { ty: Some(ty), cell: Some(cell) };
}

static METHODS: &[MethodDef] = &[MethodDef::method("__copy__", 1, 1, |vm, args| {
    let ty = vm.type_of(args.values[0]);
    Ok(at_cell(vm, ty, cast::<Tee>(args.values[0]).cell.get()))
})
.with_doc("Returns an independent iterator.")];

fn at_cell(vm: &mut Vm, ty: TypeRef, cell: Value) -> Value {
    let tee = vm.new_instance(ty);
    cast::<Tee>(tee).cell.set(cell);
    tee
}

fn new_cell(vm: &mut Vm, iterator: Value) -> Value {
    let shape = vm.extension::<State>().cell.expect("made with the module");
    let cell = vm.thread.heap.alloc_zeroed(shape.id, TeeCell::BYTES);
    cast::<TeeCell>(cell).iterator.set(iterator);
    cell
}

/// A tee over an iterable; of a tee, a copy.
fn over(vm: &mut Vm, iterable: Value) -> PyResult {
    let ty = vm.extension::<State>().ty.expect("made with the module");
    let iterator = vm.iter(iterable)?;
    let cell = if vm.type_of(iterator) == ty { cast::<Tee>(iterator).cell.get() } else { new_cell(vm, iterator) };
    Ok(at_cell(vm, ty, cell))
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let iterable = crate::support::positional(vm, ty, "_tee", args, 1, 1)?[0];
    over(vm, iterable)
}

/// `tee(iterable, n=2)`.
pub(super) fn tee(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let count = match args.get(1) {
        Some(count) => vm.index(count)?,
        None => 2,
    };
    if count < 0 {
        return Err(vm.value_error("n must be >= 0"));
    }
    if count == 0 {
        return Ok(vm.empty_tuple);
    }
    let list = vm.new_list(&[]);
    let first = over(vm, args.values[0])?;
    vm.list_append(list, first);
    for _ in 1..count {
        let ty = vm.type_of(first);
        let copy = at_cell(vm, ty, cast::<Tee>(first).cell.get());
        vm.list_append(list, copy);
    }
    Ok(vm.new_tuple(objects::list::items(list)))
}

fn next(vm: &mut Vm, tee: Value) -> PyResult<Option<Value>> {
    let object = cast::<Tee>(tee);
    let cell = object.cell.get();
    let this = cast::<TeeCell>(cell);
    if this.element.get().is_null() {
        if this.running.get() != 0 {
            return Err(vm.runtime_error("cannot re-enter the tee iterator"));
        }
        this.running.set(1);
        let element = vm.next(this.iterator.get());
        this.running.set(0);
        let Some(element) = element? else { return Ok(None) };
        let following = new_cell(vm, this.iterator.get());
        vm.write(cell, &this.next, following);
        vm.write(cell, &this.element, element);
    }
    vm.write(tee, &object.cell, this.next.get());
    Ok(Some(this.element.get()))
}
