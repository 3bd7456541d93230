//! Attributes: by the plan for shape and name, which is constant in a trace while the class stays as it is.

use crate::callees::attributes::*;
use crate::machine::*;
use heap::Value;
use metatrace::Operand;
use objects::attribute::{AttributePlan, StorePlan};

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
        let key = shape.id.0 as i64;
        let site = &f.code.sites[pc];
        match m.lookup(site, key, |vm| vm.attribute_plan(shape, name)) {
            AttributePlan::Inline(field) => {
                let value = m.get_ref(object, field);
                let unset = m.is_null(value);
                if !m.decide(unset) {
                    return Ok(Loaded::Value(value));
                }
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
            AttributePlan::Method(_) | AttributePlan::Property(_) | AttributePlan::Generic => {}
        }
    }
    let name = m.constant(name);
    call2(m, &GET_ATTRIBUTE, object, name).map(Loaded::Value)
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
            StorePlan::Transition { field, shape } => {
                m.set_ref(object, field, value);
                m.set_shape(object, *shape);
                return Ok(());
            }
            StorePlan::Generic => {}
        }
    }
    let name = m.constant(name);
    let result = m.call_ref(&SET_ATTRIBUTE, &[Operand::Ref(object), Operand::Ref(name), Operand::Ref(value)]);
    check(m, result).map(|_| ())
}
