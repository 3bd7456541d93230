//! `cargo xtask stress`: the pages under `tests/` that are too slow to collect at every allocation in each test run.

use std::env;
use std::process::Command;

pub fn run(pages: &[String]) -> Result<bool, String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--release", "--ignore-rust-version", "-p", "cli", "--test", "pages", "--"]).args(pages);
    cargo.env("PAGES_COLLECT", "only").current_dir(crate::root());
    let status = cargo.status().map_err(|error| format!("cargo does not start: {error}"))?;
    Ok(status.success())
}
