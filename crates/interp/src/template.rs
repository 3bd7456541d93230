//! t-strings: their objects are made by the native module `_templatelib`.

use heap::Value;
use objects::error::PyResult;
use objects::vm::Vm;

fn class(vm: &mut Vm, name: &str) -> PyResult {
    let module = crate::import::import_module(vm, "_templatelib")?;
    vm.getattr_str(module, name)
}

/// BUILD_TEMPLATE: tuples of strings and interpolations.
pub fn build(vm: &mut Vm, strings: Value, interpolations: Value) -> PyResult {
    let make = class(vm, "_template")?;
    vm.call(make, &[strings, interpolations])
}

/// BUILD_INTERPOLATION: the conversion is 0 for none, else as CONVERT_VALUE's; the format spec may be NULL.
pub fn interpolation(vm: &mut Vm, value: Value, text: Value, conversion: i64, spec: Value) -> PyResult {
    let conversion = match conversion {
        1 => vm.intern("s"),
        2 => vm.intern("r"),
        3 => vm.intern("a"),
        _ => vm.none,
    };
    let spec = if spec.is_null() { vm.empty_str } else { spec };
    let class = class(vm, "Interpolation")?;
    vm.call(class, &[value, text, conversion, spec])
}
