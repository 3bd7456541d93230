//! The heap as a whole: its parts, and when it collects.

use std::fs::File;
use std::sync::Arc;

use crate::census::Census;
use crate::death::{Buffers, Finalizers, WeakReferences};
use crate::full::Cycle;
use crate::identity::Identities;
use crate::immortal::ImmortalSpace;
use crate::large::LargeSpace;
use crate::mark::MarkStack;
use crate::memory::{Reservation, Spaces};
use crate::minor::{FIRST_NURSERIES, LEAST_PRESSURE, first_nursery};
use crate::nursery::{Nursery, Span};
use crate::old::{BLOCK_BYTES, OldSpace};
use crate::pauses::{Clock, Log, Pauses, Phase};
use crate::policy::{Due, Policy};
use crate::pressure::Pressure;
use crate::referrers::Referrers;
use crate::roots::{Roots, thread_stack_base, with_registers};
use crate::shapes::ShapeTable;
use crate::{Finalize, Layout, ShapeId, Value};

/// How a heap behaves. The caller fills it in, from the environment or otherwise.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bytes of allocation between two minor collections; rounded up to blocks of 32 KiB.
    pub nursery_bytes: usize,
    /// Collect at every allocation and make every n-th collection a full one. 0: off.
    pub stress: u32,
    /// Fill freed memory with a pattern that faults when it is used as a pointer.
    pub poison: bool,
    /// Check the whole heap after every n-th collection. 0: never.
    pub verify: u32,
    /// Bytes in old space, large objects and buffers before the first full collection; the later ones begin when the heap
    /// has grown by half, less so many bytes, or by so many, and is no smaller than lately.
    pub first_full_bytes: usize,
    /// Bytes of young large objects and buffers that cause a minor collection, at most.
    pub pressure_bytes: usize,
    /// Bytes that old space, large objects and buffers may take together. 0: what the system gives.
    pub max_bytes: usize,
    /// Bytes of addresses that old space and large objects share, at most. 0: what the system gives.
    pub range_bytes: usize,
    /// Units of marking in a step (64 an object, and its bytes). 0: as many as the heap's growth demands.
    pub mark_step: usize,
    /// Entries of the mark stack, at most. 0: any number.
    pub mark_stack: usize,
    /// Pauses are measured in processor time of the thread: other processes do not count.
    pub processor_clock: bool,
    /// A line for each part of each collection goes to this file.
    pub log: Option<Arc<File>>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            nursery_bytes: 4 << 20,
            stress: 0,
            poison: cfg!(debug_assertions),
            verify: 0,
            first_full_bytes: 32 << 20,
            pressure_bytes: 32 << 20,
            max_bytes: 0,
            range_bytes: 0,
            mark_step: 0,
            mark_stack: 0,
            processor_clock: false,
            log: None,
        }
    }
}

/// What the collector has done.
#[derive(Clone, Copy, Default, Debug)]
pub struct Stats {
    pub minor_collections: usize,
    pub full_collections: usize,
    /// Of these, how many were done in steps.
    pub full_collections_in_steps: usize,
    /// Bytes of survivors copied to old space.
    pub promoted_bytes: usize,
    /// Objects found pinned, summed over the minor collections.
    pub pinned_objects: usize,
    /// Bytes in old space, large objects and buffers, dead ones not yet found included.
    pub heap_bytes: usize,
    /// Of these, bytes reported by `add_pressure`.
    pub off_heap_bytes: usize,
    pub immortal_bytes: usize,
}

/// The heap of one mutator thread. Compiled code bumps `free` up to `limit`.
#[repr(C)]
pub struct Heap {
    /// The next free byte of the nursery.
    pub free: usize,
    /// The end of the current gap; lower where the next allocation must take the slow path.
    pub limit: usize,
    /// Rust code is under way that can be given up at any allocation: one that takes the slow path [`crate::refuse`]s where
    /// even the reserve is about to end. Whoever sets this has a [`crate::caught`] around that code; while the guest's code
    /// runs it is not set.
    pub may_refuse: bool,
    pub(crate) nursery: Nursery,
    pub(crate) old: OldSpace,
    pub(crate) large: LargeSpace,
    pub(crate) immortal: ImmortalSpace,
    /// Nursery, then old space and large-object space.
    pub(crate) spaces: Reservation,
    pub(crate) shapes: ShapeTable,
    pub(crate) roots: Roots,
    /// Old objects whose TRACK bit is clear (invariant 3).
    pub(crate) remembered: Vec<usize>,
    /// Large objects with marked cards.
    pub(crate) dirty_large: Vec<usize>,
    pub(crate) referrers: Referrers,
    /// Objects reached and not yet scanned, during a minor collection.
    pub(crate) gray: Vec<usize>,
    /// The full collection under way.
    pub(crate) cycle: Cycle,
    /// What it has marked and not scanned.
    pub(crate) marking: MarkStack,
    pub(crate) weak: WeakReferences,
    pub(crate) finalizers: Finalizers,
    pub(crate) buffers: Buffers,
    pub(crate) identities: Identities,
    /// Asked for by the full collection that is due.
    pub(crate) census: Option<Box<Census>>,
    /// What a census kept, for the mutator to take.
    pub(crate) saved: Vec<Value>,
    pub(crate) watch: crate::watch::Watch,
    pub(crate) config: Config,
    pub(crate) policy: Policy,
    /// Minor collections since the last full one.
    pub(crate) minors_since_full: usize,
    pub(crate) stats: Stats,
    /// Bytes that survived, during a minor collection.
    pub(crate) promoted_bytes: usize,
    /// Small nurseries left of those that a heap begins with.
    pub(crate) first_nurseries: u32,
    /// Minor collections left with a small nursery.
    pub(crate) small_nurseries: u32,
    /// Bytes of large objects and buffers that are younger than the last minor collection.
    pub(crate) young_pressure: usize,
    /// How many of them cause a minor collection at present.
    pub(crate) young_pressure_limit: usize,
    /// Bytes that may go to old space directly because no gap has room, until the next minor collection.
    pub(crate) overflow_budget: usize,
    pub(crate) due: Due,
    /// The next slow path collects.
    pub(crate) collection_requested: bool,
    pub(crate) pressure: Pressure,
    pauses: Pauses,
    log: Option<Log>,
    collecting: bool,
}

// Compiled code knows these offsets.
const _: () = assert!(std::mem::offset_of!(Heap, free) == 0 && std::mem::offset_of!(Heap, limit) == 8);

impl Heap {
    /// A heap whose mutator is the calling thread.
    pub fn new(config: Config) -> Box<Heap> {
        let target = config.nursery_bytes.max(2 * BLOCK_BYTES).next_multiple_of(BLOCK_BYTES);
        let nursery_bytes = 4 * target;
        let Spaces { memory: spaces, range, old, large, immortal } =
            Spaces::reserve(nursery_bytes, config.range_bytes, config.poison);
        let nursery_start = spaces.start.next_multiple_of(BLOCK_BYTES);
        let mut heap = Box::new(Heap {
            free: 0,
            limit: 0,
            may_refuse: false,
            nursery: Nursery::new(
                nursery_start,
                nursery_bytes,
                first_nursery(target),
                config.stress != 0,
                config.poison,
            ),
            old,
            large,
            immortal,
            spaces,
            shapes: ShapeTable::new(),
            roots: Roots { stack_base: thread_stack_base(), ..Roots::default() },
            remembered: Vec::new(),
            dirty_large: Vec::new(),
            referrers: Referrers::default(),
            // As many as can be promoted at once: a minor collection shall not need memory. Untouched it costs none.
            gray: Vec::with_capacity(nursery_bytes / 16),
            cycle: Cycle::default(),
            marking: MarkStack::new(config.mark_stack),
            weak: WeakReferences::default(),
            finalizers: Finalizers::default(),
            buffers: Buffers::default(),
            identities: Identities::default(),
            watch: Default::default(),
            due: Due::first(config.first_full_bytes),
            census: None,
            saved: Vec::new(),
            policy: Policy { nursery_bytes: target, ..Policy::default() },
            minors_since_full: 0,
            pressure: Pressure::new(config.max_bytes, range, target),
            pauses: Pauses::default(),
            log: config.log.clone().map(Log::new),
            config: Config { nursery_bytes: target, ..config },
            stats: Stats::default(),
            promoted_bytes: 0,
            first_nurseries: FIRST_NURSERIES,
            small_nurseries: 0,
            young_pressure: 0,
            young_pressure_limit: config.pressure_bytes.min(LEAST_PRESSURE),
            overflow_budget: 0,
            collection_requested: false,
            collecting: false,
        });
        let first = heap.nursery.rebuild(Vec::new(), 0);
        heap.open_gap(first);
        heap
    }

    pub fn register_shape(&mut self, layout: Layout) -> ShapeId {
        self.shapes.register(layout)
    }

    pub fn layout(&self, shape: ShapeId) -> &Layout {
        self.shapes.layout(shape)
    }

    /// A minor collection.
    pub fn collect_young(&mut self) {
        self.collect(false)
    }

    /// A full collection.
    pub fn collect_full(&mut self) {
        self.collect(true)
    }

    /// A full collection that takes nothing below the address `low` of the native stack for a reference.
    ///
    /// # Safety
    /// No Value is needed afterwards that only the stack below `low` refers to.
    pub unsafe fn collect_full_above(&mut self, low: usize) {
        self.roots.low = low;
        self.collect(true);
        self.roots.low = 0;
    }

    /// [`Heap::collect_young`] that takes nothing below the address `low` of the native stack for a reference.
    ///
    /// # Safety
    /// As for [`Heap::collect_full_above`].
    pub unsafe fn collect_young_above(&mut self, low: usize) {
        self.roots.low = low;
        self.collect(false);
        self.roots.low = 0;
    }

    /// Makes the next allocation that takes the slow path, which is the next one at all, collect.
    pub fn request_collection(&mut self) {
        self.collection_requested = true;
        self.limit = self.free;
    }

    pub fn stats(&self) -> Stats {
        Stats {
            heap_bytes: self.heap_bytes(),
            off_heap_bytes: self.buffers.bytes,
            immortal_bytes: self.immortal.used(),
            ..self.stats
        }
    }

    /// How many collections there have been: each begins with a minor one.
    #[inline]
    pub fn collection_count(&self) -> usize {
        self.stats.minor_collections
    }

    /// How long collections took.
    pub fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    /// Size of an object in bytes, its header included.
    pub fn size_of(&self, object: Value) -> usize {
        assert!(object.is_object());
        // SAFETY: a heap pointer is the address of an object (invariant 2).
        unsafe { self.shapes.size(object.0 as usize, crate::header::load(object.0 as usize)) }
    }

    /// Bytes of the buffer off the heap that the object owns.
    pub fn off_heap_bytes_of(&self, object: Value) -> usize {
        assert!(object.is_object());
        // SAFETY: a heap pointer is the address of an object (invariant 2), and word 3 of an owner is its buffer's length.
        unsafe {
            match self.layout(crate::header::shape_of(object)).finalize {
                Finalize::OffHeap => crate::header::load(object.0 as usize + 24) as usize,
                _ => 0,
            }
        }
    }

    /// Calls `f` with every object that a full collection leaves. `f` must not allocate.
    pub fn for_each_object(&mut self, mut f: impl FnMut(Value)) {
        self.collect_full();
        let mut visit = |object: usize| {
            // SAFETY: an object or a reserved slot starts there (invariant 6).
            if !crate::header::is_filler(unsafe { crate::header::load(object) }) {
                f(Value(object as u64))
            }
        };
        self.immortal.objects.iter().copied().for_each(&mut visit);
        self.nursery.pinned.iter().map(|pin| pin.start).for_each(&mut visit);
        self.old.for_each_start(&mut visit);
        self.large.objects().for_each(&mut visit);
    }

    /// Calls `f` with every Value that the object refers to strongly.
    pub fn for_each_reference(&self, object: Value, mut f: impl FnMut(Value)) {
        assert!(object.is_object());
        // SAFETY: a heap pointer is the address of an object (invariant 2).
        unsafe {
            let header = crate::header::load(object.0 as usize);
            self.shapes.descriptor(header).slots(object.0 as usize, |slot| f(Value(crate::header::load(slot))));
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.old.used() + self.large.used + self.buffers.bytes
    }

    #[inline(never)]
    pub(crate) fn collect(&mut self, full: bool) {
        unsafe extern "C" fn enter(heap: *mut Heap, full: usize, sp: usize) {
            // SAFETY: `with_registers` passes its arguments on.
            unsafe { (*heap).collect_from(full != 0, sp) }
        }
        // SAFETY: `enter` takes what `with_registers` passes.
        unsafe { with_registers(self, full as usize, enter) };
        let count = self.stats.minor_collections;
        if self.config.verify != 0 && count.is_multiple_of(self.config.verify as usize) {
            self.verify();
        }
    }

    unsafe fn collect_from(&mut self, full: bool, sp: usize) {
        assert!(!self.collecting, "a root callback or a visitor has allocated");
        self.collecting = true;
        let (start, full_parts) = (self.clock(), self.pauses.full_parts());
        // SAFETY: the mutator stands at a safepoint, with its registers above `sp`.
        unsafe {
            self.timed(Phase::Minor, |heap| heap.minor_collection(sp));
            if full {
                self.full_collection();
            } else {
                self.full_step();
            }
            self.relieve(full);
        }
        self.pauses.add(start.elapsed_ns(), self.pauses.full_parts() != full_parts);
        self.collecting = false;
    }

    /// Whether a collection is under way; asked by whoever interrupts the thread.
    pub fn is_collecting(&self) -> bool {
        self.collecting
    }

    fn clock(&self) -> Clock {
        Clock::start(self.config.processor_clock)
    }

    /// Runs a part of a collection and records how long it took.
    pub(crate) fn timed<R>(&mut self, phase: Phase, part: impl FnOnce(&mut Heap) -> R) -> R {
        let (start, promoted) = (self.clock(), self.stats.promoted_bytes);
        let result = part(self);
        let ns = start.elapsed_ns();
        self.pauses.of_mut(phase).add(ns);
        if let Some(mut log) = self.log.take() {
            let (promoted, pinned) = (self.stats.promoted_bytes - promoted, self.nursery.pinned.len());
            let (stage, gray) = (self.cycle.stage, self.marking.len());
            let what = format_args!("promoted={promoted} pinned={pinned} gray={gray} then={stage:?}");
            log.line(phase, ns, self.heap_bytes(), what);
            self.log = Some(log);
        }
        result
    }

    /// The mutator goes on allocating in `gap`.
    pub(crate) fn open_gap(&mut self, gap: Option<Span>) {
        (self.free, self.limit) = gap.map_or((0, 0), |gap| (gap.start, gap.end));
        if self.config.stress != 0 || self.watch.each {
            self.limit = self.free;
        }
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: no mutator is left.
        unsafe { self.free_all_buffers() }
    }
}
