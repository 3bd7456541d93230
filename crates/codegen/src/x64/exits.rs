//! The code of exits: behind the trace, out of the way.
//!
//! An exit stores its live values to the buffer, loads what its cell holds and jumps there with its number. Exits whose values
//! lie in equal places share that code: a guard of theirs only brings its number.

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
    groups: Vec<Group>,
    /// Where the values of each group lie, one after the other.
    locs: Vec<Loc>,
    by_hash: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
}

struct Site {
    label: Label,
    exit: ExitId,
    group: u32,
}

#[derive(Clone, Copy)]
struct Group {
    from: u32,
    count: u32,
    sites: u32,
}

/// Keys are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are words")
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

impl Lower<'_> {
    /// The way out through `exit`, with the values where they are now.
    pub(super) fn exit(&mut self, exit: ExitId) -> Label {
        let live = &self.trace.exits[exit.0 as usize].live;
        let from = self.exits.locs.len();
        let mut hash = 0u64;
        for &(id, _) in live {
            let loc = self.loc_of_value(id);
            self.exits.locs.push(loc);
            hash = (hash.rotate_left(5) ^ u64::from(loc.0)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
        let count = live.len();
        let exits = &mut self.exits;
        let known = exits.by_hash.get(&hash).copied().filter(|&group| {
            let group = exits.groups[group as usize];
            let (before, new) = exits.locs.split_at(from);
            group.count as usize == count && before[group.from as usize..][..count] == *new
        });
        let group = match known {
            Some(group) => {
                exits.locs.truncate(from);
                group
            }
            None => {
                let group = exits.groups.len() as u32;
                exits.groups.push(Group { from: from as u32, count: count as u32, sites: 0 });
                exits.by_hash.insert(hash, group);
                group
            }
        };
        exits.groups[group as usize].sites += 1;
        let label = self.asm.label();
        exits.sites.push(Site { label, exit, group });
        label
    }

    pub(super) fn emit_exits(&mut self) {
        let mut exits = std::mem::take(&mut self.exits);
        if exits.sites.is_empty() {
            return;
        }
        exits.sites.sort_by_key(|site| site.group);
        let tail = self.asm.label();
        let mut at = 0;
        for group in &exits.groups {
            let sites = &exits.sites[at..at + group.sites as usize];
            at += sites.len();
            let locs = &exits.locs[group.from as usize..][..group.count as usize];
            if let [site] = sites {
                self.asm.bind(site.label);
                self.store_live(locs, 0);
                self.asm.mov_imm(RDX, u64::from(self.number(site.exit)));
            } else {
                let shared = self.asm.label();
                for (index, site) in sites.iter().enumerate() {
                    self.asm.bind(site.label);
                    let number = self.number(site.exit);
                    self.asm.push_imm(i32::try_from(number).expect("fewer exits than that"));
                    if index + 1 < sites.len() {
                        self.asm.jump(shared);
                    }
                }
                self.asm.bind(shared);
                self.store_live(locs, 8);
                self.asm.pop(RDX);
            }
            if at < exits.sites.len() {
                self.asm.jump(tail);
            }
        }
        self.asm.bind(tail);
        self.asm.mov(RDI, CTX);
        self.asm.mov(RSI, TMP);
        let cells = self.input.exits.address() as u64;
        self.asm.mov_imm(RAX, cells.wrapping_sub(8 * u64::from(self.input.first_exit)));
        self.epilogue();
        self.asm.jump_through(Mem::Index { base: RAX, index: RDX, shift: 3, disp: 0 });
    }

    fn number(&self, exit: ExitId) -> u32 {
        self.input.first_exit + exit.0
    }

    /// Copies the live values to the buffer, whose address is in [`TMP`] afterwards; `pushed` bytes lie on the frame.
    fn store_live(&mut self, locs: &[Loc], pushed: i32) {
        self.asm.mov(TMP, Mem::Base { base: RSP, disp: self.frame.buffer + pushed });
        let word = |index: usize| Mem::Base { base: TMP, disp: 8 * index as i32 };
        for (index, loc) in locs.iter().enumerate() {
            match loc.as_reg() {
                Some(reg) if reg.is_xmm() => self.asm.movsd_store(word(index), reg),
                Some(reg) => self.asm.store(word(index), reg),
                None => {}
            }
        }
        // All registers have been read: rax is free.
        for (index, loc) in locs.iter().enumerate() {
            if loc.as_reg().is_none() {
                let disp = self.frame.slots + 8 * (loc.0 as i32 - 32) + pushed;
                self.asm.mov(RAX, Mem::Base { base: RSP, disp });
                self.asm.store(word(index), RAX);
            }
        }
    }
}
