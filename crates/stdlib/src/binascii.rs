//! Module `binascii`: bytes as text of a few characters, and checksums.

mod quoted_printable;

use crate::support::{self, signature};
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, MANY, MethodDef, Signature};
use objects::error::{PyResult, Raised};
use objects::module::ModuleDef;
use objects::ty::TypeRef;
use objects::vm::Vm;

pub static MODULE: ModuleDef =
    ModuleDef { name: "binascii", doc: "Conversion between binary data and ASCII", functions: FUNCTIONS, init };

#[derive(Default)]
struct State {
    error: Option<TypeRef>,
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("a2b_base64", 0, MANY, from_base64)
        .with_keywords()
        .with_doc("a2b_base64($module, data, /, *, strict_mode=False)\n--\n\nDecode a line of base64 data.\n\n  strict_mode\n    When set to True, bytes that are not part of the base64 standard are not allowed.\n    The same applies to excess data after padding (= / ==)."),
    MethodDef::function("b2a_base64", 0, MANY, to_base64)
        .with_keywords()
        .with_doc("b2a_base64($module, data, /, *, newline=True)\n--\n\nBase64-code line of data."),
    MethodDef::function("a2b_hex", 1, 1, from_hex)
        .with_doc("a2b_hex($module, hexstr, /)\n--\n\nBinary data of hexadecimal representation.\n\nhexstr must contain an even number of hex digits (upper or lower case).\nThis function is also available as \"unhexlify()\"."),
    MethodDef::function("unhexlify", 1, 1, from_hex)
        .with_doc("unhexlify($module, hexstr, /)\n--\n\nBinary data of hexadecimal representation.\n\nhexstr must contain an even number of hex digits (upper or lower case)."),
    MethodDef::function("b2a_hex", 0, MANY, |vm, args| to_hex(vm, args, "b2a_hex")).with_keywords().with_doc(TO_HEX),
    MethodDef::function("hexlify", 0, MANY, |vm, args| to_hex(vm, args, "hexlify")).with_keywords().with_doc(TO_HEX),
    MethodDef::function("a2b_uu", 1, 1, from_uu).with_doc("a2b_uu($module, data, /)\n--\n\nDecode a line of uuencoded data."),
    MethodDef::function("b2a_uu", 0, MANY, to_uu)
        .with_keywords()
        .with_doc("b2a_uu($module, data, /, *, backtick=False)\n--\n\nUuencode line of data."),
    MethodDef::function("a2b_qp", 0, 2, quoted_printable::decode_function)
        .with_keywords()
        .with_doc("a2b_qp($module, /, data, header=False)\n--\n\nDecode a string of qp-encoded data."),
    MethodDef::function("b2a_qp", 0, 4, quoted_printable::encode_function)
        .with_keywords()
        .with_doc("b2a_qp($module, /, data, quotetabs=False, istext=True, header=False)\n--\n\nEncode a string using quoted-printable encoding.\n\nOn encoding, when istext is set, newlines are not encoded, and white\nspace at end of lines is.  When istext is not set, \\r and \\n (CR/LF)\nare both encoded.  When quotetabs is set, space and tabs are encoded."),
    MethodDef::function("crc32", 1, 2, |vm, args| {
        let start = match args.get(1) {
            Some(start) => low_bits(vm, start)?,
            None => 0,
        };
        let bytes = vm.bytes_like(args.values[0])?;
        Ok(vm.int(zlib_rs::crc32::crc32(start, bytes) as i64))
    })
    .with_doc("crc32($module, data, crc=0, /)\n--\n\nCompute CRC-32 incrementally."),
    MethodDef::function("crc_hqx", 2, 2, |vm, args| {
        let start = low_bits(vm, args.values[1])? & 0xffff;
        let crc = vm.bytes_like(args.values[0])?.iter().fold(start, |crc, byte| {
            (0..8).fold(crc ^ (*byte as u32) << 8, |crc, _| {
                let shifted = crc << 1;
                if crc & 0x8000 != 0 { (shifted ^ 0x1021) & 0xffff } else { shifted & 0xffff }
            })
        });
        Ok(vm.int(crc as i64))
    })
    .with_doc("crc_hqx($module, data, crc, /)\n--\n\nCompute CRC-CCITT incrementally."),
];

const TO_HEX: &str = "hexlify($module, /, data, sep=<unrepresentable>, bytes_per_sep=1)\n--\n\nHexadecimal representation of binary data.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from the\n    right, negative values count from the left.";

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let error = support::new_exception(vm, "binascii", "Error", vm.exc.value_error)?;
    vm.module_set(module, "Error", error.value());
    vm.extension::<State>().error = Some(error);
    let incomplete = support::new_exception(vm, "binascii", "Incomplete", vm.exc.exception)?;
    vm.module_set(module, "Incomplete", incomplete.value());
    Ok(())
}

fn error(vm: &mut Vm, message: impl Into<String>) -> Raised {
    let error = vm.extension::<State>().error.expect("made with the module");
    vm.raise(error, message)
}

/// Bytes, or ASCII text as such.
fn ascii_or_bytes(vm: &mut Vm, value: Value) -> PyResult<&'static [u8]> {
    if vm.is_str(value) {
        if !objects::str::is_ascii(vm.exact_str(value)) {
            return Err(vm.value_error("string argument should contain only ASCII characters"));
        }
        return Ok(vm.str_bytes(value));
    }
    match vm.bytes_like_opt(value)? {
        Some(bytes) => Ok(bytes),
        None => {
            let given = vm.type_name(value);
            Err(vm.type_error(format!("argument should be bytes, buffer or ASCII string, not '{given}'")))
        }
    }
}

/// The low 32 bits of an int of any size.
fn low_bits(vm: &mut Vm, value: Value) -> PyResult<u32> {
    let int = vm.index_big(value)?;
    let big = vm.as_bigint(int).expect("an int");
    let mut bytes = big.to_signed_bytes_le();
    let sign = if big.sign() == num_bigint::Sign::Minus { 0xff } else { 0 };
    bytes.resize(bytes.len().max(4), sign);
    Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

fn flag(vm: &mut Vm, value: Value, default: bool) -> PyResult<bool> {
    if value.is_null() { Ok(default) } else { vm.truth(value) }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64_digit(byte: u8) -> Option<u8> {
    BASE64.iter().position(|digit| *digit == byte).map(|digit| digit as u8)
}

/// 255 for what is no digit.
static BASE64_DIGITS: std::sync::LazyLock<[u8; 256]> =
    std::sync::LazyLock::new(|| std::array::from_fn(|byte| base64_digit(byte as u8).unwrap_or(255)));

fn from_base64(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> =
        Signature { positional_only: 1, max_positional: 1, ..signature(["data", "strict_mode"], 1) };
    let [data, strict] = args.bind(vm, "a2b_base64", &PARAMETERS)?;
    let bytes = ascii_or_bytes(vm, data)?;
    let strict = flag(vm, strict, false)?;
    match decode_base64(bytes, strict) {
        Ok(decoded) => Ok(vm.new_bytes(&decoded)),
        Err(message) => Err(error(vm, message)),
    }
}

/// Outside strict mode what is no digit is skipped, and padding counts only where it completes a quartet.
fn decode_base64(bytes: &[u8], strict: bool) -> Result<Vec<u8>, String> {
    let fail = |message: &str| Err(message.to_owned());
    let digits = &*BASE64_DIGITS;
    if strict && bytes.first() == Some(&b'=') {
        return fail("Leading padding not allowed");
    }
    let mut decoded = heap::vec_with_capacity(bytes.len() / 4 * 3 + 3);
    let (mut place, mut left, mut pads, mut padding_started) = (0, 0u8, 0, false);
    for (i, &byte) in bytes.iter().enumerate() {
        if byte == b'=' {
            padding_started = true;
            if strict && place == 0 {
                return fail(if i == 0 { "Leading padding not allowed" } else { "Excess padding not allowed" });
            }
            pads += 1;
            if strict && place >= 2 && place + pads >= 4 && i + 1 < bytes.len() {
                return fail(match bytes[i + 1] {
                    b'=' => "Excess padding not allowed",
                    next if digits[usize::from(next)] == 255 => "Only base64 data is allowed",
                    _ => "Excess data after padding",
                });
            }
            continue;
        }
        let digit = digits[byte as usize];
        if digit == 255 {
            if strict {
                return fail("Only base64 data is allowed");
            }
            continue;
        }
        if strict && padding_started {
            return fail("Discontinuous padding not allowed");
        }
        pads = 0;
        match place {
            0 => left = digit,
            1 => {
                decoded.put(left << 2 | digit >> 4);
                left = digit & 0xf;
            }
            2 => {
                decoded.put(left << 4 | digit >> 2);
                left = digit & 3;
            }
            _ => decoded.put(left << 6 | digit),
        }
        place = (place + 1) % 4;
    }
    match place {
        0 => Ok(decoded),
        2.. if place + pads >= 4 => Ok(decoded),
        1 => {
            let count = decoded.len() / 3 * 4 + 1;
            Err(format!(
                "Invalid base64-encoded string: number of data characters ({count}) cannot be 1 more than a multiple of 4"
            ))
        }
        _ => fail("Incorrect padding"),
    }
}

fn to_base64(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> =
        Signature { positional_only: 1, max_positional: 1, ..signature(["data", "newline"], 1) };
    let [data, newline] = args.bind(vm, "b2a_base64", &PARAMETERS)?;
    let bytes = vm.bytes_like(data)?;
    let newline = flag(vm, newline, true)?;
    let mut text = heap::vec_with_capacity(bytes.len().div_ceil(3) * 4 + 1);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | *byte as u32) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = BASE64[(bits >> (18 - 6 * place)) as usize & 63];
            text.put(if place <= chunk.len() { digit } else { b'=' });
        }
    }
    if newline {
        text.put(b'\n');
    }
    Ok(vm.new_bytes(&text))
}

fn from_hex(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let digits = ascii_or_bytes(vm, args.values[0])?;
    if digits.len() % 2 != 0 {
        return Err(error(vm, "Odd-length string"));
    }
    let mut bytes = heap::vec_with_capacity(digits.len() / 2);
    for pair in digits.chunks_exact(2) {
        let digit = |byte: u8| (byte as char).to_digit(16);
        let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else {
            return Err(error(vm, "Non-hexadecimal digit found"));
        };
        bytes.put((high << 4 | low) as u8);
    }
    Ok(vm.new_bytes(&bytes))
}

/// As the method of bytes, but as bytes.
fn to_hex(vm: &mut Vm, args: &CallArgs, function: &str) -> PyResult {
    const PARAMETERS: Signature<3> = signature(["data", "sep", "bytes_per_sep"], 1);
    let [data, separator, group] = args.bind(vm, function, &PARAMETERS)?;
    let bytes = vm.bytes_like(data)?;
    let bytes = vm.new_bytes(bytes);
    let text = match (separator.is_null(), group.is_null()) {
        (true, _) => vm.call_method(bytes, "hex", &[])?,
        (false, true) => vm.call_method(bytes, "hex", &[separator])?,
        (false, false) => vm.call_method(bytes, "hex", &[separator, group])?,
    };
    Ok(vm.new_bytes(vm.str_bytes(text)))
}

fn from_uu(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let line = ascii_or_bytes(vm, args.values[0])?;
    let Some((&first, mut rest)) = line.split_first() else {
        return Err(error(vm, "Missing length byte"));
    };
    let count = (first.wrapping_sub(b' ') & 0x3f) as usize;
    let mut bytes = heap::vec_with_capacity(count);
    let (mut bits, mut held) = (0u32, 0);
    while bytes.len() < count {
        // A line that was cut off stands for one that ends with spaces.
        let digit = match rest.split_first() {
            None | Some((b'\n' | b'\r', _)) => 0,
            Some((&byte, behind)) => {
                if !(b' '..=b' ' + 64).contains(&byte) {
                    return Err(error(vm, "Illegal char"));
                }
                rest = behind;
                (byte - b' ') & 0x3f
            }
        };
        bits = bits << 6 | digit as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.put((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    // Encoders may pad the last group.
    if rest.iter().any(|byte| !matches!(byte, b' ' | b'`' | b'\n' | b'\r')) {
        return Err(error(vm, "Trailing garbage"));
    }
    Ok(vm.new_bytes(&bytes))
}

fn to_uu(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> =
        Signature { positional_only: 1, max_positional: 1, ..signature(["data", "backtick"], 1) };
    let [data, backtick] = args.bind(vm, "b2a_uu", &PARAMETERS)?;
    let bytes = vm.bytes_like(data)?;
    let backtick = flag(vm, backtick, false)?;
    if bytes.len() > 45 {
        return Err(error(vm, "At most 45 bytes at once"));
    }
    let character = |digit: u32| if digit == 0 && backtick { b'`' } else { digit as u8 + b' ' };
    let mut line = vec![character(bytes.len() as u32)];
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | *byte as u32) << (8 * (3 - chunk.len()));
        line.extend((0..4).map(|place| character(bits >> (18 - 6 * place) & 63)));
    }
    line.put(b'\n');
    Ok(vm.new_bytes(&line))
}
