//! `partial` and `Placeholder`.

use heap::Value;
use objects::args::{CallArgs, GetSetDef, MethodDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::module::dict_of;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::tuple;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::value_vec::ValueVec;
use objects::vm::Vm;
use objects::{instance, tuple as tuples};

layout! {
    Partial {
        overflow OVERFLOW: Value;
        function FUNCTION: Value;
        /// A tuple.
        args ARGS: Value;
        /// A dict.
        keywords KEYWORDS: Value;
        /// How many of `args` are `Placeholder`.
        placeholders PLACEHOLDERS: i64;
    }

    PlaceholderObject {
        unused UNUSED: i64;
    }
}

#[derive(Default)]
struct State {
    partial: Option<TypeRef>,
    placeholder: Option<metatrace::Handle>,
}

pub(super) fn add_types(vm: &mut Vm, module: Value) -> PyResult<()> {
    let placeholder_type = crate::support::add_type(
        vm,
        module,
        TypeSpec {
            module: "functools",
            slots: Slots {
                new: Some(new_placeholder),
                repr: Some(|vm, _| Ok(vm.intern("Placeholder"))),
                ..Slots::default()
            },
            methods: PLACEHOLDER_METHODS,
            doc: "The type of the Placeholder singleton.\n\nUsed as a placeholder for partial arguments.",
            ..TypeSpec::of::<PlaceholderObject>("_PlaceholderType", Kind::Other)
        },
    );
    let placeholder = vm.new_instance(placeholder_type);
    vm.dict_set_str(dict_of(module), "Placeholder", placeholder);
    let placeholder = vm.keep(placeholder);
    let partial = crate::support::add_type(
        vm,
        module,
        TypeSpec {
            module: "functools",
            flags: flags::BASETYPE | flags::HAS_WEAKREF,
            overflow_word: (Partial::OVERFLOW.offset / 8) as u16,
            slots: Slots {
                new: Some(new),
                call: Some(call),
                repr: Some(repr),
                descr_get: Some(|vm, partial, instance, _| {
                    if instance.is_null() || instance == vm.none {
                        Ok(partial)
                    } else {
                        Ok(vm.new_method(partial, instance))
                    }
                }),
                ..Slots::default()
            },
            methods: METHODS,
            getset: GETSET,
            doc: "Create a new function with partial application of the given arguments and keywords.",
            ..TypeSpec::of::<Partial>("partial", Kind::Other)
        },
    );
    *vm.extension::<State>() = State { partial: Some(partial), placeholder: Some(placeholder) };
    Ok(())
}

static PLACEHOLDER_METHODS: &[MethodDef] =
    &[MethodDef::method("__reduce__", 1, 1, |vm, _| Ok(vm.intern("Placeholder")))];

static GETSET: &[GetSetDef] = &[
    GetSetDef {
        name: "func",
        get: |_, partial| Ok(cast::<Partial>(partial).function.get()),
        set: None,
        doc: "function object to use in future partial calls",
    },
    GetSetDef {
        name: "args",
        get: |_, partial| Ok(cast::<Partial>(partial).args.get()),
        set: None,
        doc: "tuple of arguments to future partial calls",
    },
    GetSetDef {
        name: "keywords",
        get: |_, partial| Ok(cast::<Partial>(partial).keywords.get()),
        set: None,
        doc: "dictionary of keyword arguments to future partial calls",
    },
    GetSetDef { name: "__dict__", ..instance::DICT_GETSET },
];

static METHODS: &[MethodDef] = &[
    MethodDef::method("__reduce__", 1, 1, reduce),
    MethodDef::method("__setstate__", 2, 2, set_state),
    objects::generic_alias::CLASS_GETITEM,
];

fn placeholder(vm: &mut Vm) -> Value {
    let handle = vm.extension::<State>().placeholder.expect("made with the module");
    vm.handle(handle)
}

fn new_placeholder(vm: &mut Vm, _: TypeRef, args: &CallArgs) -> PyResult {
    if !args.values.is_empty() {
        return Err(vm.type_error("PlaceholderType takes no arguments"));
    }
    Ok(placeholder(vm))
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let placeholder = placeholder(vm);
    let Some((&given, more)) = args.args().split_first() else {
        return Err(vm.type_error("type 'partial' takes at least one argument"));
    };
    if !vm.is_callable(given) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    if more.last() == Some(&placeholder) {
        return Err(vm.type_error("trailing Placeholders are not allowed"));
    }
    let keywords = vm.new_dict();
    let partial_type = vm.extension::<State>().partial.expect("made with the module");
    let (mut function, mut arguments) = (given, ValueVec::from_slice(vm, more));
    if vm.type_of(given).is_subtype(partial_type) && has_no_attributes(vm, given) {
        let inner = cast::<Partial>(given);
        function = inner.function.get();
        arguments = merged(vm, inner, more);
        vm.dict_update(keywords, inner.keywords.get())?;
    }
    for (name, value) in args.keywords() {
        if value == placeholder {
            return Err(vm.type_error("Placeholder cannot be passed as a keyword argument"));
        }
        vm.dict_set(keywords, name, value)?;
    }
    let arguments = vm.new_tuple(arguments.as_slice());
    let partial = vm.new_instance(ty);
    store(vm, partial, function, arguments, keywords);
    Ok(partial)
}

fn store(vm: &mut Vm, partial: Value, function: Value, arguments: Value, keywords: Value) {
    let placeholder = placeholder(vm);
    let count = tuples::items(arguments).iter().filter(|&&value| value == placeholder).count();
    let object = cast::<Partial>(partial);
    vm.write(partial, &object.function, function);
    vm.write(partial, &object.args, arguments);
    vm.write(partial, &object.keywords, keywords);
    object.placeholders.set(count as i64);
}

fn has_no_attributes(vm: &mut Vm, object: Value) -> bool {
    let attributes = instance::snapshot(vm, object);
    attributes.is_null() || vm.dict_len(attributes) == 0
}

/// The stored arguments with placeholders filled from `given`, then the rest of `given`.
fn merged(vm: &mut Vm, partial: &Partial, given: &[Value]) -> ValueVec {
    let placeholder = placeholder(vm);
    let mut arguments = ValueVec::new();
    let mut given = given.iter().copied();
    for &stored in tuple::items(partial.args.get()) {
        let value = if stored == placeholder { given.next().unwrap_or(placeholder) } else { stored };
        arguments.push(vm, value);
    }
    for value in given {
        arguments.push(vm, value);
    }
    arguments
}

fn call(vm: &mut Vm, partial: Value, args: &CallArgs) -> PyResult {
    let object = cast::<Partial>(partial);
    let needed = object.placeholders.get();
    let given = args.args();
    if (given.len() as i64) < needed {
        return Err(vm.type_error(format!(
            "missing positional arguments in 'partial' call; expected at least {needed}, got {}",
            given.len()
        )));
    }
    let mut values = merged(vm, object, given);
    let stored = object.keywords.get();
    let names = if vm.dict_len(stored) == 0 {
        for (_, value) in args.keywords() {
            values.push(vm, value);
        }
        args.names
    } else {
        let keywords = vm.dict_copy(stored);
        for (name, value) in args.keywords() {
            vm.dict_set(keywords, name, value)?;
        }
        let mut names = ValueVec::new();
        let mut position = 0;
        while let Some((name, value)) = vm.dict_next(keywords, &mut position) {
            let name = if vm.is_str(name) {
                vm.intern_value(name)
            } else {
                return Err(vm.type_error("keywords must be strings"));
            };
            names.push(vm, name);
            values.push(vm, value);
        }
        vm.new_tuple(names.as_slice())
    };
    vm.call_kw(object.function.get(), &CallArgs { values: values.as_slice(), names })
}

fn repr(vm: &mut Vm, partial: Value) -> PyResult {
    let ty = vm.type_of(partial);
    let name = vm.full_name(ty);
    let text = vm.repr_guarded(partial, |vm| {
        let object = cast::<Partial>(partial);
        let mut parts = vec![vm.repr_text(object.function.get())?];
        for &value in tuple::items(object.args.get()) {
            parts.push(vm.repr_text(value)?);
        }
        let mut position = 0;
        while let Some((name, value)) = vm.dict_next(object.keywords.get(), &mut position) {
            let name = vm.str_text(name)?;
            let value = vm.repr_text(value)?;
            parts.push(format!("{name}={value}"));
        }
        Ok(parts.join(", "))
    })?;
    let text = text.map_or_else(|| "...".to_owned(), |text| format!("{name}({text})"));
    Ok(vm.new_str(&text))
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let partial = args.values[0];
    let object = cast::<Partial>(partial);
    let class = vm.type_of(partial).value();
    let function = object.function.get();
    let attributes = instance::snapshot(vm, partial);
    let attributes = if attributes.is_null() || vm.dict_len(attributes) == 0 { vm.none } else { attributes };
    let arguments = vm.new_tuple(&[function]);
    let state = vm.new_tuple(&[function, object.args.get(), object.keywords.get(), attributes]);
    Ok(vm.new_tuple(&[class, arguments, state]))
}

fn set_state(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (partial, state) = (args.values[0], args.values[1]);
    let fields = if tuple::is_tuple(vm, state) { tuple::items(state) } else { &[] };
    let &[function, arguments, keywords, attributes] = fields else {
        return Err(vm.type_error("invalid partial state"));
    };
    let is_dict = |vm: &Vm, value| value == vm.none || vm.type_of(value).has(flags::DICT);
    if !vm.is_callable(function) || !tuple::is_tuple(vm, arguments) || !is_dict(vm, keywords) {
        return Err(vm.type_error("invalid partial state"));
    }
    if tuple::items(arguments).last() == Some(&placeholder(vm)) {
        return Err(vm.type_error("trailing Placeholders are not allowed"));
    }
    let arguments = vm.new_tuple(tuple::items(arguments));
    let keywords = if keywords == vm.none { vm.new_dict() } else { vm.dict_copy(keywords) };
    store(vm, partial, function, arguments, keywords);
    if is_dict(vm, attributes) && attributes != vm.none {
        let name = vm.intern("__dict__");
        vm.setattr(partial, name, attributes)?;
    }
    Ok(vm.none)
}
