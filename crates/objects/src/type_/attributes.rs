//! Attributes of classes: how they are found and set, and `__name__`, `__bases__`, `__dict__` and the like.

use crate::args::GetSetDef;
use crate::error::PyResult;
use crate::slots::{GetattrFn, SetattrFn};
use crate::ty::{ResolutionKind, TypeRef, flags};
use crate::type_::{bases, inherit, is_type, resolve};
use crate::vm::Vm;
use heap::Value;

pub(super) static GETSET: &[GetSetDef] = &[
    GetSetDef::new("__name__", get_name, set_name),
    GetSetDef::new("__qualname__", get_qualname, set_qualname),
    GetSetDef::new("__bases__", get_bases, bases::set),
    GetSetDef::read_only("__base__", get_base),
    GetSetDef::new("__mro__", get_mro, |vm, _, _| Err(vm.attribute_error_text("readonly attribute"))),
    GetSetDef::new("__module__", get_module, set_module),
    GetSetDef::new("__abstractmethods__", get_abstract, set_abstract),
    GetSetDef::read_only("__dict__", get_dict),
    GetSetDef::new("__doc__", get_doc, set_doc),
    GetSetDef::read_only("__text_signature__", get_text_signature),
    GetSetDef::new("__annotations__", get_annotations, set_annotations),
    GetSetDef::new("__annotate__", get_annotate, set_annotate),
    GetSetDef::new("__type_params__", get_type_params, set_type_params),
    GetSetDef::read_only("__flags__", get_flags),
    GetSetDef::read_only("__basicsize__", get_basicsize),
    GetSetDef::read_only("__itemsize__", get_itemsize),
    GetSetDef::read_only("__dictoffset__", get_dictoffset),
    GetSetDef::read_only("__weakrefoffset__", get_weakrefoffset),
];

/// `type.__getattribute__`.
pub fn getattr(vm: &mut Vm, class: Value, name: Value) -> PyResult {
    match getattr_opt(vm, class, name)? {
        Some(value) => Ok(value),
        None => Err(vm.attribute_error(class, name)),
    }
}

/// The same; `None` where it would raise AttributeError itself.
pub fn getattr_opt(vm: &mut Vm, class: Value, name: Value) -> PyResult<Option<Value>> {
    let ty = TypeRef::from_value(class);
    let metatype = vm.type_of(class);
    let of_metatype = vm.resolve(metatype, name);
    if of_metatype.kind.is_data()
        && let Some(handle) = of_metatype.value
    {
        let descriptor = vm.handle(handle);
        if crate::object::has_getter(vm, of_metatype.kind, descriptor) {
            return vm.descr_get(descriptor, class, metatype.value()).map(Some);
        }
    }
    let resolution = vm.resolve(ty, name);
    match (resolution.kind, resolution.value) {
        (ResolutionKind::Absent, _) => {}
        (ResolutionKind::Plain | ResolutionKind::Function | ResolutionKind::BuiltinMethod, Some(handle)) => {
            return Ok(Some(vm.handle(handle)));
        }
        (ResolutionKind::Volatile, _) => {
            if let Some((value, _)) = vm.find_in_mro(ty, name) {
                return Ok(Some(value));
            }
        }
        (_, Some(handle)) => {
            let descriptor = vm.handle(handle);
            return vm.descr_get(descriptor, Value::NULL, class).map(Some);
        }
        (_, None) => {}
    }
    match vm.lookup_type(metatype, name) {
        Some(value) => vm.descr_get(value, class, metatype.value()).map(Some),
        None => Ok(None),
    }
}

/// Whether a metaclass finds attributes of its classes as `type` does.
pub fn loads_as_type(metatype: TypeRef) -> bool {
    metatype.slots().getattr.is_some_and(|f| std::ptr::fn_addr_eq(f, getattr as GetattrFn))
}

/// `type.__setattr__` and, for NULL, `__delattr__`.
pub fn setattr(vm: &mut Vm, class: Value, name: Value, value: Value) -> PyResult<()> {
    let ty = TypeRef::from_value(class);
    let text = vm.text_of(name);
    if ty.has(flags::IMMUTABLE) {
        let class_name = vm.full_name(ty);
        return Err(vm.type_error(format!("cannot set '{text}' attribute of immutable type '{class_name}'")));
    }
    let metatype = vm.type_of(class);
    if let Some(descriptor) = vm.lookup_type(metatype, name) {
        let set = vm.type_of(descriptor).slots().descr_set;
        if let Some(set) = set {
            return set(vm, descriptor, class, value);
        }
    }
    if !assign(vm, ty, name, value)? {
        return Err(vm.attribute_error(class, name));
    }
    Ok(())
}

/// Changes the class's dictionary and all that depends on it; NULL deletes. False if there was nothing to delete.
pub fn assign(vm: &mut Vm, ty: TypeRef, name: Value, value: Value) -> PyResult<bool> {
    let dict = ty.0.dict.get();
    let old = vm.dict_get_name(dict, name).unwrap_or(Value::NULL);
    if value.is_null() {
        if old.is_null() {
            return Ok(false);
        }
        vm.dict_del(dict, name)?;
    } else {
        vm.dict_set_name(dict, name, value);
    }
    if resolve::assignment_changes(vm, ty, name, old, value) {
        resolve::changed(vm, ty);
        let text = vm.text_of(name);
        inherit::update(vm, ty, &text);
    }
    Ok(true)
}

/// `object.__setattr__(C, …)` on a class is refused, as `type.__setattr__` does more.
pub fn check_setattr_allowed(vm: &mut Vm, f: SetattrFn, receiver: Value, what: &str) -> PyResult<()> {
    if is_type(vm, receiver) && std::ptr::fn_addr_eq(f, crate::object::generic_setattr as SetattrFn) {
        let name = vm.type_name(receiver);
        return Err(vm.type_error(format!("can't apply this {what} to {name} object")));
    }
    Ok(())
}

/// `__module__` of a class: from its dictionary, else what a built-in type was declared with.
pub fn module_of(vm: &mut Vm, ty: TypeRef) -> Option<Value> {
    if ty.has(flags::HEAP) {
        return vm.dict_get_name(ty.0.dict.get(), vm.names.__module__);
    }
    Some(vm.intern(ty.data().module))
}

fn receiver(class: Value) -> TypeRef {
    TypeRef::from_value(class)
}

pub(super) fn check_settable(vm: &mut Vm, ty: TypeRef, name: &str, value: Value) -> PyResult<()> {
    if ty.has(flags::IMMUTABLE) {
        let class = ty.name();
        return Err(vm.type_error(format!("cannot set '{name}' attribute of immutable type '{class}'")));
    }
    if value.is_null() {
        let class = ty.name();
        return Err(vm.type_error(format!("cannot delete '{name}' attribute of immutable type '{class}'")));
    }
    Ok(())
}

fn get_name(_: &mut Vm, class: Value) -> PyResult {
    Ok(receiver(class).0.name.get())
}

fn set_name(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    let ty = receiver(class);
    check_settable(vm, ty, "__name__", value)?;
    if !vm.is_str(value) {
        let given = vm.type_name(value);
        let class = ty.name();
        return Err(vm.type_error(format!("can only assign string to {class}.__name__, not '{given}'")));
    }
    *ty.data().name.borrow_mut() = vm.text_of(value);
    vm.write(class, &ty.0.name, value);
    Ok(())
}

fn get_qualname(_: &mut Vm, class: Value) -> PyResult {
    Ok(receiver(class).0.qualname.get())
}

fn set_qualname(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    let ty = receiver(class);
    check_settable(vm, ty, "__qualname__", value)?;
    if !vm.is_str(value) {
        let given = vm.type_name(value);
        let class = ty.name();
        return Err(vm.type_error(format!("can only assign string to {class}.__qualname__, not '{given}'")));
    }
    vm.write(class, &ty.0.qualname, value);
    Ok(())
}

fn get_bases(_: &mut Vm, class: Value) -> PyResult {
    Ok(receiver(class).0.bases.get())
}

fn get_base(vm: &mut Vm, class: Value) -> PyResult {
    Ok(receiver(class).data().base.get().map_or(vm.none, |base| base.value()))
}

/// None while a metaclass's `mro()` makes up its mind.
fn get_mro(vm: &mut Vm, class: Value) -> PyResult {
    let order = receiver(class).0.mro.get();
    Ok(if order.is_null() { vm.none } else { order })
}

fn get_module(vm: &mut Vm, class: Value) -> PyResult {
    let ty = receiver(class);
    match module_of(vm, ty) {
        Some(module) => Ok(module),
        None => {
            let name = vm.names.__module__;
            Err(vm.attribute_error(class, name))
        }
    }
}

fn set_module(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    let ty = receiver(class);
    check_settable(vm, ty, "__module__", value)?;
    let name = vm.names.__module__;
    assign(vm, ty, name, value)?;
    Ok(())
}

/// An entry of the class's own dictionary.
fn own(vm: &mut Vm, class: Value, name: Value) -> Option<Value> {
    vm.dict_get_name(receiver(class).0.dict.get(), name)
}

fn get_abstract(vm: &mut Vm, class: Value) -> PyResult {
    let name = vm.names.__abstractmethods__;
    match own(vm, class, name) {
        Some(methods) if class != vm.types.type_.value() => Ok(methods),
        _ => Err(vm.attribute_error(class, name)),
    }
}

fn set_abstract(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    let ty = receiver(class);
    let name = vm.names.__abstractmethods__;
    let abstract_ = !value.is_null() && vm.truth(value)?;
    if !assign(vm, ty, name, value)? {
        return Err(vm.attribute_error(class, name));
    }
    let data = ty.data();
    let flags = data.flags.get();
    data.flags.set(if abstract_ { flags | flags::ABSTRACT } else { flags & !flags::ABSTRACT });
    resolve::changed(vm, ty);
    Ok(())
}

fn get_dict(vm: &mut Vm, class: Value) -> PyResult {
    Ok(crate::mapping_proxy::new(vm, receiver(class).0.dict.get()))
}

fn get_doc(vm: &mut Vm, class: Value) -> PyResult {
    let ty = receiver(class);
    if !ty.has(flags::HEAP) && !ty.data().doc.is_empty() {
        return Ok(crate::builtin::doc_value(vm, ty.data().doc));
    }
    let name = vm.names.__doc__;
    let Some(doc) = own(vm, class, name) else { return Ok(vm.none) };
    vm.descr_get(doc, Value::NULL, class)
}

fn set_doc(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    let ty = receiver(class);
    check_settable(vm, ty, "__doc__", value)?;
    let name = vm.names.__doc__;
    assign(vm, ty, name, value)?;
    Ok(())
}

fn get_text_signature(vm: &mut Vm, class: Value) -> PyResult {
    let doc = receiver(class).data().doc;
    Ok(crate::builtin::signature_value(vm, doc))
}

fn get_annotations(vm: &mut Vm, class: Value) -> PyResult {
    let ty = receiver(class);
    let names = vm.names;
    if !ty.has(flags::HEAP) {
        return Err(vm.attribute_error(class, names.__annotations__));
    }
    for name in [names.__annotations__, names.__annotations_cache__] {
        if let Some(annotations) = own(vm, class, name) {
            return vm.descr_get(annotations, Value::NULL, class);
        }
    }
    let annotate = get_annotate(vm, class)?;
    let annotations = if annotate == vm.none {
        vm.new_dict()
    } else {
        let annotations = vm.call(annotate, &[Value::from_int(1)])?;
        if !vm.type_of(annotations).has(flags::DICT) {
            let given = vm.type_name(annotations);
            return Err(vm.type_error(format!("__annotate__ returned non-dict of type '{given}'")));
        }
        annotations
    };
    vm.dict_set_name(ty.0.dict.get(), names.__annotations_cache__, annotations);
    resolve::changed(vm, ty);
    Ok(annotations)
}

fn set_annotations(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    let ty = receiver(class);
    let names = vm.names;
    if ty.has(flags::IMMUTABLE) {
        let name = ty.name();
        return Err(vm.type_error(format!("cannot set '__annotations__' attribute of immutable type '{name}'")));
    }
    let target = if own(vm, class, names.__annotations__).is_some() {
        names.__annotations__
    } else {
        names.__annotations_cache__
    };
    if !assign(vm, ty, target, value)? {
        return Err(vm.attribute_error(class, names.__annotations__));
    }
    for name in [names.__annotate_func__, names.__annotate__] {
        if own(vm, class, name).is_some() {
            assign(vm, ty, name, vm.none)?;
        }
    }
    Ok(())
}

fn get_annotate(vm: &mut Vm, class: Value) -> PyResult {
    let ty = receiver(class);
    let names = vm.names;
    if !ty.has(flags::HEAP) {
        return Err(vm.attribute_error(class, names.__annotate__));
    }
    for name in [names.__annotate__, names.__annotate_func__] {
        if let Some(annotate) = own(vm, class, name) {
            return vm.descr_get(annotate, Value::NULL, class);
        }
    }
    Ok(vm.none)
}

fn set_annotate(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    let ty = receiver(class);
    if value.is_null() {
        return Err(vm.type_error("cannot delete __annotate__ attribute"));
    }
    if ty.has(flags::IMMUTABLE) {
        let name = ty.name();
        return Err(vm.type_error(format!("cannot set '__annotate__' attribute of immutable type '{name}'")));
    }
    if value != vm.none && !vm.is_callable(value) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    let names = vm.names;
    assign(vm, ty, names.__annotate_func__, value)?;
    if value != vm.none && own(vm, class, names.__annotations_cache__).is_some() {
        assign(vm, ty, names.__annotations_cache__, Value::NULL)?;
    }
    Ok(())
}

fn get_type_params(vm: &mut Vm, class: Value) -> PyResult {
    // What `type` has by that name is this descriptor.
    if receiver(class) == vm.types.type_ {
        return Ok(vm.empty_tuple);
    }
    let name = vm.names.__type_params__;
    Ok(own(vm, class, name).unwrap_or(vm.empty_tuple))
}

fn set_type_params(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    let ty = receiver(class);
    check_settable(vm, ty, "__type_params__", value)?;
    let name = vm.names.__type_params__;
    assign(vm, ty, name, value)?;
    Ok(())
}

/// The bits that CPython documents.
fn get_flags(_: &mut Vm, class: Value) -> PyResult {
    let ty = receiver(class);
    let bits = [
        (flags::SEQUENCE, 5),
        (flags::MAPPING, 6),
        (flags::IMMUTABLE, 8),
        (flags::HEAP, 9),
        (flags::BASETYPE, 10),
        (flags::METHOD_DESCRIPTOR, 17),
        (flags::ABSTRACT, 20),
        (flags::MATCH_SELF, 22),
        (flags::INT, 24),
        (flags::LIST, 25),
        (flags::TUPLE, 26),
        (flags::BYTES, 27),
        (flags::STR, 28),
        (flags::DICT, 29),
        (flags::EXCEPTION, 30),
        (flags::TYPE, 31),
    ];
    let mut word = 1 << 12 | 1 << 14;
    for (flag, bit) in bits {
        if ty.has(flag) {
            word |= 1i64 << bit;
        }
    }
    Ok(Value::from_int(word))
}

fn get_basicsize(_: &mut Vm, class: Value) -> PyResult {
    Ok(Value::from_int(receiver(class).data().layout.borrow().fixed_words as i64 * 8))
}

fn get_itemsize(_: &mut Vm, class: Value) -> PyResult {
    let size = match receiver(class).data().layout.borrow().tail {
        heap::Tail::None => 0,
        heap::Tail::Bytes => 1,
        heap::Tail::Values | heap::Tail::Words => 8,
    };
    Ok(Value::from_int(size))
}

fn get_dictoffset(_: &mut Vm, class: Value) -> PyResult {
    let ty = receiver(class);
    let word = if ty.has(flags::HAS_DICT) { ty.data().layout.borrow().overflow_word } else { 0 };
    Ok(Value::from_int(word as i64 * 8))
}

fn get_weakrefoffset(_: &mut Vm, class: Value) -> PyResult {
    Ok(Value::from_int(if receiver(class).has(flags::HAS_WEAKREF) { 8 } else { 0 }))
}

impl Vm {
    /// `callable(value)`.
    pub fn is_callable(&self, value: Value) -> bool {
        self.type_of(value).slots().call.is_some()
    }

    /// An AttributeError with a text alone.
    #[cold]
    pub fn attribute_error_text(&mut self, message: impl Into<String>) -> crate::error::Raised {
        self.raise(self.exc.attribute_error, message)
    }
}
