//! Guest words: tagged integers, immediate and boxed floats, truth values, shapes.

use super::lower::Lower;
use crate::config::fresh_header;
use crate::tagging::{FLONUM_MASK, FLONUM_TAG, FLONUM_ZERO, RANGE_LENGTH, RANGE_START};
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, condcodes::IntCC, types};
use ir::{Arg, ExitId, ObjectGuard, Op, ValueId};

/// The bits that are clear in every heap pointer.
const POINTER_MASK: i64 = 7;
/// Where the low half of the header word lies: all targets are little-endian.
const HEADER_OFFSET: i32 = 0;

impl Lower<'_> {
    pub(super) fn is_int(&mut self, word: Arg) -> Value {
        let word = self.arg(word);
        let low = self.fb.ins().ireduce(types::I8, word);
        self.fb.ins().band_imm_u(low, 1)
    }

    pub(super) fn int_box(&mut self, int: Arg) -> Value {
        let int = self.arg(int);
        let doubled = self.fb.ins().iadd(int, int);
        self.fb.ins().iadd_imm_u(doubled, 1)
    }

    pub(super) fn int_unbox(&mut self, word: Arg) -> Value {
        let word = self.arg(word);
        self.fb.ins().sshr_imm_u(word, 1)
    }

    pub(super) fn bool_box(&mut self, condition: Arg) -> Value {
        let condition = self.arg(condition);
        let yes = self.word(self.config.true_word);
        let no = self.word(self.config.false_word);
        self.fb.ins().select(condition, yes, no)
    }

    /// Whether the word is a float: an immediate one, or a pointer to an object with the float header.
    pub(super) fn is_flt(&mut self, word: Arg) -> Value {
        let word = self.arg(word);
        let join = self.fb.create_block();
        let result = self.fb.append_block_param(join, types::I8);
        let other = self.cold_block();
        let heap = self.cold_block();
        let immediate = self.is_flonum(word);
        let yes = self.fb.ins().iconst(types::I8, 1);
        self.fb.ins().brif(immediate, join, &[BlockArg::from(yes)], other, &[]);

        self.fb.switch_to_block(other);
        let pointer = self.is_object(word);
        let no = self.fb.ins().iconst(types::I8, 0);
        self.fb.ins().brif(pointer, heap, &[], join, &[BlockArg::from(no)]);

        self.fb.switch_to_block(heap);
        let boxed = self.has_float_header(word);
        self.fb.ins().jump(join, &[BlockArg::from(boxed)]);

        self.fb.switch_to_block(join);
        result
    }

    /// A guard that the word is no float. Most words that come here are objects.
    pub(super) fn guard_is_no_flt(&mut self, word: Arg, exit: ExitId) {
        let word = self.arg(word);
        let way = self.exit_block(exit);
        let [other, heap, next] = [(); 3].map(|()| self.fb.create_block());
        let is_flonum = self.is_flonum(word);
        self.fb.ins().brif(is_flonum, way, &[], other, &[]);
        self.fb.switch_to_block(other);
        let pointer = self.is_object(word);
        self.fb.ins().brif(pointer, heap, &[], next, &[]);
        self.fb.switch_to_block(heap);
        let is_boxed = self.has_float_header(word);
        self.fb.ins().brif(is_boxed, way, &[], next, &[]);
        self.fb.switch_to_block(next);
        self.leave_if_armed(exit);
    }

    /// Guards that a word is an object of a shape; see [`ir::Trace::object_guard`].
    pub(super) fn guard_object(&mut self, word: Arg, guard: ObjectGuard) {
        let word = self.arg(word);
        let way = self.exit_block(guard.exit);
        let [heap, next] = [(); 2].map(|()| self.fb.create_block());
        let low = self.fb.ins().ireduce(types::I8, word);
        let tag = self.fb.ins().band_imm_u(low, POINTER_MASK);
        self.fb.ins().brif(tag, way, &[], heap, &[]);
        self.fb.switch_to_block(heap);
        let header = self.fb.ins().load(types::I32, self.memory.objects, word, HEADER_OFFSET);
        let expected = i64::from(guard.shape << 1 | 1);
        let is_it = self.fb.ins().icmp_imm_u(IntCC::Equal, header, expected);
        self.branch_away(is_it, false, way, next);
        self.fb.switch_to_block(next);
        self.leave_if_armed(guard.exit);
    }

    /// A guard that the word is a float, together with the unboxing that follows in most traces: one test serves both.
    pub(super) fn guard_is_flt(&mut self, word: Arg, exit: ExitId) {
        let id = word.value();
        let unbox = id.is_some_and(|id| self.facts.unboxed_floats.contains(&id));
        let word = self.arg(word);
        let way = self.exit_block(exit);
        let immediate = self.fb.create_block();
        let join = self.fb.create_block();
        let other = self.cold_block();
        let heap = self.cold_block();
        let boxed = self.cold_block();
        let is_flonum = self.is_flonum(word);
        self.fb.ins().brif(is_flonum, immediate, &[], other, &[]);

        self.fb.switch_to_block(other);
        let pointer = self.is_object(word);
        self.branch_away(pointer, false, way, heap);
        self.fb.switch_to_block(heap);
        let is_boxed = self.has_float_header(word);
        self.branch_away(is_boxed, false, way, boxed);

        self.fb.switch_to_block(boxed);
        let from_heap: Vec<BlockArg> = unbox.then(|| BlockArg::from(self.load_float(word))).into_iter().collect();
        self.fb.ins().jump(join, &from_heap);
        self.fb.switch_to_block(immediate);
        let from_word: Vec<BlockArg> = unbox.then(|| BlockArg::from(self.decode_flonum(word))).into_iter().collect();
        self.fb.ins().jump(join, &from_word);

        self.fb.switch_to_block(join);
        if let (true, Some(id)) = (unbox, id) {
            let float = self.fb.append_block_param(join, types::F64);
            self.floats.insert(id, float);
        }
        self.leave_if_armed(exit);
    }

    pub(super) fn flt_unbox(&mut self, arg: Arg) -> Value {
        if let Some(&float) = arg.value().and_then(|id| self.floats.get(&id)) {
            return float;
        }
        let word = self.arg(arg);
        let immediate = self.fb.create_block();
        let boxed = self.cold_block();
        let join = self.fb.create_block();
        let float = self.fb.append_block_param(join, types::F64);
        // Known to be a float, so one bit tells an immediate one from a pointer.
        let low = self.fb.ins().ireduce(types::I8, word);
        let tag = self.fb.ins().band_imm_u(low, FLONUM_TAG as i64);
        self.fb.ins().brif(tag, immediate, &[], boxed, &[]);
        self.fb.switch_to_block(boxed);
        let from_heap = self.load_float(word);
        self.fb.ins().jump(join, &[BlockArg::from(from_heap)]);
        self.fb.switch_to_block(immediate);
        let from_word = self.decode_flonum(word);
        self.fb.ins().jump(join, &[BlockArg::from(from_word)]);
        self.fb.switch_to_block(join);
        if let Some(id) = arg.value() {
            self.floats.insert(id, float);
        }
        float
    }

    /// Rotating left by three brings the sign and the two upper of the three top exponent bits to the bottom and the third of
    /// those to the top. In range the three are 011 or 100, so adding the third to the pair gives 10, the tag.
    pub(super) fn flt_box(&mut self, float: Arg) -> Value {
        let float = self.arg(float);
        let bits = self.word_of(float);
        let join = self.fb.create_block();
        let word = self.fb.append_block_param(join, types::I64);
        let immediate = self.fb.create_block();
        let other = self.cold_block();
        let call = self.cold_block();
        let unsigned = self.fb.ins().iadd(bits, bits);
        let start = self.word(RANGE_START + 1);
        let distance = self.fb.ins().isub(unsigned, start);
        let length = self.word(RANGE_LENGTH);
        let in_range = self.fb.ins().icmp(IntCC::UnsignedLessThan, distance, length);
        self.fb.ins().brif(in_range, immediate, &[], other, &[]);

        self.fb.switch_to_block(other);
        let zero = self.word(FLONUM_ZERO);
        self.fb.ins().brif(bits, call, &[], join, &[BlockArg::from(zero)]);
        self.fb.switch_to_block(call);
        let boxed = self.slow_box_float(bits);
        self.fb.ins().jump(join, &[BlockArg::from(boxed)]);

        self.fb.switch_to_block(immediate);
        let rotated = self.fb.ins().rotl_imm_u(bits, 3);
        let third = self.fb.ins().ushr_imm_u(rotated, 63);
        let tagged = self.fb.ins().iadd(rotated, third);
        self.fb.ins().jump(join, &[BlockArg::from(tagged)]);

        self.fb.switch_to_block(join);
        self.barriered.clear();
        word
    }

    /// The inverse of [`Lower::flt_box`] for immediate floats.
    fn decode_flonum(&mut self, word: Value) -> Value {
        let third = self.fb.ins().ushr_imm_u(word, 63);
        let rotated = self.fb.ins().isub(word, third);
        let bits = self.fb.ins().rotr_imm_u(rotated, 3);
        let zero_word = self.word(FLONUM_ZERO);
        let is_zero = self.fb.ins().icmp(IntCC::Equal, word, zero_word);
        let zero = self.word(0);
        let bits = self.fb.ins().select(is_zero, zero, bits);
        self.value_of(bits, ir::Ty::Flt)
    }

    fn load_float(&mut self, word: Value) -> Value {
        self.fb.ins().load(types::F64, self.memory.objects, word, self.config.float_bits_offset)
    }

    fn is_flonum(&mut self, word: Value) -> Value {
        let low = self.fb.ins().ireduce(types::I32, word);
        let tag = self.fb.ins().band_imm_u(low, FLONUM_MASK as i64);
        self.fb.ins().icmp_imm_u(IntCC::Equal, tag, FLONUM_TAG as i64)
    }

    fn is_object(&mut self, word: Value) -> Value {
        let low = self.fb.ins().band_imm_u(word, POINTER_MASK);
        let aligned = self.fb.ins().icmp_imm_u(IntCC::Equal, low, 0);
        let not_null = self.fb.ins().icmp_imm_u(IntCC::NotEqual, word, 0);
        self.fb.ins().band(aligned, not_null)
    }

    fn has_float_header(&mut self, object: Value) -> Value {
        let header = self.fb.ins().load(types::I32, self.memory.objects, object, HEADER_OFFSET);
        self.fb.ins().icmp_imm_u(IntCC::Equal, header, i64::from(self.config.float_header))
    }

    /// The shape id: the low half of the header without its low bit, which is set. The word itself is kept for guards.
    pub(super) fn shape(&mut self, id: ValueId, op: &Op) -> Value {
        let object = self.arg(op.args[0]);
        let header = self.fb.ins().load(types::I32, self.memory.objects, object, HEADER_OFFSET);
        self.headers.insert(id, header);
        let shape = self.fb.ins().ushr_imm_u(header, 1);
        self.fb.ins().uextend(types::I64, shape)
    }

    /// Writes the low half of the header; the collector's state in the other half stays.
    pub(super) fn set_shape(&mut self, op: &Op) {
        let object = self.arg(op.args[0]);
        let header = match op.args[1] {
            Arg::Int(shape) => self.fb.ins().iconst(types::I32, fresh_header(shape as u32) as i64),
            shape => {
                let shape = self.arg(shape);
                let shape = self.fb.ins().ireduce(types::I32, shape);
                let doubled = self.fb.ins().iadd(shape, shape);
                self.fb.ins().iadd_imm_u(doubled, 1)
            }
        };
        self.fb.ins().store(self.memory.objects, header, object, HEADER_OFFSET);
    }

    pub(super) fn cold_block(&mut self) -> cranelift_codegen::ir::Block {
        let block = self.fb.create_block();
        self.fb.set_cold_block(block);
        block
    }
}
