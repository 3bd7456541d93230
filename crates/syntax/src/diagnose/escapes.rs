//! Faulty escape sequences in literals. The parser says only where; CPython reports its codec's words for the literal.

use super::Diagnosis;
use super::site::Site;
use ruff_python_ast::token::TokenKind;

pub(super) fn translate(given: &Diagnosis, site: &Site) -> Option<Diagnosis> {
    if given.message.starts_with("(unicode error)") {
        let mut token = site.token_at(given.start)?;
        if matches!(token.kind, TokenKind::FStringStart | TokenKind::TStringStart) {
            token = site.token_after(token.start)?;
        }
        return Some(Diagnosis::new(given.message.as_str(), token.range()));
    }
    if !given.message.starts_with("Got unexpected unicode") && !given.message.starts_with("Missing `") {
        return None;
    }
    let token = site
        .tokens
        .iter()
        .find(|token| token.start <= given.start && given.start <= token.end && is_literal(token.kind))?;
    let text = site.text(*token);
    let is_middle = token.kind != TokenKind::String;
    let (prefix, body, body_start) = if is_middle {
        ("", text, token.start)
    } else {
        let quote_at = text.find(['\'', '"'])?;
        let rest = &text[quote_at..];
        let quotes = if rest.starts_with("\"\"\"") || rest.starts_with("'''") { 3 } else { 1 };
        let end = rest.len().saturating_sub(quotes).max(quotes);
        (&text[..quote_at], &rest[quotes..end], token.start + quote_at + quotes)
    };
    let message = if prefix.to_ascii_lowercase().contains('b') { bytes_message(body)? } else { text_message(body)? };
    let _ = body_start;
    Some(Diagnosis::new(message, token.range()))
}

fn is_literal(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::String | TokenKind::FStringMiddle | TokenKind::TStringMiddle)
}

fn bytes_message(body: &str) -> Option<String> {
    let bytes = body.as_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        if bytes[at + 1] == b'x' {
            let digits = count_hex(&bytes[at + 2..], 2);
            if digits < 2 {
                return Some(format!("(value error) invalid \\x escape at position {at}"));
            }
        }
        at += 2;
    }
    None
}

/// Positions count in the buffer that CPython gives its codec: there a character outside ASCII is `\UXXXXXXXX`.
fn text_message(body: &str) -> Option<String> {
    const WIDTH_OF_ESCAPED: usize = 10;
    let bytes = body.as_bytes();
    let mut at = 0;
    let mut position = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            let character = body[at..].chars().next()?;
            position += if character.is_ascii() { 1 } else { WIDTH_OF_ESCAPED };
            at += character.len_utf8();
            continue;
        }
        let kind = *bytes.get(at + 1)?;
        let fault = match kind {
            b'x' => hex_fault(&bytes[at + 2..], 2, "truncated \\xXX escape"),
            b'u' => hex_fault(&bytes[at + 2..], 4, "truncated \\uXXXX escape"),
            b'U' => hex_fault(&bytes[at + 2..], 8, "truncated \\UXXXXXXXX escape"),
            b'N' => name_fault(&body[at + 2..]),
            _ => None,
        };
        if let Some((length, reason)) = fault {
            let last = position + 1 + length;
            return Some(format!(
                "(unicode error) 'unicodeescape' codec can't decode bytes in position {position}-{last}: {reason}"
            ));
        }
        let step = 1 + body[at + 1..].chars().next()?.len_utf8();
        position += if step == 2 { 2 } else { 1 + WIDTH_OF_ESCAPED };
        at += step;
    }
    None
}

/// How far behind the letter the fault reaches, and the reason.
fn hex_fault(rest: &[u8], wanted: usize, reason: &str) -> Option<(usize, String)> {
    let digits = count_hex(rest, wanted);
    if digits < wanted {
        return Some((digits, reason.to_owned()));
    }
    let text = std::str::from_utf8(&rest[..wanted]).ok()?;
    let value = u32::from_str_radix(text, 16).ok()?;
    (value > 0x10_ffff).then(|| (wanted, "illegal Unicode character".to_owned()))
}

fn name_fault(rest: &str) -> Option<(usize, String)> {
    let malformed = "malformed \\N character escape".to_owned();
    let Some(inner) = rest.strip_prefix('{') else {
        return Some((0, malformed));
    };
    match inner.find('}') {
        None => Some((1 + inner.len(), malformed)),
        Some(0) => Some((1, malformed)),
        Some(length) => {
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-');
            // The parser knows all names; a well-formed one that it refuses is unknown. Others come before it.
            let name = &inner[..length];
            (!is_known(name) || !name.chars().all(is_name))
                .then(|| (length + 2, "unknown Unicode character name".to_owned()))
        }
    }
}

fn is_known(name: &str) -> bool {
    let probe = format!("'\\N{{{name}}}'");
    ruff_python_parser::parse_expression(&probe).is_ok()
}

fn count_hex(bytes: &[u8], limit: usize) -> usize {
    bytes.iter().take(limit).take_while(|byte| byte.is_ascii_hexdigit()).count()
}
