//! From CPython's raw bytecode to fixed-width instructions.
//!
//! `EXTENDED_ARG` prefixes are folded into the instruction they extend, cache units are dropped, jump distances become
//! indices of instructions, and the exception table is read into entries over those indices.
//!
//! Requirement: the bytecode is well formed, as the compiler makes it; anything else is an `Err` with a reason.

use crate::code::{ExceptionEntry, Instruction};
use crate::opcode::{ArgKind, Op};

/// The instructions, the offset of each in bytes, and the exception entries.
pub type Decoded = (Box<[Instruction]>, Box<[u32]>, Box<[ExceptionEntry]>);

/// Memory to be used again from one code object to the next.
#[derive(Default)]
pub struct Scratch {
    /// For each code unit the index of the instruction that a jump to it reaches.
    index_of_unit: Vec<u32>,
    instructions: Vec<Instruction>,
    raw_offsets: Vec<u32>,
}

/// Decodes `co_code` and `co_exceptiontable`.
pub fn decode(code_bytes: &[u8], exception_table: &[u8], scratch: &mut Scratch) -> Result<Decoded, String> {
    let units = code_bytes.len() / 2;
    let Scratch { index_of_unit, instructions, raw_offsets } = scratch;
    instructions.clear();
    raw_offsets.clear();
    index_of_unit.clear();
    index_of_unit.resize(units + 1, 0);
    let mut unit = 0;
    while unit < units {
        let index = instructions.len() as u32;
        let mut arg = 0;
        let op = loop {
            let [number, low] = [code_bytes[2 * unit], code_bytes[2 * unit + 1]];
            arg = arg << 8 | u32::from(low);
            index_of_unit[unit] = index;
            let op = Op::from_number(number).ok_or_else(|| format!("no opcode {number}"))?;
            if op != Op::ExtendedArg {
                break op;
            }
            unit += 1;
            if unit == units {
                return Err("EXTENDED_ARG at the end".to_owned());
            }
        };
        raw_offsets.push(2 * unit as u32);
        instructions.push(Instruction { op, arg });
        let next = unit + 1 + op.cache_units();
        if next > units {
            return Err(format!("caches of {} cut off", op.name()));
        }
        index_of_unit[unit + 1..next].fill(index + 1);
        unit = next;
    }
    index_of_unit[units] = instructions.len() as u32;

    for (instruction, &offset) in instructions.iter_mut().zip(&*raw_offsets) {
        let next = offset / 2 + 1 + instruction.op.cache_units() as u32;
        let target = match instruction.op.arg_kind() {
            ArgKind::ForwardJump => next.checked_add(instruction.arg),
            ArgKind::BackwardJump => next.checked_sub(instruction.arg),
            _ => continue,
        };
        instruction.arg = target
            .and_then(|target| index_of_unit.get(target as usize).copied())
            .ok_or_else(|| format!("{} out of range", instruction.op.name()))?;
    }
    let exceptions = decode_exceptions(exception_table, index_of_unit)?;
    Ok((instructions[..].into(), raw_offsets[..].into(), exceptions))
}

fn decode_exceptions(table: &[u8], index_of_unit: &[u32]) -> Result<Box<[ExceptionEntry]>, String> {
    let mut rest = table;
    let mut entries = Vec::new();
    let index =
        |unit: u32| index_of_unit.get(unit as usize).copied().ok_or_else(|| "exception table out of range".to_owned());
    while !rest.is_empty() {
        let start = exception_varint(&mut rest)?;
        let size = exception_varint(&mut rest)?;
        let target = exception_varint(&mut rest)?;
        let depth_and_lasti = exception_varint(&mut rest)?;
        entries.push(ExceptionEntry {
            from: index(start)?,
            to: index(start + size)?,
            target: index(target)?,
            depth: depth_and_lasti >> 1,
            push_lasti: depth_and_lasti & 1 != 0,
        });
    }
    Ok(entries.into())
}

/// Six bits a byte, highest first; bit 6 says that more follow, bit 7 marks the start of an entry.
fn exception_varint(rest: &mut &[u8]) -> Result<u32, String> {
    let mut value = 0;
    loop {
        let (&byte, tail) = rest.split_first().ok_or_else(|| "exception table cut off".to_owned())?;
        *rest = tail;
        value = value << 6 | u32::from(byte & 63);
        if byte & 64 == 0 {
            return Ok(value);
        }
    }
}
