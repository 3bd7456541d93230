//! The `adder` command.

mod options;
mod prompt;
mod run;

use std::process::ExitCode;

/// Address space for the native stack: Python recursion through Rust functions goes this deep.
const STACK_BYTES: usize = 1 << 30;

fn main() -> ExitCode {
    let invocation = match options::parse(std::env::args().collect()) {
        Ok(options::Parsed::Run(invocation)) => invocation,
        Ok(options::Parsed::Print(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let worker = std::thread::Builder::new().name("main".to_owned()).stack_size(STACK_BYTES);
    match worker.spawn(move || run::run(invocation, STACK_BYTES)) {
        Ok(handle) => handle.join().unwrap_or(ExitCode::from(70)),
        Err(error) => {
            eprintln!("adder: cannot reserve {STACK_BYTES} bytes of address space for the stack: {error}");
            ExitCode::FAILURE
        }
    }
}
