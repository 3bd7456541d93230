//! Stronger guards.
//!
//! A guest integer is tested after each sum whether it still fits. Where a sum of a sum is tested, the first test can cover the second:
//! what fits in 62 bits fits in 63 after anything that is no longer than 62 bits was added. So the guard that is there already
//! asks for one bit more, and the later one goes. And a counter that is below something that the loop does not change fits one step on
//! if that does: a test of the limit in the first iteration serves all.
//!
//! A stronger guard leaves where the recorded one would have gone on. That is right at any time, for the state at a guard is
//! one from which the interpreter can go on; but a bridge from there has to test again what was recorded ([`ir::Strength`]),
//! and must not ask for smaller integers itself, or it would be left in the same way.
//!
//! A handler asks of an operand whether it is an integer, whether it is a float, and then for its shape. Only the last question says
//! something where the others are answered with no: so all three guards leave where the first one would, and backends make one test
//! of them.

use crate::Passes;
use crate::bounds::Range;
use crate::walk::Walk;
use ir::{Arg, Attr, ExitId, Op, OpCode, Strength, Ty, ValueId};
use smallvec::SmallVec;

/// A guard in `out` that a value fits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    value: ValueId,
    /// The test, which only this guard reads.
    at: usize,
    exit: ExitId,
}

/// So many guards before the one at hand are looked at.
const LOOK_BACK: usize = 6;
/// Factors from here have a product that fits.
const FACTOR: Range = Range { lo: -i32::MAX as i64, hi: i32::MAX as i64 };

impl Walk<'_> {
    /// A guard that `x` fits, which is not known: makes it, or has another guard cover it.
    pub(crate) fn guard_fits(&mut self, x: Arg, op: &Op) {
        let limit = self.limit_of(x);
        let is_known = limit.is_some_and(|(limit, end)| self.values.range(limit).hi < end);
        if is_known || Range::TAGGED.contains(self.range_now(x)) || self.is_covered(x, Range::SHORTER, Range::TAGGED) {
            return;
        }
        let Some(snapshot) = op.snapshot else { return };
        let exit = self.exit(snapshot);
        let limit = limit.filter(|&(limit, _)| !self.in_body && self.stays(limit));
        let code = match limit {
            Some(_) => OpCode::IntLt,
            None => OpCode::IntFits,
        };
        let mut args: SmallVec<[Arg; 3]> = SmallVec::from_slice(&[self.forced(x)]);
        if let Some((limit, end)) = limit {
            args = SmallVec::from_slice(&[limit, Arg::Int(end)]);
        }
        // A test of its own, so that it can be changed later.
        let at = self.out.len();
        let test = self.emit(code, Ty::Bool, args, Attr::None);
        self.emit_guard(OpCode::GuardTrue, &[test], exit);
        match (limit, x) {
            (Some((limit, end)), _) => {
                self.exits[exit.0 as usize].strength = Strength::Smaller;
                self.narrow(limit, Range { lo: i64::MIN, hi: end - 1 });
            }
            (None, Arg::Value(value)) => self.checks.push(Check { value, at, exit }),
            _ => {}
        }
    }

    /// A guard that the product of two integers does not overflow, which is not known. If both were small when this was recorded,
    /// guards that they are replace it, and the test whether the product fits, and perhaps others before: true.
    pub(crate) fn guard_product(&mut self, a: Arg, b: Arg, op: &Op) -> bool {
        let is_expected = |walk: &Self, factor: Arg| {
            let is_small = factor.value().is_some_and(|id| walk.values.at(id).is_small);
            let range = walk.range_now(factor);
            FACTOR.contains(range) || is_small && range.meet(Range::SMALL).is_some() && !walk.is_unchanging(factor, 3)
        };
        let Some(snapshot) = op.snapshot else { return false };
        if !is_expected(self, a) || !is_expected(self, b) {
            return false;
        }
        for factor in [a, b] {
            if !FACTOR.contains(self.range_now(factor)) && !self.is_covered(factor, Range::SMALL, FACTOR) {
                let exit = self.exit(snapshot);
                self.exits[exit.0 as usize].strength = Strength::Smaller;
                let factor = self.forced(factor);
                let test = self.emit(OpCode::IntFits31, Ty::Bool, SmallVec::from_slice(&[factor]), Attr::None);
                self.emit_guard(OpCode::GuardTrue, &[test], exit);
                self.narrow(factor, Range::SMALL);
            }
            let range = self.range_now(factor);
            self.narrow(factor, range);
        }
        true
    }

    /// Whether `x` is `within` that range if one of the last guards is made stronger; then it is.
    fn is_covered(&mut self, x: Arg, stronger: Range, within: Range) -> bool {
        let recent = self.checks.len().saturating_sub(LOOK_BACK)..self.checks.len();
        for at in recent.rev() {
            let Check { value, at: test, exit } = self.checks[at];
            let before = self.values.at(value).range;
            let Some(after) = self.range_now(Arg::Value(value)).meet(stronger) else { continue };
            if after == before {
                continue;
            }
            self.values.at_mut(value).range = after;
            let is_covered = within.contains(self.range_now(x));
            self.values.at_mut(value).range = before;
            // Whoever enters the body with other invariants could not show it.
            if is_covered && !self.is_unchanging(Arg::Value(value), 3) {
                self.out[test].op.code = if stronger == Range::SMALL { OpCode::IntFits31 } else { OpCode::IntFits62 };
                self.exits[exit.0 as usize].strength = Strength::Smaller;
                self.narrow(Arg::Value(value), stronger);
                return true;
            }
        }
        false
    }

    /// If `x` is a bit more than what is not above a value that the loop does not change: that value, and what it must be below
    /// for `x` to fit.
    fn limit_of(&self, x: Arg) -> Option<(Arg, i64)> {
        let (OpCode::IntAdd, base, Arg::Int(step @ 1..=0xffff)) = self.values.maker(x)? else { return None };
        let (limit, gap) = self.values.at(base.value()?).below?;
        let limit = self.values.resolve(limit);
        let (range, base) = (self.values.range(limit), self.values.range(base));
        let both_fit = Range::TAGGED.contains(range) && Range::TAGGED.contains(base);
        both_fit.then_some((limit, Range::TAGGED.hi - step + gap + 1))
    }

    /// Whether it is what is in an input that the loop hands on as it is.
    fn stays(&self, value: Arg) -> bool {
        let Some((OpCode::IntUnbox, Arg::Value(input), _)) = self.values.maker(value) else { return false };
        let end = &self.source.ops[self.source.ops.len() - 1];
        let slot = (0..self.source.input_count()).find(|&slot| self.map[slot] == Arg::Value(input));
        end.code == OpCode::JumpLabel && slot.is_some_and(|slot| end.args[slot] == Arg::Value(ValueId(slot as u32)))
    }

    /// Whether it follows from nothing but such values.
    fn is_unchanging(&self, value: Arg, depth: u32) -> bool {
        match self.values.maker(value) {
            None => true,
            Some((OpCode::IntAdd | OpCode::IntSub | OpCode::IntMul, a, b)) if depth > 0 => {
                self.is_unchanging(a, depth - 1) && self.is_unchanging(b, depth - 1)
            }
            _ => self.stays(value),
        }
    }

    /// A guard on the shape of what was just found to be neither an integer nor a float: gives all the first one's exit. False if it is
    /// not that.
    pub(crate) fn guard_object(&mut self, shape: Arg, constant: Arg) -> bool {
        let count = self.out.len();
        let Some(last) = self.out.last().filter(|last| last.op.code == OpCode::Shape) else { return false };
        if last.result.map(Arg::Value) != Some(shape) || !self.strengthens() {
            return false;
        }
        let object = last.op.args[0];
        let asks = |at: Option<usize>, code: OpCode| {
            // Not across the label: the exit in front of it hands over what the body has not.
            at.filter(|&at| at >= self.body_start).filter(|&at| {
                let (test, guard) = (&self.out[at], &self.out[at + 1].op);
                test.op.code == code
                    && test.op.args[0] == object
                    && guard.code == OpCode::GuardFalse
                    && guard.args[0].value() == test.result
            })
        };
        let Some(is_flt) = asks(count.checked_sub(3), OpCode::IsFlt) else { return false };
        let first = asks(is_flt.checked_sub(2), OpCode::IsInt).unwrap_or(is_flt);
        let exit = self.out[first + 1].op.exit;
        let Some(id) = exit else { return false };
        self.out[is_flt + 1].op.exit = exit;
        self.exits[id.0 as usize].strength = Strength::Shape;
        self.emit_guard(OpCode::GuardValue, &[shape, constant], id);
        true
    }

    /// Whether the guard may leave although what was recorded holds, now or once it is made stronger: then the exit knows nothing of the
    /// condition.
    pub(crate) fn may_be_stronger(&self, condition: Arg, expected: bool) -> bool {
        match self.values.maker(condition) {
            Some((OpCode::BoolNot, inner, _)) => self.may_be_stronger(inner, !expected),
            Some((OpCode::IntFits, ..)) => expected && self.strengthens(),
            Some((OpCode::IsInt | OpCode::IsFlt | OpCode::IntMulOverflows, ..)) => !expected && self.strengthens(),
            _ => false,
        }
    }

    /// Whether the pass runs, with those that it builds on.
    pub(crate) fn strengthens(&self) -> bool {
        self.has(Passes::STRENGTHEN.with(Passes::BOUNDS).with(Passes::GUARDS))
    }
}
