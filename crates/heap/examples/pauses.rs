//! Pauses on a large heap of small objects under mutation, and what the write barrier costs.
//!
//! `cargo run --release -p heap --example pauses [MiB [rounds]]`
//!
//! The heap holds tables of Values whose entries are linked lists, under one large table, and a large table that refers to
//! nodes everywhere. A mutation replaces a list by a new one, which at times shares its end with another, or stores a node
//! into the large table; most of what it allocates dies at once. `HEAP_LOG=FILE` logs each part of each
//! collection; with `HEAP_PROCESSOR_CLOCK=1` pauses are processor time, on a machine that does other things as well.

use std::fs::File;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use heap::{Config, Heap, Layout, Phase, RefMask, ShapeId, Tail, Value};

/// Entries of a table, nodes of a list.
const ENTRIES: usize = 64;
const NODES: usize = 8;
/// Bytes of a table with its lists.
const RECORD_BYTES: usize = 16 + ENTRIES * 8 + ENTRIES * NODES * 32;
/// Words in front of a table's entries.
const FIRST: usize = 2;

struct World {
    heap: Box<Heap>,
    node: ShapeId,
    array: ShapeId,
    random: u64,
}

fn main() {
    let argument = |i: usize, default: usize| {
        std::env::args().nth(i).map_or(default, |text| text.parse().expect("the arguments are numbers: MiB, rounds"))
    };
    let (mib, rounds) = (argument(1, 1024), argument(2, 4_000_000));
    barrier();
    let log = std::env::var_os("HEAP_LOG").map(|path| Arc::new(File::create(path).expect("HEAP_LOG names a file")));
    let mut heap = Heap::new(Config {
        log,
        processor_clock: std::env::var_os("HEAP_PROCESSOR_CLOCK").is_some(),
        ..Config::default()
    });
    let node = heap.register_shape(Layout::values(4));
    let array = heap.register_shape(Layout::new(2, RefMask::None).with_tail(Tail::Values));
    let mut world = World { heap, node, array, random: 88172645463325252 };
    let records = (mib << 20) / RECORD_BYTES;
    let start = Instant::now();
    let root = world.heap.alloc_tail(array, 16, records);
    let nodes = world.heap.alloc_tail(array, 16, 1 << 20);
    for i in 0..records {
        let table = world.table();
        world.store(root, FIRST + i, table);
    }
    report("while it is built", &world.heap, start);
    let pauses_before = world.heap.pauses().clone();
    let start = Instant::now();
    for _ in 0..rounds {
        world.mutate(root, nodes, records);
    }
    report("in all, mutations included", &world.heap, start);
    println!("pauses before the mutations: {}, after: {}", pauses_before.all().count, world.heap.pauses().all().count);
    black_box((root, nodes));
}

impl World {
    fn below(&mut self, n: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as usize % n
    }

    fn store(&mut self, object: Value, word: usize, value: Value) {
        // SAFETY: the callers name words that hold Values.
        unsafe { self.heap.store(object, word, value) }
    }

    fn list(&mut self, length: usize, end: Value) -> Value {
        let mut list = end;
        for i in 0..length {
            let object = self.heap.alloc(self.node, 32);
            set(object, 1, Value::from_int(i as i64));
            set(object, 2, list);
            set(object, 3, Value::NULL);
            list = object;
        }
        list
    }

    fn table(&mut self) -> Value {
        let table = self.heap.alloc_tail(self.array, 16, ENTRIES);
        for i in 0..ENTRIES {
            let list = self.list(NODES, Value::NULL);
            self.store(table, FIRST + i, list);
        }
        table
    }

    fn mutate(&mut self, root: Value, nodes: Value, records: usize) {
        let (record, entry) = (self.below(records), self.below(ENTRIES));
        let table = get(root, FIRST + record);
        match self.below(8) {
            0 => {
                let other = get(get(root, FIRST + self.below(records)), FIRST + entry);
                let end = if other.is_null() { other } else { get(other, 2) };
                let list = self.list(NODES - 1, end);
                // Lists would grow for ever.
                set(last_but(list, NODES), 2, Value::NULL);
                self.store(table, FIRST + entry, list);
            }
            1..4 => {
                let list = self.list(NODES, Value::NULL);
                self.store(table, FIRST + entry, list);
            }
            4 => {
                let slot = FIRST + self.below(1 << 20);
                let list = get(table, FIRST + entry);
                self.store(nodes, slot, list);
            }
            5 if self.below(16) == 0 => {
                let table = self.table();
                self.store(root, FIRST + record, table);
            }
            _ => _ = black_box(self.list(NODES, Value::NULL)),
        }
    }
}

/// The node behind `count - 1` others, or the last one.
fn last_but(list: Value, count: usize) -> Value {
    let mut at = list;
    for _ in 1..count {
        match get(at, 2) {
            Value::NULL => break,
            next => at = next,
        }
    }
    at
}

fn get(object: Value, word: usize) -> Value {
    // SAFETY: the words exist.
    unsafe { *(object.0 as *const Value).add(word) }
}

/// NULL and integers need no barrier.
fn set(object: Value, word: usize, value: Value) {
    // SAFETY: the words exist.
    unsafe { *(object.0 as *mut Value).add(word) = value }
}

fn report(what: &str, heap: &Heap, start: Instant) {
    let stats = heap.stats();
    println!(
        "{what}: {:.1} s, heap {} MiB, promoted {} MiB, minor collections {}, full {} ({} in steps), peak RSS {} MiB",
        start.elapsed().as_secs_f64(),
        stats.heap_bytes >> 20,
        stats.promoted_bytes >> 20,
        stats.minor_collections,
        stats.full_collections,
        stats.full_collections_in_steps,
        peak_rss_kib() >> 10,
    );
    let pauses = heap.pauses();
    let rows = Phase::ALL.map(|phase| (phase.name(), pauses.of(phase)));
    println!("{:8} {:>8} {:>10} {:>8} {:>8} {:>8} {:>8}", "ms", "count", "total", "p50", "p99", "p99.9", "longest");
    for (name, times) in [("pauses", &pauses.all())].into_iter().chain(rows) {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|part| times.percentile_ns(part) as f64 / 1e6);
        println!(
            "{name:8} {:8} {:10.1} {p50:8.2} {p99:8.2} {p999:8.2} {:8.2}",
            times.count,
            times.total_ns as f64 / 1e6,
            times.longest_ns as f64 / 1e6
        );
    }
}

/// Stores into objects, with the barrier and without.
fn barrier() {
    const OBJECTS: usize = 1000;
    const STORES: usize = 100_000_000;
    let mut heap = Heap::new(Config::default());
    let node = heap.register_shape(Layout::values(4));
    let array = heap.register_shape(Layout::new(2, RefMask::None).with_tail(Tail::Values));
    let objects = heap.alloc_tail(array, 16, OBJECTS);
    for i in 0..OBJECTS {
        let object = heap.alloc(node, 32);
        (1..4).for_each(|word| set(object, word, Value::NULL));
        // SAFETY: the array has so many elements.
        unsafe { heap.store(objects, FIRST + i, object) };
    }
    let time = |heap: &mut Heap, with_barrier: bool| {
        let start = Instant::now();
        for i in 0..STORES {
            let object = get(objects, FIRST + i % OBJECTS);
            let value = Value::from_int(i as i64);
            if with_barrier {
                heap.write_barrier(object);
            }
            set(black_box(object), 1, value);
        }
        start.elapsed().as_secs_f64() * 1e9 / STORES as f64
    };
    let mut best = [f64::MAX; 4];
    for _ in 0..3 {
        // Young ones, then old ones: each is remembered at its first store.
        best[0] = best[0].min(time(&mut heap, false));
        best[1] = best[1].min(time(&mut heap, true));
        heap.collect_young();
        best[2] = best[2].min(time(&mut heap, true));
    }
    // Every store is the first since a collection.
    let mut slow = 0.0;
    const ROUNDS: usize = 200;
    for _ in 0..ROUNDS {
        heap.collect_young();
        let start = Instant::now();
        for i in 0..OBJECTS {
            heap.write_barrier(get(objects, FIRST + i));
        }
        slow += start.elapsed().as_secs_f64() * 1e9 / (OBJECTS * ROUNDS) as f64;
    }
    best[3] = slow;
    println!(
        "ns a store: {:.2} without barrier, {:.2} with (young objects), {:.2} (old ones), {:.2} more for the first since a collection",
        best[0], best[1], best[2], best[3]
    );
}

fn peak_rss_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
