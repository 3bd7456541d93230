//! Mapping and class patterns.

use heap::Value;
use objects::error::PyResult;
use objects::ty::{TypeRef, flags};
use objects::value_vec::ValueVec;
use objects::vm::Vm;

/// A tuple of the subject's values for `keys`, or None if one is missing.
pub fn keys(vm: &mut Vm, subject: Value, keys: Value) -> PyResult {
    let keys = objects::tuple::items(keys);
    let seen = vm.new_set();
    let mut values = ValueVec::new();
    let get = vm.getattr_str(subject, "get")?;
    // An object that no mapping holds, so that defaults and defaultdicts do not match.
    let absent = vm.call(vm.types.object.value(), &[])?;
    for key in keys {
        if vm.set_contains(seen, *key)? {
            let text = vm.repr(*key)?;
            let text = vm.text_of(text);
            return Err(vm.value_error(format!("mapping pattern checks duplicate key ({text})")));
        }
        vm.set_add(seen, *key)?;
        let value = vm.call(get, &[*key, absent])?;
        if value == absent {
            return Ok(vm.none);
        }
        values.push(vm, value);
    }
    Ok(vm.new_tuple(values.as_slice()))
}

/// A tuple of the subject's attributes for `count` positional sub-patterns and those of `names`, or None.
pub fn class(vm: &mut Vm, subject: Value, class: Value, count: usize, names: Value) -> PyResult {
    if !vm.type_of(class).has(flags::TYPE) {
        return Err(vm.type_error("called match pattern must be a class"));
    }
    if !vm.isinstance(subject, class)? {
        return Ok(vm.none);
    }
    let mut values = ValueVec::new();
    let seen = vm.new_set();
    if count > 0 {
        let class_name = TypeRef::from_value(class).name();
        let match_args = vm.intern("__match_args__");
        let match_args = vm.getattr_opt(class, match_args)?;
        let (allowed, itself) = match match_args {
            Some(tuple) if vm.type_of(tuple) == vm.types.tuple => (objects::tuple::items(tuple), false),
            Some(other) => {
                let kind = vm.type_of(other).name();
                return Err(vm.type_error(format!("{class_name}.__match_args__ must be a tuple (got {kind})")));
            }
            None => (&[][..], TypeRef::from_value(class).has(flags::MATCH_SELF)),
        };
        let limit = if itself { 1 } else { allowed.len() };
        if count > limit {
            let plural = if limit == 1 { "" } else { "s" };
            return Err(
                vm.type_error(format!("{class_name}() accepts {limit} positional sub-pattern{plural} ({count} given)"))
            );
        }
        if itself {
            values.push(vm, subject);
        } else {
            for name in &allowed[..count] {
                if !vm.is_str(*name) {
                    let kind = vm.type_of(*name).name();
                    return Err(vm.type_error(format!("__match_args__ elements must be strings (got {kind})")));
                }
                match attribute(vm, subject, class, seen, *name)? {
                    Some(value) => values.push(vm, value),
                    None => return Ok(vm.none),
                }
            }
        }
    }
    for name in objects::tuple::items(names) {
        match attribute(vm, subject, class, seen, *name)? {
            Some(value) => values.push(vm, value),
            None => return Ok(vm.none),
        }
    }
    Ok(vm.new_tuple(values.as_slice()))
}

fn attribute(vm: &mut Vm, subject: Value, class: Value, seen: Value, name: Value) -> PyResult<Option<Value>> {
    if vm.set_contains(seen, name)? {
        let (class, name) = (TypeRef::from_value(class).name(), vm.text_of(name));
        return Err(vm.type_error(format!("{class}() got multiple sub-patterns for attribute '{name}'")));
    }
    vm.set_add(seen, name)?;
    vm.getattr_opt(subject, name)
}
