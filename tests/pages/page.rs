//! A page: its Markdown text, the cases in it, and writing it back with new expectations.

use std::fs;
use std::path::{Path, PathBuf};

pub struct Page {
    /// Path below the tests directory, `language/int.md`.
    pub name: String,
    pub path: PathBuf,
    pub cases: Vec<Case>,
    /// The text, with the places of the cases in it.
    parts: Vec<Part>,
}

pub struct Case {
    /// The heading above the program, numbered if it has several.
    pub name: String,
    pub program: String,
    pub input: String,
    pub expected: Outcome,
    /// Marked `py large`: allocates too much for a collection at every allocation.
    pub large: bool,
}

#[derive(Default, PartialEq, Eq)]
pub struct Outcome {
    pub out: String,
    pub err: String,
    pub status: i32,
}

enum Part {
    Text(String),
    /// Where the `out` and `err` blocks of a case stand: directly after its `py` or `in` block.
    Expectation(usize),
}

impl Page {
    pub fn read(root: &Path, path: PathBuf) -> Page {
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
        let mut page = Page { name, path, cases: Vec::new(), parts: Vec::new() };
        let mut heading = String::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if let Some(info) = line.strip_prefix("```") {
                let mut body = String::new();
                loop {
                    match lines.next() {
                        Some("```") => break,
                        Some(l) => body = body + l + "\n",
                        None => panic!("{}: block {info:?} is not closed", page.name),
                    }
                }
                page.block(info, body, &heading);
            } else {
                if line.starts_with('#') {
                    heading = line.trim_start_matches('#').trim().to_string();
                }
                // Blank lines around expectations are written anew.
                if !(line.is_empty() && matches!(page.parts.last(), Some(Part::Expectation(_)))) {
                    page.parts.push(Part::Text(format!("{line}\n")));
                }
            }
        }
        page
    }

    fn block(&mut self, info: &str, body: String, heading: &str) {
        match info.split_whitespace().next().unwrap_or("") {
            "py" => {
                self.parts.push(Part::Text(format!("```{info}\n{body}```\n")));
                let large = info.split_whitespace().any(|word| word == "large");
                let same = self.cases.iter().filter(|c| c.name.split(" #").next() == Some(heading)).count();
                let name = if same == 0 { heading.to_string() } else { format!("{heading} #{}", same + 1) };
                let expected = Outcome::default();
                self.parts.push(Part::Expectation(self.cases.len()));
                self.cases.push(Case { name, program: body, input: String::new(), expected, large });
            }
            "in" => {
                self.case(info).input = body.clone();
                let expectation = self.parts.pop().expect("after its program");
                self.parts.push(Part::Text(format!("\n```in\n{body}```\n")));
                self.parts.push(expectation);
            }
            "out" => self.case(info).expected.out = body,
            "err" => {
                let status = info.split_whitespace().nth(1).and_then(|s| s.parse().ok());
                let expected = &mut self.case(info).expected;
                expected.status = status.expect("`err N` has the exit status");
                expected.err = body;
            }
            _ => self.parts.push(Part::Text(format!("```{info}\n{body}```\n"))),
        }
    }

    fn case(&mut self, info: &str) -> &mut Case {
        let name = &self.name;
        self.cases.last_mut().unwrap_or_else(|| panic!("{name}: block {info:?} before any program"))
    }

    pub fn render(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(t) => text += t,
                Part::Expectation(number) => {
                    let Outcome { out, err, status } = &self.cases[*number].expected;
                    if !out.is_empty() {
                        text += &format!("\n```out\n{out}```\n");
                    }
                    if !err.is_empty() || *status != 0 {
                        text += &format!("\n```err {status}\n{err}```\n");
                    }
                    text.push('\n');
                }
            }
        }
        text.trim_end().to_string() + "\n"
    }
}

/// The lines of both texts from the first that differs on, `-` wanted and `+` got, at most some twenty.
pub fn difference(want: &str, got: &str) -> String {
    let (want, got): (Vec<_>, Vec<_>) = (want.lines().collect(), got.lines().collect());
    let same = want.iter().zip(&got).take_while(|(a, b)| a == b).count();
    let mut text = String::new();
    if let Some(line) = same.checked_sub(1) {
        text += &format!("  {}\n", want[line]);
    }
    for (sign, lines) in [('-', &want), ('+', &got)] {
        for line in lines.iter().skip(same).take(12) {
            text += &format!("{sign} {line}\n");
        }
    }
    text
}

/// `object at 0x7f12ab` as `object at 0x...`: where an object lies is nobody's promise.
pub fn without_addresses(text: &str) -> String {
    let mut pieces = text.split(" at 0x");
    let mut out = pieces.next().unwrap_or("").to_string();
    for piece in pieces {
        out += " at 0x...";
        out += piece.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    out
}

/// With the newline at its end that blocks always have.
pub fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_string() } else { format!("{text}\n") }
}
