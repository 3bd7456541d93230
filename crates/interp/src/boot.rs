//! A VM with this interpreter in it.

use crate::state::{self, Config};
use heap::{Heap, Value};
use metatrace::{Jit, Options};
use objects::error::PyResult;
use objects::value_vec::ValueVec;
use objects::vm::Vm;
use std::sync::atomic::Ordering;

/// Bytes of the native stack that stay free for Rust code when Python recursion stops.
const NATIVE_RESERVE_BYTES: usize = 1 << 20;

/// Makes a VM on the calling thread, whose native stack ends `stack_bytes` below.
pub fn new_vm(heap: heap::Config, jit: Options, config: Config, stack_bytes: usize) -> Box<Vm> {
    let mut vm = Vm::new(Heap::new(heap), Jit::with_options(jit));
    vm.hooks = crate::hooks::hooks();
    let here = 0u8;
    vm.thread.native_limit = std::ptr::from_ref(&here).addr().saturating_sub(stack_bytes) + NATIVE_RESERVE_BYTES;
    state::state(&mut vm).config = config;
    state::make_types(&mut vm);
    crate::poll::register(&mut vm, run_finalizers);
    crate::poll::register(&mut vm, run_out_of_memory);
    let poll = &raw const vm.thread.poll;
    // SAFETY: the word is named until the VM is dropped; the next one to be made names its own.
    unsafe { heap::on_reserve_used(poll) };
    vm.thread.heap.on_exhausted(Box::new(move || {
        // SAFETY: the VM that has the word has the heap, too.
        unsafe { (*poll).fetch_or(1, Ordering::Relaxed) };
    }));
    vm
}

/// Registers what orders the queue of objects to finalize.
pub fn order_finalizers(vm: &mut Vm, order: fn(&mut Vm) -> PyResult<()>) {
    state::state(vm).order_finalizers = Some(order);
}

/// `__del__` and weak reference callbacks that a collection found due.
fn run_finalizers(vm: &mut Vm) -> PyResult<()> {
    objects::weakref::run_callbacks(vm);
    order_queue(vm)?;
    finalize_queue(vm);
    Ok(())
}

/// Runs the finalizers of what is in the queue, in its order. Out of the queue, so that safe points in finalizers do not go on with the
/// rest: one that is half done may be of an object that another one relies on.
fn finalize_queue(vm: &mut Vm) {
    let count = vm.thread.heap.finalizable().len();
    if count <= 1 {
        if let Some(object) = vm.thread.heap.take_finalizable() {
            finalize(vm, object);
        }
        return;
    }
    let mut due = ValueVec::with_capacity(vm, count);
    while let Some(object) = vm.thread.heap.take_finalizable() {
        due.push(vm, object);
    }
    for i in 0..due.len {
        let object = due.get(i);
        due.set(vm, i, Value::NULL);
        finalize(vm, object);
    }
}

/// Called by the dispatch loop, at an instruction whose operands are on the value stack: if the heap is full, frees what
/// only dead words of the native stack refer to.
pub fn recover(vm: &mut Vm) {
    if vm.thread.heap.memory_exhausted() {
        crate::frame_object::clear_dead_slots(vm);
        let low = vm.thread.loop_base;
        // SAFETY: what lies below the loop's base is the loop's frame and ours, and neither needs a value.
        unsafe { vm.thread.heap.recover_above(low) };
    }
}

/// MemoryError where there was too little memory since the last safe point, though it went on, and there still is.
fn run_out_of_memory(vm: &mut Vm) -> PyResult<()> {
    let used = heap::take_reserve_used();
    if used {
        vm.thread.heap.collect_full();
    }
    vm.thread.heap.ensure_reserve();
    let exhausted = vm.thread.heap.take_exhausted();
    if exhausted || used && !heap::has_reserve() { Err(vm.memory_error("")) } else { Ok(()) }
}

fn order_queue(vm: &mut Vm) -> PyResult<()> {
    match state::state(vm).order_finalizers {
        Some(order) => order(vm),
        None => Ok(()),
    }
}

fn finalize(vm: &mut Vm, object: Value) {
    if let Some(finalize) = vm.type_of(object).slots().finalize
        && let Err(raised) = finalize(vm, object)
    {
        let class = vm.type_of(object).value();
        let function = vm.getattr_str(class, "__del__").and_then(|function| vm.repr_text(function));
        let message = format!("Exception ignored while calling deallocator {}", function.unwrap_or_default());
        crate::warnings::unraisable(vm, raised.0, &message, Value::NULL);
    }
}

/// The program ends: runs the finalizers of what is dead, then those of all that still lives, older objects first.
pub fn finalize_all(vm: &mut Vm) -> PyResult<()> {
    if vm.thread.heap.registered_finalizers() == 0 {
        return Ok(());
    }
    vm.thread.heap.collect_full();
    settle(vm)?;
    vm.thread.heap.queue_all_finalizers();
    order_queue(vm)?;
    // What finalizers make does not get another turn: they might go on for ever.
    finalize_queue(vm);
    Ok(())
}

/// Does now what otherwise waits for the next safe point.
pub fn settle(vm: &mut Vm) -> PyResult<()> {
    crate::poll::attend(vm)
}
