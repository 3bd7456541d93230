//! `property`.

use crate::args::{CallArgs, GetSetDef, MethodDef, Signature};
use crate::builtin_layouts::Property;
use crate::error::PyResult;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.property = vm.new_builtin_type(
        TypeSpec {
            flags: flags::BASETYPE,
            slots: Slots {
                new: Some(|vm, ty, _| Ok(vm.new_instance(ty))),
                init: Some(init_property),
                descr_get: Some(get),
                descr_set: Some(set),
                ..Slots::default()
            },
            methods: METHODS,
            getset: GETSET,
            doc: "property(fget=None, fset=None, fdel=None, doc=None)\n--\n\nProperty attribute.\n\n  fget\n    function to be used for getting an attribute value\n  fset\n    function to be used for setting an attribute value\n  fdel\n    function to be used for del'ing an attribute\n  doc\n    docstring\n\nTypical use is to define a managed attribute x:\n\nclass C(object):\n    def getx(self): return self._x\n    def setx(self, value): self._x = value\n    def delx(self): del self._x\n    x = property(getx, setx, delx, \"I'm the 'x' property.\")\n\nDecorators make defining new properties or modifying existing ones easy:\n\nclass C(object):\n    @property\n    def x(self):\n        \"I am the 'x' property.\"\n        return self._x\n    @x.setter\n    def x(self, value):\n        self._x = value\n    @x.deleter\n    def x(self):\n        del self._x",
            ..TypeSpec::of::<Property>("property", Kind::Property)
        },
        object,
    );
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("getter", 2, 2, |vm, args| copy(vm, args, 0)).with_doc(
        "getter($self, object, /)\n--\n\nDescriptor to obtain a copy of the property with a different getter.",
    ),
    MethodDef::method("setter", 2, 2, |vm, args| copy(vm, args, 1)).with_doc(
        "setter($self, object, /)\n--\n\nDescriptor to obtain a copy of the property with a different setter.",
    ),
    MethodDef::method("deleter", 2, 2, |vm, args| copy(vm, args, 2)).with_doc(
        "deleter($self, object, /)\n--\n\nDescriptor to obtain a copy of the property with a different deleter.",
    ),
    MethodDef::method("__set_name__", 3, 3, set_name)
        .with_doc("__set_name__($self, owner, name, /)\n--\n\nMethod to set name of a property."),
];

static GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("fget", |vm, p| Ok(or_none(vm, cast::<Property>(p).fget.get()))),
    GetSetDef::read_only("fset", |vm, p| Ok(or_none(vm, cast::<Property>(p).fset.get()))),
    GetSetDef::read_only("fdel", |vm, p| Ok(or_none(vm, cast::<Property>(p).fdel.get()))),
    GetSetDef::new("__doc__", |vm, p| Ok(or_none(vm, cast::<Property>(p).doc.get())), set_doc),
    GetSetDef::new("__name__", get_name, set_own_name),
    GetSetDef::new("__isabstractmethod__", is_abstract, |vm, _, _| {
        Err(vm.attribute_error_text("attribute '__isabstractmethod__' of 'property' objects is not writable"))
    }),
];

fn or_none(vm: &Vm, value: Value) -> Value {
    if value.is_null() { vm.none } else { value }
}

fn init_property(vm: &mut Vm, property: Value, args: &CallArgs) -> PyResult<()> {
    let values = args.bind(
        vm,
        "property",
        &Signature {
            parameters: ["fget", "fset", "fdel", "doc"],
            skip: 0,
            positional_only: 0,
            max_positional: 4,
            required: 0,
        },
    )?;
    let [fget, fset, fdel, mut doc] = values.map(|value| if value == vm.none { Value::NULL } else { value });
    let object = cast::<Property>(property);
    vm.write(property, &object.fget, fget);
    vm.write(property, &object.fset, fset);
    vm.write(property, &object.fdel, fdel);
    vm.write(property, &object.name, Value::NULL);
    let given = !doc.is_null();
    if !given && !fget.is_null() {
        let name = vm.names.__doc__;
        doc = vm.getattr_opt(fget, name)?.unwrap_or(Value::NULL);
        if doc == vm.none {
            doc = Value::NULL;
        }
    }
    vm.write(property, &object.doc, doc);
    if vm.type_of(property) != vm.types.property && crate::instance::has_dict(vm, property) && (given || !doc.is_null())
    {
        // A subclass's own `__doc__` would hide the field.
        let name = vm.names.__doc__;
        let doc = or_none(vm, doc);
        crate::instance::set(vm, property, name, doc);
    }
    Ok(())
}

fn copy(vm: &mut Vm, args: &CallArgs, which: usize) -> PyResult {
    let (property, function) = (args.values[0], args.values[1]);
    let object = cast::<Property>(property);
    let mut parts = [object.fget.get(), object.fset.get(), object.fdel.get()];
    if function != vm.none {
        parts[which] = function;
    }
    // The getter's doc is taken anew unless it was given by itself.
    let old_doc = object.doc.get();
    let name = vm.names.__doc__;
    let inherited = match object.fget.get() {
        getter if getter.is_null() => None,
        getter => vm.getattr_opt(getter, name)?,
    };
    let doc = if inherited.is_some_and(|doc| doc == old_doc) { vm.none } else { or_none(vm, old_doc) };
    let [fget, fset, fdel] = parts.map(|part| or_none(vm, part));
    let class = vm.type_of(property).value();
    let new = vm.call(class, &[fget, fset, fdel, doc])?;
    if vm.type_of(new).is_subtype(vm.types.property) {
        vm.write(new, &cast::<Property>(new).name, object.name.get());
    }
    Ok(new)
}

fn set_name(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let property = args.values[0];
    vm.write(property, &cast::<Property>(property).name, args.values[2]);
    Ok(vm.none)
}

fn get_name(vm: &mut Vm, property: Value) -> PyResult {
    let object = cast::<Property>(property);
    if !object.name.get().is_null() {
        return Ok(object.name.get());
    }
    let name = vm.names.__name__;
    if !object.fget.get().is_null()
        && let Some(found) = vm.getattr_opt(object.fget.get(), name)?
    {
        return Ok(found);
    }
    Err(vm.attribute_error(property, name))
}

fn set_own_name(vm: &mut Vm, property: Value, value: Value) -> PyResult<()> {
    vm.write(property, &cast::<Property>(property).name, value);
    Ok(())
}

fn set_doc(vm: &mut Vm, property: Value, value: Value) -> PyResult<()> {
    vm.write(property, &cast::<Property>(property).doc, value);
    Ok(())
}

/// Whether any of the functions is abstract.
fn is_abstract(vm: &mut Vm, property: Value) -> PyResult {
    let object = cast::<Property>(property);
    for function in [object.fget.get(), object.fset.get(), object.fdel.get()] {
        if !function.is_null() && is_abstract_function(vm, function)? {
            return Ok(vm.true_);
        }
    }
    Ok(vm.false_)
}

/// `function.__isabstractmethod__`, false without.
pub fn is_abstract_function(vm: &mut Vm, function: Value) -> PyResult<bool> {
    let name = vm.names.__isabstractmethod__;
    match vm.getattr_opt(function, name)? {
        Some(flag) => vm.truth(flag),
        None => Ok(false),
    }
}

fn get(vm: &mut Vm, property: Value, instance: Value, _: Value) -> PyResult {
    if instance.is_null() {
        return Ok(property);
    }
    let getter = cast::<Property>(property).fget.get();
    if getter.is_null() {
        return Err(missing(vm, property, instance, "getter"));
    }
    vm.call(getter, &[instance])
}

fn set(vm: &mut Vm, property: Value, instance: Value, value: Value) -> PyResult<()> {
    let object = cast::<Property>(property);
    if value.is_null() {
        let deleter = object.fdel.get();
        if deleter.is_null() {
            return Err(missing(vm, property, instance, "deleter"));
        }
        vm.call(deleter, &[instance])?;
    } else {
        let setter = object.fset.get();
        if setter.is_null() {
            return Err(missing(vm, property, instance, "setter"));
        }
        vm.call(setter, &[instance, value])?;
    }
    Ok(())
}

#[cold]
fn missing(vm: &mut Vm, property: Value, instance: Value, what: &str) -> crate::error::Raised {
    let ty = vm.type_of(instance);
    let class = vm.text_of(ty.0.qualname.get());
    let message = match get_name(vm, property) {
        Ok(name) => match vm.repr_text(name) {
            Ok(name) => format!("property {name} of '{class}' object has no {what}"),
            Err(raised) => return raised,
        },
        Err(_) => format!("property of '{class}' object has no {what}"),
    };
    vm.attribute_error_text(message)
}
