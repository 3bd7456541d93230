//! `memoryview.cast`: from or to bytes, from one dimension to several and back.

use super::{MemoryView, derive, is_contiguous, item, memory};
use crate::args::{CallArgs, Signature};
use crate::error::PyResult;
use crate::layout::cast;
use crate::vm::Vm;
use heap::Value;

const MOST_DIMENSIONS: usize = 64;

pub(super) fn view_as(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> =
        Signature { parameters: ["format", "shape"], skip: 1, positional_only: 0, max_positional: 2, required: 1 };
    let [format, shape] = args.bind(vm, "cast", &PARAMETERS)?;
    let value = args.values[0];
    memory(vm, value)?;
    if !vm.is_str(format) {
        let given = vm.type_name(format);
        return Err(vm.type_error(format!("cast() argument 'format' must be str, not {given}")));
    }
    let old = cast::<MemoryView>(value);
    if !is_contiguous(old) {
        return Err(vm.type_error("memoryview: casts are restricted to C-contiguous views"));
    }
    let extents = if shape.is_null() { None } else { Some(checked_shape(vm, shape, old)?) };
    let Some(size) = item::size_of_format(vm.str_bytes(format)) else {
        return Err(vm.value_error(
            "memoryview: destination format must be a native single character format prefixed with an optional '@'",
        ));
    };
    let is_bytes = |vm: &Vm, format| matches!(vm.str_bytes(format), b"B" | b"b" | b"c" | b"@B" | b"@b" | b"@c");
    if !is_bytes(vm, format) && !is_bytes(vm, old.format.get()) {
        return Err(vm.type_error("memoryview: cannot cast between two non-byte formats"));
    }
    let (size, bytes) = (size as i64, old.len.get() * old.row_bytes.get());
    if bytes % size != 0 {
        return Err(vm.type_error("memoryview: length is not a multiple of itemsize"));
    }
    let extents = extents.unwrap_or_else(|| vec![bytes / size]);
    if extents.iter().product::<i64>().checked_mul(size) != Some(bytes) {
        return Err(vm.type_error("memoryview: product(shape) * itemsize != buffer size"));
    }
    // A view without dimensions is one row.
    let rows = extents.first().copied().unwrap_or(1);
    let row_bytes = extents.iter().skip(1).product::<i64>() * size;
    let mut inner = crate::value_vec::ValueVec::new();
    for &extent in extents.iter().skip(1) {
        inner.push(vm, Value::from_int(extent));
    }
    let inner = vm.new_tuple(inner.as_slice());
    let fresh = derive(vm, value, old.offset.get(), rows, row_bytes);
    let view = cast::<MemoryView>(fresh);
    view.item_bytes.set(size);
    view.row_bytes.set(row_bytes);
    view.dimensions.set(extents.len() as i64);
    vm.write(fresh, &view.inner, inner);
    vm.write(fresh, &view.format, format);
    Ok(fresh)
}

/// The numbers in the argument `shape`, which are positive and have a product.
fn checked_shape(vm: &mut Vm, shape: Value, old: &MemoryView) -> PyResult<Vec<i64>> {
    if !crate::tuple::is_tuple(vm, shape) && !crate::list::is_list(vm, shape) {
        return Err(vm.type_error("shape must be a list or a tuple"));
    }
    let shape = vm.collect_list(shape)?;
    let items = crate::list::items(shape);
    if items.len() > MOST_DIMENSIONS {
        return Err(vm.value_error("memoryview: number of dimensions must not exceed 64"));
    }
    if old.dimensions.get() != 1 && items.len() != 1 {
        return Err(vm.type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
    }
    let mut extents: Vec<i64> = vec![];
    let mut product = 1i64;
    for &item in items {
        if !vm.is_int(item) {
            return Err(vm.type_error("memoryview.cast(): elements of shape must be integers"));
        }
        let extent = vm.index(item)?;
        if extent <= 0 {
            return Err(vm.value_error("memoryview.cast(): elements of shape must be integers > 0"));
        }
        let Some(larger) = product.checked_mul(extent) else {
            return Err(vm.value_error("memoryview.cast(): product(shape) > SSIZE_MAX"));
        };
        product = larger;
        extents.push(extent);
    }
    Ok(extents)
}
