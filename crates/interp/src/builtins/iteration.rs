//! Functions that go through iterables.

use heap::Value;
use objects::args::{CallArgs, Intrinsic, MethodDef, Signature};
use objects::error::PyResult;
use objects::slots::CompareOp;
use objects::vm::Vm;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("all", 1, 1, all)
    .with_doc("all($module, iterable, /)\n--\n\nReturn True if bool(x) is True for all values x in the iterable.\n\nIf the iterable is empty, return True."),
    MethodDef::function("any", 1, 1, any)
    .with_doc("any($module, iterable, /)\n--\n\nReturn True if bool(x) is True for any x in the iterable.\n\nIf the iterable is empty, return False."),
    MethodDef::function("iter", 1, 2, iter)
    .with_doc("iter(iterable) -> iterator\niter(callable, sentinel) -> iterator\n\nGet an iterator from an object.  In the first form, the argument must\nsupply its own iterator, or be a sequence.\nIn the second form, the callable is called until it returns the\nsentinel."),
    MethodDef::function("next", 1, 2, next)
    .with_doc("next(iterator[, default])\n\nReturn the next item from the iterator.  If default is given and the\niterator is exhausted, it is returned instead of raising StopIteration."),
    MethodDef::function("aiter", 1, 1, |vm, args| crate::anext::aiter(vm, args.values[0]))
    .with_doc("aiter($module, async_iterable, /)\n--\n\nReturn an AsyncIterator for an AsyncIterable object."),
    MethodDef::function("anext", 1, 2, |vm, args| crate::anext::anext(vm, args.values[0], args.get(1)))
    .with_doc("anext($module, aiterator, default=<unrepresentable>, /)\n--\n\nReturn the next item from the async iterator.\n\nIf default is given and the async iterator is exhausted,\nit is returned instead of raising StopAsyncIteration."),
    MethodDef::function("max", 0, objects::args::MANY, |vm, args| extreme(vm, args, "max", CompareOp::Gt))
        .with_keywords()
        .with_intrinsic(Intrinsic::Max).plain().with_doc("max(iterable, *[, default=obj, key=func]) -> value\nmax(arg1, arg2, *args, *[, key=func]) -> value\n\nWith a single iterable argument, return its biggest item. The\ndefault keyword-only argument specifies an object to return if\nthe provided iterable is empty.\nWith two or more positional arguments, return the largest argument."),
    MethodDef::function("min", 0, objects::args::MANY, |vm, args| extreme(vm, args, "min", CompareOp::Lt))
        .with_keywords()
        .with_intrinsic(Intrinsic::Min).plain().with_doc("min(iterable, *[, default=obj, key=func]) -> value\nmin(arg1, arg2, *args, *[, key=func]) -> value\n\nWith a single iterable argument, return its smallest item. The\ndefault keyword-only argument specifies an object to return if\nthe provided iterable is empty.\nWith two or more positional arguments, return the smallest argument."),
    MethodDef::function("sorted", 1, 1, sorted).with_keywords()
    .with_doc("sorted($module, iterable, /, *, key=None, reverse=False)\n--\n\nReturn a new list containing all items from the iterable in ascending order.\n\nA custom key function can be supplied to customize the sort order, and the\nreverse flag can be set to request the result in descending order."),
    MethodDef::function("sum", 1, 2, sum).with_keywords()
    .with_doc("sum($module, iterable, /, start=0)\n--\n\nReturn the sum of a 'start' value (default: 0) plus an iterable of numbers\n\nWhen the iterable is empty, return the start value.\nThis function is intended specifically for use with numeric values and\nmay reject non-numeric types."),
];

fn all(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let iterator = vm.iter(args.values[0])?;
    while let Some(value) = vm.next(iterator)? {
        if !vm.truth(value)? {
            return Ok(vm.false_);
        }
    }
    Ok(vm.true_)
}

fn any(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let iterator = vm.iter(args.values[0])?;
    while let Some(value) = vm.next(iterator)? {
        if vm.truth(value)? {
            return Ok(vm.true_);
        }
    }
    Ok(vm.false_)
}

fn iter(vm: &mut Vm, args: &CallArgs) -> PyResult {
    match args.get(1) {
        None => vm.iter(args.values[0]),
        Some(sentinel) => {
            if vm.type_of(args.values[0]).slots().call.is_none() {
                return Err(vm.type_error("iter(v, w): v must be callable"));
            }
            objects::iterators::callable_iterator(vm, args.values[0], sentinel)
        }
    }
}

fn next(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let iterator = args.values[0];
    if vm.type_of(iterator).slots().next.is_none() {
        let kind = vm.type_of(iterator).name();
        return Err(vm.type_error(format!("'{kind}' object is not an iterator")));
    }
    match vm.next_or_stop(iterator) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => match args.get(1) {
            Some(default) => Ok(default),
            None => Err(vm.stop_iteration(vm.none)),
        },
        Err(raised) if vm.exception_matches(raised.0, vm.exc.stop_iteration) => args.get(1).ok_or(raised),
        Err(raised) => Err(raised),
    }
}

/// `min` and `max`: of several arguments, or of one iterable.
fn extreme(vm: &mut Vm, args: &CallArgs, function: &str, better: CompareOp) -> PyResult {
    let (mut key, mut default) = (vm.none, Value::NULL);
    for (name, value) in args.keywords() {
        match vm.str_bytes(name) {
            b"key" => key = value,
            b"default" => default = value,
            _ => {
                let name = vm.text_of(name);
                let hint = objects::suggestions::hint(&name, ["key", "default"].into_iter());
                return Err(vm.type_error(format!("{function}() got an unexpected keyword argument '{name}'{hint}")));
            }
        }
    }
    let positional = args.args();
    let iterator = match positional {
        [] => return Err(vm.type_error(format!("{function} expected at least 1 argument, got 0"))),
        [iterable] => vm.iter(*iterable)?,
        several => {
            if !default.is_null() {
                return Err(vm.type_error(format!(
                    "Cannot specify a default for {function}() with multiple positional arguments"
                )));
            }
            let tuple = vm.new_tuple(several);
            vm.iter(tuple)?
        }
    };
    let mut best = Value::NULL;
    let mut best_key = Value::NULL;
    while let Some(value) = vm.next(iterator)? {
        let value_key = if key == vm.none { value } else { vm.call(key, &[value])? };
        let wins = if best.is_null() {
            true
        } else {
            let result = vm.compare(value_key, best_key, better)?;
            vm.truth(result)?
        };
        if wins {
            (best, best_key) = (value, value_key);
        }
    }
    if !best.is_null() {
        return Ok(best);
    }
    if default.is_null() {
        return Err(vm.value_error(format!("{function}() iterable argument is empty")));
    }
    Ok(default)
}

fn sorted(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let list = vm.collect_list(args.values[0])?;
    if args.values.len() == 1 {
        vm.list_sort(list, Value::NULL, false)?;
        return Ok(list);
    }
    let sort = vm.getattr_str(list, "sort")?;
    vm.call_kw(sort, &CallArgs { values: &args.values[1..], names: args.names })?;
    Ok(list)
}

/// `sum`: ints exactly, floats with compensated summation, as CPython since 3.12.
fn sum(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [iterable, start] = args.bind(
        vm,
        "sum",
        &Signature { parameters: ["iterable", "start"], skip: 0, positional_only: 1, max_positional: 2, required: 1 },
    )?;
    let mut total = if start.is_null() { Value::from_int(0) } else { start };
    if vm.is_str(total) {
        return Err(vm.type_error("sum() can't sum strings [use ''.join(seq) instead]"));
    }
    if vm.bytes_of(total).is_some() {
        return Err(vm.type_error("sum() can't sum bytes [use b''.join(seq) instead]"));
    }
    let iterator = vm.iter(iterable)?;
    while let Some(value) = vm.next(iterator)? {
        if is_float(vm, total) && (is_float(vm, value) || value.is_int()) {
            let (first, sum) = (vm.as_f64(total).unwrap_or(0.0), value);
            let (result, rest) = float_sum(vm, iterator, first, sum)?;
            total = vm.float(result);
            match rest {
                None => return Ok(total),
                Some(value) => {
                    total = vm.binary(0, total, value)?;
                    continue;
                }
            }
        }
        if total.is_int() && value.is_int() {
            let x = total.as_int() + value.as_int();
            total = if Value::int_fits(x) { Value::from_int(x) } else { vm.int(x) };
            continue;
        }
        total = vm.binary(0, total, value)?;
    }
    Ok(total)
}

fn is_float(vm: &Vm, value: Value) -> bool {
    vm.kind(value) == objects::shape::Kind::Float
}

/// Adds floats (and small ints) to `first` until something else comes, which is given back. Neumaier's algorithm.
fn float_sum(vm: &mut Vm, iterator: Value, first: f64, second: Value) -> PyResult<(f64, Option<Value>)> {
    let (mut sum, mut compensation) = (first, 0.0);
    let mut next = Some(second);
    let rest = loop {
        let Some(value) = next else { break None };
        if value.is_int() {
            sum += value.as_int() as f64;
        } else if is_float(vm, value) {
            let x = vm.as_f64(value).unwrap_or(0.0);
            let t = sum + x;
            compensation += if sum.abs() >= x.abs() { (sum - t) + x } else { (x - t) + sum };
            sum = t;
        } else {
            break Some(value);
        }
        next = vm.next(iterator)?;
    };
    if compensation != 0.0 && compensation.is_finite() {
        sum += compensation;
    }
    Ok((sum, rest))
}
