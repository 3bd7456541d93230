//! `wrapper_descriptor` and `method-wrapper`: the special methods of built-in types, as in `list.__len__` and `[].__len__`.

use crate::args::{CallArgs, GetSetDef};
use crate::builtin_layouts::SlotWrapper;
use crate::error::PyResult;
use crate::layout;
use crate::layout::{cast, value_of};
use crate::shape::Kind;
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::type_::slot_table::SlotDef;
use crate::vm::Vm;
use heap::Value;

layout! {
    /// A special method of a built-in type bound to a receiver.
    MethodWrapper {
        wrapper WRAPPER: Value, immutable;
        receiver RECEIVER: Value, immutable;
    }
}

/// The row of the slot table behind a wrapper.
pub fn def_of(wrapper: Value) -> &'static SlotDef {
    // SAFETY: every `SlotWrapper` is made from a `&'static SlotDef`.
    unsafe { &*(cast::<SlotWrapper>(wrapper).def.get() as usize as *const SlotDef) }
}

/// The special method `def` of the type `owner`, whose slot it calls.
pub fn new_wrapper(vm: &mut Vm, def: &'static SlotDef, owner: TypeRef) -> Value {
    let shape = vm.types.wrapper_descriptor.data().shape.get().expect("wrappers have a shape");
    let wrapper = vm.alloc::<SlotWrapper>(shape);
    wrapper.def.set(std::ptr::from_ref(def).addr() as i64);
    wrapper.owner.set(owner.value());
    value_of(wrapper)
}

/// Whether a value is a special method of the type `owner`.
pub fn is_of(vm: &Vm, value: Value, owner: TypeRef) -> bool {
    value.is_object()
        && vm.type_of(value) == vm.types.wrapper_descriptor
        && cast::<SlotWrapper>(value).owner.get() == owner.value()
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.wrapper_descriptor = vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW | flags::METHOD_DESCRIPTOR,
            slots: Slots {
                call: Some(call_unbound),
                repr: Some(repr_unbound),
                descr_get: Some(bind),
                ..Slots::default()
            },
            getset: UNBOUND_GETSET,
            ..TypeSpec::of::<SlotWrapper>("wrapper_descriptor", Kind::Other)
        },
        object,
    );
    vm.types.method_wrapper = vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW,
            slots: Slots {
                call: Some(call_bound),
                repr: Some(repr_bound),
                hash: Some(hash),
                compare: Some(compare),
                ..Slots::default()
            },
            getset: BOUND_GETSET,
            ..TypeSpec::of::<MethodWrapper>("method-wrapper", Kind::Other)
        },
        object,
    );
}

static UNBOUND_GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("__name__", |vm, object| Ok(vm.intern(def_of(object).name))),
    GetSetDef::read_only("__qualname__", qualname),
    GetSetDef::read_only("__doc__", |vm, object| Ok(vm.new_str(def_of(object).doc))),
    GetSetDef::read_only("__objclass__", |_, object| Ok(cast::<SlotWrapper>(object).owner.get())),
    GetSetDef::read_only("__text_signature__", signature),
];

static BOUND_GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("__name__", |vm, object| Ok(vm.intern(def_of(wrapper_of(object)).name))),
    GetSetDef::read_only("__qualname__", |vm, object| qualname(vm, wrapper_of(object))),
    GetSetDef::read_only("__doc__", |vm, object| Ok(vm.new_str(def_of(wrapper_of(object)).doc))),
    GetSetDef::read_only("__objclass__", |_, object| Ok(cast::<SlotWrapper>(wrapper_of(object)).owner.get())),
    GetSetDef::read_only("__self__", |_, object| Ok(cast::<MethodWrapper>(object).receiver.get())),
    GetSetDef::read_only("__text_signature__", |vm, object| signature(vm, wrapper_of(object))),
];

fn wrapper_of(bound: Value) -> Value {
    cast::<MethodWrapper>(bound).wrapper.get()
}

fn qualname(vm: &mut Vm, wrapper: Value) -> PyResult {
    let owner = TypeRef::from_value(cast::<SlotWrapper>(wrapper).owner.get());
    let text = format!("{}.{}", vm.text_of(owner.0.qualname.get()), def_of(wrapper).name);
    Ok(vm.new_str(&text))
}

fn signature(vm: &mut Vm, wrapper: Value) -> PyResult {
    let def = def_of(wrapper);
    let text = match (def.min, def.max) {
        (0, 0) => "($self, /)",
        (1, 1) if matches!(def.name, "__getattribute__" | "__delattr__") => "($self, name, /)",
        (1, 1) if matches!(def.name, "__getitem__" | "__contains__" | "__delitem__") => "($self, key, /)",
        (1, 1) => "($self, value, /)",
        (2, 2) if def.name == "__setattr__" => "($self, name, value, /)",
        (2, 2) if def.name == "__setitem__" => "($self, key, value, /)",
        (2, 2) => "($self, instance, value, /)",
        (1, 2) if def.name == "__get__" => "($self, instance, owner=None, /)",
        (1, 2) => "($self, value, mod=None, /)",
        _ => "($self, /, *args, **kwargs)",
    };
    Ok(vm.new_str(text))
}

fn check_count(vm: &mut Vm, def: &SlotDef, args: &CallArgs) -> PyResult<()> {
    let given = args.args().len();
    if def.max != u32::MAX && !args.keyword_names().is_empty() {
        let name = def.name;
        return Err(vm.type_error(format!("wrapper {name}() takes no keyword arguments")));
    }
    if given >= def.min as usize && given <= def.max as usize {
        return Ok(());
    }
    let (min, max) = (def.min, def.max);
    let plural = |n: u32| if n == 1 { "" } else { "s" };
    let message = if min == max {
        format!("expected {min} argument{}, got {given}", plural(min))
    } else if given < min as usize {
        format!("expected at least {min} argument{}, got {given}", plural(min))
    } else {
        format!("expected at most {max} argument{}, got {given}", plural(max))
    };
    Err(vm.type_error(message))
}

fn call_unbound(vm: &mut Vm, wrapper: Value, args: &CallArgs) -> PyResult {
    let def = def_of(wrapper);
    let owner = TypeRef::from_value(cast::<SlotWrapper>(wrapper).owner.get());
    let Some(receiver) = args.get(0) else {
        let (name, owner) = (def.name, owner.name());
        return Err(vm.type_error(format!("descriptor '{name}' of '{owner}' object needs an argument")));
    };
    check_receiver(vm, def, owner, receiver, "requires a '{owner}' object but received a '{given}'")?;
    let rest = CallArgs { values: &args.values[1..], names: args.names };
    check_count(vm, def, &rest)?;
    (def.call)(vm, owner, receiver, &rest)
}

fn check_receiver(vm: &mut Vm, def: &SlotDef, owner: TypeRef, receiver: Value, complaint: &str) -> PyResult<()> {
    let ty = vm.type_of(receiver);
    if ty.is_subtype(owner) {
        return Ok(());
    }
    let (name, owner, given) = (def.name, owner.name(), ty.name());
    let complaint = complaint.replace("{owner}", &owner).replace("{given}", &given);
    Err(vm.type_error(format!("descriptor '{name}' {complaint}")))
}

fn call_bound(vm: &mut Vm, bound: Value, args: &CallArgs) -> PyResult {
    let object = cast::<MethodWrapper>(bound);
    let wrapper = object.wrapper.get();
    let def = def_of(wrapper);
    check_count(vm, def, args)?;
    let owner = TypeRef::from_value(cast::<SlotWrapper>(wrapper).owner.get());
    (def.call)(vm, owner, object.receiver.get(), args)
}

fn bind(vm: &mut Vm, wrapper: Value, instance: Value, _: Value) -> PyResult {
    if instance.is_null() {
        return Ok(wrapper);
    }
    let owner = TypeRef::from_value(cast::<SlotWrapper>(wrapper).owner.get());
    check_receiver(vm, def_of(wrapper), owner, instance, "for '{owner}' objects doesn't apply to a '{given}' object")?;
    let shape = vm.types.method_wrapper.data().shape.get().expect("wrappers have a shape");
    let bound = vm.alloc::<MethodWrapper>(shape);
    bound.wrapper.set(wrapper);
    bound.receiver.set(instance);
    Ok(value_of(bound))
}

fn repr_unbound(vm: &mut Vm, wrapper: Value) -> PyResult {
    let owner = TypeRef::from_value(cast::<SlotWrapper>(wrapper).owner.get()).name();
    let text = format!("<slot wrapper '{}' of '{owner}' objects>", def_of(wrapper).name);
    Ok(vm.new_str(&text))
}

fn repr_bound(vm: &mut Vm, bound: Value) -> PyResult {
    let receiver = cast::<MethodWrapper>(bound).receiver.get();
    let (ty, address) = (vm.type_name(receiver), vm.address(receiver));
    let text = format!("<method-wrapper '{}' of {ty} object at 0x{address:x}>", def_of(wrapper_of(bound)).name);
    Ok(vm.new_str(&text))
}

fn hash(vm: &mut Vm, bound: Value) -> PyResult<i64> {
    let object = cast::<MethodWrapper>(bound);
    let receiver = crate::object::identity_hash(vm, object.receiver.get())?;
    let wrapper = crate::object::identity_hash(vm, object.wrapper.get())?;
    let hash = receiver ^ wrapper.rotate_left(9);
    Ok(if hash == -1 { -2 } else { hash })
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) || vm.type_of(b) != vm.types.method_wrapper {
        return Ok(vm.not_implemented);
    }
    let (left, right) = (cast::<MethodWrapper>(a), cast::<MethodWrapper>(b));
    let same = left.wrapper.get() == right.wrapper.get() && left.receiver.get() == right.receiver.get();
    Ok(vm.bool(same == (op == CompareOp::Eq)))
}
