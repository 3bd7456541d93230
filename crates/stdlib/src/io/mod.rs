//! Module `_io`: files, buffers, text.
//!
//! The classes are CPython's: raw files over file descriptors, buffered readers and writers over raw objects of any kind,
//! text over buffered objects of any kind. Where the object below is one of ours, calls go straight to it.

mod base;
mod buffered;
mod bytes_io;
mod encoding;
mod file;
mod newlines;
mod open;
mod string_io;
mod text;
mod unclosed;

pub use unclosed::{finalize_all, order_queue, write_out_all};

use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::builtin_layouts::Module;
use objects::error::{PyResult, Raised};
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::ty::TypeRef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_io",
    doc: "The io module provides the Python interfaces to stream handling.",
    functions: FUNCTIONS,
    init,
};

pub const DEFAULT_BUFFER_SIZE: usize = 128 * 1024;

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("open", 1, 8, open::open).with_keywords(),
    MethodDef::function("open_code", 1, 1, |vm, args| {
        let mode = vm.new_str("rb");
        open::open(vm, &CallArgs::positional(&[args.values[0], mode]))
    }),
    MethodDef::function("text_encoding", 1, 2, text_encoding),
];

/// The classes of the module.
#[derive(Clone, Copy)]
pub struct Types {
    pub io_base: TypeRef,
    pub raw_base: TypeRef,
    pub buffered_base: TypeRef,
    pub text_base: TypeRef,
    pub file: TypeRef,
    pub reader: TypeRef,
    pub writer: TypeRef,
    pub random: TypeRef,
    pub pair: TypeRef,
    pub text: TypeRef,
    pub bytes: TypeRef,
    pub string: TypeRef,
    pub newline_decoder: TypeRef,
    pub unsupported: TypeRef,
}

#[derive(Default)]
struct State {
    types: Option<Types>,
    /// Whether something may be waiting in a stream to be written.
    waiting: bool,
    /// The program has ended.
    exiting: bool,
}

pub fn types(vm: &mut Vm) -> Types {
    vm.extension::<State>().types.expect("module _io is there")
}

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let bases = base::make_types(vm);
    let [io_base, raw_base, buffered_base, text_base] = bases;
    let file = file::make_type(vm, raw_base);
    let [reader, writer, random, pair] = buffered::make_types(vm, buffered_base);
    let text = text::make_type(vm, text_base);
    let bytes = bytes_io::make_type(vm, buffered_base);
    let string = string_io::make_type(vm, text_base);
    let newline_decoder = newlines::make_type(vm);
    let unsupported = unsupported_operation(vm)?;
    let types = Types {
        io_base,
        raw_base,
        buffered_base,
        text_base,
        file,
        reader,
        writer,
        random,
        pair,
        text,
        bytes,
        string,
        newline_decoder,
        unsupported,
    };
    vm.extension::<State>().types = Some(types);
    let dict = cast::<Module>(module).dict.get();
    for ty in [
        io_base,
        raw_base,
        buffered_base,
        text_base,
        file,
        reader,
        writer,
        random,
        pair,
        text,
        bytes,
        string,
        newline_decoder,
        unsupported,
    ] {
        let name = ty.name();
        vm.dict_set_str(dict, &name, ty.value());
    }
    let size = vm.int(DEFAULT_BUFFER_SIZE as i64);
    vm.dict_set_str(dict, "DEFAULT_BUFFER_SIZE", size);
    let blocking = vm.exc.blocking_io_error.value();
    vm.dict_set_str(dict, "BlockingIOError", blocking);
    Ok(())
}

/// `UnsupportedOperation`, an OSError and a ValueError.
fn unsupported_operation(vm: &mut Vm) -> PyResult<TypeRef> {
    let name = vm.new_str("UnsupportedOperation");
    let bases = vm.new_tuple(&[vm.exc.os_error.value(), vm.exc.value_error.value()]);
    let namespace = vm.new_dict();
    let module = vm.new_str("io");
    vm.dict_set_str(namespace, "__module__", module);
    let class = vm.call(vm.types.type_.value(), &[name, bases, namespace])?;
    Ok(TypeRef::from_value(class))
}

/// An UnsupportedOperation.
pub fn unsupported(vm: &mut Vm, what: &str) -> Raised {
    let class = types(vm).unsupported;
    let message = vm.new_str(what);
    match vm.call(class.value(), &[message]) {
        Ok(exception) => vm.raise_instance(exception),
        Err(raised) => raised,
    }
}

pub fn closed_error(vm: &mut Vm) -> Raised {
    vm.value_error("I/O operation on closed file.")
}

fn text_encoding(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let encoding = args.values[0];
    Ok(if encoding == vm.none { vm.intern("utf-8") } else { encoding })
}

/// `sys.stdin`, `sys.stdout`, `sys.stderr`.
pub fn open_standard_streams(vm: &mut Vm) -> PyResult<()> {
    interp::import::import_module(vm, "_io")?;
    let sys = interp::import::import_module(vm, "sys")?;
    let unbuffered = interp::state::state(vm).config.unbuffered;
    for (fd, name) in [(0, "stdin"), (1, "stdout"), (2, "stderr")] {
        let stream = match file::standard(vm, fd, name) {
            Some(raw) => {
                let buffer = buffered::standard(vm, raw, fd == 0)?;
                text::standard(vm, buffer, fd, unbuffered)?
            }
            None => vm.none,
        };
        let key = vm.intern(name);
        vm.setattr(sys, key, stream)?;
        let key = vm.intern(&format!("__{name}__"));
        vm.setattr(sys, key, stream)?;
    }
    Ok(())
}

/// A size argument: None and negative numbers mean everything.
pub fn size_argument(vm: &mut Vm, value: Option<Value>) -> PyResult<Option<usize>> {
    match value {
        None => Ok(None),
        Some(value) if value == vm.none => Ok(None),
        Some(value) => {
            let size = vm.index(value)?;
            Ok(usize::try_from(size).ok())
        }
    }
}

/// Calls a method without arguments.
pub fn call0(vm: &mut Vm, object: Value, name: &str) -> PyResult {
    vm.call_method(object, name, &[])
}

/// Adds bytes to a bytearray.
pub fn append(vm: &mut Vm, bytearray: Value, bytes: &[u8]) {
    let len = objects::bytearray::content(bytearray).len();
    objects::bytearray::resize(vm, bytearray, len + bytes.len());
    objects::bytearray::content_mut(bytearray)[len..].copy_from_slice(bytes);
}
