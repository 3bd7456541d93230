//! How the values of a packed struct lie in its bytes: what handlers go by to see through module `struct`.

use crate::builtin_layouts::Bytes;
use crate::layout;
use crate::layout::Object;
use heap::Value;
use metatrace::{Callee, Field, Items, Repr};

layout! {
    /// `struct.Struct`.
    Struct {
        /// A str; NULL before `__init__`.
        format FORMAT: Value;
    }
}

/// A format whose values handlers load and store themselves. Immortal: the same for equal formats.
pub struct StructPlan {
    /// Bytes, padding included.
    pub size: i64,
    pub fields: Box<[PlannedField]>,
}

/// One value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlannedField {
    /// Bytes from the struct's start.
    pub offset: i64,
    pub content: Packed,
    /// Whether the bytes are in the other order than the machine's.
    pub swapped: bool,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packed {
    Int(Repr),
    /// Loads as a signed number.
    Unsigned64,
    Bool,
    Flt(Repr),
}

/// Formats of more values are not planned.
pub const MAX_PLANNED: usize = 8;

/// What sees through a function of module `struct`.
pub struct StructIntrinsic {
    /// Of a format (any value): the address of its [`StructPlan`], or 0 if it has none.
    pub plan: &'static Callee,
    pub action: StructAction,
    /// Of a method: where the receiver, a `Struct`, holds its format. A function's first argument is the format.
    pub format: Option<&'static Field>,
}

impl std::fmt::Debug for StructIntrinsic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.action)
    }
}

/// Which function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StructAction {
    /// All of a buffer.
    Unpack,
    UnpackFrom,
    PackInto,
}

/// The bytes of a `bytes` object as values that begin at any of them.
pub fn bytes_as(repr: Repr) -> &'static Items {
    const fn row(repr: Repr) -> Items {
        Items { name: "Bytes.content", offset: Bytes::BYTES as u32, repr, immutable: true }
    }
    static ROWS: [Items; 9] = [
        row(Repr::I64),
        row(Repr::F64),
        row(Repr::F32),
        row(Repr::I32),
        row(Repr::U32),
        row(Repr::I16),
        row(Repr::U16),
        row(Repr::I8),
        row(Repr::U8),
    ];
    ROWS.iter().find(|row| row.repr == repr).expect("a number")
}
