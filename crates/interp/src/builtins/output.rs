//! `print`, `input`, `open`.

use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::vm::Vm;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("print", 0, objects::args::MANY, print).with_keywords()
    .with_doc("print($module, /, *args, sep=' ', end='\\n', file=None, flush=False)\n--\n\nPrints the values to a stream, or to sys.stdout by default.\n\n  sep\n    string inserted between values, default a space.\n  end\n    string appended after the last value, default a newline.\n  file\n    a file-like object (stream); defaults to the current sys.stdout.\n  flush\n    whether to forcibly flush the stream."),
    MethodDef::function("input", 0, 1, input)
    .with_doc("input($module, prompt='', /)\n--\n\nRead a string from standard input.  The trailing newline is stripped.\n\nThe prompt string, if given, is printed to standard output without a\ntrailing newline before reading input.\n\nIf the user hits EOF (*nix: Ctrl-D, Windows: Ctrl-Z+Return), raise\nEOFError.\nOn *nix systems, readline is used if available."),
    MethodDef::function("open", 0, 8, open).with_keywords()
    .with_doc("open($module, /, file, mode='r', buffering=-1, encoding=None,\n     errors=None, newline=None, closefd=True, opener=None)\n--\n\nOpen file and return a stream.  Raise OSError upon failure.\n\nfile is either a text or byte string giving the name (and the path\nif the file isn't in the current working directory) of the file to\nbe opened or an integer file descriptor of the file to be\nwrapped.  (If a file descriptor is given, it is closed when the\nreturned I/O object is closed, unless closefd is set to False.)\n\nmode is an optional string that specifies the mode in which the file\nis opened.  It defaults to 'r' which means open for reading in text\nmode.  Other common values are 'w' for writing (truncating the file if\nit already exists), 'x' for creating and writing to a new file, and\n'a' for appending (which on some Unix systems, means that all writes\nappend to the end of the file regardless of the current seek position).\nIn text mode, if encoding is not specified the encoding used is platform\ndependent: locale.getencoding() is called to get the current locale\nencoding.  (For reading and writing raw bytes use binary mode and leave\nencoding unspecified.)  The available modes are:\n\n========= ==========================================================\nCharacter Meaning\n--------- ----------------------------------------------------------\n'r'       open for reading (default)\n'w'       open for writing, truncating the file first\n'x'       create a new file and open it for writing\n'a'       open for writing, appending to the end of the file if it\n          exists\n'b'       binary mode\n't'       text mode (default)\n'+'       open a disk file for updating (reading and writing)\n========= ==========================================================\n\nThe default mode is 'rt' (open for reading text).  For binary random\naccess, the mode 'w+b' opens and truncates the file to 0 bytes, while\n'r+b' opens the file without truncation.  The 'x' mode implies 'w' and\nraises an `FileExistsError` if the file already exists.\n\nPython distinguishes between files opened in binary and text modes,\neven when the underlying operating system doesn't.  Files opened in\nbinary mode (appending 'b' to the mode argument) return contents as\nbytes objects without any decoding.  In text mode (the default, or when\n't' is appended to the mode argument), the contents of the file are\nreturned as strings, the bytes having been first decoded using a\nplatform-dependent encoding or using the specified encoding if given.\n\nbuffering is an optional integer used to set the buffering policy.\nPass 0 to switch buffering off (only allowed in binary mode), 1 to\nselect line buffering (only usable in text mode), and an integer > 1 to\nindicate the size of a fixed-size chunk buffer.   When no buffering\nargument is given, the default buffering policy works as follows:\n\n* Binary files are buffered in fixed-size chunks; the size of the buffer\n  is max(min(blocksize, 8 MiB), DEFAULT_BUFFER_SIZE) when the device\n  block size is available.\n  On most systems, the buffer will typically be 128 kilobytes long.\n\n* \"Interactive\" text files (files for which isatty() returns True)\n  use line buffering.  Other text files use the policy described above\n  for binary files.\n\nencoding is the name of the encoding used to decode or encode the\nfile.  This should only be used in text mode.  The default encoding is\nplatform dependent, but any encoding supported by Python can be\npassed.  See the codecs module for the list of supported encodings.\n\nerrors is an optional string that specifies how encoding errors are to\nbe handled---this argument should not be used in binary mode.  Pass\n'strict' to raise a ValueError exception if there is an encoding error\n(the default of None has the same effect), or pass 'ignore' to ignore\nerrors.  (Note that ignoring encoding errors can lead to data loss.)\nSee the documentation for codecs.register or run 'help(codecs.Codec)'\nfor a list of the permitted encoding error strings.\n\nnewline controls how universal newlines works (it only applies to text\nmode).  It can be None, '', '\\n', '\\r', and '\\r\\n'.  It works as\nfollows:\n\n* On input, if newline is None, universal newlines mode is enabled.\n  Lines in the input can end in '\\n', '\\r', or '\\r\\n', and these are\n  translated into '\\n' before being returned to the caller.  If it is\n  '', universal newline mode is enabled, but line endings are returned\n  to the caller untranslated.  If it has any of the other legal values,\n  input lines are only terminated by the given string, and the line\n  ending is returned to the caller untranslated.\n\n* On output, if newline is None, any '\\n' characters written are\n  translated to the system default line separator, os.linesep.  If\n  newline is '' or '\\n', no translation takes place.  If newline is any\n  of the other legal values, any '\\n' characters written are translated\n  to the given string.\n\nIf closefd is False, the underlying file descriptor will be kept open\nwhen the file is closed.  This does not work when a file name is given\nand must be True in that case.\n\nA custom opener can be used by passing a callable as *opener*.  The\nunderlying file descriptor for the file object is then obtained by\ncalling *opener* with (*file*, *flags*).  *opener* must return an open\nfile descriptor (passing os.open as *opener* results in functionality\nsimilar to passing None).\n\nopen() returns a file object whose type depends on the mode, and\nthrough which the standard file operations such as reading and writing\nare performed.  When open() is used to open a file in a text mode ('w',\n'r', 'wt', 'rt', etc.), it returns a TextIOWrapper.  When used to open\na file in a binary mode, the returned class varies: in read binary\nmode, it returns a BufferedReader; in write binary and append binary\nmodes, it returns a BufferedWriter, and in read/write mode, it returns\na BufferedRandom.\n\nIt is also possible to use a string or bytearray as a file for both\nreading and writing.  For strings StringIO can be used like a file\nopened in a text mode, and for bytes a BytesIO can be used like a file\nopened in a binary mode."),
    MethodDef::function("breakpoint", 0, objects::args::MANY, breakpoint).with_keywords()
    .with_doc("breakpoint($module, /, *args, **kws)\n--\n\nCall sys.breakpointhook(*args, **kws).  sys.breakpointhook() must accept\nwhatever arguments are passed.\n\nBy default, this drops you into the pdb debugger."),
];

/// `print(*values, sep=' ', end='\n', file=None, flush=False)`.
fn print(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (mut sep, mut end, mut file, mut flush) = (vm.none, vm.none, vm.none, vm.none);
    for (name, value) in args.keywords() {
        match vm.str_bytes(name) {
            b"sep" => sep = value,
            b"end" => end = value,
            b"file" => file = value,
            b"flush" => flush = value,
            _ => {
                let name = vm.text_of(name);
                let hint = objects::suggestions::hint(&name, ["sep", "end", "file", "flush"].into_iter());
                return Err(vm.type_error(format!("print() got an unexpected keyword argument '{name}'{hint}")));
            }
        }
    }
    for (name, value) in [("sep", sep), ("end", end)] {
        if value != vm.none && !vm.is_str(value) {
            let kind = vm.type_of(value).name();
            return Err(vm.type_error(format!("{name} must be None or a string, not {kind}")));
        }
    }
    if file == vm.none {
        let sys = crate::import::import_module(vm, "sys")?;
        match vm.getattr_str_opt(sys, "stdout")? {
            None => return Err(vm.runtime_error("lost sys.stdout")),
            // Without a standard output there is nothing to do.
            Some(out) if out == vm.none => return Ok(vm.none),
            Some(out) => file = out,
        }
    }
    // One write for the whole line: pieces joined, so that lines of several threads or processes do not mix.
    let values = args.args();
    let mut line = Vec::new();
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            match sep == vm.none {
                true => line.push(b' '),
                false => line.extend_from_slice(vm.str_bytes(sep)),
            }
        }
        let text = vm.str_of(*value)?;
        line.extend_from_slice(vm.str_bytes(text));
    }
    match end == vm.none {
        true => line.push(b'\n'),
        false => line.extend_from_slice(vm.str_bytes(end)),
    }
    let line = vm.new_str_bytes(&line);
    let write = vm.getattr_str(file, "write")?;
    vm.call(write, &[line])?;
    if vm.truth(flush)? {
        vm.call_method(file, "flush", &[])?;
    }
    Ok(vm.none)
}

/// A line of standard input without its end.
fn input(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let sys = crate::import::import_module(vm, "sys")?;
    let (stdin, stdout) = (vm.getattr_str(sys, "stdin")?, vm.getattr_str(sys, "stdout")?);
    if let Some(prompt) = args.get(0) {
        let text = vm.str_of(prompt)?;
        vm.call_method(stdout, "write", &[text])?;
    }
    vm.call_method(stdout, "flush", &[])?;
    let line = vm.call_method(stdin, "readline", &[])?;
    if !vm.is_str(line) {
        return Err(vm.type_error("object.readline() returned non-string"));
    }
    let text = vm.str_bytes(line);
    match text.strip_suffix(b"\n") {
        Some(text) => Ok(vm.new_str_bytes(text)),
        None if text.is_empty() => Err(vm.eof_error("EOF when reading a line")),
        None => Ok(line),
    }
}

fn open(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let io = crate::import::import_module(vm, "_io")?;
    let open = vm.getattr_str(io, "open")?;
    vm.call_kw(open, args)
}

fn breakpoint(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let sys = crate::import::import_module(vm, "sys")?;
    let hook = vm.getattr_str(sys, "breakpointhook")?;
    vm.call_kw(hook, args)
}
