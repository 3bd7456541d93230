//! The prompt: statements read line by line, with history and editing at a terminal.

use crate::run;
use heap::Value;
use interp::{execute, load};
use objects::error::PyResult;
use objects::vm::Vm;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use std::io::BufRead;
use std::io::Write;

/// Where lines come from.
enum Reader {
    Terminal(Box<DefaultEditor>, Option<std::path::PathBuf>),
    /// `-i` with a pipe.
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
            && let Ok(mut editor) = DefaultEditor::new()
        {
            let history = std::env::home_dir().map(|home| home.join(".adder_history"));
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
                print!("{prompt}");
                let _ = std::io::stdout().flush();
                let mut text = String::new();
                match std::io::stdin().lock().read_line(&mut text) {
                    Ok(0) | Err(_) => Line::End,
                    Ok(_) => Line::Text(text.trim_end_matches('\n').to_owned()),
                }
            }
        }
    }

    fn save(&mut self) {
        if let Reader::Terminal(editor, Some(history)) = self {
            let _ = editor.save_history(history);
        }
    }
}

/// Reads and runs statements until the end of the input or `SystemExit`.
pub fn run(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let mut reader = Reader::new();
    println!("{}", banner());
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

fn read_and_run(vm: &mut Vm, dict: Value, reader: &mut Reader) -> PyResult<()> {
    let mut source = String::new();
    loop {
        let prompt = if source.is_empty() { ">>> " } else { "... " };
        match reader.read(prompt) {
            Line::End => {
                println!();
                return Ok(());
            }
            Line::Interrupt => {
                println!("KeyboardInterrupt");
                source.clear();
                continue;
            }
            Line::Text(text) => {
                if source.is_empty() && text.trim().is_empty() {
                    continue;
                }
                source += &text;
                source.push('\n');
            }
        }
        if syntax::is_incomplete(&source) {
            continue;
        }
        let statement = std::mem::take(&mut source);
        if let Err(raised) = execute_statement(vm, &statement, dict) {
            if vm.exception_matches(raised.0, vm.exc.system_exit) {
                return Err(raised);
            }
            run::report(vm, raised.0);
        }
    }
}

fn execute_statement(vm: &mut Vm, text: &str, dict: Value) -> PyResult<()> {
    let options = execute::compile_options(vm);
    interp::source_cache::remember(vm, "<stdin>", text);
    let code = load::compile_with(vm, text, "<stdin>", syntax::Mode::Single, options)?;
    execute::run_module_code(vm, code, dict)?;
    Ok(())
}
