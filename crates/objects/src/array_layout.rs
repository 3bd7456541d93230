//! Typed buffers off the heap: `array.array`, and the n-dimensional float64 buffer.
//!
//! The elements lie in memory of the process's allocator; the object owns it, and the collector frees it with the object.
//! Handlers and compiled code address elements as `address + index * size`; see `stdlib` for the methods.

use crate::layout;
use heap::Value;
use metatrace::Repr;

layout! {
    /// `array.array`.
    Array {
        /// Elements.
        len LEN: i64;
        /// Of element 0; 0 while nothing is allocated. The collector frees it (`heap::Finalize::OffHeap`).
        address ADDRESS: i64;
        /// Allocated bytes.
        bytes BYTES_ALLOCATED: i64;
        /// An [`ElementKind`] as a number.
        kind KIND: i64, immutable;
        /// Views that forbid resizing.
        exports EXPORTS: i64;
    }

    /// A float64 buffer of one or two dimensions, C order. See `stdlib::buffer`.
    Buffer {
        /// Elements of the first axis.
        rows ROWS: i64, immutable;
        address ADDRESS: i64, immutable;
        bytes BYTES_ALLOCATED: i64, immutable;
        /// Elements of the second axis; -1: one-dimensional.
        columns COLUMNS: i64, immutable;
        /// What must stay alive, besides the object itself.
        base BASE: Value;
    }
}

/// What the elements of an array are: one row for each type code of module `array`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ElementKind {
    pub typecode: char,
    pub repr: Repr,
    /// 64-bit unsigned elements load as `I64` and may exceed it; characters are no numbers. Both go the general way.
    pub traced: bool,
}

/// By the number in [`Array::kind`].
pub static ELEMENT_KINDS: [ElementKind; 14] = [
    ElementKind { typecode: 'b', repr: Repr::I8, traced: true },
    ElementKind { typecode: 'B', repr: Repr::U8, traced: true },
    ElementKind { typecode: 'u', repr: Repr::U32, traced: false },
    ElementKind { typecode: 'h', repr: Repr::I16, traced: true },
    ElementKind { typecode: 'H', repr: Repr::U16, traced: true },
    ElementKind { typecode: 'i', repr: Repr::I32, traced: true },
    ElementKind { typecode: 'I', repr: Repr::U32, traced: true },
    ElementKind { typecode: 'l', repr: Repr::I64, traced: true },
    ElementKind { typecode: 'L', repr: Repr::I64, traced: false },
    ElementKind { typecode: 'q', repr: Repr::I64, traced: true },
    ElementKind { typecode: 'Q', repr: Repr::I64, traced: false },
    ElementKind { typecode: 'f', repr: Repr::F32, traced: true },
    ElementKind { typecode: 'd', repr: Repr::F64, traced: true },
    ElementKind { typecode: 'w', repr: Repr::U32, traced: false },
];
