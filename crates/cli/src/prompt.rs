//! The prompt: statements read line by line, with history and editing at a terminal.

use crate::{complain, run};
use heap::Value;
use interp::{execute, import, load};
use objects::error::PyResult;
use objects::vm::Vm;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use std::io::{BufRead, Write};
use std::path::PathBuf;

/// Where lines come from.
enum Reader {
    Terminal(Box<DefaultEditor>, Option<PathBuf>),
    /// `-i` with a pipe: what is said to the user goes to standard error.
    Pipe,
}

enum Line {
    Text(String),
    /// Ctrl-C.
    Interrupt,
    End,
}

impl Reader {
    fn new() -> Reader {
        // SAFETY: asks about a file descriptor, nothing else.
        if unsafe { libc::isatty(0) } == 1
            && let Ok(mut editor) = with_own_interrupt(DefaultEditor::new)
        {
            let history = history_file();
            if let Some(history) = &history {
                // There is none the first time.
                let _ = editor.load_history(history);
            }
            return Reader::Terminal(Box::new(editor), history);
        }
        Reader::Pipe
    }

    fn read(&mut self, prompt: &str) -> Line {
        match self {
            Reader::Terminal(editor, _) => match editor.readline(prompt) {
                Ok(text) => {
                    let _ = editor.add_history_entry(&text);
                    Line::Text(text)
                }
                Err(ReadlineError::Interrupted) => Line::Interrupt,
                Err(_) => Line::End,
            },
            Reader::Pipe => {
                self.say(prompt);
                let mut text = String::new();
                match std::io::stdin().lock().read_line(&mut text) {
                    Ok(0) | Err(_) => Line::End,
                    Ok(_) => Line::Text(text.trim_end_matches('\n').to_owned()),
                }
            }
        }
    }

    /// Tells the user something, without a line end of its own.
    fn say(&self, text: &str) {
        // Nobody may be listening.
        let _ = match self {
            Reader::Terminal(..) => std::io::stdout().write_all(text.as_bytes()),
            Reader::Pipe => std::io::stderr().write_all(text.as_bytes()),
        };
        let _ = std::io::stdout().flush();
    }

    fn save(&mut self) {
        if let Reader::Terminal(editor, Some(history)) = self {
            let _ = editor.save_history(history);
        }
    }
}

/// Makes an editor and keeps the action of SIGINT, which the editor takes for as long as it lives: while it reads, the
/// terminal sends no signals, and a statement that runs must be interruptible.
fn with_own_interrupt<T>(make: impl FnOnce() -> T) -> T {
    // SAFETY: all zero is a valid value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: reads the action in force into `action`.
    unsafe { libc::sigaction(libc::SIGINT, std::ptr::null(), &mut action) };
    let made = make();
    // SAFETY: the action was in force before.
    unsafe { libc::sigaction(libc::SIGINT, &action, std::ptr::null_mut()) };
    made
}

/// `PYTHON_HISTORY`, or a file in the home directory.
fn history_file() -> Option<PathBuf> {
    match std::env::var_os("PYTHON_HISTORY").filter(|path| !path.is_empty()) {
        Some(path) => Some(PathBuf::from(path)),
        None => std::env::home_dir().map(|home| home.join(".adder_history")),
    }
}

/// Reads and runs statements until the end of the input or `SystemExit`. With `greets` it is the program itself, and not
/// what follows one: there is a banner, and `PYTHONSTARTUP` runs.
pub fn run(vm: &mut Vm, dict: Value, greets: bool) -> PyResult<()> {
    let mut reader = Reader::new();
    let config = &interp::state::state(vm).config;
    let (quiet, ignores_environment) = (config.quiet, config.ignore_environment);
    if greets && !quiet {
        reader.say(&format!("{}\n", banner()));
    }
    set_prompts(vm)?;
    if greets
        && !ignores_environment
        && let Some(file) = std::env::var_os("PYTHONSTARTUP").filter(|file| !file.is_empty())
    {
        run_startup(vm, &PathBuf::from(file), dict)?;
    }
    let result = read_and_run(vm, dict, &mut reader);
    reader.save();
    result
}

fn banner() -> String {
    let [major, minor, micro] = stdlib::sys::VERSION;
    format!(
        "Adder {} (Python {major}.{minor}.{micro}) on {}\nType \"help\" for more information.",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS
    )
}

/// `sys.ps1` and `sys.ps2` exist where there is a prompt.
fn set_prompts(vm: &mut Vm) -> PyResult<()> {
    let sys = import::import_module(vm, "sys")?;
    for (name, text) in [("ps1", ">>> "), ("ps2", "... ")] {
        if vm.getattr_str_opt(sys, name)?.is_none() {
            let (key, text) = (vm.intern(name), vm.new_str(text));
            vm.setattr(sys, key, text)?;
        }
    }
    Ok(())
}

/// The text of a prompt; its object may compute it anew each time.
fn prompt_text(vm: &mut Vm, name: &str) -> String {
    let text = import::import_module(vm, "sys").and_then(|sys| {
        let prompt = vm.getattr_str(sys, name)?;
        let text = vm.str_of(prompt)?;
        Ok(vm.text_of(text))
    });
    text.unwrap_or_default()
}

fn run_startup(vm: &mut Vm, file: &std::path::Path, dict: Value) -> PyResult<()> {
    let name = file.to_string_lossy();
    match std::fs::read_to_string(file) {
        Ok(text) => report_errors(vm, |vm| {
            let options = execute::compile_options(vm);
            let code = load::compile_with(vm, &text, &name, syntax::Mode::Exec, options)?;
            execute::run_module_code(vm, code, dict)?;
            Ok(())
        }),
        Err(error) => {
            let text = interp::source_cache::error_text(&error);
            complain(&format!("Could not open PYTHONSTARTUP\n{name}: {text}"));
            Ok(())
        }
    }
}

fn read_and_run(vm: &mut Vm, dict: Value, reader: &mut Reader) -> PyResult<()> {
    // The lines of the statement so far.
    let mut lines: Vec<String> = Vec::new();
    loop {
        let prompt = prompt_text(vm, if lines.is_empty() { "ps1" } else { "ps2" });
        match reader.read(&prompt) {
            Line::End => {
                // What stands there is run, complete or not.
                if !lines.is_empty() {
                    execute_statement(vm, &lines.join("\n"), dict)?;
                }
                reader.say("\n");
                return Ok(());
            }
            Line::Interrupt => {
                reader.say("KeyboardInterrupt\n");
                lines.clear();
                continue;
            }
            Line::Text(text) => {
                if lines.is_empty() && text.trim().is_empty() {
                    continue;
                }
                lines.push(text);
            }
        }
        let source = lines.join("\n");
        if syntax::is_incomplete(&source) {
            continue;
        }
        lines.clear();
        execute_statement(vm, &source, dict)?;
    }
}

/// Runs a statement; what goes wrong in it is reported, all but SystemExit.
fn execute_statement(vm: &mut Vm, text: &str, dict: Value) -> PyResult<()> {
    report_errors(vm, |vm| {
        let options = execute::compile_options(vm);
        let text = format!("{text}\n");
        let code = load::compile_with(vm, &text, "<stdin>", syntax::Mode::Single, options)?;
        interp::source_cache::remember(vm, code, &text)?;
        execute::run_module_code(vm, code, dict)?;
        Ok(())
    })?;
    run::flush_output(vm);
    Ok(())
}

fn report_errors(vm: &mut Vm, run: impl FnOnce(&mut Vm) -> PyResult<()>) -> PyResult<()> {
    match run(vm) {
        Err(raised) if !vm.exception_matches(raised.0, vm.exc.system_exit) => {
            run::report(vm, raised.0);
            Ok(())
        }
        result => result,
    }
}
