//! Processes: identities, forking, executing, waiting.

use super::paths::path;
use super::{State, c_int, last_error, none_if_ok, retrying};
use crate::support::signature;
use crate::vm_ext::VmExt;
use heap::Value;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::PyResult;
use objects::vm::Vm;
use std::ffi::CString;

/// A function without arguments that gives a number and cannot fail.
macro_rules! number {
    ($name:literal, $function:path) => {
        MethodDef::function($name, 0, 0, |vm, _| {
            // SAFETY: plain system call.
            let number = unsafe { $function() };
            Ok(vm.int(i64::from(number)))
        })
    };
}

/// A function of one number that gives None.
macro_rules! of_number {
    ($name:literal, $function:path) => {
        MethodDef::function($name, 1, 1, |vm, args| {
            let number = vm.index(args.values[0])?;
            // SAFETY: plain system call.
            let result = unsafe { $function(number as u32) };
            none_if_ok(vm, result, Value::NULL)
        })
    };
}

/// A question about the status that `waitpid` gave.
macro_rules! status {
    ($name:literal, $function:path, bool) => {
        MethodDef::function($name, 0, 1, |vm, args| {
            let [status] = args.bind(vm, $name, &signature(["status"], 1))?;
            let status = c_int(vm, status)?;
            Ok(vm.bool($function(status)))
        })
        .with_keywords()
    };
    ($name:literal, $function:path) => {
        MethodDef::function($name, 0, 1, |vm, args| {
            let [status] = args.bind(vm, $name, &signature(["status"], 1))?;
            let status = c_int(vm, status)?;
            Ok(vm.int(i64::from($function(status))))
        })
        .with_keywords()
    };
}

pub(super) static FUNCTIONS: &[MethodDef] = &[
    number!("getpid", libc::getpid)
    .with_doc("getpid($module, /)\n--\n\nReturn the current process id."),
    number!("getppid", libc::getppid)
    .with_doc("getppid($module, /)\n--\n\nReturn the parent's process id.\n\nIf the parent process has already exited, Windows machines will still\nreturn its id; others systems will return the id of the 'init' proces\n(1)."),
    number!("getuid", libc::getuid)
    .with_doc("getuid($module, /)\n--\n\nReturn the current process's user id."),
    number!("geteuid", libc::geteuid)
    .with_doc("geteuid($module, /)\n--\n\nReturn the current process's effective user id."),
    number!("getgid", libc::getgid)
    .with_doc("getgid($module, /)\n--\n\nReturn the current process's group id."),
    number!("getegid", libc::getegid)
    .with_doc("getegid($module, /)\n--\n\nReturn the current process's effective group id."),
    number!("getpgrp", libc::getpgrp)
    .with_doc("getpgrp($module, /)\n--\n\nReturn the current process group id."),
    of_number!("setuid", libc::setuid)
    .with_doc("setuid($module, uid, /)\n--\n\nSet the current process's user id."),
    of_number!("seteuid", libc::seteuid)
    .with_doc("seteuid($module, euid, /)\n--\n\nSet the current process's effective user id."),
    of_number!("setgid", libc::setgid)
    .with_doc("setgid($module, gid, /)\n--\n\nSet the current process's group id."),
    of_number!("setegid", libc::setegid)
    .with_doc("setegid($module, egid, /)\n--\n\nSet the current process's effective group id."),
    MethodDef::function("setsid", 0, 0, |vm, _| {
        // SAFETY: plain system call.
        let result = unsafe { libc::setsid() };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_doc("setsid($module, /)\n--\n\nCall the system call setsid()."),
    MethodDef::function("getsid", 1, 1, |vm, args| {
        let pid = c_int(vm, args.values[0])?;
        // SAFETY: plain system call.
        let result = unsafe { libc::getsid(pid) };
        if result < 0 { Err(last_error(vm, Value::NULL)) } else { Ok(vm.int(i64::from(result))) }
    })
    .with_doc("getsid($module, pid, /)\n--\n\nCall the system call getsid(pid) and return the result."),
    MethodDef::function("getpgid", 0, 1, |vm, args| {
        let [pid] = args.bind(vm, "getpgid", &signature(["pid"], 1))?;
        let pid = c_int(vm, pid)?;
        // SAFETY: plain system call.
        let result = unsafe { libc::getpgid(pid) };
        if result < 0 { Err(last_error(vm, Value::NULL)) } else { Ok(vm.int(i64::from(result))) }
    })
    .with_keywords()
    .with_doc("getpgid($module, /, pid)\n--\n\nCall the system call getpgid(), and return the result."),
    MethodDef::function("setpgid", 2, 2, |vm, args| {
        let (pid, group) = (c_int(vm, args.values[0])?, c_int(vm, args.values[1])?);
        // SAFETY: plain system call.
        let result = unsafe { libc::setpgid(pid, group) };
        none_if_ok(vm, result, Value::NULL)
    })
    .with_doc("setpgid($module, pid, pgrp, /)\n--\n\nCall the system call setpgid(pid, pgrp)."),
    MethodDef::function("getgroups", 0, 0, |vm, _| {
        let mut groups = [0; 1024];
        // SAFETY: as many numbers are writable as said.
        let count = unsafe { libc::getgroups(groups.len() as i32, groups.as_mut_ptr()) };
        if count < 0 {
            return Err(last_error(vm, Value::NULL));
        }
        let groups: Vec<Value> = // immediate
            groups[..count as usize].iter().map(|&group| Value::from_int(i64::from(group))).collect();
        Ok(vm.new_list(&groups))
    })
    .with_doc("getgroups($module, /)\n--\n\nReturn list of supplemental group IDs for the process."),
    MethodDef::function("nice", 1, 1, |vm, args| {
        let increment = c_int(vm, args.values[0])?;
        // SAFETY: `errno` is the thread's own; -1 may be a result.
        let (result, errno) = unsafe {
            *libc::__errno_location() = 0;
            (libc::nice(increment), *libc::__errno_location())
        };
        if result == -1 && errno != 0 { Err(last_error(vm, Value::NULL)) } else { Ok(vm.int(i64::from(result))) }
    })
    .with_doc("nice($module, increment, /)\n--\n\nAdd increment to the priority of process and return the new priority."),
    MethodDef::function("kill", 2, 2, |vm, args| {
        let (pid, number) = (c_int(vm, args.values[0])?, c_int(vm, args.values[1])?);
        // SAFETY: plain system call.
        if unsafe { libc::kill(pid, number) } < 0 {
            return Err(last_error(vm, Value::NULL));
        }
        interp::poll::attend(vm)?;
        Ok(vm.none)
    })
    .with_doc("kill($module, pid, signal, /)\n--\n\nKill a process with a signal."),
    MethodDef::function("killpg", 2, 2, |vm, args| {
        let (group, number) = (c_int(vm, args.values[0])?, c_int(vm, args.values[1])?);
        // SAFETY: plain system call.
        if unsafe { libc::killpg(group, number) } < 0 {
            return Err(last_error(vm, Value::NULL));
        }
        interp::poll::attend(vm)?;
        Ok(vm.none)
    })
    .with_doc("killpg($module, pgid, signal, /)\n--\n\nKill a process group with a signal."),
    MethodDef::function("pidfd_open", 0, 2, |vm, args| {
        let [pid, flags] = args.bind(vm, "pidfd_open", &signature(["pid", "flags"], 1))?;
        let pid = c_int(vm, pid)?;
        let flags = if flags.is_null() { 0 } else { c_int(vm, flags)? };
        // SAFETY: asks for a descriptor.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) };
        if fd < 0 { Err(last_error(vm, Value::NULL)) } else { Ok(vm.int(fd)) }
    })
    .with_keywords()
    .with_doc("pidfd_open($module, /, pid, flags=0)\n--\n\nReturn a file descriptor referring to the process *pid*.\n\nThe descriptor can be used to perform process management without races\nand signals."),
    MethodDef::function("_exit", 0, 1, |vm, args| {
        let [status] = args.bind(vm, "_exit", &signature(["status"], 1))?;
        let status = c_int(vm, status)?;
        // SAFETY: ends the process.
        unsafe { libc::_exit(status) }
    })
    .with_keywords()
    .with_doc("_exit($module, /, status)\n--\n\nExit to the system with specified status, without normal exit processing."),
    MethodDef::function("abort", 0, 0, |_, _| std::process::abort())
    .with_doc("abort($module, /)\n--\n\nAbort the interpreter immediately.\n\nThis function 'dumps core' or otherwise fails in the hardest way\npossible on the hosting operating system.  This function never returns."),
    MethodDef::function("fork", 0, 0, |vm, _| fork(vm))
    .with_doc("fork($module, /)\n--\n\nFork a child process.\n\nReturn 0 to child process and PID of child to parent process."),
    MethodDef::function("register_at_fork", 0, 0, register_at_fork).with_keywords()
    .with_doc("register_at_fork($module, /, *, before=<unrepresentable>,\n                 after_in_child=<unrepresentable>,\n                 after_in_parent=<unrepresentable>)\n--\n\nRegister callables to be called when forking a new process.\n\n  before\n    A callable to be called in the parent before the fork() syscall.\n  after_in_child\n    A callable to be called in the child after fork().\n  after_in_parent\n    A callable to be called in the parent after fork().\n\n'before' callbacks are called in reverse order.\n'after_in_child' and 'after_in_parent' callbacks are called in order."),
    MethodDef::function("execv", 2, 2, |vm, args| execute(vm, "execv", args.values[0], args.values[1], Value::NULL))
    .with_doc("execv($module, path, argv, /)\n--\n\nExecute an executable path with arguments, replacing current process.\n\n  path\n    Path of executable file.\n  argv\n    Tuple or list of strings."),
    MethodDef::function("execve", 0, 3, |vm, args| {
        let [name, arguments, environment] = args.bind(vm, "execve", &signature(["path", "argv", "env"], 3))?;
        execute(vm, "execve", name, arguments, environment)
    })
    .with_keywords()
    .with_doc("execve($module, /, path, argv, env)\n--\n\nExecute an executable path with arguments, replacing current process.\n\n  path\n    Path of executable file.\n  argv\n    Tuple or list of strings.\n  env\n    Dictionary of strings mapping to strings."),
    MethodDef::function("system", 0, 1, |vm, args| {
        let [command] = args.bind(vm, "system", &signature(["command"], 1))?;
        let command = vm.fs_path(command)?;
        let Ok(command) = CString::new(command) else { return Err(vm.value_error("embedded null byte")) };
        crate::io::write_out_all(vm);
        // SAFETY: the command is NUL-terminated.
        let status = unsafe { libc::system(command.as_ptr()) };
        Ok(vm.int(i64::from(status)))
    })
    .with_keywords()
    .with_doc("system($module, /, command)\n--\n\nExecute the command in a subshell."),
    MethodDef::function("waitpid", 2, 2, |vm, args| {
        let (pid, options) = (c_int(vm, args.values[0])?, c_int(vm, args.values[1])?);
        wait(vm, pid, options)
    })
    .with_doc("waitpid($module, pid, options, /)\n--\n\nWait for completion of a given child process.\n\nReturns a tuple of information regarding the child process:\n    (pid, status)\n\nThe options argument is ignored on Windows."),
    MethodDef::function("wait", 0, 0, |vm, _| wait(vm, -1, 0))
    .with_doc("wait($module, /)\n--\n\nWait for completion of a child process.\n\nReturns a tuple of information about the child process:\n    (pid, status)"),
    MethodDef::function("waitstatus_to_exitcode", 0, 1, |vm, args| {
        let [status] = args.bind(vm, "waitstatus_to_exitcode", &signature(["status"], 1))?;
        let status = c_int(vm, status)?;
        if libc::WIFEXITED(status) {
            return Ok(vm.int(i64::from(libc::WEXITSTATUS(status))));
        }
        if libc::WIFSIGNALED(status) {
            return Ok(vm.int(-i64::from(libc::WTERMSIG(status))));
        }
        if libc::WIFSTOPPED(status) {
            let number = libc::WSTOPSIG(status);
            return Err(vm.value_error(format!("process stopped by delivery of signal {number}")));
        }
        Err(vm.value_error(format!("invalid wait status: {status}")))
    })
    .with_keywords()
    .with_doc("waitstatus_to_exitcode($module, /, status)\n--\n\nConvert a wait status to an exit code.\n\nOn Unix:\n\n* If WIFEXITED(status) is true, return WEXITSTATUS(status).\n* If WIFSIGNALED(status) is true, return -WTERMSIG(status).\n* Otherwise, raise a ValueError.\n\nOn Windows, return status shifted right by 8 bits.\n\nOn Unix, if the process is being traced or if waitpid() was called with\nWUNTRACED option, the caller must first check if WIFSTOPPED(status) is\ntrue.  This function must not be called if WIFSTOPPED(status) is true."),
    status!("WIFEXITED", libc::WIFEXITED, bool)
    .with_doc("WIFEXITED($module, /, status)\n--\n\nReturn True if the process returning status exited via the exit() system call."),
    status!("WIFSIGNALED", libc::WIFSIGNALED, bool)
    .with_doc("WIFSIGNALED($module, /, status)\n--\n\nReturn True if the process returning status was terminated by a signal."),
    status!("WIFSTOPPED", libc::WIFSTOPPED, bool)
    .with_doc("WIFSTOPPED($module, /, status)\n--\n\nReturn True if the process returning status was stopped."),
    status!("WIFCONTINUED", libc::WIFCONTINUED, bool)
    .with_doc("WIFCONTINUED($module, /, status)\n--\n\nReturn True if a particular process was continued from a job control stop.\n\nReturn True if the process returning status was continued from a\njob control stop."),
    status!("WCOREDUMP", libc::WCOREDUMP, bool)
    .with_doc("WCOREDUMP($module, status, /)\n--\n\nReturn True if the process returning status was dumped to a core file."),
    status!("WEXITSTATUS", libc::WEXITSTATUS)
    .with_doc("WEXITSTATUS($module, /, status)\n--\n\nReturn the process return code from status."),
    status!("WTERMSIG", libc::WTERMSIG)
    .with_doc("WTERMSIG($module, /, status)\n--\n\nReturn the signal that terminated the process that provided the status value."),
    status!("WSTOPSIG", libc::WSTOPSIG)
    .with_doc("WSTOPSIG($module, /, status)\n--\n\nReturn the signal that stopped the process that provided the status value."),
];

fn wait(vm: &mut Vm, pid: i32, options: i32) -> PyResult {
    let mut status = 0;
    // SAFETY: the status is writable.
    let pid = retrying(vm, Value::NULL, || i64::from(unsafe { libc::waitpid(pid, &mut status, options) }))?;
    let pid = vm.int(pid);
    Ok(vm.new_tuple(&[pid, Value::from_int(i64::from(status))]))
}

pub const BEFORE: usize = 0;
pub const IN_PARENT: usize = 1;
pub const IN_CHILD: usize = 2;

fn register_at_fork(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let signature = Signature { max_positional: 0, ..signature(["before", "after_in_parent", "after_in_child"], 0) };
    let functions = args.bind(vm, "register_at_fork", &signature)?;
    if functions.iter().all(|function| function.is_null()) {
        return Err(vm.type_error("At least one argument is required."));
    }
    for (when, function) in functions.into_iter().enumerate().filter(|(_, function)| !function.is_null()) {
        if !vm.is_callable(function) {
            let name = ["before", "after_in_parent", "after_in_child"][when];
            let given = vm.type_name(function);
            return Err(vm.type_error(format!("'{name}' must be callable, not {given}")));
        }
        let list = match vm.extension::<State>().at_fork[when] {
            Some(handle) => vm.handle(handle),
            None => {
                let list = vm.new_list(&[]);
                let handle = vm.keep(list);
                vm.extension::<State>().at_fork[when] = Some(handle);
                list
            }
        };
        vm.list_append(list, function);
    }
    Ok(vm.none)
}

/// The last registered first before the fork, the first one first after it. Their errors are reported, not raised.
pub fn run_at_fork(vm: &mut Vm, when: usize) {
    let Some(handle) = vm.extension::<State>().at_fork[when] else { return };
    let functions = vm.handle(handle);
    let count = objects::list::items(functions).len();
    for i in 0..count {
        let i = if when == BEFORE { count - 1 - i } else { i };
        let function = objects::list::items(functions)[i];
        if let Err(raised) = vm.call(function, &[]) {
            interp::warnings::unraisable(vm, raised.0, "Exception ignored in at-fork callback", function);
        }
    }
}

fn fork(vm: &mut Vm) -> PyResult {
    crate::io::write_out_all(vm);
    run_at_fork(vm, BEFORE);
    // SAFETY: the process has one thread that runs Python; the child goes on with a copy of it.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        vm.thread.forked();
    }
    run_at_fork(vm, if pid == 0 { IN_CHILD } else { IN_PARENT });
    if pid < 0 { Err(last_error(vm, Value::NULL)) } else { Ok(vm.int(i64::from(pid))) }
}

/// Pointers to strings, with a null pointer at the end.
pub fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
}

/// A sequence of strs, bytes or paths as C strings.
pub fn c_strings(vm: &mut Vm, values: Value) -> PyResult<Vec<CString>> {
    let values = vm.collect(values)?;
    let mut strings = Vec::new();
    for &value in values.as_slice() {
        let text = vm.fs_path(value)?;
        match CString::new(text) {
            Ok(text) => strings.push(text),
            Err(_) => return Err(vm.value_error("embedded null byte")),
        }
    }
    Ok(strings)
}

/// `NAME=value` of each item of a mapping.
fn environment_strings(vm: &mut Vm, mapping: Value) -> PyResult<Vec<CString>> {
    let items = vm.call_method(mapping, "items", &[])?;
    let items = vm.collect(items)?;
    let mut strings = Vec::new();
    for &item in items.as_slice() {
        let &[name, value] = objects::tuple::items(item) else {
            return Err(vm.type_error("env.items() must give pairs"));
        };
        let mut text = vm.fs_path(name)?;
        if text.contains(&b'=') {
            return Err(vm.value_error("illegal environment variable name"));
        }
        text.push(b'=');
        text.extend(vm.fs_path(value)?);
        match CString::new(text) {
            Ok(text) => strings.push(text),
            Err(_) => return Err(vm.value_error("embedded null byte")),
        }
    }
    Ok(strings)
}

fn execute(vm: &mut Vm, function: &str, name: Value, arguments: Value, environment: Value) -> PyResult {
    let name = path(vm, function, "path", name)?;
    crate::io::write_out_all(vm);
    if !objects::tuple::is_tuple(vm, arguments) && !objects::list::is_list(vm, arguments) {
        return Err(vm.type_error(format!("{function}: argv must be a tuple or list")));
    }
    let arguments = c_strings(vm, arguments)?;
    match arguments.first() {
        None if function == "execv" => return Err(vm.value_error("execv() arg 2 must not be empty")),
        None => return Err(vm.value_error("execve: argv must not be empty")),
        Some(first) if first.is_empty() => {
            let what = if function == "execv" { "execv() arg 2" } else { "execve: argv" };
            return Err(vm.value_error(format!("{what} first element cannot be empty")));
        }
        Some(_) => {}
    }
    let pointers_to_arguments = pointers(&arguments);
    if environment.is_null() {
        // SAFETY: all strings are NUL-terminated, the array ends with a null pointer.
        unsafe { libc::execv(name.ptr(), pointers_to_arguments.as_ptr()) };
    } else {
        let strings = environment_strings(vm, environment)?;
        let environment = pointers(&strings);
        // SAFETY: as above.
        unsafe { libc::execve(name.ptr(), pointers_to_arguments.as_ptr(), environment.as_ptr()) };
    }
    Err(last_error(vm, name.value))
}
