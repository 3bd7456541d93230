//! Building statements.

use super::build::{Builder, Built, NO_INDEX, TreeError, int, list, node, text};
use super::build_expressions::operator;
use super::{Field, Node};
use ruff_python_ast::*;
use ruff_text_size::TextRange;

impl Builder {
    pub fn statement(&self, from: &Node) -> Built<Stmt> {
        let range = self.range(from);
        let node_index = NO_INDEX;
        let field = |index: usize| &from.fields[index];
        Ok(match from.class {
            "FunctionDef" | "AsyncFunctionDef" => Stmt::FunctionDef(StmtFunctionDef {
                node_index,
                range,
                is_async: from.class == "AsyncFunctionDef",
                name: self.identifier(field(0), range)?,
                parameters: Box::new(self.build_parameters(node(field(1))?)?),
                body: self.block(from, "body", field(2))?.into_iter().collect(),
                decorator_list: self.build_decorators(field(3))?.into_iter().collect(),
                returns: self.optional(field(4))?,
                type_params: self.build_type_params(field(6), range)?,
                runtime_decorator_list: None,
                runtime_type_comment: None,
                runtime_type_comment_bytes: None,
                runtime_body: None,
            }),
            "ClassDef" => Stmt::ClassDef(StmtClassDef {
                node_index,
                range,
                name: self.identifier(field(0), range)?,
                arguments: Some(Box::new(self.build_arguments(field(1), field(2), range)?)),
                body: self.block(from, "body", field(3))?.into_iter().collect(),
                decorator_list: self.build_decorators(field(4))?.into_iter().collect(),
                type_params: self.build_type_params(field(5), range)?,
                runtime_decorator_list: None,
                runtime_body: None,
            }),
            "Return" => Stmt::Return(StmtReturn { node_index, range, value: self.optional(field(0))? }),
            "Delete" => Stmt::Delete(StmtDelete {
                node_index,
                range,
                targets: self.non_empty(from, "targets", field(0))?,
                runtime_targets: None,
            }),
            "Assign" => Stmt::Assign(StmtAssign {
                node_index,
                range,
                targets: self.non_empty(from, "targets", field(0))?,
                value: self.boxed(field(1))?,
                runtime_targets: None,
                runtime_type_comment: None,
                runtime_type_comment_bytes: None,
            }),
            "TypeAlias" => Stmt::TypeAlias(StmtTypeAlias {
                node_index,
                range,
                name: self.boxed(field(0))?,
                type_params: self.build_type_params(field(1), range)?,
                value: self.boxed(field(2))?,
            }),
            "AugAssign" => Stmt::AugAssign(StmtAugAssign {
                node_index,
                range,
                target: self.boxed(field(0))?,
                op: operator(node(field(1))?)?,
                value: self.boxed(field(2))?,
            }),
            "AnnAssign" => Stmt::AnnAssign(StmtAnnAssign {
                node_index,
                range,
                target: self.boxed(field(0))?,
                annotation: self.boxed(field(1))?,
                value: self.optional(field(2))?,
                simple: int(field(3))? != 0,
                runtime_simple: None,
            }),
            "For" | "AsyncFor" => Stmt::For(StmtFor {
                node_index,
                range,
                is_async: from.class == "AsyncFor",
                target: self.boxed(field(0))?,
                iter: self.boxed(field(1))?,
                body: self.block(from, "body", field(2))?.into_iter().collect(),
                orelse: self.statements(field(3))?.into_iter().collect(),
                runtime_type_comment: None,
                runtime_type_comment_bytes: None,
                runtime_body: None,
                runtime_orelse: None,
            }),
            "While" => Stmt::While(StmtWhile {
                node_index,
                range,
                test: self.boxed(field(0))?,
                body: self.block(from, "body", field(1))?.into_iter().collect(),
                orelse: self.statements(field(2))?.into_iter().collect(),
                runtime_body: None,
                runtime_orelse: None,
            }),
            "If" => Stmt::If(self.build_if(from)?),
            "With" | "AsyncWith" => Stmt::With(StmtWith {
                node_index,
                range,
                is_async: from.class == "AsyncWith",
                items: list(field(0))?.iter().map(|item| self.build_with_item(node(item)?)).collect::<Built<_>>()?,
                body: self.block(from, "body", field(1))?.into_iter().collect(),
                runtime_type_comment: None,
                runtime_type_comment_bytes: None,
                runtime_body: None,
            }),
            "Match" => Stmt::Match(StmtMatch {
                node_index,
                range,
                subject: self.boxed(field(0))?,
                cases: list(field(1))?.iter().map(|case| self.build_case(node(case)?)).collect::<Built<_>>()?,
            }),
            "Raise" => Stmt::Raise(StmtRaise {
                node_index,
                range,
                exc: self.optional(field(0))?,
                cause: self.optional(field(1))?,
            }),
            "Try" | "TryStar" => Stmt::Try(self.build_try(from)?),
            "Assert" => Stmt::Assert(StmtAssert {
                node_index,
                range,
                test: self.boxed(field(0))?,
                msg: self.optional(field(1))?,
            }),
            "Import" => {
                Stmt::Import(StmtImport { node_index, range, names: self.build_aliases(field(0))?, is_lazy: false })
            }
            "ImportFrom" => Stmt::ImportFrom(StmtImportFrom {
                node_index,
                range,
                module: self.optional_identifier(field(0), range)?,
                names: self.build_aliases(field(1))?,
                level: u32::try_from(int(field(2))?)
                    .map_err(|_| TreeError::Value("Negative ImportFrom level".to_owned()))?,
                is_lazy: false,
                runtime_level: None,
            }),
            "Global" => Stmt::Global(StmtGlobal { node_index, range, names: self.identifiers(field(0), range)? }),
            "Nonlocal" => Stmt::Nonlocal(StmtNonlocal { node_index, range, names: self.identifiers(field(0), range)? }),
            "Expr" => Stmt::Expr(StmtExpr { node_index, range, value: self.boxed(field(0))? }),
            "Pass" => Stmt::Pass(StmtPass { node_index, range }),
            "Break" => Stmt::Break(StmtBreak { node_index, range }),
            "Continue" => Stmt::Continue(StmtContinue { node_index, range }),
            other => return Err(TreeError::Type(format!("expected some sort of stmt, but got {other}"))),
        })
    }

    fn non_empty(&self, owner: &Node, name: &str, field: &Field) -> Built<Vec<Expr>> {
        let expressions = self.expressions(field)?;
        if expressions.is_empty() {
            return Err(TreeError::Value(format!("empty {name} on {}", owner.class)));
        }
        Ok(expressions)
    }

    fn build_if(&self, from: &Node) -> Built<StmtIf> {
        let orelse = self.statements(&from.fields[2])?;
        let elif_else_clauses = match orelse.first() {
            None => Vec::new(),
            Some(_) => vec![ElifElseClause {
                range: self.range(from),
                node_index: NO_INDEX,
                test: None,
                body: orelse.into_iter().collect(),
                runtime_body: None,
                runtime_orelse: None,
            }],
        };
        Ok(StmtIf {
            node_index: NO_INDEX,
            range: self.range(from),
            test: self.boxed(&from.fields[0])?,
            body: self.block(from, "body", &from.fields[1])?.into_iter().collect(),
            elif_else_clauses,
            runtime_body: None,
        })
    }

    fn build_try(&self, from: &Node) -> Built<StmtTry> {
        let handlers: Vec<ExceptHandler> =
            list(&from.fields[1])?.iter().map(|handler| self.build_handler(node(handler)?)).collect::<Built<_>>()?;
        let finalbody = self.statements(&from.fields[3])?;
        if handlers.is_empty() && finalbody.is_empty() {
            return Err(TreeError::Value(format!("{} has neither handlers nor finalbody", from.class)));
        }
        Ok(StmtTry {
            node_index: NO_INDEX,
            range: self.range(from),
            body: self.block(from, "body", &from.fields[0])?.into_iter().collect(),
            handlers,
            orelse: self.statements(&from.fields[2])?.into_iter().collect(),
            finalbody: finalbody.into_iter().collect(),
            is_star: from.class == "TryStar",
            runtime_body: None,
            runtime_handlers: None,
            runtime_orelse: None,
            runtime_finalbody: None,
        })
    }

    fn build_handler(&self, from: &Node) -> Built<ExceptHandler> {
        let range = self.range(from);
        Ok(ExceptHandler::ExceptHandler(ExceptHandlerExceptHandler {
            range,
            node_index: NO_INDEX,
            type_: self.optional(&from.fields[0])?,
            name: self.optional_identifier(&from.fields[1], range)?,
            body: self.block(from, "body", &from.fields[2])?.into_iter().collect(),
            runtime_body: None,
        }))
    }

    fn build_with_item(&self, from: &Node) -> Built<WithItem> {
        let context_expr = self.expression(node(&from.fields[0])?)?;
        Ok(WithItem {
            range: TextRange::default(),
            node_index: NO_INDEX,
            context_expr,
            optional_vars: self.optional(&from.fields[1])?,
        })
    }

    fn build_case(&self, from: &Node) -> Built<MatchCase> {
        let pattern = self.build_pattern(node(&from.fields[0])?)?;
        Ok(MatchCase {
            range: TextRange::default(),
            node_index: NO_INDEX,
            pattern,
            guard: self.optional(&from.fields[1])?,
            body: self.block(from, "body", &from.fields[2])?.into_iter().collect(),
            runtime_body: None,
        })
    }

    fn build_aliases(&self, field: &Field) -> Built<Vec<Alias>> {
        let build = |from: &Node| {
            let range = self.range(from);
            Ok(Alias {
                range,
                node_index: NO_INDEX,
                name: Identifier::new(text(&from.fields[0])?, range),
                asname: self.optional_identifier(&from.fields[1], range)?,
            })
        };
        list(field)?.iter().map(|alias| build(node(alias)?)).collect()
    }

    fn build_decorators(&self, field: &Field) -> Built<Vec<Decorator>> {
        let decorator = |expression: Expr| Decorator {
            range: ruff_text_size::Ranged::range(&expression),
            node_index: NO_INDEX,
            expression,
        };
        Ok(self.expressions(field)?.into_iter().map(decorator).collect())
    }

    fn build_type_params(&self, field: &Field, owner: TextRange) -> Built<Option<Box<TypeParams>>> {
        let build = |from: &Node| {
            let range = self.range(from);
            let node_index = NO_INDEX;
            let name = self.identifier(&from.fields[0], range)?;
            let default = self.optional(&from.fields[from.fields.len() - 1])?;
            Ok(match from.class {
                "TypeVar" => {
                    let bound = self.optional(&from.fields[1])?;
                    TypeParam::TypeVar(TypeParamTypeVar { node_index, range, name, bound, default })
                }
                "ParamSpec" => TypeParam::ParamSpec(TypeParamParamSpec { node_index, range, name, default }),
                _ => TypeParam::TypeVarTuple(TypeParamTypeVarTuple { node_index, range, name, default }),
            })
        };
        let type_params: Vec<TypeParam> = list(field)?.iter().map(|one| build(node(one)?)).collect::<Built<_>>()?;
        if type_params.is_empty() {
            return Ok(None);
        }
        let params = TypeParams { range: owner, node_index: NO_INDEX, type_params, runtime_type_params: None };
        Ok(Some(Box::new(params)))
    }

    pub fn build_parameters(&self, from: &Node) -> Built<Parameters> {
        let parameter = |field: &Field| {
            let from = node(field)?;
            let range = self.range(from);
            Ok(Parameter {
                range,
                node_index: NO_INDEX,
                name: self.identifier(&from.fields[0], range)?,
                annotation: self.optional(&from.fields[1])?,
                runtime_type_comment: None,
                runtime_type_comment_bytes: None,
            })
        };
        let all = |field: &Field| list(field)?.iter().map(parameter).collect::<Built<Vec<Parameter>>>();
        let variadic = |field: &Field| match field {
            Field::None => Ok(None),
            field => parameter(field).map(|one| Some(Box::new(one))),
        };
        let (posonly, args, kwonly) = (all(&from.fields[0])?, all(&from.fields[1])?, all(&from.fields[3])?);
        let keyword_defaults = list(&from.fields[4])?;
        if keyword_defaults.len() != kwonly.len() {
            let message = "length of kwonlyargs is not the same as kw_defaults on arguments";
            return Err(TreeError::Value(message.to_owned()));
        }
        let defaults = self.expressions(&from.fields[6])?;
        let positional = posonly.len() + args.len();
        if defaults.len() > positional {
            return Err(TreeError::Value("more positional defaults than args on arguments".to_owned()));
        }
        let without = std::iter::repeat_n(None, positional - defaults.len());
        let mut defaults = without.chain(defaults.into_iter().map(|default| Some(Box::new(default))));
        let with_default = |parameter: Parameter, default: Option<Box<Expr>>| ParameterWithDefault {
            range: parameter.range,
            node_index: NO_INDEX,
            parameter,
            default,
        };
        let posonlyargs = posonly.into_iter().map(|one| with_default(one, defaults.next().flatten())).collect();
        let args = args.into_iter().map(|one| with_default(one, defaults.next().flatten())).collect();
        let mut kwonlyargs = Vec::new();
        for (parameter, default) in kwonly.into_iter().zip(keyword_defaults) {
            kwonlyargs.push(with_default(parameter, self.optional(default)?));
        }
        Ok(Parameters {
            range: TextRange::default(),
            node_index: NO_INDEX,
            posonlyargs,
            args,
            vararg: variadic(&from.fields[2])?,
            kwonlyargs: kwonlyargs.into_iter().collect(),
            kwarg: variadic(&from.fields[5])?,
            runtime_defaults: None,
        })
    }
}
