//! Integer bounds.
//!
//! Each integer has a range. Operations compute ranges from ranges; a guard on a comparison narrows both sides, and through
//! an addition of a constant what was added to. A comparison or an overflow check whose answer follows from the ranges
//! is a constant, so bounds checks, overflow checks and checks of tags go.
//!
//! Requirement: a guest integer fits in 63 bits, so what was unboxed, or is boxed, does.

use crate::fold::Rewrite;
use crate::values::Values;
use crate::walk::Walk;
use ir::{Arg, OpCode, Repr, ValueId, arith};

/// The integers from `lo` to `hi`, both included. Invariant: `lo <= hi`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    pub lo: i64,
    pub hi: i64,
}

impl Range {
    pub const FULL: Range = Range { lo: i64::MIN, hi: i64::MAX };
    /// What fits in a tagged integer.
    pub const TAGGED: Range = Range { lo: -(1 << 62), hi: (1 << 62) - 1 };

    /// One bit less.
    pub const SHORTER: Range = Range { lo: -(1 << 61), hi: (1 << 61) - 1 };

    /// What fits in 31 bits.
    pub const SMALL: Range = Range { lo: -(1 << 30), hi: (1 << 30) - 1 };

    pub fn contains(self, other: Range) -> bool {
        self.lo <= other.lo && other.hi <= self.hi
    }

    /// What lies in both, unless nothing does.
    pub fn meet(self, other: Range) -> Option<Range> {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        (lo <= hi).then_some(Range { lo, hi })
    }

    /// The range with its ends moved outwards to where loops usually stay within: a counter's range grows from round to
    /// round, and a bridge cannot always show the last bit.
    pub fn widened(self) -> Range {
        let lo = match self.lo {
            0.. => 0,
            lo if lo >= Range::TAGGED.lo => Range::TAGGED.lo,
            _ => i64::MIN,
        };
        let hi = match self.hi {
            ..0 => -1,
            hi if hi <= u32::MAX as i64 => all_ones(hi),
            hi if hi <= Range::TAGGED.hi => Range::TAGGED.hi,
            _ => i64::MAX,
        };
        Range { lo, hi }
    }

    /// The range of what a load of that representation gives.
    pub fn of_repr(repr: Repr) -> Range {
        let (lo, hi) = match repr {
            Repr::I32 => (i32::MIN as i64, i32::MAX as i64),
            Repr::U32 => (0, u32::MAX as i64),
            Repr::I16 => (i16::MIN as i64, i16::MAX as i64),
            Repr::U16 => (0, u16::MAX as i64),
            Repr::I8 => (i8::MIN as i64, i8::MAX as i64),
            Repr::U8 => (0, u8::MAX as i64),
            _ => return Range::FULL,
        };
        Range { lo, hi }
    }

    fn exact(lo: i128, hi: i128) -> Option<Range> {
        Some(Range { lo: i64::try_from(lo).ok()?, hi: i64::try_from(hi).ok()? })
    }

    fn hull(of: [i128; 4]) -> (i128, i128) {
        of.iter().fold((i128::MAX, i128::MIN), |(lo, hi), &x| (lo.min(x), hi.max(x)))
    }
}

/// The range of a pure operation's result.
pub(crate) fn of_result(code: OpCode, args: &[Arg], values: &Values) -> Range {
    let range = |at: usize| args.get(at).map_or(Range::FULL, |&arg| values.range(arg));
    of_ranges(code, range(0), range(1), args.get(1).and_then(|&arg| constant_of(arg)))
}

/// The same from the operands' ranges; `constant` is the second operand if it is one.
fn of_ranges(code: OpCode, a: Range, b: Range, constant: Option<i64>) -> Range {
    match code {
        OpCode::IntAdd | OpCode::IntSub | OpCode::IntMul => {
            let (lo, hi) = exact(code, a, b);
            Range::exact(lo, hi).unwrap_or(Range::FULL)
        }
        OpCode::IntNeg if a.lo > i64::MIN => Range { lo: -a.hi, hi: -a.lo },
        OpCode::IntInvert => Range { lo: !a.hi, hi: !a.lo },
        OpCode::IntAnd if a.lo >= 0 && b.lo >= 0 => Range { lo: 0, hi: a.hi.min(b.hi) },
        OpCode::IntAnd if a.lo >= 0 => Range { lo: 0, hi: a.hi },
        OpCode::IntAnd if b.lo >= 0 => Range { lo: 0, hi: b.hi },
        OpCode::IntOr if a.lo >= 0 && b.lo >= 0 => Range { lo: a.lo.max(b.lo), hi: all_ones(a.hi | b.hi) },
        OpCode::IntXor if a.lo >= 0 && b.lo >= 0 => Range { lo: 0, hi: all_ones(a.hi | b.hi) },
        OpCode::IntMod if b.lo > 0 && a.lo >= 0 => Range { lo: 0, hi: (b.hi - 1).min(a.hi) },
        OpCode::IntMod if b.lo > 0 => Range { lo: 0, hi: b.hi - 1 },
        OpCode::IntMod if b.hi < 0 => Range { lo: b.lo + 1, hi: 0 },
        OpCode::IntFloordiv if b.lo > 0 => {
            let corner = |x: i64, y: i64| arith::int_floordiv(x, y) as i128;
            let (lo, hi) =
                Range::hull([corner(a.lo, b.lo), corner(a.lo, b.hi), corner(a.hi, b.lo), corner(a.hi, b.hi)]);
            Range { lo: lo as i64, hi: hi as i64 }
        }
        OpCode::IntShl => match constant {
            Some(count @ 0..=62) => {
                Range::exact((a.lo as i128) << count, (a.hi as i128) << count).unwrap_or(Range::FULL)
            }
            _ => Range::FULL,
        },
        OpCode::IntShr => match constant {
            Some(count @ 0..=63) => Range { lo: a.lo >> count, hi: a.hi >> count },
            _ => Range { lo: a.lo.min(0), hi: a.hi.max(-1) },
        },
        OpCode::IntUshr => match constant {
            Some(count @ 1..=63) if a.lo < 0 => Range { lo: 0, hi: (u64::MAX >> count) as i64 },
            Some(count @ 0..=63) if a.lo >= 0 => Range { lo: a.lo >> count, hi: a.hi >> count },
            _ if a.lo >= 0 => Range { lo: 0, hi: a.hi },
            _ => Range::FULL,
        },
        OpCode::IntSext8 => narrowed(a, Repr::I8),
        OpCode::IntSext16 => narrowed(a, Repr::I16),
        OpCode::IntSext32 => narrowed(a, Repr::I32),
        OpCode::BoolToInt => Range { lo: 0, hi: 1 },
        OpCode::IntUnbox => Range::TAGGED,
        _ => Range::FULL,
    }
}

/// What an operation becomes once the ranges of its operands are known.
pub(crate) fn rewrite(code: OpCode, args: &[Arg], values: &Values) -> Option<Rewrite> {
    let range = |at: usize| args.get(at).map_or(Range::FULL, |&arg| values.range(arg));
    let (a, b) = (range(0), range(1));
    let known = |holds: bool| Some(Rewrite::Value(Arg::Bool(holds)));
    let fits = |code| {
        let (lo, hi) = exact(code, a, b);
        if Range::exact(lo, hi).is_some() {
            return known(false);
        }
        if lo > i64::MAX as i128 || hi < i64::MIN as i128 { known(true) } else { None }
    };
    match code {
        OpCode::IntLt if a.hi < b.lo => known(true),
        OpCode::IntLt if a.lo >= b.hi => known(false),
        OpCode::IntLe if a.hi <= b.lo => known(true),
        OpCode::IntLe if a.lo > b.hi => known(false),
        OpCode::IntGt if a.lo > b.hi => known(true),
        OpCode::IntGt if a.hi <= b.lo => known(false),
        OpCode::IntGe if a.lo >= b.hi => known(true),
        OpCode::IntGe if a.hi < b.lo => known(false),
        OpCode::IntEq if a.meet(b).is_none() => known(false),
        OpCode::IntNe if a.meet(b).is_none() => known(true),
        OpCode::IntUlt if a.hi < 0 && b.lo >= 0 => known(false),
        OpCode::IntUlt if a.lo >= 0 && b.hi < 0 => known(true),
        // Where both are positive a signed comparison says the same, and the loop's own test may have made it already.
        OpCode::IntUlt if a.lo >= 0 && b.lo >= 0 => Some(Rewrite::op(OpCode::IntLt, args[0], args[1])),
        OpCode::IntFits if Range::TAGGED.contains(a) => known(true),
        OpCode::IntFits if a.meet(Range::TAGGED).is_none() => known(false),
        OpCode::IntFits62 if Range::SHORTER.contains(a) => known(true),
        OpCode::IntFits62 if a.meet(Range::SHORTER).is_none() => known(false),
        OpCode::IntFits31 if Range::SMALL.contains(a) => known(true),
        OpCode::IntFits31 if a.meet(Range::SMALL).is_none() => known(false),
        OpCode::IntAddOverflows => fits(OpCode::IntAdd),
        OpCode::IntSubOverflows => fits(OpCode::IntSub),
        OpCode::IntMulOverflows => fits(OpCode::IntMul),
        OpCode::IntMod if a.lo >= 0 && a.hi < b.lo => Some(Rewrite::Value(args[0])),
        OpCode::IntSext8 if Range::of_repr(Repr::I8).contains(a) => Some(Rewrite::Value(args[0])),
        OpCode::IntSext16 if Range::of_repr(Repr::I16).contains(a) => Some(Rewrite::Value(args[0])),
        OpCode::IntSext32 if Range::of_repr(Repr::I32).contains(a) => Some(Rewrite::Value(args[0])),
        // A mask of low ones keeps what lies below it.
        OpCode::IntAnd if b.lo == b.hi && a.lo >= 0 && a.hi <= b.lo && b.lo & (b.lo.wrapping_add(1)) == 0 => {
            Some(Rewrite::Value(args[0]))
        }
        OpCode::FltToInt => match values.maker(args[0])? {
            // Up to 2^53 every integer is a float.
            (OpCode::IntToFlt, x, _) if Range { lo: -(1 << 53), hi: 1 << 53 }.contains(values.range(x)) => {
                Some(Rewrite::Value(x))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether more is known of a result when more is known of the operands later on.
pub(crate) fn follows_operands(code: OpCode) -> bool {
    matches!(code, OpCode::IntAdd | OpCode::IntSub | OpCode::IntMul | OpCode::IntShl)
}

impl Walk<'_> {
    /// The comparison has this answer from here on: narrows its operands.
    pub(crate) fn learn_comparison(&mut self, code: OpCode, a: Arg, b: Arg, holds: bool) {
        let (ra, rb) = (self.values.range(a), self.values.range(b));
        match (code, holds) {
            (OpCode::IntLt, true) | (OpCode::IntGe, false) => self.learn_less(a, b, 1),
            (OpCode::IntLt, false) | (OpCode::IntGe, true) => self.learn_less(b, a, 0),
            (OpCode::IntLe, true) | (OpCode::IntGt, false) => self.learn_less(a, b, 0),
            (OpCode::IntLe, false) | (OpCode::IntGt, true) => self.learn_less(b, a, 1),
            (OpCode::IntEq, true) | (OpCode::IntNe, false) => {
                self.narrow(a, rb);
                self.narrow(b, ra);
            }
            // Behind the end of a range: the range gets shorter by one.
            (OpCode::IntEq, false) | (OpCode::IntNe, true) if rb.lo == rb.hi => {
                if rb.lo == ra.lo && ra.lo < ra.hi {
                    self.narrow(a, Range { lo: ra.lo + 1, hi: ra.hi });
                } else if rb.lo == ra.hi && ra.lo < ra.hi {
                    self.narrow(a, Range { lo: ra.lo, hi: ra.hi - 1 });
                }
            }
            (OpCode::IntUlt, true) if rb.lo >= 0 && rb.hi > 0 => {
                self.narrow(a, Range { lo: 0, hi: rb.hi - 1 });
                let lo = self.values.range(a).lo;
                if (0..i64::MAX).contains(&lo) {
                    self.narrow(b, Range { lo: lo + 1, hi: i64::MAX });
                }
            }
            (OpCode::IntUlt, false) if ra.lo >= 0 && rb.lo >= 0 => self.learn_less(b, a, 0),
            (OpCode::IntFits, true) => self.narrow(a, Range::TAGGED),
            (OpCode::IntFits31, true) => self.narrow(a, Range::SMALL),
            (OpCode::IntFits62, true) => self.narrow(a, Range::SHORTER),
            _ => {}
        }
    }

    /// `a + gap <= b` from here on.
    fn learn_less(&mut self, a: Arg, b: Arg, gap: i64) {
        let (ra, rb) = (self.values.range(a), self.values.range(b));
        match (rb.hi.checked_sub(gap), ra.lo.checked_add(gap)) {
            (Some(hi), Some(lo)) => {
                self.narrow(a, Range { lo: i64::MIN, hi });
                self.narrow(b, Range { lo, hi: i64::MAX });
            }
            _ => self.contradiction = true,
        }
        if let (Arg::Value(id), Arg::Value(_)) = (self.values.resolve(a), b) {
            self.values.at_mut(id).below = Some((b, gap));
        }
    }

    /// The operand lies in that range from here on.
    pub(crate) fn narrow(&mut self, arg: Arg, to: Range) {
        self.narrow_through(arg, to, 0);
    }

    fn narrow_through(&mut self, arg: Arg, to: Range, depth: u32) {
        let arg = self.values.resolve(arg);
        let Some(range) = self.values.range(arg).meet(to) else {
            self.contradiction = true;
            return;
        };
        let Arg::Value(id) = arg else { return };
        if range == self.values.at(id).range || !self.has(crate::Passes::BOUNDS) {
            return;
        }
        self.values.at_mut(id).range = range;
        let maker = self.values.maker(arg);
        if range.lo == range.hi {
            self.forward(id, Some(Arg::Int(range.lo)));
        }
        // An exact sum or difference tells about its parts.
        if let Some((code @ (OpCode::IntAdd | OpCode::IntSub), x, y)) = maker
            && depth < 8
            && let (rx, ry) = (self.values.range(x), self.values.range(y))
            && let (lo, hi) = exact(code, rx, ry)
            && Range::exact(lo, hi).is_some()
        {
            let (of_x, of_y) = match code {
                OpCode::IntAdd => (exact(OpCode::IntSub, range, ry), exact(OpCode::IntSub, range, rx)),
                _ => (exact(OpCode::IntAdd, range, ry), exact(OpCode::IntSub, rx, range)),
            };
            self.narrow_through(x, clamped(of_x), depth + 1);
            self.narrow_through(y, clamped(of_y), depth + 1);
        }
    }

    /// The range of a value with what was learned of its operands since it was made.
    pub(crate) fn range_now(&self, arg: Arg) -> Range {
        self.range_within(arg, 3)
    }

    fn range_within(&self, arg: Arg, depth: u32) -> Range {
        let range = self.values.range(arg);
        let Some((code, a, b)) = self.values.maker(arg).filter(|maker| follows_operands(maker.0)) else {
            return range;
        };
        if depth == 0 || !self.has(crate::Passes::BOUNDS) {
            return range;
        }
        let (ra, rb) = (self.range_within(a, depth - 1), self.range_within(b, depth - 1));
        let fresh = of_ranges(code, ra, rb, constant_of(b));
        range.meet(fresh).unwrap_or(range)
    }

    /// Sets the range of a new value.
    pub(crate) fn set_range(&mut self, id: ValueId, range: Range) {
        if self.has(crate::Passes::BOUNDS) {
            self.values.at_mut(id).range = range;
        }
    }
}

fn constant_of(arg: Arg) -> Option<i64> {
    match arg {
        Arg::Int(x) => Some(x),
        _ => None,
    }
}

/// Bounds of the exact sum, difference or product.
fn exact(code: OpCode, a: Range, b: Range) -> (i128, i128) {
    let (al, ah, bl, bh) = (a.lo as i128, a.hi as i128, b.lo as i128, b.hi as i128);
    match code {
        OpCode::IntAdd => (al + bl, ah + bh),
        OpCode::IntSub => (al - bh, ah - bl),
        _ => Range::hull([al * bl, al * bh, ah * bl, ah * bh]),
    }
}

/// What of these bounds lies within 64 bits, as something does.
fn clamped((lo, hi): (i128, i128)) -> Range {
    let (least, most) = (i64::MIN as i128, i64::MAX as i128);
    Range { lo: lo.clamp(least, most) as i64, hi: hi.clamp(least, most) as i64 }
}

fn narrowed(range: Range, repr: Repr) -> Range {
    let all = Range::of_repr(repr);
    if all.contains(range) { range } else { all }
}

/// The smallest 2^n - 1 that is not below `x`, which is not negative.
fn all_ones(x: i64) -> i64 {
    if x == 0 { 0 } else { (u64::MAX >> (x as u64).leading_zeros()) as i64 }
}
