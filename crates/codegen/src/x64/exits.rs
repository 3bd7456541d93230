//! The code of exits: behind the trace, out of the way.
//!
//! An exit stores its live values to the buffer, loads what its cell holds and jumps there with its number. Most of that is the
//! same as for the exits before it, so code is shared from the back: an exit makes the stores that no other makes, then jumps
//! to where another one goes on with the rest. One whose values lie where those of another lie only brings its number.
//!
//! To that end stores are ordered by how long ago they were first wanted, the oldest last; those of slots stand behind those of
//! registers, because they need one.

use super::alloc::Loc;
use super::encode::{Label, Mem};
use super::lower::Lower;
use super::regs::{CTX, RAX, RDI, RDX, RSI, RSP, TMP};
use ir::ExitId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The exits met so far.
#[derive(Default)]
pub(super) struct Exits {
    sites: Vec<Site>,
    /// Where the values of each site lie, one after the other.
    locs: Vec<Loc>,
}

#[derive(Clone, Copy)]
struct Site {
    label: Label,
    exit: ExitId,
    from: u32,
    count: u32,
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
        let from = self.exits.locs.len() as u32;
        for &(id, _) in live {
            let loc = self.loc_of_value(id);
            self.exits.locs.push(loc);
        }
        let label = self.asm.label();
        self.exits.sites.push(Site { label, exit, from, count: live.len() as u32 });
        label
    }

    pub(super) fn emit_exits(&mut self) {
        let Exits { sites, locs } = std::mem::take(&mut self.exits);
        if sites.is_empty() {
            return;
        }
        let out = self.asm.label();
        let mut nodes = Nodes { labels: vec![out], known: Words::default(), stores: Words::default() };
        let mut stores = Vec::new();
        for site in sites {
            stores.clear();
            let live = &locs[site.from as usize..][..site.count as usize];
            stores.extend(live.iter().zip(0..).map(|(&loc, word)| {
                let next = nodes.stores.len() as u32;
                let number = *nodes.stores.entry(u64::from(loc.0) << 32 | u64::from(word)).or_insert(next);
                Store { loc, word, number }
            }));
            stores.sort_unstable_by_key(|store| (store.loc.as_reg().is_none(), std::cmp::Reverse(store.number)));
            self.asm.bind(site.label);
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
                    let disp = self.frame.slots + 8 * (store.loc.0 as i32 - 32) + PUSHED;
                    self.asm.mov(RAX, Mem::Base { base: RSP, disp });
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
