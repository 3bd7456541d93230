//! Mistakes in expressions and in targets of assignments.

use super::Diagnosis;
use super::rules::{PART_OF_STRING, ends_operand, invalid_syntax, missing_comma, token_range, words_between_strings};
use super::site::{Site, Token};
use super::starts_operand;
use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{Expr, UnaryOp};
use ruff_text_size::Ranged;

/// Mistakes in expressions.
pub(super) fn translate(given: &Diagnosis, site: &Site) -> Option<Diagnosis> {
    let message = given.message.as_str();
    let start = given.start;
    let found = |message: &str, start, end| Some(Diagnosis::new(message, (start, end)));
    if message.starts_with("Expected `else`, found") {
        let before = site.token_before(start)?;
        let conditional = site.find_expression(|expr| match expr {
            Expr::If(expr) => expr.test.end().to_usize() <= before.end && expr.end().to_usize() >= before.end,
            _ => false,
        });
        return match conditional {
            Some(expr) if !message.ends_with("`:`") => {
                found("expected 'else' after 'if' expression", expr.start().to_usize(), before.end)
            }
            _ => None,
        };
    }
    if message.starts_with("Expected `in`, found") {
        let token = site.token_at(start)?;
        let is_clause =
            site.line_head(start).is_some_and(|head| !matches!(head.kind, TokenKind::For | TokenKind::Async));
        if is_clause && !matches!(token.kind, TokenKind::Name) {
            return found("'in' expected after for-loop variables", start, token_range(site, token).1);
        }
    }
    if message.starts_with("positional argument follows keyword argument")
        || message.starts_with("Positional argument cannot follow keyword argument")
    {
        let generator =
            site.find_expression(|expr| expr.start().to_usize() == start && matches!(expr, Expr::Generator(_)));
        if let Some(generator) = generator {
            let end = generator.end().to_usize();
            return found("Generator expression must be parenthesized", start, end);
        }
    }
    if message.starts_with("expression cannot contain assignment") && site.source[start..].starts_with('=') {
        return Some(invalid_syntax(site, start));
    }
    if message.starts_with("expression cannot contain assignment, perhaps you meant")
        || message.starts_with("cannot assign to True") && given.end - start == 4
        || message.starts_with("cannot assign to None") && given.end - start == 4
        || message.starts_with("cannot assign to False") && given.end - start == 5
    {
        let next = site.tokens.get(site.index_at(given.end)).copied()?;
        if next.kind == TokenKind::Equal && in_brackets(site, start) {
            return found(message, start, next.end);
        }
    }
    if message.starts_with("Iterable argument unpacking cannot follow keyword argument unpacking") {
        let comma = site.token_before(start)?;
        return found("iterable argument unpacking follows keyword argument unpacking", comma.start, given.end);
    }
    if message.starts_with("did you forget parentheses around the comprehension target?") {
        let for_token = site.find_at_depth(site.index_at(start), |kind| kind == TokenKind::For)?;
        let last = site.token_before(for_token.start)?;
        return found(message, start, last.end);
    }
    if message.starts_with("invalid syntax. Maybe you meant '==' or ':=' instead of '='?") {
        let start = start + usize::from(site.source[start..].starts_with('('));
        let equal = site.find_at_depth(site.index_at(start), |kind| kind == TokenKind::Equal)?;
        let stop = |kind| {
            matches!(
                kind,
                TokenKind::Colon
                    | TokenKind::Comma
                    | TokenKind::And
                    | TokenKind::Or
                    | TokenKind::If
                    | TokenKind::Newline
                    | TokenKind::For
                    | TokenKind::In
            )
        };
        let end = site.find_at_depth(site.index_at(equal.end), stop)?;
        if end.kind == TokenKind::For {
            return found(message, start, equal.end);
        }
        return found(message, start, site.token_before(end.start)?.end);
    }
    if message.starts_with("':' expected after dictionary key") {
        let token = site.token_at(start)?;
        let before = site.token_before(start)?;
        if before.kind == TokenKind::DoubleStar {
            return Some(invalid_syntax(site, start));
        }
        let key = if matches!(before.kind, TokenKind::Comma | TokenKind::Lbrace) {
            let key = site.find_expression(|expr| expr.start().to_usize() == start);
            key.map_or(token.end, |key| key.end().to_usize())
        } else {
            before.end
        };
        let mut found = Diagnosis::new(message, (key - 1, key));
        found.end_column = Some(0);
        return Some(found);
    }
    if message.starts_with("dict unpacking cannot be used in dict comprehension") {
        let index = site.index_at(start);
        let stars = site.tokens[index..].iter().find(|token| token.kind == TokenKind::DoubleStar)?;
        return found(message, stars.start, stars.end);
    }
    if message.starts_with("Bytes literal cannot be mixed") {
        let after = site.tokens.get(site.index_at(given.end)).copied()?;
        let range = token_range(site, after);
        return found("cannot mix bytes and nonbytes literals", range.0, range.1);
    }
    if message.starts_with("invalid syntax. Perhaps you forgot a comma?")
        && site.line_head(start).is_some_and(|head| matches!(head.kind, TokenKind::Def | TokenKind::From))
    {
        let own = site.first_parser_error()?;
        return Some(invalid_syntax(site, own.start));
    }
    if message == "invalid syntax. Perhaps you forgot a comma?" {
        if let Some(found) = words_between_strings(site, start).or_else(|| missing_colon_of_with(site, start)) {
            return Some(found);
        }
        if let Some(found) = missing_comma(site, start) {
            return Some(found);
        }
        if in_comprehension(site, start) || !has_neighbours(site, start, given.end) {
            return Some(invalid_syntax(site, site.first_parser_error()?.start));
        }
    }
    if message == PART_OF_STRING {
        return Some(invalid_syntax(site, site.first_parser_error()?.start));
    }
    if message == "invalid syntax" && start == given.end {
        // The compiler crate gives no width where two expressions in brackets stand side by side.
        if site.source[start..].starts_with(['$', '?', '!', '`']) {
            return found("invalid syntax", start, start + 1);
        }
        let second = site.token_at(start)?;
        if second.kind == TokenKind::For || second.start == second.end {
            return Some(invalid_syntax(site, start));
        }
        let first = site.find_expression(|expr| expr.start().to_usize() == second.start)?;
        let next = site.tokens.get(site.index_at(first.end().to_usize())).copied()?;
        if next.kind == TokenKind::Lpar {
            return Some(invalid_syntax(site, site.first_parser_error()?.start));
        }
        let next_end = site
            .find_expression(|expr| expr.start().to_usize() == next.start)
            .map_or(next.end, |expr| expr.end().to_usize());
        return found("invalid syntax. Perhaps you forgot a comma?", start, next_end);
    }
    if message.starts_with("cannot use double starred expression here") {
        let stars = site.token_at(start).filter(|token| token.kind == TokenKind::DoubleStar);
        return starred_group(site, stars.or_else(|| site.token_before(start))?);
    }
    if site.is_eval && message.starts_with("Starred expression cannot be used here") {
        return Some(invalid_syntax(site, start));
    }
    None
}

/// `(*x)`, at the star: parentheses around one starred expression.
pub(super) fn starred_group(site: &Site, star: Token) -> Option<Diagnosis> {
    let open = site.token_before(star.start).filter(|open| open.kind == TokenKind::Lpar)?;
    let is_call = site.token_before(open.start).is_some_and(|before| ends_operand(before.kind));
    let what = match star.kind {
        TokenKind::Star => "starred",
        TokenKind::DoubleStar => "double starred",
        _ => return None,
    };
    let close = site.find_at_depth(site.index_at(open.end), |kind| kind == TokenKind::Comma)?;
    if is_call || close.kind != TokenKind::Rpar {
        return None;
    }
    let end = if star.kind == TokenKind::Star { site.token_before(close.start)?.end } else { star.end };
    Some(Diagnosis::new(format!("cannot use {what} expression here"), (star.start, end)))
}

/// `[a, b for …]`, at the `for`: several values where a comprehension has one.
pub(super) fn bare_targets(site: &Site, for_: Token) -> Option<Diagnosis> {
    let index = site.index_at(for_.start);
    let is_async = for_.kind == TokenKind::Async && site.tokens.get(index + 1)?.kind == TokenKind::For;
    if for_.kind != TokenKind::For && !is_async {
        return None;
    }
    let (mut depth, mut commas) = (0, 0);
    let open = site.tokens[..index].iter().rposition(|token| {
        match token.kind {
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth += 1,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth -= 1,
            TokenKind::Comma if depth == 0 => commas += 1,
            _ => {}
        }
        depth < 0
    })?;
    let is_list = site.tokens[open].kind == TokenKind::Lsqb
        && !open.checked_sub(1).is_some_and(|before| ends_operand(site.tokens[before].kind));
    if !is_list || commas == 0 || in_comprehension(site, for_.start) {
        return None;
    }
    site.find_at_depth(index + 1, |kind| kind == TokenKind::In).filter(|token| token.kind == TokenKind::In)?;
    let message = "did you forget parentheses around the comprehension target?";
    Some(Diagnosis::new(message, (site.tokens[open + 1].start, site.tokens[index - 1].end)))
}

/// Whether two operands stand side by side between two offsets.
fn has_neighbours(site: &Site, start: usize, end: usize) -> bool {
    let tokens = &site.tokens[site.index_at(start)..];
    tokens.windows(2).take_while(|pair| pair[1].start < end).any(|pair| {
        ends_operand(pair[0].kind) && (starts_operand(pair[1].kind) || matches!(pair[1].kind, TokenKind::Lambda))
    })
}

/// `with (a as b)` and a line end.
fn missing_colon_of_with(site: &Site, offset: usize) -> Option<Diagnosis> {
    let head = site.line_head(offset)?;
    if head.kind != TokenKind::With || site.token_after(head.start)?.kind != TokenKind::Lpar {
        return None;
    }
    let open = site.token_after(head.start)?;
    let inside = site.index_at(open.end);
    let close = site.find_at_depth(inside, |_| false)?;
    let next = site.token_after(close.start)?;
    let has_target = site.tokens[inside..]
        .iter()
        .take_while(|token| token.start < close.start)
        .any(|token| token.kind == TokenKind::As);
    (has_target && next.kind == TokenKind::Newline).then(|| Diagnosis::new("expected ':'", token_range(site, next)))
}

/// Whether a `for` stands between the innermost open bracket and an offset.
pub(super) fn in_comprehension(site: &Site, offset: usize) -> bool {
    let mut depth = 0;
    for token in site.tokens[..site.index_at(offset)].iter().rev() {
        match token.kind {
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth += 1,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace if depth == 0 => return false,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth -= 1,
            TokenKind::For if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

pub(super) fn in_brackets(site: &Site, offset: usize) -> bool {
    let mut depth = 0;
    for token in &site.tokens[..site.index_at(offset)] {
        match token.kind {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth += 1,
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth -= 1,
            _ => {}
        }
    }
    depth > 0
}
/// Targets that cannot be assigned to. "here. Maybe you meant" is for a single `=` after an operand.
pub(super) fn translate_assignment(given: &Diagnosis, site: &Site) -> Option<Diagnosis> {
    const HERE: &str = " here. Maybe you meant '==' instead of '='?";
    let base = given.message.strip_suffix(HERE).unwrap_or(&given.message);
    let what = base.strip_prefix("cannot assign to ")?;
    if matches!(what, "iterable argument unpacking" | "keyword argument unpacking") {
        let equal = site.find_at_depth(site.index_at(given.start), |kind| kind == TokenKind::Equal)?;
        let stop = site.find_at_depth(site.index_at(equal.end), |kind| kind == TokenKind::Comma)?;
        return Some(Diagnosis::new(base, (given.start, site.token_before(stop.start)?.end)));
    }
    let head = site.line_head(given.start)?;
    if what == "__debug__" && matches!(head.kind, TokenKind::Import | TokenKind::From) {
        let is_end = |kind| matches!(kind, TokenKind::Comma | TokenKind::Newline | TokenKind::Semi);
        let stop = site.find_at_depth(site.index_at(given.start), is_end)?;
        return Some(Diagnosis::new(base, (given.start, site.token_before(stop.start)?.end)));
    }
    if what.starts_with("yield ") && what != "yield expression" {
        let message = "assignment to yield expression not possible";
        return Some(Diagnosis::new(message, (given.start, given.end)));
    }
    let mut after = site.index_at(given.end);
    if what == "named expression" && site.tokens[after].kind == TokenKind::Rpar {
        after += 1;
    }
    let is_followed = site.tokens.get(after)?.kind == TokenKind::Equal;
    let is_later = site.token_before(given.start).is_some_and(|token| token.kind == TokenKind::Equal);
    let is_chain = is_followed
        && site
            .find_at_depth(after + 1, |kind| matches!(kind, TokenKind::Equal | TokenKind::Newline))
            .is_some_and(|token| token.kind == TokenKind::Equal);
    let is_boolean = what == "expression"
        && site
            .find_expression(|expr| {
                expr.start().to_usize() == given.start && matches!(expr, Expr::BoolOp(_) | Expr::UnaryOp(_))
            })
            .is_some_and(|expr| match expr {
                Expr::UnaryOp(unary) => unary.op == UnaryOp::Not,
                _ => true,
            });
    let range = (given.start, given.end);
    // Without a value behind the sign nothing hints at a comparison.
    let lacks_value = is_followed
        && site
            .tokens
            .get(after + 1)
            .is_none_or(|token| matches!(token.kind, TokenKind::Newline | TokenKind::EndOfFile));
    if lacks_value {
        return Some(Diagnosis::new(base, range));
    }
    if given.message.len() > base.len() && !in_brackets(site, given.start) {
        return (is_later || is_chain || is_boolean).then(|| Diagnosis::new(base, range));
    }
    let takes_hint = matches!(
        what,
        "list comprehension"
            | "set comprehension"
            | "dict comprehension"
            | "await expression"
            | "named expression"
            | "function call"
    );
    (takes_hint && is_followed && !is_later && !is_chain).then(|| Diagnosis::new(format!("{base}{HERE}"), range))
}
