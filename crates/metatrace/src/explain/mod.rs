//! Why a program runs as fast as it does: what the JIT made of it, and what it could not.
//!
//! With the option `explain` traces count their rounds, exits note what they saw, and recordings that are given up
//! note where. [`Thread::explanation`] puts that together, in terms of instructions; which lines those are, and
//! what is to be said about them, is the language's business.

mod notes;
mod rounds;
mod way;

pub(crate) use notes::{Attempt, Notes, TraceNotes, note_exit};
pub(crate) use rounds::Rounds;

use crate::cache::{CachedTrace, ExitKind};
use crate::coverage::Path;
use crate::language::Language;
use crate::thread::Thread;
use heap::Value;
use ir::{Arg, Attr, ExitId, Op, OpCode, Position, PositionId, Resume, TraceId, TraceKind, ValueId};

/// An instruction.
pub struct Place<L: Language> {
    pub code: &'static L::Code,
    pub pc: u32,
}

impl<L: Language> Clone for Place<L> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<L: Language> Copy for Place<L> {}

/// What the JIT did.
pub struct Explanation<L: Language> {
    /// By their numbers.
    pub traces: Vec<TraceStory<L>>,
    pub failures: Vec<FailureStory<L>>,
    /// Where recordings were put off, because the JIT had taken as much time as it may, and how often.
    pub postponed: Vec<(Place<L>, u64)>,
}

/// A trace.
pub struct TraceStory<L: Language> {
    pub id: TraceId,
    pub name: String,
    pub kind: TraceKind,
    /// Where it starts; of a bridge, where its exit leaves to.
    pub start: Place<L>,
    /// Of a bridge: the trace and the exit that it hangs on.
    pub parent: Option<(TraceId, ExitId)>,
    /// Of a trace that ends with a jump to another: which, and whether to its start.
    pub target: Option<TraceId>,
    pub to_start: bool,
    /// How often it was entered, and how many rounds it went.
    pub entered: u64,
    pub rounds: u64,
    /// It relied on something that did not last, and is not run any more.
    pub fallen: bool,
    /// How often the place where it starts was left to the interpreter for a while, because what was compiled there was left too
    /// soon to gain anything.
    pub times_aside: u32,
    /// The instructions on its way, in the order in which they were recorded.
    pub way: Vec<Step<L>>,
    /// Compiled together with others.
    pub in_unit: bool,
    pub ops: Vec<OpStory<L>>,
    pub exits: Vec<ExitStory<L>>,
}

/// An instruction on a trace's way.
pub struct Step<L: Language> {
    pub place: Place<L>,
    /// Of an inlined frame: the call, an index into [`TraceStory::way`].
    pub caller: Option<u32>,
    /// How often it was reached, and how often it was done without leaving the trace.
    pub reached: u64,
    pub passed: u64,
}

/// An operation of an optimised trace.
pub struct OpStory<L: Language> {
    /// In the trace language, without the frames of its exit.
    pub text: String,
    /// The instructions it stands for, innermost first; empty for what belongs to none.
    pub stack: Vec<Place<L>>,
    /// Its machine code, pieces at addresses, if the backend told.
    pub code: Vec<(usize, Vec<u8>)>,
    pub call: Option<CallStory>,
}

/// A function that a trace calls.
pub struct CallStory {
    pub callee: &'static str,
    /// The operands that are objects known when the trace was recorded; the others are `None`.
    pub operands: Vec<Option<Value>>,
    /// What kinds of objects the operands are, where the trace tests for it.
    pub kinds: Vec<Option<String>>,
}

/// An exit.
pub struct ExitStory<L: Language> {
    pub id: ExitId,
    /// The guard, an index into [`TraceStory::ops`]; the frames it leaves to, innermost first.
    pub op: u32,
    /// The instruction it was recorded from, an index into [`TraceStory::way`].
    pub step: Option<u32>,
    /// Where the value that the guard asks about comes from.
    pub source: Option<Source>,
    pub stack: Vec<Place<L>>,
    pub why: Why,
    /// Whether the guard lies in the body of a peeled loop, behind its label.
    pub in_body: bool,
    /// How often the guard was asked.
    pub asked: u64,
    /// How often it led to the interpreter, and how often to its bridge.
    pub left: u64,
    pub bridged: u64,
    pub bridge: Option<TraceId>,
    /// So many bridges hang on this place of the program, or so many attempts failed, that no other one will.
    pub given_up: bool,
    /// What the value was that the guard asked about, the most frequent first: of the times it led to the interpreter.
    pub seen: Vec<(String, u64)>,
    /// What the guard wanted it to be.
    pub wanted: Option<String>,
}

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The result of a function.
    Call(&'static str),
    /// A field of an object, named with its layout.
    Field(&'static str),
}

/// Why a guard fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// A condition of the program.
    Condition,
    /// A result that does not fit a machine integer.
    Overflow,
    /// An integer that is larger than those there were: of more than 31, of more than 62 bits.
    Large31,
    Large62,
    /// An index beyond the end.
    Bounds,
    /// A value of another type, or an object of another shape.
    Type,
    /// Another object than the one there was.
    Identity,
    /// The end of an iteration, an exception, an unbound variable.
    Nothing,
    /// Another value of what had been one.
    Value,
    /// Somebody wanted the interpreter's attention.
    Attention,
    /// Something that the trace relied on changed, or somebody looked at its frames.
    NotValid,
    /// The trace ends here.
    End,
}

/// Recordings that were given up, all at one place and for one reason.
pub struct FailureStory<L: Language> {
    pub start: Place<L>,
    /// Where they stopped.
    pub stopped: Place<L>,
    pub why: &'static str,
    pub times: u64,
    /// The place is left to the interpreter now.
    pub is_final: bool,
}

impl<L: Language> Thread<L> {
    /// What the JIT did so far; empty without the option `explain`.
    pub fn explanation(&mut self) -> Explanation<L> {
        let context: *mut L::Context = std::ptr::from_mut(self).cast();
        let cache = &self.jit.cache;
        let count = |trace: &CachedTrace| trace.notes.is_some() && trace.entry != 0;
        let ids = (0..cache.traces.len() as u32).map(TraceId).filter(|&id| cache.get(id).is_some_and(count));
        let traces: Vec<TraceStory<L>> = ids.filter_map(|id| story(self, context, id)).collect();
        let mut failures: Vec<FailureStory<L>> = Vec::new();
        for (&(attempt, why), &times) in self.jit.notes.iter().flat_map(|notes| &notes.failures) {
            let (Some(start), Some(stopped)) = (place(attempt.start), place(attempt.stopped)) else { continue };
            let start: Place<L> = start;
            failures.push(FailureStory { start, stopped, why, times, is_final: is_dead(start) });
        }
        failures.sort_by_key(|failure| (std::cmp::Reverse(failure.times), failure.start.pc, failure.why));
        let postponed = self.jit.notes.iter().flat_map(|notes| &notes.postponed);
        let postponed = postponed.filter_map(|(&start, &times)| Some((place(start)?, times))).collect();
        Explanation { traces, failures, postponed }
    }
}

/// Whether nothing is recorded from here any more.
fn is_dead<L: Language>(start: Place<L>) -> bool {
    match start.pc {
        0 => L::entry_cell(start.code).dead.get(),
        pc if L::is_loop_header(start.code, pc) => L::loop_cell(start.code, pc).dead.get(),
        _ => false,
    }
}

fn place<L: Language>((code, pc): (u64, u32)) -> Option<Place<L>> {
    // SAFETY: codes come from this language and live as long as the process.
    (code != 0).then(|| Place { code: unsafe { &*(code as *const L::Code) }, pc })
}

fn story<L: Language>(thread: &Thread<L>, context: *mut L::Context, id: TraceId) -> Option<TraceStory<L>> {
    let cache = &thread.jit.cache;
    let cached = cache.trace(id);
    let notes = cached.notes.as_ref()?;
    let trace = &cached.input.trace;
    let mut codes: Vec<Vec<(usize, Vec<u8>)>> = vec![Vec::new(); trace.ops.len()];
    for at in cache.code.places_of(id) {
        // SAFETY: code is readable, and never freed.
        let bytes = unsafe { std::slice::from_raw_parts(at.from as *const u8, at.to - at.from) };
        codes[at.op as usize].push((at.from, bytes.to_vec()));
    }
    let first = |at: PositionId| trace.stack_at(at).map(of_position).collect::<Vec<Place<L>>>();
    let mut ops = Vec::with_capacity(trace.ops.len());
    for (index, (op, code)) in trace.ops.iter().zip(codes).enumerate() {
        let is_shown = op.code != OpCode::Input && !rounds::is_counting(trace, index);
        let text = if is_shown { short_text(trace, index) } else { String::new() };
        let call = call_of::<L>(context, cached, op);
        ops.push(OpStory { text, stack: first(op.at), code, call });
    }
    let exits: Vec<ExitStory<L>> =
        (0..cached.exits.len()).map(|at| exit_story(thread, context, id, ExitId(at as u32))).collect();
    let start = match cached.parent {
        None => trace.positions.first().map(of_position)?,
        Some((parent, exit)) => *exit_stack(cache.trace(parent), exit).first()?,
    };
    let (entered, at_label) = (notes.rounds.entered(), notes.rounds.at_label());
    let to_start = trace.ops.last().is_some_and(|op| op.code == OpCode::JumpLoop);
    let target = match trace.ops.last().map(|op| op.attr) {
        Some(Attr::Target(target)) => Some(target),
        _ => None,
    };
    let has_label = trace.ops.iter().any(|op| op.code == OpCode::Label);
    Some(TraceStory {
        id,
        name: trace.name.clone(),
        kind: trace.kind,
        start,
        parent: cached.parent,
        target,
        to_start,
        entered,
        rounds: if has_label { entered + at_label } else { entered },
        fallen: cached.fallen,
        times_aside: cached.home.map_or(0, |home| home.times_aside.get()),
        way: way::of(trace, &exits, [entered, at_label]),
        in_unit: cache.trace(cache.root_of(id)).unit.is_some(),
        ops,
        exits,
    })
}

fn of_position<L: Language>(position: &Position) -> Place<L> {
    place((position.code, position.pc)).expect("positions are of codes")
}

/// An operation as text, without the frames of its exit.
fn short_text(trace: &ir::Trace, index: usize) -> String {
    let text = ir::text::op_text(trace, index);
    match (trace.ops[index].exit, text.split_once(" -> ")) {
        (Some(exit), Some((head, _))) => format!("{head}  # exit {}", exit.0),
        _ => text,
    }
}

/// What a value is in the round in front of the label, where it was tested.
fn before_label(trace: &ir::Trace, mut id: ValueId) -> ValueId {
    while let Some(op) = trace.ops.get(id.0 as usize).filter(|op| op.code == OpCode::Phi)
        && let Some(first) = op.args.first().and_then(|arg| arg.value())
    {
        id = first;
    }
    id
}

fn call_of<L: Language>(context: *mut L::Context, cached: &CachedTrace, op: &Op) -> Option<CallStory> {
    let Attr::Callee(callee) = op.attr else { return None };
    let operand = |arg: &Arg| match arg {
        Arg::Ref(at) => cached.constants.get(at.0 as usize).copied(),
        Arg::Imm(bits) => Some(Value(*bits)),
        _ => None,
    };
    let kind = |arg: &Arg| match arg.value() {
        Some(id) => wanted::<L>(context, cached, 0, before_label(&cached.input.trace, id)),
        None => operand(arg).map(|value| kind_of::<L>(context, value)),
    };
    Some(CallStory {
        callee: callee.name,
        operands: op.args.iter().map(operand).collect(),
        kinds: op.args.iter().map(kind).collect(),
    })
}

fn exit_stack<L: Language>(cached: &CachedTrace, at: ExitId) -> Vec<Place<L>> {
    let frames = cached.exits[at.0 as usize].exit.frames.iter().rev();
    frames.filter_map(|frame| place((frame.code, frame.pc - u32::from(frame.resume == Resume::AfterCall)))).collect()
}

fn exit_story<L: Language>(thread: &Thread<L>, context: *mut L::Context, id: TraceId, at: ExitId) -> ExitStory<L> {
    let cache = &thread.jit.cache;
    let cached = cache.trace(id);
    let exit = &cached.exits[at.0 as usize];
    let notes = cached.notes.as_ref().expect("asked for traces with notes");
    let (entered, at_label) = (notes.rounds.entered(), notes.rounds.at_label());
    let note = &notes.exits[at.0 as usize];
    // The last one stands; others may have fallen.
    let hangs_here = |child: &TraceId| cache.trace(*child).parent == Some((id, at));
    let bridges = cached.children.iter().copied().filter(hangs_here);
    let bridge = bridges.clone().next_back();
    let bridged =
        bridges.filter_map(|bridge| cache.trace(bridge).notes.as_ref()).map(|notes| notes.rounds.entered()).sum();
    let mut seen = note.seen.clone();
    seen.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let is_behind_label = {
        let label = cached.input.trace.ops.iter().position(|op| op.code == OpCode::Label);
        label.is_some_and(|label| note.op as usize > label)
    };
    let trace = &cached.input.trace;
    let step = trace.ops.get(note.op as usize).map(|op| op.at).filter(|&step| step != PositionId::NONE);
    ExitStory {
        id: at,
        op: note.op,
        step: step.map(|step| step.0),
        source: source_of(trace, note.op as usize),
        stack: exit_stack(cached, at),
        why: why(exit.kind, exit.reason, condition_of(trace, note.op as usize)),
        in_body: is_behind_label,
        asked: if is_behind_label { at_label } else { entered },
        left: note.left,
        bridged,
        bridge,
        given_up: exit.tries >= thread.jit.options.retries,
        seen,
        wanted: note.subject.and_then(|subject| wanted::<L>(context, cached, note.op as usize, subject)),
    }
}

/// What computes the condition of a guard.
fn condition_of(trace: &ir::Trace, guard: usize) -> Option<&Op> {
    let id = trace.ops.get(guard)?.args.first()?.value()?;
    trace.ops.get(id.0 as usize)
}

/// Where the value comes from that a guard wants to be a certain one, or to be there.
fn source_of(trace: &ir::Trace, guard: usize) -> Option<Source> {
    let condition = condition_of(trace, guard)?;
    let from = match (trace.ops[guard].code, condition.code) {
        (_, OpCode::IsNull) => trace.ops.get(condition.args.first()?.value()?.0 as usize)?,
        (OpCode::GuardValue, _) => condition,
        _ => return None,
    };
    match from.attr {
        Attr::Callee(callee) => Some(Source::Call(callee.name)),
        Attr::Field(field) => Some(Source::Field(field.name)),
        _ => None,
    }
}

fn why(kind: ExitKind, reason: Path, condition: Option<&Op>) -> Why {
    match (kind, reason) {
        (_, Path::ExitOverflow) if condition.is_some_and(|op| op.code == OpCode::IntFits31) => Why::Large31,
        (_, Path::ExitOverflow) if condition.is_some_and(|op| op.code == OpCode::IntFits62) => Why::Large62,
        (ExitKind::Poll, _) => Why::Attention,
        (ExitKind::StillValid | ExitKind::Call, _) => Why::NotValid,
        (ExitKind::Leave, _) => Why::End,
        (_, Path::ExitOverflow) => Why::Overflow,
        (_, Path::ExitBounds) => Why::Bounds,
        (_, Path::ExitType | Path::ExitShape) => Why::Type,
        (_, Path::ExitIdentity) => Why::Identity,
        (_, Path::ExitNull) => Why::Nothing,
        (_, Path::ExitPromoted) => Why::Value,
        _ => Why::Condition,
    }
}

/// What a guard, or one of the next that ask about the same value, wants it to be.
fn wanted<L: Language>(
    context: *mut L::Context,
    cached: &CachedTrace,
    guard: usize,
    subject: ValueId,
) -> Option<String> {
    let trace = &cached.input.trace;
    for op in &trace.ops[guard..] {
        // The very object.
        if op.code == OpCode::GuardValue && op.args.first().and_then(|arg| arg.value()) == Some(subject) {
            match op.args.get(1) {
                Some(Arg::Ref(at)) => {
                    let value = cached.constants.get(at.0 as usize)?;
                    return Some(kind_of::<L>(context, *value));
                }
                Some(Arg::Imm(bits)) => return Some(kind_of::<L>(context, Value(*bits))),
                _ => {}
            }
        }
        let Some(condition) = op.args.first().and_then(|arg| arg.value()).map(|id| &trace.ops[id.0 as usize]) else {
            continue;
        };
        if condition.args.first().and_then(|arg| arg.value()) != Some(subject) {
            continue;
        }
        match (op.code, condition.code, op.args.get(1)) {
            (OpCode::GuardTrue, OpCode::IsInt, _) => return Some(L::kind_of_number(true).to_owned()),
            (OpCode::GuardTrue, OpCode::IsFlt, _) => return Some(L::kind_of_number(false).to_owned()),
            (OpCode::GuardValue, OpCode::Shape, Some(Arg::Int(shape))) => {
                // SAFETY: the context outlives the call; what describes a shape looks at nothing of the thread.
                return Some(L::kind_of_shape(unsafe { &mut *context }, heap::ShapeId(*shape as u32)));
            }
            _ => {}
        }
    }
    None
}

fn kind_of<L: Language>(context: *mut L::Context, value: Value) -> String {
    // SAFETY: the context outlives the call; what describes a value looks at it, and at nothing of the thread.
    L::kind_of(unsafe { &mut *context }, value)
}
