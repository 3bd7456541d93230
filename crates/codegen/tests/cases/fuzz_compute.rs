//! Random straight-line traces: compiled code must agree with [`ir::compute`], and leave at the guard that fails first.
//!
//! `CODEGEN_FUZZ=n` draws `n` traces instead of the default; `CODEGEN_SEED=s` starts elsewhere.

use crate::common::{
    Builder, Guest, HALF, IS_ODD, MIX, Random, SUM, SUM_BUFFERED, as_constant, half, mix, setting, sum,
};
use crate::fuzz_loops::CHECKED;
use codegen::{Left, tagging};
use ir::{Arg, Attr, OpCode, OperandTy, ROWS, TraceKind, Ty, compute};

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

    /// Calls of every shape.
    fn call(&mut self, random: &mut Random) {
        match random.below(5) {
            0 => {
                let (a, b, c) =
                    (self.operand(random, Ty::Int), self.operand(random, Ty::Flt), self.operand(random, Ty::Bool));
                let result = self.builder.with(OpCode::Call, Ty::Int, &[a.0, b.0, c.0], Attr::Callee(&MIX));
                self.known.push((result, Ty::Int, mix(std::ptr::null_mut(), a.1, b.1, c.1)));
            }
            1 => {
                let (arg, bits) = self.operand(random, Ty::Flt);
                let live: Vec<Arg> = self.some_values(random).iter().map(|value| value.0).collect();
                let result = self.builder.exit(OpCode::Call, &[arg], Attr::Callee(&HALF), &live);
                self.known.push((result, Ty::Flt, half(std::ptr::null_mut(), bits)));
            }
            2 => {
                let (a, b) = (self.operand(random, Ty::Int), self.operand(random, Ty::Int));
                let live: Vec<Arg> = self.some_values(random).iter().map(|value| value.0).collect();
                let result = self.builder.exit(OpCode::Call, &[a.0, b.0], Attr::Callee(&IS_ODD), &live);
                self.known.push((result, Ty::Bool, a.1 & 1));
            }
            kind => {
                let mut args = Vec::new();
                let mut words = Vec::new();
                let buffered = kind == 3;
                for _ in 0..1 + usize::from(buffered) + random.below(6) {
                    let (arg, bits) = self.operand(random, Ty::Int);
                    let narrow = self.builder.pure(OpCode::IntSext16, &[arg]);
                    args.push(self.builder.op(OpCode::IntBox, Ty::Ref, &[narrow]));
                    words.push(tagging::box_int(i64::from(bits as i16)));
                }
                // So that it is a small integer's word.
                let callee = if buffered { &SUM_BUFFERED } else { &SUM };
                let result = self.builder.with(OpCode::CallSlice, Ty::Ref, &args, Attr::Callee(callee));
                let rest = &words[1 + usize::from(buffered)..];
                let mut word = sum(std::ptr::null_mut(), words[0], rest.as_ptr(), rest.len() as u64);
                if buffered {
                    word ^= words[1] << 1;
                }
                let null = self.builder.pure(OpCode::IsNull, &[result]);
                let int = self.builder.pure(OpCode::IntUnbox, &[result]);
                self.known.push((null, Ty::Bool, u64::from(word == 0)));
                self.known.push((int, Ty::Int, ((word as i64) >> 1) as u64));
            }
        }
    }

    /// Arithmetic with a guard against overflow, in either order.
    fn checked(&mut self, random: &mut Random) {
        let (overflows, arithmetic) = CHECKED[random.below(3)];
        let (a, b) = (self.operand(random, Ty::Int), self.operand(random, Ty::Int));
        let (args, bits) = ([a.0, b.0], [a.1, b.1]);
        let does = compute(overflows, &bits).expect("a computing row");
        let result = compute(arithmetic, &bits).expect("a computing row");
        let mut live = self.some_values(random);
        live.extend([a, b].iter().filter(|arg| !arg.0.is_const()).map(|&(arg, bits)| (arg, Ty::Int, bits)));
        let first = (random.below(2) == 0).then(|| self.builder.pure(arithmetic, &args));
        live.extend(first.map(|value| (value, Ty::Int, result)));
        let test = self.builder.pure(overflows, &args);
        let live_args: Vec<Arg> = live.iter().map(|value| value.0).collect();
        self.builder.guard(if does == 0 { OpCode::GuardFalse } else { OpCode::GuardTrue }, &[test], &live_args);
        let value = first.unwrap_or_else(|| self.builder.pure(arithmetic, &args));
        self.known.push((value, Ty::Int, result));
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
    // Some without calls, some that are long.
    let calls = random.below(3);
    let most = [40, 40, 200][random.below(3)];
    let length = 5 + random.below(most);
    for _ in 0..length {
        match random.below(24) {
            0..5 => drawn.guard(random, may_fail),
            5..7 => drawn.box_value(random),
            8 => drawn.checked(random),
            7 if calls > 0 => drawn.call(random),
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
        guest.free(compiled);
    }
}
