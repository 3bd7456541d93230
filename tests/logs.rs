//! Two runs of a program write the same log, byte by byte, if code is generated on the program's own thread: what the JIT does
//! depends neither on the clock nor on where things lie in memory nor on the seed of hashes.
//!
//! A few benchmark programs at their small sizes and a few pages; `LOGS=all` runs all of them, `LOGS=NAME,…` those whose names have a
//! part in common with one of these.

#[path = "pages/page.rs"]
#[allow(dead_code)]
mod page;

use page::Page;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::{env, fs, thread};

const OPTIONS: [&str; 2] = ["background=off", "background=off,threshold=3,entry=3,bridge=2"];
const SECTIONS: &str = "trace,opt,clif,asm,abort,exit";
/// What runs without `LOGS`.
const FEW: &str =
    "p03_,p06_linkedlist_slots,p12_nbody,throw passes,game of life,with blocks in a hot loop,RecursionError inside";

/// A program, its name, and the options with which it has to write a log of more than a headline.
struct Program {
    name: String,
    path: PathBuf,
    arguments: &'static [&'static str],
    input: String,
}

#[test]
fn two_runs_write_the_same_log() {
    let adder = env::var("ADDER").ok().or(option_env!("CARGO_BIN_EXE_adder").map(String::from));
    let adder = adder.expect("ADDER names the binary to test");
    let directory = env::temp_dir().join(format!("adder-logs-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    let wanted = env::var("LOGS").unwrap_or(FEW.into());
    let mut programs = programs(&directory);
    programs.retain(|program| wanted == "all" || wanted.split(',').any(|part| program.name.contains(part)));
    assert!(!programs.is_empty(), "no program is called like `{wanted}`");
    let todo = Mutex::new(programs.iter().flat_map(|program| OPTIONS.map(|options| (program, options))));
    let (faults, bytes) = (Mutex::new(Vec::new()), Mutex::new(0));
    thread::scope(|scope| {
        for worker in 0..thread::available_parallelism().map_or(2, |n| n.get()) {
            let (adder, directory, todo, faults, bytes) = (&adder, &directory, &todo, &faults, &bytes);
            scope.spawn(move || {
                loop {
                    let next = todo.lock().expect("no thread panicked").next();
                    let Some((program, options)) = next else { break };
                    let logs = [0, 1].map(|_| log(adder, program, options, &directory.join(format!("log{worker}"))));
                    *bytes.lock().expect("no thread panicked") += logs[0].len();
                    if logs[0] != logs[1] {
                        let fault = format!("{} with {options}:\n{}", program.name, difference(&logs));
                        faults.lock().expect("no thread panicked").push(fault);
                    }
                }
            });
        }
    });
    let _ = fs::remove_dir_all(&directory);
    let (mut faults, bytes) = (faults.into_inner().expect("no thread panicked"), bytes.into_inner());
    faults.sort();
    let bytes = bytes.expect("no thread panicked");
    println!("{} programs, {} differ; {bytes} bytes of logs, twice", programs.len(), faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(bytes > 100_000, "the programs hardly compile anything: {bytes} bytes of logs");
}

/// Benchmark programs and the cases of pages, which are written to the directory.
fn programs(directory: &Path) -> Vec<Program> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("workspace");
    let mut programs = Vec::new();
    for entry in fs::read_dir(root.join("bench/programs")).expect("programs").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('p')
            && name.ends_with(".py")
            && !name.ends_with("_warmup.py")
            && !name.ends_with("fields.py")
        {
            let arguments = &["--quick", "--once"];
            programs.push(Program { name, path: entry.path(), arguments, input: String::new() });
        }
    }
    for folder in ["language", "hard", "stdlib", "errors"] {
        for entry in fs::read_dir(root.join("tests").join(folder)).into_iter().flatten().flatten() {
            if entry.path().extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            for case in Page::read(&root.join("tests"), entry.path()).cases {
                let page = entry.path().file_stem().expect("a name").to_string_lossy().into_owned();
                let path = directory.join(format!("program{}", programs.len())).join("case.py");
                fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
                fs::write(&path, &case.program).expect("written");
                let name = format!("{folder}/{page}.md: {}", case.name);
                programs.push(Program { name, path, arguments: &[], input: case.input });
            }
        }
    }
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    programs
}

fn log(adder: &str, program: &Program, options: &str, file: &Path) -> Vec<u8> {
    let input = file.with_extension("in");
    fs::write(&input, &program.input).expect("written");
    // A program that fails, as some are meant to, has a log, too.
    Command::new(adder)
        .arg(&program.path)
        .args(program.arguments)
        .current_dir(program.path.parent().expect("a parent"))
        .env_remove("ADDER_GC")
        .env_remove("PYTHONHASHSEED")
        .env("ADDER_JIT", format!("{options},log={SECTIONS}:{}", file.display()))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(fs::File::open(&input).expect("just written"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("{adder}: {error}"));
    fs::read(file).expect("a log")
}

/// The first line that differs, with the headline above it.
fn difference(logs: &[Vec<u8>; 2]) -> String {
    let texts = logs.each_ref().map(|log| String::from_utf8_lossy(log));
    let [mut one, mut other] = texts.each_ref().map(|text| text.lines());
    let (mut headline, mut number) = (String::new(), 0);
    loop {
        number += 1;
        match (one.next(), other.next()) {
            (Some(a), Some(b)) if a == b => {
                if a.starts_with("# ") {
                    headline = a.into();
                }
            }
            (a, b) => {
                let [a, b] = [a, b].map(|line| line.unwrap_or("(the end)"));
                return format!("line {number}, under `{headline}`\n- {a}\n+ {b}");
            }
        }
    }
}
