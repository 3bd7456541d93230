//! `function`: functions written in Python.

use crate::args::{CallArgs, GetSetDef};
use crate::builtin_layouts::Function;
use crate::code::Code;
use crate::error::PyResult;
use crate::layout::{cast, value_of};
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// A function with these globals, without defaults and closure. The builtins are the globals' `__builtins__`.
    pub fn new_function(&mut self, code: &'static Code, globals: Value) -> PyResult {
        let shape = self.shape_for_kind(Kind::Function);
        let names = self.names;
        let module = self.dict_get_name(globals, names.__name__).unwrap_or(self.none);
        let builtins = self.builtins_of(globals);
        let doc = match code.consts.first() {
            Some(&doc) if code.flags().has(syntax::CodeFlags::HAS_DOCSTRING) && self.is_str(doc) => doc,
            _ => self.none,
        };
        let function = self.alloc::<Function>(shape);
        function.code.set(code.token());
        function.globals.set(globals);
        function.builtins.set(builtins);
        function.name.set(code.name);
        function.qualname.set(code.qualname);
        function.module.set(module);
        function.doc.set(doc);
        Ok(value_of(function))
    }

    /// The builtins that code with these globals sees, a dict.
    pub fn builtins_of(&mut self, globals: Value) -> Value {
        let name = self.names.__builtins__;
        match self.dict_get_name(globals, name) {
            Some(builtins) if self.kind(builtins) == Kind::Module => crate::module::dict_of(builtins),
            Some(builtins) if self.type_of(builtins).has(flags::DICT) => builtins,
            _ => self.handle(self.builtins),
        }
    }
}

/// The code that a function runs.
#[inline(always)]
pub fn code_of(function: Value) -> &'static Code {
    Code::from_token(cast::<Function>(function).code.get())
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.function = vm.new_builtin_type(
        TypeSpec {
            flags: flags::METHOD_DESCRIPTOR,
            overflow_word: (Function::DICT.offset / 8) as u16,
            slots: Slots {
                new: Some(new),
                call: Some(|vm, function, args| (vm.hooks.call_function)(vm, function, args)),
                repr: Some(repr),
                descr_get: Some(bind),
                ..Slots::default()
            },
            getset: GETSET,
            doc: "Create a function object.",
            ..TypeSpec::of::<Function>("function", Kind::Function)
        },
        object,
    );
}

static GETSET: &[GetSetDef] = &[
    GetSetDef::new("__code__", get_code, set_code),
    GetSetDef::new("__defaults__", |vm, f| Ok(or_none(vm, cast::<Function>(f).defaults.get())), set_defaults),
    GetSetDef::new("__kwdefaults__", |vm, f| Ok(or_none(vm, cast::<Function>(f).kwdefaults.get())), set_kwdefaults),
    GetSetDef::read_only("__closure__", |vm, f| Ok(or_none(vm, cast::<Function>(f).closure.get()))),
    GetSetDef::read_only("__globals__", |_, f| Ok(cast::<Function>(f).globals.get())),
    GetSetDef::read_only("__builtins__", |_, f| Ok(cast::<Function>(f).builtins.get())),
    GetSetDef::new("__name__", |_, f| Ok(cast::<Function>(f).name.get()), set_name),
    GetSetDef::new("__qualname__", |_, f| Ok(cast::<Function>(f).qualname.get()), set_qualname),
    GetSetDef::new("__module__", |vm, f| Ok(or_none(vm, cast::<Function>(f).module.get())), set_module),
    GetSetDef::new("__doc__", |vm, f| Ok(or_none(vm, cast::<Function>(f).doc.get())), set_doc),
    GetSetDef::new("__dict__", |vm, f| Ok(crate::instance::materialise(vm, f)), set_dict),
    GetSetDef::new("__annotations__", get_annotations, set_annotations),
    GetSetDef::new("__annotate__", |vm, f| Ok(or_none(vm, cast::<Function>(f).annotate.get())), set_annotate),
    GetSetDef::new("__type_params__", get_type_params, set_type_params),
];

fn or_none(vm: &Vm, value: Value) -> Value {
    if value.is_null() { vm.none } else { value }
}

fn get_code(_: &mut Vm, function: Value) -> PyResult {
    Ok(code_of(function).object.get())
}

fn set_code(vm: &mut Vm, function: Value, value: Value) -> PyResult<()> {
    if value.is_null() || vm.kind(value) != Kind::Code {
        return Err(vm.type_error("__code__ must be set to a code object"));
    }
    let object = cast::<Function>(function);
    let code = crate::code_object::data_of(value);
    let free = code.source.freevars().len();
    let cells = match object.closure.get() {
        closure if closure.is_null() => 0,
        closure => crate::tuple::items(closure).len(),
    };
    if free != cells {
        let name = vm.text_of(object.name.get());
        return Err(vm.value_error(format!("{name}() requires a code object with {cells} free vars, not {free}")));
    }
    object.code.set(code.token());
    Ok(())
}

fn set_defaults(vm: &mut Vm, function: Value, value: Value) -> PyResult<()> {
    let value = if value == vm.none { Value::NULL } else { value };
    if !value.is_null() && !vm.type_of(value).has(flags::TUPLE) {
        return Err(vm.type_error("__defaults__ must be set to a tuple object"));
    }
    vm.write(function, &cast::<Function>(function).defaults, value);
    Ok(())
}

fn set_kwdefaults(vm: &mut Vm, function: Value, value: Value) -> PyResult<()> {
    let value = if value == vm.none { Value::NULL } else { value };
    if !value.is_null() && !vm.type_of(value).has(flags::DICT) {
        return Err(vm.type_error("__kwdefaults__ must be set to a dict object"));
    }
    vm.write(function, &cast::<Function>(function).kwdefaults, value);
    Ok(())
}

fn check_str(vm: &mut Vm, value: Value, name: &str) -> PyResult<()> {
    if value.is_null() || !vm.is_str(value) {
        return Err(vm.type_error(format!("{name} must be set to a string object")));
    }
    Ok(())
}

fn set_name(vm: &mut Vm, function: Value, value: Value) -> PyResult<()> {
    check_str(vm, value, "__name__")?;
    vm.write(function, &cast::<Function>(function).name, value);
    Ok(())
}

fn set_qualname(vm: &mut Vm, function: Value, value: Value) -> PyResult<()> {
    check_str(vm, value, "__qualname__")?;
    vm.write(function, &cast::<Function>(function).qualname, value);
    Ok(())
}

fn set_module(vm: &mut Vm, function: Value, value: Value) -> PyResult<()> {
    vm.write(function, &cast::<Function>(function).module, value);
    Ok(())
}

fn set_doc(vm: &mut Vm, function: Value, value: Value) -> PyResult<()> {
    vm.write(function, &cast::<Function>(function).doc, value);
    Ok(())
}

fn set_dict(vm: &mut Vm, function: Value, value: Value) -> PyResult<()> {
    if value.is_null() {
        return Err(vm.type_error("cannot delete __dict__"));
    }
    if !vm.type_of(value).has(flags::DICT) {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("__dict__ must be set to a dictionary, not a '{given}'")));
    }
    vm.write(function, &cast::<Function>(function).dict, value);
    Ok(())
}

fn get_annotations(vm: &mut Vm, function: Value) -> PyResult {
    let object = cast::<Function>(function);
    let mut annotations = object.annotations.get();
    if annotations.is_null() {
        let annotate = object.annotate.get();
        annotations = if annotate.is_null() || annotate == vm.none {
            vm.new_dict()
        } else {
            let result = vm.call(annotate, &[Value::from_int(1)])?;
            if !vm.type_of(result).has(flags::DICT) {
                let given = vm.type_name(result);
                return Err(vm.type_error(format!("__annotate__ returned non-dict of type '{given}'")));
            }
            result
        };
        vm.write(function, &object.annotations, annotations);
    } else if vm.type_of(annotations).has(flags::TUPLE) {
        // Names and values in turn, as code that needs no evaluation gives them.
        let dict = vm.new_dict();
        for pair in crate::tuple::items(annotations).chunks_exact(2) {
            vm.dict_set(dict, pair[0], pair[1])?;
        }
        vm.write(function, &object.annotations, dict);
        annotations = dict;
    }
    Ok(annotations)
}

fn set_annotations(vm: &mut Vm, function: Value, value: Value) -> PyResult<()> {
    let value = if value == vm.none { Value::NULL } else { value };
    if !value.is_null() && !vm.type_of(value).has(flags::DICT) {
        return Err(vm.type_error("__annotations__ must be set to a dict object"));
    }
    let object = cast::<Function>(function);
    vm.write(function, &object.annotations, value);
    object.annotate.set(Value::NULL);
    Ok(())
}

fn set_annotate(vm: &mut Vm, function: Value, value: Value) -> PyResult<()> {
    if value.is_null() {
        return Err(vm.type_error("__annotate__ cannot be deleted"));
    }
    let object = cast::<Function>(function);
    if value == vm.none {
        object.annotate.set(Value::NULL);
        return Ok(());
    }
    if !vm.is_callable(value) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    vm.write(function, &object.annotate, value);
    object.annotations.set(Value::NULL);
    Ok(())
}

fn get_type_params(vm: &mut Vm, function: Value) -> PyResult {
    let params = cast::<Function>(function).type_params.get();
    Ok(if params.is_null() { vm.empty_tuple } else { params })
}

fn set_type_params(vm: &mut Vm, function: Value, value: Value) -> PyResult<()> {
    if value.is_null() || !vm.type_of(value).has(flags::TUPLE) {
        return Err(vm.type_error("__type_params__ must be set to a tuple"));
    }
    vm.write(function, &cast::<Function>(function).type_params, value);
    Ok(())
}

/// `types.FunctionType(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)`.
fn new(vm: &mut Vm, _: TypeRef, args: &CallArgs) -> PyResult {
    let [code, globals, name, defaults, closure, kwdefaults] = args.bind(
        vm,
        "function",
        &crate::args::Signature {
            parameters: ["code", "globals", "name", "argdefs", "closure", "kwdefaults"],
            skip: 0,
            positional_only: 0,
            max_positional: 6,
            required: 2,
        },
    )?;
    if vm.kind(code) != Kind::Code {
        let given = vm.type_name(code);
        return Err(vm.type_error(format!("function() argument 'code' must be code, not {given}")));
    }
    if !vm.type_of(globals).has(flags::DICT) {
        let given = vm.type_name(globals);
        return Err(vm.type_error(format!("function() argument 'globals' must be dict, not {given}")));
    }
    let given = |vm: &Vm, value: Value| !value.is_null() && value != vm.none;
    let code = crate::code_object::data_of(code);
    let free = code.source.freevars().len();
    let cells = if given(vm, closure) {
        if !vm.type_of(closure).has(flags::TUPLE) {
            return Err(vm.type_error("arg 5 (closure) must be tuple"));
        }
        crate::tuple::items(closure)
    } else {
        if free > 0 {
            return Err(vm.type_error("arg 5 (closure) must be tuple"));
        }
        &[]
    };
    if cells.len() != free {
        let (name, count) = (vm.text_of(code.name), cells.len());
        return Err(vm.value_error(format!("{name} requires closure of length {free}, not {count}")));
    }
    if let Some(&other) = cells.iter().find(|&&cell| vm.kind(cell) != Kind::Cell) {
        let given = vm.type_name(other);
        return Err(vm.type_error(format!("arg 5 (closure) expected cell, found {given}")));
    }
    let function = vm.new_function(code, globals)?;
    let object = cast::<Function>(function);
    if given(vm, name) {
        check_str(vm, name, "arg 3 (name)")?;
        vm.write(function, &object.name, name);
    }
    if given(vm, defaults) {
        set_defaults(vm, function, defaults)?;
    }
    if given(vm, closure) && !cells.is_empty() {
        vm.write(function, &object.closure, closure);
    }
    if given(vm, kwdefaults) {
        set_kwdefaults(vm, function, kwdefaults)?;
    }
    Ok(function)
}

fn repr(vm: &mut Vm, function: Value) -> PyResult {
    let name = vm.text_of(cast::<Function>(function).qualname.get());
    let address = vm.address(function);
    Ok(vm.new_str(&format!("<function {name} at 0x{address:x}>")))
}

fn bind(vm: &mut Vm, function: Value, instance: Value, _: Value) -> PyResult {
    if instance.is_null() { Ok(function) } else { Ok(vm.new_method(function, instance)) }
}
