//! Questions about guest values, asked and decided in one step.
//!
//! Each is what a handler would write out with the operations of [`Machine`] and [`Machine::decide`]: in a trace a guard.

use crate::machine::Machine;
use heap::Value;

/// For every machine: `use` it where handlers ask.
pub trait Ask: Machine {
    /// Decides on what `condition` computes.
    #[inline(always)]
    fn test(&mut self, condition: impl FnOnce(&mut Self) -> Self::Bool) -> bool {
        let condition = condition(self);
        self.decide(condition)
    }

    /// The integer that `a` is, if it is one.
    #[inline(always)]
    fn as_int(&mut self, a: Self::Ref) -> Option<Self::Int> {
        if self.test(|m| m.is_int(a)) { Some(self.int_unbox(a)) } else { None }
    }

    /// The float that `a` is, if it is one.
    #[inline(always)]
    fn as_flt(&mut self, a: Self::Ref) -> Option<Self::Flt> {
        if self.test(|m| m.is_flt(a)) { Some(self.flt_unbox(a)) } else { None }
    }

    /// Whether `a` is this very object, which is immortal.
    #[inline(always)]
    fn is(&mut self, a: Self::Ref, object: Value) -> bool {
        let object = self.constant(object);
        self.test(|m| m.ref_eq(a, object))
    }
}

impl<M: Machine> Ask for M {}
