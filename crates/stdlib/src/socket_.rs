//! Module `_socket`: sockets of the Internet and Unix families.

mod addresses;
mod constants;

use crate::posix::file_number;
use crate::support::{self, int_constants, is_absent, signature};
use crate::time::clocks;
use crate::vm_ext::VmExt;
use addresses::{Address, address_value, parse_address};
use heap::Value;
use metatrace::Handle;
use objects::args::{CallArgs, GetSetDef, MethodDef, Signature};
use objects::error::{PyResult, Raised};
use objects::layout;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeSpec, flags};
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_socket",
    doc: "Implementation module for socket operations.\n\nSee the socket module for documentation.",
    functions: FUNCTIONS,
    init,
};

layout! {
    Socket {
        /// -1 once closed.
        fd FD: i64;
        family FAMILY: i64;
        kind KIND: i64;
        protocol PROTOCOL: i64;
        /// In nanoseconds; negative: none.
        timeout TIMEOUT: i64;
    }
}

#[derive(Default)]
struct State {
    /// In nanoseconds plus one; 0: none.
    default_timeout: i64,
    resolve_error: Option<Handle>,
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("socketpair", 0, 3, socket_pair)
    .with_doc("socketpair([family[, type [, proto]]]) -> (socket object, socket object)\n\nCreate a pair of socket objects from the sockets returned by the platform\nsocketpair() function.\nThe arguments are the same as for socket() except the default family is\nAF_UNIX if defined on the platform; otherwise, the default is AF_INET."),
    MethodDef::function("getdefaulttimeout", 0, 0, |vm, _| {
        let timeout = vm.extension::<State>().default_timeout - 1;
        timeout_value(vm, timeout)
    })
    .with_doc("getdefaulttimeout($self, /)\n--\n\ngetdefaulttimeout() -> timeout\n\nReturns the default timeout in seconds (float) for new socket objects.\nA value of None indicates that new socket objects have no timeout.\nWhen the socket module is first imported, the default is None."),
    MethodDef::function("setdefaulttimeout", 1, 1, |vm, args| {
        let timeout = timeout_argument(vm, args.values[0])?;
        vm.extension::<State>().default_timeout = timeout + 1;
        Ok(vm.none)
    })
    .with_doc("setdefaulttimeout($self, object, /)\n--\n\nsetdefaulttimeout(timeout)\n\nSet the default timeout in seconds (float) for new socket objects.\nA value of None indicates that new socket objects have no timeout.\nWhen the socket module is first imported, the default is None."),
    MethodDef::function("dup", 1, 1, |vm, args| {
        let fd = file_number(vm, args.values[0])?;
        // SAFETY: plain system call.
        let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
        if copy < 0 { Err(last_error(vm)) } else { Ok(vm.int(i64::from(copy))) }
    })
    .with_doc("dup($self, object, /)\n--\n\ndup(integer) -> integer\n\nDuplicate an integer socket file descriptor.  This is like os.dup(), but for\nsockets; on some platforms os.dup() won't work for socket file descriptors."),
    MethodDef::function("close", 1, 1, |vm, args| {
        let fd = file_number(vm, args.values[0])?;
        // SAFETY: plain system call.
        if unsafe { libc::close(fd) } < 0 { Err(last_error(vm)) } else { Ok(vm.none) }
    })
    .with_doc("close($self, object, /)\n--\n\nclose(integer) -> None\n\nClose an integer socket file descriptor.  This is like os.close(), but for\nsockets; on some platforms os.close() won't work for socket file descriptors."),
    MethodDef::function("gethostname", 0, 0, |vm, _| {
        let mut name = [0u8; 256];
        // SAFETY: the buffer is longer than said, so that it ends with NUL.
        if unsafe { libc::gethostname(name.as_mut_ptr().cast(), 255) } < 0 {
            return Err(last_error(vm));
        }
        let end = name.iter().position(|&byte| byte == 0).expect("it ends with NUL");
        Ok(vm.new_str_bytes(&name[..end]))
    })
    .with_doc("gethostname($self, /)\n--\n\ngethostname() -> string\n\nReturn the current host name."),
    MethodDef::function("getaddrinfo", 0, 6, addresses::getaddrinfo).with_keywords()
    .with_doc("getaddrinfo(host, port [, family, type, proto, flags])\n    -> list of (family, type, proto, canonname, sockaddr)\n\nResolve host and port into addrinfo struct."),
    MethodDef::function("gethostbyname", 1, 1, addresses::gethostbyname)
    .with_doc("gethostbyname(host) -> address\n\nReturn the IP address (a string of the form '255.255.255.255') for a host."),
    MethodDef::function("inet_aton", 1, 1, addresses::inet_aton)
    .with_doc("inet_aton($module, ip_addr, /)\n--\n\nConvert an IP address in string format (123.45.67.89) to the 32-bit packed binary format used in low-level network functions."),
    MethodDef::function("inet_ntoa", 1, 1, addresses::inet_ntoa)
    .with_doc("inet_ntoa($module, packed_ip, /)\n--\n\nConvert an IP address from 32-bit packed binary format to string format."),
    MethodDef::function("inet_pton", 2, 2, addresses::inet_pton)
    .with_doc("inet_pton(af, ip) -> packed IP address string\n\nConvert an IP address from string format to a packed string suitable\nfor use with low-level network functions."),
    MethodDef::function("inet_ntop", 2, 2, addresses::inet_ntop)
    .with_doc("inet_ntop(af, packed_ip) -> string formatted IP address\n\nConvert a packed IP address of the given family to string format."),
    MethodDef::function("htons", 1, 1, |vm, args| {
        swapped(vm, args, u16::MAX.into(), |n| i64::from((n as u16).to_be()))
    })
    .with_doc("htons($module, integer, /)\n--\n\nConvert a 16-bit unsigned integer from host to network byte order."),
    MethodDef::function("ntohs", 1, 1, |vm, args| {
        swapped(vm, args, u16::MAX.into(), |n| i64::from(u16::from_be(n as u16)))
    })
    .with_doc("ntohs($module, integer, /)\n--\n\nConvert a 16-bit unsigned integer from network to host byte order."),
    MethodDef::function("htonl", 1, 1, |vm, args| {
        swapped(vm, args, u32::MAX.into(), |n| i64::from((n as u32).to_be()))
    })
    .with_doc("htonl($module, integer, /)\n--\n\nConvert a 32-bit unsigned integer from host to network byte order."),
    MethodDef::function("ntohl", 1, 1, |vm, args| {
        swapped(vm, args, u32::MAX.into(), |n| i64::from(u32::from_be(n as u32)))
    })
    .with_doc("ntohl($module, integer, /)\n--\n\nConvert a 32-bit unsigned integer from network to host byte order."),
];

fn swapped(vm: &mut Vm, args: &CallArgs, most: i64, swap: fn(i64) -> i64) -> PyResult {
    let number = vm.index(args.values[0])?;
    if !(0..=most).contains(&number) {
        return Err(vm.overflow_error("int out of range for network byte order conversion"));
    }
    Ok(vm.int(swap(number)))
}

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    int_constants(vm, module, constants::CONSTANTS);
    let os_error = vm.exc.os_error.value();
    vm.module_set(module, "error", os_error);
    let timeout = vm.exc.timeout_error.value();
    vm.module_set(module, "timeout", timeout);
    let has_ipv6 = vm.true_;
    vm.module_set(module, "has_ipv6", has_ipv6);
    for name in ["herror", "gaierror"] {
        let namespace = vm.new_dict();
        let module_name = vm.intern("socket");
        vm.dict_set_str(namespace, "__module__", module_name);
        let text = vm.new_str(name);
        let bases = vm.new_tuple(&[os_error]);
        let class = vm.call(vm.types.type_.value(), &[text, bases, namespace])?;
        vm.module_set(module, name, class);
        let handle = vm.keep(class);
        vm.extension::<State>().resolve_error = Some(handle);
    }
    let ty = support::add_type(
        vm,
        module,
        TypeSpec {
            module: "_socket",
            flags: flags::BASETYPE,
            slots: Slots {
                new: Some(|vm, ty, _| {
                    let socket = vm.new_instance(ty);
                    cast::<Socket>(socket).fd.set(-1);
                    cast::<Socket>(socket).timeout.set(-1);
                    Ok(socket)
                }),
                init: Some(init_socket),
                repr: Some(|vm, socket| {
                    let s = cast::<Socket>(socket);
                    let text = format!(
                        "<socket object, fd={}, family={}, type={}, proto={}>",
                        s.fd.get(),
                        s.family.get(),
                        s.kind.get(),
                        s.protocol.get()
                    );
                    Ok(vm.new_str(&text))
                }),
                ..Slots::default()
            },
            methods: METHODS,
            getset: GETSET,
            ..TypeSpec::of::<Socket>("socket", Kind::Other)
        },
    );
    vm.module_set(module, "SocketType", ty.value());
    Ok(())
}

fn last_error(vm: &mut Vm) -> Raised {
    let error = std::io::Error::last_os_error();
    vm.io_error(&error, Value::NULL)
}

fn init_socket(vm: &mut Vm, socket: Value, args: &CallArgs) -> PyResult<()> {
    let [family, kind, protocol, fileno] =
        args.bind(vm, "socket", &signature(["family", "type", "proto", "fileno"], 0))?;
    let mut number = |value: Value| if value.is_null() { Ok(-1) } else { vm.index(value) };
    let (mut family, mut kind, mut protocol) = (number(family)?, number(kind)?, number(protocol)?);
    let fd = if is_absent(vm, fileno) {
        family = if family == -1 { i64::from(libc::AF_INET) } else { family };
        kind = if kind == -1 { i64::from(libc::SOCK_STREAM) } else { kind };
        protocol = protocol.max(0);
        // SAFETY: plain system call.
        let fd = unsafe { libc::socket(family as i32, kind as i32 | libc::SOCK_CLOEXEC, protocol as i32) };
        if fd < 0 {
            return Err(last_error(vm));
        }
        fd
    } else {
        let fd = file_number(vm, fileno)?;
        if fd < 0 {
            return Err(vm.value_error("negative file descriptor"));
        }
        let known = |option| get_int_option(fd, libc::SOL_SOCKET, option).map(i64::from);
        family = if family == -1 { known(libc::SO_DOMAIN).ok_or_else(|| last_error(vm))? } else { family };
        kind = if kind == -1 { known(libc::SO_TYPE).unwrap_or(0) } else { kind };
        protocol = if protocol == -1 { known(libc::SO_PROTOCOL).unwrap_or(0) } else { protocol };
        fd
    };
    let timeout = vm.extension::<State>().default_timeout - 1;
    let s = cast::<Socket>(socket);
    s.fd.set(i64::from(fd));
    s.family.set(family);
    s.kind.set(kind & !i64::from(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC));
    s.protocol.set(protocol);
    s.timeout.set(if kind & i64::from(libc::SOCK_NONBLOCK) != 0 { 0 } else { timeout });
    if timeout >= 0 {
        set_nonblocking(fd, true);
    }
    Ok(())
}

fn set_nonblocking(fd: i32, on: bool) {
    // SAFETY: plain system calls.
    unsafe {
        let status = libc::fcntl(fd, libc::F_GETFL);
        libc::fcntl(fd, libc::F_SETFL, if on { status | libc::O_NONBLOCK } else { status & !libc::O_NONBLOCK });
    }
}

fn get_int_option(fd: i32, level: i32, option: i32) -> Option<i32> {
    let mut value = 0i32;
    let mut size = size_of::<i32>() as libc::socklen_t;
    // SAFETY: the value is as large as said.
    let result = unsafe { libc::getsockopt(fd, level, option, (&raw mut value).cast(), &mut size) };
    (result == 0).then_some(value)
}

fn socket_pair(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let mut numbers = [libc::AF_UNIX, libc::SOCK_STREAM, 0];
    for (number, &value) in numbers.iter_mut().zip(args.values) {
        *number = vm.index(value)? as i32;
    }
    let mut ends = [0; 2];
    // SAFETY: two numbers are writable.
    if unsafe { libc::socketpair(numbers[0], numbers[1] | libc::SOCK_CLOEXEC, numbers[2], ends.as_mut_ptr()) } < 0 {
        return Err(last_error(vm));
    }
    let module = objects::module::import(vm, "_socket")?;
    let class = vm.getattr_str(module, "socket")?;
    let mut sockets = [Value::NULL; 2];
    for (socket, fd) in sockets.iter_mut().zip(ends) {
        let arguments = [numbers[0], numbers[1], numbers[2], fd].map(|number| Value::from_int(i64::from(number)));
        *socket = vm.call(class, &arguments)?;
    }
    Ok(vm.new_tuple(&sockets))
}

fn timeout_argument(vm: &mut Vm, value: Value) -> PyResult<i64> {
    if value == vm.none {
        return Ok(-1);
    }
    let timeout = clocks::duration(vm, value)?;
    if timeout < 0 { Err(vm.value_error("Timeout value out of range")) } else { Ok(timeout) }
}

fn timeout_value(vm: &mut Vm, timeout: i64) -> PyResult {
    Ok(if timeout < 0 { vm.none } else { vm.float(timeout as f64 / 1e9) })
}

/// Calls the system; with a timeout, waits for the socket to be ready first. Signal handlers run meanwhile.
fn transfer(vm: &mut Vm, socket: Value, events: i16, mut call: impl FnMut(i32) -> isize) -> PyResult<usize> {
    let s = cast::<Socket>(socket);
    let end = (s.timeout.get() > 0).then(|| clocks::monotonic().saturating_add(s.timeout.get()));
    loop {
        let fd = s.fd.get() as i32;
        if let Some(end) = end {
            wait_ready(vm, fd, events, end)?;
        }
        let count = call(fd);
        if count >= 0 {
            return Ok(count as usize);
        }
        match std::io::Error::last_os_error().raw_os_error() {
            Some(libc::EINTR) => interp::poll::attend(vm)?,
            Some(libc::EAGAIN) if end.is_some() => {}
            _ => return Err(last_error(vm)),
        }
    }
}

fn wait_ready(vm: &mut Vm, fd: i32, events: i16, end: i64) -> PyResult<()> {
    loop {
        let left = (end - clocks::monotonic()).max(0);
        let mut entry = libc::pollfd { fd, events, revents: 0 };
        // SAFETY: one entry is readable and writable.
        match unsafe { libc::poll(&mut entry, 1, ((left + 999_999) / 1_000_000) as i32) } {
            0 => {
                let class = vm.exc.timeout_error;
                return Err(vm.raise(class, "timed out"));
            }
            1.. => return Ok(()),
            _ => interp::poll::attend(vm)?,
        }
    }
}

static GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("family", |vm, socket| Ok(vm.int(cast::<Socket>(socket).family.get()))),
    GetSetDef::read_only("type", |vm, socket| Ok(vm.int(cast::<Socket>(socket).kind.get()))),
    GetSetDef::read_only("proto", |vm, socket| Ok(vm.int(cast::<Socket>(socket).protocol.get()))),
    GetSetDef::read_only("timeout", |vm, socket| {
        let timeout = cast::<Socket>(socket).timeout.get();
        timeout_value(vm, timeout)
    }),
];

static METHODS: &[MethodDef] = &[
    MethodDef::method("fileno", 1, 1, |vm, args| Ok(vm.int(cast::<Socket>(args.values[0]).fd.get()))),
    MethodDef::method("close", 1, 1, |vm, args| {
        let fd = cast::<Socket>(args.values[0]).fd.replace(-1);
        // SAFETY: the object's own descriptor.
        if fd >= 0 && unsafe { libc::close(fd as i32) } < 0 {
            return Err(last_error(vm));
        }
        Ok(vm.none)
    }),
    MethodDef::method("detach", 1, 1, |vm, args| {
        let fd = cast::<Socket>(args.values[0]).fd.replace(-1);
        Ok(vm.int(fd))
    }),
    MethodDef::method("gettimeout", 1, 1, |vm, args| {
        let timeout = cast::<Socket>(args.values[0]).timeout.get();
        timeout_value(vm, timeout)
    }),
    MethodDef::method("settimeout", 2, 2, |vm, args| {
        let timeout = timeout_argument(vm, args.values[1])?;
        let s = cast::<Socket>(args.values[0]);
        s.timeout.set(timeout);
        set_nonblocking(s.fd.get() as i32, timeout >= 0);
        Ok(vm.none)
    }),
    MethodDef::method("setblocking", 2, 2, |vm, args| {
        let blocking = vm.truth(args.values[1])?;
        let s = cast::<Socket>(args.values[0]);
        s.timeout.set(if blocking { -1 } else { 0 });
        set_nonblocking(s.fd.get() as i32, !blocking);
        Ok(vm.none)
    }),
    MethodDef::method("getblocking", 1, 1, |vm, args| Ok(vm.bool(cast::<Socket>(args.values[0]).timeout.get() != 0))),
    MethodDef::method("send", 2, 3, |vm, args| {
        let data = vm.bytes_like(args.values[1])?;
        let flags = option(vm, args.get(2))?;
        let sent = send(vm, args.values[0], data, flags)?;
        Ok(vm.int(sent as i64))
    }),
    MethodDef::method("sendall", 2, 3, |vm, args| {
        let mut data = vm.bytes_like(args.values[1])?;
        let flags = option(vm, args.get(2))?;
        while !data.is_empty() {
            let sent = send(vm, args.values[0], data, flags)?;
            data = &data[sent..];
        }
        Ok(vm.none)
    }),
    MethodDef::method("sendto", 3, 4, |vm, args| {
        let data = vm.bytes_like(args.values[1])?;
        let flags = if args.values.len() == 4 { option(vm, args.get(2))? } else { 0 };
        let family = cast::<Socket>(args.values[0]).family.get() as i32;
        let address = parse_address(vm, family, args.values[args.values.len() - 1])?;
        let sent = transfer(vm, args.values[0], libc::POLLOUT, |fd| {
            // SAFETY: data and address are as long as said.
            unsafe { libc::sendto(fd, data.as_ptr().cast(), data.len(), flags, address.ptr(), address.len) }
        })?;
        Ok(vm.int(sent as i64))
    }),
    MethodDef::method("recv", 2, 3, |vm, args| {
        let mut buffer = buffer_of_size(vm, args.values[1])?;
        let flags = option(vm, args.get(2))?;
        let count = receive(vm, args.values[0], &mut buffer, flags)?;
        Ok(vm.new_bytes(&buffer[..count]))
    }),
    MethodDef::method("recv_into", 2, 4, |vm, args| {
        let signature = Signature { skip: 1, ..signature(["buffer", "nbytes", "flags"], 1) };
        let [target, size, flags] = args.bind(vm, "recv_into", &signature)?;
        let view = vm.writable_buffer(target)?;
        let size = if size.is_null() { 0 } else { vm.index(size)? };
        let size = if size == 0 { view.bytes } else { (size as usize).min(view.bytes) };
        let flags = if flags.is_null() { 0 } else { vm.index(flags)? as i32 };
        // SAFETY: the exporter's memory, which stays while the argument is on the stack.
        let buffer = unsafe { std::slice::from_raw_parts_mut(view.address, size) };
        let count = receive(vm, args.values[0], buffer, flags)?;
        Ok(vm.int(count as i64))
    })
    .with_keywords(),
    MethodDef::method("recvfrom", 2, 3, |vm, args| {
        let mut buffer = buffer_of_size(vm, args.values[1])?;
        let flags = option(vm, args.get(2))?;
        let mut address = Address::empty();
        let count = transfer(vm, args.values[0], libc::POLLIN, |fd| {
            address = Address::empty();
            // SAFETY: buffer and address are as long as said.
            unsafe {
                libc::recvfrom(fd, buffer.as_mut_ptr().cast(), buffer.len(), flags, address.ptr_mut(), &mut address.len)
            }
        })?;
        let data = vm.new_bytes(&buffer[..count]);
        let address = address_value(vm, &address)?;
        Ok(vm.new_tuple(&[data, address]))
    }),
    MethodDef::method("bind", 2, 2, |vm, args| {
        let s = cast::<Socket>(args.values[0]);
        let address = parse_address(vm, s.family.get() as i32, args.values[1])?;
        // SAFETY: the address is as long as said.
        let result = unsafe { libc::bind(s.fd.get() as i32, address.ptr(), address.len) };
        if result < 0 { Err(last_error(vm)) } else { Ok(vm.none) }
    }),
    MethodDef::method("listen", 1, 2, |vm, args| {
        let backlog = match args.get(1) {
            Some(backlog) => vm.index(backlog)?.max(0) as i32,
            None => 128,
        };
        // SAFETY: plain system call.
        let result = unsafe { libc::listen(cast::<Socket>(args.values[0]).fd.get() as i32, backlog) };
        if result < 0 { Err(last_error(vm)) } else { Ok(vm.none) }
    }),
    MethodDef::method("_accept", 1, 1, |vm, args| {
        let mut address = Address::empty();
        let fd = transfer(vm, args.values[0], libc::POLLIN, |fd| {
            address = Address::empty();
            // SAFETY: the address is as long as said.
            unsafe { libc::accept4(fd, address.ptr_mut(), &mut address.len, libc::SOCK_CLOEXEC) as isize }
        })?;
        let address = address_value(vm, &address)?;
        Ok(vm.new_tuple(&[Value::from_int(fd as i64), address]))
    }),
    MethodDef::method("connect", 2, 2, |vm, args| match connect(vm, args)? {
        0 => Ok(vm.none),
        errno => Err(vm.os_error(errno, Value::NULL)),
    }),
    MethodDef::method("connect_ex", 2, 2, |vm, args| {
        let errno = connect(vm, args)?;
        Ok(vm.int(i64::from(errno)))
    }),
    MethodDef::method("getsockname", 1, 1, |vm, args| name_of(vm, args, libc::getsockname)),
    MethodDef::method("getpeername", 1, 1, |vm, args| name_of(vm, args, libc::getpeername)),
    MethodDef::method("shutdown", 2, 2, |vm, args| {
        let how = vm.index(args.values[1])? as i32;
        // SAFETY: plain system call.
        let result = unsafe { libc::shutdown(cast::<Socket>(args.values[0]).fd.get() as i32, how) };
        if result < 0 { Err(last_error(vm)) } else { Ok(vm.none) }
    }),
    MethodDef::method("getsockopt", 3, 4, get_option),
    MethodDef::method("setsockopt", 4, 4, set_option),
];

fn option(vm: &mut Vm, value: Option<Value>) -> PyResult<i32> {
    match value {
        Some(value) => Ok(vm.index(value)? as i32),
        None => Ok(0),
    }
}

fn buffer_of_size(vm: &mut Vm, size: Value) -> PyResult<Vec<u8>> {
    let size = vm.index(size)?;
    if size < 0 { Err(vm.value_error("negative buffersize in recv")) } else { Ok(heap::zeros(size as usize)) }
}

fn send(vm: &mut Vm, socket: Value, data: &[u8], flags: i32) -> PyResult<usize> {
    // SAFETY: the data is as long as said.
    transfer(vm, socket, libc::POLLOUT, |fd| unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), flags) })
}

fn receive(vm: &mut Vm, socket: Value, buffer: &mut [u8], flags: i32) -> PyResult<usize> {
    // SAFETY: the buffer is as long as said.
    transfer(vm, socket, libc::POLLIN, |fd| unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), buffer.len(), flags) })
}

/// 0 or the error's number.
fn connect(vm: &mut Vm, args: &CallArgs) -> PyResult<i32> {
    let s = cast::<Socket>(args.values[0]);
    let fd = s.fd.get() as i32;
    let address = parse_address(vm, s.family.get() as i32, args.values[1])?;
    // SAFETY: the address is as long as said.
    if unsafe { libc::connect(fd, address.ptr(), address.len) } == 0 {
        return Ok(0);
    }
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    let pending = errno == libc::EINTR || errno == libc::EINPROGRESS && s.timeout.get() > 0;
    if !pending || s.timeout.get() == 0 {
        return Ok(errno);
    }
    let end = if s.timeout.get() > 0 { clocks::monotonic().saturating_add(s.timeout.get()) } else { i64::MAX };
    wait_ready(vm, fd, libc::POLLOUT, end.min(clocks::monotonic().saturating_add(1_000_000_000_000)))?;
    Ok(get_int_option(fd, libc::SOL_SOCKET, libc::SO_ERROR).unwrap_or(libc::EBADF))
}

type NameOf = unsafe extern "C" fn(libc::c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;

fn name_of(vm: &mut Vm, args: &CallArgs, call: NameOf) -> PyResult {
    let mut address = Address::empty();
    // SAFETY: the address is as long as said.
    if unsafe { call(cast::<Socket>(args.values[0]).fd.get() as i32, address.ptr_mut(), &mut address.len) } < 0 {
        return Err(last_error(vm));
    }
    address_value(vm, &address)
}

fn get_option(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let fd = cast::<Socket>(args.values[0]).fd.get() as i32;
    let (level, option) = (vm.index(args.values[1])? as i32, vm.index(args.values[2])? as i32);
    let Some(size) = args.get(3) else {
        return match get_int_option(fd, level, option) {
            Some(value) => Ok(vm.int(i64::from(value))),
            None => Err(last_error(vm)),
        };
    };
    let size = vm.index(size)?;
    if !(1..=1024).contains(&size) {
        return Err(vm.os_error_text("getsockopt buflen out of range"));
    }
    let mut buffer = heap::zeros(size as usize);
    let mut length = size as libc::socklen_t;
    // SAFETY: the buffer is as long as said.
    if unsafe { libc::getsockopt(fd, level, option, buffer.as_mut_ptr().cast(), &mut length) } < 0 {
        return Err(last_error(vm));
    }
    Ok(vm.new_bytes(&buffer[..length as usize]))
}

fn set_option(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let fd = cast::<Socket>(args.values[0]).fd.get() as i32;
    let (level, option) = (vm.index(args.values[1])? as i32, vm.index(args.values[2])? as i32);
    let number;
    let bytes: &[u8] = if vm.is_int(args.values[3]) {
        number = (vm.index(args.values[3])? as i32).to_ne_bytes();
        &number
    } else {
        vm.bytes_like(args.values[3])?
    };
    // SAFETY: the value is as long as said.
    let result = unsafe { libc::setsockopt(fd, level, option, bytes.as_ptr().cast(), bytes.len() as libc::socklen_t) };
    if result < 0 { Err(last_error(vm)) } else { Ok(vm.none) }
}
