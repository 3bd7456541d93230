//! Addresses, as Python and as the system write them.

use super::State;
use crate::support::{is_absent, signature};
use heap::Value;
use objects::args::CallArgs;
use objects::error::{PyResult, Raised};
use objects::tuple;
use objects::vm::Vm;
use std::ffi::{CStr, CString};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The system's form of an address of any family.
pub(super) struct Address {
    storage: libc::sockaddr_storage,
    pub len: libc::socklen_t,
}

impl Address {
    pub fn empty() -> Address {
        // SAFETY: all-zero is a valid `sockaddr_storage`.
        let storage = unsafe { std::mem::zeroed() };
        Address { storage, len: size_of::<libc::sockaddr_storage>() as libc::socklen_t }
    }

    pub fn ptr(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    pub fn ptr_mut(&mut self) -> *mut libc::sockaddr {
        (&raw mut self.storage).cast()
    }

    /// A copy of `T`, one of the system's address structures.
    fn of<T>(address: T) -> Address {
        const { assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>()) };
        let mut made = Address::empty();
        // SAFETY: the storage has room for the structure.
        unsafe { made.ptr_mut().cast::<T>().write_unaligned(address) };
        made.len = size_of::<T>() as libc::socklen_t;
        made
    }

    fn read<T: Copy>(&self) -> T {
        const { assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>()) };
        // SAFETY: the storage is at least as large, and all bytes of it are initialised.
        unsafe { self.ptr().cast::<T>().read_unaligned() }
    }

    fn v4(address: Ipv4Addr, port: u16) -> Address {
        // SAFETY: all-zero is a valid `sockaddr_in`.
        let mut made: libc::sockaddr_in = unsafe { std::mem::zeroed() };
        made.sin_family = libc::AF_INET as libc::sa_family_t;
        made.sin_port = port.to_be();
        made.sin_addr.s_addr = u32::from(address).to_be();
        Address::of(made)
    }

    fn v6(address: Ipv6Addr, port: u16, flow: u32, scope: u32) -> Address {
        // SAFETY: all-zero is a valid `sockaddr_in6`.
        let mut made: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
        made.sin6_family = libc::AF_INET6 as libc::sa_family_t;
        made.sin6_port = port.to_be();
        made.sin6_flowinfo = flow.to_be();
        made.sin6_addr.s6_addr = address.octets();
        made.sin6_scope_id = scope;
        Address::of(made)
    }
}

/// From a tuple of host and port, or the path of a Unix socket.
pub(super) fn parse_address(vm: &mut Vm, family: i32, value: Value) -> PyResult<Address> {
    if family == libc::AF_UNIX {
        return unix_address(vm, value);
    }
    if !tuple::is_tuple(vm, value) {
        let given = vm.type_name(value);
        let name = if family == libc::AF_INET6 { "AF_INET6" } else { "AF_INET" };
        return Err(vm.type_error(format!("{name} address must be tuple, not {given}")));
    }
    let items = tuple::items(value);
    let (least, most) = if family == libc::AF_INET6 { (2, 4) } else { (2, 2) };
    if !(least..=most).contains(&items.len()) {
        return Err(vm.type_error("address must be a pair (host, port)"));
    }
    let port = vm.index(items[1])?;
    let Ok(port) = u16::try_from(port) else { return Err(vm.overflow_error("port must be 0-65535.")) };
    let host = vm.str(items[0])?;
    let mut number = |i: usize| items.get(i).map_or(Ok(0), |&value| vm.index(value));
    let (flow, scope) = (number(2)? as u32, number(3)? as u32);
    match (family, host) {
        (libc::AF_INET, "") => Ok(Address::v4(Ipv4Addr::UNSPECIFIED, port)),
        (libc::AF_INET, "<broadcast>") => Ok(Address::v4(Ipv4Addr::BROADCAST, port)),
        (libc::AF_INET6, "") => Ok(Address::v6(Ipv6Addr::UNSPECIFIED, port, flow, scope)),
        (libc::AF_INET, host) if host.parse::<Ipv4Addr>().is_ok() => {
            Ok(Address::v4(host.parse().expect("tried"), port))
        }
        (libc::AF_INET6, host) if host.parse::<Ipv6Addr>().is_ok() => {
            Ok(Address::v6(host.parse().expect("tried"), port, flow, scope))
        }
        (libc::AF_INET | libc::AF_INET6, host) => {
            let found = resolve(vm, Some(host), Some(&port.to_string()), [family, libc::SOCK_STREAM, 0, 0])?;
            Ok(found.into_iter().next().expect("no error means a result").address)
        }
        _ => Err(vm.type_error(format!("unsupported address family {family}"))),
    }
}

fn unix_address(vm: &mut Vm, value: Value) -> PyResult<Address> {
    let path = if vm.is_str(value) { vm.str_bytes(value) } else { vm.bytes_like(value)? };
    // SAFETY: all-zero is a valid `sockaddr_un`.
    let mut made: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    // A path ends with NUL, unless it is of Linux's abstract namespace.
    if path.len() + usize::from(path.first() != Some(&0)) > made.sun_path.len() {
        return Err(vm.raise(vm.exc.os_error, "AF_UNIX path too long"));
    }
    made.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (to, &from) in made.sun_path.iter_mut().zip(path) {
        *to = from as libc::c_char;
    }
    let is_abstract = path.first() == Some(&0);
    let mut address = Address::of(made);
    address.len =
        (std::mem::offset_of!(libc::sockaddr_un, sun_path) + path.len() + usize::from(!is_abstract)) as libc::socklen_t;
    Ok(address)
}

/// As Python writes it.
pub(super) fn address_value(vm: &mut Vm, address: &Address) -> PyResult {
    if address.len == 0 {
        return Ok(vm.none);
    }
    match i32::from(address.storage.ss_family) {
        libc::AF_INET => {
            let found: libc::sockaddr_in = address.read();
            let host = vm.new_str(&Ipv4Addr::from(u32::from_be(found.sin_addr.s_addr)).to_string());
            let port = Value::from_int(i64::from(u16::from_be(found.sin_port)));
            Ok(vm.new_tuple(&[host, port]))
        }
        libc::AF_INET6 => {
            let found: libc::sockaddr_in6 = address.read();
            let host = vm.new_str(&Ipv6Addr::from(found.sin6_addr.s6_addr).to_string());
            let numbers = [
                i64::from(u16::from_be(found.sin6_port)),
                i64::from(u32::from_be(found.sin6_flowinfo)),
                i64::from(found.sin6_scope_id),
            ]
            .map(Value::from_int);
            Ok(vm.new_tuple(&[host, numbers[0], numbers[1], numbers[2]]))
        }
        libc::AF_UNIX => {
            let found: libc::sockaddr_un = address.read();
            let length = (address.len as usize).saturating_sub(std::mem::offset_of!(libc::sockaddr_un, sun_path));
            let path: Vec<u8> =
                found.sun_path[..length.min(found.sun_path.len())].iter().map(|&byte| byte as u8).collect();
            if path.first() == Some(&0) {
                return Ok(vm.new_bytes(&path));
            }
            let end = path.iter().position(|&byte| byte == 0).unwrap_or(path.len());
            Ok(objects::codecs::Codec::Utf8.decode(vm, &path[..end], "surrogateescape", true)?.0)
        }
        family => {
            let family = Value::from_int(i64::from(family));
            let nothing = vm.empty_bytes;
            Ok(vm.new_tuple(&[family, nothing]))
        }
    }
}

struct Found {
    family: i32,
    kind: i32,
    protocol: i32,
    canonical: String,
    address: Address,
}

fn resolve_error(vm: &mut Vm, code: i32) -> Raised {
    let Some(class) = vm.extension::<State>().resolve_error else {
        return vm.system_error("module _socket is not there");
    };
    let class = vm.handle(class);
    // SAFETY: returns a string of the C library for any number.
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) }.to_string_lossy();
    let text = vm.new_str(&text);
    match vm.call(class, &[Value::from_int(i64::from(code)), text]) {
        Ok(exception) => vm.raise_instance(exception),
        Err(raised) => raised,
    }
}

/// `hints`: family, type, protocol, flags.
fn resolve(vm: &mut Vm, host: Option<&str>, port: Option<&str>, hints: [i32; 4]) -> PyResult<Vec<Found>> {
    let c_string = |text: &str| CString::new(text).unwrap_or_default();
    let (host, port) = (host.map(c_string), port.map(c_string));
    let pointer = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
    // SAFETY: all-zero is a valid `addrinfo`; strings are NUL-terminated; the list is freed once, after its use.
    unsafe {
        let mut wanted: libc::addrinfo = std::mem::zeroed();
        [wanted.ai_family, wanted.ai_socktype, wanted.ai_protocol, wanted.ai_flags] = hints;
        let mut first = std::ptr::null_mut();
        let code = libc::getaddrinfo(pointer(&host), pointer(&port), &wanted, &mut first);
        if code != 0 {
            return Err(resolve_error(vm, code));
        }
        let mut found = Vec::new();
        let mut at = first;
        while let Some(entry) = at.as_ref() {
            let mut address = Address::empty();
            std::ptr::copy_nonoverlapping(
                entry.ai_addr.cast::<u8>(),
                address.ptr_mut().cast(),
                entry.ai_addrlen as usize,
            );
            address.len = entry.ai_addrlen;
            let canonical = if entry.ai_canonname.is_null() {
                String::new()
            } else {
                CStr::from_ptr(entry.ai_canonname).to_string_lossy().into_owned()
            };
            found.push(Found {
                family: entry.ai_family,
                kind: entry.ai_socktype,
                protocol: entry.ai_protocol,
                canonical,
                address,
            });
            at = entry.ai_next;
        }
        libc::freeaddrinfo(first);
        Ok(found)
    }
}

pub(super) fn getaddrinfo(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature = signature(["host", "port", "family", "type", "proto", "flags"], 2);
    let [host, port, family, kind, protocol, flags] = args.bind(vm, "getaddrinfo", &signature)?;
    let host = if is_absent(vm, host) {
        None
    } else if vm.is_str(host) {
        Some(vm.str(host)?.to_owned())
    } else {
        match vm.bytes_of(host) {
            Some(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            None => return Err(vm.type_error("getaddrinfo() argument 1 must be string or None")),
        }
    };
    let port = if is_absent(vm, port) {
        None
    } else if vm.is_int(port) {
        Some(vm.index(port)?.to_string())
    } else if vm.is_str(port) {
        Some(vm.str(port)?.to_owned())
    } else {
        match vm.bytes_of(port) {
            Some(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            None => return Err(vm.type_error("Int or String expected")),
        }
    };
    let mut hints = [0; 4];
    for (hint, value) in hints.iter_mut().zip([family, kind, protocol, flags]) {
        *hint = if value.is_null() { 0 } else { vm.index(value)? as i32 };
    }
    let list = vm.new_list(&[]);
    for found in resolve(vm, host.as_deref(), port.as_deref(), hints)? {
        let address = address_value(vm, &found.address)?;
        let canonical = vm.new_str(&found.canonical);
        let [family, kind, protocol] =
            [found.family, found.kind, found.protocol].map(|n| Value::from_int(i64::from(n)));
        let row = vm.new_tuple(&[family, kind, protocol, canonical, address]);
        vm.list_append(list, row);
    }
    Ok(list)
}

pub(super) fn gethostbyname(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let host = vm.str(args.values[0])?;
    let found = resolve(vm, Some(host), None, [libc::AF_INET, libc::SOCK_STREAM, 0, 0])?;
    let address = address_value(vm, &found[0].address)?;
    Ok(tuple::items(address)[0])
}

pub(super) fn inet_aton(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let text = CString::new(vm.str(args.values[0])?).unwrap_or_default();
    unsafe extern "C" {
        fn inet_aton(text: *const libc::c_char, address: *mut libc::in_addr) -> libc::c_int;
    }
    let mut address = libc::in_addr { s_addr: 0 };
    // SAFETY: the text is NUL-terminated, the result writable.
    if unsafe { inet_aton(text.as_ptr(), &mut address) } == 0 {
        return Err(vm.raise(vm.exc.os_error, "illegal IP address string passed to inet_aton"));
    }
    Ok(vm.new_bytes(&address.s_addr.to_ne_bytes()))
}

pub(super) fn inet_ntoa(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let bytes = vm.bytes_like(args.values[0])?;
    match <[u8; 4]>::try_from(bytes) {
        Ok(bytes) => Ok(vm.new_str(&Ipv4Addr::from(bytes).to_string())),
        Err(_) => Err(vm.raise(vm.exc.os_error, "packed IP wrong length")),
    }
}

pub(super) fn inet_pton(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let family = vm.index(args.values[0])? as i32;
    let text = vm.str(args.values[1])?;
    let bytes = match family {
        libc::AF_INET => text.parse::<Ipv4Addr>().map(|address| address.octets().to_vec()).ok(),
        libc::AF_INET6 => text.parse::<Ipv6Addr>().map(|address| address.octets().to_vec()).ok(),
        _ => return Err(vm.os_error(libc::EAFNOSUPPORT, Value::NULL)),
    };
    match bytes {
        Some(bytes) => Ok(vm.new_bytes(&bytes)),
        None => Err(vm.raise(vm.exc.os_error, "illegal IP address string passed to inet_pton")),
    }
}

pub(super) fn inet_ntop(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let family = vm.index(args.values[0])? as i32;
    let bytes = vm.bytes_like(args.values[1])?;
    let text = match (family, bytes.len()) {
        (libc::AF_INET, 4) => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).expect("four bytes")).to_string(),
        (libc::AF_INET6, 16) => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).expect("sixteen bytes")).to_string(),
        (libc::AF_INET | libc::AF_INET6, _) => return Err(vm.value_error("invalid length of packed IP address string")),
        _ => return Err(vm.value_error(format!("unknown address family {family}"))),
    };
    Ok(vm.new_str(&text))
}
