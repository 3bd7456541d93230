//! Where the code of each operation lies, and code as text, for the log: each operation, and below it the instructions made for it.

use super::encode::Asm;
use crate::backend::{CompileInput, OpPlace};
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter};
use ir::Trace;
use std::fmt::Write;

/// Of the code at `entry`. Behind the marks of all operations come those of their slow paths, and what belongs to none.
pub(super) fn places(entry: usize, input: &CompileInput, marks: &[(u32, u32)]) -> Vec<OpPlace> {
    let place = |pair: &[(u32, u32)]| {
        let ((from, op), (to, _)) = (pair[0], pair[1]);
        let is_op = (op as usize) < input.trace.ops.len() && from < to;
        is_op.then(|| OpPlace { from: entry + from as usize, to: entry + to as usize, trace: input.id, op })
    };
    marks.windows(2).filter_map(place).collect()
}

/// The code, with addresses that count from its entry. `marks` says where the code of each operation begins; behind the last operation stand their slow
/// paths, then the exits.
pub(super) fn text(asm: &Asm, trace: &Trace, marks: &[(u32, u32)]) -> String {
    let code = &asm.code[..asm.code.len() - asm.pool_bytes()];
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut formatter = IntelFormatter::new();
    let mut marks = marks.iter().peekable();
    let mut instruction = Instruction::default();
    let mut text = String::from("; entry\n");
    let mut line = String::new();
    while decoder.can_decode() {
        let at = decoder.position() as u32;
        while let Some(&(_, index)) = marks.next_if(|&&(mark, _)| mark <= at) {
            match trace.ops.get(index as usize) {
                Some(_) => writeln!(text, "; {}", ir::text::op_text(trace, index as usize)),
                None => writeln!(text, "; what belongs to none"),
            }
            .expect("a string takes all");
        }
        decoder.decode_out(&mut instruction);
        line.clear();
        formatter.format(&instruction, &mut line);
        writeln!(text, "{:x}  {line}", instruction.ip()).expect("a string takes all");
    }
    text
}
