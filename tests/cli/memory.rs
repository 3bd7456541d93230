//! Little memory, and the report of what takes it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const MODES: [&str; 3] = ["", "off", "threshold=3"];

fn binary() -> PathBuf {
    std::env::var_os("ADDER").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_adder")), PathBuf::from)
}

fn directory(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("adder-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for the test");
    directory
}

/// Runs a program that may have so much address space.
fn run_within(kibibytes: usize, mode: &str, program: &str) -> Output {
    let command = format!("ulimit -v {kibibytes}; exec \"$0\" -c \"$1\"");
    let mut sh = Command::new("sh");
    sh.args(["-c", &command]).arg(binary()).arg(program).env("ADDER_JIT", mode);
    sh.output().expect("the program starts")
}

#[track_caller]
fn check_within(kibibytes: usize, program: &str, expected: &str) {
    for mode in MODES {
        let output = run_within(kibibytes, mode, program);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(out, expected, "{kibibytes} KiB, mode `{mode}`, {}\n{err}", output.status);
        assert!(output.status.success(), "{kibibytes} KiB, mode `{mode}`, {}\n{err}", output.status);
    }
}

const TOO_MUCH: &str = "
import io, itertools, json, re, zlib
from array import array

def attempt(make):
    try:
        make()
    except MemoryError:
        return True
    return False

MANY = 3 * 10**8
ATTEMPTS = [
    lambda: bytes(10**10),
    lambda: bytearray(10**10),
    lambda: ['x' * MANY for i in range(10)],
    lambda: [bytearray(MANY) for i in range(10)],
    lambda: [0] * 10**9,
    lambda: list(itertools.repeat(0, 10**9)),
    lambda: dict.fromkeys(range(10**8)),
    lambda: set(range(10**8)),
    lambda: 'x'.join(['y' * 10**7] * 200),
    lambda: b'x' * MANY + b'y' * MANY + b'z' * MANY + b'a' * MANY,
    lambda: ('x' * MANY).upper().encode('utf-32'),
    lambda: repr('\\0' * MANY),
    lambda: (b'x' * MANY).hex(),
    lambda: array('d', [0.0]) * 10**9,
    lambda: 1 << 10**11,
    lambda: 3 ** (10**9 + 1),
    lambda: io.BytesIO().write(b'x' * 10**10),
    lambda: open('/dev/zero', 'rb').read(),
    lambda: re.sub('x', 'y' * 10**6, 'x' * 10**5),
    lambda: json.dumps(['x' * 10**7] * 200),
    lambda: zlib.decompress(zlib.compress(b'x' * 10**7) * 1) * 300,
    lambda: f'{1:>10000000000}',
]
print([i for i, make in enumerate(ATTEMPTS) if not attempt(make)])
kept = [[i] for i in range(10**5)]
print(len(kept), sum(i for [i] in kept))
";

/// A collection that the program asks for counts what it finds: in lists as long as what has died.
const MUCH_THAT_DIES: &str = "
import gc

kept = [[] for _ in range(3_000_000)]
ballast = []
try:
    while True:
        ballast.append(bytearray(1 << 20))
except MemoryError:
    kept = None
try:
    gc.collect()
except MemoryError:
    pass
ballast = None
print(len(bytearray(1 << 20)))
";

#[test]
fn a_collection_counts_what_it_has_memory_for() {
    for kibibytes in [500_000, 700_000] {
        check_within(kibibytes, MUCH_THAT_DIES, "1048576\n");
    }
}

#[test]
fn a_program_goes_on_after_a_memory_error() {
    check_within(1 << 20, TOO_MUCH, "[]\n100000 4999950000\n");
}

const TOO_MANY: &str = "
import collections, itertools, json, re

class Node:
    def __init__(self, next):
        self.next = next

def loop():
    kept = []
    while True:
        kept.append(object())

def linked():
    node = None
    while True:
        node = Node(node)

def floats():
    return [i + 0.5 for i in itertools.count()]

def tree(depth=0):
    return (tree(depth + 1), tree(depth + 1)) if depth < 40 else [depth]

def strings():
    kept = set()
    for i in itertools.count():
        kept.add('%d' % i)

def numbers():
    kept = {}
    i = 1 << 70
    while True:
        kept[i] = i = i + 1

def instances():
    return {i: Node(i) for i in itertools.count()}

def generated():
    return list(Node(i) for i in itertools.count())

def tuples():
    return list(zip(itertools.count(), itertools.count()))

def mapped():
    return list(map(float, itertools.count(1 << 60)))

def closures():
    kept = []
    for i in itertools.count():
        kept.append(lambda: i)

def words():
    return [('w ' * 1000000).split() for i in itertools.count()]

def found():
    return [re.findall('.(.)', 'ab' * 100000) for i in itertools.count()]

def parsed():
    return [json.loads('[' + '{\"a\": [1.5]},' * 10000 + '1]') for i in itertools.count()]

def counted():
    return collections.Counter(str(i) for i in itertools.count())

def dicts():
    kept = collections.deque()
    while True:
        kept.append({'a': len(kept)})

def strung():
    kept = ''
    for i in itertools.count():
        kept = (kept, i)

def sorted_pairs():
    return sorted((i, i) for i in itertools.count())

def suspended():
    def numbers():
        yield 1
    kept = []
    while True:
        generator = numbers()
        next(generator)
        kept.append(generator)

for make in [loop, linked, floats, tree, strings, numbers, instances, generated, tuples, mapped, closures, words, found,
             parsed, counted, dicts, strung, sorted_pairs, suspended]:
    for again in range(2):
        try:
            make()
        except MemoryError:
            pass
        else:
            print(make.__name__, 'was not refused')
kept = [[i] for i in range(10**5)]
print(len(kept), sum(i for [i] in kept))
";

#[test]
fn a_program_goes_on_after_too_many_small_objects() {
    check_within(700 << 10, &TOO_MANY.replace("range(2)", "range(1)"), "100000 4999950000\n");
}

#[test]
fn the_heap_has_a_limit_where_one_is_given() {
    for (mode, limit) in [("", "max=64M"), ("off", "max=64M"), ("threshold=3", "max=64M,nursery=256K")] {
        let mut command = Command::new(binary());
        command.args(["-c", TOO_MANY]).env("ADDER_JIT", mode).env("ADDER_GC", limit);
        let output = command.output().expect("the program starts");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(out, "100000 4999950000\n", "{limit}, mode `{mode}`, {}\n{err}", output.status);
    }
}

#[test]
fn buffers_that_die_make_room() {
    let program = "
total = 0
for i in range(30):
    buffer = bytearray(100_000_000)
    buffer[i] = i
    total += buffer[i]
print(total)
";
    check_within(1 << 20, program, "435\n");
}

#[test]
fn buffers_get_addresses_that_the_heap_does_not_need() {
    let program = "
def fill(make):
    kept = []
    try:
        while True:
            kept.append(make())
    except MemoryError:
        return len(kept)

counts = [fill(lambda: bytearray(50_000_000)) for again in range(3)]
print(max(counts) >= 10 or counts, max(counts) < 22 or counts)
print(max(fill(lambda: bytearray(300_000)) for again in range(3)) > 1500)
print(max(fill(lambda: [[i] for i in range(10**5)]) for again in range(4)) > 20)
print(fill(lambda: [0.5]) > 100_000, fill(lambda: [None] * 100_000) > 30)
kept = [[i] for i in range(10**5)]
print(len(kept), sum(i for [i] in kept))
";
    check_within(1 << 20, program, "True True\nTrue\nTrue\nTrue True\n100000 4999950000\n");
}

/// Where nearly all address space is taken, neither the collector nor the code generator ends the process.
#[test]
fn small_buffers_fill_all_memory() {
    let program = "
import json, random, re

def attempt(make):
    try:
        return make()
    except MemoryError:
        return None

def fill(size):
    kept = []
    try:
        while True:
            kept.append(bytearray(size))
    except MemoryError:
        pass
    del kept[len(kept) // 16 * 15:]
    return kept

def use(size):
    kept = fill(size)
    for again in range(20):
        for make in (lambda: re.findall(r'(\\w+)\\s', 'hello world ' * 20000), lambda: sorted(random.random() for i in range(20000)),
                     lambda: json.dumps([{'a': [1.5, None] * 10}] * 3000), lambda: 3 ** (1 << 18) * 7 ** (1 << 17)):
            attempt(make)

for size in (100, 3000, 70_000):
    attempt(lambda: use(size))
# How much of it lies in pieces is another matter in each run: 90 to 150 were seen.
print('the end', max(len(attempt(lambda: fill(10**6)) or []) for again in range(3)) > 60)
";
    check_within(400 << 10, program, "the end True\n");
}

#[test]
fn source_that_is_too_big_for_the_parser_is_refused() {
    let program = "
import ast
refused = 0
for source in ['x = 1\\n' * 10**6, 'a.b.c(d, e)\\n' * 300_000, '[' + '1,' * 10**6 + ']', '\"ab\",' * 10**6]:
    for use in (ast.parse, lambda source: compile(source, 'big', 'exec')):
        try:
            use(source)
        except MemoryError:
            refused += 1
print(refused, eval('1 + 1'), len(ast.parse('a = 1; b = 2').body))
";
    check_within(700 << 10, program, "8 2 2\n");
}

#[test]
fn deep_recursion_ends_with_an_error_where_stacks_are_small() {
    let program = "
import sys
sys.setrecursionlimit(10**9)

def down(n):
    return down(n + 1) + 1

try:
    down(0)
except (RecursionError, MemoryError):
    print('the end')
";
    check_within(1 << 20, program, "the end\n");
}

const KEEPER: &str = "\
class Kept:
    def __init__(self, i):
        self.i = i

def make():
    kept = []
    for i in range(100_000):
        kept.append(Kept(i))
        garbage = [i, i + 0.5]
    return kept, [bytearray(1000) for i in range(1000)]

everything = make()
";

/// The fields of the row of a type: bytes, count, the lines.
fn row(table: &str, name: &str) -> (usize, usize, String) {
    let line = table.lines().find(|line| line.split_whitespace().nth(4) == Some(name)).expect("a row of the type");
    let fields: Vec<&str> = line.split_whitespace().collect();
    let number = |text: &str| text.replace(',', "").parse().expect("a number");
    (number(fields[0]), number(fields[3]), fields[5..].join(" "))
}

#[test]
fn the_heap_report_names_types_counts_and_lines() {
    let directory = directory("heap-report");
    let script = directory.join("keeper.py");
    std::fs::write(&script, KEEPER).expect("the script is written");
    for mode in MODES {
        let report = directory.join("report");
        run_report(&script, mode, &report);
        let table = std::fs::read_to_string(report.with_extension("txt")).expect("a table");
        let (bytes, count, lines) = row(&table, "__main__.Kept");
        assert!(count.abs_diff(100_000) <= 5_000, "{table}");
        assert!(bytes >= count * 16, "{table}");
        assert!(lines.contains("keeper.py:8 "), "mode `{mode}`\n{table}");
        let (bytes, count, lines) = row(&table, "bytearray");
        assert!(count >= 1000 && bytes >= 1_000_000 && lines.contains("keeper.py:10 "), "mode `{mode}`\n{table}");
        let picture = std::fs::read_to_string(report.with_extension("svg")).expect("a picture");
        assert!(picture.starts_with("<svg ") && picture.contains("__main__.Kept"), "{picture}");
    }
    let page = directory.join("report.html");
    run_report(&script, "", &page);
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.contains("<svg ") && page.contains("<pre>"), "{page}");
    std::fs::remove_dir_all(directory).expect("the test's own directory");
}

fn run_report(script: &Path, mode: &str, report: &Path) {
    let mut command = Command::new(binary());
    let option = format!("heap={}", report.display());
    let output = command.args(["-X", &option]).arg(script).env("ADDER_JIT", mode).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Loops that branch, in functions that come one after the other and then again.
const MANY_TRACES: &str = r"
def make(number):
    scope = {}
    exec('''
def work(n, other):
    total = NUMBER
    for i in range(n):
        if i % 3 == NUMBER % 3:
            total += other(i, NUMBER)
        elif i & 8:
            total ^= i
        else:
            total = (total * 3 + len(str(i))) & 0xffff
    return total
def other(i, k):
    return sum(x for x in range(i & 7)) + k
'''.replace('NUMBER', str(number)), scope)
    return scope['work'], scope['other']

functions = [make(number) for number in range(14)]
def outer(depth, work, other):
    # Compiled callers stand below while traces are dropped.
    return work(60, other) + (outer(depth - 1, work, other) if depth else 0)
import sys, time
def step(work, other):
    # Where code is generated beside the program nothing is dropped before it has come.
    if 'wait' in sys.argv:
        time.sleep(0.005)
    return outer(20, work, other)
print(sum(step(work, other) for _ in range(3) for work, other in functions))
";

#[test]
fn traces_take_no_more_memory_than_they_may() {
    let directory = directory("evict");
    let log = directory.join("stats");
    let run = |options: String, wait: &str| {
        let output = Command::new(binary()).args(["-c", MANY_TRACES, wait]).env("ADDER_JIT", options).output();
        let output = output.expect("the program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let expected = run("off".into(), "");
    // How much is compiled beside the program before it ends depends on how busy the machine is.
    for (mode, wait, dropped) in
        [("background=off", "", 20), ("background", "wait", 1), ("background,backend=cranelift", "wait", 1)]
    {
        let options = format!("threshold=3,entry=3,bridge=2,budget=0,{mode},memory=150,log=stats:{}", log.display());
        assert_eq!(run(options, wait), expected, "{mode}");
        let stats = std::fs::read_to_string(&log).expect("the statistics");
        let count = |what: &str| {
            let line =
                stats.lines().find(|line| line.ends_with(what)).unwrap_or_else(|| panic!("no line {what}: {stats}"));
            line.split_whitespace().next().and_then(|count| count.parse::<u64>().ok()).expect("a count")
        };
        assert!(count("traces dropped") >= dropped, "{mode}: {stats}");
        // Somebody may stand in some traces, and what was ordered before the limit was reached still comes.
        let peak = count("bytes that they took at most") >> 10;
        assert!((150..500).contains(&peak), "{mode}: {peak} KiB\n{stats}");
        assert!(count("bytes that traces and their code take") >> 10 < 500, "{mode}: {stats}");
    }
    let _ = std::fs::remove_dir_all(directory);
}
