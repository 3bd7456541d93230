//! Changing a tree before it is compiled.

use ruff_python_ast::Mod;
use ruff_python_ast::visitor::transformer::Transformer;

/// Shows all of a module, or of an expression that stands alone, to a transformer.
pub(crate) fn transform(module: &mut Mod, transformer: &impl Transformer) {
    match module {
        Mod::Module(module) => module.body.iter_mut().for_each(|statement| transformer.visit_stmt(statement)),
        Mod::Expression(expression) => transformer.visit_expr(&mut expression.body),
    }
}
