//! The table of translations, the order of the rules that need more than a table, and the catch-all.

use super::expressions::{in_brackets, in_comprehension};
use super::site::{Site, Token};
use super::{Diagnosis, escapes, expressions, fstrings, lexical, starts_operand, statements};
use ruff_python_ast::Expr;
use ruff_python_ast::token::TokenKind;
use ruff_text_size::Ranged;

/// Which place an error marks.
#[derive(Clone, Copy)]
enum Mark {
    /// The one given.
    Given,
    /// The token there.
    Token,
    /// The token after that.
    NextToken,
    /// The expression that starts there.
    Expression,
    /// From there up to the line's end.
    LineEnd,
    /// The token after all arguments of the call.
    CallEnd,
    /// The end of the text before, without width.
    TextBefore,
}

/// The parser's words (a message that starts so), CPython's, and the place.
const WORDS: &[(&str, &str, Mark)] = &[
    ("Expected `:`, found newline", "expected ':'", Mark::Token),
    (
        "Positional argument cannot follow keyword argument unpacking",
        "positional argument follows keyword argument unpacking",
        Mark::CallEnd,
    ),
    (
        "Positional argument cannot follow keyword argument",
        "positional argument follows keyword argument",
        Mark::CallEnd,
    ),
    (
        "Unparenthesized generator expression cannot be used here",
        "Generator expression must be parenthesized",
        Mark::Given,
    ),
    ("Invalid star expression", "Invalid star expression", Mark::NextToken),
    ("Only one '*' parameter allowed", "* argument may appear only once", Mark::Token),
    ("Invalid annotated assignment target", "illegal target for annotation", Mark::Given),
    ("Expected `except` or `finally` after `try` block", "expected 'except' or 'finally' block", Mark::Token),
    ("Expected one or more exception types", "expected one or more exception types", Mark::Token),
    (
        "Cannot mix t-string literals with string or bytes literals",
        "cannot mix t-string literals with string or bytes literals",
        Mark::Given,
    ),
    ("Positional patterns cannot follow keyword patterns", "positional patterns follow keyword patterns", Mark::Given),
    (
        "Expected an imaginary number in complex literal pattern",
        "imaginary number required in complex literal",
        Mark::Given,
    ),
    ("Expected a real number in complex literal pattern", "real number required in complex literal", Mark::Given),
    ("cannot use starred expression here", "cannot use starred expression here", Mark::Expression),
    ("cannot delete starred", "cannot delete starred", Mark::Expression),
    (
        "cannot use a starred expression in a dictionary value",
        "cannot use a starred expression in a dictionary value",
        Mark::Expression,
    ),
    (
        "Did you mean to use 'from ... import ...' instead?",
        "Did you mean to use 'from ... import ...' instead?",
        Mark::LineEnd,
    ),
    ("Star import must be the only import", "invalid syntax", Mark::NextToken),
    ("cannot use double starred expression here", "invalid syntax", Mark::NextToken),
    ("Expected a pattern", "invalid syntax", Mark::NextToken),
    ("Type parameter list cannot be empty", "Type parameter list cannot be empty", Mark::TextBefore),
    (
        "Parameter without a default cannot follow",
        "parameter without a default follows parameter with a default",
        Mark::Given,
    ),
    ("Parameter cannot follow var-keyword parameter", "arguments cannot follow var-keyword argument", Mark::Token),
    ("arguments cannot follow var-keyword argument", "arguments cannot follow var-keyword argument", Mark::Token),
    ("'/' parameter must appear before '*' parameter", "/ must be ahead of *", Mark::Token),
    ("Invalid delete target", "cannot delete f-string expression", Mark::Given),
];

/// Words that start with a capital letter in CPython too.
const CAPITALISED: &[&str] = &[
    "Did you mean",
    "Expected one or more names after 'import'",
    "Function parameters cannot be parenthesized",
    "Generator expression must be parenthesized",
    "Invalid star expression",
    "Lambda expression parameters cannot be parenthesized",
    "Missing parentheses in call to",
    "Type parameter list cannot be empty",
];

/// CPython's report for an error that the compiler crate or the parser gives.
pub(super) fn translate(given: Diagnosis, site: &Site) -> Diagnosis {
    let special = expressions::translate_assignment(&given, site)
        .or_else(|| escapes::translate(&given, site))
        .or_else(|| fstrings::translate(&given, site))
        .or_else(|| lexical::translate(&given, site))
        .or_else(|| statements::translate(&given, site))
        .or_else(|| expressions::translate(&given, site));
    if let Some(found) = special {
        return found;
    }
    for &(prefix, message, mark) in WORDS {
        if given.message.starts_with(prefix) {
            return Diagnosis::new(message, place(&given, mark, site));
        }
    }
    let is_ours = given.message.starts_with(|c: char| c.is_uppercase())
        && !CAPITALISED.iter().any(|words| given.message.starts_with(words));
    if is_ours || (given.message == "invalid syntax" && given.start < given.end) {
        // The compiler crate looks further than the parser, which stops at its first error.
        let line = site.line_start(given.start);
        let first = site.first_parser_error().map(|own| own.start).filter(|&start| start < line);
        return invalid_syntax(site, first.unwrap_or(given.start));
    }
    given
}

/// Words between two strings: somebody put quotes into a string. `offset` is where the parser stopped: the first word, or
/// the string before it.
pub(super) fn words_between_strings(site: &Site, offset: usize) -> Option<Diagnosis> {
    let stop = site.token_at(offset)?;
    let first = if stop.kind == TokenKind::String { site.token_after(stop.start)? } else { stop };
    if site.token_before(first.start)?.kind != TokenKind::String {
        return None;
    }
    let words = &site.tokens[site.index_at(first.start)..];
    let is_word = |kind| matches!(kind, TokenKind::Name | TokenKind::Int | TokenKind::Float | TokenKind::Not);
    let count = words.iter().take_while(|token| is_word(token.kind)).count();
    let last = words.get(count.checked_sub(1)?)?;
    if last.kind == TokenKind::Not || words.get(count)?.kind != TokenKind::String {
        return None;
    }
    Some(Diagnosis::new(PART_OF_STRING, (first.start, last.end)))
}

pub(super) const PART_OF_STRING: &str = "invalid syntax. Is this intended to be part of the string?";

/// The catch-all: it marks one token.
pub(super) fn invalid_syntax(site: &Site, offset: usize) -> Diagnosis {
    let Some(mut token) = site.token_at(offset) else {
        return Diagnosis::new("invalid syntax", (offset, offset + 1));
    };
    let before = site.token_before(offset);
    // `not` can only be the first half of `not in` where no expression may start.
    if token.kind == TokenKind::Not
        && let Some(next) = site.token_after(offset)
        && before.is_some_and(|before| ends_operand(before.kind))
    {
        token = next;
    }
    if token.start == token.end || token.start >= site.source.len() {
        let last_line = site.line_start(site.text_end());
        let mut found = Diagnosis::new("invalid syntax", (last_line, last_line));
        found.column = Some(0);
        found.end_column = Some(0);
        return found;
    }
    if token.kind == TokenKind::Not && before.is_some_and(|before| is_arithmetic(before.kind)) {
        let operand = site.find_expression(|expr| expr.start().to_usize() == token.start && expr.is_unary_op_expr());
        let end = operand.map_or(token.end, |expr| expr.end().to_usize());
        return Diagnosis::new("'not' after an operator must be parenthesized", (token.start, end));
    }
    if let Some(found) = words_between_strings(site, token.start).or_else(|| missing_comma(site, token.start)) {
        return found;
    }
    if let Some(found) = expressions::starred_group(site, token).or_else(|| expressions::bare_targets(site, token)) {
        return found;
    }
    let range = token_range(site, token);
    if site.source[token.start..].starts_with("<>") {
        let message = "invalid syntax.  Maybe you meant '!=' instead of '<>'?";
        return Diagnosis::new(message, (token.start, token.start + 2));
    }
    let after_else = before.is_some_and(|before| {
        before.kind == TokenKind::Else && site.line_head(before.start).is_some_and(|head| head.start != before.start)
    });
    if after_else {
        let message = "expected expression after 'else', but statement is given";
        return Diagnosis::new(message, range);
    }
    Diagnosis::new("invalid syntax", range)
}

fn is_arithmetic(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Plus
            | TokenKind::Minus
            | TokenKind::Star
            | TokenKind::Slash
            | TokenKind::DoubleSlash
            | TokenKind::Percent
            | TokenKind::At
            | TokenKind::Amper
            | TokenKind::Vbar
            | TokenKind::CircumFlex
            | TokenKind::LeftShift
            | TokenKind::RightShift
            | TokenKind::DoubleStar
            | TokenKind::Tilde
    )
}

/// Two operands side by side in brackets, the second at `offset`.
pub(super) fn missing_comma(site: &Site, offset: usize) -> Option<Diagnosis> {
    let first = site.token_before(offset)?;
    let second = site.token_at(offset)?;
    let head = site.line_head(offset)?;
    let takes_expressions = match head.kind {
        TokenKind::Def | TokenKind::Async => in_parameter_expression(site, offset),
        kind => !matches!(kind, TokenKind::From | TokenKind::Case),
    };
    let is_fault = ends_operand(first.kind) && starts_operand(second.kind) && takes_expressions;
    if !is_fault || !in_brackets(site, offset) || in_comprehension(site, offset) {
        return None;
    }
    let left = site.find_expression(|expr| expr.end().to_usize() == first.end);
    let right = site.find_expression(|expr| expr.start().to_usize() == second.start);
    let start = left.map_or(first.start, |expr| expr.start().to_usize());
    let end = right.map_or(second.end, |expr| expr.end().to_usize());
    Some(Diagnosis::new("invalid syntax. Perhaps you forgot a comma?", (start, end)))
}

/// Whether an offset in a `def` line lies in an annotation, a default value, or brackets in one.
fn in_parameter_expression(site: &Site, offset: usize) -> bool {
    let mut depth = 0;
    for token in site.tokens[..site.index_at(offset)].iter().rev() {
        match token.kind {
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth += 1,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace if depth > 0 => depth -= 1,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace | TokenKind::Def => return false,
            TokenKind::Comma if depth == 0 => return false,
            TokenKind::Equal | TokenKind::Colon if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// A line end is one column wide, an indentation has none.
pub(super) fn token_range(site: &Site, token: Token) -> (usize, usize) {
    match token.kind {
        TokenKind::Newline => (token.start, site.source.len().min(token.start + 1)),
        _ => token.range(),
    }
}

pub(super) fn ends_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
    )
}

fn place(given: &Diagnosis, mark: Mark, site: &Site) -> (usize, usize) {
    let start = given.start;
    let token_or_given = |token: Option<Token>| token.map_or((start, given.end), |token| token_range(site, token));
    match mark {
        Mark::Given => (start, given.end),
        Mark::Token => token_or_given(site.token_at(start)),
        Mark::NextToken => token_or_given(site.token_after(start)),
        Mark::Expression => site
            .find_expression(|expr| expr.start().to_usize() == start && matches!(expr, Expr::Starred(_)))
            .map_or((start, given.end), |expr| (start, expr.end().to_usize())),
        Mark::LineEnd => (start, site.statement_end(start).map_or(given.end, |t| t.start)),
        Mark::CallEnd => token_or_given(site.find_at_depth(site.index_at(start), |_| false)),
        Mark::TextBefore => (start, start),
    }
}
