//! Layouts of heap objects, shapes and classes.
//!
//! The shape id in an object's header says what kind of object it is and, for an instance, which attributes it has in which
//! slots: storing a new attribute moves it on to the next shape.

use crate::code::{Code, Symbol};
use heap::{Layout, ShapeId, Tail};
use metatrace::{Assumption, Field, Items, Repr};
use std::cell::RefCell;

/// Attributes of an instance, at most; each has a word.
pub(crate) const ATTRIBUTES: usize = 8;
pub(crate) const INSTANCE_BYTES: u32 = 8 * (1 + ATTRIBUTES as u32);

const fn field(name: &'static str, word: u32, repr: Repr, immutable: bool) -> Field {
    Field { name, offset: 8 * word, repr, immutable }
}

pub(crate) static STR_LEN: Field = field("str.len", 1, Repr::I64, true);
pub(crate) static STR_BYTES: Items = Items { name: "str.bytes", offset: 16, repr: Repr::U8, immutable: true };
pub(crate) static FUNC_CODE: Field = field("func.code", 1, Repr::I64, true);
pub(crate) static CLASS_DATA: Field = field("class.data", 1, Repr::I64, true);
pub(crate) static LIST_LEN: Field = field("list.len", 1, Repr::I64, false);
pub(crate) static LIST_ITEMS: Field = field("list.items", 2, Repr::Ref, false);
pub(crate) const LIST_BYTES: u32 = 24;
/// The length of the array behind a list: its capacity.
pub(crate) static ARRAY_LEN: Field = field("array.len", 1, Repr::I64, true);
pub(crate) static ARRAY_ITEMS: Items = Items { name: "array.items", offset: 16, repr: Repr::Ref, immutable: false };
pub(crate) const ARRAY_FIXED_BYTES: u32 = 16;
pub(crate) static SLOTS: [Field; ATTRIBUTES] = [
    field("slot0", 1, Repr::Ref, false),
    field("slot1", 2, Repr::Ref, false),
    field("slot2", 3, Repr::Ref, false),
    field("slot3", 4, Repr::Ref, false),
    field("slot4", 5, Repr::Ref, false),
    field("slot5", 6, Repr::Ref, false),
    field("slot6", 7, Repr::Ref, false),
    field("slot7", 8, Repr::Ref, false),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Nil,
    Bool,
    Float,
    Str,
    List,
    Array,
    Func,
    Class,
    Instance,
}

/// What a shape id means. Lives as long as the process.
pub(crate) struct Shape {
    pub(crate) id: ShapeId,
    pub(crate) kind: Kind,
    /// Of an instance.
    pub(crate) class: Option<&'static Class>,
    /// Of an instance: its attributes, in the order of their slots.
    pub(crate) names: Vec<Symbol>,
    pub(crate) transitions: RefCell<Vec<(Symbol, &'static Shape)>>,
}

impl Shape {
    pub(crate) fn slot(&self, name: Symbol) -> Option<usize> {
        self.names.iter().position(|&known| known == name)
    }
}

/// A class. Its methods change, which ends its assumption.
pub(crate) struct Class {
    pub(crate) name: String,
    pub(crate) fields: Vec<Symbol>,
    /// The shape of a fresh instance, which has the declared fields.
    pub(crate) first_shape: RefCell<Option<&'static Shape>>,
    pub(crate) methods: RefCell<Vec<(Symbol, &'static Method)>>,
    pub(crate) missing: &'static Method,
    pub(crate) assumption: Assumption,
}

/// The answer of a method lookup.
pub(crate) struct Method {
    pub(crate) code: Option<&'static Code>,
}

impl Class {
    pub(crate) fn method(&self, name: Symbol) -> &'static Method {
        self.methods.borrow().iter().find(|(known, _)| *known == name).map_or(self.missing, |&(_, method)| method)
    }
}

pub(crate) fn layout(kind: Kind) -> Layout {
    match kind {
        Kind::Nil | Kind::Bool | Kind::Float | Kind::Func | Kind::Class => Layout::raw(2),
        Kind::Str => Layout::raw(2).with_tail(Tail::Bytes),
        Kind::List => Layout::masked(3, 0b100),
        Kind::Array => Layout::raw(2).with_tail(Tail::Values),
        Kind::Instance => Layout::values(1 + ATTRIBUTES as u16),
    }
}
