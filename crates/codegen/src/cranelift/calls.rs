//! Calls of Rust functions and the activation record.

use super::analysis::publishes;
use super::lower::Lower;
use crate::backend::Activation;
use crate::config::Config;
use cranelift_codegen::ir::{AbiParam, InstBuilder, MemFlagsData, SigRef, Signature, Value, condcodes::IntCC, types};
use ir::{Attr, Function, Op, OpCode, Ty};
use std::mem::offset_of;

impl Lower<'_> {
    /// A call; `None` if the callee has no result.
    pub(super) fn call(&mut self, op: &Op) -> Option<Value> {
        let Attr::Callee(callee) = op.attr else { panic!("a call without a callee") };
        if let Some(offset) = flag_offset(op, self.config) {
            return Some(self.read_flag(offset));
        }
        let mut arguments = vec![self.ctx];
        let mut words = Vec::with_capacity(op.args.len());
        for &arg in &op.args {
            let value = self.arg(arg);
            words.push(self.word_of(value));
        }
        if op.is_buffered() {
            self.store_buffer(&words[2..]);
            arguments.extend(&words[..2]);
            arguments.push(self.word(words.len() as u64 - 2));
        } else if op.code == OpCode::CallSlice {
            arguments.push(words[0]);
            for (index, &word) in words[1..].iter().enumerate() {
                let slot = self.slice.expect("a slice call with operands has a slot");
                self.fb.ins().stack_store(types::I64, word, slot, index as i32 * 8);
            }
            let address = match self.slice {
                Some(slot) => self.fb.ins().stack_addr(types::I64, slot, 0),
                // An empty slice: aligned, not null, never read.
                None => self.word(8),
            };
            arguments.push(address);
            arguments.push(self.word(op.args.len() as u64 - 1));
        } else {
            arguments.extend(words);
        }
        let published = self.publish(op);
        let result = self.call_words(function_address(&callee.function), &arguments, true);
        if let Some(previous) = published {
            self.fb.ins().store(self.memory.state, previous, self.ctx, self.config.activation_offset);
        }
        self.barriered.clear();
        match callee.result {
            Ty::Void => None,
            ty => Some(self.value_of(result.expect("called for a result"), ty)),
        }
    }

    /// Whether a word of the context is set; atomic, because others may set it.
    fn read_flag(&mut self, offset: i32) -> Value {
        let address = self.fb.ins().iadd_imm_s(self.ctx, i64::from(offset));
        let flag = self.fb.ins().atomic_load(types::I32, MemFlagsData::trusted(), address);
        self.fb.ins().icmp_imm_u(IntCC::NotEqual, flag, 0)
    }

    /// Calls an `extern "C"` function that takes words.
    pub(super) fn call_words(&mut self, address: usize, arguments: &[Value], returns: bool) -> Option<Value> {
        let signature = self.word_signature(arguments.len(), returns);
        let address = self.word(address as u64);
        let call = self.fb.ins().call_indirect(signature, address, arguments);
        self.fb.inst_results(call).first().copied()
    }

    /// Before a call during which frames may be inspected: fills this activation's record and links it. The record
    /// below, to be linked again after the call.
    fn publish(&mut self, op: &Op) -> Option<Value> {
        let trace = &self.input.trace;
        let exit = publishes(op, trace)?;
        let slot = self.activation.expect("a publishing call has a record");
        for (index, &(id, _)) in exit.live.iter().enumerate() {
            let value = self.value(id);
            let word = self.word_of(value);
            let offset = Activation::HEADER_BYTES as i32 + 8 * index as i32;
            self.fb.ins().stack_store(types::I64, word, slot, offset);
        }
        let number = self.word(u64::from(op.exit?.0 + self.input.first_exit));
        self.fb.ins().stack_store(types::I64, number, slot, offset_of!(Activation, exit) as i32);
        let previous = self.fb.ins().load(types::I64, self.memory.state, self.ctx, self.config.activation_offset);
        self.fb.ins().stack_store(types::I64, previous, slot, offset_of!(Activation, previous) as i32);
        let record = self.fb.ins().stack_addr(types::I64, slot, 0);
        self.fb.ins().store(self.memory.state, record, self.ctx, self.config.activation_offset);
        Some(previous)
    }

    /// At every entry: nobody has inspected this activation.
    pub(super) fn start_activation(&mut self) {
        if let Some(slot) = self.activation {
            let zero = self.word(0);
            self.fb.ins().stack_store(types::I64, zero, slot, offset_of!(Activation, inspected) as i32);
        }
    }

    fn word_signature(&mut self, arguments: usize, returns: bool) -> SigRef {
        if let Some(&signature) = self.word_signatures.get(&(arguments, returns)) {
            return signature;
        }
        let mut signature = Signature::new(self.call_conv);
        signature.params.extend(vec![AbiParam::new(types::I64); arguments]);
        if returns {
            signature.returns.push(AbiParam::new(types::I64));
        }
        let signature = self.fb.import_signature(signature);
        self.word_signatures.insert((arguments, returns), signature);
        signature
    }
}

/// Where in the context the flag lies that the call only reads; `None` for all other operations.
pub(super) fn flag_offset(op: &Op, config: &Config) -> Option<i32> {
    let Attr::Callee(callee) = op.attr else { return None };
    config.flags.iter().find(|(flag, _)| *flag == callee).map(|&(_, offset)| offset)
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
