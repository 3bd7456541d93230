//! The report as a table.

use super::Report;
use std::fmt::Write;

/// Lines named for a type.
const MOST_LINES: usize = 3;

pub(super) fn text(report: &Report) -> String {
    let mut text = format!("{} objects, {} bytes\n\n", grouped(report.count), grouped(report.bytes));
    let _ = writeln!(text, "{:>15} {:>7} {:>12}  {:<40}  made at (sampled)", "bytes", "share", "count", "type");
    for row in &report.rows {
        let share = 100.0 * row.bytes as f64 / report.bytes.max(1) as f64;
        let lines: Vec<String> =
            row.lines.iter().take(MOST_LINES).map(|(line, part)| format!("{line} {:.0} %", 100.0 * part)).collect();
        let (bytes, count, lines) = (grouped(row.bytes), grouped(row.count), lines.join(", "));
        let line = format!("{bytes:>15} {share:>5.1} % {count:>12}  {:<40}  {lines}", row.name);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// With commas between thousands.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Row;
    use super::*;

    #[test]
    fn a_row_a_type() {
        let row = Row { name: "list".into(), count: 1234, bytes: 75, lines: vec![("a.py:3".into(), 0.75)] };
        let other = Row { name: "int".into(), count: 1, bytes: 25, lines: Vec::new() };
        let text = text(&Report { rows: vec![row, other], count: 1235, bytes: 100 });
        let fields: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(fields[0], ["1,235", "objects,", "100", "bytes"]);
        assert_eq!(fields[3], ["75", "75.0", "%", "1,234", "list", "a.py:3", "75", "%"]);
        assert_eq!(fields[4], ["25", "25.0", "%", "1", "int"]);
    }
}
