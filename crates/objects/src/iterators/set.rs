//! Iterators over sets and frozensets.

use crate::args::MethodDef;
use crate::builtin_layouts::Set;
use crate::error::PyResult;
use crate::iterators::reduced;
use crate::layout;
use crate::layout::cast;
use crate::set::table;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeSpec, flags};
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::Value;

layout! {
    SetIterator {
        /// NULL when exhausted.
        set SET: Value;
        /// The next entry to look at.
        position POSITION: i64;
        /// The set's size at the start; -1 after a change was reported.
        used USED: i64;
        remaining REMAINING: i64;
    }
}

pub(super) fn init(vm: &mut Vm) {
    let spec = TypeSpec {
        flags: flags::NO_NEW | flags::LEAF_ITERATOR,
        slots: Slots { iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
        methods: METHODS,
        ..TypeSpec::of::<SetIterator>("set_iterator", Kind::Other)
    };
    vm.types.set_iterator = vm.new_builtin_type(spec, vm.types.object);
}

pub fn set_iter(vm: &mut Vm, set: Value) -> PyResult {
    let value = vm.new_instance(vm.types.set_iterator);
    let iterator = cast::<SetIterator>(value);
    let used = cast::<Set>(set).used.get();
    iterator.set.set(set);
    iterator.used.set(used);
    iterator.remaining.set(used);
    Ok(value)
}

fn next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<SetIterator>(value);
    if iterator.set.get().is_null() {
        return Ok(None);
    }
    let set = cast::<Set>(iterator.set.get());
    if set.used.get() != iterator.used.get() {
        iterator.used.set(-1);
        return Err(vm.runtime_error("Set changed size during iteration"));
    }
    let Some(index) = table::next_live(set, iterator.position.get() as usize) else {
        iterator.set.set(Value::NULL);
        return Ok(None);
    };
    iterator.position.set(index as i64 + 1);
    iterator.remaining.set(iterator.remaining.get() - 1);
    Ok(Some(table::key_at(set, index)))
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("__length_hint__", 1, 1, |_, args| {
        let iterator = cast::<SetIterator>(args.values[0]);
        let set = iterator.set.get();
        let unchanged = !set.is_null() && cast::<Set>(set).used.get() == iterator.used.get();
        Ok(Value::from_int(if unchanged { iterator.remaining.get() } else { 0 }))
    })
    .leaf()
    .with_doc("Private method returning an estimate of len(list(it))."),
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let iterator = cast::<SetIterator>(args.values[0]);
        let mut rest = ValueVec::new();
        if !iterator.set.get().is_null() {
            let set = cast::<Set>(iterator.set.get());
            if set.used.get() != iterator.used.get() {
                return Err(vm.runtime_error("Set changed size during iteration"));
            }
            let mut at = iterator.position.get() as usize;
            while let Some(index) = table::next_live(set, at) {
                at = index + 1;
                rest.push(vm, table::key_at(set, index));
            }
        }
        let list = vm.list_from(rest);
        reduced(vm, "iter", list, None)
    })
    .leaf()
    .with_doc("Return state information for pickling."),
];
