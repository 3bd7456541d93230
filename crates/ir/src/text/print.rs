//! From trace to text.

use crate::{
    Arg, Attr, CallEffect, Exit, ExitArg, Field, FrameState, LogKind, Op, OpCode, Repr, Resume, Trace, TraceKind, Ty,
    ValueId, imm,
};
use std::fmt::{self, Display, Write};

impl Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(self))
    }
}

/// The trace as text, one operation a line.
pub fn print(trace: &Trace) -> String {
    let mut out = String::new();
    out.push_str(match trace.kind {
        TraceKind::Loop => "loop [",
        TraceKind::Function => "function [",
        TraceKind::Bridge => "bridge [",
    });
    let inputs = trace.input_count();
    for index in 0..inputs {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(out, "{comma}{}", value_name(trace, ValueId(index as u32)));
    }
    out.push_str("]\n");
    for index in inputs..trace.ops.len() {
        out.push_str(&op_text(trace, index));
        out.push('\n');
    }
    out
}

/// One operation as text, without the end of the line.
pub fn op_text(trace: &Trace, index: usize) -> String {
    let op = &trace.ops[index];
    let mut out = String::new();
    if op.ty != Ty::Void {
        let _ = write!(out, "{} = ", value_name(trace, ValueId(index as u32)));
    }
    call_text(&mut out, op.code, op.args.iter().map(|&arg| arg_text(trace, arg)), &op.attr);
    if let Some(snapshot) = op.snapshot.and_then(|id| trace.snapshots.get(id.0 as usize)) {
        out.push(' ');
        let frames: Vec<&FrameState<Arg>> = snapshot.frames.iter().map(|frame| &**frame).collect();
        frames_text(&mut out, &frames, &|arg| arg_text(trace, arg));
    }
    if let Some(exit) = op.exit.and_then(|id| trace.exits.get(id.0 as usize)) {
        out.push_str(" -> ");
        exit_text(&mut out, trace, exit);
    }
    out
}

/// The letter with which names of that type begin.
pub(super) fn letter(ty: Ty) -> char {
    match ty {
        Ty::Int => 'i',
        Ty::Flt => 'f',
        Ty::Ref => 'p',
        Ty::Bool => 'b',
        Ty::Void => 'v',
    }
}

fn value_name(trace: &Trace, id: ValueId) -> String {
    let ty = trace.ops.get(id.0 as usize).map_or(Ty::Void, |op| op.ty);
    format!("{}{}", letter(ty), id.0)
}

fn arg_text(trace: &Trace, arg: Arg) -> String {
    match arg {
        Arg::Value(id) => value_name(trace, id),
        Arg::Int(x) => x.to_string(),
        Arg::Flt(bits) => float_text(bits),
        Arg::Bool(x) => x.to_string(),
        Arg::Imm(bits) => imm_text(bits),
        Arg::Ref(id) => format!("@{}", id.0),
    }
}

fn float_text(bits: u64) -> String {
    let x = f64::from_bits(bits);
    if x.is_nan() && bits != f64::NAN.to_bits() {
        return format!("f:{bits:016x}");
    }
    if x.is_nan() { "nan".to_string() } else { format!("{x:?}") }
}

fn imm_text(bits: u64) -> String {
    if bits == 0 {
        return "null".to_string();
    }
    match (imm::to_int(bits), imm::to_float(bits)) {
        (Some(x), _) => format!("#{x}"),
        (_, Some(x)) => format!("#{}", float_text(x)),
        _ => format!("#x:{bits:016x}"),
    }
}

fn call_text(out: &mut String, code: OpCode, args: impl Iterator<Item = String>, attr: &Attr) {
    out.push_str(code.row().text);
    out.push('(');
    let parts: Vec<String> = args.chain(attr_text(attr)).collect();
    out.push_str(&parts.join(", "));
    out.push(')');
}

fn attr_text(attr: &Attr) -> Option<String> {
    Some(match attr {
        Attr::None => return None,
        Attr::Field(Field { name, offset, repr, immutable }) => place_text(name, *offset, *repr, *immutable),
        Attr::Items(items) => place_text(items.name, items.offset, items.repr, items.immutable),
        Attr::Raw(repr) => format!("as={}", repr_text(*repr)),
        Attr::New { shape, bytes, item_bytes: 0 } => format!("shape={shape}, bytes={bytes}"),
        Attr::New { shape, bytes, item_bytes } => format!("shape={shape}, bytes={bytes}, item={item_bytes}"),
        Attr::Callee(callee) => format!("callee={}:{}", callee.name, effect_text(callee.effect)),
        Attr::Target(target) => format!("target={}", target.0),
    })
}

fn place_text(name: &str, offset: u32, repr: Repr, immutable: bool) -> String {
    format!("{name}@{offset}:{}{}", repr_text(repr), if immutable { "!" } else { "" })
}

pub(super) const REPRS: [(Repr, &str); 10] = [
    (Repr::Ref, "ref"),
    (Repr::I64, "i64"),
    (Repr::F64, "f64"),
    (Repr::F32, "f32"),
    (Repr::I32, "i32"),
    (Repr::U32, "u32"),
    (Repr::I16, "i16"),
    (Repr::U16, "u16"),
    (Repr::I8, "i8"),
    (Repr::U8, "u8"),
];

fn repr_text(repr: Repr) -> &'static str {
    REPRS[repr as usize].1
}

pub(super) const EFFECTS: [(CallEffect, &str); 5] = [
    (CallEffect::Pure, "pure"),
    (CallEffect::Allocates, "allocates"),
    (CallEffect::Reads, "reads"),
    (CallEffect::Writes, "writes"),
    (CallEffect::RunsGuest, "guest"),
];

fn effect_text(effect: CallEffect) -> &'static str {
    EFFECTS[effect as usize].1
}

pub(super) const RESUMES: [(Resume, &str); 3] =
    [(Resume::Rerun, "rerun"), (Resume::Replay, "replay"), (Resume::AfterCall, "call")];

pub(super) const LOG_KINDS: [(LogKind, &str); 4] =
    [(LogKind::Value, "value"), (LogKind::Green, "green"), (LogKind::Return, "return"), (LogKind::Raise, "raise")];

/// Whether a frame is what `[…]` alone stands for.
fn is_plain<A>(frame: &FrameState<A>) -> bool {
    frame.code == 0 && frame.pc == 0 && frame.events == 0 && frame.resume == Resume::Rerun && frame.log.is_empty()
}

fn frames_text<A: Copy>(out: &mut String, frames: &[&FrameState<A>], text: &dyn Fn(A) -> String) {
    let list = |slots: &[A]| slots.iter().map(|&slot| text(slot)).collect::<Vec<_>>().join(", ");
    if let [frame] = frames
        && is_plain(frame)
    {
        let _ = write!(out, "[{}]", list(&frame.slots));
        return;
    }
    if frames.is_empty() {
        out.push_str("{}");
    }
    for frame in frames {
        let resume = RESUMES[frame.resume as usize].1;
        let _ = write!(out, "{{{}:{} {resume} {} [{}]", frame.code, frame.pc, frame.events, list(&frame.slots));
        for &(kind, _, value) in &frame.log {
            let _ = write!(out, " {}({})", LOG_KINDS[kind as usize].1, text(value));
        }
        out.push('}');
    }
}

/// Steps without memory print where they are used; the others follow behind `with`.
fn exit_text(out: &mut String, trace: &Trace, exit: &Exit) {
    let frames: Vec<&FrameState<ExitArg>> = exit.frames.iter().map(|frame| &**frame).collect();
    frames_text(out, &frames, &|arg| exit_arg_text(trace, exit, arg));
    let mut before = " with ";
    for (index, step) in exit.recipe.iter().enumerate() {
        if is_inline(step.code) {
            continue;
        }
        out.push_str(before);
        before = "; ";
        if step.ty != Ty::Void {
            let _ = write!(out, "{} = ", step_name(exit, index));
        }
        call_text(out, step.code, step.args.iter().map(|&arg| exit_arg_text(trace, exit, arg)), &step.attr);
    }
    if exit.in_body && exit.invariants != own_invariants(trace, exit) {
        let list: Vec<String> = exit.invariants.iter().map(|&arg| exit_arg_text(trace, exit, arg)).collect();
        let _ = write!(out, " inv({})", list.join(", "));
    }
}

/// Objects of a recipe are counted.
fn step_name(exit: &Exit, index: usize) -> String {
    let before = exit.recipe[..index].iter().filter(|step| !is_inline(step.code) && step.ty != Ty::Void);
    format!("v{}", before.count())
}

pub(super) fn is_inline(code: OpCode) -> bool {
    !matches!(code, OpCode::New | OpCode::NewItems | OpCode::InitField | OpCode::InitItem)
}

fn exit_arg_text(trace: &Trace, exit: &Exit, arg: ExitArg) -> String {
    match arg {
        ExitArg::Live(index) => value_name(trace, exit.live[index as usize].0),
        ExitArg::Made(index) => {
            let step = &exit.recipe[index as usize];
            if !is_inline(step.code) {
                return step_name(exit, index as usize);
            }
            let mut out = String::new();
            call_text(&mut out, step.code, step.args.iter().map(|&arg| exit_arg_text(trace, exit, arg)), &step.attr);
            out
        }
        ExitArg::Int(x) => x.to_string(),
        ExitArg::Flt(bits) => float_text(bits),
        ExitArg::Bool(x) => x.to_string(),
        ExitArg::Imm(bits) => imm_text(bits),
        ExitArg::Ref(id) => format!("@{}", id.0),
    }
}

/// The invariants that an exit behind a label has if nothing else is written: the phis at the end of the label's list
/// that go round unchanged; none if the label stands right behind the inputs.
pub(super) fn own_invariants(trace: &Trace, exit: &Exit) -> Vec<ExitArg> {
    let phis = loop_invariant_phis(&trace.ops);
    let place = |id: ValueId| exit.live.iter().position(|live| live.0 == id);
    phis.into_iter().map(|id| place(id).map_or(ExitArg::Int(-1), |at| ExitArg::Live(at as u32))).collect()
}

pub(super) fn loop_invariant_phis(ops: &[Op]) -> Vec<ValueId> {
    let Some(end) = ops.last().filter(|op| op.code == OpCode::JumpLabel) else { return Vec::new() };
    let first = ops.iter().find(|op| op.code != OpCode::Input);
    if first.is_some_and(|op| op.code == OpCode::Label) {
        return Vec::new();
    }
    let phis: Vec<ValueId> =
        (0..ops.len()).filter(|&i| ops[i].code == OpCode::Phi).map(|i| ValueId(i as u32)).collect();
    let changing = phis.iter().zip(&end.args).rposition(|(&phi, &arg)| arg != Arg::Value(phi)).map_or(0, |at| at + 1);
    phis[changing.min(phis.len())..].to_vec()
}
