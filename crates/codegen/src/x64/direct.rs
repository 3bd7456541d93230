//! Bridges that begin where the exit's values are, and jumps that take values where the loop wants them.
//!
//! A bridge's frame lies below that of the trace it hangs on, and both end at the same word: the bridge makes room for what it needs
//! itself, reads the other's slots where they are, and on the direct way writes none of them before it goes back. So what the loop keeps in
//! its frame and does not change is there when the loop goes on, and only what has changed is moved.
//!
//! ```text
//! entry:   make the whole frame, load the exit's values from the buffer to where the exit has them; jump begin
//! direct:  make the bridge's part of the frame
//! begin:   …
//! back:    may the loop be entered directly? no: store the values to the buffer; jump through the loop's cell
//!          move the values, give the bridge's part of the frame back, jump to the loop
//! ```
//!
//! At `entry` there is no frame of the loop, only room for one; then the way back is barred, too ([`crate::TraceCell::direct`]).
//!
//! A jump to any other loop whose code is known goes the same way, with the difference that the frame becomes that loop's: all its words
//! are written, and it is left to the loop to make its constants.

use super::alloc::{Both, Loc, class_of};
use super::encode::{Alu, Cc, Label, Mem};
use super::looping::{From, Move};
use super::lower::Lower;
use super::regs::{CTX, FTMP, RDI, RSI, RSP, Reg, RegSet, TMP};
use crate::backend::{Activation, Arrival, CompileInput, Held, Open, TraceCell, Ways};
use ir::{Arg, Attr, Op, OpCode};
use std::sync::Arc;

/// A bridge hangs directly on frames up to this size: they grow from bridge to bridge.
const LARGEST_FRAME: u32 = 2048;

/// What a bridge goes on from.
pub(super) struct On {
    /// Where the inputs are.
    places: Vec<Held>,
    /// Of the trace that it hangs on.
    pub(super) frame_bytes: u32,
    /// The trace whose frame lies at the upper end.
    top: Option<Arc<Ways>>,
    /// That trace has come to its label.
    in_body: bool,
}

/// Labels and values that become [`Ways`].
#[derive(Default)]
pub(super) struct Arrivals {
    pub(super) start: Option<Arriving>,
    pub(super) body: Option<Arriving>,
    pub(super) direct: Option<Label>,
}

/// An [`Arrival`] before the size of the frame is known.
pub(super) struct Arriving {
    label: Label,
    preheader: Label,
    values: Vec<Both>,
    kept: Vec<Both>,
}

impl Held {
    fn reg(self) -> Option<Reg> {
        self.reg.checked_sub(1).map(Reg)
    }

    fn slot(self) -> Option<Loc> {
        (self.below > 0).then(|| Loc::lent(8 * u32::from(self.below)))
    }
}

impl On {
    /// `None`: the bridge takes its inputs from the buffer.
    pub(super) fn of(input: &CompileInput, uses: &[u32]) -> Option<On> {
        let (ways, exit) = input.on.as_ref()?;
        let open = (*ways.exits.get(exit.0 as usize)?)?;
        let places = ways.places[open.from as usize..][..open.count as usize].to_vec();
        let inputs = input.trace.input_count();
        if places.len() != inputs || shares_registers(&places, uses) || ways.frame_bytes > LARGEST_FRAME {
            return None;
        }
        let own = |ways: &Arc<Ways>| (ways.start.is_some() || ways.body.is_some()).then(|| ways.clone());
        let top = ways.top.clone().or_else(|| own(ways));
        Some(On { places, frame_bytes: ways.frame_bytes, top, in_body: open.in_body })
    }
}

impl Lower<'_> {
    /// The two ways into a bridge, and its inputs where its exit has them.
    pub(super) fn begin_on(&mut self, on: &On) {
        let site = self.asm.alu_open(Alu::Sub, RSP);
        self.frame_sites.push(site);
        self.asm.mov(CTX, RDI);
        self.asm.mov(TMP, RSI);
        let inputs = 0..self.trace.input_count();
        for (index, &held) in inputs.clone().zip(&on.places) {
            if self.facts.uses[index] == 0 {
                continue;
            }
            if let Some(reg) = held.reg() {
                self.load_buffer(reg, TMP, index, self.trace.ops[index].ty);
            }
            if let Some(slot) = held.slot() {
                self.asm.movsd_load(FTMP, Mem::Base { base: TMP, disp: 8 * index as i32 });
                let slot = self.slot_mem(slot.0 - 32);
                self.asm.movsd_store(slot, FTMP);
            }
        }
        let begin = self.asm.label();
        self.asm.jump(begin);
        let direct = self.asm.here();
        let site = self.asm.alu_open(Alu::Sub, RSP);
        self.own_frame_sites.push((site, on.frame_bytes));
        // The trace below has the buffer's address as far from its frame's lower end as all code of this backend.
        self.asm.mov(TMP, Mem::Below(on.frame_bytes - self.frame.buffer as u32));
        self.asm.bind(begin);
        self.asm.store(Mem::Base { base: RSP, disp: self.frame.buffer }, TMP);
        self.begin_activation();
        self.arrivals.direct = Some(direct);
        for (index, &held) in inputs.zip(&on.places) {
            if self.facts.uses[index] == 0 {
                continue;
            }
            if let Some(reg) = held.reg() {
                self.regs.give(reg, index as u32);
            }
            if let Some(slot) = held.slot() {
                let place = self.regs.place_mut(index as u32);
                (place.slot, place.in_slot) = (slot.0 - 32, true);
            }
        }
        for at in 0..self.owners.len() {
            if (self.owners[at] as usize) < on.places.len() {
                self.keep_owner(self.owners[at]);
            }
        }
        self.hint_homes(Some(on));
    }

    /// What the trace hands over in the end is made where the loop wants it, if that is free.
    pub(super) fn hint_homes(&mut self, on: Option<&On>) {
        let Some(way) = Way::of(on, self.input) else { return };
        let op = self.trace.ops.last().expect("a trace has operations");
        for (arg, held) in op.args.iter().zip(&way.arrival.values) {
            if let Some(id) = arg.value() {
                let class = class_of(self.trace.ops[id.0 as usize].ty);
                self.regs.place_mut(id.0).hint = held.reg().filter(|&reg| class.has(reg));
            }
        }
    }

    /// The jump to the loop without the buffer, as long as that may be entered so; what follows is the other way.
    pub(super) fn jump_directly(&mut self, op: &Op) {
        let frame_bytes = self.frame_bytes();
        let on = self.on.take();
        if let Some(way) = Way::of(on.as_ref(), self.input) {
            let flag = &raw const way.cell.direct as u64;
            self.asm.mov_imm(TMP, flag);
            self.asm.cmp8_imm(Mem::Base { base: TMP, disp: 0 }, 0);
            let other = self.asm.label();
            self.asm.jump_if(Cc::Equal, other);
            let mut moves = match way.back {
                Some(in_body) => self.moves_back(op, way.arrival, in_body),
                None => self.moves_over(op, &way, frame_bytes),
            };
            self.count_moved(moves.iter().filter(|moved| moved.is_in_memory()).count() as u32);
            self.shuffle(&mut moves);
            let site = self.asm.alu_open(Alu::Add, RSP);
            self.own_frame_sites.push((site, way.ways.frame_bytes));
            let address = if way.back == Some(true) { way.arrival.address } else { way.arrival.preheader };
            let address = self.asm.literal(address as u64);
            self.asm.jump_through(address);
            self.asm.bind(other);
        }
        self.on = on;
    }

    /// From where the operands are to where the loop wants them. `there` says of a slot of this code which one it is to the loop.
    fn hand_over(&self, op: &Op, arrival: &Arrival, there: impl Fn(Loc) -> Loc) -> Vec<Move> {
        let mut moves = Vec::new();
        for (&arg, held) in op.args.iter().zip(&arrival.values) {
            let from = match self.source(arg) {
                From::Loc(loc) => From::Loc(there(loc)),
                constant => constant,
            };
            let lies_there = |slot: Loc| self.slot_of(arg).map(&there) == Some(slot);
            moves.extend(held.reg().map(|reg| Move { from, to: Loc::reg(reg) }));
            moves.extend(held.slot().filter(|&slot| !lies_there(slot)).map(|to| Move { from, to }));
        }
        moves
    }

    /// Into the loop in whose frame the bridge began: what lies there already stays.
    fn moves_back(&self, op: &Op, arrival: &Arrival, in_body: bool) -> Vec<Move> {
        let mut moves = self.hand_over(op, arrival, |loc| loc);
        for held in arrival.kept.iter().filter(|_| in_body) {
            if let (Some(reg), Some(from)) = (held.reg(), held.slot()) {
                moves.push(Move { from: From::Loc(from), to: Loc::reg(reg) });
            }
        }
        moves
    }

    /// Into a loop whose frame is made out of this one: both end at the same word, and this one is at least as large, so all slots are
    /// counted from there. The word that breaks cycles is the lowest of this frame, below all that is written.
    fn moves_over(&self, op: &Op, way: &Way, frame_bytes: u32) -> Vec<Move> {
        let mut moves = self.hand_over(op, way.arrival, |loc| match loc.as_reg() {
            Some(_) => loc,
            None => Loc::lent(self.below(loc.0 - 32, frame_bytes)),
        });
        let buffer = |frame_bytes: u32| Loc::lent(frame_bytes - self.frame.buffer as u32);
        moves.push(Move { from: From::Loc(buffer(frame_bytes)), to: buffer(way.ways.frame_bytes) });
        if let Some(inspected) = way.ways.inspected {
            moves.push(Move { from: From::Word(0), to: Loc::lent(inspected) });
        }
        moves
    }

    /// The slot that holds an operand.
    fn slot_of(&self, arg: Arg) -> Option<Loc> {
        let place = self.regs.place(self.facts.entity(arg)?);
        place.in_slot.then(|| Loc::slot(place.slot))
    }

    /// Everything is where jumps to here will have it.
    pub(super) fn arriving(&mut self, label: Label, values: impl Iterator<Item = u32>) -> Arriving {
        let values = values.map(|id| self.both(id)).collect();
        Arriving { label, preheader: label, values, kept: Vec::new() }
    }

    /// The same at the header of the loop.
    pub(super) fn arriving_at_header(&mut self, preheader: Label, label: Label) -> Arriving {
        let phis: Vec<u32> = self.facts.phis.iter().map(|phi| phi.id).collect();
        let mut arriving = self.arriving(label, phis.into_iter());
        arriving.preheader = preheader;
        let constants = self.facts.values..self.facts.entities as u32;
        arriving.kept = constants.map(|id| self.both(id)).filter(|both| both.reg().is_some()).collect();
        arriving
    }

    /// What bridges are compiled with; the code lies at `entry`.
    pub(super) fn ways(&mut self, entry: usize) -> Ways {
        let frame_bytes = self.frame_bytes();
        let held = |lower: &Self, both: Both| Held {
            reg: both.reg().map_or(0, |reg| reg.0 + 1),
            below: both.slot().map_or(0, |slot| (lower.below(slot, frame_bytes) / 8) as u16),
        };
        let mut exits = vec![None; self.trace.exits.len()];
        let mut places = Vec::new();
        for site in &self.exits.sites {
            if let Some(plain) = site.plain {
                self.input.exits.set_plain(site.exit, entry + self.asm.offset(plain) as usize);
                let from = places.len() as u32;
                places.extend(self.exits.places[site.range()].iter().map(|&both| held(self, both)));
                let in_body = self.on.as_ref().map_or(site.in_body, |on| on.in_body);
                exits[site.exit.0 as usize] = Some(Open { from, count: site.count, in_body });
            }
        }
        let arrived = |arriving: &Option<Arriving>| {
            let arriving = arriving.as_ref()?;
            let all = |boths: &[Both]| boths.iter().map(|&both| held(self, both)).collect();
            Some(Arrival {
                address: entry + self.asm.offset(arriving.label) as usize,
                preheader: entry + self.asm.offset(arriving.preheader) as usize,
                values: all(&arriving.values),
                kept: all(&arriving.kept),
            })
        };
        Ways {
            id: self.input.id,
            frame_bytes,
            start: arrived(&self.arrivals.start),
            body: arrived(&self.arrivals.body),
            exits,
            places,
            inspected: self.facts.activation_words.map(|_| {
                let offset = self.frame.activation + std::mem::offset_of!(Activation, inspected) as i32;
                frame_bytes - offset as u32
            }),
            top: self.on.as_ref().and_then(|on| on.top.clone()),
        }
    }
}

/// Whether one register holds two of the inputs that are read: the allocation gives each a register of its own.
fn shares_registers(places: &[Held], uses: &[u32]) -> bool {
    let mut taken = RegSet::EMPTY;
    for (held, &uses) in places.iter().zip(uses) {
        let Some(reg) = held.reg().filter(|_| uses > 0) else { continue };
        if taken.has(reg) {
            return true;
        }
        taken = taken.or(reg.bit());
    }
    false
}

/// Where a trace's last operation goes on without the buffer.
pub(super) struct Way<'w> {
    ways: &'w Ways,
    cell: &'w TraceCell,
    arrival: &'w Arrival,
    /// To the loop in whose frame a bridge began; has that come to its label?
    back: Option<bool>,
}

impl<'w> Way<'w> {
    pub(super) fn of(on: Option<&'w On>, input: &'w CompileInput) -> Option<Way<'w>> {
        let op = input.trace.ops.last()?;
        let Attr::Target(id) = op.attr else { return None };
        let target = input.targets.iter().find(|target| target.id == id)?;
        let own = on.filter(|on| on.top.as_ref().is_some_and(|top| top.id == id));
        let ways = own.and_then(|on| on.top.as_ref()).or(target.ways.as_ref())?;
        let arrival = match op.code {
            OpCode::JumpLoop => ways.start.as_ref()?,
            OpCode::JumpBody => ways.body.as_ref()?,
            _ => return None,
        };
        let is_fit = arrival.values.len() == op.args.len() && ways.frame_bytes <= LARGEST_FRAME;
        let back = own.map(|on| on.in_body);
        is_fit.then_some(Way { ways, cell: &target.cell, arrival, back })
    }

    /// The trace's frame becomes the loop's, so it is not smaller.
    pub(super) fn least_frame_bytes(&self) -> u32 {
        if self.back.is_some() { 0 } else { self.ways.frame_bytes }
    }
}
