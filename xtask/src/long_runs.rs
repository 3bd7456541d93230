//! Tests on more programs, or in more modes, than each test run has time for; with a release build.

use std::env;
use std::process::Command;

/// `cargo xtask stress`: the pages with a collection at every allocation.
pub fn stress(pages: &[String]) -> Result<bool, String> {
    test("pages", pages, ("PAGES_COLLECT", "only"))
}

/// How many exits it takes until a bridge is recorded: of those that are taken at will none has one, or each. And how large units get.
const BRIDGES: [&str; 2] = ["bridge=2,unit=8000", "bridge=1,unit=1000"];

/// `cargo xtask exits`: the pages with each exit of compiled code taken once although its guard holds.
pub fn exits(pages: &[String]) -> Result<bool, String> {
    let mut all_hold = true;
    for bridges in BRIDGES {
        let options = format!("threshold=3,entry=3,{bridges},background=off,leave_once");
        println!("with {options}");
        all_hold &= test("pages", pages, ("PAGES_JIT", &options))?;
    }
    Ok(all_hold)
}

/// `cargo xtask logs`: two runs of a program write the same log.
pub fn logs(programs: &[String]) -> Result<bool, String> {
    let programs = if programs.is_empty() { "all".to_string() } else { programs.join(",") };
    test("logs", &["--nocapture".to_string()], ("LOGS", &programs))
}

fn test(name: &str, arguments: &[String], (variable, value): (&str, &str)) -> Result<bool, String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--release", "--ignore-rust-version", "-p", "cli", "--test", name, "--"]).args(arguments);
    cargo.env(variable, value).current_dir(crate::root());
    let status = cargo.status().map_err(|error| format!("cargo does not start: {error}"))?;
    Ok(status.success())
}
