//! Files that nobody closed: what was written to them reaches the disk all the same.
//!
//! When a stream dies, and when the program ends, its finalizer closes it. A text stream goes before the buffer below
//! it, that before its file, however the collector queued them.
//!
//! CPython closes a file as soon as its last reference goes, and programs rely on it: `open(p, 'w').write(text)`, and
//! the next line reads `p`. Here the stream lives until a collection. So everything that looks at the file system
//! first writes out what is waiting in streams ([`write_out_all`]).

use super::{State, buffered, text, types};
use heap::Value;
use objects::error::PyResult;
use objects::ty::{TypeRef, flags};
use objects::value_vec::ValueVec;
use objects::vm::Vm;

/// Lets the collector tell when a stream of one of our own classes dies. Instances of classes written in Python are
/// registered when they are made.
pub fn register(vm: &mut Vm, stream: Value) {
    if !vm.type_of(stream).has(flags::HAS_FINALIZER) {
        vm.thread.heap.register_finalizer(stream);
    }
}

/// The finalizer of all streams: `close()`, which a class may define.
pub fn finalize(vm: &mut Vm, stream: Value) -> PyResult<()> {
    let closed = match vm.getattr_str(stream, "closed") {
        Ok(closed) => vm.truth(closed)?,
        // Nothing was opened.
        Err(_) => return Ok(()),
    };
    if closed {
        return Ok(());
    }
    let is_own = !vm.type_of(stream).has(flags::HEAP);
    if vm.extension::<State>().exiting && is_own {
        // Others may write to it yet, and the system closes it.
        return super::call0(vm, stream, "flush").map(|_| ());
    }
    if is_own {
        let shown = vm.repr_text(stream)?;
        (vm.hooks.warn)(vm, vm.exc.resource_warning, &format!("unclosed file {shown}"), 1)?;
    }
    super::call0(vm, stream, "close").map(|_| ())
}

/// The order in which the dead are finalized: streams above others first, objects of the program in between.
fn rank(vm: &mut Vm, object: Value) -> u8 {
    let Some(types) = vm.extension::<State>().types else { return 1 };
    let class = vm.type_of(object);
    if class.is_subtype(types.text) {
        0
    } else if class == types.file {
        3
    } else if is_buffer(vm, class) {
        2
    } else {
        1
    }
}

fn is_buffer(vm: &mut Vm, class: TypeRef) -> bool {
    let types = types(vm);
    [types.writer, types.reader, types.random, types.pair].contains(&class)
}

/// Brings the queue of the dead into order; runs before finalizers do.
pub fn order_queue(vm: &mut Vm) -> PyResult<()> {
    if vm.thread.heap.has_finalizable() {
        let count = vm.thread.heap.finalizable().len();
        let ranks: Vec<u8> = (0..count).map(|i| rank(vm, vm.thread.heap.finalizable()[i])).collect();
        vm.thread.heap.sort_finalizable(&ranks);
    }
    Ok(())
}

/// At the end of the program: runs the finalizers of all that still lives.
pub fn finalize_all(vm: &mut Vm) -> PyResult<()> {
    write_out_all(vm);
    vm.extension::<State>().exiting = true;
    interp::boot::finalize_all(vm)?;
    write_out_all(vm);
    Ok(())
}

/// Notes that a stream has something waiting.
pub fn note_waiting(vm: &mut Vm) {
    vm.extension::<State>().waiting = true;
}

/// Writes out what waits in our own streams over files, as far as that is possible. Called before anything else looks
/// at the file system.
pub fn write_out_all(vm: &mut Vm) {
    if !std::mem::take(&mut vm.extension::<State>().waiting) {
        return;
    }
    let count = waiting(vm).len();
    let mut streams = ValueVec::with_capacity(vm, count);
    // Room was made before the addresses are looked at: nothing moves while they are stored.
    for address in waiting(vm).into_iter().take(count) {
        streams.push(vm, Value(address));
    }
    for texts_first in [true, false] {
        for i in 0..streams.len {
            let stream = streams.get(i);
            let is_text = vm.type_of(stream) == types(vm).text;
            // What cannot be written stays in the stream, and closing it reports why.
            let _ = match (texts_first, is_text) {
                (true, true) => text::write_out_to_file(vm, stream),
                (false, false) => buffered::write_out_to_file(vm, stream),
                _ => Ok(()),
            };
        }
    }
    // A stale pointer to the array on the native stack keeps no stream alive.
    for i in 0..streams.len {
        streams.set(vm, i, Value::NULL);
    }
}

/// The addresses of our own streams, the registered ones.
fn waiting(vm: &mut Vm) -> Vec<u64> {
    let types = types(vm);
    let classes = [types.text, types.writer, types.random, types.pair];
    let registered = vm.thread.heap.registered_objects();
    registered.filter(|object| classes.contains(&vm.type_of(*object))).map(|object| object.0).collect()
}
