//! Loop peeling.
//!
//! The loop's operations run twice through the walk. The first time they make a first iteration in front of the label.
//! What is known behind it (computed values, memory, kinds of values) is known in the body too, as far as the body
//! changes nothing of it, so the body keeps only what differs from round to round; boxes and virtual objects go round
//! in parts.
//!
//! Requirement: what the body assumes at its label holds at its end. Shapes, knowledge and written memory are checked
//! there; what fails is assumed no longer in the next attempt, and in the end the loop is not peeled.

use crate::Passes;
use crate::cells::Cell;
use crate::entry::Plan as Steps;
use crate::finish::{self, Loop};
use crate::heap::Written;
use crate::label::{Builder, Leaf, Plan, Shape, Slot};
use crate::request::{Failure, Optimized, Request};
use crate::values::Kind;
use crate::walk::Walk;
use ir::{Arg, OpCode, Trace};

/// Attempts with more and more general shapes.
const ATTEMPTS: usize = 8;

/// A loop: peeled if that works out.
pub(crate) fn run(trace: &Trace, request: &Request) -> Result<Optimized, Failure> {
    let mut plan = Plan::default();
    if !request.without.contains(Passes::PEEL) {
        for _ in 0..ATTEMPTS {
            match peeled(trace, request, &mut plan)? {
                Attempt::Done(done) => return Ok(*done),
                Attempt::Again => {}
                Attempt::Hopeless => break,
            }
        }
    }
    unpeeled(trace, request)
}

enum Attempt {
    Done(Box<Optimized>),
    /// The plan is more general.
    Again,
    Hopeless,
}

fn peeled(trace: &Trace, request: &Request, plan: &mut Plan) -> Result<Attempt, Failure> {
    let mut walk = Walk::new(trace, request);
    walk.run()?;
    let inputs = trace.input_count();
    let ends = end_args(&walk);
    let mut builder = Builder::default();
    let mut slots: Vec<Shape> = (0..inputs)
        .map(|slot| {
            let input = walk.values.resolve(walk.map[slot]);
            walk.shape_of(ends[slot], Some(input), plan, &mut builder)
        })
        .collect();
    if let Some(node) = builder.made_late(&walk) {
        return Ok(generalise(plan, &[node]));
    }
    walk.heap.written.add(&plan.written);
    let cells = cells_of(&mut walk, plan, &mut builder);
    let written = std::mem::take(&mut walk.heap.written);
    walk.heap.forget(&written);
    escape_all(&mut walk);
    let entry = Steps::new(&walk, &slots, &written).filter(|plan| plan.forget_the_rest(&mut walk).is_some());
    walk.label_facts = entry.as_ref().map(|plan| plan.facts(&walk)).unwrap_or_default();

    let label = walk.out.len();
    walk.enter_body();
    let mut objects = Vec::new();
    for (slot, shape) in slots.iter().enumerate() {
        walk.map[slot] = walk.instance(shape, &mut objects);
    }
    for (cell, shape) in &cells {
        let contents = walk.instance(shape, &mut objects);
        walk.put(cell, contents);
    }
    walk.cells = cells.iter().map(|cell| cell.0).collect();
    // Of shapes the walk itself makes use, wherever it compares objects.
    walk.cells_loaded = walk.cells.iter().map(|cell| cell.is_header()).collect();
    if walk.run().is_err() {
        return Ok(no_assumptions(plan));
    }
    let ends = end_args(&walk);
    let parts: Vec<(Cell<Arg>, &Shape)> = cells.iter().map(|(cell, shape)| (*cell, shape)).collect();
    let args = match walk.match_label(&slots, &ends, &parts, None, false) {
        Ok(args) => args,
        Err(nodes) => return Ok(generalise(plan, &nodes)),
    };
    if walk.contradiction {
        return Ok(no_assumptions(plan));
    }
    let again = std::mem::take(&mut walk.heap.written);
    if !again.is_within(&written) {
        plan.written.add(&again);
        return Ok(Attempt::Again);
    }
    let cell_shapes = cells.into_iter().map(|cell| cell.1);
    slots.extend(cell_shapes);
    let place = Loop { label, phis: builder.phis, slots, inputs, peeled: true, entry };
    Ok(Attempt::Done(Box::new(finish::run(walk, OpCode::JumpLabel, &args, None, Some(place), written))))
}

/// These nodes did not match.
fn generalise(plan: &mut Plan, nodes: &[u32]) -> Attempt {
    for &node in nodes {
        let level = plan.levels.entry(node).or_insert(0);
        *level += 1;
        if *level > 2 && std::mem::replace(&mut plan.without_cells, true) {
            return Attempt::Hopeless;
        }
    }
    Attempt::Again
}

/// The body contradicts itself: something that the label assumes changes from round to round, and a guard tests it.
fn no_assumptions(plan: &mut Plan) -> Attempt {
    plan.floor += 1;
    if plan.floor > 2 { Attempt::Hopeless } else { Attempt::Again }
}

/// The memory that goes round in registers, with the shapes of what is in it.
fn cells_of(walk: &mut Walk, plan: &Plan, builder: &mut Builder) -> Vec<(Cell<Arg>, Shape)> {
    // Without dead code elimination the phis of cells that the body does not load would stay.
    let has_passes = walk.has(Passes::HEAP.with(Passes::DCE));
    if plan.without_cells || walk.heap.written.all || !has_passes {
        return Vec::new();
    }
    let mut cells = Vec::new();
    for mut cell in walk.heap.candidates() {
        (cell.base, cell.index) = (walk.values.resolve(cell.base), walk.values.resolve(cell.index));
        if let Some(contents) = walk.contents(&cell) {
            cells.push((cell, walk.shape_of(contents, None, plan, builder)));
        }
    }
    cells
}

/// The label stands at the top; every input has a phi of which nothing is known.
fn unpeeled(trace: &Trace, request: &Request) -> Result<Optimized, Failure> {
    let mut walk = Walk::new(trace, request);
    let label = walk.out.len();
    let mut phis = Vec::new();
    let mut slots = Vec::new();
    for slot in 0..trace.input_count() {
        let ty = trace.ops[slot].ty;
        let phi = walk.values.make(OpCode::Phi, ty, [Arg::NULL; 2]);
        phis.push((phi, walk.map[slot]));
        let leaf =
            Leaf { phi, ty, range: crate::bounds::Range::FULL, kind: Kind::default(), shape: None, is_passed: true };
        slots.push(Shape { node: slot as u32, slot: Slot::Phi(leaf) });
        walk.map[slot] = Arg::Value(phi);
    }
    walk.enter_body();
    walk.run()?;
    let args: Vec<Arg> = end_args(&walk).into_iter().map(|end| walk.forced(end)).collect();
    let written = std::mem::take(&mut walk.heap.written);
    let inputs = slots.len();
    let place = Loop { label, phis, slots, inputs, peeled: false, entry: None };
    Ok(finish::run(walk, OpCode::JumpLabel, &args, None, Some(place), written))
}

fn end_args(walk: &Walk) -> Vec<Arg> {
    let end = &walk.source.ops[walk.source.ops.len() - 1];
    end.args.iter().map(|&arg| walk.operand(arg)).collect()
}

/// Objects made in the first iteration may be met anywhere in the body.
fn escape_all(walk: &mut Walk) {
    let count = walk.values.count();
    for value in &mut walk.values.all {
        if let Some(at) = &mut value.escaped_at {
            *at = (*at).min(count);
        }
    }
}

/// The memory that a bridge has written since the label of its loop, in all.
pub(crate) fn accumulated(request: &Request, own: Written) -> Written {
    let mut all = own;
    if let Some(origin) = &request.origin {
        all.add(&origin.written);
        all.since = origin.written.since.clone();
    }
    all
}
