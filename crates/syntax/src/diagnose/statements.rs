//! Mistakes in statements.

use super::Diagnosis;
use super::rules::{invalid_syntax, token_range};
use super::site::{Site, Token};
use ruff_python_ast::token::TokenKind;
use ruff_text_size::Ranged;

/// Mistakes in statements.
pub(super) fn translate(given: &Diagnosis, site: &Site) -> Option<Diagnosis> {
    let message = given.message.as_str();
    let start = given.start;
    if message.starts_with("Expected `:`, found ") && !message.ends_with("newline") {
        let head = site.line_head(start)?;
        let head = match head.kind {
            TokenKind::Async => site.token_after(head.start)?,
            _ => head,
        };
        let forced = matches!(head.kind, TokenKind::Def | TokenKind::Else | TokenKind::Try | TokenKind::Finally);
        if forced {
            return Some(Diagnosis::new("expected ':'", site.token_at(start)?.range()));
        }
    }
    if message.starts_with("Expected `except` or `finally` after `try` block") && start >= site.text_end() {
        const WORDS: &str = "expected 'except' or 'finally' block";
        if let Some(token) = else_of_try(site) {
            return Some(Diagnosis::new(WORDS, token.range()));
        }
        let end = site.source.strip_suffix('\n').map_or(site.source.len(), str::len);
        let mut found = Diagnosis::new(WORDS, (end, end));
        found.end_column = Some(-1);
        return Some(found);
    }
    if message.starts_with("Expected one or more symbol names after import")
        && site.token_at(start).is_some_and(|token| token.kind == TokenKind::Newline)
    {
        return Some(Diagnosis::new("Expected one or more names after 'import'", (start, start)));
    }
    if message == "Trailing comma not allowed" {
        let head = site.line_head(start)?;
        if head.kind != TokenKind::From {
            return Some(invalid_syntax(site, site.token_after(start)?.start));
        }
        return Some(Diagnosis::new(
            "trailing comma not allowed without surrounding parentheses",
            token_range(site, site.token_after(start)?),
        ));
    }
    if message.starts_with("Multiple exception types must be parenthesized when using") {
        let colon = site.find_at_depth(site.index_at(start), |kind| kind == TokenKind::Colon)?;
        return Some(Diagnosis::new(
            "multiple exception types must be parenthesized when using 'as'",
            (start, colon.start),
        ));
    }
    if message.starts_with("Expected `(`, found")
        && site.line_head(start).is_some_and(|head| matches!(head.kind, TokenKind::Def | TokenKind::Async))
    {
        return Some(Diagnosis::new("expected '('", site.token_at(start)?.range()));
    }
    if message.starts_with("named arguments must follow bare *")
        || message.starts_with("Expected one or more keyword parameter after `*` separator")
    {
        let star = site.token_at(start)?;
        let next = site.token_after(start)?;
        let token = if next.kind == TokenKind::Colon { next } else { star };
        return Some(Diagnosis::new("named arguments must follow bare *", token.range()));
    }
    if message.ends_with("argument cannot have default value") {
        let index = site.index_at(start);
        let equal = site.tokens[index..].iter().find(|token| token.kind == TokenKind::Equal)?;
        return Some(Diagnosis::new(message, equal.range()));
    }
    if message.starts_with("Unparenthesized tuple expression")
        && site.line_head(start).is_some_and(|head| head.kind == TokenKind::Raise)
    {
        let comma = site.find_at_depth(site.index_at(start), |kind| kind == TokenKind::Comma)?;
        return Some(Diagnosis::new("invalid syntax", comma.range()));
    }
    if message.starts_with("only single target (not tuple) can be annotated") && !site.source[start..].starts_with('(')
    {
        let first = site.find_expression(|expr| expr.start().to_usize() == start)?;
        return Some(Diagnosis::new(message, (start, first.end().to_usize())));
    }
    if message.starts_with("Position-only parameter separator not allowed as first parameter") {
        let slash = site.token_at(start)?;
        let before = site.token_before(start)?;
        if before.kind == TokenKind::Comma {
            return Some(Diagnosis::new("/ must be ahead of *", slash.range()));
        }
        let is_alone = site.token_after(start).is_none_or(|next| next.kind != TokenKind::Comma);
        return match is_alone {
            true => Some(invalid_syntax(site, start)),
            false => Some(Diagnosis::new("at least one argument must precede /", slash.range())),
        };
    }
    if message.starts_with("cannot use bound with ") || message.starts_with("cannot use constraints with ") {
        let stop = site.find_at_depth(site.index_at(start) + 1, |kind| kind == TokenKind::Comma)?;
        return Some(Diagnosis::new(message, (start, site.token_before(stop.start)?.end)));
    }
    if message.starts_with("Did you mean to use 'from ... import ...' instead?") {
        let from = site.find_at_depth(site.index_at(start), |kind| kind == TokenKind::From)?;
        let is_name = |kind| matches!(kind, TokenKind::Name | TokenKind::Dot);
        let after = site.find_at_depth(site.index_at(from.end), |kind| !is_name(kind))?;
        return Some(Diagnosis::new(message, (start, token_range(site, after).1 - 1)));
    }
    if message.starts_with("Invalid annotated assignment target") || message == "illegal target for annotation" {
        let colon = site.find_at_depth(site.index_at(given.end), |kind| kind == TokenKind::Colon)?;
        if site.lacks_expression_after(colon.end) {
            return Some(invalid_syntax(site, colon.start));
        }
    }
    if message.starts_with("Missing parentheses in call to ") {
        let end = site.token_before(site.statement_end(start)?.start)?.end;
        return Some(Diagnosis::new(message, (start, end)));
    }
    if message.starts_with("multiple statements found") {
        return Some(Diagnosis::new(message, (start, start + 1)));
    }
    if site.is_eval && site.text_end() == 0 {
        let mut found = Diagnosis::new("invalid syntax", (0, 0));
        found.column = Some(0);
        found.end_column = Some(0);
        return Some(found);
    }
    None
}

/// The `else` that follows a `try` block directly.
fn else_of_try(site: &Site) -> Option<Token> {
    let heads: Vec<_> = site.line_heads().collect();
    heads.iter().enumerate().find_map(|(i, &(line, head))| {
        let indent = head.start - line;
        let before = heads[..i].iter().rev().find(|(line, head)| head.start - line <= indent)?;
        (head.kind == TokenKind::Else && before.1.kind == TokenKind::Try && before.1.start - before.0 == indent)
            .then_some(head)
    })
}
