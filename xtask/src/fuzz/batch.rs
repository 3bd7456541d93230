//! Many programs in one process: `driver.py` runs one after the other under an interpreter.

use super::Mode;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long one program may take.
const TIMEOUT: Duration = Duration::from_secs(60);

const DRIVER: &str = include_str!("driver.py");

/// What one program did: `done` or how it ended otherwise, and what it printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    pub status: String,
    pub output: String,
}

/// A directory of programs `SEED.py`, which goes with the value.
pub struct Programs {
    directory: PathBuf,
}

impl Programs {
    pub fn new(name: &str) -> Programs {
        let directory = std::env::temp_dir().join(format!("adder-fuzz-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).expect("directory made");
        fs::write(directory.join("driver.py"), DRIVER).expect("driver written");
        Programs { directory }
    }

    pub fn add(&self, seed: u64, program: &str) {
        fs::write(self.path(seed), program).expect("program written");
    }

    pub fn path(&self, seed: u64) -> PathBuf {
        self.directory.join(format!("{seed}.py"))
    }

    /// Runs the programs under one interpreter. After one that brings the process down, or does not end, a new process takes
    /// up the rest.
    pub fn run(&self, mode: &Mode, seeds: &[u64]) -> BTreeMap<u64, Outcome> {
        let mut outcomes = BTreeMap::new();
        let mut rest = seeds;
        while let Some(&first) = rest.first() {
            let out = self.directory.join("stdout");
            let mut command = Command::new(&mode.interpreter);
            command.args(["-W", "ignore"]).arg(self.directory.join("driver.py"));
            command.args(rest.iter().map(|&seed| self.path(seed)));
            command.env_remove("ADDER_JIT").env("PYTHONHASHSEED", "0");
            if let Some(jit) = &mode.jit {
                command.env("ADDER_JIT", jit);
            }
            let log = self.directory.join("stderr");
            command.stdout(fs::File::create(&out).expect("file for output"));
            command.stderr(fs::File::create(&log).expect("file for errors")).stdin(Stdio::null());
            let ended = wait(command.spawn().expect("interpreter starts"), &out);
            let found = parse(&fs::read(&out).expect("output"));
            let reached = rest.iter().take_while(|seed| found.contains_key(seed)).count();
            outcomes.extend(found);
            rest = &rest[reached..];
            if let Some(&culprit) = rest.first() {
                let said = String::from_utf8_lossy(&fs::read(&log).expect("errors")).into_owned();
                let tail: Vec<&str> = said.lines().rev().take(12).collect();
                let output = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
                outcomes.insert(culprit, Outcome { status: ended, output });
                rest = &rest[1..];
            }
            debug_assert!(outcomes.contains_key(&first));
        }
        outcomes
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.directory);
    }
}

/// Waits for the driver as long as its output grows; how it ended.
fn wait(mut child: Child, out: &Path) -> String {
    let (mut length, mut since) = (0, Instant::now());
    loop {
        if let Some(status) = child.try_wait().expect("waited for") {
            return status.to_string();
        }
        let now = fs::metadata(out).map_or(0, |file| file.len());
        if now != length {
            (length, since) = (now, Instant::now());
        }
        if since.elapsed() > TIMEOUT {
            _ = child.kill();
            _ = child.wait();
            return "no end".into();
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn parse(mut bytes: &[u8]) -> BTreeMap<u64, Outcome> {
    let mut outcomes = BTreeMap::new();
    while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut words = head.split(' ');
        let seed = words.next().and_then(|word| word.parse().ok());
        let (status, length) = (words.next(), words.next().and_then(|word| word.parse::<usize>().ok()));
        let (Some(seed), Some(status), Some(length)) = (seed, status, length) else { break };
        let Some(output) = bytes.get(end + 1..end + 1 + length) else { break };
        let output = String::from_utf8_lossy(output).into_owned();
        outcomes.insert(seed, Outcome { status: status.into(), output });
        bytes = &bytes[end + 1 + length..];
    }
    outcomes
}
