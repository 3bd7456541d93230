//! Module `zlib`, over crate `zlib-rs`.

mod compressor;
mod decompressor;

use crate::streams::Streams;
use crate::support::{self, signature};
use heap::Value;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::{PyResult, Raised};
use objects::module::ModuleDef;
use objects::ty::TypeRef;
use objects::vm::Vm;
use zlib_rs::{Deflate, DeflateFlush, Inflate};

pub static MODULE: ModuleDef = ModuleDef {
    name: "zlib",
    doc: "The functions in this module allow compression and decompression using the\nzlib library, which is based on GNU zip.\n\nadler32(string[, start]) -- Compute an Adler-32 checksum.\ncompress(data[, level]) -- Compress data, with compression level 0-9 or -1.\ncompressobj([level[, ...]]) -- Return a compressor object.\ncrc32(string[, start]) -- Compute a CRC-32 checksum.\ndecompress(string,[wbits],[bufsize]) -- Decompresses a compressed string.\ndecompressobj([wbits[, zdict]]) -- Return a decompressor object.\n\n'wbits' is window buffer size and container format.\nCompressor objects support compress() and flush() methods; decompressor\nobjects support decompress() and flush().",
    functions: FUNCTIONS,
    init,
};

#[derive(Default)]
struct State {
    error: Option<TypeRef>,
    compress: Option<TypeRef>,
    decompress: Option<TypeRef>,
    deflates: Streams<Deflate>,
    inflates: Streams<Inflate>,
}

const MAX_WBITS: i64 = 15;
const DEF_BUF_SIZE: i64 = 16 * 1024;

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("adler32", 1, 2, |vm, args| checksum(vm, args, 1, zlib_rs::adler32::adler32))
        .with_doc("adler32($module, data, value=1, /)\n--\n\nCompute an Adler-32 checksum of data.\n\n  value\n    Starting value of the checksum.\n\nThe returned checksum is an integer."),
    MethodDef::function("compress", 0, 3, compress)
        .with_keywords()
        .with_doc("compress($module, data, /, level=Z_DEFAULT_COMPRESSION, wbits=MAX_WBITS)\n--\n\nReturns a bytes object containing compressed data.\n\n  data\n    Binary data to be compressed.\n  level\n    Compression level, in 0-9 or -1.\n  wbits\n    The window buffer size and container format."),
    MethodDef::function("compressobj", 0, 6, compressor::new)
        .with_keywords()
        .with_doc("compressobj($module, /, level=Z_DEFAULT_COMPRESSION, method=DEFLATED,\n            wbits=MAX_WBITS, memLevel=DEF_MEM_LEVEL,\n            strategy=Z_DEFAULT_STRATEGY, zdict=<unrepresentable>)\n--\n\nReturn a compressor object.\n\n  level\n    The compression level (an integer in the range 0-9 or -1; default is\n    currently equivalent to 6).  Higher compression levels are slower,\n    but produce smaller results.\n  method\n    The compression algorithm.  If given, this must be DEFLATED.\n  wbits\n    +9 to +15: The base-two logarithm of the window size.  Include a zlib\n        container.\n    -9 to -15: Generate a raw stream.\n    +25 to +31: Include a gzip container.\n  memLevel\n    Controls the amount of memory used for internal compression state.\n    Valid values range from 1 to 9.  Higher values result in higher memory\n    usage, faster compression, and smaller output.\n  strategy\n    Used to tune the compression algorithm.  Possible values are\n    Z_DEFAULT_STRATEGY, Z_FILTERED, and Z_HUFFMAN_ONLY.\n  zdict\n    The predefined compression dictionary - a sequence of bytes\n    containing subsequences that are likely to occur in the input data."),
    MethodDef::function("crc32", 1, 2, |vm, args| checksum(vm, args, 0, zlib_rs::crc32::crc32))
        .with_doc("crc32($module, data, value=0, /)\n--\n\nCompute a CRC-32 checksum of data.\n\n  value\n    Starting value of the checksum.\n\nThe returned checksum is an integer."),
    MethodDef::function("decompress", 0, 3, decompress)
        .with_keywords()
        .with_doc("decompress($module, data, /, wbits=MAX_WBITS, bufsize=DEF_BUF_SIZE)\n--\n\nReturns a bytes object containing the uncompressed data.\n\n  data\n    Compressed data.\n  wbits\n    The window buffer size and container format.\n  bufsize\n    The initial output buffer size."),
    MethodDef::function("decompressobj", 0, 2, decompressor::new)
        .with_keywords()
        .with_doc("decompressobj($module, /, wbits=MAX_WBITS, zdict=b'')\n--\n\nReturn a decompressor object.\n\n  wbits\n    The window buffer size and container format.\n  zdict\n    The predefined compression dictionary.  This must be the same\n    dictionary as used by the compressor that produced the input data."),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let error = support::new_exception(vm, "zlib", "error", vm.exc.exception)?;
    vm.module_set(module, "error", error.value());
    support::int_constants(
        vm,
        module,
        &[
            ("DEFLATED", 8),
            ("DEF_BUF_SIZE", DEF_BUF_SIZE),
            ("DEF_MEM_LEVEL", 8),
            ("MAX_WBITS", MAX_WBITS),
            ("Z_BEST_COMPRESSION", 9),
            ("Z_BEST_SPEED", 1),
            ("Z_BLOCK", 5),
            ("Z_DEFAULT_COMPRESSION", -1),
            ("Z_DEFAULT_STRATEGY", 0),
            ("Z_FILTERED", 1),
            ("Z_FINISH", 4),
            ("Z_FIXED", 4),
            ("Z_FULL_FLUSH", 3),
            ("Z_HUFFMAN_ONLY", 2),
            ("Z_NO_COMPRESSION", 0),
            ("Z_NO_FLUSH", 0),
            ("Z_PARTIAL_FLUSH", 1),
            ("Z_RLE", 3),
            ("Z_SYNC_FLUSH", 2),
            ("Z_TREES", 6),
        ],
    );
    // The version of zlib whose interface and format the crate keeps to.
    for name in ["ZLIB_VERSION", "ZLIB_RUNTIME_VERSION"] {
        let version = vm.new_str("1.3.1");
        vm.module_set(module, name, version);
    }
    let object = vm.types.object;
    let compress = vm.new_builtin_type(compressor::spec(), object);
    let decompress = vm.new_builtin_type(decompressor::spec(), object);
    support::add_type(vm, module, decompressor::buffering_spec());
    let state = vm.extension::<State>();
    (state.error, state.compress, state.decompress) = (Some(error), Some(compress), Some(decompress));
    Ok(())
}

/// `zlib.error` with zlib's number, what was being done, and zlib's text or a general one.
fn error(vm: &mut Vm, number: i32, doing: &str, text: Option<&str>) -> Raised {
    let text = text.or(match number {
        -5 => Some("incomplete or truncated stream"),
        -2 => Some("inconsistent stream state"),
        -3 => Some("invalid input data"),
        _ => None,
    });
    let message = match text {
        Some(text) => format!("Error {number} {doing}: {text}"),
        None => format!("Error {number} {doing}"),
    };
    plain_error(vm, &message)
}

fn plain_error(vm: &mut Vm, message: &str) -> Raised {
    let error = vm.extension::<State>().error.expect("made with the module");
    vm.raise(error, message)
}

fn int_or(vm: &mut Vm, value: Value, default: i64) -> PyResult<i64> {
    if value.is_null() { Ok(default) } else { vm.index(value) }
}

/// Checksums start from any int, of which 32 bits count.
fn checksum(vm: &mut Vm, args: &CallArgs, start: u32, sum: fn(u32, &[u8]) -> u32) -> PyResult {
    let start = match args.get(1) {
        None => start,
        Some(given) => {
            let given = vm.index_big(given)?;
            let given = vm.as_bigint(given).expect("an int");
            given.to_signed_bytes_le().first_chunk::<4>().map_or_else(
                || i32::try_from(&given).map_or(0, |small| small as u32),
                |bytes| u32::from_le_bytes(*bytes),
            )
        }
    };
    let bytes = vm.bytes_like(args.values[0])?;
    let sum = sum(start, bytes);
    Ok(vm.int(sum as i64))
}

fn compress(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<3> = Signature { positional_only: 1, ..signature(["data", "level", "wbits"], 1) };
    let [data, level, window] = args.bind(vm, "compress", &PARAMETERS)?;
    let bytes = vm.bytes_like(data)?;
    let (level, window) = (int_or(vm, level, -1)?, int_or(vm, window, MAX_WBITS)?);
    let Some(mut deflate) = compressor::deflate(level, window, 8, 0) else {
        return Err(plain_error(vm, "Bad compression level"));
    };
    let mut output = Vec::new();
    match compressor::run(&mut deflate, bytes, DeflateFlush::Finish, &mut output) {
        Ok(()) => Ok(vm.new_bytes(&output)),
        Err(failure) => Err(error(vm, failure as i32, "while compressing data", deflate.error_message())),
    }
}

fn decompress(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<3> = Signature { positional_only: 1, ..signature(["data", "wbits", "bufsize"], 1) };
    let [data, window, size] = args.bind(vm, "decompress", &PARAMETERS)?;
    let bytes = vm.bytes_like(data)?;
    let (window, size) = (int_or(vm, window, MAX_WBITS)?, int_or(vm, size, DEF_BUF_SIZE)?);
    if size < 0 {
        return Err(vm.value_error("bufsize must be non-negative"));
    }
    let Some(mut inflate) = decompressor::inflate(window) else {
        return Err(error(vm, -2, "while preparing to decompress data", None));
    };
    let mut output = Vec::new();
    match decompressor::run(&mut inflate, bytes, usize::MAX, &[], &mut output) {
        Ok(progress) if progress.ended => Ok(vm.new_bytes(&output)),
        Ok(_) => Err(error(vm, -5, "while decompressing data", None)),
        Err(failure) => {
            let text = inflate.error_message();
            Err(error(vm, decompressor::number(failure), "while decompressing data", text))
        }
    }
}
