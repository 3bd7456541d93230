//! Clocks and sleeping.

use heap::Value;
use objects::args::CallArgs;
use objects::error::PyResult;
use objects::vm::Vm;

const NANOSECONDS: i64 = 1_000_000_000;

/// What a clock shows, in nanoseconds; `None` with `errno` set.
fn read(clock: libc::clockid_t) -> Option<i64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writing.
    let result = unsafe { libc::clock_gettime(clock, &mut time) };
    (result == 0).then_some(time.tv_sec * NANOSECONDS + time.tv_nsec)
}

fn to_seconds(nanoseconds: i64) -> f64 {
    // As CPython does: whole seconds, where they are, lose nothing.
    if nanoseconds % NANOSECONDS == 0 { (nanoseconds / NANOSECONDS) as f64 } else { nanoseconds as f64 / 1e9 }
}

pub(super) fn seconds(vm: &mut Vm, clock: libc::clockid_t) -> PyResult {
    let time = read(clock).expect("the clock exists");
    Ok(vm.float(to_seconds(time)))
}

pub(super) fn nanoseconds(vm: &mut Vm, clock: libc::clockid_t) -> PyResult {
    let time = read(clock).expect("the clock exists");
    Ok(vm.int(time))
}

fn last_error(vm: &mut Vm) -> objects::error::Raised {
    let error = std::io::Error::last_os_error();
    vm.io_error(&error, Value::NULL)
}

fn clock_argument(vm: &mut Vm, args: &CallArgs) -> PyResult<libc::clockid_t> {
    let clock = vm.index(args.values[0])?;
    match libc::clockid_t::try_from(clock) {
        Ok(clock) => Ok(clock),
        Err(_) => Err(vm.overflow_error("Python int too large to convert to C int")),
    }
}

pub(super) fn clock_gettime(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let clock = clock_argument(vm, args)?;
    match read(clock) {
        Some(time) => Ok(vm.float(to_seconds(time))),
        None => Err(last_error(vm)),
    }
}

pub(super) fn clock_gettime_ns(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let clock = clock_argument(vm, args)?;
    match read(clock) {
        Some(time) => Ok(vm.int(time)),
        None => Err(last_error(vm)),
    }
}

fn resolution(clock: libc::clockid_t) -> Option<i64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writing.
    let result = unsafe { libc::clock_getres(clock, &mut time) };
    (result == 0).then_some(time.tv_sec * NANOSECONDS + time.tv_nsec)
}

pub(super) fn clock_getres(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let clock = clock_argument(vm, args)?;
    match resolution(clock) {
        Some(time) => Ok(vm.float(to_seconds(time))),
        None => Err(last_error(vm)),
    }
}

/// A namespace of implementation, monotonic, adjustable and resolution.
pub(super) fn get_clock_info(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let name = vm.str(args.values[0])?;
    let (clock, function, monotonic, adjustable) = match name {
        "time" => (libc::CLOCK_REALTIME, "clock_gettime(CLOCK_REALTIME)", false, true),
        "monotonic" | "perf_counter" => (libc::CLOCK_MONOTONIC, "clock_gettime(CLOCK_MONOTONIC)", true, false),
        "process_time" => (libc::CLOCK_PROCESS_CPUTIME_ID, "clock_gettime(CLOCK_PROCESS_CPUTIME_ID)", true, false),
        "thread_time" => (libc::CLOCK_THREAD_CPUTIME_ID, "clock_gettime(CLOCK_THREAD_CPUTIME_ID)", true, false),
        _ => return Err(vm.value_error("unknown clock")),
    };
    let info = vm.new_namespace_object();
    let function = vm.new_str(function);
    let (monotonic, adjustable) = (vm.bool(monotonic), vm.bool(adjustable));
    let resolution = vm.float(to_seconds(resolution(clock).unwrap_or(1)));
    for (name, value) in
        [("implementation", function), ("monotonic", monotonic), ("adjustable", adjustable), ("resolution", resolution)]
    {
        vm.setattr_str(info, name, value)?;
    }
    Ok(info)
}

/// A number of seconds in nanoseconds, rounded up.
pub fn duration(vm: &mut Vm, value: Value) -> PyResult<i64> {
    if let Some(seconds) = vm.as_f64(value) {
        if seconds.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let nanoseconds = (seconds * 1e9).ceil();
        if nanoseconds.abs() >= i64::MAX as f64 {
            return Err(vm.overflow_error("timestamp out of range for platform time_t"));
        }
        return Ok(nanoseconds as i64);
    }
    if vm.type_of(value).slots().index.is_none() {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("'{given}' object cannot be interpreted as an integer or float")));
    }
    let seconds = vm.index(value)?;
    match seconds.checked_mul(NANOSECONDS) {
        Some(nanoseconds) => Ok(nanoseconds),
        None => Err(vm.overflow_error("timestamp too large to convert to C PyTime_t")),
    }
}

pub(super) fn sleep(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let nanoseconds = duration(vm, args.values[0])?;
    if nanoseconds < 0 {
        return Err(vm.value_error("sleep length must be non-negative"));
    }
    let end = read(libc::CLOCK_MONOTONIC).expect("the clock exists").saturating_add(nanoseconds);
    sleep_until(vm, end)?;
    Ok(vm.none)
}

/// Sleeps until the monotonic clock shows `end`. Signal handlers run meanwhile.
pub fn sleep_until(vm: &mut Vm, end: i64) -> PyResult<()> {
    let time = libc::timespec { tv_sec: end / NANOSECONDS, tv_nsec: end % NANOSECONDS };
    loop {
        // SAFETY: `time` is valid; no remainder is asked for.
        let result =
            unsafe { libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &time, std::ptr::null_mut()) };
        match result {
            0 => return Ok(()),
            libc::EINTR => interp::poll::attend(vm)?,
            errno => return Err(vm.os_error(errno, Value::NULL)),
        }
    }
}

/// What the monotonic clock shows, in nanoseconds.
pub fn monotonic() -> i64 {
    read(libc::CLOCK_MONOTONIC).expect("the clock exists")
}
