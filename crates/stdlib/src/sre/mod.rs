//! Module `_sre`: what `re` runs its compiled patterns with. The matching itself is crate `rustpython-sre_engine`'s.

mod found;
mod pattern;
mod replace;
mod scanner;
mod subject;

use crate::support;
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::ty::TypeRef;
use objects::vm::Vm;
use pattern::Pattern;
use rustpython_sre_engine::string::{lower_ascii, lower_unicode};

pub static MODULE: ModuleDef = ModuleDef { name: "_sre", doc: "", functions: FUNCTIONS, init };

#[derive(Default)]
struct State {
    types: Option<Types>,
}

#[derive(Clone, Copy)]
struct Types {
    pattern: TypeRef,
    found: TypeRef,
    scanner: TypeRef,
    template: TypeRef,
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("compile", 0, 6, compile).with_keywords()
    .with_doc("compile($module, /, pattern, flags, code, groups, groupindex,\n        indexgroup)\n--\n\n"),
    MethodDef::function("template", 2, 2, replace::template)
        .with_doc("template($module, pattern, template, /)\n--\n\n\n\n  template\n    A list containing interleaved literal strings (str or bytes) and group\n    indices (int), as returned by re._parser.parse_template():\n        [literal1, group1, ..., literalN, groupN]"),
    MethodDef::function("getcodesize", 0, 0, |vm, _| Ok(vm.int(rustpython_sre_engine::CODESIZE as i64))).leaf()
    .with_doc("getcodesize($module, /)\n--\n\n"),
    MethodDef::function("ascii_iscased", 1, 1, |vm, args| {
        let code = character(vm, args)?;
        Ok(vm.bool(u8::try_from(code).is_ok_and(|byte| byte.is_ascii_alphabetic())))
    })
    .with_doc("ascii_iscased($module, character, /)\n--\n\n"),
    MethodDef::function("unicode_iscased", 1, 1, |vm, args| {
        let code = character(vm, args)?;
        Ok(vm.bool(lower_unicode(code) != code || upper_case_start(code) != code))
    })
    .with_doc("unicode_iscased($module, character, /)\n--\n\n"),
    MethodDef::function("ascii_tolower", 1, 1, |vm, args| {
        let code = character(vm, args)?;
        Ok(vm.int(lower_ascii(code) as i64))
    })
    .with_doc("ascii_tolower($module, character, /)\n--\n\n"),
    MethodDef::function("unicode_tolower", 1, 1, |vm, args| {
        let code = character(vm, args)?;
        Ok(vm.int(lower_unicode(code) as i64))
    })
    .with_doc("unicode_tolower($module, character, /)\n--\n\n"),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    use rustpython_sre_engine::{CODESIZE, MAXGROUPS, MAXREPEAT, SRE_MAGIC};
    support::int_constants(
        vm,
        module,
        &[
            ("MAGIC", SRE_MAGIC as i64),
            ("CODESIZE", CODESIZE as i64),
            ("MAXREPEAT", MAXREPEAT as i64),
            ("MAXGROUPS", MAXGROUPS as i64),
        ],
    );
    let object = vm.types.object;
    let types = Types {
        pattern: vm.new_builtin_type(pattern::spec(), object),
        found: vm.new_builtin_type(found::spec(), object),
        scanner: vm.new_builtin_type(scanner::spec(), object),
        template: vm.new_builtin_type(replace::spec(), object),
    };
    vm.extension::<State>().types = Some(types);
    Ok(())
}

/// The first code point of what a character is in upper case: "ß" has a case because of "SS".
fn upper_case_start(code: u32) -> u32 {
    char::from_u32(code).and_then(|c| c.to_uppercase().next()).map_or(code, u32::from)
}

fn types(vm: &mut Vm) -> Types {
    vm.extension::<State>().types.expect("made with the module")
}

fn character(vm: &mut Vm, args: &CallArgs) -> PyResult<u32> {
    Ok(vm.index(args.values[0])? as u32)
}

/// `compile(pattern, flags, code, groups, groupindex, indexgroup)`.
fn compile(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<6> =
        support::signature(["pattern", "flags", "code", "groups", "groupindex", "indexgroup"], 6);
    let [source, flags, code, groups, group_index, index_group] = args.bind(vm, "compile", &PARAMETERS)?;
    let (flags, groups) = (vm.index(flags)?, vm.index(groups)?);
    let code = vm.collect(code)?;
    let mut words = heap::vec_with_capacity(code.len * 4);
    for &item in code.as_slice() {
        match vm.as_i64(item).and_then(|word| u32::try_from(word).ok()) {
            Some(word) => words.put_all(&word.to_ne_bytes()),
            None => return Err(vm.overflow_error("regular expression code size limit exceeded")),
        }
    }
    let words = vm.new_bytes(&words);
    let pattern = {
        let ty = types(vm).pattern;
        vm.new_instance(ty)
    };
    let object = cast::<Pattern>(pattern);
    object.source.set(source);
    object.code.set(words);
    object.group_index.set(group_index);
    object.index_group.set(index_group);
    object.flags.set(flags);
    object.groups.set(groups);
    Ok(pattern)
}
