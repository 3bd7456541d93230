//! `cell`: a variable that closures share.

use crate::args::{CallArgs, GetSetDef};
use crate::builtin_layouts::CellObject;
use crate::error::PyResult;
use crate::layout::{cast, value_of};
use crate::shape::Kind;
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec};
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// A cell with this content; NULL: unbound.
    pub fn new_cell(&mut self, content: Value) -> Value {
        let shape = self.shape_for_kind(Kind::Cell);
        let cell = self.alloc::<CellObject>(shape);
        cell.content.set(content);
        value_of(cell)
    }
}

/// Sets the content; NULL: unbound.
pub fn set(vm: &mut Vm, cell: Value, content: Value) {
    vm.write(cell, &cast::<CellObject>(cell).content, content);
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.cell = vm.new_builtin_type(
        TypeSpec {
            slots: Slots {
                new: Some(new),
                repr: Some(repr),
                compare: Some(compare),
                hash: Some(crate::object::hash_not_implemented),
                ..Slots::default()
            },
            getset: const {
                &[GetSetDef::new("cell_contents", get_contents, |vm, cell, value| {
                    set(vm, cell, value);
                    Ok(())
                })]
            },
            doc: "Create a new cell object.",
            ..TypeSpec::of::<CellObject>("cell", Kind::Cell)
        },
        object,
    );
}

fn new(vm: &mut Vm, _: TypeRef, args: &CallArgs) -> PyResult {
    let args = crate::arity::positional(vm, "cell", args, 0, 1)?;
    Ok(vm.new_cell(args.first().copied().unwrap_or(Value::NULL)))
}

fn get_contents(vm: &mut Vm, cell: Value) -> PyResult {
    let content = cast::<CellObject>(cell).content.get();
    if content.is_null() { Err(vm.value_error("Cell is empty")) } else { Ok(content) }
}

fn repr(vm: &mut Vm, cell: Value) -> PyResult {
    let content = cast::<CellObject>(cell).content.get();
    let address = vm.address(cell);
    let text = if content.is_null() {
        format!("<cell at 0x{address:x}: empty>")
    } else {
        let (ty, content) = (vm.type_name(content), vm.address(content));
        format!("<cell at 0x{address:x}: {ty} object at 0x{content:x}>")
    };
    Ok(vm.new_str(&text))
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if vm.kind(a) != Kind::Cell || vm.kind(b) != Kind::Cell {
        return Ok(vm.not_implemented);
    }
    let (left, right) = (cast::<CellObject>(a).content.get(), cast::<CellObject>(b).content.get());
    if left.is_null() || right.is_null() {
        // An empty cell is less than any other.
        let holds = op.holds((!left.is_null()).cmp(&!right.is_null()));
        return Ok(vm.bool(holds));
    }
    vm.compare(left, right, op)
}
