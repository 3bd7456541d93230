//! Unpacking and merging.

use heap::Value;
use objects::builtin_layouts::Function;
use objects::error::{PyResult, Raised};
use objects::layout::cast;
use objects::shape::{Kind, is_exact};
use objects::value_vec::ValueVec;
use objects::vm::Vm;

/// A tuple of exactly `count` items of an iterable.
pub fn exactly(vm: &mut Vm, iterable: Value, count: usize) -> PyResult {
    let iterator = iterator_of(vm, iterable)?;
    let mut items = ValueVec::new();
    for taken in 0..count {
        match vm.next(iterator)? {
            Some(value) => items.push(vm, value),
            None => {
                let message = format!("not enough values to unpack (expected {count}, got {taken})");
                return Err(vm.value_error(message));
            }
        }
    }
    if vm.next(iterator)?.is_some() {
        // CPython says how many there were where it is cheap to know.
        let message = match vm.kind(iterable) {
            Kind::List | Kind::Tuple | Kind::Dict => {
                let len = vm.len(iterable)?;
                format!("too many values to unpack (expected {count}, got {len})")
            }
            _ => format!("too many values to unpack (expected {count})"),
        };
        return Err(vm.value_error(message));
    }
    Ok(vm.new_tuple(items.as_slice()))
}

/// A tuple of `before` items, a list of those between, and `after` items.
pub fn extended(vm: &mut Vm, iterable: Value, before: usize, after: usize) -> PyResult {
    let iterator = iterator_of(vm, iterable)?;
    let mut parts = ValueVec::new();
    for taken in 0..before {
        match vm.next(iterator)? {
            Some(value) => parts.push(vm, value),
            None => {
                let message =
                    format!("not enough values to unpack (expected at least {}, got {taken})", before + after);
                return Err(vm.value_error(message));
            }
        }
    }
    let rest = vm.new_list(&[]);
    while let Some(value) = vm.next(iterator)? {
        vm.list_append(rest, value);
    }
    let count = objects::list::items(rest).len();
    if count < after {
        let message =
            format!("not enough values to unpack (expected at least {}, got {})", before + after, before + count);
        return Err(vm.value_error(message));
    }
    let middle = vm.new_list(&objects::list::items(rest)[..count - after]);
    parts.push(vm, middle);
    for i in count - after..count {
        parts.push(vm, objects::list::items(rest)[i]);
    }
    Ok(vm.new_tuple(parts.as_slice()))
}

fn iterator_of(vm: &mut Vm, iterable: Value) -> PyResult {
    vm.iter(iterable).map_err(|raised| {
        if vm.is_not_iterable_error(raised, iterable) {
            let message = format!("cannot unpack non-iterable {} object", vm.type_of(iterable).name());
            return vm.type_error(message);
        }
        raised
    })
}

/// `[*iterable]`.
pub fn extend_list(vm: &mut Vm, list: Value, iterable: Value) -> PyResult<()> {
    let iterator = vm.iter(iterable).map_err(|raised| {
        if vm.is_not_iterable_error(raised, iterable) {
            let message = format!("Value after * must be an iterable, not {}", vm.type_of(iterable).name());
            return vm.type_error(message);
        }
        raised
    })?;
    let count = vm.length_hint(iterable, 0)?;
    vm.expect_values(count);
    while let Some(value) = vm.next(iterator)? {
        vm.list_append(list, value);
    }
    Ok(())
}

/// `{**mapping}`.
pub fn update_dict(vm: &mut Vm, dict: Value, mapping: Value) -> PyResult<()> {
    let keys = vm.intern("keys");
    if vm.getattr_opt(mapping, keys)?.is_none() {
        let message = format!("'{}' object is not a mapping", vm.type_of(mapping).name());
        return Err(vm.type_error(message));
    }
    vm.dict_update(dict, mapping)
}

/// `f(**mapping)`: like an update, but a key that is there already is an error.
pub fn merge_keywords(vm: &mut Vm, function: Value, dict: Value, mapping: Value) -> PyResult<()> {
    // Most often into an empty dict: then no key can be there already.
    if vm.dict_len(dict) == 0 && count_of_names(vm, mapping).is_some() {
        return vm.dict_update(dict, mapping);
    }
    let keys = vm.intern("keys");
    if vm.getattr_opt(mapping, keys)?.is_none() {
        let (name, kind) = (callable_name(vm, function)?, vm.type_of(mapping).name());
        return Err(vm.type_error(format!("{name} argument after ** must be a mapping, not {kind}")));
    }
    let keys = vm.call_method(mapping, "keys", &[])?;
    let iterator = vm.iter(keys)?;
    while let Some(key) = vm.next(iterator)? {
        if !vm.is_str(key) {
            return Err(vm.type_error("keywords must be strings"));
        }
        if vm.dict_get(dict, key)?.is_some() {
            let name = callable_name(vm, function)?;
            let key = vm.str(key)?.to_owned();
            return Err(vm.type_error(format!("{name} got multiple values for keyword argument '{key}'")));
        }
        let value = vm.getitem(mapping, key)?;
        vm.dict_set(dict, key, value)?;
    }
    Ok(())
}

/// How many entries `mapping` has, if it is a dict of the built-in kind whose keys are plain strs: going through it runs no Python code.
pub fn count_of_names(vm: &Vm, mapping: Value) -> Option<usize> {
    if !vm.is_plain_dict(mapping) {
        return None;
    }
    let (mut count, mut index) = (0, 0);
    while let Some((key, _)) = vm.dict_next(mapping, &mut index) {
        if !is_exact(key, Kind::Str) {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// How error messages name a callable: `module.qualname()`.
pub fn callable_name(vm: &mut Vm, callable: Value) -> Result<String, Raised> {
    if vm.kind(callable) == Kind::Function {
        let function = cast::<Function>(callable);
        let qualname = vm.str(function.qualname.get())?.to_owned();
        let module = function.module.get();
        if !module.is_null() && vm.is_str(module) {
            let module = vm.str(module)?;
            return Ok(format!("{module}.{qualname}()"));
        }
        return Ok(format!("{qualname}()"));
    }
    let name = vm.intern("__qualname__");
    match vm.getattr_opt(callable, name)? {
        Some(name) if vm.is_str(name) => Ok(format!("{}()", vm.str(name)?)),
        _ => {
            let text = vm.str_of(callable)?;
            Ok(vm.str(text)?.to_owned())
        }
    }
}
