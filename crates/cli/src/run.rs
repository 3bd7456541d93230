//! Starting the interpreter, running the program, and ending with its exit status.

use crate::options::{Invocation, Program};
use crate::{complain, prompt};
use heap::Value;
use interp::{execute, import, load, warnings};
use objects::builtin_layouts::{Exception, Module};
use objects::error::{PyResult, Raised};
use objects::layout::cast;
use objects::vm::Vm;
use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// How the process ends.
pub enum End {
    Status(u8),
    /// By a KeyboardInterrupt that nobody handled.
    Interrupt,
}

/// Runs what the command line asks for, on a thread with that much stack.
pub fn run(invocation: Box<Invocation>, stack_bytes: usize) -> End {
    let Invocation { program, mut config, jit, heap, profile, why } = *invocation;
    search_path(&program, &mut config);
    let inspect = config.inspect;
    let process = std::process::id();
    let mut vm = interp::boot::new_vm(heap, jit, config, stack_bytes);
    let vm = &mut *vm;
    stdlib::register(vm);
    if let Err(raised) = start(vm) {
        complain(&format!("adder: the interpreter does not start: {}", describe(vm, raised)));
        return End::Status(1);
    }
    // One of them looks at a time.
    let why = why.and_then(|request| crate::why::start(vm, request));
    let profile = profile.filter(|_| why.is_none()).and_then(|request| crate::profile::start(vm, request));
    let result = run_program(vm, &program);
    // A program may ask for the prompt while it runs.
    let inspect = inspect || std::env::var_os("PYTHONINSPECT").is_some_and(|value| !value.is_empty());
    let has_prompt = inspect && !matches!(program, Program::Prompt);
    let mut end = match result {
        Ok(()) => End::Status(0),
        Err(raised) if has_prompt => {
            report(vm, raised.0);
            End::Status(1)
        }
        Err(raised) => end_of(vm, raised),
    };
    if has_prompt {
        end = match main_dict(vm).and_then(|dict| prompt::run(vm, dict, false)) {
            Ok(()) => End::Status(0),
            Err(raised) => end_of(vm, raised),
        };
    }
    if !shut_down(vm) {
        end = End::Status(120);
    }
    if let Some(profile) = profile {
        crate::profile::finish(profile);
    }
    if let Some(why) = why {
        crate::why::finish(vm, why);
    }
    vm.thread.jit.finish_logs();
    stdlib::signal_::stop();
    if let End::Status(status) = end
        && std::process::id() != process
    {
        // In a child made by `os.fork` this thread is the only one: nobody waits for its status.
        std::process::exit(status as i32);
    }
    end
}

/// `sys.path` starts with the program's directory, or the current one.
fn search_path(program: &Program, config: &mut interp::state::Config) {
    if config.safe_path {
        return;
    }
    let first = match program {
        Program::File(file) => {
            let path = Path::new(file);
            if is_package_like(path) {
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
    stdlib::start(vm)?;
    let config = &interp::state::state(vm).config;
    let (no_site, has_warn_options) = (config.no_site, !config.warn_options.is_empty());
    if has_warn_options {
        import::import_module(vm, "warnings")?;
    }
    if !no_site {
        add_site_builtins(vm)?;
    }
    Ok(())
}

/// `exit`, `quit` and `help`, which CPython's module `site` adds.
fn add_site_builtins(vm: &mut Vm) -> PyResult<()> {
    let site = import::import_module(vm, "_sitebuiltins")?;
    let quitter = vm.getattr_str(site, "Quitter")?;
    let end_of_file = vm.new_str("Ctrl-D (i.e. EOF)");
    let builtins = vm.handle(vm.builtins);
    for name in ["quit", "exit"] {
        let text = vm.new_str(name);
        let object = vm.call(quitter, &[text, end_of_file])?;
        vm.dict_set_str(builtins, name, object);
    }
    let help = vm.call_method(site, "_Helper", &[])?;
    vm.dict_set_str(builtins, "help", help);
    Ok(())
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
        Program::Command(text) => {
            let text = dedent(text);
            let options = execute::compile_options(vm);
            let code = load::compile_with(vm, &text, "<string>", syntax::Mode::Exec, options)?;
            interp::source_cache::remember(vm, code, &text)?;
            execute::run_module_code(vm, code, dict)?;
            Ok(())
        }
        Program::File(file) => run_file(vm, file, dict),
        Program::Module(name) => run_main_module(vm, name, true),
        Program::Stdin => {
            let mut bytes = Vec::new();
            if let Err(error) = std::io::stdin().lock().read_to_end(&mut bytes) {
                let name = vm.new_str("<stdin>");
                return Err(vm.io_error(&error, name));
            }
            run_source(vm, bytes, "<stdin>", dict)
        }
        Program::Prompt => prompt::run(vm, dict, true),
    }
}

/// Runs a module as `__main__`: the one `-m` names, or `__main__` of the directory or archive that is `sys.path[0]`.
fn run_main_module(vm: &mut Vm, name: &str, alter_arguments: bool) -> PyResult<()> {
    let runpy = import::import_module(vm, "runpy")?;
    let (name, alter_arguments) = (vm.new_str(name), vm.bool(alter_arguments));
    vm.call_method(runpy, "_run_module_as_main", &[name, alter_arguments])?;
    Ok(())
}

fn run_source(vm: &mut Vm, mut bytes: Vec<u8>, filename: &str, dict: Value) -> PyResult<()> {
    if interp::state::state(vm).config.skip_first_line {
        // The line end stays, so that lines keep their numbers.
        let line = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
        bytes.drain(..line);
    }
    let source = match syntax::decode_source(&bytes) {
        Ok(source) => source,
        Err(error) => return Err(interp::syntax_error::raise_decode(vm, &error, filename)),
    };
    let code = load::compile_file(vm, &source, filename)?;
    execute::run_module_code(vm, code, dict)?;
    Ok(())
}

/// Takes away the blanks that all lines start with, but for those that are blank altogether.
fn dedent(text: &str) -> Cow<'_, str> {
    let blanks = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let mut lines = text.split('\n').filter(|line| blanks(line) < line.len());
    let Some(first) = lines.next() else { return Cow::Borrowed(text) };
    let mut margin = &first[..blanks(first)];
    for line in lines {
        let common = margin.bytes().zip(line.bytes()).take_while(|(a, b)| a == b).count();
        margin = &margin[..common];
    }
    if margin.is_empty() {
        return Cow::Borrowed(text);
    }
    let lines = text.split('\n').map(|line| line.strip_prefix(margin).unwrap_or(line.trim_start_matches([' ', '\t'])));
    Cow::Owned(lines.collect::<Vec<_>>().join("\n"))
}

/// Runs a file that `dict` gets as `__file__`.
fn run_file(vm: &mut Vm, file: &str, dict: Value) -> PyResult<()> {
    let path = Path::new(file);
    if is_package_like(path) {
        return run_main_module(vm, "__main__", false);
    }
    let name = absolute(path);
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or(0);
            let text = interp::source_cache::error_text(&error);
            complain(&format!("adder: can't open file '{name}': [Errno {errno}] {text}"));
            return Err(vm.raise_value(vm.exc.system_exit, Value::from_int(2)));
        }
    };
    let text = vm.new_str(&name);
    vm.dict_set_str(dict, "__file__", text);
    run_source(vm, bytes, &name, dict)
}

/// Whether a program is a directory or a zip archive with a module `__main__`.
fn is_package_like(path: &Path) -> bool {
    if path.is_dir() {
        return true;
    }
    // An archive ends with its directory, whose end has this mark and then 18 bytes and a comment.
    const END_OF_DIRECTORY: &[u8] = b"PK\x05\x06";
    const LONGEST_COMMENT: u64 = 22 + 65_535;
    let tail = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_COMMENT)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    path.is_file() && tail().is_ok_and(|bytes| bytes.windows(4).any(|window| window == END_OF_DIRECTORY))
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

/// What an exception that reached the top means for the end of the process, printed if it is an error.
fn end_of(vm: &mut Vm, raised: Raised) -> End {
    let exception = raised.0;
    if vm.exception_matches(exception, vm.exc.system_exit) {
        return End::Status(system_exit_status(vm, exception));
    }
    report(vm, exception);
    if vm.exception_matches(exception, vm.exc.keyboard_interrupt) { End::Interrupt } else { End::Status(1) }
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
        Ok(text) => complain(&vm.text_of(text)),
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
        complain("Error in sys.excepthook:");
        let _ = warnings::print_exception(vm, second.0);
        complain("\nOriginal exception was:");
        if warnings::print_exception(vm, exception).is_err() {
            let text = describe(vm, Raised(exception));
            complain(&text);
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

/// Flushes the standard streams.
pub fn flush_output(vm: &mut Vm) {
    flush(vm, "stdout");
    flush(vm, "stderr");
}

fn flush(vm: &mut Vm, stream: &str) {
    let _ = try_flush(vm, stream);
}

/// Whether a stream says that it is closed.
fn is_closed(vm: &mut Vm, stream: Value) -> bool {
    match vm.getattr_str_opt(stream, "closed") {
        Ok(Some(closed)) => vm.truth(closed).unwrap_or(false),
        _ => false,
    }
}

fn try_flush(vm: &mut Vm, stream: &str) -> PyResult<()> {
    let sys = import::import_module(vm, "sys")?;
    if let Some(stream) = vm.getattr_str_opt(sys, stream)?
        && stream != vm.none
        && !is_closed(vm, stream)
    {
        vm.call_method(stream, "flush", &[])?;
    }
    Ok(())
}

/// Threads, `atexit` functions, buffered output; false if output is lost.
fn shut_down(vm: &mut Vm) -> bool {
    if let Err(raised) = stdlib::shut_down(vm) {
        report(vm, raised.0);
    }
    if let Err(raised) = try_flush(vm, "stdout") {
        let text = describe(vm, raised);
        complain(&format!("Exception ignored while flushing sys.stdout:\n{text}"));
        return false;
    }
    // The program may have put others in their places.
    for stream in ["stderr", "__stdout__", "__stderr__"] {
        flush(vm, stream);
    }
    true
}
