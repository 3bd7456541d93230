//! `set`, and what it shares with `frozenset`; see `set/table.rs` for the hash table.

pub mod algebra;
pub mod methods;
pub mod table;
#[cfg(test)]
mod tests;

use crate::builtin_layouts::Set;
use crate::dict::{cached_hash, hash_key};
use crate::error::PyResult;
use crate::layout::{Object, cast};
use crate::list::sequence;
use crate::shape::{self, Kind};
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

pub(crate) fn init(vm: &mut Vm) {
    vm.types.set = vm.new_builtin_type(spec(), vm.types.object);
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::SET | flags::MATCH_SELF,
        slots: Slots {
            new: Some(|vm, ty, _| {
                let set = vm.new_instance(ty);
                cast::<Set>(set).hash.set(-1);
                Ok(set)
            }),
            init: Some(methods::init_set),
            hash: Some(crate::object::hash_not_implemented),
            inplace_sub: Some(|vm, a, b| algebra::inplace(vm, a, b, algebra::difference_update)),
            inplace_and: Some(|vm, a, b| algebra::inplace(vm, a, b, algebra::intersection_update)),
            inplace_xor: Some(|vm, a, b| algebra::inplace(vm, a, b, algebra::symmetric_difference_update)),
            inplace_or: Some(|vm, a, b| algebra::inplace(vm, a, b, algebra::update)),
            ..shared_slots()
        },
        methods: methods::SET_METHODS,
        doc: "Build an unordered collection of unique elements.",
        ..TypeSpec::of::<Set>("set", Kind::Set)
    }
}

/// The slots that set and frozenset have alike.
pub(crate) fn shared_slots() -> Slots {
    Slots {
        repr: Some(repr),
        compare: Some(compare),
        iter: Some(crate::iterators::set_iter),
        len: Some(|_, set| Ok(len(set) as i64)),
        contains: Some(contains),
        sub: Some(|vm, a, b| algebra::operator(vm, a, b, algebra::difference)),
        and: Some(|vm, a, b| algebra::operator(vm, a, b, algebra::intersection)),
        xor: Some(|vm, a, b| algebra::operator(vm, a, b, algebra::symmetric_difference)),
        or: Some(|vm, a, b| algebra::operator(vm, a, b, algebra::union)),
        ..Slots::default()
    }
}

#[inline(always)]
pub fn len(set: Value) -> usize {
    cast::<Set>(set).used.get() as usize
}

/// Whether `value` is a set or frozenset, or an instance of a subclass.
#[inline]
pub fn is_set(vm: &Vm, value: Value) -> bool {
    is_exact(value) || value.is_object() && vm.type_of(value).has(flags::SET)
}

/// Whether `value` is a set or frozenset of no subclass.
#[inline(always)]
pub fn is_exact(value: Value) -> bool {
    shape::is_exact(value, Kind::Set) || shape::is_exact(value, Kind::FrozenSet)
}

/// The element at or after `*position`, which moves behind it.
#[inline]
pub fn next(set: Value, position: &mut usize) -> Option<Value> {
    let set = cast::<Set>(set);
    let index = table::next_live(set, *position)?;
    *position = index + 1;
    Some(table::key_at(set, index))
}

impl Vm {
    /// An empty set.
    pub fn new_set(&mut self) -> Value {
        self.new_set_of_kind(Kind::Set)
    }

    /// An empty frozenset, to be filled before anybody sees it.
    pub fn new_frozenset(&mut self) -> Value {
        self.new_set_of_kind(Kind::FrozenSet)
    }

    fn new_set_of_kind(&mut self, kind: Kind) -> Value {
        let set = self.thread.heap.alloc_zeroed(shape::exact_id(kind), Set::BYTES);
        cast::<Set>(set).hash.set(-1);
        set
    }

    #[inline]
    pub(crate) fn set_hash(&mut self, element: Value) -> PyResult<i64> {
        match cached_hash(element) {
            Some(hash) => Ok(hash),
            None => hash_key(self, element, "a set element"),
        }
    }

    /// Adds an element.
    pub fn set_add(&mut self, set: Value, element: Value) -> PyResult<()> {
        let hash = self.set_hash(element)?;
        self.set_add_hashed(set, element, hash)
    }

    pub(crate) fn set_add_hashed(&mut self, set: Value, element: Value, hash: i64) -> PyResult<()> {
        table::add(self, cast::<Set>(set), element, hash)
    }

    pub fn set_contains(&mut self, set: Value, element: Value) -> PyResult<bool> {
        let hash = self.set_hash(element)?;
        Ok(table::find(self, cast::<Set>(set), element, hash)?.is_some())
    }

    /// Removes an element; whether it was there.
    pub fn set_discard(&mut self, set: Value, element: Value) -> PyResult<bool> {
        let hash = self.set_hash(element)?;
        let set = cast::<Set>(set);
        match table::find(self, set, element, hash)? {
            Some(index) => {
                table::delete(set, index);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    pub fn set_len(&self, set: Value) -> usize {
        len(set)
    }

    pub fn set_next(&self, set: Value, position: &mut usize) -> Option<Value> {
        next(set, position)
    }

    /// A frozenset of an iterable's elements.
    pub fn collect_frozenset(&mut self, iterable: Value) -> PyResult {
        if shape::is_exact(iterable, Kind::FrozenSet) {
            return Ok(iterable);
        }
        let set = self.new_frozenset();
        algebra::update(self, set, iterable)?;
        Ok(set)
    }
}

/// `element in set`: a set that is asked for stands for the frozenset with its elements.
fn contains(vm: &mut Vm, set: Value, element: Value) -> PyResult<bool> {
    let hash = match vm.set_hash(element) {
        Ok(hash) => hash,
        Err(raised) => {
            let Some(frozen) = frozen_key(vm, element, raised)? else { return Err(raised) };
            return vm.set_contains(set, frozen);
        }
    };
    Ok(table::find(vm, cast::<Set>(set), element, hash)?.is_some())
}

/// The frozenset that stands for a set whose hash was asked for in vain.
pub(crate) fn frozen_key(vm: &mut Vm, element: Value, raised: crate::error::Raised) -> PyResult<Option<Value>> {
    let is_unfrozen = is_set(vm, element) && !vm.type_of(element).is_subtype(vm.types.frozenset);
    if !is_unfrozen || !vm.exception_matches(raised.0, vm.exc.type_error) {
        return Ok(None);
    }
    let frozen = vm.new_frozenset();
    table::merge(vm, cast::<Set>(frozen), cast::<Set>(element))?;
    Ok(Some(frozen))
}

fn repr(vm: &mut Vm, set: Value) -> PyResult {
    let ty = vm.type_of(set);
    let name = ty.name();
    if len(set) == 0 {
        return Ok(vm.new_str(&format!("{name}()")));
    }
    sequence::guarded_repr(vm, set, &format!("{name}(...)"), |vm| {
        let elements = sequence::collect(vm, set)?;
        let mut text = if ty == vm.types.set { b"{".to_vec() } else { format!("{name}({{").into_bytes() };
        sequence::join_reprs(vm, &mut text, || elements.as_slice())?;
        text.extend_from_slice(if ty == vm.types.set { b"}" } else { b"})" });
        Ok(text)
    })
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !is_set(vm, a) || !is_set(vm, b) {
        return Ok(vm.not_implemented);
    }
    let holds = match op {
        CompareOp::Eq => equal(vm, a, b)?,
        CompareOp::Ne => !equal(vm, a, b)?,
        CompareOp::Le => algebra::is_subset(vm, a, b)?,
        CompareOp::Ge => algebra::is_subset(vm, b, a)?,
        CompareOp::Lt => len(a) < len(b) && algebra::is_subset(vm, a, b)?,
        CompareOp::Gt => len(a) > len(b) && algebra::is_subset(vm, b, a)?,
    };
    Ok(vm.bool(holds))
}

fn equal(vm: &mut Vm, a: Value, b: Value) -> PyResult<bool> {
    let (hash_a, hash_b) = (cast::<Set>(a).hash.get(), cast::<Set>(b).hash.get());
    if len(a) != len(b) || hash_a != -1 && hash_b != -1 && hash_a != hash_b {
        return Ok(false);
    }
    algebra::is_subset(vm, a, b)
}

/// An empty set or frozenset of the type `ty`, exact or not.
pub(crate) fn empty_of(vm: &mut Vm, ty: TypeRef) -> Value {
    if ty == vm.types.set {
        return vm.new_set();
    }
    if ty == vm.types.frozenset {
        return vm.new_frozenset();
    }
    let set = vm.new_instance(ty);
    cast::<Set>(set).hash.set(-1);
    set
}
