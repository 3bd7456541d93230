//! The compiler's code objects made ready to run.

use crate::shortcuts;
use crate::slots::FIRST_LOCAL;
use heap::Value;
use metatrace::{HotCell, Site};
use num_bigint::BigInt;
use objects::builtin_layouts;
use objects::code::Code;
use objects::error::PyResult;
use objects::layout::value_of;
use objects::shape::Kind;
use objects::vm::Vm;
use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use syntax::{Const, Op};

/// Makes a code and all codes nested in it. They are immortal, and so are their constants.
pub fn load(vm: &mut Vm, source: Arc<syntax::Code>) -> &'static Code {
    let consts: Box<[Value]> = source.consts.iter().map(|constant| constant_value(vm, constant)).collect(); // immortal
    let intern = |vm: &mut Vm, names: &[Box<str>]| names.iter().map(|name| vm.intern(name)).collect::<Box<[Value]>>(); // immortal
    let names = intern(vm, &source.names);
    let local_names = intern(vm, &source.local_names);
    let (name, qualname, filename) =
        (vm.intern(&source.name), vm.intern(&source.qualname), vm.intern(&source.filename));
    let instructions =
        (0..source.instructions.len()).map(|at| Cell::new(shortcuts::at(&source.instructions, at))).collect();
    let (loop_index, loops) = loop_headers(&source.instructions);
    let local_count = source.local_names.len() as u32;
    let first_local = FIRST_LOCAL as u32;
    let object = vm.alloc_immortal::<builtin_layouts::Code>(vm.shape_for_kind(Kind::Code));
    let code: &'static Code = Box::leak(Box::new(Code {
        object: Cell::new(value_of(object)),
        sites: source.instructions.iter().map(|_| Site::default()).collect(),
        consts,
        names,
        local_names,
        name,
        qualname,
        filename,
        first_local,
        local_count,
        // One more: what a resumed generator is sent, and what error paths push.
        slot_count: first_local + local_count + source.stack_size + 2,
        flags: source.flags,
        plain_parameters: (source.kwonly_count == 0 && !source.flags.has_any(syntax::CodeFlags::VARIADIC))
            .then_some(source.arg_count),
        loop_index,
        hot: (0..loops).map(|_| HotCell::default()).collect(),
        entry: HotCell::default(),
        traceable: Cell::new(true),
        is_hidden: Cell::new(false),
        line_starts: OnceCell::new(),
        instructions,
        source,
    }));
    object.data.set(code.token());
    code
}

/// For each instruction the number of the loop it heads, and how many loops there are. Others have number 0.
fn loop_headers(instructions: &[syntax::Instruction]) -> (Box<[u16]>, usize) {
    let mut index = vec![0; instructions.len()];
    let mut count = 0;
    for instruction in instructions {
        if instruction.op == Op::JumpBackward && index[instruction.arg as usize] == 0 && count < u16::MAX - 1 {
            count += 1;
            index[instruction.arg as usize] = count;
        }
    }
    (index.into_boxed_slice(), count as usize + 1)
}

/// The immortal value of a constant.
pub fn constant_value(vm: &mut Vm, constant: &Const) -> Value {
    match constant {
        Const::None => vm.none,
        Const::True => vm.true_,
        Const::False => vm.false_,
        Const::Ellipsis => vm.ellipsis,
        Const::Int(i) if Value::int_fits(*i) => Value::from_int(*i),
        Const::Int(i) => immortal_int(vm, &BigInt::from(*i)),
        Const::BigInt(i) => immortal_int(vm, i),
        Const::Float(x) => Value::from_flonum(*x).unwrap_or_else(|| {
            let float = vm.alloc_immortal::<builtin_layouts::BoxedFloat>(vm.shape_for_kind(Kind::Float));
            float.value.set(*x);
            value_of(float)
        }),
        Const::Complex(re, im) => {
            let complex = vm.alloc_immortal::<builtin_layouts::Complex>(vm.shape_for_kind(Kind::Complex));
            complex.re.set(*re);
            complex.im.set(*im);
            value_of(complex)
        }
        Const::Str(text) => vm.intern(text),
        Const::Wtf8(bytes) => {
            let value = vm.new_str_bytes(bytes);
            kept(vm, value)
        }
        Const::Bytes(bytes) => {
            let value = vm.new_bytes(bytes);
            kept(vm, value)
        }
        Const::Tuple(items) => {
            let items: Vec<Value> = items.iter().map(|item| constant_value(vm, item)).collect(); // immortal
            vm.new_immortal_tuple(&items)
        }
        Const::FrozenSet(items) => {
            let set = vm.new_frozenset();
            for item in items {
                let item = constant_value(vm, item);
                vm.set_add(set, item).unwrap_or_else(|_| unreachable!("constants are hashable"));
            }
            kept(vm, set)
        }
        Const::Slice(parts) => {
            let [start, stop, step] = parts.each_ref().map(|part| constant_value(vm, part));
            let slice = vm.alloc_immortal::<builtin_layouts::Slice>(vm.shape_for_kind(Kind::Slice));
            slice.start.set(start);
            slice.stop.set(stop);
            slice.step.set(step);
            value_of(slice)
        }
        Const::Code(code) => load(vm, code.clone()).object.get(),
    }
}

fn immortal_int(vm: &mut Vm, i: &BigInt) -> Value {
    let value = vm.int_from_big(i);
    kept(vm, value)
}

/// A copy of an object with a tail of bytes in immortal space.
fn kept(vm: &mut Vm, value: Value) -> Value {
    vm.make_immortal(value)
}

/// Compiles source text of the interpreter itself.
pub fn compile(vm: &mut Vm, source: &str, filename: &str, mode: syntax::Mode) -> PyResult<&'static Code> {
    compile_with(vm, source, filename, mode, syntax::Options::default())
}

/// Compiles source text and issues the warnings of the compiler.
pub fn compile_with(
    vm: &mut Vm,
    source: &str,
    filename: &str,
    mode: syntax::Mode,
    options: syntax::Options,
) -> PyResult<&'static Code> {
    compile_from(vm, source, filename, false, mode, options)
}

/// The same for the text of a file of that name.
pub fn compile_file(vm: &mut Vm, source: &str, filename: &str) -> PyResult<&'static Code> {
    let options = crate::execute::compile_options(vm);
    compile_from(vm, source, filename, true, syntax::Mode::Exec, options)
}

/// MemoryError if there is no room for what the parser and the compiler make of a source text: they cannot be refused memory.
pub(crate) fn ensure_room_for(vm: &mut Vm, source: &str) -> PyResult<()> {
    /// Measured: 260 to 390 for assignments, calls, functions, displays of numbers and texts.
    const BYTES_PER_TOKEN: usize = 448;
    let bytes = source.len() + token_count(source) * BYTES_PER_TOKEN;
    for attempt in 0..2 {
        let room = vm.refusable(|_| {
            heap::ensure_room(bytes);
            Ok(())
        });
        if attempt == 1 || room.is_ok() {
            return room;
        }
        vm.heap().collect_full();
    }
    Ok(())
}

/// How many tokens a source text has at most: words, and everything else that is no space.
fn token_count(source: &str) -> usize {
    let mut in_word = false;
    let mut count = 0;
    for byte in source.bytes() {
        let is_part = byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        let begins = if is_part { !in_word } else { !matches!(byte, b' ' | b'\t' | b'\r' | 0x0c) };
        count += usize::from(begins);
        in_word = is_part;
    }
    count
}

fn compile_from(
    vm: &mut Vm,
    source: &str,
    filename: &str,
    is_file: bool,
    mode: syntax::Mode,
    options: syntax::Options,
) -> PyResult<&'static Code> {
    ensure_room_for(vm, source)?;
    let mut warnings = Vec::new();
    let compiled = syntax::compile_with_warnings(source, filename, mode, options, &mut warnings);
    for warning in &warnings {
        crate::warnings::issue_syntax_warning(vm, warning, filename)?;
    }
    match compiled {
        Ok(code) => Ok(load(vm, Arc::new(code))),
        Err(error) => Err(crate::syntax_error::raise(vm, &error, Some(source).filter(|_| !is_file))),
    }
}
