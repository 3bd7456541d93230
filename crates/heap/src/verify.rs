//! The heap check: walks everything reachable and panics, naming object and slot, where an invariant is broken.

use std::collections::HashSet;

use crate::header::*;
use crate::roots::{Pass, with_registers};
use crate::{Heap, Value};

impl Heap {
    /// Checks that every reachable object is one, that its slots hold Values, and that every old object that refers to a
    /// young one is remembered. All objects must be initialised, as at any safepoint.
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
    seen: HashSet<usize>,
    /// Objects to be checked.
    queue: Vec<usize>,
}

impl<'a> Check<'a> {
    unsafe fn new(heap: &'a mut Heap) -> Check<'a> {
        let mut young = HashSet::new();
        // SAFETY: the gaps are parsable (invariant 5).
        unsafe { heap.nursery.for_each_object(&heap.shapes, heap.free, |object| _ = young.insert(object)) };
        let remembered = heap.remembered.iter().copied().collect();
        Check { heap, young, remembered, seen: HashSet::new(), queue: Vec::new() }
    }

    unsafe fn run(&mut self) {
        let mut roots = Vec::new();
        self.heap.run_callbacks(Pass::List(&mut roots));
        roots.extend(&self.heap.finalizers.queue);
        roots.extend(&self.heap.weak.cleared);
        roots.extend(&self.heap.saved);
        for root in roots {
            self.reach(root, &|| "a root".to_string());
        }
        // SAFETY: the lists hold objects, and what is queued has been checked to be one.
        unsafe {
            for i in 0..self.heap.roots.ambiguous.len() {
                if let Some(object) = self.heap.resolve_old(self.heap.roots.ambiguous[i]) {
                    self.reach(Value(object as u64), &|| "an ambiguous root".to_string());
                }
            }
            for i in 0..self.heap.immortal.objects.len() {
                let object = self.heap.immortal.objects[i];
                self.reach(Value(object as u64), &|| "immortal space".to_string());
            }
            while let Some(object) = self.queue.pop() {
                self.check_object(object);
            }
        }
    }

    fn reach(&mut self, value: Value, from: &dyn Fn() -> String) {
        let object = value.0 as usize;
        if object & 7 == 4 {
            panic!("{} holds {object:#x}, which is no Value", from());
        }
        if !value.is_object() || !self.seen.insert(object) {
            return;
        }
        assert!(self.is_object(object), "{} holds {object:#x}, where no object starts", from());
        self.queue.push(object);
    }

    fn is_object(&self, object: usize) -> bool {
        let heap = &self.heap;
        let starts = if heap.nursery.contains(object) {
            self.young.contains(&object)
        } else if heap.old.contains(object) {
            heap.old.is_start(object)
        } else if heap.large.contains(object) {
            heap.large.is_object(object)
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
                let from = || self_description(self.heap.layout(shape_in(header)), object, slot);
                let from = from();
                self.reach(value, &|| from.clone());
                if value.is_object() && self.is_young(value.0 as usize) && !self.is_young(object) {
                    let remembered = header & TRACK == 0 && self.remembered.contains(&object);
                    let carded = header & CARDS != 0 && self.heap.large.is_card_marked(slot);
                    assert!(remembered || carded, "{from} refers to a young object and is not remembered");
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
