//! `code`: the Python face of code objects. The interpreter makes them.

use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::builtin_layouts;
use crate::code::Code;
use crate::error::PyResult;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::{CompareOp, Slots};
use crate::ty::TypeSpec;
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::Value;

/// The code behind the Python object.
#[inline(always)]
pub fn data_of(object: Value) -> &'static Code {
    Code::from_token(cast::<builtin_layouts::Code>(object).data.get())
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.code = vm.new_builtin_type(
        TypeSpec {
            slots: Slots { repr: Some(repr), hash: Some(hash), compare: Some(compare), ..Slots::default() },
            methods: METHODS,
            getset: GETSET,
            flags: crate::ty::flags::NO_NEW,
            doc: "Create a code object.  Not for mere mortals.",
            ..TypeSpec::of::<builtin_layouts::Code>("code", Kind::Code)
        },
        object,
    );
}

static GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("co_name", |_, code| Ok(data_of(code).name)),
    GetSetDef::read_only("co_qualname", |_, code| Ok(data_of(code).qualname)),
    GetSetDef::read_only("co_filename", |_, code| Ok(data_of(code).filename)),
    GetSetDef::read_only("co_firstlineno", |vm, code| Ok(vm.int(data_of(code).source.first_line as i64))),
    GetSetDef::read_only("co_argcount", |vm, code| Ok(vm.int(data_of(code).source.arg_count as i64))),
    GetSetDef::read_only("co_posonlyargcount", |vm, code| Ok(vm.int(data_of(code).source.posonly_count as i64))),
    GetSetDef::read_only("co_kwonlyargcount", |vm, code| Ok(vm.int(data_of(code).source.kwonly_count as i64))),
    GetSetDef::read_only("co_nlocals", |vm, code| Ok(vm.int(data_of(code).source.varnames().len() as i64))),
    GetSetDef::read_only("co_stacksize", |vm, code| Ok(vm.int(data_of(code).source.stack_size as i64))),
    GetSetDef::read_only("co_flags", |vm, code| Ok(vm.int(data_of(code).source.flags.0 as i64))),
    GetSetDef::read_only("co_code", |vm, code| Ok(vm.new_bytes(&data_of(code).source.code_bytes))),
    GetSetDef::read_only("_co_code_adaptive", |vm, code| Ok(vm.new_bytes(&data_of(code).source.code_bytes))),
    GetSetDef::read_only("co_consts", |vm, code| Ok(vm.new_tuple(&data_of(code).consts))),
    GetSetDef::read_only("co_names", |vm, code| Ok(vm.new_tuple(&data_of(code).names))),
    GetSetDef::read_only("co_varnames", |vm, code| Ok(names(vm, data_of(code).source.varnames()))),
    GetSetDef::read_only("co_cellvars", |vm, code| Ok(names(vm, &data_of(code).source.cellvars))),
    GetSetDef::read_only("co_freevars", |vm, code| Ok(names(vm, data_of(code).source.freevars()))),
    GetSetDef::read_only("co_linetable", |vm, code| Ok(vm.new_bytes(&data_of(code).source.line_table))),
    GetSetDef::read_only("co_exceptiontable", |vm, code| Ok(vm.new_bytes(&data_of(code).source.exception_table))),
];

static METHODS: &[MethodDef] = &[
    MethodDef::method("co_lines", 1, 1, lines)
    .with_doc("co_lines($self, /)\n--\n\n"),
    MethodDef::method("co_positions", 1, 1, positions)
    .with_doc("co_positions($self, /)\n--\n\n"),
    MethodDef::method("_varname_from_oparg", 2, 2, |vm, args| {
        let index = vm.index(args.values[1])?;
        let names = &data_of(args.values[0]).local_names;
        match usize::try_from(index).ok().and_then(|index| names.get(index)) {
            Some(name) => Ok(*name),
            None => Err(vm.raise(vm.exc.index_error, "tuple index out of range")),
        }
    })
    .with_doc("_varname_from_oparg($self, /, oparg)\n--\n\n(internal-only) Return the local variable name for the given oparg.\n\nWARNING: this method is for internal use only and may change or go\naway."),
    MethodDef::method("__sizeof__", 1, 1, |vm, args| {
        let code = data_of(args.values[0]);
        Ok(vm.int((size_of::<Code>() + code.instructions.len() * 48) as i64))
    })
    .with_doc("__sizeof__($self, /)\n--\n\n"),
];

fn names(vm: &mut Vm, names: &[Box<str>]) -> Value {
    let values: Vec<Value> = names.iter().map(|name| vm.intern(name)).collect(); // immortal
    vm.new_tuple(&values)
}

fn optional(vm: &mut Vm, number: Option<u32>) -> Value {
    match number {
        Some(number) => Value::from_int(number as i64),
        None => vm.none,
    }
}

/// `(start, end, line)` of each stretch of instructions on one line; offsets in bytes.
fn lines(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let source = &data_of(args.values[0]).source;
    let positions = source.positions();
    let end_of = |i: usize| source.raw_offsets.get(i).copied().unwrap_or(source.code_bytes.len() as u32) as i64;
    let mut rows = ValueVec::new();
    let mut start = 0;
    for i in 0..positions.len() {
        if i + 1 < positions.len() && positions[i + 1].line == positions[i].line {
            continue;
        }
        let line = optional(vm, positions[i].line);
        let row = vm.new_tuple(&[Value::from_int(end_of(start)), Value::from_int(end_of(i + 1)), line]);
        rows.push(vm, row);
        start = i + 1;
    }
    let rows = vm.new_list(rows.as_slice());
    vm.iter(rows)
}

/// `(line, end line, column, end column)` of each two bytes of the code.
fn positions(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let source = &data_of(args.values[0]).source;
    let mut rows = ValueVec::new();
    for (i, position) in source.positions().iter().enumerate() {
        let parts = [position.line, position.end_line, position.column, position.end_column];
        let parts = parts.map(|part| optional(vm, part));
        let row = vm.new_tuple(&parts);
        let start = source.raw_offsets[i];
        let end = source.raw_offsets.get(i + 1).copied().unwrap_or(source.code_bytes.len() as u32);
        for _ in (start..end).step_by(2) {
            rows.push(vm, row);
        }
    }
    let rows = vm.new_list(rows.as_slice());
    vm.iter(rows)
}

fn repr(vm: &mut Vm, code: Value) -> PyResult {
    let data = data_of(code);
    let address = vm.address(code);
    let source = &data.source;
    let text = format!(
        "<code object {} at 0x{address:x}, file \"{}\", line {}>",
        source.name, source.filename, source.first_line
    );
    Ok(vm.new_str(&text))
}

fn hash(vm: &mut Vm, code: Value) -> PyResult<i64> {
    let data = data_of(code);
    let name = vm.hash(data.name)?;
    let bytes = crate::str::hash_bytes(&data.source.code_bytes);
    let hash = name ^ bytes ^ (data.source.first_line as i64) ^ ((data.source.arg_count as i64) << 20);
    Ok(if hash == -1 { -2 } else { hash })
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) || vm.kind(b) != Kind::Code {
        return Ok(vm.not_implemented);
    }
    let (left, right) = (data_of(a), data_of(b));
    let mut same = std::ptr::eq(left, right);
    if !same {
        let (x, y) = (&left.source, &right.source);
        same = x.name == y.name
            && x.arg_count == y.arg_count
            && x.posonly_count == y.posonly_count
            && x.kwonly_count == y.kwonly_count
            && x.flags == y.flags
            && x.first_line == y.first_line
            && x.code_bytes == y.code_bytes
            && x.names == y.names
            && x.local_names == y.local_names
            && x.line_table == y.line_table
            && x.exception_table == y.exception_table
            && left.consts.len() == right.consts.len();
        for (&x, &y) in left.consts.iter().zip(&right.consts) {
            same = same && vm.type_of(x) == vm.type_of(y) && vm.eq(x, y)?;
        }
    }
    Ok(vm.bool(same == (op == CompareOp::Eq)))
}
