//! Building expressions, patterns and literals.

use super::build::{Builder, Built, NO_INDEX, TreeError, int, list, node};
use super::{Field, Node};
use crate::code::Const;
use ruff_python_ast::*;
use ruff_text_size::TextRange;

impl Builder {
    pub fn expression(&self, from: &Node) -> Built<Expr> {
        let range = self.range(from);
        let node_index = NO_INDEX;
        let field = |index: usize| &from.fields[index];
        Ok(match from.class {
            "BoolOp" => {
                let values = self.expressions(field(1))?;
                if values.len() < 2 {
                    return Err(TreeError::Value("BoolOp with less than 2 values".to_owned()));
                }
                let op = if node(field(0))?.class == "And" { BoolOp::And } else { BoolOp::Or };
                Expr::BoolOp(ExprBoolOp { node_index, range, op, values, runtime_values: None })
            }
            "NamedExpr" => Expr::Named(ExprNamed {
                node_index,
                range,
                target: self.boxed(field(0))?,
                value: self.boxed(field(1))?,
            }),
            "BinOp" => Expr::BinOp(ExprBinOp {
                node_index,
                range,
                left: self.boxed(field(0))?,
                op: operator(node(field(1))?)?,
                right: self.boxed(field(2))?,
            }),
            "UnaryOp" => {
                let op = match node(field(0))?.class {
                    "Invert" => UnaryOp::Invert,
                    "Not" => UnaryOp::Not,
                    "UAdd" => UnaryOp::UAdd,
                    _ => UnaryOp::USub,
                };
                Expr::UnaryOp(ExprUnaryOp { node_index, range, op, operand: self.boxed(field(1))? })
            }
            "Lambda" => Expr::Lambda(ExprLambda {
                node_index,
                range,
                parameters: Some(Box::new(self.build_parameters(node(field(0))?)?)),
                body: self.boxed(field(1))?,
            }),
            "IfExp" => Expr::If(ExprIf {
                node_index,
                range,
                test: self.boxed(field(0))?,
                body: self.boxed(field(1))?,
                orelse: self.boxed(field(2))?,
            }),
            "Dict" => self.build_dict(from)?,
            "Set" => Expr::Set(ExprSet { node_index, range, elts: self.expressions(field(0))?, runtime_elts: None }),
            "ListComp" => Expr::ListComp(ExprListComp {
                node_index,
                range,
                elt: self.boxed(field(0))?,
                generators: self.build_generators(from, field(1))?,
            }),
            "SetComp" => Expr::SetComp(ExprSetComp {
                node_index,
                range,
                elt: self.boxed(field(0))?,
                generators: self.build_generators(from, field(1))?,
            }),
            "DictComp" => Expr::DictComp(ExprDictComp {
                node_index,
                range,
                key: self.optional(field(0))?,
                value: self.boxed(field(1))?,
                generators: self.build_generators(from, field(2))?,
            }),
            "GeneratorExp" => Expr::Generator(ExprGenerator {
                node_index,
                range,
                elt: self.boxed(field(0))?,
                generators: self.build_generators(from, field(1))?,
                parenthesized: true,
            }),
            "Await" => Expr::Await(ExprAwait { node_index, range, value: self.boxed(field(0))? }),
            "Yield" => Expr::Yield(ExprYield { node_index, range, value: self.optional(field(0))? }),
            "YieldFrom" => Expr::YieldFrom(ExprYieldFrom { node_index, range, value: self.boxed(field(0))? }),
            "Compare" => self.build_compare(from)?,
            "Call" => Expr::Call(ExprCall {
                node_index,
                range_start: range.start(),
                func: self.boxed(field(0))?,
                arguments: self.build_arguments(field(1), field(2), range)?,
            }),
            "JoinedStr" | "FormattedValue" => self.build_f_string(from)?,
            "TemplateStr" | "Interpolation" => self.build_t_string(from)?,
            "Constant" => match field(0) {
                Field::Constant(value) => self.build_constant(value, field(1), range)?,
                _ => return Err(TreeError::Type("got an invalid type in Constant".to_owned())),
            },
            "Attribute" => Expr::Attribute(ExprAttribute {
                node_index,
                range,
                value: self.boxed(field(0))?,
                attr: self.identifier(field(1), range)?,
                ctx: context(field(2))?,
            }),
            "Subscript" => Expr::Subscript(ExprSubscript {
                node_index,
                range,
                value: self.boxed(field(0))?,
                slice: self.boxed(field(1))?,
                ctx: context(field(2))?,
            }),
            "Starred" => {
                let value = self.boxed(field(0))?;
                Expr::Starred(ExprStarred { node_index, range, value, ctx: context(field(1))? })
            }
            "Name" => {
                let id = self.identifier(field(0), range)?.id;
                Expr::Name(ExprName { node_index, range, id, ctx: context(field(1))? })
            }
            "List" => Expr::List(ExprList {
                node_index,
                range,
                elts: self.expressions(field(0))?,
                ctx: context(field(1))?,
                runtime_elts: None,
            }),
            "Tuple" => Expr::Tuple(ExprTuple {
                node_index,
                range,
                elts: self.expressions(field(0))?,
                ctx: context(field(1))?,
                parenthesized: true,
                runtime_elts: None,
            }),
            "Slice" => Expr::Slice(ExprSlice {
                node_index,
                range,
                lower: self.optional(field(0))?,
                upper: self.optional(field(1))?,
                step: self.optional(field(2))?,
            }),
            other => return Err(TreeError::Type(format!("expected some sort of expr, but got {other}"))),
        })
    }

    fn build_dict(&self, from: &Node) -> Built<Expr> {
        let (keys, values) = (list(&from.fields[0])?, list(&from.fields[1])?);
        if keys.len() != values.len() {
            return Err(TreeError::Value("Dict doesn't have the same number of keys as values".to_owned()));
        }
        let mut items = Vec::new();
        for (key, value) in keys.iter().zip(values) {
            let key = self.optional(key)?.map(|key| *key);
            items.push(DictItem { key, value: self.expression(node(value)?)? });
        }
        let range = self.range(from);
        Ok(Expr::Dict(ExprDict { node_index: NO_INDEX, range, items, runtime_values: None }))
    }

    fn build_compare(&self, from: &Node) -> Built<Expr> {
        let comparators = self.expressions(&from.fields[2])?;
        let ops = list(&from.fields[1])?.iter().map(|op| comparison(node(op)?)).collect::<Built<Vec<_>>>()?;
        if comparators.is_empty() {
            return Err(TreeError::Value("Compare has no comparators".to_owned()));
        }
        if comparators.len() != ops.len() {
            let message = "Compare has a different number of comparators and operands";
            return Err(TreeError::Value(message.to_owned()));
        }
        Ok(Expr::Compare(ExprCompare {
            node_index: NO_INDEX,
            range: self.range(from),
            left: self.boxed(&from.fields[0])?,
            ops: ops.into(),
            comparators: comparators.into(),
            runtime_comparators: None,
        }))
    }

    pub fn build_arguments(&self, args: &Field, keywords: &Field, range: TextRange) -> Built<Arguments> {
        let keyword = |from: &Node| {
            let range = self.range(from);
            let value = self.expression(node(&from.fields[1])?)?;
            let arg = self.optional_identifier(&from.fields[0], range)?;
            Ok(Keyword { range, node_index: NO_INDEX, arg, value })
        };
        let keywords = list(keywords)?.iter().map(|one| keyword(node(one)?)).collect::<Built<Vec<_>>>()?;
        Ok(Arguments {
            range,
            node_index: NO_INDEX,
            args: self.expressions(args)?.into(),
            keywords: keywords.into_iter().collect(),
            runtime_args: None,
            runtime_bases: None,
        })
    }

    fn build_generators(&self, owner: &Node, field: &Field) -> Built<Vec<Comprehension>> {
        let generators = list(field)?;
        if generators.is_empty() {
            return Err(TreeError::Value("comprehension with no generators".to_owned()));
        }
        let build = |from: &Node| {
            Ok(Comprehension {
                range: self.range(owner),
                node_index: NO_INDEX,
                target: self.expression(node(&from.fields[0])?)?,
                iter: self.expression(node(&from.fields[1])?)?,
                ifs: self.expressions(&from.fields[2])?,
                is_async: int(&from.fields[3])? != 0,
                runtime_ifs: None,
                runtime_is_async: None,
            })
        };
        generators.iter().map(|one| build(node(one)?)).collect()
    }

    fn build_constant(&self, value: &Const, kind: &Field, range: TextRange) -> Built<Expr> {
        let node_index = NO_INDEX;
        let number = |value| Expr::NumberLiteral(ExprNumberLiteral { node_index: NO_INDEX, range, value });
        Ok(match value {
            Const::None => Expr::NoneLiteral(ExprNoneLiteral { node_index, range }),
            Const::True => Expr::BooleanLiteral(ExprBooleanLiteral { node_index, range, value: true }),
            Const::False => Expr::BooleanLiteral(ExprBooleanLiteral { node_index, range, value: false }),
            Const::Ellipsis => Expr::EllipsisLiteral(ExprEllipsisLiteral { node_index, range }),
            Const::Int(value) if *value >= 0 => number(Number::Int(Int::from(value.unsigned_abs()))),
            Const::Float(value) => number(Number::Float(*value)),
            Const::Complex(real, imag) => number(Number::Complex { real: *real, imag: *imag }),
            // The compiler would look such a text up in the source.
            Const::Str(text) if !text.contains(char::REPLACEMENT_CHARACTER) => {
                let flags = StringLiteralFlags::empty();
                let literal = StringLiteral { range, node_index: NO_INDEX, value: text.clone(), flags };
                Expr::StringLiteral(ExprStringLiteral { node_index, range, value: StringLiteralValue::single(literal) })
            }
            Const::Bytes(bytes) => {
                let flags = BytesLiteralFlags::empty();
                let literal = BytesLiteral { range, node_index: NO_INDEX, value: bytes.clone(), flags };
                Expr::BytesLiteral(ExprBytesLiteral { node_index, range, value: BytesLiteralValue::single(literal) })
            }
            other => {
                let kind = match kind {
                    Field::Text(kind) => Some(kind.clone()),
                    _ => None,
                };
                let value = constant_value(other)?;
                Expr::Constant(ExprConstant { node_index, range, value, kind, invalid_type: None })
            }
        })
    }

    /// A `FormattedValue` alone is an f-string of one field.
    fn build_f_string(&self, from: &Node) -> Built<Expr> {
        let range = self.range(from);
        let elements = match from.class {
            "JoinedStr" => self.build_elements(list(&from.fields[0])?)?,
            _ => vec![InterpolatedStringElement::Interpolation(self.build_field(from)?)],
        };
        let flags = FStringFlags::empty();
        let string = FString { range, node_index: NO_INDEX, elements: elements.into(), flags };
        Ok(Expr::FString(ExprFString {
            node_index: NO_INDEX,
            range,
            value: FStringValue::single(string),
            runtime_joined_str: None,
            runtime_values: None,
        }))
    }

    /// The compiler takes the parts of a template made at run time as expressions; a part alone is an `Interpolation`.
    fn build_t_string(&self, from: &Node) -> Built<Expr> {
        let range = self.range(from);
        let (elements, parts) = match from.class {
            "TemplateStr" => (Vec::new(), Some(self.expressions(&from.fields[0])?)),
            _ => (vec![InterpolatedStringElement::Interpolation(self.build_interpolation(from)?)], None),
        };
        let flags = TStringFlags::empty();
        let string = TString { range, node_index: NO_INDEX, elements: elements.into(), flags };
        Ok(Expr::TString(ExprTString {
            node_index: NO_INDEX,
            range,
            value: TStringValue::single(string),
            runtime_template_str: parts,
            runtime_values: None,
        }))
    }

    fn build_interpolation(&self, from: &Node) -> Built<InterpolatedElement> {
        let Field::Constant(text) = &from.fields[1] else {
            return Err(TreeError::Type("got an invalid type in Interpolation".to_owned()));
        };
        Ok(InterpolatedElement {
            range: self.range(from),
            node_index: NO_INDEX,
            expression: self.boxed(&from.fields[0])?,
            debug_text: None,
            conversion: conversion(&from.fields[2])?,
            format_spec: None,
            runtime_str: Some(constant_value(text)?),
            runtime_interpolation_format_spec: self.optional(&from.fields[3])?,
            runtime_formatted_value_format_spec: None,
        })
    }

    fn build_elements(&self, values: &[Field]) -> Built<Vec<InterpolatedStringElement>> {
        let build = |from: &Node| {
            let range = self.range(from);
            match (from.class, from.fields.first()) {
                ("Constant", Some(Field::Constant(Const::Str(text)))) => {
                    let value = text.clone();
                    let literal = InterpolatedStringLiteralElement { range, node_index: NO_INDEX, value };
                    Ok(InterpolatedStringElement::Literal(literal))
                }
                ("FormattedValue", _) => self.build_field(from).map(InterpolatedStringElement::Interpolation),
                // Anything else is formatted as a field would be.
                _ => Ok(InterpolatedStringElement::Interpolation(InterpolatedElement {
                    range,
                    node_index: NO_INDEX,
                    expression: Box::new(self.expression(from)?),
                    debug_text: None,
                    conversion: ConversionFlag::None,
                    format_spec: None,
                    runtime_str: None,
                    runtime_interpolation_format_spec: None,
                    runtime_formatted_value_format_spec: None,
                })),
            }
        };
        values.iter().map(|value| build(node(value)?)).collect()
    }

    fn build_field(&self, from: &Node) -> Built<InterpolatedElement> {
        let format_spec = match &from.fields[2] {
            Field::None => None,
            field => {
                let spec = node(field)?;
                let elements = match spec.class {
                    "JoinedStr" => self.build_elements(list(&spec.fields[0])?)?,
                    _ => self.build_elements(std::slice::from_ref(field))?,
                };
                let range = self.range(spec);
                let elements = elements.into();
                Some(Box::new(InterpolatedStringFormatSpec { range, node_index: NO_INDEX, elements }))
            }
        };
        Ok(InterpolatedElement {
            range: self.range(from),
            node_index: NO_INDEX,
            expression: self.boxed(&from.fields[0])?,
            debug_text: None,
            conversion: conversion(&from.fields[1])?,
            format_spec,
            runtime_str: None,
            runtime_interpolation_format_spec: None,
            runtime_formatted_value_format_spec: None,
        })
    }

    pub fn build_pattern(&self, from: &Node) -> Built<Pattern> {
        let range = self.range(from);
        let node_index = NO_INDEX;
        let field = |index: usize| &from.fields[index];
        let patterns = |field: &Field| {
            list(field)?.iter().map(|pattern| self.build_pattern(node(pattern)?)).collect::<Built<Vec<Pattern>>>()
        };
        Ok(match from.class {
            "MatchValue" => Pattern::MatchValue(PatternMatchValue { node_index, range, value: self.boxed(field(0))? }),
            "MatchSingleton" => {
                let value = match field(0) {
                    Field::Constant(Const::True) => Singleton::True,
                    Field::Constant(Const::False) => Singleton::False,
                    Field::Constant(Const::None) => Singleton::None,
                    _ => {
                        let message = "MatchSingleton can only contain True, False and None";
                        return Err(TreeError::Value(message.to_owned()));
                    }
                };
                Pattern::MatchSingleton(PatternMatchSingleton { node_index, range, value })
            }
            "MatchSequence" => Pattern::MatchSequence(PatternMatchSequence {
                node_index,
                range,
                patterns: patterns(field(0))?,
                runtime_patterns: None,
            }),
            "MatchMapping" => Pattern::MatchMapping(PatternMatchMapping {
                node_index,
                range,
                keys: self.expressions(field(0))?.into_iter().collect(),
                patterns: patterns(field(1))?.into_iter().collect(),
                rest: self.optional_identifier(field(2), range)?,
                runtime_keys: None,
                runtime_patterns: None,
            }),
            "MatchClass" => {
                let names = self.identifiers(field(2), range)?;
                let keywords = names.into_iter().zip(patterns(field(3))?);
                let keyword = |(attr, pattern): (Identifier, Pattern)| PatternKeyword {
                    range,
                    node_index: NO_INDEX,
                    attr,
                    pattern,
                };
                let arguments = PatternArguments {
                    range,
                    node_index: NO_INDEX,
                    patterns: patterns(field(1))?.into_iter().collect(),
                    keywords: keywords.map(keyword).collect(),
                };
                Pattern::MatchClass(PatternMatchClass {
                    node_index,
                    range,
                    cls: self.boxed(field(0))?,
                    arguments,
                    runtime_patterns: None,
                    runtime_kwd_attrs: None,
                    runtime_kwd_patterns: None,
                })
            }
            "MatchStar" => {
                let name = self.optional_identifier(field(0), range)?;
                Pattern::MatchStar(PatternMatchStar { node_index, range, name })
            }
            "MatchAs" => {
                let pattern = match field(0) {
                    Field::None => None,
                    inner => Some(Box::new(self.build_pattern(node(inner)?)?)),
                };
                let name = self.optional_identifier(field(1), range)?;
                Pattern::MatchAs(PatternMatchAs { node_index, range, pattern, name })
            }
            "MatchOr" => Pattern::MatchOr(PatternMatchOr {
                node_index,
                range,
                patterns: patterns(field(0))?,
                runtime_patterns: None,
            }),
            other => return Err(TreeError::Type(format!("expected some sort of pattern, but got {other}"))),
        })
    }
}

fn conversion(field: &Field) -> Built<ConversionFlag> {
    match int(field)? {
        115 => Ok(ConversionFlag::Str),
        114 => Ok(ConversionFlag::Repr),
        97 => Ok(ConversionFlag::Ascii),
        -1 => Ok(ConversionFlag::None),
        other => Err(TreeError::Value(format!("Unrecognized conversion character {other}"))),
    }
}

fn context(field: &Field) -> Built<ExprContext> {
    Ok(match node(field)?.class {
        "Store" => ExprContext::Store,
        "Del" => ExprContext::Del,
        _ => ExprContext::Load,
    })
}

pub(super) fn operator(from: &Node) -> Built<Operator> {
    Ok(match from.class {
        "Add" => Operator::Add,
        "Sub" => Operator::Sub,
        "Mult" => Operator::Mult,
        "MatMult" => Operator::MatMult,
        "Div" => Operator::Div,
        "Mod" => Operator::Mod,
        "Pow" => Operator::Pow,
        "LShift" => Operator::LShift,
        "RShift" => Operator::RShift,
        "BitOr" => Operator::BitOr,
        "BitXor" => Operator::BitXor,
        "BitAnd" => Operator::BitAnd,
        "FloorDiv" => Operator::FloorDiv,
        other => return Err(TreeError::Type(format!("expected some sort of operator, but got {other}"))),
    })
}

fn comparison(from: &Node) -> Built<CmpOp> {
    Ok(match from.class {
        "Eq" => CmpOp::Eq,
        "NotEq" => CmpOp::NotEq,
        "Lt" => CmpOp::Lt,
        "LtE" => CmpOp::LtE,
        "Gt" => CmpOp::Gt,
        "GtE" => CmpOp::GtE,
        "Is" => CmpOp::Is,
        "IsNot" => CmpOp::IsNot,
        "In" => CmpOp::In,
        "NotIn" => CmpOp::NotIn,
        other => return Err(TreeError::Type(format!("expected some sort of cmpop, but got {other}"))),
    })
}

fn constant_value(value: &Const) -> Built<ConstantValue> {
    let all = |elements: &[Const]| elements.iter().map(constant_value).collect::<Built<Vec<_>>>();
    Ok(match value {
        Const::None => ConstantValue::None,
        Const::True => ConstantValue::Boolean(true),
        Const::False => ConstantValue::Boolean(false),
        Const::Ellipsis => ConstantValue::Ellipsis,
        Const::Int(value) => ConstantValue::Integer(value.to_string().into()),
        Const::BigInt(value) => ConstantValue::Integer(value.to_string().into()),
        Const::Float(value) => ConstantValue::Float(*value),
        Const::Complex(real, imag) => ConstantValue::Complex { real: *real, imag: *imag },
        Const::Str(text) => ConstantValue::Str(text.clone()),
        // The parser's tree has no place for lone surrogates.
        Const::Wtf8(bytes) => ConstantValue::Str(String::from_utf8_lossy(bytes).into()),
        Const::Bytes(bytes) => ConstantValue::Bytes(bytes.clone()),
        Const::Tuple(elements) => ConstantValue::Tuple(all(elements)?),
        Const::FrozenSet(elements) => ConstantValue::Frozenset(all(elements)?),
        Const::Slice(_) | Const::Code(_) => {
            return Err(TreeError::Type("got an invalid type in Constant".to_owned()));
        }
    })
}
