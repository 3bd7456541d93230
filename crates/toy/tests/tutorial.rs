//! What docs/tutorial.md says of the two interpreters in `examples/`: how far apart their sources are, that they agree, and
//! that the second compiles.

use metatrace::{Counters, Options};

#[path = "../examples/plain.rs"]
mod plain;
#[path = "../examples/traced.rs"]
mod traced;

/// Lines of `new` that are not in a longest common subsequence with `old`: what `diff` marks with `>`.
fn added_lines(old: &str, new: &str) -> usize {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let mut common = vec![0usize; old.len() + 1];
    for line in &new {
        let before = common.clone();
        for (at, other) in old.iter().enumerate() {
            common[at + 1] = if line == other { before[at] + 1 } else { common[at].max(before[at + 1]) };
        }
    }
    new.len() - common[old.len()]
}

#[test]
fn fewer_than_100_lines_change() {
    assert_eq!(added_lines("a\nb\nc\n", "a\nx\nc\ny\n"), 2);
    let added = added_lines(include_str!("../examples/plain.rs"), include_str!("../examples/traced.rs"));
    assert!(added < 100, "{added}");
    let tutorial = include_str!("../../../docs/tutorial.md");
    assert!(tutorial.contains(&format!("{added} lines")), "the tutorial gives another number than {added}");
}

/// What a program gives in each of the interpreters, toy's own among them; the counters of a run with low thresholds.
fn same(program: &str, expected: &str) -> Counters {
    let plain = plain::Vm::new(program).unwrap().run();
    assert_eq!(plain, Ok(expected.to_string()));
    let run = |options: &str| {
        let mut vm = traced::Vm::new(program, Options::parse(options).unwrap()).unwrap();
        assert_eq!(vm.run(), Ok(expected.to_string()), "{options}");
        vm.thread.jit.counters.clone()
    };
    assert_eq!(run("off").loops, 0);
    let mut toy = toy::Vm::new(program, &toy::RunOptions::default()).unwrap();
    assert_eq!(toy.run(), Ok(expected.to_string()));
    run("threshold=3,bridge=3,entry=4,double_run");
    run("threshold=3,bridge=3,entry=4")
}

#[test]
fn the_loop_of_the_tutorial() {
    let counters = same(&include_str!("../examples/sum.toy").replace("10000000", "5000"), "6250.0");
    assert_eq!((counters.loops, counters.aborts), (1, 0), "{counters:?}");
    assert!(counters.exits < 10, "{counters:?}");
}

#[test]
fn branches_and_floats() {
    let program = "fn main() {
        let inside = 0; let y = 0;
        while y < 30 { let x = 0; while x < 30 {
            let a = 0.0; let b = 0.0; let n = 0; let go = true;
            while go {
                let t = a * a - b * b + (x - 20) / 10; b = 2 * a * b + (y - 15) / 10; a = t; n = n + 1;
                if a * a + b * b > 4 { go = false; } else { if n >= 50 { go = false; inside = inside + 1; } }
            }
            x = x + 1; } y = y + 1; }
        return inside; }";
    let counters = same(program, "163");
    assert!(counters.loops >= 1 && counters.bridges >= 1, "{counters:?}");
}

#[test]
fn integers_become_floats() {
    let program = "fn main() { let i = 0; let s = -1; while i != 100 { s = s * 3; i = i + 1; } return s; }";
    let counters = same(program, "-5.153775207320113e47");
    assert!(counters.loops >= 1, "{counters:?}");
    // Floats that do not fit into a value lie on the heap.
    let counters = same(
        "fn main() { let i = 0; let s = 1; while i < 90 { s = s * 1000; i = i + 1; } return s; }",
        "1.0000000000000004e270",
    );
    assert!(counters.loops >= 1, "{counters:?}");
}

#[test]
fn functions() {
    let program = "fn steps(n) { let k = 0; while n > 1 { if n % 2 == 0 { n = half(n); } else { n = 3 * n + 1; } k = k + 1; } return k; }
        fn half(n) { return (n - n % 2) / 2; }
        fn main() { let i = 1; let s = 0; while i <= 40 { s = s + steps(i); i = i + 1; } return s; }";
    let plain = plain::Vm::new(program).unwrap().run();
    assert_eq!(plain, Err(plain::Error::Operands), "an integer's half is a float, which has no remainder");
    let program = "fn steps(n) { let k = 0; let odd = 0; while k < 60 { if n % 2 == 1 { odd = add(odd, 1); } n = (n * 13 + k) % 101; k = k + 1; } return odd; }
        fn add(a, b) { return a + b; }
        fn main() { let i = 1; let s = 0; while i <= 40 { s = add(s, steps(i)); i = i + 1; } return s; }";
    let expected = plain::Vm::new(program).unwrap().run().unwrap();
    let counters = same(program, &expected);
    assert!(counters.loops >= 1, "{counters:?}");
    let program = "fn fib(n) { if n < 2 { return n; } return fib(n - 1) + fib(n - 2); } fn main() { return fib(15); }";
    assert!(same(program, "610").functions >= 1);
}

#[test]
fn errors() {
    let programs = [
        (
            "fn main() { let i = 0; while i < 50 { i = i + 1; if i == 40 { i = nil; } } return i; }",
            plain::Error::Operands,
        ),
        ("fn main() { let i = 9; while true { let x = 7 % i; i = i - 1; } }", plain::Error::ZeroDivision),
        ("fn main() { let i = 9; while true { let x = 7 / i; i = i - 1; } }", plain::Error::ZeroDivision),
        (
            "fn main() { let i = 0; let go = true; while go { i = i + 1; if i == 40 { go = 7; } } }",
            plain::Error::NotATruth,
        ),
        ("fn down(n) { return down(n + 1) + 1; } fn main() { return down(0); }", plain::Error::Recursion),
    ];
    for (program, error) in programs {
        assert_eq!(plain::Vm::new(program).unwrap().run(), Err(error), "{program}");
        for options in ["off", "threshold=3,bridge=3,entry=4", "threshold=3,bridge=3,entry=4,double_run"] {
            let mut vm = traced::Vm::new(program, Options::parse(options).unwrap()).unwrap();
            let got = vm.run().map_err(|error| format!("{error:?}"));
            assert_eq!(got, Err(format!("{error:?}")), "{options}: {program}");
        }
    }
    for broken in ["fn main() { return x; }", "fn main() { return f(); }", "fn main() { return \"text\"; }"] {
        assert!(plain::Vm::new(broken).is_err() && traced::Vm::new(broken, Options::default()).is_err());
    }
}

/// The deepest recursion that both allow is the same.
#[test]
fn the_recursion_limit() {
    let program = |depth: u32| {
        format!(
            "fn down(n) {{ if n == 0 {{ return 0; }} return down(n - 1) + 1; }} fn main() {{ return down({depth}); }}"
        )
    };
    let limit = (900..1100).find(|&depth| plain::Vm::new(&program(depth)).unwrap().run().is_err()).unwrap();
    for options in ["off", "entry=4"] {
        let run = |depth| traced::Vm::new(&program(depth), Options::parse(options).unwrap()).unwrap().run().is_ok();
        assert_eq!((run(limit - 1), run(limit)), (true, false), "{options}");
    }
}
