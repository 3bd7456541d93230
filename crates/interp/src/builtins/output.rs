//! `print`, `input`, `open`.

use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::vm::Vm;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("print", 0, objects::args::MANY, print).with_keywords(),
    MethodDef::function("input", 0, 1, input),
    MethodDef::function("open", 0, 8, open).with_keywords(),
    MethodDef::function("breakpoint", 0, objects::args::MANY, breakpoint).with_keywords(),
];

/// `print(*values, sep=' ', end='\n', file=None, flush=False)`.
fn print(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (mut sep, mut end, mut file, mut flush) = (vm.none, vm.none, vm.none, vm.none);
    for (name, value) in args.keywords() {
        match vm.str_bytes(name) {
            b"sep" => sep = value,
            b"end" => end = value,
            b"file" => file = value,
            b"flush" => flush = value,
            _ => {
                let name = vm.text_of(name);
                let hint = objects::suggestions::hint(&name, ["sep", "end", "file", "flush"].into_iter());
                return Err(vm.type_error(format!("print() got an unexpected keyword argument '{name}'{hint}")));
            }
        }
    }
    for (name, value) in [("sep", sep), ("end", end)] {
        if value != vm.none && !vm.is_str(value) {
            let kind = vm.type_of(value).name();
            return Err(vm.type_error(format!("{name} must be None or a string, not {kind}")));
        }
    }
    if file == vm.none {
        let sys = crate::import::import_module(vm, "sys")?;
        match vm.getattr_str_opt(sys, "stdout")? {
            None => return Err(vm.runtime_error("lost sys.stdout")),
            // Without a standard output there is nothing to do.
            Some(out) if out == vm.none => return Ok(vm.none),
            Some(out) => file = out,
        }
    }
    // One write for the whole line: pieces joined, so that lines of several threads or processes do not mix.
    let values = args.args();
    let mut line = Vec::new();
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            match sep == vm.none {
                true => line.push(b' '),
                false => line.extend_from_slice(vm.str_bytes(sep)),
            }
        }
        let text = vm.str_of(*value)?;
        line.extend_from_slice(vm.str_bytes(text));
    }
    match end == vm.none {
        true => line.push(b'\n'),
        false => line.extend_from_slice(vm.str_bytes(end)),
    }
    let line = vm.new_str_bytes(&line);
    let write = vm.getattr_str(file, "write")?;
    vm.call(write, &[line])?;
    if vm.truth(flush)? {
        vm.call_method(file, "flush", &[])?;
    }
    Ok(vm.none)
}

/// A line of standard input without its end.
fn input(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let sys = crate::import::import_module(vm, "sys")?;
    let (stdin, stdout) = (vm.getattr_str(sys, "stdin")?, vm.getattr_str(sys, "stdout")?);
    if let Some(prompt) = args.get(0) {
        let text = vm.str_of(prompt)?;
        vm.call_method(stdout, "write", &[text])?;
    }
    vm.call_method(stdout, "flush", &[])?;
    let line = vm.call_method(stdin, "readline", &[])?;
    if !vm.is_str(line) {
        return Err(vm.type_error("object.readline() returned non-string"));
    }
    let text = vm.str_bytes(line);
    match text.strip_suffix(b"\n") {
        Some(text) => Ok(vm.new_str_bytes(text)),
        None if text.is_empty() => Err(vm.eof_error("EOF when reading a line")),
        None => Ok(line),
    }
}

fn open(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let io = crate::import::import_module(vm, "_io")?;
    let open = vm.getattr_str(io, "open")?;
    vm.call_kw(open, args)
}

fn breakpoint(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let sys = crate::import::import_module(vm, "sys")?;
    let hook = vm.getattr_str(sys, "breakpointhook")?;
    vm.call_kw(hook, args)
}
