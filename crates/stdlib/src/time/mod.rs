//! Module `time`.

mod calendar;
pub mod clocks;

use heap::Value;
use objects::args::MethodDef;
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::ty::TypeRef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "time",
    doc: "This module provides various functions to manipulate time values.\n\nThere are two standard representations of time.  One is the number\nof seconds since the Epoch, in UTC (a.k.a. GMT).  It may be an integer\nor a floating-point number (to represent fractions of seconds).\nThe epoch is the point where the time starts, the return value of time.gmtime(0).\nIt is January 1, 1970, 00:00:00 (UTC) on all platforms.\n\nThe other representation is a tuple of 9 integers giving local time.",
    functions: FUNCTIONS,
    init,
};

#[derive(Default)]
struct State {
    struct_time: Option<TypeRef>,
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("time", 0, 0, |vm, _| clocks::seconds(vm, libc::CLOCK_REALTIME)).leaf(),
    MethodDef::function("time_ns", 0, 0, |vm, _| clocks::nanoseconds(vm, libc::CLOCK_REALTIME)).leaf(),
    MethodDef::function("monotonic", 0, 0, |vm, _| clocks::seconds(vm, libc::CLOCK_MONOTONIC)).leaf(),
    MethodDef::function("monotonic_ns", 0, 0, |vm, _| clocks::nanoseconds(vm, libc::CLOCK_MONOTONIC)).leaf(),
    MethodDef::function("perf_counter", 0, 0, |vm, _| clocks::seconds(vm, libc::CLOCK_MONOTONIC)).leaf(),
    MethodDef::function("perf_counter_ns", 0, 0, |vm, _| clocks::nanoseconds(vm, libc::CLOCK_MONOTONIC)).leaf(),
    MethodDef::function("process_time", 0, 0, |vm, _| clocks::seconds(vm, libc::CLOCK_PROCESS_CPUTIME_ID)).leaf(),
    MethodDef::function("process_time_ns", 0, 0, |vm, _| clocks::nanoseconds(vm, libc::CLOCK_PROCESS_CPUTIME_ID)).leaf(),
    MethodDef::function("thread_time", 0, 0, |vm, _| clocks::seconds(vm, libc::CLOCK_THREAD_CPUTIME_ID)).leaf(),
    MethodDef::function("thread_time_ns", 0, 0, |vm, _| clocks::nanoseconds(vm, libc::CLOCK_THREAD_CPUTIME_ID)).leaf(),
    MethodDef::function("clock_gettime", 1, 1, clocks::clock_gettime),
    MethodDef::function("clock_gettime_ns", 1, 1, clocks::clock_gettime_ns),
    MethodDef::function("clock_getres", 1, 1, clocks::clock_getres),
    MethodDef::function("get_clock_info", 1, 1, clocks::get_clock_info),
    MethodDef::function("sleep", 1, 1, clocks::sleep)
        .with_doc("sleep(object, /)\n--\n\nDelay execution for a given number of seconds.\n\nThe argument may be a floating-point number for subsecond precision."),
    MethodDef::function("gmtime", 0, 1, calendar::gmtime),
    MethodDef::function("localtime", 0, 1, calendar::localtime),
    MethodDef::function("mktime", 1, 1, calendar::mktime),
    MethodDef::function("asctime", 0, 1, calendar::asctime),
    MethodDef::function("ctime", 0, 1, calendar::ctime),
    MethodDef::function("strftime", 1, 2, calendar::strftime),
    MethodDef::function("strptime", 1, 2, calendar::strptime),
    MethodDef::function("tzset", 0, 0, |vm, _| {
        let module = objects::module::import(vm, "time")?;
        calendar::set_zone(vm, module);
        Ok(vm.none)
    }),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let clocks = [
        ("CLOCK_REALTIME", libc::CLOCK_REALTIME),
        ("CLOCK_MONOTONIC", libc::CLOCK_MONOTONIC),
        ("CLOCK_MONOTONIC_RAW", libc::CLOCK_MONOTONIC_RAW),
        ("CLOCK_PROCESS_CPUTIME_ID", libc::CLOCK_PROCESS_CPUTIME_ID),
        ("CLOCK_THREAD_CPUTIME_ID", libc::CLOCK_THREAD_CPUTIME_ID),
        ("CLOCK_BOOTTIME", libc::CLOCK_BOOTTIME),
        ("CLOCK_TAI", libc::CLOCK_TAI),
    ];
    for (name, clock) in clocks {
        vm.module_set(module, name, Value::from_int(i64::from(clock)));
    }
    vm.module_set(module, "_STRUCT_TM_ITEMS", Value::from_int(11));
    let struct_time = calendar::make_struct_time(vm)?;
    vm.extension::<State>().struct_time = Some(struct_time);
    vm.module_set(module, "struct_time", struct_time.value());
    calendar::set_zone(vm, module);
    Ok(())
}

fn struct_time(vm: &mut Vm) -> TypeRef {
    vm.extension::<State>().struct_time.expect("made with the module")
}
