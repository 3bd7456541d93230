//! Module `_tracemalloc`: which lines made the objects that live.
//!
//! While tracing is on, only the direct interpreter runs and each allocation takes the heap's slow path, where it is shown
//! to a watcher (see `heap::Heap::watch`). Off, nothing is paid. An object counts with the buffer that it owns off the heap.
//! What is dead leaves when a collection finds it; whoever asks gets one first, a full one.
//!
//! Immortal objects (classes, codes, interned names) are not traced, and there are no domains but the first.

use crate::origins::Origins;
use heap::{Allocation, Value, Wish};
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::value_vec::ValueVec;
use objects::vm::Vm;
use std::cell::RefCell;
use std::rc::Rc;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_tracemalloc",
    doc: "Debug module to trace memory blocks allocated by Python.",
    functions: FUNCTIONS,
    init: |_, _| Ok(()),
};

/// The most frames of a traceback.
const MAX_FRAMES: i64 = u16::MAX as i64;

struct State {
    /// `None`: off.
    origins: Option<Rc<RefCell<Origins>>>,
    most_frames: usize,
    /// Bytes off the heap when tracing began.
    buffers_before: usize,
}

impl Default for State {
    fn default() -> State {
        State { origins: None, most_frames: 1, buffers_before: 0 }
    }
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("is_tracing", 0, 0, |vm, _| {
        let on = vm.extension::<State>().origins.is_some();
        Ok(vm.bool(on))
    })
    .with_doc("is_tracing($module, /)\n--\n\nReturn True if the tracemalloc module is tracing Python memory allocations."),
    MethodDef::function("clear_traces", 0, 0, |vm, _| {
        if vm.extension::<State>().origins.is_some() {
            vm.heap().forget_followed();
            let now = vm.heap().stats().off_heap_bytes;
            vm.extension::<State>().buffers_before = now;
        }
        Ok(vm.none)
    })
    .with_doc("clear_traces($module, /)\n--\n\nClear traces of memory blocks allocated by Python."),
    MethodDef::function("_get_traces", 0, 0, traces)
        .with_doc("_get_traces($module, /)\n--\n\nGet traces of all memory blocks allocated by Python.\n\nReturn a list of (size: int, traceback: tuple) tuples.\ntraceback is a tuple of (filename: str, lineno: int) tuples.\n\nReturn an empty list if the tracemalloc module is disabled."),
    MethodDef::function("_get_object_traceback", 1, 1, object_traceback)
        .with_doc("_get_object_traceback($module, obj, /)\n--\n\nGet the traceback where the Python object obj was allocated.\n\nReturn a tuple of (filename: str, lineno: int) tuples.\nReturn None if the tracemalloc module is disabled or did not\ntrace the allocation of the object."),
    MethodDef::function("start", 0, 1, |vm, args| {
        let most = match args.get(0) {
            Some(count) => vm.index(count)?,
            None => 1,
        };
        start(vm, most)?;
        Ok(vm.none)
    })
    .with_doc("start($module, nframe=1, /)\n--\n\nStart tracing Python memory allocations.\n\nAlso set the maximum number of frames stored in the traceback of a\ntrace to nframe."),
    MethodDef::function("stop", 0, 0, |vm, _| {
        stop(vm);
        Ok(vm.none)
    })
    .with_doc("stop($module, /)\n--\n\nStop tracing Python memory allocations.\n\nAlso clear traces of memory blocks allocated by Python."),
    MethodDef::function("get_traceback_limit", 0, 0, |vm, _| {
        let most = vm.extension::<State>().most_frames;
        Ok(vm.int(most as i64))
    })
    .with_doc("get_traceback_limit($module, /)\n--\n\nGet the maximum number of frames stored in the traceback of a trace.\n\nBy default, a trace of an allocated memory block only stores\nthe most recent frame: the limit is 1."),
    MethodDef::function("get_tracemalloc_memory", 0, 0, |vm, _| {
        let Some(origins) = vm.extension::<State>().origins.clone() else { return Ok(vm.int(0)) };
        let bytes = origins.borrow().bytes() + vm.heap().followed().count() * size_of::<heap::Followed>();
        Ok(vm.int(bytes as i64))
    })
    .with_doc("get_tracemalloc_memory($module, /)\n--\n\nGet the memory usage in bytes of the tracemalloc module.\n\nThis memory is used internally to trace memory allocations."),
    MethodDef::function("get_traced_memory", 0, 0, traced_memory)
        .with_doc("get_traced_memory($module, /)\n--\n\nGet the current size and peak size of memory blocks traced by tracemalloc.\n\nReturns a tuple: (current: int, peak: int)."),
    MethodDef::function("reset_peak", 0, 0, |vm, _| {
        if vm.extension::<State>().origins.is_some() {
            vm.heap().collect_full();
            vm.heap().reset_followed_peak();
        }
        Ok(vm.none)
    })
    .with_doc("reset_peak($module, /)\n--\n\nSet the peak size of memory blocks traced by tracemalloc to the current size.\n\nDo nothing if the tracemalloc module is not tracing memory allocations."),
];

/// Starts tracing with so many frames a traceback, unless it is on.
pub fn start(vm: &mut Vm, most_frames: i64) -> PyResult<()> {
    if !(1..=MAX_FRAMES).contains(&most_frames) {
        return Err(vm.value_error(format!("the number of frames must be in range [1; {MAX_FRAMES}]")));
    }
    if vm.extension::<State>().origins.is_some() {
        return Ok(());
    }
    let origins = Rc::new(RefCell::new(Origins::default()));
    let before = vm.heap().stats().off_heap_bytes;
    let state = vm.extension::<State>();
    state.origins = Some(origins.clone());
    state.most_frames = most_frames as usize;
    state.buffers_before = before;
    let context: *mut Vm = vm;
    let watcher = move |allocation: &Allocation| {
        if allocation.is_buffer {
            // Its owner is followed.
            return Wish { tag: None, each: true };
        }
        // SAFETY: the VM is boxed and owns the heap that calls this; of it only the frames are read, which nobody changes
        // during an allocation.
        let tag = origins.borrow_mut().here(unsafe { &mut *context }, most_frames as usize);
        Wish { tag: Some(tag), each: true }
    };
    vm.thread.set_interpreting(true);
    vm.heap().watch(Box::new(watcher), true);
    Ok(())
}

fn stop(vm: &mut Vm) {
    if vm.extension::<State>().origins.take().is_some() {
        vm.heap().unwatch();
        vm.thread.set_interpreting(false);
    }
}

/// What is traced now, and the most there was, since tracing began or was cleared.
fn traced_memory(vm: &mut Vm, _: &CallArgs) -> PyResult {
    if vm.extension::<State>().origins.is_none() {
        return Ok(vm.new_tuple(&[Value::from_int(0), Value::from_int(0)]));
    }
    vm.heap().collect_full();
    let buffers = vm.heap().stats().off_heap_bytes.saturating_sub(vm.extension::<State>().buffers_before);
    let (bytes, peak) = vm.heap().followed_bytes();
    let (bytes, peak) = (vm.int((bytes + buffers) as i64), vm.int((peak + buffers) as i64));
    Ok(vm.new_tuple(&[bytes, peak]))
}

/// `(domain, size, frames, depth)` of each object that lives; equal frames are one tuple.
fn traces(vm: &mut Vm, _: &CallArgs) -> PyResult {
    let list = vm.new_list(&[]);
    let Some(origins) = vm.extension::<State>().origins.clone() else { return Ok(list) };
    vm.heap().collect_full();
    let heap = &vm.thread.heap;
    let found: Vec<(usize, u32)> =
        heap.followed().map(|followed| (heap.bytes_with_buffer(followed.object), followed.tag)).collect();
    let mut tuples: std::collections::HashMap<u32, usize> = Default::default();
    let mut frames = ValueVec::new();
    for (bytes, tag) in found {
        let index = match tuples.get(&tag) {
            Some(&index) => index,
            None => {
                let tuple = frames_tuple(vm, &origins, tag);
                frames.push(vm, tuple);
                tuples.insert(tag, frames.len - 1);
                frames.len - 1
            }
        };
        let depth = origins.borrow().get(tag).depth.min(MAX_FRAMES as u32);
        let row = [Value::from_int(0), vm.int(bytes as i64), frames.get(index), Value::from_int(depth as i64)];
        let row = vm.new_tuple(&row);
        vm.list_append(list, row);
    }
    Ok(list)
}

/// The frames of the object's traceback, or None.
fn object_traceback(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let object = args.values[0];
    let Some(origins) = vm.extension::<State>().origins.clone() else { return Ok(vm.none) };
    let tag = vm.heap().followed().find(|followed| followed.object == object).map(|followed| followed.tag);
    match tag {
        Some(tag) => Ok(frames_tuple(vm, &origins, tag)),
        None => Ok(vm.none),
    }
}

/// `((filename, line), …)`, innermost first.
fn frames_tuple(vm: &mut Vm, origins: &Rc<RefCell<Origins>>, tag: u32) -> Value {
    // A watcher may ask for the table while the tuples are made.
    let places = origins.borrow().get(tag).places.clone();
    let mut frames = ValueVec::new();
    for place in places {
        let name = vm.intern(place.filename());
        let row = vm.new_tuple(&[name, Value::from_int(place.line() as i64)]);
        frames.push(vm, row);
    }
    if frames.len == 0 {
        let name = vm.intern("<unknown>");
        let row = vm.new_tuple(&[name, Value::from_int(0)]);
        frames.push(vm, row);
    }
    vm.new_tuple(frames.as_slice())
}
