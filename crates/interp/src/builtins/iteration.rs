//! Functions that go through iterables.

use crate::consuming::{self, Patience};
use heap::Value;
use objects::args::{CallArgs, Consumer, Intrinsic, MethodDef, Signature};
use objects::error::PyResult;
use objects::shape::Kind;
use objects::slots::CompareOp;
use objects::ty::flags;
use objects::vm::Vm;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("all", 1, 1, all).with_intrinsic(Intrinsic::Consumer(Consumer::All))
    .with_doc("all($module, iterable, /)\n--\n\nReturn True if bool(x) is True for all values x in the iterable.\n\nIf the iterable is empty, return True."),
    MethodDef::function("any", 1, 1, any).with_intrinsic(Intrinsic::Consumer(Consumer::Any))
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
    MethodDef::function("sorted", 1, 1, sorted).with_keywords().with_intrinsic(Intrinsic::Consumer(Consumer::Sorted))
    .with_doc("sorted($module, iterable, /, *, key=None, reverse=False)\n--\n\nReturn a new list containing all items from the iterable in ascending order.\n\nA custom key function can be supplied to customize the sort order, and the\nreverse flag can be set to request the result in descending order."),
    MethodDef::function("sum", 1, 2, sum).with_keywords().with_intrinsic(Intrinsic::Consumer(Consumer::Sum))
    .with_doc("sum($module, iterable, /, start=0)\n--\n\nReturn the sum of a 'start' value (default: 0) plus an iterable of numbers\n\nWhen the iterable is empty, return the start value.\nThis function is intended specifically for use with numeric values and\nmay reject non-numeric types."),
];

fn all(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let iterator = vm.iter(args.values[0])?;
    let mut patience = Patience::default();
    while let Some(value) = vm.next(iterator)? {
        if !vm.truth(value)? {
            return Ok(vm.false_);
        }
        if patience.is_over(vm, iterator)
            && let Some(result) = consuming::go_on(vm, Consumer::All, &[iterator, vm.none])
        {
            return result;
        }
    }
    Ok(vm.true_)
}

fn any(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let iterator = vm.iter(args.values[0])?;
    let mut patience = Patience::default();
    while let Some(value) = vm.next(iterator)? {
        if vm.truth(value)? {
            return Ok(vm.true_);
        }
        if patience.is_over(vm, iterator)
            && let Some(result) = consuming::go_on(vm, Consumer::Any, &[iterator, vm.none])
        {
            return result;
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

/// `sum`, in CPython's three ways, which follow each other: ints that fit a word; floats, or complex numbers, with compensated summation;
/// anything.
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
    let patience = &mut Patience::default();
    for phase in [sum_of_ints, sum_of_floats, sum_of_complex] {
        total = match phase(vm, iterator, total, patience)? {
            Sum::All(total) => return Ok(total),
            Sum::Until(total) => total,
        };
    }
    while let Some(value) = vm.next(iterator)? {
        total = vm.binary(0, total, value)?;
    }
    Ok(total)
}

/// What adding in one way came to.
enum Sum {
    All(Value),
    /// Something came that is added in another way; it has been. Or the sum before was not of the kind.
    Until(Value),
}

/// A sum of floats, and what got lost: Neumaier's algorithm.
struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.lost += if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    fn value(&self) -> f64 {
        if self.lost != 0.0 && self.lost.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

fn sum_of_ints(vm: &mut Vm, iterator: Value, total: Value, patience: &mut Patience) -> PyResult<Sum> {
    let word = |vm: &Vm, value: Value| {
        let is_int = value.is_int() || matches!(vm.kind(value), Kind::BigInt | Kind::Bool);
        if is_int { vm.as_i64(value) } else { None }
    };
    let Some(mut sum) = word(vm, total).filter(|_| vm.kind(total) != Kind::Bool) else { return Ok(Sum::Until(total)) };
    while let Some(value) = vm.next(iterator)? {
        match word(vm, value).and_then(|x| sum.checked_add(x)) {
            Some(more) => sum = more,
            None => {
                let total = vm.int(sum);
                return vm.binary(0, total, value).map(Sum::Until);
            }
        }
        if patience.is_over(vm, iterator) {
            let (total, lost) = (vm.int(sum), vm.float(0.0));
            if let Some(result) = consuming::go_on(vm, Consumer::Sum, &[iterator, total, lost]) {
                return result.map(Sum::All);
            }
        }
    }
    Ok(Sum::All(vm.int(sum)))
}

fn sum_of_floats(vm: &mut Vm, iterator: Value, total: Value, patience: &mut Patience) -> PyResult<Sum> {
    if vm.kind(total) != Kind::Float {
        return Ok(Sum::Until(total));
    }
    let mut sum = Compensated { sum: vm.as_f64(total).unwrap_or(0.0), lost: 0.0 };
    while let Some(value) = vm.next(iterator)? {
        if vm.kind(value) == Kind::Float {
            sum.add(vm.as_f64(value).unwrap_or(0.0));
        } else if vm.is_int(value) {
            sum.add(objects::int::int_to_f64(vm, value)?);
        } else {
            let total = vm.float(sum.value());
            return vm.binary(0, total, value).map(Sum::Until);
        }
        if patience.is_over(vm, iterator) {
            let (total, lost) = (vm.float(sum.sum), vm.float(sum.lost));
            if let Some(result) = consuming::go_on(vm, Consumer::Sum, &[iterator, total, lost]) {
                return result.map(Sum::All);
            }
        }
    }
    Ok(Sum::All(vm.float(sum.value())))
}

fn sum_of_complex(vm: &mut Vm, iterator: Value, total: Value, _: &mut Patience) -> PyResult<Sum> {
    if vm.kind(total) != Kind::Complex {
        return Ok(Sum::Until(total));
    }
    let (re, im) = vm.as_complex(total).unwrap_or_default();
    let (mut re, mut im) = (Compensated { sum: re, lost: 0.0 }, Compensated { sum: im, lost: 0.0 });
    while let Some(value) = vm.next(iterator)? {
        if vm.kind(value) == Kind::Complex {
            let (x, y) = vm.as_complex(value).unwrap_or_default();
            re.add(x);
            im.add(y);
        } else if vm.is_int(value) {
            re.add(objects::int::int_to_f64(vm, value)?);
        } else if vm.type_of(value).has(flags::FLOAT) {
            re.add(vm.as_f64(value).unwrap_or(0.0));
        } else {
            let total = vm.complex(re.value(), im.value());
            return vm.binary(0, total, value).map(Sum::Until);
        }
    }
    Ok(Sum::All(vm.complex(re.value(), im.value())))
}
