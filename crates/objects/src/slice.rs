//! `slice`, and what sequences make of indices and slices.

use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::arity;
use crate::builtin_layouts::Slice;
use crate::error::PyResult;
use crate::layout::{Object, cast};
use crate::shape::{self, Kind};
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec};
use crate::vm::Vm;
use heap::Value;
use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

pub(crate) fn init(vm: &mut Vm) {
    vm.types.slice = vm.new_builtin_type(spec(), vm.types.object);
}

fn spec() -> TypeSpec {
    TypeSpec {
        slots: Slots { new: Some(new), repr: Some(repr), hash: Some(hash), compare: Some(compare), ..Slots::default() },
        methods: METHODS,
        getset: GETSET,
        doc: "slice(stop)\nslice(start, stop[, step])\n\nCreate a slice object.  This is used for extended slicing (e.g. a[0:10:2]).",
        ..TypeSpec::of::<Slice>("slice", Kind::Slice)
    }
}

/// The elements that a slice picks from a sequence: `start`, `start + step`, …, `len` of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Picked {
    pub start: i64,
    /// Clipped; with an ascending slice of no elements still where one would be inserted.
    pub stop: i64,
    pub step: i64,
    pub len: usize,
}

impl Picked {
    /// The index of the `i`th element picked.
    #[inline(always)]
    pub fn index(&self, i: usize) -> usize {
        (self.start + self.step * i as i64) as usize
    }

    /// The same elements in ascending order.
    pub fn ascending(&self) -> Picked {
        if self.step > 0 || self.len == 0 {
            return *self;
        }
        let start = self.start + self.step * (self.len as i64 - 1);
        Picked { start, stop: self.start + 1, step: -self.step, len: self.len }
    }
}

#[inline(always)]
pub fn is_slice(value: Value) -> bool {
    shape::is_exact(value, Kind::Slice)
}

/// A slice's bounds as given: absent ones by the sign of the step, all clipped to 64 bits.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
}

/// Start, stop and step of a slice. May run `__index__`: ask for the sequence's length afterwards.
pub fn bounds(vm: &mut Vm, slice: Value) -> PyResult<Bounds> {
    let slice = cast::<Slice>(slice);
    let none = vm.none;
    let step = match slice.step.get() {
        step if step == none => 1,
        step => match clipped_index(vm, step)? {
            0 => return Err(vm.value_error("slice step cannot be zero")),
            // So that it can be negated.
            step => step.max(-i64::MAX),
        },
    };
    let start = match slice.start.get() {
        start if start == none => {
            if step < 0 {
                i64::MAX
            } else {
                0
            }
        }
        start => clipped_index(vm, start)?,
    };
    let stop = match slice.stop.get() {
        stop if stop == none => {
            if step < 0 {
                i64::MIN
            } else {
                i64::MAX
            }
        }
        stop => clipped_index(vm, stop)?,
    };
    Ok(Bounds { start, stop, step })
}

impl Bounds {
    /// What the slice picks from a sequence of `len` elements.
    pub fn of_len(self, len: usize) -> Picked {
        let len = len as i64;
        let (low, high) = if self.step < 0 { (-1, len - 1) } else { (0, len) };
        let clip = |at: i64| if at < 0 { at.saturating_add(len).max(low) } else { at.min(high) };
        let (start, stop) = (clip(self.start), clip(self.stop));
        let count = if self.step < 0 {
            if stop < start { (start - stop - 1) / -self.step + 1 } else { 0 }
        } else if start < stop {
            (stop - start - 1) / self.step + 1
        } else {
            0
        };
        Picked { start, stop, step: self.step, len: count as usize }
    }
}

/// What `slice` picks from a sequence of `len` elements. For sequences that cannot change.
pub fn resolve(vm: &mut Vm, slice: Value, len: usize) -> PyResult<Picked> {
    Ok(bounds(vm, slice)?.of_len(len))
}

/// `value` as an index, if it has `__index__`; IndexError beyond 64 bits.
pub fn as_index(vm: &mut Vm, value: Value) -> PyResult<Option<i64>> {
    let Some(index) = index_object(vm, value)? else { return Ok(None) };
    match vm.as_i64(index) {
        Some(index) => Ok(Some(index)),
        None => {
            let name = vm.type_name(value);
            Err(vm.index_error(format!("cannot fit '{name}' into an index-sized integer")))
        }
    }
}

/// A slice's bound: clipped to 64 bits.
pub fn clipped_index(vm: &mut Vm, value: Value) -> PyResult<i64> {
    let Some(index) = index_object(vm, value)? else {
        return Err(vm.type_error("slice indices must be integers or None or have an __index__ method"));
    };
    Ok(clipped(vm, index))
}

/// The bound of a search, as of `list.index`.
pub fn search_bound(vm: &mut Vm, value: Value) -> PyResult<i64> {
    let Some(index) = index_object(vm, value)? else {
        return Err(vm.type_error("slice indices must be integers or have an __index__ method"));
    };
    Ok(clipped(vm, index))
}

/// An int clipped to 64 bits.
pub fn clipped(vm: &mut Vm, int: Value) -> i64 {
    match vm.as_i64(int) {
        Some(index) => index,
        None if vm.as_bigint(int).is_some_and(|big| big.is_negative()) => i64::MIN,
        None => i64::MAX,
    }
}

/// The exact int that `__index__` gives; `None` if there is no such method.
pub fn index_object(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    if value.is_int() {
        return Ok(Some(value));
    }
    if vm.type_of(value).slots().index.is_none() {
        return Ok(None);
    }
    vm.index_big(value).map(Some)
}

impl Vm {
    /// A slice object.
    pub fn new_slice(&mut self, start: Value, stop: Value, step: Value) -> Value {
        let value = self.thread.heap.alloc(shape::exact_id(Kind::Slice), Slice::BYTES);
        let slice = cast::<Slice>(value);
        slice.start.set(start);
        slice.stop.set(stop);
        slice.step.set(step);
        value
    }
}

fn new(vm: &mut Vm, _ty: TypeRef, args: &CallArgs) -> PyResult {
    let none = vm.none;
    Ok(match arity::positional(vm, "slice", args, 1, 3)? {
        [stop] => vm.new_slice(none, *stop, none),
        [start, stop] => vm.new_slice(*start, *stop, none),
        [start, stop, step] => vm.new_slice(*start, *stop, *step),
        _ => unreachable!("one to three arguments"),
    })
}

fn parts(slice: Value) -> [Value; 3] {
    let slice = cast::<Slice>(slice);
    [slice.start.get(), slice.stop.get(), slice.step.get()]
}

fn repr(vm: &mut Vm, slice: Value) -> PyResult {
    let mut text = b"slice(".to_vec();
    for (i, part) in parts(slice).into_iter().enumerate() {
        if i > 0 {
            text.extend_from_slice(b", ");
        }
        let part = vm.repr(part)?;
        text.extend_from_slice(vm.str_bytes(part));
    }
    text.push(b')');
    Ok(vm.new_str_bytes(&text))
}

fn hash(vm: &mut Vm, slice: Value) -> PyResult<i64> {
    let mut hash = crate::tuple::HashState::new();
    for part in parts(slice) {
        hash.add(vm.hash(part)?);
    }
    Ok(hash.finish(0))
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !is_slice(a) || !is_slice(b) {
        return Ok(vm.not_implemented);
    }
    if a == b {
        return Ok(vm.bool(matches!(op, CompareOp::Eq | CompareOp::Le | CompareOp::Ge)));
    }
    let (a, b) = (vm.new_tuple(&parts(a)), vm.new_tuple(&parts(b)));
    vm.compare(a, b, op)
}

static GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("start", |_, slice| Ok(cast::<Slice>(slice).start.get())),
    GetSetDef::read_only("stop", |_, slice| Ok(cast::<Slice>(slice).stop.get())),
    GetSetDef::read_only("step", |_, slice| Ok(cast::<Slice>(slice).step.get())),
];

static METHODS: &[MethodDef] = &[
    MethodDef::method("indices", 2, 2, indices).with_doc("indices($self, object, /)\n--\n\nS.indices(len) -> (start, stop, stride)\n\nAssuming a sequence of length len, calculate the start and stop\nindices, and the stride length of the extended slice described by\nS. Out of bounds indices are clipped in a manner consistent with the\nhandling of normal slices."),
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let parts = vm.new_tuple(&parts(args.values[0]));
        Ok(vm.new_tuple(&[vm.types.slice.value(), parts]))
    })
    .leaf()
    .with_doc("__reduce__($self, /)\n--\n\nReturn state information for pickling."),
    MethodDef::class_method("__class_getitem__", 2, 2, crate::list::class_getitem).with_doc("__class_getitem__($type, object, /)\n--\n\nSee PEP 585"),
];

/// `slice.indices`: with ints of any size.
fn indices(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (slice, length) = (args.values[0], args.values[1]);
    let Some(length) = index_object(vm, length)? else {
        let name = vm.type_name(length);
        return Err(vm.type_error(format!("'{name}' object cannot be interpreted as an integer")));
    };
    let length = vm.as_bigint(length).expect("__index__ gives an int");
    let (start, stop, step) = big_indices(vm, slice, &length)?;
    if length.is_negative() {
        return Err(vm.value_error("length should not be negative"));
    }
    let parts = [vm.int_from_big(&start), vm.int_from_big(&stop), vm.int_from_big(&step)];
    Ok(vm.new_tuple(&parts))
}

/// Start, stop and step for a sequence of any length.
pub(crate) fn big_indices(vm: &mut Vm, slice: Value, length: &BigInt) -> PyResult<(BigInt, BigInt, BigInt)> {
    let [start, stop, step] = parts(slice);
    let step = big_bound(vm, step)?.unwrap_or_else(BigInt::one);
    if step.is_zero() {
        return Err(vm.value_error("slice step cannot be zero"));
    }
    let (low, high) = if step.is_negative() { (-BigInt::one(), length - 1) } else { (BigInt::zero(), length.clone()) };
    let (first, last) = if step.is_negative() { (high.clone(), low.clone()) } else { (low.clone(), high.clone()) };
    let clip = |at: Option<BigInt>, absent: BigInt| match at {
        None => absent,
        Some(at) if at.is_negative() => (at + length).max(low.clone()),
        Some(at) => at.min(high.clone()),
    };
    let start = clip(big_bound(vm, start)?, first);
    let stop = clip(big_bound(vm, stop)?, last);
    Ok((start, stop, step))
}

fn big_bound(vm: &mut Vm, bound: Value) -> PyResult<Option<BigInt>> {
    if bound == vm.none {
        return Ok(None);
    }
    let Some(index) = index_object(vm, bound)? else {
        return Err(vm.type_error("slice indices must be integers or None or have an __index__ method"));
    };
    Ok(vm.as_bigint(index))
}
