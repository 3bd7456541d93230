//! `staticmethod` and `classmethod`.

use crate::args::{CallArgs, GetSetDef};
use crate::builtin_layouts::StaticMethod;
use crate::error::PyResult;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// `staticmethod(function)`, without copying the function's names.
    pub fn new_static_method(&mut self, function: Value) -> Value {
        make(self, self.types.staticmethod, function)
    }

    /// `classmethod(function)`, likewise.
    pub fn new_class_method(&mut self, function: Value) -> Value {
        make(self, self.types.classmethod, function)
    }
}

fn make(vm: &mut Vm, ty: TypeRef, function: Value) -> Value {
    let method = vm.new_instance(ty);
    vm.write(method, &cast::<StaticMethod>(method).function, function);
    method
}

/// `__init__` may be overridden, so the function is None from the start.
fn new_method(vm: &mut Vm, ty: TypeRef, _: &CallArgs) -> PyResult {
    let none = vm.none;
    Ok(make(vm, ty, none))
}

/// What a static or class method wraps.
#[inline(always)]
pub fn function_of(method: Value) -> Value {
    cast::<StaticMethod>(method).function.get()
}

/// What an exact static method wraps; any other value is itself.
pub fn unwrap(vm: &Vm, value: Value) -> Value {
    if value.is_object() && vm.type_of(value) == vm.types.staticmethod { function_of(value) } else { value }
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    let overflow_word = (StaticMethod::DICT.offset / 8) as u16;
    vm.types.staticmethod = vm.new_builtin_type(
        TypeSpec {
            flags: flags::BASETYPE,
            overflow_word,
            slots: Slots {
                new: Some(new_method),
                init: Some(|vm, method, args| init_method(vm, method, args, "staticmethod")),
                call: Some(|vm, method, args| vm.call_kw(function_of(method), args)),
                repr: Some(|vm, method| repr(vm, method, "staticmethod")),
                descr_get: Some(|_, method, _, _| Ok(function_of(method))),
                ..Slots::default()
            },
            getset: GETSET,
            doc: "staticmethod(function, /)\n--\n\nConvert a function to be a static method.\n\nA static method does not receive an implicit first argument.\nTo declare a static method, use this idiom:\n\n     class C:\n         @staticmethod\n         def f(arg1, arg2, argN):\n             ...\n\nIt can be called either on the class (e.g. C.f()) or on an instance\n(e.g. C().f()). Both the class and the instance are ignored, and\nneither is passed implicitly as the first argument to the method.\n\nStatic methods in Python are similar to those found in Java or C++.\nFor a more advanced concept, see the classmethod builtin.",
            ..TypeSpec::of::<StaticMethod>("staticmethod", Kind::Other)
        },
        object,
    );
    vm.types.classmethod = vm.new_builtin_type(
        TypeSpec {
            flags: flags::BASETYPE,
            overflow_word,
            slots: Slots {
                new: Some(new_method),
                init: Some(|vm, method, args| init_method(vm, method, args, "classmethod")),
                repr: Some(|vm, method| repr(vm, method, "classmethod")),
                descr_get: Some(bind_class),
                ..Slots::default()
            },
            getset: GETSET,
            doc: "classmethod(function, /)\n--\n\nConvert a function to be a class method.\n\nA class method receives the class as implicit first argument,\njust like an instance method receives the instance.\nTo declare a class method, use this idiom:\n\n  class C:\n      @classmethod\n      def f(cls, arg1, arg2, argN):\n          ...\n\nIt can be called either on the class (e.g. C.f()) or on an instance\n(e.g. C().f()).  The instance is ignored except for its class.\nIf a class method is called for a derived class, the derived class\nobject is passed as the implied first argument.\n\nClass methods are different than C++ or Java static methods.\nIf you want those, see the staticmethod builtin.",
            ..TypeSpec::of::<StaticMethod>("classmethod", Kind::Other)
        },
        object,
    );
}

static GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("__func__", |_, method| Ok(function_of(method))),
    GetSetDef::read_only("__wrapped__", |_, method| Ok(function_of(method))),
    GetSetDef::read_only("__isabstractmethod__", |vm, method| {
        let is_abstract = crate::property::is_abstract_function(vm, function_of(method))?;
        Ok(vm.bool(is_abstract))
    }),
    GetSetDef::new(
        "__dict__",
        |vm, method| Ok(crate::instance::materialise(vm, method)),
        |vm, method, dict| (crate::instance::DICT_GETSET.set.expect("it can be set"))(vm, method, dict),
    ),
    GetSetDef::new(
        "__annotations__",
        |vm, method| forwarded(vm, method, "__annotations__"),
        |vm, method, value| set_own(vm, method, "__annotations__", value),
    ),
    GetSetDef::new(
        "__annotate__",
        |vm, method| forwarded(vm, method, "__annotate__"),
        |vm, method, value| set_own(vm, method, "__annotate__", value),
    ),
];

fn forwarded(vm: &mut Vm, method: Value, name: &str) -> PyResult {
    let name = vm.intern(name);
    if let Some(own) = crate::instance::get(vm, method, name) {
        return Ok(own);
    }
    vm.getattr(function_of(method), name)
}

fn set_own(vm: &mut Vm, method: Value, name: &str, value: Value) -> PyResult<()> {
    let name = vm.intern(name);
    if value.is_null() {
        crate::instance::delete(vm, method, name);
    } else {
        crate::instance::set(vm, method, name, value);
    }
    Ok(())
}

fn init_method(vm: &mut Vm, method: Value, args: &CallArgs, name: &str) -> PyResult<()> {
    crate::arity::no_keywords(vm, name, args)?;
    let function = crate::arity::positional(vm, name, args, 1, 1)?[0];
    vm.write(method, &cast::<StaticMethod>(method).function, function);
    let names = vm.names;
    for name in [names.__module__, names.__name__, names.__qualname__, names.__doc__] {
        if let Some(value) = vm.getattr_opt(function, name)? {
            crate::instance::set(vm, method, name, value);
        }
    }
    Ok(())
}

fn repr(vm: &mut Vm, method: Value, name: &str) -> PyResult {
    let function = vm.repr_text(function_of(method))?;
    Ok(vm.new_str(&format!("<{name}({function})>")))
}

fn bind_class(vm: &mut Vm, method: Value, instance: Value, class: Value) -> PyResult {
    let class = if class.is_null() { vm.type_of(instance).value() } else { class };
    Ok(vm.new_method(function_of(method), class))
}
