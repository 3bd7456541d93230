//! Objects: loads, stores with their barrier, allocation; memory off the heap.

use super::analysis::may_collect;
use super::lower::Lower;
use crate::config::fresh_header;
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, Value, condcodes::IntCC, types};
use ir::{Arg, Attr, Effect, Field, Items, Op, OpCode, Repr, ValueId};

/// The largest tail that is zeroed in line.
const SMALL_TAIL_BYTES: u32 = 128;

impl Lower<'_> {
    pub(super) fn get_field(&mut self, op: &Op) -> Value {
        let field = field_of(op);
        let object = self.arg(op.args[0]);
        self.load(self.memory.objects, field.repr, object, field.offset as i32)
    }

    /// `setfield` and `initfield`.
    pub(super) fn set_field(&mut self, op: &Op) {
        let field = field_of(op);
        let (object, value) = (self.arg(op.args[0]), self.arg(op.args[1]));
        self.store(self.memory.objects, field.repr, object, field.offset as i32, value);
        if op.code == OpCode::SetField && field.repr == Repr::Ref && self.may_be_object(op.args[1]) {
            // Once noted, an object stays noted until the next collection.
            if self.barriered.insert(object) {
                self.barrier(object, None);
            }
        }
    }

    pub(super) fn get_item(&mut self, op: &Op) -> Value {
        let items = items_of(op);
        let object = self.arg(op.args[0]);
        let (address, offset) = self.element(object, op.args[1], items.offset as i32, items.repr);
        self.load(self.memory.objects, items.repr, address, offset)
    }

    /// `load_bytes`.
    pub(super) fn load_bytes(&mut self, op: &Op) -> Value {
        let items = items_of(op);
        let object = self.arg(op.args[0]);
        let (address, offset) = self.element(object, op.args[1], items.offset as i32, Repr::U8);
        self.load(self.memory.objects, items.repr, address, offset)
    }

    /// `setitem` and `inititem`.
    pub(super) fn set_item(&mut self, op: &Op) {
        let items = items_of(op);
        let object = self.arg(op.args[0]);
        let (address, offset) = self.element(object, op.args[1], items.offset as i32, items.repr);
        let value = self.arg(op.args[2]);
        self.store(self.memory.objects, items.repr, address, offset, value);
        if op.code == OpCode::SetItem && items.repr == Repr::Ref && self.may_be_object(op.args[2]) {
            // Every item counts: large arrays note their cards.
            self.barrier(object, Some((address, offset)));
        }
    }

    /// The owner's part is in [`Lower::define`].
    pub(super) fn raw_load(&mut self, op: &Op) -> Value {
        let repr = raw_of(op);
        let start = self.arg(op.args[1]);
        let (address, offset) = self.element(start, op.args[2], 0, repr);
        self.load(self.memory.raw, repr, address, offset)
    }

    pub(super) fn raw_store(&mut self, op: &Op) {
        let repr = raw_of(op);
        let start = self.arg(op.args[1]);
        let (address, offset) = self.element(start, op.args[2], 0, repr);
        let value = self.arg(op.args[3]);
        self.store(self.memory.raw, repr, address, offset, value);
    }

    pub(super) fn new_object(&mut self, op: &Op) -> Value {
        let Attr::New { shape, bytes, .. } = op.attr else { panic!("new without a shape") };
        self.allocate(shape, bytes)
    }

    /// An object with a tail. One of a known small size is made in line: its count, and zeros but for the words that the
    /// trace writes at once.
    pub(super) fn new_items(&mut self, id: ValueId, op: &Op) -> Value {
        let Attr::New { shape, bytes, item_bytes } = op.attr else { panic!("new_items without a shape") };
        if let Arg::Int(count) = op.args[0]
            && (0..=i64::from(SMALL_TAIL_BYTES)).contains(&count)
            && count as u32 * item_bytes <= SMALL_TAIL_BYTES
        {
            let total = (bytes + count as u32 * item_bytes).next_multiple_of(8);
            let object = self.allocate(shape, total);
            let initialised = self.initialised_next(id);
            for offset in (8..total as i32).step_by(8) {
                let word = match offset == self.config.count_offset {
                    true => count as u64,
                    false if initialised.contains(&offset) => continue,
                    false => 0,
                };
                let word = self.word(word);
                self.fb.ins().store(self.memory.objects, word, object, offset);
            }
            return object;
        }
        let heap = self.heap();
        let shape = self.word(u64::from(shape));
        let fixed_bytes = self.word(u64::from(bytes));
        let item_bytes = self.word(u64::from(item_bytes));
        let count = self.arg(op.args[0]);
        let arguments = [heap, shape, fixed_bytes, item_bytes, count];
        let object = self.call_words(self.config.alloc_items as usize, &arguments, true);
        self.barriered.clear();
        object.expect("called for a result")
    }

    /// The words of the fresh object `id` that the operations right behind it write.
    fn initialised_next(&self, id: ValueId) -> Vec<i32> {
        let mut offsets = Vec::new();
        for op in &self.input.trace.ops[id.0 as usize + 1..] {
            let initialises = op.args.first() == Some(&Arg::Value(id));
            match (op.code, op.attr) {
                (OpCode::InitField, Attr::Field(field)) if initialises && field.repr.bytes() == 8 => {
                    offsets.push(field.offset as i32);
                }
                (OpCode::InitItem, Attr::Items(items)) if initialises && items.repr.bytes() == 8 => {
                    if let Arg::Int(index @ 0..128) = op.args[1] {
                        offsets.push(items.offset as i32 + 8 * index as i32);
                    }
                }
                (OpCode::InitField | OpCode::InitItem, _) => {}
                _ if op.code.effect() == Effect::Pure && !may_collect(op) => {}
                // Anything else may look at the object, or let the collector look at it.
                _ => break,
            }
        }
        offsets
    }

    /// A fresh object with its header written.
    fn allocate(&mut self, shape: u32, bytes: u32) -> Value {
        let heap = self.heap();
        self.barriered.clear();
        let object = if bytes > self.config.inline_alloc_bytes {
            self.slow_alloc(bytes, fresh_header(shape))
        } else {
            let slow = self.cold_block();
            let fast = self.fb.create_block();
            let join = self.fb.create_block();
            let object = self.fb.append_block_param(join, types::I64);
            let free = self.fb.ins().load(types::I64, self.memory.state, heap, self.config.free_offset);
            let end = self.fb.ins().iadd_imm_u(free, i64::from(bytes));
            let limit = self.fb.ins().load(types::I64, self.memory.state, heap, self.config.limit_offset);
            let full = self.fb.ins().icmp(IntCC::UnsignedGreaterThan, end, limit);
            self.fb.ins().brif(full, slow, &[], fast, &[]);
            self.fb.switch_to_block(slow);
            let made = self.slow_alloc(bytes, fresh_header(shape));
            self.fb.ins().jump(join, &[BlockArg::from(made)]);
            self.fb.switch_to_block(fast);
            self.fb.ins().store(self.memory.state, end, heap, self.config.free_offset);
            let header = self.word(fresh_header(shape));
            self.fb.ins().store(self.memory.objects, header, free, 0);
            self.fb.ins().jump(join, &[BlockArg::from(free)]);
            self.fb.switch_to_block(join);
            object
        };
        self.barriered.insert(object);
        object
    }

    /// Tells the collector of a reference stored into `object`, if the object asks for it.
    fn barrier(&mut self, object: Value, item: Option<(Value, i32)>) {
        let slow = self.cold_block();
        let next = self.fb.create_block();
        let state = self.fb.ins().load(types::I8, self.memory.objects, object, self.config.barrier_offset);
        let asks = self.fb.ins().band_imm_u(state, i64::from(self.config.barrier_mask));
        self.fb.ins().brif(asks, slow, &[], next, &[]);
        self.fb.switch_to_block(slow);
        let item = item.map(|(address, offset)| self.fb.ins().iadd_imm_s(address, i64::from(offset)));
        self.slow_barrier(object, item);
        self.fb.ins().jump(next, &[]);
        self.fb.switch_to_block(next);
    }

    /// Whether a reference may be a pointer to an object that moves. Constants of the table may.
    fn may_be_object(&self, arg: Arg) -> bool {
        match arg {
            Arg::Value(id) => !matches!(self.input.trace.ops[id.0 as usize].code, OpCode::IntBox | OpCode::BoolBox),
            Arg::Ref(_) => true,
            _ => false,
        }
    }

    /// Where element `index` lies: a base and an offset.
    fn element(&mut self, start: Value, index: Arg, offset: i32, repr: Repr) -> (Value, i32) {
        let bytes = repr.bytes();
        if let Arg::Int(index) = index
            && let Ok(total) = i32::try_from(i128::from(index) * i128::from(bytes) + i128::from(offset))
        {
            return (start, total);
        }
        let index = self.arg(index);
        let scaled = self.fb.ins().ishl_imm_u(index, i64::from(bytes.trailing_zeros()));
        (self.fb.ins().iadd(start, scaled), offset)
    }

    fn load(&mut self, flags: MemFlagsData, repr: Repr, base: Value, offset: i32) -> Value {
        let ins = self.fb.ins();
        match repr {
            Repr::Ref | Repr::I64 => ins.load(types::I64, flags, base, offset),
            Repr::F64 => ins.load(types::F64, flags, base, offset),
            Repr::F32 => {
                let single = ins.load(types::F32, flags, base, offset);
                self.fb.ins().fpromote(types::F64, single)
            }
            Repr::I32 => ins.sload32(flags, base, offset),
            Repr::U32 => ins.uload32(flags, base, offset),
            Repr::I16 => ins.sload16(types::I64, flags, base, offset),
            Repr::U16 => ins.uload16(types::I64, flags, base, offset),
            Repr::I8 => ins.sload8(types::I64, flags, base, offset),
            Repr::U8 => ins.uload8(types::I64, flags, base, offset),
        }
    }

    fn store(&mut self, flags: MemFlagsData, repr: Repr, base: Value, offset: i32, value: Value) {
        let value = match repr {
            Repr::F32 => self.fb.ins().fdemote(types::F32, value),
            _ => value,
        };
        let ins = self.fb.ins();
        match repr.bytes() {
            4 if repr != Repr::F32 => ins.istore32(flags, value, base, offset),
            2 => ins.istore16(flags, value, base, offset),
            1 => ins.istore8(flags, value, base, offset),
            _ => ins.store(flags, value, base, offset),
        };
    }
}

fn field_of(op: &Op) -> Field {
    match op.attr {
        Attr::Field(field) => field,
        _ => panic!("{} without a field", op.code.row().text),
    }
}

fn items_of(op: &Op) -> Items {
    match op.attr {
        Attr::Items(items) => items,
        _ => panic!("{} without items", op.code.row().text),
    }
}

fn raw_of(op: &Op) -> Repr {
    match op.attr {
        Attr::Raw(repr) => repr,
        _ => panic!("{} without a representation", op.code.row().text),
    }
}
