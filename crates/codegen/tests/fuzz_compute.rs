//! Random straight-line traces: compiled code must agree with [`ir::compute`], and leave at the guard that fails first.
//!
//! `CODEGEN_FUZZ=n` draws `n` traces instead of the default; `CODEGEN_SEED=s` starts elsewhere.

mod common;

use codegen::{Left, tagging};
use common::{Builder, Guest, Random, as_constant, setting};
use ir::{Arg, OpCode, OperandTy, ROWS, TraceKind, Ty, compute};

/// A trace under construction with the value of every operand.
struct Drawn {
    builder: Builder,
    inputs: Vec<u64>,
    /// Values of each type: operand and bits.
    known: Vec<(Arg, Ty, u64)>,
    /// Where the trace leaves, once a guard has failed: exit and values.
    left: Option<(u32, Vec<(Ty, u64)>)>,
}

impl Drawn {
    fn operand(&mut self, random: &mut Random, ty: Ty) -> (Arg, u64) {
        if random.below(5) == 0 {
            return random.constant(ty);
        }
        let choices: Vec<usize> = (0..self.known.len()).filter(|&i| self.known[i].1 == ty).collect();
        let recent = &choices[choices.len().saturating_sub(6)..];
        let pool = if random.below(2) == 0 { recent } else { &choices[..] };
        let (arg, _, bits) = self.known[pool[random.below(pool.len())]];
        (arg, bits)
    }

    fn compute(&mut self, random: &mut Random) {
        let rows: Vec<_> = ROWS.iter().filter(|row| compute(row.code, &[0; 3]).is_some()).collect();
        let row = rows[random.below(rows.len())];
        let mut args = Vec::new();
        let mut bits = Vec::new();
        for operand in row.operands {
            let OperandTy::Is(ty) = *operand else { unreachable!("computing rows are typed") };
            let (arg, value) = self.operand(random, ty);
            args.push(arg);
            bits.push(value);
        }
        // The sign and payload of a NaN are not defined, so a trace may not look at them.
        if row.code == OpCode::FltBits && f64::from_bits(bits[0]).is_nan() {
            return;
        }
        let OperandTy::Is(ty) = row.result else { unreachable!("computing rows are typed") };
        let result = compute(row.code, &bits).expect("a computing row");
        let value = self.builder.op(row.code, ty, &args);
        self.known.push((value, ty, result));
    }

    /// Boxing and unboxing gives the value back, and the tests of the box say what it is.
    fn box_value(&mut self, random: &mut Random) {
        let b = &mut self.builder;
        match random.below(3) {
            0 => {
                let (arg, bits) = self.operand(random, Ty::Int);
                let b = &mut self.builder;
                let narrow = b.pure(OpCode::IntSext32, &[arg]);
                let word = b.op(OpCode::IntBox, Ty::Ref, &[narrow]);
                let int = b.pure(OpCode::IntUnbox, &[word]);
                let is_int = b.pure(OpCode::IsInt, &[word]);
                let is_flt = b.pure(OpCode::IsFlt, &[word]);
                let is_null = b.pure(OpCode::IsNull, &[word]);
                self.known.push((int, Ty::Int, bits as i32 as i64 as u64));
                self.known.extend([(is_int, Ty::Bool, 1), (is_flt, Ty::Bool, 0), (is_null, Ty::Bool, 0)]);
            }
            1 => {
                let (arg, bits) = self.operand(random, Ty::Flt);
                let b = &mut self.builder;
                let word = b.op(OpCode::FltBox, Ty::Ref, &[arg]);
                if random.below(2) == 0 {
                    let is_flt = b.pure(OpCode::IsFlt, &[word]);
                    let is_int = b.pure(OpCode::IsInt, &[word]);
                    self.known.extend([(is_flt, Ty::Bool, 1), (is_int, Ty::Bool, 0)]);
                } else {
                    let is_flt = b.pure(OpCode::IsFlt, &[word]);
                    b.guard(OpCode::GuardTrue, &[is_flt], &[]);
                }
                let float = b.pure(OpCode::FltUnbox, &[word]);
                self.known.push((float, Ty::Flt, bits));
            }
            _ => {
                let word = match random.below(3) {
                    0 => Arg::NULL,
                    1 => Arg::Imm(tagging::box_int(random.below(9) as i64)),
                    _ => Arg::Imm(tagging::box_flonum(0).expect("zero is immediate")),
                };
                let is_flt = b.pure(OpCode::IsFlt, &[word]);
                let is_null = b.pure(OpCode::IsNull, &[word]);
                let Arg::Imm(bits) = word else { unreachable!() };
                self.known.push((is_flt, Ty::Bool, u64::from(bits & 3 == 2)));
                self.known.push((is_null, Ty::Bool, u64::from(bits == 0)));
            }
        }
    }

    fn some_values(&self, random: &mut Random) -> Vec<(Arg, Ty, u64)> {
        (0..random.below(12)).map(|_| self.known[random.below(self.known.len())]).filter(|v| !v.0.is_const()).collect()
    }

    fn guard(&mut self, random: &mut Random, may_fail: bool) {
        let live = self.some_values(random);
        let live_args: Vec<Arg> = live.iter().map(|value| value.0).collect();
        let fails = if random.below(3) == 0 {
            let (arg, ty, bits) = self.known[random.below(self.known.len())];
            if ty == Ty::Flt && f64::from_bits(bits).is_nan() {
                return;
            }
            let fails = may_fail && random.below(12) == 0;
            let expected = if fails { bits ^ 1 } else { bits };
            let expected = as_constant(ty, expected);
            self.builder.guard(OpCode::GuardValue, &[arg, expected], &live_args);
            fails
        } else {
            let (condition, bits) = self.operand(random, Ty::Bool);
            let fails = may_fail && random.below(12) == 0;
            let code = if (bits != 0) != fails { OpCode::GuardTrue } else { OpCode::GuardFalse };
            self.builder.guard(code, &[condition], &live_args);
            fails
        };
        if fails && self.left.is_none() {
            let exit = self.builder.trace.exits.len() as u32 - 1;
            self.left = Some((exit, live.iter().map(|value| (value.1, value.2)).collect()));
        }
    }
}

fn draw(random: &mut Random) -> Drawn {
    let mut drawn = Drawn { builder: Builder::new(TraceKind::Loop), inputs: Vec::new(), known: Vec::new(), left: None };
    for _ in 0..3 {
        for ty in [Ty::Int, Ty::Flt, Ty::Bool] {
            let bits = random.bits(ty);
            let arg = drawn.builder.input(ty);
            drawn.inputs.push(bits);
            drawn.known.push((arg, ty, bits));
        }
    }
    let may_fail = random.below(2) == 0;
    for _ in 0..5 + random.below(40) {
        match random.below(10) {
            0 | 1 => drawn.guard(random, may_fail),
            2 => drawn.box_value(random),
            _ => drawn.compute(random),
        }
    }
    let live: Vec<_> = drawn.known.iter().copied().filter(|value| !value.0.is_const()).collect();
    let live_args: Vec<Arg> = live.iter().map(|value| value.0).collect();
    drawn.builder.guard(OpCode::Leave, &[], &live_args);
    if drawn.left.is_none() {
        let exit = drawn.builder.trace.exits.len() as u32 - 1;
        drawn.left = Some((exit, live.iter().map(|value| (value.1, value.2)).collect()));
    }
    drawn
}

fn same(ty: Ty, expected: u64, found: u64) -> bool {
    expected == found || ty == Ty::Flt && f64::from_bits(expected).is_nan() && f64::from_bits(found).is_nan()
}

#[test]
fn compiled_code_computes_what_the_table_says() {
    let traces = setting("CODEGEN_FUZZ", 1500);
    let seed = setting("CODEGEN_SEED", 1);
    let mut guest = Guest::new();
    for index in seed..seed + traces {
        let mut random = Random::new(index);
        let drawn = draw(&mut random);
        let text = ir::text::print(&drawn.builder.trace);
        let compiled = guest.compile(index as u32, drawn.builder.trace, &[]);
        let left = guest.run(&compiled, &drawn.inputs);
        let (exit, values) = drawn.left.expect("every trace leaves");
        assert_eq!(left, Left::Exit(compiled.first_exit + exit), "seed {index}: {text}");
        for (position, &(ty, expected)) in values.iter().enumerate() {
            let found = guest.buf[position];
            assert!(
                same(ty, expected, found),
                "seed {index}, exit {exit}, value {position}: {expected:#x} expected, {found:#x} found\n{text}"
            );
        }
    }
}
