//! Module `_functools`.

mod cached;
mod compared;
mod partial;

use heap::Value;
use objects::args::{CallArgs, Intrinsic, MethodDef, Signature};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::shape::{Kind, is_exact};
use objects::vm::Vm;

pub static MODULE: ModuleDef =
    ModuleDef { name: "_functools", doc: "Tools that operate on functions.", functions: FUNCTIONS, init };

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("reduce", 0, 3, reduce).with_keywords().with_intrinsic(Intrinsic::Reduce).with_doc("reduce($module, function, iterable, /, initial=<unrepresentable>)\n--\n\nApply a function of two arguments cumulatively to the items of an iterable, from left to right.\n\nThis effectively reduces the iterable to a single value.  If initial is\npresent, it is placed before the items of the iterable in the\ncalculation, and serves as a default when the iterable is empty.\n\nFor example, reduce(lambda x, y: x+y, [1, 2, 3, 4, 5])\ncalculates ((((1 + 2) + 3) + 4) + 5)."),
    MethodDef::function("cmp_to_key", 0, 1, compared::cmp_to_key)
        .with_keywords()
        .with_doc("cmp_to_key($module, /, mycmp)\n--\n\nConvert a cmp= function into a key= function.\n\n  mycmp\n    Function that compares two objects."),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    interp::reducing::functions(vm)?;
    compared::add_type(vm, module);
    cached::add_type(vm, module);
    partial::add_types(vm, module)
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature = Signature {
        parameters: ["function", "iterable", "initial"],
        skip: 0,
        positional_only: 2,
        max_positional: 3,
        required: 2,
    };
    let [function, iterable, initial] = args.bind(vm, "reduce", &signature)?;
    if is_exact(iterable, Kind::List) {
        return reduce_list(vm, function, iterable, initial);
    }
    let iterator = match vm.iter(iterable) {
        Ok(iterator) => iterator,
        Err(raised) if vm.is_not_iterable_error(raised, iterable) => {
            return Err(vm.type_error("reduce() arg 2 must support iteration"));
        }
        Err(raised) => return Err(raised),
    };
    let mut total = initial;
    while let Some(element) = vm.next(iterator)? {
        total = if total.is_null() { element } else { vm.call(function, &[total, element])? };
    }
    reduced(vm, total)
}

/// The list may change meanwhile, as under an iterator.
fn reduce_list(vm: &mut Vm, function: Value, list: Value, initial: Value) -> PyResult {
    let mut total = initial;
    let mut index = 0;
    while let Some(&element) = objects::list::items(list).get(index) {
        total = if total.is_null() { element } else { vm.call(function, &[total, element])? };
        index += 1;
    }
    reduced(vm, total)
}

fn reduced(vm: &mut Vm, total: Value) -> PyResult {
    if total.is_null() {
        return Err(vm.type_error("reduce() of empty iterable with no initial value"));
    }
    Ok(total)
}
