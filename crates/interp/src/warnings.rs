//! Warnings and errors that nobody can catch.

use heap::Value;
use objects::builtin_layouts::{Exception, Traceback};
use objects::error::{PyResult, Raised};
use objects::layout::cast;
use objects::ty::TypeRef;
use objects::vm::Vm;
use std::collections::HashMap;
use std::io::Write;

/// Issues a warning, as `warnings.warn` does.
pub fn warn(vm: &mut Vm, category: TypeRef, text: &str, stack_level: i64) -> PyResult<()> {
    let module = crate::import::import_module(vm, "_warnings")?;
    let message = vm.new_str(text);
    let level = vm.int(stack_level);
    vm.call_method(module, "warn", &[message, category.value(), level])?;
    Ok(())
}

/// Issues a warning of the compiler. One that a filter makes an error is a SyntaxError.
pub fn issue_syntax_warning(vm: &mut Vm, warning: &syntax::SyntaxWarning, filename: &str) -> PyResult<()> {
    let module = crate::import::import_module(vm, "_warnings")?;
    let (message, file) = (vm.new_str(&warning.message), vm.new_str(filename));
    let (category, line) = (vm.exc.syntax_warning, Value::from_int(i64::from(warning.line)));
    match vm.call_method(module, "warn_explicit", &[message, category.value(), file, line]) {
        Ok(_) => Ok(()),
        Err(raised) if vm.exception_matches(raised.0, category) => {
            Err(crate::syntax_error::raise_at(vm, &warning.message, filename, warning.line, warning.column))
        }
        Err(raised) => Err(raised),
    }
}

/// Reports an exception by `sys.unraisablehook`.
pub fn unraisable(vm: &mut Vm, exception: Value, message: &str, object: Value) {
    // The hook itself may fail; then there is nobody left to tell.
    let _ = report(vm, exception, message, object);
}

fn report(vm: &mut Vm, exception: Value, message: &str, object: Value) -> PyResult<()> {
    let sys = crate::import::import_module(vm, "sys")?;
    let hook = vm.getattr_str(sys, "unraisablehook")?;
    let details = vm.new_namespace_object();
    let none = vm.none;
    let traceback = vm.getattr_str(exception, "__traceback__")?;
    let text = if message.is_empty() { none } else { vm.new_str(message) };
    let object = if object.is_null() { none } else { object };
    let class = vm.type_of(exception).value();
    for (key, value) in [
        ("exc_type", class),
        ("exc_value", exception),
        ("exc_traceback", traceback),
        ("err_msg", text),
        ("object", object),
    ] {
        let key = vm.intern(key);
        vm.setattr(details, key, value)?;
    }
    vm.call(hook, &[details])?;
    Ok(())
}

/// Prints an exception and its traceback to `sys.stderr`, by the library's `traceback` module.
pub fn print_exception(vm: &mut Vm, exception: Value) -> Result<(), Raised> {
    let by_library = crate::import::import_module(vm, "traceback")
        .and_then(|traceback| vm.call_method(traceback, "_print_exception_bltin", &[exception]));
    if by_library.is_err() {
        print_plainly(vm, exception);
    }
    Ok(())
}

/// As the library prints it, without marks in the lines and without the library: it may be what is broken, or there may
/// be no room for it on the stack.
fn print_plainly(vm: &mut Vm, exception: Value) {
    let mut text = String::new();
    describe_chain(vm, exception, None, &mut text);
    // Nobody may be listening.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// The exceptions that an exception led to, on the native stack.
struct Later<'a> {
    exception: Value,
    later: Option<&'a Later<'a>>,
}

impl Later<'_> {
    fn contains(&self, exception: Value) -> bool {
        self.exception == exception || self.later.is_some_and(|later| later.contains(exception))
    }
}

/// An exception after those that led to it.
fn describe_chain(vm: &mut Vm, exception: Value, later: Option<&Later>, out: &mut String) {
    let object = cast::<Exception>(exception);
    let (cause, context) = (object.cause.get(), object.context.get());
    let is_exception = |vm: &Vm, value: Value| value.is_object() && value != vm.none;
    let (before, words) = if is_exception(vm, cause) {
        (cause, "The above exception was the direct cause of the following exception:")
    } else if is_exception(vm, context) && object.suppress_context.get() == 0 {
        (context, "During handling of the above exception, another exception occurred:")
    } else {
        (Value::NULL, "")
    };
    let here = Later { exception, later };
    if !before.is_null() && !here.contains(before) {
        describe_chain(vm, before, Some(&here), out);
        *out += &format!("\n{words}\n\n");
    }
    describe_one(vm, exception, out);
}

fn describe_one(vm: &mut Vm, exception: Value, out: &mut String) {
    let mut at = cast::<Exception>(exception).traceback.get();
    if at.is_object() && at != vm.none {
        *out += "Traceback (most recent call last):\n";
    }
    let mut files: HashMap<String, Vec<String>> = HashMap::new();
    let (mut last, mut repeated) = (String::new(), 0);
    while at.is_object() && at != vm.none {
        let entry = cast::<Traceback>(at);
        let code = crate::frame_object::code_of(entry.frame.get());
        let (file, name) = (vm.text_of(code.filename), vm.text_of(code.name));
        let line = entry.line.get();
        let mut place = format!("  File \"{file}\", line {line}, in {name}\n");
        let lines = files.entry(file).or_insert_with_key(|file| lines_of(file));
        if let Some(text) = usize::try_from(line).ok().and_then(|line| lines.get(line.checked_sub(1)?)) {
            place += &format!("    {}\n", text.trim());
        }
        if place == last {
            repeated += 1;
        } else {
            *out += &repetition(repeated);
            repeated = 0;
        }
        if repeated < MAX_REPEATED {
            *out += &place;
        }
        last = place;
        at = entry.next.get();
    }
    *out += &repetition(repeated);
    let kind = vm.type_of(exception).name();
    *out += &match vm.str_of(exception).map(|text| vm.text_of(text)) {
        Ok(text) if text.is_empty() => format!("{kind}\n"),
        Ok(text) => format!("{kind}: {text}\n"),
        Err(_) => format!("{kind}: <exception str() failed>\n"),
    };
}

/// So often a place is shown that comes again and again.
const MAX_REPEATED: usize = 3;

/// What stands for the repetitions that are not shown.
fn repetition(repeated: usize) -> String {
    let more = repeated.saturating_sub(MAX_REPEATED - 1);
    match more {
        0 => String::new(),
        1 => "  [Previous line repeated 1 more time]\n".to_owned(),
        _ => format!("  [Previous line repeated {more} more times]\n"),
    }
}

fn lines_of(file: &str) -> Vec<String> {
    if file.starts_with('<') {
        return Vec::new();
    }
    let source = std::fs::read(file).ok().and_then(|bytes| syntax::decode_source(&bytes).ok());
    source.map_or(Vec::new(), |source| source.lines().map(str::to_owned).collect())
}
