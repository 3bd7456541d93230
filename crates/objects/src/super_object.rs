//! `super`.

use crate::args::{CallArgs, GetSetDef};
use crate::error::PyResult;
use crate::layout;
use crate::layout::{cast, value_of};
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::type_::is_type;
use crate::vm::Vm;
use heap::Value;

layout! {
    Super {
        /// The class whose successors along the MRO are searched.
        class CLASS: Value;
        /// NULL while unbound.
        receiver RECEIVER: Value;
        /// The class whose MRO it is.
        receiver_class RECEIVER_CLASS: Value;
    }
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.super_ = vm.new_builtin_type(
        TypeSpec {
            flags: flags::BASETYPE,
            slots: Slots {
                new: Some(|vm, ty, _| Ok(vm.new_instance(ty))),
                init: Some(init_super),
                repr: Some(repr),
                getattr: Some(getattr),
                descr_get: Some(bind),
                ..Slots::default()
            },
            getset: const { &[
                GetSetDef::read_only("__thisclass__", |vm, object| Ok(or_none(vm, cast::<Super>(object).class.get()))),
                GetSetDef::read_only("__self__", |vm, object| Ok(or_none(vm, cast::<Super>(object).receiver.get()))),
                GetSetDef::read_only("__self_class__", |vm, object| {
                    Ok(or_none(vm, cast::<Super>(object).receiver_class.get()))
                }),
            ] },
            doc: "super() -> same as super(__class__, <first argument>)\nsuper(type) -> unbound super object\nsuper(type, obj) -> bound super object; requires isinstance(obj, type)\nsuper(type, type2) -> bound super object; requires issubclass(type2, type)\nTypical use to call a cooperative superclass method:\nclass C(B):\n    def meth(self, arg):\n        super().meth(arg)\nThis works for class methods too:\nclass C(B):\n    @classmethod\n    def cmeth(cls, arg):\n        super().cmeth(arg)\n",
            ..TypeSpec::of::<Super>("super", Kind::Other)
        },
        object,
    );
}

fn or_none(vm: &Vm, value: Value) -> Value {
    if value.is_null() { vm.none } else { value }
}

/// `super(class, receiver).name`, without the object.
pub fn attribute(vm: &mut Vm, class: Value, receiver: Value, name: Value) -> PyResult {
    if !is_type(vm, class) {
        let given = vm.type_name(class);
        return Err(vm.type_error(format!("super() argument 1 must be a type, not {given}")));
    }
    let receiver_class = check(vm, TypeRef::from_value(class), receiver)?;
    match find(vm, TypeRef::from_value(class), receiver, receiver_class, name)? {
        Some(value) => Ok(value),
        None => Err(missing(vm, receiver, name)),
    }
}

/// What `super(class, receiver).name` would be before binding, and the class whose MRO was searched. For method calls.
pub fn lookup(vm: &mut Vm, class: TypeRef, receiver: Value, name: Value) -> PyResult<Option<(Value, TypeRef)>> {
    let receiver_class = check(vm, class, receiver)?;
    Ok(find_raw(vm, class, receiver_class, name).map(|value| (value, receiver_class)))
}

#[cold]
fn missing(vm: &mut Vm, receiver: Value, name: Value) -> crate::error::Raised {
    let text = vm.text_of(name);
    vm.attribute_error_with(receiver, name, format!("'super' object has no attribute '{text}'"))
}

/// The class whose MRO is searched: the receiver itself if it is a class that derives from `class`, else its class.
fn check(vm: &mut Vm, class: TypeRef, receiver: Value) -> PyResult<TypeRef> {
    if is_type(vm, receiver) && TypeRef::from_value(receiver).is_subtype(class) {
        return Ok(TypeRef::from_value(receiver));
    }
    let ty = vm.type_of(receiver);
    if ty.is_subtype(class) {
        return Ok(ty);
    }
    let name = vm.names.__class__;
    if let Some(claimed) = vm.getattr_opt(receiver, name)?
        && is_type(vm, claimed)
        && TypeRef::from_value(claimed).is_subtype(class)
    {
        return Ok(TypeRef::from_value(claimed));
    }
    let what = if is_type(vm, receiver) { "type" } else { "instance of" };
    let given = if is_type(vm, receiver) { TypeRef::from_value(receiver).name() } else { ty.name() };
    let class = class.name();
    Err(vm
        .type_error(format!("super(type, obj): obj ({what} {given}) is not an instance or subtype of type ({class}).")))
}

/// What instances of `ty` find behind `class`, unbound; `None` also where `super` has more to say.
pub fn found_behind(vm: &mut Vm, class: TypeRef, ty: TypeRef, name: Value) -> Option<Value> {
    if name == vm.names.__class__ || !ty.is_subtype(class) {
        return None;
    }
    find_raw(vm, class, ty, name)
}

fn find_raw(vm: &mut Vm, class: TypeRef, receiver_class: TypeRef, name: Value) -> Option<Value> {
    let mro = receiver_class.data().mro.borrow();
    let start = mro.iter().position(|&ty| ty == class)? + 1;
    mro[start..].iter().find_map(|ty| vm.dict_get_name(ty.0.dict.get(), name))
}

fn find(vm: &mut Vm, class: TypeRef, receiver: Value, receiver_class: TypeRef, name: Value) -> PyResult<Option<Value>> {
    if name == vm.names.__class__ {
        return Ok(None);
    }
    let Some(found) = find_raw(vm, class, receiver_class, name) else { return Ok(None) };
    // For a class method the receiver is the class itself.
    let instance = if receiver == receiver_class.value() { Value::NULL } else { receiver };
    vm.descr_get(found, instance, receiver_class.value()).map(Some)
}

fn getattr(vm: &mut Vm, object: Value, name: Value) -> PyResult {
    let this = cast::<Super>(object);
    let (class, receiver, receiver_class) = (this.class.get(), this.receiver.get(), this.receiver_class.get());
    if !receiver.is_null()
        && let Some(value) = find(vm, TypeRef::from_value(class), receiver, TypeRef::from_value(receiver_class), name)?
    {
        return Ok(value);
    }
    match crate::object::generic_getattr_opt(vm, object, name)? {
        Some(value) => Ok(value),
        None => Err(missing(vm, object, name)),
    }
}

fn init_super(vm: &mut Vm, object: Value, args: &CallArgs) -> PyResult<()> {
    let args = crate::arity::positional(vm, "super", args, 0, 2)?;
    let (class, receiver) = match *args {
        [] => (vm.hooks.super_arguments)(vm)?,
        [class] => (class, vm.none),
        [class, receiver] => (class, receiver),
        _ => unreachable!("the number of arguments was checked"),
    };
    if !is_type(vm, class) {
        let given = vm.type_name(class);
        return Err(vm.type_error(format!("super() argument 1 must be a type, not {given}")));
    }
    let this = cast::<Super>(object);
    vm.write(object, &this.class, class);
    if receiver != vm.none {
        let receiver_class = check(vm, TypeRef::from_value(class), receiver)?;
        vm.write(object, &this.receiver, receiver);
        vm.write(object, &this.receiver_class, receiver_class.value());
    }
    Ok(())
}

fn bind(vm: &mut Vm, object: Value, instance: Value, _: Value) -> PyResult {
    let this = cast::<Super>(object);
    let is_made = !this.class.get().is_null();
    if !is_made || instance.is_null() || instance == vm.none || !this.receiver.get().is_null() {
        return Ok(object);
    }
    if vm.type_of(object) != vm.types.super_ {
        let class = vm.type_of(object).value();
        return vm.call(class, &[this.class.get(), instance]);
    }
    let receiver_class = check(vm, TypeRef::from_value(this.class.get()), instance)?;
    let shape = vm.types.super_.data().shape.get().expect("super has a shape");
    let bound = vm.alloc::<Super>(shape);
    bound.class.set(this.class.get());
    bound.receiver.set(instance);
    bound.receiver_class.set(receiver_class.value());
    Ok(value_of(bound))
}

fn repr(vm: &mut Vm, object: Value) -> PyResult {
    let this = cast::<Super>(object);
    let class = match this.class.get() {
        class if class.is_null() => "NULL".to_string(),
        class => TypeRef::from_value(class).name(),
    };
    let text = match this.receiver_class.get() {
        receiver if receiver.is_null() => format!("<super: <class '{class}'>, NULL>"),
        receiver => format!("<super: <class '{class}'>, <{} object>>", TypeRef::from_value(receiver).name()),
    };
    Ok(vm.new_str(&text))
}
