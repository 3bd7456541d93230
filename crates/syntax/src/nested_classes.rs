//! Around a fault of the compiler crate: it cannot compile a class with conditional annotations anywhere in a class.
//!
//! ```python
//! class Outer:
//!     class Inner:
//!         if condition:
//!             field: int
//! ```
//!
//! The hidden variable `__conditional_annotations__` of the inner class, through which its `__annotate__` knows what
//! ran, is looked for in the outer class. It is found in the inner one if the inner one binds it, so that it is given a
//! binding that no run reaches: `if 0: __conditional_annotations__ = 0` at its end.

use crate::transform::transform;
use ruff_python_ast::visitor::transformer::{Transformer, walk_stmt};
use ruff_python_ast::{
    AtomicNodeIndex, ExceptHandler, Expr, ExprContext, ExprName, ExprNumberLiteral, Int, Mod, Number, Stmt, StmtAssign,
    StmtIf,
};
use ruff_text_size::{Ranged, TextRange};
use std::cell::Cell;

const HIDDEN_NAME: &str = "__conditional_annotations__";

/// Whether the message of an error says that the fault was met.
pub(crate) fn is_this_fault(message: &str) -> bool {
    message.contains(HIDDEN_NAME)
}

/// Adds the unreachable binding to each class that needs it.
pub(crate) fn work_around(module: &mut Mod) {
    transform(module, &Adder { class_depth: Cell::new(0) });
}

struct Adder {
    /// How many classes are around.
    class_depth: Cell<u32>,
}

impl Transformer for Adder {
    fn visit_stmt(&self, statement: &mut Stmt) {
        let Stmt::ClassDef(class) = statement else {
            return walk_stmt(self, statement);
        };
        let depth = self.class_depth.get();
        if depth > 0 && has_conditional_annotation(&class.body, false) {
            let range = class.body.last().map_or(class.range, Ranged::range);
            class.body.push(unreachable_binding(range));
        }
        self.class_depth.set(depth + 1);
        walk_stmt(self, statement);
        self.class_depth.set(depth);
    }
}

/// Whether a class body has an annotated name in a statement that may not run, functions and classes in it aside.
fn has_conditional_annotation(body: &[Stmt], is_conditional: bool) -> bool {
    let inner = |body: &[Stmt]| has_conditional_annotation(body, true);
    body.iter().any(|statement| match statement {
        Stmt::AnnAssign(_) => is_conditional,
        Stmt::If(branch) => inner(&branch.body) || branch.elif_else_clauses.iter().any(|clause| inner(&clause.body)),
        Stmt::For(looping) => inner(&looping.body) || inner(&looping.orelse),
        Stmt::While(looping) => inner(&looping.body) || inner(&looping.orelse),
        Stmt::With(with) => inner(&with.body),
        Stmt::Match(matching) => matching.cases.iter().any(|case| inner(&case.body)),
        Stmt::Try(guarded) => {
            let in_handlers = guarded.handlers.iter().any(|handler| {
                let ExceptHandler::ExceptHandler(handler) = handler;
                inner(&handler.body)
            });
            inner(&guarded.body) || in_handlers || inner(&guarded.orelse) || inner(&guarded.finalbody)
        }
        _ => false,
    })
}

/// `if 0: __conditional_annotations__ = 0`
fn unreachable_binding(range: TextRange) -> Stmt {
    let node_index = || AtomicNodeIndex::NONE;
    let zero = || {
        let value = Number::Int(Int::ZERO);
        Box::new(Expr::NumberLiteral(ExprNumberLiteral { node_index: node_index(), range, value }))
    };
    let target = ExprName { node_index: node_index(), range, id: HIDDEN_NAME.into(), ctx: ExprContext::Store };
    let binding = StmtAssign {
        node_index: node_index(),
        range,
        targets: [Expr::Name(target)].into_iter().collect(),
        value: zero(),
        runtime_targets: None,
        runtime_type_comment: None,
        runtime_type_comment_bytes: None,
    };
    Stmt::If(StmtIf {
        node_index: node_index(),
        range,
        test: zero(),
        body: [Stmt::Assign(binding)].into_iter().collect(),
        elif_else_clauses: Vec::new(),
        runtime_body: None,
    })
}
