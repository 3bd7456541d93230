//! The trace optimiser: a recorded trace goes in, a shorter one with exits instead of snapshots comes out.
//!
//! [`optimize`] is the whole interface. What it promises to the recorder and to the code generator:
//!
//! - Every snapshot becomes an exit: `Op::snapshot` is `None` and `Op::exit` set on the same guards and calls. A trace may
//!   have fewer guards, never other ones.
//! - A loop (last operation `jump_label`, whose operands are the next values of the inputs) is peeled where that works:
//!   inputs, first iteration, `label`, phis, body, `jump_label` with the phis' next values. **Every value defined before
//!   the label and used at or behind it, by an operation or an exit, is a phi**; a loop-invariant one has itself as its
//!   `jump_label` operand. So the phis' values alone are enough to enter the body. Where peeling fails the label stands
//!   right behind the inputs, and each input has a phi.
//! - The phis are the shape phis first, in the order of [`Label::slots`], then the invariant ones, in the order of
//!   [`ir::Exit::invariants`].
//! - `jump_loop` operands are the target's inputs; `jump_body` operands are the target's phis.
//! - `assume_*` are gone.
//! - An exit's [`ir::Exit::invariants`] go to the bridge as [`Origin::invariants`], all of them and in order, each as an
//!   operand of the bridge; the bridge's inputs are the exit's live values in order, followed by the recipe as operations.
//!
//! What it relies on, beside the operation table's own words:
//!
//! - A cell of memory is accessed as a field or as an item, never as both; memory off the heap is neither.
//! - An integer that was boxed fits: `int_box(x)` is knowledge that `x` fits in 63 bits, `int_unbox(x)` that `x` is an
//!   integer. An object whose field or item is accessed is neither an integer nor null.

mod bounds;
mod boxes;
mod cells;
mod cse;
mod entry;
mod exits;
mod facts;
mod finish;
mod fold;
mod guards;
mod heap;
mod label;
mod passes;
mod peel;
mod request;
mod scratch;
mod strengthen;
mod values;
mod virtuals;
mod walk;

pub use bounds::Range;
pub use facts::{ExitFacts, Facts};
pub use heap::Written;
pub use label::Label;
pub use passes::{Pass, Passes, TABLE};
pub use request::{Failure, Optimized, Origin, Request};

use ir::{Arg, Attr, OpCode, Trace, TraceId};
use label::Slot;
use smallvec::SmallVec;
use walk::Walk;

/// Optimises a recorded trace.
pub fn optimize(trace: Trace, request: &Request) -> Result<Optimized, Failure> {
    let run = |request: &Request| match trace.ops.last().map(|op| op.code) {
        Some(OpCode::JumpLabel) => peel::run(&trace, request),
        Some(_) => straight(&trace, request),
        None => Err(Failure::Contradiction),
    };
    let mut optimized = run(request);
    // Perhaps the integers were too large for stronger guards.
    if optimized.is_err() && !request.without.contains(Passes::STRENGTHEN) {
        let without = request.without.with(Passes::STRENGTHEN);
        optimized = run(&Request { without, ..request.clone() });
    }
    let optimized = optimized?;
    if cfg!(debug_assertions)
        && let Err(error) = ir::verify(&optimized.trace)
    {
        panic!("the optimiser made a wrong trace: {error}\nfrom\n{trace}\nit made\n{}", optimized.trace);
    }
    Ok(optimized)
}

/// What is known of integers: for each operation of the recorded trace, the range of its result behind it.
/// For tests of the analysis.
pub fn ranges(trace: &Trace, queries: &[(usize, ir::ValueId)], request: &Request) -> Result<Vec<Range>, Failure> {
    let mut walk = Walk::new(trace, request);
    let mut found = vec![Range::FULL; queries.len()];
    for index in trace.input_count()..trace.ops.len() - 1 {
        walk.step(index)?;
        for (query, range) in queries.iter().zip(&mut found).filter(|(query, _)| query.0 == index) {
            *range = walk.values.range(walk.operand(Arg::Value(query.1)));
        }
    }
    Ok(found)
}

/// A trace that does not go round by itself.
fn straight(trace: &Trace, request: &Request) -> Result<Optimized, Failure> {
    let mut walk = Walk::new(trace, request);
    run_bridge(&mut walk)?;
    let end = trace.ops[trace.ops.len() - 1].clone();
    let mut args: Vec<Arg> = end.args.iter().map(|&arg| walk.operand(arg)).collect();
    let mut last = end.clone();
    last.exit = last.snapshot.take().map(|snapshot| walk.exit(snapshot));
    if let Some(into_body) = body_args(&mut walk, request, &end.attr, &args) {
        last.code = OpCode::JumpBody;
        args = into_body;
    }
    let args: Vec<Arg> = args.into_iter().map(|arg| walk.forced(arg)).collect();
    let written = peel::accumulated(request, std::mem::take(&mut walk.heap.written));
    Ok(finish::run(walk, last.code, &args, Some(last), None, written))
}

/// Walks over a trace; where the operands of what its exit handed on are read, what was in the cells is known.
fn run_bridge(walk: &mut Walk) -> Result<(), Failure> {
    let origin = walk.request.origin.as_ref();
    let handed_on = origin.iter().flat_map(|origin| &origin.invariants).filter_map(|arg| arg.value());
    let inputs = walk.source.input_count();
    let first = handed_on.map(|id| id.0 as usize + 1).max().unwrap_or(0).max(inputs);
    let end = walk.source.ops.len() - 1;
    (inputs..first.min(end)).try_for_each(|index| walk.step(index))?;
    if let Some(label) = origin.and_then(|origin| origin.written.since.clone()) {
        let cells = walk
            .cells_of_label(&label.cells, &walk.origin_invariants(), |constant| walk.own_constant(constant))
            .unwrap_or_default();
        for (cell, contents) in cells.iter().zip(walk.origin_cells()) {
            if walk.values.ty(contents) == cell.ty() {
                walk.put(cell, contents);
            }
        }
        walk.cells = cells;
    }
    (first.min(end)..end).try_for_each(|index| walk.step(index))
}

/// The values with which the jump can go to the target's body, if it can.
fn body_args(walk: &mut Walk, request: &Request, attr: &Attr, ends: &[Arg]) -> Option<Vec<Arg>> {
    let (Attr::Target(jump_target), Some((target, label))) = (*attr, &request.target) else { return None };
    if jump_target != *target || label.slots.len() != ends.len() {
        return None;
    }
    back_to_body(walk, request, *target, label, ends).or_else(|| entering(walk, request, *target, label, ends))
}

/// The invariants of the round that a bridge comes from, if they hold still.
fn brought(walk: &Walk, request: &Request, target: TraceId, label: &Label) -> Option<SmallVec<[Arg; 8]>> {
    let origin = request.origin.as_ref()?;
    let count = label.invariants as usize + label.cells.len();
    let are_there = origin.trace == target && origin.invariants.len() == count && is_apart(walk, request, label);
    are_there.then(|| walk.origin_invariants())
}

/// A bridge from that body, which wrote nothing of what the body knows, brings the invariants that the loop had.
fn back_to_body(walk: &mut Walk, request: &Request, target: TraceId, label: &Label, ends: &[Arg]) -> Option<Vec<Arg>> {
    let invariants = brought(walk, request, target, label)?;
    let places = walk.cells_of_label(&label.cells, &invariants, |constant| walk.constant_of_label(constant))?;
    let cells: Vec<_> = places.into_iter().zip(label.cells.iter().map(|cell| &cell.shape)).collect();
    let mut args = walk.match_label(&label.slots, ends, &cells, Some(&invariants), false).ok()?;
    for invariant in invariants {
        args.push(walk.forced(invariant));
    }
    // Making a virtual object may have written.
    is_apart(walk, request, label).then_some(args)
}

/// Anybody may bring invariants that follow from the slots.
fn entering(walk: &mut Walk, request: &Request, target: TraceId, label: &Label, ends: &[Arg]) -> Option<Vec<Arg>> {
    let entry = label.entry.as_ref()?;
    // What does not change in the loop is there before it.
    let ends: Vec<Arg> = ends
        .iter()
        .zip(&label.slots)
        .map(|(&end, shape)| if matches!(shape.slot, Slot::Invariant(_)) { walk.forced(end) } else { end })
        .collect();
    let brought = brought(walk, request, target, label);
    let invariants = walk.invariants_for(entry, &label.slots, &ends, brought.as_deref())?;
    let places = walk.cells_of_label(&label.cells, &invariants, |constant| walk.constant_of_label(constant))?;
    let cells: Vec<_> = places.into_iter().zip(label.cells.iter().map(|cell| &cell.shape)).collect();
    let mut args = walk.match_label(&label.slots, &ends, &cells, Some(&invariants), true).ok()?;
    args.extend(invariants);
    // Making a virtual object may have written.
    (brought.is_none() || is_apart(walk, request, label)).then_some(args)
}

fn is_apart(walk: &Walk, request: &Request, label: &Label) -> bool {
    peel::accumulated(request, walk.heap.written.clone()).is_apart(&label.relied)
}
