//! Guards.
//!
//! A guard that holds already goes. Behind a guard its condition is a constant, and so is what follows from it: ranges, what
//! a value is, the value itself. On the way out the opposite is known, so the condition need not be kept for the exit.

use crate::Passes;
use crate::values::Kind;
use crate::walk::Walk;
use ir::{Arg, Op, OpCode, Ty, ValueId};

impl Walk<'_> {
    /// `guard_true` or `guard_false`.
    pub(crate) fn guard(&mut self, condition: Arg, expected: bool, op: &Op) {
        if !self.has(Passes::GUARDS) {
            let code = if expected { OpCode::GuardTrue } else { OpCode::GuardFalse };
            let condition = self.forced(condition);
            return self.guard_with(code, op, &[condition]);
        }
        match condition {
            Arg::Bool(holds) => self.contradiction |= holds != expected,
            Arg::Value(id) => {
                // What the exit knows of the condition.
                let is_certain = !self.request.exits_at_will && !self.may_be_stronger(condition, expected);
                let failed = is_certain.then_some(Arg::Bool(!expected));
                if let Some((OpCode::IntFits, x, _)) = self.values.maker(condition)
                    && expected
                    && self.strengthens()
                {
                    self.guard_fits(x, op);
                } else if let Some((OpCode::IntMulOverflows, a, b)) = self.values.maker(condition)
                    && !expected
                    && self.strengthens()
                    && self.guard_product(a, b, op)
                {
                    // Done.
                } else if let Some((OpCode::BoolNot, inner @ Arg::Value(_), _)) = self.values.maker(condition) {
                    self.forward(id, failed);
                    self.guard(inner, !expected, op);
                    self.forward(id, None);
                } else {
                    self.forward(id, failed);
                    let exit = op.snapshot.map(|snapshot| self.exit(snapshot));
                    self.forward(id, None);
                    let code = if expected { OpCode::GuardTrue } else { OpCode::GuardFalse };
                    if let Some(exit) = exit {
                        self.emit_guard(code, &[condition], exit);
                    }
                }
                self.learn(condition, expected);
            }
            _ => self.contradiction = true,
        }
    }

    /// `guard_value`, or without an operation an assumption.
    pub(crate) fn guard_value(&mut self, value: Arg, constant: Arg, op: Option<&Op>) {
        let constant = self.values.resolve(constant);
        if !self.has(Passes::GUARDS) {
            if let Some(op) = op {
                let value = self.forced(value);
                self.guard_with(OpCode::GuardValue, op, &[value, constant]);
            }
            return;
        }
        if value.is_const() {
            let unknown = matches!((value, constant), (Arg::Ref(_), Arg::Ref(_))) && !self.request.distinct_refs;
            if value != constant && unknown {
                if let Some(op) = op {
                    self.guard_op(op, &[value, constant]);
                }
            } else {
                self.contradiction |= value != constant;
            }
            return;
        }
        match constant {
            Arg::Bool(expected) => match op {
                Some(op) => return self.guard(value, expected, op),
                None => return self.learn(value, expected),
            },
            Arg::Int(x) if self.values.range(value).meet(crate::bounds::Range { lo: x, hi: x }).is_none() => {
                self.contradiction = true;
                return;
            }
            _ => {}
        }
        if self.values.ty(value) == Ty::Ref && self.guard_box_value(value, constant, op) {
            return;
        }
        if let Some(op) = op
            && !self.guard_object(value, constant)
        {
            self.guard_op(op, &[value, constant]);
        }
        self.learn_value(value, constant);
    }

    /// A guard on a value whose box or absence of a pointer is known. True if all is done.
    fn guard_box_value(&mut self, value: Arg, constant: Arg, op: Option<&Op>) -> bool {
        if !self.values.kind(constant).implies_or_unknown(self.values.kind(value)) {
            self.contradiction = true;
            return true;
        }
        if self.values.is_private(value) {
            self.contradiction = true;
            return true;
        }
        if !self.has(Passes::BOXES) {
            return false;
        }
        match (self.values.unboxed(value), self.values.unboxed(constant)) {
            (Some(inner), Some(wanted)) if inner.value().is_some() && self.values.ty(inner) == Ty::Int => {
                self.guard_value(inner, wanted, op);
                true
            }
            (Some(inner), None) if self.values.ty(inner) == Ty::Bool => {
                let Arg::Ref(id) = constant else { return false };
                match (self.request.true_ref == Some(id), self.request.false_ref == Some(id)) {
                    (true, _) => self.guard_value(inner, Arg::Bool(true), op),
                    (_, true) => self.guard_value(inner, Arg::Bool(false), op),
                    _ => return false,
                }
                true
            }
            _ => false,
        }
    }

    /// A guard as it stands, whatever is known.
    pub(crate) fn guard_op(&mut self, op: &Op, args: &[Arg]) {
        self.guard_with(op.code, op, args);
    }

    fn guard_with(&mut self, code: OpCode, op: &Op, args: &[Arg]) {
        if let Some(exit) = op.snapshot.map(|snapshot| self.exit(snapshot)) {
            self.emit_guard(code, args, exit);
        }
    }

    /// The condition has this value from here on.
    pub(crate) fn learn(&mut self, condition: Arg, holds: bool) {
        match condition {
            Arg::Bool(known) => self.contradiction |= known != holds,
            Arg::Value(id) if self.has(Passes::GUARDS) => {
                let maker = self.values.maker(condition);
                self.forward(id, Some(Arg::Bool(holds)));
                if let Some((code, a, b)) = maker {
                    self.learn_from(code, a, b, holds);
                }
            }
            _ => {}
        }
    }

    /// What follows from the answer of an operation.
    fn learn_from(&mut self, code: OpCode, a: Arg, b: Arg, holds: bool) {
        use OpCode::*;
        match code {
            BoolNot => self.learn(a, !holds),
            IsInt if holds => self.learn_kind(a, Kind::INT),
            IsFlt if holds => self.learn_kind(a, Kind::FLT),
            IsNull if holds => self.learn_value(a, Arg::NULL),
            IsInt => self.learn_kind(a, Kind { is_int: Some(false), ..Kind::default() }),
            IsFlt => self.learn_kind(a, Kind { is_flt: Some(false), ..Kind::default() }),
            IsNull => self.learn_kind(a, Kind { is_null: Some(false), ..Kind::default() }),
            IntEq | RefEq if holds && b.is_const() => self.learn_value(a, b),
            _ if self.has(Passes::BOUNDS) => self.learn_comparison(code, a, b, holds),
            _ => {}
        }
    }

    /// The value is this constant from here on.
    fn learn_value(&mut self, value: Arg, constant: Arg) {
        let Arg::Value(id) = self.values.resolve(value) else { return };
        if let Arg::Int(x) = constant {
            self.narrow(value, crate::bounds::Range { lo: x, hi: x });
        }
        self.forward(id, Some(constant));
    }

    /// Whoever reads the value reads the other one from here on.
    pub(crate) fn forward(&mut self, id: ValueId, to: Option<Arg>) {
        self.marks.touch(id);
        self.values.at_mut(id).forward = to;
    }

    /// The guest value is of this kind from here on.
    pub(crate) fn learn_kind(&mut self, value: Arg, kind: Kind) {
        let Arg::Value(id) = self.values.resolve(value) else { return };
        if !self.has(Passes::BOXES) {
            return;
        }
        let known = self.values.kind(Arg::Value(id));
        let both = |a: Option<bool>, b: Option<bool>| a.or(b);
        let clash = |a: Option<bool>, b: Option<bool>| a.is_some() && b.is_some() && a != b;
        self.contradiction |= clash(known.is_int, kind.is_int) || clash(known.is_flt, kind.is_flt);
        self.contradiction |= clash(known.is_null, kind.is_null);
        self.values.at_mut(id).kind = Kind {
            is_int: both(known.is_int, kind.is_int),
            is_flt: both(known.is_flt, kind.is_flt),
            is_null: both(known.is_null, kind.is_null),
        };
    }

    /// The shape of an object if it is a known constant.
    pub(crate) fn known_shape(&self, value: Arg) -> Option<i64> {
        self.heap.known_shape(value, &self.values)
    }
}

impl Kind {
    /// Whether a value of this kind can be one of the other.
    fn implies_or_unknown(self, other: Kind) -> bool {
        let agree = |a: Option<bool>, b: Option<bool>| a.is_none() || b.is_none() || a == b;
        agree(self.is_int, other.is_int) && agree(self.is_flt, other.is_flt) && agree(self.is_null, other.is_null)
    }
}
