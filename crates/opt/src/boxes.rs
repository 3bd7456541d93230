//! Boxes.
//!
//! What is in a box is known where it was made or opened, so opening gives that value and a box that nobody else needs is
//! never made. What a guest value is (an integer, a float, null) is known from guards, and from what was done with it.

use crate::Passes;
use crate::bounds::Range;
use crate::fold::{Rewrite, boxed};
use crate::values::Kind;
use crate::walk::Walk;
use ir::{Arg, OpCode, Ty};

impl Walk<'_> {
    /// What an operation on guest values becomes.
    pub(crate) fn rewrite_box(&mut self, code: OpCode, args: &[Arg]) -> Option<Rewrite> {
        use OpCode::*;
        let a = args[0];
        let answer = |known: Option<bool>| known.map(|known| Rewrite::Value(Arg::Bool(known)));
        match code {
            IsInt => answer(self.values.kind(a).is_int),
            IsFlt => answer(self.values.kind(a).is_flt),
            IsNull => answer(self.values.kind(a).is_null),
            IntUnbox => self.values.unboxed(a).filter(|&inner| self.values.ty(inner) == Ty::Int).map(Rewrite::Value),
            FltUnbox => self.values.unboxed(a).filter(|&inner| self.values.ty(inner) == Ty::Flt).map(Rewrite::Value),
            IntBox | FltBox => {
                if code == IntBox {
                    self.narrow(a, Range::TAGGED);
                }
                if let Some(constant) = boxed(self.values.resolve(a)) {
                    return Some(Rewrite::Value(constant));
                }
                // box(unbox(x)) => x
                match self.values.maker(a) {
                    Some((IntUnbox, x, _)) if code == IntBox => Some(Rewrite::Value(x)),
                    Some((FltUnbox, x, _)) if code == FltBox => Some(Rewrite::Value(x)),
                    _ => None,
                }
            }
            BoolBox => match a {
                Arg::Bool(true) => self.request.true_ref.map(|id| Rewrite::Value(Arg::Ref(id))),
                Arg::Bool(false) => self.request.false_ref.map(|id| Rewrite::Value(Arg::Ref(id))),
                _ => None,
            },
            RefEq => self.rewrite_identity(a, args[1]),
            _ => None,
        }
    }

    /// Identity: by value for boxes, by object for objects.
    fn rewrite_identity(&mut self, a: Arg, b: Arg) -> Option<Rewrite> {
        let known = |holds: bool| Some(Rewrite::Value(Arg::Bool(holds)));
        if b == Arg::NULL {
            return Some(Rewrite::op1(OpCode::IsNull, a));
        }
        if a.is_const() && b.is_const() {
            let open = matches!((a, b), (Arg::Ref(_), Arg::Ref(_))) && a != b && !self.request.distinct_refs;
            return if open { None } else { known(a == b) };
        }
        if !self.values.may_alias(a, b, self.request.distinct_refs) {
            return known(false);
        }
        let (inner_a, inner_b) = (self.values.unboxed(a), self.values.unboxed(b));
        let tys = (inner_a.map(|x| self.values.ty(x)), inner_b.map(|x| self.values.ty(x)));
        match (tys, inner_a, inner_b) {
            ((Some(Ty::Int), Some(Ty::Int)), Some(x), Some(y)) => return Some(Rewrite::op(OpCode::IntEq, x, y)),
            ((Some(Ty::Flt), Some(Ty::Flt)), Some(x), Some(y)) => {
                let x = self.pure(OpCode::FltBits, Ty::Int, &[x]);
                let y = self.pure(OpCode::FltBits, Ty::Int, &[y]);
                return Some(Rewrite::op(OpCode::IntEq, x, y));
            }
            ((Some(Ty::Bool), None), Some(x), _) if matches!(b, Arg::Ref(_)) => {
                let Arg::Ref(id) = b else { return None };
                if self.request.true_ref == Some(id) {
                    return Some(Rewrite::Value(x));
                }
                if self.request.false_ref == Some(id) {
                    return Some(Rewrite::op1(OpCode::BoolNot, x));
                }
                return None;
            }
            _ => {}
        }
        let (kind_a, kind_b) = (self.values.kind(a), self.values.kind(b));
        let differ = |x: Option<bool>, y: Option<bool>| matches!((x, y), (Some(x), Some(y)) if x != y);
        let differs = differ(kind_a.is_int, kind_b.is_int)
            || differ(kind_a.is_flt, kind_b.is_flt)
            || differ(kind_a.is_null, kind_b.is_null);
        if differs { known(false) } else { None }
    }

    /// What a box operation that stays tells about its operand and result.
    pub(crate) fn learn_from_box(&mut self, code: OpCode, args: &[Arg], result: Arg) {
        if !self.has(Passes::BOXES) {
            return;
        }
        let Some(id) = result.value() else { return };
        match code {
            OpCode::IntBox | OpCode::FltBox | OpCode::BoolBox => {
                self.values.at_mut(id).unboxed = Some(args[0]);
                self.values.at_mut(id).kind = match code {
                    OpCode::IntBox => Kind::INT,
                    OpCode::FltBox => Kind::FLT,
                    _ => Kind::OBJECT,
                };
            }
            OpCode::IntUnbox | OpCode::FltUnbox => {
                self.learn_kind(args[0], if code == OpCode::IntUnbox { Kind::INT } else { Kind::FLT });
                if let Some(boxed) = args[0].value() {
                    self.values.at_mut(boxed).unboxed = Some(result);
                    self.marks.touch(boxed);
                }
            }
            _ => {}
        }
    }
}
