//! Register allocation: forward over the trace, by the distance of the next use.
//!
//! An entity has a register, a slot of the frame, or both. When a register is wanted and none is free, the entity whose next
//! use is farthest gives its up; it is written to its slot then, unless it lies there already or comes from the constant
//! table. As a trace is one line, that write stands before all reads. Values are never written twice, and what only exits read
//! does not hold registers against what operations read.

use super::analysis::{Id, NEVER};
use super::encode::{Mem, Rm};
use super::lower::Lower;
use super::regs::{GPRS, KEPT, RSP, Reg, RegSet, SPECIAL, TMP, XMMS};
use ir::{Arg, Ty, ValueId};

pub(super) const NO_SLOT: u32 = u32::MAX;
/// Slots from this one on lie in the frames of the traces that a bridge hangs on, in words below their common upper end. On the direct way
/// nothing is written there before the bridge goes back.
const LENT: u32 = 1 << 24;
const NOBODY: Id = u32::MAX;

/// Where an entity is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) reg: Option<Reg>,
    pub(super) slot: u32,
    /// The slot holds the entity.
    pub(super) in_slot: bool,
    /// The slot stays the entity's own.
    pub(super) keeps_slot: bool,
    /// Its register at the back edge, if the loop gives it one.
    pub(super) home: Option<Reg>,
    /// The register in which it is wanted in the end.
    pub(super) hint: Option<Reg>,
    /// The next operation that reads it.
    pub(super) next: u32,
    /// The last operation that reads it or whose exit does.
    pub(super) last: u32,
}

/// A register or a slot: registers by their number, slots from 32 on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Loc(pub(super) u32);

impl Loc {
    pub(super) fn slot(slot: u32) -> Loc {
        Loc(32 + slot)
    }

    pub(super) fn reg(reg: Reg) -> Loc {
        Loc(u32::from(reg.0))
    }

    pub(super) fn as_reg(self) -> Option<Reg> {
        (self.0 < 32).then_some(Reg(self.0 as u8))
    }

    /// A word of the frame that a bridge has taken over, so many bytes below its upper end.
    pub(super) fn lent(below: u32) -> Loc {
        Loc::slot(LENT + below / 8)
    }

    /// Its number among `own` slots and the words of a frame.
    pub(super) fn index(self, own: u32) -> usize {
        match self.0.checked_sub(32 + LENT) {
            Some(word) => (32 + own + word) as usize,
            None => self.0 as usize,
        }
    }
}

/// Where a value lies at an exit: in a register, in a slot, or in both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Both(u32);

impl Both {
    pub(super) fn new(reg: Option<Reg>, slot: Option<u32>) -> Both {
        Both(reg.map_or(0, |reg| u32::from(reg.0) + 1) | slot.map_or(0, |slot| slot + 1) << 6)
    }

    pub(super) fn reg(self) -> Option<Reg> {
        (self.0 & 63).checked_sub(1).map(|reg| Reg(reg as u8))
    }

    pub(super) fn slot(self) -> Option<u32> {
        (self.0 >> 6).checked_sub(1)
    }

    /// The register first.
    pub(super) fn loc(self) -> Loc {
        self.reg().map(Loc::reg).or(self.slot().map(Loc::slot)).expect("a value that is nowhere")
    }
}

/// An integer operand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    Rm(Rm),
    Imm(i32),
}

pub(super) struct Registers {
    pub(super) places: Vec<Place>,
    owner: [Id; 32],
    free: RegSet,
    /// Not to be given away while the operation at hand is lowered.
    pub(super) locked: RegSet,
    /// Given to nobody, for the operation at hand.
    temporaries: RegSet,
    free_slots: Vec<u32>,
    pub(super) slots: u32,
}

impl Registers {
    pub(super) fn new(places: Vec<Place>) -> Registers {
        Registers {
            places,
            owner: [NOBODY; 32],
            free: GPRS.or(XMMS),
            locked: RegSet::EMPTY,
            temporaries: RegSet::EMPTY,
            free_slots: Vec::new(),
            slots: 0,
        }
    }

    pub(super) fn place(&self, id: Id) -> &Place {
        &self.places[id as usize]
    }

    pub(super) fn place_mut(&mut self, id: Id) -> &mut Place {
        &mut self.places[id as usize]
    }

    pub(super) fn new_slot(&mut self) -> u32 {
        self.free_slots.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        })
    }

    /// Makes `reg`, which is free or `id`'s alone, the register of `id`.
    pub(super) fn give(&mut self, reg: Reg, id: Id) {
        debug_assert!(self.free.has(reg) || self.owner[reg.0 as usize] == id);
        self.free = self.free.without(reg.bit());
        self.owner[reg.0 as usize] = id;
        self.places[id as usize].reg = Some(reg);
    }

    pub(super) fn owner(&self, reg: Reg) -> Option<Id> {
        Some(self.owner[reg.0 as usize]).filter(|&id| id != NOBODY)
    }

    /// The entity has no register any more.
    pub(super) fn take(&mut self, id: Id) -> Option<Reg> {
        let reg = self.places[id as usize].reg.take()?;
        self.owner[reg.0 as usize] = NOBODY;
        self.free = self.free.or(reg.bit());
        Some(reg)
    }

    /// Nobody reads the entity any more.
    pub(super) fn release(&mut self, id: Id) {
        self.take(id);
        let place = &mut self.places[id as usize];
        place.in_slot = false;
        if !place.keeps_slot && place.slot != NO_SLOT {
            if place.slot < LENT {
                self.free_slots.push(place.slot);
            }
            place.slot = NO_SLOT;
        }
    }

    /// At a label: nothing is anywhere, and only slots that somebody keeps are taken.
    pub(super) fn forget_all(&mut self, values: std::ops::Range<Id>) {
        for id in values {
            if self.places[id as usize].reg.is_some() || self.places[id as usize].slot != NO_SLOT {
                self.release(id);
            }
        }
        debug_assert_eq!(self.free, GPRS.or(XMMS));
    }

    pub(super) fn is_free(&self, reg: Reg) -> bool {
        self.free.has(reg)
    }

    pub(super) fn end_operation(&mut self) {
        self.locked = RegSet::EMPTY;
        self.free = self.free.or(self.temporaries);
        self.temporaries = RegSet::EMPTY;
    }
}

pub(super) fn class_of(ty: Ty) -> RegSet {
    match ty {
        Ty::Flt => XMMS,
        _ => GPRS,
    }
}

impl Lower<'_> {
    pub(super) fn slot_mem(&self, slot: u32) -> Mem {
        if let Some(word) = slot.checked_sub(LENT) {
            return Mem::Below(8 * word);
        }
        Mem::Base { base: RSP, disp: self.frame.slots + 8 * slot as i32 }
    }

    fn class(&self, id: Id) -> RegSet {
        match self.trace.ops.get(id as usize) {
            Some(op) => class_of(op.ty),
            None => GPRS,
        }
    }

    /// A free register of the class; the least wanted entity is evicted if there is none.
    pub(super) fn pick(&mut self, class: RegSet, preferred: RegSet) -> Reg {
        let usable = class.without(self.regs.locked);
        let free = self.regs.free.and(usable);
        if let Some(reg) = free.and(preferred).first().or(free.first()) {
            return reg;
        }
        let end = self.trace.ops.len() as u32;
        let mut best: Option<((u32, bool), Reg)> = None;
        for reg in usable.without(self.regs.temporaries).iter() {
            let Some(id) = self.regs.owner(reg) else { continue };
            let place = self.regs.place(id);
            // What has a home must be back there at the end of the loop.
            let next = if place.next == NEVER && place.home.is_some() { end } else { place.next };
            let key = (next, place.in_slot || id >= self.facts.values);
            if best.is_none_or(|(least, _)| key > least) {
                best = Some((key, reg));
            }
        }
        let (_, reg) = best.expect("an operation does not need all registers");
        self.evict(reg);
        reg
    }

    /// Frees a register; who had it is in its slot afterwards.
    pub(super) fn evict(&mut self, reg: Reg) {
        let Some(id) = self.regs.owner(reg) else { return };
        if id < self.facts.values {
            self.spill(id);
        }
        self.regs.take(id);
    }

    /// Writes an entity to its slot, if it is not there.
    pub(super) fn spill(&mut self, id: Id) {
        let place = *self.regs.place(id);
        if place.in_slot {
            return;
        }
        let slot = if place.slot == NO_SLOT { self.regs.new_slot() } else { place.slot };
        let reg = place.reg.expect("an entity that is nowhere");
        let place = self.regs.place_mut(id);
        (place.slot, place.in_slot) = (slot, true);
        self.move_loc(Loc::reg(reg), Loc::slot(slot));
    }

    /// Frees that very register, and locks it. Its owner moves to another one if there is one.
    pub(super) fn claim(&mut self, reg: Reg) {
        if let Some(id) = self.regs.owner(reg) {
            let others = self.regs.free.and(self.class(id)).without(self.regs.locked).without(reg.bit());
            match others.first() {
                Some(other) => {
                    self.regs.take(id);
                    self.regs.give(other, id);
                    self.regs.locked = self.regs.locked.or(other.bit());
                    self.move_loc(Loc::reg(reg), Loc::reg(other));
                }
                None => self.evict(reg),
            }
        }
        self.regs.locked = self.regs.locked.or(reg.bit());
    }

    /// A register for the operation at hand alone.
    pub(super) fn temporary(&mut self, class: RegSet) -> Reg {
        let reg = self.pick(class, RegSet::EMPTY);
        self.regs.free = self.regs.free.without(reg.bit());
        self.regs.temporaries = self.regs.temporaries.or(reg.bit());
        self.regs.locked = self.regs.locked.or(reg.bit());
        reg
    }

    fn preferred(&self, id: Id) -> RegSet {
        match self.facts.crosses_call(id) {
            true => KEPT.or(XMMS),
            false => GPRS.without(KEPT).or(XMMS),
        }
    }

    /// The entity in a register, which is locked.
    pub(super) fn entity_reg(&mut self, id: Id) -> Reg {
        let place = *self.regs.place(id);
        let reg = match place.reg {
            Some(reg) => reg,
            None => {
                let home = place.home.filter(|&home| self.regs.is_free(home) && !self.regs.locked.has(home));
                let reg = match home {
                    Some(home) => home,
                    None => self.pick(self.class(id), self.preferred(id)),
                };
                self.load_entity(id, reg);
                self.regs.give(reg, id);
                reg
            }
        };
        self.regs.locked = self.regs.locked.or(reg.bit());
        reg
    }

    /// Copies an entity that has no register to `reg`.
    fn load_entity(&mut self, id: Id, reg: Reg) {
        let place = *self.regs.place(id);
        if place.in_slot {
            self.move_loc(Loc::slot(place.slot), Loc::reg(reg));
        } else {
            assert!(id >= self.facts.values, "value {id} of {} is nowhere", self.trace.name);
            self.load_constant(id - self.facts.values, reg);
        }
    }

    /// Loads an entry of the constant table. The collector rewrites an entry when it moves the object, but an object whose
    /// address is in a register or on the stack stays where it is.
    pub(super) fn load_constant(&mut self, constant: u32, reg: Reg) {
        self.asm.mov_imm(reg, self.input.constants as u64 + 8 * u64::from(constant));
        self.asm.mov(reg, Mem::Base { base: reg, disp: 0 });
    }

    /// Where an entity is, its register first; `None` for a constant that has to be loaded.
    pub(super) fn loc(&self, id: Id) -> Option<Loc> {
        let place = self.regs.place(id);
        match place.reg {
            Some(reg) => Some(Loc::reg(reg)),
            None => place.in_slot.then(|| Loc::slot(place.slot)),
        }
    }

    pub(super) fn loc_of_value(&self, id: ValueId) -> Loc {
        match self.loc(id.0) {
            Some(loc) => loc,
            None => panic!("value {} of trace {} is nowhere", id.0, self.trace.name),
        }
    }

    /// Register and slot of an entity, as far as it has them.
    pub(super) fn both(&self, id: Id) -> Both {
        let place = self.regs.place(id);
        Both::new(place.reg, place.in_slot.then_some(place.slot))
    }

    /// How far below the upper end of a frame of that size a slot lies.
    pub(super) fn below(&self, slot: u32, frame_bytes: u32) -> u32 {
        match slot.checked_sub(LENT) {
            Some(word) => 8 * word,
            None => frame_bytes - self.frame.slots as u32 - 8 * slot,
        }
    }

    /// The operand of the operation at hand.
    pub(super) fn arg(&self, position: usize) -> Arg {
        self.trace.ops[self.op].args[position]
    }

    /// A constant operand's word; a reference to an object is none.
    pub(super) fn constant_word(arg: Arg) -> Option<u64> {
        match arg {
            Arg::Int(i) => Some(i as u64),
            Arg::Flt(bits) => Some(bits),
            Arg::Bool(b) => Some(u64::from(b)),
            Arg::Imm(word) => Some(word),
            Arg::Value(_) | Arg::Ref(_) => None,
        }
    }

    /// An operand in a general register, which is locked.
    pub(super) fn gpr(&mut self, position: usize) -> Reg {
        let arg = self.arg(position);
        match self.facts.entity(arg) {
            Some(id) => self.entity_reg(id),
            None => {
                let reg = self.temporary(GPRS);
                self.asm.mov_imm(reg, Self::constant_word(arg).expect("a constant"));
                reg
            }
        }
    }

    /// An operand in a vector register, which is locked.
    pub(super) fn xmm(&mut self, position: usize) -> Reg {
        match self.arg(position) {
            Arg::Value(id) => self.entity_reg(id.0),
            arg => {
                let reg = self.temporary(XMMS);
                self.load_float(reg, Self::constant_word(arg).expect("a constant"));
                reg
            }
        }
    }

    pub(super) fn load_float(&mut self, reg: Reg, bits: u64) {
        match bits {
            0 => self.asm.xorps(reg, reg),
            _ => {
                let literal = self.asm.literal(bits);
                self.asm.movsd_load(reg, literal);
            }
        }
    }

    /// An operand as an instruction's: a spilled value that is not read again soon is read from its slot.
    pub(super) fn rm(&mut self, position: usize) -> Rm {
        const SOON: u32 = 12;
        let arg = self.arg(position);
        let Some(id) = self.facts.entity(arg) else {
            return self.asm.literal(Self::constant_word(arg).expect("a constant")).into();
        };
        let place = *self.regs.place(id);
        let again = self.facts.next[self.facts.operands[self.op] as usize + position];
        if place.reg.is_none() && place.in_slot && again.saturating_sub(self.at) > SOON {
            return self.slot_mem(place.slot).into();
        }
        self.entity_reg(id).into()
    }

    pub(super) fn operand(&mut self, position: usize) -> Operand {
        match Self::constant_word(self.arg(position)).map(|word| i32::try_from(word as i64)) {
            Some(Ok(word)) => Operand::Imm(word),
            _ => Operand::Rm(self.rm(position)),
        }
    }

    /// Whether an entity is not read behind the operation at hand.
    pub(super) fn dies(&self, id: Id) -> bool {
        self.regs.place(id).last <= self.at
    }

    /// A register for the value that operation `id` makes, locked.
    pub(super) fn define(&mut self, id: usize) -> Reg {
        let id = id as Id;
        let place = *self.regs.place(id);
        let class = self.class(id);
        let usable = |regs: &Registers, reg: &Reg| regs.is_free(*reg) && !regs.locked.has(*reg);
        let reg = match place.hint.filter(|reg| usable(&self.regs, reg)) {
            Some(reg) => reg,
            None => {
                // Homes of what the loop carries are left to their next owners, where there is a choice.
                let preferred = self.preferred(id);
                let others = self.regs.free.and(class).and(preferred).without(self.homes).without(self.regs.locked);
                match others.without(SPECIAL).first().or(others.first()) {
                    Some(reg) => reg,
                    None => self.pick(class, preferred),
                }
            }
        };
        self.regs.give(reg, id);
        self.regs.locked = self.regs.locked.or(reg.bit());
        reg
    }

    /// The same, with the operand already in it: the operand's own register, if nobody reads it later.
    pub(super) fn define_from(&mut self, id: usize, position: usize) -> Reg {
        let (reg, is_operand) = self.define_over(id, position);
        if !is_operand {
            self.copy_arg(self.arg(position), reg);
        }
        reg
    }

    /// A register for the value that operation `id` makes, and whether it is the operand's own. Written before the operand is
    /// read only if that is so.
    pub(super) fn define_over(&mut self, id: usize, position: usize) -> (Reg, bool) {
        let Some(entity) = self.facts.entity(self.arg(position)) else { return (self.define(id), false) };
        let Some(reg) = self.regs.place(entity).reg else { return (self.define(id), false) };
        let usable = |hint: Reg| self.regs.is_free(hint) && !self.regs.locked.has(hint);
        let elsewhere = self.regs.place(id as Id).hint.is_some_and(|hint| hint != reg && usable(hint));
        let same_class = class_of(self.trace.ops[id].ty).has(reg);
        if self.dies(entity) && entity < self.facts.values && same_class && !elsewhere {
            self.regs.take(entity);
            self.regs.give(reg, id as Id);
            self.regs.locked = self.regs.locked.or(reg.bit());
            return (reg, true);
        }
        // Not to be evicted for the register.
        self.regs.locked = self.regs.locked.or(reg.bit());
        (self.define(id), false)
    }

    /// Copies an operand to a register of its class.
    pub(super) fn copy_arg(&mut self, arg: Arg, reg: Reg) {
        match self.facts.entity(arg) {
            Some(id) => match self.regs.place(id).reg {
                Some(from) => self.move_loc(Loc::reg(from), Loc::reg(reg)),
                None => self.load_entity(id, reg),
            },
            None => {
                let word = Self::constant_word(arg).expect("a constant");
                match reg.is_xmm() {
                    true => self.load_float(reg, word),
                    false => self.asm.mov_imm(reg, word),
                }
            }
        }
    }

    /// The operations from `first` on have been lowered: what nobody reads any more is released.
    pub(super) fn finish_operation(&mut self, index: usize) {
        let trace = self.trace;
        let op = &trace.ops[index];
        let operands = self.facts.operands[index] as usize;
        for (position, &arg) in op.args.iter().enumerate() {
            let Some(id) = self.facts.entity(arg) else { continue };
            let next = self.facts.next[operands + position];
            let place = self.regs.place_mut(id);
            place.next = next;
            if place.last <= index as u32 {
                self.regs.release(id);
            }
        }
        if let Some(exit) = op.exit {
            for &(value, _) in &trace.exits[exit.0 as usize].live {
                if self.regs.place(value.0).last <= index as u32 {
                    self.regs.release(value.0);
                }
            }
        }
        if op.ty != Ty::Void && self.facts.uses[index] == 0 {
            self.regs.release(index as Id);
        }
        if self.owners.binary_search(&(index as Id)).is_ok() {
            self.keep_owner(index as Id);
        }
    }

    /// A buffer is freed when its owner dies, so the owner stays visible to the scan of the stack as long as this code runs;
    /// the address alone would not keep it alive.
    pub(super) fn keep_owner(&mut self, id: Id) {
        if self.regs.place(id).reg.is_some() || self.regs.place(id).in_slot {
            self.spill(id);
            self.regs.place_mut(id).keeps_slot = true;
        }
    }

    /// Copies a word; memory to memory goes through scratch.
    pub(super) fn move_loc(&mut self, from: Loc, to: Loc) {
        let mem = |lower: &Self, loc: Loc| lower.slot_mem(loc.0 - 32);
        match (from.as_reg(), to.as_reg()) {
            (Some(a), Some(b)) => match (a.is_xmm(), b.is_xmm()) {
                (false, false) => self.asm.mov(b, a),
                (true, true) => self.asm.movaps(b, a),
                (true, false) => self.asm.movq_from(b, a),
                (false, true) => self.asm.movq_to(b, a),
            },
            (Some(a), None) if a.is_xmm() => self.asm.movsd_store(mem(self, to), a),
            (Some(a), None) => self.asm.store(mem(self, to), a),
            (None, Some(b)) if b.is_xmm() => self.asm.movsd_load(b, mem(self, from)),
            (None, Some(b)) => self.asm.mov(b, mem(self, from)),
            (None, None) => {
                self.asm.mov(TMP, mem(self, from));
                self.asm.store(mem(self, to), TMP);
            }
        }
    }
}
