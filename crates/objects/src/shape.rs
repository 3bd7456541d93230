//! Shapes: what an object's header names.
//!
//! A shape fixes the layout, the class and, for instances, which attribute lies in which slot. One comparison of the
//! header guards all three. Adding an attribute moves an instance to the shape that follows (hidden classes). Which words
//! hold floats, unboxed, is the shape's too (see `representation.rs`).

use crate::layout::Object;
use crate::ty::TypeRef;
use crate::value_map::WordMap;
use heap::{Heap, Layout, ShapeId, Tail, Value};
use std::cell::{Cell, RefCell};

/// What kind of object a shape describes: what a handler switches on. Subclass instances of `List`, `Dict`, `Set`,
/// `Exception` and so on have kind `Instance` and start with the base's words; exact ones have the kind of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    None,
    Bool,
    NotImplemented,
    Ellipsis,
    BigInt,
    Float,
    Complex,
    Str,
    /// A str that grows by appending: see [`crate::str::appended`].
    AppendedStr,
    Bytes,
    ByteArray,
    List,
    Tuple,
    Dict,
    Set,
    FrozenSet,
    Range,
    Slice,
    Cell,
    Function,
    Method,
    Builtin,
    Code,
    Module,
    Type,
    Property,
    Member,
    GetSet,
    Generator,
    Exception,
    RangeIterator,
    ListIterator,
    TupleIterator,
    Array,
    /// The float64 buffer.
    Buffer,
    /// `struct.Struct`.
    Struct,
    Enumerate,
    Zip,
    Instance,
    /// Storage that Python code does not see.
    Storage,
    /// Anything that no handler treats specially.
    Other,
}

/// See the module. Immortal.
pub struct Shape {
    pub id: ShapeId,
    pub kind: Kind,
    pub ty: TypeRef,
    /// Of instances: words before the inline attributes, header, overflow word and `__slots__` included.
    pub fixed_words: u16,
    /// Of instances: the word that holds the overflow array or dictionary; 0 if instances have no dictionary.
    pub overflow_word: u16,
    /// Inline attribute words, behind the fixed ones.
    pub capacity: u16,
    /// The attributes live in the dictionary in the overflow word.
    pub dictionary: bool,
    /// Attribute names (interned) in order of creation; slot `i` is inline if `i < capacity`, else item `i - capacity` of
    /// the overflow array.
    pub attributes: Box<[Value]>, // immortal
    pub by_name: WordMap<Value, u32>,
    /// Words that hold floats, unboxed: bit `i` for word `i`. None beyond 63 does.
    pub floats: u64,
    /// A word of [`floats`](Self::floats) has held something else in other instances: this one migrates when it is touched.
    pub is_deprecated: Cell<bool>,
    /// Of a deprecated shape: where instances migrated last.
    pub successor: Cell<Option<&'static Shape>>,
    /// Shapes that follow when an attribute is added, by its name; when a slot of `__slots__` gets its first float, by its
    /// word (an int).
    pub transitions: RefCell<WordMap<Value, &'static Shape>>,
    /// The shape without attributes that this one descends from; `None`: itself.
    pub root: Cell<Option<&'static Shape>>,
    /// Of a root: the shapes that descend from it.
    pub descendants: Cell<u32>,
    /// Of a root: the shape of the same size whose attributes live in a dictionary.
    pub dictionary_twin: Cell<Option<&'static Shape>>,
}

/// A class's instances have at most this many shapes; then they have dictionaries.
pub const MAX_SHAPES: u32 = 64;

impl Shape {
    /// A shape without attributes.
    pub fn new(id: ShapeId, kind: Kind, ty: TypeRef, fixed_words: u16) -> Shape {
        Shape {
            id,
            kind,
            ty,
            fixed_words,
            overflow_word: 0,
            capacity: 0,
            dictionary: false,
            attributes: Box::default(),
            by_name: WordMap::default(),
            floats: 0,
            is_deprecated: Cell::new(false),
            successor: Cell::new(None),
            transitions: RefCell::default(),
            root: Cell::new(None),
            descendants: Cell::new(0),
            dictionary_twin: Cell::new(None),
        }
    }

    /// Bytes of an instance.
    #[inline(always)]
    pub fn bytes(&self) -> usize {
        (self.fixed_words + self.capacity) as usize * 8
    }

    /// Whether word `word` holds a float, unboxed.
    #[inline(always)]
    pub fn is_float(&self, word: usize) -> bool {
        word < 64 && self.floats >> word & 1 == 1
    }

    /// The word of attribute `index`, if it is inline.
    #[inline(always)]
    pub fn inline_word(&self, index: u32) -> Option<usize> {
        (index < self.capacity as u32).then(|| self.fixed_words as usize + index as usize)
    }

    #[inline]
    pub fn find(&self, name: Value) -> Option<u32> {
        self.by_name.get(&name).copied()
    }

    pub fn root(&'static self) -> &'static Shape {
        self.root.get().unwrap_or(self)
    }
}

/// The heap's shape of the exact instances of the built-in type of this kind: constant, as the first shapes are registered
/// in this order. Only for kinds whose layout [`reserved_layout`] knows.
#[inline(always)]
pub const fn exact_id(kind: Kind) -> ShapeId {
    ShapeId(1 + kind as u32)
}

/// The storage of lists, tables and overflowing attributes: [`crate::builtin_layouts::ItemArray`].
pub const ITEM_ARRAY: ShapeId = ShapeId(1 + KINDS);
/// The index of dicts and sets: [`crate::dict::table::IndexTable`].
pub const INDEX_TABLE: ShapeId = ShapeId(2 + KINDS);
/// Raw bytes behind a count: tables of characters, buffers of texts that grow.
pub const BYTE_ARRAY: ShapeId = ShapeId(3 + KINDS);

const KINDS: u32 = Kind::Other as u32 + 1;

/// Whether `value` is an exact instance of the built-in type of this kind.
#[inline(always)]
pub fn is_exact(value: Value, kind: Kind) -> bool {
    // SAFETY: a heap object has a header.
    value.is_object() && unsafe { heap::shape_of(value) } == exact_id(kind)
}

/// The layout of exact instances; `None` for kinds whose type brings its own.
pub(crate) fn reserved_layout(kind: Kind) -> Option<Layout> {
    use crate::array_layout::{Array, Buffer};
    use crate::builtin_layouts::*;
    let off_heap = |layout: Layout| layout.with_finalize(heap::Finalize::OffHeap);
    Some(match kind {
        Kind::None | Kind::Bool | Kind::NotImplemented | Kind::Ellipsis => fixed::<Singleton>(),
        Kind::BigInt => fixed::<BigInt>().with_tail(Tail::Words),
        Kind::Float => fixed::<BoxedFloat>(),
        Kind::Complex => fixed::<Complex>(),
        Kind::Str => fixed::<Str>().with_tail(Tail::Bytes),
        Kind::AppendedStr => fixed::<AppendedStr>(),
        Kind::Bytes => fixed::<Bytes>().with_tail(Tail::Bytes),
        Kind::List => fixed::<List>(),
        Kind::Tuple => fixed::<Tuple>().with_tail(Tail::Values),
        Kind::Dict => fixed::<Dict>(),
        Kind::Set | Kind::FrozenSet => fixed::<Set>(),
        Kind::Range => fixed::<Range>(),
        Kind::Slice => fixed::<Slice>(),
        Kind::Cell => fixed::<CellObject>(),
        Kind::Function => fixed::<Function>(),
        Kind::Method => fixed::<Method>(),
        Kind::Builtin => fixed::<Builtin>(),
        Kind::Code => fixed::<Code>(),
        Kind::Module => fixed::<Module>(),
        Kind::Type => fixed::<crate::ty::TypeObject>(),
        Kind::Property => fixed::<Property>(),
        Kind::Member => fixed::<Member>(),
        Kind::GetSet => fixed::<GetSet>(),
        Kind::Exception => fixed::<Exception>(),
        Kind::RangeIterator => fixed::<RangeIterator>(),
        Kind::ListIterator | Kind::TupleIterator => fixed::<SequenceIterator>(),
        Kind::Array => off_heap(fixed::<Array>()),
        Kind::Buffer => off_heap(fixed::<Buffer>()),
        Kind::ByteArray
        | Kind::Struct
        | Kind::Enumerate
        | Kind::Zip
        | Kind::Generator
        | Kind::Instance
        | Kind::Storage
        | Kind::Other => return None,
    })
}

/// The heap's layout of a [`layout!`](crate::layout) object without a tail.
pub fn fixed<T: Object>() -> Layout {
    Layout::masked(T::WORDS, T::REFS)
}

/// Registers the constant shapes; the heap has none yet.
pub(crate) fn register_reserved(heap: &mut Heap) {
    use crate::builtin_layouts::ItemArray;
    for kind in 0..KINDS {
        // SAFETY: `Kind` is `repr(u8)` and its variants are numbered from 0 without gaps.
        let kind: Kind = unsafe { std::mem::transmute(kind as u8) };
        let id = heap.register_shape(reserved_layout(kind).unwrap_or(Layout::raw(1)));
        assert_eq!(id, exact_id(kind), "constant shapes are the heap's first");
    }
    assert_eq!(heap.register_shape(fixed::<ItemArray>().with_tail(Tail::Values)), ITEM_ARRAY);
    assert_eq!(heap.register_shape(fixed::<crate::dict::table::IndexTable>().with_tail(Tail::Bytes)), INDEX_TABLE);
    assert_eq!(heap.register_shape(Layout::raw(2).with_tail(Tail::Bytes)), BYTE_ARRAY);
}
