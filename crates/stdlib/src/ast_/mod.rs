//! Module `_ast`: the classes of syntax trees.
//!
//! Their base is written in Python; the classes come from the compiler's list.

use heap::Value;
use interp::{execute, load};
use objects::error::PyResult;
use objects::module::{ModuleDef, dict_of};
use objects::vm::Vm;
use syntax::{AstClass, AstField, FieldType, Quantity};

pub static MODULE: ModuleDef = ModuleDef { name: "_ast", doc: "", functions: &[], init };

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    crate::support::int_constants(
        vm,
        module,
        &[
            ("PyCF_ONLY_AST", 0x400),
            ("PyCF_TYPE_COMMENTS", 0x1000),
            ("PyCF_ALLOW_TOP_LEVEL_AWAIT", 0x2000),
            ("PyCF_OPTIMIZED_AST", 0x8400),
        ],
    );
    let code = load::compile(vm, include_str!("base.py"), "<frozen _ast>", syntax::Mode::Exec)?;
    execute::run_module_code(vm, code, dict_of(module))?;
    let make = vm.getattr_str(module, "_class")?;
    for class in syntax::ast_classes() {
        if class.name != "AST" {
            add_class(vm, module, make, class)?;
        }
    }
    let finish = vm.getattr_str(module, "_finish")?;
    vm.call(finish, &[])?;
    Ok(())
}

/// `_class(name, base, doc, span, fields)`, each field as a tuple of name, type and quantity.
fn add_class(vm: &mut Vm, module: Value, make: Value, class: &AstClass) -> PyResult<()> {
    let fields = vm.new_list(&[]);
    for field in &class.fields {
        let field = describe(vm, field);
        vm.list_append(fields, field);
    }
    let arguments =
        [vm.new_str(class.name), vm.new_str(class.base), vm.new_str(class.doc), vm.bool(class.has_span), fields];
    let made = vm.call(make, &arguments)?;
    vm.module_set(module, class.name, made);
    Ok(())
}

fn describe(vm: &mut Vm, field: &AstField) -> Value {
    let kind = match field.field_type {
        FieldType::Identifier | FieldType::String => "str",
        FieldType::Int => "int",
        FieldType::Constant => "object",
        FieldType::Node(name) => name,
    };
    let quantity = match field.quantity {
        Quantity::One => "",
        Quantity::Optional => "?",
        Quantity::Many | Quantity::ManyOptional => "*",
    };
    let parts = [vm.intern(field.name), vm.intern(kind), vm.intern(quantity)];
    vm.new_tuple(&parts)
}
