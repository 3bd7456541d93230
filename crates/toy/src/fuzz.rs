//! Random programs, and whether they do the same with the JIT as without.

use crate::{RunOptions, ToyError, Vm};
use metatrace::Options;
use std::fmt::Write;

/// A small generator of random numbers (xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// A random program. Every loop ends, every recursion is shallow.
pub fn program(seed: u64) -> String {
    let mut writer = Writer {
        random: Random::new(seed),
        text: String::new(),
        indent: 0,
        loops: 0,
        funcs: 0,
        budget: 0,
        in_main: false,
    };
    writer.program();
    writer.text
}

struct Writer {
    random: Random,
    text: String,
    indent: usize,
    /// Loop variables so far, which nothing else assigns.
    loops: usize,
    /// Functions that may be called.
    funcs: usize,
    budget: usize,
    in_main: bool,
}

impl Writer {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{:1$}{text}", "", self.indent * 4);
    }

    fn open(&mut self, text: &str) {
        self.line(text);
        self.indent += 1;
    }

    fn close(&mut self) {
        self.indent -= 1;
        self.line("}");
    }

    fn program(&mut self) {
        self.open("class P(x, y) {");
        self.open("fn add(self, o) {");
        match self.random.below(4) {
            0 => self.line("return P(self.x + 1, o);"),
            1 => self.line("if self.x == 3 { return nil; } return P(self.x + o.x, self.y);"),
            2 => self.line("if o == 7 { raise self.x; } return self.x + o;"),
            _ => self.line("self.x += 1; return self;"),
        }
        self.close();
        if self.random.chance(50) {
            self.line("fn radd(self, o) { return o + self.y; }");
        }
        if self.random.chance(50) {
            self.line("fn lt(self, o) { return self.x < 5; }");
        }
        self.line("fn get(self, d) { return self.x + d; }");
        self.line("fn bump(self, d) { self.x += d; if self.x == 20 { self.z = d; } return self.x; }");
        self.close();
        self.open("class Q(v) {");
        if self.random.chance(60) {
            self.line("fn init(self, v) { self.v = v; self.w = [v, v]; if v == 13 { raise v; } }");
        }
        self.line("fn get(self, d) { return self.v; }");
        self.line("fn bump(self, d) { self.v = self.v + d; return self; }");
        self.line("fn add(self, o) { return Q(self.v + 1).get(o); }");
        self.close();
        // More classes and functions than two where one is expected: what comes third must not be taken for the second.
        self.line("class R(y, x) { fn get(self, d) { return self.x - d; } fn bump(self, d) { self.y = d; return self.x; } fn add(self, o) { return self; } }");
        self.line("class S(q, y, x) { fn get(self, d) { return d * 2; } fn bump(self, d) { self.x = self.x - d; return self.y; } }");
        self.line("fn inc(x) { return x + 1; } fn dec(x) { return x - 2; } fn same(x) { return x; } fn seven(x) { return 7; }");
        self.line("class V(x, y) {");
        self.line("    fn add(self, k) { if self.x % 3 == 1 { self.y = self.y + k; self.x = self.x + 1; return self; } return V(self.x + k, self.y); }");
        self.line(
            "    fn sub(self, k) { let s = 0; if k == self.x { raise s; } s = self.y + k; return V(s, self.x % 10); }",
        );
        self.line("    fn lt(self, k) { if self.x % 4 == 0 { return self.y < 5; } if self.x % 4 == 1 { return nil; } return self + k; }");
        self.line("    fn eq(self, k) { return W(self.x).s == k; }");
        self.line("}");
        self.line("class W(s) { fn init(self, s) { if s == 3 { self.t = 1; } self.s = s; } }");
        self.line("fn alt(self, k) { if k == 2 { return self; } return V(k, self.y + 1); }");
        self.line("fn alter(self, k) { self.x = (self.x + 3) % 17; return self; }");
        self.line("fn get_two(self, d) { return d + d; }");
        self.line("fn get_three(self, d) { return self.get_three; }");
        self.line("fn peek(n, v) { if n == 0 { if v % 5 == 2 { return depth() % 997; } return v; } let k = [n, v]; return peek(n - 1, v) + len(k); }");
        self.line("fn rec(n, v) { if n < 1 { return v; } if v == 3 { return rec(n - 1, v + 1) + 1; } return rec(n - 1, v) + n; }");
        self.line("fn deep(n) { if n == 0 { return depth(); } return deep(n - 1); }");
        self.line("fn twice(x) { return x + x + peek(2, 1); }");
        self.line("fn touch(x) { x.x += 1; return x.x; }");
        for at in 0..3 {
            self.funcs = at;
            self.budget = 7;
            self.open(&format!("fn f{at}(a, b) {{"));
            self.line("let c = P(a, b); let d = [a, b, 1]; let o = V(1, b); let w = W(V(a, a));");
            self.block(2);
            let value = self.expr(Kind::Int, 2);
            self.line(&format!("return {value};"));
            self.close();
        }
        self.funcs = 3;
        self.budget = 30;
        self.in_main = true;
        self.open("fn main() {");
        self.line(
            "let a = 1; let b = 2.5; let c = P(1, 2); let d = [1, 2.0, \"s\", 4]; let o = V(3, 4); let w = W(V(0, 1)); let g = [inc, dec, same, seven]; let t = inc; let h = [P(1, 2), Q(3), R(4, 5), S(6, 7, 8)];",
        );
        for _ in 0..2 {
            self.wide_loop();
        }
        self.line("print([a, b, c, d, o, w]);");
        self.line("return a;");
        self.close();
    }

    /// A loop of the main program: it catches what its body raises.
    fn wide_loop(&mut self) {
        let name = format!("i{}", self.loops);
        self.loops += 1;
        let count = 12 + self.random.below(40);
        self.line(&format!("let {name} = 0;"));
        self.open(&format!("while {name} < {count} {{"));
        let catches = self.random.chance(85);
        if catches {
            self.open("try {");
        }
        self.block(3);
        if catches {
            self.indent -= 1;
            self.open("} catch e {");
            if self.random.chance(30) {
                self.line("print(e);");
            }
            self.line(&format!("a = 3 + {name}; b = 1.5; c = P(4, e); d = [e, 1, 2]; o = V(2, 2); w = W(o);"));
            self.close();
        }
        self.line(&format!("{name} = {name} + 1;"));
        self.close();
    }

    fn block(&mut self, depth: usize) {
        for _ in 0..1 + self.random.below(4) {
            self.stmt(depth);
        }
    }

    fn stmt(&mut self, depth: usize) {
        if self.budget == 0 {
            return;
        }
        self.budget -= 1;
        if self.random.chance(35) {
            let (k, m) = (self.expr(Kind::Int, 1), 2 + self.random.below(9));
            let stmt = match self.random.below(12) {
                0..=2 => format!("o = o + {k} % 5;"),
                3 => format!("o = o - {k};"),
                4 | 5 => format!("w.s += {k} % 4;"),
                6 => format!("if o < {k} {{ a = a + 1; }}"),
                7 => format!("w = W({k} % 5); w.s = o;"),
                8 => format!("if o == {k} {{ a = a + o.x; }}"),
                9 => "a = (a + o.x + len(map2(twice, d))) % 100;".to_string(),
                10 => format!("d[0] = W(V({k}, a)); d[1] = o;"),
                _ => format!(
                    "if a % {m} == 1 {{ set_method(V, \"{}\", {}); }}",
                    self.random.pick(&["add", "sub"]),
                    self.random.pick(&["alt", "alter"])
                ),
            };
            return self.line(&stmt);
        }
        if self.in_main && self.random.chance(12) {
            let (k, n) = (self.expr(Kind::Int, 1), 2 + self.random.below(3));
            let text = match self.random.below(3) {
                0 => format!("a = map2(g[a % {n}], [a, {k}])[1];"),
                1 => format!("t = g[{k} % {n}]; a = t(a);"),
                _ => format!("a = (a + h[a % {n}].get({k} % 9)) % 1000;"),
            };
            return self.line(&text);
        }
        match self.random.below(if depth == 0 { 14 } else { 20 }) {
            0..=2 => self.assign("a", Kind::Int),
            3 => self.assign("b", Kind::Number),
            4 => self.assign("c", Kind::Object),
            5 => self.assign("d", Kind::List),
            6 | 7 => {
                let (object, value) = (self.place("c"), self.expr(Kind::Int, 1));
                let attr = self.random.pick(&["x", "x", "y", "v", "n"]);
                self.line(&format!("{object}.{attr} += {value};"));
            }
            8 => {
                let (object, value) = (self.place("c"), self.expr(Kind::Any, 1));
                let attr = self.random.pick(&["x", "y", "v", "z", "w"]);
                self.line(&format!("{object}.{attr} = {value};"));
            }
            9 => {
                let (list, index, value) = (self.place("d"), self.index(), self.expr(Kind::Any, 1));
                self.line(&format!("{list}[{index}] = {value};"));
            }
            10 => {
                let (list, value) = (self.place("d"), self.expr(Kind::Any, 1));
                self.line(&format!("push({list}, {value});"));
            }
            11 => {
                let (list, i, j) = (self.place("d"), self.random.below(3), self.index());
                self.line(&format!("swap({list}, {i}, {j});"));
            }
            12 => {
                let value = self.expr(Kind::Any, 1);
                self.line(&format!("print({value});"));
            }
            13 => {
                let (class, method) = (self.random.pick(&["P", "Q"]), self.random.pick(&["get_two", "get_three"]));
                let when = self.random.below(20);
                let name = if self.random.chance(70) { "get" } else { "add" };
                self.line(&format!("if a == {when} {{ set_method({class}, \"{name}\", {method}); }}"));
            }
            14..=16 => {
                let condition = self.condition();
                self.open(&format!("if {condition} {{"));
                self.block(depth - 1);
                if self.random.chance(50) {
                    self.indent -= 1;
                    self.open("} else {");
                    self.block(depth - 1);
                }
                self.close();
            }
            17 => {
                self.open("try {");
                self.block(depth - 1);
                self.indent -= 1;
                let caught = self.random.pick(&["e", "e", "c"]);
                self.open(&format!("}} catch {caught} {{"));
                self.block(depth - 1);
                self.close();
            }
            18 => {
                let name = format!("i{}", self.loops);
                self.loops += 1;
                let count = 1 + self.random.below(7);
                self.line(&format!("let {name} = 0;"));
                self.open(&format!("while {name} < {count} {{"));
                self.line(&format!("{name} = {name} + 1;"));
                self.block(depth - 1);
                self.close();
            }
            _ => {
                let (condition, value) = (self.condition(), self.expr(Kind::Any, 1));
                self.line(&format!("if {condition} {{ raise {value}; }}"));
            }
        }
    }

    fn assign(&mut self, name: &'static str, kind: Kind) {
        let value = self.expr(kind, 2);
        let name = self.place(name);
        self.line(&format!("{name} = {value};"));
    }

    /// The variable, seldom another one.
    fn place(&mut self, name: &'static str) -> &'static str {
        if self.random.chance(4) { self.random.pick(&["a", "b", "c", "d"]) } else { name }
    }

    fn index(&mut self) -> String {
        match self.random.below(6) {
            0 => self.expr(Kind::Int, 1),
            1 => "(a % 3)".to_string(),
            2 => "4".to_string(),
            _ => self.random.below(3).to_string(),
        }
    }

    fn condition(&mut self) -> String {
        let (a, b) = (self.expr(Kind::Number, 1), self.expr(Kind::Number, 1));
        match self.random.below(8) {
            0..=2 => format!("a % {} == {}", 2 + self.random.below(4), self.random.below(3)),
            3 => format!("({a} < {b} and a > {})", self.random.below(6)),
            4 => format!("(c < {b})"),
            5 => self.expr(Kind::Any, 1),
            6 => format!("(not {a} == {b})"),
            _ => format!("{a} {} {b}", self.random.pick(&["<", "<=", ">", ">=", "==", "!="])),
        }
    }

    fn expr(&mut self, kind: Kind, depth: usize) -> String {
        if self.random.chance(3) {
            return self.leaf(Kind::Any);
        }
        if depth == 0 || self.random.chance(12) {
            return self.leaf(kind);
        }
        let deeper = depth - 1;
        let kind = match kind {
            Kind::Any => [Kind::Int, Kind::Number, Kind::Object, Kind::List, Kind::Int][self.random.below(5)],
            kind => kind,
        };
        match kind {
            Kind::Int => match self.random.below(13) {
                0..=3 => {
                    let op = self.random.pick(&["+", "-", "*", "%", "+", "-"]);
                    let (a, b) = (self.expr(Kind::Int, deeper), self.expr(Kind::Int, deeper));
                    if op == "*" { format!("({a} * {b} % 1000)") } else { format!("({a} {op} {b})") }
                }
                4 => format!("{}.{}", self.place("c"), self.random.pick(&["x", "y", "x", "v"])),
                5 => format!("{}[{}]", self.place("d"), self.index()),
                6 | 7 => {
                    let (method, arg) = (self.random.pick(&["get", "bump", "get"]), self.expr(Kind::Int, deeper));
                    format!("{}.{method}({arg})", self.place("c"))
                }
                8 | 9 if self.funcs > 0 => {
                    let func = self.random.below(self.funcs);
                    let (a, b) = (self.expr(Kind::Int, deeper), self.expr(Kind::Number, deeper));
                    format!("f{func}({a}, {b})")
                }
                10 => format!("rec({}, {})", self.random.below(9), self.leaf(Kind::Int)),
                11 => format!("deep({}) % 999", self.random.below(4)),
                _ => match self.random.below(3) {
                    0 => format!("len({})", self.place("d")),
                    1 => format!("peek({}, a)", self.random.below(4)),
                    _ => format!("({} % 8)", self.expr(Kind::Int, deeper)),
                },
            },
            Kind::Number => {
                let op = self.random.pick(&["+", "-", "*", "/"]);
                let (a, b) = (self.expr(Kind::Number, deeper), self.expr(Kind::Int, deeper));
                format!("({a} {op} {b})")
            }
            Kind::Object => match self.random.below(9) {
                7 => format!("R({}, {})", self.expr(Kind::Int, deeper), self.expr(Kind::Any, deeper)),
                8 => format!("S({}, {}, 3)", self.expr(Kind::Int, deeper), self.expr(Kind::Int, deeper)),
                0 | 1 => format!("P({}, {})", self.expr(Kind::Int, deeper), self.expr(Kind::Any, deeper)),
                2 => format!("Q({})", self.expr(Kind::Int, deeper)),
                3 => format!("({} + {})", self.expr(Kind::Object, deeper), self.expr(Kind::Object, deeper)),
                4 => format!("(c + {})", self.expr(Kind::Int, deeper)),
                5 => format!("({} + c)", self.expr(Kind::Int, deeper)),
                _ => format!("c.add({})", self.leaf(Kind::Object)),
            },
            _ => match self.random.below(5) {
                0 => format!("map2({}, {})", self.random.pick(&["deep", "twice", "twice", "touch"]), self.place("d")),
                _ => format!(
                    "[{}, {}, {}]",
                    self.expr(Kind::Any, deeper),
                    self.expr(Kind::Int, deeper),
                    self.expr(Kind::Any, deeper)
                ),
            },
        }
    }

    fn leaf(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Int => match self.random.below(12) {
                0..=5 => self.place("a").to_string(),
                11 if self.random.chance(30) => "4611686018427387900".to_string(),
                10 => "-1".to_string(),
                _ => self.random.below(8).to_string(),
            },
            Kind::Number => match self.random.below(8) {
                0..=3 => self.place("b").to_string(),
                4 => self.random.pick(&["0.5", "1.5", "-0.0", "3000000000.0"]).to_string(),
                _ => self.leaf(Kind::Int),
            },
            Kind::Object => self.place("c").to_string(),
            Kind::List => self.place("d").to_string(),
            Kind::Any => {
                self.random.pick(&["a", "b", "c", "d", "nil", "true", "false", "\"s\"", "\"tt\"", "7"]).to_string()
            }
        }
    }
}

/// What an expression mostly is.
#[derive(Clone, Copy)]
enum Kind {
    Int,
    Number,
    Object,
    List,
    Any,
}

/// What a program did: its result and its output.
pub type Done = (Result<String, ToyError>, Vec<String>);

/// Runs a program.
pub fn run(program: &str, options: &RunOptions) -> (Done, metatrace::Counters) {
    let mut vm = Vm::new(program, options).expect("a random program is well formed");
    let result = vm.run();
    ((result, std::mem::take(&mut vm.output)), vm.counters().clone())
}

/// Options for the JIT and the collector that show much in short programs; different ones for different seeds.
pub fn options(seed: u64, stress: bool) -> RunOptions {
    let mut random = Random::new(seed ^ 0x5eed);
    let text = format!(
        "threshold={},bridge={},entry={},trace_limit={},inline_depth={},recursion={},unroll={},retries=3{}{}{},{}",
        2 + random.below(5),
        [1, 2, 4, 1000][random.below(4)],
        2 + random.below(20),
        [200, 1000, 6000][random.below(3)],
        1 + random.below(8),
        random.below(3),
        random.below(5),
        if random.below(4) == 0 { ",double_run" } else { "" },
        if random.below(4) == 0 { ",leave_once" } else { "" },
        // What is recorded then, and when it is entered, is another thing in each run; what the program does is not.
        ["", "", "", ",background,budget=0,apart=0"][random.below(4)],
        std::env::var("ADDER_JIT").unwrap_or_default(),
    );
    let jit = Options::parse(&text).expect("well-formed options");
    let heap = heap::Config { stress: if stress { 7 } else { 0 }, nursery_bytes: 256 << 10, ..heap::Config::default() };
    RunOptions { jit, heap, depth_limit: 200 }
}

/// Runs the program of a seed both ways and compares; the error shows the program.
pub fn check(seed: u64, stress: bool) -> Result<metatrace::Counters, String> {
    let program = program(seed);
    let traced = options(seed, stress);
    let mut direct = traced.clone();
    direct.jit = Options { off: true, ..Options::default() };
    let (expected, _) = run(&program, &direct);
    let (found, counters) = run(&program, &traced);
    if expected == found {
        return Ok(counters);
    }
    let at = expected.1.iter().zip(&found.1).position(|(a, b)| a != b).unwrap_or(expected.1.len().min(found.1.len()));
    Err(format!(
        "seed {seed}: {:?} instead of {:?}\nline {at} of the output: {:?} instead of {:?}\n{program}",
        found.0,
        expected.0,
        found.1.get(at),
        expected.1.get(at)
    ))
}
