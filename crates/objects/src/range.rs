//! `range`: start, stop, step and length, ints of any size.
//!
//! Where all four lie within a word, arithmetic is on words; otherwise on big integers.

#[cfg(test)]
mod tests;

use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::arity;
use crate::builtin_layouts::{Range, RangeIterator};
use crate::error::PyResult;
use crate::iterators::range as iterators;
use crate::layout::{Object, cast};
use crate::shape::{self, Kind};
use crate::slice;
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

pub(crate) fn init(vm: &mut Vm) {
    vm.types.range = vm.new_builtin_type(spec(), vm.types.object);
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::SEQUENCE,
        slots: Slots {
            new: Some(new),
            repr: Some(repr),
            hash: Some(hash),
            compare: Some(compare),
            iter: Some(iter),
            len: Some(len),
            getitem: Some(getitem),
            contains: Some(contains),
            bool: Some(|_, range| Ok(cast::<Range>(range).len.get() != Value::from_int(0))),
            ..Slots::default()
        },
        methods: METHODS,
        getset: GETSET,
        doc: "range(stop) -> range object\nrange(start, stop[, step]) -> range object\n\n\
              Return an object that produces a sequence of integers from start (inclusive)\n\
              to stop (exclusive) by step.  range(i, j) produces i, i+1, i+2, ..., j-1.\n\
              start defaults to 0, and stop is omitted!  range(4) produces 0, 1, 2, 3.\n\
              These are exactly the valid indices for a list of 4 elements.\n\
              When step is given, it specifies the increment (or decrement).",
        ..TypeSpec::of::<Range>("range", Kind::Range)
    }
}

/// A range whose numbers lie within words.
#[derive(Clone, Copy)]
pub struct Small {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
    pub len: i64,
}

/// The numbers of a range, if they all lie within words.
#[inline]
pub fn small(range: Value) -> Option<Small> {
    let range = cast::<Range>(range);
    let parts = [range.start.get(), range.stop.get(), range.step.get(), range.len.get()];
    if parts.iter().all(|part| part.is_int()) {
        let [start, stop, step, len] = parts.map(Value::as_int);
        Some(Small { start, stop, step, len })
    } else {
        None
    }
}

struct Big {
    start: BigInt,
    step: BigInt,
    len: BigInt,
}

fn big(vm: &mut Vm, range: Value) -> Big {
    let range = cast::<Range>(range);
    let part = |value: Value| vm.as_bigint(value).expect("the numbers of a range are ints");
    Big { start: part(range.start.get()), step: part(range.step.get()), len: part(range.len.get()) }
}

impl Vm {
    /// `range(start, stop, step)` of ints; ValueError if the step is 0.
    pub fn new_range(&mut self, start: Value, stop: Value, step: Value) -> PyResult {
        if step == Value::from_int(0) {
            return Err(self.value_error("range() arg 3 must not be zero"));
        }
        let len = length(self, start, stop, step);
        let value = self.thread.heap.alloc(shape::exact_id(Kind::Range), Range::BYTES);
        let range = cast::<Range>(value);
        range.start.set(start);
        range.stop.set(stop);
        range.step.set(step);
        range.len.set(len);
        Ok(value)
    }
}

fn length(vm: &mut Vm, start: Value, stop: Value, step: Value) -> Value {
    if start.is_int() && stop.is_int() && step.is_int() {
        let (start, stop, step) = (start.as_int() as i128, stop.as_int() as i128, step.as_int() as i128);
        let span = if step > 0 { stop - start } else { start - stop };
        let len = if span <= 0 { 0 } else { (span - 1) / step.abs() + 1 };
        return match i64::try_from(len) {
            Ok(len) => vm.int(len),
            Err(_) => vm.int_from_big(&BigInt::from(len)),
        };
    }
    let part = |value: Value| vm.as_bigint(value).expect("the numbers of a range are ints");
    let (start, stop, step) = (part(start), part(stop), part(step));
    let span = if step.is_positive() { stop - start } else { start - stop };
    let len = if span.is_positive() { (span - 1u32) / step.abs() + 1u32 } else { BigInt::zero() };
    vm.int_from_big(&len)
}

fn new(vm: &mut Vm, _ty: TypeRef, args: &CallArgs) -> PyResult {
    let values = arity::positional(vm, "range", args, 1, 3)?;
    let (zero, one) = (Value::from_int(0), Value::from_int(1));
    let (start, stop, step) = match *values {
        [stop] => (zero, stop, one),
        [start, stop] => (start, stop, one),
        [start, stop, step] => (start, stop, step),
        _ => unreachable!("one to three arguments"),
    };
    let (start, stop) = (int_argument(vm, start)?, int_argument(vm, stop)?);
    let step = int_argument(vm, step)?;
    vm.new_range(start, stop, step)
}

/// An argument as an exact int.
fn int_argument(vm: &mut Vm, value: Value) -> PyResult {
    match slice::index_object(vm, value)? {
        Some(int) => Ok(int),
        None => {
            let name = vm.type_name(value);
            Err(vm.type_error(format!("'{name}' object cannot be interpreted as an integer")))
        }
    }
}

fn repr(vm: &mut Vm, range: Value) -> PyResult {
    let object = cast::<Range>(range);
    let start = vm.repr(object.start.get())?;
    let stop = vm.repr(object.stop.get())?;
    let (start, stop) = (vm.text_of(start), vm.text_of(stop));
    let step = object.step.get();
    if step == Value::from_int(1) {
        return Ok(vm.new_str(&format!("range({start}, {stop})")));
    }
    let step = vm.repr(step)?;
    let step = vm.text_of(step);
    Ok(vm.new_str(&format!("range({start}, {stop}, {step})")))
}

fn len(vm: &mut Vm, range: Value) -> PyResult<i64> {
    let len = cast::<Range>(range).len.get();
    vm.as_i64(len).ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t"))
}

/// Ranges are equal if they give the same numbers: the key has the length, the start unless empty, the step unless alone.
fn key(vm: &mut Vm, range: Value) -> Value {
    let object = cast::<Range>(range);
    let (len, none) = (object.len.get(), vm.none);
    let start = if len == Value::from_int(0) { none } else { object.start.get() };
    let step = if len == Value::from_int(0) || len == Value::from_int(1) { none } else { object.step.get() };
    vm.new_tuple(&[len, start, step])
}

fn hash(vm: &mut Vm, range: Value) -> PyResult<i64> {
    let key = key(vm, range);
    vm.hash(key)
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne)
        || !shape::is_exact(a, Kind::Range)
        || !shape::is_exact(b, Kind::Range)
    {
        return Ok(vm.not_implemented);
    }
    let equal = if a == b {
        true
    } else {
        let (a, b) = (key(vm, a), key(vm, b));
        vm.eq(a, b)?
    };
    Ok(vm.bool(equal == (op == CompareOp::Eq)))
}

fn iter(vm: &mut Vm, range: Value) -> PyResult {
    if let Some(small) = small(range) {
        return Ok(new_iterator(vm, small.start, small.step, small.len));
    }
    let object = cast::<Range>(range);
    Ok(iterators::new_long(vm, object.start.get(), object.step.get(), object.len.get()))
}

/// An iterator over `len` numbers.
pub(crate) fn new_iterator(vm: &mut Vm, start: i64, step: i64, len: i64) -> Value {
    let value = vm.thread.heap.alloc(shape::exact_id(Kind::RangeIterator), RangeIterator::BYTES);
    let iterator = cast::<RangeIterator>(value);
    iterator.next.set(start);
    iterator.remaining.set(len);
    iterator.step.set(step);
    value
}

fn getitem(vm: &mut Vm, range: Value, index: Value) -> PyResult {
    if slice::is_slice(index) {
        return getslice(vm, range, index);
    }
    let Some(index) = slice::index_object(vm, index)? else {
        let name = vm.type_name(index);
        return Err(vm.type_error(format!("range indices must be integers or slices, not {name}")));
    };
    if let (Some(small), true) = (small(range), index.is_int()) {
        let index = index.as_int();
        let index = if index < 0 { index + small.len } else { index };
        if index < 0 || index >= small.len {
            return Err(vm.index_error("range object index out of range"));
        }
        return Ok(vm.int(small.start + small.step * index));
    }
    let Big { start, step, len } = big(vm, range);
    let mut index = vm.as_bigint(index).expect("__index__ gives an int");
    if index.is_negative() {
        index += &len;
    }
    if index.is_negative() || index >= len {
        return Err(vm.index_error("range object index out of range"));
    }
    Ok(vm.int_from_big(&(start + step * index)))
}

fn getslice(vm: &mut Vm, range: Value, key: Value) -> PyResult {
    let Big { start, step, len } = big(vm, range);
    let (from, to, by) = slice::big_indices(vm, key, &len)?;
    let from = vm.int_from_big(&(&start + &step * from));
    let to = vm.int_from_big(&(&start + &step * to));
    let by = vm.int_from_big(&(step * by));
    vm.new_range(from, to, by)
}

/// Whether a value is an int or bool, of no subclass: its place in the range can be computed.
fn is_plain_int(vm: &Vm, value: Value) -> bool {
    value.is_int() || matches!(vm.kind(value), Kind::BigInt | Kind::Bool)
}

/// The index of an int in the range.
fn place(vm: &mut Vm, range: Value, value: Value) -> Option<BigInt> {
    if let (Some(small), true) = (small(range), value.is_int()) {
        let offset = value.as_int() as i128 - small.start as i128;
        let (index, rest) = (offset / small.step as i128, offset % small.step as i128);
        return if rest == 0 && index >= 0 && index < small.len as i128 { Some(index.into()) } else { None };
    }
    let Big { start, step, len } = big(vm, range);
    let (index, rest) = (vm.as_bigint(value)? - start).div_rem(&step);
    if rest.is_zero() && !index.is_negative() && index < len { Some(index) } else { None }
}

fn contains(vm: &mut Vm, range: Value, value: Value) -> PyResult<bool> {
    if is_plain_int(vm, value) {
        return Ok(place(vm, range, value).is_some());
    }
    vm.contains_by_iteration(range, value)
}

static GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("start", |_, range| Ok(cast::<Range>(range).start.get())),
    GetSetDef::read_only("stop", |_, range| Ok(cast::<Range>(range).stop.get())),
    GetSetDef::read_only("step", |_, range| Ok(cast::<Range>(range).step.get())),
];

static METHODS: &[MethodDef] = &[
    MethodDef::method("__reversed__", 1, 1, |vm, args| reversed(vm, args.values[0]))
        .leaf()
        .with_doc("__reversed__($self, /)\n--\n\nReturn a reverse iterator."),
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let range = cast::<Range>(args.values[0]);
        let parts = vm.new_tuple(&[range.start.get(), range.stop.get(), range.step.get()]);
        Ok(vm.new_tuple(&[vm.types.range.value(), parts]))
    })
    .leaf()
    .with_doc("__reduce__($self, /)\n--\n\n"),
    MethodDef::method("count", 2, 2, count)
        .with_doc("count($self, object, /)\n--\n\nrangeobject.count(value) -> integer -- return number of occurrences of value"),
    MethodDef::method("index", 2, 2, index).with_doc("index($self, object, /)\n--\n\nrangeobject.index(value) -> integer -- return index of value.\nRaise ValueError if the value is not present."),
];

fn reversed(vm: &mut Vm, range: Value) -> PyResult {
    if let Some(small) = small(range) {
        let last = small.start + small.step * (small.len - 1).max(0);
        return Ok(new_iterator(vm, if small.len == 0 { small.start } else { last }, -small.step, small.len));
    }
    let Big { start, step, len } = big(vm, range);
    let last = if len.is_zero() { start } else { start + &step * (&len - BigInt::one()) };
    let (last, step) = (vm.int_from_big(&last), vm.int_from_big(&-step));
    let len = cast::<Range>(range).len.get();
    Ok(iterators::new_long(vm, last, step, len))
}

fn count(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (range, value) = (args.values[0], args.values[1]);
    if is_plain_int(vm, value) {
        return Ok(Value::from_int(place(vm, range, value).is_some() as i64));
    }
    let mut count = 0;
    vm.for_each(range, |vm, item| {
        count += vm.eq(item, value)? as i64;
        Ok(())
    })?;
    Ok(Value::from_int(count))
}

fn index(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (range, value) = (args.values[0], args.values[1]);
    if is_plain_int(vm, value) {
        return match place(vm, range, value) {
            Some(index) => Ok(vm.int_from_big(&index)),
            None => Err(vm.value_error("range.index(x): x not in range")),
        };
    }
    let iterator = vm.iter(range)?;
    let mut at = 0;
    while let Some(item) = vm.next(iterator)? {
        if vm.eq(item, value)? {
            return Ok(vm.int(at));
        }
        at += 1;
    }
    Err(vm.value_error("sequence.index(x): x not in sequence"))
}
