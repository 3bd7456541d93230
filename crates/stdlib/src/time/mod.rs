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
    MethodDef::function("time", 0, 0, |vm, _| clocks::seconds(vm, libc::CLOCK_REALTIME)).leaf()
    .with_doc("time($self, /)\n--\n\ntime() -> floating-point number\n\nReturn the current time in seconds since the Epoch.\nFractions of a second may be present if the system clock provides them."),
    MethodDef::function("time_ns", 0, 0, |vm, _| clocks::nanoseconds(vm, libc::CLOCK_REALTIME)).leaf()
    .with_doc("time_ns($self, /)\n--\n\ntime_ns() -> int\n\nReturn the current time in nanoseconds since the Epoch."),
    MethodDef::function("monotonic", 0, 0, |vm, _| clocks::seconds(vm, libc::CLOCK_MONOTONIC)).leaf()
    .with_doc("monotonic($self, /)\n--\n\nmonotonic() -> float\n\nMonotonic clock, cannot go backward."),
    MethodDef::function("monotonic_ns", 0, 0, |vm, _| clocks::nanoseconds(vm, libc::CLOCK_MONOTONIC)).leaf()
    .with_doc("monotonic_ns($self, /)\n--\n\nmonotonic_ns() -> int\n\nMonotonic clock, cannot go backward, as nanoseconds."),
    MethodDef::function("perf_counter", 0, 0, |vm, _| clocks::seconds(vm, libc::CLOCK_MONOTONIC)).leaf()
    .with_doc("perf_counter($self, /)\n--\n\nperf_counter() -> float\n\nPerformance counter for benchmarking."),
    MethodDef::function("perf_counter_ns", 0, 0, |vm, _| clocks::nanoseconds(vm, libc::CLOCK_MONOTONIC)).leaf()
    .with_doc("perf_counter_ns($self, /)\n--\n\nperf_counter_ns() -> int\n\nPerformance counter for benchmarking as nanoseconds."),
    MethodDef::function("process_time", 0, 0, |vm, _| clocks::seconds(vm, libc::CLOCK_PROCESS_CPUTIME_ID)).leaf()
    .with_doc("process_time($self, /)\n--\n\nprocess_time() -> float\n\nProcess time for profiling: sum of the kernel and user-space CPU time."),
    MethodDef::function("process_time_ns", 0, 0, |vm, _| clocks::nanoseconds(vm, libc::CLOCK_PROCESS_CPUTIME_ID)).leaf()
    .with_doc("process_time_ns($self, /)\n--\n\nprocess_time() -> int\n\nProcess time for profiling as nanoseconds:\nsum of the kernel and user-space CPU time."),
    MethodDef::function("thread_time", 0, 0, |vm, _| clocks::seconds(vm, libc::CLOCK_THREAD_CPUTIME_ID)).leaf()
    .with_doc("thread_time($self, /)\n--\n\nthread_time() -> float\n\nThread time for profiling: sum of the kernel and user-space CPU time."),
    MethodDef::function("thread_time_ns", 0, 0, |vm, _| clocks::nanoseconds(vm, libc::CLOCK_THREAD_CPUTIME_ID)).leaf()
    .with_doc("thread_time_ns($self, /)\n--\n\nthread_time() -> int\n\nThread time for profiling as nanoseconds:\nsum of the kernel and user-space CPU time."),
    MethodDef::function("clock_gettime", 1, 1, clocks::clock_gettime)
    .with_doc("clock_gettime($module, clk_id, /)\n--\n\nReturn the time of the specified clock clk_id as a float."),
    MethodDef::function("clock_gettime_ns", 1, 1, clocks::clock_gettime_ns)
    .with_doc("clock_gettime_ns($module, clk_id, /)\n--\n\nReturn the time of the specified clock clk_id as nanoseconds (int)."),
    MethodDef::function("clock_getres", 1, 1, clocks::clock_getres)
    .with_doc("clock_getres(clk_id) -> floating-point number\n\nReturn the resolution (precision) of the specified clock clk_id."),
    MethodDef::function("get_clock_info", 1, 1, clocks::get_clock_info)
    .with_doc("get_clock_info(name: str) -> dict\n\nGet information of the specified clock."),
    MethodDef::function("sleep", 1, 1, clocks::sleep)
        .with_doc("sleep($self, object, /)\n--\n\nsleep(seconds)\n\nDelay execution for a given number of seconds.  The argument may be\na floating-point number for subsecond precision."),
    MethodDef::function("gmtime", 0, 1, calendar::gmtime)
    .with_doc("gmtime([seconds]) -> (tm_year, tm_mon, tm_mday, tm_hour, tm_min,\n                       tm_sec, tm_wday, tm_yday, tm_isdst)\n\nConvert seconds since the Epoch to a time tuple expressing UTC (a.k.a.\nGMT).  When 'seconds' is not passed in, convert the current time instead.\n\nIf the platform supports the tm_gmtoff and tm_zone, they are available as\nattributes only."),
    MethodDef::function("localtime", 0, 1, calendar::localtime)
    .with_doc("localtime([seconds]) -> (tm_year,tm_mon,tm_mday,tm_hour,tm_min,\n                          tm_sec,tm_wday,tm_yday,tm_isdst)\n\nConvert seconds since the Epoch to a time tuple expressing local time.\nWhen 'seconds' is not passed in, convert the current time instead."),
    MethodDef::function("mktime", 1, 1, calendar::mktime)
    .with_doc("mktime($self, object, /)\n--\n\nmktime(time_tuple) -> floating-point number\n\nConvert a time tuple in local time to seconds since the Epoch.\nNote that mktime(gmtime(0)) will not generally return zero for most\ntime zones; instead the returned value will either be equal to that\nof the timezone or altzone attributes on the time module."),
    MethodDef::function("asctime", 0, 1, calendar::asctime)
    .with_doc("asctime([time_tuple]) -> string\n\nConvert a time tuple to a string, e.g. 'Sat Jun 06 16:26:11 1998'.\nWhen the time tuple is not present, current time as returned by localtime()\nis used."),
    MethodDef::function("ctime", 0, 1, calendar::ctime)
    .with_doc("ctime([seconds]) -> string\n\nConvert a time in seconds since the Epoch to a string in local time.\nThis is equivalent to asctime(localtime(seconds)). When 'seconds' is not\npassed in, convert the current time instead."),
    MethodDef::function("strftime", 1, 2, calendar::strftime)
    .with_doc("strftime(format[, time_tuple]) -> string\n\nConvert a time tuple to a string according to a format specification.\nSee the library reference manual for formatting codes. When the time tuple\nis not present, current time as returned by localtime() is used.\n\nCommonly used format codes:\n\n%Y  Year with century as a decimal number.\n%m  Month as a decimal number [01,12].\n%d  Day of the month as a decimal number [01,31].\n%H  Hour (24-hour clock) as a decimal number [00,23].\n%M  Minute as a decimal number [00,59].\n%S  Second as a decimal number [00,61].\n%z  Time zone offset from UTC.\n%a  Locale's abbreviated weekday name.\n%A  Locale's full weekday name.\n%b  Locale's abbreviated month name.\n%B  Locale's full month name.\n%c  Locale's appropriate date and time representation.\n%I  Hour (12-hour clock) as a decimal number [01,12].\n%p  Locale's equivalent of either AM or PM.\n\nOther codes may be available on your platform.  See documentation for\nthe C library strftime function.\n"),
    MethodDef::function("strptime", 1, 2, calendar::strptime)
    .with_doc("strptime(string[, format]) -> struct_time\n\nParse a string to a time tuple according to a format specification.\nSee the library reference manual for formatting codes (same as\nstrftime()).\n\nCommonly used format codes:\n\n%Y  Year with century as a decimal number.\n%m  Month as a decimal number [01,12].\n%d  Day of the month as a decimal number [01,31].\n%H  Hour (24-hour clock) as a decimal number [00,23].\n%M  Minute as a decimal number [00,59].\n%S  Second as a decimal number [00,61].\n%z  Time zone offset from UTC.\n%a  Locale's abbreviated weekday name.\n%A  Locale's full weekday name.\n%b  Locale's abbreviated month name.\n%B  Locale's full month name.\n%c  Locale's appropriate date and time representation.\n%I  Hour (12-hour clock) as a decimal number [01,12].\n%p  Locale's equivalent of either AM or PM.\n\nOther codes may be available on your platform.  See documentation for\nthe C library strftime function.\n"),
    MethodDef::function("tzset", 0, 0, |vm, _| {
        let module = objects::module::import(vm, "time")?;
        calendar::set_zone(vm, module);
        Ok(vm.none)
    })
    .with_doc("tzset($self, /)\n--\n\ntzset()\n\nInitialize, or reinitialize, the local timezone to the value stored in\nos.environ['TZ']. The TZ environment variable should be specified in\nstandard Unix timezone format as documented in the tzset man page\n(eg. 'US/Eastern', 'Europe/Amsterdam'). Unknown timezones will silently\nfall back to UTC. If the TZ environment variable is not set, the local\ntimezone is set to the systems best guess of wallclock time.\nChanging the TZ environment variable without calling tzset *may* change\nthe local timezone used by methods such as localtime, but this behaviour\nshould not be relied on."),
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
