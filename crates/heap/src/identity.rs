//! Identity hash and `id()`, stable although objects move.
//!
//! The hash of an object that is not young is its address in words. Of a young one it is its place in a nursery that were
//! never used twice (nursery addresses repeat): the words allocated so far. When the object moves, the hash is kept in the
//! word behind it, while it stays pinned, in a side table. So objects made one after the other have hashes one after the
//! other, and a large table of them is filled and searched from one end to the other, as the processor's caches like it: a
//! set of millions of objects is built four times as fast as with scrambled hashes. Tables must bear steps in hashes; they
//! do, for ints are no different.
//!
//! `id()` of a young object reserves its slot in old space: the id is the address it will have.

use std::collections::HashMap;

use crate::header::*;
use crate::nursery::Span;
use crate::{Heap, Value};

#[derive(Default)]
pub(crate) struct Identities {
    /// Hashes of pinned objects that were taken before the last minor collection.
    pinned_hashes: HashMap<usize, u64>,
    /// Words of nursery used before the last minor collection: what the hashes of young objects start from.
    clock: u64,
    /// Young object to its reserved slot.
    pub shadows: HashMap<usize, usize>,
}

impl Heap {
    /// Stable while the object lives. What is no heap pointer hashes as its bits.
    pub fn identity_hash(&mut self, value: Value) -> u64 {
        if !value.is_object() {
            return mix(value.0);
        }
        let object = value.0 as usize;
        // SAFETY: a heap pointer is the address of an object (invariant 2).
        unsafe {
            let header = load(object);
            if header & HASH_MOVED != 0 {
                return load(object + self.shapes.size(object, header) - 8);
            }
            if !self.nursery.contains(object) {
                return value.0 >> 3;
            }
            store(object, header | HASHED);
            self.young_hash(object)
        }
    }

    /// Unique and stable while the object lives. What is no heap pointer is its own id.
    pub fn id(&mut self, value: Value) -> u64 {
        let object = value.0 as usize;
        if !value.is_object() || !self.nursery.contains(object) {
            return value.0;
        }
        // SAFETY: a heap pointer is the address of an object (invariant 2).
        unsafe {
            let header = load(object);
            if header & SHADOW != 0 {
                return self.identities.shadows[&object] as u64;
            }
            // The hash may still be taken before the object moves.
            let bytes = self.shapes.size(object, header) + 8;
            let slot = self.tenured_room(bytes);
            // A large slot keeps the upper half of its header free for the mark.
            store(slot, filler(if self.large.contains(slot) { 0 } else { bytes / 8 }));
            self.born(slot);
            store(object, header | SHADOW);
            self.identities.shadows.insert(object, slot);
            slot as u64
        }
    }

    fn young_hash(&self, object: usize) -> u64 {
        match self.identities.pinned_hashes.get(&object) {
            Some(&hash) => hash,
            None => self.identities.clock + ((object - self.nursery.start) as u64 >> 3),
        }
    }

    /// Room for a survivor of `bytes` bytes that was hashed or asked for its id; stores its hash behind the copy.
    #[cold]
    pub(crate) unsafe fn identified_room(
        &mut self,
        object: usize,
        header: u64,
        bytes: usize,
        moved_header: &mut u64,
    ) -> usize {
        let moved = match self.identities.shadows.remove(&object) {
            Some(slot) => slot,
            None => self.tenured_room(bytes + 8),
        };
        if header & HASHED != 0 {
            *moved_header |= HASH_MOVED;
            // SAFETY: the slot has a word more than the object.
            unsafe { store(moved + bytes, self.young_hash(object)) };
        }
        moved
    }

    /// Before the nursery is used again: hashes of pinned objects go to the side table, hashes and slots of dead objects go
    /// away, and the clock goes on.
    pub(crate) unsafe fn keep_pinned_identities(&mut self, pinned: &[Span]) {
        let is_pinned = |object: &usize| pinned.binary_search_by_key(object, |span| span.start).is_ok();
        let mut hashes = HashMap::new();
        for object in pinned {
            // SAFETY: a pinned object.
            if unsafe { load(object.start) } & HASHED != 0 {
                hashes.insert(object.start, self.young_hash(object.start));
            }
        }
        self.identities.pinned_hashes = hashes;
        // No gap is left: as if all of them had been filled.
        let used = if self.free == 0 { self.nursery.target } else { self.free - self.nursery.start };
        self.identities.clock += used as u64 >> 3;
        if !self.identities.shadows.is_empty() {
            self.identities.shadows.retain(|object, _| is_pinned(object));
        }
    }
}

/// Spreads the bits (the finaliser of Steele, Lea and Flood's SplitMix, OOPSLA 2014).
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
