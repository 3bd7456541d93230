//! Patterns of `match`.

use super::read::Reader;
use super::statements::identifier;
use super::{Field, Node};
use crate::code::Const;
use ruff_python_ast::{Pattern, Singleton};

impl Reader {
    pub fn pattern(&self, pattern: &Pattern) -> Node {
        let node = |class, fields| self.node(class, pattern, fields);
        match pattern {
            Pattern::MatchValue(p) => node("MatchValue", vec![self.expression(&p.value).into()]),
            Pattern::MatchSingleton(p) => {
                let value = match p.value {
                    Singleton::None => Const::None,
                    Singleton::True => Const::True,
                    Singleton::False => Const::False,
                };
                node("MatchSingleton", vec![Field::Constant(value)])
            }
            Pattern::MatchSequence(p) => node("MatchSequence", vec![self.patterns(&p.patterns)]),
            Pattern::MatchMapping(p) => node(
                "MatchMapping",
                vec![self.expressions(&p.keys), self.patterns(&p.patterns), identifier(p.rest.as_ref())],
            ),
            Pattern::MatchClass(p) => {
                let keywords = &p.arguments.keywords;
                let names = keywords.iter().map(|keyword| keyword.attr.as_str().into()).collect();
                let values = keywords.iter().map(|keyword| self.pattern(&keyword.pattern).into()).collect();
                let positional = self.patterns(&p.arguments.patterns);
                let class = self.expression(&p.cls).into();
                node("MatchClass", vec![class, positional, Field::List(names), Field::List(values)])
            }
            Pattern::MatchStar(p) => node("MatchStar", vec![identifier(p.name.as_ref())]),
            Pattern::MatchAs(p) => {
                let inner = p.pattern.as_ref().map(|inner| self.pattern(inner));
                node("MatchAs", vec![inner.into(), identifier(p.name.as_ref())])
            }
            Pattern::MatchOr(p) => node("MatchOr", vec![self.patterns(&p.patterns)]),
        }
    }

    fn patterns(&self, patterns: &[Pattern]) -> Field {
        Field::List(patterns.iter().map(|pattern| self.pattern(pattern).into()).collect())
    }
}
