//! Module `gc`.
//!
//! The collector is not CPython's: it traces, moves, and needs no cycles to be found. docs/differences.md tells what that
//! means for programs; `tuning.rs` what the thresholds are here.

mod collect;
mod graph;
mod tuning;

use heap::Value;
use metatrace::Handle;
use objects::args::{MANY, MethodDef};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "gc",
    doc: "This module provides access to the garbage collector for reference cycles.\n\nenable() -- Enable automatic garbage collection.\ndisable() -- Disable automatic garbage collection.\nisenabled() -- Returns true if automatic collection is enabled.\ncollect() -- Do a full collection right now.\nget_count() -- Return the current collection counts.\nget_stats() -- Return list of dictionaries containing per-generation stats.\nset_debug() -- Set debugging flags.\nget_debug() -- Get debugging flags.\nset_threshold() -- Set the collection thresholds.\nget_threshold() -- Return the current collection thresholds.\nget_objects() -- Return a list of all objects tracked by the collector.\nis_tracked() -- Returns true if a given object is tracked.\nis_finalized() -- Returns true if a given object has been already finalized.\nget_referrers() -- Return the list of objects that refer to an object.\nget_referents() -- Return the list of objects that an object refers to.\nfreeze() -- Freeze all tracked objects and ignore them for future collections.\nunfreeze() -- Unfreeze all objects in the permanent generation.\nget_freeze_count() -- Return the number of objects in the permanent generation.\n",
    functions: FUNCTIONS,
    init,
};

const DEBUG_STATS: i64 = 1;
const DEBUG_COLLECTABLE: i64 = 2;
const DEBUG_UNCOLLECTABLE: i64 = 4;
const DEBUG_SAVEALL: i64 = 32;

#[derive(Default)]
struct State {
    disabled: bool,
    debug: i64,
    /// What `set_threshold` was told; `None`: nothing.
    thresholds: Option<[i64; 3]>,
    /// The nursery the heap was made with.
    default_nursery_bytes: usize,
    lists: Option<Lists>,
    /// What `freeze` keeps alive, and how many objects these are.
    frozen: Option<(Handle, usize)>,
    counts: collect::Counts,
}

/// `gc.garbage` and `gc.callbacks`, whatever the module's attributes say.
#[derive(Clone, Copy)]
struct Lists {
    garbage: Handle,
    callbacks: Handle,
}

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let [garbage, callbacks] = ["garbage", "callbacks"].map(|name| {
        let list = vm.new_list(&[]);
        vm.module_set(module, name, list);
        vm.keep(list)
    });
    let default_nursery_bytes = vm.thread.heap.policy().nursery_bytes;
    let state = vm.extension::<State>();
    if state.lists.is_none() {
        state.default_nursery_bytes = default_nursery_bytes;
        interp::poll::register(vm, collect::notice_automatic);
    }
    vm.extension::<State>().lists = Some(Lists { garbage, callbacks });
    collect::forget_automatic(vm);
    crate::support::int_constants(
        vm,
        module,
        &[
            ("DEBUG_STATS", DEBUG_STATS),
            ("DEBUG_COLLECTABLE", DEBUG_COLLECTABLE),
            ("DEBUG_UNCOLLECTABLE", DEBUG_UNCOLLECTABLE),
            ("DEBUG_SAVEALL", DEBUG_SAVEALL),
            ("DEBUG_LEAK", DEBUG_COLLECTABLE | DEBUG_UNCOLLECTABLE | DEBUG_SAVEALL),
        ],
    );
    Ok(())
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("enable", 0, 0, tuning::enable)
        .with_doc("enable($module, /)\n--\n\nEnable automatic garbage collection."),
    MethodDef::function("disable", 0, 0, tuning::disable)
        .with_doc("disable($module, /)\n--\n\nDisable automatic garbage collection."),
    MethodDef::function("isenabled", 0, 0, |vm, _| {
        let disabled = vm.extension::<State>().disabled;
        Ok(vm.bool(!disabled))
    })
    .leaf()
    .with_doc("isenabled($module, /)\n--\n\nReturns true if automatic garbage collection is enabled."),
    MethodDef::function("collect", 0, MANY, collect::collect).with_keywords().with_doc("collect($module, /, generation=2)\n--\n\nRun the garbage collector.\n\nWith no arguments, run a full collection.  The optional argument\nmay be an integer specifying which generation to collect.  A ValueError\nis raised if the generation number is invalid.\n\nThe number of unreachable objects is returned."),
    MethodDef::function("get_debug", 0, 0, |vm, _| {
        let debug = vm.extension::<State>().debug;
        Ok(vm.int(debug))
    })
    .leaf()
    .with_doc("get_debug($module, /)\n--\n\nGet the garbage collection debugging flags."),
    MethodDef::function("set_debug", 1, 1, |vm, args| {
        let debug = vm.index(args.values[0])?;
        vm.extension::<State>().debug = debug;
        Ok(vm.none)
    })
    .with_doc("set_debug($module, flags, /)\n--\n\nSet the garbage collection debugging flags.\n\n  flags\n    An integer that can have the following bits turned on:\n      DEBUG_STATS - Print statistics during collection.\n      DEBUG_COLLECTABLE - Print collectable objects found.\n      DEBUG_UNCOLLECTABLE - Print unreachable but uncollectable objects\n        found.\n      DEBUG_SAVEALL - Save objects to gc.garbage rather than freeing them.\n      DEBUG_LEAK - Debug leaking programs (everything but STATS).\n\nDebugging information is written to sys.stderr."),
    MethodDef::function("get_threshold", 0, 0, tuning::get_threshold)
        .leaf()
        .with_doc("get_threshold($module, /)\n--\n\nReturn the current collection thresholds."),
    MethodDef::function("set_threshold", 0, MANY, tuning::set_threshold).with_doc("set_threshold(threshold0, [threshold1, [threshold2]])\nSet the collection thresholds (the collection frequency).\n\nSetting 'threshold0' to zero disables collection."),
    MethodDef::function("get_count", 0, 0, tuning::get_count)
        .leaf()
        .with_doc("get_count($module, /)\n--\n\nReturn a three-tuple of the current collection counts."),
    MethodDef::function("get_stats", 0, MANY, collect::get_stats).with_keywords().with_doc("get_stats($module, /)\n--\n\nReturn a list of dictionaries containing per-generation statistics."),
    MethodDef::function("get_objects", 0, MANY, graph::get_objects).with_keywords().with_doc("get_objects($module, /, generation=None)\n--\n\nReturn a list of objects tracked by the collector (excluding the list returned).\n\n  generation\n    Generation to extract the objects from.\n\nIf generation is not None, return only the objects tracked by the\ncollector that are in that generation."),
    MethodDef::function("get_referents", 0, MANY, graph::get_referents)
        .with_doc("get_referents($module, /, *objs)\n--\n\nReturn the list of objects that are directly referred to by 'objs'."),
    MethodDef::function("get_referrers", 0, MANY, graph::get_referrers)
        .with_doc("get_referrers($module, /, *objs)\n--\n\nReturn the list of objects that directly refer to any of 'objs'."),
    MethodDef::function("is_tracked", 1, 1, |vm, args| {
        let tracked = graph::is_tracked(vm, args.values[0]);
        Ok(vm.bool(tracked))
    })
    .leaf()
    .with_doc("is_tracked($module, obj, /)\n--\n\nReturns true if the object is tracked by the garbage collector.\n\nSimple atomic objects will return false."),
    MethodDef::function("is_finalized", 1, 1, graph::is_finalized)
        .leaf()
        .with_doc("is_finalized($module, obj, /)\n--\n\nReturns true if the object has been already finalized by the GC."),
    MethodDef::function("freeze", 0, 0, graph::freeze).with_doc("freeze($module, /)\n--\n\nFreeze all current tracked objects and ignore them for future collections.\n\nThis can be used before a POSIX fork() call to make the gc copy-on-write\nfriendly.\nNote: collection before a POSIX fork() call may free pages for future\nallocation which can cause copy-on-write."),
    MethodDef::function("unfreeze", 0, 0, graph::unfreeze).with_doc("unfreeze($module, /)\n--\n\nUnfreeze all objects in the permanent generation.\n\nPut all objects in the permanent generation back into oldest generation."),
    MethodDef::function("get_freeze_count", 0, 0, |vm, _| {
        let count = vm.extension::<State>().frozen.map_or(0, |(_, count)| count);
        Ok(Value::from_int(count as i64))
    })
    .leaf()
    .with_doc("get_freeze_count($module, /)\n--\n\nReturn the number of objects in the permanent generation."),
];
