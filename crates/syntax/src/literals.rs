//! Warnings about literals that CPython's tokenizer and parser give, and the compiler crate does not: escape sequences
//! that mean nothing, and numbers with a keyword right behind them.
//!
//! Most sources have neither, which a scan of the bytes tells; only then the source is split into tokens.

use crate::error::SyntaxWarning;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;

/// What follows a backslash in a text literal and means something. Bytes know all but `N`, `u`, `U`.
const ESCAPES: &[u8] = b"\n\\'\"abfnrtv01234567xNuU";

/// Keywords that may stand right behind a number, though they should not.
const KEYWORDS: [&str; 8] = ["and", "else", "for", "if", "in", "is", "or", "not"];

/// The warnings for the literals of a source that parses, in order.
pub(crate) fn warnings(source: &str) -> Vec<SyntaxWarning> {
    if !is_suspicious(source.as_bytes()) {
        return Vec::new();
    }
    let parsed = parse_unchecked(source, ParseOptions::from(Mode::Module));
    let mut found = Vec::new();
    let mut in_raw = Vec::new();
    for token in parsed.tokens() {
        let (start, end) = (token.start().to_usize(), token.end().to_usize());
        let text = &source[start..end];
        let fault = match token.kind() {
            TokenKind::FStringStart | TokenKind::TStringStart => {
                in_raw.push(text.contains(['r', 'R']));
                None
            }
            TokenKind::FStringEnd | TokenKind::TStringEnd => {
                in_raw.pop();
                None
            }
            TokenKind::FStringMiddle | TokenKind::TStringMiddle => match in_raw.last() {
                Some(false) => escape_fault(text, false),
                _ => None,
            },
            TokenKind::String => string_fault(text),
            TokenKind::Int | TokenKind::Float | TokenKind::Complex => {
                number_fault(text, &source[end..]).map(|message| (0, message))
            }
            _ => None,
        };
        if let Some((offset, message)) = fault {
            let line = source[..start + offset].matches('\n').count() as u32 + 1;
            let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
            let column = source[line_start..start].chars().count() as u32 + 1;
            found.push(SyntaxWarning { line, column, message });
        }
    }
    found
}

/// Whether some byte pair, in a literal or not, looks as if it could call for a warning.
fn is_suspicious(source: &[u8]) -> bool {
    source.windows(2).any(|pair| match pair[0] {
        b'\\' => !ESCAPES.contains(&pair[1]) || (b'4'..=b'7').contains(&pair[1]) || b"NuU".contains(&pair[1]),
        b'0'..=b'9' => matches!(pair[1], b'a' | b'e' | b'f' | b'i' | b'n' | b'o'),
        _ => false,
    })
}

fn string_fault(text: &str) -> Option<(usize, String)> {
    let quote = text.find(['\'', '"'])?;
    let prefix = text[..quote].to_ascii_lowercase();
    if prefix.contains('r') {
        return None;
    }
    let (offset, message) = escape_fault(&text[quote..], prefix.contains('b'))?;
    Some((quote + offset, message))
}

/// The first escape sequence that means nothing.
fn escape_fault(text: &str, is_bytes: bool) -> Option<(usize, String)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(distance) = text[at..].find('\\') {
        let start = at + distance;
        let letter = text[start + 1..].chars().next()?;
        at = start + 1 + letter.len_utf8();
        let octal = bytes[start + 1..].iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        let is_high_octal = octal == 3 && bytes[start + 1] >= b'4';
        let is_known = u8::try_from(letter).is_ok_and(|letter| ESCAPES.contains(&letter));
        let (sequence, kind) = if is_high_octal {
            (&text[start..start + 4], "octal escape")
        } else if !is_known || is_bytes && matches!(letter, 'N' | 'u' | 'U') {
            (&text[start..at], "escape")
        } else {
            continue;
        };
        let message = format!(
            "\"{sequence}\" is an invalid {kind} sequence. Such sequences will not work in the future. Did you mean \"\\{sequence}\"? A raw string is also an option."
        );
        return Some((start, message));
    }
    None
}

fn number_fault(text: &str, rest: &str) -> Option<String> {
    let word = &rest[..rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())];
    if !KEYWORDS.contains(&word) {
        return None;
    }
    let kind = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => "hexadecimal",
        [b'0', b'o' | b'O', ..] => "octal",
        [b'0', b'b' | b'B', ..] => "binary",
        [.., b'j' | b'J'] => "imaginary",
        _ => "decimal",
    };
    Some(format!("invalid {kind} literal"))
}
