//! The methods of `list`.

use super::{class_getitem, from_array, items, len, sequence, sort};
use crate::args::{CallArgs, Intrinsic, MethodDef, Signature};
use crate::builtin_layouts::List;
use crate::error::PyResult;
use crate::layout::cast;
use crate::slice;
use crate::value_vec::{self, ValueVec};
use crate::vm::Vm;
use heap::Value;

pub static METHODS: &[MethodDef] = &[
    MethodDef::method("__reversed__", 1, 1, |vm, args| crate::iterators::list_reversed(vm, args.values[0])).leaf()
    .with_doc("__reversed__($self, /)\n--\n\nReturn a reverse iterator over the list."),
    MethodDef::method("__sizeof__", 1, 1, crate::object::sizeof)
        .leaf()
        .with_doc("__sizeof__($self, /)\n--\n\nReturn the size of the list in memory, in bytes."),
    MethodDef::method("clear", 1, 1, |vm, args| {
        vm.list_clear(args.values[0]);
        Ok(vm.none)
    })
    .leaf()
    .with_doc("clear($self, /)\n--\n\nRemove all items from list."),
    MethodDef::method("copy", 1, 1, |vm, args| Ok(vm.new_list(items(args.values[0]))))
        .leaf()
        .with_doc("copy($self, /)\n--\n\nReturn a shallow copy of the list."),
    MethodDef::method("append", 2, 2, |vm, args| {
        vm.list_append(args.values[0], args.values[1]);
        Ok(vm.none)
    })
    .leaf()
    .with_intrinsic(Intrinsic::ListAppend)
    .with_doc("append($self, object, /)\n--\n\nAppend object to the end of the list."),
    MethodDef::method("insert", 3, 3, insert)
        .with_doc("insert($self, index, object, /)\n--\n\nInsert object before index."),
    MethodDef::method("extend", 2, 2, |vm, args| {
        vm.list_extend(args.values[0], args.values[1])?;
        Ok(vm.none)
    })
    .with_doc("extend($self, iterable, /)\n--\n\nExtend list by appending elements from the iterable."),
    MethodDef::method("pop", 1, 2, pop).with_intrinsic(Intrinsic::ListPop).with_doc("pop($self, index=-1, /)\n--\n\nRemove and return item at index (default last).\n\nRaises IndexError if list is empty or index is out of range."),
    MethodDef::method("remove", 2, 2, remove).with_doc("remove($self, value, /)\n--\n\nRemove first occurrence of value.\n\nRaises ValueError if the value is not present."),
    MethodDef::method("index", 2, 4, index).with_doc("index($self, value, start=0, stop=sys.maxsize, /)\n--\n\nReturn first index of value.\n\nRaises ValueError if the value is not present."),
    MethodDef::method("count", 2, 2, |vm, args| {
        let list = args.values[0];
        sequence::count(vm, || items(list), args.values[1])
    })
    .with_doc("count($self, value, /)\n--\n\nReturn number of occurrences of value."),
    MethodDef::method("reverse", 1, 1, |vm, args| {
        reverse(vm, args.values[0]);
        Ok(vm.none)
    })
    .leaf()
    .with_doc("reverse($self, /)\n--\n\nReverse *IN PLACE*."),
    MethodDef::method("sort", 1, crate::args::MANY, sort_method).with_keywords().with_doc("sort($self, /, *, key=None, reverse=False)\n--\n\nSort the list in ascending order and return None.\n\nThe sort is in-place (i.e. the list itself is modified) and stable\n(i.e. the order of two equal elements is maintained).\n\nIf a key function is given, apply it once to each list item and sort\nthem, ascending or descending, according to their function values.\n\nThe reverse flag can be set to sort in descending order."),
    MethodDef::class_method("__class_getitem__", 2, 2, class_getitem).with_doc("__class_getitem__($type, object, /)\n--\n\nlists are generic over the type of their contents"),
];

fn insert(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let list = args.values[0];
    let index = size_argument(vm, args.values[1])?;
    let len = len(list) as i64;
    let index = if index < 0 { index.saturating_add(len).max(0) } else { index.min(len) };
    vm.list_insert(list, index as usize, args.values[2]);
    Ok(vm.none)
}

/// An argument that is an index.
fn size_argument(vm: &mut Vm, value: Value) -> PyResult<i64> {
    match slice::index_object(vm, value)? {
        Some(index) => match vm.as_i64(index) {
            Some(index) => Ok(index),
            None => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
        },
        None => {
            let name = vm.type_name(value);
            Err(vm.type_error(format!("'{name}' object cannot be interpreted as an integer")))
        }
    }
}

fn pop(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let list = args.values[0];
    let index = match args.get(1) {
        None => -1,
        Some(index) => size_argument(vm, index)?,
    };
    if len(list) == 0 {
        return Err(vm.index_error("pop from empty list"));
    }
    match super::item_index(index, len(list)) {
        Some(index) if index + 1 == len(list) => Ok(pop_last(list)),
        Some(index) => Ok(vm.list_remove(list, index)),
        None => Err(vm.index_error("pop index out of range")),
    }
}

/// Takes the last item of a list that has one. Its array stays.
fn pop_last(list: Value) -> Value {
    let object = cast::<List>(list);
    let last = len(list) - 1;
    let value = value_vec::array_get(object.items.get(), last);
    value_vec::array_clear(object.items.get(), last, last + 1);
    object.len.set(last as i64);
    value
}

fn remove(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let list = args.values[0];
    match sequence::position(vm, || items(list), args.values[1], 0, usize::MAX)? {
        Some(index) => {
            // The comparison may have shortened the list.
            if index < len(list) {
                vm.list_remove(list, index);
            }
            Ok(vm.none)
        }
        None => Err(vm.value_error("list.remove(x): x not in list")),
    }
}

fn index(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (list, value) = (args.values[0], args.values[1]);
    let (start, stop) = sequence::search_range(vm, args, 2, len(list))?;
    match sequence::position(vm, || items(list), value, start, stop)? {
        Some(index) => Ok(Value::from_int(index as i64)),
        None => Err(vm.value_error("list.index(x): x not in list")),
    }
}

fn reverse(vm: &mut Vm, list: Value) {
    let object = cast::<List>(list);
    let (array, len) = (object.items.get(), len(list));
    if len > 1 {
        vm.thread.heap.write_barrier(array);
        for i in 0..len / 2 {
            // SAFETY: both indices are below the length.
            unsafe {
                std::ptr::swap(value_vec::array_base(array).add(i), value_vec::array_base(array).add(len - 1 - i));
            }
        }
    }
}

fn sort_method(vm: &mut Vm, args: &CallArgs) -> PyResult {
    if args.args().len() > 1 {
        return Err(vm.type_error("sort() takes no positional arguments"));
    }
    static SIGNATURE: Signature<2> =
        Signature { parameters: ["key", "reverse"], skip: 1, positional_only: 0, max_positional: 0, required: 0 };
    let [key, reverse] = args.bind(vm, "sort", &SIGNATURE)?;
    let (key, reverse) = sort::options(vm, key, reverse)?;
    sort::sort(vm, args.values[0], key, reverse)?;
    Ok(vm.none)
}

impl Vm {
    /// Sorts a list in place, as `list.sort`; `key` is NULL, None or a callable.
    pub fn list_sort(&mut self, list: Value, key: Value, reverse: bool) -> PyResult<()> {
        let key = if key == self.none { Value::NULL } else { key };
        sort::sort(self, list, key, reverse)
    }

    /// `sorted`.
    pub fn sorted(&mut self, iterable: Value, key: Value, reverse: bool) -> PyResult {
        let items: ValueVec = sequence::collect(self, iterable)?;
        let list = from_array(self, items);
        self.list_sort(list, key, reverse)?;
        Ok(list)
    }
}
