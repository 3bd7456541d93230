//! The hash table of dicts.
//!
//! Entries lie in an [`ItemArray`](crate::builtin_layouts::ItemArray) in order of insertion, three words each: the key,
//! the value, and the hash as a tagged integer. Up to [`SMALL`] entries are searched one by one. Beyond that an
//! [`IndexTable`] maps hashes to entry numbers by open addressing; its slots have one, two or four bytes.
//!
//! Invariants: a deleted entry has a NULL key and keeps its hash, and its slot goes on naming it, so that probing goes past
//! it. Entries from `fill` on are NULL and no slot names them. `used` counts live entries. `changes` grows when a key comes
//! or goes.

use crate::builtin_layouts::{Dict, Str};
use crate::error::PyResult;
use crate::layout;
use crate::layout::{Object, cast, value_of};
use crate::shape::{self, Kind};
use crate::value_vec::{array_base, array_get, capacity, new_array};
use crate::vm::Vm;
use heap::Value;

layout! {
    /// The slots follow: 0 is empty, all ones is a slot whose entry was given back, `n` names entry `n - 1`.
    IndexTable {
        /// Of the slots.
        bytes BYTES_LEN: i64, immutable;
        /// Slots that are not empty.
        occupied OCCUPIED: i64;
        /// The number of slots, less one.
        mask MASK: i64, immutable;
    }
}

/// Entries up to this number have no index.
pub const SMALL: usize = 8;

/// Words of an entry: key, value, hash.
pub const STRIDE: usize = 3;

/// What a search found without running Python code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    At(usize),
    Absent,
    /// Only `__eq__` of some class can tell.
    Unknown,
}

/// The hash as entries keep it: without its top bit.
#[inline(always)]
pub fn tag_hash(hash: i64) -> Value {
    Value(((hash as u64) << 1) | 1)
}

#[inline(always)]
pub fn key_at(table: &Dict, entry: usize) -> Value {
    array_get(table.entries.get(), entry * STRIDE)
}

#[inline(always)]
pub fn hash_at(table: &Dict, entry: usize) -> i64 {
    array_get(table.entries.get(), entry * STRIDE + STRIDE - 1).as_int()
}

/// The number of the next live entry at or after `entry`.
#[inline(always)]
pub fn next_live(table: &Dict, mut entry: usize) -> Option<usize> {
    let fill = table.fill.get() as usize;
    while entry < fill {
        if !key_at(table, entry).is_null() {
            return Some(entry);
        }
        entry += 1;
    }
    None
}

/// The number of the last live entry before `entry`.
#[inline(always)]
pub fn previous_live(table: &Dict, entry: usize) -> Option<usize> {
    let mut entry = entry.min(table.fill.get() as usize);
    while entry > 0 {
        entry -= 1;
        if !key_at(table, entry).is_null() {
            return Some(entry);
        }
    }
    None
}

/// The entry with `key`, whose hash is `hash`.
#[inline]
pub fn find(vm: &mut Vm, table: &'static Dict, key: Value, hash: i64) -> PyResult<Option<usize>> {
    match find_leaf(table, key, hash) {
        Found::At(entry) => Ok(Some(entry)),
        Found::Absent => Ok(None),
        Found::Unknown => find_slow(vm, table, key, hash),
    }
}

/// The same without Python code: keys that are not alike by themselves leave it [`Found::Unknown`].
#[inline]
pub fn find_leaf(table: &Dict, key: Value, hash: i64) -> Found {
    let mut unknown = false;
    let mut found = None;
    let hash = tag_hash(hash);
    each_candidate(table, hash, |entry, candidate, candidate_hash| {
        if candidate == key {
            found = Some(entry);
            return true;
        }
        if candidate_hash == hash && !candidate.is_null() {
            match alike(candidate, key) {
                Some(true) => {
                    found = Some(entry);
                    return true;
                }
                Some(false) => {}
                None => unknown = true,
            }
        }
        false
    });
    match found {
        Some(entry) if !unknown => Found::At(entry),
        None if !unknown => Found::Absent,
        _ => Found::Unknown,
    }
}

#[inline(never)]
fn find_slow(vm: &mut Vm, table: &'static Dict, key: Value, hash: i64) -> PyResult<Option<usize>> {
    let tagged = tag_hash(hash);
    'restart: loop {
        let entries = table.entries.get();
        // Entries compared so far.
        let mut skip = 0;
        loop {
            let mut at = None;
            let mut seen = 0;
            each_candidate(table, tagged, |entry, candidate, candidate_hash| {
                seen += 1;
                if seen > skip && !candidate.is_null() && (candidate == key || candidate_hash == tagged) {
                    at = Some((entry, candidate));
                }
                at.is_some()
            });
            let Some((entry, candidate)) = at else { return Ok(None) };
            skip = seen;
            let equal = candidate == key || vm.eq(candidate, key)?;
            // As in CPython, only a comparison that takes this entry away makes the search start again.
            if table.entries.get() != entries || key_at(table, entry) != candidate {
                continue 'restart;
            }
            if equal {
                return Ok(Some(entry));
            }
        }
    }
}

/// Whether two keys with the same hash are equal, if their types tell.
#[inline]
pub(crate) fn alike(a: Value, b: Value) -> Option<bool> {
    if a.is_int() && b.is_int() {
        return Some(a == b);
    }
    if is_exact_str(a) && is_exact_str(b) {
        return Some(same_text(a, b));
    }
    if a.is_object() {
        return if shape::is_exact(a, Kind::Tuple) && shape::is_exact(b, Kind::Tuple) {
            alike_tuples(a, b, 4)
        } else {
            None
        };
    }
    match (number(a), number(b)) {
        // One of the two is a float, or both are.
        (Some(a), Some(b)) => Some(a == b),
        _ => None,
    }
}

/// The same for tuples nested to `depth` levels.
fn alike_tuples(a: Value, b: Value, depth: u32) -> Option<bool> {
    let (a, b) = (crate::tuple::exact_items(a), crate::tuple::exact_items(b));
    if a.len() != b.len() {
        return Some(false);
    }
    for (&a, &b) in a.iter().zip(b) {
        let same = if a == b {
            Some(true)
        } else if a.is_object() && shape::is_exact(a, Kind::Tuple) && shape::is_exact(b, Kind::Tuple) {
            if depth == 0 { None } else { alike_tuples(a, b, depth - 1) }
        } else {
            alike(a, b)
        };
        // The first difference decides; what comes before it has to be known.
        if same != Some(true) {
            return same;
        }
    }
    Some(true)
}

/// An immediate float, or an immediate int that a float holds exactly.
#[inline(always)]
fn number(value: Value) -> Option<f64> {
    if value.is_flonum() {
        return Some(value.as_flonum());
    }
    if value.is_int() && value.as_int().unsigned_abs() <= 1 << 53 { Some(value.as_int() as f64) } else { None }
}

/// Whether `value` is a str of no subclass.
#[inline(always)]
pub fn is_exact_str(value: Value) -> bool {
    shape::is_exact(value, Kind::Str)
}

#[inline(always)]
fn same_text(a: Value, b: Value) -> bool {
    text_bytes(a) == text_bytes(b)
}

#[inline(always)]
fn text_bytes(text: Value) -> &'static [u8] {
    let len = cast::<Str>(text).bytes.get() as usize;
    // SAFETY: the bytes of a str follow its fixed part.
    unsafe { std::slice::from_raw_parts((text.0 as usize + Str::BYTES) as *const u8, len) }
}

/// Calls `visit` with each entry that may have the hash, deleted ones included, until it returns true.
#[inline(always)]
fn each_candidate(table: &Dict, hash: Value, mut visit: impl FnMut(usize, Value, Value) -> bool) {
    let entries = table.entries.get();
    if entries.is_null() {
        return;
    }
    let base = array_base(entries);
    let indices = table.indices.get();
    if indices.is_null() {
        for entry in 0..table.fill.get() as usize {
            // SAFETY: entries below `fill` lie in the array.
            let (key, candidate_hash) = unsafe { (*base.add(entry * STRIDE), *base.add((entry + 1) * STRIDE - 1)) };
            if visit(entry, key, candidate_hash) {
                return;
            }
        }
        return;
    }
    let hash = hash.as_int();
    let mask = cast::<IndexTable>(indices).mask.get() as usize;
    let mut look = |slot_value: usize| {
        let entry = slot_value - 1;
        // SAFETY: slots name entries below `fill`.
        let (key, candidate_hash) = unsafe { (*base.add(entry * STRIDE), *base.add((entry + 1) * STRIDE - 1)) };
        visit(entry, key, candidate_hash)
    };
    if mask < 256 {
        probe::<u8>(indices, mask, hash, |_, slot| look(slot));
    } else if mask < 65536 {
        probe::<u16>(indices, mask, hash, |_, slot| look(slot));
    } else {
        probe::<u32>(indices, mask, hash, |_, slot| look(slot));
    }
}

/// The integer type of a slot.
trait Slot: Copy {
    const TOMBSTONE: usize;
    fn get(self) -> usize;
    fn of(value: usize) -> Self;
}

macro_rules! slot {
    ($($ty:ty)*) => {
        $(impl Slot for $ty {
            const TOMBSTONE: usize = <$ty>::MAX as usize;
            #[inline(always)]
            fn get(self) -> usize {
                self as usize
            }
            #[inline(always)]
            fn of(value: usize) -> $ty {
                value as $ty
            }
        })*
    };
}
slot! { u8 u16 u32 }

#[inline(always)]
fn slots<S: Slot>(indices: Value) -> *mut S {
    (indices.0 as usize + IndexTable::BYTES) as *mut S
}

/// Visits the slots where the hash may be, up to the first empty one, whose number is returned; `None` if `visit` stopped
/// the search by returning true. There always is an empty slot.
#[inline(always)]
fn probe<S: Slot>(
    indices: Value,
    mask: usize,
    hash: i64,
    mut visit: impl FnMut(usize, usize) -> bool,
) -> Option<usize> {
    let slots = slots::<S>(indices);
    let mut perturb = hash as u64;
    let mut at = hash as usize & mask;
    loop {
        // SAFETY: `at` is masked.
        let slot = unsafe { *slots.add(at) }.get();
        if slot == 0 {
            return Some(at);
        }
        if slot != S::TOMBSTONE && visit(at, slot) {
            return None;
        }
        perturb >>= 5;
        at = at.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1) & mask;
    }
}

/// Makes the slot for a new entry. The key is not in the table.
fn add_slot(indices: Value, hash: i64, entry: usize) {
    fn add<S: Slot>(indices: Value, mask: usize, hash: i64, entry: usize) {
        let at = probe::<S>(indices, mask, hash, |_, _| false).expect("nothing stops the search");
        // SAFETY: `at` is a slot's number.
        unsafe { *slots::<S>(indices).add(at) = S::of(entry + 1) };
    }
    let table = cast::<IndexTable>(indices);
    let mask = table.mask.get() as usize;
    match mask {
        0..256 => add::<u8>(indices, mask, hash, entry),
        256..65536 => add::<u16>(indices, mask, hash, entry),
        _ => add::<u32>(indices, mask, hash, entry),
    }
    table.occupied.set(table.occupied.get() + 1);
}

/// Forgets the slot of an entry.
fn bury_slot(indices: Value, hash: i64, entry: usize) {
    fn bury<S: Slot>(indices: Value, mask: usize, hash: i64, entry: usize) {
        probe::<S>(indices, mask, hash, |at, slot| {
            if slot == entry + 1 {
                // SAFETY: `at` is a slot's number.
                unsafe { *slots::<S>(indices).add(at) = S::of(S::TOMBSTONE) };
                return true;
            }
            false
        });
    }
    let mask = cast::<IndexTable>(indices).mask.get() as usize;
    match mask {
        0..256 => bury::<u8>(indices, mask, hash, entry),
        256..65536 => bury::<u16>(indices, mask, hash, entry),
        _ => bury::<u32>(indices, mask, hash, entry),
    }
}

/// Slots and entries for at least `count` entries; no slots up to [`SMALL`].
fn sizes(count: usize) -> (usize, usize) {
    if count <= SMALL {
        return (0, if count <= 4 { 4 } else { SMALL });
    }
    let slots = (count + count / 2 + 1).next_power_of_two();
    (slots, slots * 2 / 3)
}

fn new_index_table(vm: &mut Vm, slots: usize) -> Value {
    let width = match slots {
        0..=256 => 1,
        257..=65536 => 2,
        _ => 4,
    };
    let table = vm.alloc_tail(shape::INDEX_TABLE, IndexTable::BYTES, slots * width);
    let object = cast::<IndexTable>(table);
    object.occupied.set(0);
    object.mask.set(slots as i64 - 1);
    table
}

/// Moves the live entries into new storage for at least `count`. The result says whether they got other numbers.
pub fn rebuild(vm: &mut Vm, table: &'static Dict, count: usize) -> bool {
    let (slots, entry_count) = sizes(count);
    let entries = new_array(vm, entry_count * STRIDE);
    let indices = if slots == 0 { Value::NULL } else { new_index_table(vm, slots) };
    let old = table.entries.get();
    let old_fill = table.fill.get() as usize;
    // The array may lie in large-object space.
    vm.thread.heap.write_barrier(entries);
    let mut fill = 0;
    for entry in 0..old_fill {
        let from = entry * STRIDE;
        if array_get(old, from).is_null() {
            continue;
        }
        for word in 0..STRIDE {
            // SAFETY: both entries lie within their arrays.
            unsafe { *array_base(entries).add(fill * STRIDE + word) = *array_base(old).add(from + word) };
        }
        if slots != 0 {
            add_slot(indices, array_get(old, from + STRIDE - 1).as_int(), fill);
        }
        fill += 1;
    }
    let object = value_of(table);
    vm.write(object, &table.entries, entries);
    vm.write(object, &table.indices, indices);
    table.fill.set(fill as i64);
    debug_assert_eq!(table.used.get(), fill as i64);
    fill != old_fill
}

fn index_is_full(table: &Dict) -> bool {
    let indices = table.indices.get();
    if indices.is_null() {
        return false;
    }
    let index = cast::<IndexTable>(indices);
    let slots = index.mask.get() + 1;
    index.occupied.get() >= slots - slots / 8
}

/// Adds an entry for a key that is absent, and returns its number, and whether other entries got other numbers. Its value
/// is NULL until the caller writes it, at once.
#[inline]
pub fn insert_new(vm: &mut Vm, table: &'static Dict, key: Value, hash: i64) -> (usize, bool) {
    let mut moved = false;
    let mut fill = table.fill.get() as usize;
    if (fill + 1) * STRIDE > capacity(table.entries.get()) || index_is_full(table) {
        moved = rebuild(vm, table, (table.used.get() as usize * 2).max(4));
        fill = table.fill.get() as usize;
    }
    let entries = table.entries.get();
    crate::value_vec::array_set(vm, entries, fill * STRIDE, key);
    // SAFETY: the entry lies within the array; a tagged integer needs no barrier.
    unsafe { *array_base(entries).add((fill + 1) * STRIDE - 1) = tag_hash(hash) };
    let indices = table.indices.get();
    if !indices.is_null() {
        add_slot(indices, tag_hash(hash).as_int(), fill);
    }
    table.fill.set(fill as i64 + 1);
    table.used.set(table.used.get() + 1);
    table.changes.set(table.changes.get() + 1);
    (fill, moved)
}

/// Deletes an entry. Its number stays taken: an iterator notices what is added afterwards.
pub fn delete(table: &Dict, entry: usize) {
    let base = array_base(table.entries.get());
    for word in 0..STRIDE - 1 {
        // SAFETY: the entry lies within the array; NULL needs no barrier.
        unsafe { *base.add(entry * STRIDE + word) = Value::NULL };
    }
    table.used.set(table.used.get() - 1);
    table.changes.set(table.changes.get() + 1);
}

/// Gives deleted entries at the end back, so that taking from the end costs the same each time.
pub fn trim(table: &Dict) {
    let indices = table.indices.get();
    let mut fill = table.fill.get() as usize;
    while fill > 0 && key_at(table, fill - 1).is_null() {
        fill -= 1;
        if !indices.is_null() {
            bury_slot(indices, hash_at(table, fill), fill);
        }
    }
    table.fill.set(fill as i64);
}

/// Empties the table.
pub fn clear(table: &Dict) {
    table.entries.set(Value::NULL);
    table.indices.set(Value::NULL);
    table.fill.set(0);
    table.used.set(0);
    table.changes.set(table.changes.get() + 1);
}

/// Makes `to`, which is empty, a copy of `from`.
pub fn copy(vm: &mut Vm, from: &'static Dict, to: &'static Dict) {
    let used = from.used.get() as usize;
    if used == 0 {
        return;
    }
    let (_, entry_count) = sizes(used);
    let entries = new_array(vm, entry_count * STRIDE);
    let (slots, _) = sizes(used);
    let indices = if slots == 0 { Value::NULL } else { new_index_table(vm, slots) };
    vm.write(value_of(to), &to.entries, entries);
    vm.thread.heap.write_barrier(entries);
    let mut fill = 0;
    for entry in 0..from.fill.get() as usize {
        let at = array_base(from.entries.get()).wrapping_add(entry * STRIDE);
        // SAFETY: entries below `fill` lie in the array, and there is room for the live ones.
        unsafe {
            if !(*at).is_null() {
                std::ptr::copy_nonoverlapping(at, array_base(entries).add(fill * STRIDE), STRIDE);
                fill += 1;
            }
        }
    }
    to.fill.set(fill as i64);
    to.used.set(fill as i64);
    to.changes.set(to.changes.get() + 1);
    if slots != 0 {
        for entry in 0..fill {
            add_slot(indices, hash_at(to, entry), entry);
        }
        vm.write(value_of(to), &to.indices, indices);
    }
}
