//! Compiling: drives the parser and the code generator, and turns their code objects into ours.

use crate::code::{Code, CodeFlags, Const, LocalKind};
use crate::error::{ErrorKind, SyntaxError, SyntaxWarning};
use crate::{comments, decode, divisions, error, literals, nested_classes, scope_order};
use num_bigint::BigInt;
use ruff_python_parser::ParseOptions;
use ruff_source_file::{SourceFile, SourceFileBuilder};
use rustpython_compiler::{self as compiler, CompileError, CompileOpts};
use rustpython_compiler_core::bytecode::{self, CodeObject, ConstantData};
use std::borrow::{Borrow, Cow};
use std::sync::{Arc, OnceLock};

/// What a piece of source is: the `mode` of `compile()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Exec,
    Eval,
    Single,
}

/// What besides the source decides the code.
#[derive(Clone, Debug)]
pub struct Options {
    /// 0; 1 drops `assert`, 2 docstrings too.
    pub optimize: u8,
    /// `__future__` bits in force from outside (`CodeFlags::FUTURE_MASK`).
    pub future: CodeFlags,
    /// `PyCF_ALLOW_TOP_LEVEL_AWAIT`.
    pub top_level_await: bool,
    /// `PyCF_DONT_IMPLY_DEDENT`: in `Single` mode a block ends with a newline, not with the source.
    pub dont_imply_dedent: bool,
    /// `PyCF_ALLOW_INCOMPLETE_INPUT`: a source that ends too early is an error of a kind of its own.
    pub allow_incomplete_input: bool,
    /// Columns in the location table (`-X no_debug_ranges` leaves them out).
    pub columns: bool,
    /// The longest decimal literal, `sys.get_int_max_str_digits()`; 0 is no limit.
    pub int_max_str_digits: usize,
    /// How deeply the tree may nest before a `RecursionError`. A level takes about 1 KiB of native stack, so that the
    /// default wants a stack of 32 MiB or more.
    pub recursion_limit: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            optimize: 0,
            future: CodeFlags(0),
            top_level_await: false,
            dont_imply_dedent: false,
            allow_incomplete_input: false,
            columns: true,
            int_max_str_digits: 4300,
            recursion_limit: 20_000,
        }
    }
}

impl Options {
    /// The error as these options want it.
    pub(crate) fn judge(&self, error: SyntaxError) -> SyntaxError {
        match error.incomplete && self.allow_incomplete_input {
            true => SyntaxError { kind: ErrorKind::Incomplete, message: "incomplete input".to_owned(), ..error },
            false => error,
        }
    }
}

/// Compiles a source. Warnings are dropped.
pub fn compile(source: &str, filename: &str, mode: Mode, options: impl Borrow<Options>) -> Result<Code, SyntaxError> {
    compile_and_warn(source, filename, mode, options.borrow(), None)
}

/// Compiles a source and appends what the compiler warns of.
pub fn compile_with_warnings(
    source: &str,
    filename: &str,
    mode: Mode,
    options: impl Borrow<Options>,
    warnings: &mut Vec<SyntaxWarning>,
) -> Result<Code, SyntaxError> {
    compile_and_warn(source, filename, mode, options.borrow(), Some(warnings))
}

fn compile_and_warn(
    source: &str,
    filename: &str,
    mode: Mode,
    options: &Options,
    warnings: Option<&mut Vec<SyntaxWarning>>,
) -> Result<Code, SyntaxError> {
    if let Some(offset) = source.find('\0') {
        return Err(error::null_byte(source, filename, offset));
    }
    let source = with_last_line_end(normalize_newlines(source), mode, options);
    let compile_mode = compiler_mode(mode);
    let settings = settings(options);
    let mut compiler_warnings = Vec::new();
    let mut warn = |location: ruff_source_file::SourceLocation, message| {
        let (line, column) = (location.line.get() as u32, location.character_offset.get() as u32);
        compiler_warnings.push(SyntaxWarning { line, column, message });
        Ok(())
    };
    let tree = rewritten(&source, mode);
    let first = match tree {
        Some(tree) => {
            let file = SourceFileBuilder::new(filename, source.as_ref()).finish();
            compiler::compile_with_syntax_warning_handler(&source, compile_mode, filename, settings.clone(), &mut warn)
                .map(|_| ())
                .or_else(|error| if scope_order::is_this_fault(&error.to_string()) { Ok(()) } else { Err(error) })
                .and_then(|()| {
                    let compiled = rustpython_codegen::compile::compile_top(tree, file, compile_mode, settings.clone());
                    compiled.map_err(CompileError::from)
                })
        }
        None => {
            compiler::compile_with_syntax_warning_handler(&source, compile_mode, filename, settings.clone(), &mut warn)
        }
    };
    let first = match first {
        Err(error @ CompileError::Parse(_)) => match comments::blanked(&source) {
            None => Err(error),
            Some(blanked) => {
                let mut warn = |location: ruff_source_file::SourceLocation, message| {
                    let (line, column) = (location.line.get() as u32, location.character_offset.get() as u32);
                    compiler_warnings.push(SyntaxWarning { line, column, message });
                    Ok(())
                };
                let settings = settings.clone();
                compiler::compile_with_syntax_warning_handler(&blanked, compile_mode, filename, settings, &mut warn)
                    .map_err(|_| error)
            }
        },
        other => other,
    };
    let code = match first {
        Err(error) if nested_classes::is_this_fault(&error.to_string()) => {
            compile_around_fault(&source, compile_mode, filename, settings)
        }
        other => other,
    }
    .map_err(|error| options.judge(error::from_compiler(error, &source, filename, mode)));
    if let Some(warnings) = warnings {
        // What stands behind an error was never read.
        let is_read = |warning: &SyntaxWarning| match &code {
            Err(error) => {
                (i64::from(warning.line), i64::from(warning.column)) < (i64::from(error.line), i64::from(error.column))
            }
            Ok(_) => true,
        };
        warnings.extend(literals::warnings(&source).into_iter().filter(is_read));
        warnings.append(&mut compiler_warnings);
    }
    convert(code?, &Arc::from(filename), "").map_err(|reason| SyntaxError::internal(&reason, filename))
}

/// Compiles the parser's tree of `file`.
pub(crate) fn compile_tree(
    module: ruff_python_ast::Mod,
    file: &SourceFile,
    mode: Mode,
    options: &Options,
) -> Result<Code, SyntaxError> {
    let fail = |error| SyntaxError { text: None, ..error::from_compiler(error, file.source_text(), file.name(), mode) };
    compiler::too_deeply_nested_error(&module, file, options.recursion_limit).map_err(fail)?;
    let mut module = module;
    work_around(&mut module);
    let compiled = |module| {
        let (mode, settings) = (compiler_mode(mode), settings(options));
        rustpython_codegen::compile::compile_top(module, file.clone(), mode, settings)
    };
    let code = match compiled(module.clone()) {
        Err(error) if nested_classes::is_this_fault(&error.to_string()) => {
            let mut module = module;
            nested_classes::work_around(&mut module);
            compiled(module)
        }
        other => other,
    };
    let code = code.map_err(|error| fail(error.into()))?;
    convert(code, &Arc::from(file.name()), "").map_err(|reason| SyntaxError::internal(&reason, file.name()))
}

pub(crate) fn compiler_mode(mode: Mode) -> compiler::Mode {
    match mode {
        Mode::Exec => compiler::Mode::Exec,
        Mode::Eval => compiler::Mode::Eval,
        Mode::Single => compiler::Mode::Single,
    }
}

fn settings(options: &Options) -> CompileOpts {
    CompileOpts {
        optimize: options.optimize,
        debug_ranges: options.columns,
        int_max_str_digits: options.int_max_str_digits,
        allow_top_level_await: options.top_level_await,
        future_features: bytecode::CodeFlags::from_bits_truncate(options.future.0) & bytecode::CodeFlags::FUTURE_MASK,
        dont_imply_dedent: options.dont_imply_dedent,
        recursion_limit: options.recursion_limit,
    }
}

/// The tree of a source that the compiler would get wrong, said differently; `None` if it needs no such help, or has errors.
fn rewritten(source: &str, mode: Mode) -> Option<ruff_python_ast::Mod> {
    if !divisions::may_be_in(source) && !scope_order::may_be_in(source) {
        return None;
    }
    let mode = match mode {
        Mode::Eval => ruff_python_parser::Mode::Expression,
        Mode::Exec | Mode::Single => ruff_python_parser::Mode::Module,
    };
    let mut module = ruff_python_parser::parse(source, ParseOptions::from(mode)).ok()?.into_syntax();
    work_around(&mut module).then_some(module)
}

/// What the compiler would get wrong without an error, said differently; whether there was any.
fn work_around(module: &mut ruff_python_ast::Mod) -> bool {
    // Both have to run.
    divisions::work_around(module) | scope_order::work_around(module)
}

/// Compiles again a source whose only trouble is `nested_classes`: it parses, and all checks before compiling passed.
fn compile_around_fault(
    source: &str,
    mode: compiler::Mode,
    filename: &str,
    settings: CompileOpts,
) -> Result<CodeObject, CompileError> {
    let file = SourceFileBuilder::new(filename, source).finish();
    let parsed = ruff_python_parser::parse(source, ParseOptions::from(ruff_python_parser::Mode::Module));
    let mut module = parsed.map_err(|error| CompileError::from_ruff_parse_error(error, &file, mode))?.into_syntax();
    nested_classes::work_around(&mut module);
    work_around(&mut module);
    rustpython_codegen::compile::compile_top(module, file, mode, settings).map_err(CompileError::from)
}

/// Line ends become `\n`, as reading a file in text mode makes them.
pub(crate) fn normalize_newlines(source: &str) -> Cow<'_, str> {
    if source.contains('\r') {
        Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(source)
    }
}

/// CPython's tokenizer sees a line end after the last line of a file, whether it is there or not.
pub(crate) fn with_last_line_end<'a>(mut source: Cow<'a, str>, mode: Mode, options: &Options) -> Cow<'a, str> {
    if mode == Mode::Exec && !source.is_empty() && !source.ends_with('\n') && !options.dont_imply_dedent {
        source.to_mut().push('\n');
    }
    source
}

/// `outer` is the qualified name of the code object around it.
fn convert(mut code: CodeObject, filename: &Arc<str>, outer: &str) -> Result<Code, String> {
    let mut code_bytes = code.instructions.original_bytes().into_boxed_slice();
    scope_order::without_detour(&code, &mut code_bytes);
    let (instructions, raw_offsets, exceptions) =
        decode::decode(&code_bytes, &code.exceptiontable, &mut decode::Scratch::default())?;
    let varnames = &code.varnames;
    let extra_cells = code.cellvars.iter().filter(|name| !varnames.contains(name));
    let local_names: Box<[Box<str>]> =
        varnames.iter().chain(extra_cells).chain(&code.freevars).map(|name| name.as_str().into()).collect();
    if local_names.len() != code.localspluskinds.len() {
        return Err(format!("locals of {} do not add up", code.qualname));
    }
    // Moved out, not cloned: a constant can be a code object with all that is in it.
    let mut constants = std::mem::replace(&mut code.constants, std::iter::empty().collect());
    let consts = constants.iter_mut().map(|c| std::mem::replace(c, ConstantData::None));
    Ok(Code {
        name: code.obj_name.into(),
        qualname: annotate_qualname(&code.qualname, outer).into(),
        filename: filename.clone(),
        first_line: code.first_line_number.map_or(0, |line| line.get() as u32),
        flags: CodeFlags(code.flags.bits()),
        arg_count: code.arg_count,
        posonly_count: code.posonlyarg_count,
        kwonly_count: code.kwonlyarg_count,
        names: boxed_names(&code.names),
        var_count: code.varnames.len() as u32,
        free_count: code.freevars.len() as u32,
        cellvars: boxed_names(&code.cellvars),
        local_names,
        local_kinds: code.localspluskinds.iter().map(|&k| LocalKind(k)).collect(),
        consts: consts.map(|c| constant(c, filename, &code.qualname)).collect::<Result<_, _>>()?,
        stack_size: code.max_stackdepth,
        instructions,
        exceptions,
        raw_offsets,
        code_bytes,
        line_table: code.linetable,
        exception_table: code.exceptiontable,
        positions: OnceLock::new(),
    })
}

fn boxed_names(names: &[String]) -> Box<[Box<str>]> {
    names.iter().map(|name| name.as_str().into()).collect()
}

fn constant(data: ConstantData, filename: &Arc<str>, outer: &str) -> Result<Const, String> {
    let all = |elements: Vec<ConstantData>| -> Result<Box<[Const]>, String> {
        elements.into_iter().map(|c| constant(c, filename, outer)).collect()
    };
    Ok(match data {
        ConstantData::None => Const::None,
        ConstantData::Ellipsis => Const::Ellipsis,
        ConstantData::Boolean { value: true } => Const::True,
        ConstantData::Boolean { value: false } => Const::False,
        ConstantData::Integer { value } => integer(value),
        ConstantData::Float { value } => Const::Float(value),
        ConstantData::Complex { value } => Const::Complex(value.re, value.im),
        ConstantData::Str { value } => match value.into_string() {
            Ok(text) => Const::Str(text.into()),
            Err(surrogates) => Const::Wtf8(surrogates.into_bytes().into()),
        },
        ConstantData::Bytes { value } => Const::Bytes(value.into()),
        ConstantData::Tuple { elements } => Const::Tuple(all(elements)?),
        ConstantData::Frozenset { elements } => Const::FrozenSet(all(elements)?),
        ConstantData::Slice { elements } => {
            let [start, stop, step] = *elements;
            Const::Slice(Box::new([
                constant(start, filename, outer)?,
                constant(stop, filename, outer)?,
                constant(step, filename, outer)?,
            ]))
        }
        ConstantData::Code { code } => Const::Code(Arc::new(convert(*code, filename, outer)?)),
    })
}

/// The code that computes a function's annotations has the name of a neighbour of the function: `A.__annotate__` for a
/// method of `A`, where the compiler crate says `A.method.__annotate__`.
fn annotate_qualname<'a>(qualname: &'a str, outer: &str) -> Cow<'a, str> {
    match qualname.strip_suffix(".__annotate__") {
        Some(owner) if owner != outer && !owner.ends_with("<locals>") => match owner.rsplit_once('.') {
            Some((scope, _)) => Cow::Owned(format!("{scope}.__annotate__")),
            None => Cow::Borrowed("__annotate__"),
        },
        _ => Cow::Borrowed(qualname),
    }
}

pub(crate) fn integer(value: BigInt) -> Const {
    match i64::try_from(&value) {
        Ok(small) => Const::Int(small),
        Err(_) => Const::BigInt(Box::new(value)),
    }
}
