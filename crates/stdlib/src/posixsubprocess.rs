//! Module `_posixsubprocess`: forking and executing at once, for `subprocess`.

use crate::posix::{c_strings, pointers};
use crate::vm_ext::VmExt;
use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::vm::Vm;
use std::ffi::CString;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_posixsubprocess",
    doc: "A POSIX helper for the subprocess module.",
    functions: &[MethodDef::function("fork_exec", 22, 22, fork_exec)],
    init: |_, _| Ok(()),
};

/// What the child does between fork and exec.
struct Plan {
    arguments: Vec<CString>,
    /// Tried in turn.
    executables: Vec<CString>,
    environment: Option<Vec<CString>>,
    close_others: bool,
    /// Sorted; they stay open.
    kept: Vec<i32>,
    directory: Option<CString>,
    /// Ends of the pipes for stdin, stdout and stderr: the child's and the parent's; -1: none.
    pipes: [(i32, i32); 3],
    errors: (i32, i32),
    restore_signals: bool,
    new_session: bool,
    group: i32,
    gid: Option<u32>,
    groups: Option<Vec<u32>>,
    uid: Option<u32>,
    umask: i32,
}

fn fork_exec(vm: &mut Vm, args: &CallArgs) -> PyResult {
    crate::io::write_out_all(vm);
    let a = args.values;
    let number = |vm: &mut Vm, i: usize| -> PyResult<i32> { Ok(vm.index(a[i])? as i32) };
    let pipes =
        [(number(vm, 6)?, number(vm, 7)?), (number(vm, 9)?, number(vm, 8)?), (number(vm, 11)?, number(vm, 10)?)];
    let errors = (number(vm, 12)?, number(vm, 13)?);
    let (group, umask) = (number(vm, 16)?, number(vm, 20)?);
    let kept = vm.collect(a[3])?;
    let mut kept: Vec<i32> =
        kept.as_slice().iter().map(|&fd| vm.index(fd).map(|fd| fd as i32)).collect::<Result<_, _>>()?;
    kept.sort_unstable();
    let optional_id = |vm: &mut Vm, value: Value| -> PyResult<Option<u32>> {
        if value == vm.none { Ok(None) } else { Ok(Some(vm.index(value)? as u32)) }
    };
    let groups = if a[18] == vm.none {
        None
    } else {
        let groups = vm.collect(a[18])?;
        Some(
            groups
                .as_slice()
                .iter()
                .map(|&group| vm.index(group).map(|group| group as u32))
                .collect::<Result<_, _>>()?,
        )
    };
    let directory = if a[4] == vm.none {
        None
    } else {
        let directory = vm.fs_path(a[4])?;
        match CString::new(directory) {
            Ok(directory) => Some(directory),
            Err(_) => return Err(vm.value_error("embedded null byte")),
        }
    };
    let plan = Plan {
        arguments: c_strings(vm, a[0])?,
        executables: c_strings(vm, a[1])?,
        environment: if a[5] == vm.none { None } else { Some(c_strings(vm, a[5])?) },
        close_others: vm.truth(a[2])?,
        kept,
        directory,
        pipes,
        errors,
        restore_signals: vm.truth(a[14])?,
        new_session: vm.truth(a[15])?,
        group,
        gid: optional_id(vm, a[17])?,
        groups,
        uid: optional_id(vm, a[19])?,
        umask,
    };
    let before_exec = a[21];
    if before_exec != vm.none {
        crate::posix::run_at_fork(vm, crate::posix::BEFORE);
    }
    // SAFETY: the child only runs `Plan::run`, which executes or exits, and perhaps one Python function before that.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        vm.thread.forked();
        if before_exec != vm.none {
            crate::posix::run_at_fork(vm, crate::posix::IN_CHILD);
        }
        plan.run(|| before_exec == vm.none || vm.call(before_exec, &[]).is_ok());
    }
    let error = std::io::Error::last_os_error();
    if before_exec != vm.none {
        crate::posix::run_at_fork(vm, crate::posix::IN_PARENT);
    }
    if pid < 0 { Err(vm.io_error(&error, Value::NULL)) } else { Ok(vm.int(i64::from(pid))) }
}

impl Plan {
    /// In the child: executes, or tells the parent why not and exits.
    fn run(&self, before_exec: impl FnOnce() -> bool) -> ! {
        let stage = self.prepare(before_exec);
        let message = match stage {
            Ok(()) => {
                self.execute();
                let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
                format!("OSError:{errno:X}:")
            }
            Err("") => "SubprocessError:0:Exception occurred in preexec_fn.".to_owned(),
            Err(stage) => {
                let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
                format!("OSError:{errno:X}:{stage}")
            }
        };
        // SAFETY: the message is as long as said; the process ends.
        unsafe {
            libc::write(self.errors.1, message.as_ptr().cast(), message.len());
            libc::_exit(255)
        }
    }

    /// On failure: what was being done, as `subprocess` wants to know it.
    fn prepare(&self, before_exec: impl FnOnce() -> bool) -> Result<(), &'static str> {
        let check = |result: i32| if result < 0 { Err("noexec") } else { Ok(result) };
        // SAFETY: system calls on descriptors and strings that the plan owns.
        unsafe {
            for &fd in self.kept.iter().filter(|&&fd| fd != self.errors.1) {
                let flags = check(libc::fcntl(fd, libc::F_GETFD))?;
                check(libc::fcntl(fd, libc::F_SETFD, flags & !libc::FD_CLOEXEC))?;
            }
            for &(_, parent) in self.pipes.iter().filter(|(_, parent)| *parent >= 0) {
                libc::close(parent);
            }
            libc::close(self.errors.0);
            // Ends that lie where a standard stream will be move out of the way first.
            let mut ends = self.pipes.map(|(child, _)| child);
            for (target, end) in ends.iter_mut().enumerate() {
                if *end >= 0 && *end < target as i32 {
                    *end = check(libc::fcntl(*end, libc::F_DUPFD_CLOEXEC, 3))?;
                }
            }
            for (target, &end) in ends.iter().enumerate() {
                let target = target as i32;
                if end == target {
                    let flags = check(libc::fcntl(end, libc::F_GETFD))?;
                    check(libc::fcntl(end, libc::F_SETFD, flags & !libc::FD_CLOEXEC))?;
                } else if end >= 0 {
                    check(libc::dup2(end, target))?;
                }
            }
            if let Some(directory) = &self.directory
                && libc::chdir(directory.as_ptr()) < 0
            {
                return Err("noexec:chdir");
            }
            if self.umask >= 0 {
                libc::umask(self.umask as libc::mode_t);
            }
            if self.restore_signals {
                libc::signal(libc::SIGPIPE, libc::SIG_DFL);
                libc::signal(libc::SIGXFSZ, libc::SIG_DFL);
            }
            if self.new_session {
                check(libc::setsid())?;
            }
            if self.group >= 0 {
                check(libc::setpgid(0, self.group))?;
            }
            if let Some(groups) = &self.groups {
                check(libc::setgroups(groups.len(), groups.as_ptr()))?;
            }
            if let Some(gid) = self.gid {
                check(libc::setregid(gid, gid))?;
            }
            if let Some(uid) = self.uid {
                check(libc::setreuid(uid, uid))?;
            }
        }
        if !before_exec() {
            return Err("");
        }
        if self.close_others {
            self.close_descriptors();
        }
        Ok(())
    }

    /// All above the standard streams but those to keep.
    fn close_descriptors(&self) {
        let mut first = 3u32;
        for &kept in &self.kept {
            let kept = kept as u32;
            if kept > first {
                close_range(first, kept - 1);
            }
            first = first.max(kept + 1);
        }
        close_range(first, u32::MAX);
    }

    fn execute(&self) {
        let arguments = pointers(&self.arguments);
        let environment = self.environment.as_deref().map(pointers);
        let mut saved = 0;
        for executable in &self.executables {
            // SAFETY: strings are NUL-terminated, arrays end with a null pointer; `errno` is the thread's own.
            unsafe {
                match &environment {
                    Some(environment) => libc::execve(executable.as_ptr(), arguments.as_ptr(), environment.as_ptr()),
                    None => libc::execv(executable.as_ptr(), arguments.as_ptr()),
                };
                let errno = *libc::__errno_location();
                if errno != libc::ENOENT && errno != libc::ENOTDIR && saved == 0 {
                    saved = errno;
                }
            }
        }
        if saved != 0 {
            // SAFETY: `errno` is the thread's own.
            unsafe { *libc::__errno_location() = saved };
        }
    }
}

fn close_range(first: u32, last: u32) {
    // SAFETY: closes descriptors that the child does not use any more.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if result < 0 {
        // SAFETY: plain calls; an old kernel has no `close_range`.
        unsafe {
            let limit = libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 65_536) as u32;
            for fd in first..last.min(limit) {
                libc::close(fd as i32);
            }
        }
    }
}
