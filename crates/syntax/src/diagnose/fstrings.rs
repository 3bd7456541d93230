//! Mistakes in f-strings and t-strings.

use super::Diagnosis;
use super::site::Site;
use ruff_python_ast::token::TokenKind;

pub(super) fn translate(given: &Diagnosis, site: &Site) -> Option<Diagnosis> {
    let message = given.message.as_str();
    let found = |message: &str, start, end| Some(Diagnosis::new(message, (start, end)));
    let (kind, words) = message.split_at_checked(10)?;
    if !matches!(kind, "f-string: " | "t-string: ") {
        return None;
    }
    if words.starts_with("single `}` is not allowed") {
        return found(&format!("{kind}single '}}' is not allowed"), given.start, given.start);
    }
    if words.starts_with("lambda expressions are not allowed") {
        let from = site.index_at(given.start);
        let colon = site.tokens[from..].iter().find(|token| token.kind == TokenKind::Colon)?;
        return found(message, given.start, colon.end);
    }
    if words == "expecting '}'" || words == "expecting `}`" {
        let end = string_end(site, given.start)?;
        return found(&format!("{kind}expecting '}}'"), end.0, end.0);
    }
    if words.starts_with("unmatched ") {
        return found(message, given.start, given.start);
    }
    if words.starts_with("expecting a valid expression after '{'") && site.source[given.start..].starts_with('{') {
        let token = site.token_after(given.start)?;
        return found(message, token.start, token.end);
    }
    if words.starts_with("expecting '}', or format specs") {
        let end = string_end(site, given.start)?;
        return found(message, end.0, end.1);
    }
    None
}

/// The closing quotes of the f-string that holds an offset.
fn string_end(site: &Site, offset: usize) -> Option<(usize, usize)> {
    site.tokens
        .iter()
        .find(|token| token.start >= offset && matches!(token.kind, TokenKind::FStringEnd | TokenKind::TStringEnd))
        .map(|token| token.range())
        .or_else(|| {
            let line = site.source[offset..].split('\n').next()?;
            let quote = offset + line.rfind(['\'', '"'])?;
            Some((quote, quote + 1))
        })
}
