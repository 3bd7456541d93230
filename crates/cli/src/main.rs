//! The `adder` command.

mod options;
mod profile;
mod prompt;
mod run;
mod source;
mod why;

use std::io::Write;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: heap::Allocator = heap::Allocator;

/// Address space for the native stack: Python recursion through Rust functions goes this deep. Where the process may have
/// little (`ulimit -v`) it is one part of so many.
const STACK_BYTES: usize = 1 << 30;
const STACK_PARTS: usize = 16;

fn main() -> ExitCode {
    let invocation = match options::parse(arguments()) {
        Ok(options::Parsed::Run(invocation)) => invocation,
        Ok(options::Parsed::Print(text)) => {
            // Whoever reads may have gone: no error of ours.
            let _ = std::io::stdout().write_all(text.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            complain(&message);
            return ExitCode::from(2);
        }
    };
    keep_freed_memory();
    heap::ensure_reserve();
    let stack_bytes = heap::share_of_address_space(STACK_BYTES, STACK_PARTS);
    let worker = std::thread::Builder::new().name("main".to_owned()).stack_size(stack_bytes);
    match worker.spawn(move || {
        heap::keep_small_blocks();
        run::run(invocation, stack_bytes)
    }) {
        Ok(handle) => match handle.join() {
            Ok(run::End::Status(status)) => ExitCode::from(status),
            Ok(run::End::Interrupt) => end_by_interrupt(),
            Err(_) => ExitCode::from(70),
        },
        Err(error) => {
            complain(&format!("adder: cannot reserve {stack_bytes} bytes of address space for the stack: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The C library's memory for other threads than the first grows by a page at a time and shrinks as soon as it can, and takes
/// 64 MiB of address space for each: one place that keeps what it has for the next traces and buffers is quicker. Where address space
/// has a limit large buffers are mapped one by one, so that their addresses are free again when they are.
#[cfg(target_env = "gnu")]
fn keep_freed_memory() {
    let (trim, map) = if heap::address_space().is_some() { (1 << 20, 128 << 10) } else { (64 << 20, 32 << 20) };
    // SAFETY: no other thread is there.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_TOP_PAD, 1 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, trim);
        libc::mallopt(libc::M_MMAP_THRESHOLD, map);
    }
}

#[cfg(not(target_env = "gnu"))]
fn keep_freed_memory() {}

fn arguments() -> Vec<String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

/// A line on standard error, if anybody reads it.
pub fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}

/// Ends as the signal would have ended it, so that a shell that runs a script stops the script too. Status 130 where
/// even that fails.
fn end_by_interrupt() -> ExitCode {
    // SAFETY: restores the default action and sends this process a signal.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
        libc::kill(libc::getpid(), libc::SIGINT);
    }
    ExitCode::from(130)
}
