//! `method`: a function bound to its receiver.

use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::builtin_layouts::Method;
use crate::error::PyResult;
use crate::layout::cast;
use crate::shape::{self, Kind};
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec};
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// `function` bound to `receiver`.
    #[inline]
    pub fn new_method(&mut self, function: Value, receiver: Value) -> Value {
        debug_assert!(!receiver.is_null());
        let method = self.thread.heap.alloc(shape::exact_id(Kind::Method), size_of::<Method>());
        let object = cast::<Method>(method);
        object.function.set(function);
        object.receiver.set(receiver);
        method
    }
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.method = vm.new_builtin_type(
        TypeSpec {
            slots: Slots {
                new: Some(new),
                call: Some(call),
                repr: Some(repr),
                hash: Some(hash),
                compare: Some(compare),
                getattr: Some(getattr),
                descr_get: Some(|_, method, _, _| Ok(method)),
                ..Slots::default()
            },
            methods: const { &[MethodDef::method("__reduce__", 1, 1, reduce)] },
            getset: const {
                &[
                    GetSetDef::read_only("__func__", |_, method| Ok(cast::<Method>(method).function.get())),
                    GetSetDef::read_only("__self__", |_, method| Ok(cast::<Method>(method).receiver.get())),
                    GetSetDef::read_only("__doc__", |vm, method| {
                        let name = vm.names.__doc__;
                        vm.getattr(cast::<Method>(method).function.get(), name)
                    }),
                ]
            },
            doc: "Create a bound instance method object.",
            ..TypeSpec::of::<Method>("method", Kind::Method)
        },
        object,
    );
}

fn new(vm: &mut Vm, _: TypeRef, args: &CallArgs) -> PyResult {
    crate::arity::no_keywords(vm, "method", args)?;
    let [function, receiver] = *crate::arity::positional(vm, "method", args, 2, 2)? else { unreachable!() };
    if !vm.is_callable(function) {
        return Err(vm.type_error("first argument must be callable"));
    }
    if receiver == vm.none {
        return Err(vm.type_error("instance must not be None"));
    }
    Ok(vm.new_method(function, receiver))
}

fn call(vm: &mut Vm, method: Value, args: &CallArgs) -> PyResult {
    let method = cast::<Method>(method);
    vm.call_prepended(method.function.get(), method.receiver.get(), args)
}

/// Attributes of its own, then the function's.
fn getattr(vm: &mut Vm, method: Value, name: Value) -> PyResult {
    let ty = vm.types.method;
    if let Some(value) = vm.lookup_type(ty, name) {
        return vm.descr_get(value, method, ty.value());
    }
    vm.getattr(cast::<Method>(method).function.get(), name)
}

fn repr(vm: &mut Vm, method: Value) -> PyResult {
    let object = cast::<Method>(method);
    let (function, receiver) = (object.function.get(), object.receiver.get());
    let names = vm.names;
    let mut name = "?".to_string();
    for attribute in [names.__qualname__, names.__name__] {
        if let Some(found) = vm.getattr_opt(function, attribute)?
            && vm.is_str(found)
        {
            name = vm.text_of(found);
            break;
        }
    }
    let receiver = vm.repr_text(receiver)?;
    Ok(vm.new_str(&format!("<bound method {name} of {receiver}>")))
}

fn hash(vm: &mut Vm, method: Value) -> PyResult<i64> {
    let object = cast::<Method>(method);
    let receiver = crate::object::identity_hash(vm, object.receiver.get())?;
    let function = vm.hash(object.function.get())?;
    let hash = receiver ^ function;
    Ok(if hash == -1 { -2 } else { hash })
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) || vm.kind(b) != Kind::Method {
        return Ok(vm.not_implemented);
    }
    let (left, right) = (cast::<Method>(a), cast::<Method>(b));
    let same = vm.is(left.receiver.get(), right.receiver.get()) && vm.eq(left.function.get(), right.function.get())?;
    Ok(vm.bool(same == (op == CompareOp::Eq)))
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let method = cast::<Method>(args.values[0]);
    let (function, receiver) = (method.function.get(), method.receiver.get());
    let name = vm.names.__name__;
    let name = vm.getattr(function, name)?;
    let builtins = crate::module::import(vm, "builtins")?;
    let getattr = vm.getattr_str(builtins, "getattr")?;
    let arguments = vm.new_tuple(&[receiver, name]);
    Ok(vm.new_tuple(&[getattr, arguments]))
}
