//! `eval`, `exec`, `compile`, `__import__`.

use crate::load;
use heap::Value;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::builtin_layouts;
use objects::code::Code;
use objects::error::PyResult;
use objects::layout::cast;
use objects::shape::Kind;
use objects::ty::flags;
use objects::vm::Vm;
use syntax::{CodeFlags, Mode};

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("eval", 1, 3, eval).with_keywords()
    .with_doc("eval($module, source, /, globals=None, locals=None)\n--\n\nEvaluate the given source in the context of globals and locals.\n\nThe source may be a string representing a Python expression\nor a code object as returned by compile().\nThe globals must be a dictionary and locals can be any mapping,\ndefaulting to the current globals and locals.\nIf only globals is given, locals defaults to it."),
    MethodDef::function("exec", 1, 3, exec).with_keywords()
    .with_doc("exec($module, source, /, globals=None, locals=None, *, closure=None)\n--\n\nExecute the given source in the context of globals and locals.\n\nThe source may be a string representing one or more Python statements\nor a code object as returned by compile().\nThe globals must be a dictionary and locals can be any mapping,\ndefaulting to the current globals and locals.\nIf only globals is given, locals defaults to it.\nThe closure must be a tuple of cellvars, and can only be used\nwhen source is a code object requiring exactly that many cellvars."),
    MethodDef::function("compile", 0, 6, compile).with_keywords()
    .with_doc("compile($module, /, source, filename, mode, flags=0,\n        dont_inherit=False, optimize=-1, *, _feature_version=-1)\n--\n\nCompile source into a code object that can be executed by exec() or eval().\n\nThe source code may represent a Python module, statement or\nexpression.\nThe filename will be used for run-time error messages.\nThe mode must be 'exec' to compile a module, 'single' to compile a\nsingle (interactive) statement, or 'eval' to compile an expression.\nThe flags argument, if present, controls which future statements\ninfluence the compilation of the code.\nThe dont_inherit argument, if true, stops the compilation inheriting\nthe effects of any future statements in effect in the code calling\ncompile; if absent or false these statements do influence the\ncompilation, in addition to any features explicitly specified."),
    MethodDef::function("__import__", 0, 5, import).with_keywords()
    .with_doc("__import__($module, /, name, globals=None, locals=None, fromlist=(),\n           level=0)\n--\n\nImport a module.\n\nBecause this function is meant for use by the Python\ninterpreter and not for general use, it is better to use\nimportlib.import_module() to programmatically import a module.\n\nThe globals argument is only used to determine the context;\nthey are not modified.  The locals argument is unused.  The fromlist\nshould be a list of names to emulate ``from name import ...``, or an\nempty list to emulate ``import name``.\nWhen importing a module from a package, note that __import__('A.B', ...)\nreturns package A when fromlist is empty, but its submodule B when\nfromlist is not empty.  The level argument is used to determine whether\nto perform absolute or relative imports: 0 is absolute, while a positive\nnumber is the number of parent directories to search relative to the\ncurrent module."),
];

fn import(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [name, globals, _locals, from_list, level] = args.bind(
        vm,
        "__import__",
        &Signature {
            parameters: ["name", "globals", "locals", "fromlist", "level"],
            skip: 0,
            positional_only: 0,
            max_positional: 5,
            required: 1,
        },
    )?;
    let level = if level.is_null() { 0 } else { vm.index(level)? };
    let globals = if globals.is_null() { vm.new_dict() } else { globals };
    let from_list = if from_list.is_null() { vm.empty_tuple } else { from_list };
    crate::import::import_(vm, name, globals, from_list, level)
}

/// Globals and locals of `eval` and `exec`: given ones, or those of the calling frame.
fn namespaces(vm: &mut Vm, function: &str, globals: Value, locals: Value) -> PyResult<(Value, Value)> {
    let absent = |value: Value, vm: &Vm| value.is_null() || value == vm.none;
    if absent(globals, vm) {
        let own = (vm.hooks.current_globals)(vm);
        let globals = if own.is_null() { vm.new_dict() } else { own };
        let locals = if absent(locals, vm) { crate::frame_type::current_locals(vm)? } else { locals };
        return Ok((globals, locals));
    }
    if !vm.type_of(globals).has(flags::DICT) {
        let kind = vm.type_of(globals).name();
        return Err(vm.type_error(format!("{function}() globals must be a dict, not {kind}")));
    }
    let locals = if absent(locals, vm) { globals } else { locals };
    Ok((globals, locals))
}

/// The code to run: a code object, or text compiled in `mode`.
fn code_of(vm: &mut Vm, function: &str, source: Value, mode: Mode) -> PyResult<&'static Code> {
    if vm.kind(source) == Kind::Code {
        return Ok(Code::from_token(cast::<builtin_layouts::Code>(source).data.get()));
    }
    let text = source_text(vm, function, source, "string, bytes or code")?;
    // `eval` takes leading blanks.
    let text = if mode == Mode::Eval { text.trim_start_matches([' ', '\t']).to_owned() } else { text };
    let mut options = crate::execute::compile_options(vm);
    options.future = inherited_future(vm);
    load::compile_with(vm, &text, "<string>", mode, options)
}

/// The `__future__` features of the code that calls.
fn inherited_future(vm: &mut Vm) -> CodeFlags {
    let caller = vm.thread.frames().next();
    caller.map_or(CodeFlags(0), |frame| CodeFlags(frame.code.source.flags.0 & CodeFlags::FUTURE_MASK.0))
}

fn source_text(vm: &mut Vm, function: &str, source: Value, what: &str) -> PyResult<String> {
    let text = if vm.is_str(source) {
        vm.str(source)?.to_owned()
    } else if let Some(bytes) = vm.bytes_of(source) {
        match syntax::decode_source(bytes) {
            Ok(text) => text,
            Err(error) => return Err(crate::syntax_error::raise_decode(vm, &error, "<string>")),
        }
    } else {
        return Err(vm.type_error(format!("{function}() arg 1 must be a {what} object")));
    };
    if text.contains('\0') {
        return Err(vm.raise(vm.exc.syntax_error, "source code string cannot contain null bytes"));
    }
    Ok(text)
}

fn signature<const N: usize>(parameters: [&'static str; N]) -> Signature<N> {
    Signature { parameters, skip: 0, positional_only: 1, max_positional: 3, required: 1 }
}

fn eval(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [source, globals, locals] = args.bind(vm, "eval", &signature(["source", "globals", "locals"]))?;
    let (globals, locals) = namespaces(vm, "eval", globals, locals)?;
    let code = code_of(vm, "eval", source, Mode::Eval)?;
    if !code.source.freevars().is_empty() {
        return Err(vm.type_error("code object passed to eval() may not contain free variables"));
    }
    crate::execute::run_code(vm, code, globals, locals, Value::NULL)
}

fn exec(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [source, globals, locals, closure] =
        args.bind(vm, "exec", &signature(["source", "globals", "locals", "closure"]))?;
    let (globals, locals) = namespaces(vm, "exec", globals, locals)?;
    let code = code_of(vm, "exec", source, Mode::Exec)?;
    let closure = if closure.is_null() || closure == vm.none { Value::NULL } else { closure };
    let wanted = code.source.freevars().len();
    let given = if closure.is_null() { 0 } else { objects::tuple::items(closure).len() };
    if wanted != given {
        return Err(if wanted == 0 {
            vm.type_error("cannot use a closure with this code object")
        } else {
            vm.type_error(format!("code object requires a closure of exactly length {wanted}"))
        });
    }
    crate::execute::run_code(vm, code, globals, locals, closure)?;
    Ok(vm.none)
}

/// The flags of `compile`: a block ends with a newline, not with the source.
const DONT_IMPLY_DEDENT: i64 = 0x200;
/// The result is a syntax tree.
const ONLY_AST: i64 = 0x400;
const ALLOW_TOP_LEVEL_AWAIT: i64 = 0x2000;
/// A source that ends too early is an `_IncompleteInputError`.
const ALLOW_INCOMPLETE_INPUT: i64 = 0x4000;

fn compile(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [source, filename, mode, given_flags, dont_inherit, optimize, _feature_version] = args.bind(
        vm,
        "compile",
        &Signature {
            parameters: ["source", "filename", "mode", "flags", "dont_inherit", "optimize", "_feature_version"],
            skip: 0,
            positional_only: 0,
            max_positional: 6,
            required: 3,
        },
    )?;
    let mode = match vm.str(mode)? {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        _ => return Err(vm.value_error("compile() mode must be 'exec', 'eval' or 'single'")),
    };
    let compile_flags = if given_flags.is_null() { 0 } else { vm.index(given_flags)? };
    let filename = if vm.is_str(filename) {
        vm.str(filename)?.to_owned()
    } else {
        let text = vm.str_of(filename)?;
        vm.text_of(text)
    };
    let text = source_text(vm, "compile", source, "string, bytes or AST")?;
    let mut options = crate::execute::compile_options(vm);
    options.dont_imply_dedent = compile_flags & DONT_IMPLY_DEDENT != 0;
    options.top_level_await = compile_flags & ALLOW_TOP_LEVEL_AWAIT != 0;
    options.allow_incomplete_input = compile_flags & ALLOW_INCOMPLETE_INPUT != 0;
    options.future = CodeFlags(compile_flags as u32 & CodeFlags::FUTURE_MASK.0);
    if dont_inherit.is_null() || !vm.truth(dont_inherit)? {
        options.future.0 |= inherited_future(vm).0;
    }
    if compile_flags & ONLY_AST != 0 {
        return crate::syntax_tree::parse(vm, &text, &filename, mode, options);
    }
    if !optimize.is_null() {
        let level = vm.index(optimize)?;
        if level >= 0 {
            options.optimize = level as u8;
        }
    }
    let code = load::compile_with(vm, &text, &filename, mode, options)?;
    Ok(code.object.get())
}
