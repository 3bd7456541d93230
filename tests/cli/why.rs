//! `adder jit why`: the essential statements about small programs.

use crate::row::{binary, check, row};
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

fn scratch(name: &str) -> PathBuf {
    let directory = env::temp_dir().join(format!("adder-why-{name}-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("directory made");
    directory
}

/// The text about a program, whose blanks and breaks are single blanks.
fn why(name: &str, program: &str) -> String {
    let directory = scratch(name);
    fs::write(directory.join("program.py"), program).expect("program written");
    let mut command = Command::new(binary());
    command.args(["jit", "why", "-o", "why.txt", "program.py"]).current_dir(&directory);
    let output = command.env("ADDER_JIT", "background=off").output().expect("binary starts");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(directory.join("why.txt")).expect("a report");
    fs::remove_dir_all(directory).expect("directory removed");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands between the headline of a line and that of the next.
fn about<'t>(text: &'t str, line: &str) -> &'t str {
    let at = text.find(&format!("program.py:{line} ")).unwrap_or_else(|| panic!("nothing about line {line}: {text}"));
    let rest = &text[at + 1..];
    &rest[..rest.find("program.py:").unwrap_or(rest.len())]
}

#[track_caller]
fn says(text: &str, line: &str, parts: &[&str]) {
    let about = about(text, line);
    for part in parts {
        assert!(about.contains(part), "line {line} should say {part:?}: {about}\n\n{text}");
    }
}

#[test]
fn another_type_in_a_part_of_the_rounds() {
    let program = "\
def add(values):
    total = 0.0
    for x in values:
        total += x
    return total

values = [1] * 2000 + [1.5 if i % 4 == 0 else 2 for i in range(400000)]
for _ in range(12):
    add(values)
";
    let text = why("types", program);
    says(
        &text,
        "4",
        &[
            "the value at line 4 was an int when this was recorded, and a float in 25 % of",
            "`total += x`",
            "costs little",
        ],
    );
    says(&text, "3", &["a compiled loop starts here: entered"]);
}

#[test]
fn a_loop_of_three_rounds() {
    let program = "\
def short(n):
    total = 0
    for i in range(n):
        for j in range(3):
            total += j
    return total

short(400000)
";
    let text = why("short", program);
    says(
        &text,
        "4",
        &["loop of 3 rounds: entered 399,", "What to do: if the loop around it is longer, exchange the two"],
    );
}

#[test]
fn names_made_as_the_program_runs() {
    let program = "\
class Point:
    def __init__(self):
        for i in range(40):
            setattr(self, f'f{i}', i)

def read(point, names, n):
    total = 0
    for i in range(n):
        total += getattr(point, names[i % 40])
    return total

read(Point(), [f'f{i}' for i in range(40)], 1500000)
";
    let text = why("names", program);
    says(&text, "9", &["of the line's time in `getattr()`", "What to do: names known when the code is written"]);
}

#[test]
fn two_hundred_classes_at_one_call() {
    let program = "\
class Base: pass
classes = [type(f'C{i}', (Base,), {'value': lambda self, i=i: i}) for i in range(200)]
objects = [each() for each in classes]

def go(n):
    total = 0
    for i in range(n):
        total += objects[i % 200].value()
    return total

go(300000)
";
    let text = why("classes", program);
    says(
        &text,
        "8",
        &["was a C", "other types in", "`objects[i % 200].value`", "What to do: many classes at one place"],
    );
}

#[test]
fn recordings_that_are_given_up() {
    let body: String = (0..400).map(|i| format!("        total += values[{i}] * {i} % 7\n")).collect();
    let program = format!(
        "def long(values, n):\n    total = 0\n    for _ in range(n):\n{body}    return total\n\nlong(list(range(400)), 8000)\n"
    );
    let text = why("long", &program);
    says(
        &text,
        "3",
        &[
            "recording given up",
            "one round is too long for a trace; it was cut off at line",
            "The interpreter runs it.",
            "What to do: split the work",
        ],
    );
}

#[test]
fn integers_that_grow_and_code_that_changes() {
    let program = "\
def grow(n):
    x = 1
    for i in range(n):
        x = x * 3 + i
        if x > 1 << 70:
            x = 1
    return x

grow(300000)
";
    let text = why("large", program);
    says(&text, "4", &["did not fit 63 bits in"]);
}

#[test]
fn the_page_is_complete_by_itself() {
    let directory = scratch("page");
    let program = "\
def go(values):
    total = 0
    for x in values:
        if x < 3 and x != '<b>':
            total += x
    return total

for _ in range(3):
    go(list(range(10)) * 20000)
";
    fs::write(directory.join("program.py"), program).expect("program written");
    let mut command = Command::new(binary());
    command.args(["jit", "why", "--html", "why.html", "program.py"]).current_dir(&directory);
    let output = command.env("ADDER_JIT", "background=off").output().expect("binary starts");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = fs::read_to_string(directory.join("why.html")).expect("a page");
    crate::markup::check(&page);
    for part in [
        "<!DOCTYPE html>",
        "prefers-color-scheme: dark",
        "max-width: 860px",
        "x != '&lt;b&gt;'",
        "guard_",
        "condition went the other way",
    ] {
        assert!(page.contains(part), "the page lacks {part}");
    }
    // Every line that can be selected has something to show, once.
    for panel in page.split("data-panel=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(page.matches(&format!("<article id=\"{panel}\"")).count(), 1, "{panel}");
    }
    if cfg!(target_arch = "x86_64") {
        assert!(page.contains("class=\"asm\">    mov "), "no machine code");
    }
    fs::remove_dir_all(directory).expect("directory removed");
}

#[test]
fn the_command_line() {
    check(&[
        row(&["jit", "why", "-c", "import sys; print(sys.argv); sys.exit(4)", "a"])
            .out("['-c', 'a']\n")
            .err("s of processor time")
            .status(4),
        row(&["jit", "why"]).err("no program is named").status(2),
        row(&["jit", "why", "--html"]).err("Argument expected for the --html option").status(2),
        row(&["jit", "why"]).file("jit", "import sys; print('own', sys.argv)").out("own ['jit', 'why']\n"),
        row(&["jit"]).err("can't open file").status(2),
        row(&["jit", "why", "-o", "/no/such/directory/x", "-c", "pass"]).err("cannot write /no/such/directory/x"),
    ]);
}
