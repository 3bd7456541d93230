//! The machine, the terminal, the environment.

use super::paths::{c_text, path_or_fd};
use super::{c_int, constants, last_error, none_if_ok, types};
use crate::struct_sequence;
use crate::support::signature;
use crate::vm_ext::VmExt;
use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::ty::TypeRef;
use objects::vm::Vm;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

pub(super) static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("putenv", 2, 2, |vm, args| {
        let name = c_string(vm, args.values[0])?;
        let value = c_string(vm, args.values[1])?;
        if name.as_bytes().is_empty() || name.as_bytes().contains(&b'=') {
            return Err(vm.value_error("illegal environment variable name"));
        }
        // SAFETY: both are NUL-terminated; no other thread reads the environment.
        let result = unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_doc("putenv($module, name, value, /)\n--\n\nChange or add an environment variable."),
    MethodDef::function("unsetenv", 1, 1, |vm, args| {
        let name = c_string(vm, args.values[0])?;
        // SAFETY: NUL-terminated; no other thread reads the environment.
        let result = unsafe { libc::unsetenv(name.as_ptr()) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_doc("unsetenv($module, name, /)\n--\n\nDelete an environment variable."),
    MethodDef::function("_create_environ", 0, 0, |vm, _| environment(vm))
    .with_doc("_create_environ($module, /)\n--\n\nCreate the environment dictionary."),
    MethodDef::function("urandom", 1, 1, |vm, args| {
        let size = vm.index(args.values[0])?;
        random(vm, size, 0)
    })
    .with_doc("urandom($module, size, /)\n--\n\nReturn a bytes object containing random bytes suitable for cryptographic use."),
    MethodDef::function("getrandom", 0, 2, |vm, args| {
        let [size, flags] = args.bind(vm, "getrandom", &signature(["size", "flags"], 1))?;
        let size = vm.index(size)?;
        let flags = if flags.is_null() { 0 } else { c_int(vm, flags)? };
        random(vm, size, flags as u32)
    })
    .with_keywords()
    .with_doc("getrandom($module, /, size, flags=0)\n--\n\nObtain a series of random bytes."),
    MethodDef::function("umask", 1, 1, |vm, args| {
        let mask = c_int(vm, args.values[0])?;
        // SAFETY: plain system call.
        let old = unsafe { libc::umask(mask as libc::mode_t) };
        Ok(vm.int(i64::from(old)))
    })
    .with_doc("umask($module, mask, /)\n--\n\nSet the current numeric umask and return the previous umask."),
    MethodDef::function("strerror", 1, 1, |vm, args| {
        let errno = c_int(vm, args.values[0])?;
        Ok(vm.new_str(&objects::exceptions::os_error::text_of(errno)))
    })
    .with_doc("strerror($module, code, /)\n--\n\nTranslate an error code to a message string."),
    MethodDef::function("cpu_count", 0, 0, |vm, _| {
        // SAFETY: plain call.
        match unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) } {
            count @ 1.. => Ok(vm.int(count)),
            _ => Ok(vm.none),
        }
    })
    .with_doc("cpu_count($module, /)\n--\n\nReturn the number of logical CPUs in the system.\n\nReturn None if indeterminable."),
    MethodDef::function("sched_getaffinity", 1, 1, |vm, args| {
        let pid = c_int(vm, args.values[0])?;
        // SAFETY: all-zero is a valid set; it is as large as said.
        let (status, set) = unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            (libc::sched_getaffinity(pid, size_of::<libc::cpu_set_t>(), &mut set), set)
        };
        if status < 0 {
            return Err(last_error(vm, Value::NULL));
        }
        let cpus = vm.new_set();
        for cpu in 0..libc::CPU_SETSIZE as usize {
            // SAFETY: the number is within the set.
            if unsafe { libc::CPU_ISSET(cpu, &set) } {
                vm.set_add(cpus, Value::from_int(cpu as i64))?;
            }
        }
        Ok(cpus)
    })
    .with_doc("sched_getaffinity($module, pid, /)\n--\n\nReturn the affinity of the process identified by pid (or the current process if zero).\n\nThe affinity is returned as a set of CPU identifiers."),
    MethodDef::function("sched_yield", 0, 0, |vm, _| {
        // SAFETY: plain system call.
        let result = unsafe { libc::sched_yield() };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_doc("sched_yield($module, /)\n--\n\nVoluntarily relinquish the CPU."),
    MethodDef::function("getloadavg", 0, 0, |vm, _| {
        let mut loads = [0.0; 3];
        // SAFETY: three numbers are writable.
        if unsafe { libc::getloadavg(loads.as_mut_ptr(), 3) } != 3 {
            return Err(vm.os_error_text("Load averages are unobtainable"));
        }
        let loads = loads.map(|load| vm.float(load));
        Ok(vm.new_tuple(&loads))
    })
    .with_doc("getloadavg($module, /)\n--\n\nReturn average recent system load information.\n\nReturn the number of processes in the system run queue averaged over\nthe last 1, 5, and 15 minutes as a tuple of three floats.\nRaises OSError if the load average was unobtainable."),
    MethodDef::function("getlogin", 0, 0, |vm, _| {
        // SAFETY: returns a string that stays valid until the next call, or null.
        let name = unsafe { libc::getlogin() };
        if name.is_null() { Err(last_error(vm, Value::NULL)) } else { Ok(vm.new_str(&c_text(name))) }
    })
    .with_doc("getlogin($module, /)\n--\n\nReturn the actual login name."),
    MethodDef::function("get_terminal_size", 0, 1, terminal_size)
    .with_doc("get_terminal_size($module, fd=<unrepresentable>, /)\n--\n\nReturn the size of the terminal window as (columns, lines).\n\nThe optional argument fd (default standard output) specifies\nwhich file descriptor should be queried.\n\nIf the file descriptor is not connected to a terminal, an OSError\nis thrown.\n\nThis function will only be defined if an implementation is\navailable for this system.\n\nshutil.get_terminal_size is the high-level function which should\nnormally be used, os.get_terminal_size is the low-level implementation."),
    MethodDef::function("times", 0, 0, times)
    .with_doc("times($module, /)\n--\n\nReturn a collection containing process timing information.\n\nThe object returned behaves like a named tuple with these fields:\n  (utime, stime, cutime, cstime, elapsed_time)\nAll fields are floating-point numbers."),
    MethodDef::function("uname", 0, 0, uname)
    .with_doc("uname($module, /)\n--\n\nReturn an object identifying the current operating system.\n\nThe object behaves like a named tuple with the following fields:\n  (sysname, nodename, release, version, machine)"),
    MethodDef::function("sysconf", 1, 1, |vm, args| {
        let name = configuration_name(vm, args.values[0], constants::SYSCONF)?;
        // SAFETY: `errno` is the thread's own; -1 may be a result.
        let (result, errno) = unsafe {
            *libc::__errno_location() = 0;
            (libc::sysconf(name), *libc::__errno_location())
        };
        if result == -1 && errno != 0 { Err(last_error(vm, Value::NULL)) } else { Ok(vm.int(result)) }
    })
    .with_doc("sysconf($module, name, /)\n--\n\nReturn an integer-valued system configuration variable."),
    MethodDef::function("pathconf", 0, 2, |vm, args| {
        let [file, name] = args.bind(vm, "pathconf", &signature(["path", "name"], 2))?;
        let file = path_or_fd(vm, "pathconf", file)?;
        let name = configuration_name(vm, name, constants::PATHCONF)?;
        // SAFETY: the path is NUL-terminated; `errno` is the thread's own.
        let (result, errno) = unsafe {
            *libc::__errno_location() = 0;
            let result = match file.fd {
                Some(fd) => libc::fpathconf(fd, name),
                None => libc::pathconf(file.ptr(), name),
            };
            (result, *libc::__errno_location())
        };
        if result == -1 && errno != 0 { Err(last_error(vm, file.value)) } else { Ok(vm.int(result)) }
    })
    .with_keywords()
    .with_doc("pathconf($module, /, path, name)\n--\n\nReturn the configuration limit name for the file or directory path.\n\nIf there is no limit, return -1.\nOn some platforms, path may also be specified as an open file\ndescriptor.  If this functionality is unavailable, using it raises\nan exception."),
    MethodDef::function("confstr", 1, 1, |vm, args| {
        let name = configuration_name(vm, args.values[0], constants::CONFSTR)?;
        let mut buffer = vec![0u8; 4096];
        // SAFETY: the buffer is as long as said.
        let length = unsafe { libc::confstr(name, buffer.as_mut_ptr().cast(), buffer.len()) };
        match length {
            0 => Ok(vm.none),
            length => Ok(vm.new_str_bytes(&buffer[..(length - 1).min(buffer.len())])),
        }
    })
    .with_doc("confstr($module, name, /)\n--\n\nReturn a string-valued system configuration variable."),
];

fn c_string(vm: &mut Vm, value: Value) -> PyResult<CString> {
    let text = vm.fs_path(value)?;
    match CString::new(text) {
        Ok(text) => Ok(text),
        Err(_) => Err(vm.value_error("embedded null byte")),
    }
}

/// The environment as a dict of bytes.
pub(super) fn environment(vm: &mut Vm) -> PyResult {
    let dict = vm.new_dict();
    for (name, value) in std::env::vars_os() {
        let name = vm.new_bytes(name.as_bytes());
        let value = vm.new_bytes(value.as_bytes());
        vm.dict_setdefault(dict, name, value)?;
    }
    Ok(dict)
}

fn random(vm: &mut Vm, size: i64, flags: u32) -> PyResult {
    if size < 0 {
        return Err(vm.value_error("negative argument not allowed"));
    }
    let mut bytes = heap::zeros(size as usize);
    let mut filled = 0;
    while filled < bytes.len() {
        let rest = &mut bytes[filled..];
        // SAFETY: the buffer is as long as said.
        let count = super::retrying(vm, Value::NULL, || unsafe {
            libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), flags) as i64
        })?;
        filled += count as usize;
    }
    Ok(vm.new_bytes(&bytes))
}

pub(super) fn make_terminal_size(vm: &mut Vm) -> PyResult<TypeRef> {
    struct_sequence::new_class(vm, "os", "terminal_size", &["columns", "lines"])
}

pub(super) fn make_times(vm: &mut Vm) -> PyResult<TypeRef> {
    let fields = ["user", "system", "children_user", "children_system", "elapsed"];
    struct_sequence::new_class(vm, "posix", "times_result", &fields)
}

pub(super) fn make_uname(vm: &mut Vm) -> PyResult<TypeRef> {
    let fields = ["sysname", "nodename", "release", "version", "machine"];
    struct_sequence::new_class(vm, "posix", "uname_result", &fields)
}

fn terminal_size(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let fd = match args.get(0) {
        Some(fd) => c_int(vm, fd)?,
        None => 1,
    };
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the result is writable.
    if unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, &raw mut size) } < 0 {
        return Err(last_error(vm, Value::NULL));
    }
    let class = types(vm).terminal_size;
    let values = [Value::from_int(i64::from(size.ws_col)), Value::from_int(i64::from(size.ws_row))];
    struct_sequence::new(vm, class, &values)
}

fn times(vm: &mut Vm, _: &CallArgs) -> PyResult {
    // SAFETY: all-zero is a valid `tms`, and it is writable.
    let (elapsed, times, ticks) = unsafe {
        let mut times: libc::tms = std::mem::zeroed();
        (libc::times(&mut times), times, libc::sysconf(libc::_SC_CLK_TCK) as f64)
    };
    let values = [times.tms_utime, times.tms_stime, times.tms_cutime, times.tms_cstime, elapsed];
    let values = values.map(|time| vm.float(time as f64 / ticks));
    let class = types(vm).times;
    struct_sequence::new(vm, class, &values)
}

fn uname(vm: &mut Vm, _: &CallArgs) -> PyResult {
    // SAFETY: all-zero is a valid `utsname`, and it is writable.
    let (status, names) = unsafe {
        let mut names: libc::utsname = std::mem::zeroed();
        (libc::uname(&mut names), names)
    };
    if status < 0 {
        return Err(last_error(vm, Value::NULL));
    }
    let mut values = [Value::NULL; 5];
    let texts = [&names.sysname, &names.nodename, &names.release, &names.version, &names.machine];
    for (value, text) in values.iter_mut().zip(texts) {
        *value = vm.new_str(&c_text(text.as_ptr()));
    }
    let class = types(vm).uname;
    struct_sequence::new(vm, class, &values)
}

/// A number, or a name from the table.
fn configuration_name(vm: &mut Vm, value: Value, table: &[(&str, i32)]) -> PyResult<i32> {
    if !vm.is_str(value) {
        if vm.type_of(value).slots().index.is_none() {
            return Err(vm.type_error("configuration names must be strings or integers"));
        }
        return c_int(vm, value);
    }
    let name = vm.text_of(value);
    match table.iter().find(|(known, _)| *known == name) {
        Some(&(_, number)) => Ok(number),
        None => Err(vm.value_error("unrecognized configuration name")),
    }
}
