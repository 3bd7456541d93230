//! The flame graph: one SVG file that needs nothing else. The outermost functions are at the top; a click widens a frame
//! to the whole width.

use super::tree::{self, Node};
use super::{Function, Report};
use crate::source::{escaped, short};
use std::fmt::Write;

const WIDTH: f64 = 1200.0;
const TOP: f64 = 58.0;
const ROW: f64 = 18.0;
/// Letters in a frame's width: the script does the same.
const LETTER: f64 = 6.7;
/// Narrower frames are left out.
const NARROWEST: f64 = 0.3;

const STYLE: &str = "text{font:12px monospace;fill:#111;pointer-events:none}.head{font:16px sans-serif}.note{font:12px sans-serif;fill:#555}\
rect.back{fill:#fff}.frame{cursor:pointer}.frame:hover rect{stroke:#000}#reset{cursor:pointer;pointer-events:auto;text-decoration:underline}\
.c rect,.key.c{fill:#8fc79a}.i rect,.key.i{fill:#f0b27a}.m rect,.key.m{fill:#d9cf7c}.o rect,.key.o{fill:#b9bcc4}\
@media(prefers-color-scheme:dark){text{fill:#eee}.note{fill:#aaa}rect.back{fill:#1b1d21}.frame:hover rect{stroke:#fff}\
.c rect,.key.c{fill:#2f6b3d}.i rect,.key.i{fill:#8a5322}.m rect,.key.m{fill:#6d6420}.o rect,.key.o{fill:#50545c}}";

pub fn svg(report: &Report) -> String {
    let total = report.nanoseconds().max(1);
    let roots = tree::of(report);
    let mut frames = String::new();
    let mut deepest = 0;
    let mut x = 0.0;
    for node in &roots {
        draw(report, node, total, (x, 0), &mut deepest, &mut frames);
        x += node.nanoseconds as f64 / total as f64;
    }
    let height = TOP + ROW * (deepest + 1) as f64 + 10.0;
    let head = format!("{:.3} s of processor time, {} samples", total as f64 / 1e9, report.order.len());
    let keys: String = [("c", "compiled"), ("m", "both"), ("i", "interpreted"), ("o", "the interpreter's own work")]
        .iter()
        .enumerate()
        .map(|(at, (class, name))| {
            let x = 12 + 110 * at;
            format!(
                "<rect class=\"key {class}\" x=\"{x}\" y=\"34\" width=\"12\" height=\"12\"/><text class=\"note\" x=\"{}\" \
                 y=\"44\">{name}</text>\n",
                x + 16
            )
        })
        .collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"100%\">\n<style>{STYLE}</style>\n\
         <rect class=\"back\" width=\"100%\" height=\"100%\"/>\n<text class=\"head\" x=\"12\" y=\"24\">{head}</text>\n{keys}\
         <text class=\"note\" id=\"reset\" x=\"{}\" y=\"24\">show all</text>\n{frames}<script><![CDATA[\n{}]]></script>\n</svg>\n",
        WIDTH - 70.0,
        include_str!("flame.svg.js"),
    )
}

/// Draws a node at `(x, depth)`, where the whole width is 1, and what it called.
fn draw(report: &Report, node: &Node, total: u64, (x, depth): (f64, usize), deepest: &mut usize, out: &mut String) {
    let width = node.nanoseconds as f64 / total as f64;
    if width * WIDTH < NARROWEST {
        return;
    }
    *deepest = depth.max(*deepest);
    let Function { name, file, line } = &report.functions[node.function];
    let compiled = node.compiled as f64 / node.nanoseconds.max(1) as f64;
    let class = match compiled {
        _ if node.is_own => "o",
        part if part > 0.9 => "c",
        part if part < 0.1 => "i",
        _ => "m",
    };
    let place = if file.is_empty() { String::new() } else { format!(" {}:{line}", short(file)) };
    let how = if node.is_own { String::new() } else { format!(", {:.0} % compiled", 100.0 * compiled) };
    let title = format!("{name}{place}\n{:.3} s, {:.1} %{how}", node.nanoseconds as f64 / 1e9, 100.0 * width);
    let (left, pixels, y) = (x * WIDTH, width * WIDTH, TOP + ROW * depth as f64);
    let room = ((pixels - 6.0) / LETTER) as usize;
    let label: String = match name.chars().count() {
        _ if room < 3 => String::new(),
        letters if letters <= room => name.clone(),
        _ => name.chars().take(room - 1).chain(['…']).collect(),
    };
    let _ = writeln!(
        out,
        "<g class=\"frame {class}\" data-x=\"{x:.6}\" data-w=\"{width:.6}\" data-name=\"{}\"><title>{}</title><rect x=\"{left:.2}\" \
         y=\"{y}\" width=\"{:.2}\" height=\"{}\"/><text x=\"{:.2}\" y=\"{}\">{}</text></g>",
        escaped(name),
        escaped(&title),
        (pixels - 0.5).max(0.2),
        ROW - 1.0,
        left + 3.0,
        y + 13.0,
        escaped(&label),
    );
    let mut x = x;
    for child in &node.children {
        draw(report, child, total, (x, depth + 1), deepest, out);
        x += child.nanoseconds as f64 / total as f64;
    }
}
