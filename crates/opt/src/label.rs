//! What a loop's body expects at its label.
//!
//! Each slot of the loop (one for each input of its trace) has a shape: a constant, a value that never changes, a phi, a box
//! around a phi, a virtual object whose fields are shapes. The shapes come from the end of the first iteration; the body
//! is made for them, and whoever jumps to the label must bring values that match. A phi also carries knowledge (kind,
//! range, shape of the object) that the values brought must have.
//!
//! Where the end of the body does not match, the shape that failed is made more general and the loop is peeled again.

use crate::bounds::Range;
use crate::cells::{Cell, LabelCell};
use crate::entry::Entry;
use crate::heap::Written;
use crate::values::Kind;
use crate::virtuals::Object;
use crate::walk::Walk;
use ir::{Arg, OpCode, Ty, ValueId};
use smallvec::SmallVec;
use std::collections::HashMap;

/// What the body of a loop expects at its label. Opaque outside this crate.
#[derive(Clone, Default, Debug)]
pub struct Label {
    pub(crate) slots: Vec<Shape>,
    /// Memory of which the body knows from before the label: who wrote it since may not enter.
    pub(crate) relied: Written,
    pub(crate) invariants: u32,
    /// Memory whose contents go round beside the slots.
    pub(crate) cells: Vec<LabelCell>,
    /// How to enter with other invariants.
    pub(crate) entry: Option<Entry>,
}

/// A slot's shape, or that of a part of it.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The number of the shape in the label, parents first.
    pub node: u32,
    pub slot: Slot,
}

impl Shape {
    /// The phi of a shape that has one.
    pub fn phi(&self) -> Option<ValueId> {
        match &self.slot {
            Slot::Phi(leaf) => Some(leaf.phi),
            Slot::Boxed(_, inner) => inner.phi(),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Slot {
    /// The body does not look at it.
    Any,
    Constant(Arg),
    /// The value it had before the label, while the trace is optimised.
    Same(Arg),
    /// The value of that invariant phi.
    Invariant(u32),
    Phi(Leaf),
    /// A box of that operation.
    Boxed(OpCode, Box<Shape>),
    Object {
        like: Object,
        parts: Vec<Shape>,
    },
    /// The virtual object of that earlier node.
    Seen(u32),
}

#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// The phi's value in the walk.
    pub phi: ValueId,
    pub ty: Ty,
    pub range: Range,
    pub kind: Kind,
    pub shape: Option<i64>,
    /// Whether the phi is there. One that the body does not read is not, but what it assumed of it must still hold.
    pub is_passed: bool,
}

impl Leaf {
    /// Whether the body assumes nothing of the value.
    pub fn is_free(&self) -> bool {
        self.range == Range::FULL && self.kind == Kind::default() && self.shape.is_none()
    }
}

/// How general the shapes are to be: what earlier attempts taught.
#[derive(Default, Clone, Debug)]
pub(crate) struct Plan {
    /// By node: 1 without knowledge, 2 a plain phi.
    pub levels: HashMap<u32, u8>,
    /// The least level of all nodes, and of the slots that never change.
    pub floor: u8,
    /// No memory in registers: it did not work out.
    pub without_cells: bool,
    /// Memory that the body turned out to write.
    pub written: Written,
}

/// Shapes in the making.
#[derive(Default)]
pub(crate) struct Builder {
    pub nodes: u32,
    /// The phis and their values on entry.
    pub phis: Vec<(ValueId, Arg)>,
    /// Virtual objects met so far and their nodes.
    objects: Vec<(ValueId, u32)>,
}

impl Builder {
    /// A virtual object that got a shape and was made after that, for another slot; its node.
    pub fn made_late(&self, walk: &Walk) -> Option<u32> {
        self.objects.iter().find(|(id, _)| walk.values.at(*id).object.is_none()).map(|object| object.1)
    }
}

/// Values matched against a label.
#[derive(Default)]
pub(crate) struct Matched {
    /// What the shape phis get, in their order.
    args: Vec<Arg>,
    objects: Vec<(u32, ValueId)>,
    failed: Vec<u32>,
}

impl Walk<'_> {
    /// The shape of a value at the end of the first iteration. `input` is what the slot held at its start.
    pub(crate) fn shape_of(&mut self, value: Arg, input: Option<Arg>, plan: &Plan, builder: &mut Builder) -> Shape {
        let node = builder.nodes;
        builder.nodes += 1;
        let own_level = plan.levels.get(&node).copied().unwrap_or(0);
        let level = own_level.max(plan.floor);
        let is_same = own_level == 0 && plan.floor < 2 && input == Some(self.values.resolve(value));
        let slot = match is_same && value.value().is_some() {
            true => Slot::Same(self.values.resolve(value)),
            false => self.slot_of(value, (node, level), plan, builder),
        };
        Shape { node, slot }
    }

    fn slot_of(&mut self, value: Arg, (node, level): (u32, u8), plan: &Plan, builder: &mut Builder) -> Slot {
        let value = self.values.resolve(value);
        if level == 0 && value.is_const() {
            return Slot::Constant(value);
        }
        if level < 2 {
            if let Some(inner) = self.values.unboxed(value) {
                let code = match self.values.ty(inner) {
                    Ty::Int => OpCode::IntBox,
                    Ty::Flt => OpCode::FltBox,
                    _ => OpCode::BoolBox,
                };
                let inner = if inner.is_const() {
                    // A constant in a box that varies: the part must not be a constant again.
                    let part = builder.nodes;
                    builder.nodes += 1;
                    Shape { node: part, slot: self.phi(inner, 1, builder) }
                } else {
                    self.shape_of(inner, None, plan, builder)
                };
                return Slot::Boxed(code, Box::new(inner));
            }
            if let (Arg::Value(id), Some(object)) = (value, self.values.object(value)) {
                if let Some(seen) = builder.objects.iter().find(|object| object.0 == id) {
                    return Slot::Seen(seen.1);
                }
                builder.objects.push((id, node));
                let like = self.objects[object as usize].clone();
                let parts = like.held().map(|part| self.shape_of(part, None, plan, builder)).collect();
                return Slot::Object { like, parts };
            }
        }
        self.phi(value, level, builder)
    }

    fn phi(&mut self, value: Arg, level: u8, builder: &mut Builder) -> Slot {
        let entry = self.forced(value);
        let ty = self.values.ty(entry);
        let (mut range, mut kind, mut shape) = (Range::FULL, Kind::default(), None);
        if level == 0 {
            range = self.range_now(entry).widened();
            kind = self.values.kind(entry);
            shape = (ty == Ty::Ref).then(|| self.known_shape(entry)).flatten();
        }
        self.values.escape(entry);
        let phi = self.values.make(OpCode::Phi, ty, [Arg::NULL; 2]);
        builder.phis.push((phi, entry));
        Slot::Phi(Leaf { phi, ty, range, kind, shape, is_passed: true })
    }

    /// The value that the body finds in a slot of that shape.
    pub(crate) fn instance(&mut self, shape: &Shape, objects: &mut Vec<(u32, Arg)>) -> Arg {
        match &shape.slot {
            Slot::Any => Arg::NULL,
            Slot::Constant(value) | Slot::Same(value) => *value,
            Slot::Invariant(_) => unreachable!("invariants are numbered when the trace is finished"),
            Slot::Phi(leaf) => {
                let phi = Arg::Value(leaf.phi);
                let value = self.values.at_mut(leaf.phi);
                value.kind = leaf.kind;
                self.set_range(leaf.phi, leaf.range);
                if let Some(shape) = leaf.shape {
                    self.cache_shape(phi, shape);
                }
                phi
            }
            Slot::Boxed(code, inner) => {
                let inner = self.instance(inner, objects);
                self.pure(*code, Ty::Ref, &[inner])
            }
            Slot::Object { like, parts } => {
                let id = self.add_object(like.clone());
                objects.push((shape.node, Arg::Value(id)));
                let values: Vec<Arg> = parts.iter().map(|part| self.instance(part, objects)).collect();
                let Some(object) = self.values.at(id).object else { return Arg::Value(id) };
                // It holds younger objects, so that a later store of it into one of them closes a ring.
                self.has_rings |=
                    values.iter().any(|&value| self.values.object(value).is_some_and(|held| held >= object));
                let object = &mut self.objects[object as usize];
                let places = object.fields.iter_mut().map(|field| &mut field.1);
                let places = places.chain(object.items.iter_mut().flatten().map(|item| &mut item.1));
                places.zip(values).for_each(|(place, value)| *place = value);
                Arg::Value(id)
            }
            Slot::Seen(node) => {
                self.has_rings = true;
                objects.iter().find(|object| object.0 == *node).map_or(Arg::NULL, |object| object.1)
            }
        }
    }

    /// Matches values against shapes: what the shape phis get. The error lists the nodes that do not match.
    /// `invariants`: what a bridge brings; `is_entry`: they are other ones than the loop had.
    pub(crate) fn match_label(
        &mut self,
        slots: &[Shape],
        ends: &[Arg],
        cells: &[(Cell<Arg>, &Shape)],
        invariants: Option<&[Arg]>,
        is_entry: bool,
    ) -> Result<Vec<Arg>, Vec<u32>> {
        let mut matched = Matched::default();
        for (shape, &end) in slots.iter().zip(ends) {
            self.matches(shape, end, invariants, &mut matched);
        }
        for (at, (cell, shape)) in cells.iter().enumerate() {
            if invariants.is_none() && !self.cells_loaded[at] {
                // Nobody will ask, so the phi may keep what it has.
                matched.args.extend(shape.phi().map(Arg::Value));
                continue;
            }
            match self.contents_now(cell, is_entry) {
                Some(contents) => self.matches(shape, contents, invariants, &mut matched),
                None => matched.failed.push(shape.node),
            }
        }
        if !matched.failed.is_empty() {
            return Err(matched.failed);
        }
        let args = matched.args.iter().map(|&arg| self.forced(arg)).collect();
        // A virtual object that went round is in the shapes; made, it would be there twice.
        let is_made = |object: &&(u32, ValueId)| self.values.at(object.1).object.is_none();
        let made: Vec<u32> = matched.objects.iter().filter(is_made).map(|object| object.0).collect();
        if made.is_empty() { Ok(args) } else { Err(made) }
    }

    fn matches(&mut self, shape: &Shape, value: Arg, invariants: Option<&[Arg]>, matched: &mut Matched) {
        let value = self.values.resolve(value);
        let fits = match &shape.slot {
            Slot::Any => true,
            Slot::Constant(constant) => {
                // A bridge numbers constants in its own way.
                let wanted = if invariants.is_some() { self.constant_of_label(*constant) } else { Some(*constant) };
                wanted == Some(value)
            }
            Slot::Same(old) => self.values.resolve(*old) == value,
            Slot::Invariant(at) => {
                let brought = invariants.and_then(|all| all.get(*at as usize));
                brought.is_some_and(|&brought| self.values.resolve(brought) == value)
            }
            Slot::Phi(leaf) => {
                if leaf.is_passed {
                    matched.args.push(value);
                }
                self.values.ty(value) == leaf.ty
                    && leaf.range.contains(self.range_now(value))
                    && self.values.kind(value).implies(leaf.kind)
                    && (leaf.shape.is_none() || leaf.shape == self.shape_now(value))
            }
            Slot::Boxed(code, inner) => match self.inside(*code, value) {
                Some(part) => return self.matches(inner, part, invariants, matched),
                None => false,
            },
            Slot::Seen(node) => {
                let seen = matched.objects.iter().find(|object| object.0 == *node);
                seen.is_some_and(|object| Arg::Value(object.1) == value)
            }
            Slot::Object { like, parts } => match self.held_like(like, value, matched) {
                Some((id, held)) => {
                    matched.objects.push((shape.node, id));
                    let parts = parts.iter().zip(held);
                    return parts.for_each(|(part, value)| self.matches(part, value, invariants, matched));
                }
                None => false,
            },
        };
        if !fits {
            matched.failed.push(shape.node);
        }
    }

    /// What a virtual object of that layout holds, if the value is one that was not matched before.
    fn held_like(&self, like: &Object, value: Arg, matched: &Matched) -> Option<(ValueId, SmallVec<[Arg; 8]>)> {
        let (Arg::Value(id), Some(object)) = (value, self.values.object(value)) else { return None };
        let object = &self.objects[object as usize];
        let is_new = matched.objects.iter().all(|known| known.1 != id);
        let held = in_order_of(like, object).filter(|_| is_new && like.is_like(object))?;
        Some((id, held))
    }

    /// What is in a box of that kind.
    fn inside(&mut self, code: OpCode, value: Arg) -> Option<Arg> {
        let ty = code.row().operands[0];
        if let Some(inner) = self.values.unboxed(value) {
            return (ty == ir::OperandTy::Is(self.values.ty(inner))).then_some(inner);
        }
        let kind = self.values.kind(value);
        match (code, value) {
            (OpCode::IntBox, _) if kind.is_int == Some(true) => Some(self.pure(OpCode::IntUnbox, Ty::Int, &[value])),
            (OpCode::FltBox, _) if kind.is_flt == Some(true) => Some(self.pure(OpCode::FltUnbox, Ty::Flt, &[value])),
            (OpCode::BoolBox, Arg::Ref(id)) if self.request.true_ref == Some(id) => Some(Arg::Bool(true)),
            (OpCode::BoolBox, Arg::Ref(id)) if self.request.false_ref == Some(id) => Some(Arg::Bool(false)),
            _ => None,
        }
    }

    fn shape_now(&self, value: Arg) -> Option<i64> {
        match self.values.object(value) {
            Some(object) => Some(self.objects[object as usize].shape as i64),
            None => self.known_shape(value),
        }
    }
}

/// What the object holds, in the order of the fields and items of `like`; `None` if it holds other ones.
fn in_order_of(like: &Object, object: &Object) -> Option<SmallVec<[Arg; 8]>> {
    if like.fields.len() != object.fields.len() || like.items.len() != object.items.len() {
        return None;
    }
    let mut held = SmallVec::new();
    for (field, _) in &like.fields {
        held.push(object.fields.iter().find(|other| other.0 == *field)?.1);
    }
    for (wanted, item) in like.items.iter().zip(&object.items) {
        match (wanted, item) {
            (None, None) => {}
            (Some((wanted, _)), Some((items, value))) if wanted == items => held.push(*value),
            _ => return None,
        }
    }
    Some(held)
}
