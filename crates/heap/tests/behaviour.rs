//! What the heap promises, one promise a test.

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::*;
use heap::{Config, Heap, NativeStack, Value};

fn cruel() -> Config {
    Config { nursery_bytes: 256 << 10, stress: 5, poison: true, verify: 1, ..Config::default() }
}

/// Builds in a frame of its own, so that the caller's stack holds no pointer to what was built.
#[inline(never)]
fn away<T>(f: impl FnOnce() -> T) -> T {
    std::hint::black_box(f())
}

#[test]
fn a_tail_that_the_caller_fills_in_is_not_cleared_first() {
    let (mut heap, shapes, roots) = rooted(Config { nursery_bytes: 256 << 10, verify: 1, ..Config::default() });
    let mut recycled = 0;
    for round in 0..20u64 {
        let count = 3000 + round as usize;
        let object = heap.try_alloc_tail_unfilled(shapes.array, 24, count).expect("room");
        let items = (object.0 + 24) as *mut Value;
        // SAFETY: the fresh object has room for so many values.
        unsafe {
            assert_eq!(*items.sub(1), Value(0));
            assert_eq!(*items.add(count - 1), Value(0));
            recycled += u64::from((*items).0 != 0);
            (0..count).for_each(|at| *items.add(at) = Value::from_int(at as i64));
        }
        roots.borrow_mut().push(object);
        heap.collect_full();
        roots.borrow_mut().clear();
        clobber_stack();
        heap.collect_full();
    }
    assert!(recycled > 5, "{recycled}");
}

#[test]
fn a_value_on_the_stack_stays_and_survives() {
    let (mut heap, shapes, _) = rooted(cruel());
    let held = node(&mut heap, &shapes, 7, Value::NULL, Value::NULL);
    let inner = node(&mut heap, &shapes, 8, Value::NULL, Value::NULL);
    store(&mut heap, held, 2, inner);
    for i in 0..100 {
        node(&mut heap, &shapes, i, Value::NULL, Value::NULL);
    }
    assert_eq!(word(held, 1).as_int(), 7);
    assert_eq!(word(word(held, 2), 1).as_int(), 8);
}

#[test]
fn an_interior_pointer_keeps_its_object() {
    let (mut heap, shapes, _) = rooted(cruel());
    let text: &[u8] = away(|| {
        let object = heap.alloc_tail(shapes.bytes, 16, 100);
        // SAFETY: the tail has 100 bytes; the slice on the stack keeps the object in place.
        unsafe {
            std::ptr::write_bytes((object.0 as *mut u8).add(16), b'x', 100);
            std::slice::from_raw_parts((object.0 as *const u8).add(50), 40)
        }
    });
    clobber_stack();
    for i in 0..100 {
        node(&mut heap, &shapes, i, Value::NULL, Value::NULL);
    }
    assert!(text.iter().all(|&byte| byte == b'x'));
}

#[test]
fn a_precise_root_is_updated_when_its_object_moves() {
    let (mut heap, shapes, roots) = rooted(Config::default());
    away(|| {
        let object = node(&mut heap, &shapes, 1, Value::NULL, Value::NULL);
        roots.borrow_mut().push(object);
    });
    let before = away(|| std::hint::black_box(!roots.borrow()[0].0));
    clobber_stack();
    heap.collect_young();
    assert_ne!(roots.borrow()[0].0, !std::hint::black_box(before));
    assert_eq!(word(roots.borrow()[0], 1).as_int(), 1);
    heap.verify();
}

#[test]
fn a_survivor_that_no_root_names_marks_what_it_refers_to() {
    let config = Config {
        nursery_bytes: 256 << 10,
        first_full_bytes: 64 << 10,
        mark_step: 1,
        poison: true,
        ..Config::default()
    };
    let (mut heap, shapes, roots) = rooted(config);
    list(&mut heap, &shapes, &roots, 3000);
    clobber_stack();
    // All of the list is old now, and a full collection marks an object of it after each minor one.
    heap.collect_young();
    away(|| {
        let mut before = roots.borrow()[0];
        for _ in 0..1500 {
            before = word(before, 2);
        }
        // The rest hangs on a young object, and that on another, which is the root.
        let inner = node(&mut heap, &shapes, -1, Value::NULL, word(before, 2));
        let outer = node(&mut heap, &shapes, -2, inner, Value::NULL);
        roots.borrow_mut().push(outer);
        store(&mut heap, before, 2, Value::NULL);
    });
    clobber_stack();
    assert_eq!(heap.stats().full_collections, 0);
    heap.collect_young();
    heap.verify();
    while heap.stats().full_collections == 0 {
        heap.collect_young();
    }
    (0..10).for_each(|_| heap.collect_young());
    let mut rest = word(word(roots.borrow()[1], 2), 3);
    for number in (0..1499).rev() {
        assert_eq!(word(rest, 1).as_int(), number);
        rest = word(rest, 2);
    }
    assert_eq!(rest, Value::NULL);
}

#[test]
fn old_and_immortal_objects_keep_young_ones() {
    for stress in [0, 3] {
        let (mut heap, shapes, roots) = rooted(Config { stress, verify: 1, ..cruel() });
        let immortal = heap.alloc_immortal(shapes.node, 32);
        let large = heap.alloc_tail(shapes.array, 24, 5000);
        roots.borrow_mut().push(large);
        away(|| {
            let array = heap.alloc_tail(shapes.array, 24, 10);
            roots.borrow_mut().push(array);
        });
        heap.collect_full();
        for round in 0..20 {
            away(|| {
                let new = node(&mut heap, &shapes, round, Value::NULL, Value::NULL);
                store(&mut heap, immortal, 2, new);
                let new = node(&mut heap, &shapes, round, Value::NULL, Value::NULL);
                store(&mut heap, large, 3 + round as usize * 200, new);
                let new = node(&mut heap, &shapes, round, Value::NULL, Value::NULL);
                let array = roots.borrow()[1];
                store(&mut heap, array, 5, new);
            });
            clobber_stack();
            heap.collect_young();
            assert_eq!(word(word(immortal, 2), 1).as_int(), round);
            assert_eq!(word(word(large, 3 + round as usize * 200), 1).as_int(), round);
            assert_eq!(word(word(roots.borrow()[1], 5), 1).as_int(), round);
        }
        heap.collect_full();
        for round in 0..20 {
            assert_eq!(word(word(large, 3 + round as usize * 200), 1).as_int(), round);
        }
    }
}

#[test]
fn a_missing_barrier_is_found() {
    let (mut heap, shapes, roots) = rooted(Config::default());
    away(|| {
        let old = node(&mut heap, &shapes, 1, Value::NULL, Value::NULL);
        roots.borrow_mut().push(old);
    });
    clobber_stack();
    heap.collect_young();
    let young = node(&mut heap, &shapes, 2, Value::NULL, Value::NULL);
    init(roots.borrow()[0], 2, young);
    let check = std::panic::AssertUnwindSafe(|| heap.verify());
    let message =
        *std::panic::catch_unwind(check).expect_err("a young object is not remembered").downcast::<String>().unwrap();
    assert!(message.contains("is not remembered"), "{message}");
}

#[test]
fn garbage_is_freed() {
    on_fresh_stack(|| {
        let (mut heap, shapes, roots) = rooted(Config { first_full_bytes: 4 << 20, ..Config::default() });
        for i in 0..40 {
            away(|| {
                let mut list = Value::NULL;
                for k in 0..20_000 {
                    list = node(&mut heap, &shapes, k, list, Value::NULL);
                }
                roots.borrow_mut().clear();
                roots.borrow_mut().push(list);
                if i % 4 == 0 {
                    let large = heap.alloc_tail(shapes.array, 24, 20_000);
                    roots.borrow_mut().push(large);
                }
            });
        }
        clobber_stack();
        heap.collect_full();
        assert!(heap.stats().heap_bytes < 3 << 20, "{:?}", heap.stats());
        roots.borrow_mut().clear();
        clobber_stack();
        heap.collect_full();
        assert!(heap.stats().heap_bytes < 64 << 10, "{:?}", heap.stats());
    });
}

#[test]
fn hash_and_id_survive_moving_and_pinning() {
    let (mut heap, shapes, roots) = rooted(Config { verify: 1, ..Config::default() });
    let pinned = node(&mut heap, &shapes, 1, Value::NULL, Value::NULL);
    let (hash, id) = (heap.identity_hash(pinned), heap.id(pinned));
    let moved = away(|| {
        let moved = node(&mut heap, &shapes, 2, Value::NULL, Value::NULL);
        roots.borrow_mut().push(moved);
        (heap.identity_hash(moved), heap.id(moved))
    });
    let large = heap.alloc_tail(shapes.array, 24, 3000);
    roots.borrow_mut().push(large);
    let large = (heap.identity_hash(large), heap.id(large));
    clobber_stack();
    for _ in 0..3 {
        heap.collect_young();
        heap.collect_full();
        let (a, b) = (roots.borrow()[0], roots.borrow()[1]);
        assert_eq!((heap.identity_hash(pinned), heap.id(pinned)), (hash, id));
        assert_eq!((heap.identity_hash(a), heap.id(a)), moved);
        assert_eq!((heap.identity_hash(b), heap.id(b)), large);
    }
    assert_ne!(id, moved.1);
}

#[test]
fn weak_references_are_cleared_and_queued() {
    let (mut heap, shapes, roots) = rooted(Config { verify: 1, ..Config::default() });
    heap.queue_cleared_weak(true);
    away(|| {
        for (number, keep) in [(1, true), (2, false)] {
            let target = node(&mut heap, &shapes, number, Value::NULL, Value::NULL);
            let weak = heap.alloc(shapes.weak, 24);
            init(weak, 1, target);
            init(weak, 2, Value::from_int(number));
            roots.borrow_mut().push(weak);
            if keep {
                roots.borrow_mut().push(target);
            }
        }
    });
    clobber_stack();
    heap.collect_young();
    let (kept, target, lost) = (roots.borrow()[0], roots.borrow()[1], roots.borrow()[2]);
    assert_eq!(word(kept, 1), target);
    assert!(word(lost, 1).is_null());
    assert_eq!(heap.take_cleared_weak(), Some(lost));
}

#[test]
fn a_queued_weak_reference_may_be_young() {
    let (mut heap, shapes, _) = rooted(Config { verify: 1, poison: true, ..Config::default() });
    heap.queue_cleared_weak(true);
    let pin = Rc::new(RefCell::new(vec![0u64]));
    let words = pin.clone();
    heap.add_roots(Box::new(move |visitor| {
        let words = words.borrow();
        // SAFETY: the vector can be read.
        unsafe { visitor.ambiguous_range(words.as_ptr(), words.len()) }
    }));
    away(|| {
        let target = node(&mut heap, &shapes, 1, Value::NULL, Value::NULL);
        let weak = heap.alloc(shapes.weak, 24);
        init(weak, 1, target);
        init(weak, 2, Value::from_int(5));
        pin.borrow_mut()[0] = weak.0;
    });
    clobber_stack();
    heap.collect_young();
    pin.borrow_mut()[0] = 0;
    clobber_stack();
    heap.collect_young();
    let weak = heap.take_cleared_weak().expect("its target is dead");
    assert!(word(weak, 1).is_null());
    assert_eq!(word(weak, 2).as_int(), 5);
}

#[test]
fn a_weak_reference_between_old_objects_is_cleared() {
    let (mut heap, shapes, roots) = rooted(Config { verify: 1, ..Config::default() });
    away(|| {
        let target = node(&mut heap, &shapes, 1, Value::NULL, Value::NULL);
        let weak = heap.alloc(shapes.weak, 24);
        init(weak, 1, target);
        init(weak, 2, Value::NULL);
        roots.borrow_mut().extend([weak, target]);
    });
    clobber_stack();
    heap.collect_full();
    assert!(away(|| word(roots.borrow()[0], 1) == roots.borrow()[1]));
    roots.borrow_mut()[1] = Value::NULL;
    clobber_stack();
    heap.collect_full();
    assert!(word(roots.borrow()[0], 1).is_null());
    assert_eq!(heap.take_cleared_weak(), None);
}

#[test]
fn finalizers_run_once_and_resurrect() {
    let (mut heap, shapes, _) = rooted(Config { verify: 1, ..Config::default() });
    for full in [false, true] {
        away(|| {
            let inner = node(&mut heap, &shapes, 5, Value::NULL, Value::NULL);
            let mortal = heap.alloc(shapes.mortal, 32);
            init(mortal, 1, Value::from_int(4));
            init(mortal, 2, inner);
            init(mortal, 3, mortal);
            heap.register_finalizer(mortal);
            if full {
                heap.collect_young();
            }
        });
        clobber_stack();
        heap.collect_full();
        heap.collect_full();
        away(|| {
            let mortal = heap.take_finalizable().expect("it is dead");
            assert_eq!(word(mortal, 1).as_int(), 4);
            assert_eq!(word(word(mortal, 2), 1).as_int(), 5);
            assert_eq!(word(mortal, 3), mortal);
        });
        clobber_stack();
        heap.collect_full();
        assert_eq!(heap.take_finalizable(), None);
    }
}

#[test]
fn buffers_are_freed_and_drive_collections() {
    let (mut heap, shapes, _) = rooted(Config { pressure_bytes: 1 << 20, ..Config::default() });
    for _ in 0..1000 {
        away(|| {
            let owner = heap.alloc_zeroed(shapes.buffer, 32);
            init(owner, 2, Value(heap::alloc_buffer(100_000) as u64));
            init(owner, 3, Value(100_000));
            heap.add_pressure(100_000);
        });
    }
    assert!(heap.stats().minor_collections > 50, "{:?}", heap.stats());
    assert!(heap.stats().off_heap_bytes < 4 << 20, "{:?}", heap.stats());
    clobber_stack();
    heap.collect_full();
    assert!(heap.stats().off_heap_bytes <= 200_000, "{:?}", heap.stats());
}

#[test]
fn large_objects_that_die_young_are_collected_soon() {
    let (mut heap, shapes, roots) = rooted(Config::default());
    let make = |heap: &mut Heap| heap.alloc_tail(shapes.bytes, 16, 100_000);
    let mut most = 0;
    for _ in 0..1000 {
        away(|| {
            make(&mut heap);
        });
        most = most.max(heap.stats().heap_bytes);
    }
    assert!(most < 8 << 20, "{most}");
    // Where they survive it is done more seldom.
    let before = heap.stats().minor_collections;
    for _ in 0..1000 {
        let kept = make(&mut heap);
        roots.borrow_mut().push(kept);
    }
    let collections = heap.stats().minor_collections - before;
    assert!((2..15).contains(&collections), "{collections}");
}

#[test]
fn deep_stacks_are_not_scanned_for_each_few_large_objects() {
    let (mut heap, shapes, roots) = rooted(Config::default());
    let small = node(&mut heap, &shapes, 1, Value::NULL, Value::NULL);
    roots.borrow_mut().resize(100_000, small);
    for _ in 0..1000 {
        away(|| {
            heap.alloc_tail(shapes.bytes, 16, 100_000);
        });
    }
    let collections = heap.stats().minor_collections;
    assert!((2..15).contains(&collections), "{collections}");
}

#[test]
fn the_first_nurseries_are_small() {
    let collections_of = |nursery_bytes: usize, bytes: usize| {
        let (mut heap, shapes, _) = rooted(Config { nursery_bytes, ..Config::default() });
        let before = heap.stats().minor_collections;
        for i in 0..bytes / 32 {
            node(&mut heap, &shapes, i as i64, Value::NULL, Value::NULL);
        }
        heap.stats().minor_collections - before
    };
    // Sixteen of a quarter, then whole ones.
    assert!((15..=17).contains(&collections_of(4 << 20, 16 << 20)));
    assert!((25..=27).contains(&collections_of(4 << 20, 56 << 20)));
}

#[test]
fn a_nursery_full_of_pins_goes_on() {
    let (mut heap, shapes, _) = rooted(Config { nursery_bytes: 64 << 10, ..Config::default() });
    // One pin every 64 bytes, then every 2 KiB, over the whole reserved nursery.
    for step in [2, 64] {
        let mut held = Vec::new();
        for i in 0..8 * 8192 {
            let object = node(&mut heap, &shapes, i, Value::NULL, Value::NULL);
            if i % step == 0 {
                held.push(object.0);
            }
        }
        let words = held.len();
        let first = held.as_ptr() as usize;
        heap.add_roots(Box::new(move |visitor| {
            // SAFETY: `held` outlives the collections of this loop.
            unsafe { visitor.ambiguous_range(first as *const u64, words) }
        }));
        for i in 0..8192 {
            let object = node(&mut heap, &shapes, i, Value::NULL, Value::NULL);
            held[i as usize % words] = object.0;
            let large = heap.alloc_tail(shapes.array, 24, 900);
            assert!(word(large, 500).is_null());
        }
        heap.verify();
        heap.set_roots(Box::new(|_| ()));
    }
}

#[test]
fn a_suspended_stack_is_scanned() {
    let (mut heap, shapes, _) = rooted(cruel());
    let held = node(&mut heap, &shapes, 7, Value::NULL, Value::NULL);
    let held = std::hint::black_box([held]);
    let sp = &raw const held as usize;
    let heap_address = &mut *heap as *mut Heap as usize;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // SAFETY: the other thread waits meanwhile.
            let heap = unsafe { &mut *(heap_address as *mut Heap) };
            let here = 0u64;
            heap.enter_stack(sp, &raw const here as usize + 64);
            for i in 0..100 {
                node(heap, &shapes, i, Value::NULL, Value::NULL);
            }
            heap.leave_stack();
        });
    });
    assert_eq!(word(std::hint::black_box(held)[0], 1).as_int(), 7);
}

#[test]
fn values_on_two_stacks_survive() {
    #[inline(never)]
    fn recurse(heap: &mut Heap, shapes: &Shapes, depth: i64) -> i64 {
        let held = node(heap, shapes, depth, Value::NULL, Value::NULL);
        let below = if depth == 0 { 0 } else { recurse(heap, shapes, depth - 1) };
        below + word(held, 1).as_int()
    }
    let (mut heap, shapes, _) = rooted(Config { stress: 0, nursery_bytes: 64 << 10, ..cruel() });
    let stack = NativeStack::new(256 << 20);
    let outer = node(&mut heap, &shapes, 7, Value::NULL, Value::NULL);
    let sum = heap.run_on_stack(&stack, |heap| {
        let sum = recurse(heap, &shapes, 50_000);
        let panic =
            std::panic::AssertUnwindSafe(|| heap.run_on_stack(&NativeStack::new(1 << 20), |_| panic!("in there")));
        assert!(std::panic::catch_unwind(panic).is_err());
        heap.collect_young();
        sum
    });
    assert_eq!(sum, 50_000 * 50_001 / 2);
    assert_eq!(word(outer, 1).as_int(), 7);
    heap.verify();
}

#[test]
fn every_live_object_is_visited() {
    let (mut heap, shapes, roots) = rooted(Config::default());
    away(|| {
        let mut list = Value::NULL;
        for i in 0..1000 {
            list = node(&mut heap, &shapes, i, list, Value::NULL);
        }
        roots.borrow_mut().push(list);
    });
    clobber_stack();
    let mut nodes = 0;
    heap.for_each_object(|object| {
        // SAFETY: an object.
        nodes += (unsafe { heap::shape_of(object) } == shapes.node) as usize;
    });
    assert!((1000..1010).contains(&nodes), "{nodes}");
    let mut references = Vec::new();
    heap.for_each_reference(roots.borrow()[0], |value| references.push(value));
    assert_eq!(references[0].as_int(), 999);
    assert_eq!(references.len(), 3);
}

/// The pin is a word of a registered range, as what compiled code holds in a register is.
#[test]
fn referrers_of_an_object_that_stays_pinned_see_it_move_at_last() {
    on_fresh_stack(|| {
        for stress in [0, 7] {
            let config = Config { stress, nursery_bytes: 256 << 10, poison: true, verify: 1, ..Config::default() };
            let (mut heap, shapes, roots) = rooted(config);
            let pin = Rc::new(RefCell::new(vec![0u64]));
            let words = pin.clone();
            heap.add_roots(Box::new(move |visitor| {
                // SAFETY: the words can be read.
                unsafe { visitor.ambiguous_range(words.borrow().as_ptr(), 1) }
            }));
            away(|| {
                let held = node(&mut heap, &shapes, 77, Value::NULL, Value::NULL);
                pin.borrow_mut()[0] = held.0;
                // Some are dropped again, some are written to again, half of the slots are in a large object.
                let table = heap.alloc_tail(shapes.array, 24, 4000);
                roots.borrow_mut().push(table);
                for i in 0..2000 {
                    let held = Value(pin.borrow()[0]);
                    let new = node(&mut heap, &shapes, i, held, Value::NULL);
                    roots.borrow_mut().push(new);
                    let table = roots.borrow()[0];
                    store(&mut heap, table, 3 + i as usize, held);
                    if i % 5 == 0 {
                        roots.borrow_mut().pop();
                    }
                    if i % 100 == 99 {
                        let old = roots.borrow()[roots.borrow().len() / 2];
                        store(&mut heap, old, 3, new);
                        if i % 300 == 99 { heap.collect_full() } else { heap.collect_young() }
                    }
                }
            });
            assert!(heap.stats().pinned_objects > 10);
            // Kept in a form that pins nothing.
            let held = Box::new(away(|| !pin.borrow()[0]));
            away(|| pin.borrow_mut()[0] = 0);
            away(clobber_stack);
            away(|| heap.collect_young());
            away(|| heap.collect_young());
            let roots = roots.borrow();
            let moved = word(roots[1], 2);
            assert_ne!(!moved.0, *held, "it was pinned by nothing any more");
            assert_eq!(word(moved, 1).as_int(), 77);
            assert!(roots[1..].iter().all(|&root| word(root, 2) == moved));
            assert!((0..2000).all(|i| word(roots[0], 3 + i) == moved));
        }
    });
}

#[test]
fn large_objects_die_young() {
    let (mut heap, shapes, roots) = rooted(Config { nursery_bytes: 256 << 10, ..Config::default() });
    let kept = heap.alloc_tail(shapes.array, 24, 5000);
    roots.borrow_mut().push(kept);
    away(|| (0..400).for_each(|_| _ = heap.alloc_tail(shapes.array, 24, 5000)));
    heap.collect_young();
    // One may still be referred to from the native stack.
    let stats = heap.stats();
    assert!(stats.heap_bytes < 4 * 5000 * 8, "{} bytes after a minor collection", stats.heap_bytes);
    assert_eq!(stats.full_collections, 0);
    heap.verify();
}

/// They are remembered because what they refer to is pinned, and stays young, when they are found dead.
#[test]
fn the_dead_are_not_visited_when_they_have_been_swept() {
    on_fresh_stack(|| {
        let config = Config { nursery_bytes: 256 << 10, poison: true, verify: 1, ..Config::default() };
        let (mut heap, shapes, roots) = rooted(config);
        let pin = Rc::new(RefCell::new(vec![0u64]));
        let words = pin.clone();
        heap.add_roots(Box::new(move |visitor| {
            // SAFETY: the words can be read.
            unsafe { visitor.ambiguous_range(words.borrow().as_ptr(), 1) }
        }));
        away(|| {
            for i in 0..400 {
                let new = node(&mut heap, &shapes, i, Value::NULL, Value::NULL);
                roots.borrow_mut().push(new);
            }
        });
        away(clobber_stack);
        away(|| heap.collect_young());
        away(|| {
            let held = node(&mut heap, &shapes, 77, Value::NULL, Value::NULL);
            pin.borrow_mut()[0] = held.0;
            for i in 0..400 {
                let old = roots.borrow()[i];
                store(&mut heap, old, 2, held);
            }
            // Every fortieth stays, so that the blocks do.
            let mut at = 0;
            roots.borrow_mut().retain(|_| {
                at += 1;
                at % 40 == 0
            });
        });
        away(clobber_stack);
        away(|| heap.collect_full());
        assert!(heap.stats().pinned_objects > 0);
        away(|| heap.collect_young());
        away(|| heap.collect_full());
        let roots = roots.borrow();
        assert_eq!(roots.len(), 10);
        assert!(roots.iter().all(|&root| word(word(root, 2), 1).as_int() == 77));
    });
}
