//! The heap report: what lives, by type, and the lines that made it.
//!
//! Counts and bytes are exact: all living objects are walked. The lines come from samples: some 64 KiB of allocation apart
//! an object is followed, with the bytes since the last one as its weight; those that still live tell how the bytes of their
//! type are shared out among lines. Compiled code does not know its line: where a sample is due there, the interpreter takes
//! over at the next poll, and one of the next few allocations, at random, is taken.

mod picture;
mod sampling;
mod table;

use heap::{ShapeId, Value};
use objects::error::{PyResult, Raised};
use objects::vm::Vm;
use std::collections::HashMap;
use std::path::Path;

pub use sampling::start;

/// What lives of one type.
struct Row {
    /// Module and name; in brackets what belongs to an object and is none that a program sees.
    name: String,
    count: usize,
    bytes: usize,
    /// `file:line` and its part of the bytes, the greatest first; empty without a sample.
    lines: Vec<(String, f64)>,
}

/// All rows, the greatest first.
struct Report {
    rows: Vec<Row>,
    count: usize,
    bytes: usize,
}

/// What rows are made of: a type, by its address, or a kind of storage, by its shape.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Class {
    Type(u64),
    Storage(u32),
}

#[derive(Default)]
struct Sum {
    count: usize,
    bytes: usize,
    /// Sampled bytes by `file:line`.
    lines: HashMap<String, u64>,
}

/// The report as text.
pub fn text(vm: &mut Vm) -> PyResult<String> {
    Ok(table::text(&report(vm)?))
}

/// Writes the report: a table (`.txt`), a picture (`.svg`), a page with both (`.html`); for any other name, the table and
/// the picture, with these endings behind it.
pub fn write(vm: &mut Vm, file: &str) -> PyResult<()> {
    let report = report(vm)?;
    let (table, picture) = (table::text(&report), picture::svg(&report));
    let ending = Path::new(file).extension().and_then(|ending| ending.to_str());
    let files = match ending {
        Some("txt") => vec![(file.to_owned(), table)],
        Some("svg") => vec![(file.to_owned(), picture)],
        Some("html") => vec![(file.to_owned(), picture::page(&picture, &table))],
        _ => vec![(format!("{file}.txt"), table), (format!("{file}.svg"), picture)],
    };
    for (name, content) in files {
        if let Err(error) = std::fs::write(&name, content) {
            return Err(cannot_write(vm, &error, &name));
        }
    }
    Ok(())
}

fn cannot_write(vm: &mut Vm, error: &std::io::Error, name: &str) -> Raised {
    let name = vm.new_str(name);
    vm.io_error(error, name)
}

fn report(vm: &mut Vm) -> PyResult<Report> {
    let sums = sums(vm);
    let mut rows = Vec::new();
    for (class, sum) in sums {
        let sampled: u64 = sum.lines.values().sum();
        let mut lines: Vec<(String, f64)> =
            sum.lines.into_iter().map(|(line, bytes)| (line, bytes as f64 / sampled as f64)).collect();
        lines.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        rows.push(Row { name: name_of(vm, class)?, count: sum.count, bytes: sum.bytes, lines });
    }
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    let (count, bytes) = rows.iter().fold((0, 0), |(count, bytes), row| (count + row.count, bytes + row.bytes));
    Ok(Report { rows, count, bytes })
}

/// Walks all living objects. Nothing is allocated meanwhile, so they stay where they are.
fn sums(vm: &mut Vm) -> HashMap<Class, Sum> {
    let mut living: Vec<u64> = Vec::new();
    vm.heap().for_each_object(|object| living.push(object.0));
    let mut sums: HashMap<Class, Sum> = HashMap::new();
    for &address in &living {
        let sum = sums.entry(class_of(vm, Value(address))).or_default();
        sum.count += 1;
        sum.bytes += vm.thread.heap.bytes_with_buffer(Value(address));
    }
    for (object, line, weight) in sampling::living(vm) {
        if let Some(sum) = sums.get_mut(&class_of(vm, object)) {
            *sum.lines.entry(line).or_default() += weight;
        }
    }
    sums
}

fn class_of(vm: &Vm, object: Value) -> Class {
    // SAFETY: the collector named it as an object.
    let shape = unsafe { heap::shape_of(object) };
    match storage_name(shape) {
        Some(_) => Class::Storage(shape.0),
        None => Class::Type(vm.shape_of(object).ty.value().0),
    }
}

fn storage_name(shape: ShapeId) -> Option<&'static str> {
    match shape {
        objects::shape::ITEM_ARRAY => Some("(items of lists, dicts, sets)"),
        objects::shape::INDEX_TABLE => Some("(indices of dicts)"),
        objects::shape::BYTE_ARRAY => Some("(tables and buffers of characters)"),
        _ => None,
    }
}

/// Classes are immortal.
fn name_of(vm: &mut Vm, class: Class) -> PyResult<String> {
    let class = match class {
        Class::Storage(shape) => return Ok(storage_name(ShapeId(shape)).expect("a kind of storage").to_owned()),
        Class::Type(class) => Value(class),
    };
    let mut parts = [String::new(), String::new()];
    for (part, name) in parts.iter_mut().zip(["__module__", "__qualname__"]) {
        if let Some(value) = vm.getattr_str_opt(class, name)?
            && vm.is_str(value)
        {
            *part = vm.text_of(value);
        }
    }
    let [module, name] = parts;
    Ok(if module.is_empty() || module == "builtins" { name } else { format!("{module}.{name}") })
}
