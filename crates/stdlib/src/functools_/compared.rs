//! `cmp_to_key`: objects ordered by a function of two.

use crate::support::signature;
use heap::Value;
use objects::args::{CallArgs, GetSetDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::{CompareOp, Slots};
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

layout! {
    /// The key function itself, or, with an object, a key.
    Key {
        compare COMPARE: Value;
        /// NULL in the key function.
        object OBJECT: Value;
    }
}

#[derive(Default)]
struct State {
    ty: Option<TypeRef>,
}

pub(super) fn add_type(vm: &mut Vm, _: Value) {
    let object = vm.types.object;
    let ty = vm.new_builtin_type(
        TypeSpec {
            module: "functools",
            flags: flags::NO_NEW,
            slots: Slots {
                call: Some(call),
                compare: Some(compare),
                hash: Some(objects::object::hash_not_implemented),
                ..Slots::default()
            },
            getset: GETSET,
            ..TypeSpec::of::<Key>("KeyWrapper", Kind::Other)
        },
        object,
    );
    vm.extension::<State>().ty = Some(ty);
}

static GETSET: &[GetSetDef] = &[GetSetDef {
    name: "obj",
    get: |vm, key| match cast::<Key>(key).object.get() {
        Value::NULL => {
            let name = vm.intern("obj");
            Err(vm.attribute_error(key, name))
        }
        object => Ok(object),
    },
    set: Some(|vm, key, object| {
        vm.write(key, &cast::<Key>(key).object, object);
        Ok(())
    }),
    doc: "Value wrapped by a key function.",
}];

fn make(vm: &mut Vm, compare: Value, object: Value) -> Value {
    let ty = vm.extension::<State>().ty.expect("made with the module");
    let key = vm.new_instance(ty);
    cast::<Key>(key).compare.set(compare);
    cast::<Key>(key).object.set(object);
    key
}

pub(super) fn cmp_to_key(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [compare] = args.bind(vm, "cmp_to_key", &signature(["mycmp"], 1))?;
    Ok(make(vm, compare, Value::NULL))
}

fn call(vm: &mut Vm, key: Value, args: &CallArgs) -> PyResult {
    let [object] = args.bind(vm, "K", &signature(["obj"], 1))?;
    Ok(make(vm, cast::<Key>(key).compare.get(), object))
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if vm.type_of(a) != vm.type_of(b) {
        return Err(vm.type_error("other argument must be K instance"));
    }
    let (left, right) = (cast::<Key>(a), cast::<Key>(b));
    if left.object.get().is_null() || right.object.get().is_null() {
        let name = vm.intern("object");
        return Err(vm.attribute_error(a, name));
    }
    let order = vm.call(left.compare.get(), &[left.object.get(), right.object.get()])?;
    vm.compare(order, Value::from_int(0), op)
}
