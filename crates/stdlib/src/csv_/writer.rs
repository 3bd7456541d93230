//! `_csv.writer`: rows as lines.

use super::{Dialect, State, dialect_of, error, is, quote, values_of, width};
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, GetSetDef, MethodDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::ty::{TypeSpec, flags};
use objects::vm::Vm;

layout! {
    Writer {
        write WRITE: Value;
        dialect DIALECT: Value;
        /// The dialect's values, a tuple.
        values VALUES: Value;
    }
}

pub fn spec() -> TypeSpec {
    TypeSpec {
        module: "_csv",
        flags: flags::NO_NEW,
        methods: const {
            &[
                MethodDef::method("writerow", 2, 2, |vm, args| write_row(vm, args.values[0], args.values[1]))
                    .with_doc("writerow($self, row, /)\n--\n\nConstruct and write a CSV record from an iterable of fields.\n\nNon-string elements will be converted to string."),
                MethodDef::method("writerows", 2, 2, |vm, args| {
                    let rows = vm.iter(args.values[1])?;
                    while let Some(row) = vm.next(rows)? {
                        write_row(vm, args.values[0], row)?;
                    }
                    Ok(vm.none)
                })
                .with_doc("writerows($self, rows, /)\n--\n\nConstruct and write a series of iterables to a csv file.\n\nNon-string elements will be converted to string."),
            ]
        },
        getset: const { &[GetSetDef::read_only("dialect", |_, writer| Ok(cast::<Writer>(writer).dialect.get()))] },
        doc: "CSV writer\n\nWriter objects are responsible for generating tabular data\nin CSV format from sequence input.",
        ..TypeSpec::of::<Writer>("writer", Kind::Other)
    }
}

/// `new_writer(write, dialect, *values)`.
pub fn new(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let values = values_of(vm, args);
    let class = vm.extension::<State>().writer.expect("made with the module");
    let object = vm.new_instance(class);
    let writer = cast::<Writer>(object);
    vm.write(object, &writer.write, args.values[0]);
    vm.write(object, &writer.dialect, args.values[1]);
    vm.write(object, &writer.values, values);
    Ok(object)
}

/// What `write` returns for the line.
fn write_row(vm: &mut Vm, object: Value, row: Value) -> PyResult {
    let dialect = dialect_of(vm, cast::<Writer>(object).values.get())?;
    let fields = match vm.iter(row) {
        Ok(fields) => fields,
        Err(raised) if vm.exception_matches(raised.0, vm.exc.type_error) => {
            let kind = vm.type_of(row).name();
            return Err(error(vm, format!("iterable expected, not {kind}")));
        }
        Err(raised) => return Err(raised),
    };
    let mut line = Vec::new();
    let (mut count, mut is_none) = (0, false);
    while let Some(field) = vm.next(fields)? {
        let quoted = match dialect.quoting {
            quote::ALL => true,
            quote::NONNUMERIC => !is_number(vm, field),
            quote::STRINGS => vm.is_str(field),
            quote::NOTNULL => field != vm.none,
            _ => false,
        };
        is_none = field == vm.none;
        let text = if is_none {
            Vec::new()
        } else {
            let text = if vm.is_str(field) { field } else { vm.str_of(field)? };
            heap::copied(vm.str_bytes(text))
        };
        if count > 0 {
            line.put_all(&dialect.delimiter);
        }
        count += 1;
        append(vm, &dialect, &mut line, &text, quoted, is_none)?;
    }
    if count == 1 && line.is_empty() {
        if dialect.quoting == quote::NONE || (is_none && leaves_null(&dialect)) {
            return Err(error(vm, "single empty field record must be quoted"));
        }
        append(vm, &dialect, &mut line, &[], true, false)?;
    }
    line.put_all(&dialect.line_end);
    let line = vm.new_str_bytes(&line);
    let write = cast::<Writer>(object).write.get();
    vm.call(write, &[line])
}

/// Whether None is written as a field without quotes.
fn leaves_null(dialect: &Dialect) -> bool {
    matches!(dialect.quoting, quote::STRINGS | quote::NOTNULL)
}

fn is_number(vm: &mut Vm, field: Value) -> bool {
    let ty = vm.type_of(field);
    let slots = ty.slots();
    slots.int.is_some() || slots.float.is_some() || slots.index.is_some() || vm.as_complex(field).is_some()
}

fn append(
    vm: &mut Vm,
    dialect: &Dialect,
    line: &mut Vec<u8>,
    text: &[u8],
    mut quoted: bool,
    is_none: bool,
) -> PyResult<()> {
    if text.is_empty() && dialect.delimiter == b" " && dialect.skip_initial_space {
        if dialect.quoting == quote::NONE || (is_none && leaves_null(dialect)) {
            return Err(error(vm, "empty field must be quoted if delimiter is a space and skipinitialspace is true"));
        }
        quoted = true;
    }
    let mut field = heap::vec_with_capacity(text.len() + 2);
    let mut rest = text;
    while let Some(&first) = rest.first() {
        let (character, behind) = rest.split_at(width(first).min(rest.len()));
        rest = behind;
        let is_special = is(character, &dialect.delimiter)
            || is(character, &dialect.escape)
            || is(character, &dialect.quote)
            || matches!(character, b"\n" | b"\r")
            || dialect.line_end.windows(character.len()).any(|part| part == character);
        if is_special {
            let mut escaped = dialect.quoting == quote::NONE;
            if !escaped && is(character, &dialect.quote) {
                if dialect.double_quote {
                    field.put_all(character);
                } else {
                    escaped = true;
                }
            } else if !escaped && is(character, &dialect.escape) {
                escaped = true;
            }
            if !escaped {
                quoted = true;
            } else if dialect.escape.is_empty() {
                return Err(error(vm, "need to escape, but no escapechar set"));
            } else {
                field.put_all(&dialect.escape);
            }
        }
        field.put_all(character);
    }
    let quote: &[u8] = if quoted { &dialect.quote } else { &[] };
    for part in [quote, &field, quote] {
        line.put_all(part);
    }
    Ok(())
}
