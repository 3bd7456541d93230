//! What is written down while the program runs, so that it can be explained afterwards: what exits saw, and which recordings
//! were given up where. Only with the option `explain`.

use super::rounds::Rounds;
use crate::cache::CachedExit;
use crate::language::{Language, thread_of};
use heap::Value;
use ir::{Arg, OpCode, Trace, Ty, ValueId};
use std::collections::HashMap;

/// Kinds of values that are told apart at one exit.
const MOST_KINDS: usize = 8;

/// Of a thread.
#[derive(Default)]
pub(crate) struct Notes {
    /// The recording that has just ended.
    pub(crate) attempt: Attempt,
    /// How often recordings were given up: where, and why.
    pub(crate) failures: HashMap<(Attempt, &'static str), u64>,
    /// How often recordings were put off.
    pub(crate) postponed: HashMap<(u64, u32), u64>,
}

/// A recording: instructions, as the language's token for the code and the place in it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Attempt {
    /// Where it began.
    pub(crate) start: (u64, u32),
    /// Where it ended.
    pub(crate) stopped: (u64, u32),
}

/// Of a trace.
pub(crate) struct TraceNotes {
    pub(crate) rounds: Rounds,
    pub(crate) exits: Vec<ExitNotes>,
}

/// Of an exit.
#[derive(Default)]
pub(crate) struct ExitNotes {
    /// The guard's operation.
    pub(crate) op: u32,
    /// The value that the guard asks about.
    pub(crate) subject: Option<ValueId>,
    /// Its place among the exit's live values.
    live: Option<u32>,
    /// How often the exit led to the interpreter, or began a bridge's recording.
    pub(crate) left: u64,
    /// What the value was then.
    pub(crate) seen: Vec<(String, u64)>,
}

impl Notes {
    pub(crate) fn failed(&mut self, why: &'static str) {
        *self.failures.entry((self.attempt, why)).or_default() += 1;
    }
}

impl TraceNotes {
    pub(crate) fn new(trace: &Trace, rounds: Rounds, exits: &[CachedExit]) -> TraceNotes {
        let mut notes = TraceNotes { rounds, exits: exits.iter().map(|_| ExitNotes::default()).collect() };
        for (index, op) in trace.ops.iter().enumerate() {
            let Some(exit) = op.exit else { continue };
            let subject = subject_of(trace, index);
            let live = &exits[exit.0 as usize].exit.live;
            let at = subject.and_then(|subject| live.iter().position(|&(id, ty)| id == subject && ty == Ty::Ref));
            let exit = &mut notes.exits[exit.0 as usize];
            (exit.op, exit.subject, exit.live) = (index as u32, subject, at.map(|at| at as u32));
        }
        notes
    }
}

/// The object or value whose type a guard asks about.
fn subject_of(trace: &Trace, guard: usize) -> Option<ValueId> {
    let op = &trace.ops[guard];
    if !matches!(op.code, OpCode::GuardTrue | OpCode::GuardFalse | OpCode::GuardValue) {
        return None;
    }
    let id = op.args.first()?.value()?;
    let condition = &trace.ops[id.0 as usize];
    use OpCode::*;
    match condition.code {
        IsInt | IsFlt | IsNull | Shape | RefEq => condition.args[0].value(),
        _ if op.code == GuardValue && op.ty == Ty::Void && trace.ty(Arg::Value(id)) == Ty::Ref => Some(id),
        _ => None,
    }
}

/// An exit is taken, and this is what it hands over.
#[cold]
pub(crate) fn note_exit<L: Language>(context: *mut L::Context, id: ir::TraceId, at: ir::ExitId, live: &[u64]) {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let thread = unsafe { &mut *thread_of::<L>(context) };
    let Some(notes) = &mut thread.jit.cache.trace_mut(id).notes else { return };
    let notes = &mut notes.exits[at.0 as usize];
    notes.left += 1;
    let Some(&word) = notes.live.and_then(|at| live.get(at as usize)) else { return };
    // SAFETY: as above; what describes a value looks at it, and at nothing of the thread.
    let kind = L::kind_of(unsafe { &mut *context }, Value(word));
    let has_room = notes.seen.len() < MOST_KINDS;
    match notes.seen.iter_mut().find(|(known, _)| *known == kind) {
        Some((_, count)) => *count += 1,
        None if has_room => notes.seen.push((kind, 1)),
        None => {}
    }
}
