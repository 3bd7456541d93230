//! `cargo xtask fuzz-python`: random programs under adder in several modes and under the reference Python.
//!
//! One process runs many programs, one after the other. A program whose output differs runs again alone; if it still differs,
//! it is shrunk and written to fuzz-failures/SEED.py, with what each run printed. Otherwise the list of programs up to it goes to
//! fuzz-failures/SEED.txt: what differs is what they leave behind for each other.

mod batch;
mod coverage;
mod generate;
mod random;
mod rare;
mod shrink;
mod snippets;

use crate::{Interpreters, root};
use batch::{Outcome, Programs};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use std::{fs, thread};

/// Compiled code is left once through each exit although its guard holds.
const LEAVE_ONCE: &str = "threshold=3,entry=3,bridge=2,unit=0,background=off,leave_once";

/// The same with units, which take five times as long to compile as all other modes together: for some batches.
const LEAVE_ONCE_UNITS: &str = "threshold=3,entry=3,bridge=2,unit=1000,background=off,leave_once";
const UNITS_EVERY: u64 = 8;

/// All that is recorded is optimised on another thread.
const APART: &str = "threshold=3,entry=3,bridge=2,background,budget=0,apart=0";

struct Options {
    programs: u64,
    seed: u64,
    jobs: usize,
    /// Programs in one process.
    batch: u64,
    coverage: bool,
    /// Failing programs are made smaller.
    shrink: bool,
    /// Print the program of the seed and stop.
    print: bool,
    /// `ADDER_JIT` of each run; empty: unset.
    modes: Vec<String>,
}

/// An interpreter and `ADDER_JIT`.
pub struct Mode {
    name: String,
    interpreter: String,
    jit: Option<String>,
    /// It runs every [`UNITS_EVERY`]th batch alone.
    is_rare: bool,
}

pub fn run(arguments: &[String]) -> Result<bool, String> {
    let options = parse(arguments)?;
    if options.print {
        print!("{}", generate::program(options.seed));
        return Ok(true);
    }
    if options.coverage {
        return coverage::run(&options);
    }
    let modes = modes(&options, &Interpreters::find()?);
    let end = options.seed + options.programs;
    let next = AtomicU64::new(options.seed);
    let done = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                loop {
                    let first = next.fetch_add(options.batch, Ordering::Relaxed);
                    if first >= end {
                        break;
                    }
                    let seeds: Vec<u64> = (first..end.min(first + options.batch)).collect();
                    let has_units = (first / options.batch).is_multiple_of(UNITS_EVERY);
                    let modes: Vec<&Mode> = modes.iter().filter(|mode| has_units || !mode.is_rare).collect();
                    for (seed, report) in check(&modes, &seeds, options.shrink) {
                        eprintln!("program {seed} differs: {report}");
                        failures.lock().expect("no thread panicked").push(seed);
                    }
                    let count = done.fetch_add(seeds.len() as u64, Ordering::Relaxed) + seeds.len() as u64;
                    eprintln!("{count} programs, {:.0} s", started.elapsed().as_secs_f64());
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no thread panicked");
    failures.sort();
    println!("{} random Python programs, {} with a difference {failures:?}", options.programs, failures.len());
    Ok(failures.is_empty())
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        programs: 1000,
        seed: 1,
        jobs: 2,
        batch: 50,
        coverage: false,
        shrink: true,
        print: false,
        modes: Vec::new(),
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--coverage" => {
                options.coverage = true;
                continue;
            }
            "--no-shrink" => {
                options.shrink = false;
                continue;
            }
            "--print" => {
                options.print = true;
                continue;
            }
            "--jit" => {
                options.modes.push(arguments.next().ok_or("--jit needs what ADDER_JIT is to be")?.clone());
                continue;
            }
            _ => {}
        }
        let number: u64 = arguments.next().and_then(|n| n.parse().ok()).ok_or(format!("{argument} needs a number"))?;
        match argument.as_str() {
            "--programs" => options.programs = number,
            "--seed" => options.seed = number,
            "--jobs" => options.jobs = number as usize,
            "--batch" => options.batch = number.max(1),
            _ => return Err(format!("fuzz-python has no option {argument}")),
        }
    }
    if options.modes.is_empty() {
        let all = ["", "off", "threshold=3,background=off", LEAVE_ONCE, LEAVE_ONCE_UNITS, APART];
        options.modes = all.map(String::from).to_vec();
    }
    Ok(options)
}

/// The reference first.
fn modes(options: &Options, interpreters: &Interpreters) -> Vec<Mode> {
    let adder = |jit: &String| Mode {
        name: if jit.is_empty() { "jit".into() } else { jit.clone() },
        interpreter: interpreters.adder.clone(),
        jit: Some(jit.clone()).filter(|jit| !jit.is_empty()),
        is_rare: jit == LEAVE_ONCE_UNITS && options.modes.len() > 1,
    };
    let reference =
        Mode { name: "reference".into(), interpreter: interpreters.python.clone(), jit: None, is_rare: false };
    [reference].into_iter().chain(options.modes.iter().map(adder)).collect()
}

/// Runs a batch of programs everywhere; seed and what was saved of each that differs.
fn check(modes: &[&Mode], seeds: &[u64], shrinks: bool) -> Vec<(u64, String)> {
    let programs = Programs::new(&format!("batch-{}", seeds[0]));
    for &seed in seeds {
        programs.add(seed, &generate::program(seed));
    }
    let runs: Vec<_> = modes.iter().map(|mode| programs.run(mode, seeds)).collect();
    let mut reports = Vec::new();
    for (at, &seed) in seeds.iter().enumerate() {
        let outcomes: Vec<&Outcome> = runs.iter().map(|run| &run[&seed]).collect();
        if outcomes.iter().all(|&outcome| outcome == outcomes[0]) {
            continue;
        }
        let report = localise(modes, seed, shrinks).unwrap_or_else(|| {
            let mut text: String = seeds[..=at].iter().map(|seed| format!("{seed} ")).collect();
            for (mode, outcome) in modes.iter().zip(outcomes) {
                text += &format!("\n# {}: {}\n{}\n", mode.name, outcome.status, outcome.output);
            }
            format!("only after others: {}", save(&format!("{seed}.txt"), &text))
        });
        reports.push((seed, report));
    }
    reports
}

/// Runs a program alone and makes it smaller; what was saved, or None if it does not differ.
fn localise(modes: &[&Mode], seed: u64, shrinks: bool) -> Option<String> {
    let programs = Programs::new(&format!("single-{seed}"));
    let program = generate::program(seed);
    let runs = differing(modes, &programs, &program)?;
    // The reference and the first mode that differs are enough to shrink with.
    let other = runs.iter().position(|run| *run != runs[0]).expect("one differs");
    let two = [modes[0], modes[other]];
    let small = match shrinks {
        true => shrink::shrink(&program, |candidate| differing(&two, &programs, candidate).is_some()),
        false => program,
    };
    let runs = differing(modes, &programs, &small).unwrap_or(runs);
    let mut text = small;
    for (mode, outcome) in modes.iter().zip(runs) {
        text += &format!("\n# {}: {}\n", mode.name, outcome.status);
        text.extend(outcome.output.lines().map(|line| format!("#   {line}\n")));
    }
    Some(save(&format!("{seed}.py"), &text))
}

fn save(name: &str, text: &str) -> String {
    let directory = root().join("fuzz-failures");
    fs::create_dir_all(&directory).expect("directory for failures");
    let path = directory.join(name);
    fs::write(&path, text).expect("failure written");
    path.display().to_string()
}

/// What each mode printed, if they do not all agree. A program that the reference cannot run to its end is no test.
fn differing(modes: &[&Mode], programs: &Programs, program: &str) -> Option<Vec<Outcome>> {
    programs.add(0, program);
    let mut runs: Vec<Outcome> = Vec::new();
    for mode in modes {
        runs.extend(programs.run(mode, &[0]).remove(&0));
        if runs[0].status != "done" {
            return None;
        }
    }
    runs.iter().any(|run| *run != runs[0]).then_some(runs)
}
