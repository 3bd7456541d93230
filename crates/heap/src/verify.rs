//! The heap check: walks everything reachable and panics, naming object and slot, where an invariant is broken. While a full
//! collection marks it walks what is marked as well.

use std::collections::HashSet;

use crate::header::*;
use crate::old::BLOCK_BYTES;
use crate::roots::{Pass, with_registers};
use crate::{Heap, Value};

impl Heap {
    /// Checks that every reachable object is one, that its slots hold Values, that every old object that refers to a
    /// young one is remembered, that objects do not overlap, and that no black object refers to a white one. All objects must be initialised, as at any safepoint.
    #[inline(never)]
    pub fn verify(&mut self) {
        unsafe extern "C" fn enter(heap: *mut Heap, _: usize, sp: usize) {
            // SAFETY: `with_registers` passes its arguments on; the registers lie above `sp`.
            unsafe { (*heap).find_ambiguous(sp) }
        }
        // SAFETY: `enter` takes what `with_registers` passes.
        unsafe { with_registers(self, 0, enter) };
        // SAFETY: the mutator stands at a safepoint.
        unsafe { Check::new(self).run() }
    }
}

struct Check<'a> {
    heap: &'a mut Heap,
    /// Addresses of the objects in the nursery.
    young: HashSet<usize>,
    remembered: HashSet<usize>,
    /// Pinned objects with their referrers.
    referrers: HashSet<(usize, usize)>,
    seen: HashSet<usize>,
    /// Objects to be checked.
    queue: Vec<usize>,
}

/// Where a Value was found.
#[derive(Clone, Copy)]
enum Place {
    Root(&'static str),
    Slot { object: usize, slot: usize },
}

impl<'a> Check<'a> {
    unsafe fn new(heap: &'a mut Heap) -> Check<'a> {
        let mut young = HashSet::new();
        // SAFETY: the gaps are parsable (invariant 5).
        unsafe { heap.nursery.for_each_object(&heap.shapes, heap.free, |object| _ = young.insert(object)) };
        let remembered = heap.remembered.iter().copied().collect();
        let referrers = heap.referrers.all().collect();
        Check { heap, young, remembered, referrers, seen: HashSet::new(), queue: Vec::new() }
    }

    unsafe fn run(&mut self) {
        let mut roots = Vec::new();
        self.heap.run_callbacks(Pass::List(&mut roots));
        roots.extend(&self.heap.finalizers.queue);
        roots.extend(&self.heap.weak.cleared);
        roots.extend(&self.heap.saved);
        for root in roots {
            self.reach(root, Place::Root("a root"));
        }
        // SAFETY: the lists hold objects, and what is queued has been checked to be one.
        unsafe {
            for i in 0..self.heap.roots.ambiguous.len() {
                if let Some(object) = self.heap.resolve_old(self.heap.roots.ambiguous[i])
                    && !self.heap.is_unswept_dead(object)
                {
                    self.reach(Value(object as u64), Place::Root("an ambiguous root"));
                }
            }
            for i in 0..self.heap.immortal.objects.len() {
                let object = self.heap.immortal.objects[i];
                self.reach(Value(object as u64), Place::Root("immortal space"));
            }
            while let Some(object) = self.queue.pop() {
                self.check_object(object);
            }
            self.check_overlap();
            if self.heap.is_marking() && !self.heap.marking.has_overflowed() {
                self.check_marks();
            }
        }
    }

    /// No object of old space reaches into the next, or into another block (invariant 6), or lies on a line that is free (invariant 10).
    unsafe fn check_overlap(&self) {
        let (mut last, mut end) = (0, 0);
        self.heap.old.for_each_start(|object| {
            assert!(object >= end, "the object at {last:#x} ends at {end:#x}, behind the start of {object:#x}");
            // SAFETY: an object or a reserved slot starts there.
            let bytes = unsafe { self.heap.shapes.size(object, load(object)) };
            assert!(self.heap.old.lines_are_in_use(object, bytes), "the lines of {object:#x} are free");
            (last, end) = (object, object + bytes);
            let base = object - self.heap.old.start;
            assert_eq!(base / BLOCK_BYTES, (base + bytes - 1) / BLOCK_BYTES, "{object:#x} crosses a block");
        });
    }

    /// No black object refers to a white one (invariant 9), and its lines are marked.
    unsafe fn check_marks(&self) {
        let heap = &*self.heap;
        let gray: HashSet<usize> = heap.marking.objects().collect();
        let mut marked = Vec::new();
        heap.old.for_each_marked(|object| marked.push(object));
        // SAFETY: the lists hold objects.
        unsafe {
            marked.extend(heap.large.objects().filter(|&object| load(object) & LIVE != 0));
            marked.extend(heap.immortal.objects.iter().take(heap.marking.immortal_at));
            for object in marked {
                let header = load(object);
                let descriptor = heap.shapes.descriptor(header);
                if gray.contains(&object) || self.remembered.contains(&object) && header & TRACK == 0 {
                    continue;
                }
                if heap.old.contains(object) {
                    let bytes = descriptor.size(object, header);
                    assert!(heap.old.lines_are_marked(object, bytes), "the lines of the black {object:#x} are free");
                }
                descriptor.slots(object, |slot| {
                    let value = load(slot) as usize;
                    let is_white = value & 7 == 0
                        && (heap.old.contains(value) && !heap.old.is_marked(value)
                            || heap.large.contains(value) && load(value) & (LIVE | LARGE_YOUNG) == 0);
                    let is_carded = header & CARDS != 0 && heap.large.is_card_marked(slot);
                    assert!(
                        !is_white || is_carded,
                        "{} is black and refers to the white object at {value:#x}",
                        self_description(heap.layout(shape_in(header)), object, slot)
                    );
                });
            }
        }
    }

    fn reach(&mut self, value: Value, from: Place) {
        let object = value.0 as usize;
        if object & 7 == 4 {
            panic!("{} holds {object:#x}, which is no Value", self.describe(from));
        }
        if !value.is_object() || !self.seen.insert(object) {
            return;
        }
        assert!(self.is_object(object), "{} holds {object:#x}, where no object starts", self.describe(from));
        self.queue.push(object);
    }

    fn describe(&self, place: Place) -> String {
        match place {
            Place::Root(name) => name.to_string(),
            Place::Slot { object, slot } => {
                // SAFETY: the object has been checked to be one.
                let shape = shape_in(unsafe { load(object) });
                self_description(self.heap.layout(shape), object, slot)
            }
        }
    }

    fn is_object(&self, object: usize) -> bool {
        let heap = &self.heap;
        let starts = if heap.nursery.contains(object) {
            self.young.contains(&object)
        } else if heap.old.contains(object) {
            heap.old.is_start(object)
        } else if heap.large.contains(object) {
            heap.large.is_object(object) && !heap.is_unswept_dead(object)
        } else {
            heap.immortal.contains(object) && heap.immortal.objects.binary_search(&object).is_ok()
        };
        // SAFETY: an object or a reserved slot starts there, so it has a header.
        starts
            && unsafe {
                let header = load(object);
                header & HEADER_BIT != 0 && !is_filler(header) && (shape_in(header).0 as usize) < heap.shapes.len()
            }
    }

    unsafe fn check_object(&mut self, object: usize) {
        // SAFETY: the caller names an object.
        unsafe {
            let header = load(object);
            let descriptor = self.heap.shapes.descriptor(header);
            let mut slots = Vec::new();
            descriptor.slots(object, |slot| slots.push(slot));
            for slot in slots {
                let value = Value(load(slot));
                // Described only where something is wrong: texts for all slots would take most of the time.
                let from = Place::Slot { object, slot };
                self.reach(value, from);
                if value.is_object() && self.is_young(value.0 as usize) && !self.is_young(object) {
                    let remembered = header & TRACK == 0 && self.remembered.contains(&object);
                    let carded = header & CARDS != 0 && self.heap.large.is_card_marked(slot);
                    let pinned = value.0 as usize;
                    let listed = [object, slot].iter().any(|&entry| self.referrers.contains(&(pinned, entry)));
                    let kept_in_sight = remembered || carded || listed;
                    assert!(kept_in_sight, "{} refers to a young object and is not remembered", self.describe(from));
                }
            }
            if descriptor.weak != 0 {
                let slot = object + descriptor.weak as usize * 8;
                let value = Value(load(slot));
                let valid = !value.is_object() || self.is_object(value.0 as usize);
                assert!(valid, "the weak slot of {object:#x} holds {value:?}, where no object starts");
            }
        }
    }

    fn is_young(&self, object: usize) -> bool {
        // SAFETY: the callers name objects.
        self.heap.nursery.contains(object)
            || self.heap.large.contains(object) && unsafe { load(object) } & LARGE_YOUNG != 0
    }
}

fn self_description(layout: &crate::Layout, object: usize, slot: usize) -> String {
    format!("word {} of the object at {object:#x} ({layout:?})", (slot - object) / 8)
}
