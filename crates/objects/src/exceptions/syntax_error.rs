//! `SyntaxError`: its fields.

use crate::args::CallArgs;
use crate::error::PyResult;
use crate::exceptions::base;
use crate::exceptions::fields::{field, get, set};
use crate::slots::Slots;
use crate::ty::TypeSpec;
use crate::vm::Vm;
use heap::Value;

pub(super) fn extend(spec: TypeSpec) -> TypeSpec {
    TypeSpec {
        slots: Slots { init: Some(init), str: Some(str), ..spec.slots },
        getset: const {
            &[
                field!("msg", 0),
                field!("filename", 1),
                field!("lineno", 2),
                field!("offset", 3),
                field!("text", 4),
                field!("end_lineno", 5),
                field!("end_offset", 6),
                field!("print_file_and_line", 7),
                field!("_metadata", 8),
            ]
        },
        ..spec
    }
}

/// `SyntaxError(msg, (filename, lineno, offset, text[, end_lineno, end_offset[, metadata]]))`.
fn init(vm: &mut Vm, exception: Value, args: &CallArgs) -> PyResult<()> {
    base::init(vm, exception, args)?;
    let positional = args.args();
    if let Some(&message) = positional.first() {
        set(vm, exception, 0, message);
    }
    if positional.len() != 2 {
        return Ok(());
    }
    let details = vm.collect_tuple(positional[1])?;
    let items = crate::tuple::items(details);
    if !(4..=7).contains(&items.len()) {
        let message = if items.len() < 4 {
            format!("function missing required argument ({} given)", items.len())
        } else {
            format!("function takes at most 7 arguments ({} given)", items.len())
        };
        return Err(vm.type_error(message));
    }
    if items.len() == 5 {
        return Err(vm.type_error("end_offset must be provided when end_lineno is provided"));
    }
    for (i, &item) in items.iter().enumerate() {
        let index = if i == 6 { 8 } else { i + 1 };
        set(vm, exception, index, item);
    }
    Ok(())
}

fn str(vm: &mut Vm, exception: Value) -> PyResult {
    let [message, filename, line] = [0, 1, 2].map(|i| get(exception, i));
    let message = if message.is_null() { vm.none } else { message };
    let message = vm.str_of(message)?;
    let filename = if !filename.is_null() && vm.is_str(filename) {
        let path = vm.text_of(filename);
        Some(path.rsplit('/').next().unwrap_or("").to_string())
    } else {
        None
    };
    let line = if line.is_null() || vm.type_of(line) != vm.types.int { None } else { vm.as_i64(line) };
    let text = match (filename, line) {
        (None, None) => return Ok(message),
        (Some(filename), Some(line)) => format!("{} ({filename}, line {line})", vm.text_of(message)),
        (Some(filename), None) => format!("{} ({filename})", vm.text_of(message)),
        (None, Some(line)) => format!("{} (line {line})", vm.text_of(message)),
    };
    Ok(vm.new_str(&text))
}
