//! Objects: loads, stores with their barrier, allocation; memory off the heap.

use super::analysis::{may_collect, small_tail};
use super::calls::First;
use super::cold::Cold;
use super::encode::{Alu, Cc, Mem};
use super::looping::From;
use super::lower::Lower;
use super::regs::{CTX, FTMP, Reg, TMP};
use crate::config::fresh_header;
use ir::{Arg, Attr, Effect, Field, Items, Op, OpCode, Repr, ValueId};

impl Lower<'_> {
    pub(super) fn get_field(&mut self, index: usize, op: &Op) {
        let Field { repr, offset, .. } = field_of(op);
        let base = self.gpr(0);
        self.load(index, repr, Mem::Base { base, disp: offset as i32 });
    }

    /// `setfield` and `initfield`.
    pub(super) fn set_field(&mut self, op: &Op) {
        let Field { repr, offset, .. } = field_of(op);
        let base = self.gpr(0);
        self.store_value(repr, Mem::Base { base, disp: offset as i32 }, 1);
        if op.code == OpCode::SetField && repr == Repr::Ref && self.may_be_object(op.args[1]) {
            // Once noted, an object stays noted until the next collection.
            let noted = self.facts.entity(op.args[0]).map(|id| &mut self.noted[id as usize]);
            let is_noted = noted.is_some_and(|noted| std::mem::replace(noted, self.quiet_since) == self.quiet_since);
            if !is_noted {
                self.barrier(base, None);
            }
        }
    }

    pub(super) fn get_item(&mut self, index: usize, op: &Op) {
        let Items { repr, offset, .. } = items_of(op);
        let element = self.element(0, 1, offset as i32, repr);
        self.load(index, repr, element);
    }

    /// The index counts bytes, whatever the representation.
    pub(super) fn load_bytes(&mut self, index: usize, op: &Op) {
        let Items { repr, offset, .. } = items_of(op);
        let element = self.element(0, 1, offset as i32, Repr::U8);
        self.load(index, repr, element);
    }

    /// `setitem` and `inititem`.
    pub(super) fn set_item(&mut self, op: &Op) {
        let Items { repr, offset, .. } = items_of(op);
        let object = self.gpr(0);
        let element = self.element(0, 1, offset as i32, repr);
        self.store_value(repr, element, 2);
        if op.code == OpCode::SetItem && repr == Repr::Ref && self.may_be_object(op.args[2]) {
            // Every item counts: large arrays note their cards.
            self.barrier(object, Some(element));
        }
    }

    pub(super) fn raw_load(&mut self, index: usize, op: &Op) {
        let repr = raw_of(op);
        let element = self.element(1, 2, 0, repr);
        self.load(index, repr, element);
    }

    pub(super) fn raw_store(&mut self, op: &Op) {
        let repr = raw_of(op);
        let element = self.element(1, 2, 0, repr);
        self.store_value(repr, element, 3);
    }

    /// Where an element lies.
    fn element(&mut self, start: usize, index: usize, offset: i32, repr: Repr) -> Mem {
        let base = self.gpr(start);
        let bytes = repr.bytes();
        if let Arg::Int(index) = self.arg(index)
            && let Ok(disp) = i32::try_from(i128::from(index) * i128::from(bytes) + i128::from(offset))
        {
            return Mem::Base { base, disp };
        }
        let index = self.gpr(index);
        Mem::Index { base, index, shift: bytes.trailing_zeros() as u8, disp: offset }
    }

    fn load(&mut self, index: usize, repr: Repr, from: Mem) {
        let to = match repr {
            Repr::F64 | Repr::F32 => self.define(index),
            _ => self.define_over(index, 0).0,
        };
        match repr {
            Repr::Ref | Repr::I64 => self.asm.mov(to, from),
            Repr::F64 => self.asm.movsd_load(to, from),
            Repr::F32 => self.asm.single_to_double(to, from),
            Repr::I32 => self.asm.movsx32(to, from),
            Repr::U32 => self.asm.mov32(to, from),
            Repr::I16 => self.asm.movsx16(to, from),
            Repr::U16 => self.asm.movzx16(to, from),
            Repr::I8 => self.asm.movsx8(to, from),
            Repr::U8 => self.asm.movzx8(to, from),
        }
    }

    /// Stores an operand.
    fn store_value(&mut self, repr: Repr, to: Mem, position: usize) {
        if repr == Repr::F32 {
            let value = self.xmm(position);
            self.asm.double_to_single(FTMP, value);
            return self.asm.movss_store(to, FTMP);
        }
        if let Some(word) = Self::constant_word(self.arg(position))
            && repr.bytes() == 8
            && let Ok(word) = i32::try_from(word as i64)
        {
            return self.asm.store_imm(to, word);
        }
        let value = match Self::constant_word(self.arg(position)) {
            Some(word) => {
                self.asm.mov_imm(TMP, word);
                TMP
            }
            None if self.is_float(position) => {
                let value = self.xmm(position);
                return self.asm.movsd_store(to, value);
            }
            None => self.gpr(position),
        };
        match repr.bytes() {
            8 => self.asm.store(to, value),
            4 => self.asm.store32(to, value),
            2 => self.asm.store16(to, value),
            _ => self.asm.store8(to, value),
        }
    }

    /// Tells the collector of a reference stored into `object`, if the object asks for it.
    fn barrier(&mut self, object: Reg, item: Option<Mem>) {
        let (slow, back) = (self.asm.label(), self.asm.label());
        let state = Mem::Base { base: object, disp: self.config.barrier_offset };
        self.asm.test8_imm(state, self.config.barrier_mask);
        self.asm.jump_if(Cc::NotEqual, slow);
        self.asm.bind(back);
        self.later(Cold::Barrier { slow, back, object, item });
    }

    /// Whether a reference may be a pointer to an object that moves. Constants of the table may.
    fn may_be_object(&self, arg: Arg) -> bool {
        match arg {
            Arg::Value(id) => !matches!(self.trace.ops[id.0 as usize].code, OpCode::IntBox | OpCode::BoolBox),
            Arg::Ref(_) => true,
            _ => false,
        }
    }

    pub(super) fn new_object(&mut self, index: usize, op: &Op) {
        let Attr::New { shape, bytes, .. } = op.attr else { panic!("new without a shape") };
        self.allocate(index, shape, bytes);
    }

    /// A fresh object with its header written.
    fn allocate(&mut self, index: usize, shape: u32, bytes: u32) -> Reg {
        self.quiet_since += 1;
        self.noted[index] = self.quiet_since;
        let to = self.define(index);
        let header = fresh_header(shape) as i32;
        if bytes > self.config.inline_alloc_bytes {
            self.slow_alloc(to, bytes, header);
            return to;
        }
        let (slow, back) = (self.asm.label(), self.asm.label());
        let bytes = bytes as i32;
        self.asm.mov(TMP, Mem::Base { base: CTX, disp: self.config.heap_offset });
        let free = Mem::Base { base: TMP, disp: self.config.free_offset };
        self.asm.mov(to, free);
        self.asm.alu_imm(Alu::Add, to, bytes);
        self.asm.alu(Alu::Cmp, to, Mem::Base { base: TMP, disp: self.config.limit_offset });
        self.asm.jump_if(Cc::Above, slow);
        self.asm.store(free, to);
        self.asm.alu_imm(Alu::Sub, to, bytes);
        self.asm.store_imm(Mem::Base { base: to, disp: 0 }, header);
        self.asm.bind(back);
        self.later(Cold::Alloc { slow, back, to, bytes: bytes as u32, header });
        to
    }

    /// An object with a tail. One of a known small size is made in line: its count, and zeros but for the words that the
    /// trace writes at once.
    pub(super) fn new_items(&mut self, index: usize, op: &Op) {
        let Attr::New { shape, bytes, item_bytes } = op.attr else { panic!("new_items without a shape") };
        if let Some((count, total)) = small_tail(op) {
            let object = self.allocate(index, shape, total);
            let initialised = self.initialised_next(index);
            for offset in (8..total as i32).step_by(8) {
                let word = match offset == self.config.count_offset {
                    true => count as i32,
                    false if initialised.contains(&offset) => continue,
                    false => 0,
                };
                self.asm.store_imm(Mem::Base { base: object, disp: offset }, word);
            }
            return;
        }
        let words = [shape, bytes, item_bytes].map(|word| From::Word(u64::from(word)));
        let count = self.source(op.args[0]);
        let arguments = [words[0], words[1], words[2], count];
        self.call_words(self.config.alloc_items as usize, First::Heap, &arguments);
        self.take_result(index);
    }

    /// The words of the fresh object `id` that the operations right behind it write.
    fn initialised_next(&self, index: usize) -> Vec<i32> {
        let object = Arg::Value(ValueId(index as u32));
        let mut offsets = Vec::new();
        for op in &self.trace.ops[index + 1..] {
            let initialises = op.args.first() == Some(&object);
            match (op.code, op.attr) {
                (OpCode::InitField, Attr::Field(field)) if initialises && field.repr.bytes() == 8 => {
                    offsets.push(field.offset as i32);
                }
                (OpCode::InitItem, Attr::Items(items)) if initialises && items.repr.bytes() == 8 => {
                    if let Arg::Int(at @ 0..128) = op.args[1] {
                        offsets.push(items.offset as i32 + 8 * at as i32);
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
