//! Sets against a model.

use super::{len, next};
use crate::protocol::number::BinaryOp;
use crate::testing::{Random, error, repr, with_vms};
use crate::vm::Vm;
use heap::Value;
use std::collections::BTreeSet;

fn int(i: i64) -> Value {
    Value::from_int(i)
}

fn set_of(vm: &mut Vm, model: &BTreeSet<i64>, frozen: bool) -> Value {
    let set = if frozen { vm.new_frozenset() } else { vm.new_set() };
    for &i in model {
        vm.set_add(set, int(i)).unwrap();
    }
    set
}

fn model_of(set: Value) -> BTreeSet<i64> {
    let mut position = 0;
    let mut model = BTreeSet::new();
    while let Some(element) = next(set, &mut position) {
        assert!(model.insert(element.as_int()), "an element twice");
    }
    assert_eq!(len(set), model.len());
    model
}

#[test]
fn operators_and_methods_agree_with_a_model() {
    with_vms(|vm| {
        let mut random = Random(5);
        for round in 0..60 {
            let mut model = || -> BTreeSet<i64> {
                let bound = 1 + random.below(25);
                (0..random.below(20)).map(|_| random.below(bound) as i64).collect()
            };
            let (a, b) = (model(), model());
            let (left, right) = (set_of(vm, &a, round % 2 == 0), set_of(vm, &b, round % 3 == 0));
            let list = vm.collect_list(right).unwrap();
            let expected: [(BinaryOp, &str, BTreeSet<i64>); 4] = [
                (BinaryOp::Or, "union", &a | &b),
                (BinaryOp::And, "intersection", &a & &b),
                (BinaryOp::Subtract, "difference", &a - &b),
                (BinaryOp::Xor, "symmetric_difference", &a ^ &b),
            ];
            for (operator, method, expected) in expected {
                let result = vm.binary_op(operator, left, right).unwrap();
                assert_eq!(model_of(result), expected, "{method}");
                assert_eq!(vm.type_of(result), vm.type_of(left));
                for other in [right, list] {
                    let result = vm.call_method(left, method, &[other]).unwrap();
                    assert_eq!(model_of(result), expected, "{method}");
                }
                let changed = set_of(vm, &a, false);
                let update = if method == "union" { "update".to_string() } else { format!("{method}_update") };
                vm.call_method(changed, &update, &[list]).unwrap();
                assert_eq!(model_of(changed), expected, "{update}");
            }
            for (method, expected) in
                [("issubset", a.is_subset(&b)), ("issuperset", a.is_superset(&b)), ("isdisjoint", a.is_disjoint(&b))]
            {
                for other in [right, list] {
                    let result = vm.call_method(left, method, &[other]).unwrap();
                    assert_eq!(result, vm.bool(expected), "{method}");
                }
            }
            assert_eq!(vm.eq(left, right).unwrap(), a == b);
            let (frozen_a, frozen_b) = (set_of(vm, &a, true), set_of(vm, &a, true));
            assert_eq!(vm.hash(frozen_a).unwrap(), vm.hash(frozen_b).unwrap());
        }
    });
}

#[test]
fn adding_discarding_and_taking() {
    with_vms(|vm| {
        let mut random = Random(6);
        let set = vm.new_set();
        let mut model = BTreeSet::new();
        for _ in 0..1500 {
            let i = random.below(120) as i64;
            match random.below(5) {
                0..3 => {
                    vm.set_add(set, int(i)).unwrap();
                    model.insert(i);
                }
                3 => assert_eq!(vm.set_discard(set, int(i)).unwrap(), model.remove(&i)),
                _ if !model.is_empty() => {
                    let taken = vm.call_method(set, "pop", &[]).unwrap();
                    assert!(model.remove(&taken.as_int()));
                }
                _ => {}
            }
            assert_eq!(vm.set_contains(set, int(i)).unwrap(), model.contains(&i));
        }
        assert_eq!(model_of(set), model);
    });
}

#[test]
fn reprs_and_errors() {
    with_vms(|vm| {
        let empty = vm.new_set();
        assert_eq!(repr(vm, empty), "set()");
        let frozen = set_of(vm, &BTreeSet::from([1, 2]), true);
        assert_eq!(repr(vm, frozen), "frozenset({1, 2})");
        vm.set_add(empty, frozen).unwrap();
        assert_eq!(repr(vm, empty), "{frozenset({1, 2})}");
        // A set is looked for as the frozenset of its elements.
        let thawed = set_of(vm, &BTreeSet::from([1, 2]), false);
        assert!(vm.contains(empty, thawed).unwrap());
        let list = vm.new_list(&[]);
        let raised = vm.set_add(empty, list).unwrap_err();
        assert_eq!(error(vm, raised), "TypeError: cannot use 'list' as a set element (unhashable type: 'list')");
        let raised = vm.call_method(empty, "remove", &[int(1)]).unwrap_err();
        assert_eq!(error(vm, raised), "KeyError: 1");
        let raised = vm.binary_op(BinaryOp::Or, empty, list).unwrap_err();
        assert_eq!(error(vm, raised), "TypeError: unsupported operand type(s) for |: 'set' and 'list'");
    });
}

/// `order.txt` is what CPython 3.14 prints for the same steps.
#[test]
fn elements_come_in_the_order_of_cpython() {
    with_vms(|vm| {
        let mut random = Random(11);
        let mut expected = include_str!("order.txt").lines();
        let mut check = |vm: &mut Vm, iterable: Value| {
            let mut texts = Vec::new();
            let list = vm.collect_list(iterable).unwrap();
            for &element in crate::list::items(list) {
                texts.push(repr(vm, element));
            }
            assert_eq!(texts.join(" "), expected.next().unwrap());
        };
        fn ints(vm: &mut Vm, random: &mut Random) -> Value {
            let bound = 1 + random.below(1000);
            let set = vm.new_set();
            for _ in 0..random.below(60) {
                vm.set_add(set, int(random.below(bound) as i64 - 20)).unwrap();
            }
            set
        }
        for _ in 0..40 {
            let a = ints(vm, &mut random);
            let b = ints(vm, &mut random);
            check(vm, a);
            check(vm, b);
            for (operator, left, right) in [
                (BinaryOp::Or, a, b),
                (BinaryOp::And, a, b),
                (BinaryOp::Subtract, a, b),
                (BinaryOp::Subtract, b, a),
                (BinaryOp::Xor, a, b),
            ] {
                let result = vm.binary_op(operator, left, right).unwrap();
                check(vm, result);
            }
            let list = vm.collect_list(b).unwrap();
            vm.call_method(a, "update", &[list]).unwrap();
            check(vm, a);
            let some = crate::testing::int_list(vm, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
            vm.call_method(a, "difference_update", &[some]).unwrap();
            check(vm, a);
            vm.call_method(b, "symmetric_difference_update", &[a]).unwrap();
            check(vm, b);
            vm.set_discard(b, int(5)).unwrap();
            vm.set_add(b, int(1 << 40)).unwrap();
            check(vm, b);
            let taken = vm.new_list(&[]);
            for _ in 0..len(b).min(3) {
                let element = vm.call_method(b, "pop", &[]).unwrap();
                vm.list_append(taken, element);
            }
            check(vm, taken);
            let list = vm.collect_list(a).unwrap();
            let common = vm.call_method(b, "intersection", &[list]).unwrap();
            check(vm, common);
            let dict = vm.new_dict();
            for &key in crate::list::items(list) {
                vm.dict_set(dict, key, int(0)).unwrap();
            }
            let set = vm.types.set.value();
            let keys = vm.call(set, &[dict]).unwrap();
            check(vm, keys);
            let both = vm.binary_op(BinaryOp::Or, keys, b).unwrap();
            let (x, y) = (vm.float(1.5), vm.float(2.5));
            let floats = vm.new_list(&[x, y]);
            let all = vm.call_method(both, "union", &[floats]).unwrap();
            check(vm, all);
        }
    });
}
