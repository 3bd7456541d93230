//! The shape table: layouts in the form the collector reads.

use crate::header::{HASH_MOVED, load};
use crate::{Finalize, Layout, RefMask, ShapeId, Tail};

/// All layouts of a heap, indexed by shape.
pub(crate) struct ShapeTable {
    layouts: Vec<Layout>,
    descriptors: Vec<Descriptor>,
}

/// A layout in 24 bytes.
#[derive(Clone, Copy)]
pub(crate) struct Descriptor {
    /// For `Mask`: word `i` holds a Value if bit `i` is set. For `Wide`: the address of such words.
    mask: u64,
    fixed_bytes: u32,
    refs: Refs,
    tail: TailKind,
    /// Word of the weak slot; 0: none.
    pub weak: u16,
    /// For `Range`: words `first..end`. For `Wide`: `end` words of mask.
    first: u16,
    end: u16,
    /// Small, no tail, no weak slot, and the mask says it all.
    is_simple: bool,
}

/// What the collector's fast loops need to know of an object of a few words.
#[derive(Clone, Copy)]
pub(crate) struct Simple {
    pub bytes: usize,
    /// Word `i` holds a Value if bit `i` is set.
    pub mask: u64,
}

/// An object that is simple has at most so many bytes, its hash not counted.
pub(crate) const SIMPLE_BYTES: usize = 120;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refs {
    None,
    Mask,
    Range,
    Wide,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TailKind {
    None,
    Values,
    Bytes,
    Words,
    /// No object: the upper half of the header is the size in words.
    Filler,
}

impl ShapeTable {
    /// The table with shape 0, the filler.
    pub fn new() -> ShapeTable {
        let mut table = ShapeTable { layouts: Vec::new(), descriptors: Vec::new() };
        table.register(Layout::raw(1));
        table.descriptors[0].tail = TailKind::Filler;
        table.descriptors[0].fixed_bytes = 0;
        table.descriptors[0].is_simple = false;
        table
    }

    pub fn register(&mut self, layout: Layout) -> ShapeId {
        let shape = ShapeId(u32::try_from(self.layouts.len()).expect("shape ids fit in 30 bits"));
        assert!(shape.0 < 1 << 30, "shape ids fit in 30 bits");
        // The wide mask is boxed, so its address stays when the table grows.
        self.layouts.push(layout);
        self.descriptors.push(Descriptor::new(&self.layouts[shape.0 as usize]));
        shape
    }

    pub fn layout(&self, shape: ShapeId) -> &Layout {
        &self.layouts[shape.0 as usize]
    }

    /// The number of shapes, the filler included.
    pub fn len(&self) -> usize {
        self.layouts.len()
    }

    #[inline(always)]
    pub fn descriptor(&self, header: u64) -> Descriptor {
        let shape = (header as u32 >> 1) as usize;
        debug_assert!(header & 1 == 1 && shape < self.descriptors.len(), "header {header:#x} is none");
        // SAFETY: headers are written from registered shapes alone (invariant 2), and the table never shrinks.
        unsafe { *self.descriptors.get_unchecked(shape) }
    }

    /// Size in bytes of the object (or filler) at `object` with this header.
    #[inline(always)]
    pub unsafe fn size(&self, object: usize, header: u64) -> usize {
        let descriptor = self.descriptor(header);
        // SAFETY: the caller names an object and its header.
        unsafe { descriptor.size(object, header) }
    }
}

/// What is done with a slot. A closure does, but is not compiled into each of the loops over slots; the collector's visitors
/// have an inlined method.
pub(crate) trait SlotVisitor {
    fn visit(&mut self, slot: usize);
}

impl<F: FnMut(usize)> SlotVisitor for F {
    #[inline(always)]
    fn visit(&mut self, slot: usize) {
        self(slot)
    }
}

impl Descriptor {
    fn new(layout: &Layout) -> Descriptor {
        let words = layout.fixed_words;
        let skipped = if layout.tail == Tail::None { 1 } else { 2 };
        assert!(words >= skipped, "the fixed part holds the header and the count: {layout:?}");
        assert!(layout.finalize != Finalize::OffHeap || words >= 4, "words 2 and 3 are the buffer: {layout:?}");
        assert!(layout.weak.is_none_or(|word| word >= skipped && word < words), "the weak slot exists: {layout:?}");
        let range = |first: u16, end: u16| {
            let end = end.min(words);
            match first < end {
                true if end <= 64 => (Refs::Mask, (u64::MAX >> (64 - end)) & (u64::MAX << first), 0, 0),
                true => (Refs::Range, 0, first, end),
                false => (Refs::None, 0, 0, 0),
            }
        };
        let (refs, mask, first, end) = match &layout.refs {
            RefMask::None => (Refs::None, 0, 0, 0),
            RefMask::Bits(0) => (Refs::None, 0, 0, 0),
            RefMask::Bits(bits) => (Refs::Mask, *bits, 0, 0),
            RefMask::All => range(skipped, words),
            RefMask::Prefix(end) => range(skipped, *end),
            RefMask::Range(first, end) => range((*first).max(skipped), *end),
            RefMask::Wide(bits) => (Refs::Wide, bits.as_ptr() as u64, 0, bits.len() as u16),
        };
        let tail = match layout.tail {
            Tail::None => TailKind::None,
            Tail::Values => TailKind::Values,
            Tail::Bytes => TailKind::Bytes,
            Tail::Words => TailKind::Words,
        };
        let weak = layout.weak.unwrap_or(0);
        let fixed_bytes = words as u32 * 8;
        let is_simple = matches!(refs, Refs::None | Refs::Mask)
            && tail == TailKind::None
            && weak == 0
            && fixed_bytes as usize <= SIMPLE_BYTES;
        let descriptor = Descriptor { mask, fixed_bytes, refs, tail, weak, first, end, is_simple };
        descriptor.check(layout, skipped);
        descriptor
    }

    /// Panics where the mask covers a word that holds no Value.
    fn check(&self, layout: &Layout, skipped: u16) {
        let base = 0usize;
        // SAFETY: the slots of the fixed part are computed from the mask alone; base is not dereferenced.
        unsafe {
            self.fixed_slots(base, &mut |slot: usize| {
                let word = (slot / 8) as u16;
                assert!(word >= skipped && word < layout.fixed_words, "word {word} is no Value: {layout:?}");
                assert!(layout.weak != Some(word), "word {word} is both weak and strong: {layout:?}");
            });
        }
    }

    #[inline(always)]
    pub unsafe fn size(&self, object: usize, header: u64) -> usize {
        // SAFETY: with a tail, word 1 is the count (invariant 2).
        let tail = unsafe {
            match self.tail {
                TailKind::None => 0,
                TailKind::Values | TailKind::Words => load(object + 8) as usize * 8,
                TailKind::Bytes => (load(object + 8) as usize + 7) & !7,
                TailKind::Filler => (header >> 32) as usize * 8,
            }
        };
        let hash = if self.tail == TailKind::Filler { 0 } else { ((header & HASH_MOVED) >> 40) as usize };
        self.fixed_bytes as usize + tail + hash
    }

    /// Its size without a hash and its slots, if the fast loops know how to treat such objects.
    #[inline(always)]
    pub fn simple(&self) -> Option<Simple> {
        self.is_simple.then_some(Simple { bytes: self.fixed_bytes as usize, mask: self.mask })
    }

    /// Whether the object may hold Values or a weak slot, so that it must be scanned.
    #[inline(always)]
    pub fn needs_scan(&self) -> bool {
        self.refs != Refs::None || self.tail == TailKind::Values || self.weak != 0
    }

    /// Visits the address of every strong slot.
    #[inline(always)]
    pub unsafe fn slots(&self, object: usize, mut visitor: impl SlotVisitor) {
        // SAFETY: the caller names an object of this shape.
        unsafe {
            self.fixed_slots(object, &mut visitor);
            if self.tail == TailKind::Values {
                let first = object + self.fixed_bytes as usize;
                let end = first + load(object + 8) as usize * 8;
                for slot in (first..end).step_by(8) {
                    visitor.visit(slot);
                }
            }
        }
    }

    /// The strong slots in the address range `low..high`.
    pub unsafe fn slots_between(&self, object: usize, low: usize, high: usize, mut visitor: impl SlotVisitor) {
        // SAFETY: the caller names an object of this shape.
        unsafe {
            let first = object + self.fixed_bytes as usize;
            if low < first {
                self.fixed_slots(object, &mut |slot: usize| {
                    if (low..high).contains(&slot) {
                        visitor.visit(slot)
                    }
                });
            }
            if self.tail == TailKind::Values {
                let end = first + load(object + 8) as usize * 8;
                for slot in (first.max(low)..end.min(high)).step_by(8) {
                    visitor.visit(slot);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn fixed_slots(&self, object: usize, visitor: &mut impl SlotVisitor) {
        match self.refs {
            Refs::None => {}
            Refs::Range => {
                for word in self.first as usize..self.end as usize {
                    visitor.visit(object + word * 8);
                }
            }
            Refs::Mask => visit_bits(self.mask, object, visitor),
            Refs::Wide => {
                for i in 0..self.end as usize {
                    // SAFETY: `mask` is the address of `end` mask words that the layout owns.
                    let bits = unsafe { *(self.mask as *const u64).add(i) };
                    visit_bits(bits, object + i * 512, visitor);
                }
            }
        }
    }
}

#[inline(always)]
fn visit_bits(mut bits: u64, first: usize, visitor: &mut impl SlotVisitor) {
    while bits != 0 {
        visitor.visit(first + bits.trailing_zeros() as usize * 8);
        bits &= bits - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot_words(layout: Layout, count: u64) -> Vec<usize> {
        let mut table = ShapeTable::new();
        let shape = table.register(layout);
        let mut object = [0u64; 200];
        object[0] = crate::fresh_header(shape);
        object[1] = count;
        let address = object.as_ptr() as usize;
        let mut words = Vec::new();
        // SAFETY: `object` is laid out as the shape says.
        unsafe { table.descriptor(object[0]).slots(address, |slot| words.push((slot - address) / 8)) };
        words
    }

    #[test]
    fn every_mask_form_names_its_words() {
        assert_eq!(slot_words(Layout::values(3), 0), [1, 2]);
        assert_eq!(slot_words(Layout::masked(4, 0b1010), 0), [1, 3]);
        assert_eq!(slot_words(Layout::new(5, RefMask::Prefix(3)), 0), [1, 2]);
        assert_eq!(slot_words(Layout::new(5, RefMask::Range(2, 4)), 0), [2, 3]);
        assert_eq!(slot_words(Layout::new(100, RefMask::Wide(Box::new([2, 4]))), 0), [1, 66]);
        assert_eq!(slot_words(Layout::values(3).with_tail(Tail::Values), 2), [2, 3, 4]);
        assert_eq!(slot_words(Layout::raw(2).with_tail(Tail::Bytes), 20), [0usize; 0]);
    }

    #[test]
    #[should_panic(expected = "word 1 is no Value")]
    fn a_count_is_no_value() {
        ShapeTable::new().register(Layout::masked(3, 0b010).with_tail(Tail::Values));
    }

    #[test]
    fn the_bytes_of_a_tail_are_rounded_up() {
        let mut table = ShapeTable::new();
        let shape = table.register(Layout::raw(2).with_tail(Tail::Bytes));
        let object = [crate::fresh_header(shape), 9];
        // SAFETY: `object` is laid out as the shape says.
        let sizes = unsafe {
            let address = object.as_ptr() as usize;
            (table.size(address, object[0]), table.size(address, object[0] | HASH_MOVED))
        };
        assert_eq!(sizes, (32, 40));
    }
}
