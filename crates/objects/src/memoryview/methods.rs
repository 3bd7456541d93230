//! The methods and attributes of `memoryview`.

use super::{MemoryView, derive, gathered, is_contiguous, item, live, memory};
use crate::args::{CallArgs, GetSetDef, MethodDef, Signature};
use crate::error::PyResult;
use crate::layout::cast;
use crate::list::sequence;
use crate::vm::Vm;
use heap::Value;

pub(super) static METHODS: &[MethodDef] = &[
    MethodDef::method("release", 1, 1, release).with_doc("release($self, /)\n--\n\nRelease the underlying buffer exposed by the memoryview object."),
    MethodDef::method("tobytes", 1, 2, |vm, args| {
        let bytes = gathered(vm, args.values[0])?;
        Ok(vm.new_bytes(&bytes))
    })
    .with_keywords()
    .with_doc("tobytes($self, /, order='C')\n--\n\nReturn the data in the buffer as a byte string.\n\nOrder can be {'C', 'F', 'A'}.  When order is 'C' or 'F', the data of\nthe original array is converted to C or Fortran order.  For\ncontiguous views, 'A' returns an exact copy of the physical memory.\nIn particular, in-memory Fortran order is preserved.  For\nnon-contiguous views, the data is converted to C first.  order=None\nis the same as order='C'."),
    MethodDef::method("hex", 1, 3, |vm, args| {
        live(vm, args.values[0])?;
        let bytes = gathered(vm, args.values[0])?;
        crate::bytes::text::hex_method(vm, args, &bytes)
    })
    .with_keywords()
    .with_doc("hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)\n--\n\nReturn the data in the buffer as a str of hexadecimal numbers.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from\n    the right, negative values count from the left.\n\nExample:\n>>> value = memoryview(b'\\xb9\\x01\\xef')\n>>> value.hex()\n'b901ef'\n>>> value.hex(':')\n'b9:01:ef'\n>>> value.hex(':', 2)\n'b9:01ef'\n>>> value.hex(':', -2)\n'b901:ef'"),
    MethodDef::method("tolist", 1, 1, |vm, args| vm.collect_list(args.values[0]))
        .with_doc("tolist($self, /)\n--\n\nReturn the data in the buffer as a list of elements."),
    MethodDef::method("cast", 2, 3, view_as)
        .with_keywords()
        .with_doc("cast($self, /, format, shape=<unrepresentable>)\n--\n\nCast a memoryview to a new format or shape."),
    MethodDef::method("toreadonly", 1, 1, |vm, args| {
        live(vm, args.values[0])?;
        let old = cast::<MemoryView>(args.values[0]);
        let value = derive(vm, args.values[0], old.offset.get(), old.len.get(), old.stride.get());
        cast::<MemoryView>(value).read_only.set(1);
        Ok(value)
    })
    .with_doc("toreadonly($self, /)\n--\n\nReturn a readonly version of the memoryview."),
    MethodDef::method("count", 2, 2, |vm, args| {
        let items = vm.collect_list(args.values[0])?;
        sequence::count(vm, || crate::list::items(items), args.values[1])
    })
    .with_doc("count($self, value, /)\n--\n\nCount the number of occurrences of a value."),
    MethodDef::method("index", 2, 4, |vm, args| {
        let items = vm.collect_list(args.values[0])?;
        let (start, stop) = sequence::search_range(vm, args, 2, crate::list::len(items))?;
        match sequence::position(vm, || crate::list::items(items), args.values[1], start, stop)? {
            Some(at) => Ok(Value::from_int(at as i64)),
            None => Err(vm.value_error("memoryview.index(x): x not found")),
        }
    })
    .with_doc("index($self, value, start=0, stop=sys.maxsize, /)\n--\n\nReturn the index of the first occurrence of a value.\n\nRaises ValueError if the value is not present."),
    MethodDef::method("__enter__", 1, 1, |vm, args| {
        live(vm, args.values[0])?;
        Ok(args.values[0])
    })
    .with_doc("__enter__($self, /)\n--\n\n"),
    MethodDef::method("__exit__", 1, 4, release)
    .with_doc("__exit__($self, /, *exc_info)\n--\n\nRelease the underlying buffer exposed by the memoryview object."),
    MethodDef::class_method("__class_getitem__", 2, 2, crate::list::class_getitem).with_doc("__class_getitem__($type, object, /)\n--\n\nmemoryviews are generic over the type of their underlying data"),
];

macro_rules! getters {
    ($($name:literal: |$vm:ident, $view:ident| $body:expr, $doc:literal;)*) => {
        &[$(GetSetDef {
            name: $name,
            get: |$vm, value| {
                live($vm, value)?;
                let $view = cast::<MemoryView>(value);
                Ok($body)
            },
            set: None,
            doc: $doc,
        },)*]
    };
}

pub(super) static GETTERS: &[GetSetDef] = getters! {
    "obj": |_vm, view| view.exporter.get(), "The underlying object of the memoryview.";
    "nbytes": |vm, view| vm.int(view.len.get() * view.item_bytes.get()), "The amount of space in bytes that the array would use in\n a contiguous representation.";
    "readonly": |vm, view| vm.bool(view.read_only.get() != 0), "A bool indicating whether the memory is read only.";
    "itemsize": |vm, view| vm.int(view.item_bytes.get()), "The size in bytes of each element of the memoryview.";
    "format": |_vm, view| view.format.get(), "A string containing the format (in struct module style)\n for each element in the view.";
    "ndim": |_vm, _view| Value::from_int(1), "An integer indicating how many dimensions of a multi-dimensional\n array the memory represents.";
    "shape": |vm, view| vm.new_tuple(&[Value::from_int(view.len.get())]), "A tuple of ndim integers giving the shape of the memory\n as an N-dimensional array.";
    "strides": |vm, view| vm.new_tuple(&[Value::from_int(view.stride.get())]), "A tuple of ndim integers giving the size in bytes to access\n each element for each dimension of the array.";
    "suboffsets": |vm, _view| vm.empty_tuple, "A tuple of integers used internally for PIL-style arrays.";
    "c_contiguous": |vm, view| vm.bool(is_contiguous(view)), "A bool indicating whether the memory is C contiguous.";
    "f_contiguous": |vm, view| vm.bool(is_contiguous(view)), "A bool indicating whether the memory is Fortran contiguous.";
    "contiguous": |vm, view| vm.bool(is_contiguous(view)), "A bool indicating whether the memory is contiguous.";
};

fn release(vm: &mut Vm, args: &CallArgs) -> PyResult {
    cast::<MemoryView>(args.values[0]).exporter.set(Value::NULL);
    Ok(vm.none)
}

/// `memoryview.cast`: from or to bytes.
fn view_as(vm: &mut Vm, args: &CallArgs) -> PyResult {
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
    let Some(size) = item::size_of_format(vm.str_bytes(format)) else {
        return Err(vm.value_error(
            "memoryview: destination format must be a native single character format prefixed with an optional '@'",
        ));
    };
    let is_bytes = |vm: &Vm, format| matches!(vm.str_bytes(format), b"B" | b"b" | b"c" | b"@B" | b"@b" | b"@c");
    if !is_bytes(vm, format) && !is_bytes(vm, old.format.get()) {
        return Err(vm.type_error("memoryview: cannot cast between two non-byte formats"));
    }
    let bytes = old.len.get() * old.item_bytes.get();
    if bytes % size as i64 != 0 {
        return Err(vm.type_error("memoryview: length is not a multiple of itemsize"));
    }
    if !shape.is_null() {
        check_shape(vm, shape, bytes / size as i64)?;
    }
    let fresh = derive(vm, value, old.offset.get(), bytes / size as i64, size as i64);
    let view = cast::<MemoryView>(fresh);
    view.item_bytes.set(size as i64);
    vm.write(fresh, &view.format, format);
    Ok(fresh)
}

/// Only the shape that the view has anyway.
fn check_shape(vm: &mut Vm, shape: Value, len: i64) -> PyResult<()> {
    let shape = vm.collect_list(shape)?;
    let sizes = crate::list::items(shape);
    match sizes {
        [size] => {
            if vm.index(*size)? != len {
                return Err(vm.type_error("memoryview: product(shape) * itemsize != buffer size"));
            }
            Ok(())
        }
        _ => Err(vm.not_implemented_error("memoryview: views of several dimensions are not supported")),
    }
}
