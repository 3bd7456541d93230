//! `cargo xtask adversarial`: the programs of bench/adversarial with the JIT and without, and the page about them.
//!
//! bench/adversarial.py measures; it writes docs/adversarial.md if all programs were run.

use crate::{Interpreters, root};
use std::process::Command;

pub fn run(arguments: &[String]) -> Result<bool, String> {
    let Interpreters { adder, python, .. } = Interpreters::find()?;
    let mut measure = Command::new(&python);
    measure.arg(root().join("bench/adversarial.py")).args(["--reference", &python]).args(arguments);
    if !arguments.iter().any(|argument| argument == "--only") {
        measure.arg("--page").arg(root().join("docs/adversarial.md"));
    }
    let status = measure.arg(&adder).status().map_err(|error| format!("{python}: {error}"))?;
    Ok(status.success())
}
