//! `cargo xtask trace-page`: writes the listings of docs/jit-log.md anew, from what the log prints now.
//!
//! A listing stands between `<!-- NAME: written by cargo xtask trace-page -->` and `<!-- end -->`. What lies between is
//! shortened: addresses of code objects go, and an exit is shown as the index of the instruction it goes back to.

use crate::root;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;
use std::{env, fs};

const PAGE: &str = "docs/jit-log.md";
const EXAMPLE: &str = "examples/clouds/humidity.py";
/// The loop that the page walks through: the first one of this function.
const FUNCTION: &str = "vertical_distance";
/// Traces are compiled where they are recorded, one by one, so that two runs give the same log.
const OPTIONS: &str = "background=off,unit=0";
const PASSES: [&str; 10] =
    ["fold", "bounds", "boxes", "cse", "heap", "virtuals", "guards", "strengthen", "peel", "dce"];
/// What is no work: names of values at the start of a loop's body, and the way back to it.
const MARKS: [&str; 5] = ["loop", "bridge", "label", "phi", "jump_label"];

/// With `--check`, whether the page is as it would be written.
pub fn run(arguments: &[String]) -> Result<bool, String> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("usage: cargo xtask trace-page [--check]".into()),
    };
    let adder = env::var("ADDER").unwrap_or_else(|_| root().join("target/release/adder").to_string_lossy().into());
    let log = Log::of_example(&adder)?;
    let path = root().join(PAGE);
    let old = fs::read_to_string(&path).map_err(|error| format!("{PAGE}: {error}"))?;
    let mut page = old.clone();
    for (name, listing) in listings(&adder, &log)? {
        page = replaced(&page, name, &listing)?;
    }
    if !check {
        fs::write(&path, &page).map_err(|error| format!("{PAGE}: {error}"))?;
    } else if page != old {
        println!("{PAGE} is not what the log prints now: cargo xtask trace-page writes it anew");
    }
    Ok(!check || page == old)
}

/// The sections of a log in their order: headline (without `# `) and lines.
struct Log(Vec<(String, Vec<String>)>);

impl Log {
    fn of_example(adder: &str) -> Result<Log, String> {
        let directory = env::temp_dir().join(format!("adder-trace-page-{}", std::process::id()));
        fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
        let file = directory.join("log");
        let status = Command::new(adder)
            .current_dir(root())
            .args([EXAMPLE, "--frames", "20:21", "--out"])
            .arg(directory.join("picture.png"))
            .env("ADDER_JIT", format!("{OPTIONS},log=trace,passes,opt,exit:{}", file.display()))
            .stdout(std::process::Stdio::null())
            .status()
            .map_err(|error| format!("{adder}: {error}"))?;
        // The checkout's own path goes from the names of traces.
        let text = fs::read_to_string(&file).unwrap_or_default().replace(&format!("{}/", root().display()), "");
        let _ = fs::remove_dir_all(&directory);
        if !status.success() {
            return Err(format!("{adder} {EXAMPLE}: {status}"));
        }
        let mut sections: Vec<(String, Vec<String>)> = Vec::new();
        for line in text.lines() {
            match line.strip_prefix("# ") {
                Some(head) => sections.push((head.to_string(), Vec::new())),
                None => sections.last_mut().expect("a log begins with a headline").1.push(short(line)),
            }
        }
        Ok(Log(sections))
    }

    /// The lines of the section `kind name`.
    fn section(&self, kind: &str, name: &str) -> Result<&[String], String> {
        let head = format!("{kind} {name}");
        let found = self.0.iter().find(|(known, _)| *known == head);
        found.map(|(_, lines)| &lines[..]).ok_or_else(|| format!("the log has no section `{head}`"))
    }

    /// The name of the first loop traced in the function.
    fn loop_name(&self) -> Result<&str, String> {
        let prefix = format!("trace {FUNCTION} ");
        let found = self.0.iter().find(|(head, _)| head.starts_with(&prefix));
        found.map(|(head, _)| &head["trace ".len()..]).ok_or_else(|| format!("{FUNCTION} was not traced"))
    }
}

/// `guard_true(b1) {140002:16 rerun 0 [p0]}` as `guard_true(b1) {16}`, with ` -> ` and `inv(…)` gone; other lines as they are.
fn short(line: &str) -> String {
    let Some((operation, exit)) = line.split_once(" {").or_else(|| line.split_once(" -> {")) else {
        return line.to_string();
    };
    let frames =
        exit.split('{').filter_map(|frame| frame.split_once(':')).filter_map(|(_, rest)| rest.split(' ').next());
    format!("{} {{{}}}", operation.trim_end_matches(" ->"), frames.collect::<Vec<_>>().join(" "))
}

fn listings(adder: &str, log: &Log) -> Result<Vec<(&'static str, String)>, String> {
    let name = log.loop_name()?;
    let recorded = log.section("trace", name)?;
    let compiled = log.section("opt", name)?;
    let (bridge, bridge_text) = first_bridge(log, name)?;
    Ok(vec![
        ("options", block("", &options(adder)?)),
        ("source", block("py", &source(name)?)),
        ("recorded", block("", recorded)),
        ("passes", passes(log, name, recorded)?),
        ("compiled", block("", &body(compiled).iter().filter(|line| !is(line, "phi")).cloned().collect::<Vec<_>>())),
        ("exits", exits(log, name, compiled)),
        ("bridge", format!("```\n# opt {bridge}\n{}\n```\n", bridge_text.join("\n"))),
    ])
}

fn block(language: &str, lines: &[String]) -> String {
    format!("```{language}\n{}\n```\n", lines.join("\n"))
}

/// What `--help` says of ADDER_JIT.
fn options(adder: &str) -> Result<Vec<String>, String> {
    let help = Command::new(adder).arg("--help").output().map_err(|error| format!("{adder}: {error}"))?;
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let lines = help.lines().skip_while(|line| !line.starts_with("ADDER_JIT is")).skip(1);
    // A build with debug assertions verifies; the page is about the others.
    let lines = lines.take_while(|line| !line.starts_with("ADDER_GC is"));
    Ok(lines
        .map(|line| if line.starts_with("verify") { line.replace("default on", "default off") } else { line.into() })
        .collect())
}

/// The lines of the function up to the end of the loop. `name` ends in the number of the loop's first line.
fn source(name: &str) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(root().join(EXAMPLE)).map_err(|error| format!("{EXAMPLE}: {error}"))?;
    let lines: Vec<&str> = text.lines().collect();
    let first =
        name.rsplit(':').next().and_then(|number| number.parse::<usize>().ok()).ok_or("a line number in the name")?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let head = indent(lines[first - 1]);
    let end =
        (first..lines.len()).find(|&at| indent(lines[at]) <= head && !lines[at].is_empty()).unwrap_or(lines.len());
    Ok(lines[first - 1..end].iter().map(|line| line[head..].to_string()).collect())
}

/// The operation of a line: `i3 = int_add(i1, i2)` is an `int_add`.
fn operation(line: &str) -> &str {
    let line = line.split_once(" = ").map_or(line, |(_, operation)| operation);
    line.split(['(', ' ']).next().unwrap_or("")
}

fn is(line: &str, name: &str) -> bool {
    operation(line) == name
}

/// What is executed in each round: all of it, or what stands behind the label.
fn body(lines: &[String]) -> &[String] {
    let label = lines.iter().position(|line| is(line, "label"));
    &lines[label.map_or(0, |at| at + 1)..]
}

fn counts(lines: &[String]) -> BTreeMap<&str, i64> {
    let mut counts = BTreeMap::new();
    for name in body(lines).iter().map(|line| operation(line)).filter(|name| !MARKS.contains(name)) {
        *counts.entry(name).or_insert(0) += 1;
    }
    counts
}

/// A table: after each pass, operations and guards of a round, and what is fewer and more than before it.
fn passes(log: &Log, name: &str, recorded: &[String]) -> Result<String, String> {
    let mut table = String::from("| after | operations | guards | gone | new |\n|---|---|---|---|---|\n");
    let mut before = counts(recorded);
    let row = |table: &mut String, pass: &str, now: &BTreeMap<&str, i64>, gone: &str, new: &str| {
        let guards: i64 = now.iter().filter(|(name, _)| name.starts_with("guard")).map(|(_, count)| count).sum();
        writeln!(table, "| {pass} | {} | {guards} | {gone} | {new} |", now.values().sum::<i64>()).expect("a string");
    };
    row(&mut table, "recording", &before, "", "");
    for pass in PASSES {
        let now = counts(log.section(pass, name)?);
        let changed = |sign: i64| {
            let names: std::collections::BTreeSet<&str> = before.keys().chain(now.keys()).copied().collect();
            let changes = names.into_iter().filter_map(|name| {
                let more = sign * (now.get(name).unwrap_or(&0) - before.get(name).unwrap_or(&0));
                (more > 0).then(|| format!("{more} {name}"))
            });
            changes.collect::<Vec<_>>().join(", ")
        };
        row(&mut table, pass, &now, &changed(-1), &changed(1));
        before = now;
    }
    Ok(table)
}

/// A table: the exits of the loop that were taken.
fn exits(log: &Log, name: &str, compiled: &[String]) -> String {
    let guards: Vec<usize> =
        (0..compiled.len()).filter(|&at| compiled[at].contains(" {") && !shares_exit(compiled, at)).collect();
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    for (head, _) in log.0.iter().filter(|(head, _)| head.contains(&format!(" of {name} ("))) {
        let number = head.split(' ').nth(3).and_then(|number| number.parse().ok()).expect("exit N exit N of NAME");
        *taken.entry(number).or_default() += 1;
    }
    let mut table = String::from("| exit | guard | of | taken | bridge |\n|---|---|---|---|---|\n");
    for (number, count) in taken {
        let guard = &compiled[guards[number]];
        let of = guard.split(['(', ')', ',']).nth(1).unwrap_or("");
        let made = compiled.iter().find(|line| line.starts_with(&format!("{of} = "))).map_or("", |line| line.as_str());
        let bridged = log.section("opt", &format!("{name} exit {number}")).is_ok();
        let bridged = if bridged { "yes" } else { "" };
        writeln!(table, "| {number} | `{guard}` | `{made}` | {count} | {bridged} |").expect("a string");
    }
    table
}

/// Whether the guard at that line leaves as one before it does: of the questions whether a value is an integer, a float, an object of a shape
/// all but the first.
fn shares_exit(compiled: &[String], at: usize) -> bool {
    let asked = |back: usize, what: &str| {
        let line = at.checked_sub(back).map_or("", |line| compiled[line].as_str());
        line.split_once(what).map(|(_, rest)| rest.trim_end_matches(')').to_string())
    };
    let of = |object: &Option<String>, back: usize, what: &str| object.is_some() && asked(back, what) == *object;
    let (shape, is_flt) = (asked(1, " = shape("), asked(1, " = is_flt("));
    let shape_follows = is_flt
        .as_ref()
        .is_some_and(|object| compiled.get(at + 1).is_some_and(|line| line.ends_with(&format!(" = shape({object})"))));
    of(&shape, 3, " = is_flt(") || shape_follows && of(&is_flt, 3, " = is_int(")
}

/// Name and text of the first bridge from the loop.
fn first_bridge<'a>(log: &'a Log, name: &str) -> Result<(&'a str, &'a [String]), String> {
    let prefix = format!("opt {name} exit ");
    let found = log.0.iter().find(|(head, _)| head.starts_with(&prefix));
    found.map(|(head, lines)| (&head["opt ".len()..], &lines[..])).ok_or_else(|| format!("no bridge of {name}"))
}

/// The page with this listing.
fn replaced(page: &str, name: &str, listing: &str) -> Result<String, String> {
    let mark = format!("<!-- {name}: written by cargo xtask trace-page -->\n");
    let (before, rest) = page.split_once(&mark).ok_or_else(|| format!("{PAGE} has no line {mark}"))?;
    let (_, after) = rest.split_once("<!-- end -->").ok_or_else(|| format!("{PAGE}: {name} does not end"))?;
    Ok(format!("{before}{mark}\n{listing}\n<!-- end -->{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_shortened() {
        assert_eq!(short("i2 = int_add(i0, 1)"), "i2 = int_add(i0, 1)");
        assert_eq!(short("guard_true(b1) {1405:16 rerun 0 [p0, p1]}{1406:3 rerun 1 []}"), "guard_true(b1) {16 3}");
        assert_eq!(short("guard_value(i1, 7) -> {1405:16 rerun 0 [int_box(i2)]} inv(p0)"), "guard_value(i1, 7) {16}");
        let lines = ["loop [p0]", "i1 = shape(p0)", "label()", "i2 = phi(i1)", "i3 = int_add(i2, 1)"].map(String::from);
        assert_eq!(counts(&lines).into_iter().collect::<Vec<_>>(), [("int_add", 1)]);
    }

    /// The page has a place for each listing, and its source is the example's.
    #[test]
    fn the_page_is_about_the_example() {
        let page = fs::read_to_string(root().join(PAGE)).expect("page");
        let places = page.matches(": written by cargo xtask trace-page -->").count();
        assert_eq!((places, page.matches("<!-- end -->").count()), (7, 7));
        let source = page.split("```py\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the source");
        let example = fs::read_to_string(root().join(EXAMPLE)).expect("example");
        let lines: Vec<&str> = example.lines().map(str::trim).collect();
        let wanted: Vec<&str> = source.lines().map(str::trim).collect();
        assert!(lines.windows(wanted.len()).any(|window| window == wanted), "{PAGE}: cargo xtask trace-page");
    }
}
