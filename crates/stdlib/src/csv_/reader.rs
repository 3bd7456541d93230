//! `_csv.reader`: rows from lines, by a state machine over characters.

use super::{Dialect, State, dialect_of, error, is, quote, values_of, width};
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, GetSetDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeSpec, flags};
use objects::vm::Vm;

layout! {
    Reader {
        lines LINES: Value;
        dialect DIALECT: Value;
        /// The dialect's values, a tuple.
        values VALUES: Value;
        line_count LINE_COUNT: i64;
    }
}

pub fn spec() -> TypeSpec {
    TypeSpec {
        module: "_csv",
        flags: flags::NO_NEW,
        slots: Slots { iter: Some(|_, reader| Ok(reader)), next: Some(next), ..Slots::default() },
        getset: const {
            &[
                GetSetDef::read_only("dialect", |_, reader| Ok(cast::<Reader>(reader).dialect.get())),
                GetSetDef::read_only("line_num", |vm, reader| Ok(vm.int(cast::<Reader>(reader).line_count.get()))),
            ]
        },
        doc: "CSV reader\n\nReader objects are responsible for reading and parsing tabular data\nin CSV format.",
        ..TypeSpec::of::<Reader>("reader", Kind::Other)
    }
}

/// `new_reader(iterator, dialect, *values)`.
pub fn new(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let values = values_of(vm, args);
    let class = vm.extension::<State>().reader.expect("made with the module");
    let object = vm.new_instance(class);
    let reader = cast::<Reader>(object);
    vm.write(object, &reader.lines, args.values[0]);
    vm.write(object, &reader.dialect, args.values[1]);
    vm.write(object, &reader.values, values);
    Ok(object)
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    RecordStart,
    FieldStart,
    Field,
    Escaped,
    EscapedLineEnd,
    Quoted,
    EscapedInQuoted,
    /// Behind a quote in a quoted field: its end, or half of a doubled quote.
    QuoteInQuoted,
    LineEnd,
}

/// A row in progress.
struct Row {
    at: At,
    field: Vec<u8>,
    /// Whether the field has not begun with a quote.
    plain: bool,
    /// A list of the finished fields.
    fields: Value,
    /// In characters.
    limit: i64,
}

/// Reads lines until a row is complete.
fn next(vm: &mut Vm, object: Value) -> PyResult<Option<Value>> {
    let dialect = dialect_of(vm, cast::<Reader>(object).values.get())?;
    let fields = vm.new_list(&[]);
    let limit = vm.extension::<State>().field_limit;
    let mut row = Row { at: At::RecordStart, field: Vec::new(), plain: false, fields, limit };
    loop {
        let lines = cast::<Reader>(object).lines.get();
        let Some(line) = vm.next(lines)? else {
            if row.field.is_empty() && row.at != At::Quoted {
                return Ok(None);
            }
            if dialect.strict {
                return Err(error(vm, "unexpected end of data"));
            }
            row.save(vm, &dialect)?;
            return Ok(Some(row.fields));
        };
        if !vm.is_str(line) {
            let kind = vm.type_of(line).name();
            return Err(error(
                vm,
                format!("iterator should return strings, not {kind} (the file should be opened in text mode)"),
            ));
        }
        // Making fields can move the line.
        let line = heap::copied(vm.str_bytes(line));
        let reader = cast::<Reader>(object);
        reader.line_count.set(reader.line_count.get() + 1);
        let mut rest = &line[..];
        while let Some(&first) = rest.first() {
            let (character, behind) = rest.split_at(width(first).min(rest.len()));
            row.take(vm, &dialect, Some(character))?;
            rest = behind;
        }
        row.take(vm, &dialect, None)?;
        if row.at == At::RecordStart {
            return Ok(Some(row.fields));
        }
    }
}

impl Row {
    /// One character, or the end of the line.
    fn take(&mut self, vm: &mut Vm, dialect: &Dialect, character: Option<&[u8]>) -> PyResult<()> {
        let ends_line = matches!(character, None | Some(b"\n" | b"\r"));
        match self.at {
            At::RecordStart => match character {
                None => {}
                Some(_) if ends_line => self.at = At::LineEnd,
                Some(_) => self.start_field(vm, dialect, character)?,
            },
            At::FieldStart => self.start_field(vm, dialect, character)?,
            At::Escaped => {
                self.add(vm, character.unwrap_or(b"\n"))?;
                self.at = if ends_line && character.is_some() { At::EscapedLineEnd } else { At::Field };
            }
            At::EscapedLineEnd if character.is_none() => {}
            At::EscapedLineEnd | At::Field => match character {
                _ if ends_line => self.end_row(vm, dialect, character)?,
                Some(character) if is(character, &dialect.escape) => self.at = At::Escaped,
                Some(character) if is(character, &dialect.delimiter) => {
                    self.save(vm, dialect)?;
                    self.at = At::FieldStart;
                }
                _ => {
                    self.add(vm, character.unwrap_or_default())?;
                    self.at = At::Field;
                }
            },
            At::Quoted => match character {
                None => {}
                Some(character) if is(character, &dialect.escape) => self.at = At::EscapedInQuoted,
                Some(character) if is(character, &dialect.quote) && dialect.quoting != quote::NONE => {
                    self.at = if dialect.double_quote { At::QuoteInQuoted } else { At::Field };
                }
                Some(character) => self.add(vm, character)?,
            },
            At::EscapedInQuoted => {
                self.add(vm, character.unwrap_or(b"\n"))?;
                self.at = At::Quoted;
            }
            At::QuoteInQuoted => match character {
                _ if ends_line => self.end_row(vm, dialect, character)?,
                Some(character) if is(character, &dialect.quote) && dialect.quoting != quote::NONE => {
                    self.add(vm, character)?;
                    self.at = At::Quoted;
                }
                Some(character) if is(character, &dialect.delimiter) => {
                    self.save(vm, dialect)?;
                    self.at = At::FieldStart;
                }
                _ if dialect.strict => {
                    let show = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
                    let (delimiter, quote) = (show(&dialect.delimiter), show(&dialect.quote));
                    return Err(error(vm, format!("'{delimiter}' expected after '{quote}'")));
                }
                _ => {
                    self.add(vm, character.unwrap_or_default())?;
                    self.at = At::Field;
                }
            },
            At::LineEnd => match character {
                None => self.at = At::RecordStart,
                _ if ends_line => {}
                _ => {
                    return Err(error(
                        vm,
                        "new-line character seen in unquoted field - do you need to open the file with newline=''?",
                    ));
                }
            },
        }
        Ok(())
    }

    fn start_field(&mut self, vm: &mut Vm, dialect: &Dialect, character: Option<&[u8]>) -> PyResult<()> {
        self.plain = true;
        match character {
            None | Some(b"\n" | b"\r") => self.end_row(vm, dialect, character)?,
            Some(character) if is(character, &dialect.quote) && dialect.quoting != quote::NONE => {
                self.plain = false;
                self.at = At::Quoted;
            }
            Some(character) if is(character, &dialect.escape) => self.at = At::Escaped,
            Some(b" ") if dialect.skip_initial_space => self.at = At::FieldStart,
            Some(character) if is(character, &dialect.delimiter) => {
                self.save(vm, dialect)?;
                self.at = At::FieldStart;
            }
            Some(character) => {
                self.add(vm, character)?;
                self.at = At::Field;
            }
        }
        Ok(())
    }

    /// At the end of a line outside quotes.
    fn end_row(&mut self, vm: &mut Vm, dialect: &Dialect, character: Option<&[u8]>) -> PyResult<()> {
        self.save(vm, dialect)?;
        self.at = if character.is_none() { At::RecordStart } else { At::LineEnd };
        Ok(())
    }

    fn add(&mut self, vm: &mut Vm, character: &[u8]) -> PyResult<()> {
        // Characters are counted only where there could be too many.
        if self.field.len() as i64 >= self.limit {
            let characters = self.field.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as i64;
            if characters >= self.limit {
                let limit = self.limit;
                return Err(error(vm, format!("field larger than field limit ({limit})")));
            }
        }
        self.field.put_all(character);
        Ok(())
    }

    /// The field is complete.
    fn save(&mut self, vm: &mut Vm, dialect: &Dialect) -> PyResult<()> {
        let quoting = dialect.quoting;
        let value = if self.plain && self.field.is_empty() && matches!(quoting, quote::NOTNULL | quote::STRINGS) {
            vm.none
        } else {
            let text = vm.new_str_bytes(&self.field);
            let is_number =
                self.plain && !self.field.is_empty() && matches!(quoting, quote::NONNUMERIC | quote::STRINGS);
            if is_number {
                let float = vm.types.float.value();
                vm.call(float, &[text])?
            } else {
                text
            }
        };
        self.field.clear();
        vm.list_append(self.fields, value);
        Ok(())
    }
}
