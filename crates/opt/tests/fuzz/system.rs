//! A loop and its bridges.
//!
//! The program is a straight line that runs again and again; a store stands beside each guard, for when it does not
//! hold, and then a slot of the next round gets another value. The reference runs it as it is. The system runs the optimised loop; where a guard fails, a bridge is recorded: what is
//! left of the line, with the guards as they hold now, and a jump to the loop. Bridges hang on exits of bridges.

use crate::generate::{Drawn, FIELDS, Rng, Style, constant_of, draw};
use ir::eval::{self, Ending, Entry, ExitId, FALSE_CONSTANT, Fault, Left, TRUE_CONSTANT, Value, World};
use ir::{
    Arg, Attr, ConstRef, Effect, Exit, ExitArg, FrameState, Op, OpCode, Resume, Snapshot, SnapshotId, Strength, Trace,
    TraceId, TraceKind, Ty, ValueId,
};
use opt::{Label, Optimized, Origin, Passes, Request};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ROUNDS: u32 = 12;
const MOST_BRIDGES: usize = 30;

pub fn check(seed: u64) {
    let mut rng = Rng(seed ^ 0x5eed);
    let style = Style { ops: 6 + rng.below(30), full_snapshots: true, is_loop: true };
    let world_seed = rng.next();
    let Drawn { trace, inputs } = draw(&mut rng, world_seed, style);
    let fuel = 1 + rng.below(ROUNDS as usize) as u32;
    let mut world = World::new(world_seed);
    // One round more must go well, too: a bridge that enters the body loads what the next round begins with.
    let one_more = reference(&mut World::new(world_seed), &trace, &inputs, fuel + 1);
    if one_more.is_err() || reference(&mut world, &trace, &inputs, fuel).is_err() {
        return;
    }
    let expected = (world.digest(&[]), world.events);
    let mut request = Request::default();
    if rng.one_in(2) {
        request.true_ref = Some(ConstRef(TRUE_CONSTANT));
        request.false_ref = Some(ConstRef(FALSE_CONSTANT));
    }
    request.distinct_refs = rng.one_in(2);
    if rng.one_in(4) {
        request.without = Passes(rng.next() as u32 & Passes::ALL.0);
    }
    let Ok(main) = opt::optimize(trace.clone(), &request) else { return };
    if let Err(error) = ir::verify(&main.trace) {
        panic!("seed {seed}: {error}\n{trace}\n{}", main.trace);
    }
    let mut system = System {
        world: World::new(world_seed),
        line: &trace,
        peeled: main.peeled,
        label: main.label.clone().unwrap_or_default(),
        traces: vec![main],
        detours: vec![Vec::new()],
        bridges: HashMap::new(),
        careful: HashSet::new(),
        request,
        fuel,
    };
    let outcome = system.run(&inputs);
    let dump = || system.traces.iter().map(|made| made.trace.to_string()).collect::<Vec<_>>().join("\n");
    match outcome {
        Ok(false) => {}
        Ok(true) => {
            count_kinds(&system.traces);
            let got = (system.world.clone().digest(&[]), system.world.events.clone());
            assert!(got == expected, "seed {seed}, fuel {fuel}: {got:?} instead of {expected:?}\n{trace}\n{}", dump());
        }
        Err(error) => panic!("seed {seed}, fuel {fuel}: {error}\n{trace}\n{}", dump()),
    }
}

/// How many bridges go to the body and how many to the start, over all seeds; for judging what the fuzzer reaches.
pub static JUMPS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

fn count_kinds(traces: &[Optimized]) {
    let kind = |made: &Optimized| match made.trace.ops.last().map(|op| op.code) {
        Some(OpCode::JumpBody) => 0,
        Some(OpCode::JumpLoop) => 1,
        _ if made.peeled => 2,
        _ => 3,
    };
    traces.iter().for_each(|made| {
        JUMPS[kind(made)].fetch_add(1, Ordering::Relaxed);
    });
}

/// What the program does where a guard does not hold: a store, another one for each guard.
fn detour(index: usize) -> (OpCode, [Arg; 2], Attr) {
    let object = Arg::Ref(ConstRef(index as u32 / 3 % 3));
    let (field, value) = match index % 3 {
        0 => (FIELDS[1], Arg::Int(index as i64)),
        1 => (FIELDS[0], Arg::Ref(ConstRef(index as u32 % 5))),
        _ => (FIELDS[2], Arg::Flt((index as f64).to_bits())),
    };
    (OpCode::SetField, [object, value], Attr::Field(field))
}

/// What else it does: a slot of the next round gets what another slot of that type had in this round.
fn swapped(line: &Trace, index: usize) -> Option<(usize, usize)> {
    let inputs = line.input_count();
    let slot = index % inputs;
    let other = (0..inputs).find(|&other| other != slot && line.ops[other].ty == line.ops[slot].ty)?;
    Some((slot, other))
}

/// Whether a guard of the line holds.
fn holds(code: OpCode, values: &[Value]) -> bool {
    match code {
        OpCode::GuardTrue => values[0] == Value::Bool(true),
        OpCode::GuardFalse => values[0] == Value::Bool(false),
        OpCode::GuardValue => values[0] == values[1],
        _ => true,
    }
}

/// Runs the program: the line, round and round, with the detours.
fn reference(world: &mut World, line: &Trace, inputs: &[Value], fuel: u32) -> Result<(), Fault> {
    let mut given = inputs.to_vec();
    for _ in 0..=fuel {
        let mut values = given;
        let mut swaps = Vec::new();
        for (index, op) in line.ops.iter().enumerate().skip(values.len()) {
            let value = |arg: Arg| match arg {
                Arg::Value(id) => values[id.0 as usize],
                constant => eval::constant_value(world, constant),
            };
            let args: Vec<Value> = op.args.iter().map(|&arg| value(arg)).collect();
            if op.code == OpCode::JumpLabel {
                let mut next = args;
                swaps.iter().flatten().for_each(|&(slot, other): &(usize, usize)| next[slot] = values[other]);
                values = next;
                break;
            }
            if !holds(op.code, &args) {
                let (code, args, attr) = detour(index);
                let args = args.map(|arg| eval::constant_value(world, arg));
                eval::step(world, code, Ty::Void, &args, &attr)?;
                swaps.push(swapped(line, index));
            }
            values.push(eval::step(world, op.code, op.ty, &args, &op.attr)?);
        }
        given = values;
    }
    Ok(())
}

struct System<'t> {
    world: World,
    line: &'t Trace,
    peeled: bool,
    label: Arc<Label>,
    /// The loop, then the bridges.
    traces: Vec<Optimized>,
    /// For each trace, the guards of the line that did not hold on the way that it recorded, from the line's start.
    detours: Vec<Vec<usize>>,
    bridges: HashMap<(usize, ExitId), usize>,
    /// Bridges that hang on stronger guards, and those that hang on them.
    careful: HashSet<usize>,
    request: Request,
    fuel: u32,
}

impl System<'_> {
    /// Runs until the fuel is spent. False: given up.
    fn run(&mut self, inputs: &[Value]) -> Result<bool, String> {
        let (mut current, mut entry, mut values) = (0, Entry::Start, inputs.to_vec());
        loop {
            let mut fuel = self.fuel + u32::from(current == 0 && entry == Entry::Start && !self.peeled);
            let ending = eval::run(&mut self.world, &self.traces[current].trace, entry, &values, &mut fuel);
            self.fuel = fuel;
            match ending.map_err(|fault| format!("in trace {current}: {fault:?}"))? {
                Ending::OutOfFuel => return Ok(true),
                Ending::Jumped { into_body, args, .. } => {
                    if self.fuel == 0 {
                        return Ok(true);
                    }
                    self.fuel -= 1;
                    (current, values) = (0, args);
                    entry = if into_body { Entry::Body } else { Entry::Start };
                }
                Ending::Left(left) => {
                    let Some((exit, live)) = left.exit.clone() else { return Err("left without an exit".to_string()) };
                    let Some(bridge) = self.bridge(current, exit, &left, &live)? else { return Ok(false) };
                    (current, entry, values) = (bridge, Entry::Start, live);
                }
                other => return Err(format!("ended with {other:?}")),
            }
        }
    }

    /// The bridge at that exit, recorded if need be.
    fn bridge(&mut self, from: usize, exit: ExitId, left: &Left, live: &[Value]) -> Result<Option<usize>, String> {
        if let Some(&bridge) = self.bridges.get(&(from, exit)) {
            return Ok(Some(bridge));
        }
        if self.traces.len() > MOST_BRIDGES {
            return Ok(None);
        }
        let data = self.traces[from].trace.exits[exit.0 as usize].clone();
        let before = self.detours[from].iter().copied().filter(|&index| index < left.frames[0].pc as usize).collect();
        let Some((trace, invariants, detours)) = record(self.line, &self.world, &data, left, live, before) else {
            return Ok(None);
        };
        ir::verify(&trace).map_err(|error| format!("a wrong bridge: {error}\n{trace}"))?;
        let mut request = self.request.clone();
        request.target = Some((TraceId(0), self.label.clone()));
        request.origin_constants = (0..=FALSE_CONSTANT).map(|id| Some(ConstRef(id))).collect();
        request.target_constants = request.origin_constants.clone();
        request.facts = self.traces[from].facts.of(exit).unwrap_or_default();
        if data.strength == Strength::Smaller || self.careful.contains(&from) {
            request.without = request.without.with(Passes::STRENGTHEN);
            self.careful.insert(self.traces.len());
        }
        if data.in_body {
            let written = self.traces[from].written.clone();
            request.origin = Some(Origin { trace: TraceId(0), invariants, written });
        }
        let Ok(optimized) = opt::optimize(trace, &request) else { return Ok(None) };
        ir::verify(&optimized.trace).map_err(|error| format!("{error}\n{}", optimized.trace))?;
        self.traces.push(optimized);
        self.detours.push(detours);
        self.bridges.insert((from, exit), self.traces.len() - 1);
        Ok(Some(self.traces.len() - 1))
    }
}

/// Records what is left of the line behind the guard that failed, as it goes now. Also the invariants, as operands.
fn record(
    line: &Trace,
    world: &World,
    exit: &Exit,
    left: &Left,
    live: &[Value],
    detours: Vec<usize>,
) -> Option<(Trace, Vec<Arg>, Vec<usize>)> {
    let mut bridge = Recorder {
        world: world.clone(),
        trace: Trace::new(TraceKind::Bridge, String::new()),
        values: Vec::new(),
        detours,
    };
    for (&(_, ty), &value) in exit.live.iter().zip(live) {
        bridge.trace.push(OpCode::Input, ty, &[], Attr::None);
        bridge.values.push(value);
    }
    let mut made: Vec<Arg> = Vec::new();
    for step in &exit.recipe {
        let args: Vec<Arg> = step.args.iter().map(|&arg| operand(arg, &made)).collect();
        made.push(bridge.push(step.code, step.ty, &args, step.attr)?);
    }
    let at = left.frames[0].pc as usize;
    let failed = &line.ops[at];
    // Slots stand for what the guard's snapshot lists.
    let listed = &line.snapshots[failed.snapshot?.0 as usize].frames[0].slots;
    let mut map: HashMap<ValueId, Arg> = HashMap::new();
    for (slot, &arg) in listed.iter().zip(&exit.frames[0].slots) {
        map.insert(slot.value()?, operand(arg, &made));
    }
    for (index, op) in line.ops.iter().enumerate().skip(at) {
        let renamed = |arg: Arg| match arg {
            Arg::Value(id) => map.get(&id).copied(),
            constant => Some(constant),
        };
        let mut args: Vec<Arg> = op.args.iter().map(|&arg| renamed(arg)).collect::<Option<_>>()?;
        if op.code == OpCode::JumpLabel {
            for (slot, other) in bridge.detours.iter().filter_map(|&index| swapped(line, index)) {
                args[slot] = renamed(Arg::Value(ValueId(other as u32)))?;
            }
        }
        let snapshot = op.snapshot.map(|id| &line.snapshots[id.0 as usize].frames[0].slots);
        let slots = snapshot.map(|slots| slots.iter().map(|&slot| renamed(slot)).collect::<Option<Vec<Arg>>>());
        let slots = match slots {
            Some(slots) => Some(slots?),
            None => None,
        };
        let result = bridge.op(op, index, &args, slots)?;
        map.insert(ValueId(index as u32), result);
    }
    let invariants = exit.invariants.iter().map(|&arg| operand(arg, &made)).collect();
    Some((bridge.trace, invariants, bridge.detours))
}

fn operand(arg: ExitArg, made: &[Arg]) -> Arg {
    match arg {
        ExitArg::Live(at) => Arg::Value(ValueId(at)),
        ExitArg::Made(at) => made[at as usize],
        ExitArg::Int(x) => Arg::Int(x),
        ExitArg::Flt(x) => Arg::Flt(x),
        ExitArg::Bool(x) => Arg::Bool(x),
        ExitArg::Imm(x) => Arg::Imm(x),
        ExitArg::Ref(x) => Arg::Ref(x),
    }
}

struct Recorder {
    world: World,
    trace: Trace,
    values: Vec<Value>,
    detours: Vec<usize>,
}

impl Recorder {
    fn push(&mut self, code: OpCode, ty: Ty, args: &[Arg], attr: Attr) -> Option<Arg> {
        let values: Vec<Value> = args.iter().map(|&arg| self.value(arg)).collect();
        self.values.push(eval::step(&mut self.world, code, ty, &values, &attr).ok()?);
        Some(Arg::Value(self.trace.push(code, ty, args, attr)))
    }

    /// An operation of the line: a guard as it holds now, anything else as it is.
    fn op(&mut self, op: &Op, index: usize, args: &[Arg], slots: Option<Vec<Arg>>) -> Option<Arg> {
        let values: Vec<Value> = args.iter().map(|&arg| self.value(arg)).collect();
        let in_line = holds(op.code, &values);
        let code = match op.code {
            OpCode::JumpLabel => {
                self.trace.push(OpCode::JumpLoop, Ty::Void, args, Attr::Target(TraceId(0)));
                return Some(Arg::NULL);
            }
            OpCode::GuardTrue | OpCode::GuardFalse if self.value(args[0]) == Value::Bool(true) => OpCode::GuardTrue,
            OpCode::GuardTrue | OpCode::GuardFalse => OpCode::GuardFalse,
            OpCode::StillValid => return Some(Arg::NULL),
            OpCode::AssumeTrue | OpCode::AssumeFalse | OpCode::AssumeValue | OpCode::ExpectSmall => {
                return Some(Arg::NULL);
            }
            other => other,
        };
        let mut args = args.to_vec();
        if code == OpCode::GuardValue {
            args[1] = constant_of(self.value(args[0]))?;
        }
        if code.effect() != Effect::Guard && slots.is_none() {
            return self.push(code, op.ty, &args, op.attr);
        }
        let at = self.trace.ops.len();
        let result = self.push(code, op.ty, &args, op.attr)?;
        let frame = FrameState {
            code: 1,
            pc: index as u32,
            slots: slots.unwrap_or_default(),
            log: Vec::new(),
            events: 1,
            resume: Resume::Replay,
        };
        self.trace.snapshots.push(Snapshot { frames: vec![Arc::new(frame)] });
        self.trace.ops[at].snapshot = Some(SnapshotId(self.trace.snapshots.len() as u32 - 1));
        if !in_line {
            let (code, args, attr) = detour(index);
            self.push(code, Ty::Void, &args, attr)?;
            self.detours.push(index);
        }
        Some(result)
    }

    fn value(&self, arg: Arg) -> Value {
        match arg {
            Arg::Value(id) => self.values[id.0 as usize],
            constant => eval::constant_value(&self.world, constant),
        }
    }
}
