//! Sorting the arguments of a call into the parameters of a Python function, with CPython's errors.

use heap::Value;
use objects::args::CallArgs;
use objects::builtin_layouts::Function;
use objects::code::Code;
use objects::error::{PyResult, Raised};
use objects::layout::cast;
use objects::shape::{Kind, is_exact};
use objects::value_vec::ValueVec;
use objects::vm::Vm;
use syntax::CodeFlags;

/// The values of all parameters, in the order of the code's locals, as a tuple.
pub fn bind(vm: &mut Vm, function: Value, args: &CallArgs) -> PyResult {
    let object = cast::<Function>(function);
    let code = Code::from_token(object.code.get());
    let source = &code.source;
    let (positional, keyword_only) = (source.arg_count as usize, source.kwonly_count as usize);
    let named = positional + keyword_only;
    let has_rest = source.flags.has(CodeFlags::VARARGS);
    let has_keywords = source.flags.has(CodeFlags::VARKEYWORDS);
    let values = ValueVec::nulls(vm, source.parameter_count());
    let given = args.args();
    for (i, value) in given.iter().take(positional).enumerate() {
        values.set(vm, i, *value);
    }
    if has_rest {
        let rest = vm.new_tuple(given.get(positional..).unwrap_or(&[]));
        values.set(vm, named, rest);
    }
    let extra = if has_keywords { vm.new_dict() } else { Value::NULL };
    if has_keywords {
        values.set(vm, named + has_rest as usize, extra);
    }
    let mut positional_only_as_keyword = Vec::new();
    for (name, value) in args.keywords() {
        let found = find_parameter(vm, code, name, named);
        match found {
            Some(i) if i >= source.posonly_count as usize => {
                if !values.get(i).is_null() {
                    let (function, name) = (qualified(vm, object), vm.text_of(name));
                    return Err(vm.type_error(format!("{function}() got multiple values for argument '{name}'")));
                }
                values.set(vm, i, value);
            }
            _ if has_keywords => vm.dict_set(extra, name, value)?,
            Some(_) => positional_only_as_keyword.push(vm.text_of(name)),
            None => return Err(unexpected_keyword(vm, object, code, name)),
        }
    }
    if !positional_only_as_keyword.is_empty() {
        let (function, names) = (qualified(vm, object), positional_only_as_keyword.join(", "));
        return Err(vm.type_error(format!(
            "{function}() got some positional-only arguments passed as keyword arguments: '{names}'"
        )));
    }
    if given.len() > positional && !has_rest {
        return Err(too_many(vm, object, code, given.len(), &values));
    }
    let defaults = object.defaults.get();
    let defaults = if defaults.is_null() { &[] } else { objects::tuple::items(defaults) };
    let first_default = positional.saturating_sub(defaults.len());
    let mut missing = Vec::new();
    for i in given.len().min(positional)..positional {
        if values.get(i).is_null() {
            if i >= first_default {
                let value = defaults[i + defaults.len() - positional];
                values.set(vm, i, value);
            } else {
                missing.push(vm.text_of(code.local_names[i]));
            }
        }
    }
    if !missing.is_empty() {
        return Err(missing_arguments(vm, object, "positional", &missing));
    }
    for i in positional..named {
        if values.get(i).is_null() {
            let kwdefaults = object.kwdefaults.get();
            let default = if kwdefaults.is_null() { None } else { vm.dict_get(kwdefaults, code.local_names[i])? };
            match default {
                Some(value) => values.set(vm, i, value),
                None => missing.push(vm.text_of(code.local_names[i])),
            }
        }
    }
    if !missing.is_empty() {
        return Err(missing_arguments(vm, object, "keyword-only", &missing));
    }
    Ok(vm.new_tuple(values.as_slice()))
}

/// The parameter of that name; names of keywords may be other objects than the code's.
fn find_parameter(vm: &mut Vm, code: &Code, name: Value, named: usize) -> Option<usize> {
    let parameters = &code.local_names[..named];
    parameters.iter().position(|parameter| *parameter == name).or_else(|| {
        if objects::intern::is_interned(name) {
            return None;
        }
        let bytes = vm.str_bytes(name);
        parameters.iter().position(|parameter| vm.str_bytes(*parameter) == bytes)
    })
}

fn qualified(vm: &mut Vm, function: &Function) -> String {
    vm.text_of(function.qualname.get())
}

fn unexpected_keyword(vm: &mut Vm, function: &Function, code: &Code, name: Value) -> Raised {
    let (qualname, text) = (qualified(vm, function), vm.text_of(name));
    let source = &code.source;
    let first = source.posonly_count as usize;
    let last = (source.arg_count + source.kwonly_count) as usize;
    let candidates: Vec<String> = code.local_names[first..last].iter().map(|name| vm.text_of(*name)).collect();
    let message = format!("{qualname}() got an unexpected keyword argument '{text}'");
    let hint = objects::suggestions::hint(&text, candidates.iter().map(String::as_str));
    vm.type_error(message + &hint)
}

fn too_many(vm: &mut Vm, function: &Function, code: &Code, given: usize, values: &ValueVec) -> Raised {
    let source = &code.source;
    let positional = source.arg_count as usize;
    let keyword_only_given =
        (positional..positional + source.kwonly_count as usize).filter(|i| !values.get(*i).is_null()).count();
    let defaults = function.defaults.get();
    let defaults = if defaults.is_null() { 0 } else { objects::tuple::items(defaults).len() };
    let takes =
        if defaults > 0 { format!("from {} to {positional}", positional - defaults) } else { positional.to_string() };
    let plural = if positional != 1 { "s" } else { "" };
    let given_text = if keyword_only_given > 0 {
        format!(
            "{given} positional argument{} (and {keyword_only_given} keyword-only argument{}) were given",
            if given != 1 { "s" } else { "" },
            if keyword_only_given != 1 { "s" } else { "" }
        )
    } else {
        format!("{given} {} given", if given == 1 { "was" } else { "were" })
    };
    let name = qualified(vm, function);
    vm.type_error(format!("{name}() takes {takes} positional argument{plural} but {given_text}"))
}

fn missing_arguments(vm: &mut Vm, function: &Function, kind: &str, names: &[String]) -> Raised {
    let list = match names {
        [one] => format!("'{one}'"),
        [one, two] => format!("'{one}' and '{two}'"),
        [head @ .., last] => {
            let head: Vec<String> = head.iter().map(|name| format!("'{name}'")).collect();
            format!("{}, and '{last}'", head.join(", "))
        }
        [] => unreachable!("something is missing"),
    };
    let name = qualified(vm, function);
    let plural = if names.len() == 1 { "" } else { "s" };
    vm.type_error(format!("{name}() missing {} required {kind} argument{plural}: {list}", names.len()))
}

/// Calls `f` with the arguments of `callable(*positional, **keywords)`; `keywords` may be NULL.
pub fn with_unpacked(
    vm: &mut Vm,
    callable: Value,
    positional: Value,
    keywords: Value,
    f: impl FnOnce(&mut Vm, &CallArgs) -> PyResult,
) -> PyResult {
    let mut values = ValueVec::new();
    if vm.type_of(positional).has(objects::ty::flags::TUPLE) {
        let more = if is_exact(keywords, Kind::Dict) { vm.dict_len(keywords) } else { 0 };
        values.make_room(vm, objects::tuple::items(positional).len() + more);
        for value in objects::tuple::items(positional) {
            values.push(vm, *value);
        }
    } else {
        let iterator = match vm.iter(positional) {
            Ok(iterator) => iterator,
            Err(raised) if vm.is_not_iterable_error(raised, positional) => {
                let name = crate::unpack::callable_name(vm, callable)?;
                let kind = vm.type_of(positional).name();
                return Err(vm.type_error(format!("{name} argument after * must be an iterable, not {kind}")));
            }
            Err(raised) => return Err(raised),
        };
        while let Some(value) = vm.next(iterator)? {
            values.push(vm, value);
        }
    }
    let keyword_count = if keywords.is_null() { Some(0) } else { crate::unpack::count_of_names(vm, keywords) };
    if keyword_count == Some(0) {
        return f(vm, &CallArgs::positional(values.as_slice()));
    }
    let mut merged = keywords;
    if keyword_count.is_none() {
        merged = vm.new_dict();
        crate::unpack::merge_keywords(vm, callable, merged, keywords)?;
    }
    let mut names = ValueVec::with_capacity(vm, vm.dict_len(merged));
    let mut index = 0;
    while let Some((name, value)) = vm.dict_next(merged, &mut index) {
        names.push(vm, name);
        values.push(vm, value);
    }
    let names = if names.as_slice().is_empty() { Value::NULL } else { vm.new_tuple(names.as_slice()) };
    f(vm, &CallArgs { values: values.as_slice(), names })
}
