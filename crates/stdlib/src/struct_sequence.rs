//! Tuples with named fields, as `sys.version_info` and `os.stat_result`.
//!
//! A struct sequence is a tuple of its visible fields; the fields behind those are attributes of the instance.

use heap::Value;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::PyResult;
use objects::tuple;
use objects::ty::{TypeRef, flags};
use objects::vm::Vm;

/// Makes a tuple class whose items can be read as attributes.
pub fn new_class(vm: &mut Vm, module: &str, name: &str, fields: &[&str]) -> PyResult<TypeRef> {
    new_class_with_hidden(vm, module, name, fields, &[], "")
}

/// The same with fields that are no items. A field whose name starts with `_` is shown
/// without the underscore and has no attribute.
pub fn new_class_with_hidden(
    vm: &mut Vm,
    module: &str,
    name: &str,
    fields: &[&str],
    hidden: &[&str],
    doc: &str,
) -> PyResult<TypeRef> {
    let namespace = vm.new_dict();
    let module = vm.new_str(module);
    vm.dict_set_str(namespace, "__module__", module);
    let doc = if doc.is_empty() { vm.none } else { vm.new_str(doc) };
    vm.dict_set_str(namespace, "__doc__", doc);
    if hidden.is_empty() {
        let slots = vm.empty_tuple;
        vm.dict_set_str(namespace, "__slots__", slots);
    }
    for (i, field) in fields.iter().enumerate().filter(|(_, field)| !field.starts_with('_')) {
        let getter = objects::tuple_getter::new(vm, i);
        vm.dict_set_str(namespace, field, getter);
    }
    let unnamed = fields.iter().filter(|field| field.starts_with('_')).count();
    for (key, count) in
        [("n_fields", fields.len() + hidden.len()), ("n_sequence_fields", fields.len()), ("n_unnamed_fields", unnamed)]
    {
        let count = vm.int(count as i64);
        vm.dict_set_str(namespace, key, count);
    }
    let names: Vec<Value> = // immortal
        fields.iter().filter(|field| !field.starts_with('_')).map(|field| vm.intern(field)).collect();
    let match_args = vm.new_tuple(&names);
    vm.dict_set_str(namespace, "__match_args__", match_args);
    let shown: Vec<Value> = fields.iter().map(|field| vm.intern(field.trim_start_matches('_'))).collect(); // immortal
    let shown = vm.new_tuple(&shown);
    vm.dict_set_str(namespace, SHOWN, shown);
    let hidden: Vec<Value> = hidden.iter().map(|field| vm.intern(field)).collect(); // immortal
    let hidden = vm.new_tuple(&hidden);
    vm.dict_set_str(namespace, HIDDEN, hidden);
    let new = vm.new_builtin(&NEW, Value::NULL);
    let new = vm.new_static_method(new);
    vm.dict_set_str(namespace, "__new__", new);
    for (name, method) in METHODS {
        let tuple = vm.types.tuple;
        let descriptor = objects::builtin::new_method_descriptor(vm, method, tuple);
        vm.dict_set_str(namespace, name, descriptor);
    }
    let name = vm.new_str(name);
    let bases = vm.new_tuple(&[vm.types.tuple.value()]);
    let class = vm.call(vm.types.type_.value(), &[name, bases, namespace])?;
    Ok(TypeRef::from_value(class))
}

/// Where a class keeps the names of the fields that are no items.
const HIDDEN: &str = "_hidden_fields";

/// Where it keeps the names that `repr` shows.
const SHOWN: &str = "_shown_fields";

static NEW: MethodDef = MethodDef::function("__new__", 1, 3, construct).with_keywords();

/// Under other names than those of the slots: a method of `tuple` named `__repr__` would stand for tuple's own slot.
static METHODS: &[(&str, MethodDef)] = &[
    ("__repr__", MethodDef::method("repr", 1, 1, |vm, args| repr(vm, args.values[0]))),
    ("__reduce__", MethodDef::method("reduce", 1, 1, reduce)),
    ("__replace__", MethodDef::method("replace", 1, 1, replace).with_keywords()),
];

/// `module.name(field=value, …)`.
fn repr(vm: &mut Vm, sequence: Value) -> PyResult {
    let class = vm.type_of(sequence);
    let names = vm.getattr_str(class.value(), SHOWN)?;
    let module = vm.getattr_str(class.value(), "__module__")?;
    let mut text = format!("{}.{}(", vm.text_of(module), class.name());
    for (i, (name, value)) in tuple::items(names).iter().zip(tuple::items(sequence)).enumerate() {
        let value = vm.repr_text(*value)?;
        let separator = if i == 0 { "" } else { ", " };
        text += &format!("{separator}{}={value}", vm.text_of(*name));
    }
    text.push(')');
    Ok(vm.new_str(&text))
}

/// An instance with these values: visible fields, then hidden ones.
pub fn new(vm: &mut Vm, class: TypeRef, values: &[Value]) -> PyResult {
    let values = vm.new_tuple(values);
    make(vm, class, values, Value::NULL)
}

fn count(vm: &mut Vm, class: TypeRef, name: &str) -> PyResult<usize> {
    let count = vm.getattr_str(class.value(), name)?;
    Ok(vm.index(count)? as usize)
}

/// `values` are the visible fields and perhaps some hidden ones; `extra` is a dict of hidden ones, or NULL.
fn make(vm: &mut Vm, class: TypeRef, values: Value, extra: Value) -> PyResult {
    let items = tuple::items(values);
    let visible = count(vm, class, "n_sequence_fields")?;
    let sequence = if items.len() == visible { values } else { vm.new_tuple(&items[..visible]) };
    let instance = vm.new_wrapped(class, sequence);
    let hidden = vm.getattr_str(class.value(), HIDDEN)?;
    for (i, &name) in tuple::items(hidden).iter().enumerate() {
        let value = match items.get(visible + i) {
            Some(&value) => value,
            None if !extra.is_null() => vm.dict_get(extra, name)?.unwrap_or(vm.none),
            None => vm.none,
        };
        vm.setattr(instance, name, value)?;
    }
    Ok(instance)
}

/// `class(sequence, dict={})`.
fn construct(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let class = TypeRef::from_value(args.values[0]);
    let signature =
        Signature { parameters: ["sequence", "dict"], skip: 1, positional_only: 0, max_positional: 2, required: 1 };
    let name = class.name();
    let [sequence, extra] = args.bind(vm, &name, &signature)?;
    let extra = if crate::support::is_absent(vm, extra) { Value::NULL } else { extra };
    let module = vm.getattr_str(class.value(), "__module__")?;
    let name = format!("{}.{name}", vm.text_of(module));
    if !extra.is_null() && !vm.type_of(extra).has(flags::DICT) {
        return Err(vm.type_error(format!("{name}() takes a dict as second arg, if any")));
    }
    let values = match vm.collect_tuple(sequence) {
        Ok(values) => values,
        Err(raised) if vm.is_not_iterable_error(raised, sequence) => {
            return Err(vm.type_error("constructor requires a sequence"));
        }
        Err(raised) => return Err(raised),
    };
    let (least, most) = (count(vm, class, "n_sequence_fields")?, count(vm, class, "n_fields")?);
    let given = tuple::items(values).len();
    if !(least..=most).contains(&given) {
        let bound = match given {
            _ if least == most => format!("a {least}-sequence"),
            given if given < least => format!("an at least {least}-sequence"),
            _ => format!("an at most {most}-sequence"),
        };
        return Err(vm.type_error(format!("{name}() takes {bound} ({given}-sequence given)")));
    }
    make(vm, class, values, extra)
}

fn hidden_values(vm: &mut Vm, sequence: Value) -> PyResult {
    let class = vm.type_of(sequence);
    let hidden = vm.getattr_str(class.value(), HIDDEN)?;
    let dict = vm.new_dict();
    for &name in tuple::items(hidden) {
        let value = vm.getattr(sequence, name)?;
        vm.dict_set(dict, name, value)?;
    }
    Ok(dict)
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let sequence = args.values[0];
    let class = vm.type_of(sequence).value();
    let visible = vm.new_tuple(tuple::items(sequence));
    let hidden = hidden_values(vm, sequence)?;
    let arguments = vm.new_tuple(&[visible, hidden]);
    Ok(vm.new_tuple(&[class, arguments]))
}

fn replace(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let sequence = args.values[0];
    let class = vm.type_of(sequence);
    let names = vm.getattr_str(class.value(), "__match_args__")?;
    let hidden = hidden_values(vm, sequence)?;
    let values = vm.collect_list(sequence)?;
    for (name, value) in args.keywords() {
        if let Some(i) = tuple::items(names).iter().position(|&known| known == name) {
            vm.setitem(values, Value::from_int(i as i64), value)?;
        } else if vm.dict_contains(hidden, name)? {
            vm.dict_set(hidden, name, value)?;
        } else {
            let shown = vm.repr_text(name)?;
            return Err(vm.type_error(format!("Got unexpected field name(s): [{shown}]")));
        }
    }
    let values = vm.new_tuple(objects::list::items(values));
    make(vm, class, values, hidden)
}
