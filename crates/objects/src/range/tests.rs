//! Ranges and slices against their definitions.

use crate::range::small;
use crate::testing::{error, ints, repr, with_vms};
use heap::Value;
use num_bigint::BigInt;

fn int(i: i64) -> Value {
    Value::from_int(i)
}

#[test]
fn small_ranges_give_what_their_definition_says() {
    with_vms(|vm| {
        for start in -3..4 {
            for stop in -4..6 {
                for step in [-3, -2, -1, 1, 2, 3] {
                    let model: Vec<i64> = if step > 0 {
                        (start..stop.max(start)).step_by(step as usize).collect()
                    } else {
                        (0..).map(|i| start + i * step).take_while(|&x| x > stop).collect()
                    };
                    let range = vm.new_range(int(start), int(stop), int(step)).unwrap();
                    assert_eq!(small(range).unwrap().len, model.len() as i64);
                    let list = vm.collect_list(range).unwrap();
                    assert_eq!(ints(crate::list::items(list)), model);
                    let reversed = vm.call_method(range, "__reversed__", &[]).unwrap();
                    let list = vm.collect_list(reversed).unwrap();
                    assert_eq!(ints(crate::list::items(list)), model.iter().rev().copied().collect::<Vec<_>>());
                    for x in -6..7 {
                        assert_eq!(vm.contains(range, int(x)).unwrap(), model.contains(&x));
                    }
                    for (i, &x) in model.iter().enumerate() {
                        assert_eq!(vm.getitem(range, int(i as i64)).unwrap(), int(x));
                        assert_eq!(vm.call_method(range, "index", &[int(x)]).unwrap(), int(i as i64));
                    }
                }
            }
        }
    });
}

#[test]
fn ranges_of_any_ints() {
    with_vms(|vm| {
        let start = vm.int_from_big(&(BigInt::from(1) << 100));
        let stop = vm.int_from_big(&((BigInt::from(1) << 100) + 7));
        let range = vm.new_range(start, stop, int(3)).unwrap();
        let list = vm.collect_list(range).unwrap();
        assert_eq!(
            repr(vm, list),
            "[1267650600228229401496703205376, 1267650600228229401496703205379, 1267650600228229401496703205382]"
        );
        let last = vm.getitem(range, int(-1)).unwrap();
        assert_eq!(repr(vm, last), "1267650600228229401496703205382");
        assert!(vm.contains(range, last).unwrap());
        assert_eq!(vm.len(range).unwrap(), 3);
        let one = int(1);
        let none = vm.none;
        let key = vm.new_slice(one, none, none);
        let rest = vm.getitem(range, key).unwrap();
        assert_eq!(repr(vm, rest), "range(1267650600228229401496703205379, 1267650600228229401496703205385, 3)");
        let huge = vm.new_range(int(0), start, int(1)).unwrap();
        let raised = vm.len(huge).unwrap_err();
        assert_eq!(error(vm, raised), "OverflowError: Python int too large to convert to C ssize_t");
    });
}

#[test]
fn equal_ranges_hash_alike() {
    with_vms(|vm| {
        let a = vm.new_range(int(0), int(3), int(2)).unwrap();
        let b = vm.new_range(int(0), int(4), int(2)).unwrap();
        assert!(vm.eq(a, b).unwrap());
        assert_eq!(vm.hash(a).unwrap(), vm.hash(b).unwrap());
        let raised = vm.new_range(int(0), int(3), int(0)).unwrap_err();
        assert_eq!(error(vm, raised), "ValueError: range() arg 3 must not be zero");
    });
}

#[test]
fn slice_indices() {
    with_vms(|vm| {
        let none = vm.none;
        for (parts, len, expected) in [
            ([none, none, none], 5, "(0, 5, 1)"),
            ([none, none, int(-1)], 5, "(4, -1, -1)"),
            ([int(-3), int(10), int(2)], 5, "(2, 5, 2)"),
            ([int(7), int(-9), int(-2)], 5, "(4, -1, -2)"),
        ] {
            let slice = vm.new_slice(parts[0], parts[1], parts[2]);
            let indices = vm.call_method(slice, "indices", &[int(len)]).unwrap();
            assert_eq!(repr(vm, indices), expected);
        }
    });
}
