//! Module `itertools`.

mod combinations;
mod grouping;
mod selecting;
mod sources;
mod tee;

use heap::Value;
use objects::args::MethodDef;
use objects::error::PyResult;
use objects::layout::Object;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::slots::{NewFn, Slots};
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "itertools",
    doc: "Functional tools for creating and using iterators.",
    functions: FUNCTIONS,
    init,
};

static FUNCTIONS: &[MethodDef] = &[MethodDef::function("tee", 1, 2, tee::tee)
    .with_doc("tee($module, iterable, n=2, /)\n--\n\nReturns a tuple of n independent iterators.")];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    sources::add_types(vm, module);
    selecting::add_types(vm, module);
    grouping::add_types(vm, module);
    combinations::add_types(vm, module);
    tee::add_types(vm, module);
    Ok(())
}

type Next = fn(&mut Vm, Value) -> PyResult<Option<Value>>;

/// An iterator class that can be derived from.
fn iterator<T: Object>(name: &'static str, new: NewFn, next: Next) -> TypeSpec {
    TypeSpec {
        module: "itertools",
        flags: flags::BASETYPE,
        slots: Slots { new: Some(new), iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
        ..TypeSpec::of::<T>(name, Kind::Other)
    }
}

/// The arguments of a class that takes exactly two positional ones.
fn two(vm: &mut Vm, ty: TypeRef, name: &str, args: &objects::args::CallArgs) -> PyResult<(Value, Value)> {
    let values = crate::support::positional(vm, ty, name, args, 2, 2)?;
    Ok((values[0], values[1]))
}
