//! `gc.collect()`, and what it tells callbacks, `gc.garbage` and `sys.stderr`.

use super::{DEBUG_COLLECTABLE, DEBUG_SAVEALL, DEBUG_STATS, State, graph};
use heap::{Generation, Value};
use objects::args::{CallArgs, Signature};
use objects::error::PyResult;
use objects::vm::Vm;
use std::time::Instant;

/// What collections have done.
#[derive(Default)]
pub struct Counts {
    /// Collections asked for, and objects that they freed, by generation.
    explicit: [i64; 3],
    collected: [i64; 3],
    /// Minor and full collections of the heap that belong to collections asked for.
    inner_minor: usize,
    inner_full: usize,
    /// Collections of the heap that callbacks know of.
    noticed_minor: usize,
    noticed_full: usize,
    /// A collection, or a callback, is under way.
    busy: bool,
}

pub fn collect(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [generation] = args.bind(vm, "collect", &crate::support::signature(["generation"], 0))?;
    let generation = if generation.is_null() { 2 } else { vm.index(generation)? };
    if !(0..=2).contains(&generation) {
        return Err(vm.value_error("invalid generation"));
    }
    if std::mem::replace(&mut vm.extension::<State>().counts.busy, true) {
        return Ok(Value::from_int(0));
    }
    let found = collect_generation(vm, generation as usize);
    vm.extension::<State>().counts.busy = false;
    forget_automatic(vm);
    Ok(Value::from_int(found?))
}

fn collect_generation(vm: &mut Vm, generation: usize) -> PyResult<i64> {
    call_back(vm, "start", generation, 0);
    let debug = vm.extension::<State>().debug;
    let start = Instant::now();
    if debug & DEBUG_STATS != 0 {
        announce(vm, generation);
    }
    let before = vm.thread.heap.stats();
    interp::frame_object::call_uncompiled(vm);
    interp::frame_object::clear_dead_slots(vm);
    objects::type_::resolve::release_retired(vm);
    let found = if generation == 0 {
        let low = stack_needed_from(vm, "collect");
        // SAFETY: the dispatch loop called us, and neither it nor we hold a value.
        unsafe { vm.thread.heap.collect_young_above(low) };
        interp::poll::attend(vm).map(|()| 0)
    } else {
        collect_all(vm, debug)
    };
    let after = vm.thread.heap.stats();
    let counts = &mut vm.extension::<State>().counts;
    counts.explicit[generation] += 1;
    counts.inner_minor += after.minor_collections - before.minor_collections;
    counts.inner_full += after.full_collections - before.full_collections;
    let found = found?;
    vm.extension::<State>().counts.collected[generation] += found;
    if debug & DEBUG_STATS != 0 {
        let seconds = start.elapsed().as_secs_f64();
        tell(vm, &format!("gc: done, {found} unreachable, 0 uncollectable, {seconds:.4}s elapsed\n"));
    }
    call_back(vm, "stop", generation, found);
    Ok(found)
}

/// A full collection, and another one for what finalizers and callbacks let go of. How many objects were found that
/// reference counts would not have freed.
fn collect_all(vm: &mut Vm, debug: i64) -> PyResult<i64> {
    let mut found = collect_once(vm, debug)?;
    let due = vm.thread.heap.has_finalizable() || vm.thread.heap.has_cleared_weak();
    interp::poll::attend(vm)?;
    if due {
        found += collect_once(vm, debug)?;
        interp::poll::attend(vm)?;
    }
    Ok(found)
}

fn collect_once(vm: &mut Vm, debug: i64) -> PyResult<i64> {
    let counted = graph::counted_shapes(vm);
    let save = debug & DEBUG_SAVEALL != 0;
    let low = stack_needed_from(vm, "collect");
    // SAFETY: the dispatch loop called us, and neither it nor we hold a value.
    let found = unsafe { vm.thread.heap.collect_counting(low, counted, save) };
    if debug & DEBUG_COLLECTABLE != 0 {
        for object in &found {
            let name = vm.shapes[object.shape.0 as usize].ty.name();
            tell(vm, &format!("gc: collectable <{name} 0x{:x}>\n", object.address));
        }
    }
    if let Some(lists) = vm.extension::<State>().lists {
        while let Some(object) = vm.thread.heap.take_saved() {
            let garbage = vm.handle(lists.garbage);
            vm.list_append(garbage, object);
        }
    }
    Ok(found.len() as i64)
}

/// Where the part of the native stack begins that may hold a value, if this module's `function` was called plainly.
pub fn stack_needed_from(vm: &mut Vm, function: &str) -> usize {
    scrub_stack();
    let this = super::FUNCTIONS.iter().find(|def| def.name == function).expect("it is in the table");
    interp::frame_object::stack_needed_from(vm, this)
}

/// Overwrites the native stack below: the collector takes what earlier calls left there for references.
#[inline(never)]
fn scrub_stack() {
    let mut area = [0u64; 4096];
    std::hint::black_box(&mut area);
}

fn announce(vm: &mut Vm, generation: usize) {
    let sizes = [Generation::Young, Generation::Recent, Generation::Old].map(|generation| {
        let mut objects = Vec::new();
        vm.thread.heap.for_each_of_generation(generation, |object| objects.push(object));
        // Nothing is allocated: the objects stay where they are.
        objects.into_iter().filter(|&object| graph::is_tracked(vm, object)).count()
    });
    let frozen = vm.extension::<State>().frozen.map_or(0, |(_, count)| count);
    let old = sizes[2].saturating_sub(frozen);
    tell(vm, &format!("gc: collecting generation {generation}...\n"));
    tell(vm, &format!("gc: objects in each generation: {} {} {old}\n", sizes[0], sizes[1]));
    tell(vm, &format!("gc: objects in permanent generation: {frozen}\n"));
}

/// Writes to `sys.stderr`, if that is possible.
fn tell(vm: &mut Vm, text: &str) {
    // Nobody may be listening.
    let _ = interp::import::import_module(vm, "sys").and_then(|sys| vm.getattr_str(sys, "stderr")).and_then(|err| {
        let text = vm.new_str(text);
        vm.call_method(err, "write", &[text])
    });
}

/// Tells `gc.callbacks` of a phase.
fn call_back(vm: &mut Vm, phase: &str, generation: usize, collected: i64) {
    let Some(lists) = vm.extension::<State>().lists else { return };
    let callbacks = vm.handle(lists.callbacks);
    if objects::list::items(callbacks).is_empty() {
        return;
    }
    let info = vm.new_dict();
    for (name, number) in [("generation", generation as i64), ("collected", collected), ("uncollectable", 0)] {
        vm.dict_set_str(info, name, Value::from_int(number));
    }
    let phase = vm.new_str(phase);
    let mut i = 0;
    while let Some(&callback) = objects::list::items(callbacks).get(i) {
        i += 1;
        if let Err(raised) = vm.call(callback, &[phase, info]) {
            let repr = vm.repr_text(callback).unwrap_or_default();
            let message = format!("Exception ignored while calling GC callback {repr}");
            interp::warnings::unraisable(vm, raised.0, &message, Value::NULL);
        }
    }
}

/// What collections the heap has made by itself so far is no news.
pub fn forget_automatic(vm: &mut Vm) {
    let stats = vm.thread.heap.stats();
    let counts = &mut vm.extension::<State>().counts;
    (counts.noticed_minor, counts.noticed_full) = (stats.minor_collections, stats.full_collections);
}

/// At a safe point: tells callbacks of the collections since the last one.
pub fn notice_automatic(vm: &mut Vm) -> PyResult<()> {
    let stats = vm.thread.heap.stats();
    let state = vm.extension::<State>();
    let counts = &mut state.counts;
    if counts.busy || counts.noticed_minor == stats.minor_collections {
        return Ok(());
    }
    counts.busy = true;
    let generation = if counts.noticed_full == stats.full_collections { 0 } else { 2 };
    call_back(vm, "start", generation, 0);
    call_back(vm, "stop", generation, 0);
    vm.extension::<State>().counts.busy = false;
    forget_automatic(vm);
    Ok(())
}

pub fn get_stats(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<1> =
        Signature { parameters: ["pauses"], skip: 0, positional_only: 0, max_positional: 0, required: 0 };
    let [pauses] = args.bind(vm, "get_stats", &PARAMETERS)?;
    let pauses = !pauses.is_null() && vm.truth(pauses)?;
    let heap = vm.thread.heap.stats();
    let counts = &vm.extension::<State>().counts;
    let full = heap.full_collections - counts.inner_full;
    let minor = heap.minor_collections - counts.inner_minor;
    // Each full collection begins with a minor one.
    let automatic = [minor - full, 0, full].map(|count| count as i64);
    let rows: Vec<[i64; 2]> = (0..3).map(|i| [automatic[i] + counts.explicit[i], counts.collected[i]]).collect();
    let stats = vm.new_list(&[]);
    for (generation, [collections, collected]) in rows.into_iter().enumerate() {
        let row = vm.new_dict();
        for (name, number) in [("collections", collections), ("collected", collected), ("uncollectable", 0)] {
            vm.dict_set_str(row, name, Value::from_int(number));
        }
        if pauses {
            add_pauses(vm, row, generation);
        }
        vm.list_append(stats, row);
    }
    Ok(stats)
}

/// How long collections stopped the program, in seconds: generation 0 has the pauses that were minor collections alone,
/// generation 2 those with a step of a full one in them.
fn add_pauses(vm: &mut Vm, row: Value, generation: usize) {
    let none = heap::Times::default();
    let pauses = vm.thread.heap.pauses();
    let times = [&pauses.minor, &none, &pauses.full][generation];
    let count = times.count as i64;
    let nanoseconds = [
        ("pause_total", times.total_ns),
        ("pause_p50", times.percentile_ns(0.5)),
        ("pause_p99", times.percentile_ns(0.99)),
        ("pause_max", times.longest_ns),
    ];
    vm.dict_set_str(row, "pauses", Value::from_int(count));
    for (name, ns) in nanoseconds {
        let seconds = vm.float(ns as f64 * 1e-9);
        vm.dict_set_str(row, name, seconds);
    }
}
