//! From the words of a sample to frames.

use super::code_map::Found;
use super::sample::{ADDRESSES, AT_ADDRESS, AT_EXIT, CUT_OFF, HEADER_WORDS, IN_CODE, INTERPRETED, WATCHED};
use super::{Activity, Doing, FramePlace, Stack};
use crate::cache::Cache;
use crate::language::Language;
use crate::thread::instruction_of;
use ir::{Attr, OpCode, Position, PositionId, Resume, TraceId};

/// Makes a stack of a sample.
pub(super) fn stack<L: Language>(cache: &Cache, words: &[u64]) -> Stack<L> {
    let activity = Activity::of_number(words[0] & 0xff);
    let found = if words[0] & INTERPRETED == 0 { find(cache, words) } else { None };
    let doing = match (activity, found) {
        (Activity::Running, None) if words[0] & WATCHED != 0 => Doing::Watched,
        // The tracer calls guest code that it does not record.
        (Activity::Running | Activity::Recording, None) if words[0] & INTERPRETED != 0 => Doing::Interpreting,
        (Activity::Running, None) => Doing::Entering,
        (Activity::Running, Some((found, is_pc))) => doing(cache, found, is_pc),
        (activity, _) => Doing::Other(activity),
    };
    let mut frames: Vec<FramePlace<L>> = Vec::new();
    for pair in words[HEADER_WORDS..].chunks_exact(2) {
        match (pair[0], pair[1]) {
            (AT_ADDRESS, _) => {
                if let Some((found, _)) = found {
                    in_trace(cache, found, &mut frames);
                }
            }
            (AT_EXIT, number) => at_exit(cache, number as u32, &mut frames),
            // A record that was just being made.
            (0, _) => {}
            (code, pc) => frames.push(place(code, instruction_of(pc as u32), None)),
        }
    }
    frames.reverse();
    Stack { frames, doing, is_cut_off: words[0] & CUT_OFF != 0, nanoseconds: 0, samples: 0 }
}

fn place<L: Language>(code: u64, pc: u32, compiled: Option<TraceId>) -> FramePlace<L> {
    // SAFETY: codes come from this language and live as long as the process.
    FramePlace { code: unsafe { &*(code as *const L::Code) }, pc, compiled }
}

/// Where compiled code is, and whether the program counter was there: else it stands in a call.
///
/// Of return addresses on the stack some are left over from calls that are done. Compiled code runs for one frame until that is left,
/// so what was found must belong to it.
fn find(cache: &Cache, words: &[u64]) -> Option<(Found, bool)> {
    let addresses = &words[1..=ADDRESSES];
    let is_innermost = |found: Found| match words.get(HEADER_WORDS..HEADER_WORDS + 2) {
        Some(&[AT_EXIT, number]) if cache.exit_numbers.has(number as u32) => {
            let (trace, exit) = cache.exit_of(number as u32);
            let op = found.op.and_then(|op| cache.trace(found.trace).input.trace.ops.get(op as usize));
            found.trace == trace && op.is_none_or(|op| op.exit == Some(exit))
        }
        Some(&[AT_ADDRESS, code]) => outermost(cache, found).is_none_or(|of_found| of_found == code),
        _ => true,
    };
    let mut at_pc = words[0] & IN_CODE != 0;
    let mut of_no_op = None;
    for &address in addresses.iter().filter(|&&address| address != 0) {
        // A return address is behind the call.
        let found = cache.code.find(address as usize - usize::from(!at_pc));
        match found.filter(|found| at_pc || (is_innermost(*found) && can_call(cache, *found))) {
            Some(found) if at_pc || found.op.is_some() => return Some((found, at_pc)),
            Some(found) => of_no_op = of_no_op.or(Some((found, false))),
            None => {}
        }
        at_pc = false;
    }
    // The way in or out; or code of no trace, a stub between traces and the functions they call.
    of_no_op
}

/// The code of the frame that a trace runs for.
fn outermost(cache: &Cache, found: Found) -> Option<u64> {
    let trace = &cache.trace(found.trace).input.trace;
    trace.stack_at(PositionId(0)).last().map(|position| position.code)
}

/// Whether an operation's code has calls: a word on the stack may be an address without being a return address.
fn can_call(cache: &Cache, found: Found) -> bool {
    let Some(op) = found.op.and_then(|op| cache.trace(found.trace).input.trace.ops.get(op as usize)) else {
        return true;
    };
    if let Attr::Callee(callee) = op.attr {
        // The poll for attention is the test of a flag.
        return cache.callees.is_none_or(|callees| !std::ptr::eq(callee, callees.poll));
    }
    use OpCode::*;
    matches!(op.code, New | NewItems | FltBox | IsFlt | FltUnbox | SetField | SetItem | InitItem | InitField)
}

fn doing(cache: &Cache, found: Found, is_pc: bool) -> Doing {
    let Found { trace, op } = found;
    if is_pc {
        return Doing::Compiled { trace, op };
    }
    let called = op.and_then(|op| cache.trace(trace).input.trace.ops.get(op as usize));
    match called.map(|op| (op.attr, op.code)) {
        Some((Attr::Callee(callee), _)) => Doing::Calling { trace, op: op.unwrap_or(0), callee: callee.name },
        Some((_, code)) => Doing::Runtime { trace, op: op.unwrap_or(0), what: code.row().text },
        None => Doing::Compiled { trace, op: None },
    }
}

/// The frames of running compiled code, innermost first.
fn in_trace<L: Language>(cache: &Cache, found: Found, frames: &mut Vec<FramePlace<L>>) {
    let cached = cache.trace(found.trace);
    let trace = &cached.input.trace;
    let at = found.op.and_then(|op| trace.ops.get(op as usize)).map(|op| op.at);
    let before = frames.len();
    frames.extend(
        at.into_iter()
            .flat_map(|at| trace.stack_at(at))
            .map(|&Position { code, pc, .. }| place(code, pc, Some(found.trace))),
    );
    if frames.len() > before {
        return;
    }
    // The way in or out.
    match cached.parent {
        Some((parent, exit)) => {
            let number = cache.trace(parent).input.first_exit + exit.0;
            at_exit(cache, number, frames);
        }
        None => frames.extend(trace.positions.first().map(|first| place(first.code, first.pc, Some(found.trace)))),
    }
}

/// The frames that an exit leaves to, innermost first.
fn at_exit<L: Language>(cache: &Cache, number: u32, frames: &mut Vec<FramePlace<L>>) {
    if !cache.exit_numbers.has(number) {
        return;
    }
    let (id, at) = cache.exit_of(number);
    let exit = &cache.trace(id).exits[at.0 as usize].exit;
    frames.extend(exit.frames.iter().rev().map(|frame| {
        let pc = frame.pc - u32::from(frame.resume == Resume::AfterCall);
        place(frame.code, pc, Some(id))
    }));
}
