//! Rust functions that handlers and compiled code call on containers.
//!
//! Those that search by hash run no Python code: a search that only `__eq__` of some class can decide says so, and the
//! caller goes the general way. So a lookup is a read that a trace may repeat, and not a call that might do anything.

use crate::builtin_layouts::{Dict, Set};
use crate::dict::{cached_hash, table};
use crate::layout::cast;
use crate::set;
use crate::vm::Vm;
use heap::Value;
use metatrace::{CallEffect, Callee, Function, Ty};

/// [`DICT_FIND`]: there is no such key.
pub const ABSENT: i64 = -1;
/// [`DICT_FIND`]: only Python code can tell.
pub const UNKNOWN: i64 = -2;

/// Of a dict, or an instance of a subclass, a key, and what [`Dict::changes`] is: the number of the key's entry, [`ABSENT`] or [`UNKNOWN`]. The value is
/// then item `number * ENTRY_WORDS + ENTRY_VALUE` of the entries. As long as no key comes or goes, the same key stays where it
/// is: the answer depends on the operands alone. (Once [`UNKNOWN`], it might be told later; then the general way tells it.)
pub static DICT_FIND: Callee = Callee {
    name: "dict_find",
    function: Function::F3(dict_find),
    operands: &[Ty::Ref, Ty::Ref, Ty::Int],
    result: Ty::Int,
    effect: CallEffect::Pure,
};

extern "C" fn dict_find(_context: *mut u8, dict: u64, key: u64, _changes: u64) -> u64 {
    let key = Value(key);
    let found = match cached_hash(key) {
        Some(hash) => table::find_leaf(cast::<Dict>(Value(dict)), key, hash),
        None => table::Found::Unknown,
    };
    let number = match found {
        table::Found::At(entry) => entry as i64,
        table::Found::Absent => ABSENT,
        table::Found::Unknown => UNKNOWN,
    };
    number as u64
}

/// Of a set or frozenset, an element, and what [`Set::changes`] is: 1, 0, or [`UNKNOWN`]. See [`DICT_FIND`].
pub static SET_FIND: Callee = Callee {
    name: "set_find",
    function: Function::F3(set_find),
    operands: &[Ty::Ref, Ty::Ref, Ty::Int],
    result: Ty::Int,
    effect: CallEffect::Pure,
};

extern "C" fn set_find(_context: *mut u8, set: u64, element: u64, _changes: u64) -> u64 {
    let element = Value(element);
    let found = match cached_hash(element) {
        Some(hash) => set::table::find_leaf(cast::<Set>(Value(set)), element, hash),
        None => table::Found::Unknown,
    };
    let answer = match found {
        table::Found::At(_) => 1,
        table::Found::Absent => 0,
        table::Found::Unknown => UNKNOWN,
    };
    answer as u64
}

/// Of a dict, a key and a value: 1 if the value was stored, 0 if it must be stored in the general way. Dictionaries of modules
/// are among the latter: their changes have consequences.
pub static DICT_STORE: Callee = Callee {
    name: "dict_store",
    function: Function::F3(dict_store),
    operands: &[Ty::Ref, Ty::Ref, Ty::Ref],
    result: Ty::Int,
    effect: CallEffect::Writes,
};

extern "C" fn dict_store(context: *mut u8, dict: u64, key: u64, value: u64) -> u64 {
    let (key, value) = (Value(key), Value(value));
    let dict = cast::<Dict>(Value(dict));
    let Some(hash) = cached_hash(key) else { return 0 };
    if dict.namespace.get() != 0 {
        return 0;
    }
    let vm = vm_of(context);
    match table::find_leaf(dict, key, hash) {
        table::Found::At(entry) => vm.dict_replace(dict, entry, value),
        // Without room for a bigger table, the general way raises MemoryError.
        table::Found::Absent if heap::caught(|| vm.dict_add(dict, key, hash, value)).is_err() => return 0,
        table::Found::Absent => {}
        table::Found::Unknown => return 0,
    }
    1
}

/// The context behind the pointer that callees get.
#[inline(always)]
fn vm_of(context: *mut u8) -> &'static mut Vm {
    // SAFETY: every callee is called with the context of the running thread, which nobody else uses meanwhile.
    unsafe { &mut *context.cast::<Vm>() }
}
