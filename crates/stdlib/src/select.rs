//! Module `select`: waiting for descriptors.

use crate::support::{self, int_constants, is_absent, signature};
use crate::time::clocks;
use heap::Value;
use objects::args::{CallArgs, GetSetDef, MethodDef, Signature};
use objects::error::{PyResult, Raised};
use objects::layout;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "select",
    doc: "This module supports asynchronous I/O on multiple file descriptors.",
    functions: &[
        MethodDef::function("select", 3, 4, select)
        .with_doc("select($module, rlist, wlist, xlist, timeout=None, /)\n--\n\nWait until one or more file descriptors are ready for some kind of I/O.\n\nThe first three arguments are iterables of file descriptors to be waited\nfor:\nrlist -- wait until ready for reading\nwlist -- wait until ready for writing\nxlist -- wait for an \"exceptional condition\"\nIf only one kind of condition is required, pass [] for the other lists.\n\nA file descriptor is either a socket or file object, or a small integer\ngotten from a fileno() method call on one of those.\n\nThe optional 4th argument specifies a timeout in seconds; it may be\na floating-point number to specify fractions of seconds.  If it is absent\nor None, the call will never time out.\n\nThe return value is a tuple of three lists corresponding to the first\nthree arguments; each contains the subset of the corresponding file\ndescriptors that are ready.\n\n*** IMPORTANT NOTICE ***\nOn Windows, only sockets are supported; on Unix, all file\ndescriptors can be used."),
        MethodDef::function("poll", 0, 0, |vm, _| {
            let ty = vm.extension::<State>().poll.expect("made with the module");
            let registered = vm.new_dict();
            let poll = vm.new_instance(ty);
            cast::<Poll>(poll).registered.set(registered);
            Ok(poll)
        })
        .with_doc("poll($module, /)\n--\n\nReturns a polling object.\n\nThis object supports registering and unregistering file descriptors, and\nthen polling them for I/O events."),
    ],
    init,
};

layout! {
    Poll {
        /// A dict from descriptors to events.
        registered REGISTERED: Value;
    }

    Epoll {
        /// -1 once closed.
        fd FD: i64;
    }
}

#[derive(Default)]
struct State {
    poll: Option<TypeRef>,
}

static CONSTANTS: &[(&str, i64)] = &[
    ("POLLIN", libc::POLLIN as i64),
    ("POLLPRI", libc::POLLPRI as i64),
    ("POLLOUT", libc::POLLOUT as i64),
    ("POLLERR", libc::POLLERR as i64),
    ("POLLHUP", libc::POLLHUP as i64),
    ("POLLNVAL", libc::POLLNVAL as i64),
    ("POLLRDNORM", libc::POLLRDNORM as i64),
    ("POLLRDBAND", libc::POLLRDBAND as i64),
    ("POLLWRNORM", libc::POLLWRNORM as i64),
    ("POLLWRBAND", libc::POLLWRBAND as i64),
    ("POLLMSG", 0x400),
    ("POLLRDHUP", libc::POLLRDHUP as i64),
    ("PIPE_BUF", libc::PIPE_BUF as i64),
    ("EPOLLIN", libc::EPOLLIN as i64),
    ("EPOLLPRI", libc::EPOLLPRI as i64),
    ("EPOLLOUT", libc::EPOLLOUT as i64),
    ("EPOLLERR", libc::EPOLLERR as i64),
    ("EPOLLHUP", libc::EPOLLHUP as i64),
    ("EPOLLRDHUP", libc::EPOLLRDHUP as i64),
    ("EPOLLET", libc::EPOLLET as u32 as i64),
    ("EPOLLONESHOT", libc::EPOLLONESHOT as i64),
    ("EPOLLEXCLUSIVE", libc::EPOLLEXCLUSIVE as i64),
    ("EPOLLWAKEUP", libc::EPOLLWAKEUP as i64),
    ("EPOLLRDNORM", libc::EPOLLRDNORM as i64),
    ("EPOLLRDBAND", libc::EPOLLRDBAND as i64),
    ("EPOLLWRNORM", libc::EPOLLWRNORM as i64),
    ("EPOLLWRBAND", libc::EPOLLWRBAND as i64),
    ("EPOLLMSG", libc::EPOLLMSG as i64),
    ("EPOLL_CLOEXEC", libc::EPOLL_CLOEXEC as i64),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    int_constants(vm, module, CONSTANTS);
    let error = vm.exc.os_error.value();
    vm.module_set(module, "error", error);
    let object = vm.types.object;
    let poll = vm.new_builtin_type(
        TypeSpec {
            module: "select",
            flags: flags::NO_NEW,
            methods: POLL_METHODS,
            ..TypeSpec::of::<Poll>("poll", Kind::Other)
        },
        object,
    );
    vm.extension::<State>().poll = Some(poll);
    support::add_type(
        vm,
        module,
        TypeSpec {
            module: "select",
            slots: Slots { new: Some(new_epoll), ..Slots::default() },
            methods: EPOLL_METHODS,
            getset: EPOLL_GETSET,
            ..TypeSpec::of::<Epoll>("epoll", Kind::Other)
        },
    );
    Ok(())
}

fn last_error(vm: &mut Vm) -> Raised {
    let error = std::io::Error::last_os_error();
    vm.io_error(&error, Value::NULL)
}

/// A descriptor, or an object with `fileno()`.
fn descriptor(vm: &mut Vm, value: Value) -> PyResult<i32> {
    let fd = crate::posix::file_number(vm, value)?;
    if fd < 0 {
        return Err(vm.value_error(format!("file descriptor cannot be a negative integer ({fd})")));
    }
    Ok(fd)
}

/// When to give up, by the monotonic clock; `None`: never.
type Deadline = Option<i64>;

/// From seconds or milliseconds; None waits without end, and so do negative ones if `negative_waits`.
fn deadline(vm: &mut Vm, timeout: Value, nanoseconds: i64, negative_waits: bool) -> PyResult<Deadline> {
    if is_absent(vm, timeout) {
        return Ok(None);
    }
    let Some(amount) = vm.to_f64_opt(timeout)? else {
        return Err(vm.type_error("timeout must be a real number or None"));
    };
    if amount < 0.0 {
        return if negative_waits { Ok(None) } else { Err(vm.value_error("timeout must be non-negative")) };
    }
    let wait = (amount * nanoseconds as f64).ceil();
    if wait > i64::MAX as f64 / 2.0 {
        return Err(vm.overflow_error("timeout is too large"));
    }
    Ok(Some(clocks::monotonic().saturating_add(wait as i64)))
}

/// Milliseconds left, rounded up, for `poll` and `epoll_wait`.
fn milliseconds_left(deadline: Deadline) -> i32 {
    match deadline {
        None => -1,
        Some(end) => {
            ((end - clocks::monotonic()).max(0) + 999_999).div_euclid(1_000_000).min(i64::from(i32::MAX)) as i32
        }
    }
}

/// Calls until there is a result; Python's signal handlers run between.
fn waiting(vm: &mut Vm, deadline: Deadline, mut call: impl FnMut(i32) -> i32) -> PyResult<usize> {
    loop {
        let count = call(milliseconds_left(deadline));
        if count >= 0 {
            return Ok(count as usize);
        }
        if std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return Err(last_error(vm));
        }
        interp::poll::attend(vm)?;
    }
}

/// By `poll`, which has no limit on the descriptors.
fn select(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let events = [libc::POLLIN, libc::POLLOUT, libc::POLLPRI];
    let answers = [libc::POLLIN | libc::POLLHUP | libc::POLLERR, libc::POLLOUT | libc::POLLERR, libc::POLLPRI];
    let mut asked = Vec::new();
    let mut objects = [Value::NULL; 3];
    for (i, &list) in args.values[..3].iter().enumerate() {
        objects[i] = match vm.collect_tuple(list) {
            Ok(objects) => objects,
            Err(raised) if vm.is_not_iterable_error(raised, list) => {
                return Err(vm.type_error("arguments 1-3 must be sequences"));
            }
            Err(raised) => return Err(raised),
        };
        for &object in objects::tuple::items(objects[i]) {
            let fd = descriptor(vm, object)?;
            if fd >= libc::FD_SETSIZE as i32 {
                return Err(vm.value_error("filedescriptor out of range in select()"));
            }
            asked.push(libc::pollfd { fd, events: events[i], revents: 0 });
        }
    }
    let end = deadline(vm, args.get(3).unwrap_or(Value::NULL), 1_000_000_000, false)?;
    waiting(vm, end, |timeout| {
        // SAFETY: as many entries are readable and writable as said.
        unsafe { libc::poll(asked.as_mut_ptr(), asked.len() as libc::nfds_t, timeout) }
    })?;
    if asked.iter().any(|entry| entry.revents & libc::POLLNVAL != 0) {
        return Err(vm.os_error(libc::EBADF, Value::NULL));
    }
    let mut entries = asked.iter();
    let mut ready = [Value::NULL; 3];
    for i in 0..3 {
        ready[i] = vm.new_list(&[]);
        for &object in objects::tuple::items(objects[i]) {
            let entry = entries.next().expect("one for each object");
            if entry.revents & answers[i] != 0 {
                vm.list_append(ready[i], object);
            }
        }
    }
    Ok(vm.new_tuple(&ready))
}

static POLL_METHODS: &[MethodDef] = &[
    MethodDef::method("register", 2, 3, |vm, args| {
        let fd = descriptor(vm, args.values[1])?;
        let events = match args.get(2) {
            Some(events) => vm.index(events)?,
            None => i64::from(libc::POLLIN | libc::POLLPRI | libc::POLLOUT),
        };
        let registered = cast::<Poll>(args.values[0]).registered.get();
        vm.dict_set(registered, Value::from_int(i64::from(fd)), Value::from_int(events))?;
        Ok(vm.none)
    }),
    MethodDef::method("modify", 3, 3, |vm, args| {
        let fd = descriptor(vm, args.values[1])?;
        let events = vm.index(args.values[2])?;
        let registered = cast::<Poll>(args.values[0]).registered.get();
        if !vm.dict_contains(registered, Value::from_int(i64::from(fd)))? {
            return Err(vm.os_error(libc::ENOENT, Value::NULL));
        }
        vm.dict_set(registered, Value::from_int(i64::from(fd)), Value::from_int(events))?;
        Ok(vm.none)
    }),
    MethodDef::method("unregister", 2, 2, |vm, args| {
        let fd = Value::from_int(i64::from(descriptor(vm, args.values[1])?));
        let registered = cast::<Poll>(args.values[0]).registered.get();
        if !vm.dict_del(registered, fd)? {
            return Err(vm.key_error(fd));
        }
        Ok(vm.none)
    }),
    MethodDef::method("poll", 1, 2, |vm, args| {
        let registered = cast::<Poll>(args.values[0]).registered.get();
        let mut entries = Vec::new();
        let mut position = 0;
        while let Some((fd, events)) = vm.dict_next(registered, &mut position) {
            entries.push(libc::pollfd { fd: fd.as_int() as i32, events: events.as_int() as i16, revents: 0 });
        }
        let end = deadline(vm, args.get(1).unwrap_or(Value::NULL), 1_000_000, true)?;
        waiting(vm, end, |timeout| {
            // SAFETY: as many entries are readable and writable as said.
            unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, timeout) }
        })?;
        let ready = vm.new_list(&[]);
        for entry in entries.iter().filter(|entry| entry.revents != 0) {
            let pair =
                vm.new_tuple(&[Value::from_int(i64::from(entry.fd)), Value::from_int(i64::from(entry.revents as u16))]);
            vm.list_append(ready, pair);
        }
        Ok(ready)
    }),
];

fn new_epoll(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let [size, _] = args.bind(vm, "epoll", &signature(["sizehint", "flags"], 0))?;
    if !size.is_null() {
        let size = vm.index(size)?;
        if size != -1 && size <= 0 {
            return Err(vm.value_error("sizehint must be positive or -1"));
        }
    }
    // SAFETY: plain system call.
    let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    if fd < 0 {
        return Err(last_error(vm));
    }
    let epoll = vm.new_instance(ty);
    cast::<Epoll>(epoll).fd.set(i64::from(fd));
    Ok(epoll)
}

fn epoll_fd(vm: &mut Vm, epoll: Value) -> PyResult<i32> {
    match cast::<Epoll>(epoll).fd.get() {
        -1 => Err(vm.value_error("I/O operation on closed epoll object")),
        fd => Ok(fd as i32),
    }
}

fn control(vm: &mut Vm, args: &CallArgs, operation: i32, events: u32) -> PyResult {
    let epoll = epoll_fd(vm, args.values[0])?;
    let fd = descriptor(vm, args.values[1])?;
    let mut event = libc::epoll_event { events, u64: fd as u64 };
    // SAFETY: the event is readable.
    let result = unsafe { libc::epoll_ctl(epoll, operation, fd, &mut event) };
    if result < 0 { Err(last_error(vm)) } else { Ok(vm.none) }
}

fn close_epoll(vm: &mut Vm, epoll: Value) -> PyResult {
    let fd = cast::<Epoll>(epoll).fd.replace(-1);
    if fd >= 0 {
        // SAFETY: the object's own descriptor.
        unsafe { libc::close(fd as i32) };
    }
    Ok(vm.none)
}

static EPOLL_GETSET: &[GetSetDef] =
    &[GetSetDef::read_only("closed", |vm, epoll| Ok(vm.bool(cast::<Epoll>(epoll).fd.get() < 0)))];

static EPOLL_METHODS: &[MethodDef] = &[
    MethodDef::method("close", 1, 1, |vm, args| close_epoll(vm, args.values[0])),
    MethodDef::method("fileno", 1, 1, |vm, args| {
        let fd = epoll_fd(vm, args.values[0])?;
        Ok(vm.int(i64::from(fd)))
    }),
    MethodDef::method("register", 2, 3, |vm, args| {
        let events = match args.get(2) {
            Some(events) => vm.index(events)? as u32,
            None => (libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLOUT) as u32,
        };
        control(vm, args, libc::EPOLL_CTL_ADD, events)
    }),
    MethodDef::method("modify", 3, 3, |vm, args| {
        let events = vm.index(args.values[2])? as u32;
        control(vm, args, libc::EPOLL_CTL_MOD, events)
    }),
    MethodDef::method("unregister", 2, 2, |vm, args| control(vm, args, libc::EPOLL_CTL_DEL, 0)),
    MethodDef::method("poll", 1, 3, |vm, args| {
        let epoll = epoll_fd(vm, args.values[0])?;
        let signature = Signature { skip: 1, ..signature(["timeout", "maxevents"], 0) };
        let [timeout, most] = args.bind(vm, "poll", &signature)?;
        let end = deadline(vm, timeout, 1_000_000_000, true)?;
        let most = if most.is_null() { -1 } else { vm.index(most)? };
        let most = match most {
            -1 => 1023,
            most @ 1.. => most as usize,
            _ => return Err(vm.value_error(format!("maxevents must be greater than 0, got {most}"))),
        };
        let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; most];
        let count = waiting(vm, end, |timeout| {
            // SAFETY: as many events are writable as said.
            unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), events.len() as i32, timeout) }
        })?;
        let ready = vm.new_list(&[]);
        for event in &events[..count] {
            let (fd, happened) = (event.u64 as i64, i64::from(event.events));
            let pair = vm.new_tuple(&[Value::from_int(fd), Value::from_int(happened)]);
            vm.list_append(ready, pair);
        }
        Ok(ready)
    })
    .with_keywords(),
    MethodDef::method("__enter__", 1, 1, |vm, args| {
        epoll_fd(vm, args.values[0])?;
        Ok(args.values[0])
    }),
    MethodDef::method("__exit__", 4, 4, |vm, args| close_epoll(vm, args.values[0])),
];
