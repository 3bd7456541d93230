//! The report as one page that needs nothing else: the source on the left, what there is to say about the selected line on the
//! right, with its traces and their machine code; in a narrow window below the line.

use super::reasons::percent;
use super::text::{details, in_function, parts};
use super::{Line, Listing, Part, Report};
use crate::source::{Sources, escaped, short};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Traces shown for one line.
const MOST_LISTINGS: usize = 12;
/// Files with less of the time are left out.
const LEAST: f64 = 0.005;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

pub fn page(report: &Report) -> String {
    let total = report.nanoseconds.max(1);
    let mut sources = Sources::default();
    let mut source = String::new();
    let mut panels = String::new();
    for (file, lines) in files(report) {
        let _ = writeln!(source, "<h2>{}</h2>\n<div class=\"file\">", escaped(&short(file)));
        let text = sources.lines(file).to_vec();
        // Of a file that cannot be read, the lines that were run.
        let numbers: Vec<u32> = match text.is_empty() {
            true => lines.keys().copied().collect(),
            false => (1..=text.len() as u32).collect(),
        };
        for number in numbers {
            let line = lines.get(&number);
            let name = line.filter(|_| text.is_empty()).map(|line| in_function(line)).unwrap_or_default();
            let code = text.get(number as usize - usize::from(number > 0)).map_or(name.as_str(), String::as_str);
            let id = line.map(|_| format!("{}-{number}", panel_name(file)));
            source_line(&mut source, line.copied(), id.as_deref(), number, code, total);
            if let (Some(line), Some(id)) = (line, id) {
                let head = format!("{}:{number}", short(file));
                panel(&mut panels, report, line, &id, (&head, code), total);
            }
        }
        source.push_str("</div>\n");
    }
    let summary = format!("{:.3} s of processor time, {} samples", report.nanoseconds as f64 / 1e9, report.samples);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\"><title>adder jit why</title>\n<style>{STYLE}</style>\n<noscript><style>article[hidden]{{display:block}}\
         </style></noscript></head>\n<body><header><h1>Where the time goes</h1><p>{summary}</p>{}</header>\n\
         <main><section id=\"source\">\n{source}</section>\n<aside id=\"detail\"><p class=\"hint\">Select a line.</p>\n{panels}</aside>\
         </main>\n<script>{SCRIPT}</script></body></html>\n",
        bar(&report.parts, total),
    )
}

/// Files with lines to show, the most expensive first.
fn files(report: &Report) -> Vec<(&str, BTreeMap<u32, &Line>)> {
    let mut files: BTreeMap<&str, (u64, bool, BTreeMap<u32, &Line>)> = BTreeMap::new();
    for ((file, number), line) in &report.lines {
        let entry = files.entry(file).or_default();
        entry.0 += line.nanoseconds;
        entry.1 |= !line.findings.is_empty();
        entry.2.insert(*number, line);
    }
    let least = (LEAST * report.nanoseconds as f64) as u64;
    let mut shown: Vec<_> = files.into_iter().filter(|(_, (time, has, _))| *time >= least.max(1) || *has).collect();
    shown.sort_by_key(|(file, (time, ..))| (std::cmp::Reverse(*time), *file));
    shown.into_iter().map(|(file, (_, _, lines))| (file, lines)).collect()
}

/// A name for the identifiers of a file's panels: letters and digits.
fn panel_name(file: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    file.bytes().for_each(|byte| hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("p{hash:x}")
}

fn class_of(part: &Part) -> &'static str {
    match part {
        Part::Compiled => "compiled",
        Part::Interpreted | Part::Watched => "interpreted",
        Part::Called(_) => "called",
        Part::Crossing => "crossing",
        Part::Collecting => "collecting",
        Part::Jit => "jit",
    }
}

/// What time went to, as a bar and in words.
fn bar(of: &BTreeMap<Part, u64>, total: u64) -> String {
    let mut by_class: BTreeMap<&str, u64> = BTreeMap::new();
    for (part, nanoseconds) in of {
        *by_class.entry(class_of(part)).or_default() += nanoseconds;
    }
    let pieces: String = by_class
        .iter()
        .map(|(class, ns)| {
            format!("<span class=\"{class}\" style=\"width:{:.2}%\"></span>", 100.0 * *ns as f64 / total as f64)
        })
        .collect();
    format!("<div class=\"bar\">{pieces}</div><p class=\"parts\">{}</p>", escaped(&parts(of, total)))
}

fn source_line(out: &mut String, line: Option<&Line>, id: Option<&str>, number: u32, code: &str, total: u64) {
    let nanoseconds = line.map_or(0, |line| line.nanoseconds);
    let share = nanoseconds as f64 / total as f64;
    let mark = match line {
        Some(line) if line.findings.iter().any(|finding| finding.is_hot_exit) => {
            "<b class=\"hot\" title=\"a hot exit\">!</b>"
        }
        Some(line) if line.findings.iter().any(|finding| !finding.advice.is_empty()) => {
            "<b class=\"note\" title=\"something to do\">•</b>"
        }
        Some(line) if line.starts.iter().any(|start| !start.fallen) => {
            "<b class=\"start\" title=\"compiled code starts here\">▸</b>"
        }
        _ => "<b></b>",
    };
    let share_text = if share >= 0.0005 { percent(share) } else { String::new() };
    let attributes = match id {
        Some(id) => format!(" class=\"line has\" data-panel=\"{id}\" tabindex=\"0\" role=\"button\""),
        None => " class=\"line\"".to_owned(),
    };
    let _ = writeln!(
        out,
        "<div{attributes}><span class=\"share\">{share_text}</span><span class=\"heat\"><i style=\"width:{:.1}%\"></i></span>{mark}\
         <span class=\"number\">{number}</span><code>{}</code></div>",
        100.0 * share,
        escaped(code)
    );
}

fn panel(out: &mut String, report: &Report, line: &Line, id: &str, (head, code): (&str, &str), total: u64) {
    let share = percent(line.nanoseconds as f64 / total as f64);
    let _ = writeln!(out, "<article id=\"{id}\" hidden><h3>{} <small>{share}</small></h3>", escaped(head));
    let _ = writeln!(out, "<pre class=\"quoted\">{}</pre>", escaped(code.trim()));
    if line.nanoseconds > 0 {
        out.push_str(&bar(&line.parts, line.nanoseconds));
    }
    let skipped = usize::from(line.nanoseconds > 0);
    for sentence in details(line).iter().skip(skipped) {
        let _ = writeln!(out, "<p>{}.</p>", escaped(&upper(sentence)));
    }
    for finding in &line.findings {
        let class = if finding.is_hot_exit { "finding hot" } else { "finding" };
        let _ = write!(out, "<div class=\"{class}\"><p>{}</p>", quoted(&upper(&finding.text)));
        if !finding.advice.is_empty() {
            let _ = write!(out, "<p class=\"advice\">What to do: {}.</p>", quoted(finding.advice));
        }
        out.push_str("</div>\n");
    }
    for (at, (trace, ops)) in line.listings.iter().take(MOST_LISTINGS).enumerate() {
        listing(out, &report.traces[*trace], ops, at == 0);
    }
    if line.listings.len() > MOST_LISTINGS {
        let _ = writeln!(out, "<p>{} more traces pass here.</p>", line.listings.len() - MOST_LISTINGS);
    }
    out.push_str("</article>\n");
}

/// The operations of a trace that stand for the line.
fn listing(out: &mut String, listing: &Listing, ops: &[usize], is_open: bool) {
    let open = if is_open { " open=\"open\"" } else { "" };
    let _ = writeln!(out, "<details{open}><summary>{}</summary><pre class=\"trace\">", escaped(&listing.title));
    let mut before = None;
    for &at in ops {
        let op = &listing.ops[at];
        if before.is_some_and(|before| before + 1 != at) {
            out.push_str("<span class=\"gap\">…</span>\n");
        }
        before = Some(at);
        let class = if op.is_hot { "op hot" } else { "op" };
        let note = op.exit.as_ref().map_or(String::new(), |note| format!(" <em>{}</em>", escaped(note)));
        let _ = writeln!(out, "<span class=\"{class}\">{}{note}</span>", escaped(&op.text));
        for line in &op.code {
            let _ = writeln!(out, "<span class=\"asm\">    {}</span>", escaped(line));
        }
    }
    out.push_str("</pre></details>\n");
}

/// Text in which backquotes are code.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        let part = escaped(part);
        out += &if at % 2 == 1 { format!("<code>{part}</code>") } else { part };
    }
    out
}

fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
