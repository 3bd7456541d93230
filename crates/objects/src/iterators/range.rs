//! Iterators over ranges: of words, and of ints of any size.

use crate::args::MethodDef;
use crate::builtin_layouts::RangeIterator;
use crate::error::PyResult;
use crate::iterators::{builtin_function, state_position};
use crate::layout;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;
use num_traits::Zero;

layout! {
    LongRangeIterator {
        next NEXT: Value;
        step STEP: Value, immutable;
        remaining REMAINING: Value;
    }
}

pub(super) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    let small = TypeSpec {
        flags: flags::NO_NEW,
        slots: Slots { iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
        methods: METHODS,
        ..TypeSpec::of::<RangeIterator>("range_iterator", Kind::RangeIterator)
    };
    let long = TypeSpec {
        flags: flags::NO_NEW,
        slots: Slots { iter: Some(|_, iterator| Ok(iterator)), next: Some(long_next), ..Slots::default() },
        methods: LONG_METHODS,
        ..TypeSpec::of::<LongRangeIterator>("longrange_iterator", Kind::Other)
    };
    vm.types.range_iterator = vm.new_builtin_type(small, object);
    vm.types.long_range_iterator = vm.new_builtin_type(long, object);
}

/// An iterator over `len` ints.
pub(crate) fn new_long(vm: &mut Vm, start: Value, step: Value, len: Value) -> Value {
    let value = vm.new_instance(vm.types.long_range_iterator);
    let iterator = cast::<LongRangeIterator>(value);
    iterator.next.set(start);
    iterator.step.set(step);
    iterator.remaining.set(len);
    value
}

fn next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<RangeIterator>(value);
    let remaining = iterator.remaining.get();
    if remaining <= 0 {
        return Ok(None);
    }
    let next = iterator.next.get();
    iterator.next.set(next.wrapping_add(iterator.step.get()));
    iterator.remaining.set(remaining - 1);
    Ok(Some(vm.int(next)))
}

fn long_next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<LongRangeIterator>(value);
    let remaining = vm.as_bigint(iterator.remaining.get()).expect("an int");
    if remaining.is_zero() {
        return Ok(None);
    }
    let next = iterator.next.get();
    advance(vm, value, 1.into());
    Ok(Some(next))
}

/// Steps `count` elements forward.
fn advance(vm: &mut Vm, value: Value, count: num_bigint::BigInt) {
    let iterator = cast::<LongRangeIterator>(value);
    let part = |value: Value| vm.as_bigint(value).expect("an int");
    let (next, step) = (part(iterator.next.get()), part(iterator.step.get()));
    let remaining = part(iterator.remaining.get()) - &count;
    let next = vm.int_from_big(&(next + step * count));
    vm.write(value, &iterator.next, next);
    let remaining = vm.int_from_big(&remaining);
    vm.write(value, &iterator.remaining, remaining);
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("__length_hint__", 1, 1, |vm, args| {
        Ok(vm.int(cast::<RangeIterator>(args.values[0]).remaining.get().max(0)))
    })
    .leaf()
    .with_doc("Private method returning an estimate of len(list(it))."),
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let iterator = cast::<RangeIterator>(args.values[0]);
        let (start, step) = (iterator.next.get() as i128, iterator.step.get() as i128);
        let stop = start + step * iterator.remaining.get().max(0) as i128;
        let parts = [start, stop, step].map(|part| vm.int_from_big(&part.into()));
        let range = vm.new_range(parts[0], parts[1], parts[2])?;
        let arguments = vm.new_tuple(&[range]);
        let iter = builtin_function(vm, "iter");
        Ok(vm.new_tuple(&[iter, arguments, vm.none]))
    })
    .leaf()
    .with_doc("Return state information for pickling."),
    MethodDef::method("__setstate__", 2, 2, |vm, args| {
        let iterator = cast::<RangeIterator>(args.values[0]);
        if args.values[1] == vm.none {
            return Ok(vm.none);
        }
        let count = state_position(vm, args.values[1])?.clamp(0, iterator.remaining.get().max(0));
        iterator.next.set(iterator.next.get().wrapping_add(iterator.step.get().wrapping_mul(count)));
        iterator.remaining.set(iterator.remaining.get() - count);
        Ok(vm.none)
    })
    .leaf()
    .with_doc("Set state information for unpickling."),
];

static LONG_METHODS: &[MethodDef] = &[
    MethodDef::method("__length_hint__", 1, 1, |_, args| Ok(cast::<LongRangeIterator>(args.values[0]).remaining.get()))
        .leaf()
        .with_doc("Private method returning an estimate of len(list(it))."),
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let iterator = cast::<LongRangeIterator>(args.values[0]);
        let part = |value: Value| vm.as_bigint(value).expect("an int");
        let (next, step) = (part(iterator.next.get()), part(iterator.step.get()));
        let stop = next + step * part(iterator.remaining.get());
        let stop = vm.int_from_big(&stop);
        let range = vm.new_range(iterator.next.get(), stop, iterator.step.get())?;
        let arguments = vm.new_tuple(&[range]);
        let iter = builtin_function(vm, "iter");
        Ok(vm.new_tuple(&[iter, arguments, vm.none]))
    })
    .leaf(),
    MethodDef::method("__setstate__", 2, 2, |vm, args| {
        let iterator = cast::<LongRangeIterator>(args.values[0]);
        let Some(count) = vm.as_bigint(args.values[1]) else {
            let name = vm.type_name(args.values[1]);
            return Err(vm.type_error(format!("state must be an int, not {name}")));
        };
        let remaining = vm.as_bigint(iterator.remaining.get()).expect("an int");
        advance(vm, args.values[0], count.clamp(num_bigint::BigInt::zero(), remaining));
        Ok(vm.none)
    })
    .leaf(),
];
