//! `BaseException`.

use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::builtin_layouts::Exception;
use crate::error::PyResult;
use crate::layout::cast;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

pub(super) fn spec() -> TypeSpec {
    TypeSpec {
        slots: Slots { new: Some(new), init: Some(init), repr: Some(repr), str: Some(str), ..Slots::default() },
        methods: const {
            &[
                MethodDef::method("__reduce__", 1, 1, reduce).with_doc("__reduce__($self, /)\n--\n\n"),
                MethodDef::method("__setstate__", 2, 2, set_state).with_doc("__setstate__($self, state, /)\n--\n\n"),
                MethodDef::method("with_traceback", 2, 2, with_traceback)
                    .with_doc("with_traceback($self, tb, /)\n--\n\nSet self.__traceback__ to tb and return self."),
                MethodDef::method("add_note", 2, 2, add_note_method)
                    .with_doc("add_note($self, note, /)\n--\n\nAdd a note to the exception"),
            ]
        },
        getset: const {
            &[
                GetSetDef::new("args", |vm, e| Ok(args_of(vm, e)), set_args),
                GetSetDef::new(
                    "__traceback__",
                    |vm, e| Ok(or_none(vm, cast::<Exception>(e).traceback.get())),
                    set_traceback,
                ),
                GetSetDef::new("__context__", |vm, e| Ok(or_none(vm, cast::<Exception>(e).context.get())), set_context),
                GetSetDef::new("__cause__", |vm, e| Ok(or_none(vm, cast::<Exception>(e).cause.get())), set_cause),
                GetSetDef::new(
                    "__suppress_context__",
                    |vm, e| Ok(vm.bool(cast::<Exception>(e).suppress_context.get() != 0)),
                    |vm, e, value| {
                        if value != vm.true_ && value != vm.false_ {
                            return Err(vm.type_error("attribute value type must be bool"));
                        }
                        cast::<Exception>(e).suppress_context.set((value == vm.true_) as i64);
                        Ok(())
                    },
                ),
                GetSetDef {
                    name: "__dict__",
                    get: crate::instance::DICT_GETSET.get,
                    set: crate::instance::DICT_GETSET.set,
                    doc: "",
                },
            ]
        },
        doc: "Common base class for all exceptions",
        ..super::plain_spec("BaseException")
    }
}

fn or_none(vm: &Vm, value: Value) -> Value {
    if value.is_null() { vm.none } else { value }
}

/// `exception.args`, a tuple.
pub fn args_of(vm: &Vm, exception: Value) -> Value {
    let args = cast::<Exception>(exception).args.get();
    if args.is_null() { vm.empty_tuple } else { args }
}

/// `BaseException.__new__`: keeps the positional arguments.
pub fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    if ty.has(flags::ABSTRACT) {
        // The check is `object`'s.
        crate::object::object_new(vm, ty, &CallArgs::positional(&[]))?;
    }
    let exception = vm.new_instance(ty);
    let tuple = vm.new_tuple(args.args());
    vm.write(exception, &cast::<Exception>(exception).args, tuple);
    Ok(exception)
}

/// `BaseException.__init__`.
pub fn init(vm: &mut Vm, exception: Value, args: &CallArgs) -> PyResult<()> {
    if !args.keyword_names().is_empty() {
        let name = vm.type_name(exception);
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    set_positional(vm, exception, args);
    Ok(())
}

/// `self.args = args`, unless `__new__` has kept the same ones.
pub fn set_positional(vm: &mut Vm, exception: Value, args: &CallArgs) {
    let object = cast::<Exception>(exception);
    let known = object.args.get();
    if !known.is_null() && crate::tuple::items(known) == args.args() {
        return;
    }
    let tuple = vm.new_tuple(args.args());
    vm.write(exception, &object.args, tuple);
}

fn repr(vm: &mut Vm, exception: Value) -> PyResult {
    let name = vm.type_name(exception);
    let args = args_of(vm, exception);
    let text = match *crate::tuple::items(args) {
        [one] => format!("{name}({})", vm.repr_text(one)?),
        _ => format!("{name}{}", vm.repr_text(args)?),
    };
    Ok(vm.new_str(&text))
}

/// `BaseException.__str__`.
pub fn str(vm: &mut Vm, exception: Value) -> PyResult {
    let args = args_of(vm, exception);
    match *crate::tuple::items(args) {
        [] => Ok(vm.empty_str),
        [one] => vm.str_of(one),
        _ => vm.str_of(args),
    }
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let exception = args.values[0];
    let arguments = args_of(vm, exception);
    reduce_with(vm, exception, arguments)
}

/// The class, these arguments and, if there is one, the dictionary.
pub fn reduce_with(vm: &mut Vm, exception: Value, arguments: Value) -> PyResult {
    let class = vm.type_of(exception).value();
    let dict = crate::instance::snapshot(vm, exception);
    if dict.is_null() || vm.dict_len(dict) == 0 {
        return Ok(vm.new_tuple(&[class, arguments]));
    }
    Ok(vm.new_tuple(&[class, arguments, dict]))
}

fn set_state(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (exception, state) = (args.values[0], args.values[1]);
    if state != vm.none {
        if !vm.type_of(state).has(flags::DICT) {
            return Err(vm.type_error("state is not a dictionary"));
        }
        let mut position = 0;
        while let Some((name, value)) = vm.dict_next(state, &mut position) {
            vm.setattr(exception, name, value)?;
        }
    }
    Ok(vm.none)
}

fn with_traceback(vm: &mut Vm, args: &CallArgs) -> PyResult {
    set_traceback(vm, args.values[0], args.values[1])?;
    Ok(args.values[0])
}

fn add_note_method(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let note = args.values[1];
    if !vm.is_str(note) {
        let given = vm.type_name(note);
        return Err(vm.type_error(format!("add_note() argument must be str, not {given}")));
    }
    add_note(vm, args.values[0], note)?;
    Ok(vm.none)
}

/// Appends to `__notes__`.
pub fn add_note(vm: &mut Vm, exception: Value, note: Value) -> PyResult<()> {
    let name = vm.names.__notes__;
    let notes = match vm.getattr_opt(exception, name)? {
        Some(notes) => notes,
        None => {
            let notes = vm.new_list(&[]);
            vm.setattr(exception, name, notes)?;
            notes
        }
    };
    if !vm.type_of(notes).has(flags::LIST) {
        return Err(vm.type_error("Cannot add note: __notes__ is not a list"));
    }
    vm.list_append(notes, note);
    Ok(())
}

fn set_args(vm: &mut Vm, exception: Value, value: Value) -> PyResult<()> {
    if value.is_null() {
        return Err(vm.type_error("args may not be deleted"));
    }
    let tuple = vm.collect_tuple(value)?;
    vm.write(exception, &cast::<Exception>(exception).args, tuple);
    Ok(())
}

fn set_traceback(vm: &mut Vm, exception: Value, value: Value) -> PyResult<()> {
    if value.is_null() {
        return Err(vm.type_error("__traceback__ may not be deleted"));
    }
    let value = if value == vm.none { Value::NULL } else { value };
    if !value.is_null() && vm.type_of(value) != vm.types.traceback {
        return Err(vm.type_error("__traceback__ must be a traceback or None"));
    }
    vm.write(exception, &cast::<Exception>(exception).traceback, value);
    Ok(())
}

fn check_exception(vm: &mut Vm, value: Value, what: &str) -> PyResult {
    if value.is_null() {
        return Err(vm.type_error(format!("{what} may not be deleted")));
    }
    if value == vm.none {
        return Ok(Value::NULL);
    }
    if !super::is_exception(vm, value) {
        return Err(
            vm.type_error(format!("exception {} must be None or derive from BaseException", what.trim_matches('_')))
        );
    }
    Ok(value)
}

fn set_context(vm: &mut Vm, exception: Value, value: Value) -> PyResult<()> {
    let value = check_exception(vm, value, "__context__")?;
    vm.write(exception, &cast::<Exception>(exception).context, value);
    Ok(())
}

fn set_cause(vm: &mut Vm, exception: Value, value: Value) -> PyResult<()> {
    let value = check_exception(vm, value, "__cause__")?;
    super::set_cause(vm, exception, value);
    Ok(())
}
