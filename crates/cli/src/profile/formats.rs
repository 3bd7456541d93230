//! Formats of viewers: collapsed stacks, and speedscope's JSON.

use super::{Function, Report};
use std::collections::BTreeMap;
use std::fmt::Write;

/// One line a distinct stack: its frames from the outermost on, and microseconds. What flamegraph.pl and most viewers read.
pub fn collapsed(report: &Report) -> String {
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for stack in &report.stacks {
        let frame = |frame: &super::Frame| match &report.functions[frame.function] {
            Function { name, file, .. } if file.is_empty() => name.replace(';', ","),
            Function { name, file, .. } => format!("{file}:{name}:{}", frame.line).replace(';', ","),
        };
        let frames: Vec<String> = stack.frames.iter().map(frame).collect();
        *lines.entry(frames.join(";")).or_default() += stack.nanoseconds;
    }
    lines.iter().map(|(frames, nanoseconds)| format!("{frames} {}\n", nanoseconds / 1000)).collect()
}

/// https://github.com/jlfwong/speedscope/wiki/Importing-from-custom-sources
pub fn speedscope(report: &Report) -> String {
    let mut out =
        String::from("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\"shared\":{\"frames\":[");
    for (at, Function { name, file, line }) in report.functions.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{{\"name\":{}", json_string(name));
        if !file.is_empty() {
            let _ = write!(out, ",\"file\":{},\"line\":{line}", json_string(file));
        }
        out.push('}');
    }
    let total = report.order.iter().map(|sample| sample.1).sum::<u64>();
    let _ = write!(
        out,
        "]}},\"exporter\":\"adder {}\",\"profiles\":[{{\"type\":\"sampled\",\"name\":\"processor time\",\"unit\":\"nanoseconds\",\
         \"startValue\":0,\"endValue\":{total},\"samples\":[",
        env!("CARGO_PKG_VERSION")
    );
    let stack = |&(index, _): &(usize, u64)| {
        let frames: Vec<String> = report.stacks[index].frames.iter().map(|frame| frame.function.to_string()).collect();
        format!("[{}]", frames.join(","))
    };
    out += &report.order.iter().map(stack).collect::<Vec<_>>().join(",");
    out += "],\"weights\":[";
    out += &report.order.iter().map(|sample| sample.1.to_string()).collect::<Vec<_>>().join(",");
    out += "]}]}\n";
    out
}

fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_json() {
        assert_eq!(json_string("a\"b\\c\nd"), "\"a\\\"b\\\\c\\u000ad\"");
    }
}
