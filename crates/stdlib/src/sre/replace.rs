//! `sub`, `subn`, and the templates of replacements.

use super::found::{self, text_of};
use super::subject::{Mode, Search, slice};
use super::types;
use crate::support::signature;
use heap::Value;
use objects::args::{CallArgs, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::ty::{TypeSpec, flags};
use objects::vm::Vm;

layout! {
    /// A replacement with group references, taken apart.
    Template {
        /// A tuple: text, group number, text, group number, …, text.
        parts PARTS: Value;
    }
}

pub fn spec() -> TypeSpec {
    TypeSpec {
        module: "_sre",
        flags: flags::NO_NEW | flags::IMMUTABLE,
        ..TypeSpec::of::<Template>("SRE_Template", Kind::Other)
    }
}

/// `_sre.template(pattern, parts)`.
pub fn template(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let parts = args.values[1];
    if !objects::list::is_list(vm, parts) || objects::list::len(parts).is_multiple_of(2) {
        return Err(vm.type_error("invalid template"));
    }
    for &number in objects::list::items(parts).iter().skip(1).step_by(2) {
        if vm.as_i64(number).is_none_or(|number| number < 0) {
            return Err(vm.type_error("invalid template"));
        }
    }
    let parts = vm.new_tuple(objects::list::items(parts));
    let template = {
        let ty = types(vm).template;
        vm.new_instance(ty)
    };
    cast::<Template>(template).parts.set(parts);
    Ok(template)
}

/// By `re`, which parses it and keeps it for the next time.
pub fn compile_template(vm: &mut Vm, pattern: Value, template: Value) -> PyResult {
    let re = objects::module::import(vm, "re")?;
    let compile = vm.getattr_str(re, "_compile_template")?;
    vm.call(compile, &[pattern, template])
}

/// The replacement for a match.
pub fn expand(vm: &mut Vm, template: Value, found: Value) -> PyResult {
    let class = types(vm).template;
    if vm.type_of(template) != class {
        return Err(vm.type_error("invalid template"));
    }
    let parts = objects::tuple::items(cast::<Template>(template).parts.get());
    if let [literal] = parts {
        return Ok(*literal);
    }
    let pieces = vm.new_list(&[]);
    for (i, &part) in parts.iter().enumerate() {
        if i % 2 == 0 {
            vm.list_append(pieces, part);
            continue;
        }
        let group = found::checked_group(vm, found, part)?;
        let text = text_of(vm, found, group, vm.none)?;
        if text != vm.none {
            vm.list_append(pieces, text);
        }
    }
    join(vm, pieces, parts[0])
}

/// All pieces, which are of `like`'s kind.
fn join(vm: &mut Vm, pieces: Value, like: Value) -> PyResult {
    let separator = if vm.is_str(like) { vm.empty_str } else { vm.empty_bytes };
    vm.call_method(separator, "join", &[pieces])
}

pub fn sub(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(substitute(vm, args, "sub")?.0)
}

pub fn subn(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (text, count) = substitute(vm, args, "subn")?;
    Ok(vm.new_tuple(&[text, Value::from_int(count)]))
}

/// How matches are replaced.
enum Replacement {
    Literal(Value),
    Call(Value),
    Template(Value),
}

fn replacement(vm: &mut Vm, pattern: Value, given: Value) -> PyResult<Replacement> {
    if vm.type_of(given).slots().call.is_some() {
        return Ok(Replacement::Call(given));
    }
    let bytes = if vm.is_str(given) { Some(vm.str_bytes(given)) } else { vm.bytes_like_opt(given)? };
    if bytes.is_some_and(|bytes| !bytes.contains(&b'\\')) {
        return Ok(Replacement::Literal(given));
    }
    let template = compile_template(vm, pattern, given)?;
    let class = types(vm).template;
    if vm.type_of(template) == class {
        if let [literal] = objects::tuple::items(cast::<Template>(template).parts.get()) {
            return Ok(Replacement::Literal(*literal));
        }
        return Ok(Replacement::Template(template));
    }
    Ok(Replacement::Literal(template))
}

fn substitute(vm: &mut Vm, args: &CallArgs, function: &str) -> PyResult<(Value, i64)> {
    const PARAMETERS: Signature<3> = Signature { skip: 1, ..signature(["repl", "string", "count"], 2) };
    let [given, string, most] = args.bind(vm, function, &PARAMETERS)?;
    let most = if most.is_null() { 0 } else { vm.index(most)? };
    let pattern = args.values[0];
    let replacement = replacement(vm, pattern, given)?;
    let mut search = Search::new(vm, pattern, string, 0, i64::MAX)?;
    let pieces = vm.new_list(&[]);
    let (mut last, mut count) = (0, 0);
    while (most == 0 || count < most) && search.next(Mode::Search) {
        let (start, end) = search.span();
        if last < start {
            let piece = slice(vm, string, last, start)?;
            vm.list_append(pieces, piece);
        }
        let piece = match replacement {
            Replacement::Literal(literal) => literal,
            Replacement::Call(function) => {
                let found = found::new(vm, pattern, string, &search);
                vm.call(function, &[found])?
            }
            Replacement::Template(template) => {
                let found = found::new(vm, pattern, string, &search);
                expand(vm, template, found)?
            }
        };
        if piece != vm.none {
            vm.list_append(pieces, piece);
        }
        last = end;
        count += 1;
    }
    if last < search.end() {
        let rest = slice(vm, string, last, search.end())?;
        vm.list_append(pieces, rest);
    }
    Ok((join(vm, pieces, string)?, count))
}
