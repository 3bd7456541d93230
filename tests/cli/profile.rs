//! `-X profile`: samples land on the functions and lines that ran, in whatever way they ran.

use crate::row::{binary, check, row};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A loop without a call; then one whose function is inlined in the trace; then a callee that is not traced.
const PROGRAM: &str = "\
def hot(n):
    total = i = 0
    while i < n:
        total = (total * 31 + i) % 1000003 % 10007 % 997 % 101
        i += 1
    return total

def scale(x):
    return (x * 31 + 7) % 1000003 % 10007 % 997 % 101

def calls(n):
    total = 0
    for i in range(n):
        total += scale(i)
    return total

def fixed(text, n):
    for _ in range(n):
        text.count('ab')

hot(6000000)
calls(6000000)
fixed('a' * 100000, 20000)
";

fn scratch(name: &str) -> PathBuf {
    let directory = env::temp_dir().join(format!("adder-profile-{name}-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("directory made");
    directory
}

/// Runs a program with the profile going to `file`; the profile.
fn profile(directory: &Path, program: &str, file: &str, mode: &str) -> String {
    fs::write(directory.join("program.py"), program).expect("program written");
    let mut command = Command::new(binary());
    let output = command
        .args(["-X", &format!("profile={file}"), "program.py"])
        .current_dir(directory)
        .env("ADDER_JIT", mode)
        .output()
        .expect("binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(directory.join(file)).unwrap_or_default()
}

/// Collapsed stacks: the names and lines of the frames, outermost first, and microseconds.
fn stacks(text: &str) -> Vec<(Vec<String>, u64)> {
    let frame = |frame: &str| frame.rsplit('/').next().unwrap_or(frame).replace("program.py:", "");
    let stack = |line: &str| {
        let (frames, time) = line.rsplit_once(' ').expect("frames and time");
        (frames.split(';').map(frame).collect(), time.parse().expect("a number"))
    };
    text.lines().map(stack).collect()
}

/// The part of the time of stacks with `within`, in percent, that those have whose innermost frame is `top`.
fn share(stacks: &[(Vec<String>, u64)], within: &str, top: &str) -> u64 {
    let has = |stack: &&(Vec<String>, u64)| stack.0.iter().any(|frame| frame.starts_with(within));
    let all: u64 = stacks.iter().filter(has).map(|stack| stack.1).sum();
    let of_top = |stack: &&(Vec<String>, u64)| stack.0.last().is_some_and(|frame| frame.starts_with(top));
    assert!(all > 0, "no sample in {within}: {stacks:?}");
    100 * stacks.iter().filter(has).filter(of_top).map(|stack| stack.1).sum::<u64>() / all
}

fn shares_are_right(text: &str, mode: &str) -> bool {
    let stacks = stacks(text);
    let outermost = |stack: &&(Vec<String>, u64)| stack.0[0].starts_with("<module>:") || stack.0[0].starts_with('<');
    share(&stacks, "hot:", "hot:4") >= 60
        && share(&stacks, "hot:", "hot:") >= 85
        && share(&stacks, "calls:14", "scale:9") >= if mode == "off" { 30 } else { 60 }
        && share(&stacks, "fixed:", "fixed:19") >= 90
        && stacks.iter().all(|stack| outermost(&stack))
}

#[test]
fn compiled_loops_inlined_functions_and_callees_are_seen_where_they_are() {
    let directory = scratch("lines");
    for mode in ["background=off", "", "off"] {
        // An old return address that a callee leaves in its native frame misleads all samples of a run, seldom enough for one of three
        // runs to be right.
        let mut runs = (0..3).map(|_| profile(&directory, PROGRAM, "out.collapsed", mode));
        let text = runs.find(|text| shares_are_right(text, mode));
        assert!(text.is_some(), "{mode}: {}", profile(&directory, PROGRAM, "out.collapsed", mode));
    }
    fs::remove_dir_all(directory).expect("directory removed");
}

/// Weights are processor time: the time of all samples is about what the process used, and sleeping is none.
#[test]
fn the_time_is_the_processors() {
    let directory = scratch("time");
    let program = "\
import time
time.sleep(0.3)
total = i = 0
while time.process_time() < 0.3:
    for i in range(1000):
        total += i
print(time.thread_time())
";
    let text = profile(&directory, program, "out.json", "");
    let end: f64 = text
        .split("\"endValue\":")
        .nth(1)
        .and_then(|rest| rest.split(',').next())
        .expect("a total")
        .parse()
        .expect("a number");
    assert!((0.15e9..0.45e9).contains(&end), "{end}");
    fs::remove_dir_all(directory).expect("directory removed");
}

#[test]
fn formats_hold_together() {
    let directory = scratch("formats");
    profile(&directory, PROGRAM, "out.json", "");
    let check = "\
import json
profile = json.load(open('out.json'))
frames, [sampled] = profile['shared']['frames'], profile['profiles']
assert profile['$schema'] == 'https://www.speedscope.app/file-format-schema.json'
assert sampled['type'] == 'sampled' and sampled['unit'] == 'nanoseconds'
assert len(sampled['samples']) == len(sampled['weights']) > 20
assert sum(sampled['weights']) == sampled['endValue'] > 0
assert all(0 <= frame < len(frames) for stack in sampled['samples'] for frame in stack)
names = {frame['name']: frame for frame in frames}
assert names['hot']['line'] == 1 and names['hot']['file'].endswith('program.py')
";
    let output = Command::new(binary()).args(["-c", check]).current_dir(&directory).output().expect("binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let svg = profile(&directory, PROGRAM, "out.svg", "");
    crate::markup::check(&svg);
    assert!(svg.contains("data-name=\"hot\"") && svg.contains("data-name=\"scale\""), "{svg}");

    profile(&directory, PROGRAM, "both", "");
    let table = fs::read_to_string(directory.join("both.txt")).expect("a table");
    let rows: Vec<&str> = table.lines().filter(|line| line.contains("program.py:4 ")).collect();
    assert!(rows.len() == 1 && rows[0].ends_with("total = (total * 31 + i) % 1000003 % 10007 % 997 % 101"), "{table}");
    assert!(directory.join("both.svg").exists());
    fs::remove_dir_all(directory).expect("directory removed");
}

/// The profile is the process's that was asked for it, a program's own signals and timers work, and calls of the system are
/// not cut short.
#[test]
fn programs_do_not_notice() {
    let fork = "\
import os
child = os.fork()
for i in range(300000): pass
if child:
    os.waitpid(child, 0)
    print('parent')
";
    let timer = "\
import signal, time
count = 0
def tick(number, frame):
    global count
    count += 1
signal.signal(signal.SIGPROF, tick)
signal.setitimer(signal.ITIMER_PROF, 0.002, 0.002)
while count < 60:
    for i in range(1000): pass
signal.setitimer(signal.ITIMER_PROF, 0)
before = time.monotonic()
time.sleep(0.05)
import select
select.select([], [], [], 0.05)
print(time.monotonic() - before >= 0.1)
";
    check(&[
        row(&["-X", "profile", "-c", fork]).out("parent\n").err("s of processor time"),
        row(&["-X", "profile", "-c", timer]).out("True\n").err("s of processor time"),
        row(&["-X", "profile", "-c", "import sys; sys.exit(3)"]).err("s of processor time").status(3),
        row(&["-X", "profile=/no/such/directory/p.txt", "-c", "pass"]).err("cannot write the profile to"),
        row(&["-X", "profile", "-X", "profile_rate=0", "-c", "pass"]).err("N is from 1 to").status(2),
    ]);
}
