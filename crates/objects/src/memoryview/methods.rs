//! The methods and attributes of `memoryview`.

use super::{MemoryView, cast_view, derive, dimensions, gathered, is_contiguous, live, memory};
use crate::args::{CallArgs, GetSetDef, MethodDef, Signature};
use crate::error::PyResult;
use crate::layout::cast;
use crate::list::sequence;
use crate::vm::Vm;
use heap::Value;

pub(super) static METHODS: &[MethodDef] = &[
    MethodDef::method("release", 1, 1, release).with_doc("release($self, /)\n--\n\nRelease the underlying buffer exposed by the memoryview object."),
    MethodDef::method("tobytes", 1, 2, to_bytes)
    .with_keywords()
    .with_doc("tobytes($self, /, order='C')\n--\n\nReturn the data in the buffer as a byte string.\n\nOrder can be {'C', 'F', 'A'}.  When order is 'C' or 'F', the data of\nthe original array is converted to C or Fortran order.  For\ncontiguous views, 'A' returns an exact copy of the physical memory.\nIn particular, in-memory Fortran order is preserved.  For\nnon-contiguous views, the data is converted to C first.  order=None\nis the same as order='C'."),
    MethodDef::method("hex", 1, 3, |vm, args| {
        live(vm, args.values[0])?;
        let bytes = gathered(vm, args.values[0])?;
        crate::bytes::text::hex_method(vm, args, &bytes)
    })
    .with_keywords()
    .with_doc("hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)\n--\n\nReturn the data in the buffer as a str of hexadecimal numbers.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from\n    the right, negative values count from the left.\n\nExample:\n>>> value = memoryview(b'\\xb9\\x01\\xef')\n>>> value.hex()\n'b901ef'\n>>> value.hex(':')\n'b9:01:ef'\n>>> value.hex(':', 2)\n'b9:01ef'\n>>> value.hex(':', -2)\n'b901:ef'"),
    MethodDef::method("tolist", 1, 1, |vm, args| {
        let base = memory(vm, args.values[0])?;
        dimensions::nested_lists(vm, cast::<MemoryView>(args.values[0]), base)
    })
        .with_doc("tolist($self, /)\n--\n\nReturn the data in the buffer as a list of elements."),
    MethodDef::method("cast", 2, 3, cast_view::view_as)
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
        live(vm, args.values[0])?;
        match cast::<MemoryView>(args.values[0]).dimensions.get() {
            0 => return Err(vm.type_error("invalid lookup on 0-dim memory")),
            1 => {}
            _ => return Err(vm.not_implemented_error("multi-dimensional lookup is not implemented")),
        }
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
    "nbytes": |vm, view| vm.int(view.len.get() * view.row_bytes.get()), "The amount of space in bytes that the array would use in\n a contiguous representation.";
    "readonly": |vm, view| vm.bool(view.read_only.get() != 0), "A bool indicating whether the memory is read only.";
    "itemsize": |vm, view| vm.int(view.item_bytes.get()), "The size in bytes of each element of the memoryview.";
    "format": |_vm, view| view.format.get(), "A string containing the format (in struct module style)\n for each element in the view.";
    "ndim": |_vm, view| Value::from_int(view.dimensions.get()), "An integer indicating how many dimensions of a multi-dimensional\n array the memory represents.";
    "shape": |vm, view| dimensions::shape_value(vm, view), "A tuple of ndim integers giving the shape of the memory\n as an N-dimensional array.";
    "strides": |vm, view| dimensions::strides_value(vm, view), "A tuple of ndim integers giving the size in bytes to access\n each element for each dimension of the array.";
    "suboffsets": |vm, _view| vm.empty_tuple, "A tuple of integers used internally for PIL-style arrays.";
    "c_contiguous": |vm, view| vm.bool(is_contiguous(view)), "A bool indicating whether the memory is C contiguous.";
    "f_contiguous": |vm, view| vm.bool(dimensions::is_fortran_contiguous(view)), "A bool indicating whether the memory is Fortran contiguous.";
    "contiguous": |vm, view| vm.bool(is_contiguous(view) || dimensions::is_fortran_contiguous(view)), "A bool indicating whether the memory is contiguous.";
};

fn release(vm: &mut Vm, args: &CallArgs) -> PyResult {
    cast::<MemoryView>(args.values[0]).exporter.set(Value::NULL);
    Ok(vm.none)
}

/// `tobytes(order)`: "F" is the first index running fastest; "A" is that where the memory is so.
fn to_bytes(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<1> =
        Signature { parameters: ["order"], skip: 1, positional_only: 0, max_positional: 1, required: 0 };
    let [order] = args.bind(vm, "tobytes", &PARAMETERS)?;
    let value = args.values[0];
    live(vm, value)?;
    let order = match order {
        order if order.is_null() || order == vm.none => &b"C"[..],
        order if vm.is_str(order) => vm.str_bytes(order),
        order => {
            let given = vm.type_name(order);
            return Err(vm.type_error(format!("tobytes() argument 'order' must be str or None, not {given}")));
        }
    };
    let view = cast::<MemoryView>(value);
    let fortran = match order {
        b"C" => false,
        b"F" => true,
        b"A" => dimensions::is_fortran_contiguous(view) && !is_contiguous(view),
        _ => return Err(vm.value_error("order must be 'C', 'F' or 'A'")),
    };
    let bytes = if fortran && view.dimensions.get() > 1 {
        let base = memory(vm, value)?;
        dimensions::in_fortran_order(view, base)
    } else {
        gathered(vm, value)?
    };
    Ok(vm.new_bytes(&bytes))
}
