//! How objects lie in memory.
//!
//! `layout!` declares a `#[repr(C)]` struct of one-word fields behind the header, the [`metatrace::Field`]s by which
//! handlers and traces reach them, and the [`heap::Layout`] by which the collector does. Fields are `Cell`s: objects are
//! shared, and Rust code sees them through `&'static` references that stay valid because the native stack is scanned
//! conservatively and pins what it mentions.

use heap::Value;
use std::cell::Cell;

/// Whether a word of an object holds a [`Value`]; the Rust type of a layout's field says so.
pub trait Word {
    const IS_REF: bool;
    const REPR: metatrace::Repr;
}

impl Word for Value {
    const IS_REF: bool = true;
    const REPR: metatrace::Repr = metatrace::Repr::Ref;
}

impl Word for i64 {
    const IS_REF: bool = false;
    const REPR: metatrace::Repr = metatrace::Repr::I64;
}

impl Word for f64 {
    const IS_REF: bool = false;
    const REPR: metatrace::Repr = metatrace::Repr::F64;
}

/// A heap object's Rust face. Every field is one word.
pub trait Object: 'static + Sized {
    /// Bit `i` is set if word `i` holds a [`Value`]; the header is word 0.
    const REFS: u64;
    /// Words of the fixed part, header included.
    const WORDS: u16 = (size_of::<Self>() / 8) as u16;
    const BYTES: usize = size_of::<Self>();
}

/// The object behind `value` as a `T`. The caller has checked its shape or type.
#[inline(always)]
pub fn cast<T: Object>(value: Value) -> &'static T {
    debug_assert!(value.is_object(), "{value:?} is no {}", std::any::type_name::<T>());
    // SAFETY: `value` is a heap object whose layout starts with `T`'s words; all of them are `Cell`s.
    unsafe { &*(value.0 as *const T) }
}

/// The value that points to an object.
#[inline(always)]
pub fn value_of<T: Object>(object: &T) -> Value {
    Value(std::ptr::from_ref(object).addr() as u64)
}

/// A field without a barrier: for integers, floats, and the first stores into fresh objects.
pub type Slot<T> = Cell<T>;

/// Declares object layouts; see the module.
#[macro_export]
macro_rules! layout {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident $konst:ident: $ty:ty $(, $immutable:ident)?;)* })*) => {
        $(
            $(#[$meta])*
            #[repr(C)]
            pub struct $name {
                header: std::cell::Cell<u64>,
                $($(#[$field_meta])* pub $field: $crate::layout::Slot<$ty>,)*
            }

            impl $crate::layout::Object for $name {
                const REFS: u64 = 0 $(| (<$ty as $crate::layout::Word>::IS_REF as u64) << (std::mem::offset_of!($name, $field) / 8))*;
            }

            #[allow(dead_code)]
            impl $name {
                $(
                    #[doc = concat!("`", stringify!($field), "`, for handlers.")]
                    pub const $konst: &'static metatrace::Field = &metatrace::Field {
                        name: concat!(stringify!($name), ".", stringify!($field)),
                        offset: std::mem::offset_of!($name, $field) as u32,
                        repr: <$ty as $crate::layout::Word>::REPR,
                        immutable: layout!(@immutable $($immutable)?),
                    };
                )*

                /// The header word.
                #[inline(always)]
                pub fn header(&self) -> u64 {
                    self.header.get()
                }
            }
        )*
    };
    (@immutable) => { false };
    (@immutable immutable) => { true };
}
