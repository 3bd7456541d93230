//! A graph with few roots that is rewired while it is marked in the smallest steps.
//!
//! Marking loses an object where the mutator moves the only reference to it from an object that has not been scanned to one
//! that has. Here hardly anything else happens: random references are swapped, moved and dropped, objects are added,
//! and the stack holds nothing between two steps. `HEAP_FUZZ=seeds,steps` or `HEAP_FUZZ=first..end,steps`
//! makes it longer.

mod common;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use common::*;
use heap::{Config, Heap, Value};

/// Objects that the graph has at least.
const OBJECTS: usize = 600;
/// Fields of a large array.
const LARGE: usize = 2500;
/// Roots beside the graph's.
const HELD: usize = 4;

#[test]
fn nothing_is_lost_where_references_move_under_the_marker() {
    let (seeds, steps) = fuzz_setting(12, 2500);
    let count = seeds.end - seeds.start;
    let mut in_steps = 0;
    for seed in seeds {
        in_steps += Graph::new(seed).run(steps);
    }
    println!("{in_steps} full collections in steps");
    assert!(in_steps as u64 > count, "{in_steps}");
}

/// An object as the model knows it: the number of what each field refers to.
struct Shadow {
    is_array: bool,
    fields: Vec<Option<usize>>,
}

impl Shadow {
    fn word(&self, field: usize) -> usize {
        field + if self.is_array { 3 } else { 2 }
    }
}

struct Graph {
    heap: Box<Heap>,
    shapes: Shapes,
    /// Of 40 objects so many are large arrays.
    large_ones: usize,
    random: Random,
    shadows: Vec<Shadow>,
    /// The graph's root, and objects that were taken out of it.
    roots: Rc<RefCell<Vec<Value>>>,
    numbers: Vec<Option<usize>>,
}

/// A field: its object, the object's number, the field.
type Place = (Value, usize, usize);

impl Graph {
    fn new(seed: u64) -> Graph {
        let mut heap = Heap::new(Config {
            nursery_bytes: 64 << 10,
            poison: true,
            verify: 2,
            // Always some full collection is under way, and hardly ever a whole one at once.
            stress: 100_000,
            mark_step: [1, 200, 1500, 6000][seed as usize % 4],
            mark_stack: if seed.is_multiple_of(3) { 6 } else { 0 },
            ..Config::default()
        });
        let shapes = Shapes::register(&mut heap);
        let roots = Rc::new(RefCell::new(vec![Value::NULL; 1 + HELD]));
        let slots = roots.clone();
        heap.set_roots(Box::new(move |visitor| slots.borrow_mut().iter_mut().for_each(|slot| visitor.precise(slot))));
        let (random, numbers) = (Random(seed * 77_777), vec![None; 1 + HELD]);
        // Large arrays are marked through their cards: in some graphs much of the rewiring is.
        let large_ones = [1, 6][seed as usize / 4 % 2];
        let mut graph = Graph { heap, shapes, large_ones, random, shadows: Vec::new(), roots, numbers };
        let (first, number) = graph.allocate();
        graph.roots.borrow_mut()[0] = first;
        graph.numbers[0] = Some(number);
        graph
    }

    fn run(mut self, steps: usize) -> usize {
        for step in 0..steps {
            self.step();
            clobber_stack();
            if step % 500 == 499 {
                self.compare();
            }
        }
        self.compare();
        self.heap.stats().full_collections_in_steps
    }

    #[inline(never)]
    fn step(&mut self) {
        match self.random.below(16) {
            0..5 => self.add(),
            5..9 => self.swap(),
            9..12 => self.relocate(),
            12..14 => self.take_or_put(),
            14 => self.heap.collect_young(),
            _ => {
                if let Some(place) = self.place()
                    && self.random.one_in(8)
                {
                    self.set(place, Value::NULL, None);
                }
            }
        }
    }

    /// A new object in an empty field: without one, somewhere.
    #[inline(never)]
    fn add(&mut self) {
        if self.shadows.len() > OBJECTS && self.random.one_in(2) {
            return;
        }
        let (new, number) = self.allocate();
        if let Some(place) = self.place() {
            let (old, target) = self.get(place);
            self.set(place, new, Some(number));
            // What was there goes below the new one.
            self.set((new, number, 0), old, target);
        }
    }

    #[inline(never)]
    fn allocate(&mut self) -> (Value, usize) {
        let kind = self.random.below(40);
        let is_array = kind < 6;
        let fields = if kind < self.large_ones {
            LARGE
        } else if is_array {
            1 + self.random.below(60)
        } else {
            2
        };
        let number = self.shadows.len();
        self.shadows.push(Shadow { is_array, fields: vec![None; fields] });
        let object = if is_array {
            let object = self.heap.alloc_tail(self.shapes.array, 24, fields);
            init(object, 2, Value::from_int(number as i64));
            object
        } else {
            node(&mut self.heap, &self.shapes, number as i64, Value::NULL, Value::NULL)
        };
        (object, number)
    }

    #[inline(never)]
    fn swap(&mut self) {
        let (Some(a), Some(b)) = (self.place(), self.place()) else { return };
        let ((value_a, target_a), (value_b, target_b)) = (self.get(a), self.get(b));
        self.set(a, value_b, target_b);
        self.set(b, value_a, target_a);
    }

    /// A reference moves, over whatever was there.
    #[inline(never)]
    fn relocate(&mut self) {
        let (Some(from), Some(to)) = (self.place(), self.place()) else { return };
        let (value, target) = self.get(from);
        let (there, kept) = self.get(to);
        self.set(from, Value::NULL, None);
        self.set(to, value, target);
        // What was there goes below what has moved, if that has a field, so that the graph does not dwindle.
        if let Some(number) = target
            && kept.is_some()
            && kept != target
            && self.shadows[number].fields[0].is_none()
        {
            self.set((value, number, 0), there, kept);
        }
    }

    /// Takes an object out of the graph, so that only a root holds it, or puts one back.
    #[inline(never)]
    fn take_or_put(&mut self) {
        let root = 1 + self.random.below(HELD);
        let Some(place) = self.place() else { return };
        let (value, target) = self.get(place);
        let (held, number) = (self.roots.borrow()[root], self.numbers[root]);
        if number.is_none() || target.is_none() {
            self.set(place, held, number);
            self.roots.borrow_mut()[root] = value;
            self.numbers[root] = target;
        }
    }

    /// A random field on a random way from the root.
    fn place(&mut self) -> Option<Place> {
        let mut object = self.roots.borrow()[0];
        let mut number = 0;
        let mut place = None;
        for _ in 0..1 + self.random.below(30) {
            let shadow = &self.shadows[number];
            // Of a large array only some fields are used, in all its cards and pieces.
            let (count, apart) = if shadow.fields.len() < LARGE { (shadow.fields.len(), 1) } else { (40, LARGE / 40) };
            let filled = (0..6).map(|_| self.random.below(count) * apart).find(|&field| shadow.fields[field].is_some());
            let field = filled.unwrap_or_else(|| self.random.below(count) * apart);
            place = Some((object, number, field));
            match self.shadows[number].fields[field] {
                Some(target) => {
                    object = word(object, self.shadows[number].word(field));
                    number = target;
                }
                None => break,
            }
        }
        place
    }

    fn get(&self, (object, number, field): Place) -> (Value, Option<usize>) {
        let shadow = &self.shadows[number];
        (word(object, shadow.word(field)), shadow.fields[field])
    }

    fn set(&mut self, (object, number, field): Place, value: Value, target: Option<usize>) {
        let place = self.shadows[number].word(field);
        if self.random.one_in(4) {
            self.heap.write_barrier(object);
            init(object, place, value);
        } else {
            store(&mut self.heap, object, place, value);
        }
        self.shadows[number].fields[field] = target;
    }

    /// Everything reachable against the model.
    #[inline(never)]
    fn compare(&mut self) {
        let mut seen = HashMap::new();
        let roots = self.roots.borrow();
        let mut queue: Vec<(Value, usize)> =
            roots.iter().zip(&self.numbers).filter_map(|(&value, number)| Some((value, (*number)?))).collect();
        while let Some((object, number)) = queue.pop() {
            if let Some(&known) = seen.get(&number) {
                assert_eq!(known, object, "{number} has two addresses");
                continue;
            }
            seen.insert(number, object);
            let shadow = &self.shadows[number];
            assert_eq!(word(object, shadow.is_array as usize + 1).as_int(), number as i64, "another object");
            for (field, &target) in shadow.fields.iter().enumerate() {
                let value = word(object, shadow.word(field));
                assert_eq!(target.is_none(), value.is_null(), "field {field} of {number}");
                queue.extend(target.map(|target| (value, target)));
            }
        }
    }
}
