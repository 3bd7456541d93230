//! Random Python programs over the whole language, which end soon and always print the same.
//!
//! A program defines classes, functions and generators, then calls them in hot loops that log what they compute. Expressions
//! are drawn by type, so that most of them succeed; now and then one of a wrong type is drawn, and each loop body stands in a
//! `try` that logs the exception. Integers are kept in bounds by a remainder where they are assigned, texts and lists by
//! slices, loops by their counters, recursion by its first parameter.
//!
//! Requirement: nothing that differs between implementations may be logged: no addresses, no order of sets, no sizes.

mod expressions;
mod fields;

use super::random::Random;
use super::rare::RARE;
use super::snippets::SNIPPETS;

/// The text of program `seed`.
pub fn program(seed: u64) -> String {
    let mut generator =
        Generator { random: Random::new(seed), text: String::new(), indent: 0, scope: Scope::default(), fresh: 0 };
    generator.program();
    generator.text
}

/// A program of one piece (see `snippets`) and nothing else.
pub fn alone(piece: &str, k: usize, n: usize) -> String {
    let text = piece.replace("@K", &k.to_string()).replace("@N", &n.to_string()).replace("@S", "0");
    let classes = "class A: pass\n";
    format!(
        "{PRELUDE}{classes}{text}try: log(s0())\nexcept Exception as e: log(type(e).__name__, e)\nprint('\\n'.join(out))\n"
    )
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Type {
    Int,
    Float,
    Str,
    /// Of ints.
    List,
    /// From int or text to int.
    Dict,
    /// An instance of class A or B.
    Object,
    Bool,
    /// Whatever: a variable that changes its type.
    Any,
}

use Type::*;

const TYPES: [Type; 12] = [Int, Int, Int, Int, Float, Float, Str, List, Dict, Object, Bool, Any];

/// A variable; a loop's counter must not be assigned, or the loop may not end.
#[derive(Clone)]
struct Name {
    text: String,
    kind: Type,
    writable: bool,
}

/// The variables of a function at one place, and what control flow is allowed there.
#[derive(Default, Clone)]
struct Scope {
    names: Vec<Name>,
    in_loop: bool,
    /// Blocks around this one.
    depth: usize,
    /// How many more nested loops may be opened.
    loops_left: usize,
}

struct Generator {
    random: Random,
    text: String,
    indent: usize,
    scope: Scope,
    fresh: usize,
}

const PRELUDE: &str = "\
import sys, math
out = []
def log(*values):
    if len(out) < 400:
        out.append(' '.join([show(v) for v in values]))
def show(v):
    if isinstance(v, (A, set)): return type(v).__name__
    if isinstance(v, int) and abs(v) > 10**30: return 'big%d' % (v % 1000003)
    text = repr(v)
    return text if len(text) < 90 else text[:60] + '...%d' % (sum(map(ord, text)) % 10007)
";

impl Generator {
    fn program(&mut self) {
        if self.random.chance(10) {
            self.line("from __future__ import annotations");
        }
        self.text += PRELUDE;
        self.line("g0 = 3");
        self.line("g1 = 0.5");
        self.classes();
        self.field_classes();
        let mut functions = Vec::new();
        for number in 0..2 + self.random.below(4) {
            functions.push(self.function(number));
        }
        let all: Vec<&str> = SNIPPETS.iter().chain(RARE).copied().collect();
        let snippets: Vec<usize> = (0..1 + self.random.below(3)).map(|_| self.random.below(all.len())).collect();
        for &snippet in &snippets {
            let k = self.random.below(50).to_string();
            let n = (5 + self.random.below(60)).to_string();
            self.text += &all[snippet].replace("@K", &k).replace("@N", &n).replace("@S", &snippet.to_string());
        }
        for &snippet in &snippets {
            self.line("try:");
            self.line(&format!("    log('snippet', s{snippet}())"));
            self.line("except Exception as e:");
            self.line("    log(type(e).__name__, e)");
        }
        for name in functions {
            let times = self.random.pick(&[1, 3, 12, 40]);
            self.line(&format!("for k in range({times}):"));
            self.line("    try:");
            let first = self.random.pick(&["k", "k", "k * 7 + 1", "k / 4", "True"]);
            let second = self.random.pick(&["0.5", "k", "k + 0.25", "2**62 - k", "'t'", "1e10"]);
            self.line(&format!("        log({name}({first}, {second}))"));
            self.line("    except Exception as e:");
            self.line("        log(type(e).__name__, e, e.__context__ is None, e.__traceback__.tb_next is None)");
        }
        self.line("log(g0, g1)");
        self.line("print('\\n'.join(out))");
    }

    fn classes(&mut self) {
        let slots = self.random.chance(25);
        let (x, y) = (self.random.below(9), self.random.pick(&["0.5", "7", "None", "2**61"]));
        self.line("class A:");
        if slots {
            self.line("    __slots__ = ('x', 'y', 'z')");
        } else {
            self.line(&format!("    z = {x}"));
        }
        self.line(&format!("    def __init__(self, x={x}, y={y}):"));
        self.line("        self.x = x");
        self.line("        self.y = y");
        self.line(if slots { "        self.z = 1" } else { "        pass" });
        let step = self.random.pick(&[
            "self.x + a",
            "self.x ^ a if isinstance(a, int) else a",
            "self.x - 2 * a",
            "(self.x, a)[0]",
        ]);
        self.line(&format!("    def m(self, a=1): return {step}"));
        self.line("    @property");
        self.line("    def p(self): return self.x");
        if self.random.chance(50) {
            self.line("    @p.setter");
            self.line("    def p(self, v): self.x = v");
        }
        self.line(&format!("    def __add__(self, o): return A(self.x + (o.x if isinstance(o, A) else o), {y})"));
        self.line("    def __radd__(self, o): return o + self.x");
        self.line("    def __eq__(self, o): return isinstance(o, A) and self.x == o.x");
        self.line("    def __lt__(self, o): return self.x < o.x");
        self.line("    def __len__(self): return 3");
        self.line("    def __getitem__(self, i):");
        self.line("        if i > 4: raise IndexError('end')");
        self.line("        return self.x * i");
        self.line("    def __repr__(self): return f'{type(self).__name__}({self.x})'");
        self.line("    def __call__(self, v): return v");
        self.line("    def __bool__(self): return bool(self.x)");
        self.line("    def __contains__(self, v): return v == self.x");
        self.line("    __hash__ = None");
        self.line("    @classmethod");
        self.line("    def make(cls, v): return cls(v)");
        self.line("    @staticmethod");
        self.line("    def s(a): return a");
        self.line("class B(A):");
        if slots && self.random.chance(50) {
            self.line("    __slots__ = ()");
        }
        let base = self.random.pick(&["super().m(a)", "a", "super().m(super().m(a))", "A.m(self, a) if a else 0"]);
        self.line(&format!("    def m(self, a=2): return {base}"));
        if self.random.chance(40) {
            self.line("    def __getattr__(self, name): return len(name)");
        }
        self.line("    def __enter__(self): return self.x");
        let swallow =
            self.random.pick(&["False", "t is ValueError", "t is not None and issubclass(t, ArithmeticError)"]);
        self.line(&format!("    def __exit__(self, t, v, tb): return {swallow}"));
    }

    fn function(&mut self, number: usize) -> String {
        let name = format!("f{number}");
        self.scope = Scope { loops_left: 2, ..Scope::default() };
        let generator = self.random.chance(20);
        self.line(&format!("def {name}(a, b=1, *args, c=2, **kw):"));
        self.indent += 1;
        let global = self.random.pick(&["", "g0", "g1"]);
        if !global.is_empty() {
            self.line(&format!("global {global}"));
        }
        for (name, kind) in [("a", Int), ("b", Any), ("c", Int), ("g0", Int), ("g1", Float)] {
            self.declare(name, kind, !name.starts_with('g') || name == global);
        }
        for kind in [Int, Float, Str, List, Dict, Object, Bool, Any] {
            self.define(kind);
        }
        for _ in 0..2 + self.random.below(4) {
            let kind = self.random.pick(&TYPES);
            self.define(kind);
        }
        self.field_objects();
        for _ in 0..1 + self.random.below(4) {
            self.statement();
        }
        self.hot_loop(generator);
        let results: Vec<String> = (0..5).map(|_| self.any_name()).collect();
        self.line(&format!("return {}", results.join(", ")));
        self.indent -= 1;
        if generator {
            // A function with a `yield` in it is driven by one that is none.
            self.line(&format!("def {name}_run(*args):"));
            self.line(&format!("    g = {name}(*args)"));
            self.line("    total = 0");
            self.line("    try:");
            self.line("        for n in range(60):");
            match self.random.below(4) {
                0 => self.line("            v = next(g, None)"),
                1 => self.line("            v = g.send(None if n == 0 else n)"),
                2 => self.line("            v = g.throw(ValueError(n)) if n == 30 else next(g)"),
                _ => self.line("            v = (g.close() or 0) if n == 40 else next(g, 0)"),
            }
            self.line("            if isinstance(v, int): total += v % 1009");
            // When a generator that nobody refers to is closed is the implementation's business.
            self.line("    finally: g.close()");
            self.line("    return total");
            return format!("{name}_run");
        }
        name
    }

    /// The loop that gets compiled: it runs often enough for the low thresholds, and sometimes for the usual one.
    fn hot_loop(&mut self, generator: bool) {
        let count = self.random.pick(&[12, 30, 60, 200, 200, 1500]);
        let header = match self.random.below(5) {
            0 => format!("for i, j in enumerate(range({count})):"),
            1 => "i = 0\nwhile i < @:\ni += 1".replace('@', &count.to_string()),
            2 => format!("for i, j in zip(range({count}), [1, 2, 3] * {count}):"),
            _ => format!("for i in range({count}):"),
        };
        let mut lines = header.split('\n');
        let mut body_first = None;
        match (lines.next(), lines.next(), lines.next()) {
            (Some(before), Some(head), Some(first)) => {
                self.line(before);
                self.line(head);
                body_first = Some(first);
            }
            (Some(head), ..) => self.line(head),
            _ => unreachable!("split gives a line"),
        }
        let saved = self.scope.clone();
        self.declare("i", Int, false);
        self.scope.in_loop = true;
        self.scope.loops_left = 1;
        self.indent += 1;
        if let Some(first) = body_first {
            self.line(first);
        }
        let guarded = self.random.chance(60);
        if guarded {
            self.line("try:");
            self.indent += 1;
        }
        for _ in 0..2 + self.random.below(5) {
            self.statement();
        }
        if generator {
            let value = self.expression(Int, 2);
            let form = self.random.pick(&["yield @", "a = (yield @) or a", "yield from (@, 1)"]);
            self.line(&form.replace('@', &value));
        }
        if guarded {
            self.indent -= 1;
            let classes = self.random.pick(&["Exception", "(TypeError, ValueError)", "ArithmeticError", "LookupError"]);
            self.line(&format!("except {classes} as e:"));
            self.line("    log(i, type(e).__name__, e)");
            if self.random.chance(30) {
                self.line("    if i % 7 == 3: raise");
            }
        }
        self.indent -= 1;
        self.scope = saved;
    }

    fn statement(&mut self) {
        match self.random.below(40) {
            0..=7 => {
                let kind = self.random.pick(&TYPES);
                let name = self.target(kind);
                let value = self.bounded(kind);
                self.line(&format!("{name} = {value}"));
            }
            8..=10 => self.augmented(),
            11..=13 => self.conditional(),
            14 => {
                let kind = self.random.pick(&TYPES);
                self.define(kind);
            }
            15 if self.scope.loops_left > 0 => self.inner_loop(),
            16 if self.scope.in_loop => {
                let condition = self.condition();
                let word = self.random.pick(&["break", "continue", "continue"]);
                self.line(&format!("if {condition} and i % 5 == 4: {word}"));
            }
            17 | 18 => self.try_statement(),
            19 => {
                let (condition, what) = (self.condition(), self.expression(Int, 1));
                let class = self.random.pick(&["ValueError", "KeyError", "ZeroDivisionError", "RuntimeError"]);
                self.line(&format!("if {condition} and g0 % 3 == 1: raise {class}({what})"));
            }
            20 | 21 => self.list_statement(),
            22 => self.dict_statement(),
            23 | 24 => self.object_statement(),
            25 => {
                let (a, b) = (self.target(Int), self.target(Int));
                let form =
                    self.random.pick(&["#, @ = @, #", "#, @ = @ % 1000, # % 1000", "#, *rest = @, #, 1", "# = @ = 5"]);
                self.line(&form.replace('#', &a).replace('@', &b));
            }
            26 => {
                let value = self.expression(Int, 2);
                let what = self.random.pick(&["log(@)", "if i % 10 == 3: log(@)", "log(f'{@:>5} {@!r}')", "log(i, @)"]);
                let what = if self.scope.in_loop { what } else { "log(@)" };
                self.line(&what.replace('@', &value));
            }
            27 => self.with_statement(),
            28 => self.closure(),
            29 => self.match_statement(),
            30 => self.comprehension(),
            31 => self.class_change(),
            32 => self.frame_statement(),
            34..=38 => self.field_statement(),
            33 => {
                let (name, value) = (self.target(Int), self.expression(Int, 2));
                self.line(&format!("if (w := {value}) > 3: {name} = w % 1009"));
            }
            _ => {
                let value = self.expression(Any, 2);
                let name = self.target(Any);
                self.line(&format!("{name} = {value}"));
            }
        }
    }

    /// A new variable of a type.
    fn define(&mut self, kind: Type) {
        let name = format!("v{}", self.fresh);
        self.fresh += 1;
        let value = match kind {
            List => format!("[{}, {}, 3]", self.random.below(20), self.random.pick(&["1", "2", "2**62 - 1", "5"])),
            Dict => self.random.pick(&["{1: 2, 3: 4}", "{'a': 1, 2: 5}", "{}", "dict(x=1, y=2)"]).into(),
            Object => self.random.pick(&["A(1)", "B(2)", "A(3, 4)", "B.make(5)"]).into(),
            Str => self.random.pick(&["'abc'", "'é漢'", "''", "'x' * 5"]).into(),
            _ => self.literal(kind),
        };
        self.line(&format!("{name} = {value}"));
        self.declare(&name, kind, true);
    }

    fn declare(&mut self, text: &str, kind: Type, writable: bool) {
        self.scope.names.push(Name { text: text.into(), kind, writable });
    }

    fn augmented(&mut self) {
        let name = self.target(Int);
        let value = self.expression(Int, 2);
        let operator = self.random.pick(&["+", "-", "^", "|", "&", "*", "//", "%", ">>"]);
        let value = if operator == ">>" { format!("({value}) % 9") } else { value };
        self.line(&format!("{name} {operator}= {value}"));
        if matches!(operator, "*" | "+" | "-" | "|") {
            let bound = self.random.pick(&["1000003", "2**31", "2**62", "2**64", "97"]);
            self.line(&format!("{name} %= {bound}"));
        }
        if self.random.chance(40) {
            let name = self.target(Float);
            let value = self.expression(Float, 2);
            let operator = self.random.pick(&["+", "-", "*", "/"]);
            self.line(&format!("{name} {operator}= {value}"));
            self.line(&format!("if not abs({name}) < 1e12: {name} = 1.5"));
        }
    }

    fn conditional(&mut self) {
        let condition = self.condition();
        self.line(&format!("if {condition}:"));
        self.block(2);
        if self.random.chance(30) {
            let condition = self.condition();
            self.line(&format!("elif {condition}:"));
            self.block(1);
        }
        if self.random.chance(50) {
            self.line("else:");
            self.block(2);
        }
    }

    fn inner_loop(&mut self) {
        let variable = format!("n{}", self.fresh);
        self.fresh += 1;
        let (list, text, dict) = (self.name_of(List), self.name_of(Str), self.name_of(Dict));
        let (header, kind) = match self.random.below(9) {
            0 => (format!("for {variable} in {list}[:6]:"), Int),
            1 => (format!("for {variable} in {text}[:5]:"), Str),
            2 => (format!("for {variable} in list({dict}.values())[:5]:"), Int),
            3 => (format!("for {variable} in (x * 2 for x in range(4)):"), Int),
            4 => (format!("for {variable} in sorted({list}[:5], key=lambda q: -q):"), Int),
            5 => (format!("for {variable} in map(lambda q: q + 1, {list}[:5]):"), Int),
            6 => (format!("for {variable} in reversed(range(0, 9, 2)):"), Int),
            _ => (format!("for {variable} in range({}):", 1 + self.random.below(9)), Int),
        };
        self.line(&header);
        let saved = self.scope.clone();
        self.declare(&variable, kind, true);
        self.scope.loops_left = 0;
        self.indent += 1;
        for _ in 0..1 + self.random.below(3) {
            self.statement();
        }
        self.indent -= 1;
        self.scope = saved;
        if self.random.chance(15) {
            self.line("else:");
            self.block(1);
        }
    }

    fn try_statement(&mut self) {
        self.line("try:");
        self.block(2);
        let group = self.random.chance(10);
        if group {
            self.line("except* (ValueError, ArithmeticError) as e:");
            self.line("    log('group', len(e.exceptions))");
            return;
        }
        let class =
            self.random.pick(&["ZeroDivisionError", "(KeyError, IndexError)", "TypeError", "ValueError", "Exception"]);
        self.line(&format!("except {class} as e:"));
        let saved = self.scope.clone();
        self.block(1);
        self.scope = saved;
        if self.random.chance(30) {
            self.line("else:");
            self.block(1);
        }
        if self.random.chance(35) {
            self.line("finally:");
            self.block(1);
        }
    }

    fn with_statement(&mut self) {
        let name = self.target(Int);
        let value = self.random.below(9);
        self.line(&format!("with B({value}) as {name}:"));
        self.block(2);
    }

    fn list_statement(&mut self) {
        let list = self.target(List);
        let value = self.bounded(Int);
        let form = self.random.pick(&[
            "#.append(@)",
            "#[@ % len(#)] = @",
            "#.insert(1, @)",
            "#[-1] = @",
            "# += [@, 1]",
            "#.reverse()",
            "#.sort()",
            "#[1:3] = [@]",
            "del #[0]",
            "# = [*#, @]",
            "# = #[::-1]",
            "#.extend(range(@ % 4))",
            "#[::2] = [@] * len(#[::2])",
            "log(#.pop())",
        ]);
        self.line(&form.replace('#', &list).replace('@', &value));
        self.line(&format!("if len({list}) > 12: del {list}[:6]"));
        self.line(&format!("if not {list}: {list}.append(1)"));
    }

    fn dict_statement(&mut self) {
        let dict = self.target(Dict);
        let (key, value) = (self.expression(Int, 1), self.bounded(Int));
        let form = self.random.pick(&[
            "#[$ % 9] = @",
            "#['k'] = @",
            "#[$ % 7] = #.get($ % 5, 0) + 1",
            "#.setdefault($ % 11, @)",
            "#.pop($ % 9, None)",
            "del #[$ % 5]",
            "#.update({$ % 4: @})",
            "# = {**#, 'm': @}",
            "# |= {$ % 6: 1}",
            "#[$ % 3, 1] = @",
        ]);
        self.line(&form.replace('#', &dict).replace('@', &value).replace('$', &format!("({key})")));
        self.line(&format!("if len({dict}) > 12: {dict}.clear()"));
    }

    fn object_statement(&mut self) {
        let object = self.target(Object);
        let value = self.bounded(Int);
        let any = self.expression(Any, 1);
        let form = self.random.pick(&[
            "#.x = @",
            "#.x += 1",
            "#.y = $",
            "#.p = @",
            "# = # + @",
            "# = A(@, #)",
            "# = B(@)",
            "#.x = #.m(@) % 1009",
            "#.fresh = @",
            "del #.y",
            "setattr(#, 'z', @)",
            "#.__class__ = B",
            "#.x, #.z = #.z, #.x",
        ]);
        self.line(&form.replace('$', &any).replace('#', &object).replace('@', &value));
    }

    fn closure(&mut self) {
        let (name, inner) = (self.target(Int), format!("c{}", self.fresh));
        self.fresh += 1;
        if self.random.chance(50) || matches!(name.as_str(), "g0" | "g1") {
            let value = self.expression(Int, 2);
            self.line(&format!("{inner} = lambda q, r=2: (q + r + {value}) % 1009"));
        } else {
            self.line(&format!("def {inner}(q=1):"));
            self.line(&format!("    nonlocal {name}"));
            self.line(&format!("    {name} = ({name} + q) % 100003"));
            self.line(&format!("    return {name}"));
        }
        let form = self.random.pick(&[
            "# = @(3) + @()",
            "# = @(*[2])",
            "# = @(**{'q': 5})",
            "# = sum(map(@, [1, 2]))",
            "# = max([4, 2], key=@)",
        ]);
        let target = self.target(Int);
        self.line(&form.replace('#', &target).replace('@', &inner));
    }

    fn match_statement(&mut self) {
        let subject = self.expression(Any, 1);
        self.line(&format!("match {subject}:"));
        let arms = [
            "case 0 | 1: @",
            "case int(q) if q > 5: @",
            "case A(x=q): @",
            "case [q, *_]: @",
            "case {'a': q}: @",
            "case str(): @",
            "case None | True: @",
            "case float(q): @",
            "case (q, r): @",
        ];
        self.indent += 1;
        for _ in 0..1 + self.random.below(3) {
            let arm = self.random.pick(&arms);
            let (name, value) = (self.target(Int), self.bounded(Int));
            self.line(&arm.replace('@', &format!("{name} = {value}")));
        }
        let name = self.target(Int);
        self.line(&format!("case _: {name} = 7"));
        self.indent -= 1;
    }

    fn comprehension(&mut self) {
        let (list, value) = (self.target(List), self.expression(Int, 1));
        let form = self.random.pick(&[
            "# = [(q + @) % 1009 for q in #[:8]]",
            "# = [q for q in #[:8] if q % 2] or [1]",
            "# = [q * r % 99 for q in #[:3] for r in (1, @)]",
            "# = list({q: @ for q in #[:4]}) or [2]",
            "# = sorted({q % 5 for q in #[:6]})",
            "# = [(lambda: q)() for q in #[:4]] or [3]",
            "# = list(q + @ for q in #[:5])",
        ]);
        self.line(&form.replace('#', &list).replace('@', &value));
    }

    /// A class or a global changes in the middle of the loop that relies on it.
    fn class_change(&mut self) {
        if !self.scope.in_loop {
            return self.line("pass");
        }
        let at = self.random.below(40);
        let form = self.random.pick(&[
            "A.m = lambda self, a=1: a",
            "A.m = lambda self, a=1: self.x",
            "B.__add__ = lambda self, o: self",
            "A.p = property(lambda self: 5)",
            "A.w = @",
            "B.m = A.m",
            "globals()['g0'] = @",
            "A.__init__.__defaults__ = (@, 2)",
        ]);
        let value = self.random.below(99).to_string();
        self.line(&format!("if i == {at}: {}", form.replace('@', &value)));
    }

    /// The frame looked at from below, and its locals written.
    fn frame_statement(&mut self) {
        let name = self.target(Int);
        let form = self.random.pick(&[
            "log(sorted(sys._getframe().f_locals)[:2])",
            "sys._getframe().f_locals['#'] = 5",
            "log((lambda: sys._getframe(1).f_lineno > 0)())",
            "(lambda: sys._getframe(1).f_locals.__setitem__('#', 9))()",
            "log(len(locals()) > 2)",
        ]);
        let form = if matches!(name.as_str(), "g0" | "g1") { "log(len(locals()) > 2)" } else { form };
        if self.scope.in_loop {
            self.line(&format!("if i % 13 == 5: {}", form.replace('#', &name)));
        } else {
            self.line(&form.replace('#', &name));
        }
    }

    fn block(&mut self, most: usize) {
        let saved = self.scope.clone();
        self.indent += 1;
        self.scope.depth += 1;
        if self.scope.depth > 3 {
            let (name, value) = (self.target(Int), self.bounded(Int));
            self.line(&format!("{name} = {value}"));
        } else {
            for _ in 0..1 + self.random.below(most) {
                self.statement();
            }
        }
        self.indent -= 1;
        self.scope = saved;
    }

    fn line(&mut self, text: &str) {
        for _ in 0..self.indent {
            self.text += "    ";
        }
        self.text += text;
        self.text.push('\n');
    }
}
