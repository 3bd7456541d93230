//! Entering a loop's body without its first iteration.
//!
//! A body knows what the first iteration found out about what does not change: lengths, addresses, types. Those are the
//! invariants that the label takes. Whoever comes with values of its own for the slots can compute them anew, if the way from the
//! slots to the invariants is short: this is that way, taken from the first iteration. It has three kinds of steps: operations on
//! unchanging values, loads of memory that the loop does not write, and conditions that guards of the first iteration tested.
//!
//! A bridge from the body of the same loop, which wrote nothing that the body relies on, has to make only those anew that follow
//! from slots it changed.
//!
//! Nothing is tested at a jump. Where a condition is not known to hold, and where a load would not certainly be safe, the jump goes
//! to the loop's start, whose first iteration tests it.
//!
//! Requirement: the body relies on nothing else that the first iteration found out about unchanging values. So ranges and kinds
//! that other guards of the first iteration taught are forgotten at the label ([`Plan::forget_the_rest`]); the body's own
//! guards teach them again.

use crate::cse::Words;
use crate::facts::Fact;
use crate::heap::{Memory, Written};
use crate::label::{Shape, Slot};
use crate::request::Failure;
use crate::values::Kind;
use crate::walk::{Walk, cell_of};
use ir::{Arg, Attr, CallEffect, Effect, OpCode, Ty, ValueId};
use smallvec::SmallVec;

/// Steps beyond which a body has no entry: the first iteration is as good.
const MOST_STEPS: usize = 200;

/// Where a step finds a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// The slot of that number, which the loop does not change.
    Slot(u32),
    /// The result of that step.
    Step(u32),
    Constant(Arg),
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Make {
        code: OpCode,
        ty: Ty,
        attr: Attr,
        args: SmallVec<[Source; 3]>,
    },
    /// A guard: to be known.
    Holds(Source, bool),
    /// A guard on a value: to be known.
    Is(Source, Arg),
}

/// How a body is entered from its slots. Part of a label.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    steps: Vec<Step>,
    /// Of the label's invariants, in their order: where they come from, and what the body knows of them.
    invariants: Vec<(Source, Fact)>,
}

/// What came of a step at a jump.
struct Made {
    /// `None`: of a guard; or it need not be known, because it is the same as before.
    value: Option<Arg>,
    is_same: bool,
}

/// The steps of a first iteration.
pub(crate) struct Plan {
    steps: Vec<Step>,
    sources: Words<ValueId, Source>,
}

impl Plan {
    /// The steps among what the walk has emitted, which stands at the label. `written`: what the loop writes.
    pub fn new(walk: &Walk, slots: &[Shape], written: &Written) -> Option<Plan> {
        let mut plan = Plan { steps: Vec::new(), sources: Words::default() };
        for (at, emitted) in walk.out.iter().enumerate() {
            let op = &emitted.op;
            if op.code == OpCode::Input {
                if matches!(slots.get(at), Some(Shape { slot: Slot::Same(_), .. })) {
                    plan.sources.insert(emitted.result?, Source::Slot(at as u32));
                }
                continue;
            }
            let Some(args) = op.args.iter().map(|&arg| plan.source(arg)).collect::<Option<SmallVec<_>>>() else {
                continue;
            };
            let step = match op.code {
                OpCode::GuardTrue | OpCode::GuardFalse => Step::Holds(args[0], op.code == OpCode::GuardTrue),
                OpCode::GuardValue => Step::Is(args[0], op.args[1]),
                _ if !is_repeatable(walk, op.code, &op.attr, written) => continue,
                code => Step::Make { code, ty: op.ty, attr: op.attr, args },
            };
            if let (Some(id), Step::Make { .. }) = (emitted.result, &step) {
                plan.sources.insert(id, Source::Step(plan.steps.len() as u32));
            }
            plan.steps.push(step);
            if plan.steps.len() > MOST_STEPS {
                return None;
            }
        }
        Some(plan)
    }

    fn source(&self, arg: Arg) -> Option<Source> {
        match arg {
            Arg::Value(id) => self.sources.get(&id).copied(),
            constant => Some(Source::Constant(constant)),
        }
    }

    /// Of the values that the steps make, the walk forgets what the steps do not teach. `None`: they teach less than the walk
    /// cannot forget, so the body has no entry.
    pub fn forget_the_rest(&self, walk: &mut Walk) -> Option<()> {
        let mut other = Walk::new(walk.source, walk.request);
        let made = self.replay(&mut other).ok()?;
        for (&id, &source) in &self.sources {
            let mine = walk.values.resolve(Arg::Value(id));
            let taught = other.values.resolve(match source {
                Source::Slot(slot) => other.map[slot as usize],
                Source::Step(step) => made[step as usize],
                Source::Constant(constant) => constant,
            });
            let Arg::Value(own) = mine else {
                // Constants are the same in both walks.
                if mine != taught {
                    return None;
                }
                continue;
            };
            let (range, kind) = (other.values.range(taught), other.values.kind(taught));
            let value = walk.values.at_mut(own);
            if range.contains(value.range) && value.ty == Ty::Int {
                value.range = range;
            }
            if value.ty == Ty::Ref && value.unboxed.is_none() && value.kind.implies(kind) {
                value.kind = kind;
            }
        }
        Some(())
    }

    /// The steps' results in a walk that may believe all conditions.
    fn replay(&self, walk: &mut Walk) -> Result<Vec<Arg>, Failure> {
        let mut made: Vec<Arg> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let result = {
                let value = |source: Source| match source {
                    Source::Slot(slot) => walk.map[slot as usize],
                    Source::Step(step) => made[step as usize],
                    Source::Constant(constant) => constant,
                };
                match step {
                    Step::Make { args, .. } => args.iter().map(|&arg| value(arg)).collect(),
                    Step::Holds(source, _) | Step::Is(source, _) => SmallVec::<[Arg; 3]>::from_slice(&[value(*source)]),
                }
            };
            let args: SmallVec<[Arg; 3]> = result.into_iter().map(|arg| walk.values.resolve(arg)).collect();
            made.push(match step {
                Step::Make { code, ty, attr, .. } => walk.made_again(*code, *ty, attr, &args),
                Step::Holds(_, holds) => {
                    walk.learn(args[0], *holds);
                    Arg::NULL
                }
                Step::Is(_, constant) => {
                    walk.guard_value(args[0], *constant, None);
                    Arg::NULL
                }
            });
            if walk.contradiction {
                return Err(Failure::Contradiction);
            }
        }
        Ok(made)
    }

    /// The entry for a label with these invariants, if the steps lead to all of them.
    pub fn entry(&self, walk: &Walk, invariants: &[ValueId]) -> Option<Entry> {
        let sources = invariants.iter().map(|&id| {
            let source = self.sources.get(&id).copied()?;
            Some((source, walk.label_facts.get(&id).copied().unwrap_or(Fact::Unknown)))
        });
        Some(Entry { steps: self.steps.clone(), invariants: sources.collect::<Option<_>>()? })
    }

    /// What the body knows at its start of the values that the steps make.
    pub fn facts(&self, walk: &Walk) -> Words<ValueId, Fact> {
        self.sources.keys().map(|&id| (id, walk.fact(walk.values.resolve(Arg::Value(id))))).collect()
    }
}

/// Whether the operation gives the same again at any time, as far as this loop goes.
fn is_repeatable(walk: &Walk, code: OpCode, attr: &Attr, written: &Written) -> bool {
    match code.effect() {
        Effect::Pure => true,
        Effect::Reads => match walk.memory(code, attr).0 {
            Memory::Field { immutable: true, .. } | Memory::Items { immutable: true, .. } => true,
            memory => !written.has(memory),
        },
        Effect::Calls => matches!(attr, Attr::Callee(callee) if callee.effect == CallEffect::Pure),
        _ => false,
    }
}

impl Walk<'_> {
    /// A step in a walk whose code nobody runs.
    fn made_again(&mut self, code: OpCode, ty: Ty, attr: &Attr, args: &[Arg]) -> Arg {
        match code.effect() {
            Effect::Pure => self.pure(code, ty, args),
            Effect::Reads => match self.known_load(code, attr, args) {
                Some(known) => known,
                None => self.fresh_load(code, ty, attr, args),
            },
            _ => self.emit(code, ty, SmallVec::from_slice(args), *attr),
        }
    }

    /// The invariants for slots with these values; `None` if something is missing.
    ///
    /// `brought`: the invariants of the round that the walk comes from, if nothing that the body relies on was written since. What
    /// follows from slots that are still the same is as it was.
    pub(crate) fn invariants_for(
        &mut self,
        entry: &Entry,
        slots: &[Shape],
        ends: &[Arg],
        brought: Option<&[Arg]>,
    ) -> Option<Vec<Arg>> {
        let mut made: Vec<Made> = Vec::with_capacity(entry.steps.len());
        for step in &entry.steps {
            let is_same = |source| brought.is_some_and(|brought| self.is_same(source, slots, ends, &made, brought));
            let result = match step {
                Step::Make { code, ty, attr, args } => {
                    let is_same = args.iter().all(|&arg| is_same(arg));
                    let args: Option<SmallVec<[Arg; 3]>> =
                        args.iter().map(|&arg| self.entry_value(arg, ends, &made)).collect();
                    let value = args.and_then(|args| self.step_of_entry(*code, *ty, attr, &args));
                    if value.is_none() && !is_same {
                        return None;
                    }
                    Made { value, is_same }
                }
                Step::Holds(condition, _) if is_same(*condition) => Made { value: None, is_same: true },
                Step::Is(value, _) if is_same(*value) => Made { value: None, is_same: true },
                Step::Holds(condition, holds) => {
                    if self.entry_value(*condition, ends, &made)? != Arg::Bool(*holds) {
                        return None;
                    }
                    Made { value: None, is_same: false }
                }
                Step::Is(value, constant) => {
                    if Some(self.entry_value(*value, ends, &made)?) != self.constant_of_label(*constant) {
                        return None;
                    }
                    Made { value: None, is_same: false }
                }
            };
            made.push(result);
        }
        let mut invariants = Vec::with_capacity(entry.invariants.len());
        for (at, &(source, wanted)) in entry.invariants.iter().enumerate() {
            if let Some(brought) = brought
                && self.is_same(source, slots, ends, &made, brought)
            {
                let value = self.forced(brought[at]);
                invariants.push(value);
                continue;
            }
            let value = self.entry_value(source, ends, &made)?;
            let value = self.forced(value);
            if !self.fact(value).implies(&wanted) {
                return None;
            }
            invariants.push(value);
        }
        Some(invariants)
    }

    fn entry_value(&self, source: Source, ends: &[Arg], made: &[Made]) -> Option<Arg> {
        Some(self.values.resolve(match source {
            Source::Slot(slot) => *ends.get(slot as usize)?,
            Source::Step(step) => made[step as usize].value?,
            Source::Constant(constant) => self.constant_of_label(constant)?,
        }))
    }

    /// Whether it is what it was in the round that brings these invariants.
    fn is_same(&self, source: Source, slots: &[Shape], ends: &[Arg], made: &[Made], brought: &[Arg]) -> bool {
        let slot = match source {
            Source::Constant(_) => return true,
            Source::Step(step) => return made[step as usize].is_same,
            Source::Slot(slot) => slot as usize,
        };
        let (Some(shape), Some(&end)) = (slots.get(slot), ends.get(slot)) else { return false };
        let end = self.values.resolve(end);
        match &shape.slot {
            Slot::Invariant(at) => brought[*at as usize] == end,
            Slot::Boxed(_, inner) => match inner.slot {
                Slot::Invariant(at) => self.values.unboxed(end) == Some(brought[at as usize]),
                _ => false,
            },
            _ => false,
        }
    }

    /// A step at a jump; `None` if it would not certainly be safe.
    fn step_of_entry(&mut self, code: OpCode, ty: Ty, attr: &Attr, args: &[Arg]) -> Option<Arg> {
        match code.effect() {
            Effect::Pure => {
                let kind = self.values.kind(args[0]);
                let is_safe = match code {
                    OpCode::FltUnbox => kind.is_flt == Some(true),
                    OpCode::IntUnbox => kind.is_int == Some(true),
                    // It may look into the object.
                    OpCode::IsFlt => kind.is_null == Some(false) || kind.is_int == Some(true),
                    _ => true,
                };
                is_safe.then(|| self.pure(code, ty, args))
            }
            Effect::Reads => {
                if let Some(known) = self.known_load(code, attr, args) {
                    return Some(known);
                }
                let is_field = matches!(code, OpCode::GetField | OpCode::Shape);
                let is_safe = is_field && self.values.kind(args[0]).implies(Kind { is_flt: None, ..Kind::OBJECT });
                is_safe.then(|| self.fresh_load(code, ty, attr, args))
            }
            Effect::Calls => {
                let Attr::Callee(callee) = attr else { return None };
                let name = std::ptr::from_ref(*callee) as usize;
                let known = self.cse.get_call(name, &SmallVec::from_slice(args))?;
                Some(self.values.resolve(known))
            }
            _ => None,
        }
    }

    /// What a load gives, if that is known.
    fn known_load(&mut self, code: OpCode, attr: &Attr, args: &[Arg]) -> Option<Arg> {
        if let Some(object) = self.values.object(args[0]) {
            return match code {
                OpCode::Shape => Some(Arg::Int(self.objects[object as usize].shape as i64)),
                _ => self.load_virtual(object, attr, args.get(1).copied()),
            };
        }
        let (memory, repr) = self.memory(code, attr);
        let (base, index) = cell_of(code, args);
        let known = self.heap.load_relying(memory, base, index, repr, &self.values)?;
        self.note_load(memory, base, index);
        Some(known)
    }

    fn fresh_load(&mut self, code: OpCode, ty: Ty, attr: &Attr, args: &[Arg]) -> Arg {
        let (memory, repr) = self.memory(code, attr);
        let (base, index) = cell_of(code, args);
        let forced: SmallVec<[Arg; 3]> = args.iter().map(|&arg| self.forced(arg)).collect();
        let result = self.emit(code, ty, forced, *attr);
        self.range_of_load(result, code, repr);
        self.heap.loaded(memory, base, index, repr, result);
        result
    }
}
