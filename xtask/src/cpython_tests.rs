//! CPython's own tests, file by file, against a list of those that Adder does not pass.
//!
//! `tests/cpython.txt` names the files and, with a reason each, the tests that fail. A test that is not listed must pass, or
//! skip itself; a listed one must fail, unless its reason says that it may pass: the list stays true. The files come from the reference Python's library. A test that
//! hangs or ends the process counts as failed, and the rest of its file goes on in a new process.

use crate::{Interpreters, root};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use std::{env, fs, thread};

const DRIVER: &str = include_str!("cpython_tests.py");
/// A reason that begins so is of a test that fails in some builds.
const MAY_PASS: &str = "may pass";
/// So long a single test may take.
const TEST_SECONDS: u64 = 120;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Passed,
    Skipped,
    Failed,
    /// The process ended while the test ran.
    Died,
    TimedOut,
}

/// A file of tests, and those of its tests that are known to fail.
#[derive(Debug, PartialEq)]
struct File {
    name: String,
    known: BTreeMap<String, String>,
}

pub fn run(arguments: &[String]) -> Result<bool, String> {
    let (mut only, mut show_log) = (Vec::new(), false);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--only" => only.push(arguments.next().ok_or("--only wants a file")?.clone()),
            "--log" => show_log = true,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    let interpreters = Interpreters::find()?;
    let list = root().join("tests/cpython.txt");
    let text = fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let work = Workplace::new(&interpreters)?;
    let mut good = true;
    for file in parse(&text)?.iter().filter(|file| only.is_empty() || only.contains(&file.name)) {
        let outcomes = work.run_file(&interpreters.adder, &file.name, show_log)?;
        good &= report(file, &outcomes);
    }
    Ok(good)
}

/// A file is a line of its own, its tests follow indented: name, two spaces, reason.
fn parse(text: &str) -> Result<Vec<File>, String> {
    let mut files: Vec<File> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if !line.starts_with(' ') {
            files.push(File { name: line.trim().to_string(), known: BTreeMap::new() });
            continue;
        }
        let file = files.last_mut().ok_or("a test stands before the first file")?;
        let (test, reason) = line.trim().split_once("  ").ok_or(format!("no reason: {line}"))?;
        file.known.insert(test.to_string(), reason.trim().to_string());
    }
    Ok(files)
}

/// A folder from which the tests can be imported, by child processes too.
struct Workplace {
    folder: PathBuf,
    home: String,
}

impl Workplace {
    fn new(interpreters: &Interpreters) -> Result<Workplace, String> {
        let says = |code: &str| -> Result<String, String> {
            let output = Command::new(&interpreters.python).args(["-c", code]).output();
            let output = output.map_err(|error| format!("{}: {error}", interpreters.python))?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
        };
        let tests = says("import test; print(test.__path__[0])")?;
        if tests.is_empty() {
            return Err(format!("{} comes without its tests", interpreters.python));
        }
        let folder = env::temp_dir().join(format!("adder-cpython-tests-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        std::os::unix::fs::symlink(&tests, folder.join("test")).map_err(|error| format!("{tests}: {error}"))?;
        fs::write(folder.join("driver.py"), DRIVER).map_err(|error| error.to_string())?;
        // With a home the tests start their children without -I, which would hide the tests from them.
        Ok(Workplace { folder, home: says("import sys; print(sys.prefix)")? })
    }

    fn run_file(&self, adder: &str, name: &str, show_log: bool) -> Result<BTreeMap<String, Outcome>, String> {
        let mut outcomes = BTreeMap::new();
        loop {
            let done: Vec<&str> = outcomes.keys().map(String::as_str).collect();
            let done_file = self.folder.join("done");
            fs::write(&done_file, done.join("\n")).map_err(|error| error.to_string())?;
            let before = outcomes.len();
            let log = if show_log { Stdio::inherit() } else { Stdio::null() };
            let mut child = Command::new(adder)
                .args([&self.folder.join("driver.py"), Path::new(name), &done_file])
                .env("PYTHONPATH", &self.folder)
                .env("PYTHONHOME", &self.home)
                .current_dir(&self.folder)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(log)
                .spawn()
                .map_err(|error| format!("{adder}: {error}"))?;
            let lines = lines_of(child.stdout.take().expect("it is piped"));
            let finished = listen(&lines, &mut outcomes);
            // It may hang, or have ended.
            let _ = child.kill();
            let _ = child.wait();
            if finished {
                return Ok(outcomes);
            }
            if outcomes.len() == before {
                outcomes.insert("(the whole file)".to_string(), Outcome::Died);
                return Ok(outcomes);
            }
        }
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // What stays behind lies in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn lines_of(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Enters what the driver says. Whether it came to its end.
fn listen(lines: &Receiver<String>, outcomes: &mut BTreeMap<String, Outcome>) -> bool {
    let mut running: Option<String> = None;
    loop {
        let line = lines.recv_timeout(Duration::from_secs(TEST_SECONDS));
        let Ok(line) = line else {
            let timed_out = line == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
            if let Some(test) = running {
                outcomes.insert(test, if timed_out { Outcome::TimedOut } else { Outcome::Died });
            }
            return false;
        };
        let (what, test) = line.split_once('\t').unwrap_or((&line, ""));
        match what {
            "started" => running = Some(test.to_string()),
            "finished" => return true,
            _ => {
                let outcome = match what {
                    "passed" => Outcome::Passed,
                    "skipped" => Outcome::Skipped,
                    _ => Outcome::Failed,
                };
                outcomes.insert(test.to_string(), outcome);
                running = None;
            }
        }
    }
}

/// Prints where outcomes and list differ. Whether they agree.
fn report(file: &File, outcomes: &BTreeMap<String, Outcome>) -> bool {
    let count = |outcome: Outcome| outcomes.values().filter(|&&other| other == outcome).count();
    let bad = |outcome: &Outcome| !matches!(outcome, Outcome::Passed | Outcome::Skipped);
    println!(
        "{}: {} passed, {} skipped by themselves, {} failed, {} of them known",
        file.name,
        count(Outcome::Passed),
        count(Outcome::Skipped),
        outcomes.values().filter(|outcome| bad(outcome)).count(),
        outcomes.iter().filter(|(test, outcome)| bad(outcome) && file.known.contains_key(*test)).count(),
    );
    let mut good = true;
    for (test, outcome) in outcomes.iter().filter(|(test, outcome)| bad(outcome) && !file.known.contains_key(*test)) {
        println!("  {test}: {outcome:?}");
        good = false;
    }
    for (test, reason) in file.known.iter().filter(|(test, _)| !outcomes.get(*test).is_some_and(bad)) {
        if !(reason.starts_with(MAY_PASS) && outcomes.contains_key(test)) {
            println!("  {test}: listed, but it does not fail");
            good = false;
        }
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(of: &[(&str, Outcome)]) -> BTreeMap<String, Outcome> {
        of.iter().map(|&(test, outcome)| (test.to_string(), outcome)).collect()
    }

    #[test]
    fn the_list_must_agree_with_what_happens() {
        let text = "# a comment\ntest_a\n    A.one  a reason\n\ntest_b\n    B  may pass: sometimes\n";
        let files = parse(text).expect("it is well-formed");
        assert_eq!(files[0].known["A.one"], "a reason");
        assert_eq!((files.len(), files[1].known.len()), (2, 1));
        let may = |of: &[(&str, Outcome)]| report(&files[1], &outcomes(of));
        assert!(may(&[("B", Outcome::Passed)]) && may(&[("B", Outcome::Failed)]) && !may(&[]));
        let agrees = |of: &[(&str, Outcome)]| report(&files[0], &outcomes(of));
        assert!(agrees(&[("A.one", Outcome::Failed), ("A.two", Outcome::Passed), ("A.three", Outcome::Skipped)]));
        assert!(!agrees(&[("A.one", Outcome::Passed)]));
        assert!(!agrees(&[]));
        assert!(!agrees(&[("A.one", Outcome::Failed), ("A.two", Outcome::Died)]));
        assert!(parse("    A.one  a reason").is_err() && parse("a\n    A.one").is_err());
    }

    #[test]
    fn a_test_that_ends_the_process_has_died() {
        let (sender, lines) = channel();
        for line in ["started\ta", "passed\ta", "started\tb"] {
            sender.send(line.to_string()).expect("it is received");
        }
        drop(sender);
        let mut found = BTreeMap::new();
        assert!(!listen(&lines, &mut found));
        assert_eq!(found, outcomes(&[("a", Outcome::Passed), ("b", Outcome::Died)]));
    }
}
