//! The passes, in the order in which an operation meets them.
//!
//! The forward passes are steps of one walk over the trace ([`crate::walk`]): each operation goes through them in this
//! order, so that what one learns the next can use at once. `peel` walks a loop twice; `dce` comes last.

/// A row of the table.
pub struct Pass {
    /// Flag, log section and name in tests.
    pub name: &'static str,
    pub flag: Passes,
    pub does: &'static str,
}

/// A set of passes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Passes(pub u32);

pub const TABLE: [Pass; 10] = [
    Pass { name: "fold", flag: Passes::FOLD, does: "computes what is constant and rewrites by equations" },
    Pass { name: "bounds", flag: Passes::BOUNDS, does: "knows integers' ranges and drops checks that cannot fail" },
    Pass { name: "boxes", flag: Passes::BOXES, does: "looks into boxes and remembers what a guest value is" },
    Pass { name: "cse", flag: Passes::CSE, does: "computes equal things once" },
    Pass { name: "heap", flag: Passes::HEAP, does: "forwards loads and stores" },
    Pass { name: "virtuals", flag: Passes::VIRTUALS, does: "keeps objects that nobody sees in registers" },
    Pass { name: "guards", flag: Passes::GUARDS, does: "drops guards that hold already" },
    Pass { name: "strengthen", flag: Passes::STRENGTHEN, does: "has one guard that an integer fits cover others" },
    Pass {
        name: "peel",
        flag: Passes::PEEL,
        does: "gives a loop a first iteration of its own, so that invariants leave it",
    },
    Pass { name: "dce", flag: Passes::DCE, does: "drops what nobody reads" },
];

impl Passes {
    pub const NONE: Passes = Passes(0);
    pub const FOLD: Passes = Passes(1);
    pub const BOUNDS: Passes = Passes(2);
    pub const BOXES: Passes = Passes(4);
    pub const CSE: Passes = Passes(8);
    pub const HEAP: Passes = Passes(16);
    pub const VIRTUALS: Passes = Passes(32);
    pub const GUARDS: Passes = Passes(64);
    pub const PEEL: Passes = Passes(128);
    pub const DCE: Passes = Passes(256);
    pub const STRENGTHEN: Passes = Passes(512);
    pub const ALL: Passes = Passes(1023);

    pub fn contains(self, other: Passes) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn with(self, other: Passes) -> Passes {
        Passes(self.0 | other.0)
    }

    /// All passes but these.
    pub fn complement(self) -> Passes {
        Passes(Passes::ALL.0 & !self.0)
    }

    /// The pass of that name.
    pub fn named(name: &str) -> Option<Passes> {
        TABLE.iter().find(|pass| pass.name == name).map(|pass| pass.flag)
    }
}
