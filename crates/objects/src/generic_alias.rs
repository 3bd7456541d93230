//! `types.GenericAlias`: `list[int]`.

use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::error::PyResult;
use crate::layout;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::type_::is_type;
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::Value;

layout! {
    GenericAlias {
        origin ORIGIN: Value;
        /// A tuple.
        args ARGS: Value;
        /// A tuple, or NULL until asked for.
        parameters PARAMETERS: Value;
        /// Of `*tuple[int]`: 1.
        starred STARRED: i64;
    }
}

/// `origin[item]`.
pub fn new(vm: &mut Vm, origin: Value, item: Value) -> Value {
    let args = if vm.type_of(item).has(flags::TUPLE) { item } else { vm.new_tuple(&[item]) };
    make(vm, vm.types.generic_alias, origin, args)
}

/// The `__class_getitem__` of built-in types: `cls[item]`.
pub fn class_getitem(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(new(vm, args.values[0], args.values[1]))
}

/// The row for method tables.
pub const CLASS_GETITEM: MethodDef = MethodDef::class_method("__class_getitem__", 2, 2, class_getitem)
    .with_doc("__class_getitem__($type, object, /)\n--\n\nSee PEP 585");

fn make(vm: &mut Vm, ty: TypeRef, origin: Value, args: Value) -> Value {
    let alias = vm.new_instance(ty);
    let object = cast::<GenericAlias>(alias);
    vm.write(alias, &object.origin, origin);
    vm.write(alias, &object.args, args);
    alias
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.generic_alias = vm.new_builtin_type(
        TypeSpec {
            module: "types",
            flags: flags::BASETYPE | flags::HAS_WEAKREF,
            slots: Slots {
                new: Some(new_alias),
                repr: Some(repr),
                hash: Some(hash),
                call: Some(call),
                compare: Some(compare),
                getattr: Some(getattr),
                getitem: Some(getitem),
                iter: Some(iter),
                or: Some(crate::union_type::or),
                ..Slots::default()
            },
            methods: const { &[
                MethodDef::method("__mro_entries__", 2, 2, mro_entries)
                .with_doc("__mro_entries__($self, object, /)\n--\n\n"),
                MethodDef::method("__instancecheck__", 2, 2, |vm, _| {
                    Err(vm.type_error("isinstance() argument 2 cannot be a parameterized generic"))
                })
                .with_doc("__instancecheck__($self, object, /)\n--\n\n"),
                MethodDef::method("__subclasscheck__", 2, 2, |vm, _| {
                    Err(vm.type_error("issubclass() argument 2 cannot be a parameterized generic"))
                })
                .with_doc("__subclasscheck__($self, object, /)\n--\n\n"),
                MethodDef::method("__reduce__", 1, 1, reduce)
                .with_doc("__reduce__($self, /)\n--\n\n"),
                MethodDef::method("__dir__", 1, 1, dir)
                .with_doc("__dir__($self, /)\n--\n\n"),
            ] },
            getset: const { &[
                GetSetDef::read_only("__origin__", |_, alias| Ok(cast::<GenericAlias>(alias).origin.get())),
                GetSetDef::read_only("__args__", |_, alias| Ok(cast::<GenericAlias>(alias).args.get())),
                GetSetDef::read_only("__parameters__", get_parameters),
                GetSetDef::read_only("__unpacked__", |vm, alias| Ok(vm.bool(cast::<GenericAlias>(alias).starred.get() != 0))),
                GetSetDef::read_only("__typing_unpacked_tuple_args__", |vm, alias| {
                    let object = cast::<GenericAlias>(alias);
                    let tuple = object.starred.get() != 0 && object.origin.get() == vm.types.tuple.value();
                    Ok(if tuple { object.args.get() } else { vm.none })
                }),
            ] },
            doc: "GenericAlias(origin, args, /)\n--\n\nRepresent a PEP 585 generic type\n\nE.g. for t = list[int], t.__origin__ is list and t.__args__ is (int,).",
            ..TypeSpec::of::<GenericAlias>("GenericAlias", Kind::Other)
        },
        object,
    );
}

fn new_alias(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let values = crate::arity::positional(vm, "GenericAlias", args, 2, 2)?;
    let (origin, item) = (values[0], values[1]);
    let args = if vm.type_of(item).has(flags::TUPLE) { item } else { vm.new_tuple(&[item]) };
    Ok(make(vm, ty, origin, args))
}

/// How a type argument reads.
pub fn repr_item(vm: &mut Vm, item: Value) -> PyResult<String> {
    if item == vm.ellipsis {
        return Ok("...".to_string());
    }
    if vm.kind(item) == Kind::List {
        let items = crate::list::items(item);
        let mut parts = Vec::new();
        for &item in items {
            parts.push(repr_item(vm, item)?);
        }
        return Ok(format!("[{}]", parts.join(", ")));
    }
    if is_type(vm, item) {
        let names = vm.names;
        let module = vm.getattr_opt(item, names.__module__)?;
        let qualname = vm.getattr_opt(item, names.__qualname__)?;
        if let (Some(module), Some(qualname)) = (module, qualname)
            && module != vm.none
        {
            let (module, qualname) = (vm.str_text(module)?, vm.str_text(qualname)?);
            return Ok(if module == "builtins" { qualname } else { format!("{module}.{qualname}") });
        }
    }
    vm.repr_text(item)
}

fn repr(vm: &mut Vm, alias: Value) -> PyResult {
    let object = cast::<GenericAlias>(alias);
    let origin = repr_item(vm, object.origin.get())?;
    let args = crate::tuple::items(object.args.get());
    let mut parts = Vec::new();
    for &item in args {
        parts.push(repr_item(vm, item)?);
    }
    let star = if object.starred.get() != 0 { "*" } else { "" };
    let inner = if parts.is_empty() { "()".to_string() } else { parts.join(", ") };
    Ok(vm.new_str(&format!("{star}{origin}[{inner}]")))
}

fn hash(vm: &mut Vm, alias: Value) -> PyResult<i64> {
    let object = cast::<GenericAlias>(alias);
    let (origin, args) = (vm.hash(object.origin.get())?, vm.hash(object.args.get())?);
    let hash = origin ^ args;
    Ok(if hash == -1 { -2 } else { hash })
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    let ty = vm.types.generic_alias;
    let both = vm.type_of(a).is_subtype(ty) && vm.type_of(b).is_subtype(ty);
    if !both || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(vm.not_implemented);
    }
    let (left, right) = (cast::<GenericAlias>(a), cast::<GenericAlias>(b));
    let same = left.starred.get() == right.starred.get()
        && vm.eq(left.origin.get(), right.origin.get())?
        && vm.eq(left.args.get(), right.args.get())?;
    Ok(vm.bool(same == (op == CompareOp::Eq)))
}

fn call(vm: &mut Vm, alias: Value, args: &CallArgs) -> PyResult {
    let object = vm.call_kw(cast::<GenericAlias>(alias).origin.get(), args)?;
    let name = vm.intern("__orig_class__");
    match vm.setattr(object, name, alias) {
        Err(raised)
            if !vm.exception_matches(raised.0, vm.exc.attribute_error)
                && !vm.exception_matches(raised.0, vm.exc.type_error) =>
        {
            Err(raised)
        }
        _ => Ok(object),
    }
}

/// Names that are the alias's own; all others are the origin's.
const OWN: [&str; 16] = [
    "__class__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
    "__copy__",
    "__deepcopy__",
    "__instancecheck__",
    "__subclasscheck__",
    "__dir__",
    "__or__",
    "__ror__",
];

fn getattr(vm: &mut Vm, alias: Value, name: Value) -> PyResult {
    let text = vm.text_of(name);
    if !OWN.contains(&text.as_str()) {
        return vm.getattr(cast::<GenericAlias>(alias).origin.get(), name);
    }
    crate::object::generic_getattr(vm, alias, name)
}

/// The type variables in the arguments, each once: in order.
pub fn parameters_of(vm: &mut Vm, args: Value) -> PyResult {
    let mut found = ValueVec::new();
    gather_parameters(vm, args, &mut found)?;
    Ok(vm.new_tuple(found.as_slice()))
}

fn gather_parameters(vm: &mut Vm, args: Value, found: &mut ValueVec) -> PyResult<()> {
    let items = if vm.kind(args) == Kind::List { crate::list::items(args) } else { crate::tuple::items(args) };
    let names = vm.names;
    for &item in items {
        if is_type(vm, item) {
            continue;
        }
        if vm.kind(item) == Kind::List || vm.kind(item) == Kind::Tuple {
            gather_parameters(vm, item, found)?;
            continue;
        }
        if vm.getattr_opt(item, names.__typing_subst__)?.is_some() {
            add_once(vm, found, item);
            continue;
        }
        if let Some(inner) = vm.getattr_opt(item, names.__parameters__)?
            && vm.type_of(inner).has(flags::TUPLE)
        {
            for &parameter in crate::tuple::items(inner) {
                add_once(vm, found, parameter);
            }
        }
    }
    Ok(())
}

fn add_once(vm: &mut Vm, found: &mut ValueVec, item: Value) {
    if !found.as_slice().contains(&item) {
        found.push(vm, item);
    }
}

fn get_parameters(vm: &mut Vm, alias: Value) -> PyResult {
    let object = cast::<GenericAlias>(alias);
    if object.parameters.get().is_null() {
        let parameters = parameters_of(vm, object.args.get())?;
        vm.write(alias, &object.parameters, parameters);
    }
    Ok(object.parameters.get())
}

/// `list[T][int]`.
fn getitem(vm: &mut Vm, alias: Value, item: Value) -> PyResult {
    let object = cast::<GenericAlias>(alias);
    let parameters = get_parameters(vm, alias)?;
    let args = substitute(vm, alias, object.args.get(), parameters, item)?;
    let new = make(vm, vm.type_of(alias), object.origin.get(), args);
    cast::<GenericAlias>(new).starred.set(object.starred.get());
    Ok(new)
}

/// The arguments with the type variables replaced by `item`'s parts.
pub fn substitute(vm: &mut Vm, alias: Value, args: Value, parameters: Value, item: Value) -> PyResult {
    let names = vm.names;
    let parameter_items = crate::tuple::items(parameters);
    if parameter_items.is_empty() {
        let text = vm.repr_text(alias)?;
        return Err(vm.type_error(format!("{text} is not a generic class")));
    }
    let mut given = if vm.type_of(item).has(flags::TUPLE) { item } else { vm.new_tuple(&[item]) };
    for &parameter in parameter_items {
        if let Some(prepare) = vm.getattr_opt(parameter, names.__typing_prepare_subst__)?
            && prepare != vm.none
        {
            given = vm.call(prepare, &[alias, given])?;
            given = vm.collect_tuple(given)?;
        }
    }
    let given_items = crate::tuple::items(given);
    if given_items.len() != parameter_items.len() {
        let (many, text) = (given_items.len() > parameter_items.len(), vm.repr_text(alias)?);
        let (actual, expected) = (given_items.len(), parameter_items.len());
        let what = if many { "many" } else { "few" };
        return Err(vm.type_error(format!("Too {what} arguments for {text}; actual {actual}, expected {expected}")));
    }
    substitute_in(vm, args, parameter_items, given_items)
}

fn substitute_in(vm: &mut Vm, args: Value, parameters: &'static [Value], given: &'static [Value]) -> PyResult {
    let names = vm.names;
    let is_list = vm.kind(args) == Kind::List;
    let items = if is_list { crate::list::items(args) } else { crate::tuple::items(args) };
    let mut result = ValueVec::new();
    for &item in items {
        if is_type(vm, item) {
            result.push(vm, item);
            continue;
        }
        if matches!(vm.kind(item), Kind::List | Kind::Tuple) {
            let inner = substitute_in(vm, item, parameters, given)?;
            result.push(vm, inner);
            continue;
        }
        if let Some(subst) = vm.getattr_opt(item, names.__typing_subst__)? {
            let index = parameters.iter().position(|&parameter| parameter == item);
            let value = match index {
                Some(index) => vm.call(subst, &[given[index]])?,
                None => item,
            };
            let spread = vm.getattr_opt(item, names.__typing_is_unpacked_typevartuple__)?;
            let is_tuple_variable = vm.type_name(item) == "TypeVarTuple" || spread.is_some_and(|flag| flag == vm.true_);
            if is_tuple_variable && vm.type_of(value).has(flags::TUPLE) {
                for &part in crate::tuple::items(value) {
                    result.push(vm, part);
                }
            } else {
                result.push(vm, value);
            }
            continue;
        }
        let inner = vm.getattr_opt(item, names.__parameters__)?;
        match inner {
            Some(inner) if vm.type_of(inner).has(flags::TUPLE) && !crate::tuple::items(inner).is_empty() => {
                let mut parts = ValueVec::new();
                for &parameter in crate::tuple::items(inner) {
                    match parameters.iter().position(|&known| known == parameter) {
                        Some(index) => {
                            let value = given[index];
                            if vm.type_of(value).has(flags::TUPLE) && vm.type_name(parameter) == "TypeVarTuple" {
                                for &part in crate::tuple::items(value) {
                                    parts.push(vm, part);
                                }
                            } else {
                                parts.push(vm, value);
                            }
                        }
                        None => parts.push(vm, parameter),
                    }
                }
                let key = vm.new_tuple(parts.as_slice());
                let value = vm.getitem(item, key)?;
                result.push(vm, value);
            }
            _ => result.push(vm, item),
        }
    }
    Ok(if is_list { vm.new_list(result.as_slice()) } else { vm.new_tuple(result.as_slice()) })
}

/// `*alias`: one element, the alias starred.
fn iter(vm: &mut Vm, alias: Value) -> PyResult {
    let object = cast::<GenericAlias>(alias);
    let starred = make(vm, vm.types.generic_alias, object.origin.get(), object.args.get());
    cast::<GenericAlias>(starred).starred.set(1);
    let one = vm.new_tuple(&[starred]);
    vm.iter(one)
}

fn mro_entries(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let origin = cast::<GenericAlias>(args.values[0]).origin.get();
    Ok(vm.new_tuple(&[origin]))
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let object = cast::<GenericAlias>(args.values[0]);
    if object.starred.get() != 0 {
        let plain = make(vm, vm.types.generic_alias, object.origin.get(), object.args.get());
        let iterator = vm.iter(plain)?;
        let builtins = crate::module::import(vm, "builtins")?;
        let next = vm.getattr_str(builtins, "next")?;
        let arguments = vm.new_tuple(&[iterator]);
        return Ok(vm.new_tuple(&[next, arguments]));
    }
    let class = vm.types.generic_alias.value();
    let arguments = vm.new_tuple(&[object.origin.get(), object.args.get()]);
    Ok(vm.new_tuple(&[class, arguments]))
}

fn dir(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let names = vm.dir(cast::<GenericAlias>(args.values[0]).origin.get())?;
    for own in OWN {
        let own = vm.intern(own);
        if !vm.contains(names, own)? {
            vm.list_append(names, own);
        }
    }
    Ok(names)
}
