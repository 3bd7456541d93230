//! The report as text.

use super::reasons::percent;
use super::{Line, Part, Report};
use crate::source::{Sources, grouped, short};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Lines with less of the time, of which there is nothing to say, are left out.
const LEAST: f64 = 0.01;
const MOST_LINES: usize = 40;
const WIDTH: usize = 118;

pub fn text(report: &Report) -> String {
    let total = report.nanoseconds.max(1);
    let mut out =
        format!("{:.3} s of processor time: {}\n", report.nanoseconds as f64 / 1e9, parts(&report.parts, total));
    let mut sources = Sources::default();
    let lines = ordered(report);
    for &(file, number, line) in lines.iter().take(MOST_LINES) {
        let source = sources.line(file, number).trim();
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
    if lines.len() > MOST_LINES {
        let _ = writeln!(out, "\n{} more lines took little time.", lines.len() - MOST_LINES);
    }
    out
}

/// Lines worth showing, the most expensive first.
pub fn ordered(report: &Report) -> Vec<(&str, u32, &Line)> {
    let least = (LEAST * report.nanoseconds as f64) as u64;
    let mut lines: Vec<(&str, u32, &Line)> = report
        .lines
        .iter()
        .filter(|(_, line)| line.nanoseconds >= least.max(1) || !line.findings.is_empty())
        .map(|((file, number), line)| (file.as_str(), *number, line))
        .collect();
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
        let (entered, rounds) =
            standing.iter().fold((0, 0), |sum, start| (sum.0 + start.entered, sum.1 + start.rounds));
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
