//! Module `_signal`.
//!
//! The handler that the system calls sets a flag for the signal and asks for the interpreter's attention; at the next safe
//! point the Python handlers run.

use crate::struct_sequence;
use crate::support::{int_constants, signature};
use heap::Value;
use metatrace::Handle;
use objects::args::{CallArgs, MethodDef};
use objects::error::{PyResult, Raised};
use objects::module::ModuleDef;
use objects::ty::TypeRef;
use objects::vm::Vm;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_signal",
    doc: "This module provides mechanisms to use signal handlers in Python.",
    functions: FUNCTIONS,
    init,
};

/// One more than the highest signal number.
const NSIG: usize = 65;
const SIG_DFL: i64 = 0;
const SIG_IGN: i64 = 1;

static TRIPPED: [AtomicBool; NSIG] = [const { AtomicBool::new(false) }; NSIG];
static ANY_TRIPPED: AtomicBool = AtomicBool::new(false);
static WAKEUP_FD: AtomicI32 = AtomicI32::new(-1);
/// The thread that runs Python; 0 before the module is there and after [`stop`]. Its system calls are to be interrupted.
static PYTHON_THREAD: AtomicU64 = AtomicU64::new(0);
/// The thread's `poll`: not 0 asks the interpreter for its attention.
static POLL: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

#[derive(Default)]
struct State {
    /// A list of handlers by signal number.
    handlers: Option<Handle>,
    timer_error: Option<TypeRef>,
    siginfo: Option<TypeRef>,
}

/// Notes a signal. Called by the system at any instruction: touches atomics alone, and `write` for the wakeup descriptor.
extern "C" fn on_signal(number: libc::c_int) {
    let python = PYTHON_THREAD.load(Ordering::Relaxed);
    // SAFETY: may be called from a signal handler; before the thread ends it has `stop` take this handler out of use.
    if python != 0 && unsafe { libc::pthread_self() } != python as libc::pthread_t {
        // SAFETY: as above.
        unsafe { libc::pthread_kill(python as libc::pthread_t, number) };
        return;
    }
    // SAFETY: `errno` is the thread's own.
    let saved = unsafe { *libc::__errno_location() };
    trip(number);
    let fd = WAKEUP_FD.load(Ordering::Relaxed);
    if fd >= 0 {
        let byte = number as u8;
        // SAFETY: `write` may be called from a signal handler; one byte is readable.
        unsafe { libc::write(fd, (&raw const byte).cast(), 1) };
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = saved };
}

/// As if the signal had arrived.
pub fn trip(number: i32) {
    TRIPPED[number as usize].store(true, Ordering::Relaxed);
    ANY_TRIPPED.store(true, Ordering::Release);
    let poll = POLL.load(Ordering::Relaxed);
    if !poll.is_null() {
        // SAFETY: points to the `poll` of the VM's thread, which is there until `stop`.
        unsafe { (*poll).fetch_or(1, Ordering::Relaxed) };
    }
}

/// Runs the Python handlers of the signals that arrived; at safe points.
fn run_handlers(vm: &mut Vm) -> PyResult<()> {
    if !ANY_TRIPPED.swap(false, Ordering::Acquire) {
        return Ok(());
    }
    for (number, tripped) in TRIPPED.iter().enumerate().skip(1) {
        if !tripped.swap(false, Ordering::Relaxed) {
            continue;
        }
        let handler = objects::list::items(handlers(vm))[number];
        if !vm.is_callable(handler) {
            continue;
        }
        let frame = interp::frame_type::frame_at(vm, 0).unwrap_or(vm.none);
        let result = vm.call(handler, &[Value::from_int(number as i64), frame]);
        if let Err(raised) = result {
            if TRIPPED.iter().any(|tripped| tripped.load(Ordering::Relaxed)) {
                ANY_TRIPPED.store(true, Ordering::Release);
                vm.thread.poll.fetch_or(1, Ordering::Relaxed);
            }
            return Err(raised);
        }
    }
    Ok(())
}

fn handlers(vm: &mut Vm) -> Value {
    let handle = vm.extension::<State>().handlers.expect("made with the module");
    vm.handle(handle)
}

/// Gets ready for Ctrl-C: `default_int_handler` raises KeyboardInterrupt.
pub fn start(vm: &mut Vm) -> PyResult<()> {
    objects::module::import(vm, "_signal")?;
    // What the system is told to ignore by whoever started the process is a choice of theirs.
    // SAFETY: changes how the process takes these signals.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
    Ok(())
}

/// Before the VM goes, and with it the thread that runs Python: signals do again what they do by default. Nothing is noted any more.
pub fn stop() {
    let own = on_signal as extern "C" fn(libc::c_int) as *const () as libc::sighandler_t;
    for number in 1..NSIG as i32 {
        if action(number) == own {
            // SAFETY: changes how the process takes this signal.
            unsafe { libc::signal(number, libc::SIG_DFL) };
        }
    }
    POLL.store(std::ptr::null_mut(), Ordering::Relaxed);
    PYTHON_THREAD.store(0, Ordering::Relaxed);
}

/// What the system does with a signal.
fn action(number: i32) -> libc::sighandler_t {
    // SAFETY: all-zero is a valid `sigaction`, and it is only read into.
    unsafe {
        let mut current: libc::sigaction = std::mem::zeroed();
        libc::sigaction(number, std::ptr::null(), &mut current);
        current.sa_sigaction
    }
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("default_int_handler", 2, 2, |vm, _| {
        let class = vm.exc.keyboard_interrupt;
        Err(vm.raise_args(class, &[]))
    })
    .with_doc("default_int_handler($module, signalnum, frame, /)\n--\n\nThe default handler for SIGINT installed by Python.\n\nIt raises KeyboardInterrupt."),
    MethodDef::function("signal", 2, 2, signal)
    .with_doc("signal($module, signalnum, handler, /)\n--\n\nSet the action for the given signal.\n\nThe action can be SIG_DFL, SIG_IGN, or a callable Python object.\nThe previous action is returned.  See getsignal() for possible return\nvalues.\n\n*** IMPORTANT NOTICE ***\nA signal handler function is called with two arguments: the first is\nthe signal number, the second is the interrupted stack frame."),
    MethodDef::function("getsignal", 1, 1, |vm, args| {
        let number = signal_number(vm, args.values[0])?;
        Ok(objects::list::items(handlers(vm))[number as usize])
    })
    .with_doc("getsignal($module, signalnum, /)\n--\n\nReturn the current action for the given signal.\n\nThe return value can be:\n  SIG_IGN -- if the signal is being ignored\n  SIG_DFL -- if the default action for the signal is in effect\n  None    -- if an unknown handler is in effect\n  anything else -- the callable Python object used as a handler"),
    MethodDef::function("raise_signal", 1, 1, |vm, args| {
        let number = vm.index(args.values[0])? as i32;
        // SAFETY: raises a signal for this process.
        if unsafe { libc::raise(number) } != 0 {
            return Err(last_error(vm));
        }
        interp::poll::attend(vm)?;
        Ok(vm.none)
    })
    .with_doc("raise_signal($module, signalnum, /)\n--\n\nSend a signal to the executing process."),
    MethodDef::function("alarm", 1, 1, |vm, args| {
        let seconds = vm.index(args.values[0])?;
        // SAFETY: plain system call.
        let left = unsafe { libc::alarm(seconds as u32) };
        Ok(vm.int(i64::from(left)))
    })
    .with_doc("alarm($module, seconds, /)\n--\n\nArrange for SIGALRM to arrive after the given number of seconds."),
    MethodDef::function("setitimer", 2, 3, setitimer)
    .with_doc("setitimer($module, which, seconds, interval=0.0, /)\n--\n\nSets given itimer (one of ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF).\n\nThe timer will fire after value seconds and after that every interval\nseconds.  The itimer can be cleared by setting seconds to zero.\n\nReturns old values as a tuple: (delay, interval)."),
    MethodDef::function("getitimer", 1, 1, getitimer)
    .with_doc("getitimer($module, which, /)\n--\n\nReturns current value of given itimer."),
    MethodDef::function("pause", 0, 0, |vm, _| {
        // SAFETY: plain system call.
        unsafe { libc::pause() };
        interp::poll::attend(vm)?;
        Ok(vm.none)
    })
    .with_doc("pause($module, /)\n--\n\nWait until a signal arrives."),
    MethodDef::function("siginterrupt", 2, 2, |vm, args| {
        let number = signal_number(vm, args.values[0])?;
        let flag = vm.index(args.values[1])?;
        unsafe extern "C" {
            fn siginterrupt(number: libc::c_int, flag: libc::c_int) -> libc::c_int;
        }
        // SAFETY: the number is in range.
        if unsafe { siginterrupt(number, i32::from(flag != 0)) } < 0 {
            return Err(last_error(vm));
        }
        Ok(vm.none)
    })
    .with_doc("siginterrupt($module, signalnum, flag, /)\n--\n\nChange system call restart behaviour.\n\nIf flag is False, system calls will be restarted when interrupted by\nsignal sig, else system calls will be interrupted."),
    MethodDef::function("set_wakeup_fd", 0, 2, set_wakeup_fd).with_keywords()
    .with_doc("set_wakeup_fd($module, fd, /, *, warn_on_full_buffer=True)\n--\n\nSets the fd to be written to (with the signal number) when a signal comes in.\n\nA library can use this to wakeup select or poll.\nThe previous fd or -1 is returned.\n\nThe fd must be non-blocking."),
    MethodDef::function("strsignal", 1, 1, |vm, args| {
        let number = signal_number(vm, args.values[0])?;
        // SAFETY: returns a string that stays valid until the next call, or null.
        let text = unsafe { libc::strsignal(number) };
        if text.is_null() {
            return Ok(vm.none);
        }
        // SAFETY: not null, NUL-terminated.
        let text = unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy();
        if text.starts_with("Unknown signal") { Ok(vm.none) } else { Ok(vm.new_str(&text)) }
    })
    .with_doc("strsignal($module, signalnum, /)\n--\n\nReturn the system description of the given signal.\n\nReturns the description of signal *signalnum*, such as \"Interrupt\"\nfor :const:`SIGINT`. Returns :const:`None` if *signalnum* has no\ndescription. Raises :exc:`ValueError` if *signalnum* is invalid."),
    MethodDef::function("valid_signals", 0, 0, |vm, _| {
        let set = vm.new_set();
        for number in (1..32).chain(34..NSIG as i64) {
            vm.set_add(set, Value::from_int(number))?;
        }
        Ok(set)
    })
    .with_doc("valid_signals($module, /)\n--\n\nReturn a set of valid signal numbers on this platform.\n\nThe signal numbers returned by this function can be safely passed to\nfunctions like `pthread_sigmask`."),
    MethodDef::function("pthread_sigmask", 2, 2, pthread_sigmask)
    .with_doc("pthread_sigmask($module, how, mask, /)\n--\n\nFetch and/or change the signal mask of the calling thread."),
    MethodDef::function("pthread_kill", 2, 2, |vm, args| {
        let thread = vm.index(args.values[0])?;
        let number = vm.index(args.values[1])? as i32;
        // SAFETY: the identity of a thread that exists, as the caller promises.
        let errno = unsafe { libc::pthread_kill(thread as libc::pthread_t, number) };
        if errno != 0 {
            return Err(vm.os_error(errno, Value::NULL));
        }
        interp::poll::attend(vm)?;
        Ok(vm.none)
    })
    .with_doc("pthread_kill($module, thread_id, signalnum, /)\n--\n\nSend a signal to a thread."),
    MethodDef::function("sigpending", 0, 0, |vm, _| {
        let mut set = empty_set();
        // SAFETY: `set` is valid.
        unsafe { libc::sigpending(&mut set) };
        numbers_of(vm, &set)
    })
    .with_doc("sigpending($module, /)\n--\n\nExamine pending signals.\n\nReturns a set of signal numbers that are pending for delivery to\nthe calling thread."),
    MethodDef::function("sigwait", 1, 1, |vm, args| {
        let set = set_of(vm, args.values[0])?;
        let mut number = 0;
        // SAFETY: both pointers are valid.
        let errno = unsafe { libc::sigwait(&set, &mut number) };
        if errno != 0 {
            return Err(vm.os_error(errno, Value::NULL));
        }
        Ok(vm.int(i64::from(number)))
    })
    .with_doc("sigwait($module, sigset, /)\n--\n\nWait for a signal.\n\nSuspend execution of the calling thread until the delivery of one of the\nsignals specified in the signal set sigset.  The function accepts the\nsignal and returns the signal number."),
];

fn last_error(vm: &mut Vm) -> Raised {
    let error = std::io::Error::last_os_error();
    vm.io_error(&error, Value::NULL)
}

fn signal_number(vm: &mut Vm, value: Value) -> PyResult<i32> {
    let number = vm.index(value)?;
    if !(1..NSIG as i64).contains(&number) {
        return Err(vm.value_error("signal number out of range"));
    }
    Ok(number as i32)
}

fn signal(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let handler = args.values[1];
    let action: libc::sighandler_t = if vm.is_callable(handler) {
        on_signal as extern "C" fn(libc::c_int) as *const () as libc::sighandler_t
    } else {
        let known = |vm: &mut Vm, number: i64| vm.eq(handler, Value::from_int(number));
        if known(vm, SIG_IGN)? {
            libc::SIG_IGN
        } else if known(vm, SIG_DFL)? {
            libc::SIG_DFL
        } else {
            return Err(vm.type_error("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"));
        }
    };
    let number = signal_number(vm, args.values[0])?;
    interp::poll::attend(vm)?;
    set_action(number, action).map_err(|()| last_error(vm))?;
    let handlers = handlers(vm);
    let index = vm.int(i64::from(number));
    let old = objects::list::items(handlers)[number as usize];
    vm.setitem(handlers, index, handler)?;
    Ok(old)
}

/// System calls are interrupted, so that handlers run soon.
fn set_action(number: i32, action: libc::sighandler_t) -> Result<(), ()> {
    // SAFETY: all-zero is a valid `sigaction`; both pointers are valid, and the handler is async-signal-safe.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = action;
        // Nothing interrupts the handler: its stack is small, and a profiler's handler would take it for the program's.
        libc::sigfillset(&mut new.sa_mask);
        new.sa_flags = libc::SA_ONSTACK;
        if libc::sigaction(number, &new, std::ptr::null_mut()) == 0 { Ok(()) } else { Err(()) }
    }
}

fn set_wakeup_fd(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [fd, _] = args.bind(
        vm,
        "set_wakeup_fd",
        &objects::args::Signature {
            positional_only: 1,
            max_positional: 1,
            ..signature(["", "warn_on_full_buffer"], 1)
        },
    )?;
    let fd = vm.index(fd)? as i32;
    if fd != -1 {
        // SAFETY: asks for the descriptor's flags.
        let status = unsafe { libc::fcntl(fd, libc::F_GETFL) };
        if status < 0 {
            return Err(last_error(vm));
        }
        if status & libc::O_NONBLOCK == 0 {
            return Err(vm.value_error(format!("the fd {fd} must be in non-blocking mode")));
        }
    }
    let old = WAKEUP_FD.swap(fd, Ordering::Relaxed);
    Ok(vm.int(i64::from(old)))
}

fn timer_error(vm: &mut Vm) -> Raised {
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    let class = vm.extension::<State>().timer_error.expect("made with the module");
    let text = vm.new_str(&objects::exceptions::os_error::text_of(errno));
    vm.raise_args(class, &[Value::from_int(i64::from(errno)), text])
}

fn to_timeval(vm: &mut Vm, value: Value) -> PyResult<libc::timeval> {
    let seconds = vm.to_f64(value)?;
    let micros = (seconds * 1e6).ceil() as i64;
    Ok(libc::timeval { tv_sec: micros.div_euclid(1_000_000), tv_usec: micros.rem_euclid(1_000_000) })
}

fn interval_pair(vm: &mut Vm, timer: &libc::itimerval) -> Value {
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let value = vm.float(seconds(timer.it_value));
    let interval = vm.float(seconds(timer.it_interval));
    vm.new_tuple(&[value, interval])
}

fn no_timer() -> libc::itimerval {
    let zero = libc::timeval { tv_sec: 0, tv_usec: 0 };
    libc::itimerval { it_interval: zero, it_value: zero }
}

unsafe extern "C" {
    #[link_name = "setitimer"]
    fn c_setitimer(which: libc::c_int, new: *const libc::itimerval, old: *mut libc::itimerval) -> libc::c_int;
    #[link_name = "getitimer"]
    fn c_getitimer(which: libc::c_int, current: *mut libc::itimerval) -> libc::c_int;
}

fn setitimer(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let which = vm.index(args.values[0])? as i32;
    let it_value = to_timeval(vm, args.values[1])?;
    let it_interval = match args.get(2) {
        Some(interval) => to_timeval(vm, interval)?,
        None => libc::timeval { tv_sec: 0, tv_usec: 0 },
    };
    let new = libc::itimerval { it_interval, it_value };
    let mut old = no_timer();
    // SAFETY: both pointers are valid.
    if unsafe { c_setitimer(which, &new, &mut old) } != 0 {
        return Err(timer_error(vm));
    }
    Ok(interval_pair(vm, &old))
}

fn getitimer(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let which = vm.index(args.values[0])? as i32;
    let mut current = no_timer();
    // SAFETY: the pointer is valid.
    if unsafe { c_getitimer(which, &mut current) } != 0 {
        return Err(timer_error(vm));
    }
    Ok(interval_pair(vm, &current))
}

fn empty_set() -> libc::sigset_t {
    // SAFETY: all-zero is a valid `sigset_t`.
    let mut set = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is valid.
    unsafe { libc::sigemptyset(&mut set) };
    set
}

fn set_of(vm: &mut Vm, numbers: Value) -> PyResult<libc::sigset_t> {
    let mut set = empty_set();
    let numbers = vm.collect(numbers)?;
    for &number in numbers.as_slice() {
        let number = signal_number(vm, number)?;
        // SAFETY: the number is in range.
        unsafe { libc::sigaddset(&mut set, number) };
    }
    Ok(set)
}

fn numbers_of(vm: &mut Vm, set: &libc::sigset_t) -> PyResult {
    let numbers = vm.new_set();
    for number in 1..NSIG as i32 {
        // SAFETY: the number is in range.
        if unsafe { libc::sigismember(set, number) } == 1 {
            vm.set_add(numbers, Value::from_int(i64::from(number)))?;
        }
    }
    Ok(numbers)
}

fn pthread_sigmask(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let how = vm.index(args.values[0])? as i32;
    let set = set_of(vm, args.values[1])?;
    let mut old = empty_set();
    // SAFETY: both sets are valid.
    let errno = unsafe { libc::pthread_sigmask(how, &set, &mut old) };
    if errno != 0 {
        return Err(vm.os_error(errno, Value::NULL));
    }
    interp::poll::attend(vm)?;
    numbers_of(vm, &old)
}

static CONSTANTS: &[(&str, i64)] = &[
    ("SIG_DFL", SIG_DFL),
    ("SIG_IGN", SIG_IGN),
    ("NSIG", NSIG as i64),
    ("SIG_BLOCK", libc::SIG_BLOCK as i64),
    ("SIG_UNBLOCK", libc::SIG_UNBLOCK as i64),
    ("SIG_SETMASK", libc::SIG_SETMASK as i64),
    ("ITIMER_REAL", 0),
    ("ITIMER_VIRTUAL", 1),
    ("ITIMER_PROF", 2),
    ("SIGHUP", libc::SIGHUP as i64),
    ("SIGINT", libc::SIGINT as i64),
    ("SIGQUIT", libc::SIGQUIT as i64),
    ("SIGILL", libc::SIGILL as i64),
    ("SIGTRAP", libc::SIGTRAP as i64),
    ("SIGABRT", libc::SIGABRT as i64),
    ("SIGIOT", libc::SIGABRT as i64),
    ("SIGFPE", libc::SIGFPE as i64),
    ("SIGKILL", libc::SIGKILL as i64),
    ("SIGBUS", libc::SIGBUS as i64),
    ("SIGSEGV", libc::SIGSEGV as i64),
    ("SIGSYS", libc::SIGSYS as i64),
    ("SIGPIPE", libc::SIGPIPE as i64),
    ("SIGALRM", libc::SIGALRM as i64),
    ("SIGTERM", libc::SIGTERM as i64),
    ("SIGUSR1", libc::SIGUSR1 as i64),
    ("SIGUSR2", libc::SIGUSR2 as i64),
    ("SIGCHLD", libc::SIGCHLD as i64),
    ("SIGCLD", libc::SIGCHLD as i64),
    ("SIGPWR", libc::SIGPWR as i64),
    ("SIGIO", libc::SIGIO as i64),
    ("SIGPOLL", libc::SIGIO as i64),
    ("SIGURG", libc::SIGURG as i64),
    ("SIGWINCH", libc::SIGWINCH as i64),
    ("SIGSTOP", libc::SIGSTOP as i64),
    ("SIGTSTP", libc::SIGTSTP as i64),
    ("SIGCONT", libc::SIGCONT as i64),
    ("SIGTTIN", libc::SIGTTIN as i64),
    ("SIGTTOU", libc::SIGTTOU as i64),
    ("SIGVTALRM", libc::SIGVTALRM as i64),
    ("SIGPROF", libc::SIGPROF as i64),
    ("SIGXCPU", libc::SIGXCPU as i64),
    ("SIGXFSZ", libc::SIGXFSZ as i64),
    ("SIGSTKFLT", libc::SIGSTKFLT as i64),
    ("SIGRTMIN", 34),
    ("SIGRTMAX", 64),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    int_constants(vm, module, CONSTANTS);
    // SAFETY: no arguments.
    PYTHON_THREAD.store(unsafe { libc::pthread_self() } as u64, Ordering::Relaxed);
    POLL.store((&raw const vm.thread.poll).cast_mut(), Ordering::Relaxed);
    let list = vm.new_list(&[]);
    let int_handler = vm.getattr_str(module, "default_int_handler")?;
    for number in 0..NSIG as i32 {
        let handler = match action(number) {
            libc::SIG_DFL if number == libc::SIGINT => {
                let action = on_signal as extern "C" fn(libc::c_int) as *const () as libc::sighandler_t;
                set_action(number, action).map_err(|()| last_error(vm))?;
                int_handler
            }
            libc::SIG_DFL => Value::from_int(SIG_DFL),
            libc::SIG_IGN => Value::from_int(SIG_IGN),
            _ => vm.none,
        };
        vm.list_append(list, handler);
    }
    let handlers = vm.keep(list);
    vm.extension::<State>().handlers = Some(handlers);
    interp::poll::register(vm, run_handlers);
    let siginfo = struct_sequence::new_class(
        vm,
        "signal",
        "struct_siginfo",
        &["si_signo", "si_code", "si_errno", "si_pid", "si_uid", "si_status", "si_band"],
    )?;
    vm.module_set(module, "struct_siginfo", siginfo.value());
    vm.extension::<State>().siginfo = Some(siginfo);
    let namespace = vm.new_dict();
    let module_name = vm.intern("signal");
    vm.dict_set_str(namespace, "__module__", module_name);
    let name = vm.new_str("itimer_error");
    let bases = vm.new_tuple(&[vm.exc.os_error.value()]);
    let error = vm.call(vm.types.type_.value(), &[name, bases, namespace])?;
    vm.module_set(module, "ItimerError", error);
    vm.extension::<State>().timer_error = Some(TypeRef::from_value(error));
    Ok(())
}
