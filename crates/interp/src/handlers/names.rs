//! Variables: globals, names of module and class bodies, cells.

use crate::callees::names::*;
use crate::machine::*;
use crate::slots;
use heap::Value;
use metatrace::Operand;
use objects::builtin_layouts::{CellObject, Dict};
use objects::namespace::{self, GlobalPlan};

/// LOAD_GLOBAL: the globals, then the builtins.
#[inline(always)]
pub fn load_global<M: PyMachine>(m: &mut M, f: &PyFrame<M>, pc: usize, name: Value) -> Outcome<M> {
    let globals = f.slot(slots::GLOBALS);
    let namespace = m.get_int(globals, Dict::NAMESPACE);
    let namespace = m.promote_int(namespace);
    if namespace != 0 {
        let site = f.code.site(pc);
        match m.lookup(site, namespace, |vm| namespace::global_plan(vm, namespace, name)) {
            GlobalPlan::Constant(handle) => return Ok(m.handle(*handle)),
            GlobalPlan::Entry(entry) => {
                let entries = m.get_ref(globals, Dict::ENTRIES);
                let index = m.int(*entry as i64 * objects::dict::ENTRY_WORDS + objects::dict::ENTRY_VALUE);
                return Ok(m.item_ref(entries, index, objects::dict::ENTRY_ITEMS));
            }
            GlobalPlan::BuiltinEntry { builtins, entry } => {
                let dict = m.handle(*builtins);
                let entries = m.get_ref(dict, Dict::ENTRIES);
                let index = m.int(*entry as i64 * objects::dict::ENTRY_WORDS + objects::dict::ENTRY_VALUE);
                return Ok(m.item_ref(entries, index, objects::dict::ENTRY_ITEMS));
            }
            GlobalPlan::Slow => {}
        }
    }
    let function = f.slot(slots::FUNCTION);
    let name = m.constant(name);
    call3(m, &LOAD_GLOBAL, globals, function, name)
}

/// STORE_GLOBAL, and STORE_NAME at module level.
#[inline(always)]
pub fn store_global<M: PyMachine>(m: &mut M, f: &PyFrame<M>, name: Value, value: M::Ref) -> Result<(), M::Ref> {
    let globals = f.slot(slots::GLOBALS);
    let name = m.constant(name);
    call3(m, &STORE_GLOBAL, globals, name, value).map(|_| ())
}

/// LOAD_NAME: the locals mapping, then globals and builtins.
pub fn load_name<M: PyMachine>(m: &mut M, f: &PyFrame<M>, pc: usize, name: Value) -> Outcome<M> {
    let locals = f.slot(slots::LOCALS);
    let globals = f.slot(slots::GLOBALS);
    let same = m.ref_eq(locals, globals);
    if m.decide(same) {
        return load_global(m, f, pc, name);
    }
    let key = m.constant(name);
    let found = m.call_ref(&LOAD_LOCAL_NAME, &[Operand::Ref(locals), Operand::Ref(key)]);
    let found = check(m, found)?;
    // NotImplemented stands for "no such local".
    let absent = m.context().not_implemented;
    let absent = m.constant(absent);
    let is_absent = m.ref_eq(found, absent);
    if m.decide(is_absent) { load_global(m, f, pc, name) } else { Ok(found) }
}

/// STORE_NAME.
pub fn store_name<M: PyMachine>(m: &mut M, f: &PyFrame<M>, name: Value, value: M::Ref) -> Result<(), M::Ref> {
    let locals = f.slot(slots::LOCALS);
    let globals = f.slot(slots::GLOBALS);
    let same = m.ref_eq(locals, globals);
    if m.decide(same) {
        return store_global(m, f, name, value);
    }
    let name = m.constant(name);
    call3(m, &STORE_LOCAL_NAME, locals, name, value).map(|_| ())
}

/// The content of a cell, or the error that its variable is unbound.
#[inline(always)]
pub fn load_cell<M: PyMachine>(m: &mut M, f: &PyFrame<M>, local: u32) -> Outcome<M> {
    let cell = f.slot(slots::FIRST_LOCAL + local as usize);
    let value = m.get_ref(cell, CellObject::CONTENT);
    let unbound = m.is_null(value);
    if m.decide(unbound) {
        // A copy, as in `Frame::lend`.
        let frame = *f;
        return Err(unbound_error(m, &frame, local));
    }
    Ok(value)
}

/// UnboundLocalError or NameError for a fast local.
pub fn unbound_error<M: PyMachine>(m: &mut M, f: &PyFrame<M>, local: u32) -> M::Ref {
    let code = int_operand(m, f.code.token());
    let local = int_operand(m, local as i64);
    raise(m, &UNBOUND_LOCAL, &[code, local])
}
