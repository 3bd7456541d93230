//! The loop: where what it carries round is at its header, and how that gets there.
//!
//! What the loop reads most has a register at the header and the back edge, its home. What does not change is in a slot as well, so
//! that giving its register up costs nothing. A value that goes round is made in the home of its phi where that is free by
//! then; what is elsewhere at the back edge is moved.

use super::alloc::{Loc, class_of};
use super::analysis::Id;
use super::encode::{Label, Mem};
use super::lower::Lower;
use super::regs::{FTMP, GPRS, KEPT, RSP, Reg, RegSet, SPECIAL, TMP, XMMS};
use ir::Arg;

/// A move of several that happen at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub(super) from: From,
    pub(super) to: Loc,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    Loc(Loc),
    Word(u64),
    /// An entry of the constant table.
    Table(u32),
}

impl Move {
    pub(super) fn is_in_memory(&self) -> bool {
        let is_slot = |loc: Loc| loc.as_reg().is_none();
        match self.from {
            From::Loc(from) => from != self.to && (is_slot(from) || is_slot(self.to)),
            _ => is_slot(self.to),
        }
    }
}

/// A word of the frame that breaks cycles of moves.
const SCRATCH: Loc = Loc(u32::MAX);

impl Lower<'_> {
    pub(super) fn source(&self, arg: Arg) -> From {
        match self.facts.entity(arg) {
            Some(id) => match self.loc(id) {
                Some(loc) => From::Loc(loc),
                None => From::Table(id - self.facts.values),
            },
            None => From::Word(Self::constant_word(arg).expect("a constant")),
        }
    }

    /// At the label: from the peeled iteration into the loop.
    pub(super) fn label(&mut self, index: usize, body_entry: Label) {
        let sources: Vec<From> = self.facts.phis.iter().map(|phi| self.source(phi.initial)).collect();
        for at in index + 1..index + 1 + self.facts.phis.len() {
            let operand = self.facts.operands[at] as usize;
            if let Some(id) = self.trace.ops[at].args.first().and_then(|&arg| self.facts.entity(arg)) {
                self.regs.place_mut(id).next = self.facts.next[operand];
            }
        }
        self.regs.forget_all(0..self.facts.entities as Id);
        self.choose_homes();
        let mut moves = Vec::new();
        for (at, &from) in sources.iter().enumerate() {
            let id = self.facts.phis[at].id;
            moves.extend(self.targets(id).map(|to| Move { from, to }));
        }
        self.shuffle(&mut moves);
        let preheader = self.asm.here();
        self.begin_loop(preheader);
        self.later(super::cold::Cold::BodyEntry { entry: body_entry, preheader, loads: self.buffer_loads() });
    }

    /// At the start of a loop that goes round on its inputs.
    pub(super) fn loop_on_inputs(&mut self) {
        self.choose_homes();
        for (index, to) in self.buffer_loads() {
            self.load_phi(index, to);
        }
        let preheader = self.asm.here();
        self.begin_loop(preheader);
    }

    /// Which phi comes from which word of the buffer to where.
    fn buffer_loads(&self) -> Vec<(usize, Loc)> {
        let phis = self.facts.phis.iter().enumerate();
        phis.flat_map(|(index, phi)| self.targets(phi.id).map(move |to| (index, to)).collect::<Vec<_>>()).collect()
    }

    /// A phi out of the buffer, whose address is in [`TMP`].
    pub(super) fn load_phi(&mut self, index: usize, to: Loc) {
        match to.as_reg() {
            Some(reg) => {
                let ty = self.trace.ops[self.facts.phis[index].id as usize].ty;
                self.load_buffer(reg, TMP, index, ty);
            }
            None => self.buffer_to_slot(index, to.0 - 32),
        }
    }

    /// Where an entity is at the header.
    fn targets(&self, id: Id) -> impl Iterator<Item = Loc> + use<> {
        let place = self.regs.place(id);
        let slot = place.in_slot.then(|| Loc::slot(place.slot));
        place.home.map(Loc::reg).into_iter().chain(slot)
    }

    /// Decides where everything is at the header, and says so.
    fn choose_homes(&mut self) {
        // The rest is for what the loop computes.
        const GENERAL: usize = 9;
        const ACROSS_CALLS: usize = 4;
        const VECTOR: usize = 11;
        let end = self.trace.ops.len() as u32;
        let body = self.facts.body.expect("a loop") as usize;
        let calls = self.facts.calls[body] != self.facts.calls[end as usize];
        let mut wanted: Vec<(u32, Id, bool)> = Vec::new();
        for phi in &self.facts.phis {
            if self.facts.uses[phi.id as usize] > 0 {
                let weight = self.facts.weight[phi.id as usize];
                wanted.push((weight + u32::from(weight > 0 && !phi.invariant), phi.id, phi.invariant));
            }
        }
        for id in self.facts.values..self.facts.entities as Id {
            if self.facts.weight[id as usize] > 0 {
                wanted.push((self.facts.weight[id as usize], id, true));
            }
        }
        wanted.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut left = match calls {
            true => [KEPT, RegSet::EMPTY],
            false => [GPRS, XMMS],
        };
        let mut room = if calls { [ACROSS_CALLS, 0] } else { [GENERAL, VECTOR] };
        for &(weight, id, invariant) in &wanted {
            let class = match self.trace.ops.get(id as usize) {
                Some(op) => class_of(op.ty),
                None => GPRS,
            };
            let at = usize::from(class == XMMS);
            let plain = left[at].without(SPECIAL).first().or(left[at].first());
            let home = plain.filter(|_| weight > 0 && room[at] > 0);
            if let Some(home) = home {
                left[at] = left[at].without(home.bit());
                room[at] -= 1;
                self.homes = self.homes.or(home.bit());
                self.regs.place_mut(id).home = Some(home);
                self.regs.give(home, id);
            }
            if invariant {
                self.regs.place_mut(id).last = end;
            }
            if invariant || home.is_none() || self.owners.binary_search(&id).is_ok() {
                let slot = self.regs.new_slot();
                let place = self.regs.place_mut(id);
                (place.slot, place.in_slot, place.keeps_slot) = (slot, true, true);
            }
        }
        for at in 0..self.facts.phis.len() {
            let phi = self.facts.phis[at];
            if let Arg::Value(next) = phi.next
                && !phi.invariant
            {
                self.regs.place_mut(next.0).hint = self.regs.place(phi.id).home;
            }
        }
    }

    /// From the preheader to the header.
    fn begin_loop(&mut self, preheader: Label) {
        let constants = self.facts.values..self.facts.entities as Id;
        let mut table = false;
        for id in constants {
            let place = *self.regs.place(id);
            if !place.in_slot {
                continue;
            }
            if !table {
                self.asm.mov_imm(TMP, self.input.constants as u64);
                table = true;
            }
            let entry = Mem::Base { base: TMP, disp: 8 * (id - self.facts.values) as i32 };
            let slot = self.slot_mem(place.slot);
            match place.reg {
                Some(reg) => {
                    self.asm.mov(reg, entry);
                    self.asm.store(slot, reg);
                }
                None => {
                    self.asm.movsd_load(FTMP, entry);
                    self.asm.movsd_store(slot, FTMP);
                }
            }
        }
        self.quiet_since += 1;
        self.asm.align(16);
        let header = self.asm.here();
        self.header = Some(header);
        let arriving = self.arriving_at_header(preheader, header);
        match self.facts.body.is_some_and(|body| body as usize > self.trace.input_count()) {
            true => self.arrivals.body = Some(arriving),
            false => self.arrivals.start = Some(arriving),
        }
    }

    /// The back edge.
    pub(super) fn jump_label(&mut self) {
        let mut moves = Vec::new();
        for at in 0..self.facts.phis.len() {
            let phi = self.facts.phis[at];
            if self.facts.uses[phi.id as usize] == 0 {
                continue;
            }
            let place = *self.regs.place(phi.id);
            if phi.invariant {
                self.bring_home(phi.id, &mut moves);
                continue;
            }
            let from = self.source(phi.next);
            moves.extend(place.home.map(|home| Move { from, to: Loc::reg(home) }));
            // Without a home, or with a buffer, it has a slot to keep.
            if place.keeps_slot {
                moves.push(Move { from, to: Loc::slot(place.slot) });
            }
        }
        for id in self.facts.values..self.facts.entities as Id {
            self.bring_home(id, &mut moves);
        }
        self.shuffle(&mut moves);
        let header = self.header.expect("a loop has a header");
        self.asm.jump(header);
    }

    fn bring_home(&self, id: Id, moves: &mut Vec<Move>) {
        if let Some(home) = self.regs.place(id).home
            && self.regs.place(id).reg != Some(home)
        {
            let from = From::Loc(self.loc(id).expect("what does not change is somewhere"));
            moves.push(Move { from, to: Loc::reg(home) });
        }
    }

    /// Moves all at once: what is overwritten has been read before.
    pub(super) fn shuffle(&mut self, moves: &mut [Move]) {
        let mut pending: Vec<(Loc, Loc)> = Vec::new();
        for moved in moves.iter() {
            if let From::Loc(from) = moved.from
                && from != moved.to
            {
                pending.push((from, moved.to));
            }
        }
        self.shuffle_locs(&mut pending);
        for moved in moves.iter() {
            match moved.from {
                From::Loc(_) => {}
                From::Word(word) => self.set_word(moved.to, word),
                From::Table(constant) => match moved.to.as_reg() {
                    Some(reg) => self.load_constant(constant, reg),
                    None => {
                        self.load_constant(constant, TMP);
                        let slot = self.slot_mem(moved.to.0 - 32);
                        self.asm.store(slot, TMP);
                    }
                },
            }
        }
    }

    fn set_word(&mut self, to: Loc, word: u64) {
        match to.as_reg() {
            Some(reg) if reg.is_xmm() => self.load_float(reg, word),
            Some(reg) => self.asm.mov_imm(reg, word),
            None => {
                let slot = self.slot_mem(to.0 - 32);
                match i32::try_from(word as i64) {
                    Ok(word) => self.asm.store_imm(slot, word),
                    Err(_) => {
                        self.asm.mov_imm(TMP, word);
                        self.asm.store(slot, TMP);
                    }
                }
            }
        }
    }

    fn shuffle_locs(&mut self, pending: &mut [(Loc, Loc)]) {
        const NONE: u32 = u32::MAX;
        let own = self.regs.slots;
        let highest = pending.iter().map(|&(from, to)| from.index(own).max(to.index(own))).max();
        let size = highest.map_or(0, |highest| highest + 1);
        let at_index = |loc: Loc| loc.index(own);
        // For each place, how many moves read it, and which one writes it.
        let mut readers = vec![0u32; size];
        let mut writer = vec![NONE; size];
        for (at, &(from, to)) in pending.iter().enumerate() {
            readers[at_index(from)] += 1;
            debug_assert_eq!(writer[at_index(to)], NONE, "two values for one place");
            writer[at_index(to)] = at as u32;
        }
        let ready = |readers: &[u32], to: Loc| readers[at_index(to)] == 0;
        let mut todo: Vec<u32> =
            (0..pending.len() as u32).filter(|&at| ready(&readers, pending[at as usize].1)).collect();
        let mut done = vec![false; pending.len()];
        let mut cycle = 0;
        loop {
            while let Some(at) = todo.pop() {
                let (from, to) = pending[at as usize];
                self.move_or_scratch(from, to);
                done[at as usize] = true;
                if from == SCRATCH {
                    continue;
                }
                readers[at_index(from)] -= 1;
                let next = writer[at_index(from)];
                if readers[at_index(from)] == 0 && next != NONE && !done[next as usize] {
                    todo.push(next);
                }
            }
            // What is left are cycles, in which every place is read once.
            while cycle < pending.len() && done[cycle] {
                cycle += 1;
            }
            if cycle == pending.len() {
                return;
            }
            let overwritten = pending[cycle].1;
            self.move_or_scratch(overwritten, SCRATCH);
            let reader = (0..pending.len()).find(|&at| !done[at] && pending[at].0 == overwritten);
            pending[reader.expect("a cycle")].0 = SCRATCH;
            readers[at_index(overwritten)] = 0;
            todo.push(cycle as u32);
        }
    }

    fn move_or_scratch(&mut self, from: Loc, to: Loc) {
        let scratch = Mem::Base { base: RSP, disp: self.frame.slow };
        if from != SCRATCH && to != SCRATCH {
            return self.move_loc(from, to);
        }
        let other = if from == SCRATCH { to } else { from };
        let reg = other.as_reg();
        let through = reg.unwrap_or(TMP);
        if from == SCRATCH {
            load_word(self, through, scratch);
            if reg.is_none() {
                self.move_loc(Loc::reg(TMP), to);
            }
        } else {
            if reg.is_none() {
                self.move_loc(from, Loc::reg(TMP));
            }
            store_word(self, scratch, through);
        }
    }
}

fn load_word(lower: &mut Lower, reg: Reg, from: Mem) {
    match reg.is_xmm() {
        true => lower.asm.movsd_load(reg, from),
        false => lower.asm.mov(reg, from),
    }
}

fn store_word(lower: &mut Lower, to: Mem, reg: Reg) {
    match reg.is_xmm() {
        true => lower.asm.movsd_store(to, reg),
        false => lower.asm.store(to, reg),
    }
}
