//! From snapshots to exits.
//!
//! An exit lists the values that compiled code hands over and a recipe for what compiled code never made: boxes and virtual
//! objects, each made once however often it is mentioned. The exit reads what is in a box rather than the box, so a box
//! that only exits need is never made.

use crate::fold::boxed;
use crate::walk::Walk;
use ir::{Arg, Attr, Exit, ExitArg, ExitId, FrameState, OpCode, RecipeStep, Snapshot, SnapshotId, Ty, ValueId};
use smallvec::SmallVec;
use std::ops::RangeBounds;
use std::sync::Arc;

/// Steps of a recipe from which on no more objects are kept virtual.
const LONG_RECIPE: usize = 250;

/// Where each value stands in the exit in the making.
///
/// An exit begins like the one before it, for the frames below the innermost one are seldom other ones: what stands there is taken
/// over, up to the first frame that has changed or that mentions a value of which more is known now.
#[derive(Default)]
pub(crate) struct Marks {
    /// By value: the element, and its place in `order`, counted from 1; 0: it does not stand there.
    places: Vec<(ExitArg, u32)>,
    /// The values that stand there.
    order: Vec<ValueId>,
    /// The snapshot of the last exit.
    snapshot: Option<SnapshotId>,
    /// Where its frames end.
    ends: Vec<End>,
    /// The last exit mentions a truth that may be known for that exit alone.
    has_truth: bool,
}

/// The end of a frame in an exit.
#[derive(Clone, Copy)]
struct End {
    live: usize,
    recipe: usize,
    marks: usize,
}

impl Marks {
    pub fn clear(&mut self) {
        self.places.clear();
        self.order.clear();
        self.ends.clear();
        (self.snapshot, self.has_truth) = (None, false);
    }

    fn get(&self, id: ValueId) -> Option<ExitArg> {
        let (arg, place) = self.places[id.0 as usize];
        (place != 0).then_some(arg)
    }

    fn set(&mut self, id: ValueId, arg: ExitArg) {
        self.order.push(id);
        self.places[id.0 as usize] = (arg, self.order.len() as u32);
    }

    /// There are so many values by now.
    fn make_room(&mut self, values: usize) {
        if self.places.len() < values {
            self.places.resize(values + 64, (ExitArg::Int(0), 0));
        }
    }

    /// More is known of the value: no further exit takes over a frame that mentions it.
    pub(crate) fn touch(&mut self, id: ValueId) {
        let place = self.places.get(id.0 as usize).map_or(0, |place| place.1) as usize;
        if place != 0 {
            let unchanged = self.ends.partition_point(|end| end.marks < place);
            self.ends.truncate(unchanged);
        }
    }

    /// No further exit takes over anything.
    pub(crate) fn forget(&mut self) {
        self.ends.clear();
    }

    /// Leaves only what so many frames mention.
    fn keep(&mut self, frames: usize) {
        self.ends.truncate(frames);
        let kept = self.ends.last().map_or(0, |end| end.marks);
        for id in self.order.drain(kept..) {
            self.places[id.0 as usize].1 = 0;
        }
    }
}

impl Walk<'_> {
    /// Lowers a snapshot with what is known here.
    pub(crate) fn exit(&mut self, id: SnapshotId) -> ExitId {
        let source = self.source;
        let snapshot: &Snapshot = &source.snapshots[id.0 as usize];
        let mut exit = Exit {
            frames: Vec::with_capacity(snapshot.frames.len()),
            live: Vec::with_capacity(self.exits.last().map_or(0, |last| last.live.len()) + 4),
            in_body: self.in_body || self.request.origin.is_some(),
            ..Exit::default()
        };
        self.marks.make_room(self.values.all.len());
        self.take_over(&mut exit, snapshot);
        self.marks.snapshot = Some(id);
        self.lower_frames(&mut exit, snapshot);
        if cfg!(debug_assertions) {
            self.check_frames(&exit, snapshot);
        }
        let cells = self.add_exit_cells();
        if self.request.origin.is_some() {
            for value in self.origin_invariants() {
                let arg = self.exit_arg(&mut exit, value);
                exit.invariants.push(arg);
            }
            for at in cells {
                let contents = self.exit_cells.all[at];
                let arg = contents.map_or(UNKNOWN, |contents| self.exit_arg(&mut exit, contents.value));
                exit.invariants.push(arg);
            }
        }
        self.is_full |= exit.recipe.len() > LONG_RECIPE;
        self.add_facts(&exit.live);
        self.exits.push(exit);
        ExitId(self.exits.len() as u32 - 1)
    }

    /// The frames behind those that the exit has.
    fn lower_frames(&mut self, exit: &mut Exit, snapshot: &Snapshot) {
        for frame in &snapshot.frames[exit.frames.len()..] {
            self.marks.has_truth = false;
            let slots = frame.slots.iter().map(|&slot| self.exit_arg(exit, self.operand(slot))).collect();
            let log = frame
                .log
                .iter()
                .map(|&(kind, ty, value)| (kind, ty, self.exit_arg(exit, self.operand(value))))
                .collect();
            exit.frames.push(Arc::new(FrameState {
                code: frame.code,
                pc: frame.pc,
                slots,
                log,
                events: frame.events,
                resume: frame.resume,
            }));
            // Where a frame cannot be taken over those behind it cannot either.
            if self.marks.ends.len() + 1 == exit.frames.len() && !self.marks.has_truth {
                let end = End { live: exit.live.len(), recipe: exit.recipe.len(), marks: self.marks.order.len() };
                self.marks.ends.push(end);
            }
        }
    }

    /// What was taken over is what lowering all frames gives.
    fn check_frames(&mut self, exit: &Exit, snapshot: &Snapshot) {
        let marks = std::mem::take(&mut self.marks);
        self.marks.make_room(self.values.all.len());
        let mut again = Exit::default();
        self.lower_frames(&mut again, snapshot);
        self.marks = marks;
        assert_eq!(exit.live, again.live, "the values of an exit");
        let frames =
            |exit: &Exit| exit.frames.iter().map(|frame| (frame.slots.clone(), frame.log.clone())).collect::<Vec<_>>();
        assert_eq!(frames(exit), frames(&again), "the frames of an exit");
        let steps = |exit: &Exit| exit.recipe.iter().map(|step| (step.code, step.args.clone())).collect::<Vec<_>>();
        assert_eq!(steps(exit), steps(&again), "the recipe of an exit");
    }

    /// The frames that are as they were at the last exit, with what they mention.
    fn take_over(&mut self, exit: &mut Exit, snapshot: &Snapshot) {
        let before = self.marks.snapshot.map_or(&[][..], |id| &self.source.snapshots[id.0 as usize].frames);
        let same = before.iter().zip(&snapshot.frames).take_while(|(then, now)| Arc::ptr_eq(then, now)).count();
        self.marks.keep(same);
        let (Some(last), Some(&end)) = (self.exits.last(), self.marks.ends.last()) else { return };
        exit.frames.extend_from_slice(&last.frames[..self.marks.ends.len()]);
        exit.live.extend_from_slice(&last.live[..end.live]);
        exit.recipe.extend_from_slice(&last.recipe[..end.recipe]);
    }

    /// The invariants that a bridge got, and behind them what was in the cells at its start.
    fn origin_values(&self, range: impl RangeBounds<usize>) -> SmallVec<[Arg; 8]> {
        let Some(origin) = &self.request.origin else { return SmallVec::new() };
        let range = (range.start_bound().cloned(), range.end_bound().cloned());
        origin.invariants.get(range).unwrap_or(&[]).iter().map(|&arg| self.operand(arg)).collect()
    }

    pub(crate) fn origin_invariants(&self) -> SmallVec<[Arg; 8]> {
        self.origin_values(..self.origin_count())
    }

    pub(crate) fn origin_cells(&self) -> SmallVec<[Arg; 8]> {
        self.origin_values(self.origin_count()..)
    }

    fn origin_count(&self) -> usize {
        let label = self.request.origin.as_ref().and_then(|origin| origin.written.since.as_ref());
        label.map_or(0, |label| label.invariants as usize)
    }

    /// A resolved value as an element of the exit.
    fn exit_arg(&mut self, exit: &mut Exit, arg: Arg) -> ExitArg {
        let id = match arg {
            Arg::Value(id) => id,
            Arg::Int(x) => return ExitArg::Int(x),
            Arg::Flt(x) => return ExitArg::Flt(x),
            Arg::Bool(x) => {
                self.marks.has_truth = true;
                return ExitArg::Bool(x);
            }
            Arg::Imm(x) => return ExitArg::Imm(x),
            Arg::Ref(x) => return ExitArg::Ref(x),
        };
        if let Some(known) = self.marks.get(id) {
            return known;
        }
        let value = self.values.at(id);
        let made = match (value.unboxed, value.object) {
            (Some(inner), _) => self.exit_box(exit, self.values.resolve(inner)),
            (None, Some(object)) => return self.exit_object(exit, id, object),
            (None, None) => {
                exit.live.push((id, value.ty));
                ExitArg::Live(exit.live.len() as u32 - 1)
            }
        };
        self.marks.set(id, made);
        made
    }

    fn exit_box(&mut self, exit: &mut Exit, inner: Arg) -> ExitArg {
        match (boxed(inner), inner) {
            (Some(Arg::Imm(bits)), _) => return ExitArg::Imm(bits),
            (_, Arg::Bool(x)) => {
                self.marks.has_truth = true;
                let known = if x { self.request.true_ref } else { self.request.false_ref };
                if let Some(id) = known {
                    return ExitArg::Ref(id);
                }
            }
            _ => {}
        }
        let code = match self.values.ty(inner) {
            Ty::Int => OpCode::IntBox,
            Ty::Flt => OpCode::FltBox,
            _ => OpCode::BoolBox,
        };
        let inner = self.exit_arg(exit, inner);
        made(exit, code, Ty::Ref, &[inner], Attr::None)
    }

    /// A virtual object: what it holds first, then the object and its fields in one go, because the collector may run
    /// between objects.
    fn exit_object(&mut self, exit: &mut Exit, id: ValueId, object: u32) -> ExitArg {
        if self.has_rings && self.is_in_ring(id) {
            return self.exit_ring(exit, id);
        }
        let object = self.objects[object as usize].clone();
        let args: Vec<ExitArg> = object.held().map(|arg| self.exit_arg(exit, self.values.resolve(arg))).collect();
        let result = self.exit_new(exit, id, &object);
        fill(exit, result, &object, &args);
        result
    }

    fn exit_new(&mut self, exit: &mut Exit, id: ValueId, object: &crate::virtuals::Object) -> ExitArg {
        let count: SmallVec<[ExitArg; 3]> = match object.code {
            OpCode::NewItems => SmallVec::from_slice(&[ExitArg::Int(object.items.len() as i64)]),
            _ => SmallVec::new(),
        };
        let result = made(exit, object.code, Ty::Ref, &count, object.attr());
        self.marks.set(id, result);
        result
    }

    /// Whether the virtual object is reachable from itself.
    fn is_in_ring(&self, id: ValueId) -> bool {
        let mut seen = Vec::new();
        let mut stack = vec![id];
        while let Some(at) = stack.pop() {
            let Some(object) = self.values.at(at).object else { continue };
            let object = &self.objects[object as usize];
            for arg in object.held() {
                let Some(next) = self.values.resolve(arg).value() else { continue };
                if next == id {
                    return true;
                }
                if !seen.contains(&next) {
                    seen.push(next);
                    stack.push(next);
                }
            }
        }
        false
    }

    /// A virtual object in a ring, and all virtual objects that it reaches: allocations first.
    fn exit_ring(&mut self, exit: &mut Exit, id: ValueId) -> ExitArg {
        let mut all = vec![id];
        let mut at = 0;
        while at < all.len() {
            let Some(object) = self.values.at(all[at]).object else { break };
            let object = self.objects[object as usize].clone();
            self.exit_new(exit, all[at], &object);
            for arg in object.held() {
                let Some(next) = self.values.resolve(arg).value() else { continue };
                if self.values.at(next).object.is_some() && self.marks.get(next).is_none() && !all.contains(&next) {
                    all.push(next);
                }
            }
            at += 1;
        }
        for &id in &all {
            let (Some(object), Some(result)) = (self.values.at(id).object, self.marks.get(id)) else { continue };
            let object = self.objects[object as usize].clone();
            let args: Vec<ExitArg> = object.held().map(|arg| self.exit_arg(exit, self.values.resolve(arg))).collect();
            fill(exit, result, &object, &args);
        }
        self.marks.get(id).unwrap_or(ExitArg::Imm(0))
    }
}

/// What an exit says of a cell whose contents are not known: no cell holds a Bool.
pub(crate) const UNKNOWN: ExitArg = ExitArg::Bool(false);

fn made(exit: &mut Exit, code: OpCode, ty: Ty, args: &[ExitArg], attr: Attr) -> ExitArg {
    exit.recipe.push(RecipeStep { code, ty, args: SmallVec::from_slice(args), attr });
    ExitArg::Made(exit.recipe.len() as u32 - 1)
}

/// The steps that initialise an object; `args` are its fields' and items' values in order.
fn fill(exit: &mut Exit, base: ExitArg, object: &crate::virtuals::Object, args: &[ExitArg]) {
    let (fields, items) = args.split_at(object.fields.len());
    for ((field, _), &value) in object.fields.iter().zip(fields) {
        made(exit, OpCode::InitField, Ty::Void, &[base, value], Attr::Field(*field));
    }
    let known = object.items.iter().enumerate().filter_map(|(at, item)| item.as_ref().map(|item| (at, item.0)));
    for ((at, descr), &value) in known.zip(items) {
        made(exit, OpCode::InitItem, Ty::Void, &[base, ExitArg::Int(at as i64), value], Attr::Items(descr));
    }
}
