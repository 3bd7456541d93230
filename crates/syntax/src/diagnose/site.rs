//! The source around an error: tokens, the recovered tree, lines and columns.

use super::Diagnosis;
use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Mod, Stmt};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};
use ruff_text_size::Ranged;

/// A token that is neither comment nor line end inside brackets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
}

impl Token {
    pub fn range(self) -> (usize, usize) {
        (self.start, self.end)
    }
}

pub(super) struct Site<'a> {
    pub source: &'a str,
    pub is_eval: bool,
    pub tokens: Vec<Token>,
    parsed: Parsed<Mod>,
    line_starts: Vec<usize>,
}

impl<'a> Site<'a> {
    pub fn new(source: &'a str, is_eval: bool) -> Site<'a> {
        let mode = if is_eval { Mode::Expression } else { Mode::Module };
        let parsed = parse_unchecked(source, ParseOptions::from(mode));
        let tokens = parsed
            .tokens()
            .iter()
            .filter(|token| !matches!(token.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline))
            .map(|token| Token { kind: token.kind(), start: token.start().to_usize(), end: token.end().to_usize() })
            .collect();
        let line_starts = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Site { source, is_eval, tokens, parsed, line_starts }
    }

    /// The first error of the parser, in its own words.
    pub fn first_parser_error(&self) -> Option<Diagnosis> {
        let first = self.parsed.errors().first()?;
        let range = (first.location.start().to_usize(), first.location.end().to_usize());
        Some(Diagnosis::new(first.error.to_string(), range))
    }

    /// Whether the parser finds no expression behind an offset.
    pub fn lacks_expression_after(&self, offset: usize) -> bool {
        let Some(next) = self.tokens.get(self.index_at(offset)) else {
            return true;
        };
        let end = match next.kind {
            TokenKind::Lambda => self.statement_end(offset).map_or(next.end, |token| token.start),
            _ => next.end - 1,
        };
        self.parsed.errors().iter().any(|error| (offset..=end).contains(&error.location.start().to_usize()))
    }

    /// Whether the parser's first error is that the source ends.
    pub fn parser_reached_end(&self) -> bool {
        self.first_parser_error().is_none_or(|error| error.start >= self.text_end())
    }

    /// The index of the token that holds an offset, or of the next one. Tokens without width (the end of a block) are
    /// passed over.
    pub fn index_at(&self, offset: usize) -> usize {
        let from = self.tokens.partition_point(|token| token.end <= offset);
        let with_width = |token: &Token| token.start < token.end;
        match self.tokens[from..].iter().position(with_width) {
            Some(distance) => from + distance,
            None => self.tokens.len().saturating_sub(1),
        }
    }

    pub fn token_at(&self, offset: usize) -> Option<Token> {
        self.tokens.get(self.index_at(offset)).copied()
    }

    pub fn token_after(&self, offset: usize) -> Option<Token> {
        let next = &self.tokens[(self.index_at(offset) + 1).min(self.tokens.len())..];
        next.iter().find(|t| t.start < t.end || t.kind == TokenKind::EndOfFile).copied()
    }

    /// The last token that ends at or before an offset.
    pub fn token_before(&self, offset: usize) -> Option<Token> {
        let count = self.tokens.partition_point(|token| token.end <= offset);
        self.tokens[..count].iter().rev().find(|token| token.start < token.end).copied()
    }

    pub fn text(&self, token: Token) -> &'a str {
        &self.source[token.start..token.end]
    }

    /// The first token of the logical line that holds an offset.
    pub fn line_head(&self, offset: usize) -> Option<Token> {
        let index = self.index_at(offset);
        let is_break = |token: &Token| {
            matches!(token.kind, TokenKind::Newline | TokenKind::Semi | TokenKind::Indent | TokenKind::Dedent)
        };
        let start = self.tokens[..index].iter().rposition(is_break);
        self.tokens.get(start.map_or(0, |at| at + 1)).copied()
    }

    /// The first tokens of all logical lines, each with the offset of its line.
    pub fn line_heads(&self) -> impl Iterator<Item = (usize, Token)> {
        let mut at_start = true;
        self.tokens.iter().filter_map(move |token| {
            let is_head = at_start && token.start < token.end && token.kind != TokenKind::Indent;
            match token.kind {
                TokenKind::Newline => at_start = true,
                _ if is_head => at_start = false,
                _ => {}
            }
            is_head.then(|| (self.line_start(token.start), *token))
        })
    }

    /// The token that ends the simple statement at an offset: a line end or a semicolon.
    pub fn statement_end(&self, offset: usize) -> Option<Token> {
        self.tokens[self.index_at(offset)..]
            .iter()
            .find(|token| matches!(token.kind, TokenKind::Newline | TokenKind::Semi | TokenKind::EndOfFile))
            .copied()
    }

    pub fn on_one_logical_line(&self, one: usize, other: usize) -> bool {
        match (self.line_head(one), self.line_head(other)) {
            (Some(a), Some(b)) => a.start == b.start,
            _ => false,
        }
    }

    /// The first token from index `from` on, outside brackets opened since, for which `stop` holds; or the bracket that
    /// closes what was open before.
    pub fn find_at_depth(&self, from: usize, stop: impl Fn(TokenKind) -> bool) -> Option<Token> {
        let mut depth = 0;
        for token in &self.tokens[from.min(self.tokens.len())..] {
            if depth == 0 && stop(token.kind) {
                return Some(*token);
            }
            match token.kind {
                TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth += 1,
                TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace if depth == 0 => {
                    return Some(*token);
                }
                TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth -= 1,
                TokenKind::EndOfFile => return Some(*token),
                _ => {}
            }
        }
        None
    }

    /// The smallest expression of the recovered tree for which `wanted` holds.
    pub fn find_expression(&self, wanted: impl Fn(&Expr) -> bool) -> Option<Expr> {
        struct Finder<F> {
            wanted: F,
            found: Option<Expr>,
        }
        impl<'b, F: Fn(&Expr) -> bool> SourceOrderVisitor<'b> for Finder<F> {
            fn visit_expr(&mut self, expr: &'b Expr) {
                let smaller = |best: &Expr| expr.range().len() <= best.range().len();
                if (self.wanted)(expr) && self.found.as_ref().is_none_or(smaller) {
                    self.found = Some(expr.clone());
                }
                walk_expr(self, expr);
            }
        }
        let mut finder = Finder { wanted, found: None };
        match self.parsed.syntax() {
            Mod::Module(module) => finder.visit_body(&module.body),
            Mod::Expression(expression) => finder.visit_expr(&expression.body),
        }
        finder.found
    }

    /// Line and column (from 0) of the last statement that ends before the logical line that holds an offset; zeros
    /// without one.
    pub fn statement_before(&self, offset: usize) -> (u32, u32) {
        struct Finder {
            limit: usize,
            last: Option<usize>,
        }
        impl<'b> SourceOrderVisitor<'b> for Finder {
            fn visit_stmt(&mut self, stmt: &'b Stmt) {
                if stmt.end().to_usize() <= self.limit {
                    self.last = self.last.max(Some(stmt.start().to_usize()));
                }
                walk_stmt(self, stmt);
            }
        }
        let limit = self.line_head(offset).map_or(offset, |head| head.start);
        let mut finder = Finder { limit, last: None };
        if let Mod::Module(module) = self.parsed.syntax() {
            finder.visit_body(&module.body);
        }
        finder.last.map_or((0, 0), |start| {
            let (line, column) = self.line_and_column(start);
            (line, column as u32 - 1)
        })
    }

    /// Where the text ends, blank space after it not counted.
    pub fn text_end(&self) -> usize {
        self.source.trim_end().len()
    }

    /// Where the last line ends, line ends after it not counted.
    pub fn last_line_end(&self) -> usize {
        self.source.trim_end_matches('\n').len()
    }

    /// How many lines there are; a line end at the very end begins none.
    pub fn line_count(&self) -> usize {
        self.source.lines().count()
    }

    pub fn line_start(&self, offset: usize) -> usize {
        let line = self.line_starts.partition_point(|&start| start <= offset);
        self.line_starts[line.saturating_sub(1)]
    }

    /// 1-based line, and column in characters.
    pub fn line_and_column(&self, offset: usize) -> (u32, i32) {
        let mut offset = offset.min(self.source.len());
        while !self.source.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let before = &self.source[self.line_starts[line - 1]..offset];
        (line as u32, before.chars().count() as i32 + 1)
    }

    /// As `line_and_column`, of an end: behind a line end it is the column after it, not the start of the next line.
    pub fn end_line_and_column(&self, start: usize, end: usize) -> (u32, i32) {
        if end > start && self.source.as_bytes().get(end - 1) == Some(&b'\n') {
            let (line, column) = self.line_and_column(end - 1);
            (line, column + 1)
        } else {
            self.line_and_column(end)
        }
    }

    /// The offset of a 1-based line and column.
    pub fn offset_of(&self, line: usize, column: usize) -> usize {
        let Some(&start) = self.line_starts.get(line.saturating_sub(1)) else {
            return self.source.len();
        };
        let rest = &self.source[start..];
        match rest.char_indices().nth(column.saturating_sub(1)) {
            Some((distance, _)) => start + distance,
            None => self.source.len(),
        }
    }

    /// A line as CPython shows it for a parser's error: with a line end, which the last line is given, but for what its
    /// tokenizer reports of strings.
    pub fn line_text(&self, line: u32, message: &str) -> Option<String> {
        let start = *self.line_starts.get(line.checked_sub(1)? as usize)?;
        let line = self.source[start..].split('\n').next()?;
        let is_whole = self.source.len() > start + line.len();
        let is_tokenizers = message.starts_with("unterminated ");
        let line_end = if is_tokenizers || self.is_eval && !is_whole { "" } else { "\n" };
        Some(format!("{line}{line_end}"))
    }
}
