//! `tee`: several iterators over the elements of one.
//!
//! The elements lie in a chain of blocks; each iterator stands at a place in a block. Who comes to a place that is not filled
//! yet fills it from the source. Blocks that no iterator can reach any more are the collector's.

use crate::support::add_type;
use heap::{Layout, RefMask, Value};
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::{Object, cast};
use objects::shape::{Kind, Shape};
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::value_vec;
use objects::vm::Vm;

/// Elements of a block.
const BLOCK: usize = 57;

layout! {
    Tee {
        block BLOCK: Value;
        /// The place of the next element in the block.
        index INDEX: i64;
    }

    TeeBlock {
        /// The source.
        iterator ITERATOR: Value;
        /// An array of [`BLOCK`] values.
        elements ELEMENTS: Value;
        /// The places that are filled.
        filled FILLED: i64;
        /// NULL if there is none yet.
        next NEXT: Value;
        /// The source is being read for this block.
        running RUNNING: i64;
    }
}

#[derive(Default)]
struct State {
    ty: Option<TypeRef>,
    block: Option<&'static Shape>,
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
    let block = vm.new_shape(Layout::new(TeeBlock::WORDS, RefMask::Bits(TeeBlock::REFS)), Kind::Storage, object);
    *vm.extension::<State>() = State { ty: Some(ty), block: Some(block) };
}

static METHODS: &[MethodDef] = &[MethodDef::method("__copy__", 1, 1, |vm, args| Ok(copy(vm, args.values[0])))
    .with_doc("Returns an independent iterator.")];

/// Another iterator at the same place.
fn copy(vm: &mut Vm, tee: Value) -> Value {
    let ty = vm.extension::<State>().ty.expect("made with the module");
    let copy = vm.new_instance(ty);
    let (from, to) = (cast::<Tee>(tee), cast::<Tee>(copy));
    to.block.set(from.block.get());
    to.index.set(from.index.get());
    copy
}

fn new_block(vm: &mut Vm, iterator: Value) -> Value {
    let shape = vm.extension::<State>().block.expect("made with the module");
    let elements = value_vec::new_array(vm, BLOCK);
    let block = vm.thread.heap.alloc_zeroed(shape.id, TeeBlock::BYTES);
    let this = cast::<TeeBlock>(block);
    this.iterator.set(iterator);
    this.elements.set(elements);
    block
}

/// A tee over an iterable; of a tee, a copy.
fn over(vm: &mut Vm, iterable: Value) -> PyResult {
    let ty = vm.extension::<State>().ty.expect("made with the module");
    let iterator = vm.iter(iterable)?;
    if vm.type_of(iterator) == ty {
        return Ok(copy(vm, iterator));
    }
    let block = new_block(vm, iterator);
    let tee = vm.new_instance(ty);
    cast::<Tee>(tee).block.set(block);
    Ok(tee)
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
        let copy = copy(vm, first);
        vm.list_append(list, copy);
    }
    Ok(vm.new_tuple(objects::list::items(list)))
}

fn next(vm: &mut Vm, tee: Value) -> PyResult<Option<Value>> {
    let object = cast::<Tee>(tee);
    if object.index.get() as usize >= BLOCK {
        let block = following(vm, object.block.get());
        vm.write(tee, &object.block, block);
        object.index.set(0);
    }
    let block = cast::<TeeBlock>(object.block.get());
    let index = object.index.get();
    if index >= block.filled.get() {
        if block.running.get() != 0 {
            return Err(vm.runtime_error("cannot re-enter the tee iterator"));
        }
        block.running.set(1);
        let element = vm.next(block.iterator.get());
        block.running.set(0);
        let Some(element) = element? else { return Ok(None) };
        value_vec::array_set(vm, block.elements.get(), index as usize, element);
        block.filled.set(index + 1);
    }
    object.index.set(index + 1);
    Ok(Some(value_vec::array_get(block.elements.get(), index as usize)))
}

/// The block after a full one.
fn following(vm: &mut Vm, block: Value) -> Value {
    let this = cast::<TeeBlock>(block);
    if this.next.get().is_null() {
        let fresh = new_block(vm, this.iterator.get());
        vm.write(block, &this.next, fresh);
    }
    this.next.get()
}
