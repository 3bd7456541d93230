//! Attribute lookup: instances, classes, descriptors, plans.

use super::*;
use crate::attribute::{AttributePlan, StorePlan};

static ANSWER: MethodDef = MethodDef::method("answer", 1, 1, |_, _| Ok(Value::from_int(42)));
static ECHO: MethodDef = MethodDef::method("echo", 1, 2, |_, args| Ok(*args.values.last().expect("the receiver")));

#[test]
fn instance_attributes_overflow_and_turn_into_a_dictionary() {
    with_vms(|vm| {
        let c = class(vm, "C", &[vm.types.object], &[]);
        let object = instantiate(vm, c);
        for i in 0..40 {
            set(vm, object, &format!("a{i}"), i);
        }
        for i in 0..40 {
            assert_eq!(get(vm, object, &format!("a{i}")), Value::from_int(i));
        }
        vm.thread.heap.collect_full();
        let dict = get(vm, object, "__dict__");
        assert_eq!(vm.dict_len(dict), 40);
        set(vm, object, "b", 1);
        assert_eq!(vm.dict_len(dict), 41);
        assert_eq!(get(vm, object, "a39"), Value::from_int(39));
        let name = vm.intern("a3");
        vm.delattr(object, name).unwrap();
        assert_eq!(vm.getattr_opt(object, name).unwrap(), None);
    });
}

#[test]
fn deletion_keeps_order() {
    with_vms(|vm| {
        let c = class(vm, "C", &[vm.types.object], &[]);
        let object = instantiate(vm, c);
        for (i, name) in ["a", "b", "c", "d", "e", "f"].iter().enumerate() {
            set(vm, object, name, i as i64);
        }
        let b = vm.intern("b");
        vm.delattr(object, b).unwrap();
        set(vm, object, "b", 9);
        let dict = crate::instance::snapshot(vm, object);
        assert_eq!(repr(vm, dict), "{'a': 0, 'c': 2, 'd': 3, 'e': 4, 'f': 5, 'b': 9}");
    });
}

#[test]
fn many_shapes_go_to_dictionary_mode() {
    with_vms(|vm| {
        let c = class(vm, "C", &[vm.types.object], &[]);
        for i in 0..200 {
            let object = instantiate(vm, c);
            set(vm, object, &format!("n{i}"), i);
            set(vm, object, "last", i);
            assert_eq!(get(vm, object, &format!("n{i}")), Value::from_int(i));
            assert_eq!(get(vm, object, "last"), Value::from_int(i));
        }
    });
}

#[test]
fn plans_follow_the_class() {
    with_vms(|vm| {
        let method = function(vm, &ANSWER);
        let c = class(vm, "C", &[vm.types.object], &[("answer", method), ("constant", Value::from_int(5))]);
        let mut object = Value::NULL;
        for _ in 0..10 {
            object = instantiate(vm, c);
            set(vm, object, "x", 1);
        }
        let shape = vm.shape_of(object);
        let [x, answer, constant, y] = ["x", "answer", "constant", "y"].map(|name| vm.intern(name));
        assert!(matches!(vm.attribute_plan(shape, x).result, AttributePlan::Inline(field) if field.offset == 16));
        assert!(matches!(vm.attribute_plan(shape, answer).result, AttributePlan::Method(_)));
        assert!(matches!(vm.attribute_plan(shape, constant).result, AttributePlan::Constant(_)));
        assert!(matches!(vm.attribute_plan(shape, y).result, AttributePlan::Generic));
        assert!(matches!(vm.store_plan(shape, x).result, StorePlan::Inline(_)));
        assert!(matches!(vm.store_plan(shape, constant).result, StorePlan::Generic));
        let root = c.data().shape.get().unwrap();
        let StorePlan::Transition { shape: next, .. } = *vm.store_plan(root, x).result else { panic!("a transition") };
        assert_eq!(next, shape.id);
        // An attribute of the class that is set for the first time ends its version.
        vm.setattr_str(c.value(), "y", Value::from_int(8)).unwrap();
        assert!(matches!(vm.attribute_plan(shape, y).result, AttributePlan::Constant(_)));
        assert_eq!(get(vm, object, "y"), Value::from_int(8));
        // One that is set again and again is looked up each time.
        for i in 0..5 {
            set(vm, c.value(), "y", i);
            assert_eq!(get(vm, object, "y"), Value::from_int(i));
            assert_eq!(get(vm, c.value(), "y"), Value::from_int(i));
        }
        assert!(matches!(vm.attribute_plan(shape, y).result, AttributePlan::Generic));
    });
}

#[test]
fn floats_are_unboxed_until_something_else_comes() {
    with_vms(|vm| {
        let c = class(vm, "C", &[vm.types.object], &[]);
        let [x, y] = ["x", "y"].map(|name| vm.intern(name));
        let make = |vm: &mut Vm, i: i64| {
            let object = instantiate(vm, c);
            for name in [x, y] {
                let value = vm.float(i as f64 + 0.5);
                vm.setattr(object, name, value).unwrap();
            }
            object
        };
        let objects: Vec<_> = (0..10)
            .map(|i| {
                let object = make(vm, i);
                vm.keep(object)
            })
            .collect();
        let (first, last) = (vm.handle(objects[8]), vm.handle(objects[9]));
        let shape = vm.shape_of(last);
        assert_eq!((shape.floats, shape.is_deprecated.get()), (0b1100, false));
        assert_eq!(vm.thread.heap.layout(shape.id).refs, heap::RefMask::Bits(0b10));
        assert!(matches!(vm.attribute_plan(shape, x).result, AttributePlan::Float(field) if field.offset == 16));
        assert!(matches!(vm.store_plan(shape, y).result, StorePlan::Float(field) if field.offset == 24));
        let root = c.data().shape.get().unwrap();
        assert!(matches!(vm.store_plan(root, x).result, StorePlan::FloatTransition { .. }));
        // Another value of one attribute in one instance: the others move when they are touched.
        vm.setattr(last, x, vm.none).unwrap();
        assert_eq!((vm.shape_of(last).floats, get(vm, last, "x")), (0b1000, vm.none));
        assert!(shape.is_deprecated.get() && vm.shape_of(first).id == shape.id);
        assert!(matches!(vm.attribute_plan(shape, y).result, AttributePlan::Generic));
        assert!(matches!(vm.store_plan(root, x).result, StorePlan::Transition { .. }));
        crate::representation::up_to_date(vm, first);
        assert_eq!(vm.shape_of(first).id, vm.shape_of(last).id);
        vm.thread.heap.collect_full();
        let (first, third) = (vm.handle(objects[8]), vm.handle(objects[2]));
        for (object, expected) in [(first, 8.5), (third, 2.5)] {
            for name in ["x", "y"] {
                let value = get(vm, object, name);
                assert_eq!(crate::representation::exact_float(value), Some(expected));
            }
        }
        let later = make(vm, 3);
        assert_eq!(vm.shape_of(later).floats, 0b1000);
    });
}

#[test]
fn many_changes_of_representation_end() {
    with_vms(|vm| {
        let c = class(vm, "C", &[vm.types.object], &[]);
        let object = instantiate(vm, c);
        for i in 0..300 {
            let name = vm.intern(&format!("n{i}"));
            let value = vm.float(i as f64);
            vm.setattr(object, name, value).unwrap();
            vm.setattr(object, name, Value::from_int(i)).unwrap();
            assert_eq!(get(vm, object, &format!("n{i}")), Value::from_int(i));
            vm.delattr(object, name).unwrap();
        }
        let shapes = vm.shapes.iter().filter(|shape| shape.ty == c).count();
        assert!(shapes < 300, "{shapes} shapes");
    });
}

#[test]
fn changes_reach_subclasses() {
    with_vms(|vm| {
        let a = class(vm, "A", &[vm.types.object], &[]);
        let b = class(vm, "B", &[a], &[]);
        let object = instantiate(vm, b);
        let name = vm.intern("late");
        assert_eq!(vm.getattr_opt(object, name).unwrap(), None);
        let method = function(vm, &ANSWER);
        vm.setattr(a.value(), name, method).unwrap();
        let bound = get(vm, object, "late");
        assert_eq!(call(vm, bound, &[]), Value::from_int(42));
        vm.delattr(a.value(), name).unwrap();
        assert_eq!(vm.getattr_opt(object, name).unwrap(), None);
    });
}

#[test]
fn descriptors() {
    with_vms(|vm| {
        let getter = function(vm, &ANSWER);
        let property = call(vm, vm.types.property.value(), &[getter]);
        let echo = function(vm, &ECHO);
        let class_method = vm.new_class_method(echo);
        let static_method = vm.new_static_method(echo);
        let attributes = [("p", property), ("cm", class_method), ("sm", static_method)];
        let c = class(vm, "C", &[vm.types.object], &attributes);
        let object = instantiate(vm, c);
        assert_eq!(get(vm, object, "p"), Value::from_int(42));
        let result = vm.setattr_str(object, "p", Value::from_int(1));
        assert_eq!(error(vm, result), "AttributeError: property 'p' of 'C' object has no setter");
        let method = get(vm, object, "cm");
        assert_eq!(call(vm, method, &[]), c.value());
        let method = get(vm, object, "sm");
        assert_eq!(call(vm, method, &[Value::from_int(3)]), Value::from_int(3));
        let name = vm.intern("p");
        let found = vm.getattr(c.value(), name).unwrap();
        assert_eq!(found, property);
    });
}

#[test]
fn super_finds_the_next_class() {
    with_vms(|vm| {
        let a = class(vm, "A", &[vm.types.object], &[("x", Value::from_int(1))]);
        let b = class(vm, "B", &[a], &[("x", Value::from_int(2))]);
        let object = instantiate(vm, b);
        let parent = call(vm, vm.types.super_.value(), &[b.value(), object]);
        assert_eq!(get(vm, parent, "x"), Value::from_int(1));
        let result = vm.getattr_str(parent, "y");
        assert_eq!(error(vm, result), "AttributeError: 'super' object has no attribute 'y'");
    });
}

#[test]
fn errors_of_attribute_access() {
    with_vms(|vm| {
        let result = vm.getattr_str(Value::from_int(1), "nope");
        assert_eq!(error(vm, result), "AttributeError: 'int' object has no attribute 'nope'");
        let result = vm.getattr_str(vm.types.int.value(), "nope");
        assert_eq!(error(vm, result), "AttributeError: type object 'int' has no attribute 'nope'");
        let result = vm.setattr_str(vm.types.int.value(), "x", vm.none);
        assert_eq!(error(vm, result), "TypeError: cannot set 'x' attribute of immutable type 'int'");
        let object = instantiate(vm, vm.types.object);
        let result = vm.setattr_str(object, "x", vm.none);
        assert_eq!(
            error(vm, result),
            "AttributeError: 'object' object has no attribute 'x' and no __dict__ for setting new attributes"
        );
        let module = vm.new_module("m");
        let result = vm.getattr_str(module, "x");
        assert_eq!(error(vm, result), "AttributeError: module 'm' has no attribute 'x'");
        assert_eq!(repr(vm, module), "<module 'm'>");
    });
}

#[test]
fn weak_references() {
    with_vms(|vm| {
        let c = class(vm, "C", &[vm.types.object], &[]);
        let object = instantiate(vm, c);
        let reference = call(vm, vm.types.weakref.value(), &[object]);
        assert_eq!(call(vm, reference, &[]), object);
        let again = call(vm, vm.types.weakref.value(), &[object]);
        assert_eq!(again, reference);
        let result = vm.call(vm.types.weakref.value(), &[Value::from_int(3)]);
        assert_eq!(error(vm, result), "TypeError: cannot create weak reference to 'int' object");
    });
}
