//! The code of exits: behind the trace, out of the way.
//!
//! The exit of a guard begins with a jump through a cell that a bridge takes over (`direct.rs`); at first it leads to what follows. An
//! exit stores its live values to the buffer, loads what its cell holds and jumps there with its number. Most of that is the
//! same as for the exits before it, so code is shared from the back: an exit makes the stores that no other makes, then jumps
//! to where another one goes on with the rest. One whose values lie where those of another lie only brings its number.
//!
//! To that end stores are ordered by how long ago they were first wanted, the oldest last; those of slots stand behind those of
//! registers, because they need one.

use super::alloc::{Both, Loc};
use super::encode::{Label, Mem};
use super::lower::Lower;
use super::regs::{CTX, RAX, RDI, RDX, RSI, RSP, TMP};
use ir::{ExitId, OpCode};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The exits met so far.
#[derive(Default)]
pub(super) struct Exits {
    pub(super) sites: Vec<Site>,
    /// Where the values of each site lie, one after the other.
    pub(super) places: Vec<Both>,
}

#[derive(Clone, Copy)]
pub(super) struct Site {
    label: Label,
    pub(super) exit: ExitId,
    pub(super) from: u32,
    pub(super) count: u32,
    /// Behind the label.
    pub(super) in_body: bool,
    /// A bridge from here goes on with the values where they are; behind its jump the exit leaves through the buffer.
    pub(super) plain: Option<Label>,
}

impl Site {
    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.from as usize..(self.from + self.count) as usize
    }
}

type Words<T> = HashMap<u64, T, BuildHasherDefault<Mixed>>;

/// Stores that were emitted, as lists: each node is a store and what follows it. Node 0 is the way out.
struct Nodes {
    labels: Vec<Label>,
    /// By store and next node.
    known: Words<u32>,
    /// The number of a store, by its place and its word of the buffer. Older ones are lower.
    stores: Words<u32>,
}

/// In place of a store: the buffer's address comes to [`TMP`]. Every list begins with it.
const BEGIN: u32 = u32::MAX;

#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are words")
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(word).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}

/// A store of an exit: the place, the word of the buffer, the number.
#[derive(Clone, Copy)]
struct Store {
    loc: Loc,
    word: u32,
    number: u32,
}

impl Lower<'_> {
    /// The way out through `exit`, with the values where they are now.
    pub(super) fn exit(&mut self, exit: ExitId) -> Label {
        let live = &self.trace.exits[exit.0 as usize].live;
        let from = self.exits.places.len() as u32;
        for &(id, _) in live {
            self.loc_of_value(id);
            let both = self.both(id.0);
            self.exits.places.push(both);
        }
        let label = self.asm.label();
        let in_body = self.facts.body.is_some_and(|body| self.op >= body as usize);
        self.exits.sites.push(Site { label, exit, from, count: live.len() as u32, in_body, plain: None });
        label
    }

    /// For each exit the site of which it takes its places, if a bridge may find its values where they are: at guards, if all of the
    /// exit's have them in the same places.
    fn open_sites(&self) -> Vec<Option<usize>> {
        let Exits { sites, places } = &self.exits;
        let mut first: Vec<Option<usize>> = vec![None; self.trace.exits.len()];
        for (at, site) in sites.iter().enumerate() {
            first[site.exit.0 as usize].get_or_insert(at);
        }
        let mut open = first.clone();
        for site in sites {
            let exit = site.exit.0 as usize;
            let other = first[exit].expect("the exit has a site");
            if places[site.range()] != places[sites[other].range()] {
                open[exit] = None;
            }
        }
        for op in &self.trace.ops {
            if let Some(exit) = op.exit
                && !matches!(op.code, OpCode::GuardTrue | OpCode::GuardFalse | OpCode::GuardValue)
            {
                open[exit.0 as usize] = None;
            }
        }
        open
    }

    pub(super) fn emit_exits(&mut self) {
        let open = self.open_sites();
        let Exits { mut sites, places } = std::mem::take(&mut self.exits);
        if sites.is_empty() {
            return;
        }
        let out = self.asm.label();
        let mut nodes = Nodes { labels: vec![out], known: Words::default(), stores: Words::default() };
        let mut stores = Vec::new();
        for at in 0..sites.len() {
            let site = sites[at];
            self.asm.bind(site.label);
            match open[site.exit.0 as usize] {
                Some(first) if first == at => {
                    self.asm.mov_imm(TMP, self.input.exits.direct_address(site.exit) as u64);
                    self.asm.jump_through(Mem::Base { base: TMP, disp: 0 });
                    sites[at].plain = Some(self.asm.here());
                }
                Some(first) => {
                    self.asm.jump(sites[first].label);
                    continue;
                }
                None => {}
            }
            stores.clear();
            stores.extend(places[site.range()].iter().zip(0..).map(|(both, word)| {
                let loc = both.loc();
                let next = nodes.stores.len() as u32;
                let number = *nodes.stores.entry(u64::from(loc.0) << 32 | u64::from(word)).or_insert(next);
                Store { loc, word, number }
            }));
            stores.sort_unstable_by_key(|store| (store.loc.as_reg().is_none(), std::cmp::Reverse(store.number)));
            let number = i32::try_from(self.number(site.exit)).expect("fewer exits than that");
            self.asm.push_imm(number);
            self.emit_stores(&stores, &mut nodes);
        }
        self.asm.bind(out);
        self.asm.pop(RDX);
        self.asm.mov(RDI, CTX);
        self.asm.mov(RSI, TMP);
        self.asm.mov_imm(RAX, self.input.exits.address() as u64);
        self.epilogue();
        let first = i32::try_from(8 * i64::from(self.input.first_exit)).expect("fewer exits than that");
        self.asm.jump_through(Mem::Index { base: RAX, index: RDX, shift: 3, disp: -first });
        self.exits = Exits { sites, places };
    }

    /// Emits the stores that are not there yet, and a jump to those that are.
    fn emit_stores(&mut self, stores: &[Store], nodes: &mut Nodes) {
        let key = |number: u32, next: u32| u64::from(number) << 32 | u64::from(next);
        let mut next = 0;
        let mut new = stores.len();
        while new > 0
            && let Some(&known) = nodes.known.get(&key(stores[new - 1].number, next))
        {
            next = known;
            new -= 1;
        }
        if new == 0
            && let Some(&known) = nodes.known.get(&key(BEGIN, next))
        {
            return self.asm.jump(nodes.labels[known as usize]);
        }
        let rest = nodes.labels[next as usize];
        // Nodes are made from the back, code is emitted from the front.
        let first = nodes.labels.len();
        for number in stores[..new].iter().rev().map(|store| store.number).chain([BEGIN]) {
            let node = nodes.labels.len() as u32;
            let label = self.asm.label();
            nodes.labels.push(label);
            nodes.known.insert(key(number, next), node);
            next = node;
        }
        let mut labels = nodes.labels[first..].iter().rev();
        // The number was pushed.
        const PUSHED: i32 = 8;
        self.asm.bind(*labels.next().expect("a node"));
        self.asm.mov(TMP, Mem::Base { base: RSP, disp: self.frame.buffer + PUSHED });
        for (store, &label) in stores[..new].iter().zip(labels) {
            self.asm.bind(label);
            let word = Mem::Base { base: TMP, disp: 8 * store.word as i32 };
            match store.loc.as_reg() {
                Some(reg) if reg.is_xmm() => self.asm.movsd_store(word, reg),
                Some(reg) => self.asm.store(word, reg),
                // All registers have been read: rax is free.
                None => {
                    let slot = match self.slot_mem(store.loc.0 - 32) {
                        Mem::Base { base, disp } => Mem::Base { base, disp: disp + PUSHED },
                        Mem::Below(below) => Mem::Below(below - PUSHED as u32),
                        _ => unreachable!("a slot"),
                    };
                    self.asm.mov(RAX, slot);
                    self.asm.store(word, RAX);
                }
            }
        }
        self.asm.jump(rest);
    }

    fn number(&self, exit: ExitId) -> u32 {
        self.input.first_exit + exit.0
    }
}
