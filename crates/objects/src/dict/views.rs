//! `dict.keys()`, `dict.values()`, `dict.items()`: live views; keys and items are sets.

use super::{iterator, next};
use crate::args::{GetSetDef, MethodDef};
use crate::builtin_layouts::Dict;
use crate::error::PyResult;
use crate::layout;
use crate::layout::cast;
use crate::list::sequence;
use crate::set;
use crate::shape::{self, Kind};
use crate::slots::{CompareOp, Slots};
use crate::tuple;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

layout! {
    /// The type says what it shows.
    View {
        dict DICT: Value, immutable;
    }
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    let keys = Slots {
        iter: Some(|vm, view| Ok(iterator::new(vm, dict_of(view), vm.types.dict_key_iterator))),
        contains: Some(|vm, view, key| vm.dict_contains(dict_of(view), key)),
        ..set_slots()
    };
    let items = Slots {
        iter: Some(|vm, view| Ok(iterator::new(vm, dict_of(view), vm.types.dict_item_iterator))),
        contains: Some(items_contain),
        ..set_slots()
    };
    let values = Slots {
        iter: Some(|vm, view| Ok(iterator::new(vm, dict_of(view), vm.types.dict_value_iterator))),
        len: Some(len),
        repr: Some(repr),
        ..Slots::default()
    };
    vm.types.dict_keys = vm.new_builtin_type(spec("dict_keys", keys, KEY_METHODS), object);
    vm.types.dict_items = vm.new_builtin_type(spec("dict_items", items, ITEM_METHODS), object);
    vm.types.dict_values = vm.new_builtin_type(spec("dict_values", values, VALUE_METHODS), object);
}

fn spec(name: &'static str, slots: Slots, methods: &'static [MethodDef]) -> TypeSpec {
    TypeSpec {
        flags: flags::NO_NEW,
        slots,
        methods,
        getset: &[GetSetDef {
            name: "mapping",
            get: |vm, view| Ok(crate::mapping_proxy::new(vm, dict_of(view))),
            set: None,
            doc: "dictionary that this view refers to",
        }],
        ..TypeSpec::of::<View>(name, Kind::Other)
    }
}

fn set_slots() -> Slots {
    Slots {
        len: Some(len),
        repr: Some(repr),
        hash: Some(crate::object::hash_not_implemented),
        compare: Some(compare),
        sub: Some(|vm, a, b| combine(vm, a, b, set::algebra::difference_update)),
        and: Some(intersection),
        xor: Some(|vm, a, b| combine(vm, a, b, set::algebra::symmetric_difference_update)),
        or: Some(|vm, a, b| combine(vm, a, b, set::algebra::update)),
        ..Slots::default()
    }
}

/// A view of that type.
pub(crate) fn new(vm: &mut Vm, dict: Value, ty: TypeRef) -> Value {
    let view = vm.new_instance(ty);
    cast::<View>(view).dict.set(dict);
    view
}

/// The dict behind a view.
#[inline(always)]
pub fn dict_of(view: Value) -> Value {
    cast::<View>(view).dict.get()
}

fn len(_: &mut Vm, view: Value) -> PyResult<i64> {
    Ok(cast::<Dict>(dict_of(view)).used.get())
}

fn repr(vm: &mut Vm, view: Value) -> PyResult {
    sequence::guarded_repr(vm, view, "...", |vm| {
        let ty = vm.type_of(view);
        let mut text = format!("{}([", ty.name()).into_bytes();
        let (mut position, mut first) = (0, true);
        while let Some((key, value)) = next(dict_of(view), &mut position) {
            if !first {
                text.extend_from_slice(b", ");
            }
            first = false;
            if ty == vm.types.dict_keys {
                sequence::push_repr(vm, &mut text, key)?;
            } else if ty == vm.types.dict_values {
                sequence::push_repr(vm, &mut text, value)?;
            } else {
                let item = vm.new_tuple(&[key, value]);
                sequence::push_repr(vm, &mut text, item)?;
            }
        }
        text.extend_from_slice(b"])");
        Ok(text)
    })
}

/// Whether `value` is a view with the operations of sets.
fn is_set_view(vm: &Vm, value: Value) -> bool {
    let ty = vm.type_of(value);
    ty == vm.types.dict_keys || ty == vm.types.dict_items
}

fn items_contain(vm: &mut Vm, view: Value, item: Value) -> PyResult<bool> {
    if !tuple::is_tuple(vm, item) {
        return Ok(false);
    }
    let &[key, value] = tuple::items(item) else { return Ok(false) };
    match vm.dict_get(dict_of(view), key)? {
        Some(found) => sequence::same(vm, found, value),
        None => Ok(false),
    }
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !(set::is_set(vm, b) || is_set_view(vm, b)) {
        return Ok(vm.not_implemented);
    }
    let (len_a, len_b) = (vm.len(a)?, vm.len(b)?);
    let (inner, outer) = if matches!(op, CompareOp::Gt | CompareOp::Ge) { (b, a) } else { (a, b) };
    let fits = match op {
        CompareOp::Eq | CompareOp::Ne => len_a == len_b,
        CompareOp::Lt => len_a < len_b,
        CompareOp::Le => len_a <= len_b,
        CompareOp::Gt => len_a > len_b,
        CompareOp::Ge => len_a >= len_b,
    };
    let contained = fits && all_in(vm, inner, outer)?;
    Ok(vm.bool(contained != (op == CompareOp::Ne)))
}

fn all_in(vm: &mut Vm, inner: Value, outer: Value) -> PyResult<bool> {
    let iterator = vm.iter(inner)?;
    while let Some(item) = vm.next(iterator)? {
        if !vm.contains(outer, item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

type Combine = fn(&mut Vm, Value, Value) -> PyResult<()>;

/// A set of the left operand's elements, combined with the right operand. One of them is a view.
fn combine(vm: &mut Vm, a: Value, b: Value, operation: Combine) -> PyResult {
    let result = vm.new_set();
    let elements = if vm.type_of(a) == vm.types.dict_keys { dict_of(a) } else { a };
    set::algebra::update(vm, result, elements)?;
    operation(vm, result, b)?;
    Ok(result)
}

fn intersection(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    // The view is asked about the other's elements; of two, the longer one.
    let (mut view, mut other) = if is_set_view(vm, a) { (a, b) } else { (b, a) };
    if shape::is_exact(other, Kind::Set) && vm.len(view)? <= vm.len(other)? {
        return set::algebra::intersection(vm, other, view);
    }
    if is_set_view(vm, other) && vm.len(other)? > vm.len(view)? {
        std::mem::swap(&mut view, &mut other);
    }
    let result = vm.new_set();
    vm.for_each(other, |vm, item| {
        if vm.contains(view, item)? {
            vm.set_add(result, item)?;
        }
        Ok(())
    })?;
    Ok(result)
}

const ISDISJOINT: MethodDef = MethodDef::method("isdisjoint", 2, 2, |vm, args| {
    let (mut view, mut other) = (args.values[0], args.values[1]);
    if view == other {
        let len = vm.len(view)?;
        return Ok(vm.bool(len == 0));
    }
    if (is_set_view(vm, other) || set::is_set(vm, other)) && vm.len(other)? > vm.len(view)? {
        std::mem::swap(&mut view, &mut other);
    }
    let iterator = vm.iter(other)?;
    while let Some(item) = vm.next(iterator)? {
        if vm.contains(view, item)? {
            return Ok(vm.false_);
        }
    }
    Ok(vm.true_)
})
.with_doc("Return True if the view and the given iterable have a null intersection.");

static KEY_METHODS: &[MethodDef] = &[
    ISDISJOINT,
    MethodDef::method("__reversed__", 1, 1, |vm, args| {
        Ok(iterator::new(vm, dict_of(args.values[0]), vm.types.dict_reverse_key_iterator))
    })
    .leaf()
    .with_doc("Return a reverse iterator over the dict keys."),
];

static ITEM_METHODS: &[MethodDef] = &[
    ISDISJOINT,
    MethodDef::method("__reversed__", 1, 1, |vm, args| {
        Ok(iterator::new(vm, dict_of(args.values[0]), vm.types.dict_reverse_item_iterator))
    })
    .leaf()
    .with_doc("Return a reverse iterator over the dict items."),
];

static VALUE_METHODS: &[MethodDef] = &[MethodDef::method("__reversed__", 1, 1, |vm, args| {
    Ok(iterator::new(vm, dict_of(args.values[0]), vm.types.dict_reverse_value_iterator))
})
.leaf()
.with_doc("Return a reverse iterator over the dict values.")];
