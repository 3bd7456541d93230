//! Lists against a model.

use super::items;
use crate::testing::{Random, error, int_list, ints, repr, with_vms};
use crate::vm::Vm;
use heap::Value;

fn int(i: i64) -> Value {
    Value::from_int(i)
}

fn slice_of(vm: &mut Vm, parts: [Option<i64>; 3]) -> Value {
    let none = vm.none;
    let [start, stop, step] = parts.map(|part| part.map_or(none, int));
    vm.new_slice(start, stop, step)
}

#[test]
fn appending_inserting_and_removing() {
    with_vms(|vm| {
        let mut random = Random(1);
        let list = vm.new_list(&[]);
        let mut model: Vec<i64> = Vec::new();
        for step in 0..600 {
            match random.below(4) {
                0 | 1 => {
                    vm.list_append(list, int(step));
                    model.push(step);
                }
                2 => {
                    let at = random.below(model.len() + 1);
                    vm.list_insert(list, at, int(step));
                    model.insert(at, step);
                }
                _ if !model.is_empty() => {
                    let at = random.below(model.len());
                    assert_eq!(vm.list_remove(list, at).as_int(), model.remove(at));
                }
                _ => {}
            }
            assert_eq!(ints(items(list)), model);
        }
    });
}

#[test]
fn slices_are_read_assigned_and_deleted() {
    with_vms(|vm| {
        let mut random = Random(2);
        for _ in 0..400 {
            let len = random.below(9);
            let model: Vec<i64> = (0..len as i64).collect();
            let list = int_list(vm, &model);
            let mut bound = || match random.below(14) {
                0 => None,
                i => Some(i as i64 - 7),
            };
            let (start, stop) = (bound(), bound());
            let step = [None, Some(1), Some(2), Some(3), Some(-1), Some(-2)][random.below(6)];
            let key = slice_of(vm, [start, stop, step]);
            let picked = pick(&model, start, stop, step.unwrap_or(1));
            let part = vm.getitem(list, key).unwrap();
            assert_eq!(ints(items(part)), picked, "{start:?}:{stop:?}:{step:?} of {len}");

            let kept: Vec<i64> = model.iter().copied().filter(|i| !picked.contains(i)).collect();
            vm.delitem(list, key).unwrap();
            assert_eq!(ints(items(list)), kept, "del {start:?}:{stop:?}:{step:?} of {len}");

            let list = int_list(vm, &model);
            let new: Vec<i64> = (100..100 + picked.len() as i64).collect();
            let values = int_list(vm, &new);
            vm.setitem(list, key, values).unwrap();
            let part = vm.getitem(list, key).unwrap();
            assert_eq!(ints(items(part)), new);
            assert_eq!(items(list).len(), len);
        }
    });
}

/// What Python's slicing picks, by its definition.
fn pick(model: &[i64], start: Option<i64>, stop: Option<i64>, step: i64) -> Vec<i64> {
    let len = model.len() as i64;
    let fix = |i: i64| if i < 0 { i + len } else { i };
    let mut picked = Vec::new();
    if step > 0 {
        let mut i = fix(start.unwrap_or(0)).max(0);
        let stop = fix(stop.unwrap_or(len)).min(len);
        while i < stop {
            picked.push(model[i as usize]);
            i += step;
        }
    } else {
        let mut i = start.map_or(len - 1, fix).min(len - 1);
        let stop = stop.map_or(-1, |stop| fix(stop).max(-1));
        while i > stop {
            picked.push(model[i as usize]);
            i += step;
        }
    }
    picked
}

#[test]
fn a_slice_of_another_length_moves_what_follows() {
    with_vms(|vm| {
        for (start, stop, count) in [(1, 3, 0), (1, 3, 5), (0, 0, 2), (4, 4, 1), (0, 4, 1), (2, 1, 2)] {
            let mut model = vec![0, 1, 2, 3];
            let list = int_list(vm, &model);
            let new: Vec<i64> = (10..10 + count).collect();
            let values = int_list(vm, &new);
            let key = slice_of(vm, [Some(start), Some(stop), None]);
            vm.setitem(list, key, values).unwrap();
            let stop = stop.max(start);
            model.splice(start as usize..stop as usize, new);
            assert_eq!(ints(items(list)), model);
        }
        // A list assigned to a slice of itself is read first.
        let list = int_list(vm, &[1, 2, 3]);
        let key = slice_of(vm, [Some(1), Some(1), None]);
        vm.setitem(list, key, list).unwrap();
        assert_eq!(ints(items(list)), [1, 1, 2, 3, 2, 3]);
    });
}

#[test]
fn sorting_is_stable_both_ways() {
    with_vms(|vm| {
        let mut random = Random(3);
        for len in [0, 1, 2, 5, 40, 70, 200] {
            // Pairs are tuples: the general comparison. Equal first elements are told apart by identity of the second.
            let mut pairs: Vec<(i64, i64)> = (0..len).map(|i| (random.below(8) as i64, i)).collect();
            for reverse in [false, true] {
                let list = int_list(vm, &pairs.iter().map(|pair| pair.0).collect::<Vec<_>>());
                vm.list_sort(list, Value::NULL, reverse).unwrap();
                let mut firsts: Vec<i64> = pairs.iter().map(|pair| pair.0).collect();
                firsts.sort();
                if reverse {
                    firsts.reverse();
                }
                assert_eq!(ints(items(list)), firsts);

                let list = vm.new_list(&[]);
                for &(a, b) in &pairs {
                    let pair = vm.new_tuple(&[int(a), int(b)]);
                    vm.list_append(list, pair);
                }
                vm.list_sort(list, Value::NULL, reverse).unwrap();
                let mut sorted = pairs.clone();
                sorted.sort();
                if reverse {
                    sorted.reverse();
                }
                let got: Vec<(i64, i64)> = items(list)
                    .iter()
                    .map(|&pair| (crate::tuple::items(pair)[0].as_int(), crate::tuple::items(pair)[1].as_int()))
                    .collect();
                assert_eq!(got, sorted);
            }
            pairs.sort();
        }
    });
}

#[test]
fn sorting_strings_and_floats() {
    with_vms(|vm| {
        let list = vm.new_list(&[]);
        for word in ["pear", "apple", "", "\u{1F600}", "zebra", "äther", "apple pie"] {
            let word = vm.new_str(word);
            vm.list_append(list, word);
        }
        vm.list_sort(list, Value::NULL, false).unwrap();
        assert_eq!(repr(vm, list), "['', 'apple', 'apple pie', 'pear', 'zebra', 'äther', '\u{1F600}']");
        let list = vm.new_list(&[]);
        for x in [2.5, -1.0, 0.0, 1e300, -1e300, 1.0] {
            let x = vm.float(x);
            vm.list_append(list, x);
        }
        vm.list_append(list, int(1));
        vm.list_sort(list, Value::NULL, true).unwrap();
        assert_eq!(repr(vm, list), "[1e+300, 2.5, 1.0, 1, 0.0, -1.0, -1e+300]");
    });
}

#[test]
fn errors_leave_a_list_whole() {
    with_vms(|vm| {
        let text = vm.new_str("x");
        let list = vm.new_list(&[int(2), text, int(1)]);
        let raised = vm.list_sort(list, Value::NULL, false).unwrap_err();
        assert_eq!(error(vm, raised), "TypeError: '<' not supported between instances of 'str' and 'int'");
        assert_eq!(items(list).len(), 3);
        let raised = vm.getitem(list, int(3)).unwrap_err();
        assert_eq!(error(vm, raised), "IndexError: list index out of range");
        let raised = vm.getitem(list, text).unwrap_err();
        assert_eq!(error(vm, raised), "TypeError: list indices must be integers or slices, not str");
        let empty = vm.new_list(&[]);
        let raised = vm.call_method(empty, "pop", &[]).unwrap_err();
        assert_eq!(error(vm, raised), "IndexError: pop from empty list");
        let raised = vm.call_method(list, "remove", &[int(7)]).unwrap_err();
        assert_eq!(error(vm, raised), "ValueError: list.remove(x): x not in list");
    });
}

#[test]
fn a_list_in_itself_has_a_repr() {
    with_vms(|vm| {
        let list = int_list(vm, &[1]);
        vm.list_append(list, list);
        let tuple = vm.new_tuple(&[list]);
        assert_eq!(repr(vm, tuple), "([1, [...]],)");
    });
}

#[test]
fn operators() {
    with_vms(|vm| {
        use crate::protocol::number::BinaryOp;
        let a = int_list(vm, &[1, 2]);
        let b = int_list(vm, &[3]);
        let both = vm.binary_op(BinaryOp::Add, a, b).unwrap();
        assert_eq!(repr(vm, both), "[1, 2, 3]");
        let many = vm.binary_op(BinaryOp::Multiply, int(3), a).unwrap();
        assert_eq!(repr(vm, many), "[1, 2, 1, 2, 1, 2]");
        let none = vm.binary_op(BinaryOp::Multiply, a, int(-1)).unwrap();
        assert_eq!(repr(vm, none), "[]");
        let tuple = vm.new_tuple(&[]);
        let raised = vm.binary_op(BinaryOp::Add, a, tuple).unwrap_err();
        assert_eq!(error(vm, raised), "TypeError: can only concatenate list (not \"tuple\") to list");
        assert!(vm.contains(a, int(2)).unwrap() && !vm.contains(a, int(5)).unwrap());
        let less = vm.compare_bool(a, b, crate::slots::CompareOp::Lt).unwrap();
        assert!(less);
    });
}

#[test]
fn a_large_list_survives_collections() {
    with_vms(|vm| {
        let list = vm.new_list(&[]);
        for i in 0..3000 {
            let item = vm.new_tuple(&[int(i)]);
            vm.list_append(list, item);
        }
        vm.thread.heap.collect_full();
        for (i, &item) in items(list).iter().enumerate() {
            assert_eq!(crate::tuple::items(item)[0].as_int(), i as i64);
        }
    });
}
