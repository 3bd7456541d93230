//! Shapes and helpers that the heap's tests share.

#![allow(dead_code)]

use std::cell::RefCell;
use std::rc::Rc;

use heap::{Config, Finalize, Heap, Layout, RefMask, ShapeId, Tail, Value};

/// The shapes of the tests.
#[derive(Clone, Copy)]
pub struct Shapes {
    /// Header, number, two Values.
    pub node: ShapeId,
    /// The same with a finalizer.
    pub mortal: ShapeId,
    /// Header, count, number, Values.
    pub array: ShapeId,
    /// Header and a raw word.
    pub raw: ShapeId,
    /// Header, count, bytes.
    pub bytes: ShapeId,
    /// Header, weak slot, number.
    pub weak: ShapeId,
    /// Header, number, buffer, its length.
    pub buffer: ShapeId,
}

impl Shapes {
    pub fn register(heap: &mut Heap) -> Shapes {
        Shapes {
            node: heap.register_shape(Layout::values(4)),
            mortal: heap.register_shape(Layout::values(4).with_finalize(Finalize::Guest)),
            array: heap.register_shape(Layout::new(3, RefMask::All).with_tail(Tail::Values)),
            raw: heap.register_shape(Layout::raw(2)),
            bytes: heap.register_shape(Layout::raw(2).with_tail(Tail::Bytes)),
            weak: heap.register_shape(Layout::masked(3, 0b100).with_weak(1)),
            buffer: heap.register_shape(Layout::masked(4, 0b10).with_finalize(Finalize::OffHeap)),
        }
    }
}

pub fn word(object: Value, index: usize) -> Value {
    assert!(object.is_object());
    // SAFETY: the tests read words that exist.
    unsafe { *(object.0 as *const Value).add(index) }
}

/// A store into a fresh object.
pub fn init(object: Value, index: usize, value: Value) {
    // SAFETY: the tests write words that exist.
    unsafe { *(object.0 as *mut Value).add(index) = value }
}

/// A store with the barrier.
pub fn store(heap: &mut Heap, object: Value, index: usize, value: Value) {
    // SAFETY: the tests write words that hold Values.
    unsafe { heap.store(object, index, value) }
}

pub fn node(heap: &mut Heap, shapes: &Shapes, number: i64, left: Value, right: Value) -> Value {
    let object = heap.alloc(shapes.node, 32);
    init(object, 1, Value::from_int(number));
    init(object, 2, left);
    init(object, 3, right);
    object
}

/// Precise roots that the test shares with the heap.
pub type Roots = Rc<RefCell<Vec<Value>>>;

/// A heap whose precise roots are the shared vector.
pub fn rooted(config: Config) -> (Box<Heap>, Shapes, Roots) {
    let mut heap = Heap::new(config);
    let shapes = Shapes::register(&mut heap);
    let roots = Rc::new(RefCell::new(Vec::new()));
    let shared = roots.clone();
    heap.set_roots(Box::new(move |visitor| shared.borrow_mut().iter_mut().for_each(|slot| visitor.precise(slot))));
    (heap, shapes, roots)
}

/// A list of `count` nodes as a root.
#[inline(never)]
pub fn list(heap: &mut Heap, shapes: &Shapes, roots: &Roots, count: i64) {
    roots.borrow_mut().push(Value::NULL);
    let last = roots.borrow().len() - 1;
    for i in 0..count {
        let end = roots.borrow()[last];
        // The allocation may move the end: it is stored afterwards.
        let new = node(heap, shapes, i, Value::NULL, Value::NULL);
        let end = if end == roots.borrow()[last] { end } else { roots.borrow()[last] };
        store(heap, new, 2, end);
        roots.borrow_mut()[last] = new;
    }
}

/// Runs a test where no earlier thread has left words that look like pointers: a stack this big is not kept for the next thread.
pub fn on_fresh_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(test).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Overwrites dead stack below the caller, so that stale words there do not keep objects.
#[inline(never)]
pub fn clobber_stack() {
    std::hint::black_box(&mut [0u64; 2048]);
}

/// Seeds and steps of a random test: `HEAP_FUZZ=seeds,steps`, or `HEAP_FUZZ=first..end,steps`.
pub fn fuzz_setting(seeds: u64, steps: usize) -> (std::ops::Range<u64>, usize) {
    let Ok(setting) = std::env::var("HEAP_FUZZ") else { return (1..seeds + 1, steps) };
    let parse = || {
        let (seeds, steps) = setting.split_once(',')?;
        let seeds = match seeds.split_once("..") {
            Some((first, end)) => first.parse().ok()?..end.parse().ok()?,
            None => 1..seeds.parse::<u64>().ok()? + 1,
        };
        Some((seeds, steps.parse().ok()?))
    };
    parse().unwrap_or_else(|| panic!("HEAP_FUZZ={setting}: it is seeds,steps or first..end,steps"))
}

/// Xorshift.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}
