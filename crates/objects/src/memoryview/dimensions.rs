//! The dimensions of a view: what `shape`, `strides` and the flags of contiguity say, and walks over its elements.

use super::{MemoryView, is_contiguous, item, row};
use crate::error::PyResult;
use crate::tuple;
use crate::vm::Vm;
use heap::{MakeRoom, Value};

/// How many elements there are along a dimension.
pub(super) fn extent(view: &MemoryView, dimension: usize) -> i64 {
    match dimension {
        0 => view.len.get(),
        _ => tuple::items(view.inner.get())[dimension - 1].as_int(),
    }
}

fn extents(view: &MemoryView) -> Vec<i64> {
    (0..view.dimensions.get() as usize).map(|dimension| extent(view, dimension)).collect()
}

/// Bytes from one element to the next along each dimension.
fn strides(view: &MemoryView) -> Vec<i64> {
    let mut bytes = view.row_bytes.get();
    let mut strides = vec![];
    for dimension in 0..view.dimensions.get() as usize {
        if dimension == 0 {
            strides.push(view.stride.get());
        } else {
            bytes /= extent(view, dimension).max(1);
            strides.push(bytes);
        }
    }
    strides
}

fn tuple_of(vm: &mut Vm, numbers: &[i64]) -> Value {
    let mut values = crate::value_vec::ValueVec::new();
    for &number in numbers {
        let number = vm.int(number);
        values.push(vm, number);
    }
    vm.new_tuple(values.as_slice())
}

/// The attribute `shape`.
pub(super) fn shape_value(vm: &mut Vm, view: &MemoryView) -> Value {
    tuple_of(vm, &extents(view))
}

/// The attribute `strides`.
pub(super) fn strides_value(vm: &mut Vm, view: &MemoryView) -> Value {
    tuple_of(vm, &strides(view))
}

/// Whether two views have the same dimensions.
pub(super) fn alike(a: &MemoryView, b: &MemoryView) -> bool {
    extents(a) == extents(b)
}

/// Whether the elements lie close together with the first index running fastest.
pub(super) fn is_fortran_contiguous(view: &MemoryView) -> bool {
    if view.dimensions.get() <= 1 {
        return is_contiguous(view);
    }
    let mut bytes = view.item_bytes.get();
    let fits = extents(view).into_iter().zip(strides(view)).all(|(len, stride)| {
        let fits = len <= 1 || stride == bytes;
        bytes *= len;
        fits
    });
    fits || view.len.get() == 0
}

/// The elements one after the other, the first index running fastest. `base` is of `memory`.
pub(super) fn in_fortran_order(view: &MemoryView, base: *mut u8) -> Vec<u8> {
    let item_bytes = view.item_bytes.get() as usize;
    let mut bytes = heap::vec_with_capacity((view.len.get() * view.row_bytes.get()) as usize);
    let lens = extents(view);
    let mut indices = vec![0; lens.len()];
    if lens.contains(&0) {
        return bytes;
    }
    loop {
        let inner = indices.iter().zip(&lens).skip(1).fold(0, |number, (index, len)| number * len + index);
        let first = indices.first().copied().unwrap_or(0);
        bytes.put_all(&row(view, base, first)[inner as usize * item_bytes..][..item_bytes]);
        let Some(next) = (0..lens.len()).find(|&dimension| indices[dimension] + 1 < lens[dimension]) else {
            return bytes;
        };
        indices[..next].fill(0);
        indices[next] += 1;
    }
}

/// The elements as nested lists; that of a view without dimensions itself.
pub(super) fn nested_lists(vm: &mut Vm, view: &MemoryView, base: *mut u8) -> PyResult {
    if view.dimensions.get() == 0 {
        return item::unpack(vm, view, row(view, base, 0));
    }
    let list = vm.new_list(&[]);
    for index in 0..view.len.get() {
        let value = inner_list(vm, view, row(view, base, index), 1)?;
        vm.list_append(list, value);
    }
    Ok(list)
}

/// What lies in `bytes` along the dimensions from `dimension` on.
fn inner_list(vm: &mut Vm, view: &MemoryView, bytes: &[u8], dimension: usize) -> PyResult {
    if dimension == view.dimensions.get() as usize {
        return item::unpack(vm, view, bytes);
    }
    let list = vm.new_list(&[]);
    for part in bytes.chunks_exact(bytes.len() / extent(view, dimension) as usize) {
        let value = inner_list(vm, view, part, dimension + 1)?;
        vm.list_append(list, value);
    }
    Ok(list)
}
