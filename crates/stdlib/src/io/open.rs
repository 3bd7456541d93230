//! `open`.

use super::{DEFAULT_BUFFER_SIZE, types};
use crate::vm_ext::VmExt;
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, Signature};
use objects::error::PyResult;
use objects::vm::Vm;

/// `open(file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)`.
pub fn open(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [file, mode, buffering, encoding, errors, newline, close_fd, opener] = args.bind(
        vm,
        "open",
        &Signature {
            parameters: ["file", "mode", "buffering", "encoding", "errors", "newline", "closefd", "opener"],
            skip: 0,
            positional_only: 0,
            max_positional: 8,
            required: 1,
        },
    )?;
    let none = vm.none;
    let given = |value: Value| !value.is_null() && value != none;
    let mode_text = if mode.is_null() { "r".to_owned() } else { vm.str(mode)?.to_owned() };
    let mut raw_mode = String::new();
    let (mut text, mut binary) = (false, false);
    for letter in mode_text.chars() {
        match letter {
            't' if !text => text = true,
            'b' if !binary => binary = true,
            'r' | 'w' | 'a' | 'x' | '+' if !raw_mode.contains(letter) => raw_mode.put(letter),
            _ => return Err(vm.value_error(format!("invalid mode: '{mode_text}'"))),
        }
    }
    if text && binary {
        return Err(vm.value_error("can't have text and binary mode at once"));
    }
    if raw_mode.chars().filter(|letter| *letter != '+').count() != 1 {
        return Err(vm.value_error("must have exactly one of create/read/write/append mode"));
    }
    if binary {
        for (value, what) in [(encoding, "an encoding"), (errors, "an errors"), (newline, "a newline")] {
            if given(value) {
                return Err(vm.value_error(format!("binary mode doesn't take {what} argument")));
            }
        }
    }
    let buffering = if buffering.is_null() { -1 } else { vm.index(buffering)? };
    let classes = types(vm);
    let file = if vm.is_int(file) { file } else { vm.path_value(file)? };
    let raw_mode_value = vm.new_str(&raw_mode);
    let close_fd = if close_fd.is_null() { vm.true_ } else { close_fd };
    let opener = if opener.is_null() { none } else { opener };
    let raw = vm.call(classes.file.value(), &[file, raw_mode_value, close_fd, opener])?;
    let result = wrap(vm, raw, &raw_mode, buffering, binary, [encoding, errors, newline], mode_text);
    if result.is_err() {
        vm.call_method(raw, "close", &[])?;
    }
    result
}

fn wrap(
    vm: &mut Vm,
    raw: Value,
    raw_mode: &str,
    buffering: i64,
    binary: bool,
    text_arguments: [Value; 3],
    mode: String,
) -> PyResult {
    let classes = types(vm);
    let is_terminal = buffering < 0 && {
        let answer = vm.call_method(raw, "isatty", &[])?;
        vm.truth(answer)?
    };
    let line_buffering = buffering == 1 || is_terminal;
    if buffering == 0 {
        if binary {
            return Ok(raw);
        }
        return Err(vm.value_error("can't have unbuffered text I/O"));
    }
    let size = if buffering < 0 || buffering == 1 { DEFAULT_BUFFER_SIZE as i64 } else { buffering };
    let size = vm.int(size);
    let class = if raw_mode.contains('+') {
        classes.random
    } else if raw_mode.contains('r') {
        classes.reader
    } else {
        classes.writer
    };
    let buffer = vm.call(class.value(), &[raw, size])?;
    if binary {
        return Ok(buffer);
    }
    let or_none = |value: Value, vm: &Vm| if value.is_null() { vm.none } else { value };
    let [encoding, errors, newline] = text_arguments.map(|value| or_none(value, vm));
    let line_buffering = vm.bool(line_buffering);
    let stream = vm.call(classes.text.value(), &[buffer, encoding, errors, newline, line_buffering])?;
    let (name, mode) = (vm.intern("mode"), vm.new_str(&mode));
    vm.setattr(stream, name, mode)?;
    Ok(stream)
}
