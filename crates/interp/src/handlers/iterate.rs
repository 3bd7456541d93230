//! Iteration: ranges, lists and tuples traced through, generators by their frames, the rest by the protocol.

use crate::callees::iteration::*;
use crate::generator::{self, GeneratorObject};
use crate::handlers::build;
use crate::machine::*;
use metatrace::{Callee, Machine, Operand};
use objects::builtin_layouts::{List, Range, RangeIterator, SequenceIterator, Tuple};
use objects::iterators::adaptors::{Enumerate, Zip};
use objects::layout::Object;
use objects::shape::Kind;
use objects::ty::flags;

/// GET_ITER.
#[inline(always)]
pub fn get_iter<M: PyMachine>(m: &mut M, iterable: M::Ref) -> Outcome<M> {
    match object_kind(m, iterable) {
        Some(Kind::List) => Ok(sequence_iterator(m, iterable, Kind::ListIterator)),
        Some(Kind::Tuple) => Ok(sequence_iterator(m, iterable, Kind::TupleIterator)),
        Some(Kind::Generator) => Ok(iterable),
        Some(Kind::Range) => match range_iterator(m, iterable) {
            Some(iterator) => Ok(iterator),
            None => call1(m, &GET_ITER, iterable),
        },
        Some(
            Kind::Str | Kind::AppendedStr | Kind::Bytes | Kind::Dict | Kind::Set | Kind::FrozenSet | Kind::ByteArray,
        ) => {
            let iterator = m.call_ref(&GET_ITER_READS, &[Operand::Ref(iterable)]);
            match tried(m, iterator) {
                Some(iterator) => Ok(iterator),
                None => call1(m, &GET_ITER, iterable),
            }
        }
        _ => call1(m, &GET_ITER, iterable),
    }
}

/// `None` if the numbers are beyond 63 bits.
fn range_iterator<M: PyMachine>(m: &mut M, range: M::Ref) -> Option<M::Ref> {
    let mut numbers = [None; 3];
    for (field, number) in [Range::START, Range::STEP, Range::LEN].into_iter().zip(&mut numbers) {
        let value = m.get_ref(range, field);
        let is_int = m.is_int(value);
        if !m.decide(is_int) {
            return None;
        }
        *number = Some(m.int_unbox(value));
    }
    let [Some(start), Some(step), Some(len)] = numbers else { return None };
    // The end may be beyond where the last number is not.
    let stop = m.get_ref(range, Range::STOP);
    let is_int = m.is_int(stop);
    if !m.decide(is_int) {
        return None;
    }
    let shape = m.context().shape_for_kind(Kind::RangeIterator);
    let iterator = m.new(shape.id, RangeIterator::BYTES as u32);
    m.init_int(iterator, RangeIterator::NEXT, start);
    m.init_int(iterator, RangeIterator::REMAINING, len);
    m.init_int(iterator, RangeIterator::STEP, step);
    Some(iterator)
}

#[inline(always)]
fn sequence_iterator<M: PyMachine>(m: &mut M, sequence: M::Ref, kind: Kind) -> M::Ref {
    let shape = m.context().shape_for_kind(kind);
    let iterator = m.new(shape.id, SequenceIterator::BYTES as u32);
    let zero = m.int(0);
    m.init_int(iterator, SequenceIterator::INDEX, zero);
    m.init_ref(iterator, SequenceIterator::SEQUENCE, sequence);
    iterator
}

/// What FOR_ITER found.
pub enum Iterated<M: Machine> {
    Value(M::Ref),
    Exhausted,
    /// The frame of a generator goes on; its value or end arrives as a result.
    Enter(Flow<M>),
}

/// FOR_ITER: the next value of the iterator on top of the stack.
#[inline(always)]
pub fn for_iter<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>) -> Result<Iterated<M>, M::Ref> {
    let iterator = f.peek(0);
    let Some(shape) = object_shape(m, iterator) else { return next_slow(m, iterator) };
    if is_simple(shape.kind) {
        return Ok(match next_of(m, shape.kind, iterator) {
            Some(value) => Iterated::Value(value),
            None => Iterated::Exhausted,
        });
    }
    match shape.kind {
        Kind::Generator => {
            let state = m.get_int(iterator, GeneratorObject::STATE);
            let state = m.promote_int(state);
            // Where a generator begins differs from where it goes on: a trace has a call for the former.
            let fresh = M::DIRECT && state == generator::state::CREATED;
            if fresh || state == generator::state::SUSPENDED {
                let sent = none(m);
                return f.lend(|f| generator::resume(m, f, iterator, sent)).map(Iterated::Enter);
            }
            next_slow(m, iterator)
        }
        Kind::Enumerate => match next_numbered(m, iterator) {
            Some(next) => Ok(next),
            None => next_slow(m, iterator),
        },
        Kind::Zip => match next_together(m, iterator) {
            Some(next) => Ok(next),
            None => next_slow(m, iterator),
        },
        _ if shape.ty.has(flags::LEAF_ITERATOR) => {
            next_by(m, iterator, &NEXT_LEAF).map_err(|exception| raise_anew(m, exception))
        }
        _ => next_slow(m, iterator),
    }
}

/// Whether [`next_of`] knows such iterators.
#[inline(always)]
fn is_simple(kind: Kind) -> bool {
    matches!(kind, Kind::RangeIterator | Kind::ListIterator | Kind::TupleIterator)
}

/// The next value of an iterator of that kind; `None`: exhausted.
#[inline(always)]
fn next_of<M: PyMachine>(m: &mut M, kind: Kind, iterator: M::Ref) -> Option<M::Ref> {
    if kind == Kind::RangeIterator {
        let remaining = m.get_int(iterator, RangeIterator::REMAINING);
        let zero = m.int(0);
        let more = m.int_gt(remaining, zero);
        if !m.decide(more) {
            return None;
        }
        let value = m.get_int(iterator, RangeIterator::NEXT);
        // Constant in a trace: then the sign of the values is known too.
        let step = m.get_int(iterator, RangeIterator::STEP);
        let step = m.promote_int(step);
        let step = m.int(step);
        let next = m.int_add(value, step);
        let one = m.int(1);
        let remaining = m.int_sub(remaining, one);
        m.set_int(iterator, RangeIterator::NEXT, next);
        m.set_int(iterator, RangeIterator::REMAINING, remaining);
        return Some(m.int_box(value));
    }
    let sequence = m.get_ref(iterator, SequenceIterator::SEQUENCE);
    let done = m.is_null(sequence);
    if m.decide(done) {
        return None;
    }
    let index = m.get_int(iterator, SequenceIterator::INDEX);
    let is_list = kind == Kind::ListIterator;
    let len = m.get_int(sequence, if is_list { List::LEN } else { Tuple::LEN });
    let inside = m.int_ult(index, len);
    if !m.decide(inside) {
        // An iterator that reached the end lets go of the sequence: growing that later does not revive it.
        let null = null(m);
        m.set_ref(iterator, SequenceIterator::SEQUENCE, null);
        return None;
    }
    let value = if is_list {
        let items = m.get_ref(sequence, List::ITEMS);
        m.item_ref(items, index, objects::list::ARRAY_ITEMS)
    } else {
        m.item_ref(sequence, index, objects::tuple::TUPLE_ITEMS)
    };
    advance(m, iterator, index);
    Some(value)
}

/// Of an `enumerate` over a simple iterator; `None`: in the general way, and nothing has been done.
fn next_numbered<M: PyMachine>(m: &mut M, iterator: M::Ref) -> Option<Iterated<M>> {
    let inner = m.get_ref(iterator, Enumerate::ITERATOR);
    let kind = object_kind(m, inner).filter(|&kind| is_simple(kind))?;
    let number = m.get_ref(iterator, Enumerate::NUMBER);
    let is_int = m.is_int(number);
    if !m.decide(is_int) {
        return None;
    }
    let (value, one) = (m.int_unbox(number), m.int(1));
    let following = m.int_add(value, one);
    let fits = m.int_fits(following);
    if !m.decide(fits) {
        return None;
    }
    let Some(value) = next_of(m, kind, inner) else { return Some(Iterated::Exhausted) };
    let following = m.int_box(following);
    m.set_ref(iterator, Enumerate::NUMBER, following);
    Some(Iterated::Value(build::tuple_of(m, &[number, value])))
}

/// A `zip` of more iterators is left to its function.
const MOST_ZIPPED: usize = 4;

/// Of a `zip` of simple iterators that need not be of one length; `None` as above.
fn next_together<M: PyMachine>(m: &mut M, iterator: M::Ref) -> Option<Iterated<M>> {
    let (strict, zero) = (m.get_int(iterator, Zip::STRICT), m.int(0));
    let is_strict = m.int_ne(strict, zero);
    if m.decide(is_strict) {
        return None;
    }
    let iterators = m.get_ref(iterator, Zip::ITERATORS);
    let count = m.get_int(iterators, Tuple::LEN);
    let count = m.promote_int(count) as usize;
    if count == 0 || count > MOST_ZIPPED {
        return None;
    }
    let mut inner = [(iterator, Kind::Zip); MOST_ZIPPED];
    for (i, inner) in inner[..count].iter_mut().enumerate() {
        let index = m.int(i as i64);
        let iterator = m.item_ref(iterators, index, objects::tuple::TUPLE_ITEMS);
        let kind = object_kind(m, iterator).filter(|&kind| is_simple(kind))?;
        *inner = (iterator, kind);
    }
    let mut values = [iterator; MOST_ZIPPED];
    for ((iterator, kind), value) in inner[..count].iter().zip(&mut values) {
        match next_of(m, *kind, *iterator) {
            Some(next) => *value = next,
            None => return Some(Iterated::Exhausted),
        }
    }
    Some(Iterated::Value(build::tuple_of(m, &values[..count])))
}

#[inline(always)]
fn advance<M: PyMachine>(m: &mut M, iterator: M::Ref, index: M::Int) {
    let one = m.int(1);
    let next = m.int_add(index, one);
    m.set_int(iterator, SequenceIterator::INDEX, next);
}

fn next_slow<M: PyMachine>(m: &mut M, iterator: M::Ref) -> Result<Iterated<M>, M::Ref> {
    next_by(m, iterator, &NEXT)
}

fn next_by<M: PyMachine>(m: &mut M, iterator: M::Ref, next: &'static Callee) -> Result<Iterated<M>, M::Ref> {
    // NULL: exhausted, or an exception is pending.
    let value = m.call_ref(next, &[Operand::Ref(iterator)]);
    let absent = m.is_null(value);
    if !m.decide(absent) {
        return Ok(Iterated::Value(value));
    }
    let exception = m.take_exception();
    let exhausted = m.is_null(exception);
    if m.decide(exhausted) { Ok(Iterated::Exhausted) } else { Err(exception) }
}

/// UNPACK_SEQUENCE: pushes the items of a sequence of `count`, the first on top.
#[inline(always)]
pub fn unpack<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, count: usize) -> Result<(), M::Ref> {
    let sequence = f.pop();
    let (len, items, array) = match object_kind(m, sequence) {
        Some(Kind::Tuple) => (m.get_int(sequence, Tuple::LEN), objects::tuple::TUPLE_ITEMS, sequence),
        Some(Kind::List) => {
            let array = m.get_ref(sequence, List::ITEMS);
            (m.get_int(sequence, List::LEN), objects::list::ARRAY_ITEMS, array)
        }
        _ => return f.lend(|f| unpack_general(m, f, sequence, count)),
    };
    let wanted = m.int(count as i64);
    let fits = m.int_eq(len, wanted);
    if !m.decide(fits) {
        return f.lend(|f| unpack_general(m, f, sequence, count));
    }
    for i in (0..count).rev() {
        let index = m.int(i as i64);
        let value = m.item_ref(array, index, items);
        f.push(value);
    }
    Ok(())
}

/// A Rust function makes a tuple of exactly `count` items, or raises.
fn unpack_general<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, sequence: M::Ref, count: usize) -> Result<(), M::Ref> {
    let wanted = int_operand(m, count as i64);
    let tuple = m.call_ref(&UNPACK, &[Operand::Ref(sequence), wanted]);
    let tuple = check(m, tuple)?;
    for i in (0..count).rev() {
        let index = m.int(i as i64);
        let value = m.item_ref(tuple, index, objects::tuple::TUPLE_ITEMS);
        f.push(value);
    }
    Ok(())
}

/// UNPACK_EX: `before` items, a list of the rest, `after` items; the first on top.
pub fn unpack_extended<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, arg: u32) -> Result<(), M::Ref> {
    let sequence = f.pop();
    let shape = int_operand(m, arg as i64);
    let tuple = m.call_ref(&UNPACK_EXTENDED, &[Operand::Ref(sequence), shape]);
    let tuple = check(m, tuple)?;
    let count = (arg & 0xff) + 1 + (arg >> 8);
    for i in (0..count).rev() {
        let index = m.int(i as i64);
        let value = m.item_ref(tuple, index, objects::tuple::TUPLE_ITEMS);
        f.push(value);
    }
    Ok(())
}
