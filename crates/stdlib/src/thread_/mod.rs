//! Module `_thread`.
//!
//! There is one thread: starting another raises RuntimeError, as on a system that has no more to give. Locks work as they
//! do among threads: waiting for one that nobody else can release goes on until a signal handler releases it.

mod locks;

use crate::struct_sequence;
use crate::support::{self, signature};
use heap::Value;
use objects::args::{CallArgs, GetSetDef, MANY, MethodDef, Signature};
use objects::builtin_layouts::Instance;
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_thread",
    doc: "This module provides primitive operations to write multi-threaded programs.\nThe 'threading' module provides a more convenient interface.",
    functions: FUNCTIONS,
    init,
};

layout! {
    /// Of a thread that was started elsewhere, or of none.
    Handle {
        ident IDENT: i64;
        done DONE: i64;
    }
}

#[derive(Default)]
struct State {
    handle: Option<TypeRef>,
    stack_size: i64,
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("allocate_lock", 0, 0, |vm, _| Ok(locks::new_lock(vm)))
        .with_doc("allocate_lock($module, /)\n--\n\nCreate a new lock object. See help(type(threading.Lock())) for\ninformation about locks."),
    MethodDef::function("allocate", 0, 0, |vm, _| Ok(locks::new_lock(vm)))
    .with_doc("allocate($module, /)\n--\n\nAn obsolete synonym of allocate_lock()."),
    MethodDef::function("get_ident", 0, 0, |vm, _| {
        let ident = thread_ident();
        Ok(vm.int(ident))
    })
    .leaf()
    .with_doc("get_ident($module, /)\n--\n\nReturn a non-zero integer that uniquely identifies the current thread\namongst other threads that exist simultaneously.\nThis may be used to identify per-thread resources.\nEven though on some platforms threads identities may appear to be\nallocated consecutive numbers starting at 1, this behavior should not\nbe relied upon, and the number should be seen purely as a magic cookie.\nA thread's identity may be reused for another thread after it exits."),
    MethodDef::function("get_native_id", 0, 0, |vm, _| {
        // SAFETY: no arguments.
        let id = unsafe { libc::syscall(libc::SYS_gettid) };
        Ok(vm.int(id))
    })
    .leaf()
    .with_doc("get_native_id($module, /)\n--\n\nReturn a non-negative integer identifying the thread as reported\nby the OS (kernel). This may be used to uniquely identify a\nparticular thread within a system."),
    MethodDef::function("_get_main_thread_ident", 0, 0, |vm, _| {
        let ident = thread_ident();
        Ok(vm.int(ident))
    })
    .with_doc("_get_main_thread_ident($module, /)\n--\n\nInternal only. Return a non-zero integer that uniquely identifies the main thread\nof the main interpreter."),
    MethodDef::function("start_new_thread", 2, 3, start_new_thread)
    .with_doc("start_new_thread($module, function, args, kwargs={}, /)\n--\n\nStart a new thread and return its identifier.\n\nThe thread will call the function with positional arguments from the\ntuple args and keyword arguments taken from the optional dictionary\nkwargs.  The thread exits when the function returns; the return value\nis ignored.  The thread will also exit when the function raises an\nunhandled exception; a stack trace will be printed unless the exception\nis SystemExit."),
    MethodDef::function("start_new", 2, 3, start_new_thread)
    .with_doc("start_new($module, function, args, kwargs={}, /)\n--\n\nAn obsolete synonym of start_new_thread()."),
    MethodDef::function("start_joinable_thread", 0, 3, start_joinable_thread).with_keywords()
    .with_doc("start_joinable_thread($module, /, function, handle=None, daemon=True)\n--\n\n*For internal use only*: start a new thread.\n\nLike start_new_thread(), this starts a new thread calling the given function.\nUnlike start_new_thread(), this returns a handle object with methods to join\nor detach the given thread.\nThis function is not for third-party code, please use the\n`threading` module instead. During finalization the runtime will not wait for\nthe thread to exit if daemon is True. If handle is provided it must be a\nnewly created thread._ThreadHandle instance."),
    MethodDef::function("daemon_threads_allowed", 0, 0, |vm, _| Ok(vm.true_))
    .with_doc("daemon_threads_allowed($module, /)\n--\n\nReturn True if daemon threads are allowed in the current interpreter,\nand False otherwise.\n"),
    MethodDef::function("_is_main_interpreter", 0, 0, |vm, _| Ok(vm.true_))
    .with_doc("_is_main_interpreter($module, /)\n--\n\nReturn True if the current interpreter is the main Python interpreter."),
    MethodDef::function("_shutdown", 0, 0, |vm, _| Ok(vm.none))
    .with_doc("_shutdown($module, /)\n--\n\nWait for all non-daemon threads (other than the calling thread) to stop."),
    MethodDef::function("_make_thread_handle", 1, 1, |vm, args| {
        let ident = vm.index(args.values[0])?;
        let ty = vm.extension::<State>().handle.expect("made with the module");
        let handle = vm.new_instance(ty);
        cast::<Handle>(handle).ident.set(ident);
        Ok(handle)
    })
    .with_doc("_make_thread_handle($module, ident, /)\n--\n\nInternal only. Make a thread handle for threads not spawned\nby the _thread or threading module."),
    MethodDef::function("_count", 0, 0, |_, _| Ok(Value::from_int(0)))
    .with_doc("_count($module, /)\n--\n\nReturn the number of currently running Python threads, excluding\nthe main thread. The returned number comprises all threads created\nthrough `start_new_thread()` as well as `threading.Thread`, and not\nyet finished.\n\nThis function is meant for internal and specialized purposes only.\nIn most applications `threading.enumerate()` should be used instead."),
    MethodDef::function("stack_size", 0, 1, stack_size)
    .with_doc("stack_size($module, size=0, /)\n--\n\nReturn the thread stack size used when creating new threads.  The\noptional size argument specifies the stack size (in bytes) to be used\nfor subsequently created threads, and must be 0 (use platform or\nconfigured default) or a positive integer value of at least 32,768 (32k).\nIf changing the thread stack size is unsupported, a ThreadError\nexception is raised.  If the specified size is invalid, a ValueError\nexception is raised, and the stack size is unmodified.  32k bytes\n currently the minimum supported stack size value to guarantee\nsufficient stack space for the interpreter itself.\n\nNote that some platforms may have particular restrictions on values for\nthe stack size, such as requiring a minimum stack size larger than 32 KiB or\nrequiring allocation in multiples of the system memory page size\n- platform documentation should be referred to for more information\n(4 KiB pages are common; using multiples of 4096 for the stack size is\nthe suggested approach in the absence of more specific information)."),
    MethodDef::function("exit", 0, 0, |vm, _| {
        let class = vm.exc.system_exit;
        Err(vm.raise_args(class, &[]))
    })
    .with_doc("exit($module, /)\n--\n\nThis is synonymous to ``raise SystemExit''.  It will cause the current\nthread to exit silently unless the exception is caught."),
    MethodDef::function("exit_thread", 0, 0, |vm, _| {
        let class = vm.exc.system_exit;
        Err(vm.raise_args(class, &[]))
    })
    .with_doc("exit_thread($module, /)\n--\n\nAn obsolete synonym of exit()."),
    MethodDef::function("interrupt_main", 0, 1, |vm, args| {
        let number = match args.get(0) {
            Some(number) => vm.index(number)?,
            None => i64::from(libc::SIGINT),
        };
        if !(1..65).contains(&number) {
            return Err(vm.value_error("signal number out of range"));
        }
        crate::signal_::trip(number as i32);
        Ok(vm.none)
    })
    .with_doc("interrupt_main($module, signum=signal.SIGINT, /)\n--\n\nSimulate the arrival of the given signal in the main thread,\nwhere the corresponding signal handler will be executed.\nIf *signum* is omitted, SIGINT is assumed.\nA subthread can use this function to interrupt the main thread.\n\nNote: the default signal handler for SIGINT raises ``KeyboardInterrupt``."),
    MethodDef::function("set_name", 1, 1, |vm, args| {
        let mut name = vm.str(args.values[0])?.as_bytes().to_vec();
        name.truncate(15);
        name.retain(|&byte| byte != 0);
        name.push(0);
        // SAFETY: the name is NUL-terminated.
        unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
        Ok(vm.none)
    })
    .with_doc("set_name($module, /, name)\n--\n\nSet the name of the current thread."),
    MethodDef::function("_excepthook", 1, 1, excepthook)
    .with_doc("_excepthook($module, args, /)\n--\n\nHandle uncaught Thread.run() exception."),
];

fn thread_ident() -> i64 {
    // SAFETY: no arguments.
    unsafe { libc::pthread_self() as i64 }
}

fn cannot_start(vm: &mut Vm) -> PyResult {
    Err(vm.runtime_error("can't start new thread"))
}

fn start_new_thread(vm: &mut Vm, args: &CallArgs) -> PyResult {
    if !vm.is_callable(args.values[0]) {
        return Err(vm.type_error("first arg must be callable"));
    }
    if !objects::tuple::is_tuple(vm, args.values[1]) {
        return Err(vm.type_error("2nd arg must be a tuple"));
    }
    if let Some(keywords) = args.get(2)
        && !vm.type_of(keywords).has(flags::DICT)
    {
        return Err(vm.type_error("optional 3rd arg must be a dictionary"));
    }
    cannot_start(vm)
}

fn start_joinable_thread(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature = Signature { max_positional: 1, ..signature(["function", "handle", "daemon"], 1) };
    let [function, _, _] = args.bind(vm, "start_joinable_thread", &signature)?;
    if !vm.is_callable(function) {
        return Err(vm.type_error("thread function must be callable"));
    }
    cannot_start(vm)
}

fn stack_size(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let size = match args.get(0) {
        Some(size) => vm.index(size)?,
        None => 0,
    };
    if size < 0 {
        return Err(vm.value_error("size must be 0 or a positive value"));
    }
    const LEAST: i64 = 53_248;
    if size != 0 && size < LEAST {
        return Err(vm.value_error(format!("size must be at least {LEAST} bytes")));
    }
    let old = vm.extension::<State>().stack_size;
    if !args.values.is_empty() {
        vm.extension::<State>().stack_size = size;
    }
    Ok(vm.int(old))
}

/// Prints an exception that ended a thread.
fn excepthook(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let details = args.values[0];
    let class = vm.getattr_str(details, "exc_type")?;
    if class == vm.exc.system_exit.value() {
        return Ok(vm.none);
    }
    let exception = vm.getattr_str(details, "exc_value")?;
    let thread = vm.getattr_str(details, "thread")?;
    let name = if thread == vm.none {
        thread_ident().to_string()
    } else {
        let name = vm.getattr_str(thread, "name")?;
        vm.str_text(name)?
    };
    let sys = objects::module::import(vm, "sys")?;
    let err = vm.getattr_str(sys, "stderr")?;
    let text = vm.new_str(&format!("Exception in thread {name}:\n"));
    vm.call_method(err, "write", &[text])?;
    interp::warnings::print_exception(vm, exception)?;
    Ok(vm.none)
}

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    locks::add_types(vm, module);
    let handle = support::add_type(
        vm,
        module,
        TypeSpec {
            module: "_thread",
            slots: Slots {
                new: Some(|vm, ty, _| Ok(vm.new_instance(ty))),
                repr: Some(|vm, handle| {
                    let ident = cast::<Handle>(handle).ident.get();
                    Ok(vm.new_str(&format!("<_ThreadHandle object: ident={ident}>")))
                }),
                ..Slots::default()
            },
            methods: HANDLE_METHODS,
            getset: HANDLE_GETSET,
            ..TypeSpec::of::<Handle>("_ThreadHandle", Kind::Other)
        },
    );
    vm.extension::<State>().handle = Some(handle);
    support::add_type(
        vm,
        module,
        TypeSpec {
            module: "_thread",
            flags: flags::BASETYPE | flags::HAS_WEAKREF,
            overflow_word: (Instance::OVERFLOW.offset / 8) as u16,
            slots: Slots { new: Some(new_local), init: Some(|_, _, _| Ok(())), ..Slots::default() },
            getset: std::slice::from_ref(&objects::instance::DICT_GETSET),
            doc: "Thread-local data",
            ..TypeSpec::of::<Instance>("_local", Kind::Other)
        },
    );
    let hook_args = struct_sequence::new_class(
        vm,
        "_thread",
        "_ExceptHookArgs",
        &["exc_type", "exc_value", "exc_traceback", "thread"],
    )?;
    vm.module_set(module, "_ExceptHookArgs", hook_args.value());
    let error = vm.exc.runtime_error.value();
    vm.module_set(module, "error", error);
    let longest = vm.float((i64::MAX / 1_000_000_000) as f64);
    vm.module_set(module, "TIMEOUT_MAX", longest);
    Ok(())
}

/// Every thread has attributes of its own; with one thread, an instance's own do.
fn new_local(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    if !args.values.is_empty() && !ty.has(flags::HEAP) {
        return Err(vm.type_error("Initialization arguments are not supported"));
    }
    Ok(vm.new_instance(ty))
}

static HANDLE_GETSET: &[GetSetDef] = &[GetSetDef::read_only("ident", |vm, handle| {
    let ident = cast::<Handle>(handle).ident.get();
    Ok(vm.int(ident))
})];

static HANDLE_METHODS: &[MethodDef] = &[
    MethodDef::method("join", 1, 2, |vm, args| {
        let handle = cast::<Handle>(args.values[0]);
        if handle.ident.get() == 0 {
            return Err(vm.runtime_error("thread not started"));
        }
        if handle.done.get() == 0 {
            return Err(vm.runtime_error("Cannot join current thread"));
        }
        Ok(vm.none)
    }),
    MethodDef::method("_set_done", 1, 1, |vm, args| {
        cast::<Handle>(args.values[0]).done.set(1);
        Ok(vm.none)
    }),
    MethodDef::method("is_done", 1, MANY, |vm, args| Ok(vm.bool(cast::<Handle>(args.values[0]).done.get() != 0))),
];
