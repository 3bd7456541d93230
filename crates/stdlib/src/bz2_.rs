//! Module `_bz2`, over crate `bzip2`.

use crate::streams::Streams;
use crate::support::{self, signature};
use bzip2::{Action, Compress, Compression, Decompress, Status};
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, GetSetDef, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec};
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef { name: "_bz2", doc: "", functions: &[], init };

#[derive(Default)]
struct State {
    compressors: Streams<Compress>,
    decompressors: Streams<Decompress>,
}

layout! {
    Compressor {
        /// Of the stream; -1 when flushed.
        stream STREAM: i64;
    }
}

layout! {
    Decompressor {
        /// Of the stream; -1 at its end.
        stream STREAM_: i64;
        /// Bytes that there was no room to decompress.
        pending PENDING: Value;
        /// Bytes behind the end of the stream.
        unused UNUSED: Value;
        ended ENDED: i64;
        needs_input NEEDS_INPUT: i64;
    }
}

const CHUNK_BYTES: usize = 32 * 1024;

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    support::add_type(
        vm,
        module,
        TypeSpec {
            module: "_bz2",
            finalize: heap::Finalize::Guest,
            slots: Slots {
                new: Some(new_compressor),
                finalize: Some(|vm, object| {
                    let number = cast::<Compressor>(object).stream.replace(-1);
                    vm.extension::<State>().compressors.remove(number);
                    Ok(())
                }),
                ..Slots::default()
            },
            methods: const {
                &[
                    MethodDef::method("compress", 2, 2, |vm, args| {
                        let data = vm.bytes_like(args.values[1])?;
                        compress(vm, args.values[0], data, Action::Run, "Compressor has been flushed")
                    })
                    .with_doc("compress($self, data, /)\n--\n\nProvide data to the compressor object.\n\n  data\n    Data to compress.\n\nReturns a chunk of compressed data if possible, or b'' otherwise."),
                    MethodDef::method("flush", 1, 1, |vm, args| {
                        compress(vm, args.values[0], &[], Action::Finish, "Repeated call to flush()")
                    })
                    .with_doc("flush($self, /)\n--\n\nFinish the compression process.\n\nReturns the compressed data left in internal buffers."),
                ]
            },
            doc: "BZ2Compressor(compresslevel=9, /)\n--\n\nCreate a compressor object for compressing data incrementally.",
            ..TypeSpec::of::<Compressor>("BZ2Compressor", Kind::Other)
        },
    );
    support::add_type(
        vm,
        module,
        TypeSpec {
            module: "_bz2",
            finalize: heap::Finalize::Guest,
            slots: Slots {
                new: Some(new_decompressor),
                finalize: Some(|vm, object| {
                    let number = cast::<Decompressor>(object).stream.replace(-1);
                    vm.extension::<State>().decompressors.remove(number);
                    Ok(())
                }),
                ..Slots::default()
            },
            methods: const {
                &[MethodDef::method("decompress", 1, 3, decompress).with_keywords().with_doc("decompress($self, /, data, max_length=-1)\n--\n\nDecompress *data*, returning uncompressed data as bytes.")]
            },
            getset: const {
                &[
                    GetSetDef::read_only(
                        "eof",
                        |vm, object| Ok(vm.bool(cast::<Decompressor>(object).ended.get() != 0)),
                    ),
                    GetSetDef::read_only("needs_input", |vm, object| {
                        Ok(vm.bool(cast::<Decompressor>(object).needs_input.get() != 0))
                    }),
                    GetSetDef::read_only("unused_data", |_, object| Ok(cast::<Decompressor>(object).unused.get())),
                ]
            },
            doc: "BZ2Decompressor()\n--\n\nCreate a decompressor object for decompressing data incrementally.",
            ..TypeSpec::of::<Decompressor>("BZ2Decompressor", Kind::Other)
        },
    );
    Ok(())
}

fn new_compressor(vm: &mut Vm, class: TypeRef, args: &CallArgs) -> PyResult {
    let values = support::positional(vm, class, "BZ2Compressor", args, 0, 1)?;
    let level = match values.first() {
        Some(level) => vm.index(*level)?,
        None => 9,
    };
    if !(1..=9).contains(&level) {
        return Err(vm.value_error("compresslevel must be between 1 and 9"));
    }
    let stream = Compress::new(Compression::new(level as u32), 0);
    let number = vm.extension::<State>().compressors.add(stream);
    let object = vm.new_instance(class);
    cast::<Compressor>(object).stream.set(number);
    vm.heap().register_finalizer(object);
    Ok(object)
}

fn compress(vm: &mut Vm, object: Value, mut data: &[u8], action: Action, flushed: &str) -> PyResult {
    let number = cast::<Compressor>(object).stream.get();
    let Some(mut stream) = vm.extension::<State>().compressors.take(number) else {
        return Err(vm.value_error(flushed));
    };
    let mut output = Vec::new();
    loop {
        output.make_room(CHUNK_BYTES);
        let before = stream.total_in();
        let status = stream.compress_vec(data, &mut output, action).expect("the calls come in order");
        data = &data[(stream.total_in() - before) as usize..];
        if status == Status::StreamEnd || (action == Action::Run && data.is_empty()) {
            break;
        }
    }
    if action == Action::Finish {
        cast::<Compressor>(object).stream.set(-1);
        vm.extension::<State>().compressors.remove(number);
    } else {
        vm.extension::<State>().compressors.put(number, stream);
    }
    Ok(vm.new_bytes(&output))
}

fn new_decompressor(vm: &mut Vm, class: TypeRef, args: &CallArgs) -> PyResult {
    support::positional(vm, class, "BZ2Decompressor", args, 0, 0)?;
    let number = vm.extension::<State>().decompressors.add(Decompress::new(false));
    let object = vm.new_instance(class);
    let this = cast::<Decompressor>(object);
    this.stream.set(number);
    this.needs_input.set(1);
    this.pending.set(vm.empty_bytes);
    this.unused.set(vm.empty_bytes);
    vm.heap().register_finalizer(object);
    Ok(object)
}

/// `decompress(data, max_length=-1)`: what there is no room for waits for the next call.
fn decompress(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> = Signature { skip: 1, ..signature(["data", "max_length"], 1) };
    let [data, limit] = args.bind(vm, "decompress", &PARAMETERS)?;
    let object = args.values[0];
    let limit = if limit.is_null() { -1 } else { vm.index(limit)? };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut input = heap::copied(vm.bytes_of(cast::<Decompressor>(object).pending.get()).unwrap_or(&[]));
    input.put_all(vm.bytes_like(data)?);
    let number = cast::<Decompressor>(object).stream.get();
    let Some(mut stream) = vm.extension::<State>().decompressors.take(number) else {
        return Err(vm.raise(vm.exc.eof_error, "End of stream already reached"));
    };
    let mut output = Vec::new();
    let mut rest = &input[..];
    let mut failed = false;
    let mut ended = false;
    loop {
        let room = CHUNK_BYTES.min(limit - output.len());
        if room == 0 {
            break;
        }
        let mut chunk = heap::zeros(room);
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let status = stream.decompress(rest, &mut chunk);
        rest = &rest[(stream.total_in() - before_in) as usize..];
        let count = (stream.total_out() - before_out) as usize;
        output.put_all(&chunk[..count]);
        match status {
            Ok(Status::StreamEnd) => ended = true,
            Ok(_) => {}
            Err(_) => failed = true,
        }
        if ended || failed || (rest.is_empty() && count < room) {
            break;
        }
    }
    let this = cast::<Decompressor>(object);
    if ended {
        this.stream.set(-1);
        this.ended.set(1);
        vm.extension::<State>().decompressors.remove(number);
    } else {
        vm.extension::<State>().decompressors.put(number, stream);
    }
    if failed {
        return Err(crate::vm_ext::VmExt::os_error_text(vm, "Invalid data stream"));
    }
    let is_full = !ended && output.len() == limit;
    let left = vm.new_bytes(rest);
    let this = cast::<Decompressor>(object);
    this.needs_input.set((!ended && !is_full && rest.is_empty()) as i64);
    let empty = vm.empty_bytes;
    vm.write(object, &this.pending, if ended { empty } else { left });
    vm.write(object, &this.unused, if ended { left } else { empty });
    Ok(vm.new_bytes(&output))
}
