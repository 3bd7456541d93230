//! What CPython's tokenizer reports: characters, brackets, indentation.

use super::Diagnosis;
use super::site::Site;
use ruff_python_ast::token::TokenKind;

/// What CPython's tokenizer reports.
pub(super) fn translate(given: &Diagnosis, site: &Site) -> Option<Diagnosis> {
    let message = given.message.as_str();
    let mut found = Diagnosis::new(message, (given.start, given.end));
    if let Some(token) = message.strip_prefix("Got unexpected token ") {
        let character = token.chars().next()?;
        if matches!(character, '$' | '?' | '!' | '`') {
            found.message = "invalid syntax".to_owned();
            found.end = found.start + 1;
        } else {
            let code = character as u32;
            found.message = match is_printable(character) {
                true => format!("invalid character '{character}' (U+{code:04X})"),
                false => format!("invalid non-printable character U+{code:04X}"),
            };
            found.end = found.start;
        }
    } else if message.ends_with("was never closed")
        || message == "unexpected character after line continuation character"
    {
        found.end_column = Some(0);
    } else if message == "unexpected EOF while parsing" {
        found.end_column = Some(-1);
    } else if message.starts_with("unindent does not match") || message == "Unexpected indentation" {
        return Some(match indentation_fault(site) {
            Some(fault) => fault,
            None => unexpected_indent(given, site),
        });
    } else if message.starts_with("expected an indented block") {
        let next = site.tokens.get(site.index_at(given.start))?;
        let next = match next.kind {
            TokenKind::Newline => site.token_after(next.start).unwrap_or(*next),
            _ => *next,
        };
        if next.kind == TokenKind::Newline || next.kind == TokenKind::EndOfFile || given.start >= site.text_end() {
            let last_line = site.last_line_end();
            found.start = last_line;
            found.end = last_line;
            found.end_column = Some(-1);
        } else {
            let header = site.line_start(site.token_before(next.start)?.start);
            let next_line = site.line_start(next.start);
            let indent = width(indentation(&site.source[next_line..]), 8);
            if indent < width(indentation(&site.source[header..]), 8) {
                found.start = next_line;
                found.end = next_line;
                found.column = Some(indent as i32);
                found.end_column = Some(-1);
            }
        }
    } else if message.starts_with("unterminated triple-quoted") {
        let (words, _) = message.split_once(" (detected at line ")?;
        found.message = format!("{words} (detected at line {})", site.line_count());
        let before = &site.source[..given.start];
        let prefix = before.len() - before.trim_end_matches(|c: char| "rRbBuUfFtT".contains(c)).len();
        found.start -= if prefix <= 2 { prefix } else { 0 };
        found.end = found.start;
    } else if message.starts_with("closing parenthesis")
        || message.starts_with("unmatched ")
        || message.starts_with("invalid non-printable character")
        || message.ends_with("expressions nested too deeply")
    {
        found.end = found.start;
    } else if message.starts_with("unterminated ") {
        let before = &site.source[..given.start];
        let prefix = before.len() - before.trim_end_matches(|c: char| "rRbBuUfFtT".contains(c)).len();
        let is_word = before[..before.len() - prefix].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        found.start -= if prefix <= 2 && !is_word { prefix } else { 0 };
        found.end = found.start;
    } else if message.contains("prefixes are incompatible") {
        let is_letter = |c: char| c.is_ascii_alphabetic();
        let letters = site.source[given.start..].find(|c| !is_letter(c))?;
        found.end = given.start + letters;
    } else {
        return None;
    }
    Some(found)
}

/// Whether `str.isprintable` holds, for characters that no source may have outside literals: blanks, controls and
/// unassigned ones are not.
fn is_printable(character: char) -> bool {
    !character.is_whitespace() && !character.is_control() && format!("{character:?}").len() == character.len_utf8() + 2
}

fn unexpected_indent(given: &Diagnosis, site: &Site) -> Diagnosis {
    let start = site.line_start(given.start);
    let line = &site.source[start..];
    let width = line.len() - line.trim_start_matches([' ', '\t', '\x0c']).len();
    let place = start + width.saturating_sub(1);
    Diagnosis { end_column: Some(-1), ..Diagnosis::new("unexpected indent", (place, place)) }
}

/// The first line whose indentation CPython's tokenizer refuses: it fits no block open, or how it compares depends on
/// whether a tab is eight columns wide or one.
fn indentation_fault(site: &Site) -> Option<Diagnosis> {
    let mut levels = vec![(0, 0)];
    for (line, _) in site.line_heads() {
        let text = indentation(&site.source[line..]);
        let (wide, narrow) = (width(text, 8), width(text, 1));
        let (top_wide, top_narrow) = *levels.last()?;
        if wide > top_wide {
            if narrow <= top_narrow {
                return Some(indentation_error(site, line, TAB_FAULT, 0));
            }
            levels.push((wide, narrow));
            continue;
        }
        while levels.last()?.0 > wide {
            levels.pop();
        }
        if levels.last()?.0 != wide {
            return Some(indentation_error(site, line, DEDENT_FAULT, -1));
        }
        if levels.last()?.1 != narrow {
            return Some(indentation_error(site, line, TAB_FAULT, 0));
        }
    }
    None
}

const TAB_FAULT: &str = "inconsistent use of tabs and spaces in indentation";
const DEDENT_FAULT: &str = "unindent does not match any outer indentation level";

/// At the end of the line, but for tabs at its start.
fn indentation_error(site: &Site, line: usize, message: &str, end_column: i32) -> Diagnosis {
    let length = site.source[line..].split('\n').next().map_or(0, str::len);
    let mut found = Diagnosis::new(message, (line + length, line + length));
    found.end_column = Some(end_column);
    if end_column == 0 {
        found.column = Some(1);
    }
    found
}

fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

fn width(indentation: &str, tab: usize) -> usize {
    indentation.bytes().fold(0, |column, byte| match byte {
        b'\t' => (column / tab + 1) * tab,
        _ => column + 1,
    })
}
