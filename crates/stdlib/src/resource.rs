//! Module `resource`: what the process has used, and its limits.

use crate::struct_sequence;
use crate::support::int_constants;
use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::{PyResult, Raised};
use objects::module::ModuleDef;
use objects::ty::TypeRef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef { name: "resource", doc: "", functions: FUNCTIONS, init };

#[derive(Default)]
struct State {
    usage: Option<TypeRef>,
}

const USAGE_FIELDS: [&str; 16] = [
    "ru_utime",
    "ru_stime",
    "ru_maxrss",
    "ru_ixrss",
    "ru_idrss",
    "ru_isrss",
    "ru_minflt",
    "ru_majflt",
    "ru_nswap",
    "ru_inblock",
    "ru_oublock",
    "ru_msgsnd",
    "ru_msgrcv",
    "ru_nsignals",
    "ru_nvcsw",
    "ru_nivcsw",
];

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("getrusage", 1, 1, usage).with_doc("getrusage($module, who, /)\n--\n\n"),
    MethodDef::function("getrlimit", 1, 1, |vm, args| limit(vm, 0, args.values[0], None))
        .with_doc("getrlimit($module, resource, /)\n--\n\n"),
    MethodDef::function("setrlimit", 2, 2, |vm, args| {
        limit(vm, 0, args.values[0], Some(args.values[1]))?;
        Ok(vm.none)
    })
    .with_doc("setrlimit($module, resource, limits, /)\n--\n\n"),
    MethodDef::function("prlimit", 2, 3, |vm, args| {
        let pid = vm.index(args.values[0])?;
        limit(vm, pid, args.values[1], args.get(2))
    })
    .with_doc("prlimit($module, pid, resource, limits=None, /)\n--\n\n"),
    MethodDef::function("getpagesize", 0, 0, |vm, _| {
        // SAFETY: asks for a number.
        let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        Ok(vm.int(bytes))
    })
    .with_doc("getpagesize($module, /)\n--\n\n"),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let usage = struct_sequence::new_class(vm, "resource", "struct_rusage", &USAGE_FIELDS)?;
    vm.module_set(module, "struct_rusage", usage.value());
    vm.extension::<State>().usage = Some(usage);
    let error = vm.exc.os_error.value();
    vm.module_set(module, "error", error);
    let limits = [
        ("RLIMIT_AS", libc::RLIMIT_AS),
        ("RLIMIT_CORE", libc::RLIMIT_CORE),
        ("RLIMIT_CPU", libc::RLIMIT_CPU),
        ("RLIMIT_DATA", libc::RLIMIT_DATA),
        ("RLIMIT_FSIZE", libc::RLIMIT_FSIZE),
        ("RLIMIT_MEMLOCK", libc::RLIMIT_MEMLOCK),
        ("RLIMIT_MSGQUEUE", libc::RLIMIT_MSGQUEUE),
        ("RLIMIT_NICE", libc::RLIMIT_NICE),
        ("RLIMIT_NOFILE", libc::RLIMIT_NOFILE),
        ("RLIMIT_NPROC", libc::RLIMIT_NPROC),
        ("RLIMIT_OFILE", libc::RLIMIT_NOFILE),
        ("RLIMIT_RSS", libc::RLIMIT_RSS),
        ("RLIMIT_RTPRIO", libc::RLIMIT_RTPRIO),
        ("RLIMIT_RTTIME", libc::RLIMIT_RTTIME),
        ("RLIMIT_SIGPENDING", libc::RLIMIT_SIGPENDING),
        ("RLIMIT_STACK", libc::RLIMIT_STACK),
    ];
    for (name, number) in limits {
        vm.module_set(module, name, Value::from_int(number as i64));
    }
    int_constants(
        vm,
        module,
        &[
            ("RLIM_INFINITY", -1),
            ("RUSAGE_SELF", libc::RUSAGE_SELF as i64),
            ("RUSAGE_CHILDREN", libc::RUSAGE_CHILDREN as i64),
            ("RUSAGE_THREAD", libc::RUSAGE_THREAD as i64),
        ],
    );
    Ok(())
}

fn system_error(vm: &mut Vm) -> Raised {
    match std::io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::EINVAL) => vm.value_error("current limit exceeds maximum limit"),
        error => vm.io_error(&error, Value::NULL),
    }
}

fn usage(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let who = vm.index(args.values[0])?;
    // SAFETY: all-zero is a valid `rusage`, which the call fills.
    let (status, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::getrusage(who as i32, &mut usage), usage)
    };
    if status < 0 {
        return Err(vm.value_error("invalid who parameter"));
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    let (user, system) = (vm.float(seconds(usage.ru_utime)), vm.float(seconds(usage.ru_stime)));
    let counts = [
        usage.ru_maxrss,
        usage.ru_ixrss,
        usage.ru_idrss,
        usage.ru_isrss,
        usage.ru_minflt,
        usage.ru_majflt,
        usage.ru_nswap,
        usage.ru_inblock,
        usage.ru_oublock,
        usage.ru_msgsnd,
        usage.ru_msgrcv,
        usage.ru_nsignals,
        usage.ru_nvcsw,
        usage.ru_nivcsw,
    ];
    let mut fields = [vm.none; 16];
    (fields[0], fields[1]) = (user, system);
    for (field, count) in fields[2..].iter_mut().zip(counts) {
        *field = Value::from_int(count);
    }
    let class = vm.extension::<State>().usage.expect("made with the module");
    struct_sequence::new(vm, class, &fields)
}

/// The limits of a process (0: this one) before they were changed, if they were.
fn limit(vm: &mut Vm, pid: i64, resource: Value, new: Option<Value>) -> PyResult {
    let resource = vm.index(resource)?;
    if !(0..16).contains(&resource) {
        return Err(vm.value_error("invalid resource specified"));
    }
    let new = match new {
        None => None,
        Some(given) => {
            let pair = vm.collect_list(given)?;
            let [soft, hard] = *objects::list::items(pair) else {
                return Err(vm.value_error("expected a tuple of 2 integers"));
            };
            Some(libc::rlimit { rlim_cur: vm.index(soft)? as u64, rlim_max: vm.index(hard)? as u64 })
        }
    };
    let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let given = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: both pointers are to limits on this stack, or null.
    let status = unsafe { libc::prlimit(pid as i32, resource as _, given, &mut old) };
    if status < 0 {
        return Err(system_error(vm));
    }
    let (soft, hard) = (vm.int(old.rlim_cur as i64), vm.int(old.rlim_max as i64));
    Ok(vm.new_tuple(&[soft, hard]))
}
