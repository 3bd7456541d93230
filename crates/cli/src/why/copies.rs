//! Functions that are made of one text again and again, by `exec()` for example: each is a new one to the JIT.

use super::gather::{LineKey, add_finding, key, key_of};
use super::{Finding, Report};
use crate::source::grouped;
use metatrace::{Explanation, Profile};
use objects::vm::Python;
use std::collections::{BTreeMap, HashMap, HashSet};

/// So many copies of a function are worth mentioning if its lines take this part of the time.
const COPIES: usize = 10;
const NOTABLE: f64 = 0.02;

/// Functions of which there are copies, by file and first line, and at which line that is said.
pub type Copied = HashMap<(String, u32), u32>;

pub fn add(report: &mut Report, profile: &Profile<Python>, explanation: &Explanation<Python>) -> Copied {
    // A lambda has a line in common with its function, but seldom the place of an instruction.
    let mut codes: BTreeMap<(LineKey, u32), HashSet<usize>> = BTreeMap::new();
    for frame in profile.stacks.iter().filter_map(|stack| stack.frames.last()) {
        let code = std::ptr::from_ref(frame.code).addr();
        codes.entry((key(frame.code, frame.pc), frame.pc)).or_default().insert(code);
    }
    for trace in &explanation.traces {
        let code = std::ptr::from_ref(trace.start.code).addr();
        codes.entry((key_of(trace.start), trace.start.pc)).or_default().insert(code);
    }
    // Of each function the greatest count, and the line that takes most of the time.
    let mut most: BTreeMap<(String, u32), (usize, u64, u32)> = BTreeMap::new();
    for (((file, number), _), codes) in codes {
        let key = (file, number);
        let Some(line) = report.lines.get(&key) else { continue };
        let Some((_, first)) = line.function else { continue };
        let most = most.entry((key.0, first)).or_default();
        most.0 = codes.len().max(most.0);
        if line.nanoseconds > most.1 {
            (most.1, most.2) = (line.nanoseconds, key.1);
        }
    }
    let notable = (NOTABLE * report.nanoseconds as f64) as u64;
    most.retain(|_, (count, nanoseconds, _)| *count >= COPIES && *nanoseconds >= notable);
    for ((file, _), (count, _, line)) in &most {
        let text = format!(
            "at least {} functions were made of this text, as by `exec()`. Each is a new one to the JIT, and is compiled when it has \
             itself been called, or gone round, often enough.",
            grouped(*count as u64)
        );
        let advice = "make the function once, and give it what differs as arguments";
        add_finding(report, (file.clone(), *line), Finding::new(u64::MAX, text, advice));
    }
    most.into_iter().map(|(function, (_, _, line))| (function, line)).collect()
}
