//! Code as text, for the log: each operation, and below it the instructions made for it.

use super::encode::Asm;
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter};
use ir::Trace;
use std::fmt::Write;

/// The code at `entry`. `marks` says where the code of each operation begins; behind the last operation stand slow paths and
/// exits.
pub(super) fn text(asm: &Asm, entry: usize, trace: &Trace, marks: &[(u32, u32)]) -> String {
    let code = &asm.code[..asm.code.len() - asm.pool_bytes()];
    let mut decoder = Decoder::with_ip(64, code, entry as u64, DecoderOptions::NONE);
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
                None => writeln!(text, "; slow paths and exits"),
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
