//! The hash table of sets: CPython's, probe for probe.
//!
//! The order in which a set gives its elements is the order of its table. It is no one's promise, but for ints, whose hashes
//! are fixed, programs and their expected output have come to rely on it; hence the same places, growth and copying as there.
//!
//! An entry is two words, the key and the hash as a tagged integer. A free entry has neither; a deleted one has no key and
//! the hash -1. There are a power of two of them, at least [`LEAST`]; a set that never had an element has none as yet.
//! `fill` counts entries that are not free, so that at least two fifths are.

use crate::builtin_layouts::Set;
use crate::dict::table::{Found, alike, tag_hash};
use crate::error::PyResult;
use crate::layout::value_of;
use crate::value_vec::{array_base, array_get, array_set, capacity, new_array};
use crate::vm::Vm;
use heap::Value;

/// Entries of the smallest table.
pub const LEAST: usize = 8;
/// How many neighbours of an entry are looked at before the search goes elsewhere.
const NEIGHBOURS: usize = 9;
/// The hash word of a deleted entry.
const DELETED: Value = Value::from_int(-1);

/// The number of entries, less one.
#[inline(always)]
fn mask(set: &Set) -> usize {
    capacity(set.entries.get()).max(2 * LEAST) / 2 - 1
}

#[inline(always)]
pub fn key_at(set: &Set, entry: usize) -> Value {
    array_get(set.entries.get(), 2 * entry)
}

#[inline(always)]
pub fn hash_at(set: &Set, entry: usize) -> i64 {
    array_get(set.entries.get(), 2 * entry + 1).as_int()
}

/// The number of the next element at or after entry `entry`.
#[inline(always)]
pub fn next_live(set: &Set, mut entry: usize) -> Option<usize> {
    let count = capacity(set.entries.get()) / 2;
    while entry < count {
        if !key_at(set, entry).is_null() {
            return Some(entry);
        }
        entry += 1;
    }
    None
}

/// Visits the entries where the hash may be, until `visit` returns true or a free one is met: its number. `visit` gets an
/// entry's number, key and hash.
#[inline(always)]
fn probe(
    entries: Value,
    mask: usize,
    hash: Value,
    mut visit: impl FnMut(usize, Value, Value) -> bool,
) -> Option<usize> {
    let base = array_base(entries);
    let hash = hash.as_int();
    let mut perturb = hash as u64;
    let mut at = hash as usize & mask;
    loop {
        let last = if at + NEIGHBOURS <= mask { at + NEIGHBOURS } else { at };
        for entry in at..=last {
            // SAFETY: `entry` is at most the mask.
            let (key, found) = unsafe { (*base.add(2 * entry), *base.add(2 * entry + 1)) };
            if found.is_null() {
                return Some(entry);
            }
            if visit(entry, key, found) {
                return None;
            }
        }
        perturb >>= 5;
        at = at.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
    }
}

/// The entry of `key`, whose hash is `hash`.
#[inline]
pub fn find(vm: &mut Vm, set: &'static Set, key: Value, hash: i64) -> PyResult<Option<usize>> {
    match find_leaf(set, key, hash) {
        Found::At(entry) => Ok(Some(entry)),
        Found::Absent => Ok(None),
        Found::Unknown => find_slow(vm, set, key, hash),
    }
}

/// The same without Python code.
#[inline]
pub fn find_leaf(set: &Set, key: Value, hash: i64) -> Found {
    if set.entries.get().is_null() {
        return Found::Absent;
    }
    let hash = tag_hash(hash);
    let mut answer = Found::Absent;
    probe(set.entries.get(), mask(set), hash, |entry, candidate, candidate_hash| {
        if candidate_hash != hash || candidate.is_null() {
            return false;
        }
        answer = match alike(candidate, key) {
            _ if candidate == key => Found::At(entry),
            Some(true) => Found::At(entry),
            Some(false) => return false,
            None => Found::Unknown,
        };
        true
    });
    answer
}

#[inline(never)]
fn find_slow(vm: &mut Vm, set: &'static Set, key: Value, hash: i64) -> PyResult<Option<usize>> {
    let tagged = tag_hash(hash);
    'restart: loop {
        if set.entries.get().is_null() {
            return Ok(None);
        }
        let entries = set.entries.get();
        let mut skip = 0;
        loop {
            let (mut at, mut seen) = (None, 0);
            probe(set.entries.get(), mask(set), tagged, |entry, candidate, candidate_hash| {
                seen += 1;
                if seen > skip && candidate_hash == tagged && !candidate.is_null() {
                    at = Some((entry, candidate));
                }
                at.is_some()
            });
            let Some((entry, candidate)) = at else { return Ok(None) };
            skip = seen;
            let equal = candidate == key || vm.eq(candidate, key)?;
            // As in CPython, only a comparison that takes this entry away makes the search start again.
            if set.entries.get() != entries || key_at(set, entry) != candidate {
                continue 'restart;
            }
            if equal {
                return Ok(Some(entry));
            }
        }
    }
}

/// Adds an element unless it is there.
pub fn add(vm: &mut Vm, set: &'static Set, key: Value, hash: i64) -> PyResult<()> {
    if find(vm, set, key, hash)?.is_some() {
        return Ok(());
    }
    if set.entries.get().is_null() {
        let entries = new_array(vm, 2 * LEAST);
        vm.write(value_of(set), &set.entries, entries);
    }
    // Where the table could not grow: it may not fill up.
    if set.fill.get() as usize >= mask(set) {
        resize(vm, set, grown(set));
    }
    // As in CPython, the last deleted entry on the way is taken again.
    let mut deleted = None;
    let free = probe(set.entries.get(), mask(set), tag_hash(hash), |entry, key, _| {
        if key.is_null() {
            deleted = Some(entry);
        }
        false
    });
    let free = free.expect("nothing stops the search");
    put(vm, set.entries.get(), deleted.unwrap_or(free), key, tag_hash(hash));
    set.used.set(set.used.get() + 1);
    set.changes.set(set.changes.get() + 1);
    if deleted.is_none() {
        set.fill.set(set.fill.get() + 1);
        if set.fill.get() as usize * 5 >= mask(set) * 3 {
            resize(vm, set, grown(set));
        }
    }
    Ok(())
}

/// What a full table makes room for.
fn grown(set: &Set) -> usize {
    let used = set.used.get() as usize;
    if used > 50000 { used * 2 } else { used * 4 }
}

#[inline(always)]
fn put(vm: &mut Vm, entries: Value, entry: usize, key: Value, hash: Value) {
    array_set(vm, entries, 2 * entry, key);
    // SAFETY: the entry lies within the array; a tagged integer needs no barrier.
    unsafe { *array_base(entries).add(2 * entry + 1) = hash };
}

/// Puts a key into a table that has no deleted entries and not this key.
fn insert_clean(vm: &mut Vm, entries: Value, key: Value, hash: Value) {
    let mask = capacity(entries) / 2 - 1;
    let free = probe(entries, mask, hash, |_, _, _| false).expect("nothing stops the search");
    put(vm, entries, free, key, hash);
}

/// Moves the elements into a table with more than `least` entries.
fn resize(vm: &mut Vm, set: &'static Set, least: usize) {
    let mut count = LEAST;
    while count <= least {
        count *= 2;
    }
    let entries = new_array(vm, 2 * count);
    let mut at = 0;
    while let Some(entry) = next_live(set, at) {
        at = entry + 1;
        insert_clean(vm, entries, key_at(set, entry), tag_hash(hash_at(set, entry)));
    }
    vm.write(value_of(set), &set.entries, entries);
    set.fill.set(set.used.get());
    set.changes.set(set.changes.get() + 1);
}

/// Makes room for `more` elements that are expected to be new.
pub fn expect(vm: &mut Vm, set: &'static Set, more: usize) {
    if (set.fill.get() as usize + more) * 5 >= mask(set) * 3 {
        resize(vm, set, (set.used.get() as usize + more) * 2);
    }
}

/// Adds the elements of another set.
pub fn merge(vm: &mut Vm, set: &'static Set, other: &'static Set) -> PyResult<()> {
    if std::ptr::eq(set, other) || other.used.get() == 0 {
        return Ok(());
    }
    expect(vm, set, other.used.get() as usize);
    if set.fill.get() != 0 {
        let mut at = 0;
        while let Some(entry) = next_live(other, at) {
            at = entry + 1;
            add(vm, set, key_at(other, entry), hash_at(other, entry))?;
        }
        return Ok(());
    }
    if mask(set) == mask(other) && other.fill.get() == other.used.get() {
        let entries =
            crate::value_vec::array_of(vm, crate::value_vec::array_slice(other.entries.get(), 2 * (mask(other) + 1)));
        vm.write(value_of(set), &set.entries, entries);
    } else {
        if set.entries.get().is_null() {
            let entries = new_array(vm, 2 * LEAST);
            vm.write(value_of(set), &set.entries, entries);
        }
        let mut at = 0;
        while let Some(entry) = next_live(other, at) {
            at = entry + 1;
            insert_clean(vm, set.entries.get(), key_at(other, entry), tag_hash(hash_at(other, entry)));
        }
    }
    set.fill.set(other.used.get());
    set.used.set(other.used.get());
    set.changes.set(set.changes.get() + 1);
    Ok(())
}

/// Deletes an element.
pub fn delete(set: &Set, entry: usize) {
    let base = array_base(set.entries.get());
    // SAFETY: the entry lies within the array; neither NULL nor a tagged integer needs a barrier.
    unsafe {
        *base.add(2 * entry) = Value::NULL;
        *base.add(2 * entry + 1) = DELETED;
    }
    set.used.set(set.used.get() - 1);
    set.changes.set(set.changes.get() + 1);
}

/// Drops deleted entries if they are more than a quarter.
pub fn tidy(vm: &mut Vm, set: &'static Set) {
    if (set.fill.get() - set.used.get()) as usize > mask(set) / 4 {
        resize(vm, set, grown(set));
    }
}

/// Takes the next element, going round.
pub fn pop(set: &Set) -> Option<Value> {
    if set.used.get() == 0 {
        return None;
    }
    let mask = mask(set);
    let mut entry = set.finger.get() as usize & mask;
    while key_at(set, entry).is_null() {
        entry = (entry + 1) & mask;
    }
    let key = key_at(set, entry);
    delete(set, entry);
    set.finger.set(entry as i64 + 1);
    Some(key)
}

/// Empties the set.
pub fn clear(set: &Set) {
    set.entries.set(Value::NULL);
    set.fill.set(0);
    set.used.set(0);
    set.changes.set(set.changes.get() + 1);
}
