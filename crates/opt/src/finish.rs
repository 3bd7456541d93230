//! The end of the walk: dead code goes, the label gets its phis, and values get their final numbers.
//!
//! Dead code: what has an effect stays, and what a kept operation reads. A guard's exit counts as a read: the values that
//! it needs to resume the interpreter stay alive. A phi stays if the body reads it.
//!
//! Phis: a value from before the label that is used behind it becomes an invariant phi, so that the phis' values are all
//! that the body needs.
//!
//! Requirement: an operation without an effect can be dropped without being observed.

use crate::Passes;
use crate::cells::{Cell, Contents, LabelCell, Place};
use crate::entry::Plan;
use crate::exits::UNKNOWN;
use crate::facts::{ExitFacts, UNKNOWN_FACT};
use crate::heap::Written;
use crate::label::{Label, Shape, Slot};
use crate::request::Optimized;
use crate::walk::{Emitted, Walk};
use ir::{
    Arg, Attr, CallEffect, Effect, Exit, ExitArg, ExitId, Op, OpCode, PositionId, RecipeStep, Trace, Ty, ValueId,
};
use smallvec::SmallVec;
use std::sync::Arc;

/// The label and what belongs to it.
pub(crate) struct Loop {
    /// Operations in front of it.
    pub label: usize,
    /// Phis and their values on entry.
    pub phis: Vec<(ValueId, Arg)>,
    /// Of the inputs, then of the cells that go round.
    pub slots: Vec<Shape>,
    pub inputs: usize,
    pub peeled: bool,
    /// How the body is entered without the first iteration.
    pub entry: Option<Plan>,
}

/// Makes the final trace. `end` and `args` are its last operation.
pub(crate) fn run(
    mut walk: Walk,
    end: OpCode,
    args: &[Arg],
    last: Option<Op>,
    place: Option<Loop>,
    mut written: Written,
) -> Optimized {
    let mut end_op = last.unwrap_or_else(|| op(end, Ty::Void, &[]));
    end_op.args = SmallVec::from_slice(args);
    walk.out.push(Emitted { op: end_op, result: None });
    let mut liveness = Liveness::new(&walk, place.as_ref());
    liveness.run();
    let Liveness { is_kept, is_read, .. } = liveness;
    let (old_exits, old_facts) = (std::mem::take(&mut walk.exits), std::mem::take(&mut walk.facts));
    let count = walk.values.all.len();
    let kept = is_kept.iter().filter(|is_kept| **is_kept).count();
    let mut writer = Writer {
        final_ids: vec![None; count],
        is_kept,
        // And the phis: of the shapes, and of some invariants.
        ops: Vec::with_capacity(kept + place.as_ref().map_or(0, |place| place.phis.len() + 32)),
        exits: Vec::with_capacity(old_exits.len()),
        facts: ExitFacts::like(&old_facts),
        new_exits: vec![None; old_exits.len()],
        live_at: vec![(NONE, 0); count],
        old_exits,
        old_facts,
        invariants: Vec::new(),
        slots: Vec::new(),
        cells: Vec::new(),
        walk: &walk,
    };
    let mut label = None;
    match &place {
        None => writer.copy(0, walk.out.len()),
        Some(place) => {
            writer.copy(0, place.label);
            let kept: Vec<bool> = place.phis.iter().map(|phi| is_read[phi.0.0 as usize]).collect();
            writer.settle_slots(place, &kept);
            writer.label(place, &kept);
            writer.copy(place.label, walk.out.len());
            writer.close_loop(&kept);
            label = Some(Arc::new(writer.label_shapes(place)));
            written.since = label.clone();
        }
    }
    let Writer { ops, exits, facts, .. } = writer;
    let source = walk.source;
    let mut trace = Trace::new(source.kind, source.name.clone());
    (trace.ops, trace.exits) = (ops, exits);
    trace.positions.clone_from(&source.positions);
    Optimized { trace, label, written, facts, peeled: place.is_some_and(|place| place.peeled) }
}

fn op(code: OpCode, ty: Ty, args: &[Arg]) -> Op {
    Op {
        code,
        ty,
        args: SmallVec::from_slice(args),
        attr: Attr::None,
        snapshot: None,
        exit: None,
        at: PositionId::NONE,
    }
}

/// Which operations stay and which values are read.
struct Liveness<'w, 'r> {
    walk: &'w Walk<'r>,
    /// By value: the operation that makes it.
    maker: Vec<u32>,
    /// By value: the phi's number, for phis.
    phi: Vec<u32>,
    place: Option<&'w Loop>,
    is_kept: Vec<bool>,
    is_read: Vec<bool>,
    stack: Vec<ValueId>,
}

const NONE: u32 = u32::MAX;

impl<'w, 'r> Liveness<'w, 'r> {
    fn new(walk: &'w Walk<'r>, place: Option<&'w Loop>) -> Self {
        let count = walk.values.all.len();
        let mut maker = vec![NONE; count];
        for (at, emitted) in walk.out.iter().enumerate() {
            if let Some(id) = emitted.result {
                maker[id.0 as usize] = at as u32;
            }
        }
        let mut phi = vec![NONE; count];
        for (at, (id, _)) in place.iter().flat_map(|place| place.phis.iter().enumerate()) {
            phi[id.0 as usize] = at as u32;
        }
        let is_kept = vec![false; walk.out.len()];
        Liveness { walk, maker, phi, place, is_kept, is_read: vec![false; count], stack: Vec::new() }
    }

    fn run(&mut self) {
        let is_loop = self.place.is_some();
        let end = self.walk.out.len() - 1;
        for at in 0..=end {
            let op = &self.walk.out[at].op;
            if has_effect(op) || !self.walk.has(Passes::DCE) {
                self.is_kept[at] = true;
                // The operands of the jump are read by the phis.
                if at != end || !is_loop {
                    self.read_op(at);
                }
            }
        }
        if !self.walk.has(Passes::DCE) {
            let phis = self.place.map_or(&[][..], |place| &place.phis);
            phis.iter().for_each(|phi| self.read(Arg::Value(phi.0)));
        }
        for (cell, _) in self.walk.cells.iter().zip(&self.walk.cells_loaded).filter(|(_, is_loaded)| **is_loaded) {
            self.read(cell.base);
            self.read(cell.index);
        }
        while let Some(id) = self.stack.pop() {
            let (maker, phi) = (self.maker[id.0 as usize], self.phi[id.0 as usize]);
            if maker != NONE && !self.is_kept[maker as usize] {
                self.is_kept[maker as usize] = true;
                self.read_op(maker as usize);
            }
            if phi != NONE
                && let Some(place) = self.place
            {
                self.read(place.phis[phi as usize].1);
                self.read(self.walk.out[end].op.args[phi as usize]);
            }
        }
    }

    fn read_op(&mut self, at: usize) {
        let op = &self.walk.out[at].op;
        op.args.iter().for_each(|&arg| self.read(arg));
        if let Some(id) = op.exit {
            self.walk.exits[id.0 as usize].live.iter().for_each(|&(value, _)| self.read(Arg::Value(value)));
        }
    }

    fn read(&mut self, arg: Arg) {
        if let Arg::Value(id) = arg
            && !std::mem::replace(&mut self.is_read[id.0 as usize], true)
        {
            self.stack.push(id);
        }
    }
}

fn has_effect(op: &Op) -> bool {
    match op.code.effect() {
        Effect::Pure | Effect::Reads | Effect::Allocates => false,
        Effect::Writes | Effect::Guard | Effect::Control => true,
        Effect::Calls => match op.attr {
            Attr::Callee(callee) => callee.effect >= CallEffect::Writes || op.ty == Ty::Void,
            _ => true,
        },
    }
}

/// Writes the final trace.
struct Writer<'w, 'r> {
    walk: &'w Walk<'r>,
    is_kept: Vec<bool>,
    /// By value of the walk: its number in the final trace, as seen from where the writer stands.
    final_ids: Vec<Option<ValueId>>,
    ops: Vec<Op>,
    exits: Vec<Arc<Exit>>,
    facts: ExitFacts,
    /// Those of the walk; each exit is taken once.
    old_exits: Vec<Exit>,
    old_facts: ExitFacts,
    /// The numbers of exits in the final trace; guards may share one.
    new_exits: Vec<Option<ExitId>>,
    /// By value of the walk: an exit of which it is a live value, and which one.
    live_at: Vec<(u32, u32)>,
    /// Values from before the label that are used behind it.
    invariants: Vec<ValueId>,
    /// The shapes of slots and cells, without phis that nobody reads.
    slots: Vec<Shape>,
    /// The cells that go round, by their numbers in the walk.
    cells: Vec<usize>,
}

impl Writer<'_, '_> {
    fn copy(&mut self, from: usize, to: usize) {
        for at in from..to {
            if !self.is_kept[at] {
                continue;
            }
            let walk = self.walk;
            let emitted = &walk.out[at];
            let mut op = emitted.op.clone();
            if op.code == OpCode::JumpLabel {
                // Some of its phis may be gone; `close_loop` gives it its operands.
                op.args.clear();
            }
            op.args.iter_mut().for_each(|arg| *arg = self.renamed(*arg));
            if let Some(known) = op.exit.and_then(|id| self.new_exits[id.0 as usize]) {
                op.exit = Some(known);
            } else if let Some(id) = op.exit {
                op.exit = Some(self.exit(id));
            }
            if let Some(id) = emitted.result {
                self.final_ids[id.0 as usize] = Some(ValueId(self.ops.len() as u32));
            }
            self.ops.push(op);
        }
    }

    /// An exit of the walk as one of the final trace.
    fn exit(&mut self, id: ExitId) -> ExitId {
        let mut exit = std::mem::take(&mut self.old_exits[id.0 as usize]);
        for (at, live) in exit.live.iter().enumerate() {
            self.live_at[live.0.0 as usize] = (id.0, at as u32);
        }
        self.facts.extend(self.old_facts.numbers(id).unwrap_or(&[]));
        self.add_invariants(&mut exit, id);
        self.add_cells(&mut exit, id);
        self.facts.end_exit();
        exit.live.iter_mut().for_each(|live| live.0 = self.renamed_id(live.0));
        let new = ExitId(self.exits.len() as u32);
        self.new_exits[id.0 as usize] = Some(new);
        self.exits.push(Arc::new(exit));
        new
    }

    /// Which of the live values of the exit in the making it is.
    fn live(&self, id: ValueId, exit: ExitId) -> Option<ExitArg> {
        let (of, at) = self.live_at[id.0 as usize];
        (of == exit.0).then_some(ExitArg::Live(at))
    }

    /// One more live value.
    fn add_live(&mut self, exit: &mut Exit, at: ExitId, id: ValueId, fact: u32) -> ExitArg {
        self.live_at[id.0 as usize] = (at.0, exit.live.len() as u32);
        exit.live.push((id, self.walk.values.at(id).ty));
        self.facts.push(fact);
        ExitArg::Live(exit.live.len() as u32 - 1)
    }

    /// An exit behind the label can be followed by a jump back into the body: it hands on the invariants. Where the exit
    /// makes an invariant's box anyway, it hands on that box, so that a bridge sees that they are one.
    fn add_invariants(&mut self, exit: &mut Exit, at: ExitId) {
        exit.invariants.reserve_exact(self.invariants.len() + self.cells.len());
        for number in 0..self.invariants.len() {
            let id = self.invariants[number];
            let live = self.live(id, at);
            let inner = live.is_none().then(|| self.walk.values.unboxed(Arg::Value(id))).flatten();
            let in_recipe = inner.and_then(|inner| {
                let inner = self.live(inner.value()?, at)?;
                exit.recipe.iter().position(|step| {
                    matches!(step.code, OpCode::IntBox | OpCode::FltBox | OpCode::BoolBox) && step.args[0] == inner
                })
            });
            let arg = match in_recipe {
                Some(step) => ExitArg::Made(step as u32),
                None => live.unwrap_or_else(|| self.add_live(exit, at, id, UNKNOWN_FACT)),
            };
            exit.invariants.push(arg);
        }
    }

    /// It also hands on what is in the cells that go round, where that is known and was made.
    fn add_cells(&mut self, exit: &mut Exit, at: ExitId) {
        for number in 0..self.cells.len() {
            let contents = self.walk.exit_cells.at(at, self.cells[number]);
            let arg = contents.and_then(|contents| self.cell_arg(exit, at, &contents));
            exit.invariants.push(arg.unwrap_or(UNKNOWN));
        }
    }

    fn cell_arg(&mut self, exit: &mut Exit, at: ExitId, contents: &Contents) -> Option<ExitArg> {
        let Some(inner) = contents.unboxed.filter(|_| contents.value.value().is_some()) else {
            return self.live_arg(exit, at, contents.value, contents.fact);
        };
        let Some(inner_arg) = self.live_arg(exit, at, inner, contents.fact) else {
            return self.live_arg(exit, at, contents.value, UNKNOWN_FACT);
        };
        let code = match self.walk.values.ty(inner) {
            Ty::Int => OpCode::IntBox,
            Ty::Flt => OpCode::FltBox,
            _ => OpCode::BoolBox,
        };
        let known = exit.recipe.iter().position(|step| step.code == code && step.args[0] == inner_arg);
        let step = known.unwrap_or_else(|| {
            let args = SmallVec::from_slice(&[inner_arg]);
            exit.recipe.push(RecipeStep { code, ty: Ty::Ref, args, attr: Attr::None });
            exit.recipe.len() - 1
        });
        Some(ExitArg::Made(step as u32))
    }

    fn live_arg(&mut self, exit: &mut Exit, at: ExitId, arg: Arg, fact: u32) -> Option<ExitArg> {
        Some(match arg {
            Arg::Int(x) => ExitArg::Int(x),
            Arg::Flt(x) => ExitArg::Flt(x),
            Arg::Bool(x) => ExitArg::Bool(x),
            Arg::Imm(x) => ExitArg::Imm(x),
            Arg::Ref(x) => ExitArg::Ref(x),
            Arg::Value(id) => {
                self.final_ids[id.0 as usize]?;
                match self.live(id, at) {
                    Some(live) => live,
                    None => self.add_live(exit, at, id, fact),
                }
            }
        })
    }

    fn renamed(&self, arg: Arg) -> Arg {
        match arg {
            Arg::Value(id) => Arg::Value(self.renamed_id(id)),
            constant => constant,
        }
    }

    fn renamed_id(&self, id: ValueId) -> ValueId {
        match self.final_ids[id.0 as usize] {
            Some(id) => id,
            None => unreachable!("value {} of the walk is used and not made", id.0),
        }
    }

    /// The label and its phis: those of the shapes that are read, then one for each value that crosses.
    fn label(&mut self, place: &Loop, kept: &[bool]) {
        self.ops.push(op(OpCode::Label, Ty::Void, &[]));
        let mut new_ids = Vec::new();
        for (&(phi, entry), _) in place.phis.iter().zip(kept).filter(|(_, is_kept)| **is_kept) {
            let entry = self.renamed(entry);
            new_ids.push((phi, ValueId(self.ops.len() as u32)));
            self.ops.push(op(OpCode::Phi, self.walk.values.at(phi).ty, &[entry]));
        }
        self.find_invariants(place, kept);
        for &id in &self.invariants {
            let entry = self.renamed_id(id);
            new_ids.push((id, ValueId(self.ops.len() as u32)));
            self.ops.push(op(OpCode::Phi, self.walk.values.at(id).ty, &[Arg::Value(entry)]));
        }
        // What does not cross is not there any more.
        self.final_ids.fill(None);
        for (id, new) in new_ids {
            self.final_ids[id.0 as usize] = Some(new);
        }
    }

    fn find_invariants(&mut self, place: &Loop, kept: &[bool]) {
        let walk = self.walk;
        let mut is_known = vec![false; walk.values.all.len()];
        // What the label makes or the body makes does not cross.
        place.phis.iter().for_each(|phi| is_known[phi.0.0 as usize] = true);
        let (found, end) = (&mut self.invariants, walk.out.len() - 1);
        let final_ids = &self.final_ids;
        let mut visit = |arg: Arg| {
            let Arg::Value(id) = arg else { return };
            if final_ids[id.0 as usize].is_some() && !std::mem::replace(&mut is_known[id.0 as usize], true) {
                found.push(id);
            }
        };
        for at in (place.label..end).filter(|&at| self.is_kept[at]) {
            let op = &walk.out[at].op;
            op.args.iter().for_each(|&arg| visit(arg));
            if let Some(id) = op.exit {
                self.old_exits[id.0 as usize].live.iter().for_each(|live| visit(Arg::Value(live.0)));
            }
        }
        for &cell in &self.cells {
            visit(walk.cells[cell].base);
            visit(walk.cells[cell].index);
        }
        for (&arg, _) in walk.out[end].op.args.iter().zip(kept).filter(|(_, is_kept)| **is_kept) {
            visit(arg);
        }
        // What was learned of a slot that never changes is in the body though the slot may not be: who comes must bring
        // the same value, or one with the same in its box.
        let is_touched = touched_inputs(walk.source);
        for (slot, shape) in self.slots[..place.inputs].iter().enumerate() {
            let Slot::Same(Arg::Value(id)) = shape.slot else { continue };
            let inner = walk
                .values
                .at(id)
                .unboxed
                .filter(|inner| inner.value().is_some_and(|inner| final_ids[inner.0 as usize].is_some()));
            if is_touched[slot] && !self.invariants.contains(&id) {
                let wanted = inner.unwrap_or(Arg::Value(id)).value().unwrap_or(id);
                if !self.invariants.contains(&wanted) {
                    self.invariants.push(wanted);
                }
            }
        }
    }

    /// Gives the jump the next values of the phis that stayed.
    fn close_loop(&mut self, kept: &[bool]) {
        let jump = &self.walk.out[self.walk.out.len() - 1].op;
        let next: Vec<Arg> = jump.args.iter().zip(kept).filter(|(_, is_kept)| **is_kept).map(|(&arg, _)| arg).collect();
        let all = next.into_iter().chain(self.invariants.iter().map(|&id| Arg::Value(id)));
        let args: SmallVec<[Arg; 3]> = all.map(|arg| self.renamed(arg)).collect();
        if let Some(last) = self.ops.last_mut() {
            last.args = args;
        }
    }

    /// The label as others see it: phis that nobody reads are no matter, and values that never change have numbers.
    fn label_shapes(&mut self, place: &Loop) -> Label {
        let mut slots = std::mem::take(&mut self.slots);
        slots.iter_mut().for_each(|shape| self.number_invariants(shape));
        let shapes = slots.split_off(place.inputs);
        let cells = self.cells.iter().map(|&cell| {
            let Cell { memory, base, index, repr } = self.walk.cells[cell];
            let cell_place = Cell { memory, base: self.place(base), index: self.place(index), repr };
            LabelCell { cell: cell_place, shape: shapes[cell].clone() }
        });
        let cells = cells.collect();
        let entry = place.entry.as_ref().and_then(|plan| plan.entry(self.walk, &self.invariants));
        Label { slots, relied: self.walk.heap.relied.clone(), invariants: self.invariants.len() as u32, cells, entry }
    }

    fn place(&self, arg: Arg) -> Place {
        match self.invariants.iter().position(|&id| Arg::Value(id) == arg) {
            Some(at) => Place::Invariant(at as u32),
            None => Place::Constant(arg),
        }
    }

    /// Takes the phis that nobody reads out of the shapes, and chooses the cells that the body loads.
    fn settle_slots(&mut self, place: &Loop, kept: &[bool]) {
        let mut is_read = vec![false; self.walk.values.all.len()];
        for (phi, _) in place.phis.iter().zip(kept).filter(|(_, is_kept)| **is_kept) {
            is_read[phi.0.0 as usize] = true;
        }
        self.slots = place.slots.clone();
        self.slots.iter_mut().for_each(|shape| settle(shape, &is_read));
        let is_loaded = &self.walk.cells_loaded;
        self.cells = (0..is_loaded.len()).filter(|&cell| is_loaded[cell]).collect();
    }

    fn number_invariants(&self, shape: &mut Shape) {
        match &mut shape.slot {
            Slot::Same(value) => shape.slot = self.settled_invariant(*value, shape.node),
            Slot::Boxed(_, inner) => self.number_invariants(inner),
            Slot::Object { parts, .. } => parts.iter_mut().for_each(|part| self.number_invariants(part)),
            _ => {}
        }
    }

    fn settled_invariant(&self, value: Arg, node: u32) -> Slot {
        let number = |value: Arg| self.invariants.iter().position(|&id| Arg::Value(id) == value);
        if let Some(at) = number(value) {
            return Slot::Invariant(at as u32);
        }
        let inner = value.value().and_then(|id| self.walk.values.at(id).unboxed);
        match inner.and_then(|inner| Some((number(inner)?, self.walk.values.ty(inner)))) {
            Some((at, ty)) => {
                let code = match ty {
                    Ty::Int => OpCode::IntBox,
                    Ty::Flt => OpCode::FltBox,
                    _ => OpCode::BoolBox,
                };
                Slot::Boxed(code, Box::new(Shape { node, slot: Slot::Invariant(at as u32) }))
            }
            None => Slot::Any,
        }
    }
}

/// The inputs that an operation reads, other than the jump.
fn touched_inputs(source: &Trace) -> Vec<bool> {
    let mut is_touched = vec![false; source.input_count()];
    for op in &source.ops[..source.ops.len() - 1] {
        for id in op.args.iter().filter_map(|arg| arg.value()) {
            if let Some(is_touched) = is_touched.get_mut(id.0 as usize) {
                *is_touched = true;
            }
        }
    }
    is_touched
}

fn settle(shape: &mut Shape, is_read: &[bool]) {
    match &mut shape.slot {
        Slot::Phi(leaf) if !is_read[leaf.phi.0 as usize] => {
            leaf.is_passed = false;
            if leaf.is_free() {
                shape.slot = Slot::Any;
            }
        }
        Slot::Boxed(_, inner) => settle(inner, is_read),
        Slot::Object { parts, .. } => parts.iter_mut().for_each(|part| settle(part, is_read)),
        _ => {}
    }
}
