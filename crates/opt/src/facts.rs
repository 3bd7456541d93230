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
pub struct Facts(Vec<Fact>);

#[derive(Clone, Copy, Debug)]
struct Fact {
    range: Range,
    kind: Kind,
    shape: Option<i64>,
}

impl Walk<'_> {
    /// What is known of these values here.
    pub(crate) fn facts(&self, live: &[(ValueId, Ty)]) -> Facts {
        let fact = |&(id, ty): &(ValueId, Ty)| {
            let value = self.values.at(id);
            let shape = if ty == Ty::Ref { self.known_shape(Arg::Value(id)) } else { None };
            Fact { range: value.range, kind: value.kind, shape }
        };
        Facts(live.iter().map(fact).collect())
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
