//! Times the allocator and the collector on a few patterns of allocation, in processor time.
//!
//! `cargo run --release -p heap --example heap_bench [name…]`

use std::hint::black_box;
use std::time::Instant;

use heap::{Config, Heap, Layout, RefMask, ShapeId, Tail, Value};

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    type Row = (&'static str, fn(&mut Bench));
    let all: [Row; 9] = [
        ("floats", floats),
        ("list", list),
        ("lists", lists),
        ("append", append),
        ("trees", trees),
        ("big_array", big_array),
        ("arrays", arrays),
        ("temporary_lists", temporary_lists),
        ("mark", mark),
    ];
    for (name, run) in all {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            let mut bench = Bench::new();
            let start = processor_seconds();
            run(&mut bench);
            let seconds = processor_seconds() - start;
            let (stats, pauses) = (bench.heap.stats(), bench.heap.pauses().all());
            println!(
                "{name:16} {:8.1} ms  minor {:5}  full {:3}  promoted {:5} MiB  gc {:7.1} ms  longest {:6.1} ms  peak {} MiB",
                seconds * 1e3,
                stats.minor_collections,
                stats.full_collections,
                stats.promoted_bytes >> 20,
                pauses.total_ns as f64 / 1e6,
                pauses.longest_ns as f64 / 1e6,
                peak_rss_kib() >> 10,
            );
        }
    }
}

struct Bench {
    heap: Box<Heap>,
    float: ShapeId,
    node: ShapeId,
    array: ShapeId,
}

impl Bench {
    fn new() -> Bench {
        let start = Instant::now();
        let mut heap = Heap::new(Config { processor_clock: true, ..Config::default() });
        let float = heap.register_shape(Layout::raw(2));
        let node = heap.register_shape(Layout::values(4));
        let array = heap.register_shape(Layout::new(2, RefMask::None).with_tail(Tail::Values));
        black_box(start.elapsed());
        Bench { heap, float, node, array }
    }

    #[inline(always)]
    fn float(&mut self, x: f64) -> Value {
        let object = self.heap.alloc(self.float, 16);
        set(object, 1, Value(x.to_bits()));
        object
    }

    #[inline(always)]
    fn node(&mut self, number: i64, left: Value, right: Value) -> Value {
        let object = self.heap.alloc(self.node, 32);
        set(object, 1, Value::from_int(number));
        set(object, 2, left);
        set(object, 3, right);
        object
    }
}

#[inline(always)]
fn get(object: Value, word: usize) -> Value {
    // SAFETY: the words exist.
    unsafe { *(object.0 as *const Value).add(word) }
}

#[inline(always)]
fn set(object: Value, word: usize, value: Value) {
    // SAFETY: the words exist.
    unsafe { *(object.0 as *mut Value).add(word) = value }
}

/// 200 million boxed floats that die at once: 3.2 GB.
fn floats(bench: &mut Bench) {
    let mut sum = bench.float(0.0);
    for i in 0..200_000_000u64 {
        sum = bench.float(f64::from_bits(get(sum, 1).0) + i as f64);
    }
    black_box(sum);
}

/// A linked list of 4 million nodes.
fn list(bench: &mut Bench) {
    let mut list = Value::NULL;
    for i in 0..4_000_000 {
        list = bench.node(i, list, Value::NULL);
    }
    black_box(list);
}

/// Twenty such lists of small nodes, one after the other.
fn lists(bench: &mut Bench) {
    #[inline(never)]
    fn list(bench: &mut Bench, node: ShapeId) {
        let mut list = Value::NULL;
        for i in 0..4_000_000 {
            let new = bench.heap.alloc(node, 24);
            set(new, 1, list);
            set(new, 2, Value::from_int(i));
            list = new;
        }
        // No black_box: it would leave the list's address on the stack.
        assert!(get(list, 2) == Value::from_int(3_999_999));
    }
    let node = bench.heap.register_shape(Layout::masked(3, 0b10));
    let mut best = f64::INFINITY;
    for _ in 0..20 {
        let start = processor_seconds();
        list(bench, node);
        best = best.min(processor_seconds() - start);
    }
    println!("{:16} {:8.1} ms, the fastest of 20, processor time", "one list", best * 1e3);
}

/// The same, appended at the end: every node is stored into an older one.
fn append(bench: &mut Bench) {
    let first = bench.node(0, Value::NULL, Value::NULL);
    let mut last = first;
    for i in 0..4_000_000 {
        let new = bench.node(i, Value::NULL, Value::NULL);
        // SAFETY: word 2 holds a Value.
        unsafe { bench.heap.store(last, 2, new) };
        last = new;
    }
    black_box(first);
}

/// Binary trees, a long-lived one and many short-lived.
fn trees(bench: &mut Bench) {
    fn tree(bench: &mut Bench, depth: u32) -> Value {
        if depth == 0 {
            return bench.node(0, Value::NULL, Value::NULL);
        }
        let left = tree(bench, depth - 1);
        let right = tree(bench, depth - 1);
        bench.node(0, left, right)
    }
    let long = tree(bench, 19);
    for _ in 0..400 {
        black_box(tree(bench, 14));
    }
    black_box(long);
}

/// Fresh objects stored at random into an array of a million.
fn big_array(bench: &mut Bench) {
    let array = bench.heap.alloc_tail(bench.array, 16, 1_000_000);
    let mut random = 1u64;
    for i in 0..10_000_000 {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let new = bench.float(i as f64);
        // SAFETY: the array has a million elements.
        unsafe { bench.heap.store(array, 2 + (random >> 33) as usize % 1_000_000, new) };
    }
    black_box(array);
}

/// Arrays of 100 Values that die at once.
fn arrays(bench: &mut Bench) {
    for _ in 0..5_000_000 {
        black_box(bench.heap.alloc_tail(bench.array, 16, 100));
    }
}

/// Arrays of 2000 Values that die at once.
fn temporary_lists(bench: &mut Bench) {
    for _ in 0..200_000 {
        black_box(bench.heap.alloc_tail(bench.array, 16, 2000));
    }
}

/// Ten full collections of 4 million nodes in tree order.
fn mark(bench: &mut Bench) {
    fn tree(bench: &mut Bench, depth: u32) -> Value {
        let (left, right) = match depth {
            0 => (Value::NULL, Value::NULL),
            _ => (tree(bench, depth - 1), tree(bench, depth - 1)),
        };
        bench.node(0, left, right)
    }
    let root = tree(bench, 21);
    for _ in 0..10 {
        bench.heap.collect_full();
    }
    black_box(root);
}

fn processor_seconds() -> f64 {
    // SAFETY: the clock exists, and the time is written to a local.
    unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    }
}

fn peak_rss_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
