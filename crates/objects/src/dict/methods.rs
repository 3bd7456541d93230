//! The type `dict`: its special and other methods.

use super::{is_exact, len, next, table, value_at};
use crate::args::{CallArgs, Intrinsic, MethodDef};
use crate::arity;
use crate::builtin_layouts::{Dict, Set};
use crate::dict::{iterator, views};
use crate::error::PyResult;
use crate::layout::cast;
use crate::list::sequence;
use crate::set;
use crate::shape::Kind;
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeSpec, flags};
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::{MakeRoom, Value};

pub(super) fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::DICT | flags::MAPPING | flags::MATCH_SELF,
        slots: Slots {
            new: Some(|vm, ty, _| Ok(vm.new_instance(ty))),
            init: Some(|vm, dict, args| update_from(vm, dict, "dict", args)),
            repr: Some(repr),
            hash: Some(crate::object::hash_not_implemented),
            compare: Some(compare),
            iter: Some(|vm, dict| Ok(iterator::new(vm, dict, vm.types.dict_key_iterator))),
            len: Some(|_, dict| Ok(len(dict) as i64)),
            getitem: Some(getitem),
            setitem: Some(setitem),
            contains: Some(|vm, dict, key| vm.dict_contains(dict, key)),
            or: Some(or),
            inplace_or: Some(|vm, dict, other| {
                vm.dict_update(dict, other)?;
                Ok(dict)
            }),
            ..Slots::default()
        },
        methods: METHODS,
        doc: "dict() -> new empty dictionary\ndict(mapping) -> new dictionary initialized from a mapping object's\n    (key, value) pairs\n\
              dict(iterable) -> new dictionary initialized as if via:\n    d = {}\n    for k, v in iterable:\n        d[k] = v\n\
              dict(**kwargs) -> new dictionary initialized with the name=value pairs\n    in the keyword argument list.  For example:  dict(one=1, two=2)",
        ..TypeSpec::of::<Dict>("dict", Kind::Dict)
    }
}

/// Whether `value` is a dict or an instance of a subclass.
#[inline(always)]
pub fn is_dict(vm: &Vm, value: Value) -> bool {
    is_exact(value) || value.is_object() && vm.type_of(value).has(flags::DICT)
}

/// `clear`, `popitem` and whatever else changes keys are no leaves: the dictionary may be a module's.
static METHODS: &[MethodDef] = &[
    MethodDef::method("get", 2, 3, |vm, args| {
        let default = args.get(2).unwrap_or(vm.none);
        Ok(vm.dict_get(args.values[0], args.values[1])?.unwrap_or(default))
    })
    .with_intrinsic(Intrinsic::DictGet).with_doc("get($self, key, default=None, /)\n--\n\nReturn the value for key if key is in the dictionary, else default."),
    MethodDef::method("setdefault", 2, 3, |vm, args| {
        let default = args.get(2).unwrap_or(vm.none);
        vm.dict_setdefault(args.values[0], args.values[1], default)
    })
    .with_doc("setdefault($self, key, default=None, /)\n--\n\nInsert key with a value of default if key is not in the dictionary.\n\nReturn the value for key if key is in the dictionary, else default."),
    MethodDef::method("pop", 2, 3, |vm, args| match vm.dict_pop(args.values[0], args.values[1])? {
        Some(value) => Ok(value),
        None => args.get(2).ok_or_else(|| vm.key_error(args.values[1])),
    })
    .with_doc("pop($self, key, default=<unrepresentable>, /)\n--\n\nD.pop(k[,d]) -> v, remove specified key and return the corresponding value.\n\nIf the key is not found, return the default if given; otherwise,\nraise a KeyError."),
    MethodDef::method("popitem", 1, 1, popitem).with_doc("popitem($self, /)\n--\n\nRemove and return a (key, value) pair as a 2-tuple.\n\nPairs are returned in LIFO (last-in, first-out) order.\nRaises KeyError if the dict is empty."),
    MethodDef::method("keys", 1, 1, |vm, args| Ok(views::new(vm, args.values[0], vm.types.dict_keys)))
        .leaf()
        .with_doc("keys($self, /)\n--\n\nReturn a set-like object providing a view on the dict's keys."),
    MethodDef::method("items", 1, 1, |vm, args| Ok(views::new(vm, args.values[0], vm.types.dict_items)))
        .leaf()
        .with_doc("items($self, /)\n--\n\nReturn a set-like object providing a view on the dict's items."),
    MethodDef::method("values", 1, 1, |vm, args| Ok(views::new(vm, args.values[0], vm.types.dict_values)))
        .leaf()
        .with_doc("values($self, /)\n--\n\nReturn an object providing a view on the dict's values."),
    MethodDef::method("update", 1, crate::args::MANY, |vm, args| {
        let rest = CallArgs { values: &args.values[1..], names: args.names };
        update_from(vm, args.values[0], "update", &rest)?;
        Ok(vm.none)
    })
    .with_keywords()
    .with_doc("D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.\nIf E is present and has a .keys() method, then does:  for k in E.keys(): D[k] = E[k]\nIf E is present and lacks a .keys() method, then does:  for k, v in E: D[k] = v\nIn either case, this is followed by: for k in F:  D[k] = F[k]"),
    MethodDef::class_method("fromkeys", 2, 3, fromkeys).with_doc("fromkeys($type, iterable, value=None, /)\n--\n\nCreate a new dictionary with keys from iterable and values set to value."),
    MethodDef::method("clear", 1, 1, |vm, args| {
        vm.dict_clear(args.values[0]);
        Ok(vm.none)
    })
    .with_doc("clear($self, /)\n--\n\nRemove all items from the dict."),
    MethodDef::method("copy", 1, 1, |vm, args| Ok(vm.dict_copy(args.values[0])))
        .leaf()
        .with_doc("copy($self, /)\n--\n\nReturn a shallow copy of the dict."),
    MethodDef::method("__reversed__", 1, 1, |vm, args| {
        Ok(iterator::new(vm, args.values[0], vm.types.dict_reverse_key_iterator))
    })
    .leaf()
    .with_doc("__reversed__($self, /)\n--\n\nReturn a reverse iterator over the dict keys."),
    MethodDef::method("__sizeof__", 1, 1, crate::object::sizeof)
        .leaf()
        .with_doc("__sizeof__($self, /)\n--\n\nReturn the size of the dict in memory, in bytes."),
    MethodDef::class_method("__class_getitem__", 2, 2, crate::list::class_getitem).with_doc("__class_getitem__($type, object, /)\n--\n\ndicts are generic over two types, signifying (respectively) the types of their keys and values"),
];

fn repr(vm: &mut Vm, dict: Value) -> PyResult {
    if len(dict) == 0 {
        return Ok(vm.new_str("{}"));
    }
    sequence::guarded_repr(vm, dict, "{...}", |vm| {
        let mut text = vec![b'{'];
        let mut position = 0;
        while let Some((key, value)) = next(dict, &mut position) {
            if text.len() > 1 {
                text.put_all(b", ");
            }
            sequence::push_repr(vm, &mut text, key)?;
            text.put_all(b": ");
            sequence::push_repr(vm, &mut text, value)?;
        }
        text.put(b'}');
        Ok(text)
    })
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) || !is_dict(vm, a) || !is_dict(vm, b) {
        return Ok(vm.not_implemented);
    }
    let equal = vm.guarded(" in comparison", |vm| equal(vm, a, b))?;
    Ok(vm.bool(equal == (op == CompareOp::Eq)))
}

fn equal(vm: &mut Vm, a: Value, b: Value) -> PyResult<bool> {
    if len(a) != len(b) {
        return Ok(false);
    }
    let (left, right) = (cast::<Dict>(a), cast::<Dict>(b));
    let mut at = 0;
    while let Some(index) = table::next_live(left, at) {
        at = index + 1;
        let (key, value) = (table::key_at(left, index), value_at(left, index));
        let hash = table::hash_at(left, index);
        let Some(other) = table::find(vm, right, key, hash)? else { return Ok(false) };
        let other = value_at(right, other);
        if !sequence::same(vm, value, other)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn getitem(vm: &mut Vm, dict: Value, key: Value) -> PyResult {
    if let Some(value) = vm.dict_get(dict, key)? {
        return Ok(value);
    }
    if !is_exact(dict) {
        let missing = vm.names.__missing__;
        if let Some(result) = vm.call_special_opt(dict, missing, &[key]) {
            return result;
        }
    }
    Err(vm.key_error(key))
}

fn setitem(vm: &mut Vm, dict: Value, key: Value, value: Value) -> PyResult<()> {
    if !value.is_null() {
        return vm.dict_set(dict, key, value);
    }
    if vm.dict_del(dict, key)? { Ok(()) } else { Err(vm.key_error(key)) }
}

fn or(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    if !is_dict(vm, a) || !is_dict(vm, b) {
        return Ok(vm.not_implemented);
    }
    let union = vm.dict_copy(a);
    vm.dict_update(union, b)?;
    Ok(union)
}

fn popitem(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let dict = cast::<Dict>(args.values[0]);
    let Some(index) = table::previous_live(dict, usize::MAX) else {
        let message = vm.new_str("popitem(): dictionary is empty");
        return Err(vm.key_error(message));
    };
    let (key, value) = (table::key_at(dict, index), value_at(dict, index));
    vm.dict_remove(dict, index);
    table::trim(dict);
    Ok(vm.new_tuple(&[key, value]))
}

fn fromkeys(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (class, iterable) = (args.values[0], args.values[1]);
    let value = args.get(2).unwrap_or(vm.none);
    let dict = vm.call(class, &[])?;
    if !is_exact(dict) {
        vm.for_each(iterable, |vm, key| vm.setitem(dict, key, value))?;
        return Ok(dict);
    }
    // Sets and dicts know their elements' hashes.
    let mut at = 0;
    if is_exact(iterable) {
        let from = cast::<Dict>(iterable);
        while let Some(index) = table::next_live(from, at) {
            at = index + 1;
            vm.dict_set_hashed(dict, table::key_at(from, index), table::hash_at(from, index), value)?;
        }
    } else if set::is_exact(iterable) {
        let from = cast::<Set>(iterable);
        while let Some(index) = set::table::next_live(from, at) {
            at = index + 1;
            vm.dict_set_hashed(dict, set::table::key_at(from, index), set::table::hash_at(from, index), value)?;
        }
    } else {
        vm.for_each(iterable, |vm, key| vm.dict_set(dict, key, value))?;
    }
    Ok(dict)
}

/// `update` and `__init__`: at most one positional argument, then the keyword ones.
fn update_from(vm: &mut Vm, dict: Value, name: &str, args: &CallArgs) -> PyResult<()> {
    arity::positional_count(vm, name, args.args(), 0, 1)?;
    if let Some(source) = args.get(0) {
        vm.dict_update(dict, source)?;
    }
    for (key, value) in args.keywords() {
        vm.dict_set(dict, key, value)?;
    }
    Ok(())
}

impl Vm {
    /// `dict.update(source)`: a mapping, that is an object with `keys`, or an iterable of pairs.
    pub fn dict_update(&mut self, dict: Value, source: Value) -> PyResult<()> {
        if self.is_plain_dict(source) {
            return merge(self, dict, source);
        }
        let name = self.names.keys;
        match self.getattr_opt(source, name)? {
            Some(keys) => {
                let keys = self.call(keys, &[])?;
                self.for_each(keys, |vm, key| {
                    let value = vm.getitem(source, key)?;
                    vm.dict_set(dict, key, value)
                })
            }
            None => update_from_pairs(self, dict, source),
        }
    }

    /// Whether the mapping is a dict whose iteration is the built-in one: then its entries count, whatever its other methods say.
    pub fn is_plain_dict(&self, source: Value) -> bool {
        if is_exact(source) {
            return true;
        }
        if !is_dict(self, source) {
            return false;
        }
        let iter = self.type_of(source).slots().iter;
        let usual = self.types.dict.slots().iter;
        iter.map(|f| f as usize) == usual.map(|f| f as usize)
    }
}

fn merge(vm: &mut Vm, dict: Value, source: Value) -> PyResult<()> {
    if dict == source || len(source) == 0 {
        return Ok(());
    }
    let (to, from) = (cast::<Dict>(dict), cast::<Dict>(source));
    if to.used.get() == 0 && to.fill.get() == 0 && to.namespace.get() == 0 {
        table::copy(vm, from, to);
        return Ok(());
    }
    let used = from.used.get();
    let mut at = 0;
    while let Some(index) = table::next_live(from, at) {
        at = index + 1;
        let (key, value) = (table::key_at(from, index), value_at(from, index));
        vm.dict_set_hashed(dict, key, table::hash_at(from, index), value)?;
        if from.used.get() != used {
            return Err(vm.runtime_error("dict mutated during update"));
        }
    }
    Ok(())
}

fn update_from_pairs(vm: &mut Vm, dict: Value, source: Value) -> PyResult<()> {
    let mut number = 0;
    vm.for_each(source, |vm, pair| {
        let items = match pair_items(vm, pair) {
            Err(raised) if vm.exception_matches(raised.0, vm.exc.type_error) => {
                let note = format!("Cannot convert dictionary update sequence element #{number} to a sequence");
                let note = vm.new_str(&note);
                vm.call_method(raised.0, "add_note", &[note])?;
                return Err(raised);
            }
            items => items?,
        };
        if items.len != 2 {
            return Err(vm.value_error(format!(
                "dictionary update sequence element #{number} has length {}; 2 is required",
                items.len
            )));
        }
        number += 1;
        vm.dict_set(dict, items.get(0), items.get(1))
    })
}

/// The items of what should be a pair.
fn pair_items(vm: &mut Vm, pair: Value) -> PyResult<ValueVec> {
    let is_iterable = {
        let ty = vm.type_of(pair);
        let slots = ty.slots();
        slots.iter.is_some() || slots.getitem.is_some()
    };
    if is_iterable { sequence::collect(vm, pair) } else { Err(vm.type_error("object is not iterable")) }
}
