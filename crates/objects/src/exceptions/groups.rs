//! `BaseExceptionGroup` and `ExceptionGroup`, and what `except*` needs.

use crate::args::{CallArgs, MethodDef};
use crate::builtin_layouts::Exception;
use crate::error::PyResult;
use crate::exceptions::fields::{field, get, set};
use crate::exceptions::{base, is_exception, is_exception_class};
use crate::layout::cast;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::Value;

const MESSAGE: usize = 0;
const EXCEPTIONS: usize = 1;

pub(super) fn extend(spec: TypeSpec, is_base: bool) -> TypeSpec {
    if !is_base {
        return spec;
    }
    TypeSpec {
        slots: Slots { new: Some(new), init: Some(init), str: Some(str), repr: Some(repr), ..spec.slots },
        methods: const {
            &[
                MethodDef::method("derive", 2, 2, derive).with_doc("derive($self, excs, /)\n--\n\n"),
                MethodDef::method("split", 2, 2, |vm, args| {
                    let [matched, rest] = split(vm, args.values[0], args.values[1], true)?;
                    let parts = [matched, rest].map(|part| if part.is_null() { vm.none } else { part });
                    Ok(vm.new_tuple(&parts))
                })
                .with_doc("split($self, matcher_value, /)\n--\n\n"),
                MethodDef::method("subgroup", 2, 2, |vm, args| {
                    let [matched, _] = split(vm, args.values[0], args.values[1], false)?;
                    Ok(if matched.is_null() { vm.none } else { matched })
                })
                .with_doc("subgroup($self, matcher_value, /)\n--\n\n"),
                crate::generic_alias::CLASS_GETITEM,
            ]
        },
        getset: const { &[field!("message", 0), field!("exceptions", 1)] },
        ..spec
    }
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let name = ty.name();
    let positional = args.args();
    if positional.len() != 2 {
        let given = positional.len();
        return Err(vm.type_error(format!("BaseExceptionGroup.__new__() takes exactly 2 arguments ({given} given)")));
    }
    let (message, exceptions) = (positional[0], positional[1]);
    if !vm.is_str(message) {
        let given = vm.type_name(message);
        return Err(vm.type_error(format!("BaseExceptionGroup.__new__() argument 1 must be str, not {given}")));
    }
    if vm.type_of(exceptions).slots().getitem.is_none() || vm.type_of(exceptions).has(flags::DICT | flags::SET) {
        return Err(vm.type_error("second argument (exceptions) must be a sequence"));
    }
    let exceptions = vm.collect_tuple(exceptions)?;
    let items = crate::tuple::items(exceptions);
    if items.is_empty() {
        return Err(vm.value_error("second argument (exceptions) must be a non-empty sequence"));
    }
    let mut all_ordinary = true;
    for (i, &item) in items.iter().enumerate() {
        if !is_exception(vm, item) {
            return Err(vm.value_error(format!("Item {i} of second argument (exceptions) is not an exception")));
        }
        all_ordinary &= vm.exception_matches(item, vm.exc.exception);
    }
    let mut ty = ty;
    if ty == vm.exc.base_exception_group {
        if all_ordinary {
            ty = vm.exc.exception_group;
        }
    } else if !all_ordinary {
        if ty == vm.exc.exception_group {
            return Err(vm.type_error("Cannot nest BaseExceptions in an ExceptionGroup"));
        }
        if ty.is_subtype(vm.exc.exception) {
            return Err(vm.type_error(format!("Cannot nest BaseExceptions in '{name}'")));
        }
    }
    let group = base::new(vm, ty, args)?;
    set(vm, group, MESSAGE, message);
    set(vm, group, EXCEPTIONS, exceptions);
    Ok(group)
}

fn init(vm: &mut Vm, group: Value, args: &CallArgs) -> PyResult<()> {
    base::init(vm, group, args)
}

/// The exceptions of a group.
pub fn exceptions_of(group: Value) -> &'static [Value] {
    crate::tuple::items(get(group, EXCEPTIONS))
}

pub fn is_group(vm: &Vm, exception: Value) -> bool {
    vm.exception_matches(exception, vm.exc.base_exception_group)
}

fn str(vm: &mut Vm, group: Value) -> PyResult {
    let message = vm.str_text(get(group, MESSAGE))?;
    let count = exceptions_of(group).len();
    let plural = if count == 1 { "" } else { "s" };
    Ok(vm.new_str(&format!("{message} ({count} sub-exception{plural})")))
}

fn repr(vm: &mut Vm, group: Value) -> PyResult {
    let name = vm.type_name(group);
    let message = vm.repr_text(get(group, MESSAGE))?;
    // As the sequence that was given: a list unless it was a tuple.
    let args = base::args_of(vm, group);
    let given_tuple = crate::tuple::items(args).get(1).is_some_and(|&given| vm.type_of(given).has(flags::TUPLE));
    let exceptions = if given_tuple { get(group, EXCEPTIONS) } else { vm.new_list(exceptions_of(group)) };
    let exceptions = vm.repr_text(exceptions)?;
    Ok(vm.new_str(&format!("{name}({message}, {exceptions})")))
}

fn derive(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let message = get(args.values[0], MESSAGE);
    let class = vm.exc.base_exception_group.value();
    vm.call(class, &[message, args.values[1]])
}

/// A group like `group` with other exceptions; its traceback, cause, context and notes. NULL without exceptions.
fn derived(vm: &mut Vm, group: Value, exceptions: &ValueVec) -> PyResult {
    if exceptions.len == 0 {
        return Ok(Value::NULL);
    }
    let list = vm.new_list(exceptions.as_slice());
    let new = vm.call_method(group, "derive", &[list])?;
    if !is_exception(vm, new) || !is_group(vm, new) {
        return Err(vm.type_error("derive must return an instance of BaseExceptionGroup"));
    }
    let (from, to) = (cast::<Exception>(group), cast::<Exception>(new));
    vm.write(new, &to.traceback, from.traceback.get());
    vm.write(new, &to.context, from.context.get());
    vm.write(new, &to.cause, from.cause.get());
    to.suppress_context.set(from.suppress_context.get());
    let name = vm.names.__notes__;
    if let Some(notes) = vm.getattr_opt(group, name)?
        && vm.type_of(notes).has(flags::LIST | flags::TUPLE)
    {
        let copy = vm.collect_list(notes)?;
        vm.setattr(new, name, copy)?;
    }
    Ok(new)
}

/// How exceptions are chosen.
enum Condition {
    Classes(Value),
    Callable(Value),
    /// Those in this tuple, by identity.
    Instances(Value),
}

impl Condition {
    fn new(vm: &mut Vm, condition: Value) -> PyResult<Condition> {
        if is_exception_class(vm, condition) {
            return Ok(Condition::Classes(condition));
        }
        if vm.type_of(condition).has(flags::TUPLE) {
            let items = crate::tuple::items(condition);
            if !items.is_empty() && items.iter().all(|&item| is_exception_class(vm, item)) {
                return Ok(Condition::Classes(condition));
            }
        } else if vm.is_callable(condition) && !crate::type_::is_type(vm, condition) {
            return Ok(Condition::Callable(condition));
        }
        Err(vm.type_error("expected an exception type, a tuple of exception types, or a callable (other than a class)"))
    }

    fn holds(&self, vm: &mut Vm, exception: Value) -> PyResult<bool> {
        match *self {
            Condition::Classes(classes) => vm.isinstance(exception, classes),
            Condition::Callable(callable) => {
                let result = vm.call(callable, &[exception])?;
                vm.truth(result)
            }
            Condition::Instances(instances) => Ok(crate::tuple::items(instances).contains(&exception)),
        }
    }
}

/// What matches the condition and the rest; NULL for nothing.
pub fn split(vm: &mut Vm, group: Value, condition: Value, with_rest: bool) -> PyResult<[Value; 2]> {
    let condition = Condition::new(vm, condition)?;
    split_by(vm, group, &condition, with_rest)
}

fn split_by(vm: &mut Vm, group: Value, condition: &Condition, with_rest: bool) -> PyResult<[Value; 2]> {
    if condition.holds(vm, group)? {
        return Ok([group, Value::NULL]);
    }
    vm.guarded(" in exceptiongroup_split_recursive", |vm| {
        let (mut matched, mut rest) = (ValueVec::new(), ValueVec::new());
        for &exception in exceptions_of(group) {
            if is_group(vm, exception) {
                let [inner, inner_rest] = split_by(vm, exception, condition, with_rest)?;
                if !inner.is_null() {
                    matched.push(vm, inner);
                }
                if !inner_rest.is_null() {
                    rest.push(vm, inner_rest);
                }
            } else if condition.holds(vm, exception)? {
                matched.push(vm, exception);
            } else if with_rest {
                rest.push(vm, exception);
            }
        }
        let matched = derived(vm, group, &matched)?;
        let rest = if with_rest { derived(vm, group, &rest)? } else { Value::NULL };
        Ok([matched, rest])
    })
}

/// `except* types:`: what of `exception` it handles (wrapped in a group if it is none) and what is left; NULL for nothing.
pub fn match_star(vm: &mut Vm, exception: Value, classes: Value) -> PyResult<[Value; 2]> {
    if vm.isinstance(exception, classes)? {
        if is_group(vm, exception) {
            return Ok([exception, Value::NULL]);
        }
        let message = vm.empty_str;
        let one = vm.new_tuple(&[exception]);
        let class = vm.exc.base_exception_group.value();
        let group = vm.call(class, &[message, one])?;
        let traceback = super::traceback(exception);
        super::set_traceback(vm, group, traceback);
        return Ok([group, Value::NULL]);
    }
    if is_group(vm, exception) {
        let condition = Condition::Classes(classes);
        return split_by(vm, exception, &condition, true);
    }
    Ok([Value::NULL, exception])
}

/// What an `except*` statement raises in the end: `results` (a list) are the exceptions of its handlers and what none of them took, in
/// order, with None for what was handled. None: nothing.
pub fn prepare_reraise_star(vm: &mut Vm, original: Value, results: Value) -> PyResult {
    let items = crate::list::items(results);
    if !is_group(vm, original) {
        // A naked exception was wrapped; whatever is left is its rest or one raised.
        let left: Vec<usize> = (0..items.len()).filter(|&i| items[i] != vm.none).collect();
        return match left[..] {
            [] => Ok(vm.none),
            [one] => Ok(items[one]),
            _ => {
                let mut all = ValueVec::new();
                for i in left {
                    all.push(vm, items[i]);
                }
                new_group(vm, &all)
            }
        };
    }
    let (mut raised, mut reraised) = (ValueVec::new(), ValueVec::new());
    for &item in items {
        if item == vm.none {
            continue;
        }
        if is_same_metadata(item, original) { reraised.push(vm, item) } else { raised.push(vm, item) }
    }
    // Of what was raised again, the parts of the original in their places.
    let projected = projection(vm, original, &reraised)?;
    if raised.len == 0 {
        return Ok(if projected.is_null() { vm.none } else { projected });
    }
    if !projected.is_null() {
        raised.push(vm, projected);
    }
    if raised.len == 1 {
        return Ok(raised.get(0));
    }
    new_group(vm, &raised)
}

fn new_group(vm: &mut Vm, exceptions: &ValueVec) -> PyResult {
    let list = vm.new_list(exceptions.as_slice());
    let class = vm.exc.base_exception_group.value();
    let message = vm.empty_str;
    vm.call(class, &[message, list])
}

/// Whether a group is a part of the other, split off it.
fn is_same_metadata(a: Value, b: Value) -> bool {
    let (x, y) = (cast::<Exception>(a), cast::<Exception>(b));
    x.traceback.get() == y.traceback.get() && x.context.get() == y.context.get() && x.cause.get() == y.cause.get()
}

/// The part of `group` whose leaves are in any of `kept`; NULL: none.
fn projection(vm: &mut Vm, group: Value, kept: &ValueVec) -> PyResult {
    let mut leaves = ValueVec::new();
    for i in 0..kept.len {
        gather_leaves(vm, kept.get(i), &mut leaves);
    }
    let leaves = vm.new_tuple(leaves.as_slice());
    let [matched, _] = split_by(vm, group, &Condition::Instances(leaves), false)?;
    Ok(matched)
}

fn gather_leaves(vm: &mut Vm, exception: Value, leaves: &mut ValueVec) {
    if !is_group(vm, exception) {
        leaves.push(vm, exception);
        return;
    }
    for &inner in exceptions_of(exception) {
        gather_leaves(vm, inner, leaves);
    }
}
