//! What a long life does to the heap: waves of objects whose sizes change, with survivors strewn over them.
//!
//! `cargo run --release -p heap --example fragmentation [waves]`
//!
//! Each wave has its own mixture of sizes. Its objects take the places of random others in a table, so that lives are of very
//! different lengths (`HEAP_LOG=FILE` logs each part of each collection); the table is trimmed to the same number of bytes after each wave. A row shows what lives, what the heap
//! takes for it, and what the system sees. At the end nearly all is dropped, and what is left lies in every block.

use std::fs::File;
use std::sync::Arc;

use std::hint::black_box;

use heap::{Config, Heap, Layout, RefMask, Tail, Value};

const PLACES: usize = 1 << 20;
/// Bytes that live after each wave.
const LIVE_BYTES: usize = 96 << 20;

fn main() {
    let waves: usize =
        std::env::args().nth(1).map_or(40, |text| text.parse().expect("the argument is the number of waves"));
    let log = std::env::var_os("HEAP_LOG").map(|path| Arc::new(File::create(path).expect("HEAP_LOG names a file")));
    let mut heap = Heap::new(Config { log, ..Config::default() });
    let array = heap.register_shape(Layout::new(2, RefMask::None).with_tail(Tail::Values));
    let raw = heap.register_shape(Layout::raw(2).with_tail(Tail::Bytes));
    let table = heap.alloc_tail(array, 16, PLACES);
    let mut random = 88172645463325252u64;
    let mut below = move |n: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as usize % n
    };
    let (mut live, mut worst, mut allocated) = (0usize, 0.0f64, 0usize);
    println!("wave  sizes        live MiB  heap MiB  RSS MiB  heap/live");
    for wave in 0..waves {
        // From 16 bytes up to this.
        let top = [64, 256, 4000, 120, 8000, 40, 1000, 30_000][wave % 8];
        let mut made = 0;
        while made < 2 * LIVE_BYTES {
            let bytes = if below(4) == 0 { below(top) } else { below(top / 4 + 1) };
            let new =
                if below(3) == 0 { heap.alloc_tail(array, 16, bytes / 8) } else { heap.alloc_tail(raw, 16, bytes) };
            made += heap.size_of(new);
            let place = 2 + below(PLACES);
            live += heap.size_of(new);
            live -= size(&heap, get(table, place));
            // SAFETY: the table has its places.
            unsafe { heap.store(table, place, new) };
        }
        allocated += made;
        while live > LIVE_BYTES {
            let place = 2 + below(PLACES);
            live -= size(&heap, get(table, place));
            // SAFETY: as above.
            unsafe { heap.store(table, place, Value::NULL) };
        }
        let taken = heap.stats().heap_bytes;
        let ratio = taken as f64 / live as f64;
        if wave > 3 {
            worst = worst.max(ratio);
        }
        if wave % 4 == 3 || wave + 1 == waves {
            row(wave, top, live, taken, ratio);
        }
    }
    println!("{} MiB allocated; worst heap/live {worst:.2}; {:?}", allocated >> 20, heap.stats());
    for place in 2..2 + PLACES {
        if place % 256 != 0 {
            live -= size(&heap, get(table, place));
            // SAFETY: as above.
            unsafe { heap.store(table, place, Value::NULL) };
        }
    }
    for _ in 0..2 {
        heap.collect_full();
    }
    row(waves, 0, live, heap.stats().heap_bytes, heap.stats().heap_bytes as f64 / live as f64);
    black_box(table);
}

fn row(wave: usize, top: usize, live: usize, taken: usize, ratio: f64) {
    println!("{wave:4}  16..{top:<8} {:8}  {:8}  {:7}  {ratio:9.2}", live >> 20, taken >> 20, rss_kib() >> 10);
}

fn get(object: Value, word: usize) -> Value {
    // SAFETY: the words exist.
    unsafe { *(object.0 as *const Value).add(word) }
}

fn size(heap: &Heap, object: Value) -> usize {
    if object.is_null() { 0 } else { heap.size_of(object) }
}

fn rss_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
