//! `types.SimpleNamespace`.

use crate::args::{CallArgs, MethodDef};
use crate::builtin_layouts::Instance;
use crate::error::PyResult;
use crate::instance;
use crate::shape::Kind;
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// An empty namespace object.
    pub fn new_namespace_object(&mut self) -> Value {
        self.new_instance(self.types.simple_namespace)
    }
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.simple_namespace = vm.new_builtin_type(
        TypeSpec {
            module: "types",
            flags: flags::BASETYPE,
            overflow_word: (Instance::OVERFLOW.offset / 8) as u16,
            slots: Slots {
                new: Some(|vm, ty, _| Ok(vm.new_instance(ty))),
                init: Some(init_namespace),
                repr: Some(repr),
                compare: Some(compare),
                hash: Some(crate::object::hash_not_implemented),
                ..Slots::default()
            },
            methods: const {
                &[
                    MethodDef::method("__reduce__", 1, 1, reduce).with_doc("__reduce__($self, /)\n--\n\nReturn state information for pickling"),
                    MethodDef::method("__replace__", 1, 1, replace).with_keywords().with_doc("__replace__($self, /, **changes)\n--\n\nReturn a copy of the namespace object with new values for the specified attributes."),
                ]
            },
            getset: std::slice::from_ref(&instance::DICT_GETSET),
            doc: "SimpleNamespace(mapping_or_iterable=(), /, **kwargs)\n--\n\nA simple attribute-based namespace.",
            ..TypeSpec::of::<Instance>("SimpleNamespace", Kind::Other)
        },
        object,
    );
}

fn init_namespace(vm: &mut Vm, object: Value, args: &CallArgs) -> PyResult<()> {
    let positional = args.args();
    crate::arity::positional_count(vm, "SimpleNamespace", positional, 0, 1)?;
    let dict = instance::materialise(vm, object);
    if let Some(&mapping) = positional.first() {
        let given = vm.call(vm.types.dict.value(), &[mapping])?;
        let mut position = 0;
        while let Some((key, value)) = vm.dict_next(given, &mut position) {
            if !vm.is_str(key) {
                return Err(vm.type_error("keywords must be strings"));
            }
            vm.dict_set(dict, key, value)?;
        }
    }
    for (name, value) in args.keywords() {
        vm.dict_set(dict, name, value)?;
    }
    Ok(())
}

fn repr(vm: &mut Vm, object: Value) -> PyResult {
    let ty = vm.type_of(object);
    let name = if ty == vm.types.simple_namespace { "namespace".to_string() } else { ty.name() };
    let text = vm.repr_guarded(object, |vm| {
        let dict = instance::snapshot(vm, object);
        let mut parts = Vec::new();
        let mut position = 0;
        while let Some((key, value)) = vm.dict_next(dict, &mut position) {
            if vm.is_str(key) && !vm.str_bytes(key).is_empty() {
                let value = vm.repr_text(value)?;
                parts.push(format!("{}={value}", vm.text_of(key)));
            }
        }
        Ok(parts.join(", "))
    })?;
    let text = text.unwrap_or_else(|| "...".to_string());
    Ok(vm.new_str(&format!("{name}({text})")))
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    let ty = vm.types.simple_namespace;
    if !vm.type_of(a).is_subtype(ty) || !vm.type_of(b).is_subtype(ty) {
        return Ok(vm.not_implemented);
    }
    let (left, right) = (instance::materialise(vm, a), instance::materialise(vm, b));
    vm.compare(left, right, op)
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let object = args.values[0];
    let class = vm.type_of(object).value();
    let dict = instance::materialise(vm, object);
    Ok(vm.new_tuple(&[class, vm.empty_tuple, dict]))
}

fn replace(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let object = args.values[0];
    let class = vm.type_of(object).value();
    let copy = vm.call(class, &[])?;
    let from = instance::materialise(vm, object);
    let to = instance::materialise(vm, copy);
    let mut position = 0;
    while let Some((key, value)) = vm.dict_next(from, &mut position) {
        vm.dict_set(to, key, value)?;
    }
    for (name, value) in args.keywords() {
        vm.dict_set(to, name, value)?;
    }
    Ok(copy)
}
