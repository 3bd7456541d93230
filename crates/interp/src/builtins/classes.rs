//! Functions about classes, and the statement `class`.

use heap::Value;
use objects::args::{CallArgs, Intrinsic, MethodDef};
use objects::builtin_layouts::{CellObject, Function};
use objects::code::Code;
use objects::error::PyResult;
use objects::layout::cast;
use objects::shape::Kind;
use objects::ty::{TypeRef, flags};
use objects::value_vec::ValueVec;
use objects::vm::Vm;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("isinstance", 2, 2, |vm, args| {
        let is = vm.isinstance(args.values[0], args.values[1])?;
        Ok(vm.bool(is))
    })
    .with_intrinsic(Intrinsic::IsInstance)
    .with_doc("isinstance($module, obj, class_or_tuple, /)\n--\n\nReturn whether an object is an instance of a class or of a subclass thereof.\n\nA tuple, as in ``isinstance(x, (A, B, ...))``, may be given as the\ntarget to check against.  This is equivalent to ``isinstance(x, A) or\nisinstance(x, B) or ...`` etc."),
    MethodDef::function("issubclass", 2, 2, |vm, args| {
        let is = vm.issubclass(args.values[0], args.values[1])?;
        Ok(vm.bool(is))
    })
    .with_doc("issubclass($module, cls, class_or_tuple, /)\n--\n\nReturn whether 'cls' is derived from another class or is the same class.\n\nA tuple, as in ``issubclass(x, (A, B, ...))``, may be given as the\ntarget to check against.  This is equivalent to ``issubclass(x, A) or\nissubclass(x, B) or ...``."),
    MethodDef::function("__build_class__", 2, objects::args::MANY, build_class).with_keywords()
    .with_doc("__build_class__(func, name, /, *bases, [metaclass], **kwds) -> class\n\nInternal helper function used by the class statement."),
];

/// `__build_class__(function, name, *bases, metaclass=None, **keywords)`.
fn build_class(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let positional = args.args();
    let (function, name) = (positional[0], positional[1]);
    if vm.kind(function) != Kind::Function {
        return Err(vm.type_error("__build_class__: func must be a function"));
    }
    if !vm.is_str(name) {
        return Err(vm.type_error("__build_class__: name is not a string"));
    }
    let original_bases = vm.new_tuple(&positional[2..]);
    let bases = resolve_bases(vm, original_bases)?;
    let mut metaclass = Value::NULL;
    let mut names = ValueVec::new();
    let mut values = ValueVec::new();
    for (key, value) in args.keywords() {
        if vm.str_bytes(key) == b"metaclass" {
            metaclass = value;
        } else {
            names.push(vm, key);
            values.push(vm, value);
        }
    }
    let explicit = !metaclass.is_null();
    if !explicit {
        metaclass = match objects::tuple::items(bases).first() {
            Some(base) => vm.type_of(*base).value(),
            None => vm.types.type_.value(),
        };
    }
    if vm.type_of(metaclass).has(flags::TYPE) {
        metaclass = vm.most_derived_metaclass(TypeRef::from_value(metaclass), bases)?.value();
    }
    let keyword_names = if names.as_slice().is_empty() { Value::NULL } else { vm.new_tuple(names.as_slice()) };
    let call = |vm: &mut Vm, callable: Value, first: &[Value]| {
        let mut all = ValueVec::from_slice(vm, first);
        for value in values.as_slice() {
            all.push(vm, *value);
        }
        vm.call_kw(callable, &CallArgs { values: all.as_slice(), names: keyword_names })
    };
    let prepare = vm.getattr_str_opt(metaclass, "__prepare__")?;
    let namespace = match prepare {
        Some(prepare) => call(vm, prepare, &[name, bases])?,
        None => vm.new_dict(),
    };
    if !vm.type_of(namespace).has(flags::MAPPING) && vm.type_of(namespace).slots().getitem.is_none() {
        let meta = if vm.type_of(metaclass).has(flags::TYPE) {
            TypeRef::from_value(metaclass).name()
        } else {
            "<metaclass>".to_owned()
        };
        let kind = vm.type_of(namespace).name();
        return Err(vm.type_error(format!("{meta}.__prepare__() must return a mapping, not {kind}")));
    }
    let object = cast::<Function>(function);
    let code = Code::from_token(object.code.get());
    let cell = crate::execute::run_code(vm, code, object.globals.get(), namespace, object.closure.get())?;
    if bases != original_bases {
        let key = vm.intern("__orig_bases__");
        vm.setitem(namespace, key, original_bases)?;
    }
    let class = call(vm, metaclass, &[name, bases, namespace])?;
    if cell != vm.none && vm.kind(cell) == Kind::Cell && vm.type_of(class).has(flags::TYPE) {
        let content = cast::<CellObject>(cell).content.get();
        if content.is_null() {
            let (name, class) = (vm.repr(name)?, vm.repr(class)?);
            let (name, class) = (vm.text_of(name), vm.text_of(class));
            return Err(vm.runtime_error(format!(
                "__class__ not set defining {name} as {class}. Was __classcell__ propagated to type.__new__?"
            )));
        }
        if content != class {
            let (name, class, content) = (vm.repr(name)?, vm.repr(class)?, vm.repr(content)?);
            let (name, class, content) = (vm.text_of(name), vm.text_of(class), vm.text_of(content));
            return Err(vm.type_error(format!("__class__ set to {content} defining {name} as {class}")));
        }
    }
    Ok(class)
}

/// PEP 560: bases that are no classes say by `__mro_entries__` what they stand for.
fn resolve_bases(vm: &mut Vm, bases: Value) -> PyResult {
    if objects::tuple::items(bases).iter().all(|base| vm.type_of(*base).has(flags::TYPE)) {
        return Ok(bases);
    }
    let mut resolved = ValueVec::new();
    for i in 0..objects::tuple::items(bases).len() {
        let base = objects::tuple::items(bases)[i];
        if vm.type_of(base).has(flags::TYPE) {
            resolved.push(vm, base);
            continue;
        }
        match vm.getattr_str_opt(base, "__mro_entries__")? {
            None => resolved.push(vm, base),
            Some(method) => {
                let entries = vm.call(method, &[bases])?;
                if !vm.type_of(entries).has(flags::TUPLE) {
                    return Err(vm.type_error("__mro_entries__ must return a tuple"));
                }
                for entry in objects::tuple::items(entries) {
                    resolved.push(vm, *entry);
                }
            }
        }
    }
    Ok(vm.new_tuple(resolved.as_slice()))
}
