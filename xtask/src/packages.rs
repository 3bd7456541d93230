//! `cargo xtask packages`: packages that nobody here wrote, under adder, CPython and PyPy, and the page about them.
//!
//! bench/packages.py fetches and measures; it writes docs/packages.md if all scripts were run. `PIP_PYTHON` names a Python that
//! has pip (default: python3).

use crate::{Interpreters, root};
use std::env;
use std::process::Command;

pub fn run(arguments: &[String]) -> Result<bool, String> {
    let Interpreters { adder, python, pypy } = Interpreters::find()?;
    let mut measure = Command::new(&python);
    measure.arg(root().join("bench/packages.py")).args(arguments);
    measure.args(["--fetch-with", &env::var("PIP_PYTHON").unwrap_or_else(|_| "python3".to_string())]);
    if !arguments.iter().any(|argument| argument == "--only") {
        measure.arg("--page").arg(root().join("docs/packages.md"));
    }
    measure.args([&python, &adder]);
    if let Some(pypy) = pypy {
        measure.args([&pypy, &format!("env PYPY_GC_NURSERY=4M {pypy}")]);
    }
    let status = measure.status().map_err(|error| format!("{python}: {error}"))?;
    Ok(status.success())
}
