//! Encodings of text streams: UTF-8, ASCII and Latin-1 here, others through the codec registry.

use heap::Value;
use objects::error::PyResult;
use objects::vm::Vm;

#[derive(Clone, Copy, PartialEq)]
enum Known {
    Utf8,
    Ascii,
    Latin1,
}

fn known(encoding: &str) -> Option<Known> {
    let name: String = encoding.to_ascii_lowercase().chars().filter(|c| !matches!(c, '-' | '_' | ' ')).collect();
    match name.as_str() {
        "utf8" | "u8" | "cp65001" => Some(Known::Utf8),
        "ascii" | "usascii" | "646" => Some(Known::Ascii),
        "latin1" | "iso88591" | "l1" | "8859" | "cp819" => Some(Known::Latin1),
        _ => None,
    }
}

/// LookupError if there is no such encoding.
pub fn check_encoding(vm: &mut Vm, encoding: &str) -> PyResult<()> {
    if known(encoding).is_some() {
        return Ok(());
    }
    let codecs = interp::import::import_module(vm, "codecs")?;
    let name = vm.new_str(encoding);
    vm.call_method(codecs, "lookup", &[name])?;
    Ok(())
}

/// Whether chunks can be decoded one by one with what [`unfinished_tail`] leaves.
pub fn is_incremental(encoding: &str) -> bool {
    known(encoding).is_some()
}

/// How many bytes at the end begin a character that is not complete.
pub fn unfinished_tail(encoding: &str, bytes: &[u8]) -> usize {
    if known(encoding) != Some(Known::Utf8) {
        return 0;
    }
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        if byte & 0xc0 == 0x80 {
            continue;
        }
        let wanted = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        return if wanted > back { back } else { 0 };
    }
    0
}

pub fn encode(vm: &mut Vm, text: Value, encoding: &str, errors: &str) -> PyResult<Vec<u8>> {
    let bytes = vm.str_bytes(text);
    match known(encoding) {
        Some(Known::Utf8) if std::str::from_utf8(bytes).is_ok() => return Ok(heap::copied(bytes)),
        Some(Known::Ascii | Known::Latin1) if bytes.is_ascii() => return Ok(heap::copied(bytes)),
        _ => {}
    }
    let (encoding, errors) = (vm.new_str(encoding), vm.new_str(errors));
    let encoded = objects::codecs::encode_object(vm, text, encoding, errors)?;
    match vm.bytes_of(encoded) {
        Some(bytes) => Ok(heap::copied(bytes)),
        None => Err(vm.type_error("encoder should return a bytes object")),
    }
}

pub fn decode(vm: &mut Vm, bytes: &[u8], encoding: &str, errors: &str) -> PyResult {
    match known(encoding) {
        Some(Known::Utf8) if std::str::from_utf8(bytes).is_ok() => return Ok(vm.new_str_bytes(bytes)),
        Some(Known::Ascii | Known::Latin1) if bytes.is_ascii() => return Ok(vm.new_str_bytes(bytes)),
        Some(Known::Latin1) => {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            return Ok(vm.new_str(&text));
        }
        _ => {}
    }
    let (encoding, errors) = (vm.new_str(encoding), vm.new_str(errors));
    let bytes = vm.new_bytes(bytes);
    objects::codecs::decode_object(vm, bytes, encoding, errors)
}
