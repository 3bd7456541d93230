//! `raise`, `except` and what they share.

use crate::slots;
use heap::Value;
use objects::builtin_layouts::Exception;
use objects::error::PyResult;
use objects::layout::cast;
use objects::ty::{TypeRef, flags};
use objects::vm::Vm;

/// `raise exception from cause`: the instance to raise, its context and cause set.
pub fn make(vm: &mut Vm, exception: Value, cause: Value, handled: Value) -> PyResult {
    let instance = if is_exception_class(vm, exception) {
        instantiate(vm, exception)?
    } else if is_exception(vm, exception) {
        exception
    } else {
        return Err(vm.type_error("exceptions must derive from BaseException"));
    };
    if !cause.is_null() {
        let cause = if is_exception_class(vm, cause) {
            instantiate(vm, cause)?
        } else if is_exception(vm, cause) || cause == vm.none {
            cause
        } else {
            return Err(vm.type_error("exception causes must derive from BaseException"));
        };
        let object = cast::<Exception>(instance);
        let cause = if cause == vm.none { Value::NULL } else { cause };
        vm.write(instance, &object.cause, cause);
        object.suppress_context.set(1);
    }
    let handled = handled_exception(vm, handled);
    objects::exceptions::set_context(vm, instance, handled);
    Ok(instance)
}

fn instantiate(vm: &mut Vm, class: Value) -> PyResult {
    let instance = vm.call(class, &[])?;
    if is_exception(vm, instance) {
        return Ok(instance);
    }
    let kind = vm.type_of(instance).value();
    let (class, kind) = (vm.repr_text(class)?, vm.repr_text(kind)?);
    Err(vm.type_error(format!("calling {class} should have returned an instance of BaseException, not {kind}")))
}

/// The exception being handled: `own` if the frame handles one itself, else the nearest caller's; NULL if none.
pub fn handled_exception(vm: &mut Vm, own: Value) -> Value {
    if !own.is_null() {
        return own;
    }
    // Reading leaves compiled callers as they are; only an exception that they have not made forces them.
    let mut unmade = false;
    for view in vm.thread.frames() {
        match view.slot(slots::HANDLED) {
            Some(handled) if handled.is_null() => {}
            Some(handled) => return handled,
            None => {
                unmade = true;
                break;
            }
        }
    }
    if !unmade {
        return Value::NULL;
    }
    vm.thread
        .records()
        // SAFETY: records of live frames; their slots are valid.
        .map(|record| unsafe { *(*record).slots.add(slots::HANDLED) })
        .find(|handled| !handled.is_null())
        .unwrap_or(Value::NULL)
}

pub fn is_exception(vm: &Vm, value: Value) -> bool {
    vm.type_of(value).has(flags::EXCEPTION)
}

pub fn is_exception_class(vm: &Vm, value: Value) -> bool {
    vm.type_of(value).has(flags::TYPE) && TypeRef::from_value(value).has(flags::EXCEPTION)
}

/// Whether `except class` catches the exception.
pub fn matches(vm: &mut Vm, exception: Value, class: Value) -> PyResult<bool> {
    check_catchable(vm, class)?;
    Ok(catches(vm, exception, class))
}

fn catches(vm: &Vm, exception: Value, class: Value) -> bool {
    if vm.type_of(class).has(flags::TUPLE) {
        return objects::tuple::items(class).iter().any(|class| catches(vm, exception, *class));
    }
    vm.exception_matches(exception, TypeRef::from_value(class))
}

fn check_catchable(vm: &mut Vm, class: Value) -> PyResult<()> {
    let catchable = if vm.type_of(class).has(flags::TUPLE) {
        objects::tuple::items(class).iter().all(|class| is_exception_class(vm, *class))
    } else {
        is_exception_class(vm, class)
    };
    if catchable {
        return Ok(());
    }
    Err(vm.type_error("catching classes that do not inherit from BaseException is not allowed"))
}

/// `except* class`: a tuple of what is left and what matched, None for nothing.
pub fn group_matches(vm: &mut Vm, exception: Value, class: Value) -> PyResult {
    check_catchable(vm, class)?;
    let group_base = vm.exc.base_exception_group;
    let classes = if vm.type_of(class).has(flags::TUPLE) { objects::tuple::items(class) } else { &[class] };
    if classes.iter().any(|class| TypeRef::from_value(*class).is_subtype(group_base)) {
        return Err(vm.type_error("catching ExceptionGroup with except* is not allowed. Use except instead."));
    }
    let none = vm.none;
    if exception == none {
        return Ok(vm.new_tuple(&[none, none]));
    }
    if catches(vm, exception, class) {
        let matched = if vm.exception_matches(exception, group_base) {
            exception
        } else {
            // A naked exception is wrapped, so that the handler sees a group.
            let text = vm.empty_str;
            let inner = vm.new_tuple(&[exception]);
            let group = vm.call(vm.exc.exception_group.value(), &[text, inner])?;
            let traceback = cast::<Exception>(exception).traceback.get();
            let object = cast::<Exception>(group);
            vm.write(group, &object.traceback, traceback);
            group
        };
        return Ok(vm.new_tuple(&[none, matched]));
    }
    if vm.exception_matches(exception, group_base) {
        let pair = vm.call_method(exception, "split", &[class])?;
        if !vm.type_of(pair).has(flags::TUPLE) || objects::tuple::items(pair).len() < 2 {
            let kind = vm.type_of(exception).name();
            return Err(vm.type_error(format!("{kind}.split must return a 2-tuple")));
        }
        let (matched, rest) = (objects::tuple::items(pair)[0], objects::tuple::items(pair)[1]);
        return Ok(vm.new_tuple(&[rest, matched]));
    }
    Ok(vm.new_tuple(&[exception, none]))
}
