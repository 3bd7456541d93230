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

/// There are many: one for each value of each exit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fact {
    /// Nothing is known.
    Unknown,
    Int(Range),
    Ref {
        kind: Kind,
        shape: Option<i64>,
    },
}

impl Fact {
    /// Whether what is known includes this.
    pub fn implies(&self, wanted: &Fact) -> bool {
        match (*self, *wanted) {
            (_, Fact::Unknown) => true,
            (Fact::Int(range), Fact::Int(wanted)) => wanted.contains(range),
            (Fact::Unknown, Fact::Int(wanted)) => wanted == Range::FULL,
            (Fact::Ref { kind, shape }, Fact::Ref { kind: wanted, shape: wanted_shape }) => {
                kind.implies(wanted) && (wanted_shape.is_none() || wanted_shape == shape)
            }
            (Fact::Unknown, Fact::Ref { kind, shape }) => Kind::default().implies(kind) && shape.is_none(),
            // Values of other types.
            (Fact::Int(_), Fact::Ref { .. }) | (Fact::Ref { .. }, Fact::Int(_)) => false,
        }
    }
}

impl Walk<'_> {
    /// What is known of these values here.
    pub(crate) fn facts(&self, live: &[(ValueId, Ty)]) -> Facts {
        Facts(live.iter().map(|&(id, _)| self.fact(Arg::Value(id))).collect())
    }

    pub(crate) fn fact(&self, value: Arg) -> Fact {
        match self.values.ty(value) {
            Ty::Int => Fact::Int(self.range_now(value)),
            Ty::Ref => Fact::Ref { kind: self.values.kind(value), shape: self.known_shape(value) },
            _ => Fact::Unknown,
        }
    }

    /// Takes over what the exit knew of the values that are the bridge's first inputs.
    pub(crate) fn assume_facts(&mut self, facts: &Facts) {
        let inputs = self.source.input_count();
        for (slot, fact) in facts.0.iter().enumerate().take(inputs) {
            let input = self.map[slot];
            match *fact {
                Fact::Int(range) => self.narrow(input, range),
                Fact::Ref { kind, shape } => {
                    self.learn_kind(input, kind);
                    if let Some(shape) = shape {
                        self.cache_shape(input, shape);
                    }
                }
                Fact::Unknown => {}
            }
        }
    }
}
