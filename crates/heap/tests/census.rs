//! What a census counts, what the policy makes of collections, and which generation objects are in.

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::*;
use heap::{Config, Counted, Generation, Heap, Policy, Value};

type Roots = Rc<RefCell<Vec<Value>>>;

/// A heap whose precise roots are the shared vector, and for each shape what a census counts.
fn counted_heap() -> (Box<Heap>, Shapes, Vec<Counted>, Roots) {
    let mut heap = Heap::new(Config { poison: true, verify: 1, nursery_bytes: 256 << 10, ..Config::default() });
    let shapes = Shapes::register(&mut heap);
    let roots: Roots = Rc::default();
    let shared = roots.clone();
    heap.set_roots(Box::new(move |visitor| shared.borrow_mut().iter_mut().for_each(|slot| visitor.precise(slot))));
    let mut counted = vec![Counted::No; shapes.buffer.0 as usize + 1];
    counted[shapes.node.0 as usize] = Counted::Yes;
    counted[shapes.mortal.0 as usize] = Counted::YesBesideItself;
    counted[shapes.array.0 as usize] = Counted::IfItRefersToOne;
    (heap, shapes, counted, roots)
}

/// Builds in a frame of its own, so that the caller's stack holds no pointer to what was built.
#[inline(never)]
fn away(f: impl FnOnce()) {
    f();
    clobber_stack();
}

#[inline(never)]
fn census(heap: &mut Heap, counted: &[Counted], save: bool) -> usize {
    clobber_stack();
    // SAFETY: what is needed afterwards is in the roots.
    unsafe { heap.collect_counting(0, counted.to_vec(), save).len() }
}

/// A ring of `n` nodes, the last one referring to `behind`.
fn ring(heap: &mut Heap, shapes: &Shapes, n: i64, behind: Value) -> Value {
    let first = node(heap, shapes, 0, Value::NULL, behind);
    let mut last = first;
    for i in 1..n {
        last = node(heap, shapes, i, last, Value::NULL);
    }
    store(heap, first, 2, last);
    first
}

#[test]
fn only_cycles_and_what_is_behind_them_count() {
    let (mut heap, shapes, counted, _) = counted_heap();
    for collect_between in [false, true] {
        away(|| {
            let mut list = Value::NULL;
            for i in 0..100 {
                list = node(&mut heap, &shapes, i, list, Value::NULL);
            }
            // In front of a cycle, the cycle itself, and two objects behind it.
            let end = node(&mut heap, &shapes, 2, Value::NULL, Value::NULL);
            let behind = node(&mut heap, &shapes, 1, end, Value::NULL);
            let cycle = ring(&mut heap, &shapes, 5, behind);
            node(&mut heap, &shapes, 3, cycle, list);
        });
        if collect_between {
            heap.collect_young();
        }
        let found = census(&mut heap, &counted, false);
        // What died young and was not promoted is found by nobody.
        assert_eq!(found, if collect_between { 0 } else { 7 });
        assert_eq!(census(&mut heap, &counted, false), 0);
    }
}

#[test]
fn old_garbage_counts() {
    let (mut heap, shapes, counted, roots) = counted_heap();
    away(|| {
        let root = ring(&mut heap, &shapes, 2000, Value::NULL);
        roots.borrow_mut().push(root);
    });
    heap.collect_full();
    assert_eq!(census(&mut heap, &counted, false), 0);
    roots.borrow_mut().clear();
    assert_eq!(census(&mut heap, &counted, false), 2000);
}

#[test]
fn shapes_tell_what_counts() {
    let (mut heap, shapes, counted, _) = counted_heap();
    away(|| {
        // An array that refers to counted objects, one that does not, and one that is large; each in a cycle of two nodes.
        let full = heap.alloc_tail(shapes.array, 24, 3);
        let empty = heap.alloc_tail(shapes.array, 24, 3);
        let large = heap.alloc_tail(shapes.array, 24, 5000);
        for array in [full, empty, large] {
            let cycle = ring(&mut heap, &shapes, 2, array);
            if array != empty {
                store(&mut heap, array, 3, cycle);
            }
        }
        // What refers to itself and is not counted for that.
        let own = heap.alloc(shapes.mortal, 32);
        (1..4).for_each(|i| init(own, i, Value::NULL));
        store(&mut heap, own, 2, own);
    });
    assert_eq!(census(&mut heap, &counted, false), 6 + 2);
    heap.verify();
}

#[test]
fn what_is_saved_lives_with_all_behind_it() {
    let (mut heap, shapes, counted, roots) = counted_heap();
    away(|| {
        let bytes = heap.alloc_tail(shapes.bytes, 16, 40);
        ring(&mut heap, &shapes, 3, bytes);
    });
    assert_eq!(census(&mut heap, &counted, true), 3);
    heap.collect_full();
    while let Some(saved) = heap.take_saved() {
        roots.borrow_mut().push(saved);
    }
    heap.collect_full();
    assert_eq!(roots.borrow().len(), 3);
    let sum: i64 = roots.borrow().iter().map(|&node| word(node, 1).as_int()).sum();
    assert_eq!(sum, 3);
    roots.borrow_mut().clear();
    assert_eq!(census(&mut heap, &counted, false), 3);
}

#[test]
fn finalizers_come_before_the_count() {
    let (mut heap, shapes, mut counted, _) = counted_heap();
    counted[shapes.mortal.0 as usize] = Counted::Yes;
    away(|| {
        let mortal = heap.alloc(shapes.mortal, 32);
        (1..4).for_each(|i| init(mortal, i, Value::NULL));
        heap.register_finalizer(mortal);
        let cycle = ring(&mut heap, &shapes, 2, mortal);
        store(&mut heap, mortal, 2, cycle);
        ring(&mut heap, &shapes, 4, Value::NULL);
    });
    // The object with the finalizer, and what it refers to, are alive again.
    assert_eq!(census(&mut heap, &counted, false), 4);
    assert!(heap.take_finalizable().is_some());
    assert_eq!(census(&mut heap, &counted, false), 3);
}

fn is_in(heap: &mut Heap, generation: Generation, object: Value) -> bool {
    let mut found = false;
    heap.for_each_of_generation(generation, |other| found |= other == object);
    found
}

#[test]
fn objects_grow_old() {
    let (mut heap, shapes, _, roots) = counted_heap();
    away(|| {
        let small = node(&mut heap, &shapes, 1, Value::NULL, Value::NULL);
        let large = heap.alloc_tail(shapes.array, 24, 5000);
        roots.borrow_mut().extend([small, large]);
    });
    let ages = |heap: &mut Heap, i: usize| {
        let object = roots.borrow()[i];
        [Generation::Young, Generation::Recent, Generation::Old].map(|generation| is_in(heap, generation, object))
    };
    assert_eq!((ages(&mut heap, 0), ages(&mut heap, 1)), ([true, false, false], [true, false, false]));
    clobber_stack();
    heap.collect_young();
    // A large object has no bit for having survived a full collection.
    assert_eq!((ages(&mut heap, 0), ages(&mut heap, 1)), ([false, true, false], [false, false, true]));
    heap.collect_full();
    assert_eq!(ages(&mut heap, 0), [false, false, true]);
    heap.collect_young();
    assert_eq!(ages(&mut heap, 0), [false, false, true]);
}

#[test]
fn the_policy_holds() {
    let mut heap = Heap::new(Config { nursery_bytes: 1 << 20, first_full_bytes: 1 << 20, ..Config::default() });
    let shapes = Shapes::register(&mut heap);
    let grow = |heap: &mut Heap| {
        let mut list = Value::NULL;
        for i in 0..200_000 {
            list = node(heap, &shapes, i, list, Value::NULL);
        }
        std::hint::black_box(list);
    };
    heap.set_policy(Policy { full: false, ..heap.policy() });
    grow(&mut heap);
    let stats = heap.stats();
    assert!(stats.full_collections == 0 && stats.minor_collections >= 4, "{stats:?}");
    assert_eq!(heap.minors_since_full(), stats.minor_collections);
    heap.set_policy(Policy { full: true, minors_between_full: 1000, ..heap.policy() });
    grow(&mut heap);
    assert_eq!(heap.stats().full_collections, 0);
    heap.set_policy(Policy { minors_between_full: 0, ..heap.policy() });
    grow(&mut heap);
    assert!(heap.stats().full_collections > 0);
    // A small nursery is used up sooner.
    let before = heap.stats().minor_collections;
    heap.set_policy(Policy { nursery_bytes: 0, full: false, ..heap.policy() });
    assert_eq!((heap.policy().nursery_bytes, heap.young_bytes()), (64 << 10, 0));
    node(&mut heap, &shapes, 1, Value::NULL, Value::NULL);
    assert_eq!(heap.young_bytes(), 32);
    grow(&mut heap);
    let with_small = heap.stats().minor_collections - before;
    assert!(with_small >= 6_400_000 / (64 << 10), "{with_small} collections");
}
