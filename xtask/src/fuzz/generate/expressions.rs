//! Expressions by type, and the variables they may name.

use super::Type::*;
use super::{Generator, Name, TYPES, Type};

impl Generator {
    /// A variable to assign a value of the type to.
    pub(super) fn target(&mut self, kind: Type) -> String {
        self.choose(|name| name.kind == kind && name.writable)
    }

    /// A variable of a type.
    pub(super) fn name_of(&mut self, kind: Type) -> String {
        self.choose(|name| name.kind == kind)
    }

    /// Invariant: every function begins by defining a variable of each type.
    fn choose(&mut self, fits: impl Fn(&Name) -> bool) -> String {
        let count = self.scope.names.iter().filter(|name| fits(name)).count();
        let index = self.random.below(count);
        let mut fitting = self.scope.names.iter().filter(|name| fits(name));
        fitting.nth(index).expect("below their number").text.clone()
    }

    /// A value for a variable, kept in bounds.
    pub(super) fn bounded(&mut self, kind: Type) -> String {
        let value = self.expression(kind, 3);
        match kind {
            Int => {
                format!("({value}) % {}", self.random.pick(&["1009", "1000003", "2**31", "2**62", "2**63", "2**65"]))
            }
            Str => format!("({value})[-9:]"),
            List => format!("({value})[:9] or [1]"),
            _ => value,
        }
    }

    pub(super) fn condition(&mut self) -> String {
        let (kind, operator) =
            (self.random.pick(&[Int, Int, Int, Float]), self.random.pick(&["<", "<=", "==", "!=", ">", ">="]));
        let (a, b) = (self.expression(kind, 1), self.expression(kind, 1));
        match self.random.below(8) {
            0 => format!("{a} {operator} {b} and {}", self.expression(Bool, 1)),
            1 => format!("not {a} {operator} {b}"),
            2 => self.expression(Any, 1),
            3 => format!("0 <= {a} {operator} {b}"),
            _ => format!("{a} {operator} {b}"),
        }
    }

    /// The text of an expression of a type, at most `depth` operators deep.
    pub(super) fn expression(&mut self, kind: Type, depth: usize) -> String {
        if self.random.below(400) == 0 {
            // Of a wrong type, now and then.
            let other = self.random.pick(&TYPES);
            return self.leaf(other);
        }
        if depth == 0 || self.random.chance(25) {
            return self.leaf(kind);
        }
        let depth = depth - 1;
        let form = match kind {
            Int => self.random.pick(&[
                "(I + I)",
                "(I - I)",
                "(I * I)",
                "(I // I)",
                "(I % I)",
                "(I & I)",
                "(I | I)",
                "(I ^ I)",
                "(~I)",
                "(-I)",
                "(I << (I % 7))",
                "(I >> (I % 70))",
                "abs(I)",
                "len(L)",
                "len(S)",
                "L[I % 3]",
                "L[-1]",
                "D.get(I, 4)",
                "(I if C else I)",
                "O.x",
                "O.m(I)",
                "O.p",
                "O(I)",
                "O[I % 5]",
                "A.s(I)",
                "min(I, I)",
                "max(I, I, 3)",
                "sum(L)",
                "int(F)",
                "(I < I)",
                "(I and I)",
                "(I or I)",
                "ord('S'[0])",
                "divmod(I, 7)[0]",
                "[I, I][I % 2]",
                "(I, I, 3)[I % 3]",
                "L.count(I)",
                "len({I, I, 1})",
                "pow(I % 50, 3, 101)",
                "round(F)",
                "(1 + O)",
                "(I ** 2)",
                "(I).bit_length()",
                "hash(I)",
                "int(S or 0)",
                "{1: I}.get(1)",
                "(lambda q: q + 1)(I)",
                "O.z",
                "len(f'{I}')",
                "isinstance(U, int)",
                "(I in L)",
                "sum(q for q in L)",
                "[q for q in L][0]",
                "next(iter(L))",
                "len(O)",
            ]),
            Float => self.random.pick(&[
                "(F + F)",
                "(F - F)",
                "(F * F)",
                "(F / (abs(F) + 1))",
                "(F / I)",
                "(I / 7)",
                "(F * I)",
                "(-F)",
                "abs(F)",
                "float(I)",
                "(F if C else F)",
                "math.sqrt(abs(F))",
                "min(F, F)",
                "(F // 2)",
                "(F % 3)",
                "round(F, 2)",
                "math.sin(F)",
                "sum([F, F])",
                "float(f'{F:.3f}')",
                "(F + O.x)",
                "math.floor(F)",
                "((F ** 2) % 1e6)",
                "max(F, I)",
            ]),
            Str => self.random.pick(&[
                "(S + S)",
                "S[1:]",
                "S[::-1]",
                "str(I)",
                "S.upper()",
                "f'{I}'",
                "f'{F:.2f}'",
                "repr(S)",
                "(S * (I % 3))",
                "S.replace('a', S)",
                "('%d' % I)",
                "(S[:2] + S[-2:])",
                "''.join(sorted(S))",
                "S.strip('a')",
                "'{}-{}'.format(I, S)",
                "(S if C else S)",
                "','.join([S, S])",
                "S.center(5, '*')",
                "chr(I % 300 + 50)",
                "str(F)",
                "f'{S!r:>5}'",
                "S.split('a')[0]",
            ]),
            List => self.random.pick(&[
                "(L + L)",
                "L[1:]",
                "[I, I]",
                "([I] * 3)",
                "list(range(I % 5))",
                "L[::-1]",
                "sorted(L)",
                "[*L, I]",
                "[q + 1 for q in L]",
                "list(map(abs, L))",
                "list(D.values())",
                "list(reversed(L))",
                "[x for x in zip(L, L)][0][:1]",
            ]),
            Dict => self.random.pick(&[
                "{**D, I: I}",
                "{I: I, 'a': 1}",
                "dict(D)",
                "(D | {1: I})",
                "{q: q for q in L}",
                "{k: 1 for k in D}",
            ]),
            Object => self.random.pick(&[
                "A(I)",
                "B(I)",
                "(O + I)",
                "(O if C else O)",
                "A(x=I, y=F)",
                "B.make(I)",
                "type(O)(I)",
            ]),
            Bool => self.random.pick(&[
                "(I < I)",
                "(F > F)",
                "(S == S)",
                "(I in L)",
                "(not C)",
                "(O == O)",
                "(S in S)",
                "(O is None)",
                "bool(U)",
                "(L < L)",
                "(I in D)",
                "(O < O)",
                "(I == F)",
                "any(L)",
            ]),
            Any => self.random.pick(&[
                "I",
                "F",
                "S",
                "L",
                "U",
                "None",
                "(I, F)",
                "(U, U)",
                "(I if C else F)",
                "(S if C else I)",
                "O.y",
                "type(U)",
                "[U]",
                "(U or I)",
            ]),
        };
        self.fill(form, depth)
    }

    /// Replaces the capital letters of a form that stand alone by expressions of their types.
    fn fill(&mut self, form: &str, depth: usize) -> String {
        let characters: Vec<char> = form.chars().collect();
        let mut text = String::new();
        for (at, &character) in characters.iter().enumerate() {
            let joined = |other: Option<&char>| other.is_some_and(|c| c.is_alphanumeric() || *c == '_' || *c == '\'');
            let alone =
                !joined(at.checked_sub(1).and_then(|before| characters.get(before))) && !joined(characters.get(at + 1));
            let kind = match character {
                'I' => Int,
                'F' => Float,
                'S' => Str,
                'L' => List,
                'D' => Dict,
                'O' => Object,
                'U' => Any,
                'C' => Bool,
                _ => Any,
            };
            let inside_text = form.contains("f'") && characters[..at].iter().filter(|&&c| c == '\'').count() % 2 == 1;
            if alone && "IFSLDOUC".contains(character) {
                // In an f-string only names, so that quotes do not nest.
                text += &if inside_text { self.name_of(kind) } else { self.expression(kind, depth) };
            } else {
                text.push(character);
            }
        }
        text
    }

    fn leaf(&mut self, kind: Type) -> String {
        if self.random.chance(if matches!(kind, Int | Float) { 65 } else { 95 }) {
            return self.name_of(kind);
        }
        self.literal(kind)
    }

    pub(super) fn literal(&mut self, kind: Type) -> String {
        let text = match kind {
            Int => self.random.pick(&[
                "0",
                "1",
                "2",
                "3",
                "7",
                "10",
                "-1",
                "-5",
                "100",
                "255",
                "2**31",
                "2**62 - 1",
                "2**62",
                "-2**62",
                "2**63",
                "2**70",
                "True",
            ]),
            Float => self.random.pick(&["0.0", "0.5", "-1.5", "2.0", "3.25", "1e10", "-0.0", "0.1", "1e-5"]),
            Str => self.random.pick(&["'a'", "''", "'abc'", "'é'", "'12'"]),
            List => self.random.pick(&["[1]", "[1, 2, 3]", "[5, 4]"]),
            Dict => self.random.pick(&["{}", "{1: 2}"]),
            Object => self.random.pick(&["A(1)", "B()"]),
            Bool => self.random.pick(&["True", "False"]),
            Any => self.random.pick(&["None", "1", "'s'", "0.5", "(1, 2)", "True"]),
        };
        if text.starts_with('-') || text.contains("**") { format!("({text})") } else { text.into() }
    }

    pub(super) fn any_name(&mut self) -> String {
        let index = self.random.below(self.scope.names.len());
        self.scope.names[index].text.clone()
    }
}
