//! Module `_contextvars`: context variables, contexts and tokens (PEP 567).

use crate::support::{self, is_absent, signature};
use heap::Value;
use metatrace::Handle;
use objects::args::{CallArgs, GetSetDef, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::slots::{CompareOp, Slots};
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef { name: "_contextvars", doc: "Context Variables", functions: FUNCTIONS, init };

layout! {
    Context {
        /// A dict from variables to values.
        values VALUES: Value;
        /// The context that was current before this one was entered; NULL: not entered.
        previous PREVIOUS: Value;
    }

    ContextVar {
        name NAME: Value;
        /// NULL: none.
        default DEFAULT: Value;
    }

    Token {
        context CONTEXT: Value;
        variable VARIABLE: Value;
        /// NULL: the variable had none.
        old OLD: Value;
        used USED: i64;
    }
}

#[derive(Default)]
struct State {
    types: Option<[TypeRef; 3]>,
    current: Option<Handle>,
    missing: Option<Handle>,
}

static FUNCTIONS: &[MethodDef] = &[MethodDef::function("copy_context", 0, 0, |vm, _| {
    let current = current(vm);
    Ok(copy_of(vm, current))
})
.with_doc("copy_context($module, /)\n--\n\n")];

fn types(vm: &mut Vm) -> [TypeRef; 3] {
    vm.extension::<State>().types.expect("made with the module")
}

/// The current context, made when first needed.
fn current(vm: &mut Vm) -> Value {
    if let Some(handle) = vm.extension::<State>().current {
        return vm.handle(handle);
    }
    let context = new_context(vm);
    // It counts as entered: nobody else may enter it.
    vm.write(context, &cast::<Context>(context).previous, context);
    let handle = vm.keep(context);
    vm.extension::<State>().current = Some(handle);
    context
}

fn set_current(vm: &mut Vm, context: Value) {
    let handle = vm.extension::<State>().current.expect("a context was current");
    vm.thread.set_handle(handle, context);
}

fn new_context(vm: &mut Vm) -> Value {
    let values = vm.new_dict();
    let ty = types(vm)[0];
    let context = vm.new_instance(ty);
    cast::<Context>(context).values.set(values);
    context
}

fn copy_of(vm: &mut Vm, context: Value) -> Value {
    let values = vm.dict_copy(cast::<Context>(context).values.get());
    let copy = new_context(vm);
    vm.write(copy, &cast::<Context>(copy).values, values);
    copy
}

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let context = TypeSpec {
        module: "_contextvars",
        flags: flags::HAS_WEAKREF | flags::MAPPING,
        slots: Slots {
            new: Some(|vm, _, args| {
                if !args.values.is_empty() {
                    return Err(vm.type_error("Context() does not accept any arguments"));
                }
                Ok(new_context(vm))
            }),
            compare: Some(compare_contexts),
            hash: Some(objects::object::hash_not_implemented),
            iter: Some(|vm, context| vm.iter(cast::<Context>(context).values.get())),
            len: Some(|vm, context| Ok(vm.dict_len(cast::<Context>(context).values.get()) as i64)),
            getitem: Some(|vm, context, key| {
                check_key(vm, key)?;
                match vm.dict_get(cast::<Context>(context).values.get(), key)? {
                    Some(value) => Ok(value),
                    None => Err(vm.key_error(key)),
                }
            }),
            contains: Some(|vm, context, key| {
                check_key(vm, key)?;
                vm.dict_contains(cast::<Context>(context).values.get(), key)
            }),
            ..Slots::default()
        },
        methods: CONTEXT_METHODS,
        ..TypeSpec::of::<Context>("Context", Kind::Other)
    };
    let variable = TypeSpec {
        module: "_contextvars",
        slots: Slots { new: Some(new_variable), repr: Some(repr_variable), ..Slots::default() },
        methods: VARIABLE_METHODS,
        getset: VARIABLE_GETSET,
        ..TypeSpec::of::<ContextVar>("ContextVar", Kind::Other)
    };
    let token = TypeSpec {
        module: "_contextvars",
        slots: Slots {
            new: Some(|vm, _, _| Err(vm.runtime_error("Tokens can only be created by ContextVars"))),
            repr: Some(repr_token),
            hash: Some(objects::object::hash_not_implemented),
            ..Slots::default()
        },
        methods: TOKEN_METHODS,
        getset: TOKEN_GETSET,
        ..TypeSpec::of::<Token>("Token", Kind::Other)
    };
    let types = [context, variable, token].map(|spec| support::add_type(vm, module, spec));
    vm.extension::<State>().types = Some(types);
    let missing_type = TypeSpec {
        module: "_contextvars",
        flags: flags::NO_NEW,
        slots: Slots { repr: Some(|vm, _| Ok(vm.intern("<Token.MISSING>"))), ..Slots::default() },
        ..TypeSpec::of::<ContextVar>("Token.MISSING", Kind::Other)
    };
    let object = vm.types.object;
    let missing_type = vm.new_builtin_type(missing_type, object);
    let missing = vm.new_instance(missing_type);
    let name = vm.intern("MISSING");
    vm.dict_set_name(types[2].0.dict.get(), name, missing);
    objects::type_::resolve::changed(vm, types[2]);
    let missing = vm.keep(missing);
    vm.extension::<State>().missing = Some(missing);
    Ok(())
}

fn check_key(vm: &mut Vm, key: Value) -> PyResult<()> {
    if vm.type_of(key) == types(vm)[1] {
        return Ok(());
    }
    let shown = vm.repr_text(key)?;
    Err(vm.type_error(format!("a ContextVar key was expected, got {shown}")))
}

fn compare_contexts(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    let ty = types(vm)[0];
    if vm.type_of(b) != ty || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(vm.not_implemented);
    }
    vm.compare(cast::<Context>(a).values.get(), cast::<Context>(b).values.get(), op)
}

static CONTEXT_METHODS: &[MethodDef] = &[
    MethodDef::method("copy", 1, 1, |vm, args| Ok(copy_of(vm, args.values[0])))
    .with_doc("copy($self, /)\n--\n\nReturn a shallow copy of the context object."),
    MethodDef::method("get", 2, 3, |vm, args| {
        check_key(vm, args.values[1])?;
        let value = vm.dict_get(cast::<Context>(args.values[0]).values.get(), args.values[1])?;
        Ok(value.or(args.get(2)).unwrap_or(vm.none))
    }),
    MethodDef::method("items", 1, 1, |vm, args| {
        vm.call_method(cast::<Context>(args.values[0]).values.get(), "items", &[])
    })
    .with_doc("items($self, /)\n--\n\nReturn all variables and their values in the context object.\n\nThe result is returned as a list of 2-tuples (variable, value)."),
    MethodDef::method("keys", 1, 1, |vm, args| {
        vm.call_method(cast::<Context>(args.values[0]).values.get(), "keys", &[])
    })
    .with_doc("keys($self, /)\n--\n\nReturn a list of all variables in the context object."),
    MethodDef::method("values", 1, 1, |vm, args| {
        vm.call_method(cast::<Context>(args.values[0]).values.get(), "values", &[])
    })
    .with_doc("values($self, /)\n--\n\nReturn a list of all variables' values in the context object."),
    MethodDef::method("run", 1, objects::args::MANY, run).with_keywords(),
];

fn run(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let context = args.values[0];
    let Some(function) = args.get(1) else {
        return Err(vm.type_error("run() missing 1 required positional argument"));
    };
    let object = cast::<Context>(context);
    if !object.previous.get().is_null() {
        let shown = vm.repr_text(context)?;
        return Err(vm.runtime_error(format!("cannot enter context: {shown} is already entered")));
    }
    let previous = current(vm);
    vm.write(context, &object.previous, previous);
    set_current(vm, context);
    let result = vm.call_kw(function, &CallArgs { values: &args.values[2..], names: args.names });
    set_current(vm, object.previous.get());
    object.previous.set(Value::NULL);
    result
}

fn new_variable(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let signature = Signature { positional_only: 1, max_positional: 1, ..signature(["", "default"], 1) };
    let [name, default] = args.bind(vm, "ContextVar", &signature)?;
    if !vm.is_str(name) {
        return Err(vm.type_error("context variable name must be a str"));
    }
    let variable = vm.new_instance(ty);
    let object = cast::<ContextVar>(variable);
    object.name.set(name);
    object.default.set(default);
    Ok(variable)
}

fn repr_variable(vm: &mut Vm, variable: Value) -> PyResult {
    let object = cast::<ContextVar>(variable);
    let name = vm.repr_text(object.name.get())?;
    let default = match object.default.get() {
        Value::NULL => String::new(),
        default => format!(" default={}", vm.repr_text(default)?),
    };
    let address = vm.address(variable);
    Ok(vm.new_str(&format!("<ContextVar name={name}{default} at {address:#x}>")))
}

static VARIABLE_GETSET: &[GetSetDef] =
    &[GetSetDef::read_only("name", |_, variable| Ok(cast::<ContextVar>(variable).name.get()))];

static VARIABLE_METHODS: &[MethodDef] = &[
    MethodDef::method("get", 1, 2, |vm, args| {
        let variable = args.values[0];
        let context = current(vm);
        if let Some(value) = vm.dict_get(cast::<Context>(context).values.get(), variable)? {
            return Ok(value);
        }
        if let Some(default) = args.get(1) {
            return Ok(default);
        }
        match cast::<ContextVar>(variable).default.get() {
            Value::NULL => {
                let class = vm.exc.lookup_error;
                Err(vm.raise_value(class, variable))
            }
            default => Ok(default),
        }
    }),
    MethodDef::method("set", 2, 2, |vm, args| {
        let variable = args.values[0];
        let context = current(vm);
        let values = cast::<Context>(context).values.get();
        let old = vm.dict_get(values, variable)?.unwrap_or(Value::NULL);
        vm.dict_set(values, variable, args.values[1])?;
        let ty = types(vm)[2];
        let token = vm.new_instance(ty);
        let object = cast::<Token>(token);
        object.context.set(context);
        object.variable.set(variable);
        object.old.set(old);
        Ok(token)
    })
    .with_doc("set($self, value, /)\n--\n\nCall to set a new value for the context variable in the current context.\n\nThe required value argument is the new value for the context\nvariable.\n\nReturns a Token object that can be used to restore the variable to\nits previous value via the `ContextVar.reset()` method."),
    MethodDef::method("reset", 2, 2, |vm, args| reset(vm, args.values[0], args.values[1]))
    .with_doc("reset($self, token, /)\n--\n\nReset the context variable.\n\nThe variable is reset to the value it had before the\n`ContextVar.set()` that created the token was used."),
    objects::generic_alias::CLASS_GETITEM,
];

fn reset(vm: &mut Vm, variable: Value, token: Value) -> PyResult {
    if vm.type_of(token) != types(vm)[2] {
        let shown = vm.repr_text(token)?;
        return Err(vm.type_error(format!("expected an instance of Token, got {shown}")));
    }
    let object = cast::<Token>(token);
    let shown = |vm: &mut Vm| vm.repr_text(token);
    if object.used.get() != 0 {
        let shown = shown(vm)?;
        return Err(vm.runtime_error(format!("{shown} has already been used once")));
    }
    if object.variable.get() != variable {
        let shown = shown(vm)?;
        return Err(vm.value_error(format!("{shown} was created by a different ContextVar")));
    }
    let context = current(vm);
    if object.context.get() != context {
        let shown = shown(vm)?;
        return Err(vm.value_error(format!("{shown} was created in a different Context")));
    }
    object.used.set(1);
    let values = cast::<Context>(context).values.get();
    match object.old.get() {
        Value::NULL => {
            vm.dict_del(values, variable)?;
        }
        old => vm.dict_set(values, variable, old)?,
    }
    Ok(vm.none)
}

fn repr_token(vm: &mut Vm, token: Value) -> PyResult {
    let object = cast::<Token>(token);
    let used = if object.used.get() != 0 { " used" } else { "" };
    let variable = vm.repr_text(object.variable.get())?;
    let address = vm.address(token);
    Ok(vm.new_str(&format!("<Token{used} var={variable} at {address:#x}>")))
}

static TOKEN_GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("var", |_, token| Ok(cast::<Token>(token).variable.get())),
    GetSetDef::read_only("old_value", |vm, token| match cast::<Token>(token).old.get() {
        Value::NULL => {
            let missing = vm.extension::<State>().missing.expect("made with the module");
            Ok(vm.handle(missing))
        }
        old => Ok(old),
    }),
];

static TOKEN_METHODS: &[MethodDef] = &[
    MethodDef::method("__enter__", 1, 1, |_, args| Ok(args.values[0]))
        .with_doc("__enter__($self, /)\n--\n\nEnter into Token context manager."),
    MethodDef::method("__exit__", 4, 4, |vm, args| {
        let variable = cast::<Token>(args.values[0]).variable.get();
        reset(vm, variable, args.values[0])
    })
    .with_doc(
        "__exit__($self, type, val, tb, /)\n--\n\nExit from Token context manager, restore the linked ContextVar.",
    ),
    objects::generic_alias::CLASS_GETITEM,
];

/// The value of a variable in the current context, or NULL; for other modules.
pub fn value_of(vm: &mut Vm, variable: Value) -> PyResult {
    let context = current(vm);
    let value = vm.dict_get(cast::<Context>(context).values.get(), variable)?;
    Ok(value.unwrap_or(Value::NULL))
}

/// A variable without a default.
pub fn variable(vm: &mut Vm, name: &str) -> PyResult {
    objects::module::import(vm, "_contextvars")?;
    let ty = types(vm)[1];
    let name = vm.new_str(name);
    debug_assert!(!is_absent(vm, name));
    new_variable(vm, ty, &CallArgs::positional(&[name]))
}
