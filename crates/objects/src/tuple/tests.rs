//! Tuples: hashes as CPython's, and the protocol.

use super::items;
use crate::protocol::number::BinaryOp;
use crate::slots::CompareOp;
use crate::testing::{error, ints, repr, with_vms};
use heap::Value;

fn int(i: i64) -> Value {
    Value::from_int(i)
}

#[test]
fn hashes_are_those_of_cpython() {
    with_vms(|vm| {
        let empty = vm.new_tuple(&[]);
        assert_eq!(vm.hash(empty).unwrap(), 5740354900026072187);
        let one = vm.new_tuple(&[int(1)]);
        assert_eq!(vm.hash(one).unwrap(), -6644214454873602895);
        let nested = vm.new_tuple(&[int(1), int(2), int(3)]);
        assert_eq!(vm.hash(nested).unwrap(), 529344067295497451);
        let list = vm.new_list(&[]);
        let unhashable = vm.new_tuple(&[list]);
        let raised = vm.hash(unhashable).unwrap_err();
        assert_eq!(error(vm, raised), "TypeError: unhashable type: 'list'");
    });
}

#[test]
fn operators_subscripts_and_reprs() {
    with_vms(|vm| {
        let a = vm.new_tuple(&[int(1), int(2), int(3)]);
        let b = vm.new_tuple(&[int(4)]);
        assert_eq!(repr(vm, b), "(4,)");
        let both = vm.binary_op(BinaryOp::Add, a, b).unwrap();
        assert_eq!(ints(items(both)), [1, 2, 3, 4]);
        let twice = vm.binary_op(BinaryOp::Multiply, b, int(2)).unwrap();
        assert_eq!(ints(items(twice)), [4, 4]);
        assert_eq!(vm.getitem(a, int(-1)).unwrap(), int(3));
        let none = vm.none;
        let key = vm.new_slice(none, none, int(-2));
        let picked = vm.getitem(a, key).unwrap();
        assert_eq!(ints(items(picked)), [3, 1]);
        let key = vm.new_slice(int(5), int(9), none);
        let picked = vm.getitem(a, key).unwrap();
        assert_eq!(picked, vm.empty_tuple);
        assert!(vm.compare_bool(a, b, CompareOp::Lt).unwrap());
        assert!(vm.compare_bool(a, both, CompareOp::Lt).unwrap());
        assert!(!vm.eq(a, both).unwrap());
        let raised = vm.getitem(a, int(3)).unwrap_err();
        assert_eq!(error(vm, raised), "IndexError: tuple index out of range");
        let raised = vm.call_method(a, "index", &[int(9)]).unwrap_err();
        assert_eq!(error(vm, raised), "ValueError: tuple.index(x): x not in tuple");
        assert_eq!(vm.call_method(a, "count", &[int(2)]).unwrap(), int(1));
    });
}
