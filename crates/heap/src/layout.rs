//! Shapes: what the collector knows of an object's words.

/// Index of a shape in the heap's table; 30 bits, 0 is never given out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(transparent)]
pub struct ShapeId(pub u32);

/// Layout of all objects of one shape.
///
/// With a tail, word 1 is the raw `i64` element count; it is set before the first safepoint and never changes after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Words of the fixed part, the header included.
    pub fixed_words: u16,
    /// Which words of the fixed part hold Values. A weak slot is not among them.
    pub refs: RefMask,
    pub tail: Tail,
    pub finalize: Finalize,
    /// The word that refers weakly to an object: the collector clears it to NULL when that object dies.
    pub weak: Option<u16>,
}

/// Which words of the fixed part hold Values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RefMask {
    None,
    /// Word `i` is bit `i`; the words from 64 on are raw.
    Bits(u64),
    /// Every word but the header and, with a tail, the count.
    All,
    /// The words `1..end` (with a tail `2..end`); the others are raw.
    Prefix(u16),
    /// The words `first..end`.
    Range(u16, u16),
    /// Word `i` is bit `i % 64` of element `i / 64`.
    Wide(Box<[u64]>),
}

/// What follows the fixed part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tail {
    None,
    Values,
    /// Raw bytes; the object's size is rounded up to a word.
    Bytes,
    /// Raw 8-byte elements.
    Words,
}

/// What happens when an object dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finalize {
    None,
    /// Words 2 and 3 are a pointer from `malloc` (or null) and a length in bytes: freed when the object dies.
    OffHeap,
    /// The object is resurrected into the queue of [`crate::Heap::take_finalizable`].
    Guest,
}

impl Layout {
    /// A fixed part alone, without finalizer or weak slot.
    pub const fn new(fixed_words: u16, refs: RefMask) -> Layout {
        Layout { fixed_words, refs, tail: Tail::None, finalize: Finalize::None, weak: None }
    }

    /// A fixed part without Values and nothing else.
    pub const fn raw(fixed_words: u16) -> Layout {
        Layout::new(fixed_words, RefMask::None)
    }

    /// A fixed part whose words are all Values.
    pub const fn values(fixed_words: u16) -> Layout {
        Layout::new(fixed_words, RefMask::All)
    }

    /// A fixed part whose Values are the set bits of `mask`.
    pub const fn masked(fixed_words: u16, mask: u64) -> Layout {
        Layout::new(fixed_words, RefMask::Bits(mask))
    }

    /// The same with a tail.
    pub const fn with_tail(mut self, tail: Tail) -> Layout {
        self.tail = tail;
        self
    }

    pub const fn with_finalize(mut self, finalize: Finalize) -> Layout {
        self.finalize = finalize;
        self
    }

    pub const fn with_weak(mut self, word: u16) -> Layout {
        self.weak = Some(word);
        self
    }
}
