//! What goes into the optimiser beside the trace, and what comes out.

use crate::facts::{ExitFacts, Facts};
use crate::heap::Written;
use crate::label::Label;
use crate::passes::Passes;
use ir::{Arg, ConstRef, Trace, TraceId};
use std::sync::Arc;

/// What the optimiser must know beside the trace.
#[derive(Clone, Default, Debug)]
pub struct Request {
    /// For a trace that ends with `jump_loop`: the label of the loop it jumps to, so that the jump may become a
    /// `jump_body`. Without it, or without an `origin` in the body of that very loop, the jump goes to the loop's start.
    pub target: Option<(TraceId, Arc<Label>)>,
    /// For a bridge: what [`Optimized::facts`] of the trace that has the exit says for that exit. The bridge's inputs are
    /// the exit's live values, in their order.
    pub facts: Facts,
    /// For a bridge from an exit with [`ir::Exit::in_body`].
    pub origin: Option<Origin>,
    /// For each constant in the table of the origin's loop, the constant of this trace that is the same object.
    /// Constants are numbered by each trace for itself; one that is missing here matches nothing.
    pub origin_constants: Vec<Option<ConstRef>>,
    /// The same for the table of the target's loop.
    pub target_constants: Vec<Option<ConstRef>>,
    /// The constants that are the guest's true and false, if the recorder has them in its table.
    pub true_ref: Option<ConstRef>,
    pub false_ref: Option<ConstRef>,
    /// The shapes of constants that never have another one.
    pub constant_shapes: Vec<Option<u32>>,
    /// Whether different [`ConstRef`]s are certainly different objects.
    pub distinct_refs: bool,
    /// Exits may be taken although their guards hold (a test of exits), so they rely on nothing that failed.
    pub exits_at_will: bool,
    /// Passes to leave out.
    pub without: Passes,
}

/// Where a bridge hangs.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The loop in whose body (or in a bridge of whose body) the exit lies.
    pub trace: TraceId,
    /// The exit's invariants as operands of the bridge.
    pub invariants: Vec<Arg>,
    /// [`Optimized::written`] of the trace that has the exit.
    pub written: Written,
}

/// An optimised trace.
#[derive(Clone, Debug)]
pub struct Optimized {
    pub trace: Trace,
    /// Of a loop: what a bridge must match to enter the body.
    pub label: Option<Arc<Label>>,
    /// What this trace writes, behind its label if it has one; in a bridge also what was written between the label of its
    /// loop and its start.
    pub written: Written,
    /// For each exit of the trace, what is known of its live values.
    pub facts: ExitFacts,
    /// Whether the loop was peeled.
    pub peeled: bool,
}

/// Why there is no optimised trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// A guard of the trace can never hold: what was recorded will not happen again. Record again later.
    Contradiction,
}
