//! `list.sort`: stable, by `<` alone.
//!
//! What is sorted is a permutation, numbers in Rust memory: the keys themselves stay in an array of the collector's, so that
//! comparisons may run Python code and collections may happen at any time. Keys that are all ints, all floats or all strs
//! are compared without calls, by the standard library's sort; where they are the items themselves, in place. Others are
//! merged run by run, as in timsort: ascending runs are found, short ones extended by binary insertion, and merged by the
//! powersort rule, after what is already in place at both ends was cut off by galloping.
//!
//! The list is empty meanwhile; a comparison that changes it is noticed at the end.

use super::{replace_items, sequence};
use crate::builtin_layouts::{ItemArray, List};
use crate::dict::table;
use crate::error::PyResult;
use crate::layout::{Object, cast};
use crate::shape::{self, Kind};
use crate::slots::CompareOp;
use crate::tuple;
use crate::value_vec::{self, ValueVec};
use crate::vm::Vm;
use heap::Value;
use std::cmp::Ordering;

/// Sorts `list` in place. `key` is NULL or a callable.
pub fn sort(vm: &mut Vm, list: Value, key: Value, reverse: bool) -> PyResult<()> {
    let object = cast::<List>(list);
    let values = ValueVec { array: object.items.get(), len: object.len.get() as usize };
    if key.is_null() && sort_alike(vm, values, reverse) {
        return Ok(());
    }
    // An array without room: whatever adds to the list replaces it.
    let marker = vm.thread.heap.alloc_tail(crate::shape::ITEM_ARRAY, ItemArray::BYTES, 0);
    vm.write(list, &object.items, marker);
    object.len.set(0);
    // Where memory is refused the list gets its items back, too.
    let result = vm.refusable(|vm| sorted(vm, values, key, reverse));
    let untouched = object.items.get() == marker && object.len.get() == 0;
    // A failed sort leaves the items in some order.
    let items = *result.as_ref().unwrap_or(&values);
    replace_items(vm, list, items);
    result?;
    if untouched { Ok(()) } else { Err(vm.value_error("list modified during sort")) }
}

/// Sorts values that are all ints, all immediate floats or all strs, in place; whether they are.
fn sort_alike(vm: &mut Vm, values: ValueVec, reverse: bool) -> bool {
    let items = values.as_slice();
    match Alike::of(items) {
        Some(Alike::Ints) => {
            // Equal ones are the same.
            let words = in_order(items, reverse, i64::cmp, |item, _| (item.0 as i64, ()));
            put_back(vm, values, words.iter().map(|word| Value(word.0 as u64)));
        }
        Some(Alike::Floats) => {
            let floats = in_order(items, reverse, flonum_order, |item, _| (item.as_flonum(), item));
            put_back(vm, values, floats.iter().map(|pair| pair.1));
        }
        Some(Alike::Strs) => {
            let texts = in_order(items, reverse, |a: &&[u8], b| a.cmp(b), |item, _| (vm.str_bytes(item), item));
            put_back(vm, values, texts.iter().map(|pair| pair.1));
        }
        None => return false,
    }
    true
}

/// Keys that are compared without calls; no collection happens meanwhile.
enum Alike {
    /// Tagged, which compare like what they stand for.
    Ints,
    /// Immediate, of which none is a NaN. The two zeros are equal.
    Floats,
    /// WTF-8 orders like code points.
    Strs,
}

impl Alike {
    fn of(keys: &[Value]) -> Option<Alike> {
        if keys.iter().all(|key| key.is_int()) {
            Some(Alike::Ints)
        } else if keys.iter().all(|key| key.is_flonum()) {
            Some(Alike::Floats)
        } else if keys.iter().all(|&key| table::is_exact_str(key)) {
            Some(Alike::Strs)
        } else {
            None
        }
    }
}

fn flonum_order(a: &f64, b: &f64) -> Ordering {
    a.partial_cmp(b).expect("no NaN is an immediate float")
}

/// What `f` makes of each key and its place, a thing to compare and what goes with it, in the things' order.
fn in_order<K, T>(
    keys: &[Value],
    reverse: bool,
    compare: impl Fn(&K, &K) -> Ordering,
    f: impl Fn(Value, u32) -> (K, T),
) -> Vec<(K, T)> {
    let mut pairs: Vec<(K, T)> = heap::vec_with_capacity(keys.len());
    pairs.extend(keys.iter().zip(0..).map(|(&key, at)| f(key, at)));
    if reverse {
        pairs.sort_by(|a, b| compare(&b.0, &a.0));
    } else {
        pairs.sort_by(|a, b| compare(&a.0, &b.0));
    }
    pairs
}

fn set_places<K>(order: &mut [u32], pairs: &[(K, u32)]) {
    order.iter_mut().zip(pairs).for_each(|(place, pair)| *place = pair.1);
}

/// Writes what was in an array into it in another order.
fn put_back(vm: &mut Vm, values: ValueVec, order: impl Iterator<Item = Value>) {
    if values.len == 0 {
        return;
    }
    vm.thread.heap.write_barrier(values.array);
    for (at, value) in order.enumerate() {
        // SAFETY: there are as many values as before.
        unsafe { *value_vec::array_base(values.array).add(at) = value };
    }
}

/// The values in order, in an array of their own if the order changed.
fn sorted(vm: &mut Vm, values: ValueVec, key: Value, reverse: bool) -> PyResult<ValueVec> {
    let keys = if key.is_null() {
        values
    } else {
        let mut keys = ValueVec::with_capacity(vm, values.len);
        for i in 0..values.len {
            let key = vm.call(key, &[values.get(i)])?;
            keys.push(vm, key);
        }
        keys
    };
    let mut order: Vec<u32> = heap::vec_with_capacity(values.len);
    order.extend(0..values.len as u32);
    sort_permutation(vm, keys, &mut order, reverse)?;
    if order.iter().enumerate().all(|(at, &from)| at as u32 == from) {
        return Ok(values);
    }
    let array = value_vec::new_array(vm, values.len);
    vm.thread.heap.write_barrier(array);
    for (at, &from) in order.iter().enumerate() {
        // SAFETY: both arrays have as many items as the permutation.
        unsafe { *value_vec::array_base(array).add(at) = values.get(from as usize) };
    }
    Ok(ValueVec { array, len: values.len })
}

/// Orders `order` by the keys it names.
fn sort_permutation(vm: &mut Vm, keys: ValueVec, order: &mut Vec<u32>, reverse: bool) -> PyResult<()> {
    if order.len() < 2 {
        return Ok(());
    }
    let values = keys.as_slice();
    match Alike::of(values) {
        Some(Alike::Ints) => {
            let pairs = in_order(values, reverse, i64::cmp, |key, at| (key.0 as i64, at));
            set_places(order, &pairs);
            return Ok(());
        }
        Some(Alike::Floats) => {
            let pairs = in_order(values, reverse, flonum_order, |key, at| (key.as_flonum(), at));
            set_places(order, &pairs);
            return Ok(());
        }
        Some(Alike::Strs) => {
            let pairs = in_order(values, reverse, |a: &&[u8], b| a.cmp(b), |key, at| (vm.str_bytes(key), at));
            set_places(order, &pairs);
            return Ok(());
        }
        None => {}
    }
    let len = order.len();
    // A stable descending sort is an ascending one of the reversed sequence, reversed.
    if reverse {
        order.reverse();
    }
    MergeSort { vm, keys, order, scratch: heap::vec_with_capacity(len / 2 + 1) }.run()?;
    if reverse {
        order.reverse();
    }
    Ok(())
}

/// A sorted stretch of the permutation.
#[derive(Clone, Copy)]
struct Run {
    start: usize,
    len: usize,
    /// Of the boundary with the run before it; see Munro and Wild, "Nearly-optimal mergesorts" (2018).
    power: u32,
}

struct MergeSort<'a> {
    vm: &'a mut Vm,
    keys: ValueVec,
    order: &'a mut Vec<u32>,
    scratch: Vec<u32>,
}

impl MergeSort<'_> {
    fn run(&mut self) -> PyResult<()> {
        let len = self.order.len();
        let least = least_run(len);
        let mut runs: Vec<Run> = Vec::new();
        let mut start = 0;
        while start < len {
            let mut run_len = self.find_run(start)?;
            let wanted = least.min(len - start);
            if run_len < wanted {
                self.insert(start, run_len, wanted)?;
                run_len = wanted;
            }
            let mut run = Run { start, len: run_len, power: 0 };
            if let Some(before) = runs.last() {
                run.power = power(before.start, before.len, run_len, len);
                while runs.len() > 1 && runs[runs.len() - 1].power > run.power {
                    self.merge_last(&mut runs)?;
                }
            }
            runs.push(run);
            start += run_len;
        }
        while runs.len() > 1 {
            self.merge_last(&mut runs)?;
        }
        Ok(())
    }

    /// `keys[a] < keys[b]`.
    fn less(&mut self, a: u32, b: u32) -> PyResult<bool> {
        let (a, b) = (self.keys.get(a as usize), self.keys.get(b as usize));
        if a.is_int() && b.is_int() {
            return Ok((a.0 as i64) < b.0 as i64);
        }
        if a.is_flonum() && b.is_flonum() {
            return Ok(a.as_flonum() < b.as_flonum());
        }
        if shape::is_exact(a, Kind::Tuple)
            && shape::is_exact(b, Kind::Tuple)
            && let Some(order) = sequence::plain_order(tuple::exact_items(a), tuple::exact_items(b))
        {
            return Ok(order.is_lt());
        }
        let result = self.vm.compare(a, b, CompareOp::Lt)?;
        if result == self.vm.true_ {
            return Ok(true);
        }
        if result == self.vm.false_ {
            return Ok(false);
        }
        self.vm.truth(result)
    }

    /// Length of the run at `start`; a strictly descending one is turned round.
    fn find_run(&mut self, start: usize) -> PyResult<usize> {
        let len = self.order.len();
        if start + 1 == len {
            return Ok(1);
        }
        let mut end = start + 2;
        if self.less(self.order[start + 1], self.order[start])? {
            while end < len && self.less(self.order[end], self.order[end - 1])? {
                end += 1;
            }
            self.order[start..end].reverse();
        } else {
            while end < len && !self.less(self.order[end], self.order[end - 1])? {
                end += 1;
            }
        }
        Ok(end - start)
    }

    /// Extends the run of `sorted` elements at `start` to `wanted` by binary insertion.
    fn insert(&mut self, start: usize, sorted: usize, wanted: usize) -> PyResult<()> {
        for at in start + sorted..start + wanted {
            let pivot = self.order[at];
            let (mut low, mut high) = (start, at);
            while low < high {
                let middle = low + (high - low) / 2;
                if self.less(pivot, self.order[middle])? {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            self.order[low..=at].rotate_right(1);
        }
        Ok(())
    }

    fn merge_last(&mut self, runs: &mut Vec<Run>) -> PyResult<()> {
        let right = runs.pop().expect("two runs");
        let left = runs.last_mut().expect("two runs");
        let start = left.start;
        let (left_len, right_len) = (left.len, right.len);
        left.len += right_len;
        self.merge(start, start + left_len, start + left_len + right_len)
    }

    /// Merges the runs `start..middle` and `middle..end`.
    fn merge(&mut self, start: usize, middle: usize, end: usize) -> PyResult<()> {
        // What of the left run comes before the right one's first element stays.
        let first = self.order[middle];
        let start = self.upper_bound(first, start, middle)?;
        if start == middle {
            return Ok(());
        }
        // What of the right run comes after the left one's last element stays.
        let last = self.order[middle - 1];
        let end = self.lower_bound(last, middle, end)?;
        if end == middle {
            return Ok(());
        }
        if middle - start <= end - middle {
            self.merge_up(start, middle, end)
        } else {
            self.merge_down(start, middle, end)
        }
    }

    /// The first place in `from..to` whose element is greater than `pivot`, galloping from the left.
    fn upper_bound(&mut self, pivot: u32, from: usize, to: usize) -> PyResult<usize> {
        let (mut low, mut step) = (from, 1);
        let mut high = to;
        while low < to {
            let probe = (low + step - 1).min(to - 1);
            if self.less(pivot, self.order[probe])? {
                high = probe;
                break;
            }
            low = probe + 1;
            step *= 2;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.less(pivot, self.order[middle])? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    /// The first place in `from..to` whose element is not less than `pivot`, galloping from the right.
    fn lower_bound(&mut self, pivot: u32, from: usize, to: usize) -> PyResult<usize> {
        let (mut high, mut step) = (to, 1);
        let mut low = from;
        while high > from {
            let probe = high.saturating_sub(step).max(from);
            if self.less(self.order[probe], pivot)? {
                low = probe + 1;
                break;
            }
            high = probe;
            step *= 2;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.less(self.order[middle], pivot)? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The left run is the shorter one: it goes to the scratch buffer. On an error the permutation is kept whole.
    fn merge_up(&mut self, start: usize, middle: usize, end: usize) -> PyResult<()> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.extend_from_slice(&self.order[start..middle]);
        let (mut left, mut right, mut out) = (0, middle, start);
        let mut result = Ok(());
        while left < scratch.len() && right < end {
            match self.less(self.order[right], scratch[left]) {
                Ok(true) => {
                    self.order[out] = self.order[right];
                    right += 1;
                }
                Ok(false) => {
                    self.order[out] = scratch[left];
                    left += 1;
                }
                Err(raised) => {
                    result = Err(raised);
                    break;
                }
            }
            out += 1;
        }
        // The rest of the left run fits exactly before the rest of the right one.
        self.order[out..out + scratch.len() - left].copy_from_slice(&scratch[left..]);
        self.scratch = scratch;
        result
    }

    /// The right run is the shorter one: merged from the end.
    fn merge_down(&mut self, start: usize, middle: usize, end: usize) -> PyResult<()> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.extend_from_slice(&self.order[middle..end]);
        let (mut left, mut right, mut out) = (middle, scratch.len(), end);
        let mut result = Ok(());
        while left > start && right > 0 {
            match self.less(scratch[right - 1], self.order[left - 1]) {
                Ok(true) => {
                    self.order[out - 1] = self.order[left - 1];
                    left -= 1;
                }
                Ok(false) => {
                    self.order[out - 1] = scratch[right - 1];
                    right -= 1;
                }
                Err(raised) => {
                    result = Err(raised);
                    break;
                }
            }
            out -= 1;
        }
        self.order[out - right..out].copy_from_slice(&scratch[..right]);
        self.scratch = scratch;
        result
    }
}

/// Runs are at least so long: between 32 and 64, so that the number of runs is about a power of two.
fn least_run(mut len: usize) -> usize {
    let mut odd = 0;
    while len >= 64 {
        odd |= len & 1;
        len >>= 1;
    }
    len + odd
}

/// Depth in an ideal merge tree of the boundary between the run `start..start + left` and the one of `right` elements.
fn power(start: usize, left: usize, right: usize, len: usize) -> u32 {
    let (mut a, mut b) = (2 * start + left, 2 * start + 2 * left + right);
    let mut power = 0;
    loop {
        power += 1;
        if a >= len {
            a -= len;
            b -= len;
        } else if b >= len {
            return power;
        }
        a *= 2;
        b *= 2;
    }
}

/// The arguments of `sort` and `sorted`: key or NULL, reverse.
pub(crate) fn options(vm: &mut Vm, key: Value, reverse: Value) -> PyResult<(Value, bool)> {
    let key = if key == vm.none { Value::NULL } else { key };
    let reverse = if reverse.is_null() { false } else { vm.truth(reverse)? };
    Ok((key, reverse))
}
