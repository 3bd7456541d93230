//! Assignment to `f_lineno` by a tracer: the frame goes on elsewhere.
//!
//! A tracer may go to any instruction that begins the line and finds what it expects on the stack. What that is follows
//! from the code alone: each instruction gets the kinds of the values below it by following control from the entry. The
//! values that are too many at the target are dropped; none can be added.

use super::{Event, observation};
use crate::frame_object::{self, code_of};
use crate::slots::{self, FIRST_LOCAL};
use crate::stack_kinds::{Kind, kinds};
use heap::Value;
use objects::code::Code;
use objects::error::PyResult;
use objects::vm::Vm;

/// `frame.f_lineno = line`.
pub fn set_line(vm: &mut Vm, frame: Value, line: Value) -> PyResult<()> {
    if line.is_null() {
        let message = "attribute 'f_lineno' of 'frame' objects cannot be deleted";
        return Err(vm.raise(vm.exc.attribute_error, message));
    }
    if !vm.is_int(line) {
        return Err(vm.value_error("lineno must be an integer"));
    }
    match observation(vm).event {
        Some(Event::Line | Event::Resume | Event::Yield) => {}
        Some(Event::Call) => return Err(vm.value_error("can't jump from the 'call' trace event of a new frame")),
        Some(_) => return Err(vm.value_error("can only jump from a 'line' trace event")),
        None => return Err(vm.value_error("f_lineno can only be set in a trace function")),
    }
    let line = vm.index(line)?;
    let Some(record) = frame_object::record_of(vm, frame) else {
        return Err(vm.value_error("f_lineno can only be set in a trace function"));
    };
    let code = code_of(frame);
    // SAFETY: the record of a live frame.
    let at = unsafe { (*record).instruction() } as usize;
    let (target, drop) = match target(code, at, line) {
        Ok(found) => found,
        Err(message) => return Err(vm.value_error(message)),
    };
    bind_unset(vm, code, frame)?;
    // SAFETY: as above; the stack holds what `kinds` says, so there are that many values to drop.
    unsafe {
        for kind in drop {
            (*record).sp -= 1;
            if kind == Kind::Exception {
                // As POP_EXCEPT would.
                *(*record).slots.add(slots::HANDLED) = *(*record).slots.add((*record).sp as usize);
            }
        }
        (*record).pc = target as u32;
    }
    Ok(())
}

/// The instruction to go to, and the kinds of the values to drop, topmost first.
fn target(code: &Code, at: usize, line: i64) -> Result<(usize, Vec<Kind>), String> {
    let source = &code.source;
    if line < source.first_line as i64 {
        return Err(format!("line {line} comes before the current code block"));
    }
    let line_of = |pc: usize| source.position(pc).line.map_or(-1, i64::from);
    let begins: Vec<i64> = (0..source.instructions.len())
        .map(|pc| if pc == 0 || line_of(pc) != line_of(pc - 1) { line_of(pc) } else { -1 })
        .collect();
    let Some(line) = begins.iter().copied().filter(|&begun| begun >= line).min() else {
        return Err(format!("line {line} comes after the current code block"));
    };
    let kinds = kinds(code);
    let Some(here) = kinds.get(&at) else { return Err("can't jump from unreachable code".into()) };
    let mut best: Option<(usize, &Vec<Kind>)> = None;
    let mut problem = "cannot find bytecode for specified line";
    for pc in (0..begins.len()).filter(|&pc| begins[pc] == line) {
        let there = kinds.get(&pc);
        match there {
            Some(there) if fits(here, there) && best.is_none_or(|(_, best)| there.len() > best.len()) => {
                best = Some((pc, there));
            }
            _ if best.is_none() => problem = explain(there),
            _ => {}
        }
    }
    match best {
        Some((pc, there)) => Ok((pc, here[there.len()..].iter().rev().copied().collect())),
        None => Err(problem.into()),
    }
}

/// Whether an instruction that expects `there` can follow a stack of `here` after some values are dropped.
fn fits(here: &[Kind], there: &[Kind]) -> bool {
    here.len() >= there.len()
        && here.iter().zip(there).all(|(&from, &to)| match to {
            Kind::Object => from != Kind::Null,
            Kind::Null => true,
            to => from == to,
        })
}

fn explain(there: Option<&Vec<Kind>>) -> &'static str {
    match there.map(|kinds| kinds.last()) {
        None => "can't jump into an unreachable code",
        Some(Some(Kind::Exception)) => "can't jump into an 'except' block as there's no exception",
        Some(Some(Kind::Instruction)) => "can't jump into a re-raising block as there's no location",
        Some(Some(Kind::Iterator)) => "can't jump into the body of a for loop",
        Some(Some(Kind::Object | Kind::Null) | None) => "incompatible stacks",
    }
}

/// The locals that a jump may leave without a value, though the compiler has proved that they have one, become None.
fn bind_unset(vm: &mut Vm, code: &Code, frame: Value) -> PyResult<()> {
    let unset: Vec<usize> = (0..code.local_count as usize)
        .filter(|&i| {
            let kind = code.source.local_kinds[i];
            !kind.is_cell() && !kind.is_free() && frame_object::slot(vm, frame, FIRST_LOCAL + i).is_null()
        })
        .collect();
    if unset.is_empty() {
        return Ok(());
    }
    let plural = if unset.len() == 1 { "" } else { "s" };
    let message = format!("assigning None to {} unbound local{plural}", unset.len());
    crate::warnings::warn(vm, vm.exc.runtime_warning, &message, 1)?;
    let none = vm.none;
    for i in unset {
        frame_object::set_slot(vm, frame, FIRST_LOCAL + i, none);
    }
    Ok(())
}
