//! `struct_time` and what is made of it.

use super::struct_time;
use crate::struct_sequence;
use heap::Value;
use objects::args::CallArgs;
use objects::error::{PyResult, Raised};
use objects::tuple;
use objects::ty::TypeRef;
use objects::vm::Vm;
use std::ffi::{CStr, CString};

unsafe extern "C" {
    safe fn tzset();
}

const FIELDS: &[&str] =
    &["tm_year", "tm_mon", "tm_mday", "tm_hour", "tm_min", "tm_sec", "tm_wday", "tm_yday", "tm_isdst"];

pub(super) fn make_struct_time(vm: &mut Vm) -> PyResult<TypeRef> {
    let doc = "The time value as returned by gmtime(), localtime(), and strptime(), and\n accepted by asctime(), mktime() and strftime().  May be considered as a\n sequence of 9 integers.\n\n Note that several fields' values are not the same as those defined by\n the C language standard for struct tm.  For example, the value of the\n field tm_year is the actual year, not year - 1900.  See individual\n fields' descriptions for details.";
    struct_sequence::new_class_with_hidden(vm, "time", "struct_time", FIELDS, &["tm_zone", "tm_gmtoff"], doc)
}

fn empty() -> libc::tm {
    // SAFETY: all-zero is a valid `tm`: integers and a null pointer.
    unsafe { std::mem::zeroed() }
}

/// Seconds since the epoch: the argument, or now.
fn seconds_argument(vm: &mut Vm, args: &CallArgs) -> PyResult<libc::time_t> {
    let given = args.get(0).filter(|&value| value != vm.none);
    let Some(value) = given else {
        // SAFETY: no result pointer is given.
        return Ok(unsafe { libc::time(std::ptr::null_mut()) });
    };
    if let Some(seconds) = vm.as_f64(value) {
        if seconds.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let seconds = seconds.floor();
        if seconds.abs() >= i64::MAX as f64 {
            return Err(vm.overflow_error("timestamp out of range for platform time_t"));
        }
        return Ok(seconds as libc::time_t);
    }
    match vm.index(value) {
        Ok(seconds) => Ok(seconds),
        Err(raised) if vm.exception_matches(raised.0, vm.exc.overflow_error) => {
            Err(vm.overflow_error("timestamp out of range for platform time_t"))
        }
        Err(raised) => Err(raised),
    }
}

fn errno_error(vm: &mut Vm) -> Raised {
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL);
    if errno == libc::EOVERFLOW {
        return vm.os_error(errno, Value::NULL);
    }
    vm.os_error(errno, Value::NULL)
}

fn local(vm: &mut Vm, seconds: libc::time_t) -> PyResult<libc::tm> {
    let mut time = empty();
    // SAFETY: both pointers are valid.
    if unsafe { libc::localtime_r(&seconds, &mut time) }.is_null() {
        return Err(errno_error(vm));
    }
    Ok(time)
}

fn universal(vm: &mut Vm, seconds: libc::time_t) -> PyResult<libc::tm> {
    let mut time = empty();
    // SAFETY: both pointers are valid.
    if unsafe { libc::gmtime_r(&seconds, &mut time) }.is_null() {
        return Err(errno_error(vm));
    }
    Ok(time)
}

fn zone_name(time: &libc::tm) -> String {
    if time.tm_zone.is_null() {
        return String::new();
    }
    // SAFETY: `tm_zone` points to one of the C library's zone names.
    unsafe { CStr::from_ptr(time.tm_zone) }.to_string_lossy().into_owned()
}

fn to_struct(vm: &mut Vm, time: &libc::tm) -> PyResult {
    let zone = zone_name(time);
    let zone = vm.new_str(&zone);
    let weekday = (time.tm_wday + 6) % 7;
    let year = i64::from(time.tm_year) + 1900;
    let mut values = [Value::NULL; 11];
    values[0] = Value::from_int(year);
    let rest = [
        time.tm_mon + 1,
        time.tm_mday,
        time.tm_hour,
        time.tm_min,
        time.tm_sec,
        weekday,
        time.tm_yday + 1,
        time.tm_isdst,
    ];
    for (slot, number) in values[1..9].iter_mut().zip(rest) {
        *slot = Value::from_int(i64::from(number));
    }
    values[9] = zone;
    values[10] = Value::from_int(time.tm_gmtoff);
    let class = struct_time(vm);
    struct_sequence::new(vm, class, &values)
}

pub(super) fn gmtime(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let seconds = seconds_argument(vm, args)?;
    let time = universal(vm, seconds)?;
    to_struct(vm, &time)
}

pub(super) fn localtime(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let seconds = seconds_argument(vm, args)?;
    let time = local(vm, seconds)?;
    to_struct(vm, &time)
}

/// From a tuple of nine numbers; `zone` keeps a zone name alive.
fn from_tuple(vm: &mut Vm, function: &str, value: Value, zone: &mut CString) -> PyResult<libc::tm> {
    if !tuple::is_tuple(vm, value) {
        return Err(vm.type_error("Tuple or struct_time argument required"));
    }
    let items = tuple::items(value);
    let class = struct_time(vm);
    let is_struct = vm.type_of(value) == class;
    if items.len() != 9 {
        return Err(vm.type_error(format!("{function}(): illegal time tuple argument")));
    }
    let mut numbers = [0i64; 9];
    for (number, &item) in numbers.iter_mut().zip(items) {
        *number = vm.index(item)?;
        if i32::try_from(*number).is_err() {
            let bound = if *number > 0 {
                "signed integer is greater than maximum"
            } else {
                "signed integer is less than minimum"
            };
            return Err(vm.overflow_error(bound));
        }
    }
    let number = |i: usize| numbers[i] as i32;
    let mut time = empty();
    let Some(year) = number(0).checked_sub(1900) else {
        return Err(vm.overflow_error("year out of range"));
    };
    time.tm_year = year;
    time.tm_mon = number(1).wrapping_sub(1);
    time.tm_mday = number(2);
    time.tm_hour = number(3);
    time.tm_min = number(4);
    time.tm_sec = number(5);
    time.tm_wday = number(6).wrapping_add(1).rem_euclid(7);
    if number(6) < -1 {
        time.tm_wday = number(6).wrapping_add(1) % 7;
    }
    time.tm_yday = number(7).wrapping_sub(1);
    time.tm_isdst = number(8);
    if is_struct {
        let offset = vm.getattr_str(value, "tm_gmtoff")?;
        if offset != vm.none {
            time.tm_gmtoff = vm.index(offset)?;
        }
        let name = vm.getattr_str(value, "tm_zone")?;
        if name != vm.none {
            *zone = CString::new(vm.str(name)?).unwrap_or_default();
            time.tm_zone = zone.as_ptr();
        }
    }
    Ok(time)
}

/// Fields that `strftime` and `asctime` rely on; zeros that mean "unset" become the smallest value.
fn check(vm: &mut Vm, time: &mut libc::tm) -> PyResult<()> {
    if time.tm_mon == -1 {
        time.tm_mon = 0;
    } else if !(0..=11).contains(&time.tm_mon) {
        return Err(vm.value_error("month out of range"));
    }
    if time.tm_mday == 0 {
        time.tm_mday = 1;
    } else if !(0..=31).contains(&time.tm_mday) {
        return Err(vm.value_error("day of month out of range"));
    }
    if !(0..=23).contains(&time.tm_hour) {
        return Err(vm.value_error("hour out of range"));
    }
    if !(0..=59).contains(&time.tm_min) {
        return Err(vm.value_error("minute out of range"));
    }
    if !(0..=61).contains(&time.tm_sec) {
        return Err(vm.value_error("seconds out of range"));
    }
    if time.tm_wday < 0 {
        return Err(vm.value_error("day of week out of range"));
    }
    if time.tm_yday == -1 {
        time.tm_yday = 0;
    } else if !(0..=365).contains(&time.tm_yday) {
        return Err(vm.value_error("day of year out of range"));
    }
    Ok(())
}

pub(super) fn mktime(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let mut zone = CString::default();
    let mut time = from_tuple(vm, "mktime", args.values[0], &mut zone)?;
    time.tm_wday = -1;
    // SAFETY: `time` is a valid `tm`.
    let seconds = unsafe { libc::mktime(&mut time) };
    if seconds == -1 && time.tm_wday == -1 {
        return Err(vm.overflow_error("mktime argument out of range"));
    }
    Ok(vm.float(seconds as f64))
}

fn ascii_time(vm: &mut Vm, time: &libc::tm) -> Value {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = format!(
        "{} {} {:2} {:02}:{:02}:{:02} {}",
        DAYS[time.tm_wday as usize % 7],
        MONTHS[time.tm_mon as usize],
        time.tm_mday,
        time.tm_hour,
        time.tm_min,
        time.tm_sec,
        i64::from(time.tm_year) + 1900,
    );
    vm.new_str(&text)
}

pub(super) fn asctime(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let time = match args.get(0) {
        Some(value) => {
            let mut zone = CString::default();
            let mut time = from_tuple(vm, "asctime", value, &mut zone)?;
            check(vm, &mut time)?;
            time
        }
        None => {
            let now = seconds_argument(vm, args)?;
            local(vm, now)?
        }
    };
    Ok(ascii_time(vm, &time))
}

pub(super) fn ctime(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let seconds = seconds_argument(vm, args)?;
    let time = local(vm, seconds)?;
    Ok(ascii_time(vm, &time))
}

pub(super) fn strftime(vm: &mut Vm, args: &CallArgs) -> PyResult {
    if !vm.is_str(args.values[0]) {
        let given = vm.type_name(args.values[0]);
        return Err(vm.type_error(format!("strftime() argument 1 must be str, not {given}")));
    }
    let mut zone = CString::default();
    let mut time = match args.get(1) {
        Some(value) => from_tuple(vm, "strftime", value, &mut zone)?,
        None => {
            let now = seconds_argument(vm, &CallArgs::positional(&[]))?;
            local(vm, now)?
        }
    };
    check(vm, &mut time)?;
    time.tm_isdst = time.tm_isdst.clamp(-1, 1);
    let format = vm.str_bytes(args.values[0]);
    let mut text = Vec::new();
    // NUL characters end C strings: the pieces between them are formatted one by one.
    for (i, piece) in format.split(|&byte| byte == 0).enumerate() {
        if i > 0 {
            text.push(0);
        }
        format_piece(piece, &time, &mut text);
    }
    drop(zone);
    Ok(vm.new_str_bytes(&text))
}

fn format_piece(format: &[u8], time: &libc::tm, out: &mut Vec<u8>) {
    if format.is_empty() {
        return;
    }
    // A leading character tells an empty result from a buffer that is too small.
    let mut with_mark = vec![b'x'];
    with_mark.extend_from_slice(format);
    let format = CString::new(with_mark).expect("no NUL inside");
    let mut buffer = vec![0u8; 256 + 16 * format.as_bytes().len()];
    loop {
        // SAFETY: the buffer is as long as said; format and time are valid.
        let length = unsafe { libc::strftime(buffer.as_mut_ptr().cast(), buffer.len(), format.as_ptr(), time) };
        if length > 0 {
            out.extend_from_slice(&buffer[1..length]);
            return;
        }
        buffer.resize(buffer.len() * 2, 0);
    }
}

pub(super) fn strptime(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let module = objects::module::import(vm, "_strptime")?;
    let function = vm.getattr_str(module, "_strptime_time")?;
    vm.call(function, args.args())
}

/// `timezone`, `altzone`, `daylight`, `tzname`: from what January and July of this year look like.
pub(super) fn set_zone(vm: &mut Vm, module: Value) {
    tzset();
    const YEAR: libc::time_t = (365 * 24 + 6) * 3600;
    // SAFETY: no result pointer is given.
    let now = unsafe { libc::time(std::ptr::null_mut()) };
    let start = now / YEAR * YEAR;
    let at = |seconds: libc::time_t| {
        let mut time = empty();
        // SAFETY: both pointers are valid.
        unsafe { libc::localtime_r(&seconds, &mut time) };
        (-time.tm_gmtoff, zone_name(&time))
    };
    let (january, july) = (at(start), at(start + YEAR / 2));
    // West of Greenwich is positive; summer time is further east.
    let (standard, summer) = if january.0 < july.0 { (&july, &january) } else { (&january, &july) };
    let daylight = i64::from(january.0 != july.0);
    for (name, number) in [("timezone", standard.0), ("altzone", summer.0), ("daylight", daylight)] {
        vm.module_set(module, name, Value::from_int(number));
    }
    let (standard, summer) = (vm.new_str(&standard.1), vm.new_str(&summer.1));
    let names = vm.new_tuple(&[standard, summer]);
    vm.module_set(module, "tzname", names);
}
