//! `cargo xtask fuzz-python --coverage`: which instructions and which ways through the JIT the random programs reach.
//!
//! Which instructions are executed the reference says (its bytecode is ours); which of them are recorded, left and replayed, and
//! which paths are taken, adder counts for its log. tests/fuzz-coverage.txt lists what is never reached, and why.

use super::batch::Programs;
use super::rare::RARE;
use super::snippets::SNIPPETS;
use super::{Options, generate};
use crate::{Interpreters, root};
use std::collections::BTreeMap;
use std::process::Command;
use std::{fs, str};

/// With thresholds so low that everything is recorded, and nothing compiled behind the interpreter, so that counts repeat.
const MODE: &str = "threshold=3,entry=3,bridge=3,background=off";
/// Numbers of programs of one piece.
const PIECES: u64 = 1 << 60;
const EXECUTED: &str = include_str!("executed.py");

/// Prints the table; whether all that can be reached was.
pub fn run(options: &Options) -> Result<bool, String> {
    let interpreters = Interpreters::find()?;
    let programs = Programs::new("coverage");
    let seeds: Vec<u64> = (options.seed..options.seed + options.programs).collect();
    for &seed in &seeds {
        programs.add(seed, &generate::program(seed));
    }
    // And each piece once, alone.
    let pieces = SNIPPETS.iter().chain(RARE);
    let pieces: Vec<u64> = pieces
        .zip(PIECES..)
        .map(|(piece, seed)| {
            programs.add(seed, &generate::alone(piece, 7, 30));
            seed
        })
        .collect();
    let seeds: Vec<u64> = seeds.into_iter().chain(pieces).collect();
    let paths: Vec<_> = seeds.iter().map(|&seed| programs.path(seed)).collect();
    let script = programs.path(0).with_file_name("executed.py");
    fs::write(&script, EXECUTED).map_err(|error| error.to_string())?;
    let output = Command::new(&interpreters.python).args(["-W", "ignore"]).arg(&script).args(&paths).output();
    let output = output.map_err(|error| format!("{}: {error}", interpreters.python))?;
    let text = str::from_utf8(&output.stdout).map_err(|error| error.to_string())?;
    let executed: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once(' ')).collect();

    let log = programs.path(0).with_file_name("coverage.log");
    let status = Command::new(&interpreters.adder)
        .args(["-W", "ignore"])
        .arg(programs.path(0).with_file_name("driver.py"))
        .args(&paths)
        .env("ADDER_JIT", format!("{MODE},log=coverage:{}", log.display()))
        .stdout(std::process::Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        return Err("a program brought adder down: run without --coverage to find it".into());
    }
    let log = fs::read_to_string(&log).map_err(|error| format!("coverage log: {error}"))?;
    let list = fs::read_to_string(root().join("tests/fuzz-coverage.txt")).map_err(|error| error.to_string())?;
    let reasons: BTreeMap<String, &str> = list
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(row, reason)| (row.split(' ').collect::<Vec<_>>().join(" "), reason))
        .collect();
    let mut counts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for line in log.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split("  ").next().unwrap_or(line).split(' ').collect();
        counts.insert(words[..2].join(" "), words[2..].to_vec());
    }
    println!("{:34} {:>9} {:>9} {:>9} {:>9}", "instruction", "places", "recorded", "left", "replayed");
    let mut missed = Vec::new();
    let rows = list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    for row in rows.map(|line| line.split("  ").next().unwrap_or(line)) {
        let zero = || vec!["0"; 3];
        let found = counts.get(row).cloned().unwrap_or_else(zero);
        let reached = found[0] != "0";
        match row.split_once(' ') {
            Some(("instruction", name)) => {
                let places = executed.get(name).copied().unwrap_or("0");
                println!("{name:34} {places:>9} {:>9} {:>9} {:>9}", found[0], found[1], found[2]);
            }
            _ => println!("{row:34} {:>9}", found[0]),
        }
        match reasons.get(row) {
            Some(reason) => println!("{:34} {reason}", ""),
            None if !reached => missed.push(row),
            None => {}
        }
    }
    println!("not reached: {}", if missed.is_empty() { "nothing that can be".into() } else { missed.join(", ") });
    Ok(missed.is_empty())
}
