//! The operator protocol and its errors.

use super::*;
use crate::protocol::number::BinaryOp;
use crate::slots::CompareOp;

static LEFT: MethodDef = MethodDef::method("left", 2, 2, |vm, _| Ok(vm.intern("left")));
static RIGHT: MethodDef = MethodDef::method("right", 2, 2, |vm, _| Ok(vm.intern("right")));
static LEN: MethodDef = MethodDef::method("length", 1, 1, |_, _| Ok(Value::from_int(-1)));
static TRUE: MethodDef = MethodDef::method("true", 2, 2, |vm, _| Ok(vm.true_));

#[test]
fn errors() {
    with_vms(|vm| {
        let text = vm.new_str("a");
        let one = Value::from_int(1);
        let result = vm.binary_op(BinaryOp::Add, one, text);
        assert_eq!(error(vm, result), "TypeError: unsupported operand type(s) for +: 'int' and 'str'");
        let result = vm.inplace_op(BinaryOp::Subtract, one, text);
        assert_eq!(error(vm, result), "TypeError: unsupported operand type(s) for -=: 'int' and 'str'");
        let result = vm.compare(one, text, CompareOp::Lt);
        assert_eq!(error(vm, result), "TypeError: '<' not supported between instances of 'int' and 'str'");
        let result = vm.negative(text);
        assert_eq!(error(vm, result), "TypeError: bad operand type for unary -: 'str'");
        let result = vm.call(one, &[]);
        assert_eq!(error(vm, result), "TypeError: 'int' object is not callable");
        let result = vm.iter(one);
        assert_eq!(error(vm, result), "TypeError: 'int' object is not iterable");
        let result = vm.getitem(one, one);
        assert_eq!(error(vm, result), "TypeError: 'int' object is not subscriptable");
        let result = vm.len(one);
        assert_eq!(error(vm, result), "TypeError: object of type 'int' has no len()");
        let result = vm.hash(Value::from_int(1)).and_then(|_| {
            let list = vm.new_list(&[]);
            vm.hash(list)
        });
        assert_eq!(error(vm, result), "TypeError: unhashable type: 'list'");
        let list = vm.new_list(&[]);
        let append = get(vm, list, "append");
        let result = vm.call(append, &[]);
        assert_eq!(error(vm, result), "TypeError: list.append() takes exactly one argument (0 given)");
    });
}

#[test]
fn reflected_operators_of_subclasses_come_first() {
    with_vms(|vm| {
        let (left, right) = (function(vm, &LEFT), function(vm, &RIGHT));
        let a = class(vm, "A", &[vm.types.object], &[("__add__", left)]);
        let b = class(vm, "B", &[a], &[("__radd__", right)]);
        let (x, y) = (instantiate(vm, a), instantiate(vm, b));
        let result = vm.binary_op(BinaryOp::Add, x, y).unwrap();
        assert_eq!(repr(vm, result), "'right'");
        let result = vm.binary_op(BinaryOp::Add, y, x).unwrap();
        assert_eq!(repr(vm, result), "'left'");
        let result = vm.binary_op(BinaryOp::Add, x, Value::from_int(1)).unwrap();
        assert_eq!(repr(vm, result), "'left'");
        let result = vm.binary_op(BinaryOp::Add, Value::from_int(1), y).unwrap();
        assert_eq!(repr(vm, result), "'right'");
        let result = vm.binary_op(BinaryOp::Subtract, x, y);
        assert_eq!(error(vm, result), "TypeError: unsupported operand type(s) for -: 'A' and 'B'");
    });
}

#[test]
fn special_methods_come_and_go() {
    with_vms(|vm| {
        let len = function(vm, &LEN);
        let c = class(vm, "C", &[vm.types.object], &[]);
        let object = instantiate(vm, c);
        assert!(vm.truth(object).unwrap());
        vm.setattr_str(c.value(), "__len__", len).unwrap();
        let result = vm.len(object);
        assert_eq!(error(vm, result), "ValueError: __len__() should return >= 0");
        let name = vm.intern("__len__");
        vm.delattr(c.value(), name).unwrap();
        assert!(vm.truth(object).unwrap());
        let list = class(vm, "L", &[vm.types.list], &[("__len__", len)]);
        let object = instantiate(vm, list);
        assert!(vm.len(object).is_err());
    });
}

#[test]
fn equality_takes_the_hash_away() {
    with_vms(|vm| {
        let equal = function(vm, &TRUE);
        let c = class(vm, "C", &[vm.types.object], &[("__eq__", equal)]);
        let object = instantiate(vm, c);
        let result = vm.hash(object);
        assert_eq!(error(vm, result), "TypeError: unhashable type: 'C'");
        assert!(vm.eq(object, Value::from_int(1)).unwrap());
        assert!(!vm.compare_bool(object, Value::from_int(1), CompareOp::Ne).unwrap());
    });
}

#[test]
fn isinstance_and_issubclass() {
    with_vms(|vm| {
        let (int, bool) = (vm.types.int.value(), vm.types.bool_.value());
        assert!(vm.isinstance(vm.true_, int).unwrap());
        let both = vm.new_tuple(&[vm.types.str_.value(), int]);
        assert!(vm.isinstance(Value::from_int(1), both).unwrap());
        assert!(vm.issubclass(bool, int).unwrap());
        let result = vm.isinstance(vm.true_, Value::from_int(1));
        assert_eq!(error(vm, result), "TypeError: isinstance() arg 2 must be a type, a tuple of types, or a union");
    });
}
