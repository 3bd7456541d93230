//! Starting the interpreter, running the program, and ending with its exit status.

use crate::options::{Invocation, Program};
use crate::prompt;
use heap::Value;
use interp::{execute, import, load, warnings};
use objects::builtin_layouts::{Exception, Module};
use objects::error::{PyResult, Raised};
use objects::layout::cast;
use objects::vm::Vm;
use std::path::Path;
use std::process::ExitCode;

/// Runs what the command line asks for, on a thread with that much stack.
pub fn run(invocation: Box<Invocation>, stack_bytes: usize) -> ExitCode {
    let Invocation { program, mut config, jit, heap } = *invocation;
    search_path(&program, &mut config);
    let inspect = config.inspect;
    let mut vm = interp::boot::new_vm(heap, jit, config, stack_bytes);
    let vm = &mut *vm;
    stdlib::register(vm);
    if let Err(raised) = start(vm) {
        eprintln!("adder: the interpreter does not start: {}", describe(vm, raised));
        return ExitCode::FAILURE;
    }
    let mut result = run_program(vm, &program);
    let mut status = finish_program(vm, result);
    if inspect && !matches!(program, Program::Prompt) {
        result = main_dict(vm).and_then(|dict| prompt::run(vm, dict));
        status = finish_program(vm, result);
    }
    status = shut_down(vm, status);
    vm.thread.jit.finish_logs();
    ExitCode::from(status)
}

/// `sys.path` starts with the program's directory, or the current one.
fn search_path(program: &Program, config: &mut interp::state::Config) {
    if config.safe_path {
        return;
    }
    let first = match program {
        Program::File(file) => {
            let path = Path::new(file);
            if path.is_dir() {
                file.clone()
            } else {
                let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
                path.parent().map(|parent| parent.to_string_lossy().into_owned()).unwrap_or_default()
            }
        }
        Program::Module(_) => {
            std::env::current_dir().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
        }
        _ => String::new(),
    };
    config.search_path.insert(0, first);
}

fn start(vm: &mut Vm) -> PyResult<()> {
    interp::builtins::fill(vm)?;
    import::import_module(vm, "builtins")?;
    import::import_module(vm, "sys")?;
    stdlib::start(vm)
}

fn describe(vm: &mut Vm, raised: Raised) -> String {
    let kind = vm.type_of(raised.0).name();
    match vm.str_of(raised.0) {
        Ok(text) => format!("{kind}: {}", vm.text_of(text)),
        Err(_) => kind,
    }
}

/// The dictionary of module `__main__`.
fn main_dict(vm: &mut Vm) -> PyResult {
    let modules = vm.handle(vm.modules);
    if let Some(module) = vm.dict_get_str(modules, "__main__") {
        return Ok(cast::<Module>(module).dict.get());
    }
    let module = vm.new_module("__main__");
    vm.dict_set_str(modules, "__main__", module);
    let dict = cast::<Module>(module).dict.get();
    let builtins = import::import_module(vm, "builtins")?;
    let none = vm.none;
    for (name, value) in [("__builtins__", builtins), ("__spec__", none), ("__loader__", none), ("__package__", none)] {
        vm.dict_set_str(dict, name, value);
    }
    Ok(dict)
}

fn run_program(vm: &mut Vm, program: &Program) -> PyResult<()> {
    let dict = main_dict(vm)?;
    match program {
        Program::Command(text) => run_text(vm, text, "<string>", dict),
        Program::File(file) => run_file(vm, file, dict),
        Program::Module(name) => {
            let runpy = import::import_module(vm, "runpy")?;
            let (name, alter) = (vm.new_str(name), vm.true_);
            vm.call_method(runpy, "_run_module_as_main", &[name, alter])?;
            Ok(())
        }
        Program::Stdin => {
            let text = match std::io::read_to_string(std::io::stdin()) {
                Ok(text) => text,
                Err(error) => {
                    let name = vm.new_str("<stdin>");
                    return Err(vm.io_error(&error, name));
                }
            };
            run_text(vm, &text, "<stdin>", dict)
        }
        Program::Prompt => prompt::run(vm, dict),
    }
}

fn run_text(vm: &mut Vm, text: &str, filename: &str, dict: Value) -> PyResult<()> {
    let options = execute::compile_options(vm);
    interp::source_cache::remember(vm, filename, text);
    let code = load::compile_with(vm, text, filename, syntax::Mode::Exec, options)?;
    execute::run_module_code(vm, code, dict)?;
    Ok(())
}

fn run_file(vm: &mut Vm, file: &str, dict: Value) -> PyResult<()> {
    let path = Path::new(file);
    if path.is_dir() || file.ends_with(".zip") {
        let runpy = import::import_module(vm, "runpy")?;
        let (path, main) = (vm.new_str(file), vm.new_str("__main__"));
        let none = vm.none;
        vm.call_method(runpy, "run_path", &[path, none, main])?;
        return Ok(());
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or(0);
            let text = interp::source_cache::error_text(&error);
            eprintln!("adder: can't open file '{}': [Errno {errno}] {text}", absolute(path));
            return Err(vm.raise_value(vm.exc.system_exit, Value::from_int(2)));
        }
    };
    let source = match syntax::decode_source(&bytes) {
        Ok(source) => source,
        Err(error) => return Err(interp::syntax_error::raise_decode(vm, &error, file)),
    };
    let text = vm.new_str(file);
    vm.dict_set_str(dict, "__file__", text);
    let options = execute::compile_options(vm);
    let code = load::compile_with(vm, &source, file, syntax::Mode::Exec, options)?;
    execute::run_module_code(vm, code, dict)?;
    Ok(())
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

/// Prints an uncaught exception; the exit status of the program.
fn finish_program(vm: &mut Vm, result: PyResult<()>) -> u8 {
    match result {
        Ok(()) => 0,
        Err(raised) => exit_status(vm, raised),
    }
}

/// What an exception that reached the top means for the exit status, printed if it is an error.
pub fn exit_status(vm: &mut Vm, raised: Raised) -> u8 {
    let exception = raised.0;
    if vm.exception_matches(exception, vm.exc.system_exit) {
        return system_exit_status(vm, exception);
    }
    report(vm, exception);
    if vm.exception_matches(exception, vm.exc.keyboard_interrupt) { 130 } else { 1 }
}

/// `SystemExit.code`: None is 0, an int itself, anything else is printed and 1.
fn system_exit_status(vm: &mut Vm, exception: Value) -> u8 {
    let code = match vm.getattr_str(exception, "code") {
        Ok(code) => code,
        Err(_) => return 1,
    };
    if code == vm.none {
        return 0;
    }
    if let Some(status) = vm.as_i64(code) {
        return status as u8;
    }
    flush(vm, "stdout");
    match vm.str_of(code) {
        Ok(text) => eprintln!("{}", vm.text_of(text)),
        Err(_) => return 1,
    }
    1
}

/// Hands an exception to `sys.excepthook`.
pub fn report(vm: &mut Vm, exception: Value) {
    flush(vm, "stdout");
    if let Err(second) = call_hook(vm, exception) {
        if vm.exception_matches(second.0, vm.exc.system_exit) {
            return;
        }
        eprintln!("Error in sys.excepthook:");
        let _ = warnings::print_exception(vm, second.0);
        eprintln!("\nOriginal exception was:");
        if warnings::print_exception(vm, exception).is_err() {
            let text = describe(vm, Raised(exception));
            eprintln!("{text}");
        }
    }
    flush(vm, "stderr");
}

fn call_hook(vm: &mut Vm, exception: Value) -> PyResult<()> {
    let sys = import::import_module(vm, "sys")?;
    for (name, value) in
        [("last_exc", exception), ("last_value", exception), ("last_type", vm.type_of(exception).value())]
    {
        let key = vm.intern(name);
        vm.setattr(sys, key, value)?;
    }
    let hook = vm.getattr_str(sys, "excepthook")?;
    let traceback = cast::<Exception>(exception).traceback.get();
    let traceback = if traceback.is_null() { vm.none } else { traceback };
    let class = vm.type_of(exception).value();
    vm.call(hook, &[class, exception, traceback])?;
    Ok(())
}

fn flush(vm: &mut Vm, stream: &str) {
    let _ = try_flush(vm, stream);
}

fn try_flush(vm: &mut Vm, stream: &str) -> PyResult<()> {
    let sys = import::import_module(vm, "sys")?;
    if let Some(stream) = vm.getattr_str_opt(sys, stream)?
        && stream != vm.none
    {
        vm.call_method(stream, "flush", &[])?;
    }
    Ok(())
}

/// Threads, `atexit` functions, buffered output.
fn shut_down(vm: &mut Vm, mut status: u8) -> u8 {
    if let Err(raised) = stdlib::shut_down(vm) {
        report(vm, raised.0);
    }
    if let Err(raised) = try_flush(vm, "stdout") {
        // The output is lost, and the status says so.
        let text = describe(vm, raised);
        eprintln!("Exception ignored while flushing sys.stdout:\n{text}");
        status = 120;
    }
    flush(vm, "stderr");
    status
}
