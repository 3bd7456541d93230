//! Calls of Rust functions and the activation record.
//!
//! What is read behind a call lies in a register that calls keep or in the frame, so the collector's scan of the stack finds it.

use super::alloc::Loc;
use super::analysis::{flag_offset, publishes};
use super::encode::Mem;
use super::looping::{From, Move};
use super::lower::Lower;
use super::regs::{ARGUMENTS, CTX, FTMP, KEPT, RAX, RSP, TMP};
use crate::backend::Activation;
use ir::{Arg, Attr, Function, Op, OpCode, Ty};
use std::mem::offset_of;

/// The first argument of a call.
#[derive(Clone, Copy)]
pub(super) enum First {
    Context,
    Heap,
}

impl Lower<'_> {
    pub(super) fn call(&mut self, index: usize, op: &Op) {
        let Attr::Callee(callee) = op.attr else { panic!("a call without a callee") };
        if flag_offset(op, self.config).is_some() {
            let test = self.test(op).expect("a flag is a test");
            return self.test_to_value(index, test);
        }
        let mut arguments = Vec::with_capacity(ARGUMENTS.len());
        let mut slice = None;
        if op.is_buffered() {
            self.store_in_buffer(&op.args[2..]);
            arguments.extend(op.args[..2].iter().map(|&arg| self.source(arg)));
            arguments.push(From::Word(op.args.len() as u64 - 2));
        } else if op.code == OpCode::CallSlice {
            for position in 1..op.args.len() {
                self.store_in_frame(position, self.frame.slice + 8 * (position as i32 - 1));
            }
            arguments.push(self.source(op.args[0]));
            // The address comes when the others are in their places. An empty slice is aligned, not null, never read.
            arguments.push(From::Word(8));
            arguments.push(From::Word(op.args.len() as u64 - 1));
            slice = (op.args.len() > 1).then_some(self.frame.slice);
        } else {
            arguments.extend(op.args.iter().map(|&arg| self.source(arg)));
        }
        let published = self.publish(op);
        self.call_with(function_address(&callee.function), First::Context, &arguments, slice);
        if published {
            let previous = self.frame.activation + offset_of!(Activation, previous) as i32;
            self.asm.mov(TMP, Mem::Base { base: RSP, disp: previous });
            self.asm.store(Mem::Base { base: CTX, disp: self.config.activation_offset }, TMP);
        }
        if callee.result != Ty::Void && self.facts.uses[index] > 0 {
            self.take_result(index);
        }
    }

    pub(super) fn call_words(&mut self, address: usize, first: First, arguments: &[From]) {
        self.call_with(address, first, arguments, None);
    }

    fn call_with(&mut self, address: usize, first: First, arguments: &[From], slice: Option<i32>) {
        let taken = Lower::all().without(KEPT);
        for reg in taken.iter() {
            if let Some(id) = self.regs.owner(reg)
                && id < self.facts.values
                && !self.dies(id)
            {
                self.spill(id);
            }
        }
        let mut moves: Vec<Move> =
            arguments.iter().zip(&ARGUMENTS[1..]).map(|(&from, &to)| Move { from, to: Loc::reg(to) }).collect();
        debug_assert_eq!(moves.len(), arguments.len(), "more arguments than registers");
        self.shuffle(&mut moves);
        for reg in taken.iter() {
            if let Some(id) = self.regs.owner(reg) {
                self.regs.take(id);
            }
        }
        if let Some(disp) = slice {
            self.asm.lea(ARGUMENTS[2], Mem::Base { base: RSP, disp });
        }
        match first {
            First::Context => self.asm.mov(ARGUMENTS[0], CTX),
            First::Heap => self.asm.mov(ARGUMENTS[0], Mem::Base { base: CTX, disp: self.config.heap_offset }),
        }
        self.asm.mov_imm(RAX, address as u64);
        self.asm.call_through(RAX);
        self.quiet_since += 1;
    }

    /// The result of the call just made becomes the value of operation `index`.
    pub(super) fn take_result(&mut self, index: usize) {
        let ty = self.trace.ops[index].ty;
        let id = index as u32;
        let stays = ty != Ty::Flt && self.regs.place(id).hint.is_none() && !self.facts.crosses_call(id);
        let to = match stays {
            true => {
                self.regs.give(RAX, id);
                RAX
            }
            false => self.define(index),
        };
        match ty {
            Ty::Flt => self.asm.movq_to(to, RAX),
            Ty::Bool => self.asm.movzx8(to, RAX),
            _ if to != RAX => self.asm.mov(to, RAX),
            _ => {}
        }
    }

    /// Copies an operand to a word of the frame.
    fn store_in_frame(&mut self, position: usize, disp: i32) {
        let to = Mem::Base { base: RSP, disp };
        let arg = self.arg(position);
        match self.facts.entity(arg).and_then(|id| self.regs.place(id).reg) {
            Some(reg) => self.asm.store(to, reg),
            None => match Self::constant_word(arg).map(|word| i32::try_from(word as i64)) {
                Some(Ok(word)) => self.asm.store_imm(to, word),
                _ => {
                    self.copy_arg(arg, TMP);
                    self.asm.store(to, TMP);
                }
            },
        }
    }

    /// Copies operands to the first words of the buffer.
    fn store_in_buffer(&mut self, args: &[Arg]) {
        let buffer = Mem::Base { base: RSP, disp: self.frame.buffer };
        self.asm.mov(TMP, buffer);
        for (index, &arg) in args.iter().enumerate() {
            let to = Mem::Base { base: TMP, disp: 8 * index as i32 };
            let loc = self.facts.entity(arg).and_then(|id| self.loc(id));
            match loc.map(|loc| loc.as_reg()) {
                Some(Some(reg)) => self.asm.store(to, reg),
                Some(None) => {
                    self.move_loc(loc.expect("a slot"), Loc::reg(FTMP));
                    self.asm.movsd_store(to, FTMP);
                }
                None => match Self::constant_word(arg).map(|word| i32::try_from(word as i64)) {
                    Some(Ok(word)) => self.asm.store_imm(to, word),
                    _ => {
                        self.copy_arg(arg, TMP);
                        self.asm.movq_to(FTMP, TMP);
                        self.asm.mov(TMP, buffer);
                        self.asm.movsd_store(to, FTMP);
                    }
                },
            }
        }
    }

    /// Before a call during which frames may be inspected: fills this activation's record and links it.
    fn publish(&mut self, op: &Op) -> bool {
        let Some(exit) = publishes(op, self.trace) else { return false };
        let record = self.frame.activation;
        let word = |offset: usize| Mem::Base { base: RSP, disp: record + offset as i32 };
        for (index, &(id, _)) in exit.live.iter().enumerate() {
            let to = word(Activation::HEADER_BYTES as usize + 8 * index);
            match self.loc_of_value(id).as_reg() {
                Some(reg) if reg.is_xmm() => self.asm.movsd_store(to, reg),
                Some(reg) => self.asm.store(to, reg),
                None => {
                    self.move_loc(self.loc_of_value(id), Loc::reg(TMP));
                    self.asm.store(to, TMP);
                }
            }
        }
        let number = op.exit.expect("a call that publishes has an exit").0 + self.input.first_exit;
        self.asm.mov_imm(TMP, u64::from(number));
        self.asm.store(word(offset_of!(Activation, exit)), TMP);
        let newest = Mem::Base { base: CTX, disp: self.config.activation_offset };
        self.asm.mov(TMP, newest);
        self.asm.store(word(offset_of!(Activation, previous)), TMP);
        self.asm.lea(TMP, word(0));
        self.asm.store(newest, TMP);
        true
    }
}

fn function_address(function: &Function) -> usize {
    match *function {
        Function::F0(f) => f as usize,
        Function::F1(f) => f as usize,
        Function::F2(f) => f as usize,
        Function::F3(f) => f as usize,
        Function::F4(f) => f as usize,
        Function::F5(f) => f as usize,
        Function::Slice(f) => f as usize,
        Function::Buffered(f) => f as usize,
    }
}
