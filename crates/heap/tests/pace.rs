//! When full collections begin.

mod common;

use common::*;
use heap::{Config, Heap};

fn config() -> Config {
    Config { nursery_bytes: 256 << 10, first_full_bytes: 4 << 20, ..Config::default() }
}

/// Lists of lists, of so many kilobytes together, all dropped before the next is made. The heap's size, at its largest.
fn lists(heap: &mut Heap, shapes: &Shapes, roots: &Roots, count: usize, kilobytes: i64) -> usize {
    let mut most = 0;
    for _ in 0..count {
        roots.borrow_mut().clear();
        clobber_stack();
        for _ in 0..kilobytes / 10 {
            list(heap, shapes, roots, 320);
            most = most.max(heap.stats().heap_bytes);
        }
    }
    most
}

#[test]
fn what_is_built_anew_first_fills_the_pages_that_stayed() {
    let (mut heap, shapes, roots) = rooted(config());
    lists(&mut heap, &shapes, &roots, 2, 9600);
    let before = heap.stats().full_collections;
    let most = lists(&mut heap, &shapes, &roots, 10, 9600);
    let fulls = heap.stats().full_collections - before;
    // One for each of them, where a small heap that grew by 4 MiB each time would need 24.
    assert!((5..15).contains(&fulls), "{fulls} full collections");
    assert!(most < 17 << 20, "{most}");
}

#[test]
fn large_objects_do_not_wait_for_old_space_to_refill() {
    let (mut heap, shapes, roots) = rooted(config());
    lists(&mut heap, &shapes, &roots, 5, 9600);
    roots.borrow_mut().clear();
    clobber_stack();
    lists(&mut heap, &shapes, &roots, 8, 640);
    let before = heap.stats().full_collections;
    for _ in 0..12 {
        let array = heap.alloc_tail(shapes.array, 24, 1 << 17);
        roots.borrow_mut().push(array);
        heap.collect_young();
    }
    assert!(heap.stats().full_collections > before);
}

#[test]
fn a_heap_that_has_become_small_is_collected_as_a_small_one() {
    let (mut heap, shapes, roots) = rooted(config());
    lists(&mut heap, &shapes, &roots, 3, 9600);
    // The size of lately counts less with each full collection.
    lists(&mut heap, &shapes, &roots, 150, 1280);
    let most = lists(&mut heap, &shapes, &roots, 10, 1280);
    assert!(most < 8 << 20, "{most}");
}

#[test]
fn a_collection_that_was_asked_for_forgets_how_large_the_heap_was() {
    let (mut heap, shapes, roots) = rooted(config());
    lists(&mut heap, &shapes, &roots, 3, 9600);
    roots.borrow_mut().clear();
    clobber_stack();
    heap.collect_full();
    let before = heap.stats().full_collections;
    lists(&mut heap, &shapes, &roots, 1, 7000);
    assert!(heap.stats().full_collections > before);
}
