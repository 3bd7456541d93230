//! `cargo xtask bench`: the programs of bench/ under adder, CPython and PyPy in one run, and the page about it.
//!
//! bench/bench.py and bench/startup.py measure and write JSON beside themselves; bench/page.py makes docs/benchmarks.md of it.

use crate::{Interpreters, root};
use std::process::Command;

pub fn run(arguments: &[String]) -> Result<bool, String> {
    let interpreters = Interpreters::find()?;
    let (adder, python) = (&interpreters.adder, &interpreters.python);
    let mut rows = vec![format!("cpython={python}")];
    if let Some(pypy) = &interpreters.pypy {
        rows.push(format!("pypy={pypy}"));
        rows.push(format!("pypy4m=env PYPY_GC_NURSERY=4M {pypy}"));
    }
    rows.push(format!("adder={adder}"));
    rows.push(format!("adder-off=env ADDER_JIT=off {adder}"));

    let bench = root().join("bench");
    let mut measure = Command::new(python);
    measure.arg(bench.join("bench.py")).args(rows.iter().flat_map(|row| ["--interp", row]));
    let agree = measure
        .args(["--json", &bench.join("results.json").to_string_lossy()])
        .args(arguments)
        .status()
        .map_err(|error| format!("{python}: {error}"))?
        .success();
    if !agree {
        eprintln!("bench.py reports a failure: checksums that disagree, or a program that ended early");
    }
    let starts = [format!("cpython={python}"), format!("adder={adder}")];
    let startup = Command::new(python)
        .arg(bench.join("startup.py"))
        .arg(bench.join("startup.json"))
        .args(&starts)
        .status()
        .map_err(|error| format!("{python}: {error}"))?;
    let page = Command::new(python)
        .arg(bench.join("page.py"))
        .arg(bench.join("results.json"))
        .arg(bench.join("startup.json"))
        .arg(root().join("docs/benchmarks.md"))
        .status()
        .map_err(|error| format!("{python}: {error}"))?;
    Ok(agree && startup.success() && page.success())
}
