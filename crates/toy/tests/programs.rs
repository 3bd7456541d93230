//! Programs, with the JIT and without: the same output, and compiled code where it should be.

use metatrace::Options;
use toy::{RunOptions, ToyError, Vm};

fn run(program: &str, jit: &str) -> (Result<String, ToyError>, Vec<String>, metatrace::Counters) {
    let options = RunOptions { jit: Options::parse(jit).unwrap(), ..RunOptions::default() };
    let mut vm = Vm::new(program, &options).unwrap();
    let result = vm.run();
    (result, vm.output.clone(), vm.counters().clone())
}

/// Runs both ways; the counters of the run with tiny thresholds.
fn same(program: &str, expected: &str) -> metatrace::Counters {
    let (direct, direct_output, _) = run(program, "off");
    assert_eq!(direct, Ok(expected.to_string()));
    let jit = format!("threshold=3,bridge=3,entry=4,double_run,{}", std::env::var("ADDER_JIT").unwrap_or_default());
    let (traced, output, counters) = run(program, &jit);
    assert_eq!((traced, output), (direct, direct_output));
    counters
}

#[test]
fn a_loop_over_integers() {
    let counters =
        same("fn main() { let i = 0; let s = 0; while i < 1000 { s = s + i * 2; i = i + 1; } return s; }", "999000");
    assert_eq!((counters.loops, counters.aborts), (1, 0));
}

#[test]
fn integers_become_floats() {
    same(
        "fn main() { let i = 0; let s = 1; while i < 100 { s = s * 3; i = i + 1; } return s; }",
        "5.153775207320113e47",
    );
}

#[test]
fn branches_become_bridges() {
    let program = "fn main() { let i = 0; let a = 0; let b = 0;
        while i < 1000 { if i % 3 == 0 { a = a + i; } else { b = b + 1; } i = i + 1; } return [a, b]; }";
    let counters = same(program, "[166833, 666]");
    assert!(counters.bridges >= 1, "{counters:?}");
}

#[test]
fn functions_are_inlined() {
    let program = "fn double(x) { return x + x; } fn add(a, b) { return double(a) + b; }
        fn main() { let i = 0; let s = 0; while i < 500 { s = add(i, s) % 1000; i = i + 1; } return s; }";
    same(program, "500");
}

#[test]
fn objects_and_operator_methods() {
    let program = "class Vec(x, y) { fn add(self, o) { return Vec(self.x + o.x, self.y + o.y); } fn len2(self) { return self.x * self.x + self.y * self.y; } }
        fn main() { let v = Vec(0, 0.0); let i = 0;
            while i < 300 { v = v + Vec(i, 0.5); v.x += 1; i = i + 1; }
            print(v.len2()); return v; }";
    same(program, "Vec(45150, 150.0)");
}

#[test]
fn recursion() {
    let program = "fn fib(n) { if n < 2 { return n; } return fib(n - 1) + fib(n - 2); } fn main() { return fib(15); }";
    let counters = same(program, "610");
    assert!(counters.functions >= 1, "{counters:?}");
}

#[test]
fn the_recursion_limit() {
    let program = "fn down(n) { if n == 0 { return 0; } return 1 + down(n - 1); }
        fn main() { let i = 0; let caught = 0; while i < 20 { try { down(100 + i * 50); } catch e { caught = caught + 1; } i = i + 1; } return caught; }";
    same(program, "12");
}

#[test]
fn exceptions() {
    let program = "fn risky(i) { if i % 5 == 0 { raise i; } return 1 / (i % 7); }
        fn main() { let i = 0; let s = 0; while i < 400 { try { s = s + risky(i); } catch e { if e == \"division by zero\" { s = s + 1; } else { s = s + e; } } i = i + 1; } return s; }";
    let (direct, ..) = run(program, "off");
    same(program, &direct.unwrap());
}

#[test]
fn lists() {
    let program = "fn main() { let l = []; let i = 0; while i < 300 { push(l, i * i); i = i + 1; }
        let s = 0; i = 0; while i < len(l) { s = s + l[i] % 7; l[i] = s; i = i + 1; }
        i = 0; while i < 200 { try { swap(l, i, i * 2); } catch e { s = s + 1; } i = i + 1; }
        return [s, l[10], l[299], l[199]]; }";
    let (direct, ..) = run(program, "off");
    same(program, &direct.unwrap());
}

#[test]
fn methods_change() {
    let program = "class A(x) { fn get(self) { return self.x; } } fn other(self) { return self.x + 100; } fn third(self) { return 7; }
        fn main() { let a = A(1); let i = 0; let s = 0;
            while i < 300 { s = s + a.get(); if i == 100 { set_method(A, \"get\", other); } if i == 200 { set_method(A, \"get\", third); } i = i + 1; }
            return s; }";
    let counters = same(program, "10894");
    assert!(counters.fallen >= 1, "{counters:?}");
}

/// A method that was looked up changes later in the same recording, whichever round that is.
#[test]
fn methods_change_while_a_loop_is_recorded() {
    let program = "class A(x) { fn get(self) { return self.x; } } fn one(self) { return self.x; } fn other(self) { return self.x + 100; }
        fn run(a, k) { set_method(A, \"get\", one); let i = 0; let s = 0;
            while i < 12 { s = s + a.get(); if i == k { set_method(A, \"get\", other); } i = i + 1; } return s; }
        fn main() { let k = 0; let l = []; while k < 12 { push(l, run(A(1), k)); k = k + 1; } return l; }";
    same(program, "[1112, 1012, 912, 812, 712, 612, 512, 412, 312, 212, 112, 12]");
}

/// What a bridge alone relies on falls: the loop goes on, without the bridge.
#[test]
fn methods_change_that_a_bridge_relies_on() {
    let program = "class A(x) { fn get(self) { return self.x; } } class B(x) { fn get(self) { return self.x; } }
        fn other(self) { return self.x + 100; }
        fn main() { let a = A(1); let b = B(2); let i = 0; let s = 0;
            while i < 300 { if i % 3 == 0 { s = s + b.get(); } else { s = s + a.get(); }
                if i == 150 { set_method(B, \"get\", other); } if i == 200 { set_method(A, \"get\", other); } i = i + 1; }
            return s; }";
    let counters = same(program, "11900");
    assert!(counters.bridges >= 1 && counters.fallen >= 2, "{counters:?}");
}

/// The outer loop's trace jumps into the body of the inner one, and relies on less: what the inner one alone relies on falls in a call that
/// the outer one makes before.
#[test]
fn methods_change_that_an_entered_body_relies_on() {
    let program = "class A(x) { fn get(self, j) { return 1 + j; } } fn other(self, j) { return j * 2; } fn get(self, j) { return 1 + j; }
        fn rec(n, i, when) { if n == 0 { if i == when { set_method(A, \"get\", other); } return 0; } return rec(n - 1, i, when) + 1; }
        fn run(a, n, when) { let i = 0; let s = 0;
            while i < n { s = s + rec(3, i, when); s = s + a.x; let j = 0; while j < 20 { if j > 2 { s = s + a.get(j); } j = j + 1; } i = i + 1; }
            return s; }
        fn main() { let l = []; let k = 0; while k < 20 { set_method(A, \"get\", get); push(l, run(A(1), 30, k * 2 - 1)); k = k + 1; } return l; }";
    let (direct, ..) = run(program, "off");
    let counters = same(program, &direct.unwrap());
    assert!(counters.fallen >= 10, "{counters:?}");
}

#[test]
fn inner_loops() {
    let program = "fn main() { let i = 0; let s = 0; while i < 60 { let j = 0; while j < i { s = s + j; j = j + 1; } i = i + 1; } return s; }";
    same(program, "34220");
}

#[test]
fn loops_in_callees() {
    let program = "fn sum(n) { let s = 0; let i = 0; while i < n { s = s + i; i = i + 1; } return s; }
        fn main() { let i = 0; let s = 0; while i < 100 { s = s + sum(i); i = i + 1; } return s; }";
    same(program, "161700");
}

/// The loop of `sum` goes round once when the loop around it is recorded, so it is inlined; a bridge cannot go on amid its later rounds.
#[test]
fn what_loops_after_it_was_inlined_is_called() {
    let program = "fn sum(n) { let s = 0; let i = 0; while i < n { s = s + i; i = i + 1; } return s; }
        fn main() { let i = 0; let s = 0; let n = [1];
            while i < 400 { if i == 31 { n[0] = 9; } s = s + sum(n[0]); i = i + 1; } return s; }";
    let (direct, _, _) = run(program, "off");
    assert_eq!(direct, Ok("13284".to_string()));
    let (traced, _, counters) = run(program, "threshold=3,bridge=3,entry=4,double_run,background=off");
    assert_eq!(traced, direct);
    assert!(counters.uninlined >= 1 && counters.exits < 200, "{counters:?}");
}

/// While the inner loop is to be recorded it goes round once for each round of the outer one, so what is compiled from its header is the
/// outer loop. A bridge for the second of many rounds shows what is wrong: the trace falls, and the inner loop is compiled as one.
#[test]
fn an_inner_loop_that_did_not_go_round_at_first() {
    let program = "fn main() { let i = 0; let s = 0; let n = 3;
            while i < 300 { if i == 12 { n = 1; } if i == 100 { n = 200; } let j = 0; while j < n { s = s + j; j = j + 1; } i = i + 1; } return s; }";
    let (direct, _, _) = run(program, "off");
    assert_eq!(direct, Ok("3980036".to_string()));
    let (traced, _, counters) = run(program, "threshold=50,bridge=3,entry=4,double_run,background=off");
    assert_eq!(traced, direct);
    assert_eq!(counters.turned, 1, "{counters:?}");
}

/// Where the inner loop goes round now once and now twice, its trace does not fall for ever.
#[test]
fn an_inner_loop_that_goes_round_now_and_then() {
    let program = "fn main() { let i = 0; let s = 0;
            while i < 4000 { let n = 1; if i % 7 == 0 { n = 2; } let j = 0; while j < n { s = s + i; j = j + 1; } i = i + 1; } return s; }";
    let (direct, _, _) = run(program, "off");
    let (traced, _, counters) = run(program, "threshold=3,bridge=3,entry=4,double_run,background=off");
    assert_eq!(traced, direct);
    assert!(counters.turned <= 2 && counters.exits < 200, "{counters:?}");
}

#[test]
fn frames_are_seen_from_below() {
    let program = "fn look(a) { return depth(); } fn mid(a, b) { return look(b) + a; }
        fn main() { let i = 0; let s = 0; while i < 200 { s = s + mid(i, s % 10) % 997; i = i + 1; } return s; }";
    let (direct, ..) = run(program, "off");
    same(program, &direct.unwrap());
}

#[test]
fn compiled_frames_are_seen_from_below() {
    // The inspector is called long after everything has been compiled, and from a residual call: `rec` is recursive.
    let program = "class P(x, y) { fn add(self, o) { self.x += rec(3, o); return P(self.x, o); } }
        fn rec(n, v) { if n == 0 { if v % 97 == 96 { return depth() % 1009; } return v; } let k = n + v; return rec(n - 1, v) + k; }
        fn mid(p, a) { let q = P(a, p.x); let r = rec(a % 4, a); return q.x + q.y + r; }
        fn main() { let i = 0; let s = 0; let p = P(1, 2);
            while i < 600 { let t = P(i, s); s = (s + mid(t, i) + t.y) % 1000; p = p + i; i = i + 1; } return [s, p]; }";
    let (direct, ..) = run(program, "off");
    let counters = same(program, &direct.unwrap());
    assert!(counters.forced > 0, "{counters:?}");
}

#[test]
fn strings() {
    let program = "fn main() { let s = \"\"; let i = 0; let n = 0; while i < 200 { s = s + \"ab\"; if s == \"abab\" { n = n + 1; } if len(s) > 100 { s = \"\"; } i = i + 1; } return [n, len(s)]; }";
    let (direct, ..) = run(program, "off");
    same(program, &direct.unwrap());
}

/// A loop with many ways through it gets bridges for those that are taken most.
#[test]
fn many_ways_through_a_loop() {
    let branches: String =
        (0..8).map(|bit| format!("if s % {} < {} {{ a = a + {bit}; }} ", 16 << bit, 8 << bit)).collect();
    let program = format!(
        "fn main() {{ let i = 0; let s = 1; let a = 0;
        while i < 6000 {{ s = (s * 1103 + 12345) % 65536; {branches} i = i + 1; }} return a; }}"
    );
    let (expected, _, _) = run(&program, "off");
    let (narrow, _, narrow_counters) = run(&program, "threshold=3,bridge=3,tree=8");
    let (wide, _, wide_counters) = run(&program, "threshold=3,bridge=3,tree=0");
    assert!(expected.is_ok());
    assert_eq!((&narrow, &wide), (&expected, &expected));
    assert!(
        narrow_counters.bridges * 2 < wide_counters.bridges,
        "{} {}",
        narrow_counters.bridges,
        wide_counters.bridges
    );
}

/// What depends on something that changes in each round is recorded ever more seldom: not once in some rounds.
#[test]
fn recordings_that_fall_are_tried_less_often() {
    let program = "class A(x) { fn get(self) { return self.x; } } fn one(self) { return 1; } fn two(self) { return 2; }
        fn main() { let a = A(1); let i = 0; let s = 0;
            while i < 30000 { set_method(A, \"get\", one); s = s + a.get(); set_method(A, \"get\", two); s = s + a.get(); i = i + 1; }
            return s; }";
    let counters = same(program, "90000");
    assert!(counters.aborts + counters.fallen < 60, "{counters:?}");
}
