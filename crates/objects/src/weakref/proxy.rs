//! `weakref.proxy`: objects that pass what is done to them on to what they refer to, while that lives.

use super::{WEAK_WORD, WeakRef, new_reference, referent};
use crate::args::{CallArgs, MethodDef};
use crate::error::PyResult;
use crate::protocol::number::BinaryOp;
use crate::shape::Kind;
use crate::slots::{Binary, Slots, Unary};
use crate::ty::{TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

pub(super) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    let spec = |name: &'static str, slots: Slots, methods: &'static [MethodDef]| TypeSpec {
        module: "weakref",
        flags: flags::NO_NEW,
        weak: Some(WEAK_WORD),
        slots,
        methods,
        ..TypeSpec::of::<WeakRef>(name, Kind::Other)
    };
    vm.types.weak_proxy = vm.new_builtin_type(spec("ProxyType", slots(), METHODS), object);
    let call = Some(call as fn(&mut Vm, Value, &CallArgs) -> PyResult);
    vm.types.weak_callable_proxy =
        vm.new_builtin_type(spec("CallableProxyType", Slots { call, ..slots() }, &[]), object);
}

/// `weakref.proxy(object, callback)`; the callback may be NULL.
pub fn new_proxy(vm: &mut Vm, object: Value, callback: Value) -> PyResult {
    let callable = vm.is_callable(object);
    let ty = if callable { vm.types.weak_callable_proxy } else { vm.types.weak_proxy };
    new_reference(vm, ty, object, callback)
}

pub(super) fn is_proxy(vm: &Vm, value: Value) -> bool {
    let ty = vm.type_of(value);
    ty == vm.types.weak_proxy || ty == vm.types.weak_callable_proxy
}

/// What a proxy stands for, or ReferenceError.
fn target(vm: &mut Vm, proxy: Value) -> PyResult {
    let object = referent(proxy);
    if object.is_null() { Err(vm.reference_error("weakly-referenced object no longer exists")) } else { Ok(object) }
}

/// An operand: what it stands for if it is a proxy.
fn operand(vm: &mut Vm, value: Value) -> PyResult {
    if is_proxy(vm, value) { target(vm, value) } else { Ok(value) }
}

fn call(vm: &mut Vm, proxy: Value, args: &CallArgs) -> PyResult {
    let object = target(vm, proxy)?;
    vm.call_kw(object, args)
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("__bytes__", 1, 1, |vm, args| {
        let object = target(vm, args.values[0])?;
        vm.call_method(object, "__bytes__", &[])
    }),
    MethodDef::method("__reversed__", 1, 1, |vm, args| {
        let object = target(vm, args.values[0])?;
        vm.call_method(object, "__reversed__", &[])
    }),
];

fn repr(vm: &mut Vm, proxy: Value) -> PyResult {
    let object = referent(proxy);
    let address = vm.address(proxy);
    let text = if object.is_null() {
        format!("<weakproxy at 0x{address:x}; dead>")
    } else {
        let (ty, target) = (super::full_type_name(vm, object), vm.address(object));
        format!("<weakproxy at 0x{address:x}; to '{ty}' at 0x{target:x}>")
    };
    Ok(vm.new_str(&text))
}

fn next(vm: &mut Vm, proxy: Value) -> PyResult<Option<Value>> {
    let object = target(vm, proxy)?;
    if vm.type_of(object).slots().next.is_none() {
        let name = super::full_type_name(vm, object);
        return Err(vm.type_error(format!("Weakref proxy referenced a non-iterator '{name}' object")));
    }
    vm.next(object)
}

fn power(vm: &mut Vm, base: Value, exponent: Value, modulus: Value) -> PyResult {
    let (base, exponent, modulus) = (operand(vm, base)?, operand(vm, exponent)?, operand(vm, modulus)?);
    vm.power(base, exponent, modulus)
}

macro_rules! binary {
    ($method:ident $op:ident) => {
        Some(|vm, a, b| {
            let (a, b) = (operand(vm, a)?, operand(vm, b)?);
            vm.$method(BinaryOp::$op, a, b)
        })
    };
}

macro_rules! unary {
    (|$vm:ident, $object:ident| $does:expr) => {{
        let slot: Unary = |$vm, proxy| {
            let $object = target($vm, proxy)?;
            $does
        };
        Some(slot)
    }};
}

fn slots() -> Slots {
    number_slots(object_slots())
}

fn object_slots() -> Slots {
    Slots {
        repr: Some(repr),
        str: unary!(|vm, object| vm.str_of(object)),
        hash: Some(crate::object::hash_not_implemented),
        getattr: Some(|vm, proxy, name| {
            let object = target(vm, proxy)?;
            vm.getattr(object, name)
        }),
        setattr: Some(|vm, proxy, name, value| {
            let object = target(vm, proxy)?;
            if value.is_null() { vm.delattr(object, name) } else { vm.setattr(object, name, value) }
        }),
        compare: Some(|vm, a, b, op| {
            let (a, b) = (operand(vm, a)?, operand(vm, b)?);
            vm.compare(a, b, op)
        }),
        iter: unary!(|vm, object| vm.iter(object)),
        next: Some(next),
        len: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            vm.len(object)
        }),
        getitem: Some(|vm, proxy, key| {
            let (object, key) = (target(vm, proxy)?, operand(vm, key)?);
            vm.getitem(object, key)
        }),
        setitem: Some(|vm, proxy, key, value| {
            let object = target(vm, proxy)?;
            if value.is_null() { vm.delitem(object, key) } else { vm.setitem(object, key, value) }
        }),
        contains: Some(|vm, proxy, item| {
            let object = target(vm, proxy)?;
            vm.contains(object, item)
        }),
        bool: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            vm.truth(object)
        }),
        ..Slots::default()
    }
}

fn number_slots(others: Slots) -> Slots {
    let divmod: Binary = |vm, a, b| {
        let (a, b) = (operand(vm, a)?, operand(vm, b)?);
        vm.divmod(a, b)
    };
    Slots {
        int: unary!(|vm, object| vm.call(vm.types.int.value(), &[object])),
        float: unary!(|vm, object| vm.call(vm.types.float.value(), &[object])),
        index: unary!(|vm, object| vm.index_big(object)),
        neg: unary!(|vm, object| vm.negative(object)),
        pos: unary!(|vm, object| vm.positive(object)),
        abs: unary!(|vm, object| vm.absolute(object)),
        invert: unary!(|vm, object| vm.invert(object)),
        add: binary!(binary_op Add),
        sub: binary!(binary_op Subtract),
        mul: binary!(binary_op Multiply),
        matmul: binary!(binary_op MatrixMultiply),
        truediv: binary!(binary_op TrueDivide),
        floordiv: binary!(binary_op FloorDivide),
        modulo: binary!(binary_op Remainder),
        divmod: Some(divmod),
        pow: Some(power),
        lshift: binary!(binary_op LeftShift),
        rshift: binary!(binary_op RightShift),
        and: binary!(binary_op And),
        xor: binary!(binary_op Xor),
        or: binary!(binary_op Or),
        inplace_add: binary!(inplace_op Add),
        inplace_sub: binary!(inplace_op Subtract),
        inplace_mul: binary!(inplace_op Multiply),
        inplace_matmul: binary!(inplace_op MatrixMultiply),
        inplace_truediv: binary!(inplace_op TrueDivide),
        inplace_floordiv: binary!(inplace_op FloorDivide),
        inplace_modulo: binary!(inplace_op Remainder),
        inplace_pow: binary!(inplace_op Power),
        inplace_lshift: binary!(inplace_op LeftShift),
        inplace_rshift: binary!(inplace_op RightShift),
        inplace_and: binary!(inplace_op And),
        inplace_xor: binary!(inplace_op Xor),
        inplace_or: binary!(inplace_op Or),
        ..others
    }
}
