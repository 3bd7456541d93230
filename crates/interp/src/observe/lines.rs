//! Where lines start, as a tracer sees it.

use objects::code::Code;
use syntax::Op;

fn line_of(code: &Code, pc: u32) -> Option<u32> {
    code.source.position(pc as usize).line
}

/// Whether the instruction at `pc` begins a line after the one at `before` was executed. `resumes_count`: it does so, too,
/// where a frame begins or goes on in the line.
pub fn is_new_line(code: &'static Code, before: Option<u32>, pc: u32, resumes_count: bool) -> bool {
    if !code.line_starts.get_or_init(|| starts(code))[pc as usize] {
        return false;
    }
    let Some(before) = before else { return true };
    let resumes = resumes_count && code.source.instructions[before as usize].op == Op::Resume;
    resumes || line_of(code, before) != line_of(code, pc)
}

/// Whether control came round a loop that stands on one line: a tracer is told of the line anew.
pub fn goes_round_a_line(code: &'static Code, before: Option<u32>, pc: u32) -> bool {
    let Some(before) = before else { return false };
    let line = line_of(code, pc);
    let jumps = code.source.instructions[before as usize].op == Op::JumpBackward && pc <= before;
    jumps && line.is_some() && line == line_of(code, before)
}

/// The instructions that can begin a line: where the line changes in the order of the code, and whatever control jumps to.
fn starts(code: &Code) -> Box<[bool]> {
    let source = &code.source;
    let instructions = &source.instructions;
    let mut starts = vec![false; instructions.len()].into_boxed_slice();
    let first = instructions.iter().position(|instruction| instruction.op == Op::Resume).unwrap_or(0);
    let mut current = None;
    for (pc, instruction) in instructions.iter().enumerate().skip(first) {
        let line = line_of(code, pc as u32);
        // What a loop or delegation ends with is skipped by what precedes it, and RESUME tells of itself.
        if matches!(instruction.op, Op::EndAsyncFor | Op::EndFor | Op::EndSend | Op::PopIter | Op::Resume) {
            continue;
        }
        if line.is_some() && line != current {
            starts[pc] = true;
        }
        current = line;
    }
    for (pc, instruction) in instructions.iter().enumerate().skip(first) {
        let op = instruction.op;
        // END_ASYNC_FOR's argument is a distance, but where it leads is the next instruction anyway.
        let target = if op.is_jump() && op != Op::EndAsyncFor { instruction.arg as usize } else { continue };
        debug_assert!(target < instructions.len(), "the jump at {pc} stays in the code");
        if line_of(code, target as u32).is_some() && !matches!(instructions[target].op, Op::PopIter | Op::Resume) {
            starts[target] = true;
        }
    }
    for entry in &source.exceptions {
        if line_of(code, entry.target).is_some() {
            starts[entry.target as usize] = true;
        }
    }
    starts
}
