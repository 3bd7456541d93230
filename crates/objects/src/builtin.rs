//! Functions and methods written in Rust: `builtin_function_or_method`, `method_descriptor`, `classmethod_descriptor`.
//!
//! All three are [`Builtin`] objects, told apart by their type. A method of a type has an owner; found through an instance
//! it becomes a function bound to the receiver.

use crate::args::{CallArgs, GetSetDef, MANY, MethodDef, MethodKind};
use crate::builtin_layouts::Builtin;
use crate::error::PyResult;
use crate::layout::{cast, value_of};
use crate::shape::{Kind, Shape};
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

/// The Rust function behind a built-in one.
#[inline(always)]
pub fn def_of(builtin: Value) -> &'static MethodDef {
    // SAFETY: every `Builtin` is made from a `&'static MethodDef`.
    unsafe { &*(cast::<Builtin>(builtin).def.get() as usize as *const MethodDef) }
}

impl Vm {
    /// A function; with a receiver that is passed first (a bound method), or NULL.
    pub fn new_builtin(&mut self, def: &'static MethodDef, receiver: Value) -> Value {
        self.new_builtin_in(def, receiver, Value::NULL)
    }

    /// A function of a module: its name is `__module__`.
    pub fn new_builtin_in(&mut self, def: &'static MethodDef, receiver: Value, module: Value) -> Value {
        let shape = self.types.builtin.data().shape.get().expect("functions have a shape");
        make(self, shape, def, receiver, module, Value::NULL)
    }
}

impl Vm {
    /// A function of the module named `module`.
    pub fn new_builtin_of_module(&mut self, def: &'static MethodDef, module: Value) -> Value {
        self.new_builtin_in(def, Value::NULL, module)
    }
}

fn make(
    vm: &mut Vm,
    shape: &'static Shape,
    def: &'static MethodDef,
    receiver: Value,
    module: Value,
    owner: Value,
) -> Value {
    let builtin = vm.alloc::<Builtin>(shape);
    builtin.def.set(std::ptr::from_ref(def).addr() as i64);
    builtin.receiver.set(receiver);
    builtin.module.set(module);
    builtin.owner.set(owner);
    value_of(builtin)
}

/// A method in the dictionary of the built-in type `owner`.
pub fn new_method_descriptor(vm: &mut Vm, def: &'static MethodDef, owner: TypeRef) -> Value {
    let shape = vm.types.method_descriptor.data().shape.get().expect("methods have a shape");
    make(vm, shape, def, Value::NULL, Value::NULL, owner.value())
}

/// A class method in the dictionary of the built-in type `owner`.
pub fn new_classmethod_descriptor(vm: &mut Vm, def: &'static MethodDef, owner: TypeRef) -> Value {
    let shape = vm.types.classmethod_descriptor.data().shape.get().expect("methods have a shape");
    make(vm, shape, def, Value::NULL, Value::NULL, owner.value())
}

/// `__new__` of a built-in type: a function bound to the type, whose first argument is the class to instantiate.
pub fn new_tp_new(vm: &mut Vm, owner: TypeRef) -> Value {
    let shape = vm.types.builtin.data().shape.get().expect("functions have a shape");
    make(vm, shape, &TP_NEW, owner.value(), Value::NULL, owner.value())
}

/// The type whose `__new__` slot a value calls, if it is such a function.
pub fn tp_new_owner(vm: &Vm, value: Value) -> Option<TypeRef> {
    let value = crate::static_method::unwrap(vm, value);
    if vm.kind(value) == Kind::Builtin && std::ptr::eq(def_of(value), &TP_NEW) {
        return Some(TypeRef::from_value(cast::<Builtin>(value).receiver.get()));
    }
    None
}

static TP_NEW: MethodDef = MethodDef::static_method("__new__", 1, MANY, tp_new)
    .with_keywords()
    .with_doc("Create and return a new object.  See help(type) for accurate signature.");

fn tp_new(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let owner = TypeRef::from_value(args.values[0]);
    let owner_name = owner.name();
    let Some(class) = args.get(1) else {
        return Err(vm.type_error(format!("{owner_name}.__new__(): not enough arguments")));
    };
    if !crate::type_::is_type(vm, class) {
        let given = vm.type_name(class);
        return Err(vm.type_error(format!("{owner_name}.__new__(X): X is not a type object ({given})")));
    }
    let class = TypeRef::from_value(class);
    let name = class.name();
    if !class.is_subtype(owner) {
        return Err(vm.type_error(format!("{owner_name}.__new__({name}): {name} is not a subtype of {owner_name}")));
    }
    // Instances of a class with a built-in layout can be made by that type's `__new__` alone.
    let native = native_base(class);
    let new = native.slots().new;
    if native != owner && new.map(|f| f as usize) != owner.slots().new.map(|f| f as usize) && !owner.has(flags::HEAP) {
        let native = native.name();
        return Err(vm.type_error(format!("{owner_name}.__new__({name}) is not safe, use {native}.__new__()")));
    }
    let new = owner.slots().new.expect("the type has __new__");
    let rest = CallArgs { values: &args.values[2..], names: args.names };
    new(vm, class, &rest)
}

/// The first built-in type among a class and its bases that the layout comes from.
fn native_base(class: TypeRef) -> TypeRef {
    let mut at = class;
    while at.has(flags::HEAP) {
        at = at.data().base.get().expect("a class derives from a built-in type");
    }
    at
}

/// Calls a built-in function, method or class method.
pub fn call(vm: &mut Vm, callable: Value, args: &CallArgs) -> PyResult {
    let builtin = cast::<Builtin>(callable);
    call_def(vm, def_of(callable), builtin.receiver.get(), builtin.owner.get(), args)
}

/// Calls a Rust function as Python: checks the number of arguments and, for the unbound method of `owner`, the receiver.
#[inline]
pub fn call_def(vm: &mut Vm, def: &'static MethodDef, receiver: Value, owner: Value, args: &CallArgs) -> PyResult {
    if !receiver.is_null() {
        return vm.with_prepended(receiver, args, |vm, args| call_checked(vm, def, owner, args, true));
    }
    if !owner.is_null() {
        check_receiver(vm, def, TypeRef::from_value(owner), args)?;
    }
    call_checked(vm, def, owner, args, !owner.is_null())
}

#[inline]
fn call_checked(vm: &mut Vm, def: &'static MethodDef, owner: Value, args: &CallArgs, bound: bool) -> PyResult {
    debug_assert!(vm.thread.sees(args.values), "arguments where the collector does not see them");
    let positional = args.values.len() - args.keyword_names().len();
    if !def.keywords && positional != args.values.len() {
        let name = display_name(vm, def, owner, args, bound);
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    if positional < def.min as usize || positional > def.max as usize {
        return Err(arity_error(vm, def, owner, args, bound, positional));
    }
    (def.function)(vm, args)
}

#[inline]
fn check_receiver(vm: &mut Vm, def: &'static MethodDef, owner: TypeRef, args: &CallArgs) -> PyResult<()> {
    match args.get(0) {
        Some(receiver) => {
            let ty = vm.type_of(receiver);
            if ty == owner || ty.is_subtype(owner) {
                return Ok(());
            }
            let (name, owner, given) = (def.name, owner.name(), ty.name());
            Err(vm.type_error(format!("descriptor '{name}' for '{owner}' objects doesn't apply to a '{given}' object")))
        }
        None => {
            let (name, owner) = (def.name, owner.name());
            Err(vm.type_error(format!("unbound method {owner}.{name}() needs an argument")))
        }
    }
}

/// The name that errors give: methods with their type.
fn display_name(vm: &mut Vm, def: &MethodDef, owner: Value, args: &CallArgs, bound: bool) -> String {
    if !bound || std::ptr::eq(def, &TP_NEW) {
        return def.name.to_string();
    }
    if !owner.is_null() {
        return format!("{}.{}", TypeRef::from_value(owner).name(), def.name);
    }
    match args.values.first() {
        Some(&receiver) if crate::type_::is_type(vm, receiver) => {
            format!("{}.{}", TypeRef::from_value(receiver).name(), def.name)
        }
        Some(&receiver) if def.kind == MethodKind::Method => {
            // The type that has the method, not the receiver's.
            let ty = vm.type_of(receiver);
            let name = vm.intern(def.name);
            let owner = vm.resolve(ty, name).owner.unwrap_or(ty);
            format!("{}.{}", owner.name(), def.name)
        }
        _ => def.name.to_string(),
    }
}

#[cold]
fn arity_error(
    vm: &mut Vm,
    def: &'static MethodDef,
    owner: Value,
    args: &CallArgs,
    bound: bool,
    given: usize,
) -> crate::error::Raised {
    let skip = bound as usize;
    let (min, max) = (def.min as usize - skip.min(def.min as usize), def.max as usize - skip.min(def.max as usize));
    let given = given - skip.min(given);
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    if min == max && max <= 1 && !def.keywords {
        let name = display_name(vm, def, owner, args, bound);
        let expected = if max == 0 { "no arguments" } else { "exactly one argument" };
        return vm.type_error(format!("{name}() takes {expected} ({given} given)"));
    }
    let name = def.name;
    let message = if min == max {
        format!("{name} expected {min} argument{}, got {given}", plural(min))
    } else if given < min {
        format!("{name} expected at least {min} argument{}, got {given}", plural(min))
    } else {
        format!("{name} expected at most {max} argument{}, got {given}", plural(max))
    };
    vm.type_error(message)
}

/// `__doc__` without the signature in front; None if nothing is left.
pub fn doc_value(vm: &mut Vm, doc: &str) -> Value {
    let text = match doc.split_once("\n--\n\n") {
        Some((_, text)) => text,
        None => doc,
    };
    if text.is_empty() { vm.none } else { vm.new_str(text) }
}

/// `__text_signature__`: from the first `(`; None without.
pub fn signature_value(vm: &mut Vm, doc: &str) -> Value {
    match doc.split_once("\n--\n\n") {
        Some((signature, _)) => match signature.find('(') {
            Some(start) => vm.new_str(&signature[start..]),
            None => vm.none,
        },
        None => vm.none,
    }
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.builtin = vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW,
            slots: Slots {
                call: Some(call),
                repr: Some(repr),
                hash: Some(hash),
                compare: Some(compare),
                ..Slots::default()
            },
            methods: const { &[MethodDef::method("__reduce__", 1, 1, reduce)] },
            getset: FUNCTION_GETSET,
            ..TypeSpec::of::<Builtin>("builtin_function_or_method", Kind::Builtin)
        },
        object,
    );
    vm.types.method_descriptor = vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW | flags::METHOD_DESCRIPTOR,
            slots: Slots { call: Some(call), repr: Some(repr_descriptor), descr_get: Some(bind), ..Slots::default() },
            methods: const { &[MethodDef::method("__reduce__", 1, 1, reduce)] },
            getset: DESCRIPTOR_GETSET,
            ..TypeSpec::of::<Builtin>("method_descriptor", Kind::Builtin)
        },
        object,
    );
    vm.types.classmethod_descriptor = vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW,
            slots: Slots {
                call: Some(call_class_method),
                repr: Some(repr_descriptor),
                descr_get: Some(bind_class),
                ..Slots::default()
            },
            getset: DESCRIPTOR_GETSET,
            ..TypeSpec::of::<Builtin>("classmethod_descriptor", Kind::Other)
        },
        object,
    );
}

static FUNCTION_GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("__name__", get_name),
    GetSetDef::read_only("__qualname__", get_qualname),
    GetSetDef::read_only("__doc__", get_doc),
    GetSetDef::read_only("__self__", get_self),
    GetSetDef::read_only("__module__", get_module),
    GetSetDef::read_only("__text_signature__", get_signature),
];

static DESCRIPTOR_GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("__name__", get_name),
    GetSetDef::read_only("__qualname__", get_qualname),
    GetSetDef::read_only("__doc__", get_doc),
    GetSetDef::read_only("__objclass__", |_, object| Ok(cast::<Builtin>(object).owner.get())),
    GetSetDef::read_only("__text_signature__", get_signature),
];

fn get_name(vm: &mut Vm, object: Value) -> PyResult {
    Ok(vm.intern(def_of(object).name))
}

fn get_qualname(vm: &mut Vm, object: Value) -> PyResult {
    let def = def_of(object);
    let builtin = cast::<Builtin>(object);
    let (receiver, owner) = (builtin.receiver.get(), builtin.owner.get());
    let ty = if !owner.is_null() {
        TypeRef::from_value(owner)
    } else if receiver.is_null() || vm.kind(receiver) == Kind::Module {
        return get_name(vm, object);
    } else if crate::type_::is_type(vm, receiver) {
        TypeRef::from_value(receiver)
    } else {
        vm.type_of(receiver)
    };
    let text = format!("{}.{}", vm.text_of(ty.0.qualname.get()), def.name);
    Ok(vm.new_str(&text))
}

fn get_doc(vm: &mut Vm, object: Value) -> PyResult {
    Ok(doc_value(vm, def_of(object).doc))
}

fn get_signature(vm: &mut Vm, object: Value) -> PyResult {
    Ok(signature_value(vm, def_of(object).doc))
}

fn get_self(vm: &mut Vm, object: Value) -> PyResult {
    let builtin = cast::<Builtin>(object);
    if !builtin.receiver.get().is_null() {
        return Ok(builtin.receiver.get());
    }
    // A module's function is bound to its module.
    let module = builtin.module.get();
    if module.is_null() {
        return Ok(vm.none);
    }
    let modules = vm.handle(vm.modules);
    Ok(vm.dict_get(modules, module)?.unwrap_or(vm.none))
}

fn get_module(vm: &mut Vm, object: Value) -> PyResult {
    let module = cast::<Builtin>(object).module.get();
    Ok(if module.is_null() { vm.none } else { module })
}

fn repr(vm: &mut Vm, object: Value) -> PyResult {
    let name = def_of(object).name;
    let receiver = cast::<Builtin>(object).receiver.get();
    let text = if receiver.is_null() || vm.kind(receiver) == Kind::Module {
        format!("<built-in function {name}>")
    } else {
        let ty = vm.type_name(receiver);
        let address = vm.address(receiver);
        format!("<built-in method {name} of {ty} object at 0x{address:x}>")
    };
    Ok(vm.new_str(&text))
}

fn repr_descriptor(vm: &mut Vm, object: Value) -> PyResult {
    let owner = TypeRef::from_value(cast::<Builtin>(object).owner.get()).name();
    let text = format!("<method '{}' of '{owner}' objects>", def_of(object).name);
    Ok(vm.new_str(&text))
}

fn hash(vm: &mut Vm, object: Value) -> PyResult<i64> {
    let builtin = cast::<Builtin>(object);
    let receiver = builtin.receiver.get();
    let receiver = if receiver.is_null() { 0 } else { crate::object::identity_hash(vm, receiver)? };
    let hash = builtin.def.get() ^ receiver.rotate_left(7);
    Ok(if hash == -1 { -2 } else { hash })
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) || vm.type_of(a) != vm.type_of(b) {
        return Ok(vm.not_implemented);
    }
    let (left, right) = (cast::<Builtin>(a), cast::<Builtin>(b));
    let same = left.def.get() == right.def.get() && left.receiver.get() == right.receiver.get();
    Ok(vm.bool(same == (op == CompareOp::Eq)))
}

/// Found in a class through an instance.
fn bind(vm: &mut Vm, descriptor: Value, instance: Value, _: Value) -> PyResult {
    if instance.is_null() {
        return Ok(descriptor);
    }
    let builtin = cast::<Builtin>(descriptor);
    let owner = TypeRef::from_value(builtin.owner.get());
    let ty = vm.type_of(instance);
    if !ty.is_subtype(owner) {
        let (name, owner, given) = (def_of(descriptor).name, owner.name(), ty.name());
        return Err(
            vm.type_error(format!("descriptor '{name}' for '{owner}' objects doesn't apply to a '{given}' object"))
        );
    }
    Ok(vm.new_builtin(def_of(descriptor), instance))
}

fn bind_class(vm: &mut Vm, descriptor: Value, instance: Value, class: Value) -> PyResult {
    let class = if class.is_null() { vm.type_of(instance).value() } else { class };
    Ok(vm.new_builtin(def_of(descriptor), class))
}

fn call_class_method(vm: &mut Vm, descriptor: Value, args: &CallArgs) -> PyResult {
    call_def(vm, def_of(descriptor), Value::NULL, Value::NULL, args)
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let object = args.values[0];
    let builtin = cast::<Builtin>(object);
    let name = vm.intern(def_of(object).name);
    let receiver = if builtin.owner.get().is_null() { builtin.receiver.get() } else { builtin.owner.get() };
    if receiver.is_null() || vm.kind(receiver) == Kind::Module {
        return Ok(name);
    }
    let builtins = crate::module::import(vm, "builtins")?;
    let getattr = vm.getattr_str(builtins, "getattr")?;
    let arguments = vm.new_tuple(&[receiver, name]);
    Ok(vm.new_tuple(&[getattr, arguments]))
}
