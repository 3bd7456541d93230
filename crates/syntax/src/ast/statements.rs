//! Statements, definitions and what belongs to them.

use super::read::Reader;
use super::{Field, Node};
use ruff_python_ast::{
    Alias, Decorator, ElifElseClause, ExceptHandler, Identifier, MatchCase, Parameter, ParameterWithDefault,
    Parameters, Stmt, TypeParam, TypeParams, WithItem,
};
use ruff_text_size::{Ranged, TextRange, TextSize};

impl Reader {
    pub fn statement(&self, statement: &Stmt) -> Node {
        let node = |class, fields| self.node(class, statement, fields);
        let no_comment = Field::None;
        match statement {
            Stmt::FunctionDef(def) => {
                let class = if def.is_async { "AsyncFunctionDef" } else { "FunctionDef" };
                let range = self.without_decorators(def.range, &def.decorator_list);
                let fields = vec![
                    def.name.as_str().into(),
                    self.parameters(&def.parameters).into(),
                    self.body(&def.body),
                    self.decorators(&def.decorator_list),
                    self.optional(def.returns.as_deref()),
                    no_comment,
                    self.type_params(def.type_params.as_deref()),
                ];
                self.node(class, &range, fields)
            }
            Stmt::ClassDef(def) => {
                let range = self.without_decorators(def.range, &def.decorator_list);
                let fields = vec![
                    def.name.as_str().into(),
                    self.expressions(def.bases()),
                    self.keywords(def.keywords()),
                    self.body(&def.body),
                    self.decorators(&def.decorator_list),
                    self.type_params(def.type_params.as_deref()),
                ];
                self.node("ClassDef", &range, fields)
            }
            Stmt::Return(s) => node("Return", vec![self.optional(s.value.as_deref())]),
            Stmt::Delete(s) => node("Delete", vec![self.expressions(&s.targets)]),
            Stmt::TypeAlias(s) => {
                let type_params = self.type_params(s.type_params.as_deref());
                node("TypeAlias", vec![self.expression(&s.name).into(), type_params, self.expression(&s.value).into()])
            }
            Stmt::Assign(s) => {
                node("Assign", vec![self.expressions(&s.targets), self.expression(&s.value).into(), no_comment])
            }
            Stmt::AugAssign(s) => {
                let op = Node::new(super::expressions::operator_class(s.op), None, Vec::new());
                node("AugAssign", vec![self.expression(&s.target).into(), op.into(), self.expression(&s.value).into()])
            }
            Stmt::AnnAssign(s) => node(
                "AnnAssign",
                vec![
                    self.expression(&s.target).into(),
                    self.expression(&s.annotation).into(),
                    self.optional(s.value.as_deref()),
                    Field::Int(i64::from(s.simple)),
                ],
            ),
            Stmt::For(s) => node(
                if s.is_async { "AsyncFor" } else { "For" },
                vec![
                    self.expression(&s.target).into(),
                    self.expression(&s.iter).into(),
                    self.body(&s.body),
                    self.body(&s.orelse),
                    no_comment,
                ],
            ),
            Stmt::While(s) => {
                node("While", vec![self.expression(&s.test).into(), self.body(&s.body), self.body(&s.orelse)])
            }
            Stmt::If(s) => {
                let orelse = self.else_branch(&s.elif_else_clauses, statement.range());
                node("If", vec![self.expression(&s.test).into(), self.body(&s.body), orelse])
            }
            Stmt::With(s) => node(
                if s.is_async { "AsyncWith" } else { "With" },
                vec![
                    Field::List(s.items.iter().map(|item| self.with_item(item).into()).collect()),
                    self.body(&s.body),
                    no_comment,
                ],
            ),
            Stmt::Match(s) => {
                let cases = s.cases.iter().map(|case| self.match_case(case).into()).collect();
                node("Match", vec![self.expression(&s.subject).into(), Field::List(cases)])
            }
            Stmt::Raise(s) => node("Raise", vec![self.optional(s.exc.as_deref()), self.optional(s.cause.as_deref())]),
            Stmt::Try(s) => node(
                if s.is_star { "TryStar" } else { "Try" },
                vec![
                    self.body(&s.body),
                    Field::List(s.handlers.iter().map(|handler| self.handler(handler).into()).collect()),
                    self.body(&s.orelse),
                    self.body(&s.finalbody),
                ],
            ),
            Stmt::Assert(s) => node("Assert", vec![self.expression(&s.test).into(), self.optional(s.msg.as_deref())]),
            Stmt::Import(s) => node("Import", vec![self.aliases(&s.names)]),
            Stmt::ImportFrom(s) => {
                let level = Field::Int(i64::from(s.level));
                node("ImportFrom", vec![identifier(s.module.as_ref()), self.aliases(&s.names), level])
            }
            Stmt::Global(s) => node("Global", vec![identifiers(&s.names)]),
            Stmt::Nonlocal(s) => node("Nonlocal", vec![identifiers(&s.names)]),
            Stmt::Expr(s) => node("Expr", vec![self.expression(&s.value).into()]),
            Stmt::Pass(_) | Stmt::IpyEscapeCommand(_) => node("Pass", Vec::new()),
            Stmt::Break(_) => node("Break", Vec::new()),
            Stmt::Continue(_) => node("Continue", Vec::new()),
        }
    }

    /// `elif` is an `If` alone in the `orelse` of the one before; it ends where the whole statement ends.
    fn else_branch(&self, clauses: &[ElifElseClause], whole: TextRange) -> Field {
        let Some((first, rest)) = clauses.split_first() else {
            return Field::List(Vec::new());
        };
        let Some(test) = &first.test else {
            return self.body(&first.body);
        };
        let range = TextRange::new(first.range.start(), whole.end());
        let fields = vec![self.expression(test).into(), self.body(&first.body), self.else_branch(rest, whole)];
        Field::List(vec![self.node("If", &range, fields).into()])
    }

    pub fn parameters(&self, parameters: &Parameters) -> Node {
        let names = |list: &[ParameterWithDefault]| {
            Field::List(list.iter().map(|one| self.parameter(&one.parameter).into()).collect())
        };
        let variadic = |one: &Option<Box<Parameter>>| match one {
            Some(one) => self.parameter(one).into(),
            None => Field::None,
        };
        let keyword_defaults = parameters.kwonlyargs.iter().map(|one| self.optional(one.default.as_deref())).collect();
        let positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let defaults = self.expressions(positional.filter_map(|one| one.default.as_deref()));
        let fields = vec![
            names(&parameters.posonlyargs),
            names(&parameters.args),
            variadic(&parameters.vararg),
            names(&parameters.kwonlyargs),
            Field::List(keyword_defaults),
            variadic(&parameters.kwarg),
            defaults,
        ];
        Node::new("arguments", None, fields)
    }

    fn parameter(&self, parameter: &Parameter) -> Node {
        let name = &parameter.name;
        let end = parameter
            .annotation
            .as_ref()
            .map_or(name.range.end(), |annotation| parameter.range.end().max(annotation.end()));
        let fields = vec![name.as_str().into(), self.optional(parameter.annotation.as_deref()), Field::None];
        self.node("arg", &TextRange::new(name.range.start(), end), fields)
    }

    /// A definition starts at `def`, `async` or `class`: after the decorators, line ends and comments.
    fn without_decorators(&self, whole: TextRange, decorators: &[Decorator]) -> TextRange {
        let Some(last) = decorators.last() else {
            return whole;
        };
        let mut start = last.range.end();
        loop {
            let rest = self.source_of(TextRange::new(start, whole.end()));
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\x0c', '\n', '\\']).len();
            let comment = match rest[blank..].starts_with('#') {
                true => rest[blank..].find('\n').unwrap_or(0),
                false => 0,
            };
            start += TextSize::new((blank + comment) as u32);
            if comment == 0 {
                return TextRange::new(start, whole.end());
            }
        }
    }

    fn decorators(&self, decorators: &[Decorator]) -> Field {
        self.expressions(decorators.iter().map(|decorator| &decorator.expression))
    }

    fn type_params(&self, parameters: Option<&TypeParams>) -> Field {
        let parameters = parameters.map_or(&[][..], |parameters| &parameters.type_params);
        let read = |parameter: &TypeParam| {
            let (class, fields) = match parameter {
                TypeParam::TypeVar(p) => (
                    "TypeVar",
                    vec![
                        p.name.as_str().into(),
                        self.optional(p.bound.as_deref()),
                        self.optional(p.default.as_deref()),
                    ],
                ),
                TypeParam::ParamSpec(p) => {
                    ("ParamSpec", vec![p.name.as_str().into(), self.optional(p.default.as_deref())])
                }
                TypeParam::TypeVarTuple(p) => {
                    ("TypeVarTuple", vec![p.name.as_str().into(), self.optional(p.default.as_deref())])
                }
            };
            self.node(class, parameter, fields)
        };
        Field::List(parameters.iter().map(|parameter| read(parameter).into()).collect())
    }

    fn with_item(&self, item: &WithItem) -> Node {
        let variables = self.optional(item.optional_vars.as_deref());
        Node::new("withitem", None, vec![self.expression(&item.context_expr).into(), variables])
    }

    fn match_case(&self, case: &MatchCase) -> Node {
        let guard = self.optional(case.guard.as_deref());
        Node::new("match_case", None, vec![self.pattern(&case.pattern).into(), guard, self.body(&case.body)])
    }

    fn handler(&self, handler: &ExceptHandler) -> Node {
        let ExceptHandler::ExceptHandler(handler) = handler;
        let fields =
            vec![self.optional(handler.type_.as_deref()), identifier(handler.name.as_ref()), self.body(&handler.body)];
        self.node("ExceptHandler", handler, fields)
    }

    fn aliases(&self, aliases: &[Alias]) -> Field {
        let read = |alias: &Alias| {
            let fields = vec![alias.name.as_str().into(), identifier(alias.asname.as_ref())];
            Field::from(self.node("alias", alias, fields))
        };
        Field::List(aliases.iter().map(read).collect())
    }
}

pub(super) fn identifier(name: Option<&Identifier>) -> Field {
    name.map_or(Field::None, |name| name.as_str().into())
}

fn identifiers(names: &[Identifier]) -> Field {
    Field::List(names.iter().map(|name| name.as_str().into()).collect())
}
