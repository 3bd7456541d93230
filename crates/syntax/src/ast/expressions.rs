//! Expressions.

use super::read::Reader;
use super::{Field, Node};
use crate::code::Const;
use crate::compile::integer;
use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, ConstantValue, Expr, ExprContext, Keyword, Number, Operator, UnaryOp,
};
use ruff_text_size::{Ranged, TextRange};
use rustpython_codegen::compile::ruff_int_to_bigint;

impl Reader {
    pub fn expression(&self, expression: &Expr) -> Node {
        let node = |class, fields| self.node(class, expression, fields);
        let sub = |expression: &Expr| Field::from(self.expression(expression));
        match expression {
            Expr::BoolOp(e) => {
                let class = match e.op {
                    BoolOp::And => "And",
                    BoolOp::Or => "Or",
                };
                node("BoolOp", vec![plain(class), self.expressions(&e.values)])
            }
            Expr::Named(e) => node("NamedExpr", vec![sub(&e.target), sub(&e.value)]),
            Expr::BinOp(e) => node("BinOp", vec![sub(&e.left), plain(operator_class(e.op)), sub(&e.right)]),
            Expr::UnaryOp(e) => {
                let class = match e.op {
                    UnaryOp::Invert => "Invert",
                    UnaryOp::Not => "Not",
                    UnaryOp::UAdd => "UAdd",
                    UnaryOp::USub => "USub",
                };
                node("UnaryOp", vec![plain(class), sub(&e.operand)])
            }
            Expr::Lambda(e) => {
                let parameters = match &e.parameters {
                    Some(parameters) => self.parameters(parameters),
                    None => self.parameters(&Default::default()),
                };
                node("Lambda", vec![parameters.into(), sub(&e.body)])
            }
            Expr::If(e) => node("IfExp", vec![sub(&e.test), sub(&e.body), sub(&e.orelse)]),
            Expr::Dict(e) => {
                let keys = e.items.iter().map(|item| self.optional(item.key.as_ref())).collect();
                node("Dict", vec![Field::List(keys), self.expressions(e.items.iter().map(|item| &item.value))])
            }
            Expr::Set(e) => node("Set", vec![self.expressions(&e.elts)]),
            Expr::ListComp(e) => node("ListComp", vec![sub(&e.elt), self.generators(&e.generators)]),
            Expr::SetComp(e) => node("SetComp", vec![sub(&e.elt), self.generators(&e.generators)]),
            Expr::DictComp(e) => {
                let key = self.optional(e.key.as_deref());
                node("DictComp", vec![key, sub(&e.value), self.generators(&e.generators)])
            }
            Expr::Generator(e) => node("GeneratorExp", vec![sub(&e.elt), self.generators(&e.generators)]),
            Expr::Await(e) => node("Await", vec![sub(&e.value)]),
            Expr::Yield(e) => node("Yield", vec![self.optional(e.value.as_deref())]),
            Expr::YieldFrom(e) => node("YieldFrom", vec![sub(&e.value)]),
            Expr::Compare(e) => {
                let operators = e.ops.iter().map(|&op| plain(comparison_class(op))).collect();
                node("Compare", vec![sub(&e.left), Field::List(operators), self.expressions(&e.comparators)])
            }
            Expr::Call(e) => {
                let arguments = match &*e.arguments.args {
                    // The brackets of the call are those of the generator.
                    [Expr::Generator(only)] if !only.parenthesized => {
                        let mut generator = self.expression(&e.arguments.args[0]);
                        generator.span = Some(self.span(e.arguments.range));
                        vec![generator].into()
                    }
                    all => self.expressions(all),
                };
                node("Call", vec![sub(&e.func), arguments, self.keywords(&e.arguments.keywords)])
            }
            Expr::FString(e) => self.f_string(e),
            Expr::TString(e) => self.t_string(e),
            Expr::StringLiteral(e) => self.string(e),
            Expr::BytesLiteral(e) => {
                let bytes: Vec<u8> = e.value.bytes().collect();
                self.constant(e, Const::Bytes(bytes.into()))
            }
            Expr::NumberLiteral(e) => self.constant(e, number(&e.value)),
            Expr::BooleanLiteral(e) => self.constant(e, if e.value { Const::True } else { Const::False }),
            Expr::NoneLiteral(e) => self.constant(e, Const::None),
            Expr::EllipsisLiteral(e) => self.constant(e, Const::Ellipsis),
            Expr::Attribute(e) => node("Attribute", vec![sub(&e.value), e.attr.as_str().into(), context(e.ctx)]),
            Expr::Subscript(e) => node("Subscript", vec![sub(&e.value), sub(&e.slice), context(e.ctx)]),
            Expr::Starred(e) => node("Starred", vec![sub(&e.value), context(e.ctx)]),
            Expr::Name(e) => node("Name", vec![e.id.as_str().into(), context(e.ctx)]),
            Expr::List(e) => node("List", vec![self.expressions(&e.elts), context(e.ctx)]),
            Expr::Tuple(e) => node("Tuple", vec![self.expressions(&e.elts), context(e.ctx)]),
            Expr::Slice(e) => {
                let part = |part: &Option<Box<Expr>>| self.optional(part.as_deref());
                node("Slice", vec![part(&e.lower), part(&e.upper), part(&e.step)])
            }
            // The parser makes neither from source.
            Expr::Constant(e) => self.constant(e, runtime_constant(&e.value)),
            Expr::IpyEscapeCommand(e) => self.constant(e, Const::None),
        }
    }

    pub fn constant(&self, place: &impl Ranged, value: Const) -> Node {
        self.node("Constant", place, vec![Field::Constant(value), Field::None])
    }

    pub fn keywords(&self, keywords: &[Keyword]) -> Field {
        let read = |keyword: &Keyword| {
            let name = super::statements::identifier(keyword.arg.as_ref());
            Field::from(self.node("keyword", keyword, vec![name, self.expression(&keyword.value).into()]))
        };
        Field::List(keywords.iter().map(read).collect())
    }

    fn generators(&self, generators: &[Comprehension]) -> Field {
        let read = |one: &Comprehension| {
            let fields = vec![
                self.expression(&one.target).into(),
                self.expression(&one.iter).into(),
                self.expressions(&one.ifs),
                Field::Int(i64::from(one.is_async)),
            ];
            Field::from(Node::new("comprehension", None, fields))
        };
        Field::List(generators.iter().map(read).collect())
    }

    pub fn source_of(&self, range: TextRange) -> &str {
        &self.file.source_text()[range.start().to_usize()..range.end().to_usize()]
    }
}

/// A node without fields or place.
fn plain(class: &'static str) -> Field {
    Node::new(class, None, Vec::new()).into()
}

fn context(context: ExprContext) -> Field {
    plain(match context {
        ExprContext::Load | ExprContext::Invalid => "Load",
        ExprContext::Store => "Store",
        ExprContext::Del => "Del",
    })
}

pub(super) fn operator_class(operator: Operator) -> &'static str {
    match operator {
        Operator::Add => "Add",
        Operator::Sub => "Sub",
        Operator::Mult => "Mult",
        Operator::MatMult => "MatMult",
        Operator::Div => "Div",
        Operator::Mod => "Mod",
        Operator::Pow => "Pow",
        Operator::LShift => "LShift",
        Operator::RShift => "RShift",
        Operator::BitOr => "BitOr",
        Operator::BitXor => "BitXor",
        Operator::BitAnd => "BitAnd",
        Operator::FloorDiv => "FloorDiv",
    }
}

fn comparison_class(operator: CmpOp) -> &'static str {
    match operator {
        CmpOp::Eq => "Eq",
        CmpOp::NotEq => "NotEq",
        CmpOp::Lt => "Lt",
        CmpOp::LtE => "LtE",
        CmpOp::Gt => "Gt",
        CmpOp::GtE => "GtE",
        CmpOp::Is => "Is",
        CmpOp::IsNot => "IsNot",
        CmpOp::In => "In",
        CmpOp::NotIn => "NotIn",
    }
}

fn number(number: &Number) -> Const {
    match number {
        // A literal too long for the digits limit has been refused before.
        Number::Int(value) => ruff_int_to_bigint(value).map_or(Const::None, integer),
        Number::Float(value) => Const::Float(*value),
        Number::Complex { real, imag } => Const::Complex(*real, *imag),
    }
}

fn runtime_constant(_value: &ConstantValue) -> Const {
    Const::None
}
