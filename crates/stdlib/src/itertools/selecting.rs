//! Iterators that let some elements through: `compress`, `dropwhile`, `takewhile`, `filterfalse`, `islice`.

use super::{iterator, two};
use crate::support::{add_type, positional, signature};
use heap::Value;
use objects::args::CallArgs;
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::ty::{TypeRef, TypeSpec};
use objects::vm::Vm;

layout! {
    Compress {
        data DATA: Value;
        selectors SELECTORS: Value;
    }

    /// `dropwhile`, `takewhile`, `filterfalse`.
    Selecting {
        predicate PREDICATE: Value;
        iterator ITERATOR: Value;
        /// dropwhile: the first element was let through; takewhile: the last one was.
        turned TURNED: i64;
    }

    Islice {
        /// NULL at the end.
        iterator ITERATOR: Value;
        /// The index of the next element to let through, and of the next to come.
        next NEXT: i64;
        count COUNT: i64;
        /// Negative: none.
        stop STOP: i64;
        step STEP: i64;
    }
}

pub(super) fn add_types(vm: &mut Vm, module: Value) {
    let types = [
        TypeSpec {
            doc: "compress(data, selectors)\n--\n\nReturn data elements corresponding to true selector elements.\n\nForms a shorter iterator from selected data elements using the selectors to\nchoose the data elements.",
            ..iterator::<Compress>("compress", new_compress, compress_next)
        },
        TypeSpec {
            doc: "dropwhile(predicate, iterable, /)\n--\n\nDrop items from the iterable while predicate(item) is true.\n\nAfterwards, return every element until the iterable is exhausted.",
            ..iterator::<Selecting>(
                "dropwhile",
                |vm, ty, args| new_selecting(vm, ty, "dropwhile", args),
                dropwhile_next,
            )
        },
        TypeSpec {
            doc: "takewhile(predicate, iterable, /)\n--\n\nReturn successive entries from an iterable as long as the predicate evaluates to true for each entry.",
            ..iterator::<Selecting>(
                "takewhile",
                |vm, ty, args| new_selecting(vm, ty, "takewhile", args),
                takewhile_next,
            )
        },
        TypeSpec {
            doc: "filterfalse(function, iterable, /)\n--\n\nReturn those items of iterable for which function(item) is false.\n\nIf function is None, return the items that are false.",
            ..iterator::<Selecting>(
                "filterfalse",
                |vm, ty, args| new_selecting(vm, ty, "filterfalse", args),
                filterfalse_next,
            )
        },
        TypeSpec {
            doc: "islice(iterable, stop) --> islice object\nislice(iterable, start, stop[, step]) --> islice object\n\nReturn an iterator whose next() method returns selected values from an\niterable.  If start is specified, will skip all preceding elements;\notherwise, start defaults to zero.  Step defaults to one.  If\nspecified as another value, step determines how many values are\nskipped between successive calls.  Works like a slice() on a list\nbut returns an iterator.",
            ..iterator::<Islice>("islice", new_islice, islice_next)
        },
    ];
    for spec in types {
        add_type(vm, module, spec);
    }
}

fn new_compress(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let [data, selectors] = args.bind(vm, "compress", &signature(["data", "selectors"], 2))?;
    let data = vm.iter(data)?;
    let selectors = vm.iter(selectors)?;
    let compress = vm.new_instance(ty);
    let object = cast::<Compress>(compress);
    object.data.set(data);
    object.selectors.set(selectors);
    Ok(compress)
}

fn compress_next(vm: &mut Vm, compress: Value) -> PyResult<Option<Value>> {
    let object = cast::<Compress>(compress);
    loop {
        let Some(element) = vm.next(object.data.get())? else { return Ok(None) };
        let Some(selector) = vm.next(object.selectors.get())? else { return Ok(None) };
        if vm.truth(selector)? {
            return Ok(Some(element));
        }
    }
}

fn new_selecting(vm: &mut Vm, ty: TypeRef, name: &str, args: &CallArgs) -> PyResult {
    let (predicate, iterable) = two(vm, ty, name, args)?;
    let iterator = vm.iter(iterable)?;
    let selecting = vm.new_instance(ty);
    let object = cast::<Selecting>(selecting);
    object.predicate.set(predicate);
    object.iterator.set(iterator);
    Ok(selecting)
}

fn holds(vm: &mut Vm, predicate: Value, element: Value) -> PyResult<bool> {
    let answer = vm.call(predicate, &[element])?;
    vm.truth(answer)
}

fn dropwhile_next(vm: &mut Vm, dropwhile: Value) -> PyResult<Option<Value>> {
    let object = cast::<Selecting>(dropwhile);
    loop {
        let Some(element) = vm.next(object.iterator.get())? else { return Ok(None) };
        if object.turned.get() != 0 {
            return Ok(Some(element));
        }
        if !holds(vm, object.predicate.get(), element)? {
            object.turned.set(1);
            return Ok(Some(element));
        }
    }
}

fn takewhile_next(vm: &mut Vm, takewhile: Value) -> PyResult<Option<Value>> {
    let object = cast::<Selecting>(takewhile);
    if object.turned.get() != 0 {
        return Ok(None);
    }
    let Some(element) = vm.next(object.iterator.get())? else { return Ok(None) };
    if holds(vm, object.predicate.get(), element)? {
        return Ok(Some(element));
    }
    object.turned.set(1);
    Ok(None)
}

fn filterfalse_next(vm: &mut Vm, filterfalse: Value) -> PyResult<Option<Value>> {
    let object = cast::<Selecting>(filterfalse);
    loop {
        let Some(element) = vm.next(object.iterator.get())? else { return Ok(None) };
        let predicate = object.predicate.get();
        let truth = if predicate == vm.none || predicate == vm.types.bool_.value() {
            vm.truth(element)?
        } else {
            holds(vm, predicate, element)?
        };
        if !truth {
            return Ok(Some(element));
        }
    }
}

fn new_islice(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let values = positional(vm, ty, "islice", args, 2, 4)?;
    let (start, stop, step) = match *values {
        [_, stop] => (vm.none, stop, vm.none),
        [_, start, stop] => (start, stop, vm.none),
        _ => (values[1], values[2], values[3]),
    };
    const RANGE: &str = "must be None or an integer: 0 <= x <= sys.maxsize.";
    let what = if values.len() == 2 { "Stop argument for islice()" } else { "Indices for islice()" };
    let stop_number = bound(
        vm,
        stop,
        -1,
        &if values.len() == 2 { format!("{what} {RANGE}") } else { format!("Stop argument for islice() {RANGE}") },
    )?;
    let start = bound(vm, start, 0, &format!("{what} {RANGE}"))?;
    let step = match bound(vm, step, 1, "Step for islice() must be a positive integer or None.")? {
        0 => return Err(vm.value_error("Step for islice() must be a positive integer or None.")),
        step => step,
    };
    let iterator = vm.iter(values[0])?;
    let islice = vm.new_instance(ty);
    let object = cast::<Islice>(islice);
    object.iterator.set(iterator);
    object.next.set(start);
    object.stop.set(stop_number);
    object.step.set(step);
    Ok(islice)
}

/// None means `default`; anything else must be an index that is not negative.
fn bound(vm: &mut Vm, value: Value, default: i64, message: &str) -> PyResult<i64> {
    if value == vm.none {
        return Ok(default);
    }
    match vm.index(value) {
        Ok(number @ 0..) => Ok(number),
        _ => Err(vm.value_error(message)),
    }
}

fn islice_next(vm: &mut Vm, islice: Value) -> PyResult<Option<Value>> {
    let object = cast::<Islice>(islice);
    let iterator = object.iterator.get();
    if iterator.is_null() {
        return Ok(None);
    }
    let stop = object.stop.get();
    while object.count.get() < object.next.get() {
        if stop >= 0 && object.count.get() >= stop {
            break;
        }
        if vm.next(iterator)?.is_none() {
            object.iterator.set(Value::NULL);
            return Ok(None);
        }
        object.count.set(object.count.get() + 1);
    }
    if stop >= 0 && object.count.get() >= stop {
        object.iterator.set(Value::NULL);
        return Ok(None);
    }
    let Some(element) = vm.next(iterator)? else {
        object.iterator.set(Value::NULL);
        return Ok(None);
    };
    object.count.set(object.count.get() + 1);
    let next = object.next.get().saturating_add(object.step.get());
    object.next.set(if stop >= 0 { next.min(stop) } else { next });
    Ok(Some(element))
}
