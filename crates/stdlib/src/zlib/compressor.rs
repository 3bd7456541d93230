//! `zlib.Compress`.

use super::{MAX_WBITS, State, error, int_or};
use crate::support::signature;
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeSpec, flags};
use objects::vm::Vm;
use zlib_rs::{Deflate, DeflateConfig, DeflateError, DeflateFlush, Method, Status, Strategy};

layout! {
    Compress {
        /// Of the stream; -1 when finished.
        stream STREAM: i64;
    }
}

const CHUNK: usize = 16 * 1024;

pub fn spec() -> TypeSpec {
    TypeSpec {
        module: "zlib",
        flags: flags::NO_NEW,
        finalize: heap::Finalize::Guest,
        slots: Slots {
            finalize: Some(|vm, object| {
                let number = cast::<Compress>(object).stream.replace(-1);
                vm.extension::<State>().deflates.remove(number);
                Ok(())
            }),
            ..Slots::default()
        },
        methods: const {
            &[
                MethodDef::method("compress", 2, 2, |vm, args| {
                    let data = vm.bytes_like(args.values[1])?;
                    step(vm, args.values[0], data, DeflateFlush::NoFlush, "while compressing data")
                })
                .with_doc("compress($self, data, /)\n--\n\nReturns a bytes object containing compressed data.\n\n  data\n    Binary data to be compressed.\n\nAfter calling this function, some of the input data may still\nbe stored in internal buffers for later processing.\nCall the flush() method to clear these buffers."),
                MethodDef::method("flush", 1, 2, flush)
                    .with_doc("flush($self, mode=zlib.Z_FINISH, /)\n--\n\nReturn a bytes object containing any remaining compressed data.\n\n  mode\n    One of the constants Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH.\n    If mode == Z_FINISH, the compressor object can no longer be\n    used after calling the flush() method.  Otherwise, more data\n    can still be compressed."),
            ]
        },
        ..TypeSpec::of::<Compress>("Compress", Kind::Other)
    }
}

/// A fresh stream; `None` if a parameter is out of range.
pub fn deflate(level: i64, window: i64, memory: i64, strategy: i64) -> Option<Deflate> {
    let in_range = matches!(window, 8..=15 | 25..=31 | -15..=-9);
    if !in_range || !(-1..=9).contains(&level) || !(1..=9).contains(&memory) {
        return None;
    }
    Some(Deflate::new_with_config(DeflateConfig {
        level: level as i32,
        method: Method::Deflated,
        window_bits: if window == 8 { 9 } else { window as i32 },
        mem_level: memory as i32,
        strategy: Strategy::try_from(i32::try_from(strategy).ok()?).ok()?,
    }))
}

/// Compresses all of the input, and flushes as told.
pub fn run(
    deflate: &mut Deflate,
    mut input: &[u8],
    flush: DeflateFlush,
    output: &mut Vec<u8>,
) -> Result<(), DeflateError> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let (before_in, before_out) = (deflate.total_in(), deflate.total_out());
        let status = deflate.compress(input, &mut chunk, flush)?;
        input = &input[(deflate.total_in() - before_in) as usize..];
        let written = (deflate.total_out() - before_out) as usize;
        output.put_all(&chunk[..written]);
        let is_done = input.is_empty() && written < chunk.len();
        if status == Status::StreamEnd || is_done {
            return Ok(());
        }
    }
}

pub fn new(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<6> = signature(["level", "method", "wbits", "memLevel", "strategy", "zdict"], 0);
    let [level, method, window, memory, strategy, dictionary] = args.bind(vm, "compressobj", &PARAMETERS)?;
    let level = int_or(vm, level, -1)?;
    let method = int_or(vm, method, 8)?;
    let window = int_or(vm, window, MAX_WBITS)?;
    let memory = int_or(vm, memory, 8)?;
    let strategy = int_or(vm, strategy, 0)?;
    let dictionary = if dictionary.is_null() { None } else { Some(vm.bytes_like(dictionary)?) };
    let fresh = if method == 8 { deflate(level, window, memory, strategy) } else { None };
    let Some(mut stream) = fresh else {
        return Err(vm.value_error("Invalid initialization option"));
    };
    if let Some(dictionary) = dictionary
        && stream.set_dictionary(dictionary).is_err()
    {
        return Err(vm.value_error("Invalid dictionary"));
    }
    let state = vm.extension::<State>();
    let class = state.compress.expect("made with the module");
    let number = state.deflates.add(stream);
    let object = vm.new_instance(class);
    cast::<Compress>(object).stream.set(number);
    vm.heap().register_finalizer(object);
    Ok(object)
}

fn step(vm: &mut Vm, object: Value, data: &[u8], flush: DeflateFlush, doing: &str) -> PyResult {
    let number = cast::<Compress>(object).stream.get();
    let Some(mut stream) = vm.extension::<State>().deflates.take(number) else {
        return Err(error(vm, -2, doing, None));
    };
    let mut output = Vec::new();
    let result = run(&mut stream, data, flush, &mut output);
    let text = stream.error_message();
    let streams = &mut vm.extension::<State>().deflates;
    if flush == DeflateFlush::Finish && result.is_ok() {
        streams.remove(number);
        cast::<Compress>(object).stream.set(-1);
    } else {
        streams.put(number, stream);
    }
    match result {
        Ok(()) => Ok(vm.new_bytes(&output)),
        Err(failure) => Err(error(vm, failure as i32, doing, text)),
    }
}

fn flush(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let mode = match args.get(1) {
        Some(mode) => vm.index(mode)?,
        None => 4,
    };
    if mode == 0 {
        return Ok(vm.empty_bytes);
    }
    match i32::try_from(mode).ok().and_then(|mode| DeflateFlush::try_from(mode).ok()) {
        Some(mode) => step(vm, args.values[0], &[], mode, "while flushing"),
        None => Err(error(vm, -2, "while flushing", None)),
    }
}
