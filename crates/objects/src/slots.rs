//! The slots of a type: what the interpreter calls for an operation, by special method.
//!
//! As in CPython, a built-in type fills its slots with Rust functions, and special methods of the type's dictionary wrap
//! them; a class written in Python has special methods in its dictionary, and its slots call those.

use crate::args::CallArgs;
use crate::error::PyResult;
use crate::ty::TypeRef;
use crate::vm::Vm;
use heap::Value;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CompareOp {
    Lt,
    Le,
    Eq,
    Ne,
    Gt,
    Ge,
}

impl CompareOp {
    pub const ALL: [CompareOp; 6] =
        [CompareOp::Lt, CompareOp::Le, CompareOp::Eq, CompareOp::Ne, CompareOp::Gt, CompareOp::Ge];

    /// COMPARE_OP's number.
    #[inline(always)]
    pub fn from_number(number: u32) -> CompareOp {
        CompareOp::ALL[number as usize]
    }

    /// `b op a` for `a op b`.
    #[inline(always)]
    pub fn reflected(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::Le => CompareOp::Ge,
            CompareOp::Eq => CompareOp::Eq,
            CompareOp::Ne => CompareOp::Ne,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::Ge => CompareOp::Le,
        }
    }

    pub fn symbol(self) -> &'static str {
        ["<", "<=", "==", "!=", ">", ">="][self as usize]
    }

    /// Whether `a op b` holds for two things that compare so.
    #[inline(always)]
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            CompareOp::Lt => ordering.is_lt(),
            CompareOp::Le => ordering.is_le(),
            CompareOp::Eq => ordering.is_eq(),
            CompareOp::Ne => ordering.is_ne(),
            CompareOp::Gt => ordering.is_gt(),
            CompareOp::Ge => ordering.is_ge(),
        }
    }
}

pub type ReprFn = Unary;
pub type HashFn = fn(&mut Vm, Value) -> PyResult<i64>;
pub type GetattrFn = fn(&mut Vm, Value, Value) -> PyResult;
pub type SetattrFn = fn(&mut Vm, Value, Value, Value) -> PyResult<()>;
pub type NewFn = fn(&mut Vm, TypeRef, &CallArgs) -> PyResult;
pub type InitFn = fn(&mut Vm, Value, &CallArgs) -> PyResult<()>;
pub type Unary = fn(&mut Vm, Value) -> PyResult;
/// May return `NotImplemented`. Numeric slots get the operands in source order, and are tried for both types.
pub type Binary = fn(&mut Vm, Value, Value) -> PyResult;
pub type Ternary = fn(&mut Vm, Value, Value, Value) -> PyResult;

/// See the module.
#[derive(Clone, Copy, Default)]
pub struct Slots {
    pub new: Option<fn(&mut Vm, TypeRef, &CallArgs) -> PyResult>,
    pub init: Option<fn(&mut Vm, Value, &CallArgs) -> PyResult<()>>,
    pub call: Option<fn(&mut Vm, Value, &CallArgs) -> PyResult>,
    /// `__del__`.
    pub finalize: Option<fn(&mut Vm, Value) -> PyResult<()>>,
    pub repr: Option<Unary>,
    pub str: Option<Unary>,
    /// `None` inherits; a type that is unhashable has [`crate::object::hash_not_implemented`].
    pub hash: Option<fn(&mut Vm, Value) -> PyResult<i64>>,
    /// The name is an interned str.
    pub getattr: Option<fn(&mut Vm, Value, Value) -> PyResult>,
    /// The value is NULL to delete.
    pub setattr: Option<fn(&mut Vm, Value, Value, Value) -> PyResult<()>>,
    /// Descriptor, instance or NULL, class or NULL.
    pub descr_get: Option<fn(&mut Vm, Value, Value, Value) -> PyResult>,
    /// Descriptor, instance, value or NULL to delete.
    pub descr_set: Option<fn(&mut Vm, Value, Value, Value) -> PyResult<()>>,
    /// May return `NotImplemented`.
    pub compare: Option<fn(&mut Vm, Value, Value, CompareOp) -> PyResult>,
    pub iter: Option<Unary>,
    /// `None` at the end; or a raised StopIteration, with a value. Call it by `Vm::next`.
    pub next: Option<fn(&mut Vm, Value) -> PyResult<Option<Value>>>,
    pub len: Option<fn(&mut Vm, Value) -> PyResult<i64>>,
    pub getitem: Option<Binary>,
    /// The value is NULL to delete.
    pub setitem: Option<fn(&mut Vm, Value, Value, Value) -> PyResult<()>>,
    pub contains: Option<fn(&mut Vm, Value, Value) -> PyResult<bool>>,
    /// Sequences' `+` and `*`, tried after the numeric slots; they raise TypeError themselves.
    pub concat: Option<Binary>,
    pub repeat: Option<fn(&mut Vm, Value, Value) -> PyResult>,
    pub inplace_concat: Option<Binary>,
    pub inplace_repeat: Option<fn(&mut Vm, Value, Value) -> PyResult>,
    pub bool: Option<fn(&mut Vm, Value) -> PyResult<bool>>,
    pub int: Option<Unary>,
    pub float: Option<Unary>,
    pub index: Option<Unary>,
    pub neg: Option<Unary>,
    pub pos: Option<Unary>,
    pub abs: Option<Unary>,
    pub invert: Option<Unary>,
    pub add: Option<Binary>,
    pub sub: Option<Binary>,
    pub mul: Option<Binary>,
    pub matmul: Option<Binary>,
    pub truediv: Option<Binary>,
    pub floordiv: Option<Binary>,
    pub modulo: Option<Binary>,
    pub divmod: Option<Binary>,
    /// The third operand is None without a modulus.
    pub pow: Option<Ternary>,
    pub lshift: Option<Binary>,
    pub rshift: Option<Binary>,
    pub and: Option<Binary>,
    pub xor: Option<Binary>,
    pub or: Option<Binary>,
    pub inplace_add: Option<Binary>,
    pub inplace_sub: Option<Binary>,
    pub inplace_mul: Option<Binary>,
    pub inplace_matmul: Option<Binary>,
    pub inplace_truediv: Option<Binary>,
    pub inplace_floordiv: Option<Binary>,
    pub inplace_modulo: Option<Binary>,
    pub inplace_pow: Option<Binary>,
    pub inplace_lshift: Option<Binary>,
    pub inplace_rshift: Option<Binary>,
    pub inplace_and: Option<Binary>,
    pub inplace_xor: Option<Binary>,
    pub inplace_or: Option<Binary>,
    pub await_: Option<Unary>,
    pub aiter: Option<Unary>,
    pub anext: Option<Unary>,
    /// The buffer protocol: address and byte length of the object's memory, and the format and item size of its elements.
    pub buffer: Option<fn(&mut Vm, Value) -> PyResult<BufferView>>,
}

/// What the buffer protocol hands out. Valid while the exporter is alive and not resized.
#[derive(Clone, Copy, Debug)]
pub struct BufferView {
    pub address: *mut u8,
    pub bytes: usize,
    pub item_bytes: usize,
    /// As of module `struct`.
    pub format: &'static str,
    pub read_only: bool,
}
