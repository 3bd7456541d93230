//! Around a fault of the compiler crate: it finds the symbols of nested scopes by their order, and counts them in another order
//! than it compiles them in three places.
//!
//! ```python
//! table[tuple(x for x in key)] = sum(y for y in values)
//! for table[max(x for x in key)] in (y for y in values): pass
//! {max(x for x in key): (lambda: y), max(z for z in key): 1}
//! {max(x for x in key): (lambda: y) for k in keys}
//! ```
//!
//! The first generator expression is compiled with the second one's symbols. Such trees are said differently:
//!
//! - of an assignment and of a loop the value goes through a name of its own, `.value`. Its store and its load are neighbours, and
//!   [`without_detour`] takes both out of the code;
//! - of a dict display the items behind the first one become displays of one item, unpacked: `{k: v, **{k: v}}`;
//! - a dict comprehension gets both from an inner loop: `{.key: .value for … for (.key, .value) in [(k, v)]}`.

use crate::opcode::Op;
use crate::transform::transform;
use ruff_python_ast::visitor::transformer::{Transformer, walk_expr, walk_stmt};
use ruff_python_ast::visitor::{Visitor, walk_expr as visit_inside};
use ruff_python_ast::{
    AtomicNodeIndex, Comprehension, DictItem, Expr, ExprContext, ExprDict, ExprList, ExprName, ExprNumberLiteral,
    ExprTuple, Int, Mod, Number, Stmt, StmtAssign, StmtIf,
};
use ruff_text_size::{Ranged, TextRange};
use rustpython_compiler_core::bytecode::CodeObject;
use std::cell::Cell;
use std::mem::replace;

const VALUE: &str = ".value";
const KEY: &str = ".key";

/// Whether a source may need it: a cheap test that errs on the side of yes.
pub(crate) fn may_be_in(source: &str) -> bool {
    source.matches("for ").chain(source.matches("lambda")).nth(1).is_some()
}

/// Whether the message of an error says that the fault was met. (It need not be an error.)
pub(crate) fn is_this_fault(message: &str) -> bool {
    message.contains("must be present in the symbol table")
        || message.contains("symbol table available in")
        || message.contains("no matching symbol table")
}

/// Says what the compiler would get wrong differently; whether there was any.
pub(crate) fn work_around(module: &mut Mod) -> bool {
    let writer = Writer { found: Cell::new(false) };
    transform(module, &writer);
    writer.found.get()
}

struct Writer {
    found: Cell<bool>,
}

impl Transformer for Writer {
    fn visit_stmt(&self, statement: &mut Stmt) {
        walk_stmt(self, statement);
        match statement {
            Stmt::Assign(assign) if any_opens_scope(&assign.targets) && opens_scope(&assign.value) => {
                let (range, value_range) = (assign.range, assign.value.range());
                let value = replace(&mut *assign.value, name(VALUE, value_range, ExprContext::Load));
                self.store_first(statement, value, range);
            }
            Stmt::AnnAssign(assign) if opens_scope(&assign.target) => {
                let (range, Some(value)) = (assign.range, &mut assign.value) else { return };
                if opens_scope(value) {
                    let value_range = value.range();
                    let value = replace(&mut **value, name(VALUE, value_range, ExprContext::Load));
                    self.store_first(statement, value, range);
                }
            }
            Stmt::For(looping) if opens_scope(&looping.target) && opens_scope(&looping.iter) => {
                let range = looping.target.range();
                let target = replace(&mut *looping.target, name(VALUE, range, ExprContext::Store));
                looping.body.insert(0, assignment(target, name(VALUE, range, ExprContext::Load), range));
                self.found.set(true);
            }
            _ => {}
        }
    }

    fn visit_expr(&self, expression: &mut Expr) {
        walk_expr(self, expression);
        match expression {
            Expr::Dict(dict) if keys_and_values_mix(dict) => {
                for item in &mut dict.items[1..] {
                    if let Some(key) = item.key.take() {
                        let range = item.value.range();
                        let value = replace(&mut item.value, number(range));
                        let items = vec![DictItem { key: Some(key), value }];
                        item.value = Expr::Dict(ExprDict {
                            node_index: AtomicNodeIndex::NONE,
                            range,
                            items,
                            runtime_values: None,
                        });
                    }
                }
                self.found.set(true);
            }
            Expr::DictComp(comprehension) => {
                let Some(key) = comprehension.key.as_deref_mut() else { return };
                let value = &mut *comprehension.value;
                if opens_scope(key) && opens_scope(value) {
                    let (key_range, value_range) = (key.range(), value.range());
                    let both = |context| [name(KEY, key_range, context), name(VALUE, value_range, context)];
                    let [new_key, new_value] = both(ExprContext::Load);
                    let item = vec![replace(key, new_key), replace(value, new_value)];
                    let range = key_range;
                    let elts = vec![tuple(item, range, ExprContext::Load)];
                    let (node_index, ctx) = (AtomicNodeIndex::NONE, ExprContext::Load);
                    comprehension.generators.push(Comprehension {
                        node_index: AtomicNodeIndex::NONE,
                        range,
                        target: tuple(both(ExprContext::Store).into(), range, ExprContext::Store),
                        iter: Expr::List(ExprList { node_index, range, elts, ctx, runtime_elts: None }),
                        ifs: Vec::new(),
                        is_async: false,
                        runtime_ifs: None,
                        runtime_is_async: None,
                    });
                    self.found.set(true);
                }
            }
            _ => {}
        }
    }
}

impl Writer {
    /// `.value = value` before the statement, in one: `if 1:` is no code.
    fn store_first(&self, statement: &mut Stmt, value: Expr, range: TextRange) {
        let value_range = value.range();
        let store = assignment(name(VALUE, value_range, ExprContext::Store), value, range);
        let around = Stmt::If(StmtIf {
            node_index: AtomicNodeIndex::NONE,
            range,
            test: Box::new(number(range)),
            body: vec![store].into_iter().collect(),
            elif_else_clauses: Vec::new(),
            runtime_body: None,
        });
        let statement_itself = replace(statement, around);
        if let Stmt::If(both) = statement {
            both.body.push(statement_itself);
        }
        self.found.set(true);
    }
}

/// Whether a key that opens a scope follows a value that does.
fn keys_and_values_mix(dict: &ExprDict) -> bool {
    let mut values = dict.items.iter().scan(false, |any, item| Some(replace(any, *any || opens_scope(&item.value))));
    dict.items.iter().any(|item| values.next() == Some(true) && item.key.as_ref().is_some_and(opens_scope))
}

fn any_opens_scope<'a>(expressions: impl IntoIterator<Item = &'a Expr>) -> bool {
    expressions.into_iter().any(opens_scope)
}

/// Whether an expression holds a lambda or a comprehension.
fn opens_scope(expression: &Expr) -> bool {
    struct Finder(bool);
    impl<'a> Visitor<'a> for Finder {
        fn visit_expr(&mut self, expression: &'a Expr) {
            self.0 |= matches!(
                expression,
                Expr::Lambda(_) | Expr::Generator(_) | Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_)
            );
            if !self.0 {
                visit_inside(self, expression);
            }
        }
    }
    let mut finder = Finder(false);
    finder.visit_expr(expression);
    finder.0
}

fn name(id: &str, range: TextRange, ctx: ExprContext) -> Expr {
    Expr::Name(ExprName { node_index: AtomicNodeIndex::NONE, range, id: id.into(), ctx })
}

fn tuple(elts: Vec<Expr>, range: TextRange, ctx: ExprContext) -> Expr {
    let (node_index, parenthesized, runtime_elts) = (AtomicNodeIndex::NONE, true, None);
    Expr::Tuple(ExprTuple { node_index, range, elts, ctx, parenthesized, runtime_elts })
}

fn number(range: TextRange) -> Expr {
    Expr::NumberLiteral(ExprNumberLiteral { node_index: AtomicNodeIndex::NONE, range, value: Number::Int(Int::ONE) })
}

fn assignment(target: Expr, value: Expr, range: TextRange) -> Stmt {
    Stmt::Assign(StmtAssign {
        node_index: AtomicNodeIndex::NONE,
        range,
        targets: [target].into_iter().collect(),
        value: Box::new(value),
        runtime_targets: None,
        runtime_type_comment: None,
        runtime_type_comment_bytes: None,
    })
}

/// Takes the stores to `.value` with the loads behind them out of the bytecode of one code object.
pub(crate) fn without_detour(code: &CodeObject, code_bytes: &mut [u8]) {
    let place = |names: &[String]| names.iter().position(|name| name == VALUE).map(|at| at as u32);
    let (local, global) = (place(&code.varnames), place(&code.names));
    if local.is_none() && global.is_none() {
        return;
    }
    let is_nothing = |first: u8, arg: u32| {
        Op::from_number(first) == Some(Op::StoreFastLoadFast) && local.is_some_and(|at| arg == at << 4 | at)
    };
    let is_pair = |(first, stored): (u8, u32), (second, loaded): (u8, u32)| {
        let name = match (Op::from_number(first), Op::from_number(second)) {
            (Some(Op::StoreFast), Some(Op::LoadFast | Op::LoadFastBorrow | Op::LoadFastCheck)) => local,
            (Some(Op::StoreName), Some(Op::LoadName)) => global,
            _ => None,
        };
        name.is_some() && name == Some(stored) && stored == loaded
    };
    let nothing = Op::Nop as u8;
    let mut before: Option<(usize, u8, u32)> = None;
    let (mut start, mut unit, mut arg) = (0, 0, 0);
    while 2 * unit < code_bytes.len() {
        let [number, low] = [code_bytes[2 * unit], code_bytes[2 * unit + 1]];
        arg = arg << 8 | u32::from(low);
        let Some(op) = Op::from_number(number) else { return };
        unit += 1;
        if op == Op::ExtendedArg {
            continue;
        }
        let gone = match before {
            _ if is_nothing(number, arg) => Some(start),
            Some((from, first, stored)) if is_pair((first, stored), (number, arg)) => Some(from),
            _ => None,
        };
        if let Some(from) = gone {
            code_bytes[2 * from..2 * unit].as_chunks_mut::<2>().0.fill([nothing, 0]);
        }
        before = Some((start, number, arg));
        unit += op.cache_units();
        (start, arg) = (unit, 0);
    }
}
