//! The report as text.

use super::reasons::percent;
use super::{Line, Part, Report};
use crate::source::{Sources, grouped, short};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

/// Lines with less of the time, of which there is nothing to say, are left out.
const LEAST: f64 = 0.01;
const MOST_LINES: usize = 40;
/// Of the lines that are not shown.
const MOST_FUNCTIONS: usize = 10;
const WIDTH: usize = 118;

pub fn text(report: &Report) -> String {
    let total = report.nanoseconds.max(1);
    let mut out =
        format!("{:.3} s of processor time: {}\n", report.nanoseconds as f64 / 1e9, parts(&report.parts, total));
    let mut sources = Sources::default();
    let shown = shown(report);
    for &(file, number, line) in &shown {
        let mut source = sources.line(file, number).trim().to_owned();
        if source.is_empty() {
            source = in_function(line);
        }
        let share = percent(line.nanoseconds as f64 / total as f64);
        let _ = writeln!(out, "\n{share:>7}  {}:{number}  {source}", short(file));
        for sentence in details(line) {
            wrapped(&mut out, "         ", &sentence);
        }
        for finding in &line.findings {
            let mark = if finding.is_hot_exit { "       ! " } else { "       - " };
            wrapped(&mut out, mark, &finding.text);
            if !finding.advice.is_empty() {
                wrapped(&mut out, "         ", &format!("What to do: {}.", finding.advice));
            }
        }
    }
    rest(&mut out, report, &shown);
    out
}

/// What stands for the source of a line that is in no file.
pub fn in_function(line: &Line) -> String {
    line.function.as_ref().map_or(String::new(), |(name, _)| format!("(in `{name}`)"))
}

/// The lines that are not shown, if they take a part of the time together, and the functions that they belong to.
fn rest(out: &mut String, report: &Report, shown: &[(&str, u32, &Line)]) {
    let shown: HashSet<(&str, u32)> = shown.iter().map(|&(file, number, _)| (file, number)).collect();
    let is_shown = |(file, number): &(String, u32)| shown.contains(&(file.as_str(), *number));
    let others = report.lines.iter().filter(|(key, line)| line.nanoseconds > 0 && !is_shown(key));
    let (mut count, mut sum) = (0, 0);
    let mut functions: BTreeMap<(&str, u32, &str), u64> = BTreeMap::new();
    for ((file, _), line) in others {
        count += 1;
        sum += line.nanoseconds;
        if let Some((name, first)) = &line.function {
            *functions.entry((file, *first, name)).or_default() += line.nanoseconds;
        }
    }
    let total = report.nanoseconds.max(1) as f64;
    let share = |nanoseconds: u64| percent(nanoseconds as f64 / total);
    if sum as f64 <= LEAST * total {
        return;
    }
    let s = if count == 1 { "" } else { "s" };
    let _ = writeln!(out, "\n{:>7}  {} more line{s}, of which none takes much", share(sum), grouped(count));
    let mut functions: Vec<_> = functions.into_iter().filter(|(_, ns)| *ns as f64 >= LEAST * total).collect();
    functions.sort_by_key(|&(function, nanoseconds)| (std::cmp::Reverse(nanoseconds), function));
    for ((file, first, name), nanoseconds) in functions.into_iter().take(MOST_FUNCTIONS) {
        wrapped(out, "         ", &format!("{} in lines of `{name}` ({}:{first})", share(nanoseconds), short(file)));
    }
}

/// The most expensive lines, and after them those that they refer to and the first of those that say why the
/// interpreter runs something: a function whose time is spread over many lines is explained at one that may have none.
fn shown(report: &Report) -> Vec<(&str, u32, &Line)> {
    let lines = ordered(report);
    let (first, others) = lines.split_at(lines.len().min(MOST_LINES));
    let referred = referred(first.iter().copied());
    let mut reasons = 0;
    let others = others.iter().filter(|&&(file, number, line)| {
        let is_reason = line.findings.iter().any(|finding| finding.is_why_interpreted);
        reasons += usize::from(is_reason);
        referred.contains(&(file, number)) || is_reason && reasons <= MOST_LINES
    });
    first.iter().chain(others).copied().collect()
}

/// The lines that these refer to.
fn referred<'r>(lines: impl Iterator<Item = (&'r str, u32, &'r Line)>) -> HashSet<(&'r str, u32)> {
    lines
        .flat_map(|(file, _, line)| line.findings.iter().filter_map(move |finding| Some((file, finding.see?))))
        .collect()
}

/// Lines worth showing, the most expensive first.
fn ordered(report: &Report) -> Vec<(&str, u32, &Line)> {
    let least = (LEAST * report.nanoseconds as f64) as u64;
    let all = || report.lines.iter().map(|((file, number), line)| (file.as_str(), *number, line));
    let referred = referred(all());
    let is_worth = |&(file, number, line): &(&str, u32, &Line)| {
        line.nanoseconds >= least.max(1) || !line.findings.is_empty() || referred.contains(&(file, number))
    };
    let mut lines: Vec<(&str, u32, &Line)> = all().filter(is_worth).collect();
    lines.sort_by_key(|&(file, number, line)| (std::cmp::Reverse(line.nanoseconds), file, number));
    lines
}

/// What a line's time went to, and its traces.
pub fn details(line: &Line) -> Vec<String> {
    let mut sentences = Vec::new();
    if line.nanoseconds > 0 {
        sentences.push(parts(&line.parts, line.nanoseconds));
    }
    let standing: Vec<_> = line.starts.iter().filter(|start| !start.fallen).collect();
    if let Some(first) = standing.first() {
        let (mut entered, mut rounds) =
            standing.iter().fold((0, 0), |sum, start| (sum.0 + start.entered, sum.1 + start.rounds));
        if let Some(turns) = &line.turns {
            (entered, rounds) = (entered.max(turns.entered), turns.rounds);
        }
        let traces =
            if standing.len() > 1 { format!(", {} traces for different types", standing.len()) } else { String::new() };
        sentences.push(match first.what {
            "loop" => {
                format!("a compiled loop starts here: entered {}, {} rounds{traces}", times(entered), grouped(rounds))
            }
            _ => format!("compiled code of `{}` starts here: entered {}{traces}", first.function, times(entered)),
        });
    }
    let passing = line.passing;
    if passing > 0 {
        sentences.push(format!(
            "{passing} compiled trace{} pass{} here",
            if passing == 1 { "" } else { "s" },
            if passing == 1 { "es" } else { "" }
        ));
    }
    sentences
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{} times", grouped(count)) }
}

/// Parts of at least a percent, the greatest first.
pub fn parts(parts: &BTreeMap<Part, u64>, total: u64) -> String {
    let mut parts: Vec<(&Part, &u64)> = parts.iter().collect();
    parts.sort_by_key(|(_, nanoseconds)| std::cmp::Reverse(**nanoseconds));
    let share = |nanoseconds: u64| nanoseconds as f64 / total.max(1) as f64;
    let shown = parts.iter().filter(|(_, nanoseconds)| share(**nanoseconds) >= 0.01);
    let texts: Vec<String> = shown.map(|(part, ns)| format!("{} {}", percent(share(**ns)), part.name())).collect();
    texts.join(", ")
}

/// Breaks at blanks; further lines are indented like the first.
fn wrapped(out: &mut String, mark: &str, text: &str) {
    let indent = " ".repeat(mark.len());
    let mut line = mark.to_owned();
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH && line.trim().len() > 1 {
            out.push_str(line.trim_end());
            out.push('\n');
            line = indent.clone();
        }
        line += word;
        line.push(' ');
    }
    out.push_str(line.trim_end());
    out.push('\n');
}
