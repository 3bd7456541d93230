//! From trace operations to instructions: one walk down the trace.
//!
//! ```text
//! entry:      make the frame; selector < 0 ? body_entry : start
//! start:      load the inputs; …; move the phis to where the loop wants them
//! preheader:  load constants of the loop
//! header:     …; move the next phis there; jump header
//! cold:       slow paths, body_entry (load the phis; jump preheader), exits
//! ```

use super::alloc::{Loc, NO_SLOT, Place, Registers, class_of};
use super::analysis::{Facts, Id};
use super::cold::Cold;
use super::direct::{Arrivals, On, Way};
use super::encode::{Alu, Asm, Label, Mem};
use super::exits::Exits;
use super::regs::{CTX, GPRS, RDI, RDX, RSI, RSP, Reg, RegSet, TMP, XMMS};
use super::stubs::Stubs;
use crate::backend::{Activation, CompileInput, Left, THROUGH_BUFFER};
use crate::config::Config;
use ir::{Arg, Attr, OpCode, Trace, Ty};

/// Where things lie in the frame, in bytes from rsp.
#[derive(Clone, Copy, Default)]
pub(super) struct Frame {
    /// Two words for arguments and results of slow paths.
    pub(super) slow: i32,
    pub(super) buffer: i32,
    pub(super) activation: i32,
    pub(super) slice: i32,
    pub(super) slots: i32,
}

/// The state of lowering a trace.
pub(super) struct Lower<'a> {
    pub(super) asm: &'a mut Asm,
    pub(super) config: &'a Config,
    pub(super) stubs: Stubs,
    pub(super) input: &'a CompileInput,
    pub(super) trace: &'a Trace,
    pub(super) facts: Facts,
    pub(super) owners: Vec<Id>,
    pub(super) regs: Registers,
    pub(super) frame: Frame,
    /// Where the size of the frame is to be written.
    pub(super) frame_sites: Vec<u32>,
    /// Where it is to be written how much larger it is than the frame of so many bytes that it grows from or becomes.
    pub(super) own_frame_sites: Vec<(u32, u32)>,
    /// Of a bridge that begins where its exit's values are.
    pub(super) on: Option<On>,
    /// So large is the frame of the loop that the trace jumps to.
    pub(super) least_frame_bytes: u32,
    pub(super) arrivals: Arrivals,
    /// The operation at hand.
    pub(super) op: usize,
    /// The last operation that is lowered together with it.
    pub(super) at: u32,
    /// Registers that loop-carried values have at the back edge.
    pub(super) homes: RegSet,
    pub(super) header: Option<Label>,
    pub(super) exits: Exits,
    pub(super) cold: Vec<(u32, Cold)>,
    /// For each entity, when it was last noted by a barrier; see [`Lower::quiet_since`].
    pub(super) noted: Vec<u32>,
    /// Counts what can start a collection.
    pub(super) quiet_since: u32,
    /// For the log: where the code of each operation begins.
    pub(super) marks: Option<Vec<(u32, u32)>>,
}

impl<'a> Lower<'a> {
    pub(super) fn new(
        asm: &'a mut Asm,
        config: &'a Config,
        stubs: Stubs,
        input: &'a CompileInput,
        facts: Facts,
    ) -> Lower<'a> {
        let place = |(&next, &last): (&u32, &u32)| Place {
            reg: None,
            slot: NO_SLOT,
            in_slot: false,
            keeps_slot: false,
            home: None,
            hint: None,
            next,
            last,
        };
        let places = facts.first.iter().zip(&facts.last).map(place).collect();
        let mut owners = facts.owners.clone();
        owners.sort_unstable();
        owners.dedup();
        let mut frame = Frame { slow: 0, buffer: 16, activation: 24, ..Frame::default() };
        let record = facts.activation_words.map_or(0, |words| Activation::HEADER_BYTES + 8 * words);
        frame.slice = frame.activation + record as i32;
        frame.slots = frame.slice + 8 * facts.slice_words as i32;
        let noted = vec![0; facts.entities];
        let on = if facts.body.is_none() { On::of(input, &facts.uses) } else { None };
        let least_frame_bytes = Way::of(on.as_ref(), input).map_or(0, |way| way.least_frame_bytes());
        asm.clear();
        Lower {
            asm,
            config,
            stubs,
            input,
            trace: &input.trace,
            facts,
            owners,
            regs: Registers::new(places),
            frame,
            frame_sites: Vec::new(),
            own_frame_sites: Vec::new(),
            on,
            least_frame_bytes,
            arrivals: Arrivals::default(),
            op: 0,
            at: 0,
            homes: RegSet::EMPTY,
            header: None,
            exits: Exits::default(),
            cold: Vec::new(),
            noted,
            quiet_since: 1,
            marks: None,
        }
    }

    pub(super) fn run(&mut self) {
        let count = self.trace.ops.len();
        let inputs = self.trace.input_count();
        let has_label = self.facts.body.is_some_and(|body| body as usize > inputs);
        let body_entry = has_label.then(|| self.asm.label());
        if let Some(on) = self.on.take() {
            self.begin_on(&on);
            self.on = Some(on);
        } else {
            self.prologue(body_entry);
            if self.facts.body.is_some() && !has_label {
                self.loop_on_inputs();
            } else {
                self.hint_homes(None);
                self.load_inputs(inputs);
                let start = self.asm.here();
                self.arrivals.start = Some(self.arriving(start, 0..inputs as Id));
            }
        }
        let mut index = inputs;
        while index < count {
            self.mark(index);
            if self.trace.ops[index].code == OpCode::Label {
                self.op = index;
                self.label(index, body_entry.expect("the trace has a label"));
                index += 1 + self.facts.phis.len();
                continue;
            }
            (self.op, self.at) = (index, index as u32);
            let lowered = self.operation(index);
            for done in index..index + lowered {
                self.finish_operation(done);
            }
            self.regs.end_operation();
            index += lowered;
        }
        self.mark(count);
        let bytes = self.frame_bytes();
        self.emit_cold();
        self.mark(count);
        self.emit_exits();
        self.mark(count);
        debug_assert_eq!(bytes, self.frame_bytes(), "what is behind the trace has no values of its own");
        for &site in &self.frame_sites {
            self.asm.patch(site, bytes);
        }
        for &(site, less) in &self.own_frame_sites {
            self.asm.patch(site, bytes - less);
        }
        self.asm.set_frame(bytes);
        self.asm.finish();
    }

    /// Sixteen-aligned with the return address.
    pub(super) fn frame_bytes(&self) -> u32 {
        let own = self.frame.slots as u32 + 8 * self.regs.slots;
        let all = match &self.on {
            Some(on) => on.frame_bytes + own.next_multiple_of(16),
            None => own.next_multiple_of(16) + 8,
        };
        all.max(self.least_frame_bytes)
    }

    pub(super) fn mark(&mut self, index: usize) {
        let at = self.asm.at();
        if let Some(marks) = &mut self.marks {
            marks.push((at, index as u32));
        }
    }

    fn prologue(&mut self, body_entry: Option<Label>) {
        let site = self.asm.alu_open(Alu::Sub, RSP);
        self.frame_sites.push(site);
        self.asm.store(Mem::Base { base: RSP, disp: self.frame.buffer }, RSI);
        self.asm.mov(CTX, RDI);
        if self.trace.kind == ir::TraceKind::Bridge {
            self.count_moved(THROUGH_BUFFER + self.trace.input_count() as u32);
        }
        self.begin_activation();
        self.asm.mov(TMP, RSI);
        if let Some(body_entry) = body_entry {
            self.asm.test(RDX, RDX);
            self.asm.jump_if(super::encode::Cc::Sign, body_entry);
        }
    }

    /// Nobody has inspected this activation.
    pub(super) fn begin_activation(&mut self) {
        if self.facts.activation_words.is_some() {
            let inspected = std::mem::offset_of!(Activation, inspected) as i32;
            self.asm.store_imm(Mem::Base { base: RSP, disp: self.frame.activation + inspected }, 0);
        }
    }

    /// Gives the frame back.
    pub(super) fn epilogue(&mut self) {
        let site = self.asm.alu_open(Alu::Add, RSP);
        self.frame_sites.push(site);
    }

    /// A word of the buffer, whose address is in `buffer`, to a register.
    pub(super) fn load_buffer(&mut self, to: Reg, buffer: Reg, index: usize, ty: Ty) {
        let word = Mem::Base { base: buffer, disp: 8 * index as i32 };
        match ty {
            Ty::Flt => self.asm.movsd_load(to, word),
            Ty::Bool => self.asm.movzx8(to, word),
            _ => self.asm.mov(to, word),
        }
    }

    /// The inputs that operations read first come to registers, the others to the frame. The buffer's address is in [`TMP`].
    fn load_inputs(&mut self, count: usize) {
        // So many registers are left to what follows.
        const LEFT: u32 = 3;
        let mut order: Vec<(u32, usize)> =
            (0..count).filter(|&id| self.facts.uses[id] > 0).map(|id| (self.facts.first[id], id)).collect();
        order.sort_unstable();
        for (next, index) in order {
            let ty = self.trace.ops[index].ty;
            let class = class_of(ty);
            let id = index as Id;
            let crowded = self.regs_free(class) <= LEFT;
            if next == super::analysis::NEVER || crowded {
                let slot = self.regs.new_slot();
                let place = self.regs.place_mut(id);
                (place.slot, place.in_slot) = (slot, true);
                self.buffer_to_slot(index, slot);
            } else {
                let reg = self.define(index);
                self.regs.end_operation();
                self.load_buffer(reg, TMP, index, ty);
            }
        }
        for at in 0..self.owners.len() {
            if (self.owners[at] as usize) < count {
                self.keep_owner(self.owners[at]);
            }
        }
    }

    fn regs_free(&self, class: RegSet) -> u32 {
        class.iter().filter(|&reg| self.regs.is_free(reg)).count() as u32
    }

    pub(super) fn buffer_to_slot(&mut self, index: usize, slot: u32) {
        let to = self.slot_mem(slot);
        self.asm.movsd_load(super::regs::FTMP, Mem::Base { base: TMP, disp: 8 * index as i32 });
        self.asm.movsd_store(to, super::regs::FTMP);
    }

    /// Lowers the operation at `index`, and perhaps some behind it; how many.
    fn operation(&mut self, index: usize) -> usize {
        let trace = self.trace;
        let op = &trace.ops[index];
        // What nobody reads and does nothing.
        if self.facts.uses[index] == 0 && matches!(op.code.effect(), ir::Effect::Pure | ir::Effect::Reads) {
            return 1;
        }
        if let Some(lowered) = self.fused(index) {
            return lowered;
        }
        match op.code {
            OpCode::Shape => self.shape(index),
            OpCode::SetShape => self.set_shape(op),
            OpCode::GetField => self.get_field(index, op),
            OpCode::SetField | OpCode::InitField => self.set_field(op),
            OpCode::GetItem => self.get_item(index, op),
            OpCode::LoadBytes => self.load_bytes(index, op),
            OpCode::SetItem | OpCode::InitItem => self.set_item(op),
            OpCode::RawLoad => self.raw_load(index, op),
            OpCode::RawStore => self.raw_store(op),
            OpCode::New => self.new_object(index, op),
            OpCode::NewItems => self.new_items(index, op),
            OpCode::Call | OpCode::CallSlice => self.call(index, op),
            OpCode::GuardTrue => self.guard(op, true),
            OpCode::GuardFalse => self.guard(op, false),
            OpCode::GuardValue => self.guard_value(op),
            OpCode::StillValid => self.still_valid(op),
            OpCode::Leave => self.leave(op),
            OpCode::AssumeTrue | OpCode::AssumeFalse | OpCode::AssumeValue | OpCode::ExpectSmall => {}
            OpCode::JumpLabel => self.jump_label(),
            OpCode::JumpLoop => self.jump_out(op, Left::LOOP),
            OpCode::JumpBody => self.jump_out(op, Left::BODY),
            OpCode::FinishReturn => self.finish_with(Left::RETURN),
            OpCode::FinishRaise => self.finish_with(Left::RAISE),
            OpCode::FltBox => self.flt_box(index),
            OpCode::FltUnbox => self.flt_unbox(index),
            OpCode::IsFlt => self.is_flt(index),
            _ => self.compute(index, op),
        }
        1
    }

    /// Copies operands to the buffer, whose address comes to [`TMP`]; they are the last thing that this code reads.
    fn store_buffer(&mut self) {
        let trace = self.trace;
        let args = &trace.ops[self.op].args;
        self.asm.mov(TMP, Mem::Base { base: RSP, disp: self.frame.buffer });
        let word = |index: usize| Mem::Base { base: TMP, disp: 8 * index as i32 };
        // Registers first: one of them is needed for the rest.
        for pass in 0..2 {
            for (index, &arg) in args.iter().enumerate() {
                let reg = self.facts.entity(arg).and_then(|id| self.regs.place(id).reg);
                match reg {
                    Some(reg) if pass == 0 && reg.is_xmm() => self.asm.movsd_store(word(index), reg),
                    Some(reg) if pass == 0 => self.asm.store(word(index), reg),
                    None if pass == 1 => self.word_to_buffer(arg, word(index)),
                    _ => {}
                }
            }
        }
    }

    /// What is in no register, by way of rax.
    fn word_to_buffer(&mut self, arg: Arg, to: Mem) {
        let rax = super::regs::RAX;
        match self.facts.entity(arg) {
            Some(id) => match self.loc(id) {
                Some(loc) => self.move_loc(loc, Loc::reg(rax)),
                None => self.load_constant(id - self.facts.values, rax),
            },
            None => {
                let word = Self::constant_word(arg).expect("a constant");
                if let Ok(word) = i32::try_from(word as i64) {
                    return self.asm.store_imm(to, word);
                }
                self.asm.mov_imm(rax, word);
            }
        }
        self.asm.store(to, rax);
    }

    /// Ends in another trace, through its cell.
    fn jump_out(&mut self, op: &ir::Op, kind: u64) {
        let Attr::Target(target) = op.attr else { panic!("{:?} without a target", op.code) };
        self.jump_directly(op);
        self.count_moved(THROUGH_BUFFER + op.args.len() as u32);
        self.store_buffer();
        let cell = self.cell_of(target) as u64;
        self.asm.mov(RDI, CTX);
        self.asm.mov(RSI, TMP);
        self.asm.mov_imm(RDX, kind | u64::from(target.0));
        self.asm.mov_imm(TMP, cell);
        self.epilogue();
        self.asm.jump_through(Mem::Base { base: TMP, disp: 0 });
    }

    /// Counts words that a jump is about to move.
    pub(super) fn count_moved(&mut self, words: u32) {
        if let Some(cell) = &self.input.counted {
            self.asm.mov_imm(TMP, &raw const cell.moved as u64);
            self.asm.alu_imm(Alu::Add, Mem::Base { base: TMP, disp: 0 }, words as i32);
        }
    }

    /// The address of the trace's cell, whose first word is the entry.
    pub(super) fn cell_of(&self, target: ir::TraceId) -> usize {
        if target == self.input.id {
            return &raw const *self.input.cell as usize;
        }
        match self.input.targets.iter().find(|at| at.id == target) {
            Some(target) => &raw const *target.cell as usize,
            None => panic!("trace {} jumps to trace {}, which is not among its targets", self.input.id.0, target.0),
        }
    }

    fn finish_with(&mut self, left: u64) {
        self.store_buffer();
        self.asm.mov_imm(super::regs::RAX, left);
        self.epilogue();
        self.asm.ret();
    }

    /// All registers that hold values.
    pub(super) fn all() -> RegSet {
        GPRS.or(XMMS)
    }
}
