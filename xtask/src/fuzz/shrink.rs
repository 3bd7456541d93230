//! Makes a failing program small: takes out blocks of lines as long as it still fails.

/// Candidates tried, at most: each is a start of two interpreters.
const TRIES: usize = 250;

/// The smallest program found for which `fails` holds. Requirement: it holds for `program`.
pub fn shrink(program: &str, fails: impl Fn(&str) -> bool) -> String {
    let mut lines: Vec<String> = program.lines().map(String::from).collect();
    let mut tries = 0;
    loop {
        let before = lines.len();
        let mut at = lines.len();
        while at > 0 {
            at -= 1;
            if at >= lines.len() {
                continue;
            }
            for candidate in without(&lines, at) {
                tries += 1;
                if tries <= TRIES && fails(&(candidate.join("\n") + "\n")) {
                    lines = candidate;
                    break;
                }
            }
        }
        if lines.len() == before {
            return lines.join("\n") + "\n";
        }
    }
}

/// The program without the block that begins at a line; with `pass` in its place; and with only the block's head taken out.
fn without(lines: &[String], at: usize) -> Vec<Vec<String>> {
    let depth = |line: &String| line.len() - line.trim_start().len();
    let here = depth(&lines[at]);
    let end =
        (at + 1..lines.len()).find(|&i| depth(&lines[i]) <= here && !lines[i].trim().is_empty()).unwrap_or(lines.len());
    let mut gone = lines[..at].to_vec();
    gone.extend_from_slice(&lines[end..]);
    let mut passed = lines[..at].to_vec();
    passed.push(" ".repeat(here) + "pass");
    passed.extend_from_slice(&lines[end..]);
    let mut candidates = vec![gone];
    if lines[at].trim() != "pass" {
        candidates.push(passed);
    }
    if end > at + 1 {
        let mut headless = lines[..at].to_vec();
        headless.extend(lines[at + 1..end].iter().map(|line| line.get(4..).unwrap_or("").to_string()));
        headless.extend_from_slice(&lines[end..]);
        candidates.push(headless);
    }
    candidates
}
