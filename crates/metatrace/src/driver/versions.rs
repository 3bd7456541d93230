//! Versions of a loop: one trace for each combination of types that its values have when it is entered.
//!
//! A loop's first trace is recorded for the types that its slots have then. Where others come, its first round leaves
//! through a guard, and the bridge from there would go back to the start, to fail at the same guard in the next round. So such a
//! bridge is given up when it reaches the header with types that no version was recorded for: the next time that
//! the interpreter is at the header with such types it records the loop anew, and bridges and outer loops jump to the version
//! that their values fit.

use crate::frame::Frame;
use crate::jit::HotCell;
use crate::language::{Language, thread_of};
use crate::tracer::{Traced, Tracer};
use heap::Value;
use ir::{Trace, TraceId};

/// Arrivals at a header that are looked at for a new version before it is forgotten.
const ARRIVALS: u32 = 1000;

/// Headers of outer loops that a bridge passes at most.
const PASSED: usize = 3;

/// The types of a loop's slots.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Signature(Box<[u64]>);

impl Signature {
    /// The loop does not look at the slot.
    const ANY: u64 = 0;
    const NULL: u64 = 1;
    const INT: u64 = 2;
    const FLOAT: u64 = 3;
    const OBJECT: u64 = 1 << 63;

    fn of<L: Language>(context: *mut L::Context, slots: impl Iterator<Item = Value>) -> Signature {
        // SAFETY: the context outlives the call.
        Signature(slots.map(|value| type_of::<L>(unsafe { &mut *context }, value)).collect())
    }

    /// Forgets the slots that the recorded loop only carries round.
    pub(crate) fn keep_touched(&mut self, recorded: &Trace) {
        let mut is_touched = vec![false; self.0.len()];
        for op in &recorded.ops[..recorded.ops.len() - 1] {
            for id in op.args.iter().filter_map(|arg| arg.value()) {
                if let Some(is_touched) = is_touched.get_mut(id.0 as usize) {
                    *is_touched = true;
                }
            }
        }
        self.0.iter_mut().zip(is_touched).filter(|(_, touched)| !touched).for_each(|(ty, _)| *ty = Signature::ANY);
    }

    /// Whether slots of these types are what the loop was recorded for.
    fn fits(&self, slots: &Signature) -> bool {
        self.0.len() == slots.0.len()
            && self.0.iter().zip(&slots.0).all(|(&mine, &theirs)| mine == Signature::ANY || mine == theirs)
    }
}

fn type_of<L: Language>(context: &mut L::Context, value: Value) -> u64 {
    if value.is_null() {
        return Signature::NULL;
    }
    if value.is_int() {
        return Signature::INT;
    }
    if value.is_flonum() {
        return Signature::FLOAT;
    }
    let float = L::float_shape(context);
    // SAFETY: neither null nor tagged, so it is a heap object.
    match unsafe { heap::shape_of(value) } {
        shape if shape == float => Signature::FLOAT,
        shape => Signature::OBJECT | u64::from(L::variety(context, value)) << 32 | u64::from(shape.0),
    }
}

/// The types of the current frame's slots.
pub(crate) fn of_current_frame<L: Language>(context: *mut L::Context) -> Signature {
    // SAFETY: the context outlives the call, the thread is its first field, and the current frame has a record.
    let record = unsafe { *(*thread_of::<L>(context)).record };
    // SAFETY: the record's slots below `sp` are valid.
    let slots = unsafe { std::slice::from_raw_parts(record.slots, record.sp as usize) };
    Signature::of::<L>(context, slots.iter().copied())
}

/// Whether the interpreter stands at the header with types that no version was recorded for, where one is wanted. The frame is in its
/// record.
pub(crate) fn is_new<L: Language>(context: *mut L::Context, frame: &Frame<L, Value>, cell: &HotCell) -> bool {
    cell.wants_version.set(cell.wants_version.get() - 1);
    let slots = of_current_frame::<L>(context);
    // SAFETY: the context outlives the call, and the thread is its first field.
    let cache = unsafe { &(*thread_of::<L>(context)).jit.cache };
    let start = (std::ptr::from_ref(frame.code).addr() as u64, frame.pc);
    let is_new = !cell.busy.get() && cache.standing_versions(start).all(|id| !cache.trace(id).signature.fits(&slots));
    if is_new {
        cell.wants_version.set(0);
    }
    is_new
}

/// Where a recording that reaches the header of a compiled loop goes.
pub(crate) enum Goal {
    Loop(TraceId),
    /// On: the outer loop's trace only leads to an inner loop, perhaps the one that the bridge came from.
    Onward(TraceId),
    /// Nowhere: the loop is to be recorded for these types first.
    NewVersion,
    /// Nowhere: the bridge is a round of its loop, whose own trace goes round an outer one. It is to be recorded anew.
    InnerRound,
}

/// The version for the values that the recording has at the header; `first` is the one that the interpreter enters.
pub(crate) fn choose<L: Language>(tracer: &mut Tracer<L>, frame: &Frame<L, Traced<Value>>, first: TraceId) -> Goal {
    let slots = Signature::of::<L>(tracer.context, (0..frame.sp as usize).map(|at| frame.slot(at).value));
    let start = (std::ptr::from_ref(frame.code).addr() as u64, frame.pc);
    let (root, goes_outward) = (tracer.root, tracer.goes_outward);
    let jit = &tracer.thread().jit;
    let fits = |id: &TraceId| jit.cache.trace(*id).signature.fits(&slots);
    let own = root.map(|(root, _)| root).filter(|&root| jit.cache.trace(root).start == start);
    let is_inner_round = !goes_outward && own.is_some_and(|own| jit.cache.trace(own).goes_outward);
    if is_inner_round && L::loop_cell(frame.code, frame.pc).may_turn() {
        return Goal::InnerRound;
    }
    if let Some(version) = own.filter(fits).or_else(|| jit.cache.standing_versions(start).find(fits)) {
        return toward(tracer, version);
    }
    let left_early = own.is_some() && root.is_some_and(|(_, left_early)| left_early);
    let cell = L::loop_cell(frame.code, frame.pc);
    let has_room = jit.cache.standing_versions(start).count() < jit.options.versions as usize;
    if left_early && has_room && !cell.dead.get() {
        cell.wants_version.set(ARRIVALS);
        return Goal::NewVersion;
    }
    toward(tracer, own.unwrap_or(first))
}

/// To the start of that trace, unless it has no body and a bridge from a body may come home through it: then the bridge goes on
/// recording, so that what the inner loop knows outlives a round of the outer one.
fn toward<L: Language>(tracer: &mut Tracer<L>, version: TraceId) -> Goal {
    let left_body = tracer.root.is_some_and(|(_, left_early)| !left_early);
    let has_body = tracer.thread().jit.cache.trace(version).label.is_some();
    let may_pass = left_body && !has_body && tracer.passed.len() < PASSED && !tracer.passed.contains(&version);
    if may_pass { Goal::Onward(version) } else { Goal::Loop(version) }
}
