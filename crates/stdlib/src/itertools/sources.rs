//! Iterators that make elements or string together those of others: `count`, `cycle`, `repeat`, `chain`, `accumulate`,
//! `starmap`.

use super::{iterator, two};
use crate::support::{add_type, is_absent, no_keywords, positional, signature};
use heap::Value;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::protocol::number::BinaryOp;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec};
use objects::vm::Vm;

layout! {
    Count {
        number NUMBER: Value;
        step STEP: Value;
    }

    Cycle {
        /// NULL when it is exhausted.
        iterator ITERATOR: Value;
        /// The elements so far, a list.
        saved SAVED: Value;
        index INDEX: i64;
    }

    Repeat {
        element ELEMENT: Value;
        /// How often still; negative: without end.
        remaining REMAINING: i64;
    }

    Chain {
        /// An iterator over the iterables; NULL at the end.
        sources SOURCES: Value;
        active ACTIVE: Value;
    }

    Accumulate {
        iterator ITERATOR: Value;
        /// NULL: addition.
        function FUNCTION: Value;
        /// NULL before the first element.
        total TOTAL: Value;
        /// Given out first, if not NULL.
        initial INITIAL: Value;
    }

    StarMap {
        function FUNCTION: Value;
        iterator ITERATOR: Value;
    }
}

pub(super) fn add_types(vm: &mut Vm, module: Value) {
    let spec = iterator::<Count>("count", new_count, count_next);
    let slots = Slots { repr: Some(count_repr), ..spec.slots };
    add_type(vm, module, TypeSpec { slots, doc: COUNT_DOC, ..spec });
    add_type(vm, module, TypeSpec { doc: CYCLE_DOC, ..iterator::<Cycle>("cycle", new_cycle, cycle_next) });
    let spec = iterator::<Repeat>("repeat", new_repeat, repeat_next);
    let slots = Slots { repr: Some(repeat_repr), ..spec.slots };
    add_type(vm, module, TypeSpec { slots, methods: REPEAT_METHODS, doc: REPEAT_DOC, ..spec });
    let spec = iterator::<Chain>("chain", new_chain, chain_next);
    add_type(vm, module, TypeSpec { methods: CHAIN_METHODS, doc: CHAIN_DOC, ..spec });
    let spec = iterator::<Accumulate>("accumulate", new_accumulate, accumulate_next);
    add_type(vm, module, TypeSpec { doc: ACCUMULATE_DOC, ..spec });
    add_type(vm, module, TypeSpec { doc: STARMAP_DOC, ..iterator::<StarMap>("starmap", new_starmap, starmap_next) });
}

const COUNT_DOC: &str = "count(start=0, step=1)\n--\n\nReturn a count object whose .__next__() method returns consecutive values.\n\nEquivalent to:\n    def count(firstval=0, step=1):\n        x = firstval\n        while 1:\n            yield x\n            x += step";
const CYCLE_DOC: &str = "cycle(iterable, /)\n--\n\nReturn elements from the iterable until it is exhausted. Then repeat the sequence indefinitely.";
const REPEAT_DOC: &str = "repeat(object [,times]) -> create an iterator which returns the object\nfor the specified number of times.  If not specified, returns the object\nendlessly.";
const CHAIN_DOC: &str = "chain(*iterables)\n--\n\nReturn a chain object whose .__next__() method returns elements from the\nfirst iterable until it is exhausted, then elements from the next\niterable, until all of the iterables are exhausted.";
const ACCUMULATE_DOC: &str = "accumulate(iterable, func=None, *, initial=None)\n--\n\nReturn series of accumulated sums (or other binary function results).";
const STARMAP_DOC: &str = "starmap(function, iterable, /)\n--\n\nReturn an iterator whose values are returned from the function evaluated with an argument tuple taken from the given sequence.";

fn new_count(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let [start, step] = args.bind(vm, "count", &signature(["start", "step"], 0))?;
    for value in [start, step] {
        if !value.is_null() && !is_number(vm, value)? {
            return Err(vm.type_error("a number is required"));
        }
    }
    let count = vm.new_instance(ty);
    let object = cast::<Count>(count);
    object.number.set(if start.is_null() { Value::from_int(0) } else { start });
    object.step.set(if step.is_null() { Value::from_int(1) } else { step });
    Ok(count)
}

fn is_number(vm: &mut Vm, value: Value) -> PyResult<bool> {
    let ty = vm.type_of(value);
    let slots = ty.slots();
    Ok(slots.int.is_some() || slots.float.is_some() || slots.index.is_some() || ty == vm.types.complex)
}

fn count_next(vm: &mut Vm, count: Value) -> PyResult<Option<Value>> {
    let object = cast::<Count>(count);
    let number = object.number.get();
    let following = vm.binary_op(BinaryOp::Add, number, object.step.get())?;
    vm.write(count, &object.number, following);
    Ok(Some(number))
}

fn count_repr(vm: &mut Vm, count: Value) -> PyResult {
    let object = cast::<Count>(count);
    let name = vm.type_name(count);
    let number = vm.repr_text(object.number.get())?;
    let step = object.step.get();
    let text = if step == Value::from_int(1) {
        format!("{name}({number})")
    } else {
        let step = vm.repr_text(step)?;
        format!("{name}({number}, {step})")
    };
    Ok(vm.new_str(&text))
}

fn new_cycle(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let iterable = positional(vm, ty, "cycle", args, 1, 1)?[0];
    let iterator = vm.iter(iterable)?;
    let saved = vm.new_list(&[]);
    let cycle = vm.new_instance(ty);
    let object = cast::<Cycle>(cycle);
    object.iterator.set(iterator);
    object.saved.set(saved);
    Ok(cycle)
}

fn cycle_next(vm: &mut Vm, cycle: Value) -> PyResult<Option<Value>> {
    let object = cast::<Cycle>(cycle);
    if !object.iterator.get().is_null() {
        if let Some(element) = vm.next(object.iterator.get())? {
            vm.list_append(object.saved.get(), element);
            return Ok(Some(element));
        }
        object.iterator.set(Value::NULL);
    }
    let saved = objects::list::items(object.saved.get());
    if saved.is_empty() {
        return Ok(None);
    }
    let index = object.index.get() as usize;
    object.index.set(((index + 1) % saved.len()) as i64);
    Ok(Some(saved[index]))
}

fn new_repeat(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let [element, times] = args.bind(vm, "repeat", &signature(["object", "times"], 1))?;
    let times = if times.is_null() { -1 } else { vm.index(times)?.max(0) };
    let repeat = vm.new_instance(ty);
    let object = cast::<Repeat>(repeat);
    object.element.set(element);
    object.remaining.set(times);
    Ok(repeat)
}

fn repeat_next(_: &mut Vm, repeat: Value) -> PyResult<Option<Value>> {
    let object = cast::<Repeat>(repeat);
    let remaining = object.remaining.get();
    if remaining == 0 {
        return Ok(None);
    }
    if remaining > 0 {
        object.remaining.set(remaining - 1);
    }
    Ok(Some(object.element.get()))
}

fn repeat_repr(vm: &mut Vm, repeat: Value) -> PyResult {
    let object = cast::<Repeat>(repeat);
    let name = vm.type_name(repeat);
    let element = vm.repr_text(object.element.get())?;
    let remaining = object.remaining.get();
    let text = if remaining < 0 { format!("{name}({element})") } else { format!("{name}({element}, {remaining})") };
    Ok(vm.new_str(&text))
}

static REPEAT_METHODS: &[MethodDef] =
    &[MethodDef::method("__length_hint__", 1, 1, |vm, args| match cast::<Repeat>(args.values[0]).remaining.get() {
        ..0 => Err(vm.type_error("len() of unsized object")),
        remaining => Ok(vm.int(remaining)),
    })
    .with_doc("Private method returning an estimate of len(list(it)).")];

fn new_chain(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    no_keywords(vm, ty, "chain", args)?;
    let iterables = vm.new_tuple(args.args());
    chain_of(vm, ty, iterables)
}

fn chain_of(vm: &mut Vm, ty: TypeRef, iterables: Value) -> PyResult {
    let sources = vm.iter(iterables)?;
    let chain = vm.new_instance(ty);
    cast::<Chain>(chain).sources.set(sources);
    Ok(chain)
}

static CHAIN_METHODS: &[MethodDef] = &[
    MethodDef::class_method("from_iterable", 2, 2, |vm, args| {
        chain_of(vm, TypeRef::from_value(args.values[0]), args.values[1])
    })
    .with_doc("from_iterable($type, iterable, /)\n--\n\nAlternative chain() constructor taking a single iterable argument that evaluates lazily."),
    objects::generic_alias::CLASS_GETITEM,
];

fn chain_next(vm: &mut Vm, chain: Value) -> PyResult<Option<Value>> {
    let object = cast::<Chain>(chain);
    while !object.sources.get().is_null() {
        if object.active.get().is_null() {
            let source = match vm.next(object.sources.get()) {
                Ok(Some(source)) => vm.iter(source),
                Ok(None) => {
                    object.sources.set(Value::NULL);
                    return Ok(None);
                }
                Err(raised) => Err(raised),
            };
            match source {
                Ok(source) => vm.write(chain, &object.active, source),
                Err(raised) => {
                    object.sources.set(Value::NULL);
                    return Err(raised);
                }
            }
        }
        if let Some(element) = vm.next(object.active.get())? {
            return Ok(Some(element));
        }
        object.active.set(Value::NULL);
    }
    Ok(None)
}

fn new_accumulate(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let signature = Signature { max_positional: 2, ..signature(["iterable", "func", "initial"], 1) };
    let [iterable, function, initial] = args.bind(vm, "accumulate", &signature)?;
    let iterator = vm.iter(iterable)?;
    let accumulate = vm.new_instance(ty);
    let object = cast::<Accumulate>(accumulate);
    object.iterator.set(iterator);
    object.function.set(if is_absent(vm, function) { Value::NULL } else { function });
    object.initial.set(if is_absent(vm, initial) { Value::NULL } else { initial });
    Ok(accumulate)
}

fn accumulate_next(vm: &mut Vm, accumulate: Value) -> PyResult<Option<Value>> {
    let object = cast::<Accumulate>(accumulate);
    let initial = object.initial.get();
    if !initial.is_null() {
        object.initial.set(Value::NULL);
        vm.write(accumulate, &object.total, initial);
        return Ok(Some(initial));
    }
    let Some(element) = vm.next(object.iterator.get())? else { return Ok(None) };
    let (total, function) = (object.total.get(), object.function.get());
    let total = if total.is_null() {
        element
    } else if function.is_null() {
        vm.binary_op(BinaryOp::Add, total, element)?
    } else {
        vm.call(function, &[total, element])?
    };
    vm.write(accumulate, &object.total, total);
    Ok(Some(total))
}

fn new_starmap(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let (function, iterable) = two(vm, ty, "starmap", args)?;
    let iterator = vm.iter(iterable)?;
    let starmap = vm.new_instance(ty);
    let object = cast::<StarMap>(starmap);
    object.function.set(function);
    object.iterator.set(iterator);
    Ok(starmap)
}

fn starmap_next(vm: &mut Vm, starmap: Value) -> PyResult<Option<Value>> {
    let object = cast::<StarMap>(starmap);
    let Some(element) = vm.next(object.iterator.get())? else { return Ok(None) };
    let arguments = if objects::tuple::is_tuple(vm, element) { element } else { vm.collect_tuple(element)? };
    vm.call(object.function.get(), objects::tuple::items(arguments)).map(Some)
}
