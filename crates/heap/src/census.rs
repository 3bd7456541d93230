//! A full collection that says what it found dead, for `gc.collect()`.
//!
//! A reference-counting collector finds only garbage with cycles in it, and what such garbage refers to: everything else is
//! gone before it looks. The census gives the same answer. It counts, for each dead object, the references to it from
//! other dead ones; objects without any go first, and with them the references they hold, until only objects in or behind
//! cycles are left.
//!
//! The young are counted too: such a collection moves all of them to old space, dead or alive, so that the full
//! collection behind it finds the dead there with their references still valid.

use crate::header::*;
use crate::{Heap, ShapeId, Value};

/// The counts of references lie in the bits of the header that no flag uses; the dead need their headers no more.
const COUNT_SHIFT: u32 = 48;
const COUNT_ONE: u64 = 1 << COUNT_SHIFT;
/// A count that has come so far stays: the object is taken for one in a cycle.
const COUNT_MAX: u64 = u64::MAX << COUNT_SHIFT;

const _: () = assert!(CARDS < COUNT_ONE && HASH_MOVED < COUNT_ONE);

/// Whether a census counts the objects of a shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counted {
    No,
    Yes,
    /// A reference of its own to itself does not make it a cycle: the program does not know of it.
    YesBesideItself,
    /// If it refers to an object that may be counted.
    IfItRefersToOne,
}

/// A dead object that a census counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    pub shape: ShapeId,
    /// Where it was; nothing is there any more, unless it was saved.
    pub address: usize,
}

/// A census that has been asked for.
pub(crate) struct Census {
    /// By shape; shapes beyond its end are not counted.
    counted: Vec<Counted>,
    /// The objects found are kept, for [`Heap::take_saved`].
    save: bool,
    found: Vec<Counts>,
}

impl Heap {
    /// [`Heap::collect_full_above`] that lists what it frees of the shapes that `counted` (indexed by shape) tells, as far as
    /// it was in cycles or behind them. With `save` these objects are not freed, but left to [`Heap::take_saved`].
    ///
    /// # Safety
    /// No Value is needed afterwards that only the stack below `low` refers to.
    pub unsafe fn collect_counting(&mut self, low: usize, counted: Vec<Counted>, save: bool) -> Vec<Counts> {
        self.census = Some(Box::new(Census { counted, save, found: Vec::new() }));
        // SAFETY: this function's contract.
        unsafe { self.collect_full_above(low) };
        self.census.take().expect("the collection leaves it").found
    }

    /// The next object that a census saved.
    pub fn take_saved(&mut self) -> Option<Value> {
        self.saved.pop()
    }

    /// In a minor collection, when the roots have been visited: reaches all young objects.
    pub(crate) unsafe fn reach_all_young(&mut self, young: Vec<usize>) {
        if self.census.is_none() {
            return;
        }
        // SAFETY: the list was made before anything moved: young objects, or what they left behind.
        unsafe {
            for object in young {
                let mut value = Value(object as u64);
                self.visit_slot(&raw mut value as usize);
            }
            for i in 0..self.large.young.len() {
                let mut value = Value(self.large.young[i] as u64);
                self.visit_slot(&raw mut value as usize);
            }
        }
    }

    /// The objects that are in the nursery before a minor collection, if it is to reach them all.
    pub(crate) unsafe fn young_for_census(&self) -> Vec<usize> {
        let mut young = Vec::new();
        if self.census.is_some() {
            // SAFETY: the gaps are parsable (invariant 5).
            unsafe { self.nursery.for_each_object(&self.shapes, self.free, |object| young.push(object)) };
        }
        young
    }

    /// After marking, when weak references have been cleared and before anything is freed. Where there is no memory for lists of
    /// all that died nothing is found, or not all.
    pub(crate) unsafe fn take_census(&mut self) {
        let Some(mut census) = self.census.take() else { return };
        let mut free = Vec::new();
        let Some(dead) = self.dead_objects().filter(|dead| free.try_reserve_exact(dead.len()).is_ok()) else {
            self.census = Some(census);
            return;
        };
        // SAFETY: the list holds dead objects, which nobody has freed.
        unsafe {
            self.count_references(&dead, &census.counted);
            self.drop_acyclic(&dead, &census.counted, free);
            for &object in &dead {
                let header = load(object);
                let cyclic = header >= COUNT_ONE;
                store(object, header & (COUNT_ONE - 1));
                if cyclic && self.counts(&census.counted, object) && census.found.try_reserve(1).is_ok() {
                    census.found.push(Counts { shape: shape_in(header), address: object });
                }
            }
            if census.save {
                for found in &census.found {
                    self.saved.push(Value(found.address as u64));
                    self.mark_value(found.address);
                }
                self.drain_marks(&mut usize::MAX.clone());
                self.clear_marked_weak();
            }
        }
        self.census = Some(census);
    }

    fn dead_objects(&self) -> Option<Vec<usize>> {
        let mut dead = Vec::new();
        let mut is_complete = true;
        let mut visit = |object: usize| {
            // SAFETY: an object or a reserved slot starts there (invariant 6).
            unsafe {
                if !is_filler(load(object)) && self.marked_fate(object).is_none() {
                    is_complete = is_complete && dead.try_reserve(1).is_ok();
                    if is_complete {
                        dead.push(object);
                    }
                }
            }
        };
        self.old.for_each_start(&mut visit);
        self.large.objects().for_each(&mut visit);
        is_complete.then_some(dead)
    }

    unsafe fn count_references(&self, dead: &[usize], counted: &[Counted]) {
        // SAFETY: the list holds dead objects, whose slots hold Values (invariant 2).
        unsafe {
            for &object in dead {
                self.each_dead_referent(object, counted, |referent| {
                    let header = load(referent);
                    if header < COUNT_MAX {
                        store(referent, header + COUNT_ONE);
                    }
                });
            }
        }
    }

    /// Takes back what the objects without a count refer to, and so on. `free` is empty and has room for all of them.
    unsafe fn drop_acyclic(&self, dead: &[usize], counted: &[Counted], mut free: Vec<usize>) {
        // SAFETY: the list holds dead objects, whose slots hold Values (invariant 2).
        unsafe {
            free.extend(dead.iter().copied().filter(|&object| load(object) < COUNT_ONE));
            while let Some(object) = free.pop() {
                self.each_dead_referent(object, counted, |referent| {
                    let header = load(referent);
                    if header < COUNT_MAX {
                        store(referent, header - COUNT_ONE);
                        if header < 2 * COUNT_ONE {
                            free.push(referent);
                        }
                    }
                });
            }
        }
    }

    unsafe fn each_dead_referent(&self, object: usize, counted: &[Counted], mut f: impl FnMut(usize)) {
        // SAFETY: the caller names an object, whose slots hold Values (invariant 2).
        unsafe {
            let shape = shape_in(load(object)).0 as usize;
            let beside_itself = counted.get(shape) == Some(&Counted::YesBesideItself);
            self.shapes.descriptor(load(object)).slots(object, |slot| {
                let value = Value(load(slot));
                let itself = beside_itself && value.0 as usize == object;
                if value.is_object() && !itself && self.marked_fate(value.0 as usize).is_none() {
                    f(value.0 as usize);
                }
            });
        }
    }

    unsafe fn counts(&self, counted: &[Counted], object: usize) -> bool {
        // SAFETY: the caller names an object, whose slots hold Values (invariant 2).
        unsafe {
            let of = |object: usize| counted.get(shape_in(load(object)).0 as usize).copied().unwrap_or(Counted::No);
            match of(object) {
                Counted::No => false,
                Counted::Yes | Counted::YesBesideItself => true,
                Counted::IfItRefersToOne => {
                    let mut any = false;
                    self.shapes.descriptor(load(object)).slots(object, |slot| {
                        let value = Value(load(slot));
                        any |= value.is_object() && of(value.0 as usize) != Counted::No;
                    });
                    any
                }
            }
        }
    }
}
