//! `frozenset`: a set that does not change and has a hash.

use crate::args::CallArgs;
use crate::arity;
use crate::builtin_layouts::Set;
use crate::dict::cached_hash;
use crate::error::PyResult;
use crate::layout::cast;
use crate::set;
use crate::set::table;
use crate::shape::{self, Kind};
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

pub(crate) fn init(vm: &mut Vm) {
    vm.types.frozenset = vm.new_builtin_type(spec(), vm.types.object);
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::SET | flags::MATCH_SELF,
        slots: Slots { new: Some(new), hash: Some(hash), ..set::shared_slots() },
        methods: set::methods::FROZENSET_METHODS,
        doc: "Build an immutable unordered collection of unique elements.",
        ..TypeSpec::of::<Set>("frozenset", Kind::FrozenSet)
    }
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    arity::no_keywords_unless_derived(vm, vm.types.frozenset, ty, args)?;
    arity::positional_count(vm, "frozenset", args.args(), 0, 1)?;
    let iterable = args.get(0);
    if let Some(iterable) = iterable
        && ty == vm.types.frozenset
        && shape::is_exact(iterable, Kind::FrozenSet)
    {
        return Ok(iterable);
    }
    let set = set::empty_of(vm, ty);
    if let Some(iterable) = iterable {
        set::algebra::update(vm, set, iterable)?;
    }
    Ok(set)
}

/// CPython's hash: independent of order, so that equal sets have equal hashes. The table keeps hashes without their top bit,
/// so each element is asked again; strs, tuples and frozensets know theirs.
fn hash(vm: &mut Vm, value: Value) -> PyResult<i64> {
    let set = cast::<Set>(value);
    if set.hash.get() != -1 {
        return Ok(set.hash.get());
    }
    let mut hash = 0u64;
    let mut at = 0;
    while let Some(index) = table::next_live(set, at) {
        at = index + 1;
        let element = table::key_at(set, index);
        let bits = match cached_hash(element) {
            Some(hash) => hash,
            None => vm.guarded("", |vm| vm.hash(element))?,
        } as u64;
        hash ^= ((bits ^ 89869747) ^ (bits << 16)).wrapping_mul(3644798167);
    }
    hash ^= (set.used.get() as u64).wrapping_add(1).wrapping_mul(1927868237);
    hash ^= (hash >> 11) ^ (hash >> 25);
    hash = hash.wrapping_mul(69069).wrapping_add(907133923);
    let hash = if hash == u64::MAX { 590923713 } else { hash as i64 };
    set.hash.set(hash);
    Ok(hash)
}
