//! Attributes of particular exception classes. They lie in an array in `extra`, in the order of the class's table.

use crate::args::{CallArgs, GetSetDef, Signature};
use crate::builtin_layouts::Exception;
use crate::error::PyResult;
use crate::exceptions::base;
use crate::layout::cast;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::value_vec::{array_get, array_set, new_array};
use crate::vm::Vm;
use heap::Value;

/// Fields of any one class.
const MAX_FIELDS: usize = 9;

/// The fields of each family, by its base class.
static FAMILIES: &[(&str, &[&str])] = &[
    ("StopIteration", &["value"]),
    ("SystemExit", &["code"]),
    ("NameError", &["name"]),
    ("AttributeError", &["name", "obj"]),
    ("ImportError", &["msg", "name", "path", "name_from"]),
    ("OSError", &["errno", "strerror", "filename", "filename2", "characters_written"]),
    (
        "SyntaxError",
        &[
            "msg",
            "filename",
            "lineno",
            "offset",
            "text",
            "end_lineno",
            "end_offset",
            "print_file_and_line",
            "_metadata",
        ],
    ),
    ("UnicodeDecodeError", &["encoding", "object", "start", "end", "reason"]),
    ("UnicodeEncodeError", &["encoding", "object", "start", "end", "reason"]),
    ("UnicodeTranslateError", &["encoding", "object", "start", "end", "reason"]),
    ("BaseExceptionGroup", &["message", "exceptions"]),
];

fn index_of(vm: &Vm, exception: Value, name: &str) -> Option<usize> {
    let mro = vm.type_of(exception).data().mro.borrow();
    mro.iter().filter(|ty| ty.has(crate::ty::flags::IMMUTABLE)).find_map(|ty| {
        let data = ty.data();
        let class = data.name.borrow();
        let (_, fields) = FAMILIES.iter().find(|(family, _)| *family == class.as_str())?;
        fields.iter().position(|field| *field == name)
    })
}

/// Whether this built-in exception has fields that its base has not.
pub fn adds_fields(ty: TypeRef) -> bool {
    !ty.has(flags::HEAP) && FAMILIES.iter().any(|(family, _)| *family == ty.data().name.borrow().as_str())
}

/// The field `name` of an exception; NULL if unset.
pub fn extra(vm: &Vm, exception: Value, name: &str) -> Value {
    index_of(vm, exception, name).map_or(Value::NULL, |index| get(exception, index))
}

/// Sets the field `name`, if the exception's class has it.
pub fn set_extra(vm: &mut Vm, exception: Value, name: &str, value: Value) {
    if let Some(index) = index_of(vm, exception, name) {
        set(vm, exception, index, value);
    }
}

/// Field `index`; NULL if unset.
pub fn get(exception: Value, index: usize) -> Value {
    let extra = cast::<Exception>(exception).extra.get();
    if extra.is_null() { Value::NULL } else { array_get(extra, index) }
}

pub fn set(vm: &mut Vm, exception: Value, index: usize, value: Value) {
    let object = cast::<Exception>(exception);
    if object.extra.get().is_null() {
        let fields = new_array(vm, MAX_FIELDS);
        vm.write(exception, &object.extra, fields);
    }
    array_set(vm, object.extra.get(), index, value);
}

/// An attribute that is field `$index`: None while unset.
macro_rules! field {
    ($name:literal, $index:literal) => {
        $crate::args::GetSetDef::new(
            $name,
            |vm, exception| {
                let value = $crate::exceptions::fields::get(exception, $index);
                Ok(if value.is_null() { vm.none } else { value })
            },
            |vm, exception, value| {
                $crate::exceptions::fields::set(vm, exception, $index, value);
                Ok(())
            },
        )
    };
}
pub(super) use field;

static STOP_ITERATION: &[GetSetDef] = &[field!("value", 0)];
static SYSTEM_EXIT: &[GetSetDef] = &[field!("code", 0)];
static NAME_ERROR: &[GetSetDef] = &[field!("name", 0)];
static ATTRIBUTE_ERROR: &[GetSetDef] = &[field!("name", 0), field!("obj", 1)];
static IMPORT_ERROR: &[GetSetDef] = &[field!("msg", 0), field!("name", 1), field!("path", 2), field!("name_from", 3)];

/// What a class has beside its base's; by its field in `ExceptionTypes`.
pub(super) fn extend(class: &str, spec: TypeSpec) -> TypeSpec {
    let slots = spec.slots;
    match class {
        "stop_iteration" => {
            TypeSpec { slots: Slots { init: Some(init_first), ..slots }, getset: STOP_ITERATION, ..spec }
        }
        "system_exit" => TypeSpec { slots: Slots { init: Some(init_code), ..slots }, getset: SYSTEM_EXIT, ..spec },
        "name_error" => TypeSpec { slots: Slots { init: Some(init_name), ..slots }, getset: NAME_ERROR, ..spec },
        "attribute_error" => TypeSpec {
            slots: Slots { init: Some(init_attribute), ..slots },
            methods: const {
                &[
                    crate::args::MethodDef::method("__reduce__", 1, 1, reduce_attribute),
                    crate::args::MethodDef::method("__getstate__", 1, 1, state_of_attribute),
                ]
            },
            getset: ATTRIBUTE_ERROR,
            ..spec
        },
        "import_error" => TypeSpec {
            slots: Slots { init: Some(init_import), str: Some(str_import), ..slots },
            methods: const { &[crate::args::MethodDef::method("__reduce__", 1, 1, reduce_import)] },
            getset: IMPORT_ERROR,
            ..spec
        },
        "key_error" => TypeSpec { slots: Slots { str: Some(str_key), ..slots }, ..spec },
        _ => spec,
    }
}

/// The first argument is the value.
fn init_first(vm: &mut Vm, exception: Value, args: &CallArgs) -> PyResult<()> {
    base::init(vm, exception, args)?;
    let value = args.get(0).unwrap_or(vm.none);
    set(vm, exception, 0, value);
    Ok(())
}

fn init_code(vm: &mut Vm, exception: Value, args: &CallArgs) -> PyResult<()> {
    base::init(vm, exception, args)?;
    let code = match *args.args() {
        [] => vm.none,
        [one] => one,
        _ => base::args_of(vm, exception),
    };
    set(vm, exception, 0, code);
    Ok(())
}

/// The keyword arguments alone.
fn keywords_of<'a>(args: &CallArgs<'a>) -> CallArgs<'a> {
    CallArgs { values: &args.values[args.args().len()..], names: args.names }
}

fn init_name(vm: &mut Vm, exception: Value, args: &CallArgs) -> PyResult<()> {
    base::set_positional(vm, exception, args);
    if !args.keyword_names().is_empty() {
        let signature = Signature { parameters: ["name"], skip: 0, positional_only: 0, max_positional: 0, required: 0 };
        let [name] = keywords_of(args).bind(vm, "NameError", &signature)?;
        set(vm, exception, 0, name);
    }
    Ok(())
}

fn init_attribute(vm: &mut Vm, exception: Value, args: &CallArgs) -> PyResult<()> {
    base::set_positional(vm, exception, args);
    if !args.keyword_names().is_empty() {
        let signature =
            Signature { parameters: ["name", "obj"], skip: 0, positional_only: 0, max_positional: 0, required: 0 };
        let [name, object] = keywords_of(args).bind(vm, "AttributeError", &signature)?;
        set(vm, exception, 0, name);
        set(vm, exception, 1, object);
    }
    Ok(())
}

/// The dictionary with name and arguments, as CPython pickles it: without the object.
fn attribute_state(vm: &mut Vm, exception: Value) -> Value {
    let state = crate::instance::snapshot(vm, exception);
    let state = if state.is_null() { vm.new_dict() } else { state };
    let args = base::args_of(vm, exception);
    let name = get(exception, 0);
    let names = vm.names;
    let name = if name.is_null() { vm.none } else { name };
    vm.dict_set_name(state, names.name, name);
    vm.dict_set_str(state, "args", args);
    state
}

fn reduce_attribute(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let exception = args.values[0];
    let state = attribute_state(vm, exception);
    let class = vm.type_of(exception).value();
    let arguments = base::args_of(vm, exception);
    Ok(vm.new_tuple(&[class, arguments, state]))
}

fn state_of_attribute(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(attribute_state(vm, args.values[0]))
}

fn init_import(vm: &mut Vm, exception: Value, args: &CallArgs) -> PyResult<()> {
    base::set_positional(vm, exception, args);
    let message = match *args.args() {
        [message] => message,
        _ => Value::NULL,
    };
    let signature = Signature {
        parameters: ["name", "path", "name_from"],
        skip: 0,
        positional_only: 0,
        max_positional: 0,
        required: 0,
    };
    let [name, path, name_from] = keywords_of(args).bind(vm, "ImportError", &signature)?;
    for (index, value) in [message, name, path, name_from].into_iter().enumerate() {
        set(vm, exception, index, value);
    }
    Ok(())
}

fn str_import(vm: &mut Vm, exception: Value) -> PyResult {
    let message = get(exception, 0);
    if !message.is_null() && vm.type_of(message) == vm.types.str_ { Ok(message) } else { base::str(vm, exception) }
}

fn reduce_import(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let exception = args.values[0];
    let class = vm.type_of(exception).value();
    let arguments = base::args_of(vm, exception);
    let snapshot = crate::instance::snapshot(vm, exception);
    let state = if snapshot.is_null() { vm.new_dict() } else { snapshot };
    for (index, field) in [(1, "name"), (2, "path"), (3, "name_from")] {
        let value = get(exception, index);
        if !value.is_null() {
            vm.dict_set_str(state, field, value);
        }
    }
    if vm.dict_len(state) == 0 {
        return Ok(vm.new_tuple(&[class, arguments]));
    }
    Ok(vm.new_tuple(&[class, arguments, state]))
}

/// A KeyError shows its key's repr.
fn str_key(vm: &mut Vm, exception: Value) -> PyResult {
    let args = base::args_of(vm, exception);
    match *crate::tuple::items(args) {
        [key] => vm.repr(key),
        _ => base::str(vm, exception),
    }
}
