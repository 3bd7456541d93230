//! The report as a picture: a bar for each of the types that take most, cut into the parts that lines have made.

use super::table::grouped;
use super::{Report, Row};
use std::fmt::Write;

const MOST_ROWS: usize = 25;
const WIDTH: f64 = 960.0;
const NAMES: f64 = 260.0;
const ROW_HEIGHT: f64 = 34.0;
const TOP: f64 = 56.0;
/// The colours of a type's lines, the greatest first; the last is that of all others, and of bytes without a sample.
const COLORS: [&str; 5] = ["#4269d0", "#efb118", "#3ca951", "#ff725c", "#9498a0"];

pub(super) fn svg(report: &Report) -> String {
    let rows = &report.rows[..report.rows.len().min(MOST_ROWS)];
    let height = TOP + ROW_HEIGHT * rows.len() as f64 + 12.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let _ = writeln!(
        svg,
        "<text x=\"12\" y=\"24\" font-size=\"16\">What lives: {} objects, {} bytes</text>\n<text x=\"12\" y=\"42\" \
         fill=\"#666\">by type; colours: the lines that made it (sampled)</text>",
        grouped(report.count),
        grouped(report.bytes)
    );
    let most = rows.first().map_or(1, |row| row.bytes.max(1)) as f64;
    for (i, row) in rows.iter().enumerate() {
        bar(&mut svg, row, TOP + ROW_HEIGHT * i as f64, (WIDTH - NAMES - 24.0) / most);
    }
    svg + "</svg>\n"
}

/// `scale`: units a byte.
fn bar(svg: &mut String, row: &Row, y: f64, scale: f64) {
    let width = row.bytes as f64 * scale;
    let name: String = row.name.chars().rev().take(38).collect::<Vec<_>>().into_iter().rev().collect();
    let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", NAMES, y + 13.0, escaped(&name));
    let mut x = NAMES + 12.0;
    let mut rest = 1.0;
    for ((line, part), color) in row.lines.iter().zip(&COLORS[..COLORS.len() - 1]) {
        let title = format!("{line}: {:.0} %", 100.0 * part);
        piece(svg, x, y, part * width, color, &title);
        x += part * width;
        rest -= part;
    }
    piece(svg, x, y, rest.max(0.0) * width, COLORS[COLORS.len() - 1], "other lines");
    let made = row.lines.first().map_or(String::new(), |(line, _)| format!(", {line}"));
    let label = format!("{} bytes, {} objects{made}", grouped(row.bytes), grouped(row.count));
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" font-size=\"10\" fill=\"#444\">{}</text>",
        NAMES + 12.0,
        y + 27.0,
        escaped(&label)
    );
}

fn piece(svg: &mut String, x: f64, y: f64, width: f64, color: &str, title: &str) {
    if width >= 0.05 {
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"16\" fill=\"{color}\"><title>{}</title></rect>",
            escaped(title)
        );
    }
}

/// Picture and table in one page.
pub(super) fn page(svg: &str, table: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>Heap report</title></head><body>\n{svg}<pre>\n{}</pre>\n\
         </body></html>\n",
        escaped(table)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
