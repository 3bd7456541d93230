//! Random loops: compiled code must leave like the reference evaluator, entered at the start and at the label.
//!
//! `CODEGEN_FUZZ=n` draws `n` traces instead of the default; `CODEGEN_SEED=s` starts elsewhere.

use crate::common::{Builder, Compiled, Guest, HALF, IS_ODD, MIX, Random, as_constant, setting};
use codegen::{BODY, Left, START};
use ir::eval::{self, Ending, Entry, Value, World};
use ir::{Arg, Attr, ConstRef, ExitId, OpCode, OperandTy, ROWS, Trace, TraceKind, Ty, ValueId, compute};

const TYPES: [Ty; 3] = [Ty::Int, Ty::Flt, Ty::Bool];

/// Tests for overflow, and what overflows.
pub const CHECKED: [(OpCode, OpCode); 3] = [
    (OpCode::IntAddOverflows, OpCode::IntAdd),
    (OpCode::IntSubOverflows, OpCode::IntSub),
    (OpCode::IntMulOverflows, OpCode::IntMul),
];

/// Draws operations on the values in scope.
pub struct Draw {
    pub builder: Builder,
    pub scope: Vec<(Arg, Ty)>,
    /// Calls are among them; the evaluator does not know what they give.
    pub calls: bool,
}

impl Draw {
    pub fn operand(&self, random: &mut Random, ty: Ty) -> Arg {
        let choices: Vec<Arg> = self.scope.iter().filter(|value| value.1 == ty).map(|value| value.0).collect();
        if choices.is_empty() || random.below(5) == 0 {
            return random.constant(ty).0;
        }
        choices[random.below(choices.len())]
    }

    pub fn operation(&mut self, random: &mut Random) {
        match random.below(18) {
            0 => {
                let arg = self.operand(random, Ty::Flt);
                let b = &mut self.builder;
                let word = b.op(OpCode::FltBox, Ty::Ref, &[arg]);
                let float = b.pure(OpCode::FltUnbox, &[word]);
                self.scope.push((float, Ty::Flt));
            }
            1 => {
                let arg = self.operand(random, Ty::Int);
                let b = &mut self.builder;
                let narrow = b.pure(OpCode::IntSext32, &[arg]);
                let word = b.op(OpCode::IntBox, Ty::Ref, &[narrow]);
                let int = b.pure(OpCode::IntUnbox, &[word]);
                self.scope.push((int, Ty::Int));
            }
            2 => {
                let live = self.live(random);
                let condition = self.operand(random, Ty::Bool);
                // A constant condition is allowed, but ends the loop too often.
                if !condition.is_const() {
                    let code = [OpCode::GuardTrue, OpCode::GuardFalse][random.below(2)];
                    self.builder.guard(code, &[condition], &live);
                }
            }
            3 if random.below(4) == 0 => {
                let live = self.live(random);
                let ty = TYPES[random.below(3)];
                let (value, expected) = (self.operand(random, ty), random.bits(ty));
                if ty != Ty::Flt || !f64::from_bits(expected).is_nan() {
                    self.builder.guard(OpCode::GuardValue, &[value, as_constant(ty, expected)], &live);
                }
            }
            4 => {
                let live = self.live(random);
                self.builder.guard(OpCode::StillValid, &[], &live);
            }
            6 | 7 => self.checked(random),
            // Nor does it know what the constants are.
            8 | 9 if self.calls => {
                let constants = [(); 2].map(|()| Arg::Ref(ConstRef(random.below(16) as u32)));
                let value = self.builder.pure(OpCode::RefEq, &constants);
                self.scope.push((value, Ty::Bool));
            }
            5 if self.calls => {
                let live = self.live(random);
                let arguments = [Ty::Int, Ty::Flt, Ty::Bool].map(|ty| self.operand(random, ty));
                let (value, ty) = match random.below(3) {
                    0 => (self.builder.with(OpCode::Call, Ty::Int, &arguments, Attr::Callee(&MIX)), Ty::Int),
                    1 => (self.builder.exit(OpCode::Call, &arguments[1..2], Attr::Callee(&HALF), &live), Ty::Flt),
                    _ => {
                        let two = [arguments[0], arguments[0]];
                        (self.builder.exit(OpCode::Call, &two, Attr::Callee(&IS_ODD), &live), Ty::Bool)
                    }
                };
                self.scope.push((value, ty));
            }
            _ => {
                // The sign and payload of a NaN are not defined, so a trace may not look at them.
                let computes = |code| compute(code, &[0; 3]).is_some() && code != OpCode::FltBits;
                let rows: Vec<_> = ROWS.iter().filter(|row| computes(row.code)).collect();
                let row = rows[random.below(rows.len())];
                let is = |ty: &OperandTy| match *ty {
                    OperandTy::Is(ty) => ty,
                    OperandTy::Any => unreachable!("computing rows are typed"),
                };
                let args: Vec<Arg> = row.operands.iter().map(|ty| self.operand(random, is(ty))).collect();
                let value = self.builder.pure(row.code, &args);
                self.scope.push((value, is(&row.result)));
            }
        }
    }

    /// Arithmetic with a guard against overflow, in either order: code of both is one instruction. The exit may want the operands,
    /// and the result if it is there.
    fn checked(&mut self, random: &mut Random) {
        let (overflows, arithmetic) = CHECKED[random.below(3)];
        let mut args = [self.operand(random, Ty::Int), self.operand(random, Ty::Int)];
        if random.below(4) > 0 {
            args = args.map(|arg| self.builder.pure(OpCode::IntSext16, &[arg]));
        }
        let first = (random.below(2) == 0).then(|| self.builder.pure(arithmetic, &args));
        let test = self.builder.pure(overflows, &args);
        let mut live = self.live(random);
        live.extend(args.into_iter().chain(first).filter(|arg| !arg.is_const() && random.below(2) == 0));
        self.builder.guard(OpCode::GuardFalse, &[test], &live);
        let value = first.unwrap_or_else(|| self.builder.pure(arithmetic, &args));
        self.scope.push((value, Ty::Int));
    }

    pub fn live(&self, random: &mut Random) -> Vec<Arg> {
        (0..random.below(8)).map(|_| self.scope[random.below(self.scope.len())].0).collect()
    }
}

/// A loop of at most 20 rounds whose first carried value counts them, and the types of inputs and of carried values.
pub fn draw(random: &mut Random, calls: bool) -> (Trace, Vec<Ty>, Vec<Ty>) {
    let mut draw = Draw { builder: Builder::new(TraceKind::Loop), scope: Vec::new(), calls };
    // Some have more values than the processor has registers.
    let (more_inputs, more_phis, more_operations) = [(6, 8, 30), (6, 8, 30), (20, 30, 80)][random.below(3)];
    let mut inputs = vec![Ty::Int];
    inputs.extend((0..random.below(more_inputs)).map(|_| TYPES[random.below(3)]));
    for &ty in &inputs {
        let input = draw.builder.input(ty);
        draw.scope.push((input, ty));
    }
    let mut carried = inputs.clone();
    let counter;
    if random.below(3) == 0 {
        // Without a label: the inputs go round.
        counter = draw.scope[0].0;
    } else {
        for _ in 0..random.below(10) {
            draw.operation(random);
        }
        carried = vec![Ty::Int];
        let mut initial = vec![draw.scope[0].0];
        for _ in 0..random.below(more_phis) {
            let ty = TYPES[random.below(3)];
            carried.push(ty);
            initial.push(draw.operand(random, ty));
        }
        let phis = draw.builder.label(&initial);
        counter = phis[0];
        draw.scope = phis.into_iter().zip(carried.iter().copied()).collect();
    }
    let loop_values = draw.scope[..carried.len()].to_vec();
    let limit = random.below(20) as i64;
    let more = draw.builder.pure(OpCode::IntLt, &[counter, Arg::Int(limit)]);
    let live = draw.live(random);
    draw.builder.guard(OpCode::GuardTrue, &[more], &live);
    for _ in 0..random.below(more_operations) {
        draw.operation(random);
    }
    let mut next = vec![draw.builder.pure(OpCode::IntAdd, &[counter, Arg::Int(1)])];
    for &(value, ty) in &loop_values[1..] {
        next.push(if random.below(3) == 0 { value } else { draw.operand(random, ty) });
    }
    draw.builder.op(OpCode::JumpLabel, Ty::Void, &next);
    (draw.builder.trace, inputs, carried)
}

/// Turns guards round, but for the one that ends the loop, that fail before the loop has gone round a few times from these values: left as they are drawn, hardly a loop
/// would come to its back edge.
fn settle(trace: &mut Trace, words: &[u64]) {
    let label = trace.ops.iter().position(|op| op.code == OpCode::Label);
    let counter = ValueId(label.map_or(0, |label| label as u32 + 1));
    let values: Vec<Value> = trace.ops.iter().zip(words).map(|(op, &bits)| value(op.ty, bits)).collect();
    for _ in 0..60 {
        const FUEL: u32 = 25;
        let mut fuel = FUEL;
        let ending = eval::run(&mut World::new(1), trace, Entry::Start, &values, &mut fuel);
        let Ok(Ending::Left(left)) = ending else { return };
        let tested = trace.ops[left.at].args.first().and_then(|arg| arg.value());
        let counts = tested.is_some_and(|id| {
            let test = &trace.ops[id.0 as usize];
            test.code == OpCode::IntLt && test.args[0] == Arg::Value(counter) && test.args[1].is_const()
        });
        let op = &mut trace.ops[left.at];
        op.code = match op.code {
            _ if counts || FUEL - fuel > 5 => return,
            OpCode::GuardTrue => OpCode::GuardFalse,
            OpCode::GuardFalse => OpCode::GuardTrue,
            _ => return,
        };
    }
}

fn value(ty: Ty, bits: u64) -> Value {
    const ONE_NAN: u64 = 0x7ff8_0000_0000_0000;
    match ty {
        Ty::Int => Value::Int(bits as i64),
        Ty::Flt if f64::from_bits(bits).is_nan() => Value::Flt(ONE_NAN),
        Ty::Flt => Value::Flt(bits),
        _ => Value::Bool(bits & 0xff != 0),
    }
}

/// A drawn trace and its code.
struct Runs<'r> {
    guest: &'r mut Guest,
    trace: &'r Trace,
    compiled: &'r Compiled,
    index: u64,
    rounds: &'r mut u32,
}

impl Runs<'_> {
    /// Code and evaluator must leave alike, perhaps with an armed exit. Whether that fired.
    fn compare(&mut self, entry: Entry, tys: &[Ty], words: &[u64], armed: Option<ExitId>) -> bool {
        let Runs { guest, trace, compiled, index, rounds } = self;
        let values: Vec<Value> = tys.iter().zip(words).map(|(&ty, &bits)| value(ty, bits)).collect();
        let (mut fuel, mut world) = (100, World::new(1));
        let ending = match armed {
            None => eval::run(&mut world, trace, entry, &values, &mut fuel),
            Some(armed) => eval::run_armed(&mut world, trace, entry, &values, &mut fuel, armed),
        };
        **rounds += 100 - fuel;
        let Ok(Ending::Left(left)) = ending else { panic!("seed {index}: {ending:?}") };
        let (exit, live) = left.exit.expect("the trace is optimised");
        if let Some(armed) = armed {
            compiled.exits.arm(armed);
        }
        let selector = if entry == Entry::Start { START } else { BODY };
        let found = guest.run_at(compiled, selector, words);
        let text = || format!("seed {index} {entry:?} {words:x?}, armed {armed:?}\n{}", ir::text::print(trace));
        assert_eq!(found, Left::Exit(compiled.first_exit + exit.0), "{}", text());
        let types = trace.exits[exit.0 as usize].live.iter().map(|live| live.1);
        for (at, (ty, expected)) in types.zip(live).enumerate() {
            assert_eq!(value(ty, guest.buf[at]), expected, "value {at} of exit {}, {}", exit.0, text());
        }
        let fired = armed.is_some_and(|armed| compiled.exits.take_fired(armed));
        assert!(!fired || Some(exit) == armed, "{}", text());
        compiled.exits.disarm_all();
        fired
    }
}

#[test]
fn compiled_loops_leave_like_evaluated_ones() {
    let mut rounds = 0;
    run_loops(&mut rounds, 1500, false);
    assert!(rounds > 6000, "the loops hardly go round: {rounds}");
}

/// Each exit of a trace is armed, one at a time: code leaves there, with the values that the evaluator has there.
#[test]
fn compiled_loops_leave_where_armed() {
    let (mut rounds, cases) = (0, 400);
    let fired = run_loops(&mut rounds, cases, true);
    assert!(fired > cases, "armed exits are hardly taken: {fired}");
}

/// How many armed exits fired.
fn run_loops(rounds: &mut u32, cases: u64, arms: bool) -> u64 {
    let seed = setting("CODEGEN_SEED", 1);
    let mut guest = Guest::new();
    guest.arms = arms;
    let mut fired = 0;
    for index in seed..seed + setting("CODEGEN_FUZZ", cases) {
        let mut random = Random::new(index);
        let (mut trace, inputs, carried) = draw(&mut random, false);
        let mut starts: Vec<u64> = inputs.iter().map(|&ty| random.bits(ty)).collect();
        starts[0] = 0;
        if random.below(4) > 0 {
            settle(&mut trace, &starts);
        }
        let has_label = trace.ops.iter().any(|op| op.code == OpCode::Label);
        let compiled = guest.compile(index as u32, trace.clone(), &[]);
        let mut runs = Runs { guest: &mut guest, trace: &trace, compiled: &compiled, index, rounds };
        for (entry, tys) in [(Entry::Start, &inputs), (Entry::Body, &carried)] {
            let mut words = starts.clone();
            if entry == Entry::Body {
                if !has_label {
                    continue;
                }
                words = tys.iter().map(|&ty| random.bits(ty)).collect();
                words[0] = 0;
            }
            runs.compare(entry, tys, &words, None);
            let armed = if arms { trace.exits.len() as u32 } else { 0 };
            fired += (0..armed).filter(|&exit| runs.compare(entry, tys, &words, Some(ExitId(exit)))).count() as u64;
        }
        guest.free(compiled);
    }
    fired
}
