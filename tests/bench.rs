//! The benchmark programs, at their small sizes, give the reference's checksums: with the JIT on, off, and a threshold of 3,
//! with each handler run twice, and with the JIT on and a collection at every allocation.
//!
//! bench/expected.txt has a line `program case checksum` for each case. `BLESS=1` rewrites it from the reference Python
//! (`REFERENCE_PYTHON`, by default `python3.14`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// `ADDER_JIT` and `ADDER_GC`.
type Mode = (Option<&'static str>, Option<&'static str>);

const MODES: [Mode; 5] = [
    (None, None),
    (Some("off"), None),
    (Some("threshold=3,background=off"), None),
    // Every handler runs twice while it is recorded, at each event, and must come to the same.
    (Some("threshold=3,background=off,double_run"), None),
    (Some("background=off"), Some("stress=1000,poison")),
];
/// What allocates millions of objects takes minutes with a collection at each.
const NOT_COLLECTED: [&str; 1] = ["p02_float_oo"];

#[test]
fn checksums_are_the_reference_s() {
    let expected_path = bench().join("expected.txt");
    if env::var_os("BLESS").is_some() {
        let python = env::var("REFERENCE_PYTHON").unwrap_or_else(|_| "python3.14".into());
        let cases = programs().iter().flat_map(|p| run(&python, MODES[0], p).expect("the reference runs it")).collect();
        fs::write(&expected_path, render(&cases)).expect("written");
        return;
    }
    let adder = env::var("ADDER").ok().or(option_env!("CARGO_BIN_EXE_adder").map(String::from));
    let adder = adder.expect("ADDER names the binary to test");
    let expected = fs::read_to_string(&expected_path).expect("expected.txt");
    let mut faults = Vec::new();
    for mode in MODES {
        for program in programs() {
            let name = program.file_stem().expect("program").to_string_lossy().into_owned();
            if mode.1.is_some() && NOT_COLLECTED.contains(&name.as_str()) {
                continue;
            }
            let wanted: BTreeMap<String, String> = expected
                .lines()
                .filter_map(|line| line.rsplit_once(' '))
                .filter(|(case, _)| case.split(' ').next() == Some(&name))
                .map(|(case, sum)| (case.into(), sum.into()))
                .collect();
            match run(&adder, mode, &program) {
                Ok(got) if got == wanted => {}
                Ok(got) => faults.push(format!("{name}, {mode:?}: {}expected\n{}", render(&got), render(&wanted))),
                Err(error) => faults.push(format!("{name}, {mode:?}: {error}")),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn bench() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench")
}

/// The programs: files that call `bench()` and are run, not imported.
fn programs() -> Vec<PathBuf> {
    let entries = fs::read_dir(bench().join("programs")).expect("programs").flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| {
        let name = path.file_name().expect("name").to_string_lossy();
        name.starts_with('p') && name.ends_with(".py") && !name.ends_with("_warmup.py") && !name.ends_with("fields.py")
    });
    paths.sort();
    paths
}

/// `program case` to checksum.
fn run(interpreter: &str, (jit, collector): Mode, program: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut command = Command::new(interpreter);
    command
        .arg(program)
        .args(["--quick", "--once"])
        .env_remove("ADDER_JIT")
        .env_remove("ADDER_GC")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs(jit.map(|jit| ("ADDER_JIT", jit))).envs(collector.map(|options| ("ADDER_GC", options)));
    let output = command.output().map_err(|error| format!("{interpreter}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let name = program.file_stem().expect("program").to_string_lossy();
    let cases = String::from_utf8_lossy(&output.stdout).into_owned();
    let cases = cases.lines().filter_map(|line| line.strip_prefix("RESULT "));
    let cases = cases.map(|line| line.split(' ').collect::<Vec<_>>());
    Ok(cases.map(|fields| (format!("{name} {}", fields[0]), fields[3].to_string())).collect())
}

fn render(cases: &BTreeMap<String, String>) -> String {
    cases.iter().map(|(case, sum)| format!("{case} {sum}\n")).collect()
}
