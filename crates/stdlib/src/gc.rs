//! Module `gc`.
//!
//! The collector is not CPython's: it traces, in two generations, and needs no cycles to be found. Thresholds are kept for
//! programs that read them back.

use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::value_vec::ValueVec;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "gc",
    doc: "This module provides access to the garbage collector for reference cycles.\n\nenable() -- Enable automatic garbage collection.\ndisable() -- Disable automatic garbage collection.\nisenabled() -- Returns true if automatic collection is enabled.\ncollect() -- Do a full collection right now.",
    functions: FUNCTIONS,
    init,
};

struct State {
    disabled: bool,
    debug: i64,
    thresholds: [i64; 3],
    collections: i64,
}

impl Default for State {
    fn default() -> State {
        State { disabled: false, debug: 0, thresholds: [2000, 10, 10], collections: 0 }
    }
}

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    for name in ["garbage", "callbacks"] {
        let list = vm.new_list(&[]);
        vm.module_set(module, name, list);
    }
    crate::support::int_constants(
        vm,
        module,
        &[
            ("DEBUG_STATS", 1),
            ("DEBUG_COLLECTABLE", 2),
            ("DEBUG_UNCOLLECTABLE", 4),
            ("DEBUG_SAVEALL", 32),
            ("DEBUG_LEAK", 38),
        ],
    );
    Ok(())
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("enable", 0, 0, |vm, _| {
        vm.extension::<State>().disabled = false;
        Ok(vm.none)
    }),
    MethodDef::function("disable", 0, 0, |vm, _| {
        vm.extension::<State>().disabled = true;
        Ok(vm.none)
    }),
    MethodDef::function("isenabled", 0, 0, |vm, _| {
        let disabled = vm.extension::<State>().disabled;
        Ok(vm.bool(!disabled))
    }),
    MethodDef::function("collect", 0, 1, collect).with_keywords(),
    MethodDef::function("get_debug", 0, 0, |vm, _| {
        let debug = vm.extension::<State>().debug;
        Ok(vm.int(debug))
    }),
    MethodDef::function("set_debug", 1, 1, |vm, args| {
        let debug = vm.index(args.values[0])?;
        vm.extension::<State>().debug = debug;
        Ok(vm.none)
    }),
    MethodDef::function("get_threshold", 0, 0, |vm, _| {
        let thresholds = vm.extension::<State>().thresholds.map(Value::from_int);
        Ok(vm.new_tuple(&thresholds))
    }),
    MethodDef::function("set_threshold", 1, 3, |vm, args| {
        for (i, &value) in args.values.iter().enumerate() {
            let threshold = vm.index(value)?;
            vm.extension::<State>().thresholds[i] = threshold;
        }
        Ok(vm.none)
    }),
    MethodDef::function("get_count", 0, 0, |vm, _| Ok(vm.new_tuple(&[Value::from_int(0); 3]))),
    MethodDef::function("get_stats", 0, 0, |vm, _| {
        let stats = vm.new_list(&[]);
        let collections = vm.extension::<State>().collections;
        for generation in 0..3 {
            let row = vm.new_dict();
            let count = if generation == 2 { collections } else { 0 };
            for (name, number) in [("collections", count), ("collected", 0), ("uncollectable", 0)] {
                vm.dict_set_str(row, name, Value::from_int(number));
            }
            vm.list_append(stats, row);
        }
        Ok(stats)
    }),
    MethodDef::function("get_objects", 0, 1, |vm, _| {
        let list = vm.new_list(&[]);
        let all = all_objects(vm);
        for &object in all.as_slice() {
            if is_container(vm, object) {
                vm.list_append(list, object);
            }
        }
        Ok(list)
    })
    .with_keywords(),
    MethodDef::function("get_referents", 0, objects::args::MANY, |vm, args| {
        let list = vm.new_list(&[]);
        for &object in args.values.iter().filter(|value| value.is_object()) {
            let mut found = ValueVec::new();
            referents(vm, object, &mut found);
            for &value in found.as_slice() {
                vm.list_append(list, value);
            }
        }
        Ok(list)
    }),
    MethodDef::function("get_referrers", 0, objects::args::MANY, |vm, args| {
        let list = vm.new_list(&[]);
        let all = all_objects(vm);
        for &object in all.as_slice() {
            if object == list {
                continue;
            }
            let mut of_one = ValueVec::new();
            referents(vm, object, &mut of_one);
            if of_one.as_slice().iter().any(|value| args.values.contains(value)) {
                vm.list_append(list, object);
            }
        }
        Ok(list)
    }),
    MethodDef::function("is_tracked", 1, 1, |vm, args| {
        let tracked = args.values[0].is_object() && is_container(vm, args.values[0]);
        Ok(vm.bool(tracked))
    }),
    MethodDef::function("is_finalized", 1, 1, |vm, _| Ok(vm.false_)),
    MethodDef::function("freeze", 0, 0, |vm, _| Ok(vm.none)),
    MethodDef::function("unfreeze", 0, 0, |vm, _| Ok(vm.none)),
    MethodDef::function("get_freeze_count", 0, 0, |_, _| Ok(Value::from_int(0))),
];

fn collect(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [generation] = args.bind(vm, "collect", &crate::support::signature(["generation"], 0))?;
    let generation = if generation.is_null() { 2 } else { vm.index(generation)? };
    if !(0..=2).contains(&generation) {
        return Err(vm.value_error("invalid generation"));
    }
    vm.extension::<State>().collections += 1;
    interp::frame_object::clear_dead_slots(vm);
    scrub_stack();
    let this = FUNCTIONS.iter().find(|def| def.name == "collect").expect("it is in the table");
    let low = interp::frame_object::stack_needed_from(vm, this);
    // SAFETY: the dispatch loop called us, and neither it nor we hold a value.
    unsafe { vm.thread.heap.collect_full_above(low) };
    interp::poll::attend(vm)?;
    // Finalizers may have let go of more.
    // SAFETY: as above.
    unsafe { vm.thread.heap.collect_full_above(low) };
    interp::poll::attend(vm)?;
    Ok(Value::from_int(0))
}

/// Overwrites the native stack below: the collector takes what earlier calls left there for references.
#[inline(never)]
fn scrub_stack() {
    let mut area = [0u64; 4096];
    std::hint::black_box(&mut area);
}

/// Every object that Python code may see, in an array that the collector sees.
fn all_objects(vm: &mut Vm) -> ValueVec {
    let mut count = 0;
    vm.thread.heap.for_each_object(|_| count += 1);
    let mut all = ValueVec::with_capacity(vm, count + 1);
    let mut found = heap::vec_with_capacity(count + 1);
    vm.thread.heap.for_each_object(|object| found.push(object));
    // Nothing is allocated from here on: the objects stay where they are.
    for object in found {
        if is_visible(vm, object) && all.len <= count {
            all.push(vm, object);
        }
    }
    all
}

/// Whether Python code may see an object: not storage behind others.
fn is_visible(vm: &Vm, object: Value) -> bool {
    object.is_object() && vm.shape_of(object).kind != Kind::Storage
}

fn is_container(vm: &Vm, object: Value) -> bool {
    !matches!(
        vm.kind(object),
        Kind::None
            | Kind::Bool
            | Kind::NotImplemented
            | Kind::Ellipsis
            | Kind::BigInt
            | Kind::Float
            | Kind::Complex
            | Kind::Str
            | Kind::Bytes
            | Kind::ByteArray
            | Kind::Storage
    )
}

/// What an object refers to, through its storage.
fn referents(vm: &mut Vm, object: Value, found: &mut ValueVec) {
    let mut count = 0;
    vm.thread.heap.for_each_reference(object, |_| count += 1);
    let mut direct = ValueVec::with_capacity(vm, count);
    let mut unseen = heap::vec_with_capacity(count);
    vm.thread.heap.for_each_reference(object, |value| unseen.push(value));
    // The array has room for all: nothing is allocated, so the objects stay where they are.
    unseen.into_iter().filter(|value| !value.is_null()).for_each(|value| direct.push(vm, value));
    for &value in direct.as_slice() {
        if value.is_object() && vm.shape_of(value).kind == Kind::Storage {
            referents(vm, value, found);
        } else {
            found.push(vm, value);
        }
    }
}
