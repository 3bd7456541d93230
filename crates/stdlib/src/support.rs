//! What native modules have in common: constants, signatures, types.

use heap::Value;
use objects::args::{CallArgs, Signature};
use objects::error::PyResult;
use objects::module::dict_of;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

/// A signature whose parameters can all be given by position and by name.
pub const fn signature<const N: usize>(parameters: [&'static str; N], required: usize) -> Signature<N> {
    Signature { parameters, skip: 0, positional_only: 0, max_positional: N, required }
}

/// Integer constants of a module.
pub fn int_constants(vm: &mut Vm, module: Value, constants: &[(&str, i64)]) {
    for &(name, number) in constants {
        let number = vm.int(number);
        vm.module_set(module, name, number);
    }
}

/// Makes a class that derives from `object` and enters it into its module.
pub fn add_type(vm: &mut Vm, module: Value, spec: TypeSpec) -> TypeRef {
    let object = vm.types.object;
    let name = spec.name;
    let ty = vm.new_builtin_type(spec, object);
    vm.dict_set_str(dict_of(module), name, ty.value());
    ty
}

/// The class written in Rust that `ty` is or derives from.
fn native_base(ty: TypeRef) -> TypeRef {
    std::iter::successors(Some(ty), |ty| ty.data().base.get()).find(|ty| !ty.has(flags::HEAP)).unwrap_or(ty)
}

/// Only classes with an `__init__` of their own, which may want them, get keyword arguments.
pub fn no_keywords(vm: &mut Vm, ty: TypeRef, name: &str, args: &CallArgs) -> PyResult<()> {
    let native = native_base(ty);
    let init = |ty: TypeRef| ty.slots().init.map(|init| init as usize);
    if init(ty) == init(native) { objects::arity::no_keywords(vm, name, args) } else { Ok(()) }
}

/// The positional arguments of a class that takes no others.
pub fn positional<'a>(
    vm: &mut Vm,
    ty: TypeRef,
    name: &str,
    args: &CallArgs<'a>,
    min: usize,
    max: usize,
) -> PyResult<&'a [Value]> {
    no_keywords(vm, ty, name, args)?;
    objects::arity::positional_count(vm, name, args.args(), min, max)?;
    Ok(args.args())
}

/// A value that may be NULL, as Python sees it.
pub fn or_none(vm: &Vm, value: Value) -> Value {
    if value.is_null() { vm.none } else { value }
}

/// Whether an optional argument was left out or is None.
pub fn is_absent(vm: &Vm, value: Value) -> bool {
    value.is_null() || value == vm.none
}

/// A new exception class, as C modules make them: `module` is what its `__module__` says.
pub fn new_exception(vm: &mut Vm, module: &str, name: &str, base: TypeRef) -> PyResult<TypeRef> {
    let dict = vm.new_dict();
    let module = vm.new_str(module);
    vm.dict_set_str(dict, "__module__", module);
    let name = vm.intern(name);
    let bases = vm.new_tuple(&[base.value()]);
    let metatype = vm.types.type_.value();
    let class = vm.call(metatype, &[name, bases, dict])?;
    Ok(TypeRef::from_value(class))
}
