//! Module `_adder_csv`: reading and writing rows, for the library's `_csv`, which checks dialects.

mod reader;
mod writer;

use crate::support;
use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::{PyResult, Raised};
use objects::module::ModuleDef;
use objects::ty::TypeRef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef { name: "_adder_csv", doc: "", functions: FUNCTIONS, init };

struct State {
    error: Option<TypeRef>,
    reader: Option<TypeRef>,
    writer: Option<TypeRef>,
    /// In characters.
    field_limit: i64,
}

impl Default for State {
    fn default() -> State {
        State { error: None, reader: None, writer: None, field_limit: 128 * 1024 }
    }
}

/// The values of `quoting`.
mod quote {
    pub const MINIMAL: i64 = 0;
    pub const ALL: i64 = 1;
    pub const NONNUMERIC: i64 = 2;
    pub const NONE: i64 = 3;
    pub const STRINGS: i64 = 4;
    pub const NOTNULL: i64 = 5;
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("new_reader", 10, 10, reader::new),
    MethodDef::function("new_writer", 10, 10, writer::new),
    MethodDef::function("field_size_limit", 0, 1, |vm, args| {
        let before = vm.extension::<State>().field_limit;
        if let Some(limit) = args.get(0) {
            if !vm.is_int(limit) {
                return Err(vm.type_error("limit must be an integer"));
            }
            vm.extension::<State>().field_limit = vm.index(limit)?;
        }
        Ok(vm.int(before))
    })
    .with_doc("field_size_limit($module, /, new_limit=<unrepresentable>)\n--\n\nSets an upper limit on parsed fields.\n\nReturns old limit. If limit is not given, no new limit is set and\nthe old limit is returned"),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let error = support::new_exception(vm, "_csv", "Error", vm.exc.exception)?;
    vm.module_set(module, "Error", error.value());
    support::int_constants(
        vm,
        module,
        &[
            ("QUOTE_MINIMAL", quote::MINIMAL),
            ("QUOTE_ALL", quote::ALL),
            ("QUOTE_NONNUMERIC", quote::NONNUMERIC),
            ("QUOTE_NONE", quote::NONE),
            ("QUOTE_STRINGS", quote::STRINGS),
            ("QUOTE_NOTNULL", quote::NOTNULL),
        ],
    );
    let object = vm.types.object;
    let reader = vm.new_builtin_type(reader::spec(), object);
    let writer = vm.new_builtin_type(writer::spec(), object);
    vm.module_set(module, "Reader", reader.value());
    vm.module_set(module, "Writer", writer.value());
    let state = vm.extension::<State>();
    (state.error, state.reader, state.writer) = (Some(error), Some(reader), Some(writer));
    Ok(())
}

fn error(vm: &mut Vm, message: impl Into<String>) -> Raised {
    let class = vm.extension::<State>().error.expect("made with the module");
    vm.raise(class, message)
}

/// A dialect's values as the bytes that mean them; a character that is not set is empty and never found.
struct Dialect {
    delimiter: Vec<u8>,
    double_quote: bool,
    escape: Vec<u8>,
    line_end: Vec<u8>,
    quote: Vec<u8>,
    quoting: i64,
    skip_initial_space: bool,
    strict: bool,
}

/// From a tuple of the values, sorted by name.
fn dialect_of(vm: &mut Vm, values: Value) -> PyResult<Dialect> {
    let item = |i: usize| objects::tuple::items(values)[i];
    let text = |vm: &mut Vm, i: usize| {
        let value = item(i);
        if value == vm.none { Vec::new() } else { heap::copied(vm.str_bytes(value)) }
    };
    Ok(Dialect {
        delimiter: text(vm, 0),
        double_quote: vm.truth(item(1))?,
        escape: text(vm, 2),
        line_end: text(vm, 3),
        quote: text(vm, 4),
        quoting: vm.index(item(5))?,
        skip_initial_space: vm.truth(item(6))?,
        strict: vm.truth(item(7))?,
    })
}

/// A tuple of the dialect's values, behind the first two arguments.
fn values_of(vm: &mut Vm, args: &CallArgs) -> Value {
    vm.new_tuple(&args.values[2..])
}

/// Bytes of the UTF-8 character that starts with this byte.
fn width(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

/// Whether a special character, if there is one, is this one.
fn is(character: &[u8], special: &[u8]) -> bool {
    !special.is_empty() && character == special
}
