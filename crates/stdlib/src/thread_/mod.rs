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
        .with_doc("allocate_lock() -> lock object\n(allocate() is an obsolete synonym)\n\nCreate a new lock object. See help(type(threading.Lock())) for\ninformation about locks."),
    MethodDef::function("allocate", 0, 0, |vm, _| Ok(locks::new_lock(vm))),
    MethodDef::function("get_ident", 0, 0, |vm, _| {
        let ident = thread_ident();
        Ok(vm.int(ident))
    })
    .leaf(),
    MethodDef::function("get_native_id", 0, 0, |vm, _| {
        // SAFETY: no arguments.
        let id = unsafe { libc::syscall(libc::SYS_gettid) };
        Ok(vm.int(id))
    })
    .leaf(),
    MethodDef::function("_get_main_thread_ident", 0, 0, |vm, _| {
        let ident = thread_ident();
        Ok(vm.int(ident))
    }),
    MethodDef::function("start_new_thread", 2, 3, start_new_thread),
    MethodDef::function("start_new", 2, 3, start_new_thread),
    MethodDef::function("start_joinable_thread", 0, 3, start_joinable_thread).with_keywords(),
    MethodDef::function("daemon_threads_allowed", 0, 0, |vm, _| Ok(vm.true_)),
    MethodDef::function("_is_main_interpreter", 0, 0, |vm, _| Ok(vm.true_)),
    MethodDef::function("_shutdown", 0, 0, |vm, _| Ok(vm.none)),
    MethodDef::function("_make_thread_handle", 1, 1, |vm, args| {
        let ident = vm.index(args.values[0])?;
        let ty = vm.extension::<State>().handle.expect("made with the module");
        let handle = vm.new_instance(ty);
        cast::<Handle>(handle).ident.set(ident);
        Ok(handle)
    }),
    MethodDef::function("_count", 0, 0, |_, _| Ok(Value::from_int(0))),
    MethodDef::function("stack_size", 0, 1, stack_size),
    MethodDef::function("exit", 0, 0, |vm, _| {
        let class = vm.exc.system_exit;
        Err(vm.raise_args(class, &[]))
    }),
    MethodDef::function("exit_thread", 0, 0, |vm, _| {
        let class = vm.exc.system_exit;
        Err(vm.raise_args(class, &[]))
    }),
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
    }),
    MethodDef::function("set_name", 1, 1, |vm, args| {
        let mut name = vm.str(args.values[0])?.as_bytes().to_vec();
        name.truncate(15);
        name.retain(|&byte| byte != 0);
        name.push(0);
        // SAFETY: the name is NUL-terminated.
        unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
        Ok(vm.none)
    }),
    MethodDef::function("_excepthook", 1, 1, excepthook),
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
