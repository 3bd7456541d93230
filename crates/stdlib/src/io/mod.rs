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
    MethodDef::function("open", 1, 8, open::open).with_keywords()
    .with_doc("open($module, /, file, mode='r', buffering=-1, encoding=None,\n     errors=None, newline=None, closefd=True, opener=None)\n--\n\nOpen file and return a stream.  Raise OSError upon failure.\n\nfile is either a text or byte string giving the name (and the path\nif the file isn't in the current working directory) of the file to\nbe opened or an integer file descriptor of the file to be\nwrapped.  (If a file descriptor is given, it is closed when the\nreturned I/O object is closed, unless closefd is set to False.)\n\nmode is an optional string that specifies the mode in which the file\nis opened.  It defaults to 'r' which means open for reading in text\nmode.  Other common values are 'w' for writing (truncating the file if\nit already exists), 'x' for creating and writing to a new file, and\n'a' for appending (which on some Unix systems, means that all writes\nappend to the end of the file regardless of the current seek position).\nIn text mode, if encoding is not specified the encoding used is platform\ndependent: locale.getencoding() is called to get the current locale\nencoding.  (For reading and writing raw bytes use binary mode and leave\nencoding unspecified.)  The available modes are:\n\n========= ==========================================================\nCharacter Meaning\n--------- ----------------------------------------------------------\n'r'       open for reading (default)\n'w'       open for writing, truncating the file first\n'x'       create a new file and open it for writing\n'a'       open for writing, appending to the end of the file if it\n          exists\n'b'       binary mode\n't'       text mode (default)\n'+'       open a disk file for updating (reading and writing)\n========= ==========================================================\n\nThe default mode is 'rt' (open for reading text).  For binary random\naccess, the mode 'w+b' opens and truncates the file to 0 bytes, while\n'r+b' opens the file without truncation.  The 'x' mode implies 'w' and\nraises an `FileExistsError` if the file already exists.\n\nPython distinguishes between files opened in binary and text modes,\neven when the underlying operating system doesn't.  Files opened in\nbinary mode (appending 'b' to the mode argument) return contents as\nbytes objects without any decoding.  In text mode (the default, or when\n't' is appended to the mode argument), the contents of the file are\nreturned as strings, the bytes having been first decoded using a\nplatform-dependent encoding or using the specified encoding if given.\n\nbuffering is an optional integer used to set the buffering policy.\nPass 0 to switch buffering off (only allowed in binary mode), 1 to\nselect line buffering (only usable in text mode), and an integer > 1 to\nindicate the size of a fixed-size chunk buffer.   When no buffering\nargument is given, the default buffering policy works as follows:\n\n* Binary files are buffered in fixed-size chunks; the size of the buffer\n  is max(min(blocksize, 8 MiB), DEFAULT_BUFFER_SIZE) when the device\n  block size is available.\n  On most systems, the buffer will typically be 128 kilobytes long.\n\n* \"Interactive\" text files (files for which isatty() returns True)\n  use line buffering.  Other text files use the policy described above\n  for binary files.\n\nencoding is the name of the encoding used to decode or encode the\nfile.  This should only be used in text mode.  The default encoding is\nplatform dependent, but any encoding supported by Python can be\npassed.  See the codecs module for the list of supported encodings.\n\nerrors is an optional string that specifies how encoding errors are to\nbe handled---this argument should not be used in binary mode.  Pass\n'strict' to raise a ValueError exception if there is an encoding error\n(the default of None has the same effect), or pass 'ignore' to ignore\nerrors.  (Note that ignoring encoding errors can lead to data loss.)\nSee the documentation for codecs.register or run 'help(codecs.Codec)'\nfor a list of the permitted encoding error strings.\n\nnewline controls how universal newlines works (it only applies to text\nmode).  It can be None, '', '\\n', '\\r', and '\\r\\n'.  It works as\nfollows:\n\n* On input, if newline is None, universal newlines mode is enabled.\n  Lines in the input can end in '\\n', '\\r', or '\\r\\n', and these are\n  translated into '\\n' before being returned to the caller.  If it is\n  '', universal newline mode is enabled, but line endings are returned\n  to the caller untranslated.  If it has any of the other legal values,\n  input lines are only terminated by the given string, and the line\n  ending is returned to the caller untranslated.\n\n* On output, if newline is None, any '\\n' characters written are\n  translated to the system default line separator, os.linesep.  If\n  newline is '' or '\\n', no translation takes place.  If newline is any\n  of the other legal values, any '\\n' characters written are translated\n  to the given string.\n\nIf closefd is False, the underlying file descriptor will be kept open\nwhen the file is closed.  This does not work when a file name is given\nand must be True in that case.\n\nA custom opener can be used by passing a callable as *opener*.  The\nunderlying file descriptor for the file object is then obtained by\ncalling *opener* with (*file*, *flags*).  *opener* must return an open\nfile descriptor (passing os.open as *opener* results in functionality\nsimilar to passing None).\n\nopen() returns a file object whose type depends on the mode, and\nthrough which the standard file operations such as reading and writing\nare performed.  When open() is used to open a file in a text mode ('w',\n'r', 'wt', 'rt', etc.), it returns a TextIOWrapper.  When used to open\na file in a binary mode, the returned class varies: in read binary\nmode, it returns a BufferedReader; in write binary and append binary\nmodes, it returns a BufferedWriter, and in read/write mode, it returns\na BufferedRandom.\n\nIt is also possible to use a string or bytearray as a file for both\nreading and writing.  For strings StringIO can be used like a file\nopened in a text mode, and for bytes a BytesIO can be used like a file\nopened in a binary mode."),
    MethodDef::function("open_code", 1, 1, |vm, args| {
        let mode = vm.new_str("rb");
        open::open(vm, &CallArgs::positional(&[args.values[0], mode]))
    })
    .with_doc("open_code($module, /, path)\n--\n\nOpens the provided file with the intent to import the contents.\n\nThis may perform extra validation beyond open(), but is otherwise\ninterchangeable with calling open(path, 'rb')."),
    MethodDef::function("text_encoding", 1, 2, text_encoding)
    .with_doc("text_encoding($module, encoding, stacklevel=2, /)\n--\n\nA helper function to choose the text encoding.\n\nWhen encoding is not None, this function returns it.\nOtherwise, this function returns the default text encoding\n(i.e. \"locale\" or \"utf-8\" depends on UTF-8 mode).\n\nThis function emits an EncodingWarning if encoding is None and\nsys.flags.warn_default_encoding is true.\n\nThis can be used in APIs with an encoding=None parameter.\nHowever, please consider using encoding=\"utf-8\" for new APIs."),
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
