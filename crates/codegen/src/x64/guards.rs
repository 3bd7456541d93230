//! Tests, and the guards that stand behind them: most make flags that the guard's jump reads.

use super::alloc::Operand;
use super::analysis::flag_offset;
use super::encode::{Alu, Cc, Label, Mem, Rm};
use super::lower::Lower;
use super::regs::{CTX, TMP};
use crate::backend::{Activation, ExitCells, TraceCell};
use ir::{Arg, ExitId, ObjectGuard, Op, OpCode, Ty};

/// What the flags say.
#[derive(Clone, Copy, Debug)]
pub(super) enum Test {
    Is(Cc),
    /// Both hold.
    Both(Cc, Cc),
    /// One holds at least.
    Either(Cc, Cc),
}

/// A guard right behind the test that only it reads.
struct Guarded {
    holds: bool,
    exit: ExitId,
}

impl Lower<'_> {
    /// Lowers operations that go well together; how many.
    pub(super) fn fused(&mut self, index: usize) -> Option<usize> {
        let trace = self.trace;
        let op = &trace.ops[index];
        let (code, arith) = match op.code {
            OpCode::IntAddOverflows => (OpCode::IntAdd, index + 2),
            OpCode::IntSubOverflows => (OpCode::IntSub, index + 2),
            OpCode::IntMulOverflows => (OpCode::IntMul, index + 2),
            OpCode::IntAdd | OpCode::IntSub | OpCode::IntMul => return self.arith_then_overflow(index),
            OpCode::Shape => return self.guarded_shape(index),
            OpCode::IsInt | OpCode::IsFlt
                if self.trace.object_guard(index).is_some_and(|guard| self.is_only_guarded(index, guard)) =>
            {
                return Some(self.guarded_object(index));
            }
            OpCode::IsFlt => {
                let guarded = self.guarded(index)?;
                return Some(self.guarded_is_flt(index, guarded.holds, guarded.exit));
            }
            _ => {
                let guarded = self.guarded(index)?;
                self.op = index;
                let test = self.test(op)?;
                self.at = index as u32 + 1;
                self.leave_unless(test, guarded.holds, guarded.exit);
                return Some(2);
            }
        };
        let guarded = self.guarded(index)?;
        let same = trace.ops.get(arith).is_some_and(|next| next.code == code && next.args == op.args);
        if !same || self.facts.uses[arith] == 0 {
            let test = self.test(op)?;
            self.at = index as u32 + 1;
            self.leave_unless(test, guarded.holds, guarded.exit);
            return Some(2);
        }
        // The exit stands between the test and the result: it must find the operands as they are.
        let live = &trace.exits[guarded.exit.0 as usize].live;
        let needed = |arg: &Arg| arg.value().is_some_and(|id| live.iter().any(|&(live, _)| live == id));
        self.at = if op.args.iter().any(needed) { index as u32 } else { arith as u32 };
        self.int_arith(arith, code, true);
        self.leave_unless(Test::Is(Cc::Overflow), guarded.holds, guarded.exit);
        Some(3)
    }

    /// A sum, difference or product whose overflow a guard tests.
    fn arith_then_overflow(&mut self, index: usize) -> Option<usize> {
        let trace = self.trace;
        let op = &trace.ops[index];
        let next = trace.ops.get(index + 1)?;
        let expected = match op.code {
            OpCode::IntAdd => OpCode::IntAddOverflows,
            OpCode::IntSub => OpCode::IntSubOverflows,
            _ => OpCode::IntMulOverflows,
        };
        if next.code != expected || next.args != op.args {
            return None;
        }
        let guarded = self.guarded(index + 1)?;
        self.at = index as u32 + 1;
        self.int_arith(index, op.code, true);
        self.leave_unless(Test::Is(Cc::Overflow), guarded.holds, guarded.exit);
        Some(3)
    }

    /// The comparison of a shape is one of the header's low half.
    fn guarded_shape(&mut self, index: usize) -> Option<usize> {
        let next = self.trace.ops.get(index + 1)?;
        let is_shape = next.code == OpCode::GuardValue && next.args[0].value().is_some_and(|id| id.0 == index as u32);
        let (true, 1, Arg::Int(shape @ 0..0x4000_0000)) = (is_shape, self.facts.uses[index], next.args[1]) else {
            return None;
        };
        let base = self.gpr(0);
        self.asm.alu32_imm(Alu::Cmp, Mem::Base { base, disp: 0 }, (shape as i32) << 1 | 1);
        self.at = index as u32 + 1;
        self.leave_unless(Test::Is(Cc::Equal), true, exit_of(next));
        Some(2)
    }

    /// Whether only the guards read the tests.
    fn is_only_guarded(&self, index: usize, guard: ObjectGuard) -> bool {
        (index..index + guard.count).step_by(2).all(|test| self.facts.uses[test] == 1)
    }

    /// Guards that a word is neither an integer nor a float but an object of a shape, which all leave in the same way.
    fn guarded_object(&mut self, index: usize) -> usize {
        let trace = self.trace;
        let ObjectGuard { count, shape, exit } = trace.object_guard(index).expect("asked before");
        let word = self.gpr(0);
        self.at = (index + count - 1) as u32;
        let way = self.exit(exit);
        self.asm.test8_imm(word, super::guest::POINTER_MASK);
        self.asm.jump_if(Cc::NotEqual, way);
        self.asm.alu32_imm(Alu::Cmp, Mem::Base { base: word, disp: 0 }, (shape as i32) << 1 | 1);
        self.asm.jump_if(Cc::NotEqual, way);
        self.leave_if_armed(exit, way);
        count
    }

    fn guarded(&self, index: usize) -> Option<Guarded> {
        let next = self.trace.ops.get(index + 1)?;
        let holds = match next.code {
            OpCode::GuardTrue => true,
            OpCode::GuardFalse => false,
            _ => return None,
        };
        let reads = next.args[0].value().is_some_and(|id| id.0 == index as u32);
        (reads && self.facts.uses[index] == 1).then(|| Guarded { holds, exit: exit_of(next) })
    }

    /// Sets the flags; `None` if the operation is no test.
    pub(super) fn test(&mut self, op: &Op) -> Option<Test> {
        Some(match op.code {
            OpCode::IntLt => self.compare(Cc::Less),
            OpCode::IntLe => self.compare(Cc::LessEqual),
            OpCode::IntEq | OpCode::RefEq => self.compare(Cc::Equal),
            OpCode::IntNe => self.compare(Cc::NotEqual),
            OpCode::IntGt => self.compare(Cc::Greater),
            OpCode::IntGe => self.compare(Cc::GreaterEqual),
            OpCode::IntUlt => self.compare(Cc::Below),
            OpCode::IntFits => self.fits_times(2),
            OpCode::IntFits62 => self.fits_times(4),
            OpCode::IntFits31 => {
                let a = self.gpr(0);
                self.asm.lea(TMP, Mem::Base { base: a, disp: 1 << 30 });
                self.asm.alu_imm(Alu::Cmp, TMP, i32::MAX);
                Test::Is(Cc::BelowEqual)
            }
            OpCode::IntAddOverflows | OpCode::IntSubOverflows | OpCode::IntMulOverflows => {
                let other = self.rm(1);
                self.copy_arg(op.args[0], TMP);
                match op.code {
                    OpCode::IntAddOverflows => self.asm.alu(Alu::Add, TMP, other),
                    OpCode::IntSubOverflows => self.asm.alu(Alu::Sub, TMP, other),
                    _ => self.asm.imul(TMP, other),
                }
                Test::Is(Cc::Overflow)
            }
            // Unordered operands set the carry and the zero flag: `Above` and `AboveEqual` are false for them.
            OpCode::FltGt => self.compare_floats(0, 1, Test::Is(Cc::Above)),
            OpCode::FltGe => self.compare_floats(0, 1, Test::Is(Cc::AboveEqual)),
            OpCode::FltLt => self.compare_floats(1, 0, Test::Is(Cc::Above)),
            OpCode::FltLe => self.compare_floats(1, 0, Test::Is(Cc::AboveEqual)),
            OpCode::FltEq => self.compare_floats(0, 1, Test::Both(Cc::Equal, Cc::NoParity)),
            OpCode::FltNe => self.compare_floats(0, 1, Test::Either(Cc::NotEqual, Cc::Parity)),
            OpCode::IsInt => {
                let word = self.rm(0);
                self.asm.test8_imm(word, 1);
                Test::Is(Cc::NotEqual)
            }
            OpCode::IsNull => {
                match self.rm(0) {
                    Rm::Reg(reg) => self.asm.test(reg, reg),
                    word => self.asm.alu_imm(Alu::Cmp, word, 0),
                }
                Test::Is(Cc::Equal)
            }
            OpCode::BoolNot => {
                self.truth();
                Test::Is(Cc::Equal)
            }
            OpCode::Call => {
                let disp = flag_offset(op, self.config)?;
                self.asm.alu32_imm(Alu::Cmp, Mem::Base { base: CTX, disp }, 0);
                Test::Is(Cc::NotEqual)
            }
            _ => return None,
        })
    }

    /// Whether the first operand times `factor` fits in 64 bits. The product is one instruction where a copy and a shift are two;
    /// nobody waits for it.
    fn fits_times(&mut self, factor: i32) -> Test {
        match self.rm_unless_constant(0) {
            Some(from) => self.asm.imul_imm(TMP, from, factor),
            None => {
                self.copy_arg(self.arg(0), TMP);
                self.asm.imul_imm(TMP, TMP, factor);
            }
        }
        Test::Is(Cc::NoOverflow)
    }

    /// Compares the first operand, a truth value, with zero.
    fn truth(&mut self) {
        match self.rm(0) {
            Rm::Reg(reg) => self.asm.test32(reg, reg),
            word => self.asm.alu32_imm(Alu::Cmp, word, 0),
        }
    }

    /// Compares two words.
    fn compare(&mut self, cc: Cc) -> Test {
        let (first, second, cc) = match (self.arg(0).is_const(), self.arg(1).is_const()) {
            (true, false) => (1, 0, swapped(cc)),
            _ => (0, 1, cc),
        };
        let second = self.operand(second);
        let first = match (self.rm_unless_constant(first), second) {
            (Some(Rm::Mem(_)) | None, Operand::Rm(_)) => self.gpr(first).into(),
            (Some(rm), _) => rm,
            (None, _) => self.gpr(first).into(),
        };
        match (first, second) {
            (Rm::Reg(first), Operand::Imm(0)) => self.asm.test(first, first),
            (first, Operand::Imm(word)) => self.asm.alu_imm(Alu::Cmp, first, word),
            (Rm::Reg(first), Operand::Rm(second)) => self.asm.alu(Alu::Cmp, first, second),
            (Rm::Mem(_), Operand::Rm(_)) => unreachable!("the first operand is in a register"),
        }
        Test::Is(cc)
    }

    fn rm_unless_constant(&mut self, position: usize) -> Option<Rm> {
        match Self::constant_word(self.arg(position)) {
            Some(_) => None,
            None => Some(self.rm(position)),
        }
    }

    fn compare_floats(&mut self, first: usize, second: usize, test: Test) -> Test {
        let first = self.xmm(first);
        let second = self.rm(second);
        self.asm.ucomisd(first, second);
        test
    }

    /// The flags as a truth value.
    pub(super) fn test_to_value(&mut self, index: usize, test: Test) {
        let to = self.define(index);
        match test {
            Test::Is(cc) => self.asm.set(cc, to),
            Test::Both(a, b) | Test::Either(a, b) => {
                let op = if matches!(test, Test::Both(..)) { Alu::And } else { Alu::Or };
                self.asm.set(a, to);
                self.asm.set(b, TMP);
                self.asm.alu32(op, to, TMP);
            }
        }
        self.asm.movzx8(to, to);
    }

    pub(super) fn guard(&mut self, op: &Op, holds: bool) {
        if let Arg::Bool(known) = op.args[0] {
            let exit = exit_of(op);
            if known != holds {
                let way = self.exit(exit);
                self.asm.jump(way);
            } else if self.input.exits.arm_address(exit).is_some() {
                let way = self.exit(exit);
                self.leave_if_armed(exit, way);
            }
            return;
        }
        self.truth();
        self.leave_unless(Test::Is(Cc::NotEqual), holds, exit_of(op));
    }

    pub(super) fn guard_value(&mut self, op: &Op) {
        // Floats compare by their bits: a known value is known to the sign of zero.
        if self.trace.ty(op.args[0]) == Ty::Flt {
            let word = Self::constant_word(op.args[1]).expect("a constant");
            self.copy_arg(op.args[0], TMP);
            let literal = self.asm.literal(word);
            self.asm.alu(Alu::Cmp, TMP, literal);
        } else {
            self.compare(Cc::Equal);
        }
        self.leave_unless(Test::Is(Cc::Equal), true, exit_of(op));
    }

    /// Leaves if the trace's flag is set, or the activation's, where the trace has calls that can set it.
    pub(super) fn still_valid(&mut self, op: &Op) {
        let exit = exit_of(op);
        let way = self.exit(exit);
        let cell = &raw const *self.input.cell as usize + std::mem::offset_of!(TraceCell, fallen);
        self.asm.mov_imm(TMP, cell as u64);
        self.asm.cmp8_imm(Mem::Base { base: TMP, disp: 0 }, 0);
        self.asm.jump_if(Cc::NotEqual, way);
        if self.facts.activation_words.is_some() {
            let disp = self.frame.activation + std::mem::offset_of!(Activation, inspected) as i32;
            self.asm.alu_imm(Alu::Cmp, Mem::Base { base: super::regs::RSP, disp }, 0);
            self.asm.jump_if(Cc::NotEqual, way);
        }
        self.leave_if_armed(exit, way);
    }

    pub(super) fn leave(&mut self, op: &Op) {
        let exit = self.exit(exit_of(op));
        self.asm.jump(exit);
    }

    /// Leaves unless the truth of the test is `holds`.
    pub(super) fn leave_unless(&mut self, test: Test, holds: bool, exit: ExitId) {
        let way = self.exit(exit);
        self.jump_unless(test, holds, way);
        self.leave_if_armed(exit, way);
    }

    /// Behind a guard's jump, where everything lies as the exit expects it: leaves once if the exit is armed.
    pub(super) fn leave_if_armed(&mut self, exit: ExitId, way: Label) {
        let Some(arm) = self.input.exits.arm_address(exit) else { return };
        let arm_word = Mem::Base { base: TMP, disp: 0 };
        self.asm.mov_imm(TMP, arm as u64);
        self.asm.alu_imm(Alu::Cmp, arm_word, ExitCells::ARMED);
        let stay = self.asm.skip_if(Cc::NotEqual);
        self.asm.store_imm(arm_word, ExitCells::FIRED);
        self.asm.jump(way);
        self.asm.land(stay);
    }

    fn jump_unless(&mut self, test: Test, holds: bool, to: Label) {
        match (test, holds) {
            (Test::Is(cc), true) => self.asm.jump_if(cc.negated(), to),
            (Test::Is(cc), false) => self.asm.jump_if(cc, to),
            (Test::Both(a, b), true) => {
                self.asm.jump_if(a.negated(), to);
                self.asm.jump_if(b.negated(), to);
            }
            (Test::Either(a, b), false) => {
                self.asm.jump_if(a, to);
                self.asm.jump_if(b, to);
            }
            (Test::Both(a, b), false) => {
                let stay = self.asm.skip_if(b.negated());
                self.asm.jump_if(a, to);
                self.asm.land(stay);
            }
            (Test::Either(a, b), true) => {
                let stay = self.asm.skip_if(b);
                self.asm.jump_if(a.negated(), to);
                self.asm.land(stay);
            }
        }
    }
}

fn swapped(cc: Cc) -> Cc {
    match cc {
        Cc::Less => Cc::Greater,
        Cc::LessEqual => Cc::GreaterEqual,
        Cc::Greater => Cc::Less,
        Cc::GreaterEqual => Cc::LessEqual,
        Cc::Below => Cc::Above,
        cc => cc,
    }
}

/// The exit of a guard.
pub(super) fn exit_of(op: &Op) -> ExitId {
    op.exit.unwrap_or_else(|| panic!("{} without an exit: the trace is not optimised", op.code.row().text))
}
