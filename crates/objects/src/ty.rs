//! Type objects.

use crate::args::{GetSetDef, MethodDef};
use crate::layout;
use crate::layout::{Object, cast};
use crate::shape::{Kind, Shape};
use crate::slots::Slots;
use crate::value_map::{WordMap, WordSet};
use heap::Value;
use metatrace::{Assumption, Handle};
use std::cell::{Cell, RefCell};

layout! {
    /// A class. Immortal: Rust code refers to types as [`TypeRef`] without further ado.
    TypeObject {
        /// The class's own instance dictionary if its metaclass gives it one; else NULL.
        overflow OVERFLOW: Value;
        /// `&'static TypeData`.
        data DATA: i64, immutable;
        /// The namespace, a dict.
        dict DICT: Value;
        /// Tuples.
        bases BASES: Value;
        mro MRO: Value;
        name NAME: Value;
        qualname QUALNAME: Value;
    }
}

/// A class, by its immortal object.
#[derive(Clone, Copy)]
pub struct TypeRef(pub &'static TypeObject);

impl PartialEq for TypeRef {
    #[inline(always)]
    fn eq(&self, other: &TypeRef) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}
impl Eq for TypeRef {}

impl std::hash::Hash for TypeRef {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state)
    }
}

impl std::fmt::Debug for TypeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<class {}>", self.name())
    }
}

/// What a class allows and what it is, as bits.
pub mod flags {
    pub const HEAP: u32 = 1 << 0; // made by a class statement or type()
    pub const BASETYPE: u32 = 1 << 1; // can be derived from
    pub const HAS_DICT: u32 = 1 << 2; // instances have attributes of their own
    pub const ABSTRACT: u32 = 1 << 3;
    pub const IMMUTABLE: u32 = 1 << 4; // attributes can not be set
    pub const SEQUENCE: u32 = 1 << 5; // matches sequence patterns
    pub const MAPPING: u32 = 1 << 6;
    pub const MATCH_SELF: u32 = 1 << 7; // a class pattern's one positional sub-pattern matches the subject
    pub const INT: u32 = 1 << 8; // int or derived from it; likewise below
    pub const STR: u32 = 1 << 9;
    pub const BYTES: u32 = 1 << 10;
    pub const TUPLE: u32 = 1 << 11;
    pub const LIST: u32 = 1 << 12;
    pub const DICT: u32 = 1 << 13;
    pub const FLOAT: u32 = 1 << 14;
    pub const TYPE: u32 = 1 << 15;
    pub const EXCEPTION: u32 = 1 << 16; // BaseException
    pub const COMPLEX: u32 = 1 << 17;
    pub const SET: u32 = 1 << 18; // set or frozenset
    pub const METHOD_DESCRIPTOR: u32 = 1 << 19; // the type of functions: a call of the attribute passes the receiver first
    pub const WRAPPED: u32 = 1 << 20; // instances of subclasses are `WrappedInstance`s
    pub const NO_NEW: u32 = 1 << 21; // cannot be instantiated from Python
    pub const HAS_WEAKREF: u32 = 1 << 22;
    pub const HAS_FINALIZER: u32 = 1 << 23; // `__del__`
    pub const LEAF_ITERATOR: u32 = 1 << 24; // a built-in iterator whose `__next__` runs no Python code
}

/// The Rust half of a class.
pub struct TypeData {
    /// Whose half this is.
    pub class: TypeRef,
    pub name: RefCell<String>,
    pub flags: Cell<u32>,
    pub base: Cell<Option<TypeRef>>,
    /// Method resolution order. It starts with the class itself, unless a metaclass's `mro()` has other ideas.
    pub mro: RefCell<Vec<TypeRef>>,
    pub subclasses: RefCell<Vec<TypeRef>>,
    /// Classes that have this one in their MRO, by a metaclass's `mro()`, without deriving from it.
    pub followers: RefCell<Vec<TypeRef>>,
    pub slots: RefCell<Slots>,
    /// Of what an instance starts as. Of types without instances of their own shape (abstract ones): `None`.
    pub shape: Cell<Option<&'static Shape>>,
    /// How instances lie in memory.
    pub layout: RefCell<InstanceLayout>,
    /// The most attributes that an instance was seen to have.
    pub typical_attributes: Cell<u16>,
    /// Instances made while the class is unsettled.
    pub instances: Cell<u32>,
    /// The number of inline attributes was chosen from experience: `shape` stays as it is while `version` holds. Before,
    /// instances are to be made by `Vm::new_instance`, which counts them.
    pub settled: Cell<bool>,
    /// "The class is unsettled", for plans that wait for it to settle; made for the first of them.
    pub settling: Cell<Option<Assumption>>,
    /// What the attributes of instances have been: by name; those of `__slots__` by word, as an int.
    pub seen: RefCell<WordMap<Value, Seen>>,
    /// "An attribute has not been seen yet", for plans that wait for its first value; made for the first of them.
    pub unseen: Cell<Option<Assumption>>,
    /// How often `shape` was replaced.
    pub resizes: Cell<u8>,
    /// "The class and its bases have not changed."
    pub version: Assumption,
    /// Grows whenever the version ends: for caches in the VM.
    pub generation: Cell<u32>,
    /// Lookups along the MRO while the version holds.
    pub resolutions: RefCell<WordMap<Value, &'static Resolution>>,
    /// Attributes of the class that are assigned again and again: changing them does not end the version.
    pub volatile: RefCell<WordSet<Value>>,
    /// The module's name for the repr: static types.
    pub module: &'static str,
    pub doc: &'static str,
    pub methods: &'static [MethodDef],
    /// Member slots of `__slots__`, not mangled any more, in order: name and word.
    pub members: RefCell<Vec<(Value, u16)>>, // immortal
}

/// What an attribute has been in the instances of a class. It only widens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// Exact floats alone: instances hold it unboxed where the shape has a word for it.
    Floats,
    Anything,
}

/// How the instances of a class lie in memory: what their inline attributes come after.
#[derive(Clone)]
pub struct InstanceLayout {
    /// Header, the built-in base's words, the overflow word, `__slots__`.
    pub fixed_words: u16,
    /// 0: instances have no dictionary.
    pub overflow_word: u16,
    /// Which fixed words hold values, 64 to an element.
    pub refs: Vec<u64>,
    /// Of exact instances.
    pub tail: heap::Tail,
    pub finalize: heap::Finalize,
    pub weak: Option<u16>,
    /// Of exact instances of a built-in type; of subclasses, what they derive from.
    pub kind: Kind,
    /// The class that added the last words which are not attributes; two bases must agree on it.
    pub solid: Option<TypeRef>,
}

impl InstanceLayout {
    /// Whether every fixed word but the header holds a value.
    pub fn is_all_values(&self) -> bool {
        let is_value = |word: u16| self.refs.get(word as usize / 64).is_some_and(|bits| bits >> (word % 64) & 1 == 1);
        self.tail == heap::Tail::None && (1..self.fixed_words).all(is_value)
    }
}

/// What looking a name up along a class's MRO found.
pub struct Resolution {
    /// `None`: nothing found, or volatile.
    pub value: Option<Handle>,
    pub kind: ResolutionKind,
    /// Where along the MRO it was found.
    pub owner: Option<TypeRef>,
}

/// How the found attribute behaves as a descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResolutionKind {
    Absent,
    /// No descriptor at all.
    Plain,
    /// As `Plain`, but assigned often: look it up with `Vm::lookup_type` each time.
    Volatile,
    /// A Python function: binds to a method.
    Function,
    /// A method of a built-in type: binds.
    BuiltinMethod,
    Property,
    /// A `__slots__` slot: the word of the instance that holds it.
    Member(u32),
    ClassMethod,
    StaticMethod,
    /// Anything else with `__get__` alone, or with `__set__`/`__delete__` too.
    NonData,
    Data,
}

impl ResolutionKind {
    /// Whether it comes before the instance's own attributes.
    #[inline(always)]
    pub fn is_data(self) -> bool {
        matches!(self, ResolutionKind::Property | ResolutionKind::Member(_) | ResolutionKind::Data)
    }
}

impl TypeRef {
    #[inline(always)]
    pub fn value(self) -> Value {
        crate::layout::value_of(self.0)
    }

    /// The caller has checked that `value` is a type.
    #[inline(always)]
    pub fn from_value(value: Value) -> TypeRef {
        TypeRef(cast::<TypeObject>(value))
    }

    #[inline(always)]
    pub fn data(self) -> &'static TypeData {
        // SAFETY: every type object is made with a leaked `TypeData`.
        unsafe { &*(self.0.data.get() as usize as *const TypeData) }
    }

    #[inline(always)]
    pub fn slots(self) -> std::cell::Ref<'static, Slots> {
        self.data().slots.borrow()
    }

    #[inline(always)]
    pub fn has(self, flag: u32) -> bool {
        self.data().flags.get() & flag != 0
    }

    /// `__name__`.
    pub fn name(self) -> String {
        self.data().name.borrow().clone()
    }

    /// Along the MRO.
    #[inline]
    pub fn is_subtype(self, other: TypeRef) -> bool {
        self == other || self.data().mro.borrow().contains(&other)
    }
}

/// What a built-in type is made of.
pub struct TypeSpec {
    pub name: &'static str,
    /// `builtins` for most.
    pub module: &'static str,
    pub flags: u32,
    /// Set by [`TypeSpec::of`].
    pub words: u16,
    pub refs: u64,
    pub tail: heap::Tail,
    pub finalize: heap::Finalize,
    /// The word that refers weakly to an object.
    pub weak: Option<u16>,
    /// The word that holds an instance's own attributes; 0: it has none.
    pub overflow_word: u16,
    pub kind: Kind,
    pub slots: Slots,
    pub methods: &'static [MethodDef],
    pub getset: &'static [GetSetDef],
    pub doc: &'static str,
}

impl TypeSpec {
    /// A type whose instances have layout `T`.
    pub fn of<T: Object>(name: &'static str, kind: Kind) -> TypeSpec {
        TypeSpec {
            name,
            module: "builtins",
            flags: 0,
            words: T::WORDS,
            refs: T::REFS,
            tail: heap::Tail::None,
            finalize: heap::Finalize::None,
            weak: None,
            overflow_word: 0,
            kind,
            slots: Slots::default(),
            methods: &[],
            getset: &[],
            doc: "",
        }
    }
}
