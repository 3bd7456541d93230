//! Class creation: MRO, layout, slots, metaclasses.

use super::*;
use crate::ty::flags;

#[test]
fn mro_is_c3() {
    with_vms(|vm| {
        let object = vm.types.object;
        let a = class(vm, "A", &[object], &[]);
        let b = class(vm, "B", &[a], &[]);
        let c = class(vm, "C", &[a], &[]);
        let d = class(vm, "D", &[b, c], &[]);
        assert_eq!(*d.data().mro.borrow(), [d, b, c, a, object]);
        let result = try_class(vm, "E", &[a, b], &[]);
        assert_eq!(
            error(vm, result),
            "TypeError: Cannot create a consistent method resolution order (MRO) for bases A, B"
        );
        let result = try_class(vm, "E", &[a, a], &[]);
        assert_eq!(error(vm, result), "TypeError: duplicate base class A");
    });
}

#[test]
fn final_types_and_layout_conflicts() {
    with_vms(|vm| {
        let result = try_class(vm, "B", &[vm.types.bool_], &[]);
        assert_eq!(error(vm, result), "TypeError: type 'bool' is not an acceptable base type");
        let result = try_class(vm, "B", &[vm.types.list, vm.types.dict], &[]);
        assert_eq!(error(vm, result), "TypeError: multiple bases have instance lay-out conflict");
    });
}

#[test]
fn slotted_instances_are_small() {
    with_vms(|vm| {
        let slots = strs(vm, &["x", "y"]);
        let point = class(vm, "Point", &[vm.types.object], &[("__slots__", slots)]);
        let p = instantiate(vm, point);
        assert_eq!(vm.shape_of(p).bytes(), 24);
        set(vm, p, "x", 1);
        set(vm, p, "y", 2);
        assert_eq!(get(vm, p, "y"), Value::from_int(2));
        let result = vm.setattr_str(p, "z", Value::from_int(3));
        assert_eq!(
            error(vm, result),
            "AttributeError: 'Point' object has no attribute 'z' and no __dict__ for setting new attributes"
        );
        let name = vm.intern("x");
        vm.delattr(p, name).unwrap();
        let result = vm.getattr(p, name);
        assert_eq!(error(vm, result), "AttributeError: 'Point' object has no attribute 'x'");
        let empty = vm.empty_tuple;
        let derived = class(vm, "Derived", &[point], &[("__slots__", empty)]);
        let d = instantiate(vm, derived);
        set(vm, d, "x", 5);
        assert_eq!(get(vm, d, "x"), Value::from_int(5));
    });
}

#[test]
fn plain_instances_settle_at_their_size() {
    with_vms(|vm| {
        let p = class(vm, "P", &[vm.types.object], &[]);
        let mut last = Value::NULL;
        for i in 0..10 {
            last = instantiate(vm, p);
            set(vm, last, "x", i);
            set(vm, last, "y", i + 1);
        }
        assert_eq!(vm.shape_of(last).bytes(), 32);
        assert_eq!(get(vm, last, "x"), Value::from_int(9));
        assert_eq!(get(vm, last, "y"), Value::from_int(10));
    });
}

#[test]
fn subclasses_of_built_in_types_have_attributes() {
    with_vms(|vm| {
        for base in [vm.types.list, vm.types.dict, vm.types.set, vm.types.int, vm.types.str_, vm.types.tuple] {
            let derived = class(vm, "Derived", &[base], &[]);
            let object = instantiate(vm, derived);
            set(vm, object, "a", 7);
            vm.thread.heap.collect_full();
            assert_eq!(get(vm, object, "a"), Value::from_int(7));
            let plain = instantiate(vm, base);
            assert!(vm.eq(object, plain).unwrap());
        }
        let list = class(vm, "L", &[vm.types.list], &[]);
        let l = instantiate(vm, list);
        vm.call_method(l, "append", &[Value::from_int(3)]).unwrap();
        set(vm, l, "a", 1);
        assert_eq!(repr(vm, l), "[3]");
        assert_eq!(vm.len(l).unwrap(), 1);
    });
}

#[test]
fn metaclasses() {
    with_vms(|vm| {
        let meta = class(vm, "Meta", &[vm.types.type_], &[("flag", Value::from_int(1))]);
        assert!(meta.has(flags::TYPE));
        let (name, bases, namespace) = (vm.intern("C"), vm.empty_tuple, vm.new_dict());
        let c = call(vm, meta.value(), &[name, bases, namespace]);
        assert_eq!(vm.type_of(c), meta);
        assert_eq!(get(vm, c, "flag"), Value::from_int(1));
        let derived = class(vm, "D", &[TypeRef::from_value(c)], &[]);
        assert_eq!(vm.type_of(derived.value()), meta);
        let d = instantiate(vm, derived);
        let name = vm.intern("flag");
        assert_eq!(vm.getattr_opt(d, name).unwrap(), None);
        let other = class(vm, "Other", &[vm.types.type_], &[]);
        let namespace = vm.new_dict();
        let bases = vm.new_tuple(&[c]);
        let result = vm.call(other.value(), &[name, bases, namespace]);
        assert!(error(vm, result).starts_with("TypeError: metaclass conflict"));
    });
}

#[test]
fn slot_names_are_checked() {
    with_vms(|vm| {
        let object = vm.types.object;
        let slots = strs(vm, &["x"]);
        let result = try_class(vm, "C", &[object], &[("__slots__", slots), ("x", Value::from_int(1))]);
        assert_eq!(error(vm, result), "ValueError: 'x' in __slots__ conflicts with class variable");
        let slots = strs(vm, &["1x"]);
        let result = try_class(vm, "C", &[object], &[("__slots__", slots)]);
        assert_eq!(error(vm, result), "TypeError: __slots__ must be identifiers");
        let slots = strs(vm, &["x"]);
        let result = try_class(vm, "C", &[vm.types.int], &[("__slots__", slots)]);
        assert_eq!(error(vm, result), "TypeError: nonempty __slots__ not supported for subtype of 'int'");
    });
}

#[test]
fn reprs() {
    with_vms(|vm| {
        assert_eq!(repr(vm, vm.types.int.value()), "<class 'int'>");
        let c = class(vm, "C", &[vm.types.object], &[]);
        assert!(repr(vm, c.value()).ends_with("C'>"));
        let len = get(vm, vm.types.list.value(), "__len__");
        assert_eq!(repr(vm, len), "<slot wrapper '__len__' of 'list' objects>");
        let append = get(vm, vm.types.list.value(), "append");
        assert_eq!(repr(vm, append), "<method 'append' of 'list' objects>");
        let union = vm.binary_op(crate::protocol::number::BinaryOp::Or, vm.types.int.value(), vm.none).unwrap();
        assert_eq!(repr(vm, union), "int | None");
        let alias = vm.getitem(vm.types.list.value(), vm.types.int.value()).unwrap();
        assert_eq!(repr(vm, alias), "list[int]");
    });
}

#[test]
fn class_assignment() {
    with_vms(|vm| {
        let a = class(vm, "A", &[vm.types.object], &[]);
        let b = class(vm, "B", &[vm.types.object], &[("which", Value::from_int(2))]);
        let object = instantiate(vm, a);
        set(vm, object, "x", 1);
        vm.setattr_str(object, "__class__", b.value()).unwrap();
        assert_eq!(vm.type_of(object), b);
        assert_eq!(get(vm, object, "x"), Value::from_int(1));
        assert_eq!(get(vm, object, "which"), Value::from_int(2));
        let list = class(vm, "L", &[vm.types.list], &[]);
        let result = vm.setattr_str(object, "__class__", list.value());
        assert_eq!(error(vm, result), "TypeError: __class__ assignment: 'L' object layout differs from 'B'");
    });
}

#[test]
fn abstract_classes() {
    with_vms(|vm| {
        let c = class(vm, "C", &[vm.types.object], &[]);
        let names = strs(vm, &["run", "stop"]);
        vm.setattr_str(c.value(), "__abstractmethods__", names).unwrap();
        let result = vm.call(c.value(), &[]);
        assert_eq!(
            error(vm, result),
            "TypeError: Can't instantiate abstract class C without an implementation for abstract methods 'run', 'stop'"
        );
    });
}
