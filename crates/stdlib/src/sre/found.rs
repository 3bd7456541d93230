//! `re.Match`.

use super::pattern::Pattern;
use super::subject::{Search, slice};
use super::{replace, types};
use crate::support::signature;
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, GetSetDef, MANY, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeSpec, flags};
use objects::value_vec::ValueVec;
use objects::vm::Vm;

layout! {
    Match {
        pattern PATTERN: Value;
        string STRING: Value;
        /// Bytes: for each group, 0 included, start and end as `i64`s; -1 if it took no part.
        spans SPANS: Value;
        pos POS: i64;
        endpos ENDPOS: i64;
        /// The group that was closed last; negative: none.
        lastindex LASTINDEX: i64;
    }
}

pub fn spec() -> TypeSpec {
    TypeSpec {
        module: "re",
        flags: flags::NO_NEW | flags::IMMUTABLE,
        slots: Slots {
            repr: Some(repr),
            getitem: Some(|vm, found, key| {
                let group = group_number(vm, found, key)?;
                text_of(vm, found, group, vm.none)
            }),
            ..Slots::default()
        },
        methods: METHODS,
        getset: GETSET,
        doc: "The result of re.match() and re.search().\nMatch objects always have a boolean value of True.",
        ..TypeSpec::of::<Match>("Match", Kind::Other)
    }
}

/// What a search has just found.
pub fn new(vm: &mut Vm, pattern: Value, string: Value, search: &Search) -> Value {
    let groups = cast::<Pattern>(pattern).groups.get() as usize;
    let mut spans = heap::vec_with_capacity((groups + 1) * 16);
    let (start, end) = search.span();
    let mut push = |start: i64, end: i64| {
        spans.put_all(&start.to_ne_bytes());
        spans.put_all(&end.to_ne_bytes());
    };
    push(start as i64, end as i64);
    for group in 1..=groups {
        match search.group(group) {
            Some((start, end)) => push(start as i64, end as i64),
            None => push(-1, -1),
        }
    }
    let spans = vm.new_bytes(&spans);
    let found = {
        let ty = types(vm).found;
        vm.new_instance(ty)
    };
    let object = cast::<Match>(found);
    object.pattern.set(pattern);
    object.string.set(string);
    object.spans.set(spans);
    object.pos.set(search.first as i64);
    object.endpos.set(search.end() as i64);
    object.lastindex.set(search.marks().last_index() as i64);
    found
}

static GETSET: &[GetSetDef] = &[
    GetSetDef {
        name: "string",
        get: |_, found| Ok(cast::<Match>(found).string.get()),
        set: None,
        doc: "The string passed to match() or search().",
    },
    GetSetDef {
        name: "re",
        get: |_, found| Ok(cast::<Match>(found).pattern.get()),
        set: None,
        doc: "The regular expression object.",
    },
    GetSetDef {
        name: "pos",
        get: |vm, found| Ok(vm.int(cast::<Match>(found).pos.get())),
        set: None,
        doc: "The index into the string at which the RE engine started looking for a match.",
    },
    GetSetDef {
        name: "endpos",
        get: |vm, found| Ok(vm.int(cast::<Match>(found).endpos.get())),
        set: None,
        doc: "The index into the string beyond which the RE engine will not go.",
    },
    GetSetDef {
        name: "lastindex",
        get: |vm, found| match cast::<Match>(found).lastindex.get() {
            group @ 0.. => Ok(vm.int(group)),
            _ => Ok(vm.none),
        },
        set: None,
        doc: "The integer index of the last matched capturing group.",
    },
    GetSetDef {
        name: "lastgroup",
        get: |vm, found| {
            let object = cast::<Match>(found);
            let names = cast::<Pattern>(object.pattern.get()).index_group.get();
            let group = usize::try_from(object.lastindex.get()).unwrap_or(usize::MAX);
            Ok(objects::tuple::items(names).get(group).copied().unwrap_or(vm.none))
        },
        set: None,
        doc: "The name of the last matched capturing group.",
    },
    GetSetDef {
        name: "regs",
        get: |vm, found| {
            let count = group_count(found) + 1;
            let mut spans = ValueVec::with_capacity(vm, count);
            for group in 0..count {
                let span = span_of(vm, found, group);
                spans.push(vm, span);
            }
            Ok(vm.new_tuple(spans.as_slice()))
        },
        set: None,
        doc: "",
    },
];

static METHODS: &[MethodDef] = &[
    MethodDef::method("group", 1, MANY, group)
        .with_doc("group([group1, ...]) -> str or tuple.\n    Return subgroup(s) of the match by indices or names.\n    For 0 returns the entire match."),
    MethodDef::method("start", 1, 2, |vm, args| {
        let group = group_argument(vm, args)?;
        Ok(vm.int(raw_span(vm, args.values[0], group).0))
    })
    .with_doc("start($self, group=0, /)\n--\n\nReturn index of the start of the substring matched by group."),
    MethodDef::method("end", 1, 2, |vm, args| {
        let group = group_argument(vm, args)?;
        Ok(vm.int(raw_span(vm, args.values[0], group).1))
    })
    .with_doc("end($self, group=0, /)\n--\n\nReturn index of the end of the substring matched by group."),
    MethodDef::method("span", 1, 2, |vm, args| {
        let group = group_argument(vm, args)?;
        Ok(span_of(vm, args.values[0], group))
    })
    .with_doc("span($self, group=0, /)\n--\n\nFor match object m, return the 2-tuple (m.start(group), m.end(group))."),
    MethodDef::method("groups", 1, MANY, groups)
        .with_keywords()
        .with_doc("groups($self, /, default=None)\n--\n\nReturn a tuple containing all the subgroups of the match, from 1.\n\n  default\n    Is used for groups that did not participate in the match."),
    MethodDef::method("groupdict", 1, MANY, group_dict)
        .with_keywords()
        .with_doc("groupdict($self, /, default=None)\n--\n\nReturn a dictionary containing all the named subgroups of the match, keyed by the subgroup name.\n\n  default\n    Is used for groups that did not participate in the match."),
    MethodDef::method("expand", 1, MANY, |vm, args| {
        const PARAMETERS: Signature<1> = Signature { skip: 1, ..signature(["template"], 1) };
        let [template] = args.bind(vm, "expand", &PARAMETERS)?;
        let pattern = cast::<Match>(args.values[0]).pattern.get();
        let template = replace::compile_template(vm, pattern, template)?;
        replace::expand(vm, template, args.values[0])
    })
    .with_keywords()
    .with_doc("expand($self, /, template)\n--\n\nReturn the string obtained by doing backslash substitution on the string template, as done by the sub() method."),
    MethodDef::method("__copy__", 1, 1, |_, args| Ok(args.values[0])).leaf(),
    MethodDef::method("__deepcopy__", 2, 2, |_, args| Ok(args.values[0])).leaf(),
    objects::generic_alias::CLASS_GETITEM,
];

fn group_count(found: Value) -> usize {
    cast::<Pattern>(cast::<Match>(found).pattern.get()).groups.get() as usize
}

fn raw_span(vm: &Vm, found: Value, group: usize) -> (i64, i64) {
    let spans = vm.bytes(cast::<Match>(found).spans.get());
    let (words, _) = spans[group * 16..].as_chunks::<8>();
    (i64::from_ne_bytes(words[0]), i64::from_ne_bytes(words[1]))
}

fn span_of(vm: &mut Vm, found: Value, group: usize) -> Value {
    let (start, end) = raw_span(vm, found, group);
    vm.new_tuple(&[Value::from_int(start), Value::from_int(end)])
}

/// The text of a group, or the default.
pub fn text_of(vm: &mut Vm, found: Value, group: usize, default: Value) -> PyResult {
    match raw_span(vm, found, group) {
        (start @ 0.., end) => slice(vm, cast::<Match>(found).string.get(), start as usize, end as usize),
        _ => Ok(default),
    }
}

/// A group by a number from a template.
pub fn checked_group(vm: &mut Vm, found: Value, number: Value) -> PyResult<usize> {
    match vm.as_i64(number) {
        Some(number) if number >= 0 && number <= group_count(found) as i64 => Ok(number as usize),
        _ => Err(vm.index_error("no such group")),
    }
}

/// A group by number or name.
fn group_number(vm: &mut Vm, found: Value, key: Value) -> PyResult<usize> {
    let number = if key.is_int() || vm.type_of(key).slots().index.is_some() {
        let key = vm.index_big(key)?;
        vm.as_i64(key)
    } else {
        let names = cast::<Pattern>(cast::<Match>(found).pattern.get()).group_index.get();
        vm.dict_get(names, key)?.and_then(|number| vm.as_i64(number))
    };
    match number {
        Some(number) if number >= 0 && number <= group_count(found) as i64 => Ok(number as usize),
        _ => Err(vm.index_error("no such group")),
    }
}

fn group_argument(vm: &mut Vm, args: &CallArgs) -> PyResult<usize> {
    match args.get(1) {
        Some(key) => group_number(vm, args.values[0], key),
        None => Ok(0),
    }
}

fn group(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let found = args.values[0];
    if let [_] | [_, _] = args.values {
        let group = group_argument(vm, args)?;
        return text_of(vm, found, group, vm.none);
    }
    let mut texts = ValueVec::with_capacity(vm, args.values.len() - 1);
    for &key in &args.values[1..] {
        let group = group_number(vm, found, key)?;
        let text = text_of(vm, found, group, vm.none)?;
        texts.push(vm, text);
    }
    Ok(vm.new_tuple(texts.as_slice()))
}

fn default_argument(vm: &mut Vm, args: &CallArgs, function: &str) -> PyResult {
    const PARAMETERS: Signature<1> = Signature { skip: 1, ..signature(["default"], 0) };
    let [default] = args.bind(vm, function, &PARAMETERS)?;
    Ok(if default.is_null() { vm.none } else { default })
}

fn groups(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let default = default_argument(vm, args, "groups")?;
    let count = group_count(args.values[0]);
    let mut texts = ValueVec::with_capacity(vm, count);
    for group in 1..=count {
        let text = text_of(vm, args.values[0], group, default)?;
        texts.push(vm, text);
    }
    Ok(vm.new_tuple(texts.as_slice()))
}

fn group_dict(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let default = default_argument(vm, args, "groupdict")?;
    let found = args.values[0];
    let names = cast::<Pattern>(cast::<Match>(found).pattern.get()).group_index.get();
    let dict = vm.new_dict();
    let mut position = 0;
    while let Some((name, _)) = vm.dict_next(names, &mut position) {
        let group = group_number(vm, found, name)?;
        let text = text_of(vm, found, group, default)?;
        vm.dict_set(dict, name, text)?;
    }
    Ok(dict)
}

fn repr(vm: &mut Vm, found: Value) -> PyResult {
    let (start, end) = raw_span(vm, found, 0);
    let text = text_of(vm, found, 0, vm.none)?;
    let text = vm.repr_text(text)?;
    let shown: String = text.chars().take(50).collect();
    let name = vm.qualified_type_name(found);
    Ok(vm.new_str(&format!("<{name} object; span=({start}, {end}), match={shown}>")))
}
