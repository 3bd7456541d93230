//! Which lines allocate: samples.

use crate::origins::Origins;
use heap::{Allocation, Value, Wish};
use objects::vm::Vm;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering;

/// Bytes of allocation between two samples.
const EVERY_BYTES: usize = 64 << 10;
/// So many allocations of the interpreter are let go by, less one, before one is a sample: a loop that allocates in the rhythm of the
/// samples would otherwise give the same line each time.
const MOST_SKIPPED: u64 = 16;

#[derive(Default)]
struct Samples {
    origins: Origins,
    /// For each sample its origin and its weight in bytes; the tag of a followed object is an index.
    taken: Vec<(u32, u64)>,
    /// Bytes allocated since the last one.
    since: usize,
    /// A sample is due, and the interpreter has been asked to take over; so many of its allocations go by before one is taken.
    wanted: Option<u64>,
    random: u64,
}

#[derive(Default)]
struct State {
    samples: Option<Rc<RefCell<Samples>>>,
}

/// Begins to take samples.
pub fn start(vm: &mut Vm) {
    let samples = Rc::new(RefCell::new(Samples { random: 0x9e37_79b9_7f4a_7c15, ..Samples::default() }));
    vm.extension::<State>().samples = Some(samples.clone());
    let context: *mut Vm = vm;
    let watcher = move |allocation: &Allocation| {
        // SAFETY: the VM is boxed and owns the heap that calls this; of it only the frames, the poll word and a switch are
        // used, which nobody else does during an allocation.
        samples.borrow_mut().look(unsafe { &mut *context }, allocation)
    };
    vm.heap().watch(Box::new(watcher), false);
}

impl Samples {
    fn look(&mut self, vm: &mut Vm, allocation: &Allocation) -> Wish {
        self.since += allocation.since;
        if self.since < EVERY_BYTES {
            return Wish::default();
        }
        let knows_line = vm.thread.interpreted_frame().is_some();
        match self.wanted {
            // A large object is a sample by itself, wherever it is made.
            _ if allocation.bytes >= EVERY_BYTES => {}
            None => {
                self.wanted = Some(self.next_random() % MOST_SKIPPED);
                if !knows_line {
                    vm.thread.interpreting = true;
                    vm.thread.poll.fetch_or(1, Ordering::Relaxed);
                }
                return Wish { tag: None, each: true };
            }
            Some(_) if !knows_line => return Wish { tag: None, each: true },
            Some(0) => {}
            Some(more) => {
                self.wanted = Some(more - 1);
                return Wish { tag: None, each: true };
            }
        }
        if self.wanted.take().is_some() {
            vm.thread.interpreting = false;
        }
        let origin = self.origins.here(vm, 1);
        self.taken.push((origin, self.since as u64));
        self.since = 0;
        Wish { tag: Some(self.taken.len() as u32 - 1), each: false }
    }

    /// Xorshift: which allocation is taken need not be secret, only without a pattern.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

/// The samples that live: object, `file:line`, weight. To be asked after a collection, and used while nothing is allocated.
pub(super) fn living(vm: &mut Vm) -> Vec<(Value, String, u64)> {
    let Some(samples) = vm.extension::<State>().samples.clone() else { return Vec::new() };
    let samples = samples.borrow();
    let line = |origin: u32| match samples.origins.get(origin).places.first() {
        Some(place) => format!("{}:{}", place.filename(), place.line()),
        None => "before the program".to_owned(),
    };
    let followed = vm.thread.heap.followed();
    followed
        .filter_map(|followed| {
            let &(origin, weight) = samples.taken.get(followed.tag as usize)?;
            Some((followed.object, line(origin), weight))
        })
        .collect()
}
