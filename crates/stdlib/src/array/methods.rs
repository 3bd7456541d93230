//! The methods of `array.array` and of its iterator.

use super::elements::kind_of;
use super::{content, copy, find, get, initial, is_array, len_of, pickling, push, resize, subscripts};
use heap::Value;
use objects::args::{CallArgs, GetSetDef, MethodDef};
use objects::array_layout::Array;
use objects::builtin_layouts::SequenceIterator;
use objects::error::PyResult;
use objects::layout::cast;
use objects::slice;
use objects::vm::Vm;

pub(super) static GETSET: &[GetSetDef] = &[
    GetSetDef {
        name: "itemsize",
        get: |vm, array| Ok(vm.int(kind_of(cast::<Array>(array)).size() as i64)),
        set: None,
        doc: "the size, in bytes, of one array item",
    },
    GetSetDef {
        name: "typecode",
        get: |vm, array| Ok(vm.new_str_code_point(kind_of(cast::<Array>(array)).typecode() as u32)),
        set: None,
        doc: "the typecode character used to create the array",
    },
];

pub(super) static METHODS: &[MethodDef] = &[
    MethodDef::method("append", 2, 2, |vm, args| {
        push(vm, args.values[0], args.values[1])?;
        Ok(vm.none)
    })
    .with_doc("append($self, v, /)\n--\n\nAppend new value v to the end of the array."),
    MethodDef::method("buffer_info", 1, 1, |vm, args| {
        let array = cast::<Array>(args.values[0]);
        let address = vm.int(array.address.get());
        let len = vm.int(array.len.get());
        Ok(vm.new_tuple(&[address, len]))
    })
    .leaf()
    .with_doc("buffer_info($self, /)\n--\n\nReturn a tuple (address, length) giving the current memory address and the length in items of the buffer used to hold array's contents.\n\nThe length should be multiplied by the itemsize attribute to calculate\nthe buffer length in bytes."),
    MethodDef::method("byteswap", 1, 1, |vm, args| {
        let size = kind_of(cast::<Array>(args.values[0])).size();
        content(args.values[0]).chunks_exact_mut(size).for_each(<[u8]>::reverse);
        Ok(vm.none)
    })
    .leaf()
    .with_doc("byteswap($self, /)\n--\n\nByteswap all items of the array.\n\nIf the items in the array are not 1, 2, 4, or 8 bytes in size,\nRuntimeError is raised."),
    MethodDef::method("clear", 1, 1, |vm, args| {
        resize(vm, args.values[0], 0)?;
        Ok(vm.none)
    })
    .leaf()
    .with_doc("clear($self, /)\n--\n\nRemove all items from the array."),
    MethodDef::method("count", 2, 2, count)
        .with_doc("count($self, v, /)\n--\n\nReturn number of occurrences of v in the array."),
    MethodDef::method("extend", 2, 2, |vm, args| {
        initial::extend(vm, args.values[0], args.values[1])?;
        Ok(vm.none)
    })
    .with_doc("extend($self, bb, /)\n--\n\nAppend items to the end of the array."),
    MethodDef::method("frombytes", 2, 2, |vm, args| {
        initial::extend_with_bytes(vm, args.values[0], args.values[1])?;
        Ok(vm.none)
    })
    .with_doc("frombytes($self, buffer, /)\n--\n\nAppends items from the string, interpreting it as an array of machine values, as if it had been read from a file using the fromfile() method."),
    MethodDef::method("fromfile", 3, 3, from_file)
        .with_doc("fromfile($self, f, n, /)\n--\n\nRead n objects from the file object f and append them to the end of the array."),
    MethodDef::method("fromlist", 2, 2, from_list)
        .with_doc("fromlist($self, list, /)\n--\n\nAppend items to array from list."),
    MethodDef::method("fromunicode", 2, 2, from_unicode)
        .with_doc("fromunicode($self, ustr, /)\n--\n\nExtends this array with data from the unicode string ustr.\n\nThe array must be a unicode type array; otherwise a ValueError is\nraised.  Use array.frombytes(ustr.encode(...)) to append Unicode data to\nan array of some other type."),
    MethodDef::method("index", 2, 4, index)
        .with_doc("index($self, v, start=0, stop=sys.maxsize, /)\n--\n\nReturn index of first occurrence of v in the array.\n\nRaise ValueError if the value is not present."),
    MethodDef::method("insert", 3, 3, insert)
        .with_doc("insert($self, i, v, /)\n--\n\nInsert a new item v into the array before position i."),
    MethodDef::method("pop", 1, 2, pop)
        .with_doc("pop($self, i=-1, /)\n--\n\nReturn the i-th element and delete it from the array.\n\ni defaults to -1."),
    MethodDef::method("remove", 2, 2, remove)
        .with_doc("remove($self, v, /)\n--\n\nRemove the first occurrence of v in the array."),
    MethodDef::method("reverse", 1, 1, |vm, args| {
        let size = kind_of(cast::<Array>(args.values[0])).size();
        let elements = content(args.values[0]);
        elements.reverse();
        elements.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        Ok(vm.none)
    })
    .leaf()
    .with_doc("reverse($self, /)\n--\n\nReverse the order of the items in the array."),
    MethodDef::method("tobytes", 1, 1, |vm, args| Ok(vm.new_bytes(content(args.values[0]))))
        .leaf()
        .with_doc("tobytes($self, /)\n--\n\nConvert the array to an array of machine values and return the bytes representation."),
    MethodDef::method("tofile", 2, 2, to_file)
        .with_doc("tofile($self, f, /)\n--\n\nWrite all items (as machine values) to the file object f."),
    MethodDef::method("tolist", 1, 1, |vm, args| list_of(vm, args.values[0]))
        .leaf()
        .with_doc("tolist($self, /)\n--\n\nConvert array to an ordinary list with the same items."),
    MethodDef::method("tounicode", 1, 1, |vm, args| text_of(vm, args.values[0]))
        .leaf()
        .with_doc("tounicode($self, /)\n--\n\nExtends this array with data from the unicode string ustr.\n\nConvert the array to a unicode string.  The array must be a unicode\ntype array; otherwise a ValueError is raised.  Use\narray.tobytes().decode() to obtain a unicode string from an array of\nsome other type."),
    MethodDef::method("__copy__", 1, 1, |vm, args| Ok(copy(vm, args.values[0])))
        .leaf()
        .with_doc("__copy__($self, /)\n--\n\nReturn a copy of the array."),
    MethodDef::method("__deepcopy__", 2, 2, |vm, args| Ok(copy(vm, args.values[0])))
        .leaf()
        .with_doc("__deepcopy__($self, unused, /)\n--\n\nReturn a copy of the array."),
    MethodDef::method("__reduce_ex__", 2, 2, pickling::reduce)
        .with_doc("__reduce_ex__($self, value, /)\n--\n\nReturn state information for pickling."),
    MethodDef::method("__sizeof__", 1, 1, objects::object::sizeof)
    .leaf()
    .with_doc("__sizeof__($self, /)\n--\n\nSize of the array in memory, in bytes."),
    objects::generic_alias::CLASS_GETITEM,
];

pub(super) static ITERATOR_METHODS: &[MethodDef] = &[
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let iterator = cast::<SequenceIterator>(args.values[0]);
        let builtins = vm.handle(vm.builtins);
        let iter = vm.dict_get_str(builtins, "iter").unwrap_or(vm.none);
        let (array, index) = (iterator.sequence.get(), iterator.index.get());
        if array.is_null() {
            let empty = vm.new_list(&[]);
            let arguments = vm.new_tuple(&[empty]);
            return Ok(vm.new_tuple(&[iter, arguments]));
        }
        let arguments = vm.new_tuple(&[array]);
        Ok(vm.new_tuple(&[iter, arguments, Value::from_int(index)]))
    })
    .with_doc("__reduce__($self, /)\n--\n\nReturn state information for pickling."),
    MethodDef::method("__setstate__", 2, 2, |vm, args| {
        let iterator = cast::<SequenceIterator>(args.values[0]);
        let index = vm.index(args.values[1])?;
        if !iterator.sequence.get().is_null() {
            let len = cast::<Array>(iterator.sequence.get()).len.get();
            iterator.index.set(index.clamp(0, len));
        }
        Ok(vm.none)
    })
    .with_doc("__setstate__($self, state, /)\n--\n\nSet state information for unpickling."),
];

/// The elements as a list.
pub(super) fn list_of(vm: &mut Vm, array: Value) -> PyResult {
    let list = vm.new_list(&[]);
    for i in 0..cast::<Array>(array).len.get() as usize {
        let element = get(vm, array, i)?;
        vm.list_append(list, element);
    }
    Ok(list)
}

/// An array of characters as a str.
pub(super) fn text_of(vm: &mut Vm, array: Value) -> PyResult {
    if !kind_of(cast::<Array>(array)).is_text() {
        return Err(vm.value_error("tounicode() may only be called on unicode type arrays ('u' or 'w')"));
    }
    let elements = list_of(vm, array)?;
    Ok(objects::str::concatenate(vm, objects::list::items(elements)))
}

fn count(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let mut count = 0;
    let mut i = 0;
    while i < len_of(args) {
        let element = get(vm, args.values[0], i)?;
        count += vm.eq(element, args.values[1])? as i64;
        i += 1;
    }
    Ok(vm.int(count))
}

fn index(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let mut bound = |at: usize, absent: i64| -> PyResult<usize> {
        let Some(value) = args.get(at) else { return Ok(absent as usize) };
        let bound = slice::search_bound(vm, value)?;
        Ok(if bound < 0 { bound.saturating_add(len_of(args) as i64).max(0) } else { bound } as usize)
    };
    let (start, stop) = (bound(2, 0)?, bound(3, i64::MAX)?);
    match find(vm, args.values[0], args.values[1], start, stop)? {
        Some(index) => Ok(vm.int(index as i64)),
        None => Err(vm.value_error("array.index(x): x not in array")),
    }
}

fn insert(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let array = args.values[0];
    let at = vm.index(args.values[1])?;
    let kind = kind_of(cast::<Array>(array));
    let element = kind.pack(vm, args.values[2])?;
    let len = len_of(args) as i64;
    let at = if at < 0 { (at + len).max(0) } else { at.min(len) } as usize;
    subscripts::replace(vm, array, at, at, &element[..kind.size()])?;
    Ok(vm.none)
}

fn pop(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let index = match args.get(1) {
        Some(index) => vm.index(index)?,
        None => -1,
    };
    let len = len_of(args) as i64;
    if len == 0 {
        return Err(vm.index_error("pop from empty array"));
    }
    let index = if index < 0 { index + len } else { index };
    if index < 0 || index >= len {
        return Err(vm.index_error("pop index out of range"));
    }
    let element = get(vm, args.values[0], index as usize)?;
    subscripts::replace(vm, args.values[0], index as usize, index as usize + 1, &[])?;
    Ok(element)
}

fn remove(vm: &mut Vm, args: &CallArgs) -> PyResult {
    match find(vm, args.values[0], args.values[1], 0, usize::MAX)? {
        // The comparison may have shortened the array.
        Some(index) if index < len_of(args) => {
            subscripts::replace(vm, args.values[0], index, index + 1, &[])?;
            Ok(vm.none)
        }
        _ => Err(vm.value_error("array.remove(x): x not in array")),
    }
}

fn from_list(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (array, list) = (args.values[0], args.values[1]);
    if !objects::list::is_list(vm, list) {
        return Err(vm.type_error("arg must be list"));
    }
    let (before, count) = (len_of(args), objects::list::len(list));
    for i in 0..count {
        let Some(&value) = objects::list::items(list).get(i) else {
            return Err(vm.runtime_error("list changed size during iteration"));
        };
        if let Err(raised) = push(vm, array, value) {
            resize(vm, array, before)?;
            return Err(raised);
        }
    }
    Ok(vm.none)
}

fn from_unicode(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (array, text) = (args.values[0], args.values[1]);
    if !vm.is_str(text) {
        let given = vm.type_name(text);
        return Err(vm.type_error(format!("fromunicode() argument must be str, not {given}")));
    }
    if !kind_of(cast::<Array>(array)).is_text() {
        return Err(vm.value_error("fromunicode() may only be called on unicode type arrays ('u' or 'w')"));
    }
    initial::extend_with_text(vm, array, text)?;
    Ok(vm.none)
}

fn from_file(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [array, file, count] = *args.values else { unreachable!("three arguments") };
    let count = vm.index(count)?;
    if count < 0 {
        return Err(vm.value_error("negative count"));
    }
    let size = kind_of(cast::<Array>(array)).size() as i64;
    let Some(wanted) = count.checked_mul(size) else { return Err(vm.memory_error("")) };
    let bytes = vm.int(wanted);
    let read = vm.call_method(file, "read", &[bytes])?;
    if !vm.is_bytes(read) {
        return Err(vm.type_error("read() didn't return bytes"));
    }
    initial::extend_with_bytes(vm, array, read)?;
    if (vm.bytes(read).len() as i64) < wanted {
        return Err(vm.eof_error("read() didn't return enough bytes"));
    }
    Ok(vm.none)
}

/// In blocks, so that no second copy of a large array is made.
fn to_file(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const BLOCK: usize = 64 * 1024;
    debug_assert!(is_array(vm, args.values[0]));
    let write = vm.getattr_str(args.values[1], "write")?;
    let mut at = 0;
    while at < content(args.values[0]).len() {
        let elements = content(args.values[0]);
        let block = vm.new_bytes(&elements[at..elements.len().min(at + BLOCK)]);
        vm.call(write, &[block])?;
        at += BLOCK;
    }
    Ok(vm.none)
}
