//! The methods of `complex`.

use super::parts;
use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::error::PyResult;
use crate::vm::Vm;

pub(super) static METHODS: &[MethodDef] = &[
    MethodDef::method("conjugate", 1, 1, |vm, args| {
        let (re, im) = parts(vm, args.values[0]);
        Ok(vm.complex(re, -im))
    })
    .leaf()
    .with_doc("conjugate($self, /)\n--\n\nReturn the complex conjugate of its argument. (3-4j).conjugate() == 3+4j."),
    MethodDef::method("__complex__", 1, 1, |vm, args| {
        let (re, im) = parts(vm, args.values[0]);
        Ok(vm.complex(re, im))
    })
    .leaf()
    .with_doc("__complex__($self, /)\n--\n\nConvert this value to exact type complex."),
    MethodDef::method("__getnewargs__", 1, 1, |vm, args| {
        let (re, im) = parts(vm, args.values[0]);
        let parts = [vm.float(re), vm.float(im)];
        Ok(vm.new_tuple(&parts))
    })
    .leaf()
    .with_doc("__getnewargs__($self, /)\n--\n\n"),
    MethodDef::method("__format__", 2, 2, |vm, args| {
        let z = parts(vm, args.values[0]);
        crate::format_spec::format_method(vm, args, |vm, spec| crate::format_spec::format_complex(vm, z, spec))
    })
    .with_doc("__format__($self, format_spec, /)\n--\n\nConvert to a string according to format_spec."),
    MethodDef::class_method("from_number", 2, 2, from_number)
        .with_doc("from_number($type, number, /)\n--\n\nConvert number to a complex floating-point number."),
];

pub(super) static GETTERS: &[GetSetDef] = &[
    GetSetDef {
        name: "real",
        get: |vm, z| Ok(vm.float(parts(vm, z).0)),
        set: None,
        doc: "the real part of a complex number",
    },
    GetSetDef {
        name: "imag",
        get: |vm, z| Ok(vm.float(parts(vm, z).1)),
        set: None,
        doc: "the imaginary part of a complex number",
    },
];

fn from_number(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (class, number) = (args.values[0], args.values[1]);
    let exact = class == vm.types.complex.value();
    if exact && vm.type_of(number) == vm.types.complex {
        return Ok(number);
    }
    let (re, im) = vm.to_complex(number)?;
    let value = vm.complex(re, im);
    if exact { Ok(value) } else { vm.call(class, &[value]) }
}
