//! Plans for globals hold until something they rely on changes.

use super::{GlobalPlan, global_plan, watch};
use crate::testing::with_vms;
use crate::vm::Vm;
use heap::Value;

/// What a plan finds.
fn load(vm: &mut Vm, globals: Value, name: &str) -> Option<Value> {
    let name = vm.intern(name);
    let number = watch(vm, globals);
    match *global_plan(vm, number, name).result {
        GlobalPlan::Constant(handle) => Some(vm.handle(handle)),
        GlobalPlan::Entry(entry) => crate::dict::entry(globals, entry as usize).map(|entry| entry.1),
        GlobalPlan::BuiltinEntry { builtins, entry } => {
            crate::dict::entry(vm.handle(builtins), entry as usize).map(|entry| entry.1)
        }
        GlobalPlan::Slow => None,
    }
}

fn plan(vm: &mut Vm, globals: Value, name: &str) -> GlobalPlan {
    let name = vm.intern(name);
    let number = watch(vm, globals);
    *global_plan(vm, number, name).result
}

#[test]
fn a_counter_is_read_from_its_entry_and_disturbs_nobody() {
    with_vms(|vm| {
        let globals = vm.new_namespace();
        vm.dict_set_str(globals, "count", Value::from_int(0));
        assert!(matches!(plan(vm, globals, "count"), GlobalPlan::Entry(0)));
        let epoch = vm.thread.jit.epoch;
        for i in 0..100 {
            vm.dict_set_str(globals, "count", Value::from_int(i));
            vm.dict_set_str(globals, &format!("other {i}"), Value::from_int(i));
            assert_eq!(load(vm, globals, "count"), Some(Value::from_int(i)));
        }
        assert_eq!(vm.thread.jit.epoch, epoch);
    });
}

#[test]
fn a_class_is_a_constant_until_it_is_replaced() {
    with_vms(|vm| {
        let globals = vm.new_namespace();
        let (int, list) = (vm.types.int.value(), vm.types.list.value());
        for round in 0..6 {
            let value = if round % 2 == 0 { int } else { list };
            let epoch = vm.thread.jit.epoch;
            vm.dict_set_str(globals, "T", value);
            assert_eq!(load(vm, globals, "T"), Some(value));
            let constant = matches!(plan(vm, globals, "T"), GlobalPlan::Constant(_));
            // Believed three times.
            assert_eq!(constant, round < 3, "round {round}");
            assert_eq!(vm.thread.jit.epoch != epoch, (1..=3).contains(&round), "round {round}");
        }
        assert!(vm.dict_del_str(globals, "T"));
        assert_eq!(load(vm, globals, "T"), None);
    });
}

#[test]
fn builtins_are_found_until_the_module_has_the_name() {
    with_vms(|vm| {
        let globals = vm.new_namespace();
        let builtins = vm.handle(vm.builtins);
        let type_ = vm.types.int.value();
        vm.dict_set_str(builtins, "thing", type_);
        vm.dict_set_str(builtins, "number", Value::from_int(5));
        assert_eq!(load(vm, globals, "thing"), Some(type_));
        assert_eq!(load(vm, globals, "number"), Some(Value::from_int(5)));
        assert_eq!(load(vm, globals, "nothing"), None);
        vm.dict_set_str(builtins, "number", Value::from_int(6));
        assert_eq!(load(vm, globals, "number"), Some(Value::from_int(6)));
        let list = vm.types.list.value();
        vm.dict_set_str(builtins, "thing", list);
        assert_eq!(load(vm, globals, "thing"), Some(list));
        vm.dict_set_str(globals, "thing", Value::from_int(1));
        assert_eq!(load(vm, globals, "thing"), Some(Value::from_int(1)));
        vm.dict_set_str(builtins, "nothing", Value::from_int(2));
        assert_eq!(load(vm, globals, "nothing"), Some(Value::from_int(2)));
        assert!(vm.dict_del_str(globals, "thing"));
        assert_eq!(load(vm, globals, "thing"), Some(list));
        vm.dict_clear(builtins);
        assert_eq!(load(vm, globals, "number"), None);
    });
}

#[test]
fn entries_that_move_are_found_again() {
    with_vms(|vm| {
        let globals = vm.new_namespace();
        for i in 0..8 {
            vm.dict_set_str(globals, &format!("g{i}"), Value::from_int(i));
        }
        assert!(vm.dict_del_str(globals, "g0"));
        assert_eq!(load(vm, globals, "g7"), Some(Value::from_int(7)));
        for i in 8..40 {
            vm.dict_set_str(globals, &format!("g{i}"), Value::from_int(i));
            assert_eq!(load(vm, globals, "g7"), Some(Value::from_int(7)));
        }
    });
}
