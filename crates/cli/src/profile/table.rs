//! The profile as a table: functions, and lines.

use super::{Function, Kind, Report};
use crate::source::{Sources, short};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

const MOST_ROWS: usize = 30;

#[derive(Default, Clone)]
struct Row {
    own: u64,
    total: u64,
    compiled: u64,
}

pub fn text(report: &Report) -> String {
    let total = report.nanoseconds().max(1);
    let mut functions = vec![Row::default(); report.functions.len()];
    let mut lines: HashMap<(&str, u32), u64> = HashMap::new();
    for stack in &report.stacks {
        // A function that called itself counts once.
        let mut seen = HashSet::new();
        for frame in stack.frames.iter().filter(|frame| seen.insert(frame.function)) {
            functions[frame.function].total += stack.nanoseconds;
        }
        let Some(top) = stack.frames.last() else { continue };
        functions[top.function].own += stack.nanoseconds;
        functions[top.function].compiled += if top.kind == Kind::Compiled { stack.nanoseconds } else { 0 };
        if let Some(frame) = stack.frames.iter().rev().find(|frame| frame.kind != Kind::Own) {
            *lines.entry((&report.functions[frame.function].file, frame.line)).or_default() += stack.nanoseconds;
        }
    }
    let mut out = format!("{:.3} s of processor time, {} samples", total as f64 / 1e9, report.order.len());
    if report.lost > 0 {
        let _ = write!(out, ", {} more lost", report.lost);
    }
    out += "\n\n   self            total            compiled  function\n";
    let mut order: Vec<usize> = (0..functions.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(functions[at].own), std::cmp::Reverse(functions[at].total), at));
    for &at in order.iter().take(MOST_ROWS) {
        let (row, Function { name, file, line }) = (&functions[at], &report.functions[at]);
        let compiled = match file.is_empty() || row.own == 0 {
            true => String::new(),
            false => format!("{:.0} %", percent(row.compiled, row.own)),
        };
        let place = if file.is_empty() { String::new() } else { format!("  {}:{line}", short(file)) };
        let _ = writeln!(
            out,
            "{:>5.1} % {:>8.3} s {:>5.1} % {:>8.3} s {compiled:>8}  {name}{place}",
            percent(row.own, total),
            row.own as f64 / 1e9,
            percent(row.total, total),
            row.total as f64 / 1e9,
        );
    }
    out += "\n   self           line\n";
    let mut order: Vec<(&(&str, u32), &u64)> = lines.iter().collect();
    order.sort_by_key(|&(&place, &own)| (std::cmp::Reverse(own), place));
    let mut sources = Sources::default();
    for (&(file, line), &own) in order.into_iter().take(MOST_ROWS) {
        let place = format!("{}:{line}", short(file));
        let text = sources.line(file, line);
        let row = format!("{:>5.1} % {:>8.3} s  {place:<24} {}", percent(own, total), own as f64 / 1e9, text.trim());
        out += row.trim_end();
        out.push('\n');
    }
    out
}

pub fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
