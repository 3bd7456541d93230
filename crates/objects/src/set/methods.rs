//! The methods of `set` and `frozenset`.

use super::{algebra, frozen_key, is_set, table};
use crate::args::{CallArgs, MANY, MethodDef};
use crate::arity;
use crate::builtin_layouts::Set;
use crate::error::PyResult;
use crate::layout::cast;
use crate::shape::{self, Kind};
use crate::vm::Vm;
use heap::Value;

pub(crate) fn init_set(vm: &mut Vm, set: Value, args: &CallArgs) -> PyResult<()> {
    arity::no_keywords(vm, "set", args)?;
    arity::positional_count(vm, "set", args.args(), 0, 1)?;
    let object = cast::<Set>(set);
    object.hash.set(-1);
    if object.fill.get() != 0 {
        table::clear(object);
    }
    match args.get(0) {
        Some(iterable) => algebra::update(vm, set, iterable),
        None => Ok(()),
    }
}

const COPY: MethodDef = MethodDef::method("copy", 1, 1, |vm, args| {
    if shape::is_exact(args.values[0], Kind::FrozenSet) {
        Ok(args.values[0])
    } else {
        algebra::copy(vm, args.values[0])
    }
})
.leaf()
.with_doc("copy($self, /)\n--\n\nReturn a shallow copy of a set.");

const UNION: MethodDef = MethodDef::method("union", 1, MANY, |vm, args| {
    let result = algebra::copy(vm, args.values[0])?;
    for &other in &args.values[1..] {
        algebra::update(vm, result, other)?;
    }
    Ok(result)
})
.with_doc("union($self, /, *others)\n--\n\nReturn a new set with elements from the set and all others.");

const INTERSECTION: MethodDef = MethodDef::method("intersection", 1, MANY, intersection).with_doc(
    "intersection($self, /, *others)\n--\n\nReturn a new set with elements common to the set and all others.",
);

const DIFFERENCE: MethodDef = MethodDef::method("difference", 1, MANY, |vm, args| {
    let Some((&first, rest)) = args.values[1..].split_first() else { return algebra::copy(vm, args.values[0]) };
    let result = algebra::difference(vm, args.values[0], first)?;
    for &other in rest {
        algebra::difference_update(vm, result, other)?;
    }
    Ok(result)
})
.with_doc("difference($self, /, *others)\n--\n\nReturn a new set with elements in the set that are not in the others.");

const SYMMETRIC_DIFFERENCE: MethodDef = MethodDef::method("symmetric_difference", 2, 2, |vm, args| {
    algebra::symmetric_difference(vm, args.values[0], args.values[1])
})
.with_doc(
    "symmetric_difference($self, other, /)\n--\n\nReturn a new set with elements in either the set or other but not both.",
);

const ISDISJOINT: MethodDef = MethodDef::method("isdisjoint", 2, 2, |vm, args| {
    let disjoint = algebra::is_disjoint(vm, args.values[0], args.values[1])?;
    Ok(vm.bool(disjoint))
})
.with_doc("isdisjoint($self, other, /)\n--\n\nReturn True if two sets have a null intersection.");

const ISSUBSET: MethodDef = MethodDef::method("issubset", 2, 2, |vm, args| {
    let other = as_set(vm, args.values[1])?;
    let contained = algebra::is_subset(vm, args.values[0], other)?;
    Ok(vm.bool(contained))
})
.with_doc("issubset($self, other, /)\n--\n\nReport whether another set contains this set.");

const ISSUPERSET: MethodDef = MethodDef::method("issuperset", 2, 2, |vm, args| {
    let (set, other) = (args.values[0], args.values[1]);
    if is_set(vm, other) {
        let contained = algebra::is_subset(vm, other, set)?;
        return Ok(vm.bool(contained));
    }
    let iterator = vm.iter(other)?;
    while let Some(element) = vm.next(iterator)? {
        if !vm.set_contains(set, element)? {
            return Ok(vm.false_);
        }
    }
    Ok(vm.true_)
})
.with_doc("issuperset($self, other, /)\n--\n\nReport whether this set contains another set.");

const CONTAINS: MethodDef = MethodDef::method("__contains__", 2, 2, |vm, args| {
    let found = super::contains(vm, args.values[0], args.values[1])?;
    Ok(vm.bool(found))
})
.with_doc("__contains__($self, object, /)\n--\n\nx.__contains__(y) <==> y in x.");

const SIZEOF: MethodDef = MethodDef::method("__sizeof__", 1, 1, crate::object::sizeof)
    .leaf()
    .with_doc("__sizeof__($self, /)\n--\n\nS.__sizeof__() -> size of S in memory, in bytes.");

const REDUCE: MethodDef = MethodDef::method("__reduce__", 1, 1, |vm, args| {
    let set = args.values[0];
    let elements = vm.collect_list(set)?;
    let arguments = vm.new_tuple(&[elements]);
    let state = vm.call_method(set, "__getstate__", &[])?;
    let class = vm.type_of(set).value();
    Ok(vm.new_tuple(&[class, arguments, state]))
})
.with_doc("__reduce__($self, /)\n--\n\nReturn state information for pickling.");

const CLASS_GETITEM: MethodDef = MethodDef::class_method("__class_getitem__", 2, 2, crate::list::class_getitem)
    .with_doc("__class_getitem__($type, object, /)\n--\n\nSee PEP 585");

pub static FROZENSET_METHODS: &[MethodDef] = &[
    COPY,
    UNION,
    INTERSECTION,
    DIFFERENCE,
    SYMMETRIC_DIFFERENCE,
    ISDISJOINT,
    ISSUBSET,
    ISSUPERSET,
    CONTAINS,
    SIZEOF,
    REDUCE,
    CLASS_GETITEM,
];

pub static SET_METHODS: &[MethodDef] = &[
    COPY,
    UNION,
    INTERSECTION,
    DIFFERENCE,
    SYMMETRIC_DIFFERENCE,
    ISDISJOINT,
    ISSUBSET,
    ISSUPERSET,
    CONTAINS,
    SIZEOF,
    REDUCE,
    CLASS_GETITEM,
    MethodDef::method("add", 2, 2, |vm, args| {
        vm.set_add(args.values[0], args.values[1])?;
        Ok(vm.none)
    })
    .with_doc("add($self, object, /)\n--\n\nAdd an element to a set.\n\nThis has no effect if the element is already present."),
    MethodDef::method("clear", 1, 1, |vm, args| {
        table::clear(cast::<Set>(args.values[0]));
        Ok(vm.none)
    })
    .leaf()
    .with_doc("clear($self, /)\n--\n\nRemove all elements from this set."),
    MethodDef::method("discard", 2, 2, |vm, args| {
        discard(vm, args.values[0], args.values[1])?;
        Ok(vm.none)
    })
    .with_doc(
        "discard($self, object, /)\n--\n\nRemove an element from a set if it is a member.\n\n\
         Unlike set.remove(), the discard() method does not raise\nan exception when an element is missing from the set.",
    ),
    MethodDef::method("remove", 2, 2, |vm, args| {
        if discard(vm, args.values[0], args.values[1])? { Ok(vm.none) } else { Err(vm.key_error(args.values[1])) }
    })
    .with_doc(
        "remove($self, object, /)\n--\n\nRemove an element from a set; it must be a member.\n\n\
         If the element is not a member, raise a KeyError.",
    ),
    MethodDef::method("pop", 1, 1, pop).leaf().with_doc(
        "pop($self, /)\n--\n\nRemove and return an arbitrary set element.\n\nRaises KeyError if the set is empty.",
    ),
    MethodDef::method("update", 1, MANY, |vm, args| {
        for &other in &args.values[1..] {
            algebra::update(vm, args.values[0], other)?;
        }
        Ok(vm.none)
    })
    .with_doc("update($self, /, *others)\n--\n\nUpdate the set, adding elements from all others."),
    MethodDef::method("intersection_update", 1, MANY, |vm, args| {
        let result = intersection(vm, args)?;
        algebra::take_over(vm, args.values[0], result);
        Ok(vm.none)
    })
    .with_doc(
        "intersection_update($self, /, *others)\n--\n\nUpdate the set, keeping only elements found in it and all others.",
    ),
    MethodDef::method("difference_update", 1, MANY, |vm, args| {
        for &other in &args.values[1..] {
            algebra::difference_update(vm, args.values[0], other)?;
        }
        Ok(vm.none)
    })
    .with_doc("difference_update($self, /, *others)\n--\n\nUpdate the set, removing elements found in others."),
    MethodDef::method("symmetric_difference_update", 2, 2, |vm, args| {
        algebra::symmetric_difference_update(vm, args.values[0], args.values[1])?;
        Ok(vm.none)
    })
    .with_doc(
        "symmetric_difference_update($self, other, /)\n--\n\n\
         Update the set, keeping only elements found in either set, but not in both.",
    ),
];

fn intersection(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let mut result = args.values[0];
    for &other in &args.values[1..] {
        result = algebra::intersection(vm, result, other)?;
    }
    // Never the set itself.
    if args.values.len() == 1 { algebra::copy(vm, result) } else { Ok(result) }
}

fn as_set(vm: &mut Vm, iterable: Value) -> PyResult {
    if is_set(vm, iterable) {
        return Ok(iterable);
    }
    let set = vm.new_set();
    algebra::update(vm, set, iterable)?;
    Ok(set)
}

fn discard(vm: &mut Vm, set: Value, element: Value) -> PyResult<bool> {
    match vm.set_discard(set, element) {
        Err(raised) => match frozen_key(vm, element, raised)? {
            Some(frozen) => vm.set_discard(set, frozen),
            None => Err(raised),
        },
        found => found,
    }
}

fn pop(vm: &mut Vm, args: &CallArgs) -> PyResult {
    match table::pop(cast::<Set>(args.values[0])) {
        Some(element) => Ok(element),
        None => {
            let message = vm.new_str("pop from an empty set");
            Err(vm.key_error(message))
        }
    }
}
