//! What is known of the values that an exit hands over, for the bridge that may start there.
//!
//! A bridge's inputs are its exit's live values. Their ranges, kinds and shapes hold there too, because nothing runs in
//! between; without them the bridge could not show what the label of the loop expects.

use crate::bounds::Range;
use crate::values::Kind;
use crate::walk::Walk;
use ir::{Arg, Ty, ValueId};

/// What is known of an exit's live values, in their order. Opaque outside this crate.
#[derive(Clone, Default, Debug)]
pub struct Facts(pub(crate) Vec<Fact>);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fact {
    range: Range,
    kind: Kind,
    shape: Option<i64>,
}

impl Fact {
    /// Nothing is known.
    pub const NONE: Fact =
        Fact { range: Range::FULL, kind: Kind { is_int: None, is_flt: None, is_null: None }, shape: None };
}

impl Fact {
    /// Whether what is known includes this.
    pub fn implies(&self, wanted: &Fact) -> bool {
        wanted.range.contains(self.range)
            && self.kind.implies(wanted.kind)
            && (wanted.shape.is_none() || wanted.shape == self.shape)
    }
}

impl Walk<'_> {
    /// What is known of these values here.
    pub(crate) fn facts(&self, live: &[(ValueId, Ty)]) -> Facts {
        Facts(live.iter().map(|&(id, _)| self.fact(Arg::Value(id))).collect())
    }

    pub(crate) fn fact(&self, value: Arg) -> Fact {
        let is_ref = self.values.ty(value) == Ty::Ref;
        let kind = if is_ref { self.values.kind(value) } else { Kind::default() };
        let shape = if is_ref { self.known_shape(value) } else { None };
        Fact { range: self.range_now(value), kind, shape }
    }

    /// Takes over what the exit knew of the values that are the bridge's first inputs.
    pub(crate) fn assume_facts(&mut self, facts: &Facts) {
        let inputs = self.source.input_count();
        for (slot, fact) in facts.0.iter().enumerate().take(inputs) {
            let input = self.map[slot];
            match self.values.ty(input) {
                Ty::Int => self.narrow(input, fact.range),
                Ty::Ref => {
                    self.learn_kind(input, fact.kind);
                    if let Some(shape) = fact.shape {
                        self.cache_shape(input, shape);
                    }
                }
                _ => {}
            }
        }
    }
}
