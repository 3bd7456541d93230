//! Arrays of values in the collector's heap, for Rust code that gathers values.
//!
//! A `Vec<Value>` is invisible to the collector. An [`ItemArray`] is not: held on the native stack it lives, and with it
//! what it holds. [`ValueVec`] is such an array that grows.

use crate::builtin_layouts::ItemArray;
use crate::layout::Object;
use crate::shape;
use crate::vm::Vm;
use heap::Value;
use metatrace::{Items, Repr};

/// The elements of an [`ItemArray`], for handlers.
pub const ARRAY_ITEMS: &Items =
    &Items { name: "ItemArray.items", offset: ItemArray::BYTES as u32, repr: Repr::Ref, immutable: false };

/// A growing array. Lives on the native stack; values and array are found there.
#[derive(Clone, Copy)]
pub struct ValueVec {
    /// An [`ItemArray`], or NULL while nothing was pushed.
    pub array: Value,
    pub len: usize,
}

impl ValueVec {
    pub const fn new() -> ValueVec {
        ValueVec { array: Value::NULL, len: 0 }
    }

    pub fn with_capacity(vm: &mut Vm, capacity: usize) -> ValueVec {
        ValueVec { array: new_array(vm, capacity), len: 0 }
    }

    /// `count` NULLs.
    pub fn nulls(vm: &mut Vm, count: usize) -> ValueVec {
        ValueVec { array: new_array(vm, count), len: count }
    }

    pub fn from_slice(vm: &mut Vm, values: &[Value]) -> ValueVec {
        ValueVec { array: array_of(vm, values), len: values.len() }
    }

    /// What an iterator gives, up to `count` values. It must not allocate.
    pub fn gather(vm: &mut Vm, count: usize, values: impl Iterator<Item = Value>) -> ValueVec {
        let array = new_array(vm, count);
        let mut len = 0;
        for value in values.take(count) {
            // SAFETY: the fresh array has room for `count` values.
            unsafe { *array_base(array).add(len) = value };
            len += 1;
        }
        if len != 0 {
            vm.thread.heap.write_barrier(array);
        }
        ValueVec { array, len }
    }

    /// [`heap::refuse`]d where the heap is full: what gathers values may go on for long.
    pub fn push(&mut self, vm: &mut Vm, value: Value) {
        vm.refuse_if_exhausted();
        if self.len == capacity(self.array) {
            let grown = new_array(vm, (self.len * 2).max(8));
            copy_items(vm, self.array, 0, grown, 0, self.len);
            self.array = grown;
        }
        array_set(vm, self.array, self.len, value);
        self.len += 1;
    }

    /// Room for `count` values in all.
    pub fn make_room(&mut self, vm: &mut Vm, count: usize) {
        if count > capacity(self.array) {
            let grown = new_array(vm, count);
            copy_items(vm, self.array, 0, grown, 0, self.len);
            self.array = grown;
        }
    }

    pub fn pop(&mut self) -> Option<Value> {
        self.len = self.len.checked_sub(1)?;
        Some(array_get(self.array, self.len))
    }

    /// The collector array that holds the values.
    pub fn array(&self) -> Value {
        self.array
    }

    pub fn get(&self, index: usize) -> Value {
        debug_assert!(index < self.len);
        array_get(self.array, index)
    }

    pub fn set(&self, vm: &mut Vm, index: usize, value: Value) {
        debug_assert!(index < self.len);
        array_set(vm, self.array, index, value);
    }

    /// Valid until the next push.
    pub fn as_slice(&self) -> &'static [Value] {
        array_slice(self.array, self.len)
    }
}

impl Default for ValueVec {
    fn default() -> Self {
        Self::new()
    }
}

/// An array of `capacity` NULLs; NULL itself for none.
pub fn new_array(vm: &mut Vm, capacity: usize) -> Value {
    if capacity == 0 {
        return Value::NULL;
    }
    vm.alloc_tail(shape::ITEM_ARRAY, ItemArray::BYTES, capacity)
}

/// The same, but its items are to be written at once, before anything else is allocated.
pub fn unfilled_array(vm: &mut Vm, capacity: usize) -> Value {
    if capacity == 0 {
        return Value::NULL;
    }
    vm.alloc_tail_unfilled(shape::ITEM_ARRAY, ItemArray::BYTES, size_of::<Value>(), capacity)
}

/// An array with a copy of `values`.
pub fn array_of(vm: &mut Vm, values: &[Value]) -> Value {
    debug_assert!(vm.thread.sees(values), "values where the collector does not see them");
    let array = unfilled_array(vm, values.len());
    if !array.is_null() {
        // SAFETY: the array is fresh and as long as `values`.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), array_base(array), values.len()) };
        vm.thread.heap.write_barrier(array);
    }
    array
}

/// How many items an array has; 0 for NULL.
#[inline(always)]
pub fn capacity(array: Value) -> usize {
    if array.is_null() { 0 } else { crate::layout::cast::<ItemArray>(array).capacity.get() as usize }
}

/// Address of item 0. Dangling for NULL, whose slices are empty.
#[inline(always)]
pub fn array_base(array: Value) -> *mut Value {
    (array.0 as usize + ItemArray::BYTES) as *mut Value
}

#[inline(always)]
pub fn array_get(array: Value, index: usize) -> Value {
    debug_assert!(index < capacity(array));
    // SAFETY: the caller's index is below the capacity.
    unsafe { *array_base(array).add(index) }
}

#[inline(always)]
pub fn array_set(vm: &mut Vm, array: Value, index: usize, value: Value) {
    debug_assert!(index < capacity(array));
    // SAFETY: the caller's index is below the capacity.
    let slot = unsafe { array_base(array).add(index) };
    vm.thread.heap.write_barrier_slot(array, slot);
    // SAFETY: as above.
    unsafe { *slot = value };
}

/// Clears an item: no barrier is needed for NULL.
#[inline(always)]
pub fn array_clear(array: Value, from: usize, to: usize) {
    debug_assert!(from <= to && to <= capacity(array));
    for i in from..to {
        // SAFETY: the caller's range is below the capacity.
        unsafe { *array_base(array).add(i) = Value::NULL };
    }
}

/// The first `len` items: valid while nobody writes them.
#[inline(always)]
pub fn array_slice(array: Value, len: usize) -> &'static [Value] {
    if len == 0 {
        return &[];
    }
    debug_assert!(len <= capacity(array));
    // SAFETY: `len` items are initialised; the array is alive while the slice's address is on the native stack.
    unsafe { std::slice::from_raw_parts(array_base(array), len) }
}

/// Copies items between arrays, or within one.
pub fn copy_items(vm: &mut Vm, from: Value, from_index: usize, to: Value, to_index: usize, count: usize) {
    if count == 0 {
        return;
    }
    debug_assert!(from_index + count <= capacity(from) && to_index + count <= capacity(to));
    vm.thread.heap.write_barrier(to);
    // SAFETY: both ranges lie within their arrays.
    unsafe { std::ptr::copy(array_base(from).add(from_index), array_base(to).add(to_index), count) };
}

/// Copies `values` into an array. They do not lie in it.
pub fn copy_slice(vm: &mut Vm, values: &[Value], to: Value, to_index: usize) {
    if values.is_empty() {
        return;
    }
    debug_assert!(to_index + values.len() <= capacity(to));
    vm.thread.heap.write_barrier(to);
    // SAFETY: the range lies within the array.
    unsafe { std::ptr::copy(values.as_ptr(), array_base(to).add(to_index), values.len()) };
}

#[cfg(test)]
mod tests {
    use crate::testing::with_vms;
    use heap::Value;

    #[test]
    fn values_on_the_native_stack_and_immortal_ones_are_seen() {
        with_vms(|vm| {
            let values = [vm.new_bytes(b"a"), vm.new_bytes(b"b")];
            let tuple = vm.new_tuple(&values);
            let gathered = super::ValueVec::from_slice(vm, crate::tuple::items(tuple));
            assert_eq!(vm.bytes(gathered.get(1)), b"b");
            let names: Vec<Value> = vec![vm.intern("a"), Value::from_int(1)]; // immortal
            vm.new_list(&names);
        });
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "where the collector does not see them")]
    fn a_vector_of_values_is_refused() {
        with_vms(|vm| {
            let values: Vec<Value> = (0..3).map(|_| vm.new_bytes(b"moves")).collect(); // not seen
            vm.new_tuple(&values);
        });
    }
}
