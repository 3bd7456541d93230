//! Operations that run no Python code because of what their operands are: numbers, text and bytes of the built-in types
//! themselves, and built-in sequences where their items are not looked at. In traces such calls do not end what is known.

use super::arith::{compare, op};
use super::subscript;
use crate::callees::operators::*;
use crate::callees::structures::FORMAT_PLAIN;
use crate::callees::subscripts::{GET_ITEM_PLAIN, GET_SLICE_READS};
use crate::machine::*;
use metatrace::{Callee, Operand};
use objects::args::MethodDef;
use objects::builtin_layouts::{Builtin, Str};
use objects::shape::Kind;

/// What a value is, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    Number,
    Text,
    /// Text that grew by appending.
    Growing,
    Bytes,
    List,
    Tuple,
    /// None, slices of anything and so on are not told apart.
    None,
    Other,
}

fn class_of<M: PyMachine>(m: &mut M, value: M::Ref) -> Class {
    match tag(m, value) {
        Tag::Int | Tag::Float => Class::Number,
        Tag::Object(shape) => match shape.kind {
            Kind::Bool | Kind::BigInt | Kind::Float | Kind::Complex => Class::Number,
            Kind::Str => Class::Text,
            Kind::AppendedStr => Class::Growing,
            Kind::Bytes => Class::Bytes,
            Kind::List => Class::List,
            Kind::Tuple => Class::Tuple,
            Kind::None => Class::None,
            _ => Class::Other,
        },
    }
}

/// The exact str that a text which grew by appending is.
pub fn settled<M: PyMachine>(m: &mut M, text: M::Ref) -> M::Ref {
    m.call_ref(&SETTLED, &[Operand::Ref(text)])
}

/// `a op b` of BINARY_OP; `None`: it may run Python code.
pub fn binary<M: PyMachine>(m: &mut M, operation: u32, a: M::Ref, b: M::Ref) -> Option<M::Ref> {
    let is_in_place = operation >= op::INPLACE;
    let number = if is_in_place { operation - op::INPLACE } else { operation };
    let callee = match (class_of(m, a), number) {
        (Class::Number, _) => match class_of(m, b) {
            Class::Number => &BINARY_PLAIN,
            Class::Text | Class::Bytes if number == op::MUL => &BINARY_PLAIN,
            Class::List | Class::Tuple if number == op::MUL && !is_in_place => &BINARY_READS,
            _ => return None,
        },
        (left @ (Class::Text | Class::Bytes), op::ADD) if class_of(m, b) == left => &BINARY_PLAIN,
        (Class::Growing, op::ADD) if class_of(m, b) == Class::Text => &BINARY_PLAIN,
        (Class::Text | Class::Bytes, op::MUL) if class_of(m, b) == Class::Number => &BINARY_PLAIN,
        (left @ (Class::List | Class::Tuple), op::ADD) if class_of(m, b) == left => sequence_callee(left, is_in_place),
        (left @ (Class::List | Class::Tuple), op::MUL) if class_of(m, b) == Class::Number => {
            sequence_callee(left, is_in_place)
        }
        _ => return None,
    };
    let operation = int_operand(m, operation as i64);
    let result = m.call_ref(callee, &[operation, Operand::Ref(a), Operand::Ref(b)]);
    tried(m, result)
}

/// Lists change in place, tuples do not.
fn sequence_callee(class: Class, is_in_place: bool) -> &'static Callee {
    if is_in_place && class == Class::List { &BINARY_WRITES } else { &BINARY_READS }
}

/// The truth of a comparison of two texts, or of numbers beyond those that handlers compare.
pub fn compared<M: PyMachine>(m: &mut M, operation: u32, a: M::Ref, b: M::Ref) -> Option<M::Bool> {
    match class_of(m, a) {
        Class::Growing => {
            let a = settled(m, a);
            compared(m, operation, a, b)
        }
        Class::Text if class_of(m, b) == Class::Text => {
            if !matches!(operation, compare::EQ | compare::NE) {
                return truth(m, operation, a, b);
            }
            let equal = m.call_bool(&STR_EQUAL, &[Operand::Ref(a), Operand::Ref(b)]);
            Some(if operation == compare::EQ { equal } else { m.bool_not(equal) })
        }
        left @ (Class::Number | Class::Bytes) if class_of(m, b) == left => truth(m, operation, a, b),
        _ => None,
    }
}

fn truth<M: PyMachine>(m: &mut M, operation: u32, a: M::Ref, b: M::Ref) -> Option<M::Bool> {
    let operation = int_operand(m, operation as i64);
    let result = m.call_int(&COMPARE_PLAIN, &[operation, Operand::Ref(a), Operand::Ref(b)]);
    tried_truth(m, result).map(|truth| m.bool(truth))
}

/// `item in container` of texts.
pub fn contains<M: PyMachine>(m: &mut M, container: M::Ref, item: M::Ref) -> Option<bool> {
    let is_plain = match class_of(m, container) {
        Class::Growing => {
            let container = settled(m, container);
            return contains(m, container, item);
        }
        Class::Text => class_of(m, item) == Class::Text,
        Class::Bytes => {
            let is_int = m.is_int(item);
            m.decide(is_int) || class_of(m, item) == Class::Bytes
        }
        _ => false,
    };
    if !is_plain {
        return None;
    }
    let found = m.call_int(&CONTAINS_PLAIN, &[Operand::Ref(container), Operand::Ref(item)]);
    tried_truth(m, found)
}

/// `text[index]`.
pub fn item<M: PyMachine>(m: &mut M, container: M::Ref, key: M::Ref) -> Option<M::Ref> {
    let is_int = m.is_int(key);
    if !m.decide(is_int) || class_of(m, container) != Class::Text {
        return None;
    }
    let info = m.get_int(container, Str::INFO);
    let (ascii, zero) = (m.int(objects::str::ASCII), m.int(0));
    let ascii = m.int_and(info, ascii);
    let is_ascii = m.int_ne(ascii, zero);
    if m.decide(is_ascii) {
        // A byte is a character, and all those are in a table.
        let index = subscript::in_range(m, key, |m| m.get_int(container, Str::BYTES_LEN))?;
        let character = m.item_int(container, index, objects::str::STR_BYTES);
        let characters = m.context().characters;
        let characters = m.constant(characters);
        return Some(m.item_ref(characters, character, objects::tuple::TUPLE_ITEMS));
    }
    let item = m.call_ref(&GET_ITEM_PLAIN, &[Operand::Ref(container), Operand::Ref(key)]);
    tried(m, item)
}

/// `sequence[start:stop]` with bounds that are ints or None.
pub fn slice<M: PyMachine>(m: &mut M, container: M::Ref, start: M::Ref, stop: M::Ref) -> Option<M::Ref> {
    let container = match class_of(m, container) {
        Class::Text | Class::Bytes | Class::List | Class::Tuple => container,
        Class::Growing => settled(m, container),
        _ => return None,
    };
    for bound in [start, stop] {
        let is_int = m.is_int(bound);
        if !m.decide(is_int) && class_of(m, bound) != Class::None {
            return None;
        }
    }
    let operands = [container, start, stop].map(Operand::Ref);
    let part = m.call_ref(&GET_SLICE_READS, &operands);
    tried(m, part)
}

/// `format` of a number or text without a specification.
pub fn format<M: PyMachine>(m: &mut M, value: M::Ref) -> Option<M::Ref> {
    if !matches!(class_of(m, value), Class::Number | Class::Text) {
        return None;
    }
    let text = m.call_ref(&FORMAT_PLAIN, &[Operand::Ref(value)]);
    tried(m, text)
}

/// Whether a call of the native function with these arguments runs no Python code and writes nothing.
pub fn is_plain_call<M: PyMachine>(m: &mut M, def: &'static MethodDef, callable: M::Ref, arguments: &[M::Ref]) -> bool {
    if !def.plain {
        return false;
    }
    let receiver = m.get_ref(callable, Builtin::RECEIVER);
    let free = m.is_null(receiver);
    let receiver = if m.decide(free) { None } else { Some(receiver) };
    receiver
        .iter()
        .chain(arguments)
        .all(|&argument| matches!(class_of(m, argument), Class::Number | Class::Text | Class::Bytes | Class::None))
}
