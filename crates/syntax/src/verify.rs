//! Checks that a code object is sane: every index and jump in range, and a stack depth that every path agrees on.
//!
//! An abstract interpretation over depths: start at 0 (and at each handler with its entry's depth), follow both ways
//! of every jump. Two paths that meet must bring one depth, no depth is negative or above `stack_size`.

use crate::code::{Code, Const};
use crate::opcode::{ArgKind, Op};

/// Checks a code object and all nested in it; an `Err` says where and what is wrong.
pub fn verify(code: &Code) -> Result<(), String> {
    let fail = |what: String| Err(format!("{} in {}: {what}", code.qualname, code.filename));
    if let Err(what) = verify_indices(code).and_then(|()| verify_depths(code)) {
        return fail(what);
    }
    for constant in &code.consts {
        if let Const::Code(inner) = constant {
            verify(inner)?;
        }
    }
    Ok(())
}

fn verify_indices(code: &Code) -> Result<(), String> {
    let count = code.instructions.len();
    let locals = code.local_names.len();
    if code.local_kinds.len() != locals || code.raw_offsets.len() != count {
        return Err("tables of different lengths".to_owned());
    }
    if code.positions().len() != count {
        return Err("positions of another length".to_owned());
    }
    for (index, instruction) in code.instructions.iter().enumerate() {
        let (op, arg) = (instruction.op, instruction.arg as usize);
        let fits = match op.arg_kind() {
            ArgKind::None | ArgKind::Value => op != Op::ExtendedArg && op != Op::Cache,
            ArgKind::Const => arg < code.consts.len(),
            ArgKind::Name => arg >> op.name_shift() < code.names.len(),
            ArgKind::Local if op.has_local_pair() => arg >> 4 < locals && arg & 15 < locals,
            ArgKind::Local => arg < locals,
            ArgKind::ForwardJump => arg > index && arg < count,
            ArgKind::BackwardJump => arg <= index,
        };
        if !fits {
            return Err(format!("{index}: {} {arg} out of range", op.name()));
        }
    }
    for entry in &code.exceptions {
        let ordered = entry.from < entry.to && entry.to as usize <= count;
        if !ordered || entry.target as usize >= count {
            return Err(format!("bad exception entry {entry:?}"));
        }
    }
    match code.instructions.last() {
        Some(last) if last.op.ends_block() => Ok(()),
        _ => Err("control runs off the end".to_owned()),
    }
}

fn verify_depths(code: &Code) -> Result<(), String> {
    let mut depths: Vec<Option<i32>> = vec![None; code.instructions.len()];
    let mut work = vec![(0usize, 0i32)];
    for entry in &code.exceptions {
        let depth = entry.depth as i32 + i32::from(entry.push_lasti) + 1;
        work.push((entry.target as usize, depth));
    }
    while let Some((index, depth)) = work.pop() {
        match depths[index] {
            Some(known) if known == depth => continue,
            Some(known) => return Err(format!("{index}: depths {known} and {depth} meet")),
            None => depths[index] = Some(depth),
        }
        if depth < 0 || depth > code.stack_size as i32 {
            return Err(format!("{index}: depth {depth} of {}", code.stack_size));
        }
        let instruction = code.instructions[index];
        let op = instruction.op;
        let after = depth + op.stack_effect(instruction.arg);
        let jumps = op.is_jump() && op != Op::EndAsyncFor;
        if jumps {
            work.push((instruction.arg as usize, after));
        }
        if !op.ends_block() {
            work.push((index + 1, after));
        }
    }
    Ok(())
}
