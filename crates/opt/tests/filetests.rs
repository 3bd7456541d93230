//! Runs the files `tests/*.trace`.
//!
//! A file is a comment that says the behaviour, a line `test` with the passes to run (`test all` for all of them), options,
//! a trace, `=>` and the trace expected (or `contradiction`). Options, one a line: `true=@1`, `false=@2`, `distinct`.
//! A file may go on with `bridge (p0, i1)`: a bridge from the body of that loop, whose invariants are these operands, its
//! trace, `=>` and the trace expected; its jump's target is the loop, number 0. With `bridge (p0, i1) exit 3` it hangs on
//! the exit of that number and knows what was known there.
//! `# bounds 1..=8` behind an operation says the range of its result there, `# bounds i1 1..=8` that of another value.
//!
//! `BLESS=1` rewrites what is expected.

use ir::text;
use ir::{ConstRef, ExitId, TraceId};
use opt::{ExitFacts, Failure, Optimized, Origin, Passes, Request};
use std::fmt::Write;
use std::path::Path;

#[test]
fn files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "trace"));
    paths.sort();
    let mut failed = String::new();
    for path in &paths {
        let name = path.file_name().unwrap().to_string_lossy();
        let text = std::fs::read_to_string(path).unwrap();
        match run(&text) {
            Ok(got) if got == text => {}
            Ok(got) if std::env::var_os("BLESS").is_some() => std::fs::write(path, got).unwrap(),
            Ok(got) => writeln!(failed, "{name}: expected\n{text}\ngot\n{got}").unwrap(),
            Err(error) => writeln!(failed, "{name}: {error}").unwrap(),
        }
    }
    assert!(failed.is_empty(), "{failed}");
    assert!(paths.len() >= 60, "{} files only", paths.len());
}

/// The file as it should be.
fn run(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut request = Request::default();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next_if(|line| !is_header(line)) {
        writeln!(out, "{line}").unwrap();
        option(line, &mut request)?;
    }
    let mut label = None;
    let mut facts = ExitFacts::default();
    loop {
        let mut input = String::new();
        let mut has_arrow = false;
        for line in lines.by_ref() {
            has_arrow |= line == "=>";
            if has_arrow {
                break;
            }
            writeln!(input, "{line}").unwrap();
        }
        out.push_str(&input);
        let (optimized, text) = optimized(&input, &request, has_arrow)?;
        if !has_arrow {
            return Ok(out);
        }
        writeln!(out, "=>\n{text}").unwrap();
        if let Some(optimized) = optimized {
            label = optimized.label.clone().or(label);
            facts = optimized.facts.clone();
            request.origin_constants = (0..9).map(|id| Some(ConstRef(id))).collect();
            request.target_constants = request.origin_constants.clone();
            request.origin = Some(Origin { trace: TraceId(0), invariants: Vec::new(), written: optimized.written });
            request.target = label.clone().map(|label| (TraceId(0), label));
        }
        // What was expected goes; a bridge may follow.
        let Some(bridge) = lines.find(|line| line.starts_with("bridge (")) else { break };
        writeln!(out, "\n{bridge}").unwrap();
        let (names, exit) = bridge.trim_start_matches("bridge (").split_once(')').ok_or("no `)`")?;
        if let Some(exit) = exit.strip_prefix(" exit ") {
            let exit: u32 = exit.parse().map_err(|_| "no exit of that number")?;
            request.facts = facts.of(ExitId(exit)).ok_or("no exit of that number")?;
        }
        let rest: Vec<&str> = lines.clone().take_while(|line| *line != "=>").collect();
        let header = rest.first().ok_or("a bridge without a trace")?;
        let probe = text::parse(&format!("{header}\nfinish_return({})", wrapped(names)));
        let args = probe.map(|trace| trace.ops[trace.ops.len() - 1].args.to_vec());
        if let Some(origin) = &mut request.origin {
            origin.invariants = if names.is_empty() { Vec::new() } else { args? };
        }
    }
    Ok(out)
}

fn wrapped(names: &str) -> &str {
    if names.is_empty() { "null" } else { names }
}

fn is_header(line: &str) -> bool {
    ["[", "loop [", "bridge [", "function ["].iter().any(|start| line.starts_with(start))
}

fn option(line: &str, request: &mut Request) -> Result<(), String> {
    let constant = |text: &str| text.parse().map(ConstRef).map_err(|_| format!("no constant in `{line}`"));
    if let Some(names) = line.strip_prefix("test ") {
        let mut on = Passes::NONE;
        for name in names.split_whitespace() {
            on = on.with(if name == "all" {
                Passes::ALL
            } else {
                Passes::named(name).ok_or(format!("no pass {name}"))?
            });
        }
        request.without = on.complement();
    } else if let Some(text) = line.strip_prefix("true=@") {
        request.true_ref = Some(constant(text)?);
    } else if let Some(text) = line.strip_prefix("false=@") {
        request.false_ref = Some(constant(text)?);
    } else if let Some(text) = line.strip_prefix("shape @0=") {
        let shape = text.parse().map_err(|_| format!("no shape in `{line}`"))?;
        request.constant_shapes = vec![Some(shape)];
    } else if line == "distinct" {
        request.distinct_refs = true;
    } else if !line.starts_with('#') && !line.is_empty() {
        return Err(format!("unknown option `{line}`"));
    }
    Ok(())
}

fn optimized(input: &str, request: &Request, has_arrow: bool) -> Result<(Option<Optimized>, String), String> {
    let parsed = text::parse_with_comments(input)?;
    ir::verify(&parsed.trace).map_err(|error| format!("the input is wrong: {error}"))?;
    for (index, comment) in &parsed.comments {
        check_bounds(&parsed.trace, *index, comment, request)?;
    }
    if !has_arrow {
        return Ok((None, String::new()));
    }
    match opt::optimize(parsed.trace, request) {
        Ok(optimized) => {
            ir::verify(&optimized.trace)
                .map_err(|error| format!("the output is wrong: {error}\n{}", optimized.trace))?;
            let text = optimized.trace.to_string();
            let again = text::parse(&text).map_err(|error| format!("the output does not parse: {error}\n{text}"))?;
            if again.to_string() != text {
                return Err(format!("the output changes when parsed:\n{text}\n{again}"));
            }
            Ok((Some(optimized), text.trim_end().to_string()))
        }
        Err(Failure::Contradiction) => Ok((None, "contradiction".to_string())),
    }
}

fn check_bounds(trace: &ir::Trace, index: usize, comment: &str, request: &Request) -> Result<(), String> {
    let Some(claim) = comment.strip_prefix("bounds ") else { return Ok(()) };
    let mut words: Vec<&str> = claim.split_whitespace().collect();
    let range = words.pop().unwrap_or_default();
    let value = match words.pop() {
        Some(name) => name[1..].parse().map_err(|_| format!("no value {name}"))?,
        None => index as u32,
    };
    let got = opt::ranges(trace, &[(index, ir::ValueId(value))], request).map_err(|error| format!("{error:?}"))?[0];
    let got = format!("{}..={}", got.lo, got.hi);
    if got == range { Ok(()) } else { Err(format!("operation {index}: bounds {got} instead of {range}")) }
}
