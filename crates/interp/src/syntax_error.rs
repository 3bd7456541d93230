//! The compiler's errors as Python exceptions.

use objects::error::Raised;
use objects::vm::Vm;
use syntax::{ErrorKind, SyntaxError};

/// SyntaxError, IndentationError or TabError with its details. `source` is the text that was compiled, unless it can be
/// read again from the file.
pub fn raise(vm: &mut Vm, error: &SyntaxError, source: Option<&str>) -> Raised {
    let class = match error.kind {
        ErrorKind::Syntax => vm.exc.syntax_error,
        ErrorKind::Indentation => vm.exc.indentation_error,
        ErrorKind::Incomplete => vm.exc.incomplete_input_error,
        ErrorKind::Tab => vm.exc.tab_error,
        ErrorKind::Recursion => vm.exc.recursion_error,
        ErrorKind::Internal => vm.exc.system_error,
    };
    let message = vm.new_str(&error.message);
    let filename = vm.new_str(&error.filename);
    let text = match &error.text {
        Some(text) => vm.new_str(text),
        None => vm.none,
    };
    let number = |x: u32| heap::Value::from_int(i64::from(x));
    let column = |x: i32| heap::Value::from_int(i64::from(x));
    let details = vm.new_tuple(&[
        filename,
        number(error.line),
        column(error.column),
        text,
        number(error.end_line),
        column(error.end_column),
    ]);
    let raised = vm.raise_args(class, &[message, details]);
    if let Some((line, column)) = error.statement {
        let source = source.map_or(vm.none, |source| vm.new_str(source));
        let metadata = vm.new_tuple(&[number(line), number(column), source]);
        objects::exceptions::set_extra(vm, raised.0, "_metadata", metadata);
    }
    raised
}

/// A SyntaxError at a place of which only the start is known.
pub fn raise_at(vm: &mut Vm, message: &str, filename: &str, line: u32, column: u32) -> Raised {
    let (message, filename) = (vm.new_str(message), vm.new_str(filename));
    let [line, column] = [line, column].map(|x| heap::Value::from_int(i64::from(x)));
    let text = vm.none;
    let details = vm.new_tuple(&[filename, line, column, text]);
    vm.raise_args(vm.exc.syntax_error, &[message, details])
}

/// A source file that cannot be decoded.
pub fn raise_decode(vm: &mut Vm, error: &syntax::DecodeError, filename: &str) -> Raised {
    let message = vm.new_str(&error.to_string());
    let file = vm.new_str(filename);
    let none = vm.none;
    let zero = heap::Value::from_int(0);
    let details = vm.new_tuple(&[file, zero, none, none, zero, none]);
    vm.raise_args(vm.exc.syntax_error, &[message, details])
}
