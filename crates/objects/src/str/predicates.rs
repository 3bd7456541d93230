//! `str.isalpha` and the like.

use super::edges::is_space;
use super::{exact_bytes, is_ascii, is_printable, wtf8};
use crate::args::CallArgs;
use crate::error::PyResult;
use crate::vm::Vm;
use rustpython_unicode::{case, classify, identifier};

/// Whether the text is not empty and `test` holds for each of its code points.
fn all(vm: &mut Vm, args: &CallArgs, test: impl Fn(char) -> bool) -> PyResult {
    let bytes = vm.str_bytes(args.values[0]);
    let holds = !bytes.is_empty() && wtf8::code_points(bytes).all(|code| test(wtf8::as_char(code)));
    Ok(vm.bool(holds))
}

pub(super) fn isalpha(vm: &mut Vm, args: &CallArgs) -> PyResult {
    all(vm, args, |c| if c.is_ascii() { c.is_ascii_alphabetic() } else { classify::is_alpha(c) })
}

/// A letter, or a number of any kind.
fn is_alnum(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    classify::is_alpha(c) || classify::is_decimal(c) || classify::is_digit(c) || classify::is_numeric(c)
}

pub(super) fn isalnum(vm: &mut Vm, args: &CallArgs) -> PyResult {
    all(vm, args, is_alnum)
}

pub(super) fn isdecimal(vm: &mut Vm, args: &CallArgs) -> PyResult {
    all(vm, args, |c| if c.is_ascii() { c.is_ascii_digit() } else { classify::is_decimal(c) })
}

pub(super) fn isdigit(vm: &mut Vm, args: &CallArgs) -> PyResult {
    all(vm, args, |c| if c.is_ascii() { c.is_ascii_digit() } else { classify::is_digit(c) })
}

pub(super) fn isnumeric(vm: &mut Vm, args: &CallArgs) -> PyResult {
    all(vm, args, |c| if c.is_ascii() { c.is_ascii_digit() } else { classify::is_numeric(c) })
}

pub(super) fn isspace(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let bytes = vm.str_bytes(args.values[0]);
    let holds = !bytes.is_empty() && wtf8::code_points(bytes).all(is_space);
    Ok(vm.bool(holds))
}

pub(super) fn isascii(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(vm.bool(is_ascii(vm.exact_str(args.values[0]))))
}

pub(super) fn isprintable(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let bytes = vm.str_bytes(args.values[0]);
    Ok(vm.bool(wtf8::code_points(bytes).all(is_printable)))
}

/// Whether text has the form of a name; keywords do.
pub fn is_identifier(bytes: &[u8]) -> bool {
    let mut codes = wtf8::code_points(bytes).map(wtf8::as_char);
    let starts = |c: char| if c.is_ascii() { c.is_ascii_alphabetic() || c == '_' } else { identifier::is_start(c) };
    let goes_on =
        |c: char| if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { identifier::is_xid_continue(c) };
    codes.next().is_some_and(starts) && codes.all(goes_on)
}

pub(super) fn isidentifier(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(vm.bool(is_identifier(vm.str_bytes(args.values[0]))))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Lower,
    Upper,
    Title,
    None,
}

fn case_of(code: u32) -> Case {
    let c = wtf8::as_char(code);
    if c.is_ascii() {
        return match c {
            'a'..='z' => Case::Lower,
            'A'..='Z' => Case::Upper,
            _ => Case::None,
        };
    }
    if case::is_titlecase(c) {
        Case::Title
    } else if case::is_lowercase(c) {
        Case::Lower
    } else if case::is_uppercase(c) {
        Case::Upper
    } else {
        Case::None
    }
}

pub(super) fn islower(vm: &mut Vm, args: &CallArgs) -> PyResult {
    only_case(vm, args, Case::Lower)
}

pub(super) fn isupper(vm: &mut Vm, args: &CallArgs) -> PyResult {
    only_case(vm, args, Case::Upper)
}

/// Whether there is a letter of this case and none of another.
fn only_case(vm: &mut Vm, args: &CallArgs, wanted: Case) -> PyResult {
    let mut found = false;
    for code in wtf8::code_points(vm.str_bytes(args.values[0])) {
        match case_of(code) {
            Case::None => {}
            case if case == wanted => found = true,
            _ => return Ok(vm.false_),
        }
    }
    Ok(vm.bool(found))
}

pub(super) fn istitle(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let holds = is_title(exact_bytes(vm.exact_str(args.values[0])));
    Ok(vm.bool(holds))
}

/// Whether upper case follows no cased letter, and lower case follows one.
pub(crate) fn is_title(bytes: &[u8]) -> bool {
    let (mut found, mut behind_cased) = (false, false);
    for code in wtf8::code_points(bytes) {
        match case_of(code) {
            Case::Upper | Case::Title if behind_cased => return false,
            Case::Lower if !behind_cased => return false,
            Case::None => behind_cased = false,
            _ => (found, behind_cased) = (true, true),
        }
    }
    found
}
