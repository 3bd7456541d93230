//! The project's own commands: `cargo xtask COMMAND`.

mod adversarial;
mod bench;
mod cpython_tests;
mod fuzz;
mod long_runs;
mod mutants;
mod packages;
mod trace_page;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, process};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  bench [--quick] [--runs N] [--only PROGRAM]...
        run the benchmark programs side by side and write docs/benchmarks.md
  adversarial [--runs N] [--only PROGRAM]...
        run programs that are unfriendly to the JIT with it and without, and write docs/adversarial.md
  cpython-tests [--only FILE]... [--log]
        CPython's own tests: those that tests/cpython.txt lists must fail, all others of its files pass
  fuzz-python [--programs N] [--seed S] [--jobs N] [--batch N] [--jit OPTIONS]... [--no-shrink] [--coverage] [--print]
        random Python programs under adder with the JIT on, off, with a threshold of 3 and with each exit taken once at will,
        and under the reference
  packages [--runs N] [--only SCRIPT]...
        packages that nobody here wrote, fetched by pip, side by side; writes docs/packages.md
  exits [PAGE]...
        all pages of tests/ with each exit of compiled code taken once although its guard holds (release build)
  logs [PROGRAM]...
        two runs write the same log: all benchmark programs and all pages, or those with such names (release build)
  stress [PAGE]...
        all pages of tests/ with a collection at every allocation, compiled code too (release build)
  trace-page [--check]
        write the listings of docs/jit-log.md anew (or say whether they are as the log prints them now)
  mutants [--only PART]... [--without-python] [--check]
        put the faults of xtask/mutants.txt into a copy of the tree, one at a time, and see which net catches them

The reference Python is REFERENCE_PYTHON (default python3.14), PyPy is REFERENCE_PYPY (default pypy3; left out if it
does not start), the adder is ADDER (default target/release/adder).";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.first().map(String::as_str) {
        Some("adversarial") => adversarial::run(&arguments[1..]),
        Some("bench") => bench::run(&arguments[1..]),
        Some("cpython-tests") => cpython_tests::run(&arguments[1..]),
        Some("fuzz-python") => fuzz::run(&arguments[1..]),
        Some("packages") => packages::run(&arguments[1..]),
        Some("stress") => long_runs::stress(&arguments[1..]),
        Some("exits") => long_runs::exits(&arguments[1..]),
        Some("logs") => long_runs::logs(&arguments[1..]),
        Some("trace-page") => trace_page::run(&arguments[1..]),
        Some("mutants") => mutants::run(&arguments[1..]),
        Some("--help" | "-h") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => Err(USAGE.to_string()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

/// The interpreters that the commands start.
struct Interpreters {
    adder: String,
    python: String,
    pypy: Option<String>,
}

impl Interpreters {
    fn find() -> Result<Interpreters, String> {
        let or = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.into());
        let built = root().join("target/release/adder");
        let interpreters = Interpreters {
            adder: or("ADDER", &built.to_string_lossy()),
            python: or("REFERENCE_PYTHON", "python3.14"),
            pypy: Some(or("REFERENCE_PYPY", "pypy3")).filter(|command| starts(command)),
        };
        for command in [&interpreters.adder, &interpreters.python] {
            if !starts(command) {
                return Err(format!("{command} does not start"));
            }
        }
        Ok(interpreters)
    }
}

fn starts(command: &str) -> bool {
    process::Command::new(command).args(["-c", "pass"]).status().is_ok_and(|status| status.success())
}

/// The root of the workspace.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("workspace")
}
