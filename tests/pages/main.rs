//! Runs the pages: Markdown files whose `py` blocks are programs and whose `out` blocks are what they print.
//!
//! Each program runs with the JIT on, off, and with a threshold of 3, as `adder case.py` in an empty directory; those of
//! `language/` and `hard/` also with each handler run twice, with each exit of compiled code taken once at will, with so little memory
//! for traces that they are dropped all the time, and with a collection at every allocation and poisoned from-space, unless their block is marked `py large`: what allocates without end would run without end. After a `py`
//! block may stand an `out` block (standard output) and an `err N` block (standard error, and the exit status N);
//! one that does not stand is empty, with status 0. An `in` block is the standard input.
//! `PAGES_JIT=OPTIONS` runs all of them with these options of the JIT instead.
//!
//! Arguments select cases by parts of their names (`language/int`, `threshold`). `ADDER` names another binary to test.
//! `BLESS=1` rewrites the blocks from the reference Python (`REFERENCE_PYTHON`, by default `python3.14`).
//! `not-yet.txt` lists cases known to fail: they run, and a line whose cases all pass is reported. A line
//! that ends in `/` or `:` stands for a folder or a page.

mod page;

use page::{Case, Outcome, Page};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

/// A way to run a case.
#[derive(Clone)]
struct Mode {
    name: &'static str,
    /// `ADDER_JIT` and `ADDER_GC`.
    jit: Option<&'static str>,
    collector: Option<&'static str>,
}

const MODES: [Mode; 8] = [
    Mode { name: "jit", jit: None, collector: None },
    Mode { name: "off", jit: Some("off"), collector: None },
    Mode { name: "threshold", jit: Some("threshold=3,background=off"), collector: None },
    // Every handler runs twice while it is recorded, at each event, and must come to the same.
    Mode { name: "double", jit: Some("threshold=3,background=off,double_run"), collector: None },
    // Compiled code is left once through each exit although its guard holds.
    Mode {
        name: "exits",
        jit: Some("threshold=3,entry=3,bridge=2,unit=1000,background=off,leave_once"),
        collector: None,
    },
    // All that is recorded is optimised on another thread.
    Mode { name: "apart", jit: Some("threshold=3,entry=3,bridge=2,background,budget=0,apart=0"), collector: None },
    // All traces are dropped again and again.
    Mode { name: "evict", jit: Some("threshold=3,entry=3,bridge=2,background=off,memory=256"), collector: None },
    Mode { name: "collect", jit: Some("threshold=3,background=off"), collector: Some("stress=100,poison") },
];

impl Mode {
    fn applies(&self, page: &str, case: &Case) -> bool {
        if self.collector.is_some() && env::var_os("PAGES_COLLECT").is_some() {
            return true;
        }
        let everywhere = !["double", "exits", "apart", "evict"].contains(&self.name) && self.collector.is_none();
        let is_dense = page.starts_with("language/") || page.starts_with("hard/");
        everywhere || is_dense && !(self.collector.is_some() && case.large)
    }
}

/// Longer where `PAGES_COLLECT` has every page run with a collection at every allocation.
fn timeout() -> Duration {
    Duration::from_secs(if env::var_os("PAGES_COLLECT").is_some() { 1800 } else { 120 })
}

fn main() -> ExitCode {
    // A shell starts what runs in the background with SIGINT ignored, and programs inherit that: they would wait for it in vain.
    // SAFETY: it is the default action, and no code of this process runs when the signal comes.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").canonicalize().expect("tests directory");
    let filters: Vec<String> = env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let pages = find_pages(&root);
    if env::var_os("BLESS").is_some() { bless(pages, &filters) } else { run(&root, pages, &filters) }
}

/// One run of one case in one mode.
struct Job<'m> {
    name: String,
    case: Arc<Case>,
    mode: &'m Mode,
}

fn run(root: &Path, pages: Vec<Page>, filters: &[String]) -> ExitCode {
    let adder = env::var("ADDER").ok().or(option_env!("CARGO_BIN_EXE_adder").map(String::from));
    let adder = adder.expect("ADDER names the binary to test");
    let mut not_yet = read_not_yet(&root.join("not-yet.txt"));
    if env::var_os("PAGES_COLLECT").is_some() {
        not_yet.extend(read_not_yet(&root.join("not-under-stress.txt")));
    }
    // With options of one's own there is one mode, everywhere.
    let own = env::var("PAGES_JIT").ok().map(|jit| Mode { name: "own", jit: Some(jit.leak()), collector: None });
    let modes = own.as_ref().map_or(&MODES[..], std::slice::from_ref);
    let mut jobs = Vec::new();
    for page in pages {
        for case in page.cases {
            let case = Arc::new(case);
            for mode in modes.iter().filter(|mode| mode.applies(&page.name, &case)) {
                let name = format!("{}: {} ({})", page.name, case.name, mode.name);
                if env::var_os("PAGES_COLLECT").is_some() && mode.collector.is_none() {
                    continue;
                }
                if filters.is_empty() || filters.iter().any(|f| name.contains(f.as_str())) {
                    jobs.push(Job { name, case: case.clone(), mode });
                }
            }
        }
    }

    let next = AtomicUsize::new(0);
    let differences = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, |n| n.get()) {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(difference) = run_job(&adder, job) {
                        differences.lock().expect("no thread panicked").push((job.name.clone(), difference));
                    }
                }
            });
        }
    });

    let mut failures = differences.into_inner().expect("no thread panicked");
    let all = failures.len();
    for entry in &not_yet {
        // A folder or page stands for all its cases.
        let covers = |name: &str| {
            name == entry
                || name.rsplit_once(" (").is_some_and(|(case, _)| case == entry)
                || (entry.ends_with(['/', ':']) && name.starts_with(entry.as_str()))
        };
        let known = failures.len();
        failures.retain(|(name, _)| !covers(name));
        if failures.len() == known && jobs.iter().any(|job| covers(&job.name)) {
            println!("passes, but stands in not-yet.txt: {entry}");
        }
    }
    failures.sort();
    for (name, difference) in &failures {
        println!("---- {name}\n{difference}");
    }
    for (name, _) in &failures {
        println!("FAILED {name}");
    }
    let failed = failures.len();
    let passed = jobs.len() - all;
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    let known = all.saturating_sub(failed);
    println!("\ntest result: {verdict}. {passed} passed; {failed} failed; {known} known not to work yet (pages)");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a case under `adder`; what differs from the page, or None.
fn run_job(adder: &str, job: &Job) -> Option<String> {
    let outcome = match run_program(adder, job.mode, &job.case) {
        Ok(outcome) => outcome,
        Err(error) => return Some(format!("{adder}: {error}\n")),
    };
    let expected = &job.case.expected;
    if outcome == *expected {
        return None;
    }
    let mut text = String::new();
    if outcome.status != expected.status {
        text += &format!("exit status {}, expected {}\n", outcome.status, expected.status);
    }
    for (what, got, want) in [("out", &outcome.out, &expected.out), ("err", &outcome.err, &expected.err)] {
        if got != want {
            text += &format!("{what}:\n{}", page::difference(want, got));
        }
    }
    Some(text)
}

fn bless(pages: Vec<Page>, filters: &[String]) -> ExitCode {
    let python = env::var("REFERENCE_PYTHON").unwrap_or_else(|_| "python3.14".into());
    for mut page in pages {
        for case in &mut page.cases {
            if filters.is_empty() || filters.iter().any(|f| format!("{}: {}", page.name, case.name).contains(f)) {
                case.expected = run_program(&python, &MODES[0], case).unwrap_or_else(|e| panic!("{python}: {e}"));
            }
        }
        fs::write(&page.path, page.render()).expect("page written");
    }
    ExitCode::SUCCESS
}

/// Runs `interpreter case.py` in an empty directory.
fn run_program(interpreter: &str, mode: &Mode, case: &Case) -> io::Result<Outcome> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let unique = format!("adder-page-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let directory = env::temp_dir().join(unique);
    fs::create_dir_all(&directory)?;
    let directory = directory.canonicalize()?;
    fs::write(directory.join("case.py"), &case.program)?;
    fs::write(directory.join("stdin"), &case.input)?;
    let mut command = Command::new(interpreter);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PYTHON") {
            command.env_remove(name);
        }
    }
    command
        .env_remove("ADDER_JIT")
        .env_remove("ADDER_GC")
        .env("TZ", "UTC")
        .env("LC_ALL", "C.UTF-8")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs(mode.jit.map(|jit| ("ADDER_JIT", jit))).envs(mode.collector.map(|gc| ("ADDER_GC", gc)));
    let mut child = command
        .arg("case.py")
        .current_dir(&directory)
        .stdout(fs::File::create(directory.join("stdout"))?)
        .stderr(fs::File::create(directory.join("stderr"))?)
        .stdin(Stdio::from(fs::File::open(directory.join("stdin"))?))
        .spawn()?;
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if started.elapsed() > timeout() {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(2));
    };
    // Scripts are named by their absolute paths; a page names them without.
    let prefix = format!("{}/", directory.display());
    let read = |name: &str| {
        let bytes = fs::read(directory.join(name))?;
        io::Result::Ok(page::without_addresses(&String::from_utf8_lossy(&bytes).replace(&prefix, "")))
    };
    let (out, mut err) = (read("stdout")?, read("stderr")?);
    let status = match status {
        Some(status) => status.code().unwrap_or_else(|| {
            use std::os::unix::process::ExitStatusExt;
            -status.signal().unwrap_or(0)
        }),
        None => {
            err += "killed: it ran too long\n";
            -9
        }
    };
    fs::remove_dir_all(&directory)?;
    Ok(Outcome { out: page::ended(&out), err: page::ended(&err), status })
}

fn find_pages(root: &Path) -> Vec<Page> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for directory in fs::read_dir(root).expect("tests directory").flatten() {
        for entry in fs::read_dir(directory.path()).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|e| e == "md") {
                paths.push(entry.path());
            }
        }
    }
    paths.sort();
    paths.into_iter().map(|path| Page::read(root, path)).collect()
}

/// Lines `page: case` or `page: case (mode)`, then two spaces and why; empty lines and lines with `#` are skipped.
fn read_not_yet(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
    lines.map(|line| line.split_once("  ").expect("not-yet.txt: name, two spaces, reason").0.to_string()).collect()
}
