//! `tuple`: the items follow the fixed part.
//!
//! The empty tuple is one immortal object. An instance of a subclass wraps an exact tuple.

#[cfg(test)]
mod tests;

use crate::args::{CallArgs, MethodDef};
use crate::arity;
use crate::builtin_layouts::{Tuple, WrappedInstance};
use crate::error::PyResult;
use crate::layout::{Object, cast};
use crate::list::sequence;
use crate::shape::{self, Kind};
use crate::slice;
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;
use metatrace::{Items, Repr};

/// The items, for handlers.
pub const TUPLE_ITEMS: &Items =
    &Items { name: "Tuple.items", offset: Tuple::BYTES as u32, repr: Repr::Ref, immutable: true };

pub(crate) fn init(vm: &mut Vm) {
    vm.types.tuple = vm.new_builtin_type(spec(), vm.types.object);
    let empty = vm.thread.heap.alloc_immortal(shape::exact_id(Kind::Tuple), Tuple::BYTES);
    cast::<Tuple>(empty).hash.set(-1);
    vm.empty_tuple = empty;
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::TUPLE | flags::SEQUENCE | flags::MATCH_SELF | flags::WRAPPED,
        tail: heap::Tail::Values,
        slots: Slots {
            new: Some(new),
            repr: Some(repr),
            hash: Some(hash),
            compare: Some(compare),
            iter: Some(crate::iterators::tuple_iter),
            len: Some(|_, tuple| Ok(items(tuple).len() as i64)),
            getitem: Some(getitem),
            contains: Some(|vm, tuple, value| {
                Ok(sequence::position(vm, || items(tuple), value, 0, usize::MAX)?.is_some())
            }),
            concat: Some(add),
            repeat: Some(repeat),
            ..Slots::default()
        },
        methods: METHODS,
        doc: "Built-in immutable sequence.\n\nIf no argument is given, the constructor returns an empty tuple.\n\
              If iterable is specified the tuple is initialized from iterable's items.\n\n\
              If the argument is a tuple, the return value is the same object.",
        ..TypeSpec::of::<Tuple>("tuple", Kind::Tuple)
    }
}

/// The items of a tuple, exact or of a subclass.
#[inline(always)]
pub fn items(tuple: Value) -> &'static [Value] {
    let exact = if shape::is_exact(tuple, Kind::Tuple) { tuple } else { cast::<WrappedInstance>(tuple).value.get() };
    exact_items(exact)
}

/// The same for an exact tuple.
#[inline(always)]
pub fn exact_items(tuple: Value) -> &'static [Value] {
    let len = cast::<Tuple>(tuple).len.get() as usize;
    // SAFETY: the items of a tuple follow its fixed part and never change; while the slice is on the native stack, the
    // tuple is alive and stays where it is.
    unsafe { std::slice::from_raw_parts((tuple.0 as usize + Tuple::BYTES) as *const Value, len) }
}

/// Whether `value` is a tuple or an instance of a subclass.
#[inline(always)]
pub fn is_tuple(vm: &Vm, value: Value) -> bool {
    shape::is_exact(value, Kind::Tuple) || value.is_object() && vm.type_of(value).has(flags::TUPLE)
}

impl Vm {
    /// An exact tuple of `items`.
    #[inline]
    pub fn new_tuple(&mut self, items: &[Value]) -> Value {
        if items.is_empty() {
            return self.empty_tuple;
        }
        debug_assert!(self.thread.sees(items), "items where the collector does not see them");
        let tuple = self.alloc_tail_unfilled(shape::exact_id(Kind::Tuple), Tuple::BYTES, 8, items.len());
        cast::<Tuple>(tuple).hash.set(-1);
        self.thread.heap.write_barrier(tuple);
        // SAFETY: the fresh tuple has room for the items.
        unsafe {
            let to = (tuple.0 as usize + Tuple::BYTES) as *mut Value;
            std::ptr::copy_nonoverlapping(items.as_ptr(), to, items.len());
        }
        tuple
    }
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    arity::no_keywords_unless_derived(vm, vm.types.tuple, ty, args)?;
    let values = args.args();
    arity::positional_count(vm, "tuple", values, 0, 1)?;
    let tuple = match values {
        [iterable] => vm.collect_tuple(*iterable)?,
        _ => vm.empty_tuple,
    };
    if ty == vm.types.tuple { Ok(tuple) } else { Ok(vm.new_wrapped(ty, tuple)) }
}

fn repr(vm: &mut Vm, tuple: Value) -> PyResult {
    if items(tuple).is_empty() {
        return Ok(vm.new_str("()"));
    }
    sequence::guarded_repr(vm, tuple, "(...)", |vm| {
        let mut text = vec![b'('];
        sequence::join_reprs(vm, &mut text, || items(tuple))?;
        if items(tuple).len() == 1 {
            text.push(b',');
        }
        text.push(b')');
        Ok(text)
    })
}

/// CPython's hash: xxHash without its avalanche.
/// CPython's hash of a sequence of hashes, after xxHash.
pub(crate) struct HashState(u64);

impl HashState {
    const PRIME_1: u64 = 11400714785074694791;
    const PRIME_2: u64 = 14029467366897019727;
    const PRIME_5: u64 = 2870177450012600261;

    pub(crate) fn new() -> HashState {
        HashState(HashState::PRIME_5)
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, hash: i64) {
        let sum = self.0.wrapping_add((hash as u64).wrapping_mul(HashState::PRIME_2));
        self.0 = sum.rotate_left(31).wrapping_mul(HashState::PRIME_1);
    }

    /// `length` stands for what a tuple adds of its length; slices add nothing.
    pub(crate) fn finish(self, length: u64) -> i64 {
        let sum = self.0.wrapping_add(length);
        if sum == u64::MAX { 1546275796 } else { sum as i64 }
    }

    fn of_length(length: usize) -> u64 {
        length as u64 ^ (HashState::PRIME_5 ^ 3527539)
    }
}

fn hash(vm: &mut Vm, tuple: Value) -> PyResult<i64> {
    let exact = if shape::is_exact(tuple, Kind::Tuple) { tuple } else { cast::<WrappedInstance>(tuple).value.get() };
    let cached = cast::<Tuple>(exact).hash.get();
    if cached != -1 {
        return Ok(cached);
    }
    let items = exact_items(exact);
    let mut state = HashState::new();
    for &item in items {
        state.add(match crate::dict::cached_hash(item) {
            Some(hash) => hash,
            None => vm.guarded("", |vm| vm.hash(item))?,
        });
    }
    let hash = state.finish(HashState::of_length(items.len()));
    cast::<Tuple>(exact).hash.set(hash);
    Ok(hash)
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !is_tuple(vm, a) || !is_tuple(vm, b) {
        return Ok(vm.not_implemented);
    }
    sequence::compare(vm, || items(a), || items(b), op)
}

fn getitem(vm: &mut Vm, tuple: Value, key: Value) -> PyResult {
    let items = items(tuple);
    if key.is_int() {
        let index = key.as_int();
        let index = if index < 0 { index + items.len() as i64 } else { index };
        return match items.get(index as usize) {
            Some(&item) if index >= 0 => Ok(item),
            _ => Err(vm.index_error("tuple index out of range")),
        };
    }
    if let Some(index) = slice::as_index(vm, key)? {
        return getitem(vm, tuple, clamped(index));
    }
    if !slice::is_slice(key) {
        let name = vm.type_name(key);
        return Err(vm.type_error(format!("tuple indices must be integers or slices, not {name}")));
    }
    let range = slice::resolve(vm, key, items.len())?;
    if range.step == 1 && range.len == items.len() && shape::is_exact(tuple, Kind::Tuple) {
        return Ok(tuple);
    }
    if range.step == 1 {
        let start = range.start as usize;
        return Ok(vm.new_tuple(&items[start..start + range.len]));
    }
    let picked = sequence::pick(vm, items, &range);
    Ok(vm.new_tuple(picked.as_slice()))
}

/// An index as a tagged integer; those beyond are out of any range.
fn clamped(index: i64) -> Value {
    Value::from_int(index.clamp(Value::INT_MIN, Value::INT_MAX))
}

/// The items of two tuples as one exact tuple.
pub fn concat(vm: &mut Vm, a: Value, b: Value) -> Value {
    let both = sequence::concatenated(vm, items(a), items(b));
    vm.new_tuple(both.as_slice())
}

fn add(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    if !is_tuple(vm, b) {
        let name = vm.type_name(b);
        return Err(vm.type_error(format!("can only concatenate tuple (not \"{name}\") to tuple")));
    }
    let (left, right) = (items(a), items(b));
    if left.is_empty() && shape::is_exact(b, Kind::Tuple) {
        return Ok(b);
    }
    if right.is_empty() && shape::is_exact(a, Kind::Tuple) {
        return Ok(a);
    }
    Ok(concat(vm, a, b))
}

fn repeat(vm: &mut Vm, tuple: Value, count: Value) -> PyResult {
    let items = items(tuple);
    let count = sequence::repeat_count(vm, count)?;
    if count == 1 && shape::is_exact(tuple, Kind::Tuple) {
        return Ok(tuple);
    }
    let repeated = sequence::repeated(vm, items, count)?;
    Ok(vm.new_tuple(repeated.as_slice()))
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("index", 2, 4, index).with_doc("index($self, value, start=0, stop=sys.maxsize, /)\n--\n\nReturn first index of value.\n\nRaises ValueError if the value is not present."),
    MethodDef::method("count", 2, 2, |vm, args| {
        let [tuple, value] = args.values else { unreachable!("the table counts arguments") };
        sequence::count(vm, || items(*tuple), *value)
    })
    .with_doc("count($self, value, /)\n--\n\nReturn number of occurrences of value."),
    MethodDef::method("__getnewargs__", 1, 1, |vm, args| {
        let copy = vm.new_tuple(items(args.values[0]));
        Ok(vm.new_tuple(&[copy]))
    })
    .leaf()
    .with_doc("__getnewargs__($self, /)\n--\n\n"),
    MethodDef::class_method("__class_getitem__", 2, 2, crate::list::class_getitem).with_doc("__class_getitem__($type, object, /)\n--\n\nTuples are generic over the types of their contents.\n\nFor example, use ``tuple[int, str]`` for a pair whose first element\nis an int and second element is a string.\n\nTuples also support the form ``tuple[T, ...]`` to indicate\nan arbitrary length tuple of elements of type T."),
];

fn index(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (tuple, value) = (args.values[0], args.values[1]);
    let (start, stop) = sequence::search_range(vm, args, 2, items(tuple).len())?;
    match sequence::position(vm, || items(tuple), value, start, stop)? {
        Some(at) => Ok(Value::from_int(at as i64)),
        None => Err(vm.value_error("tuple.index(x): x not in tuple")),
    }
}
