//! What stands on the evaluation stack before each instruction, as far as the code alone tells.

use objects::code::Code;
use std::collections::HashMap;
use syntax::{Instruction, Op};

/// What a value on the stack is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Iterator,
    /// The exception handled before, below a handler's own.
    Exception,
    Object,
    /// NULL in the place of a receiver.
    Null,
    /// Where the exception was raised that a handler raises again.
    Instruction,
}

/// The kinds of the values on the stack before each instruction that control can reach.
pub fn kinds(code: &Code) -> HashMap<usize, Vec<Kind>> {
    let source = &code.source;
    let mut known: HashMap<usize, Vec<Kind>> = HashMap::new();
    // RETURN_GENERATOR has for its effect what the generator is sent first.
    let mut work = vec![(0, Vec::new())];
    while let Some((pc, stack)) = work.pop() {
        if pc >= source.instructions.len() || known.contains_key(&pc) {
            continue;
        }
        known.insert(pc, stack.clone());
        if let Some(entry) = source.exceptions.iter().find(|entry| entry.from as usize <= pc && pc < entry.to as usize)
        {
            let mut handler = stack[..stack.len().min(entry.depth as usize)].to_vec();
            if entry.push_lasti {
                handler.push(Kind::Instruction);
            }
            handler.push(Kind::Exception);
            work.push((entry.target as usize, handler));
        }
        let instruction = source.instructions[pc];
        let after = follow(instruction, stack);
        let op = instruction.op;
        if op.is_jump() && op != Op::EndAsyncFor {
            work.push((instruction.arg as usize, after.clone()));
        }
        if !op.ends_block() {
            work.push((pc + 1, after));
        }
    }
    known
}

/// The kinds after an instruction.
fn follow(instruction: Instruction, mut stack: Vec<Kind>) -> Vec<Kind> {
    let Instruction { op, arg } = instruction;
    let top = stack.len();
    match op {
        Op::GetIter | Op::GetAiter => {
            stack.pop();
            stack.push(Kind::Iterator);
        }
        Op::PushExcInfo => stack.push(Kind::Exception),
        Op::PushNull => stack.push(Kind::Null),
        Op::Copy => stack.push(stack[top - arg as usize]),
        Op::Swap => stack.swap(top - 1, top - arg as usize),
        Op::LoadGlobal | Op::LoadAttr | Op::LoadSuperAttr => {
            let taken = match op {
                Op::LoadGlobal => 0,
                Op::LoadAttr => 1,
                _ => 3,
            };
            stack.truncate(top - taken);
            stack.push(Kind::Object);
            if arg & 1 != 0 {
                stack.push(Kind::Null);
            }
        }
        Op::LoadSpecial => {
            stack.pop();
            stack.extend([Kind::Object, Kind::Null]);
        }
        _ => {
            let effect = op.stack_effect(arg);
            stack.truncate(top.saturating_add_signed(effect.min(0) as isize));
            stack.extend(std::iter::repeat_n(Kind::Object, effect.max(0) as usize));
        }
    }
    stack
}
