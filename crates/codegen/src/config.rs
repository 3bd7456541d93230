//! What compiled code knows of the guest: layouts, words and slow paths.

/// Layouts and functions that the code of every trace relies on. Offsets are in bytes.
///
/// The first argument of the slow paths is the context or, where so named, the heap pointer. They may collect unless
/// said otherwise. They never fail: running out of memory is theirs to handle.
#[derive(Clone, Debug)]
pub struct Config {
    /// In the context: the pointer to the heap's allocation state. Never changes while compiled code runs.
    pub heap_offset: i32,
    /// In the context: the newest [`crate::Activation`].
    pub activation_offset: i32,
    /// Words in the buffer.
    pub buffer_words: usize,
    /// Address space for code: reserved, not used.
    pub code_bytes: usize,

    /// In the heap: the address of the next free byte of the nursery.
    pub free_offset: i32,
    /// In the heap: the address where the free gap ends.
    pub limit_offset: i32,
    /// Objects up to this size are allocated in line.
    pub inline_alloc_bytes: u32,

    /// In an object: the byte that the write barrier tests, and the bit of it that asks for the slow path.
    pub barrier_offset: i32,
    pub barrier_mask: u8,

    /// In an object with a tail: the word that holds the number of items.
    pub count_offset: i32,

    /// The low half of the header of a float on the heap.
    pub float_header: u32,
    /// In a float on the heap: its bits.
    pub float_bits_offset: i32,

    /// The guest's true and false: objects that never move and never die.
    pub true_word: u64,
    pub false_word: u64,

    /// Callees that only tell whether the 32-bit word at that offset in the context is not zero; read in line. Other
    /// threads may write the word.
    pub flags: Vec<(&'static ir::Callee, i32)>,

    /// `(heap, bytes, header)`: a fresh object with its header written, when the nursery's gap is full.
    pub alloc_slow: extern "C" fn(*mut u8, u64, u64) -> u64,
    /// `(heap, shape, fixed_bytes, item_bytes, count)`: a fresh object with a tail of zero items; header and count are
    /// written, all other words zero. Small tails of a known length are made in line instead.
    pub alloc_items: extern "C" fn(*mut u8, u64, u64, u64, u64) -> u64,
    /// `(heap, object)`: a reference was stored into a field of an object whose barrier bit is set. Does not collect.
    pub barrier_slow: extern "C" fn(*mut u8, u64),
    /// `(heap, object, address)`: the same for an item; the address of the item tells its card. Does not collect.
    pub barrier_item_slow: extern "C" fn(*mut u8, u64, u64),
    /// `(ctx, bits)`: the word of any float, immediate or boxed.
    pub box_float: extern "C" fn(*mut u8, u64) -> u64,
}

/// The header word of a fresh object.
pub(crate) fn fresh_header(shape: u32) -> u64 {
    (u64::from(shape) << 1) | 1
}
