//! Storing code objects: a compact form that is fast to read.
//!
//! A number is a varint, seven bits a byte, lowest first. A string is a number: 0 is followed by a new string's
//! length and bytes, n refers to the n-th string so far; so a name costs one or two bytes where it comes again. The
//! instructions are stored as CPython's raw bytes without the caches and decoded again when read.

use crate::code::{Code, CodeFlags, Const, LocalKind};
use crate::decode;
use crate::opcode::Op;
use num_bigint::BigInt;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Of the format and of what the compiler makes of a source, for code is kept in files; stored first and checked when read.
const VERSION: u8 = 2;

/// Why bytes could not be read as a code object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(pub String);

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bad stored code: {}", self.0)
    }
}

impl std::error::Error for StoreError {}

/// Stores a code object with all nested in it.
pub fn write_code(code: &Code) -> Vec<u8> {
    let mut writer = Writer { out: vec![VERSION], strings: HashMap::new() };
    writer.string(&code.filename);
    writer.code(code);
    writer.out
}

/// Reads what `write_code` stored.
pub fn read_code(bytes: &[u8]) -> Result<Code, StoreError> {
    read(bytes, None)
}

/// As `read_code`, with another file name.
pub fn read_code_as(bytes: &[u8], filename: &str) -> Result<Code, StoreError> {
    read(bytes, Some(filename))
}

fn read(bytes: &[u8], filename: Option<&str>) -> Result<Code, StoreError> {
    let mut reader = Reader { rest: bytes, strings: Vec::new(), scratch: decode::Scratch::default() };
    if reader.byte()? != VERSION {
        return Err(StoreError("another version of the format".to_owned()));
    }
    let stored = reader.str()?;
    let filename = Arc::from(filename.unwrap_or(stored));
    let code = reader.code(&filename)?;
    if reader.rest.is_empty() { Ok(code) } else { Err(StoreError("trailing bytes".to_owned())) }
}

mod tag {
    pub const NONE: u8 = 0;
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const ELLIPSIS: u8 = 3;
    pub const INT: u8 = 4;
    pub const BIG_INT: u8 = 5;
    pub const FLOAT: u8 = 6;
    pub const COMPLEX: u8 = 7;
    pub const STR: u8 = 8;
    pub const WTF8: u8 = 9;
    pub const BYTES: u8 = 10;
    pub const TUPLE: u8 = 11;
    pub const FROZEN_SET: u8 = 12;
    pub const SLICE: u8 = 13;
    pub const CODE: u8 = 14;
}

struct Writer<'a> {
    out: Vec<u8>,
    strings: HashMap<&'a str, u64>,
}

impl<'a> Writer<'a> {
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    fn string(&mut self, text: &'a str) {
        let next = self.strings.len() as u64 + 1;
        match self.strings.get(text) {
            Some(&known) => self.number(known),
            None => {
                self.strings.insert(text, next);
                self.number(0);
                self.bytes(text.as_bytes());
            }
        }
    }

    fn strings(&mut self, texts: &'a [Box<str>]) {
        self.number(texts.len() as u64);
        for text in texts {
            self.string(text);
        }
    }

    fn code(&mut self, code: &'a Code) {
        self.string(&code.name);
        self.string(&code.qualname);
        for value in
            [code.first_line, code.flags.0, code.arg_count, code.posonly_count, code.kwonly_count, code.stack_size]
        {
            self.number(u64::from(value));
        }
        self.strings(&code.names);
        self.number(u64::from(code.var_count));
        self.strings(&code.local_names);
        self.strings(&code.cellvars);
        self.number(u64::from(code.free_count));
        self.out.extend(code.local_kinds.iter().map(|kind| kind.0));
        self.constants(&code.consts);
        self.bytes(&without_caches(&code.code_bytes));
        self.bytes(&code.line_table);
        self.bytes(&code.exception_table);
    }

    fn constants(&mut self, constants: &'a [Const]) {
        self.number(constants.len() as u64);
        for constant in constants {
            self.constant(constant);
        }
    }

    fn constant(&mut self, constant: &'a Const) {
        match constant {
            Const::None => self.out.push(tag::NONE),
            Const::True => self.out.push(tag::TRUE),
            Const::False => self.out.push(tag::FALSE),
            Const::Ellipsis => self.out.push(tag::ELLIPSIS),
            Const::Int(value) => {
                self.out.push(tag::INT);
                self.number((value << 1 ^ value >> 63) as u64);
            }
            Const::BigInt(value) => {
                self.out.push(tag::BIG_INT);
                self.bytes(&value.to_signed_bytes_le());
            }
            Const::Float(value) => {
                self.out.push(tag::FLOAT);
                self.out.extend(value.to_bits().to_le_bytes());
            }
            Const::Complex(re, im) => {
                self.out.push(tag::COMPLEX);
                self.out.extend(re.to_bits().to_le_bytes());
                self.out.extend(im.to_bits().to_le_bytes());
            }
            Const::Str(text) => {
                self.out.push(tag::STR);
                self.string(text);
            }
            Const::Wtf8(bytes) => {
                self.out.push(tag::WTF8);
                self.bytes(bytes);
            }
            Const::Bytes(bytes) => {
                self.out.push(tag::BYTES);
                self.bytes(bytes);
            }
            Const::Tuple(elements) => {
                self.out.push(tag::TUPLE);
                self.constants(elements);
            }
            Const::FrozenSet(elements) => {
                self.out.push(tag::FROZEN_SET);
                self.constants(elements);
            }
            Const::Slice(parts) => {
                self.out.push(tag::SLICE);
                self.constants(&parts[..]);
            }
            Const::Code(code) => {
                self.out.push(tag::CODE);
                self.code(code);
            }
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    strings: Vec<&'a str>,
    scratch: decode::Scratch,
}

type Read<T> = Result<T, StoreError>;

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Read<u8> {
        let (&byte, rest) = self.rest.split_first().ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(byte)
    }

    fn number(&mut self) -> Read<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let (mut value, mut shift) = (u64::from(first & 0x7f), 7);
        loop {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).wrapping_shl(shift);
            shift += 7;
            if byte < 0x80 {
                return Ok(value);
            }
        }
    }

    fn small(&mut self) -> Read<u32> {
        u32::try_from(self.number()?).map_err(|_| StoreError("number too large".to_owned()))
    }

    /// A count of things that take at least a byte each, so that it cannot exceed what is left.
    fn count(&mut self) -> Read<usize> {
        let count = self.number()? as usize;
        if count <= self.rest.len() { Ok(count) } else { Err(cut_off()) }
    }

    fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(taken)
    }

    fn bytes(&mut self) -> Read<&'a [u8]> {
        let count = self.count()?;
        self.take(count)
    }

    fn bits(&mut self) -> Read<u64> {
        let mut bits = [0; 8];
        bits.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bits))
    }

    fn str(&mut self) -> Read<&'a str> {
        match self.number()? as usize {
            0 => {
                let text =
                    std::str::from_utf8(self.bytes()?).map_err(|_| StoreError("string is not UTF-8".to_owned()))?;
                self.strings.push(text);
                Ok(text)
            }
            known => self.strings.get(known - 1).copied().ok_or_else(|| StoreError("unknown string".to_owned())),
        }
    }

    fn strings(&mut self) -> Read<Box<[Box<str>]>> {
        let count = self.count()?;
        (0..count).map(|_| self.str().map(Box::from)).collect()
    }

    fn code(&mut self, filename: &Arc<str>) -> Read<Code> {
        let name = self.str()?.into();
        let qualname = self.str()?.into();
        let first_line = self.small()?;
        let flags = CodeFlags(self.small()?);
        let arg_count = self.small()?;
        let posonly_count = self.small()?;
        let kwonly_count = self.small()?;
        let stack_size = self.small()?;
        let names = self.strings()?;
        let var_count = self.small()?;
        let local_names = self.strings()?;
        let cellvars = self.strings()?;
        let free_count = self.small()?;
        let total = local_names.len();
        if var_count as usize + free_count as usize > total {
            return Err(StoreError("locals do not add up".to_owned()));
        }
        let local_kinds = self.take(total)?.iter().map(|&k| LocalKind(k)).collect();
        let consts = self.constants(filename)?;
        let code_bytes = with_caches(self.bytes()?)?;
        let line_table = self.bytes()?.into();
        let exception_table: Box<[u8]> = self.bytes()?.into();
        let (instructions, raw_offsets, exceptions) =
            decode::decode(&code_bytes, &exception_table, &mut self.scratch).map_err(StoreError)?;
        Ok(Code {
            name,
            qualname,
            filename: filename.clone(),
            first_line,
            flags,
            arg_count,
            posonly_count,
            kwonly_count,
            names,
            var_count,
            free_count,
            cellvars,
            local_names,
            local_kinds,
            consts,
            stack_size,
            instructions,
            exceptions,
            raw_offsets,
            code_bytes,
            line_table,
            exception_table,
            positions: OnceLock::new(),
        })
    }

    fn constants(&mut self, filename: &Arc<str>) -> Read<Box<[Const]>> {
        let count = self.count()?;
        (0..count).map(|_| self.constant(filename)).collect()
    }

    fn constant(&mut self, filename: &Arc<str>) -> Read<Const> {
        Ok(match self.byte()? {
            tag::NONE => Const::None,
            tag::TRUE => Const::True,
            tag::FALSE => Const::False,
            tag::ELLIPSIS => Const::Ellipsis,
            tag::INT => {
                let value = self.number()?;
                Const::Int((value >> 1) as i64 ^ -((value & 1) as i64))
            }
            tag::BIG_INT => Const::BigInt(Box::new(BigInt::from_signed_bytes_le(self.bytes()?))),
            tag::FLOAT => Const::Float(f64::from_bits(self.bits()?)),
            tag::COMPLEX => {
                let re = f64::from_bits(self.bits()?);
                Const::Complex(re, f64::from_bits(self.bits()?))
            }
            tag::STR => Const::Str(self.str()?.into()),
            tag::WTF8 => Const::Wtf8(self.bytes()?.into()),
            tag::BYTES => Const::Bytes(self.bytes()?.into()),
            tag::TUPLE => Const::Tuple(self.constants(filename)?),
            tag::FROZEN_SET => Const::FrozenSet(self.constants(filename)?),
            tag::SLICE => {
                let parts: Box<[Const; 3]> = self
                    .constants(filename)?
                    .try_into()
                    .map_err(|_| StoreError("slice without three parts".to_owned()))?;
                Const::Slice(parts)
            }
            tag::CODE => Const::Code(Arc::new(self.code(filename)?)),
            other => return Err(StoreError(format!("unknown tag {other}"))),
        })
    }
}

fn cut_off() -> StoreError {
    StoreError("cut off".to_owned())
}

fn without_caches(code_bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(code_bytes.len());
    let mut at = 0;
    while at + 1 < code_bytes.len() {
        out.extend_from_slice(&code_bytes[at..at + 2]);
        at += 2 + 2 * cache_units(code_bytes[at]);
    }
    out
}

fn with_caches(stored: &[u8]) -> Read<Box<[u8]>> {
    let units = stored.chunks_exact(2);
    let total: usize = units.clone().map(|unit| 2 + 2 * cache_units(unit[0])).sum();
    let mut out = vec![0; total];
    let mut at = 0;
    for unit in units {
        out[at..at + 2].copy_from_slice(unit);
        at += 2 + 2 * cache_units(unit[0]);
    }
    Ok(out.into())
}

fn cache_units(number: u8) -> usize {
    Op::from_number(number).map_or(0, Op::cache_units)
}
