//! Assignment to and deletion of slices of a list.

use super::{items, len, replace_items, resize, sequence};
use crate::builtin_layouts::List;
use crate::error::PyResult;
use crate::layout::cast;
use crate::slice::{self, Picked};
use crate::value_vec::{self, ValueVec};
use crate::vm::Vm;
use heap::Value;

/// `del list[slice]`.
pub fn delete(vm: &mut Vm, list: Value, key: Value) -> PyResult<()> {
    let picked = slice::bounds(vm, key)?.of_len(len(list)).ascending();
    if picked.len == 0 {
        return Ok(());
    }
    if picked.step == 1 {
        splice(vm, list, picked.start as usize, picked.len, &[]);
        return Ok(());
    }
    let kept = len(list) - picked.len;
    let all = items(list);
    let array = value_vec::new_array(vm, kept);
    let mut next = 0;
    let mut from = 0;
    for i in 0..=picked.len {
        // The items up to the next one that goes.
        let to = if i < picked.len { picked.index(i) } else { all.len() };
        value_vec::copy_slice(vm, &all[from..to], array, next);
        next += to - from;
        from = to + 1;
    }
    replace_items(vm, list, ValueVec { array, len: kept });
    Ok(())
}

/// `list[slice] = iterable`.
pub fn assign(vm: &mut Vm, list: Value, key: Value, iterable: Value) -> PyResult<()> {
    let bounds = slice::bounds(vm, key)?;
    let values = match sequence::collect(vm, iterable) {
        Ok(values) => values,
        // CPython's words where the value is not iterable at all.
        Err(raised) if !is_iterable(vm, iterable) && vm.exception_matches(raised.0, vm.exc.type_error) => {
            return Err(vm.type_error("must assign iterable to extended slice"));
        }
        Err(raised) => return Err(raised),
    };
    // The iterable may have changed the list.
    let picked = bounds.of_len(len(list));
    if picked.step == 1 {
        splice(vm, list, picked.start as usize, picked.len, values.as_slice());
        return Ok(());
    }
    if values.len != picked.len {
        return Err(vm.value_error(format!(
            "attempt to assign sequence of size {} to extended slice of size {}",
            values.len, picked.len
        )));
    }
    store(vm, list, &picked, values);
    Ok(())
}

fn is_iterable(vm: &Vm, value: Value) -> bool {
    let slots = vm.type_of(value).slots();
    slots.iter.is_some() || slots.getitem.is_some()
}

fn store(vm: &mut Vm, list: Value, picked: &Picked, values: ValueVec) {
    let array = cast::<List>(list).items.get();
    for i in 0..picked.len {
        value_vec::array_set(vm, array, picked.index(i), values.get(i));
    }
}

/// Replaces `count` items from `start` on by `values`, which do not lie in the list's array.
pub fn splice(vm: &mut Vm, list: Value, start: usize, count: usize, values: &[Value]) {
    let object = cast::<List>(list);
    let old_len = len(list);
    let new_len = old_len - count + values.len();
    let behind = start + count;
    if values.len() > count {
        resize(vm, list, new_len);
        let array = object.items.get();
        value_vec::copy_items(vm, array, behind, array, start + values.len(), old_len - behind);
    } else if values.len() < count {
        let array = object.items.get();
        value_vec::copy_items(vm, array, behind, array, start + values.len(), old_len - behind);
        resize(vm, list, new_len);
    }
    if !values.is_empty() {
        value_vec::copy_slice(vm, values, object.items.get(), start);
    }
}
