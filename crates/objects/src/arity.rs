//! How many arguments a built-in class or function got: CPython's errors.

use crate::args::CallArgs;
use crate::error::PyResult;
use crate::ty::TypeRef;
use crate::vm::Vm;
use heap::Value;

/// The positional arguments, if there are `min` to `max` of them and no others.
pub fn positional<'a>(vm: &mut Vm, name: &str, args: &CallArgs<'a>, min: usize, max: usize) -> PyResult<&'a [Value]> {
    no_keywords(vm, name, args)?;
    positional_count(vm, name, args.args(), min, max)?;
    Ok(args.args())
}

/// That many arguments, whatever the keyword ones are.
pub fn positional_count(vm: &mut Vm, name: &str, args: &[Value], min: usize, max: usize) -> PyResult<()> {
    let got = args.len();
    if got < min {
        let bound = if min == max { "" } else { "at least " };
        return Err(vm.type_error(format!("{name} expected {bound}{min} argument{}, got {got}", plural(min))));
    }
    if got > max {
        let bound = if min == max { "" } else { "at most " };
        return Err(vm.type_error(format!("{name} expected {bound}{max} argument{}, got {got}", plural(max))));
    }
    Ok(())
}

/// No keyword arguments.
pub fn no_keywords(vm: &mut Vm, name: &str, args: &CallArgs) -> PyResult<()> {
    if args.keyword_names().is_empty() {
        Ok(())
    } else {
        Err(vm.type_error(format!("{name}() takes no keyword arguments")))
    }
}

/// No keyword arguments, unless a subclass with an `__init__` of its own is made, which may take them.
pub fn no_keywords_unless_derived(vm: &mut Vm, exact: TypeRef, ty: TypeRef, args: &CallArgs) -> PyResult<()> {
    let init = |ty: TypeRef| ty.slots().init.map(|init| init as usize);
    if init(ty) == init(exact) { no_keywords(vm, &exact.name(), args) } else { Ok(()) }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
