//! A random mutator against a shadow graph.
//!
//! Every object carries a number, and the model knows what each numbered object refers to. Roots of all kinds (precise
//! slots, a native stack frame, a registered ambiguous range with interior pointers, immortal objects) hold some of them.
//! After steps the whole graph is compared: numbers, fields, hashes, ids, weak references, finalizers.
//!
//! `HEAP_FUZZ=seeds,steps` makes it longer; `HEAP_FUZZ=first..end,steps` runs some of the seeds, so that a long run can be
//! made in pieces.

mod common;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use common::*;
use heap::{Config, Heap, Value};

/// Roots of each kind.
const ROOTS: usize = 24;
const IMMORTALS: usize = 4;

#[test]
fn a_random_mutator_agrees_with_its_shadow_graph() {
    let (seeds, steps) = fuzz_setting(12, 2500);
    let count = seeds.end - seeds.start;
    let mut totals = Totals::default();
    for seed in seeds {
        let stress = [1000, 3, 0, 0, 1000, 1000, 1][seed as usize % 7];
        let config = Config {
            nursery_bytes: if stress == 0 { 64 << 10 } else { 256 << 10 },
            stress,
            poison: true,
            verify: if stress == 0 { 1 } else { 5 },
            first_full_bytes: 256 << 10,
            pressure_bytes: 128 << 10,
            // A step is an object, a few, some dozens, or what the pacing says.
            mark_step: [1, 300, 100, 3000, 0][seed as usize % 5],
            mark_stack: if seed.is_multiple_of(4) { 8 } else { 0 },
            ..Config::default()
        };
        // Without stress collections are rare, so more steps are needed to see as many.
        let steps = if stress == 0 { steps * 10 } else { steps };
        Mutator::new(seed * 7919, config).run(steps, &mut totals);
    }
    println!("{totals:?}");
    // One stale word in a register or on the stack can keep a good part of a graph, now and then.
    assert!(totals.leaks * 4 <= count, "{totals:?}");
    // The test would be worth nothing if these did not happen.
    assert!(
        totals.in_steps > 0 && totals.cleared > 0 && totals.finalized > 0 && totals.pinned > 0 && totals.promoted > 0,
        "{totals:?}"
    );
}

#[derive(Default, Debug)]
struct Totals {
    steps: usize,
    cleared: usize,
    finalized: usize,
    pinned: usize,
    promoted: usize,
    /// Full collections that were done in steps.
    in_steps: usize,
    /// Runs that left objects behind.
    leaks: u64,
}

/// What the model knows of an object.
struct Shadow {
    kind: Kind,
    fields: Vec<Option<usize>>,
    hash: Option<u64>,
    id: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Node,
    Array,
    Raw,
    Bytes(usize),
    Buffer,
}

impl Kind {
    /// The word that holds the object's number.
    fn number_word(self) -> usize {
        match self {
            Kind::Array => 2,
            Kind::Bytes(_) => usize::MAX,
            _ => 1,
        }
    }

    fn first_field(self) -> usize {
        if self == Kind::Array { 3 } else { 2 }
    }
}

/// A root: the number of the object it holds and how far into the object it points.
#[derive(Clone, Copy, Default)]
struct Held {
    number: Option<usize>,
    offset: u64,
}

struct Mutator {
    heap: Box<Heap>,
    shapes: Shapes,
    random: Random,
    shadows: Vec<Shadow>,
    precise: Rc<RefCell<Vec<Value>>>,
    precise_held: Vec<Held>,
    ambiguous: Rc<RefCell<Vec<u64>>>,
    ambiguous_held: Vec<Held>,
    immortal: Vec<(Value, usize)>,
    /// Slot in `precise` behind the roots, target's number.
    weak: Vec<(usize, usize)>,
    /// Cleared ones that were replaced.
    weak_cleared: usize,
    unfinalized: HashSet<usize>,
    finalized: HashSet<usize>,
}

/// A field of an object.
struct Slot {
    object: Value,
    number: usize,
    field: usize,
    word: usize,
}

/// What the frame of `run` holds.
type Native = [u64; ROOTS];

impl Mutator {
    fn new(seed: u64, config: Config) -> Mutator {
        let mut heap = Heap::new(config);
        let shapes = Shapes::register(&mut heap);
        let precise = Rc::new(RefCell::new(vec![Value::NULL; ROOTS]));
        let ambiguous = Rc::new(RefCell::new(vec![0u64; ROOTS]));
        let (slots, words) = (precise.clone(), ambiguous.clone());
        heap.add_roots(Box::new(move |visitor| slots.borrow_mut().iter_mut().for_each(|slot| visitor.precise(slot))));
        heap.add_roots(Box::new(move |visitor| {
            let words = words.borrow();
            // SAFETY: the vector can be read.
            unsafe { visitor.ambiguous_range(words.as_ptr(), words.len()) }
        }));
        let mut mutator = Mutator {
            heap,
            shapes,
            random: Random(seed | 1),
            shadows: Vec::new(),
            precise,
            precise_held: vec![Held::default(); ROOTS],
            ambiguous,
            ambiguous_held: vec![Held::default(); ROOTS],
            immortal: Vec::new(),
            weak: Vec::new(),
            weak_cleared: 0,
            unfinalized: HashSet::new(),
            finalized: HashSet::new(),
        };
        for _ in 0..IMMORTALS {
            let object = mutator.heap.alloc_immortal(mutator.shapes.node, 32);
            let number = mutator.new_shadow(Kind::Node, 2);
            init(object, 1, Value::from_int(number as i64));
            mutator.immortal.push((object, number));
        }
        mutator
    }

    #[inline(never)]
    fn run(mut self, steps: usize, totals: &mut Totals) {
        let mut native: Native = [0; ROOTS];
        let mut held = [Held::default(); ROOTS];
        let every = if self.heap.stats().minor_collections == 0 && steps > 10_000 { 64 } else { 8 };
        for step in 0..steps {
            std::hint::black_box(&mut native);
            self.step(&mut native, &mut held);
            // Stale words would keep what a collection in steps has lost.
            clobber_stack();
            // Left alone for a while, the queue is the only root of what it holds.
            if self.random.one_in(5) {
                self.run_finalizers();
            }
            if step % every == 0 {
                self.compare(&native, &held);
            }
        }
        std::hint::black_box(&mut native);
        self.compare(&native, &held);
        totals.steps += steps;
        totals.finalized += self.finalized.len();
        totals.cleared += self.cleared_count();
        let stats = self.heap.stats();
        totals.pinned += stats.pinned_objects;
        totals.promoted += stats.promoted_bytes;
        totals.in_steps += stats.full_collections_in_steps;
        native = [0; ROOTS];
        std::hint::black_box(&mut native);
        totals.leaks += (self.left_without_roots() > 50) as u64;
    }

    fn step(&mut self, native: &mut Native, held: &mut [Held; ROOTS]) {
        match self.random.below(24) {
            0..=7 => {
                let (object, number) = self.allocate(native, held);
                self.hold(native, held, object, number);
            }
            8 => self.grow_a_chain(native, held),
            9..=12 => self.mutate(native, held),
            13 => native[self.random.below(ROOTS)] = 0,
            14 => self.precise.borrow_mut()[self.random.below(ROOTS)] = Value::NULL,
            15 => self.ambiguous.borrow_mut()[self.random.below(ROOTS)] = 0,
            16 => self.hold_a_field(native, held),
            17 => {
                if let Some((object, number)) = self.pick(native, held) {
                    let hash = self.heap.identity_hash(object);
                    let known = self.shadows[number].hash.get_or_insert(hash);
                    assert_eq!(*known, hash, "the hash has changed");
                }
            }
            18 => {
                if let Some((object, number)) = self.pick(native, held) {
                    let id = self.heap.id(object);
                    let known = self.shadows[number].id.get_or_insert(id);
                    assert_eq!(*known, id, "the id has changed");
                }
            }
            19 => self.make_weak(native, held),
            _ => self.rewire(native, held),
        }
    }

    fn new_shadow(&mut self, kind: Kind, fields: usize) -> usize {
        self.shadows.push(Shadow { kind, fields: vec![None; fields], hash: None, id: None });
        self.shadows.len() - 1
    }

    #[inline(never)]
    fn allocate(&mut self, native: &Native, held: &[Held; ROOTS]) -> (Value, usize) {
        let number = self.shadows.len();
        let name = Value::from_int(number as i64);
        let object = match self.random.below(40) {
            0..4 => {
                self.new_shadow(Kind::Raw, 0);
                let object = self.heap.alloc(self.shapes.raw, 16);
                init(object, 1, name);
                object
            }
            4..6 => {
                let length = self.random.below(300);
                self.new_shadow(Kind::Bytes(length), 0);
                let object = self.heap.alloc_tail(self.shapes.bytes, 16, length);
                // SAFETY: the tail has `length` bytes.
                unsafe { std::ptr::write_bytes((object.0 as *mut u8).add(16), number as u8, length) };
                object
            }
            6..8 => {
                self.new_shadow(Kind::Buffer, 0);
                let object = self.heap.alloc_zeroed(self.shapes.buffer, 32);
                init(object, 1, name);
                let buffer = heap::alloc_buffer(1000);
                // SAFETY: the buffer has 1000 bytes.
                unsafe { std::ptr::write_bytes(buffer, number as u8, 1000) };
                init(object, 2, Value(buffer as u64));
                init(object, 3, Value(1000));
                self.heap.add_pressure(1000);
                object
            }
            kind @ 8..15 => {
                let length = if kind < 10 { 800 + self.random.below(2500) } else { self.random.below(40) };
                self.new_shadow(Kind::Array, length);
                let object = self.heap.alloc_tail(self.shapes.array, 24, length);
                init(object, 2, name);
                for _ in 0..length.min(8) {
                    if let Some((value, target)) = self.pick(native, held) {
                        let field = self.random.below(length);
                        init(object, 3 + field, value);
                        self.shadows[number].fields[field] = Some(target);
                    }
                }
                object
            }
            _ => {
                self.new_shadow(Kind::Node, 2);
                let mortal = self.random.one_in(8);
                let object = self.heap.alloc(if mortal { self.shapes.mortal } else { self.shapes.node }, 32);
                init(object, 1, name);
                for field in 0..2 {
                    let target = if self.random.one_in(3) { None } else { self.pick(native, held) };
                    init(object, 2 + field, target.map_or(Value::NULL, |(value, _)| value));
                    self.shadows[number].fields[field] = target.map(|(_, target)| target);
                }
                if mortal {
                    self.heap.register_finalizer(object);
                    self.unfinalized.insert(number);
                }
                object
            }
        };
        (object, number)
    }

    /// Makes nodes that refer to the one before and to something deep in the graph, and a root of the last alone: the others
    /// are reached from survivors, not from roots.
    #[inline(never)]
    fn grow_a_chain(&mut self, native: &mut Native, held: &mut [Held; ROOTS]) {
        let mut last: Option<(Value, usize)> = None;
        for _ in 0..2 + self.random.below(4) {
            let deep = self.walk(native, held);
            let object = self.heap.alloc(self.shapes.node, 32);
            let number = self.new_shadow(Kind::Node, 2);
            init(object, 1, Value::from_int(number as i64));
            for (field, target) in [last, deep].into_iter().enumerate() {
                init(object, 2 + field, target.map_or(Value::NULL, |(value, _)| value));
                self.shadows[number].fields[field] = target.map(|(_, target)| target);
            }
            last = Some((object, number));
        }
        let (object, number) = last.expect("there is one");
        self.hold(native, held, object, number);
    }

    /// Puts an object into a random root.
    fn hold(&mut self, native: &mut Native, held: &mut [Held; ROOTS], object: Value, number: usize) {
        let root = self.random.below(ROOTS);
        let offset = self.random.below(self.heap.size_of(object)) as u64;
        let number = Some(number);
        match self.random.below(5) {
            0 => {
                self.ambiguous.borrow_mut()[root] = object.0 + offset;
                self.ambiguous_held[root] = Held { number, offset };
            }
            1 => {
                native[root] = object.0 + offset;
                held[root] = Held { number, offset };
            }
            _ => {
                self.precise.borrow_mut()[root] = object;
                self.precise_held[root] = Held { number, offset: 0 };
            }
        }
    }

    /// A random root's object.
    fn pick(&mut self, native: &Native, held: &[Held; ROOTS]) -> Option<(Value, usize)> {
        let root = self.random.below(ROOTS);
        let (word, held) = match self.random.below(9) {
            0..2 => (self.ambiguous.borrow()[root], self.ambiguous_held[root]),
            2..4 => (native[root], held[root]),
            8 => {
                let (object, number) = self.immortal[root % IMMORTALS];
                (object.0, Held { number: Some(number), offset: 0 })
            }
            _ => (self.precise.borrow()[root].0, self.precise_held[root]),
        };
        (word != 0).then(|| (Value(word - held.offset), held.number.unwrap()))
    }

    #[inline(never)]
    fn mutate(&mut self, native: &Native, held: &[Held; ROOTS]) {
        let (Some((object, number)), value) = (self.pick(native, held), self.pick(native, held)) else { return };
        let fields = self.shadows[number].fields.len();
        if fields != 0 {
            let field = self.random.below(fields);
            let word = self.shadows[number].kind.first_field() + field;
            let new = value.map_or(Value::NULL, |(value, _)| value);
            if self.random.one_in(4) {
                self.heap.write_barrier(object);
                init(object, word, new);
            } else {
                store(&mut self.heap, object, word, new);
            }
            self.shadows[number].fields[field] = value.map(|(_, target)| target);
        }
    }

    /// Takes an object from deep in the graph, and out of the field where it was, to another place in the graph: perhaps from
    /// where marking has not been to where it has.
    #[inline(never)]
    fn rewire(&mut self, native: &Native, held: &[Held; ROOTS]) {
        let (Some(from), Some(to)) = (self.walk(native, held), self.walk(native, held)) else { return };
        let (Some(from), Some(to)) = (self.slot(from), self.slot(to)) else { return };
        let value = word(from.object, from.word);
        let target = self.shadows[from.number].fields[from.field];
        store(&mut self.heap, to.object, to.word, value);
        self.shadows[to.number].fields[to.field] = target;
        if (from.number, from.field) != (to.number, to.field) {
            store(&mut self.heap, from.object, from.word, Value::NULL);
            self.shadows[from.number].fields[from.field] = None;
        }
    }

    /// A root's object, or one that some fields lead to from there.
    fn walk(&mut self, native: &Native, held: &[Held; ROOTS]) -> Option<(Value, usize)> {
        let mut at = self.pick(native, held)?;
        for _ in 0..self.random.below(6) {
            let Some(slot) = self.slot(at) else { break };
            match self.shadows[slot.number].fields[slot.field] {
                Some(target) => at = (word(slot.object, slot.word), target),
                None => break,
            }
        }
        Some(at)
    }

    /// One of the object's fields, one that holds something if a few attempts find such.
    fn slot(&mut self, (object, number): (Value, usize)) -> Option<Slot> {
        let count = self.shadows[number].fields.len();
        let field = (0..4)
            .map(|_| self.random.below(count.max(1)))
            .find(|&field| self.shadows[number].fields.get(field).is_some_and(|target| target.is_some()))
            .unwrap_or(0);
        let word = self.shadows[number].kind.first_field() + field;
        (count != 0).then_some(Slot { object, number, field, word })
    }

    /// Makes a field's object a root, so that deep objects become roots too.
    #[inline(never)]
    fn hold_a_field(&mut self, native: &mut Native, held: &mut [Held; ROOTS]) {
        let Some((object, number)) = self.pick(native, held) else { return };
        let fields = self.shadows[number].fields.len();
        if fields != 0 {
            let field = self.random.below(fields);
            if let Some(target) = self.shadows[number].fields[field] {
                let place = self.shadows[number].kind.first_field() + field;
                self.hold(native, held, word(object, place), target);
                // The field was perhaps the only one that marking would have found the target by.
                if self.random.one_in(2) {
                    store(&mut self.heap, object, place, Value::NULL);
                    self.shadows[number].fields[field] = None;
                }
            }
        }
    }

    #[inline(never)]
    fn make_weak(&mut self, native: &Native, held: &[Held; ROOTS]) {
        // From then on the older ones make place.
        let replaced = (self.weak.len() >= 100).then(|| self.random.below(100));
        let Some((target, number)) = self.pick(native, held) else { return };
        // The allocation may move a target that only a precise root holds; the slot follows it.
        let slot = self.precise.borrow().len();
        self.precise.borrow_mut().push(target);
        let weak = self.heap.alloc(self.shapes.weak, 24);
        init(weak, 1, self.precise.borrow()[slot]);
        init(weak, 2, Value::NULL);
        self.precise.borrow_mut()[slot] = weak;
        match replaced {
            Some(i) => {
                self.weak_cleared += self.is_cleared(self.weak[i].0) as usize;
                let slots = &mut self.precise.borrow_mut();
                slots[self.weak[i].0] = slots.pop().expect("the new one is there");
                self.weak[i].1 = number;
            }
            None => self.weak.push((slot, number)),
        }
    }

    #[inline(never)]
    fn run_finalizers(&mut self) {
        while let Some(object) = self.heap.take_finalizable() {
            let number = word(object, 1).as_int() as usize;
            assert!(self.unfinalized.remove(&number), "{number} is finalized twice, or for nothing");
            self.finalized.insert(number);
        }
    }

    /// The whole graph against the model.
    #[inline(never)]
    fn compare(&mut self, native: &Native, held: &[Held; ROOTS]) {
        let live = self.reachable(native, held);
        for number in live.keys() {
            assert!(!self.finalized.contains(number), "{number} was finalized while it was reachable");
        }
        for &(slot, target) in &self.weak {
            let weak = self.precise.borrow()[slot];
            let value = word(weak, 1);
            if let Some(&object) = live.get(&target) {
                assert_eq!(value, object, "a weak reference has lost {target}, which lives");
            }
        }
    }

    /// Number to object.
    fn reachable(&mut self, native: &Native, held: &[Held; ROOTS]) -> HashMap<usize, Value> {
        let mut queue = self.immortal.clone();
        for root in 0..ROOTS {
            let words = [native[root], self.ambiguous.borrow()[root], self.precise.borrow()[root].0];
            let helds = [held[root], self.ambiguous_held[root], self.precise_held[root]];
            for (word, held) in words.into_iter().zip(helds) {
                if word != 0 {
                    queue.push((Value(word - held.offset), held.number.unwrap()));
                }
            }
        }
        let mut live = HashMap::new();
        let mut ids = HashSet::new();
        while let Some((object, number)) = queue.pop() {
            if let Some(&known) = live.get(&number) {
                assert_eq!(known, object, "{number} has two addresses");
                continue;
            }
            live.insert(number, object);
            self.compare_object(object, number);
            let shadow = &self.shadows[number];
            if let Some(id) = shadow.id {
                assert!(ids.insert(id), "{number} has the id of another");
            }
            for (field, &target) in shadow.fields.iter().enumerate() {
                let value = word(object, shadow.kind.first_field() + field);
                assert_eq!(target.is_none(), value.is_null(), "field {field} of {number}");
                if let Some(target) = target {
                    queue.push((value, target));
                }
            }
        }
        live
    }

    fn compare_object(&mut self, object: Value, number: usize) {
        let shadow = &self.shadows[number];
        match shadow.kind {
            Kind::Bytes(length) => {
                // SAFETY: the tail has `length` bytes.
                let bytes = unsafe { std::slice::from_raw_parts((object.0 as *const u8).add(16), length) };
                assert!(bytes.iter().all(|&byte| byte == number as u8), "the bytes of {number}");
            }
            kind => assert_eq!(word(object, kind.number_word()).as_int(), number as i64, "another object"),
        }
        if let Kind::Buffer = shadow.kind {
            // SAFETY: the buffer has 1000 bytes.
            let bytes = unsafe { std::slice::from_raw_parts(word(object, 2).0 as *const u8, 1000) };
            assert!(bytes.iter().all(|&byte| byte == number as u8), "the buffer of {number}");
        }
        if let Kind::Array = shadow.kind {
            assert_eq!(word(object, 1).0 as usize, shadow.fields.len(), "the length of {number}");
        }
        let (hash, id) = (shadow.hash, shadow.id);
        assert!(hash.is_none_or(|hash| hash == self.heap.identity_hash(object)), "the hash of {number}");
        assert!(id.is_none_or(|id| id == self.heap.id(object)), "the id of {number}");
    }

    fn cleared_count(&self) -> usize {
        self.weak_cleared + self.weak.iter().filter(|&&(slot, _)| self.is_cleared(slot)).count()
    }

    fn is_cleared(&self, slot: usize) -> bool {
        word(self.precise.borrow()[slot], 1).is_null()
    }

    /// The objects left when all roots are gone.
    #[inline(never)]
    fn left_without_roots(mut self) -> usize {
        // From here on, callers' frames are not scanned: stale words in them keep objects.
        let here = 0u64;
        self.heap.set_stack_base((&raw const here as usize).next_multiple_of(256));
        self.precise.borrow_mut().fill(Value::NULL);
        self.ambiguous.borrow_mut().fill(0);
        let immortal = std::mem::take(&mut self.immortal);
        for (object, _) in immortal {
            for field in 2..4 {
                store(&mut self.heap, object, field, Value::NULL);
            }
        }
        // Finalizers resurrect once.
        for _ in 0..3 {
            clobber_stack();
            self.heap.collect_full();
            self.run_finalizers();
        }
        clobber_stack();
        self.heap.collect_full();
        let mut left = 0;
        self.heap.for_each_object(|_| left += 1);
        left
    }
}
