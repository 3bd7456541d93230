//! Module `_collections`.

mod default_dict;
mod deque;

use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::protocol::number::BinaryOp;
use objects::ty::flags;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_collections",
    doc: "High performance data structures.\n- deque:        ordered collection accessible from endpoints only\n- defaultdict:  dict subclass with a default value factory",
    functions: FUNCTIONS,
    init,
};

static FUNCTIONS: &[MethodDef] = &[MethodDef::function("_count_elements", 2, 2, count_elements).with_doc(
    "_count_elements($module, mapping, iterable, /)\n--\n\nCount elements in the iterable, updating the mapping",
)];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    deque::add_types(vm, module);
    default_dict::add_type(vm, module);
    let getter = objects::tuple_getter::class(vm);
    vm.module_set(module, "_tuplegetter", getter.value());
    Ok(())
}

/// Counts in a dictionary directly where neither `get` nor `__setitem__` is overridden.
fn count_elements(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (mapping, iterable) = (args.values[0], args.values[1]);
    let one = Value::from_int(1);
    if counts_plainly(vm, mapping) {
        vm.for_each(iterable, |vm, element| {
            let hash = vm.dict_hash(element)?;
            let count = match vm.dict_get_hashed(mapping, element, hash)? {
                Some(count) => vm.binary_op(BinaryOp::Add, count, one)?,
                None => one,
            };
            vm.dict_set_hashed(mapping, element, hash, count)
        })?;
    } else {
        let get = vm.getattr_str(mapping, "get")?;
        vm.for_each(iterable, |vm, element| {
            let count = vm.call(get, &[element, Value::from_int(0)])?;
            let count = vm.binary_op(BinaryOp::Add, count, one)?;
            vm.setitem(mapping, element, count)
        })?;
    }
    Ok(vm.none)
}

fn counts_plainly(vm: &mut Vm, mapping: Value) -> bool {
    let ty = vm.type_of(mapping);
    if !ty.has(flags::DICT) {
        return false;
    }
    let dict = vm.types.dict;
    ["get", "__setitem__"].iter().all(|name| {
        let name = vm.intern(name);
        vm.find_in_mro(ty, name).is_some_and(|(_, owner)| owner == dict)
    })
}
