//! `defaultdict`.

use heap::Value;
use objects::args::{CallArgs, GetSetDef, MethodDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::module::dict_of;
use objects::protocol::number::BinaryOp;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeSpec, flags};
use objects::vm::Vm;

layout! {
    /// Up to `default_factory` as `objects::builtin_layouts::Dict`.
    DefaultDict {
        used USED: i64;
        fill FILL: i64;
        namespace NAMESPACE: i64;
        indices INDICES: Value;
        entries ENTRIES: Value;
        changes CHANGES: i64;
        /// NULL: none.
        factory FACTORY: Value;
    }
}

const _: () = assert!(size_of::<DefaultDict>() == size_of::<objects::builtin_layouts::Dict>() + 8);

const DOC: &str = "defaultdict(default_factory=None, /, [...]) --> dict with default factory\n\nThe default factory is called without arguments to produce\na new value when a key is not present, in __getitem__ only.\nA defaultdict compares equal to a dict with the same items.\nAll remaining arguments are treated the same as if they were\npassed to the dict constructor, including keyword arguments.";

pub(super) fn add_type(vm: &mut Vm, module: Value) {
    let base = vm.types.dict;
    let ty = vm.new_builtin_type(
        TypeSpec {
            module: "collections",
            flags: flags::BASETYPE | flags::DICT | flags::MAPPING,
            slots: Slots { init: Some(init), repr: Some(repr), or: Some(or), ..Slots::default() },
            methods: METHODS,
            getset: GETSET,
            doc: DOC,
            ..TypeSpec::of::<DefaultDict>("defaultdict", Kind::Other)
        },
        base,
    );
    vm.dict_set_str(dict_of(module), "defaultdict", ty.value());
}

static GETSET: &[GetSetDef] = &[GetSetDef {
    name: "default_factory",
    get: |vm, dict| Ok(crate::support::or_none(vm, factory_of(dict))),
    set: Some(|vm, dict, value| {
        vm.write(dict, &cast::<DefaultDict>(dict).factory, value);
        Ok(())
    }),
    doc: "Factory for default value called by __missing__().",
}];

static METHODS: &[MethodDef] = &[
    MethodDef::method("__missing__", 2, 2, missing)
        .with_doc("__missing__(key) # Called by __getitem__ for missing key; pseudo-code:\n  if self.default_factory is None: raise KeyError((key,))\n  self[key] = value = self.default_factory()\n  return value"),
    MethodDef::method("copy", 1, 1, copy).with_doc("D.copy() -> a shallow copy of D."),
    MethodDef::method("__copy__", 1, 1, copy).with_doc("D.copy() -> a shallow copy of D."),
    MethodDef::method("__reduce__", 1, 1, reduce).with_doc("Return state information for pickling."),
    objects::generic_alias::CLASS_GETITEM,
];

fn factory_of(dict: Value) -> Value {
    cast::<DefaultDict>(dict).factory.get()
}

fn init(vm: &mut Vm, dict: Value, args: &CallArgs) -> PyResult<()> {
    let mut rest = *args;
    if let Some(factory) = args.get(0) {
        if factory != vm.none && !vm.is_callable(factory) {
            return Err(vm.type_error("first argument must be callable or None"));
        }
        vm.write(dict, &cast::<DefaultDict>(dict).factory, factory);
        rest.values = &args.values[1..];
    }
    let init = vm.types.dict.slots().init.expect("dict has one");
    init(vm, dict, &rest)
}

fn missing(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (dict, key) = (args.values[0], args.values[1]);
    let factory = factory_of(dict);
    if crate::support::is_absent(vm, factory) {
        return Err(vm.key_error(key));
    }
    let value = vm.call(factory, &[])?;
    // A subclass's `__setitem__` is asked.
    vm.setitem(dict, key, value)?;
    Ok(value)
}

fn copy(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let class = vm.type_of(args.values[0]).value();
    let factory = crate::support::or_none(vm, factory_of(args.values[0]));
    vm.call(class, &[factory, args.values[0]])
}

fn repr(vm: &mut Vm, dict: Value) -> PyResult {
    let base = vm.types.dict.slots().repr.expect("dict has one");
    let content = base(vm, dict)?;
    let content = vm.text_of(content);
    let factory = crate::support::or_none(vm, factory_of(dict));
    let factory = vm.repr_guarded(factory, |vm| vm.repr_text(factory))?.unwrap_or_else(|| "...".to_owned());
    let name = vm.type_name(dict);
    Ok(vm.new_str(&format!("{name}({factory}, {content})")))
}

fn or(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let is_dict = |vm: &Vm, value| vm.type_of(value).has(flags::DICT);
    if !is_dict(vm, a) || !is_dict(vm, b) {
        return Ok(vm.not_implemented);
    }
    let ours = if vm.type_of(a).slots().or.is_some_and(|slot| std::ptr::fn_addr_eq(slot, or as objects::slots::Binary))
    {
        a
    } else {
        b
    };
    let class = vm.type_of(ours).value();
    let factory = crate::support::or_none(vm, factory_of(ours));
    let joined = vm.call(class, &[factory, a])?;
    vm.inplace_op(BinaryOp::Or, joined, b)
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let dict = args.values[0];
    let class = vm.type_of(dict).value();
    let factory = factory_of(dict);
    let arguments = if crate::support::is_absent(vm, factory) { vm.empty_tuple } else { vm.new_tuple(&[factory]) };
    let items = vm.call_method(dict, "items", &[])?;
    let items = vm.iter(items)?;
    let none = vm.none;
    Ok(vm.new_tuple(&[class, arguments, none, none, items]))
}
