//! The functions in the slots of classes written in Python: each calls a special method.

use crate::args::CallArgs;
use crate::error::PyResult;
use crate::shape::Kind;
use crate::slots::{BufferView, CompareOp, Slots};
use crate::ty::TypeRef;
use crate::vm::Vm;
use heap::Value;

macro_rules! unary {
    ($($slot:ident $name:ident)*) => {
        $(pub fn $slot(vm: &mut Vm, receiver: Value) -> PyResult {
            let name = vm.names.$name;
            vm.call_special(receiver, name, &[])
        })*
    };
}

unary! {
    repr __repr__
    str __str__
    int __int__
    float __float__
    index __index__
    neg __neg__
    pos __pos__
    abs __abs__
    invert __invert__
    await_ __await__
    aiter __aiter__
    anext __anext__
}

macro_rules! binary {
    ($($slot:ident $name:ident $reflected:ident)*) => {
        $(pub fn $slot(vm: &mut Vm, a: Value, b: Value) -> PyResult {
            let is_guest = |slots: &Slots| slots.$slot.is_some_and(|f| f as usize == $slot as *const () as usize);
            let (name, reflected) = (vm.names.$name, vm.names.$reflected);
            let (left, right) = (vm.type_of(a), vm.type_of(b));
            let (left_guest, right_guest) = (is_guest(&left.slots()), left != right && is_guest(&right.slots()));
            binary(vm, a, b, name, reflected, left_guest, right_guest, Value::NULL)
        })*
    };
}

binary! {
    add __add__ __radd__
    sub __sub__ __rsub__
    mul __mul__ __rmul__
    matmul __matmul__ __rmatmul__
    truediv __truediv__ __rtruediv__
    floordiv __floordiv__ __rfloordiv__
    modulo __mod__ __rmod__
    divmod __divmod__ __rdivmod__
    lshift __lshift__ __rlshift__
    rshift __rshift__ __rrshift__
    and __and__ __rand__
    xor __xor__ __rxor__
    or __or__ __ror__
}

pub fn pow(vm: &mut Vm, a: Value, b: Value, modulus: Value) -> PyResult {
    let is_guest = |slots: &Slots| slots.pow.is_some_and(|f| f as usize == pow as *const () as usize);
    let (left, right) = (vm.type_of(a), vm.type_of(b));
    let (left_guest, right_guest) = (is_guest(&left.slots()), left != right && is_guest(&right.slots()));
    let modulus = if modulus == vm.none { Value::NULL } else { modulus };
    binary(vm, a, b, vm.names.__pow__, vm.names.__rpow__, left_guest, right_guest, modulus)
}

/// The operator protocol among special methods: the right operand goes first if its class derives from the left one's and
/// has a reflected method of its own.
#[allow(clippy::too_many_arguments)]
fn binary(
    vm: &mut Vm,
    a: Value,
    b: Value,
    name: Value,
    reflected: Value,
    left_guest: bool,
    mut right_guest: bool,
    third: Value,
) -> PyResult {
    let (left, right) = (vm.type_of(a), vm.type_of(b));
    let arguments = [b, third];
    let rest = if third.is_null() { &arguments[..1] } else { &arguments[..] };
    let reflected_arguments = [a, third];
    let reflected_rest = if third.is_null() { &reflected_arguments[..1] } else { &reflected_arguments[..] };
    if left_guest {
        if right_guest && right.is_subtype(left) && is_overloaded(vm, left, right, reflected) {
            if let Some(result) = vm.call_special_opt(b, reflected, reflected_rest) {
                let result = result?;
                if result != vm.not_implemented {
                    return Ok(result);
                }
            }
            right_guest = false;
        }
        if let Some(result) = vm.call_special_opt(a, name, rest) {
            let result = result?;
            if result != vm.not_implemented || left == right {
                return Ok(result);
            }
        }
    }
    if right_guest && let Some(result) = vm.call_special_opt(b, reflected, reflected_rest) {
        return result;
    }
    Ok(vm.not_implemented)
}

/// Whether `right`, which derives from `left`, has another method `name`.
fn is_overloaded(vm: &mut Vm, left: TypeRef, right: TypeRef, name: Value) -> bool {
    match (vm.lookup_type(right, name), vm.lookup_type(left, name)) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(a), Some(b)) => a != b,
    }
}

macro_rules! inplace {
    ($($slot:ident $name:ident)*) => {
        $(pub fn $slot(vm: &mut Vm, a: Value, b: Value) -> PyResult {
            let name = vm.names.$name;
            match vm.call_special_opt(a, name, &[b]) {
                Some(result) => result,
                None => Ok(vm.not_implemented),
            }
        })*
    };
}

inplace! {
    inplace_add __iadd__
    inplace_sub __isub__
    inplace_mul __imul__
    inplace_matmul __imatmul__
    inplace_truediv __itruediv__
    inplace_floordiv __ifloordiv__
    inplace_modulo __imod__
    inplace_pow __ipow__
    inplace_lshift __ilshift__
    inplace_rshift __irshift__
    inplace_and __iand__
    inplace_xor __ixor__
    inplace_or __ior__
}

pub fn hash(vm: &mut Vm, receiver: Value) -> PyResult<i64> {
    let name = vm.names.__hash__;
    let hash = match vm.lookup_type(vm.type_of(receiver), name) {
        None => return crate::object::hash_not_implemented(vm, receiver),
        Some(method) if method == vm.none => return crate::object::hash_not_implemented(vm, receiver),
        Some(_) => vm.call_special(receiver, name, &[])?,
    };
    if !vm.type_of(hash).has(crate::ty::flags::INT) {
        return Err(vm.type_error("__hash__ method should return an integer"));
    }
    // A big number is reduced as hash(int) does.
    let hash = match vm.as_i64(hash) {
        Some(hash) => hash,
        None => vm.hash(hash)?,
    };
    Ok(if hash == -1 { -2 } else { hash })
}

pub fn call(vm: &mut Vm, receiver: Value, args: &CallArgs) -> PyResult {
    let name = vm.names.__call__;
    let Some((method, unbound)) = vm.special_unbound(receiver, name)? else { return Err(vm.not_callable(receiver)) };
    // A Python function counts for itself. Other callables may call on and on without one.
    if unbound && vm.kind(method) == Kind::Function {
        return vm.call_prepended(method, receiver, args);
    }
    vm.guarded(" while calling a Python object", |vm| {
        if unbound { vm.call_prepended(method, receiver, args) } else { vm.call_kw(method, args) }
    })
}

pub fn init(vm: &mut Vm, receiver: Value, args: &CallArgs) -> PyResult<()> {
    let name = vm.names.__init__;
    let result = match vm.special_unbound(receiver, name)? {
        Some((method, true)) => vm.call_prepended(method, receiver, args)?,
        Some((method, false)) => vm.call_kw(method, args)?,
        None => return Err(vm.attribute_error(receiver, name)),
    };
    if result != vm.none {
        let name = vm.type_of(result).name();
        return Err(vm.type_error(format!("__init__() should return None, not '{name}'")));
    }
    Ok(())
}

/// `slots.new` of a class with a `__new__` written in Python.
pub fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let name = vm.names.__new__;
    let new = vm.getattr(ty.value(), name)?;
    vm.call_prepended(new, ty.value(), args)
}

pub fn finalize(vm: &mut Vm, receiver: Value) -> PyResult<()> {
    let name = vm.names.__del__;
    match vm.call_special_opt(receiver, name, &[]) {
        Some(result) => result.map(|_| ()),
        None => Ok(()),
    }
}

/// `__getattribute__`, then `__getattr__`.
pub fn getattr(vm: &mut Vm, receiver: Value, name: Value) -> PyResult {
    let ty = vm.type_of(receiver);
    let getattribute = vm.lookup_type(ty, vm.names.__getattribute__);
    let generic = getattribute.is_none_or(|method| crate::slot_wrapper::is_of(vm, method, vm.types.object));
    let fallback = vm.resolve(ty, vm.names.__getattr__).value.is_some();
    let result = if generic {
        match crate::object::generic_getattr_opt(vm, receiver, name) {
            Ok(Some(value)) => return Ok(value),
            Ok(None) if fallback => {
                let fallback = vm.names.__getattr__;
                return vm.call_special(receiver, fallback, &[name]);
            }
            Ok(None) => return Err(vm.attribute_error(receiver, name)),
            // A descriptor's: an empty slot, a property that has none.
            Err(raised) => Err(raised),
        }
    } else {
        let getattribute = vm.names.__getattribute__;
        vm.call_special(receiver, getattribute, &[name])
    };
    match result {
        Err(raised) if fallback && vm.exception_matches(raised.0, vm.exc.attribute_error) => {
            let fallback = vm.names.__getattr__;
            vm.call_special(receiver, fallback, &[name])
        }
        result => result,
    }
}

pub fn setattr(vm: &mut Vm, receiver: Value, name: Value, value: Value) -> PyResult<()> {
    if value.is_null() {
        let method = vm.names.__delattr__;
        vm.call_special(receiver, method, &[name])?;
    } else {
        let method = vm.names.__setattr__;
        vm.call_special(receiver, method, &[name, value])?;
    }
    Ok(())
}

pub fn descr_get(vm: &mut Vm, descriptor: Value, instance: Value, owner: Value) -> PyResult {
    let none_for_null = |vm: &Vm, value: Value| if value.is_null() { vm.none } else { value };
    let (instance, owner) = (none_for_null(vm, instance), none_for_null(vm, owner));
    let name = vm.names.__get__;
    // Not bound, whatever it is.
    match vm.lookup_type(vm.type_of(descriptor), name) {
        Some(get) if vm.kind(get) == Kind::Function => vm.call(get, &[descriptor, instance, owner]),
        Some(get) => vm.guarded(" while calling a Python object", |vm| vm.call(get, &[descriptor, instance, owner])),
        None => Ok(descriptor),
    }
}

pub fn descr_set(vm: &mut Vm, descriptor: Value, instance: Value, value: Value) -> PyResult<()> {
    if value.is_null() {
        let name = vm.names.__delete__;
        vm.call_special(descriptor, name, &[instance])?;
    } else {
        let name = vm.names.__set__;
        vm.call_special(descriptor, name, &[instance, value])?;
    }
    Ok(())
}

pub fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    let names = &vm.names;
    let name = match op {
        CompareOp::Lt => names.__lt__,
        CompareOp::Le => names.__le__,
        CompareOp::Eq => names.__eq__,
        CompareOp::Ne => names.__ne__,
        CompareOp::Gt => names.__gt__,
        CompareOp::Ge => names.__ge__,
    };
    match vm.call_special_opt(a, name, &[b]) {
        Some(result) => result,
        None => Ok(vm.not_implemented),
    }
}

pub fn iter(vm: &mut Vm, receiver: Value) -> PyResult {
    let name = vm.names.__iter__;
    match vm.lookup_type(vm.type_of(receiver), name) {
        Some(method) if method != vm.none => vm.call_special(receiver, name, &[]),
        None if vm.type_of(receiver).slots().getitem.is_some() => crate::iterators::new_sequence_iterator(vm, receiver),
        _ => Err(vm.not_iterable(receiver)),
    }
}

/// Its StopIteration is the caller's to understand: `next()` and `yield from` need the value.
pub fn next(vm: &mut Vm, receiver: Value) -> PyResult<Option<Value>> {
    let name = vm.names.__next__;
    vm.call_special(receiver, name, &[]).map(Some)
}

pub fn len(vm: &mut Vm, receiver: Value) -> PyResult<i64> {
    let name = vm.names.__len__;
    let len = vm.call_special(receiver, name, &[])?;
    let len = vm.index_big(len)?;
    match vm.as_i64(len) {
        Some(len) if len < 0 => Err(vm.value_error("__len__() should return >= 0")),
        Some(len) => Ok(len),
        None => Err(vm.overflow_error("cannot fit 'int' into an index-sized integer")),
    }
}

pub fn getitem(vm: &mut Vm, receiver: Value, key: Value) -> PyResult {
    let name = vm.names.__getitem__;
    vm.call_special(receiver, name, &[key])
}

pub fn setitem(vm: &mut Vm, receiver: Value, key: Value, value: Value) -> PyResult<()> {
    if value.is_null() {
        let name = vm.names.__delitem__;
        vm.call_special(receiver, name, &[key])?;
    } else {
        let name = vm.names.__setitem__;
        vm.call_special(receiver, name, &[key, value])?;
    }
    Ok(())
}

pub fn contains(vm: &mut Vm, receiver: Value, item: Value) -> PyResult<bool> {
    let name = vm.names.__contains__;
    match vm.lookup_type(vm.type_of(receiver), name) {
        Some(method) if method == vm.none => {
            let name = vm.type_of(receiver).name();
            Err(vm.type_error(format!("'{name}' object is not a container")))
        }
        Some(_) => {
            let found = vm.call_special(receiver, name, &[item])?;
            vm.truth(found)
        }
        None => vm.contains_by_iteration(receiver, item),
    }
}

pub fn bool(vm: &mut Vm, receiver: Value) -> PyResult<bool> {
    let name = vm.names.__bool__;
    let result = vm.call_special(receiver, name, &[])?;
    if result == vm.true_ {
        Ok(true)
    } else if result == vm.false_ {
        Ok(false)
    } else {
        let name = vm.type_of(result).name();
        Err(vm.type_error(format!("__bool__ should return bool, returned {name}")))
    }
}

pub fn buffer(vm: &mut Vm, receiver: Value) -> PyResult<BufferView> {
    let name = vm.names.__buffer__;
    let view = vm.call_special(receiver, name, &[Value::from_int(0)])?;
    let buffer = vm.type_of(view).slots().buffer;
    match buffer {
        Some(buffer) if vm.type_of(view) == vm.types.memoryview => buffer(vm, view),
        _ => Err(vm.type_error("__buffer__ returned non-memoryview object")),
    }
}
