//! `list`: a length and an array of at least as many items.
//!
//! Invariant: items of the array from `len` on are NULL or values that were in the list, never garbage. Code that runs
//! Python code reads length and array anew afterwards.

pub mod methods;
pub mod sequence;
mod slices;
mod sort;
#[cfg(test)]
mod tests;

use crate::args::CallArgs;
use crate::arity;
use crate::builtin_layouts::List;
use crate::error::PyResult;
use crate::layout::{Object, cast};
use crate::shape::{self, Kind};
use crate::slice;
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::value_vec::{self, ValueVec};
use crate::vm::Vm;
use heap::Value;

pub use crate::value_vec::ARRAY_ITEMS;

pub(crate) fn init(vm: &mut Vm) {
    vm.types.list = vm.new_builtin_type(spec(), vm.types.object);
}

fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::LIST | flags::SEQUENCE | flags::MATCH_SELF,
        slots: Slots {
            new: Some(|vm, ty, _| Ok(vm.new_instance(ty))),
            init: Some(init_list),
            repr: Some(repr),
            hash: Some(crate::object::hash_not_implemented),
            compare: Some(compare),
            iter: Some(crate::iterators::list_iter),
            len: Some(|_, list| Ok(len(list) as i64)),
            getitem: Some(getitem),
            setitem: Some(setitem),
            contains: Some(|vm, list, value| {
                Ok(sequence::position(vm, || items(list), value, 0, usize::MAX)?.is_some())
            }),
            concat: Some(concat),
            repeat: Some(|vm, list, count| {
                let count = sequence::repeat_count(vm, count)?;
                let repeated = sequence::repeated(vm, items(list), count)?;
                Ok(from_array(vm, repeated))
            }),
            inplace_concat: Some(|vm, list, other| {
                vm.list_extend(list, other)?;
                Ok(list)
            }),
            inplace_repeat: Some(inplace_repeat),
            ..Slots::default()
        },
        methods: methods::METHODS,
        doc: "Built-in mutable sequence.\n\nIf no argument is given, the constructor creates a new empty list.\n\
              The argument must be an iterable if specified.",
        ..TypeSpec::of::<List>("list", Kind::List)
    }
}

/// Whether `value` is a list of no subclass.
#[inline(always)]
pub fn is_exact(value: Value) -> bool {
    shape::is_exact(value, Kind::List)
}

/// Whether `value` is a list or an instance of a subclass.
#[inline(always)]
pub fn is_list(vm: &Vm, value: Value) -> bool {
    is_exact(value) || value.is_object() && vm.type_of(value).has(flags::LIST)
}

/// The items as they are: valid until the list changes.
#[inline(always)]
pub fn items(list: Value) -> &'static [Value] {
    let list = cast::<List>(list);
    value_vec::array_slice(list.items.get(), list.len.get() as usize)
}

#[inline(always)]
pub fn len(list: Value) -> usize {
    cast::<List>(list).len.get() as usize
}

/// A list of what was gathered: the array becomes the list's.
pub fn from_array(vm: &mut Vm, items: ValueVec) -> Value {
    let value = vm.thread.heap.alloc(shape::exact_id(Kind::List), List::BYTES);
    let list = cast::<List>(value);
    list.len.set(items.len as i64);
    list.items.set(items.array);
    value
}

/// Gives a list these items in place of its own.
pub(crate) fn replace_items(vm: &mut Vm, list: Value, items: ValueVec) {
    let object = cast::<List>(list);
    vm.write(list, &object.items, items.array);
    object.len.set(items.len as i64);
}

/// Room for `wanted` items, at least: somewhat more than that, so that appending is cheap on average.
#[cold]
pub(crate) fn grow(vm: &mut Vm, list: Value, wanted: usize) {
    let object = cast::<List>(list);
    let old_len = object.len.get() as usize;
    let capacity = if old_len == 0 { wanted.max(4) } else { wanted.max(wanted + wanted / 2).max(8) };
    let grown = value_vec::new_array(vm, capacity);
    value_vec::copy_items(vm, object.items.get(), 0, grown, 0, old_len);
    vm.write(list, &object.items, grown);
}

/// Makes the list `new_len` items long; new ones are NULL until the caller writes them, at once.
pub(crate) fn resize(vm: &mut Vm, list: Value, new_len: usize) {
    let object = cast::<List>(list);
    let old_len = object.len.get() as usize;
    let capacity = value_vec::capacity(object.items.get());
    if new_len > capacity {
        grow(vm, list, new_len);
    } else if new_len < old_len {
        if new_len == 0 {
            object.items.set(Value::NULL);
        } else if new_len < capacity / 4 && capacity > 64 {
            // Give memory back; half as much again stays.
            let shrunk = value_vec::new_array(vm, new_len + new_len / 2);
            value_vec::copy_items(vm, object.items.get(), 0, shrunk, 0, new_len);
            vm.write(list, &object.items, shrunk);
        } else {
            value_vec::array_clear(object.items.get(), new_len, old_len);
        }
    }
    object.len.set(new_len as i64);
}

impl Vm {
    /// An exact list of `items`.
    #[inline]
    pub fn new_list(&mut self, items: &[Value]) -> Value {
        let items = ValueVec::from_slice(self, items);
        from_array(self, items)
    }

    /// A list of what was gathered; the array becomes the list's.
    pub fn list_from(&mut self, items: ValueVec) -> Value {
        from_array(self, items)
    }

    /// [`heap::refuse`]d where the heap is full.
    #[inline]
    pub fn list_append(&mut self, list: Value, value: Value) {
        self.refuse_if_exhausted();
        let object = cast::<List>(list);
        let len = object.len.get() as usize;
        if len == value_vec::capacity(object.items.get()) {
            grow(self, list, len + 1);
        }
        value_vec::array_set(self, object.items.get(), len, value);
        object.len.set(len as i64 + 1);
    }

    /// Appends all items of an iterable.
    pub fn list_extend(&mut self, list: Value, iterable: Value) -> PyResult<()> {
        let more = if is_exact(iterable) {
            items(iterable)
        } else if shape::is_exact(iterable, Kind::Tuple) {
            crate::tuple::exact_items(iterable)
        } else if shape::is_exact(iterable, Kind::Dict) {
            sequence::collect(self, iterable)?.as_slice()
        } else {
            return self.list_extend_from_iterator(list, iterable);
        };
        // A list extended by itself keeps its old items where `more` sees them.
        let old_len = len(list);
        resize(self, list, old_len + more.len());
        value_vec::copy_slice(self, more, cast::<List>(list).items.get(), old_len);
        Ok(())
    }

    fn list_extend_from_iterator(&mut self, list: Value, iterable: Value) -> PyResult<()> {
        // Room is made as needed, but there must be some, and an error that the question for the length raises is to be seen.
        let count = self.length_hint(iterable, 0)?;
        self.expect_values(count);
        self.for_each(iterable, |vm, item| {
            vm.list_append(list, item);
            Ok(())
        })
    }

    /// `list.insert`, without its index arithmetic.
    pub fn list_insert(&mut self, list: Value, index: usize, value: Value) {
        let object = cast::<List>(list);
        let old_len = len(list);
        debug_assert!(index <= old_len);
        resize(self, list, old_len + 1);
        let array = object.items.get();
        value_vec::copy_items(self, array, index, array, index + 1, old_len - index);
        value_vec::array_set(self, array, index, value);
    }

    /// Takes out the item at an index below the length.
    pub fn list_remove(&mut self, list: Value, index: usize) -> Value {
        let object = cast::<List>(list);
        let new_len = len(list) - 1;
        let array = object.items.get();
        let value = value_vec::array_get(array, index);
        value_vec::copy_items(self, array, index + 1, array, index, new_len - index);
        if new_len == 0 {
            // The array stays: a list used as a stack is filled again.
            value_vec::array_clear(array, 0, 1);
            object.len.set(0);
        } else {
            resize(self, list, new_len);
        }
        value
    }

    /// Empties a list.
    pub fn list_clear(&mut self, list: Value) {
        resize(self, list, 0);
    }
}

fn init_list(vm: &mut Vm, list: Value, args: &CallArgs) -> PyResult<()> {
    // A subclass with a `__new__` of its own may take keyword arguments.
    let new = |ty: TypeRef| ty.slots().new.map(|new| new as usize);
    if new(vm.type_of(list)) == new(vm.types.list) {
        arity::no_keywords(vm, "list", args)?;
    }
    arity::positional_count(vm, "list", args.args(), 0, 1)?;
    resize(vm, list, 0);
    match args.args() {
        [iterable] => {
            if len(list) == 0 && (is_exact(*iterable) || crate::set::is_exact(*iterable)) {
                let items = sequence::collect(vm, *iterable)?;
                replace_items(vm, list, items);
                return Ok(());
            }
            vm.list_extend(list, *iterable)
        }
        _ => Ok(()),
    }
}

fn repr(vm: &mut Vm, list: Value) -> PyResult {
    if len(list) == 0 {
        return Ok(vm.new_str("[]"));
    }
    sequence::guarded_repr(vm, list, "[...]", |vm| {
        let mut text = vec![b'['];
        sequence::join_reprs(vm, &mut text, || items(list))?;
        text.push(b']');
        Ok(text)
    })
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !is_list(vm, a) || !is_list(vm, b) {
        return Ok(vm.not_implemented);
    }
    sequence::compare(vm, || items(a), || items(b), op)
}

/// Index into `len` items, counted from the end if negative.
#[inline(always)]
fn item_index(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index.wrapping_add(len as i64) } else { index };
    if index >= 0 && (index as usize) < len { Some(index as usize) } else { None }
}

fn getitem(vm: &mut Vm, list: Value, key: Value) -> PyResult {
    if let Some(index) = slice::as_index(vm, key)? {
        return match item_index(index, len(list)) {
            Some(index) => Ok(items(list)[index]),
            None => Err(vm.index_error("list index out of range")),
        };
    }
    if !slice::is_slice(key) {
        return Err(bad_index(vm, key));
    }
    let picked = slice::bounds(vm, key)?.of_len(len(list));
    let items = if picked.step == 1 {
        let start = picked.start as usize;
        // The range may be empty and beyond the end.
        ValueVec::from_slice(vm, if picked.len == 0 { &[] } else { &items(list)[start..start + picked.len] })
    } else {
        sequence::pick(vm, items(list), &picked)
    };
    Ok(from_array(vm, items))
}

/// Assigns, or deletes if `value` is NULL.
fn setitem(vm: &mut Vm, list: Value, key: Value, value: Value) -> PyResult<()> {
    if let Some(index) = slice::as_index(vm, key)? {
        let Some(index) = item_index(index, len(list)) else {
            return Err(vm.index_error("list assignment index out of range"));
        };
        if value.is_null() {
            vm.list_remove(list, index);
        } else {
            value_vec::array_set(vm, cast::<List>(list).items.get(), index, value);
        }
        return Ok(());
    }
    if !slice::is_slice(key) {
        return Err(bad_index(vm, key));
    }
    if value.is_null() { slices::delete(vm, list, key) } else { slices::assign(vm, list, key, value) }
}

fn bad_index(vm: &mut Vm, key: Value) -> crate::error::Raised {
    let name = vm.type_name(key);
    vm.type_error(format!("list indices must be integers or slices, not {name}"))
}

fn concat(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    if !is_list(vm, b) {
        let name = vm.type_name(b);
        return Err(vm.type_error(format!("can only concatenate list (not \"{name}\") to list")));
    }
    let both = sequence::concatenated(vm, items(a), items(b));
    Ok(from_array(vm, both))
}

fn inplace_repeat(vm: &mut Vm, list: Value, count: Value) -> PyResult {
    let count = sequence::repeat_count(vm, count)?;
    let repeated = sequence::repeated(vm, items(list), count)?;
    replace_items(vm, list, repeated);
    Ok(list)
}

/// `list[int]` and the like: a `types.GenericAlias`.
pub(crate) fn class_getitem(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(crate::generic_alias::new(vm, args.values[0], args.values[1]))
}
