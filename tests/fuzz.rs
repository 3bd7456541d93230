//! The first programs of `cargo xtask fuzz-python`, with the JIT on, off, with a threshold of 3, and with each exit of compiled
//! code taken once at will: all print what the reference printed.
//!
//! fuzz-expected.txt has a line `seed hash` for each; the hash is of standard output. `BLESS=1` rewrites it from the
//! reference Python (`REFERENCE_PYTHON`, by default `python3.14`).

#[allow(dead_code)]
#[path = "../xtask/src/fuzz/generate/mod.rs"]
mod generate;
#[path = "../xtask/src/fuzz/random.rs"]
mod random;
#[path = "../xtask/src/fuzz/rare.rs"]
mod rare;
#[path = "../xtask/src/fuzz/snippets.rs"]
mod snippets;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, thread};

const PROGRAMS: u64 = 100;
/// All that is recorded is optimised on another thread.
const APART: &str = "threshold=3,entry=3,bridge=2,background,budget=0,apart=0";
const LEAVE_ONCE: &str = "threshold=3,entry=3,bridge=2,unit=1000,background=off,leave_once";

#[test]
fn random_programs_print_what_the_reference_prints() {
    let expected_path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz-expected.txt");
    if env::var_os("BLESS").is_some() {
        let python = env::var("REFERENCE_PYTHON").unwrap_or_else(|_| "python3.14".into());
        let lines = (1..=PROGRAMS).map(|seed| format!("{seed} {:016x}\n", hash(&output(&python, None, seed))));
        fs::write(&expected_path, lines.collect::<String>()).expect("written");
        return;
    }
    let adder = env::var("ADDER").ok().or(option_env!("CARGO_BIN_EXE_adder").map(String::from));
    let adder = adder.expect("ADDER names the binary to test");
    let expected = fs::read_to_string(&expected_path).expect("fuzz-expected.txt");
    let (next, faults) = (AtomicU64::new(1), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, |n| n.get()) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > PROGRAMS {
                        break;
                    }
                    for jit in [None, Some("off"), Some("threshold=3,background=off"), Some(LEAVE_ONCE), Some(APART)] {
                        let line = format!("{seed} {:016x}", hash(&output(&adder, jit, seed)));
                        if !expected.lines().any(|expected| expected == line) {
                            faults.lock().expect("no thread panicked").push((seed, jit));
                        }
                    }
                }
            });
        }
    });
    let mut faults = faults.into_inner().expect("no thread panicked");
    faults.sort();
    let hint = "cargo xtask fuzz-python --programs 1 --seed SEED shrinks one of them";
    assert!(faults.is_empty(), "programs with a difference, and ADDER_JIT: {faults:?}; {hint}");
}

/// The standard output of a program; nothing if it does not end well.
fn output(interpreter: &str, jit: Option<&str>, seed: u64) -> Vec<u8> {
    let path = env::temp_dir().join(format!("adder-fuzz-{}-{seed}.py", std::process::id()));
    fs::write(&path, generate::program(seed)).expect("program written");
    let mut command = Command::new(interpreter);
    command.arg(&path).env_remove("ADDER_JIT");
    if let Some(jit) = jit {
        command.env("ADDER_JIT", jit);
    }
    let output = command.output().expect("interpreter starts");
    fs::remove_file(&path).expect("program removed");
    if output.status.success() { output.stdout } else { Vec::new() }
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}
