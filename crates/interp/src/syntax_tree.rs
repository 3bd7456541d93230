//! Syntax trees as Python objects: `compile(…, ast.PyCF_ONLY_AST)`.

use crate::{import, load};
use heap::Value;
use objects::error::PyResult;
use objects::vm::Vm;
use syntax::{AstField, Field, Mode, Node};

/// The tree of a source text, as an instance of a class of module `_ast`.
pub fn parse(vm: &mut Vm, source: &str, filename: &str, mode: Mode, options: syntax::Options) -> PyResult {
    load::ensure_room_for(vm, source)?;
    let tree = match syntax::parse_ast(source, filename, mode, options) {
        Ok(tree) => tree,
        Err(error) => return Err(crate::syntax_error::raise(vm, &error, Some(source))),
    };
    let classes = import::import_module(vm, "_ast")?;
    node_value(vm, classes, &tree)
}

fn node_value(vm: &mut Vm, classes: Value, node: &Node) -> PyResult {
    let class = vm.getattr_str(classes, node.class)?;
    let new = vm.getattr_str(class, "__new__")?;
    let object = vm.call(new, &[class])?;
    for (name, field) in field_names(node.class).iter().zip(&node.fields) {
        let value = field_value(vm, classes, field)?;
        vm.setattr_str(object, name.name, value)?;
    }
    if let Some(span) = node.span {
        for (name, number) in [
            ("lineno", span.line),
            ("col_offset", span.column),
            ("end_lineno", span.end_line),
            ("end_col_offset", span.end_column),
        ] {
            vm.setattr_str(object, name, Value::from_int(number as i64))?;
        }
    }
    Ok(object)
}

fn field_names(class: &str) -> &'static [AstField] {
    syntax::ast_classes().iter().find(|other| other.name == class).map_or(&[], |class| &class.fields)
}

fn field_value(vm: &mut Vm, classes: Value, field: &Field) -> PyResult {
    Ok(match field {
        Field::None => vm.none,
        Field::Node(node) => node_value(vm, classes, node)?,
        Field::List(fields) => {
            let list = vm.new_list(&[]);
            for field in fields {
                let value = field_value(vm, classes, field)?;
                vm.list_append(list, value);
            }
            list
        }
        Field::Text(text) => vm.new_str(text),
        Field::Int(i) => vm.int(*i),
        Field::Constant(constant) => load::constant_value(vm, constant),
    })
}
