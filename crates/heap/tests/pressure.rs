//! The heap's limit, and full collections in steps as a program sees them.

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use common::*;
use heap::{Config, Heap, Phase, Value};

/// A large object of 1 MiB, or so, as a root.
#[inline(never)]
fn try_large(heap: &mut Heap, shapes: &Shapes, roots: &Roots) -> bool {
    let object = heap.try_alloc_tail(shapes.array, 24, 1 << 17);
    roots.borrow_mut().extend(object);
    object.is_some()
}

#[test]
fn a_large_object_beyond_the_limit_fails_and_leaves_the_heap_as_it_was() {
    let (mut heap, shapes, roots) =
        rooted(Config { max_bytes: 20 << 20, nursery_bytes: 256 << 10, verify: 1, ..Config::default() });
    for _ in 0..3 {
        let mut count = 0;
        while try_large(&mut heap, &shapes, &roots) {
            count += 1;
        }
        assert!((15..20).contains(&count), "{count}");
        assert!(!heap.memory_exhausted());
        list(&mut heap, &shapes, &roots, 1000);
        assert!(heap.try_alloc_buffer(30 << 20).is_null());
        roots.borrow_mut().clear();
        clobber_stack();
    }
}

#[test]
fn an_allocation_that_cannot_fail_exhausts_the_heap_once() {
    let (mut heap, shapes, roots) =
        rooted(Config { max_bytes: 8 << 20, nursery_bytes: 256 << 10, verify: 60, ..Config::default() });
    let signals = Rc::new(Cell::new(0));
    let seen = signals.clone();
    heap.on_exhausted(Box::new(move || seen.set(seen.get() + 1)));
    list(&mut heap, &shapes, &roots, 200_000);
    assert_eq!(signals.get(), 0);
    list(&mut heap, &shapes, &roots, 200_000);
    assert_eq!(signals.get(), 1);
    assert!(heap.memory_exhausted() && !try_large(&mut heap, &shapes, &roots));
    assert!(heap.take_exhausted() && !heap.memory_exhausted());
    roots.borrow_mut().clear();
    clobber_stack();
    assert!(try_large(&mut heap, &shapes, &roots));
    list(&mut heap, &shapes, &roots, 100_000);
    assert_eq!(signals.get(), 1);
}

#[test]
fn a_loop_without_safepoints_is_given_up_before_the_reserve_ends() {
    let limits =
        [Config { range_bytes: 32 << 20, ..Config::default() }, Config { max_bytes: 16 << 20, ..Config::default() }];
    for limit in limits {
        let (mut heap, shapes, roots) = rooted(Config { nursery_bytes: 256 << 10, verify: 200, ..limit });
        for _ in 0..3 {
            heap.may_refuse = true;
            let result = heap::caught(|| list(&mut heap, &shapes, &roots, 100_000_000));
            heap.may_refuse = false;
            assert_eq!(result, Err(heap::OutOfMemory));
            assert!(heap.take_exhausted() && heap.stats().heap_bytes < 33 << 20, "{:?}", heap.stats());
            heap.verify();
            roots.borrow_mut().clear();
            clobber_stack();
            // Where nobody could catch it, an allocation goes on.
            list(&mut heap, &shapes, &roots, 100_000);
            roots.borrow_mut().clear();
            clobber_stack();
        }
    }
}

#[test]
fn a_range_serves_small_and_large_objects_by_turns() {
    let (mut heap, shapes, roots) =
        rooted(Config { range_bytes: 32 << 20, nursery_bytes: 256 << 10, verify: 200, ..Config::default() });
    for _ in 0..3 {
        list(&mut heap, &shapes, &roots, 700_000);
        assert!(!heap.memory_exhausted());
        list(&mut heap, &shapes, &roots, 300_000);
        assert!(heap.take_exhausted(), "{:?}", heap.stats());
        roots.borrow_mut().clear();
        clobber_stack();
        let mut count = 0;
        while try_large(&mut heap, &shapes, &roots) {
            count += 1;
        }
        assert!((20..32).contains(&count), "{count}");
        roots.borrow_mut().clear();
        clobber_stack();
    }
}

#[test]
fn a_large_array_is_marked_in_pieces() {
    const COUNT: usize = 1 << 20;
    let (mut heap, shapes, roots) = rooted(Config {
        mark_step: 100_000,
        nursery_bytes: 64 << 10,
        first_full_bytes: 1 << 20,
        verify: 16,
        ..Config::default()
    });
    let array = heap.alloc_tail(shapes.array, 24, COUNT);
    roots.borrow_mut().push(array);
    for i in (0..COUNT).step_by(1000) {
        let new = node(&mut heap, &shapes, i as i64, Value::NULL, Value::NULL);
        store(&mut heap, array, 3 + i, new);
    }
    let before = heap.stats().full_collections;
    heap.collect_young();
    let mut steps = 0;
    while heap.stats().full_collections == before {
        let slot = steps * 7919 % COUNT;
        let new = node(&mut heap, &shapes, slot as i64, Value::NULL, Value::NULL);
        store(&mut heap, array, 3 + slot, new);
        heap.collect_young();
        steps += 1;
    }
    assert!(steps > 60, "{steps} steps");
    heap.collect_young();
    heap.verify();
    for i in (0..COUNT).step_by(1000) {
        assert_eq!(word(word(array, 3 + i), 1).as_int(), i as i64);
    }
}

#[test]
fn a_growing_heap_is_collected_in_steps_and_in_time() {
    let (mut heap, shapes, roots) = rooted(Config {
        nursery_bytes: 256 << 10,
        first_full_bytes: 1 << 20,
        processor_clock: true,
        ..Config::default()
    });
    let mut most = 0;
    for i in 0..400 {
        list(&mut heap, &shapes, &roots, 10_000);
        if i >= 30 {
            // Some 10 MiB live.
            let gone = i * 7 % 30;
            roots.borrow_mut().swap_remove(gone);
        }
        most = most.max(heap.stats().heap_bytes);
    }
    let stats = heap.stats();
    assert!(stats.full_collections > 5, "{stats:?}");
    assert_eq!(stats.full_collections, stats.full_collections_in_steps, "{stats:?}");
    assert!(most < 24 << 20, "{most}");
    let pauses = heap.pauses();
    assert!(pauses.of(Phase::Mark).count > 3 * stats.full_collections as u64);
    assert_eq!(pauses.all().count, stats.minor_collections as u64);
}

#[test]
fn a_full_collection_in_steps_comes_to_its_end() {
    let (mut heap, shapes, roots) = rooted(Config { first_full_bytes: 8 << 20, ..Config::default() });
    // One begins at 8 MiB, one at 18, one at 37, or so, each when the one before has been swept to the last block.
    list(&mut heap, &shapes, &roots, 2_400_000);
    let stats = heap.stats();
    assert!((3..8).contains(&stats.full_collections_in_steps), "{stats:?}");
}

#[test]
fn each_part_of_a_collection_is_logged() {
    let path = std::env::temp_dir().join(format!("heap-log-{}", std::process::id()));
    let (mut heap, shapes, roots) =
        rooted(Config { log: Some(Arc::new(std::fs::File::create(&path).expect("a log"))), ..Config::default() });
    list(&mut heap, &shapes, &roots, 1000);
    heap.collect_full();
    drop(heap);
    let text = std::fs::read_to_string(&path).expect("the log is written");
    _ = std::fs::remove_file(&path);
    let phases: Vec<&str> = text.lines().skip(1).map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(phases, ["minor", "mark", "mark", "end", "sweep"], "{text}");
}
