//! Attributes: by the plan for shape and name, which is constant in a trace while the class stays as it is.

use crate::callees::attributes::*;
use crate::handlers::call;
use crate::machine::*;
use heap::Value;
use metatrace::{Operand, Site};
use objects::attribute::{AttributePlan, StorePlan};
use objects::builtin_layouts::{Dict, Method, Module, Str};
use objects::layout::Object;
use objects::shape::{Kind, Shape};
use objects::ty::{TypeData, TypeObject};

/// What LOAD_ATTR pushes: a value; or a function and the receiver to pass first.
pub enum Loaded<R> {
    Value(R),
    Method {
        function: R,
        receiver: R,
    },
    /// What a Python function gives for the first `count` arguments: a property's getter, `__get__`, `__getattr__`.
    Call {
        function: R,
        arguments: [R; 3],
        count: usize,
    },
}

/// What most instructions find, without asking what the object is.
#[inline(always)]
pub fn load_cached<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    object: M::Ref,
    method: bool,
) -> Option<Loaded<M::Ref>> {
    match m.cached::<AttributePlan>(site, object)? {
        AttributePlan::Inline(field) => {
            let value = m.get_ref(object, field);
            let unset = m.is_null(value);
            (!m.decide(unset)).then_some(Loaded::Value(value))
        }
        AttributePlan::Method(handle) if method => {
            Some(Loaded::Method { function: m.handle(*handle), receiver: object })
        }
        _ => None,
    }
}

/// Loads `name` of `object`. With `method`, a function found in the class is not bound but given with its receiver.
#[inline(always)]
pub fn load<M: PyMachine>(
    m: &mut M,
    f: &PyFrame<M>,
    pc: usize,
    object: M::Ref,
    name: Value,
    method: bool,
) -> Result<Loaded<M::Ref>, M::Ref> {
    let site = f.code.site(pc);
    if let Some(loaded) = load_cached(m, site, object, method) {
        return Ok(loaded);
    }
    if !m.is_varied(site)
        && let Tag::Object(shape) = tag(m, object)
    {
        let plan = plan_of(m, site, object, shape, name);
        if let Some(loaded) = by_plan(m, site, plan, object, shape, name, method) {
            return Ok(loaded);
        }
    }
    let name = m.constant(name);
    call2(m, &GET_ATTRIBUTE, object, name).map(Loaded::Value)
}

/// `getattr` with a name that only the call knows: an interned str. `None`: in the general way.
pub fn load_named<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    object: M::Ref,
    name: M::Ref,
) -> Option<Loaded<M::Ref>> {
    let Tag::Object(shape) = tag(m, object) else { return None };
    if matches!(shape.kind, Kind::Type | Kind::Module) {
        return None;
    }
    let name = interned(m, name)?;
    let key = named_key(shape, name)?;
    let plan = m.lookup(site, key, |vm| vm.attribute_plan(shape, name));
    by_plan(m, site, plan, object, shape, name, false)
}

/// Which str it is, if it is an interned one.
fn interned<M: PyMachine>(m: &mut M, name: M::Ref) -> Option<Value> {
    if object_kind(m, name)? != Kind::Str {
        return None;
    }
    let info = m.get_int(name, Str::INFO);
    let flag = m.int(objects::str::INTERNED);
    let flag = m.int_and(info, flag);
    let zero = m.int(0);
    let is_interned = m.int_ne(flag, zero);
    if m.decide(is_interned) { Some(m.promote_ref(name)) } else { None }
}

/// A key for shape and name that no other lookup of a call has: names are objects, so other keys that are addresses are even.
fn named_key(shape: &Shape, name: Value) -> Option<i64> {
    let fits = shape.id.0 < 1 << 15 && name.0 < 1 << 48;
    fits.then_some(name.0 as i64 | (shape.id.0 as i64) << 48 | 1)
}

/// What a plan finds; `None`: nothing that way.
#[inline(always)]
fn by_plan<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    plan: &'static AttributePlan,
    object: M::Ref,
    shape: &'static Shape,
    name: Value,
    method: bool,
) -> Option<Loaded<M::Ref>> {
    match plan {
        AttributePlan::Inline(field) => {
            let value = m.get_ref(object, field);
            let unset = m.is_null(value);
            if m.decide(unset) { None } else { Some(Loaded::Value(value)) }
        }
        AttributePlan::Float(field) => {
            let float = m.get_flt(object, field);
            Some(Loaded::Value(m.flt_box(float)))
        }
        AttributePlan::Overflow { overflow, index } => {
            let array = m.get_ref(object, overflow);
            let index = m.int(*index as i64);
            let value = m.item_ref(array, index, objects::list::ARRAY_ITEMS);
            let unset = m.is_null(value);
            if m.decide(unset) { None } else { Some(Loaded::Value(value)) }
        }
        AttributePlan::Method(handle) if method => {
            let function = m.handle(*handle);
            Some(Loaded::Method { function, receiver: object })
        }
        AttributePlan::Constant(handle) => Some(Loaded::Value(m.handle(*handle))),
        AttributePlan::Property(handle) => {
            let function = m.handle(*handle);
            Some(Loaded::Call { function, arguments: [object; 3], count: 1 })
        }
        AttributePlan::Descriptor(handle) => {
            let descriptor = m.handle(*handle);
            descriptor_call(m, site, descriptor, object, shape)
        }
        AttributePlan::Fallback(handle) => {
            let function = m.handle(*handle);
            let name = m.constant(name);
            Some(Loaded::Call { function, arguments: [object, name, name], count: 2 })
        }
        AttributePlan::Entry(entry) => {
            let dict = m.get_ref(object, Module::DICT);
            let entries = m.get_ref(dict, Dict::ENTRIES);
            let index = m.int(*entry as i64 * objects::dict::ENTRY_WORDS + objects::dict::ENTRY_VALUE);
            Some(Loaded::Value(m.item_ref(entries, index, objects::dict::ENTRY_ITEMS)))
        }
        // Bound methods of built-in types are made in the general way.
        AttributePlan::Method(handle) => {
            let function = m.handle(*handle);
            if object_kind(m, function) != Some(Kind::Function) {
                return None;
            }
            let shape = m.context().shape_for_kind(Kind::Method);
            let bound = m.new(shape.id, Method::BYTES as u32);
            m.init_ref(bound, Method::FUNCTION, function);
            m.init_ref(bound, Method::RECEIVER, object);
            Some(Loaded::Value(bound))
        }
        AttributePlan::Generic => None,
    }
}

/// The call of a descriptor's `__get__`, if that is a Python function.
fn descriptor_call<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    descriptor: M::Ref,
    object: M::Ref,
    shape: &'static Shape,
) -> Option<Loaded<M::Ref>> {
    let function = special_of(m, site, descriptor, "__get__")?;
    let class = m.constant(shape.ty.value());
    Some(Loaded::Call { function, arguments: [descriptor, object, class], count: 3 })
}

/// A special method of a descriptor, if that is a Python function.
fn special_of<M: PyMachine>(m: &mut M, site: &'static Site, descriptor: M::Ref, name: &'static str) -> Option<M::Ref> {
    let Tag::Object(shape) = tag(m, descriptor) else { return None };
    let key = i64::from(shape.id.0) << 1 | DESCRIPTOR_KEY;
    let plan = m.lookup(site, key, |vm| {
        let name = vm.intern(name);
        vm.attribute_plan(shape, name)
    });
    let AttributePlan::Method(handle) = *plan else { return None };
    let function = m.handle(handle);
    (object_kind(m, function) == Some(Kind::Function)).then_some(function)
}

/// LOAD_SPECIAL: a method of the object's class that needs no binding, to be called with the object. `None`: in the general way.
pub fn load_special<M: PyMachine>(m: &mut M, site: &'static Site, object: M::Ref, which: u32) -> Option<M::Ref> {
    if m.is_varied(site) {
        return None;
    }
    let Tag::Object(shape) = tag(m, object) else { return None };
    if matches!(shape.kind, Kind::Type | Kind::Module) {
        return None;
    }
    let plan = m.lookup(site, shape.id.0 as i64, |vm| {
        let name = crate::special::method_name(vm, which as usize);
        vm.attribute_plan(shape, name)
    });
    // An attribute of the object itself would be another plan.
    let AttributePlan::Method(handle) = *plan else { return None };
    Some(m.handle(handle))
}

/// LOAD_SUPER_ATTR of a method to be called: the function and the receiver, if that is a Python function found without
/// further ado. The operands are `super`, the class and the receiver.
pub fn load_super<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    [super_, class, receiver]: [M::Ref; 3],
    name: Value,
    method: bool,
) -> Option<(M::Ref, M::Ref)> {
    let original = m.context().types.super_.value();
    let original = m.constant(original);
    let is_original = m.ref_eq(super_, original);
    if !method || !m.decide(is_original) || object_kind(m, class) != Some(Kind::Type) {
        return None;
    }
    let Tag::Object(shape) = tag(m, receiver) else { return None };
    let data = m.get_int(class, TypeObject::DATA);
    let data = m.promote_int(data);
    if shape.kind == Kind::Type || data >= 1 << 48 || shape.id.0 >= 1 << 15 {
        return None;
    }
    let plan = m.lookup(site, data | i64::from(shape.id.0) << 48, |vm| {
        // SAFETY: the field of a type object holds the address of its `TypeData`, which is `'static`.
        let class = unsafe { &*(data as usize as *const TypeData) }.class;
        vm.super_plan(class, shape, name)
    });
    let AttributePlan::Method(handle) = *plan else { return None };
    Some((m.handle(handle), receiver))
}

/// What is behind keys that are shapes of descriptors: no other key of an instruction that has them is the same.
const DESCRIPTOR_KEY: i64 = 1 << 41 | 1;

/// What is behind keys that are numbers of namespaces, so that no shape has the same.
const NAMESPACE_KEY: i64 = 1 << 40;

/// By the object's shape; of a class by its identity, of a module by its dictionary.
#[inline(always)]
fn plan_of<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    object: M::Ref,
    shape: &'static Shape,
    name: Value,
) -> &'static AttributePlan {
    match shape.kind {
        Kind::Type => {
            let data = m.get_int(object, TypeObject::DATA);
            let data = m.promote_int(data);
            m.lookup(site, data, |vm| {
                // SAFETY: the field of a type object holds the address of its `TypeData`, which is `'static`.
                let data: &'static TypeData = unsafe { &*(data as usize as *const TypeData) };
                vm.class_attribute_plan(data.class, name)
            })
        }
        Kind::Module if shape.ty == m.context().types.module => {
            let dict = m.get_ref(object, Module::DICT);
            let namespace = m.get_int(dict, Dict::NAMESPACE);
            let namespace = m.promote_int(namespace);
            if namespace == 0 {
                return &AttributePlan::Generic;
            }
            m.lookup(site, namespace | NAMESPACE_KEY, |vm| {
                objects::namespace::module_attribute_plan(vm, namespace, name)
            })
        }
        _ => m.lookup(site, shape.id.0 as i64, |vm| vm.attribute_plan(shape, name)),
    }
}

/// STORE_ATTR.
#[inline(always)]
pub fn store<M: PyMachine>(
    m: &mut M,
    f: &PyFrame<M>,
    pc: usize,
    object: M::Ref,
    name: Value,
    value: M::Ref,
) -> Result<(), M::Ref> {
    let site = f.code.site(pc);
    // As in `load`.
    if let Some(StorePlan::Inline(field)) = m.cached::<StorePlan>(site, object) {
        m.set_ref(object, field, value);
        return Ok(());
    }
    if !m.is_varied(site)
        && let Tag::Object(shape) = tag(m, object)
    {
        let key = shape.id.0 as i64;
        match m.lookup(site, key, |vm| vm.store_plan(shape, name)) {
            StorePlan::Inline(field) => {
                m.set_ref(object, field, value);
                return Ok(());
            }
            StorePlan::Overflow { overflow, index } => {
                let array = m.get_ref(object, overflow);
                let index = m.int(*index as i64);
                m.set_item_ref(array, index, objects::list::ARRAY_ITEMS, value);
                return Ok(());
            }
            StorePlan::Transition { field, shape } => {
                m.set_ref(object, field, value);
                m.set_shape(object, *shape);
                return Ok(());
            }
            StorePlan::Float(field) => {
                let is_float = m.is_flt(value);
                if m.decide(is_float) {
                    let float = m.flt_unbox(value);
                    m.set_flt(object, field, float);
                    return Ok(());
                }
            }
            StorePlan::FloatTransition { field, shape } => {
                let is_float = m.is_flt(value);
                if m.decide(is_float) {
                    let float = m.flt_unbox(value);
                    m.set_flt(object, field, float);
                    m.set_shape(object, *shape);
                    return Ok(());
                }
            }
            StorePlan::Property(handle) => {
                let function = m.handle(*handle);
                return call::call_within(m, function, &[object, value]).map(|_| ());
            }
            StorePlan::Descriptor(handle) => {
                let descriptor = m.handle(*handle);
                if let Some(function) = special_of(m, site, descriptor, "__set__") {
                    return call::call_within(m, function, &[descriptor, object, value]).map(|_| ());
                }
            }
            StorePlan::Generic => {}
        }
    }
    let name = m.constant(name);
    let result = m.call_ref(&SET_ATTRIBUTE, &[Operand::Ref(object), Operand::Ref(name), Operand::Ref(value)]);
    check(m, result).map(|_| ())
}
