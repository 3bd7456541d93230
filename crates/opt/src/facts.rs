//! What is known of the values that an exit hands over, for the bridge that may start there.
//!
//! A bridge's inputs are its exit's live values. Their ranges, kinds and shapes hold there too, because nothing runs in
//! between; without them the bridge could not show what the label of the loop expects.

use crate::bounds::{Range, follows_operands};
use crate::values::{Kind, LastFact};
use crate::walk::Walk;
use ir::{Arg, ExitId, Ty, ValueId};

/// What is known of an exit's live values, in their order. Opaque outside this crate.
#[derive(Clone, Default, Debug)]
pub struct Facts(pub(crate) Vec<Fact>);

/// What is known of the live values of all exits of a trace. There are many, and exit after exit the same is known of the same values, so
/// each fact stands once.
#[derive(Clone, Debug)]
pub struct ExitFacts {
    /// The first says nothing.
    facts: Vec<Fact>,
    /// Of the exits' live values, one exit behind the other: their facts.
    live: Vec<u32>,
    /// Where the exits end in `live`.
    ends: Vec<u32>,
}

impl Default for ExitFacts {
    fn default() -> ExitFacts {
        ExitFacts { facts: vec![Fact::Unknown], live: Vec::new(), ends: Vec::new() }
    }
}

impl ExitFacts {
    /// Those of one exit.
    pub fn of(&self, exit: ExitId) -> Option<Facts> {
        Some(Facts(self.numbers(exit)?.iter().map(|&number| self.facts[number as usize]).collect()))
    }

    /// Roughly the bytes that they take.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.facts[..]) + size_of_val(&self.live[..]) + size_of_val(&self.ends[..])
    }

    pub(crate) fn numbers(&self, exit: ExitId) -> Option<&[u32]> {
        let at = exit.0 as usize;
        let end = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.live.get(start as usize..end as usize)
    }

    /// Facts with room for what `like` says of so many exits.
    pub(crate) fn like(like: &ExitFacts) -> ExitFacts {
        let (live, exits) = (like.live.len(), like.ends.len());
        ExitFacts { facts: like.facts.clone(), live: Vec::with_capacity(live), ends: Vec::with_capacity(exits) }
    }

    /// The next live value of the exit in the making.
    pub(crate) fn push(&mut self, number: u32) {
        self.live.push(number);
    }

    pub(crate) fn extend(&mut self, numbers: &[u32]) {
        self.live.extend_from_slice(numbers);
    }

    /// The exit in the making has all.
    pub(crate) fn end_exit(&mut self) {
        self.ends.push(self.live.len() as u32);
    }

    fn add(&mut self, fact: Fact) -> u32 {
        self.facts.push(fact);
        self.facts.len() as u32 - 1
    }
}

/// The number of the fact that says nothing.
pub(crate) const UNKNOWN_FACT: u32 = 0;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    /// What is known of an exit's values here.
    pub(crate) fn add_facts(&mut self, live: &[(ValueId, Ty)]) {
        self.facts.live.reserve(live.len());
        for &(id, _) in live {
            let number = self.fact_number(Arg::Value(id));
            self.facts.push(number);
        }
        self.facts.end_exit();
    }

    /// What is known of a value here, as a number.
    pub(crate) fn fact_number(&mut self, value: Arg) -> u32 {
        let Arg::Value(id) = value else {
            let fact = self.fact(value);
            return self.facts.add(fact);
        };
        let shape = self.heap.shape_entry(value);
        let last = self.values.at(id).fact;
        if last.is_current && last.shape == shape {
            debug_assert_eq!(self.facts.facts[last.number as usize], self.fact(value), "what is known of a value");
            return last.number;
        }
        let fact = self.fact(value);
        let is_same = self.facts.facts[last.number as usize] == fact;
        let number = if is_same { last.number } else { self.facts.add(fact) };
        let is_current = self.depends_on_itself(id, shape);
        self.values.all[id.0 as usize].fact = LastFact { number, is_current, shape };
        number
    }

    /// Whether what is known of a value changes only with what is noted beside it.
    fn depends_on_itself(&self, id: ValueId, shape: Arg) -> bool {
        let value = self.values.at(id);
        match value.ty {
            Ty::Int => !follows_operands(value.code),
            _ => shape.value().is_none(),
        }
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
