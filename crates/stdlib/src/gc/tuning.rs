//! When collections come by themselves.
//!
//! `threshold0` is the young allocation between two minor collections, in units of [`UNIT_BYTES`]: about what a small
//! object with its share of storage takes. 0 stands for no automatic full collection, as `disable()` does. `threshold1` is
//! how many minor collections lie at least between two full ones; these begin when the heap has grown by about half. `threshold2`
//! means nothing here and is kept for who reads it back. What has not been set is as the heap was made.
//!
//! Minor collections cannot be switched off: the nursery is finite. Who switches automatic collection off gets the nursery
//! of the default size, whatever the thresholds.

use super::State;
use heap::{Policy, Value};
use objects::args::CallArgs;
use objects::error::PyResult;
use objects::vm::Vm;

const UNIT_BYTES: usize = 64;

pub fn enable(vm: &mut Vm, _: &CallArgs) -> PyResult {
    vm.extension::<State>().disabled = false;
    apply(vm);
    Ok(vm.none)
}

pub fn disable(vm: &mut Vm, _: &CallArgs) -> PyResult {
    vm.extension::<State>().disabled = true;
    apply(vm);
    Ok(vm.none)
}

fn thresholds(vm: &mut Vm) -> [i64; 3] {
    let state = vm.extension::<State>();
    state.thresholds.unwrap_or([(state.default_nursery_bytes / UNIT_BYTES) as i64, 0, 0])
}

pub fn get_threshold(vm: &mut Vm, _: &CallArgs) -> PyResult {
    let thresholds = thresholds(vm).map(Value::from_int);
    Ok(vm.new_tuple(&thresholds))
}

pub fn set_threshold(vm: &mut Vm, args: &CallArgs) -> PyResult {
    if !(1..=3).contains(&args.values.len()) {
        return Err(vm.type_error("gc.set_threshold requires 1 to 3 arguments"));
    }
    let mut new = thresholds(vm);
    for (threshold, &value) in new.iter_mut().zip(args.values) {
        let number = vm.index(value)?;
        if i32::try_from(number).is_err() {
            let sign = if number < 0 { "less than minimum" } else { "greater than maximum" };
            return Err(vm.overflow_error(format!("signed integer is {sign}")));
        }
        *threshold = number;
    }
    vm.extension::<State>().thresholds = Some(new);
    apply(vm);
    Ok(vm.none)
}

fn apply(vm: &mut Vm) {
    let [young, minors, _] = thresholds(vm);
    let state = vm.extension::<State>();
    let automatic = !state.disabled && young != 0;
    let policy = Policy {
        nursery_bytes: match state.thresholds {
            // A negative count is reached at once, as in CPython.
            Some(_) if automatic => young.max(1) as usize * UNIT_BYTES,
            _ => state.default_nursery_bytes,
        },
        full: automatic,
        minors_between_full: minors.max(0) as usize,
    };
    vm.thread.heap.set_policy(policy);
}

pub fn get_count(vm: &mut Vm, _: &CallArgs) -> PyResult {
    let young = vm.thread.heap.young_bytes() / UNIT_BYTES;
    let minors = vm.thread.heap.minors_since_full();
    Ok(vm.new_tuple(&[young, minors, 0].map(|count| Value::from_int(count as i64))))
}
