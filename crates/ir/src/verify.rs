//! The verifier: what every trace keeps to, recorded or optimised.
//!
//! Operands stand before their use and have the types of the table; attributes, snapshots and exits are there where they
//! belong; the last operation and only it is an end; behind a label the phis follow, and a value from before the label is
//! used behind it by phis alone.

use crate::{
    Arg, Attr, AttrKind, Effect, ExitArg, LogKind, Op, OpCode, OperandTy, RecipeStep, Snapshot, Trace, Ty, ValueId,
    text,
};

/// Checks a trace; the error names the operation and prints it.
pub fn verify(trace: &Trace) -> Result<(), String> {
    let label = trace.ops.iter().position(|op| op.code == OpCode::Label);
    let mut checker = Checker { trace, label: label.unwrap_or(0) };
    if trace.ops.is_empty() {
        return Err("an empty trace".to_string());
    }
    for index in 0..trace.ops.len() {
        checker.op(index).map_err(|error| format!("{error}\n  at {index}: {}", text::op_text(trace, index)))?;
    }
    checker.ends(label)
}

/// Whether the operation ends a trace.
pub(crate) fn is_end(code: OpCode) -> bool {
    use OpCode::*;
    matches!(code, JumpLabel | JumpLoop | JumpBody | Leave | FinishReturn | FinishRaise)
}

type Check = Result<(), String>;

fn ensure(holds: bool, error: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(error()) }
}

struct Checker<'t> {
    trace: &'t Trace,
    /// The index of the label, or 0.
    label: usize,
}

impl Checker<'_> {
    fn op(&mut self, index: usize) -> Check {
        let op = &self.trace.ops[index];
        let row = op.code.row();
        let count = row.operands.len();
        ensure(op.args.len() == count || (row.many && op.args.len() > count), || {
            format!("{} operands instead of {count}", op.args.len())
        })?;
        for (&arg, &expected) in op.args.iter().zip(row.operands) {
            self.arg(index, arg, op.code == OpCode::Phi)?;
            ensure(matches_ty(expected, self.trace.ty(arg)), || format!("operand {arg:?} is no {expected:?}"))?;
        }
        for &arg in op.args.iter().skip(count) {
            self.arg(index, arg, false)?;
        }
        match row.result {
            OperandTy::Is(ty) => ensure(op.ty == ty, || format!("the result is {:?} instead of {ty:?}", op.ty))?,
            OperandTy::Any => {}
        }
        self.attr(op)?;
        self.place(index, op)?;
        self.way_out(index, op)
    }

    /// An operand is defined, has a value, and comes through a phi where a label lies between.
    fn arg(&self, index: usize, arg: Arg, may_cross: bool) -> Check {
        let Arg::Value(ValueId(id)) = arg else { return Ok(()) };
        let id = id as usize;
        ensure(id < index, || format!("operand %{id} is not defined yet"))?;
        ensure(self.trace.ops[id].ty != Ty::Void, || format!("operand %{id} has no value"))?;
        ensure(may_cross || index < self.label || id > self.label || self.label == 0, || {
            format!("operand %{id} crosses the label without a phi")
        })
    }

    fn attr(&self, op: &Op) -> Check {
        let ty = |at: usize| self.trace.ty(op.args[at]);
        let agree = |a: Ty, b: Ty| ensure(a == b, || format!("{a:?} where {b:?} belongs"));
        match (op.code.row().attr, &op.attr) {
            (AttrKind::None, Attr::None) => match op.code {
                OpCode::GuardValue | OpCode::AssumeValue => {
                    ensure(op.args[1].is_const(), || "the second operand is no constant".to_string())?;
                    agree(ty(0), ty(1))
                }
                OpCode::Phi => agree(op.ty, ty(0)),
                _ => Ok(()),
            },
            (AttrKind::Field, Attr::Field(field)) => match op.code {
                OpCode::GetField => agree(op.ty, field.repr.ty()),
                _ => agree(ty(1), field.repr.ty()),
            },
            (AttrKind::Items, Attr::Items(items)) => match op.code {
                OpCode::GetItem | OpCode::LoadBytes => agree(op.ty, items.repr.ty()),
                _ => agree(ty(2), items.repr.ty()),
            },
            (AttrKind::Raw, Attr::Raw(repr)) => match op.code {
                OpCode::RawLoad => agree(op.ty, repr.ty()),
                _ => agree(ty(3), repr.ty()),
            },
            (AttrKind::New, Attr::New { .. }) => Ok(()),
            (AttrKind::Target, Attr::Target(_)) => Ok(()),
            (AttrKind::Callee, Attr::Callee(callee)) => {
                agree(op.ty, callee.result)?;
                let is_slice = op.code == OpCode::CallSlice;
                ensure(callee.function.is_variadic() == is_slice, || "the wrong kind of call".to_string())?;
                ensure(!op.is_buffered() || op.args.len() >= 2, || "fewer than two operands".to_string())?;
                if is_slice {
                    return op.args.iter().try_for_each(|&arg| agree(self.trace.ty(arg), Ty::Ref));
                }
                ensure(op.args.len() == callee.operands.len(), || "the wrong number of arguments".to_string())?;
                op.args.iter().zip(callee.operands).try_for_each(|(&arg, &operand)| agree(self.trace.ty(arg), operand))
            }
            (kind, attr) => Err(format!("attribute {attr:?} where {kind:?} belongs")),
        }
    }

    /// Inputs first, phis behind the label, an end last.
    fn place(&self, index: usize, op: &Op) -> Check {
        let before = index.checked_sub(1).map(|at| self.trace.ops[at].code);
        let is_last = index + 1 == self.trace.ops.len();
        ensure(is_end(op.code) == is_last, || "an end in the middle, or none at the end".to_string())?;
        match op.code {
            OpCode::Input => {
                ensure(matches!(before, None | Some(OpCode::Input)), || "an input in the middle".to_string())
            }
            OpCode::Label => ensure(self.label == index, || "a second label".to_string()),
            OpCode::Phi => {
                ensure(matches!(before, Some(OpCode::Label | OpCode::Phi)), || "a phi away from the label".to_string())
            }
            _ => Ok(()),
        }
    }

    fn way_out(&self, index: usize, op: &Op) -> Check {
        let is_optimised = !self.trace.exits.is_empty();
        let expected = op.code.is_guard();
        ensure(op.snapshot.is_none() || op.exit.is_none(), || "a snapshot and an exit".to_string())?;
        ensure(!expected || op.snapshot.is_some() || op.exit.is_some(), || "a guard without a way out".to_string())?;
        ensure(!(is_optimised && op.snapshot.is_some()), || "a snapshot in an optimised trace".to_string())?;
        let allowed = expected || op.code.effect() == Effect::Calls;
        ensure(allowed || (op.snapshot.is_none() && op.exit.is_none()), || "a way out where none belongs".to_string())?;
        if let Some(id) = op.snapshot {
            let snapshot = self.trace.snapshots.get(id.0 as usize).ok_or("no such snapshot")?;
            self.snapshot(index, snapshot)?;
        }
        let Some(id) = op.exit else { return Ok(()) };
        self.exit(index, id.0 as usize)
    }

    fn snapshot(&self, index: usize, snapshot: &Snapshot) -> Check {
        for frame in &snapshot.frames {
            for &slot in &frame.slots {
                self.arg(index, slot, false)?;
            }
            for &(kind, ty, arg) in &frame.log {
                self.arg(index, arg, false)?;
                ensure(self.trace.ty(arg) == ty, || format!("a log entry of another type than {ty:?}"))?;
                ensure(kind != LogKind::Green || arg.is_const(), || {
                    "a green log entry that is no constant".to_string()
                })?;
            }
        }
        Ok(())
    }

    fn exit(&self, index: usize, id: usize) -> Check {
        let exit = self.trace.exits.get(id).ok_or("no such exit")?;
        for &(value, ty) in &exit.live {
            self.arg(index, Arg::Value(value), false)?;
            ensure(self.trace.ops[value.0 as usize].ty == ty, || format!("live %{} is no {ty:?}", value.0))?;
        }
        for (at, step) in exit.recipe.iter().enumerate() {
            ensure(is_recipe_code(step.code), || format!("{:?} in a recipe", step.code))?;
            self.step(step, at, exit)?;
        }
        let made = exit.recipe.len();
        let all = exit.frames.iter().flat_map(|frame| frame.slots.iter().chain(frame.log.iter().map(|entry| &entry.2)));
        for &arg in all.chain(&exit.invariants) {
            self.exit_arg(arg, made, exit)?;
        }
        if self.label != 0 && index > self.label {
            ensure(exit.in_body, || "an exit behind the label that is not marked so".to_string())?;
        }
        Ok(())
    }

    fn step(&self, step: &RecipeStep, at: usize, exit: &crate::Exit) -> Check {
        let row = step.code.row();
        ensure(step.args.len() == row.operands.len(), || format!("a step {:?} with other operands", step.code))?;
        for (&arg, &expected) in step.args.iter().zip(row.operands) {
            self.exit_arg(arg, at, exit)?;
            let ty = exit_arg_ty(arg, exit);
            ensure(matches_ty(expected, ty), || format!("a step {:?} with an operand {ty:?}", step.code))?;
        }
        Ok(())
    }

    fn exit_arg(&self, arg: ExitArg, made: usize, exit: &crate::Exit) -> Check {
        match arg {
            ExitArg::Live(at) => ensure((at as usize) < exit.live.len(), || "no such live value".to_string()),
            ExitArg::Made(at) => ensure((at as usize) < made, || "a step's result before the step".to_string()),
            _ => Ok(()),
        }
    }

    fn ends(&self, label: Option<usize>) -> Check {
        let Some(op) = self.trace.ops.last().filter(|op| op.code == OpCode::JumpLabel) else {
            return ensure(label.is_none(), || "a label without a jump".to_string());
        };
        let expected = if label.is_some() { OpCode::Phi } else { OpCode::Input };
        let carried: Vec<Ty> = self.trace.ops.iter().filter(|op| op.code == expected).map(|op| op.ty).collect();
        let given: Vec<Ty> = op.args.iter().map(|&arg| self.trace.ty(arg)).collect();
        ensure(carried == given, || format!("the jump gives {given:?} where {carried:?} belong"))
    }
}

fn matches_ty(expected: OperandTy, ty: Ty) -> bool {
    match expected {
        OperandTy::Is(expected) => expected == ty,
        OperandTy::Any => ty != Ty::Void,
    }
}

fn exit_arg_ty(arg: ExitArg, exit: &crate::Exit) -> Ty {
    match arg {
        ExitArg::Live(at) => exit.live[at as usize].1,
        ExitArg::Made(at) => exit.recipe[at as usize].ty,
        ExitArg::Int(_) => Ty::Int,
        ExitArg::Flt(_) => Ty::Flt,
        ExitArg::Bool(_) => Ty::Bool,
        ExitArg::Imm(_) | ExitArg::Ref(_) => Ty::Ref,
    }
}

fn is_recipe_code(code: OpCode) -> bool {
    use OpCode::*;
    code < Input || matches!(code, IntBox | FltBox | BoolBox | New | NewItems | InitField | InitItem)
}
