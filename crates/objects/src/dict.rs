//! `dict`: a hash table in order of insertion; see `dict/table.rs`.
//!
//! Dictionaries of modules are watched (`namespace.rs`): every change of one passes through the functions here.

pub mod iterator;
pub mod methods;
pub mod table;
#[cfg(test)]
mod tests;
pub mod views;

use crate::builtin_layouts::{Dict, ItemArray};
use crate::error::PyResult;
use crate::layout::{Object, cast};
use crate::namespace;
use crate::shape::{self, Kind};
use crate::value_vec::{array_get, array_set};
use crate::vm::Vm;
use heap::Value;
use metatrace::{Items, Repr};
use table::Found;

/// Words of an entry, and the places in it, for handlers that read `Dict.entries`.
pub const ENTRY_WORDS: i64 = 3;
pub const ENTRY_KEY: i64 = 0;
pub const ENTRY_VALUE: i64 = 1;
pub const ENTRY_HASH: i64 = 2;
/// The words of the entries: item `entry * ENTRY_WORDS + ENTRY_VALUE` is an entry's value.
pub const ENTRY_ITEMS: &Items =
    &Items { name: "Dict.entries[]", offset: ItemArray::BYTES as u32, repr: Repr::Ref, immutable: false };

const _: () = assert!(ENTRY_WORDS as usize == table::STRIDE);

pub(crate) fn init(vm: &mut Vm) {
    vm.types.dict = vm.new_builtin_type(methods::spec(), vm.types.object);
}

/// Whether `value` is a dict of no subclass.
#[inline(always)]
pub fn is_exact(value: Value) -> bool {
    shape::is_exact(value, Kind::Dict)
}

/// Live entries.
#[inline(always)]
pub fn len(dict: Value) -> usize {
    cast::<Dict>(dict).used.get() as usize
}

/// Key and value of an entry, if it is live.
#[inline(always)]
pub fn entry(dict: Value, index: usize) -> Option<(Value, Value)> {
    let dict = cast::<Dict>(dict);
    if index >= dict.fill.get() as usize {
        return None;
    }
    let entries = dict.entries.get();
    let key = array_get(entries, index * 3);
    if key.is_null() { None } else { Some((key, array_get(entries, index * 3 + 1))) }
}

/// The live entry at or after `*position`, which moves behind it: iteration by number. The dictionary may change
/// meanwhile; entries may then be missed.
#[inline]
pub fn next(dict: Value, position: &mut usize) -> Option<(Value, Value)> {
    let index = table::next_live(cast::<Dict>(dict), *position)?;
    *position = index + 1;
    entry(dict, index)
}

/// The value of a live entry.
#[inline(always)]
pub fn value_at(dict: &Dict, index: usize) -> Value {
    array_get(dict.entries.get(), index * 3 + 1)
}

#[inline(always)]
fn set_value_at(vm: &mut Vm, dict: &'static Dict, index: usize, value: Value) {
    array_set(vm, dict.entries.get(), index * 3 + 1, value);
}

/// Hash of a small integer: CPython's, modulo 2^61 - 1.
#[inline(always)]
pub fn hash_small_int(i: i64) -> i64 {
    const MODULUS: u64 = (1 << 61) - 1;
    let magnitude = i.unsigned_abs();
    // At most 63 bits: one folding and one subtraction are enough.
    let mut hash = (magnitude & MODULUS) + (magnitude >> 61);
    if hash >= MODULUS {
        hash -= MODULUS;
    }
    let hash = if i < 0 { -(hash as i64) } else { hash as i64 };
    if hash == -1 { -2 } else { hash }
}

/// The hash of a key, if it runs no Python code: of ints in a word, and of strs. The latter keep it.
#[inline(always)]
pub fn cached_hash(key: Value) -> Option<i64> {
    if key.is_int() {
        return Some(hash_small_int(key.as_int()));
    }
    if table::is_exact_str(key) {
        let text = cast::<crate::builtin_layouts::Str>(key);
        let hash = text.hash.get();
        if hash != -1 {
            return Some(hash);
        }
        let hash = crate::str::hash_bytes(crate::str::exact_bytes(key));
        text.hash.set(hash);
        return Some(hash);
    }
    None
}

impl Vm {
    /// An empty dict.
    pub fn new_dict(&mut self) -> Value {
        self.thread.heap.alloc_zeroed(shape::exact_id(Kind::Dict), Dict::BYTES)
    }

    /// The hash of a dictionary key; that it has none is told in the words for dictionaries.
    #[inline]
    pub fn dict_hash(&mut self, key: Value) -> PyResult<i64> {
        match cached_hash(key) {
            Some(hash) => Ok(hash),
            None => hash_key(self, key, "a dict key"),
        }
    }

    /// `dict[key]`, if the key is there: no `__missing__`.
    #[inline]
    pub fn dict_get(&mut self, dict: Value, key: Value) -> PyResult<Option<Value>> {
        let hash = self.dict_hash(key)?;
        self.dict_get_hashed(dict, key, hash)
    }

    #[inline]
    pub fn dict_get_hashed(&mut self, dict: Value, key: Value, hash: i64) -> PyResult<Option<Value>> {
        let dict = cast::<Dict>(dict);
        Ok(table::find(self, dict, key, hash)?.map(|index| value_at(dict, index)))
    }

    pub fn dict_contains(&mut self, dict: Value, key: Value) -> PyResult<bool> {
        let hash = self.dict_hash(key)?;
        Ok(table::find(self, cast::<Dict>(dict), key, hash)?.is_some())
    }

    /// `dict[key] = value`.
    #[inline]
    pub fn dict_set(&mut self, dict: Value, key: Value, value: Value) -> PyResult<()> {
        let hash = self.dict_hash(key)?;
        self.dict_set_hashed(dict, key, hash, value)
    }

    pub fn dict_set_hashed(&mut self, dict: Value, key: Value, hash: i64, value: Value) -> PyResult<()> {
        let object = cast::<Dict>(dict);
        match table::find(self, object, key, hash)? {
            Some(index) => self.dict_replace(object, index, value),
            None => self.dict_add(object, key, hash, value),
        }
        Ok(())
    }

    /// Deletes a key; whether it was there.
    pub fn dict_del(&mut self, dict: Value, key: Value) -> PyResult<bool> {
        Ok(self.dict_pop(dict, key)?.is_some())
    }

    /// Deletes a key; its value, if it was there.
    pub fn dict_pop(&mut self, dict: Value, key: Value) -> PyResult<Option<Value>> {
        let object = cast::<Dict>(dict);
        if object.used.get() == 0 {
            // CPython does not even hash; an unhashable key raises nevertheless.
            self.dict_hash(key)?;
            return Ok(None);
        }
        let hash = self.dict_hash(key)?;
        let Some(index) = table::find(self, object, key, hash)? else { return Ok(None) };
        let value = value_at(object, index);
        self.dict_remove(object, index);
        Ok(Some(value))
    }

    /// The value of a str key given as Rust text. Runs no Python code.
    pub fn dict_get_str(&mut self, dict: Value, key: &str) -> Option<Value> {
        let key = self.intern(key);
        self.dict_get_name(dict, key)
    }

    /// The value of an exact str key. Runs no Python code: a key of another type never equals it.
    #[inline]
    pub fn dict_get_name(&mut self, dict: Value, name: Value) -> Option<Value> {
        let dict = cast::<Dict>(dict);
        let hash = match cached_hash(name) {
            Some(hash) => hash,
            None => self.hash(name).unwrap_or_default(),
        };
        match table::find_leaf(dict, name, hash) {
            Found::At(index) => Some(value_at(dict, index)),
            _ => None,
        }
    }

    /// Sets a key given as Rust text.
    pub fn dict_set_str(&mut self, dict: Value, key: &str, value: Value) {
        let key = self.intern(key);
        self.dict_set_name(dict, key, value);
    }

    /// Sets an exact str key.
    pub fn dict_set_name(&mut self, dict: Value, name: Value, value: Value) {
        if self.dict_set(dict, name, value).is_err() {
            debug_assert!(false, "a str key's comparison raised");
        }
    }

    /// Deletes a key given as Rust text; whether it was there.
    pub fn dict_del_str(&mut self, dict: Value, key: &str) -> bool {
        let key = self.intern(key);
        self.dict_del(dict, key).unwrap_or(false)
    }

    pub fn dict_len(&self, dict: Value) -> usize {
        len(dict)
    }

    pub fn dict_next(&self, dict: Value, position: &mut usize) -> Option<(Value, Value)> {
        next(dict, position)
    }

    pub fn dict_clear(&mut self, dict: Value) {
        let object = cast::<Dict>(dict);
        if object.used.get() == 0 && object.fill.get() == 0 {
            return;
        }
        table::clear(object);
        if object.namespace.get() != 0 {
            namespace::cleared(self, object);
        }
    }

    /// The keys as a new list.
    pub fn dict_keys_list(&mut self, dict: Value) -> Value {
        let mut keys = crate::value_vec::ValueVec::with_capacity(self, len(dict));
        let mut position = 0;
        while let Some((key, _)) = next(dict, &mut position) {
            keys.push(self, key);
        }
        self.list_from(keys)
    }

    /// A new exact dict with the same entries.
    pub fn dict_copy(&mut self, dict: Value) -> Value {
        let copy = self.new_dict();
        table::copy(self, cast::<Dict>(dict), cast::<Dict>(copy));
        copy
    }

    /// `setdefault`.
    pub fn dict_setdefault(&mut self, dict: Value, key: Value, default: Value) -> PyResult {
        let object = cast::<Dict>(dict);
        let hash = self.dict_hash(key)?;
        match table::find(self, object, key, hash)? {
            Some(index) => Ok(value_at(object, index)),
            None => {
                self.dict_add(object, key, hash, default);
                Ok(default)
            }
        }
    }

    /// Replaces the value of a live entry.
    #[inline]
    pub(crate) fn dict_replace(&mut self, dict: &'static Dict, index: usize, value: Value) {
        if dict.namespace.get() != 0 {
            namespace::replaced(self, dict, index, value);
        }
        set_value_at(self, dict, index, value);
    }

    /// Adds a key that is absent.
    #[inline]
    pub(crate) fn dict_add(&mut self, dict: &'static Dict, key: Value, hash: i64, value: Value) {
        // Whoever looks for names compares exact strs.
        let key = if shape::is_exact(key, Kind::AppendedStr) { self.exact_str(key) } else { key };
        let watched = dict.namespace.get() != 0;
        let key = if watched { namespace::interned_key(self, key) } else { key };
        let (index, moved) = table::insert_new(self, dict, key, hash);
        set_value_at(self, dict, index, value);
        if watched {
            namespace::added(self, dict, key, moved);
        }
    }

    /// Deletes a live entry.
    pub(crate) fn dict_remove(&mut self, dict: &'static Dict, index: usize) {
        let key = table::key_at(dict, index);
        table::delete(dict, index);
        if dict.namespace.get() != 0 {
            namespace::deleted(self, dict, key);
        }
    }
}

/// The hash of a key of a dict or element of a set; a TypeError about it says what the key was for.
#[inline(never)]
pub(crate) fn hash_key(vm: &mut Vm, key: Value, role: &str) -> PyResult<i64> {
    match vm.hash(key) {
        Ok(hash) => Ok(hash),
        Err(raised) => {
            if vm.type_of(raised.0) != vm.exc.type_error {
                return Err(raised);
            }
            let reason = vm.str_of(raised.0)?;
            let reason = vm.str(reason)?;
            let name = vm.qualified_type_name(key);
            let name = name.strip_prefix("__main__.").unwrap_or(&name);
            Err(vm.type_error(format!("cannot use '{name}' as {role} ({reason})")))
        }
    }
}
