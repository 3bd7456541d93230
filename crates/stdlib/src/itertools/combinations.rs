//! `product`, `permutations`, `combinations`, `combinations_with_replacement`.
//!
//! All four step indices into pools; the indices are a list of small integers in the object.

use super::iterator;
use crate::support::{add_type, is_absent, signature};
use heap::Value;
use objects::args::CallArgs;
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::ty::{TypeRef, TypeSpec};
use objects::value_vec::{ValueVec, array_get, array_of, array_set};
use objects::vm::Vm;

layout! {
    Stepping {
        /// A tuple; of `product`: of tuples.
        pool POOL: Value;
        /// An item array of tagged integers; NULL before the first tuple.
        indices INDICES: Value;
        /// `permutations`: how often each place can still be exchanged.
        cycles CYCLES: Value;
        /// Of a tuple.
        length LENGTH: i64;
        stopped STOPPED: i64;
    }
}

pub(super) fn add_types(vm: &mut Vm, module: Value) {
    let types = [
        TypeSpec { doc: PRODUCT_DOC, ..iterator::<Stepping>("product", new_product, product_next) },
        TypeSpec {
            doc: "permutations(iterable, r=None)\n--\n\nReturn successive r-length permutations of elements in the iterable.\n\npermutations(range(3), 2) --> (0,1), (0,2), (1,0), (1,2), (2,0), (2,1)",
            ..iterator::<Stepping>("permutations", new_permutations, permutations_next)
        },
        TypeSpec {
            doc: "combinations(iterable, r)\n--\n\nReturn successive r-length combinations of elements in the iterable.\n\ncombinations(range(4), 3) --> (0,1,2), (0,1,3), (0,2,3), (1,2,3)",
            ..iterator::<Stepping>(
                "combinations",
                |vm, ty, args| new_combinations(vm, ty, "combinations", args),
                combinations_next,
            )
        },
        TypeSpec {
            doc: "combinations_with_replacement(iterable, r)\n--\n\nReturn successive r-length combinations of elements in the iterable allowing individual elements to have successive repeats.\n\ncombinations_with_replacement('ABC', 2) --> ('A','A'), ('A','B'), ('A','C'), ('B','B'), ('B','C'), ('C','C')",
            ..iterator::<Stepping>(
                "combinations_with_replacement",
                |vm, ty, args| new_combinations(vm, ty, "combinations_with_replacement", args),
                with_replacement_next,
            )
        },
    ];
    for spec in types {
        add_type(vm, module, spec);
    }
}

const PRODUCT_DOC: &str = "product(*iterables, repeat=1)\n--\n\nCartesian product of input iterables.  Equivalent to nested for-loops.\n\nFor example, product(A, B) returns the same as:  ((x,y) for x in A for y in B).\nThe leftmost iterators are in the outermost for-loop, so the output tuples\ncycle in a manner similar to an odometer (with the rightmost element changing\non every iteration).\n\nTo compute the product of an iterable with itself, specify the number\nof repetitions with the optional repeat keyword argument. For example,\nproduct(A, repeat=4) means the same as product(A, A, A, A).\n\nproduct('ab', range(3)) --> ('a',0) ('a',1) ('a',2) ('b',0) ('b',1) ('b',2)\nproduct((0,1), (0,1), (0,1)) --> (0,0,0) (0,0,1) (0,1,0) (0,1,1) (1,0,0) ...";

fn index(indices: Value, place: usize) -> usize {
    array_get(indices, place).as_int() as usize
}

fn set_index(vm: &mut Vm, indices: Value, place: usize, index: usize) {
    array_set(vm, indices, place, Value::from_int(index as i64));
}

fn index_array(vm: &mut Vm, indices: impl Iterator<Item = usize>) -> Value {
    let indices: Vec<Value> = heap::collected(indices.map(|index| Value::from_int(index as i64))); // immediate
    array_of(vm, &indices)
}

fn make(vm: &mut Vm, ty: TypeRef, pool: Value, length: usize, stopped: bool) -> Value {
    let stepping = vm.new_instance(ty);
    let object = cast::<Stepping>(stepping);
    object.pool.set(pool);
    object.length.set(length as i64);
    object.stopped.set(stopped as i64);
    stepping
}

fn new_product(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let mut repeat = 1;
    for (name, value) in args.keywords() {
        if vm.str_bytes(name) != b"repeat" {
            let name = vm.text_of(name);
            return Err(vm.type_error(format!("product() got an unexpected keyword argument '{name}'")));
        }
        repeat = vm.index(value)?;
    }
    if repeat < 0 {
        return Err(vm.value_error("repeat argument cannot be negative"));
    }
    let mut pools = ValueVec::new();
    if repeat > 0 {
        for &iterable in args.args() {
            let pool = vm.collect_tuple(iterable)?;
            pools.push(vm, pool);
        }
    }
    let given = pools.len;
    let Some(all) = given.checked_mul(repeat as usize) else {
        return Err(vm.overflow_error("repeat argument too large"));
    };
    pools.make_room(vm, all);
    for _ in 1..repeat {
        for i in 0..given {
            let pool = pools.get(i);
            pools.push(vm, pool);
        }
    }
    let stopped = pools.as_slice().iter().any(|&pool| objects::tuple::items(pool).is_empty());
    let pool = vm.new_tuple(pools.as_slice());
    Ok(make(vm, ty, pool, pools.len, stopped))
}

fn product_next(vm: &mut Vm, product: Value) -> PyResult<Option<Value>> {
    let object = cast::<Stepping>(product);
    if object.stopped.get() != 0 {
        return Ok(None);
    }
    let length = object.length.get() as usize;
    let pools = objects::tuple::items(object.pool.get());
    if object.indices.get().is_null() {
        if length == 0 {
            object.stopped.set(1);
        }
        let indices = index_array(vm, std::iter::repeat_n(0, length));
        vm.write(product, &object.indices, indices);
    } else {
        let indices = object.indices.get();
        let mut place = length;
        loop {
            if place == 0 {
                object.stopped.set(1);
                return Ok(None);
            }
            place -= 1;
            let next = index(indices, place) + 1;
            if next < objects::tuple::items(pools[place]).len() {
                set_index(vm, indices, place, next);
                break;
            }
            set_index(vm, indices, place, 0);
        }
    }
    let indices = object.indices.get();
    let pools = objects::tuple::items(object.pool.get());
    let mut row = ValueVec::with_capacity(vm, length);
    for (place, &pool) in pools.iter().enumerate() {
        row.push(vm, objects::tuple::items(pool)[index(indices, place)]);
    }
    Ok(Some(vm.new_tuple(row.as_slice())))
}

/// The tuple that the first `length` indices name.
fn picked(vm: &mut Vm, object: &Stepping) -> Value {
    let (pool, indices, length) = (object.pool.get(), object.indices.get(), object.length.get() as usize);
    let mut row = ValueVec::with_capacity(vm, length);
    for place in 0..length {
        row.push(vm, objects::tuple::items(pool)[index(indices, place)]);
    }
    vm.new_tuple(row.as_slice())
}

fn new_permutations(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let [iterable, length] = args.bind(vm, "permutations", &signature(["iterable", "r"], 1))?;
    let pool = vm.collect_tuple(iterable)?;
    let size = objects::tuple::items(pool).len();
    let length = if is_absent(vm, length) {
        size as i64
    } else if vm.is_int(length) {
        vm.index(length)?
    } else {
        return Err(vm.type_error("Expected int as r"));
    };
    if length < 0 {
        return Err(vm.value_error("r must be non-negative"));
    }
    Ok(make(vm, ty, pool, length as usize, length as usize > size))
}

fn permutations_next(vm: &mut Vm, permutations: Value) -> PyResult<Option<Value>> {
    let object = cast::<Stepping>(permutations);
    if object.stopped.get() != 0 {
        return Ok(None);
    }
    let size = objects::tuple::items(object.pool.get()).len();
    let length = object.length.get() as usize;
    if object.indices.get().is_null() {
        if length == 0 || size == 0 {
            object.stopped.set(1);
            return Ok(Some(vm.empty_tuple));
        }
        let indices = index_array(vm, 0..size);
        vm.write(permutations, &object.indices, indices);
        let cycles = index_array(vm, (0..length).map(|place| size - place));
        vm.write(permutations, &object.cycles, cycles);
        return Ok(Some(picked(vm, object)));
    }
    let (indices, cycles) = (object.indices.get(), object.cycles.get());
    for place in (0..length).rev() {
        let left = index(cycles, place) - 1;
        if left == 0 {
            let first = index(indices, place);
            for i in place..size - 1 {
                let following = index(indices, i + 1);
                set_index(vm, indices, i, following);
            }
            set_index(vm, indices, size - 1, first);
            set_index(vm, cycles, place, size - place);
        } else {
            set_index(vm, cycles, place, left);
            let (a, b) = (index(indices, place), index(indices, size - left));
            set_index(vm, indices, place, b);
            set_index(vm, indices, size - left, a);
            return Ok(Some(picked(vm, object)));
        }
    }
    object.stopped.set(1);
    Ok(None)
}

fn new_combinations(vm: &mut Vm, ty: TypeRef, name: &str, args: &CallArgs) -> PyResult {
    let [iterable, length] = args.bind(vm, name, &signature(["iterable", "r"], 2))?;
    let length = vm.index(length)?;
    let pool = vm.collect_tuple(iterable)?;
    if length < 0 {
        return Err(vm.value_error("r must be non-negative"));
    }
    let size = objects::tuple::items(pool).len();
    let stopped = if name == "combinations" { length as usize > size } else { size == 0 && length > 0 };
    Ok(make(vm, ty, pool, length as usize, stopped))
}

fn combinations_next(vm: &mut Vm, combinations: Value) -> PyResult<Option<Value>> {
    let object = cast::<Stepping>(combinations);
    let (size, length) = (objects::tuple::items(object.pool.get()).len(), object.length.get() as usize);
    step(vm, combinations, |place| size - length + place, 0..length, true)
}

fn with_replacement_next(vm: &mut Vm, combinations: Value) -> PyResult<Option<Value>> {
    let object = cast::<Stepping>(combinations);
    let (size, length) = (objects::tuple::items(object.pool.get()).len(), object.length.get() as usize);
    step(vm, combinations, |_| size - 1, std::iter::repeat_n(0, length), false)
}

/// The next combination: the last place below its `highest` index goes up, and those behind follow it.
fn step(
    vm: &mut Vm,
    combinations: Value,
    highest: impl Fn(usize) -> usize,
    first: impl Iterator<Item = usize>,
    distinct: bool,
) -> PyResult<Option<Value>> {
    let object = cast::<Stepping>(combinations);
    if object.stopped.get() != 0 {
        return Ok(None);
    }
    let length = object.length.get() as usize;
    if length == 0 {
        object.stopped.set(1);
        return Ok(Some(vm.empty_tuple));
    }
    if object.indices.get().is_null() {
        let indices = index_array(vm, first);
        vm.write(combinations, &object.indices, indices);
        return Ok(Some(picked(vm, object)));
    }
    let indices = object.indices.get();
    let Some(place) = (0..length).rev().find(|&place| index(indices, place) != highest(place)) else {
        object.stopped.set(1);
        return Ok(None);
    };
    let next = index(indices, place) + 1;
    for i in place..length {
        set_index(vm, indices, i, if distinct { next + i - place } else { next });
    }
    Ok(Some(picked(vm, object)))
}
