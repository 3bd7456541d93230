//! Dicts against a model.

use super::{entry, len, next};
use crate::testing::{Random, error, repr, with_vms};
use crate::vm::Vm;
use heap::Value;

fn int(i: i64) -> Value {
    Value::from_int(i)
}

/// A key for a number: ints, strs and tuples in turn, equal for equal numbers.
fn key_of(vm: &mut Vm, number: usize) -> Value {
    match number % 3 {
        0 => int(number as i64 * 7919),
        1 => vm.new_str(&format!("key {number}")),
        _ => {
            let text = vm.new_str(&format!("{number}"));
            vm.new_tuple(&[int(number as i64), text])
        }
    }
}

fn contents(vm: &mut Vm, dict: Value) -> Vec<(String, i64)> {
    let mut position = 0;
    let mut contents = Vec::new();
    while let Some((key, value)) = next(dict, &mut position) {
        contents.push((repr(vm, key), value.as_int()));
    }
    contents
}

fn against_a_model(vm: &mut Vm, keys: usize, steps: usize) {
    let mut random = Random(keys as u64);
    let dict = vm.new_dict();
    let mut model: Vec<(usize, i64)> = Vec::new();
    for step in 0..steps as i64 {
        let number = random.below(keys);
        let key = key_of(vm, number);
        let at = model.iter().position(|&(k, _)| k == number);
        match random.below(8) {
            0..5 => {
                vm.dict_set(dict, key, int(step)).unwrap();
                match at {
                    Some(at) => model[at].1 = step,
                    None => model.push((number, step)),
                }
            }
            5 | 6 => {
                let value = vm.dict_pop(dict, key).unwrap();
                assert_eq!(value.map(Value::as_int), at.map(|at| model.remove(at).1));
            }
            _ if !model.is_empty() => {
                let item = vm.call_method(dict, "popitem", &[]).unwrap();
                let (number, value) = model.pop().unwrap();
                let key = key_of(vm, number);
                let pair = vm.new_tuple(&[key, int(value)]);
                assert_eq!(repr(vm, item), repr(vm, pair));
            }
            _ => {}
        }
        assert_eq!(len(dict), model.len());
        let number = random.below(keys);
        let key = key_of(vm, number);
        let expected = model.iter().find(|&&(k, _)| k == number).map(|&(_, v)| v);
        assert_eq!(vm.dict_get(dict, key).unwrap().map(Value::as_int), expected);
    }
    let expected: Vec<(String, i64)> = model
        .iter()
        .map(|&(number, value)| {
            let key = key_of(vm, number);
            (repr(vm, key), value)
        })
        .collect();
    assert_eq!(contents(vm, dict), expected);
    let copy = vm.dict_copy(dict);
    assert!(vm.eq(copy, dict).unwrap());
    assert_eq!(contents(vm, copy), expected);
}

#[test]
fn few_keys() {
    with_vms(|vm| against_a_model(vm, 6, 300));
}

#[test]
fn some_keys() {
    with_vms(|vm| against_a_model(vm, 60, 1500));
}

#[test]
fn many_keys_with_wide_slots() {
    // One, two and four bytes for a slot.
    with_vms(|vm| {
        let dict = vm.new_dict();
        let count = if vm.thread.heap.stats().minor_collections > 0 { 600 } else { 60_000 };
        for i in 0..count {
            vm.dict_set(dict, int(i), int(i * 2)).unwrap();
        }
        for i in 0..count {
            assert_eq!(vm.dict_get(dict, int(i)).unwrap(), Some(int(i * 2)));
        }
        assert_eq!(vm.dict_get(dict, int(count)).unwrap(), None);
        for i in (0..count).step_by(2) {
            assert!(vm.dict_del(dict, int(i)).unwrap());
        }
        assert_eq!(len(dict) as i64, count / 2);
        let mut position = 0;
        for i in (1..count).step_by(2) {
            assert_eq!(next(dict, &mut position), Some((int(i), int(i * 2))));
        }
        assert_eq!(next(dict, &mut position), None);
    });
}

#[test]
fn taking_and_adding_at_the_end_does_not_fill_the_index() {
    with_vms(|vm| {
        let dict = vm.new_dict();
        for i in 0..20 {
            vm.dict_set(dict, int(i), int(0)).unwrap();
        }
        for i in 20..3000 {
            vm.dict_set(dict, int(i), int(i)).unwrap();
            assert_eq!(vm.dict_pop(dict, int(i)).unwrap(), Some(int(i)));
        }
        assert_eq!(vm.dict_get(dict, int(5000)).unwrap(), None);
        assert_eq!(len(dict), 20);
    });
}

#[test]
fn equal_numbers_are_one_key() {
    with_vms(|vm| {
        let dict = vm.new_dict();
        let one = vm.float(1.0);
        vm.dict_set(dict, int(1), int(10)).unwrap();
        vm.dict_set(dict, one, int(20)).unwrap();
        let true_ = vm.true_;
        vm.dict_set(dict, true_, int(30)).unwrap();
        assert_eq!(repr(vm, dict), "{1: 30}");
        let (zero, minus_zero) = (vm.float(0.0), vm.float(-0.0));
        vm.dict_set(dict, zero, int(1)).unwrap();
        vm.dict_set(dict, minus_zero, int(2)).unwrap();
        assert_eq!(repr(vm, dict), "{1: 30, 0.0: 2}");
    });
}

#[test]
fn errors() {
    with_vms(|vm| {
        let dict = vm.new_dict();
        let list = vm.new_list(&[]);
        let raised = vm.setitem(dict, list, list).unwrap_err();
        assert_eq!(error(vm, raised), "TypeError: cannot use 'list' as a dict key (unhashable type: 'list')");
        let raised = vm.getitem(dict, int(3)).unwrap_err();
        assert_eq!(error(vm, raised), "KeyError: 3");
        let raised = vm.call_method(dict, "popitem", &[]).unwrap_err();
        assert_eq!(error(vm, raised), "KeyError: 'popitem(): dictionary is empty'");
        vm.dict_set(dict, int(1), int(1)).unwrap();
        let iterator = vm.iter(dict).unwrap();
        vm.dict_set(dict, int(2), int(2)).unwrap();
        let raised = vm.next(iterator).unwrap_err();
        assert_eq!(error(vm, raised), "RuntimeError: dictionary changed size during iteration");
    });
}

#[test]
fn views() {
    with_vms(|vm| {
        use crate::protocol::number::BinaryOp;
        let dict = vm.new_dict();
        for (i, name) in ["a", "b", "c"].into_iter().enumerate() {
            vm.dict_set_str(dict, name, int(i as i64));
        }
        let keys = vm.call_method(dict, "keys", &[]).unwrap();
        let items = vm.call_method(dict, "items", &[]).unwrap();
        let values = vm.call_method(dict, "values", &[]).unwrap();
        assert_eq!(repr(vm, keys), "dict_keys(['a', 'b', 'c'])");
        assert_eq!(repr(vm, items), "dict_items([('a', 0), ('b', 1), ('c', 2)])");
        assert_eq!(repr(vm, values), "dict_values([0, 1, 2])");
        let other = vm.new_set();
        for name in ["b", "x"] {
            let name = vm.new_str(name);
            vm.set_add(other, name).unwrap();
        }
        let common = vm.binary_op(BinaryOp::And, keys, other).unwrap();
        assert_eq!(repr(vm, common), "{'b'}");
        let less = vm.binary_op(BinaryOp::Subtract, keys, other).unwrap();
        assert_eq!(repr(vm, less), "{'a', 'c'}");
        let either = vm.binary_op(BinaryOp::Xor, keys, other).unwrap();
        assert_eq!(repr(vm, either), "{'a', 'c', 'x'}");
        let pair = crate::tuple::items(vm.next_of(items));
        assert_eq!(pair[1], int(0));
        let reversed = vm.call_method(dict, "__reversed__", &[]).unwrap();
        let reversed = vm.collect_list(reversed).unwrap();
        assert_eq!(repr(vm, reversed), "['c', 'b', 'a']");
    });
}

impl Vm {
    fn next_of(&mut self, iterable: Value) -> Value {
        let iterator = self.iter(iterable).unwrap();
        self.next(iterator).unwrap().unwrap()
    }
}

#[test]
fn entries_have_stable_numbers_until_they_move() {
    with_vms(|vm| {
        let dict = vm.new_dict();
        vm.dict_set_str(dict, "x", int(1));
        vm.dict_set_str(dict, "y", int(2));
        vm.dict_set_str(dict, "x", int(3));
        assert_eq!(entry(dict, 0).unwrap().1, int(3));
        assert_eq!(entry(dict, 1).unwrap().1, int(2));
        assert!(vm.dict_del_str(dict, "x"));
        assert_eq!(entry(dict, 0), None);
        assert_eq!(entry(dict, 1).unwrap().1, int(2));
        assert_eq!(vm.dict_get_str(dict, "x"), None);
    });
}
