//! The random Python programs reach every instruction, every way of recording, leaving and replaying, and every reason to give a
//! recording up, but for those of which fuzz-coverage.txt says why not.

#[allow(dead_code)]
#[path = "../xtask/src/fuzz/generate/mod.rs"]
mod generate;
#[path = "../xtask/src/fuzz/random.rs"]
mod random;
#[path = "../xtask/src/fuzz/rare.rs"]
mod rare;
#[path = "../xtask/src/fuzz/snippets.rs"]
mod snippets;

use metatrace::{Abort, Path as JitPath};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};
use syntax::Op;

/// Random programs beside the pieces that each run once.
const PROGRAMS: u64 = 40;

/// `kind name` and, of what is never reached, why.
fn list() -> Vec<(String, Option<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz-coverage.txt");
    let text = fs::read_to_string(path).expect("fuzz-coverage.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let row = |line: &str| match line.split_once("  ") {
        Some((name, reason)) => (name.to_string(), Some(reason.to_string())),
        None => (line.to_string(), None),
    };
    lines.map(row).collect()
}

#[test]
fn the_list_is_that_of_the_tables() {
    let paths = JitPath::ALL.iter().map(|path| format!("path {}", path.name()));
    let aborts = Abort::ALL.iter().map(|abort| format!("abort {abort:?}"));
    let instructions = Op::ALL.iter().map(|op| format!("instruction {}", op.name()));
    let mut wanted: Vec<String> = paths.chain(aborts).chain(instructions).collect();
    let mut listed: Vec<String> = list().into_iter().map(|row| row.0).collect();
    wanted.sort();
    listed.sort();
    assert_eq!(listed, wanted);
}

#[test]
fn what_can_be_reached_is_reached() {
    let adder = env::var("ADDER").ok().or(option_env!("CARGO_BIN_EXE_adder").map(String::from));
    let adder = adder.expect("ADDER names the binary to test");
    let directory = env::temp_dir().join(format!("adder-coverage-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("directory made");
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/src/fuzz/driver.py");
    let mut programs: Vec<String> = (1..=PROGRAMS).map(generate::program).collect();
    programs.extend(snippets::SNIPPETS.iter().chain(rare::RARE).map(|piece| generate::alone(piece, 7, 30)));
    let mut command = Command::new(adder);
    command.args(["-W", "ignore"]).arg(driver);
    for (number, program) in programs.iter().enumerate() {
        let path = directory.join(format!("{number}.py"));
        fs::write(&path, program).expect("program written");
        command.arg(path);
    }
    let log = directory.join("coverage.log");
    let jit = format!("threshold=3,entry=3,bridge=3,background=off,log=coverage:{}", log.display());
    let status = command.env("ADDER_JIT", jit).stdout(Stdio::null()).status().expect("adder starts");
    assert!(status.success(), "{status}");
    let log = fs::read_to_string(&log).expect("log");
    fs::remove_dir_all(&directory).expect("directory removed");

    let counts: BTreeMap<String, u64> = log
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let name = format!("{} {}", words.next()?, words.next()?);
            Some((name, words.next()?.parse().ok()?))
        })
        .collect();
    let mut faults = Vec::new();
    for (row, reason) in list() {
        match (counts.get(&row).copied().unwrap_or(0), reason) {
            (0, None) => faults.push(format!("not reached: {row}")),
            (_, Some(reason)) if reason.starts_with("by chance") => {}
            (count @ 1.., Some(reason)) => {
                faults.push(format!("reached {count} times: {row}, of which it says: {reason}"))
            }
            _ => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
