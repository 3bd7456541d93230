//! Attributes: by the plan for shape and name, which is constant in a trace while the class stays as it is.

use crate::callees::attributes::*;
use crate::machine::*;
use heap::Value;
use metatrace::{Operand, Site};
use objects::attribute::{AttributePlan, StorePlan};
use objects::builtin_layouts::{Dict, Module};
use objects::shape::{Kind, Shape};
use objects::ty::{TypeData, TypeObject};

/// What LOAD_ATTR pushes: a value; or a function and the receiver to pass first.
pub enum Loaded<R> {
    Value(R),
    Method {
        function: R,
        receiver: R,
    },
    /// A property's getter, to be called with the receiver.
    Getter {
        function: R,
        receiver: R,
    },
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
    if let Tag::Object(shape) = tag(m, object) {
        match plan_of(m, &f.code.sites[pc], object, shape, name) {
            AttributePlan::Inline(field) => {
                let value = m.get_ref(object, field);
                let unset = m.is_null(value);
                if !m.decide(unset) {
                    return Ok(Loaded::Value(value));
                }
            }
            AttributePlan::Float(field) => {
                let float = m.get_flt(object, field);
                return Ok(Loaded::Value(m.flt_box(float)));
            }
            AttributePlan::Overflow { overflow, index } => {
                let array = m.get_ref(object, overflow);
                let index = m.int(*index as i64);
                let value = m.item_ref(array, index, objects::list::ARRAY_ITEMS);
                let unset = m.is_null(value);
                if !m.decide(unset) {
                    return Ok(Loaded::Value(value));
                }
            }
            AttributePlan::Method(handle) if method => {
                let function = m.handle(*handle);
                return Ok(Loaded::Method { function, receiver: object });
            }
            AttributePlan::Constant(handle) => return Ok(Loaded::Value(m.handle(*handle))),
            AttributePlan::Property(handle) if !method => {
                let function = m.handle(*handle);
                return Ok(Loaded::Getter { function, receiver: object });
            }
            AttributePlan::Entry(entry) => {
                let dict = m.get_ref(object, Module::DICT);
                let entries = m.get_ref(dict, Dict::ENTRIES);
                let index = m.int(*entry as i64 * objects::dict::ENTRY_WORDS + objects::dict::ENTRY_VALUE);
                return Ok(Loaded::Value(m.item_ref(entries, index, objects::dict::ENTRY_ITEMS)));
            }
            AttributePlan::Method(_) | AttributePlan::Property(_) | AttributePlan::Generic => {}
        }
    }
    let name = m.constant(name);
    call2(m, &GET_ATTRIBUTE, object, name).map(Loaded::Value)
}

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
    if let Tag::Object(shape) = tag(m, object) {
        let key = shape.id.0 as i64;
        let site = &f.code.sites[pc];
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
            StorePlan::Generic => {}
        }
    }
    let name = m.constant(name);
    let result = m.call_ref(&SET_ATTRIBUTE, &[Operand::Ref(object), Operand::Ref(name), Operand::Ref(value)]);
    check(m, result).map(|_| ())
}
