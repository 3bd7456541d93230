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
    why_with("background=off", name, program)
}

fn why_with(options: &str, name: &str, program: &str) -> String {
    let directory = scratch(name);
    fs::write(directory.join("program.py"), program).expect("program written");
    let mut command = Command::new(binary());
    command.args(["jit", "why", "-o", "why.txt", "program.py"]).current_dir(&directory);
    let output = command.env("ADDER_JIT", options).output().expect("binary starts");
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
fn the_rounds_of_loops_in_loops() {
    // The inner loop is unrolled into the one around it, and that is gone round in bridges, too.
    let program = "\
def rows(matrix, vector):
    result = []
    for row in matrix:
        total = 0
        for k in range(3):
            total += row[k] * vector[k]
        result.append(total & 1023)
    return result

def search(n):
    found = 0
    for i in range(n):
        for j in (1, 2, 3, 4, 5):
            if j == 2:
                break
            found += j
    return found

vector = [1, 1, 1]
for _ in range(60000):
    vector = rows([[1, 2, 3], [4, 5, 6], [7, 8, 10], [1, 0, 1]], vector)
search(100000)
";
    let text = why("loops", program);
    says(&text, "3", &["a compiled loop starts here: entered 59,", "loop of 4 rounds: entered 59,"]);
    says(&text, "5", &["loop of 3 rounds: entered 239,"]);
    says(&text, "13", &["loop of 2 rounds: entered 99,"]);
}

#[test]
fn functions_made_of_one_text() {
    let program = "\
TEXT = 'def step(data):\\n total = {}\\n for x in data:\\n  if x % 3: total += x\\n return total\\n'
data = list(range(3000))
for number in range(400):
    scope = {}
    exec(TEXT.format(number), scope)
    for _ in range(4):
        scope['step'](data)
";
    let text = why("copies", program);
    let part = "functions were made of this text, as by `exec()`.";
    assert_eq!(text.matches(part).count(), 1, "{text}");
    assert!(text.contains("What to do: make the function once"), "{text}");
    assert!(text.contains("(in `step`)") && !text.contains("``"), "{text}");
    // The copies' exits are told of as one.
    assert!(text.matches("the condition went the other way").count() <= 2, "{text}");
}

#[test]
fn a_program_that_is_watched() {
    let program = "\
import sys

def work(n):
    total = 0
    for i in range(n):
        total += i & n
    return total

sys.setprofile(lambda *arguments: None)
work(2000000)
sys.setprofile(None)
";
    let text = why("watched", program);
    says(&text, "6", &["interpreted for a tracer or profiler"]);
    assert!(!about(&text, "6").contains("no compiled code passes here"), "{text}");
}

#[test]
fn code_that_is_left_at_once() {
    let branches: String =
        (0..12).map(|bit| format!("        if bits & {}:\n            a ^= {bit} + state\n", 1 << bit)).collect();
    let program = format!(
        "def go(n):\n    state, a = 42, 0\n    for _ in range(n):\n        state = (state * 1103515245 + 12345) & 0x7FFFFFFF\n        \
         bits = state >> 12\n{branches}    return a\n\ngo(1500000)\n"
    );
    let text = why_with("", "aside", &program);
    says(
        &text,
        "3",
        &["the loop that is compiled here was set aside", "What to do: what makes it leave stands at its lines"],
    );
    says(&text, "10", &["interpreted: what was compiled of `go` was set aside; see line 3."]);
    says(&text, "4", &["an integer had more than 62 bits, and none had when this was recorded"]);
}

#[test]
fn a_format_that_changes_is_no_function_that_changes() {
    let program = "\
import struct

def read(data, form):
    return struct.unpack_from(form, data, 0)[0]

def go(n):
    total = 0
    for i in range(n):
        total += read(DATA, FORMATS[i % 7 // 6])
    return total

DATA = struct.pack('=ii', 5, 6)
FORMATS = ['=i', '=h']
go(300000)
";
    let text = why("format", program);
    says(&text, "4", &["a value that had been the same was another one in 14 %"]);
}

#[test]
fn large_integers_and_the_lines_that_are_not_shown() {
    let body: String = (0..600).map(|i| format!("    a = (a * {} + b) & 0xFFFFFFFFFFFFFFFFFFFFFF\n", i + 3)).collect();
    let program = format!("def long(a, b):\n{body}    return a\n\nfor i in range(2500):\n    long(i, 1 << 70)\n");
    let text = why("rest", &program);
    assert!(text.contains("more lines, of which none takes much"), "{text}");
    assert!(text.contains("in lines of `long` (program.py:1)"), "{text}");
    says(&text, "1", &["one call is too long for a trace"]);
    let program = "\
def go(n):
    state = 1 << 80
    for i in range(n):
        state = (state * 5 + i) & 0xFFFFFFFFFFFFFFFFFFFFFFFF
    return state

go(600000)
";
    let text = why("large-integers", program);
    says(&text, "4", &["of the line's time in integers beyond 63 bits", "What to do: integers within 63 bits"]);
}

#[test]
fn calls_that_have_returned_are_not_taken_for_one_in_progress() {
    // The class's body is compiled code that has returned when the class itself is made.
    let program = "\
def make(number):
    class Local:
        kind = number
        def one(self): return self.kind
        def two(self): return self.kind
    return Local

def go(n):
    total = 0
    for i in range(n):
        total += make(i).kind
    return total

go(25000)
";
    let text = why("returned", program);
    says(&text, "2", &["of the line's time in native functions"]);
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
        &[
            "was a C",
            "other types in",
            "`objects[i % 200].value`. So it is compiled for all of them alike, as a call.",
            "of the line's time in attribute lookups on objects of many kinds",
            "What to do: few classes",
        ],
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
