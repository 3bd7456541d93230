//! Module `_weakref`.

use heap::Value;
use objects::args::MethodDef;
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::vm::Vm;
use objects::weakref;

pub static MODULE: ModuleDef =
    ModuleDef { name: "_weakref", doc: "Weak-reference support module.", functions: FUNCTIONS, init };

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("getweakrefcount", 1, 1, |vm, args| {
        let count = if args.values[0].is_object() { weakref::references(vm, args.values[0]).len } else { 0 };
        Ok(vm.int(count as i64))
    })
    .with_doc("getweakrefcount($module, object, /)\n--\n\nReturn the number of weak references to 'object'."),
    MethodDef::function("getweakrefs", 1, 1, |vm, args| {
        let list = vm.new_list(&[]);
        if args.values[0].is_object() {
            for &reference in weakref::references(vm, args.values[0]).as_slice() {
                vm.list_append(list, reference);
            }
        }
        Ok(list)
    })
    .with_doc("getweakrefs($module, object, /)\n--\n\nReturn a list of all weak reference objects pointing to 'object'."),
    MethodDef::function("proxy", 1, 2, |vm, args| {
        weakref::proxy::new_proxy(vm, args.values[0], args.get(1).unwrap_or(Value::NULL))
    })
    .with_doc("proxy($module, object, callback=None, /)\n--\n\nCreate a proxy object that weakly references 'object'.\n\n'callback', if given, is called with a reference to the\nproxy when 'object' is about to be finalized."),
    MethodDef::function("_remove_dead_weakref", 2, 2, |vm, args| {
        let (dict, key) = (args.values[0], args.values[1]);
        if let Some(reference) = vm.dict_get(dict, key)? {
            let is_reference = vm.type_of(reference).is_subtype(vm.types.weakref);
            if !is_reference {
                return Err(vm.type_error("not a weakref"));
            }
            if weakref::referent(reference).is_null() {
                vm.dict_del(dict, key)?;
            }
        }
        Ok(vm.none)
    })
    .with_doc("_remove_dead_weakref($module, dct, key, /)\n--\n\nAtomically remove key from dict if it points to a dead weakref."),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let types = [
        ("ref", vm.types.weakref),
        ("ReferenceType", vm.types.weakref),
        ("ProxyType", vm.types.weak_proxy),
        ("CallableProxyType", vm.types.weak_callable_proxy),
    ];
    for (name, ty) in types {
        vm.module_set(module, name, ty.value());
    }
    Ok(())
}
