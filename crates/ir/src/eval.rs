//! The reference evaluator: what a trace does, without compiling it.
//!
//! It runs recorded and optimised traces on a model heap whose contents follow from a seed, and tells everything an
//! observer can see: the calls with effects, in order, each with the state of the heap that it finds; and how the trace
//! ends, with the values that arrive there. Objects made by the trace are named in the order in which they become visible,
//! so a trace that makes fewer objects, or makes them later, is not told apart from one that makes all.
//!
//! It shares no code with the optimiser.

mod arith;
mod heap;

pub use crate::ExitId;
use crate::verify::is_end;
use crate::{Arg, Attr, Exit, ExitArg, FrameState, LogKind, OpCode, Resume, SnapshotId, Trace, TraceId, Ty, imm};
pub use heap::{FALSE_CONSTANT, OLD_OBJECTS, TRUE_CONSTANT, World};

/// A value of the model.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Value {
    Int(i64),
    /// The bits; every NaN is the same one.
    Flt(u64),
    Bool(bool),
    Ref(Ref),
    Void,
}

/// A guest value of the model.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ref {
    Null,
    Int(i64),
    Flt(u64),
    True,
    False,
    Object(u32),
}

/// Why a trace cannot be run: it does what no handler does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault(pub String);

/// How a run ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Ending {
    /// By a guard or by `leave`, in this state.
    Left(Left),
    /// By a jump to another trace.
    Jumped {
        target: TraceId,
        into_body: bool,
        args: Vec<Value>,
    },
    Returned(Value),
    Raised(Value),
    /// The fuel was spent at the loop's end.
    OutOfFuel,
}

/// The state in which the interpreter goes on.
#[derive(Clone, PartialEq, Debug)]
pub struct Left {
    pub frames: Vec<LeftFrame>,
    /// The operation that failed, and the exit, if the trace has exits, with its live values.
    pub at: usize,
    pub exit: Option<(ExitId, Vec<Value>)>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct LeftFrame {
    pub code: u64,
    pub pc: u32,
    pub events: u32,
    pub resume: Resume,
    pub slots: Vec<Value>,
    pub log: Vec<(LogKind, Value)>,
}

/// Where a run starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// At the first operation; the values are those of the inputs.
    Start,
    /// At the label; the values are those of the phis.
    Body,
}

/// Runs a trace. Going on at the label or at the start again, by falling or by jumping, costs a unit of `fuel`.
pub fn run(world: &mut World, trace: &Trace, entry: Entry, values: &[Value], fuel: &mut u32) -> Result<Ending, Fault> {
    Run { world, trace, values: vec![Value::Void; trace.ops.len()], armed: None, early: None }.run(entry, values, fuel)
}

/// The same, but the guard that is operation `at` is left, even if it holds, when it has been passed `times` times.
pub fn run_early(
    world: &mut World,
    trace: &Trace,
    entry: Entry,
    values: &[Value],
    fuel: &mut u32,
    (at, times): (usize, u32),
) -> Result<Ending, Fault> {
    let values_of_trace = vec![Value::Void; trace.ops.len()];
    Run { world, trace, values: values_of_trace, armed: None, early: Some((at, times)) }.run(entry, values, fuel)
}

/// The same, but the guard of the exit `armed` is left the first time that it is reached, even if it holds.
pub fn run_armed(
    world: &mut World,
    trace: &Trace,
    entry: Entry,
    values: &[Value],
    fuel: &mut u32,
    armed: ExitId,
) -> Result<Ending, Fault> {
    let values_of_trace = vec![Value::Void; trace.ops.len()];
    Run { world, trace, values: values_of_trace, armed: Some(armed), early: None }.run(entry, values, fuel)
}

type Outcome<T> = Result<T, Fault>;

fn fault<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Fault(text.into()))
}

struct Run<'r> {
    world: &'r mut World,
    trace: &'r Trace,
    values: Vec<Value>,
    armed: Option<ExitId>,
    early: Option<(usize, u32)>,
}

impl Run<'_> {
    fn run(&mut self, entry: Entry, given: &[Value], fuel: &mut u32) -> Outcome<Ending> {
        let label = self.trace.ops.iter().position(|op| op.code == OpCode::Label);
        let mut at = match entry {
            Entry::Start => self.set_all(0, OpCode::Input, given)?,
            Entry::Body => self.set_all(label.ok_or(Fault("no label".into()))? + 1, OpCode::Phi, given)?,
        };
        loop {
            let op = &self.trace.ops[at];
            let args: Vec<Value> = op.args.iter().map(|&arg| self.arg(arg)).collect();
            if is_end(op.code) {
                let target = match op.attr {
                    Attr::Target(target) => target,
                    _ => TraceId(u32::MAX),
                };
                return Ok(match op.code {
                    OpCode::JumpLabel => {
                        if *fuel == 0 {
                            return Ok(Ending::OutOfFuel);
                        }
                        *fuel -= 1;
                        at = match label {
                            Some(label) => self.set_all(label + 1, OpCode::Phi, &args)?,
                            None => self.set_all(0, OpCode::Input, &args)?,
                        };
                        continue;
                    }
                    OpCode::JumpLoop => Ending::Jumped { target, into_body: false, args },
                    OpCode::JumpBody => Ending::Jumped { target, into_body: true, args },
                    OpCode::FinishReturn => Ending::Returned(args[0]),
                    OpCode::FinishRaise => Ending::Raised(args[0]),
                    _ => Ending::Left(self.leave(at)?),
                });
            }
            if op.code == OpCode::Label {
                if *fuel == 0 {
                    return Ok(Ending::OutOfFuel);
                }
                *fuel -= 1;
            }
            let holds = match op.code {
                OpCode::GuardTrue | OpCode::GuardFalse | OpCode::GuardValue | OpCode::StillValid
                    if self.armed.is_some() && self.armed == op.exit =>
                {
                    false
                }
                OpCode::GuardTrue => args[0] == Value::Bool(true),
                OpCode::GuardFalse => args[0] == Value::Bool(false),
                OpCode::GuardValue => args[0] == args[1],
                OpCode::StillValid => self.world.is_valid(),
                OpCode::AssumeTrue if args[0] != Value::Bool(true) => return fault("a false assumption"),
                OpCode::AssumeFalse if args[0] != Value::Bool(false) => return fault("a false assumption"),
                OpCode::AssumeValue if args[0] != args[1] => return fault("a false assumption"),
                _ => true,
            };
            let is_early = match &mut self.early {
                Some((early, 0)) => *early == at,
                Some((early, times)) => {
                    *times -= u32::from(*early == at);
                    false
                }
                None => false,
            };
            if !holds || is_early {
                return Ok(Ending::Left(self.leave(at)?));
            }
            // Phis behind a label that is fallen into take their operand.
            self.values[at] = match op.code {
                OpCode::Phi => args[0],
                _ => step(self.world, op.code, op.ty, &args, &op.attr)?,
            };
            at += 1;
        }
    }

    /// Gives the inputs or phis from `at` on their values; the index behind them.
    fn set_all(&mut self, at: usize, code: OpCode, given: &[Value]) -> Outcome<usize> {
        let count = self.trace.ops[at..].iter().take_while(|op| op.code == code).count();
        if count != given.len() {
            return fault(format!("{} values for {count}", given.len()));
        }
        self.values[at..at + count].copy_from_slice(given);
        Ok(at + count)
    }

    fn arg(&self, arg: Arg) -> Value {
        match arg {
            Arg::Value(id) => self.values[id.0 as usize],
            constant => constant_value(self.world, constant),
        }
    }

    fn leave(&mut self, at: usize) -> Outcome<Left> {
        let op = &self.trace.ops[at];
        match (op.snapshot, op.exit) {
            (Some(SnapshotId(id)), _) => {
                let frames = &self.trace.snapshots[id as usize].frames;
                let frames = frames
                    .iter()
                    .map(|frame| left_frame(frame, &mut |arg| Ok(self.arg(arg))))
                    .collect::<Result<_, _>>()?;
                Ok(Left { frames, at, exit: None })
            }
            (_, Some(exit)) => {
                let data = &self.trace.exits[exit.0 as usize];
                let live: Vec<Value> = data.live.iter().map(|&(id, _)| self.values[id.0 as usize]).collect();
                let made = materialised(self.world, data, &live)?;
                let world = &*self.world;
                let value = |arg| exit_value(world, arg, &live, &made);
                let frames = data
                    .frames
                    .iter()
                    .map(|frame| left_frame(frame, &mut |arg| Ok(value(arg))))
                    .collect::<Result<_, _>>()?;
                Ok(Left { frames, at, exit: Some((exit, live)) })
            }
            _ => fault("a guard without a way out"),
        }
    }
}

fn left_frame<A: Copy>(frame: &FrameState<A>, value: &mut dyn FnMut(A) -> Outcome<Value>) -> Outcome<LeftFrame> {
    Ok(LeftFrame {
        code: frame.code,
        pc: frame.pc,
        events: frame.events,
        resume: frame.resume,
        slots: frame.slots.iter().map(|&slot| value(slot)).collect::<Result<_, _>>()?,
        log: frame.log.iter().map(|&(kind, _, arg)| Ok((kind, value(arg)?))).collect::<Outcome<_>>()?,
    })
}

/// The results of an exit's recipe.
fn materialised(world: &mut World, exit: &Exit, live: &[Value]) -> Outcome<Vec<Value>> {
    let mut made: Vec<Value> = Vec::with_capacity(exit.recipe.len());
    for recipe in &exit.recipe {
        let args: Vec<Value> = recipe.args.iter().map(|&arg| exit_value(world, arg, live, &made)).collect();
        made.push(step(world, recipe.code, recipe.ty, &args, &recipe.attr)?);
    }
    Ok(made)
}

/// The value of a constant operand; nothing for other operands.
pub fn constant_value(world: &World, arg: Arg) -> Value {
    match arg {
        Arg::Value(_) => Value::Void,
        Arg::Int(x) => Value::Int(x),
        Arg::Flt(bits) => arith::float(f64::from_bits(bits)),
        Arg::Bool(x) => Value::Bool(x),
        Arg::Imm(bits) => Value::Ref(immediate(bits)),
        Arg::Ref(id) => Value::Ref(world.constant(id)),
    }
}

/// The value of an exit's element, given its live values and the results of its recipe.
pub fn exit_value(world: &World, arg: ExitArg, live: &[Value], made: &[Value]) -> Value {
    match arg {
        ExitArg::Live(at) => live[at as usize],
        ExitArg::Made(at) => made[at as usize],
        ExitArg::Int(x) => Value::Int(x),
        ExitArg::Flt(bits) => arith::float(f64::from_bits(bits)),
        ExitArg::Bool(x) => Value::Bool(x),
        ExitArg::Imm(bits) => Value::Ref(immediate(bits)),
        ExitArg::Ref(id) => Value::Ref(world.constant(id)),
    }
}

/// Executes one operation that neither leaves nor ends.
pub fn step(world: &mut World, code: OpCode, ty: Ty, args: &[Value], attr: &Attr) -> Result<Value, Fault> {
    use OpCode::*;
    if let Some(value) = arith::compute(code, args) {
        return Ok(value);
    }
    let reference = |at: usize| match args[at] {
        Value::Ref(x) => Ok(x),
        other => fault(format!("{other:?} is no reference")),
    };
    let int = |at: usize| match args[at] {
        Value::Int(x) => Ok(x),
        other => fault(format!("{other:?} is no integer")),
    };
    let is = |holds: bool| Ok(Value::Bool(holds));
    match code {
        RefEq => is(reference(0)? == reference(1)?),
        IsInt => is(matches!(reference(0)?, Ref::Int(_))),
        IsFlt => is(matches!(reference(0)?, Ref::Flt(_))),
        IsNull => is(reference(0)? == Ref::Null),
        IntBox if !imm::int_fits(int(0)?) => fault("an integer boxed that does not fit"),
        IntBox => Ok(Value::Ref(Ref::Int(int(0)?))),
        IntUnbox => match reference(0)? {
            Ref::Int(x) => Ok(Value::Int(x)),
            other => fault(format!("{other:?} unboxed as an integer")),
        },
        FltBox => match args[0] {
            Value::Flt(x) => Ok(Value::Ref(Ref::Flt(x))),
            other => fault(format!("{other:?} boxed as a float")),
        },
        FltUnbox => match reference(0)? {
            Ref::Flt(x) => Ok(Value::Flt(x)),
            other => fault(format!("{other:?} unboxed as a float")),
        },
        BoolBox => Ok(Value::Ref(if args[0] == Value::Bool(true) { Ref::True } else { Ref::False })),
        Shape => world.shape(reference(0)?).map(Value::Int),
        SetShape => world.set_shape(reference(0)?, int(1)?),
        GetField | SetField | InitField => {
            let Attr::Field(field) = attr else { return fault("no field") };
            let place = heap::Place::field(field);
            match code {
                GetField => world.load(reference(0)?, place),
                _ => world.store(reference(0)?, place, args[1]),
            }
        }
        GetItem | SetItem | InitItem => {
            let Attr::Items(items) = attr else { return fault("no items") };
            let place = heap::Place::item(items, int(1)?)?;
            match code {
                GetItem => world.load(reference(0)?, place),
                _ => world.store(reference(0)?, place, args[2]),
            }
        }
        LoadBytes => {
            let Attr::Items(items) = attr else { return fault("no items") };
            world.load(reference(0)?, heap::Place::bytes(items, int(1)?)?)
        }
        RawLoad | RawStore => {
            let Attr::Raw(repr) = attr else { return fault("no representation") };
            match code {
                RawLoad => world.raw_load(int(1)?, int(2)?, *repr),
                _ => world.raw_store(int(1)?, int(2)?, *repr, args[3]),
            }
        }
        New => match attr {
            Attr::New { shape, .. } => Ok(world.make(*shape as i64, None)),
            _ => fault("no shape"),
        },
        NewItems => match attr {
            Attr::New { shape, .. } if (0..1 << 20).contains(&int(0)?) => Ok(world.make(*shape as i64, Some(int(0)?))),
            _ => fault("an impossible count of items"),
        },
        Call | CallSlice => match attr {
            Attr::Callee(callee) => world.call(callee, args),
            _ => fault("no callee"),
        },
        GuardTrue | GuardFalse | GuardValue | StillValid | AssumeTrue | AssumeFalse | AssumeValue | ExpectSmall
        | Label => Ok(Value::Void),
        _ => fault(format!("{} of {ty:?} cannot be executed here", code.row().text)),
    }
}

fn immediate(bits: u64) -> Ref {
    match (imm::to_int(bits), imm::to_float(bits)) {
        (Some(x), _) => Ref::Int(x),
        (_, Some(x)) => match arith::float(f64::from_bits(x)) {
            Value::Flt(x) => Ref::Flt(x),
            _ => Ref::Null,
        },
        _ => Ref::Null,
    }
}
