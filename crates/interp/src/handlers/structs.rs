//! Module `struct` seen through: the values of a format are loads from the buffer, or stores into it.
//!
//! The format's plan depends on its text alone, so a trace that knows the format knows the plan.

use crate::callees::subscripts::BOX_INT;
use crate::handlers::build;
use crate::machine::*;
use metatrace::{Operand, Repr};
use objects::array_layout::{Array, ELEMENT_KINDS};
use objects::builtin_layouts::Bytes;
use objects::bytearray::ByteArray;
use objects::shape::Kind;
use objects::struct_plan::{MAX_PLANNED, Packed, PlannedField, StructAction, StructIntrinsic, StructPlan, bytes_as};

/// The memory of an object that exports bytes.
enum Memory<M: PyMachine> {
    /// Of a `bytes` object, on the heap.
    Content(M::Ref),
    /// Off the heap, at an address.
    Raw(M::Ref, M::Int),
}

impl<M: PyMachine> Clone for Memory<M> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<M: PyMachine> Copy for Memory<M> {}

/// The result, if the arguments are common ones and no error; nothing has been done otherwise.
pub fn call<M: PyMachine>(m: &mut M, intrinsic: &'static StructIntrinsic, arguments: &[M::Ref]) -> Option<M::Ref> {
    let (&first, rest) = arguments.split_first()?;
    let format = match intrinsic.format {
        None => first,
        Some(field) if object_kind(m, first)? == Kind::Struct => m.get_ref(first, field),
        Some(_) => return None,
    };
    let none = m.is_null(format);
    if m.decide(none) {
        return None;
    }
    let plan = m.call_int(intrinsic.plan, &[Operand::Ref(format)]);
    let plan = m.promote_int(plan);
    if plan == 0 {
        return None;
    }
    // SAFETY: the callee gives the address of an immortal plan.
    let plan: &'static StructPlan = unsafe { &*(plan as usize as *const StructPlan) };
    let (&buffer, rest) = rest.split_first()?;
    match (intrinsic.action, rest) {
        (StructAction::Unpack, []) => {
            let (memory, len) = memory_of(m, buffer)?;
            let size = m.int(plan.size);
            let is_whole = m.int_eq(len, size);
            if !m.decide(is_whole) {
                return None;
            }
            let start = m.int(0);
            unpack(m, plan, memory, start)
        }
        (StructAction::UnpackFrom, [] | [_]) => {
            let (memory, len) = memory_of(m, buffer)?;
            let start = start_of(m, plan, rest.first().copied(), len)?;
            unpack(m, plan, memory, start)
        }
        (StructAction::PackInto, [offset, values @ ..]) if values.len() == plan.fields.len() => {
            let (memory, len) = memory_of(m, buffer)?;
            let Memory::Raw(owner, address) = memory else { return None };
            let start = start_of(m, plan, Some(*offset), len)?;
            let address = m.int_add(address, start);
            pack(m, plan, owner, address, values)
        }
        _ => None,
    }
}

/// The bytes of a buffer, and how many.
fn memory_of<M: PyMachine>(m: &mut M, buffer: M::Ref) -> Option<(Memory<M>, M::Int)> {
    match object_kind(m, buffer)? {
        Kind::Bytes => Some((Memory::Content(buffer), m.get_int(buffer, Bytes::LEN))),
        Kind::ByteArray => {
            let len = m.get_int(buffer, ByteArray::LEN);
            Some((Memory::Raw(buffer, m.get_int(buffer, ByteArray::ADDRESS)), len))
        }
        Kind::Array => {
            let kind = m.get_int(buffer, Array::KIND);
            let kind = ELEMENT_KINDS[m.promote_int(kind) as usize];
            let len = m.get_int(buffer, Array::LEN);
            let bytes = m.int(i64::from(kind.repr.bytes()));
            let len = m.int_mul(len, bytes);
            Some((Memory::Raw(buffer, m.get_int(buffer, Array::ADDRESS)), len))
        }
        _ => None,
    }
}

/// Where the struct begins; `None` if it does not lie within the buffer.
fn start_of<M: PyMachine>(m: &mut M, plan: &StructPlan, offset: Option<M::Ref>, len: M::Int) -> Option<M::Int> {
    let zero = m.int(0);
    let start = match offset {
        None => zero,
        Some(offset) => {
            let is_int = m.is_int(offset);
            if !m.decide(is_int) {
                return None;
            }
            let offset = m.int_unbox(offset);
            let from_end = m.int_lt(offset, zero);
            let start = if m.decide(from_end) { m.int_add(offset, len) } else { offset };
            let is_before = m.int_lt(start, zero);
            if m.decide(is_before) {
                return None;
            }
            start
        }
    };
    let size = m.int(plan.size);
    let end = m.int_add(start, size);
    let is_inside = m.int_le(end, len);
    m.decide(is_inside).then_some(start)
}

/// The tuple of the values.
fn unpack<M: PyMachine>(m: &mut M, plan: &StructPlan, memory: Memory<M>, start: M::Int) -> Option<M::Ref> {
    let mut values = [null(m); MAX_PLANNED];
    for (field, value) in plan.fields.iter().zip(&mut values) {
        *value = load(m, field, memory, start)?;
    }
    Some(build::tuple_of(m, &values[..plan.fields.len()]))
}

fn load<M: PyMachine>(m: &mut M, field: &PlannedField, memory: Memory<M>, start: M::Int) -> Option<M::Ref> {
    let offset = m.int(field.offset);
    let at = m.int_add(start, offset);
    match field.content {
        Packed::Int(repr) => {
            let bits = load_int(m, memory, at, repr);
            let x = if field.swapped { swapped(m, bits, repr) } else { bits };
            if repr == Repr::I64 {
                let fits = m.int_fits(x);
                if !m.decide(fits) {
                    let boxed = m.call_ref(&BOX_INT, &[Operand::Int(x)]);
                    return check(m, boxed).ok();
                }
            }
            Some(m.int_box(x))
        }
        Packed::Unsigned64 => {
            let bits = load_int(m, memory, at, Repr::I64);
            let x = if field.swapped { swapped(m, bits, Repr::I64) } else { bits };
            let limit = m.int(1 << 62);
            let is_small = m.int_ult(x, limit);
            if m.decide(is_small) { Some(m.int_box(x)) } else { None }
        }
        Packed::Bool => {
            let byte = load_int(m, memory, at, Repr::U8);
            let zero = m.int(0);
            let truth = m.int_ne(byte, zero);
            Some(m.bool_box(truth))
        }
        Packed::Flt(repr) if field.swapped => {
            debug_assert_eq!(repr, Repr::F64, "swapped singles are not planned");
            let bits = load_int(m, memory, at, Repr::I64);
            let bits = swapped(m, bits, Repr::I64);
            let x = m.flt_from_bits(bits);
            Some(m.flt_box(x))
        }
        Packed::Flt(repr) => {
            let x = match memory {
                Memory::Content(bytes) => m.bytes_flt(bytes, at, bytes_as(repr)),
                Memory::Raw(owner, address) => {
                    let (address, first) = (m.int_add(address, at), m.int(0));
                    m.raw_load_flt(owner, address, first, repr)
                }
            };
            Some(m.flt_box(x))
        }
    }
}

fn load_int<M: PyMachine>(m: &mut M, memory: Memory<M>, at: M::Int, repr: Repr) -> M::Int {
    match memory {
        Memory::Content(bytes) => m.bytes_int(bytes, at, bytes_as(repr)),
        Memory::Raw(owner, address) => {
            let (address, first) = (m.int_add(address, at), m.int(0));
            m.raw_load_int(owner, address, first, repr)
        }
    }
}

/// The number whose bytes are in the other order.
fn swapped<M: PyMachine>(m: &mut M, x: M::Int, repr: Repr) -> M::Int {
    let bits = 8 * i64::from(repr.bytes());
    let byte = m.int(0xff);
    let mut result = m.int(0);
    for i in 0..bits / 8 {
        let (from, to) = (m.int(8 * i), m.int(bits - 8 - 8 * i));
        let part = m.int_ushr(x, from);
        let part = m.int_and(part, byte);
        let part = m.int_shl(part, to);
        result = m.int_or(result, part);
    }
    match repr {
        Repr::I32 => m.int_sext32(result),
        Repr::I16 => m.int_sext16(result),
        Repr::I8 => m.int_sext8(result),
        _ => result,
    }
}

/// A value as it is stored.
enum Stored<M: PyMachine> {
    Int(M::Int, Repr),
    Flt(M::Flt, Repr),
}

/// Stores the values at `address` if all have the types and ranges of their fields.
fn pack<M: PyMachine>(
    m: &mut M,
    plan: &StructPlan,
    owner: M::Ref,
    address: M::Int,
    values: &[M::Ref],
) -> Option<M::Ref> {
    let mut stored = [const { None }; MAX_PLANNED];
    for ((field, &value), stored) in plan.fields.iter().zip(values).zip(&mut stored) {
        *stored = Some(to_store(m, field, value)?);
    }
    // Padding becomes zero: only formats without any are stored in pieces.
    let filled: i64 = plan.fields.iter().map(|field| bytes_of(field.content)).sum();
    if filled != plan.size {
        return None;
    }
    for (field, value) in plan.fields.iter().zip(stored) {
        let (offset, first) = (m.int(field.offset), m.int(0));
        let address = m.int_add(address, offset);
        match value? {
            Stored::Int(x, repr) => m.raw_store_int(owner, address, first, repr, x),
            Stored::Flt(x, repr) => m.raw_store_flt(owner, address, first, repr, x),
        }
    }
    Some(none(m))
}

fn bytes_of(content: Packed) -> i64 {
    match content {
        Packed::Int(repr) | Packed::Flt(repr) => i64::from(repr.bytes()),
        Packed::Unsigned64 => 8,
        Packed::Bool => 1,
    }
}

fn to_store<M: PyMachine>(m: &mut M, field: &PlannedField, value: M::Ref) -> Option<Stored<M>> {
    match field.content {
        Packed::Int(repr) => {
            let x = small_int(m, value)?;
            let bits = 8 * i64::from(repr.bytes());
            let is_signed = matches!(repr, Repr::I8 | Repr::I16 | Repr::I32 | Repr::I64);
            if bits < 64 {
                let bias = m.int(if is_signed { 1 << (bits - 1) } else { 0 });
                let biased = m.int_add(x, bias);
                let count = m.int(1 << bits);
                let fits = m.int_ult(biased, count);
                if !m.decide(fits) {
                    return None;
                }
            }
            let x = if field.swapped { swapped(m, x, repr) } else { x };
            Some(Stored::Int(x, repr))
        }
        Packed::Unsigned64 => {
            let x = small_int(m, value)?;
            let zero = m.int(0);
            let is_negative = m.int_lt(x, zero);
            if m.decide(is_negative) {
                return None;
            }
            let x = if field.swapped { swapped(m, x, Repr::I64) } else { x };
            Some(Stored::Int(x, Repr::I64))
        }
        Packed::Bool => None,
        Packed::Flt(repr) => {
            let is_flt = m.is_flt(value);
            if !m.decide(is_flt) {
                return None;
            }
            let x = m.flt_unbox(value);
            if field.swapped {
                let bits = m.flt_bits(x);
                return Some(Stored::Int(swapped(m, bits, Repr::I64), Repr::I64));
            }
            if repr == Repr::F32 {
                // What gets too large by rounding is an error.
                let (limit, size) = (m.flt(f64::from(f32::MAX)), m.flt_abs(x));
                let fits = m.flt_le(size, limit);
                if !m.decide(fits) {
                    return None;
                }
            }
            Some(Stored::Flt(x, repr))
        }
    }
}

fn small_int<M: PyMachine>(m: &mut M, value: M::Ref) -> Option<M::Int> {
    let is_int = m.is_int(value);
    if m.decide(is_int) { Some(m.int_unbox(value)) } else { None }
}
