//! `typing.Union`: `int | str`.

use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::error::PyResult;
use crate::layout;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeSpec, flags};
use crate::type_::is_type;
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::Value;

layout! {
    Union {
        /// A tuple.
        args ARGS: Value, immutable;
        /// A tuple, or NULL until asked for.
        parameters PARAMETERS: Value;
    }
}

/// The alternatives.
pub fn members(union: Value) -> &'static [Value] {
    crate::tuple::items(cast::<Union>(union).args.get())
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.union_type = vm.new_builtin_type(
        TypeSpec {
            module: "typing",
            flags: flags::HAS_WEAKREF,
            slots: Slots {
                repr: Some(repr),
                hash: Some(hash),
                compare: Some(compare),
                getitem: Some(getitem),
                or: Some(or),
                new: Some(|vm, _, _| Err(vm.type_error("cannot create 'typing.Union' instances"))),
                ..Slots::default()
            },
            methods: const {
                &[
                    MethodDef::method("__instancecheck__", 2, 2, |vm, args| {
                        let result = vm.isinstance(args.values[1], args.values[0])?;
                        Ok(vm.bool(result))
                    }),
                    MethodDef::method("__subclasscheck__", 2, 2, |vm, args| {
                        let result = vm.issubclass(args.values[1], args.values[0])?;
                        Ok(vm.bool(result))
                    }),
                    MethodDef::class_method("__class_getitem__", 2, 2, class_getitem).with_doc(
                        "__class_getitem__($type, object, /)\n--\n\nCreate a union containing the given types",
                    ),
                    MethodDef::method("__mro_entries__", 2, 2, |vm, args| {
                        let text = vm.repr_text(args.values[0])?;
                        Err(vm.type_error(format!("Cannot subclass {text}")))
                    })
                    .with_doc("__mro_entries__($self, object, /)\n--\n\n"),
                ]
            },
            getset: const {
                &[
                    GetSetDef::read_only("__args__", |_, union| Ok(cast::<Union>(union).args.get())),
                    GetSetDef::read_only("__parameters__", get_parameters),
                    GetSetDef::read_only("__name__", |vm, _| Ok(vm.intern("Union"))),
                    GetSetDef::read_only("__qualname__", |vm, _| Ok(vm.intern("Union"))),
                    GetSetDef::read_only("__origin__", |vm, _| Ok(vm.types.union_type.value())),
                ]
            },
            doc: "Represent a union type\n\nE.g. for int | str",
            ..TypeSpec::of::<Union>("Union", Kind::Other)
        },
        object,
    );
}

/// `a | b` where one of them is a type, an alias or a union.
pub fn or(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    if !is_unionable(vm, a) || !is_unionable(vm, b) {
        return Ok(vm.not_implemented);
    }
    from_members(vm, &[a, b])
}

fn is_unionable(vm: &mut Vm, value: Value) -> bool {
    if value == vm.none || is_type(vm, value) || vm.is_str(value) {
        return value == vm.none || is_type(vm, value);
    }
    let ty = vm.type_of(value);
    ty == vm.types.union_type || ty.is_subtype(vm.types.generic_alias) || ty.name() == "TypeAliasType"
}

/// The union of these, flattened and without duplicates; a single one is itself.
pub fn from_members(vm: &mut Vm, values: &[Value]) -> PyResult {
    let mut all = ValueVec::new();
    for &value in values {
        if vm.type_of(value) == vm.types.union_type {
            for &member in members(value) {
                add(vm, &mut all, member)?;
            }
        } else {
            add(vm, &mut all, value)?;
        }
    }
    if all.len == 1 {
        return Ok(all.get(0));
    }
    let args = vm.new_tuple(all.as_slice());
    let union = vm.new_instance(vm.types.union_type);
    vm.write(union, &cast::<Union>(union).args, args);
    Ok(union)
}

fn add(vm: &mut Vm, all: &mut ValueVec, value: Value) -> PyResult<()> {
    let value = if value == vm.none { vm.types.none_type.value() } else { value };
    for i in 0..all.len {
        let other = all.get(i);
        // Types are the same or different; aliases compare.
        let same = if is_type(vm, other) || is_type(vm, value) { other == value } else { vm.eq(other, value)? };
        if same {
            return Ok(());
        }
    }
    all.push(vm, value);
    Ok(())
}

fn repr(vm: &mut Vm, union: Value) -> PyResult {
    let mut parts = Vec::new();
    for &member in members(union) {
        let text = if member == vm.types.none_type.value() {
            "None".to_string()
        } else {
            crate::generic_alias::repr_item(vm, member)?
        };
        parts.push(text);
    }
    Ok(vm.new_str(&parts.join(" | ")))
}

fn hash(vm: &mut Vm, union: Value) -> PyResult<i64> {
    // Order does not count.
    let mut hash = 0i64;
    for &member in members(union) {
        let member = vm.hash(member)?;
        hash ^= (member ^ 89869747 ^ (member << 16)).wrapping_mul(3644798167);
    }
    Ok(if hash == -1 { -2 } else { hash })
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if vm.type_of(b) != vm.types.union_type || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(vm.not_implemented);
    }
    let (left, right) = (members(a), members(b));
    let mut same = left.len() == right.len();
    for &member in left {
        if !same {
            break;
        }
        same = false;
        for &other in right {
            if vm.eq(member, other)? {
                same = true;
                break;
            }
        }
    }
    Ok(vm.bool(same == (op == CompareOp::Eq)))
}

fn get_parameters(vm: &mut Vm, union: Value) -> PyResult {
    let object = cast::<Union>(union);
    if object.parameters.get().is_null() {
        let parameters = crate::generic_alias::parameters_of(vm, object.args.get())?;
        vm.write(union, &object.parameters, parameters);
    }
    Ok(object.parameters.get())
}

fn getitem(vm: &mut Vm, union: Value, item: Value) -> PyResult {
    let parameters = get_parameters(vm, union)?;
    let args = crate::generic_alias::substitute(vm, union, cast::<Union>(union).args.get(), parameters, item)?;
    from_members(vm, crate::tuple::items(args))
}

/// `Union[int, str]`.
fn class_getitem(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let item = args.values[1];
    if !vm.type_of(item).has(flags::TUPLE) {
        return union_of(vm, &[item]);
    }
    let items = crate::tuple::items(item);
    if items.is_empty() {
        return Err(vm.type_error("Cannot take a Union of no types."));
    }
    union_of(vm, items)
}

fn union_of(vm: &mut Vm, items: &[Value]) -> PyResult {
    let mut checked = ValueVec::new();
    for &item in items {
        let item = if vm.is_str(item) {
            // A forward reference.
            let typing = crate::module::import(vm, "typing")?;
            let check = vm.getattr_str(typing, "_type_check")?;
            let message = vm.new_str("Union[arg, ...]: each arg must be a type.");
            vm.call(check, &[item, message])?
        } else {
            item
        };
        checked.push(vm, item);
    }
    from_members(vm, checked.as_slice())
}
