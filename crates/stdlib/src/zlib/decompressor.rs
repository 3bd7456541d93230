//! `zlib.Decompress`, and `zlib._ZlibDecompressor`, which keeps input that it had no room to use.

use super::{DEF_BUF_SIZE, MAX_WBITS, State, error, int_or};
use crate::support::signature;
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, GetSetDef, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;
use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

layout! {
    Decompress {
        stream STREAM: i64;
        /// Bytes behind the end of the stream.
        unused UNUSED: Value;
        /// Bytes not used yet.
        pending PENDING: Value;
        /// Bytes; NULL without a dictionary.
        dictionary DICTIONARY: Value;
        ended ENDED: i64;
        needs_input NEEDS_INPUT: i64;
    }
}

const CHUNK: usize = 16 * 1024;
const DOING: &str = "while decompressing data";

pub fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::NO_NEW,
        methods: const {
            &[
                MethodDef::method("decompress", 1, 3, decompress)
                    .with_keywords()
                    .with_doc("decompress($self, data, /, max_length=0)\n--\n\nReturn a bytes object containing the decompressed version of the data.\n\n  data\n    The binary data to decompress.\n  max_length\n    The maximum allowable length of the decompressed data.\n    Unconsumed input data will be stored in\n    the unconsumed_tail attribute."),
                MethodDef::method("flush", 1, 2, flush)
                    .with_doc("flush($self, length=zlib.DEF_BUF_SIZE, /)\n--\n\nReturn a bytes object containing any remaining decompressed data.\n\n  length\n    the initial size of the output buffer."),
            ]
        },
        getset: const {
            &[
                GetSetDef::read_only("unused_data", |_, object| Ok(cast::<Decompress>(object).unused.get())),
                GetSetDef::read_only("unconsumed_tail", |_, object| Ok(cast::<Decompress>(object).pending.get())),
                GetSetDef::read_only("eof", |vm, object| Ok(vm.bool(cast::<Decompress>(object).ended.get() != 0))),
            ]
        },
        ..common("Decompress")
    }
}

pub fn buffering_spec() -> TypeSpec {
    TypeSpec {
        slots: Slots { new: Some(new_buffering), finalize: Some(finalize), ..Slots::default() },
        methods: const {
            &[MethodDef::method("decompress", 1, 3, decompress_buffering).with_keywords().with_doc("decompress($self, /, data, max_length=-1)\n--\n\nDecompress *data*, returning uncompressed data as bytes.\n\nIf *max_length* is nonnegative, returns at most *max_length* bytes of\ndecompressed data. If this limit is reached and further output can be\nproduced, *self.needs_input* will be set to ``False``. In this case, the next\ncall to *decompress()* may provide *data* as b\'\' to obtain more of the output.")]
        },
        getset: const {
            &[
                GetSetDef::read_only("unused_data", |_, object| Ok(cast::<Decompress>(object).unused.get())),
                GetSetDef::read_only("needs_input", |vm, object| {
                    Ok(vm.bool(cast::<Decompress>(object).needs_input.get() != 0))
                }),
                GetSetDef::read_only("eof", |vm, object| Ok(vm.bool(cast::<Decompress>(object).ended.get() != 0))),
            ]
        },
        doc: "Create a decompressor object for decompressing data incrementally.",
        ..common("_ZlibDecompressor")
    }
}

fn common(name: &'static str) -> TypeSpec {
    TypeSpec {
        module: "zlib",
        finalize: heap::Finalize::Guest,
        slots: Slots { finalize: Some(finalize), ..Slots::default() },
        ..TypeSpec::of::<Decompress>(name, Kind::Other)
    }
}

fn finalize(vm: &mut Vm, object: Value) -> PyResult<()> {
    let number = cast::<Decompress>(object).stream.replace(-1);
    vm.extension::<State>().inflates.remove(number);
    Ok(())
}

/// A fresh stream; `None` if the window is out of range.
pub fn inflate(window: i64) -> Option<Inflate> {
    match window {
        0 | 8..=15 | 24..=31 | 40..=47 => Some(Inflate::new(true, window as u8)),
        -15..=-8 => Some(Inflate::new(false, -window as u8)),
        _ => None,
    }
}

/// zlib's error number.
pub fn number(failure: InflateError) -> i32 {
    match failure {
        InflateError::NeedDict { .. } => 2,
        InflateError::StreamError => -2,
        InflateError::DataError => -3,
        InflateError::MemError => -4,
    }
}

/// What a run came to.
pub struct Progress {
    /// Bytes of the input that were used.
    pub used: usize,
    /// The end of the stream was reached.
    pub ended: bool,
}

/// Decompresses until the input, the stream or the room (`limit` bytes) ends.
pub fn run(
    inflate: &mut Inflate,
    input: &[u8],
    limit: usize,
    dictionary: &[u8],
    output: &mut Vec<u8>,
) -> Result<Progress, InflateError> {
    let mut chunk = vec![0; CHUNK];
    let mut used = 0;
    loop {
        let room = chunk.len().min(limit - output.len());
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let result = inflate.decompress(&input[used..], &mut chunk[..room], InflateFlush::SyncFlush);
        used += (inflate.total_in() - before_in) as usize;
        let written = (inflate.total_out() - before_out) as usize;
        output.put_all(&chunk[..written]);
        match result {
            Ok(Status::StreamEnd) => return Ok(Progress { used, ended: true }),
            Err(InflateError::NeedDict { .. }) if !dictionary.is_empty() => {
                inflate.set_dictionary(dictionary)?;
                continue;
            }
            Err(failure) => return Err(failure),
            Ok(_) => {}
        }
        if output.len() >= limit || written < room {
            return Ok(Progress { used, ended: false });
        }
    }
}

/// Of `zlib.decompressobj`.
pub fn new(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let class = vm.extension::<State>().decompress.expect("made with the module");
    make(vm, class, args, "decompressobj")
}

fn new_buffering(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    make(vm, ty, args, "_ZlibDecompressor")
}

fn make(vm: &mut Vm, class: TypeRef, args: &CallArgs, function: &str) -> PyResult {
    const PARAMETERS: Signature<2> = signature(["wbits", "zdict"], 0);
    let [window, dictionary] = args.bind(vm, function, &PARAMETERS)?;
    let window = int_or(vm, window, MAX_WBITS)?;
    let dictionary = if dictionary.is_null() {
        Value::NULL
    } else {
        let bytes = vm.bytes_like(dictionary)?;
        vm.new_bytes(bytes)
    };
    let Some(mut stream) = inflate(window) else {
        return Err(vm.value_error("Invalid initialization option"));
    };
    // Raw streams do not ask for it.
    if window < 0 && !dictionary.is_null() && stream.set_dictionary(vm.bytes(dictionary)).is_err() {
        return Err(vm.value_error("Invalid dictionary"));
    }
    let number = vm.extension::<State>().inflates.add(stream);
    let object = vm.new_instance(class);
    let fields = cast::<Decompress>(object);
    fields.stream.set(number);
    fields.dictionary.set(dictionary);
    fields.unused.set(vm.empty_bytes);
    fields.pending.set(vm.empty_bytes);
    fields.needs_input.set(1);
    vm.heap().register_finalizer(object);
    Ok(object)
}

/// Runs an object's stream over the input.
fn step(vm: &mut Vm, object: Value, input: &[u8], limit: usize, output: &mut Vec<u8>) -> PyResult<Progress> {
    let fields = cast::<Decompress>(object);
    let number_of_stream = fields.stream.get();
    let Some(mut stream) = vm.extension::<State>().inflates.take(number_of_stream) else {
        return Err(error(vm, -2, DOING, None));
    };
    let dictionary = fields.dictionary.get();
    let dictionary = if dictionary.is_null() { &[][..] } else { vm.bytes(dictionary) };
    let result = heap::caught(|| run(&mut stream, input, limit, dictionary, output));
    let text = stream.error_message();
    vm.extension::<State>().inflates.put(number_of_stream, stream);
    match result.unwrap_or_else(|_| heap::refuse()) {
        Ok(progress) => {
            if progress.ended {
                fields.ended.set(1);
            }
            Ok(progress)
        }
        Err(failure) => Err(error(vm, number(failure), DOING, text)),
    }
}

fn set_bytes(vm: &mut Vm, object: Value, field: &std::cell::Cell<Value>, bytes: &[u8]) {
    let bytes = vm.new_bytes(bytes);
    vm.write(object, field, bytes);
}

fn decompress(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> = Signature { skip: 1, positional_only: 1, ..signature(["data", "max_length"], 1) };
    let [data, limit] = args.bind(vm, "decompress", &PARAMETERS)?;
    let limit = match int_or(vm, limit, 0)? {
        0 => usize::MAX,
        limit @ 1.. => limit as usize,
        _ => return Err(vm.value_error("max_length must be non-negative")),
    };
    let input = vm.bytes_like(data)?;
    advance(vm, args.values[0], input, limit)
}

fn advance(vm: &mut Vm, object: Value, input: &[u8], limit: usize) -> PyResult {
    let fields = cast::<Decompress>(object);
    let mut output = Vec::new();
    let used = if fields.ended.get() != 0 { 0 } else { step(vm, object, input, limit, &mut output)?.used };
    let rest = &input[used..];
    if fields.ended.get() != 0 {
        let unused = heap::joined(&[vm.bytes(fields.unused.get()), rest]);
        set_bytes(vm, object, &fields.unused, &unused);
        set_bytes(vm, object, &fields.pending, &[]);
    } else {
        set_bytes(vm, object, &fields.pending, rest);
    }
    Ok(vm.new_bytes(&output))
}

fn flush(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let length = match args.get(1) {
        Some(length) => vm.index(length)?,
        None => DEF_BUF_SIZE,
    };
    if length <= 0 {
        return Err(vm.value_error("length must be greater than zero"));
    }
    let pending = cast::<Decompress>(args.values[0]).pending.get();
    let input = vm.bytes(pending);
    advance(vm, args.values[0], input, usize::MAX)
}

fn decompress_buffering(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> = Signature { skip: 1, ..signature(["data", "max_length"], 1) };
    let [data, limit] = args.bind(vm, "decompress", &PARAMETERS)?;
    let limit = usize::try_from(int_or(vm, limit, -1)?).unwrap_or(usize::MAX);
    let object = args.values[0];
    let fields = cast::<Decompress>(object);
    if fields.ended.get() != 0 {
        return Err(vm.eof_error("End of stream already reached"));
    }
    let input = heap::joined(&[vm.bytes(fields.pending.get()), vm.bytes_like(data)?]);
    let mut output = Vec::new();
    let progress = step(vm, object, &input, limit, &mut output)?;
    let rest = &input[progress.used..];
    if progress.ended {
        set_bytes(vm, object, &fields.unused, rest);
        set_bytes(vm, object, &fields.pending, &[]);
        fields.needs_input.set(0);
    } else {
        set_bytes(vm, object, &fields.pending, rest);
        // With the room used up there may be more to come from inside the stream.
        fields.needs_input.set((rest.is_empty() && output.len() < limit) as i64);
    }
    Ok(vm.new_bytes(&output))
}
